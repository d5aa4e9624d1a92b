"""The register on the command line: what a listing says, and the register without one entry."""

from __future__ import annotations

import pytest

from agency_survey import changes, corrections, register
from agency_survey.errors import InputError

ENTRY = corrections.Correction(
    id="C0007", file="part1", record="9452DI", variable="q1", old_value="", new_value="3", reason="asked again",
    evidence="call", decided_by="data manager", date="2026-11-01", expires="", line=2,
)  # fmt: skip


def moves(kind: str, count: int, printed: bool = True) -> list[changes.Moved]:
    return [changes.Moved(kind, f"{kind}-{k}", "what", "1", "2", printed) for k in range(count)]


def test_a_listing_counts_what_moved_and_names_the_first():
    found = (
        moves("number", 2)
        + moves("printed", 1)
        + moves("cell", 3)
        + moves("number", 1, printed=False)
        + moves("text", 1)
    )
    lines = register.listing(ENTRY, found, limit=2).splitlines()
    assert lines[0] == "C0007  part1 9452DI q1: blank -> 3  (2026-11-01, data manager: asked again)"
    assert lines[1].strip() == "moved 2 numbers, 1 table cell, 1 sentence"
    assert lines[2].strip() == "and 1 number below the printed digits"
    assert [line.split(":")[0].strip() for line in lines[3:5]] == ["number-0", "number-1"]
    assert lines[5].strip() == "and 1 more"


def test_a_listing_says_when_nothing_that_is_printed_moved():
    assert "nothing that the report prints" in register.listing(ENTRY, [])
    assert len(register.listing(ENTRY, None).splitlines()) == 1


def test_the_register_without_an_entry_keeps_the_others():
    text = 'id,file,reason\nC0001,part1,"two\nlines, and a comma"\nC0002,part1,other\n'
    assert register._without(text, "C0002") == 'id,file,reason\nC0001,part1,"two\nlines, and a comma"\n'
    assert register._without(text, "C0001") == "id,file,reason\nC0002,part1,other\n"
    assert register._without(text, "C0003") == text


def test_a_record_is_shown_with_labels_and_with_what_the_file_says(monkeypatch, tmp_path):
    from small_survey import BOOKS, IDS, tables

    raw, text = tables(), tables()
    raw["part1"].loc[2, "q6_training"] = "Yes"
    monkeypatch.setattr(register, "edited", lambda root: (raw, text, BOOKS))
    shown = register.show(tmp_path, "part1", IDS[0])
    assert f"record {IDS[0]} (row 2 of the file)" in shown
    (line,) = [line for line in shown.splitlines() if line.strip().startswith("q6_training ")]
    assert "Yes   [in the file: 'Yes']" in line
    (date,) = [line for line in shown.splitlines() if line.strip().startswith("returned_on")]
    assert "00:00:00" not in date
    with pytest.raises(InputError, match="no file 'part8'"):
        register.show(tmp_path, "part8", IDS[0])
    with pytest.raises(InputError, match="no record"):
        register.show(tmp_path, "part1", "nobody")
