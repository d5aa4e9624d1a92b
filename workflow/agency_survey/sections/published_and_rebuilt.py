"""Chapter 11: the figures published about the survey beside their rebuilt values, and the tables of chapters 2 to 9."""

from __future__ import annotations

import re
import textwrap

import pandas as pd

from agency_survey import figures, ledger
from agency_survey.errors import InputError
from agency_survey.exhibits import Exhibits
from agency_survey.ledger import num, slug
from agency_survey.sections import survey
from agency_survey.tables import Table

RULE = "published_and_rebuilt"
PREFIX = "published-and-rebuilt"
EVIDENCE = {"read": "read in the source", "secondary": "quoted second-hand"}
DASH = "\N{EN DASH}"


PUBLISHED, REBUILT = "data/published/report_2008.csv", "config/rebuilt.yaml"
COUNTED_OTHERWISE = "the sources count or round in another way"


def chapter(
    published: pd.DataFrame,
    rebuilt: list[dict],
    numbers: dict[str, dict],
    standin: dict[str, list[dict]],
    synthetic: bool,
    level: float,
) -> Exhibits:
    """Exhibits of the chapter.

    published : data/published/report_2008.csv as text; rebuilt : config/rebuilt.yaml; numbers : numbers of the sections by
    id; standin : calibrations {figure, how} and comparisons {figure, why} of config/standin.yaml; synthetic : whether the
    survey's records are the stand-in's; level : of the sections' intervals.
    """
    calibrated = {entry["figure"]: entry["how"] for entry in standin["calibrations"]} if synthetic else {}
    why = {entry["figure"]: entry["why"] for entry in standin["comparisons"]} if synthetic else {}
    found = compare(published, rebuilt, numbers, calibrated)
    sections = [section_table(part) for _, part in published.groupby("section", sort=False)]
    return Exhibits(
        _numbers(published, found),
        [*sections, comparison_table(found, synthetic), differences_table(found, why, synthetic)],
        [comparison_figure(found, synthetic, level)],
        {"findings": findings(found), "differences": differences_paragraph(found)},
    )


def compare(
    published: pd.DataFrame, rebuilt: list[dict], numbers: dict[str, dict], calibrated: dict[str, str]
) -> pd.DataFrame:
    """Published figures with their rebuilt value.

    Adds numbers (ids, joined), rebuilt (printed), estimate, low and high (of the first number), agreement (words), agrees (True,
    False, or missing where nothing is compared), because, note, calibrated. Raises InputError for a figure that the
    registry lacks, names twice or that is not published, a number that no section gives, or an evidence that is none of
    EVIDENCE.
    """
    odd = published[~published["evidence"].isin(list(EVIDENCE))]
    if len(odd):
        raise InputError(
            f"The evidence '{odd['evidence'].iloc[0]}' of {odd['id'].iloc[0]} is not known",
            PUBLISHED,
            f"Write one of {', '.join(EVIDENCE)}",
        )
    registry = _registry(published, rebuilt)
    unknown = sorted(set(calibrated) - set(published["id"]))
    if unknown:
        raise InputError(
            f"The calibrated figure {unknown[0]} is not published", "config/standin.yaml", "Correct its id"
        )
    rows = []
    for row in published.to_dict("records"):
        entry = registry[row["id"]]
        new = dict.fromkeys(["numbers", "rebuilt", "estimate", "low", "high", "agreement", "agrees"])
        new |= {"because": entry.get("because"), "note": entry.get("note"), "calibrated": calibrated.get(row["id"])}
        if "numbers" in entry:
            new |= _compared(row, entry, [_number(numbers, ident, row["id"]) for ident in entry["numbers"]])
        rows.append(row | new)
    return pd.DataFrame(rows)


def _registry(published: pd.DataFrame, rebuilt: list[dict]) -> dict[str, dict]:
    """Entries of the registry by figure: each published figure has one."""
    registry: dict[str, dict] = {}
    for entry in rebuilt:
        if entry["figure"] in registry:
            raise InputError(f"The figure {entry['figure']} stands there twice", REBUILT, "Delete one of the two")
        registry[entry["figure"]] = entry
    for lost, where in (
        (set(published["id"]) - set(registry), REBUILT),
        (set(registry) - set(published["id"]), PUBLISHED),
    ):
        if lost:
            raise InputError(f"The figure {min(lost)} is missing", where, "Add it, or correct its id")
    return registry


def _number(numbers: dict[str, dict], ident: str, figure: str) -> dict:
    if ident not in numbers:
        raise InputError(f"No section records the number '{ident}', which figure {figure} needs", REBUILT)
    return numbers[ident]


def _compared(row: dict, entry: dict, found: list[dict]) -> dict:
    """Rebuilt value, limits and agreement of one figure; nothing is compared where a number may not be shown."""
    new = {"numbers": "; ".join(entry["numbers"])}
    if any(number["value"] is None for number in found):
        return new | {"agreement": "too uncertain to compare"}
    how = entry["compare"]
    agrees, text = _COMPARE[how](row, entry, found)
    first = found[0]
    shown = [first, max(found[1:], key=lambda number: number["value"])] if how == "first" else found
    printed = "; ".join(_rebuilt(row, number, how) for number in shown)
    ends = {"estimate": first["value"], "low": first["low"], "high": first["high"]}
    return new | ends | {"rebuilt": printed, "agreement": text, "agrees": agrees}


def _rebuilt(row: dict, number: dict, how: str) -> str:
    """Printed rebuilt value with its interval; a percentage has the decimals of the published one."""
    value, ci = number["text"]["value"], number["text"]["ci"]
    if how == "equal" and row["unit"] == "percent":
        value = f"{100 * number['value']:.{_figure(row)[1]}f}%"
    return value if ci == DASH else f"{value} ({ci})"


def _figure(row: dict) -> tuple[float, int]:
    """Published number on the scale of the rebuilt one, and its printed decimals (of a percentage: of the percent)."""
    match = re.search(r"\d[\d,]*(?:\.(\d+))?", row["value"])
    if match is None:
        raise InputError(f"Figure {row['id']} holds no number: '{row['value']}'", PUBLISHED)
    value = float(match[0].replace(",", ""))
    return (value / 100 if row["unit"] == "percent" else value), len(match[1] or "")


def _equal(row: dict, entry: dict, found: list[dict]) -> tuple[bool, str]:
    value, decimals = _figure(row)
    scale = 100 if row["unit"] == "percent" else 1
    gap = round(scale * float(found[0]["value"]), decimals) - round(scale * value, decimals)
    if abs(gap) < 0.5 * 10**-decimals:
        return True, "equal"
    return False, f"differs by {abs(gap):,.{decimals}f}" + (" points" if scale == 100 else "")


def _interval(row: dict, entry: dict, found: list[dict]) -> tuple[bool, str]:
    value, _ = _figure(row)
    low, high = found[0]["low"], found[0]["high"]
    inside = low is not None and low <= value <= high
    return inside, "inside the interval" if inside else "outside the interval"


def _above(row: dict, entry: dict, found: list[dict]) -> tuple[bool, str]:
    value, _ = _figure(row)
    return (True, "above it") if found[0]["value"] > value else (False, "not above it")


def _below(row: dict, entry: dict, found: list[dict]) -> tuple[bool, str]:
    value, _ = _figure(row)
    below = found[0]["high"] is not None and found[0]["high"] < value
    return below, "below it" if below else "not shown to be below it"


def _exceeds(row: dict, entry: dict, found: list[dict]) -> tuple[bool, str]:
    """Whether the lower limits are above ``than``: a half (a majority), 0 (a difference) or 1 (a ratio)."""
    than = entry["than"]
    shown = [number["low"] is not None and number["low"] > than for number in found]
    if than == 0.5:
        return all(shown), "a majority" if all(shown) else "not shown to be a majority"
    if all(shown):
        return True, "same direction"
    return False, "direction shown in part" if any(shown) else "direction not shown"


def _first(row: dict, entry: dict, found: list[dict]) -> tuple[bool, str]:
    """Whether the first number is the largest, and its interval above all others."""
    most = found[0]["value"] > max(number["value"] for number in found[1:])
    apart = found[0]["low"] is not None and all(
        number["high"] is not None and found[0]["low"] > number["high"] for number in found[1:]
    )
    return most and apart, "the largest" if most and apart else "not shown to be the largest"


def _zero(row: dict, entry: dict, found: list[dict]) -> tuple[bool, str]:
    return (True, "none is missing") if found[0]["value"] == 0 else (False, "some are missing")


def _present(row: dict, entry: dict, found: list[dict]) -> tuple[bool, str]:
    there = all(number["value"] > 0 for number in found)
    return there, "found" if there else "not found"


_COMPARE = {
    "equal": _equal,
    "interval": _interval,
    "above": _above,
    "below": _below,
    "exceeds": _exceeds,
    "first": _first,
    "zero": _zero,
    "present": _present,
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


def _domain(row: dict) -> str:
    return _capital(f"{row['quantity']}; {row['population_or_domain']}")


def _printed(row: dict) -> str:
    return shown_value(row) + ("\N{DAGGER}" if row["evidence"] == "secondary" else "")


def comparison_table(found: pd.DataFrame, synthetic: bool) -> Table:
    """Every published figure beside its rebuilt value, or the reason why there is none."""
    shown = []
    for row in found.to_dict("records"):
        there = isinstance(row["rebuilt"], str)
        note = f" [{row['note']}]" if isinstance(row["note"], str) else ""
        shown.append(
            {
                "Id": row["id"],
                "Quantity and domain": _domain(row),
                "Published": _printed(row),
                "Rebuilt (interval)": row["rebuilt"].replace("percentage points", "points") + note if there else DASH,
                "Agreement": row["agreement"]
                if isinstance(row["agreement"], str)
                else f"not rebuilt: {row['because']}",
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
        "\N{DAGGER} Quoted second-hand. In brackets: how a statement in words, or a figure whose wording leaves it open, is read. "
        + ("Agreement with a calibrated figure is by construction." if synthetic else ""),
        left=("Quantity and domain", "Published", "Rebuilt (interval)", "Agreement", "Calibrated to it"),
        widths=(7, 32, 20, 25, 16, 11),
    )


def differences_table(found: pd.DataFrame, why: dict[str, str], synthetic: bool) -> Table:
    """The rebuilt figures that do not agree, with what is known of the reason; why : by figure."""
    data = found[found["agrees"] == False].reset_index(drop=True)  # noqa: E712 - the column also holds missing values
    reasons = [why.get(row["id"]) or _reason(row) for row in data.to_dict("records")]
    shown = [
        {
            "Id": row["id"],
            "Quantity and domain": _domain(row),
            "Published": _printed(row),
            "Rebuilt (interval)": row["rebuilt"].replace("percentage points", "points"),
            "Agreement": row["agreement"],
            "What is known of the reason": _capital(reason),
        }
        for row, reason in zip(data.to_dict("records"), reasons, strict=True)
    ]
    none = [{"Id": DASH, "Quantity and domain": "Every figure that is rebuilt agrees with the published one"}]
    return Table(
        "tbl-published-differences",
        survey.caption("Rebuilt figures that do not agree with the published ones", synthetic),
        pd.DataFrame(shown or none),
        data.assign(reason=reasons),
        "as of @tbl-published-and-rebuilt.",
        "\N{DAGGER} Quoted second-hand.",
        left=("Quantity and domain", "Published", "Rebuilt (interval)", "Agreement", "What is known of the reason"),
        widths=(7, 28, 14, 19, 16, 28) if shown else (7, 60),
    )


def _reason(row: dict) -> str:
    """What can be said of a difference for which no reason is on record."""
    if row["unit"] in ("surveys", "agencies") or "response" in row["quantity"]:
        return COUNTED_OTHERWISE
    if isinstance(row["calibrated"], str):
        return "sampling: the population that the stand-in is drawn from meets the figure"
    return "not known"


# ---- figure --------------------------------------------------------------------------------------------------------


def percentages(found: pd.DataFrame) -> pd.DataFrame:
    """Rebuilt figures that are percentages: id, label, printed, published, share, low, high, calibrated, agrees."""
    part = found[(found["unit"] == "percent") & found["agrees"].notna() & ~found["quantity"].str.contains("response")]
    return pd.DataFrame(
        {
            "id": part["id"],
            "label": [_label(row) for row in part.to_dict("records")],
            "printed": [shown_value(row) for row in part.to_dict("records")],
            "published": [_figure(row)[0] for row in part.to_dict("records")],
            "share": part["estimate"].astype(float),
            "low": part["low"].astype(float),
            "high": part["high"].astype(float),
            "calibrated": part["calibrated"].notna(),
            "agrees": part["agrees"].astype(bool),
        }
    ).reset_index(drop=True)


def _label(row: dict) -> str:
    """Name of a figure in the picture: id and what it counts, on two lines where it is long."""
    text = re.sub(r"\s*\(.*?\)|, 2000-2006|^agencies (that|with|who) |^share of ", "", row["quantity"])
    text = textwrap.shorten(f"{row['id']} {_capital(text.strip())}", 88, placeholder=" \N{HORIZONTAL ELLIPSIS}")
    return "\n".join(textwrap.wrap(text, 46, break_on_hyphens=False))


def comparison_figure(found: pd.DataFrame, synthetic: bool, level: float) -> figures.Figure:
    """Published percentages and their rebuilt values with intervals."""
    data = percentages(found)
    groups = {True: "Rebuilt, calibrated to", False: "Rebuilt, not calibrated to"} if synthetic else {False: "Rebuilt"}

    def draw(data: pd.DataFrame):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(figures.WIDTH, 1.0 + 0.36 * max(len(data), 3)), layout="constrained")
        axis = canvas.subplots()
        at = pd.Series(range(len(data))[::-1], index=data.index, dtype=float)
        for k, (calibrated, label) in enumerate(groups.items()):
            part = data[data["calibrated"] == calibrated]
            figures.intervals(axis, part, at[part.index] - 0.12, figures.PALETTE[k], figures.MARKERS[k], label)
        axis.plot(
            100 * data["published"], at + 0.16, "D", color=figures.INK, markerfacecolor="white", markersize=5.5, label="Published"
        )  # fmt: skip
        for y, text in zip(at, data["printed"], strict=True):
            axis.text(103, y, text, va="center", fontsize=8.5, clip_on=False)
        axis.set_yticks(at, data["label"], fontsize=8.5)
        axis.set_ylim(-0.6, len(data) - 0.4)
        axis.text(103, len(data) - 0.35, "Published", va="bottom", fontsize=8.5, fontweight="bold")
        axis.set_xlim(-1.5, 101.5)
        axis.set_xlabel("Percent")
        axis.grid(axis="y", visible=False)
        canvas.legend(loc="outside upper center", ncols=3, fontsize=8.5)
        return canvas

    alt = "Published percentages and rebuilt ones with intervals. " + " ".join(
        f"{' '.join(row.label.split())}: published {row.printed}, rebuilt {100 * row.share:.1f} percent, which {'agrees' if row.agrees else 'does not agree'}."
        for row in data.itertuples()
    )
    return figures.Figure(
        "fig-published-and-rebuilt",
        survey.caption("Published percentages and their rebuilt values", synthetic),
        alt,
        data,
        f"data/published/report_2008.csv for the published figures; rebuilt values from the {survey.source(synthetic)}",
        draw,
        f"To the right of each line: the published value as printed. Bars: {ledger.level_text(level)} intervals. Agreement is judged "
        "as @tbl-published-and-rebuilt says: a bound in words is no point.",
    )


# ---- numbers and wording -------------------------------------------------------------------------------------------


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
        f"Of {count('figures')} figures and statements published from the survey, {count('rebuilt')} are rebuilt here; the other "
        f"{count('not-rebuilt')} are no estimates, or too uncertain to compare; {count('second-hand')} of the {count('figures')} "
        "are known only second-hand."
    )
    if found["calibrated"].notna().any():
        free = found[found["agrees"].notna() & found["calibrated"].isna()]
        one = (free["agrees"] == True).sum() == 1  # noqa: E712
        text += (
            f" The stand-in was calibrated to {count('calibrated')} of the rebuilt figures; {count('calibrated-agree')} of "
            "these agree, by construction, which shows only that the chain from records to estimates holds. Of the "
            f"{count('free')} others, {count('free-agree')} {'agrees' if one else 'agree'}."
        )
    else:
        text += f" Of the rebuilt ones, {count('agree')} agree."
    return text + "\n"


def differences_paragraph(found: pd.DataFrame) -> str:
    """Where to read about the figures that do not agree."""
    apart = found[found["agrees"] == False]  # noqa: E712
    if apart.empty:
        return "No rebuilt figure disagrees with the published one.\n"
    text = "@tbl-published-differences lists the rebuilt figures that do not agree, with what is known of the reason."
    if apart["calibrated"].notna().any():
        text += (
            " Some of them the stand-in was calibrated to: its population meets the figure, and an interval of the sample "
            "misses its population's value now and then."
        )
    return text + "\n"
