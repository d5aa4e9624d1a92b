"""The Quarto engine, and that both engines number alike. Skipped where Quarto is not installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from render_book import append, captions, make_root

from agency_survey.errors import InputError
from agency_survey.render import render
from agency_survey.render.dates import build_epoch
from agency_survey.render.publish import check_book
from agency_survey.render.quarto import find_quarto, render_quarto
from agency_survey.render.source import read_book
from agency_survey.render.stage import stage

needs_quarto = pytest.mark.skipif(find_quarto() is None, reason="Quarto is not installed (PATH or QUARTO_PATH)")


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@needs_quarto
def test_both_engines_give_the_same_numbers_and_captions(tmp_path: Path):
    found = {}
    for engine in ("quarto", "bundled"):
        root = make_root(tmp_path / engine)
        manifest = render(root, root / "results", root / "reports" / "_book", engine=engine)
        assert manifest["engine"] == engine
        found[engine] = captions(root)
        assert {"index.html", "report.pdf", "report.docx", "a-questionnaire.html"} <= set(manifest["files"])
    assert found["quarto"] == found["bundled"]
    assert len(found["quarto"]) == 16


def staged(root: Path, work: Path):
    """The book staged as the engine gets it, past the checks, so that Quarto's own failures can be seen."""
    book = read_book(root / "reports")
    texts = check_book(book, root / "reports", root / "results")
    stage(book, texts, root / "reports", root / "results", work, "This book was rendered by Quarto.")
    return book


@needs_quarto
@pytest.mark.parametrize(
    ("text", "said"),
    [("{{< num no.such.number >}}", "no.such.number"), ("See @fig-none.", "@fig-none")],
)
def test_what_quarto_cannot_resolve_fails(tmp_path: Path, text: str, said: str):
    root, work = make_root(tmp_path / "root"), tmp_path / "work"
    book = staged(root, work)
    with (work / "01-introduction.qmd").open("a", encoding="utf-8") as chapter:
        chapter.write(f"\n{text}\n")
    with pytest.raises(InputError, match=said):
        render_quarto(find_quarto(), book, work, build_epoch(book.date))


@pytest.fixture
def fake_quarto(tmp_path: Path, monkeypatch):
    """A program in the place of Quarto that prints and exits as told."""

    def make(script: str) -> str:
        program = tmp_path / "bin" / "quarto"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo 1.0.0; exit 0; fi\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("QUARTO_PATH", str(program))
        return str(program)

    return make


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'ERROR: something broke' >&2; exit 1", "Quarto failed: ERROR: something broke"),
        ("echo 'num: unknown number x' >&2; exit 1", "unknown number x"),
        ("echo '[WARNING] (refs.lua) Unable to resolve crossref @fig-x' >&2", "unresolved: .*@fig-x"),
        ("exit 0", "Quarto did not make index.html"),
    ],
)
def test_failures_of_quarto_are_sentences_and_keep_the_old_book(tmp_path: Path, fake_quarto, script: str, said: str):
    fake_quarto(script)
    root = make_root(tmp_path / "root")
    book = root / "reports" / "_book"
    book.mkdir()
    (book / "index.html").write_text("the old book")
    with pytest.raises(InputError, match=said):
        render(root, root / "results", book, engine="auto")
    assert (book / "index.html").read_text() == "the old book"


def test_quarto_path_may_name_the_program_or_its_folder(fake_quarto, monkeypatch):
    program = fake_quarto("exit 0")
    assert find_quarto() == program
    monkeypatch.setenv("QUARTO_PATH", os.path.dirname(program))
    assert find_quarto() == program
    monkeypatch.setenv("QUARTO_PATH", "/nowhere/quarto")
    with pytest.raises(InputError, match="QUARTO_PATH names no program"):
        find_quarto()


def test_asking_for_quarto_where_there_is_none(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("QUARTO_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("agency_survey.render.quarto.sys.executable", str(tmp_path / "python"))
    assert find_quarto() is None
    root = make_root(tmp_path / "root")
    append(root, "colophon.qmd", "More.")
    with pytest.raises(InputError, match="Quarto was not found"):
        render(root, root / "results", root / "reports" / "_book", engine="quarto")
