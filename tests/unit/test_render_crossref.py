"""Numbers and references as in a Quarto book."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from render_book import BOOK

from agency_survey.errors import InputError
from agency_survey.render.bundled import parse
from agency_survey.render.crossref import normalise, resolve_book
from agency_survey.render.pandoc import Pandoc, find_pandoc
from agency_survey.render.source import Chapter, Text, read_book
from agency_survey.render.tree import plain, walk
from agency_survey.render.whole import document_blocks


@pytest.fixture
def resolve(tmp_path: Path):
    """A function from {file: text} to the resolved parts of a book of these chapters."""
    path, version = find_pandoc()
    pandoc = Pandoc(path, version, tmp_path, 0)
    (tmp_path / "_extensions" / "book").mkdir(parents=True)
    (tmp_path / "_extensions" / "book" / "bundled.lua").write_text("return {}\n")

    def run(sources: dict[str, str], depth: int = 3):
        chapters = tuple(Chapter(name, name.startswith("a-")) for name in sources)
        book = replace(read_book(BOOK / "reports"), chapters=chapters, number_depth=depth)
        texts = [Text(Chapter(name), text, [(name, 1)]) for name, text in sources.items()]
        return resolve_book(book, [parse(pandoc, text) for text in texts])

    return run


def words(part) -> str:
    """All the text of a part."""
    found: list[str] = []
    walk(part.blocks, lambda node: found.append(plain(node["c"])) if node["t"] in ("Para", "Plain") else None)
    return " ".join(found).replace("\u00a0", " ")


def links(part) -> list[str]:
    found: list[str] = []
    walk(part.blocks, lambda node: found.append(node["c"][2][0]) if node["t"] == "Link" else None)
    return found


FIGURE = '![Caption {0}](x.png){{#fig-{0} fig-alt="alt"}}\n\n'
TABLE = "| a |\n|---|\n| 1 |\n\n: Caption {0} {{#tbl-{0}}}\n\n"


def test_figures_tables_and_equations_count_apart_within_chapters(resolve):
    first, second = resolve(
        {
            "01-a.qmd": "# A {#sec-a}\n\n" + FIGURE.format("p") + TABLE.format("q") + FIGURE.format("r"),
            "02-b.qmd": "# B {#sec-b}\n\n"
            + FIGURE.format("s")
            + "$$\nx\n$$ {#eq-t}\n\nSee @fig-p, @tbl-q, @fig-r, @fig-s and @eq-t.",
        }
    )
    assert "Figure 1.1: Caption p" in words(first)
    assert "Table 1.1: Caption q" in words(first)
    assert "Figure 1.2: Caption r" in words(first)
    assert "See Figure 1.1, Table 1.1, Figure 1.2, Figure 2.1 and Equation 2.1." in words(second)
    assert links(second) == [
        "01-a.qmd#fig-p",
        "01-a.qmd#tbl-q",
        "01-a.qmd#fig-r",
        "02-b.qmd#fig-s",
        "02-b.qmd#eq-t",
    ]


def test_chapters_sections_and_appendices(resolve):
    text = "See @sec-a, @sec-b, @sec-c, @sec-d, @sec-e and @sec-f."
    parts = resolve(
        {
            "index.qmd": "# Preface {.unnumbered}\n\n## Inside {#sec-in}\n\n" + text,
            "01-a.qmd": "# A {#sec-a}\n\n## B {#sec-b}\n\n### C {#sec-c}\n\n## Skip {.unnumbered}\n\n## D {#sec-d}",
            "end.qmd": "# End {.unnumbered}\n\nText.",
            "a-e.qmd": "# E {#sec-e}\n\n## F {#sec-f}\n\n" + TABLE.format("z") + FIGURE.format("y") + "See @tbl-z.",
            "a-g.qmd": "# G {#sec-g}\n\n" + TABLE.format("x") + "See @sec-e, @sec-g, @fig-y and @tbl-x.",
        }
    )
    assert "See Chapter 1, Section 1.1, Section 1.1.1, Section 1.2, Appendix A and Section A.1." in words(parts[0])
    assert "See Table A.1." in words(parts[3])
    assert "See Appendix A, Appendix B, Figure A.1 and Table B.1." in words(parts[4])
    assert [part.number for part in parts] == ["", "1", "", "A", "B"]
    assert [part.label.replace("\u00a0", " ") for part in parts] == ["Preface", "1  A", "End", "A  E", "B  G"]


def test_headings_below_the_number_depth_stay_bare_but_can_be_referred_to(resolve):
    (part,) = resolve({"index.qmd": "# A {#sec-a}\n\n## B\n\n### C {#sec-c}\n\nSee @sec-c."}, depth=2)
    headings = {plain(block["c"][2]): dict(block["c"][1][2]) for block in part.blocks if block["t"] == "Header"}
    assert headings == {"A": {"number": "1"}, "B": {"number": "1.1"}, "C": {}}
    assert "See Section 1.1.1." in words(part)


def test_forms_of_reference(resolve):
    (part,) = resolve(
        {
            "index.qmd": "# A\n\n"
            + FIGURE.format("p")
            + FIGURE.format("q")
            + "One [-@fig-p], two [@fig-p; @fig-q], three [Plate @fig-q], four @Fig-q, [down](#fig-q)."
        }
    )
    assert "One 1.1, two Figure 1.1, Figure 1.2, three Plate 1.2, four Figure 1.2, down." in words(part)


@pytest.mark.parametrize("text", ["[@fig-p, left side]", "[@fig-p; @kish1965]"])
def test_brackets_that_quarto_would_cut_are_refused(resolve, text: str):
    with pytest.raises(InputError, match="mixes a cross-reference"):
        resolve({"index.qmd": "# A\n\n" + FIGURE.format("p") + text})


def test_an_unresolved_reference_is_refused_here_too(resolve):
    with pytest.raises(InputError, match="Unresolved reference @fig-none"):
        resolve({"index.qmd": "# A\n\n@fig-none"})


def test_floats_in_divs_become_native(resolve):
    (part,) = resolve({"index.qmd": "# A\n\n::: {#tbl-x}\n\n| a |\n|---|\n| 1 |\n\nThe caption\n:::\n\nSee @tbl-x."})
    table = next(block for block in part.blocks if block["t"] == "Table")
    assert table["c"][0][0] == "tbl-x"
    assert "Table 1.1: The caption" in words(part)
    assert "See Table 1.1." in words(part)


def test_callouts_carry_their_title_first():
    heading = {"t": "Header", "c": [2, ["", [], []], [{"t": "Str", "c": "Named"}]]}
    body = {"t": "Para", "c": [{"t": "Str", "c": "Body"}]}
    for pairs, blocks, wanted in (
        ([], [heading, body], "Named"),
        ([["title", "Given title"]], [body], "Given title"),
        ([], [body], "Warning"),
    ):
        (made,) = normalise([{"t": "Div", "c": [["", ["callout-warning"], pairs], blocks]}])
        attr, (title, *rest) = made["c"]
        assert attr[1] == ["callout", "callout-warning"]
        assert plain(title["c"][1]) == wanted
        assert rest == [body]


def test_one_document_has_unique_ids_and_inner_links(resolve):
    parts = resolve(
        {
            "index.qmd": "# A\n\n## Notes\n\n[x](01-b.qmd) [y](01-b.qmd#notes) [z](#notes)",
            "01-b.qmd": "# B\n\n## Notes\n\n[w](#notes) [v](index.qmd#notes)",
        }
    )
    blocks = document_blocks(parts)
    names = [block["c"][1][0] for block in blocks if block["t"] == "Header"]
    assert names == ["a", "notes", "b", "01-b-notes"]
    assert links(type("Part", (), {"blocks": blocks})) == [
        "#b",
        "#01-b-notes",
        "#notes",
        "#01-b-notes",
        "#notes",
    ]


@pytest.mark.parametrize(("rule", "kept"), [("|:---|---:|:---:|", False), ("|:---------|---:|----:|", True)])
def test_only_chosen_column_widths_are_kept(resolve, rule: str, kept: bool):
    rows = f"| a | b | c |\n{rule}\n| {'long ' * 20} | 2 | 3 |\n\n: Caption {{#tbl-x}}\n"
    (part,) = resolve({"index.qmd": f"# A\n\n{rows}"})
    table = next(block for block in part.blocks if block["t"] == "Table")
    assert [width["t"] == "ColWidth" for _, width in table["c"][2]] == [kept] * 3
