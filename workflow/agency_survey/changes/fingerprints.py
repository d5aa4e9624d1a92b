"""Which rows and columns of a raw file differ, without keeping its values: digests of rows and columns at acceptance.

The digest of a row is short on purpose: enough to see that a row differs, too little to find out what it held.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from agency_survey.changes.state import State
from agency_survey.errors import InputError

if TYPE_CHECKING:  # pandas is imported where a raw file is read
    import pandas as pd

CODEBOOKS = "config/codebooks"
STEMS = {
    "frame": "data/frame/frame",
    **{name: f"data/raw/{name}" for name in ("disposition", "part1", "part2", "part3")},
}
DIGITS = 6
MOST = 3
MOST_ROWS = 200_000  # of larger files only the columns are told


def of_project(root: Path) -> dict[str, dict]:
    """Fingerprints of the survey's raw files by path; files that cannot be read are left out."""
    found = {}
    for name in STEMS:
        path = _raw(root, name)
        taken = _of_file(root, name, path) if path else None
        if taken:
            found[path.relative_to(root).as_posix()] = {key: taken[key] for key in ("rows", "columns")}
    return found


def difference(name: str, before: State, after: State) -> str:
    """In a few words, the rows and columns in which a raw file differs; '' where they cannot be told."""
    stem = next((key for key, value in STEMS.items() if name.rsplit(".", 1)[0] == value), None)
    if stem is None or after.root is None:
        return ""
    old = before.marker.get("raw", {}).get(name)
    if old is None and before.source(name):
        old = _of_file(before.root, stem, before.root / name)
    new = _of_file(after.root, stem, after.root / name) if after.source(name) else None
    return words(old, new) if old and new else ""


def words(old: dict, new: dict) -> str:
    """What differs between the fingerprints of two files; names of records come from the new one, which has them."""
    rows = [key for key, digest in new["rows"].items() if old["rows"].get(key) != digest]
    added, changed = ([key for key in rows if (key in old["rows"]) is known] for known in (False, True))
    gone = sum(key not in new["rows"] for key in old["rows"])
    columns = [key for key, digest in new["columns"].items() if old["columns"].get(key) != digest]
    lost = [key for key in old["columns"] if key not in new["columns"]]
    parts = []
    if changed:
        parts.append(f"{_counted(changed, 'record')} changed ({_listed([new['names'][key] for key in changed])})")
    if added:
        parts.append(f"{_counted(added, 'record')} came ({_listed([new['names'][key] for key in added])})")
    if gone:
        parts.append(f"{gone} record{'s' if gone > 1 else ''} went")
    if columns and len(columns) < len(new["columns"]):
        parts.append(f"in {_listed(columns)}")
    if lost:
        parts.append(f"without {_listed(lost)}")
    return ", ".join(parts) or "same cells, written otherwise"


def _counted(found: list, word: str) -> str:
    return f"{len(found)} {word}{'s' if len(found) > 1 else ''}"


def _listed(words: list[str]) -> str:
    return ", ".join(words[:MOST]) + (f" and {len(words) - MOST} more" if len(words) > MOST else "")


def _raw(root: Path, name: str) -> Path | None:
    from agency_survey import formats

    try:
        return Path(formats.find(root / STEMS[name]))
    except InputError:
        return None


def _of_file(root: Path, name: str, path: Path) -> dict | None:
    """Digests of rows by digest of their key, and of columns by name; keys as they read (``names``)."""
    from agency_survey import codebook, ingest

    try:
        book = codebook.load(root / CODEBOOKS / f"{name}.yaml")
        table, _ = ingest.read_source(path, book)
    except InputError:
        return None
    return _of_table(table, list(book.key))


def _of_table(table: pd.DataFrame, key: list[str]) -> dict:
    from pandas.util import hash_array, hash_pandas_object

    text = table.astype(str)
    columns = {
        column: hashlib.sha256(hash_array(text[column].to_numpy(dtype=object)).tobytes()).hexdigest() for column in text
    }
    if len(text) > MOST_ROWS:
        return {"rows": {}, "columns": columns, "names": {}}
    labels = text[key[0]].str.cat([text[name] for name in key[1:]], sep=" ")
    turn = labels.groupby(labels).cumcount()
    names = labels.where(turn == 0, labels + " (return " + (turn + 1).astype(str) + ")")
    keys = hash_pandas_object(names, index=False)
    rows = hash_pandas_object(text, index=False)
    width = 4 * DIGITS
    idents = [f"{value:016x}" for value in keys]
    return {
        "rows": {
            ident: f"{value >> (64 - width):0{DIGITS}x}" for ident, value in zip(idents, rows.tolist(), strict=True)
        },
        "columns": columns,
        "names": dict(zip(idents, names.tolist(), strict=True)),
    }
