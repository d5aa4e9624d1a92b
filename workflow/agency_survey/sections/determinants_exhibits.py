"""Chapter 6, determinants: its tables and figures."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey import figures, ledger, marks
from agency_survey.sections import builders, survey
from agency_survey.sections.determinants import Counts, Model, Study, column_label
from agency_survey.sections.determinants_checks import MAIN, Robustness, Tipping
from agency_survey.tables import DASH, TO, Table

ROLES = {
    "size": "Population served (per doubling)",
    "partner": "Task-force partner",
    "perception": "Leader sees trafficking",
    "preparation": "Preparation (per step)",
}
TERM = "Term"
COUNTED = ["No", "One", "Two", "Three", "Four"]


@dataclass(frozen=True)
class Print:
    """How exhibits are printed: confidence level, whether the records are synthetic."""

    level: float
    synthetic: bool

    @property
    def source(self) -> str:
        """Source line."""
        return survey.source(self.synthetic)

    @property
    def limits(self) -> str:
        """'95% interval'."""
        return f"{ledger.level_text(self.level)} interval"

    def caption(self, text: str) -> str:
        """Caption that says when the records are synthetic."""
        return survey.caption(text, self.synthetic)


def ratio_cell(ratio: float, low: float, high: float, places: int = 2) -> str:
    """'1.90 (1.58-2.28)'; a dash where there is none."""
    if not np.isfinite(ratio):
        return builders.HIDDEN
    return f"{ratio:,.{places}f} ({low:,.{places}f}{DASH}{high:,.{places}f})"


def points_cell(effect: float, low: float, high: float) -> str:
    """'3.3 (2.2 to 4.3)' percentage points, minus signs as in the text."""
    if not np.isfinite(effect):
        return builders.HIDDEN
    one, two, three = (ledger.decimals(100 * v, 1) for v in (effect, low, high))
    return f"{one} ({two}{TO}{three})"


# ---- tables ----------------------------------------------------------------------------------------------------------


def sample_table(found: pd.DataFrame, look: Print) -> Table:
    """Agencies with and without a case: shares in percent, means of numbers."""
    lines = []
    for row in found.itertuples():
        mean = row.kind == "mean"
        name = row.label.split(" (")[0]
        line = {"Trait": row.label if not mean else f"{name}, mean" if row.base == 0 else f"{name}, geometric mean"}
        for group, heading in (("some", "With a case"), ("none", "Without"), ("all", "All")):
            values = np.array([getattr(row, f"{group}{end}") for end in ("", "_low", "_high")])
            values = 100 * values if not mean else row.base**values if row.base else values
            cell = ratio_cell(*values, places=1 if not mean else 0 if row.base else 2)
            if getattr(row, f"{group}_status") == marks.WITHHELD:
                cell = marks.D
            line[heading] = cell.split(" (")[0] if group == "all" else cell
        line["p"] = builders.p_text(row.p) if np.isfinite(row.p) else ""
        if row.p_status == marks.WITHHELD:
            line["p"] = marks.D
        lines.append(line)
    first = found.iloc[0]
    counted = {"Trait": "Agencies, unweighted"}
    counted |= {name: f"{first[key]:,}" for name, key in (("With a case", "some_n"), ("Without", "none_n"))}
    lines.append(counted | {"All": f"{first['all_n']:,}", "p": ""})
    return builders.lines_table(
        "tbl-determinants-sample",
        look.caption(f"Agencies with and without a case: percent, or mean of numbers, with {look.limits}"),
        lines,
        found,
        look.source,
        "Agencies that have every variable of the largest model. p: test that agencies with and without a case are "
        "alike, Rao "
        "and Scott's second-order test [@raoscott1984] or, of means, a t test; of the population served on its "
        "logarithm. Preparation: "
        "number of its three steps.",
        (32, 24, 22, 10, 8),
        explained=marks.PROTECTED,
    )


def _headings(found: list[Model]) -> dict[str, str]:
    """Column heading of each model; the nested ones say what they add."""
    return {
        one.ident: one.title if k == 0 else f"Plus {one.title[:1].lower()}{one.title[1:]}"
        for k, one in enumerate(found)
    }


def odds_table(part: Study, found: list[Model], table: pd.DataFrame, fit: pd.DataFrame, look: Print) -> Table:
    """Odds ratios of all models, a column each; fit in the lines below."""
    lines = _by_model(part, found, table, lambda row: ratio_cell(row.ratio, row.low, row.high))
    measures = {
        "*Agencies*": lambda row: f"{row.n:,}",
        "*Agencies with a case*": lambda row: f"{row.cases:,}",
        "*Nagelkerke's R², under the design*": lambda row: f"{row.nagelkerke:.3f}",
        "*Area under the ROC curve*": lambda row: f"{row.auc:.3f}",
        "*p, test of fit*": lambda row: builders.p_text(row.fit_p),
    }
    headings = _headings(found)
    for label, cell in measures.items():
        lines.append({TERM: label} | {headings[row.model]: cell(row) for row in fit.itertuples()})
    return builders.lines_table(
        "tbl-determinants-odds",
        look.caption(f"Models of having investigated a case: odds ratios, with {look.limits}"),
        lines,
        table,
        look.source,
        "Each model has the terms of those to its left. Test of fit: F test that the mean residuals are zero "
        "[@archer2006] in "
        f"{_span(fit['groups'])} groups by fitted probability, each with the same expected number "
        "of agencies with a case. Odds ratios of one term are not to be compared between models, since they grow "
        "with what else is held "
        "constant [@mood2010]; @tbl-determinants-effects gives effects that can be.",
        (26, *[17] * len(found)),
    )


def _span(counts: pd.Series) -> str:
    """'10', or '8 to 10'."""
    low, high = counts.min(), counts.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def effects_table(part: Study, found: list[Model], table: pd.DataFrame, look: Print) -> Table:
    """Average marginal effects of all models in percentage points."""
    return builders.lines_table(
        "tbl-determinants-effects",
        look.caption(f"Average marginal effects on having investigated a case: percentage points, with {look.limits}"),
        _by_model(part, found, table, lambda row: points_cell(row.effect, row.effect_low, row.effect_high)),
        table,
        look.source,
        "Mean change of the predicted probability, over agencies as they are, when an indicator goes from no to yes, "
        "a "
        "category from the first to the one named, or a number rises by one; the sampling of the agencies counts in "
        "the "
        "intervals [@graubard1999].",
        (26, *[17] * len(found)),
    )


def _by_model(part: Study, found: list[Model], table: pd.DataFrame, cell) -> list[dict]:
    headings = _headings(found)
    cells = {(row.model, row.term): cell(row) for row in table.itertuples()}
    return [
        {TERM: column_label(part, term)} | {headings[one.ident]: cells.get((one.ident, term), "") for one in found}
        for term in dict.fromkeys(table["term"])
    ]


def parts_table(part: Study, table: pd.DataFrame, look: Print) -> Table:
    """The parts of preparation side by side, in a model that has them in place of their number."""
    data = table[table["term"].isin(part.settings["parts"])].reset_index(drop=True)
    lines = [
        {
            "Step of preparation": row.label,
            "Odds ratio": ratio_cell(row.ratio, row.low, row.high),
            "Average marginal effect": points_cell(row.effect, row.effect_low, row.effect_high),
            "p": builders.p_text(row.p),
        }
        for row in data.itertuples()
    ]
    return builders.lines_table(
        "tbl-determinants-parts",
        look.caption(f"The steps of preparation, each held constant for the others, with {look.limits}"),
        lines,
        data,
        look.source,
        f"n = {data['n'].iloc[0]:,} agencies. The largest model with the three steps in place of their number. "
        "Average marginal "
        "effects in percentage points.",
        (34, 22, 28, 8),
    )


def tests_table(tests: pd.DataFrame, look: Print) -> Table:
    """What each model adds to the one before."""
    lines = [
        {
            "Added": row.title,
            "Terms": f"{row.df}",
            "Rao-Scott statistic": f"{row.lrt_statistic:.1f}",
            "Mean eigenvalue": f"{row.mean_eigenvalue:.2f}",
            "p, Rao-Scott": builders.p_text(row.lrt_p),
            "Wald F": f"{row.wald_statistic:.1f}",
            "p, Wald": builders.p_text(row.wald_p),
        }
        for row in tests.itertuples()
    ]
    return builders.lines_table(
        "tbl-determinants-tests",
        look.caption("Tests of what each model adds to the one before it"),
        lines,
        tests,
        look.source,
        "The first model is tested against one without any variable. Rao-Scott: twice the difference of the weighted "
        "log-likelihoods (weights of mean one), referred to the sum of chi-squares that the eigenvalues of the "
        "design "
        f"effect weight [@raoscott1984; @lumley2014]. Wald: F with {tests['wald_df_residual'].min():,.0f} or more "
        "residual "
        "degrees of freedom.",
        (24, 9, 15, 14, 14, 12, 12),
    )


def counts_table(found: Counts, look: Print) -> Table:
    """Both parts of the hurdle model, and the negative binomial model."""
    headings = {"any": "Any case: odds ratio", "positive": "How many: ratio", "overall": "Negative binomial: ratio"}
    cells = {(row.part, row.term): ratio_cell(row.ratio, row.low, row.high) for row in found.ratios.itertuples()}
    labels = dict(zip(found.ratios["term"], found.ratios["label"], strict=True))
    lines = [
        {TERM: label} | {heading: cells.get((name, term), "") for name, heading in headings.items()}
        for term, label in labels.items()
    ]
    n = found.ratios.groupby("part")["n"].first()
    lines.append({TERM: "*Agencies*"} | {heading: f"{n[name]:,}" for name, heading in headings.items()})
    thetas = {"any": "", "positive": _theta(found.positive), "overall": _theta(found.overall)}
    lines.append({TERM: "*Dispersion (theta)*"} | {heading: thetas[name] for name, heading in headings.items()})
    return builders.lines_table(
        "tbl-determinants-counts",
        look.caption(f"Models of the number of cases: ratios, with {look.limits}"),
        lines,
        found.ratios,
        look.source,
        "Hurdle model [@mullahy1986]: a logistic model of any case (the last nested model), and a zero-truncated "
        "negative "
        "binomial model of the number among agencies with a case, whose ratios are those of the mean before "
        "truncation. "
        "Beside it a negative binomial model of all agencies. Agencies with a case that give no number are left out "
        "of the "
        "last two columns. Variance of the counts: mean plus its square over theta.",
        (34, 24, 24, 24),
    )


def _theta(fit) -> str:
    return f"{np.exp(fit.coefficients[-1]):.2f}"


def _agencies(number) -> str:
    """A number of agencies, which is missing only where it is withheld."""
    return marks.D if pd.isna(number) else f"{number:,}"


def robustness_table(found: Robustness, look: Print) -> Table:
    """Odds ratios of the roles, a line each way to fit the last model."""
    lines = []
    for _, part in found.table.groupby("variant", sort=False):
        cells = {row.role: ratio_cell(row.ratio, row.low, row.high) for row in part.itertuples()}
        first = part.iloc[0]
        lines.append(
            {"Model": first["title"], "Agencies": _agencies(first["n"]), "With a case": _agencies(first["cases"])}
            | {label: cells.get(role, builders.HIDDEN) for role, label in ROLES.items()}
        )
    return builders.lines_table(
        "tbl-determinants-robustness",
        look.caption(f"The largest model fitted in other ways: odds ratios, with {look.limits}"),
        lines,
        found.table,
        look.source,
        "Each line changes one thing. Unweighted: all weights equal, no strata. Multiple imputation: Rubin's rules "
        "over "
        "chained equations; agencies with a case are those of the first completed table [@rubin1987; "
        "@vanbuuren2018]. "
        "Replicate variances repeat the raking. Certainty agencies serve more than the "
        "threshold of the sample or are task-force partners, so that partnership does not vary without them. Firth: "
        "[@firth1993]. The ratio of the leader's perception is per step where another rating takes its place.",
        (28, 10, 10, 18, 18, 18, 18),
        explained=marks.PROTECTED,
    )


def diagnostics_table(part: Study, found: pd.DataFrame, look: Print) -> Table:
    """Variance inflation and influence, by term of the last model."""
    lines = [
        {
            TERM: column_label(part, row.term),
            "Variance inflation": f"{row.inflation:.2f}",
            "Largest change by one agency, in standard errors": f"{row.largest_change:.2f}",
            "Agencies over the limit": f"{row.agencies_over:,}",
        }
        for row in found.itertuples()
    ]
    return builders.lines_table(
        "tbl-determinants-diagnostics",
        look.caption("Collinearity and influence in the largest model"),
        lines,
        found,
        look.source,
        "Variance inflation under the design: the variance of the coefficient over the one it would have if its "
        "column were "
        "unrelated to the others, which under a design may be less than one [@liao2012]. Change: of the coefficient "
        "when one "
        f"agency is left out, by one Newton step [@pregibon1981]; limit: {found['limit'].iloc[0]:.3f} standard "
        "errors, two over the root of the number of agencies.",
        (34, 20, 30, 22),
    )


def sensitivity_table(part: Study, found: pd.DataFrame, look: Print) -> Table:
    """Standardized risk ratios and their E-values."""
    lines = [
        {
            "Contrast": _contrast(part, row),
            f"Risk ratio ({look.limits})": ratio_cell(row.ratio, row.low, row.high),
            "E-value": f"{row.e_value:.2f}",
            "E-value of the nearer limit": f"{row.e_value_limit:.2f}",
        }
        for row in found.itertuples()
    ]
    return builders.lines_table(
        "tbl-determinants-sensitivity",
        look.caption("How strong an unmeasured common cause would have to be"),
        lines,
        found,
        look.source,
        "Risk ratio: of the mean predicted probabilities of the largest model, all agencies at one value and at the "
        "other. "
        "E-value: least risk ratio that an unmeasured cause must have both with the variable and with having "
        "investigated a "
        "case, given all variables of the model, to explain the risk ratio, or its limit nearer to one, away "
        "[@vanderweele2017].",
        (40, 26, 12, 20),
    )


def _contrast(part: Study, row) -> str:
    """'Preparation: two steps against none', 'Task-force partner: yes against no'."""
    name = part.labels()[row.variable].split(" (")[0]
    if row.variable != part.settings["roles"]["preparation"]:
        return f"{name}: yes against no"
    return f"{name}: {_steps(row.end).lower()} against {'none' if row.start == 0 else _steps(row.start).lower()}"


# ---- figures ---------------------------------------------------------------------------------------------------------


def _wrapped(text: str, width: int = 24) -> str:
    return "\n".join(textwrap.wrap(text, width))


def _log_axis(axis, ticks: list[float], low: float, high: float) -> None:
    axis.set_xscale("log")
    axis.set_xlim(low, high)
    shown = [tick for tick in ticks if low <= tick <= high]
    axis.set_xticks(shown, [f"{tick:g}" for tick in shown])
    axis.set_xticks([], minor=True)
    axis.axvline(1, color=figures.INK, linewidth=0.9)
    axis.grid(axis="y", visible=False)


def _limits_of(low: pd.Series, high: pd.Series) -> tuple[float, float]:
    """Range of a logarithmic axis that holds all intervals, at most from a tenth to thirty."""
    return max(0.1, min(0.9, 0.9 * low.min())), min(30.0, max(1.2, 1.1 * high.max()))


def _points(axis, ratio, low, high, y, color: str, marker: str) -> None:
    error = np.abs(np.vstack([ratio - low, high - ratio]))
    axis.errorbar(
        ratio, y, xerr=error, fmt=marker, color=color, elinewidth=1.3, capsize=2.2, markersize=4.6, clip_on=True
    )


TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20]
FINE = [0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20]


def odds_figure(part: Study, found: list[Model], table: pd.DataFrame, look: Print) -> figures.Figure:
    """Odds ratios of the nested models, a panel each."""
    nested, data, titles = found, table, _headings(found)

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        terms = list(dict.fromkeys(data["term"]))
        spots = pd.Series(range(len(terms))[::-1], index=terms)
        canvas = Canvas(figsize=(figures.WIDTH, 0.9 + 0.36 * len(terms)), layout="constrained")
        axes = np.atleast_1d(canvas.subplots(1, len(nested), sharey=True))
        limits = _limits_of(data["low"], data["high"])
        last = data[data["model"] == nested[-1].ident]
        for k, (axis, one) in enumerate(zip(axes, nested, strict=True)):
            rows = data[data["model"] == one.ident]
            new = rows["term"].isin(last["term"][~last["term"].isin(_terms_before(data, nested, k))])
            for shown, color, marker in ((rows[~new], "#6B7680", "o"), (rows[new], figures.PALETTE[0], "s")):
                _points(axis, shown["ratio"], shown["low"], shown["high"], spots[shown["term"]], color, marker)
            axis.set_title(_wrapped(titles[one.ident], 15), fontsize=8.5)
            _log_axis(axis, [0.5, 1, 2, 5, 10], *limits)
        labels = data.drop_duplicates("term").set_index("term")["label"]
        axes[0].set_yticks(spots, [_wrapped(labels[term]) for term in terms], fontsize=8)
        canvas.supxlabel("Odds ratio (logarithmic scale)", fontsize=9)
        return canvas

    alt = "Panels of odds ratios with intervals, one for each model. " + " ".join(
        f"{titles[one.ident]}: "
        + ", ".join(f"{row.label} {row.ratio:.2f}" for row in data[data["model"] == one.ident].itertuples())
        + "."
        for one in nested
    )
    return figures.Figure(
        "fig-determinants-odds",
        look.caption("Odds ratios of having investigated a case, by model"),
        alt,
        data,
        look.source,
        draw,
        f"n = {nested[0].fit.n:,} agencies in each model. Bars: {ledger.level_text(look.level)} intervals. Squares "
        "are the terms "
        "that a model adds. Values: @tbl-determinants-odds.",
    )


def _terms_before(data: pd.DataFrame, nested: list[Model], k: int) -> set[str]:
    return set(data.loc[data["model"] == nested[k - 1].ident, "term"]) if k else set()


def margins_figure(data: pd.DataFrame, last: Model, look: Print) -> figures.Figure:
    """Predicted probability over the population served, a panel for each number of steps."""
    return _curves(
        "fig-determinants-margins",
        look.caption(
            "Predicted probability of having investigated a case, by population served and steps of preparation"
        ),
        data.rename(columns={"share": "value"}).assign(scale=100),
        "Predicted probability, percent",
        f"n = {last.fit.n:,} agencies. Mean predictions of the largest model with population and steps of "
        "preparation set to the "
        f"values shown and all else as it is [@graubard1999]. Bands: {ledger.level_text(look.level)} intervals on "
        "the log-odds "
        "scale. Gray: the other panels' curves.",
        look,
        "percent",
    )


def expected_figure(data: pd.DataFrame, n: int, look: Print) -> figures.Figure:
    """Expected number of cases over the population served, a panel for each number of steps."""
    return _curves(
        "fig-determinants-expected",
        look.caption("Expected number of cases investigated, by population served and steps of preparation"),
        data.assign(scale=1),
        "Expected number of cases",
        f"n = {n:,} agencies. Chance of any case times the expected number given any, of the hurdle model in "
        f"@tbl-determinants-counts. Bands: {ledger.level_text(look.level)} intervals on the log scale. Gray: the "
        "other panels' "
        "curves.",
        look,
        "cases",
    )


def _curves(ident: str, caption: str, data: pd.DataFrame, ylabel: str, notes: str, look: Print, unit: str):
    """Curves over population (log scale) with bands, one panel a number of steps; the other curves in gray."""
    data = data.reset_index(drop=True)

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        steps = sorted(data["step"].unique())
        scale = data["scale"].iloc[0]
        canvas = Canvas(figsize=(figures.WIDTH, 2.7), layout="constrained")
        axes = np.atleast_1d(canvas.subplots(1, len(steps), sharey=True))
        for axis, step in zip(axes, steps, strict=True):
            for other in steps:
                rows = data[data["step"] == other]
                if other != step:
                    axis.plot(rows["population"], scale * rows["value"], color="#B8BFC6", linewidth=1)
            rows = data[data["step"] == step]
            axis.fill_between(
                rows["population"], scale * rows["low"], scale * rows["high"], color=figures.PALETTE[0], alpha=0.2, lw=0
            )
            axis.plot(rows["population"], scale * rows["value"], "-o", color=figures.PALETTE[0], linewidth=1.8, ms=3)
            axis.set_title(_steps(step))
            axis.set_xscale("log")
            span = [p for p in (1e3, 1e4, 1e5, 1e6, 1e7) if rows["population"].min() <= p <= rows["population"].max()]
            axis.set_xticks(span, [_short(p) for p in span])
            axis.set_xticks([], minor=True)
        top = 1.04 * scale * data["high"].max()
        axes[0].set_ylim(0, min(100.0, top) if scale == 100 else top)
        axes[0].set_ylabel(ylabel)
        canvas.supxlabel("Population served (logarithmic scale)", fontsize=9)
        return canvas

    ends = [data["population"].min(), data["population"].max()]
    at = data.set_index(["step", "population"])
    places = 0 if unit == "percent" else 2
    alt = "Curves with bands over population served, a panel for each number of steps of preparation. " + " ".join(
        f"{_steps(step)}: "
        + " and ".join(
            f"{at.loc[(step, end), 'scale'] * at.loc[(step, end), 'value']:.{places}f} {unit} at {end:,} people"
            for end in ends
        )
        + "."
        for step in sorted(data["step"].unique())
    )
    return figures.Figure(ident, caption, alt, data, look.source, draw, notes)


def _steps(step: int) -> str:
    """'No step', 'One step', 'Two steps'."""
    return f"{COUNTED[step]} step{'s' if step > 1 else ''}" if step < len(COUNTED) else f"{step} steps"


def _short(population: float) -> str:
    return f"{population / 1e6:g}m" if population >= 1e6 else f"{population / 1e3:g}k"


def calibration_figure(data: pd.DataFrame, look: Print) -> figures.Figure:
    """Observed shares against mean predictions, by group of fitted probability."""

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 2.9), layout="constrained")
        half = data.iloc[: (len(data) + 1) // 2]
        panels = {"All groups": (data, 100.0), "Lower half, enlarged": (half, 112 * half["predicted"].max())}
        for axis, (title, (rows, most)) in zip(canvas.subplots(1, 2), panels.items(), strict=True):
            error = 100 * np.abs(np.vstack([rows["share"] - rows["low"], rows["high"] - rows["share"]])).astype(float)
            axis.plot([0, most], [0, most], color=figures.INK, linewidth=0.9, linestyle="--")
            axis.errorbar(
                100 * rows["predicted"],
                100 * rows["share"],
                yerr=np.nan_to_num(error),
                fmt="o",
                color=figures.PALETTE[0],
                elinewidth=1.3,
                capsize=2.2,
                markersize=4.6,
            )
            axis.set_xlim(0, most if len(rows) else 100)
            axis.set_ylim(0, min(100, 1.3 * most) if len(rows) else 100)
            axis.set_title(title)
        canvas.supxlabel("Mean predicted probability, percent", fontsize=9)
        canvas.supylabel("Observed, percent", fontsize=9)
        return canvas

    alt = "Points with intervals beside the line of equality, one for each group of fitted probability: " + (
        ", ".join(f"predicted {100 * r.predicted:.0f}, observed {100 * r.share:.0f} percent" for r in data.itertuples())
        or "none, as there are too few agencies with a case"
    )
    return figures.Figure(
        "fig-determinants-calibration",
        look.caption("Observed against predicted shares of agencies with a case, largest model"),
        alt + ".",
        data,
        look.source,
        draw,
        f"n = {int(data['n'].sum()):,} agencies in {len(data)} groups, each with the same expected number of "
        "agencies with a case. Bars: "
        f"{ledger.level_text(look.level)} logit intervals.",
    )


def robustness_figure(found: Robustness, look: Print) -> figures.Figure:
    """Odds ratios of preparation and perception, a line each way to fit the last model."""
    roles = ["preparation", "perception"]
    data = found.table[found.table["role"].isin(roles)].reset_index(drop=True)

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        variants = list(dict.fromkeys(data["variant"]))
        spots = pd.Series(range(len(variants))[::-1], index=variants)
        canvas = Canvas(figsize=(figures.WIDTH, 0.8 + 0.3 * len(variants)), layout="constrained")
        axes = canvas.subplots(1, 2, sharey=True)
        for axis, role in zip(axes, roles, strict=True):
            rows = data[data["role"] == role]
            main = rows[rows["variant"] == MAIN]
            axis.axvspan(main["low"].iloc[0], main["high"].iloc[0], color=figures.PALETTE[0], alpha=0.1, lw=0)
            for k, shown in enumerate((main, rows[rows["variant"] != MAIN])):
                _points(
                    axis,
                    shown["ratio"],
                    shown["low"],
                    shown["high"],
                    spots[shown["variant"]],
                    figures.PALETTE[k],
                    "so"[k],
                )
            axis.set_title(ROLES[role])
            low, high = _limits_of(rows["low"], rows["high"])
            _log_axis(axis, FINE if high < 5 * low else TICKS, low, high)
            axis.set_xlabel("Odds ratio (logarithmic scale)")
        titles = data.drop_duplicates("variant").set_index("variant")["title"]
        axes[0].set_yticks(spots, [_wrapped(titles[one], 34) for one in variants], fontsize=8)
        return canvas

    at = data.set_index(["variant", "role"])
    alt = (
        "Odds ratios with intervals of preparation and of the leader's perception, for each way to fit the model: "
        + "; ".join(
            f"{part['title'].iloc[0]} "
            + " and ".join(f"{at.loc[(variant, role), 'ratio']:.2f}" for role in roles if (variant, role) in at.index)
            for variant, part in data.groupby("variant", sort=False)
        )
    )
    return figures.Figure(
        "fig-determinants-robustness",
        look.caption("Preparation and the leader's perception when the largest model is fitted in other ways"),
        alt + ".",
        data,
        look.source,
        draw,
        f"Bars: {ledger.level_text(look.level)} intervals; shaded: that of the model as it is. Values and agencies: "
        "@tbl-determinants-robustness.",
    )


def simultaneity_figure(part: Study, data: pd.DataFrame, tipping: dict[str, Tipping], look: Print) -> figures.Figure:
    """Odds ratios had a share of the agencies with a case come to the variable only after it."""
    roles = ["preparation", "perception"]
    names = {role: part.settings["roles"][role] for role in roles}

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas
        from matplotlib.ticker import NullFormatter

        canvas = Canvas(figsize=(figures.WIDTH, 2.9), layout="constrained")
        axes = canvas.subplots(1, 2)
        for axis, role in zip(axes, roles, strict=True):
            rows = data[data["variable"] == names[role]]
            axis.fill_between(100 * rows["share"], rows["low"], rows["high"], color=figures.PALETTE[0], alpha=0.2, lw=0)
            axis.plot(100 * rows["share"], rows["ratio"], "-o", color=figures.PALETTE[0], linewidth=1.8, ms=3.5)
            axis.axhline(1, color=figures.INK, linewidth=0.9)
            if tipping[role].interval:
                axis.axvline(100 * tipping[role].interval, color=figures.PALETTE[1], linewidth=1.2, linestyle="--")
            axis.set_yscale("log")
            low, high = max(0.05, 0.9 * rows["low"].min()), min(20.0, 1.1 * rows["high"].max())
            axis.set_ylim(low, high)
            ticks = [tick for tick in [0.05, *TICKS] if low <= tick <= high]
            axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.yaxis.set_minor_formatter(NullFormatter())
            axis.set_xlim(0, 100 * rows["share"].max())
            axis.set_title(ROLES[role])
        axes[0].set_ylabel("Odds ratio (logarithmic scale)")
        canvas.supxlabel("Percent of the agencies concerned that came to it only after their first case", fontsize=9)
        return canvas

    alt = (
        "Two falling curves with bands: the odds ratio over the share of agencies with a case that came to it after. "
        + " ".join(
            f"{ROLES[role]}: "
            + ", ".join(
                f"{row.ratio:.2f} at {100 * row.share:.0f} percent"
                for row in data[data["variable"] == names[role]].itertuples()
            )
            + "."
            for role in roles
        )
    )
    return figures.Figure(
        "fig-determinants-simultaneity",
        look.caption(
            "Odds ratios had some of the agencies prepared, or come to see trafficking, only after their first case"
        ),
        alt,
        data,
        look.source,
        draw,
        f"Bands: {ledger.level_text(look.level)} intervals. Dashed: the share from which the interval holds one. The "
        "agencies that "
        "came to it after are any with a case and the variable above none: each counts as it is and without it, in "
        "these shares.",
    )
