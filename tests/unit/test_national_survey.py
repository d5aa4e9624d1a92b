"""Inclusion probabilities, weight factors and respondents of the national survey on a frame small enough to check."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agency_survey import national_survey as survey
from agency_survey import schema
from agency_survey.errors import InputError

DESIGN = {
    "population_threshold": 75_000,
    "mailed": 10,
    "random_sample": {"allocation": {1: {1: 4, 2: "all"}, 3: {1: 2, 2: "all"}}},
}


def frame() -> pd.DataFrame:
    """10 small police departments (one a partner), 3 large ones (one over the threshold), 4 small state agencies."""
    rows = [(f"P{k}", 0, 0, 1000 + k, "Yes" if k == 9 else "No") for k in range(10)]
    rows += [(f"L{k}", 0, 1, population, "No") for k, population in enumerate((60_000, 75_000, 75_001))]
    rows += [(f"S{k}", 2, 0, 500, "No") for k in range(4)]
    found = pd.DataFrame(rows, columns=["agency_id", "kind", "size", "population", "task_force_partner"])
    found["agency_type"] = pd.Categorical.from_codes(found.pop("kind"), survey.TYPES)
    found["population_class"] = pd.Categorical.from_codes(found.pop("size"), survey.CLASSES, ordered=True)
    found["task_force_partner"] = pd.Categorical(found["task_force_partner"], ["Yes", "No"])
    found["population"] = found["population"].astype("Int64")
    return found


def disposition(**outcome: str) -> pd.DataFrame:
    """Four small departments, the partner, the large ones and two state agencies; all complete but those named."""
    ids = ["P0", "P1", "P2", "P3", "P9", "L0", "L1", "L2", "S0", "S1"]
    return made([(i, outcome.get(i, survey.COMPLETE)) for i in ids])


def made(rows: list[tuple[str, str]]) -> pd.DataFrame:
    """Dispositions of the given agencies."""
    found = pd.DataFrame(rows, columns=["agency_id", "outcome"])
    found["outcome"] = pd.Categorical(found["outcome"], survey.OUTCOMES)
    return found


def sample(smallest: int = 1, design: dict = DESIGN, **outcome: str) -> pd.DataFrame:
    """The weighed sample; the partner and the agency over the threshold make up the group of certainties."""
    return survey.sampled_agencies(frame(), disposition(**outcome), design, smallest).set_index("agency_id")


def test_certainties_are_partners_and_agencies_above_the_threshold():
    found = survey.certainty(frame(), 75_000)
    assert frame().loc[found, "agency_id"].tolist() == ["P9", "L2"]


def test_probability_is_that_of_the_random_sample_and_one_for_certainties():
    found = sample()
    assert found["inclusion_probability"].to_dict() == pytest.approx(
        {"P0": 0.4, "P1": 0.4, "P2": 0.4, "P3": 0.4, "P9": 1, "L0": 1, "L1": 1, "L2": 1, "S0": 0.5, "S1": 0.5}
    )
    np.testing.assert_allclose(found["base_weight"], 1 / found["inclusion_probability"])


def test_poststratification_meets_the_frame_by_stratum_and_certainty():
    """Nine small departments are no certainties and four of them were drawn: 9 / 4, not 1 / 0.4."""
    found = sample()
    before = found["base_weight"] * found["poststratification"]
    assert before[["P0", "P9", "L0", "S0"]].tolist() == pytest.approx([9 / 4, 1, 1, 2])
    assert before.sum() == pytest.approx(len(frame()))


def test_respondents_carry_the_non_respondents_of_their_class():
    found = sample(P1="Refusal")
    assert found["weight"][["P0", "P1", "P2"]].tolist() == pytest.approx([3, 0, 3])
    assert found["weight"].sum() == pytest.approx(len(frame()))
    np.testing.assert_allclose(
        found["weight"], found["base_weight"] * found["poststratification"] * found["nonresponse"]
    )


def test_closed_agencies_are_nobodys_burden():
    found = sample(P1=survey.INELIGIBLE)
    assert found["weight"][["P0", "P1", "P2"]].tolist() == pytest.approx([9 / 4, 0, 9 / 4])
    assert found["weight"].sum() == pytest.approx(len(frame()) - 9 / 4)
    assert not found.loc["P1", "eligible"]


@pytest.mark.parametrize("outcome", ["Partial", "Refusal", "No contact", "Undeliverable"])
def test_only_complete_forms_are_respondents(outcome):
    found = sample(P1=outcome)
    assert not found.loc["P1", "responded"]
    assert found.loc["P1", "eligible"]
    assert found.loc["P1", "weight"] == 0


def test_population_of_a_cell_is_the_sum_of_its_weights():
    found = sample(P1="Refusal")
    sums = found.groupby("cell")["weight"].sum()
    assert (found["cell_population"] == found["cell"].map(sums)).all()
    assert found.loc["P0", "cell"] != found.loc["P9", "cell"]


def test_small_cells_are_collapsed_but_certainties_stay_apart():
    found = sample(smallest=4)
    assert found.loc["P0", "cell"] == "Municipal police, sampled, class 1 to 2" == found.loc["L0", "cell"]
    assert found.loc["P9", "cell"] == "Municipal police, certainty, class 1 to 2" == found.loc["L2", "cell"]


def test_an_agency_that_the_frame_does_not_hold_is_refused():
    odd = pd.concat([disposition(), made([("X1", survey.COMPLETE)])])
    with pytest.raises(InputError, match="The agency X1 is in the dispositions but not in the frame"):
        survey.sampled_agencies(frame(), odd, DESIGN, 1)


def test_a_stratum_without_an_allocation_is_refused():
    design = {**DESIGN, "random_sample": {"allocation": {1: {1: 4, 2: "all"}}}}
    with pytest.raises(InputError, match="No allocation for agency type 3, population class 1"):
        sample(design=design)


def test_an_allocation_larger_than_its_stratum_is_refused():
    design = {**DESIGN, "random_sample": {"allocation": {1: {1: 11, 2: "all"}, 3: {1: 2}}}}
    with pytest.raises(InputError, match="exceeds the frame's 10 agencies in Municipal police, Under 2,500"):
        sample(design=design)


def test_a_cell_of_the_frame_that_nobody_was_drawn_from_is_refused():
    with pytest.raises(InputError, match="The sample holds no agency of the cell State agency, Under 2,500"):
        survey.sampled_agencies(frame(), disposition().iloc[:8], {**DESIGN, "mailed": 8}, 1)


def test_dispositions_that_are_cut_short_are_refused():
    with pytest.raises(InputError, match="There are 9 dispositions where the sample design says that 10 were mailed"):
        survey.sampled_agencies(frame(), disposition().iloc[:9], DESIGN, 1)


def test_a_certainty_without_a_disposition_is_refused():
    cut = disposition()
    cut = cut[cut["agency_id"] != "P9"]
    with pytest.raises(InputError, match="The agency P9 is in the sample with certainty but has no disposition"):
        survey.sampled_agencies(frame(), cut, {**DESIGN, "mailed": 9}, 1)


def answers_of(found: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"agency_id": found.index[found["responded"]], "q1": 1.0})


def test_respondents_have_their_answers_and_a_design_of_their_cells():
    found = sample(smallest=2, P1="Refusal")
    rows, design = survey.respondents(found.reset_index(), answers_of(found).sample(frac=1, random_state=1))
    assert sorted(rows["agency_id"]) == sorted(found.index[found["responded"]])
    assert rows["q1"].notna().all()
    np.testing.assert_allclose(design.weight, found.loc[rows["agency_id"], "weight"])
    assert design.population.sum() == pytest.approx(len(frame()))


def test_answers_and_dispositions_must_match():
    found = sample(smallest=2, P1="Refusal")
    answers = answers_of(found)
    with pytest.raises(InputError, match="The agency L0 has a completed disposition but no answers"):
        survey.respondents(found.reset_index(), answers[answers["agency_id"] != "L0"])
    more = pd.concat([answers, pd.DataFrame({"agency_id": ["P1"], "q1": [2.0]})])
    with pytest.raises(InputError, match="The agency P1 has answers but no completed disposition"):
        survey.respondents(found.reset_index(), more)


def test_the_shipped_design_names_every_source_once():
    design = schema.load(Path(__file__).parents[2] / "config/sample_design.yaml", "sample_design")
    assert len(set(design["sources"].values())) == len(design["sources"])


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("outcome", lambda c: c.rename_categories({"Complete": "Done"}), "has the label 'Done' but lacks 'Complete'"),
        ("outcome", lambda c: c.remove_categories("Partial"), "lacks the label 'Partial'"),
        ("agency_type", lambda c: c.remove_categories("Sheriff's office"), "lacks the label 'Sheriff's office'"),
        ("agency_type", lambda c: c.add_categories("Tribal"), "has the label 'Tribal', which is not known"),
        ("agency_type", lambda c: c.reorder_categories(survey.TYPES[::-1]), "'State agency' in the place of 'Munic"),
        ("population_class", lambda c: c.remove_categories(survey.CLASSES[4]), "lacks the label '50,000 to 75,000'"),
        ("population_class", lambda c: c.reorder_categories(survey.CLASSES[::-1]), "in the place of 'Under 2,500'"),
        ("task_force_partner", lambda c: c.rename_categories({"Yes": "Partner"}), "has the label 'Partner'"),
    ],
)
def test_labels_that_the_design_does_not_know_are_refused_with_the_codebook(name, change, words):
    both = {"frame": frame(), "disposition": disposition()}
    holder = "disposition" if name == "outcome" else "frame"
    both[holder][name] = change(both[holder][name].cat)
    with pytest.raises(InputError) as refused:
        survey.sampled_agencies(both["frame"], both["disposition"], DESIGN, 1)
    said = str(refused.value)
    assert f"'{name}' " in said
    assert words in said
    assert f"config/codebooks/{holder}.yaml" in said
    assert survey.MODULE in said


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("outcome", "data/raw/disposition.csv"),
        ("agency_type", "data/frame/frame.csv"),
        ("population", "data/frame/frame.csv"),
        ("population_class", "data/frame/frame.csv"),
        ("task_force_partner", "data/frame/frame.csv"),
    ],
)
def test_design_variables_outside_the_codebook_are_refused_with_agency_and_file(name, where):
    both = {"disposition": disposition(), "frame": frame()}
    table = both["disposition" if name == "outcome" else "frame"]
    table.loc[2, name] = pd.NA
    table[f"{name}__missing"] = ["invalid" if row == 2 else None for row in table.index]
    with pytest.raises(InputError) as refused:
        survey.sampled_agencies(both["frame"], both["disposition"], DESIGN, 1)
    said = str(refused.value)
    assert said.startswith(f"The value of '{name}' of the agency P2 is not one that the codebook allows")
    assert f"({where}, variable {name})" in said


def test_an_agency_without_an_identifier_is_refused():
    """Two missing identifiers would match each other."""
    table = disposition()
    table.loc[2, "agency_id"] = None
    with pytest.raises(InputError, match="The value of 'agency_id' is missing"):
        survey.sampled_agencies(frame(), table, DESIGN, 1)


def test_a_population_may_be_missing_only_where_it_does_not_apply():
    table = frame()
    table["population"] = table["population"].mask(table["agency_id"] == "S3")
    table["population__missing"] = ["not_applicable" if i == "S3" else None for i in table["agency_id"]]
    assert len(survey.sampled_agencies(table, disposition(), DESIGN, 1)) == 10
    table["population__missing"] = ["missing" if i == "S3" else None for i in table["agency_id"]]
    with pytest.raises(InputError, match="'population' of the agency S3 is missing"):
        survey.sampled_agencies(table, disposition(), DESIGN, 1)
