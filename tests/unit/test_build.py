"""The build runner: its lock, what a killed build left, and the sentence for a failed build."""

from __future__ import annotations

import errno

import pytest

from agency_survey import build, failures
from agency_survey.errors import InputError


def test_failed_job_gives_the_sentence_of_its_log(tmp_path):
    log = tmp_path / "ingest.log"
    log.write_text("Traceback (most recent call last):\n  ...\nerror: A row is cut (x.csv, row 3). Copy it again.\n")
    job = {"rule": "ingest", "log": [str(log)]}
    assert "A row is cut (x.csv, row 3). Copy it again\n[rule ingest" in str(failures.sentence(None, [job], []))
    log.write_text("Traceback\nZeroDivisionError: division by zero\n")
    assert "The rule ingest failed: ZeroDivisionError" in str(failures.sentence(None, [job], []))
    log.unlink()
    assert "left no log" in str(failures.sentence(None, [job], []))


def test_failure_without_a_job_gives_its_cause():
    cause = InputError("A key is missing", "config.yaml, line 3", "Add it")
    wrapped = RuntimeError("wrapped")
    wrapped.__cause__ = cause
    assert failures.sentence(wrapped, [], []) is cause
    full = OSError(errno.ENOSPC, "No space left on device", "results/x")
    assert "No space left on the disk (results/x)" in str(failures.sentence(full, [], []))
    missing = (
        "Missing input files for rule render:\n  output: a\n  affected files:\n    reports/a.qmd\n    reports/b.qmd"
    )
    assert "needs files that are not there: reports/a.qmd, reports/b.qmd" in str(failures.sentence(None, [], [missing]))


def test_second_build_is_refused_while_the_first_holds_the_folder(tmp_path):
    with build.one_build(tmp_path), pytest.raises(InputError, match="Another build"), build.one_build(tmp_path):
        pass
    with build.one_build(tmp_path):
        pass


def test_stale_locks_and_half_written_files_are_removed_and_it_is_said(tmp_path, capsys):
    locks = tmp_path / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").touch()
    half = tmp_path / "results" / "ingest" / ".part1.parquet.77.part.parquet"
    whole = tmp_path / "results" / "ingest" / "part1.parquet"
    half.parent.mkdir(parents=True)
    half.touch()
    whole.touch()
    build.unlock(tmp_path)
    assert not list(locks.iterdir())
    assert not half.exists()
    assert whole.exists()
    assert "interrupted" in capsys.readouterr().err
