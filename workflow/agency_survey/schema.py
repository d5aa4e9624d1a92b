"""Settings as data: YAML read strictly and checked against a JSON Schema of ``workflow/schemas``.

Unknown keys, wrong types, values out of range and keys given twice are refused with the file, the line, the key
and, for a likely typing error, the key that was probably meant.
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

import yaml

from agency_survey.errors import InputError

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"


def _compose(text: str, name: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}, line {mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise InputError(f"The file is not valid YAML: {problem}", where, "Correct that line") from error


def _lines(node: yaml.Node | None, name: str, path: tuple = ()) -> dict[tuple, int]:
    """Line number (from 1) of every key and item; a key given twice is refused."""
    found = {path: node.start_mark.line + 1} if node else {}
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
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
    lines = _lines(_compose(text, str(path)), str(path))
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), lines


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
    errors = sorted(checker.iter_errors(_strings(data)), key=lambda e: [str(part) for part in e.absolute_path])
    if errors:
        raise _sentence(errors[0], name, lines or {})


def _sentence(error: Any, name: str, lines: dict[tuple, int]) -> InputError:
    path = tuple(str(part) for part in error.absolute_path)
    key = ".".join(path) or "the top level"
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = next(k for k in error.instance if k not in known)
        near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.6)
        fix = f"Did you mean '{near[0]}'?" if near else f"Known keys here: {', '.join(known)}"
        line = lines.get((*path, unknown))
        where = name + (f", line {line}" if line else "")
        inside = f" in '{key}'" if path else ""
        return InputError(f"Unknown key '{unknown}'{inside}", where, fix)
    line = lines.get(path)
    where = name + (f", line {line}" if line else "")
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
