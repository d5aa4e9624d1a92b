"""Appendix A: the form and the codebook tables say what the codebooks say."""

import re

import pytest
from drawn_answers import BOOKS, FOLDER

from agency_survey import codebook, wording
from agency_survey.sections import questionnaire

PARTS = [book for book in BOOKS.values() if questionnaire.asked(book)]
MADE = questionnaire.appendix(BOOKS)


def test_the_parts_of_the_form_are_those_with_questions():
    assert [book.name for book in PARTS] == ["part1", "part2", "part3"]
    assert set(MADE.texts) == {"form-part1", "form-part2", "form-part3"}


@pytest.mark.parametrize("book", PARTS, ids=lambda book: book.name)
def test_the_form_asks_every_question_once_with_its_answers(book):
    text = questionnaire.form(book)
    for variable in questionnaire.asked(book):
        if variable.battery:
            assert text.count(book.batteries[variable.battery].question) == 1
            if variable.item[-1].isalpha():
                assert f"({variable.item[-1]}) {variable.label}" in text
        else:
            assert text.count(variable.question) == 1, variable.name
        for code, label in variable.codes.items():
            assert f"**{code}**\N{NO-BREAK SPACE}{label}" in text


@pytest.mark.parametrize("book", PARTS, ids=lambda book: book.name)
def test_numbers_are_those_of_the_variables_names(book):
    numbers = [int(one) for one in re.findall(r"^(\d+)\.  ", questionnaire.form(book), flags=re.M)]
    expected = sorted({int(re.match(r"q(\d+)", name)[1]) for name in book.variables if re.match(r"q\d", name)})
    assert numbers == expected


def test_a_gap_in_the_numbers_begins_a_new_list():
    # lists in Markdown count on from their first number, whatever the next ones say
    text = questionnaire.form(BOOKS["part3"])
    between = text[text.index("\n7.  ") : text.index("\n9.  ")]
    assert "<!--" in between


def test_skip_instructions_in_words():
    said = {
        f"{book.name}.{one.name}": wording.in_words(one.universe, book)
        for book in BOOKS.values()
        for one in book.variables.values()
        if one.universe
    }
    assert said["part1.q5a_own_cases"] == "at least one of questions 1, 2, 3 and 4 is not “Don't know”"
    assert said["part1.q7_training_hours"] == "question 6 is “Yes”"
    assert said["part2.q12_more_time"] == (
        "the agency investigated sex trafficking and the agency investigated labor trafficking"
    )
    assert said["part3.q5a_origin"] == "question 5 is above 0"
    assert said["part3.q14_convicted"] == "question 12 is “State court”, “Federal court” or “Both”"
    assert said["frame.task_force"] == "“Partner of a federally funded task force” is “Yes”"
    assert "*Only if question 13 is “Yes”:* How many cases" in questionnaire.form(BOOKS["part1"])


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("a not in [1, 2]", "question 1 is not “Yes” or “No”"),
        ("a == 1 and n >= 3", "question 1 is “Yes” and question 2 is at least 3"),
        ("a == 1 and b == 1", "each of questions 1 and 3 is “Yes”"),
        ("not a == 1", "it is not so that question 1 is “Yes”"),
        ("answered(a)", "question 1 is answered"),
        ("n + 1 > 3", "`n + 1 > 3`"),
        ("n < 3 or n > 5", "question 2 is below 3 or question 2 is above 5"),
    ],
)
def test_other_conditions_in_words(expression, words):
    yes_no = {"label": "A", "type": "categorical", "codes": {1: "Yes", 2: "No"}}
    expression = re.sub(r"\b([abn])\b", lambda match: {"a": "q1_a", "n": "q2_n", "b": "q3_b"}[match[1]], expression)
    book = codebook.from_dict(
        {
            **{"name": "t", "title": "T", "file": "t.csv", "delimiter": ",", "encoding": "utf-8"},
            **{"synthetic": True, "record": "agency", "key": ["id"]},
            "variables": {
                "id": {"label": "I", "type": "string"},
                "q1_a": yes_no,
                "q2_n": {"label": "N", "type": "integer"},
                "q3_b": yes_no,
                "q4": {**yes_no, "universe": expression},
            },
        },
        "t.yaml",
    )
    said = wording.in_words(book.variables["q4"].universe, book)
    assert said == (f"`{expression}`" if words.startswith("`") else words)


def test_codebook_tables_have_a_row_for_each_variable():
    tables = {table.ident: table for table in MADE.tables}
    for book in BOOKS.values():
        table = tables[f"tbl-codebook-{book.name}"]
        assert table.shown["Variable"].tolist() == list(book.variables)
        assert table.data["position"].tolist() == list(range(1, len(book.variables) + 1))
        assert table.data["question"].tolist() == [one.question for one in book.variables.values()]
    shown = tables["tbl-codebook-part3"].shown.set_index("Variable")
    assert shown.loc["q3_victims", "Values"] == "whole number of persons, 1 to 400"
    assert shown.loc["q3_victims", "Missing"] == "997–999, 9999"
    assert shown.loc["q2_setting", "Missing"] == "97–99, 999"
    assert shown.loc["closed_on", "Missing"] == "empty: not applicable"
    assert shown.loc["opened_on", "Values"] == "date, 2000-01-01 to 2006-12-31"
    assert tables["tbl-codebook-frame"].shown.columns[-1] == "Filled in if"


def test_missing_codes_are_counted_by_set():
    data = next(table for table in MADE.tables if table.ident == "tbl-questionnaire-missing").data
    with_codes = [f"{b.name}.{v.name}" for b in BOOKS.values() for v in b.variables.values() if v.missing]
    assert sorted(data["variable"]) == sorted(with_codes)
    row = data.set_index("variable").loc["part3.q7_came_to_light"]
    assert row.to_dict() == {"refused": "97", "dont_know": "98", "not_asked": "99", "missing": "999"}


def test_numbers_count_what_the_files_of_the_codebooks_hold():
    import yaml

    numbers = {ident: one["value"] for ident, one in MADE.numbers.as_dict()["numbers"].items()}
    raw = {name: yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")) for name in codebook.SURVEY}
    asked = {name: [v for v in one["variables"].values() if "question" in v] for name, one in raw.items()}
    assert numbers["questionnaire.variables.all"] == sum(len(one["variables"]) for one in raw.values())
    assert numbers["questionnaire.items.part3"] == len(asked["part3"])
    assert numbers["questionnaire.items.all"] == sum(map(len, asked.values()))
    assert numbers["questionnaire.rules.all"] == sum(len(one.get("consistency", [])) for one in raw.values())
    assert numbers["questionnaire.derived.all"] == sum(len(one.get("derived", {})) for one in raw.values())


def test_every_table_of_the_rule_is_made():
    from pathlib import Path

    rule = (Path(__file__).parents[2] / "workflow/rules/81_questionnaire.smk").read_text(encoding="utf-8")
    named = set(re.findall(r'"(tbl-[a-z-]+)"', rule)) | {f"tbl-codebook-{name}" for name in codebook.SURVEY}
    assert {table.ident for table in MADE.tables} == named
    assert all(f'"{name}"' in rule for name in MADE.texts)
