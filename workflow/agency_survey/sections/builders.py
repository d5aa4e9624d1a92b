"""Tables, figures and tests that the chapters on the national survey share.

A chapter's statistics are long tables with a row a domain and measure (``survey.shares``, ``values``); from these come
its tables by domain with tests in foot lines, its dot plots, bars by part and maps, and its numbers. What may not be
shown is taken out first (``tables.masked``, ``masked_values``), so that no exhibit prints what another hides.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from agency_survey import estimate, figures, hypotheses, ledger, marks, tables
from agency_survey.design import SurveyDesign
from agency_survey.disclosure import watch
from agency_survey.errors import InputError
from agency_survey.exhibits import Exhibits
from agency_survey.sections import survey
from agency_survey.tables import DASH, Table

SIZE = "Population served"
ALPHA = 0.05
RAO_SCOTT, WALD, TREND = "Rao-Scott", "Wald", "trend"
HIDDEN = marks.DASH
SHADES = ["#08306B", "#2E75B6", "#9DC3E6", "#E4ECF4"]
TEST_NOTE = (
    "Lines in italics: p-values of the test that all groups above are equal, {kinds}, and of a linear trend over the classes "
    "of population, adjusted for all tests of the table by Holm's [-@holm1979] method."
)
POOLED_NOTE = "Groups whose numbers are withheld count as one in their test."
KINDS = {
    RAO_SCOTT: "with Rao and Scott's [-@raoscott1984] second-order correction",
    WALD: "a Wald test of the means",
}


def exhibits(numbers: ledger.Numbers, tabular: list[Table], drawn: list[figures.Figure], texts: dict) -> Exhibits:
    """Exhibits of a chapter; a text that would print a number which may not be shown says so instead."""
    said = {name: ledger.UNCERTAIN if numbers.hides(text) else text for name, text in texts.items()}
    return Exhibits(numbers, tabular, drawn, said)


# -- estimates ---------------------------------------------------------------------------------------------------------


def values(
    parts: list,
    estimator: Callable[[np.ndarray], estimate.Estimate],
    names: list[str],
    level: float,
    amount: watch.Amount | None = None,
):
    """Estimates by domain in a long table: breakdown, domain, measure, value, se, low, high (t limits), n, df.

    parts : as of ``survey.domains``; estimator : domain (bool (n,)) -> Estimate of the k measures ``names``. A domain that
    holds nobody has missing values. amount : what the measures are means of, where a total of it is published.
    """
    found, bases = [], []
    for breakdown, name, inside in parts:
        bases += [inside] * len(names)
        rows = {"breakdown": breakdown, "domain": name, "measure": names}
        if inside.any():
            part = estimator(inside)
            limits = part.interval(level)
            rows |= {"value": part.value, "se": part.se, "low": limits[:, 0], "high": limits[:, 1]}
            rows |= {"n": part.n, "df": part.df}
        else:
            rows |= dict.fromkeys(["value", "se", "low", "high"], np.nan) | {"n": 0, "df": 0}
        found.append(pd.DataFrame(rows))
    return watch.screened(pd.concat(found, ignore_index=True), bases, [None] * len(bases), amount=[amount] * len(bases))


def quantile_values(
    design: SurveyDesign, y: np.ndarray, known: np.ndarray, parts: list, names: dict[str, float], level: float
) -> pd.DataFrame:
    """Quantiles by domain as ``values``, with limits by Woodruff (1952); names : measure -> probability."""

    def row(inside: np.ndarray) -> dict:
        if not (inside & known).any():
            return dict.fromkeys(["value", "se", "low", "high"], np.nan) | {"n": 0, "df": 0}
        found = estimate.quantiles(design, np.where(known, y, 0.0), list(names.values()), inside & known, level=level)
        line = {name: getattr(found, name)[0, 0] for name in ("value", "se", "low", "high")}
        return line | {"n": found.n[0, 0], "df": found.df[0, 0]}

    rows = [{"breakdown": kind, "domain": name, "measure": list(names)} | row(inside) for kind, name, inside in parts]
    bases = [inside & known for *_, inside in parts for _ in names]
    tails = [min(p, 1 - p) for _ in parts for p in names.values()]
    together = pd.concat([pd.DataFrame(line) for line in rows], ignore_index=True)
    return watch.screened(together, bases, [None] * len(bases), tail=tails)


def value_reliability(value: float, se: float, n: int, limits: dict) -> str:
    """'shown', 'flagged' or 'hidden' of a mean, total or quantile: standard error over the value."""
    if n < limits["hide_n"] or not (math.isfinite(value) and math.isfinite(se)):
        return "hidden"
    if abs(value) <= tables.NOISE:
        return "shown" if se <= tables.NOISE else "hidden"
    relative = se / abs(value)
    return "hidden" if relative > limits["hide_rse"] else "flagged" if relative > limits["flag_rse"] else "shown"


def masked_values(found: pd.DataFrame, limits: dict) -> pd.DataFrame:
    """``values`` as they may be shown: missing where hidden, which ``status`` says (the counterpart of ``tables.masked``)."""
    found = found.astype({name: float for name in ("value", "se", "low", "high")})
    hidden = [value_reliability(row.value, row.se, row.n, limits) == "hidden" for row in found.itertuples()]
    found.loc[hidden, ["value", "se", "low", "high"]] = np.nan
    return found.assign(status=marks.judged(found, hidden))


# -- tests -------------------------------------------------------------------------------------------------------------


def domain_codes(parts: list, breakdown: str) -> np.ndarray:
    """Code (n,) of each agency's domain in the breakdown, in the order of ``parts``; -1 for none."""
    inside = [mask for kind, _, mask in parts if kind == breakdown]
    if not inside:
        raise InputError(f"There is no breakdown '{breakdown}'", fix=f"Give one of {', '.join({p[0] for p in parts})}")
    codes = np.full(len(inside[0]), -1)
    for code, mask in enumerate(inside):
        codes[mask] = code
    return codes


def tests(design: SurveyDesign, measures: dict[str, np.ndarray], known: np.ndarray, parts: list) -> pd.DataFrame:
    """Tests of each measure over each breakdown: measure, breakdown, test, statistic, df, df_residual, p, slope.

    measures : name -> (n,) of true and false, or numbers; known : bool (n,) agencies that count. Over every breakdown but
    ``survey.ALL``: that shares are equal (Rao and Scott 1984, second order, F) or means are (Wald); over classes of
    population also the linear trend, with its slope per class. Domains without a known value are left out; the
    p-value is missing where nothing can be tested. Domains whose estimate is left out (``disclosure.watch``) count as
    one, so that the test tells no more of them than the domains that are shown do, and stand in the trend at the mean of
    their places. ``adjusted`` adds the adjusted p-values; it takes the columns ``pooled`` (whether any were) and ``sides``.
    """
    found, used = [], known & (design.weight > 0)
    for breakdown in dict.fromkeys(kind for kind, *_ in parts if kind != survey.ALL):
        codes = np.where(used, domain_codes(parts, breakdown), -1)
        inside = [mask & used for kind, _, mask in parts if kind == breakdown]
        for name, y in measures.items():
            y = np.asarray(y)
            sides = [(mask, y if y.dtype == bool else None, name) for mask in inside]
            gone = watch.gone(sides)
            row = {"measure": name, "breakdown": breakdown, "pooled": any(gone), "sides": sides}
            at, scores = _places(codes, pooled(gone))
            kind, test = _equality(design, y, at, len(scores))
            found.append(row | _test_row(kind, test, np.nan))
            if breakdown == SIZE:
                slope, test = _trend(design, np.where(known, y, 0).astype(float), at, scores)
                found.append(row | _test_row(TREND, test, slope))
    return pd.DataFrame(found)


def pooled(gone: list[bool]) -> np.ndarray | None:
    """Place of each of the groups in a test: of its own, or one for all that are left out (``gone``).

    None where but one is left out: the test would tell of it.
    """
    lost = np.flatnonzero(gone)
    if len(lost) == 1:
        return None
    first = np.array([k if not away else lost[0] for k, away in enumerate(gone)])
    return np.searchsorted(np.unique(first), first)


def _places(codes: np.ndarray, place: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(codes (n,) 0, 1, ... of the places that are held by any agency, -1 for none; mean position of each place)."""
    if place is None:
        return np.full(len(codes), -1), np.zeros(0)
    at = np.append(place, -1)[codes]
    present = np.unique(at[at >= 0])
    held = np.isin(np.arange(len(place)), codes)
    scores = [float(np.flatnonzero((place == one) & held).mean()) for one in present]
    return np.where(at >= 0, np.searchsorted(present, at), -1), np.array(scores)


NO_TEST = estimate.Test(np.nan, np.nan, np.nan, np.nan)


def _equality(design: SurveyDesign, y: np.ndarray, codes: np.ndarray, count: int) -> tuple[str, estimate.Test]:
    kind = RAO_SCOTT if y.dtype == bool else WALD
    inside = codes >= 0
    if count < 2 or len(np.unique(y[inside])) < 2:
        return kind, NO_TEST
    if kind == RAO_SCOTT:
        table = hypotheses.crosstab(design, codes, np.where(inside, y.astype(int), -1), count, 2)
        return kind, table.rao_scott().f_second
    return kind, hypotheses.equal_means(design, np.where(inside, y, 0).astype(float), codes, count)


def _trend(design, y: np.ndarray, codes: np.ndarray, scores: np.ndarray) -> tuple[float, estimate.Test]:
    if len(scores) < 2:
        return np.nan, NO_TEST
    found = hypotheses.trend(design, y, codes, len(scores), scores=scores)
    return found.value, found.test


def _test_row(kind: str, test: estimate.Test, slope: float) -> dict:
    return {
        "test": kind,
        "statistic": test.statistic,
        "df": test.df,
        "df_residual": test.df_residual,
        "p": test.p,
        "slope": slope,
    }


def adjusted(*found: pd.DataFrame) -> pd.DataFrame:
    """``tests`` of one table together, with p_adjusted for all of them (Holm 1979)."""
    together = pd.concat(found, ignore_index=True)
    sides = together.pop("sides")
    for row, of in zip(together.itertuples(), sides, strict=True):
        multiples = row.p * np.arange(1, len(together) + 1)  # before the largest so far is taken
        watch.follows(f"{row.measure}, {row.test} over {row.breakdown}", [row.statistic, row.slope, *multiples], of)
    return together.assign(p_adjusted=hypotheses.adjusted(together["p"].to_numpy()))


def check_of(found: pd.DataFrame, measure: str, breakdown: str, trend: bool = False) -> pd.Series:
    """The one row of ``adjusted`` tests that is asked for."""
    kind = (found["test"] == TREND) == trend
    return found[(found["measure"] == measure) & (found["breakdown"] == breakdown) & kind].iloc[0]


def rising(found: pd.DataFrame, measure: str) -> bool:
    """Whether the measure is shown to grow with population."""
    row = check_of(found, measure, SIZE, trend=True)
    return bool(row["p_adjusted"] < ALPHA and row["slope"] > 0)


def differs(found: pd.DataFrame, measure: str, breakdown: str) -> bool:
    """Whether the measure is shown to differ over the breakdown."""
    return bool(check_of(found, measure, breakdown)["p_adjusted"] < ALPHA)


def add_tests(numbers: ledger.Numbers, prefix: str, found: pd.DataFrame, keys: dict[str, str]) -> None:
    """Record the adjusted p-values as '<prefix>.test.<key>.<breakdown>' and '<prefix>.trend.<key>'."""
    for row in found.itertuples():
        end = f"trend.{keys[row.measure]}" if row.test == TREND else f"test.{keys[row.measure]}"
        numbers.add(
            f"{prefix}.{end}" if row.test == TREND else f"{prefix}.{end}.{ledger.slug(row.breakdown)}",
            row.p_adjusted,
            format="p",
            label=f"p-value: {row.measure}, {row.test} over {row.breakdown.lower()}",
            unit="p-value",
            domain=row.breakdown,
            estimator=f"{row.test} test, Holm's adjustment",
        )


def checks_note(found: pd.DataFrame) -> str:
    """The note below a table that has lines with tests."""
    note = TEST_NOTE.format(kinds=" or ".join(KINDS[kind] for kind in dict.fromkeys(found["test"]) if kind != TREND))
    return f"{note} {POOLED_NOTE}" if found["pooled"].any() else note


# -- cells and tables --------------------------------------------------------------------------------------------------


def cell(row, limits: dict) -> str:
    """'43.7 (41.8-45.6)' of a row of ``survey.shares``, in percent."""
    return tables.percent_cell(row.share, row.se, row.low, row.high, row.n, limits, marks.status_of(row))


def value_cell(row, limits: dict, places: int = 1, floor: float | None = None) -> str:
    """'8.8 (7.9-9.7)' of a row of ``values``, flagged and hidden as shares are; ``floor`` cuts the lower limit."""
    state = value_reliability(row.value, row.se, row.n, limits)
    if state == "hidden":
        return marks.of(marks.status_of(row))
    text = f"{row.value:,.{places}f}" + ("\\*" if state == "flagged" else "")
    if not (row.se > tables.NOISE and math.isfinite(row.low) and math.isfinite(row.high)):
        return text
    low = row.low if floor is None else max(row.low, floor)
    return f"{text} ({low:,.{places}f}{DASH}{row.high:,.{places}f})"


def domain_label(row) -> str:
    """Name of a domain in the first column; all and local agencies in bold."""
    return f"**{row.domain}**" if row.breakdown == survey.ALL else row.domain


def p_text(p: float) -> str:
    """A p-value in a cell: '<0.001' or '0.042'; a dash where nothing could be tested."""
    return HIDDEN if not math.isfinite(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def domains_table(
    ident: str,
    caption: str,
    found: pd.DataFrame,
    columns: dict[str, str],
    source: str,
    notes: str,
    widths: tuple[int, ...],
    cells: Callable | dict[str, Callable],
    checks: pd.DataFrame | None = None,
    count: str | None = "min",
    explained: Mapping[str, str] | None = None,
) -> Table:
    """Table with a row a domain and a column a measure; tests stand in lines in italics below their breakdown.

    found : long table by domain and measure; columns : measure -> heading, in order; cells : row -> text, one for all or
    by measure; checks : ``adjusted`` tests of measures that are columns; count : which of the measures' counts stands in
    column n ('min', 'max'), None for no such column; widths : of all columns; explained : ``Table.marks``.
    """
    data = found[found["measure"].isin(list(columns))].reset_index(drop=True)
    shown = []
    for breakdown, block in data.groupby("breakdown", sort=False):
        for _, part in block.groupby("domain", sort=False):
            line = {"Agencies": domain_label(part.iloc[0])}
            if count:
                line["n"] = f"{part['n'].agg(count):,}"
            at = {row.measure: row for row in part.itertuples()}
            for name, heading in columns.items():
                make = cells[name] if isinstance(cells, dict) else cells
                line[heading] = make(at[name]) if name in at else HIDDEN
            shown.append(line)
        if checks is not None:
            shown += _test_lines(checks[checks["breakdown"] == breakdown], columns, bool(count))
    return Table(ident, caption, pd.DataFrame(shown), data, source, notes, widths=widths, marks=explained or {})


def _test_lines(checks: pd.DataFrame, columns: dict[str, str], counted: bool) -> list[dict]:
    lines = []
    for kind in dict.fromkeys("trend" if test == TREND else "difference" for test in checks["test"]):
        part = checks[(checks["test"] == TREND) == (kind == "trend")].set_index("measure")
        line = {"Agencies": f"*p, {kind}*"} | ({"n": ""} if counted else {})
        lines.append(line | {h: _p_cell(part, name) for name, h in columns.items()})
    return lines


def _p_cell(part: pd.DataFrame, measure: str) -> str:
    return f"*{p_text(part.loc[measure, 'p_adjusted'])}*" if measure in part.index else ""


def lines_table(
    ident: str,
    caption: str,
    lines: list[dict],
    data: pd.DataFrame,
    source: str,
    notes: str,
    widths: tuple[int, ...],
    explained: Mapping[str, str] | None = None,
) -> Table:
    """Table of ready lines (heading -> text); explained : ``Table.marks``."""
    return Table(ident, caption, pd.DataFrame(lines), data, source, notes, widths=widths, marks=explained or {})


# -- figures -----------------------------------------------------------------------------------------------------------


def dots_figure(
    ident: str,
    caption: str,
    data: pd.DataFrame,
    panels: dict[str, dict[str, str]],
    source: str,
    notes: str,
    *,
    column: str,
    order: list[str],
    xlabel: str,
    ylabel: str | None = None,
    legend: str | None = None,
    alt: str | None = None,
    opening: str = "",
    limit: float | None = 100,
    height: float = 3.1,
    corner: str = "upper left",
) -> figures.Figure:
    """Points with intervals in percent, in a panel or several side by side.

    data : rows of ``survey.shares`` that may be shown, with ``domain`` on the vertical axis in the given order;
    panels : title -> {label in the legend: value of ``column`` that picks the points}; limit : right end of the axis, None for the next
    twenty percent above the data.
    The alternative text is made from the data after ``opening``, unless it is given.
    """

    limit = _ceiling(data, 20) if limit is None else limit

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        spots = pd.Series(range(len(order))[::-1], index=order)
        canvas = Canvas(figsize=(figures.WIDTH, height), layout="constrained")
        canvas.get_layout_engine().set(wspace=0.04)
        axes = np.atleast_1d(canvas.subplots(1, len(panels), sharey=True))
        for axis, (title, series) in zip(axes, panels.items(), strict=True):
            for k, (label, value) in enumerate(series.items()):
                part = data[data[column] == value]
                shift = 0.14 * (len(series) - 1 - 2 * k)
                figures.intervals(
                    axis, part, spots[part["domain"]] + shift, figures.PALETTE[k], figures.MARKERS[k], label
                )
            if title:
                axis.set_title(title)
            axis.set_xlim(0, limit * 1.03)
            axis.set_xticks(np.linspace(0, limit, 5 if len(panels) < 3 else 3))
            axis.grid(axis="y", visible=False)
        canvas.supxlabel(xlabel, fontsize=9)
        axes[0].set_yticks(spots, order)
        if set(order) - set(data["domain"]):
            axes[0].set_ylim(-0.5, len(order) - 0.5)  # places without a point keep their room
        if ylabel:
            axes[0].set_ylabel(ylabel)
        if legend is not None:
            axes[0].legend(loc=corner, fontsize=8.5, title=legend or None, title_fontsize=8.5)
        return canvas

    if alt is None:
        many = len(panels) > 1
        said = opening or "Points with intervals."
        unit = "" if "percent" in said.lower() else f" {xlabel}."
        alt = f"{said}{unit} " + " ".join(
            f"{': '.join(part for part in (title if many else '', label) if part) or xlabel}: "
            + ", ".join(f"{row.domain}: {100 * row.share:.0f}%" for row in data[data[column] == value].itertuples())
            + "."
            for title, series in panels.items()
            for label, value in series.items()
        )
    return figures.Figure(ident, caption, alt, data, source, draw, notes)


def parts_figure(
    ident: str,
    caption: str,
    data: pd.DataFrame,
    source: str,
    notes: str,
    *,
    bar: str,
    bars: list[str],
    parts: list[str],
    xlabel: str,
    ylabel: str | None = None,
    opening: str = "",
    height: float = 2.5,
) -> figures.Figure:
    """Shares that add up to all agencies: a panel for each part, a bar with its interval and its percent for each group.

    data : columns ``bar`` (the group), measure (the part), share, low, high; what may not be shown is missing, and has the
    mark of its ``status`` in the place of its number, explained in the notes. More than four parts stand in two rows of panels.
    """

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        rows = 1 if len(parts) <= 4 else 2
        columns = math.ceil(len(parts) / rows)
        canvas = Canvas(figsize=(figures.WIDTH, height), layout="constrained")
        canvas.get_layout_engine().set(wspace=0.06)
        axes = canvas.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        limit = _ceiling(data, 20)
        for axis, part in zip(axes.flat, parts, strict=False):
            found = data[data["measure"] == part].set_index(bar).reindex(bars[::-1])
            at = np.arange(len(bars), dtype=float)
            axis.barh(at, 100 * found["share"], color=SHADES[2], height=0.62)
            figures.intervals(axis, found, at, figures.INK, "none")
            for y, (_, row) in zip(at, found.iterrows(), strict=True):
                text = f"{100 * row['share']:.0f}" if math.isfinite(row["share"]) else marks.of(marks.status_of(row))
                axis.text(1.02, y, text, va="center", fontsize=8, transform=axis.get_yaxis_transform())
            axis.set_title(textwrap.fill(part, 18 if columns < 4 else 12), fontsize=9)
            axis.set_xlim(0, limit)
            axis.set_xticks(np.linspace(0, limit, 3))
            axis.set_yticks(at, bars[::-1])
            axis.set_ylim(-0.6, len(bars) - 0.4)
            axis.grid(axis="y", visible=False)
        for axis in axes.flat[len(parts) :]:
            axis.set_visible(False)
        canvas.supxlabel(xlabel, fontsize=9)
        if ylabel:
            canvas.supylabel(ylabel, fontsize=9)
        return canvas

    columns = [name for name in ("share", "status") if name in data]
    printed = data.set_index([bar, "measure"])[columns].reindex(pd.MultiIndex.from_product([bars, parts]))
    at = {key: row for key, row in printed.iterrows()}
    alt = f"{opening or f'Bars with intervals in {len(parts)} panels, one for each answer'}. {xlabel}. " + " ".join(
        f"{name}: " + ", ".join(f"{part.lower()} {_spoken(at[name, part])}" for part in parts) + "." for name in bars
    )
    occur = {marks.of(marks.status_of(row)) for row in at.values() if not math.isfinite(row["share"])}
    notes = " ".join(part for part in (notes, marks.note(marks.UNCERTAIN, occur)) if part)
    return figures.Figure(ident, caption, alt, data, source, draw, notes)


def _spoken(row: pd.Series) -> str:
    if math.isfinite(row["share"]):
        return f"{100 * row['share']:.1f} percent"
    return "withheld" if marks.status_of(row) == marks.WITHHELD else "not shown"


def _ceiling(data: pd.DataFrame, step: int) -> float:
    """Multiple of ``step`` above all points and intervals, in percent, 100 at most."""
    most = np.nanmax(np.append(data[["share", "high"]].to_numpy(dtype=float), 0.01))
    return min(100.0, step * math.ceil(100 * most / step))


def _ink(color: str) -> str:
    """White on dark shades, ink on light ones (relative luminance of sRGB)."""
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return "white" if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 < 0.25 else figures.INK


TILES = """
AK . . . . . . . . . ME
. . . . . . . . . VT NH
WA ID MT ND MN WI . MI NY CT MA
OR NV WY SD IA IL IN OH PA NJ RI
CA UT CO NE MO KY WV VA MD DE .
. AZ NM KS AR TN NC SC DC . .
. . . OK LA MS AL GA . . .
HI . . TX . . . . FL . .
"""


def region_map(
    ident: str,
    caption: str,
    data: pd.DataFrame,
    states: dict[str, str],
    source: str,
    notes: str,
    *,
    label: str,
) -> figures.Figure:
    """Tile map of the states, shaded by the share of their census region, beside the regions' shares with intervals.

    data : rows of ``survey.shares`` of the breakdown Region, one a region; states : postal code -> region; label : what the
    shares are.
    """
    spots = {
        code: (column, row)
        for row, line in enumerate(TILES.split("\n")[1:-1])
        for column, code in enumerate(line.split())
        if code != "."
    }
    order = data.dropna(subset="share").sort_values("share", ascending=False)["domain"].tolist()

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas
        from matplotlib.patches import Rectangle

        canvas = Canvas(figsize=(figures.WIDTH, 2.9), layout="constrained")
        tiles, axis = canvas.subplots(1, 2, width_ratios=[1.25, 1])
        color = dict(zip(order, SHADES, strict=False))
        for code, (x, y) in spots.items():
            shade = color.get(states.get(code), "#FFFFFF")
            tiles.add_patch(Rectangle((x, -y), 0.94, 0.94, facecolor=shade, edgecolor="#8A949E", linewidth=0.5))
            tiles.text(x + 0.47, 0.47 - y, code, ha="center", va="center", fontsize=7, color=_ink(shade))
        tiles.set_xlim(-0.1, 11.1)
        tiles.set_ylim(-7.1, 1.1)
        tiles.set_aspect("equal")
        tiles.axis("off")
        rows = data.set_index("domain").loc[order].reset_index()
        at = -np.arange(len(rows), dtype=float)
        figures.intervals(axis, rows, at, figures.INK, "none")
        for y, row in zip(at, rows.itertuples(), strict=True):
            shade = color[row.domain]
            axis.plot(100 * row.share, y, "s", color=shade, markeredgecolor=figures.INK, markersize=8)
            axis.annotate(f"{100 * row.share:.1f}", (100 * row.share, y), xytext=(0, 8), textcoords="offset points",
                          ha="center", fontsize=8.5)  # fmt: skip
        axis.set_yticks(at, order)
        axis.set_ylim(-len(rows) + 0.4, 0.6)
        axis.set_xlim(0, _ceiling(data, 10))
        axis.set_xlabel(label)
        axis.grid(axis="y", visible=False)
        return canvas

    at = data.set_index("domain")
    alt = (
        f"A map of the states as tiles, darker where the share of the region is larger, and points with intervals. {label}: "
        + ", ".join(f"{name} {100 * at.loc[name, 'share']:.1f}" for name in order)
        + "."
    )
    absent = [code for code in spots if code not in states]
    if absent:
        notes += f" White: no respondents ({', '.join(absent)})."
    return figures.Figure(ident, caption, alt, data, source, draw, notes)


# -- numbers -----------------------------------------------------------------------------------------------------------


def add_shares(numbers: ledger.Numbers, prefix: str, found: pd.DataFrame, keys: dict[str, str], level: float) -> None:
    """Record ``survey.shares`` as '<prefix>.<key of the measure>.<domain>'."""
    for row in found.itertuples():
        survey.add_share(numbers, f"{prefix}.{keys[row.measure]}.{ledger.slug(row.domain)}", row, row.measure, level)


def add_values(
    numbers: ledger.Numbers,
    prefix: str,
    found: pd.DataFrame,
    keys: dict[str, str],
    level: float,
    *,
    format: str,
    unit: str,
    estimator: str,
) -> None:
    """Record ``values`` as '<prefix>.<key of the measure>.<domain>'."""
    for row in found.itertuples():
        numbers.add(
            f"{prefix}.{keys[row.measure]}.{ledger.slug(row.domain)}",
            row.value,
            format=format,
            label=row.measure,
            unit=unit,
            domain=row.domain,
            estimator=estimator,
            se=row.se,
            interval=(row.low, row.high),
            level=level,
            n=int(row.n),
            status=marks.status_of(row),
        )


def add_difference(
    numbers: ledger.Numbers,
    ident: str,
    found: hypotheses.Comparison,
    label: str,
    domain: str,
    format: str = "points1",
    unit: str = "difference of shares",
) -> None:
    """Record a difference or slope as '<ident>', its p-value as '<ident>.p'."""
    common = {"unit": unit, "domain": domain}
    numbers.add(
        ident,
        found.value,
        format=format,
        label=label,
        estimator="contrast of domain means, linearized variance",
        se=found.se,
        interval=(found.low, found.high),
        level=found.level,
        **common,
    )
    numbers.add(f"{ident}.p", found.test.p, format="p", label=f"p-value: {label}", estimator="t test", **common)


def printable(numbers: ledger.Numbers, ident: str) -> bool:
    """Whether the number is recorded and may be shown."""
    return ident in numbers.numbers and numbers.numbers[ident]["value"] is not None


def quoted(ident: str) -> str:
    """'12.3% (11.0% to 13.7%)' in a text, by shortcodes."""
    return f"{ledger.num(ident)} ({ledger.num(ident, 'ci')})"


def aside(ident: str) -> str:
    """'12.3%, 11.0% to 13.7%' for the inside of brackets."""
    return f"{ledger.num(ident)}, {ledger.num(ident, 'ci')}"
