"""Estimators: invariances that hold for any design, special cases with known answers, and tests by hand."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from agency_survey import estimate
from agency_survey.design import second_phase, survey_design
from agency_survey.errors import InputError


@st.composite
def surveys(draw, most: int = 4) -> SimpleNamespace:
    """A stratified sample: 1 to ``most`` strata of 2 to 6 agencies, some taken whole, with y, x > 0, a code, a domain."""
    size = draw(st.lists(st.integers(2, 6), min_size=1, max_size=most))
    rest = [draw(st.sampled_from([0, 1, 5, 40])) for _ in size]
    stratum = np.repeat([f"s{k}" for k in range(len(size))], size)
    population = np.repeat(np.add(size, rest), size).astype(float)
    n = len(stratum)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    domain = random.random(n) < 0.7
    domain[random.integers(n)] = True
    return SimpleNamespace(
        n=n,
        stratum=stratum,
        population=population,
        weight=population / np.repeat(size, size) * random.uniform(0.8, 1.25, n),
        y=random.normal(5, 3, n),
        x=random.uniform(1, 9, n),
        codes=random.integers(0, 3, n),
        domain=domain,
        random=random,
    )


def design_of(s, order=slice(None), scale: float = 1.0):
    return survey_design(s.weight[order] * scale, s.stratum[order], s.population[order])


def same(a, b) -> None:
    """Equal values, covariances (on the scale of the largest variance), counts and degrees of freedom."""
    np.testing.assert_allclose(a.value, b.value, rtol=1e-9, atol=1e-12)
    scale = max(np.abs(b.covariance).max(initial=0), (1e-8 * np.abs(b.value).max(initial=0)) ** 2, 1e-300)
    np.testing.assert_allclose(a.covariance, b.covariance, rtol=0, atol=1e-9 * scale)
    assert a.n.tolist() == b.n.tolist()
    assert a.df.tolist() == b.df.tolist()


def several(design, s, order=slice(None)) -> list[estimate.Estimate]:
    y, x, codes, domain = s.y[order], s.x[order], s.codes[order], s.domain[order]
    return [
        estimate.total(design, y, domain),
        estimate.mean(design, np.column_stack([y, x]), domain),
        estimate.ratio(design, y, x, domain),
        estimate.proportions(design, codes, 3, domain),
    ]


@given(surveys())
def test_the_order_of_rows_does_not_matter(s):
    order = s.random.permutation(s.n)
    for a, b in zip(several(design_of(s, order), s, order), several(design_of(s), s), strict=True):
        same(a, b)


@given(surveys())
def test_the_names_of_strata_do_not_matter(s):
    names = dict(zip(sorted(set(s.stratum)), s.random.permutation(10_000), strict=False))
    design = survey_design(s.weight, [names[h] for h in s.stratum], s.population)
    for a, b in zip(several(design, s), several(design_of(s), s), strict=True):
        same(a, b)


@given(surveys(), st.floats(0.01, 1000))
def test_the_scale_of_weights_matters_to_totals_only(s, scale):
    first, second = several(design_of(s, scale=scale), s), several(design_of(s), s)
    for a, b in zip(first[1:], second[1:], strict=True):
        same(a, b)
    np.testing.assert_allclose(first[0].value, scale * second[0].value, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(first[0].se, scale * second[0].se, rtol=1e-9, atol=1e-12)


@given(surveys())
def test_a_domain_that_is_the_whole_changes_nothing(s):
    design, everybody = design_of(s), np.ones(s.n, dtype=bool)
    same(estimate.mean(design, s.y, everybody), estimate.mean(design, s.y))
    same(estimate.total(design, s.y, everybody), estimate.total(design, s.y))


@given(surveys())
def test_a_census_has_no_variance(s):
    design = survey_design(np.ones(s.n), s.stratum, [np.count_nonzero(s.stratum == h) for h in s.stratum])
    for found in several(design, s):
        assert (found.covariance == 0).all()
    assert estimate.mean(design, s.y).value[0] == pytest.approx(s.y.mean())


@given(surveys())
def test_a_constant_is_known_exactly(s):
    found = estimate.mean(design_of(s), np.full(s.n, 7.5), s.domain)
    assert found.value[0] == pytest.approx(7.5)
    assert found.se[0] == pytest.approx(0, abs=1e-9)
    assert estimate.ratio(design_of(s), 3 * s.x, s.x).se[0] == pytest.approx(0, abs=1e-9)


@given(surveys())
def test_shares_add_up_and_their_covariances_cancel(s):
    found = estimate.proportions(design_of(s), s.codes, 3, s.domain)
    assert found.value.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.covariance.sum(axis=0), 0, atol=1e-10)


@given(surveys())
def test_totals_of_domains_add_up_with_their_covariance(s):
    design = design_of(s)
    both = estimate.stack(design, [estimate.total(design, s.y, s.domain), estimate.total(design, s.y, ~s.domain)])
    value, se, _ = estimate.contrast(both, [1, 1])
    whole = estimate.total(design, s.y)
    assert value == pytest.approx(whole.value[0])
    assert se == pytest.approx(whole.se[0], rel=1e-7, abs=1e-7)


@given(surveys())
def test_a_mean_is_the_ratio_to_the_domains_size(s):
    design = design_of(s)
    same(estimate.mean(design, s.y, s.domain), estimate.ratio(design, s.y, s.domain.astype(float), s.domain))


@given(surveys())
def test_values_outside_the_domain_are_never_looked_at(s):
    design = design_of(s)
    y = np.where(s.domain, s.y, np.nan)
    same(estimate.mean(design, y, s.domain), estimate.mean(design, s.y, s.domain))
    codes = np.where(s.domain, s.codes, -1)
    same(estimate.proportions(design, codes, 3), estimate.proportions(design, s.codes, 3, s.domain))


@given(surveys())
def test_an_agency_without_weight_counts_for_no_estimate(s):
    weight = s.weight.copy()
    weight[0] = 0
    found = estimate.mean(survey_design(weight, s.stratum), s.y)
    assert found.value[0] == pytest.approx(weight @ s.y / weight.sum())
    assert found.n[0] == s.n - 1


def test_simple_random_sampling_by_hand():
    y = np.array([1.0, 0, 0, 1, 1, 0, 1, 1, 0, 1])
    found = estimate.mean(survey_design(np.full(10, 5.0), ["a"] * 10, [50.0] * 10), y)
    assert found.value[0] == pytest.approx(0.6)
    assert found.covariance[0, 0] == pytest.approx((1 - 10 / 50) * 0.6 * 0.4 / 9)
    half = stats.t.ppf(0.975, 9) * found.se[0]
    np.testing.assert_allclose(found.interval(0.95, "t")[0], [0.6 - half, 0.6 + half])
    logit, error = np.log(0.6 / 0.4), stats.t.ppf(0.95, 9) * found.se[0] / 0.24
    np.testing.assert_allclose(found.interval(0.90, "logit")[0], 1 / (1 + np.exp([-(logit - error), -(logit + error)])))


@given(surveys(), st.floats(0.55, 0.98))
def test_logit_limits_hold_the_share_within_0_and_1_and_widen_with_the_level(s, level):
    found = estimate.proportions(design_of(s), s.codes, 3)
    narrow, wide = found.interval(level, "logit"), found.interval(level + 0.01, "logit")
    inside = (found.value > 0) & (found.value < 1)
    assert np.isnan(narrow[~inside]).all()
    low, high = narrow[inside].T
    assert ((low >= 0) & (low <= found.value[inside] + 1e-12)).all()
    assert ((high <= 1) & (high >= found.value[inside] - 1e-12)).all()
    assert (wide[inside, 0] <= low + 1e-12).all()
    assert (wide[inside, 1] >= high - 1e-12).all()


def test_no_limits_without_degrees_of_freedom():
    design = survey_design(np.ones(4), list("aabb"), [9, 9, 8, 8])
    found = estimate.mean(design, [1.0, 2, 3, 4], np.array([True, False, True, False]))
    assert found.df[0] == 0
    assert np.isnan(found.interval()).all()


def test_unknown_interval_method_is_a_bug():
    with pytest.raises(ValueError, match="newcombe"):
        estimate.mean(survey_design(np.ones(2), ["a", "a"]), [1, 2]).interval(method="newcombe")


def test_missing_values_in_the_domain_are_refused():
    design = survey_design(np.ones(3), ["a"] * 3)
    with pytest.raises(InputError, match="missing for 2 agencies of the domain"):
        estimate.mean(design, [np.nan, 1.0, np.inf])


def test_an_empty_domain_is_refused():
    design = survey_design(np.ones(3), ["a"] * 3)
    with pytest.raises(InputError, match="denominator of a ratio is zero"):
        estimate.mean(design, [1.0, 2, 3], np.zeros(3, bool))


def part(value, variance, df) -> estimate.Estimate:
    value = np.atleast_1d(np.asarray(value, dtype=float))
    covariance = np.diag(np.broadcast_to(np.asarray(variance, dtype=float), value.shape))
    k = len(value)
    return estimate.Estimate(value, covariance, np.full(k, 10), np.full(k, df), np.zeros((1, k)))


def test_change_is_welchs_test():
    first, second = np.array([1.0, 4, 2, 6, 3]), np.array([5.0, 9, 4, 8, 12, 7])
    before, after = (estimate.mean(survey_design(np.ones(len(y)), ["a"] * len(y)), y) for y in (first, second))
    value, _, (test,) = estimate.change(before, after)
    wanted = stats.ttest_ind(second, first, equal_var=False)
    assert value[0] == pytest.approx(second.mean() - first.mean())
    assert (test.statistic, test.p, test.df_residual) == pytest.approx((wanted.statistic, wanted.pvalue, wanted.df))


def test_change_from_a_census_keeps_the_other_surveys_degrees_of_freedom():
    _, se, (test,) = estimate.change(part(2, 0, 0), part(5, 4, 11))
    assert se[0] == pytest.approx(2)
    assert test.df_residual == pytest.approx(11)
    assert test.p == pytest.approx(2 * stats.t.sf(1.5, 11))


def test_change_between_two_censuses_has_no_test():
    value, se, (test,) = estimate.change(part(2, 0, 5), part(5, 0, 5))
    assert (value[0], se[0]) == (3, 0)
    assert np.isnan(test.p)


def test_contrast_uses_the_covariance_and_the_fewest_degrees_of_freedom():
    pair = part([3, 1], [4, 9], 0)
    pair = estimate.Estimate(pair.value, np.array([[4.0, 2], [2, 9]]), pair.n, np.array([20, 8]), pair.scores)
    value, se, test = estimate.contrast(pair, [1, -1])
    assert (value, se) == pytest.approx((2, 3))
    assert test.df_residual == 8
    assert test.p == pytest.approx(2 * stats.t.sf(2 / 3, 8))
    assert estimate.contrast(pair, [1, 0])[2].df_residual == 20


def test_wald_change_leaves_one_share_out_whichever_it_is():
    shares = np.array([0.5, 0.3, 0.2])
    covariance = (np.diag(shares) - np.outer(shares, shares)) / 100
    other = shares + np.array([0.04, -0.05, 0.01])

    def test_of(order) -> estimate.Test:
        before, after = (
            estimate.Estimate(
                v[order], covariance[np.ix_(order, order)], np.full(3, 100), np.full(3, df), np.zeros((1, 3))
            )
            for v, df in ((shares, 99), (other, 60))
        )
        return estimate.wald_change(before, after)

    found = test_of([0, 1, 2])
    assert (found.df, found.df_residual) == (2, 59)
    assert test_of([2, 0, 1]).statistic == pytest.approx(found.statistic)
    wanted = ((other - shares) ** 2 / shares).sum() / (2 * 2 / 100)
    assert found.statistic == pytest.approx(wanted)
    assert found.p == pytest.approx(stats.f.sf(wanted, 2, 59))


def test_wald_change_leaves_out_an_answer_that_neither_survey_saw():
    """With a fifth answer that nobody gave the test is that of the four."""
    rng = np.random.default_rng(11)
    parts = []
    for n in (60, 80):
        design = survey_design(np.full(n, 5.0), np.repeat(["a", "b"], n // 2), np.full(n, 5.0 * n / 2))
        codes = rng.integers(0, 4, n)
        parts.append((design, codes))
    four = estimate.wald_change(*(estimate.proportions(d, c, 4) for d, c in parts))
    five = estimate.wald_change(*(estimate.proportions(d, c, 5) for d, c in parts))
    assert (five.df, five.p) == (3, pytest.approx(four.p))
    alone = [estimate.proportions(d, np.zeros_like(c), 4) for d, c in parts]
    assert np.isnan(estimate.wald_change(*alone).statistic)


# ---- many domains and variables in one call ------------------------------------------------------------------------


class Regression:
    """A calibration to the total of x, as a design applies it: scores less their weighted regression on x."""

    def __init__(self, weight, x):
        self.weight, self.x = weight, x

    def residuals(self, scores):
        slope = self.x @ scores / (self.weight * self.x @ self.x)
        return scores - np.outer(self.weight * self.x, slope)


KINDS = ["elements", "clusters", "two stages", "adjust", "average", "calibrated", "second phase"]


@st.composite
def designs(draw) -> SimpleNamespace:
    """A design of any kind with a table y (n, 2), x > 0, codes of 3 domains (-1 is none), each with somebody in it."""
    kind = draw(st.sampled_from(KINDS))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, strata = draw(st.integers(24, 40)), 3
    cluster = np.arange(n) % 12
    stratum = cluster % strata
    weight = random.uniform(1, 9, n)
    if kind == "clusters":
        design = survey_design(weight, stratum, np.full(n, 9.0), cluster=cluster)
    elif kind == "two stages":
        design = survey_design(weight, stratum, (np.full(n, 9.0), np.full(n, 20.0)), cluster=(cluster, np.arange(n)))
    elif kind in ("adjust", "average"):
        alone = np.where(cluster == 5, 99, stratum)
        design = survey_design(weight, alone, np.full(n, 40.0), cluster=cluster, lonely=kind)
    else:
        design = survey_design(weight, stratum, np.full(n, 40.0))
    x = random.uniform(1, 9, n)
    if kind == "calibrated":
        design = design.with_adjustment(weight, Regression(weight, x))
    codes = random.integers(-1, 3, n)
    codes[random.permutation(n)[:3]] = [0, 1, 2]
    if kind == "second phase":
        responded = (np.arange(n) % 4 > 0) | (np.arange(n) < 6)
        codes[:3] = [0, 1, 2]
        design = second_phase(design, responded, np.arange(n) % 2)
    return SimpleNamespace(kind=kind, design=design, y=random.normal(5, 3, (n, 2)), x=x, codes=codes, random=random)


def one_by_one(s, estimator) -> estimate.Estimate:
    """Each domain by itself, with the scores of everybody, side by side."""
    parts = [estimator(s.codes == d) for d in range(3)]
    found = estimate.stack(s.design, parts)
    if s.kind == "average":  # what a lone stratum adds hangs on the strata of the domain
        for d, part in enumerate(parts):
            k = len(part.value)
            found.covariance[d * k : (d + 1) * k, d * k : (d + 1) * k] = part.covariance
    return found


@settings(max_examples=30, deadline=None)
@given(designs())
def test_domains_in_one_call_are_the_domains_one_by_one(s):
    for together, alone in (
        (estimate.means_by(s.design, s.y, s.codes, 3), lambda d: estimate.mean(s.design, s.y, d)),
        (estimate.totals_by(s.design, s.y, s.codes, 3), lambda d: estimate.total(s.design, s.y, d)),
        (estimate.ratios_by(s.design, s.y, s.x, s.codes, 3), lambda d: estimate.ratio(s.design, s.y, s.x, d)),
    ):
        wanted = one_by_one(s, alone)
        np.testing.assert_allclose(together.value, wanted.value, rtol=1e-10)
        np.testing.assert_allclose(together.se, wanted.se, rtol=1e-8)
        assert (together.n.tolist(), together.df.tolist()) == (wanted.n.tolist(), wanted.df.tolist())
        np.testing.assert_allclose(together.scores, wanted.scores, rtol=1e-9, atol=1e-12)
        if s.kind != "average":
            scale = np.outer(wanted.se, wanted.se)
            np.testing.assert_allclose(together.covariance / scale, wanted.covariance / scale, rtol=0, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(designs())
def test_a_combination_and_a_selection_agree_with_the_joint_covariance(s):
    found = estimate.means_by(s.design, s.y, s.codes, 3)
    c = s.random.normal(size=6)
    if s.kind != "average":
        assert found.variance_of(c) == pytest.approx(c @ found.covariance @ c, rel=1e-8)
        some = found.select([5, 1])
        np.testing.assert_allclose(some.covariance, found.covariance[np.ix_([5, 1], [5, 1])], rtol=1e-8, atol=1e-14)
        assert found.domain(1).value.tolist() == found.value[2:4].tolist()
    assert found.variance_of(np.zeros(6)) == 0


@settings(max_examples=20, deadline=None)
@given(designs())
def test_shares_of_domains_add_up_to_1(s):
    answers = s.random.integers(-1, 4, s.design.n)
    found = estimate.proportions_by(s.design, answers, 4, np.zeros(s.design.n, int), 1)
    assert found.value.sum() == pytest.approx(1, abs=1e-14)
    if s.kind != "average":
        np.testing.assert_allclose(found.covariance.sum(axis=0), 0, atol=1e-12)
    same(found.select(slice(None)), estimate.proportions(s.design, answers, 4))


@settings(max_examples=20, deadline=None)
@given(designs())
def test_values_that_are_not_known_narrow_their_own_variable_only(s):
    y, known = s.y.copy(), s.random.random(s.y.shape) < 0.8
    for d in range(3):
        known[np.flatnonzero((s.codes == d) & (s.design.weight > 0))[0]] = True
    y[~known] = np.nan
    found = estimate.means_by(s.design, y, s.codes, 3, known)
    for cell, (d, j) in enumerate(np.ndindex(3, 2)):
        wanted = estimate.mean(s.design, s.y[:, j], (s.codes == d) & known[:, j])
        assert found.value[cell] == pytest.approx(wanted.value[0], rel=1e-10)
        assert found.se[cell] == pytest.approx(wanted.se[0], rel=1e-8, abs=1e-14)
        assert (found.n[cell], found.df[cell]) == (wanted.n[0], wanted.df[0])


def test_units_many_enough_to_leave_out_empty_pairs_of_units_and_domains():
    random = np.random.default_rng(5)
    n, domains = 60, 25
    cluster = random.integers(0, 20, n)
    design = survey_design(random.uniform(1, 5, n), cluster % 4, None, cluster=cluster)
    y, codes = random.normal(size=(n, 3)), np.arange(n) % domains
    found = estimate.totals_by(design, y, codes, domains)
    dense = design.covariance(found.scores)
    np.testing.assert_allclose(found.covariance, dense, atol=1e-9 * dense.max())
    np.testing.assert_allclose(found.variance, np.diag(dense), rtol=1e-9)


def test_domains_of_a_census_have_no_variance():
    design = survey_design(np.ones(6), list("aabbbb"), [2, 2, 4, 4, 4, 4])
    found = estimate.means_by(design, [1.0, 2, 3, 4, 5, 6], [0, 1, 0, 1, 0, 1], 2)
    assert found.value.tolist() == [3, 4]
    assert (found.covariance == 0).all()
    assert (found.se == 0).all()


def test_a_total_of_an_empty_domain_is_zero():
    found = estimate.totals_by(survey_design(np.ones(3), ["a"] * 3), [1.0, 2, 3], [0, 0, 0], 2)
    assert (found.value.tolist(), found.n.tolist(), found.se[1]) == ([6, 0], [3, 0], 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([1.0, 2, 3, 4], [0, 0, 1, 1], 3), r"A domain holds no agency to divide by \(code 2\)"),
        (([1.0, 2, 3, 4], [0, 0, 1, 3], 3), "A domain has a code outside 0 to 2 for 1 agencies"),
        (([1.0, 2, 3, 4], [0, 0, 1, -2], 3), "A domain has a code outside 0 to 2 for 1 agencies"),
        (([1.0, 2, 3, 4], [0, 0, np.nan, 1], 2), "A domain is missing or no whole number for 1 agencies"),
        (([1.0, 2, 3, 4], [0, 0, 0.5, None], 2), "A domain is missing or no whole number for 2 agencies"),
        (([1.0, 2, 3, 4], ["a", "b", 0, 1], 2), "A domain is missing or no whole number for 2 agencies"),
        (([1.0, 2, 3, 4], [0, 0, 1], 2), "A domain has 3 rows, the design 4"),
        (([1.0, 2, 3], [0, 0, 1, 1], 2), "A variable has 3 rows, the design 4"),
        (([1.0, np.nan, np.inf, 4], [0, 0, 1, 1], 2), "A variable is missing for 2 agencies of the domains"),
        (([1.0, 2, 3, 4], [0, 0, 1, 1], 2, [True] * 3), "The mark of known values has 3 rows, the design 4"),
    ],
)
def test_what_cannot_be_estimated_by_domain_is_refused(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        estimate.means_by(survey_design(np.ones(4), ["a"] * 4), *arguments)


@pytest.mark.parametrize(
    ("domain", "sentence"),
    [
        ([True, False], "A domain has 2 rows, the design 4"),
        ([True, None, False, True], "A domain is neither true nor false for 1 agencies"),
        ([1.0, np.nan, 0.0, 2.0], "A domain is neither true nor false for 2 agencies"),
    ],
)
def test_a_domain_is_true_or_false(domain, sentence):
    with pytest.raises(InputError, match=sentence):
        estimate.mean(survey_design(np.ones(4), ["a"] * 4), [1.0, 2, 3, 4], domain)


def test_a_domain_of_ones_and_zeros_is_read_as_true_and_false():
    design = survey_design(np.ones(4), ["a"] * 4)
    assert estimate.mean(design, [1.0, 2, 3, 4], [1, 0, 0, 1]).value[0] == 2.5


def test_answers_out_of_range_are_refused():
    with pytest.raises(InputError, match="An answer has a code outside 0 to 1 for 1 agencies"):
        estimate.proportions(survey_design(np.ones(3), ["a"] * 3), [0, 1, 2], 2)


def test_a_ratio_by_domain_has_one_denominator():
    with pytest.raises(InputError, match="more than one denominator"):
        estimate.ratios_by(survey_design(np.ones(2), ["a"] * 2), [1.0, 2], np.ones((2, 2)), [0, 0], 1)


@pytest.mark.parametrize("seed", range(5))
def test_a_share_of_everybody_is_exactly_1(seed):
    """The sums above and below add the same weights; their quotient must not be 1 and a rounding."""
    weight = np.random.default_rng(seed).uniform(0.1, 3, 1001)
    design = survey_design(weight, ["a"] * 1001)
    ones = np.column_stack([np.ones(1001), np.zeros(1001), weight])
    for found in (
        estimate.mean(design, ones),
        estimate.mean(design, np.ones(1001)),
        estimate.means_by(design, ones, np.arange(1001) % 3, 3).domain(2),
        estimate.proportions(design, np.zeros(1001, int), 2),
    ):
        assert (found.value[0], found.se[0]) == (1.0, 0.0)
        assert np.isnan(found.interval(0.95, "logit")[0]).all() if found.value.max() <= 1 else True


# ---- intervals of shares -------------------------------------------------------------------------------------------


def of_ten(ones: int) -> estimate.Estimate:
    return estimate.mean(survey_design(np.ones(10), ["a"] * 10), np.repeat([1.0, 0.0], [ones, 10 - ones]))


def test_wilson_by_hand():
    """Simple random sampling with replacement: V = p (1 - p) / (n - 1), so the effective size is n - 1 = 9."""
    t = stats.t.ppf(0.975, 9)
    # (p - r)^2 = t^2 r (1 - r) / 9 as a polynomial in r
    wanted = np.sort(np.roots([1 + t**2 / 9, -2 * 0.3 - t**2 / 9, 0.3**2]))
    np.testing.assert_allclose(of_ten(3).interval(0.95, "wilson")[0], wanted, rtol=1e-12)


def test_korn_and_graubard_is_clopper_and_pearsons_with_the_effective_size():
    found = of_ten(3).interval(0.9, "beta")[0]
    wanted = [stats.beta.ppf(0.05, 2.7, 6.3 + 1), stats.beta.ppf(0.95, 2.7 + 1, 6.3)]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    # two strata: 8 degrees of freedom instead of 9 widen it
    design = survey_design(np.ones(10), list("ab") * 5)
    y = np.repeat([1.0, 0.0], [4, 6])
    share = estimate.mean(design, y)
    size = 0.24 / share.variance[0] * (stats.t.ppf(0.975, 9) / stats.t.ppf(0.975, 8)) ** 2
    wanted = stats.beta.ppf(0.025, size * 0.4, size * 0.6 + 1)
    assert share.interval(0.95, "beta")[0, 0] == pytest.approx(wanted, rel=1e-12)


def test_limits_where_nobody_or_everybody_says_yes():
    """Clopper and Pearson's limit of none out of ten, 1 - 0.025^(1/10); Wilson's t^2 / (n + t^2)."""
    none, everybody = of_ten(0), of_ten(10)
    t = stats.t.ppf(0.975, 9)
    np.testing.assert_allclose(none.interval(0.95, "beta")[0], [0, 1 - 0.025**0.1], rtol=1e-12)
    np.testing.assert_allclose(everybody.interval(0.95, "beta")[0], [0.025**0.1, 1], rtol=1e-12)
    np.testing.assert_allclose(none.interval(0.95, "wilson")[0], [0, t**2 / (10 + t**2)], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(everybody.interval(0.95, "wilson")[0], [10 / (10 + t**2), 1], rtol=1e-12)
    assert np.isnan(none.interval(0.95, "asin")).all()


def test_a_share_that_is_known_has_no_width():
    census = estimate.mean(survey_design(np.ones(4), ["a"] * 4, [4.0] * 4), [1.0, 1, 0, 0])
    for method in ("t", "wilson", "beta", "logit", "asin"):
        np.testing.assert_allclose(census.interval(0.95, method)[0], [0.5, 0.5], rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(surveys(), st.sampled_from(["asin", "wilson", "beta"]))
def test_limits_of_shares_lie_around_them(s, method):
    found = estimate.proportions(design_of(s), s.codes, 3)
    low, high = found.interval(0.95, method).T
    shown = ~np.isnan(low)
    assert ((low[shown] >= 0) & (low[shown] <= found.value[shown] + 1e-12)).all()
    assert ((high[shown] <= 1) & (high[shown] >= found.value[shown] - 1e-12)).all()


def test_intervals_by_domain_are_those_of_each():
    random = np.random.default_rng(8)
    answers, codes = random.integers(0, 3, 80), np.arange(80) % 4
    design = survey_design(random.uniform(1, 4, 80), codes // 2)
    found = estimate.proportions_by(design, answers, 3, codes, 4)
    for method in estimate.INTERVALS:
        limits = found.grid(found.interval(0.9, method))
        for d in range(4):
            alone = estimate.proportions(design, answers, 3, codes == d).interval(0.9, method)
            np.testing.assert_allclose(limits[d], alone, rtol=1e-9)


def test_intervals_of_shares_are_for_shares():
    with pytest.raises(InputError, match="for proportions"):
        estimate.mean(survey_design(np.ones(2), ["a", "a"]), [1, 2]).interval(method="beta")


# ---- quantiles -----------------------------------------------------------------------------------------------------


def test_quantiles_by_hand():
    """Weights 1 2 3 4 of the values 10 20 30 40: F = 0.1, 0.3, 0.6, 1."""
    design = survey_design([3.0, 1, 4, 2], ["a"] * 4)
    y = [30.0, 10, 40, 20]
    found = estimate.quantiles(design, y, [0.05, 0.1, 0.11, 0.6, 0.61, 0.95])
    assert found.value[0, 0].tolist() == [10, 10, 20, 30, 40, 40]
    # weight below each over all but the last: 0, 1/6, 3/6, 1
    found = estimate.quantiles(design, y, [1 / 12, 1 / 6, 1 / 3, 3 / 4], rule="hf7")
    np.testing.assert_allclose(found.value[0, 0], [15, 20, 25, 35])


def test_woodruffs_limits_by_hand():
    """20 of 1..20 with equal weights, median 10: F(10) = 0.5, se = sqrt(0.25 / 19), limits at 0.5 -+ t se = 0.26, 0.74."""
    design = survey_design(np.ones(20), ["a"] * 20)
    found = estimate.quantiles(design, np.arange(20, 0, -1.0), [0.5, 0.02])
    half = stats.t.ppf(0.975, 19) * np.sqrt(0.25 / 19)
    low, high = np.ceil(20 * (0.5 - half)), np.ceil(20 * (0.5 + half))
    assert (found.value[0, 0, 0], found.low[0, 0, 0], found.high[0, 0, 0]) == (10, low, high)
    assert found.se[0, 0, 0] == pytest.approx((high - low) / 2 / stats.t.ppf(0.975, 19))
    assert np.isnan(found.low[0, 0, 1])  # F(1) = 0.05 less its margin is below 0
    assert (found.n[0, 0], found.df[0, 0]) == (20, 19)


@settings(max_examples=30, deadline=None)
@given(surveys(), st.sampled_from(["math", "hf7"]), st.floats(0.1, 50))
def test_quantiles_grow_with_p_and_do_not_mind_order_scale_or_ties(s, rule, scale):
    y, p = np.round(s.y), np.linspace(0.05, 0.95, 10)
    found = estimate.quantiles(design_of(s), y, p, s.domain, rule)
    assert (np.diff(found.value[0, 0]) >= -1e-9).all()
    if rule == "math":
        assert not (found.low > found.value).any()
        assert not (found.high < found.value).any()
    order = s.random.permutation(s.n)
    other = estimate.quantiles(design_of(s, order, scale), y[order], p, s.domain[order], rule)
    for name in ("value", "low", "high", "se"):
        np.testing.assert_allclose(getattr(other, name), getattr(found, name), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("rule", "method"), [("math", "inverted_cdf"), ("hf7", "linear")])
def test_quantiles_under_equal_weights_are_numpys(rule, method):
    y = np.random.default_rng(3).normal(size=37)
    p = [0.1, 0.33, 0.5, 0.77]
    found = estimate.quantiles(survey_design(np.full(37, 2.5), ["a"] * 37), y, p, rule=rule)
    np.testing.assert_allclose(found.value[0, 0], np.quantile(y, p, method=method))


@settings(max_examples=20, deadline=None)
@given(designs(), st.sampled_from(["math", "hf7"]))
def test_quantiles_by_domain_are_those_of_each(s, rule):
    found = estimate.quantiles_by(s.design, s.y, [0.3, 0.6], s.codes, 3, rule=rule)
    for d in range(3):
        for j in range(2):
            wanted = estimate.quantiles(s.design, s.y[:, j], [0.3, 0.6], s.codes == d, rule)
            for name in ("value", "low", "high", "se"):
                np.testing.assert_allclose(getattr(found, name)[d, j], getattr(wanted, name)[0, 0], rtol=1e-9)
            assert (found.n[d, j], found.df[d, j]) == (wanted.n[0, 0], wanted.df[0, 0])


def test_quantiles_of_a_census_have_no_width():
    design = survey_design(np.ones(5), ["a"] * 5, [5.0] * 5)
    for rule in ("math", "hf7"):
        found = estimate.quantiles(design, [5.0, 1, 4, 2, 8], [0.3, 0.7], rule=rule)
        assert found.low.tolist() == found.value.tolist() == found.high.tolist()
        assert (found.se == 0).all()


def test_quantiles_leave_out_what_is_not_known_or_has_no_weight():
    design = survey_design([1.0, 1, 1, 0, 1], ["a"] * 5)
    y = np.array([3.0, 1, 2, 99, np.nan])
    found = estimate.quantiles_by(design, y, [0.99], np.zeros(5, int), 1, np.isfinite(y))
    assert (found.value[0, 0, 0], found.n[0, 0]) == (3, 3)


def test_a_probability_is_between_0_and_1():
    design = survey_design(np.ones(2), ["a"] * 2)
    for wrong in (0, 1, 50, np.nan):
        with pytest.raises(InputError, match="A probability of a quantile lies outside 0 to 1"):
            estimate.quantiles(design, [1.0, 2], [wrong])
    with pytest.raises(ValueError, match="unknown rule"):
        estimate.quantiles(design, [1.0, 2], [0.5], rule="hf9")


# ---- design effects, contrasts, change -----------------------------------------------------------------------------


@pytest.mark.parametrize("population", [None, 50.0])
def test_a_simple_random_sample_has_design_effect_1(population):
    y, x = np.random.default_rng(2).uniform(1, 5, (2, 10))
    size = None if population is None else np.full(10, population)
    design, one = survey_design(np.full(10, 5.0), ["a"] * 10, size), np.zeros(10, int)
    for found in (
        estimate.means_by(design, y, one, 1),
        estimate.totals_by(design, y, one, 1),
        estimate.ratios_by(design, y, x, one, 1),
    ):
        assert found.design_effect(replacement=population is None)[0] == pytest.approx(1)


def test_design_effects_that_do_not_exist_are_missing():
    small = survey_design(np.full(4, 0.5), ["a"] * 4)
    found = estimate.means_by(small, np.column_stack([[1.0, 2, 3, 4], np.ones(4)]), np.zeros(4, int), 1)
    assert np.isnan(found.design_effect()[0])  # the sample is larger than its population
    assert np.isnan(found.design_effect(replacement=True)[1])  # a constant


def test_differences_between_domains_use_their_covariance():
    design = survey_design(np.ones(8), ["a"] * 8, cluster=[1, 1, 2, 2, 3, 3, 4, 4])
    y = np.array([1.0, 2, 3, 5, 6, 7, 4, 5])
    found = estimate.means_by(design, y, np.tile([0, 1], 4), 2)
    ((value, se, test),) = estimate.differences(found)
    paired = y[1::2] - y[::2]  # both domains in every cluster: the difference is a mean over clusters
    wanted = stats.ttest_1samp(paired, 0)
    assert (value, se) == pytest.approx((paired.mean(), paired.std(ddof=1) / 2))
    assert (test.statistic, test.p) == pytest.approx((wanted.statistic, wanted.pvalue))


def test_a_contrast_has_a_coefficient_for_each_estimate():
    found = estimate.means_by(survey_design(np.ones(4), ["a"] * 4), [1.0, 2, 3, 4], [0, 0, 1, 1], 2)
    with pytest.raises(InputError, match="3 coefficients for 2 estimates"):
        estimate.contrast(found, [1, -1, 0])
    with pytest.raises(InputError, match="no coefficient that is not zero"):
        estimate.contrast(found, [0, 0])


def test_wald_of_one_combination_is_the_square_of_its_t():
    found = estimate.means_by(survey_design(np.ones(6), ["a"] * 6), [1.0, 2, 3, 4, 6, 9], [0, 0, 1, 1, 2, 2], 3)
    _, _, t = estimate.contrast(found, [1, 0, -1])
    f = estimate.wald(found, [1, 0, -1])
    assert (f.statistic, f.p, f.df_residual) == pytest.approx((t.statistic**2, t.p, t.df_residual))


def test_wald_of_combinations_without_variance_is_missing():
    found = estimate.means_by(survey_design(np.ones(4), ["a"] * 4), [1.0, 2, 3, 4], [0, 0, 1, 1], 2)
    assert np.isnan(estimate.wald(found, [[1, -1], [2, -2]]).statistic)


def test_change_between_surveys_of_the_same_units_is_the_paired_test():
    first, second = np.array([1.0, 4, 2, 6, 3]), np.array([5.0, 9, 4, 8, 12])
    unit = np.tile(np.arange(5), 2)
    design = survey_design(np.ones(10), ["a"] * 10, cluster=unit)
    y, wave = np.concatenate([first, second]), np.repeat([0, 1], 5)
    before, after = (estimate.mean(design, y, wave == w) for w in (0, 1))
    value, _, (test,) = estimate.change_within(design, before, after)
    wanted = stats.ttest_rel(second, first)
    assert value[0] == pytest.approx((second - first).mean())
    assert (test.statistic, test.p, test.df_residual) == pytest.approx((wanted.statistic, wanted.pvalue, wanted.df))


def test_importing_the_estimates_costs_no_statsmodels_and_no_plotting():
    code = (
        "import sys, agency_survey.estimate, agency_survey.hypotheses\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    path = str(Path(estimate.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": path}
    )
    loaded = set(done.stdout.split())
    assert "numpy" in loaded
    assert not loaded & {"statsmodels", "seaborn", "matplotlib", "sklearn", "patsy"}
