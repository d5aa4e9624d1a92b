"""Raking and calibration, and designs whose variances know of it.

Weights w = d g are brought to known totals with factors g as close to 1 as a distance allows (Deville and Saerndal 1992);
post-stratification and raking are the cases of one margin and of several (Deville, Saerndal and Sautory 1993).

Variance: residual method. A total of w y has, to first order, the design variance of w e, where e is the residual of y
from its regression on the calibration variables x over the whole sample, weighted by d / sigma2, the weights *before* the
step (Deville and Saerndal 1992; Saerndal, Swensson and Wretman 1992, section 6.6). Linearised scores of ratios,
domains and regressions take the place of w y.

R's survey package answers in more than one way. ``calibrate`` keeps this very regression, and it is followed here for
every method: raking is calibration with the exponential distance, post-stratification that with one margin (where
``postStratify`` agrees exactly). Not followed, each with a test that says so:

- ``rake`` centres the scores with plain means by each margin in turn, which leave the weights out. Where base weights
  differ much its standard errors are wrong to first order, as the derivative of the raked estimate shows.
- of several steps R takes the residuals of the first first; the derivative has the last first.
- R drops ``variance`` (sigma2) from the residuals of bounded and exponential calibration; here it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey.columns import numbers
from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError
from agency_survey.solvers import symmetric_pseudo_inverse
from agency_survey.weights import checked_weights, known_totals, label_codes, poststratification_factor

BLOCK = 1 << 16  # rows handled at once, so that no second copy of x is made
ACCEPTED = 1e-10  # relative difference at which a total counts as met


# ---- calibration variables -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Margins:
    """Indicators of the categories of one or more margins, held as codes: ``codes`` (n,) and ``sizes`` by margin."""

    codes: list[np.ndarray]
    sizes: list[int]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """X'v (p,)."""
        return np.concatenate([np.bincount(c, values, k) for c, k in zip(self.codes, self.sizes, strict=True)])

    def absolute_sums(self, values: np.ndarray) -> np.ndarray:
        """|X|'v (p,)."""
        return self.sums(values)

    def fitted(self, coefficients: np.ndarray) -> np.ndarray:
        """Xb (n,)."""
        parts = np.split(coefficients, np.cumsum(self.sizes)[:-1])
        out = parts[0][self.codes[0]]
        for codes, part in zip(self.codes[1:], parts[1:], strict=True):
            out += part[codes]
        return out

    def gram(self, values: np.ndarray) -> np.ndarray:
        """X'diag(v)X (p, p)."""
        blocks = [
            [np.bincount(a * m + b, values, k * m).reshape(k, m) for b, m in zip(self.codes, self.sizes, strict=True)]
            for a, k in zip(self.codes, self.sizes, strict=True)
        ]
        return np.block(blocks)


@dataclass(frozen=True)
class Columns:
    """Calibration variables given as a matrix x (n, p)."""

    x: np.ndarray

    def _blocks(self) -> Iterator[slice]:
        return (slice(at, at + BLOCK) for at in range(0, len(self.x), BLOCK))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """X'v (p,)."""
        return self.x.T @ values

    def absolute_sums(self, values: np.ndarray) -> np.ndarray:
        """|X|'v (p,)."""
        return sum(np.abs(self.x[rows]).T @ values[rows] for rows in self._blocks())

    def fitted(self, coefficients: np.ndarray) -> np.ndarray:
        """Xb (n,)."""
        return self.x @ coefficients

    def gram(self, values: np.ndarray) -> np.ndarray:
        """X'diag(v)X (p, p)."""
        return sum((self.x[rows] * values[rows, None]).T @ self.x[rows] for rows in self._blocks())


# ---- raking --------------------------------------------------------------------------------------------------------


def raking_factor(weight, margins: Mapping, totals: Mapping) -> np.ndarray:
    """Factor (n,) that brings the weights to the known totals of every margin: iterative proportional fitting.

    weight : (n,); margins : labels (n,) by name of the margin; totals : a Series of counts indexed by label, by the same
    names. Rows are first added up to the cells of the margins' cross-table, then the table is fitted (Deming and Stephan
    1940); where that is slow, Newton's method finishes the same fit. Every total is met to 1e-10 relative.
    Raises InputError for a missing label, the refusals of ``known_totals`` by margin, margins whose totals do not add up
    to the same, and for the margin and category that is furthest off where no weights meet all totals.
    """
    weight = checked_weights(weight)
    codes, names, wanted = _margins(weight, margins, totals)
    cell, first = _cross_table(codes, [len(total) for total in wanted])
    table = np.bincount(cell, weight, len(first))
    codes = [code[first] for code in codes]
    factor = _proportional_fit(table, codes, wanted)
    fitted = table * factor
    if max(_off(code, fitted, total).max() for code, total in zip(codes, wanted, strict=True)) > ACCEPTED / 10:
        terms, total = Margins(codes, [len(total) for total in wanted]), np.concatenate(wanted)
        more, _ = _solve(fitted, terms, total, np.ones(len(table)), Distance("raking", 0.0, np.inf))
        factor, fitted = factor * more, fitted * more
    for code, total in zip(codes, wanted, strict=True):
        if not _off(code, fitted, total).max() <= ACCEPTED / 10:
            _refuse_margins(fitted, codes, wanted, names)
    return factor[cell]


def _proportional_fit(table: np.ndarray, codes: list, wanted: list) -> np.ndarray:
    """Factors (K,) of the cells of ``table`` (K,) after at most 100 passes over the margins."""
    factor = np.ones(len(table))
    for _ in range(100):
        worst = 0.0
        for code, total in zip(codes, wanted, strict=True):
            found = np.bincount(code, table * factor, len(total))
            change = total / found if found.all() else np.divide(total, found, out=np.ones(len(total)), where=found > 0)
            worst = max(worst, np.abs(change - 1).max())
            factor *= change[code]
        if worst <= 1e-12:
            break
    return factor


def _off(code: np.ndarray, table: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Relative differences (k,) of a margin of the table from its known totals."""
    return np.abs(np.bincount(code, table, len(total)) - total) / np.where(total > 0, total, 1.0)


def _margins(weight: np.ndarray, margins: Mapping, totals: Mapping) -> tuple[list, dict, list]:
    """Codes (n,), labels and known totals of each margin, in the order of ``margins``."""
    if not isinstance(margins, Mapping) or not isinstance(totals, Mapping):
        raise InputError("The margins and their totals have no names", fix="Give both as a dict by name")
    if not len(margins) or set(margins) != set(totals):
        raise InputError(
            f"The margins ({', '.join(map(str, margins))}) and their totals ({', '.join(map(str, totals))}) differ",
            fix="Give each margin its totals",
        )
    codes, names, wanted = [], {}, []
    for name, labels in margins.items():
        if len(labels) != len(weight):
            raise InputError(
                f"The margin {name} has {len(labels)} labels for {len(weight)} weights", fix="Give one each"
            )
        code, names[name] = label_codes(labels, f"The margin {name} is missing")
        codes.append(code)
        wanted.append(
            known_totals(names[name], np.bincount(code, weight), totals[name], "category", f"the margin {name}")
        )
    sums = {name: total.sum() for name, total in zip(margins, wanted, strict=True)}
    low, high = min(sums, key=sums.get), max(sums, key=sums.get)
    if sums[high] - sums[low] > ACCEPTED * sums[high]:
        raise InputError(
            f"The totals of the margin {high} add up to {sums[high]:.12g}, those of the margin {low} to {sums[low]:.12g}",
            fix="Take both from one frame",
        )
    return codes, names, wanted


def _cross_table(codes: Sequence[np.ndarray], sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Cell (n,) of each row in the cross-table of the codes, and one row (K,) that lies in each cell.

    A table that would be larger than the data is cut to the cells that occur. A cell without rows points to row 0; it has
    no weight.
    """
    cell, size = np.zeros(len(codes[0]), dtype=np.int64), 1
    for code, count in zip(codes, sizes, strict=True):
        cell, size = cell * count + code, size * count
        if size > len(cell) + 1000:
            cell, found = pd.factorize(cell)
            size = len(found)
    first = np.zeros(size, dtype=np.int64)
    first[cell] = np.arange(len(cell))
    return cell, first


def _refuse_margins(table: np.ndarray, codes: list, wanted: list, names: dict) -> None:
    off = []
    for name, code, total in zip(names, codes, wanted, strict=True):
        apart = _off(code, table, total)
        at = int(apart.argmax())
        off.append((apart[at], name, names[name][at], total[at], np.bincount(code, table, len(total))[at]))
    _, name, label, total, found = max(off, key=lambda row: row[0])
    raise InputError(
        f"Raking does not converge: the worst is the margin {name}, category {label}, with {found:.8g} where {total:.8g} "
        "is wanted",
        fix="Collapse categories that hardly occur together, or drop a margin",
    )


# ---- calibration ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Distance:
    """Calibration function F of Deville and Saerndal (1992), with bounds on g = F(u).

    'linear': F = 1 + u, cut off at the bounds; 'raking': F = exp(u), cut off at the bounds; 'logit': the smooth function
    between L and U, F = (L (U - 1) + U (1 - L) exp(A u)) / (U - 1 + (1 - L) exp(A u)), A = (U - L) / ((1 - L)(U - 1)).
    ``integral`` is an antiderivative of F: the calibration is the minimum of a convex function.
    """

    method: str
    low: float
    high: float

    def _logit(self, u: np.ndarray) -> tuple[np.ndarray, float, float, float]:
        a, b = self.high - 1, 1 - self.low
        slope = (self.high - self.low) / (a * b)
        # e = exp(slope u) on the side where it does not overflow
        share = 1 / (1 + np.exp(-np.clip(slope * u + np.log(b / a), -700, 700)))
        return share, slope, a, b

    def factor(self, u: np.ndarray) -> np.ndarray:
        """F(u)."""
        if self.method == "logit":
            return self.low + (self.high - self.low) * self._logit(u)[0]
        return np.clip(1 + u if self.method == "linear" else np.exp(u), self.low, self.high)

    def slope(self, u: np.ndarray) -> np.ndarray:
        """F'(u); 0 where F is cut off."""
        if self.method == "logit":
            share, slope, _, _ = self._logit(u)
            return (self.high - self.low) * slope * share * (1 - share)
        raw = 1 + u if self.method == "linear" else np.exp(u)
        return np.where((raw > self.low) & (raw < self.high), 1.0 if self.method == "linear" else raw, 0.0)

    def integral(self, u: np.ndarray) -> np.ndarray:
        """Antiderivative of F at u."""
        if self.method == "logit":
            _, slope, a, b = self._logit(u)
            return self.low * u + (self.high - self.low) / slope * np.logaddexp(np.log(a), np.log(b) + slope * u)
        if self.method == "linear":
            inside = np.clip(1 + u, self.low, self.high)
            return inside * (1 + u) - inside**2 / 2  # the square inside the bounds, its tangent beyond them
        inside = np.clip(u, np.log(self.low) if self.low > 0 else -np.inf, np.log(self.high))
        return np.exp(inside) * (1 + u - inside)


def calibration_factor(weight, x, totals, method: str = "linear", bounds=None, variance=None) -> np.ndarray:
    """Factor (n,) g = F(x'lambda / sigma2) with sum w g x = totals (Deville and Saerndal 1992; as R's ``calibrate``).

    weight : (n,); x : (n, p) matrix or frame with its intercept, numeric; totals : (p,) or a Series indexed by the frame's
    columns; method : 'linear', 'raking' (exponential) or 'logit'; bounds : (L, U) with L < 1 < U on the factor, needed for
    'logit'; variance : (n,) sigma2, to which the variance of y is thought proportional. Solved by Newton's method with
    halved steps on the convex dual; totals are met to 1e-10 of their size.
    Unlike R, weights are never rescaled before the bounds apply. Columns that repeat others are allowed if their totals
    agree. Raises InputError for missing values, names that differ, bounds that do not hold 1, totals that cannot be met
    (the worst is named) and negative weights, which the linear method without bounds may give.
    """
    weight = checked_weights(weight)
    matrix, names = _matrix(x, weight)
    wanted = _totals(totals, x, names)
    sigma2 = _variance(variance, weight)
    distance = _distance(method, bounds)
    factor, lack = _solve(weight, Columns(matrix), wanted, sigma2, distance)
    if lack.any():
        at = int(np.abs(lack / np.maximum(np.abs(wanted), Columns(matrix).absolute_sums(weight))).argmax())
        limits = "" if not np.isfinite(distance.high) else f" within the bounds {distance.low:g} and {distance.high:g}"
        raise InputError(
            f"The totals cannot be met{limits}: the worst is {names[at]}, with {wanted[at] - lack[at]:.8g} where "
            f"{wanted[at]:.8g} is wanted",
            fix="Widen the bounds, correct the totals, or drop a variable",
        )
    bad = (factor < 0) & (weight > 0)
    if bad.any():
        raise InputError(
            f"Linear calibration makes {bad.sum()} weights negative, the lowest factor being {factor[bad].min():.4g}",
            f"row {int(np.flatnonzero(bad)[0]) + 1}",
            "Give bounds, or use the method 'raking' or 'logit'",
        )
    return factor


def _matrix(x, weight: np.ndarray) -> tuple[np.ndarray, list[str]]:
    names = [str(name) for name in x.columns] if isinstance(x, pd.DataFrame) else None
    matrix = numbers(x, "A calibration variable")
    if matrix.ndim != 2 or len(matrix) != len(weight) or not matrix.shape[1]:
        raise InputError(
            f"The calibration variables have the shape {matrix.shape} for {len(weight)} weights", fix="Give a row each"
        )
    used = weight > 0
    bad = used & ~np.isfinite(matrix).all(axis=1)
    if bad.any():
        raise InputError(
            "A calibration variable is missing or infinite", f"row {int(np.flatnonzero(bad)[0]) + 1}", "Impute it"
        )
    if not used.all():
        matrix = np.where(used[:, None], matrix, 0.0)
    return matrix, names or [f"column {k + 1}" for k in range(matrix.shape[1])]


def _totals(totals, x, names: list[str]) -> np.ndarray:
    totals = pd.Series(totals) if isinstance(totals, Mapping) else totals
    if isinstance(totals, pd.Series) and isinstance(x, pd.DataFrame):
        if set(totals.index) != set(x.columns) or len(totals) != len(x.columns):
            raise InputError(
                f"The totals ({', '.join(map(str, totals.index))}) and the calibration variables ({', '.join(names)}) differ",
                fix="Give each variable its total",
            )
        totals = totals.reindex(x.columns)
    wanted = numbers(totals, "A total")
    if wanted.shape != (len(names),):
        raise InputError(f"There are {wanted.size} totals for {len(names)} calibration variables", fix="Give one each")
    bad = ~np.isfinite(wanted)
    if bad.any():
        raise InputError(
            f"The total of {names[int(np.flatnonzero(bad)[0])]} is missing or infinite", fix="Complete the frame"
        )
    return wanted


def _variance(variance, weight: np.ndarray) -> np.ndarray:
    if variance is None:
        return np.ones(len(weight))
    sigma2 = numbers(variance, "A variance")
    if sigma2.shape != weight.shape:
        raise InputError(f"There are {len(sigma2)} variances for {len(weight)} weights", fix="Give one each")
    bad = ~(np.isfinite(sigma2) & (sigma2 > 0))
    if bad.any():
        raise InputError(
            "A variance is missing or not positive", f"row {int(np.flatnonzero(bad)[0]) + 1}", "Correct it"
        )
    return sigma2


def _distance(method: str, bounds) -> Distance:
    if method not in ("linear", "raking", "logit"):
        raise ValueError(f"unknown calibration method: {method}")
    if bounds is None:
        if method == "logit":
            raise InputError("Logit calibration has no bounds", fix="Give the lowest and the highest factor allowed")
        return Distance(method, 0.0 if method == "raking" else -np.inf, np.inf)
    if np.shape(bounds) != (2,):
        raise InputError("The bounds are not two numbers", fix="Give the lowest and the highest factor allowed")
    low, high = (float(value) for value in numbers(bounds, "A bound"))
    if not low < 1 < high or (method == "logit" and not (np.isfinite(low) and np.isfinite(high))):
        raise InputError(
            f"The bounds {low:g} and {high:g} do not hold the factor 1 between them", fix="Widen the bounds"
        )
    return Distance(method, max(low, 0.0) if method == "raking" else low, high)


def _solve(
    weight: np.ndarray, terms: Margins | Columns, wanted: np.ndarray, sigma2: np.ndarray, distance: Distance
) -> tuple[np.ndarray, np.ndarray]:
    """Newton's method on sum w sigma2 G(x'b / sigma2) - totals'b, G' = F, whose gradient is what the totals lack.

    Returns (factor (n,), lack (p,)); the lack is 0 where all totals are met to 1e-11 of their size.
    """
    size = np.maximum(np.abs(wanted), terms.absolute_sums(weight))
    size[size == 0] = 1.0
    scaled = weight * sigma2

    def objective(u: np.ndarray, b: np.ndarray) -> float:
        value = float(scaled @ distance.integral(u) - wanted @ b)
        return value if np.isfinite(value) else np.inf

    b, u = np.zeros(len(wanted)), np.zeros(len(weight))
    best, factor, short = np.inf, np.ones(len(weight)), wanted
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(100):
            found = distance.factor(u)
            lack = wanted - terms.sums(weight * found)
            off = float((np.abs(lack) / size).max())
            if best <= ACCEPTED / 10 and not off < best / 2:  # no more to gain than rounding
                break
            if off < best:
                best, factor, short = off, found, lack
            step = symmetric_pseudo_inverse(terms.gram(weight * distance.slope(u) / sigma2)) @ lack
            gain = float(lack @ step)
            here, slack = (
                objective(u, b),
                1e-13 * float(scaled @ np.abs(distance.integral(u)) + np.abs(wanted) @ np.abs(b)),
            )
            along, length = terms.fitted(step) / sigma2, 1.0
            while not objective(u + length * along, b + length * step) <= here - 1e-4 * length * gain + slack:
                length /= 2
                if length < 1e-9:  # no way down: the totals cannot be met
                    return factor, short
            b, u = b + length * step, u + length * along
    return factor, short if best > ACCEPTED / 10 else np.zeros(len(wanted))


# ---- designs that know of it ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Residuals:
    """The step of a design that turns scores into those of calibrated weights: w y becomes w e.

    terms : calibration variables; pull (n,) : weights of the regression, d / sigma2; after (n,) : calibrated weights w;
    inverse (p, p) : generalised inverse of X'diag(pull)X.
    """

    terms: Margins | Columns
    pull: np.ndarray
    after: np.ndarray
    inverse: np.ndarray

    def residuals(self, scores: np.ndarray) -> np.ndarray:
        """Scores (n, k) less w times their regression on the calibration variables over the whole sample.

        Scores are taken as w y; a row without weight has neither. Normal equations, refined once.
        """
        scores = np.asarray(scores, dtype=float)
        columns = scores[:, None] if scores.ndim == 1 else scores
        out = np.empty_like(columns)
        for k in range(columns.shape[1]):
            rest = np.divide(columns[:, k], self.after, out=np.zeros(len(columns)), where=self.after > 0)
            for _ in range(2):
                rest -= self.terms.fitted(self.inverse @ self.terms.sums(self.pull * rest))
            out[:, k] = self.after * rest
        return out.reshape(scores.shape)


def _adjusted(design: SurveyDesign, factor: np.ndarray, terms: Margins | Columns, sigma2=1.0) -> SurveyDesign:
    after = design.weight * factor
    pull = np.where(after > 0, design.weight / sigma2, 0.0)
    return design.with_adjustment(after, Residuals(terms, pull, after, symmetric_pseudo_inverse(terms.gram(pull))))


def poststratify(design: SurveyDesign, cell, totals: pd.Series) -> SurveyDesign:
    """The design post-stratified to the known totals of its cells (as R's ``postStratify``).

    cell : (n,) labels; totals : counts indexed by label. Errors as ``weights.poststratification_factor``.
    """
    factor = poststratification_factor(design.weight, cell, totals)
    codes, names = label_codes(cell, "The cell is missing")
    return _adjusted(design, factor, Margins([codes], [len(names)]))


def rake(design: SurveyDesign, margins: Mapping, totals: Mapping) -> SurveyDesign:
    """The design raked to the known totals of several margins (as R's ``calibrate`` with ``calfun = "raking"``).

    Arguments and errors as ``raking_factor``.
    """
    return raked(design, raking_factor(design.weight, margins, totals), margins)


def raked(design: SurveyDesign, factor, margins: Mapping) -> SurveyDesign:
    """The design with the factor (n,) of a raking done before, over more rows perhaps; margins : labels (n,) by name."""
    coded = [label_codes(labels, f"The margin {name} is missing") for name, labels in margins.items()]
    terms = Margins([codes for codes, _ in coded], [len(names) for _, names in coded])
    return _adjusted(design, np.asarray(factor, dtype=float), terms)


def calibrate(design: SurveyDesign, x, totals, method: str = "linear", bounds=None, variance=None) -> SurveyDesign:
    """The design calibrated to known totals (as R's ``calibrate``). Arguments and errors as ``calibration_factor``."""
    factor = calibration_factor(design.weight, x, totals, method, bounds, variance)
    matrix, _ = _matrix(x, design.weight)
    return _adjusted(design, factor, Columns(matrix), _variance(variance, design.weight))
