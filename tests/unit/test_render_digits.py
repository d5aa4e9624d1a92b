"""Typed-in results are found in texts, with file and line; what may hold digits is left alone; the allow-list is held to use."""

from __future__ import annotations

from pathlib import Path

import pytest
from render_book import append, make_root, replace

from agency_survey.errors import InputError
from agency_survey.render import digits
from agency_survey.render.check import check_book
from agency_survey.render.digits import findings
from agency_survey.render.source import read_book

FREE = {
    "shortcode": "In all, {{< num a.b2.c-10 ci >}} agencies.",
    "year": "The survey of 2007, and the years 2000 to 2006, 2000-2006 and 2000–06; the 1990s.",
    "year before a noun": "The 2016 answers and the 2007 survey's form.",
    "date": "Read on 2026-11-23, on November 23, 2026, on 23 November 2026 and in June 2007.",
    "citation": "As @kish1965 and [@deville1992; @reaves2007] say, and [-@raoscott1984] too.",
    "locator": "See [@farrell2008, pp. 12-15; @kish1965, 33; @lumley2010, ch. 3] for more.",
    "cross-reference": "@tbl-lemas-answers-2020, [-@fig-x1] and @sec-questionnaire-part1.",
    "question": "Question 12, questions 1, 2, 3 and 4, question 5a, questions 7 to 9, Q14 and q5a.",
    "list": "1. First\n2. Second\n   (3) third\n\n10) tenth",
    "quoted list": "> 1. First",
    "figure": '![A picture](results/x/figures/fig-9.png){#fig-9 width=40% fig-alt="A picture."}',
    "heading": "## Officers in 2007 {#sec-part1 .unnumbered}",
    "fenced div": '::: {#div-2 .callout-note width="20"}\nText.\n:::',
    "footnote": "Text.[^n1]\n\n[^n1]: A note.",
    "code": "Run `make table2` and see `results/a1/b2.csv`; the digest begins with `123456789012`.",
    "code block": "```\n12 of 43 agencies\n```",
    "path": "Source: data/published/report_2008.csv for the figures.",
    "address": "At https://example.org/a/12 or <https://example.org/13>, or [there](https://example.org/14).",
    "link definition": "See [there][x].\n\n[x]: https://example.org/15",
    "comment": "Text.<!-- 43 agencies -->",
    "formula": r"With $n_1$ and $1 - f$, $\theta = 1$:" + "\n\n$$\n\\frac{n_h}{n_h - 1}\n$$ {#eq-2}\n",
    "raw tag": '<div class="a2" style="width:50%">Text</div>',
    "words that count nothing": "one agency, both parts, three parts, the second form, in two ways, a third party, one of the agencies",
    "half-": "A half-hearted reply.",
}

REFUSED = {
    "number": ("In all, 43 answered.", ["43"]),
    "percent": ("About 43.3% (41.4% to 45.2%) do.", ["43.3%", "41.4%", "45.2%"]),
    "thousands": ("There were 2,000 of them.", ["2,000"]),
    "a number like a year": ("They were about 2007, n = 1998, or 2007 agencies; 2007% and 2007.5", 5),
    "money": ("It cost $2000 then.", ["$2000"]),
    "letters and digits": ("The RR1 is high.", ["RR1"]),
    "fraction sign": ("A ½ and 10²³ of them.", ["½", "10²³"]),
    "entity": ("So &#52;3 of them.", 1),
    "other digits": ("So ٤٣ of them.", ["٤٣"]),
    "heading": ("## The 43 agencies {#sec-x}", ["43"]),
    "link text": ("See [43 agencies](https://example.org).", ["43"]),
    "caption": ('![All 43](results/x.png){#fig-x fig-alt="Of 12."}', ["43", "12"]),
    "title of a div": ('::: {.callout-note title="All 43"}\nText.\n:::', ["43"]),
    "inside a div": ("::: {.note}\nAll 43 of them.\n:::", ["43"]),
    "footnote": ("Text.[^a]\n\n[^a]: All 43 of them.", ["43"]),
    "beside a citation": ("They say [43% in @farrell2008, p. 9].", ["43%"]),
    "after a question": ("Question 5 has 43%, questions 1 and 43% too.", ["43%", "43%"]),
    "result as code": ("In all, `43.3%` do.", ["43.3%"]),
    "result as formula": ("So $p = 0.03$ here.", 1),
    "raw block": ("```{=html}\n<b>43</b>\n```", ["43"]),
    "wrapped line": ("The number of agencies is\n43. More follows.", ["43"]),
    "table": ("| Type | Share |\n|---|---|\n| Small | 43 |", ["43"]),
    "two thirds": ("Two thirds of agencies said so, and two-thirds did.", ["Two thirds", "two-thirds"]),
    "half": ("More than half of them, one half, half the agencies.", ["half", "one half", "half"]),
    "a third": ("A third of agencies, and less than a tenth.", ["A third", "a tenth"]),
    "percent in words": ("Twelve percent, one per cent, five percentage points.", 3),
    "three in four": ("Three in four agencies, one out of five.", ["Three in four", "one out of five"]),
    "of them": ("Seven of the respondents.", ["Seven of the"]),
    "counted": ("Twelve large municipal agencies and three cases.", ["Twelve large municipal agencies", "three cases"]),
    "over a line end": ("In all two\nthirds of agencies.", ["two thirds"]),
    "times": ("Twice as many, three times more, a threefold rise.", ["Twice as", "three times more", "threefold"]),
    "above twelve": ("Of these forty-two remain, and nineteen left.", ["forty-two", "nineteen"]),
}


@pytest.mark.parametrize("kind", FREE)
def test_what_may_hold_digits_is_left_alone(kind):
    assert [one.what for one in findings(FREE[kind])] == []


@pytest.mark.parametrize("kind", REFUSED)
def test_typed_in_results_are_found(kind):
    text, wanted = REFUSED[kind]
    found = [one.what for one in findings(text)]
    assert (found if isinstance(wanted, list) else len(found)) == wanted
    assert all(" ".join(text[one.start : one.end].split()) == one.what for one in findings(text))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path / "root")


def check(root: Path):
    return check_book(read_book(root / "reports"), root / "reports", root / "results", digits.read_allowed(root))


def problems(root: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        check(root)
    return str(caught.value).splitlines()


def test_the_fixture_book_passes(root):
    assert len(check(root)) == 7


def test_file_line_text_and_remedy_are_said(root):
    line = append(root, "01-introduction.qmd", "It is known that\nin all 43 agencies answered.")
    (said,) = problems(root)
    assert f"reports/01-introduction.qmd:{line + 1}: '43' is typed into the text" in said
    assert "look it up with {{< num id >}}, rephrase, or enter it in config/digits.yaml with a reason" in said


def test_texts_of_rules_are_checked_where_they_are_and_computed_exhibits_are_not(root):
    text = root / "results" / "methods" / "text" / "findings.md"
    text.parent.mkdir()
    text.write_text("First.\nThen 43 agencies answered.\n")
    append(root, "02-methods.qmd", "{{< include results/methods/text/findings.md >}}")
    replace(root, "results/perceptions/tables/tbl-shares.md", "Weighted shares.", "Weighted, 43 agencies.")
    (said,) = problems(root)
    assert "results/methods/text/findings.md:2: '43'" in said


def test_title_and_notice_are_checked(root):
    replace(root, "reports/_quarto.yml", "For the tests of the render room", "For 43 tests of the render room")
    (said,) = problems(root)
    assert "reports/_quarto.yml:14: '43'" in said


def test_an_entry_holds_in_its_files_and_for_its_words_only(root):
    append(root, "01-introduction.qmd", "A 95 % interval.")
    append(root, "index.qmd", "A 95 % confidence.")
    said = problems(root)
    assert len(said) == 2
    assert "01-introduction.qmd" in said[0] + said[1]
    assert "index.qmd" in said[0] + said[1]


def test_an_entry_without_use_is_an_error_with_its_line(root):
    path = root / "config" / "digits.yaml"
    path.write_text(
        path.read_text() + "  - text: 43 agencies\n    files: [reports/*.qmd]\n    reason: No longer there.\n"
    )
    (said,) = problems(root)
    assert "config/digits.yaml:8: '43 agencies' allows nothing in reports/*.qmd" in said
    replace(root, "config/digits.yaml", "[reports/index.qmd]", "[reports/index.qmd, reports/02-methods.qmd]")
    assert any(
        "digits.yaml:2: '95 % interval' allows nothing in reports/02-methods.qmd" in one for one in problems(root)
    )


def test_entries_for_texts_of_rules_may_have_no_use_in_a_build(root):
    path = root / "config" / "digits.yaml"
    entry = "  - text: over half\n    files: [results/x/text/a.md]\n    reason: Said with some results only.\n"
    path.write_text(path.read_text() + entry)
    check(root)
    allowed = digits.read_allowed(root)
    assert "over half" in digits.unused(allowed, everywhere=True)[-1][2]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("reason:", "why:", "Unknown key 'why'"),
        ("files: [reports/index.qmd]", "files: [index.qmd]", "is not valid"),
        ("  - text: 95 % interval", "  - pattern: x\n    text: 95 % interval", "is not valid"),
        ("\\b10(?= %)", "\\b10(?= %", "not a regular expression"),
        ("The level of the fixture's intervals.", "None", "is not valid"),
    ],
)
def test_the_allow_list_is_checked(root, old, new, said):
    path = root / "config" / "digits.yaml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=said) as caught:
        digits.read_allowed(root)
    assert "digits.yaml, line" in str(caught.value)


def test_entries_for_programs_hold_for_the_texts_that_they_write_and_not_for_chapters(root):
    path = root / "config" / "digits.yaml"
    entry = (
        "  - text: over half\n    files: [workflow/agency_survey/sections/x.py]\n    reason: Said by the interval.\n"
    )
    path.write_text(path.read_text() + entry)
    text = root / "results" / "methods" / "text" / "findings.md"
    text.parent.mkdir()
    text.write_text("So over half of them.\n")
    append(root, "02-methods.qmd", "{{< include results/methods/text/findings.md >}}")
    check(root)
    line = append(root, "02-methods.qmd", "So over half of them.")
    (said,) = problems(root)
    assert f"reports/02-methods.qmd:{line}: 'half'" in said


def test_entries_for_some_data_need_not_be_of_use(root):
    path = root / "config" / "digits.yaml"
    entry = "  - text: 43 entries\n    files: [results/x/text/a.md]\n    sometimes: true\n    reason: With corrections only.\n"
    path.write_text(path.read_text() + entry)
    assert "43 entries" not in str(digits.unused(digits.read_allowed(root), everywhere=True))
