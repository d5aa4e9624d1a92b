"""The way from a section's estimators to the audit of what was published, with leaks planted in every kind of file."""

from __future__ import annotations

import copy
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from agency_survey import audits, files, schema
from agency_survey.design import SurveyDesign, survey_design
from agency_survey.disclosure import attack, catalogue, published, suppress, watch
from agency_survey.disclosure.rules import Rules
from agency_survey.errors import InputError
from agency_survey.models.rows import prepare
from agency_survey.sections import survey

RULES = replace(Rules.of(schema.load("config/disclosure.yaml", "disclosure")), class_group=12)
ANSWERS = ["Often", "Rarely", "Never"]
SECTION = "made_up"


def plain_design(n: int) -> SurveyDesign:
    """Records that stand for two to three units each."""
    return survey_design(2 + np.arange(n) % 7 / 7)


def answers(seed: int, n: int = 160) -> tuple[pd.DataFrame, list]:
    """Records with an answer of three kinds, one of them seldom, and breakdowns by size and by place."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "answer": rng.choice(ANSWERS, size=n, p=[0.07, 0.35, 0.58]),
            "size": rng.choice(["small", "middle", "large"], size=n),
            "region": rng.choice(["East", "West"], size=n),
        }
    )
    everybody = np.ones(n, dtype=bool)
    parts = [(survey.ALL, survey.ALL, everybody)]
    parts += [("Size", name, (rows["size"] == name).to_numpy()) for name in ("small", "middle", "large")]
    parts += [("Region", name, (rows["region"] == name).to_numpy()) for name in ("East", "West")]
    return rows, parts


def section(rows: pd.DataFrame, parts: list) -> pd.DataFrame:
    """A chapter's table: answers by domain, and in a second group of numbers those who rarely or never do."""
    design = plain_design(len(rows))
    known = np.ones(len(rows), dtype=bool)
    each = {name: (rows["answer"] == name).to_numpy() for name in ANSWERS}
    seldom = {"Rarely or never": ~each["Often"]}
    found = [survey.shares(design, one, known, parts, 0.95) for one in (each, seldom)]
    return pd.concat(found, ignore_index=True)


def protected(seed: int):
    """(records, parts, catalogue, pattern, claims) of a section."""
    rows, parts = answers(seed)
    with watch.recording() as seen:
        section(rows, parts)
    found = catalogue.catalogue({SECTION: [(row, True) for row in seen]}, RULES)
    pattern = suppress.protect(found.system)
    return rows, parts, found, pattern, catalogue.protected(found, pattern, RULES)


def file_of(table: pd.DataFrame) -> published.Published:
    made = published.Published()
    add(made, "results/made_up/tables/tbl-made-up.csv", table)
    return made


def add(made: published.Published, name: str, table: pd.DataFrame) -> None:
    text = table.astype(object).where(table.notna(), "").map(str)
    made.add_table(name, text.columns, text.itertuples(index=False))


SEEDS = (1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 15, 16)  # of records with cells at risk that something protects


@pytest.mark.parametrize("seed", SEEDS)
def test_what_the_section_makes_under_screening_passes_the_audit(seed):
    rows, parts, found, pattern, claims = protected(seed)
    assert pattern.primary.any()
    assert not pattern.unprotected
    open_table = section(rows, parts)
    with watch.screening(claims[SECTION]):
        table = section(rows, parts)
    hidden = {cell["key"] for cell in claims[SECTION]["cells"]}
    assert hidden
    assert table["share"].isna().sum() >= len(hidden)
    kept = table["share"].notna()
    assert np.array_equal(table.loc[kept, "share"], open_table.loc[kept, "share"])
    result = published.audit(found, claims, file_of(table), RULES)
    assert result["leaks"] == []
    assert result["attacked"] == int((found.system.need > 0).sum())
    assert [leak["section"] for leak in published.audit(found, claims, file_of(open_table), RULES)["leaks"]]


def test_every_cell_that_is_printed_again_is_found():
    """Each complementary and each primary cell in turn, published at full precision in a file of another kind."""
    tried = missed = 0
    for seed in SEEDS[:3]:
        rows, parts, found, pattern, claims = protected(seed)
        open_table = section(rows, parts)
        with watch.screening(claims[SECTION]):
            table = section(rows, parts)
        for at in np.flatnonzero(table["share"].isna() & open_table["share"].notna()):
            row = open_table.loc[at]
            at_risk = found.system.need[found.system.at(found.printed[at].cell)] > 0
            for kind in ("data", "figure", "ledger", "complement", "percent", "printed"):
                made = file_of(table)
                plant(made, kind, row)
                leaks = published.audit(found, claims, made, RULES)["leaks"]
                tried += 1
                needed = at_risk or attack_without(found, pattern, found.printed[at].cell)
                missed += bool(needed) != bool(leaks)
    assert tried >= 90
    assert missed == 0


def attack_without(found, pattern, cell) -> bool:
    """Whether publishing the cell again lets an outsider derive one at risk (the attack on the system alone)."""
    hidden = pattern.hidden.copy()
    hidden[found.system.at(cell)] = False
    return any(one.leak for one in attack.audit(found.system, hidden))


def plant(made: published.Published, kind: str, row: pd.Series) -> None:
    if kind == "data":
        add(made, "results/other/tables/tbl-other.csv", pd.DataFrame([row]))
    elif kind == "figure":
        add(made, "results/made_up/figures/fig-made-up.csv", pd.DataFrame([{"y": row.share, "error": row.se}]))
    elif kind == "ledger":
        made.add_numbers(
            "results/made_up/numbers.json", {"made-up.x": {"value": row.share, "se": row.se, "label": "x"}}
        )
    elif kind == "complement":
        add(made, "results/other/tables/tbl-rest.csv", pd.DataFrame([{"others": 1 - row.share, "se": row.se}]))
    elif kind == "percent":
        add(
            made,
            "results/other/tables/tbl-percent.csv",
            pd.DataFrame([{"percent": 100 * row.share, "se": 100 * row.se}]),
        )
    else:
        text = f"| x | {100 * row.share:.1f}\\* ({100 * row.low:.1f}\u2060\N{EN DASH}\u2060{100 * row.high:.1f}) |"
        made.texts["results/made_up/text/findings.md"] = text


def test_a_second_section_with_the_same_records_is_linked():
    """The same cells in another chapter's table are hidden there too, though their labels differ."""
    rows, parts = answers(SEEDS[0])
    design, known = plain_design(len(rows)), np.ones(len(rows), dtype=bool)
    often = {"Does so often": (rows["answer"] == "Often").to_numpy()}
    with watch.recording() as first:
        section(rows, parts)
    with watch.recording() as second:
        survey.shares(design, often, known, parts, 0.95)
    sections = {SECTION: [(row, True) for row in first], "second": [(row, True) for row in second]}
    found = catalogue.catalogue(sections, RULES)
    claims = catalogue.protected(found, suppress.protect(found.system), RULES)
    often_first = {(c["breakdown"], c["domain"]) for c in claims[SECTION]["cells"] if c["measure"] == "Often"}
    assert often_first
    assert {(c["breakdown"], c["domain"]) for c in claims["second"]["cells"]} == often_first
    with watch.screening(claims["second"]):
        table = survey.shares(design, often, known, parts, 0.95)
    made = file_of(table)
    with watch.screening(claims[SECTION]):
        add(made, "results/made_up/tables/tbl-a.csv", section(rows, parts))
    assert published.audit(found, claims, made, RULES)["leaks"] == []
    unaware = copy.deepcopy(claims)
    unaware["second"]["cells"] = []
    add(made, "results/second/tables/tbl-b.csv", survey.shares(design, often, known, parts, 0.95))
    assert published.audit(found, unaware, made, RULES)["leaks"]


def test_small_numbers_of_respondents_are_rounded_and_found_where_they_are_not():
    rows, parts = answers(3)
    few = np.zeros(len(rows), dtype=bool)
    few[np.flatnonzero((rows["size"] == "small").to_numpy())[:2]] = True
    known = few | (rows["size"] != "small").to_numpy()
    design = plain_design(len(rows))
    often = {"Often": (rows["answer"] == "Often").to_numpy()}
    with watch.recording() as seen:
        open_table = survey.shares(design, often, known, parts, 0.95)
    found = catalogue.catalogue({SECTION: [(row, True) for row in seen]}, RULES)
    pattern = suppress.protect(found.system)
    assert not pattern.unprotected
    claims = catalogue.protected(found, pattern, RULES)
    assert ("Size", "small") in {(base["breakdown"], base["domain"]) for base in claims[SECTION]["bases"]}
    assert len(claims[SECTION]["bases"]) > 1  # by itself it would be found by subtraction
    with watch.screening(claims[SECTION]):
        table = survey.shares(design, often, known, parts, 0.95)
    assert table.loc[table["domain"] == "small", "n"].tolist() == [0]
    assert published.audit(found, claims, file_of(table), RULES)["leaks"] == []
    told = table.copy()
    at = told.index[(table["n"] != open_table["n"]) & (table["domain"] != "small")][0]
    told.loc[at, "n"] = open_table.loc[at, "n"]
    leaks = published.audit(found, claims, file_of(told), RULES)["leaks"]
    assert any("small" in leak["what"] for leak in leaks)


def test_columns_that_name_agencies_places_or_residuals_are_leaks():
    rows, parts, found, _, claims = protected(SEEDS[0])
    with watch.screening(claims[SECTION]):
        made = file_of(section(rows, parts))
    add(made, "results/made_up/tables/tbl-c.csv", pd.DataFrame({"agency_id": ["A1"], "deviance_residual": [0.4]}))
    leaks = published.audit(found, claims, made, RULES)["leaks"]
    assert {leak["what"] for leak in leaks} == {"column agency_id", "column deviance_residual"}
    assert all(published.sentence(leak).startswith("results/made_up/tables/tbl-c.csv") for leak in leaks)


def test_breakdowns_finer_than_the_geography_are_leaks():
    rows, parts = answers(SEEDS[0])
    finer = [("State" if kind == "Region" else kind, name, inside) for kind, name, inside in parts]
    with watch.recording() as seen:
        section(rows, finer)
    found = catalogue.catalogue({SECTION: [(row, True) for row in seen]}, RULES)
    claims = catalogue.protected(found, suppress.protect(found.system), RULES)
    with watch.screening(claims[SECTION]):
        leaks = published.audit(found, claims, file_of(section(rows, finer)), RULES)["leaks"]
    assert [leak["what"] for leak in leaks] == ["breakdown State"]


def test_nothing_is_watched_outside_of_a_context():
    rows, parts = answers(1)
    table = section(rows, parts)
    with watch.recording() as seen:
        assert section(rows, parts).equals(table)
    assert len(seen) == len(table)
    assert section(rows, parts).equals(table)


def test_models_that_tell_of_few_units_are_refused_while_numbers_are_screened():
    rng = np.random.default_rng(2)
    x = pd.DataFrame({"Intercept": 1.0, "rare": np.arange(80) < 4, "size": rng.normal(size=80)}).astype(float)
    y = (rng.uniform(size=80) < 0.5).astype(float)
    assert prepare(plain_design(80), y, x)[0].names == ["Intercept", "rare", "size"]
    rules = {"cells": [], "bases": [], "models": {"smallest_side": 5, "smallest_freedom": 10}}
    with watch.screening(rules), pytest.raises(InputError, match="term rare has fewer than 5 units on one side"):
        prepare(plain_design(80), y, x)
    with watch.screening(rules):
        assert prepare(plain_design(80), y, x[["Intercept", "size"]])[1].shape == (80,)


def test_a_folder_of_results_is_audited_from_its_files(tmp_path):
    rows, parts, found, _, claims = protected(SEEDS[0])
    with watch.screening(claims[SECTION]):
        table = section(rows, parts)
    again = catalogue.from_dict(catalogue.as_dict(found))
    assert catalogue.as_dict(again) == catalogue.as_dict(found)
    files.write_json(tmp_path / "results/disclosure/cells.json", catalogue.as_dict(found))
    files.write_json(tmp_path / f"results/disclosure/{SECTION}.json", claims[SECTION])
    files.write_csv(tmp_path / f"results/{SECTION}/tables/tbl-made-up.csv", table)
    files.write_csv(tmp_path / "results/elsewhere/tables/tbl-x.csv", pd.DataFrame({"x": [1.5]}))
    files.write_text(tmp_path / f"results/{SECTION}/text/findings.md", "Nothing.\n")
    shutil.copytree("config", tmp_path / "config")
    result = audits.of_folder(tmp_path)
    assert (result["leaks"], result["files"]) == ([], 3)
    assert any(one.startswith("The section elsewhere is neither examined nor declared") for one in result["undecided"])
    with pytest.raises(InputError, match="neither examined nor declared"):
        audits.require_none(result)
    settings = (tmp_path / "config/disclosure.yaml").read_text(encoding="utf-8")
    declared = "declared: {elsewhere: {kind: no_answers, reason: It holds no answers of anybody.}}\n\nspared:"
    told = re.sub(r"declared:\n.*?\nspared:", declared, settings, flags=re.DOTALL)
    (tmp_path / "config/disclosure.yaml").write_text(told, encoding="utf-8")
    result = audits.of_folder(tmp_path)
    audits.require_none(result)
    assert "**no leak**" in audits.markdown(result)
    assert "- elsewhere (no_answers): It holds no answers of anybody." in audits.markdown(result)
    assert "narrowest" not in audits.public(result)
    numbers = {"numbers": {"a.b": {"value": None}}}
    at = next(k for k, row in enumerate(found.printed) if row.cell and found.system.need[found.system.at(row.cell)] > 0)
    numbers["numbers"]["a.c"] = {"value": found.printed[at].value, "se": found.printed[at].se}
    files.write_json(tmp_path / f"results/{SECTION}/numbers.json", numbers)
    result = audits.of_folder(tmp_path)
    assert result["leaks"]
    with pytest.raises(InputError, match=r"made_up: .* can be derived to between \d+ and \d+ .* a\.c"):
        audits.require_none(result)
