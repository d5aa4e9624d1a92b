"""The book's configuration, dependencies and includes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from render_book import BOOK, REPOSITORY, append, make_root, replace

from agency_survey.errors import InputError
from agency_survey.render import book_dependencies
from agency_survey.render.source import Chapter, expand, fence_states, read_book


def test_dependencies_name_numbers_fragments_and_files():
    found = book_dependencies(BOOK / "reports")
    assert found["numbers"] == {"perceptions.rare.all"}
    assert found["fragments"] == [
        "results/methods/tables/tbl-wide.md",
        "results/perceptions/figures/fig-rare.md",
        "results/perceptions/figures/fig-rare.png",
        "results/perceptions/tables/tbl-shares.md",
    ]
    assert "_engine.md" not in found["files"], "the engine's note is made by the render itself"
    assert {"_quarto.yml", "references.bib", "index.qmd", "a-questionnaire.qmd"} <= set(found["files"])


def test_dependencies_follow_the_chapters_and_need_no_fragment(tmp_path: Path):
    root = make_root(tmp_path / "root")
    append(root, "colophon.qmd", "{{< include results/new/figures/fig-new.md >}}\n\nSo {{< num new.id se >}}.")
    append(root, "colophon.qmd", "```text\n{{< include results/not/tables/tbl-not.md >}}\n```")
    append(root, "colophon.qmd", '![Plain](results/direct/figures/fig-direct.png){#fig-direct fig-alt="x"}')
    found = book_dependencies(root / "reports")
    added = {"results/new/figures/fig-new.md", "results/new/figures/fig-new.png"}
    assert added <= set(found["fragments"])
    assert "results/direct/figures/fig-direct.png" in found["fragments"]
    assert not any("tbl-not" in name for name in found["fragments"]), "an include shown as code is no dependency"
    assert "new.id" in found["numbers"]
    assert "_extensions/num/num.lua" in found["files"]


def test_dependencies_import_nothing_heavy():
    code = (
        "import sys; from agency_survey.render import book_dependencies; "
        "heavy = {'pypandoc', 'typst', 'pandas', 'numpy', 'jsonschema', 'concurrent.futures'} & set(sys.modules); "
        "sys.exit(' '.join(sorted(heavy)) or 0)"
    )
    environment = {"PYTHONPATH": str(REPOSITORY / "workflow"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_expanded_lines_know_their_origin():
    chapter = Chapter("03-perceptions.qmd")
    text = expand(chapter, BOOK / "reports", BOOK / "results")
    offset = text.text.index("Whiskers")
    assert text.where(offset) == ("results/perceptions/figures/fig-rare.md", 4)
    offset = text.text.index("shows shares")
    assert text.where(offset) == ("reports/03-perceptions.qmd", 5)


def test_fences_end_only_with_their_own_kind():
    lines = ["````", "```", "text", "````", "after", "``` inline ```", "~~~", "```", "~~~"]
    states = ["open", "code", "code", "close", "", "", "open", "code", "close"]
    assert fence_states(lines) == states


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('  author: "The fixture project"\n', "", "lacks book: author"),
        ('  date: "2024-05-06"\n', "", "lacks book: date"),
        ("    - colophon.qmd", "    - part: colophon.qmd", "is not the name of a .qmd file"),
        ("    - index.qmd\n", "", "first chapter"),
        ("lang: en", "lang: [en", "not valid YAML"),
    ],
)
def test_a_broken_configuration_is_one_sentence(tmp_path: Path, old: str, new: str, said: str):
    root = make_root(tmp_path / "root")
    replace(root, "reports/_quarto.yml", old, new)
    with pytest.raises(InputError, match=said):
        read_book(root / "reports")


def test_a_missing_configuration_is_one_sentence(tmp_path: Path):
    with pytest.raises(InputError, match="no configuration"):
        read_book(tmp_path)


def test_the_projects_own_book_is_read():
    book = read_book(REPOSITORY / "reports")
    assert book.title == "Understanding and Improving Law Enforcement Responses to Human Trafficking"
    assert book.chapters[0].file == "index.qmd"
    assert "synthetic" in book.notice
    assert book.output == "report"
