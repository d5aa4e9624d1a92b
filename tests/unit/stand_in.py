"""The committed stand-in, ingested, cleaned and weighted as the rules do it, for tests of the sections."""

from functools import cache
from pathlib import Path

import pandas as pd

from agency_survey import cleaning, codebook, ingest, national_survey, schema, settings
from agency_survey.design import SurveyDesign

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "frame": "frame/frame.csv",
    "disposition": "raw/disposition.csv",
    "part1": "raw/part1.csv",
    "part2": "raw/part2.csv",
    "part3": "raw/part3.csv",
}
DESIGN = schema.load(ROOT / "config/sample_design.yaml", "sample_design")
CONFIG = settings.load(ROOT / "config/config.yaml")


@cache
def _cleaned() -> cleaning.Cleaned:
    books = codebook.load_survey(ROOT / "config/codebooks")
    text, rows = {}, {}
    for name, file in FILES.items():
        text[name], source = ingest.read_source(ROOT / "data" / file, books[name])
        rows[name] = source.windows_1252
    return cleaning.clean(text, books, windows_1252=rows)


def table(name: str) -> pd.DataFrame:
    """Cleaned table of a raw file."""
    return _cleaned().tables[name]


@cache
def sample() -> pd.DataFrame:
    """One row a mailed survey with its weights."""
    return national_survey.weigh(table("frame"), table("disposition"), DESIGN, CONFIG)[0]


@cache
def respondents() -> tuple[pd.DataFrame, SurveyDesign]:
    """Respondents with their answers, and their design."""
    return national_survey.respondents(sample(), table("part1"))
