"""What moved a result: one thing named, several listed, and nothing that cannot have moved it."""

from __future__ import annotations

import json

import pytest
import small_results as small

from agency_survey.changes import comparison, fingerprints
from agency_survey.changes.causes import Causes
from agency_survey.changes.state import State


@pytest.fixture
def before(tmp_path):
    return small.project(tmp_path / "before")


@pytest.fixture
def after(before):
    return small.copy(before)


def causes(before, after, name="results/alpha/numbers.json") -> list[str]:
    states = [State(root / "results", root) for root in (before, after)]
    return sorted(str(cause) for cause in Causes(*states).of_file(name))


def moved_on(after, **record):
    """Results that came out otherwise: the clean file, and what alpha made of it."""
    small.write(after / "results/clean/part1.csv", "a\n2\n")
    small.edit(after, "results/alpha/numbers.json", "0.4331", "0.4400")
    small.record(after, **record)


def correct(after, *entries):
    with open(after / "data/corrections.csv", "a", encoding="utf-8") as stream:
        stream.writelines(f"{ident},part1,A1,q1,{old},{new}\n" for ident, old, new in entries)


def test_one_correction_is_named_through_the_chain(before, after):
    correct(after, ("C0002", "4", "1"))
    moved_on(after)
    assert causes(before, after) == ["data/corrections.csv: entry C0002 entered (part1 A1 q1, 4 -> 1)"]


def test_two_corrections_are_two_causes(before, after):
    correct(after, ("C0002", "4", "1"), ("C0003", "", "2"))
    moved_on(after)
    assert causes(before, after) == [
        "data/corrections.csv: entry C0002 entered (part1 A1 q1, 4 -> 1)",
        "data/corrections.csv: entry C0003 entered (part1 A1 q1, blank -> 2)",
    ]


def test_a_correction_whose_chain_stopped_is_no_cause(before, after):
    correct(after, ("C0002", "4", "1"))
    small.edit(after, "workflow/agency_survey/alpha.py", "return x", "return 2 * x")
    small.edit(after, "results/alpha/numbers.json", "0.4331", "0.4400")
    small.record(after)
    assert causes(before, after) == ["workflow/agency_survey/alpha.py: rate"]


def test_a_setting_is_named_with_its_values(before, after):
    settings = {"limits": {"hide": 5}, "classes": [{"from": 0}, {"from": 9}]}
    small.record(before, {"limits": {"hide": 10}, "classes": [{"from": 0}, {"from": 8}]})
    moved_on(after, settings=settings | {"limits": {"hide": 10}})
    assert "config/config.yaml: classes[2].from 8 -> 9" in causes(before, after)
    assert not [cause for cause in causes(before, after) if "limits" in cause]


def test_settings_are_read_from_the_command_where_the_record_has_none(before, after):
    moved_on(after, settings={"limits": {"hide": 5}})
    for root in (before, after):
        path = root / "results/provenance/alpha.json"
        entry = json.loads(path.read_text())
        command = f"python x --settings {json.dumps(str(entry['settings']))} 2> log"
        path.write_text(json.dumps(entry | {"settings": None, "command": command}))
    small.write(after / "results/clean/part1.csv", "a\n1\n")
    assert "config/config.yaml: limits.hide 10 -> 5" in causes(before, after)


def test_code_is_named_with_its_functions_unless_only_its_layout_differs(before, after):
    small.edit(
        after,
        "workflow/agency_survey/alpha.py",
        "    return x",
        '    """As given."""\n    return (\n        x  # as it is\n    )',
    )
    correct(after, ("C0002", "4", "1"))
    moved_on(after)
    assert causes(before, after) == ["data/corrections.csv: entry C0002 entered (part1 A1 q1, 4 -> 1)"]
    small.edit(after, "workflow/agency_survey/alpha.py", "x  # as it is", "x + 1")
    small.record(after)
    assert "workflow/agency_survey/alpha.py: rate" in causes(before, after)


def test_layout_is_a_cause_when_nothing_else_is(before, after):
    small.edit(after, "workflow/agency_survey/alpha.py", "    return x", "    return x  # new")
    small.edit(after, "results/alpha/numbers.json", "0.4331", "0.4400")
    small.record(after)
    assert causes(before, after) == ["workflow/agency_survey/alpha.py"]


def test_another_python_is_a_candidate_beside_what_changed(before, after):
    correct(after, ("C0002", "4", "1"))
    moved_on(after, python="3.12")
    assert causes(before, after)[0] == "Python: 3.11 -> 3.12"
    assert len(causes(before, after)) == 2


def test_a_pinned_version_is_named(before, after):
    for root, version in ((before, "1.0"), (after, "1.1")):
        small.write(root / "requirements/runtime.txt", f"numpy==2.0 \\\n    --hash=sha256:1\nscipy=={version} ; x\n")
        small.edit(root, "results/alpha/numbers.json", "0.4331", "0.43" + version)
        small.record(root)
    assert causes(before, after) == ["requirements/runtime.txt: scipy 1.0 -> 1.1"]


def test_without_records_nothing_is_attributed(before, after):
    for path in (before / "results/provenance").glob("*.json"):
        path.unlink()
    correct(after, ("C0002", "4", "1"))
    moved_on(after)
    assert causes(before, after) == []
    small.edit_number(after, "alpha.rare", value=0.44, text={"value": "44.0%"})
    found = comparison.compare(*(State(root / "results", root) for root in (before, after)), "base")
    assert found["attributed"] is False


def test_a_reworded_sentence_is_the_chapters_a_number_in_it_its_rules(before, after):
    correct(after, ("C0002", "4", "1"))
    small.edit_number(after, "alpha.rare", value=0.44, text={"value": "44.0%"})
    small.edit(after, "reports/03-alpha.qmd", "It *is* known.", "It *is* well known.")
    moved_on(after)
    found = comparison.compare(*(State(root / "results", root) for root in (before, after)), "base")
    by_new = {item["new"]: [found["causes"][at]["where"] for at in item["causes"]] for item in found["moved"]}
    assert by_new["It is well known."] == ["reports/03-alpha.qmd"]
    assert by_new["The share is 44.0%."] == ["data/corrections.csv"]
    assert {cause["where"]: cause["alone"] for cause in found["causes"]} == {
        "data/corrections.csv": 3,
        "reports/03-alpha.qmd": 1,
    }


def test_rows_and_columns_of_a_raw_file_are_told_without_its_values():
    import pandas as pd

    old = pd.DataFrame({"id": ["A", "B", "B", "C"], "q1": ["1", "2", "3", "4"], "q2": ["", "x", "y", "z"]})
    new = pd.DataFrame({"id": ["D", "A", "B", "B"], "q1": ["7", "1", "2", "9"], "q2": ["", "", "x", "y"]})
    taken = [fingerprints._of_table(table, ["id"]) for table in (old, new)]
    assert len(set(taken[0]["rows"])) == 4
    assert all(len(digest) == fingerprints.DIGITS for digest in taken[0]["rows"].values())
    said = fingerprints.words(taken[0], taken[1])
    assert said == "1 record changed (B (return 2)), 1 record came (D), 1 record went"
    changed = old.assign(q1=["1", "2", "3", "5"])
    assert fingerprints.words(taken[0], fingerprints._of_table(changed, ["id"])) == "1 record changed (C), in q1"
    assert fingerprints.words(taken[0], fingerprints._of_table(old.copy(), ["id"])) == "same cells, written otherwise"
