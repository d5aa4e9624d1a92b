"""Every problem of the sources is found before rendering, with its file and line, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from render_book import append, make_root, replace

from agency_survey.errors import InputError
from agency_survey.render.check import automatic_id, check_book, mask_code
from agency_survey.render.source import read_book


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path / "root")


def check(root: Path):
    return check_book(read_book(root / "reports"), root / "reports", root / "results")


def problems(root: Path) -> str:
    with pytest.raises(InputError) as caught:
        check(root)
    return str(caught.value)


def test_the_fixture_book_has_no_problem(root: Path):
    assert len(check(root)) == 7


BROKEN = {
    "unknown number": ("{{< num perceptions.rare.al >}}", "unknown number perceptions.rare.al (did you mean"),
    "unknown field": ("{{< num perceptions.rare.all sd >}}", "has no field sd (it has ci, n, se, value)"),
    "too many words": ("{{< num perceptions.rare.all se now >}}", "write {{< num id >}}"),
    "unknown shortcode": ("{{< var x >}}", "shortcode var is not known"),
    "number in attributes": ('[x]{title="{{< num perceptions.rare.all >}}"}', "cannot stand inside {...}"),
    "shortcode in code": ("`{{< num perceptions.rare.all >}}`", "Quarto runs"),
    "figure reference": ("See @fig-rar.", "unresolved reference @fig-rar (did you mean fig-rare?)"),
    "table reference": ("See [-@tbl-share].", "unresolved reference @tbl-share (did you mean tbl-shares?)"),
    "section reference": ("See @sec-sizes!", "unresolved reference @sec-sizes (did you mean sec-size?)"),
    "capital reference": ("@Fig-none is.", "unresolved reference @Fig-none"),
    "unnumbered section": ("See @sec-new.", "points to a heading without a number"),
    "other kind": ("See @thm-one.", "cross-references of kind thm are not supported"),
    "citation": (
        "As [@kish1956] says.",
        "citation key kish1956 is not in the bibliography (did you mean kish1965?)",
    ),
    "anchor": (
        "[x](#detail)",
        "link to #detail, which is not in 01-introduction.qmd (did you mean details?)",
    ),
    "anchor elsewhere": ("[x](#sec-size)", "it is in 03-perceptions.qmd#sec-size"),
    "anchor of a chapter": ("[x](03-perceptions.qmd#sec-siz)", "which is not in 03-perceptions.qmd"),
    "chapter link": ("[x](03-perception.qmd)", "link to 03-perception.qmd, which is not a chapter"),
    "link definition": ("[x][y]\n\n[y]: #nowhere", "link to #nowhere"),
    "include missing": ("{{< include results/none.md >}}", "included file results/none.md is not there"),
    "include with words": ("See {{< include results/none.md >}}", "an include stands alone on its line"),
    "include indented": ("  {{< include results/none.md >}}", "an include stands alone on its line"),
    "image missing": ('![x](results/no.png){fig-alt="y"}', "image results/no.png is not there"),
    "image outside": ('![x](https://example.org/a.png){fig-alt="y"}', "lies outside the book"),
    "image without words": ("![x](results/perceptions/figures/fig-rare.png)", "has no alternative text"),
    "id twice": ("## Again {#sec-size}", "identifier sec-size is used twice, first in"),
    "code cell": ("```{python}\n1 + 1\n```", "a code cell"),
    "second title": ("# Another {#sec-another}", "a second title"),
    "level skipped": ("#### Deep", "a level is skipped"),
    "footnote text missing": ("Text.[^no]", "footnote [^no] has no text"),
    "footnote twice": ("Text.[^weights]\n\n[^weights]: Again.", "footnote label weights is used twice"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_problem_is_found_with_its_line(root: Path, name: str):
    text, said = BROKEN[name]
    line = append(root, "01-introduction.qmd", text)
    message = problems(root)
    assert said in message
    wanted = f"reports/01-introduction.qmd:{line}:"
    if name == "footnote twice":
        wanted = "reports/02-methods.qmd:5:"
    elif name == "link definition":
        wanted = f"reports/01-introduction.qmd:{line + 2}:"
    elif name == "id twice":
        wanted = "reports/03-perceptions.qmd:9:"
    assert wanted in message


def test_a_problem_in_a_fragment_names_the_fragment(root: Path):
    replace(root, "results/perceptions/tables/tbl-shares.md", "Weighted shares.", "Weighted, {{< num no.such >}}.")
    assert "results/perceptions/tables/tbl-shares.md:10: unknown number no.such" in problems(root)


def test_all_problems_come_at_once_and_the_first_in_the_first_line(root: Path):
    append(root, "01-introduction.qmd", "See @fig-none and @nobody2000.")
    append(root, "03-perceptions.qmd", "{{< num none >}}")
    message = problems(root)
    assert "(3 problems in all)" in message
    assert len(message.splitlines()) == 3
    assert message.splitlines()[0].count("01-introduction.qmd") == 1


def test_a_listed_chapter_that_is_not_there(root: Path):
    (root / "reports" / "colophon.qmd").unlink()
    assert "reports/_quarto.yml:24: chapter colophon.qmd is listed but not there" in problems(root)


def test_a_missing_bibliography(root: Path):
    (root / "reports" / "references.bib").unlink()
    assert "bibliography references.bib is not there" in problems(root)


@pytest.mark.parametrize("content", [None, "not json", "{}"])
def test_a_missing_or_broken_ledger(root: Path, content: str | None):
    path = root / "results" / "ledger" / "printed.json"
    path.unlink() if content is None else path.write_text(content)
    assert "results/ledger/printed.json" in problems(root)


def test_a_chapter_without_a_title(root: Path):
    replace(root, "reports/colophon.qmd", "# Colophon {.unnumbered}", "Some text.")
    assert "reports/colophon.qmd:1: a chapter begins with its title" in problems(root)


INNOCENT = [
    "Mail someone@fig-none.example.org or <a.b@tbl-none.org>.",
    "A path <https://example.org/@sec-none> and [text](https://example.org/@nobody).",
    "Code `@fig-none`, ``{{{< num none >}}}`` and `` `{#sec-size}` ``.",
    "```yaml\n@tbl-none\n{#sec-size}\n[x](#nowhere)\n[^no]\n# Title\n```",
    "~~~\n```{python}\n~~~",
    "    indented [x](#details)",
    "An escaped \\@fig-none sign.",
    "<!-- @fig-none {{< num none >}} {#sec-size}\nover two lines -->",
    "Prices of $5 and $6, and $x_{#y}$ or $$ @a $$.",
    '[Words]{title="see #sec-size"} and [down](#a-new-heading).\n\n## A new heading',
    "[A chapter](./02-methods.qmd), [a section](02-methods.qmd#sec-weights), [the PDF](report.pdf).",
    "::: {.callout-note}\n## A title\n\nText.\n:::\n\n### Next",
    "A note.[^mine]\n\n[^mine]: Its text.",
    "```{.python}\nshown, not run\n```",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_is_no_problem(root: Path, text: str):
    append(root, "01-introduction.qmd", text)
    check(root)


@pytest.mark.parametrize(
    ("heading", "wanted"),
    [
        ("The problem", "the-problem"),
        ("1. What, *exactly*, is it?", "what-exactly-is-it"),
        ("Part I & II", "part-i-ii"),
        ("2007", "section"),
    ],
)
def test_automatic_identifiers_are_pandocs(heading: str, wanted: str):
    from agency_survey.render.pandoc import find_pandoc

    path, _ = find_pandoc()
    import subprocess

    html = subprocess.run([path], input=f"## {heading}", capture_output=True, text=True, check=True).stdout
    assert f'id="{wanted}"' in html
    assert automatic_id(heading) == wanted


def test_masking_keeps_every_position():
    text = "a `b` $c$\n```\nd\n```\n<!-- e -->\nf"
    masked = mask_code(text)
    assert len(masked) == len(text)
    assert masked.count("\n") == text.count("\n")
    assert masked.replace(" ", "").replace("\n", "") == "af"
