"""Returned forms: who returns Parts I to III, which items are refused, not known or left out, and what is not asked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey.codebook import Codebook
from agency_survey.standin.cases import NOT_PROSECUTED, OTHER_SETTING
from agency_survey.standin.perceptions import RATINGS, SOURCES
from agency_survey.standin.sample import COMPLETE, MAIL, WEB
from agency_survey.standin.tools import DONT_KNOW, YES, Streams, chances, code, frame_shift, log_size, open_uniform

REFUSED, NOT_ASKED, LEFT_OUT = 7, 9, 99
LEAD, OTHER_RESPONDENT = 1, 2


def make_part1(
    settings: dict,
    frame: pd.DataFrame,
    truth: pd.DataFrame,
    disposition: pd.DataFrame,
    book: Codebook,
    streams: Streams,
) -> pd.DataFrame:
    """Returned Part I forms in order of return: true answers with refused, unknown and left-out items.

    Who has no training or no case is not asked about it; nor is who does not answer whether there is any.
    """
    form = _perceptions(settings, frame, truth, disposition, streams("part1"))
    rng = streams("part1 from question 6")
    at = pd.Index(truth["agency_id"]).get_indexer(form["agency_id"])
    later = [name for name in book.variables if name in truth and name not in form]
    answers = truth.iloc[at][later].reset_index(drop=True)
    answers = with_nonresponse(answers, book, settings["item_nonresponse"]["part1"], rng)
    for gate in ("q6_training", "q13_any_case"):
        items = [name for name in later if _asked_by(book, name, gate)]
        blank_unless(answers, book, items, answers[gate] == YES)
    form["q5g_other_text"] = free_text(settings["texts"]["q5g_other_text"], len(form), rng)
    return pd.concat([form, answers], axis=1)[list(book.variables)]


def _asked_by(book: Codebook, name: str, gate: str) -> bool:
    universe = book.variables[name].universe
    return universe is not None and gate in {reference.name for reference in universe.references}


def _perceptions(
    settings: dict, frame: pd.DataFrame, truth: pd.DataFrame, disposition: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Questions 1 to 5 with refused and left-out items.

    Sources are not asked (code 9) of a leader who has no picture, that is who answers don't know to all four forms.
    """
    done = disposition[disposition["outcome"] == COMPLETE].sort_values(["outcome_on", "agency_id"])
    at = pd.Index(frame["agency_id"]).get_indexer(done["agency_id"])
    ratings = truth[list(RATINGS.values())].to_numpy()[at]
    no_picture = (ratings == DONT_KNOW).all(axis=1)
    answers = np.hstack([ratings, truth[list(SOURCES.values())].to_numpy()[at]])
    shares = settings["perceptions"]["item_nonresponse"]
    uniform = rng.random(answers.shape)
    answers = np.where(uniform < shares["refused"] + shares["missing"], LEFT_OUT, answers)
    answers = np.where(uniform < shares["refused"], REFUSED, answers)
    answers[np.ix_(no_picture, np.arange(len(RATINGS), answers.shape[1]))] = NOT_ASKED
    designee = settings["response"]["designee"]
    chance = chances(designee["slope"] * log_size(frame.iloc[at]), designee["share"])
    form = pd.DataFrame(
        {
            "agency_id": done["agency_id"].to_numpy(),
            "returned_on": done["outcome_on"].to_numpy(),
            "mode": done["mode"].to_numpy(dtype=int),
            "respondent": np.where(rng.random(len(done)) < chance, 2, 1),
        }
    )
    columns = [*RATINGS.values(), *SOURCES.values()]
    return pd.concat([form, pd.DataFrame(answers, columns=columns)], axis=1)


def make_part2(
    settings: dict,
    frame: pd.DataFrame,
    investigations: pd.DataFrame,
    part1: pd.DataFrame,
    book: Codebook,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Returned Part II forms in order of return: a second phase among the agencies whose Part I names a case.

    Whether an agency returns it depends on the frame only.
    """
    spec = settings["investigations"]["returns"]
    asked = part1[part1["q13_any_case"] == YES]
    own = frame.iloc[pd.Index(frame["agency_id"]).get_indexer(asked["agency_id"])]
    slopes = {
        "sheriff": spec["sheriff"],
        "task_force": spec["task_force"],
        "state": 0,
        "metropolitan": 0,
        "regions": {},
    }
    latent = frame_shift(slopes, own) + spec["size"] * log_size(own)
    form = asked[rng.random(len(asked)) < chances(latent, spec["share"])][["agency_id", "returned_on"]]
    n = len(form)
    days = np.floor(spec["first"] - spec["mean"] * np.log(open_uniform(rng, n)))
    days = np.minimum(days, spec["last"]).astype("timedelta64[D]")
    form["returned_on"] = (form["returned_on"].to_numpy(dtype="datetime64[D]") + days).astype(str)
    form["mode"] = np.where(rng.random(n) < spec["web"], WEB, MAIL)
    form["respondent"] = np.where(rng.random(n) < spec["lead_investigator"], LEAD, OTHER_RESPONDENT)
    form["q3h_other_text"] = free_text(settings["texts"]["q3h_other_text"], n, rng)
    form = form.sort_values(["returned_on", "agency_id"], ignore_index=True)
    answers = investigations.set_index("agency_id").loc[form["agency_id"]].reset_index(drop=True)
    answers = with_nonresponse(answers, book, settings["item_nonresponse"]["part2"], rng)
    links = [name for name in answers if _asked_by(book, name, "q6_networks")]
    blank_unless(answers, book, links, answers["q6_networks"] == YES)
    return pd.concat([form, answers], axis=1)[list(book.variables)]


def make_part3(
    settings: dict,
    frame: pd.DataFrame,
    cases: pd.DataFrame,
    part2: pd.DataFrame,
    book: Codebook,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Returned case forms by agency and case, from agencies that returned Part II; whether depends on the frame only."""
    spec = settings["cases"]["returns"]
    own = frame.iloc[pd.Index(frame["agency_id"]).get_indexer(part2["agency_id"])]
    describes = part2["agency_id"][rng.random(len(part2)) < chances(spec["size"] * log_size(own), spec["share"])]
    described = cases["agency_id"].isin(describes).to_numpy()
    rows = cases[described].reset_index(drop=True)
    rows = rows[rng.random(len(rows)) < spec["case"]]
    rows = rows.sort_values(["agency_id", "case_number"], ignore_index=True)
    answers = with_nonresponse(rows.drop(columns="case_number"), book, settings["item_nonresponse"]["part3"], rng)
    other = answers["q2_setting"] == OTHER_SETTING
    in_words = free_text(settings["texts"]["q2a_other_setting"], len(rows), rng)
    answers["q2a_other_setting"] = np.where(other, in_words, "")
    foreign = answers["q5_foreign"].between(1, book.variables["q5_foreign"].range[1])
    blank_unless(answers, book, ["q5a_origin"], foreign)
    prosecuted = answers["q12_prosecuted"].between(1, NOT_PROSECUTED - 1)
    blank_unless(answers, book, ["q13_outcome", "q14_convicted"], prosecuted)
    answers["opened_on"] = answers["opened_on"].to_numpy(dtype="datetime64[D]").astype(str)
    closed = answers["closed_on"].to_numpy(dtype="datetime64[D]")
    answers["closed_on"] = np.where(np.isnat(closed), "", closed.astype(str))
    return answers.assign(case_number=rows["case_number"])[list(book.variables)]


def with_nonresponse(answers: pd.DataFrame, book: Codebook, shares: dict, rng: np.random.Generator) -> pd.DataFrame:
    """Answers of which some are refused, not known or left out; those to questions not asked are untouched.

    shares : refused, dont_know, missing, and dont_know of counts.
    """
    answers = answers.copy()
    for name in answers:
        variable = book.variables[name]
        if variable.missing_code("refused") is None:
            continue
        dont_know = shares["count_dont_know" if variable.type == "integer" else "dont_know"]
        uniform, value = rng.random(len(answers)), answers[name].to_numpy()
        limits = np.cumsum([shares["refused"], dont_know, shares["missing"]])
        new = value.copy()
        for kind, limit in reversed(list(zip(("refused", "dont_know", "missing"), limits, strict=True))):
            new = np.where(uniform < limit, code(book, name, kind), new)
        not_asked = value == code(book, name, "not_asked")
        answers[name] = np.where(not_asked, value, new)
    return answers


def blank_unless(answers: pd.DataFrame, book: Codebook, names: list[str], asked: pd.Series) -> None:
    """Put the code for not asked into rows that are not asked."""
    for name in names:
        answers[name] = np.where(asked, answers[name], code(book, name, "not_asked"))


def free_text(settings: dict, n: int, rng: np.random.Generator) -> np.ndarray:
    """Texts for a share of the forms, nothing for the others."""
    uniform, texts = rng.random((2, n)), np.array(settings["texts"], dtype=object)
    return np.where(uniform[0] < settings["share"], texts[(uniform[1] * len(texts)).astype(int)], "")
