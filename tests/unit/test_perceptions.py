"""Chapter 3: shares of ratings, domains, differences, and wording that follows the results."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import stand_in

from agency_survey import codebook, settings
from agency_survey.design import survey_design
from agency_survey.disclosure import watch
from agency_survey.errors import InputError
from agency_survey.sections import perceptions as section
from agency_survey.sections import perceptions_exhibits as show
from agency_survey.sections import survey

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def config():
    return settings.load(ROOT / "config/config.yaml")


@pytest.fixture(scope="module")
def book():
    return codebook.load(ROOT / "config/codebooks/part1.yaml")


@pytest.fixture(scope="module")
def respondents():
    """Respondents of the committed stand-in and their design."""
    return stand_in.respondents()


@pytest.fixture(scope="module")
def exhibits(respondents, book, config):
    return show.chapter(*respondents, book, config)


def answers(**ratings):
    """Rows with the given ratings (None: don't know) for each form; forms not given are all non-existent."""
    n = len(next(iter(ratings.values())))
    rows = {}
    for name in section.FORMS:
        values = ratings.get(name, ["Non-existent"] * n)
        rows[name] = pd.Categorical(values, section.RATINGS, ordered=True)
        kinds = ["dont_know" if value is None else None for value in values]
        rows[f"{name}__missing"] = pd.Categorical(kinds, codebook.MISSING_KINDS)
    return pd.DataFrame(rows)


def everybody(n):
    return [(survey.ALL, survey.ALL, np.ones(n, dtype=bool))]


def test_shares_by_form_leave_out_who_gave_no_rating():
    rows = answers(q1_sex_residents=["Widespread", "Rare", "Non-existent", None])
    design = survey_design([1.0, 2.0, 5.0, 7.0], ["a"] * 4, [15.0] * 4)
    found = section.by_form(rows, design, everybody(4), 0.95)
    shares = found[found["variable"] == "q1_sex_residents"].set_index("measure")["share"]
    assert shares["Widespread"] == pytest.approx(1 / 8)
    assert shares["Occasional"] == 0
    assert shares[section.LITTLE] == pytest.approx(7 / 8)
    assert shares[section.PREVALENT] == pytest.approx(1 / 8)


def test_every_form_counts_only_forms_that_were_rated():
    rows = answers(
        q1_sex_residents=["Rare", "Non-existent", None, None],
        q2_sex_foreign_nationals=["Non-existent", "Non-existent", "Non-existent", None],
        q3_labour_residents=["Non-existent", "Occasional", "Non-existent", None],
        q4_labour_foreign_nationals=["Non-existent"] * 3 + [None],
    )
    design = survey_design([1.0, 2.0, 5.0, 7.0], ["a"] * 4, [15.0] * 4)
    found = section.every_form(rows, design, everybody(4), 0.95).set_index("measure")
    assert found.loc["Every form non-existent", "share"] == pytest.approx(5 / 8)  # the last rated none and is left out
    assert found.loc["Every form rare or non-existent", "share"] == pytest.approx(6 / 8)
    assert (found["n"] == 3).all()


def test_without_rating_counts_each_kind():
    rows = answers(q1_sex_residents=["Rare", None, "Rare", None, "Rare"])
    rows["q1_sex_residents__missing"] = pd.Categorical(
        [None, "dont_know", None, "refused", None], codebook.MISSING_KINDS
    )
    design = survey_design([1.0] * 5, ["a"] * 5, [9.0] * 5)
    found = section.without_rating(rows, design, 0.95).set_index("variable").loc["q1_sex_residents"]
    assert found["share"] == pytest.approx(1 / 4)
    assert (found["refused"], found["left_out"], found["n"]) == (1, 0, 4)


def test_estimates_of_the_stand_in_cover_its_truth(respondents, config):
    rows, design = respondents
    truth = pd.read_csv(ROOT / "data/raw/truth/population.csv").query("in_operation == 1")
    found = section.by_form(rows, design, everybody(len(rows)), 0.95).set_index(["variable", "measure"])
    for name in section.FORMS:
        rated = truth.loc[truth[name] < 8, name]
        for code, rating in enumerate(section.RATINGS, 1):
            estimate = found.loc[(name, rating)]
            assert abs(estimate["share"] - (rated == code).mean()) < 4 * estimate["se"]
    unsure = section.without_rating(rows, design, 0.95).set_index("variable")
    for name in section.FORMS:
        assert abs(unsure.loc[name, "share"] - (truth[name] == 8).mean()) < 4 * unsure.loc[name, "se"]


def test_size_differences_are_those_of_the_domain_shares(respondents, config):
    rows, design = respondents
    parts = survey.domains(rows, config["population_classes"])
    classes = [inside for breakdown, _, inside in parts if breakdown == "Population served"]
    *forms, over = section.size_differences(rows, design, parts, 0.95)
    for entry in forms:
        known = rows[entry.name].notna().to_numpy()
        high = rows[entry.name].isin(["Widespread", "Occasional"]).to_numpy()
        shares = [
            np.average(high[known & inside], weights=rows.loc[known & inside, "weight"])
            for inside in (classes[-1], np.any(classes[:-1], axis=0))
        ]
        assert entry.value == pytest.approx(shares[0] - shares[1])
        assert entry.low < entry.value < entry.high
    sex, labour = forms[:2], forms[2:]
    assert over.value == pytest.approx(np.mean([e.value for e in sex]) - np.mean([e.value for e in labour]))


def test_wording_follows_the_tests(exhibits, respondents, config):
    rows, design = respondents
    parts = survey.domains(rows, config["population_classes"])
    every = section.every_form(rows, design, parts, 0.95)
    differences = section.size_differences(rows, design, parts, 0.95)
    limits = config["reliability"]
    assert "sex trafficking above all" in show.findings(every, differences, limits)
    flat = [dataclasses.replace(entry, p=0.6) for entry in differences[-1:]]
    text = show.findings(every, differences[:-1] + flat, limits)
    assert "larger communities see more of it." in text
    assert "above all" not in text
    checks = section.group_tests(rows, design, parts)
    assert "not shown to differ" in show.size_paragraph(differences[:-1] + flat, checks)
    none = [dataclasses.replace(entry, value=-entry.value) for entry in differences[:-1]] + flat
    assert "not shown to see more of any form" in show.findings(every, none, limits)
    one = differences[:1] + none[1:]
    assert "see more than other local agencies of sex trafficking of residents, but not of the" in show.findings(
        every, one, limits
    )
    few = every.assign(share=0.3, low=0.2, high=0.4)
    assert show.findings(few, differences, limits).startswith("Fewer than half of the agencies")
    even = every.assign(share=0.52, low=0.4, high=0.6)
    assert show.findings(even, differences, limits).startswith("About half of the agencies")
    assert "In communities of" not in show.findings(every, differences, {**limits, "hide_n": 10_000})


def test_every_number_in_the_texts_is_recorded(exhibits):
    used = set(re.findall(r"\{\{< num (\S+)", " ".join(exhibits.texts.values())))
    assert used
    assert used <= set(exhibits.numbers.numbers)


def test_exhibits_say_that_the_records_are_synthetic(exhibits):
    for exhibit in [*exhibits.tables, *exhibits.figures]:
        assert "synthetic stand-in" in exhibit.caption
        assert "synthetic stand-in" in exhibit.source


def test_exhibits_of_real_records_do_not(respondents, book, config):
    real = show.chapter(*respondents, dataclasses.replace(book, synthetic=False), config)
    for exhibit in [*real.tables, *real.figures]:
        assert "synthetic" not in (exhibit.caption + exhibit.source).lower()
    assert "stand-in" not in " ".join(real.texts.values())


def test_uncertain_estimates_are_neither_printed_nor_drawn(exhibits, config):
    table = next(t for t in exhibits.tables if t.ident == "tbl-perceptions-groups")
    figure = next(f for f in exhibits.figures if f.ident == "fig-perceptions-size")
    data = table.data[table.data["breakdown"] == "Population served"]
    reliable = survey.shown(data, config["reliability"])
    assert 0 < len(reliable) < len(data)
    assert len(figure.data) == len(reliable)
    assert (table.shown == "\N{EN DASH}").sum().sum() == len(table.data) - len(
        survey.shown(table.data, config["reliability"])
    )


def test_a_withheld_share_is_marked_and_explained_where_it_stands_and_nowhere_else(respondents, book, config, tmp_path):
    with watch.recording() as seen:
        show.chapter(*respondents, book, config)
    one = next(row for row in seen if (row.breakdown, row.domain, row.measure) == ("Region", "South", section.LITTLE))
    with watch.screening({"cells": [{"key": one.key}], "bases": [], "models": None}):
        made = {exhibit.ident: exhibit for exhibit in show.chapter(*respondents, book, config).tables}
    groups, sources = made["tbl-perceptions-groups"], made["tbl-perceptions-sources"]
    assert (groups.shown == "(D)").sum().sum() == (groups.data["status"] == "withheld").sum() == 1
    assert "(D) withheld" in groups.markdown()
    assert "(D)" not in sources.markdown()
    groups.write(tmp_path)
    written = pd.read_csv(tmp_path / f"{groups.ident}.csv")
    assert written.loc[written["status"] != "shown", ["share", "se", "low", "high"]].isna().all(axis=None)
    assert written.loc[written["status"] == "shown", "share"].notna().all()
    assert set(written["status"]) == {"shown", "imprecise", "withheld"}


def test_exhibits_are_written_the_same_twice(exhibits, tmp_path):
    for name in ("a", "b"):
        exhibits.write(tmp_path / name)
    first = sorted(path for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(first) == 5 * 2 + 4 * 3 + 5 + 1
    for path in first:
        twin = tmp_path / "b" / path.relative_to(tmp_path / "a")
        if path.suffix == ".md" and path.parent.name == "figures":
            continue  # names its own folder
        assert path.read_bytes() == twin.read_bytes()


@pytest.mark.parametrize("name", [*section.FORMS, *section.SOURCES])
def test_labels_that_the_shares_do_not_know_are_refused(name, respondents, book, config):
    rows, design = respondents
    first, second, *others = rows[name].cat.categories
    changes = {
        f"'{name}' has the label 'edited' but lacks '{first}'": rows[name].cat.rename_categories({first: "edited"}),
        f"'{name}' lacks the label '{second}'": rows[name].cat.remove_categories(second),
        f"'{second}' in the place of '{first}'": rows[name].cat.reorder_categories([second, first, *others]),
    }
    for words, changed in changes.items():
        with pytest.raises(InputError) as refused:
            show.chapter(rows.assign(**{name: changed}), design, book, config)
        assert words in str(refused.value)
        assert "config/codebooks/part1.yaml" in str(refused.value)


def test_each_share_of_ratings_refuses_other_labels():
    rows = answers(q1_sex_residents=["Rare", "Rare"])
    rows["q3_labour_residents"] = rows["q3_labour_residents"].cat.remove_categories("Widespread")
    design = survey_design([1.0, 1.0], ["a"] * 2, [2.0] * 2)
    for share in (section.by_form, section.every_form, section.size_differences):
        with pytest.raises(InputError, match="'q3_labour_residents' lacks the label 'Widespread'"):
            share(rows, design, everybody(2), 0.95)


# -- tests over the groups, and what is named most --------------------------------------------------------------------


def test_the_trend_is_that_of_a_weighted_regression_on_the_class(respondents, config):
    rows, design = respondents
    parts = survey.domains(rows, config["population_classes"])
    checks = section.group_tests(rows, design, parts)
    assert set(checks["measure"]) == set(section.FORMS.values())
    codes = np.full(len(rows), -1)
    for k, inside in enumerate(inside for kind, _, inside in parts if kind == "Population served"):
        codes[inside] = k
    for name, form in section.FORMS.items():
        inside = (codes >= 0) & rows[name].notna().to_numpy()
        little = rows[name].isin(["Rare", "Non-existent"]).to_numpy(dtype=float)[inside]
        slope = np.polyfit(codes[inside], little, 1, w=np.sqrt(rows["weight"].to_numpy()[inside]))[0]
        row = checks[(checks["measure"] == form) & (checks["test"] == "trend")].iloc[0]
        assert row["slope"] == pytest.approx(slope)
        assert row["slope"] < 0


def test_the_table_of_groups_has_its_tests_in_foot_lines(exhibits):
    table = next(t for t in exhibits.tables if t.ident == "tbl-perceptions-groups")
    lines = table.shown["Agencies"].tolist()
    assert lines.count("*p, difference*") == 5
    assert lines.count("*p, trend*") == 1
    assert "Holm" in table.notes
    assert exhibits.numbers.numbers["perceptions.trend.sex-residents"]["value"] < 0.001


def test_a_trend_is_said_of_the_forms_that_show_it(respondents, config):
    rows, design = respondents
    parts = survey.domains(rows, config["population_classes"])
    differences, checks = section.size_differences(rows, design, parts, 0.95), section.group_tests(rows, design, parts)
    assert "falls with population for every form" in show.size_paragraph(differences, checks)
    none = show.size_paragraph(differences, checks.assign(p_adjusted=0.5))
    assert "not shown to fall with population for any form" in none
    assert "falls" not in none
    first = section.FORMS["q1_sex_residents"]
    one = checks.assign(p_adjusted=checks["p_adjusted"].where(checks["measure"] == first, 0.5))
    assert "for sex trafficking of residents only" in show.size_paragraph(differences, one)
    rising = show.size_paragraph(differences, checks.assign(slope=-checks["slope"]))
    assert "not shown to fall" in rising


def test_what_is_named_most_is_tested_against_the_others(respondents, book):
    rows, design = respondents
    labels = {name: book.variables[name].label for name in section.SOURCES}
    most = section.source_named_most(rows, design, labels, 0.95)
    shares = {
        labels[name]: np.average(rows.loc[known, name] == "Yes", weights=rows.loc[known, "weight"])
        for name in section.SOURCES
        for known in [rows[name].notna()]
    }
    assert most.name == max(shares, key=shares.get)
    named = section.sources(rows, design, labels, everybody(len(rows)), 0.95)
    sizes = section.sources(rows, design, labels, survey.domains(rows, [{"label": "All sizes", "from": 0}]), 0.95)
    assert named["share"].max() == pytest.approx(shares[most.name])
    assert "not shown to be less" not in show.sources_paragraph(sizes, dataclasses.replace(most, ties=[]))
    second = sorted(shares, key=shares.get)[-2]
    assert f"“{second}” is not shown to be less frequent" in show.sources_paragraph(
        sizes, dataclasses.replace(most, ties=[second])
    )


def test_forms_that_meet_dont_know_alike_are_tied():
    rows = answers(**dict.fromkeys(section.FORMS, ["Rare"] * 60 + [None] * 20))
    design = survey_design(np.full(80, 3.0), ["a"] * 80, np.full(80, 240.0))
    most = section.unsure_most(rows, design, 0.95)
    assert len(most.ties) == 3
    assert "three others are not shown to be less frequent" in show.unsure_paragraph(most)
    seldom = rows.copy()
    for name in list(section.FORMS)[1:]:
        seldom[name] = pd.Categorical(["Rare"] * 80, section.RATINGS, ordered=True)
        seldom[f"{name}__missing"] = pd.Categorical([None] * 80, codebook.MISSING_KINDS)
    most = section.unsure_most(seldom, design, 0.95)
    assert (most.name, most.ties) == ("Sex trafficking of residents", [])
    assert "not shown to be less" not in show.unsure_paragraph(most)


def test_regions_differ_only_where_the_tests_say_so(respondents, config, exhibits):
    rows, design = respondents
    checks = section.group_tests(rows, design, survey.domains(rows, config["population_classes"]))
    none = show.region_paragraph(checks.assign(p_adjusted=0.4))
    assert "not shown to differ for any form" in none
    assert "for every form" in show.region_paragraph(checks.assign(p_adjusted=0.001))
    one = checks.assign(p_adjusted=np.where(checks["measure"] == section.FORMS["q3_labour_residents"], 0.001, 0.4))
    assert "differ for labor trafficking of residents, not for the other forms" in show.region_paragraph(one)
    figure = next(one for one in exhibits.figures if one.ident == "fig-perceptions-region")
    assert set(figure.data["domain"]) <= {"Northeast", "Midwest", "South", "West"}
    known = rows["q1_sex_residents"].notna() & (rows["region"] == "West")
    seen = rows.loc[known, "q1_sex_residents"].isin(["Widespread", "Occasional"])
    share = np.average(seen, weights=rows.loc[known, "weight"])
    assert figure.data.set_index("domain").loc["West", "share"] == pytest.approx(share)


def test_a_map_without_a_reliable_share_says_so(respondents, book, config):
    strict = config | {"reliability": config["reliability"] | {"hide_n": 10_000}}
    figure = next(
        one for one in show.chapter(*respondents, book, strict).figures if one.ident == "fig-perceptions-region"
    )
    assert "too uncertain" in figure.alt


def test_hidden_estimates_stand_in_no_data_file(exhibits, respondents, config):
    rows, design = respondents
    limits = config["reliability"]
    raw = section.by_form(rows, design, survey.domains(rows, config["population_classes"]), 0.95)
    shown = survey.shown(raw, limits)
    hidden = set(raw["share"]) - set(shown["share"])
    assert hidden
    data = [*(one.data for one in exhibits.tables), *(one.data for one in exhibits.figures)]
    for part in data:
        if "share" in part:
            assert not hidden & set(part["share"].dropna())


def test_shuffled_answers_leave_no_finding(respondents, book, config):
    rows, design = respondents
    names = [name for name in rows.columns if re.match(r"q[1-5]", name)]
    order = np.random.default_rng(5).permutation(len(rows))
    shuffled = rows.copy()
    shuffled[names] = rows[names].iloc[order].set_axis(rows.index)
    texts = show.chapter(shuffled, design, book, config).texts
    assert "not shown to see more of any form" in texts["findings"]
    assert "not shown to fall with population for any form" in texts["size"]
    assert "not shown to differ between sex and labor trafficking" in texts["size"]
    assert "Regions are not shown to differ for any form" in texts["region"]
