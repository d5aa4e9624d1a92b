"""Totals, quantiles, counts of mailed surveys, numbers that follow from others, declared sections: worked by hand, and
leaks of each kind planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from agency_survey import audits, schema
from agency_survey.disclosure import attack, catalogue, declared, published, suppress, watch
from agency_survey.disclosure.rules import Rules
from agency_survey.errors import InputError

RULES = replace(Rules.of(schema.load("config/disclosure.yaml", "disclosure")), class_group=0)
SECTION, ALL = "made_up", catalogue.ALL
# seven agencies of three kinds: of the first kind one has nearly all cases
CASES = np.array([90.0, 6, 2, 20, 30, 25, 40])
KINDS = {"A": [0, 1, 2], "B": [3, 4], "C": [5, 6]}


def rows() -> tuple[pd.DataFrame, list[np.ndarray]]:
    """Totals of all, of each kind and of A and B together, each agency standing for itself."""
    domains = {"All": list(range(7)), **KINDS, "A or B": [0, 1, 2, 3, 4]}
    inside = [np.isin(np.arange(7), units) for units in domains.values()]
    lines = [
        {"breakdown": ALL if name == "All" else "Kind", "domain": name, "measure": "Cases", "value": CASES[mask].sum(),
         "se": 1.234 + k / 7, "low": 1.0, "high": 2.0, "n": int(mask.sum())}
        for k, (name, mask) in enumerate(zip(domains, inside, strict=True))
    ]  # fmt: skip
    return pd.DataFrame(lines), inside


def section() -> pd.DataFrame:
    table, inside = rows()
    amount = watch.Amount("Cases", CASES, CASES)
    return watch.screened(table, inside, [None] * len(table), amount=[amount] * len(table))


def recorded(rules: Rules):
    with watch.recording() as seen:
        section()
    found = catalogue.catalogue({SECTION: [(row, True) for row in seen]}, rules)
    pattern, totals = suppress.protect(found.system), suppress.protect(found.totals)
    return found, pattern, totals, catalogue.protected(found, pattern, rules, (), totals)


def file_of(table: pd.DataFrame, name: str = f"results/{SECTION}/tables/tbl-made-up.csv") -> published.Published:
    made = published.Published()
    text = table.astype(object).where(table.notna(), "").map(str)
    made.add_table(name, text.columns, text.itertuples(index=False))
    return made


TOTALS = replace(RULES, minimum_count=2)  # so that kinds of two agencies are at risk by dominance alone


def test_totals_that_one_agency_makes_up_are_at_risk_and_the_cheapest_others_go_with_them():
    found, _, totals, claims = recorded(TOTALS)
    value = dict(zip(found.totals.keys, found.totals.value, strict=True))
    by = {row.domain: row.total for row in found.printed}
    assert {name: value[key] for name, key in by.items()} == {"All": 213, "A": 98, "B": 50, "C": 65, "A or B": 148}
    # A: two largest 96 of 98; B and C: two agencies have all; A or B: 90 + 30 = 120 of 148, 81 percent; All: 130 of 213
    need = dict(zip(found.totals.keys, found.totals.need, strict=True))
    # A lacks 96 / 0.85 - 98 = 14.94 of dominance, 9 - 2 = 7 of p percent: 2 x 14.94
    assert need[by["A"]] == pytest.approx(2 * (96 / 0.85 - 98))
    assert need[by["B"]] == pytest.approx(2 * (50 / 0.85 - 50))
    assert need[by["C"]] == pytest.approx(2 * (65 / 0.85 - 65))
    assert need[by["All"]] == need[by["A or B"]] == 0
    gone = {(cell["domain"], cell["reason"]) for cell in claims[SECTION]["cells"] if cell.get("total")}
    # C is all less A or B, so that one of these goes too: A or B, the cheaper of the two
    assert gone == {("A", "primary"), ("B", "primary"), ("C", "primary"), ("A or B", "complementary")}
    assert not [one for one in attack.audit(found.totals, totals.hidden) if one.leak]


def test_a_total_printed_again_in_any_file_is_found():
    found, _, _, claims = recorded(TOTALS)
    with watch.screening(claims[SECTION]):
        table = section()
    open_table = section()
    assert table["value"].isna().tolist() == [False, True, True, True, True]
    assert published.audit(found, claims, file_of(table), TOTALS)["leaks"] == []
    tried = 0
    for at in (1, 2, 3, 4):
        row = open_table.loc[at]
        for plant in ("table", "other", "ledger", "text"):
            made = file_of(table)
            if plant == "table":
                made = file_of(pd.concat([table.drop(at), open_table.loc[[at]]]))
            elif plant == "other":
                made.records += file_of(
                    open_table.loc[[at], ["value", "se"]], "results/other/figures/fig-x.csv"
                ).records
            elif plant == "ledger":
                made.add_numbers("results/other/numbers.json", {"x.y": {"value": row.value, "se": row.se}})
            else:
                made.texts["results/other/text/x.md"] = f"{row.value:,.0f} (1\N{EN DASH}2) cases"
            leaks = published.audit(found, claims, made, TOTALS)["leaks"]
            assert leaks, (row.domain, plant)
            tried += 1
    assert tried == 16


def test_a_total_of_too_few_agencies_is_at_risk_whatever_their_weights():
    part = CASES * 30  # one sampled agency stands for 30, so that it dominates nothing
    table, inside = rows()
    with watch.recording() as seen:
        amounts = [watch.Amount("Cases", CASES, part)] * len(table)
        watch.screened(table.assign(value=[part[mask].sum() for mask in inside]), inside, [None] * 5, amount=amounts)
    found = catalogue.catalogue({SECTION: [(row, True) for row in seen]}, RULES)
    by = {row.domain: row.total for row in found.printed}
    need = dict(zip(found.totals.keys, found.totals.need, strict=True))
    assert {name for name, key in by.items() if need[key] > 0} == {"B", "C"}  # two agencies each
    again = catalogue.from_dict(catalogue.as_dict(found))
    assert catalogue.as_dict(again) == catalogue.as_dict(found)


@pytest.mark.parametrize(
    ("tail", "units", "risk"), [(0.25, 11, True), (0.25, 12, False), (0.5, 5, True), (None, 1, False)]
)
def test_quantiles_need_units_beyond_them(tail, units, risk):
    assert RULES.quantile_at_risk(tail, units) is risk


def test_a_number_that_follows_from_one_that_is_left_out_goes_and_is_found():
    found, pattern, totals, _ = recorded(TOTALS)
    _, inside = rows()
    sides = [(inside[1], None, "Cases"), (inside[2], None, "Cases")]
    derived: list[watch.Derived] = []
    with watch.recording(derived):
        assert not watch.left_out("A less B", [48.123456], sides)
    follows = [catalogue.Follows(SECTION, one.what, one.numbers, one.sides) for one in derived]
    found = replace(found, follows=follows)
    claims = catalogue.protected(found, pattern, TOTALS, (), totals)
    with watch.screening(claims[SECTION]):
        kept = section()
        assert watch.left_out("A less B", [48.123456], sides)
        assert not watch.left_out("All", [1.0], [(inside[0], None, "Cases")])
        with pytest.raises(InputError, match="A less B would give away a number that is left out"):
            watch.require_kept("A less B", [48.123456], sides)
        watch.require_kept("All", [1.0], [(inside[0], None, "Cases")])
    watch.require_kept("A less B", [48.123456], sides)  # nothing is screened here
    assert published.audit(found, claims, file_of(kept), TOTALS)["leaks"] == []
    made = file_of(kept.assign(difference=48.123456))
    leaks = published.audit(found, claims, made, TOTALS)["leaks"]
    assert [leak["what"] for leak in leaks] == ["A less B"]
    assert "follows from a number that is left out" in published.sentence(leaks[0])


# -- counts of mailed surveys ------------------------------------------------------------------------------------------


def mailed() -> pd.DataFrame:
    """Respondents by stratum: 1 of 2 in the third, and 3 or more either way elsewhere."""
    stratum = np.repeat([0, 1, 2, 3], [20, 12, 2, 9])
    back = np.zeros(len(stratum), dtype=bool)
    back[[*range(12), *range(20, 26), 32, *range(34, 39)]] = True
    masks = [np.ones(len(stratum), dtype=bool), *(stratum == k for k in range(4))]
    told = pd.DataFrame({"breakdown": "Stratum", "domain": ["all", "a", "b", "c", "d"], "measure": "respondents"})
    return told.assign(respondents=watch.counts(told, masks, [back] * 5))


def test_counts_of_respondents_of_small_strata_go_with_the_least_that_protects_them():
    with watch.recording() as seen:
        assert mailed()["respondents"].tolist() == [24, 12, 6, 1, 5]
    found = catalogue.catalogue({SECTION: [(row, True) for row in seen]}, RULES)
    pattern = suppress.protect(found.system)
    claims = catalogue.protected(found, pattern, RULES)
    with watch.screening(claims[SECTION]):
        table = mailed()
    gone = set(table.loc[table["respondents"].isna(), "domain"])
    assert "c" in gone
    assert len(gone) == 2  # with one other, not the total
    assert "all" not in gone
    assert published.audit(found, claims, file_of(table), RULES)["leaks"] == []
    for at in table.index[table["respondents"].isna()]:
        told = table.copy()
        told.loc[at, "respondents"] = [24, 12, 6, 1, 5][at]
        assert published.audit(found, claims, file_of(told), RULES)["leaks"], told.loc[at, "domain"]


# -- declared sections -------------------------------------------------------------------------------------------------

NONE = {"kind": "no_answers", "reason": "-", "explained": {"files": "files of a rule"}}
REPEATS = {"kind": "repeats", "reason": "-", "explained": {}}
WHOLE = {"kind": "whole_survey", "reason": "-", "explained": {}}


@pytest.mark.parametrize(
    ("kind", "table", "said"),
    [
        (NONE, {"files": [2]}, None),
        (NONE, {"agencies": [5, 2]}, "column agencies holds the small count 2"),
        (NONE, {"agencies": [5, 0]}, None),
        (REPEATS, {"share": [0.4321]}, None),
        (REPEATS, {"share": [0.5432]}, "column share holds 0.5432, which no examined section publishes"),
        (WHOLE, {"share": [0.5432], "n": [1900]}, None),
        (WHOLE, {"share": [0.5432], "n_cleaned": [44]}, "column n_cleaned rests on 44 respondents"),
    ],
)
def test_declared_sections_are_checked_against_what_they_publish(kind, table, said):
    made = file_of(pd.DataFrame({"share": [0.4321]}))
    made.records += file_of(pd.DataFrame(table), "results/said/tables/tbl-said.csv").records
    leaks = declared.problems({"said": kind}, {SECTION}, made, 3)
    assert [published.sentence(leak) for leak in leaks] == ([] if said is None else [published.sentence(leaks[0])])
    assert said is None or said in published.sentence(leaks[0])


def test_small_counts_in_a_ledger_are_found_by_their_id():
    made = published.Published()
    made.add_numbers("results/said/numbers.json", {"said.refused": {"value": 1}, "said.files": {"value": 1}})
    kind = NONE | {"explained": {"said.f*": "files of a rule"}}
    leaks = declared.problems({"said": kind}, set(), made, 3)
    assert [leak["what"] for leak in leaks] == ["number said.refused"]


def test_sections_must_be_examined_or_declared_and_not_both():
    assert declared.undecided({"a", "b"}, {"a"}, {"b": NONE}) == []
    told = declared.undecided({"a", "b"}, {"a"}, {"a": NONE, "c": NONE})
    assert [sentence.split(" ")[2] for sentence in told] == ["b", "a", "c"]
    result = {"leaks": [], "undecided": told}
    with pytest.raises(InputError, match=r"The section b is neither examined nor declared; so with 2 more sections"):
        audits.require_none(result)


def test_a_declaration_without_a_reason_is_refused(tmp_path):
    with open("config/disclosure.yaml", encoding="utf-8") as file:
        data = yaml.safe_load(file)
    del data["declared"]["lineage"]["reason"]
    path = tmp_path / "disclosure.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(InputError, match="'reason' is missing"):
        schema.load(path, "disclosure")


# -- numbers that findings rest on --------------------------------------------------------------------------------------


def left_out_beside_a_small_cell(rules: Rules) -> set[str]:
    """Domains left out to protect the one agency of A that answers yes, where B and C would do alike."""
    kinds = np.repeat(["A", "B", "C"], 20)
    yes = np.arange(60) % 20 < np.repeat([1, 8, 8], 20)
    domains = {"All": np.ones(60, dtype=bool)} | {name: kinds == name for name in "ABC"}
    lines = [
        {"breakdown": ALL if name == "All" else "Kind", "domain": name, "measure": "Yes", "share": yes[mask].mean(),
         "se": 0.01, "low": 0.1, "high": 0.2, "n": int(mask.sum())}
        for name, mask in domains.items()
    ]  # fmt: skip
    with watch.recording() as seen:
        watch.screened(pd.DataFrame(lines), list(domains.values()), [yes] * 4)
    rows = {SECTION: [(row, True) for row in seen]}
    catalogue.require_spared(rows, rules)
    found = catalogue.catalogue(rows, rules)
    claims = catalogue.protected(found, suppress.protect(found.system), rules)
    return {cell["domain"] for cell in claims[SECTION]["cells"] if cell["reason"] == "complementary"}


@pytest.mark.parametrize(("spared", "goes"), [("B", "C"), ("C", "B")])
def test_a_number_that_a_finding_rests_on_is_spared_where_another_will_do(spared, goes):
    assert left_out_beside_a_small_cell(replace(RULES, spared=frozenset([("Kind", spared, "Yes")]))) == {goes}


def test_a_spared_number_that_no_section_has_is_refused():
    with pytest.raises(InputError, match="No section has the number 'Kind, D, Yes'"):
        left_out_beside_a_small_cell(replace(RULES, spared=frozenset([("Kind", "D", "Yes")])))
