"""Codebooks: what they refuse, and that the shipped ones fit the shipped files."""

import json
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


@pytest.mark.parametrize(
    ("folder", "name"),
    [("frame", "frame"), ("raw", "disposition"), ("raw", "part1"), ("raw", "part2"), ("raw", "part3")],
)
def test_codebooks_describe_every_column_of_the_shipped_files(folder, name):
    book = codebook.load(PROJECT / f"config/codebooks/{name}.yaml")
    with open(PROJECT / "data" / folder / book.file, "rb") as stream:  # later lines may be of another encoding
        assert next(stream).decode("ascii").strip().split(",") == list(book.variables)


SETS = {
    "code_sets": {"yes_no": {1: "Yes", 2: "No"}},
    "missing_codes": {
        "item": {7: {"kind": "refused", "label": "Refused"}, 99: {"kind": "missing", "label": "Left out"}}
    },
}


def test_named_sets_stand_for_their_codes():
    spec = {"label": "Q", "type": "categorical", "codes": "yes_no", "missing": "item"}
    book = codebook.from_dict({**BASE, **SETS, "variables": {"id": ID, "q": spec}}, "t.yaml")
    assert book.variables["q"].codes == {"1": "Yes", "2": "No"}
    assert book.variables["q"].missing_code("refused") == "7"
    assert book.variables["q"].missing_code("dont_know") is None
    assert [one.position for one in book.variables.values()] == [1, 2]


def test_a_battery_gives_its_universe_and_a_universe_lets_cells_be_empty():
    q = {"label": "Q", "type": "categorical", "codes": "yes_no"}
    data = {
        **BASE,
        **SETS,
        "batteries": {"group": {"question": "Which?", "universe": "q1_a == 1"}},
        "variables": {
            "id": ID,
            "q1_a": q,
            "q2a_b": {**q, "battery": "group"},
            "q2b_c": {**q, "battery": "group", "blank": "missing"},
        },
    }
    book = codebook.from_dict(data, "t.yaml")
    assert book.variables["q2a_b"].universe.text == "q1_a == 1"
    assert [book.variables[name].blank for name in ("q1_a", "q2a_b", "q2b_c")] == [None, "not_asked", "missing"]
    assert [one.item for one in book.variables.values()] == ["", "1", "2a", "2b"]


Q = {"label": "Q", "type": "categorical", "codes": {1: "Yes", 2: "No"}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"variables": {"id": ID, "q": {**Q, "codes": "yes_no"}}}, "uses 'yes_no', which is not among code_sets"),
        ({"variables": {"id": ID, "q": {**Q, "missing": "x"}}}, "uses 'x', which is not among missing_codes"),
        ({"variables": {"id": ID, "q": {**Q, "battery": "x"}}}, "The battery 'x' of 'q' is not known"),
        ({"variables": {"id": ID, "q": Q}, "batteries": {"x": {"question": "?"}}}, "The battery 'x' has no variables"),
        ({"variables": {"id": ID, "q": Q}, "blocks": {"x": "X"}}, "'q' has no block"),
        ({"variables": {"id": ID, "q": {**Q, "block": "y"}}, "blocks": {"x": "X"}}, "in the block 'y', which is not"),
        ({"variables": {"id": {**ID, "block": "x"}, "q": Q}, "blocks": {"x": "X"}}, "key variable and in a block"),
        ({"variables": {"id": ID, "q": {**Q, "block": "x"}}, "blocks": {"x": "X", "y": "Y"}}, "block 'y' has no var"),
        (
            {
                "variables": {"id": ID, "q": {**Q, "battery": "x"}, "r": Q, "s": {**Q, "battery": "x"}},
                "batteries": {"x": {"question": "?"}},
            },
            "do not stand together",
        ),
        (
            {
                "variables": {"id": ID, "q": {**Q, "battery": "x"}, "s": {**Q, "battery": "x", "codes": {1: "a"}}},
                "batteries": {"x": {"question": "?"}},
            },
            "'s' has other codes or another universe than the battery 'x'",
        ),
        ({"variables": {"id": ID, "q": {**Q, "universe": "q == 1"}}}, "universe of the variable 'q' rests on itself"),
        ({"variables": {"id": ID, "q": {**Q, "universe": "z == 1"}}}, "names 'z', which is no variable"),
        ({"variables": {"id": ID, "q": {**Q, "universe": "u.z == 1"}}}, "names 'u.z' of another file"),
        ({"variables": {"id": ID, "q": Q}, "derived": {"q": {"label": "D", "expression": "q == 1"}}}, "name of a var"),
        ({"variables": {"id": ID, "q": Q}, "derived": {"d": {"label": "D", "expression": "q"}}}, "neither a truth nor"),
        (
            {
                "variables": {"id": ID, "q": Q},
                "consistency": [{"id": "r", "expression": "q == 1", "message": "m", "variables": ["z"]}],
            },
            "names 'z', which is no variable",
        ),
        (
            {"variables": {"id": ID, "q": Q}, "consistency": [{"id": "r", "expression": "u.q == 1", "message": "m"}]},
            "names no variable of its file",
        ),
        (
            {"variables": {"id": ID, "q": Q}, "consistency": [{"id": "r", "expression": "q == 1", "message": "m"}] * 2},
            "'r' is there twice",
        ),
        ({"variables": {"id": ID, "q": {"label": "Q", "type": "text", "range": [1, 2]}}}, "neither number nor date"),
        (
            {"variables": {"id": ID, "q": {"label": "Q", "type": "date", "range": ["2001-02-30", "2002-01-01"]}}},
            "no date",
        ),
        ({"variables": {"id": ID, "q": {"label": "Q", "type": "number", "range": ["a", "b"]}}}, "holds a text"),
        (
            {
                "variables": {
                    "id": ID,
                    "q": {"label": "Q", "type": "integer", "range": [0, 99], "missing": {99: MISSING}},
                }
            },
            "The missing code 99 of 'q' lies in its valid range",
        ),
    ],
)
def test_groups_universes_and_rules_that_contradict_the_variables_are_refused(change, words):
    with pytest.raises(InputError, match=r"\(t\.yaml\)") as caught:
        codebook.from_dict({**BASE, **change}, "t.yaml")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'universe: "q13_any_case == 1"\n    type',
            'universe: "q13_any_case == 3"\n    type',
            "with 3, which is none of its codes",
        ),
        (
            'universe: "q13_any_case == 1"\nvariables',
            'universe: "q13_any_cse == 1"\nvariables',
            "did you mean 'q13_any_case'",
        ),
        ('expression: "q6_training == 1"', 'expression: "q6_training = 1"', "is no expression"),
        ("q15a_sex_cases + q15b_labour_cases == q14_cases", "q15a_sex_cases + q15b == q14_cases", "names 'q15b'"),
        ("    block: preparation\n", "    block: preparatoin\n", "in the block 'preparatoin'"),
    ],
)
def test_problems_of_a_codebook_name_its_line(tmp_path, old, new, words):
    text = (PROJECT / "config/codebooks/part1.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "part1.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        codebook.load(path)
    assert words in str(caught.value)
    said = int(str(caught.value).split(", line ")[1].split(")")[0])
    changed = text[: text.index(old)].count("\n") + 1
    assert abs(said - changed) <= 4  # the key at fault, or the variable that it is in


def survey_with(tmp_path: Path, name: str, old: str, new: str) -> Path:
    for part in codebook.SURVEY:
        text = (PROJECT / f"config/codebooks/{part}.yaml").read_text(encoding="utf-8")
        assert part != name or old in text
        (tmp_path / f"{part}.yaml").write_text(text.replace(old, new) if part == name else text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("part1.q13_any_case != 2", "part1.q13_any != 2", "names 'part1.q13_any', which is no variable"),
        ("part1.q13_any_case != 2", "part1.q13_any_case != 3", "with 3, which is none of its codes"),
        ("part1.q13_any_case != 2", "part9.q13_any_case != 2", "names 'part9.q13_any_case', which is no variable"),
        (
            "answered(part1.agency_id)",
            "answered(part3.agency_id)",
            "names the file 'part3', whose records are not found",
        ),
    ],
)
def test_names_of_other_files_are_looked_up_when_the_survey_is_loaded(tmp_path, old, new, words):
    folder = survey_with(tmp_path, "part2", old, new)
    codebook.load(folder / "part2.yaml")  # alone, it does not know the other files
    with pytest.raises(InputError, match=r"part2\.yaml, line \d+\)") as caught:
        codebook.load_survey(folder)
    assert words in str(caught.value)


def test_the_survey_is_described_in_full():
    books = codebook.load_survey(PROJECT / "config/codebooks")
    assert {name: len(book.variables) for name, book in books.items()} == {
        "frame": 10,
        "disposition": 6,
        "part1": 31,
        "part2": 58,
        "part3": 23,
    }
    for book in books.values():
        for variable in book.variables.values():
            assert variable.disclosure, variable.name
            assert bool(variable.item) <= bool(variable.question), variable.name
            if variable.item and variable.type != "text":
                kinds = {entry["kind"] for entry in variable.missing.values()}
                assert kinds == {"refused", "dont_know", "not_asked", "missing"}, variable.name
        blocks = [book.in_block(block) for block in book.blocks]
        assert not blocks or {name for names in blocks for name in names} == set(book.variables)
        assert all(names[: len(book.key)] == book.key for names in blocks)


def slices(text: str, tmp_path: Path) -> dict[str, dict]:
    path = tmp_path / "part1.yaml"
    path.write_text(text, encoding="utf-8")
    book = codebook.load(path)
    return {block: codebook.of_block(book, block) for block in book.blocks}


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ('label: "Protocol or policy"', 'label: "Written protocol"', {"preparation"}),
        (
            'question: "In which form was this training given?',
            'question: "How was this training given?',
            {"preparation"},
        ),
        ('universe: "q6_training == 1"\n  q15', 'universe: "q6_training in [1, 8]"\n  q15', set()),
        (
            "range: [1, 400]\n    missing: number\n  q15a",
            "range: [1, 500]\n    missing: number\n  q15a",
            set(),
        ),
        ('expression: "q9_protocol == 1"', 'expression: "q9_protocol in [1, 8]"', {"preparation"}),
        ("{1: Widespread, 2: Occasional", "{1: Wide, 2: Occasional", {"perceptions"}),
        ('title: "Part I, every agency"', 'title: "Part I"', {"perceptions", "preparation", "identification"}),
        (
            "  q9_protocol:",
            "  q0_new: {label: New, block: preparation, type: text, blank: not_applicable, disclosure: none}\n  q9_protocol:",
            {"preparation"},
        ),
        ("# ", "# a comment, ", set()),
    ],
)
def test_a_change_moves_what_its_own_block_is_told_only(tmp_path, old, new, moved):
    """Who is asked and which range holds are matters of cleaning; what they change shows in the cleaned tables."""
    text = (PROJECT / "config/codebooks/part1.yaml").read_text(encoding="utf-8")
    assert old in text
    before, after = slices(text, tmp_path), slices(text.replace(old, new, 1), tmp_path)
    assert {block for block in before if before[block] != after[block]} == moved


def test_a_block_is_read_again_as_it_was_written():
    book = codebook.load(PROJECT / "config/codebooks/part1.yaml")
    told = json.loads(json.dumps(codebook.of_block(book, "preparation"), sort_keys=True))
    part = codebook.from_block(told)
    assert list(part.variables) == book.in_block("preparation")
    for name, variable in part.variables.items():
        assert (variable.label, variable.codes, variable.labels) == (
            book.variables[name].label,
            book.variables[name].codes,
            book.variables[name].labels,
        )
    assert part.synthetic == book.synthetic
    assert {name: one.expression for name, one in part.derived.items()}
    assert all(one.expression == book.derived[name].expression for name, one in part.derived.items())
