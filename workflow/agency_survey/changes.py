"""What moved in the report between two states of its results: numbers, cells of tables, data of figures, sentences."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass
from pathlib import Path

from agency_survey import files

LEDGER = "ledger/numbers.json"
PARTS = {"cell": "*/tables/*.csv", "figure": "*/figures/*.csv", "text": "*/text/*.md"}


@dataclass(frozen=True)
class Moved:
    """One thing of the report that is not as it was.

    kind : 'number', 'cell' (of a table), 'figure' (its data) or 'text'; where : the number's id, or the file below
    ``results/``; what : the number's label, or row and column; old, new : as text, None where it is not there;
    printed : whether the book shows the difference (a number may move below its printed digits).
    """

    kind: str
    where: str
    what: str
    old: str | None
    new: str | None
    printed: bool

    def as_dict(self) -> dict:
        """For JSON."""
        return asdict(self)


def snapshot(results: str | Path) -> dict[str, dict]:
    """Numbers by id, and tables, figures' data and texts by file, of a folder of results."""
    results = Path(results)
    state = {"number": files.read_json(results / LEDGER, "numbers")["numbers"]}
    for kind, pattern in PARTS.items():
        read = _text if kind == "text" else _cells
        state[kind] = {path.relative_to(results).as_posix(): read(path) for path in sorted(results.glob(pattern))}
    return state


def moved(before: dict[str, dict], after: dict[str, dict]) -> list[Moved]:
    """What differs between two snapshots, in the order of numbers, tables, figures, texts."""
    found = [
        change
        for ident in _either(before["number"], after["number"])
        for change in _number(ident, before["number"].get(ident), after["number"].get(ident))
    ]
    for kind in ("cell", "figure"):
        for name in _either(before[kind], after[kind]):
            found += _table(kind, name, before[kind].get(name, {}), after[kind].get(name, {}))
    for name in _either(before["text"], after["text"]):
        old, new = before["text"].get(name), after["text"].get(name)
        if old != new:
            found.append(Moved("text", name, "wording", old, new, True))
    return found


def _either(before: dict, after: dict) -> list:
    return [*before, *(key for key in after if key not in before)]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()


def _cells(path: Path) -> dict[tuple[str, str], str]:
    """Cells by row and column. A row is called by its number and its text up to the first number."""
    with open(path, encoding="utf-8", newline="") as stream:
        header, *rows = list(csv.reader(stream)) or [[]]
    found = {}
    for number, row in enumerate(rows, 1):
        words = [cell for cell in row[:3] if cell and not _is_number(cell)]
        name = f"row {number}" + (f" ({', '.join(words)})" if words else "")
        found.update({(name, column): cell for column, cell in zip(header, row, strict=False)})
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(ident: str, old: dict | None, new: dict | None) -> list[Moved]:
    if old == new:
        return []
    label = (new or old)["label"]
    texts = [None if one is None else one["text"]["value"] for one in (old, new)]
    printed = old is None or new is None or old["text"] != new["text"]
    if texts[0] == texts[1] and printed:
        texts = [
            f"{one['text']['value']} (se {one['text']['se']}, {one['text']['ci']}, n {one['text']['n']})"
            for one in (old, new)
        ]
    elif not printed:
        texts = [str(one["value"]) for one in (old, new)]
    return [Moved("number", ident, label, *texts, printed)]


def _table(kind: str, name: str, old: dict, new: dict) -> list[Moved]:
    return [
        Moved(kind, name, ", ".join(key), old.get(key), new.get(key), True)
        for key in _either(old, new)
        if old.get(key) != new.get(key)
    ]
