"""What a package says of the build it holds: the stable part for the package, the measured part for the file beside it.

Stable: for every job its rule, command, settings, and the digests of all it read and made; versions of Python and of the
packages. Measured: when each job ran, its seconds and its memory, the machine. Two builds of the same commit and data agree
in the first and never in the second, so only the first can be in a package whose bytes the commit and the data decide.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agency_survey import files
from agency_survey.archive import scan
from agency_survey.errors import InputError
from agency_survey.provenance import settings_of

FOLDER = "results/provenance"
STABLE = ("rule", "wildcards", "command", "inputs", "outputs")
EXTERNAL = "LEMAS_DIR/"
# Classes like those of the data editors' template, but wide: exact figures differ from run to run and from machine to machine,
# and a package may not, so no ordinary machine should put this project into another class.
MINUTES = ((60, "less than 1 hour"), (480, "1 to 8 hours"), (2880, "8 hours to 2 days"))
STORAGE = ((25, "less than 25 MB"), (250, "25 MB to 250 MB"), (2_000, "250 MB to 2 GB"), (25_000, "2 GB to 25 GB"))
MEMORY = ((2_000, "less than 2 GB"), (8_000, "2 to 8 GB"), (16_000, "8 to 16 GB"))


def jobs(root: Path) -> list[dict[str, Any]]:
    """Records of all jobs, sorted by name, as the build wrote them."""
    paths = sorted(path for path in (root / FOLDER).glob("*.json") if not path.name.startswith("_"))
    if not paths:
        raise InputError("The build left no records of its jobs", FOLDER, "Run `make report`")
    return [{"name": path.stem, **files.read_json(path, "rule", "inputs", "outputs")} for path in paths]


def stable(found: list[dict]) -> list[dict]:
    """The part of the records that two builds of the same commit and data share."""
    return [
        {"name": job["name"], **{key: job[key] for key in STABLE}, "settings": settings_of(job["command"])}
        for job in found
    ]


def needs(found: list[dict], sources: tuple[str, ...] = (EXTERNAL,)) -> dict[str, set[str]]:
    """For each job, the files whose path begins with one of ``sources`` that it reads, directly or through other jobs."""
    maker = {name: job["name"] for job in found for name in job["outputs"]}
    by_name = {job["name"]: job for job in found}
    known: dict[str, set[str]] = {}

    def of(name: str) -> set[str]:
        if name not in known:
            known[name] = set()
            for path in by_name[name]["inputs"]:
                if path.startswith(sources):
                    known[name].add(path)
                elif path in maker and maker[path] != name:
                    known[name] |= of(maker[path])
        return known[name]

    return {job["name"]: of(job["name"]) for job in found}


def classed(value: float, classes: tuple) -> str:
    """The class of a figure."""
    return next((words for limit, words in classes if value < limit), f"more than {classes[-1][1].split(' to ')[-1]}")


def costs(found: list[dict], sizes: int) -> dict[str, str]:
    """Run time (of all jobs, one after the other), memory of the largest job, and storage, as classes. sizes : bytes."""
    peak = max((job.get("peak_mb") or 0 for job in found), default=0)
    return {
        "run_time": classed(sum(job.get("seconds") or 0 for job in found) / 60, MINUTES),
        "memory": classed(peak, MEMORY),
        "storage": classed(sizes / 1e6, STORAGE),
    }


def packages(root: Path) -> dict[str, str]:
    """Versions of the packages that the requirement list pins, as they are installed here."""
    found = {}
    for name in sorted(scan.pinned((root / "requirements/runtime.txt").read_text(encoding="utf-8"))):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # for another platform
    return found


def direct(root: Path) -> set[str]:
    """Packages that the workflow itself names; the others are theirs."""
    text = (root / "requirements/runtime.in").read_text(encoding="utf-8")
    return {re.sub(r"[-_.]+", "-", n).lower() for n in re.findall(r"^([A-Za-z0-9._-]+)", text, flags=re.M)}


def measured(root: Path, found: list[dict]) -> dict[str, Any]:
    """Machine, and of every job start, end, seconds and memory, as this build measured them."""
    return {
        "machine": machine(),
        "jobs": [
            {"name": job["name"], **times(root, job), "seconds": job.get("seconds"), "peak_mb": job.get("peak_mb")}
            for job in found
        ],
    }


def machine() -> dict[str, Any]:
    """What ran the build."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None
    return {
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1) if memory else None,
    }


def times(root: Path, job: dict) -> dict[str, str | None]:
    """Start and end of a job as Snakemake's own record of its first output has them; None where there is no record."""
    for name in job["outputs"]:
        path = root / ".snakemake/metadata" / base64.b64encode(name.encode()).decode()
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            start, end = (
                datetime.fromtimestamp(record[key], UTC).isoformat(timespec="seconds")
                for key in ("starttime", "endtime")
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return {"start": start, "end": end}
    return {"start": None, "end": None}
