"""Lines that a result crosses when it moves: its rounding, significance, and whether it may be shown."""

from __future__ import annotations

import re

from agency_survey.changes.grids import Difference, number
from agency_survey.marks import ABSENT, DASH, SHOWN

SIGNIFICANT = 0.05  # the line from which the chapters call a difference shown
ROUNDING, SIGNIFICANCE, SUPPRESSION = "rounding", "significance", "suppression"
P_COLUMN = re.compile(r"(?:.*_)?p(?:_adjusted|_holm)?")
STATUS = re.compile(r"(?:.*_)?status")
LIMIT = re.compile(r"(?:(.*)_)?(low|high)")
# What an interval without a column of p-values is about, by the nearest column before it: no effect is 0, or 1 for ratios.
NULLS = {"ratio": 1, "odds_ratio": 1, "coefficient": 0, "change": 0, "difference": 0, "effect": 0}
RATIOS = re.compile(r"\b(odds|risk) ratio|ratio of means")
DIFFERENCES = re.compile(r"\b(difference|change|coefficient)\b")
ESTIMATES = frozenset(("share", "value", "probability", *NULLS))


def of_number(old: dict, new: dict) -> tuple[str, ...]:
    """Lines that a published number crosses between two builds that both have it."""
    found = []
    if (old["value"] is None) != (new["value"] is None):
        found.append(SUPPRESSION)
    elif _significant(old) not in (None, _significant(new)) and _significant(new) is not None:
        found.append(SIGNIFICANCE)
    return (*found, ROUNDING) if old["text"] != new["text"] else tuple(found)


def _significant(entry: dict) -> bool | None:
    """Whether a p-value is below the line, or an interval leaves out no effect; None for other numbers."""
    if entry["format"] == "p":
        return None if not isinstance(entry["value"], int | float) else entry["value"] < SIGNIFICANT
    return _leaves_out(entry["low"], entry["high"], _no_effect(entry["unit"]))


def _no_effect(unit: str) -> int | None:
    return 1 if RATIOS.search(unit) else 0 if DIFFERENCES.search(unit) else None


def crossing_limit(old: dict, new: dict) -> str:
    """The limit, 'low' or 'high', with which a number's interval began or ceased to hold no effect."""
    null = _no_effect(new["unit"])
    return "low" if (old["low"] > null) != (new["low"] > null) else "high"


def _leaves_out(low: float | None, high: float | None, null: int | None) -> bool | None:
    if low is None or high is None or null is None:
        return None
    return not low <= null <= high


def of_cell(column: str, before: dict[str, str], after: dict[str, str]) -> tuple[str, ...]:
    """Lines that a cell of a table's data crosses; before, after : its row in both builds."""
    old, new = number(before.get(column)), number(after.get(column))
    if P_COLUMN.fullmatch(column):
        crossed = old is not None and new is not None and (old < SIGNIFICANT) != (new < SIGNIFICANT)
        return (SIGNIFICANCE,) if crossed else ()
    if column in ESTIMATES or f"{column}_se" in before:
        blanks = {before.get(column), after.get(column)} & {"", DASH}
        return (SUPPRESSION,) if blanks and (old is None) != (new is None) else ()
    limit = LIMIT.fullmatch(column)
    if not limit or any(P_COLUMN.fullmatch(name) for name in before):
        return ()
    null = _null(limit[1], column, list(before))
    stem = f"{limit[1]}_" if limit[1] else ""
    sides = [
        _leaves_out(number(row.get(stem + "low")), number(row.get(stem + "high")), null) for row in (before, after)
    ]
    if None in sides or sides[0] == sides[1] or old is None or new is None:
        return ()
    return (SIGNIFICANCE,) if (old <= null) != (new <= null) or (old < null) != (new < null) else ()


def _null(stem: str | None, column: str, header: list[str]) -> int | None:
    if stem == "or":
        return 1
    if stem is not None:
        return 0 if re.search(r"difference|change|effect", stem) else None
    for name in reversed(header[: header.index(column)]):
        if name in NULLS:
            return NULLS[name]
    return None


def told_by_estimate(one: Difference) -> bool:
    """Whether a status that differs says no more than the estimate that came or went beside it."""
    return STATUS.fullmatch(one.column) is not None and SHOWN in (one.old, one.new)


def of_printed(old: str, new: str) -> tuple[str, ...]:
    """Lines that a printed cell crosses: it reads otherwise, and it is shown, marked or hidden where it was not."""
    return (SUPPRESSION, ROUNDING) if _shown(old) != _shown(new) and _estimates(old, new) else (ROUNDING,)


def _shown(cell: str) -> str:
    return "hidden" if cell in ("", *ABSENT) else "flagged" if "*" in cell else "shown"


def _estimates(old: str, new: str) -> bool:
    """Whether both cells are a number, marked or not, or a mark that hides one."""
    return all(cell in ABSENT or cell[:1].isdigit() or cell[:1] == "\N{MINUS SIGN}" for cell in (old, new))
