"""The one place that sets what jobs inherit: time zone, locale, hash seed, thread count, dates, where the package is."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path


def prepare(root: str | Path, date: str) -> None:
    """Export the variables that make outputs the same on every machine.

    root : project folder, so that jobs import this project's package also without installation and after a move;
    date : the report's date (year-month-day), which stands for the clock in file metadata.
    """
    moment = datetime.fromisoformat(date).replace(tzinfo=UTC)
    path = [str(Path(root).resolve() / "workflow"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    programs = [str(Path(sys.executable).parent), *os.environ.get("PATH", "").split(os.pathsep)]
    os.environ.update(
        {
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
    )
