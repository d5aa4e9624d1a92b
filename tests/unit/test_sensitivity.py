"""Appendix D: departures by hand and against the jackknife, tipping points, items, imputation, coverage, and the wording."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import stand_in

from agency_survey import codebook, imputation, schema
from agency_survey.design import survey_design
from agency_survey.errors import InputError
from agency_survey.sections import sensitivity as section
from agency_survey.sections import sensitivity_exhibits as show

SETTINGS = stand_in.CONFIG | {
    "sensitivity": {"largest_odds_ratio": 50, "steps": 5, "imputation": {"m": 2, "iterations": 4, "seed": 1}}
}
SIMULATED = stand_in.ROOT / "benchmarks/results/coverage.csv"


@pytest.fixture(scope="module")
def respondents():
    return stand_in.respondents()


@pytest.fixture(scope="module")
def book():
    return codebook.load(stand_in.ROOT / "config/codebooks/part1.yaml")


@pytest.fixture(scope="module")
def ended():
    tables = (stand_in.table(name) for name in ("frame", "disposition", "part1"))
    return section.stopped(*tables, stand_in.DESIGN, stand_in.CONFIG)


@pytest.fixture(scope="module")
def found(respondents, book, ended):
    return section.compute(*respondents, ended, [book], pd.read_csv(SIMULATED), SETTINGS)


@pytest.fixture(scope="module")
def exhibits(found):
    return show.appendix(found, True, SETTINGS)


def study(n=60, seed=3):
    """Two strata of different shares and response; own parts that vary within the second."""
    rng = np.random.default_rng(seed)
    cell = np.repeat(["a", "b"], n // 2)
    has = rng.random(n) < np.where(cell == "a", 0.3, 0.7)
    own = np.where(cell == "a", 0.6, rng.uniform(0.4, 0.9, n))
    weight = np.where(cell == "a", 5.0, 2.0) * rng.uniform(0.8, 1.2, n)
    return section.Study(pd.DataFrame({"cell": cell}), survey_design(weight, cell), own), has


def by_hand(cell, weight, own, has, odds):
    """The share when non-respondents have the odds times ``odds``, class by class."""
    total = 0.0
    for name in np.unique(cell):
        at = cell == name
        other = (weight * (1 - own))[at]
        p = (other * has[at]).sum() / other.sum()
        q = odds * p / (1 - p) / (1 + odds * p / (1 - p))
        total += (weight * own * has)[at].sum() + other.sum() * q
    return total / weight.sum()


def test_departure_of_one_class_by_hand():
    """Half of four agencies have it and half of the weight is of non-respondents: threefold odds make 3/4 of these."""
    one = section.Study(
        pd.DataFrame({"cell": ["a"] * 4}), survey_design(np.ones(4), np.zeros(4), np.full(4, 40)), np.full(4, 0.5)
    )
    moved = section.departed(one, np.array([True, True, False, False]), np.ones(4, dtype=bool), 3.0)
    assert moved.found.value[0] == pytest.approx((0.5 + 0.75) / 2)
    assert moved.others == pytest.approx(0.75)


@pytest.mark.parametrize("odds", [0.2, 1.0, 4.0])
def test_departures_against_class_sums_and_the_jackknife(odds):
    one, has = study()
    moved = section.departed(one, has, np.ones(len(has), dtype=bool), odds)
    cell, weight = one.rows["cell"].to_numpy(), one.design.weight
    assert moved.found.value[0] == pytest.approx(by_hand(cell, weight, one.own, has, odds), rel=1e-12)
    variance = 0.0
    for name in np.unique(cell):
        members = np.flatnonzero(cell == name)
        left = []
        for gone in members:
            scaled = np.where(cell == name, weight * len(members) / (len(members) - 1), weight)
            scaled[gone] = 0.0
            left.append(by_hand(cell, scaled, one.own, has, odds))
        variance += (len(members) - 1) / len(members) * np.sum((np.array(left) - np.mean(left)) ** 2)
    assert moved.found.se[0] == pytest.approx(np.sqrt(variance), rel=0.02)


def test_no_departure_gives_the_chapters_shares(respondents, found):
    rows, _design = respondents
    plain = found.scenarios[found.scenarios["scenario"] == "Missing at random"].set_index("measure")
    known = rows["q6_training"].notna()
    trained = (rows["q6_training"] == "Yes")[known]
    assert plain.loc[section.TRAINING, "share"] == pytest.approx(np.average(trained, weights=rows.loc[known, "weight"]))
    assert plain.loc[section.TRAINING, "se"] == pytest.approx(
        found.stopped[found.stopped["measure"] == section.TRAINING]["se"].iloc[-1]
    )


def test_bounds_hold_every_departure():
    one, has = study()
    inside = np.ones(len(has), dtype=bool)
    low, high = section.bounds(one, has, inside)
    weight = one.design.weight
    assert low == pytest.approx((weight * one.own * has).sum() / weight.sum())
    assert high == pytest.approx(low + (weight * (1 - one.own)).sum() / weight.sum())
    for odds, bound in ((1e-9, low), (1e9, high)):
        assert section.departed(one, has, inside, odds).found.value[0] == pytest.approx(bound, abs=1e-6)


def claim(has, *groups):
    return section.Claim("x", "A finding", section.ANY, has, groups)


def test_the_tipping_point_is_where_the_share_is_one_half():
    one, has = study(400)
    has = has | (np.arange(400) % 3 == 0)
    found = section.tipping(one, claim(has, np.ones(400, dtype=bool)), 100, 0.95)
    assert found.above
    assert found.established
    at_tip = by_hand(one.rows["cell"].to_numpy(), one.design.weight, one.own, has, found.value[0])
    assert at_tip == pytest.approx(0.5, abs=1e-5)
    assert found.value[0] < found.limit[0] < 1
    assert found.limit[1]["low"] == pytest.approx(0.5, abs=1e-5)


def test_no_tipping_point_where_the_bounds_do_not_reach():
    one, has = study(400)
    sure = section.Study(one.rows, one.design, np.full(400, 0.95))
    few = has & (np.arange(400) % 5 == 0)
    found = section.tipping(sure, claim(few, np.ones(400, dtype=bool)), 1e4, 0.95)
    assert found.value is None
    assert found.limit is None
    assert found.worst < 0.5
    assert not found.above


def test_a_difference_vanishes_when_the_groups_move_towards_each_other():
    one, has = study(400)
    first = one.rows["cell"].to_numpy() == "b"
    found = section.tipping(one, claim(has, first, ~first), 1e4, 0.95)
    odds = found.value[0]
    shares = [
        by_hand(*(values[group] for values in (one.rows["cell"].to_numpy(), one.design.weight, one.own, has)), moved)
        for group, moved in ((first, odds), (~first, 1 / odds))
    ]
    assert found.above
    assert odds < 1
    assert shares[0] == pytest.approx(shares[1], abs=1e-5)


def test_a_finding_that_its_interval_does_not_bear_out_has_no_limit():
    one, _has = study(60)
    even = np.arange(60) % 2 == 0
    found = section.tipping(one, claim(even, np.ones(60, dtype=bool)), 50, 0.95)
    assert not found.established
    assert found.limit is None
    assert "there is no finding to overturn" in show.tipping_text([found])


def test_a_survey_that_ends_after_the_last_mailing_is_the_survey(respondents, ended):
    rows, _ = respondents
    last = ended[ended["domain"] == "To third mailing"].set_index("measure")
    known = rows["q13_any_case"].notna()
    share = np.average((rows["q13_any_case"] == "Yes")[known], weights=rows.loc[known, "weight"])
    assert last.loc[section.ANY, "share"] == pytest.approx(share)
    first = ended[ended["domain"] == "First mailing only"].set_index("measure")
    assert first.loc[section.ANY, "n"] == (known & (rows["wave"] == "First mailing")).sum()


def test_shares_by_mailing_by_hand(respondents, found):
    rows, _ = respondents
    line = found.waves.set_index(["measure", "domain"]).loc[(section.PROTOCOL, "Second mailing")]
    inside = (rows["wave"] == "Second mailing") & rows["q9_protocol"].notna()
    has = (rows["q9_protocol"] == "Yes")[inside]
    assert line["share"] == pytest.approx(np.average(has, weights=rows.loc[inside, "weight"]))


def test_late_respondents_that_differ_are_found(respondents):
    """Training made to depend on the last mailing: the odds ratio says so, that of any case does not."""
    rows, design = respondents
    late = (rows["wave"] == "Third mailing").to_numpy()
    turned = rows["q6_training"].mask(late & (np.arange(len(rows)) % 2 == 0), "Yes")
    found = section.late_odds(rows.assign(q6_training=turned), design, 0.95).set_index("measure")
    assert found.loc[section.TRAINING, "low"] > 2
    assert found.loc[section.TRAINING, "p_adjusted"] < 0.001
    assert found.loc[section.ANY, "low"] < 1 < found.loc[section.ANY, "high"]


def test_every_answer_due_is_counted_once(respondents, found, book):
    rows, design = respondents
    table = section.items(rows, design, [book], 0.95)
    assert not {"answered", "dont_know", *section.UNANSWERED} & set(found.items)  # most are counts of few agencies
    without = table[list(section.UNANSWERED)].sum(axis=1)
    assert found.blocks.iloc[-1]["without"] == pytest.approx(without.sum(), abs=5)
    assert (found.blocks[["dont_know", "without"]] % 10 == 0).all(axis=None)
    parts = table[["answered", "dont_know", *section.UNANSWERED]].sum(axis=1)
    assert (parts == table["asked"]).all()
    rows, _ = respondents
    line = table.set_index("variable").loc["q7_training_hours"]
    kind = rows["q7_training_hours__missing"]
    asked = kind != "not_asked"
    without = kind.isin(["refused", "missing", "invalid"])
    assert line["asked"] == asked.sum()
    assert line["share"] == pytest.approx(rows.loc[without, "weight"].sum() / rows.loc[asked, "weight"].sum())
    assert found.blocks.iloc[-1]["asked"] == table["asked"].sum()
    assert "q5g_other_text" not in set(table["variable"])


def test_imputed_shares_are_the_mean_over_completed_tables(respondents):
    rows, design = respondents
    gap = rows["q13_any_case"].isna()
    filled = [rows[list(section.ITEMS)].assign(q13_any_case=rows["q13_any_case"].fillna(y)) for y in ("Yes", "No")]
    made = imputation.Imputations(filled, list(section.ITEMS), np.zeros((2, 4, 8)))
    table = section.imputed(rows, design, made, 0.95).set_index(["method", "measure"])
    weight, yes = rows["weight"], rows["q13_any_case"] == "Yes"
    want = [weight[yes | gap].sum() / weight.sum(), weight[yes].sum() / weight.sum()]
    line = table.loc[(section.IMPUTED, section.ANY)]
    assert line["share"] == pytest.approx(np.mean(want))
    assert line["se"] ** 2 > 1.5 * np.var(want, ddof=1)
    assert table.loc[(section.COMPLETE, section.ANY), "n"] == (~gap).sum()


def simulated(**rows):
    """Simulation rows from (bias in sd, se_ratio, coverage), both analyses."""
    lines = [
        {"analysis": kind, "quantity": name, "samples": 1000, "truth": 1.0, "bias": b, "bias_mc_se": 0.03, "sd": 1.0}
        | {"se_ratio": r, "coverage": c, "coverage_mc_se": 0.007}
        for kind in ("design", "naive")
        for name, (b, r, c) in rows.items()
    ]
    return pd.DataFrame(lines)


def test_reasons_of_coverage():
    """0.921 is the coverage at half a standard deviation of bias, 0.883 at standard errors of 0.8 of it."""
    table = section.coverage(
        simulated(
            fine=(0, 1, 0.947), biased=(0.5, 1, 0.921), short=(0, 0.8, 0.883), odd=(0, 1, 0.9), long=(0, 1.2, 0.981)
        )
    ).set_index("quantity")
    assert table["reason"].to_dict() == {
        "fine": "",
        "biased": section.BIAS,
        "short": section.SPREAD,
        "odd": section.SHAPE,
        "long": section.SPREAD,
    }
    assert table["error"].iloc[0] == pytest.approx(0.00689, abs=1e-5)


def test_coverage_in_words():
    calm = show.coverage_text(section.coverage(simulated(fine=(0, 1, 0.947))))
    assert "No coverage is further" in calm
    assert "because" not in calm
    loud = show.coverage_text(section.coverage(simulated(biased=(0.5, 1, 0.921), long=(0, 1.2, 0.981))))
    assert "too few intervals hold the truth, because the estimate is biased" in loud
    assert "too many intervals hold the truth, because standard errors are too large" in loud


def test_wording_follows_the_tests(found):
    calm = dataclasses.replace(
        found, checks=found.checks.assign(p_adjusted=0.5), late=found.late.assign(p_adjusted=0.5)
    )
    loud = dataclasses.replace(
        found, checks=found.checks.assign(p_adjusted=0.001), late=found.late.assign(p_adjusted=0.001)
    )
    assert "not shown to differ" in show.findings(calm, found.tipping)
    assert "not shown to differ" not in show.findings(loud, found.tipping)
    numbers = show.appendix(found, True, SETTINGS).numbers
    assert "Shares differ between the mailings" in show.waves_text(loud, numbers)
    assert "No measure is shown to differ" in show.waves_text(calm, numbers)


def test_chains_that_have_not_mixed_are_said_to_need_more_rounds(found):
    said = [show.imputed_text(dataclasses.replace(found, scale_reduction=value)) for value in (1.02, 1.5)]
    assert "more rounds" not in said[0]
    assert "more rounds" in said[1]


def test_prose_prints_recorded_numbers_and_no_digits(exhibits):
    known = exhibits.numbers.numbers
    for name, text in exhibits.texts.items():
        used = re.findall(r"\{\{< num (\S+?)(?: \w+)? >\}\}", text)
        assert used, name
        assert set(used) <= set(known), name
        plain = re.sub(r"\{\{<.*?>\}\}|communities of [\d,]+ and over", "", text)
        assert not re.search(r"\d", plain), (name, plain)


def test_nothing_uncertain_is_shown(found):
    strict = SETTINGS | {"reliability": {"flag_rse": 0.3, "hide_rse": 0.5, "hide_n": 10_000}}
    made = show.appendix(found, True, strict)
    shown = [n["text"]["value"] for i, n in made.numbers.numbers.items() if i.startswith("sensitivity.wave.")]
    assert set(shown) == {"\N{EN DASH}"}
    assert not any(i.startswith("sensitivity.tipping.") for i in made.numbers.numbers)


def test_exhibits_are_those_of_the_rule(exhibits):
    rule = (stand_in.ROOT / "workflow/rules/84_sensitivity.smk").read_text(encoding="utf-8")
    made = [one.ident for one in [*exhibits.tables, *exhibits.figures]]
    assert set(made) == set(re.findall(r'"((?:tbl|fig)-[\w-]+)"', rule))
    for figure in exhibits.figures:
        assert len(re.findall(r"\d", figure.alt)) > 10, figure.ident


@pytest.mark.parametrize(
    "change", [{"largest_odds_ratio": 1}, {"steps": 2}, {"imputation": {"m": 1, "iterations": 4, "seed": 1}}]
)
def test_settings_are_checked(change):
    given = stand_in.CONFIG | {"sensitivity": stand_in.CONFIG["sensitivity"] | change}
    with pytest.raises(InputError):
        schema.validate(given, "config", "config/config.yaml")
