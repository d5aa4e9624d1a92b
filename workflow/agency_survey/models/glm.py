"""Linear, logistic and Poisson regression: generalised linear models with their canonical links.

Estimating equations sum w x (y - mu) = 0 and information X' diag(w v(mu)) X (McCullagh and Nelder 1989, chapter 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import gammaln, xlogy

from agency_survey.columns import row_list
from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError
from agency_survey.models import separation
from agency_survey.models.fit import Fit, fitted
from agency_survey.models.rows import Rows, blocks, crossproduct, prepare


@dataclass(frozen=True)
class Family:
    """Mean and variance as functions of the linear predictor; log-likelihood of each row."""

    name: str
    mean: Callable[[np.ndarray], np.ndarray]
    variance: Callable[[np.ndarray], np.ndarray]
    likelihood: Callable[[np.ndarray, np.ndarray], np.ndarray]  # of y and eta


def _probability(eta: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-eta))


def _log_likelihood(y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """y eta - log(1 + exp(eta)), without overflow and faster than with ``np.logaddexp``."""
    return y * eta - np.maximum(eta, 0) - np.log1p(np.exp(-np.abs(eta)))


# the variance of a linear model is left out everywhere: it cancels from the sandwich and from Rao-Scott tests
GAUSSIAN = Family("gaussian", lambda eta: eta, np.ones_like, lambda y, eta: -((y - eta) ** 2) / 2)
BINOMIAL = Family("binomial", _probability, lambda mu: mu * (1 - mu), _log_likelihood)
POISSON = Family("poisson", np.exp, lambda mu: mu, lambda y, eta: y * eta - np.exp(eta) - gammaln(y + 1))


@dataclass
class Glm:
    """A ``newton.Model`` with one linear predictor."""

    rows: Rows
    y: np.ndarray
    kind: Family

    concave = True
    steps = 30

    @property
    def family(self) -> str:
        """Name of the family."""
        return self.kind.name

    @property
    def names(self) -> list[str]:
        """Columns of x."""
        return self.rows.names

    columns = names

    def start(self) -> np.ndarray:
        """Zeros; for counts the least-squares fit to log(y + 0.1), from where Newton's steps do not overshoot."""
        x, weight = self.rows.x, self.rows.weight
        if self.kind is not POISSON or not x.shape[1]:
            return np.zeros(x.shape[1])
        target = weight * (np.log(self.y + 0.1) - self.rows.offset)
        return np.linalg.solve(crossproduct(x, weight), x.T @ target)

    def eta(self, b: np.ndarray) -> np.ndarray:
        """Linear predictor (m,)."""
        return self.rows.x @ b + self.rows.offset

    def value(self, b: np.ndarray) -> float:
        """Weighted log-likelihood."""
        with np.errstate(over="ignore"):
            return float(self.rows.weight @ self.kind.likelihood(self.y, self.eta(b)))

    def derivatives(self, b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, gradient and information in one pass over x."""
        value, gradient, information = 0.0, np.zeros(len(b)), np.zeros((len(b), len(b)))
        for part in blocks(len(self.y)):
            x, y, weight = self.rows.x[part], self.y[part], self.rows.weight[part]
            eta = x @ b + self.rows.offset[part]
            mu = self.kind.mean(eta)
            value += float(weight @ self.kind.likelihood(y, eta))
            gradient += x.T @ (weight * (y - mu))
            information += x.T @ (x * (weight * self.kind.variance(mu))[:, None])
        return value, gradient, information

    def estimating(self, b: np.ndarray) -> np.ndarray:
        """Weighted scores."""
        residual = self.y - self.kind.mean(self.eta(b))
        return self.rows.x * (self.rows.weight * residual)[:, None]

    def moved(self, step: np.ndarray) -> float:
        """Largest change of the linear predictor, in a linear model relative to the outcome."""
        unit = np.abs(self.y - self.rows.offset).max() if self.kind is GAUSSIAN else 1.0
        return float(np.abs(self.rows.x @ step).max() / unit)

    def mean(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Expected outcomes (m, 1)."""
        return self.kind.mean(x @ b + offset)[:, None]

    def jacobian(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Derivative (1, p) of the sum of weight times mean."""
        return (weight * self.kind.variance(self.kind.mean(x @ b + offset)) @ x)[None]

    def on(self, rows: Rows) -> Glm:
        """The same model on other columns."""
        return replace(self, rows=rows)

    def explain(self, b: np.ndarray) -> InputError:
        """Separation by name, where that is the cause."""
        positive = self.y > 0
        if self.kind is POISSON:
            return separation.error("The Poisson model", self.rows, positive, zeros_only=True)
        return separation.error("The logistic model", self.rows, positive)


def refuse_constant(y: np.ndarray) -> None:
    """Raise InputError where all outcomes are the same."""
    if (y == y[0]).all():
        raise InputError("The outcome of the model does not vary in the domain", fix="Widen the domain")


def refuse_no_counts(rows: Rows, y: np.ndarray, whole: bool = False) -> None:
    """Raise InputError for negative counts, for nothing but zeros, and where asked for fractions."""
    for bad, what in ((y < 0, "is negative"), ((y % 1 != 0) & whole, "is not a whole number")):
        if bad.any():
            raise InputError(f"A count {what}", row_list(rows.spread(bad) > 0), "Correct it")
    if not y.any():
        raise InputError(
            "The outcome of the model does not vary in the domain: every count is 0", fix="Widen the domain"
        )


def linear(design: SurveyDesign, y, x: pd.DataFrame, domain=None, offset=None) -> Fit:
    """Weighted linear regression over a domain of the design (as R survey's ``svyglm``, family gaussian).

    y : (n,) numbers; x : (n, p) columns with their intercept; domain : (n,) bool; offset : (n,).
    Raises InputError as ``logistic`` does.
    """
    rows, y = prepare(design, y, x, domain, offset)
    refuse_constant(y)
    return fitted(Glm(rows, y, GAUSSIAN))


def logistic(design: SurveyDesign, y, x: pd.DataFrame, domain=None, offset=None) -> Fit:
    """Weighted logistic regression over a domain of the design.

    y : (n,) 0/1; x : (n, p) design matrix with its intercept, columns named; domain : (n,) bool; offset : (n,).
    Estimating equations sum w x (y - mu) = 0; covariance A^-1 B A^-1 with A = X'WX the information and B the design
    covariance of the scores (Binder 1983). Residual degrees of freedom: design df + 1 - p, as R survey's ``svyglm``.
    Raises InputError for missing values in the domain, collinear columns, an outcome that does not vary or is not 0/1,
    or a term that separates the outcome.
    """
    rows, y = prepare(design, y, x, domain, offset)
    return fitted(Glm(rows, binary(rows, y), BINOMIAL))


def binary(rows: Rows, y: np.ndarray) -> np.ndarray:
    """Outcomes as 0.0 and 1.0. Raises InputError for other values and where they do not vary."""
    strange = (y != 0) & (y != 1)
    if strange.any():
        raise InputError(
            "The outcome of a logistic model must be 0 or 1", row_list(rows.spread(strange) > 0), "Recode it"
        )
    refuse_constant(y)
    return y


def poisson(design: SurveyDesign, y, x: pd.DataFrame, domain=None, offset=None) -> Fit:
    """Weighted Poisson regression with logarithmic link (as R survey's ``svyglm``, family quasipoisson).

    y : (n,) counts, or rates where the offset is left out; offset : (n,), for instance the log of the exposure.
    Raises InputError as ``logistic`` does, and for negative counts or nothing but zeros.
    """
    rows, y = prepare(design, y, x, domain, offset)
    refuse_no_counts(rows, y)
    return fitted(Glm(rows, y, POISSON))


def deviance(model: Glm, b: np.ndarray) -> float:
    """Deviance with weights of mean 1: twice the distance from the saturated likelihood, as R's ``glm``."""
    saturated = 0.0
    if model.kind is POISSON:
        saturated = model.rows.weight @ (xlogy(model.y, model.y) - model.y - gammaln(model.y + 1))
    return float(2 * (saturated - model.value(b)))
