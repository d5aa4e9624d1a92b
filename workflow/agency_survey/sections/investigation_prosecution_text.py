"""Chapter 8, investigation and prosecution: the wording that follows the results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agency_survey import ledger
from agency_survey.ledger import num, slug
from agency_survey.sections import builders, survey
from agency_survey.sections import investigation_prosecution as section
from agency_survey.sections.builders import quoted
from agency_survey.sections.case_tables import how_many, most_often, row_of, test_words
from agency_survey.sections.cases import ALL_CASES, LABOR, SEX
from agency_survey.wording import joined

if TYPE_CHECKING:
    from agency_survey.sections.investigation_prosecution_exhibits import Results

P = "investigation-prosecution"
ALL = slug(survey.ALL)
CASES = slug(ALL_CASES)


def texts(found: Results) -> dict[str, str]:
    """All paragraphs of the chapter by name."""
    return {
        "findings": findings(found),
        "light": light_paragraph(found),
        "strategies": strategies_paragraph(found),
        "partners": partners_paragraph(found),
        "time": time_paragraph(found),
        "challenges": challenges_paragraph(found),
        "charges": charges_paragraph(found.charges_tests),
        "course": course_paragraph(found),
        "services": services_paragraph(),
        "models": models_paragraph(found.models),
    }


def findings(found: Results) -> str:
    """The chapter's opening findings."""
    light, looked = found.light_leader, row_of(found.strategies, STRATEGY, survey.ALL)
    return (
        f"Among the ways in which cases come to light, {most_often(light)}: "
        f"{quoted(f'{P}.light.{slug(light.name)}.{ALL}')} of the agencies with cases (@tbl-investigation-light). "
        f"{how_many(looked)} agencies with cases, {quoted(f'{P}.strategy.indicators.{ALL}')}, look for indicators of "
        "trafficking while they investigate other crimes (@tbl-investigation-strategies). Of the cases that they "
        f"described, {quoted(f'{P}.course.charged.{CASES}')} led to charges, "
        f"{quoted(f'{P}.course.prosecuted.{CASES}')} to a prosecution and {quoted(f'{P}.course.convicted.{CASES}')} to "
        "a conviction by the time of the survey (@fig-prosecution-flow).\n"
    )


STRATEGY = section.STRATEGIES["q4a_indicators"]


def light_paragraph(found: Results) -> str:
    """How cases come to light."""
    lead = found.light_leader
    ahead = (
        f"It is ahead of the next by {num(f'{P}.light.lead')} ({num(f'{P}.light.lead', 'ci')})."
        if lead.lead.test.p < builders.ALPHA
        else "It is not shown to be ahead of the next."
    )
    proactive = "Proactive search"
    return (
        "Agencies could name several ways (@fig-investigation-light, @tbl-investigation-light). Among these, "
        f"{most_often(lead)}, {quoted(f'{P}.light.{slug(lead.name)}.{ALL}')} of agencies. {ahead} Of the described "
        f"cases, each of which came to light in one way, {quoted(f'{P}.light-case.{slug(lead.name)}.{CASES}')} did so "
        f"in that way and {quoted(f'{P}.light-case.{slug(proactive)}.{CASES}')} by a proactive search for trafficking. "
        f"The ways of sex and of labor cases {test_words(found.light_test)} (p {num(f'{P}.light-case.test')}).\n"
    )


def strategies_paragraph(found: Results) -> str:
    """Proactive strategies, and where they differ."""
    return (
        f"{quoted(f'{P}.strategy.any.{ALL}')} of agencies with cases name at least one proactive strategy. Among these "
        f"strategies, {most_often(found.strategies_leader)}. {_differing(found.strategies_p, 'strategies')}\n"
    )


def partners_paragraph(found: Results) -> str:
    """With whom agencies worked."""
    lead = found.partners_leader
    return (
        f"Among the partners, {most_often(lead)}: {quoted(f'{P}.partner.{slug(lead.name)}.{ALL}')} of agencies with "
        f"cases worked with them (@tbl-investigation-partners). {_differing(found.partners_p, 'partners')}\n"
    )


def _differing(p: dict[str, float], what: str) -> str:
    names = [f"“{name}”" for name, value in p.items() if value < builders.ALPHA]
    groups = "agencies that investigated sex trafficking only, labor trafficking only, and both"
    if not names:
        return f"None of the {what} is shown to differ in use between {groups}."
    return f"Between {groups}, these {what} differ in use: {joined(names)}."


def time_paragraph(found: Results) -> str:
    """Time spent on sex and on labor trafficking."""
    lead = found.sex_over_labor["time"]
    shown = lead.test.p < builders.ALPHA
    more = "sex trafficking" if lead.value > 0 else "labor trafficking"
    said = f"More of them spend more time on {more}" if shown else "Neither type is shown to take more of their time"
    of_all = row_of(found.time_of_all, SEX, survey.ALL)
    base = f"{P}.time.sex-over-labor"
    return (
        "Agencies that investigated both types were asked on which of them they spend more time: "
        f"{quoted(f'{P}.time.{slug(SEX)}.both-types-investigated')} say sex and "
        f"{quoted(f'{P}.time.{slug(LABOR)}.both-types-investigated')} labor trafficking (@tbl-investigation-time). "
        f"{said}: the shares differ by {num(base)} ({num(base, 'ci')}; p {num(base + '.p')}). Where those with one "
        f"type only are counted with their type, {how_many(of_all).lower()} agencies with cases, "
        f"{quoted(f'{P}.time-of-all.{slug(SEX)}.{ALL}')}, spend more of their time on sex trafficking. The published "
        "statement speaks of responding agencies and does not say which of the two it means.\n"
    )


def challenges_paragraph(found: Results) -> str:
    """The challenge rated most serious."""
    part = found.challenges[found.challenges["measure"] == section.SERIOUS].dropna(subset="value")
    if part.empty:
        return ledger.UNCERTAIN
    least = part.loc[part["value"].idxmin(), "domain"]
    lead = found.challenges_leader
    serious = slug(section.SERIOUS)
    return (
        f"As a moderate or major problem, {most_often(lead)}: {quoted(f'{P}.challenge.{slug(lead.name)}.{serious}')} "
        "of agencies with cases rate it so (@fig-investigation-challenges, @tbl-investigation-challenges). The "
        f"lowest of the estimates is that of “{least}”, {quoted(f'{P}.challenge.{slug(least)}.{serious}')}.\n"
    )


def charges_paragraph(tests: dict) -> str:
    """Charges by law, and whether the types differ."""
    differ = [name for name, test in tests.items() if test.p < builders.ALPHA]
    same = [name for name in tests if name not in differ]
    parts = []
    if differ:
        parts.append(f"the {joined(differ)} of sex and of labor cases differ")
    if same:
        parts.append(f"the {joined(same)} of the two types are not shown to differ")
    p = "; ".join(f"{name}: p {num(f'{P}.{name}.test')}" for name in tests)
    said = " and ".join(parts)
    return (
        f"State charges alone were brought in {quoted(f'{P}.charges.state-charges-only.{CASES}')} of cases, federal "
        f"charges alone in {quoted(f'{P}.charges.federal-charges-only.{CASES}')}, and both in "
        f"{quoted(f'{P}.charges.state-and-federal-charges.{CASES}')} (@tbl-prosecution-charges). "
        f"{said[0].upper()}{said[1:]} ({p}).\n"
    )


def course_paragraph(found: Results) -> str:
    """Where cases are lost on the way to a conviction."""
    at = {
        name: row_of(found.flow, name, ALL_CASES)
        for name in ("Charged", "Prosecuted, of charged", "Convicted, of decided")
    }
    steps = {
        "before charges": at["Charged"],
        "between charges and prosecution": at["Prosecuted, of charged"],
        "between prosecution and verdict": at["Convicted, of decided"],
    }
    worst = min(steps, key=lambda name: steps[name]["value"])
    others = [row["low"] for name, row in steps.items() if name != worst]
    lost = (
        f"The largest share is lost {worst}"
        if steps[worst]["high"] < min(others)
        else "No stage is shown to lose more than the others"
    )
    compared = found.flow_compared
    shown = compared[compared["p_adjusted"] < builders.ALPHA]
    words = [
        f"{row.measure.lower()} ({'larger' if row.value > 0 else 'smaller'} for sex)" for row in shown.itertuples()
    ]
    types = (
        f"Sex and labor cases are shown to differ at these stages: {joined(words)}."
        if words
        else "Sex and labor cases are not shown to differ at any stage, once the number of comparisons is allowed for."
    )
    return (
        "@fig-prosecution-flow and @tbl-prosecution-course follow the cases from investigation to outcome. "
        f"{lost}: {quoted(f'{P}.course.not-charged.{CASES}')} of cases saw no charges, "
        f"{quoted(f'{P}.course.prosecuted-of-charged.{CASES}')} of the charged ones were prosecuted, and "
        f"{quoted(f'{P}.course.convicted-of-decided.{CASES}')} of the prosecutions that were decided ended in a "
        f"conviction. A prosecution was pending in {quoted(f'{P}.course.pending.{CASES}')} of cases. Of the suspects, "
        f"{quoted(f'{P}.course.suspects-convicted.{CASES}')} were convicted. {types}\n"
    )


def services_paragraph() -> str:
    """Arrests, services, certification and T visas, with the country's totals."""
    return (
        "Victims of trafficking from other countries can be certified for benefits, and may receive a T visa. "
        f"{quoted(f'{P}.services.victims-received-services.{ALL}')} of agencies with cases say that victims received "
        f"services, {quoted(f'{P}.services.any-victim-certified.{ALL}')} that any was certified, and "
        f"{quoted(f'{P}.services.any-t-visa.{ALL}')} that any received a T visa (@tbl-prosecution-services). In all, "
        f"agencies with cases report {quoted(f'{P}.total.arrests')} arrests, {quoted(f'{P}.total.victims-certified')} "
        f"certified victims and {quoted(f'{P}.total.t-visas')} T visas.\n"
    )


def models_paragraph(fitted: list[section.Modelled]) -> str:
    """Which traits go with charges, prosecution and conviction."""
    parts = []
    for one in fitted:
        base = f"{P}.model.{slug(one.name)}"
        said = [
            f"{_short(row.term)} (odds ratio {num(f'{base}.{slug(section.term_label(row.term))}')}, "
            f"{num(f'{base}.{slug(section.term_label(row.term))}', 'ci')})"
            for row in one.ratios[one.ratios["p_adjusted"] < builders.ALPHA].itertuples()
        ]
        parts.append(f"- {one.name}: {joined(said)}" if said else f"- {one.name}: none")
    first, last = fitted[0], fitted[-1]
    return (
        "@tbl-prosecution-models and @fig-prosecution-effects set the traits of cases side by side, each with the "
        "others held fixed. "
        "These are shown to go with the outcome:\n\n" + ";\n".join(parts) + ".\n\n"
        f"The model of charges uses the {num(f'{P}.model.{slug(first.name)}.n')} of "
        f"{num(f'{P}.model.{slug(first.name)}.candidates')} cases with known course of which all traits are known. The "
        f"model of convictions rests on {num(f'{P}.model.{slug(last.name)}.n')} decided prosecutions, of which "
        f"{num(f'{P}.model.{slug(last.name)}.others')} ended otherwise: it can show large effects only. These are "
        "associations: a case with more suspects may be charged because there is somebody to charge, or have more "
        "suspects because it was pursued.\n"
    )


def _short(term: str) -> str:
    label = section.term_label(term)
    return label[0].lower() + label[1:] if label.split()[0] not in ("T",) else label
