"""What a build puts into the book: findings in few sentences with intervals, and the whole bibliography."""

from __future__ import annotations

import json
import re

import pytest

from agency_survey.render.check import BIB_KEY

pytestmark = pytest.mark.build

NUMBER = re.compile(r"\{\{< num (\S+)(?: (\w+))? >\}\}")
MOST = 3  # sentences of the findings that open a chapter
SAMPLED = [  # rules whose findings are estimates of a sample, and so have intervals
    "perceptions", "preparation", "identification", "determinants", "case_characteristics", "investigation_prosecution",
    "task_forces",
]  # fmt: skip
COUNTED = ["survey_methods", "published_and_rebuilt", "cleaning_audit", "weighting_diagnostics", "sensitivity"]


def findings(built, rule: str) -> str:
    return (built.folder / f"results/{rule}/text/findings.md").read_text(encoding="utf-8")


def sentences(text: str) -> int:
    return len(re.findall(r"[.!?](?=\s|$)", NUMBER.sub("N", text)))


@pytest.mark.parametrize("rule", [*SAMPLED, *COUNTED])
def test_findings_are_few_sentences_with_computed_numbers(built, rule):
    text = findings(built, rule)
    assert 1 <= sentences(text) <= MOST
    assert len(NUMBER.findall(text)) >= 3


@pytest.mark.parametrize("rule", SAMPLED)
def test_findings_from_a_sample_have_their_intervals(built, rule):
    used = NUMBER.findall(findings(built, rule))
    with_interval = {ident for ident, what in used if what == "ci"}
    assert len(with_interval) >= 3
    numbers = json.loads((built.folder / "results/ledger/numbers.json").read_text(encoding="utf-8"))["numbers"]
    assert all(numbers[ident]["low"] <= numbers[ident]["value"] <= numbers[ident]["high"] for ident in with_interval)


def test_the_book_lists_every_work_of_the_bibliography(built):
    listed = (built.folder / "reports/_book/references.html").read_text(encoding="utf-8")
    keys = BIB_KEY.findall((built.folder / "reports/references.bib").read_text(encoding="utf-8"))
    assert [key for key in keys if f'id="ref-{key}"' not in listed] == []


@pytest.mark.parametrize(
    ("text", "count"),
    [("One {{< num a.b >}} (1.5). Two; still two.", 2), ("None", 0), ("Ends {{< num a.b ci >}}.\n", 1)],
)
def test_sentences_are_counted(text, count):
    assert sentences(text) == count
