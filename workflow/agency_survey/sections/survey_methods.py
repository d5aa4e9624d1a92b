"""Chapter 2, survey methods: frame against published counts, sample, dispositions, outcome rates and weights."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey import marks
from agency_survey.disclosure import watch
from agency_survey.errors import InputError
from agency_survey.lemas import population_class
from agency_survey.national_survey import COMPLETE, PARTNER, weight_steps
from agency_survey.sections.survey import STATE
from agency_survey.weights import aapor_rates, kish_design_effect

# The classes and agency types of the published counts (data/published/frame_counts.csv) against the frame's.
PUBLISHED_TYPES = {"Municipal police": "local police", "Sheriff's office": "sheriff", STATE: "primary state"}
TOTALS_YEAR, CLASSES_YEAR = 2004, 2007
RATES = ["RR1", "RR2", "COOP1", "REF1", "CON1"]
DISPOSITION = {  # AAPOR's groups
    COMPLETE: "complete",
    "Partial": "partial",
    "Refusal": "refusal",
    "No contact": "noncontact",
    "Undeliverable": "unknown",
}


def frame_by_type(frame: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Agencies by type, in the frame and published: columns agency_type, frame, published, source."""
    published = counts[(counts["year"] == TOTALS_YEAR) & (counts["breakdown"] == "total")].set_index("agency_type")
    rows = []
    for name, label in PUBLISHED_TYPES.items():
        if label not in published.index:
            raise InputError(
                f"No total of '{label}' for {TOTALS_YEAR}", "data/published/frame_counts.csv", "Restore it"
            )
        entry = published.loc[label]
        rows.append((name, int((frame["agency_type"] == name).sum()), float(entry["count"]), entry["source"]))
    return pd.DataFrame(rows, columns=["agency_type", "frame", "published", "source"])


def frame_by_class(frame: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Local agencies by published population class: columns agency_type, class, frame, published, se.

    The published counts are estimates from LEMAS with standard errors; each type's are of that survey's own total.
    """
    rows = counts[(counts["year"] == CLASSES_YEAR) & (counts["breakdown"] == "population_served")]
    found = []
    for name, label in PUBLISHED_TYPES.items():
        part = rows[rows["agency_type"] == label]
        if part.empty:
            continue
        classes = [{"label": text, "from": _lower_bound(text)} for text in part["class"]]
        sizes = population_class(frame.loc[frame["agency_type"] == name, "population"], classes).value_counts()
        own = part[["class", "count", "se"]].rename(columns={"count": "published"})
        found.append(own.assign(agency_type=name, frame=own["class"].map(sizes).astype(int)))
    return pd.concat(found, ignore_index=True)[["agency_type", "class", "frame", "published", "se"]]


def _lower_bound(label: str) -> int:
    """Lowest population of a published class such as '<2,500', '2,500-9,999' or '1,000,000+'."""
    if label.startswith("<"):
        return 0
    return int(label.rstrip("+").split("-")[0].replace(",", ""))


def sample_by_stratum(frame: pd.DataFrame, sample: pd.DataFrame) -> pd.DataFrame:
    """By stratum of the random sample: agencies in the frame, mailed by source, certainties, probability, respondents."""
    keys = ["agency_type", "population_class"]
    table = frame.groupby(keys, observed=True).size().rename("frame").to_frame()
    for source in sample["sample_source"].cat.categories:
        table[source] = sample[sample["sample_source"] == source].groupby(keys, observed=True).size()
    groups = sample.groupby(keys, observed=True)
    table["mailed"] = groups.size()
    table["certainties"] = groups["certainty"].sum()
    open_ = sample[~sample["certainty"]]
    table["probability"] = open_.groupby(keys, observed=True)["inclusion_probability"].first()
    table["probability"] = table["probability"].fillna(1.0)
    table["respondents"] = groups["responded"].sum()
    counts = table.columns.drop("probability")
    table[counts] = table[counts].fillna(0).astype(int)
    return table.reset_index()


def dispositions(sample: pd.DataFrame) -> pd.DataFrame:
    """Final dispositions by mailing and by mode: counts, with a row of totals."""
    by_wave = pd.crosstab(sample["outcome"], sample["wave"], dropna=False)
    by_mode = pd.crosstab(sample["outcome"], sample["mode"], dropna=False)
    modes = [name for name in sample["mode"].cat.categories]
    table = pd.concat([by_wave, by_mode.reindex(columns=modes, fill_value=0)], axis=1)
    table["All"] = sample["outcome"].value_counts()
    table.columns = table.columns.astype(str)
    table = table.reindex(list(sample["outcome"].cat.categories)).fillna(0).astype(int)
    table.loc["All"] = table.sum()
    return table.rename_axis("outcome").reset_index()


def rate_groups(sample: pd.DataFrame, classes: list[dict]) -> list[tuple[str, str, np.ndarray]]:
    """(breakdown, group, bool (n,)): all mailed surveys, types, sources, population classes (local), partnership."""
    local = (sample["agency_type"] != STATE).to_numpy()
    size = population_class(sample["population"], classes)
    parts = [("All mailed surveys", "All mailed surveys", np.ones(len(sample), dtype=bool))]
    for breakdown, column in (("Agency type", "agency_type"), ("Sample source", "sample_source")):
        parts += [(breakdown, name, (sample[column] == name).to_numpy()) for name in sample[column].cat.categories]
    parts += [("Population served", name, (size == name).to_numpy() & local) for name in size.cat.categories]
    partner = (sample["task_force_partner"] == PARTNER).to_numpy()
    return [*parts, ("Task force", "Partner", partner), ("Task force", "Not a partner", ~partner)]


def outcome_rates(sample: pd.DataFrame, classes: list[dict]) -> pd.DataFrame:
    """AAPOR rates and completes over mailed by ``rate_groups``; those that nobody was mailed in are left out."""
    rows = []
    for breakdown, name, inside in rate_groups(sample, classes):
        counts = sample.loc[inside, "outcome"].value_counts()
        if counts.sum() == 0:
            continue
        try:
            rates = aapor_rates(**{key: int(counts.get(outcome, 0)) for outcome, key in DISPOSITION.items()})
        except InputError:  # a small group of which nobody was heard
            rates = dict.fromkeys(RATES, np.nan)
        mailed, complete = int(counts.sum()), int(counts.get(COMPLETE, 0))
        rows.append({"breakdown": breakdown, "group": name, "mailed": mailed, "complete": complete} | rates)
    return pd.DataFrame(rows)


HEARD = {"partial": ["Partial"], "refusal": ["Refusal"], "not heard of": ["No contact", "Undeliverable"]}
NEEDS = {  # of each rate: what it tells once the mailed surveys of a group and its closed agencies are known
    "RR1": ["complete"],
    "RR2": ["complete", "partial"],
    "COOP1": ["complete", "partial", "refusal"],
    "REF1": ["refusal"],
    "CON1": ["not heard of"],
}


def screened_rates(sample: pd.DataFrame, rates: pd.DataFrame, classes: list[dict]) -> pd.DataFrame:
    """``outcome_rates`` without what would tell of single agencies' refusal or silence (``disclosure.watch``)."""
    groups = {(breakdown, name): inside for breakdown, name, inside in rate_groups(sample, classes)}
    outcome, kinds = sample["outcome"], {"complete": [COMPLETE], **HEARD}
    open_ = outcome.isin([label for labels in kinds.values() for label in labels]).to_numpy()
    told = pd.DataFrame(
        [
            {"breakdown": row.breakdown, "domain": row.group, "measure": kind}
            for row in rates.itertuples()
            for kind in kinds
        ]
    )
    bases = [groups[line.breakdown, line.domain] & open_ for line in told.itertuples()]
    counted = [outcome.isin(kinds[line.measure]).to_numpy() for line in told.itertuples()]
    known = np.isfinite(watch.counts(told, bases, counted)).reshape(len(rates), len(kinds))
    shown = dict(zip(kinds, known.T, strict=True))
    sides = {
        (line.breakdown, line.domain, line.measure): (base, units, line.measure)
        for line, base, units in zip(told.itertuples(), bases, counted, strict=True)
    }
    found = rates.astype({"complete": float})
    found["complete"] = found["complete"].where(shown["complete"])
    for rate, needs in NEEDS.items():
        gone = [
            watch.left_out(
                f"{row.group}, {rate}", [getattr(row, rate)], [sides[row.breakdown, row.group, kind] for kind in needs]
            )
            for row in rates.itertuples()
        ]
        found[rate] = found[rate].mask(np.array(gone, dtype=bool))
    columns = ["complete", *NEEDS]
    return found.assign(status=marks.withheld((found[columns].isna() & rates[columns].notna()).any(axis=1)))


def screened_dispositions(sample: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """``dispositions`` without counts that would tell of single agencies (``disclosure.watch``)."""
    found = table.set_index("outcome").astype(float)
    labels = list(found.index[:-1])
    counted = [(sample["outcome"] == label).to_numpy() for label in labels]
    for kind in ("wave", "mode"):
        for name in sample[kind].cat.categories:
            told = pd.DataFrame({"breakdown": kind, "domain": str(name), "measure": labels})
            found.loc[labels, str(name)] = watch.counts(told, [(sample[kind] == name).to_numpy()] * len(told), counted)
    return found.assign(status=marks.withheld(found.isna().any(axis=1))).reset_index()


def screened_respondents(sample: pd.DataFrame) -> dict[str, float]:
    """Respondents of all mailed surveys (''), by type, stratum ('type; class') and weighting class as they may be shown."""
    parts = [("All", "", np.ones(len(sample), dtype=bool))]
    kind, size = sample["agency_type"].astype(str), sample["population_class"].astype(str)
    for breakdown, labels in (
        ("Agency type", kind),
        ("Stratum", kind + "; " + size),
        ("Weighting class", sample["cell"]),
    ):
        parts += [(breakdown, str(name), (labels == name).to_numpy()) for name in sorted(labels.unique())]
    told = pd.DataFrame([part[:2] for part in parts], columns=["breakdown", "domain"]).assign(measure="respondents")
    responded = sample["responded"].to_numpy(dtype=bool)
    values = watch.counts(told, [inside for *_, inside in parts], [responded] * len(parts))
    return dict(zip(told["domain"], values, strict=True))


def examined(sample: pd.DataFrame, classes: list[dict], least: int) -> None:
    """Everything of the chapter that tells which agencies answered, for ``disclosure.watch``; least : forms of a step."""
    tell_returns(sample, returns(sample, least))
    screened_dispositions(sample, dispositions(sample))
    screened_rates(sample, outcome_rates(sample, classes), classes)
    screened_respondents(sample)


def screened_cells(cells: pd.DataFrame, respondents: dict[str, float]) -> pd.DataFrame:
    """``weights_by_cell`` without the classes whose number of respondents may not be shown, which their means tell."""
    gone = [not np.isfinite(respondents[name]) for name in cells["cell"]]
    found = cells.astype({"respondents": float})
    found.loc[gone, ["respondents", "response", "raking", "final", "agencies"]] = np.nan
    return found.assign(status=marks.withheld(gone))


def weights_by_cell(sample: pd.DataFrame) -> pd.DataFrame:
    """By weighting class: mailed, eligible, respondents, means over the respondents of the weights at three points and of
    the factors between them, and the agencies they stand for. ``eligible`` counts those of unknown eligibility too."""
    groups = sample.groupby("cell", sort=True)
    rows = sample[sample["responded"]]
    at = {name: weight_steps(rows).weight(step) for name, step in (("sampling", "poststratification"), ("final", None))}
    rows = rows.assign(sampling=at["sampling"], final=at["final"])
    rows["response"] = rows["eligibility"] * rows["nonresponse"] * rows["trimming"]
    table = groups.agg(mailed=("eligible", "size"), eligible=("eligible", "sum"), respondents=("responded", "sum"))
    answered = rows.groupby("cell", sort=True)
    for name in ("sampling", "response", "raking", "final"):
        table[name] = answered[name].mean()
    table["agencies"] = answered["final"].sum()
    table["order"] = groups["population_class"].agg(lambda classes: classes.cat.codes.min())
    table["group"] = [name.rsplit(", ", 1)[0] for name in table.index]
    last = groups["population_class"].agg(lambda classes: classes.cat.codes.max())
    labels = sample["population_class"].cat.categories
    table["population"] = [_span(labels[low], labels[high]) for low, high in zip(table["order"], last, strict=True)]
    return table.reset_index().sort_values(["group", "order"], ignore_index=True).drop(columns=["order"])


def _span(first: str, last: str) -> str:
    """Label of the population classes from ``first`` to ``last``: '2,500 to 24,999', 'Under 10,000', '250,000 or more'."""
    if first == last:
        return first
    low, high = first.split(" to ")[0], last.split(" to ")[-1]
    if first.lower().startswith("under"):
        return f"Up to {high}"
    return f"{low} or more" if high == last else f"{low} to {high}"


def design_effects(sample: pd.DataFrame) -> dict[str, float]:
    """Kish design effect of the weights after each step, over the respondents, and the effective sample size."""
    rows = sample[sample["responded"]]
    base = weight_steps(rows).weight("poststratification")
    final = kish_design_effect(rows["weight"])
    return {"base": kish_design_effect(base), "final": final, "effective": len(rows) / final}


def balance(frame: pd.DataFrame, sample: pd.DataFrame) -> pd.DataFrame:
    """Shares of agencies in the frame, among respondents unweighted and weighted: region, location, task force, type.

    Columns: breakdown, group, frame, unweighted, weighted. Location takes no part in the weights.
    """
    rows = sample[sample["responded"]]
    names = {
        "agency_type": "Agency type",
        "region": "Region",
        "metropolitan": "Location",
        "task_force_partner": "Partner of a task force",
    }
    found = []
    for column, breakdown in names.items():
        for name in frame[column].cat.categories:
            inside = rows[column] == name
            share = rows.loc[inside, "weight"].sum() / rows["weight"].sum()
            found.append((breakdown, name, (frame[column] == name).mean(), inside.mean(), share))
    return pd.DataFrame(found, columns=["breakdown", "group", "frame", "unweighted", "weighted"])


def returns(sample: pd.DataFrame, least: int) -> pd.DataFrame:
    """Completed forms by date and mode: columns mode, date, forms, cumulative.

    Days with fewer than ``least`` forms are joined with those that follow, and stand at the last of them; what is left at
    the end is joined with the days before.
    """
    rows = sample[sample["responded"]]
    counts = rows.groupby(["mode", "outcome_on"], observed=True).size().rename("forms").reset_index()
    counts["cumulative"] = counts.groupby("mode", observed=True)["forms"].cumsum()
    kept = []
    for _, part in counts.groupby("mode", observed=True):
        told, lines = 0, []
        for row in part.itertuples():
            if row.cumulative - told >= least:
                lines.append(row.Index)
                told = row.cumulative
        if lines and told < part["cumulative"].iloc[-1]:
            lines[-1] = part.index[-1]
        kept += lines
    joined = counts.loc[kept].reset_index(drop=True)
    joined["forms"] = (
        joined.groupby("mode", observed=True)["cumulative"].diff().fillna(joined["cumulative"]).astype(int)
    )
    return joined.rename(columns={"outcome_on": "date"})


def tell_returns(sample: pd.DataFrame, counts: pd.DataFrame) -> None:
    """The numbers of ``returns``, for ``disclosure.watch``."""
    base, counted, lines = [], [], []
    for mode, part in counts.groupby("mode", observed=True):
        mailed = (sample["mode"] == mode).to_numpy()
        back, on = mailed & sample["responded"].to_numpy(dtype=bool), sample["outcome_on"]
        after = [None, *part["date"]]
        for first, last in zip(after, part["date"], strict=False):
            inside = back & (on <= last).to_numpy(dtype=bool)
            counted.append(inside if first is None else inside & (on > first).to_numpy(dtype=bool))
            base.append(mailed)
            lines.append(
                {"breakdown": f"Returned by, {mode}", "domain": str(last.date()), "measure": f"to {last.date()}"}
            )
    watch.counts(pd.DataFrame(lines), base, counted)
