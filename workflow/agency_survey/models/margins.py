"""Predicted margins and average marginal effects, averaged over the covariates of the domain.

A margin is the weighted mean of predictions with one variable set to a value for every row (Graubard and Korn 1999).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from agency_survey.errors import InputError
from agency_survey.models.fit import Fit
from agency_survey.models.rows import blocks
from agency_survey.models.terms import Terms

STEP = 1e-30  # of complex-step derivatives, exact to rounding (Squire and Trapp 1998)


class _Averages:
    """Averages over the rows of a fit, each with what its error needs: predictions (m, K) and derivatives (K, q)."""

    def __init__(self, fit: Fit, terms: Terms, table: pd.DataFrame):
        if fit.model is None:
            raise InputError("This fit holds no model to predict from", fix="Fit it with agency_survey.models")
        self.fit, self.rows = fit, fit.model.rows
        if len(table) != self.rows.design.n:
            raise InputError(
                "The table and the design differ in length", fix="Give the table that the model was fitted to"
            )
        self.terms, self.table = terms, table[self.rows.inside]
        self.names: list[str] = []
        self.values: list[np.ndarray] = []
        self.slopes: list[np.ndarray] = []

    def matrix(self, variable: str, value) -> np.ndarray:
        """Columns (m, p) of the fit with a variable set to one value."""
        columns = self.terms.matrix(self.table.assign(**{variable: value}))
        lost = [name for name in self.rows.names if name not in columns]
        if lost:
            raise InputError(
                f"The terms do not give the columns {', '.join(lost)} of the fit", fix="Use the fit's terms"
            )
        return _complete(columns[self.rows.names])

    def predictions(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predictions (m, K) at x, real or complex, and the derivative (K, q) of their weighted mean."""
        model, b = self.fit.model, self.fit.coefficients
        share = self.rows.weight / self.rows.weight.sum()
        values, slope = [], 0.0
        for part in blocks(len(x)):
            values.append(model.mean(b, x[part], self.rows.offset[part]))
            slope = slope + model.jacobian(b, x[part], self.rows.offset[part], share[part])
        return np.concatenate(values), slope

    def add(self, name: str, values: np.ndarray, slope: np.ndarray) -> None:
        """Keep one average, or one for each category of the outcome."""
        levels = getattr(self.fit.model, "levels", None)
        self.names += [f"{level}: {name}" for level in levels] if levels else [name]
        self.values.append(values)
        self.slopes.append(slope)

    def fitted(self, covariates: str) -> Fit:
        """All averages with their joint covariance."""
        fit, rows = self.fit, self.rows
        values, slope = np.concatenate(self.values, axis=1), np.concatenate(self.slopes)
        share = rows.weight / rows.weight.sum()
        found = share @ values
        of_rows = rows.spread((values - found) * share[:, None])
        if covariates == "sampled":
            scores = of_rows + fit.scores @ slope.T
            covariance = rows.design.covariance(scores)
        elif covariates in ("fixed", "added"):
            scores = fit.scores @ slope.T
            covariance = slope @ fit.covariance @ slope.T
            if covariates == "added":
                covariance = covariance + rows.design.covariance(of_rows)
        else:
            raise ValueError(f"covariates must be sampled, fixed or added, not {covariates}")
        return Fit(self.names, found, covariance, fit.df, fit.n, "margins", influence=scores)


def predicted_margins(
    fit: Fit,
    terms: Terms,
    table: pd.DataFrame,
    variable: str,
    values: Sequence | None = None,
    covariates: str = "sampled",
) -> Fit:
    """Mean prediction with ``variable`` set to each of ``values`` (default: its levels) in all rows of the domain.

    terms, table : what the fit's columns were built from (all n rows). Named "variable = value", with "category: "
    before it where the outcome has several. covariates, how the sampling of the covariates counts in the errors:
    "sampled" takes the influence of each row through its covariates and through the coefficients together (Graubard and
    Korn 1999); "fixed" is the delta method on the coefficients alone; "added" adds the variance of the mean prediction
    to that as though independent, as R survey's ``svypredmeans``.
    """
    averages = _Averages(fit, terms, table)
    if variable not in terms.variables:
        raise InputError(f"The model has no variable {variable}", fix=f"Its variables are {', '.join(terms.variables)}")
    if values is None and variable not in terms.levels and not _yes_no(averages.table[variable]):
        raise InputError(f"{variable} is a number without levels", fix="Give the values to predict at")
    for value in values if values is not None else terms.levels.get(variable, [0, 1]):
        averages.add(f"{variable} = {value}", *averages.predictions(averages.matrix(variable, value)))
    return averages.fitted(covariates)


def average_marginal_effects(
    fit: Fit, terms: Terms, table: pd.DataFrame, variables: Sequence[str] | None = None, covariates: str = "sampled"
) -> Fit:
    """Average change of the prediction with each variable: derivative for numbers, difference for levels.

    An indicator (only 0 and 1) goes from 0 to 1, a category from its reference to each other level. Named as the
    columns of the fit, with "category: " before it where the outcome has several. Other arguments as in
    ``predicted_margins``.
    """
    averages = _Averages(fit, terms, table)
    for variable in terms.variables if variables is None else variables:
        if variable not in terms.variables:
            raise InputError(f"The model has no variable {variable}", fix=f"They are {', '.join(terms.variables)}")
        if variable in terms.levels:
            reference, *others = terms.levels[variable]
            changes = {f"{variable}[{level}]": (reference, level) for level in others}
        elif _yes_no(averages.table[variable]):
            changes = {variable: (0, 1)}
        else:
            averages.add(variable, *_derivative(averages, variable))
            continue
        for name, (low, high) in changes.items():
            below, above = (averages.predictions(averages.matrix(variable, value)) for value in (low, high))
            averages.add(name, above[0] - below[0], above[1] - below[1])
    return averages.fitted(covariates)


def _complete(columns: pd.DataFrame) -> np.ndarray:
    """Columns (m, p) of the rows used, as numbers. Raises InputError for gaps: the fit had none."""
    x = columns.to_numpy(dtype=float)
    gaps = [name for name, column in zip(columns, x.T, strict=True) if not np.isfinite(column).all()]
    if gaps:
        raise InputError(
            f"The table has gaps where the fit had none: {', '.join(gaps)}", fix="Give the table of the fit"
        )
    return x


def _yes_no(values: pd.Series) -> bool:
    return bool(values.isin([0, 1]).all())


def _derivative(averages: _Averages, variable: str) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the predictions and of their slope: each column is a straight line in the variable."""
    rise = averages.matrix(variable, 1.0) - averages.matrix(variable, 0.0)
    x = _complete(averages.terms.matrix(averages.table)[averages.rows.names])
    values, slope = averages.predictions(x + 1j * STEP * rise)
    return values.imag / STEP, slope.imag / STEP
