"""Weights as products of factors: base weight, post-stratification, non-response by weighting classes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey.errors import InputError


def _refuse(bad: np.ndarray, what: str) -> None:
    if bad.any():
        raise InputError(what, f"row {np.flatnonzero(bad)[0] + 1}", "Correct the frame or the dispositions")


def nonresponse_factor(base, cell, eligible, responded) -> np.ndarray:
    """Weighting-class adjustment for unit non-response.

    In each class the factor of a respondent is the base weight of the eligible agencies over the base weight of the
    respondents; everybody else has 0 (Saerndal, Swensson and Wretman 1992, section 15.6, response homogeneity groups).

    base : (n,) base weights; cell : (n,) class labels; eligible, responded : (n,) bool. Returns (n,) factors.
    Raises InputError when a base weight or class of an eligible agency is missing, a respondent is not eligible or a
    class with eligible agencies has no respondent.
    """
    eligible = np.asarray(eligible, dtype=bool)
    responded = np.asarray(responded, dtype=bool)
    base = np.where(eligible, np.asarray(base, dtype=float), 0.0)
    cell = np.asarray(cell, dtype=object)
    _refuse(eligible & ~(np.isfinite(base) & (base > 0)), "A base weight is missing, infinite or not positive")
    _refuse(pd.isna(cell), "The weighting class is missing")
    odd = responded & ~eligible
    if odd.any():
        row = np.flatnonzero(odd)[0] + 1
        raise InputError("A respondent is out of scope", f"row {row}", "Correct its disposition")
    codes, labels = pd.factorize(cell, sort=True)
    of_eligible = np.bincount(codes, base, len(labels))
    of_respondents = np.bincount(codes, base * responded, len(labels))
    empty = (of_eligible > 0) & (of_respondents == 0)
    if empty.any():
        names = ", ".join(str(label) for label in labels[empty])
        raise InputError(f"A weighting class has eligible agencies but no respondent: {names}", fix="Collapse classes")
    with np.errstate(invalid="ignore"):
        factor = np.where(of_eligible > 0, of_eligible / of_respondents, 0.0)
    return np.where(responded, factor[codes], 0.0)


def poststratification_factor(weight, cell, totals: pd.Series) -> np.ndarray:
    """Factor that brings the weights of each cell to its known total (Holt and Smith 1979).

    weight : (n,); cell : (n,) labels; totals : known counts indexed by label. Returns (n,) factors.
    Raises InputError when a weight or cell is missing, a cell has no known total, or a known total has no agency in the
    sample.
    """
    weight, cell = np.asarray(weight, dtype=float), pd.Series(np.asarray(cell, dtype=object))
    _refuse(~(np.isfinite(weight) & (weight >= 0)), "A weight is missing, negative or infinite")
    _refuse(cell.isna().to_numpy(), "The cell is missing")
    sums = pd.Series(weight).groupby(cell).sum()
    unknown = sums.index.difference(totals.index)
    if len(unknown):
        raise InputError(f"No population count is known for the cell {unknown[0]}", fix="Complete the frame")
    unmet = totals.index[totals > 0].difference(sums.index[sums > 0])
    if len(unmet):
        raise InputError(f"The sample holds no agency of the cell {unmet[0]}", fix="Collapse cells")
    return cell.map(totals / sums).to_numpy(dtype=float)


def kish_design_effect(weight) -> float:
    """Loss from unequal weights, n sum(w^2) / (sum w)^2 over positive weights (Kish 1965, section 11.7)."""
    weight = np.asarray(weight, dtype=float)
    weight = weight[weight > 0]
    if not len(weight):
        raise InputError("There is no positive weight", fix="Check the dispositions")
    return float(len(weight) * (weight**2).sum() / weight.sum() ** 2)


def aapor_rates(complete: int, partial: int, refusal: int, noncontact: int, unknown: int, other: int = 0) -> dict:
    """Outcome rates of the AAPOR Standard Definitions (9th edition, 2016): RR1, RR2, COOP1, REF1, CON1.

    Counts of cases: complete (I), partial (P), refusal and break-off (R), non-contact (NC), other (O) and unknown
    eligibility (U); ineligible cases are left out. Returns shares from 0 to 1.
    """
    contacted = complete + partial + refusal + other
    known = contacted + noncontact
    if known + unknown == 0 or contacted == 0:
        raise InputError("No eligible case was contacted, so no outcome rate is defined", fix="Check the dispositions")
    everybody = known + unknown
    return {
        "RR1": complete / everybody,
        "RR2": (complete + partial) / everybody,
        "COOP1": complete / contacted,
        "REF1": refusal / everybody,
        "CON1": contacted / everybody,
    }


def collapsed_classes(group, order, responded, smallest: int) -> tuple[np.ndarray, list[dict]]:
    """Weighting classes with enough respondents: small ones join their neighbour within the group.

    group : (n,) labels that are never mixed (agency type by certainty); order : (n,) ordered integer class within the
    group; responded : (n,) bool; smallest : respondents that a class must have. Within each group the class with the
    fewest respondents joins the smaller of its neighbours in ``order`` until all have enough or one is left.
    Returns (labels (n,), record of the collapsed classes). Raises InputError for a missing group and for a group with
    fewer than two respondents in all.
    """
    frame = pd.DataFrame(
        {"group": np.asarray(group, dtype=object), "order": np.asarray(order), "responded": np.asarray(responded)}
    )
    _refuse(frame["group"].isna().to_numpy(), "The group of a weighting class is missing")
    label = np.empty(len(frame), dtype=object)
    record = []
    for name, part in frame.groupby("group", sort=True, observed=True):
        counts = part.groupby("order")["responded"].sum()
        if counts.sum() < 2:
            raise InputError(f"The group {name} has fewer than two respondents", fix="Merge it with another group")
        cells = [([value], int(count)) for value, count in counts.items()]
        while len(cells) > 1 and min(count for _, count in cells) < smallest:
            at = min(range(len(cells)), key=lambda k: cells[k][1])
            beside = [k for k in (at - 1, at + 1) if 0 <= k < len(cells)]
            other = min(beside, key=lambda k: cells[k][1])
            low, high = sorted((at, other))
            cells[low : high + 1] = [(cells[low][0] + cells[high][0], cells[low][1] + cells[high][1])]
        for values, count in cells:
            text = f"{name}, class {values[0]}" + (f" to {values[-1]}" if len(values) > 1 else "")
            label[part.index[part["order"].isin(values)]] = text
            if len(values) > 1:
                record.append({"group": name, "classes": values, "respondents": count})
    return label, record
