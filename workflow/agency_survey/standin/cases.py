"""Part III: up to three cases of every agency with a case, which share the agency's effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, ndtr

from agency_survey.codebook import Codebook
from agency_survey.standin.investigations import BY_YEAR, YEARS
from agency_survey.standin.tools import (
    NO,
    YES,
    binomial,
    chances,
    logistic,
    negative_binomial,
    normal,
    open_uniform,
    pick,
    top,
    where_asked,
)

SEX, LABOUR, BOTH = 1, 2, 3
MOST_CASES = 3
OTHER_SETTING = 8
STATE_COURT, FEDERAL_COURT, BOTH_COURTS, NOT_PROSECUTED = 1, 2, 3, 4
CONVICTED, ACQUITTED, PENDING = 1, 2, 3
WAYS = ["q3a_other_investigations", "q3b_public_tip", "q3c_victim", "q3d_service_organisation"]
WAYS += ["q3e_federal_referral", "q3f_local_referral", "q3g_proactive_search"]
END = np.datetime64("2006-12-31")


@dataclass(frozen=True)
class Traits:
    """Of each case: its agency (row) and type, the agency's effect, region and partnership."""

    agency: np.ndarray
    kind: np.ndarray
    effect: np.ndarray
    region: np.ndarray
    task_force: np.ndarray


def true_cases(
    settings: dict,
    frame: pd.DataFrame,
    truth: pd.DataFrame,
    investigations: pd.DataFrame,
    book: Codebook,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """True answers to Part III, one row a case, by agency in the order of the frame and by date of opening.

    The cases of an agency are drawn without replacement from its cases by type and year (Part II). The share of victims
    under 25 among those of known age is exact.
    """
    place = pd.Index(truth["agency_id"]).get_indexer(investigations["agency_id"])
    drawn = _drawn(settings["both_types"], investigations, rng)
    at = drawn["agency"].to_numpy()
    traits = Traits(
        agency=at,
        kind=drawn["q1_type"].to_numpy(),
        effect=truth["effect"].to_numpy()[place][at],
        region=frame["region"].to_numpy()[place][at],
        task_force=(frame["task_force_partner"] == YES).to_numpy()[place][at],
    )
    told = investigations.iloc[at].reset_index(drop=True)
    table = {"agency_id": told["agency_id"], "case_number": drawn["case_number"], "opened_on": drawn["opened_on"]}
    table["closed_on"] = _closed(settings["duration"], drawn["opened_on"].to_numpy(), rng)
    setting, origin = (_alike(settings["alike"], at, rng) for _ in range(2))
    table["q1_type"] = traits.kind
    table["q2_setting"] = 1 + pick(_by_type(settings["settings"], traits.kind), setting)
    table |= _victims(settings, book, traits, origin, rng)
    suspects = _suspects(settings["suspects"], table["q3_victims"], traits.effect, rng)
    table["q6_suspects"] = suspects
    table["q7_came_to_light"] = _came_to_light(settings["came_to_light"], told, rng)
    linked = (told["q6_networks"] == YES).to_numpy()
    table["q9_network"] = _network(settings["network"], linked, traits.effect, rng)
    table |= _prosecution(settings, book, suspects, traits, np.isnat(table["closed_on"]), rng)
    return pd.DataFrame(table)[[name for name in book.variables if name in table]]


def _by_type(table: dict, kind: np.ndarray) -> np.ndarray:
    """Row of the table for each case's type."""
    return np.array([table[code] for code in sorted(table, key=int)])[kind - 1]


def _alike(correlation: float, agency: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uniforms whose normal scores are correlated between the cases of an agency."""
    common = normal(rng, agency.max() + 1)[agency]
    return ndtr(np.sqrt(correlation) * common + np.sqrt(1 - correlation) * normal(rng, len(agency)))


def _drawn(both_types: float, investigations: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Up to three cases an agency: agency (row), q1_type, opened_on, case_number by date of opening."""
    left = investigations[[*BY_YEAR["sex"], *BY_YEAR["labour"]]].to_numpy().copy()
    mixed = (left[:, :7].sum(axis=1) > 0) & (left[:, 7:].sum(axis=1) > 0)
    drawn, rows = [], np.arange(len(left))
    for _ in range(MOST_CASES):
        uniform, rows = rng.random((3, len(left))), rows[left[rows].sum(axis=1) > 0]
        cell = pick(left[rows], uniform[0, rows])
        left[rows, cell] -= 1
        kind = np.where(mixed[rows] & (uniform[1, rows] < both_types), BOTH, np.where(cell < 7, SEX, LABOUR))
        day = (uniform[2, rows] * 365).astype("timedelta64[D]")
        opened = (cell % 7 + YEARS[0] - 1970).astype("datetime64[Y]").astype("datetime64[D]") + day
        drawn.append(pd.DataFrame({"agency": rows, "q1_type": kind, "opened_on": opened}))
    cases = pd.concat(drawn, ignore_index=True)
    cases = cases.sort_values(["agency", "opened_on"], kind="stable", ignore_index=True)
    return cases.assign(case_number=cases.groupby("agency").cumcount() + 1)


def _closed(settings: dict, opened: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Day of closing; not a time where the case is open at the end of 2006."""
    days = settings["least"] - settings["mean"] * np.log(open_uniform(rng, len(opened)))
    closed = opened.astype("datetime64[D]") + days.astype("timedelta64[D]")
    return np.where(closed > END, np.datetime64("NaT"), closed)


def _victims(
    settings: dict, book: Codebook, traits: Traits, origin: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Number, age, sex and origin of victims; ``origin``: uniforms that choose the origin."""
    spec = settings["victims"]
    mean = _by_type(spec["means"], traits.kind) * np.exp(spec["effect"] * traits.effect)
    uniform = open_uniform(rng, len(mean))
    victims = 1 + negative_binomial(mean, spec["dispersion"], spec["most"] - 1, uniform)
    table = {"q3_victims": victims} | _ages(settings["ages"], victims, traits, rng)
    table |= _persons(settings["persons"], victims, traits, rng)
    origins = {"q5a_origin": _origin(settings["origins"], traits, origin)}
    return table | where_asked(book, origins, table["q5_foreign"] > 0)


def _ages(settings: dict, victims: np.ndarray, traits: Traits, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Victims by age; each is drawn, given the case's own part, the agency's and the type."""
    kind = traits.kind
    case = np.repeat(np.arange(len(victims)), victims)
    latent = (
        settings["labour"] * (kind == LABOUR) + settings["both"] * (kind == BOTH) + settings["effect"] * traits.effect
    )
    latent = latent + _own_parts(settings, traits.agency, rng)
    known = rng.random(len(case)) >= settings["unknown"]
    young = known & top(latent[case] + logistic(rng, len(case)), settings["under_25"], known)
    minor = young & (rng.random(len(case)) < _by_type(settings["minors"], kind)[case])
    marks = {"q3a_under_18": minor, "q3b_18_to_24": young & ~minor}
    marks |= {"q3c_25_and_over": known & ~young, "q3d_age_unknown": ~known}
    return {name: np.bincount(case[mark], minlength=len(victims)) for name, mark in marks.items()}


def _persons(settings: dict, victims: np.ndarray, traits: Traits, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Female and foreign victims."""
    case, numbers = np.repeat(np.arange(len(victims)), victims), {}
    for name, group in (("q4_female", "female"), ("q5_foreign", "foreign")):
        latent = _by_type(settings[group]["levels"], traits.kind) + _own_parts(settings[group], traits.agency, rng)
        numbers[name] = np.bincount(case[rng.random(len(case)) < expit(latent)[case]], minlength=len(victims))
    return numbers


def _own_parts(settings: dict, agency: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Normal parts of agencies and of cases with the standard deviations ``agency`` and ``case``."""
    common = settings["agency"] * normal(rng, agency.max() + 1)[agency]
    return common + settings["case"] * normal(rng, len(agency))


def _origin(settings: dict, traits: Traits, uniform: np.ndarray) -> np.ndarray:
    weights = np.array([settings["regions"][code] for code in sorted(settings["regions"], key=int)])[traits.region - 1]
    weights = np.where((traits.kind == LABOUR)[:, None], weights * np.array(settings["labour"]), weights)
    return 1 + pick(weights, uniform)


def _suspects(settings: dict, victims: np.ndarray, effect: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    mean = settings["mean"] * np.exp(settings["victims"] * np.log(victims) + settings["effect"] * effect)
    return negative_binomial(mean, settings["dispersion"], settings["most"], open_uniform(rng, len(victims)))


def _came_to_light(settings: dict, agency: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    named = (agency[WAYS] == YES).to_numpy()
    weights = np.array(settings["shares"]) * np.where(named, settings["named"], 1.0)
    return 1 + pick(weights, rng.random(len(agency)))


def _network(settings: dict, linked: np.ndarray, effect: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Links of cases to networks, only in agencies that report any."""
    chance = np.zeros(len(linked))
    chance[linked] = chances(settings["effect"] * effect[linked], settings["share"])
    return np.where(rng.random(len(chance)) < chance, YES, NO)


def _prosecution(
    settings: dict, book: Codebook, suspects: np.ndarray, traits: Traits, open_: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Charges, court, outcome and convictions; nobody is charged in a case without a suspect."""
    n, spec = len(suspects), settings["prosecution"]
    charged, tried = {}, {}
    for court in ("state", "federal"):
        slopes = settings["charges"][court]
        latent = slopes["level"] + slopes["effect"] * traits.effect + slopes["task_force"] * traits.task_force
        latent = latent + slopes["suspects"] * np.log1p(suspects)
        charged[court] = (suspects > 0) & (rng.random(n) < expit(latent))
        tried[court] = charged[court] & (rng.random(n) < spec[court])
    courts = np.where(tried["state"], np.where(tried["federal"], BOTH_COURTS, STATE_COURT), FEDERAL_COURT)
    prosecuted = tried["state"] | tried["federal"]
    uniform = rng.random(n)
    shares = {key: np.where(open_, spec["open"][key], spec["closed"][key]) for key in ("convicted", "acquitted")}
    outcome = np.where(uniform < shares["convicted"] + shares["acquitted"], ACQUITTED, PENDING)
    outcome = np.where(uniform < shares["convicted"], CONVICTED, outcome)
    more = binomial(np.maximum(suspects - 1, 0), spec["suspects"], rng)
    answers = {"q13_outcome": outcome, "q14_convicted": np.where(outcome == CONVICTED, 1 + more, 0)}
    return {
        "q10_state_charges": np.where(charged["state"], YES, NO),
        "q11_federal_charges": np.where(charged["federal"], YES, NO),
        "q12_prosecuted": np.where(prosecuted, courts, NOT_PROSECUTED),
    } | where_asked(book, answers, prosecuted)
