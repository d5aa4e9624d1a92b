"""Settings as data: YAML read strictly and checked against a JSON Schema of ``workflow/schemas``.

Unknown keys, wrong types, values out of range and keys given twice are refused with the file, the line, the key
and, for a likely typing error, the key that was probably meant.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from agency_survey.errors import InputError

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"


def _parsed(text: str, name: str) -> tuple[Any, dict[tuple, int]]:
    """Content of YAML text and the line of every key."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        lines = _lines(yaml.compose(text, Loader=loader), name)
        return yaml.load(text, Loader=loader), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}, line {mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise InputError(f"The file is not valid YAML: {problem}", where, "Correct that line") from error
    except ValueError as error:  # what looks like a date and is none
        raise InputError(f"The file is not valid YAML: {error}", name, "Quote the value or correct it") from error


def _lines(node: yaml.Node | None, name: str, path: tuple = ()) -> dict[tuple, int]:
    """Line number (from 1) of every key and item; a key given twice is refused."""
    found = {path: node.start_mark.line + 1} if node else {}
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise InputError("A key is a list or a mapping", f"{name}, line {key.start_mark.line + 1}", "Quote it")
            here = (*path, str(key.value))
            if key.value in seen:
                raise InputError(
                    f"The key '{key.value}' is given twice",
                    f"{name}, line {key.start_mark.line + 1}",
                    "Keep one of the two",
                )
            seen.add(key.value)
            found.update(_lines(value, name, here))
            found[here] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            found.update(_lines(value, name, (*path, str(index))))
    return found


def read_yaml(path: str | Path) -> Any:
    """Content of a YAML file; a missing, unreadable or malformed file and doubled keys are refused."""
    return _read(path)[0]


def lines_of(path: str | Path) -> dict[tuple, int]:
    """Line number of every key of a YAML file, by its path of keys."""
    return _read(path)[1]


def _read(path: str | Path) -> tuple[Any, dict[tuple, int]]:
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError("The settings file is not there", str(path), "Restore it from the repository") from error
    except UnicodeDecodeError as error:
        raise InputError("The settings file is not UTF-8 text", str(path), "Save it as UTF-8") from error
    return _parsed(text, str(path))


def _strings(value: Any) -> Any:
    """JSON view of YAML data: keys as text, dates as ISO text."""
    if isinstance(value, dict):
        return {str(key): _strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strings(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def validate(data: Any, schema: str, name: str, lines: dict[tuple, int] | None = None) -> None:
    """Check ``data`` against ``workflow/schemas/<schema>.schema.json``; the first problem in file order is raised."""
    import jsonschema

    rules = json.loads((SCHEMAS / f"{schema}.schema.json").read_text(encoding="utf-8"))
    checker = jsonschema.Draft202012Validator(rules)
    data, lines = _strings(data), lines or {}
    for path in _not_finite(data):
        raise InputError(f"'{'.'.join(path)}' is not a finite number", _where(name, path, lines), "Give a number")
    errors = list(checker.iter_errors(data))
    if errors:
        # a missing key has no line, and is often the key that another line misspells: it comes last
        first = min(errors, key=lambda error: (error.validator == "required", _line(_path(error), lines)))
        raise _sentence(first, name, lines)


def _not_finite(data: Any, path: tuple = ()) -> Iterator[tuple]:
    """Paths of infinite numbers and of values that are not a number, which pass any limits of a schema."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from _not_finite(value, (*path, str(key)))
    if isinstance(data, float) and not math.isfinite(data):
        yield path


def _path(error: Any) -> tuple:
    """Path of keys to the value at fault; for an unknown key, to that key."""
    path = tuple(str(part) for part in error.absolute_path)
    if error.validator != "additionalProperties":
        return path
    known, patterns = error.schema.get("properties", {}), error.schema.get("patternProperties", {})
    odd = (key for key in error.instance if key not in known and not any(re.search(p, key) for p in patterns))
    return (*path, next(odd))


def _line(path: tuple, lines: dict[tuple, int]) -> int:
    """Line of a path, or of the nearest key above it (keys that a YAML anchor brings in have no line); 0 for none."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def _where(name: str, path: tuple, lines: dict[tuple, int]) -> str:
    line = _line(path, lines)
    return name + (f", line {line}" if line else "")


def _sentence(error: Any, name: str, lines: dict[tuple, int]) -> InputError:
    path = tuple(str(part) for part in error.absolute_path)
    key = ".".join(path) or "the top level"
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = _path(error)[-1]
        near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.6)
        forms = [f"keys of the form {pattern}" for pattern in error.schema.get("patternProperties", {})]
        fix = f"Did you mean '{near[0]}'?" if near else f"Known here: {', '.join([*known, *forms])}"
        where = _where(name, _path(error), lines)
        inside = f" in '{key}'" if path else ""
        return InputError(f"Unknown key '{unknown}'{inside}", where, fix)
    where = _where(name, path, lines)
    expected = error.schema.get("description")
    fix = f"Expected: {expected}" if expected else None
    if error.validator == "required":
        missing = next(k for k in error.validator_value if k not in error.instance)
        return InputError(f"The key '{missing}' is missing in '{key}'", where, "Add it")
    if error.validator == "type":
        kind = error.validator_value if isinstance(error.validator_value, str) else " or ".join(error.validator_value)
        return InputError(f"'{key}' must be of type {kind}, not {error.instance!r}", where, fix)
    if error.validator == "enum":
        allowed = [str(v) for v in error.validator_value]
        near = difflib.get_close_matches(str(error.instance), allowed, n=1, cutoff=0.5)
        fix = f"Did you mean '{near[0]}'?" if near else f"Allowed: {', '.join(allowed)}"
        return InputError(f"'{key}' has the unknown value {error.instance!r}", where, fix)
    return InputError(f"'{key}' is not valid: {error.message}", where, fix)


def load(path: str | Path, schema: str) -> Any:
    """Read a YAML file and check it against its schema; returns its content."""
    data, lines = _read(path)
    validate(data, schema, str(path), lines)
    return data
