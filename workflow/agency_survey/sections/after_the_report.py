"""Chapter 10, after the report: estimates from the LEMAS surveys of 2007, 2016 and 2020."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey import distributions, estimate, lemas
from agency_survey.design import SurveyDesign
from agency_survey.ingest import require_labels
from agency_survey.models import Fit, logistic

DOMAINS = {
    "All agencies": None,
    "Agency type": "agency_type",
    "Population served": "population_class",
    "Region": "region",
}
UNIT_OR_PERSONNEL = "Unit or designated personnel"
MODEL_TERMS = {
    "intercept": "Intercept",
    "sheriff": "Sheriff's office (against local police)",
    "log2_population": "Population served (per doubling)",
}


def domains(rows: pd.DataFrame) -> list[tuple[str, str, np.ndarray]]:
    """(breakdown, domain, bool (n,)) for all agencies, each type, population class and region."""
    found = []
    for breakdown, column in DOMAINS.items():
        if column is None:
            found.append((breakdown, breakdown, np.ones(len(rows), dtype=bool)))
        else:
            found += [(breakdown, str(c), (rows[column] == c).to_numpy()) for c in rows[column].cat.categories]
    return found


def answer_codes(rows: pd.DataFrame) -> np.ndarray:
    """Places 0..4 of the answer on human trafficking in ``lemas.ANSWERS``, -1 where missing."""
    require_labels(rows, {"answer": lemas.ANSWERS}, "the harmonized waves", lemas.MODULE)
    return rows["answer"].cat.codes.to_numpy()


def _answers_of(design: SurveyDesign, codes: np.ndarray, inside: np.ndarray) -> estimate.Estimate:
    """Shares of the five answers, then of unit or designated personnel together, in one domain."""
    indicators = np.column_stack([codes == k for k in range(len(lemas.ANSWERS))] + [(codes == 0) | (codes == 1)])
    return estimate.mean(design, indicators.astype(float), inside & (codes >= 0))


def answers(
    rows: pd.DataFrame, design: SurveyDesign, level: float
) -> tuple[pd.DataFrame, dict[str, estimate.Estimate]]:
    """Shares by answer in every domain: a long table (share, se, logit limits, n, df), and the estimates by domain."""
    codes = answer_codes(rows)
    frames, estimates = [], {}
    for breakdown, name, inside in domains(rows):
        if not (inside & (codes >= 0)).any():
            continue
        found = estimates[name] = _answers_of(design, codes, inside)
        limits = found.interval(level, "logit")
        frames.append(
            pd.DataFrame(
                {
                    "breakdown": breakdown,
                    "domain": name,
                    "answer": [*lemas.ANSWERS, UNIT_OR_PERSONNEL],
                    "share": found.value,
                    "se": found.se,
                    "low": limits[:, 0],
                    "high": limits[:, 1],
                    "n": found.n,
                    "df": found.df,
                }
            )
        )
    return pd.concat(frames, ignore_index=True), estimates


@dataclass(frozen=True)
class Change:
    """Change between two waves: long table, and the Wald test of the whole distribution for all agencies."""

    table: pd.DataFrame
    overall: estimate.Test


def changes(before: dict[str, estimate.Estimate], after: dict[str, estimate.Estimate], level: float) -> Change:
    """Change of each share in each domain that both waves have: difference, se, t limits, p."""

    frames = []
    for name in after:
        if name not in before:
            continue
        value, se, tests = estimate.change(before[name], after[name])
        df = np.array([test.df_residual for test in tests])
        half = distributions.t_quantile(0.5 + level / 2, df) * se
        frames.append(
            pd.DataFrame(
                {
                    "domain": name,
                    "answer": [*lemas.ANSWERS, UNIT_OR_PERSONNEL],
                    "before": before[name].value,
                    "after": after[name].value,
                    "change": value,
                    "se": se,
                    "low": value - half,
                    "high": value + half,
                    "t": [test.statistic for test in tests],
                    "p": [test.p for test in tests],
                }
            )
        )
    k = len(lemas.ANSWERS)
    name = "All agencies"
    first, second = (_first(part, k) for part in (before[name], after[name]))
    return Change(pd.concat(frames, ignore_index=True), estimate.wald_change(first, second))


def _first(found: estimate.Estimate, k: int) -> estimate.Estimate:
    return estimate.Estimate(found.value[:k], found.covariance[:k, :k], found.n[:k], found.df[:k], found.scores[:, :k])


def task_force(rows: pd.DataFrame, design: SurveyDesign, level: float) -> pd.DataFrame:
    """2007: share of agencies with an officer on a trafficking task force, by domain (share, se, logit limits, n, df)."""
    known = rows["task_force"].notna().to_numpy()
    y = rows["task_force"].fillna(False).to_numpy(dtype=float)
    found = []
    for breakdown, name, inside in domains(rows):
        part = estimate.mean(design, y, inside & known)
        low, high = part.interval(level, "logit")[0]
        found.append((breakdown, name, part.value[0], part.se[0], low, high, part.n[0], part.df[0]))
    return pd.DataFrame(found, columns=["breakdown", "domain", "share", "se", "low", "high", "n", "df"])


def task_force_without_doubtful(rows: pd.DataFrame, design: SurveyDesign) -> tuple[float, int]:
    """Share for all agencies when the counts 8 and 9 are read as missing, and how many agencies that concerns."""
    doubt = rows["task_force_code_in_doubt"].to_numpy()
    known = rows["task_force"].notna().to_numpy() & ~doubt
    part = estimate.mean(design, rows["task_force"].fillna(False).to_numpy(dtype=float), known)
    return float(part.value[0]), int(doubt.sum())


def preparation_model(rows: pd.DataFrame, design: SurveyDesign) -> Fit:
    """Logit of having a unit or designated personnel on type and log2 population; state agencies have no population."""
    codes = answer_codes(rows)
    population = rows["population"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    inside = (codes >= 0) & np.isfinite(population) & (rows["agency_type"] != lemas.TYPES[2]).to_numpy()
    x = pd.DataFrame(
        {
            "intercept": 1.0,
            "sheriff": (rows["agency_type"] == lemas.TYPES[1]).to_numpy(dtype=float),
            "log2_population": np.log2(np.where(inside, population, 1.0)),
        }
    )
    return logistic(design, ((codes == 0) | (codes == 1)).astype(float), x, inside)


def predicted(fit: Fit, level: float, lowest: float = 1_000, highest: float = 1_000_000) -> pd.DataFrame:
    """Predicted probability over population (log-spaced) for both types, with limits."""
    population = np.geomspace(lowest, highest, 61)
    frames = []
    for sheriff, name in enumerate(lemas.TYPES[:2]):
        x = np.column_stack([np.ones(61), np.full(61, float(sheriff)), np.log2(population)])
        p, low, high = fit.predict(x, level)
        frames.append(
            pd.DataFrame({"agency_type": name, "population": population, "probability": p, "low": low, "high": high})
        )
    return pd.concat(frames, ignore_index=True)


def weights_by_stratum(table: pd.DataFrame) -> pd.DataFrame:
    """By stratum of a wave with its whole sample: counts, base weight, recomputed and distributed factor, final weight."""
    grouped = table.groupby("stratum", observed=True)
    shown = pd.DataFrame(
        {
            "agency_type": grouped["agency_type"].agg(lambda s: s.mode().iloc[0]),
            "sampled": grouped.size(),
            "eligible": grouped["eligible"].sum(),
            "respondents": grouped["responded"].sum(),
            "base_weight": grouped["base_weight"].first(),
            "factor": grouped["nonresponse_factor"].max(),
            "distributed_factor": grouped["distributed_factor"].max(),
            "weight": grouped["weight"].max(),
            "population": grouped["weight"].sum(),
        }
    ).reset_index()
    return shown.iloc[shown["stratum"].astype(int).argsort(kind="stable")].reset_index(drop=True)
