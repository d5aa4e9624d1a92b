"""The jobs of a build as Snakemake sees them: inputs, outputs and command of each, by a dry run of everything.

The dry run costs about a second with Snakemake's start, so its answer is kept in ``results/provenance/`` together with
a digest of all that it depends on: rules, package, settings, chapters, and the names of the data files.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from agency_survey import failures, files, settings
from agency_survey.files import HELD

FOLDER = "results/provenance"
KEPT = f"{FOLDER}/_jobs.json"
EXTERNAL = "LEMAS_DIR"
SOURCES = ("Snakefile", "workflow", "config", "reports", "requirements", "pyproject.toml", "benchmarks/coverage.py")
FLAG = re.compile(r" \(\w+\)$")  # Snakemake prints flags behind names: 'index.html (update)'
BUILT = {"_book", "__pycache__", ".quarto"}


@dataclass(frozen=True)
class Job:
    """One job. Paths are relative to the project; those of the LEMAS files begin with LEMAS_DIR wherever they are."""

    rule: str
    wildcards: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    command: str

    @property
    def name(self) -> str:
        """'ingest.part1': the rule and its wildcards' values, also the name of its record."""
        return ".".join([self.rule, *self.wildcards])

    @property
    def label(self) -> str:
        """'ingest part1', for people."""
        return " ".join([self.rule, *self.wildcards])


class Places:
    """Where the paths of jobs are on this machine."""

    def __init__(self, root: Path):
        self.root = root
        folder = settings.lemas_folder(settings.load(root / "config" / "config.yaml"))
        self.external = os.path.normpath(os.path.join(root, folder))
        self._spellings = sorted({folder.rstrip("/"), self.external}, key=len, reverse=True)

    def path(self, name: str) -> str:
        """File of a job's path."""
        if name.startswith(EXTERNAL + "/"):
            return os.path.join(self.external, name[len(EXTERNAL) + 1 :])
        return os.path.join(self.root, name)

    def portable(self, text: str) -> str:
        """A path or a command without the folder of the LEMAS files, so that records hold on any machine."""
        for folder in self._spellings:
            text = text.replace(folder + "/", EXTERNAL + "/")
        return text


def table(root: Path, places: Places) -> list[Job]:
    """All jobs of the report, each after those that it needs.

    Raises InputError when the rules or settings cannot be read, or an input is not there.
    """
    key, kept = _key(root, places), root / KEPT
    if kept.is_file():
        try:
            known = json.loads(kept.read_text(encoding="utf-8"))
            if known["key"] == key:
                return [_job(entry) for entry in known["jobs"]]
        except (ValueError, KeyError, TypeError):
            kept.unlink()  # damaged: it is made again
    found = _in_order(_asked(root, places))
    files.write_json(kept, {"key": key, "jobs": [asdict(job) for job in found]})
    return found


def _job(entry: dict) -> Job:
    return Job(**{name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()})


def _key(root: Path, places: Places) -> str:
    """Digest of everything that decides which jobs there are, and their inputs and commands."""
    known = hashlib.sha256()
    engine = shutil.which(os.environ.get("QUARTO_PATH") or "quarto") or ""
    stamp = os.stat(engine).st_mtime_ns if engine else 0
    known.update(repr((platform.python_version(), version("snakemake"), engine, stamp)).encode())
    for base in SOURCES:
        for path in _walk(root / base):
            known.update(f"{path.relative_to(root)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    for base in (root / "data", Path(places.external)):
        known.update(repr([(str(path.relative_to(base)), os.access(path, os.R_OK)) for path in _walk(base)]).encode())
    return known.hexdigest()


def _walk(base: Path) -> Iterator[Path]:
    if base.is_file():
        yield base
    for folder, below, names in os.walk(base):
        below[:] = sorted(name for name in below if name not in BUILT)
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def _asked(root: Path, places: Places) -> list[Job]:
    """Snakemake's own answer."""
    from snakemake_interface_logger_plugins.common import LogEvent

    found = []

    def take(record) -> None:
        if getattr(record, "event", None) == LogEvent.JOB_INFO and record.shellcmd:
            parts = (record.input, record.output)
            names = [tuple(places.portable(FLAG.sub("", str(name))) for name in part) for part in parts]
            wildcards = tuple(str(value) for value in (record.wildcards or {}).values())
            found.append(Job(record.rule_name, wildcards, *names, places.portable(record.shellcmd)))

    try:
        snakemake(root, watch=take, dryrun=True, forceall=True)
    except Exception as error:
        raise failures.explained(root, error, [], []) from error
    return found


def _in_order(found: list[Job]) -> list[Job]:
    """Jobs sorted by name, then so that each follows those whose outputs it reads."""
    maker = makers(found)
    ordered: dict[str, Job] = {}

    def place(job: Job) -> None:
        if job.name not in ordered:
            for need in dict.fromkeys(maker[name].name for name in job.inputs if name in maker):
                place(by_name[need])
            ordered[job.name] = job

    by_name = {job.name: job for job in sorted(found, key=lambda job: job.name)}
    for job in by_name.values():
        place(job)
    return list(ordered.values())


def makers(found: Iterable[Job]) -> dict[str, Job]:
    """The job that makes each output."""
    return {name: job for job in found for name in job.outputs}


def forget_notes(root: Path, names: list[str]) -> None:
    """Let Snakemake forget how these outputs came about; notes that are not there are passed over."""
    from snakemake.exceptions import WorkflowError

    try:
        with suppress(WorkflowError):
            snakemake(root, watch=lambda record: None, forget=names, forceall=True)
    except Exception as error:
        raise failures.explained(root, error, [], []) from error


def snakemake(
    root: Path,
    *,
    cores: int = 1,
    watch=None,
    verbose: bool = False,
    dryrun: bool = False,
    forget: list[str] | None = None,
    **dag,
) -> None:
    """One run of Snakemake in this process, over its public API.

    watch : called with each of its log records; forget : outputs to forget the notes of, instead of running; dag :
    DAGSettings. Raises what Snakemake raises.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.scheduling.greedy import SchedulerSettings
    from snakemake.settings import types as t

    from agency_survey import schema
    from snakemake_logger_plugin_agency_survey import LogHandlerSettings

    profile = schema.read_yaml(root / "workflow/profiles/default/config.yaml")
    greedy = profile["scheduler"] == "greedy"
    output = t.OutputSettings(
        dryrun=dryrun,
        log_handler_settings={"agency-survey": LogHandlerSettings(verbose=verbose)},
        show_failed_logs=False,
        enable_file_logging=False,
    )
    outer = os.environ.get(HELD)
    os.environ[HELD] = str(os.getpid())
    try:
        with SnakemakeApi(output) as api:
            api.get_log_handlers()[0].watch = watch
            workflow = api.workflow(
                resource_settings=t.ResourceSettings(cores=cores),
                config_settings=t.ConfigSettings(),
                snakefile=root / "Snakefile",
                workdir=root,
            )
            found = workflow.dag(
                t.DAGSettings(
                    max_checksum_file_size=_bytes(profile["max-checksum-file-size"]),
                    force_incomplete=profile["rerun-incomplete"],
                    **dag,
                )
            )
            if forget is not None:
                return found.cleanup_metadata([Path(name) for name in forget])
            found.execute_workflow(
                executor="dryrun" if dryrun else "local",
                scheduling_settings=t.SchedulingSettings(scheduler=profile["scheduler"]),
                scheduler_settings=SchedulerSettings() if greedy else None,
            )
    finally:
        if outer is None:
            del os.environ[HELD]


def _bytes(text: str | int) -> int:
    from humanfriendly import parse_size

    return parse_size(str(text))
