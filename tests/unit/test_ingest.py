"""Reading raw files: every kind of damage gives one sentence or a misfit with file, row and variable."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_survey import codebook, ingest
from agency_survey.errors import InputError

PROJECT = Path(__file__).parents[2]
SPEC = {
    "name": "agencies",
    "title": "Agencies",
    "file": "agencies.csv",
    "delimiter": ",",
    "encoding": "utf-8",
    "synthetic": True,
    "record": "agency",
    "key": ["id"],
    "variables": {
        "id": {"label": "Identifier", "type": "string", "pattern": "[A-Z][0-9]"},
        "officers": {
            "label": "Officers",
            "type": "integer",
            "range": [0, 500],
            "missing": {
                -9: {"kind": "missing", "label": "Left out"},
                "NA": {"kind": "not_asked", "label": "Not asked"},
            },
            "blank": "not_applicable",
        },
        "budget": {"label": "Budget", "type": "number"},
        "answer": {
            "label": "Answer",
            "type": "categorical",
            "ordered": True,
            "codes": {1: "Rare", 2: "Never"},
            "missing": {8: {"kind": "dont_know", "label": "Don't know"}, 7: {"kind": "refused", "label": "Refused"}},
        },
        "form": {"label": "Form", "type": "categorical", "codes": {"full": "Full", "part": "Part"}, "blank": "missing"},
        "returned": {"label": "Returned", "type": "date", "blank": "missing"},
    },
}
BOOK = codebook.from_dict(SPEC, "agencies.yaml")
HEADER = "id,officers,budget,answer,form,returned\n"
GOOD = HEADER + "A1,12,1.5,1,full,2007-05-11\nB2, -9 ,2e3,8,part,\nC3,,0,2,,2007-06-01\n"


@pytest.fixture
def read(tmp_path):
    """``read(content)``: typed table and misfits of a file with that content."""

    def give(content: str | bytes, book: codebook.Codebook = BOOK):
        path = tmp_path / book.file
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return ingest.typed(ingest.read_raw(path, book), book)

    return give


@pytest.fixture
def refusal(read):
    def give(content: str | bytes) -> str:
        with pytest.raises(InputError) as caught:
            read(content)
        sentence = str(caught.value)
        assert "agencies.csv" in sentence
        assert "\n" not in sentence
        return sentence

    return give


def test_values_types_and_kinds_of_missing(read):
    table, misfits = read(GOOD)
    assert misfits.empty
    assert list(misfits.columns) == ingest.MISFIT_COLUMNS
    assert table.index.tolist() == [2, 3, 4]
    assert table["officers"].dtype == "Int64"
    assert table["officers"].tolist() == [12, pd.NA, pd.NA]
    assert table["officers__missing"].tolist()[1:] == ["missing", "not_applicable"]
    assert table["budget"].tolist() == [1.5, 2000.0, 0.0]
    assert table["answer"].cat.categories.tolist() == ["Rare", "Never"]
    assert table["answer"].cat.ordered
    assert table["answer"].isna().tolist() == [False, True, False]
    assert table["answer__missing"].iloc[1] == "dont_know"
    assert table["form"].tolist()[:2] == ["Full", "Part"]
    assert table["returned"].iloc[0] == pd.Timestamp("2007-05-11")
    assert table.filter(like="__missing").iloc[0].isna().all()


def test_a_missing_code_that_is_no_number(read):
    table, misfits = read(HEADER + "A1,NA,1,1,full,\n")
    assert misfits.empty
    assert table["officers__missing"].iloc[0] == "not_asked"


@pytest.mark.parametrize(
    ("variable", "raw", "problem"),
    [
        ("officers", "about 10", "not a number"),
        ("officers", "1,200", "not a number"),
        ("officers", "nan", "not a number"),
        ("officers", "inf", "not a number"),
        ("officers", "3.5", "not a whole number"),
        ("officers", "501", "outside 0 to 500"),
        ("officers", "-1", "outside 0 to 500"),
        ("officers", "99999999999999999999999", "too large a number"),
        ("budget", "", "empty cell"),
        ("budget", "   ", "empty cell"),
        ("budget", "1e999", "not a number"),
        ("answer", "3", "unknown code"),
        ("answer", "1.5", "unknown code"),
        ("answer", "Rare", "unknown code"),
        ("form", "FULL", "unknown code"),
        ("returned", "2007-02-30", "not a date (year-month-day)"),
        ("returned", "05/11/2007", "not a date (year-month-day)"),
        ("id", "a1", "not of the expected form"),
        ("id", "A12", "not of the expected form"),
    ],
)
def test_what_does_not_fit_is_reported_by_file_row_and_variable(read, variable, raw, problem):
    cells = {"id": "A1", "officers": "12", "budget": "1", "answer": "1", "form": "full", "returned": ""}
    cells[variable] = raw
    row = ",".join(f'"{cell}"' for cell in cells.values())
    table, misfits = read(HEADER + "B1,12,1,1,full,\n" + row + "\n")
    assert len(table) == 2
    assert misfits[["file", "row", "variable", "raw", "problem"]].values.tolist() == [
        ["agencies.csv", 3, variable, raw, problem]
    ]
    assert pd.isna(table[variable].iloc[1])
    assert table[f"{variable}__missing"].tolist()[1] == "invalid"
    others = table.drop(columns=["id", variable, f"{variable}__missing"])
    assert others.iloc[0].equals(others.iloc[1])


def test_all_misfits_of_a_record_are_reported(read):
    _, misfits = read(HEADER + "A1,x,y,z,w,v\n")
    assert misfits["variable"].tolist() == ["answer", "budget", "form", "officers", "returned"]
    assert (misfits["record"] == "A1").all()


def test_blanks_inside_columns_of_numbers(read):
    table, misfits = read(HEADER + "A1, ,1,1,full,\nB1,  7,1,1,full,\n")
    assert table["officers"].tolist() == [pd.NA, 7]
    assert table["officers__missing"].iloc[0] == "not_applicable"
    assert misfits.empty


def test_codes_written_as_decimals_are_the_same_codes(read):
    table, misfits = read(HEADER + "A1,12.0,1,1.0,full,\nB1,-9.0,1,08,full,\n")
    assert misfits.empty
    assert table["answer"].iloc[0] == "Rare"
    assert table["answer__missing"].iloc[1] == "dont_know"
    assert table["officers__missing"].iloc[1] == "missing"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (HEADER, "a header but no records"),
        (HEADER.strip(), "a header but no records"),
        (GOOD.replace("budget,", "").replace("1.5,", ""), "The column 'budget' is missing"),
        (GOOD.replace("officers,budget", "staff,money"), "The column 'officers' is missing (and 1 more)"),
        (GOOD.replace(",", "!"), "has one column only"),
        ("<html>\nnot found\n", "has one column only"),
        (GOOD.encode() + b"D4,\0\0\0\0", "NUL bytes"),
        (GOOD.encode() + b"D4,1,1,1,\x01,\n", "control characters"),
        (GOOD.encode("utf-16") + b"\x00", "not utf-16 text"),
        (GOOD.encode() + b"D4,1,1,1,full,\x81\n", "neither UTF-8 nor Windows-1252"),
        (GOOD + "D4,12,1\n", "A row has 3 fields where the header has 6"),
        (GOOD + "D4,12,1", "A row has 3 fields where the header has 6"),
        (GOOD + "D4,1,200,1,1,full,\n", "A row has 7 fields where the header has 6"),
        (GOOD + 'D4,1,1,1,"full,\n', "cannot be read: unexpected end of data"),
        (GOOD.replace("form,", "answer,"), "The column 'form' is missing"),
        (GOOD.replace("returned", "returned,answer").replace("full,", "full,1,"), "The column 'answer' is there twice"),
        (GOOD + "A1,3,1,1,full,\n", "The key id = 'A1' is there more than once"),
        (GOOD + " A1 ,3,1,1,full,\n", "The key id = 'A1' is there more than once"),
    ],
)
def test_damage_to_the_file_gives_one_sentence(refusal, content, words):
    assert words in refusal(content)


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (GOOD + "D4,12,1\n", "row 5"),
        (GOOD.encode() + b"D4,1,1,1,full,\x81\n", "row 5"),
        (GOOD + "A1,3,1,1,full,\n", "rows 2, 5"),
        (GOOD + 'D4,1,1,1,"full,\n' + GOOD, "row 5"),
        (GOOD.replace("A1,", '"A1,') + GOOD.replace("A1", '"A1"'), "row 2"),
        (GOOD + 'D4,1,1,1,"fu\n""ll\r\n",\nE5,1,1,1,"full,\n' + 'F6,1,1,1,"full",\n', "row 8"),
        (GOOD + 'D4,1,1,1,5"x,\nE5,1,1,1,"full"x,\n', "row 6"),
        (GOOD + "D4,1,1,1,full,\n" * 3 + 'E5,1,1,1,"full' + "x" * (1 << 21), "row 8"),
    ],
)
def test_the_row_is_the_line_in_the_file(refusal, content, row):
    assert f", {row})" in refusal(content)


def test_rows_after_blank_lines_and_broken_lines_keep_their_line_numbers(read):
    table, _ = read(HEADER + '\nA1,1,1,1,full,\n"B\n1",x,1,1,full,\n\nC1,x,1,1,full,\n')
    assert table.index.tolist() == [3, 5, 7]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"not there.*nowhere\.csv"):
        ingest.read_raw(tmp_path / "nowhere.csv", BOOK)


def test_byte_order_mark_windows_lines_and_order_of_columns_do_not_matter(read):
    plain = read(GOOD)[0]
    assert read(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())[0].equals(plain)
    turned = "\n".join(",".join(row.split(",")[::-1]) for row in GOOD.strip().split("\n"))
    assert read(turned)[0].equals(plain)
    assert read(GOOD.replace("\n", ",more\n"))[0].equals(plain)


def test_keys_of_two_variables(read):
    book = codebook.from_dict({**SPEC, "key": ["id", "form"]}, "agencies.yaml")
    assert len(read(HEADER + "A1,1,1,1,full,\nA1,1,1,1,part,\n", book)[0]) == 2
    with pytest.raises(InputError, match="id/form = 'A1/full'"):
        read(HEADER + "A1,1,1,1,full,\nA1 ,1,1,1, full,\n", book)


def test_a_file_that_is_not_there_can_stand_as_no_records():
    table, misfits = ingest.typed(ingest.no_records(BOOK), BOOK)
    assert len(table) == len(misfits) == 0
    full = ["answer", "budget", "form", "id", "officers", "returned"]
    assert sorted(c for c in table.columns if not c.endswith("__missing")) == full
    assert table["officers"].dtype == "Int64"
    assert table["answer"].cat.categories.tolist() == ["Rare", "Never"]


def test_missing_summary_adds_up_to_the_records(read):
    table, _ = read(GOOD + "D4,501,,7,x,2007-05-12\n")
    found = ingest.missing_summary(table, BOOK).set_index("variable")
    assert (found.drop(columns="label").sum(axis=1) == 4).all()
    assert found.loc["officers", ["valid", "missing", "not_applicable", "invalid"]].tolist() == [1, 1, 1, 1]
    assert found.loc["answer", ["valid", "dont_know", "refused"]].tolist() == [2, 1, 1]


def test_digest_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc" * 100_000)
    assert ingest.sha256(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()


CELL = st.text(alphabet="0123456789.,-eEnaif xé\"'", max_size=8)


@given(st.lists(st.tuples(CELL, CELL, CELL, CELL, CELL), min_size=1, max_size=6))
def test_every_cell_is_valid_coded_missing_or_a_misfit(rows):
    """Whatever the cells hold: no record is lost, and each empty value has a kind; 'invalid' and misfits are the same."""
    raw = pd.DataFrame(
        [[f"A{k}", *row] for k, row in enumerate(rows)],
        columns=list(BOOK.variables),
        index=pd.Index(np.arange(len(rows)) + 2, name="row"),
        dtype=object,
    )
    table, misfits = ingest.typed(raw, BOOK)
    assert len(table) == len(rows)
    reported = set(zip(misfits["row"], misfits["variable"], strict=True))
    for name in BOOK.variables:
        kind = table[f"{name}__missing"]
        assert (table[name].isna() == kind.notna()).all()
        assert {(row, name) for row in table.index[kind == "invalid"]} == {pair for pair in reported if pair[1] == name}


@pytest.mark.parametrize("wave", [2007, 2016, 2020])
def test_lemas_waves_keep_all_records_and_report_what_does_not_fit(lemas_ingested, lemas_dir, register, wave):
    table, misfits = lemas_ingested[wave]
    with open(lemas_dir / register[wave]["file"], encoding="latin-1") as stream:
        assert len(table) == sum(1 for line in stream if line.strip()) - 1
    invalid = sum((table[c] == "invalid").sum() for c in table.columns if c.endswith("__missing"))
    assert len(misfits) == invalid
    assert len(misfits) < 0.01 * table.size


@pytest.mark.parametrize(("name", "records", "most"), [
    ("frame", 15_882, 0), ("disposition", 3_191, 0), ("part1", 1_903, 0.01), ("part2", 300, 0.01), ("part3", 500, 0.02)
])  # fmt: skip
def test_the_shipped_files_fit_their_codebooks_but_for_the_faults_of_the_returns(name, records, most):
    book = codebook.load(PROJECT / f"config/codebooks/{name}.yaml")
    folder = PROJECT / "data" / ("frame" if name == "frame" else "raw")
    table, misfits = ingest.typed(
        ingest.read_raw(folder / book.file, book), book, unique=name in ("frame", "disposition")
    )
    assert len(table) >= records
    assert len(misfits) <= most * len(table) * len(book.variables), misfits.head()


def checked(table: pd.DataFrame) -> None:
    ingest.require_labels(table, {"answer": ["Yes", "No"]}, "book.yaml", "module.py")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"other": [1]}, "lacks the label 'Yes'"),
        ({"answer": ["Yes"]}, "lacks the label 'Yes'"),
        ({"answer": pd.Categorical(["Yes"], ["Yes"])}, "lacks the label 'No'"),
        ({"answer": pd.Categorical(["Yes"], ["Yes", "No", "So"])}, "has the label 'So', which is not known"),
        ({"answer": pd.Categorical(["Yes"], ["Yes", "Not"])}, "has the label 'Not' but lacks 'No'"),
        ({"answer": pd.Categorical(["Yes"], ["No", "Yes"])}, "has the label 'No' in the place of 'Yes'"),
    ],
)
def test_labels_that_logic_relies_on_must_be_there_in_order(table, words):
    with pytest.raises(InputError) as refused:
        checked(pd.DataFrame(table))
    assert str(refused.value) == (
        f"The variable 'answer' {words}, and the logic relies on its labels and their order (book.yaml). "
        "Restore the codebook, or change module.py with it."
    )


def test_labels_that_nobody_has_are_known_after_parquet(tmp_path):
    """A code without a record keeps its place on the way through a file; a table without rows has no labels."""
    from agency_survey import files

    for values in (["No"], [None], []):
        files.write_parquet(tmp_path / "x.parquet", pd.DataFrame({"answer": pd.Categorical(values, ["Yes", "No"])}))
        checked(pd.read_parquet(tmp_path / "x.parquet"))


def test_values_that_a_design_needs_are_refused_with_record_and_row():
    table = pd.DataFrame(
        {
            "id": ["A", "B", "C"],
            "n": pd.array([1, None, None], "Int64"),
            "n__missing": [None, "not_applicable", "missing"],
        },
        index=pd.Index([2, 3, 4], name="row"),
    )
    ingest.require_values(table, ["id"], "id", "file.csv")
    ingest.require_values(table.iloc[:2], ["n"], "id", "file.csv", optional=("n",))
    with pytest.raises(InputError) as refused:
        ingest.require_values(table, ["id", "n"], "id", "file.csv", optional=("n",))
    assert str(refused.value) == (
        "The value of 'n' of the agency C is missing, and the weights and domains rest on it "
        "(file.csv, row 4, variable n). Correct the file, or its codebook."
    )
    with pytest.raises(InputError, match=r"of the agency B is marked as not applicable \(and 1 more\), and"):
        ingest.require_values(table, ["n"], "id", "file.csv")
