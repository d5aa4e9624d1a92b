"""Faults: the list is the difference between the returned and the untouched files; each can be found; larger stand-ins."""

import csv
import gc
import io
import weakref
from collections import Counter

import pandas as pd
import pytest
import standin_tables

from agency_survey import cli, identifiers, standin
from agency_survey.errors import InputError
from agency_survey.standin import output
from agency_survey.standin.tools import values

ROOT = standin_tables.ROOT
KINDS = {
    "duplicate_return", "id_typo", "text_number", "code_variant", "trailing_blank", "skip_answered", "skip_unanswered",
    "case_without_part1", "out_of_range", "impossible_date", "orphan_case", "cross_part_count", "encoding", "sum_mismatch",
}  # fmt: skip


@pytest.fixture(scope="module")
def given():
    return standin_tables.settings(), standin_tables.counts(), standin_tables.parts()


@pytest.fixture(scope="module")
def untouched():
    return standin_tables.world()


@pytest.fixture(scope="module")
def folder(given, tmp_path_factory):
    """A stand-in of three replicates."""
    root = tmp_path_factory.mktemp("large")
    standin.write(*given, root, scale=3)
    return root


@pytest.fixture(scope="module")
def raw():
    """Rows of the committed files as text; bytes that are no UTF-8 as \\xNN."""
    return {name: rows_of(ROOT / "data/raw" / f"{name}.csv") for name in standin.PARTS}


@pytest.fixture(scope="module")
def listed():
    return read_faults(ROOT / "data/raw/truth/faults.csv")


def rows_of(path):
    text = path.read_bytes().decode("utf-8", "backslashreplace")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def read_faults(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False).astype({"row": int})


def true_rows(table, book):
    text = table.astype(str)
    return {"/".join(row[name] for name in book.key): row for row in text.to_dict("records")}


def test_listed_faults_are_exactly_the_differences(given, untouched, raw, listed):
    for name, book in given[2].items():
        true, faults = true_rows(untouched[name], book), listed[listed["file"] == name]
        extra = faults[faults["true"].eq("") & faults["kind"].isin(["duplicate_return", "orphan_case"])]
        record = {int(row): key for row, key in zip(faults["row"], faults["record"], strict=True)}
        found, seen = set(), Counter()
        for line, row in enumerate(raw[name], start=2):
            if line in set(extra["row"]):
                continue
            key = record.get(line, "/".join(row[part].strip() for part in book.key))
            seen[key] += 1
            found |= {(line, part, row[part], true[key][part]) for part in row if row[part] != true[key][part]}
        assert seen == Counter(dict.fromkeys(true, 1))
        cells = faults.drop(index=extra.index)
        assert found == set(cells[["row", "variable", "raw", "true"]].itertuples(index=False, name=None))
        assert len(found) == len(cells)
        assert all(
            raw[name][row - 2]["agency_id"] == text for row, text in zip(extra["row"], extra["raw"], strict=True)
        )


def test_every_kind_is_there_often_enough_and_rare(raw, listed):
    assert set(listed["kind"]) == KINDS
    assert listed["kind"].value_counts().min() >= 15
    assert listed["fault_id"].is_unique
    assert listed["remedy"].isin(["repair", "query"]).all()
    cells = sum(len(rows) * len(rows[0]) for rows in raw.values())
    assert len(listed) / cells < 0.01


def test_the_kept_one_of_two_returns_is_the_true_one(given, raw, listed):
    """Most answers, then the later date: with a plain count of cells that hold no code for missing."""
    for name in ("part1", "part2"):
        items = {one.name: {*one.missing, ""} for one in given[2][name].variables.values()}
        extra = listed[(listed["kind"] == "duplicate_return") & (listed["file"] == name)]
        modes = set()
        for row, key in zip(extra["row"], extra["record"], strict=True):
            second = raw[name][row - 2]
            (first,) = [one for one in raw[name] if one["agency_id"] == key and one is not second]
            ranks = [
                (sum(one[item] not in codes for item, codes in items.items()), one["returned_on"])
                for one in (first, second)
            ]
            assert ranks[0] > ranks[1]
            modes.add(first["mode"] != second["mode"])
        assert modes == {True}


def test_mistyped_identifiers_are_nobodys_and_near_the_right_one(untouched, listed):
    frame = set(untouched["frame"]["agency_id"])
    for fault in listed[listed["kind"] == "id_typo"].itertuples():
        assert not identifiers.valid(fault.raw) or fault.raw not in frame
        assert (
            Counter(fault.raw) == Counter(fault.true)
            or sum(a != b for a, b in zip(fault.raw, fault.true, strict=True)) == 1
        )


def test_contradictions_can_be_found(raw, listed):
    part3 = {row: raw["part3"][row - 2] for row in listed.loc[listed["kind"] == "sum_mismatch", "row"]}
    ages = ["q3a_under_18", "q3b_18_to_24", "q3c_25_and_over", "q3d_age_unknown"]
    assert all(sum(int(row[name]) for name in ages) != int(row["q3_victims"]) for row in part3.values())
    part2 = {row["agency_id"] for row in raw["part2"]}
    denied = listed[(listed["kind"] == "case_without_part1") & (listed["variable"] == "q13_any_case")]
    assert (denied["raw"] == "2").all()
    assert set(denied["record"]) <= part2
    part1 = {row["agency_id"] for row in raw["part1"]}
    assert not part1 & set(listed.loc[listed["kind"] == "orphan_case", "raw"])


def test_dates_are_impossible_in_each_way(raw, listed):
    def possible(text):
        return not pd.isna(pd.to_datetime(text, format="%Y-%m-%d", errors="coerce"))

    dates = listed[listed["kind"] == "impossible_date"]
    swapped = dates[dates["raw"].str[5:7] > "12"]
    assert (swapped["remedy"] == "repair").all()
    assert len(swapped) > 10
    assert all(
        f"{raw[:4]}-{raw[8:]}-{raw[5:7]}" == true for raw, true in zip(swapped["raw"], swapped["true"], strict=True)
    )
    ways = Counter()
    for fault in dates.drop(index=swapped.index).itertuples():
        row = raw[fault.file][fault.row - 2]
        ways["no such day"] += not possible(fault.raw)
        ways["outside"] += possible(fault.raw) and fault.variable == "opened_on" and not "2000" <= fault.raw < "2007"
        ways["closed before"] += fault.variable == "closed_on" and fault.raw < row["opened_on"]
    assert min(ways.values()) >= 3
    assert sum(ways.values()) >= len(dates) - len(swapped)


def test_free_text_in_windows_1252_breaks_utf8(listed):
    content = (ROOT / "data/raw/part1.csv").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")
    for fault in listed[(listed["kind"] == "encoding") & (listed["file"] == "part1")].itertuples():
        assert fault.true.encode("cp1252") in content.splitlines()[fault.row - 1]


def test_larger_stand_in_holds_replicates_that_begin_with_the_default(folder):
    frame, default = (pd.read_csv(path / "frame/frame.csv") for path in (folder, ROOT / "data"))
    assert len(frame) == 3 * len(default)
    assert frame["agency_id"].is_unique
    assert sorted(frame["task_force"].dropna().unique()) == list(range(1, 127))
    assert all(identifiers.valid(ident) for ident in frame["agency_id"].sample(200, random_state=1))
    disposition = pd.read_csv(folder / "raw/disposition.csv")
    assert len(disposition) == 3 * 3191
    assert (disposition["outcome"] == 1).sum() == 3 * 1903
    for name, place in output.PLACES.items():
        if name != "calibration":
            assert (folder / place).read_bytes().startswith((ROOT / "data" / place).read_bytes()), name
    replicate = frame["agency_type"].index // len(default)
    assert (frame.groupby(replicate)["population"].sum().diff().dropna() != 0).all()


def test_faults_of_a_larger_stand_in_name_the_rows_of_its_files(folder):
    faults = read_faults(folder / "raw/truth/faults.csv")
    assert faults["fault_id"].is_unique
    for name in standin.PARTS:
        rows = rows_of(folder / "raw" / f"{name}.csv")
        own = faults[faults["file"] == name]
        assert own["row"].max() > 2 * len(rows) / 3
        assert all(
            rows[row - 2][part] == text for row, part, text in zip(own["row"], own["variable"], own["raw"], strict=True)
        )


def test_only_one_replicate_is_held_at_a_time(given, tmp_path):
    first = standin.generate(*given, given[0]["seed"])
    alive = []

    def replicates():
        for _ in range(3):
            gc.collect()
            assert sum(one() is not None for one in alive) <= 1
            tables = {name: table.head(50).copy() for name, table in first.items()}
            alive.append(weakref.ref(tables["population"]))
            yield tables
            del tables

    output.write(replicates(), values(given[0]), tmp_path)
    assert len(alive) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scale=2"], "needs a folder of its own"),
        (["--scale=2", f"--out={ROOT / 'data'}"], "needs a folder of its own"),
        (["--scale=0"], "no scale"),
        (["--scale=many"], "no scale"),
        (["--scale=5000", "--out=elsewhere"], "no scale"),
    ],
)
def test_scales_that_cannot_be_are_refused(capsys, arguments, words):
    assert cli.main(["standin", *arguments]) == 1
    assert words in capsys.readouterr().err
    assert not (ROOT / "elsewhere").exists()


def test_a_failing_replicate_leaves_no_file(given, tmp_path):
    def replicates():
        raise InputError("It fails")
        yield

    with pytest.raises(InputError):
        output.write(replicates(), given[0], tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
