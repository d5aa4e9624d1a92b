"""What every agency has done to prepare: training, protocol, personnel, assignment of cases, knowledge of the law."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from agency_survey.codebook import Codebook
from agency_survey.standin.perceptions import perceived
from agency_survey.standin.tools import (
    DONT_KNOW,
    NO,
    YES,
    chances,
    log_size,
    logistic,
    normal,
    open_uniform,
    score,
    top,
    where_asked,
)

UNIT, DESIGNATED, NEITHER = 1, 2, 3


def true_preparation(
    settings: dict, frame: pd.DataFrame, truth: pd.DataFrame, book: Codebook, rng: np.random.Generator
) -> pd.DataFrame:
    """Questions 6 to 12 of Part I; the shares with training, protocol and personnel are exact for local agencies.

    Perception raises training, both raise protocols, and all three the chance of special personnel.
    """
    n = len(frame)
    local = ((frame["agency_type"] != 3) & (truth["in_operation"] == YES)).to_numpy()
    measures = {"size": log_size(frame), "perceived": perceived(truth), "readiness": normal(rng, n)}
    measures["named_source"] = (truth["q5e_training"] == YES).to_numpy()
    for step in ("training", "protocol", "personnel"):
        latent = score(settings[step]["slopes"], frame, measures) + logistic(rng, n)
        measures[step] = top(latent, settings[step]["share"], local)
    trained, unit = measures["training"], _unit(settings["personnel"]["unit"], measures, rng)
    personnel = np.where(unit, UNIT, np.where(measures["personnel"], DESIGNATED, NEITHER))
    return pd.DataFrame(
        {"q6_training": np.where(trained, YES, NO)}
        | where_asked(book, _forms(settings["forms"], measures, rng), trained)
        | where_asked(book, {"q7_training_hours": _hours(settings["hours"], measures, rng)}, trained)
        | where_asked(
            book, {"q8_officers_trained": _officers_trained(settings["officers_trained"], measures, rng)}, trained
        )
        | {"q9_protocol": np.where(measures["protocol"], YES, NO), "q10_personnel": personnel}
        | {"q11_assigned_to": _assigned_to(settings["assigned_to"], measures["size"], unit, rng)}
        | {"q12_state_law": _state_law(settings["state_law"], measures, rng)}
    )


def _unit(settings: dict, measures: dict, rng: np.random.Generator) -> np.ndarray:
    """Which agencies with special personnel have a unit."""
    chance = np.zeros(len(measures["size"]))
    own = measures["personnel"]
    chance[own] = chances(settings["size"] * measures["size"][own], settings["share"])
    return rng.random(len(chance)) < chance


def _forms(settings: dict, measures: dict, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Forms of training; in-service training where none of the others was drawn."""
    own, answers = measures["training"], {}
    for name, spec in settings.items():
        latent = spec["size"] * measures["size"] + spec["readiness"] * measures["readiness"]
        chance = np.zeros(len(own))
        chance[own] = chances(latent[own], spec["share"])
        answers[name] = np.where(rng.random(len(own)) < chance, YES, NO)
    none = (np.array(list(answers.values())) == NO).all(axis=0)
    return answers | {"q6c_in_service": np.where(none, YES, answers["q6c_in_service"])}


def _hours(settings: dict, measures: dict, rng: np.random.Generator) -> np.ndarray:
    latent = settings["size"] * measures["size"] + settings["readiness"] * measures["readiness"]
    hours = settings["median"] * np.exp(latent + settings["spread"] * normal(rng, len(latent)))
    return np.clip(np.rint(hours), 1, settings["most"]).astype(int)


def _officers_trained(settings: dict, measures: dict, rng: np.random.Generator) -> np.ndarray:
    """Percent of officers, at least 1; many answers are rounded to fives."""
    latent = settings["level"] + settings["size"] * measures["size"] + settings["readiness"] * measures["readiness"]
    percent = np.rint(100 * expit(latent + settings["spread"] * normal(rng, len(latent))))
    fives = rng.random(len(latent)) < settings["rounded"]
    return np.clip(np.where(fives, 5 * np.rint(percent / 5), percent), 1, 100).astype(int)


def _assigned_to(settings: dict, size: np.ndarray, unit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Multinomial logit: the answer with the largest utility (Gumbel noise)."""
    codes = np.array([int(code) for code in settings])
    level, slope, with_unit = (np.array([spec[key] for spec in settings.values()]) for key in ("level", "size", "unit"))
    utility = level + size[:, None] * slope + unit[:, None] * with_unit
    return codes[np.argmax(utility - np.log(-np.log(open_uniform(rng, utility.shape))), axis=1)]


def _state_law(settings: dict, measures: dict, rng: np.random.Generator) -> np.ndarray:
    latent = settings["training"] * measures["training"] + settings["size"] * measures["size"]
    unknown = rng.random(len(latent)) < chances(latent, settings["dont_know"])
    denies = rng.random(len(latent)) < settings["denies"] / (1 - settings["dont_know"])
    return np.where(unknown, DONT_KNOW, np.where(denies, NO, YES))
