"""Files appear whole or not at all, and with the same bytes each time."""

import json

import pandas as pd
import pytest

from agency_survey import files


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
