"""Replicate weights: hand-worked factors, expectations of the bootstraps, repeated weighting and refusals."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agency_survey import estimate, replicates
from agency_survey.design import second_phase, survey_design
from agency_survey.errors import InputError

Z = np.array([1.0, 5.0, 2.0, 8.0, 4.0, 7.0])


def all_factors(design: replicates.ReplicateDesign) -> np.ndarray:
    """(R, n) factors of the rows."""
    factors = design.factors(0, design.replicates)
    return factors if design.unit is None else factors[:, design.unit]


def totals_about(design: replicates.ReplicateDesign, z) -> float:
    """Variance of the total of weighted z about the full total."""
    moved = (all_factors(design) - 1) @ z
    return design.scale * design.rscales @ moved**2


# ---- jackknife -------------------------------------------------------------------------------------------------------


def test_jk1_by_hand():
    found = replicates.jk1(survey_design(np.ones(3), None, [12] * 3))
    assert all_factors(found).tolist() == [[0, 1.5, 1.5], [1.5, 0, 1.5], [1.5, 1.5, 0]]
    assert found.scale == pytest.approx((1 - 3 / 12) * 2 / 3)
    assert (found.rscales.tolist(), found.df) == ([1, 1, 1], 2)


def test_jkn_by_hand():
    """Strata of two clusters (rows 1, 2 | 3) and of two rows; the certainty stratum has no replicate."""
    design = survey_design(np.ones(6), list("aaabbc"), [4, 4, 4, 8, 8, 1], cluster=[1, 1, 2, 3, 4, 5])
    found = replicates.jkn(design)
    wanted = [[0, 0, 2, 1, 1, 1], [2, 2, 0, 1, 1, 1], [1, 1, 1, 0, 2, 1], [1, 1, 1, 2, 0, 1]]
    assert all_factors(found).tolist() == wanted
    np.testing.assert_allclose(found.rscales, np.array([0.5, 0.5, 0.75, 0.75]) / 2)
    assert (found.scale, found.df) == (1, 2)


def test_jackknife_of_a_total_is_the_linearised_variance():
    design = survey_design(np.ones(6), list("aaabbb"), [9, 9, 9, 4, 4, 4])
    found = replicates.jkn(design, mse=True)
    assert replicates.totals(found, Z).covariance == pytest.approx(design.covariance(Z))
    assert totals_about(found, Z) == pytest.approx(design.variance(Z)[0])


def test_the_shortcut_of_totals_is_the_product_with_the_factors():
    stratum, cluster = list("aaaabbbc"), [1, 1, 2, 3, 4, 5, 5, 6]
    y = np.random.default_rng(0).normal(size=(8, 3))
    for lonely in ("adjust", "remove"):
        design = survey_design(np.arange(1.0, 9), stratum, cluster=cluster, lonely=lonely)
        made = [replicates.jkn(design)]
        if lonely == "remove":
            made.append(replicates.rescaled_bootstrap(design, 30))
        for found in made:
            wanted = all_factors(found) @ (design.weight[:, None] * y)
            np.testing.assert_allclose(found.sums(design.weight[:, None] * y), wanted, rtol=1e-12)


def test_average_of_the_jackknife_leaves_certainty_strata_aside():
    """R's ``jknweights`` raises the scale by all units over the replicates, 6 / 3: certainties as if lonely."""
    design = survey_design(np.ones(6), list("aaallc"), [9, 9, 9, 2, 2, 5], lonely="average")
    found = replicates.jkn(design)
    assert found.scale == pytest.approx(4 / 3)
    assert found.replicates == 3


def test_a_census_has_no_replicates_and_no_variance():
    design = survey_design(np.ones(3), None, [3] * 3)
    for found in (replicates.jk1(design), replicates.jkn(design), replicates.rescaled_bootstrap(design, 10)):
        assert replicates.means(found, [1.0, 2.0, 6.0]).covariance.tolist() == [[0.0]]
    assert replicates.means(replicates.jkn(design), [1.0, 2.0, 6.0]).value.tolist() == [3.0]


# ---- balanced replication --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("least", [1, 2, 3, 5, 11, 20, 25, 28, 33, 37, 53, 60, 75, 89, 101, 200])
def test_hadamard_matrices_are_orthogonal(least):
    matrix = replicates.hadamard(least).astype(int)
    order = len(matrix)
    assert least <= order <= max(4, least + 11)
    assert set(np.unique(matrix)) <= {-1, 1}
    assert (matrix @ matrix.T == order * np.eye(order)).all()
    assert (matrix[0] == 1).all()
    assert (matrix[:, 0] == 1).all()


def test_balanced_replication_by_hand():
    design = survey_design(np.ones(5), list("aabbc"), [9, 9, 9, 9, 1])
    matrix = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]
    found = replicates.brr(design, matrix=matrix)
    assert all_factors(found).tolist() == [[2, 0, 2, 0, 1], [0, 2, 2, 0, 1], [2, 0, 0, 2, 1], [0, 2, 0, 2, 1]]
    assert (found.scale, found.df, found.method) == (0.25, 2, "BRR")
    fay = replicates.brr(design, 0.3, matrix)
    np.testing.assert_allclose(all_factors(fay)[1], [0.3, 1.7, 1.7, 0.3, 1])
    assert fay.scale == pytest.approx(1 / (4 * 0.49))


@pytest.mark.parametrize("rho", [0, 0.5])
def test_balanced_replication_of_a_total_is_the_linearised_variance(rho):
    z = np.random.default_rng(1).normal(size=40)
    design = survey_design(np.ones(40), np.repeat(np.arange(20), 2))
    assert totals_about(replicates.brr(design, rho), z) == pytest.approx(design.variance(z)[0])


@pytest.mark.parametrize(
    ("stratum", "further", "words"),
    [
        ("aabbb", {}, "a lone or an odd number of units: b"),
        ("aabb", {"rho": 1}, "Fay's factor is 1"),
        ("aabb", {"matrix": [[1, 1], [1, -1]]}, "order 2 is too small for 2 pairs"),
        ("aabb", {"matrix": np.ones((4, 4))}, "no Hadamard matrix"),
    ],
)
def test_refusals_of_balanced_replication(stratum, further, words):
    with pytest.raises(InputError) as caught:
        replicates.brr(survey_design(np.ones(len(stratum)), list(stratum)), **further)
    assert words in str(caught.value)


# ---- bootstraps ------------------------------------------------------------------------------------------------------


def test_rescaled_bootstrap_has_the_variance_of_the_design_in_expectation():
    """Every draw of m = 2 of 3 units with replacement, N = 12: Rao and Wu's factors, and their exact variance."""
    design = survey_design(np.ones(3), None, [12] * 3)
    rate = np.sqrt(1 - 3 / 12)
    draws = [np.bincount(draw, minlength=3) for draw in itertools.product(range(3), repeat=2)]
    every = np.array([1 - rate + rate * times * 3 / 2 for times in draws])
    z = Z[:3]
    assert np.mean(((every - 1) @ z) ** 2) == pytest.approx(design.variance(z)[0])
    made = replicates.rescaled_bootstrap(design, 400, seed=5)
    found, counts = np.unique(all_factors(made).round(9), axis=0, return_counts=True)
    wanted, chances = np.unique(every.round(9), axis=0, return_counts=True)
    np.testing.assert_allclose(found, wanted)
    assert (((counts - 400 * chances / 9) ** 2 / (400 * chances / 9)).sum()) < 20.5  # chi-square(5), p = 0.001
    assert (made.scale, made.df) == (1 / 399, 2)


def test_multistage_bootstrap_has_the_variance_of_the_design_in_expectation():
    """All halves of 4 clusters of 8 and of their 2 or 3 units (Preston 2009), drawn 6,000 times: 5 standard errors."""
    size, inner = np.array([2, 3, 3, 2]), np.array([4, 5, 3, 6])
    cluster = np.repeat(np.arange(4), size)
    design = survey_design(np.ones(10), None, (np.full(10, 8), inner[cluster]), cluster=(cluster, np.arange(10)))
    z = np.random.default_rng(2).normal(3, 2, 10)
    found = replicates.multistage_bootstrap(design, 6000, seed=4)
    factors = all_factors(found)
    squares = ((factors - 1) @ z) ** 2
    assert abs(squares.mean() - design.variance(z)[0]) < 5 * squares.std() / np.sqrt(6000)
    np.testing.assert_allclose(factors.mean(axis=0), 1, atol=0.05)
    first = survey_design(np.ones(10), None, np.full(10, 8), cluster=cluster).variance(z)[0]
    assert design.variance(z)[0] > 1.05 * first  # the second stage is a part that the test would miss
    only = replicates.multistage_bootstrap(survey_design(np.ones(10), cluster=(cluster, np.arange(10))), 50)
    assert np.ptp(all_factors(only)[:, cluster == 1], axis=1).max() == 0  # without sizes: clusters only


def test_a_lone_certainty_cluster_keeps_its_second_stage():
    """R's ``mrbweights`` gives its rows the factor 1 in all replicates and loses the variance of its second stage."""
    cluster = [1, 1, 1, 1, 2, 2, 3, 3]
    stratum = np.array(list("aaaabbbb"))
    sizes = np.array([1, 1, 1, 1, 2, 2, 2, 2]), np.array([9, 9, 9, 9, 2, 2, 2, 2])
    design = survey_design(np.ones(8), stratum, sizes, cluster=(cluster, range(8)))
    found = replicates.multistage_bootstrap(design, 4000, seed=1)
    z = np.array([4.0, 1.0, 7.0, 3.0, 9.0, 8.0, 2.0, 6.0])
    squares = ((all_factors(found) - 1) @ z) ** 2
    assert abs(squares.mean() - design.variance(z)[0]) < 5 * squares.std() / np.sqrt(4000)
    np.testing.assert_allclose(all_factors(found)[:, 4:], 1)


@pytest.mark.parametrize("make", [replicates.rescaled_bootstrap, replicates.multistage_bootstrap])
def test_bootstraps_depend_on_the_seed_and_on_nothing_else(make, monkeypatch):
    design = survey_design(np.ones(8), list("aaaabbbb"), [40] * 8, cluster=[1, 1, 2, 3, 4, 5, 6, 6])
    y = np.arange(8.0)
    whole = make(design, 20, seed=9)
    again = replicates.totals(make(design, 20, seed=9), y)
    assert (whole.factors(0, 20) == make(design, 20, seed=9).factors(0, 20)).all()
    assert (whole.factors(7, 11) == whole.factors(0, 20)[7:11]).all()
    assert (whole.factors(0, 20) != make(design, 20, seed=10).factors(0, 20)).any()
    monkeypatch.setattr(replicates, "BLOCK", 24)
    np.testing.assert_allclose(replicates.totals(whole, y).replicates, again.replicates, rtol=1e-13)
    np.testing.assert_allclose(whole.factors(0, 20).sum(axis=1), 6, rtol=1e-12)
    with pytest.raises(InputError, match="1 replicates have no variance"):
        make(design, 1)


def test_a_bootstrap_is_drawn_piece_by_piece_as_at_once(monkeypatch):
    """Strata of 5, 1 (certainty), 3, 4 and 2 units, in mixed rows: each piece holds some, and the draws are the same."""
    stratum = np.random.default_rng(2).permutation(np.repeat(list("abcde"), [5, 1, 3, 4, 2]))
    population = np.where(stratum == "b", 1, 20)
    design = survey_design(np.arange(1.0, 16), stratum, population)
    whole = replicates.rescaled_bootstrap(design, 30, seed=5)
    monkeypatch.setattr(replicates, "PIECE", 4)
    monkeypatch.setattr(replicates, "BLOCK", 20)
    pieces = replicates.rescaled_bootstrap(design, 30, seed=5)
    assert (pieces.factors(0, 30) == whole.factors(0, 30)).all()
    scores = np.random.default_rng(3).normal(size=(15, 2))
    np.testing.assert_allclose(pieces.sums(scores), whole.factors(0, 30) @ scores, rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_factors_of_each_stratum_sum_to_its_units(seed):
    """So a total of the first-stage units themselves has no variance, and strata of weight 1 keep their totals."""
    rng = np.random.default_rng(seed)
    size = rng.integers(2, 6, 3)
    stratum = np.repeat(np.arange(3), size)
    population = (size + rng.integers(0, 9, 3))[stratum]
    design = survey_design(np.ones(len(stratum)), stratum, population)
    for found in (
        replicates.jkn(design),
        replicates.rescaled_bootstrap(design, 15, seed),
        replicates.multistage_bootstrap(design, 15, seed),
    ):
        factors = all_factors(found)
        for h in range(3):
            np.testing.assert_allclose(factors[:, stratum == h].sum(axis=1), size[h], rtol=1e-12)
        assert (factors > -1e-12).all()


# ---- estimates -------------------------------------------------------------------------------------------------------


def test_any_estimator_of_the_module():
    design = survey_design([2.0, 2.0, 2.0, 3.0, 3.0, 3.0], list("aaabbb"), [6, 6, 6, 9, 9, 9])
    made = replicates.jkn(design, mse=True)
    x = np.array([1.0, 2.0, 2.0, 3.0, 1.0, 1.0])
    domain = np.array([1, 1, 0, 1, 1, 0], bool)
    fast = replicates.ratios(made, Z, x, domain)
    slow = replicates.replicate(made, lambda d: estimate.ratio(d, Z, x, domain))
    np.testing.assert_allclose(slow.replicates, fast.replicates, rtol=1e-12)
    np.testing.assert_allclose(slow.covariance, fast.covariance, rtol=1e-12)
    by_hand = [
        ((f * design.weight)[domain] @ Z[domain]) / ((f * design.weight)[domain] @ x[domain]) for f in all_factors(made)
    ]
    np.testing.assert_allclose(fast.replicates[:, 0], by_hand, rtol=1e-12)
    assert fast.se[0] == pytest.approx(np.sqrt(made.rscales @ (by_hand - fast.value[0]) ** 2))
    low, high = fast.interval()[0]
    assert (high - low) / 2 == pytest.approx(4.302652729749464 * fast.se[0])  # t with 4 units less 2 strata
    assert (made.df, fast.df, slow.df) == (4, 2, 2)
    assert replicates.replicate(made, lambda d: d.weight.sum()).value == pytest.approx(15)


def test_weighting_is_repeated_on_the_full_sample_and_in_each_replicate():
    """Weights brought to a sum of 30: the total of ones has no variance any more, others are 30 times the mean."""
    design = replicates.jkn(survey_design(np.ones(6), list("aaabbb")))
    many = {"weighting": lambda weight: 30 * weight / weight.sum()}
    ones = replicates.totals(design, np.ones(6), **many)
    assert ones.value == pytest.approx([30])
    assert ones.covariance == pytest.approx(np.zeros((1, 1)), abs=1e-20)
    found = replicates.totals(design, Z, **many)
    assert found.se == pytest.approx(30 * replicates.means(design, Z).se)
    assert replicates.replicate(design, lambda d: estimate.total(d, Z), **many).se == pytest.approx(found.se)


def test_replicates_without_an_estimate_are_left_out_and_counted():
    """Leaving out the only row of the domain leaves no mean; R drops such replicates too."""
    design = replicates.jkn(survey_design(np.ones(6), list("aaabbb")), mse=True)
    domain = np.array([1, 0, 0, 0, 0, 0], bool)
    for found in (
        replicates.means(design, Z, domain),
        replicates.replicate(design, lambda d: estimate.mean(d, Z, domain)),
    ):
        assert found.discarded == 1
        assert found.covariance == pytest.approx(np.zeros((1, 1)))
    with pytest.raises(InputError, match="denominator of a ratio is zero"):
        replicates.means(design, Z, np.zeros(6, bool))
    with pytest.raises(InputError, match=r"missing in the domain \(row 2\)"):
        replicates.means(design, np.where(Z == 5, np.nan, Z))


def test_factors_from_elsewhere():
    design = survey_design([1.0, 2.0, 3.0], None)
    factors = [[0, 1.5, 1.5], [1.5, 0, 1.5], [1.5, 1.5, 0]]
    found = replicates.given_factors(design, factors, 2 / 3)
    own = replicates.jk1(design)
    assert replicates.means(found, Z[:3]).covariance == pytest.approx(replicates.means(own, Z[:3]).covariance)
    assert (found.df, found.replicates) == (2, 3)
    for given_, words in (
        ({"factors": np.ones((2, 3)), "scale": 1}, "Give 3 rows"),
        ({"factors": [[1, np.nan], [1, 1], [np.inf, 1]], "scale": 1}, "missing or infinite (rows 1, 3)"),
        ({"factors": factors, "scale": 1, "rscales": [1, 1]}, "not one a replicate"),
    ):
        with pytest.raises(InputError) as caught:
            replicates.given_factors(design, **given_)
        assert words in str(caught.value)


class Unchanged:
    def residuals(self, scores):
        return scores


def test_refusals_of_designs():
    plain = survey_design(np.ones(4), list("aabb"))
    with pytest.raises(InputError, match="JK1 knows no strata"):
        replicates.jk1(plain)
    with pytest.raises(InputError, match="one unit only"):
        replicates.jk1(survey_design([1.0], None, lonely="remove"))
    later = second_phase(plain, np.ones(4, bool), list("aabb"))
    for design in (later, plain.with_adjustment(plain.weight, Unchanged())):
        for make in (replicates.jkn, replicates.brr, replicates.rescaled_bootstrap, replicates.multistage_bootstrap):
            with pytest.raises(InputError, match="pass them as the function 'weighting'"):
                make(design)
    lone = survey_design(np.ones(3), list("aab"), lonely="adjust")
    for make in (replicates.rescaled_bootstrap, replicates.multistage_bootstrap):
        with pytest.raises(InputError, match="no rule 'adjust' for lone units"):
            make(lone)
    census = survey_design(pd.Series([1.0, 1.0]), ["a", "a"], [2, 2])
    with pytest.raises(InputError, match="Every stratum is a certainty"):
        replicates.brr(census)
