"""The stand-in's files: the only place where it writes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.csv

from agency_survey import files
from agency_survey.standin import calibration

PLACES = {
    "frame": "frame/frame.csv",
    "disposition": "raw/disposition.csv",
    "part1": "raw/part1.csv",
    "part2": "raw/part2.csv",
    "part3": "raw/part3.csv",
    "population": "raw/truth/population.csv",
    "investigations": "raw/truth/investigations.csv",
    "cases": "raw/truth/cases.csv",
    "faults": "raw/truth/faults.csv",
    "calibration": "raw/truth/calibration.csv",
}
MANY = 10_000  # rows of tables that hold numbers and identifiers only


def write(replicates: Iterable[dict[str, pd.DataFrame]], settings: dict, root: str | Path) -> list[Path]:
    """Write replicates of all tables below the data folder ``root``, one after another into the same files.

    settings : with their sources taken out. Only one replicate is held at a time; no file takes its name before all are
    complete.
    """
    paths = {name: Path(root) / place for name, place in PLACES.items()}
    _write_all(
        list(paths.values()), lambda parts: _stream_into(dict(zip(PLACES, parts, strict=True)), replicates, settings)
    )
    return list(paths.values())


def _write_all(paths: list[Path], write, parts: tuple[Path, ...] = ()) -> None:
    """``files.atomic`` for several files at once."""
    if len(parts) == len(paths):
        write(parts)
    else:
        files.atomic(paths[len(parts)], lambda part: _write_all(paths, write, (*parts, part)))


def _stream_into(parts: dict[str, Path], replicates: Iterable[dict[str, pd.DataFrame]], settings: dict) -> None:
    written, found = dict.fromkeys(parts, 0), []
    for tables in replicates:
        found.append(tables["calibration"])
        tables = tables | {"faults": _renumbered(tables["faults"], written)}
        for name in parts:
            if name != "calibration":
                _append(parts[name], tables[name], header=not written[name])
                written[name] += len(tables[name])
    _append(parts["calibration"], calibration.table(settings, found), header=True)


def _renumbered(faults: pd.DataFrame, written: dict[str, int]) -> pd.DataFrame:
    """Rows counted from the beginning of the files, faults from the first one."""
    first = written["faults"] + 1
    return faults.assign(
        fault_id=[f"F{number:06d}" for number in range(first, first + len(faults))],
        row=faults["row"] + faults["file"].map(written),
    )


def _append(path: Path, table: pd.DataFrame, header: bool) -> None:
    with path.open("ab") as stream:
        if header:
            stream.write((",".join(table.columns) + "\n").encode())
        stream.write(_large(table) if len(table) > MANY else _text(table))


def _text(table: pd.DataFrame) -> bytes:
    """CSV rows; surrogates become the bytes that they stand for."""
    return table.to_csv(index=False, header=False, lineterminator="\n").encode("utf-8", "surrogateescape")


def _large(table: pd.DataFrame) -> memoryview:
    """CSV rows of numbers and of texts without commas and quotes (refused by the writer), several times faster."""
    sink = pyarrow.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    pyarrow.csv.write_csv(pyarrow.Table.from_pandas(table, preserve_index=False), sink, options)
    return memoryview(sink.getvalue())
