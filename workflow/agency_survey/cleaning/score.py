"""The score of cleaning on data whose faults are known: what was repaired, asked, missed or spoiled. Only tests and the
audit of the stand-in use it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from agency_survey import ingest
from agency_survey.cleaning import Cleaned
from agency_survey.codebook import Codebook

WHOLE_RECORD = ("duplicate_return", "orphan_case")
OUTCOMES = ["repaired", "queried", "silent", "wrong"]


@dataclass(frozen=True)
class Score:
    """faults : the list with its column ``outcome``; kinds : counts by kind and outcome, with the share repaired or queried;
    altered : valid values without a fault that are not what they were (file, record, variable, true, cleaned);
    pending : valid values without a fault that are read as missing, or set aside, because of an open query."""

    faults: pd.DataFrame
    kinds: pd.DataFrame
    altered: pd.DataFrame
    pending: pd.DataFrame


def untouched(raw: dict[str, pd.DataFrame], faults: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Text cells as they were before the faults were put in: cells put back, records that should not be there removed."""
    tables = {name: table.copy() for name, table in raw.items()}
    for one in faults.itertuples():
        if one.kind not in WHOLE_RECORD:
            tables[one.file].loc[one.row, one.variable] = one.true
    for name, rows in faults[faults["kind"].isin(WHOLE_RECORD)].groupby("file")["row"]:
        tables[name] = tables[name].drop(index=rows)
    return tables


def score(faults: pd.DataFrame, raw: dict[str, pd.DataFrame], cleaned: Cleaned, books: dict[str, Codebook]) -> Score:
    """Compare the cleaned tables with the truth, fault by fault and value by value.

    faults : columns kind, file (codebook's name), row, record (true key), variable, true, as the generator lists them, all
    text but ``row``; raw : text cells by file as ingest read them, indexed by the row in the file.
    A fault is repaired when the cleaned value is the true one and the log says so; queried when the cell or its record is on
    the list of queries; wrong when it was changed to another value; else silent.
    """
    names = {table.columns.name or books[name].file: name for name, table in raw.items()}
    truth = untouched(raw, faults)
    marks = _Marks(cleaned, names, truth)
    of_fault = {(one.file, one.record, one.variable) for one in faults.itertuples() if one.kind not in WHOLE_RECORD}
    rows = faults[faults["kind"] == "duplicate_return"]
    twice = {(one.file, one.record): [] for one in rows.itertuples()}
    altered, pending, right = [], [], set()
    for name, text in truth.items():
        true, now = _by_key(ingest.typed(text, books[name])[0], books[name]), _by_key(cleaned.tables[name], books[name])
        altered += [
            (name, record, "", "", "a record that should not be there") for record in now.index.difference(true.index)
        ]
        now, records = now.reindex(true.index), true.index.to_numpy(dtype=object)
        for variable in books[name].variables:
            kind = f"{variable}__missing"
            alike = (_alike(true[variable], now[variable]) & _alike(true[kind], now[kind])).to_numpy()
            right |= {(name, record, variable) for record in records[alike]}
            for record in records[~alike]:
                cell = (name, record, variable)
                if cell in of_fault or pd.isna(true.at[record, variable]):
                    continue
                row = (*cell, str(true.at[record, variable]), str(now.at[record, variable]))
                if marks.queried(*cell) and pd.isna(now.at[record, variable]):
                    pending.append(row)
                else:
                    altered.append(row)
                if cell[:2] in twice:
                    twice[cell[:2]].append(variable)
    outcome = [_outcome(one, marks, right, twice, altered) for one in faults.itertuples()]
    listed = faults.assign(outcome=outcome)
    kinds = pd.crosstab(listed["kind"], listed["outcome"]).reindex(columns=OUTCOMES, fill_value=0)
    kinds.insert(0, "injected", kinds.sum(axis=1))
    kinds["share"] = (kinds["repaired"] + kinds["queried"]) / kinds["injected"]
    columns = ["file", "record", "variable", "true", "cleaned"]
    return Score(
        listed,
        kinds.reset_index().rename_axis(columns=None),
        pd.DataFrame(altered, columns=columns),
        pd.DataFrame(pending, columns=columns),
    )


def _outcome(fault, marks: _Marks, right: set, twice: dict, altered: list) -> str:
    cell = (fault.file, fault.record, fault.variable)
    if fault.kind == "orphan_case":
        return "queried" if (fault.file, fault.row) in marks.rows_asked else "silent"
    if fault.kind == "duplicate_return":
        changed = [row for row in altered if row[:2] == cell[:2]]
        if (fault.file, fault.record) not in marks.merged:
            return "silent"
        return "wrong" if changed else "queried" if twice[cell[:2]] else "repaired"
    if cell in right and (fault.file, fault.row, fault.variable) in marks.changed:
        return "repaired"
    if marks.queried(*cell) or (fault.file, fault.row) in marks.rows_asked:
        return "queried"
    return "wrong" if (fault.file, fault.row, fault.variable) in marks.changed else "silent"


class _Marks:
    """What the log and the list of queries say, by cell and by record; records by their true key."""

    def __init__(self, cleaned: Cleaned, names: dict[str, str], truth: dict[str, pd.DataFrame]):
        log, queries = (table.assign(file=table["file"].map(names)) for table in (cleaned.log, cleaned.queries))
        key = {name: _keys(table, names, name) for name, table in truth.items()}

        def record(file: str, row: int, named: str) -> str:
            return key[file].get(row, named)

        self.changed = set(zip(log["file"], log["row"], log["variable"], strict=True))
        self.merged = {
            (one.file, one.record) for one in log[log["rule"] == "duplicate_returns"].itertuples() if not one.variable
        }
        aside = queries[queries["treatment"].str.startswith("record set aside")]
        self.rows_asked = set(zip(aside["file"], aside["row"], strict=True))
        self.records_asked = {(one.file, record(one.file, one.row, one.record)) for one in aside.itertuples()}
        self.cells = {(one.file, record(one.file, one.row, one.record), one.variable) for one in queries.itertuples()}

    def queried(self, file: str, record: str, variable: str) -> bool:
        """Whether the cell, or its whole record, is on the list of queries."""
        return (file, record, variable) in self.cells or (file, record) in self.records_asked


def _keys(table: pd.DataFrame, names: dict[str, str], name: str) -> dict[int, str]:
    """True key of each row: as many of the first columns as the fault list joins by '/'."""
    columns = [column for column in ("agency_id", "case_number") if column in table]
    return dict(zip(table.index, _joined(table[columns]), strict=True))


def _by_key(table: pd.DataFrame, book: Codebook) -> pd.DataFrame:
    return table.set_axis(_joined(table[book.key].astype(str)), axis=0)


def _joined(keys: pd.DataFrame) -> list[str]:
    """The columns of each row, joined by '/'."""
    return ["/".join(key) for key in zip(*(keys[name] for name in keys), strict=True)]


def _alike(one: pd.Series, other: pd.Series) -> pd.Series:
    """Where two columns hold the same, or both nothing."""
    one, other = one.astype(object), other.astype(object)
    both = one.isna() & other.isna()
    return both | ((one == other).fillna(False).astype(bool) & one.notna() & other.notna())
