"""Files: written whole under their name or not at all; one that cannot be read gives one sentence."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agency_survey.errors import InputError

if TYPE_CHECKING:  # pandas is imported where a table is read: the build and small jobs start faster without it
    import pandas as pd

HELD = "AGENCY_SURVEY_BUILD"  # the process of the build that a job belongs to; not set in runs of Snakemake itself


def wanted() -> None:
    """End this process when the build that started it is gone: another may be at work, and its results are not to be mixed
    with those of this one."""
    try:
        os.kill(int(os.environ.get(HELD, "1")), 0)
    except PermissionError:
        pass  # it is there
    except ProcessLookupError:
        raise SystemExit("The build that this job belongs to has ended; the job leaves nothing.") from None


def atomic(path: str | Path, write: Callable[[Path], Any]) -> None:
    """Call ``write`` with a temporary name beside ``path``, then rename; nothing is left when it fails."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part{path.suffix}")
    try:
        write(temporary)
        wanted()
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """UTF-8 text with Unix line ends."""
    atomic(path, lambda part: part.write_text(text, encoding="utf-8", newline="\n"))


def write_json(path: str | Path, data: Any) -> None:
    """JSON with sorted keys; not-a-number is refused."""
    write_text(path, json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: str | Path, frame: pd.DataFrame) -> None:
    """CSV with full-precision numbers and no index."""
    atomic(path, lambda part: frame.to_csv(part, index=False, lineterminator="\n"))


def write_parquet(path: str | Path, frame: pd.DataFrame) -> None:
    """Parquet, with the row labels as the column ``row`` when the index is named so."""
    frame = frame.reset_index() if frame.index.name == "row" else frame
    atomic(path, lambda part: frame.to_parquet(part, index=False))


def _intermediate(path: str | Path, read: Callable[[io.BytesIO], Any]) -> Any:
    """What ``read`` makes of a file of the build; InputError when it is damaged."""
    content = io.BytesIO(Path(path).read_bytes())
    try:
        return read(content)
    except (ValueError, OSError) as error:  # pyarrow raises either for a damaged file
        raise _damaged(path) from error


def _damaged(path: str | Path) -> InputError:
    return InputError("The intermediate file is damaged", str(path), "Delete it and run `make report` again")


def read_json(path: str | Path, *keys: str) -> Any:
    """Content of a JSON file of the build; InputError when it is damaged or lacks one of ``keys``."""
    data = _intermediate(path, lambda stream: json.loads(stream.read().decode("utf-8")))
    if keys and not (isinstance(data, dict) and data.keys() >= set(keys)):
        raise _damaged(path)
    return data


def read_parquet(path: str | Path) -> pd.DataFrame:
    """Table of a Parquet file of the build; InputError when it is damaged."""
    import pandas as pd

    return _intermediate(path, pd.read_parquet)


def read_csv(path: str | Path, text: bool = False) -> pd.DataFrame:
    """Table of a CSV file of the build; InputError when it is damaged. text : cells as they are written, empty ones too."""
    import pandas as pd

    return _intermediate(path, partial(pd.read_csv, **({"dtype": str, "keep_default_na": False} if text else {})))


def read_table(path: str | Path, columns: Iterable[str], numbers: Iterable[str] = ()) -> pd.DataFrame:
    """CSV table of the project as text, empty cells as empty text; the columns ``numbers`` as finite numbers.

    Raises InputError naming the file, and the column or row (line) where there is one: not there, not UTF-8 text, empty,
    malformed, no records, a column missing, not a number.
    """
    import numpy as np
    import pandas as pd

    name, restore = str(path), "Restore the file from the repository"
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError("The table is not there", name, restore) from error
    except UnicodeDecodeError as error:
        raise InputError("The table is not UTF-8 text", name, "Save it as UTF-8") from error
    header, records, lines = _records(text, name)
    if not header:
        raise InputError("The table is empty", name, restore)
    lost = [column for column in columns if column not in header]
    if lost:
        raise InputError(f"The column '{lost[0]}' is missing", name, "Restore it, or give it its name back")
    if not records:
        raise InputError("The table has a header but no records", name, restore)
    table = pd.DataFrame(records, columns=header, dtype=str)
    for column in numbers:
        values = pd.to_numeric(table[column], errors="coerce")
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            raise InputError(
                f"'{table[column].iloc[wrong[0]]}' is not a number",
                f"{name}, row {lines[wrong[0]]}, column {column}",
                "Correct it",
            )
        table[column] = values
    return table


def _records(text: str, name: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Header, records and their line numbers; blank lines do not count."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records, lines = [], []
    try:
        for row in reader:
            if not row:
                continue
            if records and len(row) != len(records[0]):
                raise InputError(
                    f"A row has {len(row)} fields where the header has {len(records[0])}",
                    f"{name}, row {reader.line_num}",
                    "Correct it; a field that holds commas must be quoted",
                )
            records.append(row)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(
            f"The table cannot be read: {error}", f"{name}, row {reader.line_num}", "Mend its quotes"
        ) from error
    return (records[0] if records else []), records[1:], lines[1:]
