"""Replicate weights against R's survey package: jackknife, balanced replication, Fay, bootstraps."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from against_r import ITERATED

from agency_survey import estimate, models, replicates
from agency_survey.design import survey_design

HERE = Path(__file__).parent
SCHOOLS = (["api00", "meals"], "api00", "api99", "meals")
CASES = (["victims", "charged"], "minors", "victims", "hours")


@pytest.fixture(scope="module")
def r(reference):
    return reference("replicates")


@pytest.fixture(scope="module")
def schools(shared_dir):
    return lambda name: pd.read_csv(shared_dir / f"reference/api/{name}.csv")


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return pd.read_csv(HERE / "cases.csv")


def check(agree, group: str, found, wanted: dict, tolerance: float = 1e-8) -> None:
    assert found.discarded == 0
    agree(f"replicates {group} values", found.value, wanted["value"], tolerance)
    agree.covariance(f"replicates {group} covariances", found.covariance, wanted["covariance"], tolerance)


def check_answers(agree, group, design, rows, names, outcome, wanted, df=True) -> None:
    """Totals, means and ratios by both ways, a logistic regression, and degrees of freedom."""
    many, above, below, term = names
    check(agree, group, replicates.totals(design, rows[many]), wanted["total"])
    check(agree, group, replicates.means(design, rows[many]), wanted["mean"])
    check(agree, group, replicates.ratios(design, rows[above], rows[below]), wanted["ratio"])
    check(agree, group, replicates.replicate(design, lambda d: estimate.total(d, rows[many])), wanted["total"])
    check(
        agree,
        group,
        replicates.replicate(design, lambda d: estimate.ratio(d, rows[above], rows[below])),
        wanted["ratio"],
    )
    x = pd.DataFrame({"intercept": 1.0, term: rows[term]})
    fit = replicates.replicate(design, lambda d: models.logistic(d, outcome, x))
    check(agree, group + " logit", fit, wanted["logit"], ITERATED)
    if df:
        assert design.df == wanted["df"]


def check_schools(agree, group, design, rows, wanted, df=True) -> None:
    check_answers(agree, group, design, rows, SCHOOLS, (rows["awards"] == "Yes").to_numpy(float), wanted, df)


@pytest.mark.parametrize("case", ["fpc", "no_fpc", "mse"])
def test_jk1(agree, schools, r, case):
    rows = schools("apiclus1")
    design = survey_design(rows["pw"], None, None if case == "no_fpc" else rows["fpc"], cluster=rows["dnum"])
    check_schools(agree, "JK1", replicates.jk1(design, mse=case == "mse"), rows, r["jk1"][case])


@pytest.mark.parametrize("case", ["schools", "mse"])
def test_jkn(agree, schools, r, case):
    rows = schools("apistrat")
    design = survey_design(rows["pw"], rows["stype"], rows["fpc"])
    check_schools(agree, "JKn", replicates.jkn(design, mse=case == "mse"), rows, r["jkn"][case])


def test_jkn_with_certainty_strata(agree, cases, r):
    design = survey_design(cases["weight"], cases["stratum"], cases["agencies"], cluster=cases["agency"])
    found = replicates.jkn(design)
    check_answers(agree, "JKn certainties", found, cases, CASES, cases["charged"], r["jkn"]["cases"])


@pytest.mark.parametrize("rule", ["adjust", "average", "certainty", "remove"])
def test_jkn_with_a_lonely_stratum(agree, cases, r, rule):
    design = survey_design(cases["weight"], cases["stratum"], cluster=cases["agency"], lonely=rule)
    check_answers(agree, f"JKn {rule}", replicates.jkn(design), cases, CASES, cases["charged"], r["jkn"][rule])


def test_weighting_repeated_in_each_replicate(agree, schools, r):
    """Post-stratification and raking of every replicate's weights, as R's postStratify and rake do."""
    rows = schools("apiclus1")
    design = replicates.jk1(survey_design(rows["pw"], None, rows["fpc"], cluster=rows["dnum"]))
    awards, both = (rows[name] == "Yes" for name in ("awards", "both"))

    def to_margin(weight, yes, totals):
        sums = np.array([weight[~yes].sum(), weight[yes].sum()])
        return weight * (np.array(totals) / sums)[yes.to_numpy().astype(int)]

    def poststratified(weight):
        return to_margin(weight, awards, [2000, 4100])

    def raked(weight):
        for _ in range(300):
            weight = to_margin(to_margin(weight, awards, [2000, 4100]), both, [2200, 3900])
        return weight

    y = rows[["api00", "meals"]]
    for name, weighting, tolerance in (("post", poststratified, 1e-8), ("raked", raked, ITERATED)):
        for kind, fast, slow in (
            ("total", replicates.totals, estimate.total),
            ("mean", replicates.means, estimate.mean),
        ):
            check(agree, name, fast(design, y, weighting=weighting), r[name][kind], tolerance)
            by_any = replicates.replicate(design, lambda d, slow=slow: slow(d, y), weighting)
            check(agree, name, by_any, r[name][kind], tolerance)


def matrix_of(rows: list[str]) -> np.ndarray:
    return np.array([[1 if sign == "+" else -1 for sign in row] for row in rows])


@pytest.mark.parametrize(("case", "rho"), [("pairs", 0), ("pairs_mse", 0), ("fay", 0.3)])
def test_balanced_replication_of_pairs(agree, schools, r, case, rho):
    rows = schools("apistrat").iloc[:48]
    design = survey_design(rows["pw"], np.repeat(np.arange(1, 25), 2))
    matrix = matrix_of(r["brr"]["matrix_pairs"])
    found = replicates.brr(design, rho, matrix, mse=case == "pairs_mse")
    check_schools(agree, "BRR", found, rows, r["brr"][case])
    own = replicates.totals(replicates.brr(design, rho), rows[["api00", "meals"]])
    check(agree, "BRR own matrix", own, r["brr"][case]["total"])  # totals do not depend on the matrix


@pytest.mark.parametrize(("case", "rho"), [("split", 0), ("split_fay", 0.5)])
def test_balanced_replication_of_split_strata(agree, schools, r, case, rho):
    rows = schools("apistrat")
    design = survey_design(rows["pw"], rows["stype"])
    found = replicates.brr(design, rho, matrix_of(r["brr"]["matrix_split"]))
    check_schools(agree, "BRR split", found, rows, r["brr"][case])


def test_multistage_bootstrap(agree, schools, r):
    """R's factors give R's answers, and the factors made here take the values that R's take."""
    rows = schools("apiclus2")
    sizes = rows[["fpc1", "fpc2"]]
    design = survey_design(rows["pw"], None, sizes, cluster=rows[["dnum", "snum"]])
    wanted = r["multistage"]
    found = replicates.given_factors(design, wanted["factors"], 1.0, wanted["scale"])
    check_schools(agree, "given factors", found, rows, wanted)
    made = replicates.multistage_bootstrap(design, 300, seed=3)
    levels = np.unique(made.factors(0, 300).round(10))
    agree("replicates multistage levels", levels, wanted["levels"])
    twelve = replicates.multistage_bootstrap(design, 12)
    agree("replicates multistage scale", twelve.scale * twelve.rscales, wanted["scale"])


def test_rescaled_bootstrap(agree, schools, r):
    rows = schools("apistrat").iloc[:48]
    made = replicates.rescaled_bootstrap(survey_design(rows["pw"], np.arange(48) // 8), 500, seed=3)
    levels, theirs = np.unique(made.factors(0, 500).round(10)), np.array(r["rescaled"]["levels"])
    common = min(len(levels), len(theirs))  # how often one unit is drawn at most is chance
    assert common >= 5
    agree("replicates rescaled levels", levels[:common], theirs[:common])
    agree("replicates rescaled scale", made.scale * made.rscales[:2], r["rescaled"]["scale"])


def test_lemas_jackknife(agree, weighed, r):
    table = weighed[2020]
    rows = table[table["weight"] > 0]
    sums, count = (rows.groupby("stratum")["weight"].transform(how) for how in ("sum", "size"))
    design = replicates.jkn(survey_design(rows["weight"], rows["stratum"], np.maximum(sums, count)))
    assert design.replicates == r["lemas"]["replicates"]
    check(agree, "lemas", replicates.totals(design, rows["full_time_sworn"]), r["lemas"]["total"])
    check(agree, "lemas", replicates.means(design, rows["full_time_sworn"]), r["lemas"]["mean"])
