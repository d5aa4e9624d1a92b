"""The bibliography: every entry is cited, every citation has an entry, and entries are whole."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from agency_survey.render.check import BIB_KEY, CITATION, mask_code

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / "reports"
SECTIONS = ROOT / "workflow" / "agency_survey" / "sections"
LEAST = 60  # works that a report and its reproducible rebuild need
REFERENCES = re.compile("(fig|tbl|sec|eq)-")
FIELD = re.compile(r"^\s{2}(\w+) = \{(.*)\},?$", re.MULTILINE)
UNDATED = {
    "pandoc",
    "icpsr20423",
}  # software that is released all the time; a deposit whose year no source at hand gives
NEEDED = {
    "article": {"journal"},
    "book": {"publisher"},
    "techreport": {"institution"},
    "inproceedings": {"booktitle"},
    "misc": {"howpublished"},
    "manual": {"edition"},
    "mastersthesis": {"school"},
}


def bibliography() -> str:
    return (REPORTS / "references.bib").read_text(encoding="utf-8")


def entries(text: str) -> dict[str, tuple[str, dict[str, str]]]:
    """key -> (kind, fields) of a bibliography whose entries end in a line with a brace."""
    found = {}
    for kind, key, body in re.findall(r"^@(\w+)\{(\w+),\n(.*?)^\}$", text, re.MULTILINE | re.DOTALL):
        found[key] = (kind, dict(FIELD.findall(body)))
    return found


def chapters() -> list[Path]:
    book = yaml.safe_load((REPORTS / "_quarto.yml").read_text(encoding="utf-8"))["book"]
    return [REPORTS / name for name in [*book["chapters"], *book["appendices"]]]


def words_of(module: Path) -> str:
    """The strings of a module, of which its texts, captions and notes are made."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return "\n".join(
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def citations(text: str) -> set[str]:
    keys = {match[1] or match[2] for match in CITATION.finditer(text)}
    return {key for key in keys if not REFERENCES.match(key)}


def cited() -> dict[str, set[str]]:
    """key -> files that cite it: chapters, and the modules that write their texts and notes."""
    found: dict[str, set[str]] = {}
    for path in chapters():
        for key in citations(mask_code(path.read_text(encoding="utf-8"))):
            found.setdefault(key, set()).add(path.name)
    for path in sorted(SECTIONS.rglob("*.py")):
        for key in citations(words_of(path)):
            found.setdefault(key, set()).add(path.name)
    return found


def test_every_entry_is_cited_and_every_citation_has_an_entry():
    keys, used = set(entries(bibliography())), cited()
    assert keys - set(used) == set()
    assert {key: files for key, files in used.items() if key not in keys} == {}


def test_the_works_that_a_report_needs_are_there():
    assert len(entries(bibliography())) >= LEAST


def test_no_key_and_no_doi_is_there_twice():
    text = bibliography()
    keys = BIB_KEY.findall(text)
    assert sorted(entries(text)) == sorted(keys)
    assert [key for key, count in Counter(keys).items() if count > 1] == []
    dois = [fields["doi"].lower() for _, fields in entries(text).values() if "doi" in fields]
    assert [doi for doi, count in Counter(dois).items() if count > 1] == []
    titles = [re.sub(r"[{}]", "", fields["title"]).lower() for _, fields in entries(text).values()]
    assert [title for title, count in Counter(titles).items() if count > 1] == []


@pytest.mark.parametrize("key", sorted(entries(bibliography())))
def test_an_entry_is_whole(key):
    kind, fields = entries(bibliography())[key]
    assert {"author", "title"} | NEEDED[kind] <= set(fields)
    assert ("year" in fields) == (key not in UNDATED)
    assert all(value.strip() for value in fields.values())
    if "year" in fields:
        assert 1900 < int(fields["year"]) <= 2026
    if "doi" in fields:
        assert re.fullmatch(r"10\.\d{4,5}/[^\s{}]+", fields["doi"])
    if kind == "article":
        assert {"volume", "pages"} <= set(fields) or key == "potter1990"  # proceedings, one volume a year


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("as in [@kish1965; see also @lumley2010, p. 3] and @fig-x", {"kish1965", "lumley2010"}),
        ("Rao and Scott's [-@raoscott1984] of somebody@example.org", {"raoscott1984"}),
        ("nobody is cited", set()),
    ],
)
def test_citations_are_found(text, keys):
    assert citations(text) == keys
