"""What a user sees of a running build."""

from __future__ import annotations

import io
import logging
from types import SimpleNamespace

from agency_survey.progress import Progress, live, stages

STAGE_OF = {"ingest": "data and weights", "perceptions": "chapters", "ledger": "numbers and book"}


def record(event: str | None, level: int = logging.INFO, text: str = "", **more):
    return SimpleNamespace(event=event, levelno=level, getMessage=lambda: text, **more)


def start(progress: Progress, jobid: int, rule: str, **wildcards) -> None:
    progress(record("job_info", jobid=jobid, rule_name=rule, wildcards=wildcards))


def test_a_line_a_job_with_its_reason_where_there_is_no_terminal():
    stream, seen = io.StringIO(), []
    progress = Progress(STAGE_OF, finished=lambda label, seconds: seen.append(label), stream=stream)
    progress.reasons = {"ingest part1": "data/raw/part1.csv changed"}
    progress.plan(["ingest part1", "perceptions"])
    start(progress, 1, "ingest", name="part1")
    progress(record("job_finished", job_id=1))
    assert seen == ["ingest part1"]
    assert stream.getvalue().startswith("  ingest part1 ")
    assert stream.getvalue().endswith("data/raw/part1.csv changed\n")


def test_stage_lines_count_done_running_not_needed_and_to_go():
    progress = Progress(STAGE_OF, stream=io.StringIO())
    progress.plan(["ingest part1", "ingest part2", "perceptions", "ledger"])
    start(progress, 1, "ingest", name="part1")
    progress(record("job_finished", job_id=1))
    start(progress, 2, "ingest", name="part2")
    first, *others = progress.lines()
    assert first.split()[:3] == ["data", "and", "weights"]
    assert "1 done, 1 running  ingest part2" in first
    assert [line.split("  ")[-1].strip() for line in others] == ["1 to go", "1 to go"]
    progress(record("job_finished", job_id=2))
    progress.plan([])
    assert progress.skipped == {"perceptions", "ledger"}
    assert [line.strip().split("   ")[-1].strip() for line in progress.lines()] == [
        "2 done",
        "1 not needed",
        "1 not needed",
    ]


def test_quiet_prints_nothing_and_verbose_adds_warnings():
    for mode, expected in (("quiet", ""), ("verbose", "careful\n")):
        stream = io.StringIO()
        progress = Progress(STAGE_OF, mode, stream=stream)
        progress(record(None, logging.WARNING, "careful"))
        if mode == "quiet":
            start(progress, 1, "ledger")
            progress(record("job_finished", job_id=1))
        assert stream.getvalue() == expected


def test_failed_jobs_and_errors_are_kept():
    progress = Progress(STAGE_OF, stream=io.StringIO())
    for _ in range(2):
        progress(record("job_error", logging.ERROR, jobid=3, rule_name="ledger", log=["logs/ledger.log"]))
    progress(record(None, logging.ERROR, "no space"))
    assert progress.failed == [{"rule": "ledger", "jobid": 3, "log": ["logs/ledger.log"]}]
    assert progress.messages == ["no space"]


def test_a_failure_inside_is_kept_for_the_build_to_raise():
    def refuse(label, seconds):
        raise OSError("disk")

    progress = Progress(STAGE_OF, finished=refuse, stream=io.StringIO())
    start(progress, 1, "ledger")
    progress(record("job_finished", job_id=1))
    assert isinstance(progress.broken, OSError)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_live_lines_are_drawn_over_on_a_terminal_only(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert live(Terminal(), "normal")
    assert not live(io.StringIO(), "normal")
    assert not live(Terminal(), "verbose")
    stream = Terminal()
    progress = Progress(STAGE_OF, stream=stream)
    progress.plan(["ingest part1", "ledger"])
    start(progress, 1, "ingest", name="part1")
    progress(record("job_finished", job_id=1))
    progress.close()
    assert "\x1b[2F" in stream.getvalue()
    assert stream.getvalue().rstrip("\x1b[J").rstrip().endswith("1 to go")
    monkeypatch.setenv("CI", "true")
    assert not live(Terminal(), "normal")


def test_every_rules_file_has_a_stage(tmp_path):
    rules = tmp_path / "workflow" / "rules"
    rules.mkdir(parents=True)
    for name in ("00_ingest", "04_personnel", "12_conclusions", "85_provenance", "91_render"):
        (rules / f"{name}.smk").touch()
    assert stages(tmp_path) == {
        "ingest": "data and weights",
        "personnel": "chapters",
        "conclusions": "chapters",
        "provenance": "appendices",
        "render": "numbers and book",
    }
