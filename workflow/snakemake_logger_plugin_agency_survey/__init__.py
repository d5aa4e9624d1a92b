"""Snakemake logger plugin: one short line a job, and a record of every job (rule, wildcards, reason, seconds, log).

``make report`` uses it in its own process and reads ``LogHandler.jobs``; ``snakemake --logger agency-survey`` works too.
"""

import sys
import time
from dataclasses import dataclass, field
from logging import ERROR, WARNING, LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """No settings of its own."""

    verbose: bool = field(
        default=False,
        metadata={"help": "Also print Snakemake's own messages.", "env_var": False, "required": False},
    )


class LogHandler(LogHandlerBase):
    """Prints job lines to stderr and keeps ``jobs`` (finished) and ``failed`` (with their log files)."""

    def __post_init__(self) -> None:
        self.jobs: list[dict] = []
        self.failed: list[dict] = []
        self.messages: list[str] = []
        self._running: dict[int, dict] = {}

    def emit(self, record: LogRecord) -> None:
        """Take one of Snakemake's log records."""
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_INFO:
            self._running[record.jobid] = {
                "rule": record.rule_name,
                "wildcards": dict(record.wildcards or {}),
                "reason": plain(record.reason or ""),
                "started": time.monotonic(),
            }
        elif event == LogEvent.JOB_FINISHED:
            self._finished(record.job_id)
        elif event == LogEvent.JOB_ERROR:
            self._failed(record)
        elif record.levelno >= ERROR and event != LogEvent.GROUP_ERROR:
            self.messages.append(record.getMessage())
        elif self.settings and self.settings.verbose and record.levelno >= WARNING:
            print(record.getMessage(), file=sys.stderr)

    def _finished(self, jobid: int) -> None:
        job = self._running.pop(jobid, None)
        if job:
            job["seconds"] = round(time.monotonic() - job.pop("started"), 2)
            self.jobs.append(job)
            print(
                f"  {label(job):<28} {job['seconds']:6.1f} s   {brief(job['reason'])}",
                file=sys.stderr,
                flush=True,
            )

    def _failed(self, record: LogRecord) -> None:
        job = self._running.pop(record.jobid, {"rule": record.rule_name, "wildcards": {}})
        job.pop("started", None)
        if not any(known["jobid"] == record.jobid for known in self.failed):
            self.failed.append({**job, "jobid": record.jobid, "log": list(record.log or [])})

    writes_to_stream = property(lambda self: True)
    writes_to_file = property(lambda self: False)
    has_filter = property(lambda self: True)
    has_formatter = property(lambda self: True)
    needs_rulegraph = property(lambda self: False)


def label(job: dict) -> str:
    """'ingest_lemas 2020' for a job."""
    return " ".join([job["rule"], *map(str, job["wildcards"].values())])


REASONS = {  # Snakemake's words: ours, before the files that are named
    "Missing output files": "not there yet",
    "Incomplete output files": "was interrupted",
    "Updated input files": "changed",
    "Input files updated by another job": "new",
    "Set of input files has changed since last execution": "its list of inputs changed",
    "Code has changed since last execution": "its command changed",
    "Params have changed since last execution": "its settings changed",
    "Forced execution": "asked for",
}


def plain(reason: str) -> str:
    """Snakemake's reason in short words, files in alphabetical order."""
    parts = []
    for part in reason.split("; "):
        words, _, files = part.partition(": ")
        short = REASONS.get(words)
        if short is None:
            parts.append(part)
        elif words.startswith(("Params", "Set", "Code", "Forced")):
            parts.append(short)
        else:
            parts.append(f"{short}: {', '.join(sorted(files.split(', ')))}")
    return "; ".join(parts)


def brief(reason: str, most: int = 2) -> str:
    """The reason for the terminal: long lists of files are counted."""
    parts = []
    for part in reason.split("; "):
        words, colon, files = part.partition(": ")
        names = files.split(", ")
        parts.append(f"{words}: {len(names)} files" if colon and len(names) > most else part)
    return "; ".join(parts)
