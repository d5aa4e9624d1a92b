"""Chapter 5: agencies with a case, totals with unknown answers, concentration, and wording that follows the results."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import stand_in

from agency_survey import codebook, replicates, settings
from agency_survey.design import survey_design
from agency_survey.errors import InputError
from agency_survey.sections import builders, concentration, survey
from agency_survey.sections import identification as section
from agency_survey.sections import identification_exhibits as show


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


def plain(weights):
    n = len(weights)
    return survey_design(weights, ["a"] * n, [2.0 * sum(weights)] * n)


# -- concentration -----------------------------------------------------------------------------------------------------


def brute_gini(y, weight):
    """Mean absolute difference of two agencies over twice the mean, pair by pair."""
    pairs = np.outer(weight, weight)
    return (pairs * np.abs(y[:, None] - y)).sum() / pairs.sum() / (2 * np.average(y, weights=weight))


def test_gini_of_known_distributions():
    assert concentration.gini(plain([1.0] * 4), [1, 1, 1, 1]).value[0] == pytest.approx(0)
    assert concentration.gini(plain([1.0] * 4), [0, 0, 0, 4]).value[0] == pytest.approx(0.75)
    assert concentration.gini(plain([3.0, 1.0]), [0, 4]).value[0] == pytest.approx(0.75)  # weights are agencies
    assert concentration.gini(plain([1.0] * 5), [1, 2, 3, 4, 5]).value[0] == pytest.approx(4 / 15)


def skewed(n=120):
    rng = np.random.default_rng(5)
    y = np.ceil(rng.lognormal(1, 1, n))
    return y, rng.uniform(1, 6, n)


def derivative(function, weight):
    """Derivatives in each weight by central differences."""
    out, step = np.empty(len(weight)), 1e-5
    for k in range(len(weight)):
        up, down = weight.copy(), weight.copy()
        up[k] += step
        down[k] -= step
        out[k] = (function(up) - function(down)) / (2 * step)
    return out


def test_gini_and_its_scores_are_those_of_the_definition():
    y, weight = skewed()
    inside = np.arange(len(y)) % 5 > 0
    found = concentration.gini(plain(weight), y, inside)
    assert found.value[0] == pytest.approx(brute_gini(y[inside], weight[inside]))
    slope = derivative(lambda w: brute_gini(y[inside], w), weight[inside])
    assert found.scores[inside, 0] == pytest.approx(weight[inside] * slope, abs=1e-7)
    assert (found.scores[~inside] == 0).all()
    assert found.n[0] == inside.sum()


def test_lorenz_curve_of_known_distributions():
    design = plain([1.0] * 4)
    curve = concentration.lorenz(design, [4, 1, 2, 1], [0, 0.25, 0.5, 0.625, 0.75, 1])
    assert curve.value == pytest.approx([0, 1 / 8, 2 / 8, 3 / 8, 4 / 8, 1])
    assert concentration.top_share(design, [4, 1, 2, 1], 0.25).value[0] == pytest.approx(0.5)
    doubled = concentration.lorenz(plain([1.0] * 8), [4, 1, 2, 1] * 2, [0.5, 0.625])
    assert concentration.lorenz(plain([2.0] * 4), [4, 1, 2, 1], [0.5, 0.625]).value == pytest.approx(doubled.value)


def test_area_between_curve_and_diagonal_is_half_of_gini():
    y, weight = skewed()
    p = np.linspace(0, 1, 4001)
    curve = concentration.lorenz(plain(weight), y, p).value
    assert 1 - 2 * np.trapezoid(curve, p) == pytest.approx(concentration.gini(plain(weight), y).value[0], abs=1e-5)


def test_lorenz_scores_are_derivatives_in_the_weights():
    y, weight = skewed(60)

    def at(w):
        order = np.argsort(y, kind="stable")
        x = np.append(0, np.cumsum(w[order])) / w.sum()
        held = np.append(0, np.cumsum((w * y)[order])) / (w @ y)
        return np.interp(0.8, x, held)

    found = concentration.lorenz(plain(weight), y, [0.8])
    assert found.value[0] == pytest.approx(at(weight))
    assert found.scores[:, 0] == pytest.approx(weight * derivative(at, weight), abs=1e-6)


def test_standard_error_of_gini_is_that_of_the_bootstrap():
    rng = np.random.default_rng(11)
    y = np.ceil(rng.lognormal(1, 0.8, 300))
    design = survey_design(np.full(300, 4.0), np.repeat(["a", "b", "c"], 100), [400.0] * 300)
    linear = concentration.gini(design, y).se[0]
    found = replicates.replicate(replicates.rescaled_bootstrap(design, 400, seed=2), lambda d: concentration.gini(d, y))
    assert linear == pytest.approx(found.se[0], rel=0.12)


@pytest.mark.parametrize(("y", "words"), [([1, -1], "missing or negative"), ([0, 0], "no count above 0")])
def test_counts_that_have_no_concentration_are_refused(y, words):
    with pytest.raises(InputError, match=words):
        concentration.gini(plain([1.0, 1.0]), y)


# -- totals ------------------------------------------------------------------------------------------------------------


def test_unknown_values_stand_at_the_mean_of_their_cell():
    weight = np.array([1.0, 2.0, 3.0, 5.0, 7.0])
    y = np.array([[4.0], [1.0], [0.0], [2.0], [9.0]])
    known = np.array([True, True, False, True, True])
    among = np.array([True, True, True, True, False])
    cell = np.array(["a", "a", "a", "b", "b"], dtype=object)
    total = weight @ section.spread(weight, y, known, among, cell)
    assert total[0] == pytest.approx(6 * (1 * 4 + 2 * 1) / 3 + 5 * 2)
    assert section.spread_factor(weight, known, among, cell) == pytest.approx([2.0, 4.0, 0.0, 5.0, 0.0])


def test_scores_of_a_spread_total_are_derivatives_in_the_weights():
    rng = np.random.default_rng(2)
    n = 40
    weight, y, cell = rng.uniform(1, 5, n), rng.poisson(3, (n, 1)).astype(float), (np.arange(n) % 3).astype(object)
    any_case, answered = rng.random(n) < 0.7, rng.random(n) < 0.8
    any_case &= answered
    known, everybody = any_case & (rng.random(n) < 0.8), np.ones(n, dtype=bool)
    y[~known] = 0

    def values(w):
        grown = section.spread_factor(w, answered, everybody, cell)
        filled = section.spread(grown, y, known, any_case, cell)
        return section.spread(w, filled, answered, everybody, cell)[:, 0]

    slope = derivative(lambda w: w @ values(w), weight)
    assert values(weight) == pytest.approx(slope, abs=1e-6)


def test_totals_of_domains_add_up_and_cover_the_truth(respondents, truth, config):
    rows, design = respondents
    given, parts = section.answers(rows), survey.domains(rows, config["population_classes"])
    scores = section.filled(rows, given, design, parts, config["population_classes"])
    counts = section.known_counts(given, parts)
    found = section.totals(design, scores, counts, parts, 0.95)
    whole = found[found["domain"] == survey.ALL].set_index("measure")
    for breakdown in ("Agency type", "Region", "Location", "Task force"):
        part = found[found["breakdown"] == breakdown].groupby("measure")["value"].sum()
        assert part.to_numpy() == pytest.approx(whole["value"].loc[part.index].to_numpy())
    with_case = truth[truth["q13_any_case"] == 1]
    for name, true in ((section.AGENCIES, len(with_case)), (section.CASES, with_case["q14_cases"].sum())):
        assert abs(whole.loc[name, "value"] - true) < 4 * whole.loc[name, "se"]
    shares = section.shares_of_total(design, scores, counts, parts, 0.95)
    first = shares[shares["domain"] == survey.ALL]
    assert (first["share"] == 1).all()
    assert first["se"].max() < 1e-12
    sex = shares[(shares["measure"] == "Sex trafficking") & (shares["breakdown"] == "Region")]
    assert sex["share"].sum() == pytest.approx(1)


def test_what_agencies_add_to_the_totals_adds_up_to_them(respondents, config):
    rows, design = respondents
    given, parts = section.answers(rows), survey.domains(rows, config["population_classes"])
    scores = section.filled(rows, given, design, parts, config["population_classes"])
    for name, amount in section.amounts(rows, given, design, config["population_classes"]).items():
        parts_of = [amount.part[inside].sum() for *_, inside in parts]
        assert parts_of == pytest.approx(scores[name].sum(axis=0), rel=1e-9)
        assert (amount.part >= amount.own).all()  # every agency stands at least for itself


def test_without_unknown_answers_totals_are_weighted_sums(respondents, config):
    rows, design = respondents
    given = section.answers(rows)
    complete = dataclasses.replace(
        given,
        answered=np.ones(len(rows), dtype=bool),
        cases=np.nan_to_num(given.cases, nan=1.0),
        sex=np.nan_to_num(given.sex),
        labour=np.nan_to_num(given.labour),
    )
    parts = survey.domains(rows, config["population_classes"])
    scores = section.filled(rows, complete, design, parts, config["population_classes"])
    assert scores[section.AGENCIES][:, 0].sum() == pytest.approx(design.weight @ complete.any_case)
    assert scores[section.CASES][:, 0].sum() == pytest.approx(design.weight @ (complete.any_case * complete.cases))


def test_shares_from_the_largest_grow_to_everybody(respondents, config):
    rows, _ = respondents
    parts = survey.domains(rows, config["population_classes"])
    downward = section.from_the_largest(parts)
    sizes = [mask.sum() for *_, mask in downward[1:]]
    assert sizes == sorted(sizes)
    assert (downward[-1][2] == downward[0][2]).all()
    assert downward[1][1] == "250,000 and over"


def test_numbers_come_from_the_total_else_from_the_types():
    rows = pd.DataFrame(
        {
            "q13_any_case": pd.Categorical(["Yes", "Yes", "Yes", "No", None], ["Yes", "No"]),
            "q14_cases": pd.array([3, None, None, None, 5], "Int64"),
            "q15a_sex_cases": pd.array([2, 4, 1, None, None], "Int64"),
            "q15b_labour_cases": pd.array([1, 1, None, None, None], "Int64"),
        }
    )
    given = section.answers(rows)
    assert np.array_equal(given.cases, [3, 5, np.nan, 0, np.nan], equal_nan=True)
    assert given.answered.tolist() == [True, True, True, True, False]
    assert np.array_equal(given.labour, [1, 1, np.nan, 0, np.nan], equal_nan=True)


def test_concentration_of_the_stand_in_covers_its_truth(respondents, truth):
    rows, design = respondents
    given = section.answers(rows)
    found = section.concentrated(given, design, 0.95).set_index(["measure", "base", "statistic"])
    cases = truth.loc[truth["q13_any_case"] == 1, "q14_cases"].to_numpy(dtype=float)
    row = found.loc[("All cases", section.WITH_CASE, section.GINI)]
    assert abs(row["value"] - brute_gini(cases, np.ones(len(cases)))) < 4 * row["se"]
    top = np.sort(cases)[::-1][: round(len(cases) / 10)].sum() / cases.sum()
    row = found.loc[("All cases", section.WITH_CASE, section.TENTH)]
    assert abs(row["value"] - top) < 4 * row["se"]


# -- wording -----------------------------------------------------------------------------------------------------------


def test_wording_follows_the_tests(respondents, config, exhibits):
    rows, design = respondents
    parts, given = survey.domains(rows, config["population_classes"]), section.answers(rows)
    found, checks = section.any_case(given, design, parts, 0.95)
    _, difference = section.by_size_and_partner(given, design, parts, 0.95)
    assert "to over half" in show.findings(found, checks, difference, 3)
    assert "agencies of every type have" in show.findings(found, checks, difference, 3)
    none, flat = checks.assign(p_adjusted=0.6), dataclasses.replace(difference, value=-difference.value)
    text = show.findings(found, none, flat, 0)
    assert "not shown to grow with population" in text
    assert "not every type" in text
    assert "not shown to hold more than their share" in text
    assert "not shown to be" in show.partners_paragraph(flat)
    low = found.assign(low=found["low"] / 2, high=found["high"] / 2)
    assert "to less than half" in show.findings(low, checks, difference, 3)
    assert "to about half" in show.findings(found.assign(low=0.4, high=0.6), checks, difference, 3)
    text = show.any_paragraph(exhibits.numbers, found, none, flat)
    assert "is not shown to differ by type" in text
    assert "Regions are not shown to differ" in text
    assert "less often" in text
    calm = dataclasses.replace(difference, test=dataclasses.replace(difference.test, p=0.5))
    assert "more or less often" in show.any_paragraph(exhibits.numbers, found, none, calm)
    assert "not shown to differ in it" in show.concentration_paragraph(calm)
    assert "sex trafficking are the more concentrated" in show.concentration_paragraph(difference)
    assert "labor trafficking are the more concentrated" in show.concentration_paragraph(flat)
    means = section.numbers_of_cases(given, design, parts, 0.95)[3]
    assert "The mean grows" in show.number_paragraph(means)
    assert "not shown to grow" in show.number_paragraph(means.assign(p_adjusted=0.6))


def test_shuffled_answers_leave_no_finding(respondents, book, config):
    rows, design = respondents
    names = [name for name in rows.columns if re.match(r"q1[345]", name)]
    order = np.random.default_rng(4).permutation(len(rows))
    shuffled = rows.copy()
    shuffled[names] = rows[names].iloc[order].set_axis(rows.index)
    texts = show.chapter(shuffled, design, book, config).texts
    assert "not shown to grow with population" in texts["findings"]
    assert "not shown to hold more than their share" in texts["findings"]
    assert "is not shown to differ by type" in texts["any"]
    assert "not shown to grow" in texts["number"]


def test_hidden_estimates_are_in_no_table_figure_or_number(exhibits):
    table = next(t for t in exhibits.tables if t.ident == "tbl-identification-any")
    small = table.shown[table.shown["Agencies"] == "Under 2,500"].iloc[0]
    assert small["Percent with a case"] == small["Agencies in the country"] == "\N{EN DASH}"
    assert exhibits.numbers.numbers["identification.any-case.under-2500"]["value"] is None
    assert exhibits.numbers.numbers["identification.agencies.under-2500"]["value"] is None
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
    changed = rows["q13_any_case"].cat.rename_categories({"Yes": "Ja"})
    with pytest.raises(InputError, match="'q13_any_case' has the label 'Ja' but lacks 'Yes'"):
        show.chapter(rows.assign(q13_any_case=changed), design, book, config)


def test_tables_break_down_by_type_size_region_and_task_force(exhibits):
    table = next(t for t in exhibits.tables if t.ident == "tbl-identification-totals")
    assert {"Agency type", builders.SIZE, "Region", "Task force"} <= set(table.data["breakdown"])


def test_the_question_with_most_dont_know_is_tested_against_the_others(respondents):
    rows, design = respondents
    most = section.unsure_most(rows, design, 0.95)
    unsure = section.without_answer(rows, design, 0.95).set_index("question")["share"]
    assert most.name == unsure.idxmax()
    assert "not shown to be less" not in show.unsure_paragraph(dataclasses.replace(most, ties=[]))
    other = unsure.index[unsure.index != most.name][0]
    assert f"“{other}” is not shown" in show.unsure_paragraph(dataclasses.replace(most, ties=[other]))
    none = rows.copy()
    for name in section.QUESTIONS:
        kinds = rows[f"{name}__missing"]
        none[f"{name}__missing"] = kinds.where(kinds != "dont_know")
    assert len(section.unsure_most(none, design, 0.95).ties) == len(section.QUESTIONS) - 1
