"""Chapter 3, perceptions: how agencies rate the prevalence of four forms of trafficking, and where their picture comes from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey import distributions, estimate
from agency_survey.design import SurveyDesign
from agency_survey.disclosure import watch
from agency_survey.ingest import require_labels
from agency_survey.sections import builders, cases, survey

FORMS = {
    "q1_sex_residents": "Sex trafficking of residents",
    "q2_sex_foreign_nationals": "Sex trafficking of foreign nationals",
    "q3_labour_residents": "Labor trafficking of residents",
    "q4_labour_foreign_nationals": "Labor trafficking of foreign nationals",
}
RATINGS = ["Widespread", "Occasional", "Rare", "Non-existent"]
PREVALENT, LITTLE = "Widespread or occasional", "Rare or non-existent"
EVERY = {"Non-existent": "Every form non-existent", LITTLE: "Every form rare or non-existent"}
SOURCES = [
    "q5a_own_cases",
    "q5b_other_agencies",
    "q5c_federal_agencies",
    "q5d_service_organisations",
    "q5e_training",
    "q5f_media",
]
NAMED = "Yes"


def _require(rows: pd.DataFrame, names, labels: list[str]) -> None:
    """Refuse answers to Part I whose labels are not those that the shares are computed from."""
    module = "workflow/agency_survey/sections/perceptions.py"
    require_labels(rows, dict.fromkeys(names, labels), "config/codebooks/part1.yaml", module)


def _rated(rows: pd.DataFrame, ratings: list[str]) -> np.ndarray:
    """bool (n, 4): the agency gave the form one of these ratings."""
    return np.column_stack([rows[name].isin(ratings) for name in FORMS])


def by_form(rows: pd.DataFrame, design: SurveyDesign, parts: list, level: float) -> pd.DataFrame:
    """Shares of the ratings, and of two pairs of them, among agencies that rated the form; by form and domain."""
    _require(rows, FORMS, RATINGS)
    found = []
    for name, form in FORMS.items():
        indicators = {rating: (rows[name] == rating).to_numpy() for rating in RATINGS}
        indicators[PREVALENT] = rows[name].isin(RATINGS[:2]).to_numpy()
        indicators[LITTLE] = rows[name].isin(RATINGS[2:]).to_numpy()
        known = rows[name].notna().to_numpy()
        found.append(survey.shares(design, indicators, known, parts, level).assign(variable=name, form=form))
    return pd.concat(found, ignore_index=True)


def every_form(rows: pd.DataFrame, design: SurveyDesign, parts: list, level: float) -> pd.DataFrame:
    """Shares of agencies whose every rating is non-existent, or rare or non-existent, among those that rated any form."""
    _require(rows, FORMS, RATINGS)
    any_rating = _rated(rows, RATINGS)
    indicators = {
        EVERY["Non-existent"]: (_rated(rows, RATINGS[3:]) | ~any_rating).all(axis=1),
        EVERY[LITTLE]: (_rated(rows, RATINGS[2:]) | ~any_rating).all(axis=1),
    }
    return survey.shares(design, indicators, any_rating.any(axis=1), parts, level)


def without_rating(rows: pd.DataFrame, design: SurveyDesign, level: float) -> pd.DataFrame:
    """By form: share of don't know among agencies that answered, and counts of refused and left-out answers."""
    everybody = [(survey.ALL, survey.ALL, np.ones(len(rows), dtype=bool))]
    found = []
    for name, form in FORMS.items():
        kind = rows[f"{name}__missing"]
        unsure = (kind == "dont_know").to_numpy()
        part = survey.shares(design, {"Don't know": unsure}, unsure | rows[name].notna().to_numpy(), everybody, level)
        counts = {"refused": int((kind == "refused").sum()), "left_out": int((kind == "missing").sum())}
        counts["invalid"] = int(kind.isin(["invalid", "not_asked"]).sum())
        found.append(part.assign(variable=name, form=form, **counts))
    return pd.concat(found, ignore_index=True)


def group_tests(rows: pd.DataFrame, design: SurveyDesign, parts: list) -> pd.DataFrame:
    """Tests over the groups, and of the trend over classes of population, of the share that sees little of each form.

    As ``builders.adjusted``, the forms being its measures.
    """
    return builders.adjusted(
        *(
            builders.tests(
                design, {form: rows[name].isin(RATINGS[2:]).to_numpy()}, rows[name].notna().to_numpy(), parts
            )
            for name, form in FORMS.items()
        )
    )


def unsure_most(rows: pd.DataFrame, design: SurveyDesign, level: float) -> cases.Leader:
    """The form on which the largest share of the agencies that answered say that they don't know."""
    unsure = {form: (rows[f"{name}__missing"] == "dont_know").to_numpy() for name, form in FORMS.items()}
    known = {form: rows[name].notna().to_numpy() | unsure[form] for name, form in FORMS.items()}
    return cases.first_of(design, {form: (unsure[form], known[form]) for form in unsure}, level)


def source_named_most(rows: pd.DataFrame, design: SurveyDesign, labels: dict[str, str], level: float) -> cases.Leader:
    """The source that the largest share of agencies names, among those that answered on it."""
    return cases.first_of(
        design,
        {labels[name]: ((rows[name] == NAMED).to_numpy(), rows[name].notna().to_numpy()) for name in SOURCES},
        level,
    )


def sources(
    rows: pd.DataFrame, design: SurveyDesign, labels: dict[str, str], parts: list, level: float
) -> pd.DataFrame:
    """Shares of agencies that name each source, among those that answered on it; by source and domain."""
    _require(rows, SOURCES, [NAMED, "No"])
    found = []
    for name in SOURCES:
        named = {labels[name]: (rows[name] == NAMED).to_numpy()}
        found.append(survey.shares(design, named, rows[name].notna().to_numpy(), parts, level).assign(variable=name))
    return pd.concat(found, ignore_index=True)


@dataclass(frozen=True)
class Difference:
    """A difference between domains or forms: value, standard error, limits and p-value of the t test of zero."""

    name: str
    value: float
    se: float
    low: float
    high: float
    p: float


def size_differences(rows: pd.DataFrame, design: SurveyDesign, parts: list, level: float) -> list[Difference]:
    """Largest population class less the other local agencies: share rating each form widespread or occasional.

    The last entry is the difference of these differences: mean of the two sex forms less mean of the two labour forms.
    """
    _require(rows, FORMS, RATINGS)
    classes = [inside for breakdown, _, inside in parts if breakdown == "Population served"]
    large, others = classes[-1], np.any(classes[:-1], axis=0)
    estimates = []
    for name in FORMS:
        high = rows[name].isin(RATINGS[:2]).to_numpy(dtype=float)
        known = rows[name].notna().to_numpy()
        estimates += [estimate.mean(design, high, known & large), estimate.mean(design, high, known & others)]
    together = estimate.stack(design, estimates)
    found = []
    for k, name in enumerate(FORMS):
        coefficients = np.zeros(8)
        coefficients[2 * k : 2 * k + 2] = 1, -1
        found.append(_difference(together, coefficients, name, level))
        known, high = rows[name].notna().to_numpy(), rows[name].isin(RATINGS[:2]).to_numpy()
        watch.require_kept(
            f"{FORMS[name]}: largest communities less others",
            (found[-1].value, found[-1].se),
            [(known & group, high, name) for group in (large, others)],
        )
    sex_over_labour = np.array([1, -1, 1, -1, -1, 1, -1, 1]) / 2
    return [*found, _difference(together, sex_over_labour, "sex_over_labour", level)]


def _difference(together: estimate.Estimate, coefficients: np.ndarray, name: str, level: float) -> Difference:
    value, se, test = estimate.contrast(together, coefficients)
    half = distributions.t_quantile(0.5 + level / 2, test.df_residual) * se
    return Difference(name, value, se, value - half, value + half, test.p)
