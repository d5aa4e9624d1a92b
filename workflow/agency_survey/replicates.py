"""Replicate weights: jackknife, balanced repeated replication, rescaled and multistage bootstrap.

A replicate multiplies the weights of a design by factors of its sampled units; the variance of any estimator is

    V = scale sum_r rscales_r (theta_r - centre)(theta_r - centre)'

with centre the mean of the replicates, or the full-sample estimate where ``mse`` is set (as R survey's ``svrVar``).
Factors are made block by block, from the seed where they are random, so that no matrix of rows by replicates is held.
Steps of weighting are repeated by passing them as a function of the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from agency_survey import distributions
from agency_survey.columns import checked_level, numbers, row_list
from agency_survey.design import Stage, SurveyDesign, _sums
from agency_survey.errors import InputError
from agency_survey.estimate import checked_domain

Weighting = Callable[[np.ndarray], np.ndarray]
BLOCK = 2**20  # factors held at a time: 8 MB
PIECE = 2**14  # draws of a bootstrap made at a time, so that they stay in the processor's cache


@dataclass(frozen=True)
class ReplicateDesign:
    """R sets of factors for the weights of a design.

    unit : (n,) codes 0..U-1 of the units that share factors; None where each row has its own.
    factors : (start, stop) -> (stop - start, U) factors of these replicates, the same at each call.
    rscales : (R,). df : degrees of freedom. linear : a shortcut to the (R, k) sums of factors times (U, k), if there
    is one. method : name.
    """

    design: SurveyDesign
    method: str
    unit: np.ndarray | None
    units: int
    factors: Callable[[int, int], np.ndarray]
    scale: float
    rscales: np.ndarray
    df: int
    mse: bool = False
    linear: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def replicates(self) -> int:
        """Number R of replicates."""
        return len(self.rscales)

    def blocks(self, width: int | None = None):
        """(start, stop) of consecutive blocks of replicates, of ``BLOCK`` factors each."""
        step = max(1, BLOCK // max(1, width or self.units))
        for start in range(0, self.replicates, step):
            yield start, min(start + step, self.replicates)

    def weights(self, start: int, stop: int) -> np.ndarray:
        """(stop - start, n) weights of these replicates."""
        factors = self.factors(start, stop)
        return self.design.weight * (factors if self.unit is None else factors[:, self.unit])

    def sums(self, scores: np.ndarray) -> np.ndarray:
        """(R, k) sums of weighted ``scores`` (n, k), multiplied by the factors of each replicate."""
        totals = scores if self.unit is None else _sums(self.unit, self.units, scores)
        if self.linear is not None:
            return self.linear(totals)
        return np.concatenate([self.factors(start, stop) @ totals for start, stop in self.blocks()])

    def covariance(self, values: np.ndarray, full: np.ndarray) -> np.ndarray:
        """Covariance (k, k) from the estimates of the replicates (R, k) and of the full sample (k,).

        Replicates without an estimate (not a number) are left out, as R does.
        """
        if not self.replicates:  # a census: nothing varies
            return np.zeros((len(full), len(full)))
        used = np.isfinite(values).all(axis=1)
        if not used.any():
            raise InputError("No replicate has an estimate", fix="Check the estimator and the domain")
        values, rscales = values[used], self.rscales[used]
        centred = values - (full if self.mse else values[rscales > 0].mean(axis=0))
        return self.scale * (centred * rscales[:, None]).T @ centred


@dataclass(frozen=True)
class Replicated:
    """k estimates: value (k,), covariance (k, k), df, estimates of the replicates (R, k), replicates without one."""

    value: np.ndarray
    covariance: np.ndarray
    df: int
    replicates: np.ndarray
    discarded: int

    @property
    def se(self) -> np.ndarray:
        """Standard errors (k,)."""
        return np.sqrt(np.diag(self.covariance))

    def interval(self, level: float = 0.95) -> np.ndarray:
        """t limits (k, 2); missing without degrees of freedom."""
        checked_level(level)
        quantile = distributions.t_quantile(0.5 + level / 2, self.df) if self.df > 0 else np.nan
        return np.column_stack([self.value - quantile * self.se, self.value + quantile * self.se])


# ---- estimates -------------------------------------------------------------------------------------------------------


def replicate(
    design: ReplicateDesign, estimator: Callable[[SurveyDesign], object], weighting: Weighting | None = None
) -> Replicated:
    """Value and replicate covariance of any estimator.

    estimator : function of a ``SurveyDesign`` whose result has ``value`` or ``coefficients`` (k,), or is (k,) itself.
    weighting : (n,) weights -> (n,) weights, repeated on the full sample's weights and on each replicate's.
    A replicate whose estimator raises InputError counts among the discarded. Degrees of freedom are those of the
    replicates, or of the estimator's result (the fewest of its ``df``) where it has fewer, as in a domain.
    """

    def run(weight: np.ndarray):
        return estimator(design.design.reweighted(weight if weighting is None else weighting(weight)))

    found = run(design.design.weight)
    full, df = _values(found), np.min(getattr(found, "df", design.df), initial=design.df)
    values = np.full((design.replicates, len(full)), np.nan)
    for start, stop in design.blocks(design.design.n):
        for number, weight in enumerate(design.weights(start, stop), start):
            try:
                one = _values(run(weight))
            except InputError:
                continue
            if one.shape != full.shape:
                raise InputError(
                    f"The estimator gives {len(full)} values for the sample and {len(one)} for replicate {number + 1}",
                    fix="Make it give the same ones for any weights",
                )
            values[number] = one
    return _replicated(design, full, values, int(df))


def totals(design: ReplicateDesign, y, domain=None, weighting: Weighting | None = None) -> Replicated:
    """Totals of y (n,) or (n, k) over the domain (bool (n,)), through matrix products.

    Degrees of freedom are those of the replicates, or of the domain under the design where it has fewer.
    """
    return _replicated(design, *_totals(design, [y], domain, weighting), _df(design, domain))


def ratios(design: ReplicateDesign, y, x, domain=None, weighting: Weighting | None = None) -> Replicated:
    """Ratios of the totals of y (n, k) to the total of x (n,) over the domain, through matrix products."""
    if np.ndim(x) != 1 and np.shape(x)[1:] != (1,):
        raise InputError("A ratio has more than one denominator", fix="Give one column")
    full, values = _totals(design, [y, x], domain, weighting)
    if full[-1] == 0:
        raise InputError("The denominator of a ratio is zero", fix="Check the domain: no row with weight lies in it")
    with np.errstate(divide="ignore", invalid="ignore"):
        return _replicated(design, full[:-1] / full[-1], values[:, :-1] / values[:, -1:], _df(design, domain))


def means(design: ReplicateDesign, y, domain=None, weighting: Weighting | None = None) -> Replicated:
    """Means of y (n,) or (n, k) over the domain, through matrix products."""
    return ratios(design, y, np.ones(design.design.n), domain, weighting)


def _totals(design: ReplicateDesign, columns: list, domain, weighting: Weighting | None):
    """((k,), (R, k)) totals of the columns side by side over the domain: full sample and replicates."""
    weight = design.design.weight
    columns = [numbers(part, "A variable") for part in columns]
    if any(len(part) != len(weight) for part in columns):
        raise InputError(f"A variable has not the {len(weight)} rows of the design", fix="Give one value a row")
    y = np.column_stack(columns)
    outside = ~checked_domain(design.design, domain)
    missing = ~outside & ~np.isfinite(y.sum(axis=1))
    if missing.any():
        raise InputError(
            "A variable is missing in the domain", row_list(missing), "Leave them out of it or impute them"
        )
    y[outside] = 0.0
    if weighting is None:
        full = weight @ y
        y *= weight[:, None]  # in place: the matrix may be as large as the data
        return full, design.sums(y)
    values = np.empty((design.replicates, y.shape[1]))
    for start, stop in design.blocks(len(y)):
        values[start:stop] = np.stack([weighting(one) for one in design.weights(start, stop)]) @ y
    return weighting(weight) @ y, values


def _values(result) -> np.ndarray:
    for name in ("value", "coefficients"):
        result = getattr(result, name, result)
    try:
        return np.asarray(result, dtype=float).ravel()
    except (TypeError, ValueError):
        raise InputError(
            "The result of the estimator is no number", fix="Return what has a value or coefficients, or numbers"
        ) from None


def _df(design: ReplicateDesign, domain) -> int:
    return design.df if domain is None else min(design.df, design.design.degrees_of_freedom(domain))


def _replicated(design: ReplicateDesign, full: np.ndarray, values: np.ndarray, df: int) -> Replicated:
    discarded = int((~np.isfinite(values).all(axis=1)).sum())
    return Replicated(full, design.covariance(values, full), df, values, discarded)


# ---- jackknife -------------------------------------------------------------------------------------------------------


def jk1(design: SurveyDesign, mse: bool = False) -> ReplicateDesign:
    """Delete-one jackknife of an unstratified design, with the first stage's correction (Wolter 2007, chapter 4)."""
    first = _first_stage(design)
    if len(first.labels) > 1:
        raise InputError("The design is stratified and JK1 knows no strata", fix="Take jkn")
    if first.lone.any():
        raise InputError("The design has one unit only", fix="A jackknife needs two")
    found = jkn(design, mse)
    common = float(found.rscales[0]) if found.replicates else 0.0
    return replace(found, method="JK1", scale=common, rscales=np.ones(found.replicates))


def jkn(design: SurveyDesign, mse: bool = False) -> ReplicateDesign:
    """Delete-one jackknife within strata, with corrections of the first stage (Wolter 2007, chapter 4).

    A replicate leaves one unit out and raises the others of its stratum by n / (n - 1); rscales (1 - f)(n - 1) / n.
    Certainty strata have no replicates. A lone unit that is no certainty follows ``design.lonely`` as in R's
    ``jknweights``: 'certainty' and 'remove' give it none; 'average' raises the scale by the units over the replicates,
    certainty strata aside; 'adjust' leaves it out and raises all other strata by H / (H - 1).
    """
    first = _first_stage(design)
    strata, size = len(first.labels), len(first.stratum)
    certain, lone = first.sampled >= first.population, first.lone
    deleted = ~certain & ~lone
    dropped = deleted | (lone & (design.lonely == "adjust"))
    unit = np.flatnonzero(dropped[first.stratum])
    unit = unit[np.argsort(first.stratum[unit], kind="stable")]
    home = first.stratum[unit]
    alone = lone[home]
    n = first.sampled
    raised = np.where(lone, 1.0, n / np.maximum(n - 1, 1))
    apart = strata / max(strata - 1, 1)
    rscales = np.where(alone, 1 / apart, (1 - n / first.population)[home] * (n[home] - 1) / n[home])
    scale = 1.0
    if design.lonely == "average" and lone.any():
        scale = n[~certain].sum() / max(len(unit), 1)

    def factors(start: int, stop: int) -> np.ndarray:
        here = home[start:stop, None]
        found = np.where(first.stratum == here, raised[here], np.where(lone[here], apart, 1.0))
        found[np.arange(stop - start), unit[start:stop]] = 0.0
        return found

    def linear(sums: np.ndarray) -> np.ndarray:
        of_stratum, whole = _sums(first.stratum, strata, sums), sums.sum(axis=0)
        found = whole + (raised - 1)[home, None] * of_stratum[home] - raised[home, None] * sums[unit]
        found[alone] = apart * (whole - sums[unit[alone]])
        return found

    df = int((n[deleted] - 1).sum() + (lone.sum() if design.lonely == "adjust" else 0))
    return ReplicateDesign(design, "JKn", first.unit, size, factors, float(scale), rscales, df, mse, linear)


# ---- balanced repeated replication -----------------------------------------------------------------------------------


def brr(design: SurveyDesign, rho: float = 0.0, matrix=None, mse: bool = False) -> ReplicateDesign:
    """Balanced repeated replication, Fay's variant for 0 < rho < 1 (Wolter 2007, chapter 3; Fay 1989).

    Strata with two units make a pair; larger even ones are split into pairs in the order of their rows (as R's
    ``brrweights`` does); those with a lone or an odd number of units are refused. A replicate multiplies one unit of
    each pair by 2 - rho and the other by rho, after a Hadamard matrix. No correction for finite populations is made,
    but certainty strata keep their weights.
    matrix : Hadamard matrix of +1 and -1 (or 1 and 0), order more than the number of pairs; its first row is not
    used. Default: ``hadamard``.
    """
    if not 0 <= rho < 1:
        raise InputError(f"Fay's factor is {rho:g}", fix="Choose 0 (balanced repeated replication) to below 1")
    first = _first_stage(design)
    certain = first.sampled >= first.population
    odd = ~certain & (first.sampled % 2 == 1)
    if odd.any():
        names = ", ".join(str(name) for name in first.labels[odd][:5])
        raise InputError(f"Strata have a lone or an odd number of units: {names}", fix="Pair them, or take jkn")
    units = np.flatnonzero(~certain[first.stratum])
    appears = np.arange(len(first.stratum)) if first.unit is None else np.unique(first.unit, return_index=True)[1]
    # the larger strata come first, as in R: with R's matrix the replicates are R's
    units = units[np.lexsort((appears[units], first.stratum[units], first.sampled[first.stratum[units]] == 2))]
    pairs = len(units) // 2
    if not pairs:
        raise InputError("Every stratum is a certainty: nothing varies", fix="No replicates are needed")
    matrix = hadamard(pairs + 1) if matrix is None else _checked(np.asarray(matrix), pairs)
    pair = np.zeros(len(first.stratum), dtype=np.intp)
    side = np.zeros(len(first.stratum), dtype=np.int8)
    pair[units] = np.repeat(np.arange(1, pairs + 1), 2)
    side[units] = np.tile([1, -1], pairs)

    def factors(start: int, stop: int) -> np.ndarray:
        return 1.0 + (1.0 - rho) * (matrix[pair, start:stop] * side[:, None]).T

    order = matrix.shape[1]
    method = "Fay" if rho else "BRR"
    scale = 1 / (order * (1 - rho) ** 2)
    return ReplicateDesign(design, method, first.unit, len(pair), factors, scale, np.ones(order), pairs, mse)


def hadamard(least: int) -> np.ndarray:
    """A Hadamard matrix (m, m) of +1 and -1 with a first row and column of +1; m is the first order from ``least`` on
    that doubling and Paley's two constructions reach."""
    order = max(1, least)
    while (found := _hadamard(order)) is None:
        order += 1
    found = found * found[0]
    return found * found[:, :1]


def _hadamard(order: int) -> np.ndarray | None:
    if order == 1:
        return np.ones((1, 1), dtype=np.int8)
    if order == 2:
        return np.array([[1, 1], [1, -1]], dtype=np.int8)
    if order % 4:
        return None
    if _is_prime(order - 1):  # first construction, order - 1 = 3 modulo 4
        skew = np.zeros((order, order), dtype=np.int8)
        skew[0, 1:], skew[1:, 0], skew[1:, 1:] = 1, -1, _jacobsthal(order - 1)
        return skew + np.eye(order, dtype=np.int8)
    half = _hadamard(order // 2)
    if half is not None:
        return np.kron(np.array([[1, 1], [1, -1]], dtype=np.int8), half)
    q = order // 2 - 1
    if q % 4 == 1 and _is_prime(q):  # second construction
        conference = np.ones((q + 1, q + 1), dtype=np.int8)
        conference[0, 0], conference[1:, 1:] = 0, _jacobsthal(q)
        on, off = np.array([[1, 1], [1, -1]], np.int8), np.array([[1, -1], [-1, -1]], np.int8)
        return np.kron(conference, on) + np.kron(np.eye(q + 1, dtype=np.int8), off)
    return None


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % k for k in range(2, int(number**0.5) + 1))


def _jacobsthal(q: int) -> np.ndarray:
    """(q, q): 1 where column - row is a square modulo the prime q, -1 where it is none, 0 on the diagonal."""
    character = np.full(q, -1, dtype=np.int8)
    character[np.arange(1, q) ** 2 % q] = 1
    character[0] = 0
    return character[(np.arange(q) - np.arange(q)[:, None]) % q]


def _checked(matrix: np.ndarray, pairs: int) -> np.ndarray:
    order = len(matrix)
    if np.isin(matrix, (0, 1)).all():
        matrix = 2 * matrix - 1
    matrix = matrix.astype(np.int64)
    if matrix.shape != (order, order) or not (matrix @ matrix.T == order * np.eye(order)).all():
        raise InputError("The matrix is no Hadamard matrix", fix="Its rows must be orthogonal and of +1 and -1")
    if order <= pairs:
        raise InputError(f"A matrix of order {order} is too small for {pairs} pairs", fix="Give a larger one")
    return matrix.astype(np.int8)


# ---- bootstrap -------------------------------------------------------------------------------------------------------


def rescaled_bootstrap(design: SurveyDesign, replicates: int = 500, seed: int = 1, mse: bool = False):
    """Rescaled bootstrap of first-stage units (Rao and Wu 1988; Rust and Rao 1996).

    In each stratum m = n - 1 of n units are drawn with replacement; a unit drawn t times has the factor
    1 - lambda + lambda t n / m with lambda = sqrt(m (1 - f) / (n - 1)) = sqrt(1 - f). Without population sizes that is
    R's ``subbootstrap``. Second stages add nothing of their own: where f is not small take ``multistage_bootstrap``.
    Certainty strata keep their weights, as do lone units where ``design.lonely`` is 'certainty' or 'remove'.
    """
    _refuse_counts(replicates, seed)
    first = _first_stage(design)
    _refuse_lone(design)
    size, n = len(first.stratum), first.sampled.astype(np.int64)
    drawn = np.where((first.sampled >= first.population) | (n == 1), 0, n - 1)
    rate = np.where(drawn > 0, np.sqrt(1 - first.sampled / first.population), 0.0)
    grow = rate * n / np.maximum(drawn, 1)
    order = np.argsort(first.stratum, kind="stable")
    pieces = list(_pieces(n, drawn))
    rest, step = (1 - rate)[first.stratum], grow[first.stratum]

    def times(rng: np.random.Generator, lowest: np.ndarray, width: np.ndarray, units: int) -> np.ndarray:
        """How often each unit of a piece is drawn."""
        at = rng.random(len(width))
        at *= width
        at = at.astype(np.int64)  # before the sum, which could round up to the next stratum
        at += lowest
        return np.bincount(at, minlength=units)

    def factors(start: int, stop: int) -> np.ndarray:
        found = np.empty((stop - start, size))
        for row, number in enumerate(range(start, stop)):
            rng = _generator(seed, number)
            found[row, order] = np.concatenate([times(rng, *draws, len(units)) for units, *draws in pieces])
        found *= step
        found += rest
        return found

    def linear(sums: np.ndarray) -> np.ndarray:
        found = np.tile(rest @ sums, (replicates, 1))
        generators = [_generator(seed, number) for number in range(replicates)]
        for units, *draws in pieces:  # each generator goes on where it stopped at the piece before
            part = sums[order[units]] * step[order[units], None]
            held = np.empty((min(replicates, max(1, BLOCK // len(units))), len(units)))
            for start in range(0, replicates, len(held)):
                block = generators[start : start + len(held)]
                for row, rng in enumerate(block):
                    held[row] = times(rng, *draws, len(units))
                found[start : start + len(held)] += held[: len(block)] @ part
        return found

    df = min(replicates - 1, int(drawn.sum()))
    return _bootstrap(design, "rescaled bootstrap", first.unit, size, factors, replicates, df, mse, linear)


def _pieces(n: np.ndarray, drawn: np.ndarray):
    """(units, lowest, width) of consecutive strata with ``PIECE`` draws or more together.

    n, drawn : (H,) units and draws. units : places of the piece's units in the order of strata. lowest, width : for
    each draw, the place in the piece of the first unit of its stratum and how many units the stratum has.
    """
    group = np.cumsum(drawn) // PIECE
    first = 0
    for strata in np.split(np.arange(len(n)), np.flatnonzero(np.diff(group)) + 1):
        before = np.cumsum(n[strata]) - n[strata]
        size = int(n[strata].sum())
        lowest, width = (np.repeat(values, drawn[strata]) for values in (before, n[strata]))
        yield np.arange(first, first + size), lowest, width.astype(float)
        first += size


def multistage_bootstrap(design: SurveyDesign, replicates: int = 500, seed: int = 1, mse: bool = False):
    """Multistage rescaled bootstrap without replacement (Preston 2009), R's ``mrbbootstrap``.

    At each stage half the units of a stratum (rounded down) are kept; the factor of a row is
    1 + a1 + sqrt(n / n*) keep1 a2 with a = lambda (keep n / n* - 1), lambda = sqrt(F n* (1 - f) / (n - n*)) and F the
    fraction of the stage above (1 at the first). A lone certainty cluster is always kept, so that its second stage
    counts; R drops it, and its second stage's variance with it. Without population sizes the first stage only.
    Degrees of freedom are the first stage's.
    """
    _refuse_counts(replicates, seed)
    _first_stage(design)
    _refuse_lone(design)
    stages = [stage for stage in design.stages if (stage.share > 0).any()]
    last = stages[-1]
    parts = [_half(stage) for stage in stages]
    at = stages[0].codes() if len(stages) == 2 else None  # cluster of each unit of the second stage
    if at is not None and last.unit is not None:
        at = at[np.unique(last.unit, return_index=True)[1]]

    def factors(start: int, stop: int) -> np.ndarray:
        found = np.empty((stop - start, len(last.stratum)))
        for row, number in enumerate(range(start, stop)):
            rng = _generator(seed, number)
            added, kept = parts[0](rng)
            if at is not None:
                added, kept = added[at], kept[at]
                added = added + kept * parts[1](rng)[0]
            found[row] = 1 + added
        return found

    df = min(replicates - 1, design.degrees_of_freedom())
    return _bootstrap(design, "multistage bootstrap", last.unit, len(last.stratum), factors, replicates, df, mse)


def _half(stage: Stage) -> Callable:
    """Draws of half a stage's units: generator -> (a (U,), sqrt(n / n*) keep (U,))."""
    n, by = stage.sampled.astype(np.int64), stage.stratum
    kept = n // 2
    fraction = 1 - stage.sampled / stage.population
    rate = np.sqrt(stage.share * fraction * kept / np.maximum(n - kept, 1))
    grow = np.where(kept > 0, n / np.maximum(kept, 1), 1.0)
    last = (np.concatenate([[0], np.cumsum(n)[:-1]]) + np.maximum(kept, 1))[np.sort(by)]  # a lone unit is kept
    chosen = np.arange(len(by)) < last

    def draw(rng) -> tuple[np.ndarray, np.ndarray]:
        keep = np.empty(len(by))
        keep[np.argsort(by + rng.random(len(by)))] = chosen
        return rate[by] * (keep * grow[by] - 1), keep * np.sqrt(grow)[by]

    return draw


def _bootstrap(design, method, unit, size, factors, replicates, df, mse, linear=None) -> ReplicateDesign:
    return ReplicateDesign(
        design, method, unit, size, factors, 1 / (replicates - 1), np.ones(replicates), df, mse, linear
    )


def _generator(seed: int, number: int) -> np.random.Generator:
    """Random numbers of one replicate, the same in whatever block it is made."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))


# ---- factors from elsewhere ------------------------------------------------------------------------------------------


def given_factors(design: SurveyDesign, factors, scale: float, rscales=None, mse: bool = False) -> ReplicateDesign:
    """Replicates from given factors (n, R) of the weights, such as a producer's replicate weights over the full ones.

    Degrees of freedom: the rank of the replicate weights less 1 (as R's ``degf``, relative tolerance 1e-5).
    """
    factors = numbers(factors, "A replicate factor")
    if factors.ndim != 2 or len(factors) != design.n or not factors.shape[1]:
        raise InputError(
            f"The factors have the shape {factors.shape}", fix=f"Give {design.n} rows, one column a replicate"
        )
    bad = ~np.isfinite(factors).all(axis=1)
    if bad.any():
        raise InputError("A replicate factor is missing or infinite", row_list(bad), "Correct it")
    rscales = np.ones(factors.shape[1]) if rscales is None else np.asarray(rscales, dtype=float)
    if rscales.shape != factors.shape[1:] or (rscales < 0).any():
        raise InputError("Scales of the replicates are negative or not one a replicate", fix="Correct them")
    weights = factors * design.weight[:, None]
    rank = np.linalg.matrix_rank(weights, tol=1e-5 * np.linalg.norm(weights, 2)) if weights.size else 1
    return ReplicateDesign(
        design,
        "given",
        None,
        design.n,
        lambda start, stop: factors[:, start:stop].T,
        float(scale),
        rscales,
        int(rank) - 1,
        mse,
    )


def _first_stage(design: SurveyDesign) -> Stage:
    if design.second is not None or design.adjustments:
        raise InputError(
            "The weights of the design are calibrated or those of a second phase",
            fix="Replicate the design before these steps and pass them as the function 'weighting'",
        )
    return design.stages[0]


def _refuse_counts(replicates: int, seed: int) -> None:
    if not isinstance(replicates, int | np.integer) or replicates < 2:
        raise InputError(f"{replicates} replicates have no variance", fix="Ask for a whole number, two or more")
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"The seed is {seed}", fix="Give a whole number from 0")


def _refuse_lone(design: SurveyDesign) -> None:
    if design.lonely in ("adjust", "average") and any((s.lone & (s.share > 0)).any() for s in design.stages):
        raise InputError(f"The bootstrap has no rule '{design.lonely}' for lone units", fix="Take jkn, or 'remove'")
