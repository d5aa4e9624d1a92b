"""No record of users' files gets into a package, in whatever disguise; and nothing is taken for one that is none."""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import hashlib
import io
import json
import lzma
import random
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import small_package

from agency_survey import schema
from agency_survey.archive import records, selection, views

ROOT = Path(__file__).resolve().parents[2]
NAMED = ["AGENCYNAME", "ORI9", "AGENCYID", "ZIP"]


@pytest.fixture(scope="module")
def made_up(tmp_path_factory) -> tuple[Path, pd.DataFrame, records.Fingerprints]:
    """A made-up file, its cells, and its fingerprints."""
    path, register = small_package.external(tmp_path_factory.mktemp("external"))
    known = records.read(path.parent, register, {"lemas_2099": small_package.IDENTIFIERS})
    return path, pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False), known


def found(data: bytes, known: records.Fingerprints) -> list[str]:
    """What the search says of a file's content in all its views."""
    return [said for view in views.views("x", data) for said in records.search(view.text, known)]


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as numbers."""
    texts = ("AGENCYNAME", "ORI9")
    return pd.DataFrame({name: table[name] if name in texts else pd.to_numeric(table[name]) for name in table})


def parquet(table: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    typed(table).to_parquet(out, index=False)
    return out.getvalue()


def zipped(data: bytes, name: str = "notes.txt") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def tarred(data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("notes.txt")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def workbook(table: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    typed(table).to_excel(out, index=False)
    return out.getvalue()


def database(table: pd.DataFrame) -> bytes:
    connection = sqlite3.connect(":memory:")
    table.to_sql("notes", connection, index=False)
    data = connection.serialize()
    connection.close()
    return data


def feather(table: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    table.to_feather(out)
    return out.getvalue()


def numpy_array(table: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    numbers = table.drop(columns=["AGENCYNAME", "ORI9"]).astype(float).to_numpy()
    np.save(out, numbers)
    return out.getvalue()


def page(table: pd.DataFrame) -> bytes:
    return f"<html><body>{table.to_html(index=False)}</body></html>".encode()


def report(table: pd.DataFrame) -> bytes:
    """A table of prose in Markdown, numbers with thousands separators, one record a line."""
    lines = ["| " + " | ".join(_grouped(cell) for cell in row) + " |" for row in table.itertuples(index=False)]
    return ("# Results\n\nAs the table shows:\n\n" + "\n".join(lines) + "\n").encode()


def _grouped(cell: str) -> str:
    return f"{int(cell):,}" if cell.isdigit() and len(cell) > 3 else cell


def flat(table: pd.DataFrame) -> bytes:
    """Key and value on lines of their own, as JSON with indentation has them."""
    return json.dumps(table.to_dict("records"), indent=2).encode()


def in_code(table: pd.DataFrame) -> bytes:
    rows = ",\n".join("    (" + ", ".join(repr(cell) for cell in row) + ")" for row in table.itertuples(index=False))
    return f'"""Helpers."""\n\nROWS = [\n{rows},\n]\n'.encode()


def picture(table: pd.DataFrame) -> bytes:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    out, info = io.BytesIO(), PngInfo()
    info.add_text("Comment", tsv(table).decode(), zip=True)
    Image.new("RGB", (4, 4)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def tsv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, sep="\t").encode()


def transposed(table: pd.DataFrame) -> bytes:
    return table.T.to_csv(header=False).encode()


DISGUISES = {
    "as it came": tsv,
    "comma separated": lambda t: t.to_csv(index=False).encode(),
    "semicolons, quoted": lambda t: t.to_csv(index=False, sep=";", quoting=csv.QUOTE_ALL).encode(),
    "UTF-16": lambda t: tsv(t).decode().encode("utf-16"),
    "UTF-16 without mark": lambda t: tsv(t).decode().encode("utf-16-le"),
    "UTF-16 big endian": lambda t: tsv(t).decode().encode("utf-16-be"),
    "UTF-32": lambda t: tsv(t).decode().encode("utf-32"),
    "latin-1": lambda t: "é\n".encode("latin-1") + tsv(t),
    "lower case": lambda t: tsv(t).lower(),
    "parquet": parquet,
    "feather": feather,
    "workbook": workbook,
    "database": database,
    "numpy": numpy_array,
    "zip": lambda t: zipped(tsv(t)),
    "zip in zip": lambda t: zipped(zipped(tsv(t)), "inner.bin"),
    "zip behind a picture": lambda t: picture(t.head(0)) + zipped(tsv(t)),
    "gzip": lambda t: gzip.compress(tsv(t)),
    "bzip2": lambda t: bz2.compress(tsv(t)),
    "xz": lambda t: lzma.compress(tsv(t)),
    "tar": lambda t: tarred(tsv(t)),
    "tar.gz": lambda t: gzip.compress(tarred(tsv(t))),
    "base64": lambda t: base64.b64encode(tsv(t)),
    "base64 in lines": lambda t: b"data:\n" + base64.encodebytes(tsv(t)),
    "base64 of gzip in JSON": lambda t: json.dumps({"blob": base64.b64encode(gzip.compress(tsv(t))).decode()}).encode(),
    "base32": lambda t: base64.b32encode(tsv(t)),
    "hexadecimal": lambda t: tsv(t).hex().encode(),
    "base85": lambda t: base64.a85encode(tsv(t), adobe=True),
    "page": page,
    "Markdown table": report,
    "JSON": flat,
    "code": in_code,
    "picture": picture,
    "transposed": transposed,
    "rows and columns shuffled": lambda t: tsv(t.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=2)),
    "without identifiers": lambda t: tsv(t.drop(columns=NAMED[:3])),
    "without identifiers and postal codes": lambda t: tsv(t.drop(columns=NAMED)),
    "identifiers only": lambda t: tsv(t[["ORI9"]]),
    "names only": lambda t: tsv(t[["AGENCYNAME"]]),
}


@pytest.mark.parametrize("name", DISGUISES)
@pytest.mark.parametrize("rows", [None, 6], ids=["whole", "six records"])
def test_a_copy_is_found_in_each_disguise(made_up, name, rows):
    _, table, known = made_up
    part = table if rows is None else table.sample(rows, random_state=3).reset_index(drop=True)
    assert found(DISGUISES[name](part), known)


def test_one_record_pasted_into_a_table_is_found(made_up):
    """For every record of the file: with its identifiers, and with none of them."""
    _, table, known = made_up
    prose = "Agencies differ in size; Table 3 shows 41.2 percent (n = 1,903).\n\n| what | n |\n|---|---|\n| all | 12,766 |\n"
    whole = sum(bool(found((prose + "\t".join(row) + "\n").encode(), known)) for row in table.itertuples(index=False))
    bare = table.drop(columns=NAMED)
    rest = sum(bool(found((prose + ",".join(row) + "\n").encode(), known)) for row in bare.itertuples(index=False))
    assert whole == len(table)
    assert rest == len(table)


def test_a_digest_is_known_however_deep_the_file_is_packed(made_up):
    path, _, known = made_up
    data = zipped(gzip.compress(path.read_bytes()), "notes.bin")
    digests = {hashlib.sha256(part).hexdigest() for _, part in views.contents("x", data)}
    assert digests & known.digests.keys()


def test_numbers_of_chance_are_no_records(made_up):
    """200 tables of 400 random numbers of the sizes that records have: none is taken for a record."""
    _, _, known = made_up
    chance = random.Random(5)
    wrong = 0
    for _ in range(200):
        rows = [
            [chance.randint(1_001, 899_999), chance.randint(100_001, 99_999_999), f"{chance.uniform(1, 9):.9f}"]
            for _ in range(130)
        ]
        wrong += bool(found("\n".join("\t".join(map(str, row)) for row in rows).encode(), known))
    assert wrong == 0


def test_answers_in_codes_are_no_records(made_up):
    _, _, known = made_up
    chance = random.Random(6)
    text = "\n".join(",".join(str(chance.choice([1, 2, 8, 9])) for _ in range(57)) for _ in range(2000))
    assert found(text.encode(), known) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [("0012345", "12345"), ("12345.0", "12345"), ("1.2345e4", "12345"), ("-12345.60", "12345.6"), ("1234", None),
     ("120000", None), ("1e999", None)],
)  # fmt: skip
def test_spellings_of_a_number_are_one(text, number):
    assert records.canonical(text) == number


def test_a_file_that_unpacks_without_end_is_refused():
    data = b"0" * 1000
    for _ in range(10):
        data = zipped(data, "inner.zip")
    with pytest.raises(views.InputError, match="packed more than"):
        list(views.contents("x", data))


def test_the_real_files_are_found_in_every_disguise(lemas_dir):
    """Samples of the real files: whole records in each disguise; single records of respondents without identifiers."""
    settings = selection.load(ROOT)
    register = schema.load(ROOT / "config/external.yaml", "external")
    known = records.read(lemas_dir, register, settings["external"])
    for key, entry in register.items():
        lines = (lemas_dir / entry["file"]).read_text(encoding="latin-1").splitlines()
        chosen = [lines[0], *random.Random(4).sample(lines[1:], 12)]
        data = ("\n".join(chosen) + "\n").encode("latin-1")
        for wrap in (
            bytes,
            gzip.compress,
            base64.b64encode,
            zipped,
            lambda one: one.decode("latin-1").encode("utf-16"),
        ):
            assert found(wrap(data), known), key
        for line in chosen[1:]:
            assert found(line.encode("latin-1"), known), key


def test_what_the_project_ships_holds_no_record(lemas_dir):
    """Every data file, codebook and published figure of the repository."""
    settings = selection.load(ROOT)
    known = records.read(lemas_dir, schema.load(ROOT / "config/external.yaml", "external"), settings["external"])
    paths = [*(ROOT / "data").glob("*/*.csv"), *(ROOT / "config").rglob("*.yaml"), *(ROOT / "reports").glob("*.qmd")]
    wrong = {path.name: said for path in paths if (said := found(path.read_bytes(), known))}
    assert wrong == {}
