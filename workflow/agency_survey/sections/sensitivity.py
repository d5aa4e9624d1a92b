"""Appendix D, sensitivity: late respondents, non-respondents that differ, items without an answer, coverage of intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import optimize

from agency_survey import distributions, estimate, hypotheses, imputation, marks, models, national_survey
from agency_survey.codebook import Codebook
from agency_survey.design import SurveyDesign
from agency_survey.disclosure import watch
from agency_survey.errors import InputError
from agency_survey.ingest import require_labels
from agency_survey.sections import builders, identification, perceptions, preparation, survey
from agency_survey.sections.identification import ANY
from agency_survey.sections.perceptions import EVERY, LITTLE, RATINGS

NONE, RARE = EVERY["Non-existent"], EVERY[LITTLE]
TRAINING, PROTOCOL, PERSONNEL = preparation.STEPS
MEASURES = [RARE, NONE, TRAINING, PROTOCOL, PERSONNEL, ANY]
HEADLINES = [RARE, TRAINING, ANY]
WAVES = ["First mailing", "Second mailing", "Third mailing"]
MAILING, STOPPED, LAST = "Mailing", "Mailings", "last mailing"
ITEMS = dict.fromkeys(perceptions.FORMS, "ordered") | {
    "q6_training": "binary",
    "q9_protocol": "binary",
    "q10_personnel": "nominal",
    "q13_any_case": "binary",
}
UNANSWERED = {"refused": "Refused", "missing": "Left out", "invalid": "Not valid"}
MAJORITY = 0.5
NOMINAL = 0.95  # level of the simulation's intervals (benchmarks/coverage.py)
ERRORS = 2  # Monte-Carlo errors from which a coverage is called off its level
COVERAGE = ["samples", "truth", "bias", "bias_mc_se", "sd", "se_ratio", "coverage", "coverage_mc_se"]


def check(rows: pd.DataFrame) -> None:
    """Refuse labels of Part I and of the mailings that the shares are not computed from."""
    preparation.check(rows)
    identification.check(rows)
    module = "workflow/agency_survey/sections/sensitivity.py"
    require_labels(rows, dict.fromkeys(perceptions.FORMS, RATINGS), "config/codebooks/part1.yaml", module)
    require_labels(rows, {"wave": WAVES}, "config/codebooks/disposition.yaml", module)


def measures(rows: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """measure -> (has it, answered), each bool (n,), as chapters 3 to 5 define them."""
    rated = np.column_stack([rows[name].notna() for name in perceptions.FORMS])
    found = {}
    for name, labels in ((RARE, RATINGS[2:]), (NONE, RATINGS[3:])):
        little = np.column_stack([rows[form].isin(labels) for form in perceptions.FORMS])
        found[name] = (little | ~rated).all(axis=1) & rated.any(axis=1), rated.any(axis=1)
    taken, answered = preparation.taken(rows), preparation.answered(rows)
    found |= {name: (taken[name], answered[name]) for name in preparation.STEPS}
    given = identification.answers(rows)
    return found | {ANY: (given.any_case, given.answered)}


def shares_of(rows: pd.DataFrame, design: SurveyDesign, parts: list, level: float) -> pd.DataFrame:
    """``survey.shares`` of all ``MEASURES`` by the domains ``parts``."""
    found = [survey.shares(design, {name: has}, known, parts, level) for name, (has, known) in measures(rows).items()]
    return pd.concat(found, ignore_index=True)


# -- early and late respondents ----------------------------------------------------------------------------------------


def by_wave(rows: pd.DataFrame, design: SurveyDesign, level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(shares by the mailing that brought the return, tests that all are equal with Holm's adjustment)."""
    parts = [(MAILING, name, (rows["wave"] == name).to_numpy()) for name in WAVES]
    checks = [builders.tests(design, {name: has}, known, parts) for name, (has, known) in measures(rows).items()]
    return shares_of(rows, design, parts, level), builders.adjusted(*checks)


def late_odds(rows: pd.DataFrame, design: SurveyDesign, level: float) -> pd.DataFrame:
    """Odds ratios of the last mailing's respondents against earlier ones, given the variables of the response model.

    One weighted logistic regression a measure (``national_survey.propensity_model`` and the mailing). Columns: measure,
    value, low, high, se (of the log), n, p, p_adjusted (Holm); missing where the regression cannot be fitted.
    """
    x = national_survey.propensity_model(rows).assign(**{LAST: (rows["wave"] == WAVES[-1]).astype(float)})
    found = []
    for name, (has, known) in measures(rows).items():
        line = {"measure": name} | dict.fromkeys(("value", "low", "high", "se", "p"), np.nan)
        try:
            table = models.logistic(design, has.astype(float), x, known).table(level).set_index("term").loc[LAST]
            line |= {end: float(np.exp(table[start])) for end, start in ODDS.items()}
            line |= {"se": table["se"], "p": table["p"]}
        except InputError:
            pass  # separated or without variation: there is no odds ratio to report
        found.append(line | {"n": int(known.sum())})
    table = pd.DataFrame(found)
    return table.assign(p_adjusted=hypotheses.adjusted(table["p"].to_numpy()))


ODDS = {"value": "coefficient", "low": "low", "high": "high"}


def stopped(
    frame: pd.DataFrame,
    disposition: pd.DataFrame,
    answers: pd.DataFrame,
    rules: dict,
    settings: dict,
) -> pd.DataFrame:
    """Shares had the survey ended after each mailing: later outcomes count as no contact, and all is weighted again.

    frame, disposition, answers : cleaned tables; rules : sample design. Domains: '1 of 3' and so on, as words.
    """
    found = []
    for k, name in enumerate(WAVES):
        later = (disposition["wave"].cat.codes > k).to_numpy()
        cut = disposition.assign(outcome=disposition["outcome"].mask(later, "No contact"))
        sample, _ = national_survey.weigh(frame, cut, rules, settings)
        back = sample.loc[sample["responded"], "agency_id"]
        rows, design = national_survey.respondents(sample, answers[answers["agency_id"].isin(back)])
        parts = [(STOPPED, f"{name} only" if k == 0 else f"To {name.lower()}", np.ones(len(rows), dtype=bool))]
        found.append(shares_of(rows, design, parts, settings["confidence_level"]))
    return pd.concat(found, ignore_index=True)


# -- departures from missing at random ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Study:
    """Respondents (n) with their design, and the part ``own`` (n,) of each weight that stands for the agency's like.

    The rest of the weight stands for agencies that did not answer: own = 1 / (eligibility factor x response factor).
    """

    rows: pd.DataFrame
    design: SurveyDesign
    own: np.ndarray

    @classmethod
    def of(cls, rows: pd.DataFrame, design: SurveyDesign) -> Study:
        """Of the tables of ``national_survey.respondents``."""
        return cls(rows, design, 1 / (rows["eligibility"] * rows["nonresponse"]).to_numpy(dtype=float))

    def response(self, inside: np.ndarray) -> float:
        """Weighted share of the agencies inside that answered."""
        weight = self.design.weight[inside]
        return float(weight @ self.own[inside] / weight.sum())


@dataclass(frozen=True, eq=False)
class Departure:
    """A share when non-respondents differ: the estimate, and the non-respondents' own share."""

    found: estimate.Estimate
    others: float


def departed(study: Study, has: np.ndarray, inside: np.ndarray, odds: float) -> Departure:
    """Share of ``has`` among ``inside`` when non-respondents have ``odds`` times the odds of respondents of their class.

    A pattern-mixture model (Rubin 1977; Little 1993): with p the share of a class that its non-respondents have
    when missing at random, theirs is q = odds p / (1 - p + odds p). The estimate is the mean of
    z = own y + (1 - own) (q + dq/dp (y - p)), so that its linearized variance takes in the estimation of every p. A class
    where nobody or everybody has it stays as it is. odds = 1 gives the plain share.
    """
    y = np.where(inside, has, False).astype(float)
    cells = pd.factorize(study.rows["cell"])[0]
    other = np.where(inside, study.design.weight * (1 - study.own), 0.0)
    size = np.bincount(cells, other)
    p = np.divide(np.bincount(cells, other * y), size, out=np.zeros(len(size)), where=size > 0)[cells]
    q = odds * p / (1 - p + odds * p)
    slope = odds / (1 - p + odds * p) ** 2
    z = study.own * y + (1 - study.own) * (q + slope * (y - p))
    whole = other.sum()
    return Departure(
        estimate.mean(study.design, np.where(inside, z, 0.0), inside),
        float(other @ q / whole) if whole > 0 else np.nan,
    )


def bounds(study: Study, has: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """Share if no non-respondent had it, and if all had (Manski 1989)."""
    weight = study.design.weight * inside
    low = float(weight @ (study.own * has) / weight.sum())
    return low, low + 1 - study.response(inside)


@dataclass(frozen=True, eq=False)
class Claim:
    """A finding that non-respondents may overturn.

    groups : one (agencies inside, bool (n,)) for a share against one half; two for a difference, first less second,
    against zero, where non-respondents of the two depart in opposite directions. n : respondents, the fewest of a group.
    """

    ident: str
    text: str
    measure: str
    has: np.ndarray
    groups: tuple[np.ndarray, ...]

    @property
    def threshold(self) -> float:
        """One half for a share, zero for a difference."""
        return MAJORITY if len(self.groups) == 1 else 0.0

    @property
    def n(self) -> int:
        """Respondents of the smallest group."""
        return min(int(inside.sum()) for inside in self.groups)


def at(study: Study, claim: Claim, log_odds: float, level: float) -> dict[str, float]:
    """value, se, low, high of the claim at a departure; others: the first group's non-respondents' share."""
    parts = [
        departed(study, claim.has, inside, np.exp(sign * log_odds))
        for inside, sign in zip(claim.groups, (1, -1), strict=False)
    ]
    if len(parts) == 1:
        found = parts[0].found
        low, high = found.interval(level, "logit")[0]
        value, se = found.value[0], found.se[0]
    else:
        together = estimate.stack(study.design, [part.found for part in parts])
        value, se, test = estimate.contrast(together, [1, -1])
        half = distributions.t_quantile((1 + level) / 2, test.df_residual) * se
        low, high = value - half, value + half
    return {"value": value, "se": se, "low": low, "high": high, "others": parts[0].others}


@dataclass(frozen=True)
class Tipping:
    """Departures at which a claim vanishes: for its estimate and for its limit; None where none within range does.

    start : ``at`` of no departure; above : the claim is 'more than the threshold'; established : its interval excludes
    the threshold; value, limit : (odds ratio, ``at`` it); worst : the claim's value when all non-respondents of each
    group are against it, from ``bounds``; withheld : the claim is without its numbers (``screened_tipping``).
    """

    claim: Claim
    start: dict[str, float]
    above: bool
    established: bool
    response: float
    value: tuple[float, dict] | None
    limit: tuple[float, dict] | None
    worst: float
    withheld: bool = False


def tipping(study: Study, claim: Claim, largest: float, level: float) -> Tipping:
    """Odds ratios, between 1 and ``largest`` or its inverse, that bring the claim's estimate and limit to the threshold."""
    start = at(study, claim, 0.0, level)
    above = start["value"] > claim.threshold
    end = "low" if above else "high"
    established = (start[end] > claim.threshold) == above and start[end] != claim.threshold
    far = -np.log(largest) if above else np.log(largest)

    def cross(name: str) -> tuple[float, dict] | None:
        def gap(log_odds: float) -> float:
            return at(study, claim, log_odds, level)[name] - claim.threshold

        if not gap(0.0) * gap(far) < 0:
            return None
        root = optimize.brentq(gap, *sorted((0.0, far)), xtol=1e-6)
        return float(np.exp(root)), at(study, claim, root, level)

    limits = [bounds(study, claim.has, inside) for inside in claim.groups]
    side = 0 if above else 1
    worst = limits[0][side] - (limits[1][1 - side] if len(limits) > 1 else 0.0)
    response = study.response(np.any(claim.groups, axis=0))
    return Tipping(
        claim, start, above, bool(established), response, cross("value"), cross(end) if established else None, worst
    )


def claims(study: Study, parts: list) -> list[Claim]:
    """The headline shares against one half, any case in the largest communities too; the largest less other communities."""
    sizes = [(name, inside) for breakdown, name, inside in parts if breakdown == builders.SIZE]
    (label, large), others = sizes[-1], np.any([inside for _, inside in sizes[:-1]], axis=0)
    here = survey.communities(label)
    found = []
    known = measures(study.rows)
    for name in HEADLINES:
        has, answered = known[name]
        found.append(Claim(KEYS[name], name, name, has, (answered,)))
    has, answered = known[ANY]
    found.append(Claim(f"{KEYS[ANY]}.largest", f"{ANY}, {here}", ANY, has, (answered & large,)))
    for name in HEADLINES:
        has, answered = known[name]
        text = f"{name}: {here} less others"
        found.append(Claim(f"{KEYS[name]}.difference", text, name, has, (answered & large, answered & others)))
    return found


KEYS = {
    RARE: "every-rare",
    NONE: "every-none",
    TRAINING: "training",
    PROTOCOL: "protocol",
    PERSONNEL: "personnel",
    ANY: "any-case",
}


def curves(study: Study, largest: float, steps: int, level: float) -> pd.DataFrame:
    """The headline shares over odds ratios from 1 / ``largest`` to ``largest``: measure, odds, share, se, low, high, n."""
    found = []
    for name, (has, known) in measures(study.rows).items():
        if name in HEADLINES:
            claim = Claim(KEYS[name], name, name, has, (known,))
            for log_odds in np.linspace(-np.log(largest), np.log(largest), steps):
                point = at(study, claim, log_odds, level)
                line = {"measure": name, "odds": float(np.exp(log_odds)), "share": point.pop("value")}
                found.append(line | point | {"n": claim.n})
    return pd.DataFrame(found)


SCENARIOS = [
    "Missing at random",
    "As the last mailing",
    "Half the odds",
    "Twice the odds",
    "None has it",
    "All have it",
]


def scenarios(study: Study, late: pd.DataFrame, level: float) -> pd.DataFrame:
    """The headline shares when non-respondents depart: measure, scenario, share, se, low, high, n, others.

    'As the last mailing': odds times ``late_odds``; the last two are ``bounds`` and have no sampling error given here.
    """
    odds_of = late.set_index("measure")["value"]
    found = []
    for name in HEADLINES:
        has, known = measures(study.rows)[name]
        claim = Claim(KEYS[name], name, name, has, (known,))
        for scenario, odds in zip(SCENARIOS, (1.0, odds_of[name], 0.5, 2.0), strict=False):
            point = dict.fromkeys(("value", "se", "low", "high", "others"), np.nan)
            if np.isfinite(odds):
                point = at(study, claim, float(np.log(odds)), level)
            found.append({"measure": name, "scenario": scenario, "share": point.pop("value")} | point | {"n": claim.n})
        for scenario, share, others in zip(SCENARIOS[4:], bounds(study, has, known), (0.0, 1.0), strict=True):
            line = {"measure": name, "scenario": scenario, "share": share, "others": others, "n": claim.n}
            found.append(line | {"se": 0.0, "low": np.nan, "high": np.nan})
    return pd.DataFrame(found)


# -- items without an answer -------------------------------------------------------------------------------------------


def items(rows: pd.DataFrame, design: SurveyDesign, books: list[Codebook], level: float) -> pd.DataFrame:
    """One row a question or item of Part I but free text: counts by kind, and the weighted share without an answer.

    Columns: block, variable, item, label, asked, answered, dont_know, refused, missing, invalid, and those of
    ``survey.shares`` for the share refused, left out or not valid among agencies that were asked.
    """
    everybody = [(survey.ALL, survey.ALL, np.ones(len(rows), dtype=bool))]
    found = []
    for book in books:
        for one in book.variables.values():
            if not one.item or one.type == "text":
                continue
            kind = rows[f"{one.name}__missing"].astype(object)
            asked = ~kind.isin(["not_asked", "not_applicable"]).to_numpy()
            without = kind.isin(list(UNANSWERED)).to_numpy()
            line = survey.shares(design, {one.label: without}, asked, everybody, level)
            counts = {name: int((kind == name).sum()) for name in ("dont_know", *UNANSWERED)}
            answered = int((asked & rows[one.name].notna().to_numpy()).sum())
            title = book.blocks[one.block]
            place = {"block": title, "variable": one.name, "item": one.item, "label": one.label}
            found.append(line.assign(**place, asked=int(asked.sum()), answered=answered, **counts))
    return pd.concat(found, ignore_index=True)


def screened_items(found: pd.DataFrame) -> pd.DataFrame:
    """``items`` as they are published: without counts by kind of missing answer, most of which are of few agencies."""
    return found.drop(columns=["answered", "dont_know", *UNANSWERED])


def examined(rows: pd.DataFrame, design: SurveyDesign, level: float) -> None:
    """What the appendix tells of the respondents' answers, for ``disclosure.watch``; the rest follows from it.

    How many gave no answer to an item (``items``) is what the n of its chapter leaves of those asked, which is known.
    """
    by_wave(rows, design, level)
    shares_of(rows, design, [(survey.ALL, survey.ALL, np.ones(len(rows), dtype=bool))], level)


def without_left_out(found: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Table by measure without the measures whose plain share is left out; with a column domain, as of ``stopped``.

    What would have come after fewer mailings follows from the shares of these mailings.
    """
    known, wave = measures(rows), rows["wave"].cat.codes.to_numpy()
    found = found.assign(status=marks.SHOWN)
    for row in found.itertuples():
        has, answered = known[row.measure]
        names = [f"{name} only" if k == 0 else f"To {name.lower()}" for k, name in enumerate(WAVES)]
        domain = getattr(row, "domain", None)
        waves = range(names.index(domain) + 1) if domain in names else []
        inside = [answered & (wave == k) for k in waves] or [answered]
        if watch.left_out(
            f"{row.measure}, {domain or 'all'}", [row.share, row.se], [(i, has, row.measure) for i in inside]
        ):
            found.loc[row.Index, ["share", "se", "low", "high"]] = np.nan
            found.loc[row.Index, "status"] = marks.WITHHELD
    return found


def screened_tipping(one: Tipping) -> Tipping:
    """A claim without its numbers where a share that it compares is left out."""
    claim = one.claim
    sides = [(inside, claim.has, claim.measure) for inside in claim.groups]
    if not watch.left_out(claim.text, [one.start["value"], one.start["se"]], sides):
        return one
    return replace(one, start=dict.fromkeys(one.start, np.nan), value=None, limit=None, worst=np.nan, withheld=True)


def blocks(found: pd.DataFrame) -> pd.DataFrame:
    """``items`` added up by block, and for all: items, asked, dont_know, without (both in answers), as counts.

    The last two are rounded to tens, so that no count of an item that is left out follows from them.
    """
    together = found.assign(without=found[list(UNANSWERED)].sum(axis=1), items=1)
    columns = ["items", "asked", "dont_know", "without"]
    table = together.groupby("block", sort=False)[columns].sum().reset_index()
    table = pd.concat([table, together[columns].sum().to_frame().T.assign(block="Part I")], ignore_index=True)
    return table.assign(**{name: (table[name] / 10).round().astype(int) * 10 for name in ("dont_know", "without")})


def completed(rows: pd.DataFrame, design: SurveyDesign, settings: dict) -> imputation.Imputations:
    """Part I's headline items with every unknown answer imputed, don't know too, given the frame, certainty and weights."""
    given = national_survey.propensity_model(rows).iloc[:, 1:]
    given = given.assign(certainty=rows["certainty"].astype(float), log_weight=np.log(design.weight))
    chain = [imputation.Variable(name, kind) for name, kind in ITEMS.items()]
    return imputation.impute(rows[list(ITEMS)], chain, given, **settings)


def imputed(rows: pd.DataFrame, design: SurveyDesign, made: imputation.Imputations, level: float) -> pd.DataFrame:
    """Shares by complete cases and by multiple imputation: measure, method, share, se, low, high, n, missing.

    missing : unweighted share without the answers (complete cases), or fraction of missing information (imputation).
    """
    everybody = [(survey.ALL, survey.ALL, np.ones(len(rows), dtype=bool))]
    plain = shares_of(rows, design, everybody, level).assign(method=COMPLETE, missing=lambda t: 1 - t["n"] / len(rows))
    given = rows.reset_index(drop=True)

    def estimator(table: pd.DataFrame) -> estimate.Estimate:
        full = measures(given.assign(**{name: table[name] for name in ITEMS}))
        return estimate.mean(design, np.column_stack([full[name][0] for name in MEASURES]).astype(float))

    pooled = made.estimate(estimator)
    limits = pooled.interval(level, "logit")
    other = pd.DataFrame({"measure": MEASURES, "share": pooled.value, "se": pooled.se, "n": len(rows)})
    other = other.assign(low=limits[:, 0], high=limits[:, 1], method=IMPUTED, missing=pooled.fraction_missing)
    columns = ["measure", "method", "share", "se", "low", "high", "n", "missing"]
    return pd.concat([plain[columns], other[columns]], ignore_index=True)


COMPLETE, IMPUTED = "Complete cases", "Multiple imputation"


# -- coverage ----------------------------------------------------------------------------------------------------------

BIAS, SPREAD, SHAPE = "bias", "spread", "shape"


def coverage(found: pd.DataFrame) -> pd.DataFrame:
    """The simulation's design-based rows with the naive coverage, the Monte-Carlo error of a right one, and reasons.

    found : ``benchmarks/results/coverage.csv``. error : standard deviation of the share of intervals that hold the truth
    if the level is right; off : the coverage lies beyond ``ERRORS`` of it; reason : which of three accounts for most of
    the gap. With estimates normal, the coverage at a bias of b standard deviations and mean standard errors of r
    of them is pnorm(c r - b) - pnorm(-c r - b): r alone is 'spread', b alone 'bias', what both leave is 'shape' (skew, or
    standard errors that go with the estimate).
    """
    mine, naive = (found[found["analysis"] == kind].set_index("quantity") for kind in ("design", "naive"))
    c = distributions.normal_quantile((1 + NOMINAL) / 2)
    bias, spread = mine["bias"] / mine["sd"], mine["se_ratio"]

    def normal(r, b) -> np.ndarray:
        return distributions.normal_share(c * r - b) - distributions.normal_share(-c * r - b)

    gap = mine["coverage"] - NOMINAL
    parts = {
        SPREAD: normal(spread, 0) - NOMINAL,
        BIAS: normal(1, bias) - NOMINAL,
        SHAPE: mine["coverage"] - normal(spread, bias),
    }
    effects = pd.DataFrame(parts, index=mine.index).mul(np.sign(gap), axis=0)
    error = np.sqrt(NOMINAL * (1 - NOMINAL) / mine["samples"])
    off = gap.abs() > ERRORS * error
    return mine.assign(
        bias_share=bias,
        naive=naive["coverage"].reindex(mine.index),
        error=error,
        off=off,
        reason=effects.idxmax(axis=1).where(off, ""),
    ).reset_index()


# -- all of it ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Results:
    """What the appendix shows, from the functions above."""

    waves: pd.DataFrame
    checks: pd.DataFrame
    late: pd.DataFrame
    stopped: pd.DataFrame
    tipping: list[Tipping]
    curves: pd.DataFrame
    scenarios: pd.DataFrame
    items: pd.DataFrame
    blocks: pd.DataFrame
    imputed: pd.DataFrame
    scale_reduction: float
    coverage: pd.DataFrame
    response: float

    def masked(self, hide: Callable[[pd.DataFrame], pd.DataFrame]) -> Results:
        """With estimates that may not be shown taken out of every table of shares."""
        names = ("waves", "stopped", "curves", "scenarios", "items", "imputed")
        return replace(self, **{name: hide(getattr(self, name)) for name in names})


def compute(
    rows: pd.DataFrame,
    design: SurveyDesign,
    ended: pd.DataFrame,
    books: list[Codebook],
    simulated: pd.DataFrame,
    settings: dict,
) -> Results:
    """All results.

    rows, design : ``national_survey.respondents``; ended : ``stopped``; books : codebooks of Part I's blocks; simulated :
    the benchmark's table; settings : confidence_level, population_classes, sensitivity.
    """
    check(rows)
    level, rules = settings["confidence_level"], settings["sensitivity"]
    largest = rules["largest_odds_ratio"]
    waves, checks = by_wave(rows, design, level)
    late = late_odds(rows, design, level)
    study = Study.of(rows, design)
    parts = survey.domains(rows, settings["population_classes"])
    per_item = items(rows, design, books, level)
    made = completed(rows, design, rules["imputation"])
    reduction = made.scale_reduction()

    def public(table: pd.DataFrame) -> pd.DataFrame:
        return without_left_out(table, rows)

    return Results(
        waves,
        checks,
        late,
        public(ended),
        [screened_tipping(tipping(study, claim, largest, level)) for claim in claims(study, parts)],
        public(curves(study, largest, rules["steps"], level)),
        public(scenarios(study, late, level)),
        screened_items(per_item),
        blocks(per_item),
        public(imputed(rows, design, made, level)),
        float(reduction.max()),
        coverage(simulated),
        study.response(np.ones(len(rows), dtype=bool)),
    )
