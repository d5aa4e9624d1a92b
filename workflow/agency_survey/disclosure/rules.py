"""The rules of disclosure control as data (``config/disclosure.yaml``), and what each says of a cell.

Minimum count, dominance and p percent are those of Federal Committee on Statistical Methodology, Statistical Policy
Working Paper 22 (second version, 2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOISE = 1e-9


@dataclass(frozen=True)
class Rules:
    """minimum_count : units in a cell, none or at least these many; protection : width that an outsider's interval of a
    count at risk must have; minimum_base : respondents below a share or mean; class_group : largest group that may not
    be shown to have answered alike; dominance : (n, k) or None; p_percent : or None; places : decimals of a printed
    percent; geography : breakdowns by place that are allowed; areas : columns of places that may not be published;
    model_side : units on either side of an indicator; model_freedom : residual degrees of freedom; k, l : of microdata;
    spared : (breakdown, domain, measure) of numbers that are left out to protect others only where nothing else will do.
    """

    minimum_count: int
    protection: int
    minimum_base: int
    class_group: int
    dominance: tuple[int, float] | None
    p_percent: float | None
    places: int
    geography: tuple[str, ...]
    areas: tuple[str, ...]
    model_side: int
    model_freedom: int
    k: int
    l: int  # noqa: E741 - the name that the field gives it
    recodes: tuple[dict, ...] = ()
    spared: frozenset[tuple[str, str, str]] = frozenset()

    @staticmethod
    def of(data: dict) -> Rules:
        """Rules of the content of ``config/disclosure.yaml``."""
        dominance, models, microdata = data["dominance"], data["models"], data["microdata"]
        return Rules(
            minimum_count=data["minimum_count"],
            protection=data["protection"],
            minimum_base=data["minimum_base"],
            class_group=data["class_group"],
            dominance=None if dominance is None else (dominance["n"], dominance["k"]),
            p_percent=data["p_percent"],
            places=data["places"],
            geography=tuple(data["geography"]["breakdowns"]),
            areas=tuple(data["geography"]["refused"]),
            model_side=models["smallest_side"],
            model_freedom=models["smallest_freedom"],
            k=microdata["k"],
            l=microdata["l"],
            recodes=tuple(microdata["recodes"]),
            spared=frozenset((row["breakdown"], row["domain"], row["measure"]) for row in data["spared"]),
        )

    def count_at_risk(self, units: int) -> bool:
        """Whether a cell holds some units, but fewer than the least number."""
        return 0 < units < self.minimum_count

    def class_at_risk(self, count: int, base: int) -> bool:
        """Whether a small group is shown to have answered alike (0 or 100 percent)."""
        return 0 < base <= self.class_group and count in (0, base)

    def share_at_risk(self, units: int, others: int, count: int, base: int) -> bool:
        """Whether a share tells too much: units that answered so, units that did not (agencies), and the rows counted."""
        return self.count_at_risk(units) or self.count_at_risk(others) or self.class_at_risk(count, base)

    def quantile_at_risk(self, tail: float | None, units: int) -> bool:
        """Whether fewer units than the least number lie beyond a quantile, so that it is nearly one unit's own value.

        tail : share of the units on its near side, the smaller of p and 1 - p; None for what is no quantile.
        """
        return tail is not None and units > 0 and tail * units < self.minimum_count - NOISE

    def total_at_risk(self, contributions: np.ndarray, total: float | None = None) -> list[str]:
        """Names of the rules, 'dominance' and 'p_percent', by which a total of non-negative contributions is at risk.

        total : the published total where it is weighted; contributions are the respondents' own. Dominance: the n
        largest make up more than k of the total. p percent: the total less the two largest is below p percent of the
        largest, so that the second could estimate the first too closely.
        """
        top = np.sort(np.asarray(contributions, dtype=float))[::-1]
        whole = float(top.sum()) if total is None else float(total)
        if not len(top) or whole <= NOISE:
            return []
        found = []
        if self.dominance and top[: self.dominance[0]].sum() > self.dominance[1] * whole:
            found.append("dominance")
        rest = whole - top[:2].sum()
        if self.p_percent is not None and rest < self.p_percent / 100 * top[0] - NOISE:
            found.append("p_percent")
        return found

    def total_need(self, contributions: np.ndarray, total: float | None = None) -> float:
        """Width that an outsider's interval of a total at risk must have: what the p percent rule lacks, on both sides."""
        top = np.sort(np.asarray(contributions, dtype=float))[::-1]
        if not self.total_at_risk(contributions, total):
            return 0.0
        whole = float(top.sum()) if total is None else float(total)
        lacking = (self.p_percent or 0) / 100 * top[0] - (whole - top[:2].sum())
        if self.dominance:
            n, k = self.dominance
            lacking = max(lacking, top[:n].sum() / k - whole)
        return 2 * max(lacking, 0.0)

    def model_problems(self, design: np.ndarray, names: list[str]) -> list[str]:
        """``model_problems`` under these rules."""
        return model_problems(design, names, self.model_side, self.model_freedom)


def model_problems(design: np.ndarray, names: list[str], smallest_side: int, smallest_freedom: int) -> list[str]:
    """Why coefficients may not be published: one sentence a problem.

    design : (n, p) rows that the model was fitted to. An indicator with too few units on one side, and a model that
    repeats the table (as many coefficients as patterns of terms, or hardly fewer than units).
    """
    design = np.asarray(design, dtype=float)
    n, p = design.shape
    found = []
    if n - p < smallest_freedom:
        found.append(f"the model has {p} coefficients for {n} units")
    elif len(np.unique(design, axis=0)) <= p:
        found.append(f"the model is saturated: {p} coefficients for as many patterns of its terms")
    for column, name in zip(design.T, names, strict=True):
        kinds, counts = np.unique(column, return_counts=True)
        if len(kinds) == 2 and counts.min() < smallest_side:
            found.append(f"the term {name} has fewer than {smallest_side} units on one side")
    return found


def numerator(percent: float, places: int, n: int) -> tuple[int, int]:
    """Smallest and largest count that a printed unweighted percent of n units can stand for."""
    half = 0.5 * 10.0**-places
    low, high = (percent - half) / 100 * n, (percent + half) / 100 * n
    return max(0, int(np.ceil(low - NOISE))), min(n, int(np.floor(high + NOISE)))


def weighted_numerator(share: float, n: int, lightest: float, heaviest: float) -> tuple[int, int]:
    """Smallest and largest count that a weighted share of n units can stand for, given the least and largest weight.

    With k units of the kind the share is between k a / (k a + (n - k) b) and k b / (k b + (n - k) a).
    """
    k = np.arange(n + 1)
    low = k * lightest / (k * lightest + (n - k) * heaviest)
    high = k * heaviest / (k * heaviest + (n - k) * lightest)
    fits = k[(low <= share + NOISE) & (share <= high + NOISE)]
    return (int(fits[0]), int(fits[-1])) if len(fits) else (0, n)
