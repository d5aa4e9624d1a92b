"""Small tools of the stand-in: streams of uniforms, inverse distribution functions, exact shares."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri

from agency_survey.codebook import Codebook
from agency_survey.errors import InputError

Streams = Callable[[str], np.random.Generator]  # stream of a stage by its name
YES, NO = 1, 2
DONT_KNOW = 8


def values(settings):
    """Settings without their sources: every {source, value} pair becomes its value."""
    if isinstance(settings, dict):
        if set(settings) == {"source", "value"}:
            return values(settings["value"])
        return {key: values(value) for key, value in settings.items()}
    return [values(item) for item in settings] if isinstance(settings, list) else settings


def stream(seed: int, replicate: int, stage: str) -> np.random.Generator:
    """Stream of uniforms of a stage; replicate 0 is the stand-in of the committed files."""
    entropy = [seed, zlib.crc32(stage.encode())] + ([replicate] if replicate else [])
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))


def open_uniform(rng: np.random.Generator, shape) -> np.ndarray:
    """Uniforms in (0, 1), ends excluded."""
    return rng.random(shape) + 2.0**-54


def normal(rng: np.random.Generator, shape) -> np.ndarray:
    return ndtri(open_uniform(rng, shape))


def log_size(frame: pd.DataFrame) -> np.ndarray:
    """log10 of the population over 10,000."""
    return np.log10(frame["population"].to_numpy() / 10_000)


def by_code(table: dict, codes: pd.Series) -> pd.Series:
    """Value of each code, 0 where the table has none."""
    return codes.map({int(code): value for code, value in table.items()}).fillna(0.0)


def choose(weight: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Mark k rows drawn without replacement, one after another, with chances in proportion to ``weight``.

    The k smallest of exponential times with rates ``weight`` are such a draw (Efraimidis and Spirakis 2006).
    """
    if int((weight > 0).sum()) < k:
        raise InputError(f"There are fewer than {k} agencies to choose from", "config/standin.yaml", "Ask for fewer")
    with np.errstate(divide="ignore"):
        time = -np.log(open_uniform(rng, len(weight))) / weight
    chosen = np.zeros(len(weight), dtype=bool)
    chosen[np.argsort(time, kind="stable")[:k]] = True
    return chosen


def chances(score: np.ndarray, share: float) -> np.ndarray:
    """expit(a + score) with the a that makes their mean ``share``."""
    level = bisect(lambda a: float(expit(a + score).mean()), share, -40.0, 40.0)
    return expit(level + score)


def bisect(function, target: float, low: float, high: float) -> float:
    """Argument at which an increasing function meets the target, to the last digit (80 halvings at most)."""
    for _ in range(80):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if function(middle) < target else (low, middle)
    return (low + high) / 2


def quantiles(ordered: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Column by column, the value of the sorted column below which ``share`` of its rows lie."""
    row = np.minimum((share * len(ordered)).astype(int), len(ordered) - 1)
    return ordered[row, np.arange(ordered.shape[1])]


def round_to(expected: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers near ``expected``, scaled to ``total``: the largest remainders are rounded up."""
    scaled = expected * total / expected.sum()
    whole = np.floor(scaled).astype(int)
    up = np.argsort(-(scaled - whole), kind="stable")[: total - whole.sum()]
    whole[up] += 1
    return whole


def frame_shift(settings: dict, frame: pd.DataFrame) -> np.ndarray:
    return (
        settings["sheriff"] * (frame["agency_type"] == 2)
        + settings["state"] * (frame["agency_type"] == 3)
        + settings["task_force"] * (frame["task_force_partner"] == YES)
        + settings["metropolitan"] * (frame["metropolitan"] == YES)
        + by_code(settings["regions"], frame["region"])
    ).to_numpy()


def logistic(rng: np.random.Generator, shape) -> np.ndarray:
    """Standard logistic numbers."""
    return logit(open_uniform(rng, shape))


def score(slopes: dict, frame: pd.DataFrame, measures: dict[str, np.ndarray]) -> np.ndarray:
    """Sum of slopes times measures, and of the shifts by type, task force, location and region."""
    shifts = ("sheriff", "state", "task_force", "metropolitan", "regions")
    return frame_shift(slopes, frame) + sum(slopes[name] * measures[name] for name in slopes if name not in shifts)


def top(latent: np.ndarray, share: float, among: np.ndarray) -> np.ndarray:
    """Rows at or above the level that the share of the rows ``among`` reaches (the nearest whole number of them)."""
    ordered = np.sort(latent[among])
    k = round(share * len(ordered))
    return latent >= (ordered[-k] if k else np.inf)


def pick(weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Column of each row, drawn with chances in proportion to the row's weights."""
    cumulated = np.cumsum(weights, axis=1)
    return (uniform[:, None] * cumulated[:, -1:] >= cumulated).sum(axis=1)


def negative_binomial(
    mean: np.ndarray, dispersion: float, most: int, uniform: np.ndarray, positive=False
) -> np.ndarray:
    """Counts with the mean (variance mean + mean^2 / dispersion) by the inverse distribution function, cut at ``most``.

    positive : truncate at zero; ``mean`` is then that before truncation.
    """
    ratio = mean / (dispersion + mean)
    mass = (1 - ratio) ** dispersion
    level = mass + uniform * (1 - mass) if positive else uniform
    cumulated, count = mass.copy(), np.zeros(len(mean), dtype=np.int64)
    for k in range(1, most + 1):
        beyond = cumulated < level
        if not beyond.any():
            break
        count += beyond
        mass = mass * ratio * (dispersion + k - 1) / k
        cumulated += mass
    return np.maximum(count, 1) if positive else count


def code(book: Codebook, name: str, kind: str) -> int:
    """Code of a kind of missing value of a variable (refused, dont_know, not_asked, missing)."""
    return int(book.variables[name].missing_code(kind))


def where_asked(book: Codebook, answers: dict[str, np.ndarray], asked: np.ndarray) -> dict[str, np.ndarray]:
    """Answers of the rows that are asked, the code for not asked in the others."""
    return {name: np.where(asked, column, code(book, name, "not_asked")) for name, column in answers.items()}


def binomial(number: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """How many of ``number`` persons, each with the chance ``share``."""
    person = np.repeat(np.arange(len(number)), number)
    return np.bincount(person[rng.random(len(person)) < share], minlength=len(number))
