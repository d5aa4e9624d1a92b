"""The audit: attack what was published, over all tables, figures' data, ledger and prose together.

It does not trust the suppression. A number counts as hidden only if it is among those that were to be left out, or too
imprecise to be shown, *and* stands in no published file: neither at full precision (also as its complement or in
percent) nor printed. All others count as published, and tell their counts. Then every cell at risk is attacked: counts
over the system of sets, totals over that of sums. A number that follows from others, one of which is left out, may stand
nowhere either, nor a quantile beyond which there are too few.
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
APART = "; "  # between the parts of a domain that stand in columns of their own
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


def spot(value: float) -> str:
    """A number as it is matched."""
    return f"{value:.{DIGITS}g}"


class _Index:
    """Finds the numbers of the catalogue in what was published."""

    def __init__(self, published: Published, rules: Rules):
        self.rules = rules
        self.exact: dict[str, list[Record]] = {}
        self.named: dict[str, list[Record]] = {}
        for record in published.records:
            for value in record.numbers.values():
                self.exact.setdefault(spot(value), []).append(record)
            for text in record.texts:
                self.named.setdefault(text, []).append(record)
        self.counts: dict[tuple[str, str], list[Record]] = {}
        for record in published.records:
            for name, value in record.numbers.items():
                self.counts.setdefault((name, spot(value)), []).append(record)
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
                for record in self.exact.get(spot(se), ()):
                    if any(spot(number) == spot(value) for number in record.numbers.values()):
                        return f"{record.file}, line {record.line}"
            return self.printed(row)
        for record in self.named.get(row.measure, ()):
            if {row.domain, row.breakdown} <= record.texts and any(
                abs(record.numbers.get(name, math.nan) - row.value) <= NOISE for name in ("share", "value")
            ):
                return f"{record.file}, line {record.line}"
        for column, line in ((row.measure, row.domain), (row.domain, row.measure)):  # a count in a column of its own
            for record in self.counts.get((column, spot(row.value)), ()):
                if set(line.split(APART)) <= record.texts and f"results/{row.section}/" in record.file:
                    return f"{record.file}, line {record.line}"
        return None

    def printed(self, row: Printed) -> str | None:
        """Where the number stands as it is printed, with its interval.

        Two numbers may print alike: what a text's own data file prints so (of texts without one, any) is that number.
        """
        told = printed_forms((row.value, *row.limits), self.rules.places)
        told += [] if row.total is None else amount_forms((row.value, *row.limits))
        for name, text in self.texts.items():
            explained = self.explained.get(_stem(name), self.explained.get("", set()))
            if any(form in text and form not in explained for form in told):
                return name
        return None

    def number(self, value: float, section: str) -> str | None:
        """Where a number stands at full precision in what a section publishes; round ones are no trace."""
        if not math.isfinite(value) or value == 0 or (abs(value) > NOISE and abs(value - round(value, 3)) <= NOISE):
            return None
        for record in self.exact.get(spot(value), ()):
            if f"results/{section}/" in record.file:
                return f"{record.file}, line {record.line}"
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


def amount_forms(estimate: tuple[float, float, float]) -> list[str]:
    """A total or mean with its limits as tables print it, to none or one place, the lower limit cut at 0 or 1."""
    if not all(math.isfinite(number) for number in estimate):
        return []
    value, low, high = estimate
    lows = dict.fromkeys([low, max(low, 0.0), max(low, 1.0)])
    return [f"{value:,.{k}f} ({least:,.{k}f}-{high:,.{k}f})" for k in (0, 1) for least in lows]


def _forms_of(record: Record, places: int) -> list[str]:
    """What the estimates of a record print."""
    found = []
    for name, value in record.numbers.items():
        ends = ("low", "high") if name in ("share", "value") else (f"{name}_low", f"{name}_high")
        if all(end in record.numbers for end in ends):
            estimate = (value, *(record.numbers[end] for end in ends))
            found += printed_forms(estimate, places) + amount_forms(estimate)
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

    found : the linked system with confidential counts; claims : section -> what was to be left out (``protected``). What is
    behind a dash is taken to be known.
    Returns {'leaks': [...], counts, 'sections': {...}, 'narrowest': [...]}; a leak names section, cell, interval and where.
    """
    system, index = found.system, _Index(published, rules)
    place = {key: k for k, key in enumerate(system.keys)}
    gone = {name: {cell["key"] for cell in part["cells"]} for name, part in claims.items()}
    coarse = {name: {base["key"] for base in part["bases"]} for name, part in claims.items()}
    hidden, seen = system.gone.copy(), {}
    hidden[[place[row.cell] for row in found.printed if row.cell]] = True
    for row in found.printed:
        left_out = row.key in gone.get(row.section, ())
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
    away, known = _totals_away(found, gone, index)
    sums = attack.audit(found.totals, away)
    label, named = _labels(found), {row.total: row for row in found.printed if row.total}
    leaks = [_leak(one, label[one.key], seen) for one in findings if one.leak]
    leaks += [_leak(one, named[one.key], known) for one in sums if one.leak]
    leaks += [_plain_leak(row, index.estimate(row)) for row in found.printed if row.extreme and index.estimate(row)]
    followers = [one for one in found.follows if set(one.sides) & gone.get(one.section, set())]
    leaks += _followers(followers, index)
    leaks += _columns(published, rules)
    leaks += _places(found, rules)
    narrowest = sorted(
        [(one, label) for one in findings if not one.leak] + [(one, named) for one in sums if not one.leak],
        key=lambda pair: _slack(pair[0]),
    )
    return {
        "cells": len({row.cell for row in found.printed if row.cell}),
        "equations": int(system.matrix.shape[0]) + int(found.totals.matrix.shape[0]),
        "totals": len(named),
        "records": len(published.records),
        "texts": len(published.texts),
        "attacked": len(findings) + len(sums),
        "attacked_totals": len(sums),
        "follow": len(found.follows),
        "follow_left_out": len(followers),
        "hidden": int(hidden[[place[key] for key in {row.cell for row in found.printed if row.cell}]].sum())
        + sum(bool(away[found.totals.at(key)]) for key in named),
        "sections": _sections(found, claims, place),
        "leaks": sorted(leaks, key=lambda leak: (leak["where"] == DERIVED, leak["section"], leak["what"])),
        "narrowest": [_leak(one, names[one.key], seen) for one, names in narrowest[:10]],
        "least_slack": min((_slack(one)[0] for one, _ in narrowest), default=None),
    }


def _totals_away(found: Catalogue, gone: Mapping[str, set], index: _Index) -> tuple[np.ndarray, dict[str, str]]:
    """(bool (m,) totals that stand in no published file, where the others of those that were to be left out do)."""
    place = {key: k for k, key in enumerate(found.totals.keys)}
    away, where = found.totals.gone.copy(), {}
    away[[place[row.total] for row in found.printed if row.total]] = True
    for row in found.printed:
        if row.total:
            left_out = row.key in gone.get(row.section, ())
            at = index.estimate(row) if left_out else "published"
            if at:
                away[place[row.total]] = False
                where.setdefault(row.total, at)
    return away, where


def _plain_leak(row: Printed, where: str) -> dict:
    """A number that may not stand anywhere, whatever could be derived of it."""
    what = f"{row.breakdown}, {row.domain}, {row.measure}"
    leak = {"section": row.section, "what": what, "kind": "is nearly one agency's own answer"}
    return leak | {"low": None, "high": None, "needed": None, "where": where}


def _followers(found: Iterable, index: _Index) -> list[dict]:
    """Numbers that follow from others, one of which is left out, and stand in what their section publishes."""
    leaks = []
    for one in found:
        where = next(filter(None, (index.number(value, one.section) for value in one.numbers)), None)
        if where:
            leak = {"section": one.section, "what": one.what, "kind": "follows from a number that is left out"}
            leaks.append(leak | {"low": None, "high": None, "needed": None, "where": where})
    return leaks


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
        "low": one.low + 0.0,  # no negative zero
        "high": one.high + 0.0,
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


def _sections(found: Catalogue, claims: Mapping, place: Mapping[str, int]) -> dict:
    out, need, sums = {}, found.system.need, dict(zip(found.totals.keys, found.totals.need, strict=True))
    for section in dict.fromkeys(row.section for row in found.printed):
        rows = [row for row in found.printed if row.section == section]
        cells = [cell for cell in claims.get(section, {"cells": []})["cells"]]
        out[section] = {
            "numbers": len(rows),
            "imprecise": sum(not row.shown for row in rows),
            "at_risk": len({row.cell for row in rows if row.cell and need[place[row.cell]] > 0})
            + len({row.total for row in rows if row.total and sums[row.total] > 0})
            + sum(row.extreme for row in rows),
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
