"""Public-use microdata of real records: no direct identifier, recodes logged, and only files that pass k and l."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from agency_survey import schema
from agency_survey.archive import descriptions, pack, public_use, rebuild, scan, selection
from agency_survey.archive.records import Fingerprints
from agency_survey.disclosure.rules import Rules

ROOT = Path(__file__).resolve().parents[2]
ROLES = {"agency_id": "direct_identifier", "other_text": "direct_identifier", "type": "quasi_identifier",
         "population": "quasi_identifier", "answer": "sensitive"}  # fmt: skip


def rules(**microdata) -> Rules:
    data = schema.load(ROOT / "config/disclosure.yaml", "disclosure")
    return Rules.of(data | {"microdata": {"k": 3, "l": 2, "recodes": []} | microdata})


def table() -> pd.DataFrame:
    """Six agencies in two groups of three, told apart by their population."""
    return pd.DataFrame(
        {
            "agency_id": ["AA1111", "BB2222", "CC3333", "DD4444", "EE5555", "FF6666"],
            "other_text": ["Chief of Alphaville", None, None, None, None, None],
            "other_text__missing": [None, "not_asked", "not_asked", "not_asked", "not_asked", "not_asked"],
            "type": ["Sheriff", "Police"] * 3,
            "population": [900, 1200, 1100, 5000, 7000, 6500],
            "population__missing": [None] * 6,
            "answer": ["Yes", "No", "No", "Yes", "No", "No"],
        }
    )


def test_records_that_single_out_agencies_are_reported_and_not_published():
    released, report, log = public_use.released_file(table(), ROLES, rules())
    assert (report["k"], report["below_k"], report["alone"], report["passes"]) == (1, 6, 6, False)
    assert "6 agencies share their quasi-identifiers with fewer than 3" in report["reasons"]
    assert report["without"] == {"type": 6, "population": 0}
    assert not {"agency_id", "other_text", "other_text__missing", "population__missing"} & set(released)
    assert {(one["variable"], one["changed"]) for one in log} == {("agency_id", 6), ("other_text", 1)}
    said = public_use.markdown({"part1.csv": report}, [{"file": "part1.csv", **one} for one in log])
    assert "part1.csv: not published" in said
    assert "without population 0 agencies stay below k" in said
    assert "AA1111" not in said
    assert "Alphaville" not in said


def test_recoded_records_pass_in_an_order_that_tells_nothing():
    given = rules(recodes=[{"variable": "population", "drop": True}])
    released, report, log = public_use.released_file(table(), ROLES, given)
    assert (report["k"], report["passes"]) == (3, True)
    assert log[-1]["variable"] == "population"
    assert log[-1]["changed"] == 6
    shuffled, _, _ = public_use.released_file(table().iloc[[4, 2, 0, 5, 1, 3]], ROLES, given)
    pd.testing.assert_frame_equal(released, shuffled)
    assert list(released) == ["type", "answer"]


def test_an_agency_with_many_cases_protects_nobody():
    given = rules(recodes=[{"variable": "population", "drop": True}])
    cases = pd.concat([table()] * 2)
    cases["agency_id"] = ["AA1111", "BB2222"] * 6
    _, report, _ = public_use.released_file(cases, ROLES, given)
    assert (report["records"], report["agencies"], report["k"], report["passes"]) == (12, 2, 1, False)


def test_alike_answers_of_a_group_are_not_published():
    alike = table().assign(answer=["Yes", "No", "Yes", "No", "Yes", "Yes"])
    given = rules(recodes=[{"variable": "population", "drop": True}])
    _, report, _ = public_use.released_file(alike, ROLES, given)
    assert (report["k"], report["l"], report["passes"]) == (3, {"answer": 1}, False)
    assert report["reasons"] == ["3 records are in groups with fewer than 2 values of answer"]


def test_identifiers_of_the_survey_are_found_in_a_public_package(tmp_path):
    settings = selection.load(ROOT)
    names = {}
    for name, text in {
        "notes.md": "Agency QX0X0X wrote late.\n",
        "clean.md": "Digest QX0X0XA00, value 945200.\n",
    }.items():
        names[name] = tmp_path / name
        names[name].write_text(text)
    found = scan.scan(names, settings, Fingerprints(), own={"QX0X0X"})
    assert [one.file for one in found if one.check == "survey record"] == ["notes.md"]


def test_a_statement_on_a_stand_in_stops_a_package_of_real_data(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / pack.readme.PROSE).write_text("The files are a *synthetic stand-in*.\n")
    for free, count in ((True, 0), (False, 1)):
        monkeypatch.setattr(selection, "synthetic", lambda root, free=free: free)
        assert len(pack._prose(tmp_path)) == count
    (tmp_path / pack.readme.PROSE).write_text("The agencies answered in 2007.\n")
    assert pack._prose(tmp_path) == []


def test_a_restricted_package_says_that_it_must_not_be_published():
    cff = descriptions.citation(ROOT)
    deposit = descriptions.zenodo(cff, "words", [], restricted=True, synthetic=False)
    assert deposit["access_right"] == "restricted"
    assert "must not be published" in deposit["access_conditions"]
    assert "synthetic" not in deposit["notes"]
    assert descriptions.zenodo(cff, "words", [])["access_right"] == "open"


@pytest.mark.parametrize(("there", "expected"), [(True, []), (False, ["data/raw/part1.csv"])])
def test_records_that_a_package_does_not_hold_are_named_before_a_rebuild(tmp_path, there, expected):
    jobs = [{"name": "a", "rule": "a", "inputs": {"data/raw/part1.csv": "0", "LEMAS_DIR/x.tsv": "0"}, "outputs": {"results/a": "0"}},
            {"name": "b", "rule": "b", "inputs": {"results/a": "0"}, "outputs": {}}]  # fmt: skip
    (tmp_path / "provenance").mkdir()
    (tmp_path / "provenance/jobs.json").write_text(descriptions.as_json(jobs))
    if there:
        (tmp_path / "data/raw").mkdir(parents=True)
        (tmp_path / "data/raw/part1.csv").write_text("x\n")
    assert rebuild.withheld(tmp_path) == expected
