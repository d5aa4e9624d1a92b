"""Keeping the corrections register from the command line: show a record, add a checked entry, say what each one moved.

What an entry moved is found by building all numbers once more without it, in a copy of the project: the difference
between the report and that build is the entry's doing, whatever the others do.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd

from agency_survey import changes, cleaning, codebook, corrections, files, formats, ingest, settings
from agency_survey.corrections import Correction
from agency_survey.errors import InputError

REGISTER = Path("data/corrections.csv")
CODEBOOKS = Path("config/codebooks")
RAW = {"frame": "data/frame/frame", **{name: f"data/raw/{name}" for name in codebook.SURVEY if name != "frame"}}
LEFT_OUT = shutil.ignore_patterns(
    ".git",
    ".venv",
    "wheels",
    "logs",
    "external",
    "_book",
    "__pycache__",
    ".lock",
    ".hypothesis",
    ".*cache",
    "*.part*",
    "accepted",
    ".accepted.*",
)


def edited(root: Path) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame], dict[str, codebook.Codebook]]:
    """Raw cells and cells after the edit rules, by file, and the codebooks, from the raw files as they stand."""
    books = codebook.load_survey(root / CODEBOOKS)
    raw, rows = {}, {}
    for name, stem in RAW.items():
        raw[name], source = ingest.read_source(formats.find(root / stem), books[name])
        rows[name] = source.report()["windows_1252"]
    found: dict[str, pd.DataFrame] = {}

    def keep(text: dict[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
        found.update({name: table.copy() for name, table in text.items()})
        return text, pd.DataFrame(columns=cleaning.LOG_COLUMNS)

    cleaning.clean(raw, books, corrections=keep, windows_1252=rows)
    return raw, found, books


def entries(root: Path, books: dict[str, codebook.Codebook]) -> list[Correction]:
    """The register's entries, checked."""
    return corrections.read(root / REGISTER, books, settings.report_date(root / "reports/_quarto.yml"))


def show(root: Path, file: str, record: str) -> str:
    """A record's current values, after the edit rules: variable, code, label, and the raw cell where it differs."""
    raw, text, books = edited(root)
    if file not in books:
        raise InputError(f"There is no file '{file}'", fix=f"Give one of: {', '.join(books)}")
    book, table = books[file], text[file]
    at = corrections.find(table, book, record, "RECORD")
    row = table.index[at]
    wide = max(len(name) for name in book.variables)
    lines = [f"{book.title}, record {record} (row {row} of the file)"]
    for name, variable in book.variables.items():
        cell, first = str(table.at[row, name]).strip(), str(raw[file].at[row, name])
        note = "" if cell == first else f"   [in the file: {first!r}]"
        lines.append(f"  {name:<{wide}}  {cell:<10} {_said(cell, book, name)}{note}  · {variable.label}")
    return "\n".join(lines)


def _said(cell: str, book: codebook.Codebook, name: str) -> str:
    value, kind, problem = corrections.meaning(cell, book, name)
    if problem:
        return f"({problem})"
    if kind is not None:
        return f"({kind.replace('_', ' ')})"
    text = str(value)
    return "" if text in (cell, f"{cell} 00:00:00") else text


def correct(root: Path, given: dict[str, str]) -> Correction:
    """Check an entry against the record's current value and add it to the register; returns the entry.

    given : columns of the register; id, date and old_value may be left out (the next id, today, the current value).
    Raises InputError, and the register stays as it was, when the entry or the register with it does not hold.
    """
    _, text, books = edited(root)
    present = entries(root, books)
    entry = Correction(**{column: given.get(column, "") for column in corrections.COLUMNS}, line=0)
    entry = replace(entry, id=entry.id or corrections.next_id(present), date=entry.date or date.today().isoformat())
    if entry.file in books and entry.variable in books[entry.file].variables and "old_value" not in given:
        at = corrections.find(text[entry.file], books[entry.file], entry.record, "RECORD")
        entry = replace(entry, old_value=str(text[entry.file].iloc[at][entry.variable]).strip())
    on = settings.report_date(root / "reports/_quarto.yml")

    def check(register: Path) -> None:
        try:
            corrections.apply(text, corrections.read(register, books, on), books, str(REGISTER))
        except InputError as error:
            raise InputError(str(error).replace(str(register), str(REGISTER))) from error

    corrections.add(root / REGISTER, {column: getattr(entry, column) for column in corrections.COLUMNS}, check)
    return entry


def moved_by(root: Path, chosen: list[Correction]) -> Iterator[tuple[Correction, list[changes.Moved]]]:
    """For each entry, what the report says because of it: numbers with all entries against numbers without it.

    Built in a copy of the project with its results, so that only what an entry touches runs; the project stays as it is.
    """
    with tempfile.TemporaryDirectory(prefix="corrections-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(root, copy, ignore=LEFT_OUT, symlinks=True)
        text = (root / REGISTER).read_text(encoding="utf-8-sig")
        _build_numbers(root, copy, "with all entries")
        whole = changes.snapshot(copy / "results")
        for entry in chosen:
            (copy / REGISTER).write_text(_without(text, entry.id), encoding="utf-8")
            _build_numbers(root, copy, f"without the entry '{entry.id}'")
            yield entry, changes.moved(changes.snapshot(copy / "results"), whole)


def _without(text: str, ident: str) -> str:
    rows = list(csv.reader(io.StringIO(text, newline="")))
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(row for row in rows if not row or row[0].strip() != ident)
    return out.getvalue()


def _build_numbers(root: Path, copy: Path, how: str) -> None:
    folder = settings.lemas_folder(settings.load(root / "config/config.yaml"))
    lemas = os.path.join(root, folder)
    known = {"LEMAS_DIR": lemas} if os.path.isdir(lemas) else {}
    done = subprocess.run(
        [sys.executable, "-m", "agency_survey.cli", "report", "--numbers-only"],
        cwd=copy,
        env={**os.environ, **known, "PYTHONPATH": str(copy / "workflow")},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = next((line[7:] for line in done.stderr.splitlines() if line.startswith("error: ")), done.stderr[-300:])
        raise InputError(f"The numbers cannot be built {how}: {said}")


def listing(entry: Correction, moved: list[changes.Moved] | None, limit: int = 10) -> str:
    """An entry and what it moved, as lines for the terminal."""
    lines = [
        f"{entry.id}  {entry.file} {entry.record} {entry.variable}: {entry.old_value or 'blank'} -> "
        f"{entry.new_value or 'blank'}  ({entry.date}, {entry.decided_by}: {entry.reason})"
    ]
    if moved is None:
        return lines[0]
    words = {"number": "number", "printed": "table cell", "figure": "point of a figure", "text": "sentence"}
    shown = [one for one in moved if one.printed and one.kind in words]
    counts = {kind: sum(one.kind == kind for one in shown) for kind in words}
    plural = {"point of a figure": "points of figures"}
    hidden = sum(one.kind == "number" and not one.printed for one in moved)
    parts = [
        f"{n} {words[kind] if n == 1 else plural.get(words[kind], words[kind] + 's')}"
        for kind, n in counts.items()
        if n
    ]
    lines.append(f"       moved {', '.join(parts) if parts else 'nothing that the report prints'}")
    if hidden:
        lines.append(f"       and {hidden} number{'s' if hidden > 1 else ''} below the printed digits")
    for one in [one for one in shown if one.kind != "text"][:limit]:
        lines.append(f"         {one.where}: {one.what}: {one.old or 'not there'} -> {one.new or 'not there'}")
    more = sum(one.kind != "text" for one in shown) - limit
    return "\n".join([*lines, *([f"         and {more} more"] if more > 0 else [])])


def record_moves(root: Path, found: dict[str, list[changes.Moved]]) -> Path:
    """Write all that each entry moved to results/corrections.json; returns its path."""
    path = root / "results/corrections.json"
    files.write_json(path, {ident: [one.as_dict() for one in moved] for ident, moved in found.items()})
    return path
