"""Words in section modules become captions, notes, alternative texts and sentences: none holds a typed-in result."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_survey.render import digits

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ROOT / "workflow" / "agency_survey" / "sections"
HOLE = "\N{CURRENCY SIGN}"  # stands for what a program puts in
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def literals(source: str) -> Iterator[tuple[int, str]]:
    """Line and words of each string of a module, f-strings with a sign for each hole; no docstrings, no words of errors."""
    tree = ast.parse(source)
    apart = set()
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and node.body and isinstance(node.body[0], ast.Expr):
            apart.add(id(node.body[0].value))
        if isinstance(node, ast.JoinedStr):
            apart |= {id(part) for part in node.values}
            apart |= {id(part.format_spec) for part in node.values if isinstance(part, ast.FormattedValue)}
        if isinstance(node, ast.FormattedValue) and node.format_spec:
            apart |= {id(part) for part in node.format_spec.values}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "InputError":
            apart |= {id(part) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in apart:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(part.value if isinstance(part, ast.Constant) else HOLE for part in node.values)


def running(words: str) -> bool:
    """Whether a string is in words (and no key, format or identifier)."""
    return " " in words and len(re.findall(r"[A-Za-z]{2,}", words)) > 1


def typed(name: str, source: str, allowed: list[digits.Allowance]) -> list[str]:
    """'file:line: what' of digits and number words that no entry allows."""
    return [
        f"{name}:{line}: '{one.what}' in '{words[max(0, one.start - 40) : one.end + 40]}'"
        for line, words in literals(source)
        if running(words)
        for one in digits.refused(words, lambda offset: name, allowed)
    ]


def test_no_section_has_a_result_typed_in_and_every_entry_is_of_use():
    allowed = digits.read_allowed(ROOT)
    found = []
    for path in sorted(SECTIONS.glob("*.py")):
        found += typed(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"), allowed)
    assert not found
    unused = [
        f"line {entry.line}: {name}"
        for entry in allowed
        for name in entry.files
        if name.startswith("workflow/") and name not in entry.used
    ]
    assert not unused


def test_entries_name_files_that_can_be():
    rules = {path.stem[3:] for path in (ROOT / "workflow" / "rules").glob("[0-9][0-9]_*.smk")}
    for entry in digits.read_allowed(ROOT):
        for name in entry.files:
            if name.startswith("results/"):
                assert name.split("/")[1] in {*rules, "*"}
                assert name.split("/")[2] == "text"
            else:
                assert list(ROOT.glob(name)), name


MODULE = '''"""Module of 43."""
def note(n):
    """Docstring of 43."""
    if n < 0:
        raise InputError("A share lies outside 0 to 1", fix=f"Give {n} from 0 to 1")
    key = f"methods.rate.{n:.2f}.x2"
    return {PLACE}
'''


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ('"Of the 43 agencies."', ["43"]),
        ('f"Share of {n} agencies, 95% interval."', ["95%"]),
        ('"Of all agencies, " "two thirds answered."', ["two thirds"]),
        ('f"Shares of {n:.1f} in {n} agencies of 2007."', []),
        ('"x-43"', []),
    ],
)
def test_strings_of_a_module_are_found(words, found):
    source = MODULE.replace("{PLACE}", words)
    said = typed("a.py", source, [])
    assert [one.split("'")[1] for one in said] == found
    assert all(one.startswith("a.py:7:") for one in said)


def test_what_reasons_say_of_the_instrument_and_the_standard_holds():
    from agency_survey import ddi, schema

    questionnaire = (ROOT / "reports" / "A-questionnaire.qmd").read_text(encoding="utf-8")
    assert f"DDI-Codebook {ddi.NAMESPACE.rpartition(':')[2].replace('_', '.')}" in questionnaire
    book = schema.read_yaml(ROOT / "config" / "codebooks" / "part3.yaml")
    assert book["variables"]["case_number"]["range"] == [1, 3]
