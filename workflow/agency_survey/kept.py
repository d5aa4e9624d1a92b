"""Outputs of jobs that are about to run again, kept until they have run.

Snakemake removes the outputs of a job when it starts, and again when it fails. A job that fails or is cut off gets back what
it left before, all of it or nothing, as its record knows it; the record then says whether that is still current.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from agency_survey import files, jobs
from agency_survey.jobs import Job
from agency_survey.provenance import Records

FOLDER = "results/.kept"
LONG_AGO = 1_000_000_000  # 2001: a run of Snakemake itself takes what was given back for older than its inputs


def keep(root: Path, records: Records, ready: list[Job]) -> None:
    """Set aside the outputs of these jobs that are as their records say (as second names of the files where possible)."""
    for job in ready:
        for name, known in records.known.get(job.name, {"outputs": {}})["outputs"].items():
            if records.digest(name) == known:
                place = root / FOLDER / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.unlink(missing_ok=True)
                with suppress(OSError):  # a full disk: the job runs all the same
                    _second_name(root / name, place)


def _second_name(path: Path, place: Path) -> None:
    try:
        os.link(path, place)
    except OSError:  # a file system without second names
        files.atomic(place, lambda part: shutil.copyfile(path, part))


def drop(root: Path) -> None:
    """Let go of what was set aside; its jobs have run."""
    shutil.rmtree(root / FOLDER, ignore_errors=True)


def give_back(root: Path, records: Records) -> list[str]:
    """Put back what was set aside of each job whose outputs are no more what its record says; returns the files.

    Snakemake's own notes on these files are of the run that failed, and are removed first.
    """
    if not (root / FOLDER).is_dir():
        return []
    back = [name for record in records.known.values() for name in _lost(root, records, record["outputs"])]
    if back:
        jobs.forget_notes(root, back)
    for name in back:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(root / FOLDER / name, root / name)
        os.utime(root / name, (LONG_AGO, LONG_AGO))
    drop(root)
    return back


def _lost(root: Path, records: Records, outputs: dict[str, str]) -> list[str]:
    """Outputs of a job that are not as its record says, when all of them can be put back."""
    lost = [name for name, known in outputs.items() if records.digest(name) != known]
    whole = all(records.digest(f"{FOLDER}/{name}") == outputs[name] for name in lost)
    return lost if whole else []
