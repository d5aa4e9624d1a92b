"""The audit: attack what was published, over all tables, figures' data, ledger and prose together.

It does not trust the suppression. A number counts as hidden only if it is among those that were to be left out, or too
imprecise to be shown, *and* stands in no published file: neither at full precision (also as its complement or in
percent) nor printed. All others count as published, and tell their counts. Then every cell at risk is attacked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from agency_survey.disclosure import attack
from agency_survey.disclosure.catalogue import Catalogue, Printed
from agency_survey.disclosure.rules import Rules

DIGITS = 9  # significant digits by which published numbers are matched
NOISE = 1e-9
DERIVED = "it follows from published cells"
OBSERVATION = re.compile(r"(?<!df_)resid|fitted|leverage_of|cooks|dfbeta", re.IGNORECASE)


@dataclass(frozen=True)
class Record:
    """A published line of data: its file, line, texts and numbers by column."""

    file: str
    line: int
    texts: frozenset[str]
    numbers: Mapping[str, float]


@dataclass
class Published:
    """What was published: records of data files, printed texts by file, columns by data file."""

    records: list[Record] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)

    def add_table(self, file: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        """Add a data file; cells as text, as they stand in it."""
        names = list(columns)
        self.columns[file] = names
        for line, row in enumerate(rows, start=2):
            cells = dict(zip(names, row, strict=True))
            numbers = {name: value for name, text in cells.items() if math.isfinite(value := _number(text))}
            self.records.append(Record(file, line, frozenset(cells.values()), numbers))

    def add_numbers(self, file: str, numbers: Mapping[str, Mapping]) -> None:
        """Add numbers of a ledger: id -> {value, se, low, high, n, domain, label, text}."""
        for line, (ident, number) in enumerate(numbers.items(), start=1):
            told = {k: float(v) for k, v in number.items() if isinstance(v, int | float) and not isinstance(v, bool)}
            texts = frozenset(str(number.get(name)) for name in ("domain", "label"))
            self.records.append(Record(f"{file}: {ident}", line, texts, told))
            printed = number.get("text", {})
            self.texts[f"{file}: {ident}"] = f"{printed.get('value')} ({printed.get('ci')})"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _spot(value: float) -> str:
    return f"{value:.{DIGITS}g}"


class _Index:
    """Finds the numbers of the catalogue in what was published."""

    def __init__(self, published: Published, rules: Rules):
        self.rules = rules
        self.exact: dict[str, list[Record]] = {}
        self.named: dict[str, list[Record]] = {}
        for record in published.records:
            for value in record.numbers.values():
                self.exact.setdefault(_spot(value), []).append(record)
            for text in record.texts:
                self.named.setdefault(text, []).append(record)
        self.texts = {name: _plain(text) for name, text in published.texts.items()}
        self.explained: dict[str, set[str]] = {}
        for record in published.records:
            forms = _forms_of(record, rules.places)
            for name in (_stem(record.file), ""):
                self.explained.setdefault(name, set()).update(forms)

    def estimate(self, row: Printed) -> str | None:
        """Where the value stands: its file and line, or None."""
        if not math.isfinite(row.value):
            return None
        if row.se > NOISE:
            for value, se in ((row.value, row.se), (1 - row.value, row.se), (100 * row.value, 100 * row.se)):
                for record in self.exact.get(_spot(se), ()):
                    if any(_spot(number) == _spot(value) for number in record.numbers.values()):
                        return f"{record.file}, line {record.line}"
            return self.printed(row)
        for record in self.named.get(row.measure, ()):
            if {row.domain, row.breakdown} <= record.texts and any(
                abs(record.numbers.get(name, math.nan) - row.value) <= NOISE for name in ("share", "value")
            ):
                return f"{record.file}, line {record.line}"
        return None

    def printed(self, row: Printed) -> str | None:
        """Where the number stands as it is printed, with its interval.

        Two numbers may print alike: what a text's own data file prints so (of texts without one, any) is that number.
        """
        told = printed_forms((row.value, *row.limits), self.rules.places)
        for name, text in self.texts.items():
            explained = self.explained.get(_stem(name), self.explained.get("", set()))
            if any(form in text and form not in explained for form in told):
                return name
        return None

    def count(self, row: Printed) -> str | None:
        """Where the number of respondents of the row stands."""
        for record in self.named.get(row.measure, ()):
            if {row.domain, row.breakdown} <= record.texts and record.numbers.get("n") == row.n:
                return f"{record.file}, line {record.line}"
        return None


def printed_forms(estimate: tuple[float, float, float], places: int) -> list[str]:
    """A share with its limits as tables and prose print it; none without an interval."""
    if not all(math.isfinite(value) for value in estimate):
        return []
    value, low, high = (f"{100 * number:.{places}f}" for number in estimate)
    return [f"{value} ({low}-{high})", f"{value}% ({low}% to {high}%)"]


def _forms_of(record: Record, places: int) -> list[str]:
    """What the estimates of a record print."""
    found = []
    for name, value in record.numbers.items():
        ends = ("low", "high") if name in ("share", "value") else (f"{name}_low", f"{name}_high")
        if all(end in record.numbers for end in ends):
            found += printed_forms((value, *(record.numbers[end] for end in ends)), places)
    return found


def _stem(file: str) -> str:
    """What the data file of an exhibit and its printed form have in common; of a ledger's number the file and its id."""
    return file if ": " in file else file.rsplit(".", 1)[0]


def _plain(text: str) -> str:
    """Text without word joiners, emphasis and flags, with plain dashes and spaces."""
    text = re.sub(r"[\u2060\u200b*\\]", "", text).replace("\N{EN DASH}", "-").replace("\N{NO-BREAK SPACE}", " ")
    return " ".join(text.split())


def audit(found: Catalogue, claims: Mapping[str, Mapping], published: Published, rules: Rules) -> dict:
    """What an outsider derives of the cells at risk from everything that was published.

    found : the linked system with confidential counts; claims : section -> what was to be left out (``protected``).
    Returns {'leaks': [...], counts, 'sections': {...}, 'narrowest': [...]}; a leak names section, cell, interval and where.
    """
    system, index = found.system, _Index(published, rules)
    place = {key: k for k, key in enumerate(system.keys)}
    gone = {name: {cell["key"] for cell in part["cells"]} for name, part in claims.items()}
    coarse = {name: {base["key"] for base in part["bases"]} for name, part in claims.items()}
    hidden, seen = system.gone.copy(), {}
    hidden[[place[row.cell] for row in found.printed if row.cell]] = True
    for row in found.printed:
        left_out = not row.shown or row.key in gone.get(row.section, ())
        where = index.estimate(row) if left_out else "published"
        if where and row.cell:
            hidden[place[row.cell]] = False
            seen.setdefault(row.cell, where)
        if row.base in coarse.get(row.section, ()):
            hidden[place[row.base]] |= row.base not in seen
            where = index.count(row)
            if where:
                hidden[place[row.base]] = False
                seen[row.base] = where
    findings = attack.audit(system, hidden)
    label = _labels(found)
    leaks = [_leak(one, label[one.key], seen) for one in findings if one.leak]
    leaks += _columns(published, rules)
    leaks += _places(found, rules)
    return {
        "cells": len({row.cell for row in found.printed if row.cell}),
        "equations": int(system.matrix.shape[0]),
        "records": len(published.records),
        "texts": len(published.texts),
        "attacked": len(findings),
        "hidden": int(hidden[[place[key] for key in {row.cell for row in found.printed if row.cell}]].sum()),
        "sections": _sections(found, claims, system.need, place),
        "leaks": sorted(leaks, key=lambda leak: (leak["where"] == DERIVED, leak["section"], leak["what"])),
        "narrowest": [_leak(one, label[one.key], seen) for one in sorted(findings, key=_slack)[:10] if not one.leak],
    }


def _slack(one: attack.Finding) -> tuple:
    return one.high - one.low - one.need, str(one.key)


def _labels(found: Catalogue) -> dict[str, Printed]:
    label: dict[str, Printed] = {}
    for row in found.printed:
        label.setdefault(row.base, row)
    for row in found.printed:
        if row.cell:
            label[row.cell] = row
    return label


def _leak(one: attack.Finding, row: Printed, seen: Mapping[str, str]) -> dict:
    what = "respondents" if one.key == row.base else row.measure
    where = seen.get(one.key)
    if where in (None, "published"):
        where = DERIVED if where is None else "its own table"
    return {
        "section": row.section,
        "what": f"{row.breakdown}, {row.domain}, {what}",
        "kind": one.leak,
        "low": one.low,
        "high": one.high,
        "needed": one.need,
        "where": where,
    }


def _columns(published: Published, rules: Rules) -> list[dict]:
    """Columns that name places or agencies, and one line a unit of what a model says of it."""
    found = []
    for file, names in published.columns.items():
        for name in names:
            if name.lower() in rules.areas:
                found.append(_refused(file, f"column {name}", "identifies agencies or places"))
            if OBSERVATION.search(name):
                found.append(_refused(file, f"column {name}", "holds residuals or the like of single units"))
    return found


def _refused(file: str, what: str, why: str) -> dict:
    line = {"section": file.split("/")[1] if "/" in file else file, "what": what, "kind": why}
    return line | {"low": None, "high": None, "needed": None, "where": file}


def _places(found: Catalogue, rules: Rules) -> list[dict]:
    """Breakdowns by place that the rules do not allow."""
    names = {(row.section, row.breakdown) for row in found.printed}
    known = re.compile(r"\b(region|division|state|county|city|place|location|district)\b", re.IGNORECASE)
    return [
        _refused(f"results/{section}", f"breakdown {name}", "is finer than the geography allowed")
        for section, name in sorted(names)
        if known.search(name) and name not in rules.geography
    ]


def _sections(found: Catalogue, claims: Mapping, need: np.ndarray, place: Mapping[str, int]) -> dict:
    out = {}
    for section in dict.fromkeys(row.section for row in found.printed):
        rows = [row for row in found.printed if row.section == section]
        cells = [cell for cell in claims.get(section, {"cells": []})["cells"]]
        out[section] = {
            "numbers": len(rows),
            "imprecise": sum(not row.shown for row in rows),
            "at_risk": len({row.cell for row in rows if row.cell and need[place[row.cell]] > 0}),
            "primary": sum(cell["reason"] == "primary" for cell in cells),
            "complementary": sum(cell["reason"] == "complementary" for cell in cells),
            "rounded_n": len(claims.get(section, {"bases": []})["bases"]),
        }
    return out


def sentence(leak: Mapping) -> str:
    """One clear sentence of a leak, for the failed build."""
    if leak["low"] is None:
        return f"{leak['where']}: the {leak['what']} {leak['kind']}"
    where = leak["where"] if leak["where"] == DERIVED else f"it stands in {leak['where']}"
    return (
        f"{leak['section']}: {leak['what']} can be derived to between {leak['low']:g} and {leak['high']:g} agencies or cases, "
        f"where the rules need a width of {leak['needed']:g}: {where}"
    )
