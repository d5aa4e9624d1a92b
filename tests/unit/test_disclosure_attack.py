"""The attack of disclosure control against worked examples and against enumeration of all tables."""

from __future__ import annotations

import numpy as np
import pytest
from linked_tables import enumerated, hierarchical, linked, three_way, two_way

from agency_survey.disclosure import attack
from agency_survey.disclosure.system import Builder
from agency_survey.errors import InputError

# Fischetti and Salazar (2001), investment by activity and region
INVESTMENT = np.array([[20, 50, 10], [8, 19, 22], [17, 32, 12]])


def hidden_at(system, keys) -> np.ndarray:
    return np.array([key in keys for key in system.keys])


def test_the_published_example_gives_the_published_interval():
    needs = np.zeros((3, 3))
    needs[1, 2] = 10
    system = two_way(INVESTMENT, needs=needs)
    hidden = hidden_at(system, [("", 1, 0), ("", 1, 2), ("", 2, 0), ("", 2, 2)])
    (found,) = attack.audit(system, hidden)
    assert (found.low, found.high, found.leak) == (5, 30, None)


def test_a_cell_alone_in_its_row_is_derived_exactly():
    system = two_way(INVESTMENT, needs=np.where(INVESTMENT == 22, 10, 0))
    hidden = hidden_at(system, [("", 1, 2), ("", 2, 2)])
    (found,) = attack.audit(system, hidden)
    assert (found.low, found.high, found.leak) == (22, 22, "exact")


def test_a_published_cell_at_risk_is_an_exact_leak_and_a_narrow_one_a_near_leak():
    table = np.array([[1, 1, 5], [9, 9, 9], [9, 9, 9]])
    system = two_way(table)
    found = {f.key: f for f in attack.audit(system, np.zeros(len(system), dtype=bool))}
    assert {f.leak for f in found.values()} == {"exact"}
    square = hidden_at(system, [("", 0, 0), ("", 0, 1), ("", 1, 0), ("", 1, 1)])
    found = attack.audit(system, square)
    assert [(f.low, f.high, f.leak) for f in found] == [(0, 2, "near")] * 2


def test_rounding_leaks_what_exact_margins_leave_of_it():
    # 2 of 40 printed as 5 percent to one decimal fixes the count; to no decimals it does, too, up to 4.5 to 5.5 percent
    made = Builder()
    for key, value in (("a", 2), ("b", 38), ("n", 40)):
        made.cell(key, value, need=3 if key == "a" else 0)
    made.total("n", ["a", "b"])
    system = made.system()
    low, high = attack.bounds(system, np.array([True, True, False]))
    assert attack.intervals(system, low, high, [0]).width == 40
    low[1], high[1] = 37.8, 38.2  # 94.5 to 95.5 percent of 40 for the others
    edge = attack.intervals(system, low, high, [0])
    assert (edge.low, edge.high) == (2, 2)


@pytest.mark.parametrize("seed", range(40))
def test_intervals_are_those_of_enumeration(seed):
    rng = np.random.default_rng(seed)
    system = two_way(rng.poisson(2, size=(3, 3)))
    cells = [key for key in system.keys if len(key) == 3 and key[1] != "column"]
    hidden = hidden_at(system, [cells[k] for k in rng.permutation(len(cells))[: rng.integers(2, 7)]])
    low, high = attack.bounds(system, hidden)
    edge = attack.intervals(system, low, high, np.flatnonzero(hidden))
    least, most = enumerated(system, hidden)
    assert np.array_equal(edge.low, least)
    assert np.array_equal(edge.high, most)


@pytest.mark.parametrize("make", ["cube", "groups", "pair"])
@pytest.mark.parametrize("seed", range(8))
def test_whole_numbers_are_those_of_enumeration_where_the_equations_are_no_network(make, seed):
    rng = np.random.default_rng(100 + seed)
    if make == "cube":
        system = three_way(rng.poisson(1, size=(2, 2, 3)))
    elif make == "groups":
        system = hierarchical(rng.poisson(1, size=(4, 2)), [[0, 1], [2, 3]])
    else:
        system = linked(rng.poisson(1, size=(2, 2, 2)))
    able = np.flatnonzero(np.isfinite(system.cost))
    hidden = system.gone.copy()
    hidden[rng.choice(able, size=min(7, len(able)), replace=False)] = True
    spots = np.flatnonzero(hidden)
    low, high = attack.bounds(system, hidden)
    least, most = enumerated(system, hidden)
    whole = attack.intervals(system, low, high, spots, integral=True)
    assert np.array_equal(whole.low, least)
    assert np.array_equal(whole.high, most)
    linear = attack.intervals(system, low, high, spots)
    assert (linear.low <= least).all()
    assert (linear.high >= most).all()


def test_the_audit_of_components_is_the_attack_on_the_whole():
    rng = np.random.default_rng(3)
    system = linked(rng.poisson(2, size=(5, 3, 3)))
    hidden = system.gone | (system.need > 0)
    low, high = attack.bounds(system, hidden)
    targets = np.flatnonzero(system.need > 0)
    edge = attack.intervals(system, low, high, targets)
    found = {f.key: (f.low, f.high) for f in attack.audit(system, hidden)}
    assert found == {system.keys[k]: (a, b) for k, a, b in zip(targets, edge.low, edge.high, strict=True)}


def test_what_does_not_add_up_is_refused():
    made = Builder()
    for key, value in (("a", 2), ("b", 3), ("n", 6)):
        made.cell(key, value)
    made.total("n", ["a", "b"])
    with pytest.raises(InputError, match="do not add up"):
        made.system()
    with pytest.raises(InputError, match="two values"):
        made.cell("a", 4)
    made.equation({"c": 1})
    with pytest.raises(InputError, match="no table has"):
        made.system()


def test_published_numbers_that_contradict_each_other_are_refused():
    system = two_way(INVESTMENT)
    low, high = attack.bounds(system, np.zeros(len(system), dtype=bool))
    low[0] = high[0] = 21
    with pytest.raises(InputError, match="no table that agrees"):
        attack.intervals(system, low, high, [1])
