"""The corrections register: what it takes, what it refuses and where, and what it does to the cells."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from agency_survey import codebook, corrections
from agency_survey.errors import InputError

ON = "2026-11-23"
BOOK = codebook.from_dict(
    {
        "name": "part1",
        "title": "A file",
        "file": "part1.csv",
        "delimiter": ",",
        "encoding": "utf-8",
        "synthetic": True,
        "record": "agency",
        "key": ["agency_id"],
        "variables": {
            "agency_id": {"label": "Agency", "type": "string"},
            "q1": {
                "label": "Rating",
                "type": "categorical",
                "codes": {1: "Rare", 2: "Often"},
                "missing": {99: {"kind": "missing", "label": "Left out"}},
            },
            "q2": {"label": "Hours", "type": "integer", "range": [0, 40], "blank": "missing"},
        },
    },
    "part1.yaml",
)
BOOKS = {"part1": BOOK}
HEADER = ",".join(corrections.COLUMNS)
GOOD = {
    "id": "C0001",
    "file": "part1",
    "record": "A1",
    "variable": "q1",
    "old_value": "1",
    "new_value": "2",
    "reason": "keyed wrong",
    "evidence": "the form",
    "decided_by": "data manager",
    "date": "2026-11-01",
    "expires": "",
}


def register(tmp_path, *entries: dict, text: str | None = None):
    lines = [",".join(entry[column] for column in corrections.COLUMNS) for entry in entries]
    path = tmp_path / "corrections.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n" if text is None else text, encoding="utf-8")
    return path


def cells() -> dict[str, pd.DataFrame]:
    table = pd.DataFrame({"agency_id": ["A1", "A2"], "q1": ["1", "99"], "q2": ["7", "950"]}, dtype=object)
    return {"part1": table.set_index(pd.Index([5, 9], name="row"))}


def read(tmp_path, *entries, text=None):
    return corrections.read(register(tmp_path, *entries, text=text), BOOKS, ON)


def test_a_header_alone_is_a_register_without_entries(tmp_path):
    assert read(tmp_path) == []


def test_entries_change_their_cells_and_nothing_else(tmp_path):
    second = GOOD | {"id": "C0002", "record": "A2", "variable": "q2", "old_value": "950", "new_value": ""}
    entries = read(tmp_path, GOOD, second)
    before = cells()
    after, log = corrections.apply(before, entries, BOOKS, "corrections.csv")
    assert after["part1"].to_dict("list") == {"agency_id": ["A1", "A2"], "q1": ["2", "99"], "q2": ["7", ""]}
    assert before["part1"].equals(cells()["part1"])
    assert log[["file", "row", "record", "variable", "raw", "new", "rule"]].values.tolist() == [
        ["part1.csv", 5, "A1", "q1", "1", "2", "correction C0001"],
        ["part1.csv", 9, "A2", "q2", "950", "", "correction C0002"],
    ]


def test_the_old_value_is_compared_by_meaning(tmp_path):
    entries = read(tmp_path, GOOD | {"old_value": "1.0"})
    after, _ = corrections.apply(cells(), entries, BOOKS, "corrections.csv")
    assert after["part1"]["q1"].tolist() == ["2", "99"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"id": ""}, "line 2"),
        ({"reason": ""}, "has no reason"),
        ({"decided_by": ""}, "has no decided_by"),
        ({"file": "part9"}, "no file 'part9'"),
        ({"variable": "q9"}, "no variable 'q9'"),
        ({"variable": "agency_id", "old_value": "A1", "new_value": "A3"}, "identifies the record"),
        ({"new_value": "5"}, "'5' of 'q1' is outside the codebook"),
        ({"variable": "q2", "old_value": "7", "new_value": "41"}, "outside 0 to 40"),
        ({"old_value": "2.0"}, "changes nothing"),
        ({"date": "2026-02-30"}, "is no date"),
        ({"date": "1.11.2026"}, "is no date"),
        ({"expires": "2026-11-23"}, "expired on 2026-11-23"),
    ],
)
def test_an_entry_is_refused_with_its_line(tmp_path, change, sentence):
    with pytest.raises(InputError, match=r"line 2") as refusal:
        read(tmp_path, GOOD | change)
    assert sentence in str(refusal.value)


def test_an_entry_that_expires_later_still_holds(tmp_path):
    assert len(read(tmp_path, GOOD | {"expires": "2026-11-24"})) == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"record": "A2"}, "id 'C0001' is that of line 2"),
        ({"id": "C0002"}, "'C0001' .line 2. and 'C0002' correct one cell"),
    ],
)
def test_two_entries_that_collide_are_refused(tmp_path, change, sentence):
    with pytest.raises(InputError, match=sentence) as refusal:
        read(tmp_path, GOOD, GOOD | change)
    assert "line 3" in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"record": "A11"}, "no record 'A11' in part1.csv; did you mean 'A1'"),
        ({"old_value": "99"}, "expects '99' in q1 of A1, but the file has '1'"),
    ],
)
def test_an_entry_that_does_not_fit_the_file_is_refused(tmp_path, change, sentence):
    entries = read(tmp_path, GOOD | change)
    with pytest.raises(InputError, match=sentence) as refusal:
        corrections.apply(cells(), entries, BOOKS, "data/corrections.csv")
    assert "data/corrections.csv, line 2" in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "column 'id' is missing"),
        ("id,file\n", "column 'record' is missing"),
        (",".join(reversed(corrections.COLUMNS)) + "\n", "not in their order"),
        (HEADER + "\nC1,part1\n", "has 2 fields"),
        (HEADER + '\n"C1,part1\n', "cannot be read"),
        (HEADER + "\n\0\n", "NUL"),
    ],
)
def test_what_is_no_register_is_refused(tmp_path, text, sentence):
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, text=text)


def test_the_line_of_an_entry_is_right_after_a_field_of_two_lines(tmp_path):
    entry = ",".join(GOOD[column] for column in corrections.COLUMNS)
    first = entry.replace("keyed wrong", '"keyed\nwrong"')
    second = entry.replace("C0001", "C0002").replace("A1", "A2").replace("C0002,part1", "C0002,part9")
    with pytest.raises(InputError, match=r"line 4"):
        read(tmp_path, text=f"{HEADER}\n{first}\n{second}\n")


def test_an_entry_is_added_only_when_the_new_register_holds(tmp_path):
    path = register(tmp_path, GOOD)
    before = path.read_bytes()
    entry = GOOD | {"id": "C0002", "record": "A2", "old_value": "99", "reason": 'asked again, "twice"'}

    def check(new):
        corrections.apply(cells(), corrections.read(new, BOOKS, ON), BOOKS, str(path))

    with pytest.raises(InputError, match="expects '1'"):
        corrections.add(path, entry | {"old_value": "1"}, check)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["corrections.csv"]
    corrections.add(path, entry, check)
    assert path.read_bytes().startswith(before)
    assert corrections.read(path, BOOKS, ON)[1].reason == 'asked again, "twice"'
    assert corrections.next_id(corrections.read(path, BOOKS, ON)) == "C0003"


def test_rubbish_ends_in_a_sentence(tmp_path):
    """Mutations of a good register: read as one, or refused in one sentence that names the file."""
    rng = random.Random(20070)
    good = register(
        tmp_path, GOOD, GOOD | {"id": "C0002", "record": "A2", "old_value": "99", "new_value": "1"}
    ).read_bytes()
    path = tmp_path / "bad.csv"
    sentences = []
    for _ in range(300):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(data))
            kind = rng.randrange(6)
            if kind == 0:
                del data[at : at + rng.randrange(1, 40)]
            elif kind == 1:
                data[at:at] = rng.choice([b"\0", b'"', b",", b"\r", b"\n", b"\xff", b"\xe9", b"=1+1", b"x" * 3000])
            elif kind == 2:
                data[at] = rng.randrange(256)
            elif kind == 3:
                data += data[: rng.randrange(len(data))]
            elif kind == 4:
                data = bytearray(bytes(data).replace(b"\n", b"\r\n"))
            else:
                data = bytearray(bytes(data).decode("latin-1").encode("utf-16"))
            if not data:
                data = bytearray(b" ")
        path.write_bytes(bytes(data))
        try:
            entries = corrections.read(path, BOOKS, ON)
            corrections.apply(cells(), entries, BOOKS, str(path))
        except InputError as error:
            sentences.append(str(error))
    assert len(sentences) > 100
    assert all("bad.csv" in sentence and "Traceback" not in sentence for sentence in sentences)
