"""The same content in every format, delimiter and encoding gives the same typed table; what was detected is said."""

from __future__ import annotations

import datetime

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from agency_survey import codebook, formats, ingest
from agency_survey.errors import InputError

RATING = {
    "type": "categorical",
    "label": "Rating",
    "ordered": True,
    "codes": {1: "Rare", 2: "Never"},
    "missing": {7: {"kind": "refused", "label": "Refused"}, 99: {"kind": "missing", "label": "Left out"}},
}
BOOK = codebook.from_dict(
    {
        "name": "part1",
        "title": "Agencies",
        "file": "part1.csv",
        "delimiter": ",",
        "encoding": "utf-8",
        "synthetic": True,
        "record": "agency",
        "key": ["id"],
        "variables": {
            "id": {"label": "Identifier", "type": "string"},
            "officers": {
                "label": "Officers",
                "type": "integer",
                "missing": {9999: {"kind": "missing", "label": "Left out"}},
                "blank": "not_applicable",
            },
            "budget": {"label": "Budget", "type": "number", "blank": "missing"},
            "rating": RATING,
            "returned": {"label": "Returned", "type": "date", "blank": "missing"},
            "remark": {"label": "Remark", "type": "string", "blank": "missing"},
        },
    },
    "part1.yaml",
)
TEXT = (
    "id,officers,budget,rating,returned,remark\nA1,12,1.1,1,2007-05-11,Café, the old\n".replace(
        "Café, the old", '"Café, the old"'
    )
    + "B2,,2000,7,,\n"
    + "C3,9999,,99,2006-12-31,says “no”\n"
    + "D4,0,0.25,2,2007-06-01,x\n"
)
DAYS = [datetime.date(2007, 5, 11), None, datetime.date(2006, 12, 31), datetime.date(2007, 6, 1)]
NUMBERS = pd.DataFrame(
    {
        "id": ["A1", "B2", "C3", "D4"],
        "officers": [12.0, np.nan, 9999.0, 0.0],
        "budget": np.array([1.1, 2000, np.nan, 0.25], dtype="float32"),
        "rating": [1.0, 7.0, 99.0, 2.0],
        "returned": DAYS,
        "remark": ["Café, the old", "", "says “no”", "x"],
    }
)
LABELS = {"rating": {1: "Rare", 2: "Never", 7: "Refused", 99: "Left out"}}


def typed(path):
    raw, source = ingest.read_source(path, BOOK)
    table, misfits = ingest.typed(raw, BOOK)
    assert misfits.empty
    return table, source


@pytest.fixture
def expected(tmp_path):
    path = tmp_path / "expected.csv"
    path.write_bytes(TEXT.encode())
    return typed(path)[0]


def workbook(path, rows, **extra):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place, value in extra.items():
        book.active[place] = value
    book.save(path)


def rows_of_workbook():
    rows = [[None if value != value else value for value in row] for row in NUMBERS.itertuples(index=False)]
    for row, budget in zip(rows, [1.1, 2000, None, 0.25], strict=True):
        row[2] = budget
    return [list(NUMBERS.columns), *rows]


def as_xlsx(path):
    workbook(path, rows_of_workbook())


def as_sav(path):
    ranges = {"rating": [7, 99], "officers": [9999]}
    pyreadstat.write_sav(NUMBERS, str(path), variable_value_labels=LABELS, missing_ranges=ranges)


def as_dta(path):
    pyreadstat.write_dta(NUMBERS, str(path), variable_value_labels=LABELS)


def as_dta_with_extended_missing(path):
    """Refused and left out as Stata's .a and .b, known by their labels."""
    table = NUMBERS.assign(rating=pd.Series([1.0, "a", "b", 2.0], dtype=object))
    labels = {"rating": {1: "Rare", 2: "Never", "a": "Refused", "b": "Left out"}}
    pyreadstat.write_dta(table, str(path), variable_value_labels=labels, missing_user_values={"rating": ["a", "b"]})


def as_dta_of_pandas(path):
    """pandas numbers the labels of a categorical from 0: the labels count, not the numbers."""
    rating = pd.Categorical(["Rare", "Refused", "Left out", "Never"], ["Left out", "Never", "Rare", "Refused"])
    returned = pd.to_datetime(pd.Series(DAYS))
    NUMBERS.assign(rating=rating, returned=returned).to_stata(
        path, write_index=False, convert_dates={"returned": "td"}, version=118
    )


def as_parquet(path):
    NUMBERS.to_parquet(path, index=False)


def as_parquet_with_labels(path):
    rating = pd.Categorical(["Rare", "Refused", "Left out", "Never"])
    NUMBERS.assign(rating=rating, officers=pd.array([12, None, 9999, 0], "Int64")).to_parquet(path, index=False)


@pytest.mark.parametrize(
    ("write", "end"),
    [
        (as_xlsx, "xlsx"),
        (as_sav, "sav"),
        (as_dta, "dta"),
        (as_dta_with_extended_missing, "dta"),
        (as_dta_of_pandas, "dta"),
        (as_parquet, "parquet"),
        (as_parquet_with_labels, "parquet"),
    ],
)
def test_every_format_gives_the_same_table(tmp_path, expected, write, end):
    path = tmp_path / f"part1.{end}"
    write(path)
    table, source = typed(path)
    pd.testing.assert_frame_equal(table, expected)
    assert (source.format, source.records) == (end, 4)


@pytest.mark.parametrize(("sign", "word"), formats.DELIMITERS.items())
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_delimiter_and_encoding_gives_the_same_table(tmp_path, expected, sign, word, encoding):
    lines = [line.split(",", 5) for line in TEXT.splitlines()]
    text = "\r\n".join(sign.join(cells) for cells in lines) + "\r\n"
    path = tmp_path / "part1.tsv"
    path.write_bytes(text.encode(encoding))
    table, source = typed(path)
    pd.testing.assert_frame_equal(table, expected)
    assert (source.delimiter, source.newline) == (word, "CRLF")
    assert source.encoding == encoding.removesuffix("-sig")
    assert source.windows_1252 == ([2, 4] if encoding == "cp1252" else [])


def test_rows_in_windows_1252_inside_utf_8_are_named(tmp_path, expected):
    lines = TEXT.splitlines(keepends=True)
    data = b"".join(line.encode("cp1252" if k == 3 else "utf-8") for k, line in enumerate(lines))
    path = tmp_path / "part1.csv"
    path.write_bytes(data)
    table, source = typed(path)
    pd.testing.assert_frame_equal(table, expected)
    assert (source.encoding, source.windows_1252) == ("utf-8 and cp1252", [4])


@pytest.mark.parametrize(("newline", "name"), [("\n", "LF"), ("\r", "CR"), ("\r\n", "CRLF")])
def test_every_newline(tmp_path, expected, newline, name):
    path = tmp_path / "part1.csv"
    path.write_bytes(TEXT.replace("\n", newline).encode())
    table, source = typed(path)
    pd.testing.assert_frame_equal(table, expected)
    assert source.newline == name
    path.write_bytes(TEXT.replace("\n", "\r\n", 2).encode())
    assert typed(path)[1].newline == "mixed"


def test_columns_of_the_file_that_the_codebook_does_not_know_are_said(tmp_path):
    path = tmp_path / "part1.parquet"
    NUMBERS.assign(more=1).to_parquet(path, index=False)
    assert typed(path)[1].ignored == ["more"]


def test_labels_that_contradict_the_codebook_are_refused(tmp_path):
    path = tmp_path / "part1.sav"
    labels = {"rating": {1: "Never", 2: "Sometimes", 7: "Refused", 99: "Left out"}}
    pyreadstat.write_sav(NUMBERS, str(path), variable_value_labels=labels)
    with pytest.raises(InputError, match=r"labels the code 1 'Never' where the codebook says 'Rare' .*variable rating"):
        typed(path)


def test_labels_of_other_words_leave_the_codes(tmp_path, expected):
    path = tmp_path / "part1.sav"
    labels = {"rating": {1: "Now and then", 2: "Never", 7: "Refused", 99: "Left out"}}
    pyreadstat.write_sav(NUMBERS, str(path), variable_value_labels=labels)
    pd.testing.assert_frame_equal(typed(path)[0], expected)


def test_formula_cells_of_a_workbook_are_refused(tmp_path):
    path = tmp_path / "part1.xlsx"
    workbook(path, rows_of_workbook(), B3="=SUM(B1:B2)")
    with pytest.raises(InputError, match=r"A cell holds a formula .*row 3, column 2"):
        typed(path)


def test_rows_of_a_workbook_are_those_that_its_user_sees(tmp_path):
    path = tmp_path / "part1.xlsx"
    rows = rows_of_workbook()
    workbook(path, [*rows[:2], [], *rows[2:]])
    assert typed(path)[0].index.tolist() == [2, 4, 5, 6]


def test_raw_text_stands_beside_the_parsed_values(tmp_path):
    path = tmp_path / "part1.csv"
    path.write_text("id,officers,budget,rating,returned,remark\nA1, about 10,1,1.0,2007-02-31,\n")
    raw = ingest.read_raw(path, BOOK)
    table, misfits = ingest.typed(raw, BOOK)
    both = ingest.with_raw(table, raw)
    assert both.loc[2, ["officers__raw", "rating__raw", "returned__raw"]].tolist() == [" about 10", "1.0", "2007-02-31"]
    assert both.loc[2, "rating"] == "Rare"
    assert set(misfits["variable"]) == {"officers", "returned"}
    pd.testing.assert_frame_equal(ingest.raw_of(both.reset_index()), raw.rename_axis(columns=None), check_names=False)


def test_one_file_of_a_name(tmp_path):
    with pytest.raises(InputError, match=r"not there.*part1\.csv"):
        formats.find(tmp_path / "part1")
    (tmp_path / "part1.sav").touch()
    assert formats.find(tmp_path / "part1") == tmp_path / "part1.sav"
    (tmp_path / "part1.csv").touch()
    with pytest.raises(InputError, match=r"Both part1\.csv and part1\.sav are there"):
        formats.find(tmp_path / "part1")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id," + b"x," * 6_000 + b"y\n", "6,002 columns, more than 5,000"),
        (b"id\n" + b"x" * (formats.MAX_FIELD + 10) + b"\n", "field larger than field limit"),
    ],
)
def test_limits_are_said(tmp_path, content, words):
    path = tmp_path / "part1.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        formats.read(path, ["id"])


def test_file_size_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "MAX_BYTES", 10 << 20)
    path = tmp_path / "part1.csv"
    with open(path, "wb") as stream:
        stream.truncate((11 << 20) + 1)
    with pytest.raises(InputError, match="has 11 MiB, more than 10"):
        formats.read(path, ["id"])


def test_number_of_cells_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "MAX_CELLS", 6_000)
    path = tmp_path / "part1.parquet"
    pq.write_table(pa.table({"id": ["A"] * 6_001}), path)
    with pytest.raises(InputError, match="more than 6,000 cells"):
        formats.read(path, ["id"])
    (tmp_path / "part1.csv").write_text("id\n" + "A\n" * 10_000)
    with pytest.raises(InputError, match="more than 6,000 cells"):
        formats.read(tmp_path / "part1.csv", ["id"])
