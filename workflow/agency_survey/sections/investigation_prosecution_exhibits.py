"""Chapter 8, investigation and prosecution: its results, numbers and tables."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from agency_survey import estimate, hypotheses, ledger
from agency_survey.codebook import Codebook
from agency_survey.design import SurveyDesign
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import level_text, slug
from agency_survey.sections import builders, case_tables, cases, survey
from agency_survey.sections import investigation_prosecution as section
from agency_survey.sections import investigation_prosecution_figures as drawn
from agency_survey.sections import investigation_prosecution_text as text
from agency_survey.sections.case_tables import CLUSTER_NOTE, HOLM_NOTE, RAO_SCOTT_NOTE, explained
from agency_survey.sections.cases import ALL_CASES, GROUPS, LABOR, SEX
from agency_survey.sections.survey import caption
from agency_survey.tables import DASH, Table

RULE = "investigation_prosecution"
PREFIX = "investigation-prosecution"
CASE_COLUMNS = {ALL_CASES: "All cases", SEX: "Sex", LABOR: "Labor"}
GROUP_COLUMNS = {survey.ALL: "All with cases"} | {name: name for name in GROUPS}
CASE_NOTE = (
    "n: cases (agencies that described them), unweighted. All cases: with those of both types and of unknown type."
)
COURT_NAMES = {
    "State court": "Prosecuted in state court",
    "Federal court": "Prosecuted in federal court",
    "Both": "Prosecuted in both",
}


@dataclass(frozen=True)
class Results:
    """What the chapter shows: ``cases.masked`` estimates, comparisons, tests and models."""

    light: pd.DataFrame
    light_leader: cases.Leader
    light_cases: pd.DataFrame
    light_test: estimate.Test
    strategies: pd.DataFrame
    strategies_p: dict[str, float]
    strategies_leader: cases.Leader
    partners: pd.DataFrame
    partners_p: dict[str, float]
    partners_leader: cases.Leader
    challenges: pd.DataFrame
    challenges_leader: cases.Leader
    time: pd.DataFrame
    time_of_all: pd.DataFrame
    sex_over_labor: dict[str, hypotheses.Comparison]
    charges: pd.DataFrame
    charges_tests: dict[str, estimate.Test]
    flow: pd.DataFrame
    flow_compared: pd.DataFrame
    services: pd.DataFrame
    totals: pd.DataFrame
    models: list[section.Modelled]


def chapter(
    agencies: tuple[pd.DataFrame, SurveyDesign],
    kinds: pd.DataFrame,
    described: tuple[pd.DataFrame, SurveyDesign],
    books: dict[str, Codebook],
    settings: dict,
) -> Exhibits:
    """Exhibits of the chapter.

    agencies : rows and design of Part II (``national_survey.part2_respondents``), answers on investigations and
    victims; kinds : ``cases.investigated``; described : rows and design of the described cases
    (``national_survey.cases``), both blocks; books : codebooks of the blocks 'investigation' and 'case'; settings :
    confidence_level, reliability.
    """
    section.require(agencies[0], described[0])
    level, limits, synthetic = settings["confidence_level"], settings["reliability"], books["case"].synthetic
    found = results(agencies, kinds, described, books, settings)
    return builders.exhibits(
        _numbers(found, level),
        [
            light_table(found, limits, level, synthetic),
            _by_group("tbl-investigation-strategies", "Proactive strategies of agencies with cases", "Strategy",
                      found.strategies, found.strategies_p, limits, level, synthetic, [section.ANY_STRATEGY]),
            _by_group("tbl-investigation-partners", "Partners of agencies with cases", "Worked with",
                      found.partners, found.partners_p, limits, level, synthetic),
            challenges_table(found, limits, level, synthetic),
            time_table(found, limits, level, synthetic),
            charges_table(found, limits, level, synthetic),
            flow_table(found, limits, level, synthetic),
            services_table(found, limits, level, synthetic),
            models_table(found.models, level, synthetic),
        ],
        [
            drawn.light(found, level, synthetic),
            drawn.strategies(found, level, synthetic),
            drawn.challenges(found, synthetic),
            drawn.flow(found, level, synthetic),
            drawn.effects(found.models, level, synthetic),
        ],
        text.texts(found),
    )  # fmt: skip


def results(agencies, kinds, described, books, settings) -> Results:
    """All estimates, tests and models of the chapter; arguments as in ``chapter``."""
    return Results(**_of_agencies(agencies, kinds, books["investigation"], settings), **_of_cases(described, settings))


def _of_agencies(agencies, kinds, book: Codebook, settings) -> dict:
    level, limits = settings["confidence_level"], settings["reliability"]
    rows, design = agencies
    kinds = kinds.reindex(rows["agency_id"]).reset_index(drop=True)
    parts = cases.group_parts(rows, kinds["group"])
    everybody = parts[0][2]

    def estimates(measures, among=parts) -> pd.DataFrame:
        return cases.masked(cases.estimates(design, rows["agency_id"], measures, among, level), limits)

    def p_of(measures) -> dict[str, float]:
        each = [builders.tests(design, {name: one.y.astype(bool)}, one.known, parts) for name, one in measures.items()]
        return builders.adjusted(*each).set_index("measure")["p_adjusted"].to_dict()

    def lead(measures) -> cases.Leader:
        return cases.leader(design, measures, everybody, level)

    ways, strategies = section.yes(rows, section.WAYS), section.strategies(rows)
    partners = section.yes(rows, {name: book.variables[name].label for name in section.PARTNERS})
    rated = {book.variables[name].label: section.challenges(rows, name) for name in section.CHALLENGES}
    both, of_all = section.more_time(rows, kinds), section.more_time_of_all(rows, kinds)
    return {
        "light": estimates(ways, parts[:1]),
        "light_leader": lead(ways),
        "strategies": estimates(strategies),
        "strategies_p": p_of(strategies),
        "strategies_leader": lead({name: one for name, one in strategies.items() if name != section.ANY_STRATEGY}),
        "partners": estimates(partners),
        "partners_p": p_of(partners),
        "partners_leader": lead(partners),
        "challenges": pd.concat(
            [estimates(measures, parts[:1]).assign(domain=label) for label, measures in rated.items()],
            ignore_index=True,
        ),
        "challenges_leader": lead({label: measures[section.SERIOUS] for label, measures in rated.items()}),
        "time": estimates(both, section.time_parts(rows, kinds)),
        "time_of_all": estimates(of_all, parts[:1]),
        "sex_over_labor": {
            name: cases.lead_over(design, measures[SEX], measures[LABOR], everybody, level)
            for name, measures in (("time", both), ("time-of-all", of_all))
        },
        "services": estimates(section.services(rows, kinds)),
        "totals": builders.masked_values(section.grand_totals(rows, design, level), limits),
    }


def _of_cases(described, settings) -> dict:
    level, limits = settings["confidence_level"], settings["reliability"]
    rows, design = described
    parts = cases.case_parts(rows)
    inside = parts[0][2]

    def estimates(measures) -> pd.DataFrame:
        return cases.masked(cases.estimates(design, rows["agency_id"], measures, parts, level), limits)

    charges = section.charges(rows)
    prosecuted = inside & rows["q12_prosecuted"].isin(section.COURTS).to_numpy()
    court = rows["q12_prosecuted"].cat.set_categories(section.COURTS)
    outcome = rows["q13_outcome"].where(pd.Series(prosecuted, index=rows.index))
    of_all, of_stage = section.flow(rows)
    flow = of_all | of_stage | section.convicted_suspects(rows)
    found = estimates(flow)
    compared = cases.contrasts(design, flow, parts[1][2], parts[2][2], level)
    of_court = {COURT_NAMES[name]: one for name, one in cases.answers(court, inside).items()}
    return {
        "light_cases": estimates(cases.answers(rows["q7_came_to_light"], inside)),
        "light_test": cases.independence(design, rows["q7_came_to_light"], parts),
        "charges": estimates(cases.answers(charges, inside) | of_court | cases.answers(outcome, inside)),
        "charges_tests": {
            "charges": cases.independence(design, charges, parts),
            "courts": cases.independence(design, court, parts),
            "outcomes": cases.independence(design, outcome, parts),
        },
        "flow": found,
        "flow_compared": cases.without_hidden(compared, found),
        "models": section.fitted(rows, design, level),
    }


# -- numbers -----------------------------------------------------------------------------------------------------------

KEYS = {section.ANY_STRATEGY: "any", "Indicators looked for in other investigations": "indicators"}


def _numbers(found: Results, level: float) -> ledger.Numbers:
    numbers = ledger.Numbers(RULE)
    of_agencies, of_cases = "share of agencies with cases", "share of cases"
    for name, part, unit in (
        ("light", found.light, of_agencies),
        ("light-case", found.light_cases, of_cases),
        ("strategy", found.strategies, of_agencies),
        ("partner", found.partners, of_agencies),
        ("time", found.time, "share of agencies that investigated both types"),
        ("time-of-all", found.time_of_all, of_agencies),
        ("charges", found.charges, "share of cases, of prosecuted ones for courts and outcomes"),
        ("course", found.flow, "share of cases or suspects"),
        ("services", found.services, "share or mean of agencies with cases"),
    ):
        case_tables.add(numbers, f"{PREFIX}.{name}", part, KEYS, level, unit)
    case_tables.add(
        numbers,
        f"{PREFIX}.challenge",
        found.challenges.assign(domain=found.challenges["measure"], measure=found.challenges["domain"]),
        {},
        level,
        of_agencies,
    )
    for name, lead in (
        ("light", found.light_leader),
        ("strategy", found.strategies_leader),
        ("partner", found.partners_leader),
        ("challenge", found.challenges_leader),
    ):
        label = f"{lead.name} less the next"
        case_tables.add_comparison(numbers, f"{PREFIX}.{name}.lead", lead.lead, label, of_agencies, level)
    for name, lead in found.sex_over_labor.items():
        label = "More time on sex less more time on labor trafficking"
        case_tables.add_comparison(numbers, f"{PREFIX}.{name}.sex-over-labor", lead, label, of_agencies, level)
    case_tables.add_contrasts(numbers, f"{PREFIX}.course", found.flow_compared, {}, level, "sex and labor cases")
    tests = {"light-case": found.light_test} | found.charges_tests
    for name, test in tests.items():
        case_tables.add_p(
            numbers, f"{PREFIX}.{name}.test", test.p, f"{name} by type", "sex and labor cases", "Rao-Scott test"
        )
    for row in found.totals.itertuples():
        numbers.add(
            f"{PREFIX}.total.{slug(row.measure)}",
            row.value,
            format="count",
            label=f"{row.measure}, in the country",
            unit=row.measure.lower(),
            domain="the country",
            estimator="agencies with cases times mean of those that gave the number, linearized variance",
            se=row.se,
            interval=(row.low, row.high),
            level=level,
            n=int(row.n),
        )
    for one in found.models:
        _add_model(numbers, one, level)
    return numbers


def _add_model(numbers: ledger.Numbers, one: section.Modelled, level: float) -> None:
    base, domain = f"{PREFIX}.model.{slug(one.name)}", f"cases of the model of {one.name.lower()}"
    effects = one.effects.set_index("term")
    for row in one.ratios.itertuples():
        label, ident = f"{one.name}: {section.term_label(row.term)}", f"{base}.{slug(section.term_label(row.term))}"
        numbers.add(
            ident, row.ratio, format="number2", label=label, unit="odds ratio", domain=domain, n=one.n,
            estimator="logistic regression, variance clustered by agency", interval=(row.low, row.high), level=level,
        )  # fmt: skip
        case_tables.add_p(numbers, f"{ident}.p", row.p_adjusted, label, domain, "t test, Holm's adjustment")
        effect = effects.loc[row.term]
        numbers.add(
            f"{ident}.effect", effect["value"], format="points1", label=f"{label}, average marginal effect",
            unit="change of the probability", domain=domain, estimator="average marginal effect, linearized variance",
            se=effect["se"], interval=(effect["low"], effect["high"]), level=level, n=one.n,
        )  # fmt: skip
    for name, value in (
        ("n", one.n),
        ("candidates", one.candidates),
        ("agencies", one.agencies),
        ("events", one.events),
        ("others", one.n - one.events),
    ):
        numbers.add(
            f"{base}.{name}", value, format="count", label=f"{one.name}: {name}", unit="cases", domain=domain,
            estimator="count",
        )  # fmt: skip
    numbers.add(
        f"{base}.auc", one.auc[0], format="number2", label=f"{one.name}: area under the curve", unit="share of pairs",
        domain=domain, estimator="weighted area under the curve", interval=one.auc[1:], level=level,
    )  # fmt: skip


# -- tables ------------------------------------------------------------------------------------------------------------


def light_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """Ways of agencies' cases, of which an agency may name several, and the way of each described case."""
    together = pd.concat([found.light, found.light_cases], ignore_index=True)
    return case_tables.measures_table(
        "tbl-investigation-light",
        caption(f"How cases came to light: percent, with {level_text(level)} interval", synthetic),
        together,
        {survey.ALL: "Agencies with cases"} | CASE_COLUMNS,
        limits,
        survey.source(synthetic),
        "Agencies: ways in which any of their cases came to light, several could be named; n: agencies that "
        f"answered. Cases: the one way of each described case (n = {found.light_cases['n'].max():,}). Last line: "
        f"{RAO_SCOTT_NOTE}.",
        (28, 8, 19, 19, 19, 19),
        first="Way",
        counted=survey.ALL,
        foot=[f"p, sex and labor cases alike: {builders.p_text(found.light_test.p)}"],
    )


def _by_group(
    ident: str, title: str, first: str, found, p, limits: dict, level: float, synthetic: bool, bold: list[str] = ()
) -> Table:
    return case_tables.measures_table(
        ident,
        caption(
            f"{title}, by the type of trafficking that they investigated: percent, with {level_text(level)} interval",
            synthetic,
        ),
        found,
        GROUP_COLUMNS,
        limits,
        survey.source(synthetic),
        "Several could be named. n: agencies with cases that answered, unweighted. p: that the three groups are alike, "
        f"{RAO_SCOTT_NOTE}, adjusted for all tests of the table [Holm's method, @holm1979].",
        (26, 7, 18, 18, 18, 18, 8),
        first=first,
        counted=survey.ALL,
        p=p,
        bold=bold,
    )


def challenges_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """Ratings of the challenges, the most serious first."""
    lines = []
    for label in drawn.challenge_order(found):
        part = found.challenges[found.challenges["domain"] == label]
        at = {row.measure: row for row in part.itertuples()}
        line = {"Challenge": label, "n": f"{part['n'].max():,}"}
        line |= {name: case_tables.cell(at[name], limits) for name in section.RATINGS}
        lines.append(line | {f"**{section.SERIOUS}**": case_tables.cell(at[section.SERIOUS], limits)})
    return builders.lines_table(
        "tbl-investigation-challenges",
        caption(
            f"How much of a problem agencies with cases found each challenge: percent, with {level_text(level)} "
            "interval",
            synthetic,
        ),
        lines,
        found.challenges,
        survey.source(synthetic),
        "n: agencies with cases that rated the challenge, unweighted.",
        (22, 7, 17, 17, 17, 17, 17),
        explained=explained(limits),
    )


def time_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """On which type more time is spent."""
    together = pd.concat([found.time, found.time_of_all.assign(domain="All agencies with cases")], ignore_index=True)
    lines = []
    for domain, part in together.groupby("domain", sort=False):
        at = {row.measure: row for row in part.itertuples()}
        line = {"Agencies": domain, "n": f"{part['n'].max():,}"}
        lines.append(line | {name: case_tables.cell(at[name], limits) for name in section.MORE_TIME})
    return builders.lines_table(
        "tbl-investigation-time",
        caption(
            f"Type of trafficking on which more time is spent: percent, with {level_text(level)} interval", synthetic
        ),
        lines,
        together,
        survey.source(synthetic),
        "The first three lines: agencies that investigated both types, which alone were asked. Last line: all "
        "agencies with cases, where those of one type spend their time on that one. n: unweighted.",
        (30, 7, 21, 21, 21),
        explained=explained(limits),
    )


def charges_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """Charges of all cases, courts and outcomes of the prosecuted ones."""
    return case_tables.measures_table(
        "tbl-prosecution-charges",
        caption(
            f"Charges, courts and outcomes of the cases, by type of trafficking: percent, with {level_text(level)} "
            "interval",
            synthetic,
        ),
        found.charges,
        CASE_COLUMNS,
        limits,
        survey.source(synthetic),
        "Charges: percent of cases. Courts and outcomes: percent of the prosecuted cases. "
        + f"{CASE_NOTE} Last lines: "
        f"{RAO_SCOTT_NOTE}.",
        (28, 14, 19, 19, 19),
        first="Charges and outcomes",
        counted=ALL_CASES,
        foot=[
            f"p, {name} of sex and labor cases alike: {builders.p_text(test.p)}"
            for name, test in found.charges_tests.items()
        ],
    )


def flow_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """From the described case to the conviction, with the shares of the stage before."""
    return case_tables.measures_table(
        "tbl-prosecution-course",
        caption(f"From investigation to outcome: percent of cases, with {level_text(level)} interval", synthetic),
        found.flow,
        CASE_COLUMNS,
        limits,
        survey.source(synthetic),
        "Cases whose whole course is known. The first seven lines: percent of all these cases. Decided: prosecuted "
        f"and not pending. Suspects convicted: percent of all suspects of these cases. {CASE_NOTE} Sex less labor: "
        f"percentage points. {HOLM_NOTE} {CLUSTER_NOTE}",
        (24, 12, 17, 17, 17, 24, 8),
        first="Stage",
        counted=ALL_CASES,
        compared=found.flow_compared,
        bold=["Charged", "Prosecuted", "Convicted"],
    )


def services_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """Arrests, services, certification and T visas, by the type that agencies investigated."""
    return case_tables.measures_table(
        "tbl-prosecution-services",
        caption(
            "Arrests, services and certification, by the type of trafficking that agencies investigated, with "
            f"{level_text(level)} interval",
            synthetic,
        ),
        found.services,
        GROUP_COLUMNS,
        limits,
        survey.source(synthetic),
        "Percent of agencies with cases, but for the numbers per investigation and for T visas per certified victim, "
        "which is a percentage of those victims. n: agencies that answered, unweighted.",
        (30, 7, 19, 19, 19, 19),
        first="Result",
        counted=survey.ALL,
    )


JOINT = {"type": "Types", "source": "Ways to light", "agency": "Agency types"}


def models_table(fitted: list[section.Modelled], level: float, synthetic: bool) -> Table:
    """Odds ratios of the three models."""
    labels = {term: section.term_label(term) for one in fitted for term in one.ratios["term"]}
    at = {one.name: {row.term: row for row in one.ratios.itertuples()} for one in fitted}
    lines = []
    for term, label in labels.items():
        line = {"Trait": label}
        for name, rows in at.items():
            row = rows.get(term)
            line[name] = "" if row is None else f"{row.ratio:.2f} ({row.low:.2f}{DASH}{row.high:.2f})"
            line[f"p {name.lower()}"] = "" if row is None else builders.p_text(row.p_adjusted)
        lines.append(line)
    for key, heading in JOINT.items():
        line = {"Trait": f"*{heading}, all together*"}
        for one in fitted:
            p = builders.p_text(one.joint[key]) if key in one.joint else ""
            line |= {one.name: "", f"p {one.name.lower()}": f"*{p}*" if p else ""}
        lines.append(line)
    for heading, values in (
        ("Cases (agencies)", [f"{one.n:,} ({one.agencies:,})" for one in fitted]),
        ("Cases with the outcome", [f"{one.events:,}" for one in fitted]),
        ("Area under the curve", [f"{one.auc[0]:.2f} ({one.auc[1]:.2f}{DASH}{one.auc[2]:.2f})" for one in fitted]),
    ):
        line = {"Trait": f"*{heading}*"}
        for one, value in zip(fitted, values, strict=True):
            line |= {one.name: f"*{value}*", f"p {one.name.lower()}": ""}
        lines.append(line)
    data = pd.concat([one.ratios.assign(model=one.name, n=one.n, firth=one.firth) for one in fitted], ignore_index=True)
    shown = pd.DataFrame(lines).rename(
        columns={f"p {one.name.lower()}": "p" + "\u200b" * k for k, one in enumerate(fitted)}
    )
    firth = [one.name.lower() for one in fitted if one.firth]
    return Table(
        "tbl-prosecution-models",
        caption(
            f"What goes with charges, prosecution and conviction: odds ratios, with {level_text(level)} interval",
            synthetic,
        ),
        shown,
        data,
        survey.source(synthetic),
        "Logistic regressions under the survey's weights, errors clustered by agency. Against sex: compared with "
        "cases of sex trafficking; against own: with cases that came to light by the agency's own investigation; "
        "against police: with municipal police. Charged and prosecuted: all cases whose course and traits are known. "
        "Convicted: decided prosecutions, with fewer terms because few of these end otherwise. Suspects are counted "
        "from one, so that cases without a suspect enter. p: adjusted for all traits of the model [Holm's method, "
        "@holm1979]; the intervals are not. All together: Wald test that all levels are alike, not adjusted."
        + (
            f" Firth's penalized likelihood [@firth1993] for {', '.join(firth)}, as a term separates it."
            if firth
            else ""
        ),
        widths=(30, 20, 8, 20, 8, 20, 8),
    )
