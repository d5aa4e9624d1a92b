"""Rao-Scott likelihood-ratio tests: distribution of sums of weighted chi-squares and of their F form.

Under the null the ratio of pseudo-likelihoods is a sum of lambda_k chi-square(1), lambda the eigenvalues of the design
effect matrix (Rao and Scott 1984; Lumley and Scott 2014). The approximations are those of R survey's ``pFsum``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agency_survey import distributions
from agency_survey.errors import InputError


@dataclass(frozen=True)
class LikelihoodRatioTest:
    """Statistic 2 (l1 - l0) at weights of mean 1, number of coefficients, residual df, p-value, eigenvalues lambda."""

    statistic: float
    df: int
    df_residual: float
    p: float
    eigenvalues: np.ndarray


def likelihood_ratio(
    statistic: float, inverse: np.ndarray, covariance: np.ndarray, at: list[int], df: float, method: str = "saddlepoint"
) -> LikelihoodRatioTest:
    """Test that the parameters ``at`` are zero, as R survey's ``regTermTest(method = "LRT")``.

    inverse : (q, q) inverse information at weights of mean 1; covariance : (q, q) under the design; df : residual ones.
    method : "saddlepoint", R's default, or "satterthwaite" (``lrt.approximation`` there).
    Raises InputError where no residual degree of freedom is left.
    """
    if df <= 0:
        raise InputError("No residual degree of freedom is left for a test", fix="Drop a term")
    inner = np.ix_(at, at)
    eigenvalues = np.sort(np.linalg.eigvals(np.linalg.solve(inverse[inner], covariance[inner])).real)[::-1]
    p = weighted_f_tail(statistic, eigenvalues, df, method)
    return LikelihoodRatioTest(float(statistic), len(at), df, p, eigenvalues)


def weighted_f_tail(x: float, weights: np.ndarray, df: float, method: str = "saddlepoint") -> float:
    """P(sum_k weights_k chi2_k(1) > x chi2(df) / df): upper tail of the F form of a weighted sum of chi-squares.

    "satterthwaite" matches two moments with an F distribution (Rao and Scott 1984). "saddlepoint" is that of Kuonen
    (1999) for the difference of the two sides at 0, and as in R falls back to the former where it is undefined.
    """
    if method not in ("saddlepoint", "satterthwaite"):
        raise ValueError(f"unknown approximation: {method}")
    if not weights.max(initial=0) > 0:
        return float("nan")
    mean = weights.mean()
    spread = (weights**2).mean() / mean**2
    numerator = len(weights) / spread
    p = float(distributions.f_tail(x / numerator / (mean * spread), numerator, df))
    if method == "saddlepoint" and x > 0:
        exact = _saddlepoint(np.append(weights, np.full(round(df), -x / df)))
        p = p if exact is None else exact
    return p


def _saddlepoint(weights: np.ndarray) -> float | None:
    """P(sum weights_k chi2(1) > 0) by Lugannani and Rice's formula (Kuonen 1999); None too near the mean."""
    from scipy.optimize import brentq

    a = weights / weights.max()
    low, high = 0.99999 * np.max(1 / (2 * a[a < 0])), 0.99999 / 2

    def slope(z: float) -> float:
        return float(np.sum(a / (1 - 2 * z * a)))

    z = brentq(slope, low, high, xtol=1e-15, rtol=1e-14)
    if abs(z) < 1e-4:
        return None
    w = np.sign(z) * np.sqrt(np.log(1 - 2 * z * a).sum())
    v = z * np.sqrt(2 * np.sum(a**2 / (1 - 2 * z * a) ** 2))
    return float(distributions.normal_tail(w + np.log(v / w) / w))
