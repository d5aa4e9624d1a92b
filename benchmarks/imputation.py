"""Bias and coverage of multiple imputation under a stratified design when values are missing at random.

    python benchmarks/imputation.py [samples]

One population of 20,000 with known means and a known regression; samples of 600, four strata by size with different
sampling rates; five variables (a number, a binary, an ordered, a nominal and a count variable) and a skipped question.
Whether a value is missing depends on the size, which is never missing. Compared: complete data before values were
lost, the complete cases with their weights, and the pooled estimates of the imputed tables.
"""

from __future__ import annotations

import sys
import time
from functools import cache, partial

import numpy as np
import pandas as pd
from simulation import RESULTS, markdown, repeat, summary, use_package

use_package()

from agency_survey import estimate, imputation, models  # noqa: E402
from agency_survey.design import SurveyDesign, survey_design  # noqa: E402
from agency_survey.imputation import Variable  # noqa: E402

NAMES = ["number", "binary", "ordered", "nominal", "count", "follow_up"]
PER_STRATUM = 150


@cache
def population() -> pd.DataFrame:
    """The finite population; ``follow_up`` is only asked where ``binary`` is 1."""
    rng, n = np.random.default_rng(20_070), 20_000
    size = rng.normal(size=n)
    number = 1 + 0.8 * size + rng.normal(size=n)
    binary = (rng.random(n) < _expit(-0.3 + 0.8 * number - 0.5 * size)).astype(float)
    latent = 0.7 * size + 0.5 * number + rng.logistic(size=n)
    utility = np.column_stack([0 * size, 0.6 * number, 0.5 * size - 0.5]) + rng.gumbel(size=(n, 3))
    count = rng.negative_binomial(2, 2 / (2 + np.exp(0.3 + 0.4 * number)))
    follow_up = (rng.random(n) < _expit(-0.4 + 0.7 * number)).astype(float)
    table = pd.DataFrame({"size": size, "stratum": np.digitize(size, [-0.8, 0.0, 0.8]), "number": number})
    table["binary"], table["ordered"] = binary, np.digitize(latent, [-1, 1, 2.5]).astype(float)
    table["nominal"], table["count"] = utility.argmax(axis=1).astype(float), count.astype(float)
    table["follow_up"] = np.where(binary == 1, follow_up, np.nan)
    table["N"] = table["stratum"].map(table["stratum"].value_counts())
    return table


def _expit(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def estimates(design: SurveyDesign, table: pd.DataFrame, domain: np.ndarray | None = None) -> dict:
    """Means of all variables (categories above the first as one), the follow-up among the asked, and a logit."""
    inside = np.ones(len(table), dtype=bool) if domain is None else domain
    shares = pd.DataFrame(
        {
            "mean of the number": table["number"],
            "share with the binary": table["binary"],
            "share in the top two ordered classes": np.where(table["ordered"].isna(), np.nan, table["ordered"] >= 2),
            "share of the second nominal class": np.where(table["nominal"].isna(), np.nan, table["nominal"] == 1),
            "mean count": table["count"],
        }
    )
    asked = inside & (table["binary"] == 1).to_numpy()
    x = pd.DataFrame({"intercept": 1.0, "number": table["number"], "size": table["size"]})
    return {
        "means": (list(shares), estimate.mean(design, shares, inside)),
        "follow-up": (["share with the follow-up, of the asked"], estimate.mean(design, table["follow_up"], asked)),
        "logit": (
            ["logit of the binary: intercept", "logit of the binary: number", "logit of the binary: size"],
            models.logistic(design, table["binary"], x, inside),
        ),
    }


@cache
def truth() -> dict[str, float]:
    whole = population()
    census = estimates(survey_design(np.ones(len(whole)), whole["stratum"], whole["N"]), whole)
    return {name: value for names, found in census.values() for name, value in zip(names, _value(found), strict=True)}


def _value(found) -> np.ndarray:
    return found.value if hasattr(found, "value") else found.coefficients


def one_sample(seed: int, m: int, iterations: int) -> list[tuple]:
    """Rows of one sample: complete data, complete cases, multiple imputation."""
    whole, rng = population(), np.random.default_rng([seed, 1])
    strata = [np.flatnonzero(whole["stratum"] == h) for h in range(4)]
    take = np.concatenate([rng.choice(rows, PER_STRATUM, replace=False) for rows in strata])
    sample = whole.iloc[take].reset_index(drop=True)
    design = survey_design(sample["N"] / PER_STRATUM, sample["stratum"], sample["N"])
    lost = rng.random((len(sample), len(NAMES))) < _expit(-1.2 + sample["size"].to_numpy())[:, None] * 0.8
    seen = sample.copy()
    seen[NAMES] = sample[NAMES].where(~lost)
    seen.loc[seen["binary"].isna(), "follow_up"] = np.nan  # nobody answers a question whose filter is open
    imputed = imputation.impute(
        seen,
        [
            Variable("number", "continuous"),
            Variable("binary", "binary"),
            Variable("follow_up", "binary", universe=lambda table: table["binary"] == 1, filters=("binary",)),
            Variable("ordered", "ordered"),
            Variable("nominal", "nominal"),
            Variable("count", "count"),
        ],
        imputation.design_variables(design, size=sample["size"]),
        m=m,
        iterations=iterations,
        seed=seed,
    )
    rows = []
    each = [estimates(design, table) for table in imputed.tables]
    whole_cases = seen[["number", "binary", "ordered", "nominal", "count"]].notna().all(axis=1)
    whole_cases &= (seen["binary"] == 0) | seen["follow_up"].notna()
    complete, cases = estimates(design, sample), estimates(design, seen, whole_cases.to_numpy())
    for part in complete:
        names = complete[part][0]
        pooled = imputation.combine([found[part][1] for found in each])
        rows += _rows("nothing missing", names, complete[part][1])
        rows += _rows("complete cases", names, cases[part][1])
        rows += _rows("multiple imputation", names, pooled)
    return rows


def _rows(analysis: str, names: list[str], found) -> list[tuple]:
    limits = found.interval() if hasattr(found, "interval") else found.table()[["low", "high"]].to_numpy()
    values = zip(names, _value(found), found.se, limits[:, 0], limits[:, 1], strict=True)
    return [(analysis, name, truth()[name], value, se, low, high) for name, value, se, low, high in values]


def simulate(samples: int, m: int = 10, iterations: int = 5, processes: int = 2) -> pd.DataFrame:
    """Summary (see ``simulation.summary``) over the given number of samples."""
    return summary(repeat(partial(one_sample, m=m, iterations=iterations), range(samples), processes))


def main(samples: int) -> None:
    start = time.perf_counter()
    found = simulate(samples)
    found.to_csv(RESULTS / "imputation.csv", index=False, float_format="%.6g")
    formats = {"analysis": "", "quantity": "", "truth": ".4f", "bias": "+.4f", "bias_mc_se": ".4f", "se_ratio": ".3f"}
    formats |= {"coverage": ".1%", "coverage_mc_se": ".1%"}
    text = [
        "# Multiple imputation: bias and coverage",
        "",
        f"Made by `python benchmarks/imputation.py {samples}`: {samples:,} stratified samples of {4 * PER_STRATUM} from a "
        "population of 20,000; values missing at random given the size (about 20 % of each variable); 10 imputations of 5 "
        "iterations. Bias with its Monte-Carlo standard error; se ratio: mean standard error over the standard deviation "
        "of the estimates; coverage of nominal 95 % intervals. Means with t limits.",
        "",
        markdown(found, formats),
    ]
    (RESULTS / "imputation.md").write_text("\n".join(text), encoding="utf-8")
    print(markdown(found, formats), f"{time.perf_counter() - start:.0f} s", sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
