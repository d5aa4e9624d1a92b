"""The fixture book as a project root, for the tests of the render room."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
BOOK = REPOSITORY / "tests" / "fixtures" / "book"


def make_root(folder: Path) -> Path:
    """A copy of the fixture book in ``folder``, with the project's own Quarto extensions."""
    shutil.copytree(BOOK, folder)
    shutil.copytree(REPOSITORY / "reports" / "_extensions", folder / "reports" / "_extensions")
    return folder


def append(root: Path, file: str, text: str) -> int:
    """Add ``text`` after a blank line to a chapter; returns the line number of its first line."""
    path = root / "reports" / file
    old = path.read_text(encoding="utf-8")
    path.write_text(f"{old}\n{text}\n", encoding="utf-8")
    return len(old.splitlines()) + 2


def replace(root: Path, file: str, old: str, new: str) -> None:
    """Replace text that must be there once, in a file under ``root``."""
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {file}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def captions(root: Path) -> list[dict]:
    return json.loads((root / "results" / "render" / "captions.json").read_text(encoding="utf-8"))
