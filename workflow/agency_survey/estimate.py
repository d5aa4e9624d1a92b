"""Design-based estimates with linearised variances: totals, means, proportions, ratios, domains, change.

A domain keeps the full design: agencies outside it stay in their strata with score 0 (Saerndal, Swensson and Wretman
1992, chapter 10). Ratios and domain means are linearised by Taylor series (same, section 5.5): the score of
R = Y / X is w (y - R x) / X.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError


@dataclass(frozen=True)
class Estimate:
    """k estimates with their joint covariance.

    value (k,), covariance (k, k), n (k,) unweighted agencies in the domain, df (k,) degrees of freedom,
    scores (n_design, k) linearised weighted scores, kept so that domains can be stacked and compared.
    """

    value: np.ndarray
    covariance: np.ndarray
    n: np.ndarray
    df: np.ndarray
    scores: np.ndarray

    @property
    def se(self) -> np.ndarray:
        """Standard errors (k,)."""
        return np.sqrt(np.diag(self.covariance))

    def interval(self, level: float = 0.95, method: str = "t") -> np.ndarray:
        """Confidence limits (k, 2).

        method 't': value -+ t(df) se. method 'logit', for proportions: the same on the log-odds scale, where
        se(logit p) = se(p) / (p (1 - p)), turned back (as R survey's ``svyciprop``); the limits are missing at
        p = 0 and p = 1, where no linearised variance exists.
        """
        quantile = stats.t.ppf(0.5 + level / 2, np.maximum(self.df, 1))
        quantile = np.where(self.df > 0, quantile, np.nan)
        if method == "t":
            half = quantile * self.se
            return np.column_stack([self.value - half, self.value + half])
        if method != "logit":
            raise ValueError(f"unknown interval method: {method}")
        p = self.value
        with np.errstate(divide="ignore", invalid="ignore"):
            centre = np.log(p / (1 - p))
            half = quantile * self.se / (p * (1 - p))
            limits = 1 / (1 + np.exp(-np.column_stack([centre - half, centre + half])))
        limits[(p <= 0) | (p >= 1)] = np.nan
        return limits


def _columns(design: SurveyDesign, y, domain: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    y = np.asarray(y, dtype=float).reshape(design.n, -1)
    inside = np.ones(design.n, dtype=bool) if domain is None else np.asarray(domain, dtype=bool)
    missing = ~np.isfinite(y[inside]).all(axis=1)
    if missing.any():
        raise InputError(
            f"A variable is missing for {missing.sum()} agencies of the domain",
            fix="Leave them out of the domain or impute them",
        )
    return np.where(inside[:, None], y, 0.0), inside


def _pack(design: SurveyDesign, value: np.ndarray, scores: np.ndarray, inside: np.ndarray) -> Estimate:
    k = len(value)
    count = int((inside & (design.weight > 0)).sum())
    df = design.degrees_of_freedom(inside)
    return Estimate(value, design.covariance(scores), np.full(k, count), np.full(k, df), scores)


def total(design: SurveyDesign, y, domain: np.ndarray | None = None) -> Estimate:
    """Totals of y (n,) or (n, k) over the domain (bool (n,)): sum w y."""
    y, inside = _columns(design, y, domain)
    scores = design.weight[:, None] * y
    return _pack(design, scores.sum(axis=0), scores, inside)


def ratio(design: SurveyDesign, y, x, domain: np.ndarray | None = None) -> Estimate:
    """Ratios of the totals of y (n, k) to the total of x (n,) over the domain."""
    y, inside = _columns(design, y, domain)
    x, _ = _columns(design, x, domain)
    below = float(design.weight @ x[:, 0])
    if below == 0:
        raise InputError("The denominator of a ratio is zero", fix="Check the domain: no agency with weight lies in it")
    value = design.weight @ y / below
    scores = design.weight[:, None] * (y - x * value) / below
    return _pack(design, value, scores, inside)


def mean(design: SurveyDesign, y, domain: np.ndarray | None = None) -> Estimate:
    """Means of y (n,) or (n, k) over the domain: the ratio of its total to the domain's size."""
    return ratio(design, y, np.ones(design.n), domain)


def proportions(design: SurveyDesign, codes, categories: int, domain: np.ndarray | None = None) -> Estimate:
    """Shares (categories,) of each code 0..categories-1 among agencies of the domain with a code (-1 is missing)."""
    codes = np.asarray(codes)
    inside = codes >= 0 if domain is None else (codes >= 0) & np.asarray(domain, dtype=bool)
    indicators = (codes[:, None] == np.arange(categories)).astype(float)
    return mean(design, indicators, inside)


def stack(design: SurveyDesign, parts: Sequence[Estimate]) -> Estimate:
    """Estimates of several domains of one design side by side, with their joint covariance."""
    scores = np.concatenate([part.scores for part in parts], axis=1)
    value, n, df = (np.concatenate([getattr(part, name) for part in parts]) for name in ("value", "n", "df"))
    return Estimate(value, design.covariance(scores), n, df, scores)


@dataclass(frozen=True)
class Test:
    """A test: statistic, its degrees of freedom and the p-value."""

    statistic: float
    df: float
    df_residual: float
    p: float


def contrast(estimate: Estimate, coefficients) -> tuple[float, float, Test]:
    """Linear combination c'theta of stacked estimates: value, standard error and t test of zero."""
    c = np.asarray(coefficients, dtype=float)
    value = float(c @ estimate.value)
    se = float(np.sqrt(c @ estimate.covariance @ c))
    df = float(np.min(estimate.df[c != 0]))
    return value, se, _t_test(value, se, df)


def change(before: Estimate, after: Estimate) -> tuple[np.ndarray, np.ndarray, list[Test]]:
    """Change between two independent surveys: differences (k,), standard errors (k,) and t tests.

    The surveys are drawn independently, so the variances add; degrees of freedom after Welch and Satterthwaite.
    """
    value = after.value - before.value
    first, second = np.diag(before.covariance), np.diag(after.covariance)
    se = np.sqrt(first + second)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(v > 0, v**2 / df, 0.0) for v, df in ((first, before.df), (second, after.df))]
        df = (first + second) ** 2 / (parts[0] + parts[1])
    return value, se, [_t_test(v, s, d) for v, s, d in zip(value, se, df, strict=True)]


def wald_change(before: Estimate, after: Estimate) -> Test:
    """Wald F test that two independent distributions of the same shares are equal.

    Shares that neither survey saw carry no variance and are left out, then the last of the rest (they add up to one).
    Denominator degrees of freedom: those of the survey that has fewer, less k - 1 for k differences.
    """
    seen = np.flatnonzero(np.diag(before.covariance + after.covariance) > 0)[:-1]
    k = len(seen)
    if not k:
        return Test(float("nan"), 0, float("nan"), float("nan"))
    difference = (after.value - before.value)[seen]
    covariance = (before.covariance + after.covariance)[np.ix_(seen, seen)]
    df = float(min(before.df.min(), after.df.min())) - k + 1
    statistic = float(difference @ np.linalg.solve(covariance, difference)) / k
    return Test(statistic, k, df, float(stats.f.sf(statistic, k, df)))


def _t_test(value: float, se: float, df: float) -> Test:
    if not se > 0:
        return Test(float("nan"), 1, df, float("nan"))
    statistic = value / se
    return Test(float(statistic), 1, float(df), float(2 * stats.t.sf(abs(statistic), df)))
