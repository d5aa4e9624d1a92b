"""Quantiles and tail probabilities of the distributions that tests and limits need.

Elementwise, from ``scipy.special``: digit for digit those of ``scipy.stats``, whose import costs each job 0.4 seconds.
Missing where a parameter is missing or not positive, and for an infinite F denominator.
"""

from __future__ import annotations

import numpy as np
from scipy import special


def normal_quantile(p):
    """z with P(Z <= z) = p."""
    return special.ndtri(p)


def normal_share(z):
    """P(Z <= z)."""
    return special.ndtr(z)


def normal_tail(z):
    """P(Z > z)."""
    return special.ndtr(np.negative(z))


def t_quantile(p, df):
    """t with P(T <= t) = p, 0 < p < 1."""
    return special.stdtrit(df, p)


def t_tail(t, df):
    """P(T > t)."""
    return special.stdtr(df, np.negative(t))


def f_tail(f, df, df_residual):
    """P(F > f)."""
    return special.fdtrc(df, df_residual, np.maximum(f, 0))


def chi2_tail(x, df):
    """P(X > x)."""
    return special.chdtrc(df, np.maximum(x, 0))


def beta_quantile(p, a, b):
    """x with P(X <= x) = p."""
    return special.betaincinv(a, b, p)
