"""Parts II and III of the committed stand-in as the rules weigh them, and its truth, for tests of chapters 7 and 8."""

from functools import cache

import pandas as pd
import stand_in
import standin_tables

from agency_survey import codebook, national_survey
from agency_survey.design import SurveyDesign
from agency_survey.sections import cases

SETTINGS = {key: stand_in.CONFIG[key] for key in ("confidence_level", "population_classes", "reliability")}


@cache
def weights() -> dict[str, pd.DataFrame]:
    """Follow-up weights, 'part2' and 'part3'."""
    tables = (stand_in.table(name) for name in ("part1", "part2", "part3"))
    smallest = stand_in.CONFIG["nonresponse"]["smallest_class"]
    return {
        name: part for name, (part, _) in national_survey.follow_up_parts(stand_in.sample(), *tables, smallest).items()
    }


@cache
def agencies() -> tuple[pd.DataFrame, SurveyDesign]:
    """Rows and design of Part II."""
    return national_survey.part2_respondents(stand_in.sample(), weights()["part2"], stand_in.table("part2"))


@cache
def described(population: str = "described") -> tuple[pd.DataFrame, SurveyDesign]:
    """Rows and design of Part III."""
    return national_survey.cases(stand_in.sample(), weights()["part3"], stand_in.table("part3"), population)


@cache
def kinds() -> pd.DataFrame:
    """What each agency with answers to Part II investigated."""
    return cases.investigated(stand_in.table("part2"), stand_in.table("part1"))


def book(name: str) -> codebook.Codebook:
    """Codebook of a file."""
    return codebook.load(stand_in.ROOT / f"config/codebooks/{name}.yaml")


@cache
def truth() -> dict[str, pd.DataFrame]:
    """True answers of all agencies in operation with a case: 'agencies' (Part II) and 'cases' (Part III), as codes."""
    world = standin_tables.world()
    working = world["population"].loc[world["population"]["in_operation"] == 1, "agency_id"]
    return {
        "agencies": world["investigations"][world["investigations"]["agency_id"].isin(working)],
        "cases": world["cases"][world["cases"]["agency_id"].isin(working)],
    }
