"""The survey design that every estimator takes: strata, stages of clusters, finite populations, a second phase.

Variance of a total for linearised, weighted scores z, one or two stages (Cochran 1977, sections 5.4 and 11.5;
Saerndal, Swensson and Wretman 1992, section 4.3; the recursion of R survey's ``svyrecvar``)::

    V = sum_h (1 - f_h) n_h / (n_h - 1) sum_i (t_hi - tbar_h) (t_hi - tbar_h)'
      + sum_h f_h sum_i (1 - f_hi) m_hi / (m_hi - 1) sum_j (t_hij - tbar_hi) (t_hij - tbar_hi)'

with t the sums of z over a sampled unit, f_h = n_h / N_h of the clusters and f_hi = m_hi / M_hi of the units within
one. Without population sizes f_h = 0: the second stage then adds nothing. A stratum taken with certainty (N_h = n_h)
adds nothing at its stage, also when it holds a lone unit.

A domain keeps the full design: rows outside it have score 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd
from scipy import sparse

from agency_survey.columns import flags, numbers, row_list
from agency_survey.errors import InputError

LONELY = ("fail", "adjust", "average", "certainty", "remove")


class Adjustment(Protocol):
    """A calibration of the weights, as the variance sees it."""

    def residuals(self, scores: np.ndarray) -> np.ndarray:
        """Weighted scores (n, k) less their weighted regression on the calibration variables."""


def _sums(codes: np.ndarray, size: int, scores: np.ndarray) -> np.ndarray:
    """Sums (size, k) of scores (n, k) over codes 0..size-1."""
    if scores.shape[1] == 1 or scores.flags.f_contiguous:  # by column: the product would copy the scores
        found = np.empty((size, scores.shape[1]))
        for j, column in enumerate(scores.T):
            found[:, j] = np.bincount(codes, column, size)
        return found
    rows = np.arange(len(codes) + 1, dtype=np.intp)
    return sparse.csc_matrix((np.ones(len(codes)), codes, rows), shape=(size, len(codes))) @ scores


@dataclass(frozen=True)
class Stage:
    """Units drawn within strata at one stage of sampling.

    unit : (n,) codes 0..U-1 of the unit that each row lies in; None where every row is a unit.
    stratum : (U,) codes 0..H-1 of the units' strata. labels : (H,) names.
    sampled, population : (H,) units in the sample and in the population (infinity: no correction).
    share : (H,) factor of the stage's variance: n / N of the stage above, 1 at the first.
    """

    unit: np.ndarray | None
    stratum: np.ndarray
    labels: np.ndarray
    sampled: np.ndarray
    population: np.ndarray
    share: np.ndarray

    @property
    def lone(self) -> np.ndarray:
        """(H,) bool: strata with one unit that are no certainty."""
        return (self.sampled == 1) & (self.population > 1)

    def factors(self, lonely: str, present: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(factor, centre), both (H,): V = sum_h factor_h sum_i (t_hi - centre_h tbar_h)^2.

        present : (H,) bool, strata that count for lonely = 'average'; default all.
        """
        fraction = 1.0 - self.sampled / self.population
        factor = self.share * np.where(fraction > 0, fraction * self.sampled / np.maximum(self.sampled - 1, 1), 0.0)
        centre = np.where(self.lone & (lonely == "adjust"), 0.0, 1.0)
        if lonely == "average" and self.lone.any():
            present = np.ones(len(factor), dtype=bool) if present is None else present
            used = np.count_nonzero(present & ~self.lone)
            factor = factor * (np.count_nonzero(present) / used if used else np.nan)
        return factor, centre

    def contributions(self, scores: np.ndarray, factor: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """(U, k): sqrt(factor) (t - tbar), whose cross-product is the stage's covariance."""
        totals = scores if self.unit is None else _sums(self.unit, len(self.stratum), scores)
        means = _sums(self.stratum, len(self.labels), totals)
        means *= (centre / self.sampled)[:, None]
        found = means[self.stratum]
        np.subtract(totals, found, out=found)
        found *= np.sqrt(factor)[self.stratum, None]
        return found

    def codes(self) -> np.ndarray:
        """(n,) codes of the units."""
        return np.arange(len(self.stratum)) if self.unit is None else self.unit

    def by_row(self, values: np.ndarray) -> np.ndarray:
        """(n,) values of the strata (H,) that the rows lie in."""
        values = values[self.stratum]
        return values if self.unit is None else values[self.unit]


@dataclass(frozen=True)
class SecondPhase:
    """Simple random samples drawn from the rows of the first phase within classes, or response modelled as such.

    design : first phase. responded : (n,) bool. classes : (n,) codes 0..G-1. labels : (G,).
    sampled, population : (G,) units m_g of the second phase and n_g of the first.
    unit : (n,) codes 0..U-1 of the units that were drawn or answered as one; None where each row is a unit.
    """

    design: SurveyDesign
    responded: np.ndarray
    classes: np.ndarray
    labels: np.ndarray
    sampled: np.ndarray
    population: np.ndarray
    unit: np.ndarray | None = None

    def covariance(self, scores: np.ndarray) -> np.ndarray:
        """V1 + V2 (k, k), Saerndal, Swensson and Wretman (1992), result 9.3.1."""
        scores = self._by_unit(np.where(self.responded[:, None], scores, 0.0))
        rows = np.flatnonzero(self.responded & _first_rows(self.unit, len(scores)))
        seen, classes = np.unique(self.classes[rows], return_inverse=True)
        stage = Stage(None, classes, self.labels[seen], self.sampled[seen], self.population[seen], np.ones(len(seen)))
        part = stage.contributions(scores[rows], *stage.factors("fail"))
        return self._first_phase(scores) + part.T @ part

    def _by_unit(self, scores: np.ndarray) -> np.ndarray:
        """Scores (n, k) added up by unit, on the first row of each."""
        if self.unit is None:
            return scores
        first = np.flatnonzero(_first_rows(self.unit, len(scores)))
        found = np.zeros_like(scores)
        found[first] = _sums(self.unit, len(first), scores)[self.unit[first]]
        return found

    def first_phase(self, scores: np.ndarray) -> np.ndarray:
        """V1 (k, k), the first part of ``covariance``."""
        return self._first_phase(self._by_unit(np.where(self.responded[:, None], scores, 0.0)))

    def _first_phase(self, scores: np.ndarray) -> np.ndarray:
        """V1 = sum_kl D_kl c_kl z_k z_l over the second phase, D the first phase's quadratic form.

        c_kl = p_k p_l / p_kl with p the second phase's inclusion probabilities: 1 for rows of different classes,
        p (n - 1) / (m - 1) for two rows of one class and p for a row with itself. The first is the first phase's
        variance; what the others differ by is added by class and by row.
        """
        first = self.design
        rate = self.sampled / self.population
        pairs = rate * (self.population - 1) / np.maximum(self.sampled - 1, 1)
        pairs = np.where(self.sampled < self.population, pairs, 1.0)
        if first.adjustments:
            fitted = scores - first._residuals(scores)
            scores = np.where(self.responded[:, None], scores - fitted / rate[self.classes, None], 0.0)
        found = np.zeros((scores.shape[1], scores.shape[1]))
        for stage, factor, centre in first._stages():
            part = stage.contributions(scores, factor, centre)
            found += part.T @ part
            found += self._within_classes(stage, factor, centre, pairs - 1, scores)
            own = stage.by_row(factor * (1 - centre / stage.sampled)) * (rate - pairs)[self.classes]
            found += (scores * own[:, None]).T @ scores
        return found

    def _within_classes(self, stage: Stage, factor, centre, extra, scores) -> np.ndarray:
        """sum_g extra_g V(scores of class g), V the variance of one stage of the first phase."""
        rows = np.flatnonzero(self.responded)
        unit, classes = stage.codes()[rows], self.classes[rows]
        size = len(self.labels)
        cells, cell = np.unique(unit * size + classes, return_inverse=True)  # units by class
        blocks, block = np.unique(stage.stratum[cells // size] * size + cells % size, return_inverse=True)
        stratum, weight = blocks // size, factor[blocks // size] * extra[blocks % size]
        totals = _sums(cell, len(cells), scores[rows])
        means = _sums(block, len(blocks), totals) * (centre / stage.sampled)[stratum, None]
        empty = stage.sampled[stratum] - np.bincount(block, minlength=len(blocks))  # units without a row of the class
        totals -= means[block]
        return (totals * weight[block, None]).T @ totals + (means * (weight * empty)[:, None]).T @ means

    def degrees_of_freedom(self, inside: np.ndarray) -> int:
        """Units of the second phase inside less their classes (as R survey's ``degf`` of two-phase designs)."""
        units = inside.sum() if self.unit is None else len(np.unique(self.unit[inside]))
        return int(units - np.count_nonzero(np.bincount(self.classes[inside], minlength=len(self.labels))))


@dataclass(frozen=True)
class SurveyDesign:
    """A design of one or two stages, with calibrated weights and a second phase where there are any.

    weight : (n,) final weights, 0 or more.
    stages : first stage and, for two-stage samples, the second.
    lonely : what a stratum with one unit that is no certainty adds to the variance (``survey_design``).
    adjustments : calibrations, in the order they were made; the last takes its residuals first, since its weights are a
        function of those before it (R survey goes through them in the order they were made).
    second : the second phase or None.
    """

    weight: np.ndarray
    stages: tuple[Stage, ...]
    lonely: str = "fail"
    adjustments: tuple[Adjustment, ...] = ()
    second: SecondPhase | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.weight)

    @property
    def clusters(self) -> np.ndarray:
        """(n,) codes of the first-stage units; the rows themselves in element designs."""
        return self.stages[0].codes()

    @property
    def stratum(self) -> np.ndarray:
        """(n,) codes 0..H-1 of first-stage strata into ``labels``."""
        return self.stages[0].by_row(np.arange(len(self.labels)))

    @property
    def labels(self) -> np.ndarray:
        """(H,) names of the first-stage strata."""
        return self.stages[0].labels

    @property
    def sampled(self) -> np.ndarray:
        """(H,) first-stage units n_h."""
        return self.stages[0].sampled

    @property
    def population(self) -> np.ndarray:
        """(H,) first-stage units N_h that the stratum stands for; infinity means no correction."""
        return self.stages[0].population

    def covariance(self, scores: np.ndarray, domain: np.ndarray | None = None) -> np.ndarray:
        """Covariance (k, k) of the totals of linearised, weighted ``scores`` (n, k).

        domain : (n,) bool, matters for lonely = 'average' only: the strata that R survey's subset would keep.
        """
        scores = self._residuals(self._scores(scores))
        if self.second is not None:
            return self.second.covariance(scores)
        found = np.zeros((scores.shape[1], scores.shape[1]))
        for stage, factor, centre in self._stages(domain):
            part = stage.contributions(scores, factor, centre)
            found += part.T @ part
        return found

    def variance(self, scores: np.ndarray, domain: np.ndarray | None = None) -> np.ndarray:
        """Variances (k,): the diagonal of ``covariance``, without its other terms."""
        scores = self._residuals(self._scores(scores))
        if self.second is not None:
            return np.diag(self.second.covariance(scores)).copy()
        found = np.zeros(scores.shape[1])
        for stage, factor, centre in self._stages(domain):
            part = stage.contributions(scores, factor, centre)
            found += np.einsum("ij,ij->j", part, part)
        return found

    def _scores(self, scores) -> np.ndarray:
        scores = numbers(scores, "A score")
        if len(scores) != self.n:
            raise InputError(f"There are scores of {len(scores)} rows, the design has {self.n}", fix="Give one a row")
        return scores[:, None] if scores.ndim == 1 else scores

    def _residuals(self, scores: np.ndarray) -> np.ndarray:
        for adjustment in reversed(self.adjustments):  # the last weights are a function of those before them
            scores = adjustment.residuals(scores)
        return scores

    def _stages(self, domain: np.ndarray | None = None):
        """(stage, factor, centre) of the stages that add to the variance."""
        for number, stage in enumerate(self.stages):
            present = None
            if domain is not None and number == 0 and self.lonely == "average":
                present = np.bincount(self.stratum[np.asarray(domain, dtype=bool)], minlength=len(stage.labels)) > 0
            factor, centre = stage.factors(self.lonely, present)
            if factor.any():
                yield stage, factor, centre

    def degrees_of_freedom(self, domain: np.ndarray | None = None) -> int:
        """First-stage units in the domain with positive weight less the strata they lie in (as R survey's ``degf``)."""
        inside = self.weight > 0 if domain is None else (self.weight > 0) & flags(domain, "A domain")
        if self.second is not None:
            return self.second.degrees_of_freedom(inside)
        first = self.stages[0]
        units = inside
        if first.unit is not None:
            seen = first.unit if inside.all() else first.unit[inside]
            units = np.bincount(seen, minlength=len(first.stratum)) > 0
        strata = np.bincount(first.stratum[units], minlength=len(first.labels)) > 0
        return int(np.count_nonzero(units) - np.count_nonzero(strata))

    def reweighted(self, weight) -> SurveyDesign:
        """The same design with other weights (n,), those of a replicate for one."""
        weight = numbers(weight, "A weight")
        if weight.shape != self.weight.shape:
            raise InputError(f"The design has {self.n} rows and {len(weight)} weights are given", fix="Give one a row")
        bad = ~np.isfinite(weight)
        if bad.any():
            raise InputError("A weight is missing or infinite", row_list(bad), "Correct the weights")
        return replace(self, weight=weight)

    def with_adjustment(self, weight, adjustment: Adjustment) -> SurveyDesign:
        """The design with calibrated weights (n,) and one more step of residuals before the variance."""
        return replace(self.reweighted(weight), adjustments=(*self.adjustments, adjustment))


def survey_design(
    weight,
    stratum=None,
    population=None,
    tolerance: float = 1e-6,
    *,
    cluster=None,
    fraction=None,
    nest: bool = False,
    lonely: str = "fail",
) -> SurveyDesign:
    """Check and build a design of one or two stages.

    weight : (n,) final weights.
    stratum : (n,) labels of any type, None for one stratum; a pair of columns adds second-stage strata.
    cluster : None where each row is drawn itself, (n,) labels of clusters, or a pair (clusters, units within them).
    population : (n,) N_h on each row, constant within a stratum (infinity: no correction), or None for sampling with
        replacement; a pair of columns (clusters in the stratum, units in the cluster) for two stages.
    fraction : the same as rates n_h / N_h in (0, 1], instead of ``population``.
    tolerance : relative difference of n_h and N_h still read as N_h = n_h (weights carry rounding).
    nest : labels of clusters are used again in other strata.
    lonely : what a stratum with one unit that is no certainty does, with the meaning of R's ``survey.lonely.psu``:
        'fail'; 'adjust' centres its total at 0, the mean of all scores, instead of its own mean; 'certainty' and
        'remove' add nothing; 'average' adds the average of the other strata.
    Raises InputError that names the rows or the stratum: missing, negative or infinite weights; a missing stratum or
    cluster; columns of different length; a cluster in two strata; N_h that differs within a stratum or is smaller than
    n_h; rates outside (0, 1]; a stratum with one unit that is not a certainty.
    """
    if lonely not in LONELY:
        raise InputError(f"Unknown rule for strata with one unit: {lonely}", fix=f"Choose one of {', '.join(LONELY)}")
    if population is not None and fraction is not None:
        raise InputError("Population sizes and sampling fractions are both given", fix="Give one of them")
    weight = numbers(weight, "A weight")
    if weight.ndim != 1:
        raise InputError(f"{weight.shape[1]} columns of weights are given", fix="Give one weight a row")
    bad = ~np.isfinite(weight) | (weight < 0)
    if bad.any():
        raise InputError("A weight is missing, negative or infinite", row_list(bad), "Correct the weights")
    strata, clusters = _per_stage(stratum), _per_stage(cluster)
    sizes = _per_stage(population if fraction is None else fraction)
    number = max(1, len(clusters))
    if number > 2 or len(strata) > number or len(sizes) > number or any(column is None for column in clusters):
        raise InputError(
            f"{len(strata)} stages of strata, {len(clusters)} of clusters and {len(sizes)} of sizes are given",
            fix="Give one or two stages of clusters and no more strata or sizes than stages",
        )
    if any(np.ndim(column) != 1 for column in strata + clusters + sizes if column is not None):
        raise InputError(
            "Strata, clusters or population sizes are one value or a table", fix="Give one column of them to a stage"
        )
    if {len(column) for column in strata + clusters + sizes if column is not None} - {len(weight)}:
        raise InputError(
            "Weights, strata, clusters and population sizes differ in length", fix="Give one of each to a row"
        )
    strata, clusters, sizes = (columns + [None] * (2 - len(columns)) for columns in (strata, clusters, sizes))
    codes, labels = _codes(strata[0], "stratum", len(weight))
    unit, names, first = None, None, codes
    if clusters[0] is not None:
        unit, names = _codes(clusters[0], "cluster", len(weight))
        if nest:
            unit, names = _combined(codes, unit, names)
        first = _stratum_of_unit(unit, codes, names)
    rates = fraction is not None
    stages = [_stage(unit, first, labels, sizes[0], rates, tolerance, np.ones(len(labels)))]
    if number == 2:
        inner, inner_labels, outer = unit, names, np.arange(len(names))
        if strata[1] is not None:
            code, extra = _codes(strata[1], "second-stage stratum", len(weight))
            inner, inner_labels = _combined(unit, code, extra, names)
            outer = _first_of(inner, unit, len(inner_labels))
        within, _ = _codes(clusters[1], "unit within the cluster", len(weight))
        within, _ = _combined(unit, within)
        of_unit = _stratum_of_unit(within, inner, None)
        upper = stages[0]
        share = (upper.sampled / upper.population)[first][outer]
        stages.append(_stage(within, of_unit, inner_labels, sizes[1], rates, tolerance, share))
    _refuse_lone(stages, lonely)
    return SurveyDesign(weight, tuple(stages), lonely)


def _first_rows(unit: np.ndarray | None, n: int) -> np.ndarray:
    """(n,) bool: the first row of each unit; all rows where each is one."""
    first = np.zeros(n, dtype=bool)
    first[slice(None) if unit is None else np.unique(unit, return_index=True)[1]] = True
    return first


def second_phase(design: SurveyDesign, responded, stratum, population=None, cluster=None) -> SurveyDesign:
    """Design of a second phase: rows drawn from those of ``design``, or response to a second part, within classes.

    design : first phase, n rows. responded : (n,) bool, rows of the second phase. stratum : (n,) labels of classes
    within which everybody has the same chance (response homogeneity groups; Saerndal, Swensson and Wretman 1992,
    section 15.6). population : (n,) rows n_g of the first phase in the class, default: their count in ``design``.
    cluster : (n,) labels of units that were drawn or answered as one, such as the agency of several cases: m_g and n_g
    count units, and so must the first phase (the same ``cluster``; a calibration of it counts the rows with weight).

    The result keeps all n rows; the weights of the second phase are the first's times n_g / m_g, of other rows 0.
    ``covariance`` is V1 + V2 of their result 9.3.1, given the numbers that responded: R survey's
    ``twophase(method = "full")``, whose V1 differs, and hangs on the order of rows, where strata of the first phase
    differ in size. Calibrations of ``design`` stay in V1 only; those made afterwards with
    ``with_adjustment`` to known totals are taken out of both parts. Degrees of freedom: m less the classes.
    Raises InputError that names rows or classes: a missing class, n_g that differs within the class or is smaller than
    m_g, a class without respondents or with a lone one out of several, a unit in two classes or with response in part.
    """
    if design.second is not None:
        raise InputError("The design already has a second phase", fix="Start from the first phase")
    if np.ndim(stratum) != 1 or np.ndim(responded) != 1 or {len(responded), len(stratum)} != {design.n}:
        raise InputError("Response, classes and the first phase differ in length", fix="Give one of each to a row")
    responded = flags(responded, "The response")
    classes, labels = _codes(stratum, "class", design.n)
    unit, names = (None, None) if cluster is None else _codes(cluster, "cluster", design.n)
    if unit is not None:
        _stratum_of_unit(unit, classes * 2 + responded, names)
    first = _first_rows(unit, design.n)
    sampled = np.bincount(classes, responded & first, len(labels))
    size = np.bincount(classes, first, len(labels))
    if population is not None:
        size = _population_sizes(numbers(population, "A size of a class"), classes, labels, sampled, 1e-6)
    empty = sampled == 0
    if empty.any():
        raise InputError(f"Nobody responded in a class: {', '.join(labels[empty])}", fix="Collapse classes")
    lone = (sampled == 1) & (size > 1)
    if lone.any():
        raise InputError(
            f"A class has one respondent only, so it has no variance: {', '.join(labels[lone])}", fix="Collapse classes"
        )
    weight = np.where(responded, design.weight * (size / sampled)[classes], 0.0)
    second = SecondPhase(design, responded, classes, labels, sampled, size, unit)
    return replace(design, weight=weight, adjustments=(), second=second)


def _per_stage(value) -> list:
    """The columns of a value that is one column or a pair of them."""
    if value is None:
        return []
    if isinstance(value, pd.DataFrame):
        return [value.iloc[:, number] for number in range(value.shape[1])]
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return list(value.T)
    if isinstance(value, (list, tuple)):
        sized = [hasattr(part, "__len__") and not isinstance(part, str) for part in value]
        if any(sized) and all(yes or part is None for yes, part in zip(sized, value, strict=True)):
            return list(value)
    return [value]


def _codes(column, what: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """(codes (n,), names) of a column; names of strata are text in order, a missing column is one stratum."""
    if column is None:
        return np.zeros(n, dtype=np.intp), np.array(["all"][: min(n, 1)], dtype=object)
    if isinstance(column, pd.Series) and isinstance(column.dtype, np.dtype):
        column = column.to_numpy()
    if isinstance(column, np.ndarray) and column.dtype.kind in "biuf":
        # without the hint, which only arrays heed, the table of names takes five times the column
        codes, names = pd.factorize(column, size_hint=n // 8)
    else:
        if not isinstance(column, (pd.Series, pd.Categorical)):
            column = pd.Series(column, dtype=object if len(column) == 0 else None)
        codes, names = pd.factorize(column)
    if (codes < 0).any():
        raise InputError(f"The {what} is missing", row_list(codes < 0), f"Give every row its {what}")
    names = np.asarray(names, dtype=object)
    if what not in ("stratum", "class"):
        return codes, names
    names, order = np.unique(names.astype(str), return_inverse=True)
    return order[codes] if n else codes, names


def _combined(outer, inner, inner_names=None, outer_names=None) -> tuple[np.ndarray, np.ndarray | None]:
    """(codes (n,), names) of the combinations of two columns of codes."""
    size = int(inner.max(initial=0)) + 1
    codes, pairs = pd.factorize(outer * size + inner)
    if inner_names is None:
        return codes, None
    names = inner_names[pairs % size]
    if outer_names is not None:
        names = np.array([f"{a}, {b}" for a, b in zip(outer_names[pairs // size], names, strict=True)], dtype=object)
    return codes, names


def _first_of(codes: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """(size,) value on the first row of each code."""
    found = np.zeros(size, dtype=values.dtype)
    found[codes[::-1]] = values[::-1]
    return found


def _stratum_of_unit(unit: np.ndarray, codes: np.ndarray, names: np.ndarray | None) -> np.ndarray:
    """(U,) stratum code of each unit; refuses units in two strata."""
    found = _first_of(unit, codes, int(unit.max(initial=-1)) + 1)
    bad = found[unit] != codes
    if bad.any():
        first = np.flatnonzero(bad)[0]
        name = "A unit within a cluster" if names is None else f"Cluster {names[unit[first]]}"
        raise InputError(
            f"{name} lies in two strata",
            row_list(bad),
            "Correct the strata, or say nest=True where labels of clusters are used again in other strata",
        )
    return found


def _stage(unit, stratum, labels, given, rates, tolerance, share) -> Stage:
    """One stage from codes: unit (n,) or None, stratum (U,) of the units; given (n,) sizes or rates or None."""
    if unit is not None and len(stratum) == len(unit):
        unit = None  # codes follow the order of rows, so each row is its own unit
    of_row = stratum if unit is None else stratum[unit]
    sampled = np.bincount(stratum, minlength=len(labels)).astype(float)
    size = np.full(len(labels), np.inf)
    if given is not None:
        given = numbers(given, "A sampling fraction" if rates else "A population size")
        if rates:
            bad = ~((given > 0) & (given <= 1))
            if bad.any():
                raise InputError("A sampling fraction is missing or outside (0, 1]", row_list(bad), "Correct it")
            given = sampled[of_row] / given
        size = _population_sizes(given, of_row, labels, sampled, tolerance)
    return Stage(unit, stratum, labels, sampled, size, share)


def _refuse_lone(stages: list[Stage], lonely: str) -> None:
    """A lone unit has no variance of its own; 'average' needs another stratum of the first stage beside it."""
    for number, stage in enumerate(stages):
        lone = stage.lone & (stage.share > 0)
        names = ", ".join(str(name) for name in stage.labels[lone][:5])
        names += f" and {lone.sum() - 5} more" if lone.sum() > 5 else ""
        what = "cluster" if number else "stratum"
        if lone.any() and lonely == "fail":
            raise InputError(
                f"A {what} holds one unit only and is no certainty, so it has no variance: {names}",
                fix="Collapse it with a neighbouring one, or choose a rule for lone units (lonely)",
            )
        if lonely == "average" and lone.any() and (number or lone.all()):
            raise InputError(
                f"No average stands in for the {what} with a lone unit: {names}", fix="Choose another rule"
            )


def _population_sizes(
    given: np.ndarray, codes: np.ndarray, labels: np.ndarray, sampled: np.ndarray, tolerance: float
) -> np.ndarray:
    """(H,) population sizes from those on the rows; a size within the tolerance of the sample's is the sample's."""
    bad = ~(given > 0)
    if bad.any():
        raise InputError("A stratum's population size is missing or not positive", row_list(bad), "Correct it")
    size = np.zeros(len(labels))
    size[codes] = given
    bad = ~np.isclose(given, size[codes], rtol=tolerance, atol=0)
    if bad.any():
        raise InputError("The population size differs within a stratum", row_list(bad), "Give one size a stratum")
    small = size < sampled * (1 - tolerance)
    if small.any():
        first = np.flatnonzero(small)[0]
        raise InputError(
            f"Stratum {labels[first]} has more units in the sample ({sampled[first]:.0f}) than in the population "
            f"({size[first]:g})",
            fix="Correct the population size",
        )
    return np.where(np.isclose(size, sampled, rtol=tolerance, atol=0), sampled, size)
