"""The stand-in's settings and its tables without faults, made once for all tests."""

from functools import cache
from pathlib import Path

import pandas as pd

from agency_survey import codebook, standin

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"


@cache
def settings() -> dict:
    return standin.read_settings(CONFIG / "standin.yaml", CONFIG / "sample_design.yaml")


@cache
def counts() -> pd.DataFrame:
    return pd.read_csv(ROOT / "data/published/frame_counts.csv")


@cache
def books() -> dict[str, codebook.Codebook]:
    """All five codebooks of the survey."""
    return codebook.load_survey(CONFIG / "codebooks")


def parts() -> dict[str, codebook.Codebook]:
    return {name: books()[name] for name in standin.PARTS}


@cache
def world() -> dict[str, pd.DataFrame]:
    return standin.world(settings(), counts(), parts(), settings()["seed"])
