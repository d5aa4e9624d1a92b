"""Comparison with the values that make_reference.R took from R's survey package."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
CLOSED, ITERATED = 1e-8, 1e-6  # relative tolerance: closed forms; where both sides iterate
worst: dict[str, float] = {}


def relative(mine, theirs, scale=None) -> float:
    """Largest difference relative to ``scale`` (default: the reference value); a reference of 0 asks for 0 to 1e-12."""
    mine, theirs = np.asarray(mine, dtype=float), np.asarray(theirs, dtype=float)
    assert mine.shape == theirs.shape, f"shapes differ: {mine.shape} and {theirs.shape} in R"
    scale = np.broadcast_to(np.abs(theirs if scale is None else scale), theirs.shape)
    difference = np.abs(mine - theirs)
    assert np.isfinite(difference).all(), f"not a number: {mine} and {theirs} in R"
    zero = scale == 0
    assert (difference[zero] <= 1e-12).all(), f"R has 0, here is {mine[zero]}"
    return float((difference[~zero] / scale[~zero]).max(initial=0))


class Agreement:
    """``agree(group, mine, theirs)`` asserts and records the largest relative difference of the group."""

    def __call__(self, group: str, mine, theirs, tolerance: float = CLOSED, scale=None) -> None:
        found = relative(mine, theirs, scale)
        worst[group] = max(worst.get(group, 0.0), found)
        assert found <= tolerance, f"{group}: {np.asarray(mine)} here, {np.asarray(theirs)} in R ({found:.1e})"

    def covariance(self, group: str, mine, theirs, tolerance: float = CLOSED) -> None:
        """Covariances are compared on the scale of the product of their standard errors."""
        theirs = np.asarray(theirs, dtype=float)
        root = np.sqrt(np.diag(theirs))
        self(group, mine, theirs, tolerance, np.outer(root, root))


@pytest.fixture(scope="session")
def agree() -> Agreement:
    return Agreement()


@pytest.fixture(scope="session")
def reference():
    """``reference(name)``: values of <name>.json."""
    return lambda name: json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))["values"]


def pytest_terminal_summary(terminalreporter) -> None:
    if worst:
        terminalreporter.section("largest relative difference from R's survey package")
        for group, value in sorted(worst.items()):
            terminalreporter.write_line(f"{group:<40} {value:.1e}")
