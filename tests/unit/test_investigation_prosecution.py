"""Chapter 8: strategies, time, the course of cases, models; and wording that follows the results."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import survey_cases

from agency_survey import estimate
from agency_survey.design import survey_design
from agency_survey.errors import InputError
from agency_survey.sections import cases, survey
from agency_survey.sections import investigation_prosecution as section
from agency_survey.sections import investigation_prosecution_exhibits as show
from agency_survey.sections import investigation_prosecution_text as text

YES_NO = ["Yes", "No"]


@pytest.fixture(scope="module")
def given():
    books = {"investigation": survey_cases.book("part2"), "case": survey_cases.book("part3")}
    return survey_cases.agencies(), survey_cases.kinds(), survey_cases.described(), books, survey_cases.SETTINGS


@pytest.fixture(scope="module")
def results(given):
    return show.results(*given)


@pytest.fixture(scope="module")
def exhibits(given):
    return show.chapter(*given)


# -- statistics --------------------------------------------------------------------------------------------------------


def described(records: list[tuple]) -> pd.DataFrame:
    """Cases of (state charges, federal charges, prosecuted, outcome)."""
    rows = pd.DataFrame(records, columns=["q10_state_charges", "q11_federal_charges", "q12_prosecuted", "q13_outcome"])
    for name in rows.columns[:2]:
        rows[name] = pd.Categorical(rows[name], YES_NO)
    rows["q12_prosecuted"] = pd.Categorical(rows["q12_prosecuted"], [*section.COURTS, section.NOT_PROSECUTED])
    rows["q13_outcome"] = pd.Categorical(rows["q13_outcome"], section.OUTCOMES)
    return rows.assign(described=True)


COURSES = [
    ("Yes", "No", "State court", "Convicted"),
    ("Yes", "Yes", "Both", "Acquitted or dismissed"),
    ("No", "Yes", "Federal court", "Pending"),
    ("Yes", "No", "Not prosecuted", None),
    ("No", "No", "Not prosecuted", None),
    (None, None, "State court", "Convicted"),  # a prosecution takes charges for granted
    (None, "No", "Not prosecuted", None),  # not known whether it was charged
    ("Yes", "No", "State court", None),  # prosecuted, outcome not known
    ("Yes", "No", None, None),
]


def test_course_of_cases_by_hand():
    found = section.course(described(COURSES))
    assert found.known.tolist() == [True] * 6 + [False] * 3
    assert found.charged[:6].tolist() == [True, True, True, True, False, True]
    assert found.prosecuted[:6].tolist() == [True, True, True, False, False, True]
    assert found.decided[:6].tolist() == [True, True, False, False, False, True]
    assert found.convicted[:6].tolist() == [True, False, False, False, False, True]


def test_flow_adds_up_and_its_stages_are_shares_of_the_stage_before():
    of_all, of_stage = section.flow(described(COURSES))
    value = {name: one.y[one.known].mean() for name, one in (of_all | of_stage).items()}
    ends = ["Convicted", "Acquitted or dismissed", "Pending", "Charged, not prosecuted", "Not charged"]
    assert sum(value[name] for name in ends) == pytest.approx(1)
    assert value["Charged"] == pytest.approx(5 / 6)
    assert value["Prosecuted, of charged"] == pytest.approx(4 / 5)
    assert value["Convicted, of prosecuted"] == pytest.approx(2 / 4)
    assert value["Convicted, of decided"] == pytest.approx(2 / 3)


def test_suspects_convicted_count_none_where_nobody_was():
    rows = described(COURSES).assign(
        q14_convicted=pd.array([2, 0, 0, None, None, 1, None, None, None], "Int64"),
        q6_suspects=pd.array([3, 1, 1, 2, 0, 1, 5, 5, 5], "Int64"),
    )
    found = section.convicted_suspects(rows)["Suspects convicted"]
    assert found.y[found.known].sum() / found.x[found.known].sum() == pytest.approx(3 / 8)


def test_charges_need_both_answers():
    found = section.charges(described(COURSES))
    assert found.astype(object).where(found.notna(), None).tolist() == [
        "State charges only",
        "State and federal charges",
        "Federal charges only",
        "State charges only",
        "No charges",
        None,
        None,
        "State charges only",
        "State charges only",
    ]


def test_any_strategy_is_known_from_one_yes_or_from_all_answers():
    rows = pd.DataFrame({"part2": [True] * 3})
    for name in section.STRATEGIES:
        rows[name] = pd.Categorical([None, "No", "No"], YES_NO)
    rows.loc[0, "q4b_surveillance"] = "Yes"
    rows.loc[2, "q4f_interviews"] = None
    found = section.strategies(rows)[section.ANY_STRATEGY]
    assert found.known.tolist() == [True, True, False]
    assert found.y.tolist() == [1, 0, 0]


def test_time_of_agencies_with_one_type_is_spent_on_that_one():
    rows = pd.DataFrame({"part2": [True] * 4})
    rows["q12_more_time"] = pd.Categorical([None, None, "About the same", None], section.MORE_TIME)
    kinds = pd.DataFrame({"group": pd.Categorical([*cases.GROUPS, "Both types"], cases.GROUPS)})
    found = section.more_time_of_all(rows, kinds)
    assert {name: one.y.tolist() for name, one in found.items()} == {
        "Sex trafficking": [1, 0, 0, 0],
        "Labor trafficking": [0, 1, 0, 0],
        "About the same": [0, 0, 1, 0],
    }
    assert found["Sex trafficking"].known.tolist() == [True, True, True, False]
    assert section.more_time(rows, kinds)["About the same"].known.tolist() == [False, False, True, False]


def test_totals_of_the_country_are_agencies_times_the_mean(results):
    rows, design = survey_cases.agencies()
    part = rows[rows["part2"]]
    weight, arrests = part["part_weight"], part["q11_arrests"].astype("Float64")
    given = arrests.notna()
    mean = (weight * arrests)[given].sum() / weight[given].sum()
    found = results.totals.set_index("measure").loc["Arrests", "value"]
    assert found == pytest.approx(float(mean * weight.sum()))
    assert design.weight.sum() == pytest.approx(weight.sum())


# -- models ------------------------------------------------------------------------------------------------------------


def modelled_rows(n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    types = ["Municipal police", "Sheriff's office", "State agency"]
    rows = pd.DataFrame(
        {
            "agency_id": [f"A{k // 2:03d}" for k in range(n)],
            "described": True,
            "q1_type": pd.Categorical(rng.choice(cases.TYPES, n), cases.TYPES),
            "q3_victims": pd.array(rng.integers(1, 9, n), "Int64"),
            "q3a_under_18": pd.array(rng.integers(0, 2, n), "Int64"),
            "q5_foreign": pd.array(rng.integers(0, 2, n), "Int64"),
            "q6_suspects": pd.array(rng.integers(0, 5, n), "Int64"),
            "q9_network": pd.Categorical(rng.choice(YES_NO, n), YES_NO),
            "q7_came_to_light": pd.Categorical(rng.choice(list(section.WAYS.values()), n), list(section.WAYS.values())),
            "task_force_partner": pd.Categorical(np.where(np.arange(n) % 4 < 2, "Yes", "No"), YES_NO),
            "agency_type": pd.Categorical(rng.choice(types, n), types),
            "opened_on": pd.to_datetime("2003-06-01"),
        }
    )
    return rows


def design_of(rows: pd.DataFrame):
    n = len(rows)
    return survey_design(np.full(n, 5.0), ["s"] * n, np.full(n, 5.0 * n / 2), cluster=rows["agency_id"])


def test_one_trait_gives_the_odds_ratio_of_its_table():
    rows = modelled_rows()
    partner = (rows["task_force_partner"] == "Yes").to_numpy()
    outcome = np.random.default_rng(2).random(len(rows)) < np.where(partner, 0.6, 0.35)
    found = section.model(rows, design_of(rows), "x", outcome, np.ones(len(rows), dtype=bool), 0.95, ["partner"])
    a, b = outcome[partner].sum(), (~outcome)[partner].sum()
    c, d = outcome[~partner].sum(), (~outcome)[~partner].sum()
    row = found.ratios.iloc[0]
    assert row["ratio"] == pytest.approx(a * d / (b * c))
    assert found.effects["value"].iloc[0] == pytest.approx(a / (a + b) - c / (c + d))
    assert (found.n, found.agencies, found.events, found.firth) == (240, 120, outcome.sum(), False)


def test_cases_with_a_missing_trait_are_left_out():
    rows = modelled_rows()
    rows.loc[:19, "q6_suspects"] = pd.NA
    outcome = np.random.default_rng(3).random(len(rows)) < 0.5
    found = section.model(rows, design_of(rows), "x", outcome, np.ones(len(rows), dtype=bool), 0.95)
    assert found.n == 220
    assert "year" not in set(found.ratios["variable"])  # all cases opened in one year


def test_separation_is_met_with_firths_penalty():
    rows = modelled_rows()
    outcome = np.random.default_rng(4).random(len(rows)) < 0.5
    outcome |= (rows["task_force_partner"] == "Yes").to_numpy()
    found = section.model(rows, design_of(rows), "x", outcome, np.ones(len(rows), dtype=bool), 0.95)
    assert found.firth
    row = found.ratios.set_index("variable").loc["partner"]
    assert np.isfinite([row["ratio"], row["low"], row["high"]]).all()
    assert row["low"] > 1
    with pytest.raises(InputError, match="does not vary"):
        section.model(rows, design_of(rows), "x", np.ones(len(rows), dtype=bool), np.ones(len(rows), dtype=bool), 0.95)


def test_clusters_count_in_the_errors_of_the_models():
    rows = modelled_rows()
    outcome = np.random.default_rng(5).random(len(rows) // 2).repeat(2) < 0.5  # both cases of an agency alike
    everybody = np.ones(len(rows), dtype=bool)
    clustered = section.model(rows, design_of(rows), "x", outcome, everybody, 0.95, ["partner"]).effects["se"].iloc[0]
    n = len(rows)
    alone = survey_design(np.full(n, 5.0), ["s"] * n, np.full(n, 5.0 * n))
    single = section.model(rows, alone, "x", outcome, everybody, 0.95, ["partner"]).effects["se"].iloc[0]
    assert clustered / single == pytest.approx(np.sqrt(2), rel=0.02)


# -- the stand-in ------------------------------------------------------------------------------------------------------


def test_estimates_of_the_stand_in_cover_its_truth(results):
    agencies, told = survey_cases.truth()["agencies"], survey_cases.truth()["cases"]
    prosecuted = told["q12_prosecuted"] < 4
    charged = (told["q10_state_charges"] == 1) | (told["q11_federal_charges"] == 1)
    both = agencies["q12_more_time"] < 7
    pairs = [
        (
            results.light,
            "Investigation of another crime",
            survey.ALL,
            (agencies["q3a_other_investigations"] == 1).mean(),
        ),
        (results.strategies, text.STRATEGY, survey.ALL, (agencies["q4a_indicators"] == 1).mean()),
        (results.time, cases.SEX, "Both types investigated", (agencies.loc[both, "q12_more_time"] == 1).mean()),
        (results.flow, "Charged", cases.ALL_CASES, charged.mean()),
        (results.flow, "Prosecuted", cases.ALL_CASES, prosecuted.mean()),
        (results.flow, "Convicted", cases.ALL_CASES, (prosecuted & (told["q13_outcome"] == 1)).mean()),
        (results.light_cases, "Proactive search", cases.ALL_CASES, (told["q7_came_to_light"] == 7).mean()),
    ]
    for found, measure, domain, true in pairs:
        row = found[(found["measure"] == measure) & (found["domain"] == domain)].iloc[0]
        assert abs(row["value"] - true) < 4 * row["se"], (measure, row["value"], true)
    arrests = results.totals.set_index("measure").loc["Arrests"]
    assert abs(arrests["value"] - agencies["q11_arrests"].sum()) < 4 * arrests["se"]


# -- wording -----------------------------------------------------------------------------------------------------------


def test_time_is_said_to_differ_only_where_it_does(results):
    assert "More of them spend more time on sex trafficking" in text.time_paragraph(results)
    lead = results.sex_over_labor["time"]
    flat = dataclasses.replace(lead, test=dataclasses.replace(lead.test, p=0.3))
    other = dataclasses.replace(results, sex_over_labor=results.sex_over_labor | {"time": flat})
    assert "Neither type is shown to take more" in text.time_paragraph(other)
    turned = dataclasses.replace(
        results, sex_over_labor=results.sex_over_labor | {"time": dataclasses.replace(lead, value=-0.4)}
    )
    assert "More of them spend more time on labor trafficking" in text.time_paragraph(turned)


def test_groups_differ_or_not(results):
    assert "differ in use: “" in text.strategies_paragraph(results)
    flat = dataclasses.replace(results, strategies_p=dict.fromkeys(results.strategies_p, 1.0))
    assert "None of the strategies is shown to differ" in text.strategies_paragraph(flat)


def test_light_is_ahead_only_where_shown(results):
    assert "It is ahead of the next by" in text.light_paragraph(results)
    lead = results.light_leader
    tied = dataclasses.replace(
        lead,
        ties=["Tip from the public"],
        lead=dataclasses.replace(lead.lead, test=dataclasses.replace(lead.lead.test, p=0.2)),
    )
    said = text.light_paragraph(dataclasses.replace(results, light_leader=tied))
    assert "though “Tip from the public” is not shown to be less frequent" in said
    assert "It is not shown to be ahead" in said


def test_charges_and_course_follow_the_tests(results):
    same = estimate.Test(1.0, 2.0, 100.0, 0.4)
    tests = dict.fromkeys(results.charges_tests, same)
    assert "The charges, courts and outcomes of the two types are not shown to differ" in text.charges_paragraph(tests)
    mixed = text.charges_paragraph(tests | {"courts": dataclasses.replace(same, p=0.001)})
    assert "The courts of sex and of labor cases differ and the charges and outcomes of the two types are not" in mixed
    shown = dataclasses.replace(results, flow_compared=results.flow_compared.assign(p_adjusted=0.01, value=-0.2))
    assert "charged (smaller for sex)" in text.course_paragraph(shown)
    flow = results.flow.copy()
    stage = flow["measure"].isin(["Charged", "Prosecuted, of charged", "Convicted, of decided"])
    flow.loc[stage, ["value", "low", "high"]] = (0.6, 0.5, 0.7)
    even = text.course_paragraph(dataclasses.replace(results, flow=flow))
    assert "No stage is shown to lose more than the others" in even
    assert "largest share is lost" not in even
    flow.loc[flow["measure"] == "Prosecuted, of charged", ["value", "low", "high"]] = (0.3, 0.2, 0.4)
    found = text.course_paragraph(dataclasses.replace(results, flow=flow))
    assert "The largest share is lost between charges and prosecution" in found
    hidden = dataclasses.replace(results, flow_compared=results.flow_compared.assign(p_adjusted=1.0))
    assert "not shown to differ at any stage" in text.course_paragraph(hidden)


def test_models_name_only_traits_that_are_shown_to_count(results):
    flat = [dataclasses.replace(one, ratios=one.ratios.assign(p_adjusted=0.5)) for one in results.models]
    said = text.models_paragraph(flat)
    assert said.count(": none") == 3
    assert "odds ratio" not in said
    assert "twice as many suspects" in text.models_paragraph(results.models)


# -- the chapter -------------------------------------------------------------------------------------------------------


def test_every_number_in_the_texts_is_recorded_and_nothing_else_is_printed(exhibits):
    said = " ".join(exhibits.texts.values())
    assert set(re.findall(r"\{\{< num (\S+)", said)) <= set(exhibits.numbers.numbers)
    plain = re.sub(r"\{\{<.*?>\}\}|@[\w-]+", "", said)
    assert not re.search(r"\d", plain)


def test_hidden_estimates_are_hidden_everywhere(given):
    *start, settings = given
    strict = settings | {"reliability": settings["reliability"] | {"hide_n": 10_000}}
    exhibits = show.chapter(*start, strict)
    assert "too uncertain" in exhibits.texts["findings"]
    assert "too uncertain" in exhibits.texts["challenges"]
    table = next(one for one in exhibits.tables if one.ident == "tbl-prosecution-course")
    assert table.data["value"].isna().all()
    for figure in exhibits.figures:
        assert figure.draw(figure.data) is not None


def test_tables_and_figures_have_their_data(exhibits):
    assert len(exhibits.tables) == 9
    assert len(exhibits.figures) == 5
    for figure in exhibits.figures:
        assert len(figure.data)
        assert "nan" not in figure.alt
        assert figure.draw(figure.data) is not None


def test_traits_of_the_models_have_labels(results):
    labels = [section.term_label(term) for one in results.models for term in one.ratios["term"]]
    assert "Labor (against sex)" in labels
    assert not [label for label in labels if "{" in label or "[" in label]
