"""The chain of chapter 10 on the real LEMAS waves, against R's survey package on the same files."""

import numpy as np
import pytest
from against_r import ITERATED, check_fit, check_share

from agency_survey import estimate, lemas
from agency_survey.sections import after_the_report as section

LEVEL = 0.95


@pytest.fixture(scope="module")
def r(reference):
    return reference("lemas")


@pytest.fixture(scope="module")
def surveys(weighed):
    return {wave: lemas.respondents(table) for wave, table in weighed.items()}


@pytest.fixture(scope="module")
def answers(surveys):
    return {wave: section.answers(*surveys[wave], LEVEL) for wave in (2016, 2020)}


def check_shares(agree, group, found, wanted) -> None:
    """A long table of shares in R's order of domains and answers."""
    for mine, theirs in zip(found.itertuples(), wanted, strict=True):
        assert mine.domain == theirs["domain"]
        agree(group + " shares", mine.share, theirs["share"])
        agree(group + " standard errors", mine.se, theirs["se"])
        assert (mine.n, mine.df) == (theirs["n"], theirs["df"])
        if theirs["low"] is None:
            assert np.isnan([mine.low, mine.high]).all()
        elif theirs["se"] > 0:
            agree(group + " logit limits", [mine.low, mine.high], [theirs["low"], theirs["high"]], ITERATED)


def test_nonresponse_factors(agree, weighed, r):
    table = weighed[2020]
    found = table[table["responded"]].groupby("stratum")["nonresponse_factor"].agg(["min", "max"])
    assert set(found.index) == set(r["factors_2020"])
    for stratum, theirs in r["factors_2020"].items():
        agree("lemas 2020 factors", found.loc[stratum], [theirs, theirs])


@pytest.mark.parametrize("wave", [2007, 2016, 2020])
def test_degrees_of_freedom(surveys, r, wave):
    assert surveys[wave][1].degrees_of_freedom() == r["degf"][str(wave)]


@pytest.mark.parametrize("wave", ["2007", "2007 page 2", "2016", "2020"])
def test_sworn_officers(agree, weighed, r, wave):
    column = "distributed_weight_page2" if wave.endswith("page 2") else "weight"
    rows, design = lemas.respondents(weighed[int(wave[:4])], column)
    for name, theirs in r["sworn"][wave].items():
        inside = None if name == "All agencies" else (rows["agency_type"] == name).to_numpy()
        found = estimate.total(design, rows["full_time_sworn"], inside)
        agree("lemas sworn totals", found.value, [theirs["total"]])
        agree("lemas sworn standard errors", found.se, [theirs["se"]])
        assert found.n[0] == theirs["n"]


@pytest.mark.parametrize("wave", [2016, 2020])
def test_answers_by_domain(agree, answers, r, wave):
    check_shares(agree, f"lemas {wave}", answers[wave][0], r["answers"][str(wave)])


def test_proportions_give_the_same_as_the_chapter(agree, surveys, r):
    rows, design = surveys[2020]
    found = estimate.proportions(design, section.answer_codes(rows), 5)
    for k, theirs in enumerate(r["answers"]["2020"][:5]):
        check_share(agree, "lemas 2020", found, k, theirs)


def test_task_force(agree, surveys, r):
    check_shares(agree, "lemas 2007", section.task_force(*surveys[2007], LEVEL), r["task_force_2007"])
    share, count = section.task_force_without_doubtful(*surveys[2007])
    wanted = r["task_force_2007_without_doubtful"]
    agree("lemas 2007 shares", share, wanted["share"])
    assert count == wanted["agencies"]


def test_change(agree, answers, r):
    """R holds both waves as one design with strata by wave; here their variances are added."""
    change = section.changes(answers[2016][1], answers[2020][1], LEVEL)
    for mine, theirs in zip(change.table.itertuples(), r["change"], strict=True):
        assert mine.domain == theirs["domain"]
        share = max(mine.before, mine.after)
        agree("lemas change", mine.change, theirs["change"], scale=share)
        agree("lemas change standard errors", mine.se, theirs["se"])
        if theirs["se"] > 0:
            agree("lemas change limits", [mine.low, mine.high], [theirs["low"], theirs["high"]], scale=share)
            agree("lemas change p", mine.p, theirs["p"], ITERATED)
    test, wanted = change.overall, r["change_overall"]
    agree("lemas change Wald test", [test.statistic, test.p], [wanted["F"], wanted["p"]])
    assert (test.df, test.df_residual) == (wanted["df"], wanted["df_residual"])


def test_logistic_regression(agree, surveys, r):
    fit = section.preparation_model(*surveys[2020])
    at = np.array([[1, 0, np.log2(1e3)], [1, 1, np.log2(1e3)], [1, 0, np.log2(1e6)]])
    check_fit(agree, "lemas logit", fit, r["logit_2020"], ["sheriff", "log2_population"], at)
