"""Negative binomial regression with variance mu + mu^2 / theta; theta estimated jointly with the coefficients."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import betaln, digamma, polygamma, xlogy

from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError
from agency_survey.models import separation
from agency_survey.models.fit import Fit, fitted
from agency_survey.models.glm import POISSON, Glm, refuse_no_counts
from agency_survey.models.newton import maximise
from agency_survey.models.rows import Rows, crossproduct, prepare

DISPERSION = "log(theta)"


@dataclass
class NegativeBinomial:
    """A ``newton.Model`` of eta = log mu and of log theta (Lawless 1987), or of eta alone at a known theta."""

    rows: Rows
    y: np.ndarray
    theta: float | None = None  # known, or None where it is the last parameter, on the log scale

    family = "negative binomial"
    concave = False
    steps = 100

    @property
    def names(self) -> list[str]:
        """Columns of x, then log(theta)."""
        return self.rows.names + ([DISPERSION] if self.theta is None else [])

    @property
    def columns(self) -> list[str]:
        """Columns of x; none for theta."""
        return self.rows.names + ([""] if self.theta is None else [])

    def _parts(self, b: np.ndarray) -> tuple[np.ndarray, float]:
        """(mu, theta)."""
        p = self.rows.x.shape[1]
        theta = self.theta if self.theta is not None else float(np.exp(np.clip(b[-1], -50, 50)))
        with np.errstate(over="ignore"):
            return np.exp(self.rows.x @ b[:p] + self.rows.offset), theta

    def start(self) -> np.ndarray:
        """The Poisson fit; theta from the weighted moments, at most 100."""
        model = Glm(self.rows, self.y, POISSON)
        try:
            b = maximise(model)
        except InputError:
            raise self.explain(np.zeros(len(self.names))) from None
        if self.theta is not None:
            return b
        mu, weight = POISSON.mean(model.eta(b)), self.rows.weight
        excess = weight @ ((self.y - mu) ** 2 - mu)
        return np.append(b, np.log(np.clip(weight @ mu**2 / excess if excess > 0 else 100.0, 0.01, 100.0)))

    def value(self, b: np.ndarray) -> float:
        """Weighted log-likelihood."""
        mu, theta = self._parts(b)
        y = self.y
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            # log of Gamma(y + theta) / (Gamma(theta) y!), without the cancellation at large theta
            ways = np.where(y > 0, -betaln(theta, np.maximum(y, 1)) - np.log(np.maximum(y, 1)), 0.0)
            rest = xlogy(y, mu / (theta + mu)) - theta * np.log1p(mu / theta)
            return float(self.rows.weight @ (ways + rest))

    def _slopes(self, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """(derivative by eta, derivative by log theta, mu, theta) of each row's log-likelihood."""
        mu, theta = self._parts(b)
        y = self.y
        by_theta = digamma(y + theta) - digamma(theta) - np.log1p(mu / theta) + (mu - y) / (theta + mu)
        return theta * (y - mu) / (theta + mu), theta * by_theta, mu, theta

    def derivatives(self, b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, gradient and observed information."""
        by_eta, by_log_theta, mu, theta = self._slopes(b)
        x, w, y = self.rows.x, self.rows.weight, self.y
        information = crossproduct(x, w * theta * mu * (theta + y) / (theta + mu) ** 2)
        if self.theta is not None:
            return self.value(b), x.T @ (w * by_eta), information
        cross = -x.T @ (w * theta * (y - mu) * mu / (theta + mu) ** 2)
        curve = (
            polygamma(1, y + theta) - polygamma(1, theta) + mu / (theta * (theta + mu)) - (mu - y) / (theta + mu) ** 2
        )
        last = -float(w @ (by_log_theta + theta**2 * curve))
        gradient = np.append(x.T @ (w * by_eta), w @ by_log_theta)
        return self.value(b), gradient, np.block([[information, cross[:, None]], [cross[None], np.array([[last]])]])

    def estimating(self, b: np.ndarray) -> np.ndarray:
        """Weighted scores, the last column those of log theta."""
        by_eta, by_log_theta, _, _ = self._slopes(b)
        scores = self.rows.x * (self.rows.weight * by_eta)[:, None]
        return scores if self.theta is not None else np.column_stack([scores, self.rows.weight * by_log_theta])

    def moved(self, step: np.ndarray) -> float:
        """Largest change of eta or of log theta."""
        p = self.rows.x.shape[1]
        return float(max(np.abs(self.rows.x @ step[:p]).max(), np.abs(step[p:]).max(initial=0)))

    def mean(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Expected counts (m, 1)."""
        return np.exp(x @ b[: x.shape[1]] + offset)[:, None]

    def jacobian(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Derivative (1, q) of the sum of weight times mean."""
        slope = (weight * self.mean(b, x, offset)[:, 0]) @ x
        return np.append(slope, np.zeros(len(b) - len(slope)))[None]

    def on(self, rows: Rows) -> NegativeBinomial:
        """The same model on other columns."""
        return replace(self, rows=rows)

    def explain(self, b: np.ndarray) -> InputError:
        """Counts without more spread than Poisson's, or separation by name."""
        if self.theta is None and b[-1] > 10:
            return InputError(
                "The counts vary no more than a Poisson model says, so theta has no finite estimate",
                fix="Use the Poisson model",
            )
        return separation.error("The negative binomial model", self.rows, self.y > 0, zeros_only=True)


def negative_binomial(
    design: SurveyDesign, y, x: pd.DataFrame, domain=None, offset=None, theta: float | None = None
) -> Fit:
    """Weighted negative binomial regression, logarithmic link, variance mu + mu^2 / theta (Lawless 1987).

    y : (n,) counts; the other arguments as in ``logistic``. The last coefficient is log(theta), estimated jointly: the
    sandwich takes the scores and the observed information of all parameters (Binder 1983). theta : a known value.
    Raises InputError as ``poisson`` does, for counts that are not whole, and where theta has no finite estimate.
    """
    rows, y = prepare(design, y, x, domain, offset)
    refuse_no_counts(rows, y, whole=True)
    if theta is not None and not (isinstance(theta, int | float | np.number) and 0 < theta < np.inf):
        raise InputError(f"theta is {theta}", fix="Give a positive number")
    return fitted(NegativeBinomial(rows, y, theta))
