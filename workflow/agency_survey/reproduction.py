"""Published LEMAS figures rebuilt from the microdata and compared to the printed digits."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from agency_survey import estimate, lemas
from agency_survey.errors import InputError

FILES = "data/published/lemas_published.csv, config/reproduction.yaml"
WEIGHTS = {
    "base_weight": "base_weight",
    "final_weight": "weight",
    "page1_weight": "distributed_weight",
    "page2_weight": "distributed_weight_page2",
}


def _condition(rows: pd.DataFrame, text: str | None, where: str) -> np.ndarray:
    """Boolean (n,) of a condition or a 0/1 variable; missing counts as false."""
    if text is None:
        return np.ones(len(rows), dtype=bool)
    return pd.Series(_value(rows, text, where)).fillna(False).to_numpy(dtype=bool)


def _value(rows: pd.DataFrame, text: str, where: str):
    try:
        return rows.eval(text, engine="python")
    except Exception as error:
        raise InputError(f"The condition cannot be evaluated: {text}", where, "Name variables of the table") from error


def rebuild(entry: dict, table: pd.DataFrame) -> tuple[float, float | None]:
    """Rebuilt value and standard error (None where there is none) of one entry of ``config/reproduction.yaml``.

    table : weighed table of the entry's wave (``lemas.weigh``). Shares and rates are in per cent.
    """
    name = f"config/reproduction.yaml, {entry['wave']}: {entry['quantity']}"
    kind, of = entry["kind"], entry.get("of")
    inside = _condition(table, entry.get("where"), name)
    if kind == "rows":
        return float(inside.sum()), None
    if kind == "rows_full_partial":
        return float((inside & table["full_form"]).sum()), float((inside & ~table["full_form"]).sum())
    if kind == "response_rate":
        return 100 * float((inside & table["responded"]).sum() / (inside & table["eligible"]).sum()), None
    if kind in WEIGHTS:
        weights = table.loc[inside, WEIGHTS[kind]]
        weights = weights[weights > 0].round(12).unique()
        if len(weights) != 1:
            raise InputError(f"The stratum has {len(weights)} different weights", name, "Correct the condition")
        return float(weights[0]), None
    rows, design = lemas.respondents(table, entry.get("weight", "weight"))
    inside = _condition(rows, entry.get("where"), name)
    if kind == "count":
        found = estimate.total(design, np.ones(len(rows)), inside)
    elif kind == "total":
        value, _ = _total(table, entry, entry.get("weight", "weight"), name)
        return value, _total(table, entry, entry.get("se_weight", entry.get("weight", "weight")), name)[1]
    else:
        y = pd.Series(_value(rows, of, name)).astype("boolean")
        known = y.notna().to_numpy()
        y = y.fillna(False).to_numpy(dtype=float)
        found = estimate.mean(design, y, inside & known)
        if kind == "share_difference_se":
            other = _condition(rows, entry["minus"], name)
            both = estimate.stack(design, [found, estimate.mean(design, y, other & known)])
            return 100 * estimate.contrast(both, [1, -1])[1], None
        return 100 * float(found.value[0]), 100 * float(found.se[0])
    return float(found.value[0]), float(found.se[0])


def _total(table: pd.DataFrame, entry: dict, weight: str, name: str) -> tuple[float, float]:
    rows, design = lemas.respondents(table, weight)
    found = estimate.total(design, rows[entry["of"]], _condition(rows, entry.get("where"), name))
    return float(found.value[0]), float(found.se[0])


def compare(entries: list[dict], published: pd.DataFrame, tables: dict[int, pd.DataFrame]) -> pd.DataFrame:
    """All published figures beside the rebuilt ones.

    published : columns dataset, quantity, published, published_se, source, note (text; a source 'same' is that of the row
    above). tables : weighed table by wave.
    Returns one row a figure (two for a pair such as 'full / partial'): wave, quantity, measure (estimate or standard
    error), published, rebuilt, difference (rebuilt - published), in_units (|difference| over the printed unit), agrees
    (|difference| at most half the printed unit), shown digits, why, source.
    Raises InputError for an entry without a published figure, a published figure without an entry, a figure that is
    there twice or is no number, and a printed standard error whose unit the entry does not give.
    """
    odd = published[~published["dataset"].str.fullmatch(r"lemas_\d{4}")]
    if len(odd):
        raise InputError(
            f"The dataset '{odd['dataset'].iloc[0]}' is not of the form lemas_<year>",
            f"data/published/lemas_published.csv, row {odd.index[0] + 2}",
            "Correct it",
        )
    for keys in (
        [(int(row.dataset[-4:]), row.quantity) for row in published.itertuples()],
        [(entry["wave"], entry["quantity"]) for entry in entries],
    ):
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice:
            raise InputError(f"The published figure '{twice[1]}' of {twice[0]} is there twice", FILES, "Remove one")
    published = published.assign(source=published["source"].mask(published["source"] == "same").ffill())
    keyed = {(int(row.dataset[-4:]), row.quantity): row for row in published.itertuples()}
    named = {(entry["wave"], entry["quantity"]) for entry in entries}
    for lost in [*(key for key in keyed if key not in named), *(key for key in named if key not in keyed)]:
        raise InputError(
            f"The published figure '{lost[1]}' of {lost[0]} is in one of the two files only",
            FILES,
            "Add it to the other, or correct its spelling",
        )
    rows = []
    for entry in entries:
        if entry["wave"] not in tables:
            continue
        figure = keyed[entry["wave"], entry["quantity"]]
        value, se = rebuild(entry, tables[entry["wave"]])
        if entry["kind"] == "rows_full_partial":
            first, second = figure.published.split("/")
            rows += [_row(entry, figure, "full form", first, value, entry["to"])]
            rows += [_row(entry, figure, "partial form", second, se, entry["to"])]
            continue
        rows.append(_row(entry, figure, "estimate", figure.published, value, entry["to"]))
        if figure.published_se:
            if "se_to" not in entry or se is None:
                raise InputError(
                    f"The published figure '{entry['quantity']}' of {entry['wave']} has a standard error",
                    "config/reproduction.yaml",
                    "Give its printed unit as se_to, and a kind that has a standard error",
                )
            rows.append(_row(entry, figure, "standard error", figure.published_se, se, entry["se_to"]))
    return pd.DataFrame(rows)


def _row(entry: dict, figure, measure: str, published: str, rebuilt: float, unit: float) -> dict:
    try:
        printed = float(published)
    except ValueError as error:
        raise InputError(f"'{published}' is no number (figure '{entry['quantity']}')", FILES, "Correct it") from error
    difference = rebuilt - printed
    return {
        "wave": entry["wave"],
        "quantity": entry["label"],
        "measure": measure,
        "published": printed,
        "rebuilt": rebuilt,
        "difference": difference,
        "unit": unit,
        "in_units": abs(difference) / unit,
        "agrees": abs(difference) <= unit / 2 * (1 + 1e-9),
        "digits": max(0, -math.floor(math.log10(unit) + 1e-9)),
        "why": entry.get("why", ""),
        "source": figure.source,
    }
