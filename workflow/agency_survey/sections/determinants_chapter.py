"""Chapter 6, determinants: puts statistics, exhibits, texts and numbers together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from agency_survey import ledger
from agency_survey.codebook import Codebook
from agency_survey.design import SurveyDesign
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import slug
from agency_survey.sections import builders
from agency_survey.sections import determinants as section
from agency_survey.sections import determinants_checks as checks
from agency_survey.sections import determinants_exhibits as show
from agency_survey.sections import determinants_text as say
from agency_survey.sections.determinants_text import PREFIX

RULE = "determinants"
LOGIT = "weighted logistic regression, linearized variance"
DOMAIN = "local agencies"


def chapter(
    rows: pd.DataFrame, design: SurveyDesign, books: Sequence[Codebook], settings: dict, specs: dict
) -> Exhibits:
    """Exhibits of the chapter.

    rows, design : respondents with their answers (``national_survey.respondents``); books : codebooks of the blocks;
    settings : confidence_level; specs : ``determinants`` of config/models.yaml.
    """
    level = settings["confidence_level"]
    look = show.Print(level, books[0].synthetic)
    part = section.study(rows, design, books, specs)
    nested = section.nested(part)
    last, roles = nested[-1], specs["roles"]
    every = [*nested, section.in_parts(part, last)]
    table, fit = section.coefficients(part, every, level), section.fit_measures(part, every, level)
    whole = table[table["model"] != section.PARTS].reset_index(drop=True)
    tests, described = section.comparisons(nested), section.described(part, last, level)
    margins, groups = section.margins(part, last, level), section.calibration(part, last, level)
    counts = section.counts(part, last, level)
    robust = checks.robustness(part, last, rows, books, level)
    diagnostics, ratios = checks.diagnostics(last), checks.risk_ratios(part, last, level)
    shares, tipping = checks.simultaneity(part, last, level)
    found = say.directions(table, last, roles)

    numbers = _Recorder(level, last.fit.n)
    numbers.models(part, table, fit, tests, described, groups)
    numbers.predictions(specs, margins, counts)
    numbers.checks(specs, robust, diagnostics, ratios, tipping)
    texts = {
        "findings": say.findings(last, roles, found, tipping["preparation"]),
        "sample": say.sample_paragraph(described),
        "nested": say.nested_paragraph(tests),
        "fit": say.fit_paragraph(nested[0], last, fit, groups),
        "margins": say.margins_paragraph(last, roles, found),
        "parts": say.parts_paragraph(table, specs["parts"]),
        "counts": say.counts_paragraph(counts, roles),
        "robustness": say.robustness_paragraph(robust),
        "diagnostics": say.diagnostics_paragraph(diagnostics),
        "simultaneity": say.simultaneity_paragraph(found, tipping, ratios),
    }
    return builders.exhibits(
        numbers.numbers,
        [
            show.sample_table(described, look),
            show.odds_table(part, nested, whole, fit[fit["model"] != section.PARTS], look),
            show.effects_table(part, nested, whole, look),
            show.parts_table(part, table[table["model"] == section.PARTS], look),
            show.tests_table(tests, look),
            show.counts_table(counts, look),
            show.robustness_table(robust, look),
            show.diagnostics_table(part, diagnostics, look),
            show.sensitivity_table(part, ratios, look),
        ],
        [
            show.odds_figure(part, nested, whole, look),
            show.margins_figure(margins, last, look),
            show.expected_figure(counts.expected, last.fit.n, look),
            show.calibration_figure(groups, look),
            show.robustness_figure(robust, look),
            show.simultaneity_figure(part, shares, tipping, look),
        ],
        texts,
    )


class _Recorder:
    """Records the chapter's numbers."""

    def __init__(self, level: float, n: int):
        self.numbers, self.level, self.n = ledger.Numbers(RULE), level, n

    def add(self, key: str, value, format: str, label: str, unit: str, estimator: str, **more) -> None:
        """One number of the local agencies, '<prefix>.<key>'; more : se, interval, n."""
        if "interval" in more:
            more["level"] = self.level
        ident = f"{PREFIX}.{key}"
        common = {"format": format, "label": label, "unit": unit, "domain": DOMAIN, "estimator": estimator}
        self.numbers.add(ident, value, **common, **more)

    def count(self, key: str, value: int, label: str, unit: str = "agencies") -> None:
        """An unweighted count."""
        self.add(key, int(value), "count", label, unit, "unweighted count")

    def p(self, key: str, value: float, label: str, estimator: str) -> None:
        """A p-value."""
        self.add(key, value, "p", f"p-value: {label}", "p-value", estimator)

    def models(self, part, table, fit, tests, described, groups) -> None:
        """Terms, fit and tests of the models, and who they rest on."""
        for row in table.itertuples():
            key = f"{row.model}.{slug(row.term)}"
            ratio = {"se": row.ratio * row.se, "interval": (row.low, row.high), "n": row.n}
            self.add(f"{key}.odds", row.ratio, "number2", f"Odds ratio: {row.label}", "odds ratio", LOGIT, **ratio)
            self.p(f"{key}.p", row.p, row.label, LOGIT)
            effect = {"se": row.effect_se, "interval": (row.effect_low, row.effect_high), "n": row.n}
            label, made = f"Average marginal effect: {row.label}", "average marginal effect, linearized variance"
            self.add(f"{key}.effect", row.effect, "points1", label, "change of a probability", made, **effect)
        for row in fit.itertuples():
            self.add(
                f"{row.model}.nagelkerke", row.nagelkerke, "number2", f"R²: {row.title}", "R²", "Nagelkerke, weighted"
            )
            area = {"se": row.auc_se, "interval": (row.auc_low, row.auc_high), "n": row.n}
            label = f"Area under the ROC curve: {row.title}"
            self.add(f"{row.model}.auc", row.auc, "number2", label, "area", "weighted, linearized variance", **area)
            self.p(f"{row.model}.fit-p", row.fit_p, f"fit of: {row.title}", "F test of mean residuals")
        for row in tests.itertuples():
            self.p(f"test.{row.model}.rao-scott", row.lrt_p, row.title, "Rao-Scott likelihood-ratio test")
            self.p(f"test.{row.model}.wald", row.wald_p, row.title, "Wald F test")
        first = described.iloc[0]
        known = int(part.domain.sum())
        self.count("agencies", first["all_n"], "Agencies that have every variable of the models")
        self.count("cases", first["some_n"], "Agencies with a case among them")
        self.count("left-out", known - first["all_n"], "Agencies without some variable of the models")
        self.count("smallest-cell", described["cell"].min(), "Smallest cell of a category by the outcome")
        gap = (groups["share"] - groups["predicted"]).abs().astype(float)
        largest = float(gap.max()) if len(gap) else np.nan
        label = "Largest gap between observed and predicted shares"
        self.add(
            "calibration.largest", largest, "points1", label, "difference of shares", "groups by fitted probability"
        )

    def predictions(self, specs: dict, margins: pd.DataFrame, counts: section.Counts) -> None:
        """Predictive margins and the models of counts."""
        spec, made = specs["margins"], "predictive margin, linearized variance"
        steps = {"none": min(spec["steps"]), "all": max(spec["steps"])}
        for row in margins.itertuples():
            keys = [f"margin.{row.population}.{row.step}"]
            if row.population == spec["named"]:
                keys += [f"margin.named.{name}" for name, step in steps.items() if step == row.step]
            for key in keys:
                label = f"Predicted share with a case, {row.population:,} people, steps: {row.step}"
                limits = {"se": row.se, "interval": (row.low, row.high), "n": self.n}
                self.add(key, row.share, "percent1", label, "probability", made, **limits)
        self.count("margin.population", spec["named"], "Population that the text names", "people")
        for row in counts.ratios[counts.ratios["part"] != "any"].itertuples():
            key, label = f"{row.part}.{slug(row.term)}", f"Ratio of counts: {row.label}"
            made = "zero-truncated negative binomial" if row.part == "positive" else "negative binomial"
            limits = {"interval": (row.low, row.high), "n": row.n}
            self.add(
                f"{key}.ratio", row.ratio, "number2", label, "ratio of means", f"weighted {made} regression", **limits
            )
            self.p(f"{key}.p", row.p, row.label, f"weighted {made} regression")
        for row in counts.expected.itertuples():
            label = f"Expected number of cases, {row.population:,} people, steps: {row.step}"
            limits = {"se": row.se, "interval": (row.low, row.high), "n": self.n}
            self.add(
                f"expected.{row.population}.{row.step}", row.value, "number2", label, "cases", "hurdle model", **limits
            )
        for name, value in zip(("observed", "hurdle", "negative-binomial"), counts.zeros, strict=True):
            self.add(f"zeros.{name}", value, "percent1", f"Agencies without a case: {name}", "share of agencies", name)

    def checks(self, specs, robust, diagnostics, ratios, tipping) -> None:
        """Robustness, diagnostics and sensitivity."""
        for row in robust.table.itertuples():
            key, label = f"robust.{row.variant}.{row.role}", f"Odds ratio: {show.ROLES[row.role]}; {row.title}"
            limits = {"interval": (row.low, row.high), "n": None if pd.isna(row.n) else int(row.n)}
            self.add(key, row.ratio, "number2", label, "odds ratio", row.title, **limits)
        prepared = robust.table[robust.table["role"] == "preparation"]["ratio"]
        for name, value in (("least", prepared.min()), ("most", prepared.max())):
            label = f"Odds ratio of preparation, {name} of all fits"
            self.add(f"robust.preparation.{name}", value, "number2", label, "odds ratio", "extreme")
        self.count("robust.fits", len(prepared), "Ways to fit the largest model", "fits")
        self.count("imputations", specs["imputation"]["m"], "Completed tables", "tables")
        label = "Largest fraction of missing information"
        self.add("imputed.missing", robust.missing, "percent0", label, "share", "Rubin's rules")
        reduction = robust.scale_reduction
        label = "Largest potential scale reduction of the chains"
        self.add("imputed.scale-reduction", reduction, "number2", label, "factor", "Gelman and Rubin")
        self.count("replicates.discarded", robust.discarded, "Replicates without an estimate", "replicates")
        for key, column, label in (
            ("inflation.largest", "inflation", "Largest variance inflation"),
            ("change.largest", "largest_change", "Largest change of a coefficient by one agency, in standard errors"),
        ):
            self.add(
                key,
                diagnostics[column].max(),
                "number2",
                label,
                "factor",
                "one Newton step" if "change" in key else LOGIT,
            )
        for row in ratios.itertuples():
            key = f"e-value.{slug(row.variable)}.{row.start}-{row.end}"
            label = f"{row.variable}, {row.end} against {row.start}"
            limits = {"interval": (row.low, row.high), "n": self.n}
            made = "ratio of predictive margins"
            self.add(f"{key}.ratio", row.ratio, "number2", f"Risk ratio: {label}", "risk ratio", made, **limits)
            self.add(f"{key}.value", row.e_value, "number2", f"E-value: {label}", "risk ratio", "E-value")
            self.add(
                f"{key}.limit",
                row.e_value_limit,
                "number2",
                f"E-value of the nearer limit: {label}",
                "risk ratio",
                "E-value",
            )
        for role, one in tipping.items():
            for name in ("interval", "estimate"):
                label = f"Share that came to it after the first case at which the {name} reaches one: {role}"
                self.add(
                    f"tipping.{role}.{name}",
                    getattr(one, name),
                    "percent0",
                    label,
                    "share of agencies",
                    "refitted model",
                )
