"""Chapter 8, investigation and prosecution: its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from agency_survey import figures
from agency_survey.sections import builders, case_tables, survey
from agency_survey.sections import investigation_prosecution as section
from agency_survey.sections.case_tables import interval_note, range_of
from agency_survey.sections.cases import ALL_CASES, GROUPS
from agency_survey.sections.survey import caption

if TYPE_CHECKING:
    from agency_survey.sections.investigation_prosecution_exhibits import Results

NOT_DRAWN = "Shares that @{} does not show are not drawn."


def light(found: Results, level: float, synthetic: bool) -> figures.Figure:
    """How cases come to light: ways that agencies name, and the way of each case."""
    names = found.light.sort_values("value", ascending=False, na_position="last")["measure"].tolist()
    of_cases = found.light_cases[found.light_cases["domain"] == ALL_CASES]
    data = case_tables.on_axis(pd.concat([found.light, of_cases], ignore_index=True), names)
    ident, source = "fig-investigation-light", survey.source(synthetic)
    title = caption("How cases come to light: ways that agencies name, and the way of each described case", synthetic)
    return case_tables.dots(
        ident,
        title,
        data,
        {"Agencies, any of their cases": {"": survey.ALL}, "Cases, one way each": {"": ALL_CASES}},
        source,
        f"n = {range_of(found.light['n'])} agencies and {of_cases['n'].max():,} cases. {interval_note(level)} "
        + NOT_DRAWN.format("tbl-investigation-light"),
        order=names,
        xlabel="Percent",
        opening="Two panels of points with intervals.",
        height=2.7,
    )


def strategies(found: Results, level: float, synthetic: bool) -> figures.Figure:
    """Proactive strategies by the type that agencies investigated."""
    overall = found.strategies[found.strategies["domain"] == survey.ALL].set_index("measure")["value"]
    names = overall.drop(section.ANY_STRATEGY).sort_values(ascending=False, na_position="last").index.tolist()
    data = case_tables.on_axis(found.strategies[found.strategies["domain"] != survey.ALL], names)
    ident, source = "fig-investigation-strategies", survey.source(synthetic)
    title = caption("Proactive strategies, by the type of trafficking that agencies investigated", synthetic)
    return case_tables.dots(
        ident,
        title,
        data,
        {name: {"": name} for name in GROUPS if (data["group"] == name).any()},
        source,
        f"n = {range_of(data['n'])} agencies by group and strategy. {interval_note(level)} "
        + NOT_DRAWN.format("tbl-investigation-strategies"),
        order=names,
        xlabel="Percent of agencies",
        opening="Three panels of points with intervals.",
        height=2.6,
    )


def challenge_order(found: Results) -> list[str]:
    """Challenges by the share that rates them moderate or major, the largest first."""
    part = found.challenges[found.challenges["measure"] == section.SERIOUS]
    return part.sort_values("value", ascending=False, na_position="last")["domain"].tolist()


def challenges(found: Results, synthetic: bool) -> figures.Figure:
    """Ratings of the challenges."""
    data = found.challenges[found.challenges["measure"].isin(section.RATINGS)].rename(columns={"value": "share"})
    shown = data.groupby("domain")["share"].agg(lambda part: part.notna().all())
    order = [name for name in challenge_order(found) if shown[name]]
    ident, source = "fig-investigation-challenges", survey.source(synthetic)
    title = caption("How much of a problem agencies with cases found each challenge", synthetic)
    return case_tables.or_nothing(
        data[data["domain"].isin(order)],
        ident,
        title,
        source,
        lambda: builders.parts_figure(
            ident,
            title,
            data[data["domain"].isin(order)].reset_index(drop=True),
            source,
            f"n = {range_of(data['n'])} agencies by challenge. Lines: the intervals of @tbl-investigation-challenges.",
            bar="domain",
            bars=order,
            parts=section.RATINGS[::-1],
            xlabel="Percent of agencies that rated the challenge",
            opening="Bars with intervals in four panels, one for each rating, the most serious challenge first",
            height=3.2,
        ),
    )


WIDE = 0.16  # of a box


def flow(found: Results, level: float, synthetic: bool) -> figures.Figure:
    """Flow of all described cases from charges over prosecution to the outcome."""
    data = found.flow[(found.flow["domain"] == ALL_CASES) & found.flow["measure"].isin(SHOWN)].reset_index(drop=True)
    at = data.set_index("measure")
    alt = "A flow from left to right. " + "; ".join(
        f"{name.lower()} {_words(at.loc[name])}" for name in SHOWN if np.isfinite(at.loc[name, "value"])
    )
    ident, source = "fig-prosecution-flow", survey.source(synthetic)
    title = caption("From investigation to outcome: percent of the described cases", synthetic)
    return case_tables.or_nothing(
        data.dropna(subset="value"),
        ident,
        title,
        source,
        lambda: figures.Figure(
            ident,
            title,
            alt + ".",
            data,
            source,
            _draw_flow,
            f"n = {data['n'].max():,} cases of {data['agencies'].max():,} agencies whose whole course is known. "
            f"Heights are shares of all these cases; in brackets their {case_tables.level_text(level)} logit "
            "intervals. Pending: at the time of the survey.",
        ),
    )


SHOWN = [
    "Charged",
    "Not charged",
    "Prosecuted",
    "Charged, not prosecuted",
    "Convicted",
    "Acquitted or dismissed",
    "Pending",
]


def _words(row) -> str:
    if not np.isfinite(row["low"]):
        return f"{100 * row['value']:.0f}%"
    return f"{100 * row['value']:.0f}% ({100 * row['low']:.0f} to {100 * row['high']:.0f})"


def _draw_flow(data: pd.DataFrame):
    """Boxes in four columns; a band leads from a box to each of the next, of the height of where it ends."""
    from matplotlib.figure import Figure as Canvas
    from matplotlib.patches import Rectangle

    row = data.set_index("measure")
    height = (100 * row["value"]).fillna(0.0)
    blue, grey, orange, light_blue = figures.PALETTE[0], "#9AA3AB", figures.PALETTE[1], figures.PALETTE[4]
    columns = [  # where the first box begins, the gap between boxes, the boxes
        (100.0, 4.0, [("Charged", blue), ("Not charged", grey)]),
        (100.0, 16.0, [("Prosecuted", blue), ("Charged, not prosecuted", grey)]),
        (106.0, 7.0, [("Convicted", blue), ("Pending", light_blue), ("Acquitted or dismissed", orange)]),
    ]
    canvas = Canvas(figsize=(figures.WIDTH, 3.7), layout="constrained")
    axis = canvas.subplots()
    axis.axis("off")
    axis.add_patch(Rectangle((0, 0), WIDE, 100, color=blue))
    axis.text(0, 102, "Described cases: 100%", ha="left", va="bottom", fontsize=8.5)
    source_right, lowest = WIDE, 0.0
    for left, (place, gap, boxes) in enumerate(columns, 1):
        start, last = 100.0, left == len(columns)
        for name, color in boxes:
            size = height[name]
            axis.add_patch(Rectangle((left, place - size), WIDE, size, color=color))
            _band(axis, source_right, left, (start, start - size), (place, place - size), color)
            said = _words(row.loc[name]) if np.isfinite(row.loc[name, "value"]) else "not shown"
            middle = place - size / 2 if last or color == grey else place - 8
            axis.text(left + WIDE + 0.04, middle, f"{name}\n{said}", va="center", fontsize=8.5, color=figures.INK)
            lowest = min(lowest, place - size)
            start, place = start - size, place - size - gap
        source_right = left + WIDE
    axis.set_xlim(-0.05, 4.0)
    axis.set_ylim(lowest - 2, 112)
    return canvas


def _band(axis, x0: float, x1: float, first: tuple[float, float], last: tuple[float, float], color: str) -> None:
    """A band with smooth edges from (x0, first) to (x1, last), each (upper, lower)."""
    t = np.linspace(0, 1, 40)
    smooth = t * t * (3 - 2 * t)
    upper, lower = (a + (b - a) * smooth for a, b in zip(first, last, strict=True))
    axis.fill_between(x0 + (x1 - x0) * t, lower, upper, color=color, alpha=0.22, linewidth=0)


def effects(fitted: list[section.Modelled], level: float, synthetic: bool) -> figures.Figure:
    """Average marginal effects of the traits in the three models."""
    data = pd.concat([one.effects.assign(model=one.name, n=one.n) for one in fitted], ignore_index=True)
    data = data.assign(label=[section.term_label(term) for term in data["term"]])
    order = list(dict.fromkeys(data["label"]))

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        spots = pd.Series(range(len(order))[::-1], index=order)
        canvas = Canvas(figsize=(figures.WIDTH, 4.0), layout="constrained")
        axes = canvas.subplots(1, len(fitted), sharey=True, sharex=True)
        for axis, (name, part) in zip(axes, data.groupby("model", sort=False), strict=True):
            axis.axvline(0, color="#8A949E", linewidth=0.9)
            points = part.rename(columns={"value": "share"})
            figures.intervals(axis, points, spots[part["label"]], figures.PALETTE[0], "o")
            axis.set_title(name)
            axis.grid(axis="y", visible=False)
        axes[0].set_yticks(spots, order)
        canvas.supxlabel("Change of the probability in percentage points", fontsize=9)
        return canvas

    alt = (
        "Three panels of points with intervals about a line at zero. Average marginal effects in percentage points. "
        + " ".join(
            f"{name}: " + ", ".join(f"{row.label.lower()} {100 * row.value:+.0f}" for row in part.itertuples()) + "."
            for name, part in data.groupby("model", sort=False)
        )
    )
    return figures.Figure(
        "fig-prosecution-effects",
        caption("Average change of the probability of charges, prosecution and conviction with each trait", synthetic),
        alt,
        data,
        survey.source(synthetic),
        draw,
        "n = " + ", ".join(f"{one.n:,} ({one.name.lower()})" for one in fitted) + " cases. "
        f"{interval_note(level, 'intervals, clustered by agency')} Models as in @tbl-prosecution-models.",
    )
