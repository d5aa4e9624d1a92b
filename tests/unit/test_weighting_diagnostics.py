"""Appendix C: balance, R-indicator, errors by replicates, trimming, parts, and the wording that follows the results."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import standin_tables
from scipy.special import expit

from agency_survey import ingest, national_survey, schema, settings, weights
from agency_survey.sections import weighting_diagnostics as section
from agency_survey.sections import weighting_diagnostics_exhibits as show

CONFIG = settings.load(standin_tables.CONFIG / "config.yaml")
DESIGN = schema.load(standin_tables.CONFIG / "sample_design.yaml", "sample_design")


@cache
def table(name: str) -> pd.DataFrame:
    """Typed table of the stand-in without faults."""
    return ingest.typed(standin_tables.world()[name].astype(str), standin_tables.books()[name])[0].reset_index(
        drop=True
    )


@cache
def weighted(method: str = "classes") -> show.Weighted:
    rules = CONFIG | {"nonresponse": CONFIG["nonresponse"] | {"method": method}}
    sample, record = national_survey.weigh(table("frame"), table("disposition"), DESIGN, rules)
    return show.Weighted(sample, record, *national_survey.respondents(sample, table("part1")))


@cache
def parts() -> show.Parts:
    found = national_survey.follow_up_parts(
        weighted().sample, table("part1"), table("part2"), table("part3"), CONFIG["nonresponse"]["smallest_class"]
    )
    tables, records = ({name: pair[k] for name, pair in found.items()} for k in (0, 1))
    return show.Parts(tables, records, table("part2"), table("part3"))


@cache
def results() -> show.Results:
    other = {name: weighted(name) for name in ("classes", "propensity")}
    return show.compute(table("frame"), weighted(), other, parts(), CONFIG)


def appendix(synthetic: bool):
    """The appendix, whose results (with 2,400 replicates) are computed once for all tests, from the same inputs."""
    other = {name: weighted(name) for name in ("classes", "propensity")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(show, "compute", lambda *_: results())
        return show.appendix(table("frame"), weighted(), other, parts(), synthetic, CONFIG)


@pytest.fixture(scope="module")
def exhibits():
    return appendix(True)


def test_steps_keep_the_product_and_end_with_the_final_weights():
    steps = results().steps.set_index("step")
    rows = weighted().rows
    assert steps.loc["raking", "sum"] == pytest.approx(rows["weight"].sum())
    assert steps.loc["raking", "design_effect"] == pytest.approx(
        1 + (rows["weight"].std(ddof=0) / rows["weight"].mean()) ** 2
    )
    assert steps.loc["base_weight", "sum"] == pytest.approx((1 / rows["inclusion_probability"]).sum())


def test_balance_by_hand():
    line = results().balance.set_index(["breakdown", "group"]).loc[("Region", "West")]
    frame, rows = table("frame"), weighted().rows
    share = (frame["region"] == "West").mean()
    west = rows["region"] == "West"
    weighted_share = rows.loc[west, "weight"].sum() / rows["weight"].sum()
    spread = np.sqrt(share * (1 - share))
    assert line["unweighted_difference"] == pytest.approx((west.mean() - share) / spread)
    assert line["weighted_difference"] == pytest.approx((weighted_share - share) / spread)


def test_r_indicator_is_one_less_twice_the_spread_of_the_propensities():
    """Against the model's own coefficients, applied by hand to the agencies known to be in operation."""
    found, sample = results().response, weighted().sample
    open_ = (sample["outcome"] != national_survey.INELIGIBLE) & (sample["outcome"] != "Undeliverable")
    x = national_survey.propensity_model(sample)[open_]
    p = expit(x.to_numpy() @ found.terms.set_index("term").loc[x.columns, "coefficient"].to_numpy())
    w = sample.loc[open_, ["base_weight", "poststratification", "eligibility"]].prod(axis=1).to_numpy()
    mean = (w * p).sum() / w.sum()
    spread = np.sqrt((w * (p - mean) ** 2).sum() / (w.sum() - 1))
    assert found.indicator == pytest.approx(1 - 2 * spread)
    assert found.bias == pytest.approx(spread / mean)
    assert found.n == open_.sum()
    assert (found.partial["partial"] < spread).all()


def test_response_at_random_has_an_r_indicator_near_one():
    sample = weighted().sample
    flat = sample.assign(responded=np.random.default_rng(1).random(len(sample)) < 0.6)
    flat["responded"] &= flat["eligible"] & (flat["outcome"] != "Undeliverable")
    assert section.representativity(flat).indicator > results().response.indicator


def test_linearised_errors_agree_with_replicates_and_ignoring_the_raking_does_not_help():
    errors = results().errors
    assert ((errors["jackknife"] / errors["linearised"]) - 1).abs().max() < 0.03
    assert ((errors["bootstrap"] / errors["linearised"]) - 1).abs().max() < 0.12
    assert (errors["ignored"] / errors["linearised"]).mean() >= 1


def test_total_of_agencies_with_a_case_is_the_sum_of_their_weights():
    rows = weighted().rows
    line = results().errors.set_index("key").loc["case-total"]
    assert line["value"] == pytest.approx(rows.loc[rows["q13_any_case"] == "Yes", "weight"].sum())


def test_trimming_shows_its_loss_and_survives_a_cap_that_cannot_hold():
    rows, found = weighted().rows, section.headlines(weighted().rows)
    table = section.trimming(rows, found, [1.01, 2.0, 1000.0]).set_index("cap")
    assert table.loc[1000.0, ["trimmed", "share", "gain", "points"]].abs().max() == pytest.approx(0, abs=1e-9)
    assert table.loc[2.0, "trimmed"] > 0 < table.loc[2.0, "share"]
    assert np.isnan(table.loc[1.01, "gain"])


def test_phases_of_part2_add_up():
    phases = results().phases
    np.testing.assert_allclose(phases["first"] + phases["second"], phases["se"] ** 2)
    assert (phases["second"] > 0).all()


def test_response_classes_add_up_to_the_asked_agencies():
    for name, classes in results().classes.items():
        assert classes["asked"].sum() == results().followed[name]["asked"]
        np.testing.assert_allclose(classes["factor"], classes["asked"] / classes["returned"])
        assert classes["returned"].min() >= CONFIG["nonresponse"]["smallest_class"]


def test_closed_agencies_are_estimated_near_the_truth():
    closed = results().closed
    truth = pd.read_csv(standin_tables.ROOT / "data/raw/truth/population.csv")
    assert abs(closed.value[0] - (truth["in_operation"] != 1).sum()) < 3 * closed.se[0]


def test_every_number_in_the_texts_is_recorded(exhibits):
    used = set(re.findall(r"\{\{< num (\S+)", " ".join(exhibits.texts.values())))
    assert used
    assert used <= set(exhibits.numbers.numbers)
    assert not re.search(r"[0-9]", re.sub(r"\{\{<.*?>\}\}|\[?@[a-z0-9; @-]+\]?", "", exhibits.texts["findings"]))


def test_wording_follows_the_results():
    base = results()
    assert "falls from" in show.findings(base)
    worse = replace(base, balance=base.balance.assign(weighted_difference=2.0))
    assert "does not fall" in show.findings(worse)
    moved = base.methods.assign(propensity=base.methods["classes"] + 10 * base.methods["classes_se"])
    assert "matters" in show.findings(replace(base, methods=moved))
    assert "not small" in show.methods_paragraph(moved, "classes")
    assert "response propensity" in show.methods_paragraph(moved, "propensity")
    assert "differ from" in show.errors_paragraph(base.errors.assign(bootstrap=base.errors["linearised"] * 2))
    off = base.margins.assign(after=base.margins["frame"] + 1)
    assert "Not all margins are met" in show.margins_paragraph(off, pd.DataFrame({"part": []}))
    assert "no raking" in show.margins_paragraph(off.iloc[:0], pd.DataFrame({"part": []}))
    trimmed = show.trimming_paragraph(base.trimming, {"cap": 3, "margins": []})
    assert "The report trims" in trimmed
    assert "takes that back" not in trimmed
    assert "takes that back" in show.trimming_paragraph(base.trimming, {"cap": None, "margins": [{}]})
    singly = base.cases.assign(single=base.cases["se"] * 2)
    assert "does not raise" in show.cases_paragraph(singly)
    raking = CONFIG["weights"]["raking"]
    assert "Location and task-force partner were not raked on" in show.balance_paragraph(base.balance, raking)
    assert "still differ" in show.balance_paragraph(base.balance.assign(weighted_difference=0.5), raking)
    assert "Location was not" in show.balance_paragraph(base.balance, [*raking, "task_force_partner"])
    every = list(section.BREAKDOWNS)
    assert "by construction" in show.balance_paragraph(base.balance, every)
    assert "No part in the raking" not in show.balance_table(base.balance, every, True).notes
    assert (
        "No part in the raking: location and task-force partner."
        in show.balance_table(base.balance, raking, True).notes
    )


def test_real_records_are_not_called_synthetic():
    real = appendix(False)
    for exhibit in [*real.tables, *real.figures]:
        assert "synthetic" not in (exhibit.caption + exhibit.source + exhibit.notes).lower()


def test_weights_of_the_report_reproduce_from_the_mailed_surveys_alone():
    """Class by class, the weight before raking is that of the mailed agencies in operation over the respondents'."""
    sample = weighted().sample
    before = weights.WeightSteps({n: sample[n].to_numpy() for n in national_survey.STEPS}).weight("nonresponse")
    mailed = sample[["base_weight", "poststratification"]].prod(axis=1)
    unknown = sample["outcome"] == "Undeliverable"
    closed = sample["outcome"] == national_survey.INELIGIBLE
    for _, at in sample.groupby("cell").indices.items():
        part, w = sample.iloc[at], mailed.iloc[at]
        known = w[~unknown.iloc[at]].sum()
        share = w[~unknown.iloc[at] & ~closed.iloc[at]].sum() / known
        answered = part["responded"].to_numpy()
        assert before[at][answered].sum() == pytest.approx(w.sum() * share)
