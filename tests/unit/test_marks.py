"""Two marks for what is not printed: which reason each stands for, where they are printed, and what a dash gives away."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

from agency_survey import figures, ledger, marks, schema, tables
from agency_survey.disclosure import attack, catalogue, published, suppress, watch
from agency_survey.disclosure.rules import Rules
from agency_survey.sections import (
    builders,
    case_characteristics_exhibits,
    case_tables,
    cases,
    determinants_exhibits,
    survey,
)

LIMITS = {"flag_rse": 0.3, "hide_rse": 0.5, "hide_n": 10}
RULES = replace(Rules.of(schema.load("config/disclosure.yaml", "disclosure")), class_group=0)
# (share, standard error): printed plainly, with an asterisk, or not at all
PLAIN, FLAGGED, VAGUE = (0.5, 0.02), (0.1, 0.04), (0.1, 0.09)


def estimates(*kinds: tuple[float, float]) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """Shares of as many domains of 40 agencies each, and their bases."""
    bases = [np.arange(40 * len(kinds)) // 40 == k for k in range(len(kinds))]
    lines = [
        {"breakdown": "Kind", "domain": f"D{k}", "measure": "Yes", "share": share, "se": se, "low": share / 2,
         "high": share + se, "n": 40}
        for k, (share, se) in enumerate(kinds)
    ]  # fmt: skip
    return pd.DataFrame(lines), bases


def screened(gone: list[int], *kinds: tuple[float, float]) -> pd.DataFrame:
    """The shares as a chapter has them, with those of some domains withheld."""
    found, bases = estimates(*kinds)
    counted = [base & (np.arange(len(base)) % 40 < 20) for base in bases]
    keys = [watch.cell_key(bases[k], counted[k], "Yes") for k in gone]
    with watch.screening({"cells": [{"key": key} for key in keys], "bases": [], "models": None}):
        return tables.masked(watch.screened(found, bases, counted), LIMITS)


def table(found: pd.DataFrame) -> tables.Table:
    return builders.domains_table(
        "tbl-x", "C", found, {"Yes": "Yes"}, "s", "n: agencies.", (9, 9, 9), lambda row: builders.cell(row, LIMITS),
        explained=marks.explained(LIMITS),
    )  # fmt: skip


def test_a_number_says_whether_it_is_vague_or_withheld():
    found = screened([1, 3], PLAIN, PLAIN, VAGUE, VAGUE)
    assert found["status"].tolist() == ["shown", "withheld", "imprecise", "withheld"]
    assert found["share"].isna().tolist() == [False, True, True, True]
    cells = table(found).shown["Yes"].tolist()
    assert cells[0].startswith("50.0 (")
    assert cells[1:] == ["(D)", "\N{EN DASH}", "(D)"]


def test_outside_of_screening_nothing_is_withheld():
    found, bases = estimates(PLAIN, VAGUE)
    assert watch.screened(found, bases, bases)["status"].tolist() == ["shown", "shown"]
    with watch.recording():
        assert watch.screened(found, bases, bases)["status"].tolist() == ["shown", "shown"]
    assert tables.masked(found, LIMITS)["status"].tolist() == ["shown", "imprecise"]


@pytest.mark.parametrize(("flagged", "vague", "withheld"), list(product([False, True], repeat=3)))
def test_the_note_explains_the_marks_that_occur_and_no_others(flagged, vague, withheld):
    kinds = [PLAIN, FLAGGED if flagged else PLAIN, VAGUE if vague else PLAIN, PLAIN]
    note = table(screened([3] if withheld else [], *kinds)).markdown().split("::: {.table-note}\n")[1]
    assert ("\\* relative standard error over 30 percent" in note) == flagged
    said = "\N{EN DASH} not shown: relative standard error over 50 percent, or fewer than 10 respondents"
    assert (said in note) == vague
    assert ("\\(D) withheld to avoid disclosing data of single agencies" in note) == withheld
    assert ("(@sec-methods-printed)." in note) == (flagged or vague or withheld)
    assert note.startswith("n: agencies. ")
    assert note.endswith("Source: s\n:::\n")


def test_tests_that_could_not_be_made_are_no_vague_estimates():
    assert marks.in_cells(["*\N{EN DASH}*", "1\N{EN DASH}2", f"5.0 (4.0{tables.DASH}6.0)", "**All**", ""]) == set()
    assert marks.in_cells(["*(D)*"]) == {"(D)"}


def test_a_note_of_withheld_counts_alone_opens_no_list():
    # pandoc takes '(D) ' at the start of a paragraph for an item of a list
    assert marks.note(marks.PROTECTED, ["(D)", "\N{EN DASH}"]).startswith("\\(D) withheld")
    assert marks.note(marks.PROTECTED, ["\N{EN DASH}"]) == ""


def test_means_and_ratios_have_the_same_status():
    found, bases = estimates(PLAIN, VAGUE, PLAIN)
    found = found.rename(columns={"share": "value"}).assign(percent=False, agencies=40)
    key = watch.cell_key(bases[2], None, "Yes")
    with watch.screening({"cells": [{"key": key}], "bases": [], "models": None}):
        found = watch.screened(found, bases, [None] * 3)
    for masked in (builders.masked_values, cases.masked):
        public = masked(found, LIMITS)
        assert public["status"].tolist() == ["shown", "imprecise", "withheld"]
        assert [case_tables.cell(row, LIMITS) for row in public.itertuples()][1:] == ["\N{EN DASH}", "(D)"]
        assert builders.value_cell(public.iloc[2], LIMITS) == "(D)"


@pytest.mark.parametrize(
    ("status", "mark"), [(["withheld", "imprecise"], "(D)"), (["imprecise", "shown"], "\N{EN DASH}"), ([], None)]
)
def test_a_difference_says_what_its_sides_do(status, mark):
    compared = pd.DataFrame({"measure": ["Yes"], "value": 0.2, "se": 0.1, "low": 0.0, "high": 0.4, "p": 0.04})
    compared = compared.assign(p_adjusted=0.04, percent=True)
    public = pd.DataFrame({"status": status, "measure": "Yes", "breakdown": "Type"})
    public["value"] = [0.5 if one == "shown" else np.nan for one in status]
    row = next(cases.without_hidden(compared, public).itertuples())
    assert case_tables.difference_cell(row).startswith("+20.0" if mark is None else mark)
    assert case_tables._p_cell(row) == (mark or "0.040")


def test_numbers_of_the_text_have_the_mark_too():
    numbers = ledger.Numbers("x")
    for row in screened([0], PLAIN, VAGUE, PLAIN).itertuples():
        survey.add_share(numbers, f"x.{row.domain.lower()}", row, "Yes", 0.95)
    texts = [entry["text"] for entry in numbers.numbers.values()]
    assert [[text[name] for name in ("value", "se", "ci")] for text in texts[:2]] == [["(D)"] * 3, ["\N{EN DASH}"] * 3]
    assert texts[2]["value"] == "50.0%"


def test_growth_and_numbers_of_agencies_have_the_marks():
    missing = {"value": np.nan, "low": np.nan, "high": np.nan}
    assert case_characteristics_exhibits._growth_cell(pd.Series(missing | {"status": "withheld"})) == "(D)"
    assert case_characteristics_exhibits._growth_cell(pd.Series(missing)) == "\N{EN DASH}"
    assert [determinants_exhibits._agencies(number) for number in (pd.NA, 1234)] == ["(D)", "1,234"]


def bars(gone: list[int], *kinds: tuple[float, float]) -> figures.Figure:
    names = [f"D{k}" for k in range(len(kinds))]
    return builders.parts_figure(
        "fig-x", "C", screened(gone, *kinds), "s", "n = 40.", bar="domain", bars=names, parts=["Yes"], xlabel="Percent"
    )


def test_bars_have_the_marks_and_explain_those_they_have():
    both = bars([0], PLAIN, VAGUE, PLAIN)
    drawn = both.draw(both.data)
    assert [text.get_text() for text in drawn.axes[0].texts] == ["50", "\N{EN DASH}", "(D)"]  # from the lowest bar up
    assert "D0: yes withheld. D1: yes not shown. D2: yes 50.0 percent." in both.alt
    assert both.data["status"].tolist() == ["withheld", "imprecise", "shown"]
    assert "\N{EN DASH} too uncertain to be shown; \\(D) withheld" in both.notes
    assert bars([], PLAIN).notes == "n = 40."
    vague, withheld = bars([], PLAIN, VAGUE).notes, bars([1], PLAIN, PLAIN).notes
    assert ("\N{EN DASH}" in vague, "(D)" in vague) == (True, False)
    assert ("\N{EN DASH}" in withheld, "(D)" in withheld) == (False, True)


# -- what a dash gives away ---------------------------------------------------------------------------------------------

ANSWERS = {"A": 1, "B": 3, "C": 8}  # of twelve agencies; B is too vague to be shown


def of_answers():
    """The linked system of the three answers of one group."""
    answer = np.repeat(list(ANSWERS), list(ANSWERS.values()))
    everybody = np.ones(len(answer), dtype=bool)
    lines = [
        {"breakdown": catalogue.ALL, "domain": "All", "measure": name, "share": count / 12, "se": 0.1, "low": 0.0,
         "high": 1.0, "n": 12}
        for name, count in ANSWERS.items()
    ]  # fmt: skip
    with watch.recording() as seen:
        watch.screened(pd.DataFrame(lines), [everybody] * 3, [answer == name for name in ANSWERS])
    found = catalogue.catalogue({"x": [(row, row.measure != "B") for row in seen]}, RULES)
    return found, suppress.protect(found.system)


def outsider(known: dict[str, int]) -> set[int]:
    """What A may be, by trying all answers of twelve agencies."""
    whole = sum(ANSWERS.values())
    tries = (dict(zip(ANSWERS, counts, strict=True)) for counts in product(range(whole + 1), repeat=3))
    fit = (one for one in tries if sum(one.values()) == whole and known.items() <= one.items())
    return {one["A"] for one in fit}


def test_a_dash_that_would_give_a_withheld_number_away_is_withheld_itself():
    assert outsider({"C": 8, "B": 3}) == {1}  # a dash on B would tell that it is no small count, if not more
    found, pattern = of_answers()
    (section,) = catalogue.protected(found, pattern, RULES).values()
    assert {cell["measure"]: cell["reason"] for cell in section["cells"]} == {"A": "primary", "B": "complementary"}
    left = outsider({"C": 8})
    assert max(left) - min(left) >= RULES.protection
    (target,) = (one for one in attack.audit(found.system, pattern.hidden) if one.value == ANSWERS["A"])
    assert (target.low, target.high) == (min(left), max(left))
    assert target.leak is None


def test_the_audit_takes_what_is_behind_a_dash_as_known():
    found, pattern = of_answers()
    claims = catalogue.protected(found, pattern, RULES)
    assert not published.audit(found, claims, published.Published(), RULES)["leaks"]
    claims["x"]["cells"] = [cell for cell in claims["x"]["cells"] if cell["measure"] != "B"]
    (leak,) = published.audit(found, claims, published.Published(), RULES)["leaks"]
    assert (leak["low"], leak["high"]) == (1, 1)
