"""Correcting one value as a user does: look at the record, add the entry, build, see what it moved."""

from __future__ import annotations

import json
import re

import pytest

pytestmark = pytest.mark.build
REGISTER = "data/corrections.csv"
WHY = ("--reason", "keyed wrong", "--evidence", "scan of the form", "--by", "data manager")


@pytest.fixture(scope="module")
def record(built) -> str:
    """Record of Part I whose cleaned answer to q1_sex_residents is 4, found once: to show a record changes nothing."""
    variable, wanted = "q1_sex_residents", "4"
    lines = (built.folder / "data/raw/part1.csv").read_bytes().splitlines()
    column = lines[0].split(b",").index(variable.encode())
    for line in lines[1:]:
        cells = line.split(b",")
        ident = cells[0].decode()
        if b'"' not in line and cells[column] == wanted.encode() and len(ident) == 6:
            shown = built.run("agency_survey.cli", "correct", "--file", "part1", "--record", ident)
            if re.search(rf"{variable} +{wanted} ", shown.stdout):
                return ident
    raise AssertionError("no such record")


def test_a_correction_from_the_record_to_the_numbers_that_it_moved(project, record):
    given = ("--file", "part1", "--record", record, "--variable", "q1_sex_residents")
    done = project.run("agency_survey.cli", "correct", *given, "--new", "1", *WHY)
    assert done.returncode == 0, done.stderr
    assert f"C0001  part1 {record} q1_sex_residents: 4 -> 1" in done.stdout
    done = project.report()
    assert done.returncode == 0, done.stderr
    ran = project.jobs()
    assert {"clean", "perceptions", "ledger", "render"} <= ran
    untouched = {"ingest", "ingest_lemas", "weight", "weight_lemas", "after_the_report", "investigation_prosecution"}
    assert not untouched & {job.split()[0] for job in ran}
    log = (project.folder / "results/clean/edit_log.csv").read_text()
    assert re.search(rf"part1.csv,\d+,{record},q1_sex_residents,4,1,correction C0001,keyed wrong", log)
    before = project.outputs()
    done = project.run("agency_survey.cli", "corrections")
    assert done.returncode == 0, done.stderr
    assert "C0001" in done.stdout
    moved = json.loads((project.folder / "results/corrections.json").read_text())["C0001"]
    assert {"number", "cell"} <= {one["kind"] for one in moved}
    assert any(one["where"].startswith("perceptions.sex-residents") for one in moved)
    assert not any("lemas" in one["where"] for one in moved)
    after = project.outputs()
    assert {name for name in after if before.get(name) != after[name]} == {"results/corrections.json"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("--new", "5"), "outside the codebook"),
        (("--new", "1", "--old", "2"), "but the file has"),
        (("--new", "1", "--by", ""), "has no decided_by"),
        (("--record", "ZZZZZZ", "--new", "1"), "no record 'ZZZZZZ'"),
        (("--variable", "q99", "--new", "1"), "no variable 'q99'"),
        (("--file", "part7", "--new", "1"), "no file 'part7'"),
    ],
)
def test_an_entry_that_does_not_hold_leaves_the_register_as_it_was(project, record, change, sentence):
    before = (project.folder / REGISTER).read_bytes()
    given = ("--file", "part1", "--record", record, "--variable", "q1_sex_residents", *WHY)
    done = project.run("agency_survey.cli", "correct", *given, *change)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert (project.folder / REGISTER).read_bytes() == before
    assert sorted(path.name for path in (project.folder / "data").glob(".*")) == []


def test_a_register_that_no_longer_fits_the_data_stops_the_build_with_its_line(project, record):
    with open(project.folder / REGISTER, "a", encoding="utf-8") as stream:
        stream.write(f"C0001,part1,{record},q1_sex_residents,2,1,keyed wrong,scan,data manager,2026-11-01,\n")
    done = project.report()
    assert done.returncode == 1
    assert "expects '2' in q1_sex_residents" in done.stderr
    assert "data/corrections.csv, line 2" in done.stderr
    assert "Traceback" not in done.stderr
