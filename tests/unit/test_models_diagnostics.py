"""Pseudo R2, AUC, goodness of fit, variance inflation and influence, against brute force and by hand."""

import numpy as np
import pandas as pd
import pytest
from test_models_families import N, Sample, by_weights

from agency_survey import estimate, models
from agency_survey.design import survey_design
from agency_survey.errors import InputError


def test_auc_is_the_share_of_pairs_and_its_scores_the_change_with_each_weight():
    s = Sample()
    s.table["size"] = s.table["size"].round(1)  # ties
    x = models.design_matrix(s.table, ["size"])
    fit = s.fit("logistic", x=x)
    p = fit.predict(x)[0]
    y = s.y["logistic"]

    def area(w):
        pairs = np.outer(w * y, w * (1 - y))
        return (pairs * (np.greater.outer(p, p) + np.equal.outer(p, p) / 2)).sum() / pairs.sum()

    found = models.auc(fit)
    assert found.value[0] == pytest.approx(area(s.weight))
    for row in (0, 1, 2, 119):
        assert found.scores[row, 0] == pytest.approx(by_weights(area, s.weight, row), abs=1e-9)
    assert found.se[0] == pytest.approx(np.sqrt(s.design().variance(found.scores)[0]))
    assert 0.5 < found.value[0] < 1


def test_auc_of_an_intercept_is_one_half():
    s = Sample()
    assert models.auc(s.fit("logistic", x=s.x[["intercept"]])).value[0] == pytest.approx(0.5)


def test_pseudo_r2_from_likelihoods():
    s = Sample()
    fit, y, w = s.fit("logistic"), s.y["logistic"], s.weight
    p = fit.predict(s.x)[0]
    share = w @ y / w.sum()
    low, high = (w @ np.where(y == 1, np.log(q), np.log(1 - q)) / w.sum() for q in (share, p))
    found = models.pseudo_r2(fit)
    assert found["cox_snell"] == pytest.approx(1 - np.exp(2 * (low - high)))
    assert found["nagelkerke"] == pytest.approx((1 - np.exp(2 * (low - high))) / (1 - np.exp(2 * low)))
    for family in ("multinomial", "proportional_odds", "negative_binomial", "poisson"):
        assert 0 < models.pseudo_r2(s.fit(family))["cox_snell"] < 1
    assert models.pseudo_r2(s.fit("multinomial", x=s.x[["intercept"]]))["cox_snell"] == pytest.approx(0, abs=1e-12)


def test_goodness_of_fit_finds_a_model_without_the_square():
    random = np.random.default_rng(2)
    x = random.normal(size=3000)
    y = (random.random(3000) < 1 / (1 + np.exp(1 - x**2))).astype(float)
    design = survey_design(random.uniform(1, 4, 3000), random.integers(0, 5, 3000))
    columns = pd.DataFrame({"one": 1.0, "x": x})
    wrong = models.archer_lemeshow(models.logistic(design, y, columns))
    right = models.archer_lemeshow(models.logistic(design, y, columns.assign(square=x**2)))
    assert (wrong.df, wrong.df_residual) == (9, 2995 - 10 + 2)
    assert wrong.p < 1e-6
    assert right.p > 0.01


def test_two_groups_of_a_flag_leave_no_residuals():
    """A saturated model meets the mean of each group."""
    s = Sample()
    test = models.archer_lemeshow(s.fit("logistic", x=s.x[["intercept", "flag"]]))
    assert test.df == 1
    assert test.statistic == pytest.approx(0, abs=1e-12)


def test_variance_inflation_of_equal_weights_is_one_over_one_less_r2():
    """With equal weights and residuals unrelated to the columns, the factor tends to the usual one."""
    random = np.random.default_rng(4)
    a = random.normal(size=20000)
    x = pd.DataFrame({"one": 1.0, "a": a, "b": a + random.normal(size=20000), "c": random.normal(size=20000)})
    found = models.variance_inflation(models.linear(survey_design(np.ones(20000), None), random.normal(size=20000), x))
    assert np.isnan(found["one"])
    np.testing.assert_allclose(found[["a", "b", "c"]], [2, 2, 1], rtol=0.05)


def test_variance_inflation_without_intercept_does_not_centre():
    s = Sample()
    found = models.variance_inflation(s.fit("linear", x=s.x[["size"]]))
    assert found["size"] == pytest.approx(1)


def test_influence_in_a_linear_model_is_what_dropping_the_row_does():
    s = Sample()
    inside = s.table["size"].to_numpy() > 1
    fit = s.fit("linear", domain=inside)
    found = models.influence(fit)
    assert found.index.tolist() == np.flatnonzero(inside).tolist()
    assert found["leverage"].sum() == pytest.approx(len(fit.names))
    row = found.index[7]
    weight = s.weight.copy()
    weight[row] = 0
    without = s.fit("linear", weight, domain=inside)
    np.testing.assert_allclose(fit.coefficients - without.coefficients, found.loc[row][1:], rtol=1e-8)


@pytest.mark.parametrize("family", ["logistic", "poisson"])
def test_influence_elsewhere_is_near_what_dropping_the_row_does(family):
    s = Sample()
    fit = s.fit(family)
    weight = s.weight.copy()
    weight[5] = 0
    change = fit.coefficients - s.fit(family, weight).coefficients
    np.testing.assert_allclose(models.influence(fit).loc[5][1:], change, rtol=0.1, atol=1e-3)


def test_what_a_model_does_not_have_is_refused():
    s = Sample()
    for call, words in (
        (lambda: models.auc(s.fit("linear")), "for logistic models"),
        (lambda: models.archer_lemeshow(s.fit("poisson")), "for logistic models"),
        (lambda: models.archer_lemeshow(s.fit("logistic"), 200), "Ask for fewer groups"),
        (lambda: models.archer_lemeshow(s.fit("logistic", x=s.x[["intercept"]])), "the probabilities too few values"),
        (lambda: models.pseudo_r2(s.fit("linear")), "discrete outcomes"),
        (lambda: models.variance_inflation(s.fit("multinomial")), "linear, logistic and Poisson"),
        (lambda: models.influence(s.fit("proportional_odds")), "linear, logistic and Poisson"),
    ):
        with pytest.raises(InputError, match=words):
            call()


def test_a_mean_by_regression():
    s = Sample()
    fit = s.fit("linear", x=s.x[["intercept"]])
    mean = estimate.mean(s.design(), s.y["linear"])
    assert fit.coefficients[0] == pytest.approx(mean.value[0])
    assert fit.se[0] == pytest.approx(mean.se[0])
    assert fit.n == N
