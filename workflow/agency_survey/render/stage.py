"""Staging: a work folder that is a complete Quarto book, with the fragments and numbers its chapters use."""

from __future__ import annotations

import shutil
from pathlib import Path

from agency_survey.errors import InputError

from .check import scan
from .source import ENGINE_NOTE, LEDGER, Book, Text, expand, fence_states, include_target, locate

MARKER = "_staged-book"


def engine_line(engine: str, versions: dict[str, str]) -> str:
    """The sentence for the colophon: which engine, with which versions."""
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    if engine == "quarto":
        return f"This book was rendered by {listed}."
    return f"This book was rendered by the bundled engine ({listed})."


def stage(book: Book, texts: list[Text], reports: Path, results: Path, work: Path, line: str) -> list[Text]:
    """Fill ``work`` with the book; returns the chapters' texts, now with the engine's line in them."""
    _empty(work)
    for source in sorted(reports.iterdir()):
        if source.name in ("_book", "_book.new", "_book.old", ".quarto", "__pycache__"):
            continue
        if source.is_dir():
            shutil.copytree(source, work / source.name)
        else:
            shutil.copyfile(source, work / source.name)
    (work / ENGINE_NOTE).write_text(line + "\n", encoding="utf-8")
    for target in sorted({LEDGER, *used_results(texts, reports)}):
        (work / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(locate(target, reports, results), work / target)
    return [expand(chapter, reports, results, line) for chapter in book.chapters]


def used_results(texts: list[Text], reports: Path) -> set[str]:
    """The paths results/... that chapters include, and those of the images in them."""
    used = set()
    for text in texts:
        source = (reports / text.chapter.file).read_text(encoding="utf-8").splitlines()
        states = fence_states(source)
        used |= {include_target(one) or "" for one, state in zip(source, states, strict=True) if not state}
        used |= {target for target, _, _ in scan(text).images}
    return {target for target in used if target.startswith("results/")}


def _empty(work: Path) -> None:
    """Make ``work`` an empty folder; one that holds anything but an earlier staged book is left alone."""
    if work.exists():
        if any(work.iterdir()) and not (work / MARKER).is_file():
            raise InputError("The work folder holds other files", str(work), "Name an empty folder")
        shutil.rmtree(work)
    work.mkdir(parents=True)
    (work / MARKER).write_text("A book staged by the render rule; made anew each time.\n", encoding="utf-8")
