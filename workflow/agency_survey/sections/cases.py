"""What the chapters on cases share: measures of agencies with cases (Part II) and of their cases (Part III) by group.

A measure is a ratio of two totals: a share of agencies or cases, a mean, or a share of victims. Estimates of cases
come from a design whose clusters are the agencies (``national_survey.cases``), so all errors and tests are robust to
cases of one agency being alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey import distributions, estimate, hypotheses, marks, tables
from agency_survey.design import SurveyDesign
from agency_survey.disclosure import watch
from agency_survey.sections import builders, survey

SEX, LABOR, BOTH = "Sex trafficking", "Labor trafficking", "Both"
TYPES = [SEX, LABOR, BOTH]
BY_TYPE = "Type of case"
ALL_CASES = "All cases"
GROUPS = ["Sex only", "Labor only", "Both types"]
BY_GROUP = "Type investigated"
YES = "Yes"
LIMITS = ["value", "se", "low", "high"]


@dataclass(frozen=True)
class Measure:
    """A ratio of totals, y over x (both (n,)), among the rows that are ``known`` (bool (n,)); a share has y <= x.

    adds : what y adds up where it is a number of persons or the like (of a share, x less y adds up the others); else None.
    """

    y: np.ndarray
    x: np.ndarray
    known: np.ndarray
    share: bool
    adds: str | None = None

    @property
    def counted(self) -> np.ndarray | None:
        """bool (n,) rows of which it is the share; None where it is no share of rows."""
        units = np.isin(self.y, (0.0, 1.0)).all() and np.array_equal(self.x, self.known)
        return self.y > 0 if self.share and units else None


def share(answer: pd.Series, labels: Iterable[str], within: np.ndarray) -> Measure:
    """Share of rows whose answer is one of the labels, among those of ``within`` that gave an answer."""
    return indicator(answer.isin(list(labels)), answer.notna().to_numpy() & within)


def indicator(y, known: np.ndarray) -> Measure:
    """Share of the ``known`` rows for which y (n,) is true."""
    y = pd.Series(np.asarray(y, dtype=object)).fillna(False).to_numpy(dtype=float)
    return Measure(np.where(known, y, 0.0), known.astype(float), known, True)


def ratio(above: pd.Series, below: pd.Series | float, within: np.ndarray, share: bool, adds: str) -> Measure:
    """Ratio of two numeric answers among the rows of ``within`` that gave both; 1.0 below makes it a mean.

    adds : what the answers above count, in words.
    """
    y = above.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    x = np.ones(len(y)) if isinstance(below, float) else below.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(y) & np.isfinite(x) & within
    return Measure(np.where(known, y, 0.0), np.where(known, x, 0.0), known, share, adds)


def answers(column: pd.Series, within: np.ndarray) -> dict[str, Measure]:
    """A share for each category of an answer."""
    return {label: share(column, [label], within) for label in column.cat.categories}


# -- groups of agencies and cases --------------------------------------------------------------------------------------


def investigated(by_year: pd.DataFrame, identification: pd.DataFrame) -> pd.DataFrame:
    """What each agency with answers to Part II investigated (index agency_id): sex, labor, total, several, group.

    sex, labor : number of investigations, the sum over the years of Part II where all are given, else the number of
    Part I, else missing; several : two investigations or more; group : one of GROUPS. The last three are known only
    where both numbers are: an agency with a left-out year would else count as one of both types but never as one of a
    single type.
    """
    table, part1 = by_year.set_index("agency_id"), identification.set_index("agency_id")
    number = {}
    for kind, name in (("sex", "q15a_sex_cases"), ("labour", "q15b_labour_cases")):
        summed = table[yearly(table, kind)].astype("Float64").sum(axis=1, skipna=False)
        number[kind] = summed.fillna(part1[name].reindex(table.index).astype("Float64"))
    sex, labor = number["sex"], number["labour"]
    total = sex + labor
    some = [(one > 0).fillna(False).to_numpy(dtype=bool) for one in (sex, labor)]
    known = total.notna().to_numpy() & (some[0] | some[1])
    code = np.where(known, np.select([some[0] & some[1], some[0]], [2, 0], 1), -1)
    return pd.DataFrame(
        {
            "sex": sex,
            "labor": labor,
            "total": total,
            "several": total >= 2,
            "group": pd.Categorical.from_codes(code, GROUPS),
        },
        index=table.index,
    )


def yearly(table: pd.DataFrame, kind: str) -> list[str]:
    """Names of the yearly counts of a kind, sex or labour, in their order."""
    prefix = {"sex": "q1_sex_", "labour": "q2_labour_"}[kind]
    return [name for name in table.columns if name.startswith(prefix) and not name.endswith("__missing")]


def case_parts(rows: pd.DataFrame) -> list[tuple[str, str, np.ndarray]]:
    """(breakdown, domain, bool (n,)): all described cases, those of sex and those of labor trafficking alone."""
    described = rows["described"].to_numpy(dtype=bool)
    kinds = [(BY_TYPE, kind, described & (rows["q1_type"] == kind).to_numpy()) for kind in (SEX, LABOR)]
    return [(survey.ALL, ALL_CASES, described), *kinds]


def group_parts(rows: pd.DataFrame, group: pd.Series) -> list[tuple[str, str, np.ndarray]]:
    """(breakdown, domain, bool (n,)): all agencies with answers to Part II, and by the type that they investigated.

    group : (n,) one of GROUPS or missing.
    """
    inside = rows["part2"].to_numpy(dtype=bool)
    return [
        (survey.ALL, survey.ALL, inside),
        *((BY_GROUP, name, inside & (group == name).to_numpy(dtype=bool)) for name in GROUPS),
    ]


# -- estimates ---------------------------------------------------------------------------------------------------------


def estimates(
    design: SurveyDesign, agency: pd.Series, measures: Mapping[str, Measure], parts: list, level: float
) -> pd.DataFrame:
    """Measures by domain: breakdown, domain, measure, value, se, low, high, n, agencies, df, percent.

    agency : (n,) identifiers, of which ``agencies`` counts the distinct ones; n counts rows. Limits are logit limits
    for shares, t limits for others. Where nothing is known the values are missing and n is 0.
    """
    found, bases, counted = [], [], []
    weighted = design.weight > 0
    for breakdown, domain, inside in parts:
        for name, measure in measures.items():
            used = inside & measure.known & weighted
            row = {"breakdown": breakdown, "domain": domain, "measure": name, "percent": measure.share}
            row |= dict.fromkeys(LIMITS, np.nan) | {"n": int(used.sum()), "agencies": agency[used].nunique(), "df": 0}
            if measure.x[used].any():
                part = estimate.ratio(design, measure.y, measure.x, used)
                low, high = part.interval(level, "logit" if measure.share else "t")[0]
                row |= {"value": part.value[0], "se": part.se[0], "low": low, "high": high, "df": part.df[0]}
            found.append(row)
            bases.append(used)
            counted.append(measure.counted)
    found = watch.screened(pd.DataFrame(found), bases, counted, agency)
    return _without_totals(found, measures, bases, design.weight, agency)


def _without_totals(found, measures: Mapping[str, Measure], bases: list, weight: np.ndarray, agency: pd.Series):
    """``estimates`` without those that tell of a total which would tell of single agencies: of what is counted and, of a
    share, of the others, for either gives away the other."""
    lines, of, inside, amounts = [], [], [], []
    for (label, row), used in zip(found.iterrows(), bases, strict=True):
        one = measures[row["measure"]]
        if one.adds is None or not used.any():
            continue
        told = {one.adds: one.y} | ({f"{one.adds}: others": np.maximum(one.x - one.y, 0.0)} if one.share else {})
        for name, own in told.items():
            amount = watch.Amount.of(name, own, weight)
            line = {"breakdown": row["breakdown"], "domain": row["domain"], "measure": f"{name}, {row['measure']}"}
            line |= {"value": float(amount.part[used].sum()), "se": 0.0, "low": np.nan, "high": np.nan}
            lines.append(line | {"n": row["n"], "agencies": row["agencies"], "percent": False})
            of.append(label)
            inside.append(used)
            amounts.append(amount)
    if not lines:
        return found
    none = [None] * len(lines)
    kept = watch.screened(pd.DataFrame(lines), inside, none, agency, amount=amounts)
    for label, used, line in zip(of, inside, lines, strict=True):
        row = found.loc[label]
        watch.follows(f"{row['domain']}, {row['measure']}", [row["value"]], [(used, None, line["measure"])])
    gone = [label for label, value in zip(of, kept["value"], strict=True) if np.isnan(value)]
    found.loc[gone, LIMITS] = np.nan
    found.loc[gone, "status"] = marks.WITHHELD
    return found


def screened_totals(found: pd.DataFrame, breakdown: str, measures: list[Measure], weight: np.ndarray) -> pd.DataFrame:
    """Totals, a row one of the measures, without those that would tell of single agencies.

    found : measure (a name of its own each), value, se, low, high, n, and more; weight : (n,).
    """
    bases = [base for base, *_ in totals_told(found, measures, weight)]
    amounts = [watch.Amount.of(one.adds, one.y, weight) for one in measures]
    lines = found.assign(breakdown=breakdown, domain=found["measure"], percent=False)
    kept = watch.screened(lines, bases, [None] * len(bases), amount=amounts)
    return kept[[*found.columns, "status"]]


def totals_told(found: pd.DataFrame, measures: list[Measure], weight: np.ndarray) -> list[tuple]:
    """(base, counted, measure) of each row of ``screened_totals``, for ``watch.left_out``."""
    return [(one.known & (weight > 0), None, name) for one, name in zip(measures, found["measure"], strict=True)]


def masked(found: pd.DataFrame, limits: dict) -> pd.DataFrame:
    """``estimates`` as they may be shown: missing where too uncertain or where too few *agencies* stand behind them.

    Several cases of one agency tell of one agency, so the least number of respondents is one of agencies.
    """
    found = found.astype(dict.fromkeys(LIMITS, float))
    hidden = [state(row, limits) == "hidden" for row in found.itertuples()]
    found.loc[hidden, LIMITS] = np.nan
    found.loc[~(found["se"] > tables.NOISE), ["low", "high"]] = np.nan
    return found.assign(status=marks.judged(found, hidden))


def state(row, limits: dict) -> str:
    """'shown', 'flagged' or 'hidden', of a row of ``estimates``."""
    judge = tables.reliability if row.percent else builders.value_reliability
    return judge(row.value, row.se, row.agencies, limits)


def shares(found: pd.DataFrame) -> pd.DataFrame:
    """The shares among ``estimates`` in the columns that the figures take, with the value as ``share``."""
    return found[found["percent"]].rename(columns={"value": "share"}).reset_index(drop=True)


# -- comparisons -------------------------------------------------------------------------------------------------------


def contrasts(design: SurveyDesign, measures: Mapping[str, Measure], first, second, level: float) -> pd.DataFrame:
    """First less second domain (bool (n,)): measure, value, se, low, high, p, p_adjusted (Holm 1979)."""
    found = []
    for name, measure in measures.items():
        sides = [inside & measure.known & (design.weight > 0) for inside in (first, second)]
        row = {"measure": name, "percent": measure.share} | dict.fromkeys([*LIMITS, "p"], np.nan)
        if all(measure.x[used].any() for used in sides):
            pair = [estimate.ratio(design, measure.y, measure.x, used) for used in sides]
            value, se, test = estimate.contrast(estimate.stack(design, pair), [1, -1])
            half = distributions.t_quantile(0.5 + level / 2, test.df_residual) * se if test.df_residual > 0 else np.nan
            row |= {"value": value, "se": se, "low": value - half, "high": value + half, "p": test.p}
        found.append(row)
    found = pd.DataFrame(found)
    return found.assign(p_adjusted=hypotheses.adjusted(found["p"].to_numpy()))


def without_hidden(compared: pd.DataFrame, public: pd.DataFrame) -> pd.DataFrame:
    """``contrasts`` without those of a measure that ``masked`` hides in one of the two domains; ``status`` says why."""
    sides = public[(public["breakdown"] != survey.ALL) & public["value"].isna()]
    withheld = {row.measure for row in sides.itertuples() if marks.status_of(row) == marks.WITHHELD}
    compared = compared.copy()
    compared.loc[compared["measure"].isin(set(sides["measure"])), [*LIMITS, "p", "p_adjusted"]] = np.nan
    missing = np.where(compared["measure"].isin(withheld), marks.WITHHELD, marks.IMPRECISE)
    return compared.assign(status=np.where(compared["value"].isna(), missing, marks.SHOWN))


def independence(design: SurveyDesign, answer: pd.Series, parts: list) -> estimate.Test:
    """Rao and Scott's test (second order, F) that a categorical answer is independent of the domains of ``parts``.

    Domains of ``survey.ALL`` are left out. Answers of which a domain's share is left out (``disclosure.watch``) count as
    one, as in ``builders.tests``. The statistic is missing where nothing can be tested.
    """
    domains = [inside for breakdown, _, inside in parts if breakdown != survey.ALL]
    codes, labels = np.select(domains, range(len(domains)), -1), list(answer.cat.categories)
    known = answer.notna().to_numpy() & (design.weight > 0)
    sides = {
        label: [(inside & known, (answer == label).to_numpy(dtype=bool), label) for inside in domains]
        for label in labels
    }
    place = builders.pooled([any(watch.gone(of)) for of in sides.values()])
    if place is None:
        return builders.NO_TEST
    given = np.append(place, -1)[answer.cat.codes.to_numpy()]
    both = (codes >= 0) & (given >= 0) & (design.weight > 0)
    if len(np.unique(codes[both])) < 2 or len(np.unique(given[both])) < 2:
        return builders.NO_TEST
    table = hypotheses.crosstab(design, codes, given, len(domains), int(place.max()) + 1)
    found = table.rao_scott().f_second
    every = [side for of in sides.values() for side in of]
    watch.follows(f"{answer.name}, test of independence", [found.statistic, found.p], every)
    return found


@dataclass(frozen=True)
class Leader:
    """The measure with the largest share, those not shown to be less, and its lead over the next."""

    name: str
    ties: list[str]
    lead: hypotheses.Comparison


def leader(design: SurveyDesign, measures: Mapping[str, Measure], inside: np.ndarray, level: float) -> Leader:
    """Which share is the largest in the domain; differences to all others are tested with Holm's adjustment."""
    value = {name: one.y[one.known & inside] @ design.weight[one.known & inside] for name, one in measures.items()}
    value = {name: total / design.weight[measures[name].known & inside].sum() for name, total in value.items()}
    top, *others = sorted(measures, key=lambda name: -value[name])
    found = [lead_over(design, measures[top], measures[name], inside, level) for name in others]
    p = hypotheses.adjusted([one.test.p for one in found])
    return Leader(top, [name for name, q in zip(others, p, strict=True) if not q < builders.ALPHA], found[0])


def first_of(design: SurveyDesign, answers: Mapping[str, tuple[np.ndarray, np.ndarray]], level: float) -> Leader:
    """``leader`` of answers that are each true or false (bool (n,)) among those known (bool (n,)), over all agencies."""
    measures = {name: indicator(y, known) for name, (y, known) in answers.items()}
    return leader(design, measures, np.ones(len(design.weight), dtype=bool), level)


def lead_over(design: SurveyDesign, first: Measure, second: Measure, inside, level: float) -> hypotheses.Comparison:
    """First less second measure of one domain (bool (n,)), each among the rows that it is known for."""
    pair = [estimate.ratio(design, one.y, one.x, one.known & inside & (design.weight > 0)) for one in (first, second)]
    value, se, test = estimate.contrast(estimate.stack(design, pair), [1, -1])
    half = distributions.t_quantile(0.5 + level / 2, test.df_residual) * se if test.df_residual > 0 else np.nan
    return hypotheses.Comparison(value, se, float(value - half), float(value + half), level, test)
