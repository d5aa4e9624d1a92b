"""The committed stand-in, ingested and weighted as the rules do it, for tests of the sections."""

from functools import cache
from pathlib import Path

import pandas as pd

from agency_survey import codebook, ingest, national_survey, schema, settings
from agency_survey.design import SurveyDesign

ROOT = Path(__file__).resolve().parents[2]
FILES = {"frame": "frame/frame.csv", "disposition": "raw/disposition.csv", "part1": "raw/part1.csv"}
DESIGN = schema.load(ROOT / "config/sample_design.yaml", "sample_design")
CONFIG = settings.load(ROOT / "config/config.yaml")


@cache
def table(name: str) -> pd.DataFrame:
    """Typed table of a raw file, every value of which fits its codebook."""
    book = codebook.load(ROOT / f"config/codebooks/{name}.yaml")
    found, misfits = ingest.typed(ingest.read_raw(ROOT / "data" / FILES[name], book), book)
    assert misfits.empty, misfits
    return found.reset_index(drop=True)


@cache
def sample() -> pd.DataFrame:
    """One row a mailed survey with its weights."""
    return national_survey.weigh(table("frame"), table("disposition"), DESIGN, CONFIG)[0]


@cache
def respondents() -> tuple[pd.DataFrame, SurveyDesign]:
    """Respondents with their answers, and their design."""
    return national_survey.respondents(sample(), table("part1"))
