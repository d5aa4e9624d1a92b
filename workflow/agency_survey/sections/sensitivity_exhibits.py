"""Appendix D, sensitivity: its tables, figures, numbers and the wording that follows the results."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey import distributions, figures, ledger, marks, tables
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import level_text, num, slug
from agency_survey.sections import builders, survey
from agency_survey.sections import sensitivity as section
from agency_survey.sections.builders import ALPHA, HIDDEN, cell, p_text
from agency_survey.sections.sensitivity import (
    BIAS,
    COMPLETE,
    HEADLINES,
    IMPUTED,
    KEYS,
    MEASURES,
    SCENARIOS,
    SHAPE,
    SPREAD,
    Results,
    Tipping,
)
from agency_survey.sections.survey import caption
from agency_survey.tables import DASH, TO, Table
from agency_survey.wording import joined

RULE = PREFIX = "sensitivity"
SIMULATED = "benchmark of the project, `benchmarks/results/coverage.csv`: samples of the stand-in's population."
REASONS = {
    SPREAD: "standard errors off on average",
    BIAS: "bias",
    SHAPE: "skew, or errors that go with the estimate",
}


def appendix(found: Results, synthetic: bool, settings: dict) -> Exhibits:
    """Exhibits of the appendix from ``sensitivity.compute``.

    settings : confidence_level, reliability, sensitivity.
    """
    level, limits = settings["confidence_level"], settings["reliability"]
    largest = settings["sensitivity"]["largest_odds_ratio"]
    public = found.masked(lambda table: tables.masked(table, limits))
    shown = [one for one in found.tipping if may_show(one, limits)]
    numbers = _numbers(public, shown, level, largest)
    texts = {
        "findings": findings(found, shown),
        "waves": waves_text(found, numbers),
        "tipping": tipping_text(shown),
        "items": items_text(public),
        "imputed": imputed_text(found),
        "coverage": coverage_text(found.coverage),
    }
    tabular = [
        waves_table(public, limits, level, synthetic),
        tipping_table(found.tipping, limits, level, largest, synthetic),
        scenarios_table(public.scenarios, limits, level, synthetic),
        blocks_table(found.blocks, synthetic),
        items_table(public.items, limits, level, synthetic),
        imputed_table(public.imputed, limits, level, synthetic),
        coverage_table(found.coverage),
    ]
    drawn = [
        stopped_figure(public.stopped, limits, level, synthetic),
        tipping_figure(public, level, synthetic),
        imputed_figure(public.imputed, limits, level, synthetic),
    ]
    return builders.exhibits(numbers, tabular, drawn, texts)


def may_show(one: Tipping, limits: dict) -> bool:
    """Whether the claim's estimate is reliable enough to be shown."""
    start, n = one.start, one.claim.n
    state = tables.reliability if one.claim.threshold else builders.value_reliability
    return state(start["value"], start["se"], n, limits) != "hidden"


# -- numbers -----------------------------------------------------------------------------------------------------------


def _numbers(found: Results, shown: list[Tipping], level: float, largest: float) -> ledger.Numbers:
    numbers = ledger.Numbers(RULE)

    def plain(ident: str, value, format: str, label: str, unit: str, domain: str = survey.ALL, **more) -> None:
        estimator = more.pop("estimator", "count or share of the table")
        numbers.add(
            f"{PREFIX}.{ident}",
            value,
            format=format,
            label=label,
            unit=unit,
            domain=domain,
            estimator=estimator,
            **more,
        )

    plain("response", found.response, "percent1", "Weighted share of agencies that answered", "share of agencies")
    plain("largest", largest, "count", "Largest odds ratio looked at", "odds ratio")
    builders.add_shares(numbers, f"{PREFIX}.wave", found.waves, KEYS, level)
    builders.add_tests(numbers, PREFIX, found.checks, KEYS)
    builders.add_shares(numbers, f"{PREFIX}.stopped", found.stopped, KEYS, level)
    for row in found.late.itertuples():
        common = {"unit": "odds ratio", "estimator": "weighted logistic regression", "n": row.n}
        label = f"{row.measure}: last mailing against earlier ones"
        ident = f"late.{KEYS[row.measure]}"
        plain(ident, row.value, "number2", label, interval=(row.low, row.high), level=level, **common)
        plain(f"{ident}.p", row.p_adjusted, "p", f"p-value: {label}", "p-value", estimator="t test, Holm's adjustment")
    for one in shown:
        ident, label = f"tipping.{one.claim.ident}", one.claim.text
        kind = "percent1" if one.claim.threshold else "points1"
        interval = (one.start["low"], one.start["high"])
        plain(ident, one.start["value"], kind, label, "share", se=one.start["se"], interval=interval, level=level)
        for name, tip in (("odds", one.value), ("limit", one.limit)):
            if tip:
                plain(f"{ident}.{name}", tip[0], "number2", f"{label}: tipping odds ratio", "odds ratio")
                share = f"{label}: non-respondents' share at the tipping odds ratio"
                plain(f"{ident}.{name}.share", tip[1]["others"], "percent1", share, "share of non-respondents")
    for row in found.scenarios.itertuples():
        plain(
            f"scenario.{KEYS[row.measure]}.{slug(row.scenario)}",
            row.share,
            "percent1",
            f"{row.measure}: {row.scenario.lower()}",
            "share of agencies",
            estimator="pattern-mixture model, logit interval",
            interval=(row.low, row.high),
            level=level,
            n=row.n,
        )
    total = found.blocks.iloc[-1]
    for key, name in (("without", "without"), ("dont-know", "dont_know")):
        plain(f"items.{key}", total[name] / total["asked"], "percent1", f"Answers: {key}", "share of answers due")
    plain("items.count", total["items"], "count", "Items of Part I", "items")
    rates = found.items.dropna(subset="share")
    if len(rates):
        for key, at in (("highest", rates["share"].idxmax()), ("lowest", rates["share"].idxmin())):
            row = rates.loc[at]
            plain(f"items.{key}", row["share"], "percent1", f"Without an answer: {row['label']}", "share", n=row["n"])
    for row in found.imputed.itertuples():
        kind = "complete" if row.method == COMPLETE else "imputed"
        plain(
            f"{kind}.{KEYS[row.measure]}",
            row.share,
            "percent1",
            f"{row.measure}: {row.method.lower()}",
            "share of agencies",
            estimator=row.method.lower(),
            se=row.se,
            interval=(row.low, row.high),
            level=level,
            n=row.n,
        )
    plain("imputed.scale-reduction", found.scale_reduction, "number2", "Largest scale reduction of the chains", "ratio")
    covered = found.coverage
    chance = len(covered) * 2 * distributions.normal_tail(section.ERRORS)
    for key, value, format in (
        ("quantities", len(covered), "count"),
        ("samples", covered["samples"].max(), "count"),
        ("off", covered["off"].sum(), "count"),
        ("chance", chance, "number1"),
        ("lowest", covered["coverage"].min(), "percent1"),
        ("highest", covered["coverage"].max(), "percent1"),
        ("median", covered["coverage"].median(), "percent1"),
        ("error", covered["error"].max(), "percent1"),
        ("naive-median", covered["naive"].median(), "percent1"),
        ("nominal", section.NOMINAL, "percent0"),
    ):
        plain(f"coverage.{key}", value, format, f"Coverage: {key}", "of the simulation", "Simulated samples")
    return numbers


# -- tables ------------------------------------------------------------------------------------------------------------


def waves_table(found: Results, limits: dict, level: float, synthetic: bool) -> Table:
    """Headline shares by mailing, test of equality, odds ratio of the last mailing."""
    late = found.late.set_index("measure")
    checks = found.checks.set_index("measure")
    lines = []
    for measure in MEASURES:
        part = found.waves[found.waves["measure"] == measure]
        line = {"Measure": measure} | {row.domain: cell(row, limits) for row in part.itertuples()}
        line["p"] = p_text(checks.loc[measure, "p_adjusted"])
        line["Odds ratio, last mailing"] = _ratio_cell(late.loc[measure])
        line["p, odds ratio"] = p_text(late.loc[measure, "p_adjusted"])
        lines.append(line)
    counts = found.waves.groupby("domain", sort=False)["n"].max()
    return builders.lines_table(
        "tbl-sensitivity-waves",
        caption(f"Early and late respondents: percent of agencies, with {level_text(level)} interval", synthetic),
        lines,
        found.waves.merge(found.late.add_prefix("late_"), left_on="measure", right_on="late_measure"),
        survey.source(synthetic),
        "Respondents by the mailing after which they answered, up to "
        + ", ".join(f"{n:,}" for n in counts)
        + " by measure. p: Rao-Scott test that the three shares are equal. Odds ratio: respondents to the last mailing "
        "against earlier ones, given agency type, size, region, location and task force. p-values of a column are adjusted "
        "together [Holm's method, @holm1979].",
        (24, 16, 16, 16, 7, 18, 7),
        explained=marks.explained(limits),
    )


def _ratio_cell(row) -> str:
    if not np.isfinite(row["value"]):
        return HIDDEN
    return f"{row['value']:.2f} ({row['low']:.2f}{DASH}{row['high']:.2f})"


def _status(one: Tipping, limits: dict) -> str:
    if may_show(one, limits):
        return marks.SHOWN
    return marks.WITHHELD if one.withheld else marks.IMPRECISE


def _tip_cell(tip: tuple[float, dict] | None) -> str:
    return f"{tip[0]:.2f}" if tip else "none"


def tipping_table(found: list[Tipping], limits: dict, level: float, largest: float, synthetic: bool) -> Table:
    """How different non-respondents would have to be for each finding to vanish."""
    lines, data = [], []
    for one in found:
        start, tip = one.start, one.value or one.limit
        data.append(
            {"finding": one.claim.text, "threshold": one.claim.threshold, "n": one.claim.n, "response": one.response}
            | (start if may_show(one, limits) else dict.fromkeys(start, np.nan))
            | {"established": one.established, "worst": one.worst if may_show(one, limits) else np.nan}
            | {"odds": one.value[0] if one.value else np.nan, "limit_odds": one.limit[0] if one.limit else np.nan}
            | {"others_at_odds": one.value[1]["others"] if one.value else np.nan}
            | {"others_at_limit": one.limit[1]["others"] if one.limit else np.nan}
            | {"status": _status(one, limits)}
        )
        line = {"Finding": one.claim.text, "n": f"{one.claim.n:,}"}
        if not may_show(one, limits):
            lines.append(line | dict.fromkeys(_TIPPING[2:], marks.of(_status(one, limits))))
            continue
        shares = f"{100 * start['others']:.1f}" + (f" \N{RIGHTWARDS ARROW} {100 * tip[1]['others']:.1f}" if tip else "")
        cells = [
            f"{_signed(start['value'])} ({_signed(start['low'])}{TO if start['low'] < 0 else DASH}{_signed(start['high'])})",
            _tip_cell(one.value),
            _tip_cell(one.limit) if one.established else "not established",
            shares,
            _signed(one.worst),
        ]
        lines.append(line | dict(zip(_TIPPING[2:], cells, strict=True)))
    return builders.lines_table(
        "tbl-sensitivity-tipping",
        caption("How different non-respondents would have to be for a finding to vanish", synthetic),
        lines,
        pd.DataFrame(data),
        survey.source(synthetic),
        "A share's finding is that it lies on its side of one half; a difference's, that it is not zero (first less second). "
        "Odds ratio: of non-respondents against respondents "
        "of the same weighting class at which the estimate, or the limit of its interval, is at one half or zero; for "
        "differences that of the largest communities, while the others have its inverse. none: no odds ratio up to "
        f"{largest:g} or its inverse does it. Non-respondents' share: percent as taken now, and at the odds ratio of the "
        "estimate (else of the limit); of the largest communities in differences. Worst case: every non-respondent speaks "
        "against the finding.",
        (28, 7, 22, 9, 12, 16, 9),
        explained=marks.explained(limits),
    )


_TIPPING = [
    "Finding",
    "n",
    "Estimate (interval)",
    "Odds ratio, estimate",
    "Odds ratio, limit",
    "Non-respondents' share",
    "Worst case",
]


def _signed(value: float) -> str:
    return ledger.decimals(100 * value, 1)


def scenarios_table(found: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> Table:
    """Headline shares under what non-respondents may be like."""
    lines = []
    for scenario in SCENARIOS:
        part = {row.measure: row for row in found[found["scenario"] == scenario].itertuples()}
        lines.append({"Non-respondents": scenario} | {name: cell(part[name], limits) for name in HEADLINES})
    return builders.lines_table(
        "tbl-sensitivity-scenarios",
        caption(
            f"Headline shares by what non-respondents are taken to be like: percent, with {level_text(level)} interval",
            synthetic,
        ),
        lines,
        found,
        survey.source(synthetic),
        "Odds are against those of respondents of the same weighting class; as the last mailing: times the odds ratio of "
        "@tbl-sensitivity-waves, taken as known. The last two rows are bounds, which hold whatever the non-respondents are "
        "like and have no interval here.",
        (24, 24, 24, 24),
        explained=marks.explained(limits),
    )


def blocks_table(found: pd.DataFrame, synthetic: bool) -> Table:
    """Item non-response by block of Part I."""
    lines = [
        {
            "Block": f"**{row.block}**" if k == len(found) - 1 else row.block,
            "Items": f"{row.items:,}",
            "Answers due": f"{row.asked:,}",
            "Don't know, percent": f"{100 * row.dont_know / row.asked:.1f}",
            "No answer, percent": f"{100 * row.without / row.asked:.1f}",
        }
        for k, row in enumerate(found.itertuples())
    ]
    return builders.lines_table(
        "tbl-sensitivity-blocks",
        caption("Items without an answer, by block of Part I", synthetic),
        lines,
        found,
        survey.source(synthetic, weighted=False),
        "Answers due: agencies that were asked, added up over the items. No answer: refused, left out, or not valid. "
        "Percentages are of counts rounded to tens, so that no item's few answers of a kind follow from them.",
        (40, 10, 14, 18, 18),
    )


def items_table(found: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> Table:
    """Item non-response by item of Part I."""
    lines = [
        {"Item": f"{row.item}. {row.label}", "Asked": f"{row.asked:,}"} | {"No answer, percent": cell(row, limits)}
        for row in found.itertuples()
    ]
    return builders.lines_table(
        "tbl-sensitivity-items",
        caption(
            f"Items without an answer, Part I: weighted percent with {level_text(level)} interval",
            synthetic,
        ),
        lines,
        found,
        survey.source(synthetic),
        "Asked: agencies, unweighted. No answer: refused, left out, or not valid, among agencies that were asked.",
        (50, 12, 24),
        explained=marks.explained(limits),
    )


def imputed_table(found: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> Table:
    """Complete cases against multiple imputation."""
    lines = []
    for measure, part in found.groupby("measure", sort=False):
        at = {row.method: row for row in part.itertuples()}
        plain, other = at[COMPLETE], at[IMPUTED]
        gap = other.share - plain.share
        lines.append(
            {
                "Measure": measure,
                "n": f"{plain.n:,}",
                "No answer, percent": f"{100 * plain.missing:.1f}",
                COMPLETE: cell(plain, limits),
                IMPUTED: cell(other, limits),
                "Difference, points": _signed(gap) if np.isfinite(gap) else _missing(plain, other),
                "Information missing, percent": f"{100 * other.missing:.1f}",
            }
        )
    return builders.lines_table(
        "tbl-sensitivity-imputed",
        caption(
            f"Headline shares by complete cases and by multiple imputation: percent, with {level_text(level)} interval",
            synthetic,
        ),
        lines,
        found,
        survey.source(synthetic),
        "n: agencies with a complete case, unweighted; the imputed shares are of all respondents, don't know imputed as a "
        "rating. Of the forms of trafficking, complete cases leave out those that an agency did not rate. Information missing: "
        "share of the information on the estimate that is lost [@rubin1987].",
        (26, 8, 9, 20, 20, 9, 10),
        explained=marks.explained(limits),
    )


def _missing(*sides) -> str:
    """The mark of a number that follows from others."""
    return marks.D if marks.WITHHELD in [row.status for row in sides] else marks.DASH


def coverage_table(found: pd.DataFrame) -> Table:
    """Bias and coverage over repeated samples, with Monte-Carlo errors."""
    lines = [
        {
            "Quantity": row.quantity,
            "Truth": (f"{row.truth:,.4g}" if abs(row.truth) < 1e4 else f"{row.truth:,.0f}").replace("-", ledger.MINUS),
            "Bias, in standard deviations": f"{row.bias_share:+.2f}".replace("-", ledger.MINUS),
            "Standard error ratio": f"{row.se_ratio:.2f}",
            "Coverage (error), percent": (f"**{100 * row.coverage:.1f}**" if row.off else f"{100 * row.coverage:.1f}")
            + f" ({100 * row.coverage_mc_se:.1f})",
            "Unweighted coverage, percent": f"{100 * row.naive:.1f}" if np.isfinite(row.naive) else HIDDEN,
            "Off by": REASONS.get(row.reason, ""),
        }
        for row in found.itertuples()
    ]
    return Table(
        "tbl-sensitivity-coverage",
        f"Coverage of {level_text(section.NOMINAL)} intervals over repeated samples of the stand-in's population",
        pd.DataFrame(lines),
        found,
        SIMULATED,
        f"{int(found['samples'].max()):,} samples. Standard error ratio: mean standard error over the standard deviation of the "
        "estimates. Error: Monte-Carlo standard error. Bold: further from the level than two Monte-Carlo errors of a right "
        "coverage; then what accounts for most of the gap. Unweighted: respondents taken for a simple random sample.",
        left=("Off by",),
        widths=(32, 9, 10, 9, 14, 11, 18),
    )


# -- figures -----------------------------------------------------------------------------------------------------------


def stopped_figure(found: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> figures.Figure:
    """Estimates had the survey ended after each mailing."""
    data = survey.shown(found[found["measure"].isin(HEADLINES)], limits)
    order = list(dict.fromkeys(found["domain"]))
    n = data["n"]
    at = {name: data[data["measure"] == name] for name in HEADLINES}

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 1.9), layout="constrained")
        spots = pd.Series(range(len(order))[::-1], index=order)
        span = 130 * max((part["high"].max() - part["low"].min() for part in at.values() if len(part)), default=1.0)
        axes = canvas.subplots(1, len(HEADLINES), sharey=True)
        for axis, (name, part) in zip(axes, at.items(), strict=True):
            figures.intervals(axis, part, spots[part["domain"]], figures.PALETTE[0], figures.MARKERS[0])
            if len(part):
                middle = 50 * (part["high"].max() + part["low"].min())
                axis.set_xlim(middle - span / 2, middle + span / 2)
            axis.set_title(name.replace(" or ", " or\n"))
            axis.set_xlabel("Percent of agencies")
            axis.grid(axis="y", visible=False)
        axes[0].set_yticks(spots, order)
        axes[0].set_ylim(-0.5, len(order) - 0.5)
        return canvas

    said = [
        f"{name}: " + ", ".join(f"{row.domain.lower()} {100 * row.share:.1f}" for row in part.itertuples())
        for name, part in at.items()
    ]
    return figures.Figure(
        "fig-sensitivity-stopped",
        caption("Headline shares had the survey ended after each mailing", synthetic),
        "Three panels of points with intervals, one row for each end of the survey. Percent of agencies. "
        + f"{'; '.join(said)}.",
        data,
        survey.source(synthetic),
        draw,
        (f"n = {n.min():,} to {n.max():,} respondents. " if len(n) else "")
        + f"Bars: {level_text(level)} logit intervals. Weighted anew from the agencies that had answered by then. The panels "
        "show different parts of the scale at the same width.",
    )


def tipping_figure(found: Results, level: float, synthetic: bool) -> figures.Figure:
    """Headline shares over the odds ratio of non-respondents."""
    late = found.late.set_index("measure")["value"]
    data = found.curves.assign(late=found.curves["measure"].map(late))

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 2.7), layout="constrained")
        for k, (axis, name) in enumerate(zip(canvas.subplots(1, len(HEADLINES), sharey=True), HEADLINES, strict=True)):
            part = data[data["measure"] == name]
            axis.fill_between(part["odds"], 100 * part["low"], 100 * part["high"], color=figures.PALETTE[0], alpha=0.25)
            axis.plot(part["odds"], 100 * part["share"], color=figures.PALETTE[0], linewidth=1.5)
            axis.axhline(100 * section.MAJORITY, color=figures.INK, linewidth=0.9)
            axis.axvline(1, color=figures.INK, linewidth=0.7, linestyle=":")
            if part["late"].notna().any():
                axis.axvline(part["late"].iloc[0], color=figures.PALETTE[1], linewidth=1.2, linestyle="--")
            axis.set_xscale("log")
            axis.set_ylim(0, 100)
            axis.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
            axis.set_title(name.replace(" or ", " or\n"))
            if k == 0:
                axis.set_ylabel("Percent of agencies")
        canvas.supxlabel("Odds of non-respondents against respondents of their class", fontsize=9)
        return canvas

    said = []
    for name in HEADLINES:
        part = data[(data["measure"] == name) & data["share"].notna()]
        if len(part):
            middle = part.iloc[(np.log(part["odds"])).abs().argmin()]
            points = (part.iloc[0], middle, part.iloc[-1])
            said.append(
                f"{name}: " + ", ".join(f"{100 * p['share']:.0f} at an odds ratio of {p['odds']:.2g}" for p in points)
            )
    return figures.Figure(
        "fig-sensitivity-tipping",
        caption("Headline shares over how much non-respondents differ from respondents", synthetic),
        "Three panels with a rising curve and its interval over odds ratios of non-respondents, and a line at one half. "
        f"Percent of agencies. {'; '.join(said)}.",
        data,
        survey.source(synthetic),
        draw,
        f"Bands: {level_text(level)} intervals. Horizontal line: one half. Dotted: missing at random. Dashed: the odds ratio "
        "of respondents to the last mailing (@tbl-sensitivity-waves).",
    )


def imputed_figure(found: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> figures.Figure:
    """Complete cases and multiple imputation side by side."""
    data = survey.shown(found.assign(domain=found["measure"]), limits)
    n = data["n"]
    return builders.dots_figure(
        "fig-sensitivity-imputed",
        caption("Headline shares by complete cases and by multiple imputation", synthetic),
        data,
        {"": {COMPLETE: COMPLETE, IMPUTED: IMPUTED}},
        survey.source(synthetic),
        (f"n = {n.min():,} to {n.max():,} respondents. " if len(n) else "") + f"Bars: {level_text(level)} intervals.",
        column="method",
        order=MEASURES,
        xlabel="Percent of agencies",
        legend="",
        corner="lower right",
        opening="Pairs of points with intervals, one pair for each measure, in percent.",
        height=2.7,
    )


# -- wording -----------------------------------------------------------------------------------------------------------


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _differing(table: pd.DataFrame) -> list[str]:
    return [_lower(row.measure) for row in table.itertuples() if row.p_adjusted < ALPHA]


def findings(found: Results, shown: list[Tipping]) -> str:
    """The appendix's opening findings."""
    odd = _differing(found.checks) + [name for name in _differing(found.late) if name not in _differing(found.checks)]
    first = (
        "Late respondents are not shown to differ from early ones on any headline measure"
        if not odd
        else f"Late respondents differ from early ones on {joined(odd)}"
    )
    safe, fragile = _sorted(shown)
    parts = [f"{first}; agencies that answered carry {num(f'{PREFIX}.response')} of the weight."]
    if safe:
        parts.append(
            f"Of the findings on shares and on community size, {_count(safe, shown)} would stand whatever odds ratio up to "
            f"{num(f'{PREFIX}.largest')} sets non-respondents apart"
            + ("; the others are named in @tbl-sensitivity-tipping." if fragile else ".")
        )
    parts.append(
        f"Items lack {num(f'{PREFIX}.items.without')} of the answers due (@tbl-sensitivity-blocks), and intervals hold the "
        f"truth in {num(f'{PREFIX}.coverage.lowest')} to {num(f'{PREFIX}.coverage.highest')} of simulated samples "
        f"(nominal {num(f'{PREFIX}.coverage.nominal')}; @tbl-sensitivity-coverage)."
    )
    return " ".join(parts) + "\n"


WORDS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def _count(some: list, whole: list) -> str:
    return f"all {WORDS[len(whole)]}" if len(some) == len(whole) else f"{WORDS[len(some)]} of {WORDS[len(whole)]}"


def _sorted(shown: list[Tipping]) -> tuple[list[Tipping], list[Tipping]]:
    """(findings that no departure within range brings even to the limit, the others)."""
    safe = [one for one in shown if one.established and one.value is None and one.limit is None]
    return safe, [one for one in shown if one not in safe]


def waves_text(found: Results, numbers: ledger.Numbers) -> str:
    """Differences between mailings, with tests."""
    by_wave, by_model = _differing(found.checks), _differing(found.late)
    first = (
        f"Shares differ between the mailings for {joined(by_wave)}"
        if by_wave
        else "No measure is shown to differ between the mailings"
    )
    second = (
        f"respondents to the last mailing differ from earlier ones in {joined(by_model)}"
        if by_model
        else "respondents to the last mailing are not shown to differ from earlier ones in any measure"
    )
    clause = f"{first}; with type, size, region, location and task force held equal, {second} (@tbl-sensitivity-waves)."
    ratios = [
        f"{num(f'{PREFIX}.late.{KEYS[name]}')} for {_lower(name)} ({num(f'{PREFIX}.late.{KEYS[name]}', 'ci')})"
        for name in HEADLINES
        if builders.printable(numbers, f"{PREFIX}.late.{KEYS[name]}")
    ]
    parts = [clause] + ([f"The odds ratios are {joined(ratios)}."] if ratios else [])
    if not by_wave and not by_model:
        parts.append(
            "An interval that holds one also holds departures that would matter; the next section takes them up."
        )
    return " ".join(parts) + "\n"


def tipping_text(shown: list[Tipping]) -> str:
    """What it takes for each finding to vanish, one line a finding."""
    lines = []
    for one in shown:
        ident = f"{PREFIX}.tipping.{one.claim.ident}"
        head = f"- {one.claim.text} ({num(ident)}; {num(ident, 'ci')}): "
        lines.append(head + _verdict(one, ident))
    return "\n".join(lines) + "\n" if lines else ledger.UNCERTAIN


def _verdict(one: Tipping, ident: str) -> str:
    aim = "one half" if one.claim.threshold else "zero"
    if not one.established:
        return f"the interval holds {aim}, so that there is no finding to overturn."
    bounded = (one.worst > one.claim.threshold) == one.above
    if one.value is None and one.limit is None:
        tail = (
            "and it would stand if every non-respondent spoke against it"
            if bounded
            else "though it would fall if every non-respondent spoke against it"
        )
        return f"no odds ratio up to {num(f'{PREFIX}.largest')} or its inverse overturns it, {tail}."
    said = []
    if one.limit:
        said.append(
            f"its interval reaches {aim} when non-respondents have {num(f'{ident}.limit')} times the odds of respondents"
            f" (a share of {num(f'{ident}.limit.share')} among them)"
        )
    if one.value:
        said.append(f"its estimate at {num(f'{ident}.odds')} times ({num(f'{ident}.odds.share')})")
    else:
        said.append("and no odds ratio looked at takes its estimate there")
    where = (
        "" if one.claim.threshold else "; the odds are those of the largest communities, the others having the inverse"
    )
    return ", ".join(said) + where + "."


def items_text(found: Results) -> str:
    """Rates of items without an answer."""
    rates = found.items.dropna(subset="share")
    base = f"{PREFIX}.items"
    parts = [
        f"Over the {num(f'{base}.count')} items of Part I, {num(f'{base}.without')} of the answers due are refused, left out "
        f"or not valid, and {num(f'{base}.dont-know')} are don't know (@tbl-sensitivity-blocks)."
    ]
    if len(rates):
        high, low = (rates.loc[at, "label"] for at in (rates["share"].idxmax(), rates["share"].idxmin()))
        parts.append(
            f"The share without an answer is highest for “{high}” ({num(f'{base}.highest')}) and lowest for “{low}” "
            f"({num(f'{base}.lowest')}; @tbl-sensitivity-items)."
        )
    return " ".join(parts) + "\n"


def imputed_text(found: Results) -> str:
    """Whether imputation moves the estimates, against their standard errors."""
    table = found.imputed.pivot(index="measure", columns="method", values=["share", "se"]).loc[MEASURES]
    change = table["share"][IMPUTED] - table["share"][COMPLETE]
    moves = change.abs() / table["se"][COMPLETE]
    most = str(moves.idxmax())
    far = [_lower(name) for name in moves.index[moves > 1]]
    verdict = (
        f"Imputation moves the shares of {joined(far)} by more than the standard error of the complete cases"
        if far
        else "Imputation moves no headline share by as much as its standard error"
    )
    fallen = any(_lower(name) in far and change[name] < 0 for name in (section.RARE, section.NONE))
    key = KEYS[most]
    return (
        f"{verdict} (@tbl-sensitivity-imputed, @fig-sensitivity-imputed). The largest move against its error is that of "
        f"{_lower(most)}, from {num(f'{PREFIX}.complete.{key}')} to {num(f'{PREFIX}.imputed.{key}')}."
        + (f" {UNRATED}" if fallen else "")
        + f" The largest scale reduction of the chains is {num(f'{PREFIX}.imputed.scale-reduction')}, where one means that they "
        + (
            "have mixed.\n"
            if found.scale_reduction < MIXED
            else "have mixed: more rounds would make the imputations steadier.\n"
        )
    )


MIXED = 1.1  # scale reduction below which chains are usually taken to have mixed (Gelman and Rubin 1992)
UNRATED = (
    "Complete cases leave the forms that an agency did not rate out of account. Imputation gives each of them a rating, don't "
    "know among them, so that more agencies have a form that they see more of."
)


def coverage_text(found: pd.DataFrame) -> str:
    """How the coverage compares with its level, and why it is off where it is."""
    base = f"{PREFIX}.coverage"
    off = found[found["off"]]
    parts = [
        f"Over {num(f'{base}.samples')} samples, the coverage of {num(f'{base}.quantities')} quantities is "
        f"{num(f'{base}.median')} in the middle, and {num(f'{base}.lowest')} to {num(f'{base}.highest')} in all; that of the "
        f"unweighted analysis is {num(f'{base}.naive-median')} in the middle. A right coverage has a Monte-Carlo error of "
        f"{num(f'{base}.error')}."
    ]
    if not len(off):
        return parts[0] + " No coverage is further from its level than two such errors.\n"
    parts.append(
        f"Of these, {num(f'{base}.off')} are further from the level than two such errors, where about {num(f'{base}.chance')} would be "
        "by chance alone:"
    )
    lines = []
    for reason in (SPREAD, BIAS, SHAPE):
        for short in (False, True):
            part = off[(off["reason"] == reason) & ((off["coverage"] < section.NOMINAL) == short)]
            if len(part):
                lines.append(f"- {_because(reason, short)}: {'; '.join(part['quantity'].map(_named))}")
    return " ".join(parts) + "\n\n" + ";\n".join(lines) + ".\n"


def _because(reason: str, short: bool) -> str:
    direction = "too few intervals hold the truth" if short else "too many intervals hold the truth"
    why = {
        SPREAD: f"standard errors are too {'small' if short else 'large'} on average",
        BIAS: "the estimate is biased, by the part of its standard deviation in the table",
        SHAPE: "neither bias nor the size of standard errors explains most of it, which leaves skewed estimates or standard errors "
        "that go with the estimate",
    }
    return f"{direction}, because {why[reason]}" if reason != SHAPE else f"{direction}; {why[SHAPE]}"


def _named(quantity: str) -> str:
    """A quantity in prose, where digits stand for results only."""
    return quantity.replace("log10 population", "population (logarithm)").replace("1,000 people", "thousand people")
