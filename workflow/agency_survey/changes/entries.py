"""Entries of the corrections register told apart: which outputs of the job that applies them each one reaches.

The job is run once more for each entry that differs between two builds, with that entry as it was. An output that comes out
the same was not moved by it. Nothing is guessed: where that cannot be tried, every entry stays a candidate.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from agency_survey import environment, settings
from agency_survey.changes.state import State

REGISTER = "data/corrections.csv"
MOST = 6  # entries that are tried; a run of the job takes seconds
Rows = dict[str, dict[str, str]]


def read(path: Path) -> Rows:
    """Entries of a register by id."""
    with open(path, encoding="utf-8-sig", newline="") as stream:
        return {row.get("id") or f"line {line}": row for line, row in enumerate(csv.DictReader(stream), 2)}


def differing(before: Rows, after: Rows) -> list[str]:
    """Ids of entries that came, went or changed."""
    return [ident for ident in dict.fromkeys([*before, *after]) if before.get(ident) != after.get(ident)]


def idle(before: State, after: State, record: dict) -> dict[str, frozenset[str]]:
    """By output of the job of ``record`` (of the build ``after``): ids of the entries that did not move it.

    All of them together as they were before leave the output as it is now. Empty where that cannot be tried: a register is
    not at hand, a file is not the one that the build read, or more than ``MOST`` entries differ.
    """
    one, other = before.source(REGISTER), after.source(REGISTER)
    if not one or not other or after.root is None or not _is_of(after.root, record):
        return {}
    old, new = read(one), read(other)
    found = differing(old, new)
    if len(found) > MOST:
        return {}
    same = {ident: _unmoved(after.root, record, old, new, [ident]) for ident in found}
    together: dict[frozenset[str], set[str]] = {frozenset([ident]): names for ident, names in same.items()}
    result = {}
    for name in record["outputs"]:
        some = frozenset(ident for ident in found if name in same[ident])
        if some and some not in together:
            together[some] = _unmoved(after.root, record, old, new, some)
        if some and name in together[some]:
            result[name] = some
    return result


def _is_of(root: Path, record: dict) -> bool:
    """Whether all files that the job read are there as it read them."""
    return all(
        (root / name).is_file() and hashlib.sha256((root / name).read_bytes()).hexdigest() == digest
        for name, digest in record["inputs"].items()
    )


def _unmoved(root: Path, record: dict, old: Rows, new: Rows, idents: Iterable[str]) -> set[str]:
    """Outputs of the job that come out the same with these entries as they were before; none where it fails."""
    rows = {ident: row for ident, row in new.items() if ident not in idents}
    rows |= {ident: old[ident] for ident in idents if ident in old}
    order = [*(ident for ident in new if ident in rows), *(ident for ident in rows if ident not in new)]
    with tempfile.TemporaryDirectory(prefix="entries-") as folder:
        register, out = Path(folder, "corrections.csv"), Path(folder, "out")
        with open(register, "w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(next(iter({**old, **new}.values()))), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows[ident] for ident in order)
        words = shlex.split(record["command"])
        words = [sys.executable, *words[1 : words.index("2>")]]
        words[words.index("--register") + 1] = str(register)
        target = words.index("--out") + 1
        base, words[target] = words[target], str(out)
        exported = environment.variables(root, settings.report_date(root / "reports" / "_quarto.yml"))
        done = subprocess.run(words, cwd=root, env=os.environ | exported, capture_output=True)
        if done.returncode:
            return set()
        return {
            name
            for name, digest in record["outputs"].items()
            if (path := out / os.path.relpath(name, base)).is_file()
            and hashlib.sha256(path.read_bytes()).hexdigest() == digest
        }
