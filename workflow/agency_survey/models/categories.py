"""Multinomial and proportional-odds regression (Agresti 2013, chapter 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from agency_survey.columns import row_list
from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError
from agency_survey.models import separation
from agency_survey.models.fit import Fit, fitted
from agency_survey.models.rows import Rows, crossproduct, domain_of, numbers_of, prepare
from agency_survey.models.terms import codes_of, levels_of


def _codes(y, levels: Sequence | None) -> tuple[np.ndarray, list]:
    """(codes (n,) as floats, missing where y is; levels in their order)."""
    if np.ndim(y) != 1:
        raise InputError("The outcome of the model is not one column", fix="Give one")
    values = pd.Series(y).reset_index(drop=True)
    levels = levels_of(values) if levels is None else list(levels)
    if len(set(levels)) < len(levels):
        raise InputError(f"The outcome has a level twice: {', '.join(map(str, levels))}", fix="Give each once")
    codes = codes_of(values, levels)
    strange = (codes < 0) & values.notna().to_numpy()
    if strange.any():
        raise InputError("An outcome is none of the levels", row_list(strange), "Correct it or add its level")
    return np.where(codes < 0, np.nan, codes.astype(float)), levels


def _refuse_empty(y: np.ndarray, levels: list) -> None:
    empty = [str(level) for k, level in enumerate(levels) if not (y == k).any()]
    if len(empty) >= len(levels) - 1:
        raise InputError("The outcome of the model does not vary in the domain", fix="Widen the domain")
    if empty:
        raise InputError(
            f"No row of the domain has the outcome {', '.join(empty)}",
            fix="Leave out that level or merge it with another",
        )


def _explain(what: str, rows: Rows, y: np.ndarray, levels: list) -> InputError:
    """The first category that a term separates from all others."""
    for k, level in enumerate(levels):
        found = separation.error(what, rows, y == k, outcome=f"category {level}")
        if "separates" in str(found):
            return found
    return found


@dataclass
class Multinomial:
    """A ``newton.Model`` with p coefficients for each category but the first: log(P_k / P_0) = x'b_k + offset."""

    rows: Rows
    y: np.ndarray  # (m,) codes 0..K-1, 0 the reference
    levels: list

    family = "multinomial"
    concave = True
    steps = 30

    @property
    def names(self) -> list[str]:
        """Names "level: column", one category after the other."""
        return [f"{level}: {name}" for level in self.levels[1:] for name in self.rows.names]

    @property
    def columns(self) -> list[str]:
        """Column of each coefficient."""
        return self.rows.names * (len(self.levels) - 1)

    def start(self) -> np.ndarray:
        """Zeros."""
        return np.zeros(len(self.names))

    def _eta(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Linear predictors (m, K), 0 for the reference."""
        eta = x @ b.reshape(len(self.levels) - 1, -1).T + offset[:, None]
        return np.column_stack([np.zeros(len(x), eta.dtype), eta])

    def mean(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Probabilities (m, K)."""
        eta = self._eta(b, x, offset)
        odds = np.exp(eta - eta.real.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def value(self, b: np.ndarray) -> float:
        """Weighted log-likelihood."""
        eta = self._eta(b, self.rows.x, self.rows.offset)
        own = eta[np.arange(len(eta)), self.y]
        return float(self.rows.weight @ (own - np.logaddexp.reduce(eta, axis=1)))

    def _residuals(self, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(indicators less probabilities, probabilities), (m, K - 1) each."""
        probability = self.mean(b, self.rows.x, self.rows.offset)[:, 1:]
        return (self.y[:, None] == np.arange(1, len(self.levels))) - probability, probability

    def derivatives(self, b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, gradient and information, whose block (j, k) is X' diag(w p_j (1[j = k] - p_k)) X."""
        residual, probability = self._residuals(b)
        x, w = self.rows.x, self.rows.weight
        k, p = probability.shape[1], x.shape[1]
        information = np.empty((k, p, k, p))
        for i in range(k):
            for j in range(i, k):
                block = crossproduct(x, w * probability[:, i] * ((i == j) - probability[:, j]))
                information[i, :, j, :] = information[j, :, i, :] = block
        return self.value(b), ((w[:, None] * residual).T @ x).ravel(), information.reshape(k * p, k * p)

    def estimating(self, b: np.ndarray) -> np.ndarray:
        """Weighted scores."""
        residual, x = self._residuals(b)[0], self.rows.x
        scores = np.empty((len(x), residual.shape[1], x.shape[1]))
        for k, column in enumerate(residual.T):
            np.multiply(x, (self.rows.weight * column)[:, None], out=scores[:, k])
        return scores.reshape(len(x), -1)

    def moved(self, step: np.ndarray) -> float:
        """Largest change of a linear predictor."""
        return float(np.abs(self.rows.x @ step.reshape(len(self.levels) - 1, -1).T).max())

    def jacobian(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Derivative (K, q) of the sum of weight times probabilities."""
        probability = self.mean(b, x, offset)
        count = len(self.levels)
        rows = []
        for k in range(count):
            parts = (probability[:, k] * ((k == j) - probability[:, j]) for j in range(1, count))
            rows.append(np.concatenate([(weight * part) @ x for part in parts]))
        return np.array(rows)

    def on(self, rows: Rows) -> Multinomial:
        """The same model on other columns."""
        return replace(self, rows=rows)

    def explain(self, b: np.ndarray) -> InputError:
        """Separation by name."""
        return _explain("The multinomial model", self.rows, self.y, self.levels)


def multinomial(
    design: SurveyDesign, y, x: pd.DataFrame, domain=None, offset=None, levels: Sequence | None = None
) -> Fit:
    """Weighted multinomial logistic regression; the first level is the reference category.

    y : (n,) categories; levels : their order, default the categories' own order, else sorted. The offset enters every
    equation. Coefficients are named "level: column". Other arguments as in ``logistic``.
    Raises InputError as ``logistic`` does, and for a level without observation in the domain.
    """
    codes, levels = _codes(y, levels)
    rows, codes = prepare(design, codes, x, domain, offset)
    _refuse_empty(codes, levels)
    return fitted(Multinomial(rows, codes.astype(int), levels))


@dataclass
class ProportionalOdds:
    """A ``newton.Model`` of P(y <= j) = F(zeta_j - x'b - offset), F logistic (McCullagh 1980): b, then zeta."""

    rows: Rows
    y: np.ndarray  # (m,) codes 0..q
    levels: list

    family = "proportional odds"
    concave = True
    steps = 30

    @property
    def names(self) -> list[str]:
        """Columns of x, then thresholds "lower|upper", as R's ``svyolr``."""
        return self.rows.names + [f"{a}|{b}" for a, b in zip(self.levels[:-1], self.levels[1:], strict=True)]

    @property
    def columns(self) -> list[str]:
        """Columns of x; none for the thresholds."""
        return self.rows.names + [""] * (len(self.levels) - 1)

    def start(self) -> np.ndarray:
        """No effects; thresholds of the weighted distribution of the outcome."""
        share = np.cumsum(np.bincount(self.y, self.rows.weight, len(self.levels)))[:-1] / self.rows.weight.sum()
        return np.append(np.zeros(self.rows.x.shape[1]), np.log(share / (1 - share)))

    def _bounds(self, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Linear predictors (m,) of the upper and lower threshold of each row's category, infinite at the ends."""
        p = self.rows.x.shape[1]
        ends = np.concatenate([[-np.inf], b[p:], [np.inf]])
        eta = self.rows.x @ b[:p] + self.rows.offset
        return ends[self.y + 1] - eta, ends[self.y] - eta

    def value(self, b: np.ndarray) -> float:
        """Weighted log-likelihood, minus infinity where thresholds are out of order."""
        upper, lower = self._bounds(b)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(self.rows.weight @ np.log(_between(upper, lower)))
        return value if np.isfinite(value) else -np.inf

    def _slopes(self, b: np.ndarray) -> tuple[np.ndarray, ...]:
        """First derivatives (m,) by the upper and lower predictor, and second ones: upper, lower, mixed."""
        upper, lower = self._bounds(b)
        probability = _between(upper, lower)
        up, low = _density(upper) / probability, -_density(lower) / probability
        by_upper = -np.tanh(np.where(np.isfinite(upper), upper, 0) / 2) * up - up**2
        by_lower = -np.tanh(np.where(np.isfinite(lower), lower, 0) / 2) * low - low**2
        return up, low, by_upper, by_lower, -up * low

    def derivatives(self, b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, gradient and observed information."""
        x, w, y, q = self.rows.x, self.rows.weight, self.y, len(self.levels) - 1
        up, low, by_upper, by_lower, mixed = self._slopes(b)

        def at_thresholds(of_upper: np.ndarray, of_lower: np.ndarray) -> np.ndarray:
            """Sums (q,) over the rows just below each threshold and just above it."""
            return np.bincount(y, w * of_upper, q + 1)[:q] + np.bincount(y, w * of_lower, q + 1)[1:]

        gradient = np.append(-x.T @ (w * (up + low)), at_thresholds(up, low))
        cross = np.array([at_thresholds(c * (by_upper + mixed), c * (by_lower + mixed)) for c in x.T]).reshape(-1, q)
        thresholds = -np.diag(at_thresholds(by_upper, by_lower))
        beside = np.bincount(y, w * mixed, q + 1)[1:q]
        thresholds[np.arange(q - 1), np.arange(1, q)] = thresholds[np.arange(1, q), np.arange(q - 1)] = -beside
        effects = -crossproduct(x, w * (by_upper + by_lower + 2 * mixed))
        return self.value(b), gradient, np.block([[effects, cross], [cross.T, thresholds]])

    def estimating(self, b: np.ndarray) -> np.ndarray:
        """Weighted scores."""
        up, low, *_ = self._slopes(b)
        x, w, q = self.rows.x, self.rows.weight, len(self.levels) - 1
        scores = np.empty((len(x), x.shape[1] + q))
        np.multiply(x, (-w * (up + low))[:, None], out=scores[:, : x.shape[1]])
        for j in range(q):
            scores[:, x.shape[1] + j] = w * (np.where(self.y == j, up, 0) + np.where(self.y == j + 1, low, 0))
        return scores

    def moved(self, step: np.ndarray) -> float:
        """Largest change of a threshold less a linear predictor."""
        p = self.rows.x.shape[1]
        eta = self.rows.x @ step[:p]
        return float(np.abs(np.subtract.outer(step[p:], [eta.min(), eta.max()])).max())

    def _cumulative(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """P(y <= j) (m, q)."""
        p = x.shape[1]
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(-(b[p:] - (x @ b[:p] + offset)[:, None])))

    def mean(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Probabilities (m, q + 1)."""
        inner = self._cumulative(b, x, offset)
        edge = np.zeros((len(x), 1))
        return np.diff(np.concatenate([edge, inner, edge + 1], axis=1), axis=1)

    def jacobian(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Derivative (q + 1, p + q) of the sum of weight times probabilities."""
        inner = self._cumulative(b, x, offset)
        density = inner * (1 - inner) * weight[:, None]
        slope = np.concatenate([-density.T @ x, np.diag(density.sum(axis=0))], axis=1)
        edge = np.zeros((1, slope.shape[1]))
        return np.diff(np.concatenate([edge, slope, edge]), axis=0)

    def on(self, rows: Rows) -> ProportionalOdds:
        """The same model on other columns."""
        return replace(self, rows=rows)

    def explain(self, b: np.ndarray) -> InputError:
        """A term that separates the categories up to some threshold from those above."""
        for k in range(1, len(self.levels)):
            above = f"category {self.levels[k]} or above"
            found = separation.error("The proportional-odds model", self.rows, self.y >= k, outcome=above)
            if "separates" in str(found):
                return found
        return found


def _between(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """F(upper) - F(lower), taken from the nearer end so that no digits are lost."""
    flip = lower > 0
    a, b = np.where(flip, -lower, upper), np.where(flip, -upper, lower)
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-a)) - 1 / (1 + np.exp(-b))


def _density(z: np.ndarray) -> np.ndarray:
    """Logistic density, 0 at infinity."""
    small = np.exp(-np.abs(z))
    return small / (1 + small) ** 2


def proportional_odds(
    design: SurveyDesign, y, x: pd.DataFrame, domain=None, offset=None, levels: Sequence | None = None
) -> Fit:
    """Weighted cumulative-logit regression with proportional odds (McCullagh 1980; as R survey's ``svyolr``).

    y : (n,) ordered categories; levels : their order from low to high, needed unless y is an ordered Categorical.
    A positive coefficient raises the odds of higher categories. An intercept among the columns is left out, since the
    thresholds, named "lower|upper" behind the coefficients, take its place. Other arguments as in ``logistic``.
    Raises InputError as ``logistic`` does, for an outcome without order and a level without observation.
    """
    values = pd.Series(y) if np.ndim(y) == 1 else pd.Series(dtype=float)
    if levels is None and not (isinstance(values.dtype, pd.CategoricalDtype) and values.cat.ordered):
        raise InputError(
            "The outcome of a proportional-odds model has no order", fix="Give its levels from low to high"
        )
    codes, levels = _codes(y, levels)
    inside = domain_of(design, domain)
    ones = [k for k, column in enumerate(numbers_of(x).T) if len(x) == design.n and (column[inside] == 1).all()]
    rows, codes = prepare(design, codes, x if ones else x.assign(**{" ": 1.0}), domain, offset)
    leave = ones[0] if ones else len(rows.names) - 1
    rows = rows.keeping([k for k in range(len(rows.names)) if k != leave])
    _refuse_empty(codes, levels)
    return fitted(ProportionalOdds(rows, codes.astype(int), levels))
