"""The codebook in words: skip instructions, answers and missing codes as people read them."""

from __future__ import annotations

import ast

from agency_survey.codebook import Codebook, Variable
from agency_survey.expressions import COMPARISONS, Expression, constant, reference

PERCENT = "percent"
SIZES = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "==": "", "!=": "not"}
KIND_WORDS = {
    "refused": "refused",
    "dont_know": "don't know",
    "not_asked": "not asked",
    "not_applicable": "not applicable",
    "missing": "left out",
}


def in_words(expression: Expression, book: Codebook) -> str:
    """A condition as a clause: 'question 6 is “Yes”'; what words do not say well stays as it is written."""
    return _clause(expression.tree, book)


def joined(words: list[str], last: str = "and") -> str:
    """'a, b and c'."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def named(variable: Variable) -> str:
    """How a sentence calls a variable: 'question 6', or its label where the form does not ask it."""
    return f"question {variable.item}" if variable.item else f"“{variable.label}”"


def values(variable: Variable) -> str:
    """Valid values: codes with labels, or limits with the unit."""
    if variable.codes:
        return "; ".join(f"{code} = {label}" for code, label in variable.codes.items())
    kind = {"integer": "whole number", "string": "text", "text": "free text"}.get(variable.type, variable.type)
    kind = variable.unit if variable.unit == PERCENT else f"{kind} of {variable.unit}" if variable.unit else kind
    return kind if variable.range is None else f"{kind}, {limit(variable.range[0])} to {limit(variable.range[1])}"


def limit(value: object) -> str:
    """A limit of a range: numbers with thousands marked, dates as they are."""
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def missing(variable: Variable) -> str:
    """Missing codes, runs of three and more drawn together, and what an empty cell means where skips do not say it."""
    codes = ", ".join(_runs(list(variable.missing)))
    blank = f"empty: {KIND_WORDS[variable.blank]}" if variable.blank and variable.universe is None else ""
    return "; ".join(part for part in (codes, blank) if part)


def _runs(codes: list[str]) -> list[str]:
    """'7–9' of the codes 7, 8 and 9; others as they are."""
    made: list[list[str]] = []
    for code in codes:
        if made and code.isdigit() and made[-1][-1].isdigit() and int(code) == int(made[-1][-1]) + 1:
            made[-1].append(code)
        else:
            made.append([code])
    return [part for run in made for part in ([f"{run[0]}–{run[-1]}"] if len(run) > 2 else run)]


def _clause(node: ast.expr, book: Codebook) -> str:
    name = reference(node)
    if name and not name.file and name.name in book.derived:
        label = book.derived[name.name].label
        return f"the {book.record} {label[:1].lower()}{label[1:]}"
    if isinstance(node, ast.BoolOp):
        return _joint(node, book)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return f"it is not so that {_clause(node.operand, book)}"
    if isinstance(node, ast.Call) and _variable(node.args[0], book):
        return f"{named(_variable(node.args[0], book))} is answered"
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and _variable(node.left, book):
        said = _is(node, _variable(node.left, book))
        if said:
            return f"{named(_variable(node.left, book))} is {said}"
    return f"`{ast.unparse(node)}`"


def _joint(node: ast.BoolOp, book: Codebook) -> str:
    """Conditions joined; those that say the same of several questions are said once."""
    plain = [_variable(child.left, book) if isinstance(child, ast.Compare) else None for child in node.values]
    if all(plain) and all(one.item for one in plain):
        said = {_is(child, one) if len(child.ops) == 1 else "" for child, one in zip(node.values, plain, strict=True)}
        if len(said) == 1 and said != {""}:
            questions = joined([one.item for one in plain])
            some = "at least one" if isinstance(node.op, ast.Or) else "each"
            return f"{some} of questions {questions} is {said.pop()}"
    word = "or" if isinstance(node.op, ast.Or) else "and"
    return f" {word} ".join(_clause(child, book) for child in node.values)


def _is(node: ast.Compare, variable: Variable) -> str:
    """What a comparison with constants says of a variable, after 'is'; empty where it is of another kind."""
    right = node.comparators[0]
    given = [constant(one) for one in (right.elts if isinstance(right, ast.List) else [right])]
    if any(one is None for one in given):
        return ""
    negative = "not " if isinstance(node.ops[0], ast.NotEq | ast.NotIn) else ""
    if isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn):
        return negative + joined([_label(variable, str(one)) for one in given], "or")
    return f"{SIZES[COMPARISONS[type(node.ops[0])]]} {given[0]}".strip()


def _label(variable: Variable, code: str) -> str:
    if code in variable.codes:
        return f"“{variable.codes[code]}”"
    return f"“{variable.missing[code]['label']}”" if code in variable.missing else code


def _variable(node: ast.expr, book: Codebook) -> Variable | None:
    name = reference(node)
    return book.variables.get(name.name) if name and not name.file else None
