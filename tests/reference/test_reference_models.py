"""Regression models against R's survey package, on element, one-stage and two-stage designs."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from against_r import ITERATED

from agency_survey import lemas, models
from agency_survey.design import survey_design
from agency_survey.ingest import sha256
from agency_survey.models.rao_scott import weighted_f_tail
from agency_survey.sections import after_the_report as section

HERE = Path(__file__).parent
CLOSED = 1e-8


@pytest.fixture(scope="module")
def r(reference):
    return reference("models")


@pytest.fixture(scope="module")
def schools(shared_dir):
    """(table, design) by name of the sample."""
    tables = {
        name: pd.read_csv(shared_dir / f"reference/api/{name}.csv") for name in ("apistrat", "apiclus1", "apiclus2")
    }
    for table in tables.values():
        table["wide"] = (table["sch.wide"] == "Yes").astype(float)
    stratified, one, two = tables.values()
    designs = {
        "apistrat": survey_design(stratified["pw"], stratified["stype"], stratified["fpc"]),
        "apiclus1": survey_design(one["pw"], None, one["fpc"], cluster=one["dnum"]),
        "apiclus2": survey_design(two["pw"], None, (two["fpc1"], two["fpc2"]), cluster=(two["dnum"], two["snum"])),
    }
    return {name: (tables[name], designs[name]) for name in tables}


@pytest.fixture(scope="module")
def cases():
    """(table, design) of one and two stages."""
    table = pd.read_csv(HERE / "cases.csv")
    one = survey_design(table["weight"], table["stratum"], table["agencies"], cluster=table["agency"])
    sizes, clusters = (table["agencies"], table["cases"]), (table["agency"], table["case"])
    two = survey_design(table["weight"], table["stratum"], sizes, cluster=clusters)
    return {"cases_one": (table, one), "cases_two": (table, two)}


def check(agree, group: str, fit: models.Fit, wanted: dict, terms: list[str] | None = None) -> None:
    """Whatever R's values hold of a fit; a linear model is a closed form."""
    near = CLOSED if fit.family == "gaussian" else ITERATED
    agree(f"{group} coefficients", fit.coefficients, wanted["coefficients"], near)
    agree.covariance(f"{group} covariances", fit.covariance, wanted["covariance"], near)
    if "df" in wanted:
        assert fit.df == wanted["df"]
    if "ratios" in wanted:
        found = fit.ratios()[["ratio", "low", "high"]]
        agree(
            f"{group} ratios and limits",
            np.log(found),
            np.log(wanted["ratios"]),
            near,
            np.log(wanted["ratios"]) + 1,
        )
    if "n" in wanted:
        assert fit.n == wanted["n"]
    if "wald" in wanted:
        test, theirs = fit.wald(terms), wanted["wald"]
        agree(f"{group} Wald F", [test.statistic, test.p], [theirs["F"], theirs["p"]], near)
        assert (test.df, test.df_residual) == (theirs["df"], theirs["df_residual"])
    if "lrt" in wanted:
        check_lrt(agree, group, fit, wanted["lrt"], terms, near)
    if "vif" in wanted:
        agree(f"{group} variance inflation", models.variance_inflation(fit)[1:], wanted["vif"], near)
    if "psrsq" in wanted:
        agree(f"{group} pseudo R2", list(models.pseudo_r2(fit).values()), wanted["psrsq"], near)


def check_lrt(agree, group: str, fit: models.Fit, wanted: dict, terms: list[str], near: float) -> None:
    test = fit.lrt(terms)
    agree(f"{group} likelihood ratios", test.statistic, wanted["chisq"], near)
    agree(f"{group} likelihood ratios", test.eigenvalues, wanted["lambda"], near)
    agree(f"{group} likelihood ratios, p", test.p, wanted["p"], near)
    other = fit.lrt(terms, "satterthwaite")
    agree(f"{group} likelihood ratios, p", other.p, wanted["p_satterthwaite"], near)
    assert (test.df, test.df_residual) == (wanted["df"], wanted["df_residual"])


@pytest.mark.parametrize("name", ["apistrat", "apiclus1", "apiclus2"])
def test_models_of_schools(agree, schools, r, name):
    table, design = schools[name]
    r = r[name]
    few = (table["meals"] < 60).to_numpy()
    known = (table["enroll"].notna() & table["api.stu"].notna()).to_numpy()

    def x(*terms):
        return models.design_matrix(table, terms)

    fit = models.linear(design, table["api00"], x("ell", "meals", "stype"))
    check(agree, "linear", fit, r["linear"], ["meals", "stype"])
    fit = models.linear(design, table["api00"], x("ell", "meals", "mobility"), few)
    check(agree, "linear", fit, r["linear_domain"], ["ell"])
    fit = models.logistic(design, table["wide"], x("ell", "meals", "mobility"))
    check(agree, "logistic", fit, r["logistic"], ["ell", "mobility"])
    fit = models.logistic(design, table["wide"], x("ell", "mobility"), few)
    check(agree, "logistic", fit, r["logistic_domain"], ["ell"])
    fit = models.poisson(design, table["api.stu"], x("ell", "stype"), known, offset=np.log(table["enroll"]))
    check(agree, "Poisson", fit, r["poisson"], ["stype"])
    fit = models.negative_binomial(design, table["enroll"], x("meals", "stype"), known)
    check(agree, "negative binomial", fit, r["negative_binomial"])


class PostStratum:
    """Scores less the mean of their post-stratum a unit of weight."""

    def __init__(self, code, weight):
        self.code, self.weight = code, weight

    def residuals(self, scores):
        size = np.bincount(self.code, self.weight)
        means = np.column_stack([np.bincount(self.code, column) / size for column in scores.T])
        return scores - self.weight[:, None] * means[self.code]


def test_a_model_under_a_poststratified_design(agree, schools, r):
    table, design = schools["apiclus1"]
    code = pd.Categorical(table["stype"], ["E", "H", "M"]).codes
    weight = design.weight * (np.array([4421, 755, 1018]) / np.bincount(code, design.weight))[code]
    design = design.with_adjustment(weight, PostStratum(code, weight))
    fit = models.logistic(design, table["wide"], models.design_matrix(table, ["ell", "meals"]))
    check(agree, "post-stratified logistic", fit, r["apiclus1"]["poststratified"], ["ell"])


@pytest.mark.parametrize("name", ["apistrat", "apiclus2"])
def test_how_well_a_logistic_model_fits(agree, schools, r, name):
    table, design = schools[name]
    wanted = r[name]["extras"]
    x = models.design_matrix(table, ["ell", "meals", "mobility"])
    fit = models.logistic(design, table["wide"], x)
    area = models.auc(fit)
    agree("AUC", [area.value[0], area.se[0]], [wanted["auc"], wanted["auc_se"]], ITERATED)
    test, theirs = models.archer_lemeshow(fit), wanted["archer_lemeshow"]
    agree("Archer-Lemeshow", [test.statistic, test.p], [theirs["F"], theirs["p"]], ITERATED)
    assert (test.df, test.df_residual) == (9, theirs["df_residual"])
    found = models.influence(fit)
    agree("leverages", found["leverage"], wanted["leverage"], ITERATED)
    changes = np.array(wanted["dfbeta"])  # of the first 40 rows
    agree("dfbeta", found[list(x.columns)][:40], changes, ITERATED, np.abs(changes).max(axis=0))


def test_influence_in_a_linear_model(agree, schools, r):
    table, design = schools["apistrat"]
    x = models.design_matrix(table, ["ell", "meals", "stype"])
    found = models.influence(models.linear(design, table["api00"], x))[list(x.columns)][:40]
    changes = np.array(r["apistrat"]["linear_dfbeta"])
    agree("dfbeta", found, changes, ITERATED, np.abs(changes).max(axis=0))


def test_predicted_margins_as_svypredmeans(agree, schools, r):
    table, design = schools["apistrat"]
    terms = models.model_terms(table, ["ell", "meals", "stype"])
    fit = models.logistic(design, table["wide"], terms.matrix(table))
    wanted = r["apistrat"]["svypredmeans"]
    for covariates in ("added", "fixed"):
        found = models.predicted_margins(fit, terms, table, "stype", covariates=covariates)
        agree("svypredmeans margins", found.coefficients, wanted["value"], ITERATED)
        agree.covariance("svypredmeans covariances", found.covariance, wanted[covariates], ITERATED)


@pytest.mark.parametrize("covariates", ["fixed", "added", "sampled"])
def test_margins_and_effects_by_numerical_derivatives(agree, schools, r, covariates):
    table, design = schools["apiclus1"]
    terms = models.model_terms(table, ["ell", "meals", "stype"])
    fit = models.logistic(design, table["wide"], terms.matrix(table))
    margins = models.predicted_margins(fit, terms, table, "stype", covariates=covariates)
    effects = models.average_marginal_effects(fit, terms, table, covariates=covariates)
    for group, found, wanted in (("margins", margins, "predicted"), ("effects", effects, "effects")):
        agree(f"{group}", found.coefficients, r["apiclus1"][wanted]["value"], ITERATED)
        agree.covariance(f"{group} covariances", found.covariance, r["apiclus1"][wanted][covariates], ITERATED)


@pytest.mark.parametrize("name", ["cases_one", "cases_two"])
def test_models_of_cases(agree, cases, r, name):
    table, design = cases[name]
    r = r[name]
    north = (table["region"] == "north").to_numpy()
    kinds, outcomes = ["sex", "labour", "both"], ["dropped", "plea", "trial"]

    def x(*terms):
        return models.design_matrix(table, terms)

    fit = models.logistic(design, table["charged"], x("hours", "region", "victims"))
    check(agree, "logistic", fit, r["logistic"], ["hours", "victims"])
    fit = models.linear(design, table["hours"], x("victims", "region"))
    check(agree, "linear", fit, r["linear"], ["victims", "region"])
    fit = models.poisson(design, table["victims"], x("hours", "kind"))
    check(agree, "Poisson", fit, r["poisson"], ["kind"])
    fit = models.poisson(design, table["minors"], x("hours", "region"), offset=np.log(table["victims"]))
    check(agree, "Poisson", fit, r["poisson_offset"], ["region"])
    fit = models.negative_binomial(design, np.floor(table["hours"]), x("victims", "region"))
    check(agree, "negative binomial", fit, r["negative_binomial"])
    fit = models.multinomial(design, table["kind"], x("hours", "region"), levels=kinds)
    check(agree, "multinomial", fit, r["multinomial"])
    fit = models.multinomial(design, table["kind"], x("hours"), north, levels=kinds)
    check(agree, "multinomial", fit, r["multinomial_domain"])
    fit = models.proportional_odds(design, table["outcome"], x("hours", "region", "victims"), levels=outcomes)
    check(agree, "proportional odds", fit, r["proportional_odds"], ["hours", "region"])
    fit = models.proportional_odds(design, table["outcome"], x("hours", "victims"), north, levels=outcomes)
    check(agree, "proportional odds", fit, r["proportional_odds_domain"], ["hours"])
    fit = models.firth_logistic(design, table["charged"], x("hours", "region"))
    check(agree, "Firth", fit, r["firth"])
    table = table.assign(flag=((table["charged"] == 0) & (table["hours"] < 3)).astype(float))
    fit = models.firth_logistic(design, table["charged"], models.design_matrix(table, ["hours", "flag"]))
    check(agree, "Firth", fit, r["firth_separated"])


def test_likelihood_ratio_of_proportional_odds_differs_from_svyolr_on_purpose(cases, r):
    """R's test depends on the scale of the weights: ``svyolr`` divides the deviance by the mean weight but not the
    Hessian, so the eigenvalues are too large by that factor unless the mean is 1. Here any scale gives the answer that
    R gives at mean 1. (R stops early here: 1e-4.)
    """
    table, design = cases["cases_one"]
    x = models.design_matrix(table, ["hours", "region", "victims"])
    fit = models.proportional_odds(design, table["outcome"], x, levels=["dropped", "plea", "trial"])
    test, raw, scaled = fit.lrt(["hours", "region"]), r["svyolr_lrt"]["raw"], r["svyolr_lrt"]["scaled"]
    np.testing.assert_allclose([test.statistic, test.p], [scaled["chisq"], scaled["p"]], rtol=1e-4)
    np.testing.assert_allclose(test.eigenvalues * table["weight"].mean(), raw["lambda"], rtol=1e-4)
    assert abs(test.p - raw["p"]) > 0.1


def test_models_of_the_small_design(agree, r):
    table = pd.read_csv(HERE / "synthetic.csv")
    table["logx"] = np.log(table["x"])
    design = survey_design(table["weight"], table["stratum"], table["population"])
    fit = models.linear(design, table["y"], models.design_matrix(table, ["x", "group"]))
    check(agree, "linear", fit, r["synthetic"]["linear"], ["group"])
    x = models.design_matrix(table, ["logx", "group"])
    check(agree, "logistic", models.logistic(design, table["z"], x), r["synthetic"]["logistic"], ["group"])
    check(agree, "Firth", models.firth_logistic(design, table["z"], x), r["synthetic"]["firth"])


def test_models_of_lemas(agree, weighed, r):
    rows, design = lemas.respondents(weighed[2020])
    r = r["lemas"]
    codes = section.answer_codes(rows)
    population, sworn = (
        rows[name].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        for name in ("population", "full_time_sworn")
    )
    local = np.isfinite(population) & (rows["agency_type"] != lemas.TYPES[2]).to_numpy()
    x = pd.DataFrame({"intercept": 1.0, "sheriff": (rows["agency_type"] == lemas.TYPES[1]).to_numpy(dtype=float)})
    x["log2_population"] = np.log2(np.where(local, population, 1.0))
    counted, answered = local & np.isfinite(sworn), local & (codes >= 0)
    check(agree, "linear", models.linear(design, np.log1p(sworn), x, counted), r["linear"], ["sheriff"])
    check(agree, "Poisson", models.poisson(design, sworn, x, counted), r["poisson"], ["sheriff"])
    check(agree, "negative binomial", models.negative_binomial(design, sworn, x, counted), r["negative_binomial"])
    answers = pd.Series(codes).where(codes >= 0)
    check(agree, "multinomial", models.multinomial(design, answers, x, answered), r["multinomial"])
    fit = models.proportional_odds(design, answers, x, answered, levels=range(5))
    check(agree, "proportional odds", fit, r["proportional_odds"], ["sheriff"])


def test_inputs_are_the_ones_that_R_read(shared_dir, register):
    recorded = json.loads((HERE / "models.json").read_text(encoding="utf-8"))["inputs"]
    assert recorded.pop("lemas_2020.tsv") == register[2020]["sha256"]
    for name, digest in recorded.items():
        folder = HERE if (HERE / name).is_file() else shared_dir / "reference/api"
        assert sha256(folder / name) == digest


def test_tails_of_weighted_sums_are_close_to_the_exact_ones():
    """Imhof's (1961) integral for a weighted sum of chi-squares with a negative part for the denominator of the F."""
    from scipy import integrate

    def exact(x: float, weights: np.ndarray, df: int) -> float:
        a = np.append(weights, np.full(df, -x / df))

        def height(u: float) -> float:
            return np.sin(np.arctan(a * u).sum() / 2) / (u * np.prod((1 + (a * u) ** 2) ** 0.25))

        return 0.5 + integrate.quad(height, 0, np.inf, limit=2000)[0] / np.pi

    for x, weights in ((9.0, [2.0, 1.0, 0.5]), (4.0, [2.0, 1.0, 0.5]), (6.0, [1.3, 1.1])):
        truth = exact(x, np.array(weights), 20)
        assert weighted_f_tail(x, np.array(weights), 20) == pytest.approx(truth, rel=0.05)
        assert weighted_f_tail(x, np.array(weights), 20, "satterthwaite") == pytest.approx(truth, rel=0.1)
