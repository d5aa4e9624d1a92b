"""One build: stage by stage over Snakemake's public API, so that a stage whose outputs did not change stops its chain.

Within one run Snakemake runs everything downstream of a job that runs; asked for one stage after the other, it compares
checksums between stages and runs only what has a changed input.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from agency_survey import __version__, environment, files, schema, settings
from agency_survey.errors import InputError, explain_os_error

FIRST = [["external_data"], ["ingest", "ingest_lemas"], ["clean"], ["weight", "weight_lemas"], ["weight_parts"]]
LAST = [["published_and_rebuilt"], ["conclusions"], ["ledger"], ["render"]]  # the first two read other sections
HELD = "AGENCY_SURVEY_BUILD"
_KEPT: list[IO[str]] = []
UNKNOWN = ".snakemake/results-of-unknown-origin"
BOOK = {
    "HTML": "reports/_book/index.html",
    "PDF": "reports/_book/report.pdf",
    "DOCX": "reports/_book/report.docx",
}


def sections(root: Path) -> list[str]:
    """Rules of the report's sections: those whose file is numbered as a chapter (01 to 89)."""
    numbered = sorted((root / "workflow" / "rules").glob("[0-8][0-9]_*.smk"))
    return [path.stem[3:] for path in numbered if not path.stem.startswith("00")]


def stages(root: Path) -> list[list[str]]:
    """Rules by stage: data, the sections, what reads sections, ledger, render."""
    placed = {rule for stage in [*FIRST, *LAST] for rule in stage}
    data = sorted(path.stem[3:] for path in (root / "workflow" / "rules").glob("00_*.smk"))
    lost = [rule for rule in data if rule not in placed]
    if lost:
        raise InputError(
            f"The rule '{lost[0]}' has no stage",
            "workflow/agency_survey/build.py",
            "Add it to FIRST in its order",
        )
    return [*FIRST, [rule for rule in sections(root) if rule not in placed], *LAST]


@contextmanager
def one_build(root: Path) -> Iterator[None]:
    """Hold the folder for one build; a second one is refused with a sentence. The lock ends with the process."""
    with hold(root):
        os.environ[HELD] = "1"
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


def run(root: Path, cores: int, verbose: bool = False, book: bool = True) -> dict:
    """Build the report; returns the content of ``results/build.json``.

    book : False stops before the book is rendered, and leaves ``results/build.json`` as it was.
    Raises InputError with one sentence when a job fails (its traceback is in its log) or the settings are not valid.
    """
    started = time.monotonic()
    settings.lemas_folder(settings.load(root / "config" / "config.yaml"))
    environment.prepare(root, settings.report_date(root / "reports" / "_quarto.yml"))
    writable(root)
    with one_build(root):
        unlock(root)
        forced = without_provenance(root)
        jobs = []
        for stage in stages(root) if book else stages(root)[:-1]:
            again = forced or (stage == ["render"] and damaged(root))
            jobs += _run_stage(root, stage, cores, verbose, again)
        if not book:
            return {"seconds": round(time.monotonic() - started, 1), "jobs": jobs}
        (root / UNKNOWN).unlink(missing_ok=True)
        record = {
            "version": __version__,
            "python": platform.python_version(),
            "engine": files.read_json(root / "results/render/manifest.json")["engine"],
            "outputs": BOOK,
            "seconds": round(time.monotonic() - started, 1),
            "jobs": jobs,
        }
        files.write_json(root / "results" / "build.json", record)
    return record


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


def damaged(root: Path) -> bool:
    """Whether a file of the book is not the one that the last render left; Snakemake knows of the pages only."""
    manifest = root / "results" / "render" / "manifest.json"
    if not manifest.is_file():
        return False
    for name, known in files.read_json(manifest)["files"].items():
        path = root / "reports" / "_book" / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != known["sha256"]:
            print(f"The book is damaged ({path.relative_to(root)}), so it is rendered again.", file=sys.stderr)
            return True
    return False


def without_provenance(root: Path) -> bool:
    """Whether there are results but no record of how they came about (``.snakemake`` was deleted or left behind).

    Snakemake would take them for current whatever their inputs are now, so all jobs run again; the marker keeps that
    in force until such a build has ended.
    """
    marker, metadata = root / UNKNOWN, root / ".snakemake" / "metadata"
    results = any(path.is_file() for path in (root / "results").glob("*/*"))
    known = metadata.is_dir() and any(path.is_file() for path in metadata.rglob("*"))
    if results and not known:
        marker.parent.mkdir(exist_ok=True)
        marker.touch()
    if marker.exists():
        print("How the results here came about is not recorded, so everything is built again.", file=sys.stderr)
    return marker.exists()


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


def _run_stage(root: Path, rules: list[str], cores: int, verbose: bool, forced: bool) -> list[dict]:
    from snakemake.api import SnakemakeApi
    from snakemake.scheduling.greedy import SchedulerSettings
    from snakemake.settings import types as t

    from snakemake_logger_plugin_agency_survey import LogHandlerSettings

    profile = schema.read_yaml(root / "workflow/profiles/default/config.yaml")
    output = t.OutputSettings(
        log_handler_settings={"agency-survey": LogHandlerSettings(verbose=verbose)},
        show_failed_logs=False,
        enable_file_logging=False,
    )
    with SnakemakeApi(output) as api:
        handler = api.get_log_handlers()[0]
        failure = None
        try:
            dag = api.workflow(
                resource_settings=t.ResourceSettings(cores=cores),
                config_settings=t.ConfigSettings(),
                snakefile=root / "Snakefile",
                workdir=root,
            ).dag(
                t.DAGSettings(
                    until=frozenset(rules),
                    forcerun=frozenset(rules if forced else ()),
                    max_checksum_file_size=_bytes(profile["max-checksum-file-size"]),
                    force_incomplete=profile["rerun-incomplete"],
                )
            )
            dag.execute_workflow(
                executor="local",
                scheduling_settings=t.SchedulingSettings(scheduler=profile["scheduler"]),
                scheduler_settings=SchedulerSettings() if profile["scheduler"] == "greedy" else None,
            )
        except Exception as error:
            failure = error
    if failure is not None or handler.failed:
        (root / "logs" / "build.log").write_text("".join(traceback.format_exception(failure)), encoding="utf-8")
        raise explain(failure, handler.failed, handler.messages) from failure
    return handler.jobs


def _bytes(text: str | int) -> int:
    from humanfriendly import parse_size

    return parse_size(str(text))


def explain(failure: Exception | None, failed: list[dict], messages: list[str]) -> InputError:
    """One sentence for a build that failed: that of the first failed job, else Snakemake's own message."""
    for job in failed:
        for log in job["log"]:
            text = Path(log).read_text(encoding="utf-8", errors="replace") if Path(log).is_file() else ""
            _, found, said = ("\n" + text).rpartition("\nerror: ")
            if found:
                return InputError(f"{said.strip().rstrip('.')}\n[rule {job['rule']}, log {log}]")
            if text.strip():
                return InputError(
                    f"The rule {job['rule']} failed: {text.strip().splitlines()[-1]}",
                    log,
                    "The log has the details",
                )
        return InputError(f"The rule {job['rule']} failed and left no log", fix="Run `make report VERBOSE=1`")
    cause = failure
    while cause is not None:
        if isinstance(cause, InputError):
            return cause
        if isinstance(cause, OSError):
            return explain_os_error(cause)
        cause = cause.__cause__ or cause.__context__
    text = next((m for m in [*messages, str(failure)] if m and m != "None"), "it gave no reason")
    text = " ".join(text.split())
    if "Missing input files for rule" in text and "affected files:" in text:
        rule = text.split("Missing input files for rule ", 1)[1].split(":", 1)[0]
        lost = text.split("affected files: ", 1)[1].replace(" ", ", ")
        return InputError(f"The rule {rule} needs files that are not there: {lost}", fix="Restore them")
    return InputError(f"Snakemake stopped: {text}")
