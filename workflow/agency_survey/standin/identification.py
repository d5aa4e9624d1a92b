"""Whether every agency investigated a case of trafficking from 2000 to 2006, how many, and of which type."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from agency_survey.codebook import Codebook
from agency_survey.standin.perceptions import perceived
from agency_survey.standin.preparation import NEITHER
from agency_survey.standin.tools import (
    NO,
    YES,
    by_code,
    log_size,
    logistic,
    negative_binomial,
    normal,
    open_uniform,
    score,
    top,
    where_asked,
)


def true_identification(
    settings: dict, frame: pd.DataFrame, truth: pd.DataFrame, book: Codebook, rng: np.random.Generator
) -> pd.DataFrame:
    """Questions 13 to 15 of Part I, and ``effect``, the agency's own normal part in all its answers on cases.

    The share of local agencies with a case and that of one type only among agencies with several are exact.
    """
    n = len(frame)
    working = (truth["in_operation"] == YES).to_numpy()
    local = working & (frame["agency_type"] != 3).to_numpy()
    measures = {
        "size": log_size(frame),
        "perceived": perceived(truth),
        "training": (truth["q6_training"] == YES).to_numpy(),
        "protocol": (truth["q9_protocol"] == YES).to_numpy(),
        "personnel": (truth["q10_personnel"] != NEITHER).to_numpy(),
        "own_cases": (truth["q5a_own_cases"] == YES).to_numpy(),
        "task_force": (frame["task_force_partner"] == YES).to_numpy(),
        "effect": normal(rng, n).round(4),
    }
    any_case = top(
        score(settings["any_case"]["slopes"], frame, measures) + logistic(rng, n), settings["any_case"]["share"], local
    )
    cases = _cases(settings["cases"], measures, open_uniform(rng, n))
    sex = _sex_cases(settings["types"], frame, measures["size"], cases, any_case & working, rng)
    numbers = {"q14_cases": cases, "q15a_sex_cases": sex, "q15b_labour_cases": cases - sex}
    return pd.DataFrame(
        {"q13_any_case": np.where(any_case, YES, NO)}
        | where_asked(book, numbers, any_case)
        | {"effect": measures["effect"]}
    )


def _cases(settings: dict, measures: dict, uniform: np.ndarray) -> np.ndarray:
    slopes = {name: slope for name, slope in settings.items() if name in measures}
    mean = settings["mean"] * np.exp(sum(slope * measures[name] for name, slope in slopes.items()))
    return negative_binomial(mean, settings["dispersion"], settings["most"], uniform, positive=True)


def _sex_cases(
    settings: dict, frame: pd.DataFrame, size: np.ndarray, cases: np.ndarray, own: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Number of sex trafficking cases: all or none of those of one type, at least one of each of those with both."""
    n, several = len(cases), cases > 1
    latent = settings["both_size"] * size + settings["both_cases"] * np.log(cases) + logistic(rng, n)
    both = several & top(latent, 1 - settings["one_type"], several & own)
    shift = settings["sex_metropolitan"] * (frame["metropolitan"] == YES)
    shift = (shift + by_code(settings["sex_regions"], frame["region"])).to_numpy()
    only_sex = logistic(rng, n) < np.log(settings["sex"] / (1 - settings["sex"])) + shift - shift[own].mean()
    odds = np.log(settings["sex_of_both"] / (1 - settings["sex_of_both"]))
    share = expit(odds + settings["spread_of_both"] * normal(rng, n))
    mixed = np.clip(np.rint(share * cases), 1, np.maximum(cases - 1, 1)).astype(int)
    return np.where(both, mixed, np.where(only_sex, cases, 0))
