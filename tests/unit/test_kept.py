"""What a job that fails gets back: all that its record knows, or nothing."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

from agency_survey import jobs, kept
from agency_survey.jobs import Job
from agency_survey.provenance import CURRENT, STALE, Records

JOB = Job("clean", (), ("raw.csv",), ("results/clean/a.csv", "results/clean/b.csv"), "python clean.py")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project whose one job has run; Snakemake is asked nothing, only what it would forget is noted."""
    (tmp_path / "results/clean").mkdir(parents=True)
    (tmp_path / "raw.csv").write_text("1")
    for name in JOB.outputs:
        (tmp_path / name).write_text(f"old {name}")
    known = records(tmp_path)
    known.keep(JOB, known.inputs(JOB), "as asked", 0.1)
    forgotten: list[str] = []
    monkeypatch.setattr(jobs, "forget_notes", lambda root, names: forgotten.extend(names))
    return tmp_path, forgotten


def records(root) -> Records:
    return Records(root, SimpleNamespace(path=lambda name: os.path.join(root, name)))


def state(root) -> str:
    return records(root).compare([JOB]).state["clean"]


def removed(root) -> None:
    for name in JOB.outputs:
        (root / name).unlink()


def test_outputs_of_a_job_that_failed_are_back_and_current_when_its_input_is(folder):
    root, forgotten = folder
    (root / "raw.csv").write_text("refused")
    kept.keep(root, records(root), [JOB])
    removed(root)
    assert sorted(kept.give_back(root, records(root))) == sorted(JOB.outputs)
    assert state(root) == STALE
    (root / "raw.csv").write_text("1")
    assert state(root) == CURRENT
    assert sorted(forgotten) == sorted(JOB.outputs)
    assert (root / JOB.outputs[0]).stat().st_mtime < (
        root / "raw.csv"
    ).stat().st_mtime  # Snakemake itself runs it again
    assert not (root / kept.FOLDER).exists()


def test_outputs_of_two_states_are_not_mixed_where_a_job_wrote_some_and_failed(folder):
    root, _ = folder
    kept.keep(root, records(root), [JOB])
    removed(root)
    (root / JOB.outputs[0]).write_text("new and then it failed")
    kept.give_back(root, records(root))
    assert [(root / name).read_text() for name in JOB.outputs] == [f"old {name}" for name in JOB.outputs]


def test_what_cannot_be_had_whole_is_not_given_back(folder):
    root, forgotten = folder
    kept.keep(root, records(root), [JOB])
    removed(root)
    (root / kept.FOLDER / JOB.outputs[1]).write_text("damaged")
    assert kept.give_back(root, records(root)) == []
    assert not any((root / name).exists() for name in JOB.outputs)
    assert forgotten == []


def test_a_file_written_into_is_no_more_what_was_kept(folder):
    root, _ = folder
    kept.keep(root, records(root), [JOB])
    with open(root / JOB.outputs[0], "a") as stream:  # not replaced: the second name is of the same file
        stream.write("more")
    assert kept.give_back(root, records(root)) == []


def test_altered_outputs_are_not_kept_and_a_job_that_finished_keeps_its_new_ones(folder):
    root, _ = folder
    (root / JOB.outputs[0]).write_text("altered by hand")
    kept.keep(root, records(root), [JOB])
    assert [path.name for path in (root / kept.FOLDER).rglob("*.csv")] == ["b.csv"]
    removed(root)
    for name in JOB.outputs:
        (root / name).write_text(f"new {name}")
    known = records(root)
    known.keep(JOB, known.inputs(JOB), "as asked", 0.1)
    assert kept.give_back(root, records(root)) == []
    assert (root / JOB.outputs[1]).read_text() == f"new {JOB.outputs[1]}"


def test_without_second_names_copies_are_kept(folder, monkeypatch):
    root, _ = folder

    def refuse(*names):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    kept.keep(root, records(root), [JOB])
    removed(root)
    assert len(kept.give_back(root, records(root))) == 2
    assert json.loads((root / "results/provenance/clean.json").read_text())["outputs"].keys() == set(JOB.outputs)
