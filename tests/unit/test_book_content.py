"""What the chapters must hold: tables and figures, findings first, method and limits last, maps, nothing made in vain."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / "reports"
LEAST = {  # chapter: (tables, figures)
    "02-survey-methods": (5, 3),
    "03-perceptions": (4, 3),
    "04-preparation": (4, 3),
    "05-identification": (4, 3),
    "06-determinants": (4, 4),
    "07-case-characteristics": (5, 3),
    "08-investigation-prosecution": (5, 3),
    "09-task-forces": (3, 2),
    "10-after-the-report": (4, 3),
    "11-published-and-rebuilt": (1, 1),
}
RESULTS = [*LEAST, "12-conclusions", "B-cleaning-audit", "C-weighting-diagnostics", "D-sensitivity"]
MAPS = {
    "03-perceptions": "fig-perceptions-region",
    "04-preparation": "fig-preparation-region",
    "05-identification": "fig-identification-region",
}
INCLUDE = re.compile(r"\{\{< include results/(\w+)/(tables|figures|text)/([\w-]+)\.md >\}\}")
HEADING = re.compile(r"^(#+) (.+?)\s*\{#([\w-]+)\}$", re.MULTILINE)
LAST = re.compile(r"method|limits|cannot")


def chapter(name: str) -> str:
    return (REPORTS / f"{name}.qmd").read_text(encoding="utf-8")


def included(text: str, kind: str) -> list[str]:
    return [name for _, found, name in INCLUDE.findall(text) if found == kind]


def rule_of(name: str) -> str:
    """Name law: the rule of chapter 'NN-x-y' is x_y."""
    return name.split("-", 1)[1].replace("-", "_")


def outputs(text: str) -> set[tuple[str, str, str]]:
    """(rule, kind, name) of the exhibits that the rules of a file declare."""
    found = set()
    for rule, body in re.findall(r'exhibits\(\s*"(\w+)",(.*?)\n        \),', text, re.DOTALL):
        for word, kind in (("tables", "tables"), ("figures", "figures"), ("texts", "text")):
            block = re.search(rf"\b{word}=\[(.*?)\]", body, re.DOTALL)
            found |= {(rule, kind, name) for name in re.findall(r'"([\w-]+)"', block[1] if block else "")}
    return found


def declared() -> set[tuple[str, str, str]]:
    return set().union(*(outputs(path.read_text(encoding="utf-8")) for path in (ROOT / "workflow/rules").glob("*.smk")))


def used() -> set[tuple[str, str, str]]:
    book = yaml.safe_load((REPORTS / "_quarto.yml").read_text(encoding="utf-8"))["book"]
    names = [*book["chapters"], *book["appendices"]]
    return {one for name in names for one in INCLUDE.findall((REPORTS / name).read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", LEAST)
def test_a_chapter_has_its_tables_and_figures(name):
    text = chapter(name)
    tables, figures = included(text, "tables"), included(text, "figures")
    assert len(set(tables)) == len(tables)
    assert len(set(figures)) == len(figures)
    assert (len(tables) >= LEAST[name][0], len(figures) >= LEAST[name][1]) == (True, True)


@pytest.mark.parametrize("name", RESULTS)
def test_a_chapter_opens_with_its_findings(name):
    lines = [line for line in chapter(name).splitlines() if line.strip()]
    assert lines[0].startswith("# ")
    assert lines[1] == f"{{{{< include results/{rule_of(name)}/text/findings.md >}}}}"


@pytest.mark.parametrize("name", ["01-introduction", *RESULTS])
def test_a_chapter_ends_with_a_note_on_method_and_limits(name):
    text = chapter(name)
    heading = list(HEADING.finditer(text))[-1]
    assert heading[1] == "##"
    assert LAST.search(heading[2].lower())
    assert re.search(r"-(method|limits)$", heading[3])
    last = text[heading.end() :]
    assert len(re.findall(r"[a-z)\]][.;] ?(?=\s|$)", last)) >= 3
    assert "results/" not in re.sub(r"\{\{< include results/\w+/(text|tables)/[\w-]*weighting\.md >\}\}", "", last)


@pytest.mark.parametrize("name", MAPS)
def test_a_chapter_maps_the_regions_where_place_matters(name):
    assert MAPS[name] in included(chapter(name), "figures")


def test_the_published_figures_have_a_table_and_a_figure():
    text = chapter("11-published-and-rebuilt")
    assert "tbl-published-and-rebuilt" in included(text, "tables")
    assert "fig-published-and-rebuilt" in included(text, "figures")


def test_every_exhibit_that_a_rule_makes_is_in_the_book_and_nothing_else():
    made, shown = declared(), used()
    assert len(made) > 150
    assert made - shown == set()
    assert {
        one for one in shown - made if one[0] != "questionnaire"
    } == set()  # whose rule lists files of the codebooks


def test_exhibits_are_found_in_a_rule():
    text = """
    output:
        **exhibits(
            "a_rule",
            tables=["tbl-a", "tbl-b"],
            figures=[
                "fig-a",
            ],
            texts=["findings"],
        ),
    """
    assert outputs(text) == {
        ("a_rule", "tables", "tbl-a"),
        ("a_rule", "tables", "tbl-b"),
        ("a_rule", "figures", "fig-a"),
        ("a_rule", "text", "findings"),
    }


@pytest.mark.parametrize("place", ["index", "02-survey-methods"])
def test_readers_are_led_to_the_cleaning_of_the_records(place):
    assert "@sec-cleaning" in chapter(place)
