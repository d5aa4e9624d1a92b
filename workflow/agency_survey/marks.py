"""Why a number is not printed, the mark in its place, and the note below an exhibit, which explains the marks that occur.

A frame of estimates says it in its column ``status``; the data files beside tables and figures have that column too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

SHOWN, IMPRECISE, WITHHELD = "shown", "imprecise", "withheld"
FLAG, DASH, D = "\\*", "\N{EN DASH}", "(D)"
ABSENT = (DASH, D)  # what stands in the place of a number
PROTECTED = {D: "withheld to avoid disclosing data of single agencies"}
UNCERTAIN = {DASH: "too uncertain to be shown"} | PROTECTED
SECTION = "@sec-methods-printed"


def of(status: str) -> str:
    """The mark of a number that is not printed: '(D)' where it is withheld, else a dash."""
    return D if status == WITHHELD else DASH


def status_of(row) -> str:
    """Status of a row of estimates; 'imprecise' of one without, as only the screening withholds."""
    found = row.get("status") if isinstance(row, pd.Series) else getattr(row, "status", None)
    return found if isinstance(found, str) else IMPRECISE


def judged(found: pd.DataFrame, hidden: Iterable[bool]) -> np.ndarray:
    """Status (k,) of estimates, given which are hidden for precision; what was withheld before stays so."""
    before = found["status"].to_numpy() if "status" in found else np.full(len(found), SHOWN)
    hidden = np.fromiter(hidden, dtype=bool, count=len(found))
    return np.select([before == WITHHELD, hidden], [WITHHELD, IMPRECISE], SHOWN)


def withheld(gone: Iterable[bool]) -> np.ndarray:
    """Status (k,) of rows of counts, of which some are without a number that is withheld."""
    return np.where(np.asarray(gone, dtype=bool), WITHHELD, SHOWN)


def explained(limits: Mapping[str, float], of_whom: str = "respondents") -> dict[str, str]:
    """Explanations of the marks on estimates; limits : ``reliability`` of the settings."""
    flag, hide = (f"{100 * limits[name]:g}" for name in ("flag_rse", "hide_rse"))
    return {
        FLAG: f"relative standard error over {flag} percent",
        DASH: f"not shown: relative standard error over {hide} percent, or fewer than {limits['hide_n']} {of_whom}",
    } | PROTECTED


def in_cells(cells: Iterable[str]) -> set[str]:
    """Marks that occur in printed cells; a dash counts where it is all of a cell (tests have theirs in italics)."""
    found = set()
    for cell in map(str, cells):
        found |= {mark for mark in (FLAG, D) if mark in cell} | ({DASH} & {cell.strip()})
    return found


def note(explanations: Mapping[str, str], occur: Iterable[str]) -> str:
    """One sentence on the marks that occur, in the order of the explanations; empty where none does."""
    occur = set(occur)
    parts = [f"{_escaped(mark)} {words}" for mark, words in explanations.items() if mark in occur]
    return f"{'; '.join(parts)} ({SECTION})." if parts else ""


def _escaped(mark: str) -> str:
    return mark.replace(D, "\\(D)")  # at the start of a paragraph it would open a list
