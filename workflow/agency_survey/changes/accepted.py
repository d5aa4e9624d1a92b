"""The accepted build: a copy of what a comparison needs, kept in ``accepted/`` until another one takes its place."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from agency_survey import files
from agency_survey.changes import fingerprints
from agency_survey.changes.state import ACCEPTED, LEDGER, MARKER, RESULTS, SOURCES, State, accepted
from agency_survey.errors import InputError

FORMAT = 1


def accept(root: Path) -> Path:
    """Keep the current build as the base of comparisons; returns its folder.

    The whole folder is replaced in one step. Refused when no build has finished or the results are not current. No record
    is copied: of the raw files only digests of rows and columns are kept.
    """
    from agency_survey import provenance  # a room that costs time to enter, which `brief` does not need

    wrong = provenance.status(root)
    if wrong:
        raise InputError(
            f"This build cannot be accepted: {wrong[0]}", "results/", "Run `make report` first, then `make accept`"
        )
    state = State(root / "results", root)
    new = root / f".{ACCEPTED}.new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        _copy(root, new)
        marker = {
            "format": FORMAT,
            "accepted": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "state": state.build.get("state"),
            "raw": fingerprints.of_project(root),
        }
        files.write_json(new / MARKER, marker)
        _swap(new, root)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return root / ACCEPTED


def _copy(root: Path, new: Path) -> None:
    patterns = [*SOURCES, *(f"results/{pattern}" for pattern in RESULTS)]
    for pattern in patterns:
        for path in root.glob(pattern):
            name = path.relative_to(root)
            if path.is_file() and not path.name.startswith("."):
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, new / name)


def _swap(new: Path, root: Path) -> None:
    """Put the new folder in the place of the old one, which goes last; cut off in between, the old one still counts."""
    place, old = root / ACCEPTED, root / f".{ACCEPTED}.old"
    if place.exists():
        shutil.rmtree(old, ignore_errors=True)
        os.replace(place, old)
    os.replace(new, place)
    shutil.rmtree(old, ignore_errors=True)


def brief(root: Path) -> str | None:
    """One line on what moved since the accepted build; None where nothing did, or there is no base."""
    folder = accepted(root)
    if folder is None:
        return None
    base, now = folder / "results", root / "results"
    moved = 0 if filecmp.cmp(base / LEDGER, now / LEDGER, shallow=False) else _moved_numbers(base, now)
    if moved:
        what = "number" if moved == 1 else "numbers"
        return f"{moved:,} {what} of the report moved since the accepted build: make changes"
    others = _differing_exhibits(base, now)
    if others:
        what = "1 table, figure or text" if others == 1 else f"{others} tables, figures and texts"
        return f"No number of the report moved since the accepted build, but {what} did: make changes"
    return None


def _moved_numbers(base: Path, now: Path) -> int:
    """Numbers that the book prints otherwise."""
    before, after = (json.loads((folder / LEDGER).read_text(encoding="utf-8"))["numbers"] for folder in (base, now))
    texts = [{ident: entry["text"] for ident, entry in numbers.items()} for numbers in (before, after)]
    return sum(texts[0].get(ident) != texts[1].get(ident) for ident in {**texts[0], **texts[1]})


def _differing_exhibits(base: Path, now: Path) -> int:
    patterns = ("*/tables/*.md", "*/figures/*.png", "*/figures/*.md", "*/text/*.md")
    names = {
        path.relative_to(folder).as_posix()
        for folder in (base, now)
        for pattern in patterns
        for path in folder.glob(pattern)
    }
    _, differ, lost = filecmp.cmpfiles(base, now, names, shallow=False)
    return len({name.rsplit(".", 1)[0] for name in (*differ, *lost)})


def after_build(root: Path) -> str | None:
    """The line below a finished build: what moved; the first build of a project becomes the base, and the line says so."""
    if accepted(root) is None:
        try:
            accept(root)
        except (InputError, OSError) as error:  # the build itself is whole
            return f"This build could not be kept as the base of comparisons: {error}"
        return "This build is kept as the base of comparisons (accepted/): `make changes` will say what moved since."
    return brief(root)
