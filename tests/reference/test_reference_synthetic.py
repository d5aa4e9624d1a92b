"""A small design with certainty strata, one of which is a lone agency (survey.lonely.psu = "fail" in R)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from against_r import check_estimate, check_fit, check_share

from agency_survey import estimate, models, weights
from agency_survey.design import survey_design

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.read_csv(HERE / "synthetic.csv")


@pytest.fixture(scope="module")
def design(rows):
    return survey_design(rows["weight"], rows["stratum"], rows["population"])


@pytest.fixture(scope="module")
def r(reference):
    return reference("synthetic")


def test_totals_means_and_ratios(agree, rows, design, r):
    check_estimate(agree, "synthetic", estimate.total(design, rows[["y", "x"]]), r["total"])
    check_estimate(agree, "synthetic", estimate.mean(design, rows["y"]), r["mean"])
    check_estimate(agree, "synthetic", estimate.ratio(design, rows["y"], rows["x"]), r["ratio"])
    assert design.degrees_of_freedom() == r["degf"]


def test_share(agree, rows, design, r):
    check_share(agree, "synthetic", estimate.proportions(design, rows["z"], 2), 1, r["share"])


def test_certainties_have_no_variance(agree, rows, design, r):
    certain = rows["stratum"].isin(["capital", "certain"]).to_numpy()
    check_estimate(agree, "synthetic", estimate.total(design, rows["y"], certain), r["certain"])


def test_a_domain_of_a_lone_certainty_and_a_sampled_stratum(agree, rows, design, r):
    inside = rows["stratum"].isin(["capital", "south large"]).to_numpy()
    check_estimate(agree, "synthetic", estimate.mean(design, rows["y"], inside), r["with_capital"])


def test_domains_and_their_joint_covariance(agree, rows, design, r):
    parts = [estimate.mean(design, rows["y"], (rows["group"] == g).to_numpy()) for g in "abc"]
    found = estimate.stack(design, parts)
    agree("synthetic values", found.value, r["groups"]["value"])
    agree.covariance("synthetic covariances", found.covariance, r["groups"]["covariance"])
    assert found.df.tolist() == r["groups"]["degf"]


def test_logistic_regression(agree, rows, design, r):
    x = pd.DataFrame({"intercept": 1.0, "logx": np.log(rows["x"])})
    fit = models.logistic(design, rows["z"], x)
    check_fit(agree, "synthetic logit", fit, r["logit"], ["logx"], np.array([[1, 2], [1, 4]]))


def test_poststratification_and_design_effect(agree, rows, r):
    factor = weights.poststratification_factor(rows["weight"], rows["group"], pd.Series({"a": 250, "b": 300, "c": 200}))
    by_group = pd.Series(factor).groupby(rows["group"]).agg(["min", "max"])
    agree("synthetic post-stratification", by_group["min"], r["poststratified_weights_by_group"])
    agree("synthetic post-stratification", by_group["max"], r["poststratified_weights_by_group"])
    agree("synthetic Kish design effect", weights.kish_design_effect(rows["weight"]), r["kish"])
