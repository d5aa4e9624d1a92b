"""Chapter 4, preparation: training, protocol and personnel, the index of the three, assignment of cases, the state's law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey import estimate, hypotheses
from agency_survey.design import SurveyDesign
from agency_survey.disclosure import watch
from agency_survey.ingest import require_labels
from agency_survey.sections import builders, cases, survey

YES, NO = "Yes", "No"
UNIT, DESIGNATED, NEITHER = "Specialized unit", "Designated personnel", "Neither"
STEPS = {"Training": "q6_training", "Protocol or policy": "q9_protocol", "Unit or personnel": "q10_personnel"}
TRAINING = "Training"
FORMS = ["q6a_roll_call", "q6b_academy", "q6c_in_service", "q6d_conference", "q6e_online"]
ASSIGNED = [
    "Detectives or investigations",
    "Vice or organized crime",
    "Patrol",
    "Trafficking unit or officer",
    "Referred to another agency",
    "Other",
]
COUNTS = ["None of the three", "One", "Two", "All three"]
MEAN = "Mean index"
QUARTILES = {"Lower quartile": 0.25, "Median": 0.5, "Upper quartile": 0.75}
OFFICERS = "Officers trained"
KNOWS, DENIES, UNSURE = "Has a law", "Has no law", "Don't know"
QUESTIONS = {
    "q6_training": "Any training",
    "q7_training_hours": "Hours of training",
    "q8_officers_trained": "Percent of officers trained",
    "q9_protocol": "Protocol or policy",
    "q10_personnel": "Unit or personnel",
    "q11_assigned_to": "Whom a case goes to",
    "q12_state_law": "State law",
}


def check(rows: pd.DataFrame) -> None:
    """Refuse answers to Part I whose labels are not those that the shares are computed from."""
    yes_no = [STEPS[TRAINING], *FORMS, "q9_protocol", "q12_state_law"]
    expected = {name: [YES, NO] for name in yes_no}
    expected |= {"q10_personnel": [UNIT, DESIGNATED, NEITHER], "q11_assigned_to": ASSIGNED}
    require_labels(rows, expected, "config/codebooks/part1.yaml", "workflow/agency_survey/sections/preparation.py")


def taken(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """step -> bool (n,): the agency has taken it."""
    return {
        name: (rows[column].isin([UNIT, DESIGNATED]) if column == "q10_personnel" else rows[column] == YES).to_numpy()
        for name, column in STEPS.items()
    }


def answered(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """step -> bool (n,): the agency answered on it."""
    return {name: rows[column].notna().to_numpy() for name, column in STEPS.items()}


def steps(rows: pd.DataFrame, design: SurveyDesign, parts: list, level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(shares with each step, and with a unit of their own, among those that answered; tests of the three steps)."""
    known, found, checks = answered(rows), [], []
    for name, has in taken(rows).items():
        indicators = {name: has}
        if STEPS[name] == "q10_personnel":
            indicators[UNIT] = (rows["q10_personnel"] == UNIT).to_numpy()
        found.append(survey.shares(design, indicators, known[name], parts, level))
        checks.append(builders.tests(design, {name: has}, known[name], parts))
    return pd.concat(found, ignore_index=True), builders.adjusted(*checks)


def forms(rows, design: SurveyDesign, labels: dict[str, str], parts: list, level: float) -> pd.DataFrame:
    """Shares of the forms of training among agencies with training that answered on the form."""
    found = []
    for name in FORMS:
        known = ((rows["q6_training"] == YES) & rows[name].notna()).to_numpy()
        found.append(survey.shares(design, {labels[name]: (rows[name] == YES).to_numpy()}, known, parts, level))
    return pd.concat(found, ignore_index=True)


def amounts(rows: pd.DataFrame, design: SurveyDesign, column: str, parts: list, level: float) -> pd.DataFrame:
    """Quartiles of the hours, or of the percent of officers trained, among agencies with training."""
    known = ((rows["q6_training"] == YES) & rows[column].notna()).to_numpy()
    y = rows[column].astype("Float64").to_numpy(dtype=float, na_value=0.0)
    return builders.quantile_values(design, y, known, parts, QUARTILES, level)


def officers_trained(rows: pd.DataFrame, design: SurveyDesign, parts: list, level: float) -> pd.DataFrame:
    """Share of all sworn officers that had training, none where the agency gave none; as ``survey.shares``.

    The ratio of trained officers (the percent times the frame's officers) to officers, over agencies that answered.
    """
    officers = rows["sworn_officers"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    percent = rows["q8_officers_trained"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    percent = np.where((rows["q6_training"] == NO).to_numpy(), 0.0, percent)
    percent[rows["q6_training"].isna().to_numpy()] = np.nan
    known = np.isfinite(officers) & np.isfinite(percent)
    whole = np.where(known, officers, 0.0)
    trained = cases.Measure(whole * np.where(known, percent, 0.0) / 100, whole, known, True, "officers trained")
    found = cases.estimates(design, rows["agency_id"], {OFFICERS: trained}, parts, level)
    return cases.shares(found).drop(columns=["agencies", "percent"])


# -- index -------------------------------------------------------------------------------------------------------------


def index(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(number of steps taken (n,), 0 to 3; bool (n,): the agency answered on all three)."""
    return np.sum(list(taken(rows).values()), axis=0), np.all(list(answered(rows).values()), axis=0)


@dataclass(frozen=True)
class Index:
    """The index by domain: shares of its values, means, tests of the mean, its slope per class of population, partners
    less others, and its mean where every don't know counts as no."""

    shares: pd.DataFrame
    means: pd.DataFrame
    checks: pd.DataFrame
    slope: hypotheses.Comparison
    partners: hypotheses.Comparison
    unsure_as_no: pd.DataFrame


def index_by_domain(rows: pd.DataFrame, design: SurveyDesign, parts: list, level: float) -> Index:
    """The preparation index among agencies that answered on all three steps."""
    value, known = index(rows)
    indicators = {name: value == count for count, name in enumerate(COUNTS)}
    means = builders.values(
        [(kind, name, inside & known) for kind, name, inside in parts],
        lambda inside: estimate.mean(design, value, inside),
        [MEAN],
        level,
    )
    unsure = np.all([known_ | _unsure(rows, STEPS[name]) for name, known_ in answered(rows).items()], axis=0)
    everybody = [part for part in parts if part[1] == survey.ALL]
    with_unsure = builders.values(
        [(kind, name, inside & unsure) for kind, name, inside in everybody],
        lambda inside: estimate.mean(design, value, inside),
        [MEAN],
        level,
    )
    sizes = builders.domain_codes(parts, builders.SIZE)
    classes = sum(kind == builders.SIZE for kind, *_ in parts)
    partner = 1 - builders.domain_codes(parts, "Task force")  # the first of the two domains is partners
    partners = hypotheses.t_test(design, value, np.where(known, partner, -1), level=level)
    sides = [(known & (partner == kind), None, MEAN) for kind in (0, 1)]
    watch.require_kept("Steps of preparation: partners less others", (partners.value, partners.se), sides)
    return Index(
        survey.shares(design, indicators, known, parts, level),
        means,
        builders.adjusted(builders.tests(design, {MEAN: value}, known, parts)),
        hypotheses.trend(design, value, np.where(known, sizes, -1), classes, level=level),
        partners,
        with_unsure,
    )


def _unsure(rows: pd.DataFrame, column: str) -> np.ndarray:
    return (rows[f"{column}__missing"] == "dont_know").to_numpy()


@dataclass(frozen=True)
class Reliability:
    """Kuder-Richardson coefficient with its limits, correlations (phi) of pairs of items, and n."""

    value: float
    se: float
    low: float
    high: float
    n: int
    phi: dict[tuple[str, str], float]


def reliability(rows: pd.DataFrame, design: SurveyDesign, level: float) -> Reliability:
    """Reliability of the index by Kuder and Richardson's formula 20 (1937), Cronbach's alpha (1951) of yes-no items.

    k / (k - 1) (1 - sum p_j (1 - p_j) / V), V the variance of the sum of the k items, all moments under the weights;
    linearised in the shares p_j and p_jl of items and pairs of items.
    """
    _, known = index(rows)
    items = taken(rows)
    x = np.column_stack(list(items.values())).astype(float)
    k = x.shape[1]
    pairs = [(j, m) for j in range(k) for m in range(j + 1, k)]
    found = estimate.mean(design, np.column_stack([x, *(x[:, j] * x[:, m] for j, m in pairs)]), known)
    p, joint = found.value[:k], found.value[k:]
    covariance = np.array([q - p[j] * p[m] for (j, m), q in zip(pairs, joint, strict=True)])
    own = float(np.sum(p * (1 - p)))
    whole = own + 2 * covariance.sum()
    scale = k / (k - 1)
    slope_own = np.append(1 - 2 * p, np.zeros(len(pairs)))
    slope_whole = np.append(1 - 2 * p - 2 * (p.sum() - p), np.full(len(pairs), 2.0))
    gradient = -scale * (slope_own * whole - own * slope_whole) / whole**2
    scores = found.scores @ gradient
    one = estimate.Estimate(
        np.array([scale * (1 - own / whole)]),
        np.atleast_2d(design.variance(scores)[0]),
        found.n[:1],
        found.df[:1],
        scores[:, None],
    )
    low, high = one.interval(level)[0]
    sd = np.sqrt(p * (1 - p))
    names = list(items)
    phi = {(names[j], names[m]): c / (sd[j] * sd[m]) for (j, m), c in zip(pairs, covariance, strict=True)}
    return Reliability(float(one.value[0]), float(one.se[0]), float(low), float(high), int(one.n[0]), phi)


# -- assignment, law, don't know ---------------------------------------------------------------------------------------


def assigned(rows: pd.DataFrame, design: SurveyDesign, parts: list, level: float) -> pd.DataFrame:
    """Shares of the answers on whom a case would go to; domains also by specialized personnel."""
    has, known = taken(rows)["Unit or personnel"], answered(rows)["Unit or personnel"]
    split = [
        ("Own personnel", "Unit or designated personnel", has & known),
        ("Own personnel", "No such personnel", ~has & known),
    ]
    indicators = {name: (rows["q11_assigned_to"] == name).to_numpy() for name in ASSIGNED}
    return survey.shares(design, indicators, rows["q11_assigned_to"].notna().to_numpy(), [*parts, *split], level)


def state_law(rows: pd.DataFrame, design: SurveyDesign, parts: list, level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(shares that hold that their state has a law, has none, or don't know; tests of don't know), among all three.

    Domains also by training.
    """
    answer = rows["q12_state_law"]
    unsure = _unsure(rows, "q12_state_law")
    indicators = {KNOWS: (answer == YES).to_numpy(), DENIES: (answer == NO).to_numpy(), UNSURE: unsure}
    has, known = taken(rows)[TRAINING], answered(rows)[TRAINING]
    parts = [*parts, (TRAINING, "Training", has & known), (TRAINING, "No training", ~has & known)]
    among = unsure | answer.notna().to_numpy()
    found = survey.shares(design, indicators, among, parts, level)
    return found, builders.adjusted(builders.tests(design, indicators, among, parts))


def form_used_most(rows: pd.DataFrame, design: SurveyDesign, labels: dict[str, str], level: float) -> cases.Leader:
    """The form of training with the largest share, among agencies with training that answered on it."""
    trained = (rows["q6_training"] == YES).to_numpy()
    answers = {labels[n]: ((rows[n] == YES).to_numpy(), trained & rows[n].notna().to_numpy()) for n in FORMS}
    return cases.first_of(design, answers, level)


def assigned_most(rows: pd.DataFrame, design: SurveyDesign, level: float) -> cases.Leader:
    """To whom the largest share of agencies would give a case."""
    goes = rows["q11_assigned_to"]
    return cases.first_of(
        design, {name: ((goes == name).to_numpy(), goes.notna().to_numpy()) for name in ASSIGNED}, level
    )


def unsure_most(rows: pd.DataFrame, design: SurveyDesign, level: float) -> cases.Leader:
    """The question with the largest share of don't know among agencies that answered or said so."""
    answers = {}
    for name, question in QUESTIONS.items():
        unsure = _unsure(rows, name)
        answers[question] = (unsure, unsure | rows[name].notna().to_numpy())
    return cases.first_of(design, answers, level)


def without_answer(rows: pd.DataFrame, design: SurveyDesign, level: float) -> pd.DataFrame:
    """By question: share of don't know among agencies that answered or said so, counts of refused and left out."""
    everybody = [(survey.ALL, survey.ALL, np.ones(len(rows), dtype=bool))]
    found = []
    for name, question in QUESTIONS.items():
        kind = rows[f"{name}__missing"]
        unsure = _unsure(rows, name)
        part = survey.shares(design, {UNSURE: unsure}, unsure | rows[name].notna().to_numpy(), everybody, level)
        counts = {"refused": int((kind == "refused").sum()), "left_out": int((kind == "missing").sum())}
        counts["invalid"] = int((kind == "invalid").sum())
        found.append(part.assign(variable=name, question=question, **counts))
    return pd.concat(found, ignore_index=True)
