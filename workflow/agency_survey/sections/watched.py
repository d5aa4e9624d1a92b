"""The numbers of the chapters on the national survey, computed to see which of them tell of single agencies.

The chapters' own functions compute them (``disclosure.watch``), so that no list of tables has to be kept.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from agency_survey import national_survey, tables
from agency_survey.codebook import Codebook
from agency_survey.disclosure import watch
from agency_survey.disclosure.catalogue import Catalogue, Follows, catalogue, require_spared
from agency_survey.disclosure.rules import Rules
from agency_survey.errors import InputError
from agency_survey.sections import (
    builders,
    case_characteristics_exhibits,
    cases,
    determinants_checks,
    identification_exhibits,
    investigation_prosecution_exhibits,
    perceptions_exhibits,
    preparation_exhibits,
    sensitivity,
    survey_methods,
    task_forces_exhibits,
    weighting_diagnostics,
)

CASE_KEY = ["agency_id", "case_number"]
PART1 = {
    "perceptions": perceptions_exhibits.chapter,
    "preparation": preparation_exhibits.chapter,
    "identification": identification_exhibits.chapter,
}
SECTIONS = (
    "survey_methods", *PART1, "case_characteristics", "investigation_prosecution", "task_forces", "sensitivity",
    "determinants", "weighting_diagnostics",
)  # fmt: skip


def found(data: dict[str, pd.DataFrame], books: dict[str, Codebook], settings: dict, rules: Rules) -> Catalogue:
    """The linked system of ``SECTIONS``.

    data : 'sample', 'part2' and 'part3' (weights) and the blocks of answers ('part1.perceptions'); books : codebooks of
    blocks; settings : confidence_level, reliability, population_classes, models (of chapter 6).
    """
    runs = _chapters(data, books, settings, rules)
    kept, follows, links = {}, [], []
    for name, run in runs.items():
        derived: list[watch.Derived] = []
        with watch.recording(derived, links) as rows:
            run()
        follows += [Follows(name, one.what, one.numbers, one.sides) for one in derived]
        limits = settings["reliability"] | {"hide_n": max(settings["reliability"]["hide_n"], rules.minimum_base)}
        kept[name] = [(row, _precise(row, limits)) for row in rows]
    require_spared(kept, rules)
    return catalogue(kept, rules, follows, links)


def _precise(row: watch.Row, limits: dict) -> bool:
    """Whether its precision allows to show the number, as ``tables.masked``, ``masked_values`` and ``cases.masked`` decide.

    Plain counts of mailed surveys are shown whatever they are.
    """
    if row.design is not None:
        return True
    n = int(row.base.sum()) if row.agency is None else len(set(row.agency[row.base]))
    judge = tables.reliability if row.percent else builders.value_reliability
    return judge(row.value, row.se, n, limits) != "hidden"


def _chapters(
    data: dict[str, pd.DataFrame], books: dict[str, Codebook], settings: dict, rules: Rules
) -> dict[str, Callable]:
    """section -> its chapter, ready to be computed."""
    sample, weights3 = data["sample"], data["part3"]
    runs, order = {}, None
    for name, chapter in PART1.items():
        rows, design = national_survey.respondents(sample, data[f"part1.{name}"])
        order = _alike(order, rows["agency_id"])
        runs[name] = _of_part1(chapter, rows, design, books[f"part1.{name}"], settings)
    runs["survey_methods"] = lambda: survey_methods.examined(
        sample, settings["population_classes"], rules.minimum_count
    )
    runs["task_forces"] = _task_forces(data, books, settings, order)
    answering, plan = _part1(data)
    runs["sensitivity"] = lambda: sensitivity.examined(answering, plan, settings["confidence_level"])
    part1 = [books[f"part1.{name}"] for name in PART1]
    level, models = settings["confidence_level"], settings["models"]
    runs["determinants"] = lambda: determinants_checks.examined(answering, plan, part1, models, level)
    followed = {name: data[name] for name in ("part2", "part3")}
    told = {"part2": data["part2.networks_and_victims"], "part3": data["part3.case"]}
    classes = settings["population_classes"]
    runs["weighting_diagnostics"] = lambda: weighting_diagnostics.examined(
        sample, answering, plan, followed, told, classes
    )
    years, networks = data["part2.cases_by_year"], data["part2.networks_and_victims"]
    kinds = cases.investigated(years, data["part1.identification"])
    both = years.merge(networks, on="agency_id", suffixes=("", "_networks"), validate="one_to_one")
    agencies = national_survey.part2_respondents(sample, data["part2"], both)
    _alike(order, agencies[0]["agency_id"])
    described = national_survey.cases(sample, weights3, data["part3.case"], "described")
    every = national_survey.cases(sample, weights3, data["part3.case"], "all")
    of_cases = {"networks": books["part2.networks_and_victims"], "case": books["part3.case"]}
    runs["case_characteristics"] = lambda: case_characteristics_exhibits.chapter(
        agencies, kinds, described, every, of_cases, settings
    )
    both = data["part2.investigation"].merge(
        networks, on="agency_id", suffixes=("", "_networks"), validate="one_to_one"
    )
    investigating = national_survey.part2_respondents(sample, data["part2"], both)
    _alike(order, investigating[0]["agency_id"])
    answers = data["part3.case"].merge(
        data["part3.prosecution"], on=CASE_KEY, suffixes=("", "_prosecution"), validate="one_to_one"
    )
    prosecuted = national_survey.cases(sample, weights3, answers, "described")
    _alike(described[0]["agency_id"], prosecuted[0]["agency_id"])
    of_prosecution = {"investigation": books["part2.investigation"], "case": books["part3.case"]}
    runs["investigation_prosecution"] = lambda: investigation_prosecution_exhibits.chapter(
        investigating, kinds, prosecuted, of_prosecution, settings
    )
    return runs


def _of_part1(chapter: Callable, rows, design, book: Codebook, settings: dict) -> Callable:
    return lambda: chapter(rows, design, book, settings)


def _task_forces(data: dict[str, pd.DataFrame], books: dict[str, Codebook], settings: dict, order) -> Callable:
    rows, design = _part1(data)
    _alike(order, rows["agency_id"])
    return _of_part1(task_forces_exhibits.chapter, rows, design, books["part1.preparation"], settings)


def _part1(data: dict[str, pd.DataFrame]) -> tuple:
    """(respondents with all blocks of Part I, their design)."""
    answers = data["part1.perceptions"]
    for name in ("preparation", "identification"):
        new = [column for column in data[f"part1.{name}"] if column == "agency_id" or column not in answers]
        answers = answers.merge(data[f"part1.{name}"][new], on="agency_id", validate="one_to_one")
    return national_survey.respondents(data["sample"], answers)


def _alike(first: pd.Series | None, second: pd.Series) -> pd.Series:
    """Sets of records are compared over chapters, so their records must stand in one order."""
    if first is not None and first.tolist() != second.tolist():
        raise InputError("Two chapters hold the agencies in different orders", fix="Keep the order of the sample")
    return second
