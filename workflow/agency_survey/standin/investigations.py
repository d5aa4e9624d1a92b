"""Part II for every agency with a case: cases by year, how they came to light, strategies, partners, networks, challenges."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from agency_survey.codebook import Codebook
from agency_survey.standin.tools import (
    NO,
    YES,
    binomial,
    chances,
    log_size,
    logistic,
    negative_binomial,
    normal,
    open_uniform,
    top,
    where_asked,
)

YEARS = range(2000, 2007)
BY_YEAR = {
    "sex": [f"q1_sex_{year}" for year in YEARS],
    "labour": [f"q2_labour_{year}" for year in YEARS],
}


def true_investigations(
    settings: dict, frame: pd.DataFrame, truth: pd.DataFrame, book: Codebook, rng: np.random.Generator
) -> pd.DataFrame:
    """True answers to Part II, one row an agency with a case, in the order of the frame.

    The share that report links to networks is exact among the agencies in operation.
    """
    own = (truth["q13_any_case"] == YES).to_numpy()
    frame, truth = frame[own].reset_index(drop=True), truth[own].reset_index(drop=True)
    measures = {
        "effect": truth["effect"].to_numpy(),
        "size": log_size(frame),
        "task_force": (frame["task_force_partner"] == YES).to_numpy(),
        "sex": (truth["q15a_sex_cases"] > 0).to_numpy(),
        "labour": (truth["q15b_labour_cases"] > 0).to_numpy(),
    }
    cases = truth["q14_cases"].to_numpy()
    years = _by_year(settings["years"], truth["q15a_sex_cases"].to_numpy(), BY_YEAR["sex"], rng)
    years |= _by_year(settings["years"], truth["q15b_labour_cases"].to_numpy(), BY_YEAR["labour"], rng)
    answers = {name: _yes_no(spec, measures, rng) for name, spec in settings["answers"].items()}
    networks = _networks(settings["networks"], measures, (truth["in_operation"] == YES).to_numpy(), rng)
    ways = [name for name in answers if name.startswith("q3")]
    links = [name for name in answers if name.startswith("q6")]
    _one_at_least(answers, ways, np.full(len(cases), 0))
    _one_at_least(answers, links, np.where(measures["sex"], 1, 2))
    asked = where_asked(book, {name: answers.pop(name) for name in links}, networks)
    counts = _counts(settings["counts"], cases, measures["effect"], rng)
    both = measures["sex"] & measures["labour"]
    share = truth["q15a_sex_cases"].to_numpy() / cases
    more_time = where_asked(book, {"q12_more_time": _more_time(settings["more_time"], share, both, rng)}, both)
    challenges = _challenges(settings["challenges"], measures["effect"], rng)
    columns = years | answers | {"q6_networks": np.where(networks, YES, NO)} | asked | challenges | counts | more_time
    table = pd.DataFrame({"agency_id": truth["agency_id"], **columns})
    return table[[name for name in book.variables if name in table]]


def _by_year(shares: list[float], cases: np.ndarray, names: list[str], rng: np.random.Generator) -> dict:
    """Each case falls into a year with the chances ``shares``."""
    agency = np.repeat(np.arange(len(cases)), cases)
    year = np.searchsorted(np.cumsum(shares)[:-1], rng.random(len(agency)) * sum(shares), side="right")
    table = np.bincount(agency * len(names) + year, minlength=len(cases) * len(names)).reshape(len(cases), -1)
    return dict(zip(names, table.T, strict=True))


def _yes_no(spec: dict, measures: dict, rng: np.random.Generator) -> np.ndarray:
    latent = sum(slope * measures[name] for name, slope in spec.items() if name != "share")
    return np.where(rng.random(len(latent)) < chances(latent, spec["share"]), YES, NO)


def _networks(settings: dict, measures: dict, working: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    latent = sum(slope * measures[name] for name, slope in settings.items() if name != "share")
    return top(latent + logistic(rng, len(working)), settings["share"], working)


def _one_at_least(answers: dict[str, np.ndarray], names: list[str], default: np.ndarray) -> None:
    """Where all of the answers are no, the one at the place ``default`` becomes yes."""
    none = (np.array([answers[name] for name in names]) == NO).all(axis=0)
    for place, name in enumerate(names):
        answers[name] = np.where(none & (default == place), YES, answers[name])


def _challenges(settings: dict, effect: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Ratings 1 to 4: a latent normal rating cut so that the shares hold in expectation."""
    common, answers = normal(rng, len(effect)), {}
    for name, spec in settings.items():
        own = np.sqrt(0.3) * common + np.sqrt(0.7) * normal(rng, len(effect))
        latent = (own + spec["effect"] * effect) / np.sqrt(1 + spec["effect"] ** 2)
        answers[name] = 1 + (latent[:, None] >= ndtri(np.cumsum(spec["shares"]))).sum(axis=1)
    return answers


def _counts(settings: dict, cases: np.ndarray, effect: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Victims certified, arrests, and T visas of certified victims."""
    answers = {}
    for name in ("q9_certified", "q11_arrests"):
        spec = settings[name]
        mean = spec["per_case"] * cases * np.exp(spec["effect"] * effect)
        answers[name] = negative_binomial(mean, spec["dispersion"], spec["most"], open_uniform(rng, len(cases)))
    return answers | {"q10_t_visas": binomial(answers["q9_certified"], settings["q10_t_visas"]["share"], rng)}


def _more_time(settings: dict, share: np.ndarray, both: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """1 sex, 2 labor, 3 about the same, for agencies with both types."""
    if not both.any():
        return np.full(len(share), 3)
    latent = settings["share_of_sex"] * (share - share[both].mean()) + logistic(rng, len(share))
    sex = top(latent, settings["sex"], both)
    return np.where(sex, 1, np.where(top(-latent, settings["labour"], both), 2, 3))
