"""Corrections told apart by applying the register again without one: by files that each moved, and never by guessing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import small_results as small

from agency_survey.changes import entries
from agency_survey.changes.causes import Causes
from agency_survey.changes.state import State

# Applies the register to two files; a cell that both entries of an agency set alike is set once.
CLEAN = """
import argparse, csv, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--register")
parser.add_argument("--out")
given = parser.parse_args()
rows = list(csv.DictReader(open(given.register)))
out = pathlib.Path(given.out)
out.mkdir(exist_ok=True)
for name in ("part1", "part3"):
    cells = {(row["record"], row["variable"]): row["new_value"] for row in rows if row["file"] == name}
    both = {value for value in cells.values() if value == "both"}
    (out / f"{name}.csv").write_text(repr(both or sorted(cells.items())) + "\\n")
"""
COMMAND = "python workflow/scripts/clean.py --register data/corrections.csv --out results/clean 2> logs/clean.log"
FIRST, SECOND = ("C0001", "part1", "A1", "q1", "4", "1"), ("C0002", "part3", "B2/1", "q9", "2", "1")
SAID = ["entry C0001 entered (part1 A1 q1, 4 -> 1)", "entry C0002 entered (part3 B2/1 q9, 2 -> 1)"]


def cleaned(root, *rows):
    """The project after a build with these entries: what its script makes, and the record of that."""
    small.write(root / "workflow/scripts/clean.py", CLEAN)
    lines = ["id,file,record,variable,old_value,new_value", *(",".join(row) for row in rows)]
    small.write(root / "data/corrections.csv", "\n".join(lines) + "\n")
    words = COMMAND.split(" 2>")[0].split()[1:]
    subprocess.run([sys.executable, *words], cwd=root, check=True)
    names = ["data/corrections.csv", "workflow/scripts/clean.py"]
    record = {"rule": "clean", "wildcards": [], "command": COMMAND, "settings": None}
    record["inputs"] = {name: small.digest(root / name) for name in names}
    record["outputs"] = {
        f"results/clean/{part}.csv": small.digest(root / f"results/clean/{part}.csv") for part in ("part1", "part3")
    }
    small.write(root / "results/provenance/clean.json", json.dumps(record))
    build = json.loads((root / "results/build.json").read_text())
    small.write(root / "results/build.json", json.dumps(build | {"inputs": record["inputs"]}))


@pytest.fixture
def before(tmp_path):
    root = small.project(tmp_path / "before")
    cleaned(root)
    return root


@pytest.fixture
def after(before):
    return small.copy(before)


def causes(before, after) -> dict[str, list[str]]:
    found = Causes(*(State(root / "results", root) for root in (before, after)))
    return {part: sorted(one.what for one in found.of_file(f"results/clean/{part}.csv")) for part in ("part1", "part3")}


def test_two_corrections_that_move_different_files_are_each_the_one_cause(before, after):
    cleaned(after, FIRST, SECOND)
    assert causes(before, after) == {"part1": SAID[:1], "part3": SAID[1:]}


def test_a_correction_that_was_taken_out_is_told_from_one_that_came(before, after):
    cleaned(before, FIRST)
    cleaned(after, SECOND)
    found = causes(before, after)
    assert found == {"part1": [SAID[0].replace("entered", "taken out")], "part3": SAID[1:]}


def test_two_that_move_one_file_stay_candidates(before, after):
    cleaned(after, FIRST, ("C0002", "part1", "B2", "q1", "2", "1"))
    assert len(causes(before, after)["part1"]) == 2


def test_two_of_one_effect_are_not_both_ruled_out(before, after):
    """Without either the file is the same: each alone is enough, so that neither may be left out."""
    both = [("C0001", "part1", "A1", "q1", "4", "both"), ("C0002", "part1", "A1", "q2", "4", "both")]
    cleaned(after, *both)
    assert len(causes(before, after)["part1"]) == 2


def test_a_correction_is_ruled_out_where_code_moved_the_file(before, after):
    cleaned(after, FIRST)
    small.edit(after, "workflow/scripts/clean.py", "repr(both or", "name + repr(both or")
    words = COMMAND.split(" 2>")[0].split()[1:]
    subprocess.run([sys.executable, *words], cwd=after, check=True)
    record = json.loads((after / "results/provenance/clean.json").read_text())
    for part in ("inputs", "outputs"):
        record[part] = {name: small.digest(after / name) for name in record[part]}
    small.write(after / "results/provenance/clean.json", json.dumps(record))
    build = json.loads((after / "results/build.json").read_text())
    small.write(after / "results/build.json", json.dumps(build | {"inputs": record["inputs"]}))
    found = Causes(*(State(root / "results", root) for root in (before, after)))
    kinds = {
        part: sorted(one.kind for one in found.of_file(f"results/clean/{part}.csv")) for part in ("part1", "part3")
    }
    assert kinds == {"part1": ["code", "correction"], "part3": ["code"]}


def test_nothing_is_tried_where_the_files_are_not_those_of_the_build(before, after):
    cleaned(after, FIRST, SECOND)
    with open(after / "workflow/scripts/clean.py", "a") as stream:
        stream.write("# later\n")
    assert {part: len(found) for part, found in causes(before, after).items()} == {"part1": 2, "part3": 2}


def test_nothing_is_tried_where_many_entries_differ(before, after):
    rows = [(f"C{at:04}", "part1", f"A{at}", "q1", "4", "1") for at in range(entries.MOST)]
    cleaned(after, *rows, ("C0099", *SECOND[1:]))
    assert {part: len(found) for part, found in causes(before, after).items()} == {"part1": 7, "part3": 7}
