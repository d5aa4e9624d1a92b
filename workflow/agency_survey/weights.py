"""Survey weights as products of factors, one function a step, and the outcome rates of the fieldwork.

Base weight (inclusion probability), eligibility, non-response (weighting classes or response propensity),
post-stratification, trimming with redistribution, second phase. Raking and calibration stand in ``calibration``.
``WeightSteps`` keeps the factor of every step, so that weight = product of factors can be checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from agency_survey.columns import flags, numbers, one_length
from agency_survey.errors import InputError
from agency_survey.solvers import newton_logistic


def _refuse(bad: np.ndarray, what: str, fix: str = "Correct the frame or the dispositions") -> None:
    bad = np.asarray(bad, dtype=bool)
    if bad.any():
        raise InputError(what, f"row {np.flatnonzero(bad)[0] + 1}", fix)


def label_codes(labels, missing: str) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n,) of labels and the labels (K,) in the order of their first rows; ``missing``: sentence for no label."""
    if not isinstance(labels, pd.Series | pd.Index | pd.Categorical | np.ndarray):
        labels = np.asarray(labels, dtype=object)
    codes, names = pd.factorize(labels)
    _refuse(codes < 0, missing)
    return codes, np.asarray(names)


def checked_weights(weight) -> np.ndarray:
    """Weights (n,) as floats. Raises InputError for a weight that is missing, negative or infinite."""
    weight = numbers(weight, "A weight")
    if weight.ndim != 1:
        raise InputError(f"{weight.shape[1]} columns of weights are given", fix="Give one weight a row")
    _refuse(~(np.isfinite(weight) & (weight >= 0)), "A weight is missing, negative or infinite")
    return weight


def known_totals(names: np.ndarray, sums: np.ndarray, totals: pd.Series, kind: str, of: str = "") -> np.ndarray:
    """Known totals (K,) of the labels ``names`` whose weights add up to ``sums``; ``kind``: 'cell' or 'category'.

    Raises InputError for a label without a known total, a repeated, missing, negative or infinite total, a total above
    0 of which the sample holds nothing, and a total of 0 for a label with weight in the sample.
    """
    of = f" of {of}" if of else ""
    if not isinstance(totals, pd.Series | Mapping):
        raise InputError(f"The population counts{of} have no labels", fix=f"Give a Series by {kind}")
    totals = totals if isinstance(totals, pd.Series) else pd.Series(totals)
    index, counts = totals.index, numbers(totals, f"A population count{of}")
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise InputError(f"The {kind} {twice}{of} has two population counts", fix="Give one count to each")
    bad = ~(np.isfinite(counts) & (counts >= 0))
    if bad.any():
        raise InputError(
            f"The population count of the {kind} {index[bad][0]}{of} is missing, negative or infinite",
            fix="Complete the frame",
        )
    at = index.get_indexer(names)
    if (at < 0).any():
        raise InputError(
            f"No population count is known for the {kind} {min(names[at < 0], key=str)}{of}", fix="Complete the frame"
        )
    unmet = counts > 0
    unmet[at[sums > 0]] = False
    if unmet.any():
        several = "categories" if kind == "category" else f"{kind}s"
        raise InputError(f"The sample holds no agency of the {kind} {index[unmet][0]}{of}", fix=f"Collapse {several}")
    wanted = counts[at]
    empty = (wanted == 0) & (sums > 0)
    if empty.any():
        raise InputError(
            f"The sample holds agencies of the {kind} {names[empty][0]}{of}, of which the population has none",
            fix="Correct the frame",
        )
    return wanted


# ---- base weight ---------------------------------------------------------------------------------------------------


def inclusion_probability(sources: Sequence, certainty=None) -> np.ndarray:
    """Probability (n,) of entering the sample by any of several independent sources: 1 - prod_s (1 - p_s).

    sources : arrays (n,) or scalars, the probability by each source (0 where it does not reach the unit); certainty :
    (n,) bool, units that a take-all supplement brings in whatever the other sources draw. Built up as
    p = p + (1 - p) p_s, which is exact for one source and loses nothing when probabilities are tiny. A unit has this
    probability whichever source in fact brought it in (Saerndal, Swensson and Wretman 1992, section 2.4: the inclusion
    probability belongs to the design, not to the draw).
    Raises InputError for no source and for a probability that is missing or outside 0 to 1.
    """
    if not len(sources):
        raise InputError("The sample has no source", fix="Give the probabilities of at least one")
    sources = [
        numbers(np.atleast_1d(source) if np.ndim(source) == 0 else source, f"The probability of source {number}")
        for number, source in enumerate(sources, start=1)
    ]
    certainty = None if certainty is None else flags(certainty, "The certainty")
    given = [part for part in (*sources, certainty) if part is not None and len(part) != 1]
    if len({len(part) for part in given}) > 1:
        raise InputError("The probabilities of the sources differ in length", fix="Give one to a unit, or one for all")
    reached = np.zeros(np.shape(given[0]) if given else (1,))
    for number, source in enumerate(sources, start=1):
        p = np.broadcast_to(source, reached.shape)
        _refuse(~((p >= 0) & (p <= 1)), f"The probability of source {number} is missing or outside 0 to 1")
        reached = reached + (1 - reached) * p
    return reached if certainty is None else np.where(certainty, 1.0, reached)


def base_weight(probability) -> np.ndarray:
    """Base weights (n,) of sampled units: 1 / probability. Raises InputError for a probability not in (0, 1]."""
    probability = numbers(probability, "An inclusion probability")
    _refuse(~((probability > 0) & (probability <= 1)), "The inclusion probability of a sampled agency is not in 0 to 1")
    return 1 / probability


# ---- eligibility ---------------------------------------------------------------------------------------------------


def estimated_eligibility(weight, cell, eligible, unknown) -> np.ndarray:
    """AAPOR's e by class, on each row (n,): weight of the eligible over that of all whose eligibility is known.

    Proportional allocation: the unknown cases of a class are taken to be eligible as often as its known ones.
    weight : (n,) base weights; cell : (n,) class labels; eligible, unknown : (n,) bool; neither means ineligible.
    Raises InputError when a case is both eligible and unknown, or a class has unknown cases but no known one.
    """
    weight, codes, _, eligible, unknown = _eligibility(weight, cell, eligible, unknown)
    known = np.bincount(codes, weight * ~unknown)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(known > 0, np.bincount(codes, weight * eligible) / known, 0.0)
    return share[codes]


def eligibility_factor(weight, cell, eligible, unknown, method: str = "transfer") -> np.ndarray:
    """Factor (n,) for unknown eligibility, by class.

    'transfer': the weight of the unknown cases goes to the known ones of their class, eligible or not, in proportion;
    unknown cases have 0 and known ineligible cases go on standing for the ineligible part of the frame.
    'share': eligible cases keep their weight (1), ineligible ones have 0, an unknown one keeps e of its weight and goes
    on as an eligible non-respondent. A non-response step with the same classes that follows gives the same weights.
    Arguments and errors as in ``estimated_eligibility``.
    """
    weight, codes, _, eligible, unknown = _eligibility(weight, cell, eligible, unknown)
    if method == "share":
        return np.where(unknown, estimated_eligibility(weight, cell, eligible, unknown), eligible.astype(float))
    if method != "transfer":
        raise ValueError(f"unknown method: {method}")
    everybody, known = np.bincount(codes, weight), np.bincount(codes, weight * ~unknown)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where(known > 0, everybody / known, 0.0)
    return np.where(unknown, 0.0, factor[codes])


def _eligibility(weight, cell, eligible, unknown) -> tuple[np.ndarray, ...]:
    weight = checked_weights(weight)
    codes, names = label_codes(cell, "The class is missing")
    eligible, unknown = flags(eligible, "The eligibility"), flags(unknown, "The unknown eligibility")
    one_length(weights=weight, classes=codes, eligible=eligible, unknown=unknown)
    _refuse(eligible & unknown, "A case is both eligible and of unknown eligibility", "Correct its disposition")
    lost = (np.bincount(codes, weight * unknown) > 0) & (np.bincount(codes, weight * ~unknown) == 0)
    if lost.any():
        raise InputError(
            f"No case of the class {names[lost][0]} has a known eligibility", fix="Merge it with another class"
        )
    return weight, codes, names, eligible, unknown


# ---- non-response --------------------------------------------------------------------------------------------------


def nonresponse_factor(base, cell, eligible, responded) -> np.ndarray:
    """Weighting-class adjustment for unit non-response.

    In each class the factor of a respondent is the base weight of the eligible agencies over the base weight of the
    respondents; everybody else has 0 (Saerndal, Swensson and Wretman 1992, section 15.6, response homogeneity groups).

    base : (n,) base weights; cell : (n,) class labels; eligible, responded : (n,) bool. Returns (n,) factors.
    Raises InputError when a base weight or class of an eligible agency is missing, a respondent is not eligible or a
    class with eligible agencies has no respondent.
    """
    base, eligible, responded = _fieldwork(base, eligible, responded)
    codes, labels = label_codes(cell, "The weighting class is missing")
    one_length(weights=base, classes=codes)
    of_eligible = np.bincount(codes, base, len(labels))
    of_respondents = np.bincount(codes, base * responded, len(labels))
    empty = (of_eligible > 0) & (of_respondents == 0)
    if empty.any():
        names = ", ".join(sorted(str(label) for label in labels[empty]))
        raise InputError(f"A weighting class has eligible agencies but no respondent: {names}", fix="Collapse classes")
    with np.errstate(invalid="ignore"):
        factor = np.where(of_eligible > 0, of_eligible / of_respondents, 0.0)
    return np.where(responded, factor[codes], 0.0)


def _fieldwork(base, eligible, responded) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Base weights (0 for the ineligible), eligible and responded; refuses what does not fit together."""
    eligible, responded = flags(eligible, "The eligibility"), flags(responded, "The response")
    base = numbers(base, "A base weight")
    one_length(base_weights=base, eligible=eligible, responded=responded)
    base = np.where(eligible, base, 0.0)
    _refuse(eligible & ~(np.isfinite(base) & (base > 0)), "A base weight is missing, infinite or not positive")
    _refuse(responded & ~eligible, "A respondent is out of scope", "Correct its disposition")
    return base, eligible, responded


@dataclass(frozen=True)
class ResponsePropensity:
    """Non-response adjustment by response propensity.

    factor (n,): 0 but for respondents; propensity (n,): estimated probability to respond, missing for the ineligible;
    terms and coefficients (p,) of the logistic model; stratum (n,): label of the propensity stratum (None without
    strata or for the ineligible); record: strata that were collapsed, as in ``collapsed_classes``.
    """

    factor: np.ndarray
    propensity: np.ndarray
    terms: list[str]
    coefficients: np.ndarray
    stratum: np.ndarray
    record: list[dict]


def response_propensity(
    base, x: pd.DataFrame, eligible, responded, strata: int | None = None, smallest: int = 10
) -> ResponsePropensity:
    """Logistic response-propensity adjustment, weighted by the base weights.

    base : (n,); x : (n, p) design matrix with its intercept, known of respondents and non-respondents; eligible,
    responded : (n,) bool. Without ``strata`` the factor of a respondent is 1 / propensity. With ``strata`` the eligible
    are cut at the quantiles of the propensity into that many strata, those with fewer than ``smallest`` respondents are
    collapsed, and the strata are weighting classes (Little 1986): the factors vary less and depend less on the model.
    Raises InputError as ``nonresponse_factor`` does, and for a missing or collinear column, response that does not
    vary, and a term that separates respondents from the others.
    """
    base, eligible, responded = _fieldwork(base, eligible, responded)
    if not isinstance(x, pd.DataFrame):
        raise InputError("The columns of the response model have no names", fix="Give a DataFrame")
    matrix = numbers(x, "A variable of the response model")
    one_length(base_weights=base, columns=matrix)
    if strata is not None and not strata >= 1:
        raise InputError(f"{strata} propensity strata are asked for", fix="Ask for one or more")
    _refuse(eligible & ~np.isfinite(matrix).all(axis=1), "A variable of the response model is missing", "Impute it")
    used, outcome, weight = matrix[eligible], responded[eligible].astype(float), base[eligible]
    if not len(outcome) or outcome.min() == outcome.max():
        raise InputError(
            "Response does not vary among the eligible agencies, so no propensity model can be fitted",
            fix="Use weighting classes",
        )
    rank = np.linalg.matrix_rank(used)
    if rank < used.shape[1]:
        raise InputError(
            f"The columns of the response model are collinear: {used.shape[1]} columns, rank {rank}", fix="Drop a term"
        )
    terms = [str(name) for name in x.columns]
    coefficients = newton_logistic(used, outcome, weight / weight.mean(), terms)
    propensity = np.full(len(base), np.nan)
    propensity[eligible] = expit(used @ coefficients)
    stratum, record = np.full(len(base), None, dtype=object), []
    factor = np.zeros(len(base))
    if strata is None:
        factor[responded] = 1 / propensity[responded]
    else:
        inside = propensity[eligible]
        cuts = np.quantile(inside, np.arange(1, strata) / strata)
        order = np.searchsorted(cuts, inside, side="right") + 1
        stratum[eligible], record = collapsed_classes(["propensity"] * len(inside), order, outcome, smallest)
        factor[eligible] = nonresponse_factor(
            weight, stratum[eligible], np.ones(len(inside), dtype=bool), outcome.astype(bool)
        )
    return ResponsePropensity(factor, propensity, terms, coefficients, stratum, record)


def collapsed_classes(group, order, responded, smallest: int) -> tuple[np.ndarray, list[dict]]:
    """Weighting classes with enough respondents: small ones join their neighbour within the group.

    group : (n,) labels that are never mixed (agency type by certainty); order : (n,) ordered integer class within the
    group; responded : (n,) bool; smallest : respondents that a class must have. Within each group the class with the
    fewest respondents joins the smaller of its neighbours in ``order`` until all have enough or one is left.
    Returns (labels (n,), record of the collapsed classes: group, classes that became one, their respondents, and the
    number asked for). Raises InputError for a missing group and for a group with fewer than two respondents in all.
    """
    responded = flags(responded, "The response")
    one_length(groups=group, classes=order, responded=responded)
    frame = pd.DataFrame({"group": np.asarray(group, dtype=object), "order": np.asarray(order), "responded": responded})
    _refuse(frame["order"].isna().to_numpy(), "The class within the group is missing")
    _refuse(frame["group"].isna().to_numpy(), "The group of a weighting class is missing")
    label = np.empty(len(frame), dtype=object)
    record = []
    for name, part in frame.groupby("group", sort=True, observed=True):
        counts = part.groupby("order")["responded"].sum()
        if counts.sum() < 2:
            raise InputError(f"The group {name} has fewer than two respondents", fix="Merge it with another group")
        cells = [([value], int(count)) for value, count in counts.items()]
        while len(cells) > 1 and min(count for _, count in cells) < smallest:
            at = min(range(len(cells)), key=lambda k: cells[k][1])
            beside = [k for k in (at - 1, at + 1) if 0 <= k < len(cells)]
            other = min(beside, key=lambda k: cells[k][1])
            low, high = sorted((at, other))
            cells[low : high + 1] = [(cells[low][0] + cells[high][0], cells[low][1] + cells[high][1])]
        for values, count in cells:
            text = f"{name}, class {values[0]}" + (f" to {values[-1]}" if len(values) > 1 else "")
            label[part.index[part["order"].isin(values)]] = text
            if len(values) > 1:
                record.append({"group": name, "classes": values, "respondents": count, "smallest": smallest})
    return label, record


def second_phase_weight(first, cell, asked, responded) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a second phase, such as the respondents of Part II among the Part I respondents asked for it.

    weight = first-phase weight x factor, and the factor is the inverse of the class's response rate in agencies, asked
    over responding: response as a simple random sample within classes (Saerndal, Swensson and Wretman 1992, section
    15.6), the model that the variance of ``design.second_phase`` takes too.
    first : (n,) first-phase weights; cell : (n,) labels; asked, responded : (n,) bool.
    Returns (weight (n,), factor (n,)), both 0 for who was not asked or did not respond. Raises InputError for an agency
    asked without a first weight, one that answered without being asked, and a class without respondents.
    """
    asked, responded = flags(asked, "The mark of who was asked"), flags(responded, "The response")
    first = numbers(first, "A weight of the first phase")
    one_length(first_weights=first, classes=cell, asked=asked, responded=responded)
    first = np.where(asked, first, 0.0)
    _refuse(asked & ~(np.isfinite(first) & (first > 0)), "An agency of the second phase has no weight of the first")
    _refuse(responded & ~asked, "An agency answered the second phase without being asked")
    factor = nonresponse_factor(asked.astype(float), cell, asked, responded)
    return first * factor, factor


# ---- post-stratification -------------------------------------------------------------------------------------------


def poststratification_factor(weight, cell, totals: pd.Series) -> np.ndarray:
    """Factor that brings the weights of each cell to its known total (Holt and Smith 1979).

    weight : (n,); cell : (n,) labels; totals : known counts indexed by label. Returns (n,) factors.
    Raises InputError when a weight or cell is missing, a cell has no known total, a known total has no agency in the
    sample, or a cell of the sample has a known total of 0.
    """
    weight = checked_weights(weight)
    codes, names = label_codes(cell, "The cell is missing")
    one_length(weights=weight, cells=codes)
    sums = pd.Series(weight).groupby(codes).sum().to_numpy()
    wanted = known_totals(names, sums, totals, "cell")
    return np.divide(wanted, sums, out=np.zeros(len(sums)), where=sums > 0)[codes]


# ---- trimming ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trimming:
    """Trimmed weights: weight and factor (n,), trimmed (n,) bool, and one row a class in ``classes``.

    classes: class, agencies (weight above 0), cap (smallest of the class), trimmed (agencies at their cap), moved
    (weight cut from them), share (moved over the weight of the class), design_effect_before, design_effect_after.
    """

    weight: np.ndarray
    factor: np.ndarray
    trimmed: np.ndarray
    classes: pd.DataFrame

    @property
    def loss(self) -> float:
        """Share of all weight that was cut and given to others."""
        return float(self.classes["moved"].sum() / self.weight.sum())


def median_cap(weight, multiple: float, cell=None) -> np.ndarray:
    """Cap (n,) for ``trimmed_weights``: a multiple of the median positive weight, of the row's class if ``cell`` is given."""
    weight = checked_weights(weight)
    codes, _ = label_codes(np.zeros(len(weight)) if cell is None else cell, "The class is missing")
    one_length(weights=weight, classes=codes)
    medians = pd.Series(weight).where(weight > 0).groupby(codes).median()
    return multiple * medians.to_numpy()[codes]


def trimmed_weights(weight, upper, cell=None, redistribute: str = "proportional") -> Trimming:
    """Weights cut to a cap; what is cut goes to the untrimmed agencies of the class, again and again until none exceeds it.

    weight : (n,), 0 for who takes no part; upper : the cap, a number or (n,); cell : (n,) labels, or None for one class.
    redistribute : 'proportional' to the weights of the untrimmed, or 'equal' shares (R survey's ``trimWeights`` with
    ``strict=TRUE``). The sum of each class is kept. Trimming trades bias for variance (Potter 1990): the loss is recorded.
    Raises InputError for a cap that is missing or not positive, and for a class whose weight the cap cannot hold.
    """
    if redistribute not in ("proportional", "equal"):
        raise ValueError(f"unknown redistribution: {redistribute}")
    weight = checked_weights(weight)
    cap = numbers(np.full(len(weight), upper) if np.ndim(upper) == 0 else upper, "The upper limit of a weight")
    one_length(weights=weight, upper_limits=cap, classes=cell)
    _refuse((weight > 0) & ~(cap > 0), "The upper limit of a weight is missing or not positive", "Correct the limit")
    codes, names = label_codes(np.zeros(len(weight)) if cell is None else cell, "The class is missing")
    current, held = weight.copy(), np.zeros(len(weight), dtype=bool)
    while (over := current > cap).any():
        cut = np.bincount(codes, np.where(over, current - cap, 0.0), len(names))
        current = np.where(over, cap, current)
        held |= over
        free = ~held & (current > 0)
        share = free * (current if redistribute == "proportional" else 1.0)
        room = np.bincount(codes, share, len(names))
        full = (cut > 0) & (room == 0)
        if full.any():
            where = "" if cell is None else f" of the class {names[full][0]}"
            raise InputError(f"The upper limit is too low to hold the weight{where}", fix="Raise the limit")
        current += share * np.divide(cut, room, out=np.zeros(len(names)), where=room > 0)[codes]
    factor = np.divide(current, weight, out=np.ones(len(weight)), where=weight > 0)
    return Trimming(current, factor, held, _trimming_table(weight, current, cap, held, codes, names))


def _trimming_table(weight, after, cap, held, codes, names) -> pd.DataFrame:
    def sums(values) -> np.ndarray:
        return np.bincount(codes, values, len(names))

    positive = weight > 0
    lowest = pd.Series(np.where(positive, cap, np.inf)).groupby(codes).min().to_numpy()
    moved = sums(np.where(held, weight - after, 0.0).clip(0))
    with np.errstate(invalid="ignore"):
        effects = [sums(positive) * sums(w**2) / sums(w) ** 2 for w in (weight, after)]
        table = pd.DataFrame(
            {
                "class": names,
                "agencies": sums(positive).astype(int),
                "cap": lowest,
                "trimmed": sums(held).astype(int),
                "moved": moved,
                "share": moved / sums(weight),
                "design_effect_before": effects[0],
                "design_effect_after": effects[1],
            }
        )
    return table.sort_values("class", key=lambda column: column.astype(str), ignore_index=True)


# ---- the steps together --------------------------------------------------------------------------------------------


def kish_design_effect(weight) -> float:
    """Loss from unequal weights, n sum(w^2) / (sum w)^2 over positive weights (Kish 1965, section 11.7)."""
    weight = checked_weights(weight)
    weight = weight[weight > 0]
    if not len(weight):
        raise InputError("There is no positive weight", fix="Check the dispositions")
    return float(len(weight) * (weight**2).sum() / weight.sum() ** 2)


@dataclass(frozen=True)
class WeightSteps:
    """The factors (n,) of a weight by the name of their step, in order; the first is the base weight."""

    factors: dict[str, np.ndarray]

    def __post_init__(self) -> None:
        if not self.factors:
            raise InputError("The weight has no step", fix="Begin with the base weight")
        length = len(next(iter(self.factors.values())))
        for name, factor in self.factors.items():
            if len(factor) != length:
                raise InputError(
                    f"The step {name} has {len(factor)} factors for {length} agencies", fix="Give one each"
                )
            factor = numbers(factor, f"A factor of the step {name}")
            _refuse(
                ~(np.isfinite(factor) & (factor >= 0)),
                f"A factor of the step {name} is missing, negative or infinite",
                "Give 0 to an agency that drops out",
            )

    def then(self, name: str, factor) -> WeightSteps:
        """The same with one more step. Raises InputError for a step of that name."""
        if name in self.factors:
            raise InputError(f"The weight already has a step {name}", fix="Name each step once")
        return WeightSteps(self.factors | {name: np.asarray(factor, dtype=float)})

    def weight(self, last: str | None = None) -> np.ndarray:
        """Product (n,) of the factors up to the step ``last``, or of all."""
        product = None
        for name, factor in self.factors.items():
            factor = np.asarray(factor, dtype=float)
            product = factor.copy() if product is None else product * factor
            if name == last:
                return product
        if last is not None:
            raise KeyError(last)
        return product

    def verify(self, weight, tolerance: float = 1e-12) -> float:
        """Largest relative difference of ``weight`` (n,) and the product of its factors.

        Raises InputError that names the row when it is above ``tolerance`` (a product of 0 asks for 0).
        """
        weight, product = numbers(weight, "A weight"), self.weight()
        if weight.shape != product.shape:
            raise InputError(f"There are {len(weight)} weights for {len(product)} agencies", fix="Give one each")
        scale = np.where(product > 0, product, 1.0)
        apart = np.abs(weight - product) / scale
        bad = ~(apart <= np.where(product > 0, tolerance, 0.0))
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise InputError(
                f"The weight {weight[row]:.12g} is not the product of its factors, {product[row]:.12g}",
                f"row {row + 1}",
                f"Check the steps {', '.join(self.factors)}",
            )
        return float(apart.max(initial=0.0))

    def table(self, rows=None) -> pd.DataFrame:
        """After each step, over ``rows`` (bool (n,); default all) with weight above 0: count, sum, smallest, median and
        largest weight, Kish design effect and effective sample size."""
        inside = slice(None) if rows is None else flags(rows, "The mark of rows")
        lines = []
        for name in self.factors:
            weight = self.weight(name)[inside]
            weight = weight[weight > 0]
            effect = kish_design_effect(weight)
            lines.append(
                {
                    "step": name,
                    "agencies": len(weight),
                    "sum": weight.sum(),
                    "smallest": weight.min(),
                    "median": np.median(weight),
                    "largest": weight.max(),
                    "design_effect": effect,
                    "effective": len(weight) / effect,
                }
            )
        return pd.DataFrame(lines)


# ---- outcome rates -------------------------------------------------------------------------------------------------


def outcome_rates(
    complete: float,
    partial: float,
    refusal: float,
    noncontact: float,
    other: float = 0,
    unknown_household: float = 0,
    unknown_other: float = 0,
    ineligible: float = 0,
    e: float | None = None,
) -> dict[str, float]:
    """All outcome rates of the AAPOR Standard Definitions (9th edition, 2016): RR1-6, COOP1-4, REF1-3, CON1-3, and e.

    Counts or sums of weights: complete (I), partial (P), refusal and break-off (R), non-contact (NC), other (O), unknown
    whether there is an eligible household or agency (UH), unknown, other (UO), known ineligible. e : share of the
    unknown cases taken as eligible; None takes that of the known cases (proportional allocation). With
    U = UH + UO, T = I + P + R + NC + O and C = I + P + R + O::

        RR1 = I / (T + U)         RR2 = (I + P) / (T + U)      RR3 = I / (T + e U)     RR4 = (I + P) / (T + e U)
        RR5 = I / T               RR6 = (I + P) / T
        COOP1 = I / C             COOP2 = (I + P) / C          COOP3 = I / (I + P + R) COOP4 = (I + P) / (I + P + R)
        REF1 = R / (T + U)        REF2 = R / (T + e U)         REF3 = R / T
        CON1 = C / (T + U)        CON2 = C / (T + e U)         CON3 = C / T

    Returns shares from 0 to 1; COOP3 and COOP4 are missing when every contact was 'other'. Raises InputError for a
    negative or missing count, an e outside 0 to 1, and when nobody eligible was contacted.
    """
    counts = [complete, partial, refusal, noncontact, other, unknown_household, unknown_other, ineligible]
    if not all(isinstance(count, int | float | np.number) and 0 <= count < np.inf for count in counts):
        raise InputError("A count of dispositions is missing, negative or infinite", fix="Check the dispositions")
    interviews = complete + partial
    contacted = interviews + refusal + other
    known = contacted + noncontact
    unknown = unknown_household + unknown_other
    if contacted == 0:
        raise InputError("No eligible case was contacted, so no outcome rate is defined", fix="Check the dispositions")
    if e is None:
        e = known / (known + ineligible)
    if not 0 <= e <= 1:
        raise InputError(f"The share of eligible cases among the unknown is {e:g}", fix="Give e between 0 and 1")
    approached = interviews + refusal
    return {
        "RR1": complete / (known + unknown),
        "RR2": interviews / (known + unknown),
        "RR3": complete / (known + e * unknown),
        "RR4": interviews / (known + e * unknown),
        "RR5": complete / known,
        "RR6": interviews / known,
        "COOP1": complete / contacted,
        "COOP2": interviews / contacted,
        "COOP3": complete / approached if approached else float("nan"),
        "COOP4": interviews / approached if approached else float("nan"),
        "REF1": refusal / (known + unknown),
        "REF2": refusal / (known + e * unknown),
        "REF3": refusal / known,
        "CON1": contacted / (known + unknown),
        "CON2": contacted / (known + e * unknown),
        "CON3": contacted / known,
        "e": e,
    }


def aapor_rates(complete: int, partial: int, refusal: int, noncontact: int, unknown: int, other: int = 0) -> dict:
    """The five outcome rates of the report: RR1, RR2, COOP1, REF1, CON1 of ``outcome_rates``, with U = ``unknown``.

    They depend on no assumption about the unknown cases: all are counted as eligible.
    """
    rates = outcome_rates(complete, partial, refusal, noncontact, other, unknown_other=unknown)
    return {name: rates[name] for name in ("RR1", "RR2", "COOP1", "REF1", "CON1")}
