"""Random raw answers of the survey's files, in the codes that the codebooks name, for tests."""

from pathlib import Path

import numpy as np
import pandas as pd

from agency_survey import codebook, ingest

FOLDER = Path(__file__).parents[2] / "config/codebooks"
BOOKS = codebook.load_survey(FOLDER)


def drawn(name: str, count: int, seed: int) -> pd.DataFrame:
    """Random raw answers, valid or missing, in the codes that the codebook names."""
    rng, book, columns = np.random.default_rng(seed), BOOKS[name], {}
    for variable in book.variables.values():
        choices = [*variable.codes, *variable.missing]
        if variable.type == "integer":
            low, high = variable.range
            choices += [str(number) for number in range(low, min(high, low + 3) + 1)]
        elif variable.type == "date":
            choices = ["2004-01-01", "2004-01-02"] if variable.range[0].year < 2007 else ["2007-06-01"]
            choices += [""] if variable.blank else []
        elif variable.type == "text":
            choices = ["", "words"]
        columns[variable.name] = rng.choice(choices or ["-"], count)
    frame = pd.DataFrame(columns, dtype=object)
    frame["agency_id"] = [f"A{k:05d}" for k in range(count)]
    return frame.set_axis(pd.RangeIndex(2, 2 + count, name="row"))


def typed(name: str, raw: pd.DataFrame) -> pd.DataFrame:
    return ingest.typed(raw, BOOKS[name])[0]
