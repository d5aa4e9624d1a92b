"""Chapter 5, identification: its tables, figures, numbers and the wording that follows the results."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey import figures, ledger, marks, tables
from agency_survey.codebook import Codebook
from agency_survey.design import SurveyDesign
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import level_text, num, slug
from agency_survey.sections import builders, cases, survey
from agency_survey.sections import identification as section
from agency_survey.sections.builders import ALPHA, SIZE, aside, cell, quoted, value_cell
from agency_survey.sections.case_tables import most_often
from agency_survey.sections.identification import (
    AGENCIES,
    ALL_AGENCIES,
    ANY,
    CASES,
    COUNTS,
    GINI,
    KINDS,
    MEAN,
    QUARTER,
    QUARTILES,
    TENTH,
    WITH_CASE,
)
from agency_survey.sections.survey import ALL, LOCAL_NOTE, caption, communities
from agency_survey.tables import Table

RULE = PREFIX = "identification"
COUNT_KEYS = dict(zip(COUNTS, ["one", "two-to-four", "five-to-nine", "ten-or-more"], strict=True))
QUARTILE_KEYS = dict(zip(QUARTILES, ["lower", "median", "upper"], strict=True))
TOTAL_KEYS = {AGENCIES: "agencies", CASES: "cases"}
SHARE_KEYS = {
    "Agencies": "all-agencies",
    AGENCIES: "agencies",
    CASES: "cases",
    "Sex trafficking": "sex-cases",
    "Labor trafficking": "labour-cases",
}
KIND_KEYS = dict(zip(KINDS, ["all", "sex", "labour"], strict=True))
STATISTIC_KEYS = {GINI: "gini", TENTH: "top-tenth", QUARTER: "top-quarter"}
GROUPS = [ALL, "Agency type", SIZE, "Region", "Location", "Task force"]
PERIOD = "2000 to 2006"
UNSURE = " of answers of don't know"


def chapter(rows: pd.DataFrame, design: SurveyDesign, book: Codebook, settings: dict) -> Exhibits:
    """Exhibits of the chapter.

    rows, design : respondents with their answers (``national_survey.respondents``); book : codebook of Part I;
    settings : confidence_level, reliability, population_classes.
    """
    level, limits, synthetic = settings["confidence_level"], settings["reliability"], book.synthetic
    section.check(rows)
    parts = [part for part in survey.domains(rows, settings["population_classes"]) if part[0] in GROUPS]
    given = section.answers(rows)
    found, checks = section.any_case(given, design, parts, level)
    found = tables.masked(found, limits)
    apart, difference = section.by_size_and_partner(given, design, parts, level)
    apart = tables.masked(apart, limits)
    adds = section.amounts(rows, given, design, settings["population_classes"])
    counts, quartiles, means, mean_checks = section.numbers_of_cases(given, design, parts, level, adds[section.CASES])
    counts = tables.masked(counts, limits)
    quartiles, means = builders.masked_values(quartiles, limits), builders.masked_values(means, limits)
    totals, shares, above, excess = _country(
        rows, given, design, parts, settings["population_classes"], level, limits, adds
    )
    concentrated = builders.masked_values(section.concentrated(given, design, level), limits)
    types = section.types_apart(given, design, level)
    curve = section.lorenz_curve(given, design, level)
    unsure = tables.masked(section.without_answer(rows, design, level), limits)
    fewest = section.fewest_by_type(given, parts)

    numbers = ledger.Numbers(RULE)
    builders.add_shares(numbers, PREFIX, found, {ANY: "any-case"}, level)
    builders.add_tests(numbers, PREFIX, checks, {ANY: "any-case"})
    builders.add_difference(numbers, f"{PREFIX}.partners", difference, "Any case: task-force partners less others", ALL)
    label = "Task-force partners: share of cases less share of agencies"
    builders.add_difference(numbers, f"{PREFIX}.partners-excess", excess, label, ALL)
    label = "Gini coefficient: sex less labor trafficking"
    ident = f"{PREFIX}.gini.sex-over-labour"
    builders.add_difference(numbers, ident, types, label, WITH_CASE, "number2", "difference of coefficients")
    builders.add_shares(numbers, f"{PREFIX}.count", counts, COUNT_KEYS, level)
    builders.add_values(
        numbers, f"{PREFIX}.number", quartiles, QUARTILE_KEYS, level,
        format="count", unit="cases", estimator="weighted quantile, Woodruff's interval",
    )  # fmt: skip
    builders.add_values(
        numbers, f"{PREFIX}.number", means, {MEAN: "mean"}, level,
        format="number1", unit="cases", estimator="weighted mean, linearized variance",
    )  # fmt: skip
    builders.add_tests(numbers, PREFIX, mean_checks, {MEAN: "number"})
    builders.add_values(
        numbers, PREFIX, totals, TOTAL_KEYS, level,
        format="count", unit="in the country",
        estimator="weighted total, unknown answers at the mean of their cell, linearized variance",
    )  # fmt: skip
    builders.add_shares(numbers, f"{PREFIX}.share-of", shares, SHARE_KEYS, level)
    builders.add_shares(numbers, f"{PREFIX}.from-the-largest", above, SHARE_KEYS, level)
    _add_concentration(numbers, concentrated, level)
    numbers.add(
        f"{PREFIX}.fewest-by-type", fewest, format="count", label="Respondents with a case in the type with the fewest",
        unit="agencies", domain=ALL, estimator="count",
    )  # fmt: skip
    for row in unsure.itertuples():
        label = f"{row.question}: don't know"
        survey.add_share(numbers, f"{PREFIX}.dont-know.{slug(row.question)}", row, label, level)

    states = dict(rows[["state", "region"]].dropna().astype(str).itertuples(index=False))
    return builders.exhibits(
        numbers,
        [
            any_table(found, totals, shares, checks, limits, level, synthetic),
            number_table(counts, quartiles, means, mean_checks, limits, level, synthetic),
            totals_table(totals, shares, limits, level, synthetic),
            cumulative_table(above, limits, level, synthetic),
            concentration_table(concentrated, limits, level, synthetic),
            unsure_table(unsure, limits, level, synthetic),
        ],
        [
            size_figure(apart, level, synthetic),
            region_figure(found, states, level, synthetic),
            number_figure(counts, synthetic),
            cumulative_figure(above, level, synthetic),
            lorenz_figure(curve, level, synthetic),
        ],
        {
            "findings": findings(found, checks, excess, fewest),
            "any": any_paragraph(numbers, found, checks, difference),
            "number": number_paragraph(mean_checks),
            "country": country_paragraph(above),
            "partners": partners_paragraph(excess),
            "concentration": concentration_paragraph(types),
            "without-answer": unsure_paragraph(section.unsure_most(rows, design, level)),
        },
    )


def _country(rows, given, design, parts, classes, level, limits, adds) -> tuple:
    """(totals, shares of the totals, shares in the largest communities and downward, as they may be shown; excess of
    partners' share of cases over that of agencies)."""
    scores, counts = section.filled(rows, given, design, parts, classes), section.known_counts(given, parts)
    totals = section.screened(section.totals(design, scores, counts, parts, level), given, parts, adds)
    totals = builders.masked_values(totals, limits)
    shares = section.screened(section.shares_of_total(design, scores, counts, parts, level), given, parts, adds)
    shares = tables.masked(shares, limits)
    excess = section.excess(design, scores, parts, "Partner", level)
    downward = section.from_the_largest(parts)
    scores, counts = section.filled(rows, given, design, downward, classes), section.known_counts(given, downward)
    above = section.screened(section.shares_of_total(design, scores, counts, downward, level), given, downward, adds)
    above = tables.masked(above, limits)
    above = above[(above["breakdown"] == SIZE) & above["measure"].isin(["Agencies", AGENCIES, CASES])]
    return totals, shares, above.reset_index(drop=True), excess


def _add_concentration(numbers: ledger.Numbers, found: pd.DataFrame, level: float) -> None:
    for row in found.itertuples():
        gini = row.statistic == GINI
        numbers.add(
            f"{PREFIX}.{STATISTIC_KEYS[row.statistic]}.{KIND_KEYS[row.measure]}.{slug(row.base)}",
            row.value,
            format="number2" if gini else "percent1",
            label=f"{row.statistic}, {row.measure.lower()}",
            unit="coefficient" if gini else "share of cases",
            domain=row.base,
            estimator="linearized variance, logit interval",
            se=row.se,
            interval=(row.low, row.high),
            level=level,
            n=int(row.n),
        )


# -- tables ------------------------------------------------------------------------------------------------------------

FILLED = (
    "Agencies that did not answer stand at the mean of their class of population, so that domains add up to the whole."
)


def any_table(found, totals, shares, checks, limits: dict, level: float, synthetic: bool) -> Table:
    """Share with a case, number of such agencies in the country, and the domain's share of them."""
    number, part = f"{AGENCIES} in the country", "Percent of these agencies"
    together = pd.concat(
        [
            found,
            totals[totals["measure"] == AGENCIES].assign(measure=number),
            shares[shares["measure"] == AGENCIES].assign(measure=part),
        ],
        ignore_index=True,
    )
    return builders.domains_table(
        "tbl-identification-any",
        caption(f"Agencies with at least one case, {PERIOD}, with {level_text(level)} interval", synthetic),
        _by_domain(together, found),
        {ANY: "Percent with a case", number: "Agencies in the country", part: part},
        survey.source(synthetic),
        f"n: agencies that said whether they had a case, unweighted. {FILLED} {LOCAL_NOTE} {builders.checks_note(checks)}",
        (26, 8, 24, 28, 24),
        {
            ANY: lambda row: cell(row, limits),
            number: lambda row: value_cell(row, limits, 0, floor=0.0),
            part: lambda row: cell(row, limits),
        },
        checks,
        count="max",
        explained=marks.explained(limits),
    )


def _by_domain(found: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order of the domains of ``like``."""
    order = list(dict.fromkeys(like["domain"]))
    return found.assign(at=found["domain"].map(order.index)).sort_values("at", kind="stable").drop(columns="at")


def number_table(counts, quartiles, means, checks, limits: dict, level: float, synthetic: bool) -> Table:
    """Number of cases of agencies with a case."""
    together = _by_domain(pd.concat([counts, quartiles, means], ignore_index=True), counts)
    cells = {name: lambda row: cell(row, limits) for name in COUNTS}
    cells |= {MEAN: lambda row: value_cell(row, limits, 1, floor=1.0)}
    cells |= {"Median": lambda row: value_cell(row, limits, 0)}
    return builders.domains_table(
        "tbl-identification-number",
        caption(
            f"Agencies with a case by number of cases, {PERIOD}: percent, mean and median, with {level_text(level)} "
            "interval",
            synthetic,
        ),
        together,
        {name: name for name in [*COUNTS, MEAN, "Median"]},
        survey.source(synthetic),
        "n: agencies with a case whose number is known, unweighted. Interval of the median: Woodruff [-@woodruff1952]. "
        f"{LOCAL_NOTE} {builders.checks_note(checks)}",
        (22, 7, 15, 15, 15, 15, 15, 12),
        cells,
        checks,
        explained=marks.explained(limits),
    )


def totals_table(totals, shares, limits: dict, level: float, synthetic: bool) -> Table:
    """Cases in the country and where they lie."""
    names = {
        CASES: "Percent of cases",
        "Sex trafficking": "Percent of sex trafficking cases",
        "Labor trafficking": "Percent of labor trafficking cases",
    }
    number, per = "Cases in the country", "Percent of agencies"
    together = pd.concat(
        [
            totals[totals["measure"] == CASES].assign(measure=number),
            shares[shares["measure"] == "Agencies"].assign(measure=per),
            shares[shares["measure"].isin(list(names))],
        ],
        ignore_index=True,
    )
    cells = dict.fromkeys([per, *names], lambda row: cell(row, limits))
    return builders.domains_table(
        "tbl-identification-totals",
        caption(f"Cases in the country, {PERIOD}, with {level_text(level)} interval", synthetic),
        _by_domain(together, shares),
        {number: number, per: per, **names},
        survey.source(synthetic),
        "n: agencies with a case whose number of cases is known, unweighted, the smallest of the counts. An agency's cases "
        "are counted as it counts them; a case of several agencies is counted by each. "
        f"{FILLED} The shares of agencies by type, region and population class carry no error, as the weights are brought to "
        f"these counts. {LOCAL_NOTE}",
        (24, 8, 22, 14, 18, 18, 18),
        cells | {number: lambda row: value_cell(row, limits, 0, floor=0.0)},
        explained=marks.explained(limits),
    )


def cumulative_table(above, limits: dict, level: float, synthetic: bool) -> Table:
    """Shares of agencies and cases in the largest communities and downward."""
    lines = []
    for domain, part in above.groupby("domain", sort=False):
        at = {row.measure: row for row in part.itertuples()}
        lines.append(
            {
                "Communities of this class and larger": domain,
                "n": f"{at[CASES].n:,}",
                "Percent of local agencies": cell(at["Agencies"], limits),
                "Percent of those with a case": cell(at[AGENCIES], limits),
                "Percent of their cases": cell(at[CASES], limits),
            }
        )
    return builders.lines_table(
        "tbl-identification-cumulative",
        caption(
            f"Cumulative shares of agencies and cases, from the largest communities down, with {level_text(level)} interval",
            synthetic,
        ),
        lines,
        above,
        survey.source(synthetic),
        "Local agencies. n: agencies with a case whose number is known, unweighted, cumulative. " + FILLED,
        (30, 8, 20, 24, 24),
        explained=marks.explained(limits),
    )  # fmt: skip


def concentration_table(found, limits: dict, level: float, synthetic: bool) -> Table:
    """Gini coefficients and shares of the top, by kind of case."""
    lines = []
    for kind in KINDS:
        at = {(row.base, row.statistic): row for row in found[found["measure"] == kind].itertuples()}
        lines.append(
            {
                "Cases": kind,
                "n": f"{at[WITH_CASE, GINI].n:,}",
                "Gini, agencies with such a case": value_cell(at[WITH_CASE, GINI], limits, 2),
                "Percent held by the top tenth": _percent(at[WITH_CASE, TENTH], limits),
                "Percent held by the top quarter": _percent(at[WITH_CASE, QUARTER], limits),
                "Gini, all agencies": value_cell(at[ALL_AGENCIES, GINI], limits, 2),
            }
        )
    return builders.lines_table(
        "tbl-identification-concentration",
        caption(f"Concentration of cases over agencies, with {level_text(level)} interval", synthetic),
        lines,
        found,
        survey.source(synthetic),
        "n: agencies with a case of the kind whose number is known, unweighted. Top tenth and quarter: of the agencies with "
        "such a case, by number of cases. Variances are linearized [@langel2013], intervals on the logit scale.",
        (20, 8, 22, 20, 20, 20),
        explained=marks.explained(limits),
    )


def _percent(row, limits: dict) -> str:
    if not np.isfinite(row.value):
        return marks.of(row.status)
    scaled = row._replace(value=100 * row.value, se=100 * row.se, low=100 * row.low, high=100 * row.high)
    return value_cell(scaled, limits, 1)


def unsure_table(unsure, limits: dict, level: float, synthetic: bool) -> Table:
    """Don't know, refused and left out, by question."""
    lines = [
        {
            "Question": row.question,
            "Answered": f"{row.n:,}",
            f"Don't know, percent ({level_text(level)} interval)": cell(row, limits),
            "Refused": f"{row.refused:,}",
            "Left out": f"{row.left_out:,}",
            **({"Not valid": f"{row.invalid:,}"} if unsure["invalid"].any() else {}),
        }
        for row in unsure.itertuples()
    ]
    return builders.lines_table(
        "tbl-identification-without-answer",
        caption("Questions on cases without an answer", synthetic),
        lines,
        unsure,
        survey.source(synthetic),
        "Answered: agencies that answered or said don't know; numbers were asked of agencies with a case. Counts are "
        "unweighted.",
        (28, 12, 30, 10, 10, 10)[: len(lines[0])],
        explained=marks.explained(limits),
    )


# -- figures -----------------------------------------------------------------------------------------------------------


def size_figure(apart, level: float, synthetic: bool) -> figures.Figure:
    """Any case by population class, partners of a task force and others."""
    classes = list(dict.fromkeys(apart["domain"]))
    data = apart.dropna(subset="share").reset_index(drop=True)
    return builders.dots_figure(
        "fig-identification-size",
        caption("Agencies with at least one case, by population served and task-force partnership", synthetic),
        data,
        {"": {"Partner of a task force": "Partner", "Not a partner": "Not a partner"}},
        survey.source(synthetic),
        f"n = {data['n'].min():,} to {data['n'].max():,} local agencies by class and group. Bars: {level_text(level)} logit "
        "intervals. Estimates that may not be shown are not drawn.",
        column="group",
        order=classes,
        xlabel="Percent of agencies with a case",
        ylabel="Population served",
        legend="",
        opening="Points with intervals over classes of population served, in percent of agencies with a case.",
        height=3.2,
        corner="upper right",
    )


def region_figure(found, states: dict[str, str], level: float, synthetic: bool) -> figures.Figure:
    """Any case by region on a tile map."""
    data = found[found["breakdown"] == "Region"].reset_index(drop=True)
    return builders.region_map(
        "fig-identification-region",
        caption("Agencies with at least one case, by census region", synthetic),
        data,
        states,
        survey.source(synthetic),
        f"n = {data['n'].min():,} to {data['n'].max():,} agencies by region. All states of a region have its shade. Bars: "
        f"{level_text(level)} logit intervals.",
        label="Percent of agencies with a case",
    )


def number_figure(counts, synthetic: bool) -> figures.Figure:
    """Number of cases by population class."""
    data = counts[counts["breakdown"] == SIZE].reset_index(drop=True)
    classes = [name for name, part in data.groupby("domain", sort=False) if part["share"].notna().any()]
    data = data[data["domain"].isin(classes)].reset_index(drop=True)
    return builders.parts_figure(
        "fig-identification-number",
        caption("Number of cases of agencies with a case, by population served", synthetic),
        data,
        survey.source(synthetic),
        f"n = {data['n'].min():,} to {data['n'].max():,} local agencies with a case by class; classes with too few of them "
        f"are not drawn. Lines: the intervals of @tbl-identification-number.",
        bar="domain",
        bars=classes,
        parts=list(COUNTS),
        xlabel="Percent of agencies with a case",
        ylabel="Population served",
        height=2.8,
    )


def cumulative_figure(above, level: float, synthetic: bool) -> figures.Figure:
    """Cumulative shares of agencies, agencies with a case and cases, from the largest communities down."""
    classes = list(dict.fromkeys(above["domain"]))
    names = {CASES: "Cases", AGENCIES: "Agencies with a case", "Agencies": "All local agencies"}

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 3.4), layout="constrained")
        axis = canvas.subplots()
        for k, (measure, label) in enumerate(names.items()):
            part = data[data["measure"] == measure].dropna(subset="share")
            at = np.array([classes.index(name) for name in part["domain"]], dtype=float)
            error = 100 * np.abs(np.vstack([part["share"] - part["low"], part["high"] - part["share"]]))
            axis.errorbar(
                at, 100 * part["share"], yerr=np.nan_to_num(error), color=figures.PALETTE[k],
                marker=figures.MARKERS[k], linestyle=("-", "--", ":")[k], capsize=2.2, elinewidth=1.3, markersize=4.6,
            )  # fmt: skip
            spot = min(2, len(part) - 1)
            axis.annotate(label, (at[spot], 100 * part["share"].iloc[spot]), xytext=(-6, 5) if k < 1 else (8, -11),
                          textcoords="offset points", ha="right" if k < 1 else "left", color=figures.PALETTE[k],
                          fontweight="bold", fontsize=8.5)  # fmt: skip
        axis.set_xticks(range(len(classes)), [_two_lines(name) for name in classes], fontsize=8)
        axis.set_xlabel("Communities of this class and larger")
        axis.set_ylabel("Percent of local agencies or of their cases")
        axis.set_ylim(0, 103)
        axis.grid(axis="x", visible=False)
        return canvas

    alt = "Three rising curves with intervals, from the largest communities to all. " + " ".join(
        f"{label}: "
        + ", ".join(
            f"{row.domain}: {100 * row.share:.0f}"
            for row in above[above["measure"] == measure].dropna(subset="share").itertuples()
        )
        + " percent."
        for measure, label in names.items()
    )
    return figures.Figure(
        "fig-identification-cumulative",
        caption("Cumulative shares of agencies and cases, from the largest communities down", synthetic),
        alt,
        above,
        survey.source(synthetic),
        draw,
        f"n = {above.loc[above['measure'] == CASES, 'n'].max():,} local agencies with a case whose number is known. Bars: "
        f"{level_text(level)} logit intervals; shares of all local agencies carry no error. Points that "
        "@tbl-identification-cumulative does not show are not drawn, and the lines pass them by.",
    )


def _two_lines(label: str) -> str:
    """A class of population with a break in it."""
    return label.replace(" and over", "\nand over").replace(" to ", "\nto ").replace("Under ", "Under\n")


def lorenz_figure(curve: pd.DataFrame, level: float, synthetic: bool) -> figures.Figure:
    """Lorenz curve of cases over agencies with a case."""

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 3.6), layout="constrained")
        axis = canvas.subplots()
        x = 100 * data["agencies"]
        axis.plot([0, 100], [0, 100], ":", color=figures.INK, linewidth=1)
        axis.annotate("every agency the same number", (42, 42), xytext=(-6, 6), textcoords="offset points", ha="right",
                      fontsize=8.5)  # fmt: skip
        axis.fill_between(x, 100 * data["low"], 100 * data["high"], color="#9DC3E6", alpha=0.7, linewidth=0)
        axis.plot(x, 100 * data["share"], color=figures.PALETTE[0], linewidth=1.8)
        last = data[data["agencies"] <= 0.9 + 1e-9].iloc[-1]
        axis.plot(100 * last["agencies"], 100 * last["share"], "o", color=figures.PALETTE[0], markersize=5)
        axis.annotate(
            f"the tenth with most cases\nholds {100 * (1 - last['share']):.0f} percent of them",
            (100 * last["agencies"], 100 * last["share"]), xytext=(96, 14), textcoords="data", ha="right",
            va="center", fontsize=8.5, arrowprops={"arrowstyle": "-", "color": figures.INK, "linewidth": 0.8},
        )  # fmt: skip
        axis.set_xlim(0, 100)
        axis.set_ylim(0, 100)
        axis.set_xlabel("Percent of agencies with a case, those with fewest cases first")
        axis.set_ylabel("Percent of cases")
        return canvas

    at = curve.set_index(curve["agencies"].round(3))["share"]
    alt = (
        "A Lorenz curve with a band, below the diagonal: the agencies with fewest cases hold "
        + ", ".join(f"at {100 * p:.0f} percent of agencies {100 * at[p]:.0f}" for p in (0.25, 0.5, 0.75, 0.9))
        + " percent of the cases."
    )
    return figures.Figure(
        "fig-identification-lorenz",
        caption("Concentration of cases over agencies with a case (Lorenz curve)", synthetic),
        alt,
        curve,
        survey.source(synthetic),
        draw,
        f"n = {curve['n'].iloc[0]:,} agencies with a case whose number is known. Band: {level_text(level)} logit intervals "
        "at each point.",
    )


# -- wording -----------------------------------------------------------------------------------------------------------


def _id(key: str, domain: str = ALL) -> str:
    return f"{PREFIX}.{key}.{slug(domain)}"


def _half(row) -> str:
    if row["low"] > 0.5:
        return "over half"
    return "less than half" if row["high"] < 0.5 else "about half"


def _shown_positive(found) -> bool:
    """Whether a difference is shown to be above zero."""
    return bool(found.test.p < ALPHA and found.value > 0)


def findings(found: pd.DataFrame, checks: pd.DataFrame, excess, fewest: int) -> str:
    """The chapter's opening findings."""
    last = found[found["breakdown"] == SIZE].iloc[-1]
    text = (
        f"From {PERIOD}, {quoted(_id('any-case'))} of agencies investigated at least one case of human trafficking: an "
        f"estimated {quoted(_id('agencies'))} agencies in the country, with {quoted(_id('cases'))} cases. "
    )
    if builders.rising(checks, ANY) and np.isfinite(last["share"]):
        text += (
            f"The share grows with population, to {_half(last)} ({aside(_id('any-case', last['domain']))}) in "
            f"{communities(last['domain'])}"
        )
    else:
        text += "The share is not shown to grow with population"
    text += (
        "; agencies of every type have investigated at least one case. "
        if fewest > 0
        else "; not every type of agency has investigated a case. "
    )
    if _shown_positive(excess):
        return text + (
            f"Cases are concentrated: the tenth of these agencies with most cases holds "
            f"{quoted(_top())} of them, and partners of a task force, {num(_id('share-of.all-agencies', 'Partner'))} of all "
            f"agencies, hold {quoted(_id('share-of.cases', 'Partner'))} of them.\n"
        )
    return text + (
        f"The tenth of these agencies with most cases holds {quoted(_top())} of them; partners of a task force are not shown "
        "to hold more than their share.\n"
    )


def _top(key: str = "top-tenth", kind: str = "all", base: str = WITH_CASE) -> str:
    return f"{PREFIX}.{key}.{kind}.{slug(base)}"


def any_paragraph(numbers: ledger.Numbers, found: pd.DataFrame, checks: pd.DataFrame, difference) -> str:
    """Types, regions and partners."""
    types = list(dict.fromkeys(found.loc[found["breakdown"] == "Agency type", "domain"]))
    shown = [name for name in types if builders.printable(numbers, _id("any-case", name))]
    text = ""
    if shown:
        listed = [f"{num(_id('any-case', name))} ({name.lower()})" for name in shown]
        verb = "differs" if builders.differs(checks, ANY, "Agency type") else "is not shown to differ"
        text = f"The share with a case {verb} by type of agency: {', '.join(listed)} (@tbl-identification-any). "
    text += (
        "Regions are shown to differ" if builders.differs(checks, ANY, "Region") else "Regions are not shown to differ"
    ) + " (@fig-identification-region). "
    if difference.test.p < ALPHA:
        more = "more" if difference.value > 0 else "less"
        text += (
            f"Partners of a task force have {more} often had a case than other agencies, by {quoted(f'{PREFIX}.partners')}; "
            "@fig-identification-size shows both groups by population, in which they may differ."
        )
    else:
        text += "Partners of a task force are not shown to have had a case more or less often than other agencies."
    return text + "\n"


def number_paragraph(checks: pd.DataFrame) -> str:
    """How many cases an agency with a case has."""
    trend = builders.rising(checks, MEAN)
    return (
        f"Of the agencies with a case, {num(_id('count.one'))} have one only and "
        f"{num(_id('count.ten-or-more'))} ten or more; the median is {num(_id('number.median'))} cases, the mean "
        f"{num(_id('number.mean'))} ({num(_id('number.mean'), 'ci')}; @tbl-identification-number). "
        + ("The mean grows" if trend else "The mean is not shown to grow")
        + " with population (@fig-identification-number).\n"
    )


def country_paragraph(above: pd.DataFrame) -> str:
    """Where the cases lie by population."""
    classes = list(dict.fromkeys(above["domain"]))
    first, second = classes[0], classes[1]
    low = _floor(second)
    return (
        f"Of the cases of local agencies, {quoted(_id('from-the-largest.cases', first))} lie in {communities(first)}, where "
        f"{num(_id('from-the-largest.all-agencies', first))} of local agencies are, and "
        f"{quoted(_id('from-the-largest.cases', second))} in all communities {low} (@tbl-identification-cumulative, "
        "@fig-identification-cumulative). @tbl-identification-totals gives the estimated number of cases in every group.\n"
    )


def _floor(label: str) -> str:
    """'of 100,000 and over', of the class '100,000 to 249,999'."""
    return f"of {label.split(' to ')[0]} and over" if " to " in label else label.lower()


def partners_paragraph(excess) -> str:
    """Partners' share of agencies, agencies with a case and cases."""
    verdict = (
        f"more than their share of agencies by {quoted(f'{PREFIX}.partners-excess')}"
        if _shown_positive(excess)
        else "which is not shown to be more than their share of agencies"
    )
    return (
        f"Partners of a federally funded task force are {num(_id('share-of.all-agencies', 'Partner'))} of agencies, "
        f"{quoted(_id('share-of.agencies', 'Partner'))} of those with a case, and hold "
        f"{quoted(_id('share-of.cases', 'Partner'))} of the cases, {verdict}. The figures say where cases were found, not "
        "that partnership found them: partners may serve larger communities, and may have become partners because they had cases "
        "(@sec-task-forces).\n"
    )


def concentration_paragraph(types) -> str:
    """Gini coefficient and top shares, and the two types of trafficking; types : sex less labor."""
    verdict = (
        f"cases of {'sex' if types.value > 0 else 'labor'} trafficking are the more concentrated"
        if types.test.p < ALPHA
        else "cases of sex and of labor trafficking are not shown to differ in it"
    )
    return (
        f"The Gini coefficient of the number of cases is {quoted(_top('gini'))} among agencies with a case, where zero is "
        "every agency with the same number and one is all cases in a single agency (@tbl-identification-concentration, "
        f"@fig-identification-lorenz); {verdict} (p {num(f'{PREFIX}.gini.sex-over-labour.p')}). The quarter with most cases holds {quoted(_top('top-quarter'))}. Over "
        f"all agencies, most of them without a case, it is {num(_top('gini', base=ALL_AGENCIES))}.\n"
    )


def unsure_paragraph(most: cases.Leader) -> str:
    """Don't know on any case and on the number."""
    return (
        f"Among the questions on cases, {most_often(most, UNSURE)} ({num(f'{PREFIX}.dont-know.' + slug(most.name))}; "
        "@tbl-identification-without-answer). An agency that gives the numbers of both types but no total counts with "
        "their sum.\n"
    )
