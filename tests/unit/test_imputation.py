"""Multiple imputation: Rubin's rules by hand, proper draws, universes, and a small simulation with a known truth."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from agency_survey import estimate, imputation
from agency_survey.design import survey_design
from agency_survey.errors import InputError
from agency_survey.imputation import Variable, combine, design_variables, impute

PROJECT = Path(__file__).resolve().parents[2]


def found(value, covariance, df=np.inf):
    return SimpleNamespace(value=np.asarray(value, float), covariance=np.asarray(covariance, float), df=df)


# --- Rubin's rules ---------------------------------------------------------------------------------------------------


def test_rules_by_hand():
    """Estimates 1 and 3 with variance 1: W = 1, B = 2, T = 1 + 1.5 x 2 = 4, r = 3, lambda = 3/4, df = 1 / (3/4)^2."""
    pooled = combine([found([1], [[1]]), found([3], [[1]])])
    assert (pooled.value, pooled.covariance, pooled.se) == ([2], [[4]], [2])
    assert pooled.share_missing == pytest.approx([0.75])
    assert pooled.df == pytest.approx([16 / 9])
    assert pooled.fraction_missing == pytest.approx([(3 + 2 / (16 / 9 + 3)) / 4])
    assert pooled.efficiency == pytest.approx(1 / (1 + pooled.fraction_missing / 2))
    finite = combine([found([1], [[1]], 10), found([3], [[1]], 10)])
    assert finite.df == pytest.approx([1 / (9 / 16 + 1 / (11 / 13 * 10 * 0.25))])
    assert pooled.test().statistic == pytest.approx(4 / 4)


def test_limits_are_those_of_an_estimate_with_these_degrees_of_freedom():
    pooled = combine([found([0.2, 0.6], np.eye(2) * 0.001, 50), found([0.22, 0.65], np.eye(2) * 0.001, 50)])
    half = stats.t.ppf(0.95, pooled.df) * pooled.se
    np.testing.assert_allclose(pooled.interval(0.9), np.column_stack([pooled.value - half, pooled.value + half]))
    parts = [
        estimate.Estimate(np.array([v]), np.eye(1) * 1e-3, np.array([90]), np.array([50]), None) for v in (0.2, 0.3)
    ]
    pooled = combine(parts)
    same = estimate.Estimate(pooled.value, pooled.covariance, np.array([90]), pooled.df, None)
    for method in ("t", "logit", "wilson", "beta"):
        np.testing.assert_allclose(pooled.interval(0.9, method), same.interval(0.9, method), rtol=1e-12)
    with pytest.raises(ValueError, match="unknown interval method"):
        pooled.interval(method="strange")


def test_a_census_has_the_variance_of_the_imputations_only():
    pooled = combine([found([v, 5.0], np.zeros((2, 2)), 7) for v in (1.0, 2.0, 3.0)])
    assert pooled.covariance[0, 0] == pytest.approx(4 / 3)
    assert list(pooled.df) == [2, 7]
    assert list(pooled.share_missing) == [1, 0]


def test_estimates_that_do_not_fit_together_are_refused():
    with pytest.raises(InputError, match="two completed tables"):
        combine([found([1], [[1]])])
    with pytest.raises(InputError, match="different sets"):
        combine([found([1], [[1]]), found([1, 2], np.eye(2))])
    with pytest.raises(InputError, match="missing or infinite"):
        combine([found([1], [[1]]), found([np.nan], [[1]])])
    with pytest.raises(InputError, match="singular"):
        combine([found([1, 2], np.ones((2, 2))), found([2, 2], np.ones((2, 2)))]).test()


# --- the imputer -----------------------------------------------------------------------------------------------------


def one_column(kind: str, values: np.ndarray, lost: int, m: int):
    """m imputations of one variable of which the first ``lost`` values are missing, with no predictor at all."""
    column = pd.Series(values, dtype=float)
    column[:lost] = np.nan
    given = pd.DataFrame({"nothing": np.zeros(len(values))})
    return impute(pd.DataFrame({"y": column}), [Variable("y", kind)], given, m=m, iterations=1, seed=5)


@pytest.mark.parametrize("kind", ["continuous", "binary", "ordered", "nominal", "count"])
def test_parameters_are_drawn_and_not_only_values(kind):
    """With r of n values observed and no predictor, the mean of a table imputed properly varies by (1/r - 1/n) s^2: what
    the mean of r observed values varies by, less what the mean of all n does. Values drawn with fixed parameters vary by
    (n - r) / n^2 s^2 only, here half as much."""
    rng, n, r = np.random.default_rng(3), 400, 200
    m = 600 if kind == "count" else 1500  # slow to fit; the tolerance is 2.6 standard errors of the variance, or 4
    values = {
        "continuous": rng.normal(3, 2, n),
        "binary": (rng.random(n) < 0.3).astype(float),
        "ordered": rng.integers(0, 3, n).astype(float),
        "nominal": rng.integers(0, 3, n).astype(float),
        "count": rng.negative_binomial(3, 0.4, n).astype(float),
    }[kind]
    imputed = one_column(kind, values, n - r, m)
    means = np.array([table["y"].mean() for table in imputed.tables])
    spread = values[n - r :].var(ddof=1)
    assert means.var(ddof=1) == pytest.approx((1 / r - 1 / n) * spread, rel=0.15)
    assert means.mean() == pytest.approx(values[n - r :].mean(), abs=4 * np.sqrt(spread / r / m) + 0.01)


def example(n: int = 300, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table with gaps in every kind of variable, a skipped question, and its predictors."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    full = pd.DataFrame({"asked": np.where(rng.random(n) < 0.5, "yes", "no"), "fixed": np.arange(n)})
    full["detail"] = rng.integers(0, 20, n)
    full["class"] = np.array(["low", "middle", "high"])[np.digitize(x + rng.normal(size=n), [-1, 1])]
    full["money"] = np.exp(x + rng.normal(size=n))
    data = full.astype({"detail": "Int64"})
    data["asked"] = pd.Categorical(full["asked"].mask(rng.random(n) < 0.2), ["no", "yes"])
    data.loc[(data["asked"] != "yes").fillna(True) | (rng.random(n) < 0.2), "detail"] = pd.NA
    data["class"] = pd.Categorical(full["class"].mask(rng.random(n) < 0.2), ["low", "middle", "high"], ordered=True)
    data.loc[rng.random(n) < 0.2, "money"] = np.nan
    return data, pd.DataFrame({"x": x})


CHAIN = [
    Variable("asked", "binary"),
    Variable("detail", "count", universe=lambda table: table["asked"] == "yes", filters=("asked",)),
    Variable("class", "ordered"),
    Variable("money", "matched"),
]


def test_observed_values_types_and_questions_that_are_not_asked_stay():
    data, given = example()
    imputed = impute(data, CHAIN, given, m=3, iterations=2, seed=1)
    for table in imputed.tables:
        assert dict(table.dtypes) == dict(data.dtypes)
        for name in data:
            seen = data[name].notna()
            assert table.loc[seen, name].equals(data.loc[seen, name])
        asked = table["asked"] == "yes"
        assert table["asked"].notna().all()
        assert table.loc[asked, "detail"].notna().all()
        assert table.loc[~asked, "detail"].isna().all()
        assert table["money"].isin(data["money"].dropna()).all()


def test_a_fixed_universe_is_respected():
    data, given = example()
    mask = np.arange(len(data)) % 3 > 0
    data.loc[~mask, "money"] = np.nan
    table = impute(data, [Variable("money", "continuous", universe=mask)], given, m=1, iterations=1, seed=1).tables[0]
    assert (table["money"].notna() == mask).all()


def test_an_imputed_filter_is_free_to_change():
    """The questions that hang on a filter would tell its answer: they must not predict it."""
    data, given = example()
    tables = impute(data, CHAIN, given, m=30, iterations=2, seed=1).tables
    gap = data["asked"].isna().to_numpy()
    share = np.mean([(table["asked"] == "yes").to_numpy()[gap] for table in tables], axis=0)
    assert ((share > 0.1) & (share < 0.9)).all()
    after = impute(data, CHAIN, given, m=1, iterations=6, seed=1)
    assert len(set(after.trace[0, :, 0])) > 2


def test_the_seed_decides():
    data, given = example()
    first, same = (impute(data, CHAIN, given, m=2, iterations=2, seed=9) for _ in range(2))
    longer = impute(data, CHAIN, given, m=3, iterations=2, seed=9)
    other = impute(data, CHAIN, given, m=2, iterations=2, seed=10)
    for i in range(2):
        assert first.tables[i].equals(same.tables[i])
        assert first.tables[i].equals(longer.tables[i])
        assert not first.tables[i].equals(other.tables[i])
    assert not first.tables[0].equals(first.tables[1])


def test_matching_takes_one_of_the_nearest_donors():
    """With an exact line and next to no noise the drawn line is the fitted one: donors are the five nearest in x."""
    x = np.linspace(-1, 1, 101) + 1e-6 * np.random.default_rng(2).normal(size=101)
    column = pd.Series(10 * x + 1e-9 * np.sin(np.arange(101)))
    column[50] = np.nan
    data, given = pd.DataFrame({"y": column}), pd.DataFrame({"x": x})
    tables = impute(data, [Variable("y", "matched")], given, m=200, iterations=1, seed=1).tables
    near = column.dropna().iloc[np.argsort(np.abs(np.delete(x, 50) - x[50]))[:5]]
    assert {table["y"][50] for table in tables} == set(near)


def test_a_predictor_that_separates_the_outcome_leaves_doubt():
    """All of the first stratum say yes: imputed values there are mostly but not always yes, and no fit breaks."""
    stratum = np.repeat([0, 1], 60)
    y = np.where(stratum == 0, 1.0, np.arange(120) % 2)
    column = pd.Series(y)
    column[::3] = np.nan
    given = pd.DataFrame({"stratum": stratum})
    tables = impute(pd.DataFrame({"y": column}), [Variable("y", "binary")], given, m=40, iterations=1, seed=1).tables
    shares = np.array([table["y"][:60:3].mean() for table in tables])
    assert 0.9 < shares.mean() < 1
    assert np.mean([table["y"][60::3].mean() for table in tables]) == pytest.approx(0.5, abs=0.1)


def test_chains_that_mix_have_a_scale_reduction_near_one():
    data, given = example()
    mixing = impute(data, CHAIN, given, m=6, iterations=20, seed=1).scale_reduction()
    assert (mixing < 1.3).all()
    apart = imputation.Imputations(
        [], ["y"], np.arange(2.0)[:, None, None] * 9 + np.random.default_rng(1).random((2, 8, 1))
    )
    assert apart.scale_reduction()["y"] > 3


def test_design_variables_hold_strata_weight_and_size():
    design = survey_design([1, 2, 4, 4], ["a", "a", "b", "b"])
    given = design_variables(design, size=[3, 1, 2, 5])
    assert list(given) == ["stratum b", "log weight", "size"]
    np.testing.assert_allclose(given["log weight"], np.log([1, 2, 4, 4]))
    with pytest.raises(InputError, match="without weight"):
        design_variables(survey_design([0, 2, 4, 4], ["a", "a", "b", "b"]))


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ([Variable("money", "strange")], "Unknown kind"),
        ([Variable("money", "count")], "is no count"),
        ([Variable("class", "binary")], "3 different values, not 2"),
        ([Variable("empty", "continuous")], "no observed value"),
        ([Variable("money", "continuous", universe=np.arange(300) > 150)], "where it is not asked"),
        ([CHAIN[1], CHAIN[0]], "filters"),
        ([Variable("asked", "binary"), Variable("detail", "count", universe=CHAIN[1].universe)], "filters"),
    ],
)
def test_wrong_requests_are_refused(variables, message):
    data, given = example()
    with pytest.raises(InputError, match=message):
        impute(data.assign(empty=np.nan), variables, given, m=2, iterations=1, seed=1)


def test_predictors_must_be_complete_and_not_too_many():
    data, given = example(n=40)
    with pytest.raises(InputError, match="another length"):
        impute(data, CHAIN, given.assign(x=np.nan), m=2, iterations=1, seed=1)
    many = pd.DataFrame(np.random.default_rng(1).normal(size=(40, 60)))
    with pytest.raises(InputError, match="observed values for"):
        impute(data, [Variable("money", "continuous")], many, m=2, iterations=1, seed=1)


@pytest.mark.parametrize("steps", [1, 3])
def test_logits_are_those_of_statsmodels_on_the_stack_of_all_who_reach_each_step(steps, monkeypatch):
    """The regressions are drawn around: coefficients and covariance of a GLM on every row at every step it reaches."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    rng = np.random.default_rng(8)
    n = 200
    x = np.column_stack([np.ones(n), rng.normal(size=n), rng.random(n) < 0.3])
    code = np.minimum(rng.integers(0, steps + 1, n) + (x[:, 1] > 0.5), steps)
    stack = np.array(
        [
            np.append(np.arange(steps) == c, row[1:])
            for row, at in zip(x, code, strict=True)
            for c in range(min(at, steps - 1) + 1)
        ]
    )
    stops = np.array([float(at == c) for at in code for c in range(min(at, steps - 1) + 1)])
    centre, spread = stack.mean(axis=0), stack.std(axis=0)
    added = np.array([centre + side * off for off in np.diag(spread)[spread > 0] for side in (1, -1)])
    fit = GLM(
        np.concatenate([stops, np.zeros(len(added)), np.ones(len(added))]),
        np.concatenate([stack, added, added]),
        family=Binomial(),
        freq_weights=np.append(np.ones(len(stack)), np.full(2 * len(added), stack.shape[1] / len(added) / 2)),
    ).fit(tol=1e-8)
    around = []
    monkeypatch.setattr(imputation, "_around", lambda *given: (around.extend(given), given[0])[1])
    start, slope = imputation._logits(x, code, steps, rng)
    np.testing.assert_allclose(np.append(start, slope), fit.params, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(around[1], fit.cov_params(), rtol=1e-8, atol=1e-12)


def test_importing_the_room_costs_no_statsmodels():
    code = "import sys, agency_survey.imputation; sys.exit('statsmodels' in sys.modules or 'seaborn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT / "workflow", check=False).returncode == 0


def test_bias_and_coverage_with_a_known_truth(monkeypatch):
    """20 samples of benchmarks/imputation.py: complete cases miss the truth, imputed tables meet it.

    A true coverage of 0.95 gives 14 of 20 or fewer once in 3,000 times; a standard deviation of 20 has an error of 16 %.
    """
    monkeypatch.syspath_prepend(str(PROJECT / "benchmarks"))
    spec = importlib.util.spec_from_file_location("imputation_benchmark", PROJECT / "benchmarks/imputation.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    table = benchmark.simulate(20, m=4, iterations=3, processes=1).set_index(["analysis", "quantity"])
    imputed, cases = table.loc["multiple imputation"], table.loc["complete cases"]
    assert (imputed["coverage"] > 14 / 20).all()
    assert imputed["coverage"].mean() > 0.88
    assert imputed["bias_z"].abs().max() < 4.5
    assert imputed["se_ratio"].between(0.65, 1.7).all()
    assert cases.loc["mean of the number", "coverage"] < 0.2
    means = [name for name in imputed.index if "logit" not in name]
    assert (imputed.loc[means, "bias"].abs() < 0.5 * cases.loc[means, "bias"].abs()).all()
