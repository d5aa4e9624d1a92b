"""Published figures beside what the stand-in achieves, in the population and in the weighted sample."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey.standin.perceptions import NON_EXISTENT, RATINGS
from agency_survey.standin.preparation import NEITHER
from agency_survey.standin.sample import COMPLETE, INELIGIBLE
from agency_survey.standin.tools import NO, YES

STRATEGIES = "q4"
WAYS = "q3"
FRAME = ["agency_type", "population", "task_force_partner"]
ANSWERS = ["agency_id", "in_operation", *RATINGS.values(), "q6_training", "q9_protocol", "q10_personnel"]
ANSWERS += ["q13_any_case", "q14_cases", "q15a_sex_cases", "q15b_labour_cases"]
FEW = 5  # respondents of a weighting cell


def achieved(settings: dict, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a figure: figure, quantity, target (text, empty: none), population, sample (numbers; missing: none).

    The sample's values come from returned forms without faults, weighted by type, class and certainty; its missing
    answers are left out.
    """
    rows = _design(settings, tables)
    truth = _joined(tables["population"], tables["frame"])
    truth = truth[truth["in_operation"] == YES]
    form = _joined(tables["part1"], tables["frame"]).assign(weight=weights(settings, tables))
    plain = ["agency_id"]
    rows += _agencies(settings, truth.assign(weight=1.0).drop(columns=plain), form.drop(columns=plain))
    investigated = tables["investigations"].merge(truth[["agency_id"]])
    returned = tables["part2"].merge(form[["agency_id", "weight"]])
    rows += _investigations(settings, investigated.assign(weight=1.0), returned)
    described = tables["part3"].merge(form[["agency_id", "weight"]])
    target = settings["cases"]["ages"]["under_25"]
    quantity = "share of victims under 25, of victims of known age"
    rows.append(("P049", quantity, target, _under_25(tables["cases"].assign(weight=1.0)), _under_25(described)))
    rows.sort(key=lambda row: row[0])
    return pd.DataFrame(rows, columns=["figure", "quantity", "target", "population", "sample"])


def table(settings: dict, found: list[pd.DataFrame]) -> pd.DataFrame:
    """The calibration table: means over replicates, whether each figure was calibrated to, and how (or why not)."""
    mean = found[0].copy()
    for name in ("population", "sample"):
        mean[name] = np.mean([one[name].to_numpy(dtype=float) for one in found], axis=0)
    how = {entry["figure"]: entry["how"] for entry in [*settings["calibrations"], *settings["frame_calibrations"]]}
    why = {entry["figure"]: entry["why"] for entry in settings["comparisons"]}
    mean["calibrated"] = np.where(mean["figure"].isin(list(how)), "yes", "no")
    mean["how"] = mean["figure"].map(why | how).fillna("")
    for name in ("target", "population", "sample"):
        mean[name] = mean[name].map(_text)
    return mean


def _text(value) -> str:
    """A whole number as it is, another above 1 rounded, a share with four decimals, nothing for nothing."""
    if isinstance(value, str) or pd.isna(value):
        return value if isinstance(value, str) else ""
    return f"{value:.0f}" if value > 1 or value == int(value) else f"{value:.4f}"


def weights(settings: dict, tables: dict[str, pd.DataFrame]) -> np.ndarray:
    """Weight of each Part I form: agencies of its cell in the frame by eligible share and by respondents.

    Cells are type, class and certainty; cells with few respondents join their type's others of the same certainty.
    """
    frame, disposition = tables["frame"], tables["disposition"]
    above = frame["population"] > settings["sample_design"]["population_threshold"]
    certain = above | (frame["task_force_partner"] == YES)
    cell = frame["agency_type"] * 1000 + certain * 100 + frame["population_class"]
    cell.index = frame["agency_id"]
    sampled = cell.loc[disposition["agency_id"]].to_numpy()
    done = pd.Series(sampled[disposition["outcome"] == COMPLETE]).value_counts()
    small = [code for code in cell.unique() if done.get(code, 0) < FEW]
    cell = cell.where(~cell.isin(small), cell // 100 * 100)
    sampled = cell.loc[disposition["agency_id"]]
    eligible = (disposition["outcome"] != INELIGIBLE).groupby(sampled.to_numpy()).mean()
    done = (disposition["outcome"] == COMPLETE).groupby(sampled.to_numpy()).sum()
    weight = cell.value_counts() * eligible / done.where(done > 0)
    return cell.loc[tables["part1"]["agency_id"]].map(weight).to_numpy()


def _joined(answers: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """The answers that figures on agencies need, with the frame's variables."""
    at = pd.Index(frame["agency_id"]).get_indexer(answers["agency_id"])
    names = [name for name in ANSWERS if name in answers]
    return answers[names].reset_index(drop=True).join(frame.iloc[at][FRAME].reset_index(drop=True))


def _share(rows: pd.DataFrame, yes: pd.Series) -> float:
    """Weighted share of rows."""
    return float(np.average(yes, weights=rows["weight"])) if len(rows) else np.nan


def _design(settings: dict, tables: dict[str, pd.DataFrame]) -> list[tuple]:
    design, frame, disposition = settings["sample_design"], tables["frame"], tables["disposition"]
    random = int((disposition["sample_source"] == design["sources"]["random"]).sum())
    mailed, completed = design["mailed"], settings["response"]["completed"]
    above = frame["population"] > design["population_threshold"]
    partner = frame["task_force_partner"] == YES
    absent = ~frame["agency_id"].isin(disposition["agency_id"])
    in_year = disposition["outcome_on"].dropna().str.startswith("2007-").mean()
    officers = frame["sworn_officers"]
    few, many = officers < 10, officers >= 100
    rows = [
        ("P015", "random sample", design["random_sample"]["size"], np.nan, random),
        ("P016", "agencies serving over 75,000 that are not in the sample", "0", np.nan, (above & absent).sum()),
        ("P017", "task-force partners that are not in the sample", "0", np.nan, (partner & absent).sum()),
        ("P018", "surveys mailed", mailed, np.nan, len(disposition)),
        ("P020", "completed Part I", completed, np.nan, len(tables["part1"])),
        (
            "P021",
            "completed Part I of those mailed",
            completed / mailed,
            np.nan,
            len(tables["part1"]) / len(disposition),
        ),
        (
            "P023",
            "mailed beyond the random sample",
            mailed - design["random_sample"]["size"],
            np.nan,
            len(disposition) - random,
        ),
        ("P024", "share of outcomes dated 2007", "1", np.nan, in_year),
        ("P075", "share of agencies with fewer than 10 officers", "", few.mean(), np.nan),
        ("P076", "share of officers in agencies with fewer than 10", "", officers[few].sum() / officers.sum(), np.nan),
        ("P077", "share of agencies with 100 or more officers", "", many.mean(), np.nan),
        ("P078", "share of officers in agencies with 100 or more", "", officers[many].sum() / officers.sum(), np.nan),
    ]
    for figure, (name, entry) in zip(("P080", "P081", "P082"), settings["frame"]["types"].items(), strict=True):
        own = officers[frame["agency_type"] == entry["code"]].sum()
        rows.append((figure, f"sworn officers, {name}", entry["officers"], own, np.nan))
    return rows


def _agencies(settings: dict, truth: pd.DataFrame, form: pd.DataFrame) -> list[tuple]:
    """Figures on all agencies or on local ones, from Part I."""
    preparation, identification = settings["preparation"], settings["identification"]
    anything = "share with a case, all agencies"
    figures = [
        ("P029", "share rating every form rare or non-existent, local agencies", "above 0.50", _rare),
        ("P030", "lead of sex over labor trafficking in how the share that sees it grows with size", "above 0", _steeper),
        ("P031", "share of local leaders rating every form non-existent",
         settings["perceptions"]["non_existent_everywhere"], _nowhere),
        ("P032", "share with training, local agencies", preparation["training"]["share"], _training),
        ("P033", "share with a protocol, local agencies", preparation["protocol"]["share"], _protocol),
        ("P034", "share with a unit or designated personnel, local agencies",
         preparation["personnel"]["share"], _personnel),
        ("P035", "training, agencies serving over 250,000 less others", "above 0",
         lambda rows: _lead(rows, "q6_training", rows["population"] > 250_000)),
        ("P037", anything, "0.0970", _any_case),
        ("P038", anything, "below 0.10", _any_case),
        ("P039", anything, "0.1000", _any_case),
        ("P040", "share with a case, local agencies", identification["any_case"]["share"],
         lambda rows: _any_case(_local(rows))),
        ("P041", "share with a case, agencies serving over 250,000", "above 0.50",
         lambda rows: _any_case(rows[rows["population"] > 250_000])),
        ("P042", "agency types without a case, and 1 more if no agency serving under 10,000 has one", "0", _without_case),
        ("P043", "share of agencies with several cases that investigated one type only",
         identification["types"]["one_type"], _one_type),
        ("P044", "share with a case, agencies with training less others", "above 0",
         lambda rows: _lead(rows, "q13_any_case", rows["q6_training"] == YES)),
        ("P046", "share with a case, agencies whose leader sees trafficking less others", "above 0",
         lambda rows: _lead(rows, "q13_any_case", _sees(rows, list(RATINGS.values()), 3))),
        ("P047", "share with a case, agencies serving over 250,000 less others", "above 0",
         lambda rows: _lead(rows, "q13_any_case", rows["population"] > 250_000)),
        ("P055", "training, task-force partners less other agencies", "above 0",
         lambda rows: _lead(rows, "q6_training", rows["task_force_partner"] == YES)),
    ]  # fmt: skip
    return [(figure, quantity, target, of(truth), of(form)) for figure, quantity, target, of in figures]


def _local(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["agency_type"] != 3]


def _nowhere(rows: pd.DataFrame) -> float:
    """Among local leaders who rate any form."""
    rows, names = _local(rows), list(RATINGS.values())
    rows = rows[rows[names].isin([1, 2, 3, NON_EXISTENT]).any(axis=1)]
    return _share(rows, ~rows[names].isin([1, 2, 3]).any(axis=1))


def _training(rows: pd.DataFrame) -> float:
    rows = _local(rows[rows["q6_training"].isin([YES, NO])])
    return _share(rows, rows["q6_training"] == YES)


def _protocol(rows: pd.DataFrame) -> float:
    rows = _local(rows[rows["q9_protocol"].isin([YES, NO])])
    return _share(rows, rows["q9_protocol"] == YES)


def _personnel(rows: pd.DataFrame) -> float:
    rows = _local(rows[rows["q10_personnel"] <= NEITHER])
    return _share(rows, rows["q10_personnel"] < NEITHER)


def _any_case(rows: pd.DataFrame) -> float:
    rows = rows[rows["q13_any_case"].isin([YES, NO])]
    return _share(rows, rows["q13_any_case"] == YES)


def _without_case(rows: pd.DataFrame) -> float:
    own = rows[rows["q13_any_case"] == YES]
    return float(3 - own["agency_type"].nunique() + (own["population"] >= 10_000).all())


def _one_type(rows: pd.DataFrame) -> float:
    several = rows[
        rows["q14_cases"].between(2, 400) & (rows[["q15a_sex_cases", "q15b_labour_cases"]] < 900).all(axis=1)
    ]
    return _share(several, (several[["q15a_sex_cases", "q15b_labour_cases"]] == 0).any(axis=1))


def _lead(rows: pd.DataFrame, name: str, group: pd.Series) -> float:
    """Share that answers yes in a group, less that in the others."""
    answered = rows[name].isin([YES, NO])
    inside, outside = rows[answered & group], rows[answered & ~group]
    return _share(inside, inside[name] == YES) - _share(outside, outside[name] == YES)


def _sees(rows: pd.DataFrame, names: list[str], rarest: int) -> pd.Series:
    """Whether any of the ratings is this one or a higher one."""
    return rows[names].le(rarest).any(axis=1)


def _rare(rows: pd.DataFrame) -> float:
    rows, names = _local(rows), list(RATINGS.values())
    rows = rows[rows[names].le(NON_EXISTENT).any(axis=1)]
    return _share(rows, ~_sees(rows, names, 2))


def _steeper(rows: pd.DataFrame) -> float:
    """Share that sees a type, agencies serving over 250,000 less others: sex trafficking less labor trafficking."""
    names, large = list(RATINGS.values()), rows["population"] > 250_000
    growth = []
    for own in (names[:2], names[2:]):
        sees = _sees(rows, own, 3)
        growth.append(_share(rows[large], sees[large]) - _share(rows[~large], sees[~large]))
    return growth[0] - growth[1]


def _investigations(settings: dict, truth: pd.DataFrame, form: pd.DataFrame) -> list[tuple]:
    """Figures on agencies with a case, from Part II."""
    spec = settings["investigations"]

    def yes(name: str, rows: pd.DataFrame) -> float:
        rows = rows[rows[name].isin([YES, NO])]
        return _share(rows, rows[name] == YES)

    def sex(rows: pd.DataFrame) -> float:
        rows = rows[rows["q12_more_time"].between(1, 3)]
        return _share(rows, rows["q12_more_time"] == 1)

    def lead(first: str, prefix: str, rows: pd.DataFrame) -> float:
        others = [name for name in spec["answers"] if name.startswith(prefix) and name != first]
        return yes(first, rows) - max(yes(name, rows) for name in others)

    figures = [
        ("P048", "share of agencies with a case that report links to networks", spec["networks"]["share"],
         lambda rows: yes("q6_networks", rows)),
        ("P050", "share spending more time on sex trafficking, of agencies with both types", "above 0.50", sex),
        ("P053", "looking for indicators, lead over the next strategy", "above 0",
         lambda rows: lead("q4a_indicators", STRATEGIES, rows)),
        ("P054", "other investigations, lead over the next way that cases came to light", "above 0",
         lambda rows: lead("q3a_other_investigations", WAYS, rows)),
    ]  # fmt: skip
    return [(figure, quantity, target, of(truth), of(form)) for figure, quantity, target, of in figures]


def _under_25(cases: pd.DataFrame) -> float:
    ages = cases[["q3a_under_18", "q3b_18_to_24", "q3c_25_and_over"]]
    known = (ages <= 400).all(axis=1)
    totals = ages[known].mul(cases.loc[known, "weight"], axis=0).sum()
    return float(totals.iloc[:2].sum() / totals.sum())
