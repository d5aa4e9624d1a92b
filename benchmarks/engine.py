"""Time and memory of this engine, R's survey package and svy on the same data, in one run.

    python benchmarks/engine.py [--svy PYTHON] [--sizes 2000 200000 1000000] [--limit SECONDS]

``--svy`` is the interpreter of an environment in which svy is installed (it is no requirement of the project: pip install
svy==0.35.0 in an environment of its own); without it that column stays empty, as R's does where ``Rscript`` is not found.
Every engine, size and step has its own process, one after the other. The data: rows in clusters of 20, 50 strata,
weights, 20 variables, 30 domains. A step is repeated (7 runs or 5 seconds, at least one); the best run counts. The engines'
results are compared: a fast wrong answer is none.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from engine_worker import COLUMNS, MARGINS
from simulation import RESULTS, markdown

HERE = Path(__file__).resolve().parent
BUDGET, STRATA, IN_CLUSTER = 5, 50, 20
TOLERANCE = {"bootstrap": 0.25, "raking": 1e-7, "logistic": 1e-6}  # random draws; iterated; else 1e-8


def write_columns(folder: Path, n: int) -> None:
    """The benchmark's table of n rows, one file of doubles a column."""
    rng = np.random.default_rng(n)

    def write(name: str, column: np.ndarray) -> None:
        np.asarray(column, dtype=float).tofile(folder / f"{name}.bin")

    psu = np.arange(n) // IN_CLUSTER
    effect = rng.normal(size=psu[-1] + 1)[psu]
    domain = rng.integers(0, 30, n)
    write("psu", psu)
    write("stratum", psu * STRATA // (psu[-1] + 1))
    write("weight", rng.uniform(1, 9, n))
    write("domain", domain)
    linear = -0.5 + 0.2 * effect
    for i in range(1, 21):
        y = rng.normal(size=n) + 0.3 * effect + 0.01 * i * domain
        y = (y > 0.3).astype(float) if i > 10 else y
        linear = linear + 0.1 * y if i <= 10 else linear
        write(f"y{i}", y)
    write("outcome", rng.random(n) < 1 / (1 + np.exp(-linear)))
    row = np.digitize(rng.normal(size=n) + 0.5 * effect, [-0.8, 0, 0.8])
    write("row", row)
    write("column", np.clip(np.rint(2 + 0.1 * row + rng.normal(size=n)), 0, 4))
    for name, levels in MARGINS.items():
        write(name, rng.integers(0, levels, n))


def measure(command: list[str], limit: float) -> dict:
    """The JSON line of a worker, or why there is none."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"why": f"over {limit:.0f} s"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(" ".join(command[-3:]), "failed:", last, file=sys.stderr)
        return {"why": "failed"}
    return json.loads(done.stdout.strip().splitlines()[-1])


def commands(svy: str | None) -> dict[str, list[str]]:
    """Beginning of the command line of each engine that is there."""
    worker = str(HERE / "engine_worker.py")
    found = {"ours": [sys.executable, worker, "ours"]}
    if shutil.which("Rscript"):
        found["R"] = ["Rscript", str(HERE / "engine.R")]
    if svy:
        found["svy"] = [svy, worker, "svy"]
    return found


def compare(sizes: list[int], engines: dict[str, list[str]], limit: float) -> pd.DataFrame:
    """One row a size and step: best and median seconds, peak over data, and the largest difference of the results."""
    rows = []
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            write_columns(Path(folder), n)
            for step in COLUMNS:
                found = {e: measure([*command, folder, step, str(BUDGET)], limit) for e, command in engines.items()}
                row = {"rows": n, "step": step}
                for engine, result in found.items():
                    there = "seconds" in result
                    row[engine] = min(result["seconds"]) if there else np.nan
                    row[f"{engine} median"] = float(np.median(result["seconds"])) if there else np.nan
                    row[f"{engine} memory"] = result["peak"] / result["data"] if there else np.nan
                    row[f"{engine} difference"] = _difference(found["ours"], result)
                    row[f"{engine} note"] = result.get("why", "")
                    row[f"{engine} version"] = result.get("version", "")
                rows.append(row)
                print(n, step, {e: r.get("why") or round(min(r["seconds"]), 4) for e, r in found.items()}, flush=True)
    return pd.DataFrame(rows)


def _difference(mine: dict, theirs: dict) -> float:
    """Largest relative difference of the compared values; of each on the scale of the larger."""
    if "check" not in mine or "check" not in theirs:
        return np.nan
    a, b = np.asarray(mine["check"]), np.asarray(theirs["check"])
    if len(a) != len(b):
        return np.inf
    return float((np.abs(a - b) / np.maximum(np.maximum(np.abs(a), np.abs(b)), 1e-300)).max())


def report(table: pd.DataFrame, engines: list[str]) -> str:
    """The Markdown file."""
    shown = pd.DataFrame({"rows": table["rows"].map("{:,}".format), "step": table["step"]})
    formats = {"rows": "", "step": ""}
    for engine in engines:
        shown[f"{engine}, s"] = [
            note or f"{seconds:.4f}" for note, seconds in zip(table[f"{engine} note"], table[engine], strict=True)
        ]
        formats[f"{engine}, s"] = ""
    for engine in engines[1:]:
        shown[f"{engine} / ours"] = (table[engine] / table["ours"]).map(lambda r: "" if np.isnan(r) else f"{r:.1f}")
        formats[f"{engine} / ours"] = ""
    for engine in engines:
        shown[f"{engine}, peak / data"] = table[f"{engine} memory"].map(lambda m: "" if np.isnan(m) else f"{m:.1f}")
        formats[f"{engine}, peak / data"] = ""
    worst = table[[f"{engine} difference" for engine in engines[1:]]].max(axis=1)
    shown["results differ by"] = worst.map(lambda d: "" if np.isnan(d) else f"{d:.0e}")
    formats["results differ by"] = ""
    versions = "; ".join(f"{e} {next((v for v in table[f'{e} version'] if v), 'not run')}" for e in engines)
    libraries = ", ".join(f"{module.__name__} {module.__version__}" for module in (np, pd))
    lines = [
        "# The engine beside R's survey package and svy",
        "",
        "Made by `python benchmarks/engine.py`, one process an engine, size and step, one after the other; best run of up "
        f"to 7 or {BUDGET} seconds. Peak / data: highest memory of the process beyond that of the interpreter with its "
        "packages, over that of the columns the step works on (8 bytes a value), the columns themselves included.",
        "",
        f"{versions}; Python {platform.python_version()}, {libraries}; {os.cpu_count()} cores, {platform.machine()}, "
        f"{platform.system()}.",
        "",
        markdown(shown, formats),
        "",
        *verdicts(table, engines),
    ]
    return "\n".join(lines) + "\n"


def verdicts(table: pd.DataFrame, engines: list[str]) -> list[str]:
    """Where the aims are missed: a sentence each."""
    name = table["step"] + " at " + table["rows"].map("{:,}".format)
    large = table["rows"] >= 200_000
    missed = [("Peak memory above 3 times the data (from 200,000 rows)", large & (table["ours memory"] > 3))]
    if "R" in engines:
        missed.append(("Less than 5 times as fast as R (from 200,000 rows)", large & (table["R"] / table["ours"] < 5)))
    if "svy" in engines:
        missed.append(("Slower than svy", table["svy"] < table["ours"]))
    for engine in engines[1:]:
        allowed = table["step"].map(TOLERANCE).fillna(1e-8)
        missed.append((f"Results differ from {engine}", table[f"{engine} difference"] > allowed))
    return [f"- {what}: {', '.join(name[where]) if where.any() else 'none'}." for what, where in missed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--svy", help="interpreter of an environment with svy")
    parser.add_argument("--sizes", type=int, nargs="+", default=[2_000, 200_000, 1_000_000])
    parser.add_argument("--limit", type=float, default=90, help="seconds after which a process is ended")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    arguments = parser.parse_args()
    start = time.perf_counter()
    engines = commands(arguments.svy)
    table = compare(arguments.sizes, engines, arguments.limit)
    table.to_csv(arguments.out / "engine.csv", index=False, float_format="%.5g")
    text = report(table, list(engines))
    (arguments.out / "engine.md").write_text(text, encoding="utf-8")
    print(text, f"{time.perf_counter() - start:.0f} s", sep="\n")


if __name__ == "__main__":
    main()
