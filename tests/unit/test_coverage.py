"""40 samples of benchmarks/coverage.py: the weights remove the bias and intervals cover, the naive analysis does neither."""

import importlib.util
import sys
from pathlib import Path

import pandas as pd
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SAMPLES = 40


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    sys.path.append(str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("coverage_benchmark", BENCHMARKS / "coverage.py")
        benchmark = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(benchmark)
        return benchmark.simulate(SAMPLES, processes=1).set_index(["analysis", "quantity"])
    finally:
        sys.path.remove(str(BENCHMARKS))


def test_intervals_of_the_design_cover(found):
    """A true coverage of 0.95 gives 31 of 40 or fewer once in 7,000 times, one of 0.80 twice in five."""
    mine = found.loc["design"]
    assert len(mine) >= 30
    assert mine["coverage"].min() > 31 / SAMPLES
    assert 0.92 < mine["coverage"].mean() < 0.98
    assert mine["se_ratio"].between(0.7, 1.5).all()


def test_estimates_of_the_design_have_no_bias_that_matters(found):
    """At most three fifths of a standard error; without the weights most are beyond one."""
    mine, naive = found.loc["design"], found.loc["naive"]
    assert ((mine["bias"] / mine["sd"]).abs() < 0.6).all()
    assert ((naive["bias"] / naive["sd"]).abs() > 1).mean() > 0.4


def test_the_naive_analysis_misses(found):
    naive = found.loc["naive", "coverage"]
    for name in (
        "mean sworn officers",
        "total, sworn officers",
        "share, own cases (t)",
        "total, agencies that use training",
    ):
        assert naive[name] < 0.1
