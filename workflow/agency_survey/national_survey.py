"""The national survey of 2007: weights of the mailed surveys, and the designs of Part I, Part II and the cases.

Part I is a stratified sample with response in classes. Part II and Part III were asked of the respondents with a case;
who returned them is a second phase with weights of its own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey.calibration import raked, raking_factor
from agency_survey.design import SurveyDesign, second_phase, survey_design
from agency_survey.errors import InputError
from agency_survey.ingest import require_labels, require_values
from agency_survey.weights import (
    WeightSteps,
    base_weight,
    collapsed_classes,
    eligibility_factor,
    inclusion_probability,
    median_cap,
    nonresponse_factor,
    poststratification_factor,
    response_propensity,
    second_phase_weight,
    trimmed_weights,
)

COMPLETE = "Complete"
INELIGIBLE = "Ineligible, agency closed"
UNDELIVERABLE = "Undeliverable"
OUTCOMES = [COMPLETE, "Partial", "Refusal", "No contact", UNDELIVERABLE, INELIGIBLE]
STEPS = ["base_weight", "poststratification", "eligibility", "nonresponse", "trimming", "raking", "scope"]
PROPENSITY = ["agency_type", "region", "metropolitan", "task_force_partner"]  # beside size
STATE = "State agency"
TYPES = ["Municipal police", "Sheriff's office", STATE]
CLASSES = [
    "Under 2,500",
    "2,500 to 9,999",
    "10,000 to 24,999",
    "25,000 to 49,999",
    "50,000 to 75,000",
    "75,001 to 99,999",
    "100,000 to 249,999",
    "250,000 to 499,999",
    "500,000 to 999,999",
    "1,000,000 or more",
]
SOURCES = ["Random sample", "Supplement, over 75,000 people", "Supplement, task-force partner"]
PARTNER = "Yes"
FRAME_LABELS = {"agency_type": TYPES, "population_class": CLASSES, "task_force_partner": [PARTNER, "No"]}
NOT_ASKED = "Not asked"
YEARLY = ("q1_sex_", "q2_labour_")
MODULE = "workflow/agency_survey/national_survey.py"


def weigh(frame: pd.DataFrame, disposition: pd.DataFrame, design: dict, settings: dict) -> tuple[pd.DataFrame, dict]:
    """(one row a mailed survey with every weight factor, record of what the steps did) of the national survey.

    frame, disposition : typed tables of ``clean``; design : ``config/sample_design.yaml``; settings : ``nonresponse`` and
    ``weights`` of the configuration. The weight is the product of ``STEPS``, in an order in which each step starts from
    weights that are right up to it:

    base_weight : 1 / inclusion probability. Agencies above the population threshold and task-force partners are
        certainties, whichever source brought them in; others have n / N of the random sample in their stratum.
    poststratification : to the frame's count of the stratum by certainty (given its realised size, the sample of the
        others in a stratum is simple random).
    eligibility : undeliverable forms. 'proportional' hands their weight to the agencies of the class whose state is
        known, open or closed (AAPOR's e by class); 'all' takes them for open agencies, 'none' for closed ones.
    nonresponse : weighting classes of type, size and how the agency came in (task-force partner, other certainty,
        sampled: partners respond otherwise), or strata of the response propensity (Little 1986).
    trimming : weights above a multiple of the median of type by certainty are cut and handed on, where a cap is set.
    raking : respondents and closed agencies together to the frame's margins, since the frame counts closed ones too;
        last, so that the margins are met (Deville, Saerndal and Sautory 1993).
    scope : 0 for closed agencies, which have stood for the frame's closed ones.

    ``cell`` is the stratum for variances, ``cell_population`` its N: the agencies in operation that its mailed surveys
    stand for. ``raking_<margin>`` holds the categories raked on. Record: as in ``results/weight/weights.json``.
    Raises InputError for other labels than ``FRAME_LABELS`` and ``OUTCOMES``, a design variable without a valid value,
    a disposition whose agency is not in the frame, a certainty without a disposition, another number of dispositions
    than was mailed, and where a step refuses.
    """
    rules, later = settings["nonresponse"], settings["weights"]
    _check(frame, disposition, later["raking"])
    sample, counts = _mailed(frame, disposition, design)
    unknown = (sample["outcome"] == UNDELIVERABLE).to_numpy()
    sample["eligible"] = (sample["outcome"] != INELIGIBLE) & ~(unknown & (rules["unknown_eligibility"] == "none"))
    sample["responded"] = sample["outcome"] == COMPLETE
    shared = unknown & (rules["unknown_eligibility"] == "proportional")
    open_ = sample["eligible"].to_numpy() & ~shared
    group = _group(sample, rules["smallest_class"])
    order = sample["population_class"].cat.codes.to_numpy() + 1
    sample["cell"], collapsed = collapsed_classes(group, order, sample["responded"], rules["smallest_class"])

    steps = WeightSteps({"base_weight": base_weight(sample["inclusion_probability"])})
    strata = _by_certainty(sample["sampling_stratum"], sample["certainty"])
    steps = steps.then("poststratification", poststratification_factor(steps.weight(), strata, counts))
    factor = eligibility_factor(steps.weight(), sample["cell"], open_, shared)
    steps = steps.then("eligibility", factor if shared.any() else np.ones(len(sample)))
    before = steps.weight()
    sample["cell_population"] = pd.Series(before * open_, sample.index).groupby(sample["cell"]).transform("sum")
    factor, propensity = _nonresponse(sample, before, open_, rules)
    closed = ~open_ & ~shared
    steps = steps.then("nonresponse", np.where(closed, 1.0, factor))
    factor, trimming = _trimming(steps.weight() * sample["responded"].to_numpy(), group, later["cap"])
    steps = steps.then("trimming", factor)
    factor, margins = _raking(frame, sample, steps.weight(), later["raking"], rules["smallest_class"])
    steps = steps.then("raking", factor).then("scope", sample["responded"].astype(float))

    sample = sample.assign(**steps.factors, weight=steps.weight())
    weight_steps(sample)
    used = {"method": rules["method"], "unknown_eligibility": rules["unknown_eligibility"], "cap": later["cap"]}
    return sample, used | {
        "collapsed": collapsed,
        "propensity": propensity,
        "trimming": trimming,
        "margins": margins,
    }


def weight_steps(sample: pd.DataFrame) -> WeightSteps:
    """The factors of the weights in ``sample``, after a check that each weight is their product (InputError if not)."""
    steps = WeightSteps({name: sample[name].to_numpy(dtype=float) for name in STEPS})
    steps.verify(sample["weight"])
    return steps


def propensity_model(sample: pd.DataFrame) -> pd.DataFrame:
    """Design matrix of the response model: type, size as a score with its square, region, location, task force.

    Size is a score because few agencies lie in the largest classes, all of which may have answered. A column that repeats
    others is left out.
    """
    score = sample["population_class"].cat.codes.to_numpy() / (len(CLASSES) - 1)
    columns = {"(intercept)": np.ones(len(sample)), "size": score, "size squared": score**2}
    for name in PROPENSITY:
        if name in sample:
            seen = [label for label in sample[name].cat.categories if (sample[name] == label).any()]
            columns |= {f"{name}: {label}": (sample[name] == label).to_numpy(dtype=float) for label in seen[1:]}
    kept = []
    for name in columns:
        if np.linalg.matrix_rank(np.column_stack([columns[one] for one in [*kept, name]])) > len(kept):
            kept.append(name)
    return pd.DataFrame({name: columns[name] for name in kept})


def _mailed(frame: pd.DataFrame, disposition: pd.DataFrame, design: dict) -> tuple[pd.DataFrame, pd.Series]:
    """Mailed surveys with their agencies' frame variables and inclusion probabilities; the frame's counts of strata."""
    frame = frame.assign(certainty=certainty(frame, design["population_threshold"]))
    stratum = _stratum(frame)
    frame = frame.assign(
        sampling_stratum=stratum, inclusion_probability=_probability(frame, stratum, design["random_sample"])
    )
    sample = disposition.merge(frame, on="agency_id", how="left", suffixes=("", "_frame"), validate="one_to_one")
    lost = sample["sampling_stratum"].isna()
    if lost.any():
        raise InputError(
            f"The agency {sample.loc[lost, 'agency_id'].iloc[0]} is in the dispositions but not in the frame",
            "data/raw/disposition.csv",
            "Correct its identifier",
        )
    _complete(frame, disposition, design["mailed"])
    sample["certainty"] = sample["certainty"].astype(bool)
    counts = _by_certainty(frame["sampling_stratum"], frame["certainty"]).value_counts()
    return sample, counts.astype(float)


def _group(sample: pd.DataFrame, smallest: int) -> pd.Series:
    """Type by how the agency came into the sample, which weighting classes never mix.

    Partners of task forces are apart where ``smallest`` of them responded; elsewhere they are with the other certainties.
    """
    kind = sample["agency_type"].astype(str)
    partner = sample["task_force_partner"] == PARTNER
    enough = (partner & sample["responded"]).groupby(kind).transform("sum") >= smallest
    others = (~partner & sample["certainty"] & sample["responded"]).groupby(kind).transform("sum") >= 2
    apart = partner & enough & others
    return kind + np.where(apart, ", task-force partner", np.where(sample["certainty"], ", certainty", ", sampled"))


def _nonresponse(sample: pd.DataFrame, before: np.ndarray, open_: np.ndarray, rules: dict) -> tuple[np.ndarray, dict]:
    """Factors (n,) by weighting classes or by propensity strata, and what the propensity model was."""
    responded = sample["responded"].to_numpy()
    if rules["method"] == "classes":
        return nonresponse_factor(before, sample["cell"], open_, responded), {}
    found = response_propensity(
        before, propensity_model(sample), open_, responded, rules["propensity_strata"], rules["smallest_class"]
    )
    coefficients = dict(zip(found.terms, map(float, found.coefficients), strict=True))
    return found.factor, {"coefficients": coefficients, "collapsed": found.record}


def _trimming(weight: np.ndarray, group: pd.Series, cap: float | None) -> tuple[np.ndarray, list[dict]]:
    """Factors (n,) of trimming at ``cap`` times the median of the group, and the loss by group; 1 without a cap."""
    if cap is None:
        return np.ones(len(weight)), []
    found = trimmed_weights(weight, median_cap(weight, cap, group), group)
    return found.factor, found.classes.to_dict("records")


def _raking(frame, sample, weight: np.ndarray, names: list[str], smallest: int) -> tuple[np.ndarray, list[dict]]:
    """Factors (n,) that bring ``weight`` to the frame's margins, 1 without margins or weight; the margins' record.

    Categories with fewer than ``smallest`` respondents are joined with a neighbour. Adds ``raking_<name>`` to sample.
    """
    labels, totals = {}, {}
    for name in names:
        codes = sample[name].cat.codes.to_numpy()
        joined, _ = collapsed_classes(np.full(len(sample), name), codes, sample["responded"], smallest)
        of_label = pd.Series(codes).groupby(joined).unique()
        categories = sample[name].cat.categories
        spelled = {code: " or ".join(categories[sorted(group)]) for group in of_label for code in group}
        sample[f"raking_{name}"] = labels[name] = pd.Series(codes, sample.index).map(spelled)
        left = frame[name].cat.codes
        counts = left.map(spelled).fillna(frame[name].astype(str)).value_counts().astype(float)
        totals[name] = counts.reindex(
            list(dict.fromkeys([*(spelled[code] for code in sorted(spelled)), *counts.index]))
        )
    factor = np.ones(len(sample))
    if names:
        factor = np.where(weight > 0, raking_factor(weight, labels, totals), 1.0)
    record = []
    for name in names:
        for label, total in totals[name].items():
            inside = (labels[name] == label).to_numpy()
            parts = [weight[inside].sum(), (weight * factor)[inside].sum()]
            record.append(
                {
                    "margin": name,
                    "category": label,
                    "respondents": int((inside & sample["responded"]).sum()),
                    "frame": total,
                    "before": parts[0],
                    "after": parts[1],
                    "closed": (weight * factor)[inside & ~sample["responded"]].sum(),
                }
            )
    return factor, record


def _check(frame: pd.DataFrame, disposition: pd.DataFrame, margins: list[str]) -> None:
    """Refuse labels that the design does not know, and design variables that are missing or outside the codebook."""
    require_labels(frame, FRAME_LABELS, "config/codebooks/frame.yaml", MODULE)
    require_labels(disposition, {"outcome": OUTCOMES}, "config/codebooks/disposition.yaml", MODULE)
    names = ["agency_id", *dict.fromkeys([*FRAME_LABELS, *margins]), "population"]
    require_values(frame, names, "agency_id", "data/frame/frame.csv", optional=("population",))
    require_values(disposition, ["agency_id", "outcome"], "agency_id", "data/raw/disposition.csv")


def _complete(frame: pd.DataFrame, disposition: pd.DataFrame, mailed: int) -> None:
    """Refuse dispositions that are cut short: another number than was mailed, or a certainty left out."""
    if len(disposition) != mailed:
        raise InputError(
            f"There are {len(disposition):,} dispositions where the sample design says that {mailed:,} were mailed",
            "data/raw/disposition.csv",
            "Complete the file, or correct 'mailed' in config/sample_design.yaml",
        )
    absent = frame[frame["certainty"] & ~frame["agency_id"].isin(disposition["agency_id"])]
    if len(absent):
        raise InputError(
            f"The agency {absent['agency_id'].iloc[0]} is in the sample with certainty but has no disposition"
            + (f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""),
            "data/raw/disposition.csv",
            "Add its disposition",
        )


def certainty(frame: pd.DataFrame, threshold: int) -> pd.Series:
    """Agencies that are in the sample with certainty: above the threshold, or partner of a federal task force."""
    return (frame["population"] > threshold).fillna(False).astype(bool) | (frame["task_force_partner"] == PARTNER)


def _stratum(frame: pd.DataFrame) -> pd.Series:
    return frame["agency_type"].astype(str) + ", " + frame["population_class"].astype(str)


def _probability(frame: pd.DataFrame, stratum: pd.Series, random_sample: dict) -> pd.Series:
    """n / N of the random sample by stratum; 1 for those that a supplement takes in with certainty.

    The allocation's keys count ``TYPES`` and ``CLASSES`` from 1.
    """
    size = stratum.map(stratum.value_counts())
    types = frame["agency_type"].cat.codes + 1
    classes = frame["population_class"].cat.codes + 1
    keys = pd.Series(list(zip(types, classes, strict=True)), index=frame.index)
    drawn = {
        (int(kind), int(group)): count
        for kind, groups in random_sample["allocation"].items()
        for group, count in groups.items()
    }
    missing = sorted(set(keys) - set(drawn))
    if missing:
        raise InputError(
            f"No allocation for agency type {missing[0][0]}, population class {missing[0][1]}",
            "config/sample_design.yaml",
            "Complete random_sample.allocation",
        )
    taken = pd.Series([size[i] if drawn[key] == "all" else drawn[key] for i, key in keys.items()], index=frame.index)
    too_many = taken > size
    if too_many.any():
        raise InputError(
            f"The allocation exceeds the frame's {size[too_many].iloc[0]} agencies in {stratum[too_many].iloc[0]}",
            "config/sample_design.yaml",
            "Lower it, or write 'all'",
        )
    return pd.Series(inclusion_probability([taken / size], frame["certainty"]), index=frame.index)


def _by_certainty(stratum: pd.Series, certain: pd.Series) -> pd.Series:
    return stratum + np.where(certain, ", certainty", "")


# ---- Part I --------------------------------------------------------------------------------------------------------


def respondents(sample: pd.DataFrame, answers: pd.DataFrame) -> tuple[pd.DataFrame, SurveyDesign]:
    """Responding agencies with their answers to Part I, and their design.

    sample : ``weigh``. The design has the raked weights; its variances are those of the residuals from the margins.
    The number of agencies in operation (cell_population, margins) is taken as known. Raises InputError when a weight is
    not the product of its factors, a respondent has no answers or an answer comes from an agency that is no respondent.
    """
    rows = sample[sample["responded"]].merge(
        answers, on="agency_id", how="outer", suffixes=("", "_part1"), indicator=True, validate="one_to_one"
    )
    odd = rows["_merge"] != "both"
    if odd.any():
        agency = rows.loc[odd, "agency_id"].iloc[0]
        side = (
            "a completed disposition but no answers"
            if rows.loc[odd, "_merge"].iloc[0] == "left_only"
            else "answers but no completed disposition"
        )
        raise InputError(f"The agency {agency} has {side}", "data/raw/part1.csv", "Correct one of the two files")
    rows = rows.drop(columns="_merge").reset_index(drop=True)
    return rows, _part1_design(rows)


def _part1_design(rows: pd.DataFrame, agency=None) -> SurveyDesign:
    """Design of the Part I respondents ``rows`` (of ``weigh``); of several rows of an ``agency`` the first has the weight."""
    weight = weight_steps(rows).weight("trimming")
    if agency is not None:
        weight = np.where(agency.duplicated(), 0.0, weight)
    design = survey_design(weight, rows["cell"], rows["cell_population"], cluster=agency)
    margins = {name: rows[name] for name in rows.columns if name.startswith("raking_")}
    return raked(design, rows["raking"], margins) if margins else design


# ---- Parts II and III ----------------------------------------------------------------------------------------------


def number_of_cases(identification: pd.DataFrame, by_year: pd.DataFrame) -> pd.DataFrame:
    """Number of cases by agency (index): columns cases, source.

    The first that is given: question 14 of Part I, the sum of its questions 15a and 15b, the sum of all years and types
    in Part II (where every one is given). Agencies without any have no row.
    """
    part1, part2 = identification.set_index("agency_id"), by_year.set_index("agency_id")
    years = [name for name in part2.columns if name.startswith(YEARLY) and not name.endswith("__missing")]
    given = {
        "Part I, question 14": part1["q14_cases"],
        "Part I, questions 15a and 15b": part1["q15a_sex_cases"] + part1["q15b_labour_cases"],
        "Part II, by year": part2[years].astype("Float64").sum(axis=1, skipna=False),
    }
    parts = [pd.DataFrame({"cases": values.dropna().astype(float), "source": name}) for name, values in given.items()]
    found = pd.concat(parts)
    return found[(found["cases"] > 0) & ~found.index.duplicated()]


def followed_up(sample: pd.DataFrame, asked, returned, smallest: int) -> tuple[pd.DataFrame, dict]:
    """(weights of the agencies that returned a follow-up part, one row a Part I respondent; record).

    sample : ``weigh``; asked, returned : identifiers of agencies. Response is taken to be as likely for all asked
    agencies of a class: type by population class, both joined with a neighbour until ``smallest`` returned. Columns:
    agency_id, asked, returned, response_class (``NOT_ASKED``), factor (asked over returned, in agencies), weight.
    Record: collapsed classes, and the number of returns from agencies that are no Part I respondents, which are left out.
    """
    rows = sample.loc[sample["responded"], ["agency_id", "agency_type", "population_class", "weight"]]
    rows = rows.reset_index(drop=True)
    back = rows["agency_id"].isin(returned).to_numpy()
    wanted = rows["agency_id"].isin(asked).to_numpy() | back
    inside, answered = rows[wanted], back[wanted]
    kinds, types = collapsed_classes(
        np.full(len(inside), "All agencies"), inside["agency_type"].cat.codes.to_numpy() + 1, answered, smallest
    )
    kind = pd.Series(kinds).map(_spelled(kinds, inside["agency_type"]))
    labels, sizes = collapsed_classes(kind, inside["population_class"].cat.codes.to_numpy() + 1, answered, smallest)
    label = np.full(len(rows), NOT_ASKED, dtype=object)
    label[wanted] = labels
    weight, factor = second_phase_weight(rows["weight"], label, wanted, back)
    table = pd.DataFrame(
        {
            "agency_id": rows["agency_id"],
            "asked": wanted,
            "returned": back,
            "response_class": label,
            "factor": factor,
            "weight": weight,
        }
    )
    lost = len(set(returned) - set(rows["agency_id"]))
    return table, {"collapsed": [*types, *sizes], "without_part1": lost}


def follow_up_parts(
    sample: pd.DataFrame, identification: pd.DataFrame, by_year: pd.DataFrame, described: pd.DataFrame, smallest: int
) -> dict[str, tuple[pd.DataFrame, dict]]:
    """``followed_up`` of 'part2' and 'part3', with each agency's number of cases and where it comes from.

    identification, by_year, described : blocks of Parts I, II and III. Asked are the Part I respondents that say they
    had a case, and those that returned the part or, for Part III, Part II: a return shows that there was a case.
    """
    require_labels(identification, {"q13_any_case": ["Yes", "No"]}, "config/codebooks/part1.yaml", MODULE)
    with_case = identification.loc[identification["q13_any_case"] == "Yes", "agency_id"]
    known = number_of_cases(identification, by_year)
    returned = {"part2": set(by_year["agency_id"]), "part3": set(described["agency_id"])}
    asked = {"part2": set(with_case), "part3": set(with_case) | returned["part2"]}
    found = {}
    for name in returned:
        table, record = followed_up(sample, asked[name], returned[name], smallest)
        table["cases"] = table["agency_id"].map(known["cases"]).where(table["asked"])
        table["cases_source"] = table["agency_id"].map(known["source"]).where(table["asked"])
        found[name] = table, record
    return found


def _spelled(labels: np.ndarray, values: pd.Series) -> dict[str, str]:
    """label -> categories of ``values`` in it, joined by 'or'."""
    groups = values.groupby(labels, observed=True).unique()
    return {label: " or ".join(c for c in values.cat.categories if c in set(group)) for label, group in groups.items()}


def _with_follow_up(sample: pd.DataFrame, part: pd.DataFrame) -> pd.DataFrame:
    """Part I respondents with the columns of ``followed_up``: factor and weight as part_factor and part_weight."""
    part = part.rename(columns={"factor": "part_factor", "weight": "part_weight"})
    rows = sample[sample["responded"]].merge(part, on="agency_id", how="left", validate="one_to_one")
    if len(part) != len(rows) or rows["asked"].isna().any():
        raise InputError(
            "The weights of a follow-up part are not those of the Part I respondents",
            "results/weight_parts",
            "Build the rule weight_parts again",
        )
    product = WeightSteps({"weight": rows["weight"].to_numpy(), "part_factor": rows["part_factor"].to_numpy()})
    product.verify(rows["part_weight"])
    return rows.astype({"asked": bool, "returned": bool})


def two_phases(sample: pd.DataFrame, part: pd.DataFrame) -> tuple[pd.DataFrame, SurveyDesign]:
    """(Part I respondents, design of those that returned a part as a second phase of them); others have weight 0."""
    rows = _with_follow_up(sample, part)
    design = second_phase(_part1_design(rows), rows["returned"] | ~rows["asked"], rows["response_class"])
    return rows, design.reweighted(rows["part_weight"])


def part2_respondents(
    sample: pd.DataFrame, part2: pd.DataFrame, answers: pd.DataFrame
) -> tuple[pd.DataFrame, SurveyDesign]:
    """(rows, design) of Part II: all Part I respondents, of which bool ``part2`` marks those with answers to Part II.

    sample : ``weigh``; part2 : ``followed_up``; answers : a block of Part II. The rows without Part II stay for the
    variance, have weight 0 and no answers: estimates take ``rows["part2"]`` as their domain, or a part of it. Variances
    are V1 + V2 of ``design.second_phase``: the first phase raked, response to Part II simple random within classes.
    Raises InputError when a weight is not the product of its factors or a return has no answers.
    """
    rows, design = two_phases(sample, part2)
    rows = rows.rename(columns={"returned": "part2"})
    known = set(answers["agency_id"])
    lost = rows["part2"] & ~rows["agency_id"].isin(known)
    if lost.any():
        raise InputError(
            f"The agency {rows.loc[lost, 'agency_id'].iloc[0]} has a weight for Part II but no answers",
            "results/weight_parts/part2.parquet",
            "Build the rule weight_parts again",
        )
    rows = rows.merge(answers, on="agency_id", how="left", suffixes=("", "_part2"), validate="one_to_one")
    return rows, design


def cases(
    sample: pd.DataFrame, part3: pd.DataFrame, answers: pd.DataFrame, population: str
) -> tuple[pd.DataFrame, SurveyDesign]:
    """(rows, design) of Part III: a row for each described case, marked by bool ``described``, clustered by agency.

    sample : ``weigh``; part3 : ``followed_up`` with the column ``cases``; answers : a block of Part III.
    population : 'described', where a case has its agency's weight and estimates are of the cases that all agencies with
    cases would describe (up to three each); 'all', where it has M / m of it, M the agency's cases and m those
    described: estimates of all cases, as if the described ones were drawn at random from the agency's. M is taken to be
    m where it is not known or less.

    All other Part I respondents have one row with weight 0, for the variance: that of agencies as clusters, V1 + V2 of
    ``design.second_phase`` with the scores of an agency's cases added up. It leaves out the choice of m cases out of M.
    Degrees of freedom: agencies with cases less response classes.
    Raises InputError when a weight is not the product of its factors or a case's agency has no weight.
    """
    if population not in ("described", "all"):
        raise ValueError(f"unknown population of cases: {population}")
    rows = _with_follow_up(sample, part3)
    answers = answers[answers["agency_id"].isin(rows.loc[rows["returned"], "agency_id"])]
    rows = rows.merge(answers, on="agency_id", how="left", suffixes=("", "_part3"), indicator=True)
    rows["described"] = rows["_merge"] == "both"
    rows = rows.drop(columns="_merge")
    lost = rows["returned"] & ~rows["described"]
    if lost.any():
        raise InputError(
            f"The agency {rows.loc[lost, 'agency_id'].iloc[0]} has a weight for Part III but no case",
            "results/weight_parts/part3.parquet",
            "Build the rule weight_parts again",
        )
    told = rows.groupby("agency_id")["described"].transform("sum").clip(lower=1)
    rows["case_factor"] = 1.0 if population == "described" else np.fmax(rows["cases"] / told, 1.0)
    rows["case_weight"] = np.where(rows["described"], rows["part_weight"] * rows["case_factor"], 0.0)
    first = _part1_design(rows, rows["agency_id"])
    answered = rows["returned"] | ~rows["asked"]
    design = second_phase(first, answered, rows["response_class"], cluster=rows["agency_id"])
    return rows, design.reweighted(rows["case_weight"])
