"""Quarto and the bundled engine give the same numbers, captions and numbering for the whole book."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from agency_survey.render.quarto import find_quarto

pytestmark = [
    pytest.mark.build,
    pytest.mark.skipif(find_quarto() is None, reason="Quarto is not installed (PATH or QUARTO_PATH)"),
]
NUMBER = re.compile(r'<span[^>]*class="num"[^>]*>(.*?)</span>', re.S)


def numbers(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """(id, printed text) of every number, by page, in the order of the text."""
    found = {}
    for page in sorted((folder / "reports/_book").glob("*.html")):
        spans = re.finditer(NUMBER, page.read_text(encoding="utf-8"))
        found[page.name] = [
            (re.search(r'data-id="([^"]*)"', match[0])[1], re.sub(r"\s+", " ", match[1])) for match in spans
        ]
    return found


def test_both_engines_print_the_same_book(project, built):
    program = find_quarto()
    captions = json.loads((built.folder / "results/render/captions.json").read_text())
    done = project.report(QUARTO_PATH=os.path.abspath(program))
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.jobs() == {"render"}
    assert json.loads((project.folder / "results/render/manifest.json").read_text())["engine"] == "quarto"
    assert json.loads((project.folder / "results/render/captions.json").read_text()) == captions
    assert sum(map(len, numbers(built.folder).values())) > 50
    assert numbers(project.folder) == numbers(built.folder)
    assert "Quarto" in (project.folder / "reports/_book/colophon.html").read_text()
