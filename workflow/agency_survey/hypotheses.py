"""Tests of hypotheses under the design: cross-tables, differences of means, trend, ranks, several comparisons.

All of them are functions of estimates by domain with their joint covariance (``estimate``), so strata, clusters,
corrections and calibration enter as they do there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from agency_survey import distributions, estimate
from agency_survey.columns import numbers
from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError
from agency_survey.estimate import Test

RANKS = ("wilcoxon", "normal", "median")
TRENDS = ("slope", "contrast")
ADJUSTMENTS = ("holm", "benjamini-hochberg")


# ---- cross-tables --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shares(estimate.Reported):
    """Shares of a table's cells, row after row: value (R * C,), covariance (R * C, R * C), n and df (R * C,)."""

    value: np.ndarray
    covariance: np.ndarray
    n: np.ndarray
    df: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """Variances (R * C,)."""
        return np.diag(self.covariance)


@dataclass(frozen=True)
class RaoScott:
    """Tests of independence by Pearson's statistic with its design effects (Rao and Scott 1984).

    pearson : X^2 = n sum (p - p_r p_c)^2 / (p_r p_c) on the weighted shares and the unweighted n.
    design_effects : (k,) eigenvalues of the matrix of generalised design effects, k = (R - 1)(C - 1).
    With d their mean, a their coefficient of variation and nu the degrees of freedom of the domain:
    chi2_first : X^2 / d on k. f_first : X^2 / (k d) on k and k nu.
    chi2_second : X^2 / (d (1 + a^2)) on k / (1 + a^2). f_second : X^2 / (k d) on k / (1 + a^2) and nu times that.
    R survey's ``svychisq``: "Chisq" has the p-value of chi2_first, "F" is f_second; its nu counts units without weight
    too, and so those outside the domain of a calibrated design, where this nu is that of all other estimates.
    """

    pearson: float
    design_effects: np.ndarray
    chi2_first: Test
    f_first: Test
    chi2_second: Test
    f_second: Test


@dataclass(frozen=True, eq=False)
class CrossTab:
    """A table of R rows and C columns within one domain.

    counts (R, C): agencies with weight. totals (R, C): sums of weights. covariance (R * C, R * C): of the totals.
    df: degrees of freedom of the domain; row_df (R,) and column_df (C,) of the rows and columns.
    """

    counts: np.ndarray
    totals: np.ndarray
    covariance: np.ndarray
    df: int
    row_df: np.ndarray
    column_df: np.ndarray

    @cached_property
    def shares(self) -> Shares:
        """Shares of all: they add up to 1."""
        rows, columns = self.totals.shape
        return self._shares(np.ones((rows, rows)), np.ones((columns, columns)), np.full((rows, columns), self.df))

    @cached_property
    def row_shares(self) -> Shares:
        """Shares of the row: those of a row add up to 1; missing in an empty row."""
        rows, columns = self.totals.shape
        return self._shares(np.eye(rows), np.ones((columns, columns)), np.tile(self.row_df[:, None], columns))

    @cached_property
    def column_shares(self) -> Shares:
        """Shares of the column: those of a column add up to 1; missing in an empty column."""
        rows, columns = self.totals.shape
        return self._shares(np.ones((rows, rows)), np.eye(columns), np.tile(self.column_df, (rows, 1)))

    def _shares(self, rows: np.ndarray, columns: np.ndarray, df: np.ndarray) -> Shares:
        """Each cell's total over that of the cells in ``rows`` (R, R) and ``columns`` (C, C) beside it."""
        beside = np.kron(rows, columns)
        total = self.totals.ravel()
        whole = beside @ total
        with np.errstate(divide="ignore", invalid="ignore"):
            value = total / whole
            slope = (np.eye(len(total)) - value[:, None] * beside) / whole[:, None]
        covariance = slope @ self.covariance @ slope.T
        return Shares(value, covariance, (beside @ self.counts.ravel()).astype(int), df.ravel())

    def rao_scott(self) -> RaoScott:
        """Test that rows and columns are independent; rows and columns without anybody are left out."""
        part = self._filled()
        p, n, (rows, columns) = part.totals / part.totals.sum(), part.counts.sum(), part.totals.shape
        expected = np.outer(p.sum(axis=1), p.sum(axis=0))
        pearson = float(n * ((p - expected) ** 2 / expected).sum())
        main = np.column_stack(
            [np.kron(np.eye(rows), np.ones((columns, 1))), np.kron(np.ones((rows, 1)), np.eye(columns))]
        )
        both = np.kron(np.eye(rows)[:, 1:], np.eye(columns)[:, 1:])
        interaction = both - main @ np.linalg.lstsq(main, both, rcond=None)[0]
        scaled = interaction * np.divide(1, p.ravel(), out=np.zeros(p.size), where=p.ravel() > 0)[:, None]
        simple = interaction.T @ scaled / n
        effects = np.linalg.solve(simple, scaled.T @ part.shares.covariance @ scaled)
        k, trace = len(effects), float(np.trace(effects))
        d0 = trace**2 / float(np.trace(effects @ effects)) if trace > 0 else float("nan")
        statistic = pearson / trace if trace > 0 else float("nan")
        return RaoScott(
            pearson,
            np.sort(np.linalg.eigvals(effects).real)[::-1],
            _chi2(statistic * k, k),
            _f(statistic, k, k * self.df),
            _chi2(statistic * d0, d0),
            _f(statistic, d0, d0 * self.df),
        )

    def wald(self, adjusted: bool = True) -> Test:
        """Wald test that all (R - 1)(C - 1) differences from independence in the totals are zero.

        W / k on k and nu, or adjusted for few degrees of freedom: W (nu - k + 1) / (nu k) on k and nu - k + 1
        (R survey's ``svychisq``, "Wald" and "adjWald").
        """
        part = self._filled()
        total, (rows, columns) = part.totals.sum(), part.totals.shape
        by_row, by_column = part.totals.sum(axis=1), part.totals.sum(axis=0)
        product = np.outer(by_row, by_column).ravel()
        away = part.totals.ravel() - product / total
        in_row, in_column = (
            np.kron(np.eye(rows), np.ones((columns, columns))),
            np.kron(np.ones((rows, rows)), np.eye(columns)),
        )
        slope = (
            np.eye(len(away))
            - in_row * np.tile(by_column, rows)[:, None] / total
            - in_column * np.repeat(by_row, columns)[:, None] / total
            + product[:, None] / total**2
        )
        used = np.arange(len(away)).reshape(rows, columns)[1:, 1:].ravel()
        covariance = (slope @ part.covariance @ slope.T)[np.ix_(used, used)]
        k, nu = len(used), self.df
        if np.linalg.matrix_rank(covariance, hermitian=True) < k:
            return Test(float("nan"), k, float(nu), float("nan"))
        statistic = float(away[used] @ np.linalg.solve(covariance, away[used])) / k
        return _f(statistic * (nu - k + 1) / nu, k, nu - k + 1) if adjusted else _f(statistic, k, nu)

    def _filled(self) -> CrossTab:
        """The table without empty rows and columns; refuses one that is left with a single row or column."""
        rows, columns = self.totals.sum(axis=1) > 0, self.totals.sum(axis=0) > 0
        if rows.sum() < 2 or columns.sum() < 2:
            raise InputError("A variable of the table has one category only", fix="Nothing can be tested")
        cells = np.outer(rows, columns).ravel()
        return CrossTab(
            self.counts[np.ix_(rows, columns)],
            self.totals[np.ix_(rows, columns)],
            self.covariance[np.ix_(cells, cells)],
            self.df,
            self.row_df[rows],
            self.column_df[columns],
        )


def crosstab(design: SurveyDesign, row, column, rows: int, columns: int, domain=None) -> CrossTab:
    """Table of two variables: codes (n,) 0..rows-1 and 0..columns-1, -1 is missing; domain (bool (n,)) optional.

    Agencies with a missing code are left out. Raises InputError for codes out of range, columns of different length
    and a table that holds nobody.
    """
    row = _within(design, row, rows, "A row", domain)
    column = _within(design, column, columns, "A column", domain)
    both = (row >= 0) & (column >= 0)
    cells = np.where(both, row * columns + column, -1)
    cells = estimate.totals_by(design, np.broadcast_to(1.0, design.n), cells, rows * columns)
    if not cells.value.sum() > 0:
        raise InputError("The table holds nobody with weight", fix="Check the domain and the codes")
    margins = [
        np.array([design.degrees_of_freedom(both & (codes == code)) for code in range(count)])
        for codes, count in ((row, rows), (column, columns))
    ]
    shape = (rows, columns)
    df = design.degrees_of_freedom(both)
    return CrossTab(cells.n.reshape(shape), cells.value.reshape(shape), cells.covariance, df, *margins)


# ---- means ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """A mean, difference or slope with its standard error, limits and t test."""

    value: float
    se: float
    low: float
    high: float
    level: float
    test: Test


def t_test(design: SurveyDesign, y, group=None, domain=None, null: float = 0.0, level: float = 0.95) -> Comparison:
    """t test that the mean of y (n,) is ``null``, or that the means of groups 0 and 1 differ by it (1 less 0).

    group (n,): 0 or 1, -1 is missing. Two groups: the slope on the group, with degrees of freedom of the domain less 1
    (R survey's ``svyttest``). One mean: degrees of freedom of the domain, those of its interval; ``svyttest`` takes
    one off here too, though nothing but the mean is estimated.
    """
    if group is None:
        found = estimate.mean(design, y, domain)
        _one_column(found.value)
        return _compared(float(found.value[0]), float(found.se[0]), float(found.df[0]), null, level)
    codes = _within(design, group, 2, "A group", domain)
    found = estimate.means_by(design, y, codes, 2)
    _one_column(found.grid(found.value)[0])
    value, se, _ = estimate.contrast(found, [-1, 1])
    return _compared(value, se, design.degrees_of_freedom(codes >= 0) - 1, null, level)


def equal_means(design: SurveyDesign, y, codes, domains: int) -> Test:
    """Wald F test that the means of y (n,) are equal in all domains (codes (n,), -1 is none).

    On D - 1 and the degrees of freedom of all domains together less D - 1: the test of a factor in a linear
    regression (R survey's ``regTermTest`` on ``svyglm``).
    """
    _at_least(domains, 2)
    found = estimate.means_by(design, y, codes, domains)
    _one_column(found.grid(found.value)[0])
    df = design.degrees_of_freedom(found.codes < domains) - (domains - 1)
    return estimate.wald(found, np.eye(domains)[1:] - np.eye(domains)[0], df)


def trend(
    design: SurveyDesign, y, codes, domains: int, scores=None, method: str = "slope", level: float = 0.95
) -> Comparison:
    """Test of a linear trend of the mean (or share, y 0 or 1) of y (n,) over ordered domains, per unit of the score.

    scores (domains,): place of each domain, default 0, 1, 2 ...
    'slope': regression of y on the score of the agency's domain, so that domains count by their size; degrees of
    freedom of all domains together less 1 (R survey's ``svyglm``).
    'contrast': least-squares line through the domains' means, each counting once; the fewest degrees of freedom
    of a domain.
    """
    if method not in TRENDS:
        raise ValueError(f"unknown method for a trend: {method}")
    _at_least(domains, 2)
    scores = np.arange(domains, dtype=float) if scores is None else numbers(scores, "A score of the trend")
    if scores.shape != (domains,) or not np.isfinite(scores).all() or len(np.unique(scores)) < 2:
        raise InputError("A trend needs one number a domain, not all the same", fix="Correct the scores")
    found = estimate.means_by(design, y, codes, domains)
    _one_column(found.grid(found.value)[0])
    if method == "contrast":
        away = scores - scores.mean()
        value, se, test = estimate.contrast(found, away / (away @ away))
        return _compared(value, se, test.df_residual, 0.0, level)
    size, mean = found.below[:, 0], found.value
    away = scores - size @ scores / size.sum()
    spread = size @ away**2
    value = float(size @ (away * mean) / spread)
    level_of = size @ mean / size.sum() + value * away  # the line at each domain's score
    inside = found.codes < domains
    line, away = np.append(level_of, 0.0)[found.codes], np.append(away, 0.0)[found.codes]
    y = np.where(inside, numbers(y, "A variable").reshape(design.n), 0.0)
    z = design.weight * away * (y - line) / spread
    df = design.degrees_of_freedom(inside) - 1
    return _compared(value, float(np.sqrt(design.variance(z)[0])), df, 0.0, level)


def rank_test(design: SurveyDesign, y, codes, groups: int, kind: str = "wilcoxon") -> Test:
    """Test that y (n,) has one distribution in all groups (codes (n,), -1 is none), from ranks under the weights.

    Lumley and Scott (2013): ranks are estimated in the population, as shares of it (middle of ties), and their scores
    compared as means. 'wilcoxon' (Kruskal-Wallis for several groups): the rank; 'normal': its normal quantile
    (van der Waerden); 'median': above the median or not. Two groups: t on degrees of freedom less 1; several: F as in
    ``equal_means``. R survey's ``svyranktest``, save that tied agencies of different weight there get ranks that
    hang on the order of rows.
    """
    if kind not in RANKS:
        raise ValueError(f"unknown rank test: {kind}")
    _at_least(groups, 2)
    codes = estimate.checked_codes(design, codes, groups, "A group")
    estimate.means_by(design, y, codes, groups)  # refuses missing values and empty groups
    inside = (codes >= 0) & (design.weight > 0)
    rank = np.zeros(design.n)
    rank[inside] = _ranks(numbers(y, "A variable").reshape(design.n)[inside], design.weight[inside])
    if kind == "normal":
        rank[inside] = distributions.normal_quantile(rank[inside])
    elif kind == "median":
        rank = (rank > 0.5 + 1e-12).astype(float)  # the one in the middle is not above, whatever the rounding
    return t_test(design, rank, codes).test if groups == 2 else equal_means(design, rank, codes, groups)


def _ranks(y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Estimated ranks as shares of the population: weight below y and half of that at y."""
    order = np.argsort(y, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(y[order]) > 0))
    tied = np.add.reduceat(weight[order], first)
    middle = np.cumsum(tied) - tied / 2
    out = np.empty(len(y))
    out[order] = np.repeat(middle, np.diff(np.append(first, len(y)))) / tied.sum()
    return out


# ---- several comparisons -------------------------------------------------------------------------------------------


def adjusted(p, method: str = "holm") -> np.ndarray:
    """p-values (m,) adjusted for m comparisons; missing ones stay missing and do not count.

    'holm': Holm (1979), keeps the chance of any false rejection. 'benjamini-hochberg': Benjamini and Hochberg (1995),
    keeps the expected share of false ones among the rejections. As R's ``p.adjust``.
    """
    if method not in ADJUSTMENTS:
        raise ValueError(f"unknown adjustment of p-values: {method}")
    p = numbers(np.atleast_1d(p), "A p-value")
    known = np.isfinite(p)
    if ((p[known] < 0) | (p[known] > 1)).any():
        raise InputError("A p-value lies outside 0 to 1", fix="Correct it")
    order = np.argsort(p[known], kind="stable")
    m, rank = len(order), np.arange(1, len(order) + 1)
    if method == "holm":
        sorted_p = np.maximum.accumulate((m - rank + 1) * p[known][order])
    else:
        sorted_p = np.minimum.accumulate((m / rank * p[known][order])[::-1])[::-1]
    out = np.full(len(p), np.nan)
    out[np.flatnonzero(known)[order]] = np.minimum(sorted_p, 1)
    return out


@dataclass(frozen=True)
class Pair:
    """Estimate ``second`` less estimate ``first``: difference, standard error, t test, adjusted p-value."""

    first: int
    second: int
    value: float
    se: float
    test: Test
    p_adjusted: float


def pairwise(found: estimate.Estimate | estimate.DomainEstimate, method: str = "holm") -> list[Pair]:
    """All differences between estimates of one design, with their covariance and adjusted p-values."""
    pairs = list(combinations(range(len(found.value)), 2))
    unit = np.eye(len(found.value))
    tests = [estimate.contrast(found, unit[j] - unit[i]) for i, j in pairs]
    p = adjusted([test.p for *_, test in tests], method)
    return [Pair(i, j, *test, float(q)) for (i, j), test, q in zip(pairs, tests, p, strict=True)]


def _within(design: SurveyDesign, codes, count: int, what: str, domain) -> np.ndarray:
    """Codes (n,), -1 outside the domain."""
    codes = estimate.checked_codes(design, codes, count, what)
    return codes if domain is None else np.where(estimate.checked_domain(design, domain), codes, -1)


def _at_least(count: int, wanted: int) -> None:
    if count < wanted:
        raise InputError("There is one category only", fix="Nothing can be compared")


def _one_column(value: np.ndarray) -> None:
    if len(value) != 1:
        raise InputError(f"The test is of one variable and {len(value)} are given", fix="Test them one by one")


def _compared(value: float, se: float, df: float, null: float, level: float) -> Comparison:
    half = distributions.t_quantile(0.5 + level / 2, df) * se if df > 0 else float("nan")
    test = estimate.t_test_of(value - null, se, df)
    return Comparison(value, se, float(value - half), float(value + half), level, test)


def _f(statistic: float, df: float, df_residual: float) -> Test:
    p = distributions.f_tail(statistic, df, df_residual) if df_residual > 0 else float("nan")
    return Test(float(statistic), float(df), float(df_residual), float(p))


def _chi2(statistic: float, df: float) -> Test:
    return Test(float(statistic), float(df), float("inf"), float(distributions.chi2_tail(statistic, df)))
