"""Cells as the sections compute them: watched in one run, screened in the next.

The sections' estimators say of each number which records it counts. Inside ``recording`` these are kept; inside
``screening`` the numbers of protected cells are left out before anything is made from them, so that tables, figures,
data files, ledger and prose are without them. Outside of both nothing happens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from agency_survey import marks
from agency_survey.disclosure.rules import model_problems
from agency_survey.errors import InputError


@dataclass(frozen=True)
class Amount:
    """What a total or mean adds up: its variable's name, each record's own amount (n,), not negative, and each record's part
    of the estimated total (n,), its amount times the weight that the total gives it; whole : the variable that this one and
    others make up, if any."""

    variable: str
    own: np.ndarray
    part: np.ndarray
    whole: str | None = None

    @staticmethod
    def of(variable: str, own: np.ndarray, weight: np.ndarray) -> Amount:
        """Amount of records' own (n,) with a weight (n,) each; totals by other weights are other totals."""
        weighting = hashlib.blake2b(np.ascontiguousarray(weight, dtype=float).tobytes(), digest_size=6).hexdigest()
        return Amount(f"{variable}|{weighting}", own, own * weight)


@dataclass(frozen=True)
class Derived:
    """A number that two or more others go into (a difference, a test, a ratio): what it is, the numbers that it prints, and
    the keys of the others."""

    what: str
    numbers: tuple[float, ...]
    sides: tuple[str, ...]


@dataclass(frozen=True)
class Link:
    """Sets of records that are told apart of one thing: its name, and of each the base (bool (n,)) and what it counts."""

    name: str
    sides: tuple[tuple[np.ndarray, np.ndarray], ...]


@dataclass(frozen=True)
class Row:
    """One number: labels, its base (bool (n,)), the units of the base that it counts (None for a mean or quantile), the
    value, its standard error and limits, the agency of each record where one has several, its group (call), the share of
    the base on the near side of a quantile, what a total or mean adds up, and where its base is known to all (mailed
    surveys, by what the frame says of the agency) a name of what is counted."""

    breakdown: str
    domain: str
    measure: str
    base: np.ndarray
    counted: np.ndarray | None
    value: float
    se: float
    limits: tuple[float, float]
    percent: bool
    agency: np.ndarray | None
    group: int
    tail: float | None = None
    amount: Amount | None = None
    design: str | None = None

    @property
    def key(self) -> str:
        """Digest that names the number by the records that it counts."""
        return cell_key(self.base, self.counted, self.measure)


@dataclass
class _Watch:
    rows: list[Row] = field(default_factory=list)
    derived: list[Derived] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    protected: frozenset[str] = frozenset()
    bases: dict[str, int] = field(default_factory=dict)
    keep: bool = False
    groups: int = 0
    models: list[tuple[list[str], np.ndarray]] = field(default_factory=list)
    model_rules: dict | None = None
    checked: set = field(default_factory=set)


_WATCH: ContextVar[_Watch | None] = ContextVar("watch", default=None)


def set_key(units: np.ndarray) -> str:
    """Digest of a set of records of one population (bool (n,))."""
    return hashlib.blake2b(np.packbits(units).tobytes() + str(len(units)).encode(), digest_size=12).hexdigest()


def cell_key(base: np.ndarray, counted: np.ndarray | None, measure: str) -> str:
    """Digest of a number: of its base and counted records; of its measure too where nothing or no set is counted."""
    own = measure if counted is None or not counted.any() else set_key(counted)
    return hashlib.blake2b(f"{set_key(base)}|{own}|{counted is None}".encode(), digest_size=12).hexdigest()


@contextmanager
def recording(derived: list[Derived] | None = None, links: list[Link] | None = None) -> Iterator[list[Row]]:
    """Keep every number that estimators give while the context lasts; derived, links : take what follows from others, and
    what is known to be the same thing."""
    watch = _Watch(keep=True, derived=[] if derived is None else derived, links=[] if links is None else links)
    token = _WATCH.set(watch)
    try:
        yield watch.rows
    finally:
        _WATCH.reset(token)


def link(name: str, sides: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
    """Counts of one thing over bases that overlap, so that the outsider adds them up: (base, counted) of each, bool (n,).

    For sets that stand in several tables by different groups; matters while numbers are recorded.
    """
    watch = _WATCH.get()
    if watch is not None and watch.keep:
        watch.links.append(Link(name, tuple((base, counted & base) for base, counted in sides)))


def keys(sides: Iterable[tuple]) -> tuple[str, ...]:
    """Digests of numbers: (base, counted, measure) of each, as ``screened`` got them."""
    return tuple(
        cell_key(base, None if counted is None else np.asarray(counted, dtype=bool) & base, measure)
        for base, counted, measure in sides
    )


def gone(sides: Iterable[tuple]) -> list[bool]:
    """Which numbers are left out, by (base, counted, measure); none outside of ``screening``."""
    watch = _WATCH.get()
    return [watch is not None and key in watch.protected for key in keys(sides)]


def follows(what: str, numbers: Iterable[float], sides: Iterable[tuple]) -> None:
    """Record that numbers follow from others, so that they stand nowhere if one of these is left out; as ``left_out``."""
    watch = _WATCH.get()
    if watch is not None and watch.keep:
        watch.derived.append(Derived(what, tuple(map(float, numbers)), keys(sides)))


def left_out(what: str, numbers: Iterable[float], sides: Iterable[tuple]) -> bool:
    """Whether a number that follows from others must go, as one of these is left out.

    what : names it in the audit; numbers : what it would print; sides : (base, counted, measure) of the others, as
    ``screened`` got them. Outside of a context nothing goes.
    """
    sides = list(sides)
    follows(what, numbers, sides)
    return any(gone(sides))


def require_kept(what: str, numbers: Iterable[float], sides: Iterable[tuple]) -> None:
    """Refuse a number that a finding needs and that follows from one that is left out; arguments as ``left_out``.

    Raises InputError while numbers are screened.
    """
    if left_out(what, numbers, sides):
        raise InputError(
            f"{what} would give away a number that is left out to protect single agencies",
            "config/disclosure.yaml",
            "Merge the groups that it compares, or take it out of the section",
        )


@contextmanager
def screening(protected: dict) -> Iterator[None]:
    """Leave out protected numbers while the context lasts.

    protected : content of ``results/disclosure/<section>.json``: ``cells`` [{key, ...}], ``bases`` [{key, n, ...}], ``models``
    (arguments of ``rules.model_problems``, or None for no rule).
    """
    keys = frozenset(cell["key"] for cell in protected["cells"])
    bases = {base["key"]: base["n"] for base in protected["bases"]}
    token = _WATCH.set(_Watch(protected=keys, bases=bases, model_rules=protected["models"]))
    try:
        yield
    finally:
        _WATCH.reset(token)


def counts(
    found: pd.DataFrame,
    base: list[np.ndarray],
    counted: list[np.ndarray],
    of: str = "surveys",
) -> np.ndarray:
    """Counts (k,) of records as they may go on, missing where they may not; found : breakdown, domain, measure of each.

    base, counted : bool (n,) of each row, the base known to all; for counts that are printed as such, without a share. of :
    what is counted, so that measures of one name are the same thing.
    """
    told = [np.asarray(units, dtype=bool) & inside for units, inside in zip(counted, base, strict=True)]
    given = {"value": [float(units.sum()) for units in told], "n": [int(inside.sum()) for inside in base]}
    line = found.assign(**given, se=0.0, low=np.nan, high=np.nan, percent=True)
    return screened(line, base, told, design=of)["value"].to_numpy(dtype=float)


def modelled(names: list[str], matrix: np.ndarray) -> None:
    """A model is fitted to these rows: columns by name, matrix (rows, columns).

    While numbers are screened, one whose coefficients may not be published is refused (InputError).
    """
    watch = _WATCH.get()
    if watch is None:
        return
    if watch.keep:
        watch.models.append((list(names), matrix))
    elif watch.model_rules and (*names, matrix.shape) not in watch.checked:
        watch.checked.add((*names, matrix.shape))
        problems = model_problems(matrix, names, **watch.model_rules)
        if problems:
            raise InputError(
                f"The model may not be published: {problems[0]}",
                "config/disclosure.yaml, models",
                "Merge or drop that term",
            )


@contextmanager
def recording_models() -> Iterator[list[tuple[list[str], np.ndarray]]]:
    """Keep the rows and columns of every model that is fitted while the context lasts."""
    watch = _Watch(keep=True)
    token = _WATCH.set(watch)
    try:
        yield watch.models
    finally:
        _WATCH.reset(token)


def screened(
    found: pd.DataFrame,
    base: list[np.ndarray],
    counted: list[np.ndarray | None],
    agency: pd.Series | None = None,
    tail: list[float | None] | None = None,
    amount: list[Amount | None] | None = None,
    design: str | None = None,
) -> pd.DataFrame:
    """Rows as they may go on: breakdown, domain, measure, value or share, se, low, high, n (and agencies, df, percent).

    base : bool (n,) of each row; counted : bool (n,) of each row, None for what is no share of units; agency : (n,)
    identifiers where records are cases; tail : of each row the share of its base on the near side of a quantile; amount :
    of each row what a total or mean adds up; design : where the bases are known
    to all, a name of what is counted, so that measures of one name are the same thing. Adds ``status``: 'withheld' or 'shown'.
    """
    watch = _WATCH.get()
    found, estimate = found.assign(status=marks.SHOWN), "share" if "share" in found else "value"
    if watch is None:
        return found
    watch.groups += 1
    none = [None] * len(found)
    more = zip(tail or none, amount or none, strict=True)
    rows = zip(found.index, found.to_dict("records"), base, counted, more, strict=True)
    for label, row, inside, told, (side, adds) in rows:
        told = None if told is None else np.asarray(told, dtype=bool) & inside
        if watch.keep:
            labels, limits = (row["breakdown"], row["domain"], row["measure"]), (row["low"], row["high"])
            units = None if agency is None else agency.to_numpy()
            share = row.get("percent", estimate == "share")
            number = (row[estimate], row["se"], limits, share, units, watch.groups)
            watch.rows.append(Row(*labels, inside, told, *number, side, adds, design))
            continue
        if cell_key(inside, told, row["measure"]) in watch.protected:
            found.loc[label, [estimate, "se", "low", "high"]] = np.nan
            found.loc[label, "status"] = marks.WITHHELD
        coarse = watch.bases.get(set_key(inside))
        if coarse is not None:
            for name in ("n", "agencies", "df"):
                if name in found:
                    found.loc[label, name] = min(coarse, int(row[name])) if name == "df" else coarse
    return found
