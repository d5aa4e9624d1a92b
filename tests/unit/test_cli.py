"""The command line refuses what it cannot use with one sentence, and the Makefile hands on what it is given."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from agency_survey import cli

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def same_folder(monkeypatch):
    """``cli.main`` changes to the project's folder; the tests after it stay where they were."""
    monkeypatch.chdir(Path.cwd())


@pytest.mark.parametrize("given", ["0", "-1", "abc", "1.5", ""])
def test_cores_that_are_no_number_of_cores_are_refused(monkeypatch, capsys, given):
    from agency_survey import build

    monkeypatch.setattr(build, "run", lambda *_: pytest.fail("the build was started"))
    assert cli.main(["report", f"--cores={given}"]) == 1
    said = capsys.readouterr()
    assert said.err == f"error: CORES must be a whole number of at least 1, not '{given}'. For instance CORES=2.\n"
    assert said.out == ""


def test_published_counts_without_a_column_are_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "data").mkdir()
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copytree(ROOT / "data/published", tmp_path / "data/published")
    counts = tmp_path / "data/published/frame_counts.csv"
    counts.write_text(counts.read_text(encoding="utf-8").replace("agency_type", "type", 1), encoding="utf-8")
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    assert cli.main(["standin", "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("error: The column 'agency_type' is missing (data/published/frame_counts")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    ("arguments", "handed_on"),
    [
        (["standin", "OUT=st out"], "standin|--out=st out|"),
        (["standin"], "standin|"),
        (["standin", "SCALE=3", "OUT=a b"], "standin|--out=a b|--scale=3|"),
        (["report", "CORES=a b"], "report|--cores=a b|"),
        (["report", "CORES=3", "VERBOSE=1"], "report|--cores=3|--mode=verbose|"),
    ],
)
def test_make_hands_on_values_with_blanks_whole(tmp_path, arguments, handed_on):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nshift 2\nprintf '%s|' \"$@\"\n", encoding="utf-8")
    program.chmod(0o755)
    kept = {name: text for name, text in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "-s", f"PYTHON={program}", "VENV=", *arguments], cwd=ROOT, env=kept, capture_output=True, text=True
    )
    assert done.stdout == handed_on, done.stderr


def test_notices_name_missing_waves_open_queries_and_values_outside_the_codebook(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/external.yaml").write_text((ROOT / "config/external.yaml").read_text())
    for name in ("external_data", "clean", "ingest", "ingest_lemas"):
        (tmp_path / "results" / name).mkdir(parents=True)
    (tmp_path / "results/external_data/2016.json").write_text('{"state": "missing"}')
    (tmp_path / "results/ingest/part1.misfits.csv").write_text("file,row\npart1.csv,6\npart1.csv,9\n")
    (tmp_path / "results/ingest_lemas/2007.misfits.csv").write_text("file,row\n2007.tsv,6\n2007.tsv,9\n")
    (tmp_path / "results/ingest_lemas/2020.misfits.csv").write_text("file,row\n")
    rules = '[{"changes": 1200, "queries": 0}, {"changes": 34, "queries": 1}]'
    (tmp_path / "results/clean/counts.json").write_text(f'{{"rules": {rules}}}')
    assert cli.notices(tmp_path) == [
        "Without LEMAS 2016: lemas_2016.tsv is missing; chapter 10 says how to get it.",
        "1,234 changes by edit rules: results/clean/edit_log.csv",
        "1 question about the returns waits for an answer: results/clean/queries.csv",
        "2 values outside the codebook, read as missing: results/ingest_lemas/2007.misfits.csv",
    ]
