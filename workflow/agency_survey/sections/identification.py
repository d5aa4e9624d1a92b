"""Chapter 5, identification: agencies with a case, numbers of cases, what they add up to, and how concentrated they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey import estimate, hypotheses
from agency_survey.design import SurveyDesign
from agency_survey.disclosure import watch
from agency_survey.ingest import require_labels
from agency_survey.lemas import population_class
from agency_survey.national_survey import STATE
from agency_survey.sections import builders, cases, concentration, survey
from agency_survey.weights import collapsed_classes

YES, NO = "Yes", "No"
ANY = "Any case"
COUNTS = {"One": (1, 1), "Two to four": (2, 4), "Five to nine": (5, 9), "Ten or more": (10, np.inf)}
MEAN = "Mean"
QUARTILES = {"Lower quartile": 0.25, "Median": 0.5, "Upper quartile": 0.75}
AGENCIES, CASES = "Agencies with a case", "Cases"
KINDS = {"All cases": "cases", "Sex trafficking": "q15a_sex_cases", "Labor trafficking": "q15b_labour_cases"}
GINI, TENTH, QUARTER = "Gini coefficient", "Top tenth", "Top quarter"
WITH_CASE, ALL_AGENCIES = "Agencies with a case", "All agencies"
QUESTIONS = {
    "q13_any_case": "Any case",
    "q14_cases": "Number of cases",
    "q15a_sex_cases": "Sex trafficking cases",
    "q15b_labour_cases": "Labor trafficking cases",
}
SMALLEST_CELL = 10  # respondents that a cell of the item adjustment must have, as for the weights' classes


def check(rows: pd.DataFrame) -> None:
    """Refuse answers to Part I whose labels are not those that the shares are computed from."""
    module = "workflow/agency_survey/sections/identification.py"
    require_labels(rows, {"q13_any_case": [YES, NO]}, "config/codebooks/part1.yaml", module)


def _number(rows: pd.DataFrame, name: str) -> np.ndarray:
    return rows[name].astype("Float64").to_numpy(dtype=float, na_value=np.nan)


@dataclass(frozen=True)
class Answers:
    """Answers on cases, by agency (n,).

    any_case, answered : bool, the agency had a case, and said whether it had; cases, sex, labour : numbers of cases, 0
    where there was none, missing where they are not known (question 14, else 15a and 15b together).
    """

    any_case: np.ndarray
    answered: np.ndarray
    cases: np.ndarray
    sex: np.ndarray
    labour: np.ndarray

    def of(self, kind: str) -> np.ndarray:
        """Numbers of cases of one of ``KINDS``."""
        return {"All cases": self.cases, "Sex trafficking": self.sex, "Labor trafficking": self.labour}[kind]


def answers(rows: pd.DataFrame) -> Answers:
    """Answers of the respondents ``rows``."""
    any_case = (rows["q13_any_case"] == YES).to_numpy()
    none = (rows["q13_any_case"] == NO).to_numpy()
    sex, labour, cases = (_number(rows, name) for name in ("q15a_sex_cases", "q15b_labour_cases", "q14_cases"))
    cases = np.where(np.isnan(cases), sex + labour, cases)
    known = [np.where(none, 0.0, np.where(any_case, values, np.nan)) for values in (cases, sex, labour)]
    return Answers(any_case, any_case | none, *known)


# -- any case ----------------------------------------------------------------------------------------------------------


def any_case(given: Answers, design: SurveyDesign, parts: list, level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(share with any case among agencies that answered, tests)."""
    indicators = {ANY: given.any_case}
    found = survey.shares(design, indicators, given.answered, parts, level)
    return found, builders.adjusted(builders.tests(design, indicators, given.answered, parts))


def by_size_and_partner(
    given: Answers, design: SurveyDesign, parts: list, level: float
) -> tuple[pd.DataFrame, hypotheses.Comparison]:
    """(share with any case by population class, partners and others apart; partners less others, all agencies)."""
    partner = next(mask for kind, name, mask in parts if (kind, name) == ("Task force", "Partner"))
    groups = {"Partner": partner, "Not a partner": ~partner}
    found = [
        survey.shares(
            design,
            {ANY: given.any_case},
            given.answered & group,
            [part for part in parts if part[0] == builders.SIZE],
            level,
        ).assign(group=name)
        for name, group in groups.items()
    ]
    code = np.where(given.answered, partner.astype(int), -1)
    difference = hypotheses.t_test(design, given.any_case.astype(float), code, level=level)
    sides = [(given.answered & group, given.any_case, ANY) for group in groups.values()]
    watch.require_kept("Any case: partners less others", (difference.value, difference.se), sides)
    return pd.concat(found, ignore_index=True), difference


def fewest_by_type(given: Answers, parts: list) -> int:
    """Respondents with a case in the type of agency that has the fewest."""
    return min(int((given.any_case & mask).sum()) for kind, _, mask in parts if kind == "Agency type")


# -- numbers of cases --------------------------------------------------------------------------------------------------


def numbers_of_cases(
    given: Answers, design: SurveyDesign, parts: list, level: float, amount: watch.Amount | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(shares of ``COUNTS``, quartiles, means, tests of the mean) among agencies with a case whose number is known.

    amount : the cases of ``amounts``, of which the means tell.
    """
    known = given.any_case & np.isfinite(given.cases)
    cases = np.where(known, given.cases, 0.0)
    indicators = {name: (cases >= low) & (cases <= high) for name, (low, high) in COUNTS.items()}
    means = builders.values(
        [(kind, name, inside & known) for kind, name, inside in parts],
        lambda inside: estimate.mean(design, cases, inside),
        [MEAN],
        level,
        amount,
    )
    return (
        survey.shares(design, indicators, known, parts, level),
        builders.quantile_values(design, cases, known, parts, QUARTILES, level),
        means,
        builders.adjusted(builders.tests(design, {MEAN: cases}, known, parts)),
    )


# -- totals for the country --------------------------------------------------------------------------------------------


def cells(rows: pd.DataFrame, classes: list[dict], answered: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Cells of the item adjustment (n,): population classes of local agencies, and state agencies.

    Classes are joined with a neighbour until ``SMALLEST_CELL`` agencies of ``among`` (bool (n,)) answered; the neighbour of
    state agencies is the largest class. Agencies outside ``among`` are 'outside'.
    """
    size = population_class(rows["population"], classes).cat.codes.to_numpy() + 1
    order = np.where((rows["agency_type"] == STATE).to_numpy() | (size < 1), len(classes) + 1, size)
    label = np.full(len(rows), "outside", dtype=object)
    label[among], _ = collapsed_classes(
        np.full(among.sum(), "agencies", dtype=object), order[among], answered[among], SMALLEST_CELL
    )
    return label


def spread(weight: np.ndarray, y: np.ndarray, known: np.ndarray, among: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Values u (n, k) whose weighted total is that of y (n, k), the unknown standing at the mean of their cell.

    known : bool (n,) within among : bool (n,); 0 outside ``among``. u = a r (y - m) + m with r = 1 where y is known, a
    the weight of the cell over that of its known ones, m their mean: the total is the ratio estimator, and w u its
    linearised score, so u can be the y of a further step (Saerndal, Swensson and Wretman 1992, section 7.6).
    """
    out = np.zeros_like(y, dtype=float)
    for name in np.unique(cell[among]):
        here = among & (cell == name)
        seen = here & known
        mean = weight[seen] @ y[seen] / weight[seen].sum()
        out[here] = mean
        out[seen] += weight[here].sum() / weight[seen].sum() * (y[seen] - mean)
    return out


def filled(rows: pd.DataFrame, given: Answers, design: SurveyDesign, parts: list, classes: list[dict]) -> dict:
    """measure -> linearised weighted scores (n, P) of its totals in the P domains ``parts``; a total is their sum.

    measures : agencies ('Agencies'), agencies with a case, cases, and cases of each type. Agencies without an answer
    stand at the mean of their cell, in two steps: those that did not say whether they had a case, by population class;
    those with a case whose number is not known, by population class (joined where few). So domains add up to the whole.
    """
    masks = np.column_stack([inside for *_, inside in parts]).astype(float)
    everybody = np.ones(len(rows), dtype=bool)
    first = cells(rows, classes, given.answered, everybody)
    grown = spread_factor(design.weight, given.answered, everybody, first)
    measures = {AGENCIES: given.any_case[:, None] * masks}
    for kind in KINDS:
        y = given.of(kind)
        known = given.any_case & np.isfinite(y)
        second = cells(rows, classes, known, given.any_case)
        y = np.where(known, y, 0.0)[:, None] * masks
        measures[CASES if kind == "All cases" else kind] = spread(grown, y, known, given.any_case, second)
    scores = {name: spread(design.weight, y, given.answered, everybody, first) for name, y in measures.items()}
    return {name: design.weight[:, None] * u for name, u in {"Agencies": masks, **scores}.items()}


def amounts(rows: pd.DataFrame, given: Answers, design: SurveyDesign, classes: list[dict]) -> dict[str, watch.Amount]:
    """measure of ``filled`` that counts cases -> what its totals add up, for disclosure control.

    The part of an agency is its cases times the weight that ``filled`` gives it: spread over those without an answer, and
    over those with a case whose number is not known.
    """
    everybody = np.ones(len(rows), dtype=bool)
    first = cells(rows, classes, given.answered, everybody)
    grown = spread_factor(design.weight, given.answered, everybody, first)
    found = {}
    for kind in KINDS:
        y = given.of(kind)
        known = given.any_case & np.isfinite(y)
        second = cells(rows, classes, known, given.any_case)
        own = np.where(known, y, 0.0)
        name = CASES if kind == "All cases" else kind
        whole = None if name == CASES else CASES
        found[name] = watch.Amount(name, own, own * spread_factor(grown, known, given.any_case, second), whole)
    return found


def known_counts(given: Answers, parts: list) -> dict[str, list[int]]:
    """measure of ``filled`` -> respondents (P,) that its totals rest on."""
    known = {"Agencies": np.ones(len(given.answered), dtype=bool), AGENCIES: given.answered}
    known |= {CASES if kind == "All cases" else kind: given.any_case & np.isfinite(given.of(kind)) for kind in KINDS}
    return {name: [int((mask & inside).sum()) for *_, inside in parts] for name, mask in known.items()}


def totals(design: SurveyDesign, scores: dict, counts: dict, parts: list, level: float) -> pd.DataFrame:
    """Estimated agencies with a case and cases in the country, by domain, as ``builders.values``."""
    found = []
    for j, (breakdown, name, _) in enumerate(parts):
        for measure in (AGENCIES, CASES):
            one = _one(design, scores[measure][:, j].sum(), scores[measure][:, j], counts[measure][j])
            low, high = one.interval(level)[0]
            found.append({"breakdown": breakdown, "domain": name} | _line(measure, "value", one, low, high))
    return pd.DataFrame(found)


def shares_of_total(design: SurveyDesign, scores: dict, counts: dict, parts: list, level: float) -> pd.DataFrame:
    """Each domain's share of the first domain's agencies, agencies with a case and cases, as ``survey.shares``."""
    found = []
    for j, (breakdown, name, _) in enumerate(parts):
        for measure, z in scores.items():
            whole = z[:, 0].sum()
            share = z[:, j].sum() / whole
            one = _one(design, share, (z[:, j] - share * z[:, 0]) / whole, counts[measure][j])
            low, high = one.interval(level, "logit")[0]
            found.append({"breakdown": breakdown, "domain": name} | _line(measure, "share", one, low, high))
    return pd.DataFrame(found)


def screened(
    found: pd.DataFrame, given: Answers, parts: list, amount: dict[str, watch.Amount] | None = None
) -> pd.DataFrame:
    """``totals`` or ``shares_of_total`` without what would tell of single agencies (``disclosure.watch``).

    Agencies with a case in the country, and a domain's share of them, tell of the domain's respondents with a case;
    totals of cases and their shares tell of what its agencies add up (amount : ``amounts``).
    """
    known = {"Agencies": np.ones(len(given.answered), dtype=bool), AGENCIES: given.answered}
    known |= {CASES if kind == "All cases" else kind: given.any_case & np.isfinite(given.of(kind)) for kind in KINDS}
    domains = {(breakdown, name): inside for breakdown, name, inside in parts}
    whole = given.any_case & parts[0][2]
    bases, counted = [], []
    for row in found.itertuples():
        inside = domains[row.breakdown, row.domain]
        of_agencies = row.measure == AGENCIES
        bases.append(whole if of_agencies and "share" in found else inside & known[row.measure])
        counted.append(given.any_case & inside if of_agencies else None)
    adds = [(amount or {}).get(measure) for measure in found["measure"]]
    return watch.screened(found, bases, counted, amount=adds)


def excess(design: SurveyDesign, scores: dict, parts: list, domain: str, level: float) -> hypotheses.Comparison:
    """A domain's share of cases less its share of agencies, with its t test; scores : ``filled``."""
    j = next(at for at, (_, name, _) in enumerate(parts) if name == domain)
    shares, slopes = [], []
    for measure in (CASES, "Agencies"):
        z = scores[measure]
        shares.append(z[:, j].sum() / z[:, 0].sum())
        slopes.append((z[:, j] - shares[-1] * z[:, 0]) / z[:, 0].sum())
    return _compared(_one(design, shares[0] - shares[1], slopes[0] - slopes[1], len(slopes[0])), level)


def _compared(one: estimate.Estimate, level: float) -> hypotheses.Comparison:
    low, high = one.interval(level)[0]
    value, se, df = float(one.value[0]), float(one.se[0]), float(one.df[0])
    return hypotheses.Comparison(value, se, float(low), float(high), level, estimate.t_test_of(value, se, df))


def from_the_largest(parts: list) -> list:
    """Local agencies, then those of the largest class of population, of the two largest, and so on, named by the class."""
    local = [part for part in parts if part[1] == survey.LOCAL]
    classes = [part for part in parts if part[0] == builders.SIZE][::-1]
    return local + [
        (builders.SIZE, name, np.any([mask for *_, mask in classes[: k + 1]], axis=0))
        for k, (_, name, _) in enumerate(classes)
    ]


def spread_factor(weight: np.ndarray, known: np.ndarray, among: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Weights (n,) of the known ones once the unknown of their cell are laid on them; 0 for the unknown."""
    out = np.zeros(len(weight))
    for name in np.unique(cell[among]):
        here = among & (cell == name)
        seen = here & known
        out[seen] = weight[seen] * weight[here].sum() / weight[seen].sum()
    return out


def _one(design: SurveyDesign, value: float, scores: np.ndarray, n: int) -> estimate.Estimate:
    """Estimate with these scores; a share of the whole is 1 and not a rounding beside it."""
    value = np.array([np.round(value, 12)])
    variance = np.atleast_2d(design.variance(scores)[0])
    return estimate.Estimate(value, variance, np.array([n]), np.array([design.degrees_of_freedom()]), scores[:, None])


def _line(measure: str, name: str, one: estimate.Estimate, low: float, high: float) -> dict:
    return {
        "measure": measure,
        name: one.value[0],
        "se": one.se[0],
        "low": low,
        "high": high,
        "n": int(one.n[0]),
        "df": int(one.df[0]),
    }


# -- concentration -----------------------------------------------------------------------------------------------------


def concentrated(given: Answers, design: SurveyDesign, level: float) -> pd.DataFrame:
    """Gini coefficient and shares of the top tenth and quarter, by kind of case (measure), among agencies with a case of
    the kind and among all agencies (base), as ``builders.values`` with the column statistic."""
    found = []
    for kind in KINDS:
        y = given.of(kind)
        known = np.isfinite(y) & given.answered
        for base, inside in ((WITH_CASE, known & (np.where(known, y, 0) > 0)), (ALL_AGENCIES, known)):
            counted = np.where(inside, y, 0.0)
            statistics = {
                GINI: concentration.gini(design, counted, inside),
                TENTH: concentration.top_share(design, counted, 0.1, inside),
                QUARTER: concentration.top_share(design, counted, 0.25, inside),
            }
            if base == ALL_AGENCIES:  # so few agencies have a case that the top tenth of all holds every one
                statistics = {GINI: statistics[GINI]}
            for name, one in statistics.items():
                low, high = one.interval(level, "logit")[0]
                found.append(_line(kind, "value", one, low, high) | {"base": base, "statistic": name})
    return pd.DataFrame(found)


def types_apart(given: Answers, design: SurveyDesign, level: float) -> hypotheses.Comparison:
    """Gini coefficient of sex less that of labor trafficking cases, each among agencies with a case of the type."""
    parts = []
    for y in (given.sex, given.labour):
        y = np.where(given.any_case, y, np.nan)
        inside = np.isfinite(y) & (np.nan_to_num(y) > 0)
        parts.append(concentration.gini(design, np.where(inside, y, 0.0), inside))
    value = parts[0].value[0] - parts[1].value[0]
    scores = parts[0].scores[:, 0] - parts[1].scores[:, 0]
    df = np.minimum(parts[0].df, parts[1].df)
    variance = np.atleast_2d(design.variance(scores)[0])
    return _compared(estimate.Estimate(np.array([value]), variance, parts[0].n, df, scores[:, None]), level)


def lorenz_curve(given: Answers, design: SurveyDesign, level: float) -> pd.DataFrame:
    """Lorenz curve of cases over agencies with a case: agencies, share, se, low, high (logit limits), n."""
    known = given.any_case & np.isfinite(given.cases)
    p = np.linspace(0, 1, 41)
    one = concentration.lorenz(design, np.where(known, given.cases, 0.0), p, known)
    limits = one.interval(level, "logit")
    return pd.DataFrame(
        {
            "agencies": p,
            "share": one.value,
            "se": one.se,
            "low": np.where(np.isfinite(limits[:, 0]), limits[:, 0], one.value),
            "high": np.where(np.isfinite(limits[:, 1]), limits[:, 1], one.value),
            "n": one.n,
        }
    )


def without_answer(rows: pd.DataFrame, design: SurveyDesign, level: float) -> pd.DataFrame:
    """By question: share of don't know among agencies that answered or said so, counts of refused and left out."""
    everybody = [(survey.ALL, survey.ALL, np.ones(len(rows), dtype=bool))]
    found = []
    for name, question in QUESTIONS.items():
        kind = rows[f"{name}__missing"]
        unsure = (kind == "dont_know").to_numpy()
        part = survey.shares(design, {"Don't know": unsure}, unsure | rows[name].notna().to_numpy(), everybody, level)
        counts = {"refused": int((kind == "refused").sum()), "left_out": int((kind == "missing").sum())}
        counts["invalid"] = int((kind == "invalid").sum())
        found.append(part.assign(variable=name, question=question, **counts))
    return pd.concat(found, ignore_index=True)


def unsure_most(rows: pd.DataFrame, design: SurveyDesign, level: float) -> cases.Leader:
    """The question with the largest share of don't know among agencies that answered or said so."""
    answers = {}
    for name, question in QUESTIONS.items():
        unsure = (rows[f"{name}__missing"] == "dont_know").to_numpy()
        answers[question] = (unsure, unsure | rows[name].notna().to_numpy())
    return cases.first_of(design, answers, level)
