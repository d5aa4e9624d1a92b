"""Regression under the design: pseudo-maximum likelihood with linearised (sandwich) variances (Binder 1983)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError
from agency_survey.estimate import Test


@dataclass(frozen=True)
class Fit:
    """A fitted model: coefficients (p,), covariance (p, p), residual degrees of freedom, agencies used."""

    names: list[str]
    coefficients: np.ndarray
    covariance: np.ndarray
    df: int
    n: int

    @property
    def se(self) -> np.ndarray:
        """Standard errors (p,)."""
        return np.sqrt(np.diag(self.covariance))

    def table(self, level: float = 0.95) -> pd.DataFrame:
        """Coefficient, standard error, t, p and limits for each term."""
        t = self.coefficients / self.se
        half = stats.t.ppf(0.5 + level / 2, self.df) * self.se
        return pd.DataFrame(
            {
                "term": self.names,
                "coefficient": self.coefficients,
                "se": self.se,
                "t": t,
                "p": 2 * stats.t.sf(np.abs(t), self.df),
                "low": self.coefficients - half,
                "high": self.coefficients + half,
            }
        )

    def wald(self, terms: list[str]) -> Test:
        """Wald F test that the named coefficients are all zero (as R survey's ``regTermTest``)."""
        at = [self.names.index(term) for term in terms]
        b = self.coefficients[at]
        statistic = float(b @ np.linalg.solve(self.covariance[np.ix_(at, at)], b)) / len(at)
        return Test(statistic, len(at), self.df, float(stats.f.sf(statistic, len(at), self.df)))

    def predict(self, x, level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Predicted probabilities (m,) with limits for rows x (m, p); limits by the delta method on the logit."""
        x = np.asarray(x, dtype=float)
        centre = x @ self.coefficients
        half = stats.t.ppf(0.5 + level / 2, self.df) * np.sqrt(np.einsum("ij,jk,ik->i", x, self.covariance, x))
        return tuple(1 / (1 + np.exp(-v)) for v in (centre, centre - half, centre + half))


def _maximum_likelihood(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Coefficients (p,) of the weighted logistic likelihood by Newton's method with halved steps.

    Converged when the last step moves no linear predictor by more than 1e-9, so that the next would be lost in rounding.
    Where a term separates the outcome every step moves some predictor by about 1, without end: an InputError.
    """

    def likelihood(b: np.ndarray) -> float:
        eta = x @ b
        return float(weight @ (y * eta - np.logaddexp(0, eta)))

    coefficients = np.zeros(x.shape[1])
    for _ in range(25):
        mu = expit(x @ coefficients)
        information = (x * (weight * mu * (1 - mu))[:, None]).T @ x
        try:
            step = np.linalg.solve(information, x.T @ (weight * (y - mu)))
        except np.linalg.LinAlgError:
            break
        if np.abs(x @ step).max() <= 1e-9:
            return coefficients + step
        here = likelihood(coefficients) * (1 + 1e-12)  # it is negative: a fall within rounding is none
        while likelihood(coefficients + step) < here and np.abs(x @ step).max() > 1e-9:
            step = step / 2
        coefficients = coefficients + step
    raise InputError("The logistic model did not converge: a term separates the outcome", fix="Drop or merge that term")


def logistic(design: SurveyDesign, y, x: pd.DataFrame, domain: np.ndarray | None = None) -> Fit:
    """Weighted logistic regression over a domain of the design.

    y : (n,) 0/1; x : (n, p) design matrix with its intercept, columns named; domain : (n,) bool.
    Estimating equations sum w x (y - mu) = 0; covariance A^-1 B A^-1 with A = X'WX the information and B the design
    covariance of the scores (Binder 1983). Residual degrees of freedom: design df + 1 - p, as R survey's ``svyglm``.
    Raises InputError for missing values in the domain, collinear columns, an outcome that does not vary, or a term that
    separates the outcome.
    """
    inside = (np.ones(design.n, dtype=bool) if domain is None else np.asarray(domain, dtype=bool)) & (design.weight > 0)
    y = np.asarray(y, dtype=float)
    matrix = x.to_numpy(dtype=float)
    if not (np.isfinite(y[inside]).all() and np.isfinite(matrix[inside]).all()):
        raise InputError("A variable of the model is missing for agencies of the domain", fix="Leave them out")
    used, outcome, weight = matrix[inside], y[inside], design.weight[inside]
    if not len(outcome) or outcome.min() == outcome.max():
        raise InputError("The outcome of the model does not vary in the domain", fix="Widen the domain")
    rank = np.linalg.matrix_rank(used)
    if rank < used.shape[1]:
        raise InputError(
            f"The columns of the model are collinear: {used.shape[1]} columns, rank {rank}", fix="Drop a term"
        )
    coefficients = _maximum_likelihood(used, outcome, weight / weight.mean())
    mu = expit(used @ coefficients)
    bread = np.linalg.inv((used * (weight * mu * (1 - mu))[:, None]).T @ used)
    scores = np.zeros_like(matrix)
    scores[inside] = used * (weight * (outcome - mu))[:, None]
    covariance = bread @ design.covariance(scores) @ bread
    df = design.degrees_of_freedom(inside) + 1 - used.shape[1]
    return Fit(list(x.columns), coefficients, covariance, df, int(inside.sum()))
