"""The explanation of what a build would run."""

from __future__ import annotations

import json
from types import SimpleNamespace

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

    def tell(states: dict, causes: dict, jobs: list[Job] = JOBS, known: dict | None = None) -> str:
        state = State(jobs, {job.name: states.get(job.name, CURRENT) for job in jobs}, causes)
        records = SimpleNamespace(known=known) if known else None
        monkeypatch.setattr(provenance, "state_of", lambda root: (state, records))
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
    said = told({"render": STALE}, {"render": [Cause("changed", "reports/styles.css")]})
    assert "can reach: Summary, Perceptions, Cases\n" in said


def test_a_chapter_that_is_written_otherwise_reaches_itself_though_the_numbers_it_names_are_looked_up_again(told):
    cause = {"ledger": [Cause("changed", "reports/05-cases.qmd")]}
    jobs = [*JOBS[:-1], Job("ledger", (), ("reports/05-cases.qmd",), ("results/ledger/numbers.json",), "x"), JOBS[-1]]
    assert "  chapters that it can reach: Cases\n" in told({"ledger": STALE}, cause, jobs)


def test_of_many_sections_and_chapters_those_are_named_that_are_left_out(told, tmp_path):
    names = [f"part_{letter}" for letter in "abcdefgh"]
    (tmp_path / "workflow" / "rules").mkdir(parents=True)
    chapters = [f"{at:02}-{name}.qmd" for at, name in enumerate(names, 1)]
    for name, file in zip(names, chapters, strict=True):
        (tmp_path / "workflow" / "rules" / f"{file[:2]}_{name}.smk").touch()
        shown = f"# Title {name[-1]}\n\n{{{{< include results/{name}/text/a.md >}}}}\n"
        (tmp_path / "reports" / file).write_text(shown)
    config = CONFIG.replace("03-perceptions.qmd, 05-cases.qmd", ", ".join(chapters))
    (tmp_path / "reports" / "_quarto.yml").write_text(config)
    jobs = [Job(name, (), ("x.csv",), (f"results/{name}/text/a.md",), "x") for name in names]
    states = {name: STALE for name in names[:-1]}
    said = told(states, {name: [Cause("changed", "x.py")] for name in names[:-1]}, jobs)
    assert "  must run: all sections but part_h\n" in said
    assert "  chapters that it can reach: all but Summary, Title h\n" in said
    assert max(map(len, said.splitlines())) <= 100


def test_what_changed_inside_is_told_where_the_accepted_build_has_the_file_of_the_records_only(told, tmp_path):
    folder = tmp_path / "accepted"
    header = "id,file,record,variable,old_value,new_value\n"
    for root, text in ((folder, header), (tmp_path, header + "C0001,part1,A1,q9,1,2\n")):
        (root / "data").mkdir(parents=True, exist_ok=True)
        (root / "data" / "corrections.csv").write_text(text)
        (root / "results" / "ledger").mkdir(parents=True)
        (root / "results" / "ledger" / "numbers.json").write_text('{"numbers": {}}')
    record = {"rule": "cases", "command": "x", "inputs": {"data/corrections.csv": "first"}, "outputs": {}}
    for root in (folder, tmp_path):
        (root / "results" / "provenance").mkdir()
        (root / "results" / "provenance" / "cases.json").write_text(json.dumps(record))
    given = ({"cases": STALE}, {"cases": [Cause("changed", "data/corrections.csv")]}, JOBS)
    changed = "data/corrections.csv changed: entry C0001 entered (part1 A1 q9, 1 -> 2).\n"
    assert told(*given, {"cases": record}).startswith(changed)
    later = record | {"inputs": {"data/corrections.csv": "second"}}
    assert told(*given, {"cases": later}).startswith("data/corrections.csv changed.\n")
