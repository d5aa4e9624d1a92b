"""The build runner: stages, the words of reasons, and the sentence for a failed build."""

from __future__ import annotations

import errno

import pytest

from agency_survey import build
from agency_survey.errors import InputError
from snakemake_logger_plugin_agency_survey import brief, plain


def test_reasons_are_plain_and_in_order():
    said = "Missing output files: b.csv, a.csv; Params have changed since last execution: before: <x>"
    assert plain(said) == "not there yet: a.csv, b.csv; its settings changed"
    assert plain("Updated input files: data/raw/part1.csv") == "changed: data/raw/part1.csv"
    assert brief("changed: a, b, c; its settings changed") == "changed: 3 files; its settings changed"
    assert brief("changed: a, b") == "changed: a, b"


def test_new_section_is_staged_by_its_number_and_a_new_data_rule_is_refused(tmp_path):
    rules = tmp_path / "workflow" / "rules"
    rules.mkdir(parents=True)
    for name in ("00_ingest", "04_personnel", "02_survey_methods", "11_published_and_rebuilt", "91_render"):
        (rules / f"{name}.smk").touch()
    found = build.stages(tmp_path)
    assert found[len(build.FIRST) :] == [
        ["survey_methods", "personnel"],
        ["published_and_rebuilt"],
        ["conclusions"],
        ["ledger"],
        ["render"],
    ]
    (rules / "00_linkage.smk").touch()
    with pytest.raises(InputError, match="'linkage' has no stage"):
        build.stages(tmp_path)


def test_failed_job_gives_the_sentence_of_its_log(tmp_path):
    log = tmp_path / "ingest.log"
    log.write_text("Traceback (most recent call last):\n  ...\nerror: A row is cut (x.csv, row 3). Copy it again.\n")
    job = {"rule": "ingest", "log": [str(log)]}
    assert "A row is cut (x.csv, row 3). Copy it again\n[rule ingest" in str(build.explain(None, [job], []))
    log.write_text("Traceback\nZeroDivisionError: division by zero\n")
    assert "The rule ingest failed: ZeroDivisionError" in str(build.explain(None, [job], []))
    log.unlink()
    assert "left no log" in str(build.explain(None, [job], []))


def test_failure_without_a_job_gives_its_cause():
    cause = InputError("A key is missing", "config.yaml, line 3", "Add it")
    wrapped = RuntimeError("wrapped")
    wrapped.__cause__ = cause
    assert build.explain(wrapped, [], []) is cause
    full = OSError(errno.ENOSPC, "No space left on device", "results/x")
    assert "No space left on the disk (results/x)" in str(build.explain(full, [], []))
    missing = (
        "Missing input files for rule render:\n  output: a\n  affected files:\n    reports/a.qmd\n    reports/b.qmd"
    )
    assert "needs files that are not there: reports/a.qmd, reports/b.qmd" in str(build.explain(None, [], [missing]))


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
