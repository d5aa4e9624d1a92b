"""Skip logic and rules of the survey's codebooks against plain Python, record by record, on random answers."""

import pandas as pd
import pytest
from drawn_answers import BOOKS, FOLDER, drawn, typed

from agency_survey import logic

LEFT_OUT = {"99", "999", "9999"}


def is_code(answer: str, *codes: str) -> bool | None:
    return None if answer in LEFT_OUT else answer in codes


def above(answer: str, least: int) -> bool | None:
    return None if int(answer) > 900 else int(answer) > least


def any_of(found: list) -> bool | None:
    return True if True in found else None if None in found else False


def all_of(found: list) -> bool | None:
    return False if False in found else None if None in found else True


def opposite(found: bool | None) -> bool | None:
    return None if found is None else not found


RATINGS = ["q1_sex_residents", "q2_sex_foreign_nationals", "q3_labour_residents", "q4_labour_foreign_nationals"]
YEARS = range(2000, 2007)
EXPECTED = {
    "part1": {
        "q5c_federal_agencies": lambda r: any_of([opposite(is_code(r[name], "8")) for name in RATINGS]),
        "q6e_online": lambda r: is_code(r["q6_training"], "1"),
        "q8_officers_trained": lambda r: is_code(r["q6_training"], "1"),
        "q14_cases": lambda r: is_code(r["q13_any_case"], "1"),
        "q15b_labour_cases": lambda r: is_code(r["q13_any_case"], "1"),
    },
    "part2": {
        "q6d_gangs": lambda r: is_code(r["q6_networks"], "1"),
        "q12_more_time": lambda r: all_of(
            [
                any_of([above(r[f"q1_sex_{year}"], 0) for year in YEARS]),
                any_of([above(r[f"q2_labour_{year}"], 0) for year in YEARS]),
            ]
        ),
    },
    "part3": {
        "q2a_other_setting": lambda r: None if r["q2_setting"] == "999" else r["q2_setting"] == "8",
        "q5a_origin": lambda r: above(r["q5_foreign"], 0),
        "q13_outcome": lambda r: is_code(r["q12_prosecuted"], "1", "2", "3"),
        "q14_convicted": lambda r: is_code(r["q12_prosecuted"], "1", "2", "3"),
    },
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_who_is_asked(name):
    raw = drawn(name, 400, seed=11)
    found = logic.universe(BOOKS[name], typed(name, raw))
    for variable, rule in EXPECTED[name].items():
        expected = [rule(row) for row in raw.to_dict("records")]
        got = [None if pd.isna(one) else bool(one) for one in found[variable]]
        assert got == expected, variable
        assert len(set(expected)) > 1, variable
    assert set(found) == {one.name for one in BOOKS[name].variables.values() if one.universe}


def number(answer: str) -> int | None:
    return None if int(answer) > 900 else int(answer)


def adds_up(parts: list, whole: int | None) -> bool | None:
    return None if None in [*parts, whole] else sum(parts) == whole


def at_most(one: int | None, other: int | None) -> bool | None:
    return None if None in (one, other) else one <= other


AGES = ["q3a_under_18", "q3b_18_to_24", "q3c_25_and_over", "q3d_age_unknown"]
PART3_RULES = {
    "dates": lambda r: None if not r["closed_on"] else r["closed_on"] >= r["opened_on"],
    "victims-by-age": lambda r: adds_up([number(r[name]) for name in AGES], number(r["q3_victims"])),
    "female-victims": lambda r: at_most(number(r["q4_female"]), number(r["q3_victims"])),
    "foreign-victims": lambda r: at_most(number(r["q5_foreign"]), number(r["q3_victims"])),
    "convicted-suspects": lambda r: at_most(number(r["q14_convicted"]), number(r["q6_suspects"])),
}


def test_rules_within_a_case():
    raw = drawn("part3", 600, seed=5)
    found = logic.violations(BOOKS["part3"], typed("part3", raw))
    assert set(found["rule"]) == set(PART3_RULES)
    for ident, rule in PART3_RULES.items():
        expected = [index for index, row in zip(raw.index, raw.to_dict("records"), strict=True) if rule(row) is False]
        assert found.loc[found["rule"] == ident, "row"].tolist() == expected, ident


def test_rules_between_the_parts():
    part1, part2, part3 = drawn("part1", 300, 1), drawn("part2", 300, 2), drawn("part3", 300, 3)
    part1 = part1.iloc[:250]  # fifty agencies have not returned Part I
    tables = {"part1": typed("part1", part1), "part2": typed("part2", part2), "part3": typed("part3", part3)}
    others = {"part1": (BOOKS["part1"], tables["part1"])}
    first = {row["agency_id"]: row for row in part1.to_dict("records")}

    def rows_where(raw: pd.DataFrame, broken) -> list[int]:
        return [
            i
            for i, row in zip(raw.index, raw.to_dict("records"), strict=True)
            if broken(row, first.get(row["agency_id"]))
        ]

    found = logic.violations(BOOKS["part2"], tables["part2"], others)
    by_rule = {ident: rows["row"].tolist() for ident, rows in found.groupby("rule")}
    assert by_rule["in-part1"] == rows_where(part2, lambda row, one: one is None)
    assert by_rule["case-in-part1"] == rows_where(part2, lambda row, one: bool(one) and one["q13_any_case"] == "2")
    for ident, stem, total in (
        ("sex-cases", "q1_sex_", "q15a_sex_cases"),
        ("labour-cases", "q2_labour_", "q15b_labour_cases"),
    ):

        def broken(row, one, stem=stem, total=total):
            years = [number(row[f"{stem}{year}"]) for year in YEARS]
            return bool(one) and adds_up(years, number(one[total])) is False

        assert by_rule[ident] == rows_where(part2, broken)
    cases = logic.violations(BOOKS["part3"], tables["part3"], others)
    over = cases.loc[cases["rule"] == "case-number", "row"].tolist()
    assert over == rows_where(
        part3, lambda row, one: bool(one) and at_most(int(row["case_number"]), number(one["q14_cases"])) is False
    )


def test_derived_variables_of_part_i():
    raw = drawn("part1", 300, seed=9)
    found = logic.derive(BOOKS["part1"], typed("part1", raw))
    for row, index, unit in zip(
        raw.to_dict("records"), found["preparation_index"], found["any_perceived"], strict=True
    ):
        parts = [
            is_code(row["q6_training"], "1"),
            is_code(row["q9_protocol"], "1"),
            is_code(row["q10_personnel"], "1", "2"),
        ]
        assert (None if pd.isna(index) else index) == (None if None in parts else sum(parts))
        seen = any_of([is_code(row[name], "1", "2", "3") for name in RATINGS])
        assert (None if pd.isna(unit) else unit) == seen


def test_the_shipped_frame_and_dispositions_agree_with_their_codebooks():
    data = FOLDER.parents[1] / "data"
    frames = {}
    for name, path in (("frame", data / "frame/frame.csv"), ("disposition", data / "raw/disposition.csv")):
        raw = pd.read_csv(path, dtype=str, keep_default_na=False)[list(BOOKS[name].variables)]
        frames[name] = typed(name, raw.set_axis(pd.RangeIndex(2, 2 + len(raw), name="row")))
    others = {"frame": (BOOKS["frame"], frames["frame"])}
    assert len(logic.violations(BOOKS["frame"], frames["frame"])) == 0
    assert len(logic.violations(BOOKS["disposition"], frames["disposition"], others)) == 0
    for name, table in frames.items():
        for variable, asked in logic.universe(BOOKS[name], table).items():
            assert (asked == table[variable].notna()).all(), variable
