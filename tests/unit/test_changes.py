"""What moved between two states of the results."""

from __future__ import annotations

import json
import shutil

import pytest

from agency_survey import changes
from agency_survey.ledger import Numbers


@pytest.fixture
def results(tmp_path):
    """A folder of results: two numbers, a table, a figure's data, a text."""
    folder = tmp_path / "before"
    numbers = Numbers("perceptions")
    given = {"format": "percent1", "unit": "share", "domain": "all", "estimator": "mean", "n": 40}
    numbers.add("a.rare", 0.4331, label="Rare", se=0.01, interval=(0.41, 0.45), **given)
    numbers.add("a.often", 0.2, label="Often", se=0.01, interval=(0.18, 0.22), **given)
    (folder / "ledger").mkdir(parents=True)
    (folder / "ledger/numbers.json").write_text(json.dumps({"numbers": numbers.numbers}))
    for name, text in {
        "perceptions/tables/tbl-a.csv": "size,share,n\nSmall,0.4,30\nLarge,0.5,10\n",
        "perceptions/figures/fig-a.csv": "size,share\nSmall,0.4\n",
        "perceptions/text/a.md": "A sentence.\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def compare(results, edit):
    after = results.with_name("after")
    shutil.copytree(results, after)
    edit(after)
    return changes.moved(changes.snapshot(results), changes.snapshot(after))


def replace(name, old, new):
    def edit(folder):
        path = folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return edit


def test_equal_results_moved_nothing(results):
    assert compare(results, lambda folder: None) == []


def test_a_number_that_moves_below_its_printed_digits_is_told_apart(results):
    (found,) = compare(results, replace("ledger/numbers.json", "0.4331", "0.4332"))
    assert (found.kind, found.where, found.what, found.printed) == ("number", "a.rare", "Rare", False)
    assert (found.old, found.new) == ("0.4331", "0.4332")


def test_a_number_that_the_book_prints_otherwise(results):
    (found,) = compare(results, replace("ledger/numbers.json", '"43.3%"', '"43.4%"'))
    assert (found.old, found.new, found.printed) == ("43.3%", "43.4%", True)


def test_a_number_whose_interval_alone_is_printed_otherwise_shows_both(results):
    (found,) = compare(results, replace("ledger/numbers.json", "18.0% to 22.0%", "18.1% to 22.0%"))
    assert found.printed
    assert "18.0% to 22.0%" in found.old
    assert "18.1% to 22.0%" in found.new


def test_cells_are_named_by_row_and_column(results):
    (found,) = compare(results, replace("perceptions/tables/tbl-a.csv", "Large,0.5", "Large,0.6"))
    assert (found.kind, found.where) == ("cell", "perceptions/tables/tbl-a.csv")
    assert (found.what, found.old, found.new) == ("row 2 (Large), share", "0.5", "0.6")


def test_rows_figures_and_texts_that_come_or_go(results):
    def edit(folder):
        (folder / "perceptions/figures/fig-a.csv").write_text("size,share\nSmall,0.4\nLarge,0.1\n")
        (folder / "perceptions/text/a.md").unlink()

    found = compare(results, edit)
    assert [(one.kind, one.old, one.new) for one in found] == [
        ("figure", None, "Large"),
        ("figure", None, "0.1"),
        ("text", "A sentence.", None),
    ]
