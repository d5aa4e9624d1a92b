"""Chapter 4: steps, hours and reach, the index and its reliability, and wording that follows the results."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import stand_in

from agency_survey import codebook, settings
from agency_survey.design import survey_design
from agency_survey.errors import InputError
from agency_survey.sections import builders, survey
from agency_survey.sections import preparation as section
from agency_survey.sections import preparation_exhibits as show


@pytest.fixture(scope="module")
def config():
    return settings.load(stand_in.ROOT / "config/config.yaml")


@pytest.fixture(scope="module")
def book():
    return codebook.load(stand_in.ROOT / "config/codebooks/part1.yaml")


@pytest.fixture(scope="module")
def respondents():
    return stand_in.respondents()


@pytest.fixture(scope="module")
def exhibits(respondents, book, config):
    return show.chapter(*respondents, book, config)


@pytest.fixture(scope="module")
def truth():
    return pd.read_csv(stand_in.ROOT / "data/raw/truth/population.csv").query("in_operation == 1")


def rows_of(training, protocol=None, personnel=None, **more):
    """Rows with the given answers (None: don't know)."""
    n = len(training)
    given = {
        "q6_training": (training, ["Yes", "No"]),
        "q9_protocol": (protocol or ["No"] * n, ["Yes", "No"]),
        "q10_personnel": (personnel or ["Neither"] * n, [section.UNIT, section.DESIGNATED, section.NEITHER]),
    }
    table = {}
    for name, (values, labels) in given.items():
        table[name] = pd.Categorical(values, labels)
        kinds = ["dont_know" if value is None else None for value in values]
        table[f"{name}__missing"] = pd.Categorical(kinds, codebook.MISSING_KINDS)
    return pd.DataFrame(table | more)


def everybody(n):
    return [(survey.ALL, survey.ALL, np.ones(n, dtype=bool))]


def plain(weights):
    n = len(weights)
    return survey_design(weights, ["a"] * n, [float(sum(weights))] * n)


def test_steps_leave_out_who_did_not_answer():
    rows = rows_of(
        ["Yes", "No", None, "Yes"], ["Yes", None, "No", "No"], [section.UNIT, section.DESIGNATED, section.NEITHER, None]
    )
    design = plain([1.0, 2.0, 4.0, 8.0])
    with_region = [
        *everybody(4),
        ("Region", "A", np.array([1, 1, 0, 0], bool)),
        ("Region", "B", np.array([0, 0, 1, 1], bool)),
    ]
    found, _ = section.steps(rows, design, with_region, 0.95)
    at = found[found["domain"] == survey.ALL].set_index("measure")["share"]
    assert at["Training"] == pytest.approx(9 / 11)
    assert at["Protocol or policy"] == pytest.approx(1 / 13)
    assert at["Unit or personnel"] == pytest.approx(3 / 7)
    assert at[section.UNIT] == pytest.approx(1 / 7)


def test_all_officers_include_those_of_agencies_without_training():
    rows = rows_of(
        ["Yes", "No", "Yes", None],
        agency_id=list("abcd"),
        sworn_officers=pd.array([10, 100, 50, 5], "Int64"),
        q8_officers_trained=pd.array([50, None, None, None], "Int64"),
    )
    found = section.officers_trained(rows, plain([2.0, 1.0, 1.0, 1.0]), everybody(4), 0.95)
    assert found["share"].iloc[0] == pytest.approx(
        2 * 5 / (2 * 10 + 100)
    )  # the third gave no percent, the fourth no answer
    assert found["n"].iloc[0] == 2


def test_index_counts_the_steps_of_agencies_that_answered_on_all():
    rows = rows_of(
        ["Yes", "No", None, "Yes"],
        ["Yes", "No", "No", "Yes"],
        [section.UNIT, section.NEITHER, section.NEITHER, "Neither"],
    )
    value, known = section.index(rows)
    assert value[known].tolist() == [3, 0, 2]
    assert known.tolist() == [True, True, False, True]


def alpha(x, weight):
    """Cronbach's alpha from the covariance matrix of the items."""
    covariance = np.cov(x, rowvar=False, aweights=weight, bias=True)
    k = len(covariance)
    return k / (k - 1) * (1 - np.trace(covariance) / covariance.sum())


def test_reliability_is_cronbachs_alpha_with_the_variance_of_its_linear_part(respondents):
    rows, design = respondents
    found = section.reliability(rows, design, 0.95)
    _, known = section.index(rows)
    x = np.column_stack(list(section.taken(rows).values())).astype(float)
    weight = design.weight * known
    assert found.value == pytest.approx(alpha(x, weight), abs=1e-10)
    assert set(found.phi) == {("Training", "Protocol or policy"), ("Training", "Unit or personnel"),
                              ("Protocol or policy", "Unit or personnel")}  # fmt: skip
    assert all(0 < value < 1 for value in found.phi.values())
    slope = np.zeros(len(weight))
    patterns = pd.Series([tuple(row) for row in x[known]], index=np.flatnonzero(known))
    for _, members in patterns.groupby(patterns):  # the derivative in a weight hangs on the answers alone
        at, step = members.index[0], 1e-3
        up, down = weight.copy(), weight.copy()
        up[at] += step
        down[at] -= step
        slope[members.index] = (alpha(x, up) - alpha(x, down)) / (2 * step)
    assert found.se**2 == pytest.approx(design.variance(design.weight * slope)[0], rel=1e-4)


def test_reliability_of_equal_items_is_one_and_of_unrelated_ones_zero():
    yes_no = ["Yes", "No"]
    same = rows_of(yes_no * 4, yes_no * 4, [section.UNIT, section.NEITHER] * 4)
    assert section.reliability(same, plain([1.0] * 8), 0.95).value == pytest.approx(1)
    grid = [(a, b, c) for a in yes_no for b in yes_no for c in (section.UNIT, section.NEITHER)]
    apart = rows_of(*(list(column) for column in zip(*grid, strict=True)))
    assert section.reliability(apart, plain([1.0] * 8), 0.95).value == pytest.approx(0, abs=1e-12)


def test_estimates_of_the_stand_in_cover_its_truth(respondents, truth, config):
    rows, design = respondents
    parts = [*everybody(len(rows)), ("Region", "W", (rows["region"] == "West").to_numpy()),
             ("Region", "O", (rows["region"] != "West").to_numpy())]  # fmt: skip
    found = section.steps(rows, design, parts, 0.95)[0]
    found = found[found["domain"] == survey.ALL].set_index("measure")
    true = {
        "Training": truth["q6_training"] == 1,
        "Protocol or policy": truth["q9_protocol"] == 1,
        "Unit or personnel": truth["q10_personnel"] < 3,
    }
    for name, has in true.items():
        assert abs(found.loc[name, "share"] - has.mean()) < 4 * found.loc[name, "se"]
    law = section.state_law(rows, design, parts[:1], 0.95)[0]
    law = law[law["domain"] == survey.ALL].set_index("measure")
    for code, name in ((1, section.KNOWS), (2, section.DENIES), (8, section.UNSURE)):
        assert abs(law.loc[name, "share"] - (truth["q12_state_law"] == code).mean()) < 4 * law.loc[name, "se"]
    hours = section.amounts(rows, design, "q7_training_hours", parts[:1], 0.95).set_index("measure")
    median = truth.loc[truth["q6_training"] == 1, "q7_training_hours"].median()
    assert hours.loc["Median", "low"] <= median <= hours.loc["Median", "high"]


def test_wording_follows_the_tests(respondents, config, exhibits):
    rows, design = respondents
    parts = survey.domains(rows, config["population_classes"])
    steps, checks = section.steps(rows, design, parts, 0.95)
    index = section.index_by_domain(rows, design, parts, 0.95)
    assert "All three are more common" in show.findings(checks, index.partners)
    assert "more of the three in place" in show.findings(checks, index.partners)
    none = checks.assign(p_adjusted=0.6)
    flat = dataclasses.replace(index.partners, value=-index.partners.value)
    text = show.findings(none, flat)
    assert "None of the three is shown" in text
    assert "not shown to be better prepared" in text
    one = checks.assign(p_adjusted=checks["p_adjusted"].where(checks["measure"] == "Training", 0.6))
    assert "only training is shown" in show.findings(one, flat)
    assert "Regions are not shown to differ" in show.steps_paragraph(exhibits.numbers, steps, none)
    assert "not shown to grow" in show.index_paragraph(
        dataclasses.replace(index, checks=index.checks.assign(p_adjusted=0.6)), section.reliability(rows, design, 0.95)
    )
    found = section.reliability(rows, design, 0.95)
    for low, high, word in ((0.5, 0.6, "below"), (0.75, 0.8, "above"), (0.65, 0.75, "not shown to differ from")):
        changed = dataclasses.replace(found, low=low, high=high)
        assert f", {word} the seven tenths" in show.index_paragraph(index, changed)
    law, law_checks = section.state_law(rows, design, parts, 0.95)
    assert "don't know less often" in show.law_paragraph(law, law_checks)
    reverse = law.assign(share=1 - law["share"])
    assert "don't know more often" in show.law_paragraph(reverse, law_checks)
    assert "not shown to know more often" in show.law_paragraph(law, law_checks.assign(p_adjusted=0.6))


def test_shuffled_answers_leave_no_finding(respondents, book, config):
    rows, design = respondents
    names = [name for name in rows.columns if re.match(r"q(6|7|8|9|10|11|12)", name)]
    order = np.random.default_rng(3).permutation(len(rows))
    shuffled = rows.copy()
    shuffled[names] = rows[names].iloc[order].set_axis(rows.index)
    texts = show.chapter(shuffled, design, book, config).texts
    assert "None of the three is shown to be more common" in texts["findings"]
    assert "not shown to be better prepared" in texts["findings"]
    assert "Regions are not shown to differ" in texts["steps"]
    assert "not shown to grow with population" in texts["index"]


def test_hidden_estimates_are_in_no_table_figure_or_number(exhibits, config):
    table = next(t for t in exhibits.tables if t.ident == "tbl-preparation-steps")
    hidden = table.data[table.data["share"].isna()]
    assert len(hidden)
    figure = next(f for f in exhibits.figures if f.ident == "fig-preparation-size")
    assert figure.data["share"].notna().all()
    for row in hidden.itertuples():
        ident = f"preparation.{show.STEP_KEYS[row.measure]}.{show.slug(row.domain)}"
        assert exhibits.numbers.numbers[ident]["value"] is None
    assert "nan" not in " ".join(figure.alt for figure in exhibits.figures)
    assert "nan" not in " ".join(table.markdown() for table in exhibits.tables)


def test_every_number_in_the_texts_is_recorded(exhibits):
    used = set(re.findall(r"\{\{< num (\S+)", " ".join(exhibits.texts.values())))
    assert used
    assert used <= set(exhibits.numbers.numbers)
    assert "too uncertain" not in " ".join(exhibits.texts.values())


def test_real_records_are_not_called_synthetic(respondents, book, config, exhibits):
    for exhibit in [*exhibits.tables, *exhibits.figures]:
        assert "synthetic stand-in" in exhibit.caption
    real = show.chapter(*respondents, dataclasses.replace(book, synthetic=False), config)
    for exhibit in [*real.tables, *real.figures]:
        assert "synthetic" not in (exhibit.caption + exhibit.source).lower()
    assert "stand-in" not in " ".join(real.texts.values())


def test_other_labels_are_refused(respondents, book, config):
    rows, design = respondents
    changed = rows["q11_assigned_to"].cat.rename_categories({"Patrol": "Traffic"})
    with pytest.raises(InputError, match="'q11_assigned_to' has the label 'Traffic' but lacks 'Patrol'"):
        show.chapter(rows.assign(q11_assigned_to=changed), design, book, config)


def test_chapter_has_tables_and_figures_enough(exhibits):
    assert len(exhibits.tables) >= 4
    assert len(exhibits.figures) >= 3
    assert all(builders.SIZE in set(t.data["breakdown"]) for t in exhibits.tables if t.ident.endswith(("steps", "law")))


# -- what is named most ------------------------------------------------------------------------------------------------


def test_what_is_named_most_is_the_largest_share_and_names_its_ties(respondents, book, config, exhibits):
    rows, design = respondents
    labels = {name: book.variables[name].label for name in section.FORMS}
    keys = {label: name.split("_", 1)[1].replace("_", "-") for name, label in labels.items()}
    everybody = survey.domains(rows, config["population_classes"])[:1]
    for most, found in (
        (section.form_used_most(rows, design, labels, 0.95), section.forms(rows, design, labels, everybody, 0.95)),
        (section.assigned_most(rows, design, 0.95), section.assigned(rows, design, everybody, 0.95)),
    ):
        overall = found[found["domain"] == survey.ALL].set_index("measure")["share"]
        assert most.name == overall.idxmax()
        assert most.lead.value == pytest.approx(overall.nlargest(2).iloc[0] - overall.nlargest(2).iloc[1])
    unsure = section.without_answer(rows, design, 0.95).set_index("question")["share"]
    assert section.unsure_most(rows, design, 0.95).name == unsure.idxmax()

    used = section.form_used_most(rows, design, labels, 0.95)
    alone, tied = (dataclasses.replace(used, ties=ties) for ties in ([], [next(n for n in keys if n != used.name)]))
    assert "not shown to be less" not in show.training_paragraph(alone, keys)
    assert "is not shown to be less frequent" in show.training_paragraph(tied, keys)
    goes = section.assigned_most(rows, design, 0.95)
    assert "would refer it to another agency" in show.assigned_paragraph(dataclasses.replace(goes, ties=[]))
    referred = show.assigned_paragraph(dataclasses.replace(goes, name=show.REFERRED, ties=["Patrol"]))
    assert "“Referred to another agency” has the largest share, though “Patrol” is not" in referred
    assert "would refer it" not in referred


def test_forms_of_training_used_alike_are_tied(respondents, book):
    rows, design = respondents
    labels = {name: book.variables[name].label for name in section.FORMS}
    same = rows.copy()
    for name in section.FORMS:
        same[name] = rows[section.FORMS[0]]
    assert len(section.form_used_most(same, design, labels, 0.95).ties) == len(section.FORMS) - 1
