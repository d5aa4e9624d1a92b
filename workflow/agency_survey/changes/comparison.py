"""A comparison of two builds as one plain table: what moved by chapter, which lines it crosses, and what moved it."""

from __future__ import annotations

import re
from pathlib import Path

from agency_survey.changes.causes import KINDS as CAUSE_KINDS
from agency_survey.changes.causes import Cause, Causes
from agency_survey.changes.compare import KINDS, Moved, moved
from agency_survey.changes.crossings import ROUNDING, SIGNIFICANCE, SUPPRESSION
from agency_survey.changes.state import State
from agency_survey.errors import InputError
from agency_survey.marks import ABSENT
from agency_survey.render import source

FORMAT = 1
LINES = (SIGNIFICANCE, SUPPRESSION, ROUNDING)
FIRST_PAGE = "index.qmd"


def compare(before: State, after: State, name: str) -> dict:
    """Everything that differs between two builds, as ``workflow/schemas/changes.schema.json`` says.

    name : what the base is called, 'the accepted build' or the path that the user gave.
    """
    found, causes = moved(before, after), Causes(before, after)
    reasons = [sorted(_causes(one, causes, after)) for one in found]
    known = sorted({cause for some in reasons for cause in some}, key=lambda one: (CAUSE_KINDS.index(one.kind), one))
    headline, in_text = _named(after, FIRST_PAGE), _named(after)
    items = []
    for one, some in zip(found, reasons, strict=True):
        chapter = one.where if one.where.endswith(".qmd") else _chapter(one.rule, after)
        places = {
            "chapter": chapter,
            "headline": one.kind == "number" and one.where in headline,
            "in_text": one.kind == "number" and one.where in in_text,
        }
        items.append(one.as_dict() | places | {"causes": [known.index(cause) for cause in some]})
    return {
        "format": FORMAT,
        "base": _described(before, name),
        "now": _described(after, "this build"),
        "notice": _notice(after),
        "attributed": causes.known,
        "causes": [_with_reach(cause, at, items) for at, cause in enumerate(known)],
        "totals": totals(items),
        "chapters": [
            {"file": file, "title": title, "totals": totals([item for item in items if item["chapter"] == file])}
            for file, title in titles(before, after, items).items()
        ],
        "moved": items,
    }


def totals(items: list[dict]) -> dict[str, int]:
    """Counts of what moved, by kind as the book shows it, and of the lines that were crossed."""
    counts = {
        "numbers": sum(item["kind"] == "number" and item["printed"] for item in items),
        "numbers_below": sum(item["kind"] == "number" and not item["printed"] for item in items),
        "printed_cells": sum(item["kind"] == "printed" for item in items),
        "cells": sum(item["kind"] == "cell" for item in items),
        "tables": len({_exhibit(item) for item in items if item["kind"] in ("printed", "cell")}),
        "model_estimates": sum(item["model"] and item["kind"] in ("number", "cell") for item in items),
        "figures": len({_exhibit(item) for item in items if item["kind"] in ("figure", "picture")}),
        "pictures": sum(item["kind"] == "picture" for item in items),
        "captions": sum(item["kind"] == "caption" for item in items),
        "sentences": sum(item["kind"] == "text" for item in items),
        "reworded": sum(item["reworded"] for item in items),
        "exhibits": sum(item["kind"] == "exhibit" for item in items),
    }
    found = distinct(items)
    return counts | {line: sum(line in item["crosses"] for item in found) for line in (SIGNIFICANCE, SUPPRESSION)}


def distinct(items: list[dict]) -> list[dict]:
    """Items that cross significance or suppression, each result once though several exhibits show it.

    A result has the same values in each, by which it is known within its rule; where several results share their values,
    the exhibit that shows most of them counts, published numbers first. A printed cell counts only where its mark moved, or
    where neither the data of its table nor a published number shows the crossing.
    """
    hidden = [item for item in items if SUPPRESSION in item["crosses"]]
    told = {_exhibit(item) for item in hidden if item["kind"] == "cell"}
    told |= {(item["rule"], _digits(item)) for item in hidden if item["kind"] == "number"}
    groups: dict[tuple, dict[str, list[dict]]] = {}
    for item in items:
        dashed = item["kind"] == "printed" and {*ABSENT} & {item["old"], item["new"]}
        if dashed and told & {_exhibit(item), (item["rule"], _digits(item))}:
            continue
        place = "" if item["kind"] == "number" else _exhibit(item)
        for line in (SIGNIFICANCE, SUPPRESSION):
            if line in item["crosses"]:
                known = item["values"] != [None, None] and item["kind"] != "printed"
                values = [None if value is None else round(value, 9) for value in item["values"]]
                sign = (line, item["rule"], *(values if known else (item["where"], item["what"])))
                groups.setdefault(sign, {}).setdefault(place, []).append(item)
    chosen = [max(places.values(), key=len) for places in groups.values()]
    found = [item for some in chosen for item in some]
    return sorted(found, key=lambda item: KINDS.index(item["kind"]))


def _digits(item: dict) -> str:
    """The printed digits of a result that is shown in one of two builds."""
    shown = item["old"] if item["new"] in ABSENT else item["new"]
    return re.match(r"[\d.,]*", shown or "")[0]


def _exhibit(item: dict) -> str:
    return item["where"].rsplit(".", 1)[0]


def _causes(one: Moved, causes: Causes, after: State) -> set[Cause]:
    """What moved an item: the causes of the file that holds it; of a sentence, those of its words and of its numbers."""
    if one.kind == "number":
        return set(causes.of_file(f"results/{one.rule}/numbers.json"))
    if one.kind != "text":
        return set(causes.of_file(f"results/{one.where}"))
    found = set(causes.of_file(one.what)) if one.reworded else set()
    rules = {after.numbers[ident]["rule"] for ident in one.ids if ident in after.numbers}
    for rule in rules:
        found |= causes.of_file(f"results/{rule}/numbers.json")
    return found


def _named(state: State, chapter: str | None = None) -> set[str]:
    """Ids of the numbers that chapters print, or one of them does."""
    chosen = [one for file, one in state.chapters.items() if chapter in (None, file)]
    return {ident for one in chosen for sentence in one.sentences for ident in sentence.ids}


def _chapter(rule: str, state: State) -> str:
    """File of a rule's chapter, by its name; the rule where it has none."""
    tail = f"-{rule.replace('_', '-')}.qmd"
    return next((file for file in state.chapters if re.sub(r"^[0-9A-Z]+(?=-)", "", file) == tail), rule)


def titles(before: State, after: State, items: list[dict]) -> dict[str, str]:
    """Title of each chapter in which something moved, with its number, in the book's order."""
    present = {item["chapter"] for item in items}
    found = {}
    for file in [*after.chapters, *before.chapters]:
        if file in present and file not in found:
            chapter = after.chapters.get(file) or before.chapters[file]
            number = re.match(r"([0-9]+|[A-Z])-", file)
            label = f"{number[1].lstrip('0')} {chapter.title}" if number else chapter.title
            found[file] = label.replace("_", " ")
    return found | {name: name.replace("_", " ") for name in sorted(present - set(found))}


def _with_reach(cause: Cause, at: int, items: list[dict]) -> dict:
    """A cause, how many items it moved alone, and how many it may have moved with others."""
    reached = [item["causes"] for item in items if at in item["causes"]]
    alone = sum(len(some) == 1 for some in reached)
    return cause.as_dict() | {"alone": alone, "among_others": len(reached) - alone}


def _described(state: State, name: str) -> dict:
    return {
        "name": name,
        "accepted": state.marker.get("accepted"),
        "version": state.build.get("version"),
        "state": state.build.get("state"),
    }


def _notice(state: State) -> str:
    """What the book says of synthetic data."""
    reports: Path | None = state.root / "reports" if state.root else None
    try:
        return source.read_book(reports).notice if reports else ""
    except InputError:
        return ""
