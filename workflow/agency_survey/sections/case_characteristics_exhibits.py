"""Chapter 7, characteristics of cases: its tables, figures and numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from agency_survey import estimate, figures, ledger, marks
from agency_survey.codebook import Codebook
from agency_survey.design import SurveyDesign
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import level_text
from agency_survey.sections import builders, case_tables, cases, survey
from agency_survey.sections import case_characteristics as section
from agency_survey.sections import case_characteristics_text as text
from agency_survey.sections.case_tables import (
    CLUSTER_NOTE,
    HOLM_NOTE,
    RAO_SCOTT_NOTE,
    explained,
    interval_note,
    range_of,
)
from agency_survey.sections.cases import ALL_CASES, GROUPS, LABOR, SEX
from agency_survey.sections.survey import caption
from agency_survey.tables import DASH, Table

RULE = "case_characteristics"
PREFIX = "case-characteristics"
CASE_COLUMNS = {ALL_CASES: "All cases", SEX: "Sex", LABOR: "Labor"}
ALL_NOTE = "All cases: with those of both types at once and those whose type is not known."
COUNT_NOTE = "n: cases (agencies that described them), unweighted."
WEIGHTINGS = {"described": "Described cases", "all": "All investigations", "none": "Unweighted"}


@dataclass(frozen=True)
class Results:
    """What the chapter shows: ``cases.masked`` estimates, comparisons and tests."""

    groups: pd.DataFrame
    group_tests: pd.DataFrame
    single: pd.DataFrame
    years: section.Years
    kinds: pd.DataFrame
    settings: pd.DataFrame
    settings_test: estimate.Test
    settings_leader: cases.Leader
    victims: pd.DataFrame
    victims_compared: pd.DataFrame
    origins: pd.DataFrame
    origins_test: estimate.Test
    origins_leader: cases.Leader
    suspects: pd.DataFrame
    suspects_test: estimate.Test
    traits: pd.DataFrame
    traits_compared: pd.DataFrame
    links: pd.DataFrame
    links_p: dict[str, float]
    links_leader: cases.Leader
    weightings: pd.DataFrame
    counts: dict[str, int]


def chapter(
    agencies: tuple[pd.DataFrame, SurveyDesign],
    kinds: pd.DataFrame,
    described: tuple[pd.DataFrame, SurveyDesign],
    every: tuple[pd.DataFrame, SurveyDesign],
    books: dict[str, Codebook],
    settings: dict,
) -> Exhibits:
    """Exhibits of the chapter.

    agencies : rows and design of Part II (``national_survey.part2_respondents``), answers on years and networks; kinds
    : ``cases.investigated``; described, every : rows and design of the cases (``national_survey.cases``) as described
    and as standing for all; books : codebooks of the blocks 'networks' and 'case'; settings : confidence_level,
    reliability, population_classes.
    """
    section.require(agencies[0], described[0])
    level, limits, synthetic = settings["confidence_level"], settings["reliability"], books["case"].synthetic
    found = results(agencies, kinds, described, every, books, settings)
    made = _numbers(found, level)
    return builders.exhibits(
        made,
        [
            types_table(found, limits, level, synthetic),
            single_table(found, limits, level, synthetic),
            years_table(found.years, level, synthetic),
            settings_table(found, limits, level, synthetic),
            victims_table(found, limits, level, synthetic),
            origins_table(found, limits, level, synthetic),
            suspects_table(found, limits, level, synthetic),
            traits_table(found, limits, level, synthetic),
            networks_table(found, limits, level, synthetic),
            weighting_table(found, limits, level, synthetic),
        ],
        [
            years_figure(found.years, level, synthetic),
            settings_figure(found, level, synthetic),
            victims_figure(found, level, synthetic),
            networks_figure(found, level, synthetic),
        ],
        text.texts(found),
    )


def results(agencies, kinds, described, every, books, settings) -> Results:
    """All estimates and tests of the chapter; arguments as in ``chapter``."""
    level, limits = settings["confidence_level"], settings["reliability"]
    rows, design = agencies
    kinds = kinds.reindex(rows["agency_id"]).reset_index(drop=True)
    parts = cases.group_parts(rows, kinds["group"])
    domains = [
        (kind, name, inside & rows["part2"].to_numpy())
        for kind, name, inside in survey.domains(rows, settings["population_classes"])
        if kind not in ("Location",) and name != survey.LOCAL
    ]

    def agency_estimates(measures, among) -> pd.DataFrame:
        return cases.masked(cases.estimates(design, rows["agency_id"], measures, among, level), limits)

    labels = {name: books["networks"].variables[name].label for name in section.LINKS}
    of_groups, of_links = section.by_type_investigated(rows, kinds), section.links(rows, labels)
    years = section.years(rows, design, level)
    years = replace(years, totals=builders.masked_values(years.totals, limits))
    single = section.one_type(rows, kinds, years.sex_share)
    tests = [builders.tests(design, {name: one.y.astype(bool)}, one.known, domains) for name, one in of_groups.items()]
    link_tests = builders.adjusted(
        *(builders.tests(design, {name: one.y.astype(bool)}, one.known, parts) for name, one in of_links.items())
    )
    cases_, case_design = described
    case_parts = cases.case_parts(cases_)
    inside = case_parts[0][2]

    def case_estimates(measures) -> pd.DataFrame:
        return cases.masked(cases.estimates(case_design, cases_["agency_id"], measures, case_parts, level), limits)

    def compared(measures, public) -> pd.DataFrame:
        sides = cases.contrasts(case_design, measures, case_parts[1][2], case_parts[2][2], level)
        return cases.without_hidden(sides, public)

    of_settings, of_origins = (cases.answers(cases_[name], inside) for name in ("q2_setting", "q5a_origin"))
    of_victims, of_traits = section.victims(cases_), section.traits(cases_)
    classes = section.suspects(cases_)
    victims, traits = case_estimates(of_victims), case_estimates(of_traits)
    return Results(
        groups=agency_estimates(of_groups, domains),
        group_tests=builders.adjusted(*tests),
        single=agency_estimates(single, section.several_parts(rows, kinds, domains)),
        years=years,
        kinds=case_estimates(cases.answers(cases_["q1_type"], inside))[lambda t: t["domain"] == ALL_CASES],
        settings=case_estimates(of_settings),
        settings_test=cases.independence(case_design, cases_["q2_setting"], case_parts),
        settings_leader=cases.leader(case_design, of_settings, inside, level),
        victims=victims,
        victims_compared=compared(of_victims, victims),
        origins=case_estimates(of_origins),
        origins_test=cases.independence(case_design, cases_["q5a_origin"], case_parts),
        origins_leader=cases.leader(case_design, of_origins, inside, level),
        suspects=case_estimates(cases.answers(classes, inside)),
        suspects_test=cases.independence(case_design, classes, case_parts),
        traits=traits,
        traits_compared=compared(of_traits, traits),
        links=agency_estimates(of_links, parts),
        links_p=link_tests.set_index("measure")["p_adjusted"].to_dict(),
        links_leader=cases.leader(
            design, {name: one for name, one in of_links.items() if name != section.ANY_LINK}, parts[0][2], level
        ),
        weightings=weightings(described, every, limits, level),
        counts=section.counts(cases_),
    )


def weightings(described, every, limits: dict, level: float) -> pd.DataFrame:
    """The headline measures of cases under three weightings, with the weighting as domain."""
    found = []
    for name, (rows, design) in (("described", described), ("all", every)):
        part = cases.estimates(
            design, rows["agency_id"], section.headline_measures(rows), cases.case_parts(rows)[:1], level
        )
        found.append(cases.masked(part, limits).assign(domain=WEIGHTINGS[name]))
    rows = described[0]
    return pd.concat([*found, section.unweighted(rows, section.headline_measures(rows), WEIGHTINGS["none"])])


# -- numbers -----------------------------------------------------------------------------------------------------------

GROUP_KEYS = dict(zip(GROUPS, ("sex-only", "labor-only", "both"), strict=True))
SINGLE_KEYS = {section.ONE_TYPE: "one-type", section.EXPECTED: "one-type-expected", section.EXCESS: "one-type-excess"}


def _numbers(found: Results, level: float) -> ledger.Numbers:
    numbers = ledger.Numbers(RULE)
    case_tables.add(numbers, f"{PREFIX}.investigated", found.groups, GROUP_KEYS, level, "share of agencies with cases")
    shares = found.single[found.single["percent"]]
    several = "share of agencies with several investigations"
    case_tables.add(numbers, PREFIX, shares, SINGLE_KEYS, level, several)
    for row in found.single[~found.single["percent"]].itertuples():
        numbers.add(
            f"{PREFIX}.one-type-excess.{ledger.slug(row.domain)}",
            row.value,
            format="points1",
            label="One type only: share less the share expected by chance",
            unit="difference of shares",
            domain=row.domain,
            estimator="weighted mean difference, linearized variance",
            se=row.se,
            interval=(row.low, row.high),
            level=level,
            n=int(row.n),
        )
    builders.add_tests(numbers, f"{PREFIX}.investigated", found.group_tests, GROUP_KEYS)
    case_tables.add(numbers, f"{PREFIX}.type", found.kinds, {}, level, "share of cases")
    for name, part, unit in (
        ("setting", found.settings, "share of cases"),
        ("origin", found.origins, "share of cases with foreign victims"),
        ("victims", found.victims, "share of victims"),
        ("suspects", found.suspects, "share of cases"),
        ("case", found.traits, "share or mean of cases"),
    ):
        case_tables.add(numbers, f"{PREFIX}.{name}", part, {}, level, unit)
    for name, compared in (("victims", found.victims_compared), ("case", found.traits_compared)):
        case_tables.add_contrasts(numbers, f"{PREFIX}.{name}", compared, {}, level, "sex and labor cases")
    tests = {"setting": found.settings_test, "origin": found.origins_test, "suspects": found.suspects_test}
    for name, test in tests.items():
        case_tables.add_p(
            numbers, f"{PREFIX}.{name}.test", test.p, f"{name} by type", "sex and labor cases", "Rao-Scott test"
        )
    for name, lead in (
        ("setting", found.settings_leader),
        ("origin", found.origins_leader),
        ("network", found.links_leader),
    ):
        case_tables.add_comparison(
            numbers, f"{PREFIX}.{name}.lead", lead.lead, f"{lead.name} less the next", "all", level
        )
    keys = {section.ANY_LINK: "any"}
    case_tables.add(numbers, f"{PREFIX}.network", found.links, keys, level, "share of agencies with cases")
    for name, p in found.links_p.items():
        ident = f"{PREFIX}.network.{keys.get(name) or ledger.slug(name)}.test"
        case_tables.add_p(numbers, ident, p, name, "by type investigated", "Rao-Scott test, Holm's adjustment")
    _add_years(numbers, found.years, level)
    for row in found.weightings[found.weightings["domain"] == WEIGHTINGS["all"]].itertuples():
        case_tables.add(
            numbers, f"{PREFIX}.weighting", pd.DataFrame([row]), {}, level, "share or mean of all investigations"
        )
    for name, value in found.counts.items():
        numbers.add(
            f"{PREFIX}.count.{name}",
            value,
            format="count",
            label=f"{name.replace('-', ' ').capitalize()}, unweighted",
            unit=name,
            domain=ALL_CASES,
            estimator="count",
        )
    return numbers


def _add_years(numbers: ledger.Numbers, years: section.Years, level: float) -> None:
    for row in years.totals.itertuples():
        numbers.add(
            f"{PREFIX}.year.{ledger.slug(row.kind)}.{row.year}",
            row.value,
            format="count",
            label=f"Investigations of {row.kind.lower()} opened in {row.year}",
            unit="investigations",
            domain="the country",
            estimator="agencies with cases times mean of those that gave the number, linearized variance, log interval",
            se=row.se,
            interval=(row.low, row.high),
            level=level,
            n=int(row.n),
        )
    for row in years.growth.itertuples():
        ident, label = f"{PREFIX}.growth.{ledger.slug(row.kind)}", f"Growth a year: {row.kind.lower()}"
        numbers.add(
            ident,
            row.value,
            format="percent1",
            label=label,
            unit="relative change a year",
            domain="the country",
            estimator="slope of the logarithms of the yearly totals, delta method",
            interval=(row.low, row.high),
            level=level,
            status=marks.status_of(row),
        )
        case_tables.add_p(numbers, f"{ident}.p", row.p, label, "the country", "t test")
    case_tables.add_p(
        numbers,
        f"{PREFIX}.growth.difference.p",
        years.difference_p,
        "sex and labor grow alike",
        "the country",
        "t test",
    )


# -- tables ------------------------------------------------------------------------------------------------------------


def types_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """What agencies with cases investigated, by type, size, region and task force."""
    return builders.domains_table(
        "tbl-cases-types",
        caption(
            "Agencies with cases, by the type of trafficking that they investigated: percent, with "
            f"{level_text(level)} interval",
            synthetic,
        ),
        found.groups,
        {name: name for name in GROUPS},
        survey.source(synthetic),
        "n: agencies with answers to Part II whose numbers of sex and of labor investigations are both known, "
        f"unweighted. {builders.checks_note(found.group_tests)} {survey.ALIKE_NOTE}",
        (26, 7, 21, 21, 21),
        lambda row: case_tables.cell(row, limits),
        found.group_tests,
        explained=explained(limits),
    )


def single_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """One type only among agencies with several investigations, beside what chance would give."""

    def points(row) -> str:
        return case_tables.difference_cell(row._replace(percent=True))

    def percent(row) -> str:
        return case_tables.cell(row, limits)

    return builders.domains_table(
        "tbl-cases-single",
        caption(
            "Agencies with several investigations that investigated one type of trafficking only: percent, with "
            f"{level_text(level)} interval",
            synthetic,
        ),
        found.single,
        {name: name for name in (section.ONE_TYPE, section.EXPECTED, section.EXCESS)},
        survey.source(synthetic),
        "n: agencies with two investigations or more, unweighted. Expected by chance: if the types of an agency's "
        "investigations were drawn at random from all investigations, with their overall share of sex trafficking "
        "taken as known. More than expected: in percentage points.",
        (26, 7, 21, 21, 24),
        {section.ONE_TYPE: percent, section.EXPECTED: percent, section.EXCESS: points},
        explained=explained(limits),
    )


def years_table(years: section.Years, level: float, synthetic: bool) -> Table:
    """Estimated number of investigations by year and type."""
    lines = []
    for year, part in years.totals.groupby("year", sort=False):
        at = part.set_index("kind")
        line = {"Year": year, "n": range_of(part["n"])}
        line |= {kind: _count_cell(at.loc[kind]) for kind in section.KINDS.values()}
        lines.append(line)
    growth = years.growth.set_index("kind")
    line = {"Year": "*growth a year*", "n": ""}
    lines.append(line | {kind: f"*{_growth_cell(growth.loc[kind])}*" for kind in section.KINDS.values()})
    return builders.lines_table(
        "tbl-cases-years",
        caption(
            f"Estimated investigations in the country by year of opening, with {level_text(level)} interval", synthetic
        ),
        lines,
        years.totals,
        survey.source(synthetic),
        "n: agencies that gave the year's number, unweighted. Totals: agencies with cases times the mean of those "
        "that gave the number; limits on the log scale. Growth: from the slope of the logarithms of the totals.",
        (18, 14, 32, 32),
        explained=marks.UNCERTAIN,
    )


def _count_cell(row) -> str:
    if not np.isfinite(row["value"]):
        return marks.of(row["status"])
    return f"{row['value']:,.0f} ({row['low']:,.0f}{DASH}{row['high']:,.0f})"


def _growth_cell(row) -> str:
    if not np.isfinite(row["value"]):
        return marks.of(marks.status_of(row))
    return (
        ledger.format_value(row["value"], "percent1")
        + f" ({ledger.format_interval(row['low'], row['high'], 'percent1')})"
    )


def _test_line(test: estimate.Test) -> list[str]:
    return [f"p, sex and labor alike: {builders.p_text(test.p)}"]


def settings_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """Where the trafficking took place, by type."""
    return case_tables.measures_table(
        "tbl-cases-settings",
        caption(
            f"Settings of the cases, by type of trafficking: percent, with {level_text(level)} interval", synthetic
        ),
        found.settings,
        CASE_COLUMNS,
        limits,
        survey.source(synthetic),
        f"{COUNT_NOTE} {ALL_NOTE} Last line: {RAO_SCOTT_NOTE}.",
        (28, 14, 19, 19, 19),
        first="Setting",
        counted=ALL_CASES,
        foot=_test_line(found.settings_test),
    )


def victims_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """Age, sex and origin of victims, by type."""
    return case_tables.measures_table(
        "tbl-cases-victims",
        caption(f"Victims by age, sex and origin: percent of victims, with {level_text(level)} interval", synthetic),
        found.victims,
        CASE_COLUMNS,
        limits,
        survey.source(synthetic),
        "Ages: percent of the victims whose age is known; other lines: of all victims. " + f"{COUNT_NOTE} {ALL_NOTE} "
        f"Sex less labor: percentage points. {HOLM_NOTE} {CLUSTER_NOTE}",
        (20, 12, 18, 18, 18, 23, 8),
        first="Victims",
        counted=ALL_CASES,
        compared=found.victims_compared,
        bold=["Under 25"],
    )


def origins_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """Where foreign victims came from, by type."""
    return case_tables.measures_table(
        "tbl-cases-origins",
        caption(
            "Origin of most of the foreign victims of a case: percent of cases with foreign victims, with "
            f"{level_text(level)} interval",
            synthetic,
        ),
        found.origins,
        CASE_COLUMNS,
        limits,
        survey.source(synthetic),
        f"{COUNT_NOTE} {ALL_NOTE} Last line: {RAO_SCOTT_NOTE}.",
        (28, 14, 19, 19, 19),
        first="Origin",
        counted=ALL_CASES,
        foot=_test_line(found.origins_test),
    )


def suspects_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """Cases by their number of suspects, by type."""
    return case_tables.measures_table(
        "tbl-cases-suspects",
        caption(
            f"Cases by their number of suspects, by type of trafficking: percent, with {level_text(level)} interval",
            synthetic,
        ),
        found.suspects,
        CASE_COLUMNS,
        limits,
        survey.source(synthetic),
        f"{COUNT_NOTE} {ALL_NOTE} Last line: {RAO_SCOTT_NOTE}.",
        (28, 14, 19, 19, 19),
        first="Suspects",
        counted=ALL_CASES,
        foot=_test_line(found.suspects_test),
    )


def traits_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """Cases of sex and labor trafficking compared."""
    return case_tables.measures_table(
        "tbl-cases-compared",
        caption(
            f"Cases of sex and of labor trafficking compared: means and percent of cases, with {level_text(level)} "
            "interval",
            synthetic,
        ),
        found.traits,
        CASE_COLUMNS,
        limits,
        survey.source(synthetic),
        "The first two lines are means, the others percent of cases; differences of percent are percentage points. "
        f"{COUNT_NOTE} {ALL_NOTE} {HOLM_NOTE} {CLUSTER_NOTE}",
        (24, 12, 17, 17, 17, 23, 8),
        first="Trait",
        counted=ALL_CASES,
        compared=found.traits_compared,
    )


def networks_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """Links to other criminal networks, by the type that agencies investigated."""
    return case_tables.measures_table(
        "tbl-cases-networks",
        caption(
            "Agencies with cases that report links to other criminal networks, by the type of trafficking that they "
            f"investigated: percent, with {level_text(level)} interval",
            synthetic,
        ),
        found.links,
        {survey.ALL: "All with cases"} | {name: name for name in GROUPS},
        limits,
        survey.source(synthetic),
        "Base: all agencies with cases that answered, also those that report no link. n: unweighted. p: that the "
        f"three groups are alike, {RAO_SCOTT_NOTE}, adjusted for all tests of the table [Holm's method, @holm1979].",
        (22, 7, 18, 18, 18, 18, 8),
        first="Linked to",
        counted=survey.ALL,
        p=found.links_p,
        bold=[section.ANY_LINK],
    )


def weighting_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """Headline figures under three weightings."""
    return case_tables.measures_table(
        "tbl-cases-weighting",
        caption(f"Headline figures of the cases under three weightings, with {level_text(level)} interval", synthetic),
        found.weightings,
        {name: name for name in WEIGHTINGS.values()},
        limits,
        survey.source(synthetic),
        "Described cases: each with its agency's weight, as in the rest of the chapter. All investigations: the "
        "described cases stand for all of their agency's. Unweighted: the returned forms as they are. Percent, but "
        f"for victims per case. {COUNT_NOTE}",
        (30, 14, 20, 20, 16),
        first="Figure",
        counted=WEIGHTINGS["described"],
        plain=[WEIGHTINGS["none"]],
    )


# -- figures -----------------------------------------------------------------------------------------------------------


def years_figure(years: section.Years, level: float, synthetic: bool) -> figures.Figure:
    """Investigations by year, a line for each type with its intervals."""

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 3.0), layout="constrained")
        axis = canvas.subplots()
        for k, (kind, part) in enumerate(data.groupby("kind", sort=False)):
            year = part["year"].astype(int).to_numpy() + 0.06 * (2 * k - 1)
            color = figures.PALETTE[k]
            error = np.nan_to_num([part["value"] - part["low"], part["high"] - part["value"]])
            axis.errorbar(
                year, part["value"], error, marker=figures.MARKERS[k], color=color, capsize=2.2, markersize=4.6,
                elinewidth=1.2, linestyle="-" if k == 0 else "--",
            )  # fmt: skip
            axis.annotate(
                kind, (year[-1], part["value"].iloc[-1]), xytext=(10, 0), textcoords="offset points", color=color,
                va="center", fontsize=9, fontweight="bold",
            )  # fmt: skip
        axis.set_xticks(sorted(data["year"].astype(int).unique()))
        axis.set_xlim(axis.get_xlim()[0], axis.get_xlim()[1] + 1.6)
        axis.set_ylim(0)
        axis.set_xlabel("Year of opening")
        axis.set_ylabel("Investigations")
        axis.grid(axis="x", visible=False)
        return canvas

    data = years.totals
    alt = "Two lines with intervals. Estimated investigations by year of opening. " + " ".join(
        f"{kind}: " + ", ".join(f"{row.year} {row.value:,.0f}" for row in part.itertuples()) + "."
        for kind, part in data.groupby("kind", sort=False)
    )
    return figures.Figure(
        "fig-cases-years",
        caption("Estimated investigations in the country by year of opening", synthetic),
        alt,
        data,
        survey.source(synthetic),
        draw,
        f"n = {range_of(data['n'])} agencies by year and type. {interval_note(level, 'intervals on the log scale')}",
    )


def _by_kind(data: pd.DataFrame) -> dict[str, str]:
    return {name.removesuffix(" trafficking"): name for name in (SEX, LABOR) if (data["group"] == name).any()}


def settings_figure(found: Results, level: float, synthetic: bool) -> figures.Figure:
    """Settings of sex and of labor cases, side by side."""
    names = list(dict.fromkeys(found.settings["measure"]))
    data = case_tables.on_axis(found.settings[found.settings["domain"] != ALL_CASES], names)
    ident, source = "fig-cases-settings", survey.source(synthetic)
    title = caption("Settings of sex and of labor trafficking cases", synthetic)
    return case_tables.dots(
        ident,
        title,
        data,
        {name: {"": name} for name in (SEX, LABOR) if (data["group"] == name).any()},
        source,
        f"n = {range_of(data['n'])} cases by type. {interval_note(level)} Shares that "
        "@tbl-cases-settings does not show are not drawn.",
        order=names,
        xlabel="Percent of cases of the type",
        opening="Two panels of points with intervals.",
        limit=case_tables.right_end(data),
        height=2.9,
    )


def victims_figure(found: Results, level: float, synthetic: bool) -> figures.Figure:
    """Age, sex and origin of the victims of sex and of labor cases."""
    order = ["Under 18", "18 to 24", "25 and over", "Female", "Foreign nationals"]
    data = case_tables.on_axis(found.victims[found.victims["domain"] != ALL_CASES], order)
    ident, source = "fig-cases-victims", survey.source(synthetic)
    title = caption("Victims of sex and of labor trafficking by age, sex and origin", synthetic)
    return case_tables.dots(
        ident,
        title,
        data,
        {"": _by_kind(data)},
        source,
        f"n = {range_of(data['n'])} cases by type and answer. Ages: of the victims whose age is known. "
        f"{interval_note(level)}",
        order=order,
        xlabel="Percent of victims",
        legend="Trafficking",
        height=2.8,
        corner="upper right",
    )


def networks_figure(found: Results, level: float, synthetic: bool) -> figures.Figure:
    """Links to other networks, by the type that agencies investigated."""
    overall = found.links[found.links["domain"] == survey.ALL].set_index("measure")["value"]
    kinds = overall.drop(section.ANY_LINK).sort_values(ascending=False, na_position="last").index.tolist()
    data = case_tables.on_axis(found.links[found.links["domain"] != survey.ALL], [section.ANY_LINK, *kinds])
    ident, source = "fig-cases-networks", survey.source(synthetic)
    title = caption(
        "Links to other criminal networks, by the type of trafficking that agencies investigated", synthetic
    )
    return case_tables.dots(
        ident,
        title,
        data,
        {name: {"": name} for name in GROUPS if (data["group"] == name).any()},
        source,
        f"n = {range_of(data['n'])} agencies by group and answer. {interval_note(level)} Shares that "
        "@tbl-cases-networks does not show are not drawn.",
        order=[section.ANY_LINK, *kinds],
        xlabel="Percent of agencies",
        opening="Three panels of points with intervals.",
        height=2.9,
    )
