"""Every text that a file holds in whatever wrapping: archives, tables of other formats, encodings, encoded blocks."""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import html
import io
import lzma
import re
import sqlite3
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from agency_survey.errors import InputError

MAX_DEPTH = 6
MAX_BYTES = 1 << 29
BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]{40,}[ \t]*(?:\\r|\\n|[\r\n])*){1,}[A-Za-z0-9+/_-]*={0,2}")
BASE32 = re.compile(r"(?:[A-Z2-7]{40,}[ \t]*[\r\n]*)+[A-Z2-7]*={0,6}")
HEX = re.compile(r"(?:(?:[0-9A-Fa-f]{2}[ :]?){24,}[\r\n]*){1,}")
BASE85 = re.compile(r"<~([!-uz\s]{40,})~>")
ESCAPED = re.compile(r"(?:\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}){8,}")
MARKUP = re.compile(r"<[A-Za-z/!?][^<>]*>")
ROW_END = re.compile(r"</(?:tr|p|div|li|h\d|row|w:tr|text:p|table:table-row)>|<br\s*/?>", re.IGNORECASE)
BINARY = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"PAR1", b"wOF")
PDF_TEXT = re.compile(rb"\(((?:[^()\\]|\\.){2,})\)")  # text written as such; glyph numbers tell nothing
TEXT_RUN = re.compile(rb"[\t\n\r\x20-\x7e]{6,}")
WIDE_RUN = re.compile(rb"(?:[\t\n\r\x20-\x7e]\x00){6,}")


@dataclass(frozen=True)
class View:
    """A text found in a file; where : the file and the way in, such as 'a.zip > b.tsv'."""

    where: str
    text: str


class Budget:
    """Bytes that may still be unpacked of one file."""

    def __init__(self, where: str, left: int = MAX_BYTES):
        self.where, self.left = where, left

    def take(self, count: int) -> None:
        """Count bytes; InputError when a file unpacks to more than is sane."""
        self.left -= count
        if self.left < 0:
            raise InputError("A file unpacks to more than is sane", self.where, "Take it out of the project")


def contents(where: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The file itself and all that is packed or encoded in it, however deep, as (where, bytes)."""
    yield from _contents(where, data, 0, Budget(where))


def views(where: str, data: bytes) -> Iterator[View]:
    """All texts of a file."""
    for place, part in contents(where, data):
        for text in texts(part):
            yield View(place, text)


def _contents(where: str, data: bytes, depth: int, budget: Budget) -> Iterator[tuple[str, bytes]]:
    budget.take(len(data))
    yield where, data
    if depth >= MAX_DEPTH:
        raise InputError(f"A file is packed more than {MAX_DEPTH} times over", where, "Take it out of the project")
    for name, part in _inside(data, budget):
        yield from _contents(f"{where} > {name}", part, depth + 1, budget)


def _inside(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """What one layer of packing holds."""
    yield from _archive(data, budget)
    for name, mark, opener in (
        ("gzip", b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream)),
        ("bzip2", b"BZh", bz2.BZ2File),
        ("xz", b"\xfd7zXZ", lzma.LZMAFile),
        ("lzma", b"\x5d\x00\x00", lzma.LZMAFile),
    ):
        if data.startswith(mark):
            yield from _stream(name, opener(io.BytesIO(data)), budget)
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        import pyarrow as pa

        with pa.input_stream(pa.BufferReader(data), compression="zstd") as stream:
            yield from _stream("zstandard", stream, budget)
    yield from _encoded(data)
    yield from _compressed_parts(data, budget)


def _stream(name: str, stream, budget: Budget) -> Iterator[tuple[str, bytes]]:
    try:
        found = stream.read(budget.left + 1)
    except (OSError, EOFError, lzma.LZMAError, zlib.error):
        return
    if len(found) > budget.left:
        budget.take(len(found))
    yield name, found


def _archive(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """Members of a zip archive (also one that another file is put before) or a tar archive."""
    if b"PK\x05\x06" in data[-66_000:]:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for entry in archive.infolist():
                    if not entry.is_dir():
                        budget.take(min(entry.file_size, 1 << 40))
                        yield entry.filename, archive.read(entry)
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
            return
    if data[257:262] == b"ustar":
        try:
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                for entry in archive:
                    if entry.isfile():
                        budget.take(entry.size)
                        yield entry.name, archive.extractfile(entry).read()
        except tarfile.TarError:
            return


def _compressed_parts(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """Text in streams of PDF files (where it is not written as numbers of glyphs) and text chunks of PNG files."""
    if data.startswith(b"%PDF"):
        joined = []
        for match in re.finditer(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
            try:
                stream = zlib.decompressobj().decompress(match[1], budget.left + 1)
            except zlib.error:
                continue
            if sum(byte < 128 for byte in stream[:1000]) > 0.95 * len(stream[:1000]):  # no font, no picture
                joined.append(b"\t".join(PDF_TEXT.findall(stream)))
        yield "text", b"\n".join(joined)
    if data.startswith(b"\x89PNG"):
        for match in re.finditer(rb"(?:zTXt|iTXt)(.{1,79}?)\x00[\x00\x01]{1,2}", data, re.DOTALL):
            at = data.find(b"\x78", match.end() - 1, match.end() + 80)
            try:
                yield "text chunk", zlib.decompressobj().decompress(data[at:], budget.left + 1) if at > 0 else b""
            except zlib.error:
                continue


def _encoded(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Base64, base32, base85, hexadecimal, percent and backslash encodings in a text."""
    text = plain_text(data)
    if text is None:
        return
    for match in BASE64.finditer(text):
        packed = re.sub(r"\\[rn]|\s", "", match[0]).rstrip("=").replace("-", "+").replace("_", "/")
        yield from _decoded("base64", packed[: len(packed) - (len(packed) % 4 == 1)], "=", 4, base64.b64decode)
    for match in BASE32.finditer(text):
        yield from _decoded("base32", re.sub(r"\s", "", match[0]).rstrip("="), "=", 8, base64.b32decode)
    for match in HEX.finditer(text):
        digits = re.sub(r"[^0-9A-Fa-f]", "", match[0])
        if len(digits) > 64:  # shorter ones are digests
            yield from _decoded("hexadecimal", digits[: len(digits) // 2 * 2], "", 1, bytes.fromhex)
    for match in BASE85.finditer(text):
        yield from _decoded("base85", match[1], "", 1, base64.a85decode)
    if text.count("%") > 20 and len(re.findall(r"%[0-9A-Fa-f]{2}", text)) > 20:
        yield "percent encoding", unquote(text).encode("utf-8", "replace")
    for match in ESCAPED.finditer(text):
        yield "escapes", match[0].encode("ascii").decode("unicode_escape").encode("utf-8", "replace")


def _decoded(name: str, packed: str, fill: str, block: int, decode) -> Iterator[tuple[str, bytes]]:
    """What an encoded block holds, if that is anything: words and paths also look like base64, and decode to noise."""
    try:
        found = decode(packed + fill * (-len(packed) % block))
    except (binascii.Error, ValueError):
        return
    printable = sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in found)
    wide = found[:2] in (b"\xff\xfe", b"\xfe\xff") or found[1:60:2].count(0) > 12
    packings = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PAR1", b"ARROW1", b"\x28\xb5\x2f\xfd", b"SQLite")
    if len(found) > 15 and (printable > 0.9 * len(found) or wide or found.startswith(packings)):
        yield name, found


def plain_text(data: bytes) -> str | None:
    """The text of a text file in UTF-8, UTF-16, UTF-32 or an eight-bit encoding; None for other files."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe\x00\x00", "utf-32"),
        (b"\x00\x00\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    if data.startswith(BINARY):
        return None
    head = data[:4096]
    if head.count(0) > len(head) * 0.3:
        even, odd = head[::2].count(0), head[1::2].count(0)
        if head.count(0) > len(head) * 0.6:
            encoding = "utf-32-le" if head[:1] != b"\0" else "utf-32-be"
        else:
            encoding = "utf-16-le" if odd > even else "utf-16-be"
        text = data.decode(encoding, "replace")
        return text if sum(c.isprintable() or c in "\t\r\n" for c in text[:500]) > 0.8 * len(text[:500]) else None
    if 0 in head:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    odd = sum(ord(c) < 32 and c not in "\t\r\n\f" for c in text[:4096])
    return None if odd > 4 else text


def texts(data: bytes) -> Iterator[str]:
    """Texts of one layer: the text itself, markup taken away; tables of binary formats as lines; else runs of letters."""
    text = plain_text(data)
    if text is not None:
        yield text
        if text.count("<") > 20 or "&#" in text:
            yield html.unescape(MARKUP.sub("\t", ROW_END.sub("\n", text.replace("\n", " "))))
        return
    lines = list(_table(data))
    if lines:
        yield "\n".join(lines)
        return
    runs = [run.decode("ascii") for run in TEXT_RUN.findall(data)]
    runs += [run.decode("utf-16-le") for run in WIDE_RUN.findall(data)]
    if runs:
        yield "\n".join(runs)


def _table(data: bytes) -> Iterable[str]:
    """Rows of a table in a binary format as tab-separated lines, the names of the columns first."""
    if data.startswith(b"PAR1"):
        import pyarrow.parquet as pq

        return _rows(pq.read_table(io.BytesIO(data)))
    if data.startswith(b"ARROW1"):
        from pyarrow import feather

        return _rows(feather.read_table(io.BytesIO(data)))
    if data.startswith(b"SQLite format 3\0"):
        return _sqlite(data)
    if data.startswith(b"\x93NUMPY"):
        import numpy as np

        found = np.load(io.BytesIO(data), allow_pickle=False)
        return ["\t".join(map(str, row)) for row in found.reshape(len(found) if found.ndim else 1, -1)]
    if data.startswith((b"$FL2", b"$FL3", b"<stata_dta>")):
        return _statistics(data)
    return []


def _rows(table) -> list[str]:
    columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in table.columns]
    return ["\t".join(table.column_names), *("\t".join(row) for row in zip(*columns, strict=True))]


def _sqlite(data: bytes) -> list[str]:
    lines = []
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(data)
        names = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        for name in names:
            quoted = name.replace('"', '""')
            lines += ["\t".join(map(str, row)) for row in connection.execute(f'select * from "{quoted}"')]
    except sqlite3.Error:
        return lines
    finally:
        connection.close()
    return lines


def _statistics(data: bytes) -> list[str]:
    import pyreadstat

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        path.write_bytes(data)
        read = pyreadstat.read_dta if data.startswith(b"<stata") else pyreadstat.read_sav
        table, _ = read(str(path))
    return ["\t".join(table.columns), *("\t".join(map(str, row)) for row in table.itertuples(index=False))]
