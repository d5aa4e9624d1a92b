"""Files appear whole or not at all, with the same bytes each time; a file that cannot be read gives one sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from agency_survey import files
from agency_survey.errors import InputError

PUBLISHED = Path(__file__).parents[2] / "data/published"


def test_a_write_that_fails_leaves_the_old_file_and_no_trace(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old\n")

    def half(part) -> None:
        part.write_text("half", encoding="utf-8")
        raise RuntimeError("cut")

    with pytest.raises(RuntimeError):
        files.atomic(path, half)
    assert path.read_text(encoding="utf-8") == "old\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_the_name_is_not_there_while_the_file_is_written(tmp_path):
    path = tmp_path / "deep" / "er" / "a.csv"
    seen = []
    files.atomic(path, lambda part: (part.write_text("x", encoding="utf-8"), seen.append((path.exists(), part.suffix))))
    assert seen == [(False, ".csv")]
    assert path.read_text(encoding="utf-8") == "x"


def test_json_is_sorted_and_refuses_what_is_not_a_number(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"b": 1, "a": "é"})
    assert path.read_bytes() == '{\n "a": "é",\n "b": 1\n}\n'.encode()
    assert files.read_json(path) == {"a": "é", "b": 1}
    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8"))["b"] == 1


def test_csv_keeps_every_digit_and_unix_lines(tmp_path):
    value = 0.1 + 0.2
    files.write_csv(tmp_path / "a.csv", pd.DataFrame({"x": [value, 1e-17], "y": ["a", None]}))
    assert b"\r" not in (tmp_path / "a.csv").read_bytes()
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == f"x,y\n{value!r},a\n1e-17,\n"


def test_parquet_keeps_types_and_the_row_labels(tmp_path):
    table = pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": pd.Categorical(["x", None], ["y", "x"])})
    files.write_parquet(tmp_path / "a.parquet", table.set_index(pd.Index([2, 5], name="row")))
    back = pd.read_parquet(tmp_path / "a.parquet")
    assert back["row"].tolist() == [2, 5]
    assert back["a"].dtype == "Int64"
    assert back["b"].cat.categories.tolist() == ["y", "x"]


def test_same_content_same_bytes(tmp_path):
    table = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})
    for name in ("one", "two"):
        files.write_parquet(tmp_path / f"{name}.parquet", table)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


@pytest.mark.parametrize("name", ["frame_counts", "lemas_published", "report_2008"])
def test_published_tables_are_read_as_text(name):
    path = PUBLISHED / f"{name}.csv"
    expected = pd.read_csv(path, dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(files.read_table(path, expected.columns), expected)


def test_named_columns_are_numbers():
    path = PUBLISHED / "frame_counts.csv"
    numbers = ["year", "count", "se"]
    expected = pd.read_csv(path)[numbers]
    pd.testing.assert_frame_equal(files.read_table(path, ["source"], numbers)[numbers], expected)


TABLE = 'class,count\n"1,000 or more",12.5\n\nall,13\n'


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["is empty"]),
        (b"\n\n", ["is empty"]),
        (b"class,count\n", ["a header but no records"]),
        (TABLE.replace("count", "counts").encode(), ["The column 'count' is missing"]),
        (b"class;count\nall;13\n", ["The column 'class' is missing"]),
        (TABLE.replace("13", "thirteen").encode(), ["'thirteen' is not a number", ", row 4, column count)"]),
        (TABLE.replace("13", "").encode(), ["'' is not a number", ", row 4, column count)"]),
        (TABLE.replace("13", "inf").encode(), ["'inf' is not a number", ", row 4, column count)"]),
        (TABLE.replace("all,13", "all").encode(), ["1 fields where the header has 2", ", row 4)"]),
        (TABLE.replace('more"', "more").encode(), ["cannot be read", "quotes"]),
        ("class,count\né,1\n".encode("latin-1"), ["not UTF-8"]),
    ],
)
def test_a_table_that_is_wrong_is_refused_by_file_and_row(tmp_path, content, parts):
    path = tmp_path / "counts.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        files.read_table(path, ["class", "count"], ["count"])
    for part in [str(path), *parts]:
        assert part in str(refused.value)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"not there \(.*nowhere\.csv\)"):
        files.read_table(tmp_path / "nowhere.csv", ["a"])


@pytest.mark.parametrize(
    ("read", "content"),
    [
        (files.read_json, b""),
        (files.read_json, b'{"numbers": {"a": 1'),
        (files.read_json, b"\xff\xfe"),
        (lambda path: files.read_json(path, "rule", "numbers"), b'{"numbers": {}}'),
        (lambda path: files.read_json(path, "numbers"), b"[]"),
        (files.read_parquet, b""),
        (files.read_parquet, b"of some other data"),
        (files.read_parquet, b"PAR1" + b"\0" * 100 + b"PAR1"),
        (files.read_csv, b""),
    ],
)
def test_a_damaged_intermediate_file_is_named_with_the_way_out(tmp_path, read, content):
    path = tmp_path / "numbers"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged \(.*numbers\)\. Delete it and run `make report` again\.$"):
        read(path)


def test_a_parquet_file_that_is_cut_is_damaged(tmp_path):
    path = tmp_path / "a.parquet"
    files.write_parquet(path, pd.DataFrame({"a": range(1000)}))
    assert len(files.read_parquet(path)) == 1000
    whole = path.read_bytes()
    for broken in (whole[:-20], whole[: len(whole) // 2], whole[:-60] + b"\xff" * 40 + whole[-20:]):
        path.write_bytes(broken)
        with pytest.raises(InputError, match="damaged"):
            files.read_parquet(path)


@pytest.mark.parametrize("read", [files.read_json, files.read_parquet, files.read_csv])
def test_a_file_that_is_not_there_is_not_called_damaged(tmp_path, read):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nowhere")


def test_csv_as_text_keeps_cells_as_they_are_written(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("record,raw\n007,NA\n012,\n", encoding="utf-8")
    assert files.read_csv(path, text=True).to_numpy().tolist() == [["007", "NA"], ["012", ""]]


def test_a_job_whose_build_is_gone_leaves_nothing(tmp_path, monkeypatch):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    path = tmp_path / "a.txt"
    files.write_text(path, "of the build that is running now\n")
    monkeypatch.setenv(files.HELD, str(ended.pid))
    with pytest.raises(SystemExit, match="has ended"):
        files.write_text(path, "of the build that is gone\n")
    assert path.read_text() == "of the build that is running now\n"
    assert list(tmp_path.iterdir()) == [path]
    monkeypatch.setenv(files.HELD, str(os.getpid()))
    files.write_text(path, "new\n")
    assert path.read_text() == "new\n"
