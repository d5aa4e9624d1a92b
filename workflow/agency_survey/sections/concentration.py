"""Concentration of a count over agencies: Lorenz curve, Gini coefficient, share of the top, with linearised variances."""

from __future__ import annotations

import numpy as np

from agency_survey import estimate
from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError


def gini(design: SurveyDesign, y, domain=None) -> estimate.Estimate:
    """Gini coefficient of y (n,), not negative, over the domain (bool (n,)).

    G = sum_i sum_j w_i w_j |y_i - y_j| / (2 N Y) with N = sum w, Y = sum w y. The score is w_k times the derivative in
    w_k, A_k / (N Y) - G / N - G y_k / Y with A_k = sum_j w_j |y_k - y_j| (Binder and Kovacevic 1995; Langel and Tille
    2013), so ties need no rule.
    """
    weight, y, inside = _checked(design, y, domain)
    size, whole = weight.sum(), weight @ y
    away = _distances(weight, y)
    value = weight @ away / (2 * size * whole)
    slope = away / (size * whole) - value / size - value * y / whole
    return _estimate(design, np.array([value]), (weight * slope)[:, None], inside)


def lorenz(design: SurveyDesign, y, shares, domain=None) -> estimate.Estimate:
    """Lorenz curve: share of the total of y (n,) that the lowest ``shares`` (k,) of agencies hold, over the domain.

    L(p) = (sum_{y < q} w y + q (p N - sum_{y < q} w)) / Y, q the p-quantile: agencies at the quantile are divided. The
    score is w_k ((y_k - q) 1(y_k < q) + p q - L y_k) / Y (Kovacevic and Binder 1997): the quantile's own error drops out.
    """
    weight, y, inside = _checked(design, y, domain)
    p = np.atleast_1d(np.asarray(shares, dtype=float))
    if not ((p >= 0) & (p <= 1)).all():
        raise InputError("A share of agencies lies outside 0 to 1", fix="Give shares such as 0.9")
    size, whole = weight.sum(), weight @ y
    used = np.flatnonzero(weight > 0)
    order = used[np.argsort(y[used], kind="stable")]
    up_to = np.cumsum(weight[order])
    at = np.searchsorted(up_to, p * up_to[-1] * (1 - 1e-12))
    quantile = y[order][np.minimum(at, len(order) - 1)]
    below = np.minimum(y[:, None] - quantile, 0.0)  # (y - q) 1(y < q)
    value = (weight @ below + p * quantile * size) / whole
    slope = (below + p * quantile - np.outer(y, value)) / whole
    return _estimate(design, value, weight[:, None] * slope, inside)


def top_share(design: SurveyDesign, y, share: float, domain=None) -> estimate.Estimate:
    """Share of the total of y (n,) that the highest ``share`` of agencies hold: 1 - L(1 - share)."""
    found = lorenz(design, y, [1 - share], domain)
    return estimate.Estimate(1 - found.value, found.covariance, found.n, found.df, -found.scores)


def _checked(design: SurveyDesign, y, domain) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(weights, 0 outside the domain; y, 0 outside; domain)."""
    inside = estimate.checked_domain(design, domain)
    y = np.where(inside, np.asarray(y, dtype=float), 0.0)
    if not np.isfinite(y).all() or (y < 0).any():
        raise InputError("A count is missing or negative within the domain", fix="Leave these agencies out")
    weight = np.where(inside, design.weight, 0.0)
    if not weight @ y > 0:
        raise InputError("The agencies of the domain have no count above 0", fix="Check the domain")
    return weight, y, inside


def _distances(weight: np.ndarray, y: np.ndarray) -> np.ndarray:
    """sum_j w_j |y_k - y_j| (n,), by sorting."""
    order = np.argsort(y, kind="stable")
    w, v = weight[order], y[order]
    up_to, held = np.cumsum(w), np.cumsum(w * v)
    out = np.empty(len(y))
    out[order] = v * (2 * up_to - up_to[-1]) + held[-1] - 2 * held
    return out


def _estimate(design: SurveyDesign, value: np.ndarray, scores: np.ndarray, inside: np.ndarray) -> estimate.Estimate:
    count = int((inside & (design.weight > 0)).sum())
    df = design.degrees_of_freedom(inside)
    k = len(value)
    return estimate.Estimate(value, design.covariance(scores, inside), np.full(k, count), np.full(k, df), scores)
