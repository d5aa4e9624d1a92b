"""Multiple imputation by chained equations, and Rubin's rules for every estimate and model of the package.

Chained equations (van Buuren, Boshuizen and Knook 1999; van Buuren 2018, chapter 4): each variable in turn is regressed
on all others and on the design variables, parameters are drawn from their posterior, then values given the parameters.
Both draws are needed: without the first the imputations are not proper (Rubin 1987, chapter 4) and intervals too short.
Design variables (strata, log weight, size) stand in every model, so that the imputer knows what the sample depends on.

``statsmodels.imputation.mice`` is not enough here: it only matches on one predicted number, which unordered categories
do not have; it predicts donors and recipients with the same drawn coefficients, so that with one predictor the draw
changes nothing (van Buuren 2018, section 3.4, type 2 matching); it keeps the residual variance fixed; and it knows no
universe, so it fills in questions that were never asked. The chain is therefore written here; the Poisson and negative
binomial regressions in it are those of statsmodels, the logistic ones take its steps with less linear algebra.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg
from scipy.special import expit

from agency_survey import distributions
from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError
from agency_survey.estimate import Reported, Test

DONORS = 5
STEPS, TOLERANCE = 100, 1e-8  # of a logistic regression: most steps, change of the deviance that ends them
CATEGORICAL = ("binary", "ordered", "nominal")
KINDS = ("continuous", "matched", "count", *CATEGORICAL)


@dataclass(frozen=True)
class Variable:
    """One variable of the chain.

    kind : 'continuous' (normal linear regression), 'matched' (predictive mean matching: observed values only, for
    skewed or bounded numbers), 'count' (negative binomial), 'binary' (logistic), 'ordered' (continuation-ratio logits
    with common slopes) or 'nominal' (a sequence of logits, most frequent category first).
    universe : who is asked. None for everybody, (n,) bool, or a function of the completed table (n rows) that gives
    (n,) bool, for questions that hang on other variables of the chain. Outside it nothing is imputed.
    filters : names of the variables that the function reads. They come first in the chain, best right before; their
    own models leave out the questions that hang on them, which are known to be asked or not only once they are settled.
    """

    name: str
    kind: str
    universe: np.ndarray | Callable[[pd.DataFrame], np.ndarray] | None = None
    filters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imputations:
    """Completed tables (one an imputation) and the trace of the chains.

    trace : (m, iterations, variables) mean of the imputed values (codes of categories); NaN where none was imputed.
    """

    tables: list[pd.DataFrame]
    names: list[str]
    trace: np.ndarray

    def estimate(self, estimator: Callable[[pd.DataFrame], object]) -> Pooled:
        """``combine`` of what the estimator makes of each completed table."""
        return combine([estimator(table) for table in self.tables])

    def scale_reduction(self) -> pd.Series:
        """Gelman and Rubin's (1992) potential scale reduction of the traces' second half; near 1 when chains mix.

        NaN for variables without imputed values. Needs two imputations and four iterations.
        """
        half = self.trace[:, self.trace.shape[1] // 2 :]
        m, length, _ = half.shape
        if m < 2 or length < 2:
            raise InputError("Convergence needs two imputations and four iterations", fix="Run longer chains")
        within = half.var(axis=1, ddof=1).mean(axis=0)
        between = half.mean(axis=1).var(axis=0, ddof=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return pd.Series(np.sqrt((length - 1) / length + between / within), index=self.names)


# --- Rubin's rules ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Pooled(Reported):
    """Estimates from m completed tables, combined (Rubin 1987, section 3.3).

    value (k,) means of the estimates; within (k, k) mean of their covariances; between (k, k) their covariance over
    the imputations; n (k,) fewest agencies of a table (NaN where the estimates have no number); complete_df (k,)
    degrees of freedom had nothing been missing; names (k,) of a model's terms. Standard errors and limits of every
    method of ``estimate.Estimate``, from the total variance and the pooled degrees of freedom.
    """

    value: np.ndarray
    within: np.ndarray
    between: np.ndarray
    m: int
    n: np.ndarray
    complete_df: np.ndarray
    names: list[str] | None = None

    @property
    def covariance(self) -> np.ndarray:
        """Total covariance (k, k): within + (1 + 1/m) between."""
        return self.within + (1 + 1 / self.m) * self.between

    @property
    def variance(self) -> np.ndarray:
        """Total variances (k,)."""
        return np.diag(self.covariance)

    @property
    def share_missing(self) -> np.ndarray:
        """Share (k,) of the total variance that is due to missing values: (1 + 1/m) B / T; 0 where T is 0."""
        total = np.diag(self.covariance)
        return (1 + 1 / self.m) * np.diag(self.between) / np.where(total > 0, total, 1.0)

    @property
    def df(self) -> np.ndarray:
        """Degrees of freedom (k,) of Barnard and Rubin (1999, eq. 3), from those of the complete-data design.

        They are below ``complete_df`` even when nothing is missing: (d + 1) / (d + 3) d. Where the complete-data
        variance is 0 (a census) only the imputations vary: m - 1.
        """
        share, d = self.share_missing, self.complete_df
        with np.errstate(divide="ignore", invalid="ignore"):
            imputed = (self.m - 1) / share**2
            observed = np.where(np.isfinite(d), (d + 1) / (d + 3) * d * (1 - share), np.inf)
            df = 1 / (1 / imputed + 1 / observed)
        df = np.where(np.diag(self.within) > 0, df, np.where(share > 0, self.m - 1, d))
        return np.where(d > 0, df, 0.0)

    @property
    def fraction_missing(self) -> np.ndarray:
        """Fraction of missing information (k,): (r + 2 / (df + 3)) / (r + 1), r the relative increase (Rubin 1987)."""
        share = self.share_missing
        return share + (1 - share) * 2 / (self.df + 3)

    @property
    def efficiency(self) -> np.ndarray:
        """Efficiency (k,) of m imputations against endlessly many: 1 / (1 + fraction_missing / m) (Rubin 1987)."""
        return 1 / (1 + self.fraction_missing / self.m)

    def table(self, level: float = 0.95) -> pd.DataFrame:
        """One row an estimate: term, estimate, se, df, t, p, limits, fraction of missing information, efficiency."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = self.value / self.se
        limits = self.interval(level)
        return pd.DataFrame(
            {
                "term": self.names if self.names is not None else np.arange(len(self.value)),
                "estimate": self.value,
                "se": self.se,
                "df": self.df,
                "t": t,
                "p": 2 * distributions.t_tail(np.abs(t), self.df),
                "low": limits[:, 0],
                "high": limits[:, 1],
                "fraction_missing": self.fraction_missing,
                "efficiency": self.efficiency,
            }
        )

    def test(self, which: Sequence | None = None, null=0.0) -> Test:
        """F test D1 that the estimates ``which`` (terms' names or positions; default all) equal ``null``.

        Li, Raghunathan and Rubin (1991); denominator df of Reiter (2007) for a finite complete-data df (the least of
        the tested ones). Reiter's needs k (m - 1) > 4 and a complete-data df well above 4: where that does not hold,
        the least Barnard-Rubin df of the tested estimates. Raises InputError where a complete-data covariance is singular.
        """
        at = np.arange(len(self.value)) if which is None else np.array([self._position(w) for w in which])
        within, between = (matrix[np.ix_(at, at)] for matrix in (self.within, self.between))
        if np.linalg.matrix_rank(within, hermitian=True) < len(at):
            raise InputError("The tested estimates have a singular covariance", fix="Leave out redundant ones")
        k, difference = len(at), self.value[at] - null
        r = (1 + 1 / self.m) * float(np.trace(np.linalg.solve(within, between))) / k
        statistic = float(difference @ np.linalg.solve(within, difference)) / (k * (1 + r))
        df = _d1_df(k, self.m, r, float(self.complete_df[at].min()), float(self.df[at].min()))
        return Test(statistic, k, df, float(distributions.f_tail(statistic, k, df)))

    def _position(self, which) -> int:
        return self.names.index(which) if isinstance(which, str) and self.names is not None else int(which)


def _d1_df(k: int, m: int, r: float, complete: float, least: float) -> float:
    """Denominator degrees of freedom of D1: Li, Raghunathan and Rubin (1991), Reiter (2007) for a finite design."""
    t = k * (m - 1)
    if not np.isfinite(complete):
        if r == 0:
            return np.inf
        return 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2 if t > 4 else t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2
    if t <= 4:
        return least
    a = r * t / (t - 2)
    v = (complete + 1) / (complete + 3) * complete
    c0, c1, c2, b = 1 / (t - 4), v - 2 * (1 + a), v - 4 * (1 + a), 1 + a
    if c2 <= 0:
        return least
    parts = a**2 * c1 / (b**2 * c2) + 8 * a**2 * c1 / (b * c2**2) + 4 * a**2 / (b * c2) + 4 * a**2 / (c2 * c1)
    return 4 + 1 / (1 / c2 + c0 * (parts + 16 * a**2 * c1 / c2**3 + 8 * a**2 / c2**2))


def combine(estimates: Sequence) -> Pooled:
    """Rubin's rules over the estimates of m completed tables.

    estimates : m >= 2 objects with ``covariance`` (k, k), ``df`` and either ``value`` (k,), as ``estimate.Estimate``, or
    ``coefficients`` (k,) and ``names``, as ``models.Fit``; the same quantities in the same order.
    Raises InputError for fewer than two, or when terms, lengths or numbers do not fit together.
    """
    estimates = list(estimates)
    if len(estimates) < 2:
        raise InputError("Rubin's rules need two completed tables at least", fix="Impute more often")
    names = [getattr(estimate, "names", None) for estimate in estimates]
    values = [
        np.atleast_1d(np.asarray(e.value if hasattr(e, "value") else e.coefficients, dtype=float)) for e in estimates
    ]
    if len({len(value) for value in values}) > 1 or any(list(n or []) != list(names[0] or []) for n in names):
        raise InputError("The completed tables give different sets of estimates", fix="Use one model on all of them")
    value = np.stack(values)
    within = np.mean([np.atleast_2d(np.asarray(e.covariance, dtype=float)) for e in estimates], axis=0)
    if not (np.isfinite(value).all() and np.isfinite(within).all()):
        raise InputError("An estimate from a completed table is missing or infinite", fix="Check the domain")
    centred = value - value.mean(axis=0)
    n, df = (
        np.min(
            [np.broadcast_to(np.asarray(getattr(e, name, np.nan), dtype=float), value.shape[1:]) for e in estimates], 0
        )
        for name in ("n", "df")
    )
    between = centred.T @ centred / (len(value) - 1)
    named = None if names[0] is None else list(names[0])
    return Pooled(value.mean(axis=0), within, between, len(value), n, df, named)


# --- chained equations -----------------------------------------------------------------------------------------------


def design_variables(design: SurveyDesign, **sizes) -> pd.DataFrame:
    """Predictors (n, q) that carry the design: a dummy a stratum but the first, log weight, and the given sizes (n,).

    In cluster samples give what varies between clusters (their size, their means) as sizes too.
    Raises InputError for rows without weight, which stand for nobody.
    """
    if (design.weight <= 0).any():
        raise InputError("Rows without weight cannot be imputed under the design", fix="Leave them out")
    columns = {f"stratum {label}": design.stratum == code for code, label in enumerate(design.labels) if code}
    columns |= {"log weight": np.log(design.weight)} | {name: np.asarray(size) for name, size in sizes.items()}
    return pd.DataFrame(columns).astype(float)


def impute(
    data: pd.DataFrame,
    variables: Sequence[Variable],
    given: pd.DataFrame,
    *,
    m: int = 20,
    iterations: int = 10,
    seed: int,
) -> Imputations:
    """m completed copies of ``data`` by chained equations.

    data : (n, .) table; missing values of the variables are imputed, other columns are copied. variables : in the order
    in which they are visited, a filter question before those that hang on it. given : (n, q) complete predictors of
    every model (``design_variables`` and further ones). The same seed gives the same tables; imputation i is the same
    whatever m.
    Raises InputError for an unknown kind, a predictor that is missing, an answer outside its universe, a universe
    whose filters are not named or come later, a variable without observed values or with fewer than its model has
    coefficients.
    """
    fixed = given.to_numpy(dtype=float)
    if len(fixed) != len(data) or not np.isfinite(fixed).all():
        raise InputError("The design variables are missing or of another length", fix="Give one row to each record")
    chain = _Chain(data, list(variables), fixed)
    tables, trace = [], np.full((m, iterations, len(chain.variables)), np.nan)
    for i, sequence in enumerate(np.random.SeedSequence(seed).spawn(m)):
        table, trace[i] = chain.run(iterations, np.random.default_rng(sequence))
        tables.append(table)
    return Imputations(tables, [v.name for v in chain.variables], trace)


class _Chain:
    """Observed values as numbers, and the chain that fills the gaps."""

    def __init__(self, data: pd.DataFrame, variables: list[Variable], fixed: np.ndarray):
        self.data, self.variables = data, variables
        spread = fixed.std(axis=0)
        scaled = (fixed - fixed.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        self.fixed = np.column_stack([np.ones(len(data)), scaled])
        self.levels: dict[str, np.ndarray] = {}
        self.observed = {v.name: self._numbers(v) for v in variables}
        self.hanging = self._hanging()
        for v in variables:
            inside = self._universe(v, data)
            odd = np.isfinite(self.observed[v.name]) & ~inside
            if odd.any():
                row = np.flatnonzero(odd)[0] + 1
                raise InputError(
                    f"The variable {v.name} has an answer where it is not asked",
                    f"row {row}",
                    "Settle the filter question",
                )

    def _hanging(self) -> dict[str, set[str]]:
        """For each variable those that hang on it, directly or through another filter."""
        above: dict[str, set[str]] = {}
        for v in self.variables:
            if callable(v.universe) != bool(v.filters) or not set(v.filters) <= set(above):
                raise InputError(
                    f"The universe of {v.name} is a function without its filters before it in the chain",
                    fix="Name them in 'filters' and put them first",
                )
            above[v.name] = set(v.filters).union(*(above[f] for f in v.filters))
        return {name: {v.name for v in self.variables if name in above[v.name]} for name in above}

    def _numbers(self, variable: Variable) -> np.ndarray:
        """Values as floats, categories as codes; NaN where missing."""
        name, kind, column = variable.name, variable.kind, self.data[variable.name]
        if kind not in KINDS:
            raise InputError(f"Unknown kind of variable: {kind}", name, f"Use one of {', '.join(KINDS)}")
        if kind in CATEGORICAL:
            categories = (
                column.cat.categories if hasattr(column, "cat") else pd.Index(column.dropna().unique()).sort_values()
            )
            codes = pd.Categorical(column, categories=categories).codes.astype(float)
            seen = np.bincount(codes[codes >= 0].astype(int), minlength=len(categories)) > 0
            if kind == "binary" and seen.sum() != 2:
                raise InputError(
                    f"The variable {name} has {seen.sum()} different values, not 2", fix="Use another kind"
                )
            self.levels[name] = np.asarray(categories, dtype=object)
            numbers = np.where(codes >= 0, codes, np.nan)
        else:
            numbers = pd.to_numeric(column).to_numpy(dtype=float, na_value=np.nan)
            if kind == "count" and not (np.isnan(numbers) | ((numbers >= 0) & (numbers % 1 == 0))).all():
                raise InputError(f"The variable {name} is no count", fix="Use the kind 'matched'")
        if not np.isfinite(numbers).any():
            raise InputError(f"The variable {name} has no observed value", fix="Leave it out")
        return numbers

    def _universe(self, variable: Variable, table: pd.DataFrame) -> np.ndarray:
        if variable.universe is None:
            return np.ones(len(self.data), dtype=bool)
        inside = variable.universe(table) if callable(variable.universe) else variable.universe
        return pd.Series(inside).fillna(False).to_numpy(dtype=bool)

    def _table(self, state: dict[str, np.ndarray]) -> pd.DataFrame:
        """The data with the chain's present values, in the types they came in."""
        columns = {}
        for name, numbers in state.items():
            column, missing = self.data[name], np.isnan(numbers)
            if name in self.levels:
                values = np.append(self.levels[name], None)[
                    np.where(missing, len(self.levels[name]), numbers).astype(int)
                ]
                columns[name] = pd.Series(values, index=column.index).astype(column.dtype)
            elif pd.api.types.is_integer_dtype(column.dtype) and (missing | (numbers % 1 == 0)).all():
                columns[name] = pd.Series(numbers, index=column.index).astype(column.dtype)
            else:
                columns[name] = pd.Series(numbers, index=column.index)
        return self.data.assign(**columns)

    def run(self, iterations: int, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
        """The completed table and the trace (iterations, variables) of one chain."""
        state = {name: numbers.copy() for name, numbers in self.observed.items()}
        inside, gaps = {}, {}

        def ask(v: Variable) -> None:
            """Who is asked and has no answer, given the filters as they stand; new ones start with an observed value."""
            observed = self.observed[v.name]
            inside[v.name] = self._universe(v, self._table(state) if callable(v.universe) else self.data)
            gaps[v.name] = inside[v.name] & np.isnan(observed)
            state[v.name] = np.where(gaps[v.name], state[v.name], observed)
            new = gaps[v.name] & np.isnan(state[v.name])
            state[v.name][new] = rng.choice(observed[np.isfinite(observed)], int(new.sum()))

        for v in self.variables:
            ask(v)
        trace = np.full((iterations, len(self.variables)), np.nan)
        for step in range(iterations):
            for k, v in enumerate(self.variables):
                gap, known = gaps[v.name], np.isfinite(self.observed[v.name])
                if not gap.any():
                    continue
                x = self._predictors(v, state, inside)
                state[v.name][gap] = _draw(v, x[known], self.observed[v.name][known], x[gap], rng)
                trace[step, k] = state[v.name][gap].mean()
                for other in self.variables:
                    if other.name in self.hanging[v.name]:
                        ask(other)
        return self._table(state), trace

    def _predictors(self, variable: Variable, state: dict, inside: dict) -> np.ndarray:
        """Intercept, design variables and the other variables: numbers scaled, categories as dummies, 0 where not asked.

        Counts enter as log(1 + count): their own model has a log link, and a raw count in a linear predictor feeds back
        through the exponential until the chain runs away.
        """
        columns = [self.fixed]
        for other in self.variables:
            if other.name == variable.name or other.name in self.hanging[variable.name]:
                continue
            value, asked = state[other.name], inside[other.name] & np.isfinite(state[other.name])
            value = np.log1p(value) if other.kind == "count" else value
            if other.kind in CATEGORICAL:
                columns.append((value[:, None] == np.arange(1, len(self.levels[other.name]))).astype(float))
            else:
                spread = value[asked].std() if asked.any() else 0.0
                centre = value[asked].mean() if asked.any() else 0.0
                columns.append(np.where(asked, (value - centre) / (spread if spread > 0 else 1.0), 0.0)[:, None])
            if not asked.all():
                columns.append(asked.astype(float)[:, None])
        return np.concatenate(columns, axis=1)


def _draw(variable: Variable, x: np.ndarray, y: np.ndarray, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Values (g,) at the predictors ``at`` (g, p) given observed x (n, p), y (n,): parameters drawn, then values."""
    keep = _independent(x)
    x, at = x[:, keep], at[:, keep]
    if len(y) <= x.shape[1]:
        raise InputError(
            f"The variable {variable.name} has {len(y)} observed values for {x.shape[1]} coefficients",
            fix="Use fewer predictors",
        )
    try:
        if variable.kind in ("continuous", "matched"):
            return _linear(x, y, at, rng, matched=variable.kind == "matched")
        if variable.kind == "count":
            return _count(variable.name, x, y, at, rng)
        return _ordered(x, y, at, rng) if variable.kind == "ordered" else _nominal(x, y, at, rng)
    except np.linalg.LinAlgError:
        raise InputError(
            f"The data do not determine the coefficients of the model of {variable.name}", fix="Use fewer predictors"
        ) from None


def _independent(x: np.ndarray) -> np.ndarray:
    """Positions of linearly independent columns, from a QR decomposition with pivoting; the intercept stays first."""
    rest = x[:, 1:] - x[:, 1:].mean(axis=0)
    norm = np.sqrt((rest**2).sum(axis=0))
    candidates = np.flatnonzero(norm > 1e-8 * np.sqrt(len(x)))
    if not len(candidates):
        return np.array([0])
    scaled = rest[:, candidates] / norm[candidates]
    if np.linalg.eigvalsh(scaled.T @ scaled)[0] > 1e-8:
        return np.concatenate([[0], 1 + candidates])  # far from dependent, which is cheaper to see than how near
    r, pivot = linalg.qr(scaled, mode="r", pivoting=True)
    rank = int((np.abs(np.diag(r)) > 1e-7).sum())
    return np.concatenate([[0], 1 + np.sort(candidates[pivot[:rank]])])


def _linear(x: np.ndarray, y: np.ndarray, at: np.ndarray, rng: np.random.Generator, matched: bool) -> np.ndarray:
    """Normal linear regression with a vague prior (Rubin 1987, section 5.3), or matching on its predictions.

    Matching (Little 1988) takes one of the ``DONORS`` observed values whose predictions with the fitted coefficients lie
    closest to the prediction with drawn ones (van Buuren 2018, section 3.4, type 1).
    """
    inverse = np.linalg.inv(x.T @ x)
    fitted = inverse @ (x.T @ y)
    residual = y - x @ fitted
    sigma = np.sqrt(residual @ residual / rng.chisquare(len(y) - x.shape[1]))
    drawn = fitted + sigma * (np.linalg.cholesky(inverse) @ rng.standard_normal(x.shape[1]))
    if not matched:
        return at @ drawn + sigma * rng.standard_normal(len(at))
    donors, wanted = x @ fitted, at @ drawn
    order = np.lexsort((rng.random(len(y)), donors))  # donors with equal predictions in random order
    ranked = donors[order]
    window = np.searchsorted(ranked, wanted)[:, None] + np.arange(-DONORS, DONORS)
    outside = (window < 0) | (window >= len(y))
    window = np.clip(window, 0, len(y) - 1)
    distance = np.where(outside, np.inf, np.abs(ranked[window] - wanted[:, None]))
    nearest = np.argsort(distance, axis=1, kind="stable")[:, : min(DONORS, len(y))]
    choice = nearest[np.arange(len(at)), rng.integers(0, nearest.shape[1], len(at))]
    return y[order[window[np.arange(len(at)), choice]]]


def _logits(x: np.ndarray, code: np.ndarray, steps: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(intercepts (steps,), slopes (p - 1,)) of continuation-ratio logits, drawn from the normal approximation of their
    posterior: logit P(code = c | code >= c) = a_c + x'b for each c below ``steps`` (Agresti 2010, section 4.2).

    x : (n, p), intercept first; code : (n,) step at which a row stops, ``steps`` where at none. One step makes the plain
    logistic regression of code = 0. It is a logistic regression on all rows that reach each step, one step below the
    other, of which only sums over the steps of a row are formed.
    Few rows of small weight at one standard deviation either side of each predictor's mean are added to both outcomes,
    so that a predictor that separates them has finite estimates and honest spread (White, Daniel and Royston 2010).
    """
    z, place = np.ascontiguousarray(x[:, 1:].T), np.arange(steps)[:, None]
    reached, stopped = (code >= place).astype(float), (code == place).astype(float)
    times = reached.sum(axis=0)
    centre = np.concatenate([reached.sum(axis=1), z @ times]) / times.sum()
    apart = (z - centre[steps:, None]) ** 2 @ times / times.sum()
    spread = np.sqrt(np.concatenate([centre[:steps] * (1 - centre[:steps]), apart]))
    off = np.diag(spread)[:, spread > 0]
    added = np.concatenate([centre[:, None] + off, centre[:, None] - off], axis=1) if off.size else centre[:, None]
    weight = len(centre) / (2 * added.shape[1])
    fit = _reweighted(z, stopped, reached, np.tile(added, 2), np.repeat([0.0, 1.0], added.shape[1]), weight)
    drawn = _around(*fit, rng)
    return drawn[:steps], drawn[steps:]


def _reweighted(z, stopped, reached, added, outcome, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """(coefficients (k,), covariance (k, k)) of ``_logits`` by reweighted least squares (McCullagh and Nelder 1989, 2.5).

    z : (q, n); stopped, reached : (steps, n); added : (k, r) further rows, k = steps + q, with outcome (r,) and weight.
    The covariance is the inverse of the last step's information. Starting values and the end, a deviance that changes by
    no more than ``TOLERANCE``, are those of statsmodels' ``GLM``, whose general least squares take far longer.
    """
    steps = len(stopped)
    parts = [_Part((stopped + 0.5) / 2, stopped, reached), _Part((outcome + 0.5) / 2, outcome, weight)]
    deviance = np.inf
    for _ in range(STEPS):
        (curve, pull), (curve_added, pull_added) = (part.step() for part in parts)
        information = (added * curve_added) @ added.T
        information[:steps, :steps] += np.diag(curve.sum(axis=1))
        cross, root = z @ curve.T, z * np.sqrt(curve.sum(axis=0))
        information[steps:, :steps] += cross
        information[:steps, steps:] += cross.T
        information[steps:, steps:] += root @ root.T
        pull = np.concatenate([pull.sum(axis=1), z @ pull.sum(axis=0)]) + added @ pull_added
        b = np.linalg.solve(information, pull)
        before, deviance = deviance, parts[0].at(b[:steps, None] + b[steps:] @ z) + parts[1].at(b @ added)
        if abs(before - deviance) <= TOLERANCE:
            break
    return b, np.linalg.inv(information)


class _Part:
    """Rows of a logistic regression between the steps of ``_reweighted``; arrays of one shape, weight may be a number."""

    def __init__(self, mean, outcome, weight):
        self.mean, self.outcome, self.weight = mean, outcome, weight
        self.eta = np.log(mean / (1 - mean))

    def step(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights of the least squares, and these times the working outcomes."""
        slope = self.mean * (1 - self.mean)
        return self.weight * slope, self.weight * (slope * self.eta + self.outcome - self.mean)

    def at(self, eta: np.ndarray) -> float:
        """Deviance at the linear predictors, from which the next step goes."""
        small = np.exp(-np.abs(eta))
        self.eta, self.mean = eta, np.where(eta < 0, small, 1.0) / (1 + small)
        return 2 * float((self.weight * (np.maximum(eta, 0) + np.log1p(small) - self.outcome * eta)).sum())


def _around(centre: np.ndarray, covariance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return centre + np.linalg.cholesky(covariance) @ rng.standard_normal(len(centre))


def _ordered(x: np.ndarray, y: np.ndarray, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Continuation-ratio logits with common slopes, the categories in their order."""
    levels = np.unique(y)
    if len(levels) == 1:
        return np.full(len(at), levels[0])
    steps = len(levels) - 1
    start, slope = _logits(x, np.searchsorted(levels, y), steps, rng)
    stop = rng.random((len(at), steps)) < expit(start + (at[:, 1:] @ slope)[:, None])
    return levels[np.where(stop.any(axis=1), stop.argmax(axis=1), steps)]


def _nominal(x: np.ndarray, y: np.ndarray, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A sequence of logits: the most frequent category against the others, the next against the rest, and so on.

    The likelihood is the product of theirs, so that parameters are drawn one regression at a time. Two categories make
    the plain logistic regression.
    """
    levels, count = np.unique(y, return_counts=True)
    levels = levels[np.argsort(-count, kind="stable")]
    out = np.full(len(at), levels[-1])
    left, open_ = np.ones(len(y), dtype=bool), np.ones(len(at), dtype=bool)
    for level in levels[:-1]:
        keep = np.arange(x.shape[1]) if left.all() else _independent(x[left])  # ``x`` itself has none to leave out
        start, slope = _logits(x[np.ix_(left, keep)], (y[left] != level).astype(int), 1, rng)
        stop = open_ & (rng.random(len(at)) < expit(start + at[:, keep[1:]] @ slope))
        out[stop] = level
        open_ &= ~stop
        left &= y != level
    return out


def _count(name: str, x: np.ndarray, y: np.ndarray, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Negative binomial (NB2) regression, coefficients and log dispersion drawn; Poisson where there is no excess spread."""
    from statsmodels.discrete.discrete_model import NegativeBinomial
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    poisson = GLM(y, x, family=Poisson()).fit(tol=1e-8)
    mu = poisson.fittedvalues
    alpha = float((((y - mu) ** 2 - mu) / mu).sum() / (len(y) - x.shape[1]) / mu.mean())  # moments, for a start
    if alpha <= 1e-3:
        return rng.poisson(_means(name, at, _around(poisson.params, poisson.cov_params(), rng))).astype(float)
    start = np.append(poisson.params, alpha)
    fit = NegativeBinomial(y, x).fit(start_params=start, method="bfgs", maxiter=500, disp=0)
    alpha = float(fit.params[-1])
    covariance = np.asarray(fit.cov_params())
    if not (fit.mle_retvals["converged"] and alpha > 0 and np.isfinite(covariance).all()):
        raise InputError(f"The negative binomial model of {name} did not converge", fix="Use the kind 'matched'")
    scale = np.append(np.ones(x.shape[1]), 1 / alpha)
    drawn = _around(np.append(fit.params[:-1], np.log(alpha)), covariance * np.outer(scale, scale), rng)
    shape = np.exp(-drawn[-1])
    return rng.poisson(rng.gamma(shape, _means(name, at, drawn[:-1]) / shape)).astype(float)


def _means(name: str, at: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """exp(at b), refused where the log link runs away."""
    eta = at @ coefficients
    if eta.max() > 30:
        raise InputError(f"The count model of {name} predicts numbers without bound", fix="Use the kind 'matched'")
    return np.exp(eta)
