"""Tables as rows of text, and what differs between two of them: rows are matched by their keys, not by their numbers."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agency_survey.marks import DASH

NOISE = 1e-9  # relative difference that is the machine's rounding, not a change
GROUP = "group"
# Columns that hold results; they are never taken as the name of a row.
RESULTS = re.compile(
    r"n|df|t|share|value|percent|estimate|difference|ratio|agencies|cases|(.*_)?(se|low|high|p)(_adjusted|_holm)?|(.*_)?status"
)
VALUE = re.compile(
    rf"(<|less than )?[-+\N{{MINUS SIGN}}]?[\d.,]+%?\*?(\s*\([-\d.,%\sto{DASH}\N{{MINUS SIGN}}]+\))?\*?|{DASH}|\(D\)|True|False"
)


@dataclass(frozen=True)
class Grid:
    """Header and rows of a table, all text."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def records(self) -> list[dict[str, str]]:
        """Rows as dicts by column; of columns with one name the first counts."""
        first = {name: self.header.index(name) for name in self.header}
        return [{name: row[at] if at < len(row) else "" for name, at in first.items()} for row in self.rows]


@dataclass(frozen=True)
class Printed:
    """A table as the book prints it, with the rows' group in the column ``group``; caption and note as plain text.

    Of a figure, the caption, the note and the alternative text; its grid is empty.
    """

    grid: Grid
    caption: str
    note: str
    alt: str = ""


@dataclass(frozen=True)
class Difference:
    """A cell that differs; row or column is '' where a whole column or row came or went, with old or new None.

    before, after : the rows, None where there is none.
    """

    row: str
    column: str
    old: str | None
    new: str | None
    before: dict[str, str] | None = None
    after: dict[str, str] | None = None


def read_csv(path: Path) -> Grid:
    """Table of a CSV file."""
    with open(path, encoding="utf-8", newline="") as stream:
        header, *rows = list(csv.reader(stream)) or [[]]
    return Grid(tuple(header), tuple(tuple(row) for row in rows))


def plain(text: str) -> str:
    """Markdown of a cell or note as it reads: no emphasis, no escapes, no invisible joiners."""
    text = text.replace("\\*", "\x00").replace("*", "").replace("\x00", "*")
    return re.sub(r"\\(.)", r"\1", text).replace("\N{WORD JOINER}", "").strip()


def read_printed(path: Path) -> Printed:
    """Table, caption and note of a table's Markdown fragment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    table = [[plain(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines if line.startswith("|")]
    header, rows, group = tuple(table[0]) if table else (), [], ""
    for row in table[2:]:
        if len(row) > 1 and row[0] and not any(row[1:]):
            group = row[0]
            continue
        rows.append((group, *row))
    alt = re.search(r'fig-alt="([^"]*)"', "\n".join(lines))
    return Printed(Grid((GROUP, *header), tuple(rows)), caption(lines), note(lines), alt[1] if alt else "")


def caption(lines: list[str]) -> str:
    """Caption of a table's or a figure's fragment."""
    for line in lines:
        found = re.match(r": (.*?)\s*\{#[^}]*\}\s*$", line) or re.match(r"!\[(.*)\]\([^)]*\)\{#", line)
        if found:
            return plain(found[1])
    return ""


def note(lines: list[str]) -> str:
    """Note below a table or a figure, with its source."""
    start = next((at for at, line in enumerate(lines) if line.startswith("::: ")), len(lines))
    inside = [line for line in lines[start + 1 :] if line != ":::"]
    return plain(" ".join(inside))


def number(text: str | None) -> float | None:
    """The number that a cell holds, None where it holds none."""
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if found == found and abs(found) != float("inf") else None


def same(old: str | None, new: str | None) -> bool:
    """Whether two cells are equal but for the machine's rounding."""
    if old == new:
        return True
    one, other = number(old), number(new)
    return one is not None and other is not None and abs(one - other) <= NOISE * max(abs(one), abs(other), 1e-3)


def keys(old: Grid, new: Grid) -> list[str]:
    """Columns that tell rows apart, as few as do: text first, then whole numbers and steps that both tables share."""
    tables = [old.records(), new.records()]
    shared = [name for name in dict.fromkeys(new.header) if name in old.header]
    shared = [name for name in shared if not RESULTS.fullmatch(name)]
    text = [name for name in shared if _is_text([row[name] for rows in tables for row in rows])]
    steps = [name for name in shared if name not in text and _steps(name, tables)]
    printed = new.header[:1] == (GROUP,)  # a printed table's rows are called by what stands left
    chosen: list[str] = []
    for name in shared if printed else [*text, *steps]:
        if name not in text and name not in steps:
            continue
        if _distinct([*chosen, name], tables) > _distinct(chosen, tables):
            chosen.append(name)
    return chosen or text[:1]


def _is_text(cells: list[str]) -> bool:
    """Whether most of the cells that are filled are words."""
    filled = [cell for cell in cells if cell]
    return 2 * sum(number(cell) is None and not VALUE.fullmatch(cell) for cell in filled) > len(filled)


def _steps(name: str, tables: list[list[dict[str, str]]]) -> bool:
    """Whether a column of numbers counts or steps through the same values in both tables."""
    one, other = ({row[name] for row in rows} for rows in tables)
    numeric = all(number(value) is not None for value in one | other)
    return numeric and (one == other or all(value.isdigit() for value in one | other))


def _distinct(columns: list[str], tables: list[list[dict[str, str]]]) -> int:
    return sum(len({tuple(row[name] for name in columns) for row in rows}) for rows in tables)


def pairs(old: Grid, new: Grid) -> Iterator[tuple[str, dict | None, dict | None]]:
    """Rows of both tables as (name, old row, new row), in the new order, then the rows that went.

    Rows are matched by ``keys`` and, where these repeat, by their order; a row whose key alone differs is matched too.
    """
    chosen = keys(old, new)
    before, after = _by_key(old, chosen), _by_key(new, chosen)
    gone = {key: row for key, row in before.items() if key not in after}
    for key, row in after.items():
        match = before.get(key)
        if match is None:
            match = _renamed(row, gone, chosen)
        yield _name(key, chosen), match, row
    for key, row in gone.items():
        yield _name(key, chosen), row, None


def _by_key(grid: Grid, chosen: list[str]) -> dict[tuple, dict[str, str]]:
    seen: Counter = Counter()
    found = {}
    for row in grid.records():
        key = tuple(row[name] for name in chosen)
        seen[key] += 1
        found[(*key, seen[key])] = row
    return found


def _renamed(row: dict, gone: dict[tuple, dict], chosen: list[str]) -> dict | None:
    """A row that went and has the same results under another key; it is taken out of ``gone``."""
    results = [name for name in row if name not in chosen]
    if not any(number(row[name]) is not None or (VALUE.fullmatch(row[name]) and row[name]) for name in results):
        return None
    for key, other in gone.items():
        if all(same(other.get(name), row[name]) for name in results):
            return gone.pop(key)
    return None


def _name(key: tuple, chosen: list[str]) -> str:
    words = [str(part) for part in key[:-1] if part]
    if not chosen:
        return f"row {key[-1]}"
    return ", ".join(words) + (f" ({key[-1]})" if key[-1] > 1 else "") or f"row {key[-1]}"


def differences(old: Grid, new: Grid) -> Iterator[Difference]:
    """What differs between two tables; cells that differ by the machine's rounding are given too (see ``same``)."""
    for name in new.header:
        if name not in old.header:
            yield Difference("", name, None, f"{len(new.rows)} cells")
    for name in old.header:
        if name not in new.header:
            yield Difference("", name, f"{len(old.rows)} cells", None)
    shared = [name for name in dict.fromkeys(new.header) if name in old.header]
    for name, before, after in pairs(old, new):
        if before is None or after is None:
            words = [f"{column} {cell}" for column, cell in (before or after).items() if cell and column != GROUP]
            text = "; ".join(words)
            yield Difference(name, "", text if after is None else None, text if before is None else None, before, after)
            continue
        for column in shared:
            if before[column] != after[column]:
                yield Difference(name, column, before[column], after[column], before, after)
