"""Chapter 9, task forces: partners of federally funded task forces against other agencies, as they are and made alike.

Three differences are estimated for each outcome: the raw one; the one that a regression leaves, averaged over the partners;
and the one that is left when the others are weighted to have the partners' size, type and place (entropy balancing,
Hainmueller 2012). All three describe; none is an effect of the task forces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from agency_survey import distributions, estimate, hypotheses
from agency_survey.calibration import calibration_factor
from agency_survey.design import SurveyDesign
from agency_survey.disclosure import watch
from agency_survey.errors import InputError
from agency_survey.ingest import require_labels
from agency_survey.models import Fit, Terms, average_marginal_effects, linear, logistic, model_terms
from agency_survey.national_survey import PARTNER
from agency_survey.sections import identification, perceptions, preparation, survey
from agency_survey.weights import kish_design_effect

MODULE = "workflow/agency_survey/sections/task_forces.py"
GROUPS = ("Perception", "Preparation", "Identification")
INDEX = "index"
PLACES = ("agency_type", "region", "metropolitan")
PROTECTED = "The mean of one group is withheld"
TERMS = ["partner", "log_population", "log_population_squared", *PLACES]
METHODS = {"raw": "Raw", "regression": "Regression", "balanced": "Entropy balancing"}
OTHER_WAYS = {
    "all": "Regression, averaged over all agencies",
    "propensity": "Propensity weights",
    "local": "Entropy balancing, local agencies",
}


@dataclass(frozen=True)
class Outcome:
    """What is compared: y (n,) is 0 or 1, or for the index 0 to 3; known (n,) marks the agencies with an answer."""

    key: str
    group: str
    label: str
    y: np.ndarray
    known: np.ndarray

    @property
    def share(self) -> bool:
        """Whether its mean is a share."""
        return self.key != INDEX


def partners(rows: pd.DataFrame) -> np.ndarray:
    """bool (n,): the frame names the agency as a partner of a federally funded task force."""
    return (rows["task_force_partner"] == PARTNER).to_numpy()


def outcomes(rows: pd.DataFrame) -> list[Outcome]:
    """The outcomes that are compared, each among the agencies that answered on it, as chapters 3 to 5 define them."""
    require_labels(rows, dict.fromkeys(perceptions.FORMS, perceptions.RATINGS), "config/codebooks/part1.yaml", MODULE)
    require_labels(rows, {"q5c_federal_agencies": ["Yes", "No"]}, "config/codebooks/part1.yaml", MODULE)
    preparation.check(rows)
    identification.check(rows)

    def seen(names: list[str]) -> tuple[np.ndarray, np.ndarray]:
        rated = np.column_stack([rows[name].notna() for name in names])
        high = np.column_stack([rows[name].isin(perceptions.RATINGS[:2]) for name in names])
        return high.any(axis=1), rated.any(axis=1)

    def said(name: str, unsure: bool) -> tuple[np.ndarray, np.ndarray]:
        answered = rows[name].notna() | ((rows[f"{name}__missing"] == "dont_know") & unsure)
        return (rows[name] == "Yes").to_numpy(), answered.to_numpy()

    taken, answered = preparation.taken(rows), preparation.answered(rows)
    steps = [(taken[name], answered[name]) for name in preparation.STEPS]
    cases = identification.answers(rows)
    forms = list(perceptions.FORMS)
    listed = [
        ("sex", 0, "Sees sex trafficking as widespread or occasional", seen(forms[:2])),
        ("labor", 0, "Sees labor trafficking as widespread or occasional", seen(forms[2:])),
        ("federal", 0, "Picture comes from federal agencies", said("q5c_federal_agencies", unsure=False)),
        ("training", 1, "Has training", steps[0]),
        ("protocol", 1, "Has a protocol or policy", steps[1]),
        ("personnel", 1, "Has a unit or designated personnel", steps[2]),
        (INDEX, 1, "Steps of preparation taken, of three", preparation.index(rows)),
        ("state-law", 1, "Knows of a state law", said("q12_state_law", unsure=True)),
        ("any-case", 2, "Has investigated a case", (cases.any_case, cases.answered)),
        ("several", 2, "Has investigated several cases", (cases.cases > 1, np.isfinite(cases.cases))),
    ]
    return [Outcome(key, GROUPS[group], label, y.astype(float), known) for key, group, label, (y, known) in listed]


def covariates(rows: pd.DataFrame) -> pd.DataFrame:
    """Partnership (0, 1) and what is held alike: log10 population and its square, type, region, location.

    The logarithm is less its middle, so that its square is not nearly a multiple of it.
    """
    log_population = np.log10(rows["population"].to_numpy(dtype=float))
    log_population = log_population - 0.5 * (log_population.min() + log_population.max())
    return pd.DataFrame(
        {
            "partner": partners(rows).astype(float),
            "log_population": log_population,
            "log_population_squared": log_population**2,
            **{name: rows[name] for name in PLACES},
        }
    )


def _within(table: pd.DataFrame, inside: np.ndarray) -> pd.DataFrame:
    """The table with categories of the rows ``inside`` only; other rows are missing, and nobody uses them."""
    categories = {name: table[name].where(inside).cat.remove_unused_categories() for name in PLACES}
    return table.assign(**categories)


def _terms(table: pd.DataFrame, with_partner: bool = True) -> Terms:
    """Terms of the models; a variable that has one category is left out."""
    constant = [name for name in PLACES if len(table[name].cat.categories) < 2]
    return model_terms(table, [name for name in TERMS[0 if with_partner else 1 :] if name not in constant])


# ---- differences ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """Partners less others: value, standard error, limits, p-value of zero; Holm's p-value over the outcomes.

    ``why`` says why it could not be estimated, and then the numbers are missing.
    """

    value: float
    se: float
    low: float
    high: float
    p: float
    p_holm: float = float("nan")
    why: str = ""


def _difference(value: float, se: float, df: float, level: float) -> Difference:
    half = distributions.t_quantile(0.5 + level / 2, df) * se
    return Difference(value, se, value - half, value + half, estimate.t_test_of(value, se, df).p)


def not_estimated(error: InputError) -> Difference:
    """A difference whose model could not be fitted, with the reason."""
    return Difference(*[float("nan")] * 5, why=error.what)


def raw(design: SurveyDesign, y, partner, inside, level: float) -> Difference:
    """Mean of y (n,) among partners less that among the others, both of ``inside`` (bool (n,))."""
    found = hypotheses.t_test(design, y, partner.astype(int), inside, level=level)
    return Difference(found.value, found.se, found.low, found.high, found.test.p)


def regression(
    design: SurveyDesign, y, table: pd.DataFrame, inside, level: float, share: bool, over=None
) -> Difference:
    """Average change of the prediction with partnership over the partners, or over all agencies (``over='all'``).

    Logistic regression of shares, linear of the index, on ``TERMS``. The variance takes the partners' covariates for
    sampled, as ``models.average_marginal_effects`` does.
    """
    table = _within(table, inside)
    terms = _terms(table)
    x = terms.matrix(table)
    fit = (logistic if share else linear)(design, y, x, inside)
    if over == "all":
        found = average_marginal_effects(fit, terms, table, ["partner"])
        return _difference(float(found.coefficients[0]), float(found.se[0]), fit.df, level)
    return _difference(*_among(fit, x, table["partner"].to_numpy() == 1), fit.df, level)


def _among(fit: Fit, x: pd.DataFrame, group: np.ndarray) -> tuple[float, float]:
    """(average change of the prediction from partner = 0 to 1 over the rows of ``group``, its standard error)."""
    model, rows, b = fit.model, fit.model.rows, fit.coefficients
    share = rows.weight * group[rows.inside]
    share = share / share.sum()
    gap, slope = np.zeros(len(share)), np.zeros((1, len(b)))
    for value, sign in ((1.0, 1), (0.0, -1)):
        at = x.assign(partner=value)[rows.names].to_numpy(dtype=float)[rows.inside]
        gap += sign * model.mean(b, at, rows.offset)[:, 0]
        slope += sign * model.jacobian(b, at, rows.offset, share)
    found = float(share @ gap)
    scores = rows.spread((share * (gap - found))[:, None]) + fit.scores @ slope.T
    return found, float(np.sqrt(rows.design.variance(scores)[0]))


def _moments(table: pd.DataFrame, inside: np.ndarray) -> np.ndarray:
    """What is balanced: intercept and terms without partnership (n, p), 0 outside ``inside``."""
    table = _within(table, inside)
    return np.where(inside[:, None], _terms(table, with_partner=False).matrix(table), 0.0)


def balancing_weight(design: SurveyDesign, table: pd.DataFrame, inside: np.ndarray) -> np.ndarray:
    """Weights (n,) of the others of ``inside`` by entropy balancing, their sum that of the partners' weights; else 0.

    The weights nearest to the design's in Kullback and Leibler's divergence that give the others the partners' weighted
    means of the terms (Hainmueller 2012): calibration by the raking distance (Deville and Saerndal 1992) to the
    partners' totals. Raises InputError where no weights do.
    """
    partner = table["partner"].to_numpy() == 1
    of_partners, of_others = design.weight * (partner & inside), design.weight * (~partner & inside)
    if not of_partners.any() or not of_others.any():
        raise InputError("There are no partners, or no other agencies, to compare")
    x = _moments(table, inside)
    start = of_others * of_partners.sum() / of_others.sum()
    return start * calibration_factor(start, x, of_partners @ x, "raking")


def balanced(design: SurveyDesign, y, table: pd.DataFrame, inside, level: float) -> Difference:
    """Mean of y among partners less that of the others under ``balancing_weight``.

    Linearised with the partners' means as estimated too: with v the balancing weights, X' diag(v) X B = X' diag(v) y and
    W the partners' weight, the score of the others' mean m is (v (y - x'B) for others, w (x'B - m) for partners) / W.
    """
    partner = (table["partner"].to_numpy() == 1) & inside
    v = balancing_weight(design, table, inside)
    x, y = _moments(table, inside), np.where(inside, y, 0.0)
    w = design.weight * partner
    total = w.sum()
    slope = np.linalg.lstsq(x.T @ (v[:, None] * x), x.T @ (v * y), rcond=None)[0]
    fitted = x @ slope
    mean, others = w @ y / total, v @ y / total
    scores = (w * (y - mean) - v * (y - fitted) - w * (fitted - others)) / total
    return _of_scores(design, mean - others, scores, inside, level)


def propensity(design: SurveyDesign, y, table: pd.DataFrame, inside, level: float) -> Difference:
    """Mean of y among partners less that of the others weighted by the odds of partnership (a logistic regression).

    The score of the others' mean holds that of the regression: the odds are estimated.
    """
    partner = table["partner"].to_numpy() == 1
    matrix, y = _moments(table, inside), np.where(inside, y, 0.0)
    names = [f"column {k}" for k in range(matrix.shape[1])]
    fit = logistic(design, partner.astype(float), pd.DataFrame(matrix, columns=names), inside)
    w = design.weight * (partner & inside)
    v = design.weight * (~partner & inside) * np.exp(matrix @ fit.coefficients)
    mean, others = w @ y / w.sum(), v @ y / v.sum()
    away = v * (y - others) / v.sum()
    scores = w * (y - mean) / w.sum() - away - fit.scores @ (away @ matrix)
    return _of_scores(design, mean - others, scores, inside, level)


def _of_scores(design: SurveyDesign, value: float, scores: np.ndarray, inside, level: float) -> Difference:
    se = float(np.sqrt(design.variance(scores, inside)[0]))
    return _difference(float(value), se, design.degrees_of_freedom(inside) - 1, level)


def compare(rows: pd.DataFrame, design: SurveyDesign, level: float) -> pd.DataFrame:
    """One row an outcome: key, group, label, share, means and counts of both groups, and the differences by method.

    partners, partners_se, partners_low, partners_high, partners_n and the like of others (logit limits of shares, t limits
    of the index); raw, regression, balanced, all, propensity, local : ``Difference``, Holm's p-values over the outcomes.
    """
    table, partner = covariates(rows), partners(rows)
    found = []
    for outcome in outcomes(rows):
        row = {"key": outcome.key, "group": outcome.group, "label": outcome.label, "share": outcome.share}
        for name, group in (("partners", partner), ("others", ~partner)):
            row |= _mean(design, outcome, group & outcome.known, name, level)
        found.append(row | _differences(rows, design, table, outcome, level))
    found = screened(pd.DataFrame(found), outcomes(rows), partner)
    for method in (*METHODS, *OTHER_WAYS):
        holm = hypotheses.adjusted([entry.p for entry in found[method]])
        found[method] = [replace(entry, p_holm=float(p)) for entry, p in zip(found[method], holm, strict=True)]
    return found


def screened(found: pd.DataFrame, compared: list[Outcome], partner: np.ndarray) -> pd.DataFrame:
    """``compare`` without means that would tell of single agencies (``disclosure.watch``), and without the differences, by
    any method, of which they are a side. partner : bool (n,)."""
    found = found.copy()
    for name, domain, group in (("partners", "Partner", partner), ("others", "Not a partner", ~partner)):
        ends = {"value": name} | {end: f"{name}_{end}" for end in ("se", "low", "high", "n")}
        labels = {"breakdown": "Task force", "domain": domain, "measure": found["label"], "percent": found["share"]}
        kept = watch.screened(
            pd.DataFrame(labels | {end: found[column] for end, column in ends.items()}),
            [group & one.known for one in compared],
            [one.y > 0 if one.share else None for one in compared],
        )
        for end, column in (ends | {"status": f"{name}_status"}).items():
            found[column] = kept[end]
    for label, one in zip(found.index, compared, strict=True):
        sides = [(group & one.known, one.y > 0 if one.share else None, one.label) for group in (partner, ~partner)]
        ways = {name: found.at[label, name] for name in (*METHODS, *OTHER_WAYS)}
        numbers = [number for way in ways.values() for number in (way.value, way.se)]
        if watch.left_out(f"{one.label}: partners less others", numbers, sides):
            for name in ways:
                found.at[label, name] = not_estimated(InputError(PROTECTED))
    return found


def _differences(rows, design, table, outcome: Outcome, level: float) -> dict[str, Difference]:
    y, known, local = outcome.y, outcome.known, (rows["agency_type"] != survey.STATE).to_numpy()
    ways = {
        "raw": lambda: raw(design, y, table["partner"].to_numpy(), known, level),
        "regression": lambda: regression(design, y, table, known, level, outcome.share),
        "balanced": lambda: balanced(design, y, table, known, level),
        "all": lambda: regression(design, y, table, known, level, outcome.share, "all"),
        "propensity": lambda: propensity(design, y, table, known, level),
        "local": lambda: balanced(design, y, table, known & local, level),
    }
    found = {}
    for name, way in ways.items():
        try:
            found[name] = way()
        except InputError as error:  # a group without answers, a term that separates, totals that cannot be met
            found[name] = not_estimated(error)
    return found


def _mean(design: SurveyDesign, outcome: Outcome, inside: np.ndarray, name: str, level: float) -> dict:
    if not inside.any():
        return {f"{name}{end}": np.nan for end in ("", "_se", "_low", "_high")} | {f"{name}_n": 0}
    part = estimate.mean(design, outcome.y, inside)
    low, high = part.interval(level, "logit" if outcome.share else "t")[0]
    values = (part.value[0], part.se[0], low, high, int(part.n[0]))
    return dict(zip((name, f"{name}_se", f"{name}_low", f"{name}_high", f"{name}_n"), values, strict=True))


# ---- balance -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Balance:
    """How alike partners and others are before and after balancing.

    table : columns breakdown, domain, constrained, partners, others, balanced, before, after: means, and differences in
    standard deviations among the partners. effective_n : Kish's effective number of others under the balancing weights.
    ``why`` says why there are no such weights, and then balanced and after are missing.
    """

    table: pd.DataFrame
    partners_n: int
    others_n: int
    effective_n: float
    largest_factor: float
    why: str = ""


def balance(rows: pd.DataFrame, design: SurveyDesign, parts: list) -> Balance:
    """Means of size, type, region and location among partners and others; parts : as of ``survey.domains``.

    The shares of the population classes are not balanced on: they show how well the logarithm and its square stand for
    size. Shares of classes count local agencies only, out of all.
    """
    table, partner = covariates(rows), partners(rows)
    everybody = np.ones(len(rows), dtype=bool)
    try:
        v, why = balancing_weight(design, table, everybody), ""
    except InputError as error:
        v, why = np.full(len(rows), np.nan), error.what
    w = design.weight
    columns = [("Size", "Population served, log10", True, np.log10(rows["population"].to_numpy(dtype=float)))]
    columns += [
        (breakdown, name, breakdown != "Population served", inside.astype(float))
        for breakdown, name, inside in parts
        if breakdown in ("Agency type", "Population served", "Region", "Location")
    ]
    found = []
    for breakdown, name, constrained, values in columns:
        means = [_average(values, w * partner), _average(values, w * ~partner), _average(values, v)]
        spread = np.sqrt(max(_average((values - means[0]) ** 2, w * partner), 0.0))
        apart = [(means[0] - mean) / spread if spread > 0 else np.nan for mean in means[1:]]
        found.append((breakdown, name, constrained, *means, *apart))
    names = ["breakdown", "domain", "constrained", "partners", "others", "balanced", "before", "after"]
    known = ~np.isnan(v)
    size = float(known.any() and (~partner).sum())
    factor = v[~partner] / w[~partner]
    return Balance(
        pd.DataFrame(found, columns=names),
        int(partner.sum()),
        int((~partner).sum()),
        size / kish_design_effect(v[~partner]) if not why else np.nan,
        float(factor.max() / np.median(factor)) if not why else np.nan,
        why,
    )


def _average(values: np.ndarray, weight: np.ndarray) -> float:
    return float(values @ weight / weight.sum()) if weight.sum() > 0 else float("nan")
