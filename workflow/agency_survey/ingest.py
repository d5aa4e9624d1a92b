"""Raw files to typed tables by codebook; whatever does not fit is reported by row and variable, nothing is dropped."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd

from agency_survey.codebook import MISSING_KINDS, Codebook, Variable
from agency_survey.errors import InputError

MISFIT_COLUMNS = ["file", "row", "record", "variable", "raw", "problem", "treatment"]
OTHER_DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}


def sha256(path: str | Path) -> str:
    """SHA-256 digest of a file, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_raw(path: str | Path, book: Codebook) -> pd.DataFrame:
    """Columns of the codebook as text, one row a record, indexed by line number in the file.

    Raises InputError naming the file, and the row where there is one: not there, empty, binary, wrong encoding,
    wrong delimiter, column missing or given twice, rows cut short or too long, no records.
    """
    path = Path(path)
    name = path.name
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError("The data file is not there", str(path), "Put it there, or restore it") from error
    if not data.strip():
        raise InputError("The data file is empty", str(path), "Copy it again from its source")
    if b"\0" in data:
        raise InputError("The data file is not a text file (it holds NUL bytes)", str(path), "Export it as text again")
    try:
        text = data.decode("utf-8-sig" if book.encoding == "utf-8" else book.encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"The data file is not {book.encoding} text", f"{path}, row {line}", "Save it in that encoding"
        ) from error
    if not text.strip():
        raise InputError("The data file is empty", str(path), "Copy it again from its source")
    csv.field_size_limit(1 << 20)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=book.delimiter, strict=True)
    try:
        header = [column.strip() for column in next(reader)]
        positions = _positions(header, book, str(path))
        records, lines = [], []
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise InputError(
                    f"A row has {len(row)} fields where the header has {len(header)}",
                    f"{path}, row {reader.line_num}",
                    "The file is cut or damaged there: copy it again from its source",
                )
            records.append([row[position] for position in positions])
            lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(
            f"The data file cannot be read: {error}",
            f"{path}, row {_row_of_open_quote(text, book.delimiter) or reader.line_num}",
            "Mend the quotes there, or copy it again from its source",
        ) from error
    if not records:
        raise InputError("The data file has a header but no records", str(path), "Copy it again from its source")
    return pd.DataFrame(
        records, columns=list(book.variables), index=pd.Index(lines, name="row"), dtype=object
    ).rename_axis(columns=name)


def _row_of_open_quote(text: str, delimiter: str) -> int | None:
    """Line of the first quoted field that does not end as it should; the reader itself knows only where it gave up."""
    end = rf"[{re.escape(delimiter)}\r\n]"
    closed, plain = (
        rf'"[^"]*(?:""[^"]*)*"(?={end}|\Z)',
        rf'[^"{re.escape(delimiter)}\r\n][^{re.escape(delimiter)}\r\n]*',
    )
    start = re.match(rf"(?:{closed}|{plain}|{end})*", text).end()
    return len(io.StringIO(text[: start + 1], newline="").readlines()) if start < len(text) else None


def _positions(header: list[str], book: Codebook, where: str) -> list[int]:
    missing = [name for name in book.variables if name not in header]
    if len(header) == 1 and len(book.variables) > 1:
        used = next((word for sign, word in OTHER_DELIMITERS.items() if sign in header[0]), None)
        found = f"looks delimited by {used}" if used else "has one column only"
        raise InputError(
            f"The file {found}, expected is {OTHER_DELIMITERS[book.delimiter]}",
            where,
            "Export it with that delimiter",
        )
    if missing:
        raise InputError(
            f"The column '{missing[0]}' is missing" + (f" (and {len(missing) - 1} more)" if missing[1:] else ""),
            where,
            "Is it the file that the codebook describes? Restore the column, or change the codebook",
        )
    twice = [name for name in book.variables if header.count(name) > 1]
    if twice:
        raise InputError(f"The column '{twice[0]}' is there twice", where, "Remove one of the two")
    return [header.index(name) for name in book.variables]


def no_records(book: Codebook) -> pd.DataFrame:
    """The columns of the codebook with no rows, for a file that is not there."""
    return pd.DataFrame({name: [] for name in book.variables}, index=pd.Index([], name="row", dtype=int), dtype=object)


def typed(raw: pd.DataFrame, book: Codebook) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Typed table and misfits.

    raw : text columns as of ``read_raw``. Returns (table, misfits): the table has for each variable its value
    (string, Int64, Float64, datetime or category in code order; missing where not valid) and ``<name>__missing``, the
    kind of missing value; the misfits have one row for each value outside the codebook (its kind is 'invalid').
    Raises InputError when two records have one key.
    """
    columns, misfits = {}, []
    record = pd.Series(["/".join(map(str.strip, row)) for row in raw[book.key].to_numpy()], raw.index, dtype=object)
    for name, variable in book.variables.items():
        value, kind, problem = _parse(raw[name].astype(str), variable)
        columns[name] = value
        columns[f"{name}__missing"] = pd.Categorical(kind, categories=MISSING_KINDS)
        odd = problem.to_numpy() != ""
        if odd.any():
            misfits.append(
                pd.DataFrame(
                    {
                        "file": book.file,
                        "row": raw.index[odd],
                        "record": record[odd].to_numpy(),
                        "variable": name,
                        "raw": raw.loc[odd, name].to_numpy(),
                        "problem": problem[odd].to_numpy(),
                        "treatment": "read as missing (invalid)",
                    }
                )
            )
    table = pd.DataFrame(columns, index=raw.index)
    twice = record.duplicated(keep=False)
    if twice.any():
        rows = ", ".join(str(row) for row in raw.index[twice][:4])
        raise InputError(
            f"The key {'/'.join(book.key)} = '{record[twice].iloc[0]}' is there more than once",
            f"{book.file}, rows {rows}",
            "Keep one of the records",
        )
    found = pd.concat(misfits, ignore_index=True) if misfits else pd.DataFrame(columns=MISFIT_COLUMNS)
    return table, found.sort_values(["row", "variable"], ignore_index=True)


def _parse(raw: pd.Series, variable: Variable) -> tuple[pd.Series, np.ndarray, pd.Series]:
    """Value, missing kind (None where valid) and problem ('' where there is none) of one column."""
    text = raw.str.strip()
    problem = pd.Series("", index=raw.index, dtype=object)
    kind = np.full(len(raw), None, dtype=object)
    blank = (text == "").to_numpy()
    kind[blank] = variable.blank or "invalid"
    if variable.blank is None:
        problem[blank] = "empty cell"
    number = _numbers(text) if variable.type not in ("string", "date") else None
    for code, entry in variable.missing.items():
        hit = text == code
        if number is not None:
            hit |= number == _numbers(pd.Series([code])).iloc[0]
        kind[hit.to_numpy()] = entry["kind"]
    open_ = pd.isna(kind)
    value, wrong = _VALUE[variable.type](text, number, variable)
    wrong = wrong.where(open_, "")
    odd = (wrong != "").to_numpy()
    kind[odd] = "invalid"
    problem = problem.where(~odd, wrong)
    return value.where(pd.isna(kind)), kind, problem


def _numbers(text: pd.Series) -> pd.Series:
    """Numbers of a column, not-a-number where the text is none."""
    return pd.to_numeric(text, errors="coerce").astype(float)


def _numeric(text: pd.Series, number: pd.Series, variable: Variable) -> tuple[pd.Series, pd.Series]:
    wrong = pd.Series("", index=text.index, dtype=object)
    wrong[~np.isfinite(number)] = "not a number"
    if variable.type == "integer":
        wrong[(wrong == "") & (number % 1 != 0)] = "not a whole number"
        wrong[(wrong == "") & (number.abs() > 2**53)] = "too large a number"
    if variable.range:
        low, high = variable.range
        outside = (wrong == "") & ~number.between(low, high)
        wrong[outside] = f"outside {low:,.10g} to {high:,.10g}"
    good = number.where(wrong == "")
    return good.astype("Int64" if variable.type == "integer" else "Float64"), wrong


def _categorical(text: pd.Series, number: pd.Series, variable: Variable) -> tuple[pd.Series, pd.Series]:
    keys = list(variable.codes)
    if all(key.lstrip("-").isdigit() for key in keys):
        at = pd.Index([float(key) for key in keys]).get_indexer(number)
    else:
        at = pd.Index(keys).get_indexer(text)
    value = pd.Categorical.from_codes(at, categories=variable.labels, ordered=variable.ordered)
    wrong = pd.Series(np.where(at < 0, "unknown code", ""), index=text.index, dtype=object)
    return pd.Series(value, index=text.index), wrong


def _string(text: pd.Series, _: None, variable: Variable) -> tuple[pd.Series, pd.Series]:
    wrong = pd.Series("", index=text.index, dtype=object)
    if variable.pattern:
        wrong[~text.str.fullmatch(variable.pattern)] = "not of the expected form"
    return text.astype("string"), wrong


def _date(text: pd.Series, _: None, variable: Variable) -> tuple[pd.Series, pd.Series]:
    value = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    wrong = pd.Series(np.where(value.isna(), "not a date (year-month-day)", ""), index=text.index, dtype=object)
    return value, wrong


_VALUE = {
    "integer": _numeric,
    "number": _numeric,
    "categorical": _categorical,
    "string": _string,
    "date": _date,
}


def missing_summary(table: pd.DataFrame, book: Codebook) -> pd.DataFrame:
    """Counts of valid values and of each kind of missing value, one row a variable."""
    rows = []
    for name, variable in book.variables.items():
        counts = table[f"{name}__missing"].value_counts().reindex(list(MISSING_KINDS), fill_value=0)
        rows.append({"variable": name, "label": variable.label, "valid": len(table) - counts.sum(), **counts})
    return pd.DataFrame(rows)


def require_labels(table: pd.DataFrame, expected: dict[str, list[str]], where: str, module: str) -> None:
    """Refuse variables whose labels, in the order of their codes, are not exactly those that a module's logic knows.

    expected : labels by variable of a typed table (one without rows has no labels to check); where : the codebook's
    file; module : the file whose logic names the labels. Raises InputError naming the variable and the label.
    """
    for name, labels in expected.items():
        column = table.get(name)
        given = list(column.cat.categories) if isinstance(getattr(column, "dtype", None), pd.CategoricalDtype) else []
        if given == labels or not len(table):
            continue
        lost = [label for label in labels if label not in given]
        odd = [label for label in given if label not in labels]
        moved = next((pair for pair in zip(given, labels, strict=False) if pair[0] != pair[1]), None)
        if lost and odd:
            what = f"has the label '{odd[0]}' but lacks '{lost[0]}'"
        elif lost:
            what = f"lacks the label '{lost[0]}'"
        elif odd:
            what = f"has the label '{odd[0]}', which is not known"
        else:
            what = f"has the label '{moved[0]}' in the place of '{moved[1]}'"
        raise InputError(
            f"The variable '{name}' {what}, and the logic relies on its labels and their order",
            where,
            f"Restore the codebook, or change {module} with it",
        )


def require_values(table: pd.DataFrame, names: list[str], key: str, where: str, optional: tuple[str, ...] = ()) -> None:
    """Refuse missing values, and values outside the codebook (which ``typed`` reads as missing), of design variables.

    key : the variable that identifies the record; where : the data file; optional : variables that may be missing
    where the codebook says not applicable. Raises InputError naming the variable, the record and, where the index holds
    it, the row.
    """
    for name in names:
        kind = table.get(f"{name}__missing", pd.Series(None, index=table.index, dtype=object))
        bad = (table[name].isna() & ~((kind == "not_applicable") & (name in optional))).to_numpy()
        if not bad.any():
            continue
        at = int(np.flatnonzero(bad)[0])
        row = f", row {table.index[at]}" if table.index.name == "row" else ""
        record = table[key].iloc[at]
        of = "" if pd.isna(record) else f" of the agency {record}"
        why = {"invalid": "is not one that the codebook allows", "not_applicable": "is marked as not applicable"}
        raise InputError(
            f"The value of '{name}'{of} {why.get(kind.iloc[at], 'is missing')}"
            + (f" (and {bad.sum() - 1:,} more)" if bad.sum() > 1 else "")
            + ", and the weights and domains rest on it",
            f"{where}{row}, variable {name}",
            "Correct the file, or its codebook",
        )
