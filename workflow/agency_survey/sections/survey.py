"""What all sections on the national survey share: its source line, the notice on synthetic records, domains, shares."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from agency_survey import estimate, ledger, marks, tables
from agency_survey.design import SurveyDesign
from agency_survey.disclosure import watch
from agency_survey.lemas import population_class
from agency_survey.national_survey import PARTNER, STATE

SURVEY = "National Law Enforcement Human Trafficking Survey of 2007"
ALL = "All agencies"
LOCAL = "Local agencies"


def source(synthetic: bool, weighted: bool = True) -> str:
    """Source line below tables and figures."""
    weights = "; weighted" if weighted else "; unweighted counts"
    return (f"synthetic stand-in for the {SURVEY}" if synthetic else SURVEY) + f"{weights}."


def caption(text: str, synthetic: bool) -> str:
    """Caption of a table or figure; says when the records are synthetic."""
    return f"{text} (synthetic stand-in)" if synthetic else text


def notice(synthetic: bool) -> str:
    """Callout that opens every chapter on the national survey."""
    if not synthetic:
        return f"The numbers of this chapter rest on the records of the {SURVEY}.\n"
    return (
        "::: {.callout-important}\n## Synthetic data\n\n"
        f"The microdata of the {SURVEY} were never deposited in a public archive, as far as anyone could find. The "
        "numbers here come from a **synthetic stand-in**: a made-up frame, sample and set of answers, drawn "
        "by a documented generator and calibrated to published figures where there are any. They show that the "
        "workflow works; they are no evidence about any agency. With the real files in the same place and layout, "
        "every number is rebuilt from them.\n:::\n"
    )


def domains(rows: pd.DataFrame, classes: list[dict]) -> list[tuple[str, str, np.ndarray]]:
    """(breakdown, domain, bool (n,)): all and local agencies, types, population classes (local), regions and the rest.

    classes : population classes [{label, from}] in ascending order. State agencies are in no population class.
    """
    local = (rows["agency_type"] != STATE).to_numpy()
    size = population_class(rows["population"], classes)
    found = [(ALL, ALL, np.ones(len(rows), dtype=bool)), (ALL, LOCAL, local)]
    found += [
        ("Agency type", str(c), (rows["agency_type"] == c).to_numpy()) for c in rows["agency_type"].cat.categories
    ]
    found += [("Population served", str(c), (size == c).to_numpy() & local) for c in size.cat.categories]
    found += [("Region", str(c), (rows["region"] == c).to_numpy()) for c in rows["region"].cat.categories]
    found += [("Location", str(c), (rows["metropolitan"] == c).to_numpy()) for c in rows["metropolitan"].cat.categories]
    partner = (rows["task_force_partner"] == PARTNER).to_numpy()
    return [*found, ("Task force", "Partner", partner), ("Task force", "Not a partner", ~partner)]


def shares(
    design: SurveyDesign, indicators: dict[str, np.ndarray], known: np.ndarray, parts: Iterable, level: float
) -> pd.DataFrame:
    """Shares of indicators among agencies with ``known`` answers, by domain, in a long table.

    indicators : measure -> bool (n,); known : bool (n,); parts : as of ``domains``. Columns: breakdown, domain, measure,
    share, se, low, high (logit limits), n, df. Domains without any known answer have missing shares and n = 0.
    """
    y = np.column_stack([values.astype(float) for values in indicators.values()])
    found, bases, counted = [], [], []
    for breakdown, name, inside in parts:
        rows = {"breakdown": breakdown, "domain": name, "measure": list(indicators)}
        if (inside & known).any():
            part = estimate.mean(design, y, inside & known)
            limits = part.interval(level, "logit")
            rows |= {
                "share": part.value,
                "se": part.se,
                "low": limits[:, 0],
                "high": limits[:, 1],
                "n": part.n,
                "df": part.df,
            }
        else:
            rows |= {"share": np.nan, "se": np.nan, "low": np.nan, "high": np.nan, "n": 0, "df": 0}
        found.append(pd.DataFrame(rows))
        bases += [inside & known & (design.weight > 0)] * len(indicators)
        counted += list(indicators.values())
    return watch.screened(pd.concat(found, ignore_index=True), bases, counted)


def add_share(numbers: ledger.Numbers, ident: str, row, label: str, level: float) -> None:
    """Record one row of ``shares``."""
    numbers.add(
        ident,
        row.share,
        format="percent1",
        label=label,
        unit="share of agencies",
        domain=row.domain,
        estimator="weighted share, linearized variance, logit interval",
        se=row.se,
        interval=(row.low, row.high),
        level=level,
        n=int(row.n),
        status=marks.status_of(row),
    )


LOCAL_NOTE = "Local agencies are municipal police and sheriffs' offices; state agencies are in no population class."


ALIKE_NOTE = "No interval: all respondents of the group answered alike, which leaves no variance to estimate."


def shown(found: pd.DataFrame, limits: dict) -> pd.DataFrame:
    """Rows of ``shares`` that are reliable enough to be shown (``tables.reliability``)."""
    states = [tables.reliability(row.share, row.se, row.n, limits) for row in found.itertuples()]
    return found[[state != "hidden" for state in states]].reset_index(drop=True)


def communities(label: str) -> str:
    """'communities under 2,500' or 'communities of 2,500 to 9,999', of a population class."""
    label = label.lower()
    return f"communities {label}" if label.startswith("under") else f"communities of {label}"
