"""Sheets: a returned file as text, with the untouched cells beside it and a list of every fault put in."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey.codebook import Codebook, Variable

REPAIR, QUERY = "repair", "query"
COLUMNS = ["fault_id", "kind", "file", "row", "record", "variable", "raw", "true", "remedy"]


class Sheet:
    """One file. ``true`` and ``raw`` are its columns as arrays of text; rows that should not be there are ``extra``.

    A cell takes one fault at most; a closed row takes none (an extra row and the record that it doubles are closed).
    """

    def __init__(self, book: Codebook, table: pd.DataFrame, extra: pd.DataFrame):
        """table : the untouched file. extra : rows that should not be there, with kind and remedy of the fault."""
        columns = {name: [str(value) for value in table[name].tolist()] for name in book.variables}
        if len(extra):
            columns = {name: values + extra[name].tolist() for name, values in columns.items()}
        keys = ["returned_on", "agency_id"] if "returned_on" in columns else ["agency_id", "case_number"]
        sorting = list(zip(*(columns[name] for name in keys), strict=True))
        order = sorted(range(len(sorting)), key=sorting.__getitem__)
        self.book = book
        self.true = {name: np.array(values, dtype=object)[order] for name, values in columns.items()}
        self.text = {name: np.array(values)[order] for name, values in columns.items()}  # fixed width, for comparisons
        self.raw = {name: column.copy() for name, column in self.true.items()}
        self.records = ["/".join(key) for key in zip(*(self.true[name] for name in book.key), strict=True)]
        self.place = {record: row for row, record in enumerate(self.records)}
        self.n = len(order)
        self.taken = {name: np.zeros(self.n, dtype=bool) for name in book.variables}
        self.listed: list[tuple] = []
        added = np.array(order) >= len(table)
        for row in np.flatnonzero(added):
            kind, remedy, ident = extra.loc[order[row] - len(table), ["kind", "remedy", "agency_id"]]
            self.listed.append((row, kind, self.records[row], "agency_id", ident, "", remedy))
        self.closed = np.isin(self.records, [self.records[row] for row in np.flatnonzero(added)])
        self.place |= {self.records[row]: row for row in np.flatnonzero(~added)}

    def change(self, row: int, name: str, raw: str, kind: str, remedy: str) -> None:
        """Write ``raw`` into a cell and list the fault."""
        self.raw[name][row] = raw
        self.taken[name][row] = True
        self.listed.append((row, kind, self.records[row], name, raw, self.true[name][row], remedy))

    def valid(self, name: str) -> np.ndarray:
        """Rows whose untouched cell holds a valid answer (no code for missing, not empty)."""
        return ~self.holds(name, *self.book.variables[name].missing, "")

    def holds(self, name: str, *values: str) -> np.ndarray:
        """Rows whose untouched cell holds one of the values."""
        return np.logical_or.reduce([self.text[name] == value for value in values])

    def draw(self, cells: dict[str, np.ndarray], k: int, rng: np.random.Generator) -> list[tuple[int, str]]:
        """k of the cells (row, variable) under the masks by variable that can take a fault; all where there are fewer."""
        names = list(cells)
        if not names:
            return []
        able = np.array([cells[name] & ~self.taken[name] & ~self.closed for name in names])
        places = drawn(np.flatnonzero(able), k, rng)
        return [(int(place % self.n), names[place // self.n]) for place in places]

    def table(self) -> pd.DataFrame:
        """The file as it is returned."""
        return pd.DataFrame(self.raw, dtype=object)


def drawn(candidates, k: int, rng: np.random.Generator) -> list:
    """k of the candidates (list or array), or all where there are fewer."""
    uniform = rng.random(len(candidates))
    first = np.argpartition(uniform, k)[:k] if k < len(uniform) else np.arange(len(uniform))
    return [candidates[place] for place in first[np.argsort(uniform[first], kind="stable")]]


def one_of(options, rng: np.random.Generator):
    """One of the options, with equal chances."""
    return options[int(rng.random() * len(options))]


def is_item(variable: Variable) -> bool:
    """Whether refusal is possible: an answer, not the form's date or mode."""
    return variable.missing_code("refused") is not None


def listing(sheets: dict[str, Sheet]) -> pd.DataFrame:
    """All faults in the order of files and rows, with row numbers as in the file (the header is row 1).

    Bytes that are no UTF-8 are written as \\xNN.
    """
    rows = [
        (kind, name, row + 2, record, variable, printable(raw), true, remedy)
        for name, sheet in sheets.items()
        for row, kind, record, variable, raw, true, remedy in sorted(sheet.listed, key=lambda fault: fault[0])
    ]
    idents = [f"F{number:06d}" for number in range(1, len(rows) + 1)]
    return pd.DataFrame([(ident, *row) for ident, row in zip(idents, rows, strict=True)], columns=COLUMNS)


def printable(raw: str) -> str:
    """Text of a cell with bytes that are no UTF-8 (held as surrogates) as \\xNN."""
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
