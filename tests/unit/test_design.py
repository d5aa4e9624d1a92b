"""The survey design: variances against first principles, and refusals that name rows and strata."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agency_survey import estimate
from agency_survey.design import second_phase, survey_design
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


# ---- clusters and stages ---------------------------------------------------------------------------------------------


def test_clusters_by_hand():
    """Totals of clusters 3, 8 | 4, 1, 7: (1 - f) n / (n - 1) sum of squares about the stratum's mean."""
    z = np.array([1.0, 2.0, 8.0, 4.0, 1.0, 5.0, 2.0])
    cluster, stratum = list("aabcdee"), [1, 1, 1, 2, 2, 2, 2]
    design = survey_design(np.ones(7), stratum, [10, 10, 10, 6, 6, 6, 6], cluster=cluster)
    wanted = (1 - 2 / 10) * 2 * 12.5 + (1 - 3 / 6) * 1.5 * 18
    assert design.covariance(z)[0, 0] == pytest.approx(wanted)
    assert design.variance(z) == pytest.approx([wanted])
    assert design.sampled.tolist() == [2, 3]
    assert design.population.tolist() == [10, 6]
    assert len(set(design.clusters)) == 5
    assert design.degrees_of_freedom() == 3
    assert design.degrees_of_freedom(np.array([1, 0, 0, 1, 1, 0, 0], bool)) == 3 - 2


def test_two_stages_by_hand():
    """The second stage counts with n / N of the first: 4 / 8 here."""
    z = np.array([1.0, 3.0, 2.0, 6.0, 5.0, 5.0, 0.0, 7.0])
    cluster = np.repeat([1, 2, 3, 4], 2)
    inner = np.repeat([4.0, 2.0, 6.0, 8.0], 2)
    design = survey_design(np.ones(8), None, (np.full(8, 8), inner), cluster=(cluster, np.tile([1, 2], 4)))
    totals = np.array([4.0, 8.0, 10.0, 7.0])
    first = (1 - 4 / 8) * 4 * np.var(totals, ddof=1)
    second = 4 / 8 * sum((1 - 2 / m) * 2 * s for m, s in zip([4, 2, 6, 8], [2.0, 8.0, 0.0, 24.5], strict=True))
    assert design.covariance(z)[0, 0] == pytest.approx(first + second)
    without = survey_design(np.ones(8), cluster=(cluster, np.tile([1, 2], 4)))
    assert without.covariance(z)[0, 0] == pytest.approx(4 * np.var(totals, ddof=1))


def test_labels_of_clusters_used_again_in_other_strata():
    z, stratum = np.array([1.0, 2.0, 5.0, 9.0, 4.0, 4.0]), list("aaabbb")
    nested = survey_design(np.ones(6), stratum, cluster=[1, 1, 2, 1, 2, 2], nest=True)
    apart = survey_design(np.ones(6), stratum, cluster=[1, 1, 2, 3, 4, 4])
    wanted = 2 * 2 * 1**2 + 2 * 2 * 0.5**2  # totals 3, 5 | 9, 8
    assert nested.covariance(z)[0, 0] == pytest.approx(wanted)
    assert apart.covariance(z)[0, 0] == pytest.approx(wanted)
    assert nested.degrees_of_freedom() == 2


def test_rates_are_population_sizes():
    z, stratum = np.array([1.0, 5.0, 2.0, 8.0, 4.0]), list("aabbb")
    by_rate = survey_design(np.ones(5), stratum, fraction=[0.25, 0.25, 1, 1, 1])
    by_size = survey_design(np.ones(5), stratum, [8, 8, 3, 3, 3])
    assert by_rate.population.tolist() == [8, 3]
    assert by_rate.covariance(z) == by_size.covariance(z)


def test_two_stage_variance_is_unbiased_over_all_samples():
    """Every sample of 2 of 3 clusters and 2 units in each: the mean estimated variance is the estimates' variance."""
    population = [[3.0, 7.0, 1.0], [12.0, 5.0, 2.0, 4.0], [9.0, 6.0]]
    totals, variances, chances = [], [], []
    for pair in itertools.combinations(range(3), 2):
        for drawn in itertools.product(*(itertools.combinations(population[i], 2) for i in pair)):
            y, sizes = np.concatenate(drawn), np.repeat([len(population[i]) for i in pair], 2)
            weight = 3 / 2 * sizes / 2
            cluster = (np.repeat(pair, 2), np.arange(4))
            design = survey_design(weight, None, (np.full(4, 3), sizes), cluster=cluster)
            totals.append(weight @ y)
            variances.append(design.covariance(weight * y)[0, 0])
            chances.append(1 / np.prod([len(list(itertools.combinations(population[i], 2))) for i in pair]) / 3)
    mean = np.dot(chances, totals)
    assert mean == pytest.approx(sum(map(sum, population)))
    assert np.dot(chances, variances) == pytest.approx(np.dot(chances, (np.array(totals) - mean) ** 2))


def test_a_census_of_clusters_and_units_has_no_variance():
    z = np.arange(8.0)
    cluster, sizes = np.repeat([1, 2, 3], [3, 3, 2]), np.repeat([3.0, 3.0, 2.0], [3, 3, 2])
    design = survey_design(np.ones(8), None, (np.full(8, 3), sizes), cluster=(cluster, np.arange(8)))
    assert design.variance(z).tolist() == [0.0]


@pytest.mark.parametrize(("rule", "wanted"), [("adjust", 36 + 25), ("average", 72), ("certainty", 36), ("remove", 36)])
def test_lonely_strata_by_hand(rule, wanted):
    """Stratum a holds 1 and 7: 2 / 1 (9 + 9) = 36; the lone unit of b has the score 5, the average doubles a's."""
    design = survey_design(np.ones(3), list("aab"), lonely=rule)
    assert design.covariance(np.array([1.0, 7.0, 5.0])) == pytest.approx(np.array([[wanted]]))


# ---- other weights and residuals -------------------------------------------------------------------------------------


class Regression:
    """Residuals of the weighted regression on x, as linear calibration has them."""

    def __init__(self, weight, x):
        self.weight, self.x = np.asarray(weight, dtype=float)[:, None], np.asarray(x, dtype=float)

    def residuals(self, scores):
        x, w = self.x, self.weight
        return scores - w * x @ np.linalg.solve((w * x).T @ x, x.T @ scores)


def test_other_weights_leave_the_design_alone():
    design = survey_design([2.0, 2.0, 3.0, 3.0], list("aabb"), [4, 4, 6, 6])
    other = design.reweighted([1.0, 2.0, 3.0, 4.0])
    assert other.weight.tolist() == [1, 2, 3, 4]
    assert other.stages is design.stages
    with pytest.raises(InputError, match="4 rows and 3 weights"):
        design.reweighted([1.0, 2.0, 3.0])


def test_the_last_adjustment_takes_its_residuals_first():
    """The scores are the derivatives of a total of weights calibrated twice, w_k dT / dw_k (calibration factors 1).

    R survey's ``svyrecvar`` goes through the steps in the order they were made, which is no derivative.
    """
    rng = np.random.default_rng(1)
    weight, y = rng.uniform(1, 3, 12), rng.normal(4, 1, 12)
    one, two = np.ones((12, 1)), np.column_stack([np.ones(12), rng.normal(3, 1, 12)])

    def calibrated(w, x):
        return w * (1 + x @ np.linalg.solve((w[:, None] * x).T @ x, weight @ x - w @ x))

    def total(w):
        return calibrated(calibrated(w, one), two[:, 1:]) @ y

    step = 1e-5 * np.eye(12)
    scores = weight * [(total(weight + h) - total(weight - h)) / 2e-5 for h in step]
    design = survey_design(weight, np.repeat([1, 2], 6), np.full(12, 40))
    found = design.with_adjustment(weight, Regression(weight, one))
    found = found.with_adjustment(weight, Regression(weight, two[:, 1:]))
    assert found.covariance(weight * y) == pytest.approx(design.covariance(scores), rel=1e-7)
    assert found.variance(weight * y) == pytest.approx(design.variance(scores), rel=1e-7)
    assert found.with_adjustment(3 * weight, Regression(weight, one)).weight.tolist() == (3 * weight).tolist()


# ---- two phases ------------------------------------------------------------------------------------------------------


def two_phases():
    """A two-stage sample in two strata, classes that cross clusters, and the quadratic forms of both phases."""
    rng = np.random.default_rng(7)
    size = np.array([3, 4, 2, 5, 3, 4, 2, 3])
    cluster = np.repeat(np.arange(8), size)
    stratum = np.array([0, 0, 0, 1, 1, 1, 1, 1])[cluster]
    n, N, m = np.array([3, 5])[stratum], np.array([10, 12])[stratum], size[cluster]
    M = np.array([6, 5, 4, 9, 7, 8, 2, 3])[cluster]
    rows = len(cluster)
    classes = rng.integers(0, 3, rows)
    responded = rng.random(rows) < 0.6
    for g in range(3):
        responded[np.flatnonzero(classes == g)[:2]] = True
    design = survey_design(N / n * M / m, stratum, (N, M), cluster=(cluster, np.arange(rows)))
    in_class, answered = np.bincount(classes)[classes], np.bincount(classes, responded)[classes]
    first, second = np.zeros((rows, rows)), np.zeros((rows, rows))
    for k, other in itertools.product(range(rows), repeat=2):
        if stratum[k] == stratum[other]:
            upper = 1 - n[k] / N[k]
            lower = 1 - m[k] / M[k]
            if cluster[k] != cluster[other]:
                first[k, other] = -upper / (n[k] - 1)
            else:
                lower = lower if k == other else -lower / (m[k] - 1)
                first[k, other] = upper + lower - upper * lower
        if classes[k] == classes[other]:
            missed = 1 - answered[k] / in_class[k]
            second[k, other] = missed if k == other else -missed / (answered[k] - 1)
    return design, responded, classes, first, second


def test_two_phases_are_the_double_sum_over_pairs():
    """Saerndal, Swensson and Wretman (1992), result 9.3.1: V1 = sum D1 (1 - D2) z z', V2 = sum D2 z z'."""
    design, responded, classes, first, second = two_phases()
    found = second_phase(design, responded, classes)
    z = found.weight[:, None] * np.random.default_rng(2).normal(5, 2, (design.n, 2))
    np.testing.assert_allclose(found.covariance(z), z.T @ (first * (1 - second) + second) @ z, rtol=1e-12)
    np.testing.assert_allclose(found.variance(z), np.diag(found.covariance(z)), rtol=1e-14)
    np.testing.assert_allclose(design.covariance(z), z.T @ first @ z, rtol=1e-12)
    assert found.degrees_of_freedom() == responded.sum() - 3
    assert found.degrees_of_freedom(classes == 1) == (responded & (classes == 1)).sum() - 1
    for g in range(3):
        assert found.weight[classes == g] @ np.ones((classes == g).sum()) > 0
    np.testing.assert_allclose(
        found.weight[responded],
        (design.weight * np.bincount(classes)[classes] / np.bincount(classes, responded)[classes])[responded],
    )


def test_a_calibrated_first_phase_is_taken_out_of_its_own_part_only():
    """V1 of the residuals w (y - x'B) / p over the second phase, B as the second phase estimates it; V2 of y."""
    design, responded, classes, first, second = two_phases()
    x = np.random.default_rng(3).normal(2, 1, (design.n, 2))
    phase_one = design.with_adjustment(design.weight * 1.1, Regression(design.weight, x))
    found = second_phase(phase_one, responded, classes)
    y = np.random.default_rng(4).normal(5, 2, design.n)
    z = found.weight * y
    b = np.linalg.solve((design.weight[:, None] * x).T @ x, x.T @ z)
    rate = np.where(responded, phase_one.weight / np.where(responded, found.weight, 1), 1.0)
    e = np.where(responded, z - design.weight * (x @ b) / rate, 0.0)
    wanted = e @ (first * (1 - second)) @ e + z @ second @ z
    assert found.covariance(z)[0, 0] == pytest.approx(wanted, rel=1e-10)


def test_two_phases_are_unbiased_over_all_samples():
    """All samples of 4 of 5 in two strata of the first phase, all of 2 of each class that has more."""
    y = np.array([3.0, 8.0, 1.0, 6.0, 4.0, 9.0])
    stratum, classes = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 0, 0, 0])
    totals, variances = [], []
    for a, b in itertools.product(itertools.combinations(range(3), 2), itertools.combinations(range(3, 6), 2)):
        rows = np.array(a + b)
        for answered in itertools.combinations(range(4), 3):
            responded = np.isin(np.arange(4), answered)
            design = second_phase(
                survey_design(np.full(4, 1.5), stratum[rows], np.full(4, 3)), responded, classes[rows]
            )
            totals.append(design.weight @ y[rows])
            variances.append(design.covariance(design.weight * y[rows])[0, 0])
    assert np.mean(totals) == pytest.approx(y.sum())
    assert np.mean(variances) == pytest.approx(np.var(totals))


def test_everybody_in_the_second_phase_is_the_first():
    design, _, classes, *_ = two_phases()
    z = design.weight * np.arange(design.n)
    everybody = second_phase(design, np.ones(design.n, bool), classes)
    assert everybody.covariance(z) == pytest.approx(design.covariance(z), rel=1e-12)


def test_estimates_of_the_second_phase_need_no_answers_from_the_others():
    design, responded, classes, *_ = two_phases()
    y = np.where(responded, np.arange(float(design.n)), np.nan)
    found = estimate.mean(second_phase(design, responded, classes), y, responded)
    assert np.isfinite(found.value).all()
    assert found.n[0] == responded.sum()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"responded": [1, 0, 1], "stratum": list("aaaa")}, "differ in length"),
        (
            {"responded": [1, 0, None, 1], "stratum": list("aaaa")},
            "The response is neither true nor false for 1 agencies (row 3)",
        ),
        ({"responded": [1, 0, 1, 1], "stratum": ["a", None, "a", "a"]}, "class is missing (row 2)"),
        ({"responded": [0, 0, 1, 1], "stratum": list("aabb")}, "Nobody responded in a class: a"),
        ({"responded": [1, 0, 1, 1], "stratum": list("aabb")}, "one respondent only, so it has no variance: a"),
        ({"responded": [1, 1, 1, 1], "stratum": list("aabb"), "population": [1, 1, 2, 2]}, "Stratum a has more units"),
    ],
)
def test_refusals_of_second_phases(given, words):
    design = survey_design(np.ones(4), None, np.full(4, 9))
    with pytest.raises(InputError) as caught:
        second_phase(design, **given)
    assert words in str(caught.value)


# ---- properties ------------------------------------------------------------------------------------------------------


@st.composite
def clustered(draw):
    """A random two-stage design of 2 to 3 strata: arguments of ``survey_design`` by name, and scores."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    clusters = rng.integers(2, 5, draw(st.integers(2, 3)))
    stratum_of = np.repeat(np.arange(len(clusters)), clusters)
    size = rng.integers(2, 5, len(stratum_of))
    cluster = np.repeat(np.arange(len(size)), size)
    stratum = stratum_of[cluster]
    population = (
        (clusters + rng.integers(0, 5, len(clusters)))[stratum],
        (size + rng.integers(0, 4, len(size)))[cluster],
    )
    rows = len(cluster)
    weight = rng.uniform(1, 9, rows)
    return weight, stratum, population, (cluster, rng.permutation(rows)), rng.normal(3, 2, (rows, 2)), rng


quick = settings(max_examples=30, deadline=None)


@quick
@given(clustered())
def test_order_of_rows_and_names_of_strata_do_not_matter(drawn):
    weight, stratum, population, cluster, y, rng = drawn
    wanted = survey_design(weight, stratum, population, cluster=cluster)
    order = rng.permutation(len(weight))
    names = rng.permutation(np.array(["north", "south", "east"], dtype=object))
    found = survey_design(
        weight[order],
        names[stratum[order]],
        tuple(size[order] for size in population),
        cluster=(np.char.add("c", cluster[0][order].astype(str)), cluster[1][order]),
    )
    z = weight[:, None] * y
    np.testing.assert_allclose(found.covariance(z[order]), wanted.covariance(z), rtol=1e-10, atol=1e-9)
    assert found.degrees_of_freedom() == wanted.degrees_of_freedom()


@quick
@given(clustered(), st.floats(1e-3, 1e3))
def test_scale_of_weights_scales_the_errors_of_totals_and_no_others(drawn, scale):
    weight, stratum, population, cluster, y, _ = drawn
    one = survey_design(weight, stratum, population, cluster=cluster)
    other = survey_design(scale * weight, stratum, population, cluster=cluster)
    np.testing.assert_allclose(estimate.total(other, y).se, scale * estimate.total(one, y).se, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(estimate.mean(other, y).se, estimate.mean(one, y).se, rtol=1e-9, atol=1e-9)


@quick
@given(clustered())
def test_a_domain_of_all_rows_is_the_whole_and_a_census_has_no_variance(drawn):
    weight, stratum, population, cluster, y, _ = drawn
    design = survey_design(weight, stratum, population, cluster=cluster)
    everybody = np.ones(design.n, bool)
    assert (estimate.total(design, y, everybody).covariance == estimate.total(design, y).covariance).all()
    assert design.degrees_of_freedom(everybody) == design.degrees_of_freedom()
    census = survey_design(weight, stratum, fraction=(np.ones(design.n), np.ones(design.n)), cluster=cluster)
    assert (census.covariance(y) == 0).all()


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
            "Stratum a has more units in the sample (10) than in the population (9)",
        ),
        ({"weight": [1, 1, 1], "stratum": ["a", "a", "solo"], "population": [5, 5, 2]}, "no variance: solo"),
        ({"weight": [1, 1, 1], "stratum": ["a", "a", "solo"]}, "no variance: solo"),
        ({"weight": np.ones(2), "cluster": ["a", "a"]}, "no variance: all"),
        ({**TEN, "cluster": ["x", None] * 5}, "The cluster is missing (rows 2, 4, 6, 8, 10)"),
        ({**TEN, "cluster": (list("vvwwxxyyzz"), [1, None] * 5)}, "unit within the cluster is missing (rows 2, 4"),
        ({**TEN, "cluster": ["x"] * 9}, "differ in length"),
        ({**TEN, "cluster": (list("vvwwxxyyzz"), [1] * 9)}, "differ in length"),
        (
            {"weight": np.ones(5), "stratum": list("aabbb"), "cluster": list("xyxzz")},
            "Cluster x lies in two strata (row 3)",
        ),
        ({**TEN, "fraction": [0.5] * 9 + [0]}, "missing or outside (0, 1] (row 10)"),
        ({**TEN, "fraction": [1.5] + [0.5] * 9}, "missing or outside (0, 1] (row 1)"),
        ({**TEN, "fraction": [0.5] * 9 + [np.nan]}, "missing or outside (0, 1] (row 10)"),
        ({**TEN, "fraction": [0.5] * 9 + [0.4]}, "differs within a stratum"),
        ({**TEN, "fraction": [0.5] * 10, "population": [20] * 10}, "both given"),
        ({**TEN, "population": (np.full(10, 20), np.full(10, 5))}, "0 of clusters and 2 of sizes"),
        ({**TEN, "cluster": (None, list("vvwwxxyyzz"))}, "2 of clusters"),
        ({**TEN, "lonely": "guess"}, "Unknown rule for strata with one unit: guess"),
        (
            {**TEN, "cluster": (list("vvwwxxyyzz"), range(10)), "population": (np.full(10, 9), [3, 3, 4, 5] + [2] * 6)},
            "differs within a stratum (row 3)",
        ),
        (
            {**TEN, "cluster": (list("vvwwxxyyyz"), range(10)), "population": (np.full(10, 9), [3] * 10)},
            "A cluster holds one unit only and is no certainty, so it has no variance: z",
        ),
        (
            {**TEN, "cluster": (list("vvwwxxyyzz"), range(10)), "population": (np.full(10, 9), [1] * 10)},
            "Stratum v has more units in the sample (2) than in the population (1)",
        ),
        ({"weight": np.ones(2), "stratum": ["a", "b"], "lonely": "average"}, "No average stands in for the stratum"),
    ],
)
def test_refusals_name_the_rows_or_the_stratum(given, words):
    with pytest.raises(InputError) as caught:
        survey_design(**given)
    assert words in str(caught.value)


def test_second_phase_of_units_with_several_rows_is_that_of_their_sums():
    """Rows split in two: counts, weights, variance and degrees of freedom stay those of the units."""
    rng = np.random.default_rng(5)
    stratum, classes = np.repeat(["a", "b"], 20), np.tile(["x", "y"], 20)
    back, y = rng.random(40) < 0.6, rng.normal(3, 1, 40)
    one = second_phase(survey_design(np.full(40, 3.0), stratum, np.full(40, 60.0)), back, classes)
    twice = np.repeat(np.arange(40), 2)
    weight = np.where(np.arange(80) % 2 == 0, 3.0, 0.0)
    first = survey_design(weight, stratum[twice], np.full(80, 60.0), cluster=twice)
    two = second_phase(first, back[twice], classes[twice], cluster=twice)
    np.testing.assert_allclose(two.weight[::2], one.weight)
    scores = (one.weight * y)[twice] * np.tile([0.25, 0.75], 40)
    np.testing.assert_allclose(two.variance(scores), one.variance(one.weight * y), rtol=1e-12)
    np.testing.assert_allclose(
        two.second.first_phase(scores[:, None]), one.second.first_phase((one.weight * y)[:, None]), rtol=1e-12
    )
    inside = back[twice]
    assert two.second.degrees_of_freedom(inside) == one.second.degrees_of_freedom(back)
    with pytest.raises(InputError, match="lies in two strata"):
        second_phase(first, np.arange(80) % 2 == 0, classes[twice], cluster=twice)
