"""Chapter 2, survey methods: its tables, figures and numbers; its wording is in ``survey_methods_text``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from agency_survey import figures, ledger, marks
from agency_survey.errors import InputError
from agency_survey.exhibits import Exhibits
from agency_survey.ingest import require_labels
from agency_survey.ledger import slug
from agency_survey.national_survey import PARTNER, SOURCES
from agency_survey.sections import survey
from agency_survey.sections import survey_methods as section
from agency_survey.sections import survey_methods_text as say
from agency_survey.sections.survey import caption
from agency_survey.sections.survey_methods import RATES
from agency_survey.tables import Table

RULE = "survey_methods"
PREFIX = say.PREFIX


def chapter(
    frame: pd.DataFrame,
    sample: pd.DataFrame,
    counts: pd.DataFrame,
    threshold: int,
    synthetic: bool,
    settings: dict,
) -> Exhibits:
    """Exhibits of the chapter.

    frame : typed frame; sample : one row a mailed survey with its weights (``national_survey.weigh``);
    counts : published counts of agencies; threshold : population above which every agency is in the sample;
    synthetic : whether the records are; settings : population_classes, nonresponse, weights, and minimum_count of the
    rules of disclosure control.
    """
    where = "workflow/agency_survey/national_survey.py"
    require_labels(sample, {"sample_source": SOURCES}, "config/codebooks/disposition.yaml", where)
    types, classes = section.frame_by_type(frame, counts), section.frame_by_class(frame, counts)
    strata = section.sample_by_stratum(frame, sample)
    sizes = settings["population_classes"]
    outcomes = section.screened_dispositions(sample, section.dispositions(sample))
    rates = section.screened_rates(sample, section.outcome_rates(sample, sizes), sizes)
    respondents = section.screened_respondents(sample)
    cells, effects = section.weights_by_cell(sample), section.design_effects(sample)
    whole = cells.groupby("group", sort=False)[["respondents", "agencies"]].sum()
    cells = section.screened_cells(cells, respondents)
    balance = section.balance(frame, sample)
    return Exhibits(
        _numbers(frame, sample, threshold, types, rates, effects, balance),
        [
            frame_table(types, classes, synthetic),
            sample_table(strata, respondents, synthetic),
            dispositions_table(outcomes, synthetic),
            rates_table(rates, synthetic),
            weights_table(cells, whole, effects, settings["weights"]["cap"], synthetic),
            balance_table(balance, settings["weights"]["raking"], synthetic),
        ],
        [
            returns_figure(section.returns(sample, settings["minimum_count"]), settings["minimum_count"], synthetic),
            response_figure(rates, synthetic),
            weights_figure(sample, respondents, synthetic),
        ],
        {
            "notice": survey.notice(synthetic),
            "findings": say.findings(rates),
            "frame": say.frame_paragraph(types),
            "steps": say.steps_paragraph(settings["nonresponse"], settings["weights"]),
            "weights": say.weights_paragraph(balance),
            "variance": say.variance_sentence(settings["weights"]["raking"]),
        },
    )


def _numbers(frame, sample, threshold, types, rates, effects, balance) -> ledger.Numbers:
    numbers = ledger.Numbers(RULE)

    def add(
        ident: str, value, format: str, label: str, unit: str, domain: str, estimator: str = "count", **more
    ) -> None:
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

    add("frame.all", len(frame), "count", "Agencies in the frame", "agencies", "frame")
    for row in types.itertuples():
        add(f"frame.{slug(row.agency_type)}", row.frame, "count", f"Frame: {row.agency_type}", "agencies", "frame")
    partners = int((frame["task_force_partner"] == PARTNER).sum())
    add("frame.partners", partners, "count", "Task-force partners in the frame", "agencies", "frame")
    add("frame.task-forces", frame["task_force"].nunique(), "count", "Task forces", "task forces", "frame")
    add("sample.mailed", len(sample), "count", "Mailed surveys", "surveys", "sample")
    for name, key in zip(SOURCES, ("random", "large", "partners"), strict=True):
        add(f"sample.{key}", int((sample["sample_source"] == name).sum()), "count", name, "surveys", "sample")
    out = ~frame["agency_id"].isin(sample["agency_id"])
    missed = int((out & (frame["population"] > threshold)).sum())
    add("sample.threshold", threshold, "count", "Population above which every agency is taken", "persons", "sample")
    add("sample.large-missed", missed, "count", "Agencies above the threshold not in the sample", "agencies", "frame")
    missed = int((out & (frame["task_force_partner"] == PARTNER)).sum())
    add("sample.partners-missed", missed, "count", "Partners not in the sample", "agencies", "frame")
    supplements = int((sample["sample_source"] != SOURCES[0]).sum())
    add("sample.supplements", supplements, "count", "Surveys of the two supplements", "surveys", "sample")
    add(
        "sample.certainties",
        int(sample["certainty"].sum()),
        "count",
        "Agencies taken with certainty",
        "agencies",
        "sample",
    )
    for name in sample["outcome"].cat.categories:
        add(f"outcome.{slug(name)}", int((sample["outcome"] == name).sum()), "count", name, "surveys", "sample")
    years = sample["outcome_on"].dt.year.mode()
    if years.empty:
        raise InputError("No disposition has a date", "data/raw/disposition.csv", "Fill in outcome_on")
    add("year", str(int(years.iloc[0])), "text", "Year of the returns", "year", "sample")
    for row in rates.itertuples():
        for rate in RATES:
            ident = f"rate.{rate.lower()}.{slug(row.group)}"
            add(
                ident,
                getattr(row, rate),
                "percent1",
                f"{rate}: {row.group}",
                "share of surveys",
                row.group,
                f"AAPOR {rate}",
                status=row.status,
            )
        share = row.complete / row.mailed
        ident = f"rate.complete.{slug(row.group)}"
        add(
            ident,
            share,
            "percent1",
            f"Completed of mailed: {row.group}",
            "share of surveys",
            row.group,
            "completed / mailed",
            status=row.status,
        )
    answered = sample[sample["responded"]]
    add("weights.sum", answered["weight"].sum(), "count", "Sum of the final weights", "agencies", "respondents", "sum")
    for key, extreme in (("least", answered["weight"].min()), ("greatest", answered["weight"].max())):
        add(f"weights.{key}", extreme, "number2", f"{key.capitalize()} final weight", "weight", "respondents", key)
    add(
        "weights.deff-base",
        effects["base"],
        "number2",
        "Kish design effect of the sampling weights",
        "ratio",
        "respondents",
        "Kish",
    )
    add(
        "weights.deff",
        effects["final"],
        "number2",
        "Kish design effect of the final weights",
        "ratio",
        "respondents",
        "Kish",
    )
    add(
        "weights.effective",
        effects["effective"],
        "count",
        "Effective number of respondents",
        "agencies",
        "respondents",
        "n / Kish design effect",
    )
    for key, column in (("unweighted", "unweighted"), ("weighted", "weighted")):
        gap = float((balance[column] - balance["frame"]).abs().max())
        add(
            f"balance.{key}",
            gap,
            "points1",
            f"Largest gap from the frame, {key}",
            "difference of shares",
            "respondents",
            "maximum",
        )
    return numbers


def _count(value: float) -> str:
    return ledger.format_value(value, "count")


def _protected(value: float, text: Callable[[float], str], row) -> str:
    """A number of a row that may be withheld."""
    return marks.of(row.status) if value != value else text(value)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}" if share == share else marks.DASH


# -- tables ----------------------------------------------------------------------------------------------------------


def frame_table(types: pd.DataFrame, classes: pd.DataFrame, synthetic: bool) -> Table:
    """The frame beside published counts: totals by type, then local agencies by population class."""
    shown = []
    for total in types.itertuples():
        shown.append(_frame_row(f"**{total.agency_type}**", total.frame, total.published, None, 1.0, 1.0))
        part = classes[classes["agency_type"] == total.agency_type]
        for size, frame, published, se in part[["class", "frame", "published", "se"]].itertuples(index=False):
            shares = frame / part["frame"].sum(), published / part["published"].sum()
            shown.append(_frame_row(_class_label(size), frame, published, se, *shares))
    data = pd.concat([types.assign(**{"class": "all"}), classes], ignore_index=True)
    return Table(
        "tbl-methods-frame",
        caption("The frame beside published counts of agencies, by type and population served", synthetic),
        pd.DataFrame(shown),
        data,
        ("synthetic frame" if synthetic else "frame of the survey")
        + "; Bureau of Justice Statistics, Census of State and Local Law Enforcement Agencies 2004 (NCJ 212749), for the "
        "totals; class counts estimated from LEMAS 2007 (ICPSR 31161).",
        "The published class counts are estimates of a later survey and add up to that survey's totals, so shares compare "
        "better than counts. Standard error: of the published count."
        + (" The synthetic frame was made from these counts: agreement is by construction." if synthetic else ""),
        widths=(34, 10, 12, 12, 12, 14),
    )


def _frame_row(label: str, frame: float, published: float, se: float | None, share: float, given: float) -> dict:
    return {
        "Agencies": label,
        "Frame": _count(frame),
        "Published": _count(published),
        "Standard error": "\N{EN DASH}" if se is None else f"{se:.1f}",
        "Frame, percent": _percent(share),
        "Published, percent": _percent(given),
    }


def _class_label(label: str) -> str:
    return label.replace("<", "Under ").replace("-", " to ").replace("+", " or more")


def sample_table(strata: pd.DataFrame, respondents: dict[str, float], synthetic: bool) -> Table:
    """The sample by stratum and source, with inclusion probabilities; respondents : ``screened_respondents``."""
    keys = strata["agency_type"].astype(str) + "; " + strata["population_class"].astype(str)
    strata = strata.assign(respondents=keys.map(respondents).fillna(np.nan).where(strata["mailed"] > 0, 0.0))
    strata = strata.assign(status=marks.withheld(strata["respondents"].isna()))
    shown = []
    for name, part in strata.groupby("agency_type", sort=False, observed=True):
        shown.append(_stratum_row(f"**{name}**", _sums(part, respondents=respondents.get(name, 0))))
        for _, row in part.iterrows():
            open_ = row["certainties"] < row["mailed"]
            shown.append(_stratum_row(row["population_class"], row, row["probability"] if open_ else None))
    shown.append(_stratum_row("**All**", _sums(strata, respondents=respondents[""])))
    return Table(
        "tbl-methods-sample",
        caption("The sample by stratum and source", synthetic),
        pd.DataFrame(shown),
        strata,
        survey.source(synthetic, weighted=False),
        "Certainties: agencies above the population threshold and partners of task forces, which are in the sample "
        "whichever source brought them in; their probability is one. Probability of the others: agencies drawn over "
        "agencies of the stratum; strata are types of agency by population served.",
        marks=marks.PROTECTED,
        widths=(26, 8, 9, 13, 13, 9, 13, 13, 13),
    )


def _sums(part: pd.DataFrame, **known: float) -> pd.Series:
    """Sums of the columns, but for those that are known: parts of them may be missing."""
    found = part.sum(numeric_only=True)
    found[list(known)] = list(known.values())
    return found


def _stratum_row(label: str, row: pd.Series, probability: float | None = None) -> dict:
    sources = list(row.index[row.index.get_loc("frame") + 1 : row.index.get_loc("mailed")])
    return {
        "Stratum": label,
        "Frame": _count(row["frame"]),
        **{name: _count(row[name]) for name in sources},
        "Mailed": _count(row["mailed"]),
        "Certainties": _count(row["certainties"]),
        "Probability of the others": "\N{EN DASH}" if probability is None else f"{probability:.3f}",
        "Respondents": marks.D if np.isnan(row["respondents"]) else _count(row["respondents"]),
    }


def dispositions_table(outcomes: pd.DataFrame, synthetic: bool) -> Table:
    """Final dispositions by mailing and mode."""
    shown = outcomes.drop(columns="status").rename(columns={"outcome": "Final disposition"})
    for name in shown.columns[1:]:
        shown[name] = [_protected(row[name], _count, row) for _, row in outcomes.iterrows()]
    shown.iloc[-1, 0] = "**All**"
    return Table(
        "tbl-methods-dispositions",
        caption("Final dispositions of the mailed surveys, by mailing and by mode of the return", synthetic),
        shown,
        outcomes,
        survey.source(synthetic, weighted=False),
        "Agencies that were never heard of stand under the last mailing and have no mode.",
        marks=marks.PROTECTED,
        widths=(30, 14, 15, 14, 8, 8, 8),
    )


def rates_table(rates: pd.DataFrame, synthetic: bool) -> Table:
    """Outcome rates of AAPOR, overall and by group."""
    shown = [
        {
            "Surveys": f"**{row.group}**" if row.breakdown == row.group else row.group,
            "Mailed": _count(row.mailed),
            "Completed": _protected(row.complete, _count, row),
            "Completed / mailed": _protected(row.complete / row.mailed, _percent, row),
            **{rate: _protected(getattr(row, rate), _percent, row) for rate in RATES},
        }
        for row in rates.itertuples()
    ]
    return Table(
        "tbl-methods-rates",
        caption("Response, cooperation, refusal and contact rates, percent", synthetic),
        pd.DataFrame(shown),
        rates,
        survey.source(synthetic, weighted=False),
        "RR1 and RR2: response rates; COOP1: cooperation rate; REF1: refusal rate; CON1: contact rate [@aapor2016]. Closed agencies are left "
        "out, undeliverable surveys count as of unknown eligibility, and partners and sources overlap with the other "
        "groups. State agencies are in no population class.",
        marks=marks.PROTECTED,
        widths=(30, 8, 10, 12, 8, 8, 8, 8, 8),
    )


def weights_table(
    cells: pd.DataFrame, whole: pd.DataFrame, effects: dict[str, float], cap: float | None, synthetic: bool
) -> Table:
    """The weights by weighting class; whole : respondents and agencies by group; cap : of ``weights`` in the settings."""
    factor = "for forms that could not be delivered and for non-response" + (", and of the trimming" if cap else "")
    shown = []
    for name, part in cells.groupby("group", sort=False):
        factors = dict.fromkeys(["Sampling weight", "Response factor", "Raking factor", "Final weight"], "\N{EN DASH}")
        shown.append(_weights_row(f"**{name}**", _sums(part, **whole.loc[name]), factors))
        for _, row in part.iterrows():
            columns = {"Sampling weight": "sampling", "Response factor": "response", "Raking factor": "raking"}
            factors = {
                head: _protected(row[column], "{:.3f}".format, row)
                for head, column in (columns | {"Final weight": "final"}).items()
            }
            shown.append(_weights_row(row["population"], row, factors))
    return Table(
        "tbl-methods-weights",
        caption("Weights by weighting class", synthetic),
        pd.DataFrame(shown),
        cells,
        survey.source(synthetic, weighted=False),
        "Means over the respondents of the class. Sampling weight: inverse inclusion probability, brought to the frame's "
        f"count of the stratum. Response factor: {factor}. Eligible: all but "
        "closed agencies, undeliverable forms included. Agencies: the sum of the final weights. Rows are classes of population served, those with "
        "too few respondents joined with a neighbor; certainty and sampled: in the sample by rule or by chance. Kish "
        f"design effect: {effects['base']:.2f} with sampling weights, {effects['final']:.2f} with final weights.",
        marks=marks.PROTECTED,
        widths=(26, 8, 9, 12, 10, 10, 9, 9, 10),
    )


def _weights_row(label: str, row: pd.Series, factors: dict[str, str]) -> dict:
    return {
        "Weighting class": label,
        "Mailed": _count(row["mailed"]),
        "Eligible": _count(row["eligible"]),
        "Respondents": marks.D if np.isnan(row["respondents"]) else _count(row["respondents"]),
        **factors,
        "Agencies": marks.D if np.isnan(row["agencies"]) else _count(row["agencies"]),
    }


def balance_table(balance: pd.DataFrame, raking: list[str], synthetic: bool) -> Table:
    """Respondents against the frame, before and after weighting; raking : the margins that the weights meet."""
    free = "Location takes no part in the weights; agreement there is a check, not a construction. "
    shown = [
        {
            "Agencies": f"{row.breakdown}: {row.group}",
            "Frame": _percent(row.frame),
            "Respondents, unweighted": _percent(row.unweighted),
            "Respondents, weighted": _percent(row.weighted),
        }
        for row in balance.itertuples()
    ]
    return Table(
        "tbl-methods-balance",
        caption("Respondents against the frame before and after weighting, percent of agencies", synthetic),
        pd.DataFrame(shown),
        balance,
        survey.source(synthetic),
        ("" if "metropolitan" in raking else free) + "The frame still holds agencies that have closed.",
        widths=(40, 12, 18, 18),
    )


# -- figures ---------------------------------------------------------------------------------------------------------


def returns_figure(counts: pd.DataFrame, least: int, synthetic: bool) -> figures.Figure:
    """Cumulative completed forms over time, by mode."""

    def draw(data: pd.DataFrame):
        from matplotlib.dates import DateFormatter, MonthLocator
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 2.7), layout="constrained")
        axis = canvas.subplots()
        for (mode, part), color, dash in zip(
            data.groupby("mode", observed=True), figures.PALETTE, ("-", "--"), strict=False
        ):
            axis.step(part["date"], part["cumulative"], dash, where="post", color=color, linewidth=1.8)
            axis.annotate(str(mode), (part["date"].iloc[-1], part["cumulative"].iloc[-1]), xytext=(5, 0),
                          textcoords="offset points", color=color, va="center", fontweight="bold")  # fmt: skip
        axis.xaxis.set_major_locator(MonthLocator())
        axis.xaxis.set_major_formatter(DateFormatter("%B"))
        axis.set_ylim(0, None)
        axis.yaxis.set_major_formatter("{x:,.0f}")
        axis.set_ylabel("Completed forms")
        axis.grid(axis="x", visible=False)
        return canvas

    ends = counts.groupby("mode", observed=True)["cumulative"].last()
    last = counts["date"].max()
    alt = (
        "Two rising step curves of completed forms by date of return, each with a steeper stretch after every mailing; by "
        f"{last:%B} {last.day}, {last.year}: "
        + ", ".join(f"{_count(value)} by {str(mode).lower()}" for mode, value in ends.items())
        + "."
    )
    return figures.Figure(
        "fig-methods-returns",
        caption(f"Completed forms by date of return and mode, {last:%Y}", synthetic),
        alt,
        counts,
        survey.source(synthetic, weighted=False),
        draw,
        f"n = {_count(ends.sum())} completed forms. Days with fewer than {least} forms stand with those that follow.",
    )


def response_figure(rates: pd.DataFrame, synthetic: bool) -> figures.Figure:
    """Response rate RR1 by type, population class and task force."""
    data = rates[rates["breakdown"].isin(["Agency type", "Population served", "Task force"])].reset_index(drop=True)
    overall = rates["RR1"].iloc[0]

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 3.3), layout="constrained")
        axis = canvas.subplots()
        step = (data["breakdown"] != data["breakdown"].shift()).cumsum() - 1
        at = -(np.arange(len(data)) + 0.6 * step.to_numpy())
        axis.axvline(100 * overall, color=figures.INK, linewidth=0.9, linestyle=":")
        axis.hlines(at, 0, 100 * data["RR1"], color="#C9D3DC", linewidth=1.4)
        for (name, part), color, marker in zip(
            data.groupby("breakdown", sort=False), figures.PALETTE, figures.MARKERS, strict=False
        ):
            axis.plot(
                100 * part["RR1"], at[part.index], marker, color=color, markersize=5.5, linestyle="none", label=name
            )
        axis.set_yticks(at, data["group"])
        axis.set_xlim(0, 100)
        axis.set_xlabel("Response rate RR1, percent (dotted: all surveys)")
        axis.grid(axis="y", visible=False)
        canvas.legend(loc="outside upper center", ncols=3, fontsize=8.5)
        return canvas

    alt = f"Points on a scale from 0 to 100 percent, all surveys {_percent(overall)}: " + "; ".join(
        f"{row.group} {_percent(row.RR1)} percent" for row in data.itertuples()
    )
    return figures.Figure(
        "fig-methods-response",
        caption("Response rate by type of agency, population served and task-force partnership", synthetic),
        alt + ".",
        data,
        survey.source(synthetic, weighted=False),
        draw,
        f"n = {_count(rates['mailed'].iloc[0])} mailed surveys; local agencies in the population classes.",
    )


def weights_figure(sample: pd.DataFrame, respondents: dict[str, float], synthetic: bool) -> figures.Figure:
    """Final weights by population class and type, of strata whose respondents may be told (``screened_respondents``)."""
    answered = sample[sample["responded"]]
    keys = ["agency_type", "population_class"]
    data = answered.groupby(keys, observed=True)["weight"].agg(n="size", least="min", median="median", greatest="max")
    data = data.reset_index()
    strata = data["agency_type"].astype(str) + "; " + data["population_class"].astype(str)
    shown = np.isfinite(strata.map(respondents))
    hidden, data = not shown.all(), data[shown].reset_index(drop=True)

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 3.2), layout="constrained")
        axis = canvas.subplots()
        labels = list(data["population_class"].cat.categories)
        groups = data.groupby("agency_type", observed=True)
        for k, ((name, part), shift) in enumerate(zip(groups, (0.22, 0, -0.22), strict=False)):
            at = -part["population_class"].cat.codes.to_numpy() + shift
            axis.hlines(at, part["least"], part["greatest"], color=figures.PALETTE[k], linewidth=1.6)
            axis.plot(
                part["median"],
                at,
                figures.MARKERS[k],
                color=figures.PALETTE[k],
                markersize=4.6,
                linestyle="none",
                label=name,
            )
        axis.set_xscale("log")
        axis.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        axis.minorticks_off()
        axis.set_yticks(-np.arange(len(labels)), labels)
        axis.set_ylabel("Population served")
        axis.set_xlabel("Final weight (logarithmic scale)")
        axis.grid(axis="y", visible=False)
        axis.legend(loc="lower right", fontsize=8.5)
        return canvas

    alt = (
        "Median final weights with their ranges, on a logarithmic scale, by population served and type of agency: "
        + "; ".join(f"{row.agency_type}, {row.population_class}: {row.median:.1f}" for row in data.itertuples())
    )
    return figures.Figure(
        "fig-methods-weights",
        caption("Final weights by type of agency and population served: median and range", synthetic),
        alt + ".",
        data,
        survey.source(synthetic, weighted=False),
        draw,
        f"n = {_count(len(answered))} respondents. Task-force partners have smaller weights than others of their class."
        + (
            " Strata whose number of respondents is left out to protect single agencies are not drawn."
            if hidden
            else ""
        ),
    )
