"""Raw files to typed tables by codebook; whatever does not fit is reported by row and variable, nothing is dropped."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from agency_survey import formats
from agency_survey.codebook import MISSING_KINDS, Codebook, Variable
from agency_survey.errors import InputError
from agency_survey.formats import Source

MISFIT_COLUMNS = ["file", "row", "record", "variable", "raw", "problem", "treatment"]
RAW = "__raw"


def sha256(path: str | Path) -> str:
    """SHA-256 digest of a file, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_raw(path: str | Path, book: Codebook) -> pd.DataFrame:
    """The table of ``read_source`` alone."""
    return read_source(path, book)[0]


def read_source(path: str | Path, book: Codebook) -> tuple[pd.DataFrame, Source]:
    """Columns of the codebook as text, one row a record, indexed by the row in the file; and how the file was read.

    In formats without lines the first record has row 2. Value labels that the file itself carries win where the codebook
    knows them all (their cells become the codebook's codes). Raises InputError naming the file, and the row where there is
    one: whatever ``formats.read`` refuses, no records, a column missing or given twice, labels that contradict the codebook.
    """
    where = str(path)

    def position(header: list[str]) -> list[int]:
        return _positions(header, book, where)

    found = formats.read(path, book.variables, book.delimiter, book.encoding, accept=position)
    positions = position(found.header)
    if not found.records:
        raise InputError("The data file has a header but no records", where, "Copy it again from its source")
    columns = {
        name: [record[position] for record in found.records]
        for name, position in zip(book.variables, positions, strict=True)
    }
    for name, labels in found.labels.items():
        if name in columns:
            columns[name] = _by_labels(columns[name], labels, book.variables[name], where)
    ignored = [name for name in found.header if name not in book.variables]
    raw = pd.DataFrame(columns, index=pd.Index(found.rows, name="row"), dtype=object).rename_axis(
        columns=Path(path).name
    )
    return raw, dataclasses.replace(found.source, ignored=ignored)


def _by_labels(cells: list[str], labels: dict[str, str], variable: Variable, where: str) -> list[str]:
    """Cells with the codebook's codes, where the file's own value labels say which those are."""
    plain = {
        _plain(label): code for code, entry in variable.missing.items() for label in (entry["kind"], entry["label"])
    }
    plain |= {_plain(label): code for code, label in variable.codes.items()}
    used = {code: label for code, label in labels.items() if code in set(cells)}
    if used and all(_plain(label) in plain for label in used.values()):
        translated = {code: plain[_plain(label)] for code, label in used.items()}
        return [translated.get(cell, cell) for cell in cells]
    for code, label in used.items():
        known = variable.codes.get(code)
        if known is not None and plain.get(_plain(label), code) != code:
            raise InputError(
                f"The file labels the code {code} '{label}' where the codebook says '{known}'",
                f"{where}, variable {variable.name}",
                "Correct the labels of the file, or the codebook",
            )
    return cells


def _plain(label: str) -> str:
    return " ".join(label.casefold().replace("’", "'").split())


def _positions(header: list[str], book: Codebook, where: str) -> list[int]:
    missing = [name for name in book.variables if name not in header]
    if len(header) == 1 and len(book.variables) > 1:
        raise InputError(
            "The file has one column only",
            where,
            f"Known delimiters are {', '.join(formats.DELIMITERS.values())}: export it with one of them",
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


def typed(raw: pd.DataFrame, book: Codebook, unique: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Typed table and misfits.

    raw : text columns as of ``read_raw``; unique : whether each key must be there once only. Returns (table, misfits): the table has for each variable its value
    (string, Int64, Float64, datetime or category in code order; missing where not valid) and ``<name>__missing``, the
    kind of missing value; the misfits have one row for each value outside the codebook (its kind is 'invalid').
    Raises InputError when two records have one key.
    """
    columns, misfits = {}, []
    name_of_file = raw.columns.name or book.file
    record = pd.Series(["/".join(map(str.strip, row)) for row in raw[book.key].to_numpy()], raw.index, dtype=object)
    for name, variable in book.variables.items():
        value, kind, problem = parse(raw[name].astype(str), variable)
        columns[name] = value
        columns[f"{name}__missing"] = pd.Categorical(kind, categories=MISSING_KINDS)
        odd = problem.to_numpy() != ""
        if odd.any():
            misfits.append(
                pd.DataFrame(
                    {
                        "file": name_of_file,
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
    if unique and twice.any():
        rows = ", ".join(str(row) for row in raw.index[twice][:4])
        raise InputError(
            f"The key {'/'.join(book.key)} = '{record[twice].iloc[0]}' is there more than once",
            f"{name_of_file}, rows {rows}",
            "Keep one of the records",
        )
    found = pd.concat(misfits, ignore_index=True) if misfits else pd.DataFrame(columns=MISFIT_COLUMNS)
    return table, found.sort_values(["row", "variable"], ignore_index=True)


def parse(raw: pd.Series, variable: Variable) -> tuple[pd.Series, np.ndarray, pd.Series]:
    """Value, missing kind (None where valid) and problem ('' where there is none) of one column."""
    text = raw.str.strip()
    problem = np.full(len(raw), "", dtype=object)
    kind = np.full(len(raw), None, dtype=object)
    blank = (text == "").to_numpy()
    kind[blank] = variable.blank or "invalid"
    if variable.blank is None:
        problem[blank] = "empty cell"
    number = _numbers(text) if variable.type not in ("string", "text", "date") else None
    cells, numbers = text.to_numpy(dtype=object), None if number is None else number.to_numpy()
    for code, entry in variable.missing.items():
        hit = cells == code
        if numbers is not None:
            hit |= numbers == _code_number(code)
        kind[hit] = entry["kind"]
    open_ = pd.isna(kind)
    value, wrong = _VALUE[variable.type](text, number, variable)
    odd = open_ & (wrong != "")
    kind[odd] = "invalid"
    problem[odd] = wrong[odd]
    return value.where(pd.isna(kind)), kind, pd.Series(problem, index=raw.index, dtype=object)


def _code_number(code: str) -> float:
    """Number of a missing code, not-a-number where it is none."""
    try:
        return float(code)
    except ValueError:
        return np.nan


def _numbers(text: pd.Series) -> pd.Series:
    """Numbers of a column, not-a-number where the text is none."""
    return pd.to_numeric(text, errors="coerce").astype(float)


def _numeric(text: pd.Series, number: pd.Series, variable: Variable) -> tuple[pd.Series, np.ndarray]:
    wrong, numbers = np.full(len(text), "", dtype=object), number.to_numpy()
    wrong[~np.isfinite(numbers)] = "not a number"
    if variable.type == "integer":
        wrong[(wrong == "") & (np.modf(numbers)[0] != 0)] = "not a whole number"
        wrong[(wrong == "") & (np.abs(numbers) > 2**53)] = "too large a number"
    if variable.range:
        low, high = variable.range
        outside = (wrong == "") & ~((numbers >= low) & (numbers <= high))
        wrong[outside] = f"outside {low:,.10g} to {high:,.10g}"
    good = number.where(wrong == "")
    return good.astype("Int64" if variable.type == "integer" else "Float64"), wrong


def _categorical(text: pd.Series, number: pd.Series, variable: Variable) -> tuple[pd.Series, np.ndarray]:
    keys = list(variable.codes)
    if all(key.lstrip("-").isdigit() for key in keys):
        at = pd.Index([float(key) for key in keys]).get_indexer(number)
    else:
        at = pd.Index(keys).get_indexer(text)
    value = pd.Categorical.from_codes(at, categories=variable.labels, ordered=variable.ordered)
    return pd.Series(value, index=text.index), np.where(at < 0, "unknown code", "").astype(object)


def _string(text: pd.Series, _: None, variable: Variable) -> tuple[pd.Series, np.ndarray]:
    wrong = np.full(len(text), "", dtype=object)
    if variable.pattern:
        wrong[~text.str.fullmatch(variable.pattern).to_numpy(dtype=bool)] = "not of the expected form"
    return text.astype("string"), wrong


def _date(text: pd.Series, _: None, variable: Variable) -> tuple[pd.Series, np.ndarray]:
    value = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    wrong = np.where(value.isna(), "not a date (year-month-day)", "").astype(object)
    if variable.range:
        low, high = variable.range
        outside = (wrong == "") & ~value.between(pd.Timestamp(low), pd.Timestamp(high)).to_numpy()
        wrong[outside] = f"outside {low} to {high}"
    return value.where(wrong == ""), wrong


_VALUE = {
    "integer": _numeric,
    "number": _numeric,
    "categorical": _categorical,
    "string": _string,
    "text": _string,
    "date": _date,
}


def with_raw(table: pd.DataFrame, raw: pd.DataFrame) -> pd.DataFrame:
    """The typed table with the raw text of each variable beside it, as ``<name>__raw``."""
    return pd.concat([table, raw.astype("string").add_suffix(RAW)], axis=1)


def raw_of(table: pd.DataFrame) -> pd.DataFrame:
    """Raw text columns of a table of ``with_raw`` (indexed by row)."""
    names = [name for name in table.columns if name.endswith(RAW)]
    raw = table[names].rename(columns=lambda name: name.removesuffix(RAW)).astype(object)
    return raw.set_axis(pd.Index(table["row"], name="row")) if "row" in table else raw


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
