"""The score of cleaning on the shipped stand-in, whose faults are listed; and that the score itself can tell."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
from small_survey import BOOKS, IDS, cleaned, spoiled, tables

from agency_survey import cleaning, ingest
from agency_survey.cleaning.score import score, untouched

PROJECT = Path(__file__).resolve().parents[2]
COLUMNS = ["kind", "file", "row", "record", "variable", "true"]


@pytest.fixture(scope="module")
def shipped():
    """Raw cells, fault list and what cleaning makes of the shipped files."""
    raw, rows = {}, {}
    for name, book in BOOKS.items():
        folder = PROJECT / "data" / ("frame" if name == "frame" else "raw")
        raw[name], source = ingest.read_source(folder / book.file, book)
        rows[name] = source.windows_1252
    faults = pd.read_csv(PROJECT / "data/raw/truth/faults.csv", dtype=str, keep_default_na=False)
    faults["row"] = faults["row"].astype(int)
    return raw, faults, cleaning.clean(raw, BOOKS, windows_1252=rows)


@pytest.fixture(scope="module")
def scored(shipped):
    raw, faults, done = shipped
    return score(faults, raw, done, BOOKS)


def test_faults_are_repaired_or_asked_about_and_no_valid_value_is_altered(shipped, scored):
    raw, faults, _ = shipped
    found = scored
    kinds = found.kinds.set_index("kind")
    assert len(kinds) == 14
    assert kinds["injected"].sum() == len(faults) > 400
    assert (kinds["share"] >= 0.99).all(), kinds
    assert kinds["silent"].sum() == 0, found.faults[found.faults["outcome"] == "silent"]
    assert kinds["wrong"].sum() == 0, found.faults[found.faults["outcome"] == "wrong"]
    assert found.altered.empty, found.altered.head()
    assert len(found.pending) < 0.005 * sum(raw[name].size for name in ("part1", "part2", "part3"))


def test_what_the_evidence_decides_is_repaired(scored):
    """The generator says which faults the files let a rule decide: at most one in a hundred of them is left to a person."""
    listed = scored.faults
    decided = listed[listed["remedy"] == "repair"]
    assert (decided["outcome"] == "repaired").mean() >= 0.99, decided[decided["outcome"] != "repaired"]


def test_every_changed_cell_and_record_has_a_row(shipped):
    """Compared cell by cell with what ingest reads: what differs is in the log or on the list of queries."""
    raw, _, done = shipped
    named = {
        name: {
            tuple(cell)
            for table in (done.log, done.queries)
            for cell in table.loc[table["file"] == BOOKS[name].file, ["row", "variable"]].to_numpy()
        }
        for name in raw
    }
    for name, book in BOOKS.items():
        key = book.key
        before = ingest.typed(raw[name], book, unique=False)[0]
        now = done.tables[name].set_index(key)
        dropped = {row for row, variable in named[name] if variable == ""}
        kept = before[~before.index.isin(dropped)]
        repaired = done.log[(done.log["file"] == book.file) & (done.log["variable"] == "agency_id")]
        ids = kept["agency_id"].astype(object)
        last = repaired.drop_duplicates("row", keep="last").set_index("row")["new"]
        kept = kept.assign(agency_id=last.reindex(kept.index).fillna(ids).str.strip()).reset_index().set_index(key)
        assert len(kept) == len(now)
        assert not now.index.has_duplicates
        now = now.reindex(kept.index)
        for variable in book.variables:
            if variable in key:
                continue
            for column in (variable, f"{variable}__missing"):
                one, two = kept[column].astype(object), now[column].astype(object)
                same = (one == two).fillna(False).astype(bool) | (one.isna() & two.isna())
                assert {(row, variable) for row in kept.loc[~same, "row"]} <= named[name], (name, column)


# -- the score can tell ------------------------------------------------------------------------------------------------


def listed(*faults: tuple) -> pd.DataFrame:
    return pd.DataFrame(faults, columns=COLUMNS)


def outcome(cells: list[tuple], faults: pd.DataFrame, **changed) -> list[str]:
    raw = spoiled(*cells)
    done = dataclasses.replace(cleaning.clean(raw, BOOKS), **changed)
    return score(faults, raw, done, BOOKS).faults["outcome"].tolist()


VARIANT = ("part1", 2, "q9_protocol", "Yes")
ODD = ("part1", 3, "q9_protocol", "66")
LIST = listed(
    ("code_variant", "part1", 2, IDS[0], "q9_protocol", "1"), ("out_of_range", "part1", 3, IDS[1], "q9_protocol", "1")
)


def test_repaired_and_queried():
    assert outcome([VARIANT, ODD], LIST) == ["repaired", "queried"]


def test_silent_without_a_row():
    nothing = pd.DataFrame(columns=cleaning.LOG_COLUMNS), pd.DataFrame(columns=cleaning.QUERY_COLUMNS)
    assert outcome([VARIANT, ODD], LIST, log=nothing[0], queries=nothing[1]) == ["silent", "silent"]


def test_wrong_where_the_new_value_is_not_the_true_one():
    assert outcome([VARIANT], LIST.iloc[:1].assign(true="2")) == ["wrong"]


def test_altered_values_and_lost_and_added_records_are_found():
    raw, done = tables(), cleaned()
    part1 = done.tables["part1"].copy()
    part1.loc[0, "q9_protocol"] = "No"
    found = score(listed(), raw, dataclasses.replace(done, tables={**done.tables, "part1": part1}), BOOKS)
    assert found.altered.to_numpy().tolist() == [["part1", part1.loc[0, "agency_id"], "q9_protocol", "Yes", "No"]]
    lost = {**done.tables, "part2": done.tables["part2"].iloc[1:]}
    assert (score(listed(), raw, dataclasses.replace(done, tables=lost), BOOKS).altered["file"] == "part2").all()
    more = {
        **done.tables,
        "part2": pd.concat([done.tables["part2"], done.tables["part2"].assign(agency_id=IDS[5]).iloc[:1]]),
    }
    altered = score(listed(), raw, dataclasses.replace(done, tables=more), BOOKS).altered
    assert altered["cleaned"].tolist() == ["a record that should not be there"]


def test_second_returns_and_orphans():
    raw = tables()
    raw["part1"].loc[10] = {**raw["part1"].loc[2].to_dict(), "returned_on": "2007-05-20", "q9_protocol": "2"}
    raw["part1"].loc[11] = {**raw["part1"].loc[3].to_dict(), "returned_on": "2007-05-20"}
    faults = listed(
        ("duplicate_return", "part1", 10, IDS[0], "agency_id", ""),
        ("duplicate_return", "part1", 11, IDS[1], "agency_id", ""),
    )
    found = score(faults, raw, cleaning.clean(raw, BOOKS), BOOKS)
    assert found.faults["outcome"].tolist() == ["queried", "repaired"]
    assert found.pending[["record", "variable"]].to_numpy().tolist() == [[IDS[0], "q9_protocol"]]
    assert found.altered.empty
    pd.testing.assert_frame_equal(untouched(raw, faults)["part1"], tables()["part1"])
