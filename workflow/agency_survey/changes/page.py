"""A comparison as one HTML page that needs nothing else: pictures before and after, tables by chapter, a filter, no network."""

from __future__ import annotations

import base64
import re
from difflib import SequenceMatcher
from html import escape
from itertools import groupby
from pathlib import Path

from agency_survey.changes import grids
from agency_survey.changes.compare import signed
from agency_survey.changes.comparison import LINES, distinct
from agency_survey.changes.crossings import ROUNDING, SIGNIFICANCE, SUPPRESSION
from agency_survey.changes.state import State
from agency_survey.changes.summary import base_words, cause_words, reach_words, several, unattributed

HERE = Path(__file__).resolve().parent
MOST_CELLS, MOST_CROSSED = 60, 20
WORDS = {SIGNIFICANCE: "significance", SUPPRESSION: "shown or hidden", ROUNDING: "rounding"}
NOT_THERE = '<span class="none">not there</span>'


def html(comparison: dict, before: State, after: State) -> str:
    """The page. Pictures come from the two builds, everything else from the comparison."""
    items = comparison["moved"]
    parts = [_head(comparison), _causes(comparison)]
    if items:
        parts += [_filter(comparison), _crossed(items), _headline(items), _contents(comparison)]
        for at, chapter in enumerate(comparison["chapters"], 1):
            own = [item for item in items if item["chapter"] == chapter["file"]]
            parts.append(_chapter(at, chapter, own, comparison, before, after))
    body = "\n".join(part for part in parts if part)
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8" />\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1" />\n'
        f"<title>What moved in the report</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#main">To the changes</a>\n<main id="main" tabindex="-1">\n{body}\n</main>\n'
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )


def _head(comparison: dict) -> str:
    notice = f'<p class="notice">{escape(comparison["notice"])}</p>' if comparison["notice"] else ""
    base = escape(base_words(comparison))
    if not comparison["moved"]:
        return f"<h1>Nothing of the report moved</h1>\n<p>Compared with {base}.</p>\n{notice}"
    totals = comparison["totals"]
    tiles = [
        (totals[SIGNIFICANCE], "significance crossed", SIGNIFICANCE),
        (totals[SUPPRESSION], "shown, marked or hidden otherwise", SUPPRESSION),
        (totals["numbers"], "numbers printed otherwise", ""),
        (totals["printed_cells"], "cells of tables printed otherwise", ""),
        (totals["figures"], "figures", ""),
        (totals["sentences"], "sentences", ""),
    ]
    shown = "".join(
        f'<li class="{kind if count else ""}"><strong>{count:,}</strong> {text}</li>' for count, text, kind in tiles
    )
    rest = [
        f"{totals['model_estimates']:,} estimates of models among the numbers and cells",
        f"{totals['numbers_below']:,} numbers that moved below their printed digits",
        f"{totals['reworded']:,} sentences with other words, not other numbers alone",
    ]
    return (
        f"<h1>What moved in the report</h1>\n<p>This build compared with {base}.</p>\n{notice}\n"
        f'<ul class="tiles">{shown}</ul>\n<p class="soft">{"; ".join(rest)}.</p>'
    )


def _causes(comparison: dict) -> str:
    notes = [note for note in (several(comparison), unattributed(comparison)) if note]
    if not comparison["moved"] or not (comparison["causes"] or notes):
        return ""
    listed = "".join(
        f"<li><strong>{escape(cause_words(cause))}</strong>, {escape(reach_words(cause, comparison))}</li>"
        for cause in comparison["causes"]
    )
    marked = [re.sub("`([^`]*)`", r"<code>\1</code>", escape(note)) for note in notes]
    said = "".join(f"<p>{note}</p>" for note in marked)
    return (
        f'<section aria-labelledby="why"><h2 id="why">What moved it</h2>\n<ul>{listed}</ul>\n{said}</section>'.replace(
            "<ul></ul>", ""
        )
    )


def _filter(comparison: dict) -> str:
    totals = comparison["totals"]
    choices = [("", "Everything"), (SIGNIFICANCE, f"Significance ({totals[SIGNIFICANCE]:,})")]
    choices += [(SUPPRESSION, f"Shown or hidden ({totals[SUPPRESSION]:,})"), (ROUNDING, "What is printed")]
    chosen = {"": ' checked="checked"'}  # what the page shows when it is opened
    radios = "".join(
        f'<label><input type="radio" name="crosses" value="{value}"{chosen.get(value, "")} /> {text}</label>'
        for value, text in choices
    )
    return (
        f'<form class="filter" hidden="hidden"><fieldset><legend>Show what crosses</legend>{radios}'
        '<output aria-live="polite"></output></fieldset></form>'
    )


def _table(heads: list[str], rows: list[tuple[tuple[str, ...], list[str]]], caption: str = "") -> str:
    """A table of ready HTML cells; each row with the lines that it crosses, by which the filter finds it."""
    top = "".join(f'<th scope="col">{head}</th>' for head in heads)
    body = "".join(
        f'<tr data-crosses="{" ".join(crosses)}"><th scope="row">{cells[0]}</th>'
        + "".join(
            f'<td data-head="{escape(head)}">{cell}</td>' for head, cell in zip(heads[1:], cells[1:], strict=True)
        )
        + "</tr>"
        for crosses, cells in rows
    )
    title = f"<caption>{caption}</caption>" if caption else ""
    return f'<div class="wide"><table>{title}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _side(text: str | None) -> str:
    return NOT_THERE if text is None else escape(text) or '<span class="none">blank</span>'


def _sides(item: dict) -> list[str]:
    """Old and new as HTML; numbers that are not as printed with as many digits as tell them apart."""
    pair = [item["old"], item["new"]]
    values = [grids.number(side) for side in pair]
    if (item["kind"] in ("cell", "figure") or not item["printed"]) and None not in values and values[0] != values[1]:
        for digits in (6, 9, 12, 17):
            shorter = [f"{value:.{digits}g}" for value in values]
            if shorter[0] != shorter[1]:
                pair = shorter
                break
    return [_side(side) for side in pair]


def _badges(crosses: list[str]) -> str:
    return " ".join(f'<span class="badge {line}">{WORDS[line]}</span>' for line in LINES if line in crosses)


def _errors(item: dict) -> str:
    return "" if item["in_errors"] is None else escape(signed(item["in_errors"]))


def _number_cells(item: dict) -> list[str]:
    name = f"{escape(item['what'])} <code>{escape(item['where'])}</code>"
    return [
        name,
        *_sides(item),
        escape(item["change"]),
        _errors(item),
        _badges(item["crosses"]),
    ]


NUMBER_HEADS = ["Number", "Before", "Now", "Difference", "In standard errors", "Crosses"]


def _numbers(items: list[dict], caption: str = "") -> str:
    return _table(NUMBER_HEADS, [(tuple(item["crosses"]), _number_cells(item)) for item in items], caption)


def _crossed(items: list[dict]) -> str:
    found = distinct(items)
    if not found:
        return ""
    rows = []
    for item in sorted(found, key=lambda one: [line not in one["crosses"] for line in LINES]):
        cells = _number_cells(item)
        if item["kind"] != "number":
            cells[0] = f"{escape(item['what'])} <code>{escape(_ident(item))}</code>"
        rows.append(
            (tuple(item["crosses"]), [*cells[:-1], _badges([one for one in item["crosses"] if one != ROUNDING])])
        )
    heads = ["Result", *NUMBER_HEADS[1:]]
    more = ""
    if len(rows) > MOST_CROSSED:
        more = f"<details><summary>And {len(rows) - MOST_CROSSED:,} more</summary>{_table(heads, rows[MOST_CROSSED:])}</details>"
    return (
        '<section aria-labelledby="crossed"><h2 id="crossed">Lines crossed</h2>\n<p>A p-value that passed 0.05 or an '
        "interval that began or ceased to hold no effect; a result that is shown, marked or hidden where it was not. Each "
        f"result once. What the report hides may stand here as it was: keep this page with the results.</p>\n{_table(heads, rows[:MOST_CROSSED])}{more}</section>"
    )


def _headline(items: list[dict]) -> str:
    found = [item for item in items if item["headline"] and item["printed"]]
    if not found:
        return ""
    return f'<section aria-labelledby="head"><h2 id="head">Headline numbers</h2>\n{_numbers(found)}</section>'


def _contents(comparison: dict) -> str:
    keys = ("numbers", "printed_cells", "figures", "sentences", SIGNIFICANCE, SUPPRESSION)
    heads = ["Chapter", "Numbers", "Table cells", "Figures", "Sentences", "Significance", "Shown or hidden"]
    rows = [
        (
            (*LINES, "keep"),
            [f'<a href="#c{at}">{escape(chapter["title"])}</a>', *(f"{chapter['totals'][key]:,}" for key in keys)],
        )
        for at, chapter in enumerate(comparison["chapters"], 1)
    ]
    return f'<nav aria-labelledby="all"><h2 id="all">By chapter</h2>\n{_table(heads, rows)}</nav>'


def _chapter(at: int, chapter: dict, items: list[dict], comparison: dict, before: State, after: State) -> str:
    causes = sorted({cause for item in items for cause in item["causes"]})
    said = "; ".join(escape(cause_words(comparison["causes"][cause])) for cause in causes)
    why = f'<p class="soft">Moved by {said}.</p>' if said else ""
    parts = [
        f'<section class="chapter" id="c{at}" aria-labelledby="h{at}"><h2 id="h{at}">{escape(chapter["title"])}</h2>',
        why,
    ]
    numbers = [item for item in items if item["kind"] == "number"]
    printed, below = ([item for item in numbers if item["printed"] is shown] for shown in (True, False))
    if printed:
        parts.append(f"<h3>Numbers</h3>{_numbers(printed)}")
    if below:
        text = f"{len(below):,} number{'s' if len(below) > 1 else ''} that moved below the printed digits"
        parts.append(f"<details><summary>{text}</summary>{_numbers(below)}</details>")
    texts = [item for item in items if item["kind"] == "text"]
    if texts:
        parts.append(f'<h3>Text</h3><ul class="sentences">{"".join(map(_sentence, texts))}</ul>')
    for ident, own in groupby(sorted((one for one in items if "/" in one["where"]), key=_ident), key=_ident):
        parts.append(_exhibit(ident, list(own), before, after))
    return "\n".join([*parts, "</section>"])


def _ident(item: dict) -> str:
    return item["where"].rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _exhibit(ident: str, items: list[dict], before: State, after: State) -> str:
    """A table or figure: what of it is printed otherwise, its pictures, then its data."""
    name = items[0]["where"].rsplit(".", 1)[0]
    printed = [state.printed.get(f"{name}.md") for state in (before, after)]
    title = next((one.caption for one in reversed(printed) if one and one.caption), ident)
    parts = [f'<article class="exhibit"><h3>{escape(title)} <code>{escape(ident)}</code></h3>']
    if any(item["model"] for item in items):
        parts.append('<p class="soft">Estimates of regression models.</p>')
    for item in items:
        if item["kind"] == "exhibit":
            parts.append(f"<p>This exhibit {'is new' if item['old'] is None else 'is gone'}.</p>")
        if item["kind"] == "caption":
            words = _words(item["old"], item["new"])
            parts.append(f'<p data-crosses="{ROUNDING}"><span class="soft">Its {item["what"]}:</span> {words}</p>')
    cells = [item for item in items if item["kind"] == "printed"]
    if cells and None not in printed:
        parts.append(_printed(printed[0].grid, printed[1].grid))
    if any(item["kind"] == "picture" for item in items):
        parts.append(_pictures(name, items, before, after))
    elif any(item["kind"] == "figure" for item in items):
        parts.append('<p class="soft">Its data moved too little to change the picture.</p>')
    data = [item for item in items if item["kind"] in ("cell", "figure")]
    if data:
        parts.append(_data(data))
    source = next(
        (one.note.rpartition("Source: ")[2] for one in reversed(printed) if one and "Source: " in one.note), ""
    )
    if source:
        parts.append(f'<p class="soft">Source: {escape(source)}</p>')
    return "\n".join([*parts, "</article>"])


def _printed(old: grids.Grid, new: grids.Grid) -> str:
    """Rows of a printed table that read otherwise, whole, with the old cell struck out before the new one."""
    from agency_survey.changes.crossings import of_printed

    columns = [name for name in dict.fromkeys([*new.header, *old.header]) if name != grids.GROUP]
    if not columns:
        return ""
    rows = []
    for name, before, after in grids.pairs(old, new):
        if before == after:
            continue
        row, crosses, cells = after or before, set(), []
        for column in columns:
            was, now = (side.get(column) if side else None for side in (before, after))
            if was == now:
                cells.append(escape(now or ""))
                continue
            if was is not None and now is not None:
                crosses |= set(of_printed(was, now))
            cells.append(
                "".join([f"<del>{escape(was)}</del> " if was else "", f"<ins>{escape(now)}</ins>" if now else ""])
            )
        if row.get(grids.GROUP):
            cells[0] = f"{escape(row[grids.GROUP])}: {cells[0]}"
        rows.append((tuple(crosses or {ROUNDING}), [cells[0] or escape(name), *cells[1:]]))
    if not rows:
        return ""
    return _table([escape(column) or "Row" for column in columns], rows, "As printed: rows that read otherwise")


def _pictures(name: str, items: list[dict], before: State, after: State) -> str:
    what = next(item["what"] for item in items if item["kind"] == "picture")
    shown = []
    for state, when in ((before, "Before"), (after, "Now")):
        path = state.results / f"{name}.png"
        alt = state.printed[f"{name}.md"].alt if f"{name}.md" in state.printed else ""
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        shown.append(
            f'<figure><figcaption>{when}</figcaption><img src="data:image/png;base64,{data}" '
            f'alt="{when}. {escape(alt)}" /></figure>'
        )
    said = f'<p class="soft">Moved: {escape(what)}.</p>'
    return f'{said}<div class="pictures" data-crosses="{ROUNDING}">{"".join(shown)}</div>'


def _data(items: list[dict]) -> str:
    order = sorted(items, key=lambda item: (not item["crosses"], -abs(item["in_errors"] or 0)))
    heads = ["Row and column", "Before", "Now", "Difference", "In standard errors", "Crosses"]
    rows = []
    for item in order[:MOST_CELLS]:
        moved = [escape(item["change"]), _errors(item), _badges(item["crosses"])]
        rows.append((tuple(item["crosses"]), [escape(item["what"]), *_sides(item), *moved]))
    more = (
        f'<p class="soft">And {len(order) - MOST_CELLS:,} more; all are in changes.json, with all digits.</p>'
        if len(order) > MOST_CELLS
        else ""
    )
    text = f"Data: {len(order):,} cell{'s' if len(order) > 1 else ''} moved"
    return f"<details><summary>{text}</summary>{_table(heads, rows)}{more}</details>"


def _sentence(item: dict) -> str:
    kind = ' <span class="soft">(other words)</span>' if item["reworded"] and item["old"] and item["new"] else ""
    return f'<li data-crosses="{ROUNDING}">{_words(item["old"], item["new"])}{kind}</li>'


def _words(old: str | None, new: str | None) -> str:
    """A text with the words that went struck out and those that came marked."""
    if old is None or new is None:
        mark = "ins" if old is None else "del"
        return f"<{mark}>{escape((new if old is None else old) or '')}</{mark}>"
    before, after = old.split(), new.split()
    parts = []
    for what, first, last, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what == "equal":
            parts.append(escape(" ".join(after[start:end])))
            continue
        if first < last:
            parts.append(f"<del>{escape(' '.join(before[first:last]))}</del>")
        if start < end:
            parts.append(f"<ins>{escape(' '.join(after[start:end]))}</ins>")
    return " ".join(parts)
