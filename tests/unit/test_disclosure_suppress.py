"""Complementary suppression against known answers, enumeration, and more than a thousand random linked tables."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from linked_tables import enumerated, linked, random_tables, two_way

from agency_survey.disclosure import attack, suppress
from agency_survey.disclosure.system import Builder

INVESTMENT = np.array([[20, 50, 10], [8, 19, 22], [17, 32, 12]])  # Fischetti and Salazar (2001)


def names(system, mask) -> set:
    return {key for key, there in zip(system.keys, mask, strict=True) if there}


def test_the_published_example_is_solved_by_the_published_pattern():
    needs = np.where(INVESTMENT == 22, 10, 0)
    system = two_way(INVESTMENT, needs=needs)
    pattern = suppress.protect(system)
    assert names(system, pattern.hidden) == {("", 1, 0), ("", 1, 2), ("", 2, 0), ("", 2, 2)}
    assert (pattern.loss, pattern.optimal, pattern.unprotected) == (8 + 17 + 12, True, [])


def test_a_cell_needs_a_rectangle_and_the_cheapest_is_taken():
    table = np.full((3, 4), 9)
    table[0, 0] = 1
    costs = np.full((3, 4), 5.0)
    costs[2, 3], costs[0, 3], costs[2, 0] = 1, 1, 1
    system = two_way(table, costs=costs)
    pattern = suppress.protect(system)
    assert names(system, pattern.complementary) == {("", 0, 3), ("", 2, 0), ("", 2, 3)}
    assert pattern.loss == 3


def test_sums_that_share_cells_are_solved_together():
    """With a + b, a + c and a + b + c published, hiding b and c (16) still gives a; b and a + c, or c and a + b, cost 18."""
    made = Builder()
    for key, value, need in (("a", 2, 3), ("b", 7, 0), ("c", 9, 0), ("ab", 9, 0), ("ac", 11, 0), ("abc", 18, 0)):
        made.cell(key, value, need=need, cost=np.inf if key == "abc" else value)
    made.total("ab", ["a", "b"])
    made.total("ac", ["a", "c"])
    made.total("abc", ["a", "b", "c"])
    system = made.system()
    cheap = np.array([key in "abc" and len(key) == 1 for key in system.keys])
    assert [f.leak for f in attack.audit(system, cheap)] == ["exact"]
    pattern = suppress.protect(system)
    assert names(system, pattern.complementary) in ({"b", "ac"}, {"c", "ab"})
    assert pattern.loss == 18
    assert not [f for f in attack.audit(system, pattern.hidden) if f.leak]


@pytest.mark.parametrize("seed", range(12))
def test_no_cheaper_pattern_is_safe(seed):
    rng = np.random.default_rng(seed)
    system = two_way(rng.poisson(3, size=(3, 3)), costs=rng.integers(1, 9, size=(3, 3)))
    pattern = suppress.protect(system)
    free = np.flatnonzero(np.isfinite(system.cost) & (system.need == 0))
    best = np.inf
    for choice in itertools.product([False, True], repeat=len(free)):
        hidden = system.need > 0
        hidden[free[list(choice)]] = True
        loss = system.cost[free[list(choice)]].sum()
        if loss < best and not [f for f in attack.audit(system, hidden) if f.leak and f.key not in pattern.unprotected]:
            best = loss
    assert pattern.loss == best


def test_random_tables_leave_no_exact_and_no_near_disclosure():
    leaks, kinds, primary, complementary, open_ = [], Counter(), 0, 0, 0
    for kind, system in random_tables(20080601, 1000):
        pattern = suppress.protect(system)
        found = [f for f in attack.audit(system, pattern.hidden) if f.leak and f.key not in pattern.unprotected]
        leaks += [(kind, f) for f in found]
        kinds[kind] += 1
        primary += int(pattern.primary.sum())
        complementary += int(pattern.complementary.sum())
        open_ += len(pattern.unprotected)
    assert not leaks
    assert sum(kinds.values()) == 1000
    assert min(kinds.values()) == 200
    assert primary > 1000  # the tables do put the method to work
    assert complementary > 800
    assert open_ < 0.1 * primary  # cubes whose margins fix what they hold


def test_cells_that_nothing_protects_are_named_and_not_called_safe():
    made = Builder()
    for key, value in (("a", 1), ("b", 1), ("n", 2)):
        made.cell(key, value, need=3 if key != "n" else 0, cost=np.inf)
    made.total("n", ["a", "b"])
    system = made.system()
    pattern = suppress.protect(system)
    assert set(pattern.unprotected) == {"a", "b"}
    assert {f.key for f in attack.audit(system, pattern.hidden) if f.leak} == {"a", "b"}


@pytest.mark.parametrize("seed", range(10))
def test_patterns_are_safe_by_enumeration_too(seed):
    rng = np.random.default_rng(500 + seed)
    system = linked(rng.poisson(1.5, size=(2, 2, 2)))
    pattern = suppress.protect(system, integral=True)
    if not pattern.hidden.any():
        return
    least, most = enumerated(system, pattern.hidden)
    spots = np.flatnonzero(pattern.hidden)
    for k, low, high in zip(spots, least, most, strict=True):
        if system.need[k] and system.keys[k] not in pattern.unprotected:
            assert high - low >= system.need[k]


@pytest.mark.parametrize("seed", range(25))
def test_a_complementary_cell_that_is_left_out_is_found(seed):
    """Every complementary cell of an optimal pattern is needed: publishing it again is a leak."""
    rng = np.random.default_rng(900 + seed)
    system = two_way(rng.poisson(4, size=(4, 4)), costs=rng.integers(1, 9, size=(4, 4)))
    pattern = suppress.protect(system)
    for k in np.flatnonzero(pattern.complementary):
        hidden = pattern.hidden.copy()
        hidden[k] = False
        assert [f for f in attack.audit(system, hidden) if f.leak and f.key not in pattern.unprotected]
