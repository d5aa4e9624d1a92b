"""Bias and coverage of the survey's weights, estimates and models over repeated samples of the stand-in's population.

    python benchmarks/coverage.py [samples]

Every sample is drawn by the generator's own functions: the three sources with their conditioning on sizes, then the
response mechanism, which depends on type, size and partnership. Weights and design are those of the build
(``national_survey.weigh`` and ``respondents``); the answers are the true ones of whoever responds, so that item non-response does
not mix in. The truth is the same quantity, or the same regression, over all agencies in operation. As a contrast the
naive analysis: respondents as a simple random sample, every weight the frame's size over their number.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from simulation import RESULTS, ROOT, markdown, repeat, summary, use_package

use_package()

from agency_survey import codebook, estimate, ingest, models, national_survey, schema, settings, standin  # noqa: E402
from agency_survey.design import SurveyDesign, survey_design  # noqa: E402
from agency_survey.standin.sample import draw_sample, make_dispositions  # noqa: E402
from agency_survey.standin.tools import stream, values  # noqa: E402

IN_OPERATION, YES = 1, 1
SEED = 2007
TERMS = ["intercept", "sheriff", "metropolitan", "log10 population", "awareness"]


@cache
def world() -> dict:
    """The frame in raw codes and typed, the population's true answers, and the settings of design and weights."""
    book = codebook.load(ROOT / "config/codebooks/frame.yaml")
    raw = ingest.read_raw(ROOT / "data/frame/frame.csv", book)
    typed, misfits = ingest.typed(raw, book)
    if len(misfits):
        raise SystemExit("the frame has values outside its codebook")
    config = settings.load(ROOT / "config/config.yaml")
    frame = pd.read_csv(ROOT / "data/frame/frame.csv")
    truth = pd.read_csv(ROOT / "data/raw/truth/population.csv")
    return {
        "frame": frame,
        "typed": typed.reset_index(drop=True),
        "truth": truth,
        "answers": frame.merge(truth, on="agency_id", validate="one_to_one"),
        "standin": values(standin.read_settings(ROOT / "config/standin.yaml", ROOT / "config/sample_design.yaml")),
        "design": schema.load(ROOT / "config/sample_design.yaml", "sample_design"),
        "weighting": {name: config[name] for name in ("nonresponse", "weights")},
    }


def respondents(seed: int) -> tuple[pd.DataFrame, SurveyDesign]:
    """True answers of those who respond to sample number ``seed``, and their design."""
    here = world()
    plain = here["standin"]
    sample = draw_sample(
        plain["sample_design"], here["frame"], plain["sampling"]["max_draws"], stream(SEED, seed, "coverage sample")
    )
    returned = make_dispositions(
        plain["response"], here["frame"], here["truth"], sample, stream(SEED, seed, "coverage response")
    )
    outcome = pd.Categorical.from_codes(returned["outcome"] - 1, categories=national_survey.OUTCOMES)
    disposition = pd.DataFrame({"agency_id": returned["agency_id"], "outcome": outcome})
    sampled, _ = national_survey.weigh(here["typed"], disposition, here["design"], here["weighting"])
    done, design = national_survey.respondents(sampled, sampled.loc[sampled["responded"], ["agency_id"]])
    return done[["agency_id", "weight"]].merge(here["answers"], on="agency_id", validate="one_to_one"), design


def quantities(design: SurveyDesign, rows: pd.DataFrame) -> list[tuple[str, float, float, np.ndarray]]:
    """(name, value, standard error, limits) of every quantity, t limits unless the name says otherwise."""
    found: list[tuple[str, float, float, np.ndarray]] = []

    def add(names: list[str], result, method: str = "t") -> None:
        if hasattr(result, "value"):
            value, limits = result.value, result.interval(0.95, method)
        else:
            value, limits = result.coefficients, result.table()[["low", "high"]].to_numpy()
        found.extend(zip(names, value, result.se, limits, strict=True))

    sheriff = (rows["agency_type"] == 2).to_numpy()
    partner = (rows["task_force_partner"] == YES).to_numpy()
    south = (rows["region"] == 3).to_numpy()
    no_idea = (rows["q4_labour_foreign_nationals"] == 4).to_numpy().astype(float)
    own_cases = (rows["q5a_own_cases"] == YES).to_numpy().astype(float)
    widespread = (rows["q2_sex_foreign_nationals"] == 1).to_numpy().astype(float)
    officers, people = rows["sworn_officers"].to_numpy(float), rows["population"].to_numpy(float)
    training = (rows["q5e_training"] == YES).to_numpy().astype(float)

    add(["mean awareness", "mean sworn officers"], estimate.mean(design, rows[["awareness", "sworn_officers"]]))
    shares = {"share, labor trafficking non-existent": no_idea, "share, own cases": own_cases}
    shares["small share, sex trafficking widespread"] = widespread
    for name, y in shares.items():
        one = estimate.mean(design, y)
        for method in ("t", "logit", "beta"):
            add([f"{name} ({method})"], one, method)
    domains = {"sheriffs": sheriff, "South": south, "task-force partners": partner}
    for name, domain in domains.items():
        add([f"mean awareness, {name}"], estimate.mean(design, rows["awareness"], domain))
        add([f"share, own cases, {name} (logit)"], estimate.mean(design, own_cases, domain), "logit")
    add(
        ["total, agencies that use training", "total, sworn officers"],
        estimate.total(design, np.c_[training, officers]),
    )
    add(["total, agencies with own cases, South"], estimate.total(design, own_cases, south))
    add(["ratio, officers per 1,000 people"], estimate.ratio(design, officers, people / 1000))
    add(["ratio, officers in agencies with own cases"], estimate.ratio(design, own_cases * officers, officers))
    both = np.c_[sheriff * own_cases, south * own_cases]
    add(
        ["ratio, sheriffs of agencies with own cases", "ratio, South of the same"],
        estimate.ratio(design, both, own_cases),
    )
    size = np.log10(rows["population"] / 10_000)
    x = np.c_[np.ones(len(rows)), sheriff, rows["metropolitan"] == YES, size, rows["awareness"]].astype(float)
    fit = models.logistic(design, own_cases, pd.DataFrame(x, columns=TERMS))
    add([f"logit of own cases: {term}" for term in TERMS], fit)
    local = (rows["agency_type"] != 3).to_numpy()
    fit = models.logistic(design, no_idea, pd.DataFrame(x[:, :4], columns=TERMS[:4]), local)
    add([f"logit of non-existent, local: {term}" for term in TERMS[:4]], fit)
    return found


@cache
def truth() -> dict[str, float]:
    """Every quantity over all agencies in operation: a census."""
    rows = world()["answers"].query(f"in_operation == {IN_OPERATION}").reset_index(drop=True)
    census = survey_design(np.ones(len(rows)), np.zeros(len(rows)), np.full(len(rows), len(rows)))
    return {name: value for name, value, *_ in quantities(census, rows)}


def one_sample(seed: int) -> list[tuple]:
    """Rows of the design-based and of the naive analysis of sample number ``seed``."""
    rows, design = respondents(seed)
    size = len(world()["frame"])
    naive = survey_design(np.full(len(rows), size / len(rows)), np.zeros(len(rows)))
    return [
        (analysis, name, truth()[name], value, se, *limits)
        for analysis, used in (("design", design), ("naive", naive))
        for name, value, se, limits in quantities(used, rows)
    ]


def simulate(samples: int, processes: int = 2, task: Callable[[int], list[tuple]] = one_sample) -> pd.DataFrame:
    """Summary (see ``simulation.summary``) over the given number of samples."""
    return summary(repeat(task, range(samples), processes))


def verdict(found: pd.DataFrame) -> str:
    """Sentences on the design-based rows: bias against its error and the standard deviation, coverage against 94 to 96 %."""
    mine = found[found["analysis"] == "design"].set_index("quantity")
    outside = np.maximum(0.94 - mine["coverage"], mine["coverage"] - 0.96)
    findings = {
        "have a bias beyond 3 Monte-Carlo errors": mine["bias_z"].abs() > 3,
        "one beyond a quarter of a standard deviation": (mine["bias"] / mine["sd"]).abs() > 0.25,
        "have a coverage outside 94 to 96 %": outside > 1e-9,
        "one that is outside by more than 2 Monte-Carlo errors": outside > 2 * mine["coverage_mc_se"],
    }
    parts = [
        f"{w.sum()} {what}" + (f" ({'; '.join(mine.index[w])})" if w.any() else "") for what, w in findings.items()
    ]
    return f"Of {len(mine)} quantities {', '.join(parts)}."


def report(found: pd.DataFrame) -> str:
    """The Markdown file."""
    samples = int(found["samples"].max())
    wide = found[found["analysis"] == "design"].merge(
        found[found["analysis"] == "naive"], on="quantity", suffixes=("", "_naive")
    )
    formats = {
        "quantity": "",
        "truth": ",.4g",
        "bias": "+.3g",
        "bias_mc_se": ".2g",
        "bias_z": "+.1f",
        "se_ratio": ".3f",
    }
    formats |= {"coverage": ".1%", "coverage_mc_se": ".1%", "bias_naive": "+.3g", "coverage_naive": ".1%"}
    lines = [
        "# Bias and coverage over repeated samples",
        "",
        f"Made by `python benchmarks/coverage.py {samples}`: {samples:,} samples of the stand-in's population with its design "
        "and response mechanism. Bias with its Monte-Carlo standard error and their ratio z; se ratio: mean standard error "
        "over the standard deviation of the estimates; coverage of nominal 95 % intervals (t limits unless said; beta: Korn "
        "and Graubard); naive: the unweighted analysis that takes respondents for a simple random sample.",
        "",
        verdict(found),
        "",
        markdown(wide, formats),
    ]
    return "\n".join(lines)


def main(samples: int) -> None:
    start = time.perf_counter()
    found = simulate(samples)
    found.to_csv(RESULTS / "coverage.csv", index=False, float_format="%.6g")
    text = report(found)
    (RESULTS / "coverage.md").write_text(text, encoding="utf-8")
    print(text, f"{time.perf_counter() - start:.0f} s", sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
