"""The codebook's expressions: what the language takes, what it refuses, and what it says of every kind of answer."""

import itertools

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agency_survey import codebook, expressions, ingest, logic
from agency_survey.errors import InputError

BASE = {
    "name": "t",
    "title": "T",
    "file": "t.csv",
    "delimiter": ",",
    "encoding": "utf-8",
    "synthetic": True,
    "record": "case",
    "key": ["id"],
    "missing_codes": {
        "item": {
            7: {"kind": "refused", "label": "Refused"},
            8: {"kind": "dont_know", "label": "Don't know"},
            9: {"kind": "not_asked", "label": "Not asked"},
            99: {"kind": "missing", "label": "Left out"},
        },
        "number": {
            998: {"kind": "dont_know", "label": "Don't know"},
            9999: {"kind": "missing", "label": "Left out"},
        },
    },
}
VARIABLES = {
    "id": {"label": "Identifier", "type": "string"},
    "a": {"label": "A", "type": "categorical", "codes": {1: "Yes", 2: "No"}, "missing": "item"},
    "b": {"label": "B", "type": "categorical", "codes": {1: "Red", 2: "Green", 3: "Blue"}, "missing": "item"},
    "n": {"label": "N", "type": "integer", "range": [0, 50], "missing": "number"},
    "m": {"label": "M", "type": "number", "range": [0, 50], "missing": "number"},
    "begun": {"label": "Begun", "type": "date", "blank": "not_applicable"},
    "ended": {"label": "Ended", "type": "date", "blank": "not_applicable"},
    "words": {"label": "Words", "type": "text", "blank": "not_applicable"},
}


def book(expression: str = "a == 1", **more) -> codebook.Codebook:
    """A codebook with one consistency rule."""
    rule = {"id": "rule", "expression": expression, "message": "It does not hold", "variables": ["a"]}
    return codebook.from_dict({**BASE, "variables": VARIABLES, "consistency": [rule], **more}, "t.yaml")


def table(made: codebook.Codebook, **columns: list[str]) -> pd.DataFrame:
    """Typed table of raw columns; columns that are not given hold one valid value each."""
    count = len(next(iter(columns.values())))
    default = {"a": "1", "b": "1", "n": "0", "m": "0", "begun": "", "ended": "", "words": ""}
    raw = {"id": [str(k) for k in range(count)], **{k: [v] * count for k, v in default.items()}, **columns}
    frame = pd.DataFrame(raw, dtype=object)[list(made.variables)]
    return ingest.typed(frame.set_axis(pd.RangeIndex(2, 2 + count, name="row")), made)[0]


def holds(expression: str, **columns: list[str]) -> list:
    """True, False or None for each record."""
    made = book(expression)
    found = logic.evaluate(made.consistency[0].expression, made, table(made, **columns))
    return [None if pd.isna(one) else bool(one) for one in found]


ANSWERS = ["1", "2", "7", "8", "9", "99", "5"]  # the last is outside the codebook
KNOWN = ["1", "2", "7", "8", "9"]


def test_a_code_equals_itself_and_what_was_left_out_is_unknown():
    for code in ["1", "2", "7", "8", "9"]:
        expected = [answer == code if answer in KNOWN else None for answer in ANSWERS]
        assert holds(f"a == {code}", a=ANSWERS) == expected
        assert holds(f"a != {code}", a=ANSWERS) == [None if one is None else not one for one in expected]
        assert holds(f"{code} == a", a=ANSWERS) == expected


def test_lists_of_codes():
    assert holds("a in [1, 8]", a=ANSWERS) == [True, False, False, True, False, None, None]
    assert holds("a not in [1, 8]", a=ANSWERS) == [False, True, True, False, True, None, None]


def test_the_missing_code_for_left_out_is_known_to_be_itself():
    assert holds("a == 99", a=["99", "1", "8"]) == [True, False, False]


def test_numbers_that_are_not_given_are_unknown():
    assert holds("n > 3", n=["3", "4", "998", "9999", "51", "x"]) == [False, True, None, None, None, None]
    assert holds("n + m == 7", n=["3", "4", "998"], m=["4", "4", "4"]) == [True, False, None]
    assert holds("n - m * 2 >= -1", n=["3", "3"], m=["2", "2.5"]) == [True, False]
    assert holds("n / m == 0.5", n=["1", "1"], m=["2", "4"]) == [True, False]
    assert holds("n == 998", n=["998", "3", "9999"]) == [True, False, None]
    assert holds("0 < n <= 3", n=["0", "3", "4"]) == [False, True, False]


def test_truths_count_one():
    assert holds("(a == 1) + (b in [1, 2]) == 2", a=["1", "1", "2", "99"], b=["2", "3", "1", "1"]) == [
        True,
        False,
        False,
        None,
    ]


def test_dates_are_compared_with_dates_and_with_quoted_ones():
    begun, ended = ["2001-05-02", "2001-05-02", ""], ["2001-05-02", "2001-05-01", "2001-05-01"]
    assert holds("ended >= begun", begun=begun, ended=ended) == [True, False, None]
    assert holds("begun >= '2001-05-02'", begun=["2001-05-02", "2001-05-01"]) == [True, False]


def test_answered_says_whether_there_is_a_valid_answer():
    assert holds("answered(a)", a=ANSWERS) == [True, True, False, False, False, False, False]
    assert holds("not answered(words)", words=["x", ""]) == [False, True]


THREE = {"1": True, "2": False, "99": None}


def kleene(word: str, one: bool | None, other: bool | None) -> bool | None:
    decided = word == "or"
    if decided in (one, other):
        return decided
    return None if None in (one, other) else not decided


@pytest.mark.parametrize("word", ["and", "or"])
def test_three_valued_logic(word):
    pairs = list(itertools.product(THREE, THREE))
    found = holds(f"a == 1 {word} b == 1", a=[a for a, _ in pairs], b=[b for _, b in pairs])
    assert found == [kleene(word, THREE[a], THREE[b]) for a, b in pairs]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("a ==", "is no expression"),
        ("a = 1", "is no expression"),
        ("", "is no expression"),
        ("x == 1", "names 'x', which is no variable"),
        ("wrds == 'x'", "did you mean 'words'?"),
        ("a == 4", "compares 'a' with 4, which is none of its codes"),
        ("b in [1, 6]", "compares 'b' with 6, which is none of its codes"),
        ("a < 2", "orders the codes of 'a'"),
        ("a + 1 == 2", "reckons with 'a', which is no number"),
        ("n == 'x'", "compares the number 'n' with the text 'x'"),
        ("n < 998", "orders 'n' by its missing code 998"),
        ("begun > 3", "compares the date 'begun' with 3"),
        ("begun > '2001-02-30'", "write 'YYYY-MM-DD'"),
        ("begun > n", "compares 'begun' with 'n': date with number"),
        ("words == 1", "put it in quotes"),
        ("(a == 1) == 1", "which is true or false"),
        ("a == 1 or n", "joins 'n', which is neither true nor false"),
        ("n + 1", "is not true or false"),
        ("a", "is not true or false"),
        ("a in 1", "'in' without a list"),
        ("a in []", "'in' without a list"),
        ("a in [n]", "a list that holds more than codes"),
        ("a is 1", "compares with 'is'"),
        ("a == None", "neither a number nor a text"),
        ("a == True", "neither a number nor a text"),
        ("n ** 2 == 4", "an operator other than"),
        ("n % 2 == 0", "an operator other than"),
        ("~n == 4", "a sign other than"),
        ("open('x')", "calls something other than answered(variable)"),
        ("__import__('os').system('x') == 1", "calls something other"),
        ("a.b.c == 1", "more than one dot"),
        ("answered(a, b)", "calls something other"),
        ("answered(a == 1)", "calls something other"),
        ("[a for a in b] == 1", "holds ListComp"),
        ("(lambda: a) == 1", "holds Lambda"),
        ("a if b else n", "holds IfExp"),
        ("b[0] == 1", "holds Subscript"),
        ("(a := 1) == 1", "holds NamedExpr"),
        ("f'{a}' == 1", "holds JoinedStr"),
        ("a == 1 " + "or a == 1 " * 500, "longer than 4,000 characters"),
        ("(" * 1500 + "a == 1" + ")" * 1500, ""),
        ("not " * 900 + "a == 1", "nested more than 100 deep"),
        ("n" + " + n" * 900 + " > 1", "nested more than 100 deep"),
        ("n == " + "9" * 3900, "too large"),
        ("n < 1e999", "too large"),
        ("a == '\0'", ""),
        ("a == \ud800", ""),
    ],
)
def test_what_is_refused_is_refused_in_one_sentence(expression, words):
    with pytest.raises(InputError) as caught:
        book(expression)
    said = str(caught.value)
    assert said.startswith("The ")
    assert words in said
    assert "\n" not in said
    assert "consistency rule 'rule'" in said
    assert "(t.yaml)" in said


def test_a_missing_code_that_shares_its_kind_cannot_be_told():
    more = {
        **VARIABLES,
        "c": {
            **VARIABLES["a"],
            "missing": {8: {"kind": "missing", "label": "X"}, 9: {"kind": "missing", "label": "Y"}},
        },
    }
    with pytest.raises(InputError, match="one of several codes of the same kind"):
        book("c == 8", variables=more)


TOKENS = [
    "a",
    "n",
    "begun",
    "u.n",
    "1",
    "8",
    "2.5",
    "'2001-01-01'",
    "(",
    ")",
    "[",
    "]",
    ",",
    "+",
    "-",
    "*",
    "/",
    "==",
    "<=",
]
TOKENS += [
    "in",
    "not",
    "and",
    "or",
    "answered(a)",
    "lambda",
    "if",
    "else",
    ":",
    "is",
    "None",
    "\\",
    "\n",
    "{",
    "}",
    "f''",
]


@given(st.lists(st.sampled_from(TOKENS), max_size=14).map(" ".join) | st.text(max_size=40))
@settings(max_examples=400, deadline=None)
def test_any_text_is_an_expression_or_refused_in_one_sentence(text):
    try:
        made = book(text)
    except InputError as error:
        said = str(error).splitlines()
    else:
        said = []
    assert len(said) <= 1
    if said or any(one.file for one in made.consistency[0].expression.references):
        return  # kinds of other files' variables are looked up with their codebooks
    found = logic.evaluate(made.consistency[0].expression, made, table(made, a=ANSWERS))
    assert len(found) == len(ANSWERS)
    assert found.dtype in ("boolean", "bool")


def test_references_come_once_and_in_order():
    parsed = expressions.parse("b == 1 and answered(part1.x) and (a == 1 or b == 2) and part1.x > 2")
    assert [str(one) for one in parsed.references] == ["b", "part1.x", "a"]


def test_violations_name_rule_row_record_and_variables():
    made = book("a == 1")
    found = logic.violations(made, table(made, a=["1", "2", "8", "99", "2"]))
    assert found.to_dict("records") == [
        {"rule": "rule", "row": row, "record": record, "variables": ["a"], "message": "It does not hold"}
        for row, record in ((3, "1"), (4, "2"), (6, "4"))
    ]
    assert logic.violations(made, table(made, a=["1"])).columns.tolist() == logic.VIOLATION_COLUMNS


def test_the_row_column_of_a_stored_table_is_used():
    made = book("a == 1")
    stored = table(made, a=["1", "2"]).reset_index()
    assert logic.violations(made, stored)["row"].tolist() == [3]


def other(name: str, rows: dict[str, str]) -> tuple[codebook.Codebook, pd.DataFrame]:
    made = codebook.from_dict({**BASE, "name": name, "variables": VARIABLES}, f"{name}.yaml")
    found = table(made, n=list(rows.values()))
    return made, found.assign(id=pd.array(list(rows), dtype="string"))


def test_rules_across_files_join_by_the_key():
    made = book("n <= u.n")
    rows = table(made, n=["3", "3", "3", "3"])  # ids 0 to 3
    others = {"u": other("u", {"1": "2", "0": "3", "3": "998"})}
    assert logic.violations(made, rows, others)["record"].tolist() == ["1"]
    assert len(logic.violations(made, rows)) == 0
    absent = book("answered(u.id)")
    assert logic.violations(absent, rows, others)["record"].tolist() == ["2"]


def test_a_key_that_is_twice_in_the_other_file_is_refused():
    made = book("n <= u.n")
    double = other("u", {"1": "2"})
    others = {"u": (double[0], pd.concat([double[1], double[1]]))}
    with pytest.raises(InputError, match="The key id = '1' is there more than once"):
        logic.violations(made, table(made, n=["3"]), others)


def test_derived_variables_use_those_before_them():
    made = book(
        derived={
            "yes": {"label": "Yes", "expression": "a == 1"},
            "score": {"label": "Score", "expression": "yes + (b == 1)"},
        }
    )
    found = logic.derive(made, table(made, a=["1", "2", "99"], b=["1", "3", "1"]))
    assert found["yes"].tolist()[:2] == [True, False]
    assert found["score"].tolist()[:2] == [2, 0]
    assert found.isna().iloc[2].all()
    with pytest.raises(InputError, match="names 'score', which is no variable"):
        book(derived={"yes": {"label": "Y", "expression": "score > 1"}, "score": {"label": "S", "expression": "n + m"}})
