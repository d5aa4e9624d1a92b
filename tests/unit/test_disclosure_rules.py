"""Rules of disclosure control: each on cases worked by hand, and the shipped settings."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from agency_survey import schema
from agency_survey.disclosure.rules import Rules, numerator, weighted_numerator
from agency_survey.errors import InputError

RULES = Rules.of(schema.load("config/disclosure.yaml", "disclosure"))


def test_the_shipped_rules_are_read():
    assert (RULES.minimum_count, RULES.protection, RULES.minimum_base) == (3, 3, 10)
    assert RULES.dominance == (2, 0.85)
    assert "Region" in RULES.geography


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"minimum_cuont": 3}, "Did you mean 'minimum_count'"),
        ({"minimum_count": 1}, "a number of agencies, at least 2"),
        ({"dominance": {"n": 2}}, "'k' is missing"),
        ({"p_percent": 0}, "a percent such as 10"),
    ],
)
def test_settings_that_are_not_valid_are_refused_with_the_key(tmp_path, change, said):
    with open("config/disclosure.yaml", encoding="utf-8") as file:
        data = yaml.safe_load(file) | change
    path = tmp_path / "disclosure.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        schema.load(path, "disclosure")


@pytest.mark.parametrize(("units", "risk"), [(0, False), (1, True), (2, True), (3, False)])
def test_few_units_are_at_risk_and_none_is_not(units, risk):
    assert RULES.count_at_risk(units) is risk


def test_a_share_is_at_risk_from_both_sides_and_where_a_small_group_answered_alike():
    assert RULES.share_at_risk(2, 50, 2, 52)
    assert RULES.share_at_risk(50, 1, 50, 51)
    assert not RULES.share_at_risk(3, 50, 3, 53)
    assert RULES.share_at_risk(0, 20, 0, 20)
    assert RULES.share_at_risk(20, 0, 20, 20)
    assert not RULES.share_at_risk(0, 21, 0, 21)
    assert not RULES.class_at_risk(0, 0)


def test_p_percent_asks_what_the_second_learns_of_the_first():
    # 100, 50 and others of 9: the second knows the first to within 9, that is 9 percent
    assert RULES.total_at_risk(np.array([100, 50, 9])) == ["dominance", "p_percent"]
    assert RULES.total_at_risk(np.array([100, 50, 27])) == []
    assert RULES.total_at_risk(np.array([100, 50, 20])) == ["dominance"]
    # the interval must grow by what the others lack of 10 percent of the largest, and of the total that k allows
    assert RULES.total_need(np.array([100, 50, 9])) == pytest.approx(2 * (150 / 0.85 - 159))
    assert RULES.total_need(np.array([100, 50, 27])) == 0


def test_a_weighted_total_hides_its_respondents_better():
    assert RULES.total_at_risk(np.array([100, 50]))
    assert RULES.total_at_risk(np.array([100, 50]), total=600) == []


def test_a_total_of_nothing_is_no_risk():
    assert RULES.total_at_risk(np.zeros(3)) == []
    assert RULES.total_at_risk(np.zeros(0)) == []


@pytest.mark.parametrize("n", [7, 23, 60, 150, 999])
def test_a_printed_percent_is_worked_back_to_every_count_that_prints_so(n):
    for percent in np.unique(np.round(100 * np.arange(n + 1) / n, 1)):
        fits = [k for k in range(n + 1) if abs(100 * k / n - percent) <= 0.05 + 1e-9]
        assert numerator(percent, 1, n) == (fits[0], fits[-1])


def test_a_weighted_share_leaves_the_counts_that_some_weights_give():
    assert weighted_numerator(0.5, 10, 1, 1) == (5, 5)
    low, high = weighted_numerator(0.5, 10, 1, 3)
    # with 3 of weight 3 and 7 of weight 9/7, 0.5 is possible; with 2 it is not: 6 of 6 + 8
    assert (low, high) == (3, 7)
    assert weighted_numerator(0, 10, 1, 3) == (0, 0)
    assert weighted_numerator(1, 10, 1, 3) == (10, 10)


def test_models_that_repeat_the_table_or_rest_on_few_units_are_refused():
    rng = np.random.default_rng(4)
    size = rng.normal(size=60)
    rare, common = np.arange(60) < 4, np.arange(60) % 2 == 0
    fine = np.column_stack([np.ones(60), size, common])
    assert RULES.model_problems(fine, ["Intercept", "size", "common"]) == []
    assert RULES.model_problems(np.column_stack([fine, rare]), ["Intercept", "size", "common", "rare"]) == [
        "the term rare has fewer than 10 units on one side"
    ]
    both = np.column_stack([np.ones(60), common, size > 0, common & (size > 0)])
    assert "saturated" in RULES.model_problems(both, ["Intercept", "a", "b", "a:b"])[0]
    assert "9 coefficients for 12 units" in RULES.model_problems(rng.normal(size=(12, 9)), list("abcdefghi"))[0]
