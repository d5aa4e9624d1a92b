"""Zero-truncated negative binomial regression: the positive part of a hurdle model of counts (Mullahy 1986).

The likelihood of a count y >= 1 is the negative binomial one over 1 - P0, P0 = (theta / (theta + mu))^theta.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey.columns import row_list
from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError
from agency_survey.models.counts import NegativeBinomial
from agency_survey.models.fit import Fit, fitted
from agency_survey.models.glm import refuse_constant, refuse_no_counts
from agency_survey.models.rows import crossproduct, prepare


class ZeroTruncated(NegativeBinomial):
    """A ``newton.Model`` of eta = log mu and of log theta; mu is the mean of the counts before truncation.

    With g = log P0 the likelihood gains -log(1 - exp(g)), whose derivatives by g are r = P0 / (1 - P0) and r (1 + r).
    """

    family = "zero-truncated negative binomial"

    def _zero(self, mu, theta: float) -> tuple:
        """g and r (m,) at the means mu, real or complex."""
        g = -theta * np.log1p(mu / theta)
        return g, -np.exp(g) / np.expm1(g)

    def value(self, b: np.ndarray) -> float:
        """Weighted log-likelihood."""
        mu, theta = self._parts(b)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            g, _ = self._zero(mu, theta)
            return super().value(b) - float(self.rows.weight @ np.log(-np.expm1(g)))

    def _slopes(self, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """(derivative by eta, derivative by log theta, mu, theta) of each row's log-likelihood."""
        by_eta, by_log_theta, mu, theta = super()._slopes(b)
        _, r = self._zero(mu, theta)
        to_eta, to_log_theta = self._inner(mu, theta)
        return by_eta + r * to_eta, by_log_theta + r * to_log_theta, mu, theta

    @staticmethod
    def _inner(mu: np.ndarray, theta: float) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of g by eta and by log theta."""
        return -theta * mu / (theta + mu), theta * (mu / (theta + mu) - np.log1p(mu / theta))

    def derivatives(self, b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, gradient and observed information; the parent's take ``_slopes`` and so hold r times g's slope."""
        value, gradient, information = super().derivatives(b)
        mu, theta = self._parts(b)
        x, w = self.rows.x, self.rows.weight
        _, r = self._zero(mu, theta)
        to_eta, to_log_theta = self._inner(mu, theta)
        curve = r * (1 + r)
        both = w * (curve * to_eta**2 - r * theta**2 * mu / (theta + mu) ** 2)
        across = w * (curve * to_eta * to_log_theta - r * theta * mu**2 / (theta + mu) ** 2)
        last = w @ (curve * to_log_theta**2 + r * theta * mu**2 / (theta + mu) ** 2)
        added = np.block([[crossproduct(x, both), (x.T @ across)[:, None]], [(x.T @ across)[None], np.array([[last]])]])
        return value, gradient, information - added

    def mean(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Expected counts (m, 1) given that they are positive: mu / (1 - P0)."""
        mu = np.exp(x @ b[: x.shape[1]] + offset)
        return (-mu / np.expm1(self._zero(mu, float(np.exp(b[-1])))[0]))[:, None]

    def jacobian(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Derivative (1, q) of the sum of weight times mean."""
        mean = self.mean(b, x, offset)[:, 0]
        mu, theta = np.exp(x @ b[: x.shape[1]] + offset), float(np.exp(b[-1]))
        _, r = self._zero(mu, theta)
        to_eta, to_log_theta = self._inner(mu, theta)
        slope = (weight * mean * (1 + r * to_eta)) @ x
        return np.append(slope, (weight * mean) @ (r * to_log_theta))[None]


def truncated_negative_binomial(design: SurveyDesign, y, x: pd.DataFrame, domain=None, offset=None) -> Fit:
    """Weighted zero-truncated negative binomial regression of counts y >= 1 (n,), logarithmic link.

    exp(coefficient) is the ratio of the mean before truncation; the last coefficient is log(theta). Arguments and
    refusals as ``negative_binomial``, and InputError for a count of 0 in the domain.
    """
    rows, y = prepare(design, y, x, domain, offset)
    refuse_no_counts(rows, y, whole=True)
    if not y.all():
        raise InputError("A count is 0", row_list(rows.spread(y == 0) > 0), "Leave those rows out of the domain")
    refuse_constant(y)
    return fitted(ZeroTruncated(rows, y))
