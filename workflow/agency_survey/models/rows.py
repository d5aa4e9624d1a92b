"""Rows of the domain that a model is fitted to: checked, with weights scaled to mean 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from agency_survey.columns import numbers, row_list
from agency_survey.design import SurveyDesign
from agency_survey.disclosure import watch
from agency_survey.errors import InputError
from agency_survey.estimate import checked_domain

BLOCK = 1 << 13  # rows at a time, so that temporary matrices stay in the processor's cache


@dataclass(frozen=True)
class Rows:
    """What every model needs of its m rows.

    design : the whole design, of n rows; inside : (n,) bool, the rows used.
    names : (p,) columns of x; x : (m, p); weight : (m,) with mean 1; scale : what they were divided by; offset : (m,).
    """

    design: SurveyDesign
    inside: np.ndarray
    names: list[str]
    x: np.ndarray
    weight: np.ndarray
    scale: float
    offset: np.ndarray

    def keeping(self, columns: Sequence[int]) -> Rows:
        """The same rows with some columns of x only."""
        columns = list(columns)
        return replace(self, names=[self.names[k] for k in columns], x=self.x[:, columns])

    def constant(self) -> Rows:
        """The same rows with an intercept only."""
        return replace(self, names=["intercept"], x=np.ones((len(self.x), 1)))

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values (m, k) of the rows used put on all n rows of the design, 0 elsewhere."""
        if self.inside.all():
            return values
        out = np.zeros((self.design.n, *values.shape[1:]))
        out[self.inside] = values
        return out


def blocks(count: int) -> Iterator[slice]:
    """Slices that cover ``count`` rows, BLOCK at a time."""
    return (slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK))


def crossproduct(x: np.ndarray, weight: np.ndarray, other: np.ndarray | None = None) -> np.ndarray:
    """X' diag(weight) Z (p, q) with Z = ``other`` or X, without a second matrix of the size of X."""
    other = x if other is None else other
    total = np.zeros((x.shape[1], other.shape[1]))
    for part in blocks(len(x)):
        total += x[part].T @ (other[part] * weight[part, None])
    return total


def domain_of(design: SurveyDesign, domain) -> np.ndarray:
    """Bool (n,): rows of the domain with positive weight. Raises InputError as ``estimate.checked_domain``."""
    return checked_domain(design, domain) & (design.weight > 0)


def prepare(design: SurveyDesign, y, x: pd.DataFrame, domain=None, offset=None) -> tuple[Rows, np.ndarray]:
    """(rows of the domain, their outcomes).

    Raises InputError for an empty domain, columns of other length, missing values in the domain (naming columns and
    rows), and columns that are 0 throughout or follow from the others (naming them).
    """
    inside = domain_of(design, domain)
    y = numbers(y, "The outcome of the model")
    offset = np.zeros(design.n) if offset is None else numbers(offset, "The offset")
    for column, what in ((y, "The outcome"), (offset, "The offset")):
        if column.ndim != 1:
            raise InputError(f"{what} of the model has {column.shape[1]} columns", fix="Give one")
    matrix = numbers_of(x)
    if {len(y), len(x), len(offset)} != {design.n}:
        raise InputError("Outcome, columns, offset and design differ in length", fix="Give one value a row")
    names = [str(name) for name in x.columns]
    if len(set(names)) < len(names):
        raise InputError("Two columns of the model have one name", fix="Name every column differently")
    if not inside.any():
        raise InputError("The outcome of the model does not vary: no row in the domain", fix="Widen the domain")
    _refuse_missing(inside, {"the outcome": y, "the offset": offset}, names, matrix)
    if not inside.all():
        matrix, y, offset = matrix[inside], y[inside], offset[inside]
    weight = design.weight[inside]
    scale = float(weight.mean())
    _refuse_collinear(matrix, names)
    watch.modelled(names, matrix)
    return Rows(design, inside, names, matrix, weight / scale, scale, offset), y


def numbers_of(x: pd.DataFrame) -> np.ndarray:
    """Columns (n, p) as floats. Raises InputError for texts, for no columns and for columns without names."""
    if not isinstance(x, pd.DataFrame):
        raise InputError("The columns of the model have no names", fix="Give a DataFrame, as design_matrix builds it")
    if not x.shape[1]:
        raise InputError("The model has no column", fix="Give an intercept at least")
    try:
        return numbers(x, "A column")
    except InputError:
        texts = ", ".join(str(name) for name in x if not pd.api.types.is_numeric_dtype(x[name]))
        raise InputError(f"A column of the model is not a number: {texts}", fix="Build it with design_matrix") from None


def _refuse_missing(inside: np.ndarray, single: dict[str, np.ndarray], names: list[str], matrix: np.ndarray) -> None:
    gaps = {name: pd.isna(values) for name, values in single.items()}
    for name, values in single.items():
        if values.dtype.kind == "f":
            gaps[name] = ~np.isfinite(values)
    gaps |= {name: ~np.isfinite(column) for name, column in zip(names, matrix.T, strict=True)}
    found = {name: gap & inside for name, gap in gaps.items() if (gap & inside).any()}
    if found:
        rows = np.any(list(found.values()), axis=0)
        raise InputError(
            "A variable of the model is missing for agencies of the domain",
            f"{', '.join(found)}: {row_list(rows)}",
            "Leave them out",
        )


def _refuse_collinear(matrix: np.ndarray, names: list[str], tolerance: float = 1e-7) -> None:
    """Columns whose part that is orthogonal to the columns before them is below ``tolerance`` (as R's ``lm``)."""
    empty = [name for name, column in zip(names, matrix.T, strict=True) if not column.any()]
    if empty:
        raise InputError(f"No row of the domain has {', '.join(empty)}", fix="Drop that column or merge the level")
    products = crossproduct(matrix, np.ones(len(matrix)))
    root = np.sqrt(np.diag(products))
    if np.linalg.eigvalsh(products / np.outer(root, root)).min(initial=1.0) > 1e-8:
        return  # far from collinear, which is cheaper to see than how near
    triangle = np.zeros((0, matrix.shape[1]))
    for part in blocks(len(matrix)):
        triangle = np.linalg.qr(np.vstack([triangle, matrix[part]]), mode="r")
    diagonal = np.zeros(matrix.shape[1])
    diagonal[: len(triangle)] = np.abs(np.diag(triangle))
    follows = diagonal <= tolerance * np.linalg.norm(triangle, axis=0)
    if follows.any():
        which = ", ".join(name for name, bad in zip(names, follows, strict=True) if bad)
        raise InputError(
            f"The columns of the model are collinear: {len(names)} columns, rank {(~follows).sum()}; what follows from "
            f"the columns before it is {which}",
            fix="Drop a term",
        )
