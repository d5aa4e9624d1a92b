"""Chapter 10, after the report: everything the chapter shows, from the weighed waves that are there."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from agency_survey import figures, lemas, reproduction, tables
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import Numbers, slug
from agency_survey.sections import after_the_report as section
from agency_survey.sections import after_the_report_exhibits as show
from agency_survey.sections import after_the_report_text as text

RULE = "after_the_report"
PREFIX = "after-the-report"
CAPTIONS = {  # of what stays in place, saying why, when its wave is not there
    "tbl-lemas-answers-2020": "How agencies address human trafficking, 2020",
    "tbl-lemas-answers-2016": "How agencies address human trafficking, 2016",
    "tbl-lemas-change": "Change in how agencies address human trafficking, 2016 to 2020",
    "tbl-lemas-taskforce": "Agencies with an officer assigned to a human trafficking task force, 2007",
    "tbl-lemas-logit": "Logistic regression of having a unit or designated personnel, 2020",
    "tbl-lemas-weights": "Non-response adjustment of LEMAS 2020, recomputed",
    "tbl-lemas-reproduction": "Published LEMAS figures and their rebuilt values",
    "fig-lemas-answers": "How agencies address human trafficking, by population served, 2020",
    "fig-lemas-groups": "Agencies with a unit or designated personnel, and agencies that see no such problem, 2020",
    "fig-lemas-change": "How agencies address human trafficking, 2016 and 2020",
    "fig-lemas-logit": "Predicted probability of a unit or designated personnel, 2020",
    "fig-lemas-taskforce": "Agencies with an officer on a human trafficking task force, 2007",
}
NEEDS = {
    "tbl-lemas-answers-2020": {2020},
    "tbl-lemas-answers-2016": {2016},
    "tbl-lemas-change": {2016, 2020},
    "tbl-lemas-taskforce": {2007},
    "tbl-lemas-logit": {2020},
    "tbl-lemas-weights": {2020},
    "tbl-lemas-reproduction": set(),
    "fig-lemas-answers": {2020},
    "fig-lemas-groups": {2020},
    "fig-lemas-change": {2016, 2020},
    "fig-lemas-logit": {2020},
    "fig-lemas-taskforce": {2007},
}


def chapter(
    weighed: dict[int, pd.DataFrame],
    register: dict[int, dict],
    status: dict[int, dict],
    counts: dict[int, dict],
    entries: list[dict],
    published: pd.DataFrame,
    settings: dict,
) -> Exhibits:
    """Exhibits of the chapter.

    weighed : weighed table by wave, for waves that are there; register, status, counts : by wave, all waves;
    entries, published : how published figures are rebuilt, and the figures; settings : confidence_level, reliability,
    folder (as shown to readers).
    """
    has = {wave for wave in register if status[wave]["state"] == "verified"}
    level, limits = settings["confidence_level"], settings["reliability"]
    numbers = Numbers(RULE)
    made: dict[str, tables.Table | figures.Figure] = {}
    survey = {wave: lemas.respondents(weighed[wave]) for wave in sorted(has)}
    shares, estimates = {}, {}
    for wave in sorted(has & {2016, 2020}):
        found, estimates[wave] = section.answers(*survey[wave], level)
        shares[wave] = tables.masked(found, limits)
        show.share_numbers(numbers, PREFIX, shares[wave], wave, level)
        ident = f"tbl-lemas-answers-{wave}"
        made[ident] = show.answers_table(shares[wave], wave, limits, level, show.source(register, wave), ident)
    change = None
    if {2016, 2020} <= has:
        line = show.source(register, 2016, 2020)
        change = _masked(section.changes(estimates[2016], estimates[2020], level), shares[2016], shares[2020])
        show.change_numbers(numbers, PREFIX, change, level)
        made["tbl-lemas-change"] = show.change_table(change, (2016, 2020), level, line)
        made["fig-lemas-change"] = show.change_figure(shares[2016], shares[2020], (2016, 2020), level, line)
    fit = None
    if 2020 in has:
        fit = _wave_2020(numbers, made, weighed[2020], survey[2020], shares[2020], level, show.source(register, 2020))
    if 2007 in has:
        _wave_2007(numbers, made, survey[2007], level, limits, show.source(register, 2007))
    compared = reproduction.compare(entries, published, weighed) if has else None
    if compared is not None:
        _reproduction(numbers, made, compared)
    for ident, needs in NEEDS.items():
        if ident not in made:
            lost = sorted(needs - has) or sorted(register)
            reason = f"Needs LEMAS {', '.join(map(str, lost))}, which this build does not have."
            kind = tables if ident.startswith("tbl") else figures
            made[ident] = kind.unavailable(ident, CAPTIONS[ident], reason, "register of external inputs.")
    first = show.data_table(register, status, counts)
    shown = {ident for ident, number in numbers.numbers.items() if number["value"] is not None}
    texts = {
        "missing": text.missing(register, status, settings["folder"]),
        "findings": text.findings(change, has, shown),
        "change": text.change_paragraph(change),
        "task-force": text.task_force_paragraph(has, _print_the_same(numbers, "all-agencies", "without-doubtful")),
        "model": text.model_paragraph(fit, has),
        "weights": text.weights_paragraph(has),
        "reproduction": text.reproduction_paragraph(compared),
        "headline": text.headline(has, shown),
    }
    return Exhibits(
        numbers,
        [first, *(made[ident] for ident in NEEDS if ident.startswith("tbl"))],
        [made[ident] for ident in NEEDS if ident.startswith("fig")],
        texts,
    )


def _masked(change: section.Change, before: pd.DataFrame, after: pd.DataFrame) -> section.Change:
    """The change without what rests on a share that may not be shown (shares as of ``tables.masked``)."""
    keys = ["domain", "answer"]
    hidden = [part.loc[part["share"].isna(), keys] for part in (before, after)]
    odd = change.table.set_index(keys).index.isin(pd.concat(hidden).set_index(keys).index)
    table = change.table.copy()
    table.loc[odd, [name for name in table if name not in keys]] = np.nan
    return section.Change(table, change.overall)


def _print_the_same(numbers: Numbers, *keys: str) -> bool:
    """Whether shares of 2007 have one printed form; false where they are not there."""
    found = [numbers.numbers.get(f"{PREFIX}.2007.task-force.{key}") for key in keys]
    return None not in found and len({number["text"]["value"] for number in found}) == 1


def _wave_2020(numbers, made, weighed, survey, found, level, line):
    share = found[(found["answer"] == section.UNIT_OR_PERSONNEL) & (found["breakdown"] == "Population served")]
    for key, row in (("lowest", share.iloc[0]), ("highest", share.iloc[-1])):
        numbers.add(
            f"{PREFIX}.2020.prepared.{key}-class",
            row["share"],
            format="percent1",
            label=f"{section.UNIT_OR_PERSONNEL}, 2020",
            unit="share of agencies",
            domain=row["domain"],
            estimator="weighted share, linearized variance, logit interval",
            se=row["se"],
            interval=(row["low"], row["high"]),
            level=level,
            n=row["n"],
        )
    difference = lemas.factor_difference(weighed)
    numbers.add(
        f"{PREFIX}.weights.largest-difference",
        difference,
        format="scientific",
        label="Largest difference of the recomputed from the distributed non-response factor",
        unit="factor",
        domain="LEMAS 2020, sampled agencies",
        estimator="maximum",
        n=len(weighed),
    )
    made["tbl-lemas-weights"] = show.weights_table(section.weights_by_stratum(weighed), difference, line)
    made["fig-lemas-answers"] = show.answers_figure(found, 2020, level, line)
    made["fig-lemas-groups"] = show.groups_figure(found, 2020, level, line)
    fit = section.preparation_model(*survey)
    made["tbl-lemas-logit"] = show.model_table(fit, level, line)
    made["fig-lemas-logit"] = show.model_figure(section.predicted(fit, level), fit, level, line)
    rows = fit.table(level).set_index("term")
    for key, term in (("population", "log2_population"), ("sheriff", "sheriff")):
        row = rows.loc[term]
        ratio = math.exp(row["coefficient"])
        numbers.add(
            f"{PREFIX}.logit.{key}",
            ratio,
            format="number2",
            label=f"Odds ratio: {section.MODEL_TERMS[term]}",
            unit="odds ratio",
            domain="local police and sheriffs' offices, 2020",
            estimator="weighted logistic regression, linearized variance",
            se=ratio * row["se"],
            interval=(math.exp(row["low"]), math.exp(row["high"])),
            level=level,
            n=fit.n,
        )
    return fit


def _wave_2007(numbers, made, survey, level, limits, line):
    found = tables.masked(section.task_force(*survey, level), limits)
    made["tbl-lemas-taskforce"] = show.task_force_table(found, limits, level, line)
    made["fig-lemas-taskforce"] = show.task_force_figure(found, level, line)
    for row in found.itertuples():
        numbers.add(
            f"{PREFIX}.2007.task-force.{slug(row.domain)}",
            row.share,
            format="percent1",
            label="Agencies with an officer on a human trafficking task force, 2007",
            unit="share of agencies",
            domain=row.domain,
            estimator="weighted share, linearized variance, logit interval",
            se=row.se,
            interval=(row.low, row.high),
            level=level,
            n=row.n,
        )
    without, doubtful = section.task_force_without_doubtful(*survey)
    common = {"domain": "All agencies", "estimator": "weighted share"}
    numbers.add(
        f"{PREFIX}.2007.task-force.without-doubtful",
        without,
        format="percent1",
        label="The same with counts of 8 and 9 read as missing",
        unit="share of agencies",
        **common,
    )
    numbers.add(
        f"{PREFIX}.2007.task-force.doubtful",
        doubtful,
        format="count",
        label="Agencies whose count of officers is 8 or 9",
        unit="agencies",
        domain="All agencies",
        estimator="count",
    )


def _reproduction(numbers, made, compared):
    made["tbl-lemas-reproduction"] = show.reproduction_table(compared)
    agree = compared["agrees"]
    worst = float(compared.loc[agree, "in_units"].max()) if agree.any() else np.nan
    for key, value, style, label in (
        ("figures", len(compared), "count", "Published figures compared"),
        ("agree", int(agree.sum()), "count", "Figures that agree to the printed digits"),
        ("disagree", int((~agree).sum()), "count", "Figures that do not"),
        ("worst", worst, "number2", "Largest difference among those that agree, in printed units"),
    ):
        numbers.add(
            f"{PREFIX}.reproduction.{key}",
            value,
            format=style,
            label=label,
            unit="printed units" if key == "worst" else "figures",
            domain="published LEMAS figures",
            estimator="count" if style == "count" else "maximum",
        )
