"""Tests, totals and counts over groups of which one is left out: what they may still tell, worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from agency_survey import hypotheses, schema
from agency_survey.design import survey_design
from agency_survey.disclosure import attack, catalogue, watch
from agency_survey.disclosure.rules import Rules
from agency_survey.sections import builders, cases, survey, survey_methods

RULES = replace(Rules.of(schema.load("config/disclosure.yaml", "disclosure")), class_group=0)
N = 240
GROUP = np.arange(N) % 4
Y = (np.arange(N) * 7919) % 11 < 2 + GROUP
KNOWN = np.ones(N, dtype=bool)
DESIGN = survey_design(2 + np.arange(N) % 7 / 7)
PARTS = [(builders.SIZE, name, k == GROUP) for k, name in enumerate("abcd")]


def left_out(*names: str) -> dict:
    """Claims that leave out the share of these groups."""
    cells = [{"key": watch.cell_key(mask, Y & mask, "y")} for _, name, mask in PARTS if name in names]
    return {"cells": cells, "bases": [], "models": None}


def checks(claims: dict) -> pd.DataFrame:
    with watch.screening(claims):
        return builders.adjusted(builders.tests(DESIGN, {"y": Y}, KNOWN, PARTS)).set_index("test")


def test_groups_that_are_left_out_count_as_one_in_tests():
    found = checks(left_out("b", "d"))
    codes = np.array([0, 1, 2, 1])[GROUP]
    table = hypotheses.crosstab(DESIGN, codes, Y.astype(int), 3, 2).rao_scott().f_second
    line = hypotheses.trend(
        DESIGN, Y.astype(float), codes, 3, scores=np.array([0.0, 2.0, 2.0]) + np.array([0, 0, 1e-9])
    )
    assert found.loc[builders.RAO_SCOTT, ["statistic", "p"]].tolist() == pytest.approx([table.statistic, table.p])
    assert found.loc[builders.TREND, "slope"] == pytest.approx(line.value, rel=1e-6)  # b and d at (1 + 3) / 2
    assert found["pooled"].all()
    assert builders.POOLED_NOTE in builders.checks_note(found.reset_index())


def test_a_test_that_would_tell_of_the_one_group_that_is_left_out_is_none():
    found = checks(left_out("c"))
    assert found[["statistic", "p", "p_adjusted", "slope"]].isna().all(axis=None)
    assert checks(left_out())["p"].notna().all()
    assert not checks(left_out())["pooled"].any()


def test_answers_that_are_left_out_count_as_one_in_tests_of_independence():
    answer = pd.Series(pd.Categorical.from_codes((np.arange(N) * 13) % 7 % 4, list("wxyz")), name="answer")
    sides = [(mask, (answer == label).to_numpy(), label) for label in "xz" for _, _, mask in PARTS[:1]]
    claims = {"cells": [{"key": key} for key in watch.keys(sides)], "bases": [], "models": None}
    with watch.screening(claims):
        found = cases.independence(DESIGN, answer, PARTS)
    codes = np.array([0, 1, 2, 1])[answer.cat.codes]
    assert found.p == pytest.approx(hypotheses.crosstab(DESIGN, GROUP, codes, 4, 3).rao_scott().f_second.p)
    assert found.p != pytest.approx(cases.independence(DESIGN, answer, PARTS).p)
    with watch.screening(claims | {"cells": claims["cells"][:1]}):
        assert np.isnan(cases.independence(DESIGN, answer, PARTS).p)


def test_a_test_printed_although_one_of_its_groups_is_left_out_is_recorded_with_all_multiples():
    derived: list[watch.Derived] = []
    with watch.recording(derived):
        survey.shares(DESIGN, {"y": Y}, KNOWN, PARTS, 0.95)
        found = builders.adjusted(builders.tests(DESIGN, {"y": Y}, KNOWN, PARTS))
    assert len(derived) == len(found) == 2
    assert set(derived[0].sides) == {watch.cell_key(mask, Y & mask, "y") for *_, mask in PARTS}
    for one, row in zip(derived, found.itertuples(), strict=True):
        assert {row.p, 2 * row.p} <= set(one.numbers)


def system_of(linked: bool):
    """Twelve agencies of two types and two sizes; by size one count is at risk, by type none."""
    size, kind = np.arange(12) // 6, np.arange(12) % 2
    has = np.isin(np.arange(12), [1, 6, 8, 10, 7, 9])  # size 0: one; size 1: five; types: three each
    everyone = np.ones(12, dtype=bool)
    sets = {("Size", "small"): size == 0, ("Size", "large"): size == 1}
    corner = {("Type and size", "even, large"): (kind == 0) & (size == 1), ("Type", "even"): kind == 0}
    links: list[watch.Link] = []
    with watch.recording(None, links) as seen:
        for groups in (sets, corner):
            told = pd.DataFrame([{"breakdown": b, "domain": d, "measure": "has"} for b, d in groups])
            watch.counts(told, list(groups.values()), [has] * len(told), None)
        if linked:
            watch.link("has", [(inside, has) for inside in [everyone, *sets.values(), *corner.values()]])
    return catalogue.catalogue({"made_up": [(row, True) for row in seen]}, RULES, links=links)


def test_counts_of_one_thing_by_groups_that_overlap_are_added_up():
    at_risk = {}
    for linked in (False, True):
        found = system_of(linked)
        by = {row.domain: found.system.at(row.cell) for row in found.printed}
        hidden = found.system.gone.copy()
        hidden[by["small"]] = True
        one = next(one for one in attack.audit(found.system, hidden) if one.key == found.system.keys[by["small"]])
        at_risk[linked] = (one.low, one.high)
    # even: three, all of them large, so that no small even agency has one; of the small ones, three are odd
    assert at_risk[True][1] <= 3 < at_risk[False][1]


def test_a_ratio_that_one_agency_makes_up_is_left_out_and_what_gives_it_away():
    agency = pd.Series(np.repeat([f"A{k:02d}" for k in range(15)], 4))
    victims = np.where(agency == "A03", 500.0, 1.0)  # of one agency nearly all
    part = (np.arange(60) % 4 < 2).astype(float)
    measures = {
        "Victims per case": cases.ratio(pd.Series(victims), 1.0, np.ones(60, dtype=bool), False, "victims"),
        "Female": cases.ratio(pd.Series(part), pd.Series(np.ones(60)), np.ones(60, dtype=bool), True, "female victims"),
    }
    whole = [(survey.ALL, cases.ALL_CASES, np.ones(60, dtype=bool))]
    design = survey_design(np.ones(60))
    with watch.recording() as seen:
        cases.estimates(design, agency, measures, whole, 0.95)
    found = catalogue.catalogue({"made_up": [(row, True) for row in seen]}, RULES)
    need = dict(zip(found.totals.keys, found.totals.need, strict=True))
    at_risk = {row.measure for row in found.printed if row.total and need[row.total] > 0}
    assert at_risk == {"victims, Victims per case"}
    cell = next(row for row in found.printed if row.measure in at_risk)
    with watch.screening({"cells": [{"key": cell.key}], "bases": [], "models": None}):
        table = cases.estimates(design, agency, measures, whole, 0.95).set_index("measure")
    assert table.loc["Victims per case", cases.LIMITS].isna().all()
    assert table.loc["Female", cases.LIMITS].notna().all()


def test_contributions_to_a_total_of_cases_are_those_of_agencies():
    # four cases of one agency, none of them more than a fifth of all, together nearly all
    agency = np.array(["A"] * 8 + ["B", "C", "D"])
    own = np.array([10.0] * 8 + [1, 1, 1])
    table = pd.DataFrame([{"breakdown": "Type", "domain": "one", "measure": "victims", "value": 83.0, "se": 0.0,
                           "low": np.nan, "high": np.nan, "n": 11}])  # fmt: skip
    base = np.ones(11, dtype=bool)
    needs = []
    for whose in (pd.Series(agency), None):
        with watch.recording() as seen:
            watch.screened(table, [base], [None], whose, amount=[watch.Amount.of("victims", own, np.ones(11))])
        found = catalogue.catalogue({"made_up": [(row, True) for row in seen]}, RULES)
        needs.append(float(found.totals.need[found.totals.at(found.printed[0].total)]))
    assert needs[0] == pytest.approx(2 * max(81 / 0.85 - 83, 0.1 * 80 - 2))
    assert needs[1] == 0


def test_days_with_few_forms_are_joined():
    day = pd.Timestamp("2007-05-01")
    forms = {"Mail": [5, 1, 1, 1, 4, 2], "Web": [1, 1]}
    rows = [
        {"responded": True, "mode": mode, "outcome_on": day + pd.Timedelta(k, "D")}
        for mode, days in forms.items()
        for k, count in enumerate(days)
        for _ in range(count)
    ]
    sample = pd.DataFrame(rows).astype({"mode": "category"})
    found = survey_methods.returns(sample, 3)
    assert found[["mode", "forms", "cumulative"]].to_numpy().tolist() == [
        ["Mail", 5, 5], ["Mail", 3, 8], ["Mail", 6, 14],
    ]  # fmt: skip
    assert [(date - day).days for date in found["date"]] == [
        0,
        3,
        5,
    ]  # two forms are left at the end: with the day before
    with watch.recording() as seen:
        survey_methods.tell_returns(sample, found)
    assert [int(row.counted.sum()) for row in seen] == [5, 3, 6]
