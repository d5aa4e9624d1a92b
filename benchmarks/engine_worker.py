"""One step of the engine benchmark in a process of its own: called by engine.py, also with the interpreter of svy.

    python engine_worker.py ours|svy <folder with the columns> <step> <seconds to spend>

Prints one line of JSON: seconds of each run, peak memory of the runs and of the data, version, and values that the
engines are compared on. Both engines get their data in the form they like best (arrays, a polars table) before the clock
starts; R does the same in engine.R.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

Y = [f"y{i}" for i in range(1, 21)]
X = [f"y{i}" for i in range(1, 11)]
MARGINS = {"m1": 6, "m2": 4, "m3": 10}
DESIGN = ["weight", "stratum", "psu"]
COLUMNS = {
    "set-up": [],
    "means by domain": [*Y, "domain"],
    "totals": Y,
    "Rao-Scott": ["row", "column"],
    "logistic": [*X, "outcome"],
    "raking": list(MARGINS),
    "bootstrap": Y,
}
CODES = {"stratum", "psu", "domain", "row", "column", *MARGINS}
REPLICATES = 500


def memory(field: str) -> float:
    """Megabytes of this process: 'VmRSS' now, 'VmHWM' at the most since ``reset_peak``."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"no {field} in /proc/self/status: the benchmark needs Linux")


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def load(folder: Path, step: str) -> dict[str, np.ndarray]:
    """The columns that the step works on, codes as integers."""
    data = {name: np.fromfile(folder / f"{name}.bin") for name in [*DESIGN, *COLUMNS[step]]}
    return {name: column.astype(np.int64) if name in CODES else column for name, column in data.items()}


def ours(data: dict[str, np.ndarray], step: str):
    """(preparation, function to time, values of its result)."""
    import pandas as pd

    import agency_survey
    from agency_survey import calibration, estimate, hypotheses, models, replicates
    from agency_survey.design import survey_design

    def set_up():
        return survey_design(data["weight"], data["stratum"], cluster=data["psu"])

    if step == "set-up":
        return agency_survey.__version__, set_up, lambda d: [d.degrees_of_freedom()]
    design = set_up()
    x = y = None
    if step == "logistic":
        x = pd.DataFrame(np.column_stack([np.ones(design.n), *(data.pop(name) for name in X)]), columns=["one", *X])
    elif Y[0] in data:
        y = np.column_stack([data.pop(name) for name in Y])

    def by_domain():
        found = estimate.means_by(design, y, data["domain"], 30)
        return found.value, found.se

    totals = {
        m: pd.Series(np.bincount(data[m], minlength=k) * design.weight.sum() / design.n, index=range(k))
        for m, k in MARGINS.items()
        if m in data
    }
    steps = {
        "means by domain": (by_domain, lambda found: [*found[0][:20], *found[1][:20]]),
        "totals": (lambda: estimate.total(design, y), lambda e: [*e.value, *e.se]),
        "Rao-Scott": (
            lambda: hypotheses.crosstab(design, data["row"], data["column"], 4, 5).rao_scott(),
            lambda r: [r.f_second.statistic],
        ),
        "logistic": (lambda: models.logistic(design, data["outcome"], x), lambda fit: [*fit.coefficients, *fit.se]),
        "raking": (
            lambda: calibration.rake(design, {m: data[m] for m in MARGINS}, totals),
            lambda d: [(d.weight**2).sum()],
        ),
        "bootstrap": (
            lambda: replicates.means(replicates.rescaled_bootstrap(design, REPLICATES, seed=1), y),
            lambda e: [*e.value, *e.se],
        ),
    }
    return agency_survey.__version__, *steps[step]


def svy(data: dict[str, np.ndarray], step: str):
    """As ``ours``, with svy."""
    import polars as pl
    import svy as package

    table = pl.DataFrame(data)
    data.clear()
    weight, rows = table["weight"].sum(), table.height

    def set_up():
        return package.Sample(table, package.Design(stratum="stratum", psu="psu", wgt="weight"))

    def both(found):
        tables = [one.to_polars() for one in (found if isinstance(found, list) else [found])]
        return [*(t["est"][0] for t in tables), *(t["se"][0] for t in tables)]

    version = package.__version__ if hasattr(package, "__version__") else _version("svy")
    if step == "set-up":
        return version, set_up, lambda s: [s.n_psus - s.n_strata]
    sample = set_up()

    def controls():
        counts = {m: table[m].value_counts().sort(m) for m in MARGINS}
        return {m: {k: c * weight / rows for k, c in t.iter_rows()} for m, t in counts.items()}

    wanted = controls() if step == "raking" else None

    def bootstrap():
        again = sample.weighting.create_bs_wgts(n_reps=REPLICATES, rstate=1)
        return again.estimation.mean(Y, method="replication")

    def coefficients(fit):
        found = fit.to_polars()
        return [*found["estimate"], *found["std_err"]]

    steps = {
        "means by domain": (lambda: sample.estimation.mean(Y, by="domain"), both),
        "totals": (lambda: sample.estimation.total(Y), both),
        "Rao-Scott": (lambda: sample.categorical.tabulate("row", "column"), lambda t: [t.stats.f.value]),
        "logistic": (lambda: sample.glm.fit(y="outcome", x=X, family="binomial"), coefficients),
        "raking": (
            lambda: sample.weighting.rake(controls=wanted, tol=1e-10, max_iter=1000),
            lambda s: [(s.data["rk_wgt"] ** 2).sum()],
        ),
        "bootstrap": (bootstrap, both),
    }
    return version, *steps[step]


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


def main(engine: str, folder: str, step: str, budget: float) -> None:
    if engine == "ours":
        sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
        from agency_survey import calibration, estimate, hypotheses, models, replicates  # noqa: F401
    else:
        import svy as _  # noqa: F401
    empty = memory("VmRSS")
    data = load(Path(folder), step)
    size = sum(column.nbytes for column in data.values()) / 2**20
    version, run, values = {"ours": ours, "svy": svy}[engine](data, step)
    reset_peak()
    seconds: list[float] = []
    while not seconds or (len(seconds) < 7 and sum(seconds) < budget):
        result = None  # the last result is not kept beside the new one
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
    peak = memory("VmHWM") - empty
    check = [float(value) for value in values(result)]
    print(json.dumps({"seconds": seconds, "peak": peak, "data": size, "version": version, "check": check}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
