"""What moved in the report between two builds: numbers, cells, figures, pictures, captions and sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from agency_survey.changes import chapters, crossings, grids
from agency_survey.changes.state import State

KINDS = ("number", "printed", "cell", "figure", "picture", "caption", "text", "exhibit")
MODEL_UNITS = ("odds ratio", "coefficient", "risk ratio", "ratio of means")
MODEL_COLUMNS = {"coefficient", "odds_ratio", "ratio"}


@dataclass(frozen=True)
class Moved:
    """One thing of the report that is not as it was.

    kind : 'number'; 'printed', a cell of a table as printed; 'cell', one of its data; 'figure', a point of a figure's data;
    'picture'; 'caption', the caption or note of a table or figure; 'text', a sentence; 'exhibit', a table or figure that
    came or went. where : the number's id, or the file below ``results/`` or ``reports/``; what : the number's label, the
    row and column, or the text's file; old, new : as text, None where it is not there; printed : whether the book shows
    the difference; rule : what computed it. difference : new less old, change : the same in the
    number's unit; in_errors : that in standard errors of the old one.
    crosses : of ``crossings``. model : whether it is of a regression model; reworded : whether a sentence's own words differ.
    values : old and new at full precision; where an interval crosses a line, its limit that does.
    """

    kind: str
    where: str
    what: str
    old: str | None
    new: str | None
    printed: bool
    rule: str = ""
    difference: float | None = None
    change: str = ""
    in_errors: float | None = None
    crosses: tuple[str, ...] = ()
    model: bool = False
    reworded: bool = False
    ids: tuple[str, ...] = ()
    values: tuple[float | None, float | None] = (None, None)

    def as_dict(self) -> dict:
        """For JSON."""
        return asdict(self) | {"crosses": list(self.crosses), "ids": list(self.ids), "values": list(self.values)}


def snapshot(results: str | Path) -> State:
    """The results of a folder, read whole, so that the folder may change afterwards."""
    results = Path(results)
    root = results.parent if (results.parent / "reports").is_dir() else None
    state = State(results, root)
    _ = (state.numbers, state.tables, state.printed, state.pictures, state.chapters, state.texts)
    return state


def moved(before: State, after: State) -> list[Moved]:
    """What differs between two builds, in the order of ``KINDS``; differences of the machine's rounding are left out."""
    found = [*_numbers(before, after), *_tables(before, after), *_pictures(before, after), *_texts(before, after)]
    return sorted(found, key=lambda one: KINDS.index(one.kind))


def _either(before: dict, after: dict) -> list:
    return [*before, *(key for key in after if key not in before)]


def _rule(name: str) -> str:
    return name.split("/", 1)[0]


def _numbers(before: State, after: State) -> Iterator[Moved]:
    for ident in _either(before.numbers, after.numbers):
        old, new = before.numbers.get(ident), after.numbers.get(ident)
        if old == new or (old and new and _same_number(old, new)):
            continue
        entry = new or old
        model = entry["unit"] in MODEL_UNITS or "regression" in entry["estimator"]
        texts = [None if one is None else one["text"]["value"] for one in (old, new)]
        values = tuple(_float(one and one["value"]) for one in (old, new))
        label = f"{entry['label']} ({entry['domain']})"
        common = {"rule": entry.get("rule", ""), "model": model, "ids": (ident,), "values": values}
        if old is None or new is None:
            yield Moved("number", ident, label, *texts, True, **common)
            continue
        crosses = crossings.of_number(old, new)
        if crossings.SIGNIFICANCE in crosses and new["format"] != "p":
            side = crossings.crossing_limit(old, new)
            common["values"] = (old[side], new[side])
        printed = old["text"] != new["text"]
        if texts[0] == texts[1] and printed:
            texts = [_parts(one["text"], old["text"], new["text"]) for one in (old, new)]
        elif not printed:
            texts = [str(one["value"]) for one in (old, new)]
        change = _less(values[1], values[0])
        errors = change / old["se"] if change is not None and old["se"] else None
        yield Moved("number", ident, label, *texts, printed, difference=change, change=_in_unit(change, new["format"]),
                    in_errors=errors, crosses=crosses, **common)  # fmt: skip


def _in_unit(change: float | None, format: str) -> str:
    """A difference of a number's values as a person says it: of percentages in points."""
    if change is None:
        return ""
    return f"{signed(100 * change)} points" if format.startswith(("percent", "points")) else signed(change)


def signed(value: float) -> str:
    """A difference with its sign, to two significant digits, larger ones to the whole number."""
    text = f"{value:+,.0f}" if abs(value) >= 100 else f"{Decimal(f'{value:.2g}'):+f}"
    return text.replace("-", "\N{MINUS SIGN}")


def _parts(text: dict[str, str], old: dict[str, str], new: dict[str, str]) -> str:
    """The printed value with those of its error, interval and base that differ."""
    words = {"se": "se", "ci": "interval", "n": "n"}
    return (
        f"{text['value']} ({', '.join(f'{word} {text[key]}' for key, word in words.items() if old[key] != new[key])})"
    )


def _same_number(old: dict, new: dict) -> bool:
    """Whether two entries are equal but for the machine's rounding of their values."""
    values = ("value", "se", "low", "high", "n")
    if any(old.get(key) != new.get(key) for key in {*old, *new} - set(values)):
        return False
    return all((old[key] is None) == (new[key] is None) and grids.same(str(old[key]), str(new[key])) for key in values)


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _less(new: float | None, old: float | None) -> float | None:
    return None if new is None or old is None else new - old


def _tables(before: State, after: State) -> Iterator[Moved]:
    for name in _either(before.printed, after.printed):
        old, new = before.printed.get(name), after.printed.get(name)
        if old is None or new is None:
            caption = (old or new).caption
            sides = [None if one is None else one.caption or name for one in (old, new)]
            yield Moved("exhibit", name, caption, *sides, True, rule=_rule(name))
            continue
        for part in ("caption", "note"):
            if getattr(old, part) != getattr(new, part):
                yield Moved("caption", name, part, getattr(old, part), getattr(new, part), True, rule=_rule(name))
        for one in grids.differences(old.grid, new.grid):
            crosses = crossings.of_printed(one.old, one.new) if one.row and one.column else ()
            yield Moved("printed", name, _place(one), one.old, one.new, True, rule=_rule(name), crosses=crosses)
    for name in _either(before.tables, after.tables):
        if name in before.tables and name in after.tables:
            yield from _cells(name, before.tables[name], after.tables[name])


def _place(one: grids.Difference) -> str:
    return "; ".join(part for part in (one.row or "every row", one.column or "whole row") if part)


def _cells(name: str, old: grids.Grid, new: grids.Grid) -> Iterator[Moved]:
    kind = "figure" if "/figures/" in name else "cell"
    model = bool(MODEL_COLUMNS & set(new.header)) and bool({"term", "coefficient"} & set(new.header))
    for one in grids.differences(old, new):
        if one.row and one.column and (grids.same(one.old, one.new) or crossings.told_by_estimate(one)):
            continue
        change = errors = None
        values = (grids.number(one.old), grids.number(one.new)) if one.row and one.column else (None, None)
        crosses: tuple[str, ...] = ()
        if one.before and one.after and one.column:
            change = _less(values[1], values[0])
            error = grids.number(one.before.get(error_of(one.column, list(one.before))))
            errors = change / error if change is not None and error else None
            crosses = crossings.of_cell(one.column, one.before, one.after)
        yield Moved(kind, name, _place(one), one.old, one.new, kind == "figure", rule=_rule(name), difference=change,
                    change="" if change is None else signed(change), in_errors=errors, crosses=crosses, model=model,
            values=values)  # fmt: skip


def error_of(column: str, header: list[str]) -> str | None:
    """Column of the standard error of a column's estimates: named after it, or ``se`` right behind it."""
    if f"{column}_se" in header:
        return f"{column}_se"
    at = header.index(column) + 1
    return "se" if at < len(header) and header[at] == "se" else None


def _pictures(before: State, after: State) -> Iterator[Moved]:
    for name in _either(before.pictures, after.pictures):
        old, new = before.pictures.get(name), after.pictures.get(name)
        if old is None or new is None or old == new:
            continue
        data = name.replace(".png", ".csv")
        grid = [state.tables.get(data) for state in (before, after)]
        moved_data = None in grid or any(_cells(data, *grid))
        yield Moved("picture", name, "data and picture" if moved_data else "picture alone, its data are the same",
                    old, new, True, rule=_rule(name))  # fmt: skip


def _texts(before: State, after: State) -> Iterator[Moved]:
    whole = before.reports and after.reports  # without chapters on either side, the texts of the results are compared
    texts = [state.chapters if whole else state.texts for state in (before, after)]
    for file in _either(*texts):
        for old, new in chapters.differences(*(side.get(file) for side in texts)):
            one = new or old
            sides = [None if side is None else side.text for side in (old, new)]
            ids = tuple(dict.fromkeys([*(old.ids if old else ()), *(new.ids if new else ())]))
            reworded = old is None or new is None or old.template != new.template
            rule = one.origin.split("/")[1] if one.origin.startswith("results/") else ""
            yield Moved("text", file, one.origin, *sides, True, rule=rule, reworded=reworded, ids=ids)
