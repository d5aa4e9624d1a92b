"""Clusters, stages, rates, lonely strata, domains and two phases, against R's survey package."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agency_survey import estimate
from agency_survey.design import SurveyDesign, second_phase, survey_design
from agency_survey.errors import InputError
from agency_survey.ingest import sha256

HERE = Path(__file__).parent
RULES = ["adjust", "average", "certainty", "remove"]


@pytest.fixture(scope="module")
def r(reference):
    return reference("design")


@pytest.mark.parametrize("name", ["design", "replicates"])
def test_inputs_are_the_ones_that_R_read(shared_dir, name):
    inputs = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))["inputs"]
    found = [path for file in inputs for path in (HERE / file, shared_dir / "reference/api" / file) if path.is_file()]
    assert len(found) == len(inputs) - 1  # LEMAS aside, whose digest is the register's
    assert {path.name: sha256(path) for path in found}.items() <= inputs.items()


def test_the_lemas_file_is_the_registered_one(register):
    digest = {entry["file"]: entry["sha256"] for entry in register.values()}["lemas_2020.tsv"]
    for name in ("design", "replicates"):
        inputs = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))["inputs"]
        assert inputs["lemas_2020.tsv"] == digest


@pytest.fixture(scope="module")
def schools(shared_dir):
    return lambda name: pd.read_csv(shared_dir / f"reference/api/{name}.csv")


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return pd.read_csv(HERE / "cases.csv")


def check(agree, group: str, found: estimate.Estimate, wanted: dict, covariance=None) -> None:
    agree(f"design {group} values", found.value, wanted["value"])
    agree.covariance(
        f"design {group} covariances", found.covariance if covariance is None else covariance, wanted["covariance"]
    )


def check_answers(agree, group: str, design: SurveyDesign, y, above, below, domain, wanted: dict) -> None:
    """Totals, means, ratio, the same of a domain, and degrees of freedom."""
    domain = np.asarray(domain)
    check(agree, group, estimate.total(design, y), wanted["total"])
    check(agree, group, estimate.mean(design, y), wanted["mean"])
    check(agree, group, estimate.ratio(design, above, below), wanted["ratio"])
    for name, make in (("domain_total", estimate.total), ("domain_mean", estimate.mean)):
        found = make(design, y, domain)
        # R's subset drops the strata without a row of the domain from the average over strata
        check(agree, group + " domain", found, wanted[name], design.covariance(found.scores, domain))
        root = np.sqrt(design.variance(found.scores, domain))
        agree(f"design {group} domain standard errors", root, np.sqrt(np.diag(wanted[name]["covariance"])))
    assert design.degrees_of_freedom() == wanted["df"]
    assert design.degrees_of_freedom(domain) == wanted["domain_df"]


def check_schools(agree, group, design, rows, wanted) -> None:
    y = rows[["api00", "api99", "api.stu"]]
    check_answers(agree, group, design, y, rows["api00"], rows["api99"], rows["meals"] < 50, wanted)


@pytest.mark.parametrize("given", ["population", "rate", "none"])
def test_one_stage_of_clusters(agree, schools, r, given):
    rows = schools("apiclus1")
    size = {"population": {"population": rows["fpc"]}, "rate": {"fraction": np.full(len(rows), 15 / 757)}, "none": {}}
    design = survey_design(rows["pw"], cluster=rows["dnum"], **size[given])
    wanted = {"population": "clus1", "rate": "clus1_rate", "none": "clus1_no_fpc"}[given]
    check_schools(agree, "one stage", design, rows, r[wanted])


@pytest.mark.parametrize("given", ["population", "rate", "none"])
def test_two_stages_of_clusters(agree, schools, r, given):
    rows = schools("apiclus2")
    rates = np.full(len(rows), 40 / 757), rows.groupby("dnum")["snum"].transform("size") / rows["fpc2"]
    size = {"population": {"population": rows[["fpc1", "fpc2"]]}, "rate": {"fraction": rates}, "none": {}}[given]
    design = survey_design(rows["pw"], cluster=rows[["dnum", "snum"]], **size)
    wanted = {"population": "clus2", "rate": "clus2_rate", "none": "clus2_no_fpc"}[given]
    check_schools(agree, "two stages", design, rows, r[wanted])


def check_cases(agree, group, design, rows, wanted) -> None:
    y = rows[["victims", "hours", "charged"]]
    check_answers(agree, group, design, y, rows["minors"], rows["victims"], rows["kind"] == "labour", wanted)


def test_cases_of_agencies_in_one_and_two_stages(agree, cases, r):
    """Certainty strata, one of them a lone agency, whose cases are a sample."""
    design = survey_design(cases["weight"], cases["stratum"], cases["agencies"], cluster=cases["agency"])
    check_cases(agree, "cases one stage", design, cases, r["cases_one"])
    sizes = cases[["agencies", "cases"]]
    design = survey_design(cases["weight"], cases["stratum"], sizes, cluster=cases[["agency", "case"]])
    check_cases(agree, "cases two stages", design, cases, r["cases_two"])


def test_strata_within_agencies(agree, cases, r):
    inner = 1 + 2 * cases.groupby(["agency", "region"])["case"].transform("size")
    design = survey_design(
        cases["weight"],
        cases[["stratum", "region"]],
        (cases["agencies"], inner),
        cluster=cases[["agency", "case"]],
        lonely="adjust",
    )
    check_cases(agree, "cases inner strata", design, cases, r["cases_inner_strata"])


def test_labels_used_again_in_other_strata(agree, cases, r):
    number = cases.groupby("stratum")["agency"].transform(lambda a: pd.factorize(a)[0])
    given = {"cluster": (number, cases["case"]), "population": cases[["agencies", "cases"]]}
    design = survey_design(cases["weight"], cases["stratum"], nest=True, **given)
    check_cases(agree, "cases nested", design, cases, r["cases_nested"])
    with pytest.raises(InputError, match="lies in two strata"):
        survey_design(cases["weight"], cases["stratum"], **given)


@pytest.mark.parametrize("rule", RULES)
def test_lonely_strata_of_clusters(agree, cases, r, rule):
    design = survey_design(cases["weight"], cases["stratum"], cluster=cases["agency"], lonely=rule)
    check_cases(agree, f"lonely {rule}", design, cases, r["lonely"][rule]["cases"])
    inside = cases["stratum"].isin(["east urban", "west urban"]).to_numpy()
    found = estimate.total(design, cases[["victims", "charged"]], inside)
    wanted = r["lonely"][rule]["outside"]
    check(agree, f"lonely {rule} domain", found, wanted, design.covariance(found.scores, inside))


@pytest.mark.parametrize("rule", RULES)
def test_lonely_strata_of_elements(agree, r, rule):
    rows = pd.read_csv(HERE / "synthetic.csv")
    design = survey_design(rows["weight"], rows["stratum"], lonely=rule)
    domain, wanted = rows["stratum"] != "capital", r["lonely"][rule]["synthetic"]
    check_answers(agree, f"lonely {rule}", design, rows[["y", "x"]], rows["y"], rows["x"], domain, wanted)


def test_lonely_units_of_the_second_stage(agree, cases, r):
    given = {"cluster": cases[["agency", "case"]], "population": (cases["agencies"], cases["cases"] + 1)}
    for rule in ("adjust", "certainty", "remove"):
        design = survey_design(cases["weight"], cases["stratum"], lonely=rule, **given)
        check_cases(agree, f"lonely {rule} second stage", design, cases, r["lonely"][rule]["second"])
    # an average over the strata of one cluster has nothing to average: R's answer is not a number
    with pytest.raises(InputError, match="No average stands in for the cluster with a lone unit: a09, a13"):
        survey_design(cases["weight"], cases["stratum"], lonely="average", **given)


def check_phases(agree, group: str, rows, design: SurveyDesign, answered, classes, wanted) -> None:
    second = second_phase(design, answered, classes)
    y = rows[["api00", "api.stu"]]
    found = estimate.total(second, y)
    agree(f"two phases {group} values", found.value, wanted["total"]["value"])
    first = second.second.first_phase(found.scores)
    agree.covariance(f"two phases {group} first phase", first, wanted["total"]["first"])
    agree.covariance(f"two phases {group} second phase", found.covariance - first, wanted["total"]["second"])
    check(agree, f"two phases {group}", estimate.mean(second, y), wanted["mean"])
    check(agree, f"two phases {group}", estimate.ratio(second, rows["api00"], rows["api99"]), wanted["ratio"])
    assert second.degrees_of_freedom() == wanted["df"]


def test_two_phases(agree, schools, r):
    """R's exact method, twophase(method = "full"), the Horvitz-Thompson form over both phases."""
    rows = schools("apistrat")
    answered = ((np.arange(len(rows)) + 1) % 5 != 0) & (rows["meals"] % 7 != 0)
    size = np.full(len(rows), 6194)
    design = survey_design(size / len(rows), None, size)
    check_phases(agree, "element", rows, design, answered, rows["stype"], r["phases"]["element"])
    even = (rows.groupby("stype").cumcount() < 50).to_numpy()
    rows, answered = rows[even], answered[even]
    design = survey_design(rows["fpc"] / 50, rows["stype"], rows["fpc"])
    check_phases(agree, "stratified", rows, design, answered, rows["awards"], r["phases"]["stratified"])


def test_two_phases_with_strata_of_different_size(agree, schools, r):
    """Against the double sum over pairs of rows: R's answer hangs on the order of the rows (make_design.R)."""
    rows = schools("apistrat")
    answered = ((np.arange(len(rows)) + 1) % 5 != 0) & (rows["meals"] % 7 != 0)
    wanted = r["phases"]["unequal"]
    one, other = wanted["of_package"]
    assert abs(one / other - 1) > 0.01
    for order in (rows.index, rows.sort_values("snum").index):
        some, responded = rows.loc[order], answered.loc[order]
        size = some.groupby("stype")["fpc"].transform("size")
        second = second_phase(survey_design(some["fpc"] / size, some["stype"], some["fpc"]), responded, some["awards"])
        found = estimate.total(second, some["api00"])
        first = second.second.first_phase(found.scores)
        agree("two phases unequal first phase", first, [[wanted["first"]]])
        agree("two phases unequal second phase", found.covariance - first, [[wanted["second"]]])


def test_two_phases_with_clusters(agree, schools, r):
    rows = schools("apiclus1")
    answered = (np.arange(len(rows)) + 1) % 4 != 0
    design = survey_design(rows["fpc"] / 15, None, rows["fpc"], cluster=rows["dnum"])
    check_phases(agree, "clusters", rows, design, answered, rows["awards"], r["phases"]["clusters"])


@pytest.mark.parametrize("case", ["states", "rates"])
def test_lemas(agree, weighed, lemas_dir, r, case):
    """States within strata as clusters, and corrections as rates."""
    states = pd.read_csv(lemas_dir / "lemas_2020.tsv", sep="\t", usecols=["AGENCYID", "STATE"], dtype=str, quoting=3)
    table = weighed[2020]
    rows = table[table["weight"] > 0].copy()
    state = states.set_index(states["AGENCYID"].str.strip())["STATE"].str.strip()
    rows["state"] = rows["agency_id"].astype(str).map(state)
    sums = rows.groupby("stratum")["weight"].transform("sum")
    count = rows.groupby("stratum")["weight"].transform("size")
    given = {"cluster": rows["state"], "nest": True, "lonely": "adjust"}
    if case == "rates":
        given = {"fraction": count / np.maximum(sums, count)}
    design = survey_design(rows["weight"], rows["stratum"], **given)
    south = rows["state"].isin(["AL", "FL", "GA", "MS", "NC", "SC", "TN", "TX"]).to_numpy()
    wanted, y = r["lemas"][case], rows["full_time_sworn"]
    check(agree, "lemas", estimate.total(design, y), wanted["total"])
    check(agree, "lemas", estimate.mean(design, y), wanted["mean"])
    check(agree, "lemas", estimate.total(design, y, south), wanted["domain_total"])
    check(agree, "lemas", estimate.mean(design, y, south), wanted["domain_mean"])
    assert (design.degrees_of_freedom(), design.degrees_of_freedom(south)) == (wanted["df"], wanted["domain_df"])
