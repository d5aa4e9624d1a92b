"""Inclusion probabilities, weight factors and respondents of the national survey on a frame small enough to check."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agency_survey import estimate, schema
from agency_survey import national_survey as survey
from agency_survey.errors import InputError

DESIGN = {
    "population_threshold": 75_000,
    "mailed": 10,
    "random_sample": {"allocation": {1: {1: 4, 2: "all"}, 3: {1: 2, 2: "all"}}},
}


def settings(smallest: int = 1, raking=(), cap=None, **nonresponse) -> dict:
    rules = {"method": "classes", "smallest_class": smallest, "propensity_strata": 2, "unknown_eligibility": "all"}
    return {"nonresponse": rules | nonresponse, "weights": {"raking": list(raking), "cap": cap}}


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


def sample(smallest: int = 1, design: dict = DESIGN, rules: dict | None = None, **outcome: str) -> pd.DataFrame:
    """The weighed sample; the partner and the agency over the threshold make up the group of certainties."""
    found, _ = survey.weigh(frame(), disposition(**outcome), design, rules or settings(smallest))
    return found.set_index("agency_id")


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
    np.testing.assert_allclose(found["weight"], found[survey.STEPS].prod(axis=1))


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
        survey.weigh(frame(), odd, DESIGN, settings())


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
        survey.weigh(frame(), disposition().iloc[:8], {**DESIGN, "mailed": 8}, settings())


def test_dispositions_that_are_cut_short_are_refused():
    with pytest.raises(InputError, match="There are 9 dispositions where the sample design says that 10 were mailed"):
        survey.weigh(frame(), disposition().iloc[:9], DESIGN, settings())


def test_a_certainty_without_a_disposition_is_refused():
    cut = disposition()
    cut = cut[cut["agency_id"] != "P9"]
    with pytest.raises(InputError, match="The agency P9 is in the sample with certainty but has no disposition"):
        survey.weigh(frame(), cut, {**DESIGN, "mailed": 9}, settings())


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
        survey.weigh(both["frame"], both["disposition"], DESIGN, settings())
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
        survey.weigh(both["frame"], both["disposition"], DESIGN, settings())
    said = str(refused.value)
    assert said.startswith(f"The value of '{name}' of the agency P2 is not one that the codebook allows")
    assert f"({where}, variable {name})" in said


def test_an_agency_without_an_identifier_is_refused():
    """Two missing identifiers would match each other."""
    table = disposition()
    table.loc[2, "agency_id"] = None
    with pytest.raises(InputError, match="The value of 'agency_id' is missing"):
        survey.weigh(frame(), table, DESIGN, settings())


def test_a_population_may_be_missing_only_where_it_does_not_apply():
    table = frame()
    table["population"] = table["population"].mask(table["agency_id"] == "S3")
    table["population__missing"] = ["not_applicable" if i == "S3" else None for i in table["agency_id"]]
    assert len(survey.weigh(table, disposition(), DESIGN, settings())[0]) == 10
    table["population__missing"] = ["missing" if i == "S3" else None for i in table["agency_id"]]
    with pytest.raises(InputError, match="'population' of the agency S3 is missing"):
        survey.weigh(table, disposition(), DESIGN, settings())


# ---- steps after the sampling weight ---------------------------------------------------------------------------------


def test_undeliverable_forms_follow_the_configured_rule():
    """P0 to P3 stand for 9 departments. P1 is closed, P2 undeliverable; P0 and P3 answered.

    proportional: P2's 9/4 is shared by P0, P1 and P3, so 3 each and 6 in operation; all: P2 is a non-respondent, and P0
    and P3 carry 3 * 9/4; none: P2 is as closed as P1.
    """
    outcome = {"P1": survey.INELIGIBLE, "P2": "Undeliverable"}
    for rule, weight in {"proportional": 3.0, "all": 3.375, "none": 2.25}.items():
        found = sample(rules=settings(unknown_eligibility=rule), **outcome)
        assert found["weight"][["P0", "P1", "P2", "P3"]].tolist() == pytest.approx([weight, 0, 0, weight])
        assert found.loc["P0", "cell_population"] == pytest.approx(2 * weight)


def test_raking_meets_the_frame_with_the_closed_agencies():
    """Margins: type (13 and 4 agencies) by class (14 and 3). P1 is closed and stands for its part until the end."""
    rules = settings(2, raking=["agency_type", "population_class"])
    found, record = survey.weigh(frame(), disposition(P1=survey.INELIGIBLE, P2="Refusal"), DESIGN, rules)
    found = found.set_index("agency_id")
    before_scope = found[survey.STEPS[:-1]].prod(axis=1)
    for name, counts in (("agency_type", [13, 4]), ("population_class", [14, 3])):
        sums = before_scope.groupby(found[name], observed=True).sum()
        assert sums.tolist() == pytest.approx(counts, rel=1e-10)
    assert found.loc["P1", "weight"] == 0 < before_scope["P1"]
    assert found["weight"].sum() == pytest.approx(17 - before_scope["P1"])
    by_category = {line["category"]: line for line in record["margins"]}
    assert by_category["Municipal police"]["closed"] == pytest.approx(before_scope["P1"])
    assert by_category["Under 2,500"]["respondents"] == 5
    np.testing.assert_allclose(found["weight"], found[survey.STEPS].prod(axis=1), rtol=1e-14)


def test_margins_with_few_respondents_are_joined_with_a_neighbour():
    found = sample(rules=settings(4, raking=["population_class"]))
    assert set(found["raking_population_class"]) == {"Under 2,500 or 2,500 to 9,999"}


def test_a_margin_without_a_value_is_refused():
    table = frame()
    table["region"] = pd.Categorical(["South"] * 16 + [None], ["South"])
    table["region__missing"] = [None] * 16 + ["missing"]
    with pytest.raises(InputError, match="'region' of the agency S3 is missing"):
        survey.weigh(table, disposition(), DESIGN, settings(raking=["region"]))


def test_trimming_hands_the_cut_to_others_of_the_group_and_records_the_loss():
    """P0 alone answers for nine departments, L0 and L1 for themselves: at five times the median of 1, 4 of P0's 9 go."""
    silent = dict.fromkeys(["P1", "P2", "P3"], "Refusal")
    found, record = survey.weigh(frame(), disposition(**silent), DESIGN, settings(cap=5))
    weight = found.set_index("agency_id")["weight"]
    assert weight[["P0", "L0", "L1", "P9", "S0"]].tolist() == pytest.approx([5, 3, 3, 1, 2])
    loss = {line["class"]: line for line in record["trimming"]}["Municipal police, sampled"]
    assert (loss["trimmed"], loss["moved"], loss["share"]) == pytest.approx((1, 4, 4 / 11))
    with pytest.raises(InputError, match="too low to hold the weight of the class Municipal police, sampled"):
        survey.weigh(frame(), disposition(**silent), DESIGN, settings(cap=2))


def test_propensity_strata_replace_the_classes():
    rules = settings(1, method="propensity", propensity_strata=2)
    many = pd.concat(
        [frame().assign(agency_id=lambda t, k=k: t["agency_id"] + f"-{k}") for k in range(20)], ignore_index=True
    )
    for name in ("agency_type", "population_class"):
        many[name] = many[name].astype(frame()[name].dtype)
    taken = [f"{i}-{k}" for i in disposition()["agency_id"] for k in range(20)]
    rng = np.random.default_rng(3)
    outcomes = np.where(rng.random(200) < 0.6, survey.COMPLETE, "Refusal")
    design = {**DESIGN, "mailed": 200, "random_sample": {"allocation": {1: {1: 80, 2: "all"}, 3: {1: 40, 2: "all"}}}}
    found, record = survey.weigh(many, made(list(zip(taken, outcomes, strict=True))), design, rules)
    assert found["weight"].sum() == pytest.approx(340)
    assert found.loc[found["responded"], "nonresponse"].nunique() == 2
    assert "task_force_partner: No" in record["propensity"]["coefficients"]


def test_a_weight_that_is_not_the_product_of_its_factors_is_refused():
    found = sample(smallest=2).reset_index()
    found.loc[3, "weight"] += 1e-6
    with pytest.raises(InputError, match="is not the product of its factors"):
        survey.respondents(found, answers_of(found.set_index("agency_id")))


def test_estimates_know_of_the_raking():
    """A margin raked on is known: no variance. The variance of another total is that of its residuals, by hand."""
    rules = settings(2, raking=["agency_type", "population_class"])
    found, _ = survey.weigh(frame(), disposition(P1="Refusal"), DESIGN, rules)
    rows, design = survey.respondents(found, answers_of(found.set_index("agency_id")))
    large = (rows["population_class"] == survey.CLASSES[1]).to_numpy(float)
    assert estimate.total(design, large).value[0] == pytest.approx(3)
    assert estimate.total(design, large).se[0] == pytest.approx(0, abs=1e-9)
    y = np.arange(len(rows), dtype=float) ** 1.5
    x = np.column_stack([(rows["agency_type"] == survey.TYPES[0]), np.ones(len(rows)), large]).astype(float)
    d = rows["weight"] / rows["raking"]
    beta = np.linalg.solve(x.T @ (x * d.to_numpy()[:, None]), x.T @ (d * y).to_numpy())
    z = rows["weight"].to_numpy() * (y - x @ beta)
    variance = 0.0
    for _, at in rows.groupby("cell").indices.items():
        n, size = len(at), rows["cell_population"].iloc[at[0]]
        variance += (1 - n / size) * n / max(n - 1, 1) * ((z[at] - z[at].mean()) ** 2).sum() if n < size else 0
    assert estimate.total(design, y).se[0] == pytest.approx(np.sqrt(variance), rel=1e-9)


# ---- Parts II and III ------------------------------------------------------------------------------------------------


def followed():
    """40 police respondents of one class in two cells; 20 asked, 12 of them returned Part II.

    Weights 2 in the first cell (30 mailed for 60, all answered) and 1 in the certainties' (10 of 10).
    """
    kinds = pd.Categorical.from_codes([0] * 40, survey.TYPES)
    sizes = pd.Categorical.from_codes([2] * 20 + [3] * 20, survey.CLASSES, ordered=True)
    certain = np.arange(40) >= 30
    table = pd.DataFrame(
        {
            "agency_id": [f"A{k:02d}" for k in range(40)],
            "agency_type": kinds,
            "population_class": sizes,
            "responded": True,
            "cell": np.where(certain, "certain", "drawn"),
            "cell_population": np.where(certain, 10.0, 60.0),
            "base_weight": np.where(certain, 1.0, 2.0),
            **dict.fromkeys(survey.STEPS[1:], 1.0),
        }
    )
    table["weight"] = table["base_weight"]
    asked = [f"A{k:02d}" for k in range(10, 30)]
    returned = [f"A{k:02d}" for k in [10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 25, 26]]
    return table, asked, returned


def test_follow_up_weights_are_the_first_times_asked_over_returned():
    table, asked, returned = followed()
    part, record = survey.followed_up(table, asked, [*returned, "ZZZ"], 2)
    part = part.set_index("agency_id")
    assert part.loc["A10", "factor"] == pytest.approx(10 / 5)
    assert part.loc["A20", "factor"] == pytest.approx(10 / 7)
    assert part.loc["A20", "weight"] == pytest.approx(2 * 10 / 7)
    assert part.loc[["A00", "A15"], "weight"].tolist() == [0, 0]
    assert part.loc["A00", "response_class"] == survey.NOT_ASKED
    assert part["asked"].sum() == 20
    assert record["without_part1"] == 1
    few, record = survey.followed_up(table, asked, returned, 6)
    assert set(few.loc[few["asked"], "factor"]) == {0, 20 / 12}
    assert record["collapsed"][0]["classes"] == [3, 4]


def test_an_agency_that_returned_part2_counts_as_asked():
    table, asked, returned = followed()
    part, _ = survey.followed_up(table, asked, [*returned, "A35"], 2)
    assert part.set_index("agency_id").loc["A35", "asked"]


def test_part2_estimates_have_the_engines_two_phase_variance():
    """Against ``second_phase`` on the same sample, and V1 + V2 by pairs (Saerndal et al. 1992, result 9.3.1)."""
    table, asked, returned = followed()
    part, _ = survey.followed_up(table, asked, returned, 2)
    y = np.random.default_rng(2).normal(5, 2, 40)
    answers = pd.DataFrame({"agency_id": table["agency_id"], "q": y})
    answers = answers[answers["agency_id"].isin(returned)]
    rows, design = survey.part2_respondents(table, part, answers)
    assert rows["part2"].sum() == 12
    assert rows.loc[~rows["part2"], "q"].isna().all()
    got = estimate.total(design, rows["q"], rows["part2"].to_numpy())

    # by pairs: strata of phase 1, classes of phase 2; the expectation over phase 2 of its own variance, estimated
    weight, back = part["weight"].to_numpy(), part["returned"].to_numpy()
    first, label = table["weight"].to_numpy(), part["response_class"].to_numpy()
    n_h, size_h = table["cell"].map({"certain": 10, "drawn": 30}), table["cell"].map({"certain": 10, "drawn": 60})
    cell = table["cell"].to_numpy()
    total = 0.0
    for k in np.flatnonzero(back):
        for m in np.flatnonzero(back):
            share_k, share_m = n_h[k] / size_h[k], n_h[m] / size_h[m]
            if k == m:
                both = share_k
            elif cell[k] == cell[m]:
                both = share_k * (n_h[k] - 1) / (size_h[k] - 1)
            else:
                both = share_k * share_m
            inside = [label == label[k], label == label[m]]
            rates = [back[i].sum() / i.sum() for i in inside]
            if k == m:
                pair = rates[0]
            elif label[k] == label[m]:
                n, m_g = inside[0].sum(), back[inside[0]].sum()
                pair = rates[0] * (m_g - 1) / (n - 1)
            else:
                pair = rates[0] * rates[1]
            v1 = (both - share_k * share_m) / both / pair * first[k] * first[m] * y[k] * y[m]
            v2 = (pair - rates[0] * rates[1]) / pair * weight[k] * weight[m] * y[k] * y[m]
            total += v1 + v2
    assert got.value[0] == pytest.approx((weight * y)[back].sum())
    assert got.variance[0] == pytest.approx(total, rel=1e-9)
    assert got.n[0] == 12
    assert got.df[0] == 12 - 2


def case_rows() -> pd.DataFrame:
    """A20 described two of five cases, A21 its only one, A22 three though it counted two; A23 does not know how many."""
    told = {"A20": 2, "A21": 1, "A22": 3, "A23": 2, "A24": 1}
    rows = [(agency, number + 1) for agency, count in told.items() for number in range(count)]
    found = pd.DataFrame(rows, columns=["agency_id", "case_number"])
    return found.assign(victims=[3.0, 1, 4, 1, 5, 9, 2, 6, 5])


def test_cases_carry_the_agencys_weight_or_stand_for_all_its_cases():
    table, asked, _ = followed()
    part, _ = survey.followed_up(table, asked, ["A20", "A21", "A22", "A23", "A24"], 5)
    part["cases"] = part["agency_id"].map({"A20": 5.0, "A21": 1.0, "A22": 2.0, "A24": 4.0})
    rows, design = survey.cases(table, part, case_rows(), "described")
    described = rows["described"].to_numpy()
    assert described.sum() == 9
    np.testing.assert_allclose(design.weight[described], 2 * 20 / 5)
    assert not design.weight[~described].any()
    _, all_cases = survey.cases(table, part, case_rows(), "all")
    first = rows.assign(weight=all_cases.weight / 8).query("described").groupby("agency_id")["weight"].first()
    assert first.to_dict() == {"A20": 2.5, "A21": 1.0, "A22": 1.0, "A23": 1.0, "A24": 4.0}


def test_variance_of_cases_is_the_two_phase_one_of_their_sums_by_agency():
    table, asked, _ = followed()
    part, _ = survey.followed_up(table, asked, ["A10", "A20", "A21", "A22", "A23", "A24"], 3)
    part["cases"] = np.nan
    told = pd.concat([case_rows(), pd.DataFrame({"agency_id": ["A10"], "case_number": [1], "victims": [7.0]})])
    shuffled = told.sample(frac=1, random_state=4)
    rows, design = survey.cases(table, part, shuffled, "described")
    described = rows["described"].to_numpy()
    got = estimate.total(design, rows["victims"], described)
    agencies, phases = survey.two_phases(table, part)
    sums = agencies["agency_id"].map(told.groupby("agency_id")["victims"].sum()).fillna(0)
    wanted = estimate.total(phases, sums)
    assert got.value[0] == pytest.approx(wanted.value[0])
    assert got.variance[0] == pytest.approx(wanted.variance[0], rel=1e-12)
    assert got.df[0] == 6 - 1
    assert got.n[0] == 10


def test_cases_and_weights_of_different_builds_are_refused():
    table, asked, returned = followed()
    part, _ = survey.followed_up(table, asked, returned, 5)
    part["cases"] = np.nan
    with pytest.raises(InputError, match="has a weight for Part III but no case"):
        survey.cases(table, part, case_rows(), "all")
    with pytest.raises(InputError, match="has a weight for Part II but no answers"):
        survey.part2_respondents(table, part, pd.DataFrame({"agency_id": ["A20"]}))
    with pytest.raises(InputError, match="not those of the Part I respondents"):
        survey.part2_respondents(table, part.iloc[1:], pd.DataFrame({"agency_id": ["A20"]}))
    part.loc[10, "factor"] = 3.0
    with pytest.raises(InputError, match="is not the product of its factors"):
        survey.part2_respondents(table, part, pd.DataFrame({"agency_id": returned}))


def test_number_of_cases_comes_from_the_first_part_that_gives_it():
    part1 = pd.DataFrame(
        {
            "agency_id": ["A", "B", "C", "D", "E"],
            "q14_cases": pd.array([4, None, None, None, 0], "Int64"),
            "q15a_sex_cases": pd.array([1, 2, 2, None, None], "Int64"),
            "q15b_labour_cases": pd.array([1, 3, None, None, None], "Int64"),
        }
    )
    by_year = pd.DataFrame(
        {
            "agency_id": ["C", "D"],
            "q1_sex_2000": pd.array([1, 1], "Int64"),
            "q2_labour_2000": pd.array([6, None], "Int64"),
            "q1_sex_2000__missing": ["", ""],
        }
    )
    found = survey.number_of_cases(part1, by_year)
    assert found["cases"].to_dict() == {"A": 4, "B": 5, "C": 7}
    assert found["source"]["C"] == "Part II, by year"
