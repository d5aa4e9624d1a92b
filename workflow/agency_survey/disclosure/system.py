"""A linked system of tables: cells as variables, margins and cells that tables share as linear equations.

Tables that share a cell use the same key for it, so one system holds them all. An outsider knows the equations, the
published cells, and bounds on the others.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from agency_survey.errors import InputError

NOISE = 1e-6  # what the solver's tolerances leave of an equation or an interval


@dataclass(frozen=True)
class System:
    """m cells and r equations ``matrix @ value = right``.

    keys : (m,); value : (m,) confidential values; low, high : (m,) what an outsider knows of a cell that is not published;
    need : (m,) width that an outsider's interval must have, 0 for a cell without risk; cost : (m,) information lost with
    the cell, infinite where it must be published; gone : bool (m,) not published for other reasons; matrix : (r, m);
    right : (r,); integral : the cells are counts.
    """

    keys: list[Hashable]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    need: np.ndarray
    cost: np.ndarray
    gone: np.ndarray
    matrix: sparse.csr_array
    right: np.ndarray
    integral: bool

    def __len__(self) -> int:
        return len(self.keys)

    def at(self, key: Hashable) -> int:
        """Position of a cell."""
        return self.keys.index(key)

    def part(self, cells: np.ndarray) -> System:
        """The cells (positions) and the equations among them; all cells of such an equation must be among ``cells``."""
        rows = np.unique(self.matrix[:, cells].nonzero()[0])
        pick = {name: getattr(self, name)[cells] for name in ("value", "low", "high", "need", "cost", "gone")}
        matrix = sparse.csr_array(self.matrix[rows][:, cells])
        return System(
            [self.keys[k] for k in cells], **pick, matrix=matrix, right=self.right[rows], integral=self.integral
        )

    def unknowns(self, hidden: np.ndarray) -> list[System]:
        """What is left to an outsider once the published cells are constants: connected systems of hidden cells."""
        known = np.where(hidden, 0.0, self.value)
        left = self.matrix[:, np.flatnonzero(hidden)]
        used = np.diff(sparse.csr_array(left).indptr) > 0
        pick = {name: getattr(self, name)[hidden] for name in ("value", "low", "high", "need", "cost", "gone")}
        keys = [key for key, away in zip(self.keys, hidden, strict=True) if away]
        matrix, right = sparse.csr_array(left)[used], (self.right - self.matrix @ known)[used]
        rest = System(keys, **pick, matrix=matrix, right=right, integral=self.integral)
        return [rest.part(cells) for cells in rest.components()]

    def components(self) -> list[np.ndarray]:
        """Positions of cells that equations connect, directly or not."""
        links = abs(self.matrix).T @ abs(self.matrix)
        count, label = connected_components(links, directed=False)
        if not len(self):
            return []
        order = np.argsort(label, kind="stable")
        return np.split(order, np.cumsum(np.bincount(label, minlength=count))[:-1])


class Builder:
    """Collects cells and equations; ``system`` checks that the values meet the equations."""

    def __init__(self, integral: bool = True):
        self.integral, self.cells, self.equations = integral, {}, []

    def cell(
        self,
        key: Hashable,
        value: float,
        *,
        low: float = 0.0,
        high: float = np.inf,
        need: float = 0.0,
        cost: float = 1.0,
        gone: bool = False,
    ) -> None:
        """Add a cell; one that another table has already given keeps the greater need and cost, and is gone if each is."""
        known = self.cells.get(key)
        if known is None:
            self.cells[key] = [float(value), low, high, need, cost, gone]
            return
        if known[0] != value:
            raise InputError(
                f"The cell {key} has two values, {known[0]:g} and {value:g}", fix="Give its tables one value"
            )
        self.cells[key] = [
            known[0], max(known[1], low), min(known[2], high), max(known[3], need), max(known[4], cost), known[5] and gone,
        ]  # fmt: skip

    def equation(self, terms: Mapping[Hashable, float], right: float = 0.0) -> None:
        """Add: the sum of coefficient times cell is ``right``."""
        self.equations.append((dict(terms), right))

    def total(self, whole: Hashable, parts: list[Hashable]) -> None:
        """Add: the parts add up to the whole, which is none of them."""
        self.equation({whole: -1.0} | dict.fromkeys(parts, 1.0))

    def system(self) -> System:
        """The system; raises InputError for an equation that the values do not meet."""
        place = {key: k for k, key in enumerate(self.cells)}
        table = np.array(list(self.cells.values()), dtype=float).reshape(-1, 6)
        lost = next((key for terms, _ in self.equations for key in terms if key not in place), None)
        if lost is not None:
            raise InputError(f"An equation names the cell {lost}, which no table has", fix="Add the cell first")
        unique = {(tuple(sorted((place[k], c) for k, c in terms.items())), right) for terms, right in self.equations}
        equations = sorted(unique)
        rows = [r for r, (terms, _) in enumerate(equations) for _ in terms]
        columns = [k for terms, _ in equations for k, _ in terms]
        weights = [c for terms, _ in equations for _, c in terms]
        matrix = sparse.csr_array((weights, (rows, columns)), shape=(len(equations), len(place)))
        right = np.array([right for _, right in equations], dtype=float)
        value = table[:, 0]
        ceiling = 10 * (1 + np.abs(value).max(initial=0) + table[:, 3].max(initial=0))
        table[:, 2] = np.where(np.isfinite(table[:, 2]), table[:, 2], ceiling)  # far beyond what any cell needs
        off = np.abs(matrix @ value - right) > NOISE * (1 + abs(matrix) @ np.abs(value))
        if off.any():
            terms = equations[int(np.flatnonzero(off)[0])][0]
            keys = list(self.cells)
            raise InputError(
                f"The cells {', '.join(str(keys[k]) for k, _ in terms)} do not add up", fix="Check the margins"
            )
        low, high = np.minimum(table[:, 1], value), np.maximum(table[:, 2], value)
        return System(
            list(place),
            value,
            low,
            high,
            table[:, 3],
            table[:, 4],
            table[:, 5].astype(bool),
            matrix,
            right,
            self.integral,
        )
