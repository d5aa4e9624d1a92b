"""What the book says of disclosure control: how many numbers are left out, and that the attack finds none of them."""

from __future__ import annotations

from agency_survey import ledger
from agency_survey.disclosure import attack
from agency_survey.disclosure.catalogue import Catalogue
from agency_survey.disclosure.rules import Rules
from agency_survey.disclosure.suppress import Pattern
from agency_survey.errors import InputError

RULE = PREFIX = "disclosure"


def require_safe(found: Catalogue, pattern: Pattern, totals: Pattern) -> None:
    """Refuse patterns of counts and of totals in which the attack still derives a cell too closely."""
    leaks = [one for one in attack.audit(found.system, pattern.hidden) if one.leak]
    leaks += [one for one in attack.audit(found.totals, totals.hidden) if one.leak]
    if leaks:
        row = next(row for row in found.printed if leaks[0].key in (row.cell, row.base, row.total))
        raise InputError(
            f"{len(leaks)} cells at risk cannot be protected, among them {row.section}: {row.breakdown}, {row.domain}, "
            f"{row.measure}",
            "config/disclosure.yaml",
            "Merge that group with another",
        )


def numbers(found: Catalogue, hidden: dict[str, dict], patterns: tuple[Pattern, ...], rules: Rules) -> ledger.Numbers:
    """Counts for the text: rules, numbers of the chapters, left out as at risk or to protect those, rounded counts.

    patterns : of counts and of totals.
    """
    made = ledger.Numbers(RULE)
    cells = [cell for part in hidden.values() for cell in part["cells"]]
    shown = {row.key for row in found.printed if row.shown}
    told = {
        "numbers": (len(found.printed), "Numbers on the survey that were examined"),
        "shown": (sum(row.shown for row in found.printed), "Of these, precise enough to be shown"),
        "at-risk": (
            len({c["key"] for c in cells if c["reason"] == "primary" and c["key"] in shown}),
            "Numbers left out because they would tell of too few agencies",
        ),
        "complementary": (
            len({c["key"] for c in cells if c["reason"] == "complementary" and c["key"] in shown}),
            "Numbers left out because others could be worked out from them",
        ),
        "rounded": (sum(len(part["bases"]) for part in hidden.values()), "Numbers of respondents that are rounded"),
        "attacked": (
            sum(int(pattern.primary.sum()) for pattern in patterns),
            "Counts and totals at risk that the attack tries to derive",
        ),
        "minimum-count": (rules.minimum_count, "Least number of agencies in a cell"),
        "protection": (rules.protection, "Least width of an outsider's interval"),
        "class-group": (rules.class_group, "Largest group not shown to have answered alike"),
    }
    for name, (value, label) in told.items():
        made.add(
            f"{PREFIX}.{name}", value, format="count", label=label, unit="count", domain="chapters on the survey",
            estimator="count",
        )  # fmt: skip
    lost = (told["at-risk"][0] + told["complementary"][0]) / max(told["shown"][0], 1)
    made.add(
        f"{PREFIX}.share-left-out", lost, format="percent1", label="Numbers left out, of those precise enough",
        unit="share of numbers", domain="chapters on the survey", estimator="count",
    )  # fmt: skip
    return made
