"""Estimators: invariances that hold for any design, special cases with known answers, and tests by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from agency_survey import estimate
from agency_survey.design import survey_design
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
    with pytest.raises(ValueError, match="wilson"):
        estimate.mean(survey_design(np.ones(2), ["a", "a"]), [1, 2]).interval(method="wilson")


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
