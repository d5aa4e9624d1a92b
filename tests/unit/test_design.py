"""The survey design: variances against first principles, and refusals that name rows and strata."""

import itertools

import numpy as np
import pandas as pd
import pytest

from agency_survey.design import survey_design
from agency_survey.errors import InputError


def test_variance_is_unbiased_over_all_samples():
    """Every stratified sample of a small population: the mean estimated variance is the variance of the estimates."""
    population = {"a": [3.0, 7.0, 1.0, 12.0, 5.0], "b": [10.0, 0.0, 4.0, 9.0], "c": [2.0, 30.0]}
    size = {"a": 2, "b": 3, "c": 2}
    totals, variances = [], []
    for drawn in itertools.product(*(itertools.combinations(population[h], size[h]) for h in population)):
        y = np.concatenate(drawn)
        stratum = np.repeat(list(population), [size[h] for h in population])
        count = np.array([len(population[h]) for h in stratum], dtype=float)
        weight = count / np.array([size[h] for h in stratum])
        design = survey_design(weight, stratum, count)
        totals.append(weight @ y)
        variances.append(design.covariance(weight * y)[0, 0])
    assert np.mean(totals) == pytest.approx(sum(map(sum, population.values())))
    assert np.mean(variances) == pytest.approx(np.var(totals))


def test_covariance_by_hand():
    """Two strata, one of them without correction: (1 - n/N) n/(n-1) sum of cross products about the stratum's mean."""
    design = survey_design([2.0, 2.0, 3.0, 3.0, 3.0], ["a", "a", "b", "b", "b"], [4, 4, 9, 9, 9])
    z = np.array([[1.0, 2.0], [3.0, 8.0], [0.0, 1.0], [3.0, 1.0], [6.0, 4.0]])
    a = (1 - 2 / 4) * 2 * np.array([[2.0, 6.0], [6.0, 18.0]])
    b = (1 - 3 / 9) * 1.5 * np.array([[18.0, 9.0], [9.0, 6.0]])
    np.testing.assert_allclose(design.covariance(z), a + b, rtol=1e-14)
    np.testing.assert_allclose(design.variance(z), np.diag(a + b), rtol=1e-14)


def test_without_population_sizes_there_is_no_correction():
    y = np.array([1.0, 2.0, 4.0])
    assert survey_design(np.ones(3), ["a"] * 3).covariance(y)[0, 0] == pytest.approx(3 * np.var(y, ddof=1))


def test_certainty_strata_add_nothing_not_even_a_lone_one():
    design = survey_design(np.ones(4), ["all", "all", "all", "lone"], [3, 3, 3, 1])
    assert design.covariance(np.array([5.0, 1.0, 9.0, 100.0])).tolist() == [[0.0]]


def test_weights_that_carry_rounding_still_make_a_certainty():
    for off in (1e-9, -1e-9):
        design = survey_design(np.ones(3), ["a", "a", "lone"], [2 + off, 2 + off, 1 + off])
        assert design.covariance(np.array([5.0, 1.0, 9.0])).tolist() == [[0.0]]


def test_degrees_of_freedom_count_agencies_with_weight_and_their_strata():
    design = survey_design([1, 1, 1, 0, 1, 1], list("aabbcc"))
    assert design.degrees_of_freedom() == 5 - 3
    assert design.degrees_of_freedom(np.array([1, 1, 0, 1, 0, 0], bool)) == 2 - 1
    assert design.degrees_of_freedom(np.zeros(6, bool)) == 0


def test_strata_may_have_labels_of_any_type():
    y = np.array([1.0, 5.0, 2.0, 8.0])
    wanted = survey_design(np.ones(4), ["a", "a", "b", "b"], [9, 9, 5, 5]).covariance(y)
    for labels in ([7, 7, 3, 3], pd.Categorical(["x", "x", "w", "w"]), pd.Series([1, 1, 2, 2], dtype="Int64")):
        assert survey_design(np.ones(4), labels, [9, 9, 5, 5]).covariance(y) == wanted


def test_a_design_without_agencies_has_no_variance():
    design = survey_design([], [])
    assert design.covariance(np.zeros((0, 2))).tolist() == [[0, 0], [0, 0]]
    assert design.degrees_of_freedom() == 0


TEN = {"weight": np.ones(10), "stratum": ["a"] * 10}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"weight": [1, 2, np.nan], "stratum": list("aaa")}, "weight is missing, negative or infinite (row 3)"),
        ({"weight": [1, -2, 3], "stratum": list("aaa")}, "weight is missing, negative or infinite (row 2)"),
        ({"weight": [np.inf, 2, -1], "stratum": list("aaa")}, "infinite (rows 1, 3)"),
        ({"weight": -np.ones(8), "stratum": list("aaaaaaaa")}, "(rows 1, 2, 3, 4, 5 and 3 more)"),
        ({"weight": pd.array([1, None], "Float64"), "stratum": list("aa")}, "(row 2)"),
        ({"weight": [1, 1, 1], "stratum": ["a", None, "a"]}, "The stratum is missing (row 2)"),
        ({"weight": [1, 1, 1], "stratum": [1.0, 1.0, np.nan]}, "The stratum is missing (row 3)"),
        ({"weight": [1, 1], "stratum": pd.Series(["a", None], dtype="string")}, "The stratum is missing (row 2)"),
        ({"weight": [1, 1, 1], "stratum": ["a", "a"]}, "differ in length"),
        ({"weight": [1, 1], "stratum": ["a", "a"], "population": [5]}, "differ in length"),
        ({**TEN, "population": [20.0] * 9 + [21.0]}, "differs within a stratum (rows 1, 2, 3, 4, 5 and 4 more)"),
        ({**TEN, "population": [20.0] * 9 + [np.nan]}, "missing or not positive (row 10)"),
        ({**TEN, "population": [0.0] * 10}, "missing or not positive"),
        (
            {**TEN, "population": [9.0] * 10},
            "Stratum a has more agencies in the sample (10) than in the population (9)",
        ),
        ({"weight": [1, 1, 1], "stratum": ["a", "a", "solo"], "population": [5, 5, 2]}, "no variance: solo"),
        ({"weight": [1, 1, 1], "stratum": ["a", "a", "solo"]}, "no variance: solo"),
    ],
)
def test_refusals_name_the_rows_or_the_stratum(given, words):
    with pytest.raises(InputError) as caught:
        survey_design(**given)
    assert words in str(caught.value)
