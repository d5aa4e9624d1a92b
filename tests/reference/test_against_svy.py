"""svy as a second oracle beside R: runs only where the pinned svy is installed (it is no requirement of the project).

    pip install svy==0.35.0 && pytest tests/reference/test_against_svy.py

Pinned because its standard errors change between releases. Designs: the stratified one with certainty and lone strata, and
the case file as a sample of clusters, both with finite population corrections.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agency_survey import estimate, hypotheses, models
from agency_survey.design import survey_design

svy = pytest.importorskip("svy", reason="svy is not installed")
pl = pytest.importorskip("polars")
VERSION = "0.35.0"
pytestmark = pytest.mark.skipif(svy.__version__ != VERSION, reason=f"the oracle is svy {VERSION}")
HERE = Path(__file__).parent


@pytest.fixture(params=["stratified", "clusters"])
def case(request):
    """(rows, our design, svy's sample, number, denominator, 0/1, domain)."""
    if request.param == "stratified":
        rows = pd.read_csv(HERE / "synthetic.csv")
        ours = survey_design(rows["weight"], rows["stratum"], rows["population"])
        theirs = svy.Design(stratum="stratum", wgt="weight", pop_size="population", singleton="skip")
        names = ("y", "x", "z", "group")
    else:
        rows = pd.read_csv(HERE / "cases.csv")
        ours = survey_design(rows["weight"], rows["stratum"], rows["agencies"], cluster=rows["agency"])
        theirs = svy.Design(stratum="stratum", psu="agency", wgt="weight", pop_size="agencies", singleton="skip")
        names = ("victims", "hours", "charged", "region")
    return rows, ours, svy.Sample(pl.DataFrame(rows.to_dict("list")), theirs), *names


def check(agree, what: str, found, wanted) -> None:
    table = wanted.to_polars()
    agree(f"svy {what} values", found.value, table["est"])
    agree(f"svy {what} standard errors", found.se, table["se"])


def test_means_totals_and_ratios(agree, case):
    rows, ours, theirs, y, x, _, _ = case
    check(agree, "means", estimate.mean(ours, rows[y]), theirs.estimation.mean(y))
    check(agree, "totals", estimate.total(ours, rows[y]), theirs.estimation.total(y))
    check(agree, "ratios", estimate.ratio(ours, rows[y], rows[x]), theirs.estimation.ratio(y, x))


def test_means_by_domain(agree, case):
    rows, ours, theirs, y, _, _, domain = case
    codes, labels = pd.factorize(rows[domain], sort=True)
    wanted = theirs.estimation.mean(y, by=domain).to_polars().sort(domain)
    assert list(wanted[domain]) == list(labels)
    found = estimate.means_by(ours, rows[y], codes, len(labels))
    agree("svy domain means", np.ravel(found.value), wanted["est"])
    agree("svy domain standard errors", np.ravel(found.se), wanted["se"])


def test_logistic_regression(agree, case):
    rows, ours, theirs, y, x, z, _ = case
    matrix = pd.DataFrame({"one": 1.0, y: rows[y], x: rows[x]})
    found = models.logistic(ours, rows[z], matrix)
    wanted = theirs.glm.fit(y=z, x=[y, x], family="binomial").to_polars()
    agree("svy logistic coefficients", found.coefficients, wanted["estimate"], 1e-6)
    agree("svy logistic standard errors", found.se, wanted["std_err"], 1e-6)


def test_rao_scott(agree, case):
    rows, ours, theirs, _, _, z, domain = case
    codes, labels = pd.factorize(rows[domain], sort=True)
    found = hypotheses.crosstab(ours, codes, rows[z], len(labels), 2).rao_scott().f_second
    wanted = theirs.categorical.tabulate(domain, z).stats.f
    agree("svy Rao-Scott F", [found.statistic, found.p], [wanted.value, wanted.p_value], 1e-6)
