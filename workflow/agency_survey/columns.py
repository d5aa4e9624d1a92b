"""Columns as users give them, turned into numbers or true/false; what cannot be either is refused by its rows.

Lists, arrays, and pandas columns of every dtype are taken, nullable ones included. Nothing is guessed: a text is no
number, and neither a text nor a gap is true.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from agency_survey.errors import InputError


def row_list(mask: np.ndarray, shown: int = 5) -> str:
    """'row 3' or 'rows 3, 5 and 9 more': numbers from 1 of the rows where ``mask`` holds."""
    rows = np.flatnonzero(mask) + 1
    text = ", ".join(str(row) for row in rows[:shown])
    more = f" and {len(rows) - shown} more" if len(rows) > shown else ""
    return f"{'row' if len(rows) == 1 else 'rows'} {text}{more}"


def numbers(values, what: str) -> np.ndarray:
    """Floats of the shape of ``values``, one or two dimensions, missing ones of any kind as NaN; not copied if floats.

    True and false are 1 and 0. ``what`` begins the sentence of the refusal. Raises InputError for texts, dates, complex
    numbers, and for a single value where a column is wanted.
    """
    if isinstance(values, pd.DataFrame):
        if not all(isinstance(dtype, np.dtype) and dtype.kind in "fiub" for dtype in values.dtypes):
            columns = [numbers(values.iloc[:, k], what) for k in range(values.shape[1])]
            return np.column_stack(columns) if columns else np.empty(values.shape)
    elif isinstance(getattr(values, "dtype", None), pd.api.extensions.ExtensionDtype):
        numeric = pd.api.types.is_numeric_dtype(values.dtype)
        values = pd.Series(values).to_numpy(**({"dtype": float, "na_value": np.nan} if numeric else {"dtype": object}))
    try:
        values = np.asarray(values)
    except ValueError:
        raise InputError(f"{what} has rows of different length", fix="Give one value a row") from None
    if values.ndim not in (1, 2):
        kind = "is one value" if values.ndim == 0 else f"has {values.ndim} dimensions"
        raise InputError(f"{what} {kind}", fix="Give one value a row")
    if values.dtype.kind in "fiub":
        return values.astype(float, copy=False)
    found = np.full(values.shape, np.nan)
    known = ~pd.isna(values)
    try:
        if values.dtype != object or any(isinstance(value, str | bytes) for value in values[known]):
            raise TypeError
        found[known] = values[known].astype(float)
    except (TypeError, ValueError):
        raise InputError(f"{what} is not a number", fix="Recode it to numbers") from None
    return found


def flags(values, what: str, fix: str = "Say yes or no for each") -> np.ndarray:
    """Bool (n,) of true/false or 1/0. Raises InputError for gaps, other values and texts, naming the rows."""
    if not (isinstance(values, np.ndarray) and values.dtype == bool):
        try:
            values = numbers(values, what)
        except InputError as error:
            if "not a number" not in error.what:
                raise
            raise InputError(f"{what} is neither true nor false but a text or a date", fix=fix) from None
    if values.ndim != 1:
        raise InputError(f"{what} has {values.shape[1]} columns", fix="Give one")
    if values.dtype == bool:
        return values
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        raise InputError(f"{what} is neither true nor false for {wrong.sum()} agencies", row_list(wrong), fix)
    return values == 1


def one_length(**columns) -> None:
    """Raise InputError where columns differ in length; their names are the keys, _ for a blank. None is left out."""
    lengths = {name.replace("_", " "): len(column) for name, column in columns.items() if column is not None}
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(f"Columns differ in length: {text}", fix="Give one value a row in each")


def checked_level(level: float) -> float:
    """A number above 0 and below 1. Raises InputError for others, such as 95 for 95 percent."""
    if not (isinstance(level, int | float | np.number) and 0 < level < 1):
        raise InputError(f"The level of confidence is {level}", fix="Give a share such as 0.95")
    return float(level)
