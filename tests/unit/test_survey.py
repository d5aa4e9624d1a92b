"""What the sections on the national survey share."""

import numpy as np
import pandas as pd
import pytest

from agency_survey import ledger
from agency_survey.design import survey_design
from agency_survey.ledger import Numbers
from agency_survey.sections import survey

CLASSES = [{"label": "Under 10,000", "from": 0}, {"label": "10,000 and over", "from": 10000}]


@pytest.fixture
def rows():
    types = ["Municipal police", "Sheriff's office", "State agency"]
    regions = ["Northeast", "Midwest", "South", "West"]
    return pd.DataFrame(
        {
            "agency_type": pd.Categorical([types[k] for k in (0, 0, 1, 1, 2)], types),
            "population": pd.array([5000, 20000, 5000, 20000, 3000000], "Int64"),
            "region": pd.Categorical([regions[k] for k in (0, 1, 2, 3, 0)], regions),
            "metropolitan": pd.Categorical(["Metropolitan", "Non-metropolitan"] * 2 + ["Metropolitan"]),
            "task_force_partner": pd.Categorical(["Yes", "No", "No", "No", "Yes"], ["Yes", "No"]),
        }
    )


def test_domains_cut_the_agencies_in_every_way(rows):
    found = {name: inside.tolist() for _, name, inside in survey.domains(rows, CLASSES)}
    assert found["All agencies"] == [True] * 5
    assert found["Local agencies"] == [True] * 4 + [False]
    assert found["Under 10,000"] == [True, False, True, False, False]
    assert found["10,000 and over"] == [False, True, False, True, False]  # the state agency is in no class
    assert found["Northeast"] == [True, False, False, False, True]
    assert found["Partner"] == [True, False, False, False, True]
    assert len(found) == 2 + 3 + 2 + 4 + 2 + 2


def test_shares_weight_the_known_answers_of_each_domain(rows):
    design = survey_design([1.0, 3.0, 2.0, 2.0, 1.0], ["a"] * 5, [9.0] * 5)
    yes = np.array([True, False, True, False, True])
    known = np.array([True, True, True, False, True])
    found = survey.shares(design, {"yes": yes}, known, survey.domains(rows, CLASSES), 0.95).set_index("domain")
    assert found.loc["All agencies", "share"] == pytest.approx(4 / 7)
    assert found.loc["Municipal police", "share"] == pytest.approx(1 / 4)
    assert found.loc["All agencies", "n"] == 4
    assert found.loc["West", "n"] == 0
    assert np.isnan(found.loc["West", "share"])


def test_a_share_without_answers_is_recorded_as_missing(rows):
    design = survey_design([1.0] * 5, ["a"] * 5, [9.0] * 5)
    none = np.zeros(5, dtype=bool)
    found = survey.shares(design, {"yes": none}, none, survey.domains(rows, CLASSES)[:1], 0.95)
    numbers = Numbers("x")
    survey.add_share(numbers, "x.y", next(found.itertuples()), "label", 0.95)
    assert numbers.numbers["x.y"]["value"] is None
    assert numbers.numbers["x.y"]["n"] == 0


def test_unreliable_shares_are_left_out():
    limits = {"flag_rse": 0.3, "hide_rse": 0.5, "hide_n": 10}
    found = pd.DataFrame({"share": [0.5, 0.5, 0.02], "se": [0.05, 0.05, 0.02], "n": [50, 9, 50]})
    assert survey.shown(found, limits).index.size == 1


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Sheriff's office", "sheriffs-office"),
        ("250,000 and over", "250000-and-over"),
        ("Supplement, over 75,000 people", "supplement-over-75000-people"),
    ],
)
def test_slug(label, expected):
    assert ledger.slug(label) == expected


def test_communities():
    assert survey.communities("Under 2,500") == "communities under 2,500"
    assert survey.communities("250,000 and over") == "communities of 250,000 and over"


def test_only_synthetic_records_are_called_synthetic():
    assert "synthetic" in survey.source(True)
    assert "synthetic" in survey.caption("A", True)
    assert "callout-important" in survey.notice(True)
    for text in (survey.source(False), survey.caption("A", False), survey.notice(False)):
        assert "synthetic" not in text.lower()
