"""Chapter 12: the report's headline findings and its recommendations, worded after what the sections found.

A finding rests on published figures and the numbers that rebuild them (``published_and_rebuilt.compare``), so that what is
said here, its interval and how it stands against what was published have one source.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from agency_survey import ledger
from agency_survey.errors import InputError
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import num
from agency_survey.sections import survey
from agency_survey.sections.builders import ALPHA, HIDDEN, quoted
from agency_survey.tables import Table
from agency_survey.wording import joined

RULE = PREFIX = "conclusions"
HALF = 0.5
ALIKE = "alike in size, place, type, partnership and leader's view"  # what the last model of chapter 6 holds alike
TASK_FORCE_WAYS = ("task-forces.index.regression", "task-forces.index.balanced")


@dataclass(frozen=True)
class Headline:
    """One of the report's headline findings: the figures it rests on, the chapter it is computed in."""

    key: str
    name: str
    figures: tuple[str, ...]
    chapter: str


HEADLINES = [
    Headline("perception", "Agencies see little trafficking", ("P029", "P030"), "sec-perceptions"),
    Headline("identification", "Large agencies and agencies of every type find cases", ("P041", "P042"), "sec-identification"),
    Headline("preparation", "Preparation goes with finding cases", ("P044",), "sec-determinants"),
    Headline("networks", "Cases are linked to other crime", ("P048",), "sec-case-characteristics"),
    Headline("indicators", "Agencies with cases look for indicators", ("P053",), "sec-investigation-prosecution"),
    Headline("types", "Agencies find one type only", ("P043",), "sec-case-characteristics"),
    Headline("age", "Victims are young", ("P049",), "sec-case-characteristics"),
    Headline("task-forces", "Task-force partners are better prepared", ("P055",), "sec-task-forces"),
]  # fmt: skip


class Evidence:
    """What the sections found, by published figure.

    found : table of ``published_and_rebuilt.compare``; numbers : numbers of the sections by id.
    """

    def __init__(self, found: pd.DataFrame, numbers: dict[str, dict]):
        self.rows = {row["id"]: row for row in found.to_dict("records")}
        self.numbers = numbers

    def ids(self, figure: str) -> list[str]:
        """Ids of the numbers that rebuild the figure. Raises InputError where none does."""
        numbers = self.rows[figure]["numbers"] if figure in self.rows else None
        if not isinstance(numbers, str):
            raise InputError(
                f"The figure {figure}, on which a conclusion rests, is not rebuilt",
                "config/rebuilt.yaml",
                "Give it numbers",
            )
        return numbers.split("; ")

    def number(self, ident: str) -> dict:
        """A number of the sections. Raises InputError where no section records it."""
        if ident not in self.numbers:
            raise InputError(f"No section records the number '{ident}', on which a conclusion rests")
        return self.numbers[ident]

    def above(self, ident: str, than: float) -> bool:
        """Whether the whole interval is above a value."""
        low = self.number(ident)["low"]
        return low is not None and low > than

    def under(self, ident: str, than: float) -> bool:
        """Whether the whole interval is below a value."""
        high = self.number(ident)["high"]
        return high is not None and high < than

    def hidden(self, idents: list[str]) -> bool:
        """Whether one of the numbers may not be shown."""
        return any(self.number(ident)["value"] is None for ident in idents)

    def agrees(self, figure: str) -> bool:
        """Whether the rebuilt numbers agree with the published figure."""
        return self.rows[figure]["agrees"] in (True, "True")

    def majority(self, ident: str) -> str:
        """'most', 'few' or 'about half' of a share, by its interval."""
        return "most" if self.above(ident, HALF) else "few" if self.under(ident, HALF) else "about half"

    def adjusted(self) -> bool:
        """Whether partners are better prepared than agencies alike in size, type and place, by both adjustments."""
        values = [(self.number(ident)["value"], self.number(f"{ident}.p")["value"]) for ident in TASK_FORCE_WAYS]
        return all(value is not None and p is not None and value > 0 and p < ALPHA for value, p in values)


def chapter(found: pd.DataFrame, numbers: dict[str, dict], synthetic: bool, level: float) -> Exhibits:
    """Exhibits of the chapter; arguments as ``Evidence``, whether the records are synthetic, level of the intervals."""
    evidence = Evidence(found, numbers)
    said = {headline.key: finding(evidence, headline) for headline in HEADLINES}
    kept, dropped = recommendations(evidence)
    texts = {
        "headlines": listed(said.values()) + construction(evidence, synthetic),
        "findings": findings(said, evidence),
        "recommendations": recommendations_text(kept, synthetic),
        "not-supported": not_supported_text(dropped),
    }
    return Exhibits(_numbers(evidence, kept, dropped), [headlines_table(evidence, synthetic, level)], [], texts)


def _numbers(evidence: Evidence, kept: list, dropped: list) -> ledger.Numbers:
    numbers = ledger.Numbers(RULE)
    agree = sum(all(evidence.agrees(figure) for figure in headline.figures) for headline in HEADLINES)
    counts = {
        "headlines": (len(HEADLINES), "Headline findings"),
        "agree": (agree, "Headline findings that agree with what was published"),
        "recommendations": (len(kept), "Recommendations that the results support"),
        "not-supported": (len(dropped), "Recommendations that the results do not support"),
    }
    for key, (value, label) in counts.items():
        numbers.add(
            f"{PREFIX}.{key}", value, format="count", label=label, unit="count", domain="conclusions", estimator="count"
        )
    return numbers


# ---- findings ------------------------------------------------------------------------------------------------------


def finding(evidence: Evidence, headline: Headline) -> str:
    """One sentence on a headline finding, its numbers with intervals, its chapter and how it stands against the published."""
    idents = [ident for figure in headline.figures for ident in evidence.ids(figure)]
    if evidence.hidden(idents):
        return f"{headline.name}: an estimate that it rests on is too uncertain to be shown, or left out to protect single agencies (@{headline.chapter})."
    return f"{_SAID[headline.key](evidence)} (@{headline.chapter}). {standing(evidence, headline)}"


def standing(evidence: Evidence, headline: Headline) -> str:
    """How a finding stands against what was published."""
    if headline.key in PRINTED:
        figure = headline.figures[0]
        verb = "agrees" if evidence.agrees(figure) else "does not agree"
        return f"This {verb} with the published figure, {num(f'published.{figure.lower()}')}."
    agree = [evidence.agrees(figure) for figure in headline.figures]
    verb = "agrees" if all(agree) else "agrees in part" if any(agree) else "does not agree"
    return f"This {verb} with what the report found."


PRINTED = ("networks", "types", "age")  # findings whose published figure is a percentage


def _perception(evidence: Evidence) -> str:
    (share,) = evidence.ids("P029")
    residents, foreign, over = evidence.ids("P030")
    many = {"most": "Most", "few": "Fewer than half of the", "about half": "About half of the"}[
        evidence.majority(share)
    ]
    text = f"{many} local agencies, {quoted(share)}, rate every form of trafficking in their community rare or non-existent; "
    grows = [evidence.above(ident, 0) for ident in (residents, foreign)]
    if not any(grows):
        return text + "that those of larger communities see more sex trafficking is not shown"
    if not all(grows):
        return text + "that those of larger communities see more sex trafficking is shown in part"
    more = (
        "the share that rates sex trafficking of residents widespread or occasional is higher in the largest communities than in "
        f"others by {quoted(residents)}"
    )
    if evidence.above(over, 0):
        return f"{text}those of larger communities see more, sex trafficking above all: {more}"
    return f"{text}those of larger communities see more: {more}, but the lead is not shown to be that of sex trafficking above all"


def _identification(evidence: Evidence) -> str:
    (share,) = evidence.ids("P041")
    many = {"most": "More than half", "few": "Fewer than half", "about half": "About half"}[evidence.majority(share)]
    every = (
        "agencies of every type, and of small communities, have found cases too"
        if evidence.agrees("P042")
        else "some types of agency, or all small communities, have found none"
    )
    return f"{many} of the agencies serving the largest communities, {quoted(share)}, have investigated a case; {every}"


def _preparation(evidence: Evidence) -> str:
    ident = evidence.ids("P044")[0]
    odds = f"multiplies the odds of having investigated a case by {quoted(ident)}"
    if evidence.above(ident, 1):
        return f"Preparation goes with investigating cases: between agencies {ALIKE}, each step of it {odds}"
    if evidence.under(ident, 1):
        return f"Prepared agencies have investigated cases less often: between agencies {ALIKE}, each step {odds}"
    return (
        f"Preparation is not shown to go with investigating cases: between agencies {ALIKE}, the odds ratio of a step is "
        f"{quoted(ident)}"
    )


def _networks(evidence: Evidence) -> str:
    (share,) = evidence.ids("P048")
    many = {"most": "Most agencies with cases", "few": "Fewer than half of the agencies with cases"}
    opening = many.get(evidence.majority(share), "About half of the agencies with cases")
    return f"{opening}, {quoted(share)}, report links to other criminal networks"


def _indicators(evidence: Evidence) -> str:
    share = evidence.ids("P053")[0]
    opening = {
        "most": "Agencies with cases work proactively: most of them",
        "few": "Fewer than half of the agencies with cases",
        "about half": "About half of the agencies with cases",
    }[evidence.majority(share)]
    return f"{opening}, {quoted(share)}, look for indicators of trafficking while they investigate other crimes"


def _types(evidence: Evidence) -> str:
    (share,) = evidence.ids("P043")
    many = {"most": "Most agencies with several cases", "few": "Fewer than half of the agencies with several cases"}
    opening = many.get(evidence.majority(share), "About half of the agencies with several cases")
    return f"{opening}, {quoted(share)}, investigated one type only"


def _age(evidence: Evidence) -> str:
    (share,) = evidence.ids("P049")
    many = {"most": "Most identified victims", "few": "Fewer than half of the identified victims"}
    opening = many.get(evidence.majority(share), "About half of the identified victims")
    return f"{opening}, {quoted(share)}, were younger than twenty-five"


def _task_forces(evidence: Evidence) -> str:
    (ident,) = evidence.ids("P055")
    if not evidence.above(ident, 0):
        return f"Task-force partners are not shown to be better prepared than other agencies ({quoted(ident)} steps of three)"
    left = (
        "and a difference remains between agencies alike in size, type and place"
        if evidence.adjusted()
        else "but no difference is shown between agencies alike in size, type and place"
    )
    return f"Task-force partners have taken more of the three steps of preparation than other agencies, by {quoted(ident)}, {left}"


_SAID = {
    "perception": _perception,
    "identification": _identification,
    "preparation": _preparation,
    "networks": _networks,
    "indicators": _indicators,
    "types": _types,
    "age": _age,
    "task-forces": _task_forces,
}


def listed(sentences) -> str:
    """A list of sentences."""
    return "\n".join(f"- {sentence}" for sentence in sentences) + "\n"


def construction(evidence: Evidence, synthetic: bool) -> str:
    """What agreement is worth while the records are a stand-in that was made to meet the published figures."""
    figures = [figure for headline in HEADLINES for figure in headline.figures]
    met = [isinstance(evidence.rows[figure]["calibrated"], str) for figure in figures]
    if not synthetic or not any(met):
        return ""
    which = "these findings" if all(met) else "some of these findings"
    return f"\nThe stand-in was made to meet {which}, so that agreement is by construction and no evidence about agencies.\n"


def findings(said: dict[str, str], evidence: Evidence) -> str:
    """The chapter's findings, in the order of the report, and how many agree with it."""
    agree = sum(all(evidence.agrees(figure) for figure in headline.figures) for headline in HEADLINES)
    count, whole = num(f"{PREFIX}.agree"), num(f"{PREFIX}.headlines")
    verdict = (
        f"All {whole} headline findings agree with what was published"
        if agree == len(HEADLINES)
        else f"Of {whole} headline findings, {count} {'agrees' if agree == 1 else 'agree'} with what was published"
    )
    return f"{verdict} (@tbl-conclusions-headlines).\n\n{listed(said.values())}"


def headlines_table(evidence: Evidence, synthetic: bool, level: float) -> Table:
    """The headline findings: rebuilt values, published ones, agreement and chapter."""
    lines, data = [], []
    for headline in HEADLINES:
        for at, figure in enumerate(headline.figures):
            row = evidence.rows[figure]
            there = isinstance(row["rebuilt"], str)
            calibrated = isinstance(row["calibrated"], str)
            lines.append(
                {
                    "Finding of the report": headline.name if at == 0 else "",
                    "Published": evidence.number(f"published.{figure.lower()}")["text"]["value"],
                    "Rebuilt (interval)": row["rebuilt"].replace("percentage points", "points") if there else HIDDEN,
                    "Agreement": row["agreement"],
                    "Calibrated to it": ("yes" if calibrated else "no") if synthetic else HIDDEN,
                    "Chapter": f"@{headline.chapter}" if at == 0 else "",
                }
            )
            data.append(
                {"finding": headline.name, "figure": figure} | {k: row[k] for k in ("numbers", "rebuilt", "agreement")}
            )
    return Table(
        "tbl-conclusions-headlines",
        survey.caption(
            f"Headline findings, rebuilt and published, with {ledger.level_text(level)} interval", synthetic
        ),
        pd.DataFrame(lines),
        pd.DataFrame(data),
        f"data/published/report_2008.csv for the published figures; rebuilt values from the {survey.source(synthetic)}",
        "Where several rebuilt values stand in a cell, a statement in words is compared with all of them: "
        "@tbl-published-and-rebuilt says how it is read."
        + (" Agreement with a calibrated figure is by construction." if synthetic else ""),
        left=tuple(lines[0])[1:],
        widths=(22, 26, 24, 14, 11, 12),
    )


# ---- recommendations -----------------------------------------------------------------------------------------------


def recommendations(evidence: Evidence) -> tuple[list[tuple[str, str]], list[str]]:
    """(recommendations that the results support: heading, reasons; what they do not support)."""
    kept, dropped = [], []
    for heading, supported, reasons, otherwise in _weighed(evidence):
        if supported and not evidence.hidden(sorted(ledger.names(reasons))):
            kept.append((heading, reasons))
        else:
            dropped.append(otherwise)
    return kept, dropped


def _weighed(evidence: Evidence) -> list[tuple[str, bool, str, str]]:
    """(heading, whether the results support it, reasons, what is said where they do not) of each recommendation."""
    little, training = evidence.ids("P029")[0], evidence.ids("P032")[0]
    protocol, personnel = evidence.ids("P033")[0], evidence.ids("P034")[0]
    steps, links = evidence.ids("P044")[0], evidence.ids("P048")[0]
    indicators, light = evidence.ids("P053")[0], evidence.ids("P054")[0]
    one_type, time, age = (evidence.ids(figure)[0] for figure in ("P043", "P050", "P049"))
    taken = (
        f"{num(training)} have training, {num(protocol)} a protocol, {num(personnel)} a unit or designated personnel"
    )
    return [
        (
            "Show leaders what trafficking looks like where they are.",
            evidence.above(little, HALF),
            f"{num(little)} of local agencies see little or none of it (@sec-perceptions), and what nobody looks for is seldom "
            "found. Leaders of small communities need examples from small communities.",
            "a campaign among leaders, since it is not shown that most of them see little trafficking",
        ),
        (
            "Train officers, write a protocol, and name somebody whose task it is.",
            evidence.above(steps, 1),
            f"Each step multiplies the odds of having investigated a case by {quoted(steps)}, between agencies {ALIKE} "
            f"(@sec-determinants). Of local agencies, {taken} (@sec-preparation). "
            "The survey cannot tell whether preparation came before the cases or after them, so steps should be followed up as "
            "they are taken.",
            "preparation as a way to find cases, since prepared agencies are not shown to have found more of them",
        ),
        (
            "Teach officers to notice indicators in the investigation of other crimes.",
            evidence.above(indicators, HALF) and evidence.agrees("P054"),
            f"{quoted(indicators)} of the agencies with cases look for them, and the investigation of another crime is how most "
            f"often a case comes to light: {quoted(light)} of agencies name it (@sec-investigation-prosecution). A routine check "
            "costs less than a search.",
            "training on indicators above other ways of finding cases, since neither their use nor other investigations stand out",
        ),
        (
            "Let those who work on trafficking sit with those who work on drugs, vice and gangs.",
            evidence.above(links, HALF),
            f"{quoted(links)} of the agencies with cases report links to other criminal networks (@sec-case-characteristics).",
            "joint work with units on other crimes, since links to other networks are not shown to be the rule",
        ),
        (
            "Look for the other type too, labor trafficking above all.",
            evidence.above(one_type, HALF) and evidence.above(time, HALF),
            f"{quoted(one_type)} of the agencies with several cases investigated one type only (@sec-case-characteristics), and "
            f"{quoted(time)} of those with both spend more time on sex trafficking (@sec-investigation-prosecution).",
            "a search for labor trafficking as what is neglected, since neither one type nor sex trafficking is shown to prevail",
        ),
        (
            "Plan services for young victims.",
            evidence.above(age, HALF),
            f"{quoted(age)} of the victims that agencies identified were younger than twenty-five (@sec-case-characteristics).",
            "services for the young above others, since it is not shown that most identified victims are young",
        ),
        (
            "Bring what task forces have to the agencies outside of them.",
            evidence.adjusted(),
            f"Between agencies alike in size, type and place, partners have taken more steps of preparation, by "
            f"{quoted(TASK_FORCE_WAYS[0])} or {quoted(TASK_FORCE_WAYS[1])} of three (@sec-task-forces). Whether partnership made them "
            "so is not known; agencies that join from now on should be compared with others before and after.",
            "more task forces as a way to prepare agencies, since partners are not shown to be better prepared than agencies alike "
            "in size, type and place",
        ),
    ]  # fmt: skip


def recommendations_text(kept: list[tuple[str, str]], synthetic: bool) -> str:
    """The recommendations that the results support."""
    if not kept:
        return "The results of this build support none of the recommendations that this chapter weighs.\n"
    text = "\n".join(f"- **{heading}** {reasons}" for heading, reasons in kept) + "\n"
    if synthetic:
        text += (
            "\nThese follow from the results that this build computes, and while they come from a synthetic stand-in they show "
            "how conclusions hang on results and are advice to nobody. With real records, those whose finding vanishes drop out.\n"
        )
    return text


def not_supported_text(dropped: list[str]) -> str:
    """What the results do not support."""
    if not dropped:
        return "Each recommendation that this chapter weighs is supported by a result of this build.\n"
    return f"The results of this build do not support {joined(dropped, 'or')}.\n"
