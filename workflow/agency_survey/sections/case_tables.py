"""Tables, figures' data, numbers and words on ``cases.estimates``: a row a measure, a column a group."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import pandas as pd

from agency_survey import estimate, figures, ledger, marks, tables
from agency_survey.figures import Figure
from agency_survey.ledger import level_text, slug
from agency_survey.sections import builders, cases
from agency_survey.tables import Table
from agency_survey.wording import joined

DIFFERENCE = "Sex less labor"
IN_WORDS = dict(
    enumerate(
        ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
)
HOLM_NOTE = "p: adjusted for all tests of the table [Holm's method, @holm1979], the intervals are not."
CLUSTER_NOTE = "Errors allow for cases of one agency being alike."
RAO_SCOTT_NOTE = "test of independence with Rao and Scott's second-order correction [@raoscott1984]"


def explained(limits: dict) -> dict[str, str]:
    """``marks.explained`` where agencies are counted."""
    return marks.explained(limits, "agencies")


# -- cells and tables --------------------------------------------------------------------------------------------------


def cell(row, limits: dict) -> str:
    """'43.7 (41.8-45.6)' of a row of ``masked`` estimates: a share in percent, another ratio as it is."""
    if row.percent:
        return tables.percent_cell(row.value, row.se, row.low, row.high, row.agencies, limits, marks.status_of(row))
    judged = {"value": row.value, "se": row.se, "low": row.low, "high": row.high, "n": row.agencies}
    return builders.value_cell(pd.Series(judged | {"status": marks.status_of(row)}), limits)


def plain_cell(row) -> str:
    """'43.7' of an estimate without errors: a share in percent, another ratio as it is."""
    if not math.isfinite(row.value):
        return marks.of(marks.status_of(row))
    return f"{100 * row.value if row.percent else row.value:,.1f}"


def count_cell(row) -> str:
    """'568 (281)': cases and, where these are fewer, their agencies."""
    return f"{row.n:,}" if row.n == row.agencies else f"{row.n:,} ({row.agencies:,})"


def difference_cell(row) -> str:
    """'+12.3 (4.1-20.5)' of a row of ``contrasts``: of shares in percentage points."""
    if not math.isfinite(row.value):
        return marks.of(marks.status_of(row))
    scale = 100 if row.percent else 1
    value, low, high = (f"{scale * v:+.1f}".replace("-", ledger.MINUS) for v in (row.value, row.low, row.high))
    return f"{value} ({low}{tables.TO}{high})"


def _p_cell(row) -> str:
    """The p-value of a contrast, or the mark of one that is not shown."""
    return builders.p_text(row.p_adjusted) if math.isfinite(row.value) else marks.of(marks.status_of(row))


def measures_table(
    ident: str,
    caption: str,
    found: pd.DataFrame,
    columns: dict[str, str],
    limits: dict,
    source: str,
    notes: str,
    widths: tuple[int, ...],
    *,
    first: str,
    counted: str | None,
    compared: pd.DataFrame | None = None,
    p: dict[str, float] | None = None,
    foot: Iterable[str] = (),
    bold: Iterable[str] = (),
    plain: Iterable[str] = (),
) -> Table:
    """A row a measure and a column a domain (domain -> heading) of ``masked`` estimates.

    first : heading of the measures; counted : domain whose count stands in column n, None for none; compared :
    ``contrasts`` of the measures, as two more columns; p : adjusted p-value by measure, as one more; foot : lines
    below, each 'words: value', in the last column; bold : measures set off; plain : domains whose values are printed
    without errors.
    """
    data = found[found["domain"].isin(list(columns))].reset_index(drop=True)
    differences = {} if compared is None else {row.measure: row for row in compared.itertuples()}
    shown = []
    for measure, part in data.groupby("measure", sort=False):
        at = {row.domain: row for row in part.itertuples()}
        line = {first: f"**{measure}**" if measure in bold else measure}
        if counted:
            line["n"] = count_cell(at[counted])
        line |= {
            heading: plain_cell(at[domain]) if domain in plain else cell(at[domain], limits)
            for domain, heading in columns.items()
        }
        if compared is not None:
            line |= {DIFFERENCE: difference_cell(differences[measure])}
            line |= {"p": _p_cell(differences[measure])}
        elif p is not None:
            line |= {"p": builders.p_text(p[measure]) if measure in p else ""}
        shown.append(line)
    for words, value in (line.split(": ", 1) for line in foot):
        shown.append(
            {first: f"*{words}*"} | dict.fromkeys(list(shown[0])[1:-1], "") | {list(shown[0])[-1]: f"*{value}*"}
        )
    if compared is not None:
        named = {name: f"difference_{name}" for name in [*cases.LIMITS, "status"]}
        extra = compared.drop(columns="percent").rename(columns=named)
        data = data.merge(extra, on="measure", how="left")
    return Table(ident, caption, pd.DataFrame(shown), data, source, notes, widths=widths, marks=explained(limits))


def on_axis(found: pd.DataFrame, measures: list[str], labels: dict[str, str] | None = None) -> pd.DataFrame:
    """Shares for ``builders.dots_figure`` with the measures on the vertical axis and the domain as ``group``."""
    data = cases.shares(found[found["measure"].isin(measures)]).dropna(subset="share")
    data = data.assign(group=data["domain"], domain=data["measure"].replace(labels or {}))
    return data.reset_index(drop=True)


def or_nothing(data: pd.DataFrame, ident: str, caption: str, source: str, make: Callable[[], Figure]) -> Figure:
    """The figure that ``make`` builds, or one that says why there is none where no estimate may be shown."""
    if data.empty:
        return figures.unavailable(ident, caption, "The estimates are too uncertain to be shown.", source)
    return make()


def dots(
    ident: str, caption: str, data: pd.DataFrame, panels: dict, source: str, notes: str, *, order: list[str], **look
) -> Figure:
    """``builders.dots_figure`` of data ``on_axis``, or a picture that says why there is none."""
    names = [name for name in order if name in set(data["domain"])]
    return or_nothing(
        data,
        ident,
        caption,
        source,
        lambda: builders.dots_figure(ident, caption, data, panels, source, notes, column="group", order=names, **look),
    )


def right_end(data: pd.DataFrame) -> float:
    """Right end of an axis in percent that holds all shares and their intervals: a multiple of 20."""
    most = data[["share", "high"]].max().max()
    return min(100.0, 20.0 * math.ceil(5 * most)) if math.isfinite(most) else 100.0


def range_of(counts: pd.Series) -> str:
    """'312 to 335' of the smallest and the largest count, or the one that there is."""
    if counts.empty:
        return "0"
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


# -- numbers -----------------------------------------------------------------------------------------------------------


def add(
    numbers: ledger.Numbers, prefix: str, found: pd.DataFrame, keys: dict[str, str], level: float, unit: str
) -> None:
    """Record ``masked`` estimates as '<prefix>.<key>.<domain>'; the key is made of the measure where none is given."""
    for row in found.itertuples():
        numbers.add(
            f"{prefix}.{keys.get(row.measure) or slug(row.measure)}.{slug(row.domain)}",
            row.value,
            format="percent1" if row.percent else "number1",
            label=row.measure,
            unit=unit,
            domain=row.domain,
            estimator="weighted ratio, linearized variance" + (", logit interval" if row.percent else ""),
            se=row.se,
            interval=(row.low, row.high),
            level=level,
            n=int(row.n),
            status=marks.status_of(row),
        )


def add_contrasts(
    numbers: ledger.Numbers, prefix: str, compared: pd.DataFrame, keys: dict[str, str], level: float, domain: str
) -> None:
    """Record ``contrasts`` as '<prefix>.<key>.difference' and their adjusted p-values as '....difference.p'."""
    for row in compared.itertuples():
        ident = f"{prefix}.{keys.get(row.measure) or slug(row.measure)}.difference"
        common = {"unit": "difference", "domain": domain}
        numbers.add(
            ident,
            row.value,
            format="points1" if row.percent else "number1",
            label=f"{row.measure}: {DIFFERENCE.lower()}",
            estimator="contrast of domain ratios, linearized variance",
            se=row.se,
            interval=(row.low, row.high),
            level=level,
            status=marks.status_of(row),
            **common,
        )
        add_p(numbers, f"{ident}.p", row.p_adjusted, row.measure, domain, "t test, Holm's adjustment")


def add_comparison(numbers: ledger.Numbers, ident: str, found, label: str, domain: str, level: float) -> None:
    """Record a difference of shares (``hypotheses.Comparison``) and its p-value."""
    numbers.add(
        ident,
        found.value,
        format="points1",
        label=label,
        unit="difference of shares",
        domain=domain,
        estimator="contrast, linearized variance",
        se=found.se,
        interval=(found.low, found.high),
        level=level,
    )
    add_p(numbers, f"{ident}.p", found.test.p, label, domain, "t test")


def add_p(numbers: ledger.Numbers, ident: str, p: float, label: str, domain: str, estimator: str) -> None:
    """Record a p-value."""
    numbers.add(ident, p, format="p", label=f"p-value: {label}", unit="p-value", domain=domain, estimator=estimator)


# -- words -------------------------------------------------------------------------------------------------------------


def row_of(found: pd.DataFrame, measure: str, domain: str) -> pd.Series:
    """The one row of ``estimates`` that is asked for."""
    return found[(found["measure"] == measure) & (found["domain"] == domain)].iloc[0]


def how_many(row, whole: str = "") -> str:
    """'Most', 'Fewer than half of the' or 'About half of the', by where the interval lies about one half."""
    if row["low"] > 0.5:
        return "Most"
    return "Fewer than half of the" if row["high"] < 0.5 else "About half of the"


def most_often(found: cases.Leader, of: str = "") -> str:
    """'“x” has the largest share', with those not shown to be less; of : what the share is of, as in ' of y'."""
    said = f"“{found.name}” has the largest share{of}"
    if not found.ties:
        return said
    if len(found.ties) > 2:
        return f"{said}, but {IN_WORDS[len(found.ties)]} others are not shown to be less frequent"
    ties = joined([f"“{name}”" for name in found.ties])
    return f"{said}, though {ties} {'is' if len(found.ties) == 1 else 'are'} not shown to be less frequent"


def test_words(test: estimate.Test) -> str:
    """How a Rao-Scott test ends: 'differ', 'are not shown to differ'."""
    return "differ" if test.p < builders.ALPHA else "are not shown to differ"


def compared_words(row, more: str, fewer: str, same: str) -> str:
    """One of three phrases by the sign and the adjusted p-value of a contrast."""
    if not row["p_adjusted"] < builders.ALPHA:
        return same
    return more if row["value"] > 0 else fewer


def interval_note(level: float, kind: str = "logit intervals") -> str:
    """'Bars: 95% logit intervals.'"""
    return f"Bars: {level_text(level)} {kind}."
