"""What moved between two builds, and which lines it crosses."""

from __future__ import annotations

import pytest
import small_results as small

from agency_survey import changes
from agency_survey.changes import crossings


@pytest.fixture
def before(tmp_path):
    return small.project(tmp_path / "before")


@pytest.fixture
def after(before):
    return small.copy(before)


def found(before, after, kind=None):
    moved = changes.moved(changes.snapshot(before / "results"), changes.snapshot(after / "results"))
    return [one for one in moved if kind in (None, one.kind)]


def test_equal_results_moved_nothing(before, after):
    assert found(before, after) == []


def test_a_number_that_moves_below_its_printed_digits_is_told_apart(before, after):
    small.edit_number(after, "alpha.rare", value=0.4332)
    (one,) = found(before, after)
    assert (one.kind, one.where, one.what, one.printed) == ("number", "alpha.rare", "Rare (all)", False)
    assert (one.old, one.new, one.crosses) == ("0.4331", "0.4332", ())


def test_a_difference_is_given_in_points_and_in_old_standard_errors(before, after):
    small.edit_number(after, "alpha.rare", value=0.4381, se=0.02, text={"value": "43.8%"})
    one = found(before, after, "number")[0]
    assert one.difference == pytest.approx(0.005)
    assert one.in_errors == pytest.approx(0.5)
    assert (one.change, one.crosses) == ("+0.5 points", ("rounding",))


def test_an_interval_alone_that_is_printed_otherwise_is_shown_with_the_value(before, after):
    small.edit_number(after, "alpha.rare", high=0.46, text={"ci": "41.0% to 46.0%"})
    (one,) = found(before, after)
    assert (one.old, one.new) == ("43.3% (interval 41.0% to 45.0%)", "43.3% (interval 41.0% to 46.0%)")


def test_the_machines_rounding_is_no_change(before, after):
    small.edit_number(after, "alpha.rare", value=0.4331 * (1 + 1e-13))
    small.edit(after, "results/alpha/tables/tbl-a.csv", "0.36", "0.36000000000000004")
    assert found(before, after) == []


@pytest.mark.parametrize(
    ("ident", "values", "line"),
    [
        ("alpha.gap.p", {"value": 0.06}, "significance"),
        ("alpha.gap.p", {"value": 0.0499}, None),
        ("alpha.gap", {"low": -0.01}, "significance"),
        ("alpha.gap", {"low": 0.001}, None),
        ("alpha.odds", {"low": 0.99}, "significance"),
        ("alpha.odds", {"low": 1.001}, None),
        ("alpha.rare", {"low": -0.1}, None),
        ("alpha.rare", {"value": None}, "suppression"),
        ("alpha.hidden", {"value": 0.3}, "suppression"),
    ],
)
def test_lines_that_a_number_crosses(before, after, ident, values, line):
    small.edit_number(after, ident, **values)
    (one,) = found(before, after)
    assert [line for line in one.crosses if line != "rounding"] == ([line] if line else [])


def test_the_line_of_significance_is_that_of_the_chapters():
    from agency_survey.sections import builders

    assert crossings.SIGNIFICANT == builders.ALPHA


def test_numbers_that_come_or_go(before, after):
    import json

    path = after / "results/ledger/numbers.json"
    data = json.loads(path.read_text())
    data["numbers"]["alpha.new"] = data["numbers"].pop("alpha.odds")
    path.write_text(json.dumps(data))
    assert [(one.where, one.old, one.new) for one in found(before, after)] == [
        ("alpha.odds", "1.50", None),
        ("alpha.new", None, "1.50"),
    ]


def test_cells_are_matched_by_key_when_a_row_is_put_in(before, after):
    small.edit(after, "results/alpha/tables/tbl-a.csv", "Size,Small", "Size,Tiny,Yes,0.1,,,,3,\nSize,Small")
    small.edit(after, "results/alpha/tables/tbl-a.csv", "0.5,0.05", "0.51,0.05")
    cells = {one.what: one for one in found(before, after, "cell")}
    assert set(cells) == {"Tiny; whole row", "Large; share"}
    assert cells["Large; share"].in_errors == pytest.approx(0.2)
    assert cells["Tiny; whole row"].old is None
    assert "share 0.1" in cells["Tiny; whole row"].new


def test_a_row_that_only_changed_its_name_is_one_change(before, after):
    small.edit(after, "results/alpha/tables/tbl-a.csv", "Small", "Smaller ones")
    (one,) = found(before, after, "cell")
    assert (one.what, one.old, one.new) == ("Smaller ones; domain", "Small", "Smaller ones")


def test_columns_that_come_and_go_are_one_change_each(before, after):
    small.edit(after, "results/alpha/tables/tbl-a.csv", "low,high", "lower,high")
    assert {(one.what, one.old, one.new) for one in found(before, after, "cell")} == {
        ("every row; lower", None, "2 cells"),
        ("every row; low", "2 cells", None),
    }


@pytest.mark.parametrize(
    ("old", "new", "what", "line"),
    [
        (",0.04\n", ",0.051\n", "Small; p", "significance"),
        (",0.04\n", ",0.049\n", "Small; p", None),
        ("0.4,0.02", ",0.02", "Small; share", "suppression"),
    ],
)
def test_lines_that_a_cell_crosses(before, after, old, new, what, line):
    small.edit(after, "results/alpha/tables/tbl-a.csv", old, new)
    (one,) = found(before, after, "cell")
    assert (one.what, one.crosses) == (what, (line,) if line else ())


@pytest.mark.parametrize(
    ("header", "row", "moved", "line"),
    [
        ("term,odds_ratio,or_low,or_high", "x,1.5,1.1,2.0", {"1.1": "0.9"}, "significance"),
        ("term,ratio,low,high", "x,0.5,0.2,0.9", {"0.9": "1.2"}, "significance"),
        ("term,coefficient,se,low,high", "x,0.5,0.1,0.3,0.7", {"0.3": "-0.1"}, "significance"),
        ("domain,change,se,low,high", "x,0.5,0.1,0.3,0.7", {"0.3": "0.1"}, None),
        ("domain,share,se,low,high", "x,0.5,0.1,0.3,0.7", {"0.3": "-0.1"}, None),
        ("key,difference_low,difference_high", "x,0.3,0.7", {"0.3": "-0.1"}, "significance"),
    ],
)
def test_intervals_without_a_p_value_cross_where_no_effect_lies(before, after, header, row, moved, line):
    for folder, cells in ((before, row), (after, next(iter([row.replace(*pair) for pair in moved.items()])))):
        small.write(folder / "results/alpha/tables/tbl-a.csv", f"{header}\n{cells}\n")
    (one,) = found(before, after, "cell")
    assert one.crosses == ((line,) if line else ())
    assert one.model == header.startswith("term")


@pytest.mark.parametrize(
    ("old", "new", "crosses"),
    [
        ("40.0 (36.0", "40.1 (36.0", ("rounding",)),
        ("50.0\\*", "50.0", ("suppression", "rounding")),
        ("40.0 (36.0\N{EN DASH}44.0)", "\N{EN DASH}", ("suppression", "rounding")),
        ("40.0 (36.0\N{EN DASH}44.0)", "(D)", ("suppression", "rounding")),
    ],
)
def test_printed_cells_that_read_otherwise(before, after, old, new, crosses):
    small.edit(after, "results/alpha/tables/tbl-a.md", old, new)
    (one,) = found(before, after)
    assert (one.kind, one.printed, one.crosses) == ("printed", True, crosses)
    assert one.what in ("Small; Yes", "Large; Yes")


def test_a_number_that_is_withheld_is_one_crossing_and_its_status_none(before, after):
    for folder, cells in ((before, "0.4,0.02,30,shown"), (after, ",,30,withheld")):
        small.write(folder / "results/alpha/tables/tbl-a.csv", f"domain,share,se,n,status\nSmall,{cells}\n")
    assert [(one.what, one.crosses) for one in found(before, after, "cell")] == [
        ("Small; share", ("suppression",)),
        ("Small; se", ()),
    ]


def test_another_reason_is_reported_and_is_no_name_of_a_row(before, after):
    for folder, reason in ((before, "imprecise"), (after, "withheld")):
        lines = f"domain,share,status\nSmall,,{reason}\nSmall,0.5,shown\n"
        small.write(folder / "results/alpha/tables/tbl-a.csv", lines)
    (one,) = found(before, after, "cell")
    assert (one.what, one.old, one.new, one.crosses) == ("Small; status", "imprecise", "withheld", ())


def test_a_mark_that_became_another_is_no_crossing(before, after):
    for folder, mark in ((before, "\N{EN DASH}"), (after, "(D)")):
        small.edit(folder, "results/alpha/tables/tbl-a.md", "40.0 (36.0\N{EN DASH}44.0)", mark)
    (one,) = found(before, after, "printed")
    assert (one.old, one.new, one.crosses) == ("\N{EN DASH}", "(D)", ("rounding",))


def test_captions_notes_and_exhibits_that_come_or_go(before, after):
    small.edit(after, "results/alpha/tables/tbl-a.md", "by size", "by their size")
    small.edit(after, "results/alpha/tables/tbl-a.md", "n: answers", "n: all answers")
    small.write(after / "results/alpha/tables/tbl-b.md", small.PRINTED.replace("tbl-a", "tbl-b"))
    moved = found(before, after)
    assert [(one.kind, one.what) for one in moved if one.kind == "caption"] == [
        ("caption", "caption"),
        ("caption", "note"),
    ]
    (new,) = [one for one in moved if one.kind == "exhibit"]
    assert (new.where, new.old) == ("alpha/tables/tbl-b.md", None)


def test_a_picture_that_moved_alone_is_told_from_its_data(before, after):
    small.write(after / "results/alpha/figures/fig-a.png", small.png(20))
    (one,) = found(before, after)
    assert (one.kind, one.what) == ("picture", "picture alone, its data are the same")
    small.edit(after, "results/alpha/figures/fig-a.csv", "0.4", "0.41")
    point, picture = found(before, after)
    assert (point.kind, point.what, point.printed) == ("figure", "Small; share", True)
    assert picture.what == "data and picture"


def test_sentences_read_as_printed_and_reworded_ones_are_told_apart(before, after):
    small.edit_number(after, "alpha.rare", value=0.44, text={"value": "44.0%"})
    small.edit(after, "reports/03-alpha.qmd", "It *is* known.", "It *is* well known.")
    texts = found(before, after, "text")
    assert [(one.where, one.old, one.new, one.reworded) for one in texts] == [
        ("index.qmd", "The share is 43.3%.", "The share is 44.0%.", False),
        ("03-alpha.qmd", "It is known.", "It is well known.", True),
        ("03-alpha.qmd", "Small ones say 43.3%.", "Small ones say 44.0%.", False),
    ]
    assert texts[1].what == "reports/03-alpha.qmd"
    assert texts[2].what == "results/alpha/text/size.md"


def test_without_chapters_the_texts_of_the_results_are_compared(before, after):
    for folder in (before, after):
        (folder / "reports/_quarto.yml").unlink()
    small.edit(after, "results/alpha/text/size.md", "Small ones", "The small ones")
    (one,) = found(before, after)
    assert (one.where, one.new) == ("alpha", "The small ones say 43.3%.")


def test_small_differences_are_written_out():
    from agency_survey.changes.compare import signed

    said = [signed(value) for value in (-1.6e-05, 0.13, 2, 1234.5)]
    assert said == ["\N{MINUS SIGN}0.000016", "+0.13", "+2", "+1,234"]
