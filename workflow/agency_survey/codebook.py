"""The codebook: what each variable of a file is, who is asked it, which codes it may hold and what must hold between them."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from agency_survey import expressions, schema
from agency_survey.errors import InputError
from agency_survey.expressions import Expression, ExpressionError, Reference

MISSING_KINDS = ("refused", "dont_know", "not_asked", "not_applicable", "missing", "invalid")
SURVEY = ("frame", "disposition", "part1", "part2", "part3")


@dataclass(frozen=True)
class Variable:
    """One variable: type, unit, valid codes or range, missing codes by kind, who is asked it.

    ``position`` is its column in the file, from 1. ``universe`` is its own or its battery's; None: everyone is asked.
    ``blank`` is the kind of missing value that an empty cell is, None where a cell must not be empty; a variable with
    a universe may be empty (not asked) without the codebook saying so. ``range`` holds dates where the type is date.
    """

    name: str
    label: str
    type: str
    position: int = 0
    unit: str = ""
    question: str = ""
    note: str = ""
    block: str = ""
    battery: str = ""
    universe: Expression | None = None
    disclosure: str = ""
    ordered: bool = False
    codes: dict[str, str] = field(default_factory=dict)
    missing: dict[str, dict[str, str]] = field(default_factory=dict)
    blank: str | None = None
    range: tuple[float, float] | tuple[datetime.date, datetime.date] | None = None
    pattern: str | None = None

    @property
    def labels(self) -> list[str]:
        """Labels in the order of the codes."""
        return list(self.codes.values())

    @property
    def item(self) -> str:
        """Number of the question on the form: '5a' of q5a_own_cases; empty where the form does not ask it."""
        found = re.match(r"q(\d+[a-z]?)_", self.name)
        return found[1] if found else ""

    def missing_code(self, kind: str) -> str | None:
        """The code that stands for a kind of missing value; None where there is none."""
        return next((code for code, entry in self.missing.items() if entry["kind"] == kind), None)


@dataclass(frozen=True)
class Battery:
    """Items that the form asks under one stem."""

    name: str
    question: str
    universe: Expression | None = None


@dataclass(frozen=True)
class Derived:
    """A variable that the report computes from a record; ``kind`` is truth or number."""

    name: str
    label: str
    expression: Expression
    kind: str
    unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class Rule:
    """What must hold in a record; ``variables`` are those at fault where it does not."""

    ident: str
    expression: Expression
    message: str
    variables: list[str]


@dataclass(frozen=True)
class Codebook:
    """A file's codebook: name, title, reading instructions, its variables in order, what is derived and what must hold."""

    name: str
    title: str
    file: str
    delimiter: str
    encoding: str
    synthetic: bool
    record: str
    key: list[str]
    variables: dict[str, Variable]
    where: str = ""
    note: str = ""
    universe: str = ""
    instruction: str = ""
    blocks: dict[str, str] = field(default_factory=dict)
    batteries: dict[str, Battery] = field(default_factory=dict)
    derived: dict[str, Derived] = field(default_factory=dict)
    consistency: list[Rule] = field(default_factory=list)

    def in_block(self, name: str) -> list[str]:
        """Names of the key variables and of those of a block, in the file's order."""
        return [one.name for one in self.variables.values() if one.name in self.key or one.block == name]


class _Place:
    """Where in the codebook something stands: the file, and the line where lines are known."""

    def __init__(self, where: str, lines: dict[tuple, int] | None):
        self.where, self.lines = where, lines or {}

    def at(self, *path: str | int) -> str:
        path = tuple(map(str, path))
        while path and path not in self.lines:
            path = path[:-1]
        return self.where + (f", line {self.lines[path]}" if path else "")


def from_dict(data: dict, where: str, lines: dict[tuple, int] | None = None) -> Codebook:
    """Build a codebook from schema-checked data; what contradicts itself is refused.

    lines : line of every key by its path (``schema.lines_of``), for the messages. Names of other files in expressions
    are not looked up here, but in ``load_survey``.
    """
    place = _Place(where, lines)
    blocks = dict(data.get("blocks", {}))
    batteries = {
        name: Battery(name, spec["question"], _parsed(spec, "universe", f"battery '{name}'", place, "batteries", name))
        for name, spec in data.get("batteries", {}).items()
    }
    variables = {
        name: _variable(name, position, spec, data, batteries, place)
        for position, (name, spec) in enumerate(data["variables"].items(), start=1)
    }
    unknown = [name for name in data["key"] if name not in variables]
    if unknown:
        raise InputError(
            f"The key '{unknown[0]}' is not among the variables", place.at("key"), "Add it to the variables"
        )
    _check_groups(variables, data["key"], blocks, batteries, place)
    derived = _derived(data.get("derived", {}), variables, place)
    _check_universes(variables, derived, place)
    rest = {key: data[key] for key in ("name", "title", "file", "delimiter", "encoding", "synthetic", "record", "key")}
    rest |= {key: data[key] for key in ("note", "universe", "instruction") if key in data}
    return Codebook(
        variables=variables,
        where=where,
        blocks=blocks,
        batteries=batteries,
        derived=derived,
        consistency=_rules(data.get("consistency", []), variables, derived, place),
        **rest,
    )


def load(path: str | Path) -> Codebook:
    """Read a codebook file (YAML, ``workflow/schemas/codebook.schema.json``)."""
    return from_dict(schema.load(path, "codebook"), str(path), schema.lines_of(path))


def load_survey(folder: str | Path, names: tuple[str, ...] = SURVEY) -> dict[str, Codebook]:
    """The codebooks of the survey's files by name, with the names in their expressions looked up across files."""
    books = {name: load(Path(folder) / f"{name}.yaml") for name in names}
    for name, book in books.items():
        place = _Place(book.where, schema.lines_of(book.where))
        for index, rule in enumerate(book.consistency):
            scope = _scope(book.variables, book.derived, books)
            _check(rule.expression, scope, book, f"consistency rule '{rule.ident}'", place, "consistency", index)
            for other in {one.file for one in rule.expression.references if one.file}:
                lost = [key for key in books[other].key if key not in book.variables]
                if lost or other == name:
                    raise InputError(
                        f"The consistency rule '{rule.ident}' names the file '{other}', whose records are not found by"
                        f" the variables of '{name}'",
                        place.at("consistency", index),
                        f"Name a file whose key is among the variables of '{name}'",
                    )
    return books


def _variable(name: str, position: int, spec: dict, data: dict, batteries: dict, place: _Place) -> Variable:
    """One variable, with its shared codes put in and all but its expressions checked."""
    spec, path = dict(spec), ("variables", name)
    codes = _shared(spec.pop("codes", {}), data.get("code_sets", {}), name, "code_sets", place)
    missing = _shared(spec.pop("missing", {}), data.get("missing_codes", {}), name, "missing_codes", place)
    if any(isinstance(code, bool) for code in [*codes, *missing]):
        raise InputError(f"A code of '{name}' is read as true or false", place.at(*path), "Write the code in quotes")
    codes = {str(code): label for code, label in codes.items()}
    missing = {str(code): entry for code, entry in missing.items()}
    both = sorted(set(codes) & set(missing))
    if both:
        raise InputError(
            f"The code {both[0]} of '{name}' is both valid and missing", place.at(*path), "Keep one of the two"
        )
    if (spec["type"] == "categorical") != bool(codes):
        raise InputError(
            f"'{name}' must have codes exactly when its type is categorical",
            place.at(*path),
            "Add codes or change the type",
        )
    twice = [label for label in codes.values() if list(codes.values()).count(label) > 1]
    if twice:
        raise InputError(f"Two codes of '{name}' have the label '{twice[0]}'", place.at(*path), "Give each its own")
    _check_pattern(name, spec.get("pattern"), place.at(*path))
    limits = _range(name, spec.pop("range", None), spec["type"], missing, place.at(*path, "range"))
    battery = spec.get("battery", "")
    if battery and battery not in batteries:
        raise InputError(f"The battery '{battery}' of '{name}' is not known", place.at(*path), "Add it to batteries")
    universe = _parsed(spec, "universe", f"variable '{name}'", place, *path)
    universe = universe or (batteries[battery].universe if battery else None)
    spec = {"disclosure": data.get("disclosure", ""), "blank": "not_asked" if universe else None, **spec}
    spec.pop("universe", None)
    return Variable(name=name, position=position, codes=codes, missing=missing, range=limits, universe=universe, **spec)


def _shared(given: Any, sets: dict, name: str, where: str, place: _Place) -> dict:
    """Codes as given, or the named set."""
    if not isinstance(given, str):
        return given
    if given not in sets:
        raise InputError(
            f"'{name}' uses '{given}', which is not among {where}", place.at("variables", name), f"Add it to {where}"
        )
    return sets[given]


def _range(name: str, given: list | None, kind: str, missing: dict, where: str) -> tuple | None:
    """Limits as numbers or dates; a missing code must lie outside of them."""
    if given is None:
        return None
    if kind not in ("integer", "number", "date"):
        raise InputError(f"'{name}' has a range but is neither number nor date", where, "Remove the range")
    try:
        low, high = (datetime.date.fromisoformat(str(one)) for one in given) if kind == "date" else given
    except ValueError as error:
        raise InputError(f"The range of '{name}' holds no date", where, "Write [YYYY-MM-DD, YYYY-MM-DD]") from error
    if kind != "date" and any(isinstance(one, str) for one in given):
        raise InputError(f"The range of '{name}' holds a text", where, "Write [lowest, highest] in numbers")
    if low > high:
        raise InputError(f"The range of '{name}' ends before it begins", where, "Write [lowest, highest]")
    inside = [code for code in missing if kind != "date" and _number(code) is not None and low <= _number(code) <= high]
    if inside:
        raise InputError(
            f"The missing code {inside[0]} of '{name}' lies in its valid range", where, "Change the code or the range"
        )
    return low, high


def _number(code: str) -> float | None:
    try:
        return float(code)
    except ValueError:
        return None


def _check_pattern(name: str, pattern: str | None, where: str) -> None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise InputError(f"The pattern of '{name}' is no regular expression: {error}", where, "Correct it") from error


def _check_groups(variables: dict, key: list[str], blocks: dict, batteries: dict, place: _Place) -> None:
    """Every variable but the keys is in a block where there are blocks; the items of a battery stand together."""
    for name, variable in variables.items():
        if (variable.block not in blocks) if (blocks and name not in key) else variable.block:
            what = (
                f"is in the block '{variable.block}', which is not among blocks" if variable.block else "has no block"
            )
            what = "is a key variable and in a block" if variable.block and name in key else what
            raise InputError(f"'{name}' {what}", place.at("variables", name), "Correct its block")
    for group, where, names in (("block", "blocks", blocks), ("battery", "batteries", batteries)):
        for name in names:
            at = [index for index, one in enumerate(variables.values()) if getattr(one, group) == name]
            if not at:
                raise InputError(f"The {group} '{name}' has no variables", place.at(where, name), "Remove it")
            if group == "battery" and at[-1] - at[0] + 1 != len(at):
                after = list(variables)[next(b for a, b in pairwise(at) if b != a + 1)]
                raise InputError(
                    f"The variables of the battery '{name}' do not stand together",
                    place.at("variables", after),
                    f"Move '{after}' to the others",
                )
    for name in batteries:
        items = [one for one in variables.values() if one.battery == name]
        odd = next((one for one in items if one.codes != items[0].codes or one.universe != items[0].universe), None)
        if odd:
            raise InputError(
                f"'{odd.name}' has other codes or another universe than the battery '{name}'",
                place.at("variables", odd.name),
                "Take it out of the battery, or make it like the others",
            )


def _parsed(spec: dict, key: str, what: str, place: _Place, *path: str | int) -> Expression | None:
    """The expression under a key of a part of the codebook; None where there is none."""
    if key not in spec:
        return None
    try:
        return expressions.parse(spec[key])
    except ExpressionError as error:
        raise _refused(error, key, what, place.at(*path, key)) from error


def _refused(error: ExpressionError, key: str, what: str, where: str) -> InputError:
    return InputError(f"The {key} of the {what} {error}", where, "Correct it")


def _scope(variables: dict, derived: dict, books: dict[str, Codebook] | None = None) -> expressions.Scope:
    """What references stand for; those to other files are left open where their codebooks are not given."""

    def find(name: Reference) -> Any:
        if name.file and books is None:
            return expressions.UNKNOWN
        if name.file and name.file not in books:
            return None
        own = books[name.file].variables if name.file else variables
        made = books[name.file].derived if name.file else derived
        return made[name.name].kind if name.name in made else own.get(name.name)

    return find


def _check(expression: Expression, scope, book: Any, what: str, place: _Place, *path: str | int) -> str:
    """Kind of an expression whose names and codes are all right; else an InputError."""
    try:
        return expressions.check(expression, scope, [*book.variables, *book.derived])
    except ExpressionError as error:
        key = "universe" if path[-1] == "universe" else "expression"
        raise _refused(error, key, what, place.at(*path)) from error


@dataclass(frozen=True)
class _Names:
    variables: dict
    derived: dict


def _derived(given: dict, variables: dict, place: _Place) -> dict[str, Derived]:
    """Derived variables in order; one may use those before it."""
    made: dict[str, Derived] = {}
    for name, spec in given.items():
        what, path = f"derived variable '{name}'", ("derived", name)
        if name in variables:
            raise InputError(f"The {what} has the name of a variable", place.at(*path), "Rename it")
        expression = _parsed(spec, "expression", what, place, *path)
        own = _own_file(expression, what, place, *path, "expression")
        kind = _check(own, _scope(variables, made), _Names(variables, made), what, place, *path, "expression")
        if kind not in (expressions.TRUTH, expressions.NUMBER):
            raise InputError(f"The {what} is neither a truth nor a number", place.at(*path), "Compare or add up")
        made[name] = Derived(name, spec["label"], own, kind, spec.get("unit", ""), spec.get("note", ""))
    return made


def _own_file(expression: Expression, what: str, place: _Place, *path: str | int) -> Expression:
    other = next((one for one in expression.references if one.file), None)
    if other:
        raise InputError(f"The {what} names '{other}' of another file", place.at(*path), "Use its own file's variables")
    return expression


def _check_universes(variables: dict, derived: dict, place: _Place) -> None:
    """Universes name variables of the file, not their own, and are true or false."""
    for name, variable in variables.items():
        if variable.universe is None:
            continue
        what = f"variable '{name}'"
        path = ("variables", name, "universe")
        if path not in place.lines and variable.battery:
            path = ("batteries", variable.battery, "universe")
        _own_file(variable.universe, what, place, *path)
        kind = _check(variable.universe, _scope(variables, derived), _Names(variables, derived), what, place, *path)
        if kind != expressions.TRUTH:
            raise InputError(f"The universe of the {what} is not true or false", place.at(*path), "Compare something")
        if name in used(variable.universe, derived):
            raise InputError(f"The universe of the {what} rests on itself", place.at(*path), "Name other variables")


SAID = ("label", "type", "unit", "question", "note", "battery", "ordered")


def of_block(book: Codebook, block: str) -> dict:
    """What the codebook says of one block to those who read its cleaned table: for a JSON file beside it.

    Its variables with the key, what is derived from them, and what the file is. A section that reads this in place of the
    codebook reruns for changes in its own variables only; positions and missing codes are for cleaning, and left out.
    """
    names = book.in_block(block)
    variables = [book.variables[name] for name in names]
    return {
        "name": book.name,
        "title": book.title,
        "file": book.file,
        "synthetic": book.synthetic,
        "record": book.record,
        "key": book.key,
        "blocks": {block: book.blocks[block]},
        "variables": [
            {"name": one.name, "codes": list(one.codes.items()), **{name: getattr(one, name) for name in SAID}}
            for one in variables
        ],
        "batteries": {
            one.battery: book.batteries[one.battery].question for one in variables if one.battery in book.batteries
        },
        "derived": [
            {"name": one.name, "label": one.label, "expression": one.expression.text, "kind": one.kind,
             "unit": one.unit, "note": one.note}
            for one in book.derived.values()
            if set(used(one.expression, book.derived)) <= set(names)
        ],
    }  # fmt: skip


def from_block(data: dict) -> Codebook:
    """The part of a codebook that ``of_block`` kept."""
    given = dict(data)
    variables = {}
    for position, spec in enumerate(given.pop("variables"), 1):
        spec = dict(spec)
        codes = dict(spec.pop("codes"))
        variables[spec["name"]] = Variable(position=position, codes=codes, block=next(iter(data["blocks"])), **spec)
    batteries = {name: Battery(name, question) for name, question in given.pop("batteries").items()}
    derived = {
        one["name"]: Derived(**{**one, "expression": expressions.parse(one["expression"])})
        for one in given.pop("derived")
    }
    return Codebook(delimiter="", encoding="", variables=variables, batteries=batteries, derived=derived, **given)


def used(expression: Expression, derived: dict[str, Derived]) -> list[str]:
    """Variables of the own file that an expression rests on, those of derived variables included."""
    names: list[str] = []
    for one in expression.references:
        if one.file:
            continue
        names += used(derived[one.name].expression, derived) if one.name in derived else [one.name]
    return list(dict.fromkeys(names))


def _rules(given: list, variables: dict, derived: dict, place: _Place) -> list[Rule]:
    made: list[Rule] = []
    for index, spec in enumerate(given):
        ident, path = spec["id"], ("consistency", index)
        what = f"consistency rule '{ident}'"
        if ident in [rule.ident for rule in made]:
            raise InputError(f"The {what} is there twice", place.at(*path), "Rename one of the two")
        expression = _parsed(spec, "expression", what, place, *path)
        kind = _check(
            expression, _scope(variables, derived), _Names(variables, derived), what, place, *path, "expression"
        )
        if kind != expressions.TRUTH:
            raise InputError(f"The {what} is not true or false", place.at(*path, "expression"), "Compare something")
        names = spec.get("variables") or used(expression, derived)
        lost = [name for name in names if name not in variables]
        if lost or not names:
            what_is = f"names '{lost[0]}', which is no variable" if lost else "names no variable of its file"
            raise InputError(f"The {what} {what_is}", place.at(*path, "variables"), "Correct its variables")
        made.append(Rule(ident, expression, spec["message"], names))
    return made
