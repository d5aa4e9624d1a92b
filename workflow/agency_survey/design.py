"""The survey design that every estimator takes: strata, weights and finite population corrections.

Variance of a total under stratified sampling without replacement, for linearised scores z (Cochran 1977, eq. 5.11;
Saerndal, Swensson and Wretman 1992, section 5.5)::

    V = sum_h (1 - n_h / N_h) n_h / (n_h - 1) sum_i (z_hi - zbar_h) (z_hi - zbar_h)'

A stratum taken with certainty (N_h = n_h) adds nothing, also when it holds a lone agency.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey.errors import InputError


def _rows(mask: np.ndarray) -> str:
    """Row numbers (from 1) where ``mask`` holds, the first five of them."""
    rows = np.flatnonzero(mask) + 1
    text = ", ".join(str(row) for row in rows[:5])
    return f"row {text}" if len(rows) == 1 else f"rows {text}" + (f" and {len(rows) - 5} more" if len(rows) > 5 else "")


def _two_dimensional(scores: np.ndarray) -> np.ndarray:
    return scores[:, None] if scores.ndim == 1 else scores


@dataclass(frozen=True)
class SurveyDesign:
    """Stratified element design.

    weight : (n,) final weights, 0 or more.
    stratum : (n,) codes 0..H-1 into ``labels``.
    labels : (H,) names of the strata.
    sampled : (H,) responding agencies n_h.
    population : (H,) agencies N_h that the stratum stands for; infinity means no correction.
    """

    weight: np.ndarray
    stratum: np.ndarray
    labels: np.ndarray
    sampled: np.ndarray
    population: np.ndarray

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.weight)

    def covariance(self, scores: np.ndarray) -> np.ndarray:
        """Covariance (k, k) of the totals of linearised, weighted ``scores`` (n, k)."""
        scores = _two_dimensional(scores)
        factor = self._factor()
        sums = np.zeros((len(self.labels), scores.shape[1]))
        for column in range(scores.shape[1]):
            sums[:, column] = np.bincount(self.stratum, scores[:, column], len(self.labels))
        centred = scores - (sums / self.sampled[:, None])[self.stratum]
        return (centred * factor[self.stratum, None]).T @ centred

    def variance(self, scores: np.ndarray) -> np.ndarray:
        """Variances (k,) of the totals of linearised, weighted ``scores`` (n, k): the diagonal of ``covariance``."""
        scores = _two_dimensional(scores)
        factor = self._factor()[self.stratum]
        out = np.empty(scores.shape[1])
        for column, z in enumerate(scores.T):
            centred = z - (np.bincount(self.stratum, z, len(self.labels)) / self.sampled)[self.stratum]
            out[column] = factor @ centred**2
        return out

    def _factor(self) -> np.ndarray:
        """(1 - f_h) n_h / (n_h - 1) by stratum; 0 for certainty strata."""
        fraction = 1.0 - self.sampled / self.population
        return np.where(fraction > 0, fraction * self.sampled / np.maximum(self.sampled - 1, 1), 0.0)

    def degrees_of_freedom(self, domain: np.ndarray | None = None) -> int:
        """Agencies in the domain with positive weight less the strata they lie in (as R survey's ``degf``)."""
        inside = self.weight > 0 if domain is None else (self.weight > 0) & domain
        return int(inside.sum() - np.count_nonzero(np.bincount(self.stratum[inside], minlength=len(self.labels))))


def survey_design(weight, stratum, population=None, tolerance: float = 1e-6) -> SurveyDesign:
    """Check and build a design.

    weight : (n,) final weights.
    stratum : (n,) labels of any type.
    population : (n,) N_h on each row, constant within a stratum, or None for sampling with replacement.
    tolerance : relative difference of n_h and N_h still read as N_h = n_h (weights carry rounding).
    Raises InputError that names the rows or the stratum: missing, negative or infinite weights; a missing stratum;
    columns of different length; N_h that differs within a stratum or is smaller than n_h; a stratum with one agency that is not a certainty.
    """
    weight = np.asarray(weight, dtype=float)
    bad = ~np.isfinite(weight) | (weight < 0)
    if bad.any():
        raise InputError("A weight is missing, negative or infinite", _rows(bad), "Correct the weights")
    raw = np.asarray(stratum, dtype=object)
    lengths = {len(weight), len(raw), len(weight if population is None else population)}
    if len(lengths) > 1:
        raise InputError("Weights, strata and population sizes differ in length", fix="Give one of each to an agency")
    bad = pd.isna(raw)
    if bad.any():
        raise InputError("The stratum is missing", _rows(bad), "Give every agency its stratum")
    labels, codes = np.unique(raw.astype(str), return_inverse=True)
    sampled = np.bincount(codes, minlength=len(labels)).astype(float)
    size = np.full(len(labels), np.inf)
    if population is not None:
        size = _population_sizes(np.asarray(population, dtype=float), codes, labels, sampled, tolerance)
    lone = (sampled == 1) & (size > sampled)
    if lone.any():
        names = ", ".join(labels[lone])
        raise InputError(
            f"A stratum holds one agency only and is no certainty, so it has no variance: {names}",
            fix="Collapse it with a neighbouring stratum",
        )
    return SurveyDesign(weight, codes, labels, sampled, size)


def _population_sizes(
    given: np.ndarray, codes: np.ndarray, labels: np.ndarray, sampled: np.ndarray, tolerance: float
) -> np.ndarray:
    bad = ~np.isfinite(given) | (given <= 0)
    if bad.any():
        raise InputError("A stratum's population size is missing or not positive", _rows(bad), "Correct it")
    size = np.zeros(len(labels))
    size[codes] = given
    bad = ~np.isclose(given, size[codes], rtol=tolerance, atol=0)
    if bad.any():
        raise InputError("The population size differs within a stratum", _rows(bad), "Give one size a stratum")
    small = size < sampled * (1 - tolerance)
    if small.any():
        first = np.flatnonzero(small)[0]
        raise InputError(
            f"Stratum {labels[first]} has more agencies in the sample ({sampled[first]:.0f}) than in the population "
            f"({size[first]:g})",
            fix="Correct the population size",
        )
    return np.where(np.isclose(size, sampled, rtol=tolerance, atol=0), sampled, size)
