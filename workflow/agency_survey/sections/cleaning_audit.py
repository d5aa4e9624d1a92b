"""Appendix B, the cleaning audit: what came in and went out, what the rules did, what it did to headline estimates, and
the score against faults whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey import estimate, logic
from agency_survey.cleaning import Cleaned
from agency_survey.cleaning.score import Score, score
from agency_survey.cleaning.survey import SET_ASIDE
from agency_survey.codebook import SURVEY, Codebook
from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError
from agency_survey.ingest import RAW, require_labels
from agency_survey.sections.perceptions import FORMS, RATINGS
from agency_survey.tables import NOISE

YES, NO = "Yes", "No"
CORRECTION = "correction "  # begins the rule of a log row that a register's entry left
FAULT_COLUMNS = ["kind", "file", "row", "record", "variable", "raw", "true"]
REWRITTEN = "encoding"  # its raw bytes are listed escaped
MODULE = "workflow/agency_survey/sections/cleaning_audit.py"


# -- tables of the flow ------------------------------------------------------------------------------------------------


def cleaned_tables(parts: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables by file from those of rule ``clean``: '<name>' or '<name>.<block>' -> table, blocks in one order."""
    found: dict[str, pd.DataFrame] = {}
    for stem, table in parts.items():
        name = stem.split(".")[0]
        if name in found:
            more = [column for column in table if column not in found[name]]
            table = pd.concat([found[name], table[more]], axis=1)
        found[name] = table
    return found


def as_returned(table: pd.DataFrame, book: Codebook) -> pd.DataFrame:
    """Typed values as ingest read them, of the first record of each key; records without a valid key are left out."""
    typed = table[[column for column in table if not column.endswith(RAW)]]
    return typed.dropna(subset=book.key).drop_duplicates(book.key, ignore_index=True)


# -- what was done -----------------------------------------------------------------------------------------------------


def by_rule(counts: dict, log: pd.DataFrame, queries: pd.DataFrame) -> pd.DataFrame:
    """Rows of the log and of the list of queries by rule, in the order of the rules; corrections are in their place.

    counts : ``counts.json`` of rule clean. Columns: rule, kind (edit, correction, check), statement, changes, queries.
    """
    listed = pd.DataFrame(counts["rules"])[["rule", "kind", "statement"]]
    own = pd.DataFrame(
        [["corrections", "correction", "A person decided on single cells, by an entry in the corrections register."]],
        columns=listed.columns,
    )
    edits = listed["kind"] == "edit"
    found = pd.concat([listed[edits], own, listed[~edits]], ignore_index=True)
    plain = log["rule"].where(~log["rule"].str.startswith(CORRECTION), "corrections")
    for name, rules in (("changes", plain), ("queries", queries["rule"])):
        found[name] = found["rule"].map(rules.value_counts()).fillna(0).astype(int)
    return found


def by_variable(log: pd.DataFrame, queries: pd.DataFrame, books: dict[str, Codebook]) -> pd.DataFrame:
    """Rows of the log and of the list of queries by variable, in the order of the files and their columns.

    Columns: file (the codebook's name), variable (empty: the whole record), label, changes, queries; only variables
    with either.
    """
    keys = [(name, variable) for name, book in books.items() for variable in ["", *book.variables]]
    counted = {
        what: table.assign(file=table["file"].str.split(".").str[0]).groupby(["file", "variable"]).size()
        for what, table in (("changes", log), ("queries", queries))
    }
    rows = [
        {
            "file": name,
            "variable": variable,
            "label": books[name].variables[variable].label if variable else "",
            **{what: int(found.get((name, variable), 0)) for what, found in counted.items()},
        }
        for name, variable in keys
    ]
    found = pd.DataFrame(rows)
    return found[(found["changes"] > 0) | (found["queries"] > 0)].reset_index(drop=True)


def set_aside(queries: pd.DataFrame) -> int:
    """Records that wait for an answer as a whole."""
    return int((queries["treatment"] == SET_ASIDE).sum())


# -- effect on estimates -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measure:
    """A headline estimate from the answers to one part.

    kind : 'share', 'mean', 'total' or 'ratio' (a share of persons). ``values`` gives for each row of that part's table
    the numerator and, for a ratio, the denominator, missing where the record does not count.
    """

    key: str
    label: str
    part: str
    kind: str
    unit: str
    values: Callable[[pd.DataFrame], list[np.ndarray]]


def _numbers(column: pd.Series) -> np.ndarray:
    return column.astype("Float64").to_numpy(dtype=float, na_value=np.nan)


def _every_form(rows: pd.DataFrame) -> list[np.ndarray]:
    """1 where every form that the agency rated is rare or non-existent; missing where it rated none."""
    known = rows[list(FORMS)].notna().to_numpy()
    little = np.column_stack([rows[name].isin(RATINGS[2:]) for name in FORMS])
    return [np.where(known.any(axis=1), (little | ~known).all(axis=1).astype(float), np.nan)]


def _any_case(rows: pd.DataFrame) -> list[np.ndarray]:
    return [np.where(rows["q13_any_case"].notna(), (rows["q13_any_case"] == YES).astype(float), np.nan)]


def _cases(rows: pd.DataFrame) -> list[np.ndarray]:
    """Number of cases, none where Part I says that there was none."""
    return [np.where(rows["q13_any_case"] == NO, 0.0, _numbers(rows["q14_cases"]))]


def _columns(*names: str) -> Callable[[pd.DataFrame], list[np.ndarray]]:
    return lambda rows: [_numbers(rows[name]) for name in names]


AGENCIES, CASES, PERSONS = "share of agencies", "cases", "persons"
MEASURES = [
    Measure("every-form", "Every form rated rare or non-existent", "part1", "share", AGENCIES, _every_form),
    Measure("training", "Any training", "part1", "share", AGENCIES, _columns("trained")),
    Measure("protocol", "Protocol or policy", "part1", "share", AGENCIES, _columns("has_protocol")),
    Measure("personnel", "Unit or designated personnel", "part1", "share", AGENCIES, _columns("has_personnel")),
    Measure("any-case", "Any case, 2000 to 2006", "part1", "share", AGENCIES, _any_case),
    Measure("hours", "Hours of training, mean", "part1", "mean", "hours", _columns("q7_training_hours")),
    Measure("cases", "Cases, 2000 to 2006", "part1", "total", CASES, _cases),
    Measure("sex", "Sex trafficking investigations", "part2", "total", CASES, _columns("sex_investigations")),
    Measure("labour", "Labor trafficking investigations", "part2", "total", CASES, _columns("labour_investigations")),
    Measure("arrests", "Arrests", "part2", "total", PERSONS, _columns("q11_arrests")),
    Measure("victims", "Victims in the cases described", "part3", "total", PERSONS, _columns("q3_victims")),
    Measure(
        "under-25",
        "Victims under 25",
        "part3",
        "ratio",
        "share of victims of known age",
        _columns("under_25", "of_known_age"),
    ),
]


def aligned(table: pd.DataFrame, book: Codebook, rows: pd.DataFrame) -> pd.DataFrame:
    """A file's answers and derived variables for the key values of ``rows``; missing where it has no record."""
    full = pd.concat([table[list(book.variables)], logic.derive(book, table)], axis=1)
    keys = rows[book.key].set_axis(range(len(rows)))
    return keys.merge(full, on=book.key, how="left", validate="many_to_one")


def effect(
    designs: dict[str, tuple[pd.DataFrame, SurveyDesign]],
    returned: dict[str, pd.DataFrame],
    cleaned: dict[str, pd.DataFrame],
    books: dict[str, Codebook],
    level: float,
) -> pd.DataFrame:
    """Each of ``MEASURES`` from the data as returned and as cleaned, one row a measure.

    designs : for each part, rows with the file's key (agencies, or cases) and the design that serves both estimates;
    returned, cleaned : typed tables by file, keys unique. Columns: key, label, part, kind, and with the suffixes
    _returned and _cleaned value, se, low, high (logit limits for shares, else t), n (records with weight); difference
    (cleaned less returned), difference_se, p; differ (records with weight that enter the two with other values, or one
    of them only).
    """
    expected = dict.fromkeys(FORMS, RATINGS) | {"q13_any_case": [YES, NO]}
    for tables in (returned, cleaned):
        require_labels(tables["part1"], expected, "config/codebooks/part1.yaml", MODULE)
    sides = {
        part: {
            side: aligned(tables[part], books[part], rows)
            for side, tables in (("returned", returned), ("cleaned", cleaned))
        }
        for part, (rows, _) in designs.items()
    }
    return pd.DataFrame([_compared(one, designs[one.part][1], sides[one.part], level) for one in MEASURES])


def _compared(measure: Measure, design: SurveyDesign, sides: dict[str, pd.DataFrame], level: float) -> dict:
    row = {"key": measure.key, "label": measure.label, "part": measure.part, "kind": measure.kind}
    given = {side: measure.values(rows) for side, rows in sides.items()}
    found = {side: _estimated(measure.kind, design, values) for side, values in given.items()}
    for side, part in found.items():
        if part is None:
            row |= {f"{name}_{side}": np.nan for name in ("value", "se", "low", "high")} | {f"n_{side}": 0}
            continue
        low, high = part.interval(level, "logit" if measure.kind in ("share", "ratio") else "t")[0]
        row |= {f"value_{side}": part.value[0], f"se_{side}": part.se[0], f"low_{side}": low, f"high_{side}": high}
        row[f"n_{side}"] = int(part.n[0])
    if any(part is None for part in found.values()):
        row |= {"difference": np.nan, "difference_se": np.nan, "p": np.nan}
    else:
        together = estimate.stack(design, [found["returned"], found["cleaned"]])
        value, se, test = estimate.contrast(together, [-1, 1])
        row |= {"difference": value, "difference_se": se, "p": test.p}
    one, two = (np.column_stack(given[side]) for side in ("returned", "cleaned"))
    counts = [np.isfinite(values).all(axis=1) for values in (one, two)]
    other = (counts[0] != counts[1]) | (counts[0] & (one != two).any(axis=1))
    return {**row, "differ": int((other & (design.weight > 0)).sum())}


def _estimated(kind: str, design: SurveyDesign, values: list[np.ndarray]) -> estimate.Estimate | None:
    """The estimate over the records that count; None where none does, or none has a person to count."""
    inside = np.isfinite(np.column_stack(values)).all(axis=1) & (design.weight > 0)
    if not inside.any():
        return None
    if kind == "ratio":
        below = np.where(inside, values[1], 0.0)
        return estimate.ratio(design, values[0], values[1], inside) if below.any() else None
    return (estimate.total if kind == "total" else estimate.mean)(design, values[0], inside)


def largest_share(moved: pd.DataFrame) -> tuple[str, float]:
    """Label and absolute difference of the share that cleaning moves most; missing where none is shown."""
    return _largest(moved, moved["difference"].abs().where(moved["kind"].isin(["share", "ratio"])))


def largest_in_errors(moved: pd.DataFrame) -> tuple[str, float]:
    """The same over all estimates, in standard errors of the cleaned estimate."""
    return _largest(moved, moved["difference"].abs() / moved["se_cleaned"].where(moved["se_cleaned"] > NOISE))


def _largest(moved: pd.DataFrame, size: pd.Series) -> tuple[str, float]:
    return (moved.loc[size.idxmax(), "label"], float(size.max())) if size.notna().any() else ("", math.nan)


# -- score -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scored:
    """The score against listed faults, or why there is none (one sentence)."""

    score: Score | None
    reason: str = ""


def scored(
    faults: pd.DataFrame | None, raw: dict[str, pd.DataFrame], cleaned: Cleaned, books: dict[str, Codebook]
) -> Scored:
    """The score, where a list of the injected faults is given and belongs to the raw files.

    faults : the generator's list, all text, or None; raw : text cells by file as ingest read them. Raises InputError
    when the list lacks a column.
    """
    if not all(books[name].synthetic for name in SURVEY):
        return Scored(None, "The records are real, so that no list of their faults exists.")
    if faults is None:
        return Scored(None, "There is no list of the faults in these files.")
    lost = [name for name in FAULT_COLUMNS if name not in faults]
    if lost:
        raise InputError(f"The list of faults lacks the column '{lost[0]}'", "data/raw/truth/faults.csv", "Restore it")
    if faults.empty:
        return Scored(None, "No faults were put into these files.")
    faults = faults.assign(row=faults["row"].astype(int))
    strange = sum(not _there(one, raw) for one in faults.itertuples())
    if strange:
        return Scored(
            None, f"The list of faults is of other files: {strange:,} of its {len(faults):,} cells do not agree."
        )
    return Scored(score(faults, raw, cleaned, books))


def _there(fault, raw: dict[str, pd.DataFrame]) -> bool:
    """Whether the raw file holds what the list says."""
    table = raw.get(fault.file)
    if table is None or fault.row not in table.index or fault.variable not in table:
        return False
    return fault.kind == REWRITTEN or table.at[fault.row, fault.variable] == fault.raw
