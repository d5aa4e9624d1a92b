"""One render: stage, check, run an engine, describe the book, and put it into place in one step."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from agency_survey.errors import InputError, explain_os_error
from agency_survey.files import wanted

from . import bundled, digits, quarto
from .captions import read_captions
from .check import check_book
from .dates import build_epoch
from .source import Book, read_book
from .stage import engine_line, stage

ENGINES = ("auto", "bundled", "quarto")


def render(root: Path, results: Path, out: Path, engine: str = "auto", work: Path | None = None) -> dict:
    """Render ``root``/reports with the ``results`` into the folder ``out``; returns the manifest.

    ``engine`` is bundled, quarto, or auto (quarto where it is found). ``work`` is the folder to stage the book in
    (made anew; kept when given). Also writes results/render/manifest.json and captions.json. Any problem is an
    InputError, and then ``out`` stays as it was.
    """
    if engine not in ENGINES:
        raise InputError(f"Engine '{engine}' is not known", None, f"Choose one of {', '.join(ENGINES)}")
    reports = root / "reports"
    book = read_book(reports)
    texts = check_book(book, reports, results, digits.read_allowed(root))
    program = quarto.find_quarto() if engine in ("auto", "quarto") else None
    if engine == "quarto" and program is None:
        raise InputError("Quarto was not found on PATH", None, "Set QUARTO_PATH, or use the bundled engine")
    name = "quarto" if program else "bundled"
    try:
        return _render(book, texts, root, results, out, work, name, program)
    except OSError as error:
        raise explain_os_error(error) from error


def _render(book: Book, texts: list, root: Path, results: Path, out: Path, work, name: str, program) -> dict:
    epoch = build_epoch(book.date)
    versions = quarto.versions(program) if program else bundled.versions()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="book-") as temporary:
        folder = Path(work) if work else Path(temporary) / "book"
        line = engine_line(name, versions)
        texts = stage(book, texts, root / "reports", results, folder, line)
        if program:
            made = quarto.render_quarto(program, book, folder, epoch)
        else:
            made = bundled.render_bundled(book, texts, folder, epoch)
        captions = read_captions(book, made)
        manifest = {"engine": name, "versions": versions, "files": describe(made)}
        swap(made, out)
    _write(results / "render" / "captions.json", captions)
    _write(results / "render" / "manifest.json", manifest)
    return manifest


def describe(folder: Path) -> dict[str, dict]:
    """SHA-256 and size of every file of the book, by path, sorted."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in files
    }


def swap(made: Path, out: Path) -> None:
    """Put the folder ``made`` in the place of ``out``; the old one goes only when the new one is beside it."""
    new, old = out.with_name(out.name + ".new"), out.with_name(out.name + ".old")
    if old.exists() and not out.exists():
        os.replace(old, out)  # an earlier swap was cut off between its two renames
    for stale in (new, old):
        shutil.rmtree(stale, ignore_errors=True)
    try:
        shutil.copytree(made, new)
        wanted()
        if out.exists():
            os.replace(out, old)
        os.replace(new, out)
    except (OSError, shutil.Error) as error:
        if old.exists() and not out.exists():
            os.replace(old, out)
        shutil.rmtree(new, ignore_errors=True)
        if isinstance(error, shutil.Error):
            raise InputError("The book could not be copied into place", str(out), "Free some space") from error
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, data) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)
