"""Appendix B, the cleaning audit: the wording that follows the results."""

from __future__ import annotations

import math

import pandas as pd

from agency_survey import ledger, wording
from agency_survey.codebook import Codebook
from agency_survey.ledger import num
from agency_survey.sections import cleaning_audit as section
from agency_survey.sections.cleaning_audit import Scored
from agency_survey.tables import NOISE

PREFIX = "cleaning"
NAMES = {
    "frame": "Frame",
    "disposition": "Dispositions",
    "part1": "Part I",
    "part2": "Part II",
    "part3": "Part III",
}
ALPHA = 0.05


def _num(ident: str, field: str = "") -> str:
    return num(f"{PREFIX}.{ident}", field)


def findings(records: pd.DataFrame, rules: pd.DataFrame) -> str:
    """What came in, what was done, and what is open."""
    parts = records[records["name"].str.startswith("part")]
    why = []
    if count := int(parts["second_returns"].sum()):
        why.append(
            f"{_num('second-returns')} {plural(count, 'second return was', 'second returns were')} merged into the one "
            "kept"
        )
    if aside := int(parts["set_aside"].sum()):
        why.append(
            f"{_num('set-aside')} {plural(aside, 'record was', 'records were')} set aside until a person has answered"
        )
    text = (
        f"The three parts of the questionnaire came in with {_num('records.in.all')} records and went on with "
        f"{_num('records.out.all')}{': ' + ' and '.join(why) if why else ''}. "
    )
    if count := int(rules["changes"].sum()):
        text += (
            f"Cleaning made {_num('changes')} {plural(count, 'change', 'changes')}, as many as {_num('changes.share')} "
            f"of the {_num('cells')} cells. "
        )
    else:
        text += "Cleaning changed nothing. "
    if count := int(rules["queries"].sum()):
        text += (
            f"{_num('queries')} {plural(count, 'cell or record waits', 'cells or records wait')} for an answer "
            f"({_num('queries.share')}), and until then "
            f"{plural(count, 'is', 'are')} read as missing or left out."
        )
    else:
        text += "No question is open."
    return text + "\n"


def plural(count: int, one: str, many: str) -> str:
    """The words for one, or for none and several."""
    return one if count == 1 else many


def corrections(log: pd.DataFrame, books: dict[str, Codebook]) -> str:
    """How many entries of the register were applied, and to which variables."""
    applied = log[log["rule"].str.startswith(section.CORRECTION)]
    if applied.empty:
        return "The register has no entries: every value in the report is as returned or as a rule left it.\n"
    counts = applied.assign(name=applied["file"].str.split(".").str[0]).groupby(["name", "variable"], sort=False).size()
    listed = [
        f"{NAMES[name]}, {label[:1].lower()}{label[1:]} ({count:,})"
        for (name, variable), count in counts.items()
        for label in [books[name].variables[variable].label]
    ]
    return (
        f"{_num('corrections')} {plural(len(applied), 'entry was', 'entries were')} applied, after the edit rules: "
        f"{wording.joined(listed)}. What was decided, on what evidence and by whom is in the register.\n"
    )


def effect_paragraph(moved: pd.DataFrame) -> str:
    """Which estimates moved, the largest moves, and whether they are more than chance."""
    shown = moved[moved["difference"].notna()]
    if shown.empty:
        return ledger.UNCERTAIN
    if not shown["differ"].any():
        if moved["differ"].any():
            return "Cleaning moves none of the estimates that are certain enough to be shown.\n"
        return "Cleaning moves none of the estimates: no record enters any of them with another answer.\n"
    text = ""
    label, size = section.largest_share(shown)
    if size > NOISE:
        text += f"The share that cleaning moves most is {_small(label)} (by {_num('largest.share')}). "
    elif math.isfinite(size):
        text += "Cleaning moves none of the shares. "
    label, size = section.largest_in_errors(shown)
    if size > NOISE:
        key = shown.loc[shown["label"] == label, "key"].iloc[0]
        text += (
            f"Against its own standard error, it moves {_small(label)} most: from {_num(key + '.returned')} to "
            f"{_num(key + '.cleaned')}, by {_num('largest.errors')} standard errors. "
        )
    sure = shown[shown["p"] < ALPHA]
    if len(sure):
        listed = wording.joined([_small(one) for one in sure["label"]])
        verb = plural(len(sure), "differs", "differ")
        text += f"At the {100 * ALPHA:g} percent level, {listed} {verb} from what the data as returned say."
    else:
        text += f"No difference is significant at the {100 * ALPHA:g} percent level."
    return text.strip() + "\n"


def _small(label: str) -> str:
    return f"“{label}”"


def score_paragraph(found: Scored) -> str:
    """The score in a sentence or two, or why there is none."""
    if found.score is None:
        return f"{found.reason} So @tbl-cleaning-score has no counts.\n"
    kinds, altered = found.score.kinds, len(found.score.altered)
    text = (
        f"The generator of the stand-in put {_num('score.injected')} faults of {_num('score.kinds')} kinds into the "
        f"files and listed them. The rules repaired {_num('score.repaired')} and put {_num('score.queried')} on the "
        f"list of queries, together {_num('score.share')}. "
    )
    silent, wrong = int(kinds["silent"].sum()), int(kinds["wrong"].sum())
    text += "None passed in silence, " if not silent else f"{_num('score.silent')} passed in silence, "
    text += (
        "and none was changed to a wrong value. " if not wrong else f"and {_num('score.wrong')} became a wrong value. "
    )
    text += "No valid value was altered" if not altered else f"Valid values altered: {_num('score.altered')}"
    if len(found.score.pending):
        text += (
            f"; {_num('score.pending')} valid values are read as missing until a query is answered: where answers "
            "contradict each other, all of them are in doubt"
        )
    return text + ".\n"
