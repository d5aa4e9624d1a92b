"""Expressions of the codebook over the variables of a record: who is asked a question, what must hold, what is derived.

The language is a small part of Python's, read with ``ast`` and never executed: names of variables, ``file.variable`` for
the record of another file, numbers, texts and dates in quotes, ``+ - * /``, comparisons, ``in [...]``, ``and or not``,
and ``answered(variable)``. A code is compared as the codebook writes it; a missing code is a code too (``q1 != 8``).
"""

from __future__ import annotations

import ast
import datetime
import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LONGEST, DEEPEST, LARGEST = 4000, 100, 2**53
ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
COMPARISONS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
MEMBERSHIP = {ast.In: "in", ast.NotIn: "not in"}
TRUTH, NUMBER, DATE, CODE, TEXT, UNKNOWN = "truth", "number", "date", "code", "text", "unknown"
KINDS = {
    "integer": NUMBER,
    "number": NUMBER,
    "date": DATE,
    "categorical": CODE,
    "string": TEXT,
    "text": TEXT,
}


class ExpressionError(ValueError):
    """What is wrong with an expression, in words that fit after 'The universe of ... '."""


@dataclass(frozen=True)
class Reference:
    """A variable that an expression names; ``file`` is empty for one of its own file."""

    file: str
    name: str

    def __str__(self) -> str:
        return f"{self.file}.{self.name}" if self.file else self.name


@dataclass(frozen=True)
class Expression:
    """An expression as written and as parsed."""

    text: str
    tree: ast.expr = field(compare=False, repr=False)

    @property
    def references(self) -> list[Reference]:
        """Variables in the order in which they are first named."""
        return list(dict.fromkeys(found for found in map(reference, _inner(self.tree)) if found))


# What a name stands for: a variable (with type, codes, missing), the kind of a derived one, or None where there is none.
Scope = Callable[[Reference], Any]


def parse(text: str) -> Expression:
    """Read an expression; raises ExpressionError for anything that the language does not have."""
    if len(text) > LONGEST:
        raise ExpressionError(f"is longer than {LONGEST:,} characters")
    try:
        tree = ast.parse(" ".join(text.split()), mode="eval").body
        for node in _inner(tree):
            _allow(node)
    except SyntaxError as error:
        raise ExpressionError(f"is no expression: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError("cannot be read") from error
    return Expression(text, tree)


def reference(node: ast.AST) -> Reference | None:
    """The variable that a node names, if it is one."""
    if isinstance(node, ast.Name):
        return Reference("", node.id)
    if isinstance(node, ast.Attribute):
        return Reference(node.value.id, node.attr)
    return None


def _inner(tree: ast.expr) -> list[ast.expr]:
    """Nodes that mean something, in the order of the text: no contexts, operators or names of functions and files."""
    found, waiting = [], [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > DEEPEST:
            raise ExpressionError(f"is nested more than {DEEPEST} deep")
        found.append(node)
        if isinstance(node, ast.Attribute):
            children = []
        elif isinstance(node, ast.Call):
            children = node.args
        else:
            children = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        waiting += [(child, depth + 1) for child in reversed(children)]
    return found


def _allow(node: ast.expr) -> None:
    """Refuse a node that is not of the language."""
    if isinstance(node, ast.Name | ast.BoolOp):
        return
    if isinstance(node, ast.Constant):
        if type(node.value) not in (int, float, str):
            raise ExpressionError(f"holds {node.value!r}, which is neither a number nor a text in quotes")
        if not isinstance(node.value, str) and not abs(node.value) <= LARGEST:
            raise ExpressionError("holds a number that is too large")
    elif isinstance(node, ast.Attribute):
        if not isinstance(node.value, ast.Name):
            raise ExpressionError("names a variable by more than one dot; write file.variable")
    elif isinstance(node, ast.BinOp):
        if type(node.op) not in ARITHMETIC:
            raise ExpressionError(f"has an operator other than {' '.join(ARITHMETIC.values())}")
    elif isinstance(node, ast.UnaryOp):
        if not isinstance(node.op, ast.Not | ast.USub):
            raise ExpressionError("has a sign other than '-' and 'not'")
    elif isinstance(node, ast.Compare):
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if type(operator) not in (*COMPARISONS, *MEMBERSHIP):
                raise ExpressionError("compares with 'is'; write ==")
            if type(operator) in MEMBERSHIP and not (isinstance(right, ast.List) and right.elts):
                raise ExpressionError("has 'in' without a list of codes such as [1, 2]")
            if type(operator) in MEMBERSHIP and len(node.ops) > 1:
                raise ExpressionError("chains 'in' with another comparison; join them by 'and'")
    elif isinstance(node, ast.Call):
        named = isinstance(node.func, ast.Name) and node.func.id == "answered"
        if not named or node.keywords or len(node.args) != 1 or reference(node.args[0]) is None:
            raise ExpressionError("calls something other than answered(variable)")
    elif isinstance(node, ast.List):
        if not all(_constant(item) is not None for item in node.elts):
            raise ExpressionError("has a list that holds more than codes")
    else:
        raise ExpressionError(f"holds {type(node).__name__}, which the language does not have")


def _constant(node: ast.expr) -> int | float | str | None:
    """Value of a constant, signed or not; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value
    negative = (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)
    )
    return -node.operand.value if negative and not isinstance(node.operand.value, str) else None


constant = _constant


def check(expression: Expression, scope: Scope, known: list[str]) -> str:
    """Check names, codes and kinds; returns what the expression gives: 'truth' or 'number' (or 'date').

    scope : what a reference stands for; known : names to suggest for a mistyped one. Raises ExpressionError.
    """
    return _kind(expression.tree, scope, known)


def _kind(node: ast.expr, scope: Scope, known: list[str]) -> str:
    def inner(child: ast.expr) -> str:
        return _kind(child, scope, known)

    if reference(node):
        found = _look_up(reference(node), scope, known)
        return found if isinstance(found, str) else KINDS[found.type]
    if isinstance(node, ast.Constant):
        return TEXT if isinstance(node.value, str) else NUMBER
    if isinstance(node, ast.Call):
        _look_up(reference(node.args[0]), scope, known)
        return TRUTH
    if isinstance(node, ast.BoolOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        for child in node.values if isinstance(node, ast.BoolOp) else [node.operand]:
            if inner(child) not in (TRUTH, UNKNOWN):
                raise ExpressionError(f"joins '{ast.unparse(child)}', which is neither true nor false")
        return TRUTH
    if isinstance(node, ast.BinOp | ast.UnaryOp):
        for child in (node.left, node.right) if isinstance(node, ast.BinOp) else [node.operand]:
            if inner(child) not in (NUMBER, TRUTH, UNKNOWN):
                raise ExpressionError(f"reckons with '{ast.unparse(child)}', which is no number")
        return NUMBER
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides[:-1], node.ops, sides[1:], strict=True):
            _comparable(left, operator, right, scope, known)
        return TRUTH
    raise ExpressionError(f"has '{ast.unparse(node)}' in a place where it means nothing")


def _look_up(name: Reference, scope: Scope, known: list[str]) -> Any:
    found = scope(name)
    if found is None:
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
        raise ExpressionError(
            f"names '{name}', which is no variable" + (f"; did you mean '{near[0]}'?" if near else "")
        )
    return found


def _comparable(left: ast.expr, operator: ast.cmpop, right: ast.expr, scope: Scope, known: list[str]) -> None:
    """Refuse comparisons of unlike things, of codes by size, and with codes that a variable does not have."""
    values = right.elts if isinstance(right, ast.List) else [right]
    kind = _kind(left, scope, known)
    for value in values:
        other = _kind(value, scope, known)
        if constant(left) is not None and constant(value) is None:
            _fits(value, other, left, operator, scope, known)
        elif constant(value) is not None:
            _fits(left, kind, value, operator, scope, known)
        elif UNKNOWN not in (kind, other) and kind != other:
            raise ExpressionError(f"compares '{ast.unparse(left)}' with '{ast.unparse(value)}': {kind} with {other}")
        elif CODE in (kind, other) and type(operator) not in (ast.Eq, ast.NotEq):
            raise ExpressionError(f"orders the codes of '{ast.unparse(left)}'; write 'in [...]'")


def _fits(side: ast.expr, kind: str, given: ast.expr, operator: ast.cmpop, scope: Scope, known: list[str]) -> None:
    """Check the constant ``given`` against the ``side`` that it is compared with."""
    value = constant(given)
    if kind == CODE:
        variable = _look_up(reference(side), scope, known)
        if type(operator) not in (ast.Eq, ast.NotEq, *MEMBERSHIP):
            raise ExpressionError(f"orders the codes of '{variable.name}'; write 'in [...]'")
        code = str(value)
        if code not in variable.codes and code not in variable.missing:
            raise ExpressionError(f"compares '{variable.name}' with {value!r}, which is none of its codes")
        _unambiguous(variable, code)
    elif kind == NUMBER and isinstance(value, str):
        raise ExpressionError(f"compares the number '{ast.unparse(side)}' with the text {value!r}")
    elif kind == NUMBER and reference(side):
        found = _look_up(reference(side), scope, known)
        if not isinstance(found, str) and str(value) in found.missing:
            if type(operator) not in (ast.Eq, ast.NotEq, *MEMBERSHIP):
                raise ExpressionError(f"orders '{found.name}' by its missing code {value!r}")
            _unambiguous(found, str(value))
    elif kind == DATE:
        try:
            datetime.date.fromisoformat(value if isinstance(value, str) else "")
        except ValueError as error:
            raise ExpressionError(
                f"compares the date '{ast.unparse(side)}' with {value!r}; write 'YYYY-MM-DD'"
            ) from error
    elif kind == TEXT and not isinstance(value, str):
        raise ExpressionError(f"compares the text '{ast.unparse(side)}' with {value!r}; put it in quotes")
    elif kind == TRUTH:
        raise ExpressionError(f"compares '{ast.unparse(side)}', which is true or false, with {value!r}")


def _unambiguous(variable: Any, code: str) -> None:
    """A missing code is told by its kind in typed tables, so no other code of the variable may be of that kind."""
    if code in variable.missing:
        kinds = [entry["kind"] for entry in variable.missing.values()]
        if kinds.count(variable.missing[code]["kind"]) > 1:
            raise ExpressionError(f"compares '{variable.name}' with {code}, one of several codes of the same kind")
