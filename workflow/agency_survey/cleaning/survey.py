"""What the rules work on: the text cells of every file, with a log of each change and a list of each open question."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from agency_survey import ingest, logic
from agency_survey.codebook import MISSING_KINDS, Codebook

LOG_COLUMNS = ["file", "row", "record", "variable", "raw", "new", "rule", "reason"]
QUERY_COLUMNS = ["file", "row", "record", "variable", "raw", "question", "rule", "treatment"]
AS_MISSING = "read as missing until answered"
SET_ASIDE = "record set aside until answered"


class Survey:
    """Text cells by file (codes as returned, one row a record, indexed by the row in the file) under cleaning.

    Cells are changed by ``change`` only, records left out by ``drop`` and ``set_aside`` only, so that nothing happens
    without a row in the log or in the list of queries. ``rule`` is the name of the rule at work.
    """

    def __init__(
        self,
        text: dict[str, pd.DataFrame],
        books: dict[str, Codebook],
        windows_1252: dict[str, list[int]] | None = None,
    ):
        self.text = {name: table.astype(object).copy() for name, table in text.items()}
        self.books = books
        self.windows_1252 = windows_1252 or {}
        self.files = {name: table.columns.name or books[name].file for name, table in text.items()}
        self.read_as: dict[str, dict[str, dict]] = {name: {} for name in text}
        self.aside: dict[str, dict] = {name: {} for name in text}
        self.rule = ""
        self._log: list[tuple] = []
        self._queries: list[tuple] = []
        self._parsing: dict[tuple[str, str], tuple] = {}
        self._columns: dict[tuple[str, str], tuple] = {}
        self._known: dict[Hashable, Any] = {}

    # -- looking ---------------------------------------------------------------------------------------------------

    def typed(self, name: str) -> pd.DataFrame:
        """Typed table of a file as it stands, without records set aside; cells in doubt are missing."""

        def make() -> pd.DataFrame:
            columns = {}
            for variable in self.books[name].variables:
                columns[variable], columns[f"{variable}__missing"] = self._column(name, variable)
            table = pd.DataFrame(columns, index=self.text[name].index)
            return table.drop(index=list(self.aside[name])) if self.aside[name] else table

        return self.remember(("typed", name), make)

    def problems(self, name: str, variable: str) -> pd.Series:
        """What is wrong with the cells of a variable that the codebook does not allow, without records set aside."""
        found = self._parsed(name, variable)[2]
        return found[(found != "") & ~found.index.isin(list(self.aside[name]))]

    def _column(self, name: str, variable: str) -> tuple[pd.Series, pd.Categorical]:
        """Value and kind of missing value of a variable, with the cells in doubt."""
        if (name, variable) not in self._columns:
            value, kind, _ = self._parsed(name, variable)
            for reading in MISSING_KINDS:
                rows = [row for row, found in self.read_as[name].get(variable, {}).items() if found == reading]
                if rows:
                    at = value.index.isin(rows)
                    value, kind = value.mask(at), np.where(at, reading, kind)
            self._columns[name, variable] = value, pd.Categorical(kind, categories=MISSING_KINDS)
        return self._columns[name, variable]

    def _parsed(self, name: str, variable: str) -> tuple[pd.Series, np.ndarray, pd.Series]:
        if (name, variable) not in self._parsing:
            found = ingest.parse(self.text[name][variable].astype(str), self.books[name].variables[variable])
            self._parsing[name, variable] = found
        return self._parsing[name, variable]

    def remember(self, what: Hashable, make: Callable[[], Any]) -> Any:
        """What ``make`` gives, kept until a cell, a doubt or a record changes."""
        if what not in self._known:
            self._known[what] = make()
        return self._known[what]

    def _forget(self, name: str, variable: str | None, text: bool) -> None:
        """Drop what rests on a variable (None: on all) of a file, and all that compares files."""
        self._known = {key: value for key, value in self._known.items() if key[0] == "typed" and key[1] != name}
        for store in (self._columns, self._parsing) if text else (self._columns,):
            for key in [key for key in store if key[0] == name and variable in (None, key[1])]:
                del store[key]

    def records(self, name: str, rows: Iterable) -> list[str]:
        """Key values joined by '/' of some rows."""
        keys = self.text[name].loc[list(rows), self.books[name].key]
        return ["/".join(str(cell).strip() for cell in key) for key in keys.to_numpy()]

    def violations(self, name: str) -> pd.DataFrame:
        """Records of a file that break its consistency rules, as of ``logic.violations``."""

        def make() -> pd.DataFrame:
            named: dict[str, set[str]] = {}
            for rule in self.books[name].consistency:
                for one in rule.expression.references:
                    if one.file:
                        named.setdefault(one.file, set()).add(one.name)
            others = {other: (self.books[other], self._part_of(other, names)) for other, names in named.items()}
            return logic.violations(self.books[name], self.typed(name), others)

        return self.remember(("violations", name), make)

    def _part_of(self, name: str, variables: set[str]) -> pd.DataFrame:
        """Keys and some variables of a typed table; all of them where a derived variable is among them."""
        book, table = self.books[name], self.typed(name)
        if not variables <= set(book.variables):
            return table
        names = [variable for variable in book.variables if variable in variables or variable in book.key]
        return table[[column for variable in names for column in (variable, f"{variable}__missing")]]

    @property
    def log(self) -> pd.DataFrame:
        """Every change: file, row, record, variable (empty: the whole record), raw, new, rule, reason."""
        return pd.DataFrame(self._log, columns=LOG_COLUMNS)

    @property
    def queries(self) -> pd.DataFrame:
        """Every doubt that no rule may decide, with how the value is treated until a person has answered."""
        return pd.DataFrame(self._queries, columns=QUERY_COLUMNS)

    # -- acting ----------------------------------------------------------------------------------------------------

    def change(self, name: str, rows: Iterable, variable: str, new: Iterable[str] | str, reason: Iterable[str] | str):
        """Give cells of a variable new text. rows : labels of the index; new, reason : one for all, or one for each."""
        rows = list(rows)
        if not rows:
            return
        column = self.text[name][variable]
        before = column.loc[rows].tolist()
        records = self.records(name, rows)
        new = [new] * len(rows) if isinstance(new, str) else list(new)
        column = column.copy()
        column.loc[rows] = new
        self.text[name][variable] = column
        self._forget(name, variable, text=True)
        self.note(name, rows, records, variable, before, new, reason)

    def read(self, name: str, rows: Iterable, variable: str, kind: str, reason: str) -> None:
        """Read cells as missing of a kind that the file has no code for (blank free text)."""
        rows = list(rows)
        if rows:
            before = self.text[name].loc[rows, variable].tolist()
            self._hold(name, rows, variable, kind)
            self.note(name, rows, self.records(name, rows), variable, before, [f"({kind})"] * len(rows), reason)

    def drop(self, name: str, rows: Iterable, reason: Iterable[str] | str) -> None:
        """Leave out records; the log keeps their cells."""
        rows = list(rows)
        if not rows:
            return
        cells = [_line(record) for record in self.text[name].loc[rows].to_numpy()]
        self.note(name, rows, self.records(name, rows), "", cells, [""] * len(rows), reason)
        self.text[name] = self.text[name].drop(index=rows)
        self._forget(name, None, text=True)

    def ask(
        self,
        name: str,
        rows: Iterable,
        variable: str,
        question: Iterable[str] | str,
        treatment: str = AS_MISSING,
    ) -> None:
        """Put cells on the list of queries; with ``AS_MISSING`` they are read as missing (invalid)."""
        rows = list(rows)
        if not rows:
            return
        raw = self.text[name].loc[rows, variable].tolist()
        question = [question] * len(rows) if isinstance(question, str) else list(question)
        for row, record, cell, what in zip(rows, self.records(name, rows), raw, question, strict=True):
            self._queries.append((self.files[name], row, record, variable, cell, what, self.rule, treatment))
        if treatment == AS_MISSING:
            self._hold(name, rows, variable, "invalid")

    def _hold(self, name: str, rows: list, variable: str, kind: str) -> None:
        self.read_as[name].setdefault(variable, {}).update(dict.fromkeys(rows, kind))
        self._forget(name, variable, text=False)

    def set_aside(self, name: str, rows: Iterable, variable: str, question: Iterable[str] | str) -> None:
        """Ask about whole records and leave them out until answered; the log keeps their cells."""
        rows = [row for row in rows if row not in self.aside[name]]
        if not rows:
            return
        self.ask(name, rows, variable, question, SET_ASIDE)
        cells = [_line(record) for record in self.text[name].loc[rows].to_numpy()]
        self.note(name, rows, self.records(name, rows), "", cells, [""] * len(rows), SET_ASIDE)
        self.aside[name] |= dict.fromkeys(rows, self.rule)
        self._known.clear()

    def close(self, corrections: pd.DataFrame) -> None:
        """Remove queries on cells that a correction decided, and read the cells again."""
        cells = set(zip(corrections["file"], corrections["record"], corrections["variable"], strict=True))
        self._queries = [query for query in self._queries if (query[0], query[2], query[3]) not in cells]
        for name, variables in self.read_as.items():
            for variable, held in variables.items():
                records = self.records(name, held)
                decided = [
                    row for row, one in zip(held, records, strict=True) if (self.files[name], one, variable) in cells
                ]
                for row in decided:
                    del held[row]
        self._columns.clear()
        self._known.clear()

    def take(self, text: dict[str, pd.DataFrame], log: pd.DataFrame) -> None:
        """Go on with corrected cells and add their log."""
        self.text = {name: table.astype(object).copy() for name, table in text.items()}
        for store in (self._parsing, self._columns, self._known):
            store.clear()
        log = log.assign(file=[self._file(name) for name in log["file"]]) if len(log) else log
        self._log += list(log[LOG_COLUMNS].itertuples(index=False, name=None))
        self.close(log)

    def _file(self, name: str) -> str:
        """The file's name as the log gives it, for a codebook's name of it."""
        return next((self.files[key] for key, book in self.books.items() if name in (key, book.file)), name)

    def note(
        self, name: str, rows: list, records: list, variable: str, raw: list, new: list, reason: Iterable[str] | str
    ) -> None:
        """Put a change in the log; ``change`` and the like do so themselves."""
        reason = [reason] * len(rows) if isinstance(reason, str) else list(reason)
        for row, record, one, other, why in zip(rows, records, raw, new, reason, strict=True):
            self._log.append((self.files[name], row, record, variable, one, other, self.rule, why))


def _line(cells: Iterable) -> str:
    """Cells of a record in one text."""
    return "|".join(str(cell) for cell in cells)


def read_as(table: pd.DataFrame, rows: Iterable, variable: str, kind: str) -> pd.DataFrame:
    """The typed table with some cells of a variable read as missing of a kind."""
    at = table.index.isin(list(rows))
    column = f"{variable}__missing"
    kinds = table[column].astype(object).mask(at, kind)
    return table.assign(**{variable: table[variable].mask(at), column: kinds.astype(table[column].dtype)})
