"""The corrections register: single cells that a person decided, checked one by one and applied after the edit rules."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

import pandas as pd

from agency_survey import files, ingest
from agency_survey.codebook import Codebook
from agency_survey.errors import InputError

OPTIONAL = ("old_value", "new_value", "expires")
LIMIT = 5_000_000  # bytes; a register that people edit is smaller by far


@dataclass(frozen=True)
class Correction:
    """One entry. Values are raw codes as in the file; an empty value is a blank cell.

    record : the key's values joined by '/', as in the edit log; decided_by : a role, not a person; expires : the day
    from which the entry must be confirmed anew (empty: never); line : its line in the register.
    """

    id: str
    file: str
    record: str
    variable: str
    old_value: str
    new_value: str
    reason: str
    evidence: str
    decided_by: str
    date: str
    expires: str
    line: int

    @property
    def cell(self) -> tuple[str, str, str]:
        """File, record and variable."""
        return self.file, self.record, self.variable


COLUMNS = [field.name for field in fields(Correction) if field.name != "line"]


def read(path: str | Path, books: dict[str, Codebook], on: str) -> list[Correction]:
    """Entries of the register in its order; a register with its header only has none.

    books : codebooks by file name without ending; on : the report's date (ISO), against which entries expire.
    Raises InputError with the line and the remedy: not a register, a wrong or missing column, an entry that lacks
    something, a duplicate id, two entries for one cell, an unknown file or variable, a value outside the codebook, a
    date that is none, an expired entry.
    """
    entries = [_entry(row, line, str(path)) for row, line in _rows(path)]
    seen: dict[str, Correction] = {}
    cells: dict[tuple, Correction] = {}
    for entry in entries:
        where = f"{path}, line {entry.line}"
        _complete(entry, where)
        _dates(entry, where, on)
        twin = seen.setdefault(entry.id, entry)
        if twin is not entry:
            raise InputError(f"The id '{entry.id}' is that of line {twin.line} too", where, "Give it an id of its own")
        twin = cells.setdefault(entry.cell, entry)
        if twin is not entry:
            raise InputError(
                f"Entries '{twin.id}' (line {twin.line}) and '{entry.id}' correct one cell: "
                f"{entry.file}, {entry.record}, {entry.variable}",
                where,
                "Keep one of the two, with the value that holds",
            )
        _known(entry, books, where)
    return entries


def _rows(path: str | Path) -> list[tuple[list[str], int]]:
    """Records with the line each begins in. Raises InputError for what is no register."""
    name = str(path)
    try:
        size = Path(path).stat().st_size
        data = Path(path).read_bytes() if size <= LIMIT else b""
    except FileNotFoundError as error:
        raise InputError("The register is not there", name, "Restore it, or make one with its header only") from error
    if size > LIMIT:
        raise InputError(f"The register is larger than {LIMIT:,} bytes", name, "Is it the right file?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("The register is not UTF-8 text", f"{name}, line {line}", "Save it as UTF-8") from error
    if "\0" in text:
        raise InputError("The register holds NUL bytes", name, "Save it as a text file again")
    csv.field_size_limit(1 << 20)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, start = [], 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((row, start))
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"The register cannot be read: {error}", f"{name}, line {start}", "Mend its quotes") from error
    header = [cell.strip() for cell in rows[0][0]] if rows else []
    if header != COLUMNS:
        lost = next((column for column in COLUMNS if column not in header), None)
        raise InputError(
            f"The column '{lost}' is missing" if lost else "The columns are not in their order, or some are unknown",
            f"{name}, line 1",
            "The header is: " + ",".join(COLUMNS),
        )
    for row, line in rows[1:]:
        if len(row) != len(COLUMNS):
            raise InputError(
                f"The entry has {len(row)} fields, not {len(COLUMNS)}",
                f"{name}, line {line}",
                "Quote fields that hold commas",
            )
    return rows[1:]


def _entry(row: list[str], line: int, name: str) -> Correction:
    values = dict(zip(COLUMNS, (cell.strip() for cell in row), strict=True))
    values["file"] = values["file"].rsplit("/", 1)[-1].split(".", 1)[0]
    return Correction(**values, line=line)


def _complete(entry: Correction, where: str) -> None:
    for name in COLUMNS:
        if name not in OPTIONAL and not getattr(entry, name):
            raise InputError(f"The entry '{entry.id}' has no {name}", where, "Fill it in")


def _dates(entry: Correction, where: str, on: str) -> None:
    for name in ("date", "expires"):
        text = getattr(entry, name)
        try:
            good = not text or date.fromisoformat(text).isoformat() == text
        except ValueError:
            good = False
        if not good:
            raise InputError(f"'{text}' of the entry '{entry.id}' is no date", f"{where}, {name}", "Write YYYY-MM-DD")
    if entry.expires and entry.expires <= on:
        raise InputError(
            f"The entry '{entry.id}' expired on {entry.expires} (the report is of {on})",
            where,
            "Confirm it with a later date or none, or remove it",
        )


def _known(entry: Correction, books: dict[str, Codebook], where: str) -> None:
    if entry.file not in books:
        raise InputError(f"There is no file '{entry.file}'", where, f"Give one of: {', '.join(books)}")
    variables = books[entry.file].variables
    if entry.variable not in variables:
        raise InputError(
            f"There is no variable '{entry.variable}' in {entry.file}", where, "See its codebook in config/codebooks"
        )
    if entry.variable in books[entry.file].key:
        raise InputError(
            f"The variable '{entry.variable}' identifies the record, and a correction of it would move the record",
            where,
            "Correct the raw file",
        )
    problem = meaning(entry.new_value, books[entry.file], entry.variable)[2]
    if problem:
        raise InputError(
            f"The new value '{entry.new_value}' of '{entry.variable}' is outside the codebook ({problem})",
            where,
            "Give a value or a missing code of the codebook",
        )
    if same(entry.old_value, entry.new_value, books[entry.file], entry.variable):
        raise InputError(
            f"The entry '{entry.id}' changes nothing: '{entry.old_value}' and '{entry.new_value}' mean the same",
            where,
            "Remove it",
        )


def meaning(text: str, book: Codebook, variable: str) -> tuple[object, str | None, str]:
    """What a raw cell says: its value (None where missing), the kind of missing value, and what is wrong with it."""
    value, kind, problem = ingest.parse(pd.Series([text], dtype=object), book.variables[variable])
    return (None if pd.isna(value.iloc[0]) else value.iloc[0]), kind[0], problem.iloc[0]


def same(one: str, other: str, book: Codebook, variable: str) -> bool:
    """Whether two raw cells mean the same; cells outside the codebook do when they are the same text."""
    first, second = (meaning(text, book, variable) for text in (one, other))
    if first[2] or second[2]:
        return one.strip() == other.strip()
    return first[:2] == second[:2]


def records(table: pd.DataFrame, book: Codebook) -> pd.Series:
    """Name of each record of a table of raw cells: the key's values joined by '/'."""
    return table[book.key].astype(str).apply(lambda column: column.str.strip()).agg("/".join, axis=1)


def find(table: pd.DataFrame, book: Codebook, record: str, where: str) -> int:
    """Place of a record in a table of raw cells. Raises InputError when it is not there, naming those alike."""
    import difflib

    names = records(table, book)
    at = (names == record).to_numpy().nonzero()[0]
    if not len(at):
        near = difflib.get_close_matches(record, names, 1)
        raise InputError(
            f"There is no record '{record}' in {book.file}" + (f"; did you mean '{near[0]}'?" if near else ""),
            where,
            f"Give {' / '.join(book.key)} as in the cleaned file",
        )
    return int(at[0])


def apply(
    tables: dict[str, pd.DataFrame], entries: list[Correction], books: dict[str, Codebook], path: str
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Tables of raw cells with the register's values, and the log of what was changed (columns as the edit log's).

    tables : text cells by file, after the edit rules, keys unique. Raises InputError with the register's line when the
    record is not there or the cell does not hold the old value.
    """
    tables = {name: table.copy() for name, table in tables.items()}
    log = []
    for entry in entries:
        book, table = books[entry.file], tables[entry.file]
        where = f"{path}, line {entry.line}"
        at = find(table, book, entry.record, where)
        column = table.columns.get_loc(entry.variable)
        now = str(table.iat[at, column])
        if not same(entry.old_value, now, book, entry.variable):
            raise InputError(
                f"The entry '{entry.id}' expects '{entry.old_value}' in {entry.variable} of {entry.record}, "
                f"but the file has '{now.strip()}'",
                where,
                "Look at the record again, then correct the old value or remove the entry",
            )
        table.iat[at, column] = entry.new_value
        log.append(
            {
                "file": book.file,
                "row": table.index[at],
                "record": entry.record,
                "variable": entry.variable,
                "raw": now,
                "new": entry.new_value,
                "rule": f"correction {entry.id}",
                "reason": entry.reason,
            }
        )
    return tables, pd.DataFrame(log, columns=["file", "row", "record", "variable", "raw", "new", "rule", "reason"])


def next_id(entries: list[Correction]) -> str:
    """The id after the largest that is in use: C0001, C0002, …"""
    used = [int(entry.id[1:]) for entry in entries if entry.id[:1] == "C" and entry.id[1:].isdigit()]
    return f"C{max(used, default=0) + 1:04d}"


def add(path: str | Path, entry: dict[str, str], check) -> None:
    """Append an entry to the register; ``check(path of the new register)`` is called before it takes its place.

    entry : values by column. Nothing of the register's text is rewritten; when ``check`` raises, it stays as it was.
    """
    row = io.StringIO(newline="")
    csv.writer(row, lineterminator="\n").writerow([entry.get(column, "") for column in COLUMNS])
    text = Path(path).read_bytes().decode("utf-8-sig")
    text += "" if text.endswith("\n") or not text else "\n"

    def write(part: Path) -> None:
        part.write_text(text + row.getvalue(), encoding="utf-8", newline="")
        check(part)

    files.atomic(path, write)
