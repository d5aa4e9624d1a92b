"""Chapter 7, characteristics of cases: types, years, settings, victims, suspects, links to other networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey import distributions, estimate, marks
from agency_survey.design import SurveyDesign
from agency_survey.disclosure import watch
from agency_survey.ingest import require_labels
from agency_survey.sections import cases, survey
from agency_survey.sections.cases import GROUPS, YES, Measure, indicator, ratio, share

MODULE = "workflow/agency_survey/sections/case_characteristics.py"
KINDS = {"sex": cases.SEX, "labour": cases.LABOR}
LINKS = [
    "q6a_drugs",
    "q6b_prostitution",
    "q6c_smuggling",
    "q6d_gangs",
    "q6e_document_fraud",
    "q6f_money_laundering",
]
ALL = "Both kinds"
ANY_LINK = "Any other network"
ONE_TYPE, EXPECTED, EXCESS = "One type only", "Expected by chance", "More than expected"
SEVERAL = "Investigations"
COUNTS = {
    "Two investigations": (2, 2),
    "3 to 4 investigations": (3, 4),
    "5 to 9 investigations": (5, 9),
    "10 investigations and over": (10, np.inf),
}

SUSPECTS = {"None": 0, "One": 1, "Two to four": 2, "Five and over": 5}  # classes of cases, each from this number on


def require(part2: pd.DataFrame, part3: pd.DataFrame) -> None:
    """Refuse answers whose labels are not those that the measures are computed from."""
    yes_no = [YES, "No"]
    require_labels(part2, dict.fromkeys(["q6_networks", *LINKS], yes_no), "config/codebooks/part2.yaml", MODULE)
    require_labels(part3, {"q1_type": cases.TYPES, "q9_network": yes_no}, "config/codebooks/part3.yaml", MODULE)


# -- agencies: one type or several -------------------------------------------------------------------------------------


def by_type_investigated(rows: pd.DataFrame, kinds: pd.DataFrame) -> dict[str, Measure]:
    """Shares of agencies with cases that investigated sex trafficking only, labor trafficking only, or both.

    rows : ``national_survey.part2_respondents``; kinds : ``cases.investigated`` in the order of the rows.
    """
    return cases.answers(kinds["group"], rows["part2"].to_numpy())


def one_type(rows: pd.DataFrame, kinds: pd.DataFrame, sex_share: float) -> dict[str, Measure]:
    """Of agencies with several investigations: share with one type only, the share that chance would give, the excess.

    sex_share : p, the share of all investigations that is of sex trafficking. An agency with m investigations whose
    types were drawn at random has one type only with probability p^m + (1 - p)^m. p is taken as known.
    """
    several = rows["part2"].to_numpy() & kinds["several"].fillna(False).to_numpy(dtype=bool)
    single = kinds["group"].isin(GROUPS[:2])
    total = kinds["total"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    known = several & kinds["group"].notna().to_numpy() & np.isfinite(total)
    chance = np.where(known, sex_share ** np.nan_to_num(total) + (1 - sex_share) ** np.nan_to_num(total), 0.0)
    return {
        ONE_TYPE: indicator(single, several & kinds["group"].notna().to_numpy()),
        EXPECTED: Measure(chance, known.astype(float), known, True),
        EXCESS: Measure(np.where(known, single.to_numpy() - chance, 0.0), known.astype(float), known, False),
    }


def several_parts(rows: pd.DataFrame, kinds: pd.DataFrame, parts: list) -> list[tuple[str, str, np.ndarray]]:
    """``survey.domains`` (all agencies, types, task force) and agencies by their number of investigations."""
    total = kinds["total"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    kept = [part for part in parts if part[0] in ("Agency type", "Task force") or part[1] == survey.ALL]
    sizes = [(SEVERAL, name, (total >= low) & (total <= high)) for name, (low, high) in COUNTS.items()]
    return [kept[0], *sizes, *kept[1:]]


# -- cases by year -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Years:
    """Estimated investigations in the country by kind and year, and their yearly growth.

    totals : kind, year (text), value, se, low, high, n; growth : kind (also ALL for both), value, low, high, p: the
    mean relative change a year; difference_p : p-value that sex and labor grow alike.
    """

    totals: pd.DataFrame
    growth: pd.DataFrame
    difference_p: float
    sex_share: float


def years(rows: pd.DataFrame, design: SurveyDesign, level: float) -> Years:
    """Totals of the investigations opened by year, with limits on the log scale, and their growth.

    The total of a year is the number of agencies with cases times the mean of those that gave the year's number: a
    number left out is taken to be as those given. Growth: slope of the logarithms of the totals on the years, by the
    delta method.
    """
    inside = rows["part2"].to_numpy()
    columns = {(kind, name[-4:]): name for kind in KINDS for name in cases.yearly(rows, kind)}
    measures = [
        ratio(rows[name], 1.0, inside, False, f"investigations, {KINDS[kind]}, {year}")
        for (kind, year), name in columns.items()
    ]
    parts = [estimate.total(design, np.ones(len(rows)), inside)]
    parts += [estimate.ratio(design, m.y, m.x, m.known) for m in measures]
    together = estimate.stack(design, parts)
    size, mean = together.value[0], together.value[1:]
    slope = np.column_stack([mean, size * np.eye(len(mean))])
    total, covariance = size * mean, slope @ together.covariance @ slope.T
    df = together.df[1:].min()
    found = pd.DataFrame([{"kind": KINDS[kind], "year": year} for kind, year in columns])
    found = found.assign(value=total, se=np.sqrt(np.diag(covariance)), n=[part.n[0] for part in parts[1:]])
    with np.errstate(divide="ignore", invalid="ignore"):
        half = distributions.t_quantile(0.5 + level / 2, df) * found["se"] / found["value"]
    found = found.assign(low=found["value"] * np.exp(-half), high=found["value"] * np.exp(half))
    growth, p = _growth(total, covariance, found["kind"].to_numpy(), found["year"].astype(float).to_numpy(), df, level)
    sex_share = float(total[found["kind"] == cases.SEX].sum() / total.sum())
    named = found.assign(measure=found["kind"] + ", " + found["year"])
    kept = cases.screened_totals(named, "Year", measures, design.weight)
    if watch.left_out(
        "Growth of investigations", [p, *growth["value"]], cases.totals_told(named, measures, design.weight)
    ):
        growth, p = growth.assign(value=np.nan, low=np.nan, high=np.nan, p=np.nan, status=marks.WITHHELD), np.nan
    return Years(kept.drop(columns="measure"), growth, p, sex_share)


def _growth(total, covariance, kind, year, df: float, level: float) -> tuple[pd.DataFrame, float]:
    """(relative growth a year by kind and of all, p-value of equal growth); missing where a year has none."""
    lines, slopes = [], {}
    for name in [*KINDS.values(), ALL]:
        used = np.ones(len(kind), dtype=bool) if name == ALL else kind == name
        times = np.unique(year[used])
        sums = np.array([total[used & (year == time)].sum() for time in times])
        value, se, gradient = np.nan, np.nan, np.full(len(kind), np.nan)
        if (sums > 0).all():
            away = (times - times.mean()) / ((times - times.mean()) ** 2).sum()
            place = np.searchsorted(times, year[used])
            value, gradient = float(np.log(sums) @ away), np.zeros(len(kind))
            gradient[used] = (away / sums)[place]
            se = float(np.sqrt(max(gradient @ covariance @ gradient, 0.0)))
        half, test = distributions.t_quantile(0.5 + level / 2, df) * se, estimate.t_test_of(value, se, df)
        limits = np.expm1([value, value - half, value + half])
        lines.append({"kind": name, "value": limits[0], "low": limits[1], "high": limits[2], "p": test.p})
        slopes[name] = value, gradient
    (sex, of_sex), (labor, of_labor) = slopes[cases.SEX], slopes[cases.LABOR]
    away = of_sex - of_labor
    test = estimate.t_test_of(sex - labor, float(np.sqrt(away @ covariance @ away)), df)
    return pd.DataFrame(lines), test.p


# -- networks ----------------------------------------------------------------------------------------------------------


def links(rows: pd.DataFrame, labels: dict[str, str]) -> dict[str, Measure]:
    """Shares of agencies with cases that report links to other criminal networks: any, and each kind.

    An agency that reports no link counts as having none of any kind; one that did not answer on any link is left out.
    """
    inside, linked = rows["part2"].to_numpy(), rows["q6_networks"]
    found = {ANY_LINK: share(linked, [YES], inside)}
    for name in LINKS:
        known = inside & ((linked == "No") | ((linked == YES) & rows[name].notna())).to_numpy(dtype=bool)
        found[labels[name]] = indicator((linked == YES) & (rows[name] == YES), known)
    return found


# -- cases -------------------------------------------------------------------------------------------------------------


def victims(rows: pd.DataFrame) -> dict[str, Measure]:
    """Shares of victims: by age among those of known age, of unknown age, female and foreign among all."""
    inside = rows["described"].to_numpy(dtype=bool)
    young = rows["q3a_under_18"] + rows["q3b_18_to_24"]
    of_known_age = young + rows["q3c_25_and_over"]
    return {
        "Under 18": ratio(rows["q3a_under_18"], of_known_age, inside, True, "victims who are minors"),
        "18 to 24": ratio(rows["q3b_18_to_24"], of_known_age, inside, True, "victims who are young adults"),
        "Under 25": ratio(young, of_known_age, inside, True, "victims who are minors or young adults"),
        "25 and over": ratio(rows["q3c_25_and_over"], of_known_age, inside, True, "victims who are older"),
        "Age not known": ratio(rows["q3d_age_unknown"], rows["q3_victims"], inside, True, "victims of unknown age"),
        "Female": ratio(rows["q4_female"], rows["q3_victims"], inside, True, "female victims"),
        "Foreign nationals": ratio(rows["q5_foreign"], rows["q3_victims"], inside, True, "foreign victims"),
    }


def suspects(rows: pd.DataFrame) -> pd.Series:
    """Class of each described case by its number of suspects; missing where the number is."""
    bounds = [low - 0.5 for low in SUSPECTS.values()]
    number = rows["q6_suspects"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return pd.Series(pd.cut(number, [*bounds, np.inf], labels=list(SUSPECTS)), index=rows.index)


def traits(rows: pd.DataFrame) -> dict[str, Measure]:
    """What cases are like: numbers of victims and suspects, and shares of cases."""
    inside = rows["described"].to_numpy(dtype=bool)

    def any_of(name: str) -> Measure:
        return indicator(rows[name] > 0, inside & rows[name].notna().to_numpy())

    closed = inside & ~rows["closed_on__missing"].isin(["invalid", "refused", "dont_know"]).to_numpy()
    return {
        "Victims per case": ratio(rows["q3_victims"], 1.0, inside, False, "victims"),
        "Suspects per case": ratio(rows["q6_suspects"], 1.0, inside, False, "suspects"),
        "One victim only": indicator(rows["q3_victims"] == 1, inside & rows["q3_victims"].notna().to_numpy()),
        "A victim under 18": any_of("q3a_under_18"),
        "A foreign victim": any_of("q5_foreign"),
        "A suspect identified": any_of("q6_suspects"),
        "Linked to another network": share(rows["q9_network"], [YES], inside),
        "Closed by the end of 2006": indicator(rows["closed_on"].notna(), closed),
    }


def counts(rows: pd.DataFrame) -> dict[str, int]:
    """Unweighted: cases, their agencies, victims, victims of known age, victims under 25."""
    told = rows[rows["described"]]
    young = told["q3a_under_18"] + told["q3b_18_to_24"]
    known = young + told["q3c_25_and_over"]
    return {
        "cases": len(told),
        "agencies": told["agency_id"].nunique(),
        "victims": int(told["q3_victims"].sum()),
        "victims-of-known-age": int(known.sum()),
    }


def headline_measures(rows: pd.DataFrame) -> dict[str, Measure]:
    """The measures whose weighting is compared."""
    inside = rows["described"].to_numpy(dtype=bool)
    of_victims, of_cases = victims(rows), traits(rows)
    found = {f"Cases: {label.lower()}": one for label, one in cases.answers(rows["q1_type"], inside).items()}
    found |= {f"Victims: {name.lower()}": of_victims[name] for name in ("Under 18", "Under 25", "Foreign nationals")}
    return found | {name: of_cases[name] for name in ("Victims per case", "Linked to another network")}


def unweighted(rows: pd.DataFrame, measures: dict[str, Measure], domain: str) -> pd.DataFrame:
    """``cases.estimates`` without weights and without errors: what the returned forms say as they are."""
    inside = rows["described"].to_numpy(dtype=bool)
    found = []
    for name, one in measures.items():
        used = inside & one.known
        value, status = one.y[used].sum() / one.x[used].sum() if one.x[used].any() else np.nan, marks.SHOWN
        if watch.left_out(f"{name}, {domain}", [value], [(used, one.counted, name)]):
            value, status = np.nan, marks.WITHHELD
        line = {"breakdown": survey.ALL, "domain": domain, "measure": name, "percent": one.share, "value": value}
        line |= {"n": int(used.sum()), "agencies": rows.loc[used, "agency_id"].nunique(), "df": 0}
        line["status"] = status
        found.append(line | dict.fromkeys(["se", "low", "high"], np.nan))
    return pd.DataFrame(found)
