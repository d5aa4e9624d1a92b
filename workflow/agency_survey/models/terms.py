"""Design matrices with treatment contrasts: columns "variable" or "variable[level]", none for the first level."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

from agency_survey.columns import numbers, row_list
from agency_survey.errors import InputError


@dataclass(frozen=True)
class Terms:
    """Terms of a model: variables, or products such as "a:b"; levels of its categories, the reference level first."""

    names: tuple[str, ...]
    levels: dict[str, list]
    intercept: bool = True

    @property
    def variables(self) -> list[str]:
        """Variables in the order of their first appearance."""
        return list(dict.fromkeys(name for term in self.names for name in term.split(":")))

    def matrix(self, table: pd.DataFrame) -> pd.DataFrame:
        """Columns (n, p) of the model; a row with a missing variable is missing in the columns of that variable.

        Raises InputError for a category that is none of the levels and a variable that the table lacks.
        """
        _refuse_table(table, self.variables)
        single = {name: self._columns(table[name], name) for name in self.variables}
        columns = {"intercept": np.ones(len(table))} if self.intercept else {}
        for term in self.names:
            product = {"": np.ones(len(table))}
            for name in term.split(":"):
                product = {
                    f"{left}:{right}" if left else right: a * b
                    for left, a in product.items()
                    for right, b in single[name].items()
                }
            columns |= product
        return pd.DataFrame(columns, index=table.index)

    def _columns(self, values: pd.Series, name: str) -> dict[str, np.ndarray]:
        if name not in self.levels:
            return {name: numbers(values, f"The variable {name}")}
        codes = codes_of(values, self.levels[name])
        strange = (codes < 0) & values.notna().to_numpy()
        if strange.any():
            raise InputError(f"A value of {name} is none of its levels", row_list(strange), "Correct the value")
        return {
            f"{name}[{level}]": np.where(codes < 0, np.nan, codes == k)
            for k, level in enumerate(self.levels[name])
            if k > 0
        }


def model_terms(
    table: pd.DataFrame, names: Sequence[str], levels: Mapping[str, Sequence] | None = None, intercept=True
):
    """``Terms`` of a table: numbers and yes/no enter as they are, everything else as categories.

    levels : by variable, the order to use, reference first; the default is the categories' own order, else sorted.
    Raises InputError for unknown variables, a variable multiplied by itself, or fewer than two levels.
    """
    if isinstance(names, str):
        raise InputError(f"The terms of the model are one text: {names}", fix="Give a list of them")
    levels = dict(levels or {})
    found = Terms(tuple(names), {}, intercept)
    _refuse_table(table, found.variables)
    for term in names:
        if len(set(term.split(":"))) < len(term.split(":")):
            raise InputError(f"The term {term} multiplies a variable by itself", fix="Add the power as a column")
    for name in found.variables:
        values = table[name]
        if name not in levels and types.is_numeric_dtype(values):
            continue
        if name not in levels:
            levels[name] = levels_of(values)
        if len(levels[name]) < 2 or len(set(levels[name])) < len(levels[name]):
            raise InputError(f"{name} needs two levels or more, each once", fix="Drop the term")
        if any("]:" in str(level) for level in levels[name]):
            raise InputError(f"A level of {name} contains ']:', which parts the terms of a product", fix="Rename it")
    return Terms(tuple(names), {name: list(levels[name]) for name in found.variables if name in levels}, intercept)


def _refuse_table(table, variables: Sequence[str]) -> None:
    if not isinstance(table, pd.DataFrame):
        raise InputError("The table of the variables is no DataFrame", fix="Make it one")
    unknown = [name for name in variables if name not in table]
    if unknown:
        raise InputError(f"The table has no column {', '.join(unknown)}", fix="Correct the terms of the model")
    twice = [name for name in variables if isinstance(table[name], pd.DataFrame)]
    if twice:
        raise InputError(f"The table has two columns {', '.join(twice)}", fix="Name every column differently")


def design_matrix(
    table: pd.DataFrame, names: Sequence[str], levels: Mapping[str, Sequence] | None = None, intercept: bool = True
) -> pd.DataFrame:
    """Columns of a model (n, p) from the variables of a table; see ``model_terms`` and ``Terms.matrix``."""
    return model_terms(table, names, levels, intercept).matrix(table)


def levels_of(values: pd.Series) -> list:
    """Categories in their own order, else the distinct values sorted."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.categories)
    found = values.dropna().unique()
    try:
        return sorted(found)
    except TypeError:
        raise InputError(
            f"The values of {values.name or 'the outcome'} have no order: they are of several types",
            fix="Give the levels",
        ) from None


def codes_of(values: pd.Series, levels: Sequence) -> np.ndarray:
    """Places (n,) in ``levels``, -1 where the value is missing or none of them."""
    found, distinct = pd.factorize(values)
    place = {level: k for k, level in enumerate(levels)}
    return np.array([*(place.get(value, -1) for value in distinct), -1])[found]


def belongs(column: str, term: str) -> bool:
    """Whether a column is the term, one of its levels, or a product of its levels."""
    parts = (re.escape(part) + r"(\[(?:(?!\]:).)*\])?" for part in term.split(":"))
    return column == term or re.fullmatch(":".join(parts), column) is not None
