"""Chapter 6: variables from data, nested models, predictions, counts, checks, and wording when the finding vanishes."""

import copy
import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import stand_in
import yaml
from scipy import special, stats

from agency_survey import codebook, models, schema
from agency_survey.design import survey_design
from agency_survey.errors import InputError
from agency_survey.models.truncated import truncated_negative_binomial
from agency_survey.sections import determinants as section
from agency_survey.sections import determinants_chapter
from agency_survey.sections import determinants_checks as checks
from agency_survey.sections import determinants_text as say
from agency_survey.sections.determinants_checks import Tipping

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config/models.yaml"
TERMS = ["size", "task_force", "perceived", "preparation"]


def settings(**changes) -> dict:
    return copy.deepcopy(schema.load(CONFIG, "models")["determinants"]) | changes


@pytest.fixture(scope="module")
def book():
    return codebook.load(ROOT / "config/codebooks/part1.yaml")


@pytest.fixture(scope="module")
def respondents():
    return stand_in.respondents()


@pytest.fixture(scope="module")
def part(respondents, book):
    return section.study(*respondents, [book], settings())


@pytest.fixture(scope="module")
def nested(part):
    return section.nested(part)


def simulated(seed: int = 5, n: int = 400, effect: float = 0.7, **changes) -> section.Study:
    """A study of made-up agencies in two strata, with the variables of ``TERMS`` only."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "size": random.normal(13, 2, n),
            "task_force": (random.random(n) < 0.2).astype(float),
            "perceived": (random.random(n) < 0.4).astype(float),
            "preparation": random.integers(0, 4, n).astype(float),
        }
    )
    eta = -5 + 0.25 * table["size"] + 0.5 * table["perceived"] + effect * table["preparation"]
    table["any_case"] = (random.random(n) < special.expit(eta)).astype(float)
    number = 1 + random.poisson(np.exp(0.1 * table["preparation"]) * random.gamma(1.5, 1 / 1.5, n))
    table["count"] = np.where(table["any_case"] == 1, number, 0.0)
    specs = [{"id": "m1", "title": "Size", "adds": TERMS[:2]}, {"id": "m2", "title": "Rest", "adds": TERMS[2:]}]
    design = survey_design(random.uniform(1, 4, n), np.repeat(["a", "b"], n // 2))
    return section.Study(table, design, np.ones(n, dtype=bool), settings(models=specs, **changes))


# ---- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "words"),
    [("popolation", "Unknown key"), ("seeds", "Did you mean 'seed'"), ("iteration", "Did you mean 'iterations'")],
)
def test_unknown_keys_are_refused(tmp_path, key, words):
    data = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    data["determinants"]["imputation"][key] = 1
    path = tmp_path / "models.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(words)):
        schema.load(path, "models")


def _outcome(specs):
    specs["outcome"] = "cases"


def _role(specs):
    specs["roles"]["partner"] = "trained"


def _named(specs):
    specs["margins"]["named"] = 7


def _twice(specs):
    specs["derived"]["size"] = {"label": "x", "of": "trained"}


def _column(specs):
    specs["logarithms"]["size"]["of"] = "inhabitants"


def _answer(specs):
    specs["indicators"]["metropolitan"]["value"] = "Urban"


def _level(specs):
    specs["categories"]["region"]["levels"].append("Overseas")


def _score(specs):
    specs["scores"]["prevalence"]["scores"]["Everywhere"] = 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_outcome, "use 'cases', which is no variable"),
        (_role, "lacks 'trained', which has a role"),
        (_named, "none of 'margins.populations'"),
        (_twice, "'size' is made twice"),
        (_column, "'size' is made of 'inhabitants'"),
        (_answer, "'metropolitan' names the answer 'Urban'"),
        (_level, "'region' names the answer 'Overseas'"),
        (_score, "'prevalence' names the answer 'Everywhere'"),
    ],
)
def test_settings_that_the_data_do_not_have_are_refused(respondents, book, change, words):
    specs = settings()
    change(specs)
    with pytest.raises(InputError) as refused:
        section.study(*respondents, [book], specs)
    assert words in str(refused.value)
    assert "config/models.yaml" in str(refused.value)


def test_variables_follow_the_answers(part, respondents):
    rows, _ = respondents
    table = part.table
    known = rows["population"].notna()
    assert np.allclose(2 ** table.loc[known, "size"], rows.loc[known, "population"].astype(float))
    assert np.allclose(table["size_squared"], table["size"] ** 2, equal_nan=True)
    forms = [
        f"q{k}"
        for k in ("1_sex_residents", "2_sex_foreign_nationals", "3_labour_residents", "4_labour_foreign_nationals")
    ]
    seen = rows[forms].isin(["Rare", "Occasional", "Widespread"]).any(axis=1)
    lost = rows[[f"{form}__missing" for form in forms]].isin(["refused", "missing", "invalid"]).any(axis=1)
    assert (table["perceived"] == 1).equals(seen)
    assert table["perceived"].isna().equals(~seen & lost)
    steps = (
        (rows["q6_training"] == "Yes").astype(int)
        + (rows["q9_protocol"] == "Yes")
        + (rows["q10_personnel"] != "Neither")
    )
    complete = rows[["q6_training", "q9_protocol", "q10_personnel"]].notna().all(axis=1)
    assert (table.loc[complete, "preparation"] == steps[complete]).all()
    unsure = (rows["q6_training__missing"] == "dont_know") & rows[["q9_protocol", "q10_personnel"]].notna().all(axis=1)
    assert unsure.any()
    assert (table.loc[unsure, "preparation"] == (steps - (rows["q6_training"] == "Yes"))[unsure]).all()
    refused = rows["q6_training__missing"] == "refused"
    assert refused.any()
    assert table.loc[refused, "preparation"].isna().all()
    none, many = rows["q13_any_case"] == "No", rows["q14_cases"].notna()
    assert (table.loc[none, "count"] == 0).all()
    assert (table.loc[many, "count"] == rows.loc[many, "q14_cases"].astype(float)).all()
    assert not rows.loc[part.domain, "agency_type"].eq("State agency").any()


def test_dont_know_is_missing_where_asked(respondents, book, part):
    strict = section.study(*respondents, [book], settings(), unknown=["refused", "dont_know"])
    unsure = respondents[0]["q6_training__missing"] == "dont_know"
    assert strict.table.loc[unsure, "preparation"].isna().all()
    assert strict.complete(["preparation"]).sum() < part.complete(["preparation"]).sum()


# ---- models ----------------------------------------------------------------------------------------------------------


def test_nested_models_are_those_fitted_by_hand(part, nested, respondents):
    rows, design = respondents
    last = nested[-1]
    x = pd.DataFrame({"intercept": 1.0, "size": part.table["size"]})
    for region in ("Midwest", "South", "West"):
        x[region] = (rows["region"] == region).astype(float)
    x["metropolitan"] = (rows["metropolitan"] == "Metropolitan").astype(float)
    x["sheriff"] = (rows["agency_type"] == "Sheriff's office").astype(float)
    x["partner"] = (rows["task_force_partner"] == "Yes").astype(float)
    x[["perceived", "preparation"]] = part.table[["perceived", "preparation"]]
    inside = (rows["agency_type"] != "State agency") & x.notna().all(axis=1) & part.table["any_case"].notna()
    whole = models.logistic(design, (rows["q13_any_case"] == "Yes").astype(float), x, inside.to_numpy())
    assert np.allclose(last.fit.coefficients, whole.coefficients)
    assert np.allclose(last.fit.se, whole.se)
    assert {one.fit.n for one in nested} == {int(inside.sum())}
    first = models.logistic(design, part.outcome, x[list(x)[:6]], inside.to_numpy())
    assert np.allclose(nested[0].fit.coefficients, first.coefficients)


def test_effects_and_margins_are_averages_of_predictions():
    part = simulated(margins={"populations": [2500, 5000, 10000], "named": 5000, "steps": [0, 2]})
    last = section.nested(part)[-1]
    weight, b = part.design.weight, last.fit.coefficients

    def mean(**values) -> float:
        table = part.table.assign(**values)
        eta = b[0] + table[TERMS].to_numpy() @ b[1:]
        return np.average(special.expit(eta), weights=weight)

    found = section.coefficients(part, [last], 0.95).set_index("term")
    assert found.loc["perceived", "effect"] == pytest.approx(mean(perceived=1) - mean(perceived=0))
    assert found.loc["preparation", "ratio"] == pytest.approx(np.exp(b[4]))
    margins = section.margins(part, last, 0.95).set_index(["population", "step"])
    assert margins.loc[(5000, 2), "share"] == pytest.approx(mean(size=np.log2(5000), preparation=2))
    assert (margins["low"] < margins["share"]).all()
    assert (margins["share"] < margins["high"]).all()


def test_the_test_of_fit_is_archer_and_lemeshows_on_their_groups(nested):
    fit = nested[-1].fit
    weight, p = fit.model.rows.weight, section.predictions(fit)
    _, at = np.unique(p.round(12), return_inverse=True)
    share = np.cumsum(np.bincount(at, weight)) / weight.sum()
    _, theirs = np.unique(np.ceil(4 * share - 1e-9)[at], return_inverse=True)
    mine, wanted = section.mean_residual_test(fit, theirs), models.archer_lemeshow(fit, 4)
    assert mine.statistic == pytest.approx(wanted.statistic)
    assert (mine.df, mine.df_residual) == (wanted.df, wanted.df_residual)
    assert mine.p == pytest.approx(wanted.p)


def test_groups_hold_agencies_of_both_kinds_and_the_same_expected_cases(nested):
    fit = nested[-1].fit
    group = section.risk_groups(fit, {"groups": 10, "smallest": 5})
    y, p = fit.model.y, section.predictions(fit)
    expected = np.bincount(group, fit.model.rows.weight * p)
    assert min(np.bincount(group, y).min(), np.bincount(group, 1 - y).min()) >= 5
    assert expected.max() < 1.25 * expected.min()
    assert section.risk_groups(fit, {"groups": 10, "smallest": 5_000}) is None
    groups, test = section.goodness(fit, {"groups": 10, "smallest": 5_000})
    assert groups == 0
    assert np.isnan(test.p)


def test_described_agencies_are_weighted_shares(part, nested):
    found = section.described(part, nested[-1], 0.95).set_index("label")
    inside, yes = nested[-1].inside, part.outcome == 1
    weight, partner = part.design.weight, part.table["task_force"].to_numpy()
    for column, who in (("some", inside & yes), ("none", inside & ~yes), ("all", inside)):
        assert found.loc["Task-force partner", column] == pytest.approx(np.average(partner[who], weights=weight[who]))
    cells = [((partner == a) & (yes == b) & inside).sum() for a in (0, 1) for b in (True, False)]
    assert found.loc["Task-force partner", "cell"] == min(cells)


# ---- counts ----------------------------------------------------------------------------------------------------------


def truncated_sample(n: int = 1500):
    random = np.random.default_rng(1)
    size = random.normal(size=n)
    count = random.poisson(np.exp(0.3 + 0.5 * size) * random.gamma(0.9, 1 / 0.9, n))
    keep = count > 0
    x = pd.DataFrame({"intercept": 1.0, "size": size[keep]})
    return x, count[keep].astype(float)


def test_truncated_negative_binomial_agrees_with_statsmodels():
    from statsmodels.discrete.truncated_model import TruncatedLFNegativeBinomialP

    x, y = truncated_sample()
    fit = truncated_negative_binomial(survey_design(np.ones(len(y))), y, x)
    other = TruncatedLFNegativeBinomialP(y, x.to_numpy()).fit(disp=0, method="bfgs", maxiter=500, gtol=1e-8)
    assert np.allclose(fit.coefficients, [*other.params[:2], -np.log(other.params[2])], atol=1e-5)
    assert fit.model.value(fit.coefficients) == pytest.approx(other.llf, abs=1e-6)


def test_truncated_derivatives_are_those_of_the_likelihood():
    x, y = truncated_sample(300)
    model = truncated_negative_binomial(survey_design(np.ones(len(y))), y, x).model
    b, unit, step = np.array([0.2, 0.4, 0.3]), np.eye(3), 1e-5
    value, gradient, information = model.derivatives(b)
    assert value == model.value(b)
    assert np.allclose(model.estimating(b).sum(axis=0), gradient)
    weight, zero = np.linspace(0.5, 2, len(y)), np.zeros(len(y))
    for k in range(3):
        low, high = b - step * unit[k], b + step * unit[k]
        assert gradient[k] == pytest.approx((model.value(high) - model.value(low)) / (2 * step), rel=1e-6, abs=1e-5)
        rise = (model.derivatives(high)[1] - model.derivatives(low)[1]) / (2 * step)
        assert np.allclose(information[k], -rise, rtol=1e-5, atol=1e-4)
        slope = weight @ (model.mean(high, x.to_numpy(), zero) - model.mean(low, x.to_numpy(), zero))[:, 0] / (2 * step)
        assert model.jacobian(b, x.to_numpy(), zero, weight)[0, k] == pytest.approx(slope, rel=1e-6)
    mu, theta, counts = np.exp(0.2 + 0.4 * x["size"].iloc[0]), np.exp(0.3), np.arange(1, 2000)
    chances = stats.nbinom.pmf(counts, theta, theta / (theta + mu))
    assert model.mean(b, x.to_numpy()[:1], zero[:1])[0, 0] == pytest.approx((counts * chances).sum() / chances.sum())


def test_truncated_counts_refuse_zeros():
    x, y = truncated_sample(100)
    y[3] = 0
    with pytest.raises(InputError, match="A count is 0"):
        truncated_negative_binomial(survey_design(np.ones(len(y))), y, x)


def test_expected_cases_put_both_parts_together():
    part = simulated(margins={"populations": [2500, 5000, 10000], "named": 5000, "steps": [0, 2]})
    last = section.nested(part)[-1]
    found = section.counts(part, last, 0.95)
    at = part.table.assign(size=np.log2(5000), preparation=2.0)[TERMS].to_numpy()
    b, (*g, log_theta) = last.fit.coefficients, found.positive.coefficients
    chance, mu, theta = special.expit(b[0] + at @ b[1:]), np.exp(g[0] + at @ np.array(g[1:])), np.exp(log_theta)
    number = mu / (1 - (theta / (theta + mu)) ** theta)
    wanted = np.average(chance * number, weights=part.design.weight)
    assert found.expected.set_index(["population", "step"]).loc[(5000, 2), "value"] == pytest.approx(wanted)
    observed, hurdle, _ = found.zeros
    assert observed == pytest.approx(np.average(part.outcome == 0, weights=part.design.weight))
    assert hurdle == pytest.approx(observed)  # a logistic model with an intercept meets the share


def test_standard_errors_of_expected_cases_are_those_of_the_jackknife():
    part = simulated(n=120, margins={"populations": [2500, 5000, 10000], "named": 5000, "steps": [2]})

    def value(study):
        last = section.nested(study)[-1]
        return section.counts(study, last, 0.95).expected

    whole = value(part)
    stratum, weight = part.design.stratum, part.design.weight
    dropped = []
    for row in range(0, 120, 1):
        mates = stratum == stratum[row]
        factor = np.where(mates, mates.sum() / (mates.sum() - 1), 1.0)
        factor[row] = 0
        dropped.append(
            value(dataclasses.replace(part, design=part.design.reweighted(weight * factor)))["value"].iloc[1]
        )
    dropped = np.array(dropped)
    variance = sum(59 / 60 * ((part_ - part_.mean()) ** 2).sum() for part_ in (dropped[:60], dropped[60:]))
    assert whole["se"].iloc[1] == pytest.approx(np.sqrt(variance), rel=0.15)


# ---- checks ----------------------------------------------------------------------------------------------------------


def test_e_values_of_the_published_example():
    # VanderWeele and Ding (2017): risk ratio 3.9 (1.8 to 8.7) has the E-values 7.26 and 3.0
    assert checks.e_value(3.9) == pytest.approx(7.26, abs=0.005)
    assert checks.e_value_of_limits(3.9, 1.8, 8.7) == pytest.approx(3.0, abs=0.005)
    assert checks.e_value(1 / 3.9) == pytest.approx(checks.e_value(3.9))
    assert checks.e_value_of_limits(1.2, 0.9, 1.6) == 1
    assert checks.e_value_of_limits(0.5, 0.25, 0.8) == checks.e_value(0.8)


def test_nothing_shifted_is_the_model_itself(part, nested):
    last = nested[-1]
    same = checks.shifted(part, last, "preparation", 0.0)
    assert np.allclose(same.coefficients, last.fit.coefficients)
    assert np.allclose(same.covariance, last.fit.covariance)


def test_all_shifted_is_the_model_of_the_other_data():
    part = simulated()
    part.table.loc[(part.outcome == 1) & (np.arange(400) % 4 == 0), "preparation"] = 0.0
    kept = part.table["preparation"].where((part.outcome == 0) | (part.table["size"] > 13), 0.0)
    last = section.nested(part)[-1]
    moved = checks.shifted(part, last, "preparation", 0.3)
    # the estimating equations at the solution are the mean of those with and without the preparation
    x = np.column_stack([np.ones(400), part.table[TERMS]])
    before = x.copy()
    before[(part.outcome == 1), 4] = 0.0
    score = np.zeros(5)
    for columns, share in ((x, 0.7), (before, 0.3)):
        score += share * columns.T @ (part.design.weight * (part.outcome - special.expit(columns @ moved.coefficients)))
    assert np.abs(score).max() < 1e-6
    # a share of one for some agencies is the fit to changed data
    changed = dataclasses.replace(part, table=part.table.assign(preparation=kept))
    assert kept.ne(part.table["preparation"]).any()
    assert section.nested(changed)[-1].fit.coefficients[4] < last.fit.coefficients[4]


def test_tipping_points_are_where_the_values_cross_zero():
    def at(share):
        return np.array([0.5 - share, 0.2 - share, 0.8 - share])

    shares = [0, 0.3, 0.6, 0.9]
    found = np.array([at(share) for share in shares])
    assert checks._crossing(at, shares, found, 0) == pytest.approx(0.5, abs=1e-3)
    assert checks._crossing(at, shares, found, 1) == pytest.approx(0.2, abs=1e-3)
    assert checks._crossing(at, shares[:2], found[:2], 0) is None
    assert checks._crossing(at, shares, found - 1, 0) == 0


def test_raking_gives_the_weights_of_the_survey(respondents):
    rows, design = respondents
    before = checks.weight_steps(rows).weight("trimming")
    assert np.allclose(checks.raking(rows, design.weight)(before), design.weight)
    assert checks.raking(rows[["agency_id"]], design.weight) is None


def test_the_most_influential_agencies_are_those_whose_absence_moves_the_coefficient():
    part = simulated(n=200, diagnostics={"groups": 5, "smallest": 2, "dropped": 5})
    last = section.nested(part)[-1]
    chosen = checks.most_influential(part, last)
    change = []
    for row in range(200):
        inside = last.inside & (np.arange(200) != row)
        change.append(abs(section.model(part, TERMS, inside).fit.coefficients[4] - last.fit.coefficients[4]))
    assert chosen.sum() == 5
    assert len(set(np.argsort(change)[-5:]) & set(np.flatnonzero(chosen))) >= 4  # one step of Newton's is no refit


# ---- wording ---------------------------------------------------------------------------------------------------------

ROLES = {"size": "size", "partner": "task_force", "perception": "perceived", "preparation": "preparation"}


def said(effect: float, seed: int = 11) -> str:
    """Findings, margins and what came first of a study whose preparation has this coefficient."""
    part = simulated(seed, effect=effect)
    last = section.nested(part)[-1]
    found = say.directions(section.coefficients(part, [last], 0.95), last, ROLES)
    _, tipping = checks.simultaneity(part, last, 0.95)
    ratios = checks.risk_ratios(part, last, 0.95)
    return "\n".join(
        [
            say.findings(last, ROLES, found, tipping["preparation"]),
            say.margins_paragraph(last, ROLES, found),
            say.simultaneity_paragraph(found, tipping, ratios),
        ]
    )


def test_the_finding_is_said_where_it_is_there():
    text = said(0.7)
    assert "agencies that have prepared are more likely to have investigated a case" in text
    assert "rises with the steps" in text
    assert "The association with preparation would no longer be shown if about" in text
    assert "preparation is not shown" not in text


def test_the_finding_vanishes_where_the_data_do_not_show_it():
    text = said(0.0)
    assert "preparation is not shown to go with having investigated a case" in text
    assert "is not shown to depend on the steps" in text
    assert "The association with preparation is not shown to be positive" in text
    assert "has nothing to explain" in text
    assert "that have prepared are" not in text
    assert "times as high" not in text


def test_the_finding_turns_with_the_data():
    text = said(-0.9)
    assert "agencies that have prepared are less likely to have investigated a case" in text
    assert "falls with the steps" in text
    assert "more likely to have investigated a case:" not in text


def test_other_wording_follows_the_tests(nested, part):
    tests = section.comparisons(nested)
    flat = tests.assign(lrt_p=[0.001, 0.4, 0.001, 0.3], wald_p=[0.001, 0.4, 0.001, 0.001])
    text = say.nested_paragraph(flat)
    assert "are not shown to add to it" in text
    assert "do not agree" in text
    assert "is not shown to add to it" in say.nested_paragraph(tests.assign(lrt_p=[0.01, 0.01, 0.01, 0.2]))
    groups = section.calibration(part, nested[-1], 0.95)
    fit = section.fit_measures(part, nested, 0.95)
    assert "are no further from" in say.fit_paragraph(nested[0], nested[-1], fit.assign(fit_p=0.4), groups)
    assert "are further from" in say.fit_paragraph(nested[0], nested[-1], fit.assign(fit_p=0.01), groups)
    assert "too few agencies" in say.fit_paragraph(nested[0], nested[-1], fit.assign(fit_p=np.nan), groups.head(0))
    row = {"role": "preparation", "term": "preparation", "low": 1, "high": 2, "n": 5, "cases": 2}
    rows = [row | {"variant": "main", "title": "Main", "ratio": 1.9, "p": 0.01}]
    rows += [row | {"variant": "firth", "title": "Firth", "ratio": 1.4, "p": 0.2}]
    robust = checks.Robustness(pd.DataFrame(rows), 0, 1.0, 0.1)
    assert "the verdict on it changes with: firth" in say.robustness_paragraph(robust)
    steady = dataclasses.replace(robust, table=robust.table.assign(p=0.01), discarded=3)
    assert "above one beyond sampling error in all of them" in say.robustness_paragraph(steady)
    assert "had no estimate" in say.robustness_paragraph(steady)
    assert "is above one" not in say.robustness_paragraph(dataclasses.replace(robust, table=robust.table.assign(p=0.5)))
    open_ = {role: Tipping(None, None) for role in ("preparation", "perception")}
    ratios = checks.risk_ratios(part, nested[-1], 0.95)
    found = dict.fromkeys(ROLES, say.HIGHER)
    assert "stays shown at every share" in say.simultaneity_paragraph(found, open_, ratios)
    assert "whatever share" in say.findings(nested[-1], ROLES, found, open_["preparation"])


# ---- the chapter -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quick():
    """The settings with few imputations and replicates."""
    specs = settings()
    specs["imputation"] |= {"m": 2, "iterations": 4}
    specs["replicates"] |= {"number": 60}
    return specs


@pytest.fixture(scope="module")
def exhibits(respondents, book, quick):
    return determinants_chapter.chapter(*respondents, [book], {"confidence_level": 0.95}, quick)


def test_every_number_in_the_texts_is_recorded_and_every_exhibit_is_an_output(exhibits):
    used = set(re.findall(r"\{\{< num (\S+)", " ".join(exhibits.texts.values())))
    assert used
    assert used <= set(exhibits.numbers.numbers)
    rule = (ROOT / "workflow/rules/06_determinants.smk").read_text(encoding="utf-8")
    chapter = (ROOT / "reports/06-determinants.qmd").read_text(encoding="utf-8")
    for kind, names in (
        ("tables", [one.ident for one in exhibits.tables]),
        ("figures", [one.ident for one in exhibits.figures]),
        ("text", list(exhibits.texts)),
    ):
        for name in names:
            assert f'"{name}"' in rule
            assert f"results/determinants/{kind}/{name}.md" in chapter


def test_robustness_holds_what_it_should(exhibits):
    table = next(one for one in exhibits.tables if one.ident == "tbl-determinants-robustness").data
    at = table.set_index(["variant", "role"])
    assert at.loc[("replicates", "preparation"), "ratio"] == pytest.approx(at.loc[("main", "preparation"), "ratio"])
    assert ("sampled", "partner") not in at.index
    assert ("curved", "size") not in at.index
    assert at.loc[("rating", "perception"), "term"] == "prevalence"
    cases = table.drop_duplicates("variant").set_index("variant")["n"]
    assert cases["imputed"] > cases["main"] > cases["dont-know"]
    assert cases["main"] - cases["influence"] == 10
    width = np.log(table["high"] / table["low"])
    ratio = width[table["variant"] == "replicates"].to_numpy() / width[table["variant"] == "main"].to_numpy()
    assert ((ratio > 0.6) & (ratio < 1.6)).all()


def test_unweighted_odds_ratios_agree_with_statsmodels(exhibits, part, nested):
    from statsmodels.discrete.discrete_model import Logit

    last = nested[-1]
    x = last.terms.matrix(last.table)[last.inside]
    other = Logit(part.outcome[last.inside], x.to_numpy()).fit(disp=0, tol=1e-10)
    table = next(one for one in exhibits.tables if one.ident == "tbl-determinants-robustness").data
    mine = table[(table["variant"] == "unweighted") & (table["role"] == "preparation")]["ratio"].iloc[0]
    assert mine == pytest.approx(np.exp(other.params[list(x).index("preparation")]), rel=1e-6)


@pytest.mark.parametrize(
    ("method", "name", "number"), [("jackknife", "JKn", None), ("bootstrap", "rescaled bootstrap", 60)]
)
def test_the_method_of_replication_is_a_setting(part, nested, respondents, quick, monkeypatch, method, name, number):
    drawn = []

    def replicate(design, *_):
        drawn.append(design)
        return checks.replicates.Replicated(np.zeros(1), np.eye(1), 1, np.zeros((1, 1)), 0)

    monkeypatch.setattr(checks.replicates, "replicate", replicate)
    chosen = dataclasses.replace(part, settings=quick | {"replicates": quick["replicates"] | {"method": method}})
    title = checks.replicated(chosen, nested[-1], respondents[0]).title
    assert drawn[0].method == name
    assert number is None or drawn[0].replicates == number
    assert title.lower().startswith(method)


def test_exhibits_say_that_the_records_are_synthetic(exhibits, respondents, book, quick):
    for exhibit in [*exhibits.tables, *exhibits.figures]:
        assert "synthetic stand-in" in exhibit.caption
        assert "synthetic stand-in" in exhibit.source


def test_exhibits_are_written(exhibits, tmp_path):
    exhibits.write(tmp_path)
    for figure in exhibits.figures:
        assert (tmp_path / f"figures/{figure.ident}.png").stat().st_size > 5_000
        assert len(figure.alt) > 60
    for table in exhibits.tables:
        text = (tmp_path / f"tables/{table.ident}.md").read_text(encoding="utf-8")
        assert f"{{#{table.ident}}}" in text
        assert not re.search(r"\bnan\b", text)
