"""Complementary suppression: the cheapest cells to hide so that no cell at risk can be derived too closely.

An integer programme by cutting planes (Fischetti and Salazar 2001): hide the cells of least information; attack; each
cell that the attack derives too closely gives, by the attack's dual, an inequality that every safe choice meets; repeat
until the attack finds none. The result is proven by the attack, not by the programme.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from agency_survey.disclosure import attack
from agency_survey.disclosure.system import NOISE, System

ROUNDS = 200
NODES = 100_000  # of one integer programme; the best choice so far is taken then (no clock: the same choice everywhere)


@dataclass(frozen=True)
class Pattern:
    """What is hidden, bool (m,) each: primary (at risk), complementary, hidden (both and what is not published anyway).

    loss : cost of the complementary cells; optimal : no cheaper safe pattern exists for the linear attack; unprotected : keys
    that hiding every cell would not protect.
    """

    primary: np.ndarray
    complementary: np.ndarray
    hidden: np.ndarray
    loss: float
    optimal: bool
    unprotected: list


def protect(system: System, integral: bool = False) -> Pattern:
    """The cheapest pattern in which the attack derives every cell at risk no closer than it may.

    integral : prove it against an outsider who uses that counts are whole numbers, too.
    """
    primary = system.need > 0
    hidden = primary | system.gone
    optimal, lost = True, []
    for cells in system.components():
        part = system.part(cells)
        if (part.need > 0).any():
            chosen, best, open_ = _component(part, integral)
            hidden[cells] |= chosen
            optimal &= best
            lost += open_
    complementary = hidden & ~primary & ~system.gone
    return Pattern(primary, complementary, hidden, float(system.cost[complementary].sum()), optimal, lost)


def _component(part: System, integral: bool) -> tuple[np.ndarray, bool, list]:
    start = (part.need > 0) | part.gone
    free = ~start & np.isfinite(part.cost)
    need, targets = part.need.copy(), np.flatnonzero(part.need > 0)
    widest = _edges(part, start | free, targets, integral).width
    short = widest < need[targets] - NOISE
    lost = [part.keys[k] for k in targets[short]]
    need[targets[short]] = widest[short]
    cuts, limits, hidden, optimal = [], [], start, True
    for _ in range(ROUNDS):
        low, high = attack.bounds(part, hidden)
        edge = attack.intervals(part, low, high, targets, slopes=True)
        narrow = np.flatnonzero(edge.width < need[targets] - NOISE)
        if not len(narrow):
            stricter = _too_narrow_for_whole(part, hidden, targets, need, integral)
            if not stricter.any():
                return hidden, optimal, lost
            need[stricter] += 1
            if (need[stricter] > (part.high - part.low)[stricter] + 1).any():
                return start | free, False, lost
            continue
        slope = np.vstack([edge.slopes[: len(targets)][narrow], edge.slopes[len(targets) :][narrow]])
        reach = np.where(slope > 0, slope * (part.value - part.low), -slope * (part.high - part.value))
        both = reach[: len(narrow)] + reach[len(narrow) :]
        fixed = both[:, start].sum(axis=1)
        missing = need[targets[narrow]] - fixed
        cuts += list(np.minimum(both[:, free], missing[:, None]) / missing[:, None])
        limits += [1.0] * len(narrow)
        choice, best = _cheapest(part.cost[free], np.array(cuts), np.array(limits))
        if choice is None:
            return start | free, False, lost
        optimal &= best
        hidden = start.copy()
        hidden[np.flatnonzero(free)[choice]] = True
    return start | free, False, lost


def _edges(part: System, hidden: np.ndarray, targets: np.ndarray, integral: bool) -> attack.Intervals:
    low, high = attack.bounds(part, hidden)
    return attack.intervals(part, low, high, targets, integral)


def _too_narrow_for_whole(part: System, hidden, targets, need, integral: bool) -> np.ndarray:
    """bool (m,): cells that the outsider who counts in whole numbers derives too closely."""
    found = np.zeros(len(part), dtype=bool)
    if part.integral:
        width = _edges(part, hidden, targets, integral).width
        found[targets] = width < np.minimum(need, part.need)[targets] - NOISE
    return found


def _cheapest(cost: np.ndarray, cuts: np.ndarray, limits: np.ndarray) -> tuple[np.ndarray | None, bool]:
    """(bool (f,) cheapest cells that meet the cuts, or None; whether it is proven the cheapest)."""
    found = optimize.milp(
        cost,
        integrality=np.ones(len(cost)),
        bounds=optimize.Bounds(0, 1),
        constraints=optimize.LinearConstraint(cuts, limits - 1e-7, np.inf),
        options={"node_limit": NODES, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        return None, False
    return found.x > 0.5, found.status == 0
