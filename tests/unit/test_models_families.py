"""All families of models: scores against perturbed weights, limits in which families meet, and refusals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agency_survey import models
from agency_survey.design import survey_design
from agency_survey.errors import InputError
from agency_survey.models import rows

N = 120
LEVELS = ["none", "some", "much"]
FAMILIES = [
    "linear", "logistic", "poisson", "negative_binomial", "multinomial", "proportional_odds", "firth_logistic",
]  # fmt: skip


class Sample:
    """Two strata, a number, a flag and a category, and an outcome for each family."""

    def __init__(self, seed: int = 3, n: int = N):
        random = np.random.default_rng(seed)
        self.table = pd.DataFrame(
            {
                "size": random.normal(2, 1, n),
                "flag": (random.random(n) < 0.4).astype(float),
                "place": random.choice(["city", "rural", "town"], n),
            }
        )
        self.weight = random.uniform(0.5, 4, n)
        self.stratum = np.repeat(["a", "b"], [n // 2, n - n // 2])
        self.offset = random.normal(0, 0.3, n)
        self.terms = models.model_terms(self.table, ["size", "flag", "place"])
        self.x = self.terms.matrix(self.table)
        eta = 0.3 * self.table["size"].to_numpy() - 0.5 * self.table["flag"].to_numpy() + self.offset
        place = np.digitize(eta + random.logistic(size=n), [0, 0.9])
        yes = (random.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
        self.y = {
            "linear": eta + random.normal(size=n),
            "logistic": yes,
            "firth_logistic": yes,
            "poisson": random.poisson(np.exp(eta)).astype(float),
            "negative_binomial": random.poisson(np.exp(eta) * random.gamma(0.8, 1 / 0.8, n)).astype(float),
            "multinomial": random.choice(LEVELS, n),
            "proportional_odds": pd.Categorical.from_codes(place, LEVELS, ordered=True),
        }

    def design(self, weight=None):
        return survey_design(self.weight if weight is None else weight, self.stratum)

    def fit(self, family: str, weight=None, x=None, **options) -> models.Fit:
        x = self.x if x is None else x
        return getattr(models, family)(self.design(weight), self.y[family], x, **options)


def by_weights(function, weight: np.ndarray, row: int, step: float = 1e-5) -> np.ndarray:
    """w dvalue/dw of one row by a central difference."""
    change = np.zeros(len(weight))
    change[row] = step * weight[row]
    return (function(weight + change) - function(weight - change)) / (2 * step)


@pytest.mark.parametrize("family", FAMILIES[:-1])
def test_scores_are_the_change_with_each_weight(family):
    """The influence function of a row is its weight times the derivative of the coefficients by it."""
    s = Sample()
    fit = s.fit(family, offset=s.offset)
    for row in (0, 50, 119):
        brute = by_weights(lambda w: s.fit(family, w, offset=s.offset).coefficients, s.weight, row)
        np.testing.assert_allclose(fit.scores[row], brute, atol=1e-6 * np.abs(brute).max())
    np.testing.assert_allclose(fit.covariance, s.design().covariance(fit.scores), rtol=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_derivatives_are_those_of_the_likelihood_block_by_block(family, monkeypatch):
    """Central differences; Firth's information is by definition that of the likelihood without the penalty."""
    model = Sample().fit(family).model
    monkeypatch.setattr(rows, "BLOCK", 50)
    b = model.start() + 0.1 * np.cos(np.arange(len(model.names)))
    value, gradient, information = model.derivatives(b)
    assert value == pytest.approx(model.value(b), rel=1e-12)
    steps = 1e-5 * np.eye(len(b))
    slope = [(model.value(b + step) - model.value(b - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-6)
    if family != "firth_logistic":
        curve = [(model.derivatives(b - step)[1] - model.derivatives(b + step)[1]) / 2e-5 for step in steps]
        np.testing.assert_allclose(information, curve, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES[:-1])
def test_scores_of_margins_and_effects_are_the_change_with_each_weight(family):
    s = Sample()

    def averages(w):
        fit = s.fit(family, w, offset=s.offset)
        return (
            models.average_marginal_effects(fit, s.terms, s.table),
            models.predicted_margins(fit, s.terms, s.table, "size", [1.0, 3.0]),
        )

    for k, found in enumerate(averages(s.weight)):
        for row in (0, 119):
            brute = by_weights(lambda w, k=k: averages(w)[k].coefficients, s.weight, row)
            np.testing.assert_allclose(found.scores[row], brute, atol=1e-6 * np.abs(brute).max())


@pytest.mark.parametrize("family", FAMILIES[:-1])
def test_effects_of_numbers_are_slopes_of_the_mean_prediction(family):
    s = Sample()
    fit = s.fit(family)
    effects = models.average_marginal_effects(fit, s.terms, s.table, ["size"]).coefficients
    rows, step = fit.model.rows, 1e-6
    moved = [rows.x + sign * step * (np.array(rows.names) == "size") for sign in (1, -1)]
    up, down = (rows.weight @ fit.model.mean(fit.coefficients, x, rows.offset) / rows.weight.sum() for x in moved)
    np.testing.assert_allclose(effects, (up - down) / (2 * step), rtol=1e-6, atol=1e-9)


def test_probabilities_of_categories_add_up_and_their_effects_cancel():
    s = Sample()
    for family in ("multinomial", "proportional_odds"):
        fit = s.fit(family)
        margins = models.predicted_margins(fit, s.terms, s.table, "place")
        np.testing.assert_allclose(margins.coefficients.reshape(3, 3).sum(axis=1), 1)
        assert margins.names[:2] == [f"{fit.model.levels[k]}: place = city" for k in (0, 1)]
        effects = models.average_marginal_effects(fit, s.terms, s.table)
        np.testing.assert_allclose(effects.coefficients.reshape(4, 3).sum(axis=1), 0, atol=1e-12)


def test_linear_effects_are_the_coefficients():
    s = Sample()
    fit = s.fit("linear")
    effects = models.average_marginal_effects(fit, s.terms, s.table)
    assert effects.names == ["size", "flag", "place[rural]", "place[town]"]
    for covariates in ("sampled", "fixed"):
        effects = models.average_marginal_effects(fit, s.terms, s.table, covariates=covariates)
        np.testing.assert_allclose(effects.coefficients, fit.coefficients[1:], rtol=1e-10)
        np.testing.assert_allclose(effects.covariance, fit.covariance[1:, 1:], rtol=1e-8, atol=1e-15)


def test_products_of_terms_enter_the_effects():
    s = Sample()
    terms = models.model_terms(s.table, ["size", "flag", "size:flag"])
    fit = models.linear(s.design(), s.y["linear"], terms.matrix(s.table))
    effects = models.average_marginal_effects(fit, terms, s.table, ["size"])
    share = s.weight @ s.table["flag"] / s.weight.sum()
    assert effects.coefficients[0] == pytest.approx(fit.coefficients[1] + share * fit.coefficients[3])


# ---- invariances and limits ----------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 500), st.floats(0.01, 100), st.sampled_from(FAMILIES))
def test_order_of_rows_and_scale_of_weights_do_not_matter(seed, scale, family):
    s = Sample(seed)
    order = np.random.default_rng(seed).permutation(N)
    other = survey_design(scale * s.weight[order], s.stratum[order])
    try:
        a = s.fit(family)
    except InputError:  # a sample of counts without overdispersion, or separated
        return
    b = getattr(models, family)(other, s.y[family][order], s.x.iloc[order])
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(a.covariance, b.covariance, rtol=1e-5, atol=1e-8)
    assert (a.df, a.n, a.names) == (b.df, b.n, b.names)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_domain_of_all_rows_is_the_whole(family):
    s = Sample()
    a, b = s.fit(family), s.fit(family, domain=np.ones(N, bool))
    np.testing.assert_array_equal(a.covariance, b.covariance)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_lies_outside_the_domain_does_not_matter(family):
    s = Sample()
    inside = (s.table["size"] > 1).to_numpy()
    a = s.fit(family, domain=inside)
    x = s.x.where(pd.Series(inside), np.nan)
    y = pd.Series(s.y[family]).where(pd.Series(inside), None if family == "multinomial" else np.nan)
    b = getattr(models, family)(s.design(), y, x, pd.Series(inside))
    np.testing.assert_array_equal(a.covariance, b.covariance)
    assert a.n == inside.sum()
    assert not a.scores[~inside].any()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 500))
def test_poisson_with_offset_is_a_weighted_model_of_rates(seed):
    s = Sample(seed)
    exposure = np.exp(s.offset)
    a = s.fit("poisson", offset=s.offset)
    b = models.poisson(s.design(s.weight * exposure), s.y["poisson"] / exposure, s.x)
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(a.covariance, b.covariance, rtol=1e-8, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 500))
def test_two_categories_are_a_logistic_model(seed):
    s = Sample(seed)
    wanted = s.fit("logistic")
    labels = np.where(s.y["logistic"] == 1, "yes", "no")
    found = models.multinomial(s.design(), labels, s.x, levels=["no", "yes"])
    np.testing.assert_allclose(found.coefficients, wanted.coefficients, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.covariance, wanted.covariance, rtol=1e-8, atol=1e-12)
    ordered = models.proportional_odds(s.design(), labels, s.x, levels=["no", "yes"])
    turn = np.append(np.eye(4), [[0.0, 0, 0, 0]], axis=0)
    turn = np.column_stack([[0.0, 0, 0, 0, -1], turn]).T  # the intercept is minus the threshold
    np.testing.assert_allclose(turn @ ordered.coefficients, wanted.coefficients, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(turn @ ordered.covariance @ turn.T, wanted.covariance, rtol=1e-7, atol=1e-11)
    assert found.df == ordered.df == wanted.df
    tests = [fit.lrt(["place"]) for fit in (wanted, found, ordered)]
    np.testing.assert_allclose([t.p for t in tests], tests[0].p, rtol=1e-6)
    for other in (found, ordered):
        assert models.pseudo_r2(other) == pytest.approx(models.pseudo_r2(wanted), rel=1e-8)


def test_negative_binomial_of_large_theta_is_poisson():
    s = Sample()
    wanted = s.fit("poisson")
    found = models.negative_binomial(s.design(), s.y["poisson"], s.x, theta=1e10)
    np.testing.assert_allclose(found.coefficients, wanted.coefficients, rtol=1e-7)
    np.testing.assert_allclose(found.covariance, wanted.covariance, rtol=1e-7, atol=1e-12)


def test_negative_binomial_finds_the_maximum_of_the_likelihood():
    """scipy's distribution and a search without derivatives that knows nothing of the design."""
    from scipy import optimize
    from scipy.stats import nbinom

    s = Sample()
    fit = s.fit("negative_binomial")
    assert fit.names[-1] == "log(theta)"

    def loss(b):
        mu, theta = np.exp(s.x.to_numpy() @ b[:-1]), np.exp(b[-1])
        return -s.weight @ nbinom.logpmf(s.y["negative_binomial"], theta, theta / (theta + mu))

    found = optimize.minimize(
        loss,
        fit.coefficients + 0.05,
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20000, "maxfev": 20000},
    )
    np.testing.assert_allclose(found.x, fit.coefficients, atol=1e-5)
    assert fit.model.value(fit.coefficients) * fit.model.rows.scale == pytest.approx(-loss(fit.coefficients))


def test_linear_is_weighted_least_squares():
    s = Sample()
    root = np.sqrt(s.weight)
    wanted = np.linalg.lstsq(s.x.to_numpy() * root[:, None], s.y["linear"] * root)[0]
    np.testing.assert_allclose(s.fit("linear").coefficients, wanted, rtol=1e-10)


def test_firth_without_covariates_adds_half_a_case_to_each_side():
    """With an intercept alone the penalty adds 1/2 to the ones and to the zeros (Firth 1993)."""
    s = Sample()
    scaled = s.weight / s.weight.mean()
    ones = scaled @ s.y["logistic"]
    fit = s.fit("firth_logistic", x=s.x[["intercept"]])
    assert fit.coefficients[0] == pytest.approx(np.log((ones + 0.5) / (N - ones + 0.5)))


def test_firth_gives_finite_answers_where_a_term_separates():
    s = Sample()
    s.y["firth_logistic"] = np.where(s.table["flag"] == 1, 1.0, s.y["logistic"])
    fit = s.fit("firth_logistic")
    assert 1 < fit.coefficients[2] < 10
    assert np.isfinite(fit.covariance).all()
    assert 0 < fit.predict(np.array([[1.0, 2, 1, 0, 0]]))[0][0] < 1


def test_far_outliers_and_large_counts_converge():
    s = Sample()
    s.y["poisson"] = np.round(np.exp(8 + 2 * s.table["size"])).to_numpy()
    np.testing.assert_allclose(s.fit("poisson").coefficients, [8, 2, 0, 0, 0], atol=1e-3)


@pytest.mark.parametrize("unit", [1e-9, 1e12])
def test_the_unit_of_a_linear_outcome_only_scales_the_coefficients(unit):
    s = Sample()
    wanted = s.fit("linear")
    s.y["linear"] = s.y["linear"] * unit
    found = s.fit("linear")
    np.testing.assert_allclose(found.coefficients, wanted.coefficients * unit, rtol=1e-9)
    np.testing.assert_allclose(found.table()["p"], wanted.table()["p"], rtol=1e-8)


@pytest.mark.parametrize("family", ["linear", "logistic", "poisson", "negative_binomial", "proportional_odds"])
def test_columns_far_from_zero_converge(family):
    """A year and its square: the origin moves nothing but the intercept."""
    s = Sample()
    year = np.round(s.table["size"] * 3)
    near = pd.DataFrame({"one": 1.0, "year": year, "square": year**2})
    far = near.assign(year=year + 2000, square=(year + 2000) ** 2)
    a, b = s.fit(family, x=near), s.fit(family, x=far)
    assert b.coefficients[b.names.index("square")] == pytest.approx(a.coefficients[a.names.index("square")], rel=1e-4)
    assert b.se[b.names.index("square")] == pytest.approx(a.se[a.names.index("square")], rel=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_census_leaves_no_sampling_error(family):
    s = Sample()
    design = survey_design(np.ones(N), None, np.full(N, N))
    fit = getattr(models, family)(design, s.y[family], s.x)
    assert not fit.covariance.any()
    assert np.isfinite(fit.coefficients).all()


# ---- tests and tables ----------------------------------------------------------------------------------------------


def test_terms_name_all_their_levels():
    fit = Sample().fit("multinomial")
    assert [fit.names[k] for k in fit.positions(["place"])] == [
        f"{level}: place[{place}]" for level in fit.model.levels[1:] for place in ("rural", "town")
    ]
    assert fit.positions(["size", fit.names[1]]) == [1, 6]
    assert fit.wald(["place"]).df == 4
    assert fit.lrt(["place"]).df == 4


def test_likelihood_ratio_of_a_simple_random_sample_is_near_the_usual_one():
    """With one stratum and equal weights the eigenvalues are near 1 where the model holds."""
    random = np.random.default_rng(5)
    x = pd.DataFrame({"one": 1.0, "a": random.normal(size=4000), "b": random.normal(size=4000)})
    y = (random.random(4000) < 0.4).astype(float)
    test = models.logistic(survey_design(np.ones(4000), None), y, x).lrt(["a", "b"])
    np.testing.assert_allclose(test.eigenvalues, 1, atol=0.1)


def test_ratios_are_exponentials():
    fit = Sample().fit("logistic")
    np.testing.assert_allclose(np.log(fit.ratios(0.9)[["low", "high"]]), fit.table(0.9)[["low", "high"]])
    with pytest.raises(InputError, match="no ratios"):
        Sample().fit("linear").ratios()


# ---- refusals ------------------------------------------------------------------------------------------------------


def refused(family: str, words: str, s: Sample, **options) -> None:
    with pytest.raises(InputError) as caught:
        s.fit(family, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("family", FAMILIES)
def test_missing_values_are_refused_with_their_columns_and_rows(family):
    s = Sample()
    s.x.loc[[3, 7], "size"] = np.nan
    refused(family, "missing for agencies of the domain (size: rows 4, 8)", s)
    s = Sample()
    s.y[family] = pd.Series(s.y[family]).where(np.arange(N) != 5)
    refused(family, "missing for agencies of the domain (the outcome: row 6)", s)
    s = Sample()
    s.offset[0] = np.inf
    refused(family, "(the offset: row 1)", s, offset=s.offset)


@pytest.mark.parametrize("family", FAMILIES)
def test_domains_that_do_not_fit_are_refused(family):
    s = Sample()
    gaps = np.ones(N)
    gaps[[1, 2]] = np.nan
    refused(family, "A domain is neither true nor false for 2 agencies (rows 2, 3)", s, domain=gaps)
    refused(family, "A domain has 3 rows, the design 120", s, domain=[True] * 3)
    refused(family, "does not vary", s, domain=np.zeros(N, bool))


@pytest.mark.parametrize("family", FAMILIES)
def test_columns_that_cannot_be_told_apart_are_refused(family):
    s = Sample()
    s.x["twice"] = 2 * s.x["size"] - s.x["flag"] + 1
    refused(family, "rank 5; what follows from the columns before it is twice", s)
    s = Sample()
    s.x["place[moon]"] = 0.0
    refused(family, "No row of the domain has place[moon]", s)
    s = Sample()
    refused(family, "Two columns of the model have one name", s, x=s.x[["intercept", "size", "size"]])
    refused(family, "is not a number: place", s, x=s.table)
    refused(family, "differ in length", s, x=s.x[:9])


@pytest.mark.parametrize(
    ("family", "outcome"),
    [
        ("linear", np.ones(N)),
        ("logistic", np.ones(N)),
        ("firth_logistic", np.zeros(N)),
        ("poisson", np.zeros(N)),
        ("negative_binomial", np.zeros(N)),
        ("multinomial", np.repeat("some", N)),
        ("proportional_odds", pd.Categorical(np.repeat("some", N), LEVELS, ordered=True)),
    ],
)
def test_constant_outcomes_are_refused(family, outcome):
    s = Sample()
    s.y[family] = outcome
    refused(family, "does not vary", s)


def test_outcomes_of_the_wrong_kind_are_refused():
    s = Sample()
    s.y |= {"poisson": s.y["poisson"] - 1, "negative_binomial": s.y["negative_binomial"] + 0.5}
    s.y |= {"logistic": s.y["logistic"] * 2, "linear": s.y["multinomial"], "firth_logistic": s.y["multinomial"]}
    refused("poisson", "A count is negative (row", s)
    refused("negative_binomial", "A count is not a whole number (rows 1, 2", s)
    refused("logistic", "must be 0 or 1 (row", s)
    refused("linear", "The outcome of the model is not a number", s)
    refused("firth_logistic", "The outcome of the model is not a number", s)
    refused("negative_binomial", "theta is -1", Sample(), theta=-1)


def test_categories_without_observation_are_refused():
    s = Sample()
    s.y["proportional_odds"] = s.y["proportional_odds"].add_categories(["all"])
    refused("proportional_odds", "No row of the domain has the outcome all", s)
    refused("multinomial", "No row of the domain has the outcome rare", s, levels=[*LEVELS, "rare"])
    refused("multinomial", "An outcome is none of the levels (row", s, levels=LEVELS[:2])
    s.y["proportional_odds"] = Sample().y["multinomial"]
    refused("proportional_odds", "has no order", s)


def test_counts_without_overdispersion_are_refused():
    s = Sample()
    s.y["negative_binomial"] = np.round(np.exp(0.5 + 0.5 * s.table["size"])).to_numpy()
    refused("negative_binomial", "theta has no finite estimate", s)


def test_separation_is_explained_by_name():
    s = Sample()
    town = (s.table["place"] == "town").to_numpy()
    rows = np.flatnonzero(town) + 1
    s.y["logistic"][town] = 0
    refused("logistic", f"place[town] separates the outcome, which is never 1 in the {town.sum()} rows with", s)
    refused("logistic", f" with place[town] = 1 (rows {rows[0]}, {rows[1]}, ", s)
    refused("logistic", "use firth_logistic", s)
    s.y["poisson"][town] = 0
    refused("poisson", "place[town] separates the outcome, which is never above 0 in", s)
    s.y["negative_binomial"][town] = 0
    what = "The negative binomial model did not converge: place[town] separates the outcome, which is never above 0"
    refused("negative_binomial", what, s)
    s.y["multinomial"][town] = "some"
    refused("multinomial", "place[town] separates category much, which is never met in", s)
    s = Sample()
    s.y["logistic"] = (s.table["size"] > 2).to_numpy(dtype=float)
    refused("logistic", "size separates the outcome, which is 1 only at 2", s)
    s.y["proportional_odds"] = pd.Categorical.from_codes(np.digitize(s.table["size"], [1, 2]), LEVELS, ordered=True)
    refused("proportional_odds", "size separates category some or above", s)


def test_separation_by_several_columns_together_is_found():
    s = Sample()
    s.y["logistic"] = (s.table["size"] + 2 * s.table["flag"] > 2.5).to_numpy(dtype=float)
    refused("logistic", "a combination of", s)
    s = Sample()  # no town, and no flag in the city, has a count
    none = (s.table["place"] == "rural") | ((s.table["flag"] == 1) & (s.table["place"] == "town"))
    s.x["both"] = s.x["flag"] * s.x["place[town]"] + s.x["place[rural]"] + s.x["size"] * 0
    s.x["both"] += s.x["place[town]"] * 3
    s.y["poisson"] = np.where(none, 0, s.y["poisson"] + 1)
    refused("poisson", "separates the outcome", s)


def test_tests_that_make_no_sense_are_refused():
    s = Sample()
    fit = s.fit("proportional_odds")
    for call, words in (
        (lambda: fit.wald(["moon"]), "The model has no term moon"),
        (lambda: fit.lrt(["none|some"]), "whole columns"),
        (lambda: s.fit("multinomial").lrt(["some: size"]), "whole columns"),
        (lambda: s.fit("firth_logistic").lrt(["size"]), "no likelihood"),
        (lambda: fit.predict(s.x), "no single prediction"),
        (lambda: models.Fit(["a"], np.ones(1), np.eye(1), 3, 9).lrt(["a"]), "no likelihood"),
        (lambda: models.Fit(["a"], np.ones(1), np.eye(1), 3, 9).scores, "no scores"),
        (lambda: models.Fit(["a"], np.ones(1), np.zeros((1, 1)), 3, 9).wald(["a"]), "singular"),
        (lambda: models.predicted_margins(fit, s.terms, s.table, "moon"), "no variable moon"),
        (lambda: models.predicted_margins(fit, s.terms, s.table, "size"), "Give the values"),
        (lambda: models.predicted_margins(fit, s.terms, s.table[:5], "place"), "differ in length"),
        (lambda: models.average_marginal_effects(fit, s.terms, s.table, ["moon"]), "no variable moon"),
    ):
        with pytest.raises(InputError, match=words.replace("|", r"\|")):
            call()
    few = models.linear(survey_design(np.ones(5), None), [1, 2, 4, 3, 9], s.x[["intercept", "size", "flag"]][:5])
    assert few.df == 2
