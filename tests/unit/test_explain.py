"""The explanation of what a build would run."""

from __future__ import annotations

import pytest

from agency_survey import explain, provenance
from agency_survey.jobs import Job
from agency_survey.provenance import CURRENT, POSSIBLY, STALE, Cause, State

CONFIG = (
    'book:\n  title: T\n  author: A\n  date: "2026-01-31"\n  chapters: [index.qmd, 03-perceptions.qmd, 05-cases.qmd]\n'
)
JOBS = [
    Job("ingest", ("part1",), ("data/raw/part1.csv",), ("results/ingest/part1.parquet",), "x"),
    Job("ingest", ("part3",), ("data/raw/part3.csv",), ("results/ingest/part3.parquet",), "x"),
    Job("perceptions", (), ("results/ingest/part1.parquet",), ("results/perceptions/numbers.json",), "x"),
    Job("cases", (), ("results/ingest/part3.parquet",), ("results/cases/numbers.json",), "x"),
    Job("render", (), ("results/perceptions/numbers.json", "results/cases/numbers.json"), ("reports/_book/a",), "x"),
]


@pytest.fixture
def told(tmp_path, monkeypatch):
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "_quarto.yml").write_text(CONFIG)
    (reports / "index.qmd").write_text("# Summary {.unnumbered}\n")
    (reports / "03-perceptions.qmd").write_text(
        "# Perceptions {#sec-p}\n\n{{< include results/perceptions/tables/tbl-a.md >}}\n"
    )
    (reports / "05-cases.qmd").write_text("# Cases\n\n{{< include results/cases/text/findings.md >}}\n")

    def tell(states: dict, causes: dict) -> str:
        state = State(JOBS, {job.name: states.get(job.name, CURRENT) for job in JOBS}, causes)
        monkeypatch.setattr(provenance, "state_of", lambda root: (state, None))
        return explain.text(tmp_path)

    return tell


def test_nothing_to_do_is_said(told):
    assert told({}, {}) == "Nothing has changed since the last build: no job would run."


def test_from_the_changed_file_to_the_chapters(told):
    said = told(
        {"ingest.part3": STALE, "cases": POSSIBLY, "render": POSSIBLY},
        {"ingest.part3": [Cause("changed", "data/raw/part3.csv")]},
    )
    assert said.splitlines() == [
        "data/raw/part3.csv changed.",
        "  must run: ingest part3",
        "  then, each only if what it reads comes out different: cases, render",
        "  chapters that it can reach: Cases",
        "",
        "1 of 5 jobs must run; 3 can run at most.",
    ]


def test_settings_are_told_with_their_values_and_things_with_the_same_users_together(told):
    cause = Cause("setting", "reliability.hide_n", "10", "5")
    said = told(
        {"perceptions": STALE, "cases": STALE, "render": POSSIBLY},
        {"perceptions": [cause, Cause("changed", "x.py")], "cases": [cause, Cause("changed", "x.py")]},
    )
    assert said.startswith("setting reliability.hide_n: 10 to 5; x.py changed.\n  must run: perceptions, cases\n")
    assert "chapters that it can reach: Perceptions, Cases" in said


def test_a_chapters_own_text_reaches_that_chapter_and_the_style_all(told):
    assert "can reach: Perceptions\n" in told(
        {"render": STALE}, {"render": [Cause("changed", "reports/03-perceptions.qmd")]}
    )
    assert "can reach: all\n" in told({"render": STALE}, {"render": [Cause("changed", "reports/styles.css")]})
