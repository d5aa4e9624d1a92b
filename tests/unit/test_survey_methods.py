"""Chapter 2: frame against published counts, sample, outcome rates, weights, and the wording that follows."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import stand_in

from agency_survey.errors import InputError
from agency_survey.sections import survey_methods as section
from agency_survey.sections import survey_methods_exhibits as show
from agency_survey.sections import survey_methods_text as say

SETTINGS = stand_in.CONFIG | {"minimum_count": 3}


@pytest.fixture(scope="module")
def frame():
    return stand_in.table("frame")


@pytest.fixture(scope="module")
def sample():
    return stand_in.sample()


@pytest.fixture(scope="module")
def counts():
    return pd.read_csv(stand_in.ROOT / "data/published/frame_counts.csv")


@pytest.fixture(scope="module")
def exhibits(frame, sample, counts):
    threshold = stand_in.DESIGN["population_threshold"]
    return show.chapter(frame, sample, counts, threshold, True, SETTINGS)


def test_frame_by_type_equals_the_published_totals(frame, counts):
    types = section.frame_by_type(frame, counts)
    assert types["frame"].sum() == 15882
    assert (types["frame"] == types["published"]).all()


def test_frame_by_class_adds_up_and_keeps_the_published_shares(frame, counts):
    classes = section.frame_by_class(frame, counts)
    assert len(classes) == 9 + 8
    totals = classes.groupby("agency_type")[["frame", "published"]].sum()
    assert totals.loc["Municipal police", "frame"] == 12766
    for name, part in classes.groupby("agency_type"):
        gap = part["frame"] / totals.loc[name, "frame"] - part["published"] / totals.loc[name, "published"]
        assert gap.abs().max() < 0.001


def test_missing_published_total_is_refused(frame, counts):
    with pytest.raises(InputError, match=r"No total of 'sheriff'.*frame_counts"):
        section.frame_by_type(frame, counts[counts["agency_type"] != "sheriff"])


@pytest.mark.parametrize(("label", "low"), [("<2,500", 0), ("2,500-9,999", 2500), ("1,000,000+", 1000000)])
def test_published_class_labels(label, low):
    assert section._lower_bound(label) == low


def test_sample_by_stratum_adds_up(frame, sample):
    strata = section.sample_by_stratum(frame, sample)
    assert strata["frame"].sum() == len(frame)
    assert strata["mailed"].sum() == len(sample)
    sources = [name for name in sample["sample_source"].cat.categories]
    assert (strata[sources].sum(axis=1) == strata["mailed"]).all()
    assert strata["certainties"].sum() == sample["certainty"].sum() > 1000
    assert strata["respondents"].sum() == sample["responded"].sum()
    drawn = strata[strata["probability"] < 1]
    assert (drawn["probability"] == drawn["Random sample"] / drawn["frame"]).all()


def test_agencies_above_the_threshold_and_partners_are_certainties(frame, sample):
    partner = sample["task_force_partner"] == "Yes"
    assert partner.sum() == (frame["task_force_partner"] == "Yes").sum() > 0
    assert sample.loc[partner | (sample["population"] > 75000), "inclusion_probability"].eq(1).all()
    assert sample.loc[~partner & (sample["population"] <= 75000), "inclusion_probability"].lt(1).all()


def test_dispositions_count_every_survey_once(sample):
    table = section.dispositions(sample).set_index("outcome")
    waves = ["First mailing", "Second mailing", "Third mailing"]
    assert (table[waves].sum(axis=1) == table["All"]).all()
    assert table.loc["All", "All"] == len(sample)
    assert table.loc["No contact", ["Mail", "Web"]].sum() == 0


def test_outcome_rates_by_hand():
    outcomes = ["Complete"] * 6 + ["Partial"] + ["Refusal"] + ["No contact"] * 3 + ["Undeliverable"]
    outcomes += ["Ineligible, agency closed"] * 2
    n = len(outcomes)
    rows = pd.DataFrame(
        {
            "outcome": outcomes,
            "agency_type": pd.Categorical(["Municipal police"] * n, ["Municipal police", "State agency"]),
            "sample_source": pd.Categorical(["Random sample"] * n),
            "population": pd.array([100] * n, "Int64"),
            "task_force_partner": pd.Categorical(["No"] * n, ["Yes", "No"]),
        }
    )
    rates = section.outcome_rates(rows, [{"label": "All sizes", "from": 0}]).set_index("group")
    row = rates.loc["All mailed surveys"]
    assert row["RR1"] == pytest.approx(6 / 12)
    assert row["RR2"] == pytest.approx(7 / 12)
    assert row["COOP1"] == pytest.approx(6 / 8)
    assert row["REF1"] == pytest.approx(1 / 12)
    assert row["CON1"] == pytest.approx(8 / 12)
    assert (row["mailed"], row["complete"]) == (14, 6)
    assert set(rates.index) == {"All mailed surveys", "Municipal police", "Random sample", "All sizes", "Not a partner"}


def test_a_group_of_which_nobody_was_heard_has_no_rates(frame, sample, counts):
    silent = sample.assign(outcome=sample["outcome"].mask(sample["agency_type"] == "State agency", "No contact"))
    silent["responded"] &= silent["agency_type"] != "State agency"
    exhibits = show.chapter(frame, silent, counts, 75000, True, SETTINGS)
    table = next(t for t in exhibits.tables if t.ident == "tbl-methods-rates").shown.set_index("Surveys")
    assert (table.loc["State agency", section.RATES] == "\N{EN DASH}").all()
    assert exhibits.numbers.numbers["survey-methods.rate.rr1.state-agency"]["value"] is None


def test_dispositions_without_any_date_are_refused(frame, sample, counts):
    undated = sample.assign(outcome_on=pd.NaT)
    with pytest.raises(InputError, match="No disposition has a date"):
        show.chapter(frame, undated, counts, 75000, True, SETTINGS)


def test_weights_stand_for_the_agencies_in_operation(frame, sample):
    cells = section.weights_by_cell(sample)
    assert cells["agencies"].sum() == pytest.approx(sample["weight"].sum())
    truth = pd.read_csv(stand_in.ROOT / "data/raw/truth/population.csv")
    assert cells["agencies"].sum() == pytest.approx((truth["in_operation"] == 1).sum(), rel=0.01)
    before = cells["sampling"] * cells["response"] * cells["respondents"]  # equal weights within a class of one stratum
    single = ~cells["cell"].str.contains(" to ")
    np.testing.assert_allclose(before[single], sample.groupby("cell")["cell_population"].first()[cells["cell"][single]])
    assert (cells["final"] / (cells["sampling"] * cells["response"]) - 1).abs().max() < 0.1


def test_design_effect_is_kishs(sample):
    effects = section.design_effects(sample)
    weight = sample.loc[sample["responded"], "weight"]
    assert effects["final"] == pytest.approx(1 + (weight.std(ddof=0) / weight.mean()) ** 2)
    assert effects["effective"] == pytest.approx(len(weight) / effects["final"])


def test_weighting_brings_respondents_closer_to_the_frame(frame, sample):
    table = section.balance(frame, sample)
    before, after = ((table[name] - table["frame"]).abs() for name in ("unweighted", "weighted"))
    assert after.max() < before.max() / 5
    assert table.groupby("breakdown")[["frame", "unweighted", "weighted"]].sum().to_numpy() == pytest.approx(1)


def test_returns_add_up_to_the_completes(sample):
    found = section.returns(sample, 1)
    assert found["forms"].sum() == sample["responded"].sum()
    assert found.groupby("mode", observed=True)["cumulative"].max().sum() == sample["responded"].sum()


def test_numbers_of_the_sample(exhibits):
    numbers = exhibits.numbers.numbers
    values = {key.removeprefix("survey-methods."): entry["value"] for key, entry in numbers.items()}
    assert values["sample.mailed"] == 3191
    assert values["sample.random"] + values["sample.supplements"] == 3191
    assert values["outcome.complete"] == 1903
    assert values["rate.complete.all-mailed-surveys"] == pytest.approx(1903 / 3191)
    assert values["sample.large-missed"] == values["sample.partners-missed"] == 0
    assert numbers["survey-methods.year"]["text"]["value"] == "2007"


def test_an_agency_missing_from_the_supplements_is_counted(frame, sample, counts):
    large = frame.loc[frame["population"] > 75000, "agency_id"].iloc[0]
    short = sample[sample["agency_id"] != large]
    numbers = show.chapter(frame, short, counts, 75000, True, SETTINGS).numbers.numbers
    assert numbers["survey-methods.sample.large-missed"]["value"] == 1


def test_every_number_in_the_texts_is_recorded(exhibits):
    used = set(re.findall(r"\{\{< num (\S+)", " ".join(exhibits.texts.values())))
    assert used
    assert used <= set(exhibits.numbers.numbers)


def test_wording_follows_the_results(frame, counts, sample):
    types = section.frame_by_type(frame, counts)
    assert "equal the published totals" in say.frame_paragraph(types)
    assert "differ from" in say.frame_paragraph(types.assign(published=types["published"] + 1))
    table = section.balance(frame, sample)
    assert "narrows" in say.weights_paragraph(table)
    assert "does not narrow" in say.weights_paragraph(table.assign(weighted=0.0))


def test_rates_that_print_alike_are_not_called_different(sample):
    rates = section.outcome_rates(sample, stand_in.CONFIG["population_classes"])
    assert "is lowest" in say.findings(rates)
    even = say.findings(rates.assign(RR1=rates["RR1"].iloc[0]))
    assert "the same in all classes" in even
    assert "lowest" not in even
    assert "highest" not in even


CLASSES = {"unknown_eligibility": "proportional", "method": "classes"}
RAKED = {"raking": ["agency_type", "population_class", "region"], "cap": None}


def test_the_steps_of_the_weights_are_those_of_the_settings():
    text = say.steps_paragraph(CLASSES, RAKED)
    assert "classes of agency type, population class and certainty" in text
    assert "raking to the frame's counts by type, population class and region" in text
    assert "No weight is cut" in text
    assert "hands their weight to the agencies of the class" in text
    other = say.steps_paragraph({"unknown_eligibility": "none", "method": "propensity"}, {"raking": [], "cap": 3})
    assert "propensity to respond" in other
    assert "classes of agency type" not in other
    assert "count as closed agencies" in other
    assert "raking" not in other
    assert "a cut of weights above a multiple of the median" in other
    assert "No weight is cut" not in other
    assert "agencies in operation that did not answer" in say.steps_paragraph(
        CLASSES | {"unknown_eligibility": "all"}, RAKED
    )
    free = say.steps_paragraph(CLASSES, RAKED | {"raking": ["metropolitan", "state"]})
    assert "counts by location and state [" in free


def test_every_choice_that_the_settings_allow_has_its_words():
    path = stand_in.ROOT / "workflow/schemas/config.schema.json"
    allowed = json.loads(path.read_text(encoding="utf-8"))["properties"]["nonresponse"]["properties"]
    for method in allowed["method"]["enum"]:
        for unknown in allowed["unknown_eligibility"]["enum"]:
            assert say.steps_paragraph({"method": method, "unknown_eligibility": unknown}, RAKED)


def test_the_variance_is_that_of_residuals_only_where_the_weights_are_raked():
    assert "residuals" in say.variance_sentence(["region"])
    assert "residuals" not in say.variance_sentence([])


def test_notes_of_the_weights_follow_the_settings(frame, sample, counts):
    settings = SETTINGS | {"weights": {"raking": ["metropolitan"], "cap": 3}}
    tables = {t.ident: t for t in show.chapter(frame, sample, counts, 75000, True, settings).tables}
    assert "Location takes no part" not in tables["tbl-methods-balance"].notes
    assert "trimming" in tables["tbl-methods-weights"].notes
    tables = {t.ident: t for t in show.chapter(frame, sample, counts, 75000, True, SETTINGS).tables}
    assert "Location takes no part" in tables["tbl-methods-balance"].notes
    assert "trimming" not in tables["tbl-methods-weights"].notes


def test_real_records_are_not_called_synthetic(frame, sample, counts):
    real = show.chapter(frame, sample, counts, 75000, False, SETTINGS)
    for exhibit in [*real.tables, *real.figures]:
        assert "synthetic" not in (exhibit.caption + exhibit.source + exhibit.notes).lower()
    assert "synthetic" not in real.texts["notice"].lower()
