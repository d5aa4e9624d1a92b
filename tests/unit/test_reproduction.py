"""Published LEMAS figures: what compare() refuses, and every figure on the real data."""

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agency_survey import reproduction, schema
from agency_survey.errors import InputError

PROJECT = Path(__file__).parents[2]
ENTRIES = schema.load(PROJECT / "config/reproduction.yaml", "reproduction")
PUBLISHED = pd.read_csv(PROJECT / "data/published/lemas_published.csv", dtype=str, keep_default_na=False)


def table() -> pd.DataFrame:
    """Five made-up agencies of 2020 in two strata, one taken whole."""
    return pd.DataFrame(
        {
            "stratum": ["1", "1", "2", "2", "2"],
            "agency_type": pd.Categorical(["Local police"] * 3 + ["State agencies"] * 2),
            "responded": [True, True, True, True, False],
            "eligible": [True, True, True, True, True],
            "base_weight": [1.0, 1.0, 2.0, 2.0, 2.0],
            "weight": [1.0, 1.0, 3.0, 3.0, 0.0],
            "stratum_population": [2.0, 2.0, 6.0, 6.0, 6.0],
            "full_time_sworn": [10.0, 30.0, 4.0, 6.0, np.nan],
            "flag": pd.array([True, False, True, None, None], dtype="boolean"),
        }
    )


def compared(entry: dict, published: str, se: str = "") -> pd.Series:
    entry = {"wave": 2020, "quantity": "q", "label": "Q", "to": 1, **entry}
    figure = pd.DataFrame([["lemas_2020", "q", published, se, "s", ""]], columns=PUBLISHED.columns)
    return reproduction.compare([entry], figure, {2020: table()})


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({"kind": "rows"}, 5),
        ({"kind": "rows", "where": "responded"}, 4),
        ({"kind": "response_rate"}, 80),
        ({"kind": "count"}, 8),
        ({"kind": "count", "where": 'agency_type == "Local police"'}, 5),
        ({"kind": "total", "of": "full_time_sworn"}, 70),
        ({"kind": "final_weight", "where": 'stratum == "2" and responded'}, 3),
        ({"kind": "base_weight", "where": 'stratum == "1"'}, 1),
        ({"kind": "share", "of": "flag"}, 80),
        ({"kind": "share", "of": "full_time_sworn > 5"}, 100 * 5 / 8),
    ],
)
def test_kinds_of_figures_by_hand(entry, value):
    assert compared(entry, "0")["rebuilt"].tolist() == [pytest.approx(value)]


def test_a_printed_standard_error_gets_a_row_of_its_own():
    found = compared({"kind": "total", "of": "full_time_sworn", "se_to": 0.01}, "70", "3.46")
    assert found["measure"].tolist() == ["estimate", "standard error"]
    # stratum 2: N = 6, n = 2, weights 3: sqrt((1 - 2/6) * 2 * ((12 - 15)^2 + (18 - 15)^2))
    assert found["rebuilt"].iloc[1] == pytest.approx(np.sqrt(2 / 3 * 2 * 18))


@pytest.mark.parametrize(
    ("published", "unit", "agrees"), [("70", 1, True), ("70.5", 1, True), ("70.6", 1, False), ("69.94", 0.1, False)]
)
def test_agreement_is_half_a_printed_unit(published, unit, agrees):
    found = compared({"kind": "total", "of": "full_time_sworn", "to": unit}, published).iloc[0]
    assert found["agrees"] == agrees
    assert found["difference"] == pytest.approx(70 - float(published))
    assert found["in_units"] == pytest.approx(abs(70 - float(published)) / unit)


@pytest.mark.parametrize(("unit", "digits"), [(1000, 0), (1, 0), (0.1, 1), (0.01, 2), (0.0001, 4)])
def test_digits_follow_the_printed_unit(unit, digits):
    assert compared({"kind": "rows", "to": unit}, "5")["digits"].tolist() == [digits]


@pytest.mark.parametrize(
    ("entry", "published", "se", "words"),
    [
        ({"kind": "rows", "where": "nothing == 1"}, "5", "", "cannot be evaluated: nothing == 1"),
        ({"kind": "share", "of": "flag =="}, "5", "", "cannot be evaluated: flag =="),
        ({"kind": "final_weight"}, "5", "", "2 different weights"),
        ({"kind": "rows"}, "five", "", "'five' is no number"),
        ({"kind": "total", "of": "full_time_sworn"}, "70", "3", "has a standard error"),
        ({"kind": "rows", "se_to": 1}, "5", "1", "has a standard error"),
    ],
)
def test_entries_that_do_not_fit_are_refused(entry, published, se, words):
    with pytest.raises(InputError) as caught:
        compared(entry, published, se)
    assert words in str(caught.value)
    assert "q" in str(caught.value)


def test_a_figure_without_an_entry_is_refused():
    with pytest.raises(InputError, match="'agencies all' of 2016 is in one of the two files only"):
        reproduction.compare([e for e in ENTRIES if e["quantity"] != "agencies all"], PUBLISHED, {})


def test_an_entry_without_a_figure_is_refused():
    with pytest.raises(InputError, match="'agencies all' of 2016 is in one of the two files only"):
        reproduction.compare(ENTRIES, PUBLISHED[PUBLISHED["quantity"] != "agencies all"], {})


def test_a_figure_of_another_wave_is_not_taken_for_it():
    entries = copy.deepcopy(ENTRIES)
    next(e for e in entries if e["quantity"] == "agencies all")["wave"] = 2020
    with pytest.raises(InputError, match="in one of the two files only"):
        reproduction.compare(entries, PUBLISHED, {})


def test_figures_given_twice_are_refused():
    with pytest.raises(InputError, match="'sampled agencies' of 2020 is there twice"):
        reproduction.compare(ENTRIES, pd.concat([PUBLISHED, PUBLISHED.iloc[:1]]), {})
    with pytest.raises(InputError, match="'sampled agencies' of 2020 is there twice"):
        reproduction.compare([*ENTRIES, ENTRIES[0]], PUBLISHED, {})


def test_the_projects_copy_of_the_published_figures_is_the_shared_one(shared_dir):
    mine, theirs = PROJECT / "data/published/lemas_published.csv", shared_dir / "reference/lemas_published.csv"
    assert mine.read_bytes() == theirs.read_bytes()


def test_all_published_figures_are_compared_and_only_stratum_9_disagrees(weighed):
    found = reproduction.compare(ENTRIES, PUBLISHED, weighed)
    pairs = PUBLISHED["published"].str.contains("/").sum()
    assert len(found) == len(PUBLISHED) + pairs + (PUBLISHED["published_se"] != "").sum()
    odd = found[~found["agrees"]]
    assert odd["quantity"].tolist() == ["Base weight, stratum 9", "Final weight, stratum 9"]
    assert (odd["why"] != "").all()
    assert found[["published", "rebuilt"]].notna().all(axis=None)


def test_figures_of_waves_that_are_not_there_are_left_out(weighed):
    found = reproduction.compare(ENTRIES, PUBLISHED, {2016: weighed[2016]})
    assert set(found["wave"]) == {2016}
    assert len(found) == (PUBLISHED["dataset"] == "lemas_2016").sum()


def test_a_changed_record_is_noticed(weighed):
    """The comparison is no formality: one agency's officers more, and the total no longer agrees."""
    changed = weighed[2020].copy()
    row = changed.index[changed["responded"]][0]
    changed.loc[row, "full_time_sworn"] += 2
    found = reproduction.compare(ENTRIES, PUBLISHED, {2020: changed}).set_index(["quantity", "measure"])
    assert not found.loc[("Full-time sworn officers", "estimate"), "agrees"]


def test_a_dataset_without_its_year_is_refused():
    figures = pd.DataFrame([{"dataset": "lemas", "quantity": "x", "published": "1", "published_se": "", "source": "s"}])
    with pytest.raises(InputError, match=r"'lemas' is not of the form lemas_<year>.*row 2"):
        reproduction.compare([], figures, {})
