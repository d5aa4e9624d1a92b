"""Linked tables for the tests of disclosure control, and an enumeration of all tables that an outsider must consider."""

from __future__ import annotations

import itertools

import numpy as np

from agency_survey.disclosure.system import Builder, System

LEAST = 3


def need_of(count: float) -> int:
    return LEAST if 0 < count < LEAST else 0


def add_two_way(made: Builder, table: np.ndarray, name: str = "", rows: str = "row", needs=None, costs=None) -> None:
    """Cells (name, i, j) with published margins; row margins are named by ``rows``, so that tables can share them."""
    for (i, j), count in np.ndenumerate(table):
        need = need_of(count) if needs is None else needs[i, j]
        made.cell((name, i, j), count, need=need, cost=max(count, 1) if costs is None else costs[i, j])
    for i in range(table.shape[0]):
        made.cell((rows, i), table[i].sum(), cost=np.inf)
        made.total((rows, i), [(name, i, j) for j in range(table.shape[1])])
    for j in range(table.shape[1]):
        made.cell((name, "column", j), table[:, j].sum(), cost=np.inf)
        made.total((name, "column", j), [(name, i, j) for i in range(table.shape[0])])


def two_way(table: np.ndarray, needs=None, costs=None) -> System:
    made = Builder()
    add_two_way(made, table, needs=needs, costs=costs)
    return made.system()


def three_way(table: np.ndarray) -> System:
    """A cube whose three two-way margins are published."""
    made = Builder()
    for at, count in np.ndenumerate(table):
        made.cell(at, count, need=need_of(count), cost=max(count, 1))
    for axis in range(3):
        for at, total in np.ndenumerate(table.sum(axis=axis)):
            made.cell((axis, at), total, cost=np.inf)
            made.total((axis, at), [(*at[:axis], k, *at[axis:]) for k in range(table.shape[axis])])
    return made.system()


def hierarchical(table: np.ndarray, groups: list[list[int]]) -> System:
    """A two-way table whose rows add up to groups, which are published too and may be hidden at a price."""
    made = Builder()
    add_two_way(made, table)
    for g, rows in enumerate(groups):
        for j in range(table.shape[1]):
            total = table[rows, j].sum()
            made.cell(("group", g, j), total, need=need_of(total), cost=2 * max(total, 1))
            made.total(("group", g, j), [("", i, j) for i in rows])
    for j in range(table.shape[1]):
        made.total(("", "column", j), [("group", g, j) for g in range(len(groups))])
    return made.system()


def linked(cube: np.ndarray) -> System:
    """Two tables of the same units, by their first and second and by their first and third trait; they share margins,
    and cells where the first column of one is also published in the other."""
    made = Builder()
    add_two_way(made, cube.sum(axis=2), "one", rows="shared")
    add_two_way(made, cube.sum(axis=1), "two", rows="shared")
    for i in range(cube.shape[0]):
        both, one, two = cube[i, 0, 0], cube[i, 0].sum(), cube[i, :, 0].sum()
        made.cell(("both", i), both, need=need_of(both), cost=max(both, 1))
        for name, whole in (("one", one), ("two", two)):
            made.cell((name, "less", i), whole - both, cost=0, gone=True)
            made.equation({(name, i, 0): -1, ("both", i): 1, (name, "less", i): 1})
    return made.system()


def enumerated(system: System, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest whole value of each hidden cell over all tables that agree with what is published, by
    enumeration cell by cell: an equation gives its last unknown cell, and bounds the others where none is subtracted."""
    spots = np.flatnonzero(hidden)
    matrix = system.matrix.toarray()
    right = system.right - matrix[:, ~hidden] @ system.value[~hidden]
    matrix = matrix[:, spots]
    bounding = (matrix >= 0).all(axis=1)
    found = []

    def extend(values: list[int], left: np.ndarray) -> None:
        k = len(values)
        if np.any(np.abs(left[~np.any(matrix[:, k:] != 0, axis=1)]) > 1e-9) or np.any(left[bounding] < 0):
            return
        if k == len(spots):
            found.append(values)
            return
        column = matrix[:, k]
        most = min([system.high[spots[k]], *left[(column == 1) & bounding]])
        if (column != 0).any() and not matrix[column != 0][:, k + 1 :].any(axis=1).all():
            row = np.flatnonzero((column != 0) & ~matrix[:, k + 1 :].any(axis=1))[0]
            value = left[row] / column[row]
            if 0 <= value <= most and value == int(value):
                extend([*values, int(value)], left - column * value)
            return
        for value in range(int(most) + 1):
            extend([*values, value], left - column * value)

    extend([], right)
    tables = np.array(found)
    return tables.min(axis=0), tables.max(axis=0)


def random_tables(seed: int, count: int):
    """``count`` (kind, system) of two-way, three-way, hierarchical and linked tables, in turn."""
    rng = np.random.default_rng(seed)
    kinds = itertools.cycle(["two-way", "two-way", "hierarchical", "linked", "three-way"])
    for kind, _ in zip(kinds, range(count), strict=False):
        mean = rng.choice([3, 6, 10])
        if kind == "two-way":
            yield kind, two_way(rng.poisson(mean, size=(rng.integers(3, 5), rng.integers(3, 6))))
        elif kind == "three-way":
            yield kind, three_way(rng.poisson(mean, size=(2, 3, 3)))
        elif kind == "hierarchical":
            yield kind, hierarchical(rng.poisson(mean, size=(4, 3)), [[0, 1], [2, 3]])
        else:
            yield kind, linked(rng.poisson(mean / 2, size=(3, 3, 2)))
