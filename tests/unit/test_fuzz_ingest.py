"""Malformed files by seeded mutation: each ends in a typed table or in one InputError sentence, in bounded time and memory."""

from __future__ import annotations

import io
import random
import resource
import runpy
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pyreadstat
import pytest

from agency_survey import codebook, formats, ingest
from agency_survey.errors import InputError

PROJECT = Path(__file__).resolve().parents[2]
BOOK = codebook.load(PROJECT / "config/codebooks/part1.yaml")
RECORDS = 12
SEED = 20240604
SLOWEST = 5.0  # seconds of the processor for one file
MEMORY = 400 << 10  # KiB that the whole test may add to the peak

Mutation = Callable[[bytes, random.Random], bytes]


def plain_table() -> pd.DataFrame:
    """A few sound records of Part I as text."""
    given = {"agency_id": [f"{number:06d}" for number in range(RECORDS)], "returned_on": "2007-06-01"}
    made = {
        variable.name: given.get(variable.name, next(iter(variable.codes), "1" if variable.range else "Café, “word”"))
        for variable in BOOK.variables.values()
    }
    return pd.DataFrame(made, index=range(RECORDS))


def sound() -> dict[str, bytes]:
    """The same content in every format."""
    table = plain_table()
    numbers = table.apply(lambda column: pd.to_numeric(column) if column.str.fullmatch(r"\d{1,3}").all() else column)
    made = {".csv": table.to_csv(index=False).encode(), ".tsv": table.to_csv(index=False, sep="\t").encode()}
    book = openpyxl.Workbook()
    for row in [list(table.columns), *table.to_numpy().tolist()]:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    made[".xlsx"] = stream.getvalue()
    stream = io.BytesIO()
    numbers.to_parquet(stream, index=False)
    made[".parquet"] = stream.getvalue()
    return made | {end: statistical(numbers, end) for end in (".sav", ".dta")}


def statistical(table: pd.DataFrame, end: str) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"part1{end}"
        {".sav": pyreadstat.write_sav, ".dta": pyreadstat.write_dta}[end](table, str(path))
        return path.read_bytes()


# -- mutations of any file ---------------------------------------------------------------------------------------------


def truncated(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 3, 30])):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def cut_out(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 200) :]


def put_in(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + rng.randbytes(rng.choice([1, 8, 400])) + data[start:]


def repeated(data: bytes, rng: random.Random) -> bytes:
    return data * rng.randrange(2, 4)


def moved(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[start:] + data[:start]


def zeroed(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    size = rng.randrange(1, 100)
    return data[:start] + bytes(size) + data[start + size :]


def all_ones(data: bytes, rng: random.Random) -> bytes:
    """Lengths and offsets in a header become as large as they can be."""
    start = rng.randrange(min(len(data), 400))
    return data[:start] + b"\xff" * rng.choice([2, 4, 8]) + data[start + 8 :]


def of_another_kind(data: bytes, rng: random.Random) -> bytes:
    return rng.choice(
        [b"", b"\n", b"\0", b"PK\x03\x04", b"%PDF-1.7\n", b"<html><body>Not found</body></html>", b"\x89PNG\r\n"]
    )


def noise(data: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(1, 4000))


ANY = [truncated, flipped, cut_out, put_in, repeated, moved, zeroed, all_ones, of_another_kind, noise]


# -- mutations of text -------------------------------------------------------------------------------------------------


def shuffled_columns(data: bytes, rng: random.Random) -> bytes:
    lines = data.decode().splitlines()
    header = lines[0].split(",")
    rng.shuffle(header)
    return "\n".join([",".join(header), *lines[1:]]).encode()


def shuffled_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    rng.shuffle(lines)
    return b"".join(lines)


def duplicate_header(data: bytes, rng: random.Random) -> bytes:
    header, rest = data.split(b"\n", 1)
    names = header.split(b",")
    names[rng.randrange(len(names))] = names[rng.randrange(len(names))]
    return b",".join(names) + b"\n" + rest


def header_only(data: bytes, rng: random.Random) -> bytes:
    return data.split(b"\n", 1)[0] + rng.choice([b"", b"\n", b"\r\n\r\n"])


def without_header(data: bytes, rng: random.Random) -> bytes:
    return data.split(b"\n", 1)[1]


def reencoded(data: bytes, rng: random.Random) -> bytes:
    name = rng.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "utf-7", "cp037", "cp500"])
    coded = data.decode().encode(name, "replace")
    return coded[: len(coded) - rng.choice([0, 0, 1, 3])]


def mixed_encodings(data: bytes, rng: random.Random) -> bytes:
    names = ["utf-8", "cp1252", "utf-16-le", "utf-8"]
    return b"".join(line.encode(rng.choice(names), "replace") for line in data.decode().splitlines(keepends=True))


def mixed_newlines(data: bytes, rng: random.Random) -> bytes:
    return b"".join(line + rng.choice([b"\n", b"\r", b"\r\n", b"\n\r", b"\x0b"]) for line in data.splitlines())


def byte_order_marks(data: bytes, rng: random.Random) -> bytes:
    mark = rng.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\0\0\xfe\xff"])
    return mark * rng.choice([1, 2]) + data


def nul_bytes(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + b"\0" * rng.choice([1, 2, 500]) + data[start:]


def quotes(data: bytes, rng: random.Random) -> bytes:
    changed = data
    for _ in range(rng.choice([1, 2, 5])):
        start = rng.randrange(len(changed))
        changed = changed[:start] + rng.choice([b'"', b'""', b'"\n', b"'", b'\\"']) + changed[start:]
    return changed


def other_delimiters(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b",", rng.choice([b";", b"\t", b"|", b" ", b":", b",,", b"^"]))


def ragged(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    place = rng.randrange(1, len(lines) - 1)
    lines[place] = rng.choice([lines[place] + b"," * rng.randrange(1, 9), lines[place].rsplit(b",", 3)[0], b",", b'""'])
    return b"\n".join(lines)


def huge_field(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    size = rng.choice([formats.MAX_FIELD - 10, formats.MAX_FIELD + 10, 2 * formats.MAX_FIELD])
    return data[:start] + rng.choice([b"x", b" ", b'"', b"9"]) * size + data[start:]


def huge_numbers(data: bytes, rng: random.Random) -> bytes:
    odd = [
        b"1e308",
        b"1e999",
        b"-0",
        b"9" * 400,
        b"nan",
        b"inf",
        b"0x1F",
        b"1_000",
        "٣".encode(),
        "²".encode(),
        b"--1",
        b"1e-400",
    ]
    lines = data.split(b"\n")
    for place in range(1, len(lines) - 1):
        cells = lines[place].split(b",")
        cells[rng.randrange(len(cells))] = rng.choice(odd)
        lines[place] = b",".join(cells)
    return b"\n".join(lines)


def formulas(data: bytes, rng: random.Random) -> bytes:
    return data.replace(
        b",1,", rng.choice([b",=1+1,", b",@SUM(A1),", b",+1,", b",-cmd|calc,", b",\t=1,"]), rng.randrange(1, 9)
    )


def odd_dates(data: bytes, rng: random.Random) -> bytes:
    odd = [
        b"0000-00-00",
        b"9999-12-31",
        b"99999-01-01",
        b"2007-02-30",
        b"2007-06-01T25:61",
        b"-2007-06-01",
        b"1-1-1",
        b"0001-01-01",
    ]
    return data.replace(b"2007-06-01", rng.choice(odd))


TEXT = [
    shuffled_columns, shuffled_lines, duplicate_header, header_only, without_header, reencoded, mixed_encodings,
    mixed_newlines, byte_order_marks, nul_bytes, quotes, other_delimiters, ragged, huge_numbers, formulas, odd_dates,
]  # fmt: skip


# -- mutations of packed files -----------------------------------------------------------------------------------------


def inside_the_zip(data: bytes, rng: random.Random) -> bytes:
    """A part of the workbook is mutated, lost, or there twice."""
    source, stream = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    entries = {name: source.read(name) for name in source.namelist()}
    name = rng.choice(list(entries))
    what = rng.randrange(4)
    if what == 0:
        del entries[name]
    elif what == 1:
        entries[name] = rng.choice([truncated, flipped, cut_out, noise])(entries[name], rng)
    elif what == 2:
        sheet = next(one for one in entries if "sheet1" in one)
        odd = [
            b"<f>SUM(A1)</f>",
            b"</row></row>",
            b"&lol;",
            b'<c r="XFD1048576"><v>1</v></c>',
            b'<c r="A0"/>',
            b'<c t="s"><v>99999</v></c>',
        ]
        place = entries[sheet].find(b"<c ", rng.randrange(len(entries[sheet])))
        entries[sheet] = entries[sheet][:place] + rng.choice(odd) + entries[sheet][place:]
    else:
        entries[name] = (
            b'<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "' + b"x" * 999 + b'"><!ENTITY b "&a;&a;&a;&a;">]><z>&b;</z>'
        )
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for one, content in entries.items():
            packed.writestr(one, content)
    return stream.getvalue()


def _files() -> list[tuple[str, str, bytes]]:
    """(name of the mutation, extension, content), in a fixed order."""
    rng = random.Random(SEED)
    found = []
    for end, data in sound().items():
        times = {".csv": 9, ".tsv": 2, ".xlsx": 6}.get(end, 10)
        for mutation in ANY:
            found += [(mutation.__name__, end, mutation(data, rng)) for _ in range(times)]
    text = sound()[".csv"]
    for mutation in TEXT:
        found += [(mutation.__name__, ".csv", mutation(text, rng)) for _ in range(10)]
    found += [("huge_field", ".csv", huge_field(text, rng)) for _ in range(4)]
    found += [("inside_the_zip", ".xlsx", inside_the_zip(sound()[".xlsx"], rng)) for _ in range(20)]
    return [*found, *_monsters(text, rng)]


def _monsters(text: bytes, rng: random.Random) -> list[tuple[str, str, bytes]]:
    header, rest = text.split(b"\n", 1)
    million = b",".join([b"c"] * 10**6)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", bytes(40 << 20))
    return [
        ("million_columns", ".csv", header + b"," + million + b"\n" + rest),
        ("million_columns", ".csv", million + b"\n"),
        ("million_fields_in_a_row", ".csv", header + b"\n" + million + b"\n"),
        ("million_empty_lines", ".csv", header + b"\n" * 10**6),
        ("million_quotes", ".csv", header + b"\n" + b'"' * 10**6),
        ("million_open_quotes", ".csv", header + b"\n" + b'"a,' * 300_000),
        ("one_long_line", ".csv", b"x" * (8 << 20)),
        ("zip_bomb", ".xlsx", bomb.getvalue()),
    ]  # fmt: skip


def test_every_malformed_file_ends_in_a_table_or_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "MAX_UNPACKED", 32 << 20)
    files = _files()
    assert len(files) >= 500
    ended: Counter[str] = Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number, (name, end, data) in enumerate(files):
        path = tmp_path / f"part1{end}"
        path.write_bytes(data)
        began = time.process_time()
        told = f"file {number}: {name}{end}"
        try:
            raw, source = ingest.read_source(path, BOOK)
            table, misfits = ingest.typed(raw, BOOK, unique=False)
            assert len(table) == len(raw) == source.records > 0, told
            assert set(misfits["row"]) <= set(table.index), told
            ended["table"] += 1
        except InputError as error:
            sentence = str(error)
            assert "\n" not in sentence, told
            assert path.name in sentence, told
            assert len(sentence) < 500, told
            ended["sentence"] += 1
        except BaseException as error:
            raise AssertionError(f"{told}: {type(error).__name__}: {error}") from error
        assert time.process_time() - began < SLOWEST, told
        path.unlink()
    assert min(ended["table"], ended["sentence"]) > 50, ended
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


def test_the_sound_files_are_read(tmp_path):
    """The mutations start from files that give the same table in every format."""
    tables = {}
    for end, data in sound().items():
        path = tmp_path / f"part1{end}"
        path.write_bytes(data)
        tables[end], misfits = ingest.typed(ingest.read_raw(path, BOOK), BOOK)
        assert misfits.empty
    for table in tables.values():
        pd.testing.assert_frame_equal(table, tables[".csv"])


@pytest.mark.parametrize(
    "mutation", [truncated, header_only, nul_bytes, duplicate_header, ragged], ids=lambda m: m.__name__
)
def test_nothing_is_left_where_the_script_refuses(tmp_path, monkeypatch, capsys, mutation):
    path, out = tmp_path / "part1.csv", tmp_path / "results"
    out.mkdir()
    path.write_bytes(mutation(sound()[".csv"], random.Random(5)))
    arguments = ["--file", path, "--codebook", PROJECT / "config/codebooks/part1.yaml", "--out", out / "part1.parquet"]
    monkeypatch.setattr(sys, "argv", ["ingest.py", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(PROJECT / "workflow/scripts/ingest.py"), run_name="__main__")
    assert stopped.value.code == 1
    assert capsys.readouterr().err.count("\nerror: ") == 1
    assert list(out.iterdir()) == []
