"""Appendix C, weighting diagnostics: what each step of the weights does, and what estimates and errors owe to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from agency_survey import estimate, marks, replicates
from agency_survey.calibration import raking_factor
from agency_survey.design import SurveyDesign, survey_design
from agency_survey.disclosure import watch
from agency_survey.errors import InputError
from agency_survey.ingest import require_labels
from agency_survey.national_survey import (
    CLASSES,
    cases,
    part2_respondents,
    propensity_model,
    weight_steps,
)
from agency_survey.sections import survey
from agency_survey.sections.survey_methods import screened_respondents
from agency_survey.weights import median_cap, poststratification_factor, response_propensity, trimmed_weights

YES = "Yes"
WHERE = "workflow/agency_survey/sections/weighting_diagnostics.py"
LITTLE = ["Rare", "Non-existent"]
PERSONNEL = ["Specialized unit", "Designated personnel"]
TYPES_OF_CASES = ["Sex trafficking", "Labor trafficking", "Both"]
LARGE = CLASSES[CLASSES.index("250,000 to 499,999") :]
LABELS = {
    "q1_sex_residents": ["Widespread", "Occasional", *LITTLE],
    "q3_labour_residents": ["Widespread", "Occasional", *LITTLE],
    "q6_training": [YES, "No"],
    "q9_protocol": [YES, "No"],
    "q10_personnel": [*PERSONNEL, "Neither"],
    "q13_any_case": [YES, "No"],
}
BREAKDOWNS = {
    "agency_type": "Agency type",
    "population_class": "Population served",
    "region": "Region",
    "metropolitan": "Location",
    "task_force_partner": "Task-force partner",
}
STEP_NAMES = {
    "base_weight": "Inverse inclusion probability",
    "poststratification": "Post-stratification",
    "eligibility": "Undeliverable forms",
    "nonresponse": "Non-response",
    "trimming": "Trimming",
    "raking": "Raking",
}


@dataclass(frozen=True)
class Headline:
    """An estimate that the report leads with: key, name, and indicator and domain by row of the respondents."""

    key: str
    name: str
    y: np.ndarray
    domain: np.ndarray
    total: bool = False


def headlines(rows: pd.DataFrame) -> list[Headline]:
    """Headline estimates of Part I. ``rows``: respondents with all blocks of Part I."""
    require_labels(rows, LABELS, "config/codebooks/part1.yaml", WHERE)
    wanted = {
        "sex": ("Sex trafficking of residents rare or non-existent", "q1_sex_residents", LITTLE),
        "labor": ("Labor trafficking of residents rare or non-existent", "q3_labour_residents", LITTLE),
        "training": ("Any training on trafficking", "q6_training", [YES]),
        "protocol": ("Protocol or policy", "q9_protocol", [YES]),
        "personnel": ("Specialized unit or designated personnel", "q10_personnel", PERSONNEL),
        "case": ("Any case investigated", "q13_any_case", [YES]),
    }
    found = [
        Headline(key, name, rows[column].isin(values).to_numpy(), rows[column].notna().to_numpy())
        for key, (name, column, values) in wanted.items()
    ]
    case = found[-1]
    large = rows["population_class"].isin(LARGE).to_numpy()
    found.append(Headline("case-large", "Any case, serving 250,000 or more", case.y, case.domain & large))
    # agencies that left question 13 out count as without a case: the total is of those that say they had one
    found.append(Headline("case-total", "Agencies with a case, number", case.y, np.ones(len(rows), dtype=bool), True))
    return found


def estimated(design: SurveyDesign, found: list[Headline]) -> list[estimate.Estimate]:
    """The headline estimates under a design."""
    return [(estimate.total if one.total else estimate.mean)(design, one.y.astype(float), one.domain) for one in found]


# ---- weights -------------------------------------------------------------------------------------------------------


def steps_table(sample: pd.DataFrame) -> pd.DataFrame:
    """After each step, over the respondents (``WeightSteps.table``); 'scope' changes none of theirs and is left out."""
    table = weight_steps(sample).table(sample["responded"].to_numpy())
    return table[table["step"] != "scope"].reset_index(drop=True)


def step_quantiles(sample: pd.DataFrame) -> pd.DataFrame:
    """Quantiles of the respondents' weights after each step, for certainties and for the others."""
    rows = sample[sample["responded"]]
    steps = weight_steps(rows)
    found = []
    for step in STEP_NAMES:
        weight = pd.Series(steps.weight(step), rows.index)
        for certain, part in weight.groupby(rows["certainty"]):
            low, q1, median, q3, high = np.quantile(part, [0, 0.25, 0.5, 0.75, 1])
            group = "Certainties" if certain else "Drawn by chance"
            found.append((step, group, len(part), low, q1, median, q3, high))
    return pd.DataFrame(found, columns=["step", "group", "n", "least", "q1", "median", "q3", "greatest"])


def balance(frame: pd.DataFrame, sample: pd.DataFrame) -> pd.DataFrame:
    """Standardised differences of the respondents' shares from the frame's: (p - P) / sqrt(P (1 - P)).

    Columns breakdown, group, frame (share), and by weights 'unweighted', 'sampling', 'weighted' the share and
    ``<weights>_difference``. Closed agencies are part of the frame, not of the respondents.
    """
    rows = sample[sample["responded"]]
    steps = weight_steps(rows)
    kinds = {
        "unweighted": np.ones(len(rows)),
        "sampling": steps.weight("poststratification"),
        "weighted": rows["weight"].to_numpy(),
    }
    found = []
    for column, breakdown in BREAKDOWNS.items():
        for name in frame[column].cat.categories:
            share = (frame[column] == name).mean()
            inside = (rows[column] == name).to_numpy()
            line = {"breakdown": breakdown, "group": name, "frame": share}
            for kind, weight in kinds.items():
                line[kind] = weight[inside].sum() / weight.sum()
                line[f"{kind}_difference"] = (line[kind] - share) / np.sqrt(share * (1 - share))
            if 0 < share < 1:
                found.append(line)
    return pd.DataFrame(found)


@dataclass(frozen=True)
class Representativity:
    """R-indicator of Schouten, Cobben and Bethlehem (2009): 1 - 2 S(propensity), and what goes with it.

    indicator, deviation S, mean propensity, bias: S / mean, the largest standardised bias of an unweighted mean that
    depends on the model's variables alone; partial: unconditional partial indicator by variable, the part of S
    between its categories; terms : coefficients of the model; n : agencies.
    """

    indicator: float
    deviation: float
    mean: float
    bias: float
    partial: pd.DataFrame
    terms: pd.DataFrame
    n: int


def representativity(sample: pd.DataFrame) -> Representativity:
    """R-indicator of the response of the agencies known to be in operation, with sampling weights."""
    steps = weight_steps(sample)
    weight = steps.weight("eligibility")
    open_ = (sample["eligible"] & (weight > 0)).to_numpy()
    found = response_propensity(weight, propensity_model(sample), open_, sample["responded"].to_numpy())
    rows, w, p = sample[open_], weight[open_], found.propensity[open_]
    mean = np.average(p, weights=w)

    def deviation(values: np.ndarray) -> float:
        return float(np.sqrt((w * (values - mean) ** 2).sum() / (w.sum() - 1)))

    partial = []
    for column, breakdown in BREAKDOWNS.items():
        codes = rows[column].cat.codes.to_numpy()
        between = np.bincount(codes, w * p, codes.max() + 1) / np.maximum(
            np.bincount(codes, w, codes.max() + 1), 1e-300
        )
        partial.append((breakdown, deviation(between[codes])))
    spread = deviation(p)
    return Representativity(
        1 - 2 * spread,
        spread,
        float(mean),
        spread / float(mean),
        pd.DataFrame(partial, columns=["breakdown", "partial"]),
        pd.DataFrame({"term": found.terms, "coefficient": found.coefficients}),
        int(open_.sum()),
    )


def closed_agencies(sample: pd.DataFrame) -> estimate.Estimate:
    """Estimated number of closed agencies in the frame, from the mailed surveys whose state is known."""
    weight = weight_steps(sample).weight("eligibility")
    known = sample[weight > 0]
    weight = weight[weight > 0]
    stratum = known["sampling_stratum"] + np.where(known["certainty"], ", certainty", "")
    size = np.maximum(
        pd.Series(weight, known.index).groupby(stratum).transform("sum"), stratum.groupby(stratum).transform("size")
    )
    design = survey_design(weight, stratum, size, lonely="adjust")
    return estimate.total(design, (~known["eligible"]).to_numpy(float))


def trimming(rows: pd.DataFrame, found: list[Headline], caps: list[float]) -> pd.DataFrame:
    """What caps of these multiples of the median (type by certainty) would do to the weights before raking.

    Columns cap, trimmed, share (of the weight moved), design_effect (Kish, after raking again), gain (share of the untrimmed
    weights' design effect that is saved), and the largest change of a headline share, absolute and in standard errors.
    """
    base = weight_steps(rows).weight("nonresponse")
    group = rows["agency_type"].astype(str) + np.where(rows["certainty"], ", certainty", ", sampled")
    before = estimated(_design_of(rows, base * _raked(rows)(base)), found)
    start = _kish(base * _raked(rows)(base))
    table = []
    for cap in caps:
        try:
            cut = trimmed_weights(base, median_cap(base, cap, group), group)
        except InputError:  # a group in which so low a cap cannot hold the weight
            table.append((cap, *[np.nan] * 6))
            continue
        weight = cut.weight * _raked(rows)(cut.weight)
        moved = [
            (float(weight[one.domain] @ one.y[one.domain] / weight[one.domain].sum()) - part.value[0], part.se[0])
            for one, part in zip(found, before, strict=True)
            if not one.total
        ]
        effect = _kish(weight)
        points, errors = max(abs(change) for change, _ in moved), max(abs(change) / se for change, se in moved)
        table.append((cap, int(cut.trimmed.sum()), cut.loss, effect, 1 - effect / start, points, errors))
    names = ["cap", "trimmed", "share", "design_effect", "gain", "points", "errors"]
    return pd.DataFrame(table, columns=names)


def _margins(rows: pd.DataFrame) -> tuple[dict, dict]:
    """Codes (n,) and totals by margin that the respondents were raked on; the totals are those of their final weights."""
    margins, totals = {}, {}
    for name in rows.columns:
        if name.startswith("raking_"):
            margins[name] = pd.factorize(rows[name])[0]
            totals[name] = rows["weight"].groupby(margins[name]).sum()
    return margins, totals


def _raked(rows: pd.DataFrame):
    """Function of the weights before raking: the factors (n,) that bring them to the margins again."""
    margins, totals = _margins(rows)
    if not margins:
        return lambda weight: np.ones(len(weight))
    return lambda weight: raking_factor(weight, margins, totals)


def _design_of(rows: pd.DataFrame, weight: np.ndarray) -> SurveyDesign:
    """The respondents' strata with the weights before raking."""
    return survey_design(weight, rows["cell"], rows["cell_population"])


# ---- estimates -----------------------------------------------------------------------------------------------------


def method_comparison(found: list[Headline], designs: dict[str, SurveyDesign], level: float) -> pd.DataFrame:
    """Headline estimates by kind of weights: key, name, n and by kind ``<kind>``, ``<kind>_se``, for the same respondents."""
    table = pd.DataFrame({"key": [one.key for one in found], "name": [one.name for one in found]})
    table["total"] = [one.total for one in found]
    for kind, design in designs.items():
        parts = estimated(design, found)
        table["n"] = [int(part.n[0]) for part in parts]
        table[kind] = [part.value[0] for part in parts]
        table[f"{kind}_se"] = [part.se[0] for part in parts]
        limits = [
            part.interval(level, "t" if one.total else "logit")[0] for one, part in zip(found, parts, strict=True)
        ]
        table[[f"{kind}_low", f"{kind}_high"]] = limits
    return table


def errors(rows: pd.DataFrame, design: SurveyDesign, found: list[Headline], draws: int, seed: int) -> pd.DataFrame:
    """Standard errors of the headline estimates: linearised, with the raking ignored, bootstrap and jackknife.

    Replicates start from the weights before raking and repeat the last steps: each class back to its agencies in operation
    (non-response), then raking. Columns key, name, total, n, value, linearised, ignored, bootstrap, jackknife, effect (design
    effect against a simple random sample without replacement), kish (of the domain's weights).
    """
    before = _design_of(rows, weight_steps(rows).weight("trimming"))
    cell, names = pd.factorize(rows["cell"])
    sizes = pd.Series(rows.groupby("cell")["cell_population"].first()[names].to_numpy())
    again = _raked(rows)

    def weighting(weight: np.ndarray) -> np.ndarray:
        weight = weight * poststratification_factor(weight, cell, sizes)
        return weight * again(weight)

    y = np.column_stack([np.where(one.domain, one.y, 0.0) for one in found])
    x = np.column_stack([one.domain.astype(float) for one in found])
    total = np.array([one.total for one in found])

    def estimator(part: SurveyDesign) -> np.ndarray:
        above, below = part.weight @ y, part.weight @ x
        return np.where(total, above, above / below)

    drawn = {
        "bootstrap": replicates.rescaled_bootstrap(before, draws, seed),
        "jackknife": replicates.jkn(before),
    }
    parts = estimated(design, found)
    blind = estimated(replace(design, adjustments=()), found)
    table = pd.DataFrame(
        {
            "key": [one.key for one in found],
            "name": [one.name for one in found],
            "total": total,
            "n": [int(part.n[0]) for part in parts],
            "value": [part.value[0] for part in parts],
            "linearised": [part.se[0] for part in parts],
            "ignored": [part.se[0] for part in blind],
        }
    )
    for name, replicated in drawn.items():
        table[name] = replicates.replicate(replicated, estimator, weighting).se
    table["effect"] = [_design_effect(design, one) for one in found]
    table["kish"] = [_kish(design.weight[one.domain]) for one in found]
    return table


def _design_effect(design: SurveyDesign, one: Headline) -> float:
    codes = np.where(one.domain, 0, -1)
    by = estimate.totals_by if one.total else estimate.means_by
    return float(by(design, one.y.astype(float), codes, 1).design_effect()[0])


def _kish(weight: np.ndarray) -> float:
    return float(len(weight) * (weight**2).sum() / weight.sum() ** 2)


# ---- Parts II and III ----------------------------------------------------------------------------------------------


def response_classes(part: pd.DataFrame, sample: pd.DataFrame) -> pd.DataFrame:
    """Asked, returned and factor by response class of a follow-up part, with the population classes in it."""
    rows = part[part["asked"]].merge(sample[["agency_id", "population_class"]], on="agency_id")
    groups = rows.groupby("response_class", sort=False)
    table = groups.agg(asked=("asked", "size"), returned=("returned", "sum"), factor=("factor", "max"))
    codes = rows["population_class"].cat.codes
    table["first"] = codes.groupby(rows["response_class"]).min()
    table["last"] = codes.groupby(rows["response_class"]).max()
    table["group"] = [name.rsplit(", class", 1)[0] for name in table.index]
    return table.reset_index().sort_values(["group", "first"], ignore_index=True)


CASES = "Any case"  # what is counted where agencies are asked about their cases


def screened_classes(part: pd.DataFrame, table: pd.DataFrame, name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """``response_classes`` without the classes that would tell which agencies have a case, or returned the part
    (``disclosure.watch``).

    name : of the part; rows : respondents to Part I, in the order of ``part``. All respondents with a case are asked.
    """
    answered, cased = _with_a_case(rows)
    lines = pd.DataFrame({"breakdown": f"Asked, {name}", "domain": table["response_class"], "measure": CASES})
    within = _class_members(part, table, rows)
    number = watch.counts(lines, [inside & answered for inside in within], [cased] * len(within))
    told = pd.DataFrame(
        {"breakdown": f"Response class, {name}", "domain": table["response_class"], "measure": "returned"}
    )
    classes, asked = part["response_class"], part["asked"].to_numpy(dtype=bool)
    bases = [asked & (classes == label).to_numpy() for label in table["response_class"]]
    everybody = pd.DataFrame({"breakdown": f"Returns, {name}", "domain": ["asked"], "measure": "returned"})
    returned = part["returned"].to_numpy(dtype=bool)
    told = pd.concat([everybody, told], ignore_index=True)
    values = watch.counts(told, [asked, *bases], [returned] * len(told), name)[1:]
    found = table.astype({"asked": float, "returned": float}).assign(asked=number)
    found["returned"] = np.where(np.isfinite(number), values, np.nan)
    found["factor"] = found["factor"].where(found["returned"].notna())
    return found.assign(status=marks.withheld(found["returned"].isna()))


def _with_a_case(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(answered whether they had a case, had one), bool (n,) of the respondents to Part I."""
    answer = rows["q13_any_case"]
    return answer.notna().to_numpy(), (answer == YES).to_numpy(dtype=bool)


def _class_members(part: pd.DataFrame, table: pd.DataFrame, rows: pd.DataFrame) -> list[np.ndarray]:
    """Respondents to Part I (bool (n,)) of the type and population classes of each response class of ``table``."""
    size, kind, name = (
        rows["population_class"].cat.codes.to_numpy(),
        rows["agency_type"].astype(str),
        part["response_class"],
    )
    asked, found = part["asked"].to_numpy(dtype=bool), []
    for row in table.itertuples():
        own = asked & (name == row.response_class).to_numpy()
        inside = kind.isin(kind[own]).to_numpy() & (size >= row.first) & (size <= row.last)
        found.append(inside & ~(asked & ~own))
    return found


def screened_headlines(found: pd.DataFrame, told: list[Headline], columns: list[str]) -> pd.DataFrame:
    """A table with a row a headline, without ``columns`` of those that would tell of single agencies."""
    names = [one.name for one in told]
    labels = pd.DataFrame({"breakdown": "Headline", "domain": names, "measure": names})
    bases, counted = [one.domain for one in told], [one.y for one in told]
    value, se = columns[:2]
    lines = labels.assign(
        value=found[value], se=found[se], low=np.nan, high=np.nan, n=found["n"], percent=~found["total"]
    )
    gone = watch.screened(lines, bases, counted)["value"].isna() & found[value].notna()
    return found.assign(**{name: found[name].mask(gone) for name in columns}, status=marks.withheld(gone))


def examined(
    sample: pd.DataFrame,
    rows: pd.DataFrame,
    design: SurveyDesign,
    parts: dict[str, pd.DataFrame],
    told: dict[str, pd.DataFrame],
    classes: list[dict],
) -> None:
    """What the appendix tells of the respondents' answers and returns, for ``disclosure.watch``.

    parts : weights by part; told : answers by part; classes : population classes of chapter 5, whose agencies with a case are those asked here.
    """
    screened_respondents(sample)
    found = headlines(rows)
    table = method_comparison(found, {"classes": design}, 0.95)
    screened_headlines(table, found, ["classes", "classes_se"])
    answered, cased = _with_a_case(rows)
    overlapping = [
        inside
        for kind, _, inside in survey.domains(rows, classes)
        if kind in (survey.ALL, "Agency type", "Population served")
    ]
    for name, part in parts.items():
        table = response_classes(part, sample)
        screened_classes(part, table, name, rows)
        overlapping += _class_members(part, table, rows)
    watch.link(CASES, [(inside & answered, cased) for inside in overlapping])
    part2_phases(sample, parts["part2"], told["part2"])
    case_shares(sample, parts["part3"], told["part3"])


def follow_up_weights(part: pd.DataFrame, sample: pd.DataFrame) -> dict[str, float]:
    """Of a follow-up part: asked, returned, their rate, weighted rate, Kish effects of first and second weights."""
    rows = part.merge(sample[["agency_id", "weight"]], on="agency_id", suffixes=("", "_first"))
    asked, back = rows[rows["asked"]], rows[rows["returned"]]
    return {
        "asked": len(asked),
        "returned": len(back),
        "rate": len(back) / len(asked),
        "weighted_rate": back["weight_first"].sum() / asked["weight_first"].sum(),
        "kish_first": _kish(back["weight_first"].to_numpy()),
        "kish": _kish(back["weight"].to_numpy()),
        "least": back["factor"].min(),
        "greatest": back["factor"].max(),
        "without_number": int(back["cases"].isna().sum()),
    }


PART2 = {
    "networks": ("Links to other criminal networks", "q6_networks"),
    "services": ("Victims received services", "q8_services"),
}


def part2_phases(sample: pd.DataFrame, part2: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Part II shares with the two parts of their variance: key, name, n, value, se, first and second (V1, V2), plain.

    plain : the error that a design of one phase gives (respondents of Part II as drawn in the classes of Part I).
    """
    require_labels(answers, {name: [YES, "No"] for _, name in PART2.values()}, "config/codebooks/part2.yaml", WHERE)
    rows, design = part2_respondents(sample, part2, answers)
    found, told = [], []
    for key, (name, column) in PART2.items():
        known = (rows["part2"] & rows[column].notna()).to_numpy()
        part = estimate.mean(design, (rows[column] == YES).to_numpy(float), known)
        first = float(design.second.first_phase(part.scores)[0, 0])
        inside = (rows["part2"] | ~rows["asked"]).to_numpy()
        plain = survey_design(
            design.weight[inside], rows["cell"][inside], rows["cell_population"][inside], lonely="adjust"
        )
        told.append((known & (design.weight > 0), (rows[column] == YES).to_numpy(dtype=bool)))
        alone = estimate.mean(plain, (rows[column] == YES).to_numpy(float)[inside], known[inside])
        found.append(
            (key, name, int(part.n[0]), part.value[0], part.se[0], first, part.variance[0] - first, alone.se[0])
        )
    found = pd.DataFrame(found, columns=["key", "name", "n", "value", "se", "first", "second", "plain"])
    return _screened_lines(found, "Part II", told, ["value", "se", "first", "second", "plain"])


def case_shares(sample: pd.DataFrame, part3: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Shares of cases and of victims, for the described cases and for all: key, name, population, n (cases), agencies,
    value, se, single.

    single : the error as if each case had been drawn for itself, in the classes of Part I and with replacement.
    """
    labels = {"q1_type": TYPES_OF_CASES, "q9_network": [YES, "No"]}
    require_labels(answers, labels, "config/codebooks/part3.yaml", WHERE)
    found, sets, whose = [], [], []
    for population in ("described", "all"):
        rows, design = cases(sample, part3, answers, population)
        number = rows[["q3_victims", "q3a_under_18", "q3b_18_to_24", "q3d_age_unknown"]].astype(float)
        aged = number["q3_victims"] - number["q3d_age_unknown"]
        young = number["q3a_under_18"] + number["q3b_18_to_24"]
        told = rows["described"].to_numpy()
        counted = told & (aged > 0).to_numpy() & young.notna().to_numpy()
        typed = told & rows["q1_type"].notna().to_numpy()
        linked = told & rows["q9_network"].notna().to_numpy()
        one = np.ones(len(rows))
        parts = {
            "sex": ("Cases of sex trafficking only", typed, rows["q1_type"] == TYPES_OF_CASES[0], one),
            "network": ("Cases with a criminal network", linked, rows["q9_network"] == YES, one),
            "young": ("Victims under 25, of those of known age", counted, young.fillna(0), aged.fillna(0)),
        }
        alone = survey_design(design.weight[told], rows["cell"][told], lonely="adjust")
        for key, (name, domain, y, x) in parts.items():
            y, x = np.asarray(y, dtype=float), np.asarray(x, dtype=float)
            part = estimate.ratio(design, y, x, domain)
            single = estimate.ratio(alone, y[told], x[told], domain[told])
            count = rows.loc[domain, "agency_id"].nunique()
            found.append((key, name, population, int(part.n[0]), count, part.value[0], part.se[0], single.se[0]))
            sets.append((domain & (design.weight > 0), y > 0 if np.array_equal(x, one) else None))
            whose.append(rows["agency_id"])
    names = ["key", "name", "population", "n", "agencies", "value", "se", "single"]
    return _screened_lines(pd.DataFrame(found, columns=names), "Part III", sets, ["value", "se", "single"], whose)


def _screened_lines(found: pd.DataFrame, part: str, told: list[tuple], columns: list[str], whose: list | None = None):
    """A table with a row a share, without ``columns`` of those that would tell of single agencies.

    told : (base, counted) of each; whose : agency of each record, where these are cases.
    """
    found["status"] = marks.SHOWN
    for k, (base, counted) in enumerate(told):
        line = found.iloc[[k]].assign(
            breakdown=survey.ALL, domain=part, measure=found.at[k, "name"], low=np.nan, high=np.nan
        )
        kept = watch.screened(line.assign(percent=True), [base], [counted], None if whose is None else whose[k])
        if kept["value"].isna().iloc[0]:
            found.loc[k, columns] = np.nan
            found.loc[k, "status"] = marks.WITHHELD
    return found


def side_by_side(blocks: list[pd.DataFrame]) -> pd.DataFrame:
    """Blocks of a part as one table, for ``national_survey.respondents``."""
    found = blocks[0]
    for block in blocks[1:]:
        new = ["agency_id", *[name for name in block.columns if name not in found.columns]]
        found = found.merge(block[new], on="agency_id", validate="one_to_one")
    return found
