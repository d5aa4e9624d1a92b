"""Tables: the Markdown that a chapter includes, and the rules of reliability."""

import pandas as pd
import pytest

from agency_survey import tables

LIMITS = {"flag_rse": 0.30, "hide_rse": 0.50, "hide_n": 10}


def table(**more) -> tables.Table:
    shown = pd.DataFrame({"Agencies": ["All", "A|B"], "Note": ["x", "two\nlines"], "%": ["1.0", "2.0"]})
    data = pd.DataFrame({"share": [0.1 + 0.2, 0.02]})
    return tables.Table("tbl-x", "A caption", shown, data, "the source.", **more)


def test_markdown_is_a_pipe_table_with_caption_notes_and_source():
    assert table(notes="A note.", left=("Note",)).markdown().splitlines() == [
        "| Agencies | Note | % |",
        "|:---|:---|---:|",
        "| All | x | 1.0 |",
        "| A\\|B | two lines | 2.0 |",
        "",
        ": A caption {#tbl-x}",
        "",
        "::: {.table-note}",
        "A note. Source: the source.",
        ":::",
    ]


def test_widths_are_dashes_of_the_rule():
    assert "|:----|--:|--------:|" in table(widths=(4, 2, 8)).markdown()


def test_widths_must_cover_all_columns():
    with pytest.raises(ValueError, match="zip"):
        table(widths=(4, 2)).markdown()


def test_files_hold_the_shown_table_and_the_full_data(tmp_path):
    table().write(tmp_path)
    assert (tmp_path / "tbl-x.csv").read_text(encoding="utf-8") == "share\n0.30000000000000004\n0.02\n"
    assert (tmp_path / "tbl-x.md").read_text(encoding="utf-8") == table().markdown()


def test_what_is_not_available_keeps_its_place_and_says_why():
    text = tables.unavailable("tbl-x", "A caption", "Needs LEMAS 2020.", "register.").markdown()
    assert "| Needs LEMAS 2020. |" in text
    assert "{#tbl-x}" in text


@pytest.mark.parametrize(
    ("share", "se", "n", "state"),
    [
        (0.5, 0.02, 100, "shown"),
        (0.1, 0.031, 100, "flagged"),
        (0.1, 0.051, 100, "hidden"),
        (0.1, 0.03, 100, "shown"),  # at the limit, not over it
        (0.9, 0.031, 100, "flagged"),  # judged by the smaller of share and complement
        (0.9, 0.051, 100, "hidden"),
        (0.5, 0.02, 9, "hidden"),
        (0.5, 0.02, 10, "shown"),
        (0.0, 0.0, 100, "shown"),
        (1.0, 0.0, 100, "shown"),
        (float("nan"), 0.1, 100, "hidden"),
        (0.5, float("nan"), 100, "hidden"),
    ],
)
def test_reliability(share, se, n, state):
    assert tables.reliability(share, se, n, LIMITS) == state


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((0.437, 0.01, 0.418, 0.456, 500), "43.7 (41.8–45.6)"),
        ((0.1, 0.04, 0.04, 0.22, 500), "10.0\\* (4.0–22.0)"),
        ((0.437, 0.01, 0.418, 0.456, 5), "–"),
        ((0.0, 0.0, float("nan"), float("nan"), 50), "0.0"),
        ((0.4, 0.0, 0.4, 0.4, 50), "40.0"),
    ],
)
def test_cells_of_shares(given, text):
    # word joiners keep an interval on one line
    assert tables.percent_cell(*given, LIMITS).replace("\N{WORD JOINER}", "") == text


def test_masked_estimates_hide_what_is_too_uncertain_and_drop_empty_intervals():
    columns = ["share", "se", "low", "high", "n"]
    rows = [
        (0.4, 0.02, 0.36, 0.44, 100),
        (0.01, 0.008, 0.002, 0.05, 100),
        (0.25, 0.0, 0.25, 0.25, 44),
        (0.4, 0.02, 0.3, 0.5, 5),
    ]
    limits = {"flag_rse": 0.3, "hide_rse": 0.5, "hide_n": 10}
    found = tables.masked(pd.DataFrame(rows, columns=columns), limits)
    assert found.loc[0, columns].tolist() == list(rows[0])
    assert found["status"].tolist() == ["shown", "imprecise", "shown", "imprecise"]
    assert found.loc[[1, 3], ["share", "se", "low", "high"]].isna().all(axis=None)
    assert found.loc[2, "share"] == 0.25
    assert found.loc[2, ["low", "high"]].isna().all()
    assert found["n"].tolist() == [100, 100, 44, 5]
