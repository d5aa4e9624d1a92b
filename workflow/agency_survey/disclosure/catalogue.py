"""The linked system behind the numbers that sections compute: sets of records as cells, set algebra as equations.

A cell is a set of records: the base of a number, or those of the base that it counts. Numbers of any table that count
the same records are one cell, and what holds between the sets (answers that make up a question, groups that make up a
breakdown, what is left over) gives the equations. The outsider of this system is well informed: a published share tells
its count exactly, as if weights were known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from agency_survey.disclosure.rules import Rules
from agency_survey.disclosure.suppress import Pattern
from agency_survey.disclosure.system import Builder, System
from agency_survey.disclosure.watch import Link, Row, set_key
from agency_survey.errors import InputError

ALL = "All agencies"  # the breakdown of what all others are parts of
COARSE = 10  # a protected number of respondents is rounded to this
BASE_COST = 25.0
WHOLE_COST = 5.0
SPARED_COST = 100.0
VAGUE_COST = 0.01  # of a number that is too uncertain to be shown: it has another mark, no more is lost
SPARED = "config/disclosure.yaml, spared"


@dataclass(frozen=True)
class Printed:
    """A number of a section: its labels and key, the cell that it counts and the cell of its base (None: no share of
    units), whether it may be shown for its precision, the value, error and limits that it would print, the cell of the total
    that it tells (None: of no total), and whether too few units are beyond it (a quantile)."""

    section: str
    breakdown: str
    domain: str
    measure: str
    key: str
    cell: str | None
    base: str
    shown: bool
    n: int
    value: float
    se: float
    limits: tuple[float, float]
    total: str | None = None
    extreme: bool = False


@dataclass(frozen=True)
class Follows:
    """A number that follows from others: its section, name, the numbers that it prints, and the keys of the others."""

    section: str
    what: str
    numbers: tuple[float, ...]
    sides: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """The linked system of counts, the numbers that tell its cells, and those that follow from these.

    base : bool (m,) cells that are bases (printed as n); totals : the linked system of totals, whose cells are not whole.
    """

    system: System
    printed: list[Printed]
    base: np.ndarray
    totals: System
    follows: list[Follows]


@dataclass(frozen=True)
class _Keys:
    """Cells of a number: its base, what it counts, and the others of the base."""

    base: str
    cell: str
    rest: str


class _Sets:
    """Keys of the sets of records that numbers tell of."""

    def __init__(self, made: Builder, rules: Rules):
        self.made, self.rules, self.keys = made, rules, {}

    def name(self, rows: list[Row]) -> None:
        """Give the cells of one group of numbers their keys.

        A set has one key in all tables. The empty set and the whole of a base are told apart by what they are, for being
        empty alike is no link; so are, where an answer was given by nobody, answers and remainders that coincide for it.
        """
        empty = {set_key(row.base) for row in rows if row.counted is not None and not row.counted.any()}
        taken: dict[tuple[str, str], str] = {}
        for row in rows:
            label = f"{row.breakdown} {row.domain}"
            base = self.key(row.base, f"base {label}")
            if row.counted is None:
                self.keys[id(row)] = _Keys(base, "", "")
                continue
            label = f"{base} {row.measure}" + (f" {row.design}" if row.design else "")
            cell = self.key(row.counted, label, row.base)
            if taken.setdefault((base, cell), row.measure) != row.measure:
                cell = _digest(label)
            away = set_key(row.base) in empty
            rest = _digest(f"{label} not") if away else self.key(row.base & ~row.counted, f"{label} not", row.base)
            self.keys[id(row)] = _Keys(base, cell, rest)

    def key(self, units: np.ndarray, label: str, base: np.ndarray | None = None) -> str:
        """Key of a set; label names it where it is empty or the whole of the base."""
        if units.any() and not (base is not None and np.array_equal(units, base)):
            return set_key(units)
        return _digest(f"{label}|{units.any()}|{len(units)}")

    def of(self, row: Row, what: str) -> str:
        """Key of the 'base' of a number, or of what it 'counted'."""
        return self.keys[id(row)].base if what == "base" else self.keys[id(row)].cell


def _digest(label: str) -> str:
    return hashlib.blake2b(label.encode(), digest_size=12).hexdigest()


def catalogue(
    sections: dict[str, Iterable[tuple[Row, bool]]],
    rules: Rules,
    follows: Iterable[Follows] = (),
    links: Iterable[Link] = (),
) -> Catalogue:
    """The linked system of the numbers of all sections.

    sections : section -> (row, whether its precision allows to show it). Rows of all sections that count agencies have
    these in the same order; those that count cases, too. follows : numbers that follow from these; links : counts of one
    thing over bases that overlap.

    The dash of a number that is too uncertain to be shown tells that it is not at risk, and how uncertain it is. So the
    outsider is taken to know it exactly, unless it is withheld to protect others and marked so.
    """
    made = Builder()
    sets = _Sets(made, rules)
    printed, bases = [], set()
    groups: dict[tuple[str, int], list[tuple[Row, bool]]] = {}
    for section, rows in sections.items():
        for row, shown in rows:
            groups.setdefault((section, row.group), []).append((row, shown))
    for (section, _), rows in groups.items():
        sets.name([row for row, _ in rows])
        for row, shown in rows:
            base = _base(sets, row)
            bases.add(base)
            cell = None if row.counted is None else _counted(sets, row, shown)
            printed.append(
                Printed(
                    section, row.breakdown, row.domain, row.measure, row.key, cell, base, shown,
                    int(row.base.sum()), row.value, row.se, row.limits, _total(row),
                    shown and rules.quantile_at_risk(row.tail, _units(row.base, row.agency)),
                )
            )  # fmt: skip
        _answers(sets, [row for row, _ in rows])
        if rows[0][0].design is None:
            _groups(sets, [row for row, _ in rows])
    known = [row for rows in groups.values() for row, _ in rows if row.design is not None]
    for of, measure in dict.fromkeys((row.design, row.measure) for row in known):
        told = [row for row in known if (row.design, row.measure) == (of, measure)]
        told = {(sets.of(row, "counted"), sets.of(row, "base")): row for row in told}
        _pieces(sets, f"{of}|{measure}", [(key, row.base, row.counted) for (key, _), row in told.items()])
    named = {
        (set_key(row.base), set_key(row.counted)): sets.of(row, "counted")
        for rows in groups.values()
        for row, _ in rows
        if row.counted is not None
    }
    for one in links:
        told = {}
        for k, (base, counted) in enumerate(one.sides):
            key = named.get((set_key(base), set_key(counted))) or sets.key(counted, f"{one.name} {k}", base)
            told[key] = (key, base, counted)
            _unseen(sets, key, counted)
        _pieces(sets, one.name, list(told.values()))
    system = made.system()
    base = np.array([key in bases for key in system.keys], dtype=bool)
    return Catalogue(system, printed, base, _totals(sections, rules), list(follows))


def require_spared(sections: dict[str, list[tuple[Row, bool]]], rules: Rules) -> None:
    """Refuse a rule that spares a number which no section computes."""
    known = {(row.breakdown, row.domain, row.measure) for rows in sections.values() for row, _ in rows}
    for lost in sorted(rules.spared - known):
        raise InputError(f"No section has the number '{', '.join(lost)}'", SPARED, "Name it as its table does")


def _total(row: Row) -> str | None:
    """Key of the total that a row tells: of its variable, over those of its base who have any of it."""
    if row.amount is None or not (row.amount.part[row.base] > 0).any():
        return None
    return _digest(f"total|{row.amount.variable}|{set_key(row.base & (row.amount.part > 0))}")


def _totals(sections: dict[str, Iterable[tuple[Row, bool]]], rules: Rules) -> System:
    """The linked system of totals: of each variable, every total is the sum of the pieces into which all of them cut the
    records, so that no sum or difference of any of them is missed; a variable whose parts are published is their sum.
    """
    made, cells = Builder(integral=False), {}
    domains: dict[tuple, dict[str, Row]] = {}
    for section, rows in sections.items():
        for row, shown in rows:
            key = _total(row)
            if key is None:
                continue
            own, size = _contributions(row), float(row.amount.part[row.base].sum())
            need = rules.total_need(own, size)
            if rules.count_at_risk(_units(row.base & (row.amount.part > 0), row.agency)):
                need = max(need, size)  # so few that each of them can tell the others' from it
            weight = WHOLE_COST if row.breakdown == ALL else 1.0
            made.cell(
                key, float(f"{size:.12g}"), need=need,
                cost=weight * (1 + np.sqrt(row.base.sum())) if shown else VAGUE_COST,
            )  # fmt: skip
            cells.setdefault(row.amount.variable, {})[key] = row
            domains.setdefault((section, row.breakdown, row.domain), {})[row.amount.variable] = row
    for variable, found in cells.items():
        keys, rows = list(found), list(found.values())
        inside = np.column_stack([row.base & (row.amount.part > 0) for row in rows])
        kinds, piece = np.unique(inside, axis=0, return_inverse=True)
        sizes = np.zeros(len(kinds))
        for k, row in enumerate(rows):
            for at in np.flatnonzero(kinds[:, k]):
                sizes[at] = row.amount.part[piece.ravel() == at].sum()
        for at in np.flatnonzero(kinds.any(axis=1)):
            made.cell(f"piece|{variable}|{at}", sizes[at], cost=0.0, gone=True)
        for k, key in enumerate(keys):
            made.total(key, [f"piece|{variable}|{at}" for at in np.flatnonzero(kinds[:, k])])
    for found in domains.values():
        for variable, whole in found.items():
            parts = [row for row in found.values() if row.amount.whole == variable]
            keys = [_total(row) for row in parts]
            if len(parts) > 1 and _total(whole) not in keys:
                terms = {_total(whole): 1.0} | dict.fromkeys(keys, -1.0)
                made.equation(terms, made.cells[_total(whole)][0] - sum(made.cells[key][0] for key in keys))
    return made.system()


def _contributions(row: Row) -> np.ndarray:
    """What each agency of the base adds to a total; of cases, all that one agency has."""
    own = row.amount.own[row.base]
    if row.agency is None:
        return own
    _, agency = np.unique(row.agency[row.base].astype(str), return_inverse=True)
    return np.bincount(agency, own)


def _units(units: np.ndarray, agency: np.ndarray | None) -> int:
    """Agencies in a set of records."""
    return int(units.sum()) if agency is None else len(np.unique(agency[units].astype(str)))


def _base(sets: _Sets, row: Row) -> str:
    key, size = sets.of(row, "base"), int(row.base.sum())
    need = sets.rules.protection if sets.rules.count_at_risk(_units(row.base, row.agency)) else 0
    need, cost = (0, np.inf) if row.design is not None else (need, BASE_COST * (1 + size))
    sets.made.cell(key, size, high=len(row.base), need=need, cost=cost)
    return key


def _counted(sets: _Sets, row: Row, shown: bool) -> str:
    others, keys = row.base & ~row.counted, sets.keys[id(row)]
    size, count = int(row.base.sum()), int(row.counted.sum())
    units = (_units(row.counted, row.agency), _units(others, row.agency))
    risk = size > 0 and sets.rules.share_at_risk(*units, count, size)
    need = min(sets.rules.protection, size) if risk else 0
    spared = (row.breakdown, row.domain, row.measure) in sets.rules.spared
    weight = SPARED_COST if spared else WHOLE_COST if row.breakdown == ALL else 1.0
    cost = weight * (1 + np.sqrt(size))
    sets.made.cell(keys.cell, count, high=len(row.base), need=need, cost=cost if shown else VAGUE_COST)
    sets.made.cell(keys.rest, size - count, high=len(row.base), cost=0.0, gone=True)
    sets.made.total(keys.base, [keys.cell, keys.rest])
    return keys.cell


def _answers(sets: _Sets, rows: list[Row]) -> None:
    """Equations between the answers of one group of numbers: those that make up the base, or another answer.

    What makes up what is seen on the largest base, and holds in every domain, also where an answer was given by nobody.
    """
    domains: dict[tuple, dict[str, Row]] = {}
    for row in rows:
        if row.counted is not None:
            domains.setdefault((row.breakdown, row.domain, set_key(row.base)), {})[row.measure] = row
    largest: dict[tuple, dict[str, Row]] = {}
    for found in domains.values():
        known = largest.get(tuple(found))
        if known is None or _size(found) > _size(known):
            largest[tuple(found)] = found
    for names, found in largest.items():
        for whole, parts in _families(list(found.values())):
            for other in (other for other in domains.values() if tuple(other) == names):
                first = next(iter(other.values()))
                key = sets.of(first, "base") if whole is None else sets.of(other[whole], "counted")
                keys = [sets.of(other[name], "counted") for name in parts]
                if len(set(keys)) == len(keys) and key not in keys:
                    sets.made.total(key, keys)


def _size(found: dict[str, Row]) -> int:
    return int(next(iter(found.values())).base.sum())


def _families(rows: list[Row]) -> list[tuple[str | None, list[str]]]:
    """(answer, or None for the base; answers that are disjoint and make it up), of rows with one base."""
    wholes = [(None, rows[0].base), *((row.measure, row.counted) for row in rows)]
    found = []
    for name, whole in wholes:
        inside = [row for row in rows if row.counted.any() and not (row.counted & ~whole).any()]
        inside = [row for row in inside if row.measure != name and row.counted.sum() < whole.sum()]
        parts, left = [], whole.copy()
        for row in sorted(inside, key=lambda row: int(row.counted.sum())):
            if not (row.counted & ~left).any():
                parts.append(row.measure)
                left &= ~row.counted
        if len(parts) > 1 and not left.any():
            found.append((name, parts))
    return found


def _groups(sets: _Sets, rows: list[Row]) -> None:
    """Equations between the domains of each breakdown and the domains that hold them, for bases and for each answer."""
    measures = dict.fromkeys(row.measure for row in rows)
    for measure in measures:
        told = [row for row in rows if row.measure == measure]
        for what in ("base", "counted"):
            if any(getattr(row, what) is None for row in told):
                continue
            known = [(row, getattr(row, what), row.base) for row in told]
            kinds = dict.fromkeys(row.breakdown for row in told)
            for whole, units, of in known:
                for kind in kinds if whole.breakdown == ALL else [whole.breakdown]:
                    below = [
                        (row, part, base)
                        for row, part, base in known
                        if row.breakdown == kind
                        and row is not whole
                        and not (base & ~of).any()
                        and base.sum() < of.sum()
                    ]
                    _family(sets, whole, units, of, below, what)


def _pieces(sets: _Sets, name: str, told: list[tuple[str, np.ndarray, np.ndarray]]) -> None:
    """Equations of counts of one thing: each is the sum of the pieces into which all bases together cut the records.

    told : key, base and counted records (bool (n,)) of each. The outsider knows how many records each piece has.
    """
    if not told:
        return
    kinds, piece = np.unique(np.column_stack([base for _, base, _ in told]), axis=0, return_inverse=True)
    everywhere = np.any([counted for *_, counted in told], axis=0)
    keys = [_digest(f"piece|{name}|{at}") for at in range(len(kinds))]
    for at, key in enumerate(keys):
        inside = piece.ravel() == at
        sets.made.cell(key, int((inside & everywhere).sum()), high=int(inside.sum()), cost=0.0, gone=True)
    for k, (key, *_) in enumerate(told):
        sets.made.total(key, [keys[at] for at in np.flatnonzero(kinds[:, k])])


def _family(sets: _Sets, whole: Row, units: np.ndarray, of: np.ndarray, below: list, what: str) -> None:
    """A whole, disjoint domains inside it, and the rest of it."""
    parts, left = [], of.copy()
    for row, part, base in sorted(below, key=lambda item: -int(item[2].sum())):
        if base.any() and not (base & ~left).any():
            parts.append((row, part))
            left &= ~base
    if not parts:
        return
    rest = units & left
    keys = [sets.of(row, what) for row, _ in parts]
    if left.any():
        label = f"rest of {sets.of(whole, what)} {parts[0][0].breakdown}"
        key = sets.key(rest, label, left if what == "counted" else None)
        _unseen(sets, key, rest)
        keys.append(key)
        if what == "counted":
            around, others = sets.key(left, f"{label} base"), sets.key(left & ~rest, f"{label} not", left)
            _unseen(sets, around, left)
            _unseen(sets, others, left & ~rest)
            sets.made.total(around, [key, others])
    target = sets.of(whole, what)
    if len(set(keys)) == len(keys) and target not in keys:
        sets.made.total(target, keys)


def _unseen(sets: _Sets, key: str, units: np.ndarray) -> None:
    """A cell that no table prints; where another table does, it stays printed."""
    sets.made.cell(key, int(units.sum()), high=len(units), cost=0.0, gone=True)


def protected(
    found: Catalogue, pattern: Pattern, rules: Rules, sections: Iterable[str] = (), totals: Pattern | None = None
) -> dict[str, dict]:
    """section -> {'cells': numbers to leave out, 'bases': numbers of respondents to round, each with labels and reason;
    'models': rules for these; 'minimum_count': least number of agencies in a cell}; sections : further ones, which have models alone; totals : the pattern of the totals."""
    where = {key: k for k, key in enumerate(found.totals.keys)}
    place = {key: k for k, key in enumerate(found.system.keys)}
    out: dict[str, dict] = {}
    for row in found.printed:
        kept = out.setdefault(row.section, {"cells": {}, "bases": {}})
        label = {"breakdown": row.breakdown, "domain": row.domain, "measure": row.measure}
        k = where.get(row.total)
        if totals is not None and k is not None and (totals.primary[k] or totals.complementary[k]):
            reason = {"reason": "primary" if totals.primary[k] else "complementary", "total": True}
            kept["cells"].setdefault(row.key, {"key": row.key, **label, **reason})
        if row.extreme:
            kept["cells"].setdefault(row.key, {"key": row.key, **label, "reason": "primary"})
        for what, key in (("cells", row.cell), ("bases", row.base)):
            k = None if key is None else place[key]
            if k is None or not pattern.hidden[k] or (found.system.gone[k] and not pattern.primary[k]):
                continue
            reason = {"reason": "primary" if pattern.primary[k] else "complementary"}
            if what == "cells":
                kept[what].setdefault(row.key, {"key": row.key, **label, **reason})
            else:
                rounded = (row.n + COARSE // 2) // COARSE * COARSE
                kept[what].setdefault(row.base, {"key": row.base, "n": rounded, **label, **reason})
    models = {"smallest_side": rules.model_side, "smallest_freedom": rules.model_freedom}
    out = {name: {"cells": {}, "bases": {}} for name in sections} | out
    every = {"models": models, "minimum_count": rules.minimum_count}
    return {name: {kind: list(kept[kind].values()) for kind in kept} | every for name, kept in out.items()}


def as_dict(found: Catalogue) -> dict:
    """Content of ``results/disclosure/cells.json``: confidential, for the audit alone."""
    return _of_system(found.system) | {
        "base": found.base.tolist(),
        "totals": _of_system(found.totals),
        "follows": [vars(one) | {"numbers": [_plain(number) for number in one.numbers]} for one in found.follows],
        "printed": [
            {name: _plain(value) for name, value in vars(row).items() if name != "limits"}
            | {"limits": [_plain(limit) for limit in row.limits]}
            for row in found.printed
        ],
    }


def _of_system(system: System) -> dict:
    entries = system.matrix.tocoo()
    cells = {name: getattr(system, name).tolist() for name in ("value", "low", "high", "need", "cost", "gone")}
    cells["cost"] = [_plain(cost) for cost in cells["cost"]]  # none where the cell must be published
    equations = {"row": entries.coords[0].tolist(), "cell": entries.coords[1].tolist(), "weight": entries.data.tolist()}
    return {"keys": list(system.keys), "cells": cells, "equations": equations | {"right": system.right.tolist()}}


def _plain(value):
    """JSON has no missing number."""
    return None if isinstance(value, float) and not np.isfinite(value) else value


def from_dict(data: dict) -> Catalogue:
    """The catalogue of ``as_dict``."""
    printed = []
    for row in data["printed"]:
        missing = {name: np.nan for name in ("value", "se") if row[name] is None}
        limits = tuple(np.nan if limit is None else limit for limit in row["limits"])
        printed.append(Printed(**row | missing | {"limits": limits}))
    follows = [
        Follows(
            one["section"], one["what"], tuple(np.nan if v is None else v for v in one["numbers"]), tuple(one["sides"])
        )
        for one in data["follows"]
    ]
    base = np.array(data["base"], dtype=bool)
    return Catalogue(_system(data, True), printed, base, _system(data["totals"], False), follows)


def _system(data: dict, integral: bool) -> System:
    cells = {name: np.array(values, dtype=bool if name == "gone" else float) for name, values in data["cells"].items()}
    cells["cost"] = np.where(np.isnan(cells["cost"]), np.inf, cells["cost"])
    equations, size = data["equations"], len(data["keys"])
    shape = (len(equations["right"]), size)
    matrix = sparse.csr_array((equations["weight"], (equations["row"], equations["cell"])), shape=shape)
    right = np.array(equations["right"], dtype=float)
    return System(data["keys"], **cells, matrix=matrix, right=right, integral=integral)
