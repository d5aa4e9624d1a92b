"""Rubin's rules against mitools (pooling), mice (Barnard and Rubin's degrees of freedom) and mitml (the test D1)."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from agency_survey import estimate, models
from agency_survey.design import survey_design
from agency_survey.imputation import combine


@pytest.fixture(scope="module")
def copies(shared_dir) -> list[pd.DataFrame]:
    """The five completed copies of make_imputation.R."""
    schools = pd.read_csv(shared_dir / "reference/api/apistrat.csv")
    i = np.arange(1, len(schools) + 1)
    moved = i % 2 == 0
    return [
        schools.assign(
            enroll=np.where(moved, schools["enroll"] * (1 + 0.9 * np.sin(i * j)), schools["enroll"]),
            mobility=np.where(moved, schools["mobility"] + 20 * np.sin(2 * i * j), schools["mobility"]),
            api00=np.where(moved, schools["api00"] + 200 * np.sin(3 * i * j), schools["api00"]),
        )
        for j in range(1, 6)
    ]


@pytest.fixture(scope="module")
def each(copies) -> dict:
    """Estimates of each copy, by the names in imputation.json."""
    design = survey_design(copies[0]["pw"], copies[0]["stype"], copies[0]["fpc"])

    def logit(copy):
        x = copy[["mobility", "ell", "meals"]].assign(intercept=1.0)[["intercept", "mobility", "ell", "meals"]]
        return models.logistic(design, copy["sch.wide"] == "Yes", x)

    return {
        "means": [estimate.mean(design, copy[["enroll", "mobility", "api00"]]) for copy in copies],
        "totals": [estimate.total(design, copy[["enroll", "mobility"]]) for copy in copies],
        "ratio": [estimate.ratio(design, copy["api.stu"], copy["enroll"]) for copy in copies],
        "logit": [logit(copy) for copy in copies],
    }


def without_limit(estimates):
    """The same estimates as from an endlessly large design."""
    found = [e.value if hasattr(e, "value") else e.coefficients for e in estimates]
    return combine(
        [SimpleNamespace(value=v, covariance=e.covariance, df=np.inf) for v, e in zip(found, estimates, strict=True)]
    )


@pytest.mark.parametrize("name", ["means", "totals", "ratio", "logit"])
def test_pooled_values_and_degrees_of_freedom(agree, reference, each, name):
    wanted, found = reference("imputation")[name], combine(each[name])
    tolerance = 1e-6 if name == "logit" else 1e-8
    agree("pooled values", found.value, wanted["value"], tolerance)
    agree("pooled covariances", found.covariance, wanted["covariance"], tolerance, np.outer(found.se, found.se))
    assert set(found.complete_df) == {wanted["complete_df"]}
    agree("pooled df", found.df, wanted["df"], tolerance)
    agree("pooled fraction of missing information", found.fraction_missing, wanted["missing"], tolerance)
    share = np.asarray(wanted["increase"]) / (1 + np.asarray(wanted["increase"]))
    agree("pooled share missing", found.share_missing, share, tolerance)
    endless = without_limit(each[name])
    agree("pooled df, infinite design", endless.df, wanted["infinite_df"], tolerance)
    agree("pooled information, infinite design", endless.fraction_missing, wanted["infinite_missing"], tolerance)


@pytest.mark.parametrize("name", ["means", "totals", "ratio", "logit"])
def test_joint_tests(agree, reference, each, name):
    """One parameter and five imputations leave k (m - 1) = 4: there mitml gives 4 df, from a formula that divides by 0;
    the Barnard-Rubin df, which are exact for one parameter, are taken instead."""
    wanted = reference("imputation")[name]
    tolerance = 1e-6 if name == "logit" else 1e-8
    for kind, pooled in (("d1", combine(each[name])), ("d1_infinite", without_limit(each[name]))):
        test, theirs = pooled.test(wanted["tested"]), wanted[kind]
        agree("D1 statistic", test.statistic, theirs["F"], tolerance)
        assert test.df == theirs["df"]
        if kind == "d1" and len(wanted["tested"]) == 1:
            assert theirs["df_residual"] == 4
            assert test.df_residual == pooled.df[wanted["tested"][0]]
            continue
        agree("D1 df", test.df_residual, theirs["df_residual"], tolerance)
        agree("D1 p", test.p, theirs["p"], 1e-5)


def test_a_models_terms_are_named(each):
    pooled = combine(each["logit"])
    assert pooled.names == ["intercept", "mobility", "ell", "meals"]
    by_name, by_place = pooled.test(["mobility", "meals"]), pooled.test([1, 3])
    assert by_name == by_place
    assert list(pooled.table()["term"]) == pooled.names
