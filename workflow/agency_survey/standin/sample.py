"""The sample of three sources and what became of every mailed survey."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey.errors import InputError
from agency_survey.standin.tools import NO, YES, log_size, open_uniform

COMPLETE, PARTIAL, REFUSAL, NO_CONTACT, UNDELIVERABLE, INELIGIBLE = range(1, 7)
MAIL, WEB = 1, 2


def draw_sample(design: dict, frame: pd.DataFrame, max_draws: int, rng: np.random.Generator) -> pd.DataFrame:
    """Sampled agencies with the source of each: random sample, or the supplement that brought it in.

    The random sample is redrawn until the supplements bring the sample to its published size; given the number of
    partners drawn in each stratum, the other agencies of the stratum remain a simple random sample.
    """
    stratum = frame["agency_type"] * 100 + frame["population_class"]
    size = stratum.map(stratum.value_counts()).to_numpy()
    n = stratum.map(_allocation(design, stratum)).to_numpy()
    above = (frame["population"] > design["population_threshold"]).to_numpy()
    certain = above | (frame["task_force_partner"] == YES).to_numpy()
    order = np.argsort(stratum.to_numpy(), kind="stable")
    first = np.searchsorted(stratum.to_numpy()[order], stratum.to_numpy())
    if (n > size).any():
        code = stratum[n > size].iloc[0]
        raise InputError(
            f"The allocation to type {code // 100}, class {code % 100} exceeds its agencies",
            "config/sample_design.yaml",
        )
    wanted = design["mailed"] - design["random_sample"]["size"]
    for _ in range(max_draws):
        rank = np.empty(len(frame), dtype=int)
        rank[np.lexsort((rng.random(len(frame)), stratum))] = np.arange(len(frame))
        drawn = rank - first < n
        if int((certain & ~drawn).sum()) == wanted:
            break
    else:
        raise InputError(
            f"No draw of {max_draws} left {wanted} agencies to the supplements (the last left "
            f"{int((certain & ~drawn).sum())})",
            "config/sample_design.yaml",
            "Change the allocation or the number of partners",
        )
    codes = design["sources"]
    source = np.where(drawn, codes["random"], np.where(above, codes["above_threshold"], codes["task_force"]))
    taken = drawn | certain
    return pd.DataFrame({"agency_id": frame["agency_id"][taken], "sample_source": source[taken]})


def _allocation(design: dict, stratum: pd.Series) -> dict[int, int]:
    sizes = stratum.value_counts()
    allocation = {
        int(kind) * 100 + int(code): int(sizes.get(int(kind) * 100 + int(code), 0)) if n == "all" else n
        for kind, classes in design["random_sample"]["allocation"].items()
        for code, n in classes.items()
    }
    without = sorted(set(sizes.index) - set(allocation))
    if without:
        raise InputError(
            f"Type {without[0] // 100}, class {without[0] % 100} has no allocation",
            "config/sample_design.yaml",
        )
    if sum(allocation.values()) != design["random_sample"]["size"]:
        raise InputError(
            f"The allocation adds up to {sum(allocation.values())}, not {design['random_sample']['size']}",
            "config/sample_design.yaml",
            "Change the allocation or the size",
        )
    return allocation


def make_dispositions(
    settings: dict, frame: pd.DataFrame, truth: pd.DataFrame, sample: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """One row a mailed survey: source, outcome, the wave and mode it came by, its date (raw codes).

    Response depends on the frame only (type, size, partnership); the number of completed forms is exact.
    """
    own = frame.loc[sample.index].reset_index(drop=True)
    n = len(own)
    outcome = np.full(n, NO_CONTACT)
    closed = truth["in_operation"].to_numpy()[sample.index] == NO
    lost = ~closed & (rng.random(n) < settings["undeliverable"])
    logistic = -np.log(1 / open_uniform(rng, n) - 1)
    key = np.where(closed | lost, -np.inf, _propensity(settings["propensity"], own) + logistic)
    if int(np.isfinite(key).sum()) < settings["completed"]:
        raise InputError("Fewer agencies can be reached than are to complete Part I", "config/standin.yaml")
    complete = np.zeros(n, dtype=bool)
    complete[np.argsort(-key, kind="stable")[: settings["completed"]]] = True
    uniform = rng.random(n)
    shares = settings["other_outcomes"]
    outcome[uniform < shares["partial"] + shares["refusal"]] = REFUSAL
    outcome[uniform < shares["partial"]] = PARTIAL
    outcome[complete], outcome[lost], outcome[closed] = COMPLETE, UNDELIVERABLE, INELIGIBLE
    table = sample.reset_index(drop=True).assign(outcome=outcome)
    return _returns(settings, table, rng)


def _returns(settings: dict, table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Add wave, mode and date: undelivered and closed come back from the first mailing, silence lasts to the third."""
    n = len(table)
    outcome = table["outcome"].to_numpy()
    waves = settings["waves"]
    wave = 1 + np.searchsorted(np.cumsum([entry["share"] for entry in waves])[:-1], rng.random(n), side="right")
    wave = np.where(outcome >= UNDELIVERABLE, 1, np.where(outcome == NO_CONTACT, len(waves), wave))
    web = rng.random(n) < np.array([entry["web"] for entry in waves])[wave - 1]
    silent = outcome == NO_CONTACT
    delay = settings["delay"]
    most = -np.expm1((delay["first"] - delay["last"] - 1) / delay["mean"])  # cuts the exponential at the last day
    days = delay["first"] - delay["mean"] * np.log1p(-most * open_uniform(rng, n))
    mailed = np.array([str(entry["mailed"]) for entry in waves], dtype="datetime64[D]")[wave - 1]
    date = mailed + np.floor(days).astype("timedelta64[D]")
    table["wave"] = wave
    table["mode"] = pd.array(np.where(web & (outcome <= PARTIAL), WEB, MAIL), dtype="Int64")
    table["outcome_on"] = date.astype(str)
    table.loc[silent, ["mode", "outcome_on"]] = pd.NA
    return table[["agency_id", "sample_source", "wave", "mode", "outcome", "outcome_on"]]


def _propensity(settings: dict, frame: pd.DataFrame) -> np.ndarray:
    return (
        settings["sheriff"] * (frame["agency_type"] == 2).to_numpy()
        + settings["state"] * (frame["agency_type"] == 3).to_numpy()
        + settings["log10_population"] * log_size(frame)
        + settings["task_force"] * (frame["task_force_partner"] == YES).to_numpy()
    )
