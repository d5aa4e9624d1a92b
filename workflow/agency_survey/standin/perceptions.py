"""How common every agency's leader thinks trafficking is, and where that picture comes from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, ndtri

from agency_survey.standin.tools import (
    DONT_KNOW,
    NO,
    YES,
    Streams,
    bisect,
    by_code,
    chances,
    frame_shift,
    log_size,
    normal,
    quantiles,
)

RATINGS = {
    "sex_residents": "q1_sex_residents",
    "sex_foreign_nationals": "q2_sex_foreign_nationals",
    "labour_residents": "q3_labour_residents",
    "labour_foreign_nationals": "q4_labour_foreign_nationals",
}
SOURCES = {
    "own_cases": "q5a_own_cases",
    "other_agencies": "q5b_other_agencies",
    "federal_agencies": "q5c_federal_agencies",
    "service_organisations": "q5d_service_organisations",
    "training": "q5e_training",
    "media": "q5f_media",
}
NON_EXISTENT = 4


def make_truth(settings: dict, frame: pd.DataFrame, streams: Streams) -> pd.DataFrame:
    """Every agency's true state: in operation or closed, awareness (standard normal), true answers by raw code."""
    rng = streams("truth")
    closed = by_code(settings["response"]["out_of_business"], frame["population_class"])
    partner = frame["task_force_partner"].to_numpy() == YES
    open_ = partner | (rng.random(len(frame)) >= closed)
    awareness = normal(rng, len(frame))
    truth = pd.DataFrame({"agency_id": frame["agency_id"], "in_operation": np.where(open_, YES, NO)})
    truth["awareness"] = awareness.round(4)
    shape = settings["perceptions"]
    ratings = true_ratings(shape, frame, awareness, open_, streams("ratings"))
    sources = true_sources(shape["sources"], frame, awareness, streams("sources"))
    return pd.concat([truth, ratings, sources], axis=1)


def true_ratings(
    settings: dict, frame: pd.DataFrame, awareness: np.ndarray, open_: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Ratings of the four forms: 1 widespread, 2 occasional, 3 rare, 4 non-existent, 8 don't know.

    A form's latent perception is shift(frame) + sqrt(r) awareness + sqrt(1 - r) own part; thresholds cut it. They
    are set so that the share of local leaders whose every rating is non-existent meets its target.
    """
    forms = list(RATINGS)
    spec = [settings["forms"][form] for form in forms]
    common = settings["common"]
    latent = np.sqrt(common["ratings"]) * awareness[:, None]
    latent = latent + np.sqrt(1 - common["ratings"]) * normal(rng, (len(frame), len(forms)))
    latent += frame_shift(settings["shifts"], frame)[:, None]
    latent += log_size(frame)[:, None] * np.array([entry["size"] for entry in spec])
    unsure = np.sqrt(common["dont_know"]) * normal(rng, (len(frame), 1))
    unsure = unsure + np.sqrt(1 - common["dont_know"]) * normal(rng, (len(frame), len(forms)))
    dont_know = unsure > -ndtri([entry["dont_know"] for entry in spec])
    ordered = np.sort(latent[open_], axis=0)
    odds = np.array([entry["odds"] for entry in spec])
    local = open_ & (frame["agency_type"] != 3).to_numpy() & ~dont_know.all(axis=1)

    def non_existent(level: float) -> np.ndarray:
        return latent < quantiles(ordered, expit(level + odds))

    def everywhere(level: float) -> float:
        return float((non_existent(level) | dont_know).all(axis=1)[local].mean())

    level = bisect(everywhere, settings["non_existent_everywhere"], -6.0, 6.0)
    none = expit(level + odds)
    rare = none + (1 - none) * [entry["rare"] for entry in spec]
    occasional = rare + (1 - none) * [entry["occasional"] for entry in spec]
    rating = np.full(latent.shape, NON_EXISTENT)
    for share in (none, rare, occasional):
        rating -= latent >= quantiles(ordered, share)
    return pd.DataFrame(np.where(dont_know, DONT_KNOW, rating), columns=list(RATINGS.values()))


def true_sources(settings: dict, frame: pd.DataFrame, awareness: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Whether the leader's picture comes from each source: 1 yes, 2 no."""
    answers = {}
    for source, variable in SOURCES.items():
        spec = settings[source]
        chance = chances(spec["awareness"] * awareness + spec["size"] * log_size(frame), spec["share"])
        answers[variable] = np.where(rng.random(len(frame)) < chance, YES, NO)
    return pd.DataFrame(answers)


def perceived(truth: pd.DataFrame) -> np.ndarray:
    """Highest of the four ratings: 0 sees nothing (or has no opinion), 1 rare, 2 occasional, 3 widespread."""
    return np.maximum(NON_EXISTENT - truth[list(RATINGS.values())].to_numpy(), 0).max(axis=1)
