"""The one place that sets what jobs inherit: time zone, locale, hash seed, thread count, dates, where the package is."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "snakemake",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "statsmodels",
    "seaborn",
    "matplotlib",
    "pypandoc-binary",
    "typst",
)


def versions() -> dict[str, str]:
    """Installed versions of the packages that results come from; those that are not there are left out."""
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def unpinned(root: str | Path) -> list[str]:
    """Sentences on packages whose installed version is not the pinned one (environments that the project did not set up)."""
    text = (Path(root) / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", text, re.M))
    return [
        f"{name} {found} is installed where {pinned[name]} is pinned; numbers may differ from those of the pinned version."
        for name, found in versions().items()
        if pinned.get(name, found) != found
    ]


def prepare(root: str | Path, date: str) -> None:
    """Export the variables that make outputs the same on every machine (``variables``)."""
    os.environ.update(variables(root, date))


def variables(root: str | Path, date: str) -> dict[str, str]:
    """Variables that make outputs the same on every machine.

    root : project folder, so that jobs import this project's package also without installation and after a move;
    date : the report's date (year-month-day), which stands for the clock in file metadata.
    """
    moment = datetime.fromisoformat(date).replace(tzinfo=UTC)
    path = [str(Path(root).resolve() / "workflow"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    programs = [str(Path(sys.executable).parent), *os.environ.get("PATH", "").split(os.pathsep)]
    return {
        "SOURCE_DATE_EPOCH": str(int(moment.timestamp())),
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(part for part in path if part)),
        "PATH": os.pathsep.join(dict.fromkeys(part for part in programs if part)),
    }
