"""Tests of hypotheses: special cases with textbook answers, invariances, and what is refused."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from agency_survey import estimate, hypotheses
from agency_survey.design import survey_design
from agency_survey.errors import InputError

FEW = settings(max_examples=20, deadline=None)


def simple(n: int):
    """Simple random sampling with replacement, equal weights."""
    return survey_design(np.full(n, 3.0), ["a"] * n)


@st.composite
def surveys(draw) -> SimpleNamespace:
    """A stratified cluster sample of 60 with y, an answer of 3 and a group of 4, each seen."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = 60
    cluster = np.arange(n) % 20
    return SimpleNamespace(
        n=n,
        random=random,
        cluster=cluster,
        stratum=cluster % 2,
        size=np.where(cluster % 2, 30.0, 15.0),
        weight=random.uniform(1, 9, n),
        y=np.round(random.normal(5, 3, n)),
        answer=random.permutation(np.append(np.arange(3), random.integers(0, 3, n - 3))),
        group=random.permutation(np.append(np.arange(4), random.integers(0, 4, n - 4))),
    )


def design_of(s, order=slice(None), scale: float = 1.0, name=str):
    stratum = [name(h) for h in s.stratum[order]]
    return survey_design(s.weight[order] * scale, stratum, s.size[order], cluster=s.cluster[order])


def everything(s, design, order=slice(None)) -> np.ndarray:
    """Statistics and p-values of all tests."""
    y, answer, group = s.y[order], s.answer[order], s.group[order]
    table = hypotheses.crosstab(design, answer, group, 3, 4)
    tests = table.rao_scott()
    found = [
        tests.f_second,
        tests.f_first,
        tests.chi2_first,
        tests.chi2_second,
        table.wald(),
        table.wald(False),
        hypotheses.t_test(design, y, group % 2).test,
        hypotheses.t_test(design, y, null=5.0).test,
        hypotheses.equal_means(design, y, answer, 3),
        hypotheses.trend(design, y, answer, 3).test,
        hypotheses.trend(design, y, answer, 3, method="contrast").test,
        *(hypotheses.rank_test(design, y, group, 4, kind) for kind in hypotheses.RANKS),
        *(hypotheses.rank_test(design, y, group % 2, 2, kind) for kind in hypotheses.RANKS),
    ]
    return np.array([[t.statistic, t.df, t.df_residual, t.p] for t in found])


@FEW
@given(surveys(), st.floats(0.01, 1000))
def test_no_test_minds_the_order_of_rows_the_scale_of_weights_or_the_names_of_strata(s, scale):
    order = s.random.permutation(s.n)
    wanted = everything(s, design_of(s))
    assert np.isfinite(wanted[:, [0, 1, 3]]).all()
    np.testing.assert_allclose(everything(s, design_of(s, order), order), wanted, rtol=1e-7, atol=1e-9)
    other = design_of(s, scale=scale, name=lambda h: f"stratum {9 - h}")
    np.testing.assert_allclose(everything(s, other), wanted, rtol=1e-7, atol=1e-9)


# ---- cross-tables --------------------------------------------------------------------------------------------------


def of_counts(counts) -> tuple[np.ndarray, np.ndarray]:
    """(row codes, column codes) of a table of counts."""
    rows, columns = np.indices(np.shape(counts))
    return tuple(np.repeat(codes.ravel(), np.ravel(counts)) for codes in (rows, columns))


@pytest.mark.parametrize("counts", [[[10, 20], [15, 5]], [[8, 3, 12], [4, 9, 7], [11, 2, 6], [5, 5, 5]]])
def test_under_simple_random_sampling_it_is_pearsons_test(counts):
    """V = (diag p - p p') / (n - 1): all design effects are n / (n - 1)."""
    row, column = of_counts(counts)
    n = len(row)
    pearson = stats.chi2_contingency(counts, correction=False)
    found = hypotheses.crosstab(simple(n), row, column, *np.shape(counts)).rao_scott()
    k = pearson.dof
    assert found.pearson == pytest.approx(pearson.statistic)
    np.testing.assert_allclose(found.design_effects, np.full(k, n / (n - 1)))
    scaled = pearson.statistic * (n - 1) / n
    for test, statistic, df, residual, p in (
        (found.chi2_first, scaled, k, np.inf, stats.chi2.sf(scaled, k)),
        (found.chi2_second, scaled, k, np.inf, stats.chi2.sf(scaled, k)),
        (found.f_first, scaled / k, k, k * (n - 1), stats.f.sf(scaled / k, k, k * (n - 1))),
        (found.f_second, scaled / k, k, k * (n - 1), stats.f.sf(scaled / k, k, k * (n - 1))),
    ):
        assert (test.statistic, test.df, test.p) == pytest.approx((statistic, df, p))
        assert test.df_residual == pytest.approx(residual)


def test_second_order_takes_off_what_unequal_design_effects_cost():
    """1 + a^2 is the mean square of the effects over their squared mean; eight clusters have 7 degrees of freedom."""
    row, column = of_counts([[9, 6, 5], [4, 8, 8]])
    k = 2
    clustered = survey_design(np.ones(40), None, cluster=np.arange(40) % 8)
    found = hypotheses.crosstab(clustered, row, column, 2, 3).rao_scott()
    effects = found.design_effects
    d, spread = effects.mean(), (effects**2).mean() / effects.mean() ** 2
    assert spread > 1.01
    assert found.chi2_second.statistic == pytest.approx(found.pearson / (d * spread))
    assert found.chi2_second.df == found.f_second.df == pytest.approx(k / spread)
    assert found.f_second.df_residual == pytest.approx(7 * k / spread)
    assert found.f_second.statistic == found.f_first.statistic == pytest.approx(found.pearson / (k * d))


@FEW
@given(surveys())
def test_shares_of_a_table_add_up(s):
    table = hypotheses.crosstab(design_of(s), s.answer, s.group, 3, 4)
    assert table.shares.value.sum() == pytest.approx(1)
    filled = table.totals.sum(axis=1) > 0
    np.testing.assert_allclose(table.row_shares.value.reshape(3, 4).sum(axis=1)[filled], 1)
    np.testing.assert_allclose(table.column_shares.value.reshape(3, 4).sum(axis=0), 1)
    np.testing.assert_allclose(table.shares.covariance.sum(axis=0), 0, atol=1e-13)


@FEW
@given(surveys())
def test_shares_of_a_table_are_the_proportions_of_their_domain(s):
    design = design_of(s)
    table = hypotheses.crosstab(design, s.answer, s.group, 3, 4)
    every = estimate.proportions(design, s.answer * 4 + s.group, 12)
    np.testing.assert_allclose(table.shares.value, every.value, atol=1e-14)
    np.testing.assert_allclose(table.shares.se, every.se, atol=1e-12)
    assert (table.shares.n == 60).all()
    for r in range(3):
        of_row = estimate.proportions(design, s.group, 4, s.answer == r)
        rows = slice(4 * r, 4 * r + 4)
        np.testing.assert_allclose(table.row_shares.value[rows], of_row.value, atol=1e-14)
        np.testing.assert_allclose(table.row_shares.se[rows], of_row.se, atol=1e-12)
        assert table.row_shares.n[rows].tolist() == of_row.n.tolist()
        assert table.row_shares.df[rows].tolist() == of_row.df.tolist()
    of_column = estimate.proportions(design, s.answer, 3, s.group == 2)
    np.testing.assert_allclose(table.column_shares.se.reshape(3, 4)[:, 2], of_column.se, atol=1e-12)
    assert table.column_shares.df.reshape(3, 4)[:, 2].tolist() == of_column.df.tolist()
    low, high = table.row_shares.interval(0.95, "wilson").T
    assert ((low <= table.row_shares.value) & (table.row_shares.value <= high)).all()


@FEW
@given(surveys())
def test_a_table_turned_over_has_the_same_tests(s):
    design = design_of(s)
    one = hypotheses.crosstab(design, s.answer, s.group, 3, 4)
    two = hypotheses.crosstab(design, s.group, s.answer, 4, 3)
    assert one.rao_scott().f_second.p == pytest.approx(two.rao_scott().f_second.p, rel=1e-8)
    assert one.wald().p == pytest.approx(two.wald().p, rel=1e-7)


def test_empty_rows_and_columns_and_missing_codes_do_not_count():
    row, column = of_counts([[10, 20], [15, 5]])
    wanted = hypotheses.crosstab(simple(50), row, column, 2, 2)
    wide = hypotheses.crosstab(simple(50), row * 2, column + 1, 4, 3)
    assert wide.rao_scott().f_second.p == pytest.approx(wanted.rao_scott().f_second.p)
    assert wide.wald().p == pytest.approx(wanted.wald().p)
    assert np.isnan(wide.row_shares.value.reshape(4, 3)[1]).all()
    assert wide.shares.value.sum() == pytest.approx(1)
    missing = hypotheses.crosstab(simple(52), np.append(row, [-1, 0]), np.append(column, [0, -1]), 2, 2)
    assert missing.counts.sum() == 50
    inside = np.append(np.ones(50, bool), [False, False])
    part = hypotheses.crosstab(simple(52), np.append(row, [0, 0]), np.append(column, [0, 0]), 2, 2, inside)
    assert part.rao_scott().f_second.p == pytest.approx(missing.rao_scott().f_second.p)


def test_a_table_of_a_census_has_no_test():
    row, column = of_counts([[10, 20], [15, 5]])
    census = survey_design(np.ones(50), ["a"] * 50, [50.0] * 50)
    table = hypotheses.crosstab(census, row, column, 2, 2)
    assert (table.shares.se == 0).all()
    assert np.isnan(table.rao_scott().f_second.statistic)
    assert np.isnan(table.rao_scott().chi2_first.p)
    assert np.isnan(table.wald().statistic)


def test_wald_of_a_two_by_two_table_by_hand():
    """One difference, p11 - p1. p.1; its score is w (I11 - p.1 I1. - p1. I.1 + p1. p.1)."""
    row, column = of_counts([[10, 20], [15, 5]])
    n, first, second = 50, 1.0 * (row == 1), 1.0 * (column == 1)
    z = first * second - second.mean() * first - first.mean() * second
    away = (first * second).mean() - first.mean() * second.mean()
    wanted = away**2 / (z.var(ddof=1) / n)
    found = hypotheses.crosstab(simple(n), row, column, 2, 2).wald(adjusted=False)
    assert (found.df, found.df_residual) == (1, 49)
    assert found.p == pytest.approx(stats.f.sf(found.statistic, 1, 49))
    assert found.statistic == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("row", "column", "sentence"),
    [
        ([0, 0, 0, 0], [0, 1, 0, 1], "A variable of the table has one category only"),
        ([0, 1, 0, 1], [2, 2, 2, 2], "A variable of the table has one category only"),
        ([0, 1, 3, 1], [0, 1, 0, 1], "A row has a code outside 0 to 2 for 1 agencies"),
        ([0, 1, 0, 1], [0, 1, 0, np.nan], "A column is missing or no whole number for 1 agencies"),
        ([0, 1, 0], [0, 1, 0, 1], "A row has 3 rows, the design 4"),
        ([-1, -1, -1, 0], [0, 1, 0, -1], "The table holds nobody with weight"),
    ],
)
def test_tables_that_cannot_be_tested_are_refused(row, column, sentence):
    design = simple(4)
    with pytest.raises(InputError, match=sentence):
        hypotheses.crosstab(design, row, column, 3, 3).rao_scott()


# ---- means ---------------------------------------------------------------------------------------------------------


def test_one_mean_is_students_test():
    y = np.array([3.0, 5, 4, 8, 6, 9])
    found, wanted = hypotheses.t_test(simple(6), y, null=4.0), stats.ttest_1samp(y, 4.0)
    assert (found.test.statistic, found.test.p) == pytest.approx((wanted.statistic, wanted.pvalue))
    np.testing.assert_allclose([found.low, found.high], wanted.confidence_interval(0.95))
    assert found.test.df_residual == 5


def test_two_strata_are_welchs_statistic():
    first, second = np.array([1.0, 4, 2, 6, 3]), np.array([5.0, 9, 4, 8, 12, 7])
    group = np.repeat([0, 1], [5, 6])
    found = hypotheses.t_test(survey_design(np.ones(11), group), np.append(first, second), group)
    wanted = stats.ttest_ind(second, first, equal_var=False)
    assert found.value == pytest.approx(second.mean() - first.mean())
    assert found.test.statistic == pytest.approx(wanted.statistic)
    assert found.test.df_residual == 8
    half = stats.t.ppf(0.975, 8) * found.se
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))


@FEW
@given(surveys())
def test_two_groups_are_one_question_in_every_test(s):
    design = design_of(s)
    group = s.group % 2
    t = hypotheses.t_test(design, s.y, group)
    slope = hypotheses.trend(design, s.y, group, 2)
    line = hypotheses.trend(design, s.y, group, 2, method="contrast")
    equal = hypotheses.equal_means(design, s.y, group, 2)
    assert (slope.value, slope.se, slope.test.p) == pytest.approx((t.value, t.se, t.test.p), rel=1e-8)
    assert (line.value, line.se) == pytest.approx((t.value, t.se), rel=1e-8)
    assert (equal.statistic, equal.p) == pytest.approx((t.test.statistic**2, t.test.p), rel=1e-7)


def test_a_group_with_missing_codes_is_a_domain():
    y, group = np.arange(8.0) ** 2, np.array([0, 1, 0, 1, -1, 0, 1, 1])
    one = hypotheses.t_test(simple(8), y, group)
    assert one == hypotheses.t_test(simple(8), y, np.where(group < 0, 0, group), group >= 0)
    assert one.test.df_residual == 5  # seven agencies less a stratum less one


def test_trend_by_hand():
    """Means 1, 2, 6 of 1, 2 and 3 agencies: through the means (6 - 1) / 2; by agencies as numpy's line."""
    y, codes = np.array([1.0, 1, 3, 5, 6, 7]), np.array([0, 1, 1, 2, 2, 2])
    assert hypotheses.trend(simple(6), y, codes, 3, method="contrast").value == pytest.approx(2.5)
    assert hypotheses.trend(simple(6), y, codes, 3).value == pytest.approx(np.polyfit(codes, y, 1)[0])
    far = np.array([0.0, 10, 100])
    assert hypotheses.trend(simple(6), y, codes, 3, far).value == pytest.approx(np.polyfit(far[codes], y, 1)[0])
    # sandwich of simple random sampling: scores w (s - sbar) e / S
    away = codes - codes.mean()
    z = away * (y - np.polyval(np.polyfit(codes, y, 1), codes)) / (away @ away)
    assert hypotheses.trend(simple(6), y, codes, 3).se == pytest.approx(np.sqrt(6 * z.var(ddof=1)))


def test_values_outside_of_every_domain_are_never_looked_at():
    y, codes = np.array([1.0, 1, 3, 5, 6, 7, 2]), np.array([0, 1, 1, 2, 2, 2, -1])
    lost = np.where(codes < 0, np.nan, y)
    design = simple(7)
    for test in (
        lambda v: hypotheses.trend(design, v, codes, 3),
        lambda v: hypotheses.equal_means(design, v, codes, 3),
        lambda v: hypotheses.rank_test(design, v, codes, 3),
        lambda v: hypotheses.t_test(design, v, np.minimum(codes, 1)),
        lambda v: hypotheses.t_test(design, v, domain=codes >= 0),
    ):
        assert test(lost) == test(y)


# ---- ranks ---------------------------------------------------------------------------------------------------------


def test_ranks_under_equal_weights_are_the_ranks():
    y = np.array([3.0, 1, 3, 7, 7, 7, 2, 9])
    np.testing.assert_allclose(hypotheses._ranks(y, np.full(8, 2.0)), (stats.rankdata(y) - 0.5) / 8)


def test_ranks_by_hand():
    """Weights 1, 2 and 5 of a tie at 2, 2: half the tie's weight and all below it."""
    found = hypotheses._ranks(np.array([2.0, 1, 2, 3]), np.array([1.0, 2, 5, 2]))
    np.testing.assert_allclose(found, [0.5, 0.1, 0.5, 0.9])


def test_a_rank_test_is_the_t_test_of_its_scores():
    y, group = np.array([3.0, 1, 4, 7, 8, 6, 2, 9]), np.array([0, 0, 1, 1, 1, 1, 0, 0])
    rank = (stats.rankdata(y) - 0.5) / 8
    for kind, score in (("wilcoxon", rank), ("normal", stats.norm.ppf(rank)), ("median", rank > 0.5)):
        wanted = hypotheses.t_test(simple(8), np.asarray(score, dtype=float), group).test
        found = hypotheses.rank_test(simple(8), y, group, 2, kind)
        assert (found.statistic, found.p) == pytest.approx((wanted.statistic, wanted.p))
    monotone = hypotheses.rank_test(simple(8), np.exp(y), group, 2)
    assert monotone.p == pytest.approx(hypotheses.rank_test(simple(8), y, group, 2).p)


def test_the_one_in_the_middle_is_not_above_the_median():
    y, group = np.arange(7.0), np.array([0, 1, 0, 0, 1, 1, 1])
    wanted = hypotheses.t_test(simple(7), (y > 3).astype(float), group).test
    for scale in (1.0, 0.1, 1 / 3):
        design = survey_design(np.full(7, scale), ["a"] * 7)
        assert hypotheses.rank_test(design, y, group, 2, "median").statistic == pytest.approx(wanted.statistic)


# ---- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda d, y: hypotheses.t_test(d, y, [0, 0, 0, 0]), r"A domain holds no agency to divide by \(code 1\)"),
        (lambda d, y: hypotheses.t_test(d, y, [0, 1, 2, 0]), "A group has a code outside 0 to 1 for 1 agencies"),
        (lambda d, y: hypotheses.t_test(d, y, [0, 1, np.nan, 0]), "A group is missing or no whole number for 1"),
        (lambda d, y: hypotheses.t_test(d, np.column_stack([y, y])), "of one variable and 2 are given"),
        (lambda d, y: hypotheses.t_test(d, np.column_stack([y, y]), [0, 1, 0, 1]), "of one variable and 2 are given"),
        (lambda d, y: hypotheses.t_test(d, y, domain=[True, False]), "A domain has 2 rows, the design 4"),
        (lambda d, y: hypotheses.equal_means(d, y, [0] * 4, 1), "There is one category only"),
        (lambda d, y: hypotheses.trend(d, y, [0] * 4, 1), "There is one category only"),
        (lambda d, y: hypotheses.trend(d, y, [0, 0, 1, 1], 2, [3, 3]), "one number a domain, not all the same"),
        (lambda d, y: hypotheses.trend(d, y, [0, 0, 1, 1], 2, [1, np.nan]), "one number a domain"),
        (lambda d, y: hypotheses.trend(d, y, [0, 0, 1, 1], 2, [1, 2, 3]), "one number a domain"),
        (lambda d, y: hypotheses.trend(d, y, [0, 0, 1, 1], 3), r"no agency to divide by \(code 2\)"),
        (lambda d, y: hypotheses.rank_test(d, y, [0] * 4, 1), "There is one category only"),
        (lambda d, y: hypotheses.rank_test(d, y * np.nan, [0, 1, 0, 1], 2), "A variable is missing for 4 agencies"),
        (lambda d, y: hypotheses.adjusted([0.5, 1.2]), "A p-value lies outside 0 to 1"),
    ],
)
def test_what_cannot_be_tested_is_refused(call, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        call(simple(4), np.array([1.0, 2, 4, 8]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda d, y: hypotheses.trend(d, y, [0, 0, 1, 1], 2, method="curve"),
        lambda d, y: hypotheses.rank_test(d, y, [0, 0, 1, 1], 2, "savage"),
        lambda d, y: hypotheses.adjusted([0.5], "sidak"),
    ],
)
def test_unknown_methods_are_bugs(call):
    with pytest.raises(ValueError, match="unknown"):
        call(simple(4), np.array([1.0, 2, 4, 8]))


# ---- several comparisons -------------------------------------------------------------------------------------------


def test_adjusted_p_by_hand():
    """Holm: 3 x 0.01, 2 x 0.02, the largest so far; Benjamini-Hochberg: 3/1 x 0.01, 3/2 x 0.02, 3/3 x 0.5."""
    p = [0.02, 0.5, 0.01]
    np.testing.assert_allclose(hypotheses.adjusted(p), [0.04, 0.5, 0.03])
    np.testing.assert_allclose(hypotheses.adjusted(p, "benjamini-hochberg"), [0.03, 0.5, 0.03])
    np.testing.assert_allclose(hypotheses.adjusted([0.4, 0.9, np.nan]), [0.8, 0.9, np.nan])
    assert hypotheses.adjusted([]).tolist() == []


@FEW
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_are_those_of_statsmodels_and_scipy(p):
    from statsmodels.stats.multitest import multipletests

    np.testing.assert_allclose(hypotheses.adjusted(p), multipletests(p, method="holm")[1], atol=1e-15)
    found = hypotheses.adjusted(p, "benjamini-hochberg")
    np.testing.assert_allclose(found, stats.false_discovery_control(p), atol=1e-15)


@FEW
@given(surveys())
def test_pairs_are_the_contrasts_with_adjusted_p(s):
    found = estimate.means_by(design_of(s), s.y, s.answer, 3)
    pairs = hypotheses.pairwise(found)
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 1), (0, 2), (1, 2)]
    for pair in pairs:
        assert pair.value == pytest.approx(found.value[pair.second] - found.value[pair.first])
        c = found.covariance
        variance = c[pair.first, pair.first] + c[pair.second, pair.second] - 2 * c[pair.first, pair.second]
        assert pair.se == pytest.approx(np.sqrt(variance), rel=1e-8)
    wanted = hypotheses.adjusted([pair.test.p for pair in pairs])
    assert [pair.p_adjusted for pair in pairs] == wanted.tolist()
