"""Newton's method and symmetric systems for weights and calibration; the models have a maximiser that explains more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from agency_survey.errors import InputError


def newton_logistic(x: np.ndarray, y: np.ndarray, weight: np.ndarray, names: Sequence[str] | None = None) -> np.ndarray:
    """Coefficients (p,) of the weighted logistic likelihood by Newton's method with halved steps.

    x : (n, p); y : (n,) 0/1; weight : (n,), best scaled to a mean near 1; names : (p,) for the refusal.
    Converged when the last step moves no linear predictor by more than 1e-9, so that the next would be lost in rounding.
    Where a term separates the outcome every step moves some predictor by about 1, without end: an InputError that names
    the term whose part of the predictor has grown most.
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
    term = "a term"
    if names is not None:
        grown = np.abs(coefficients) * np.ptp(x, axis=0)
        term = f"the term {names[int(grown.argmax())]}"
    raise InputError(
        f"The logistic model did not converge: {term} separates the outcome", fix="Drop or merge that term"
    )


def symmetric_pseudo_inverse(matrix: np.ndarray, tolerance: float = 1e-12) -> np.ndarray:
    """Moore-Penrose-like inverse (p, p) of a positive semi-definite matrix after scaling its diagonal to 1.

    Directions with an eigenvalue below ``tolerance`` times the largest are left out: columns that repeat others (every
    margin of a rake adds up to the same total) do no harm. The result G is symmetric with A G A = A.
    """
    root = np.sqrt(np.diag(matrix))
    scale = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
    values, vectors = np.linalg.eigh(matrix * np.outer(scale, scale))
    kept = values > tolerance * max(values.max(initial=0.0), 0.0)
    vectors = vectors[:, kept] * scale[:, None]
    return (vectors / values[kept]) @ vectors.T
