"""Raking and calibration meet what is known, keep bounds, say what cannot be met, and variances know of them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agency_survey import calibration, estimate, weights
from agency_survey.design import survey_design
from agency_survey.errors import InputError

few = settings(max_examples=30, deadline=None)

# ---- raking --------------------------------------------------------------------------------------------------------

SEX = {"sex": list("mmff"), "age": ["old", "young", "old", "young"]}


def totals(**margins) -> dict:
    return {name: pd.Series(values, dtype=float) for name, values in margins.items()}


def test_raking_by_hand():
    """Weights 1 in a 2 x 2 table, margins 6 + 4 and 5 + 5: the fitted table is the product of the margins over 10."""
    factor = calibration.raking_factor(np.ones(4), SEX, totals(sex={"m": 6, "f": 4}, age={"old": 5, "young": 5}))
    np.testing.assert_allclose(factor, [3, 3, 2, 2], rtol=1e-12)


def test_raking_keeps_the_odds_ratio():
    """Iterative proportional fitting leaves the odds ratio of the table, here 6, as it is (Deming and Stephan 1940)."""
    weight = np.array([3.0, 1, 2, 4])
    found = weight * calibration.raking_factor(weight, SEX, totals(sex={"m": 7, "f": 3}, age={"old": 2, "young": 8}))
    assert found[0] * found[3] / (found[1] * found[2]) == pytest.approx(6, rel=1e-10)
    np.testing.assert_allclose([found[:2].sum(), found[2:].sum(), found[::2].sum(), found[1::2].sum()], [7, 3, 2, 8])


def test_one_margin_raked_is_post_stratified():
    rng = np.random.default_rng(1)
    weight, cell = rng.uniform(1, 5, 40), rng.choice(list("abc"), 40)
    known = pd.Series({"a": 30.0, "b": 50.0, "c": 44.0})
    mine = calibration.raking_factor(weight, {"cell": cell}, {"cell": known})
    np.testing.assert_allclose(mine, weights.poststratification_factor(weight, cell, known), rtol=1e-14)


ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 1), st.floats(0.2, 50), st.floats(0.3, 3)),
    min_size=1,
    max_size=40,
)


@few
@given(ROWS, st.randoms())
def test_raked_margins_are_met_whatever_the_order_of_rows_and_scale(rows, random):
    """Totals are those of other positive weights on the same rows, so that they can be met."""
    *codes, weight, ratio = (np.array(column) for column in zip(*rows, strict=True))
    margins = {name: np.array(list("abcd"))[code] for name, code in zip("xyz", codes, strict=True)}
    known = {name: pd.Series(weight * ratio).groupby(labels).sum() for name, labels in margins.items()}
    factor = calibration.raking_factor(weight, margins, known)
    for name, labels in margins.items():
        met = pd.Series(weight * factor).groupby(labels).sum()
        assert (np.abs(met / known[name] - 1) <= 1e-10).all()
    order = list(range(len(weight)))
    random.shuffle(order)
    mixed = calibration.raking_factor(weight[order], {k: v[order] for k, v in margins.items()}, known)
    np.testing.assert_allclose(mixed, factor[order], rtol=1e-9)
    scaled = calibration.raking_factor(8 * weight, margins, known)
    np.testing.assert_allclose(scaled, factor / 8, rtol=1e-9)


def test_tables_larger_than_the_data_are_cut_to_the_cells_that_occur():
    """Seven margins of 40 categories: 40^7 cells, of which 3,000 rows fill 3,000 at most."""
    rng = np.random.default_rng(4)
    margins = {f"m{k}": rng.integers(0, 40, 3000) for k in range(7)}
    weight, other = rng.uniform(1, 3, 3000), rng.uniform(1, 3, 3000)
    known = {name: pd.Series(other).groupby(code).sum() for name, code in margins.items()}
    found = weight * calibration.raking_factor(weight, margins, known)
    for name, code in margins.items():
        assert np.abs(np.bincount(code, found) / known[name] - 1).max() <= 1e-10


def test_rows_without_weight_do_not_matter():
    known = totals(sex={"m": 6, "f": 4}, age={"old": 5, "young": 5})
    margins = {"sex": [*SEX["sex"], "m"], "age": [*SEX["age"], "old"]}
    factor = calibration.raking_factor([1, 1, 1, 1, 0], margins, known)
    np.testing.assert_allclose(factor[:4], [3, 3, 2, 2], rtol=1e-12)


@pytest.mark.parametrize(
    ("margins", "known", "words"),
    [
        ({}, {}, "Give each margin its totals"),
        (SEX, totals(sex={"m": 6, "f": 4}), "The margins (sex, age) and their totals (sex) differ"),
        ({"sex": ["m"]}, totals(sex={"m": 6}), "The margin sex has 1 labels for 4 weights"),
        (
            {"sex": ["m", None, "f", "f"]},
            totals(sex={"m": 6, "f": 4}),
            "The margin sex is missing (row 2)",
        ),
        (
            SEX,
            totals(sex={"m": 6, "f": 4}, age={"old": 5, "young": 6}),
            "age add up to 11, those of the margin sex to 10",
        ),
        (
            SEX,
            totals(sex={"m": 6, "f": 4}, age={"old": 10}),
            "No population count is known for the category young of the margin age",
        ),
        (
            SEX,
            totals(sex={"m": 5, "f": 4, "x": 1}, age={"old": 5, "young": 5}),
            "The sample holds no agency of the category x of the margin sex",
        ),
    ],
)
def test_raking_refusals(margins, known, words):
    with pytest.raises(InputError) as caught:
        calibration.raking_factor(np.ones(4), margins, known)
    assert words in str(caught.value)


def test_raking_that_cannot_converge_says_which_margin():
    """All women are old and all men young, so both margins count the same two groups, and they differ."""
    margins = {"sex": list("mmff"), "age": ["young", "young", "old", "old"]}
    with pytest.raises(InputError) as caught:
        calibration.raking_factor(np.ones(4), margins, totals(sex={"m": 6, "f": 4}, age={"young": 7, "old": 3}))
    text = str(caught.value)
    assert "Raking does not converge: the worst is the margin age, category old, with 3.5 where 3 is wanted" in text


# ---- calibration ---------------------------------------------------------------------------------------------------


def test_linear_calibration_by_hand():
    """Weights 2, 2 on x = 1, 3 to the total 12: lambda = 4 / 20, g = 1 + x / 5."""
    factor = calibration.calibration_factor([2, 2], [[1], [3]], [12])
    np.testing.assert_allclose(factor, [1.2, 1.6], rtol=1e-13)
    factor = calibration.calibration_factor([2, 2], [[1], [3]], [12], variance=[1, 3])
    np.testing.assert_allclose(factor, [1.5, 1.5], rtol=1e-13)


def test_exponential_calibration_by_hand():
    """x = 1 and 2 with g = q^x: 2 q + 2 (2 q^2) = 3 has the root q = (sqrt(13) - 1) / 4."""
    q = (np.sqrt(13) - 1) / 4
    factor = calibration.calibration_factor([2, 2], [[1], [2]], [3], "raking")
    np.testing.assert_allclose(factor, [q, q**2], rtol=1e-12)


def test_bounded_linear_calibration_by_hand():
    """Free factors would be 1.2 and 1.6; with U = 1.5 the second stays there and the first makes up: 2 g + 9 = 12."""
    factor = calibration.calibration_factor([2, 2], [[1], [3]], [12], bounds=(0.5, 1.5))
    np.testing.assert_allclose(factor, [1.5, 1.5], rtol=1e-12)
    factor = calibration.calibration_factor([2, 2], [[1], [3]], [11.8], bounds=(0.5, 1.5))
    np.testing.assert_allclose(factor, [1.4, 1.5], rtol=1e-12)


def test_logit_calibration_is_the_function_of_deville_and_saerndal():
    """Two groups, each with its total: g is given, so u is; F(u) = g is checked from the formula, not the code."""
    low, high = 0.4, 2.5
    slope = (high - low) / ((1 - low) * (high - 1))
    found = calibration.calibration_factor([1, 1], np.eye(2), [0.7, 1.9], "logit", (low, high))
    np.testing.assert_allclose(found, [0.7, 1.9], rtol=1e-12)
    u = np.linspace(-3, 3, 7)
    e = np.exp(slope * u)
    formula = (low * (high - 1) + high * (1 - low) * e) / (high - 1 + (1 - low) * e)
    np.testing.assert_allclose(calibration.Distance("logit", low, high).factor(u), formula, rtol=1e-13)


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [
        ("linear", -np.inf, np.inf),
        ("linear", 0.5, 1.8),
        ("raking", 0, np.inf),
        ("raking", 0.5, 1.8),
        ("logit", 0.5, 1.8),
    ],
)
def test_slope_and_integral_belong_to_the_factor(method, low, high):
    """Numerical derivatives away from the corners; F(0) = 1 and F'(0) = 1 for all, as Deville and Saerndal ask."""
    distance, h = calibration.Distance(method, low, high), 1e-6
    u = np.array([-2.1, -0.4, -0.1, 0.0, 0.3, 0.75, 2.2])
    np.testing.assert_allclose(
        (distance.factor(u + h) - distance.factor(u - h)) / (2 * h), distance.slope(u), rtol=1e-7, atol=1e-8
    )
    np.testing.assert_allclose(
        (distance.integral(u + h) - distance.integral(u - h)) / (2 * h), distance.factor(u), rtol=1e-7, atol=1e-8
    )
    assert distance.factor(np.zeros(1))[0] == pytest.approx(1)
    assert distance.slope(np.zeros(1))[0] == pytest.approx(1)
    assert np.isfinite(distance.factor(np.array([-800.0, 700.0]))).all()


POINTS = st.lists(
    st.tuples(st.floats(0.5, 20), st.floats(-3, 3), st.floats(0, 100), st.floats(0.6, 1.7), st.floats(0.5, 4)),
    min_size=1,
    max_size=40,
)


@few
@given(POINTS, st.sampled_from(["linear", "raking", "logit"]), st.booleans(), st.randoms())
def test_calibration_meets_totals_within_bounds_and_ignores_row_order(rows, method, sigma, random):
    """Totals are those of factors between 0.6 and 1.7, so they can be met between 0.5 and 2."""
    weight, first, second, ratio, variance = (np.array(column) for column in zip(*rows, strict=True))
    x = np.column_stack([np.ones(len(weight)), first.round(3), second.round(3)])
    known, variance = x.T @ (weight * ratio), variance if sigma else None
    factor = calibration.calibration_factor(weight, x, known, method, (0.5, 2.0), variance)
    size = np.maximum(np.abs(known), np.abs(x).T @ weight)
    assert (np.abs(x.T @ (weight * factor) - known) <= 1e-10 * np.where(size > 0, size, 1)).all()
    assert factor.min() >= 0.5
    assert factor.max() <= 2
    order = list(range(len(weight)))
    random.shuffle(order)
    mixed = calibration.calibration_factor(
        weight[order], x[order], known, method, (0.5, 2.0), None if variance is None else variance[order]
    )
    np.testing.assert_allclose(mixed, factor[order], rtol=1e-6)


def test_raking_is_calibration_with_the_exponential_distance():
    rng = np.random.default_rng(7)
    weight, a, b = rng.uniform(1, 6, 80), rng.integers(0, 3, 80), rng.integers(0, 2, 80)
    other = weight * rng.uniform(0.7, 1.4, 80)
    known = {"a": pd.Series(np.bincount(a, other)), "b": pd.Series(np.bincount(b, other))}
    raked = calibration.raking_factor(weight, {"a": a, "b": b}, known)
    x = np.column_stack([a[:, None] == np.arange(3), b[:, None] == np.arange(2)]).astype(float)  # collinear by one
    found = calibration.calibration_factor(weight, x, np.concatenate([known["a"], known["b"]]), "raking")
    np.testing.assert_allclose(found, raked, rtol=1e-9)


def test_totals_are_matched_by_name():
    x = pd.DataFrame({"one": [1.0, 1, 1], "size": [1.0, 2, 6]})
    known = pd.Series({"size": 30.0, "one": 8.0})
    factor = calibration.calibration_factor([2, 2, 2], x, known)
    np.testing.assert_allclose(x.T @ (2 * factor), [8, 30], rtol=1e-12)


X = pd.DataFrame({"one": [1.0, 1, 1, 1], "size": [1.0, 2, 6, 3]})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"totals": [8.0, 100.0], "bounds": (0.5, 2)},
            "within the bounds 0.5 and 2: the worst is one, with 13 where 8 is wanted",
        ),
        ({"totals": [8.0, 100.0], "bounds": (0.5, 2), "method": "logit"}, "within the bounds 0.5 and 2: the worst is"),
        ({"totals": [8.0, -1.0], "method": "raking"}, "The totals cannot be met: the worst is size, with"),
        ({"x": X.assign(size=2.0), "totals": [8.0, 30.0]}, "The totals cannot be met: the worst is"),
        ({"totals": [8.0, 60.0]}, "Linear calibration makes 2 weights negative, the lowest factor being"),
        ({"totals": pd.Series({"one": 8.0})}, "The totals (one) and the calibration variables (one, size) differ"),
        ({"totals": pd.Series({"one": 8.0, "sizes": 1})}, "The totals (one, sizes) and the calibration variables"),
        ({"totals": [8.0]}, "There are 1 totals for 2 calibration variables"),
        ({"totals": [8.0, np.nan]}, "The total of size is missing or infinite"),
        ({"x": X.mask(X == 6), "totals": [8.0, 30]}, "A calibration variable is missing or infinite (row 3)"),
        ({"x": X.head(2)}, "The calibration variables have the shape (2, 2) for 4 weights"),
        ({"method": "logit"}, "Logit calibration has no bounds"),
        ({"method": "logit", "bounds": (0, np.inf)}, "The bounds 0 and inf do not hold the factor 1 between them"),
        ({"bounds": (1.1, 2)}, "The bounds 1.1 and 2 do not hold the factor 1 between them"),
        ({"variance": [1, 0, 1, 1]}, "A variance is missing or not positive (row 2)"),
        ({"weight": [2, -1, 2, 2]}, "A weight is missing, negative or infinite (row 2)"),
    ],
)
def test_calibration_refusals(change, words):
    given_ = {"weight": [2.0, 2, 2, 2], "x": X, "totals": [8.0, 26.0]} | change
    with pytest.raises(InputError) as caught:
        calibration.calibration_factor(**given_)
    assert words in str(caught.value)


def test_unknown_methods_are_programming_errors():
    with pytest.raises(ValueError, match="unknown calibration method: cubic"):
        calibration.calibration_factor([1], [[1]], [1], "cubic")


# ---- variances -----------------------------------------------------------------------------------------------------


def sample(seed: int = 1, n: int = 90):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {"cell": rng.choice(list("abc"), n), "region": rng.choice(["n", "s"], n), "x": rng.uniform(1, 9, n)}
    )
    rows["y"] = 3 * rows["x"] + 5 * (rows["cell"] == "b") + rng.normal(size=n)
    rows["stratum"], rows["weight"] = np.arange(n) % 3, rng.uniform(2, 9, n)
    return rows, survey_design(rows["weight"], rows["stratum"], np.array([90.0, 150, 300])[rows["stratum"]])


def test_post_stratified_mean_by_hand():
    """Equal weights, one stratum without correction: n / (n - 1) sum (w e)^2 / N^2, e from the means of the cells."""
    y, cell = np.array([1.0, 3, 2, 6, 10]), list("aabbb")
    design = survey_design(np.ones(5), np.zeros(5))
    found = estimate.mean(calibration.poststratify(design, cell, pd.Series({"a": 6.0, "b": 12.0})), y)
    residuals = np.array([3 * -1, 3 * 1, 4 * -4, 4 * 0, 4 * 4]) / 18
    assert found.value[0] == pytest.approx((6 * 2 + 12 * 6) / 18)
    assert found.se[0] == pytest.approx(np.sqrt(5 / 4 * (residuals**2).sum()), rel=1e-12)


def adjusted(kind: str, rows: pd.DataFrame, design):
    cells = pd.Series({"a": 150.0, "b": 200.0, "c": 190.0})
    regions = pd.Series({"n": 260.0, "s": 280.0})
    x = np.column_stack([np.ones(len(rows)), rows["x"]])
    if kind == "poststratify":
        return calibration.poststratify(design, rows["cell"], cells)
    if kind == "rake":
        return calibration.rake(
            design, {"cell": rows["cell"], "region": rows["region"]}, {"cell": cells, "region": regions}
        )
    method, _, bounded = kind.partition(", ")
    return calibration.calibrate(design, x, [540, 2800], method, (0.5, 2.0) if bounded else None)


KINDS = ["poststratify", "rake", "linear", "linear, bounded", "raking", "raking, bounded", "logit, bounded"]


@pytest.mark.parametrize("kind", KINDS)
def test_known_totals_have_no_variance(kind):
    """What the sample is calibrated to is known: its total, and every combination of such totals, is without error."""
    rows, design = sample()
    known = pd.get_dummies(rows["cell"]).astype(float) if kind in ("poststratify", "rake") else rows[["x"]]
    found, before = estimate.total(adjusted(kind, rows, design), known), estimate.total(design, known)
    assert (found.se <= 1e-10 * before.se).all()
    assert (before.se > 1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_residuals_by_least_squares(kind):
    """Against numpy's least squares on square-root weighted rows, in a domain and for two columns at once."""
    rows, design = sample()
    after = adjusted(kind, rows, design)
    if kind == "poststratify":
        x = pd.get_dummies(rows["cell"])
    elif kind == "rake":
        x = pd.get_dummies(rows[["cell", "region"]])
    else:
        x = rows[["x"]].assign(one=1)
    x, root = x.to_numpy(dtype=float), np.sqrt(design.weight)
    y = np.column_stack([rows["y"] * (rows["x"] > 5), rows["y"]])
    fitted = x @ np.linalg.lstsq(root[:, None] * x, root[:, None] * y, rcond=None)[0]
    wanted = design.covariance(after.weight[:, None] * (y - fitted))
    scores = after.weight[:, None] * y
    np.testing.assert_allclose(after.covariance(scores), wanted, rtol=1e-10)
    np.testing.assert_allclose(after.variance(scores[:, 0]), wanted[0, 0], rtol=1e-10)


@pytest.mark.parametrize("kind", ["poststratify", "linear"])
def test_standard_errors_are_those_of_the_derivative(kind):
    """Numerical derivatives of the adjusted mean by the base weights; exact for linear calibration."""
    rows, design = sample()
    scores = np.zeros((len(rows), 2))
    inside = (rows["cell"] != "a").to_numpy()

    def means(weight) -> np.ndarray:
        w = adjusted(kind, rows, design.reweighted(weight)).weight
        y = rows["y"].to_numpy()
        return np.array([w @ y / w.sum(), w[inside] @ y[inside] / w[inside].sum()])

    for i, w in enumerate(design.weight):
        step = np.zeros(len(rows))
        step[i] = 1e-4 * w
        scores[i] = (means(design.weight + step) - means(design.weight - step)) / 2e-4
    after = adjusted(kind, rows, design)
    found = [estimate.mean(after, rows["y"]).se[0], estimate.mean(after, rows["y"], inside).se[0]]
    np.testing.assert_allclose(found, np.sqrt(design.variance(scores)), rtol=1e-6)


def test_clusters_are_added_up_after_the_residuals():
    """One-stage clusters by hand: residuals of the elements, summed by cluster, with replacement."""
    rows, _ = sample()
    cluster = np.arange(len(rows)) // 6
    design = survey_design(rows["weight"], np.zeros(len(rows)), cluster=cluster)
    known = pd.Series({"a": 150.0, "b": 200.0, "c": 190.0})
    after = calibration.poststratify(design, rows["cell"], known)
    centre = (rows["y"] * rows["weight"]).groupby(rows["cell"]).sum() / rows["weight"].groupby(rows["cell"]).sum()
    sums = np.bincount(cluster, after.weight * (rows["y"] - rows["cell"].map(centre)))
    found = estimate.total(after, rows["y"])
    assert found.se[0] == pytest.approx(np.sqrt(15 / 14 * ((sums - sums.mean()) ** 2).sum()), rel=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_without_weight_change_nothing(kind):
    rows, _ = sample()
    inside = (np.arange(len(rows)) % 10 > 0).astype(float)
    full = adjusted(kind, rows, survey_design(rows["weight"] * inside, rows["stratum"]))
    assert (full.weight[inside == 0] == 0).all()
    scores = full.weight * rows["y"]
    kept = rows[inside > 0]
    part = adjusted(kind, kept, survey_design(kept["weight"], kept["stratum"]))
    np.testing.assert_allclose(full.weight[inside > 0], part.weight, rtol=1e-12)
    mine = full.adjustments[0].residuals(scores.to_numpy()[:, None])
    theirs = part.adjustments[0].residuals((part.weight * kept["y"]).to_numpy()[:, None])
    np.testing.assert_allclose(mine[inside > 0], theirs, rtol=1e-9, atol=1e-9)
    assert (mine[inside == 0] == 0).all()


def test_a_calibrated_census_has_no_variance():
    """With N = n and totals that the census has, factors are 1 and the correction leaves nothing."""
    rows, _ = sample()
    design = survey_design(np.ones(len(rows)), rows["stratum"], np.full(len(rows), 30.0))
    after = calibration.poststratify(design, rows["cell"], rows["cell"].value_counts().astype(float))
    found = estimate.mean(after, rows["y"])
    assert found.value[0] == pytest.approx(rows["y"].mean())
    assert found.se[0] == 0


@few
@given(st.integers(0, 10_000))
def test_calibration_on_a_good_predictor_pays(seed):
    """y is nearly linear in x, so calibrating to x leaves less than a fifth of the standard error of a total."""
    rows, design = sample(seed)
    known = [540.0, 540 * float(np.average(rows["x"], weights=rows["weight"]))]
    assume(540 / rows["weight"].sum() > 0.5)
    after = calibration.calibrate(design, np.column_stack([np.ones(len(rows)), rows["x"]]), known)
    y = rows["y"] - 5 * (rows["cell"] == "b")
    assert estimate.total(after, y).se[0] < estimate.total(design, y).se[0] / 5
