"""Columns of every kind a user may give: the numbers they hold, or one sentence that says what they are not."""

import numpy as np
import pandas as pd
import pytest

from agency_survey import columns, estimate, models, replicates, weights
from agency_survey.calibration import calibrate, poststratify
from agency_survey.design import second_phase, survey_design
from agency_survey.errors import InputError

GAP = [1, None, 0, 1]


@pytest.mark.parametrize(
    "values",
    [
        GAP,
        np.array([1, np.nan, 0, 1]),
        np.array(GAP, dtype=object),
        pd.Series(GAP, dtype="Int64"),
        pd.Series(GAP, dtype="Float64"),
        pd.Series([True, None, False, True], dtype="boolean"),
        pd.Series([True, pd.NA, False, True], dtype=object),
        pd.Series(pd.Categorical(GAP)),
        pd.array(GAP, dtype="Int64"),
    ],
)
def test_numbers_of_every_dtype_with_a_gap(values):
    np.testing.assert_array_equal(columns.numbers(values, "A variable"), [1, np.nan, 0, 1])
    with pytest.raises(InputError, match=r"A domain is neither true nor false for 1 agencies \(row 2\)"):
        columns.flags(values, "A domain")


def test_numbers_of_tables_and_of_what_needs_no_copy():
    table = pd.DataFrame(
        {"a": pd.Series(GAP, dtype="Int64"), "b": [1.5, 2, 3, 4], "c": pd.Series(GAP, dtype="boolean")}
    )
    wanted = [[1, 1.5, 1], [np.nan, 2, np.nan], [0, 3, 0], [1, 4, 1]]
    np.testing.assert_array_equal(columns.numbers(table, "A variable"), wanted)
    floats = np.ones(3)
    assert columns.numbers(floats, "A variable") is floats
    truth = np.array([True, False])
    assert columns.flags(truth, "A domain") is truth


@pytest.mark.parametrize(
    "values",
    [
        ["yes", "no"],
        ["1", "0"],
        np.array(["1", "0"]),
        pd.Series(["1", "0"], dtype="string"),
        pd.Series(pd.Categorical(["yes", "no"])),
        pd.date_range("2020-01-01", periods=2),
        np.array([1j, 0]),
        pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
    ],
)
def test_texts_dates_and_complex_numbers_are_no_numbers(values):
    with pytest.raises(InputError, match=r"^A variable is not a number\. Recode it to numbers\.$"):
        columns.numbers(values, "A variable")
    with pytest.raises(InputError, match="neither true nor false but a text or a date"):
        columns.flags(values, "A domain")


@pytest.mark.parametrize(
    ("values", "words"),
    [(1.0, "is one value"), (np.ones((2, 2, 2)), "has 3 dimensions"), ([[1, 2], [3]], "rows of different length")],
)
def test_shapes_that_are_no_column(values, words):
    with pytest.raises(InputError, match=words):
        columns.numbers(values, "A variable")


def test_flags_are_one_column_of_true_and_false():
    np.testing.assert_array_equal(columns.flags([1, 0.0, True], "A domain"), [True, False, True])
    with pytest.raises(InputError, match=r"for 2 agencies \(rows 1, 3\)\. Say"):
        columns.flags([2, 1, -1], "A domain")
    with pytest.raises(InputError, match="has 2 columns"):
        columns.flags(np.ones((3, 2)), "A domain")


# ---- the engine's doors: what was a traceback, or worse a number, is a sentence ------------------------------------------

N = 8
DESIGN = survey_design(np.arange(1.0, 9), list("aaaabbbb"), [9.0] * 4 + [20.0] * 4)
Y = np.array([3.0, 1, 4, 1, 5, 9, 2, 6])
X = pd.DataFrame({"intercept": 1.0, "x": [1.0, 2, 3, 4, 4, 3, 1, 2]})
B = [0, 1, 1, 0, 1, 1, 0, 0]
WORDS = np.array(["no", "yes"] * 4)
HOLE = pd.Series([True, pd.NA] + [True] * 6, dtype="boolean")
CODES = np.arange(N) % 3
ONES = np.ones(N)


@pytest.mark.parametrize("domain", [WORDS, WORDS.tolist(), HOLE, np.where(HOLE.isna(), np.nan, 1), CODES, True])
@pytest.mark.parametrize(
    "estimator",
    [
        lambda d: estimate.mean(DESIGN, Y, d),
        lambda d: estimate.quantiles(DESIGN, Y, 0.5, d),
        lambda d: estimate.means_by(DESIGN, Y, np.zeros(N, int), 1, known=d),
        lambda d: models.linear(DESIGN, Y, X, d),
        lambda d: models.proportional_odds(DESIGN, B, X, d, levels=[0, 1]),
        lambda d: replicates.means(replicates.jkn(DESIGN), Y, d),
        lambda d: DESIGN.degrees_of_freedom(d),
        lambda d: second_phase(DESIGN, d, list("aaaaaaaa")),
        lambda d: weights.nonresponse_factor(ONES, list("aaaaaaaa"), ONES, d),
        lambda d: weights.nonresponse_factor(ONES, list("aaaaaaaa"), d, ONES),
        lambda d: weights.eligibility_factor(ONES, list("aaaaaaaa"), d, ONES * 0),
        lambda d: weights.second_phase_weight(ONES, list("aaaaaaaa"), d, ONES),
        lambda d: weights.collapsed_classes(list("aaaaaaaa"), CODES, d, 1),
        lambda d: weights.inclusion_probability([ONES / 2], d),
    ],
)
def test_a_gap_a_text_or_a_code_is_never_true(estimator, domain):
    with pytest.raises(InputError, match=r"neither true nor false|is one value|one of each to a row|differ in length"):
        estimator(domain)


JKN = replicates.jkn(DESIGN)
TEXTS = pd.DataFrame({"intercept": 1.0, "x": WORDS})
TABLE = pd.DataFrame({"x": X["x"], "mixed": pd.Series([1, "a"] * 4, dtype=object)})
FIT = models.linear(DESIGN, Y, X)
TERMS = models.model_terms(TABLE, ["x"])
BY = estimate.means_by(DESIGN, Y, B, 2)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda: survey_design(WORDS), "A weight is not a number"),
        (lambda: survey_design(np.ones((N, 2))), "2 columns of weights"),
        (lambda: survey_design(1.0), "A weight is one value"),
        (lambda: survey_design(ONES, None, 100), "are one value or a table"),
        (lambda: survey_design(ONES, None, WORDS), "A population size is not a number"),
        (lambda: DESIGN.reweighted([np.nan] + [1.0] * 7), "A weight is missing or infinite (row 1)"),
        (lambda: DESIGN.covariance(np.ones(3)), "scores of 3 rows, the design has 8"),
        (lambda: second_phase(DESIGN, HOLE.notna(), None), "one of each to a row"),
        (lambda: estimate.mean(DESIGN, WORDS), "A variable is not a number"),
        (lambda: estimate.mean(DESIGN, 1.0), "A variable is one value"),
        (lambda: estimate.mean(DESIGN, np.where(HOLE.isna(), np.nan, Y)), "agencies of the domain (row 2)"),
        (lambda: estimate.ratio(DESIGN, Y, X), "more than one denominator"),
        (lambda: replicates.ratios(JKN, Y, X), "more than one denominator"),
        (lambda: estimate.means_by(DESIGN, Y, B, 2, np.ones((N, 3))), "has 3 columns for 1 variables"),
        (lambda: estimate.quantiles(DESIGN, Y, "half"), "A probability of a quantile is not a number"),
        (lambda: estimate.quantiles(DESIGN, Y, 0.5, level=95), "The level of confidence is 95"),
        (lambda: estimate.mean(DESIGN, Y).interval(95), "The level of confidence is 95. Give a share such as 0.95"),
        (lambda: estimate.mean(DESIGN, Y).interval(0.95, "logit"), "for proportions"),
        (lambda: FIT.table(95), "The level of confidence is 95"),
        (lambda: estimate.wald(BY, [[1.0]]), "has 1 coefficients for 2 estimates"),
        (lambda: estimate.differences(BY, 2), "no estimate 2 to compare with"),
        (lambda: estimate.stack(DESIGN, []), "no estimate to put side by side"),
        (lambda: estimate.change(estimate.mean(DESIGN, Y), estimate.mean(DESIGN, X)), "has 1 estimates, the other 2"),
        (lambda: estimate.wald_change(estimate.mean(DESIGN, Y), estimate.mean(DESIGN, X)), "has 1 estimates"),
        (lambda: models.linear(DESIGN, Y, X.to_numpy()), "columns of the model have no names"),
        (lambda: models.linear(DESIGN, Y, X[[]]), "The model has no column"),
        (lambda: models.linear(DESIGN, np.column_stack([Y, Y]), X), "The outcome of the model has 2 columns"),
        (lambda: models.linear(DESIGN, Y, X, None, 1.0), "The offset is one value"),
        (lambda: models.negative_binomial(DESIGN, WORDS, X), "The outcome of the model is not a number"),
        (lambda: models.multinomial(DESIGN, TABLE["mixed"], X), "of several types"),
        (lambda: models.multinomial(DESIGN, B, X, levels=[0, 1, 1]), "has a level twice: 0, 1, 1"),
        (lambda: models.design_matrix(TABLE, "x"), "one text: x"),
        (lambda: models.design_matrix(TABLE, ["mixed"]), "The values of mixed have no order"),
        (lambda: models.design_matrix({"x": [1]}, ["x"]), "is no DataFrame"),
        (lambda: models.design_matrix(pd.concat([TABLE, TABLE], axis=1), ["x"]), "has two columns x"),
        (lambda: TERMS.matrix(TABLE[["mixed"]]), "has no column x"),
        (lambda: FIT.wald([]), "no list of names"),
        (lambda: FIT.lrt("x"), "no list of names: 'x'"),
        (lambda: FIT.predict(np.ones((2, 3))), "have not the 2 columns of the fit"),
        (lambda: FIT.predict(X[["x"]]), "have no column intercept"),
        (
            lambda: models.average_marginal_effects(FIT, TERMS, TABLE.assign(x=np.where(HOLE.isna(), np.nan, 1.0))),
            "gaps where the fit had none: x",
        ),
        (lambda: replicates.means(JKN, Y[:3]), "A variable has not the 8 rows"),
        (lambda: replicates.means(JKN, WORDS), "A variable is not a number"),
        (lambda: replicates.replicate(JKN, lambda d: "a"), "The result of the estimator is no number"),
        (lambda: replicates.rescaled_bootstrap(DESIGN, 2.5), "2.5 replicates have no variance"),
        (lambda: replicates.rescaled_bootstrap(DESIGN, 5, seed=-1), "The seed is -1"),
        (lambda: replicates.given_factors(DESIGN, np.ones((N, 0)), 1.0), "The factors have the shape (8, 0)"),
        (lambda: replicates.means(JKN, Y).interval(95), "The level of confidence is 95"),
        (lambda: weights.nonresponse_factor(ONES, ["a"], ONES, ONES), "Columns differ in length: weights 8, classes 1"),
        (lambda: weights.base_weight(WORDS), "An inclusion probability is not a number"),
        (lambda: weights.inclusion_probability([np.ones(3), np.ones(4)]), "differ in length"),
        (lambda: weights.response_propensity(ONES, X.to_numpy(), ONES, B), "have no names"),
        (lambda: weights.response_propensity(ONES, TEXTS, ONES, B), "is not a number"),
        (lambda: weights.response_propensity(ONES, X, ONES, B, strata=0), "0 propensity strata"),
        (
            lambda: weights.collapsed_classes(["a"] * 8, np.where(HOLE.isna(), np.nan, 1), B, 1),
            "within the group is missing",
        ),
        (lambda: weights.trimmed_weights(ONES, [3.0, 4.0]), "weights 8, upper limits 2"),
        (lambda: weights.kish_design_effect([np.nan, 1.0]), "A weight is missing"),
        (lambda: weights.outcome_rates("1", 2, 3, 4), "A count of dispositions"),
        (lambda: poststratify(DESIGN, list("aaaabbbb"), [10, 20]), "have no labels"),
        (lambda: poststratify(DESIGN, list("aaa"), pd.Series({"a": 1.0})), "weights 8, cells 3"),
        (lambda: calibrate(DESIGN, TEXTS, [1.0, 2.0]), "A calibration variable is not a number"),
        (lambda: calibrate(DESIGN, X, [1.0, 2.0], variance=[1.0]), "1 variances for 8 weights"),
        (lambda: calibrate(DESIGN, X, [1.0, 2.0], bounds=3), "bounds are not two numbers"),
    ],
)
def test_what_does_not_fit_is_one_sentence(action, words):
    with pytest.raises(InputError) as caught:
        action()
    assert words in str(caught.value)


def test_predictions_follow_the_names_of_the_columns():
    for one, two in zip(FIT.predict(X), FIT.predict(X[["x", "intercept"]]), strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(FIT.predict(X)[0], X.to_numpy() @ FIT.coefficients)


def test_quantiles_are_replicated_in_the_order_of_their_probabilities():
    found = replicates.replicate(JKN, lambda d: estimate.quantiles(d, Y, [0.25, 0.5, 0.75]))
    np.testing.assert_array_equal(found.value, estimate.quantiles(DESIGN, Y, [0.25, 0.5, 0.75]).value.ravel())
    assert found.replicates.shape == (N, 3)


def test_totals_of_cells_may_come_as_a_dict():
    by_label = {"a": 9.0, "b": 20.0}
    found = poststratify(DESIGN, list("aaaabbbb"), by_label).weight
    np.testing.assert_array_equal(found, poststratify(DESIGN, list("aaaabbbb"), pd.Series(by_label)).weight)
    assert found[:4].sum() == pytest.approx(9)
