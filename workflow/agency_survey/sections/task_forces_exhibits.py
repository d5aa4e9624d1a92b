"""Chapter 9, task forces: its tables, figures, numbers and the wording that follows the results."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from agency_survey import figures, ledger, marks, tables
from agency_survey.codebook import Codebook
from agency_survey.design import SurveyDesign
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import level_text, num
from agency_survey.sections import builders, survey
from agency_survey.sections import task_forces as section
from agency_survey.sections.builders import ALPHA, HIDDEN, p_text, quoted
from agency_survey.sections.survey import caption
from agency_survey.sections.task_forces import INDEX, METHODS, OTHER_WAYS, PROTECTED, Balance, Difference
from agency_survey.tables import DASH, TO, Table

RULE = "task_forces"
PREFIX = "task-forces"
SIDES = {"partners": "Partners", "others": "Other agencies"}
DIFFER = "Partners less other agencies"
SHORT = dict(zip([*METHODS, *OTHER_WAYS], ["raw", "regression", "balancing", "all", "weights", "local"], strict=True))
LARGE = 0.1  # standardized differences below this are commonly read as balance (Austin 2009)


def chapter(rows: pd.DataFrame, design: SurveyDesign, book: Codebook, settings: dict) -> Exhibits:
    """Exhibits of the chapter.

    rows, design : respondents with their answers to all of Part I (``national_survey.respondents``); book : codebook of
    Part I; settings : confidence_level, reliability, population_classes.
    """
    level, limits, synthetic = settings["confidence_level"], settings["reliability"], book.synthetic
    found = shown(section.compare(rows, design, level), limits)
    alike = section.balance(rows, design, survey.domains(rows, settings["population_classes"]))
    weighted = float(design.weight[section.partners(rows)].sum())
    numbers = _numbers(found, alike, weighted, level)
    texts = {
        "findings": findings(found),
        "partners": partners_paragraph(alike),
        "differences": differences_paragraph(found),
        "adjusted": adjusted_paragraph(found),
        "balance": balance_paragraph(alike),
        "other-ways": other_ways_paragraph(found),
    }
    return builders.exhibits(
        numbers,
        [
            outcomes_table(found, limits, level, synthetic),
            adjusted_table(found, level, synthetic),
            balance_table(alike, synthetic),
            other_ways_table(found, level, synthetic),
        ],
        [
            outcomes_figure(found, limits, level, synthetic),
            differences_figure(found, level, synthetic),
            balance_figure(alike, synthetic),
        ],
        texts,
    )


def shown(found: pd.DataFrame, limits: dict) -> pd.DataFrame:
    """``section.compare`` without what rests on fewer than ``hide_n`` partners or others, or on a mean that is left out."""
    few = {"why": "There are too few answers"}
    for way in (*METHODS, *OTHER_WAYS):
        found[way] = [
            Difference(*[math.nan] * 6, **few)
            if getattr(row, way).why != PROTECTED
            and (min(row.partners_n, row.others_n) < limits["hide_n"] or not math.isfinite(row.partners + row.others))
            else getattr(row, way)
            for row in found.itertuples()
        ]
    return found


def _status(entry: Difference) -> str:
    """Why a difference is missing: 'withheld' where one of its means is, else 'imprecise'."""
    if math.isfinite(entry.value):
        return marks.SHOWN
    return marks.WITHHELD if entry.why == PROTECTED else marks.IMPRECISE


def _long(found: pd.DataFrame, limits: dict) -> pd.DataFrame:
    """Shares of partners and others in a long table as may be shown: domain (the outcome), measure, share, se, low, high, n."""
    rows = [
        {"breakdown": row.group, "domain": row.label, "measure": name, "key": row.key}
        | {"share": getattr(row, side), "se": getattr(row, f"{side}_se")}
        | {end: getattr(row, f"{side}_{end}") for end in ("low", "high", "n", "status")}
        for row in found.itertuples()
        for side, name in SIDES.items()
        if row.share
    ]
    return tables.masked(pd.DataFrame(rows), limits)


def _differences(found: pd.DataFrame, ways) -> pd.DataFrame:
    """Differences in a long table: key, outcome, method, value, se, low, high, p, p_holm, why."""
    return pd.DataFrame(
        [
            {"key": row.key, "group": row.group, "outcome": row.label, "method": label}
            | {name: getattr(getattr(row, way), name) for name in ("value", "se", "low", "high", "p", "p_holm", "why")}
            | {"status": _status(getattr(row, way))}
            for row in found.itertuples()
            for way, label in ways.items()
        ]
    )


# -- numbers ---------------------------------------------------------------------------------------------------------


def _numbers(found: pd.DataFrame, alike: Balance, weighted: float, level: float) -> ledger.Numbers:
    numbers = ledger.Numbers(RULE)
    for row in found.itertuples():
        unit = "share of agencies" if row.share else "steps of preparation, of three"
        for side, name in SIDES.items():
            se, low, high, n = (getattr(row, f"{side}_{end}") for end in ("se", "low", "high", "n"))
            numbers.add(
                f"{PREFIX}.{row.key}.{side}", getattr(row, side), format="percent1" if row.share else "number2",
                label=row.label, unit=unit, domain=name, estimator="weighted mean, linearized variance", se=se,
                interval=(low, high), level=level, n=n, status=getattr(row, f"{side}_status"),
            )  # fmt: skip
        for way, method in {**METHODS, **OTHER_WAYS}.items():
            _add_difference(numbers, f"{PREFIX}.{row.key}.{way}", getattr(row, way), row, method, level)
    counts = {
        "partners": (alike.partners_n, "Respondents that are partners"),
        "others": (alike.others_n, "Respondents that are not"),
        "partners-weighted": (weighted, "Partners in operation, estimated"),
        "effective-others": (alike.effective_n, "Effective number of other agencies after balancing"),
        "outcomes": (len(found), "Outcomes compared"),
        "differ-raw": (len(_clear(found, "raw")), "Outcomes that differ"),
        "differ-adjusted": (len(_clear_in_both(found)), "Outcomes that differ by both adjustments"),
        "more-raw": (len(_clear(found, "raw", 1)), "Outcomes that partners have more often"),
        "more-adjusted": (len(_clear_in_both(found, 1)), "Outcomes that partners have more often by both adjustments"),
    }
    for key, (value, label) in counts.items():
        numbers.add(
            f"{PREFIX}.{key}", value, format="count", label=label, unit="count", domain="Part I", estimator="count"
        )
    for key, column, constrained in (("before", "before", True), ("after", "after", True), ("classes", "after", False)):
        part = alike.table[alike.table["constrained"] == constrained]
        numbers.add(
            f"{PREFIX}.balance.{key}", _largest(part[column]), format="number2", unit="standard deviations",
            label=f"Largest standardized difference {column} balancing", domain="Part I",
            estimator="difference of weighted means over the partners' standard deviation",
        )  # fmt: skip
    return numbers


def _largest(values: pd.Series) -> float:
    return float(values.abs().max())


def _add_difference(numbers: ledger.Numbers, ident: str, entry: Difference, row, method: str, level: float) -> None:
    common = {"unit": "difference of shares" if row.share else "steps of preparation", "domain": DIFFER}
    numbers.add(
        ident, entry.value, format="points1" if row.share else "number2", label=f"{row.label}: {method.lower()}",
        estimator=f"{method}, linearized variance", se=entry.se, interval=(entry.low, entry.high), level=level,
        status=_status(entry), **common,
    )  # fmt: skip
    numbers.add(
        f"{ident}.p", entry.p_holm, format="p", label=f"p-value: {row.label}, {method.lower()}",
        estimator="t test, Holm's adjustment over the outcomes", **common,
    )  # fmt: skip


# -- tables ----------------------------------------------------------------------------------------------------------


def _cell(entry: Difference, share: bool) -> str:
    """'53.2 (48.6-57.8)' in points, or in steps of preparation."""
    if not math.isfinite(entry.value):
        return marks.of(_status(entry))
    scale, name = (100, "number1") if share else (1, "number2")
    value, low, high = (ledger.format_value(scale * part, name) for part in (entry.value, entry.low, entry.high))
    return f"{value} ({low}{DASH}{high})" if not low.startswith(ledger.MINUS) else f"{value} ({low}{TO}{high})"


def _p_cell(entry: Difference) -> str:
    return p_text(entry.p_holm) if math.isfinite(entry.value) else marks.of(_status(entry))


def _side_cell(row, side: str, limits: dict) -> str:
    values = [getattr(row, side), *(getattr(row, f"{side}_{end}") for end in ("se", "low", "high", "n", "status"))]
    if row.share:
        return tables.percent_cell(*values[:-1], limits, values[-1])
    names = ("value", "se", "low", "high", "n", "status")
    return builders.value_cell(pd.Series(dict(zip(names, values, strict=True))), limits, places=2)


def _by_group(found: pd.DataFrame, line) -> list[dict]:
    """Lines of a table with a heading for each group of outcomes."""
    lines = []
    for group, part in found.groupby("group", sort=False):
        made = [line(row) for row in part.itertuples()]
        lines += [{"Outcome": f"**{group}**"} | dict.fromkeys(list(made[0])[1:], ""), *made]
    return lines


UNITS = "Differences are partners less other agencies, in percentage points; of steps of preparation, in steps. "
HOLM = (
    "p: of the t test that there is no difference, adjusted for all outcomes of its column [Holm's method, @holm1979]. "
)


def _reasons(found: pd.DataFrame, ways) -> str:
    """Why some differences are missing."""
    missing = _differences(found, ways)
    why = dict.fromkeys(part for part in missing.loc[missing["status"] == marks.IMPRECISE, "why"] if part)
    return f"{HIDDEN} not estimated: {'; '.join(why)}. " if why else ""


def outcomes_table(found: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> Table:
    """Partners and others as they are, with the raw difference."""

    def line(row) -> dict:
        return {
            "Outcome": row.label,
            "n, partners": f"{row.partners_n:,}",
            "Partners": _side_cell(row, "partners", limits),
            "n, others": f"{row.others_n:,}",
            "Other agencies": _side_cell(row, "others", limits),
            "Difference": _cell(row.raw, row.share),
            "p": _p_cell(row.raw),
        }

    sides = [column for column in found.columns if column.split("_")[0] in SIDES]
    data = found[["key", "group", "label", *sides]].merge(_differences(found, {"raw": "Raw"}), on=["key", "group"])
    return builders.lines_table(
        "tbl-task-forces-outcomes",
        caption(f"Task-force partners and other agencies: percent of agencies, with {level_text(level)} interval", synthetic),
        _by_group(found, line),
        data,
        survey.source(synthetic),
        "n: agencies that answered, unweighted. Steps of preparation are training, a protocol or policy, and a unit or "
        "designated personnel; of these the table gives the mean number. " + UNITS + HOLM
        + _reasons(found, {"raw": "Raw"}),
        widths=(29, 9, 17, 8, 17, 17, 8),
        explained=marks.explained(limits),
    )  # fmt: skip


def _ways_table(ident: str, title: str, found: pd.DataFrame, ways: dict, notes: str, synthetic: bool) -> Table:
    def line(row) -> dict:
        cells = {"Outcome": row.label}
        for way, label in ways.items():
            entry = getattr(row, way)
            cells |= {label: _cell(entry, row.share), f"p, {SHORT[way]}": _p_cell(entry)}
        return cells

    return builders.lines_table(
        ident,
        caption(title, synthetic),
        _by_group(found, line),
        _differences(found, ways),
        survey.source(synthetic),
        (notes + UNITS + HOLM + _reasons(found, ways)).strip(),
        widths=(29, *(18, 8) * len(ways)),
        explained=marks.PROTECTED,
    )


def adjusted_table(found: pd.DataFrame, level: float, synthetic: bool) -> Table:
    """The differences raw, by regression and by entropy balancing."""
    return _ways_table(
        "tbl-task-forces-adjusted",
        f"Differences between partners and other agencies, raw and adjusted, with {level_text(level)} interval",
        found,
        METHODS,
        "Regression: logistic, of the number of steps linear, on partnership, the logarithm of the population and its "
        "square, agency type, region and location; the average change of the prediction with partnership, over the "
        "partners. Entropy balancing: the other agencies weighted to the partners' means of the same variables. ",
        synthetic,
    )


def other_ways_table(found: pd.DataFrame, level: float, synthetic: bool) -> Table:
    """The same differences by three other ways."""
    return _ways_table(
        "tbl-task-forces-other-ways",
        f"Differences between partners and other agencies by other ways of adjusting, with {level_text(level)} interval",
        found,
        OTHER_WAYS,
        "The first column averages the change of the prediction over all agencies instead of the partners; the second "
        "weights other agencies by their odds of being a partner, from a logistic regression on the same variables; the "
        "third leaves state agencies out. ",
        synthetic,
    )


def balance_table(alike: Balance, synthetic: bool) -> Table:
    """Means before and after balancing, with standardized differences."""

    def percent(value: float, row) -> str:
        if not math.isfinite(value):
            return HIDDEN
        return ledger.format_value(value, "number2") if row.breakdown == "Size" else f"{100 * value:.1f}"

    lines = []
    for breakdown, part in alike.table.groupby("breakdown", sort=False):
        if breakdown != "Size":
            mark = "" if part["constrained"].all() else "\N{DAGGER}"
            headings = ["Partners", "Other agencies", "Others, balanced", "Before", "After"]
            lines.append({"Agencies": f"**{breakdown}**{mark}"} | dict.fromkeys(headings, ""))
        lines += [
            {
                "Agencies": row.domain,
                "Partners": percent(row.partners, row),
                "Other agencies": percent(row.others, row),
                "Others, balanced": percent(row.balanced, row),
                "Before": ledger.format_value(row.before, "number2"),
                "After": ledger.format_value(row.after, "number2"),
            }
            for row in part.itertuples()
        ]
    foot = (
        f"There are no balancing weights: {alike.why}. "
        if alike.why
        else f"The {alike.others_n:,} other agencies count as much, under the balancing weights, as {alike.effective_n:,.0f} of "
        "equal weight (Kish's effective number). "
    )
    return builders.lines_table(
        "tbl-task-forces-balance",
        caption("Partners and other agencies before and after balancing: percent of agencies", synthetic),
        lines,
        alike.table,
        survey.source(synthetic),
        f"n: {alike.partners_n:,} partners and {alike.others_n:,} other agencies, unweighted. Of the population served the mean "
        "of its logarithm to the base of ten is given. Before and after: partners less other agencies, in standard deviations "
        "among the partners. \N{DAGGER} Not balanced on, but a check that the logarithm and its square stand for size; local "
        "agencies only, in percent of all. " + foot.strip(),
        widths=(30, 13, 15, 16, 11, 11),
    )


# -- figures ---------------------------------------------------------------------------------------------------------


def _dots(data: pd.DataFrame, series: dict[str, str], xlabel: str, height: float, zero: bool):
    """Points with intervals by outcome (column ``outcome``), one series a marker (column ``series``), legend above."""
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(figures.WIDTH, height), layout="constrained")
    axis = canvas.subplots()
    order = list(dict.fromkeys(data["outcome"]))
    spots = pd.Series(range(len(order))[::-1], index=order, dtype=float)
    for k, name in enumerate(series.values()):
        part = data[(data["series"] == name) & data["share"].notna()]
        at = spots[part["outcome"]] + 0.22 * ((len(series) - 1) / 2 - k)
        figures.intervals(axis, part, at, figures.PALETTE[k], figures.MARKERS[k], name)
    if zero:
        axis.axvline(0, color=figures.INK, linewidth=0.9)
    else:
        axis.set_xlim(0, 100)
    axis.set_yticks(spots, order)
    axis.set_ylim(-0.6, len(order) - 0.4)
    axis.set_xlabel(xlabel)
    axis.grid(axis="y", visible=False)
    canvas.legend(loc="outside upper center", ncols=len(series), fontsize=8.5)
    return canvas


def outcomes_figure(found: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> figures.Figure:
    """Shares of partners and of others, outcome by outcome."""
    data = _long(found, limits).rename(columns={"domain": "outcome", "measure": "series"})
    count = [found.loc[found["share"], f"{side}_n"] for side in SIDES]
    alt = "Points with intervals: percent of partners and of other agencies. " + " ".join(
        f"{outcome}: " + " and ".join(f"{100 * value:.0f}" for value in part["share"].dropna()) + "."
        for outcome, part in data.groupby("outcome", sort=False)
    )
    return figures.Figure(
        "fig-task-forces-outcomes",
        caption("Task-force partners and other agencies", synthetic),
        alt,
        data,
        survey.source(synthetic),
        lambda data: _dots(data, SIDES, "Percent of agencies", 3.8, zero=False),
        f"n = {count[0].min():,} to {count[0].max():,} partners and {count[1].min():,} to {count[1].max():,} other agencies, by "
        f"outcome. Bars: {level_text(level)} logit intervals.",
    )


def differences_figure(found: pd.DataFrame, level: float, synthetic: bool) -> figures.Figure:
    """Raw, regression and balanced difference of each share, with the line of no difference."""
    data = _differences(found[found["share"]], METHODS)
    alt = "Points with intervals: partners less other agencies in percentage points, raw, by regression and by entropy "
    alt += "balancing. " + " ".join(
        f"{outcome}: " + ", ".join(f"{100 * value:.0f}" for value in part["value"].dropna()) + "."
        for outcome, part in data.groupby("outcome", sort=False)
    )

    def draw(data: pd.DataFrame):
        data = data.rename(columns={"value": "share", "method": "series"})
        return _dots(data, METHODS, "Partners less other agencies, percentage points", 4.6, zero=True)

    return figures.Figure(
        "fig-task-forces-differences",
        caption("Differences between partners and other agencies, raw and adjusted", synthetic),
        alt,
        data,
        survey.source(synthetic),
        draw,
        f"Bars: {level_text(level)} intervals. At the vertical line there is no difference. n as in @tbl-task-forces-outcomes.",
    )


def balance_figure(alike: Balance, synthetic: bool) -> figures.Figure:
    """Standardized differences before and after balancing."""
    data = alike.table[["breakdown", "domain", "constrained", "before", "after"]]

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 4.2), layout="constrained")
        axis = canvas.subplots()
        at = np.arange(len(data))[::-1]
        axis.hlines(at, data["before"], data["after"], color="#B8C0C8", linewidth=1.2)
        for k, (name, label) in enumerate({"before": "Before balancing", "after": "After balancing"}.items()):
            axis.plot(data[name], at, figures.MARKERS[k], color=figures.PALETTE[k], markersize=5, label=label)
        axis.axvline(0, color=figures.INK, linewidth=0.9)
        names = [row.domain + ("" if row.constrained else " people\N{DAGGER}") for row in data.itertuples()]
        axis.set_yticks(at, names)
        axis.set_xlabel("Partners less other agencies, standard deviations")
        axis.grid(axis="y", visible=False)
        canvas.legend(loc="outside upper center", ncols=2, fontsize=8.5)
        return canvas

    alt = "Points: differences between partners and other agencies in standard deviations, before and after balancing. "
    alt += "; ".join(
        f"{row.domain}: {ledger.decimals(row.before, 2)} and {ledger.decimals(row.after, 2)}"
        for row in data.itertuples()
    )
    return figures.Figure(
        "fig-task-forces-balance",
        caption("Standardized differences before and after balancing", synthetic),
        alt + ".",
        data,
        survey.source(synthetic),
        draw,
        f"n = {alike.partners_n:,} partners and {alike.others_n:,} other agencies. \N{DAGGER} Not balanced on.",
    )


# -- wording ---------------------------------------------------------------------------------------------------------


def sign(entry: Difference) -> int:
    """1 or -1 where the difference is shown to be above or below zero after Holm's adjustment, else 0."""
    return int(np.sign(entry.value)) if entry.p_holm < ALPHA else 0


def _clear(found: pd.DataFrame, way: str, direction: int | None = None) -> list[str]:
    """Keys of the outcomes whose difference is shown, in one direction or any."""
    signs = {row.key: sign(getattr(row, way)) for row in found.itertuples()}
    return [key for key, value in signs.items() if value and direction in (None, value)]


def _clear_in_both(found: pd.DataFrame, direction: int | None = None) -> list[str]:
    """Keys of the outcomes whose difference both adjustments show in the same direction."""
    either = [direction] if direction else [1, -1]
    return [key for one in either for key in _clear(found, "regression", one) if key in _clear(found, "balanced", one)]


def _entry(found: pd.DataFrame, key: str):
    return found.set_index("key", drop=False).loc[key]


def _id(key: str, way: str) -> str:
    return f"{PREFIX}.{key}.{way}"


def findings(found: pd.DataFrame) -> str:
    """The chapter's opening findings: preparation raw and adjusted, and how many outcomes differ."""
    row = _entry(found, INDEX)
    means = f"{quoted(_id(INDEX, 'partners'))} of the three steps of preparation, other agencies "
    means += f"{quoted(_id(INDEX, 'others'))}"
    verdict = {
        1: "Partners of federally funded task forces are better prepared than other agencies",
        -1: "Partners of federally funded task forces are less prepared than other agencies",
        0: "Partners of federally funded task forces are not shown to be better prepared than other agencies",
    }[sign(row["raw"])]
    return (
        f"{verdict}: on average they have taken {means} (@tbl-task-forces-outcomes). {adjusted_sentence(row)} Of the "
        f"{num(f'{PREFIX}.outcomes')} outcomes that are compared, {num(f'{PREFIX}.differ-raw')} differ between partners and "
        f"others as they are, and {num(f'{PREFIX}.differ-adjusted')} by both adjustments (@tbl-task-forces-adjusted); these are "
        "associations, since who became a partner was not left to chance.\n"
    )


def adjusted_sentence(row: pd.Series) -> str:
    """What is left of a difference when size, type and place are held alike; row : one of ``section.compare``."""
    regression, balanced = (quoted(_id(row["key"], way)) for way in ("regression", "balanced"))
    both = f"{regression} by regression and {balanced} by entropy balancing"
    signs = {sign(row["regression"]), sign(row["balanced"])}
    held = "Between agencies alike in size, type, region and location"
    if signs == {0}:
        return f"{held} no difference is shown: {both}."
    if len(signs) > 1:
        return f"{held} the two adjustments do not agree on a difference: {both}."
    if signs != {sign(row["raw"])}:
        return f"{held} a difference is shown that the raw comparison does not show: {both}."
    smaller = max(abs(row["regression"].value), abs(row["balanced"].value)) < abs(row["raw"].value)
    return f"{held} the difference is {'smaller but remains' if smaller else 'no smaller'}: {both}."


def partners_paragraph(alike: Balance) -> str:
    """How many partners there are, and what sets them apart most."""
    part = alike.table[alike.table["constrained"]]
    if part["before"].isna().all():
        return "There are no two groups to compare: the respondents are all partners, or none is.\n"
    most = part.loc[part["before"].abs().idxmax()]
    opening = (
        f"{num(f'{PREFIX}.partners')} respondents are partners, which stand for {num(f'{PREFIX}.partners-weighted')} agencies in "
        f"operation; {num(f'{PREFIX}.others')} are not. "
    )
    apart = num(f"{PREFIX}.balance.before")
    if abs(most["before"]) < LARGE:
        return (
            f"{opening}In size, type and place the two hardly differ: the largest difference is {apart} standard deviations "
            "(@tbl-task-forces-balance).\n"
        )
    what = "the population served" if most["breakdown"] == "Size" else f"the share of {_phrase(most)}"
    return (
        f"{opening}What sets them apart most is {what}, which is {'larger' if most['before'] > 0 else 'smaller'} among partners "
        f"(by {apart} standard deviations; @tbl-task-forces-balance). A comparison of the two as they are is to that extent one "
        "of different agencies.\n"
    )


def _phrase(row: pd.Series) -> str:
    return f"{row['domain'][0].lower()}{row['domain'][1:]} agencies".replace("police agencies", "police")


NOUNS = {
    "sex": "seeing sex trafficking",
    "labor": "seeing labor trafficking",
    "federal": "naming federal agencies as a source",
    "training": "training",
    "protocol": "a protocol",
    "personnel": "a unit or designated personnel",
    INDEX: "the number of steps of preparation",
    "state-law": "knowing of a state law",
    "any-case": "having investigated a case",
    "several": "having investigated several cases",
}


def _nouns(keys: list[str]) -> str:
    words = [NOUNS[key] for key in keys]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def differences_paragraph(found: pd.DataFrame) -> str:
    """Partners and others as they are: outcomes that differ and those that do not."""
    more, less = _clear(found, "raw", 1), _clear(found, "raw", -1)
    same = [key for key in found["key"] if key not in more + less]
    parts = []
    if len(more) == len(found):
        parts.append("Partners are ahead of other agencies in every outcome that is compared.")
    elif more:
        parts.append(f"Partners are ahead of other agencies in {_nouns(more)}.")
    if less:
        parts.append(
            f"They are behind in {_nouns(less)}." if more else f"Partners are behind other agencies in {_nouns(less)}."
        )
    if same:
        parts.append(f"No difference is shown in {_nouns(same)}.")
    parts.append(
        f"{quoted(_id('any-case', 'partners'))} of the partners have investigated a case of trafficking, and "
        f"{quoted(_id('any-case', 'others'))} of the other agencies; {quoted(_id('training', 'partners'))} and "
        f"{quoted(_id('training', 'others'))} have training."
    )
    return " ".join(parts) + "\n"


def adjusted_paragraph(found: pd.DataFrame) -> str:
    """What regression and balancing leave of the raw differences."""
    kept = [key for key in _clear_in_both(found) if key in _clear(found, "raw")]
    gone = [key for key in _clear(found, "raw") if not _clear_either(found, key)]
    split = [key for key in found["key"] if _clear_either(found, key) and key not in _clear_in_both(found)]
    parts = []
    if not _clear(found, "raw"):
        parts.append(
            "As they are, partners and other agencies are not shown to differ, and there is nothing to explain."
        )
    if kept:
        parts.append(
            f"With size, type, region and location held alike, both adjustments show differences in {_nouns(kept)}."
        )
    if gone:
        parts.append(f"Those in {_nouns(gone)} are shown by neither: the raw differences go with what partners are.")
    if split:
        parts.append(f"The two adjustments disagree on {_nouns(split)}.")
    parts.append(
        f"Of the raw lead in having investigated a case, {num(_id('any-case', 'raw'))}, regression leaves "
        f"{quoted(_id('any-case', 'regression'))} and entropy balancing {quoted(_id('any-case', 'balanced'))}."
    )
    return " ".join(parts) + "\n"


def _clear_either(found: pd.DataFrame, key: str) -> bool:
    return any(key in _clear(found, way) for way in ("regression", "balanced"))


def balance_paragraph(alike: Balance) -> str:
    """How alike the two are after balancing, and what it costs."""
    if alike.why:
        return (
            "No weights of the other agencies meet the partners' means, so that there is no entropy balancing in this build "
            "(@tbl-task-forces-balance says why); the regression stands alone.\n"
        )
    classes = alike.table.loc[~alike.table["constrained"], "after"]
    verdict = (
        "so that size is held alike throughout"
        if _largest(classes) < LARGE
        else "so that size is not held alike quite as well class by class"
    )
    return (
        "The weights bring the other agencies to the partners' means of all variables that they are balanced on "
        f"(@fig-task-forces-balance). Of the classes of population, which are not among these, the largest remaining difference "
        f"is {num(f'{PREFIX}.balance.classes')} standard deviations, {verdict}. The price is precision: the other agencies "
        f"count as {num(f'{PREFIX}.effective-others')} of equal weight.\n"
    )


def other_ways_paragraph(found: pd.DataFrame) -> str:
    """Whether other ways of adjusting lead elsewhere."""
    apart = [
        row.key for row in found.itertuples() if len({sign(getattr(row, way)) for way in ("balanced", *OTHER_WAYS)}) > 1
    ]
    if not apart:
        return "Other ways of adjusting lead to the same verdict on every outcome (@tbl-task-forces-other-ways).\n"
    return (
        f"Other ways of adjusting lead to another verdict than entropy balancing on {_nouns(apart)}, and to the same on the "
        "other outcomes (@tbl-task-forces-other-ways).\n"
        if len(apart) < len(found)
        else "The verdicts hang on the way of adjusting (@tbl-task-forces-other-ways).\n"
    )
