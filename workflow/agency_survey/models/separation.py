"""Separation: a term that foretells the outcome without error, so that its coefficient has no finite estimate.

There is separation where some b has x'b >= 0 for every 1 and x'b <= 0 for every 0, not all zero (Albert and Anderson
1984); a linear programme finds it (Konis 2007). For counts: x'b = 0 for every positive count and <= 0 for every zero.
"""

from __future__ import annotations

import numpy as np

from agency_survey.columns import row_list
from agency_survey.errors import InputError
from agency_survey.models.rows import Rows

LARGEST = 20_000  # rows that the linear programme is asked about


def error(what: str, rows: Rows, positive: np.ndarray, zeros_only: bool = False, outcome: str = "the outcome"):
    """InputError that names the term and the rows that separate, or says that the iteration did not converge.

    positive : (m,) bool, whether the outcome is 1 (or in the category, or a positive count).
    zeros_only : only terms without any positive outcome separate, as for counts.
    """
    cause = _level(rows, positive, zeros_only, outcome) or _combination(rows, positive, zeros_only, outcome)
    if cause is None:
        return InputError(f"{what} did not converge", fix="Rescale or drop terms of few rows or far outliers")
    fix = "Drop or merge that term" + ("" if zeros_only or "category" in outcome else ", or use firth_logistic")
    return InputError(f"{what} did not converge: {cause}", fix=fix)


def _level(rows: Rows, positive: np.ndarray, zeros_only: bool, outcome: str) -> str | None:
    """A column that separates on its own: an indicator by one of its two levels, a number by a cut."""
    holds = "above 0" if zeros_only else "1" if outcome == "the outcome" else "met"
    for name, column in zip(rows.names, rows.x.T, strict=True):
        values = np.unique(column[: min(len(column), 1000)])
        if len(values) == 1 and (column == values[0]).all():
            continue
        if set(values) <= {0.0, 1.0} and np.isin(column, (0, 1)).all():
            for level in (1.0, 0.0):
                here = column == level
                share = positive[here].mean()
                if share == 0 or (share == 1 and not zeros_only):
                    where = row_list(rows.spread(here) > 0)
                    return (
                        f"{name} separates {outcome}, which is {'always' if share else 'never'} {holds} in the "
                        f"{here.sum()} rows with {name} = {level:.0f} ({where})"
                    )
        elif not zeros_only:
            ones, zeros = column[positive], column[~positive]
            if zeros.max() <= ones.min():
                return f"{name} separates {outcome}, which is {holds} only at {ones.min():g} or above, and never below"
            if ones.max() <= zeros.min():
                return f"{name} separates {outcome}, which is {holds} only at {ones.max():g} or below, and never above"
    return None


def _combination(rows: Rows, positive: np.ndarray, zeros_only: bool, outcome: str) -> str | None:
    """Columns that separate together, by a linear programme."""
    from scipy.optimize import linprog

    if len(rows.x) > LARGEST:
        return None
    x = rows.x / np.abs(rows.x).max(axis=0)
    towards = x if zeros_only else np.where(positive[:, None], -x, x)
    limits = {"A_ub": towards, "b_ub": np.zeros(len(x))}
    if zeros_only:
        equal = x[positive]
        limits = {
            "A_ub": x[~positive],
            "b_ub": np.zeros((~positive).sum()),
            "A_eq": equal,
            "b_eq": np.zeros(len(equal)),
        }
    found = linprog(towards.sum(axis=0), bounds=(-1, 1), **limits)
    if not found.success or found.fun > -1e-7:
        return None
    names = [name for name, weight in zip(rows.names, found.x, strict=True) if abs(weight) > 1e-9]
    apart = np.abs(x @ found.x) > 1e-9
    where = row_list(rows.spread(apart) > 0)
    return f"a combination of {', '.join(names)} separates {outcome} in {apart.sum()} rows ({where})"
