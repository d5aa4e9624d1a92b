"""Chapter 12: findings and recommendations that change their words, or drop out, with the results."""

import re

import pandas as pd
import pytest
import stand_in
from rebuilt_numbers import REGISTRY, agreeable, number

from agency_survey.errors import InputError
from agency_survey.sections import conclusions as section
from agency_survey.sections import published_and_rebuilt

PUBLISHED = pd.read_csv(stand_in.ROOT / "data/published/report_2008.csv", dtype=str, keep_default_na=False)
IDENTS = {entry["figure"]: entry["numbers"] for entry in REGISTRY if "numbers" in entry}


def adjusted(value=0.8, p=0.001):
    return {ident: number(found) for way in section.TASK_FORCE_WAYS for ident, found in ((way, value), (f"{way}.p", p))}


def exhibits(changed=None, synthetic=True):
    """The chapter of numbers that agree, some of them changed (by id)."""
    numbers = agreeable() | adjusted() | (changed or {})
    calibrated = dict.fromkeys(IDENTS, "how") if synthetic else {}
    found = published_and_rebuilt.compare(PUBLISHED, REGISTRY, numbers, calibrated)
    own = published_and_rebuilt._numbers(PUBLISHED, found).numbers
    return section.chapter(found, numbers | own, synthetic, 0.95)


def of(figure, at=0):
    return IDENTS[figure][at]


def headline(key, changed=None):
    names = [one.key for one in section.HEADLINES]
    return exhibits(changed).texts["headlines"].splitlines()[names.index(key)]


def test_every_headline_rests_on_published_figures_that_are_rebuilt():
    for one in section.HEADLINES:
        assert all(figure in IDENTS for figure in one.figures), one.key


def test_the_headlines_say_what_was_found():
    text = exhibits().texts["headlines"]
    for words in (
        "Most local agencies",
        "sex trafficking above all",
        "More than half of the agencies serving the largest",
        "Preparation goes with investigating cases",
        "links to other criminal networks",
        "work proactively",
        "one type only",
        "younger than twenty-five",
        "a difference remains",
    ):
        assert words in text
    assert text.count("\n- ") + 1 == len(section.HEADLINES)
    assert "agrees with the published figure" in text


def test_agreement_with_what_was_calibrated_is_said_to_be_by_construction():
    assert "by construction" in exhibits().texts["headlines"]
    assert "by construction" not in exhibits(synthetic=False).texts["headlines"]


NONE, BELOW = number(0.5, 0.4, 0.6), number(0.2, 0.15, 0.25)


@pytest.mark.parametrize(
    ("key", "changed", "said", "unsaid"),
    [
        ("perception", {of("P029"): NONE}, "About half of the local agencies", "Most"),
        ("perception", {of("P029"): BELOW}, "Fewer than half of the local agencies", "Most"),
        (
            "perception",
            {of("P030", 2): number(0.0, -0.1, 0.1)},
            "not shown to be that of sex",
            "sex trafficking above all:",
        ),
        ("perception", {of("P030", 1): number(0.0, -0.1, 0.1)}, "shown in part", "see more,"),
        (
            "perception",
            {of("P030", 0): number(0.0, -0.1, 0.1), of("P030", 1): number(0.0, -0.1, 0.1)},
            "is not shown",
            "see more,",
        ),
        ("identification", {of("P041"): NONE}, "About half of the agencies", "More than half"),
        ("identification", {of("P041"): BELOW}, "Fewer than half", "More than half"),
        ("identification", {of("P042"): number(0)}, "have found none", "of every type"),
        ("preparation", {of("P044"): number(1.1, 0.9, 1.4)}, "not shown to go with", "goes with"),
        ("preparation", {of("P044"): number(0.6, 0.4, 0.8)}, "less often", "goes with"),
        ("networks", {of("P048"): BELOW}, "Fewer than half", "Most"),
        ("networks", {of("P048"): BELOW}, "does not agree", "This agrees"),
        ("indicators", {of("P053"): NONE}, "About half of the agencies with cases", "proactively"),
        ("types", {of("P043"): BELOW}, "Fewer than half", "Most"),
        ("age", {of("P049"): NONE}, "About half of the identified victims", "Most"),
        ("task-forces", {of("P055"): number(0.0, -0.1, 0.1)}, "not shown to be better prepared", "have taken more"),
        ("task-forces", adjusted(p=0.4), "but no difference is shown between", "remains"),
        ("task-forces", adjusted(value=-0.8), "but no difference is shown between", "remains"),
        ("age", {of("P049"): number(None)}, "too uncertain to be shown, or left out", "Most"),
    ],
)
def test_a_headline_changes_with_its_result(key, changed, said, unsaid):
    text = headline(key, changed)
    assert said in text
    assert unsaid not in text
    assert unsaid in headline(key) or unsaid in ("see more,", "This agrees")


@pytest.mark.parametrize(
    ("changed", "heading"),
    [
        ({of("P029"): NONE}, "Show leaders"),
        ({of("P044"): number(1.1, 0.9, 1.4)}, "Train officers"),
        ({of("P044"): number(None)}, "Train officers"),
        ({of("P053"): NONE}, "Teach officers"),
        ({of("P054"): number(0.31, 0.28, 0.34)}, "Teach officers"),
        ({of("P048"): NONE}, "Let those"),
        ({of("P043"): NONE}, "Look for the other type"),
        ({of("P050"): NONE}, "Look for the other type"),
        ({of("P049"): NONE}, "Plan services"),
        (adjusted(p=0.2), "Bring what task forces have"),
    ],
)
def test_a_recommendation_drops_out_with_its_finding(changed, heading):
    whole, made = exhibits(), exhibits(changed)
    assert heading in whole.texts["recommendations"]
    assert "is supported" in whole.texts["not-supported"]
    assert heading not in made.texts["recommendations"]
    assert "do not support" in made.texts["not-supported"]
    values = [one.numbers.numbers["conclusions.recommendations"]["value"] for one in (whole, made)]
    assert values[1] == values[0] - 1


def test_without_any_finding_nothing_is_recommended():
    shares = {of(figure): BELOW for figure in ("P029", "P048", "P043", "P049", "P053")}
    made = exhibits(shares | {of("P044"): number(1.0, 0.8, 1.2)} | adjusted(p=0.9))
    assert "support none" in made.texts["recommendations"]
    assert made.numbers.numbers["conclusions.recommendations"]["value"] == 0


def test_the_findings_count_those_that_agree():
    assert exhibits().texts["findings"].startswith("All {{< num conclusions.headlines >}} headline findings agree")
    made = exhibits({of("P048"): BELOW})
    assert made.texts["findings"].startswith("Of {{< num conclusions.headlines >}} headline findings")
    assert made.numbers.numbers["conclusions.agree"]["value"] == len(section.HEADLINES) - 1


def test_no_sentence_prints_a_number_that_may_not_be_shown():
    for ident in {ident for idents in IDENTS.values() for ident in idents}:
        made = exhibits({ident: number(None)})
        text = made.texts["headlines"] + made.texts["recommendations"]
        assert ident not in re.findall(r"\{\{< num (\S+)", text), ident


def test_only_the_stand_in_is_advice_to_nobody():
    assert "advice to nobody" in exhibits().texts["recommendations"]
    assert "advice to nobody" not in exhibits(synthetic=False).texts["recommendations"]
    assert "by construction" not in exhibits(synthetic=False).tables[0].markdown()


def test_the_table_has_each_figure_with_its_chapter():
    table = exhibits().tables[0].markdown()
    for one in section.HEADLINES:
        assert one.name in table
        assert f"@{one.chapter}" in table


def test_a_figure_that_is_not_rebuilt_is_refused():
    numbers = agreeable() | adjusted()
    found = published_and_rebuilt.compare(PUBLISHED, REGISTRY, numbers, {})
    found.loc[found["id"] == "P048", "numbers"] = None
    with pytest.raises(InputError, match=r"P048.*is not rebuilt"):
        section.chapter(found, numbers, True, 0.95)
