"""Appendix B: counts by rule and variable, estimates before and after, the score, and wording that follows them."""

from __future__ import annotations

import dataclasses
import functools
import re

import numpy as np
import pandas as pd
import pytest
from small_survey import BOOKS, IDS, spoiled, tables

from agency_survey import cleaning, corrections, ingest, ledger
from agency_survey.design import survey_design
from agency_survey.errors import InputError
from agency_survey.sections import cleaning_audit as section
from agency_survey.sections import cleaning_audit_exhibits as show
from agency_survey.sections import cleaning_audit_text as wording

SETTINGS = {"confidence_level": 0.95, "reliability": {"flag_rse": 0.3, "hide_rse": 5.0, "hide_n": 1}}
WEIGHT = np.array([1.0, 2.0, 1.0, 4.0, 3.0, 2.0, 5.0, 2.0])
VARIANT = ("part1", 2, "q6_training", "Yes")  # no code: missing as returned, repaired by a rule
ODD = ("part1", 3, "q9_protocol", "66")  # outside the codebook: asked about
FAULTS = [
    ("F1", "code_variant", "part1", "2", IDS[0], "q6_training", "Yes", "1", "repair"),
    ("F2", "out_of_range", "part1", "3", IDS[1], "q9_protocol", "66", "1", "query"),
]
COLUMNS = ["fault_id", "kind", "file", "row", "record", "variable", "raw", "true", "remedy"]


def fault_list(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


@functools.cache
def _cleaned(*cells: tuple) -> cleaning.Cleaned:
    return cleaning.clean(spoiled(*cells), BOOKS)


def typed(raw: dict) -> dict:
    return {name: ingest.with_raw(ingest.typed(raw[name], BOOKS[name], unique=False)[0], raw[name]) for name in raw}


def designs(done) -> dict:
    keys = {name: done.tables[name][BOOKS[name].key] for name in ("part1", "part2", "part3")}
    weights = {"part1": WEIGHT, "part2": WEIGHT[:3], "part3": np.repeat(WEIGHT[:3], 2)}
    return {
        name: (
            rows,
            survey_design(
                weights[name][: len(rows)], ["a"] * len(rows), [20.0] * len(rows), cluster=rows["agency_id"].to_numpy()
            ),
        )
        for name, rows in keys.items()
    }


def sources(raw: dict) -> dict:
    return {
        name: {
            "format": "csv",
            "encoding": "utf-8",
            "delimiter": "comma",
            "windows_1252": [4] if name == "part1" else [],
        }
        for name in raw
    }


def audit(*cells: tuple, faults: pd.DataFrame | None = None, books: dict = BOOKS):
    """Exhibits of the small survey with some cells replaced."""
    return audited(spoiled(*cells), _cleaned(*cells), faults, books)


def audited(raw: dict, done: cleaning.Cleaned, faults: pd.DataFrame | None = None, books: dict = BOOKS):
    """Exhibits of raw cells and of what cleaning made of them."""
    found = section.scored(faults, raw, done, books)
    returned = {name: section.as_returned(table, BOOKS[name]) for name, table in typed(raw).items()}
    flow = show.Flow(sources(raw), done.counts, done)
    return show.appendix(flow, designs(done), returned, found, books, SETTINGS)


def cells(exhibits, ident: str) -> pd.DataFrame:
    return next(table.shown for table in exhibits.tables if table.ident == ident)


def filled(exhibits, name: str) -> str:
    """A text with its numbers looked up."""
    numbers = exhibits.numbers.numbers
    return re.sub(
        r"\{\{< num (\S+) ?(\w*) >\}\}", lambda m: numbers[m[1]]["text"][m[2] or "value"], exhibits.texts[name]
    )


# -- tables of the flow ------------------------------------------------------------------------------------------------


def test_as_returned_keeps_the_first_record_of_each_key():
    raw = tables()["part1"]
    raw.loc[20] = {**raw.loc[2].to_dict(), "q9_protocol": "2"}
    raw.loc[21] = {**raw.loc[2].to_dict(), "agency_id": "no agency"}
    found = section.as_returned(typed({"part1": raw})["part1"], BOOKS["part1"])
    assert found["agency_id"].tolist() == IDS
    assert found.loc[0, "q9_protocol"] == "Yes"
    assert not [name for name in found if name.endswith("__raw")]


def test_cleaned_tables_join_the_blocks_of_a_part():
    done = _cleaned()
    parts = {f"part1.{name}": block for name, block in cleaning.blocks(done.tables["part1"], BOOKS["part1"]).items()}
    found = section.cleaned_tables({"frame": done.tables["frame"], **parts})
    pd.testing.assert_frame_equal(found["part1"], done.tables["part1"], check_like=True)
    pd.testing.assert_frame_equal(found["frame"], done.tables["frame"])


# -- counts ------------------------------------------------------------------------------------------------------------


def test_counts_by_rule_and_variable():
    done = cleaning.clean(spoiled(VARIANT, ODD, ("part1", 4, "q6_training", " 1 ")), BOOKS)
    rules = section.by_rule(done.counts, done.log, done.queries).set_index("rule")
    assert rules["changes"][rules["changes"] > 0].to_dict() == {"code_variants": 1, "trim": 1}
    assert rules["queries"][rules["queries"] > 0].to_dict() == {"outside_codebook": 1}
    assert list(rules.index).index("corrections") == len(cleaning.EDITS)
    assert rules.loc["trim", "statement"] == "Blanks and tabs around a value are removed."
    found = section.by_variable(done.log, done.queries, BOOKS)
    assert found[["file", "variable", "changes", "queries"]].to_numpy().tolist() == [
        ["part1", "q6_training", 2, 0],
        ["part1", "q9_protocol", 0, 1],
    ]


def test_counts_do_not_rest_on_the_ending_of_the_file():
    done = _cleaned(VARIANT)
    found = section.by_variable(done.log.assign(file="part1.xlsx"), done.queries, BOOKS)
    assert found["changes"].tolist() == [1]


# -- effect ------------------------------------------------------------------------------------------------------------


def by_hand(y: np.ndarray, inside: np.ndarray) -> tuple[float, np.ndarray]:
    """Weighted mean over some agencies, and each agency's linearized score."""
    below = WEIGHT[inside].sum()
    value = (WEIGHT * y)[inside].sum() / below
    return value, np.where(inside, WEIGHT * (y - value) / below, 0.0)


def test_effect_on_a_share_agrees_with_a_hand_calculation():
    """Agency 1 (weight 1) is trained: missing as returned, there after cleaning; agencies 1 to 3 of 8 are trained."""
    raw, done = spoiled(VARIANT), _cleaned(VARIANT)
    returned = {name: section.as_returned(table, BOOKS[name]) for name, table in typed(raw).items()}
    row = section.effect(designs(done), returned, done.tables, BOOKS, 0.95).set_index("key").loc["training"]
    order = np.argsort(IDS)  # cleaned tables are sorted by key
    y = np.isin(np.arange(8), [0, 1, 2]).astype(float)[order]
    answered = (np.arange(8) != 0)[order]
    before, one = by_hand(y, answered)
    after, two = by_hand(y, np.ones(8, dtype=bool))
    assert row["value_returned"] == pytest.approx(before)
    assert row["value_cleaned"] == pytest.approx(after)
    assert (row["n_returned"], row["n_cleaned"], row["differ"]) == (7, 8, 1)
    for name, scores in (("se_returned", one), ("se_cleaned", two), ("difference_se", two - one)):
        assert row[name] == pytest.approx(np.sqrt(8 * (1 - 8 / 20) * np.var(scores, ddof=1)))
    assert row["difference"] == pytest.approx(after - before)
    assert row["low_cleaned"] < after < row["high_cleaned"]


def test_effect_on_totals_and_victims():
    """Part I counts 8 cases in each of three agencies; every case has 4 victims, 1 of each age group."""
    raw = spoiled(("part1", 2, "q14_cases", "about 8"), ("part3", 2, "q3a_under_18", "one"))
    done = cleaning.clean(raw, BOOKS)
    returned = {name: section.as_returned(table, BOOKS[name]) for name, table in typed(raw).items()}
    found = section.effect(designs(done), returned, done.tables, BOOKS, 0.95).set_index("key")
    rank = dict(zip(sorted(IDS), WEIGHT, strict=True))
    weight = [rank[one] for one in IDS[:3]]  # of the agencies with cases
    assert found.loc["cases", "value_cleaned"] == pytest.approx(8 * sum(weight))
    assert found.loc["cases", "value_returned"] == pytest.approx(8 * sum(weight[1:]))
    assert found.loc["under-25", ["value_returned", "value_cleaned"]].tolist() == pytest.approx([2 / 3, 2 / 3])
    assert found.loc["under-25", ["n_returned", "n_cleaned", "differ"]].tolist() == [5, 6, 1]
    assert found.loc["victims", "value_cleaned"] == pytest.approx(4 * 2 * WEIGHT[:3].sum())
    assert found.loc["sex", "value_cleaned"] == pytest.approx(7 * WEIGHT[:3].sum())
    assert found.loc["sex", "differ"] == 0


def test_uncertain_estimates_are_not_shown():
    limits = {"flag_rse": 0.3, "hide_rse": 0.5, "hide_n": 10}
    moved = pd.DataFrame(
        {
            "kind": ["total", "total", "mean"],
            **{f"value_{side}": [100.0, 100.0, 5.0] for side in ("returned", "cleaned")},
            **{f"{one}_{side}": [0.0] * 3 for side in ("returned", "cleaned") for one in ("low", "high")},
            "se_returned": [60.0, 40.0, 1.0],
            "se_cleaned": [20.0, 20.0, 1.0],
            "n_returned": [50, 50, 9],
            "n_cleaned": [50, 50, 50],
            "difference": [1.0] * 3,
            "difference_se": [1.0] * 3,
            "p": [0.5] * 3,
        }
    )
    found = show.masked(moved, limits)
    assert found["state_returned"].tolist() == ["hidden", "flagged", "hidden"]
    assert found["value_returned"].isna().tolist() == [True, False, True]
    assert found["value_cleaned"].notna().all()
    assert found["difference"].isna().tolist() == [True, False, True]


def test_small_counts_are_hidden_in_the_table_the_figure_and_the_prose():
    done = _cleaned()
    returned = {name: section.as_returned(table, BOOKS[name]) for name, table in typed(tables()).items()}
    moved = section.effect(designs(done), returned, done.tables, BOOKS, 0.95)
    moved = show.masked(moved, SETTINGS["reliability"] | {"hide_n": 9})
    assert wording.effect_paragraph(moved) == ledger.UNCERTAIN
    assert set(show.effect_table(moved, SETTINGS["reliability"], 0.95, True).shown["As cleaned"]) == {"\N{EN DASH}"}
    assert "No estimate" in show.effect_figure(moved, 0.95, True).alt


# -- score -------------------------------------------------------------------------------------------------------------


def test_score_table_of_two_faults():
    exhibits = audit(VARIANT, ODD, faults=fault_list(*FAULTS))
    assert cells(exhibits, "tbl-cleaning-score").to_numpy().tolist() == [
        ["Code in another form", "1", "1", "0", "0", "0", "100.0%"],
        ["Outside the codebook", "1", "0", "1", "0", "0", "100.0%"],
        ["**All**", "**2**", "**1**", "**1**", "**0**", "**0**", "**100.0%**"],
    ]
    text = filled(exhibits, "score")
    assert "put 2 faults of 2 kinds" in text
    assert "repaired 1 and put 1 on the list of queries, together 100.0%" in text
    assert "None passed in silence, and none was changed to a wrong value. No valid value was altered." in text


def test_score_names_what_went_wrong():
    wrong = (*FAULTS[0][:7], "2", "repair")
    exhibits = audit(VARIANT, ODD, faults=fault_list(wrong, FAULTS[1]))
    text = filled(exhibits, "score")
    assert "and 1 became a wrong value" in text
    assert "together 50.0%" in text
    assert cells(exhibits, "tbl-cleaning-score").iloc[0, -1] == "0.0%"


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (None, "There is no list of the faults"),
        (fault_list(), "No faults were put into these files"),
        (fault_list((*FAULTS[0][:6], "No", "1", "repair"), FAULTS[1]), "1 of its 2 cells do not agree"),
        (fault_list((*FAULTS[0][:3], "999", *FAULTS[0][4:])), "1 of its 1 cells do not agree"),
    ],
)
def test_without_a_list_of_these_files_the_table_says_why(faults, said):
    exhibits = audit(VARIANT, ODD, faults=faults)
    table = cells(exhibits, "tbl-cleaning-score")
    assert said in table.iloc[0, 0]
    assert said in exhibits.texts["score"]
    assert not [name for name in exhibits.numbers.numbers if ".score." in name]


def test_real_records_have_no_score_even_when_a_list_is_there():
    real = {name: dataclasses.replace(book, synthetic=False) for name, book in BOOKS.items()}
    exhibits = audit(VARIANT, ODD, faults=fault_list(*FAULTS), books=real)
    assert "The records are real" in exhibits.texts["score"]
    assert not any("stand-in" in table.markdown() for table in exhibits.tables)


def test_a_list_without_its_columns_is_refused():
    with pytest.raises(InputError, match="lacks the column 'true'"):
        section.scored(fault_list(*FAULTS).drop(columns="true"), tables(), _cleaned(), BOOKS)


# -- wording -----------------------------------------------------------------------------------------------------------


def test_wording_where_nothing_was_changed():
    exhibits = audit()
    assert "Cleaning changed nothing. No question is open." in exhibits.texts["findings"]
    assert "moves none of the estimates" in exhibits.texts["effect"]
    assert "no entries" in exhibits.texts["corrections"]
    assert set(cells(exhibits, "tbl-cleaning-effect")["Difference (s.e.)"]) <= {"0", "\N{EN DASH}"}
    assert "No rule changed anything" in exhibits.figures[0].alt
    assert cells(exhibits, "tbl-cleaning-variables").iloc[0, 0] == "None"


def test_wording_follows_changes_and_queries():
    exhibits = audit(VARIANT, ODD)
    text = filled(exhibits, "findings")
    assert "came in with 17 records and went on with 17. " in text  # 8 returns, 3 of Part II, 6 cases
    size = 8 * len(BOOKS["part1"].variables) + 3 * len(BOOKS["part2"].variables) + 6 * len(BOOKS["part3"].variables)
    assert f"Cleaning made 1 change, as many as {100 / size:.1f}% of the {size} cells. " in text
    assert "1 cell or record waits for an answer" in text
    effect = filled(exhibits, "effect")
    moved = exhibits.numbers.numbers["cleaning.largest.share"]["value"]
    assert f"{100 * moved:.1f} percentage points" in effect
    assert "15" not in cells(exhibits, "tbl-cleaning-files")["Read as"].iloc[0]
    assert cells(exhibits, "tbl-cleaning-files")["Read as"].tolist()[2] == "CSV, comma, UTF-8; 1 row in Windows-1252"


def test_moves_of_estimates_that_are_hidden_are_not_denied():
    columns = {"difference": [np.nan, 0.0], "se_cleaned": [np.nan, 1.0], "differ": [3, 0], "p": [np.nan, np.nan]}
    moved = pd.DataFrame({"label": ["A", "B"], "kind": ["share", "share"], **columns})
    assert "certain enough to be shown" in wording.effect_paragraph(moved)


def test_the_table_names_the_variables_with_most_changes_and_sums_the_others():
    names = list(BOOKS["part1"].variables)[:12]
    counts = pd.DataFrame({"file": "part1", "variable": names, "label": "x", "changes": range(12), "queries": 1})
    table = show.variables_table(counts.iloc[::-1].reset_index(drop=True), BOOKS, synthetic=False)
    lines = table.shown
    assert lines["Variable"].tolist()[1:-1] == names[:3:-1]  # the eight with most, in the order of the data
    assert lines.iloc[-1].tolist() == ["4 more", "", str(0 + 1 + 2 + 3), "4"]
    assert lines.iloc[0]["Changes"] == "**66**"
    assert len(table.data) == 12


def test_corrections_are_counted_by_variable():
    line = dict.fromkeys([field.name for field in dataclasses.fields(corrections.Correction)], "")
    line |= {"id": "C0001", "file": "part1", "record": IDS[1], "variable": "q9_protocol", "old_value": "66"}
    line |= {"new_value": "1", "reason": "secret words", "line": 2}
    entry = corrections.Correction(**line)
    raw = spoiled(VARIANT, ODD)
    done = cleaning.clean(raw, BOOKS, lambda text: corrections.apply(text, [entry], BOOKS, "register"))
    exhibits = audited(raw, done)
    assert done.log["rule"].str.startswith("correction C0001").sum() == 1
    rules = cells(exhibits, "tbl-cleaning-rules").set_index("Rule")
    assert rules.loc["Corrections", "Changes"] == "1"
    assert rules.loc["**All**", "Changes"] == "**2**"
    assert "1 entry was applied, after the edit rules: Part I, protocol or policy (1)." in filled(
        exhibits, "corrections"
    )


# -- disclosure --------------------------------------------------------------------------------------------------------


def test_no_identifier_and_no_text_of_a_record_is_published(tmp_path):
    raw = spoiled(
        VARIANT, ODD, ("part1", 4, "q5g_other_text", "  a neighbor's secret "), ("part3", 2, "agency_id", "ZZZZZZ")
    )
    raw["part1"].loc[20] = {**raw["part1"].loc[2].to_dict(), "q9_protocol": "2"}
    done = cleaning.clean(raw, BOOKS)
    exhibits = audited(raw, done)
    assert {"duplicate_returns", "trim", "unidentified"} <= set(done.log["rule"])
    exhibits.write(tmp_path)
    written = [path for path in tmp_path.rglob("*") if path.suffix in (".md", ".csv", ".json")]
    assert len(written) >= 15
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert "secret" not in text, path
        assert not [ident for ident in [*IDS, "ZZZZZZ"] if ident in text], path
