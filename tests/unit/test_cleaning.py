"""Every edit rule and check on spoiled copies of a small sound survey, with the answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from small_survey import BOOKS, IDS, cleaned, edited, spoiled, tables

from agency_survey import cleaning, corrections, identifiers
from agency_survey.cleaning import CHECKS, EDITS, values
from agency_survey.cleaning.survey import AS_MISSING, SET_ASIDE, Survey
from agency_survey.codebook import Variable
from agency_survey.errors import InputError


def log_of(done) -> list[tuple]:
    return list(done.log[["file", "row", "variable", "raw", "new", "rule"]].itertuples(index=False, name=None))


def queries_of(done) -> list[tuple]:
    return list(done.queries[["file", "row", "variable", "raw", "rule"]].itertuples(index=False, name=None))


def value(done, name: str, record: str, variable: str):
    """(value, kind of missing) of a cell of the cleaned tables; record as in the log."""
    table = done.typed(name) if isinstance(done, Survey) else done.tables[name]
    keys = table[BOOKS[name].key].astype(str).agg("/".join, axis=1)
    row = table[keys == record].iloc[0]
    missing = row[f"{variable}__missing"]
    return (None if pd.isna(row[variable]) else row[variable]), (None if pd.isna(missing) else missing)


@pytest.fixture(scope="module")
def sound():
    return cleaned()


def test_a_sound_survey_passes_as_it_is(sound):
    assert sound.log.empty
    assert sound.queries.empty
    assert list(sound.log.columns) == cleaning.LOG_COLUMNS
    assert list(sound.queries.columns) == cleaning.QUERY_COLUMNS
    for name, table in sound.tables.items():
        assert len(table) == len(tables()[name])
        assert not (table.filter(like="__missing") == "invalid").any().any()
    assert [file["records_out"] for file in sound.counts["files"].values()] == [8, 8, 8, 3, 6]


def test_every_rule_has_a_name_and_says_what_it_does():
    rules = [*EDITS, *CHECKS]
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(len(rule.statement) > 30 for rule in rules)


def test_the_order_of_rows_and_columns_does_not_matter(sound):
    given = {name: table.sample(frac=1, random_state=1).iloc[:, ::-1] for name, table in tables().items()}
    done = cleaning.clean(given, BOOKS)
    for name, table in sound.tables.items():
        pd.testing.assert_frame_equal(done.tables[name], table)


def test_a_change_in_one_block_leaves_the_others_as_they_were(sound):
    done = cleaned(("part1", 2, "q9_protocol", "7"))
    changed = [
        block
        for block, table in cleaning.blocks(done.tables["part1"], BOOKS["part1"]).items()
        if not table.equals(cleaning.blocks(sound.tables["part1"], BOOKS["part1"])[block])
    ]
    assert changed == ["preparation"]


# -- single cells ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "new"),
    [("Yes", "1"), ("y", "1"), ("NO ", "2"), ("1.0", "1"), ("02", "2"), ("n", "2"), ("Refused", "7"), ("don’t know", "8"),
     ("8.0", "8"), ("99.00", "99"), (" 1\t", "1")],
)  # fmt: skip
def test_codes_in_other_forms(cell, new):
    done = edited(("part1", 2, "q9_protocol", cell))
    rules = {row[5] for row in log_of(done)}
    assert log_of(done)[-1][4] == new
    assert done.queries.empty
    assert rules <= {"trim", "code_variants"}
    assert value(done, "part1", IDS[0], "q9_protocol") == {
        "1": ("Yes", None), "2": ("No", None), "7": (None, "refused"), "8": (None, "dont_know"), "99": (None, "missing")
    }[new]  # fmt: skip


@pytest.mark.parametrize("cell", ["3", "0", "1.5", "maybe", "12", "yes and no", "-1"])
def test_codes_that_are_none_are_asked_about(cell):
    done = edited(("part1", 2, "q9_protocol", cell))
    assert done.log.empty
    assert queries_of(done) == [("part1.csv", 2, "q9_protocol", cell, "outside_codebook")]
    assert done.queries["treatment"].tolist() == [AS_MISSING]
    assert value(done, "part1", IDS[0], "q9_protocol") == (None, "invalid")


@pytest.mark.parametrize(
    ("cell", "number"),
    [("about 10", "10"), ("approx. 7", "7"), ("~ 3", "3"), ("ca. 12", "12"), ("1,200", "1200"), ("12,345,678", "12345678"),
     ("10-12", "11"), ("10 - 13", "11"), ("10 to 12", "11"), ("between 10 and 12", "11"), ("10–12", "11"), ("ten", "10"),
     ("Twenty-five", "25"), ("zero", "0"), ("a hundred", "100"), ("two hundred and five", "205"), ("ninety nine", "99"),
     ("about twenty", "20"), ("15%", "15"), ("15 percent", "15"), ("3 cases", "3"), ("some 40 hours", "40")],
)  # fmt: skip
def test_numbers_in_words(cell, number):
    assert values.text_number(cell)[0] == number


@pytest.mark.parametrize(
    "cell",
    ["", "many", "over 10", "at least 10", "12-10", "10 or 12", "1,20", "1.200", "ten or so", "eleventy", "twenty-ten",
     "10-", "-", "about", "x10", "10 12", "1,2,3", "hundred hundred", "10/12", "two thousand", "2007-06-01", "10,"],
)  # fmt: skip
def test_texts_that_do_not_say_one_number(cell):
    assert values.text_number(cell) == (None, "")


def test_all_words_for_numbers_below_a_thousand():
    """Each number spelled by the words' own order: hundreds, tens, units."""
    for number in range(1000):
        hundreds, rest = divmod(number, 100)
        parts = [values.UNITS[hundreds], "hundred"] if hundreds else []
        if rest >= 20:
            parts.append("-".join([values.TENS[rest // 10 - 2], *([values.UNITS[rest % 10]] if rest % 10 else [])]))
        elif rest or not hundreds:
            parts.append(values.UNITS[rest])
        assert values.in_words(" ".join(parts)) == number, parts


@pytest.mark.parametrize(
    ("cell", "new", "rule"),
    [("007", "7", "number_forms"), ("12.0", "12", "number_forms"), ("+5", "5", "number_forms"), ("1e1", "10", "number_forms"),
     ("about 10", "10", "text_numbers"), ("Refused", "997", "text_numbers"), ("don't know", "998", "text_numbers")],
)  # fmt: skip
def test_numbers_in_other_forms(cell, new, rule):
    done = edited(("part1", 2, "q7_training_hours", cell))
    assert log_of(done) == [("part1.csv", 2, "q7_training_hours", cell, new, rule)]
    assert done.queries.empty


@pytest.mark.parametrize("cell", ["401", "0", "-3", "12.5", "over 10", "ages"])
def test_numbers_outside_the_range_or_unclear_are_asked_about(cell):
    done = edited(("part1", 2, "q7_training_hours", cell))
    assert queries_of(done) == [("part1.csv", 2, "q7_training_hours", cell, "outside_codebook")]


def test_a_number_in_words_that_is_out_of_range_is_changed_and_asked_about():
    done = edited(("part1", 2, "q7_training_hours", "1,200"))
    assert log_of(done)[0][4] == "1200"
    assert queries_of(done) == [("part1.csv", 2, "q7_training_hours", "1200", "outside_codebook")]


@pytest.mark.parametrize(
    ("cell", "new"),
    [("2003-25-04", "2003-04-25"), ("2003/04/25", "2003-04-25"), ("04/25/2003", "2003-04-25"), ("25.4.2003", "2003-04-25"),
     ("20030425", "2003-04-25"), ("2003-04-05 00:00:00", "2003-04-05"), ("5.5.2003", "2003-05-05")],
)  # fmt: skip
def test_dates_that_read_in_one_way(cell, new):
    done = edited(("part3", 2, "opened_on", cell))
    assert log_of(done) == [("part3.csv", 2, "opened_on", cell, new, "dates")]
    assert done.queries.empty
    assert value(done, "part3", f"{IDS[0]}/1", "opened_on") == (pd.Timestamp(new), None)


@pytest.mark.parametrize(
    "cell",
    ["2003-02-31", "2003-13-13", "04/05/2003", "1967-04-05", "2009-25-04", "April 2003", "2003", "2003-00-10", "31.06.2003",
     "0000-00-00"],
)  # fmt: skip
def test_dates_that_do_not_are_asked_about(cell):
    done = edited(("part3", 2, "opened_on", cell))
    assert done.log.empty
    assert queries_of(done) == [("part3.csv", 2, "opened_on", cell, "outside_codebook")]
    assert value(done, "part3", f"{IDS[0]}/1", "opened_on") == (None, "invalid")


def test_closed_before_opened_is_asked_about():
    done = cleaned(("part3", 2, "closed_on", "2003-04-04"))
    assert done.log.empty
    assert {(row[2], row[4]) for row in queries_of(done)} == {
        ("opened_on", "contradicted"),
        ("closed_on", "contradicted"),
    }


def test_a_date_of_return_that_is_none_is_that_of_the_disposition():
    done = cleaned(("part1", 2, "returned_on", "2007-06-31"))
    assert log_of(done) == [("part1.csv", 2, "returned_on", "2007-06-31", "2007-06-01", "return_dates")]
    other = spoiled(("part1", 2, "returned_on", "2007-06-31"))
    other["disposition"]["outcome_on"] = "2007-07-07"  # the dispositions hold other dates than the returns
    assert queries_of(cleaning.clean(other, BOOKS)) == [
        ("part1.csv", 2, "returned_on", "2007-06-31", "outside_codebook")
    ]


def test_rows_read_as_windows_1252_are_in_the_log():
    done = cleaned(("part1", 3, "q5g_other_text", "Señora"), windows_1252={"part1": [3]})
    assert log_of(done) == [("part1.csv", 3, "q5g_other_text", "Se\ufffdora", "Señora", "encoding")]
    assert value(done, "part1", IDS[1], "q5g_other_text") == ("Señora", None)


def test_words_are_only_read_where_the_codebook_has_them():
    variable = Variable("x", "X", "categorical", codes={"1": "Yes", "2": "No"})
    assert [values.word(cell, variable) for cell in ("YES", "n", "No.", "dk", "nope", "")] == [
        "1",
        "2",
        "2",
        None,
        None,
        None,
    ]


# -- returns -----------------------------------------------------------------------------------------------------------


def swapped(ident: str) -> str:
    place = next(k for k in range(5) if ident[k] != ident[k + 1])
    return ident[:place] + ident[place + 1] + ident[place] + ident[place + 2 :]


def one_wrong(ident: str, place: int = 2) -> str:
    return ident[:place] + ("A" if ident[place] != "A" else "B") + ident[place + 1 :]


@pytest.mark.parametrize("wrong", [swapped, one_wrong])
@pytest.mark.parametrize(("name", "row", "ident"), [("part1", 6, IDS[4]), ("part2", 3, IDS[1]), ("part3", 5, IDS[1])])
def test_identifiers_with_a_wrong_check_character(wrong, name, row, ident):
    raw = wrong(ident)
    assert not identifiers.valid(raw)
    done = cleaned((name, row, "agency_id", raw))
    assert log_of(done) == [(f"{name}.csv", row, "agency_id", raw, ident, "repair_identifiers")]
    assert done.queries.empty


def test_an_identifier_in_another_form():
    done = cleaned(("part1", 2, "agency_id", f" {IDS[0][:3].lower()}-{IDS[0][3:]}"))
    assert [row[5] for row in log_of(done)] == ["trim", "identifier_forms"]
    assert done.queries.empty


def test_an_identifier_that_fits_two_agencies_is_asked_about():
    """Two agencies at one substitution each from the wrong one, both complete and without a return of their own."""
    raw = one_wrong(IDS[4])
    other = next(one for one in identifiers.neighbours(raw) if one not in IDS)
    given = spoiled(("part1", 6, "agency_id", raw))
    for name in ("frame", "disposition"):
        given[name].loc[10] = {**given[name].loc[9].to_dict(), "agency_id": other}
    given["part1"].loc[10] = {**given["part1"].loc[9].to_dict(), "agency_id": IDS[7]}
    given["part1"] = given["part1"].drop(index=9)
    lenient = pytest.MonkeyPatch()
    lenient.setattr(cleaning.returns, "MOST_WITHOUT_RETURN", 0.5)
    done = cleaning.clean(given, BOOKS)
    lenient.undo()
    assert [row[:2] + row[4:] for row in queries_of(done) if row[0] == "part1.csv"] == [
        ("part1.csv", 6, "unidentified")
    ]
    question = done.queries.loc[done.queries["file"] == "part1.csv", "question"].item()
    assert IDS[4] in question
    assert other in question
    assert raw not in set(done.tables["part1"]["agency_id"])
    assert len(done.tables["part1"]) == 7


def test_an_identifier_of_nobody_is_set_aside_and_its_disposition_asked_about(monkeypatch):
    monkeypatch.setattr(cleaning.returns, "MOST_WITHOUT_RETURN", 0.5)
    done = cleaned(("part1", 6, "agency_id", "??????"))
    assert queries_of(done) == [
        ("disposition.csv", 6, "outcome", "1", "dispositions_without_return"),
        ("part1.csv", 6, "agency_id", "??????", "unidentified"),
    ]
    assert [(row[0], row[2], row[5]) for row in log_of(done)] == [
        ("disposition.csv", "outcome", "dispositions_without_return"),
        ("part1.csv", "", "unidentified"),
    ]
    assert value(done, "disposition", IDS[4], "outcome") == ("Partial", None)
    assert len(done.tables["part1"]) == 7


def test_part_1_cut_short_is_refused():
    given = tables()
    given["part1"] = given["part1"].iloc[:4]
    with pytest.raises(InputError, match=r"Of 8 agencies with a complete disposition, 4 have no return.*part1\.csv"):
        cleaning.clean(given, BOOKS)


def second_return(**cells: str) -> dict[str, pd.DataFrame]:
    """The survey with a second return of the first agency in row 10, equal but for some cells."""
    given = tables()
    given["part1"].loc[10] = {**given["part1"].loc[2].to_dict(), "mode": "2", **cells}
    return given


def test_of_two_returns_the_more_complete_one_is_kept():
    later = second_return(returned_on="2007-06-09", q9_protocol="99", q11_assigned_to="99")
    done = cleaning.clean(later, BOOKS)
    assert [(row[1], row[2], row[5]) for row in log_of(done)] == [(10, "", "duplicate_returns")]
    assert done.queries.empty
    assert value(done, "part1", IDS[0], "mode") == ("Mail", None)
    assert value(done, "part1", IDS[0], "q9_protocol") == ("Yes", None)


def test_of_two_complete_returns_the_later_one_is_kept():
    for date, kept in (("2007-06-09", "Web"), ("2007-05-20", "Mail"), ("2007-06-01", "Web")):
        done = cleaning.clean(second_return(returned_on=date), BOOKS)
        assert value(done, "part1", IDS[0], "mode")[0] == kept
        assert done.queries.empty
        assert len(done.tables["part1"]) == 8


def test_gaps_of_the_kept_return_are_filled_from_the_other():
    given = second_return(q9_protocol="2", q11_assigned_to="99", q12_state_law="99")
    given["part1"].loc[2, "q9_protocol"] = "99"
    done = cleaning.clean(given, BOOKS)
    assert ("part1.csv", 2, "q9_protocol", "99", "2", "duplicate_returns") in log_of(done)
    assert value(done, "part1", IDS[0], "q9_protocol") == ("No", None)
    assert done.queries.empty


def test_contradictions_of_two_returns_are_asked_about():
    done = cleaning.clean(second_return(returned_on="2007-05-20", q9_protocol="2"), BOOKS)
    assert queries_of(done) == [("part1.csv", 2, "q9_protocol", "1", "duplicate_returns")]
    assert done.queries["question"].item() == "Two returns differ: '1' and '2'"
    assert value(done, "part1", IDS[0], "q9_protocol") == (None, "invalid")


def test_three_returns_of_one_agency():
    given = second_return(returned_on="2007-05-20", q9_protocol="2")
    given["part1"].loc[11] = {**given["part1"].loc[2].to_dict(), "q9_protocol": "99", "q12_state_law": "2"}
    done = cleaning.clean(given, BOOKS)
    assert len(done.tables["part1"]) == 8
    assert {row[2] for row in queries_of(done)} == {"q9_protocol", "q12_state_law"}
    assert [row[1] for row in log_of(done) if row[2] == ""] == [10, 11]


def test_case_rows_without_a_return_are_set_aside():
    given = tables()
    given["disposition"].loc[9, ["outcome", "mode", "outcome_on"]] = ["4", "", ""]
    given["part1"] = given["part1"].drop(index=9)
    given["part3"].loc[8] = {**given["part3"].loc[2].to_dict(), "agency_id": IDS[7]}
    done = cleaning.clean(given, BOOKS)
    assert queries_of(done) == [("part3.csv", 8, "agency_id", IDS[7], "records_without_counterpart")]
    assert done.queries["treatment"].tolist() == [SET_ASIDE]
    assert [row[1:3] for row in log_of(done)] == [(8, "")]
    assert IDS[7] not in set(done.tables["part3"]["agency_id"])


def test_a_return_of_an_agency_that_refused_is_set_aside():
    done = cleaned(("disposition", 9, "outcome", "3"))
    assert queries_of(done) == [("part1.csv", 9, "agency_id", IDS[7], "records_without_counterpart")]


def test_a_case_without_a_number_is_set_aside():
    done = cleaned(("part3", 3, "case_number", "9"))
    assert queries_of(done) == [("part3.csv", 3, "case_number", "9", "unusable_keys")]
    assert len(done.tables["part3"]) == 5


# -- between answers ---------------------------------------------------------------------------------------------------


def test_an_answer_that_should_not_have_been_asked_for_is_set_aside():
    done = cleaned(("part1", 5, "q7_training_hours", "12"))
    assert log_of(done) == [("part1.csv", 5, "q7_training_hours", "12", "999", "answered_though_not_asked")]
    assert done.queries.empty


def test_free_text_that_should_not_have_been_asked_for_is_set_aside():
    done = cleaned(("part3", 2, "q2a_other_setting", "Nail salon"))
    assert log_of(done) == [("part3.csv", 2, "q2a_other_setting", "Nail salon", "", "answered_though_not_asked")]


def test_most_answers_under_a_filter_put_the_filter_right():
    forms = ["q6a_roll_call", "q6b_academy", "q6c_in_service", "q6d_conference"]
    done = cleaned(*(("part1", 5, name, "1") for name in forms))
    assert log_of(done)[0] == ("part1.csv", 5, "q6_training", "2", "1", "filters")
    left = [row[2:5] for row in log_of(done)[1:]]
    assert left == [
        ("q6e_online", "9", "99"),
        ("q7_training_hours", "999", "9999"),
        ("q8_officers_trained", "999", "9999"),
    ]
    assert value(done, "part1", IDS[3], "q6a_roll_call") == ("Yes", None)


def test_a_question_coded_as_not_asked_was_left_out():
    done = cleaned(("part1", 2, "q6a_roll_call", "9"), ("part1", 3, "q8_officers_trained", ""))
    assert [row[1:5] for row in log_of(done)] == [
        (2, "q6a_roll_call", "9", "99"),
        (3, "q8_officers_trained", "", "9999"),
    ]
    assert value(done, "part1", IDS[0], "q6a_roll_call") == (None, "missing")


def test_free_text_that_was_asked_for_but_left_blank_is_missing():
    done = cleaned(("part3", 2, "q2_setting", "8"))
    assert value(done, "part3", f"{IDS[0]}/1", "q2a_other_setting") == (None, "missing")
    assert [row[5] for row in log_of(done)] == ["not_asked_though_asked"]


def test_a_filter_that_nobody_answered_decides_nothing():
    done = cleaned(("part1", 5, "q6_training", "99"), ("part1", 5, "q7_training_hours", "12"))
    assert done.log.empty
    assert done.queries.empty


def test_ages_that_do_not_add_up_are_asked_about():
    done = cleaned(("part3", 2, "q3a_under_18", "3"))
    assert done.log.empty
    names = {"q3_victims", "q3a_under_18", "q3b_18_to_24", "q3c_25_and_over", "q3d_age_unknown"}
    assert {row[2] for row in queries_of(done)} == names
    assert all(value(done, "part3", f"{IDS[0]}/1", name) == (None, "invalid") for name in names)
    assert value(done, "part3", f"{IDS[0]}/1", "q4_female") == (1, None)


def test_years_of_part_2_against_a_part_1_that_adds_up():
    """Part I agrees with itself, so that only the years are in doubt, and no rule rests on them."""
    done = cleaned(("part2", 2, "q2_labour_2000", "0"), ("part2", 2, "q12_more_time", "9"))
    assert {row[2] for row in queries_of(done)} == {f"q2_labour_{year}" for year in range(2000, 2007)}
    assert done.log.empty
    assert value(done, "part1", IDS[0], "q15b_labour_cases") == (1, None)


def test_part_2_decides_which_number_of_part_1_is_wrong():
    for name, wrong, right in (("q15a_sex_cases", "9", "7"), ("q15b_labour_cases", "3", "1"), ("q14_cases", "9", "8")):
        done = cleaned(("part1", 2, name, wrong))
        assert log_of(done) == [("part1.csv", 2, name, wrong, right, "cases_by_type")]
        assert done.queries.empty


def test_numbers_that_agree_nowhere_are_asked_about():
    done = cleaned(("part1", 2, "q14_cases", "30"), ("part1", 2, "q15a_sex_cases", "9"))
    assert done.log.empty
    assert {row[2] for row in queries_of(done) if row[0] == "part1.csv"} == {
        "q14_cases", "q15a_sex_cases", "q15b_labour_cases"
    }  # fmt: skip
    assert {row[2] for row in queries_of(done) if row[0] == "part2.csv"} == {f"q1_sex_{y}" for y in range(2000, 2007)}


NO_CASE = [("part1", 2, "q13_any_case", "2"), *(("part1", 2, name, "999") for name in ("q14_cases", "q15a_sex_cases", "q15b_labour_cases"))]  # fmt: skip


def test_no_case_in_part_1_but_every_year_counted_in_part_2():
    done = cleaned(*NO_CASE)
    assert [row[2:5] for row in log_of(done)] == [
        ("q13_any_case", "2", "1"), ("q14_cases", "999", "8"), ("q15a_sex_cases", "999", "7"), ("q15b_labour_cases", "999", "1")
    ]  # fmt: skip
    assert done.queries.empty


def test_no_case_in_part_1_and_a_year_left_out_in_part_2_is_asked_about():
    done = cleaned(*NO_CASE, ("part2", 2, "q1_sex_2000", "9999"))
    asked = [(row[0], row[1], row[2]) for row in queries_of(done)]
    assert asked == [
        *(("part1.csv", 2, name) for name in ("q13_any_case", "q14_cases", "q15a_sex_cases", "q15b_labour_cases")),
        ("part2.csv", 2, "agency_id"),
        ("part3.csv", 2, "agency_id"),
        ("part3.csv", 3, "agency_id"),
    ]
    assert value(done, "part1", IDS[0], "q13_any_case") == (None, "invalid")
    assert [len(done.tables[name]) for name in ("part1", "part2", "part3")] == [8, 2, 4]


# -- corrections and counts --------------------------------------------------------------------------------------------


def correction(name: str, row: int, variable: str, new: str):
    """What the register does: text tables -> (text tables, log)."""

    def apply(text: dict[str, pd.DataFrame]):
        text = {key: table.copy() for key, table in text.items()}
        record = "/".join(text[name].loc[row, BOOKS[name].key])
        raw = text[name].loc[row, variable]
        text[name].loc[row, variable] = new
        entry = (f"{name}.csv", row, record, variable, raw, new, "correction C0001", "asked the agency")
        return text, pd.DataFrame([entry], columns=cleaning.LOG_COLUMNS)

    return apply


def test_a_correction_closes_its_query_and_is_in_the_log():
    given = second_return(returned_on="2007-05-20", q9_protocol="2")
    done = cleaning.clean(given, BOOKS, corrections=correction("part1", 2, "q9_protocol", "2"))
    assert done.queries.empty
    assert ("part1.csv", 2, "q9_protocol", "1", "2", "correction C0001") in log_of(done)
    assert value(done, "part1", IDS[0], "q9_protocol") == ("No", None)


def test_the_register_of_corrections_fits_in():
    """Entries as ``corrections.apply`` takes them, on a value that a rule repaired and on one that is in doubt."""
    entries = [
        corrections.Correction(
            id=ident, file="part1", record=IDS[row - 2], variable="q9_protocol", old_value=old, new_value=new,
            reason="asked the agency", evidence="telephone", decided_by="data manager", date="2024-01-01", expires="", line=row,
        )
        for ident, row, old, new in (("C0001", 2, "1", "2"), ("C0002", 3, "66", "1"))
    ]  # fmt: skip
    done = cleaned(
        ("part1", 2, "q9_protocol", "Yes"),
        ("part1", 3, "q9_protocol", "66"),
        corrections=lambda text: corrections.apply(text, entries, BOOKS, "corrections.csv"),
    )
    assert [(row[1], row[3], row[4], row[5]) for row in log_of(done)] == [
        (2, "Yes", "1", "code_variants"),
        (2, "1", "2", "correction C0001"),
        (3, "66", "1", "correction C0002"),
    ]
    assert done.queries.empty
    assert value(done, "part1", IDS[0], "q9_protocol") == ("No", None)
    assert value(done, "part1", IDS[1], "q9_protocol") == ("Yes", None)


def test_a_correction_settles_a_contradiction_of_several_cells():
    given = spoiled(("part3", 2, "q3a_under_18", "3"))
    done = cleaning.clean(given, BOOKS, corrections=correction("part3", 2, "q3a_under_18", "1"))
    assert done.queries.empty
    assert value(done, "part3", f"{IDS[0]}/1", "q3_victims") == (4, None)


def test_what_a_correction_leaves_contradictory_is_asked_about():
    done = cleaning.clean(tables(), BOOKS, corrections=correction("part1", 2, "q6_training", "2"))
    assert {row[4] for row in queries_of(done)} == {"skip_pattern"}
    assert len(done.queries) == 7
    assert len(done.log) == 1


def test_counts_add_up_to_log_and_queries():
    done = cleaned(
        ("part1", 2, "q9_protocol", "Yes"), ("part1", 3, "q9_protocol", "66"), ("part3", 3, "case_number", "9")
    )
    rules = pd.DataFrame(done.counts["rules"])
    assert rules["changes"].sum() == len(done.log) == sum(row["count"] for row in done.counts["changes"])
    assert rules["queries"].sum() == len(done.queries) == sum(row["count"] for row in done.counts["queries"])
    assert done.counts["files"]["part3"] == {
        "file": "part3.csv", "records_in": 6, "second_returns": 0, "set_aside": 1, "records_out": 5,
        "cells": 6 * len(BOOKS["part3"].variables), "read_as_missing": 0,
    }  # fmt: skip


def test_a_repeated_key_of_the_frame_is_refused():
    given = tables()
    given["frame"].loc[10] = given["frame"].loc[2]
    with pytest.raises(InputError, match=rf"agency_id = '{IDS[0]}' is there more than once .*frame\.csv, rows 2, 10"):
        cleaning.clean(given, BOOKS)


@pytest.mark.parametrize("seed", range(4))
def test_any_text_in_any_cell_ends_in_tables_log_and_queries(seed):
    """Whatever stands in the cells of the parts: no error, no record lost without a row, no cell changed without one."""
    rng = np.random.default_rng(seed)
    odd = [
        "",
        " ",
        "9",
        "99",
        "999",
        "x",
        "-1",
        "1e400",
        "2003-13-40",
        "ten",
        "10-12",
        "Yes",
        "ñ",
        "1" * 40,
        "8",
        "=1+1",
        "nan",
    ]
    given = tables()
    for name in ("part1", "part2", "part3"):
        table = given[name]
        for _ in range(40):
            row, variable = rng.choice(table.index), rng.choice(table.columns)
            table.loc[row, variable] = rng.choice(odd)
    lenient = pytest.MonkeyPatch()
    lenient.setattr(cleaning.returns, "MOST_WITHOUT_RETURN", 1.0)
    done = cleaning.clean(given, BOOKS)
    lenient.undo()
    logged = set(zip(done.log["file"], done.log["row"], done.log["variable"], strict=True))
    for name in ("part1", "part2", "part3"):
        gone = {row for file, row, variable in logged if file == f"{name}.csv" and variable == ""}
        assert len(done.tables[name]) == len(given[name]) - len(gone)
        kinds = done.tables[name].filter(like="__missing")
        asked = set(done.queries.loc[done.queries["file"] == f"{name}.csv", "variable"])
        for column in kinds:
            if (kinds[column] == "invalid").any():
                assert column.removesuffix("__missing") in asked
