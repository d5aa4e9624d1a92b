"""Chapter 7, characteristics of cases: the wording that follows the results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from agency_survey import estimate
from agency_survey.ledger import num, slug
from agency_survey.sections import builders, survey
from agency_survey.sections import case_characteristics as section
from agency_survey.sections.builders import quoted
from agency_survey.sections.case_tables import compared_words, how_many, most_often, row_of, test_words
from agency_survey.sections.cases import ALL_CASES, LABOR, SEX
from agency_survey.wording import joined

if TYPE_CHECKING:
    from agency_survey.sections.case_characteristics_exhibits import Results

P = "case-characteristics"
ALL = slug(survey.ALL)
CASES = slug(ALL_CASES)


def texts(found: Results) -> dict[str, str]:
    """All paragraphs of the chapter by name."""
    return {
        "findings": findings(found),
        "types": types_paragraph(found),
        "years": years_paragraph(found.years),
        "settings": settings_paragraph(found),
        "victims": victims_paragraph(found),
        "suspects": suspects_paragraph(found.suspects_test),
        "compared": compared_paragraph(found.traits_compared),
        "networks": networks_paragraph(found),
        "weighting": weighting_paragraph(found.weightings),
    }


def findings(found: Results) -> str:
    """The chapter's opening findings."""
    sex = row_of(found.kinds, SEX, ALL_CASES)
    single = row_of(found.single, section.ONE_TYPE, survey.ALL)
    linked = row_of(found.links, section.ANY_LINK, survey.ALL)
    young = row_of(found.victims, "Under 25", ALL_CASES)
    return (
        f"{how_many(sex)} cases that agencies described, {quoted(f'{P}.type.{slug(SEX)}.{CASES}')}, are of sex "
        f"trafficking, and {quoted(f'{P}.type.{slug(LABOR)}.{CASES}')} of labor trafficking (@tbl-cases-weighting). "
        f"{how_many(single)} agencies with several investigations, {quoted(f'{P}.one-type.{ALL}')}, investigated one "
        f"type only (@tbl-cases-single), and {_lower(how_many(linked))} agencies with cases, {quoted(f'{P}.network.any.{ALL}')}, "
        f"report links to other criminal networks (@tbl-cases-networks). {how_many(young)} victims whose age is known, "
        f"{quoted(f'{P}.victims.under-25.{CASES}')}, were younger than twenty-five, and "
        f"{quoted(f'{P}.victims.under-18.{CASES}')} were children (@tbl-cases-victims).\n"
    )


def types_paragraph(found: Results) -> str:
    """One type or several, and how that compares with chance."""
    excess = row_of(found.single, section.EXCESS, survey.ALL)
    if excess["low"] > 0:
        against = (
            f"That is {num(f'{P}.one-type-excess.{ALL}')} ({num(f'{P}.one-type-excess.{ALL}', 'ci')}) more than if the "
            "types of an agency's investigations were drawn at random from all investigations: agencies specialize, "
            "in what comes to them or in what they look for."
        )
    elif excess["high"] < 0:
        against = "That is less than if the types of an agency's investigations were drawn at random."
    else:
        against = (
            "That is not shown to differ from what chance would give if the types of an agency's investigations were "
            "drawn at random from all investigations."
        )
    kinds = [
        kind for kind in ("Agency type", builders.SIZE, "Region", "Task force") if _differs(found.group_tests, kind)
    ]
    spread = (
        f"The types that agencies investigated are shown to differ by {joined([kind.lower() for kind in kinds])}."
        if kinds
        else "The types that agencies investigated are not shown to differ by agency type, population, region or task "
        "force."
    )
    return (
        f"Of the agencies with cases, {quoted(f'{P}.investigated.sex-only.{ALL}')} investigated sex trafficking only, "
        f"{quoted(f'{P}.investigated.labor-only.{ALL}')} labor trafficking only and "
        f"{quoted(f'{P}.investigated.both.{ALL}')} both (@tbl-cases-types). {spread}\n\nAn agency with a single "
        f"investigation has one type by necessity. Among those with several, {quoted(f'{P}.one-type.{ALL}')} "
        f"investigated one type only, where chance would give {num(f'{P}.one-type-expected.{ALL}')} "
        f"(@tbl-cases-single). {against}\n"
    )


def _differs(tests: pd.DataFrame, breakdown: str) -> bool:
    part = tests[(tests["breakdown"] == breakdown) & (tests["test"] != builders.TREND)]
    return bool((part["p_adjusted"] < builders.ALPHA).any())


def years_paragraph(years: section.Years) -> str:
    """Growth over the years."""
    total = years.growth.set_index("kind").loc[section.ALL]
    base = f"{P}.growth."
    if not total["p"] < builders.ALPHA:
        return "The yearly number of investigations is not shown to have changed from the first year to the last.\n"
    word = "rose" if total["value"] > 0 else "fell"
    alike = (
        "The two types are not shown to differ in this"
        if not years.difference_p < builders.ALPHA
        else "The two types differ in this"
    )
    of_all, sex, labor = (base + slug(kind) for kind in (section.ALL, SEX, LABOR))
    return (
        f"The estimated number of investigations {word} over the period (@fig-cases-years, @tbl-cases-years): its mean "
        f"change a year is {quoted(of_all)}. {alike}: the change is {num(sex)} a year for sex and {num(labor)} for "
        f"labor trafficking (p {num(base + 'difference.p')}). The numbers were asked in one year from memory and "
        "files, so that a part of any rise may be that older investigations are forgotten, or were not called "
        "trafficking at the time.\n"
    )


def settings_paragraph(found: Results) -> str:
    """Where cases took place."""
    return (
        f"Over all cases, {most_often(found.settings_leader)}: "
        f"{quoted(f'{P}.setting.{slug(found.settings_leader.name)}.{CASES}')} of cases. The settings of sex and of "
        f"labor cases {test_words(found.settings_test)} (p {num(f'{P}.setting.test')}; @fig-cases-settings, "
        "@tbl-cases-settings).\n"
    )


def _lower(words: str) -> str:
    return words[0].lower() + words[1:]


def victims_paragraph(found: Results) -> str:
    """Age, sex and origin of victims."""
    at = found.victims_compared.set_index("measure")
    age = compared_words(
        at.loc["Under 25"],
        "Victims of sex trafficking are younger",
        "Victims of labor trafficking are younger",
        "The victims of sex and of labor trafficking are not shown to differ in age",
    )
    female = compared_words(
        at.loc["Female"],
        "more often female",
        "less often female",
        "not shown to be female more or less often",
    )
    foreign = compared_words(
        at.loc["Foreign nationals"],
        "more often foreign nationals",
        "less often foreign nationals",
        "not shown to be foreign nationals more or less often",
    )
    sex, labor = slug(SEX), slug(LABOR)
    return (
        f"{age}: {num(f'{P}.victims.under-25.{sex}')} of those of sex and {num(f'{P}.victims.under-25.{labor}')} of "
        "those of labor trafficking were under twenty-five (@fig-cases-victims). Victims of sex trafficking are "
        f"{female} ({num(f'{P}.victims.female.{sex}')} against {num(f'{P}.victims.female.{labor}')}) and {foreign} "
        f"({num(f'{P}.victims.foreign-nationals.{sex}')} against {num(f'{P}.victims.foreign-nationals.{labor}')}) than "
        f"victims of labor trafficking. Where victims were foreign, {most_often(found.origins_leader)} among their "
        f"origins; the origins in sex and in labor cases {test_words(found.origins_test)} (p "
        f"{num(f'{P}.origin.test')}; @tbl-cases-origins).\n"
    )


def suspects_paragraph(test: estimate.Test) -> str:
    """How many suspects cases have; test : of the two types."""
    return (
        f"No suspect was identified in {quoted(f'{P}.suspects.none.{CASES}')} of cases, a single one in "
        f"{quoted(f'{P}.suspects.one.{CASES}')}, and five or more in {quoted(f'{P}.suspects.five-and-over.{CASES}')} "
        f"(@tbl-cases-suspects); on average a case has {quoted(f'{P}.case.suspects-per-case.{CASES}')} suspects. The numbers "
        f"of suspects in sex and in labor cases {test_words(test)} (p {num(f'{P}.suspects.test')}). Of the suspects' age, sex "
        "and origin the form asks nothing.\n"
    )


SHORT = {
    "Victims per case": "the number of victims",
    "Suspects per case": "the number of suspects",
    "One victim only": "the share with one victim only",
    "A victim under 18": "the share with a child among the victims",
    "A foreign victim": "the share with a foreign victim",
    "A suspect identified": "the share with a suspect",
    "Linked to another network": "the share linked to another network",
    "Closed by the end of 2006": "the share closed by the end of the period",
}


def compared_paragraph(compared: pd.DataFrame) -> str:
    """Which traits of sex cases are shown to be larger or smaller, and which are not shown to differ."""
    shown = compared["p_adjusted"] < builders.ALPHA
    higher = [SHORT[name] for name in compared.loc[shown & (compared["value"] > 0), "measure"]]
    lower = [SHORT[name] for name in compared.loc[shown & (compared["value"] < 0), "measure"]]
    same = [SHORT[name] for name in compared.loc[~shown & compared["p_adjusted"].notna(), "measure"]]
    parts = [
        f"{joined(names)} {'is' if len(names) == 1 else 'are'} {word}"
        for names, word in ((higher, "larger"), (lower, "smaller"))
        if names
    ]
    said = f"In cases of sex trafficking, {' and '.join(parts)} than in cases of labor trafficking" if parts else ""
    if same:
        are = "is" if len(same) == 1 else "are"
        said += (
            "; " if said else "Between cases of sex and of labor trafficking, "
        ) + f"{joined(same)} {are} not shown to differ"
    said = said or "Nothing can be compared"
    return f"@tbl-cases-compared sets cases of sex and of labor trafficking side by side. {said}.\n"


def networks_paragraph(found: Results) -> str:
    """Links to networks: the base, the kinds, the groups."""
    differ = [name for name, p in found.links_p.items() if p < builders.ALPHA and name != section.ANY_LINK]
    shown = "differs" if found.links_p.get(section.ANY_LINK, 1) < builders.ALPHA else "is not shown to differ"
    kinds = (
        "The kinds of network that are shown to differ between these groups: "
        f"{joined([_lower(name) for name in differ])}."
        if differ
        else "No kind of network is shown to differ between these groups."
    )
    lead = found.links_leader
    return (
        "The question on links to other criminal networks was put to the agencies with cases, so these are the base: "
        f"{quoted(f'{P}.network.any.{ALL}')} of them report a link, and of the cases that they described "
        f"{quoted(f'{P}.case.linked-to-another-network.{CASES}')} had one. Among the kinds of network, "
        f"{most_often(lead)}: {quoted(f'{P}.network.{slug(lead.name)}.{ALL}')} of agencies with cases "
        f"(@tbl-cases-networks, @fig-cases-networks). The share with any link {shown} between agencies that "
        f"investigated sex trafficking only, labor trafficking only, and both. {kinds}\n"
    )


def weighting_paragraph(weightings: pd.DataFrame) -> str:
    """How far the weighting of cases moves the headline figures."""
    at = weightings.pivot(index="measure", columns="domain", values="value")
    share = weightings.drop_duplicates("measure").set_index("measure")["percent"]
    first, second = at.loc[share[share].index, "Described cases"], at.loc[share[share].index, "All investigations"]
    moved = (second - first).abs()
    if not moved.notna().any():
        return "The weightings cannot be compared in this build.\n"
    top = moved.idxmax()
    return (
        "An agency described three of its cases at most, so that agencies with many investigations weigh less here "
        "than in the country's investigations. @tbl-cases-weighting repeats the headline figures with the described "
        "cases standing for all investigations of their agency, which takes them to be a random choice. The share "
        f"that moves most is “{_lower(top)}”, which then is "
        f"{quoted(f'{P}.weighting.{slug(top)}.all-investigations')}.\n"
    )
