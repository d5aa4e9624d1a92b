"""One maximiser for all models: Newton's method with halved steps."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from agency_survey.errors import InputError
from agency_survey.models.rows import Rows


class Model(Protocol):
    """A weighted likelihood of q parameters on m rows, of p columns; weights have mean 1."""

    rows: Rows
    y: np.ndarray
    family: str
    names: list[str]  # (q,) of the parameters
    columns: list[str]  # (q,) column of x that each parameter belongs to, "" for a threshold or a dispersion
    concave: bool
    steps: int

    def start(self) -> np.ndarray: ...

    def value(self, b: np.ndarray) -> float:
        """Weighted log-likelihood."""

    def derivatives(self, b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """``value``, gradient (q,) and information (q, q): minus the second derivatives."""

    def estimating(self, b: np.ndarray) -> np.ndarray:
        """Weighted scores (m, q), which add up to the gradient."""

    def moved(self, step: np.ndarray) -> float:
        """Largest change of a linear predictor, on the scale of 1."""

    def mean(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Expected outcome (m, 1) or probabilities of the categories (m, K)."""

    def jacobian(self, b: np.ndarray, x: np.ndarray, offset: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Derivative (K, q) of the sum of weight times ``mean``."""

    def on(self, rows: Rows) -> Model:
        """The same model on other columns."""

    def explain(self, b: np.ndarray) -> InputError:
        """Why there is no maximum."""


def _direction(information: np.ndarray, gradient: np.ndarray, concave: bool) -> tuple[np.ndarray, bool]:
    """(step, whether it is Newton's): where the likelihood is not concave, a multiple of its diagonal is added."""
    if concave:
        return np.linalg.solve(information, gradient), True
    diagonal = np.diag(np.abs(np.diag(information)) + 1e-8)
    for ridge in (0.0, *10.0 ** np.arange(-3, 6)):
        try:
            np.linalg.cholesky(information + ridge * diagonal)
        except np.linalg.LinAlgError:
            continue
        return np.linalg.solve(information + ridge * diagonal, gradient), ridge == 0
    raise np.linalg.LinAlgError


def _reached(model: Model, b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """``derivatives`` where a step leads, which may be too far for exponentials."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return model.derivatives(b)


def maximise(model: Model) -> np.ndarray:
    """Parameters (q,) at the maximum of the weighted likelihood.

    Converged when the last step moves no linear predictor by more than 1e-9, or by a little more but no less than the
    one before it (columns far from 0): the next would be lost in rounding. Where a term separates the outcome every
    step moves some predictor by about 1, without end: the model explains.
    """
    b = model.start()
    if not len(b):
        return b
    before = np.inf
    here, gradient, information = model.derivatives(b)
    for _ in range(model.steps):
        try:
            step, newton = _direction(information, gradient, model.concave)
        except np.linalg.LinAlgError:
            break
        moved = model.moved(step)
        if newton and (moved <= 1e-9 or before <= moved <= 1e-6):
            return b + step
        before = moved
        slack = 1e-12 * abs(here)  # a fall within rounding is none
        there, gradient, information = _reached(model, b + step)
        while not there >= here - slack and moved > 1e-9:
            step, moved = step / 2, moved / 2
            there, gradient, information = _reached(model, b + step)
        b, here = b + step, there
    raise model.explain(b)
