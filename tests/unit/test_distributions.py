"""Quantiles and tails: those of scipy.stats to the last digit, without its import."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from agency_survey import distributions

PROJECT = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(4)
P, X, F = rng.random(500), 4 * rng.normal(size=500), rng.exponential(3, 500)
DF = np.concatenate([rng.integers(1, 4000, 300).astype(float), 60 * rng.random(200) + 0.1])
FEW = rng.integers(1, 30, 500)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (distributions.normal_quantile(P), stats.norm.ppf(P)),
        (distributions.normal_share(X), stats.norm.cdf(X)),
        (distributions.normal_tail(X), stats.norm.sf(X)),
        (distributions.t_quantile(P, DF), stats.t.ppf(P, DF)),
        (distributions.t_quantile(P, np.inf), stats.t.ppf(P, np.inf)),
        (distributions.t_tail(X, DF), stats.t.sf(X, DF)),
        (distributions.f_tail(F, FEW, DF), stats.f.sf(F, FEW, DF)),
        (distributions.f_tail(-1e-18, 3, 40), stats.f.sf(-1e-18, 3, 40)),
        (distributions.chi2_tail(F, FEW), stats.chi2.sf(F, FEW)),
        (distributions.chi2_tail(-1e-18, 3), stats.chi2.sf(-1e-18, 3)),
        (distributions.beta_quantile(P, 8 * F, DF), stats.beta.ppf(P, 8 * F, DF)),
    ],
)
def test_numbers_are_those_of_scipy_stats(mine, theirs):
    assert np.isfinite(theirs).all()
    np.testing.assert_array_equal(mine, theirs)


def test_without_degrees_of_freedom_there_is_no_number():
    for df in (0, -1, np.nan):
        assert np.isnan(distributions.t_quantile(0.975, df))
        assert np.isnan(distributions.t_tail(2.0, df))
        assert np.isnan(distributions.f_tail(2.0, 3, df))


def test_no_section_imports_scipy_stats_or_a_plotting_library_that_it_does_not_use():
    modules = sorted((PROJECT / "workflow/agency_survey/sections").glob("*.py"))
    names = ", ".join(f"agency_survey.sections.{path.stem}" for path in modules if path.stem != "__init__")
    code = f"import sys, {names}; print({{'scipy.stats', 'seaborn', 'statsmodels', 'matplotlib.pyplot'}} & set(sys.modules))"
    made = subprocess.run([sys.executable, "-c", code], cwd=PROJECT / "workflow", capture_output=True, text=True)
    assert made.stdout.strip() == "set()", made.stdout + made.stderr
