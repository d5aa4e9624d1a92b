"""What a user sees of a running build: on a terminal one live line a stage, elsewhere one line a job.

Fed with Snakemake's log records by the project's logger plugin.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from logging import ERROR, WARNING, LogRecord
from pathlib import Path
from typing import TextIO

STAGES = {"00": "data and weights", "0": "chapters", "1": "chapters", "8": "appendices", "9": "numbers and book"}
OTHER = "other rules"
MODES = ("normal", "quiet", "verbose")


def stages(root: Path) -> dict[str, str]:
    """Stage of each rule, by the number of its rules file: chapters 01 to 79, appendices 81 to 89."""
    found = {}
    for path in sorted((root / "workflow" / "rules").glob("[0-9][0-9]_*.smk")):
        number = path.stem[:2]
        found[path.stem[3:]] = STAGES.get(number, STAGES.get(number[0], "chapters"))
    return found


def live(stream: TextIO, mode: str) -> bool:
    """Whether lines may be drawn over: a terminal that can, outside CI, and nothing else is printed."""
    return mode == "normal" and stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


class Progress:
    """Takes log records; keeps ``ran`` (label -> seconds), ``failed`` (rule and log files) and ``messages``.

    stage_of : rule -> stage; reasons : label of a job -> why it runs; finished : called with label and seconds of a job.
    """

    def __init__(
        self,
        stage_of: dict[str, str] | None = None,
        mode: str = "normal",
        finished: Callable[[str, float], None] | None = None,
        stream: TextIO | None = None,
    ):
        self.stage_of, self.mode, self.finished = stage_of or {}, mode, finished or (lambda label, seconds: None)
        self.stream = stream or sys.stderr
        self.reasons: dict[str, str] = {}
        self.ran: dict[str, float] = {}
        self.failed: list[dict] = []
        self.messages: list[str] = []
        self.broken: Exception | None = None
        self.planned: dict[str, set[str]] = {}
        self.skipped: set[str] = set()
        self._running: dict[int, tuple[str, float]] = {}
        self._began: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._drawn, self._lock, self._stop = 0, threading.RLock(), threading.Event()
        self._live = live(self.stream, mode)
        self._clock = None

    # -- the plan ------------------------------------------------------------------------------------------------------

    def plan(self, waiting: list[str]) -> None:
        """Say which jobs (labels) may still run; those of an earlier plan that are gone and did not run were not needed."""
        with self._lock:
            for label in waiting:
                self.planned.setdefault(self._stage(label), set()).add(label)
            known = {label for labels in self.planned.values() for label in labels}
            self.skipped = known - set(waiting) - self.ran.keys() - {label for label, _ in self._running.values()}
            if self._live and self._clock is None and waiting:
                self._clock = threading.Thread(target=self._tick, daemon=True)
                self._clock.start()
            self._draw()

    def close(self) -> None:
        """End the live lines; they stay as they are."""
        self._stop.set()
        if self._clock:
            self._clock.join()
        with self._lock:
            self._draw()
            self._drawn = 0

    def _stage(self, label: str) -> str:
        return self.stage_of.get(label.split(" ")[0], OTHER)

    # -- Snakemake's records -------------------------------------------------------------------------------------------

    def __call__(self, record: LogRecord) -> None:
        """Take one log record. Whatever fails here is kept, as it would end the thread that carries the records."""
        try:
            self._take(record)
        except Exception as error:
            self.broken = self.broken or error

    def _take(self, record: LogRecord) -> None:
        event = getattr(record, "event", None)
        event = None if event is None else str(event)
        with self._lock:
            if event == "job_info":
                label = " ".join([record.rule_name, *map(str, (record.wildcards or {}).values())])
                now = time.monotonic()
                self._running[record.jobid] = (label, now)
                self._began.setdefault(self._stage(label), now)
            elif event == "job_finished":
                self._done(record.job_id)
            elif event == "job_error":
                self._running.pop(record.jobid, None)
                if not any(known["jobid"] == record.jobid for known in self.failed):
                    self.failed.append({"rule": record.rule_name, "jobid": record.jobid, "log": list(record.log or [])})
            elif record.levelno >= ERROR and event != "group_error":
                self.messages.append(record.getMessage())
            elif self.mode == "verbose" and record.levelno >= WARNING:
                self._say(record.getMessage())
            self._draw()

    def _done(self, jobid: int) -> None:
        if jobid not in self._running:
            return
        label, began = self._running.pop(jobid)
        seconds = round(time.monotonic() - began, 2)
        self.ran[label] = seconds
        self._ended[self._stage(label)] = time.monotonic()
        self.finished(label, seconds)
        if not self._live and self.mode != "quiet":
            self._say(f"  {label:<28} {seconds:6.1f} s   {self.reasons.get(label, '')}".rstrip())

    # -- drawing -------------------------------------------------------------------------------------------------------

    def _say(self, line: str) -> None:
        print(line, file=self.stream, flush=True)

    def lines(self) -> list[str]:
        """One line a stage that has anything to do: done, running, not needed, remaining, elapsed."""
        running = [label for label, _ in self._running.values()]
        found = []
        for stage in dict.fromkeys([*self.stage_of.values(), *self.planned]):
            planned = self.planned.get(stage, set())
            if not planned:
                continue
            here = [label for label in running if label in planned]
            done, spared = len(planned & self.ran.keys()), len(planned & self.skipped)
            rest = len(planned) - done - spared - len(here)
            parts = [f"{done} done"] if done else []
            parts += [f"{len(here)} running"] if here else []
            parts += [f"{spared} not needed"] if spared else []
            parts += [f"{rest} to go"] if rest else []
            end = time.monotonic() if here else self._ended.get(stage)
            elapsed = f"{end - self._began[stage]:6.1f} s" if end and stage in self._began else " " * 8
            now = f"  {', '.join(here)}" if here else ""
            found.append(f"  {stage:<18}{elapsed}   {', '.join(parts)}{now}")
        return found

    def _draw(self) -> None:
        if not self._live or not self.planned:
            return
        width = shutil.get_terminal_size().columns - 1
        lines = [line[:width] for line in self.lines()]
        up = f"\x1b[{self._drawn}F" if self._drawn else ""
        self.stream.write(up + "".join(f"\x1b[2K{line}\n" for line in lines) + "\x1b[J")
        self.stream.flush()
        self._drawn = len(lines)

    def _tick(self) -> None:
        while not self._stop.wait(0.5):
            with self._lock:
                self._draw()
