"""Appendix B, the cleaning audit: its tables, figures and numbers.

Counts and estimates only: no identifier and no text of a record is shown.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey import figures, ledger, marks, tables
from agency_survey.cleaning import Cleaned
from agency_survey.codebook import SURVEY, Codebook
from agency_survey.design import SurveyDesign
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import format_value, level_text
from agency_survey.sections import cleaning_audit as section
from agency_survey.sections import survey
from agency_survey.sections.cleaning_audit import Scored
from agency_survey.sections.cleaning_audit_text import (
    NAMES,
    PREFIX,
    corrections,
    effect_paragraph,
    findings,
    plural,
    score_paragraph,
)
from agency_survey.sections.survey import caption
from agency_survey.tables import DASH, NOISE, Table

RULE = "cleaning_audit"
SIDES = {"returned": "As returned", "cleaned": "As cleaned"}
DOMAINS = {"part1": survey.ALL, "part2": "Agencies with Part II", "part3": "Cases described in Part III"}
FORMAT = {"share": "percent1", "ratio": "percent1", "mean": "number1", "total": "count"}
DELIMITED = {"csv", "tsv"}
MOST = 8  # variables of a file that the table of changes names
KINDS = {
    "duplicate_return": "Second return of an agency",
    "id_typo": "Mistyped identifier",
    "text_number": "Number in words",
    "code_variant": "Code in another form",
    "trailing_blank": "Blanks around a value",
    "skip_answered": "Answered though not asked",
    "skip_unanswered": "Not asked though it should have been",
    "case_without_part1": "Cases that Part I denies",
    "out_of_range": "Outside the codebook",
    "impossible_date": "Impossible date",
    "orphan_case": "Case without a return",
    "cross_part_count": "Counts that differ between parts",
    "encoding": "Text in another encoding",
    "sum_mismatch": "Ages that do not add up",
}
OUTCOMES = {"repaired": "Repaired", "queried": "Open query", "silent": "Silent", "wrong": "Wrong"}


@dataclass(frozen=True)
class Flow:
    """What ingest found out about each file (sources), and what rule clean left (counts: its counts.json)."""

    sources: dict[str, dict]
    counts: dict
    cleaned: Cleaned


def appendix(
    flow: Flow,
    designs: dict[str, tuple[pd.DataFrame, SurveyDesign]],
    returned: dict[str, pd.DataFrame],
    found: Scored,
    books: dict[str, Codebook],
    settings: dict,
) -> Exhibits:
    """Exhibits of the appendix.

    designs : as of ``cleaning_audit.effect``; returned : tables by file as they came in, of
    ``cleaning_audit.as_returned``; settings : confidence_level, reliability.
    """
    level, limits = settings["confidence_level"], settings["reliability"]
    synthetic = books["part1"].synthetic
    log, queries = flow.cleaned.log, flow.cleaned.queries
    records = records_of(flow)
    rules = section.by_rule(flow.counts, log, queries)
    variables = section.by_variable(log, queries, books)
    moved = masked(section.effect(designs, returned, flow.cleaned.tables, books, level), limits)
    numbers = ledger.Numbers(RULE)
    add_counts(numbers, records, rules, section.set_aside(queries))
    add_effect(numbers, moved, level)
    add_score(numbers, found)
    return Exhibits(
        numbers,
        [
            files_table(records, books, synthetic),
            rules_table(rules, synthetic),
            variables_table(variables, books, synthetic),
            effect_table(moved, limits, level, synthetic),
            score_table(found, synthetic),
        ],
        [rules_figure(rules, synthetic), effect_figure(moved, level, synthetic)],
        {
            "findings": findings(records, rules),
            "corrections": corrections(log, books),
            "effect": effect_paragraph(moved),
            "score": score_paragraph(found),
        },
    )


# -- numbers -----------------------------------------------------------------------------------------------------------


def records_of(flow: Flow) -> pd.DataFrame:
    """Counts of records and cells by file, and how the file was read."""
    rows = []
    for name in SURVEY:
        counts, source = flow.counts["files"][name], flow.sources[name]
        wanted = {key: counts[key] for key in ("records_in", "second_returns", "set_aside", "records_out", "cells")}
        how = {"format": source["format"], "encoding": source["encoding"], "delimiter": source["delimiter"]}
        rows.append({"name": name, "file": counts["file"], **how, "rows_1252": len(source["windows_1252"]), **wanted})
    return pd.DataFrame(rows)


def add_counts(numbers: ledger.Numbers, records: pd.DataFrame, rules: pd.DataFrame, aside: int) -> None:
    """Records in and out, changes, queries and corrections."""

    def add(ident: str, value: float, label: str, domain: str = "all files", format: str = "count") -> None:
        unit = "count" if format == "count" else "share of cells"
        numbers.add(f"{PREFIX}.{ident}", value, format=format, label=label, unit=unit, domain=domain, estimator="count")

    for row in records.itertuples():
        for key, label in (("records_in", "Records that came in"), ("records_out", "Records that went on")):
            add(f"{key.replace('_', '.')}.{row.name}", getattr(row, key), label, row.file)
    parts = records[records["name"].str.startswith("part")]
    for ident, column, label in (
        ("records.in.all", "records_in", "Records that came in"),
        ("records.out.all", "records_out", "Records that went on"),
        ("second-returns", "second_returns", "Second returns"),
    ):
        add(ident, int(parts[column].sum()), label, "Parts I to III")
    add("set-aside", aside, "Records set aside until answered")
    edits = rules["kind"] == "edit"
    add("rules.edit", int(edits.sum()), "Edit rules")
    add("rules.check", int((rules["kind"] == "check").sum()), "Checks")
    add("changes", int(rules["changes"].sum()), "Rows of the edit log")
    add("cells", int(parts["cells"].sum()), "Cells", "Parts I to III")
    add(
        "changes.share",
        rules["changes"].sum() / parts["cells"].sum(),
        "Rows of the edit log, by cell",
        format="percent1",
    )
    add("queries", int(rules["queries"].sum()), "Open queries")
    add("queries.share", rules["queries"].sum() / parts["cells"].sum(), "Open queries, by cell", format="percent1")
    add("corrections", int(rules.loc[rules["kind"] == "correction", "changes"].sum()), "Corrections applied")


def masked(moved: pd.DataFrame, limits: dict) -> pd.DataFrame:
    """Estimates as they may be shown: missing where either of the two is too uncertain, limits where nothing varies."""
    moved = moved.copy()
    for side in SIDES:
        moved.loc[~(moved[f"se_{side}"] > NOISE), [f"low_{side}", f"high_{side}"]] = np.nan
        moved[f"state_{side}"] = [_state(row, side, limits) for _, row in moved.iterrows()]
        hidden = moved[f"state_{side}"] == "hidden"
        moved.loc[hidden, [f"{name}_{side}" for name in ("value", "se", "low", "high")]] = np.nan
    either = (moved[[f"state_{side}" for side in SIDES]] == "hidden").any(axis=1)
    moved.loc[either, ["difference", "difference_se", "p"]] = np.nan
    return moved


def _state(row: pd.Series, side: str, limits: dict) -> str:
    """'shown', 'flagged' or 'hidden'; shares as everywhere, means and totals by their relative standard error."""
    value, se, n = row[f"value_{side}"], row[f"se_{side}"], row[f"n_{side}"]
    if row["kind"] in ("share", "ratio"):
        return tables.reliability(value, se, n, limits)
    if n < limits["hide_n"] or not (math.isfinite(value) and math.isfinite(se)):
        return "hidden"
    relative = se / abs(value) if abs(value) > NOISE else 0.0
    return "hidden" if relative > limits["hide_rse"] else "flagged" if relative > limits["flag_rse"] else "shown"


def add_effect(numbers: ledger.Numbers, moved: pd.DataFrame, level: float) -> None:
    """Both estimates and their difference, and the largest of the moves."""
    units = {measure.key: measure.unit for measure in section.MEASURES}
    for row in moved.itertuples():
        base, form = f"{PREFIX}.{row.key}", FORMAT[row.kind]
        for side, said in SIDES.items():
            numbers.add(
                f"{base}.{side}",
                getattr(row, f"value_{side}"),
                format=form,
                label=f"{row.label}, {said.lower()}",
                unit=units[row.key],
                domain=DOMAINS[row.part],
                estimator=f"weighted {row.kind}, linearized variance",
                se=getattr(row, f"se_{side}"),
                interval=(getattr(row, f"low_{side}"), getattr(row, f"high_{side}")),
                level=level,
                n=getattr(row, f"n_{side}"),
            )
        numbers.add(
            f"{base}.difference",
            row.difference,
            format="points1" if form == "percent1" else form,
            label=f"{row.label}, as cleaned less as returned",
            unit=units[row.key],
            domain=DOMAINS[row.part],
            estimator="contrast of two estimates on one design, linearized variance",
            se=row.difference_se,
        )
    for ident, value, form, label in (
        ("largest.share", section.largest_share(moved)[1], "points1", "Largest move of a share"),
        (
            "largest.errors",
            section.largest_in_errors(moved)[1],
            "number2",
            "Largest move in standard errors of the estimate",
        ),
    ):
        numbers.add(
            f"{PREFIX}.{ident}", value, format=form, label=label, unit="absolute difference", domain=survey.ALL,
            estimator="contrast of two estimates on one design",
        )  # fmt: skip


def add_score(numbers: ledger.Numbers, found: Scored) -> None:
    """Counts of faults by what became of them; nothing where there is no list."""
    if found.score is None:
        return
    kinds = found.score.kinds
    counts = {name: int(kinds[name].sum()) for name in ("injected", *OUTCOMES)}
    counts |= {"altered": len(found.score.altered), "pending": len(found.score.pending)}
    counts["kinds"] = len(kinds)
    labels = {"injected": "Faults injected", "altered": "Valid values altered", "kinds": "Kinds of faults"}
    labels["pending"] = "Valid values read as missing because of an open query"
    for name, value in counts.items():
        label = labels.get(name) or f"Faults: {OUTCOMES[name].lower()}"
        numbers.add(
            f"{PREFIX}.score.{name}", value, format="count", label=label, unit="count", domain="injected faults",
            estimator="count",
        )  # fmt: skip
    share = (counts["repaired"] + counts["queried"]) / counts["injected"]
    numbers.add(
        f"{PREFIX}.score.share", share, format="percent1", label="Faults repaired or on the list of queries",
        unit="share of faults", domain="injected faults", estimator="count",
    )  # fmt: skip


# -- tables ------------------------------------------------------------------------------------------------------------


def files_table(records: pd.DataFrame, books: dict[str, Codebook], synthetic: bool) -> Table:
    """Records in and out, and how each file was read."""
    shown = pd.DataFrame(
        [
            {
                "File": f"{NAMES[row.name]} ({row.file})",
                "Read as": read_as(row),
                "Records in": f"{row.records_in:,}",
                "Second returns": f"{row.second_returns:,}",
                "Set aside": f"{row.set_aside:,}",
                "Records out": f"{row.records_out:,}",
            }
            for row in records.itertuples()
        ]
    )
    return Table(
        "tbl-cleaning-files",
        caption("What came in and what went on, by file", synthetic),
        shown,
        records,
        survey.source(synthetic, weighted=False),
        "Second returns were merged into the return that was kept. Records set aside wait for an answer to a query.",
        left=("Read as",),
        widths=(26, 36, 12, 12, 12, 12),
    )


def read_as(row) -> str:
    """'CSV, comma, UTF-8; 15 rows in Windows-1252', of a row of ``records_of``."""
    words = [row.format.upper()]
    if row.format in DELIMITED:
        words += [row.delimiter, "UTF-8" if row.encoding.startswith("utf-8") else row.encoding]
    rows = plural(row.rows_1252, "row", "rows")
    return ", ".join(word for word in words if word) + (
        f"; {row.rows_1252:,} {rows} in Windows-1252" if row.rows_1252 else ""
    )


def rule_label(name: str) -> str:
    """'Cases of Part II' of cases_of_part2."""
    text = name.replace("_", " ")
    for part in ("part1", "part2", "part3"):
        text = text.replace(part, NAMES[part])
    return text[:1].upper() + text[1:]


def rules_table(rules: pd.DataFrame, synthetic: bool) -> Table:
    """Each rule with its statement, and how often it changed something or asked."""
    rows = [
        {
            "Rule": rule_label(row.rule),
            "What it does": plain(row.statement),
            "Changes": f"{row.changes:,}",
            "Open queries": f"{row.queries:,}",
        }
        for row in rules.itertuples()
    ]
    total = {"Rule": "**All**", "What it does": ""}
    total |= {"Changes": f"**{rules['changes'].sum():,}**", "Open queries": f"**{rules['queries'].sum():,}**"}
    return Table(
        "tbl-cleaning-rules",
        caption("Changes and open queries by rule, in the order of the rules", synthetic),
        pd.DataFrame([*rows, total]),
        rules,
        survey.source(synthetic, weighted=False),
        "A change is a row of the edit log, on a cell or a whole record; a cell may be changed by more than one rule. "
        "An open "
        "query is a cell or a record that a person must decide on.",
        left=("What it does",),
        widths=(26, 70, 11, 11),
    )


def plain(text: str) -> str:
    """Text for a table cell, with what Markdown would read as markup escaped."""
    return re.sub(r"([*_\[\]<>~^$`#@])", r"\\\1", text)


def variables_table(variables: pd.DataFrame, books: dict[str, Codebook], synthetic: bool) -> Table:
    """Changes and open queries of each file's variables that have most of them; the data have all variables."""
    rows = []
    for name, part in variables.groupby("file", sort=False):
        counts = {"Changes": f"**{part['changes'].sum():,}**", "Open queries": f"**{part['queries'].sum():,}**"}
        rows.append({"Variable": f"**{NAMES[name]}**", "Label": "", **counts})
        order = (part["changes"] + part["queries"]).sort_values(ascending=False, kind="stable").index
        rest, part = part.loc[order[MOST:]], part.loc[order[:MOST].sort_values()]
        rows += [
            {
                "Variable": row.variable or "(whole record)",
                "Label": row.label,
                "Changes": f"{row.changes:,}",
                "Open queries": f"{row.queries:,}",
            }
            for row in part.itertuples()
        ]
        if len(rest):
            counts = {"Changes": f"{rest['changes'].sum():,}", "Open queries": f"{rest['queries'].sum():,}"}
            rows.append({"Variable": f"{len(rest)} more", "Label": "", **counts})
    if not rows:
        rows = [{"Variable": "None", "Label": "", "Changes": "0", "Open queries": "0"}]
    return Table(
        "tbl-cleaning-variables",
        caption("Changes and open queries by variable", synthetic),
        pd.DataFrame(rows),
        variables,
        survey.source(synthetic, weighted=False),
        f"Each file's variables with most changes and queries, {MOST} at most; the table's data file lists all that have any.",
        left=("Label",),
        widths=(34, 60, 12, 12),
    )


def effect_table(moved: pd.DataFrame, limits: dict, level: float, synthetic: bool) -> Table:
    """Estimates as returned and as cleaned, their difference, and how many records are behind it."""
    shown = pd.DataFrame(
        [
            {
                "Estimate": _label(row),
                "As returned": _cell(row, "returned", limits_too=False),
                "n": f"{row.n_returned:,}",
                "As cleaned": _cell(row, "cleaned"),
                "n ": f"{row.n_cleaned:,}",
                "Difference (s.e.)": _difference(row),
                "Differ": f"{row.differ:,}",
            }
            for row in moved.itertuples()
        ]
    )
    return Table(
        "tbl-cleaning-effect",
        caption(f"Headline estimates before and after cleaning, with {level_text(level)} interval", synthetic),
        shown,
        moved,
        survey.source(synthetic),
        "Shares in percent, their differences in percentage points. As returned: cells as the codebook reads them, "
        "what it cannot read as missing; of several returns the first; records whose identifier is not found left out. "
        "Both use the weights and the design of the cleaned data, so that a difference comes from the answers alone; its "
        "standard error (s.e.) takes into account that both rest on one sample. n: agencies (in the last two rows, cases) "
        "that count, unweighted; Differ: those that enter the two estimates with other answers, or one of them only. "
        "Totals are of records with a valid number and are not raised for those without; a case counts with the weight of "
        "its agency, and cases that an agency did not describe are not counted.",
        widths=(34, 14, 9, 26, 9, 19, 9),
        marks=marks.explained(limits),
    )


def _label(row) -> str:
    kind = {"share": "percent", "ratio": "percent of those of known age", "total": "total"}.get(row.kind, "")
    return f"{row.label} ({kind})" if kind else row.label


def _cell(row, side: str, limits_too: bool = True) -> str:
    """'43.7 (41.8–45.6)', or without its limits; shares in percent."""
    value, low, high = (getattr(row, f"{name}_{side}") for name in ("value", "low", "high"))
    if not math.isfinite(value):
        return "\N{EN DASH}"
    text = _figure(value, row.kind) + ("\\*" if getattr(row, f"state_{side}") == "flagged" else "")
    if not limits_too:
        return text
    return text + (
        f" ({_figure(low, row.kind)}{DASH}{_figure(high, row.kind)})"
        if math.isfinite(low) and math.isfinite(high)
        else ""
    )


def _figure(value: float, kind: str, places: int = 1) -> str:
    """A number of the table: shares in percent without the sign, totals whole."""
    form = "count" if kind == "total" else f"number{places}"
    return format_value(100 * value if kind in ("share", "ratio") else value, form)


def _difference(row) -> str:
    """'−0.42 (0.13)'; '0' where nothing moved."""
    if not math.isfinite(row.difference):
        return "\N{EN DASH}"
    if abs(row.difference) <= NOISE and row.differ == 0:
        return "0"
    return f"{_figure(row.difference, row.kind, 2)} ({_figure(row.difference_se, row.kind, 2)})"


def score_table(found: Scored, synthetic: bool) -> Table:
    """What became of the injected faults, by kind; a sentence where there is no list of them."""
    ident, title = "tbl-cleaning-score", "What became of the faults that were put in, by kind"
    source = survey.source(synthetic, weighted=False)
    if found.score is None:
        return tables.unavailable(ident, title, found.reason, source)
    order = {kind: place for place, kind in enumerate(KINDS)}
    kinds = found.score.kinds.sort_values("kind", key=lambda names: names.map(order), ignore_index=True)
    columns = {"injected": "Injected", **OUTCOMES}
    rows = [
        {
            "Kind of fault": KINDS.get(row["kind"], rule_label(row["kind"])),
            **{label: f"{row[name]:,}" for name, label in columns.items()},
            "Repaired or asked": f"{100 * row['share']:.1f}%",
        }
        for _, row in kinds.iterrows()
    ]
    share = (kinds["repaired"].sum() + kinds["queried"].sum()) / kinds["injected"].sum()
    total = {label: f"**{kinds[name].sum():,}**" for name, label in columns.items()}
    rows.append({"Kind of fault": "**All**", **total, "Repaired or asked": f"**{100 * share:.1f}%**"})
    return Table(
        ident,
        caption(title, synthetic),
        pd.DataFrame(rows),
        kinds,
        source,
        "Repaired: the cleaned value is the true one and the edit log has the change. Open query: the cell or its "
        "record is on the list of queries. Silent: neither. Wrong: changed to a value that is not the true one. Valid "
        f"values without a fault that cleaning altered: {len(found.score.altered):,}; that it reads as missing because "
        "of an open query: "
        f"{len(found.score.pending):,}.",
        widths=(38, 12, 12, 14, 10, 10, 16),
    )


# -- figures -----------------------------------------------------------------------------------------------------------


def rules_figure(rules: pd.DataFrame, synthetic: bool) -> figures.Figure:
    """Bars: changes and open queries of each rule that did something."""
    ident, title = "fig-cleaning-rules", caption("Changes and open queries by rule", synthetic)
    source = survey.source(synthetic, weighted=False)
    data = rules.loc[(rules["changes"] > 0) | (rules["queries"] > 0), ["rule", "kind", "changes", "queries"]]
    if data.empty:
        return figures.unavailable(ident, title, "No rule changed anything or had a question.", source)
    data = data.reset_index(drop=True)

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 0.6 + 0.27 * len(data)), layout="constrained")
        axis = canvas.subplots()
        at = np.arange(len(data))[::-1]
        for name, shift, color, label in (
            ("changes", 0.19, figures.PALETTE[0], "Changes"),
            ("queries", -0.19, figures.PALETTE[5], "Open queries"),
        ):
            values = data[name].to_numpy()
            both = (data[["changes", "queries"]] > 0).all(axis=1)
            places = at + np.where(both, shift, 0.0)
            axis.barh(places, values, height=0.36, color=color, label=label)
            for place, value in zip(places, values, strict=True):
                if value:
                    axis.annotate(
                        f"{value:,}",
                        (value, place),
                        (2, 0),
                        textcoords="offset points",
                        va="center",
                        fontsize=7,
                    )
        axis.set_yticks(at, [rule_label(name) for name in data["rule"]])
        axis.set_xlabel("Rows of the edit log or of the list of queries")
        axis.margins(x=0.07, y=0.02)
        axis.grid(axis="y", visible=False)
        canvas.legend(loc="outside upper right", ncols=2, fontsize=8.5)
        return canvas

    alt = f"Bars of changes and of open queries for {len(data)} rules. " + " ".join(
        f"{rule_label(row.rule)}: {row.changes:,} changes, {row.queries:,} open queries." for row in data.itertuples()
    )
    return figures.Figure(
        ident, title, alt, data, source, draw, "Rules that changed nothing and asked nothing are left out."
    )


def effect_figure(moved: pd.DataFrame, level: float, synthetic: bool) -> figures.Figure:
    """Points with intervals, before and after, in percent of the cleaned estimate, so that all are on one scale."""
    columns = [f"{name}_{side}" for side in SIDES for name in ("value", "low", "high")]
    data = moved.loc[moved["value_returned"].notna() & (moved["value_cleaned"] > NOISE), ["key", "label", *columns]]
    data[columns] = data[columns].div(data["value_cleaned"].to_numpy(copy=True), axis=0)
    ident = "fig-cleaning-effect"
    title = (
        f"Headline estimates before and after cleaning, in percent of the latter, with {level_text(level)} intervals"
    )
    source = survey.source(synthetic)
    if data.empty:
        return figures.unavailable(ident, title, "No estimate is certain enough to be shown.", source)

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 0.9 + 0.31 * len(data)), layout="constrained")
        axis = canvas.subplots()
        at = np.arange(len(data))[::-1]
        for k, (side, label) in enumerate(SIDES.items()):
            points = data.rename(columns={f"value_{side}": "share", f"low_{side}": "low", f"high_{side}": "high"})
            figures.intervals(axis, points, at + 0.15 - 0.3 * k, figures.PALETTE[1 - k], figures.MARKERS[1 - k], label)
        axis.set_yticks(at, data["label"])
        axis.set_ylim(-0.6, len(data) - 0.4)
        axis.axvline(100, color=figures.INK, linewidth=0.8, zorder=0)
        axis.set_xlabel("Percent of the estimate as cleaned")
        axis.grid(axis="y", visible=False)
        canvas.legend(loc="outside upper right", ncols=2, fontsize=8.5)
        return canvas

    alt = (
        "Points with intervals, as returned and as cleaned, on the scale of the cleaned estimates. As returned, "
        + "; ".join(
            f"{row.label}: {100 * row.value_returned:.1f} percent of the cleaned estimate" for row in data.itertuples()
        )
    )
    return figures.Figure(
        ident,
        caption(title, synthetic),
        f"{alt}.",
        data,
        source,
        draw,
        "Both are divided by the cleaned estimate; @tbl-cleaning-effect has them in their own units. Estimates that "
        "are too "
        "uncertain to be shown are left out.",
    )
