"""Chapter 6, determinants: how far the findings hold: other fits, influential agencies, bias from what came first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import optimize

from agency_survey import distributions, imputation, marks, models, replicates
from agency_survey.calibration import raking_factor
from agency_survey.codebook import Codebook
from agency_survey.design import SurveyDesign, survey_design
from agency_survey.disclosure import watch
from agency_survey.errors import InputError
from agency_survey.national_survey import weight_steps
from agency_survey.sections.determinants import (
    WHERE,
    Model,
    Study,
    calibration,
    described,
    model,
    nested,
    replaced,
    study,
    varying,
)

MAIN, CHANCE, EVERYONE = "main", "sampled", "everyone"


# ---- robustness ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Robustness:
    """Odds ratios of the roles under other ways to fit the last model.

    table : long (variant, title, role, term, ratio, low, high, p, n, cases); discarded : replicates without an
    estimate; scale_reduction : largest of the imputed variables; missing : largest fraction of missing information of
    a role.
    """

    table: pd.DataFrame
    discarded: int
    scale_reduction: float
    missing: float


def robustness(part: Study, last: Model, rows: pd.DataFrame, books: Sequence[Codebook], level: float) -> Robustness:
    """The last model again: weights, missing answers, variances, agencies and terms changed one at a time.

    rows : respondents with their answers, as ``study`` took them.
    """
    settings = part.settings
    names, roles = last.terms.variables, settings["roles"]
    found: list[pd.DataFrame] = []

    def add(ident: str, title: str, table: pd.DataFrame, n: int, cases: int, terms: dict[str, str] = roles) -> None:
        table = table.set_index("term")
        of = {role: term for role, term in terms.items() if term in table.index}
        at = table.loc[list(of.values())]
        found.append(
            pd.DataFrame(
                {
                    "variant": ident,
                    "title": title,
                    "role": list(of),
                    "term": list(of.values()),
                    "ratio": np.exp(at["coefficient"].to_numpy()),
                    "low": np.exp(at["low"].to_numpy()),
                    "high": np.exp(at["high"].to_numpy()),
                    "p": at["p"].to_numpy(),
                    "n": n,
                    "cases": cases,
                }
            )
        )

    def add_model(ident: str, title: str, one: Model, terms: dict[str, str] = roles) -> None:
        add(ident, title, one.fit.table(level), one.fit.n, one.cases, terms)

    add_model(MAIN, "The largest model as it is", last)
    plain = replace(part, design=survey_design(np.ones(part.design.n)))
    add_model("unweighted", "Unweighted", model(plain, names, last.inside))
    pooled, reduction, n, cases = imputed(part, last, rows, books)
    table = pooled.table(level).rename(columns={"estimate": "coefficient"})
    add("imputed", "Multiple imputation of unknown answers", table, n, cases)
    varied = replicated(part, last, rows)
    add("replicates", varied.title, varied.table(level), last.fit.n, last.cases)
    used = samples(part, last, rows, books)
    strict, answered = used["dont-know"]
    add_model("dont-know", "Don't know taken as missing", model(strict, names, answered))
    sampled = used[CHANCE][1]
    add_model(CHANCE, "Without certainty agencies", model(part, varying(part, names, sampled), sampled))
    whole, everyone = used[EVERYONE]
    add_model(EVERYONE, "With state agencies", model(whole, names, everyone))
    add_model("firth", "Firth's penalized likelihood", model(part, names, last.inside, fitter=models.firth_logistic))
    dropped = settings["diagnostics"]["dropped"]
    title = f"Without the {dropped} agencies of most influence"
    add_model("influence", title, model(part, names, used["influence"][1]))
    for spec in settings["alternatives"]:
        other = replaced(names, spec["replace"], spec["by"])
        terms = {role: name for role, name in roles.items() if name != spec["replace"]}
        if len(spec["by"]) == 1:
            terms |= {role: spec["by"][0] for role, name in roles.items() if name == spec["replace"]}
        add_model(spec["id"], spec["title"], model(part, other, used[spec["id"]][1]), terms)
    table = pd.concat(found, ignore_index=True).astype({"n": "Int64", "cases": "Int64"})
    table.loc[table["variant"].isin(untold(used)), ["n", "cases"]] = pd.NA
    table["n_status"] = marks.withheld(table["n"].isna())
    at = [pooled.names.index(name) for name in roles.values()]
    return Robustness(table, varied.discarded, reduction, float(pooled.fraction_missing[at].max()))


def samples(
    part: Study, last: Model, rows: pd.DataFrame, books: Sequence[Codebook]
) -> dict[str, tuple[Study, np.ndarray]]:
    """Variant -> its study and agencies (bool (n,)), of the ways to fit the last model that change the agencies."""
    settings, names = part.settings, last.terms.variables
    strict = study(rows, part.design, books, settings, unknown=["refused", "dont_know"])
    whole = study(rows, part.design, books, settings, everyone=True)
    found = {
        MAIN: (part, last.inside),
        "dont-know": (strict, strict.complete(names)),
        CHANCE: (part, last.inside & ~rows["certainty"].to_numpy(dtype=bool)),
        EVERYONE: (whole, whole.complete(names)),
        "influence": (part, last.inside & ~most_influential(part, last)),
    }
    for spec in settings["alternatives"]:
        found[spec["id"]] = (part, part.complete(replaced(names, spec["replace"], spec["by"])))
    return found


def untold(used: dict[str, tuple[Study, np.ndarray]]) -> list[str]:
    """Variants of ``samples`` whose numbers of agencies and cases may not be told (``disclosure.watch``).

    Who is in some variants and not in others is known to all (state agencies, certainties): what the others leave of
    these is examined, too.
    """
    main = used[MAIN][1]
    sets = [(name, "in it", of, inside) for name, (of, inside) in used.items()]
    sets += [(name, "the others", used[name][0], used[name][1] ^ main) for name in (CHANCE, EVERYONE)]
    told = pd.DataFrame([{"breakdown": f"Model: {what}", "domain": name} for name, what, *_ in sets])
    told["measure"] = "With a case"
    bases, counted = [base for *_, base in sets], [of.outcome == 1 for *_, of, _ in sets]
    return list(told.loc[np.isnan(watch.counts(told, bases, counted)), "domain"].unique())


def examined(rows: pd.DataFrame, design: SurveyDesign, books: Sequence[Codebook], settings: dict, level: float) -> None:
    """What the chapter tells of the agencies' answers, for ``disclosure.watch``; settings : of the models."""
    part = study(rows, design, books, settings)
    last = nested(part)[-1]
    described(part, last, level)
    calibration(part, last, level)
    untold(samples(part, last, rows, books))


def imputed(part: Study, last: Model, rows: pd.DataFrame, books: Sequence[Codebook]):
    """(pooled last model, largest scale reduction, agencies, agencies with a case in the first table).

    Unknown answers of the settings' items, don't know among them, are imputed given the frame and the weights, for all
    respondents; the variables are derived from the completed answers.
    """
    settings, names = part.settings["imputation"], last.terms.variables
    items = list(settings["items"])
    lost = [name for name in [*items, *settings["given"]] if name not in rows]
    if lost:
        raise InputError(f"The imputation uses '{lost[0]}', which the data do not have", WHERE, "Correct its name")
    size = part.table[part.settings["roles"]["size"]]
    given = {"log weight": np.log(part.design.weight), "size": size.fillna(size.mean()).to_numpy()}
    for name in settings["given"]:
        labels = rows[name].astype(str)
        given |= {f"{name} {label}": (labels == label).to_numpy(dtype=float) for label in sorted(labels.unique())[1:]}
    chain = [imputation.Variable(name, kind) for name, kind in settings["items"].items()]
    made = imputation.impute(
        rows[items],
        chain,
        pd.DataFrame(given),
        m=settings["m"],
        iterations=settings["iterations"],
        seed=settings["seed"],
    )
    fits = []
    for table in made.tables:
        answered = {f"{name}__missing": rows[f"{name}__missing"].where(table[name].isna()) for name in items}
        full = study(
            rows.assign(**{name: table[name] for name in items}, **answered), part.design, books, part.settings
        )
        fits.append(model(full, names, full.complete(names)))
    reduction = made.scale_reduction()
    pooled = imputation.combine([one.fit for one in fits])
    return pooled, float(reduction.max()), fits[0].fit.n, fits[0].cases


@dataclass(frozen=True, eq=False)
class Varied:
    """Coefficients of a fit with replicate variances."""

    title: str
    names: list[str]
    found: replicates.Replicated

    @property
    def discarded(self) -> int:
        """Replicates without an estimate."""
        return self.found.discarded

    def table(self, level: float) -> pd.DataFrame:
        """term, coefficient, low, high, p."""
        limits = self.found.interval(level)
        t = np.abs(self.found.value / self.found.se)
        return pd.DataFrame(
            {
                "term": self.names,
                "coefficient": self.found.value,
                "se": self.found.se,
                "low": limits[:, 0],
                "high": limits[:, 1],
                "p": 2 * distributions.t_tail(t, self.found.df),
            }
        )


def replicated(part: Study, last: Model, rows: pd.DataFrame) -> Varied:
    """The last model with replicate variances; raking is repeated in every replicate.

    Replicates are drawn from the design before raking (weights up to trimming, strata ``cell``), whose sums by stratum
    they keep, so that response in classes needs no repetition.
    """
    settings = part.settings["replicates"]
    before = survey_design(weight_steps(rows).weight("trimming"), rows["cell"], rows["cell_population"])
    if settings["method"] == "jackknife":
        drawn, title = replicates.jkn(before), "Jackknife variances"
    else:
        drawn = replicates.rescaled_bootstrap(before, settings["number"], settings["seed"])
        title = f"Bootstrap variances ({settings['number']:,} replicates)"
    x, y = last.terms.matrix(last.table), part.outcome
    found = replicates.replicate(
        drawn, lambda design: models.logistic(design, y, x, last.inside), raking(rows, part.design.weight)
    )
    return Varied(title, last.fit.names, found)


def raking(rows: pd.DataFrame, weight: np.ndarray) -> Callable[[np.ndarray], np.ndarray] | None:
    """Weights (n,) -> weights raked to the margins that ``weight`` has, by the columns raking_*; None without any."""
    codes = {name: pd.factorize(rows[name])[0] for name in rows if name.startswith("raking_")}
    totals = {name: pd.Series(weight).groupby(values).sum() for name, values in codes.items()}
    return (lambda given: given * raking_factor(given, codes, totals)) if codes else None


# ---- diagnostics -----------------------------------------------------------------------------------------------------


def diagnostics(last: Model) -> pd.DataFrame:
    """By column: variance inflation under the design, largest change in standard errors when one agency is left out."""
    inflation = models.variance_inflation(last.fit)
    moved = models.influence(last.fit)
    change = moved[last.fit.names].abs() / last.fit.se
    limit = 2 / np.sqrt(last.fit.n)
    return pd.DataFrame(
        {
            "term": last.fit.names,
            "inflation": inflation.to_numpy(),
            "largest_change": change.max().to_numpy(),
            "agencies_over": (change > limit).sum().to_numpy(),
            "limit": limit,
            "leverage": moved["leverage"].max(),
        }
    ).query("term != 'intercept'", engine="python")


def most_influential(part: Study, last: Model) -> np.ndarray:
    """(n,) bool: the agencies whose absence moves preparation's coefficient most, ``diagnostics.dropped`` of them."""
    change = models.influence(last.fit)[part.settings["roles"]["preparation"]].abs()
    found = np.zeros(part.design.n, dtype=bool)
    found[change.sort_values(ascending=False, kind="stable").index[: part.settings["diagnostics"]["dropped"]]] = True
    return found


# ---- what came first -------------------------------------------------------------------------------------------------


def e_value(ratio: float) -> float:
    """Least risk ratio that an unmeasured cause must have with both variables to explain ``ratio`` away.

    VanderWeele and Ding (2017): R + sqrt(R (R - 1)) for R >= 1, of 1 / R below.
    """
    ratio = max(ratio, 1 / ratio)
    return float(ratio + np.sqrt(ratio * (ratio - 1)))


def e_value_of_limits(ratio: float, low: float, high: float) -> float:
    """E-value of the limit nearest to 1; 1 where the interval holds 1."""
    if low <= 1 <= high:
        return 1.0
    return e_value(low if ratio > 1 else high)


def risk_ratios(part: Study, last: Model, level: float) -> pd.DataFrame:
    """Standardized risk ratios (of predictive margins) of the roles but size, limits on the log scale, E-values."""
    roles, most = part.settings["roles"], max(part.settings["margins"]["steps"])
    contrasts = [(roles["preparation"], 0, 1), (roles["preparation"], 0, most)]
    contrasts += [(roles[role], 0, 1) for role in ("perception", "partner")]
    rows = []
    for name, low_value, high_value in dict.fromkeys(contrasts):
        found = models.predicted_margins(last.fit, last.terms, last.table, name, [low_value, high_value])
        below, above = found.coefficients
        slope = np.array([-1 / below, 1 / above])
        centre, se = np.log(above / below), float(np.sqrt(slope @ found.covariance @ slope))
        half = distributions.t_quantile(0.5 + level / 2, found.df) * se
        ratio, low, high = (float(np.exp(v)) for v in (centre, centre - half, centre + half))
        rows.append(
            {
                "variable": name,
                "start": low_value,
                "end": high_value,
                "ratio": ratio,
                "low": low,
                "high": high,
                "e_value": e_value(ratio),
                "e_value_limit": e_value_of_limits(ratio, low, high),
            }
        )
    return pd.DataFrame(rows)


def shifted(part: Study, last: Model, name: str, share: float) -> models.Fit:
    """The last model had a share of the agencies with a case come to ``name`` > 0 only after their first case.

    Each agency with a case and ``name`` > 0 counts as it is with 1 - share of its weight and with ``name`` = 0 with the
    rest: the estimating equations are then the mean of those over all ways to choose the share at random. Both halves'
    influences are added up by agency for the variance.
    """
    n, y = part.design.n, part.outcome
    hit = last.inside & (y == 1) & (last.table[name].fillna(0).to_numpy(dtype=float) > 0)
    moved = np.where(hit, share, 0.0) * part.design.weight
    weight = np.concatenate([part.design.weight - moved, moved])
    before = last.table.assign(**{name: last.table[name].where(~hit, 0.0)})
    x = last.terms.matrix(pd.concat([last.table, before], ignore_index=True))
    inside = np.concatenate([last.inside, hit])
    fit = models.logistic(survey_design(weight), np.concatenate([y, y]), x, inside)
    scores = fit.scores
    scores = scores[:n] + scores[n:]
    covariance = part.design.covariance(scores)
    return replace(fit, covariance=covariance, df=last.fit.df, n=last.fit.n, influence=scores)


@dataclass(frozen=True)
class Tipping:
    """Shares at which a coefficient's interval first holds zero, and at which it is zero; None where none tried is."""

    interval: float | None
    estimate: float | None


def simultaneity(part: Study, last: Model, level: float) -> tuple[pd.DataFrame, dict[str, Tipping]]:
    """Odds ratios over the shares of the settings, for preparation and perception, and where they lose their sign.

    Table: variable, share, ratio, low, high.
    """
    shares = sorted(part.settings["simultaneity"])
    rows, tipping = [], {}
    for role in ("preparation", "perception"):
        name = part.settings["roles"][role]

        def at(share: float, name: str = name) -> np.ndarray:
            """Coefficient and its limits."""
            line = shifted(part, last, name, share).table(level).set_index("term").loc[name]
            return line[["coefficient", "low", "high"]].to_numpy(dtype=float)

        found = np.array([at(share) for share in shares])
        rows.append(
            pd.DataFrame({"variable": name, "share": shares}).assign(
                **dict(zip(("ratio", "low", "high"), np.exp(found).T, strict=True))
            )
        )
        tipping[role] = Tipping(_crossing(at, shares, found, 1), _crossing(at, shares, found, 0))
    return pd.concat(rows, ignore_index=True), tipping


def _crossing(
    at: Callable[[float], np.ndarray], shares: Sequence[float], found: np.ndarray, column: int
) -> float | None:
    """First share at which the value in the column is no longer above zero, between the two grid points around it."""
    below = np.flatnonzero(found[:, column] <= 0)
    if not len(below):
        return None
    if below[0] == 0:
        return float(shares[0])
    left, right = shares[below[0] - 1], shares[below[0]]
    return float(optimize.brentq(lambda share: at(share)[column], left, right, xtol=1e-4))
