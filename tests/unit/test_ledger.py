"""Printed forms of numbers and the ledger's merging."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_survey import ledger
from agency_survey.errors import InputError

COMMON = {"label": "L", "unit": "share", "domain": "All", "estimator": "mean"}


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (0.43349, "percent1", "43.3%"),
        (0.43349, "percent0", "43%"),
        (-0.0312, "points1", "−3.1 percentage points"),
        (0.0312, "points1", "3.1 percentage points"),
        (-0.0001, "percent1", "0.0%"),
        (12345.6, "count", "12,346"),
        (-1234.5678, "number2", "−1,234.57"),
        (2.5, "number1", "2.5"),
        (0.1234567, "number3", "0.123"),
        (0.00099, "p", "less than 0.001"),
        (0.001, "p", "0.001"),
        (0.0451, "p", "0.045"),
        (7.1e-15, "scientific", "7.1 × 10⁻¹⁵"),
        (3.2e4, "scientific", "3.2 × 10⁴"),
        ("rarely", "text", "rarely"),
        (None, "percent1", "–"),
        (float("nan"), "percent1", "–"),
        (float("inf"), "count", "–"),
        (np.float64("nan"), "count", "–"),
    ],
)
def test_printed_forms(value, style, text):
    assert ledger.format_value(value, style) == text


@pytest.mark.parametrize(
    ("low", "high", "style", "text"),
    [
        (0.414, 0.452, "percent1", "41.4% to 45.2%"),
        (-0.031, 0.012, "points1", "−3.1 to 1.2 percentage points"),
        (0.5, 2.25, "number2", "0.50 to 2.25"),
        (None, 1.0, "percent1", "–"),
        (float("nan"), 1.0, "percent1", "–"),
    ],
)
def test_printed_intervals(low, high, style, text):
    assert ledger.format_interval(low, high, style) == text


@given(st.floats(-1e9, 1e9), st.sampled_from(["count", "number1", "number2", "number3"]))
def test_printed_numbers_read_back_to_half_a_unit(value, style):
    text = ledger.format_value(value, style)
    places = {"count": 0, "number1": 1, "number2": 2, "number3": 3}[style]
    back = float(text.replace(",", "").replace(ledger.MINUS, "-"))
    assert abs(back - value) <= 0.5 * 10**-places * (1 + 1e-9) + 1e-6
    assert "-" not in text
    assert not (back == 0 and ledger.MINUS in text)


def test_a_number_is_recorded_whole():
    numbers = ledger.Numbers("perceptions")
    numbers.add(
        "a.b",
        np.float64(0.433),
        format="percent1",
        se=0.0098,
        interval=(0.414, 0.452),
        level=0.95,
        n=np.int64(2075),
        **COMMON,
    )
    found = numbers.as_dict()
    assert found["rule"] == "perceptions"
    number = found["numbers"]["a.b"]
    assert (number["value"], number["se"], number["low"], number["high"]) == (0.433, 0.0098, 0.414, 0.452)
    assert (number["level"], number["n"]) == (0.95, 2075)
    assert {type(number[k]) for k in ("value", "se", "low", "high")} == {float}
    assert type(number["n"]) is int
    assert number["text"] == {"value": "43.3%", "se": "0.98", "ci": "41.4% to 45.2%", "n": "2,075"}


def test_what_is_not_finite_is_recorded_as_missing():
    numbers = ledger.Numbers("r")
    numbers.add("a", math.nan, format="count", se=math.inf, interval=(math.nan, 1.0), level=0.95, **COMMON)
    number = numbers.as_dict()["numbers"]["a"]
    assert (number["value"], number["se"], number["low"], number["high"]) == (None, None, None, 1.0)
    assert number["text"] == {"value": "–", "se": "–", "ci": "–", "n": "–"}


def test_a_level_without_an_interval_is_not_recorded():
    numbers = ledger.Numbers("r")
    numbers.add("a", 1, format="count", level=0.95, **COMMON)
    assert numbers.numbers["a"]["level"] is None


def test_an_id_is_recorded_once():
    numbers = ledger.Numbers("r")
    numbers.add("a", 1, format="count", **COMMON)
    with pytest.raises(InputError, match=r"'a' is recorded twice \(rule r\)"):
        numbers.add("a", 2, format="count", **COMMON)


def test_merging_keeps_the_rule_of_each_number():
    parts = [{"rule": "x", "numbers": {"a": {"value": 1}}}, {"rule": "y", "numbers": {"b": {"value": 2}}}]
    assert ledger.merge(parts) == {"numbers": {"a": {"rule": "x", "value": 1}, "b": {"rule": "y", "value": 2}}}


def test_an_id_that_two_rules_share_is_refused():
    parts = [{"rule": rule, "numbers": {"a": {"value": 1}}} for rule in ("x", "y")]
    with pytest.raises(InputError, match="'a' comes from two rules, x and y"):
        ledger.merge(parts)


def test_printed_holds_what_the_book_names_in_its_printed_form_only():
    first, second = ledger.Numbers("x"), ledger.Numbers("x")
    for numbers, value in ((first, 0.43309), (second, 0.43311)):
        numbers.add(
            "x.share", value, format="percent1", label="L", unit="share", domain="all", estimator="mean", se=0.01
        )
        numbers.add("x.other", value, format="percent1", label="L", unit="share", domain="all", estimator="mean")
    named = {"x.share"}
    before, after = (ledger.printed(ledger.merge([one.as_dict()]), named) for one in (first, second))
    assert set(before["numbers"]) == named
    assert before["numbers"]["x.share"]["text"]["value"] == "43.3%"
    assert before == after


def test_printed_holds_the_nearest_number_of_a_wrong_name():
    numbers = ledger.Numbers("x")
    numbers.add("x.share.all", 0.5, format="percent1", label="L", unit="share", domain="all", estimator="mean")
    assert set(ledger.printed(ledger.merge([numbers.as_dict()]), {"x.share.al", "unheard"})["numbers"]) == {
        "x.share.all"
    }
