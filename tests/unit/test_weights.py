"""Weight factors: inclusion, eligibility, response, known totals, trimming; their product; and outcome rates."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agency_survey import weights
from agency_survey.design import second_phase, survey_design
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


# ---- inclusion probabilities ---------------------------------------------------------------------------------------


def test_probability_by_several_sources_by_hand():
    """1 - (1 - 1/2)(1 - 1/4) = 5/8; a source that does not reach a unit adds nothing; a take-all source makes it 1."""
    found = weights.inclusion_probability([[0.5, 0.5, 0.25], [0.25, 0.0, 1.0]])
    np.testing.assert_allclose(found, [5 / 8, 1 / 2, 1])
    found = weights.inclusion_probability([[0.5, 0.1], 0.2], certainty=[False, True])
    np.testing.assert_allclose(found, [0.6, 1.0])
    np.testing.assert_allclose(weights.base_weight(found), [1 / 0.6, 1.0])


def test_tiny_probabilities_are_not_lost_in_rounding():
    assert weights.inclusion_probability([[1e-18], [2e-18]])[0] == pytest.approx(3e-18, rel=1e-12)


@given(st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=5), st.randoms())
def test_probability_does_not_depend_on_the_order_of_the_sources(sources, random):
    p = weights.inclusion_probability(sources)
    shuffled = list(sources)
    random.shuffle(shuffled)
    np.testing.assert_allclose(weights.inclusion_probability(shuffled), p, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(p, 1 - np.prod(1 - np.array(sources), axis=0), rtol=0, atol=1e-15 * 8)
    assert ((p <= 1) & (p >= np.max(sources, axis=0) - 1e-15)).all()
    certain = [row for row in range(4) if max(source[row] for source in sources) == 1]
    assert (p[certain] == 1).all()


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=9))
def test_one_source_keeps_its_probabilities_to_the_last_digit(p):
    assert weights.inclusion_probability([p]).tolist() == p


def test_overlapping_sources_bring_units_in_as_often_as_said():
    """10,000 draws of two Bernoulli sources and a supplement: shares within four standard errors of the probability."""
    rng = np.random.default_rng(5)
    sources = np.array([[0.2, 0.5, 0.05, 0.7], [0.3, 0.0, 0.05, 0.7]])
    certain = np.array([False, False, False, True])
    p = weights.inclusion_probability(sources, certain)
    drawn = ((rng.random((10_000, 2, 4)) < sources).any(axis=1) | certain).mean(axis=0)
    assert (np.abs(drawn - p) <= 4 * np.sqrt(p * (1 - p) / 10_000)).all()


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ([], "The sample has no source"),
        ([[0.5, 1.2]], "probability of source 1 is missing or outside 0 to 1 (row 2)"),
        ([[0.5], [np.nan]], "probability of source 2 is missing or outside 0 to 1 (row 1)"),
    ],
)
def test_probability_refusals(sources, words):
    with pytest.raises(InputError) as caught:
        weights.inclusion_probability(sources)
    assert words in str(caught.value)


@pytest.mark.parametrize("p", [0.0, 1.1, np.nan])
def test_a_sampled_agency_had_a_chance(p):
    with pytest.raises(InputError, match=r"sampled agency is not in 0 to 1 \(row 2\)"):
        weights.base_weight([0.5, p])


# ---- eligibility ---------------------------------------------------------------------------------------------------

# class a: two eligible (2, 2), one ineligible (4), one unknown (8); class b: one eligible (5)
FIELD = ([2, 2, 4, 8, 5], list("aaaab"), [1, 1, 0, 0, 1], [0, 0, 0, 1, 0])


def test_estimated_eligibility_by_hand():
    """4 of the 8 with known eligibility in class a."""
    np.testing.assert_allclose(weights.estimated_eligibility(*FIELD), [0.5, 0.5, 0.5, 0.5, 1])


def test_unknown_eligibility_by_hand():
    """Transfer: 16 / 8 = 2 on the known cases of class a. Share: the unknown case keeps a half, the ineligible nothing."""
    np.testing.assert_allclose(weights.eligibility_factor(*FIELD), [2, 2, 2, 0, 1])
    np.testing.assert_allclose(weights.eligibility_factor(*FIELD, method="share"), [1, 1, 0, 0.5, 1])


CASE = st.tuples(
    st.sampled_from("ab"),
    st.floats(0.5, 50),
    st.sampled_from(["respondent", "non-respondent", "ineligible", "unknown"]),
)


@given(st.lists(CASE, min_size=1, max_size=30))
def test_both_ways_give_the_eligible_the_same_weight(rows):
    cell, base, state = (np.array(column) for column in zip(*rows, strict=True))
    eligible, unknown, responded = (
        np.isin(state, ["respondent", "non-respondent"]),
        state == "unknown",
        state == "respondent",
    )
    assume(all((responded & (cell == c)).any() for c in set(cell)))
    transferred = base * weights.eligibility_factor(base, cell, eligible, unknown)
    for c in set(cell):
        assert transferred[cell == c].sum() == pytest.approx(base[cell == c].sum())
    shared = base * weights.eligibility_factor(base, cell, eligible, unknown, "share")
    first = transferred * weights.nonresponse_factor(transferred, cell, eligible, responded)
    in_scope = (eligible | unknown) & (shared > 0)
    second = shared * weights.nonresponse_factor(shared, cell, in_scope, responded)
    np.testing.assert_allclose(first, second, rtol=1e-12)


def test_eligibility_refusals():
    with pytest.raises(InputError, match=r"both eligible and of unknown eligibility \(row 2\)"):
        weights.eligibility_factor([1, 1], ["a", "a"], [1, 1], [0, 1])
    with pytest.raises(InputError, match="No case of the class b has a known eligibility"):
        weights.estimated_eligibility([1, 1], ["a", "b"], [1, 0], [0, 1])
    with pytest.raises(InputError, match=r"The class is missing \(row 1\)"):
        weights.estimated_eligibility([1, 1], [None, "b"], [1, 0], [0, 1])
    with pytest.raises(ValueError, match="unknown method: half"):
        weights.eligibility_factor([1], ["a"], [1], [0], "half")


# ---- response propensity -------------------------------------------------------------------------------------------


def fieldwork(n: int = 600, seed: int = 3):
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    eligible = rng.random(n) < 0.95
    responded = eligible & (rng.random(n) < 1 / (1 + np.exp(-0.3 - 0.8 * size)))
    return rng.uniform(1, 9, n), pd.DataFrame({"intercept": 1.0, "size": size}), eligible, responded


def test_a_saturated_propensity_model_is_weighting_classes():
    """With one dummy a class the fitted propensity is the class's weighted response rate."""
    base, _, eligible, responded = fieldwork()
    cell = np.arange(len(base)) % 3
    x = pd.DataFrame({name: (cell == k) * 1.0 for k, name in enumerate("abc")})
    found = weights.response_propensity(base, x, eligible, responded)
    np.testing.assert_allclose(found.factor, weights.nonresponse_factor(base, cell, eligible, responded), rtol=1e-9)


def test_the_propensity_solves_the_weighted_score_equations():
    base, x, eligible, responded = fieldwork()
    found = weights.response_propensity(base, x, eligible, responded)
    left = (responded - found.propensity)[eligible] * base[eligible]
    np.testing.assert_allclose(left @ x[eligible], [0, 0], atol=1e-7 * base.sum())
    assert np.isnan(found.propensity[~eligible]).all()
    assert (found.factor[~responded] == 0).all()
    np.testing.assert_allclose(found.factor[responded], 1 / found.propensity[responded])
    assert found.terms == ["intercept", "size"]
    assert found.coefficients[1] == pytest.approx(0.8, abs=0.35)


def test_the_propensity_adjustment_removes_the_bias_of_response():
    """Response rises with size: respondents alone are too large, their adjusted mean is that of all eligible."""
    base, x, eligible, responded = fieldwork(20_000, 8)
    size = x["size"].to_numpy()
    truth = np.average(size[eligible], weights=base[eligible])
    naive = np.average(size[responded], weights=base[responded])
    assert naive > truth + 0.2
    for strata, tolerance in ((None, 0.03), (20, 0.05)):
        weight = base * weights.response_propensity(base, x, eligible, responded, strata).factor
        assert np.average(size, weights=weight) == pytest.approx(truth, abs=tolerance)


def test_propensity_strata_are_weighting_classes_and_collapse():
    base, x, eligible, responded = fieldwork(60)
    found = weights.response_propensity(base, x, eligible, responded, strata=8, smallest=6)
    inside = found.stratum[eligible]
    assert found.record, "eight strata of seven agencies have fewer than six respondents"
    assert all(entry["smallest"] == 6 for entry in found.record)
    counts = pd.Series(responded[eligible]).groupby(inside).sum()
    assert counts.min() >= 6
    assert (base * found.factor).sum() == pytest.approx(base[eligible].sum())
    low = pd.Series(found.propensity[eligible]).groupby(inside).agg(["min", "max"]).sort_values("min")
    assert (low["max"].to_numpy()[:-1] <= low["min"].to_numpy()[1:]).all()


def test_propensity_refusals():
    base, x, eligible, responded = fieldwork()
    with pytest.raises(InputError, match="the term size separates the outcome"):
        weights.response_propensity(base, x, eligible, eligible & (x["size"] > 0.2).to_numpy())
    with pytest.raises(InputError, match="Response does not vary"):
        weights.response_propensity(base, x, eligible, eligible)
    with pytest.raises(InputError, match="collinear: 3 columns, rank 2"):
        weights.response_propensity(base, x.assign(twice=2 * x["size"]), eligible, responded)
    row = int(np.flatnonzero(eligible)[5])
    with pytest.raises(InputError, match=rf"variable of the response model is missing \(row {row + 1}\)"):
        weights.response_propensity(base, x.drop(index=row).reindex(x.index), eligible, responded)
    with pytest.raises(InputError, match="A respondent is out of scope"):
        weights.response_propensity(base, x, ~eligible, responded)


# ---- second phase --------------------------------------------------------------------------------------------------


def test_second_phase_weight_by_hand():
    """Three asked in class a, two answered: factor 3/2, whatever their first weights."""
    weight, factor = weights.second_phase_weight([2, 4, 6, 5, 7], list("aaabb"), [1, 1, 1, 1, 0], [1, 0, 1, 1, 0])
    np.testing.assert_allclose(factor, [1.5, 0, 1.5, 1, 0])
    np.testing.assert_allclose(weight, [3, 0, 9, 5, 0])


def test_second_phase_weight_is_that_of_the_two_phase_design():
    rng = np.random.default_rng(2)
    first, cell = rng.uniform(1, 9, 60), np.arange(60) % 4
    responded = (rng.random(60) < 0.6) | (np.arange(60) < 8)
    design = second_phase(survey_design(first, np.arange(60) % 2), responded, cell)
    weight, _ = weights.second_phase_weight(first, cell, np.ones(60, dtype=bool), responded)
    np.testing.assert_allclose(weight, design.weight, rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (([1, 0], ["a", "a"], [1, 1], [1, 1]), "has no weight of the first (row 2)"),
        (([1, 1], ["a", "a"], [1, 0], [1, 1]), "answered the second phase without being asked (row 2)"),
        (([1, 1], ["a", "b"], [1, 1], [1, 0]), "no respondent: b"),
    ],
)
def test_second_phase_refusals(given, words):
    with pytest.raises(InputError) as caught:
        weights.second_phase_weight(*given)
    assert words in str(caught.value)


# ---- known totals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("totals", "words"),
    [
        (pd.Series([4.0, 2.0], ["a", "a"]), "The cell a has two population counts"),
        (pd.Series({"a": 4.0, "b": np.nan}), "The population count of the cell b is missing, negative or infinite"),
        (pd.Series({"a": 4.0, "b": -1}), "The population count of the cell b is missing, negative or infinite"),
        (pd.Series({"a": 4.0, "b": 0}), "The sample holds agencies of the cell b, of which the population has none"),
    ],
)
def test_bad_totals_are_refused(totals, words):
    with pytest.raises(InputError) as caught:
        weights.poststratification_factor([1, 1], ["a", "b"], totals)
    assert words in str(caught.value)


# ---- trimming ------------------------------------------------------------------------------------------------------


def test_trimming_by_hand():
    """Cap 10: 20 gives 10 up; in proportion 2 and 8 become 4 and 16, so 8 is cut to 10 in turn and 2 ends with 10."""
    found = weights.trimmed_weights([2, 8, 20], 10)
    np.testing.assert_allclose(found.weight, [10, 10, 10])
    equal = weights.trimmed_weights([2, 4, 20], 12, redistribute="equal")
    np.testing.assert_allclose(equal.weight, [6, 8, 12])
    np.testing.assert_allclose(equal.factor, [3, 2, 0.6])
    assert equal.trimmed.tolist() == [False, False, True]
    row = equal.classes.iloc[0]
    assert (row["agencies"], row["trimmed"], row["moved"], row["cap"]) == (3, 1, 8, 12)
    assert equal.loss == pytest.approx(8 / 26)
    assert row["design_effect_before"] == pytest.approx(3 * 420 / 26**2)
    assert row["design_effect_after"] == pytest.approx(3 * 244 / 26**2)


def test_median_cap_by_hand():
    assert weights.median_cap([1, 3, 5, 0], 2).tolist() == [6, 6, 6, 6]
    assert weights.median_cap([1, 3, 5, 0, 8], 3, list("aabbb")).tolist() == [6, 6, 19.5, 19.5, 19.5]


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.floats(0.1, 99)), min_size=1, max_size=30),
    st.floats(1.05, 4),
    st.sampled_from(["proportional", "equal"]),
    st.randoms(),
)
def test_trimming_keeps_each_class_and_the_cap(rows, multiple, how, random):
    cell, weight = (np.array(column) for column in zip(*rows, strict=True))
    means = pd.Series(weight).groupby(cell).transform("mean").to_numpy()
    found = weights.trimmed_weights(weight, multiple * means, cell, how)
    assert (found.weight <= multiple * means).all()
    assert (found.weight[~found.trimmed] >= weight[~found.trimmed] * (1 - 1e-12)).all()
    np.testing.assert_allclose(weight * found.factor, found.weight, rtol=1e-12)
    for c in set(cell):
        assert found.weight[cell == c].sum() == pytest.approx(weight[cell == c].sum())
    again = weights.trimmed_weights(found.weight, multiple * means, cell, how)
    np.testing.assert_array_equal(again.weight, found.weight)
    order = list(range(len(weight)))
    random.shuffle(order)
    mixed = weights.trimmed_weights(weight[order], (multiple * means)[order], cell[order], how)
    np.testing.assert_allclose(mixed.weight, found.weight[order], rtol=1e-9)


def test_trimming_leaves_non_respondents_and_low_weights_alone():
    found = weights.trimmed_weights([0, 1, 2], 5)
    assert found.weight.tolist() == [0, 1, 2]
    assert found.loss == 0
    assert weights.trimmed_weights([0, 1, 9], 6, redistribute="equal").weight.tolist() == [0, 4, 6]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (([4, 4], 3), "The upper limit is too low to hold the weight. Raise the limit"),
        (([4, 4, 1], 3, ["a", "b", "b"]), "too low to hold the weight of the class a"),
        (([4, 4], [3, np.nan]), "upper limit of a weight is missing or not positive (row 2)"),
        (([4, -1], 3), "A weight is missing, negative or infinite (row 2)"),
    ],
)
def test_trimming_refusals(given, words):
    with pytest.raises(InputError) as caught:
        weights.trimmed_weights(*given)
    assert words in str(caught.value)
    with pytest.raises(ValueError, match="unknown redistribution: none"):
        weights.trimmed_weights([1], 2, redistribute="none")


# ---- steps ---------------------------------------------------------------------------------------------------------


def steps() -> weights.WeightSteps:
    return (
        weights.WeightSteps({"base": np.array([2.0, 4, 4, 8])})
        .then("response", [2, 0, 1.5, 1])
        .then("raking", [1, 1, 2, 0.5])
    )


def test_steps_multiply_and_the_effects_of_each_are_kept():
    found = steps()
    assert found.weight().tolist() == [4, 0, 12, 4]
    assert found.weight("response").tolist() == [4, 0, 6, 8]
    assert found.verify([4, 0, 12, 4]) == 0
    assert found.verify([4, 0, 12, 4 * (1 + 5e-13)]) == pytest.approx(5e-13, rel=1e-2)
    table = found.table().set_index("step")
    assert table["agencies"].tolist() == [4, 3, 3]
    assert table["sum"].tolist() == [18, 18, 20]
    np.testing.assert_allclose(table["design_effect"], [4 * 100 / 324, 3 * 116 / 324, 3 * 176 / 400])
    np.testing.assert_allclose(table["effective"], table["agencies"] / table["design_effect"])
    assert found.table([True, False, True, True])["agencies"].tolist() == [3, 3, 3]


@given(st.lists(st.lists(st.floats(0.1, 9), min_size=3, max_size=3), min_size=1, max_size=6))
def test_a_weight_is_the_product_of_its_factors(factors):
    found = weights.WeightSteps({f"step {k}": np.array(factor) for k, factor in enumerate(factors)})
    assert found.verify(np.prod(factors, axis=0)) <= 1e-12
    with pytest.raises(InputError, match="is not the product of its factors"):
        found.verify(np.prod(factors, axis=0) * [1, 1, 1 + 3e-12])


def test_steps_refusals():
    with pytest.raises(InputError, match=r"The weight 1 is not the product of its factors, 0 \(row 2\)"):
        steps().verify([4, 1, 12, 4])
    with pytest.raises(InputError, match=r"\(row 3\). Check the steps base, response, raking"):
        steps().verify([4, 0, np.nan, 4])
    with pytest.raises(InputError, match="There are 2 weights for 4 agencies"):
        steps().verify([4, 0])
    with pytest.raises(InputError, match="already has a step raking"):
        steps().then("raking", [1, 1, 1, 1])
    with pytest.raises(InputError, match="The step trimming has 1 factors for 4 agencies"):
        steps().then("trimming", [1])
    with pytest.raises(InputError, match=r"factor of the step trimming is missing, negative or infinite \(row 2\)"):
        steps().then("trimming", [1, np.nan, 1, 1])
    with pytest.raises(InputError, match="The weight has no step"):
        weights.WeightSteps({})
    with pytest.raises(KeyError):
        steps().weight("other")


# ---- outcome rates -------------------------------------------------------------------------------------------------


def test_every_outcome_rate_by_hand():
    """I 50, P 10, R 15, NC 20, O 5, UH 60, UO 40, e 1/4: T = 100, C = 80, T + U = 200, T + eU = 125."""
    rates = weights.outcome_rates(50, 10, 15, 20, 5, 60, 40, e=0.25)
    wanted = {
        "RR1": Fraction(50, 200),
        "RR2": Fraction(60, 200),
        "RR3": Fraction(50, 125),
        "RR4": Fraction(60, 125),
        "RR5": Fraction(50, 100),
        "RR6": Fraction(60, 100),
        "COOP1": Fraction(50, 80),
        "COOP2": Fraction(60, 80),
        "COOP3": Fraction(50, 75),
        "COOP4": Fraction(60, 75),
        "REF1": Fraction(15, 200),
        "REF2": Fraction(15, 125),
        "REF3": Fraction(15, 100),
        "CON1": Fraction(80, 200),
        "CON2": Fraction(80, 125),
        "CON3": Fraction(80, 100),
        "e": Fraction(1, 4),
    }
    assert rates == pytest.approx({name: float(value) for name, value in wanted.items()}, rel=1e-15)


def test_e_is_estimated_from_the_cases_whose_eligibility_is_known():
    """100 eligible and 25 ineligible: e = 4/5, so RR3 = 50 / (100 + 80)."""
    rates = weights.outcome_rates(50, 10, 15, 20, 5, 60, 40, ineligible=25)
    assert (rates["e"], rates["RR3"]) == pytest.approx((4 / 5, 50 / 180))


@given(st.lists(st.integers(0, 50), min_size=8, max_size=8), st.floats(0, 1))
def test_rates_keep_their_order(counts, e):
    assume(sum(counts[:3]) > 0)
    r = weights.outcome_rates(*counts, e=e)
    assert r["RR1"] <= r["RR3"] <= r["RR5"] <= r["COOP1"] <= r["COOP3"] <= r["COOP4"] <= 1
    for first, middle, last in (("REF1", "REF2", "REF3"), ("CON1", "CON2", "CON3"), ("RR2", "RR4", "RR6")):
        assert r[first] <= r[middle] <= r[last]
    assert r["RR6"] == pytest.approx(r["COOP2"] * r["CON3"])


def test_outcome_rates_refusals():
    with pytest.raises(InputError, match=r"share of eligible cases among the unknown is 1\.5"):
        weights.outcome_rates(1, 1, 1, 1, e=1.5)
    with pytest.raises(InputError, match="A count of dispositions is missing, negative or infinite"):
        weights.outcome_rates(1, -1, 1, 1)
    with pytest.raises(InputError, match="no outcome rate is defined"):
        weights.outcome_rates(0, 0, 0, 5)
    only_other = weights.outcome_rates(0, 0, 0, 5, other=5)
    assert np.isnan(only_other["COOP3"])
    assert only_other["CON3"] == 0.5
