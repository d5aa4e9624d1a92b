"""Tables of the book: full-precision data as CSV, and the printed table as Markdown with caption and notes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from agency_survey import files, marks

DASH = "\N{WORD JOINER}\N{EN DASH}\N{WORD JOINER}"  # intervals break before their bracket, not inside
TO = "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}"  # the same between limits that may be negative
NOISE = 1e-9  # a share this near to 0 or 1, or a standard error this small, is zero but for rounding
ALIGN = {"left": ":---", "right": "---:", "center": ":---:"}


@dataclass(frozen=True)
class Table:
    """A table: id (``tbl-...``), caption, printed cells (text), data, notes and the source line.

    marks : mark -> explanation (``marks.explained``); those that occur in the printed cells are explained after the notes.
    """

    ident: str
    caption: str
    shown: pd.DataFrame
    data: pd.DataFrame
    source: str
    notes: str = ""
    left: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)

    def markdown(self) -> str:
        """Pandoc pipe table with its caption and a div of class table-note below."""
        columns = list(self.shown.columns)
        align = [ALIGN["left" if index == 0 or name in self.left else "right"] for index, name in enumerate(columns)]
        if self.widths:
            align = [mark.replace("---", "-" * width) for mark, width in zip(align, self.widths, strict=True)]
        rows = [_line(columns), "|" + "|".join(align) + "|"]
        rows += [_line(row) for row in self.shown.astype(str).itertuples(index=False)]
        explained = marks.note(self.marks, marks.in_cells(self.shown.to_numpy().ravel()))
        note = " ".join(part for part in (self.notes.strip(), explained, f"Source: {self.source}") if part)
        return "\n".join([*rows, "", f": {self.caption} {{#{self.ident}}}", "", "::: {.table-note}", note, ":::", ""])

    def write(self, folder: str | Path) -> None:
        """Write ``<folder>/<ident>.csv`` and ``.md``."""
        files.write_csv(Path(folder) / f"{self.ident}.csv", self.data)
        files.write_text(Path(folder) / f"{self.ident}.md", self.markdown())


def _line(cells) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def unavailable(ident: str, caption: str, reason: str, source: str) -> Table:
    """Table that keeps its number and place in the text where its data are not there: its only row says why."""
    row = pd.DataFrame({"Not available to this build": [reason]})
    return Table(ident, caption, row, row, source)


def reliability(share: float, se: float, n: int, limits: dict) -> str:
    """'shown', 'flagged' or 'hidden' by the relative standard error and the respondents (``reliability`` in config).

    The relative standard error of a share is taken on the smaller of the share and its complement, so that 98 % is
    judged as 2 % is.
    """
    if n < limits["hide_n"] or not (math.isfinite(share) and math.isfinite(se)):
        return "hidden"
    base = min(share, 1 - share)
    if base <= NOISE:
        return "shown"
    relative = se / base
    return "hidden" if relative > limits["hide_rse"] else "flagged" if relative > limits["flag_rse"] else "shown"


ESTIMATE = ("share", "se", "low", "high")


def masked(found: pd.DataFrame, limits: dict) -> pd.DataFrame:
    """Estimates as they may be shown: missing where hidden, and no interval where there is no sampling error to put in one.

    found : columns share, se, low, high, n, and ``status`` where screened. Tables, figures, their data files, numbers and prose
    all start from this; ``status`` says which are shown, imprecise or withheld.
    """
    found = found.copy()
    hidden = [reliability(row.share, row.se, row.n, limits) == "hidden" for row in found.itertuples()]
    found.loc[hidden, list(ESTIMATE)] = float("nan")
    found.loc[~(found["se"] > NOISE), ["low", "high"]] = float("nan")
    return found.assign(status=marks.judged(found, hidden))


def percent_cell(
    share: float, se: float, low: float, high: float, n: int, limits: dict, status: str = marks.IMPRECISE
) -> str:
    """'43.7 (41.8–45.6)', with an asterisk where flagged; the mark of its status where hidden."""
    state = reliability(share, se, n, limits)
    if state == "hidden":
        return marks.of(status)
    text = f"{100 * share:.1f}" + ("\\*" if state == "flagged" else "")
    if se > NOISE and low == low and high == high:
        text += f" ({100 * low:.1f}{DASH}{100 * high:.1f})"
    return text
