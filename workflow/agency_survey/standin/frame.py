"""The frame: agencies by type, state and population class on the published counts, with officers and task forces."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey.errors import InputError
from agency_survey.identifiers import agency_ids
from agency_survey.standin.tools import NO, YES, chances, choose, log_size, normal, round_to


def make_frame(
    settings: dict, counts: pd.DataFrame, threshold: int, rng: np.random.Generator, replicate: int = 0
) -> pd.DataFrame:
    """One row an agency: id, type, state, region, population and its class, officers, metropolitan, task force.

    Each replicate has identifiers and task forces of its own.
    """
    states = pd.DataFrame.from_dict(settings["states"], orient="index").sort_index()
    parts = [_agencies(settings, counts, states, name, rng) for name in settings["types"]]
    frame = pd.concat(parts, ignore_index=True)
    frame["region"] = frame["state"].map(states["region"])
    frame["sworn_officers"] = _officers(settings, frame, rng)
    frame["metropolitan"] = _metropolitan(settings, frame, rng)
    frame["task_force"] = _task_forces(settings["task_forces"], frame, threshold, rng)
    frame["task_force"] += replicate * settings["task_forces"]["number"]
    frame["task_force_partner"] = np.where(frame["task_force"].notna(), YES, NO)
    frame["agency_id"] = agency_ids(len(frame), replicate * len(frame) + 1)
    columns = ["agency_id", "agency_type", "state", "region", "population", "population_class"]
    columns += ["sworn_officers", "metropolitan", "task_force_partner", "task_force"]
    return frame[columns].sort_values("agency_id", ignore_index=True)


def class_counts(settings: dict, counts: pd.DataFrame, type_name: str) -> np.ndarray:
    """Agencies of a type by population class (whole numbers): published class counts scaled to the published total."""
    published = settings["types"][type_name]["published"]
    rows = counts[counts["agency_type"] == published]
    total = rows[(rows["year"] == settings["totals_year"]) & (rows["breakdown"] == "total")]["count"]
    classes = rows[(rows["year"] == settings["classes_year"]) & (rows["breakdown"] == "population_served")]
    if len(total) != 1 or classes.empty:
        raise InputError(f"The published counts hold no total or no classes of '{published}'", "frame_counts.csv")
    expected = np.zeros(len(settings["classes"]))
    for label, count in zip(classes["class"], classes["count"], strict=True):
        shares = settings["published_classes"].get(label)
        if shares is None:
            raise InputError(f"The published class '{label}' is not in published_classes", "config/standin.yaml")
        for code, share in shares.items():
            expected[int(code) - 1] += share * count
    return round_to(expected, int(total.iloc[0]))


def _agencies(settings, counts, states, type_name, rng) -> pd.DataFrame:
    """Agencies of one type with state, population and population class."""
    code = settings["types"][type_name]["code"]
    if type_name == "state":
        served = states.drop(index=settings["without_state_agency"])
        population = served["population"].to_numpy()
        state = served.index.to_numpy()
    else:
        table = _class_by_state(settings, class_counts(settings, counts, type_name), states, type_name)
        at = np.repeat(np.arange(table.size), table.ravel())
        state = states.index.to_numpy()[at % table.shape[1]]
        population = _populations(settings["classes"], at // table.shape[1], rng.random(len(at)))
    lows = [entry["low"] for entry in settings["classes"]]
    classes = np.searchsorted(lows, population, side="right")
    return pd.DataFrame({"agency_type": code, "state": state, "population": population, "population_class": classes})


def _class_by_state(settings: dict, by_class: np.ndarray, states: pd.DataFrame, type_name: str) -> np.ndarray:
    """Whole numbers (classes, states): rows add up to ``by_class``, columns follow the states' relative numbers."""
    relative = states[type_name].to_numpy(dtype=float)
    if type_name == "municipal":
        region = states["region"]
        wanted = region.map({int(key): value for key, value in settings["municipal_by_region"].items()})
        relative = relative / states.groupby("region")[type_name].transform("sum").to_numpy() * wanted.to_numpy()
    relative = relative / relative.sum()
    by_people = np.where(relative > 0, states["population"].to_numpy(dtype=float), 0.0)
    small = np.arange(1, len(by_class) + 1) < settings["spread_by_population_from_class"]
    table = np.where(small[:, None], relative, by_people / by_people.sum())
    for _ in range(100):  # iterative proportional fitting (Deming and Stephan 1940)
        table *= (by_class.sum() * relative / np.maximum(table.sum(axis=0), 1e-300))[None, :]
        table *= (by_class / table.sum(axis=1))[:, None]
    return np.array([round_to(row, int(total)) for row, total in zip(table, by_class, strict=True)])


def _populations(classes: list[dict], at: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Populations from the density x^-a, cut to the class, by its inverse distribution function."""
    low, high, a = (np.array([entry[key] for entry in classes], dtype=float)[at] for key in ("low", "high", "exponent"))
    power = np.where(a == 1, 1.0, 1 - a)
    other = (low**power + uniform * (high**power - low**power)) ** (1 / power)
    return np.floor(np.where(a == 1, low * (high / low) ** uniform, other)).astype(int)


def _officers(settings: dict, frame: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Full-time sworn officers, at least 1, scaled to the published officers of each type."""
    officers = np.zeros(len(frame), dtype=int)
    noise = normal(rng, len(frame))
    for name, entry in settings["types"].items():
        own = (frame["agency_type"] == entry["code"]).to_numpy()
        shape = settings["officers_per_1000"][name]
        rate = np.array(shape["rate"])[frame.loc[own, "population_class"] - 1]
        expected = frame.loc[own, "population"].to_numpy() / 1000 * rate * np.exp(shape["spread"] * noise[own])
        officers[own] = np.maximum(np.rint(expected * entry["officers"] / expected.sum()), 1)
    return officers


def _metropolitan(settings: dict, frame: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    uniform = rng.random(len(frame))
    chance = np.ones(len(frame))
    size = log_size(frame)
    for name, entry in settings["types"].items():
        own = (frame["agency_type"] == entry["code"]).to_numpy()
        shape = settings["metropolitan"][name]
        if shape["share"] < 1:
            chance[own] = chances(shape["slope"] * size[own], shape["share"])
    return np.where(uniform < chance, YES, NO)


def _task_forces(settings: dict, frame: pd.DataFrame, threshold: int, rng: np.random.Generator) -> pd.Series:
    """Number of the task force that an agency is a partner of (missing: none).

    Task forces are seated in large municipal departments; their partners are agencies of the same state.
    """
    weight = frame["population"].to_numpy(dtype=float) ** settings["power"]
    large = (frame["population"] > threshold).to_numpy()
    seats = choose(weight * (large & (frame["agency_type"] == 1)), settings["number"], rng)
    served = frame["state"].isin(frame["state"][seats]).to_numpy() & ~seats
    more = settings["partners_above_threshold"] - settings["number"]
    partners = choose(weight * (served & large), more, rng)
    partners |= choose(weight * (served & ~large), settings["other_partners"], rng)
    number = pd.Series(pd.NA, index=frame.index, dtype="Int64")
    number[seats] = np.arange(1, settings["number"] + 1)
    by_state = number[seats].groupby(frame["state"][seats]).apply(list)
    turn = frame[partners].groupby("state").cumcount()
    lists = frame.loc[partners, "state"].map(by_state)
    number[partners] = [forces[place % len(forces)] for forces, place in zip(lists, turn, strict=True)]
    return number
