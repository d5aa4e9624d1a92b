"""Chapter 8, investigation and prosecution: ways to light, strategies, partners, challenges, charges, outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey import estimate, hypotheses, models
from agency_survey.design import SurveyDesign
from agency_survey.errors import InputError
from agency_survey.ingest import require_labels
from agency_survey.sections import cases, survey
from agency_survey.sections.cases import YES, Measure, indicator, ratio, share

MODULE = "workflow/agency_survey/sections/investigation_prosecution.py"
WAYS = {
    "q3a_other_investigations": "Investigation of another crime",
    "q3b_public_tip": "Tip from the public",
    "q3c_victim": "Victim",
    "q3d_service_organisation": "Service organization",
    "q3e_federal_referral": "Federal referral",
    "q3f_local_referral": "Local or state referral",
    "q3g_proactive_search": "Proactive search",
}
STRATEGIES = {
    "q4a_indicators": "Indicators looked for in other investigations",
    "q4b_surveillance": "Surveillance",
    "q4c_undercover": "Undercover operations",
    "q4d_advertisements": "Advertisements watched",
    "q4e_inspections": "Inspections",
    "q4f_interviews": "Interviews",
}
PARTNERS = [
    "q5a_fbi",
    "q5b_ice",
    "q5c_us_attorney",
    "q5d_state_local",
    "q5e_service_organisations",
    "q5f_task_force",
]
CHALLENGES = [
    "q7a_victim_cooperation",
    "q7b_language",
    "q7c_resources",
    "q7d_training",
    "q7e_federal_cooperation",
    "q7f_prosecutors",
    "q7g_victim_services",
    "q7h_laws",
]
RATINGS = ["Not a problem", "Minor problem", "Moderate problem", "Major problem"]
MORE_TIME = ["Sex trafficking", "Labor trafficking", "About the same"]
COURTS = ["State court", "Federal court", "Both"]
NOT_PROSECUTED = "Not prosecuted"
OUTCOMES = ["Convicted", "Acquitted or dismissed", "Pending"]
ANY_STRATEGY = "Any proactive strategy"


def require(part2: pd.DataFrame, part3: pd.DataFrame) -> None:
    """Refuse answers whose labels are not those that the measures are computed from."""
    yes_no = [*WAYS, *STRATEGIES, *PARTNERS, "q8_services"]
    expected = {name: [YES, "No"] for name in yes_no} | {name: RATINGS for name in CHALLENGES}
    expected |= {"q12_more_time": MORE_TIME}
    require_labels(part2, expected, "config/codebooks/part2.yaml", MODULE)
    expected = {name: [YES, "No"] for name in ("q10_state_charges", "q11_federal_charges", "q9_network")}
    expected |= {"q1_type": cases.TYPES, "q12_prosecuted": [*COURTS, NOT_PROSECUTED], "q13_outcome": OUTCOMES}
    expected |= {"q7_came_to_light": list(WAYS.values())}
    require_labels(part3, expected, "config/codebooks/part3.yaml", MODULE)


# -- agencies ----------------------------------------------------------------------------------------------------------


def yes(rows: pd.DataFrame, labels: dict[str, str]) -> dict[str, Measure]:
    """Share of agencies with answers to Part II that say yes, by label."""
    return {label: share(rows[name], [YES], rows["part2"].to_numpy()) for name, label in labels.items()}


def strategies(rows: pd.DataFrame) -> dict[str, Measure]:
    """Any proactive strategy, and each of them. Any: a yes to one, or no to all of them; else it is not known."""
    answered = rows[list(STRATEGIES)]
    some = (answered == YES).any(axis=1).to_numpy()
    known = rows["part2"].to_numpy() & (some | answered.notna().all(axis=1).to_numpy())
    return {ANY_STRATEGY: indicator(some, known)} | yes(rows, STRATEGIES)


def challenges(rows: pd.DataFrame, name: str) -> dict[str, Measure]:
    """Shares of the ratings of one challenge, and of moderate or major."""
    inside = rows["part2"].to_numpy()
    return cases.answers(rows[name], inside) | {SERIOUS: share(rows[name], RATINGS[2:], inside)}


SERIOUS = "Moderate or major"


def more_time(rows: pd.DataFrame, kinds: pd.DataFrame) -> dict[str, Measure]:
    """Type on which more time is spent, of agencies that investigated both types.

    kinds : ``cases.investigated`` in the order of the rows.
    """
    both = rows["part2"].to_numpy() & (kinds["group"] == cases.GROUPS[2]).to_numpy(dtype=bool)
    return cases.answers(rows["q12_more_time"], both)


def more_time_of_all(rows: pd.DataFrame, kinds: pd.DataFrame) -> dict[str, Measure]:
    """The same of all agencies with cases: those with one type only spend their time on that one."""
    inside, group = rows["part2"].to_numpy(), kinds["group"]
    answer = rows["q12_more_time"].where((group == cases.GROUPS[2]).to_numpy(dtype=bool))
    answer = answer.astype(object)
    for name, label in zip(cases.GROUPS[:2], MORE_TIME[:2], strict=True):
        answer[(group == name).to_numpy(dtype=bool)] = label
    return cases.answers(pd.Series(pd.Categorical(answer, MORE_TIME), index=rows.index), inside)


def time_parts(rows: pd.DataFrame, kinds: pd.DataFrame) -> list[tuple[str, str, np.ndarray]]:
    """Agencies that investigated both types: all, and by which type most of their investigations were of."""
    both = rows["part2"].to_numpy() & (kinds["group"] == cases.GROUPS[2]).to_numpy(dtype=bool)
    sex, labor = (kinds[name].astype("Float64").to_numpy(dtype=float, na_value=np.nan) for name in ("sex", "labor"))
    name = "Investigations"
    return [
        ("All agencies", "Both types investigated", both),
        (name, "More of sex trafficking", both & (sex > labor)),
        (name, "As many or more of labor", both & (sex <= labor)),
    ]


def services(rows: pd.DataFrame, kinds: pd.DataFrame) -> dict[str, Measure]:
    """Arrests, services, certified victims and T visas of agencies with cases."""
    inside = rows["part2"].to_numpy()

    def any_of(name: str) -> Measure:
        return indicator(rows[name] > 0, inside & rows[name].notna().to_numpy())

    return {
        "Any arrest": any_of("q11_arrests"),
        "Arrests per investigation": ratio(rows["q11_arrests"], kinds["total"], inside, False, "arrests"),
        "Victims received services": share(rows["q8_services"], [YES], inside),
        "Any victim certified": any_of("q9_certified"),
        "Victims certified per investigation": ratio(
            rows["q9_certified"], kinds["total"], inside, False, "certified victims"
        ),
        "Any T visa": any_of("q10_t_visas"),
        "T visas per certified victim": ratio(rows["q10_t_visas"], rows["q9_certified"], inside, True, "T visas"),
    }


def grand_totals(rows: pd.DataFrame, design: SurveyDesign, level: float) -> pd.DataFrame:
    """Estimated totals of the country: measure, value, se, low, high, n; left-out numbers are taken to be as the
    others.

    Agencies with cases times the mean of those that gave the number, by the delta method.
    """
    inside = rows["part2"].to_numpy()
    found, measures = [], {}
    for name, label in TOTALS.items():
        one = measures[label] = ratio(rows[name], 1.0, inside, False, label.lower())
        parts = [estimate.total(design, np.ones(len(rows)), inside), estimate.ratio(design, one.y, one.x, one.known)]
        together = estimate.stack(design, parts)
        size, mean = together.value
        slope = np.array([mean, size])
        se = float(np.sqrt(together.variance_of(slope)))
        made = estimate.Estimate(
            np.array([size * mean]), np.array([[se**2]]), parts[1].n, parts[1].df, together.scores @ slope[:, None]
        )
        low, high = made.interval(level)[0]
        found.append({"measure": label, "value": size * mean, "se": se, "low": low, "high": high, "n": parts[1].n[0]})
    return cases.screened_totals(pd.DataFrame(found), survey.ALL, list(measures.values()), design.weight)


TOTALS = {"q11_arrests": "Arrests", "q9_certified": "Victims certified", "q10_t_visas": "T visas"}


# -- cases: charges, prosecution, outcome ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Course:
    """How far each row's case went: bool (n,) by stage, and ``known``, whether all of it is known.

    charged : charges under state or federal law, or a prosecution, which takes them for granted; decided : prosecuted
    and no longer pending.
    """

    known: np.ndarray
    charged: np.ndarray
    prosecuted: np.ndarray
    decided: np.ndarray
    convicted: np.ndarray
    pending: np.ndarray


def course(rows: pd.DataFrame) -> Course:
    """How far the described cases went."""
    inside = rows["described"].to_numpy(dtype=bool)
    prosecuted = rows["q12_prosecuted"].isin(COURTS).to_numpy()
    charges = rows[["q10_state_charges", "q11_federal_charges"]]
    charged = (charges == YES).any(axis=1).to_numpy() | prosecuted
    known = inside & (charged | charges.notna().all(axis=1).to_numpy())
    known &= rows["q12_prosecuted"].notna().to_numpy()
    known &= ~prosecuted | rows["q13_outcome"].notna().to_numpy()
    convicted = prosecuted & (rows["q13_outcome"] == OUTCOMES[0]).to_numpy()
    pending = prosecuted & (rows["q13_outcome"] == OUTCOMES[2]).to_numpy()
    return Course(known, charged, prosecuted, prosecuted & ~pending, convicted, pending)


def flow(rows: pd.DataFrame) -> tuple[dict[str, Measure], dict[str, Measure]]:
    """(shares of all cases at each stage, shares of the stage before), among the cases whose course is known."""
    at = course(rows)
    dismissed = at.decided & ~at.convicted
    of_all = {
        "Charged": indicator(at.charged, at.known),
        "Prosecuted": indicator(at.prosecuted, at.known),
        "Convicted": indicator(at.convicted, at.known),
        "Acquitted or dismissed": indicator(dismissed, at.known),
        "Pending": indicator(at.pending, at.known),
        "Charged, not prosecuted": indicator(at.charged & ~at.prosecuted, at.known),
        "Not charged": indicator(~at.charged, at.known),
    }
    of_stage = {
        "Prosecuted, of charged": indicator(at.prosecuted, at.known & at.charged),
        "Convicted, of prosecuted": indicator(at.convicted, at.known & at.prosecuted),
        "Convicted, of decided": indicator(at.convicted, at.known & at.decided),
    }
    return of_all, of_stage


def convicted_suspects(rows: pd.DataFrame) -> dict[str, Measure]:
    """Suspects convicted, of all suspects: none where the case was not prosecuted or nobody was convicted."""
    at = course(rows)
    persons = rows["q14_convicted"].astype("Float64").where(pd.Series(at.convicted, index=rows.index), 0.0)
    return {"Suspects convicted": ratio(persons, rows["q6_suspects"], at.known, True, "convicted suspects")}


def charges(rows: pd.DataFrame) -> pd.Series:
    """Categorical (n,): charges under state law, federal law, both or none, where both answers are known."""
    inside = rows["described"].to_numpy(dtype=bool)
    state, federal = ((rows[name] == YES).to_numpy() for name in ("q10_state_charges", "q11_federal_charges"))
    known = inside & rows[["q10_state_charges", "q11_federal_charges"]].notna().all(axis=1).to_numpy()
    code = np.where(known, np.select([state & federal, state, federal], [2, 0, 1], 3), -1)
    return pd.Series(pd.Categorical.from_codes(code, CHARGES), index=rows.index)


CHARGES = ["State charges only", "Federal charges only", "State and federal charges", "No charges"]


# -- models ------------------------------------------------------------------------------------------------------------

SOURCE_GROUPS = {
    "Own investigation": ["Investigation of another crime", "Proactive search"],
    "Referral by an agency": ["Federal referral", "Local or state referral"],
    "Public, victim or service": ["Tip from the public", "Victim", "Service organization"],
}
TERMS = {
    "type": "{level} (against sex)",
    "victims": "Twice as many victims",
    "suspects": "Twice as many suspects",
    "minor": "A victim under 18",
    "foreign": "A foreign victim",
    "network": "Linked to another network",
    "source": "{level} (against own)",
    "partner": "Task-force partner",
    "agency": "{level} (against police)",
    "year": "Opened one year later",
}
LEVELS = {
    "type": cases.TYPES,
    "source": list(SOURCE_GROUPS),
    "agency": ["Municipal police", "Sheriff's office", "State agency"],
}
SEPARATED = "separates"


def case_traits(rows: pd.DataFrame) -> pd.DataFrame:
    """Variables of the models (n rows), missing where an answer is."""

    def numeric(values: pd.Series) -> np.ndarray:
        return values.astype("Float64").to_numpy(dtype=float, na_value=np.nan)

    source = {way: group for group, ways in SOURCE_GROUPS.items() for way in ways}
    return pd.DataFrame(
        {
            "type": rows["q1_type"],
            "victims": np.log2(numeric(rows["q3_victims"])),
            "suspects": np.log2(1 + numeric(rows["q6_suspects"])),
            "minor": numeric((rows["q3a_under_18"] > 0).astype("Int64")),
            "foreign": numeric((rows["q5_foreign"] > 0).astype("Int64")),
            "network": numeric((rows["q9_network"] == YES).astype("Int64").where(rows["q9_network"].notna())),
            "source": rows["q7_came_to_light"].astype(object).map(source),
            "partner": (rows["task_force_partner"] == YES).astype(float).to_numpy(),
            "agency": rows["agency_type"],
            "year": rows["opened_on"].dt.year.astype(float) - 2003,
        }
    )


def term_label(term: str) -> str:
    """How a table calls a column of the models."""
    variable, _, level = term.partition("[")
    level = {cases.LABOR: "Labor", cases.BOTH: "Both types"}.get(level[:-1], level[:-1])
    return TERMS[variable].format(level=level)


@dataclass(frozen=True)
class Modelled:
    """A fitted model: outcome, odds ratios by term, average marginal effects, joint tests and how it was fitted.

    n of ``candidates`` cases have all traits; events : cases with the outcome. ratios : term, variable, ratio, low,
    high, p, p_adjusted (Holm 1979); effects : term, value, se, low, high (change of the probability); joint : p-value
    by variable of several levels; firth : whether Firth's penalty was needed; auc (value, low, high).
    """

    name: str
    ratios: pd.DataFrame
    effects: pd.DataFrame
    joint: dict[str, float]
    n: int
    candidates: int
    agencies: int
    events: int
    firth: bool
    auc: tuple[float, float, float]


def model(
    rows: pd.DataFrame,
    design: SurveyDesign,
    name: str,
    outcome: np.ndarray,
    domain: np.ndarray,
    level: float,
    terms: Sequence[str] = tuple(TERMS),
) -> Modelled:
    """Logistic regression of an outcome (bool (n,)) on the traits of cases, clustered by agency, on complete cases.

    Where a term foretells the outcome without error, its estimate is infinite: then Firth's penalised likelihood is
    used. Levels that no case of the domain has are left out.
    """
    table = case_traits(rows)
    used = domain & table[list(terms)].notna().all(axis=1).to_numpy() & (design.weight > 0)
    levels = {key: [v for v in LEVELS[key] if (table.loc[used, key] == v).any()] for key in LEVELS if key in terms}
    kept = [key for key in terms if len(levels.get(key, "ab")) > 1 and table.loc[used, key].nunique() > 1]
    for key in levels:
        table[key] = pd.Categorical(table[key].astype(object), levels[key])
    described = models.model_terms(table[used], kept, {key: levels[key] for key in levels if key in kept})
    matrix = described.matrix(table)
    y = outcome.astype(float)
    try:
        fit, firth = models.logistic(design, y, matrix, used), False
    except InputError as error:
        if SEPARATED not in str(error):
            raise
        fit, firth = models.firth_logistic(design, y, matrix, used), True
    listed = fit.table(level)
    ratios = fit.ratios(level).assign(p=listed["p"], variable=[term.split("[")[0] for term in fit.names])
    ratios = ratios[ratios["term"] != "intercept"].reset_index(drop=True)
    ratios = ratios.assign(p_adjusted=hypotheses.adjusted(ratios["p"].to_numpy()))
    effects = models.average_marginal_effects(fit, described, table).table(level)
    curve = models.auc(fit)
    low, high = curve.interval(level)[0]
    return Modelled(
        name,
        ratios,
        effects.rename(columns={"coefficient": "value"})[["term", "value", "se", "low", "high"]],
        {key: fit.wald([key]).p for key in levels if key in kept and len(levels[key]) > 2},
        fit.n,
        int(domain.sum()),
        rows.loc[used, "agency_id"].nunique(),
        int(outcome[used].sum()),
        firth,
        (float(curve.value[0]), float(low), float(high)),
    )


FEW_TERMS = ("type", "victims", "suspects", "foreign", "partner")  # a decided prosecution that fails is rare


def fitted(rows: pd.DataFrame, design: SurveyDesign, level: float) -> list[Modelled]:
    """Models of charges, of prosecution (all described cases) and, with fewer terms, of a conviction (decided ones)."""
    at = course(rows)
    return [
        model(rows, design, "Charged", at.charged, at.known, level),
        model(rows, design, "Prosecuted", at.prosecuted, at.known, level),
        model(rows, design, "Convicted", at.convicted, at.known & at.decided, level, FEW_TERMS),
    ]
