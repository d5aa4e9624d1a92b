"""Design-based estimates with linearised variances: totals, means, proportions, ratios, quantiles, domains, change.

A domain keeps the full design: agencies outside it stay in their strata with score 0 (Saerndal, Swensson and Wretman
1992, chapter 10). Ratios and domain means are linearised by Taylor series (same, section 5.5): the score of
R = Y / X is w (y - R x) / X.

``mean``, ``total``, ``ratio`` and ``proportions`` take one domain; ``means_by`` and its kin take domains that do not
overlap, by code, and many variables at once, without a pass over the data for each domain (``DomainEstimate``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from agency_survey import distributions
from agency_survey.columns import checked_level, flags, numbers, row_list
from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError

INTERVALS = ("t", "logit", "asin", "wilson", "beta")


class Reported:
    """Standard errors and limits of anything with value, variance, n and df, each (k,)."""

    value: np.ndarray
    variance: np.ndarray
    n: np.ndarray
    df: np.ndarray

    @property
    def se(self) -> np.ndarray:
        """Standard errors (k,)."""
        return np.sqrt(self.variance)

    def interval(self, level: float = 0.95, method: str = "t") -> np.ndarray:
        """Confidence limits (k, 2); missing where there are no degrees of freedom.

        method 't': value -+ t(df) se. The others are for proportions:
        'logit': the same on the log-odds scale, where se(logit p) = se(p) / (p (1 - p)), turned back (as R survey's
        ``svyciprop``); the limits are missing at p = 0 and p = 1, where no linearised variance exists.
        'asin': the same for the arcsine of the square root.
        'wilson': score limits with the effective size p (1 - p) / V in place of n and t(df) in place of the normal
        quantile: the roots of (p - r)^2 = t^2 r (1 - r) / n_eff.
        'beta': Korn and Graubard (1998): Clopper-Pearson limits with the effective size times
        (t(n - 1) / t(df))^2, as R survey's ``svyciprop``.
        The last two have limits at p = 0 and p = 1 too, where the effective size is taken to be n.
        """
        if method not in INTERVALS:
            raise ValueError(f"unknown interval method: {method}")
        checked_level(level)
        quantile = distributions.t_quantile(0.5 + level / 2, np.maximum(self.df, 1))
        quantile = np.where(self.df > 0, quantile, np.nan)
        return getattr(self, f"_{method}")(quantile, level)

    def _t(self, quantile: np.ndarray, level: float) -> np.ndarray:
        half = quantile * self.se
        return np.column_stack([self.value - half, self.value + half])

    def _logit(self, quantile: np.ndarray, level: float) -> np.ndarray:
        p = self._shares()
        with np.errstate(divide="ignore", invalid="ignore"):
            centre = np.log(p / (1 - p))
            half = quantile * self.se / (p * (1 - p))
            limits = 1 / (1 + np.exp(-np.column_stack([centre - half, centre + half])))
        limits[(p <= 0) | (p >= 1)] = np.nan
        return limits

    def _asin(self, quantile: np.ndarray, level: float) -> np.ndarray:
        p = self._shares()
        with np.errstate(divide="ignore", invalid="ignore"):
            centre, half = np.arcsin(np.sqrt(p)), quantile * self.se / (2 * np.sqrt(p * (1 - p)))
        # beyond the ends of the scale the sine would turn back
        limits = np.sin(np.clip(np.column_stack([centre - half, centre + half]), 0, np.pi / 2)) ** 2
        limits[(p <= 0) | (p >= 1)] = np.nan
        return limits

    def _wilson(self, quantile: np.ndarray, level: float) -> np.ndarray:
        p = self._shares()
        per = quantile**2 / self._effective_n(p)
        centre, half = p + per / 2, np.sqrt(per * (p * (1 - p) + per / 4))
        limits = np.column_stack([centre - half, centre + half]) / (1 + per)[:, None]
        return np.clip(limits, 0, 1)

    def _beta(self, quantile: np.ndarray, level: float) -> np.ndarray:
        p = self._shares()
        size = (
            self._effective_n(p)
            * (distributions.t_quantile(0.5 + level / 2, np.maximum(self.n - 1, 1)) / quantile) ** 2
        )
        tail = (1 - level) / 2
        with np.errstate(invalid="ignore"):
            low = distributions.beta_quantile(tail, size * p, size * (1 - p) + 1)
            high = distributions.beta_quantile(1 - tail, size * p + 1, size * (1 - p))
        exact = np.isinf(size)  # a share that is known: no width
        low = np.where(exact, p, np.where((p <= 0) & np.isfinite(size), 0.0, low))
        high = np.where(exact, p, np.where((p >= 1) & np.isfinite(size), 1.0, high))
        return np.column_stack([low, high])

    def _shares(self) -> np.ndarray:
        if ((self.value < -1e-9) | (self.value > 1 + 1e-9)).any():
            raise InputError(
                "The interval is for proportions and a value lies outside 0 to 1", fix="Take the method 't'"
            )
        return np.clip(self.value, 0, 1)

    def _effective_n(self, p: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((p <= 0) | (p >= 1), self.n, p * (1 - p) / self.variance)


@dataclass(frozen=True)
class Estimate(Reported):
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
    def variance(self) -> np.ndarray:
        """Variances (k,)."""
        return np.diag(self.covariance)

    def variance_of(self, coefficients: np.ndarray) -> float:
        """Variance of the combination c'theta."""
        return float(coefficients @ self.covariance @ coefficients)


# ---- one domain ----------------------------------------------------------------------------------------------------


def _columns(design: SurveyDesign, y, domain: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    y = _numbers(design, y)
    inside = checked_domain(design, domain)
    known = np.isfinite(y)
    if not known.all() and (missing := inside & ~known.all(axis=1)).any():
        raise InputError(
            f"A variable is missing for {missing.sum()} agencies of the domain",
            row_list(missing),
            fix="Leave them out of the domain or impute them",
        )
    return y.copy(order="K") if inside.all() else np.where(inside[:, None], y, 0.0), inside


def _numbers(design: SurveyDesign, y) -> np.ndarray:
    """y (n,) or (n, k) as numbers (n, k)."""
    y = numbers(y, "A variable")
    if len(y) != design.n:
        raise InputError(f"A variable has {len(y)} rows, the design {design.n}", fix="Give one value to an agency")
    return y.reshape(design.n, -1)


def checked_domain(design: SurveyDesign, domain) -> np.ndarray:
    """A domain (bool (n,)) checked; None is everybody."""
    if domain is None:
        return np.ones(design.n, dtype=bool)
    domain = flags(domain, "A domain", "Say in or out for each")
    if len(domain) != design.n:
        raise InputError(f"A domain has {len(domain)} rows, the design {design.n}", fix="Give one value to an agency")
    return domain


def _pack(design: SurveyDesign, value: np.ndarray, scores: np.ndarray, inside: np.ndarray) -> Estimate:
    k = len(value)
    count = int((inside & (design.weight > 0)).sum())
    df = design.degrees_of_freedom(inside)
    return Estimate(value, design.covariance(scores, inside), np.full(k, count), np.full(k, df), scores)


def total(design: SurveyDesign, y, domain: np.ndarray | None = None) -> Estimate:
    """Totals of y (n,) or (n, k) over the domain (bool (n,)): sum w y."""
    scores, inside = _columns(design, y, domain)
    scores *= design.weight[:, None]
    return _pack(design, scores.sum(axis=0), scores, inside)


def ratio(design: SurveyDesign, y, x, domain: np.ndarray | None = None) -> Estimate:
    """Ratios of the totals of y (n, k) to the total of x (n,) over the domain."""
    y, inside = _columns(design, y, domain)
    x, _ = _columns(design, x, domain)
    _refuse_denominators(x)
    return _ratio(design, y, x, inside, lambda value: value)


def _refuse_denominators(x: np.ndarray) -> None:
    if x.shape[1] != 1:
        raise InputError("A ratio has more than one denominator", fix="Give one column")


def mean(design: SurveyDesign, y, domain: np.ndarray | None = None) -> Estimate:
    """Means of y (n,) or (n, k) over the domain: the ratio of its total to the domain's size.

    A mean never leaves the range of y, so that a share of everybody is 1 and not a rounding beside it.
    """
    y, inside = _columns(design, y, domain)
    low = y.min(axis=0, where=inside[:, None], initial=np.inf)
    high = y.max(axis=0, where=inside[:, None], initial=-np.inf)
    return _ratio(design, y, inside.astype(float)[:, None], inside, lambda value: np.clip(value, low, high))


def _ratio(design: SurveyDesign, y, x, inside: np.ndarray, within: Callable[[np.ndarray], np.ndarray]) -> Estimate:
    """Ratios of y (n, k), which becomes the scores, to x (n, 1); ``within`` keeps the values where they can be."""
    x = x[:, 0]
    below = float(design.weight @ x)
    if below == 0:
        raise InputError("The denominator of a ratio is zero", fix="Check the domain: no agency with weight lies in it")
    value = within(design.weight @ y / below)
    for j, r in enumerate(value):
        y[:, j] = design.weight * (y[:, j] - x * r) / below
    return _pack(design, value, y, inside)


def proportions(design: SurveyDesign, codes, categories: int, domain: np.ndarray | None = None) -> Estimate:
    """Shares (categories,) of each code 0..categories-1 among agencies of the domain with a code (-1 is missing)."""
    codes = checked_codes(design, codes, categories, "An answer")
    inside = (codes >= 0) & checked_domain(design, domain)
    indicators = (codes[:, None] == np.arange(categories)).astype(float)
    return mean(design, indicators, inside)


def checked_codes(design: SurveyDesign, codes, count: int, what: str) -> np.ndarray:
    """Integer codes (n,) between -1 (none) and count - 1."""
    codes = np.asarray(codes)
    if codes.shape != (design.n,):
        raise InputError(f"{what} has {codes.size} rows, the design {design.n}", fix="Give one code to an agency")
    if codes.dtype.kind not in "iub":
        numbers = pd.to_numeric(pd.Series(codes), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        whole = np.where(np.isfinite(numbers), numbers, -1).astype(np.int64)
        if (wrong := numbers != whole).any():
            raise InputError(
                f"{what} is missing or no whole number for {wrong.sum()} agencies", fix="Give the code -1 to those"
            )
        codes = whole
    if (wrong := (codes < -1) | (codes >= count)).any():
        raise InputError(
            f"{what} has a code outside 0 to {count - 1} for {wrong.sum()} agencies", fix="Correct the codes"
        )
    return codes.astype(np.int64, copy=False)


# ---- domains that do not overlap, by code --------------------------------------------------------------------------


def _cells(first: np.ndarray, second: np.ndarray, sizes: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cell (n,), first (C,), second (C,)): pairs of codes as one code, without the pairs that do not occur if many.

    There may be two cells to a row, so that their codes are kept in 4 bytes.
    """
    key = first * sizes[1]
    key += second
    pairs = np.arange(sizes[0] * sizes[1])
    if len(pairs) > 2 * len(key):
        pairs, key = np.unique(key, return_inverse=True)
    return key, (pairs // sizes[1]).astype(np.int32), (pairs % sizes[1]).astype(np.int32)


class _StageSquares:
    """Sums of squares of one stage of sampling, for scores that are 0 outside their own domain.

    The stage's variance of domain d is sum_h factor_h sum_i (t_i - tbar_h)^2 over the units of the stratum. Units
    that hold nobody of d have t = 0: there are sampled_h - count_hd of them, each adds tbar_h^2.
    """

    def __init__(self, stage, factor: np.ndarray, centre: np.ndarray, codes: np.ndarray, domains: int):
        self.domains, self.units = domains, None
        stratum, domain = stage.stratum, codes
        if stage.unit is not None:
            self.units, unit, domain = _cells(stage.unit, codes, (len(stage.stratum), domains + 1))
            self.unit = unit
            stratum = stage.stratum[unit]
        self.domain_of_unit = domain
        self.cell, self.stratum, self.domain = _cells(stratum, domain, (len(stage.labels), domains + 1))
        self.size = len(self.stratum)
        self.sampled = stage.sampled[self.stratum]
        self.rate = centre[self.stratum] / self.sampled
        self.factor = factor[self.stratum]
        self.empty = self.sampled - np.bincount(self.cell, minlength=self.size)

    def _totals(self, scores: np.ndarray) -> np.ndarray:
        """Sums of scores (n,) by unit and domain; the scores themselves where rows are units."""
        return scores if self.units is None else np.bincount(self.units, scores, len(self.domain_of_unit))

    def _centred(self, totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(totals less their stratum's mean, means (C,))."""
        mean = np.bincount(self.cell, totals, self.size) * self.rate
        centred = mean[self.cell]
        return np.subtract(totals, centred, out=centred), mean

    def variance(self, scores: np.ndarray) -> np.ndarray:
        """Variances (D,) of the domains' totals of scores (n,)."""
        centred, mean = self._centred(self._totals(scores))
        squares = np.bincount(self.cell, np.square(centred, out=centred), self.size) + self.empty * mean**2
        return np.bincount(self.domain, self.factor * squares, self.domains + 1)[:-1]

    def covariance(self, score: Callable[[int], np.ndarray], k: int) -> np.ndarray:
        """Joint covariance (D * k, D * k) of the domains' totals of score(0) ... score(k - 1), each (n,)."""
        centred, means = zip(*(self._centred(self._totals(score(j))) for j in range(k)), strict=True)
        same = {}
        for j, m in combinations_with_replacement(range(k), 2):
            products = np.bincount(self.cell, centred[j] * centred[m], self.size)
            products += self.empty * means[j] * means[m]
            same[j, m] = np.bincount(self.domain, self.factor * products, self.domains + 1)
        # different domains: sum_i t_id t_ie - n_h tbar_hd tbar_he; no unit is in both where rows are units
        root = np.sqrt(self.factor * self.sampled)
        found = -self._products([mean * root for mean in means], self.stratum, self.domain)
        if self.units is not None:
            root = np.sqrt(self.factor)
            for totals, mean in zip(centred, means, strict=True):  # in place: the totals again, by the root
                totals += mean[self.cell]
                totals *= root[self.cell]
            found += self._products(centred, self.unit, self.domain_of_unit)
        found = found.reshape(self.domains + 1, k, self.domains + 1, k)
        here = np.arange(self.domains + 1)
        for (j, m), squares in same.items():
            found[here, j, here, m] = found[here, m, here, j] = squares
        return found[:-1, :, :-1, :].reshape(self.domains * k, -1)

    def _products(self, values: Sequence[np.ndarray], rows: np.ndarray, domain: np.ndarray) -> np.ndarray:
        """X'X of X with k values (C,) in row ``rows``, ascending, and columns (domain, variable); in blocks of rows."""
        k, block = len(values), 1024
        found = np.zeros(((self.domains + 1) * k,) * 2)
        starts = np.arange(0, int(rows[-1]) + 1, block, dtype=rows.dtype)  # of one type, or the search copies the rows
        for start, low, high in zip(starts, *np.searchsorted(rows, [starts, starts + block]), strict=True):
            wide = np.zeros((block, self.domains + 1, k))
            place = rows[low:high] - start, domain[low:high]
            for j, value in enumerate(values):
                wide[*place, j] = value[low:high]
            wide = wide.reshape(block, -1)
            found += wide.T @ wide
        return found

    def degrees_of_freedom(self, counted: np.ndarray) -> np.ndarray:
        """(D,): units with an agency that counts (bool (n,)) less the strata they lie in, by domain."""
        unit = self._totals(counted.astype(float)) > 0
        cell = np.bincount(self.cell, unit, self.size) > 0
        counts = [
            np.bincount(domain, seen, self.domains + 1)
            for domain, seen in ((self.domain_of_unit, unit), (self.domain, cell))
        ]
        return (counts[0] - counts[1])[:-1].astype(int)


class _Squares:
    """Variances of estimates by domain: from cells where the design adds up squares of the scores as they are.

    Calibrated designs, second phases and lonely = 'average' need each domain's scores in full: one domain at a time.
    With 'average' a domain's variance hangs on the strata that it lies in, and a joint covariance on those of all its
    domains.
    """

    def __init__(self, design: SurveyDesign, codes: np.ndarray, domains: int):
        self.design, self.codes, self.domains = design, codes, domains
        self.direct = not design.adjustments and design.second is None and design.lonely != "average"

    @cached_property
    def _stages(self) -> list[_StageSquares]:
        return [_StageSquares(*part, self.codes, self.domains) for part in self.design._stages()]

    def variance(self, score: Callable[[int], np.ndarray], used: Callable[[int], np.ndarray], k: int) -> np.ndarray:
        """Variances (D * k,) of the domains' totals of score(0) ... score(k - 1), each (n,), over the agencies used."""
        out = np.zeros((self.domains, k))
        for j in range(k):
            z = score(j)
            if self.direct:
                out[:, j] = sum(stage.variance(z) for stage in self._stages)
            else:
                domains = (used(j) & (self.codes == d) for d in range(self.domains))
                out[:, j] = [self.design.variance(np.where(inside, z, 0.0), inside)[0] for inside in domains]
        return out.ravel()

    def covariance(self, score: Callable[[int], np.ndarray], k: int) -> np.ndarray:
        """Joint covariance (D * k, D * k) of the same."""
        if self.direct:
            size = self.domains * k
            return sum((stage.covariance(score, k) for stage in self._stages), np.zeros((size, size)))
        scores = _by_domain([score(j) for j in range(k)], self.codes, self.domains)
        return self.design.covariance(scores, self.codes < self.domains)

    def degrees_of_freedom(self, counted: np.ndarray) -> np.ndarray:
        """(D,) degrees of freedom of the domains narrowed to ``counted``, as the design gives them."""
        if self.design.second is not None:
            return np.array([self.design.degrees_of_freedom(counted & (self.codes == d)) for d in range(self.domains)])
        return self._first.degrees_of_freedom(counted)

    @cached_property
    def _first(self) -> _StageSquares:
        stage = self.design.stages[0]
        return _StageSquares(stage, *stage.factors("fail"), self.codes, self.domains)


def _by_domain(scores: Sequence[np.ndarray], codes: np.ndarray, domains: int) -> np.ndarray:
    """Scores (n, D * k), one column a cell, from those of the agencies' own domains."""
    out = np.zeros((len(codes), domains, len(scores)))
    inside = np.flatnonzero(codes < domains)
    for j, z in enumerate(scores):
        out[inside, codes[inside], j] = z[inside]
    return out.reshape(len(codes), -1)


@dataclass(frozen=True)
class _Variables:
    """k variables of n agencies, handed out one at a time."""

    count: int
    column: Callable[[int], np.ndarray]


@dataclass(frozen=True, eq=False)
class DomainEstimate(Reported):
    """Estimates of k variables in D domains: cell d * k + j is variable j in domain d.

    value, variance, se, n, df are (D * k,); ``grid`` turns them to (D, k). Variances are worked out when first asked
    for, and the joint covariance (D * k, D * k) and the scores (n, D * k) only if asked for: they are large.
    An agency lies in one domain at most, so one score for each variable stands for its D scores.

    codes (n,): the domain of each agency, D for those in none; centre and below (D, k): the score of agency i is
    w (y_j - centre_dj x) / below_dj; known (n, k) marks the values that count, None is all.
    """

    design: SurveyDesign
    kind: str
    domains: int
    codes: np.ndarray
    y: _Variables
    x: np.ndarray | None
    known: np.ndarray | None
    value: np.ndarray
    centre: np.ndarray
    below: np.ndarray

    def grid(self, cells: np.ndarray) -> np.ndarray:
        """(D * k, ...) as (D, k, ...)."""
        return np.asarray(cells).reshape(self.domains, self.y.count, *np.shape(cells)[1:])

    @cached_property
    def variance(self) -> np.ndarray:
        """Variances (D * k,), those of the full design."""
        return self._squares.variance(self._score, self._used, self.y.count)

    @cached_property
    def covariance(self) -> np.ndarray:
        """Joint covariance (D * k, D * k)."""
        return self._squares.covariance(self._score, self.y.count)

    @property
    def scores(self) -> np.ndarray:
        """Linearised weighted scores (n, D * k), one column a cell."""
        return _by_domain([self._score(j) for j in range(self.y.count)], self.codes, self.domains)

    @cached_property
    def n(self) -> np.ndarray:
        """Agencies with weight (D * k,)."""
        counts = [np.bincount(self.codes, self._counted(j), self.domains + 1) for j in self._distinct]
        return self._spread(counts).astype(int)

    @cached_property
    def df(self) -> np.ndarray:
        """Degrees of freedom (D * k,), of each domain as the design counts them."""
        return self._spread([self._squares.degrees_of_freedom(self._counted(j)) for j in self._distinct])

    def variance_of(self, coefficients: np.ndarray) -> float:
        """Variance of the combination c'theta, from one column of scores."""
        c = self.grid(np.append(coefficients, [])).T
        padded = np.column_stack([c, np.zeros(self.y.count)])
        scores = sum(padded[j][self.codes] * self._score(j) for j in np.flatnonzero(c.any(axis=1)))
        return float(self.design.variance(scores, self.codes < self.domains)[0]) if np.ndim(scores) else 0.0

    def select(self, cells) -> Estimate:
        """Some of the cells as an Estimate with their joint covariance."""
        cells = np.atleast_1d(np.arange(self.domains * self.y.count)[cells])
        scores = np.zeros((self.design.n, len(cells)))
        for at, cell in enumerate(cells):
            d, j = divmod(int(cell), self.y.count)
            scores[:, at] = np.where(self.codes == d, self._score(j), 0.0)
        inside = np.isin(self.codes, cells // self.y.count)
        covariance = self.design.covariance(scores, inside)
        return Estimate(self.value[cells], covariance, self.n[cells], self.df[cells], scores)

    def domain(self, d: int) -> Estimate:
        """All variables in domain d."""
        return self.select(slice(d * self.y.count, (d + 1) * self.y.count))

    def design_effect(self, replacement: bool = False) -> np.ndarray:
        """Variance over that of a simple random sample as large (D * k,), as R survey's ``deff``.

        The simple random sample is drawn from the domain: n agencies out of N = sum w, for a total of residuals z
        V_srs = N^2 (1 - n / N) S^2 / n with S^2 estimated under the weights. ``replacement`` leaves out 1 - n / N.
        Missing where the sample is larger than N, or where the residuals are all equal.
        """
        out = np.empty((self.domains, self.y.count))
        n = self.grid(self.n)
        for j in range(self.y.count):
            weight = self.design.weight * self._counted(j)
            size = np.bincount(self.codes, weight, self.domains + 1)
            z = self._residual(j)
            centre = np.bincount(self.codes, weight * z, self.domains + 1) / np.where(size > 0, size, 1)
            spread = np.bincount(self.codes, weight * (z - centre[self.codes]) ** 2, self.domains + 1)[:-1]
            size = size[:-1]
            with np.errstate(divide="ignore", invalid="ignore"):
                simple = spread / size / (n[:, j] - 1)
                simple *= 1.0 if replacement else np.where(size >= n[:, j], 1 - n[:, j] / size, np.nan)
                simple *= size**2  # residuals are divided by the denominator already
                out[:, j] = self.grid(self.variance)[:, j] / np.where(simple > 0, simple, np.nan)
        return out.ravel()

    @cached_property
    def _squares(self) -> _Squares:
        return _Squares(self.design, self.codes, self.domains)

    @property
    def _distinct(self) -> range:
        """Variables whose agencies need counting: one where all count alike."""
        return range(1 if self.known is None else self.y.count)

    def _spread(self, counts: list[np.ndarray]) -> np.ndarray:
        found = np.column_stack(counts)[: self.domains]
        return np.broadcast_to(found, (self.domains, self.y.count)).ravel()

    def _used(self, j: int) -> np.ndarray:
        """Agencies (bool (n,)) of any domain with a value of variable j that counts."""
        inside = self.codes < self.domains
        return inside if self.known is None else inside & self.known[:, j]

    def _counted(self, j: int) -> np.ndarray:
        """Those with weight among them."""
        return self._used(j) & (self.design.weight > 0)

    def _residual(self, j: int) -> np.ndarray:
        """(y_j - centre x) / below of the agency's own domain, 0 where the value does not count."""
        used = self._used(j)
        centre, below = np.append(self.centre[:, j], 0.0), np.append(self.below[:, j], 1.0)
        z = centre[self.codes]
        if self.x is not None:
            z *= self.x
        np.subtract(self.y.column(j), z, out=z)
        z /= below[self.codes]
        z[~used] = 0.0
        return z

    def _score(self, j: int) -> np.ndarray:
        z = self._residual(j)
        z *= self.design.weight
        return z


def means_by(design: SurveyDesign, y, codes, domains: int, known=None) -> DomainEstimate:
    """Means of y (n,) or (n, k) in each of ``domains`` domains.

    codes (n,): 0 to domains - 1, -1 for agencies in none. known (n, k), optional: values that count; a variable's
    domain is narrowed to them, others may be missing. Raises InputError for an empty domain, codes out of range,
    missing values that should count, columns of different length.
    """
    return _by(design, "mean", _of_columns(design, y), None, codes, domains, known)


def ratios_by(design: SurveyDesign, y, x, codes, domains: int, known=None) -> DomainEstimate:
    """Ratios of the totals of y (n, k) to the total of x (n,) in each domain; arguments as ``means_by``."""
    x = _numbers(design, x)
    _refuse_denominators(x)
    return _by(design, "ratio", _of_columns(design, y), x[:, 0], codes, domains, known)


def totals_by(design: SurveyDesign, y, codes, domains: int, known=None) -> DomainEstimate:
    """Totals of y (n, k) in each domain, 0 in an empty one; arguments as ``means_by``."""
    return _by(design, "total", _of_columns(design, y), None, codes, domains, known)


def proportions_by(design: SurveyDesign, answers, categories: int, codes, domains: int) -> DomainEstimate:
    """Shares of each answer 0..categories-1 in each domain, among agencies with an answer (-1 is missing)."""
    answers = checked_codes(design, answers, categories, "An answer")
    codes = np.where(answers >= 0, checked_codes(design, codes, domains, "A domain"), -1)
    y = _Variables(categories, lambda j: (answers == j).astype(float))
    return _by(design, "mean", y, None, codes, domains, None)


def _of_columns(design: SurveyDesign, y) -> _Variables:
    y = _numbers(design, y)
    return _Variables(y.shape[1], lambda j: y[:, j])


def _by(design: SurveyDesign, kind: str, y: _Variables, x, codes, domains: int, known) -> DomainEstimate:
    codes = checked_codes(design, codes, domains, "A domain")
    codes = np.where(codes < 0, domains, codes)
    if known is not None:
        known = np.column_stack([flags(column, "The mark of known values") for column in _each(known)])
        if len(known) != design.n:
            raise InputError(f"The mark of known values has {len(known)} rows, the design {design.n}", fix="Mark each")
        if known.shape[1] not in (1, y.count):
            raise InputError(
                f"The mark of known values has {known.shape[1]} columns for {y.count} variables", fix="Mark each"
            )
        known = np.broadcast_to(known, (design.n, y.count))
    above, below = np.empty((domains, y.count)), np.ones((domains, y.count))
    inside = codes < domains
    for j in range(y.count):
        used = inside if known is None else inside & known[:, j]
        above[:, j] = _totals(design, y.column(j), codes, domains, used)
        if kind == "ratio":
            below[:, j] = _totals(design, x, codes, domains, used)
        elif kind == "mean" and (j == 0 or known is not None):
            below[:, j:] = np.bincount(codes, design.weight * used, domains + 1)[:domains, None]
    empty = np.flatnonzero((below == 0).any(axis=1))
    if len(empty):
        names = ", ".join(str(d) for d in empty[:5])
        raise InputError(f"A domain holds no agency to divide by (code {names})", fix="Leave empty domains out")
    value = above / below
    centre = np.zeros_like(value) if kind == "total" else value
    return DomainEstimate(design, kind, domains, codes, y, x, known, value.ravel(), centre, below)


def _each(columns) -> list:
    """The columns of a table, or the only one."""
    if isinstance(columns, pd.DataFrame):
        return [columns.iloc[:, j] for j in range(columns.shape[1])]
    return list(columns.T) if isinstance(columns, np.ndarray) and columns.ndim == 2 else [columns]


def _totals(design: SurveyDesign, y: np.ndarray, codes: np.ndarray, domains: int, used: np.ndarray) -> np.ndarray:
    """Weighted totals (D,) of y (n,) over the agencies ``used``."""
    if not used.all():
        y = np.where(used, y, 0.0)
    totals = np.bincount(codes, design.weight * y, domains + 1)[:domains]
    if not np.isfinite(totals).all():
        raise InputError(
            f"A variable is missing for {(~np.isfinite(y)).sum()} agencies of the domains",
            fix="Leave them out of the domain or impute them",
        )
    return totals


# ---- quantiles -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Quantiles:
    """Quantiles (D, k, m) of k variables in D domains at m probabilities, with limits by Woodruff (1952).

    value, low, high, se (D, k, m); n, df (D, k); probabilities (m,); level of the limits. se = (high - low) / (2 t(df)).
    """

    probabilities: np.ndarray
    level: float
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    se: np.ndarray
    n: np.ndarray
    df: np.ndarray


def quantiles(
    design: SurveyDesign, y, probabilities, domain=None, rule: str = "math", level: float = 0.95
) -> Quantiles:
    """Quantiles of y (n,) or (n, k) over the domain (bool (n,)): ``quantiles_by`` with one domain."""
    return quantiles_by(design, y, probabilities, np.where(checked_domain(design, domain), 0, -1), 1, None, rule, level)


def quantiles_by(
    design: SurveyDesign,
    y,
    probabilities,
    codes,
    domains: int,
    known=None,
    rule: str = "math",
    level: float = 0.95,
) -> Quantiles:
    """Quantiles of y (n, k) in each domain; other arguments as ``means_by``.

    rule 'math': the smallest y with F(y) >= p, F the weighted distribution function. 'hf7': between the values in
    their order, y_(i) at the weight below it over all weight but the last (type 7 of Hyndman and Fan 1996; of equal y
    the lighter one comes first). Limits (Woodruff 1952): F(q) -+ t(df) se(F(q)), turned back into y by the same rule;
    missing where they leave 0 to 1, as the sample says nothing there. R survey's ``svyquantile`` with
    interval.type = "mean"; there 'math' gives the second smallest y where p is less than the smallest one's weight.
    """
    if rule not in ("math", "hf7"):
        raise ValueError(f"unknown rule for quantiles: {rule}")
    checked_level(level)
    probabilities = numbers(np.atleast_1d(probabilities), "A probability of a quantile")
    if not ((probabilities > 0) & (probabilities < 1)).all():
        raise InputError("A probability of a quantile lies outside 0 to 1", fix="Give shares such as 0.5")
    y = _numbers(design, y)
    base = means_by(design, y, codes, domains, known)  # refuses what cannot be estimated
    k, m = y.shape[1], len(probabilities)
    value, low, high = (np.empty((domains, k, m)) for _ in range(3))
    n, df = base.grid(base.n), base.grid(base.df)
    t = np.where(df > 0, distributions.t_quantile(0.5 + level / 2, np.maximum(df, 1)), np.nan)
    for j in range(k):
        counted = base._counted(j)
        inverse = [_inverse(y[rows, j], design.weight[rows], rule) for rows in _rows_of(base.codes, counted, domains)]
        at = np.array([f(probabilities) for f in inverse])
        below = np.append(at, np.full((1, m), np.nan), axis=0)[base.codes] >= y[:, [j]]
        indicators = _Variables(m, lambda i, below=below: below[:, i].astype(float))
        share = _by(design, "mean", indicators, None, np.where(counted, base.codes, -1), domains, None)
        half = t[:, [j]] * share.grid(share.se)
        ends = share.grid(share.value) - half, share.grid(share.value) + half
        value[:, j] = at
        for out, end in zip((low, high), ends, strict=True):
            end = np.where((end >= 0) & (end <= 1), end, np.nan)
            found = np.array([f(p) for f, p in zip(inverse, end, strict=True)])
            out[:, j] = np.where(half == 0, at, found)  # a census knows its quantiles
    return Quantiles(probabilities, level, value, low, high, (high - low) / (2 * t[:, :, None]), n, df)


def _rows_of(codes: np.ndarray, counted: np.ndarray, domains: int) -> list[np.ndarray]:
    """Row numbers of each domain's agencies that count."""
    rows = np.flatnonzero(counted)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    return np.split(rows, np.searchsorted(codes[rows], np.arange(1, domains)))


def _inverse(y: np.ndarray, weight: np.ndarray, rule: str) -> Callable[[np.ndarray], np.ndarray]:
    """The quantile function of y under the weights; missing at a missing probability."""
    order = np.argsort(y, kind="stable") if rule == "math" else np.lexsort((weight, y))
    y, up_to = y[order], np.cumsum(weight[order])
    if rule == "math":

        def at(p):
            # sums of weights carry rounding: a share that falls short of p by it is p
            place = np.searchsorted(up_to, np.nan_to_num(p) * up_to[-1] * (1 - 1e-12))
            return np.where(np.isnan(p), np.nan, y[np.minimum(place, len(y) - 1)])

        return at
    if len(y) == 1:
        return lambda p: np.where(np.isnan(p), np.nan, y[0])
    place = np.append(0.0, up_to[:-1]) / up_to[-2]
    return lambda p: np.where(np.isnan(p), np.nan, np.interp(np.nan_to_num(p), place, y))


# ---- comparisons ---------------------------------------------------------------------------------------------------


def stack(design: SurveyDesign, parts: Sequence[Estimate]) -> Estimate:
    """Estimates of several domains of one design side by side, with their joint covariance."""
    if not len(parts):
        raise InputError("There is no estimate to put side by side", fix="Give one or more")
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


def contrast(estimate: Estimate | DomainEstimate, coefficients) -> tuple[float, float, Test]:
    """Linear combination c'theta of stacked estimates: value, standard error and t test of zero."""
    c = np.asarray(coefficients, dtype=float)
    if c.shape != estimate.value.shape:
        raise InputError(
            f"A contrast has {c.size} coefficients for {len(estimate.value)} estimates", fix="Give one each"
        )
    if not c.any():
        raise InputError("A contrast has no coefficient that is not zero", fix="Say what is compared")
    value = float(c @ estimate.value)
    se = float(np.sqrt(max(estimate.variance_of(c), 0.0)))
    df = float(np.min(estimate.df[c != 0]))
    return value, se, t_test_of(value, se, df)


def differences(estimate: Estimate | DomainEstimate, to: int = 0) -> list[tuple[float, float, Test]]:
    """Each estimate less estimate ``to``, with their covariance: (difference, standard error, t test of zero)."""
    rows = np.eye(len(estimate.value))
    if not 0 <= to < len(rows):
        raise InputError(f"There is no estimate {to} to compare with", fix=f"Give 0 to {len(rows) - 1}")
    return [contrast(estimate, row - rows[to]) for at, row in enumerate(rows) if at != to]


def wald(estimate: Estimate | DomainEstimate, coefficients, df: float | None = None) -> Test:
    """Wald F test that the q combinations C theta (q, k) are all zero.

    F = (C theta)' (C V C')^-1 (C theta) / q on q and df - q + 1 degrees of freedom, df the fewest of the estimates
    (Korn and Graubard 1990), unless ``df`` gives the denominator's. Missing where the combinations have no variance.
    """
    c = np.atleast_2d(np.asarray(coefficients, dtype=float))
    if c.shape[1:] != estimate.value.shape:
        raise InputError(
            f"A contrast has {c.shape[1]} coefficients for {len(estimate.value)} estimates", fix="Give one each"
        )
    value, covariance = c @ estimate.value, c @ estimate.covariance @ c.T
    q = len(value)
    df = float(np.min(estimate.df[(c != 0).any(axis=0)])) - q + 1 if df is None else float(df)
    root = np.sqrt(np.diag(covariance))
    if not (root > 0).all() or np.linalg.matrix_rank(covariance / np.outer(root, root), hermitian=True) < q:
        return Test(float("nan"), q, df, float("nan"))
    statistic = float(value @ np.linalg.solve(covariance, value)) / q
    return Test(statistic, q, df, float(distributions.f_tail(statistic, q, df)) if df > 0 else float("nan"))


def change(before: Estimate, after: Estimate) -> tuple[np.ndarray, np.ndarray, list[Test]]:
    """Change between two independent surveys: differences (k,), standard errors (k,) and t tests.

    The surveys are drawn independently, so the variances add; degrees of freedom after Welch and Satterthwaite.
    """
    _refuse_unlike(before, after)
    value = after.value - before.value
    first, second = before.variance, after.variance
    se = np.sqrt(first + second)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(v > 0, v**2 / df, 0.0) for v, df in ((first, before.df), (second, after.df))]
        df = (first + second) ** 2 / (parts[0] + parts[1])
    return value, se, [t_test_of(v, s, d) for v, s, d in zip(value, se, df, strict=True)]


def change_within(design: SurveyDesign, before: Estimate, after: Estimate) -> tuple[np.ndarray, np.ndarray, list[Test]]:
    """Change between two surveys that share units: as ``change``, with the covariance between them.

    Both are estimates of domains of one stacked ``design``: the rows of both surveys, below each other, with the
    sampled unit as cluster, so that a unit seen twice is one unit of its stratum (and n_h counts it once).
    Degrees of freedom: the fewer of both.
    """
    _refuse_unlike(before, after)
    value = after.value - before.value
    se = np.sqrt(design.variance(after.scores - before.scores))
    df = np.minimum(before.df, after.df)
    return value, se, [t_test_of(v, s, d) for v, s, d in zip(value, se, df, strict=True)]


def wald_change(before: Estimate, after: Estimate) -> Test:
    """Wald F test that two independent distributions of the same shares are equal.

    Shares that neither survey saw carry no variance and are left out, then the last of the rest (they add up to one).
    Denominator degrees of freedom: those of the survey that has fewer, less k - 1 for k differences.
    """
    _refuse_unlike(before, after)
    seen = np.flatnonzero(np.diag(before.covariance + after.covariance) > 0)[:-1]
    k = len(seen)
    if not k:
        return Test(float("nan"), 0, float("nan"), float("nan"))
    difference = (after.value - before.value)[seen]
    covariance = (before.covariance + after.covariance)[np.ix_(seen, seen)]
    df = float(min(before.df.min(), after.df.min())) - k + 1
    statistic = float(difference @ np.linalg.solve(covariance, difference)) / k
    return Test(statistic, k, df, float(distributions.f_tail(statistic, k, df)))


def _refuse_unlike(before: Estimate, after: Estimate) -> None:
    if before.value.shape != after.value.shape:
        raise InputError(
            f"One survey has {len(before.value)} estimates, the other {len(after.value)}", fix="Compare like with like"
        )


def t_test_of(value: float, se: float, df: float) -> Test:
    """t test that an estimate with this standard error is zero; missing without variance."""
    if not se > 0:
        return Test(float("nan"), 1, df, float("nan"))
    statistic = value / se
    return Test(float(statistic), 1, float(df), float(2 * distributions.t_tail(abs(statistic), df)))
