"""The reference values belong to the inputs and the script that stand here."""

import json
from pathlib import Path

import pytest

from agency_survey.ingest import sha256

HERE = Path(__file__).parent
MADE_BY = {"api": "reference", "lemas": "reference", "synthetic": "reference"}  # values: make_<name>.R


def recorded(name: str) -> dict:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(path.stem for path in HERE.glob("*.json")))
def test_values_were_made_by_the_script_that_stands_here(name):
    script = HERE / f"make_{MADE_BY.get(name, name)}.R"
    assert recorded(name)["script"] == sha256(script), f"run {script.name} again"
    assert recorded(name)["common"] == sha256(HERE / "common.R"), f"run {script.name} again"
    assert set(recorded(name)["made_with"]) == {"R", "survey"}


def test_inputs_are_the_ones_that_R_read(shared_dir):
    assert recorded("synthetic")["inputs"] == {"synthetic.csv": sha256(HERE / "synthetic.csv")}
    assert recorded("api")["inputs"] == {"apistrat.csv": sha256(shared_dir / "reference/api/apistrat.csv")}


def test_lemas_digests_are_those_of_the_register(register):
    """Needs no LEMAS file: R read what the register asks for, and a file that differs is not used by the build."""
    assert recorded("lemas")["inputs"] == {entry["file"]: entry["sha256"] for entry in register.values()}


def test_lemas_files_are_the_ones_that_R_read(lemas_dir):
    for name, digest in recorded("lemas")["inputs"].items():
        assert sha256(lemas_dir / name) == digest
