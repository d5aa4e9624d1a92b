"""The cleaning audit of a whole build: it agrees with the other chapters, and it does without a list of faults."""

from __future__ import annotations

import csv
import json

import pytest

pytestmark = pytest.mark.build


def numbers(project, rule: str) -> dict:
    return json.loads((project.folder / f"results/{rule}/numbers.json").read_text())["numbers"]


def test_cleaned_estimates_are_those_of_the_chapter(built):
    audited, chapter = numbers(built, "cleaning_audit"), numbers(built, "perceptions")
    one, other = audited["cleaning.every-form.cleaned"], chapter["perceptions.every-form.rare-or-none.all-agencies"]
    assert one["n"] == other["n"]
    assert [one[name] for name in ("value", "se", "low", "high")] == pytest.approx(
        [other[name] for name in ("value", "se", "low", "high")]
    )


def test_counts_are_those_of_the_log_and_the_list(built):
    audited = numbers(built, "cleaning_audit")
    for ident, name in (("changes", "edit_log"), ("queries", "queries")):
        with open(built.folder / f"results/clean/{name}.csv", encoding="utf-8", newline="") as stream:
            assert audited[f"cleaning.{ident}"]["value"] == len(list(csv.DictReader(stream))) > 0


def test_no_fault_of_the_stand_in_passes_in_silence(built):
    audited = numbers(built, "cleaning_audit")
    assert audited["cleaning.score.injected"]["value"] > 400
    assert [audited[f"cleaning.score.{name}"]["value"] for name in ("silent", "wrong", "altered")] == [0, 0, 0]


def test_no_agency_is_named_in_the_audit(built):
    with open(built.folder / "data/frame/frame.csv", encoding="utf-8", newline="") as stream:
        agencies = {row["agency_id"] for row in csv.DictReader(stream)}
    for path in (built.folder / "results/cleaning_audit").rglob("*"):
        if path.suffix in (".md", ".csv", ".json"):
            words = set(path.read_text(encoding="utf-8").replace("/", " ").replace(",", " ").replace("|", " ").split())
            assert not words & agencies, path


def test_without_a_list_of_faults_the_audit_says_so(project):
    (project.folder / "data/raw/truth/faults.csv").unlink()
    done = project.report()
    assert done.returncode == 0, done.stderr
    assert project.jobs() == {"cleaning_audit", "lineage", "ledger", "disclosure_audit", "render"}
    table = (project.folder / "results/cleaning_audit/tables/tbl-cleaning-score.md").read_text(encoding="utf-8")
    assert "There is no list of the faults in these files." in table
    assert "There is no list of the faults" in (project.folder / "reports/_book/B-cleaning-audit.html").read_text()
