"""The ledger: every number that the report prints, with its error, interval, base and printed form."""

from __future__ import annotations

import difflib
import math
import re
from typing import Any

from agency_survey import marks
from agency_survey.errors import InputError

UNCERTAIN = "The estimates of this build are too uncertain to be shown, or left out to protect single agencies.\n"
MINUS = "\N{MINUS SIGN}"


def decimals(value: float, places: int) -> str:
    """'1,234.5' or '\N{MINUS SIGN}0.4': a true minus sign, and none before a value that rounds to zero."""
    text = f"{abs(value):,.{places}f}"
    return (MINUS if value < 0 and text.strip("0.,") else "") + text


def _percent(places: int):
    return lambda value: decimals(100 * value, places) + "%"


def _points(places: int):
    return lambda value: decimals(100 * value, places) + " percentage points"


def _p_value(value: float) -> str:
    return "less than 0.001" if value < 0.001 else f"{value:.3f}"


def _scientific(value: float) -> str:
    """5.1 times ten to a raised power."""
    digits, power = f"{value:.1e}".split("e")
    raised = str(int(power)).translate(str.maketrans("-0123456789", "\N{SUPERSCRIPT MINUS}⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits.replace('-', MINUS)} \N{MULTIPLICATION SIGN} 10{raised}"


# name: (value as text, standard error as text)
FORMATS = {
    "percent0": (_percent(0), lambda se: decimals(100 * se, 1)),
    "percent1": (_percent(1), lambda se: decimals(100 * se, 2)),
    "points1": (_points(1), lambda se: decimals(100 * se, 2)),
    "count": (lambda v: decimals(v, 0), lambda se: decimals(se, 0)),
    "number1": (lambda v: decimals(v, 1), lambda se: decimals(se, 2)),
    "number2": (lambda v: decimals(v, 2), lambda se: decimals(se, 3)),
    "number3": (lambda v: decimals(v, 3), lambda se: decimals(se, 4)),
    "p": (_p_value, _p_value),
    "scientific": (_scientific, _scientific),
    "text": (str, str),
}


def format_value(value: Any, name: str) -> str:
    """Printed form of a value; a missing one is an en dash."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "\N{EN DASH}"
    return FORMATS[name][0](value)


def format_interval(low: float | None, high: float | None, name: str) -> str:
    """Printed interval: the unit is said once where it is long."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return "\N{EN DASH}"
    if name.startswith("points"):
        return f"{decimals(100 * low, 1)} to {format_value(high, name)}"
    return f"{format_value(low, name)} to {format_value(high, name)}"


def _finite(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    value = value.item() if hasattr(value, "item") else value
    return value if math.isfinite(value) else None


def slug(name: str) -> str:
    """Identifier part of a label: lower case, words joined by dashes."""
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower().replace("'", "").replace(",", "")).split())


class Numbers:
    """Collects the numbers of one rule; an id given twice is refused."""

    def __init__(self, rule: str):
        self.rule, self.numbers = rule, {}

    def add(
        self,
        ident: str,
        value: Any,
        *,
        format: str,
        label: str,
        unit: str,
        domain: str,
        estimator: str,
        se: float | None = None,
        interval: tuple[float, float] | None = None,
        level: float | None = None,
        n: int | None = None,
        status: str = marks.SHOWN,
    ) -> None:
        """Record one number (see the class docstring of the shapes in ``config/README.md``).

        status : of its estimate; where that is 'withheld', the texts of what is missing say so.
        """
        if ident in self.numbers:
            raise InputError(f"The number '{ident}' is recorded twice", f"rule {self.rule}")
        value, se = _finite(value), _finite(se)
        low, high = (_finite(limit) for limit in interval) if interval is not None else (None, None)
        none = marks.of(status) if value is None else marks.DASH
        self.numbers[ident] = {
            "value": value,
            "se": se,
            "low": low,
            "high": high,
            "level": level if interval is not None else None,
            "n": _finite(n),
            "domain": domain,
            "estimator": estimator,
            "unit": unit,
            "format": format,
            "label": label,
            "text": {
                "value": none if value is None else format_value(value, format),
                "se": none if se is None else FORMATS[format][1](se),
                "ci": none if low is None or high is None else format_interval(low, high, format),
                "n": marks.DASH if n is None else format_value(n, "count"),
            },
        }

    def hides(self, text: str) -> bool:
        """Whether the text prints a number of this rule that may not be shown."""
        return any(ident in self.numbers and self.numbers[ident]["value"] is None for ident in names(text))

    def as_dict(self) -> dict:
        """Content of ``results/<rule>/numbers.json``."""
        return {"rule": self.rule, "numbers": self.numbers}


def level_text(level: float) -> str:
    """'95%', of a confidence level."""
    return f"{100 * level:g}%"


def num(ident: str, field: str = "") -> str:
    """The book's shortcode for a number."""
    return "{{< num " + ident + (f" {field}" if field else "") + " >}}"


def names(text: str) -> set[str]:
    """Ids of the numbers that a text prints by shortcode."""
    return set(re.findall(r"\{\{< num (\S+)", text))


def printed(merged: dict, named: set[str]) -> dict:
    """What the book needs of ``merge``: rule, label, domain and texts of the numbers ``named``.

    So a number that moves below its printed digits, or that no chapter names, does not make the book anew. For a name that is
    no number the nearest one is there, for the message of the check.
    """
    numbers = merged["numbers"]
    lost = sorted(named - numbers.keys())
    near = {one for name in lost for one in difflib.get_close_matches(name, numbers, n=1, cutoff=0.6)}
    kept = ("rule", "label", "domain", "text")
    return {"numbers": {name: {key: numbers[name][key] for key in kept} for name in (named & numbers.keys()) | near}}


def merge(parts: list[dict]) -> dict:
    """Numbers of all rules in one table, each with its rule; an id that two rules share is refused."""
    merged: dict[str, dict] = {}
    for part in parts:
        for ident, number in part["numbers"].items():
            if ident in merged:
                raise InputError(
                    f"The number '{ident}' comes from two rules, {merged[ident]['rule']} and {part['rule']}",
                    fix="Rename one of the two",
                )
            merged[ident] = {"rule": part["rule"], **number}
    return {"numbers": merged}
