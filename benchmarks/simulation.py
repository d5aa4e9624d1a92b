"""What the simulations share: repeat over seeds on two processes, sum up bias and coverage, write Markdown."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).resolve().parent / "results"


def repeat(task: Callable[[int], list[tuple]], seeds: Sequence[int], processes: int = 2) -> pd.DataFrame:
    """Rows (analysis, quantity, truth, value, se, low, high) of ``task`` at every seed, in the order of the seeds."""
    if processes == 1:
        rows = [task(seed) for seed in seeds]
    else:
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # a process is one thread; spawned ones read this
            os.environ.setdefault(name, "1")
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            rows = list(pool.map(task, seeds, chunksize=max(1, len(seeds) // (8 * processes))))
    columns = ["analysis", "quantity", "truth", "value", "se", "low", "high"]
    return pd.DataFrame([row for part in rows for row in part], columns=columns)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row an analysis and quantity.

    truth and value: means over the samples; bias with its Monte-Carlo standard error and their ratio; se_ratio: mean
    standard error over the estimates' standard deviation; coverage: share of intervals that hold the truth (an interval
    that does not exist holds nothing), with its Monte-Carlo standard error.
    """
    found = []
    for (analysis, quantity), part in rows.groupby(["analysis", "quantity"], sort=False):
        n, error = len(part), part["value"] - part["truth"]
        spread = float(error.std(ddof=1))
        covered = float(((part["low"] <= part["truth"]) & (part["truth"] <= part["high"])).mean())
        found.append(
            {
                "analysis": analysis,
                "quantity": quantity,
                "samples": n,
                "truth": part["truth"].mean(),
                "mean": part["value"].mean(),
                "bias": error.mean(),
                "bias_mc_se": spread / np.sqrt(n),
                "bias_z": error.mean() / (spread / np.sqrt(n)),
                "sd": spread,
                "se_ratio": part["se"].mean() / spread,
                "coverage": covered,
                "coverage_mc_se": np.sqrt(max(covered * (1 - covered), 0.0) / n),
            }
        )
    return pd.DataFrame(found)


def markdown(table: pd.DataFrame, formats: dict[str, str]) -> str:
    """Pipe table of the columns in ``formats`` (column -> format specification; text columns left)."""
    text = {name: [format(v, spec) if spec else str(v) for v in table[name]] for name, spec in formats.items()}
    head = "| " + " | ".join(name.replace("_", " ") for name in formats) + " |"
    line = "|" + "|".join("---:" if spec else ":---" for spec in formats.values()) + "|"
    rows = ["| " + " | ".join(cells) + " |" for cells in zip(*text.values(), strict=True)]
    return "\n".join([head, line, *rows]) + "\n"


def use_package() -> None:
    """Make ``agency_survey`` importable when a benchmark is run as a script."""
    sys.path.insert(0, str(ROOT / "workflow"))
