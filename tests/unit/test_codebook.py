"""Codebooks: what they refuse, and that the shipped ones fit the shipped files."""

from pathlib import Path

import pytest

from agency_survey import codebook
from agency_survey.errors import InputError

PROJECT = Path(__file__).parents[2]
BASE = {
    "name": "t",
    "title": "T",
    "file": "t.csv",
    "delimiter": ",",
    "encoding": "utf-8",
    "synthetic": True,
    "record": "agency",
    "key": ["id"],
}
ID = {"label": "Identifier", "type": "string"}
MISSING = {"kind": "missing", "label": "Left out"}


def made(**variables) -> codebook.Codebook:
    return codebook.from_dict({**BASE, "variables": {"id": ID, **variables}}, "t.yaml")


def test_codes_become_text_and_keep_their_order():
    book = made(q={"label": "Q", "type": "categorical", "codes": {2: "No", 1: "Yes"}, "missing": {9: MISSING}})
    assert book.variables["q"].codes == {"2": "No", "1": "Yes"}
    assert book.variables["q"].labels == ["No", "Yes"]
    assert list(book.variables["q"].missing) == ["9"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"type": "categorical", "codes": {1: "a", 9: "b"}, "missing": {9: MISSING}}, "code 9 of 'q' is both valid"),
        ({"type": "categorical"}, "must have codes exactly when"),
        ({"type": "integer", "codes": {1: "a"}}, "must have codes exactly when"),
        ({"type": "categorical", "codes": {1: "a", 2: "a"}}, "Two codes of 'q' have the label 'a'"),
        ({"type": "categorical", "codes": {True: "a", False: "b"}}, "read as true or false"),
        ({"type": "string", "pattern": "("}, "no regular expression"),
        ({"type": "integer", "range": [5, 1]}, "ends before it begins"),
    ],
)
def test_what_contradicts_itself_is_refused(spec, words):
    with pytest.raises(InputError, match=r"\(t\.yaml\)") as caught:
        made(q={"label": "Q", **spec})
    assert words in str(caught.value)


def test_key_must_be_a_variable():
    with pytest.raises(InputError, match="The key 'agency' is not among the variables"):
        codebook.from_dict({**BASE, "key": ["agency"], "variables": {"id": ID}}, "t.yaml")


def test_schema_problems_name_variable_and_line(tmp_path):
    text = (PROJECT / "config/codebooks/frame.yaml").read_text(encoding="utf-8")
    path = tmp_path / "frame.yaml"
    path.write_text(text.replace("type: integer, unit: persons", "type: interger, unit: persons", 1), encoding="utf-8")
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "type: integer, unit: persons" in row)
    with pytest.raises(InputError, match=rf"'variables\.population\.type'.*line {line}\)\. Did you mean 'integer'"):
        codebook.load(path)


@pytest.mark.parametrize(("folder", "name"), [("frame", "frame"), ("raw", "disposition"), ("raw", "part1")])
def test_codebooks_describe_every_column_of_the_shipped_files(folder, name):
    book = codebook.load(PROJECT / f"config/codebooks/{name}.yaml")
    with open(PROJECT / "data" / folder / book.file, encoding="utf-8") as stream:
        assert next(stream).strip().split(",") == list(book.variables)
