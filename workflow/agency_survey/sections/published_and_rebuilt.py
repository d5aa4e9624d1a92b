"""Chapter 11: the figures published about the survey beside their rebuilt values, and the tables of chapters 2 to 9."""

from __future__ import annotations

import re

import pandas as pd

from agency_survey import ledger
from agency_survey.errors import InputError
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import num, slug
from agency_survey.sections import survey
from agency_survey.tables import Table

RULE = "published_and_rebuilt"
PREFIX = "published-and-rebuilt"
# Published figure: (rebuilt number, how the two are compared).
REBUILT = {
    "P015": ("survey-methods.sample.random", "equal"),
    "P016": ("survey-methods.sample.large-missed", "zero"),
    "P017": ("survey-methods.sample.partners-missed", "zero"),
    "P018": ("survey-methods.sample.mailed", "equal"),
    "P019": ("survey-methods.sample.mailed", "equal"),
    "P020": ("survey-methods.outcome.complete", "equal"),
    "P021": ("survey-methods.rate.complete.all-mailed-surveys", "equal"),
    "P022": ("survey-methods.rate.complete.all-mailed-surveys", "equal"),
    "P023": ("survey-methods.sample.supplements", "equal"),
    "P024": ("survey-methods.year", "equal"),
    "P028": ("survey-methods.sample.mailed", "above"),
    "P029": ("perceptions.every-form.rare-or-none.local-agencies", "majority"),
    "P030": ("perceptions.difference.sex-over-labour", "positive"),
    "P031": ("perceptions.every-form.non-existent.local-agencies", "interval"),
}
EVIDENCE = {"read": "read in the source", "secondary": "quoted second-hand"}
DASH = "\N{EN DASH}"


def chapter(published: pd.DataFrame, numbers: dict[str, dict], calibrations: list[dict], synthetic: bool) -> Exhibits:
    """Exhibits of the chapter.

    published : data/published/report_2008.csv as text; numbers : numbers of the sections by id; calibrations : entries
    {figure, how} of config/standin.yaml; synthetic : whether the survey's records are the stand-in's.
    """
    found = compare(published, numbers, {entry["figure"]: entry["how"] for entry in calibrations} if synthetic else {})
    sections = [section_table(part) for _, part in published.groupby("section", sort=False)]
    return Exhibits(
        _numbers(published, found), [*sections, comparison_table(found, synthetic)], [], {"findings": findings(found)}
    )


def compare(published: pd.DataFrame, numbers: dict[str, dict], calibrated: dict[str, str]) -> pd.DataFrame:
    """Published figures with their rebuilt value: adds number, rebuilt, low, high, agreement, agrees, calibrated.

    agrees : True, False, or missing where the figure is not rebuilt. Raises InputError for a number that no section
    gives, a calibrated figure that is not published, or an evidence that is none of EVIDENCE.
    """
    odd = published[~published["evidence"].isin(list(EVIDENCE))]
    if len(odd):
        raise InputError(
            f"The evidence '{odd['evidence'].iloc[0]}' of {odd['id'].iloc[0]} is not known",
            "data/published/report_2008.csv",
            f"Write one of {', '.join(EVIDENCE)}",
        )
    unknown = sorted(set(calibrated) - set(published["id"]))
    if unknown:
        raise InputError(
            f"The calibrated figure {unknown[0]} is not published", "config/standin.yaml", "Correct its id"
        )
    rows = []
    for row in published.to_dict("records"):
        ident, how = REBUILT.get(row["id"], (None, None))
        new = {"number": ident, "rebuilt": None, "low": None, "high": None, "agreement": None, "agrees": None}
        if ident is not None:
            if ident not in numbers:
                raise InputError(f"No section records the number '{ident}', which figure {row['id']} needs")
            entry = numbers[ident]
            agrees, text = _COMPARE[how](row, entry)
            new |= {"rebuilt": _rebuilt(row, entry, how), "low": entry["low"], "high": entry["high"]}
            new |= {"agreement": text, "agrees": agrees}
        rows.append(row | new | {"calibrated": calibrated.get(row["id"])})
    return pd.DataFrame(rows)


def _rebuilt(row: dict, entry: dict, how: str) -> str:
    """Printed rebuilt value with its interval; a percentage has the decimals of the published one."""
    value, ci = entry["text"]["value"], entry["text"]["ci"]
    if how == "zero":
        return f"{value} agencies missed"
    if how == "equal" and row["unit"] == "percent":
        value = f"{100 * entry['value']:.{_figure(row)[1]}f}%"
    return value if ci == DASH else f"{value} ({ci})"


def _figure(row: dict) -> tuple[float, int]:
    """Published number on the scale of the rebuilt one, and its printed decimals (of a percentage: of the percent)."""
    match = re.search(r"\d[\d,]*(?:\.(\d+))?", row["value"])
    if match is None:
        raise InputError(f"Figure {row['id']} holds no number: '{row['value']}'", "data/published/report_2008.csv")
    value = float(match[0].replace(",", ""))
    return (value / 100 if row["unit"] == "percent" else value), len(match[1] or "")


def _equal(row: dict, entry: dict) -> tuple[bool, str]:
    value, decimals = _figure(row)
    scale = 100 if row["unit"] == "percent" else 1
    gap = round(scale * float(entry["value"]), decimals) - round(scale * value, decimals)
    if abs(gap) < 0.5 * 10**-decimals:
        return True, "equal"
    return False, f"differs by {abs(gap):,.{decimals}f}" + (" points" if scale == 100 else "")


def _interval(row: dict, entry: dict) -> tuple[bool, str]:
    value, _ = _figure(row)
    inside = entry["low"] is not None and entry["low"] <= value <= entry["high"]
    return inside, "inside the interval" if inside else "outside the interval"


def _above(row: dict, entry: dict) -> tuple[bool, str]:
    value, _ = _figure(row)
    return (True, "above it") if entry["value"] > value else (False, "not above it")


def _zero(row: dict, entry: dict) -> tuple[bool, str]:
    return (True, "none is missing") if entry["value"] == 0 else (False, "some are missing")


def _majority(row: dict, entry: dict) -> tuple[bool, str]:
    most = entry["low"] is not None and entry["low"] > 0.5
    return most, "a majority" if most else "not shown to be a majority"


def _positive(row: dict, entry: dict) -> tuple[bool, str]:
    positive = entry["low"] is not None and entry["low"] > 0
    return positive, "same direction" if positive else "direction not shown"


_COMPARE = {
    "equal": _equal,
    "interval": _interval,
    "above": _above,
    "zero": _zero,
    "majority": _majority,
    "positive": _positive,
}


def shown_value(row) -> str:
    """Printed form of a published value with its unit: '75%', 'over half (>50%)', '3,191', or its words."""
    value, unit = row["value"], row["unit"]
    if unit == "percent":
        return re.sub(r"(\d[\d.]*)(?!.*\d)", r"\1%", value)
    if unit in ("year", "text"):
        return value
    return re.sub(r"\b\d{4,}\b", lambda number: f"{int(number[0]):,}", value)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _source(row) -> str:
    return f"[{row['source_title']}]({row['source_url']})"


def section_table(part: pd.DataFrame) -> Table:
    """The figures published on one subject, with source and evidence."""
    shown = [
        {
            "Id": row["id"],
            "Quantity and domain": _capital(f"{row['quantity']}; {row['population_or_domain']}"),
            "Published": shown_value(row),
            "Source": _source(row),
            "Evidence": EVIDENCE[row["evidence"]],
        }
        for row in part.to_dict("records")
    ]
    subject = part["section"].iloc[0].split("_", 1)[1]
    return Table(
        f"tbl-published-{slug(subject.replace('_', ' '))}",
        "Figures published from the survey: " + _SUBJECTS[subject],
        pd.DataFrame(shown),
        part,
        "data/published/report_2008.csv; each figure's own source in its row.",
        "Read in the source: the page or abstract named was read. Quoted second-hand: the figure appears in a later text "
        "that cites the survey.",
        left=("Quantity and domain", "Published", "Source", "Evidence"),
        widths=(7, 38, 24, 24, 14),
    )


_SUBJECTS = {
    "design_sample": "design and sample",
    "perceptions": "perceptions",
    "preparation": "preparation",
    "identification": "identification",
    "model": "determinants of identification",
    "case_characteristics": "characteristics of cases",
    "strategies_sources": "how cases come to light",
    "taskforce_recommendations": "task forces and recommendations",
}


def comparison_table(found: pd.DataFrame, synthetic: bool) -> Table:
    """Every published figure beside its rebuilt value."""
    shown = []
    for row in found.to_dict("records"):
        there = isinstance(row["rebuilt"], str)
        shown.append(
            {
                "Id": row["id"],
                "Quantity and domain": _capital(f"{row['quantity']}; {row['population_or_domain']}"),
                "Published": shown_value(row) + ("\N{DAGGER}" if row["evidence"] == "secondary" else ""),
                "Rebuilt (interval)": row["rebuilt"] if there else "not rebuilt",
                "Agreement": row["agreement"] if there else DASH,
                "Calibrated to it": ("yes" if isinstance(row["calibrated"], str) else "no") if synthetic else DASH,
            }
        )
    return Table(
        "tbl-published-and-rebuilt",
        survey.caption("Published figures and their rebuilt values", synthetic),
        pd.DataFrame(shown),
        found,
        "data/published/report_2008.csv for the published figures; "
        + ("config/standin.yaml for what was calibrated to; " if synthetic else "")
        + f"rebuilt values from the {survey.source(synthetic)}",
        "\N{DAGGER} Quoted second-hand. Figures stated in words are compared with the number that bears on them: a rule on "
        "who is in the sample with the agencies that it misses, a direction with the sign of a difference. "
        + ("Agreement with a calibrated figure is by construction." if synthetic else ""),
        left=("Quantity and domain", "Published", "Rebuilt (interval)", "Agreement", "Calibrated to it"),
        widths=(7, 34, 22, 18, 14, 11),
    )


def _numbers(published: pd.DataFrame, found: pd.DataFrame) -> ledger.Numbers:
    numbers = ledger.Numbers(RULE)
    rebuilt = found["agrees"].notna()
    calibrated = found["calibrated"].notna()
    agrees = found["agrees"] == True  # noqa: E712 - the column also holds missing values
    counts = {
        "figures": (len(found), "Published figures"),
        "rebuilt": (rebuilt.sum(), "Published figures that are rebuilt"),
        "agree": (agrees.sum(), "Rebuilt figures that agree"),
        "calibrated": ((rebuilt & calibrated).sum(), "Rebuilt figures that the stand-in was calibrated to"),
        "calibrated-agree": ((rebuilt & calibrated & agrees).sum(), "Calibrated figures that agree"),
        "free": ((rebuilt & ~calibrated).sum(), "Rebuilt figures that the stand-in was not calibrated to"),
        "free-agree": ((rebuilt & ~calibrated & agrees).sum(), "Figures not calibrated to that agree"),
        "not-rebuilt": ((~rebuilt).sum(), "Published figures that are not rebuilt"),
        "second-hand": ((found["evidence"] == "secondary").sum(), "Published figures quoted second-hand"),
    }
    for key, (value, label) in counts.items():
        numbers.add(
            f"{PREFIX}.{key}", int(value), format="count", label=label, unit="figures", domain="published figures",
            estimator="count",
        )  # fmt: skip
    for row in published.to_dict("records"):
        numbers.add(
            f"published.{row['id'].lower()}",
            shown_value(row),
            format="text",
            label=f"Published: {row['quantity']} ({row['source_title']}, {EVIDENCE[row['evidence']]})",
            unit=row["unit"],
            domain=row["population_or_domain"],
            estimator="as published",
        )
    return numbers


def findings(found: pd.DataFrame) -> str:
    """The chapter's opening findings."""

    def count(key: str) -> str:
        return num(f"{PREFIX}.{key}")

    text = (
        f"Of {count('figures')} figures and statements published from the survey, {count('rebuilt')} are rebuilt here and "
        f"{count('not-rebuilt')} are not, most of them because they rest on parts of the survey that the report does not "
        f"rebuild yet; {count('second-hand')} of the {count('figures')} are known only second-hand."
    )
    if found["calibrated"].notna().any():
        free = found[found["agrees"].notna() & found["calibrated"].isna()]
        text += (
            f" The stand-in was calibrated to {count('calibrated')} of the rebuilt figures; {count('calibrated-agree')} of "
            "these agree, by construction, which shows only that the chain from records to estimates holds. Of the "
            f"{count('free')} others, {count('free-agree')} {'agrees' if (free['agrees'] == True).sum() == 1 else 'agree'}."  # noqa: E712
        )
    else:
        text += f" Of the rebuilt ones, {count('agree')} agree."
    return text + "\n"
