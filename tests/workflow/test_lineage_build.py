"""Appendix E and the allow-list of digits against a whole build."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest

from agency_survey.render import digits
from agency_survey.render.source import expand, read_book

pytestmark = pytest.mark.build


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with open(folder / f"results/lineage/tables/{name}.csv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_data_files_are_those_that_the_build_read(built):
    """Against the digests of all inputs that the build itself recorded."""
    found = {row["file"]: row for row in rows(built.folder, "tbl-lineage-files")}
    records = (built.folder / "results/provenance").glob("[!_]*.json")
    text = "".join(path.read_text(encoding="utf-8") for path in records)
    for name, row in found.items():
        data = (built.folder / name).read_bytes()
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
        assert row["sha256"] in text
        assert int(row["bytes"]) == len(data)
    data = [path.relative_to(built.folder).as_posix() for path in (built.folder / "data").rglob("*.csv")]
    assert {name for name in data if f'"{name}"' in text} == {name for name in found if name.startswith("data/")}


def test_rules_are_those_that_ran(built):
    ran = {job.split()[0] for job in built.jobs()}
    assert {row["rule"] for row in rows(built.folder, "tbl-lineage-rules")} == ran


def test_every_exhibit_s_file_is_there(built):
    found = rows(built.folder, "tbl-lineage-exhibits")
    assert {row["kind"] for row in found} == {"table", "figure", "text", "number"}
    for row in found:
        assert (built.folder / row["output"]).is_file(), row
        assert (built.folder / row["script"]).is_file(), row
        assert (built.folder / row["printed_in"]).is_file(), row


def test_remarks_in_programs_and_other_words_do_not_make_the_appendix_again(project):
    for name in ("workflow/scripts/weight.py", "workflow/agency_survey/sections/task_forces.py"):
        path = project.folder / name
        path.write_text(path.read_text() + "\n# a remark\n")
    path = project.folder / "reports/12-conclusions.qmd"
    path.write_text(path.read_text() + "\nA closing remark.\n")
    assert project.report().returncode == 0
    assert {"weight", "task_forces", "render"} <= project.jobs()
    assert "lineage" not in project.jobs()


def test_a_changed_data_file_makes_the_appendix_again(project):
    path = project.folder / "data/published/report_2008.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    assert project.report().returncode == 0
    assert "lineage" in project.jobs()
    found = {row["file"]: row["sha256"] for row in rows(project.folder, "tbl-lineage-files")}
    assert found["data/published/report_2008.csv"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_entry_of_the_allow_list_is_of_use(built, lemas):
    if lemas is None:
        pytest.skip("texts on the LEMAS files say less without them")
    allowed = digits.read_allowed(built.folder)
    reports = built.folder / "reports"
    for chapter in read_book(reports).chapters:
        text = expand(chapter, reports, built.folder / "results")
        assert digits.check_text(text, allowed) == []
    assert digits.unused(allowed, everywhere=True) == []
