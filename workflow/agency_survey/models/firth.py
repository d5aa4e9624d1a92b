"""Firth's penalised likelihood for logistic regression, which stays finite under separation (Firth 1993)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey.design import SurveyDesign
from agency_survey.models.fit import Fit, fitted
from agency_survey.models.glm import BINOMIAL, Glm, binary
from agency_survey.models.rows import crossproduct, prepare


@dataclass
class Penalised(Glm):
    """Logistic likelihood plus half the logarithm of the determinant of the information, weights of mean 1."""

    steps = 500  # the steps use the information of the likelihood alone and so close in linearly

    @property
    def family(self) -> str:
        """Name of the family."""
        return "firth binomial"

    def value(self, b: np.ndarray) -> float:
        """Penalised log-likelihood."""
        return super().value(b) + np.linalg.slogdet(super().derivatives(b)[2])[1] / 2

    def _residual(self, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(w (y - mu) + h (1/2 - mu), information): h (m,) are the leverages, the diagonal of the hat matrix."""
        mu = self.kind.mean(self.eta(b))
        v = self.rows.weight * self.kind.variance(mu)
        information = crossproduct(self.rows.x, v)
        leverage = v * np.einsum("ij,ij->i", self.rows.x @ np.linalg.inv(information), self.rows.x)
        return self.rows.weight * (self.y - mu) + leverage * (0.5 - mu), information

    def derivatives(self, b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value and gradient of the penalised likelihood (Firth 1993, section 3.1), information of the likelihood."""
        try:
            residual, information = self._residual(b)
        except np.linalg.LinAlgError:  # every probability is 0 or 1: a step too far, which will be halved
            return -np.inf, np.zeros(len(b)), np.zeros((len(b), len(b)))
        value = super().value(b) + np.linalg.slogdet(information)[1] / 2
        return value, self.rows.x.T @ residual, information

    def estimating(self, b: np.ndarray) -> np.ndarray:
        """Weighted penalised scores."""
        return self.rows.x * self._residual(b)[0][:, None]


def firth_logistic(design: SurveyDesign, y, x: pd.DataFrame, domain=None, offset=None) -> Fit:
    """Weighted logistic regression by Firth's penalised likelihood; arguments and refusals as ``logistic``.

    The weights are scaled to mean 1, so that the penalty counts as it would in an unweighted sample of that size. The
    covariance is the sandwich of the penalised scores with the inverse information: the penalty's own derivative, of
    relative order 1/n, is left out, as usual with this method.
    """
    rows, y = prepare(design, y, x, domain, offset)
    return fitted(Penalised(rows, binary(rows, y), BINOMIAL))
