"""Weight factors: class sums are met, non-respondents have none, collapse follows its rules."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agency_survey import weights
from agency_survey.errors import InputError

AGENCY = st.tuples(
    st.sampled_from("abc"),  # class
    st.floats(1, 50),  # base weight
    st.sampled_from(["respondent", "non-respondent", "out of scope"]),
)


@given(st.lists(AGENCY, min_size=1, max_size=30))
def test_respondents_stand_for_the_eligible_of_their_class(rows):
    cell, base, state = (np.array(column) for column in zip(*rows, strict=True))
    responded, eligible = state == "respondent", state != "out of scope"
    assume(all(responded[eligible & (cell == c)].any() for c in set(cell[eligible])))
    factor = weights.nonresponse_factor(base, cell, eligible, responded)
    assert (factor[~responded] == 0).all()
    assert (factor[responded] >= 1 - 1e-12).all()
    for c in set(cell):
        inside = cell == c
        assert (base * factor)[inside].sum() == pytest.approx(base[inside & eligible].sum())
        assert len(np.unique(factor[inside & responded])) <= 1


def test_factor_by_hand():
    factor = weights.nonresponse_factor([2, 2, 4, 4, 3], list("aaaab"), [1, 1, 1, 0, 1], [1, 0, 1, 0, 1])
    np.testing.assert_allclose(factor, [8 / 6, 0, 8 / 6, 0, 1])


def test_out_of_scope_agencies_need_no_base_weight():
    assert weights.nonresponse_factor([2.0, np.nan], ["a", "a"], [1, 0], [1, 0]).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (([1, 1, 1], list("aab"), [1, 1, 0], [1, 1, 1]), "A respondent is out of scope (row 3)"),
        (([1, 1, 1], list("aab"), [1, 1, 1], [1, 1, 0]), "no respondent: b"),
        (
            ([1, np.nan, 1], list("aaa"), [1, 1, 1], [1, 0, 1]),
            "base weight is missing, infinite or not positive (row 2)",
        ),
        (([1, 0, 1], list("aaa"), [1, 1, 1], [1, 0, 1]), "not positive (row 2)"),
        (([1, 1, 1], ["a", "a", None], [1, 1, 1], [1, 1, 1]), "The weighting class is missing (row 3)"),
    ],
)
def test_nonresponse_refusals(given, words):
    with pytest.raises(InputError) as caught:
        weights.nonresponse_factor(*given)
    assert words in str(caught.value)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.1, 99)), min_size=1, max_size=30), st.data())
def test_poststratified_weights_meet_every_total(rows, data):
    cell, weight = (np.array(column) for column in zip(*rows, strict=True))
    totals = pd.Series({c: data.draw(st.floats(1, 1e6)) for c in sorted(set(cell))})
    factor = weights.poststratification_factor(weight, cell, totals)
    for c, total in totals.items():
        inside = cell == c
        assert (weight * factor)[inside].sum() == pytest.approx(total)
        assert np.ptp(factor[inside]) == 0


@pytest.mark.parametrize(
    ("weight", "cell", "totals", "words"),
    [
        ([1, 1], ["a", "z"], {"a": 4.0}, "No population count is known for the cell z"),
        ([1, 1], ["a", "a"], {"a": 4.0, "b": 2.0}, "holds no agency of the cell b"),
        ([1, 0], ["a", "b"], {"a": 4.0, "b": 2.0}, "holds no agency of the cell b"),
        ([1, np.nan], ["a", "a"], {"a": 4.0}, "A weight is missing, negative or infinite (row 2)"),
        ([1, 1], ["a", None], {"a": 4.0}, "The cell is missing (row 2)"),
    ],
)
def test_poststratification_refusals(weight, cell, totals, words):
    with pytest.raises(InputError) as caught:
        weights.poststratification_factor(weight, cell, pd.Series(totals))
    assert words in str(caught.value)


@given(st.lists(st.floats(0.1, 1000), min_size=1, max_size=30), st.floats(0.01, 100))
def test_kish_design_effect(weight, scale):
    effect = weights.kish_design_effect(weight)
    assert effect >= 1 - 1e-12
    assert effect == pytest.approx(1 + np.var(weight) / np.mean(weight) ** 2)
    assert weights.kish_design_effect(scale * np.array([*weight, 0.0])) == pytest.approx(effect)


def test_kish_design_effect_of_equal_weights_is_one_and_of_none_undefined():
    assert weights.kish_design_effect([3, 3, 3]) == pytest.approx(1)
    with pytest.raises(InputError, match="no positive weight"):
        weights.kish_design_effect([0, 0])


def test_outcome_rates_by_the_standard_definitions():
    """I = 50, P = 10, R = 15, NC = 20, O = 5, U = 100: AAPOR's RR1, RR2, COOP1, REF1, CON1."""
    rates = weights.aapor_rates(complete=50, partial=10, refusal=15, noncontact=20, unknown=100, other=5)
    assert rates == {"RR1": 50 / 200, "RR2": 60 / 200, "COOP1": 50 / 80, "REF1": 15 / 200, "CON1": 80 / 200}


@pytest.mark.parametrize("counts", [(0, 0, 0, 0, 0), (0, 0, 0, 9, 9)])
def test_outcome_rates_need_a_contact(counts):
    with pytest.raises(InputError, match="no outcome rate is defined"):
        weights.aapor_rates(*counts)


def classes(counts: list[int], smallest: int, name: str = "police") -> list[list[int]]:
    """Classes that remain, as lists of the classes they hold; ``counts``: respondents by class 1, 2, ..."""
    order = np.repeat(np.arange(1, len(counts) + 1), [max(count, 1) for count in counts])
    responded = np.concatenate([np.arange(max(count, 1)) < count for count in counts])
    label, record = weights.collapsed_classes([name] * len(order), order, responded, smallest)
    found: dict[str, set] = {}
    for text, value in zip(label, order, strict=True):
        found.setdefault(text, set()).add(int(value))
    kept = sorted(sorted(values) for values in found.values())
    assert sorted(entry["classes"] for entry in record) == [values for values in kept if len(values) > 1]
    assert all(entry["respondents"] == sum(counts[k - 1] for k in entry["classes"]) for entry in record)
    return kept


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        ([20, 20, 20], [[1], [2], [3]]),
        ([10, 20], [[1], [2]]),  # enough is enough
        ([20, 3, 12], [[1], [2, 3]]),  # the smaller neighbour
        ([12, 3, 20], [[1, 2], [3]]),
        ([3, 20, 20], [[1, 2], [3]]),  # at the edge there is one neighbour only
        ([20, 20, 3], [[1], [2, 3]]),
        ([4, 3, 20, 20], [[1, 2, 3], [4]]),  # again until it is enough
        ([0, 20], [[1, 2]]),
        ([3, 4], [[1, 2]]),  # one is left, with fewer than asked for
        ([2], [[1]]),
    ],
)
def test_small_classes_join_the_smaller_neighbour(counts, wanted):
    assert classes(counts, 10) == wanted


@given(st.lists(st.integers(0, 15), min_size=1, max_size=9), st.integers(2, 12))
def test_collapsed_classes_are_neighbours_and_large_enough(counts, smallest):
    assume(sum(counts) >= 2)
    found = classes(counts, smallest)
    assert [value for values in found for value in values] == list(range(1, len(counts) + 1))
    if len(found) > 1:
        assert min(sum(counts[k - 1] for k in values) for values in found) >= smallest


def test_groups_are_never_mixed_and_the_index_does_not_matter():
    group = pd.Series(["b", "a", "a", "b", "b", "a"], index=[9, 4, 7, 1, 3, 8])
    responded = pd.Series([True] * 6, index=group.index)
    label, _ = weights.collapsed_classes(group, np.array([1, 1, 2, 2, 1, 2]), responded, 3)
    assert label.tolist() == [f"{name}, class 1 to 2" for name in group]


def test_groups_without_respondents_are_refused():
    with pytest.raises(InputError, match="The group a has fewer than two respondents"):
        weights.collapsed_classes(["a", "a", "b", "b"], [1, 2, 1, 1], [True, False, True, True], 2)
    with pytest.raises(InputError, match=r"group of a weighting class is missing \(row 2\)"):
        weights.collapsed_classes(["a", None, "a"], [1, 1, 1], [True] * 3, 2)
