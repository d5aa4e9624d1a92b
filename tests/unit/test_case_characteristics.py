"""Chapter 7: one type or several, years, networks, victims; and wording that follows the results."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import survey_cases

from agency_survey import estimate
from agency_survey.design import survey_design
from agency_survey.sections import case_characteristics as section
from agency_survey.sections import case_characteristics_exhibits as show
from agency_survey.sections import case_characteristics_text as text
from agency_survey.sections import cases, survey


@pytest.fixture(scope="module")
def given():
    books = {"networks": survey_cases.book("part2"), "case": survey_cases.book("part3")}
    described = survey_cases.described("described"), survey_cases.described("all")
    return survey_cases.agencies(), survey_cases.kinds(), *described, books, survey_cases.SETTINGS


@pytest.fixture(scope="module")
def results(given):
    return show.results(*given)


@pytest.fixture(scope="module")
def exhibits(given):
    return show.chapter(*given)


def changed(found: pd.DataFrame, measure: str, **values) -> pd.DataFrame:
    found = found.copy()
    found.loc[found["measure"] == measure, list(values)] = list(values.values())
    return found


# -- statistics --------------------------------------------------------------------------------------------------------


def agency_kinds(group: list, total: list) -> pd.DataFrame:
    total = pd.Series(total, dtype="Float64")
    return pd.DataFrame({"group": pd.Categorical(group, cases.GROUPS), "total": total, "several": total >= 2})


def test_chance_of_one_type_is_the_binomials():
    kinds = agency_kinds(["Sex only", "Both types", "Labor only", "Sex only"], [2, 3, 4, 1])
    rows = pd.DataFrame({"part2": [True] * 4})
    found = section.one_type(rows, kinds, 0.6)
    assert found[section.ONE_TYPE].known.tolist() == [True, True, True, False]  # one investigation has one type anyhow
    expected = [0.6**2 + 0.4**2, 0.6**3 + 0.4**3, 0.6**4 + 0.4**4]
    np.testing.assert_allclose(found[section.EXPECTED].y[:3], expected)
    np.testing.assert_allclose(found[section.EXCESS].y[:3], [1 - expected[0], -expected[1], 1 - expected[2]])


def yearly_rows(n: int, growth: float) -> tuple[pd.DataFrame, object]:
    """n of 10 n agencies, each with 8 sex investigations in the first year and a share ``growth`` more in each."""
    rows = pd.DataFrame({"part2": [True] * n})
    for k, year in enumerate(range(2000, 2004)):
        spread = np.where(np.arange(n) % 2, 1.5, 0.5)
        rows[f"q1_sex_{year}"] = pd.array(8 * (1 + growth) ** k * spread, "Float64")
        rows[f"q2_labour_{year}"] = pd.array(3 * (1 + growth / 2) ** k * spread[::-1], "Float64")
    return rows, survey_design(np.full(n, 10.0), ["s"] * n, np.full(n, 10.0 * n))


def test_growth_of_a_geometric_series_is_its_rate():
    rows, design = yearly_rows(40, 0.5)
    found = section.years(rows, design, 0.95)
    growth = found.growth.set_index("kind")["value"]
    assert growth[cases.SEX] == pytest.approx(0.5)
    assert growth[cases.LABOR] == pytest.approx(0.25)
    totals = found.totals.set_index(["kind", "year"])["value"]
    assert totals[cases.SEX, "2000"] == pytest.approx(400 * 8)
    assert found.sex_share == pytest.approx(
        8 * (1 + 1.5 + 2.25 + 3.375) / (8 * 8.125 + 3 * (1 + 1.25 + 1.5625 + 1.953125))
    )


def test_errors_of_yearly_totals_and_growth_agree_with_the_jackknife():
    rng = np.random.default_rng(3)
    n = 150
    rows = pd.DataFrame({"part2": [True] * n})
    for k, year in enumerate(range(2000, 2004)):
        rows[f"q1_sex_{year}"] = pd.array(rng.poisson(2 + k, n), "Int64")
        rows[f"q2_labour_{year}"] = pd.array(rng.poisson(1 + k, n), "Int64")
    rows.loc[:9, "q1_sex_2000"] = pd.NA
    design = survey_design(np.full(n, 1000.0), ["s"] * n, np.full(n, 1000.0 * n))
    found = section.years(rows, design, 0.95)
    # delete one agency: its weight goes to the others
    kept = [rows.drop(index=k).reset_index(drop=True) for k in range(n)]
    other = survey_design(np.full(n - 1, 1000.0 * n / (n - 1)), ["s"] * (n - 1), np.full(n - 1, 1000.0 * n))
    again = [section.years(one, other, 0.95) for one in kept]
    totals = np.array([one.totals["value"] for one in again])
    se = np.sqrt((n - 1) / n * ((totals - totals.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(found.totals["se"], se, rtol=0.03)
    slopes = np.log1p([one.growth["value"].iloc[0] for one in again])
    se = np.sqrt((n - 1) / n * ((slopes - slopes.mean()) ** 2).sum())
    row = found.growth.iloc[0]
    assert (np.log1p(row["high"]) - np.log1p(row["low"])) / (2 * 1.976) == pytest.approx(se, rel=0.03)


def test_growth_is_missing_where_a_year_has_no_investigation():
    rows, design = yearly_rows(20, 0.1)
    rows["q2_labour_2001"] = pd.array([0.0] * 20, "Float64")
    growth = section.years(rows, design, 0.95).growth.set_index("kind")
    assert np.isnan(growth.loc[cases.LABOR, "value"])
    assert growth.loc[cases.SEX, "value"] == pytest.approx(0.1)


def test_agencies_without_links_have_none_of_any_kind():
    yes_no = ["Yes", "No"]
    rows = pd.DataFrame({"part2": [True] * 4, "q6_networks": pd.Categorical(["Yes", "No", "Yes", None], yes_no)})
    for name in section.LINKS:
        rows[name] = pd.Categorical(["Yes", None, None, None], yes_no)
    found = section.links(rows, dict.fromkeys(section.LINKS, "") | {"q6a_drugs": "Drugs"})["Drugs"]
    assert found.known.tolist() == [True, True, False, False]  # the third left the item out
    assert found.y.tolist() == [1, 0, 0, 0]


def test_estimates_of_the_stand_in_cover_its_truth(results):
    agencies, told = survey_cases.truth()["agencies"], survey_cases.truth()["cases"]
    young, known = told["q3a_under_18"] + told["q3b_18_to_24"], told["q3_victims"] - told["q3d_age_unknown"]
    sex = agencies[[name for name in agencies if name.startswith("q1_sex_")]].sum(axis=1)
    labor = agencies[[name for name in agencies if name.startswith("q2_labour_")]].sum(axis=1)
    several = sex + labor >= 2
    pairs = [
        (results.kinds, cases.SEX, cases_name(), (told["q1_type"] == 1).mean()),
        (results.victims, "Under 25", cases_name(), young.sum() / known.sum()),
        (results.victims, "Female", cases_name(), told["q4_female"].sum() / told["q3_victims"].sum()),
        (results.traits, "Victims per case", cases_name(), told["q3_victims"].mean()),
        (results.traits, "Linked to another network", cases_name(), (told["q9_network"] == 1).mean()),
        (results.links, section.ANY_LINK, survey.ALL, (agencies["q6_networks"] == 1).mean()),
        (results.single, section.ONE_TYPE, survey.ALL, ((sex == 0) | (labor == 0))[several].mean()),
        (results.groups, "Both types", survey.ALL, ((sex > 0) & (labor > 0)).mean()),
    ]
    for found, measure, domain, true in pairs:
        row = found[(found["measure"] == measure) & (found["domain"] == domain)].iloc[0]
        assert abs(row["value"] - true) < 4 * row["se"], (measure, row["value"], true)
    totals = results.years.totals.set_index(["kind", "year"])
    assert (
        abs(totals.loc[(cases.SEX, "2006"), "value"] - agencies["q1_sex_2006"].sum())
        < 4 * totals.loc[(cases.SEX, "2006"), "se"]
    )


def cases_name() -> str:
    return cases.ALL_CASES


# -- wording -----------------------------------------------------------------------------------------------------------


def test_findings_follow_the_intervals(results):
    assert text.findings(results).count("Most ") == 3
    assert "and most agencies with cases" in text.findings(results)
    few = dataclasses.replace(results, links=changed(results.links, section.ANY_LINK, low=0.3, high=0.45))
    assert "and fewer than half of the agencies with cases" in text.findings(few)
    half = dataclasses.replace(results, victims=changed(results.victims, "Under 25", low=0.4, high=0.6))
    assert "About half of the victims" in text.findings(half)


def test_specialization_is_claimed_only_beyond_chance(results):
    assert "agencies specialize" in text.types_paragraph(results)
    flat = dataclasses.replace(results, single=changed(results.single, section.EXCESS, low=-0.1, high=0.1))
    assert "not shown to differ from what chance" in text.types_paragraph(flat)
    below = dataclasses.replace(results, single=changed(results.single, section.EXCESS, low=-0.3, high=-0.1))
    assert "less than if the types" in text.types_paragraph(below)
    alike = dataclasses.replace(results, group_tests=results.group_tests.assign(p_adjusted=1.0))
    assert "are not shown to differ by agency type" in text.types_paragraph(alike)


def test_years_rise_fall_or_are_not_shown_to_change(results):
    years = results.years
    assert "rose over the period" in text.years_paragraph(years)
    flat = dataclasses.replace(years, growth=years.growth.assign(p=0.4))
    assert "not shown to have changed" in text.years_paragraph(flat)
    falling = dataclasses.replace(years, growth=years.growth.assign(value=-0.1), difference_p=0.01)
    assert "fell over the period" in text.years_paragraph(falling)
    assert "The two types differ in this" in text.years_paragraph(falling)


def test_victims_and_traits_are_said_to_differ_only_where_tests_say_so(results):
    assert "Victims of sex trafficking are younger" in text.victims_paragraph(results)
    alike = dataclasses.replace(
        results,
        victims_compared=results.victims_compared.assign(p_adjusted=1.0),
        origins_test=estimate.Test(1.0, 5.0, 100.0, 0.5),
    )
    said = text.victims_paragraph(alike)
    assert "not shown to differ in age" in said
    assert "not shown to be female more or less often" in said
    assert "the origins in sex and in labor cases are not shown to differ" in said
    turned = results.traits_compared.assign(p_adjusted=0.001, value=-1.0)
    assert "are smaller than in cases of labor trafficking" in text.compared_paragraph(turned)
    assert "larger" not in text.compared_paragraph(turned)
    none = text.compared_paragraph(results.traits_compared.assign(p_adjusted=1.0))
    assert "than in cases of labor" not in none


def test_networks_differ_or_not(results):
    flat = dataclasses.replace(results, links_p=dict.fromkeys(results.links_p, 1.0))
    assert "No kind of network is shown to differ" in text.networks_paragraph(flat)
    assert "is not shown to differ between" in text.networks_paragraph(flat)
    some = dataclasses.replace(results, links_p=dict.fromkeys(results.links_p, 0.01))
    assert "any link differs between" in text.networks_paragraph(some)


# -- the chapter -------------------------------------------------------------------------------------------------------


def test_every_number_in_the_texts_is_recorded_and_nothing_else_is_printed(exhibits):
    said = " ".join(exhibits.texts.values())
    assert set(re.findall(r"\{\{< num (\S+)", said)) <= set(exhibits.numbers.numbers)
    assert not re.search(r"\d", re.sub(r"\{\{<.*?>\}\}|@[\w-]+", "", said))


def test_hidden_estimates_are_hidden_everywhere(given):
    *start, settings = given
    strict = settings | {"reliability": settings["reliability"] | {"hide_n": 10_000}}
    exhibits = show.chapter(*start, strict)
    assert "too uncertain" in exhibits.texts["findings"]
    shares = [
        entry
        for entry in exhibits.numbers.numbers.values()
        if entry["n"] is not None and entry["unit"].startswith("share")
    ]
    assert shares
    assert all(entry["value"] is None for entry in shares)
    table = next(one for one in exhibits.tables if one.ident == "tbl-cases-victims")
    assert table.data["value"].isna().all()
    assert (table.shown["All cases"] == "\N{EN DASH}").all()


def test_tables_and_figures_have_their_data(exhibits):
    assert len(exhibits.tables) == 10
    assert len(exhibits.figures) == 4
    for figure in exhibits.figures:
        assert len(figure.data)
        assert "nan" not in figure.alt
        assert figure.draw(figure.data) is not None


# -- suspects ----------------------------------------------------------------------------------------------------------


def test_cases_are_classed_by_their_number_of_suspects():
    rows = pd.DataFrame({"q6_suspects": pd.array([0, 1, 2, 4, 5, 40, None], "Int64")})
    found = section.suspects(rows)
    assert found[:6].tolist() == ["None", "One", "Two to four", "Two to four", "Five and over", "Five and over"]
    assert found.isna().tolist() == [False] * 6 + [True]


def test_shares_by_number_of_suspects_are_those_of_the_cases(given, results):
    rows, design = given[2]
    told = rows["described"].to_numpy(dtype=bool) & rows["q6_suspects"].notna().to_numpy()
    none = (rows["q6_suspects"] == 0).to_numpy(dtype=bool, na_value=False)
    share = design.weight[told & none].sum() / design.weight[told].sum()
    part = results.suspects[results.suspects["domain"] == cases.ALL_CASES].set_index("measure")["value"]
    assert part["None"] == pytest.approx(share)
    assert part.sum() == pytest.approx(1)
    identified = results.traits.query("measure == 'A suspect identified' and domain == @cases.ALL_CASES")["value"].iloc[
        0
    ]
    assert identified == pytest.approx(1 - share)


def test_types_differ_in_suspects_only_where_the_test_says_so(results):
    alike = dataclasses.replace(results.suspects_test, p=0.4)
    assert "cases are not shown to differ" in text.suspects_paragraph(alike)
    apart = text.suspects_paragraph(dataclasses.replace(alike, p=0.001))
    assert "cases differ (p" in apart
    assert "not shown" not in apart
