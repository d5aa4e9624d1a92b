"""What the chapters on cases share: groups, ratios under clusters, masking by agencies, comparisons, leaders."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from agency_survey.design import survey_design
from agency_survey.sections import builders, case_tables, cases, survey

LIMITS = {"flag_rse": 0.3, "hide_rse": 0.5, "hide_n": 10}
YEARS = range(2000, 2003)


def by_year(**counts) -> pd.DataFrame:
    """Yearly counts by agency: three of sex, three of labor; None is left out."""
    rows = []
    for agency, numbers in counts.items():
        names = [f"q{1 + k}_{kind}_{year}" for k, kind in enumerate(("sex", "labour")) for year in YEARS]
        rows.append({"agency_id": agency} | dict(zip(names, numbers, strict=True)))
    table = pd.DataFrame(rows)
    return table.astype({name: "Int64" for name in table.columns if name != "agency_id"})


def part1(**counts) -> pd.DataFrame:
    rows = [{"agency_id": a, "q15a_sex_cases": s, "q15b_labour_cases": x} for a, (s, x) in counts.items()]
    return pd.DataFrame(rows).astype({"q15a_sex_cases": "Int64", "q15b_labour_cases": "Int64"})


def test_groups_need_both_numbers_and_take_those_of_part_one_for_left_out_years():
    years = by_year(
        A=[1, 0, 2, 0, 0, 0],
        B=[0, 0, 0, 0, 1, 0],
        C=[1, 0, 0, 0, 0, 3],
        D=[1, 0, 0, None, 0, 0],  # labor known from Part I
        E=[2, 0, 0, None, 0, 1],  # labor not known, though it is not nothing
        F=[0, 0, 0, 0, 0, 0],
    )
    found = cases.investigated(years, part1(A=(9, 9), D=(1, 0), E=(2, None)))
    assert found["group"].astype(object).where(found["group"].notna(), None).to_dict() == {
        "A": "Sex only",
        "B": "Labor only",
        "C": "Both types",
        "D": "Sex only",
        "E": None,
        "F": None,
    }
    assert found["several"].fillna(False).tolist() == [True, False, True, False, False, False]
    assert found.loc["A", "sex"] == 3  # the years win over Part I
    assert found.loc["D", "total"] == 1
    assert pd.isna(found.loc["E", "total"])


@pytest.fixture
def clustered():
    """20 of 60 agencies of one stratum with one to three cases each, weight 3."""
    rng = np.random.default_rng(5)
    agency = pd.Series(np.repeat([f"A{k:02d}" for k in range(20)], rng.integers(1, 4, 20)))
    n = len(agency)
    design = survey_design(np.full(n, 3.0), ["a"] * n, np.full(n, 60.0), cluster=agency)
    x = pd.Series(rng.integers(1, 9, n), dtype="Int64")
    y = pd.Series([rng.integers(0, top + 1) for top in x], dtype="Int64")
    return agency, design, y, x


def test_ratio_has_the_variance_of_agencies_as_clusters(clustered):
    agency, design, y, x = clustered
    inside = np.ones(len(agency), dtype=bool)
    parts = [(survey.ALL, "All cases", inside)]
    found = cases.estimates(design, agency, {"young": cases.ratio(y, x, inside, True, "persons")}, parts, 0.95).iloc[0]
    ratio = y.sum() / x.sum()
    residual = (y - ratio * x).astype(float).groupby(agency).sum() / x.sum()
    variance = (1 - 20 / 60) * 20 * residual.var(ddof=1)  # Cochran 1977, section 6.4, for clusters
    assert found["value"] == pytest.approx(ratio)
    assert found["se"] == pytest.approx(np.sqrt(variance))
    logit = np.log(ratio / (1 - ratio))
    half = stats.t.ppf(0.975, 19) * found["se"] / (ratio * (1 - ratio))
    assert found["low"] == pytest.approx(1 / (1 + np.exp(half - logit)))
    assert (found["n"], found["agencies"], found["df"]) == (len(agency), 20, 19)


def test_rows_without_one_of_the_two_numbers_are_left_out(clustered):
    agency, design, y, x = clustered
    y, x = y.copy(), x.copy()
    y[0], x[1] = pd.NA, pd.NA
    inside = np.ones(len(agency), dtype=bool)
    found = cases.estimates(
        design, agency, {"r": cases.ratio(y, x, inside, True, "persons")}, [("", "all", inside)], 0.95
    ).iloc[0]
    assert found["value"] == pytest.approx(y[2:].sum() / x[2:].sum())
    assert found["n"] == len(agency) - 2


def test_few_agencies_hide_what_many_cases_would_show():
    agency = pd.Series(np.repeat([f"A{k}" for k in range(9)], 4))
    design = survey_design(np.ones(36), ["a"] * 36, np.full(36, 90.0), cluster=agency)
    half = pd.Series(np.tile([True, False], 18))
    inside = np.ones(36, dtype=bool)
    found = cases.estimates(design, agency, {"x": cases.indicator(half, inside)}, [("", "all", inside)], 0.95)
    assert found["n"].iloc[0] == 36
    hidden = cases.masked(found, LIMITS).iloc[0]
    assert np.isnan(hidden["value"])
    shown = cases.masked(found, {**LIMITS, "hide_n": 9}).iloc[0]
    assert shown["value"] == 0.5
    assert np.isnan(shown["low"])  # every agency alike: no sampling error to put in an interval


def test_difference_of_two_domains_has_their_covariance(clustered):
    agency, design, y, x = clustered
    rng = np.random.default_rng(6)
    first = rng.random(len(agency)) < 0.5
    measure = {"young": cases.ratio(y, x, np.ones(len(agency), dtype=bool), True, "persons")}
    found = cases.contrasts(design, measure, first, ~first, 0.95).iloc[0]
    ratios = [y[side].sum() / x[side].sum() for side in (first, ~first)]
    score = np.where(
        first,
        (y - ratios[0] * x).astype(float) / x[first].sum(),
        -(y - ratios[1] * x).astype(float) / x[~first].sum(),
    )
    variance = (1 - 20 / 60) * 20 * pd.Series(score).groupby(agency).sum().var(ddof=1)
    assert found["value"] == pytest.approx(ratios[0] - ratios[1])
    assert found["se"] == pytest.approx(np.sqrt(variance))
    hidden = pd.DataFrame({"breakdown": ["Type"], "measure": ["young"], "value": [np.nan]})
    assert cases.without_hidden(cases.contrasts(design, measure, first, ~first, 0.95), hidden)["p"].isna().all()


def test_independence_of_a_simple_sample_is_pearsons_test():
    rng = np.random.default_rng(7)
    n = 400
    group = rng.random(n) < 0.4
    answer = pd.Series(pd.Categorical(rng.choice(["a", "b", "c"], n), ["a", "b", "c"]))
    answer[np.flatnonzero(group)[:40]] = "a"
    design = survey_design(np.full(n, 100.0), ["s"] * n, np.full(n, 40000.0))
    parts = [(survey.ALL, "all", np.ones(n, dtype=bool)), ("g", "one", group), ("g", "two", ~group)]
    expected = stats.chi2_contingency(pd.crosstab(group, answer), correction=False)
    found = cases.independence(design, answer, parts)
    assert found.statistic * 2 == pytest.approx(
        expected.statistic, rel=0.05
    )  # design effects of about (1 - f) n / (n - 1)
    alone = cases.independence(design, answer, parts[:2])
    assert np.isnan(alone.p)


def test_leader_names_those_that_are_not_shown_to_be_less():
    n = 200
    rows = np.arange(n)
    measures = {
        "a": cases.indicator(rows < 120, np.ones(n, dtype=bool)),
        "b": cases.indicator(rows % 100 < 57, np.ones(n, dtype=bool)),
        "c": cases.indicator(rows < 20, np.ones(n, dtype=bool)),
    }
    design = survey_design(np.full(n, 50.0), ["s"] * n, np.full(n, 10000.0))
    found = cases.leader(design, measures, np.ones(n, dtype=bool), 0.95)
    assert (found.name, found.ties) == ("a", ["b"])
    assert found.lead.value == pytest.approx(0.6 - 0.57)
    assert "though “b” is not shown" in case_tables.most_often(found)
    assert case_tables.most_often(dataclasses.replace(found, ties=[])) == "“a” has the largest share"
    assert "three others are not shown" in case_tables.most_often(dataclasses.replace(found, ties=list("bcd")))


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.51, 0.9, "Most"), (0.4, 0.6, "About half of the"), (0.1, 0.49, "Fewer than half of the")],
)
def test_how_many_follows_the_interval(low, high, words):
    assert case_tables.how_many({"low": low, "high": high}) == words


def test_tables_give_cases_and_agencies_and_a_dash_for_what_is_hidden():
    line = {"breakdown": "b", "domain": "d", "percent": True, "value": 0.25, "se": 0.02, "low": 0.2, "high": 0.3}
    found = pd.DataFrame(
        [
            line | {"measure": "x", "n": 50, "agencies": 30},
            line | {"measure": "y", "n": 50, "agencies": 9, "value": np.nan},
            line
            | {
                "measure": "z",
                "n": 50,
                "agencies": 50,
                "percent": False,
                "value": 2.0,
                "se": 0.1,
                "low": 1.8,
                "high": 2.2,
            },
        ]
    )
    table = case_tables.measures_table(
        "tbl-x", "c", found, {"d": "D"}, LIMITS, "s", "n", (1, 1, 1), first="M", counted="d", foot=["p, alike: 0.04"]
    )
    assert table.shown["n"].tolist() == ["50 (30)", "50 (9)", "50", ""]
    assert table.shown["D"].tolist()[1:] == [builders.HIDDEN, "2.0 (1.8" + case_tables.tables.DASH + "2.2)", "*0.04*"]


@pytest.mark.parametrize(("high", "end"), [(0.33, 40.0), (0.4, 40.0), (0.97, 100.0), (np.nan, 20.0)])
def test_axes_hold_their_intervals(high, end):
    assert case_tables.right_end(pd.DataFrame({"share": [0.2], "high": [high]})) == end
