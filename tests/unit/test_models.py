"""Logistic regression under the design: known answers, invariances, and models that cannot be fitted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from agency_survey import estimate, models
from agency_survey.design import survey_design
from agency_survey.errors import InputError


def sample(seed: int = 1, n: int = 200):
    """(design, y, x): two strata, one covariate on the scale of a population's logarithm and one flag."""
    random = np.random.default_rng(seed)
    stratum = np.repeat(["a", "b"], [n // 2, n - n // 2])
    design = survey_design(random.uniform(1, 9, n), stratum, np.full(n, 5.0 * n))
    x = pd.DataFrame({"one": 1.0, "size": random.normal(12, 3, n), "flag": (random.random(n) < 0.4).astype(float)})
    y = (random.random(n) < 1 / (1 + np.exp(4 - 0.3 * x["size"] - 0.5 * x["flag"]))).to_numpy(dtype=float)
    return design, y, x


def test_estimating_equations_are_solved():
    design, y, x = sample()
    fit = models.logistic(design, y, x)
    mu = 1 / (1 + np.exp(-x.to_numpy() @ fit.coefficients))
    np.testing.assert_allclose(x.to_numpy().T @ (design.weight * (y - mu)), 0, atol=1e-8)


def test_intercept_alone_is_the_log_odds_of_the_share():
    design, y, x = sample()
    fit = models.logistic(design, y, x[["one"]])
    share = estimate.mean(design, y)
    p = share.value[0]
    assert fit.coefficients[0] == pytest.approx(np.log(p / (1 - p)))
    assert fit.se[0] == pytest.approx(share.se[0] / (p * (1 - p)))
    assert fit.df == design.degrees_of_freedom()


def test_two_groups_give_the_log_odds_ratio():
    design, y, x = sample()
    fit = models.logistic(design, y, x[["one", "flag"]])
    flag = (x["flag"] == 1).to_numpy()
    odds = [p / (1 - p) for p in (estimate.mean(design, y, inside).value[0] for inside in (flag, ~flag))]
    assert fit.coefficients[1] == pytest.approx(np.log(odds[0] / odds[1]))


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0.01, 100))
def test_order_of_rows_and_scale_of_weights_do_not_matter(seed, scale):
    design, y, x = sample(seed)
    order = np.random.default_rng(seed).permutation(len(y))
    other = survey_design(
        scale * design.weight[order], design.labels[design.stratum][order], design.population[design.stratum][order]
    )
    a, b = models.logistic(design, y, x), models.logistic(other, y[order], x.iloc[order])
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-8)
    np.testing.assert_allclose(a.covariance, b.covariance, rtol=1e-6)


def test_the_unit_of_a_covariate_scales_its_coefficient_only():
    design, y, x = sample()
    a, b = models.logistic(design, y, x), models.logistic(design, y, x.assign(size=x["size"] * 1e6))
    assert b.coefficients[1] * 1e6 == pytest.approx(a.coefficients[1])
    np.testing.assert_allclose(b.table()["p"], a.table()["p"], rtol=1e-6)


def test_a_domain_ignores_what_lies_outside_but_keeps_its_strata():
    design, y, x = sample()
    inside = (x["size"] > 11).to_numpy()
    hollow = x.where(pd.Series(inside), np.nan)
    a = models.logistic(design, np.where(inside, y, np.nan), hollow, inside)
    b = models.logistic(design, y, x, inside)
    np.testing.assert_array_equal(a.covariance, b.covariance)
    assert a.n == inside.sum()
    assert a.df == design.degrees_of_freedom(inside) + 1 - 3
    whole = models.logistic(design, y, x, np.ones(len(y), bool))
    np.testing.assert_array_equal(whole.covariance, models.logistic(design, y, x).covariance)


def test_a_census_leaves_no_sampling_error():
    _, y, x = sample()
    design = survey_design(np.ones(len(y)), np.zeros(len(y)), np.full(len(y), len(y)))
    assert (models.logistic(design, y, x).covariance == 0).all()


def test_large_samples_converge():
    """Stopping must not hang on the last digits of the deviance, which no longer move in large samples."""
    for seed in range(20):
        random = np.random.default_rng(seed)
        x = 3 * random.normal(size=4000)
        y = (random.random(4000) < 1 / (1 + np.exp(-x))).astype(float)
        design = survey_design(random.uniform(1, 20, 4000), np.zeros(4000))
        models.logistic(design, y, pd.DataFrame({"one": 1.0, "x": x}))


def test_steps_are_halved_where_newton_overshoots():
    """Covariates with far outliers, on which plain Newton steps from zero diverge."""
    a = [0.0, -0.9, -326.9, 0.2, 0.0, -2.9, 0.5, 0.9, -16.9, -1.1]
    b = [-2.2, 77.9, 0.3, -3.7, -6.4, -2.0, -0.6, 0.0, -14.9, 0.0]
    y = np.array([1.0, 1, 0, 1, 1, 1, 0, 1, 0, 0])
    x = pd.DataFrame({"one": 1.0, "a": a, "b": b})
    fit = models.logistic(survey_design(np.ones(10), np.zeros(10)), y, x)
    mu = 1 / (1 + np.exp(-x.to_numpy() @ fit.coefficients))
    np.testing.assert_allclose(x.to_numpy().T @ (y - mu), 0, atol=1e-8)


def test_wald_test_of_one_term_is_its_t_squared():
    fit = models.logistic(*sample())
    test = fit.wald(["flag"])
    row = fit.table().set_index("term").loc["flag"]
    assert test.statistic == pytest.approx(row["t"] ** 2)
    assert test.p == pytest.approx(row["p"])


def test_wald_test_of_several_terms_by_hand():
    fit = models.Fit(["a", "b", "c"], np.array([9.0, 1, 2]), np.diag([1.0, 4, 2]), 30, 50)
    test = fit.wald(["c", "b"])
    assert (test.statistic, test.df, test.df_residual) == ((1 / 4 + 4 / 2) / 2, 2, 30)
    assert test.p == pytest.approx(stats.f.sf(test.statistic, 2, 30))


def test_predictions_lie_between_their_limits_and_widen_with_the_level():
    fit = models.logistic(*sample())
    rows = np.column_stack([np.ones(9), np.linspace(2, 22, 9), np.zeros(9)])
    p, low, high = fit.predict(rows)
    _, lower, higher = fit.predict(rows, 0.99)
    assert ((lower < low) & (low < p) & (p < high) & (high < higher)).all()
    np.testing.assert_allclose(np.log(p / (1 - p)), rows @ fit.coefficients)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": "missing"}, "A variable of the model is missing"),
        ({"x": "missing"}, "A variable of the model is missing"),
        ({"x": "collinear"}, "collinear: 4 columns, rank 3"),
        ({"y": "ones"}, "does not vary"),
        ({"y": "zeros"}, "does not vary"),
        ({"domain": "empty"}, "does not vary"),
        ({"y": "separated"}, "separates the outcome"),
        ({"y": "half separated"}, "separates the outcome"),
    ],
)
def test_models_that_cannot_be_fitted_are_refused(change, words):
    design, y, x = sample()
    domain = None
    match next(iter(change.values())):
        case "missing" if "y" in change:
            y[3] = np.nan
        case "missing":
            x.loc[3, "size"] = np.nan
        case "collinear":
            x["twice"] = 2 * x["size"] - 1
        case "ones":
            y[:] = 1
        case "zeros":
            y[:] = 0
        case "empty":
            domain = np.zeros(len(y), bool)
        case "separated":
            y = (x["size"] > 12).to_numpy(dtype=float)
        case "half separated":
            y[x["flag"] == 1] = 1
    with pytest.raises(InputError) as caught:
        models.logistic(design, y, x, domain)
    assert words in str(caught.value)
