"""The codebook: what each variable of a file is, which codes it may hold and what its missing codes mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from agency_survey import schema
from agency_survey.errors import InputError

MISSING_KINDS = ("refused", "dont_know", "not_asked", "not_applicable", "missing", "invalid")


@dataclass(frozen=True)
class Variable:
    """One variable: type, unit, valid codes or range, and missing codes by kind."""

    name: str
    label: str
    type: str
    unit: str = ""
    question: str = ""
    note: str = ""
    ordered: bool = False
    codes: dict[str, str] = field(default_factory=dict)
    missing: dict[str, dict[str, str]] = field(default_factory=dict)
    blank: str | None = None
    range: tuple[float, float] | None = None
    pattern: str | None = None

    @property
    def labels(self) -> list[str]:
        """Labels in the order of the codes."""
        return list(self.codes.values())


@dataclass(frozen=True)
class Codebook:
    """A file's codebook: name, title, reading instructions and its variables in order."""

    name: str
    title: str
    file: str
    delimiter: str
    encoding: str
    synthetic: bool
    record: str
    key: list[str]
    variables: dict[str, Variable]


def from_dict(data: dict, where: str) -> Codebook:
    """Build a codebook from schema-checked data; codes that are both valid and missing are refused."""
    variables = {}
    for name, spec in data["variables"].items():
        spec = dict(spec)
        given = [*spec.get("codes", {}), *spec.get("missing", {})]
        if any(isinstance(code, bool) for code in given):
            raise InputError(f"A code of '{name}' is read as true or false", where, "Write the code in quotes")
        codes = {str(code): label for code, label in spec.pop("codes", {}).items()}
        missing = {str(code): entry for code, entry in spec.pop("missing", {}).items()}
        both = sorted(set(codes) & set(missing))
        if both:
            raise InputError(f"The code {both[0]} of '{name}' is both valid and missing", where, "Keep one of the two")
        if (spec["type"] == "categorical") != bool(codes):
            raise InputError(
                f"'{name}' must have codes exactly when its type is categorical",
                where,
                "Add codes or change the type",
            )
        twice = [label for label in codes.values() if list(codes.values()).count(label) > 1]
        if twice:
            raise InputError(f"Two codes of '{name}' have the label '{twice[0]}'", where, "Give each its own")
        _check_pattern(name, spec.get("pattern"), where)
        if "range" in spec and spec["range"][0] > spec["range"][1]:
            raise InputError(f"The range of '{name}' ends before it begins", where, "Write [lowest, highest]")
        limits = tuple(spec.pop("range")) if "range" in spec else None
        variables[name] = Variable(name=name, codes=codes, missing=missing, range=limits, **spec)
    unknown = [name for name in data["key"] if name not in variables]
    if unknown:
        raise InputError(f"The key '{unknown[0]}' is not among the variables", where, "Add it to the variables")
    rest = {key: data[key] for key in ("name", "title", "file", "delimiter", "encoding", "record", "key")}
    return Codebook(synthetic=data["synthetic"], variables=variables, **rest)


def _check_pattern(name: str, pattern: str | None, where: str) -> None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise InputError(f"The pattern of '{name}' is no regular expression: {error}", where, "Correct it") from error


def load(path: str | Path) -> Codebook:
    """Read a codebook file (YAML, ``workflow/schemas/codebook.schema.json``)."""
    return from_dict(schema.load(path, "codebook"), str(path))
