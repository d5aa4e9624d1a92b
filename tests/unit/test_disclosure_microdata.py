"""Reports on public-use records: k-anonymity and l-diversity worked by hand, recodes and their log."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from agency_survey import schema
from agency_survey.disclosure import microdata
from agency_survey.disclosure.rules import Rules
from agency_survey.errors import InputError

RULES = replace(Rules.of(schema.load("config/disclosure.yaml", "disclosure")), k=3, l=2)
TABLE = pd.DataFrame(
    {
        "type": ["police", "police", "police", "police", "sheriff", "sheriff", None],
        "region": ["South", "South", "South", "West", "West", "West", "West"],
        "case": ["yes", "no", "no", "yes", "no", "no", "yes"],
    }
)


def test_k_and_l_are_those_counted_by_hand():
    found = microdata.report(TABLE, ["type", "region"], ["case"], RULES)
    # police South 3, police West 1, sheriff West 2, missing West 1
    assert (found["combinations"], found["k"], found["below_k"], found["alone"]) == (4, 1, 4, 2)
    # one value of case among police West, sheriff West and missing West
    assert (found["l"], found["below_l"]) == ({"case": 1}, {"case": 4})
    assert found["without"] == {"type": 0, "region": 3}
    assert not found["passes"]
    assert len(found["reasons"]) == 2


def test_records_that_are_enough_alike_pass():
    found = microdata.report(TABLE[TABLE["region"] == "South"], ["type", "region"], ["case"], RULES)
    assert found["passes"]
    assert (found["k"], found["l"]) == (3, {"case": 2})


def test_recodes_are_done_in_order_and_logged():
    table = pd.DataFrame(
        {"population": [900, 2600, 12000, 99000], "state": ["AL", "GA", "ME", "VT"], "cases": [1, 2, 3, 40]}
    )
    rules = [
        {"variable": "population", "cuts": [0, 2500, 10000]},
        {"variable": "state", "groups": {"South": ["AL", "GA"], "Northeast": ["ME", "VT"]}},
        {"variable": "cases", "top": 10},
        {"variable": "cases", "base": 5},
    ]
    made, log = microdata.recode(table, rules)
    assert made["population"].tolist() == ["0 to under 2500", "2500 to under 10000", "10000 and over", "10000 and over"]
    assert made["state"].tolist() == ["South", "South", "Northeast", "Northeast"]
    assert made["cases"].tolist() == [0, 0, 5, 10]
    assert [(line["variable"], line["action"], line["changed"], line["after"]) for line in log] == [
        ("population", "cuts", 4, 3),
        ("state", "groups", 4, 2),
        ("cases", "top", 1, 4),
        ("cases", "base", 3, 3),
    ]
    dropped, log = microdata.recode(table, [{"variable": "state", "drop": True}])
    assert "state" not in dropped
    assert log[0]["changed"] == 4
    assert table["cases"].tolist() == [1, 2, 3, 40]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"variable": "town", "drop": True}, "'town', which the records do not have"),
        ({"variable": "case", "drop": True, "top": 3}, "2 actions"),
        ({"variable": "case"}, "0 actions"),
    ],
)
def test_recodes_that_cannot_be_done_are_refused(rule, said):
    with pytest.raises(InputError, match=said):
        microdata.recode(TABLE, [rule])


def test_reports_need_declared_variables_and_records():
    with pytest.raises(InputError, match="no variable 'town'"):
        microdata.report(TABLE, ["town"], [], RULES)
    with pytest.raises(InputError, match="No quasi-identifier"):
        microdata.report(TABLE, [], ["case"], RULES)
    with pytest.raises(InputError, match="no records"):
        microdata.report(TABLE.iloc[:0], ["type"], [], RULES)
