"""Chapter 9: differences raw and adjusted against exact answers and the jackknife, balance, and the wording."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import stand_in

from agency_survey import codebook
from agency_survey.design import survey_design
from agency_survey.disclosure import watch
from agency_survey.errors import InputError
from agency_survey.sections import survey
from agency_survey.sections import task_forces as section
from agency_survey.sections import task_forces_exhibits as show

TYPES = ["Municipal police", "Sheriff's office", survey.STATE]
WAYS = [*section.METHODS, *section.OTHER_WAYS]


@pytest.fixture(scope="module")
def respondents():
    return stand_in.respondents()


@pytest.fixture(scope="module")
def book():
    return codebook.load(stand_in.ROOT / "config/codebooks/part1.yaml")


@pytest.fixture(scope="module")
def exhibits(respondents, book):
    return show.chapter(*respondents, book, stand_in.CONFIG)


@pytest.fixture(scope="module")
def found(respondents):
    return show.shown(section.compare(*respondents, 0.95), stand_in.CONFIG["reliability"])


def agencies(n, seed, lead=0.0):
    """(covariates, weights, yes or no): larger agencies are partners more often and say yes more often; ``lead`` is what
    partnership adds to the log-odds."""
    rng = np.random.default_rng(seed)
    size = rng.normal(0, 0.7, n)
    partner = (rng.random(n) < 1 / (1 + np.exp(1.2 - 1.5 * size))).astype(float)
    y = (rng.random(n) < 1 / (1 + np.exp(0.6 - 1.3 * size - lead * partner))).astype(float)
    table = pd.DataFrame(
        {
            "partner": partner,
            "log_population": size,
            "log_population_squared": size**2,
            "agency_type": pd.Categorical(rng.choice(TYPES[:2], n), TYPES),
            "region": pd.Categorical(rng.choice(["Northeast", "West"], n)),
            "metropolitan": pd.Categorical(["Metropolitan"] * n),
        }
    )
    return table, rng.uniform(1, 4, n), y


def everybody(n):
    return np.ones(n, dtype=bool)


def estimators(table, y):
    inside = everybody(len(y))
    return {
        "regression": lambda design: section.regression(design, y, table, inside, 0.95, True),
        "index": lambda design: section.regression(design, y * 2, table, inside, 0.95, False),
        "all": lambda design: section.regression(design, y, table, inside, 0.95, True, "all"),
        "balanced": lambda design: section.balanced(design, y, table, inside, 0.95),
        "propensity": lambda design: section.propensity(design, y, table, inside, 0.95),
    }


@pytest.mark.parametrize("name", ["regression", "index", "all", "balanced", "propensity"])
def test_standard_errors_are_those_of_the_infinitesimal_jackknife(name):
    """Each agency's influence, from the whole estimate done again with a little more weight on it (Jaeckel 1972)."""
    table, weight, y = agencies(150, 3, lead=0.8)
    design = survey_design(weight)
    estimator = estimators(table, y)[name]
    found = estimator(design)
    n, step = len(y), 1e-4
    influence = np.empty(n)
    for at in range(n):
        more, less = weight.copy(), weight.copy()
        more[at] *= 1 + step
        less[at] *= 1 - step
        influence[at] = (estimator(design.reweighted(more)).value - estimator(design.reweighted(less)).value) / (
            2 * step
        )
    assert found.se == pytest.approx(np.sqrt(n * influence.var(ddof=1)), rel=1e-4)


def test_balancing_on_types_is_direct_standardization():
    """With nothing to balance on but two categories the answer is known: others' rates at the partners' shares."""
    table = pd.DataFrame(
        {
            "partner": [1.0, 1, 1, 1, 0, 0, 0, 0, 0, 0],
            "log_population": 0.0,
            "log_population_squared": 0.0,
            "agency_type": pd.Categorical([*"mmms", *"mmmsss"], ["m", "s"]),
            "region": pd.Categorical(["a"] * 10),
            "metropolitan": pd.Categorical(["a"] * 10),
        }
    )
    weight = np.array([1.0, 2, 1, 4, 1, 1, 2, 3, 1, 1])
    y = np.array([1.0, 0, 1, 1, 1, 0, 0, 0, 1, 1])
    found = section.balanced(survey_design(weight), y, table, everybody(10), 0.95)
    others = 0.5 * (1 / 4) + 0.5 * (2 / 5)  # partners: half of the weight each; others' rates 1/4 and 2/5
    assert found.value == pytest.approx(6 / 8 - others)
    v = section.balancing_weight(survey_design(weight), table, everybody(10))
    assert v[:4].sum() == 0
    assert v.sum() == pytest.approx(8)
    assert v[4:7] / v[4] == pytest.approx([1, 1, 2])  # within a category the survey's weights are kept


def test_balanced_means_are_the_partners(respondents):
    rows, design = respondents
    found = section.balance(rows, design, survey.domains(rows, stand_in.CONFIG["population_classes"]))
    held = found.table[found.table["constrained"]]
    assert np.abs(held["after"]).max() < 1e-6
    assert np.abs(held["before"]).max() > 0.5
    assert 1 < found.effective_n < found.others_n
    type_ = found.table.set_index("domain").loc["Sheriff's office"]
    partner = section.partners(rows)
    exact = np.average(rows.loc[partner, "agency_type"] == "Sheriff's office", weights=design.weight[partner])
    assert type_["partners"] == pytest.approx(exact)


def test_what_goes_with_size_alone_vanishes_when_size_is_held_alike():
    table, weight, y = agencies(6000, 11)
    design = survey_design(weight)
    assert section.raw(design, y, table["partner"].to_numpy(), everybody(6000), 0.95).low > 0.1
    for name in ("regression", "balanced", "propensity", "all"):
        entry = estimators(table, y)[name](design)
        assert abs(entry.value) < 3.5 * entry.se
        assert entry.se < 0.05


def test_a_lead_of_partners_is_found_by_every_way():
    table, weight, y = agencies(6000, 12, lead=1.0)
    size, partner = table["log_population"].to_numpy(), table["partner"].to_numpy() == 1

    def chance(lead):
        return 1 / (1 + np.exp(0.6 - 1.3 * size - lead))

    gain = chance(1.0) - chance(0.0)
    truth = {
        name: np.average(gain[partner], weights=weight[partner]) for name in ("regression", "balanced", "propensity")
    }
    truth["all"] = np.average(gain, weights=weight)
    for name, value in truth.items():
        entry = estimators(table, y)[name](survey_design(weight))
        assert abs(entry.value - value) < 3.5 * entry.se


def test_estimates_of_the_stand_in_cover_its_truth(found):
    truth = pd.read_csv(stand_in.ROOT / "data/raw/truth/population.csv").query("in_operation == 1")
    frame = stand_in.table("frame")[["agency_id", "task_force_partner"]]
    partner = truth.merge(frame, on="agency_id")["task_force_partner"] == "Yes"
    truth = truth.reset_index(drop=True)
    yes = {
        "training": truth["q6_training"] == 1,
        "protocol": truth["q9_protocol"] == 1,
        "personnel": truth["q10_personnel"] < 3,
        "any-case": truth["q13_any_case"] == 1,
        "several": (truth["q13_any_case"] == 1) & (truth["q14_cases"] > 1),
    }
    yes["index"] = yes["training"].astype(int) + yes["protocol"] + yes["personnel"]
    for key, values in yes.items():
        row = found.set_index("key").loc[key]
        difference = values[partner].mean() - values[~partner].mean()
        assert abs(row["raw"].value - difference) < 4 * row["raw"].se, key
        assert abs(row["partners"] - values[partner].mean()) < 4 * row["partners_se"], key


def test_who_counts_in_an_outcome(respondents):
    rows, _ = respondents
    by_key = {outcome.key: outcome for outcome in section.outcomes(rows)}
    unsure = (rows["q12_state_law__missing"] == "dont_know").to_numpy()
    assert unsure.any()
    assert by_key["state-law"].known[unsure].all()  # who does not know of a law does not know of one
    assert not by_key["state-law"].y[unsure].any()
    refused = (rows["q6_training__missing"] == "refused").to_numpy()
    assert not by_key["training"].known[refused].any()
    assert not by_key["index"].known[refused].any()
    no_case = (rows["q13_any_case"] == "No").to_numpy(dtype=bool)
    assert by_key["several"].known[no_case].all()
    assert not by_key["several"].y[no_case].any()


def test_labels_that_the_logic_does_not_know_are_refused(respondents):
    rows, _ = respondents
    odd = rows.assign(q10_personnel=rows["q10_personnel"].cat.rename_categories({"Neither": "None"}))
    with pytest.raises(InputError, match="'None'"):
        section.outcomes(odd)


def test_a_way_that_cannot_be_estimated_says_why(respondents, book):
    rows, design = respondents
    partner = (rows["task_force_partner"] == "Yes").to_numpy()
    alone = rows.assign(region=rows["region"].cat.add_categories("Abroad"))
    alone.loc[partner, "region"] = "Abroad"  # no other agency is like the partners
    made = show.chapter(alone, design, book, stand_in.CONFIG)
    assert "no entropy balancing" in made.texts["balance"]
    row = section.compare(alone, design, 0.95).iloc[0]
    assert "cannot be met" in row["balanced"].why
    assert np.isfinite(row["raw"].value)
    tables = {table.ident: table for table in made.tables}
    assert "cannot be met" in tables["tbl-task-forces-balance"].markdown()
    assert "not estimated" in tables["tbl-task-forces-adjusted"].markdown()


@pytest.mark.parametrize("answer", ["Yes", "No"])
def test_a_survey_of_one_group_only_compares_nothing(respondents, book, answer):
    rows, design = respondents
    alone = rows.assign(task_force_partner=pd.Categorical([answer] * len(rows), ["Yes", "No"]))
    made = show.chapter(alone, design, book, stand_in.CONFIG)
    assert "no two groups" in made.texts["partners"]
    assert "too uncertain" in made.texts["findings"]
    assert made.numbers.numbers["task-forces.index.raw"]["value"] is None


def test_holm_adjustment_runs_over_the_outcomes(found):
    for way in section.METHODS:
        p = np.sort([entry.p for entry in found[way]])
        smallest = min(found[way], key=lambda entry: entry.p)
        assert smallest.p_holm == pytest.approx(len(p) * p[0])
        assert all(entry.p_holm >= entry.p for entry in found[way])


def test_few_partners_show_no_difference(respondents):
    limits = {**stand_in.CONFIG["reliability"], "hide_n": 10_000}
    found = show.shown(section.compare(*respondents, 0.95), limits)
    assert not np.isfinite([entry.value for entry in found["raw"]]).any()
    assert "too few answers" in show.adjusted_table(found, 0.95, True).markdown()


def changed(found, way, **values):
    """The comparison with every difference of a way replaced."""
    return found.assign(**{way: [dataclasses.replace(entry, **values) for entry in found[way]]})


def test_the_findings_follow_the_results(found):
    assert "are better prepared than" in show.findings(found)
    assert "smaller but remains" in show.findings(found)
    nothing = {"value": 0.01, "p_holm": 0.6}
    assert "not shown to be better prepared" in show.findings(changed(found, "raw", **nothing))
    assert "raw comparison does not show" in show.findings(changed(found, "raw", **nothing))
    assert "are less prepared" in show.findings(changed(found, "raw", value=-0.4))
    flat = changed(changed(found, "regression", **nothing), "balanced", **nothing)
    assert "no difference is shown" in show.findings(flat)
    assert "do not agree" in show.findings(changed(found, "balanced", **nothing))
    assert "no smaller" in show.findings(changed(found, "balanced", value=9.0))


def test_the_paragraphs_follow_the_results(found, respondents):
    nothing = {"value": 0.01, "p_holm": 0.6}
    assert "every outcome" in show.differences_paragraph(changed(found, "raw", p_holm=0.001))
    assert "ahead" not in show.differences_paragraph(changed(found, "raw", **nothing))
    assert "No difference is shown in" in show.differences_paragraph(changed(found, "raw", **nothing))
    assert "Partners are behind" in show.differences_paragraph(changed(found, "raw", value=-0.2, p_holm=0.01))
    flat = changed(changed(found, "regression", **nothing), "balanced", **nothing)
    assert "shown by neither" in show.adjusted_paragraph(flat)
    assert "both adjustments show" not in show.adjusted_paragraph(flat)
    assert "disagree on" in show.adjusted_paragraph(changed(found, "balanced", p_holm=0.001, value=-0.1))
    assert "nothing to explain" in show.adjusted_paragraph(changed(found, "raw", **nothing))
    assert "same verdict on every outcome" in show.other_ways_paragraph(
        changed(changed(changed(changed(found, "all", **nothing), "propensity", **nothing), "local", **nothing), "balanced", **nothing)
    )  # fmt: skip
    assert "hang on the way" in show.other_ways_paragraph(
        changed(changed(found, "local", **nothing), "balanced", value=0.2, p_holm=0.001)
    )
    rows, design = respondents
    alike = section.balance(rows, design, survey.domains(rows, stand_in.CONFIG["population_classes"]))
    assert "larger among partners" in show.partners_paragraph(alike)
    even = dataclasses.replace(alike, table=alike.table.assign(before=0.01, after=0.0))
    assert "hardly differ" in show.partners_paragraph(even)
    assert "held alike throughout" in show.balance_paragraph(even)
    assert "not held alike quite" in show.balance_paragraph(
        dataclasses.replace(alike, table=alike.table.assign(after=0.3))
    )


def test_the_chapter_has_its_exhibits(exhibits):
    assert len(exhibits.tables) == 4
    assert len(exhibits.figures) == 3
    used = set(re.findall(r"\{\{< num (\S+)", " ".join(exhibits.texts.values())))
    assert used <= set(exhibits.numbers.numbers)
    assert not any("too uncertain" in text for text in exhibits.texts.values())
    values = exhibits.numbers.numbers
    assert values["task-forces.index.raw"]["low"] > 0
    assert values["task-forces.training.partners"]["text"]["value"].endswith("%")


def test_the_figures_are_drawn(exhibits, tmp_path):
    for figure in exhibits.figures:
        figure.write(tmp_path)
        assert (tmp_path / f"{figure.ident}.png").stat().st_size > 10_000
        assert figure.alt.endswith(".")


def test_differences_go_with_a_group_whose_mean_is_left_out(respondents):
    rows, design = respondents
    first = section.outcomes(rows)[0]
    key = watch.cell_key(
        section.partners(rows) & first.known, section.partners(rows) & (first.y > 0) & first.known, first.label
    )
    left_out = {"cells": [{"key": key}], "bases": [], "models": None}
    with watch.screening(left_out):
        found = section.compare(rows, design, 0.95).set_index("key")
    gone = found.loc[first.key]
    assert np.isnan(gone["partners"])
    assert np.isfinite(gone["others"])
    for name in (*section.METHODS, *section.OTHER_WAYS):
        assert np.isnan([gone[name].value, gone[name].se, gone[name].p]).all()
        assert gone[name].why == section.PROTECTED
    assert np.isfinite(found.loc["labor", "raw"].value)
