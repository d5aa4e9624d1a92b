"""What moved after one change, on the whole project: each time the one thing that did it is named, and nothing else."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.build
WHY = ("--reason", "keyed wrong", "--evidence", "scan of the form", "--by", "data manager")


def changes(project, *arguments: str) -> tuple[dict, str]:
    """Content of changes.json, and what was said."""
    done = project.run("agency_survey.cli", "changes", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads((project.folder / "results/changes/changes.json").read_text()), done.stdout


def accept(project) -> None:
    done = project.run("agency_survey.cli", "accept")
    assert done.returncode == 0, done.stderr


def build(project, *arguments: str):
    done = project.report("--cores", "2", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def only_cause(found: dict) -> dict:
    """The one cause, which moved everything that moved."""
    (cause,) = found["causes"]
    assert found["moved"]
    assert (cause["alone"], cause["among_others"]) == (len(found["moved"]), 0)
    return cause


def rules(found: dict) -> set[str]:
    return {item["rule"] for item in found["moved"]}


def record(project, variable: str, answer: str) -> str:
    """A record of Part I with this answer in the raw file that no edit rule touches and that came once."""
    lines = (project.folder / "data/raw/part1.csv").read_bytes().splitlines()
    column = lines[0].split(b",").index(variable.encode())
    cells = [line.split(b",") for line in lines[1:] if b'"' not in line]
    logged = (project.folder / "results/clean/edit_log.csv").read_bytes()
    idents = [row[0] for row in cells]
    return next(
        row[0].decode()
        for row in cells
        if row[column] == answer.encode() and row[0] not in logged and idents.count(row[0]) == 1
    )


def test_one_correction_moves_what_it_moves_until_it_is_accepted(project):
    accept(project)
    found, said = changes(project)
    assert found["moved"] == []
    assert "Nothing of the report moved." in said
    ident = record(project, "q1_sex_residents", "4")
    given = ("--file", "part1", "--record", ident, "--variable", "q1_sex_residents", "--new", "1")
    done = project.run("agency_survey.cli", "correct", *given, *WHY)
    assert done.returncode == 0, done.stderr
    build(project)
    found, said = changes(project)
    cause = only_cause(found)
    assert (cause["kind"], cause["where"]) == ("correction", "data/corrections.csv")
    assert cause["what"] == f"entry C0001 entered (part1 {ident} q1_sex_residents, 4 -> 1)"
    assert f"entry C0001 entered (part1 {ident} q1_sex_residents, 4 -> 1)" in said
    assert {"perceptions", "cleaning_audit"} <= rules(found)
    assert not {"after_the_report", "investigation_prosecution", "survey_methods"} & rules(found)
    numbers = {item["where"]: item for item in found["moved"] if item["kind"] == "number"}
    one = numbers["perceptions.sex-residents.non-existent.all-agencies"]
    assert one["difference"] < 0
    assert abs(one["in_errors"]) < 1
    page = (project.folder / "results/changes/index.html").read_text()
    assert "data:image/png;base64," in page
    assert "is synthetic" in page
    status = project.run("agency_survey.cli", "status")
    assert status.returncode == 0, status.stderr
    accept(project)
    assert changes(project)[0]["moved"] == []


def test_one_setting_is_named_with_both_values(project):
    accept(project)
    project.edit("config/config.yaml", "largest_odds_ratio: 50 ", "largest_odds_ratio: 40 ")
    build(project, "--numbers-only")
    found, _ = changes(project)
    cause = only_cause(found)
    assert (cause["kind"], cause["where"]) == ("config", "config/config.yaml")
    assert cause["what"] == "sensitivity.largest_odds_ratio 50 -> 40"
    # appendix E counts the numbers that the texts print; sentences of the chapters themselves belong to no rule
    assert rules(found) - {""} == {"sensitivity", "lineage"}
    assert {item["kind"] for item in found["moved"] if not item["rule"]} <= {"text"}
    refused = project.run("agency_survey.cli", "accept")
    assert refused.returncode == 1
    assert "This build cannot be accepted" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_edit_of_code_is_named_with_its_function(project):
    accept(project)
    name = "workflow/agency_survey/sections/perceptions_exhibits.py"
    project.edit(name, "Perceived prevalence in the agency's community:", "Perceived prevalence in the community:")
    build(project, "--numbers-only")
    found, _ = changes(project)
    cause = only_cause(found)
    assert (cause["kind"], cause["where"]) == ("code", name)
    assert cause["what"].count(",") == 0
    assert {(item["kind"], item["what"]) for item in found["moved"]} == {("caption", "caption")}


def test_a_value_changed_in_a_raw_file_is_named_by_record_and_variable(project):
    accept(project)
    ident = record(project, "q4_labour_foreign_nationals", "4")
    path = project.folder / "data/raw/part1.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    column = lines[0].strip().split(b",").index(b"q4_labour_foreign_nationals")
    at = next(number for number, line in enumerate(lines) if line.startswith(ident.encode()))
    cells = lines[at].split(b",")
    cells[column] = b"1"
    path.write_bytes(b"".join([*lines[:at], b",".join(cells), *lines[at + 1 :]]))
    build(project, "--numbers-only")
    found, _ = changes(project)
    cause = only_cause(found)
    assert (cause["kind"], cause["where"]) == ("data", "data/raw/part1.csv")
    assert cause["what"] == f"1 record changed ({ident}), in q4_labour_foreign_nationals"


def test_another_folder_or_its_results_may_be_the_base(project, built):
    found, said = changes(project, "--base", str(built.folder))
    assert found["moved"] == []
    assert str(built.folder) in said
    assert changes(project, "--base", str(built.folder / "results"))[0]["moved"] == []
    refused = project.run("agency_survey.cli", "changes", "--base", "reports")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: BASE holds no results of a build (reports).")


def test_two_corrections_are_told_apart_where_they_move_different_files(project):
    """Each alone moves what reads its part; both move the appendix that reads all returns."""
    accept(project)
    ident = record(project, "q1_sex_residents", "4")
    lines = [
        line.split(",") for line in (project.folder / "data/raw/part3.csv").read_text(encoding="cp1252").splitlines()
    ]
    at = lines[0].index("q9_network")
    cases = [row for row in lines[1:] if len(row) == len(lines[0])]
    log = (project.folder / "results/clean/edit_log.csv").read_text()
    case = next(row for row in cases if row[at] == "1" and row[0] not in log)
    for name, key, variable, value in (
        ("part1", ident, "q1_sex_residents", "1"),
        ("part3", f"{case[0]}/{case[1]}", "q9_network", "2"),
    ):
        given = ("--file", name, "--record", key, "--variable", variable, "--new", value)
        done = project.run("agency_survey.cli", "correct", *given, *WHY)
        assert done.returncode == 0, done.stderr
    build(project)
    found, said = changes(project)
    first, second = found["causes"]
    assert (first["kind"], second["kind"]) == ("correction", "correction")
    moved = {rule: {tuple(one["causes"]) for one in found["moved"] if one["rule"] == rule} for rule in rules(found)}
    assert moved["sensitivity"] == {(0,)}
    assert moved["case_characteristics"] == {(1,)}
    assert moved["cleaning_audit"] == {(0, 1)}
    assert "moved all of it" not in said
