"""R's stratified sample of California schools, with and without finite population correction."""

import numpy as np
import pandas as pd
import pytest
from against_r import check_estimate, check_fit, check_share

from agency_survey import estimate, models
from agency_survey.design import survey_design


@pytest.fixture(scope="module")
def schools(shared_dir) -> pd.DataFrame:
    return pd.read_csv(shared_dir / "reference/api/apistrat.csv")


@pytest.fixture(params=["fpc", "no_fpc"])
def case(request, schools, reference):
    """(schools, design, schools with few poor pupils, R's values)."""
    size = schools["fpc"] if request.param == "fpc" else None
    design = survey_design(schools["pw"], schools["stype"], size)
    return schools, design, (schools["meals"] < 60).to_numpy(), reference("api")[request.param]


def test_totals(agree, case):
    schools, design, few, r = case
    check_estimate(agree, "api totals", estimate.total(design, schools["enroll"]), r["total_enroll"])
    check_estimate(agree, "api totals", estimate.total(design, schools[["enroll", "api.stu"]]), r["totals"])
    check_estimate(agree, "api totals", estimate.total(design, schools["enroll"], few), r["total_few_meals"])


def test_means(agree, case):
    schools, design, few, r = case
    check_estimate(agree, "api means", estimate.mean(design, schools[["api00", "api99", "meals"]]), r["means"])
    check_estimate(agree, "api means", estimate.mean(design, schools["api00"], few), r["mean_few_meals"])


def test_ratios(agree, case):
    schools, design, few, r = case
    check_estimate(agree, "api ratios", estimate.ratio(design, schools["api.stu"], schools["enroll"]), r["ratio"])
    found = estimate.ratio(design, schools["api.stu"], schools["enroll"], few)
    check_estimate(agree, "api ratios", found, r["ratio_few_meals"])


def test_proportions_with_logit_intervals(agree, case):
    schools, design, few, r = case
    awards = pd.Categorical(schools["awards"], ["No", "Yes"]).codes
    check_estimate(agree, "api proportions", estimate.proportions(design, awards, 2), r["proportions_awards"])
    check_share(agree, "api", estimate.proportions(design, awards, 2), 1, r["awarded"])
    check_share(agree, "api", estimate.proportions(design, awards, 2, few), 1, r["awarded_few_meals"])
    wide = pd.Categorical(schools["sch.wide"], ["No", "Yes"]).codes
    check_share(agree, "api", estimate.proportions(design, wide, 2), 1, r["wide"])


def test_domains_side_by_side_and_their_contrast(agree, case):
    schools, design, _, r = case
    parts = [estimate.mean(design, schools["api00"], schools["awards"] == answer) for answer in ("No", "Yes")]
    both = estimate.stack(design, parts)
    agree("api domains values", both.value, r["by_awards"]["value"])
    agree.covariance("api domains covariances", both.covariance, r["by_awards"]["covariance"])
    value, se, _ = estimate.contrast(both, [-1, 1])
    wanted = r["by_awards_difference"]
    agree("api domains contrasts", [value, se], [wanted["value"], wanted["se"]])


def test_domains_of_several_variables(agree, case):
    schools, design, _, r = case
    parts = [
        estimate.mean(design, schools[name], schools["both"] == answer)
        for name in ("api00", "meals")
        for answer in ("No", "Yes")
    ]
    both = estimate.stack(design, parts)
    agree("api domains values", both.value, r["by_both"]["value"])
    agree.covariance("api domains covariances", both.covariance, r["by_both"]["covariance"])


def test_degrees_of_freedom(case):
    _, design, few, r = case
    assert design.degrees_of_freedom() == r["degf"]
    assert design.degrees_of_freedom(few) == r["degf_few_meals"]


def test_logistic_regression(agree, case):
    schools, design, few, r = case
    x = schools[["ell", "meals", "mobility"]].assign(intercept=1.0)[["intercept", "ell", "meals", "mobility"]]
    y = (schools["sch.wide"] == "Yes").to_numpy(dtype=float)
    at = np.array([[1, 10, 40, 15], [1, 50, 80, 30]])
    check_fit(agree, "api logit", models.logistic(design, y, x), r["logit"], ["ell", "mobility"], at)
    domain = models.logistic(design, y, x, few)
    check_fit(agree, "api logit", domain, r["logit_few_meals"], ["ell", "mobility"], at)
