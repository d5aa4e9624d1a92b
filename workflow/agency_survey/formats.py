"""Raw files of any known format to text cells: CSV, TSV, Excel, SPSS, Stata and Parquet give the same cells.

Cells are text as a CSV file of raw codes would hold it: whole numbers without decimals, dates as year-month-day, empty text
where nothing was entered. Every file that cannot be read gives one InputError; size, columns, fields and cells are bounded.
"""

from __future__ import annotations

import codecs
import csv
import datetime
import io
import math
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agency_survey.errors import InputError

MAX_BYTES = 1 << 29
MAX_UNPACKED = 1 << 30
MAX_COLUMNS = 5_000
MAX_FIELD = 1 << 20
MAX_CELLS = 50_000_000
DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
AGAIN = "Copy it again from its source"
CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True)
class Source:
    """What was found out about a file: format, and for text its encoding, delimiter and newlines.

    windows_1252 : rows (line numbers) of a UTF-8 file that are no UTF-8 and were read as Windows-1252.
    """

    file: str
    format: str
    encoding: str = ""
    delimiter: str = ""
    newline: str = ""
    windows_1252: list[int] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    records: int = 0

    def report(self) -> dict:
        """As a plain dict, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Cells:
    """Cells of a file: header, records (lists of text as long as the header) and the row of each record in the file.

    labels : value labels that the file itself carries, by column: {cell: label}.
    """

    header: list[str]
    records: list[list[str]]
    rows: list[int]
    labels: dict[str, dict[str, str]]
    source: Source


def find(stem: str | Path) -> Path:
    """The one file with this stem and a known extension (data/raw/part1 -> data/raw/part1.csv).

    Raises InputError when there is none, or more than one.
    """
    found = [path for end in READERS if (path := Path(f"{stem}{end}")).is_file()]
    if not found:
        raise InputError("The data file is not there", f"{stem}.csv", f"Put it there ({', '.join(READERS)} are read)")
    if len(found) > 1:
        raise InputError(f"Both {found[0].name} and {found[1].name} are there", str(stem), "Keep one of the two")
    return found[0]


def read(
    path: str | Path,
    wanted: Iterable[str],
    delimiter: str = ",",
    encoding: str = "utf-8",
    accept: Callable[[list[str]], Any] = lambda header: None,
) -> Cells:
    """Cells of a file, by its extension.

    wanted : names of the columns that are looked for; delimiter, encoding : what is expected of a text file (others are
    detected); accept : called with the header of a text file before its records are read, raises what is to be refused.
    Raises InputError naming the file, and the row where there is one.
    """
    path = Path(path)
    if path.suffix.lower() not in READERS:
        raise InputError(
            f"Files of the kind '{path.suffix}' are not read", str(path), f"Known are {', '.join(READERS)}"
        )
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                f"The data file has {size >> 20:,} MiB, more than {MAX_BYTES >> 20:,}",
                str(path),
                "Is it the right file?",
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError("The data file is not there", str(path), "Put it there, or restore it") from error
    except IsADirectoryError as error:
        raise InputError("The data file is a folder", str(path), "Put the file in its place") from error
    if not data.strip():
        raise InputError("The data file is empty", str(path), AGAIN)
    return READERS[path.suffix.lower()](data, path, list(wanted), delimiter, encoding, accept)


def _check_size(columns: int, records: int, where: str) -> None:
    if columns > MAX_COLUMNS:
        raise InputError(
            f"The data file has {columns:,} columns, more than {MAX_COLUMNS:,}", where, "Is it the right file?"
        )
    if columns * records > MAX_CELLS:
        raise InputError(f"The data file has more than {MAX_CELLS:,} cells", where, "Is it the right file?")


# --- text -------------------------------------------------------------------------------------------------------------


def decode(data: bytes, where: str, encoding: str = "utf-8") -> tuple[str, str, list[int]]:
    """(text, encoding found, rows read as Windows-1252).

    A byte order mark decides; UTF-16 without one is known by its NUL bytes; else UTF-8 is tried, or the ``encoding`` that is
    expected. Of a file that is no UTF-8, the lines that are none are read as Windows-1252 and named.
    """
    mark = next((name for sign, name in MARKS if data.startswith(sign)), None)
    if mark is None and b"\0" in data[:400]:
        even, odd = data[0:400:2].count(0), data[1:400:2].count(0)
        if max(even, odd) > 0.3 * min(200, len(data) // 2) and min(even, odd) == 0:
            mark = "utf-16-le" if odd else "utf-16-be"
    name = mark or ("utf-8" if encoding == "utf-8" else encoding)
    rows: list[int] = []
    try:
        text = data.decode(name)
    except UnicodeDecodeError as error:
        if name not in ("utf-8", "utf-8-sig"):
            raise InputError(
                f"The data file is not {name} text", f"{where}, row {_line(data, error.start)}", "Save it as UTF-8"
            ) from error
        text, name, rows = _by_line(data.removeprefix(MARKS[0][0]), where)
    text = text.rstrip("\x1a")  # the end-of-file mark of old systems
    odd_sign = CONTROL.search(text)
    if odd_sign:
        sign = "NUL bytes" if odd_sign[0] == "\0" else "control characters"
        row = text.count("\n", 0, odd_sign.start()) + 1
        raise InputError(
            f"The data file is not a text file (it holds {sign})", f"{where}, row {row}", "Export it as text again"
        )
    if not text.strip():
        raise InputError("The data file is empty", where, AGAIN)
    return text, {"utf-8-sig": "utf-8"}.get(name, name), rows


def _line(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8, read as Windows-1252; raises UnicodeDecodeError for those that are neither."""
    return error.object[error.start : error.end].decode("cp1252"), error.end


codecs.register_error("windows-1252", _as_windows_1252)


def _by_line(data: bytes, where: str) -> tuple[str, str, list[int]]:
    """Decode line by line: UTF-8 where it is, else Windows-1252 (of a line that holds both, each byte as it fits)."""
    lines, rows, others = [], [], 0
    for row, line in enumerate(re.split(rb"(?<=\n)|(?<=\r)(?!\n)", data), start=1):
        try:
            lines.append(line.decode("utf-8"))
            others += not line.isascii()
        except UnicodeDecodeError:
            try:
                lines.append(line.decode("utf-8", "windows-1252"))
            except UnicodeDecodeError as error:
                raise InputError(
                    "The data file is neither UTF-8 nor Windows-1252 text", f"{where}, row {row}", "Save it as UTF-8"
                ) from error
            rows.append(row)
    return "".join(lines), "utf-8 and cp1252" if others else "cp1252", rows


def _newline(text: str) -> str:
    windows = text.count("\r\n")
    kinds = {"CRLF": windows, "LF": text.count("\n") - windows, "CR": text.count("\r") - windows}
    found = [name for name, count in kinds.items() if count]
    return "mixed" if len(found) > 1 else found[0] if found else "none"


def _text_file(
    data: bytes, path: Path, wanted: list[str], delimiter: str, encoding: str, accept: Callable[[list[str]], Any]
) -> Cells:
    where = str(path)
    text, name, odd = decode(data, where, encoding)
    sign = _delimiter(text, wanted, delimiter)
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True)
    records, rows, header = [], [], []
    try:
        for row in reader:
            if not row:
                continue
            if not header:
                header = [column.strip() for column in row]
                _check_size(len(header), 1, where)
                accept(header)
                continue
            if len(row) != len(header):
                raise InputError(
                    f"A row has {len(row)} fields where the header has {len(header)}",
                    f"{where}, row {reader.line_num}",
                    "The file is cut or damaged there: copy it again from its source",
                )
            records.append(row)
            rows.append(reader.line_num)
            if not len(records) % 4096:
                _check_size(len(header), len(records), where)
    except csv.Error as error:
        raise InputError(
            f"The data file cannot be read: {error}",
            f"{where}, row {_row_of_open_quote(text, sign) or reader.line_num}",
            "Mend the quotes there, or copy it again from its source",
        ) from error
    kind = "tsv" if sign == "\t" else "csv"
    source = Source(path.name, kind, name, DELIMITERS[sign], _newline(text), odd, records=len(records))
    return Cells(header, records, rows, {}, source)


def _delimiter(text: str, wanted: list[str], expected: str) -> str:
    """The delimiter that finds most of the wanted columns in the first line; the expected one when in doubt."""
    first = next((line for line in io.StringIO(text[: 1 << 22], newline=None) if line.strip()), "")

    def found(sign: str) -> int:
        try:
            header = {column.strip() for column in next(csv.reader([first], delimiter=sign))}
        except csv.Error:
            return 0
        return sum(name in header for name in wanted)

    return max([expected, *DELIMITERS], key=found)


def _row_of_open_quote(text: str, delimiter: str) -> int | None:
    """Line of the first quoted field that does not end as it should; the reader itself knows only where it gave up."""
    end = rf"[{re.escape(delimiter)}\r\n]"
    closed, plain = (
        rf'"[^"]*(?:""[^"]*)*"(?={end}|\Z)',
        rf'[^"{re.escape(delimiter)}\r\n][^{re.escape(delimiter)}\r\n]*',
    )
    start = re.match(rf"(?:{closed}|{plain}|{end})*+", text).end()
    return len(io.StringIO(text[: start + 1], newline="").readlines()) if start < len(text) else None


# --- other formats ----------------------------------------------------------------------------------------------------


def cell(value: Any) -> str:
    """A value as a CSV file of raw codes would hold it; not-a-number and nothing are empty text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, datetime.datetime):
        if value != value:  # NaT
            return ""
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _single(value: Any) -> Any:
    """A number stored in single precision as it was meant: 1.1, not 1.10000002."""
    import numpy as np

    return float(str(np.float32(value))) if isinstance(value, float) else value


def _bounded(text: str, where: str) -> str:
    if len(text) > MAX_FIELD:
        raise InputError(f"A field is larger than {MAX_FIELD:,} characters", where, AGAIN)
    if CONTROL.search(text):
        raise InputError("A field holds control characters", where, AGAIN)
    return text


def _unreadable(kind: str, where: str, error: BaseException) -> InputError:
    why = " ".join(str(error).split())[:120].rstrip(".") or type(error).__name__
    return InputError(f"The data file cannot be read as {kind}: {why}", where, "Export it again")


def _guarded(kind: str, where: str, action: Callable[[], Any]) -> Any:
    """Result of a library's reader: whatever it raises on a damaged file becomes one sentence."""
    try:
        return action()
    except InputError:
        raise
    except Exception as error:
        raise _unreadable(kind, where, error) from error


def _excel(data: bytes, path: Path, *_: Any) -> Cells:
    where = str(path)

    def everything() -> Cells:
        from openpyxl import load_workbook

        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > MAX_UNPACKED:
                raise InputError(f"The workbook unpacks to more than {MAX_UNPACKED >> 20:,} MiB", where, AGAIN)
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        lines = list(_excel_rows(sheet, where))
        book.close()
        return _table(lines, path, Source(path.name, "xlsx"))

    return _guarded("an Excel workbook", where, everything)


def _excel_rows(sheet: Any, where: str) -> Iterator[tuple[int, list[str]]]:
    """(row, cells) of the rows that hold anything, without the empty cells at their ends."""
    count = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        if len(row) > MAX_COLUMNS:
            _check_size(len(row), 1, where)
        cells = []
        for column, found in enumerate(row, start=1):
            if found.data_type == "f":
                raise InputError(
                    "A cell holds a formula",
                    f"{where}, row {number}, column {column}",
                    "Save the sheet's values instead",
                )
            cells.append(_bounded(cell(found.value), f"{where}, row {number}"))
        count += len(cells)
        if count > MAX_CELLS or number > 2**20:
            raise InputError(f"The data file has more than {MAX_CELLS:,} cells", where, "Is it the right file?")
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            yield number, cells


def _table(lines: list[tuple[int, list[str]]], path: Path, source: Source) -> Cells:
    """Cells of lines of which the first is the header; rows are filled up to its length."""
    if not lines:
        raise InputError("The data file is empty", str(path), AGAIN)
    header = [name.strip() for name in lines[0][1]]
    _check_size(len(header), len(lines), str(path))
    for number, cells in lines[1:]:
        if len(cells) > len(header):
            raise InputError(
                f"A row has {len(cells)} fields where the header has {len(header)}",
                f"{path}, row {number}",
                "Remove what stands beside the table",
            )
    records = [cells + [""] * (len(header) - len(cells)) for _, cells in lines[1:]]
    found = Source(**{**source.report(), "records": len(records)})
    return Cells(header, records, [number for number, _ in lines[1:]], {}, found)


def _columns(names: list[str], columns: list[list[str]], path: Path, kind: str, labels: dict) -> Cells:
    """Cells of columns; the rows are numbered as if the names stood in a first line."""
    records = [list(record) for record in zip(*columns, strict=True)] if columns else []
    return Cells(
        names, records, list(range(2, len(records) + 2)), labels, Source(path.name, kind, records=len(records))
    )


def _statistical(kind: str, reader: str) -> Callable[..., Cells]:
    """Reader of SPSS or Stata files by pyreadstat: user-missing codes stay codes, dates become dates."""

    def read_file(data: bytes, path: Path, *_: Any) -> Cells:
        where = str(path)

        def everything() -> Cells:
            import pyreadstat

            _, meta = getattr(pyreadstat, reader)(where, metadataonly=True)
            _check_size(meta.number_columns, max(meta.number_rows or 0, 0), where)
            table, meta = getattr(pyreadstat, reader)(where, user_missing=True)
            single = {name for name, stored in meta.readstat_variable_types.items() if stored == "float"}
            names, columns = list(meta.column_names), []
            for at, name in enumerate(names):
                values = table.iloc[:, at].astype(object).where(table.iloc[:, at].notna(), None)
                if name in single:
                    values = map(_single, values)
                columns.append([_bounded(cell(value), f"{where}, variable {name}") for value in values])
            labels = {
                name: {cell(float(c) if isinstance(c, int | float) else c): str(label) for c, label in found.items()}
                for name, found in meta.variable_value_labels.items()
            }
            return _columns(names, columns, path, path.suffix[1:].lower(), labels)

        return _guarded(kind, where, everything)

    return read_file


def _parquet(data: bytes, path: Path, *_: Any) -> Cells:
    where = str(path)

    def everything() -> Cells:
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = pq.ParquetFile(io.BytesIO(data))
        _check_size(file.metadata.num_columns, max(file.metadata.num_rows, 0), where)
        table = file.read()
        names, columns, labels = list(table.column_names), [], {}
        for name, column in zip(names, table.columns, strict=True):
            if pa.types.is_nested(column.type):
                raise InputError(f"The column '{name}' holds lists or records", where, "Export one value a cell")
            if pa.types.is_dictionary(column.type):
                texts = {cell(value) for value in column.to_pylist()} - {""}
                labels[name] = {text: text for text in texts}
            values = column.to_pylist()
            if pa.types.is_float32(column.type):
                values = map(_single, values)
            columns.append([_bounded(cell(value), f"{where}, variable {name}") for value in values])
        return _columns(names, columns, path, "parquet", labels)

    return _guarded("a Parquet file", where, everything)


READERS: dict[str, Callable[..., Cells]] = {
    ".csv": _text_file,
    ".tsv": _text_file,
    ".xlsx": _excel,
    ".sav": _statistical("an SPSS file", "read_sav"),
    ".dta": _statistical("a Stata file", "read_dta"),
    ".parquet": _parquet,
}
