"""Chapter 6, determinants: nested models of having investigated a case, predictions, and models of the number of cases.

What the models are made of is data (``determinants`` of config/models.yaml): variables, terms, roles. Every model is
fitted under the design; a model rests on the agencies that have all variables of the largest one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from agency_survey import distributions, estimate, hypotheses, logic, marks, models
from agency_survey.codebook import Codebook
from agency_survey.design import SurveyDesign
from agency_survey.disclosure import watch
from agency_survey.errors import InputError
from agency_survey.models.terms import Terms
from agency_survey.models.truncated import truncated_negative_binomial

WHERE = "config/models.yaml"
KINDS = ("logarithms", "indicators", "categories", "derived", "scores")
PARTS = "parts"


# ---- variables -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Study:
    """Variables and design of all models.

    table : (n rows) variables by name, missing where unknown, and ``count``; design : of n rows; domain : (n,) bool,
    agencies that the chapter is about; settings : ``determinants`` of config/models.yaml.
    """

    table: pd.DataFrame
    design: SurveyDesign
    domain: np.ndarray
    settings: dict

    @property
    def outcome(self) -> np.ndarray:
        """(n,) 1 where the agency has investigated a case, 0 where not, missing where unknown."""
        return self.table[self.settings["outcome"]].to_numpy(dtype=float)

    def complete(self, names: Sequence[str]) -> np.ndarray:
        """(n,) bool: agencies of the domain with the outcome and all of the variables."""
        return self.domain & self.table[[self.settings["outcome"], *names]].notna().all(axis=1).to_numpy()

    def labels(self) -> dict[str, str]:
        """Label of each variable."""
        return {name: spec["label"] for kind in KINDS for name, spec in self.settings[kind].items()}


def merged(blocks: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Blocks of one part side by side, one row an agency; columns that several have come from the first."""
    found = blocks[0]
    for block in blocks[1:]:
        new = [name for name in block if name == "agency_id" or name not in found]
        found = found.merge(block[new], on="agency_id", how="outer", validate="one_to_one")
    return found


def study(
    rows: pd.DataFrame,
    design: SurveyDesign,
    books: Sequence[Codebook],
    settings: dict,
    unknown: Sequence[str] | None = None,
    everyone: bool = False,
) -> Study:
    """Variables of the models from respondents with their answers (``national_survey.respondents``).

    books : codebooks of the answers' blocks; unknown : kinds of missing answers that count as left out (default: the
    settings'); everyone : all agencies in place of the settings' domain. Raises InputError, naming the variable, for
    settings that the data do not have.
    """
    _check(settings)
    unknown = settings["unknown"] if unknown is None else unknown
    table = pd.DataFrame(_columns(rows, _derived(rows, books, unknown), settings), index=rows.index)
    outcome = table[settings["outcome"]]
    given = _source(rows, settings["count"], "count").astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    table["count"] = np.where(outcome == 0, 0.0, np.where(outcome == 1, given, np.nan))
    domain = np.ones(len(rows), dtype=bool)
    if not everyone:
        of, levels = settings["domain"]["of"], settings["domain"]["levels"]
        _known_levels(_source(rows, of, "domain"), levels, of)
        domain = rows[of].isin(levels).to_numpy()
    return Study(table, design, domain, settings)


def _derived(rows: pd.DataFrame, books: Sequence[Codebook], unknown: Sequence[str]) -> pd.DataFrame:
    """What the codebooks derive, with the answers of the kinds ``unknown`` taken as left out."""
    kinds = {name: rows[name] for name in rows if name.endswith("__missing")}
    given = rows.assign(**{name: kind.mask(kind.isin(list(unknown)), "missing") for name, kind in kinds.items()})
    return pd.concat([logic.derive(book, given) for book in books], axis=1)


def _columns(rows: pd.DataFrame, derived: pd.DataFrame, settings: dict) -> dict[str, object]:
    made: dict[str, object] = {}
    for name, spec in settings["logarithms"].items():
        values = _source(rows, spec["of"], name).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            made[name] = np.where(values > 0, np.log(values) / np.log(spec["base"]), np.nan) ** spec.get("power", 1)
    for name, spec in settings["indicators"].items():
        values = _source(rows, spec["of"], name)
        _known_levels(values, [spec["value"]], name)
        made[name] = np.where(values.notna(), values == spec["value"], np.nan).astype(float)
    for name, spec in settings["categories"].items():
        values = _source(rows, spec["of"], name)
        _known_levels(values, spec["levels"], name)
        made[name] = values.astype(object).where(values.isin(spec["levels"]), None)
    for name, spec in settings["derived"].items():
        values = _source(derived, spec["of"], name)
        made[name] = values.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    for name, spec in settings["scores"].items():
        made[name] = _highest(rows, spec, name)
    return made


def _highest(rows: pd.DataFrame, spec: dict, name: str) -> np.ndarray:
    """Highest score of the answers that are known; missing where none is."""
    for one in spec["of"]:
        _known_levels(_source(rows, one, name), list(spec["scores"]), name)
    scores = pd.DataFrame({one: rows[one].astype(object).map(spec["scores"]) for one in spec["of"]})
    return scores.astype(float).max(axis=1).to_numpy()


def _source(rows: pd.DataFrame, of: str, name: str) -> pd.Series:
    if of not in rows:
        raise InputError(f"The variable '{name}' is made of '{of}', which the data do not have", WHERE, "Correct 'of'")
    return rows[of]


def _known_levels(values: pd.Series, levels: Sequence[str], name: str) -> None:
    known = list(values.cat.categories) if hasattr(values, "cat") else list(values.dropna().unique())
    lost = [level for level in levels if level not in known]
    if lost:
        raise InputError(
            f"The variable '{name}' names the answer '{lost[0]}', which the data do not have",
            WHERE,
            f"Name some of {', '.join(map(str, known))}",
        )


def _check(settings: dict) -> None:
    """Refuse settings that do not fit together, which a schema cannot see."""
    known = [name for kind in KINDS for name in settings[kind]]
    twice = {name for name in known if known.count(name) > 1}
    if twice:
        raise InputError(f"The variable '{min(twice)}' is made twice", WHERE, "Rename one of the two")
    used = [settings["outcome"], *(name for one in settings["models"] for name in one["adds"]), *settings["parts"]]
    used += [name for one in settings["alternatives"] for name in [one["replace"], *one["by"]]]
    lost = [name for name in used if name not in known]
    if lost:
        raise InputError(f"The models use '{lost[0]}', which is no variable", WHERE, f"Known are {', '.join(known)}")
    last = [name for one in settings["models"] for name in one["adds"]]
    outside = [name for name in settings["roles"].values() if name not in last]
    if outside:
        raise InputError(f"The last model lacks '{outside[0]}', which has a role in the text", WHERE, "Add it")
    if settings["roles"]["size"] not in settings["logarithms"]:
        raise InputError("The role 'size' is no logarithm", WHERE, "Name one of 'logarithms'")
    if settings["margins"]["named"] not in settings["margins"]["populations"]:
        raise InputError("'margins.named' is none of 'margins.populations'", WHERE, "Add it to them")


# ---- the models ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted model with what its predictions need.

    adds : terms that the model before does not have; table : its variables, missing outside ``inside`` (n,) bool.
    """

    ident: str
    title: str
    adds: list[str]
    terms: Terms
    table: pd.DataFrame
    inside: np.ndarray
    fit: models.Fit

    @property
    def cases(self) -> int:
        """Agencies with a case among those used."""
        return int(self.fit.model.y.sum())


def model(
    part: Study,
    names: Sequence[str],
    inside: np.ndarray,
    ident: str = "",
    title: str = "",
    adds=(),
    fitter=models.logistic,
) -> Model:
    """Logistic model of the outcome on the variables ``names`` in the rows ``inside``; fitter : of ``models``."""
    table = part.table[list(names)].copy()
    table.loc[~inside] = np.nan
    levels = {}
    for name in names:
        if name in part.settings["categories"]:
            present = set(table[name].dropna())
            levels[name] = [level for level in part.settings["categories"][name]["levels"] if level in present]
    terms = models.model_terms(table, names, levels)
    fit = fitter(part.design, part.outcome, terms.matrix(table), inside)
    return Model(ident, title, list(adds or names), terms, table, inside, fit)


def nested(part: Study) -> list[Model]:
    """The models of the settings, each with the terms of those before it, all on the same agencies."""
    specs = part.settings["models"]
    inside = part.complete([name for spec in specs for name in spec["adds"]])
    names: list[str] = []
    found = []
    for spec in specs:
        names = [*names, *spec["adds"]]
        found.append(model(part, names, inside, spec["id"], spec["title"], spec["adds"]))
    return found


def in_parts(part: Study, last: Model) -> Model:
    """The last model with the parts of preparation in place of their sum."""
    parts = part.settings["parts"]
    names = replaced(last.terms.variables, part.settings["roles"]["preparation"], parts)
    return model(part, names, part.complete(names) & last.inside, PARTS, "Preparation in its parts", parts)


def replaced(names: Sequence[str], one: str, by: Sequence[str]) -> list[str]:
    """Names with one of them replaced by others."""
    return [new for name in names for new in (by if name == one else [name])]


def varying(part: Study, names: Sequence[str], inside: np.ndarray) -> list[str]:
    """The names whose variables have more than one value in the rows ``inside``."""
    return [name for name in names if part.table.loc[inside, name].nunique() > 1]


def column_label(part: Study, column: str) -> str:
    """'West (against Northeast)' of a column 'region[West]'; the label of other variables."""
    name, _, level = column.removesuffix("]").partition("[")
    label = part.labels().get(name, name)
    return f"{level} (against {_reference(part, name)})" if level else label


def _reference(part: Study, name: str) -> str:
    present = set(part.table.loc[part.domain, name].dropna())
    return next(level for level in part.settings["categories"][name]["levels"] if level in present)


def coefficients(part: Study, found: Sequence[Model], level: float) -> pd.DataFrame:
    """A row a model and column: odds ratio and average marginal effect with limits and p-values (long table)."""
    frames = []
    for one in found:
        odds = one.fit.table(level)
        effects = models.average_marginal_effects(one.fit, one.terms, one.table).table(level).set_index("term")
        odds = odds[odds["term"] != "intercept"]
        effects = effects.loc[odds["term"]].reset_index(drop=True)
        frames.append(
            pd.DataFrame(
                {
                    "model": one.ident,
                    "term": odds["term"].to_numpy(),
                    "label": [column_label(part, term) for term in odds["term"]],
                    "coefficient": odds["coefficient"].to_numpy(),
                    "se": odds["se"].to_numpy(),
                    "p": odds["p"].to_numpy(),
                    "ratio": np.exp(odds["coefficient"].to_numpy()),
                    "low": np.exp(odds["low"].to_numpy()),
                    "high": np.exp(odds["high"].to_numpy()),
                    "effect": effects["coefficient"],
                    "effect_se": effects["se"],
                    "effect_low": effects["low"],
                    "effect_high": effects["high"],
                    "effect_p": effects["p"],
                    "n": one.fit.n,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def comparisons(found: Sequence[Model]) -> pd.DataFrame:
    """What each model adds to the one before: Rao-Scott likelihood-ratio test and Wald test (columns lrt_*, wald_*)."""
    rows = []
    for one in found:
        lrt, wald = one.fit.lrt(one.adds), one.fit.wald(one.adds)
        rows.append(
            {
                "model": one.ident,
                "title": one.title,
                "df": lrt.df,
                "lrt_statistic": lrt.statistic,
                "lrt_p": lrt.p,
                "mean_eigenvalue": float(lrt.eigenvalues.mean()),
                "wald_statistic": wald.statistic,
                "wald_df_residual": wald.df_residual,
                "wald_p": wald.p,
            }
        )
    return pd.DataFrame(rows)


def fit_measures(part: Study, found: Sequence[Model], level: float) -> pd.DataFrame:
    """By model: agencies, agencies with a case, Nagelkerke's R2 under the design, AUC with limits, test of fit."""
    rows = []
    for one in found:
        area = models.auc(one.fit)
        low, high = area.interval(level)[0]
        groups, test = goodness(one.fit, part.settings["diagnostics"])
        rows.append(
            {
                "model": one.ident,
                "title": one.title,
                "n": one.fit.n,
                "cases": one.cases,
                "nagelkerke": models.pseudo_r2(one.fit)["nagelkerke"],
                "auc": float(area.value[0]),
                "auc_se": float(area.se[0]),
                "auc_low": low,
                "auc_high": high,
                "groups": groups,
                "fit_statistic": test.statistic,
                "fit_p": test.p,
            }
        )
    return pd.DataFrame(rows)


def predictions(fit: models.Fit) -> np.ndarray:
    """Fitted probabilities (m,) of the rows used."""
    return fit.model.mean(fit.coefficients, fit.model.rows.x, fit.model.rows.offset)[:, 0]


def risk_groups(fit: models.Fit, settings: dict) -> np.ndarray | None:
    """Group (m,) of each row used, by fitted probability, all with about the same weighted expected number of cases.

    Where cases are rare, groups of the same weight hold hardly any case but for the last. ``settings['groups']`` groups
    or fewer: each must hold ``settings['smallest']`` agencies with and without a case; None where two groups do not.
    """
    p, y = predictions(fit).round(12), fit.model.y
    _, at = np.unique(p, return_inverse=True)
    share = np.cumsum(np.bincount(at, fit.model.rows.weight * p))
    for groups in range(settings["groups"], 1, -1):
        _, group = np.unique(np.ceil(groups * share / share[-1] - 1e-9)[at], return_inverse=True)
        ones, zeros = np.bincount(group, y), np.bincount(group, 1 - y)
        if len(ones) == groups and min(ones.min(), zeros.min()) >= settings["smallest"]:
            return group
    return None


def mean_residual_test(fit: models.Fit, group: np.ndarray) -> estimate.Test:
    """F-adjusted test that the mean residual of each group (m,) is zero (Archer and Lemeshow 2006).

    ``models.archer_lemeshow`` on given groups: W = M' V^-1 M of the g mean residuals; (f - g + 2) / (f g) W on g - 1
    and f - g + 2, f the degrees of freedom of the design.
    """
    rows, groups = fit.model.rows, int(group.max()) + 1
    residual = fit.model.y - predictions(fit)
    size = np.bincount(group, rows.weight)
    mean = np.bincount(group, rows.weight * residual) / size
    scores = np.zeros((len(group), groups))
    scores[np.arange(len(group)), group] = rows.weight / size[group] * (residual - mean[group])
    wald = float(mean @ np.linalg.solve(rows.design.covariance(rows.spread(scores)), mean))
    f = rows.design.degrees_of_freedom(rows.inside)
    statistic = (f - groups + 2) / (f * groups) * wald
    return estimate.Test(
        statistic, groups - 1, f - groups + 2, float(distributions.f_tail(statistic, groups - 1, f - groups + 2))
    )


def goodness(fit: models.Fit, settings: dict) -> tuple[int, estimate.Test]:
    """(groups, test of fit on as many); 0 and a missing test where there are too few outcomes of a kind."""
    group = risk_groups(fit, settings)
    if group is None:
        return 0, estimate.Test(np.nan, np.nan, np.nan, np.nan)
    return int(group.max()) + 1, mean_residual_test(fit, group)


def calibration(part: Study, last: Model, level: float) -> pd.DataFrame:
    """By group of fitted probability: mean prediction and observed share with logit limits."""
    group = risk_groups(last.fit, part.settings["diagnostics"])
    if group is None:
        return pd.DataFrame(columns=["group", "predicted", "share", "se", "low", "high", "n", "status"])
    rows = last.fit.model.rows
    placed, p = np.full(part.design.n, -1), np.zeros(part.design.n)
    placed[rows.inside], p[rows.inside] = group, predictions(last.fit)
    y = np.where(last.inside, part.outcome, 0.0)
    found = []
    for code in range(int(group.max()) + 1):
        inside = placed == code
        observed = estimate.mean(part.design, y, inside)
        low, high = observed.interval(level, "logit")[0]
        mean = np.average(p[inside], weights=part.design.weight[inside])
        found.append((code + 1, mean, observed.value[0], observed.se[0], low, high, int(inside.sum())))
    found = pd.DataFrame(found, columns=["group", "predicted", "share", "se", "low", "high", "n"])
    inside = [placed == code for code in range(len(found))]
    told = found.assign(breakdown="Fitted probability", domain=found["group"].astype(str), measure="Any case")
    return watch.screened(told, inside, [(y == 1) & one for one in inside])[[*found.columns, "status"]]


# ---- who the agencies are --------------------------------------------------------------------------------------------


def described(part: Study, last: Model, level: float) -> pd.DataFrame:
    """Variables of the last model among agencies with and without a case: shares of categories, means of numbers.

    Columns: variable, label, kind ('share' or 'mean'), base (of a logarithm, 0 for others), some, none, all
    (agencies with a case, without, both; each with _se, _low, _high, _n, _status), cell (fewest agencies with and without a case), p of the variable (Rao-Scott F or
    t test), in the variable's first row, and its p_status.
    """
    yes = last.inside & (part.outcome == 1)
    groups = {"some": yes, "none": last.inside & ~yes, "all": last.inside}
    codes = np.where(last.inside, yes.astype(int), -1)
    found = []
    for name in last.terms.variables:
        values, test = _describe(part, name, last, codes)
        for k, (label, y) in enumerate(values.items()):
            share = bool(np.isin(y[last.inside], (0, 1)).all())
            row = {
                "variable": name,
                "label": label,
                "kind": "share" if share else "mean",
                "p": test if k == 0 else np.nan,
                "p_status": marks.SHOWN,
            }
            row["base"] = part.settings["logarithms"].get(name, {}).get("base", 0)
            for group, inside in groups.items():
                one = estimate.mean(part.design, y, inside)
                low, high = one.interval(level, "logit" if share else "t")[0]
                row |= {group: one.value[0], f"{group}_se": one.se[0], f"{group}_low": low, f"{group}_high": high}
                row[f"{group}_n"] = int(inside.sum())
            row["cell"] = _smallest_cell(y, groups) if share else np.nan
            told = pd.DataFrame(
                [
                    {"breakdown": "Any case", "domain": group, "measure": label, "n": row[f"{group}_n"]}
                    | {"percent": share, "value": row[group]}
                    | {end: row[f"{group}_{end}"] for end in ("se", "low", "high")}
                    for group in groups
                ]
            )
            counted = [y > 0 if share else None] * len(groups)
            kept = watch.screened(told, list(groups.values()), counted)
            for group, line in zip(groups, kept.itertuples(), strict=True):
                ends = ("se", "low", "high", "status")
                row |= {group: line.value} | {f"{group}_{end}": getattr(line, end) for end in ends}
            sides = [(inside, y > 0 if share else None, label) for inside in list(groups.values())[:2]]
            if watch.left_out(f"{label}, by any case", [row["p"]], sides):
                row |= {"p": np.nan, "p_status": marks.WITHHELD if k == 0 else marks.SHOWN}
            found.append(row)
    return pd.DataFrame(found)


def _describe(part: Study, name: str, last: Model, codes: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
    """(columns by label, p-value of the difference between agencies with and without a case)."""
    column, label = last.table[name], part.labels()[name]
    if name in last.terms.levels:
        levels = last.terms.levels[name]
        place = column.map({level: k for k, level in enumerate(levels)}).fillna(-1).astype(int).to_numpy()
        test = hypotheses.crosstab(part.design, codes, place, 2, len(levels)).rao_scott().f_second.p
        return {f"{label}: {level}": (place == k).astype(float) for k, level in enumerate(levels)}, test
    y = np.where(last.inside, column.to_numpy(dtype=float), 0.0)
    if np.isin(y, (0, 1)).all():
        place = np.where(last.inside, y.astype(int), -1)
        return {label: y}, hypotheses.crosstab(part.design, codes, place, 2, 2).rao_scott().f_second.p
    return {label: y}, hypotheses.t_test(part.design, y, codes).test.p


def _smallest_cell(y: np.ndarray, groups: dict) -> int:
    """Fewest agencies of the four cells of an indicator by the outcome."""
    return int(min((y[groups[one]] == value).sum() for one in ("some", "none") for value in (0, 1)))


# ---- predictions -----------------------------------------------------------------------------------------------------


def sizes(part: Study) -> np.ndarray:
    """Populations of the margins on the scale of the variable of size."""
    base = part.settings["logarithms"][part.settings["roles"]["size"]]["base"]
    return np.log(np.array(part.settings["margins"]["populations"], dtype=float)) / np.log(base)


def margins(part: Study, last: Model, level: float) -> pd.DataFrame:
    """Mean predicted probability at each population and number of steps, the other variables as they are.

    Predictive margins (Graubard and Korn 1999); limits on the log-odds scale. Columns: population,
    step, share, se, low, high.
    """
    roles, spec = part.settings["roles"], part.settings["margins"]
    frames = []
    for step in spec["steps"]:
        table = last.table.assign(**{roles["preparation"]: np.where(last.inside, float(step), np.nan)})
        found = models.predicted_margins(last.fit, last.terms, table, roles["size"], list(sizes(part)))
        p, se = found.coefficients, found.se
        half = distributions.t_quantile(0.5 + level / 2, found.df) * se / (p * (1 - p))
        centre = np.log(p / (1 - p))
        low, high = (1 / (1 + np.exp(-(centre + sign * half))) for sign in (-1, 1))
        frames.append(
            pd.DataFrame(
                {"population": spec["populations"], "step": step, "share": p, "se": se, "low": low, "high": high}
            )
        )
    return pd.concat(frames, ignore_index=True)


# ---- number of cases -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Counts:
    """Models of the number of cases.

    positive : zero-truncated negative binomial among agencies with a case; overall : negative binomial of all agencies.
    ratios : long table (part, term, label, ratio, low, high, p, n); expected : mean number of cases of the hurdle
    model by population and step; zeros : shares of agencies without a case (observed, foretold by the
    hurdle, by ``overall``).
    """

    positive: models.Fit
    overall: models.Fit
    ratios: pd.DataFrame
    expected: pd.DataFrame
    zeros: tuple[float, float, float]


def counts(part: Study, last: Model, level: float) -> Counts:
    """Hurdle model (Mullahy 1986): ``last`` for any case, a zero-truncated negative binomial for how many.

    An agency of unknown number is left out of the second part and of the negative binomial model beside it.
    """
    number = part.table["count"].to_numpy(dtype=float)
    x = last.terms.matrix(last.table)
    known = last.inside & np.isfinite(number)
    positive = truncated_negative_binomial(part.design, number, x, known & (number > 0))
    overall = models.negative_binomial(part.design, number, x, known)
    frames = []
    for name, fit in (("any", last.fit), ("positive", positive), ("overall", overall)):
        table = fit.table(level)
        table = table[~table["term"].isin(["intercept", "log(theta)"])]
        frames.append(
            pd.DataFrame(
                {
                    "part": name,
                    "term": table["term"],
                    "label": [column_label(part, term) for term in table["term"]],
                    "ratio": np.exp(table["coefficient"]),
                    "low": np.exp(table["low"]),
                    "high": np.exp(table["high"]),
                    "p": table["p"],
                    "n": fit.n,
                }
            )
        )
    ratios = pd.concat(frames, ignore_index=True)
    return Counts(positive, overall, ratios, expected_cases(part, last, positive, level), _zeros(last, overall))


def _zeros(last: Model, overall: models.Fit) -> tuple[float, float, float]:
    rows = overall.model.rows
    mu = overall.model.mean(overall.coefficients, rows.x, rows.offset)[:, 0]
    theta = float(np.exp(overall.coefficients[-1]))
    none = np.average((theta / (theta + mu)) ** theta, weights=rows.weight)
    observed = np.average(overall.model.y == 0, weights=rows.weight)
    hurdle = 1 - np.average(predictions(last.fit), weights=last.fit.model.rows.weight)
    return float(observed), float(hurdle), float(none)


def expected_cases(part: Study, last: Model, positive: models.Fit, level: float) -> pd.DataFrame:
    """Mean expected number of cases, P(any) E(number | any), at each population and number of steps.

    Influences of both parts and of the covariates are added agency by agency, so that their covariance counts;
    limits on the log scale. Columns: population, step, value, se, low, high.
    """
    roles, spec, rows = part.settings["roles"], part.settings["margins"], last.fit.model.rows
    share = rows.weight / rows.weight.sum()
    influences = last.fit.scores, positive.scores
    found = []
    for step in spec["steps"]:
        for population, size in zip(spec["populations"], sizes(part), strict=True):
            at = last.table[rows.inside].assign(**{roles["preparation"]: float(step), roles["size"]: size})
            x = last.terms.matrix(at)[rows.names].to_numpy()
            chance = last.fit.model.mean(last.fit.coefficients, x, rows.offset)[:, 0]
            number = positive.model.mean(positive.coefficients, x, rows.offset)[:, 0]
            value = float(share @ (chance * number))
            slopes = [
                last.fit.model.jacobian(last.fit.coefficients, x, rows.offset, share * number)[0],
                positive.model.jacobian(positive.coefficients, x, rows.offset, share * chance)[0],
            ]
            scores = rows.spread(share * (chance * number - value))
            scores = scores + influences[0] @ slopes[0] + influences[1] @ slopes[1]
            se = float(np.sqrt(part.design.variance(scores[:, None])[0]))
            half = distributions.t_quantile(0.5 + level / 2, positive.df) * se / value
            found.append((population, step, value, se, value * np.exp(-half), value * np.exp(half)))
    return pd.DataFrame(found, columns=["population", "step", "value", "se", "low", "high"])
