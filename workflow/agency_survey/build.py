"""One build: Snakemake runs the jobs whose records do not match the files, and stops where outputs come out the same.

Within one run Snakemake runs everything downstream of a job that runs. So it is asked for the jobs that surely have to run,
then the records are compared again, and so on: what only reads unchanged outputs never runs.
"""

from __future__ import annotations

import fcntl
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO

from agency_survey import __version__, environment, failures, files, jobs, kept, provenance, settings
from agency_survey.errors import InputError
from agency_survey.jobs import HELD, Job, Places
from agency_survey.progress import Progress, stages
from agency_survey.provenance import POSSIBLY, STALE, Records, State

_KEPT: list[IO[str]] = []
BOOK = {
    "HTML": "reports/_book/index.html",
    "PDF": "reports/_book/report.pdf",
    "DOCX": "reports/_book/report.docx",
}


def sections(root: Path) -> list[str]:
    """Rules of the report's sections: those whose file is numbered as a chapter (01 to 89)."""
    numbered = sorted((root / "workflow" / "rules").glob("[0-8][0-9]_*.smk"))
    return [path.stem[3:] for path in numbered if not path.stem.startswith("00")]


@contextmanager
def one_build(root: Path) -> Iterator[None]:
    """Hold the folder for one build; a second one is refused with a sentence. The lock ends with the process."""
    with hold(root):
        os.environ[HELD] = str(os.getpid())
        try:
            yield
        finally:
            del os.environ[HELD]


def hold(root: Path) -> IO[str]:
    """Lock file of the folder, locked until it is closed."""
    (root / "results").mkdir(exist_ok=True)
    lock = open(root / "results" / ".lock", "w")  # noqa: SIM115 - the caller keeps it open
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise InputError("Another build is running in this folder", str(root), "Wait until it has ended") from error
    return lock


def hold_in_plain_run(root: Path) -> None:
    """Hold the folder until this process ends, in runs of ``snakemake`` itself; ``run`` holds it already."""
    if HELD not in os.environ:
        _KEPT.append(hold(root))


def run(root: Path, cores: int, mode: str = "normal", book: bool = True) -> dict:
    """Build the report; returns the content of ``results/build.json``.

    mode : of ``progress``; book : False stops before the book is rendered, and leaves no ``results/build.json``.
    Raises InputError with one sentence when a job fails (its traceback is in its log) or the settings are not valid.
    """
    started = time.monotonic()
    places = Places(root)
    environment.prepare(root, settings.report_date(root / "reports" / "_quarto.yml"))
    writable(root)
    with one_build(root):
        unlock(root)
        records = Records(root, places)
        kept.give_back(root, records)
        found = records.whole(jobs.table(root, places))
        records.forget(found)
        if not book:
            found = [job for job in found if job.rule != "render"]
        progress, reasons = _run(root, records, found, cores, mode)
        result = {
            "seconds": round(time.monotonic() - started, 1),
            "jobs": [
                {"rule": job.rule, "wildcards": list(job.wildcards), "reason": reasons[job.label], "seconds": seconds}
                for job in found
                if (seconds := progress.ran.get(job.label)) is not None
            ],
            "skipped": len(progress.skipped),
        }
        if book:
            result |= _manifest(root, records, found)
            files.write_json(root / provenance.BUILD, result)
    return result


def _manifest(root: Path, records: Records, found: list[Job]) -> dict:
    """What ``results/build.json`` says of the state that the build has reached."""
    made = jobs.makers(found)
    return {
        "version": __version__,
        "python": platform.python_version(),
        "packages": environment.versions(),
        "engine": files.read_json(root / provenance.MANIFEST)["engine"],
        "outputs": BOOK,
        "state": records.digest_of_all(found),
        "inputs": {name: records.digest(name) for job in found for name in job.inputs if name not in made},
        "config": settings.load(root / "config" / "config.yaml"),
    }


def _run(root: Path, records: Records, found: list[Job], cores: int, mode: str) -> tuple[Progress, dict[str, str]]:
    """Run what has to run, in as few rounds as can be known beforehand; returns what ran and why."""
    by_label, made = {job.label: job for job in found}, jobs.makers(found)
    before: dict[str, dict] = {}
    reasons: dict[str, str] = {}

    def finished(label: str, seconds: float) -> None:
        reasons.setdefault(label, "Snakemake found it unfinished")
        progress.reasons.setdefault(label, reasons[label])
        records.keep(by_label[label], before.get(label, {}), reasons[label], seconds)

    progress = Progress(stages(root), mode, finished)
    state = _compared(records, found)
    if state.of(STALE):
        (root / provenance.BUILD).unlink(missing_ok=True)  # from here on the results are no finished build
        _say_damage(root, records, state)
    try:
        while ready := state.ready():
            again = [job.label for job in ready if job.label in progress.ran]
            if again:
                raise InputError(
                    f"Files that {again[0]} reads were changed while it ran", fix="Run `make report` once more"
                )
            progress.plan([job.label for job in state.jobs if state.state[job.name] in (STALE, POSSIBLY)])
            before |= {job.label: records.inputs(job, without=made) for job in ready}
            reasons |= {job.label: provenance.reason(state.causes[job.name]) for job in ready}
            progress.reasons |= {job.label: provenance.brief(state.causes[job.name]) for job in ready}
            kept.keep(root, records, ready)
            _round(root, ready, cores, progress)
            kept.drop(root)
            state = _compared(records, found)
        progress.plan([])
    finally:
        progress.close()
        with suppress(InputError, OSError):  # what cannot be given back now is by the next build
            kept.give_back(root, records)
    return progress, reasons


def writable(root: Path) -> None:
    """Refuse early when the build could not write its folders."""
    for name in ("results", "logs", "benchmarks", "reports"):
        folder = root / name
        folder.mkdir(exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise InputError(
                "The output folder cannot be written", str(folder), "Give yourself the right to write there"
            )
    probe = root / "results" / ".probe"
    probe.write_bytes(b"\0" * 4096)
    probe.unlink()


def _say_damage(root: Path, records: Records, state: State) -> None:
    """Say what of the results is not what a build left, before it is made again."""
    stale = state.of(STALE)
    left = [path for path in (root / "results").glob("*/*.json") if path.parent != root / jobs.FOLDER]
    if left and not records.known:
        print("How the results here came about is not recorded, so everything is built again.", file=sys.stderr)
    for job in stale:
        names = [cause.what for cause in state.causes[job.name] if cause.kind == "altered"]
        if len(names) > provenance.MANY:
            names = [f"{len(names)} results, among them {names[0]} and {names[1]},"]
        for name in names:
            verb, whose, them = ("are", "their", "them") if name.endswith(",") else ("is", "its", "it")
            print(f"{name} {verb} not what {whose} rule left; {job.label} makes {them} again.", file=sys.stderr)


def unlock(root: Path) -> None:
    """Remove what a killed build left: Snakemake's locks and half-written files. ``one_build`` has made sure that no
    other build is running."""
    stale = [path for path in (root / ".snakemake" / "locks").glob("*") if path.is_file()]
    partial = [
        path for path in [*(root / "results").rglob(".*.part*"), *(root / "results").rglob("*.part")] if path.is_file()
    ]
    for path in [*stale, *partial]:
        path.unlink()
    if stale or partial:
        print("A build was interrupted here; its unfinished jobs run again.", file=sys.stderr)


def _compared(records: Records, found: list[Job]) -> State:
    state = records.compare(found)
    lost = [(name, job) for name, job in state.missing if state.state[job.name] != provenance.CURRENT]
    if lost:
        rule = lost[0][1].rule
        names = ", ".join(dict.fromkeys(name for name, job in lost if job.rule == rule))
        raise InputError(f"The rule {rule} needs files that are not there: {names}", fix="Restore them")
    return state


def _round(root: Path, ready: list[Job], cores: int, progress: Progress) -> None:
    """Let Snakemake run these jobs and no others."""
    targets = {name for job in ready for name in job.outputs}
    failure = None
    with _noting_interruption() as interruptions:
        try:
            jobs.snakemake(
                root,
                cores=cores,
                watch=progress,
                verbose=progress.mode == "verbose",
                targets=targets,
                forcerun=frozenset(targets),
                allowed_rules=frozenset(job.rule for job in ready),
                rerun_triggers=frozenset(),
            )
        except Exception as error:
            failure = error
    if interruptions:
        raise KeyboardInterrupt
    failure = failure or progress.broken
    if failure is not None or progress.failed:
        raise failures.explained(root, failure, progress.failed, progress.messages) from failure


@contextmanager
def _noting_interruption() -> Iterator[list[int]]:
    """Signals of Ctrl-C that came: Snakemake ends its jobs then and says that they failed."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield came  # only the main thread gets signals
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)
