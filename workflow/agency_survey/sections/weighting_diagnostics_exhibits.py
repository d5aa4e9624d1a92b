"""Appendix C, weighting diagnostics: its tables, figures, numbers and the wording that follows the results."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from agency_survey import figures, ledger, marks
from agency_survey.design import SurveyDesign
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import num, slug
from agency_survey.national_survey import CLASSES, TYPES
from agency_survey.sections import survey
from agency_survey.sections import weighting_diagnostics as section
from agency_survey.sections.survey import caption
from agency_survey.sections.survey_methods import screened_respondents
from agency_survey.tables import Table
from agency_survey.wording import joined

RULE = "weighting_diagnostics"
PREFIX = "weighting"
CAPS = [2.0, 3.0, 4.0]
NONE = "\N{EN DASH}"
METHODS = {
    "unweighted": "Unweighted",
    "classes": "Weighting classes",
    "propensity": "Response propensity",
}
SMALL = 0.1  # a standardised difference of this size is commonly read as small


@dataclass(frozen=True)
class Weighted:
    """The weights of one method of non-response adjustment: mailed surveys, record, and the respondents with design."""

    sample: pd.DataFrame
    record: dict
    rows: pd.DataFrame
    design: SurveyDesign


@dataclass(frozen=True)
class Parts:
    """Follow-up parts: weights (``followed_up``) by part, their records, a block of Part II and the cases of Part III."""

    weights: dict[str, pd.DataFrame]
    records: dict[str, dict]
    part2: pd.DataFrame
    part3: pd.DataFrame


@dataclass(frozen=True)
class Results:
    """All that the exhibits show; as the functions of ``weighting_diagnostics`` of these names return it."""

    steps: pd.DataFrame
    quantiles: pd.DataFrame
    margins: pd.DataFrame
    balance: pd.DataFrame
    response: section.Representativity
    closed: object
    trimming: pd.DataFrame
    methods: pd.DataFrame
    errors: pd.DataFrame
    classes: dict[str, pd.DataFrame]
    followed: dict[str, dict]
    phases: pd.DataFrame
    cases: pd.DataFrame
    draws: int


def compute(frame: pd.DataFrame, used: Weighted, other: dict[str, Weighted], parts: Parts, settings: dict) -> Results:
    """used : the weights of the report; other : those of each method, by its name ('classes', 'propensity'); settings :
    confidence_level, bootstrap."""
    level, bootstrap = settings["confidence_level"], settings["bootstrap"]
    sample, rows, design = used.sample, used.rows, used.design
    found = section.headlines(rows)
    plain = design.reweighted(np.ones(len(rows)))
    designs = {"unweighted": replace(plain, adjustments=())}
    designs |= {name: one.design for name, one in other.items()}
    return Results(
        section.steps_table(sample),
        section.step_quantiles(sample),
        pd.DataFrame(used.record["margins"]),
        section.balance(frame, sample),
        section.representativity(sample),
        section.closed_agencies(sample),
        section.trimming(rows, found, CAPS),
        section.screened_headlines(
            section.method_comparison(found, designs, level),
            found,
            [f"{kind}{end}" for kind in designs for end in ("", "_se", "_low", "_high")],
        ),
        section.screened_headlines(
            section.errors(rows, design, found, bootstrap["replicates"], bootstrap["seed"]),
            found,
            ["value", "linearised", "ignored", "bootstrap", "jackknife"],
        ),
        {
            name: section.screened_classes(part, section.response_classes(part, sample), name, rows)
            for name, part in parts.weights.items()
        },
        {name: section.follow_up_weights(part, sample) for name, part in parts.weights.items()},
        section.part2_phases(sample, parts.weights["part2"], parts.part2),
        section.case_shares(sample, parts.weights["part3"], parts.part3),
        bootstrap["replicates"],
    )


def appendix(
    frame: pd.DataFrame, used: Weighted, other: dict[str, Weighted], parts: Parts, synthetic: bool, settings: dict
) -> Exhibits:
    """Exhibits of the appendix. settings : confidence_level, weights, bootstrap."""
    level = settings["confidence_level"]
    results = compute(frame, used, other, parts, settings)
    collapsed = _collapsed(used, parts, results.classes)
    return Exhibits(
        numbers(results, used, collapsed, level),
        [
            steps_table(results.steps, synthetic),
            collapsed_table(collapsed, synthetic),
            margins_table(results.margins, synthetic),
            balance_table(results.balance, settings["weights"]["raking"], synthetic),
            response_table(results.response, synthetic),
            trimming_table(results.trimming, results.steps, synthetic),
            methods_table(results.methods, synthetic),
            effects_table(results.errors, synthetic),
            errors_table(results.errors, results.draws, synthetic),
            classes_table(results.classes, results.followed, synthetic),
            phases_table(results.phases, synthetic),
            cases_table(results.cases, synthetic),
        ],
        [
            steps_figure(results.quantiles, synthetic),
            balance_figure(results.balance, synthetic),
            errors_figure(results.errors, results.draws, synthetic),
        ],
        {
            "notice": survey.notice(synthetic),
            "findings": findings(results),
            "steps": steps_paragraph(results.steps, used.record),
            "margins": margins_paragraph(results.margins, collapsed),
            "balance": balance_paragraph(results.balance, settings["weights"]["raking"]),
            "response": response_paragraph(results.response),
            "trimming": trimming_paragraph(results.trimming, used.record),
            "methods": methods_paragraph(results.methods, used.record["method"]),
            "errors": errors_paragraph(results.errors),
            "parts": parts_paragraph(results),
            "cases": cases_paragraph(results.cases),
        },
    )


# ---- numbers -------------------------------------------------------------------------------------------------------


def numbers(results: Results, used: Weighted, collapsed: pd.DataFrame, level: float) -> ledger.Numbers:
    """All numbers that the appendix prints."""
    found = ledger.Numbers(RULE)

    def add(
        ident: str, value, format: str, label: str, unit: str = "ratio", domain: str = "respondents", **more
    ) -> None:
        more.setdefault("estimator", "computed from the weights")
        found.add(f"{PREFIX}.{ident}", value, format=format, label=label, unit=unit, domain=domain, **more)

    for row in results.steps.itertuples():
        name = section.STEP_NAMES[row.step]
        add(f"deff.{slug(row.step)}", row.design_effect, "number2", f"Kish design effect after: {name}")
        add(f"effective.{slug(row.step)}", row.effective, "count", f"Effective respondents after: {name}", "agencies")
    last = results.steps.iloc[-1]
    add("respondents", int(last["agencies"]), "count", "Respondents", "agencies")
    add("least", last["smallest"], "number2", "Smallest final weight", "weight")
    add("greatest", last["largest"], "number2", "Largest final weight", "weight")
    add("median", last["median"], "number2", "Median final weight", "weight")
    factor = used.rows["raking"]
    add("raking.least", factor.min(), "number3", "Smallest raking factor")
    add("raking.greatest", factor.max(), "number3", "Largest raking factor")
    rows = used.rows
    drawn = rows.groupby("cell")["weight"]
    within = float(
        ((rows["weight"] - drawn.transform("mean")) ** 2).sum() / ((rows["weight"] - rows["weight"].mean()) ** 2).sum()
    )
    add("within", within, "percent1", "Part of the variation of weights that lies within classes", "share")
    if len(results.margins):
        off = ((results.margins["after"] - results.margins["frame"]) / results.margins["frame"]).abs().max()
        add("margins.off", off, "scientific", "Largest relative difference from a margin after raking")
        before = ((results.margins["before"] - results.margins["frame"]) / results.margins["frame"]).abs().max()
        add("margins.before", before, "percent1", "Largest relative difference from a margin before raking")
        add("margins.count", results.margins["margin"].nunique(), "count", "Margins raked on", "margins")
    add("collapsed.part1", int((collapsed["part"] == "Part I").sum()), "count", "Joined weighting classes", "classes")
    total = results.closed
    add(
        "closed",
        total.value[0],
        "count",
        "Closed agencies in the frame, estimated",
        "agencies",
        "frame",
        estimator="weighted total over mailed surveys",
        se=total.se[0],
        interval=tuple(total.interval(level)[0]),
        level=level,
        n=int(total.n[0]),
    )
    add("operating", results.steps.iloc[-1]["sum"], "count", "Agencies in operation", "agencies", "frame")
    for kind in ("unweighted", "sampling", "weighted"):
        gaps = results.balance[f"{kind}_difference"].abs()
        add(f"balance.{kind}", gaps.max(), "number3", f"Largest standardized difference, {kind}")
        add(f"balance.{kind}.mean", gaps.mean(), "number3", f"Mean standardized difference, {kind}")
    response = results.response
    mailed = "agencies in operation"
    add("r-indicator", response.indicator, "number3", "R-indicator", domain=mailed, n=response.n)
    add("propensity.mean", response.mean, "percent1", "Mean response propensity", "share", mailed)
    add("propensity.deviation", response.deviation, "number3", "Standard deviation of the propensity", domain=mailed)
    add("propensity.bias", response.bias, "number3", "Largest standardized bias by the model", domain=mailed)
    for row in results.trimming.itertuples():
        ident, cap = f"cap.{slug(f'{row.cap:g}')}", f"a cap of {row.cap:g} medians"
        add(f"{ident}.share", row.share, "percent1", f"Weight moved by {cap}", "share")
        add(f"{ident}.gain", row.gain, "percent1", f"Design effect saved by {cap}", "share")
        add(f"{ident}.trimmed", row.trimmed, "count", f"Weights cut by {cap}", "agencies")
    _headline_numbers(add, results, level)
    _part_numbers(add, results, level)
    return found


def _headline_numbers(add, results: Results, level: float) -> None:
    for row in results.methods.itertuples():
        for kind, name in METHODS.items():
            add(
                f"{kind}.{row.key}",
                getattr(row, kind),
                "count" if row.total else "percent1",
                f"{row.name}: {name}",
                "agencies" if row.total else "share of agencies",
                estimator="linearized variance",
                se=getattr(row, f"{kind}_se"),
                interval=(getattr(row, f"{kind}_low"), getattr(row, f"{kind}_high")),
                level=level,
                n=row.n,
            )
    moved = _moved(results.methods)
    add(
        "methods.points",
        moved["points"].max(),
        "points1",
        "Largest difference of the two methods",
        "difference of shares",
    )
    add("methods.errors", moved["errors"].max(), "number2", "Largest difference of the two methods, in standard errors")
    for row in results.errors.itertuples():
        add(f"effect.{row.key}", row.effect, "number2", f"Design effect: {row.name}", n=row.n)
    shares = results.errors[~results.errors["total"]]
    add("effect.least", shares["effect"].min(), "number2", "Smallest design effect of a headline share")
    add("effect.greatest", shares["effect"].max(), "number2", "Largest design effect of a headline share")
    for kind in ("bootstrap", "jackknife", "ignored"):
        ratio = results.errors[kind] / results.errors["linearised"]
        add(f"{kind}.low", ratio.min(), "number3", f"Smallest ratio of errors, {kind} over linearized")
        add(f"{kind}.high", ratio.max(), "number3", f"Largest ratio of errors, {kind} over linearized")
    add("draws", results.draws, "count", "Bootstrap replicates", "replicates")
    total = results.errors[results.errors["total"]].iloc[0]
    share = total["value"] / results.steps.iloc[-1]["sum"] * results.closed.se[0]
    part = np.hypot(total["linearised"], share) / total["linearised"] - 1
    add("closed.effect", part, "percent1", "Growth of the error of a total by the closed agencies", "share")


def _part_numbers(add, results: Results, level: float) -> None:
    for name, facts in results.followed.items():
        add(f"{name}.asked", facts["asked"], "count", f"Asked for {name}", "agencies")
        add(f"{name}.returned", facts["returned"], "count", f"Returned {name}", "agencies")
        add(f"{name}.rate", facts["rate"], "percent1", f"Returned of asked, {name}", "share")
        add(
            f"{name}.rate.weighted", facts["weighted_rate"], "percent1", f"Returned of asked, weighted, {name}", "share"
        )
        shown = results.classes[name]["factor"]
        add(f"{name}.least", shown.min(), "number2", f"Smallest factor of {name}, of the classes shown")
        add(f"{name}.greatest", shown.max(), "number2", f"Largest factor of {name}, of the classes shown")
        add(f"{name}.deff", facts["kish"], "number2", f"Kish design effect of {name}")
        add(f"{name}.deff.first", facts["kish_first"], "number2", f"Kish design effect of {name}, first-phase weights")
        add(
            f"{name}.unnumbered",
            facts["without_number"],
            "count",
            f"Returned {name} without a number of cases",
            "agencies",
        )
    for row in results.phases.itertuples():
        add(
            f"phases.{row.key}",
            row.second / (row.first + row.second),
            "percent1",
            f"Second phase's part: {row.name}",
            "share",
        )
        add(f"phases.{row.key}.plain", row.plain / row.se, "number3", f"One-phase error over two-phase: {row.name}")
    for row in results.cases.itertuples():
        ident = f"cases.{row.key}.{row.population}"
        add(ident, row.value, "percent1", f"{row.name}: {row.population}", "share", se=row.se, n=row.n)
    ratio = results.cases["se"] / results.cases["single"]
    add("cases.ratio.low", ratio.min(), "number2", "Smallest ratio of errors, clustered over single cases")
    add("cases.ratio.high", ratio.max(), "number2", "Largest ratio of errors, clustered over single cases")


def _moved(methods: pd.DataFrame) -> pd.DataFrame:
    """Differences of the headline shares between the two methods, in points and in standard errors."""
    rows = methods[~methods["total"]]
    apart = (rows["propensity"] - rows["classes"]).abs()
    return pd.DataFrame({"points": apart, "errors": apart / rows["classes_se"]})


def _collapsed(used: Weighted, parts: Parts, classes: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The joined classes of all parts: part, group, first and last class, respondents.

    classes : ``screened_classes`` by part; respondents that may not be told of there or in chapter 2 are missing.
    """
    known = {"Part I": screened_respondents(used.sample)}
    for name, table in classes.items():
        told = dict(zip(table["response_class"], table["returned"], strict=True))
        known[{"part2": "Part II", "part3": "Part III"}[name]] = told
    found = []
    records = {"Part I": used.record["collapsed"]} | {
        {"part2": "Part II", "part3": "Part III"}[name]: record["collapsed"] for name, record in parts.records.items()
    }
    for part, lines in records.items():
        for line in lines:
            first, last = min(line["classes"]), max(line["classes"])
            label = f"{line['group']}, class {first} to {last}"
            open_ = np.isfinite(known[part].get(label, line["respondents"]))
            found.append((part, line["group"], first, last, line["respondents"] if open_ else np.nan))
    found = pd.DataFrame(found, columns=["part", "group", "first", "last", "respondents"])
    return found.assign(status=marks.withheld(found["respondents"].isna()))


# ---- tables --------------------------------------------------------------------------------------------------------


def _count(value: float) -> str:
    return ledger.format_value(value, "count")


def _protected(row, text: str) -> str:
    """A number of a row that may be withheld."""
    return marks.D if row.status == marks.WITHHELD else text


def _percent(share: float, places: int = 1) -> str:
    return f"{100 * share:.{places}f}" if share == share else NONE


def _number(value: float, places: int) -> str:
    return f"{value:.{places}f}" if value == value else NONE


def _signed(value: float) -> str:
    return ledger.decimals(value, 3)


def steps_table(steps: pd.DataFrame, synthetic: bool) -> Table:
    """Weights after each step."""
    shown = [
        {
            "After the step": section.STEP_NAMES[row.step],
            "Sum": _count(row.sum),
            "Smallest": f"{row.smallest:.2f}",
            "Median": f"{row.median:.2f}",
            "Largest": f"{row.largest:.2f}",
            "Design effect": f"{row.design_effect:.3f}",
            "Effective respondents": _count(row.effective),
        }
        for row in steps.itertuples()
    ]
    return Table(
        "tbl-weighting-steps",
        caption("Weights of the respondents after each step", synthetic),
        pd.DataFrame(shown),
        steps,
        survey.source(synthetic, weighted=False),
        f"n = {_count(steps['agencies'].iloc[-1])} respondents. Design effect: Kish's, of unequal weights [@kish1965]; effective "
        "respondents: their number over it. Up to non-response the respondents' weights stand for the mailed agencies that "
        "answered only. A step that is switched off changes nothing.",
        widths=(30, 10, 10, 10, 10, 12, 14),
    )


def _classes(first: int, last: int) -> str:
    labels = CLASSES
    low, high = labels[first - 1], labels[last - 1]
    if first == last:
        return low
    start = low.split(" to ")[0]
    end = high.split(" to ")[-1]
    if first == 1:
        return f"Up to {end}"
    return f"{start} or more" if last == len(labels) else f"{start} to {end}"


def collapsed_table(collapsed: pd.DataFrame, synthetic: bool) -> Table:
    """Record of the joined classes."""
    shown = [
        {
            "Part": row.part,
            "Group": row.group,
            "Classes that became one": _classes(row.first, row.last)
            if row.group != "All agencies"
            else "agency types " + " to ".join([_type(row.first), _type(row.last)]),
            "Respondents": _protected(row, _count(row.respondents)),
        }
        for row in collapsed.itertuples()
    ] or [{"Part": "None", "Group": NONE, "Classes that became one": NONE, "Respondents": NONE}]
    return Table(
        "tbl-weighting-collapsed",
        caption("Weighting and response classes that were joined", synthetic),
        pd.DataFrame(shown),
        collapsed,
        survey.source(synthetic, weighted=False),
        "Classes are population served. The class with the fewest respondents joins the smaller of its neighbors of the same "
        "group until each has as many as the settings ask for. Agency types with too few returns of a part are joined first.",
        marks=marks.PROTECTED,
        left=("Group", "Classes that became one"),
        widths=(10, 32, 32, 12),
    )


def _type(code: int) -> str:
    """Agency type of a code counted from 1, in lower case."""
    return TYPES[code - 1].lower()


def margins_table(margins: pd.DataFrame, synthetic: bool) -> Table:
    """Margins before and after raking."""
    shown = [
        {
            "Margin": f"{section.BREAKDOWNS[row.margin]}: {row.category}",
            "Respondents": _count(row.respondents),
            "Frame": _count(row.frame),
            "Before raking": f"{row.before:,.1f}",
            "After raking": f"{row.after:,.1f}",
            "Of which closed": f"{row.closed:,.1f}",
        }
        for row in margins.itertuples()
    ] or [dict.fromkeys(["Margin", "Respondents", "Frame", "Before raking", "After raking", "Of which closed"], NONE)]
    return Table(
        "tbl-weighting-margins",
        caption("Margins of the frame before and after raking, in agencies", synthetic),
        pd.DataFrame(shown),
        margins,
        survey.source(synthetic),
        "Sums of weights over respondents and closed agencies, which the frame counts too. The closed ones then drop out.",
        widths=(36, 12, 10, 14, 14, 14),
    )


def balance_table(balance: pd.DataFrame, raking: list[str], synthetic: bool) -> Table:
    """Standardised differences from the frame; raking : margins of the weights."""
    free = [label.lower() for label in _not_raked(raking)]
    out = f"No part in the raking: {joined(free)}. " if free else ""
    shown = [
        {
            "Agencies": f"{row.breakdown}: {row.group}",
            "Frame, percent": _percent(row.frame),
            "Unweighted": _percent(row.unweighted),
            "Weighted": _percent(row.weighted),
            "Difference, unweighted": _signed(row.unweighted_difference),
            "Difference, sampling weights": _signed(row.sampling_difference),
            "Difference, final weights": _signed(row.weighted_difference),
        }
        for row in balance.itertuples()
    ]
    return Table(
        "tbl-weighting-balance",
        caption("Respondents against the frame: shares and standardized differences", synthetic),
        pd.DataFrame(shown),
        balance,
        survey.source(synthetic),
        "Standardized difference: share of the respondents less that of the frame, over the standard deviation of the "
        f"indicator in the frame. {out}The frame still holds closed agencies.",
        widths=(36, 10, 12, 10, 14, 14, 14),
    )


def response_table(response: section.Representativity, synthetic: bool) -> Table:
    """Representativity of the response: R-indicator and the parts of its variables."""
    lines = [
        ("R-indicator", response.indicator),
        ("Standard deviation of the propensities", response.deviation),
        ("Mean propensity", response.mean),
        ("Largest standardized bias", response.bias),
    ]
    lines += [(f"Between categories: {row.breakdown.lower()}", row.partial) for row in response.partial.itertuples()]
    data = pd.DataFrame(lines, columns=["indicator", "value"])
    return Table(
        "tbl-weighting-response",
        caption("Representativity of the response to Part I", synthetic),
        pd.DataFrame({"Indicator": data["indicator"], "Value": [f"{value:.3f}" for value in data["value"]]}),
        data,
        survey.source(synthetic),
        f"n = {_count(response.n)} mailed agencies known to be in operation. R-indicator: one less twice the standard deviation of "
        "the estimated response propensities [@schouten2009]; one where all propensities are alike. Largest standardized bias: "
        "their standard deviation over their mean, a bound for the bias of an unweighted mean, in standard deviations of its "
        "variable, so far as the model's variables explain response. Between categories: unconditional partial indicator. "
        "Model: logistic, on type, size and its square, region, location and task-force partnership.",
        widths=(60, 12),
    )


def trimming_table(trimming: pd.DataFrame, steps: pd.DataFrame, synthetic: bool) -> Table:
    """What caps would do."""
    shown = [
        {
            "Cap, times the median": f"{row.cap:g}",
            "Weights cut": _count(row.trimmed),
            "Weight moved, percent": _percent(row.share),
            "Design effect": _number(row.design_effect, 3),
            "Largest change, points": _percent(row.points, 2),
            "In standard errors": _number(row.errors, 2),
        }
        for row in trimming.itertuples()
    ]
    return Table(
        "tbl-weighting-trimming",
        caption("What trimming would do: caps on the weights before raking", synthetic),
        pd.DataFrame(shown),
        trimming,
        survey.source(synthetic),
        "Cap: a multiple of the median weight of agency type by certainty. What is cut goes to the other agencies of the group in "
        "proportion to their weights, and the margins are raked again. Changes: the largest among the headline shares.",
        widths=(14, 12, 14, 12, 16, 14),
    )


def _cell(row, kind: str) -> str:
    value, se = getattr(row, kind), getattr(row, f"{kind}_se")
    return _protected(row, f"{_count(value)} ({_count(se)})" if row.total else f"{_percent(value)} ({_percent(se, 2)})")


def methods_table(methods: pd.DataFrame, synthetic: bool) -> Table:
    """Headline estimates by method of weighting."""
    shown = [
        {"Estimate": row.name, "n": _count(row.n)}
        | {name: NONE if row.total and kind == "unweighted" else _cell(row, kind) for kind, name in METHODS.items()}
        for row in methods.itertuples(index=False)
    ]
    return Table(
        "tbl-weighting-methods",
        caption("Headline estimates by method of weighting, percent with standard errors", synthetic),
        pd.DataFrame(shown),
        methods,
        survey.source(synthetic),
        "Standard errors in parentheses, linearized, with the strata of the weighting classes in every column. Both methods "
        "take the same steps before and after the adjustment for non-response. The number of agencies has no unweighted estimate; those that left the question on cases out count as without one.",
        marks=marks.PROTECTED,
        widths=(44, 8, 16, 18, 18),
    )


def effects_table(errors: pd.DataFrame, synthetic: bool) -> Table:
    """Design effects of the headline estimates."""
    shown = [
        {
            "Estimate": row.name,
            "n": _count(row.n),
            "Value": _protected(row, _count(row.value) if row.total else _percent(row.value)),
            "Standard error": _protected(row, _count(row.linearised) if row.total else _percent(row.linearised, 2)),
            "Design effect": f"{row.effect:.2f}",
            "Of unequal weights": f"{row.kish:.2f}",
        }
        for row in errors.itertuples()
    ]
    return Table(
        "tbl-weighting-effects",
        caption("Design effects of headline estimates", synthetic),
        pd.DataFrame(shown),
        errors,
        survey.source(synthetic),
        "Shares in percent. Design effect: variance over that of a simple random sample of as many agencies, without replacement. Of "
        "unequal weights: Kish's, over the same agencies; it knows nothing of strata, sampling fractions and raking.",
        marks=marks.PROTECTED,
        widths=(46, 8, 10, 14, 14, 16),
    )


def errors_table(errors: pd.DataFrame, draws: int, synthetic: bool) -> Table:
    """Standard errors by method."""

    def cell(row, kind: str) -> str:
        value = getattr(row, kind)
        return _protected(row, f"{value:,.1f}" if row.total else _percent(value, 3))

    columns = {
        "linearised": "Linearized",
        "ignored": "Raking ignored",
        "bootstrap": "Bootstrap",
        "jackknife": "Jackknife",
    }
    shown = [
        {"Estimate": row.name} | {name: cell(row, kind) for kind, name in columns.items()}
        for row in errors.itertuples()
    ]
    return Table(
        "tbl-weighting-errors",
        caption("Standard errors of headline estimates, linearized and by replicates", synthetic),
        pd.DataFrame(shown),
        errors,
        survey.source(synthetic),
        "In percentage points; agencies in the last row. Linearized: residuals from the raking's margins [@deville1992]. Bootstrap: "
        f"rescaled, {draws} replicates [@raowu1988]. Jackknife: one respondent left out of its class in turn [@wolter2007]. "
        "Both repeat the adjustment for non-response and the raking in every replicate.",
        marks=marks.PROTECTED,
        widths=(46, 13, 14, 13, 13),
    )


def classes_table(classes: dict[str, pd.DataFrame], followed: dict[str, dict], synthetic: bool) -> Table:
    """Second-phase factors by response class; followed : what each part's returns add up to."""
    shown, data = [], []
    for name, table in classes.items():
        part = {"part2": "Part II", "part3": "Part III"}[name]
        data.append(table.assign(part=part))
        shown.append(
            {
                "Agencies asked": f"**{part}**",
                "Asked": _count(followed[name]["asked"]),
                "Returned": _count(followed[name]["returned"]),
                "Percent": _percent(followed[name]["rate"]),
                "Factor": NONE,
            }
        )
        shown += [
            {
                "Agencies asked": f"{row.group}, {_classes(row.first + 1, row.last + 1).lower()}",
                "Asked": marks.D if np.isnan(row.asked) else _count(row.asked),
                "Returned": _protected(row, _count(row.returned)),
                "Percent": _protected(row, _percent(row.returned / row.asked)),
                "Factor": _protected(row, _number(row.factor, 3)),
            }
            for row in table.itertuples()
        ]
    return Table(
        "tbl-weighting-parts",
        caption("Returns of Parts II and III by response class, and the second phase's factor", synthetic),
        pd.DataFrame(shown),
        pd.concat(data, ignore_index=True),
        survey.source(synthetic, weighted=False),
        "Asked: Part I respondents with a case. Factor: agencies asked over agencies that returned the part; it multiplies the "
        "weight of Part I.",
        marks=marks.PROTECTED,
        widths=(48, 9, 10, 10, 10),
    )


def phases_table(phases: pd.DataFrame, synthetic: bool) -> Table:
    """Part II: variance by phase."""
    shown = [
        {
            "Share of agencies with a case": row.name,
            "n": _count(row.n),
            "Percent": _protected(row, _percent(row.value)),
            "Standard error": _protected(row, _percent(row.se, 2)),
            "First phase, percent": _protected(row, _percent(row.first / (row.first + row.second))),
            "Second phase, percent": _protected(row, _percent(row.second / (row.first + row.second))),
            "Error by one phase": _protected(row, _percent(row.plain, 2)),
        }
        for row in phases.itertuples()
    ]
    return Table(
        "tbl-weighting-phases",
        caption("Part II: variance by phase", synthetic),
        pd.DataFrame(shown),
        phases,
        survey.source(synthetic),
        "First and second phase: parts of the variance [@sarndal1992]. Error by one phase: of a design that takes the "
        "respondents of Part II as drawn in the classes of Part I, without the raking.",
        marks=marks.PROTECTED,
        widths=(36, 8, 10, 12, 14, 14, 12),
    )


def cases_table(cases: pd.DataFrame, synthetic: bool) -> Table:
    """Part III: shares of the described cases and of all."""
    shown = [
        {
            "Share": row.name,
            "Of": {"described": "described cases", "all": "all cases"}[row.population],
            "Cases": _count(row.n),
            "Agencies": _count(row.agencies),
            "Percent": _protected(row, _percent(row.value)),
            "Standard error": _protected(row, _percent(row.se, 2)),
            "As if drawn singly": _protected(row, _percent(row.single, 2)),
        }
        for row in cases.itertuples()
    ]
    return Table(
        "tbl-weighting-cases",
        caption("Cases: estimates for the described cases and for all, and their errors", synthetic),
        pd.DataFrame(shown),
        cases,
        survey.source(synthetic),
        "Described cases: weight of the agency. All cases: times the agency's number of cases over those described. Standard "
        "error: agencies as clusters, variances of both phases. As if drawn singly: cases as units of their own.",
        marks=marks.PROTECTED,
        left=("Of",),
        widths=(36, 16, 8, 10, 9, 12, 12),
    )


# ---- figures -------------------------------------------------------------------------------------------------------


def steps_figure(quantiles: pd.DataFrame, synthetic: bool) -> figures.Figure:
    """Distribution of the weights by step, certainties and others."""

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 3.1), layout="constrained")
        axes = canvas.subplots(1, data["group"].nunique(), sharey=True, squeeze=False)[0]
        for axis, (name, part), color in zip(axes, data.groupby("group"), figures.PALETTE, strict=False):
            at = -np.arange(len(part))
            axis.hlines(at, part["least"], part["greatest"], color=color, linewidth=1.2)
            axis.hlines(at, part["q1"], part["q3"], color=color, linewidth=6, alpha=0.55)
            axis.plot(part["median"], at, "o", color=figures.INK, markersize=4.4)
            axis.set_yticks(at, [section.STEP_NAMES[step] for step in part["step"]])
            axis.set_title(name)
            axis.set_xscale("log")
            low, high = part["least"].min(), part["greatest"].max()
            ticks = [tick for tick in (1, 1.5, 2, 5, 10, 20, 50, 100) if low * 0.95 <= tick <= high * 1.05]
            axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.minorticks_off()
            axis.set_xlabel("Weight (logarithmic scale)")
            axis.grid(axis="y", visible=False)
        return canvas

    last = quantiles[quantiles["step"] == quantiles["step"].iloc[-1]]
    alt = "Weights after each step on a logarithmic scale, with range, quartiles and median. " + " ".join(
        f"{row.group}, final weights: {row.least:.2f} to {row.greatest:.2f}, median {row.median:.2f}."
        for row in last.itertuples()
    )
    counts = "; ".join(f"{row.group.lower()} {_count(row.n)}" for row in last.itertuples())
    return figures.Figure(
        "fig-weighting-steps",
        caption("Weights of the respondents after each step: range, quartiles and median", synthetic),
        alt,
        quantiles,
        survey.source(synthetic, weighted=False),
        draw,
        f"n: {counts} respondents. The scales differ.",
    )


def balance_figure(balance: pd.DataFrame, synthetic: bool) -> figures.Figure:
    """Standardised differences before and after weighting."""

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 4.6), layout="constrained")
        axis = canvas.subplots()
        step = (data["breakdown"] != data["breakdown"].shift()).cumsum() - 1
        at = -(np.arange(len(data)) + 0.6 * step.to_numpy())
        axis.axvline(0, color=figures.INK, linewidth=0.9)
        axis.hlines(at, data["unweighted_difference"], data["weighted_difference"], color="#C9D3DC", linewidth=1.4)
        for k, (kind, name) in enumerate((("unweighted", "Unweighted"), ("weighted", "Final weights"))):
            axis.plot(
                data[f"{kind}_difference"],
                at,
                figures.MARKERS[k],
                color=figures.PALETTE[k],
                markersize=4.8,
                linestyle="none",
                label=name,
            )
        axis.set_yticks(at, data["breakdown"] + ": " + data["group"].astype(str))
        axis.set_xlabel("Standardized difference from the frame")
        axis.grid(axis="y", visible=False)
        canvas.legend(loc="outside upper center", ncols=2, fontsize=8.5)
        return canvas

    worst = balance.loc[balance["unweighted_difference"].abs().idxmax()]
    alt = (
        "Standardized differences of respondents from the frame. Unweighted they run from "
        f"{_signed(balance['unweighted_difference'].min())} to {_signed(balance['unweighted_difference'].max())}, the largest for "
        f"{worst['breakdown'].lower()} {worst['group']}; with final weights from "
        f"{_signed(balance['weighted_difference'].min())} to {_signed(balance['weighted_difference'].max())}."
    )
    return figures.Figure(
        "fig-weighting-balance",
        caption("Respondents against the frame before and after weighting", synthetic),
        alt,
        balance,
        survey.source(synthetic),
        draw,
        "Unweighted differences are large by design, since large agencies were drawn at higher rates.",
    )


def errors_figure(errors: pd.DataFrame, draws: int, synthetic: bool) -> figures.Figure:
    """Replicate errors over linearised ones."""
    kinds = {"bootstrap": "Bootstrap", "jackknife": "Jackknife", "ignored": "Linearized, raking ignored"}
    data = errors[["key", "name", "linearised", *kinds]].copy()
    for kind in kinds:
        data[f"{kind}_ratio"] = data[kind] / data["linearised"]

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 3.0), layout="constrained")
        axis = canvas.subplots()
        at = -np.arange(len(data))
        axis.axvline(1, color=figures.INK, linewidth=0.9)
        for k, (kind, name) in enumerate(kinds.items()):
            axis.plot(
                data[f"{kind}_ratio"],
                at + (1 - k) * 0.2,
                figures.MARKERS[k],
                color=figures.PALETTE[k],
                markersize=5,
                linestyle="none",
                label=name,
            )
        axis.set_yticks(at, data["name"])
        axis.set_xlabel("Standard error over the linearized one")
        axis.grid(axis="y", visible=False)
        canvas.legend(loc="outside upper center", ncols=3, fontsize=8.5)
        return canvas

    alt = "Ratios of standard errors to the linearized one. " + " ".join(
        f"{name}: {data[f'{kind}_ratio'].min():.2f} to {data[f'{kind}_ratio'].max():.2f}."
        for kind, name in kinds.items()
    )
    return figures.Figure(
        "fig-weighting-errors",
        caption("Standard errors by replicates over the linearized ones", synthetic),
        alt,
        data,
        survey.source(synthetic),
        draw,
        f"{draws} bootstrap replicates; a bootstrap error of that many is itself uncertain by about {100 / np.sqrt(2 * draws):.0f} percent.",
    )


# ---- wording -------------------------------------------------------------------------------------------------------


def _num(ident: str, field: str = "") -> str:
    return num(f"{PREFIX}.{ident}", field)


def findings(results: Results) -> str:
    """The appendix's opening findings."""
    gaps = results.balance[["unweighted_difference", "weighted_difference"]].abs().max()
    verb = "falls" if gaps.iloc[1] < gaps.iloc[0] else "does not fall"
    moved = _moved(results.methods)["errors"].max()
    method = "moves no headline share by more than" if moved < 1 else "matters: it moves a headline share by up to"
    return (
        f"The final weights of the {_num('respondents')} respondents have a Kish design effect of {_num('deff.raking')}, against "
        f"{_num('deff.base-weight')} of the sampling weights alone. With them the largest standardized difference between "
        f"respondents and frame {verb} from {_num('balance.unweighted')} to {_num('balance.weighted')}. Weighting by response "
        f"propensity instead of classes {method} {_num('methods.errors')} of its standard error; bootstrap and jackknife errors, "
        f"with the weighting repeated in every replicate, are {_num('bootstrap.low')} to {_num('bootstrap.high')} and "
        f"{_num('jackknife.low')} to {_num('jackknife.high')} times the linearized ones.\n"
    )


def steps_paragraph(steps: pd.DataFrame, record: dict) -> str:
    """What the steps cost."""
    effect = steps.set_index("step")["design_effect"]
    dear = effect.diff().idxmax()
    unknown = {
        "proportional": "Undeliverable forms hand their weight to the agencies of their class whose state is known.",
        "all": "Undeliverable forms count as agencies in operation that did not answer.",
        "none": "Undeliverable forms count as closed agencies.",
    }[record["unknown_eligibility"]]
    return (
        f"{unknown} Closed agencies are estimated at {_num('closed')} of the frame (standard error {_num('closed', 'se')}), which leaves "
        f"{_num('operating')} in operation. After the sampling weights, the step that costs most precision is "
        f"{section.STEP_NAMES[dear].lower()} (@tbl-weighting-steps); the final weights run from {_num('least')} to "
        f"{_num('greatest')} (@fig-weighting-steps).\n"
    )


def margins_paragraph(margins: pd.DataFrame, collapsed: pd.DataFrame) -> str:
    """Whether margins are met, and how far the factors reach."""
    joined = (
        f"Classes of Part I that had to be joined from smaller ones: {_num('collapsed.part1')} (@tbl-weighting-collapsed). "
        if (collapsed["part"] == "Part I").any()
        else "No weighting class of Part I had to be joined. "
    )
    if margins.empty:
        return joined + "The settings ask for no raking.\n"
    off = ((margins["after"] - margins["frame"]) / margins["frame"]).abs().max()
    met = "All margins are met" if off < 1e-9 else "Not all margins are met"
    return (
        f"{joined}Before raking, the weights miss a margin by up to {_num('margins.before')}. {met}: the largest relative difference "
        f"left is {_num('margins.off')} (@tbl-weighting-margins). The factors of raking lie between {_num('raking.least')} and "
        f"{_num('raking.greatest')}.\n"
    )


def _not_raked(raking: list[str]) -> list[str]:
    """Breakdowns of the frame that the weights do not meet by construction."""
    return [label for name, label in section.BREAKDOWNS.items() if name not in raking]


def balance_paragraph(balance: pd.DataFrame, raking: list[str]) -> str:
    """What is left of the differences, on what was not raked too; raking : margins of the weights."""
    free = _not_raked(raking)
    left = balance[balance["breakdown"].isin(free)]["weighted_difference"].abs().max()
    verdict = "agree with the frame there too" if left < SMALL else "still differ from the frame there"
    there = (
        f"{_sentence(free)} not raked on; the weighted respondents {verdict} (@fig-weighting-balance)."
        if free
        else "All of these were raked on, so that agreement is by construction (@fig-weighting-balance)."
    )
    return (
        f"On average over the groups of @tbl-weighting-balance the standardized difference is {_num('balance.unweighted.mean')} "
        f"without weights, {_num('balance.sampling.mean')} with sampling weights and {_num('balance.weighted.mean')} with final ones. "
        f"{there}\n"
    )


def _sentence(labels: list[str]) -> str:
    """'Location and task-force partner were', of labels."""
    words = [label[0].lower() + label[1:] for label in labels]
    listed = joined(words)
    return f"{listed[0].upper()}{listed[1:]} {'was' if len(words) == 1 else 'were'}"


def response_paragraph(response: section.Representativity) -> str:
    """R-indicator and the variable that matters most."""
    top = response.partial.loc[response.partial["partial"].idxmax(), "breakdown"].lower()
    return (
        f"The R-indicator is {_num('r-indicator')}: the estimated response propensities, {_num('propensity.mean')} on average, have a "
        f"standard deviation of {_num('propensity.deviation')} (@tbl-weighting-response). Of the variables that the frame knows, {top} "
        f"divides them most. An unweighted mean could be off by {_num('propensity.bias')} of its variable's standard deviation at most "
        "so far as these variables explain who answered; what they do not know of, no indicator from the frame can show.\n"
    )


def trimming_paragraph(trimming: pd.DataFrame, record: dict) -> str:
    """Whether weights are trimmed, and why."""
    used = (
        "The report does not trim. "
        if record["cap"] is None
        else "The report trims, as its settings ask, before it rakes. "
    )
    low = trimming.iloc[0]
    gain = "buys precision" if low["gain"] >= 0.05 else "buys little"
    return (
        f"{used}Trimming trades bias for variance [@potter1990] and pays where a few weights are large by accident. Here they are large by "
        f"design, in the strata drawn at the lowest rates: {_num('within')} of the variation of the weights lies within weighting "
        f"classes. A cap at twice the median would cut {_num('cap.2.trimmed')} weights and move {_num('cap.2.share')} of all weight to "
        f"agencies with smaller weights. {'The raking then takes that back in part, so the' if record['margins'] else 'The'} cap {gain}: the "
        f"design effect changes by "
        f"{_num('cap.2.gain')} (@tbl-weighting-trimming).\n"
    )


def methods_paragraph(methods: pd.DataFrame, method: str) -> str:
    """How far the alternative moves the headline estimates."""
    moved = _moved(methods)
    small = "small against sampling error" if moved["errors"].max() < 0.5 else "not small against sampling error"
    return (
        f"The report uses {METHODS[method].lower() if method == 'classes' else 'response propensity'}. The two methods differ by up to "
        f"{_num('methods.points')} on a headline share, {_num('methods.errors')} standard errors, which is {small} "
        "(@tbl-weighting-methods). Unweighted shares differ for another reason: large agencies were drawn at higher rates.\n"
    )


def errors_paragraph(errors: pd.DataFrame) -> str:
    """Agreement of replicate and linearised errors."""
    ratios = [errors[kind] / errors["linearised"] for kind in ("bootstrap", "jackknife")]
    apart = max(float((ratio - 1).abs().max()) for ratio in ratios)
    verdict = "agree with" if apart < 0.1 else "differ from"
    gain = "smaller" if (errors["ignored"] / errors["linearised"]).mean() > 1 else "no smaller"
    return (
        f"Design effects of the headline shares run from {_num('effect.least')} to {_num('effect.greatest')} (@tbl-weighting-effects). "
        f"Replicate errors {verdict} the linearized ones (@tbl-weighting-errors, @fig-weighting-errors). Errors that know of the raking are "
        f"on average {gain} than those that ignore it. The number of closed agencies is taken as known; to count its error too would "
        f"raise that of the estimated number of agencies with a case by {_num('closed.effect')}.\n"
    )


def parts_paragraph(results: Results) -> str:
    """Returns of Parts II and III, and what the second phase adds."""
    second = results.phases["second"] / (results.phases["first"] + results.phases["second"])
    size = "most" if second.max() > 0.5 else "the smaller part"
    return (
        f"Of {_num('part2.asked')} Part I respondents with a case {_num('part2.returned')} returned Part II ({_num('part2.rate')}, weighted "
        f"{_num('part2.rate.weighted')}), and {_num('part3.returned')} of {_num('part3.asked')} described cases in Part III "
        f"({_num('part3.rate')}). The factors of @tbl-weighting-parts run from {_num('part2.least')} to {_num('part2.greatest')} and from "
        f"{_num('part3.least')} to {_num('part3.greatest')}; the Kish design effect is {_num('part2.deff.first')} before and "
        f"{_num('part2.deff')} after this step among the respondents of Part II. The second phase brings {size} of the variance of the shares in "
        f"@tbl-weighting-phases, {_num('phases.networks')} for links to criminal networks.\n"
    )


def cases_paragraph(cases: pd.DataFrame) -> str:
    """Described cases against all, and clusters against two phases."""
    wide = cases.pivot(index="key", columns="population", values=["value", "se"])
    apart = ((wide[("value", "all")] - wide[("value", "described")]).abs() / wide[("se", "all")]).max()
    verdict = "less than two standard errors apart" if apart < 2 else "more than two standard errors apart on a share"
    wider = "raises" if (cases["se"] / cases["single"]).mean() > 1 else "does not raise"
    return (
        f"The two kinds of estimates in @tbl-weighting-cases are {verdict}. Counting agencies and not cases as the units "
        f"{wider} the errors on average: they are {_num('cases.ratio.low')} to {_num('cases.ratio.high')} times those of cases drawn "
        f"singly. Agencies that described cases but gave no number of cases: {_num('part3.unnumbered')}; their cases stand for themselves "
        "alone.\n"
    )
