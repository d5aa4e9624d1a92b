"""A survey of eight agencies without any fault, as text cells by file, for tests to spoil."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from agency_survey import codebook, identifiers
from agency_survey.cleaning import clean, values
from agency_survey.cleaning.consistency import outside_codebook
from agency_survey.cleaning.survey import Survey

PROJECT = Path(__file__).resolve().parents[2]
BOOKS = codebook.load_survey(PROJECT / "config/codebooks")
IDS = list(identifiers.agency_ids(8))
WITH_CASES = IDS[:3]


def _record(name: str, **given) -> dict[str, str]:
    """A record in which every variable says the first code, 1 or the not-asked code, but for those given."""
    made = {}
    for variable in BOOKS[name].variables.values():
        if variable.name in given:
            made[variable.name] = str(given[variable.name])
        elif variable.type in ("string", "text"):
            made[variable.name] = ""
        elif variable.codes:
            made[variable.name] = next(iter(variable.codes))
        else:
            made[variable.name] = "1"
    return made


def _part1(ident: str) -> dict[str, str]:
    if ident in WITH_CASES:
        return _record(
            "part1", agency_id=ident, returned_on="2007-06-01", q14_cases=8, q15a_sex_cases=7, q15b_labour_cases=1
        )
    skipped = dict.fromkeys(["q14_cases", "q15a_sex_cases", "q15b_labour_cases"], 999)
    skipped |= {
        v.name: v.missing_code("not_asked")
        for v in BOOKS["part1"].variables.values()
        if v.universe and "q6" in v.universe.text
    }
    return _record("part1", agency_id=ident, returned_on="2007-06-01", q6_training=2, q13_any_case=2, **skipped)


def tables() -> dict[str, pd.DataFrame]:
    """Text cells by file, indexed by the row in the file."""
    labour = {f"q2_labour_{year}": int(year == 2000) for year in range(2000, 2007)}
    records = {
        "frame": [
            _record("frame", agency_id=one, state="TX", population=2000, sworn_officers=20, task_force_partner=2, task_force="")
            for one in IDS
        ],
        "disposition": [_record("disposition", agency_id=one, outcome_on="2007-06-01") for one in IDS],
        "part1": [_part1(one) for one in IDS],
        "part2": [_record("part2", agency_id=one, returned_on="2007-07-01", **labour) for one in WITH_CASES],
        "part3": [
            _record(
                "part3", agency_id=one, case_number=number, opened_on="2003-04-05", closed_on="2004-06-07",
                q2_setting=1, q3_victims=4, q7_came_to_light=1,
            )
            for one in WITH_CASES
            for number in (1, 2)
        ],
    }  # fmt: skip
    return {
        name: pd.DataFrame(rows, index=pd.RangeIndex(2, len(rows) + 2, name="row"), dtype=object).rename_axis(
            columns=f"{name}.csv"
        )
        for name, rows in records.items()
    }


def spoiled(*cells: tuple[str, int, str, str]) -> dict[str, pd.DataFrame]:
    """The tables with some cells replaced: (file, row, variable, text)."""
    made = tables()
    for name, row, variable, text in cells:
        assert variable in made[name]
        made[name].loc[row, variable] = text
    return made


def edited(*cells: tuple[str, int, str, str]) -> Survey:
    """The tables with some cells replaced, after the edit rules on single cells and the check on what is left of them."""
    survey = Survey(spoiled(*cells), BOOKS)
    for rule in (
        values.trim,
        values.code_variants,
        values.number_forms,
        values.text_numbers,
        values.dates,
        outside_codebook,
    ):
        survey.rule = rule.__name__
        rule(survey)
    return survey


def cleaned(*cells: tuple[str, int, str, str], **more):
    """What cleaning makes of the tables with some cells replaced."""
    return clean(spoiled(*cells), BOOKS, **more)
