"""Sections that are declared to publish no counts of single agencies' answers: whether what they publish agrees with that.

A declaration is no way past the audit: a small count must be explained by name, and what a section repeats must stand in
another's numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from agency_survey.disclosure.published import NOISE, Published, Record, spot

REPEATS, WHOLE = "repeats", "whole_survey"  # the kinds whose numbers are checked; others hold no answers of the survey
FEWEST = 100  # respondents that every number of a section of kind WHOLE rests on


COUNT = re.compile(r"(^|_)(n|agencies|respondents)(_|$)")


def problems(
    sections: Mapping[str, Mapping], examined: set[str], published: Published, minimum_count: int
) -> list[dict]:
    """What declared sections publish against their declaration, as leaks of ``published.audit``.

    sections : section -> {kind, reason, explained: {column or pattern of ids: what it holds}}; examined : names of
    sections. minimum_count : from which a count of agencies is no small one. No kind may hold small counts that are not explained; what a section of kind REPEATS
    shows must stand in an examined one's numbers, and one of kind WHOLE may have no column n below ``FEWEST``.
    """
    others = {
        spot(value) for record in published.records if _section(record) in examined for value in record.numbers.values()
    }
    found = []
    for record in published.records:
        declared = sections.get(_section(record))
        for name, value in record.numbers.items() if declared else ():
            name = record.file.split(": ", 1)[1] if ": " in record.file else name
            if any(fnmatchcase(name, pattern) for pattern in declared["explained"]):
                continue
            whole = abs(value - round(value)) <= NOISE
            if whole and 0 < round(value) < minimum_count:
                found.append(
                    _leak(record, name, f"holds the small count {value:g}, which its declaration does not explain")
                )
            elif declared["kind"] == REPEATS and not whole and not {spot(value), spot(value / 100)} & others:
                found.append(_leak(record, name, f"holds {value:g}, which no examined section publishes"))
            elif declared["kind"] == WHOLE and whole and value < FEWEST and COUNT.search(name):
                found.append(_leak(record, name, f"rests on {value:g} respondents, where all should answer for it"))
    return found


def undecided(parts: set[str], examined: set[str], sections: Mapping[str, Mapping]) -> list[str]:
    """One sentence a section that is neither examined nor declared, or declared for nothing: what it is and what to do."""
    found = [
        f"The section {name} is neither examined nor declared: record its numbers (workflow/agency_survey/sections/"
        f"watched.py), or declare it in config/disclosure.yaml with the reason why it tells of no agency's answers"
        for name in sorted(parts - examined - set(sections))
    ]
    found += [
        f"The section {name} is declared, but examined too: take it out of 'declared' in config/disclosure.yaml"
        for name in sorted(examined & set(sections))
    ]
    found += [
        f"The section {name} is declared, but publishes no table, figure or text: take it out of 'declared' in config/disclosure.yaml"
        for name in sorted(set(sections) - parts)
    ]
    return found


def _section(record: Record) -> str:
    return section_of(record.file.split(": ", 1)[0])


def section_of(path: str) -> str:
    """Section of a file of results/<section>/."""
    parts = path.split("/")
    return parts[len(parts) - parts[::-1].index("results")] if "results" in parts else parts[0]


def _leak(record: Record, name: str, kind: str) -> dict:
    where = f"{record.file.split(': ', 1)[0]}, line {record.line}"
    leak = {"section": _section(record), "what": f"column {name}" if ": " not in record.file else f"number {name}"}
    return leak | {"kind": kind, "low": None, "high": None, "needed": None, "where": where}
