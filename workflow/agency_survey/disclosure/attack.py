"""The attack: what an outsider derives of a cell that is not published, by linear programming over the linked system.

For each target the smallest and the largest value that agree with every equation, every published cell and every bound
(Fischetti and Salazar 2001). All targets are solved in one programme of independent blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse

from agency_survey.disclosure.system import NOISE, System
from agency_survey.errors import InputError


@dataclass(frozen=True)
class Intervals:
    """low, high : (t,) interval of each target; slopes : (2t, m) reduced costs, of the largest values and then the smallest
    (None where they were not asked for)."""

    low: np.ndarray
    high: np.ndarray
    slopes: np.ndarray | None = None

    @property
    def width(self) -> np.ndarray:
        """(t,) high less low."""
        return self.high - self.low


def bounds(system: System, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m,), (m,) bounds of every cell: its value where published, what an outsider knows otherwise."""
    return np.where(hidden, system.low, system.value), np.where(hidden, system.high, system.value)


def intervals(
    system: System, low: np.ndarray, high: np.ndarray, targets: np.ndarray, integral: bool = False, slopes: bool = False
) -> Intervals:
    """Interval of each target (positions (t,)) given bounds (m,) of all cells.

    low, high : equal for a cell published exactly, apart for one published rounded. integral : the outsider uses that
    counts are whole numbers (an integer programme; slower, and needed where the equations are no network). Intervals
    of counts are rounded inward. Raises InputError where no table agrees with the bounds.
    """
    targets = np.asarray(targets, dtype=int)
    if not len(targets):
        none = np.zeros(0)
        return Intervals(none, none, np.zeros((0, len(system))) if slopes else None)
    if integral:
        edge = np.array([[_whole(system, low, high, k, sign) for k in targets] for sign in (-1, 1)])
        return Intervals(edge[1], edge[0])
    count, size = 2 * len(targets), len(system)
    cost = np.zeros((count, size))
    cost[np.arange(len(targets)), targets] = -1.0
    cost[np.arange(len(targets), count), targets] = 1.0
    blocks = sparse.kron(sparse.eye_array(count), system.matrix, format="csr")
    found = optimize.linprog(
        cost.ravel(),
        A_eq=blocks if blocks.shape[0] else None,
        b_eq=np.tile(system.right, count) if blocks.shape[0] else None,
        bounds=np.column_stack([np.tile(low, count), np.tile(high, count)]),
        method="highs",
    )
    _require(found)
    spot = found.x.reshape(count, size)
    top = spot[np.arange(len(targets)), targets]
    bottom = spot[np.arange(len(targets), count), targets]
    reduced = (found.lower.marginals + found.upper.marginals).reshape(count, size) if slopes else None
    if system.integral and not slopes:
        top, bottom = np.floor(top + NOISE), np.ceil(bottom - NOISE)
    return Intervals(bottom, top, reduced)


def _whole(system: System, low, high, target: int, sign: int) -> float:
    """Largest (sign -1) or smallest (1) whole value of a cell."""
    cost = np.zeros(len(system))
    cost[target] = sign
    limits = optimize.Bounds(np.ceil(low - NOISE), np.floor(high + NOISE))
    rows = optimize.LinearConstraint(system.matrix, system.right, system.right) if system.matrix.shape[0] else ()
    found = optimize.milp(cost, integrality=np.ones(len(system)), bounds=limits, constraints=rows)
    _require(found)
    return float(np.round(found.x[target]))


def _require(found: optimize.OptimizeResult) -> None:
    if found.x is None:
        raise InputError(
            f"The attack found no table that agrees with what is published: {found.message}",
            fix="Check that margins and cells come from the same records",
        )


@dataclass(frozen=True)
class Finding:
    """A cell at risk, the interval that an outsider derives of it, and the width that it must have."""

    key: object
    value: float
    low: float
    high: float
    need: float

    @property
    def leak(self) -> str | None:
        """'exact' or 'near' where the interval is too narrow."""
        width = self.high - self.low
        return None if width >= self.need - NOISE else "exact" if width <= NOISE else "near"


def audit(system: System, hidden: np.ndarray, integral: bool = False) -> list[Finding]:
    """Attack every cell that needs protection; hidden : bool (m,) cells that are not published.

    The attack runs component by component over the whole system, with published cells as constants.
    """
    found = []
    for part in system.unknowns(hidden):
        targets = np.flatnonzero(part.need > 0)
        if len(targets):
            edge = intervals(part, part.low, part.high, targets, integral)
            found += [
                Finding(part.keys[k], float(part.value[k]), float(low), float(high), float(part.need[k]))
                for k, low, high in zip(targets, edge.low, edge.high, strict=True)
            ]
    shown = np.flatnonzero((system.need > 0) & ~hidden)
    found += [Finding(system.keys[k], *[float(system.value[k])] * 3, float(system.need[k])) for k in shown]
    return found
