"""The national survey of 2007: sampled agencies with inclusion probabilities, dispositions and every weight factor."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey.design import SurveyDesign, survey_design
from agency_survey.errors import InputError
from agency_survey.ingest import require_labels, require_values
from agency_survey.weights import (
    base_weight,
    collapsed_classes,
    inclusion_probability,
    nonresponse_factor,
    poststratification_factor,
)

COMPLETE = "Complete"
INELIGIBLE = "Ineligible, agency closed"
OUTCOMES = [COMPLETE, "Partial", "Refusal", "No contact", "Undeliverable", INELIGIBLE]
STATE = "State agency"
TYPES = ["Municipal police", "Sheriff's office", STATE]
CLASSES = [
    "Under 2,500",
    "2,500 to 9,999",
    "10,000 to 24,999",
    "25,000 to 49,999",
    "50,000 to 75,000",
    "75,001 to 99,999",
    "100,000 to 249,999",
    "250,000 to 499,999",
    "500,000 to 999,999",
    "1,000,000 or more",
]
SOURCES = ["Random sample", "Supplement, over 75,000 people", "Supplement, task-force partner"]
PARTNER = "Yes"
FRAME_LABELS = {"agency_type": TYPES, "population_class": CLASSES, "task_force_partner": [PARTNER, "No"]}
MODULE = "workflow/agency_survey/national_survey.py"


def sampled_agencies(frame: pd.DataFrame, disposition: pd.DataFrame, design: dict, smallest: int) -> pd.DataFrame:
    """One row a mailed survey: frame variables, disposition, and the factors whose product is the final weight.

    frame, disposition : typed tables of ``ingest``; design : ``config/sample_design.yaml``; smallest : respondents that a
    weighting class must have. Agencies above the population threshold and task-force partners are certainties,
    whichever source brought them in; others have probability n / N of the random sample in their stratum. Factors:
    base_weight = 1 / probability; poststratification to the frame's count of the stratum by certainty (given its
    realised size, the sample of the others in a stratum is simple random); nonresponse by weighting classes.
    ``cell`` is the stratum for variances, ``cell_population`` its N (the sum of its final weights).
    Raises InputError for other labels than ``FRAME_LABELS`` and ``OUTCOMES``, a design variable without a valid value,
    a disposition whose agency is not in the frame, a certainty without a disposition, and another number of dispositions
    than was mailed.
    """
    _check(frame, disposition)
    frame = frame.assign(certainty=certainty(frame, design["population_threshold"]))
    stratum = _stratum(frame)
    frame = frame.assign(
        sampling_stratum=stratum, inclusion_probability=_probability(frame, stratum, design["random_sample"])
    )
    sample = disposition.merge(frame, on="agency_id", how="left", suffixes=("", "_frame"), validate="one_to_one")
    lost = sample["sampling_stratum"].isna()
    if lost.any():
        raise InputError(
            f"The agency {sample.loc[lost, 'agency_id'].iloc[0]} is in the dispositions but not in the frame",
            "data/raw/disposition.csv",
            "Correct its identifier",
        )
    _complete(frame, disposition, design["mailed"])
    sample["certainty"] = sample["certainty"].astype(bool)
    cell = _by_certainty(sample["sampling_stratum"], sample["certainty"])
    counts = _by_certainty(frame["sampling_stratum"], frame["certainty"]).value_counts()
    sample["eligible"] = sample["outcome"] != INELIGIBLE
    sample["responded"] = sample["outcome"] == COMPLETE
    sample["base_weight"] = base_weight(sample["inclusion_probability"])
    sample["poststratification"] = poststratification_factor(sample["base_weight"], cell, counts.astype(float))
    group = sample["agency_type"].astype(str) + np.where(sample["certainty"], ", certainty", ", sampled")
    order = sample["population_class"].cat.codes.to_numpy() + 1
    sample["cell"], _ = collapsed_classes(group, order, sample["responded"], smallest)
    before = sample["base_weight"] * sample["poststratification"]
    sample["nonresponse"] = nonresponse_factor(before, sample["cell"], sample["eligible"], sample["responded"])
    sample["weight"] = before * sample["nonresponse"]
    sample["cell_population"] = sample.groupby("cell")["weight"].transform("sum")
    return sample


def _check(frame: pd.DataFrame, disposition: pd.DataFrame) -> None:
    """Refuse labels that the design does not know, and design variables that are missing or outside the codebook."""
    require_labels(frame, FRAME_LABELS, "config/codebooks/frame.yaml", MODULE)
    require_labels(disposition, {"outcome": OUTCOMES}, "config/codebooks/disposition.yaml", MODULE)
    names = ["agency_id", *FRAME_LABELS, "population"]
    require_values(frame, names, "agency_id", "data/frame/frame.csv", optional=("population",))
    require_values(disposition, ["agency_id", "outcome"], "agency_id", "data/raw/disposition.csv")


def _complete(frame: pd.DataFrame, disposition: pd.DataFrame, mailed: int) -> None:
    """Refuse dispositions that are cut short: another number than was mailed, or a certainty left out."""
    if len(disposition) != mailed:
        raise InputError(
            f"There are {len(disposition):,} dispositions where the sample design says that {mailed:,} were mailed",
            "data/raw/disposition.csv",
            "Complete the file, or correct 'mailed' in config/sample_design.yaml",
        )
    absent = frame[frame["certainty"] & ~frame["agency_id"].isin(disposition["agency_id"])]
    if len(absent):
        raise InputError(
            f"The agency {absent['agency_id'].iloc[0]} is in the sample with certainty but has no disposition"
            + (f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""),
            "data/raw/disposition.csv",
            "Add its disposition",
        )


def certainty(frame: pd.DataFrame, threshold: int) -> pd.Series:
    """Agencies that are in the sample with certainty: above the threshold, or partner of a federal task force."""
    return (frame["population"] > threshold).fillna(False).astype(bool) | (frame["task_force_partner"] == PARTNER)


def _stratum(frame: pd.DataFrame) -> pd.Series:
    return frame["agency_type"].astype(str) + ", " + frame["population_class"].astype(str)


def _probability(frame: pd.DataFrame, stratum: pd.Series, random_sample: dict) -> pd.Series:
    """n / N of the random sample by stratum; 1 for those that a supplement takes in with certainty.

    The allocation's keys count ``TYPES`` and ``CLASSES`` from 1.
    """
    size = stratum.map(stratum.value_counts())
    types = frame["agency_type"].cat.codes + 1
    classes = frame["population_class"].cat.codes + 1
    keys = pd.Series(list(zip(types, classes, strict=True)), index=frame.index)
    drawn = {
        (int(kind), int(group)): count
        for kind, groups in random_sample["allocation"].items()
        for group, count in groups.items()
    }
    missing = sorted(set(keys) - set(drawn))
    if missing:
        raise InputError(
            f"No allocation for agency type {missing[0][0]}, population class {missing[0][1]}",
            "config/sample_design.yaml",
            "Complete random_sample.allocation",
        )
    taken = pd.Series([size[i] if drawn[key] == "all" else drawn[key] for i, key in keys.items()], index=frame.index)
    too_many = taken > size
    if too_many.any():
        raise InputError(
            f"The allocation exceeds the frame's {size[too_many].iloc[0]} agencies in {stratum[too_many].iloc[0]}",
            "config/sample_design.yaml",
            "Lower it, or write 'all'",
        )
    return pd.Series(inclusion_probability([taken / size], frame["certainty"]), index=frame.index)


def _by_certainty(stratum: pd.Series, certain: pd.Series) -> pd.Series:
    return stratum + np.where(certain, ", certainty", "")


def respondents(sample: pd.DataFrame, answers: pd.DataFrame) -> tuple[pd.DataFrame, SurveyDesign]:
    """Responding agencies with their answers to Part I, and their design.

    Raises InputError when a respondent has no answers or an answer comes from an agency that is no respondent.
    """
    rows = sample[sample["responded"]].merge(
        answers, on="agency_id", how="outer", suffixes=("", "_part1"), indicator=True, validate="one_to_one"
    )
    odd = rows["_merge"] != "both"
    if odd.any():
        agency = rows.loc[odd, "agency_id"].iloc[0]
        side = (
            "a completed disposition but no answers"
            if rows.loc[odd, "_merge"].iloc[0] == "left_only"
            else "answers but no completed disposition"
        )
        raise InputError(f"The agency {agency} has {side}", "data/raw/part1.csv", "Correct one of the two files")
    rows = rows.drop(columns="_merge").reset_index(drop=True)
    return rows, survey_design(rows["weight"], rows["cell"], rows["cell_population"])
