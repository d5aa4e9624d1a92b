"""Chapter 10, after the report: its tables, figures, numbers and the wording that follows the results."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey import figures, ledger, lemas, marks, tables
from agency_survey.sections import after_the_report as section
from agency_survey.tables import Table, percent_cell

SHORT = {
    lemas.ANSWERS[0]: "Full-time unit",
    lemas.ANSWERS[1]: "Designated personnel",
    lemas.ANSWERS[2]: "Addressed, none designated",
    lemas.ANSWERS[3]: "Not formally addressed",
    lemas.ANSWERS[4]: "No such problem",
}
SOURCE = "Bureau of Justice Statistics, LEMAS {waves} (real microdata, {studies}); weighted"


def source(register: dict[int, dict], *waves: int) -> str:
    """Source line naming the waves and their study numbers."""
    studies = ", ".join(register[wave]["study"] for wave in waves)
    years = " and ".join([", ".join(str(w) for w in waves[:-1]), str(waves[-1])]) if waves[1:] else str(waves[0])
    return SOURCE.format(waves=years, studies=studies) + "."


# -- tables ----------------------------------------------------------------------------------------------------------


def data_table(register: dict[int, dict], status: dict[int, dict], counts: dict[int, dict]) -> Table:
    """Which waves this build had, with study number, records, misfits and the weights used."""
    used = {
        2007: "distributed, page 1 (and page 2)",
        2016: "distributed",
        2020: "base weight × recomputed non-response factor",
    }
    rows = []
    for wave, entry in register.items():
        state = status[wave]
        there = state["state"] == "verified"
        rows.append(
            {
                "Wave": str(wave),
                "Study": entry["study"],
                "File": {"verified": "verified by digest", "missing": "missing", "altered": "altered"}[state["state"]],
                "Records": ledger.format_value(counts[wave]["records"], "count") if there else "\N{EN DASH}",
                "Respondents": ledger.format_value(counts[wave]["respondents"], "count") if there else "\N{EN DASH}",
                "Values outside the codebook": ledger.format_value(counts[wave]["misfits"], "count")
                if there
                else "\N{EN DASH}",
                "Weights": used[wave],
            }
        )
    shown = pd.DataFrame(rows)
    return Table(
        "tbl-lemas-data",
        "LEMAS waves (real records) available to this build",
        shown,
        shown,
        "register of external inputs (config/external.yaml) and the build's own check of each file's SHA-256 digest.",
        "Records are agencies in the distributed file: the whole sample in 2020, respondents in the other waves. "
        "Values outside the codebook are read as missing and listed by row and variable in results/ingest_lemas.",
        left=("Study", "File", "Weights"),
        widths=(6, 11, 12, 9, 13, 13, 22),
    )


def answers_table(found: pd.DataFrame, wave: int, limits: dict, level: float, line: str, ident: str) -> Table:
    """Share by answer (rows: domains), with logit intervals."""
    shown = []
    for (breakdown, name), part in found.groupby(["breakdown", "domain"], sort=False, observed=True):
        part = part.set_index("answer")
        cells = {
            SHORT[a]: percent_cell(*part.loc[a, ["share", "se", "low", "high", "n"]], limits) for a in lemas.ANSWERS
        }
        label = f"**{name}**" if breakdown == name else name
        shown.append({"Agencies": label, "n": f"{int(part['n'].iloc[0]):,}", **cells})
    return Table(
        ident,
        f"How agencies address human trafficking, {wave}: percent of agencies, with {ledger.level_text(level)} interval",
        pd.DataFrame(shown),
        found,
        line,
        "n: respondents with an answer, unweighted. State agencies are in no population class; the waves measure the "
        "population served in different ways, above all for sheriffs' offices, so their classes are not to be compared. "
        "No interval: no respondent of the group gave the answer (or all did), which leaves no variance to estimate, or "
        "the sample is a full count of the group, in which only unanswered questions leave doubt. ",
        widths=(20, 6, 17, 17, 17, 17, 17),
        marks=marks.explained(limits),
    )


def change_table(change: section.Change, waves: tuple[int, int], level: float, line: str) -> Table:
    """Change between two waves for all agencies and by type, with tests."""
    kept = change.table[change.table["domain"].isin(["All agencies", *lemas.TYPES[:2]])]
    shown = [
        {
            "Agencies": row.domain,
            "Answer": row.answer,
            f"{waves[0]}, percent": f"{100 * row.before:.1f}",
            f"{waves[1]}, percent": f"{100 * row.after:.1f}",
            "Change, points": _signed(row.change),
            f"{ledger.level_text(level)} interval": f"{_signed(row.low)}{tables.TO}{_signed(row.high)}",
            "t": _signed(row.t / 100, 2) if np.isfinite(row.t) else "\N{EN DASH}",
            "p": _p(row.p),
        }
        for row in kept.itertuples()
    ]
    test = change.overall
    note = (
        f"All agencies, five answers together: Wald F({test.df:.0f}, {test.df_residual:,.0f}) = {test.statistic:.1f}, "
        f"p {_p_text(test.p)}. The two surveys are treated as independent samples; both take the largest agencies with "
        "certainty, so the true standard errors of change are, if anything, smaller. State agencies, all in both samples, are "
        "left out: they have next to no sampling error, and a test would say nothing."
    )
    return Table(
        "tbl-lemas-change",
        f"Change in how agencies address human trafficking, {waves[0]} to {waves[1]}",
        pd.DataFrame(shown),
        change.table,
        line,
        note,
        left=("Answer",),
        widths=(15, 27, 10, 10, 10, 17, 8, 9),
    )


def task_force_table(found: pd.DataFrame, limits: dict, level: float, line: str) -> Table:
    """2007: agencies with officers on a human trafficking task force, by domain."""
    shown = pd.DataFrame(
        [
            {
                "Agencies": f"**{row.domain}**" if row.breakdown == row.domain else row.domain,
                "n": f"{row.n:,}",
                f"Percent ({ledger.level_text(level)} interval)": percent_cell(
                    row.share, row.se, row.low, row.high, row.n, limits
                ),
                "Standard error, points": "\N{EN DASH}"
                if tables.reliability(row.share, row.se, row.n, limits) == "hidden"
                else f"{100 * row.se:.2f}",
            }
            for row in found.itertuples()
        ]
    )
    return Table(
        "tbl-lemas-taskforce",
        "Agencies with an officer assigned to a human trafficking task force, full or part time, 2007",
        shown,
        found,
        line,
        "n: respondents, unweighted; page 1 weights.",
        marks=marks.explained(limits),
    )


def model_table(fit, level: float, line: str) -> Table:
    """The logit of having a unit or designated personnel."""
    data = fit.table(level)
    data["odds_ratio"], data["or_low"], data["or_high"] = (np.exp(data[c]) for c in ("coefficient", "low", "high"))
    shown = pd.DataFrame(
        [
            {
                "Term": section.MODEL_TERMS[row.term],
                "Coefficient": _number(row.coefficient, 3),
                "Standard error": _number(row.se, 3),
                f"Odds ratio ({ledger.level_text(level)} interval)": "\N{EN DASH}"
                if row.term == "intercept"
                else f"{row.odds_ratio:.2f} ({row.or_low:.2f}{tables.DASH}{row.or_high:.2f})",
                "t": _number(row.t, 2),
                "p": _p(row.p),
            }
            for row in data.itertuples()
        ]
    )
    return Table(
        "tbl-lemas-logit",
        "Logistic regression of having a unit or designated personnel for human trafficking, 2020",
        shown,
        data,
        line,
        f"n = {fit.n:,} local police departments and sheriffs' offices with an answer and a known population; state "
        f"agencies have no population in the file. Weighted, standard errors linearized; {fit.df:,} degrees of freedom.",
    )


def weights_table(found: pd.DataFrame, difference: float, line: str) -> Table:
    """2020: recomputed and distributed non-response factor by stratum."""
    shown = pd.DataFrame(
        [
            {
                "Stratum": f"{row.agency_type}, {row.stratum}",
                "Sampled": f"{row.sampled:,}",
                "Eligible": f"{row.eligible:,}",
                "Respondents": f"{row.respondents:,}",
                "Base weight": f"{row.base_weight:.4f}",
                "Factor, recomputed": f"{row.factor:.5f}",
                "Factor, distributed": f"{row.distributed_factor:.5f}",
                "Final weight": f"{row.weight:.4f}",
            }
            for row in found.itertuples()
        ]
    )
    return Table(
        "tbl-lemas-weights",
        "Non-response adjustment of LEMAS 2020, recomputed from the sampled file",
        shown,
        found,
        line,
        "Factor: base weight of eligible agencies over base weight of respondents, by stratum. Largest difference from "
        f"the distributed factor over all agencies: {ledger.format_value(difference, 'scientific')}. The sum of final "
        "weights of a stratum is its population size in variances.",
        widths=(22, 9, 9, 10, 9, 12, 12, 9),
    )


def reproduction_table(compared: pd.DataFrame) -> Table:
    """Every published figure beside the rebuilt one."""
    shown = pd.DataFrame(
        [
            {
                "Wave": str(row.wave),
                "Figure": row.quantity + {"estimate": ""}.get(row.measure, f", {row.measure}"),
                "Published": f"{row.published:,.{row.digits}f}",
                "Rebuilt": f"{row.rebuilt:,.{row.digits + 2}f}",
                "Difference, last digit": f"{row.in_units:.2f}",
                "Agrees": "yes" if row.agrees else "no",
                "Source": row.source,
            }
            for row in compared.itertuples()
        ]
    )
    notes = (
        "Difference: in units of the last digit printed. Agrees: the difference is at most half such a unit. FTE: "
        "full-time equivalent."
    )
    for row in compared[compared["why"] != ""].drop_duplicates(["wave", "quantity", "why"]).itertuples():
        notes += f" {row.quantity}, {row.wave}: {row.why}"
    return Table(
        "tbl-lemas-reproduction",
        "Published LEMAS figures and their rebuilt values",
        shown,
        compared,
        "published figures as named in the last column; rebuilt values from the real LEMAS microdata of each wave.",
        notes,
        left=("Figure", "Agrees", "Source"),
        widths=(6, 30, 10, 12, 10, 7, 27),
    )


# -- figures ---------------------------------------------------------------------------------------------------------


def answers_figure(found: pd.DataFrame, wave: int, level: float, line: str) -> figures.Figure:
    """Small multiples: one panel an answer, population classes on the vertical axis, intervals."""
    data = found[(found["breakdown"] == "Population served") & found["answer"].isin(lemas.ANSWERS)]
    data = data.reset_index(drop=True)

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        classes = list(dict.fromkeys(data["domain"]))[::-1]
        canvas = Canvas(figsize=(figures.WIDTH, 3.3), layout="constrained")
        axes = canvas.subplots(1, 5, sharey=True)
        for axis, answer in zip(axes, lemas.ANSWERS, strict=True):
            part = data[data["answer"] == answer].set_index("domain").loc[classes]
            figures.intervals(axis, part, range(len(classes)), figures.PALETTE[0], "o")
            axis.set_title(_wrapped(SHORT[answer], 12), fontsize=8)
            axis.set_xlim(-4, 80)
            axis.set_xticks([0, 25, 50, 75])
            axis.grid(axis="y", visible=False)
        axes[0].set_yticks(range(len(classes)), classes)
        axes[0].set_ylabel("Population served")
        canvas.supxlabel("Percent of agencies", fontsize=9)
        return canvas

    at = data.set_index(["answer", "domain"])["share"]
    first, last = data["domain"].iloc[0], list(dict.fromkeys(data["domain"]))[-1]
    alt = (
        f"Five panels of points with {ledger.level_text(level)} intervals, one for each answer in {wave}, over seven classes of "
        f"population served. From {first} to {last}: "
        + "; ".join(
            f"{SHORT[a].lower()} goes from {_percent(at[a, first])} to {_percent(at[a, last])}" for a in lemas.ANSWERS
        )
        + "."
    )
    return figures.Figure(
        "fig-lemas-answers",
        f"How agencies address human trafficking, by population served, {wave}",
        alt,
        data,
        line,
        draw,
        f"n = {int(data.drop_duplicates('domain')['n'].sum()):,} local police departments and sheriffs' offices. Bars: "
        f"{ledger.level_text(level)} logit intervals; shares too uncertain to be shown are not drawn.",
    )


def groups_figure(found: pd.DataFrame, wave: int, level: float, line: str) -> figures.Figure:
    """Unit or designated personnel, and no such problem, by agency type and region."""
    answers = [section.UNIT_OR_PERSONNEL, lemas.ANSWERS[4]]
    keep = found["breakdown"].isin(["All agencies", "Agency type", "Region"]) & found["answer"].isin(answers)
    data = found[keep].reset_index(drop=True)

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        names = list(dict.fromkeys(data["domain"]))[::-1]
        spots = {name: k + 0.6 * (k >= 4) + 0.6 * (k >= 7) for k, name in enumerate(names)}
        canvas = Canvas(figsize=(figures.WIDTH, 2.9), layout="constrained")
        axes = canvas.subplots(1, 2, sharey=True)
        for axis, answer, color, marker in zip(axes, answers, figures.PALETTE, figures.MARKERS, strict=False):
            part = data[data["answer"] == answer]
            figures.intervals(axis, part, [spots[name] for name in part["domain"]], color, marker)
            axis.set_title(answer)
            axis.set_xlim(-2, 70)
            axis.grid(axis="y", visible=False)
            axis.set_xlabel("Percent of agencies")
        axes[0].set_yticks(list(spots.values()), list(spots))
        return canvas

    at = data.set_index(["answer", "domain"])["share"]
    alt = (
        f"Two panels of points with {ledger.level_text(level)} intervals for {wave}, by agency type and region. "
        + " ".join(
            f"{answer}: "
            + ", ".join(f"{name} {_percent(at[answer, name])}" for name in dict.fromkeys(data["domain"]))
            + "."
            for answer in answers
        )
    )
    return figures.Figure(
        "fig-lemas-groups",
        f"Agencies with a unit or designated personnel, and agencies that see no such problem, by type and region, {wave}",
        alt,
        data,
        line,
        draw,
        f"n = {int(data['n'].iloc[0]):,} agencies. Bars: {ledger.level_text(level)} logit intervals.",
    )


def change_figure(
    first: pd.DataFrame, second: pd.DataFrame, waves: tuple[int, int], level: float, line: str
) -> figures.Figure:
    """All agencies: each answer in two waves, with intervals."""
    parts = [
        f[(f["domain"] == "All agencies") & f["answer"].isin(lemas.ANSWERS)].assign(wave=w)
        for f, w in zip((first, second), waves, strict=True)
    ]
    data = pd.concat(parts, ignore_index=True)

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 2.7), layout="constrained")
        axis = canvas.subplots()
        base = np.arange(len(lemas.ANSWERS))[::-1]
        for wave, shift, color, marker in zip(waves, (0.16, -0.16), figures.PALETTE, figures.MARKERS, strict=False):
            part = data[data["wave"] == wave]
            figures.intervals(axis, part, base + shift, color, marker)
            top = part[part["answer"] == lemas.ANSWERS[4]].iloc[0]
            if not np.isfinite(top["high"]):
                continue
            axis.annotate(
                str(wave),
                (100 * top["high"], base[4] + shift),
                xytext=(6, 0),
                textcoords="offset points",
                color=color,
                va="center",
                fontweight="bold",
            )
        axis.set_yticks(base, [SHORT[a] for a in lemas.ANSWERS])
        axis.set_xlim(0, 55)
        axis.set_ylim(-0.5, len(base) - 0.5)
        axis.set_xlabel("Percent of agencies")
        axis.grid(axis="y", visible=False)
        return canvas

    at = data.set_index(["wave", "answer"])["share"]
    alt = (
        f"Points with {ledger.level_text(level)} intervals for each answer in {waves[0]} and {waves[1]}, all agencies: "
        + "; ".join(
            f"{SHORT[a].lower()} {_percent(at[waves[0], a], 1)} and {_percent(at[waves[1], a], 1)}"
            for a in lemas.ANSWERS
        )
    )
    return figures.Figure(
        "fig-lemas-change",
        f"How agencies address human trafficking, {waves[0]} and {waves[1]}",
        alt + ".",
        data,
        line,
        draw,
        "n = "
        + " and ".join(f"{int(part['n'].iloc[0]):,} ({wave})" for part, wave in zip(parts, waves, strict=True))
        + f". Bars: {ledger.level_text(level)} logit intervals.",
    )


def model_figure(curve: pd.DataFrame, fit, level: float, line: str) -> figures.Figure:
    """Predicted probability of a unit or designated personnel over population, by type."""

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 2.9), layout="constrained")
        axis = canvas.subplots()
        for name, color, dash, spot in zip(lemas.TYPES[:2], figures.PALETTE, ("-", "--"), (34, 44), strict=False):
            part = data[data["agency_type"] == name]
            axis.plot(part["population"], 100 * part["probability"], dash, color=color, linewidth=1.8)
            axis.fill_between(part["population"], 100 * part["low"], 100 * part["high"], color=color, alpha=0.16, lw=0)
            row = part.iloc[spot]
            above = name == lemas.TYPES[0]
            axis.annotate(
                name,
                (row["population"], 100 * row["probability"]),
                xytext=(-12, 12) if above else (14, -10),
                textcoords="offset points",
                color=color,
                fontweight="bold",
                ha="right" if above else "left",
            )
        axis.set_xscale("log")
        axis.set_xticks([1e3, 1e4, 1e5, 1e6], ["1,000", "10,000", "100,000", "1,000,000"])
        axis.set_xlim(1e3, 1e6)
        axis.set_ylim(0, 100)
        axis.set_xlabel("Population served (logarithmic scale)")
        axis.set_ylabel("Predicted probability, percent")
        return canvas

    picks = curve.iloc[[0, 20, 40, 60]]
    alt = (
        f"Two rising curves with {ledger.level_text(level)} bands over population served. Local police: "
        + ", ".join(f"{100 * r.probability:.0f} percent at {r.population:,.0f}" for r in picks.itertuples())
        + ". Sheriffs' offices: "
        + ", ".join(
            f"{100 * r.probability:.0f} percent at {r.population:,.0f}"
            for r in curve.iloc[[61, 81, 101, 121]].itertuples()
        )
        + "."
    )
    return figures.Figure(
        "fig-lemas-logit",
        "Predicted probability of a unit or designated personnel for human trafficking, by population served, 2020",
        alt,
        curve,
        line,
        draw,
        f"n = {fit.n:,} agencies; predictions of the model in @tbl-lemas-logit. Bands: {ledger.level_text(level)} intervals by the delta method.",
    )


def task_force_figure(found: pd.DataFrame, level: float, line: str) -> figures.Figure:
    """2007: officers on a task force by population class."""
    data = found[found["breakdown"] == "Population served"].reset_index(drop=True)

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 2.5), layout="constrained")
        axis = canvas.subplots()
        at = np.arange(len(data))[::-1]
        figures.intervals(axis, data, at, figures.PALETTE[0], "o")
        axis.set_yticks(at, data["domain"])
        axis.set_ylabel("Population served")
        axis.set_xlabel("Percent of agencies")
        axis.set_xlim(0, None)
        axis.grid(axis="y", visible=False)
        return canvas

    alt = (
        f"Points with {ledger.level_text(level)} intervals: share of agencies with an officer on a human trafficking task force in 2007 by "
        "population served: " + ", ".join(f"{r.domain} {_percent(r.share, 1)}" for r in data.itertuples()) + "."
    )
    return figures.Figure(
        "fig-lemas-taskforce",
        "Agencies with an officer on a human trafficking task force, by population served, 2007",
        alt,
        data,
        line,
        draw,
        f"n = {int(data['n'].sum()):,} local police departments and sheriffs' offices. Bars: {ledger.level_text(level)} logit intervals; the "
        "smallest classes rest on few such agencies.",
    )


# -- numbers ---------------------------------------------------------------------------------------------------------

KEYS = dict(
    zip(
        [*lemas.ANSWERS, section.UNIT_OR_PERSONNEL],
        ["unit", "personnel", "addressed", "not-formal", "none", "prepared"],
        strict=True,
    )
)


def share_numbers(numbers: ledger.Numbers, prefix: str, found: pd.DataFrame, wave: int, level: float) -> None:
    """Record every share of an answers table as <prefix>.<wave>.<answer>.<domain>."""
    for row in found.itertuples():
        numbers.add(
            f"{prefix}.{wave}.{KEYS[row.answer]}.{ledger.slug(row.domain)}",
            row.share,
            format="percent1",
            label=f"{row.answer}, {wave}",
            unit="share of agencies",
            domain=row.domain,
            estimator="weighted share, linearized variance, logit interval",
            se=row.se,
            interval=(row.low, row.high),
            level=level,
            n=row.n,
        )


def change_numbers(numbers: ledger.Numbers, prefix: str, change: section.Change, level: float) -> None:
    """Record changes for all agencies as <prefix>.change.<answer>, with p-values, and the test of all answers."""
    numbers.add(
        f"{prefix}.change.overall.p",
        change.overall.p,
        format="p",
        label="p-value of the change in the five answers together",
        unit="p-value",
        domain="All agencies",
        estimator="Wald F test",
    )
    for row in change.table[change.table["domain"] == "All agencies"].itertuples():
        common = {"domain": row.domain, "unit": "change of a share", "n": None}
        numbers.add(
            f"{prefix}.change.{KEYS[row.answer]}",
            row.change,
            format="points1",
            label=f"Change in: {row.answer}",
            estimator="difference of two independent surveys",
            se=row.se,
            interval=(row.low, row.high),
            level=level,
            **common,
        )
        numbers.add(
            f"{prefix}.change.{KEYS[row.answer]}.p",
            row.p,
            format="p",
            label=f"p-value of the change in: {row.answer}",
            estimator="t test",
            **common,
        )


# -- helpers ---------------------------------------------------------------------------------------------------------


def _percent(share: float, places: int = 0) -> str:
    return f"{100 * share:.{places}f} percent" if np.isfinite(share) else "a share too uncertain to be shown"


def _number(value: float, places: int) -> str:
    return (ledger.MINUS if value < 0 else "") + f"{abs(value):.{places}f}"


def _plain(share: float) -> str:
    return f"{100 * share:.1f}" if np.isfinite(share) else "\N{EN DASH}"


def _signed(share: float, places: int = 1) -> str:
    if not np.isfinite(share):
        return "\N{EN DASH}"
    text = f"{abs(100 * share):.{places}f}"
    if not text.strip("0."):
        return text
    return ("+" if share > 0 else ledger.MINUS) + text


def _p(p: float) -> str:
    if not np.isfinite(p):
        return "\N{EN DASH}"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
