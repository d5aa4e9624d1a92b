"""A comparison in the terminal: the lines that were crossed first, then the headline numbers, then counts by chapter."""

from __future__ import annotations

from agency_survey.changes.compare import signed
from agency_survey.changes.comparison import distinct
from agency_survey.changes.crossings import SIGNIFICANCE, SUPPRESSION

MOST, MOST_CAUSES = 8, 12
NOTHING = "Nothing of the report moved."


def text(comparison: dict) -> str:
    """Lines for the terminal."""
    lines = [f"Compared with {base_words(comparison)}"]
    totals, items = comparison["totals"], comparison["moved"]
    if not items:
        return "\n".join([*lines, NOTHING])
    lines += ["", *_what_moved_it(comparison)]
    for line, title in ((SIGNIFICANCE, "Significance crossed"), (SUPPRESSION, "Shown, marked or hidden otherwise")):
        found = [item for item in distinct(items) if line in item["crosses"]]
        lines += _listed(f"{title}: {totals[line]}", found) if found else []
    headline = [item for item in items if item["headline"] and item["printed"]]
    if headline:
        lines += _listed(f"Headline numbers (first page): {len(headline)}", sorted(headline, key=_size))
    largest = [item for item in items if item["kind"] == "number" and item["in_errors"] and not item["headline"]]
    largest = [item for item in sorted(largest, key=_size) if item["printed"]][:3]
    if largest:
        lines += _listed("Other numbers, the largest moves in standard errors", largest)
    lines += ["", *_chapters(comparison)]
    if totals["model_estimates"]:
        lines += ["", f"Estimates of models among the numbers and the tables' data: {totals['model_estimates']:,}."]
    if totals["numbers_below"]:
        lines += ["", f"Below the printed digits: {_counted(totals['numbers_below'], 'number')} more."]
    return "\n".join(lines)


def base_words(comparison: dict) -> str:
    """What the base is: its name, and when it was accepted."""
    base = comparison["base"]
    return base["name"] + (f" of {base['accepted']}" if base["accepted"] else "")


def cause_words(cause: dict) -> str:
    """A cause with its file."""
    return f"{cause['where']}: {cause['what']}" if cause["what"] else cause["where"]


def reach_words(cause: dict, comparison: dict) -> str:
    """How much of what moved a cause moved, alone or possibly."""
    whole = len(comparison["moved"])
    if cause["alone"] == whole:
        return "moved all of it"
    parts = []
    if cause["alone"]:
        parts.append(f"moved {cause['alone']:,} of {whole:,} items")
    if cause["among_others"]:
        parts.append(f"one of several causes of {cause['among_others']:,}")
    return ", ".join(parts)


def several(comparison: dict) -> str:
    """What to say where causes cannot be told apart; '' where each item has one."""
    unclear = [item for item in comparison["moved"] if len(item["causes"]) > 1]
    if not unclear:
        return ""
    corrections = sum(cause["kind"] == "correction" for cause in comparison["causes"]) > 1
    advice = "; `make corrections` tells corrections apart" if corrections else ""
    return f"{len(unclear):,} of {len(comparison['moved']):,} items have more than one possible cause{advice}."


def unattributed(comparison: dict) -> str:
    """What to say where no cause is known."""
    if comparison["attributed"]:
        return ""
    return "What moved it is not known: one of the two builds has no records of its jobs (results/provenance/)."


def _what_moved_it(comparison: dict) -> list[str]:
    lines = ["What moved it"] if comparison["causes"] or not comparison["attributed"] else []
    for cause in comparison["causes"][:MOST_CAUSES]:
        lines += [f"  {cause_words(cause)}", f"      {reach_words(cause, comparison)}"]
    if len(comparison["causes"]) > MOST_CAUSES:
        lines.append(f"  and {len(comparison['causes']) - MOST_CAUSES} more")
    return lines + [f"  {one}" for one in (several(comparison), unattributed(comparison)) if one]


def _listed(title: str, items: list[dict], most: int = MOST) -> list[str]:
    lines = ["", title]
    for item in items[:most]:
        lines.append(f"  {name(item)}")
        lines.append(f"      {item['old'] or 'not there'} -> {item['new'] or 'not there'}{difference(item)}")
    if len(items) > most:
        lines.append(f"  and {len(items) - most:,} more")
    return lines


def name(item: dict) -> str:
    """What an item is: a number's label and domain, a cell's table and place."""
    if item["kind"] == "number":
        return f"{item['what']} [{item['where']}]"
    return f"{item['where'].rsplit('/', 1)[-1].rsplit('.', 1)[0]}: {item['what']}"


def difference(item: dict) -> str:
    """'  (+0.4 points, +0.2 se)', as far as known."""
    parts = [item["change"], "" if item["in_errors"] is None else f"{signed(item['in_errors'])} se"]
    parts = [part for part in parts if part]
    return f"  ({', '.join(parts)})" if parts else ""


def _size(item: dict) -> float:
    return -abs(item["in_errors"] or 0)


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _chapters(comparison: dict) -> list[str]:
    columns = ("numbers", "printed_cells", "figures", "sentences", SIGNIFICANCE, SUPPRESSION)
    heads = ("numbers", "table cells", "figures", "sentences", "significance", "suppression")
    rows = [(chapter["title"], chapter["totals"]) for chapter in comparison["chapters"]]
    rows.append(("All", comparison["totals"]))
    wide = max(len(title) for title, _ in rows)
    lines = ["Moved as printed".ljust(wide) + "".join(f"  {head}" for head in heads)]
    for title, totals in rows:
        cells = [f"{totals[column]:,}" if totals[column] else "." for column in columns]
        lines.append(
            title.ljust(wide) + "".join(f"  {cell:>{len(head)}}" for cell, head in zip(cells, heads, strict=True))
        )
    return lines
