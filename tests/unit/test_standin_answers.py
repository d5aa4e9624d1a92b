"""The stand-in's true answers: published figures, skip logic, associations, clustering; and the returned forms."""

import numpy as np
import pandas as pd
import pytest
import standin_tables
import statsmodels.api as sm

from agency_survey import ingest, logic, standin
from agency_survey.standin import forms
from agency_survey.standin.tools import stream, values

ROOT = standin_tables.ROOT
TRAINING = ["q6a_roll_call", "q6b_academy", "q6c_in_service", "q6d_conference", "q6e_online"]
SEX = [f"q1_sex_{year}" for year in range(2000, 2007)]
LABOUR = [f"q2_labour_{year}" for year in range(2000, 2007)]
AGES = ["q3a_under_18", "q3b_18_to_24", "q3c_25_and_over", "q3d_age_unknown"]


@pytest.fixture(scope="module")
def settings():
    return standin_tables.settings()


@pytest.fixture(scope="module")
def books():
    return standin_tables.books()


@pytest.fixture(scope="module")
def tables():
    return standin_tables.world()


@pytest.fixture(scope="module")
def truth(tables):
    """Agencies in operation with their frame variables."""
    return tables["population"].merge(tables["frame"]).query("in_operation == 1")


@pytest.fixture(scope="module")
def local(truth):
    return truth[truth["agency_type"] < 3]


@pytest.fixture(scope="module")
def typed(tables, books, tmp_path_factory):
    """Untouched files as the workflow reads them."""
    folder, found = tmp_path_factory.mktemp("untouched"), {}
    for name, book in books.items():
        path = folder / f"{name}.csv"
        tables[name].to_csv(path, index=False)
        table, misfits = ingest.typed(ingest.read_raw(path, book), book)
        assert misfits.empty, misfits.head()
        found[name] = table.reset_index(drop=True)
    return found


def share(yes):
    return float(yes.mean())


def test_shares_published_for_local_agencies_are_met(local):
    assert share(local["q6_training"] == 1) == pytest.approx(0.18, abs=1e-4)
    assert share(local["q9_protocol"] == 1) == pytest.approx(0.09, abs=1e-4)
    assert share(local["q10_personnel"] < 3) == pytest.approx(0.04, abs=1e-4)
    assert share(local["q13_any_case"] == 1) == pytest.approx(0.07, abs=1e-4)


def test_over_half_of_large_agencies_and_every_type_have_a_case(truth):
    case = truth["q13_any_case"] == 1
    assert share(case[truth["population"] > 250_000]) > 0.5
    assert (truth[case]["agency_type"].value_counts() >= 5).all()
    assert truth[case]["agency_type"].nunique() == 3
    assert case[truth["population"] < 10_000].sum() > 50


def test_figures_of_agencies_with_cases_are_met(truth, tables):
    several = truth[(truth["q13_any_case"] == 1) & (truth["q14_cases"] > 1)]
    one_type = (several["q15a_sex_cases"] == 0) | (several["q15b_labour_cases"] == 0)
    assert share(one_type) == pytest.approx(0.70, abs=2e-3)
    part2 = tables["investigations"].merge(truth[["agency_id"]])
    assert share(part2["q6_networks"] == 1) == pytest.approx(0.92, abs=1e-3)
    victims = tables["cases"][AGES].sum()
    assert victims.iloc[:2].sum() / victims.iloc[:3].sum() == pytest.approx(0.62, abs=1e-4)
    time = part2.loc[part2["q12_more_time"] < 4, "q12_more_time"]
    assert share(time == 1) > 0.5
    answered = part2[[name for name in part2 if name.startswith(("q3", "q4"))]].eq(1).mean()
    assert answered.filter(regex="^q3").idxmax() == "q3a_other_investigations"
    assert answered.filter(regex="^q4").idxmax() == "q4a_indicators"
    assert tables["cases"]["q7_came_to_light"].value_counts().idxmax() == 1


def test_committed_calibration_table_says_what_the_data_hold(settings, tables, local):
    table = pd.read_csv(ROOT / "data/raw/truth/calibration.csv", dtype=str, keep_default_na=False).set_index("figure")
    assert table.loc["P040", "population"] == f"{share(local['q13_any_case'] == 1):.4f}"
    assert (table.loc[["P037", "P038", "P039"], "calibrated"] == "no").all()
    assert (table.loc[["P037", "P038", "P039"], "how"] != "").all()
    calibrated = table[table["calibrated"] == "yes"]
    assert set(calibrated.index) == {
        entry["figure"] for entry in [*settings["calibrations"], *settings["frame_calibrations"]]
    }
    above = calibrated[calibrated["target"].str.startswith("above ")]
    for name in ("population", "sample"):
        assert (above[name].astype(float) > above["target"].str.removeprefix("above ").astype(float)).all()
    assert (calibrated["how"] != "").all()
    for name in ("population", "sample"):
        exact = calibrated[calibrated["target"].str.fullmatch(r"0\.\d+") & (calibrated[name] != "")]
        gap = (exact[name].astype(float) - exact["target"].astype(float)).abs()
        assert len(exact) >= 8
        assert gap.max() < (0.002 if name == "population" else 0.06)
    assert float(table.loc["P041", "sample"]) > 0.5
    assert float(table.loc["P042", "sample"]) == 0


def logit(answer, columns):
    return sm.Logit(answer.astype(float), sm.add_constant(columns.astype(float))).fit(disp=0)


def test_preparation_and_identification_hang_together(truth):
    """Fitted on the population: every coefficient has the published sign and is far from zero."""
    ratings = truth.filter(regex="^q[1-4]_")
    columns = pd.DataFrame(
        {
            "size": np.log10(truth["population"]),
            "task_force": truth["task_force_partner"] == 1,
            "metropolitan": truth["metropolitan"] == 1,
            "perceived": (ratings < 4).any(axis=1),
        }
    )
    training = logit(truth["q6_training"] == 1, columns)
    assert (training.tvalues[["size", "task_force", "perceived"]] > 4).all()
    columns["training"] = truth["q6_training"] == 1
    columns["protocol"] = truth["q9_protocol"] == 1
    personnel = logit(truth["q10_personnel"] < 3, columns)
    assert (personnel.tvalues[["size", "task_force", "training", "protocol"]] > 4).all()
    without = logit(truth["q13_any_case"] == 1, columns[["size", "metropolitan"]])
    columns["personnel"] = truth["q10_personnel"] < 3
    full = logit(truth["q13_any_case"] == 1, columns)
    assert (full.tvalues[["size", "task_force", "perceived", "training", "protocol", "personnel"]] > 3).all()
    assert full.llf - without.llf > 100
    assert 0 < full.params["size"] < without.params["size"]


def test_own_cases_are_a_source_where_there_are_cases(truth):
    case = truth["q13_any_case"] == 1
    named = truth["q5a_own_cases"] == 1
    assert named[case].mean() > 3 * named[~case].mean()


def test_numbers_of_cases_are_overdispersed_and_grow_with_size(truth):
    cases = truth.loc[truth["q13_any_case"] == 1, ["q14_cases", "population"]]
    assert cases["q14_cases"].min() == 1
    assert cases["q14_cases"].max() <= 300
    assert cases["q14_cases"].var() > 3 * cases["q14_cases"].mean()
    large = cases["population"] > 100_000
    assert cases.loc[large, "q14_cases"].mean() > 2 * cases.loc[~large, "q14_cases"].mean()


def test_parts_of_the_truth_agree(tables):
    truth, part2, cases = tables["population"], tables["investigations"], tables["cases"]
    own = truth[truth["q13_any_case"] == 1]
    assert (own["q15a_sex_cases"] + own["q15b_labour_cases"] == own["q14_cases"]).all()
    assert list(part2["agency_id"]) == list(own["agency_id"])
    assert (part2[SEX].sum(axis=1).to_numpy() == own["q15a_sex_cases"].to_numpy()).all()
    assert (part2[LABOUR].sum(axis=1).to_numpy() == own["q15b_labour_cases"].to_numpy()).all()
    described = cases.groupby("agency_id").size()
    assert (described.loc[own["agency_id"]].to_numpy() == np.minimum(own["q14_cases"], 3).to_numpy()).all()
    opened = cases.assign(year=cases["opened_on"].dt.year).merge(part2[["agency_id", *SEX, *LABOUR]], on="agency_id")
    counts = opened.groupby(["agency_id", "year"]).size()
    by_year = part2.set_index("agency_id")
    assert all(
        number <= by_year.loc[agency, f"q1_sex_{year}"] + by_year.loc[agency, f"q2_labour_{year}"]
        for (agency, year), number in counts.items()
    )
    assert (cases[AGES].sum(axis=1) == cases["q3_victims"]).all()


def test_cases_cluster_within_agencies(tables):
    """Two cases of an agency are alike in victims and origin; those of different agencies are not."""
    cases = tables["cases"]
    cases = cases[cases["q1_type"] == 1].assign(
        size=np.log(cases["q3_victims"]), foreign=cases["q5_foreign"] / cases["q3_victims"]
    )
    first = cases.groupby("agency_id").nth(0).set_index("agency_id")
    second = cases.groupby("agency_id").nth(1).set_index("agency_id")
    both = first.join(second.add_suffix("_2"), how="inner")
    assert len(both) > 200
    for name in ("size", "foreign"):
        alike = np.corrcoef(both[name], both[f"{name}_2"])[0, 1]
        apart = np.corrcoef(both[name], np.roll(both[f"{name}_2"], 1))[0, 1]
        assert alike > 0.08, name
        assert abs(apart) < 0.12, name
        assert alike > apart + 0.05


def test_untouched_forms_fit_the_codebooks(typed, books):
    for name in standin.PARTS:
        others = {other: (books[other], typed[other]) for other in books if other != name}
        broken = logic.violations(books[name], typed[name], others)
        assert broken.empty, broken.head()


def test_only_what_is_asked_is_answered(typed, tables, books):
    for name in standin.PARTS:
        asked = logic.universe(books[name], typed[name])
        for variable in asked:
            code = books[name].variables[variable].missing_code("not_asked") or ""
            skipped = tables[name][variable].astype(str).reset_index(drop=True) == code
            assert not (skipped & asked[variable].fillna(False)).any(), variable
            assert not (~skipped & ~asked[variable].fillna(True)).any(), variable


def test_skip_logic_of_part1_by_hand(tables):
    part1 = tables["part1"]
    trained = part1["q6_training"] == 1
    assert (part1.loc[~trained, TRAINING] == 9).all(axis=None)
    assert (part1.loc[trained, TRAINING] != 9).all(axis=None)
    assert (part1.loc[~trained, "q7_training_hours"] == 999).all()
    answered = trained & (part1["q8_officers_trained"] < 997)
    assert part1.loc[answered, "q8_officers_trained"].between(1, 100).all()
    case = part1["q13_any_case"] == 1
    assert (part1.loc[~case, "q14_cases"] == 999).all()
    assert (part1.loc[case, "q14_cases"] != 999).all()


def test_returned_answers_are_the_true_ones_or_codes(tables, books):
    pairs = {"part1": "population", "part2": "investigations", "part3": "cases"}
    for name, source in pairs.items():
        book, form = books[name], tables[name]
        true = tables[source].set_index(book.key).loc[form.set_index(book.key).index].reset_index()
        items = [one for one in book.variables.values() if one.missing_code("refused") and one.name in true]
        answered = 0
        for variable in items:
            given = ~form[variable.name].astype(str).isin(list(variable.missing)).to_numpy()
            assert (form[variable.name].to_numpy()[given] == true[variable.name].to_numpy()[given]).all(), variable.name
            answered += given.mean() / len(items)
        assert answered > 0.5


def test_part2_and_part3_are_later_phases(tables):
    part1, part2, part3 = (tables[name] for name in standin.PARTS)
    with_case = part1.loc[part1["q13_any_case"] == 1, "agency_id"]
    assert part2["agency_id"].isin(with_case).all()
    assert 0.75 < len(part2) / len(with_case) < 0.87
    assert part3["agency_id"].isin(part2["agency_id"]).all()
    assert 0.75 < part3["agency_id"].nunique() / len(part2) < 0.95
    assert not part3.duplicated(["agency_id", "case_number"]).any()
    later = part2.merge(part1[["agency_id", "returned_on"]], on="agency_id", suffixes=("", "_1"))
    assert (later["returned_on"] > later["returned_on_1"]).all()


def test_later_returns_depend_on_the_frame_not_on_the_answers(tables, settings, books):
    """Shuffling the answers of Parts II and III moves no return."""
    plain, seed = values(settings), settings["seed"]
    part2 = tables["investigations"].copy()
    answers = part2.columns[1:]
    part2[answers] = part2[answers].sample(frac=1, random_state=1).to_numpy()
    again = forms.make_part2(plain, tables["frame"], part2, tables["part1"], books["part2"], stream(seed, 0, "part2"))
    assert list(again["agency_id"]) == list(tables["part2"]["agency_id"])
    assert not again.equals(tables["part2"])
    cases = tables["cases"].copy()
    answers = cases.columns[2:]
    cases[answers] = cases[answers].sample(frac=1, random_state=1).to_numpy()
    again = forms.make_part3(plain, tables["frame"], cases, tables["part2"], books["part3"], stream(seed, 0, "part3"))
    key = ["agency_id", "case_number"]
    assert again[key].equals(tables["part3"][key])
    assert not again.equals(tables["part3"])


def test_item_nonresponse_is_near_its_settings(tables, settings):
    shares = settings["item_nonresponse"]["value"]["part1"]
    answers = tables["part1"][["q6_training", "q9_protocol", "q10_personnel", "q11_assigned_to", "q13_any_case"]]
    assert answers.eq(7).mean().mean() == pytest.approx(shares["refused"], abs=0.003)
    assert answers.eq(99).mean().mean() == pytest.approx(shares["missing"], abs=0.005)
