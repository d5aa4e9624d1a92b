"""Chapter 11: published figures beside rebuilt ones, each comparison, and the wording that follows."""

import pandas as pd
import pytest
import stand_in

from agency_survey import schema
from agency_survey.errors import InputError
from agency_survey.sections import published_and_rebuilt as section


@pytest.fixture(scope="module")
def published():
    return pd.read_csv(stand_in.ROOT / "data/published/report_2008.csv", dtype=str, keep_default_na=False)


def number(value, low=None, high=None, ci="\N{EN DASH}"):
    return {"value": value, "low": low, "high": high, "text": {"value": str(value), "ci": ci}}


@pytest.fixture
def numbers():
    """Numbers that agree with every figure that section.REBUILT names, but for P019 and P022."""
    return {
        "survey-methods.sample.random": number(3000),
        "survey-methods.sample.large-missed": number(0),
        "survey-methods.sample.partners-missed": number(0),
        "survey-methods.sample.mailed": number(3191),
        "survey-methods.outcome.complete": number(1903),
        "survey-methods.rate.complete.all-mailed-surveys": number(1903 / 3191),
        "survey-methods.sample.supplements": number(191),
        "survey-methods.year": number("2007"),
        "perceptions.every-form.rare-or-none.local-agencies": number(0.9, 0.88, 0.92),
        "perceptions.difference.sex-over-labour": number(0.2, 0.1, 0.3),
        "perceptions.every-form.non-existent.local-agencies": number(0.76, 0.74, 0.78, "74.0% to 78.0%"),
    }


def agreement(published, numbers):
    found = section.compare(published, numbers, {})
    return found.set_index("id")["agrees"].dropna().to_dict()


def test_each_comparison_agrees_where_it_should(published, numbers):
    found = agreement(published, numbers)
    assert set(found) == set(section.REBUILT)
    assert {key for key, agrees in found.items() if not agrees} == {"P019", "P022"}


@pytest.mark.parametrize(
    ("ident", "changed", "figure"),
    [
        ("survey-methods.sample.random", number(2999), "P015"),
        ("survey-methods.sample.large-missed", number(1), "P016"),
        ("survey-methods.sample.partners-missed", number(2), "P017"),
        ("survey-methods.sample.mailed", number(3190), "P018"),
        ("survey-methods.outcome.complete", number(1902), "P020"),
        ("survey-methods.rate.complete.all-mailed-surveys", number(0.5965), "P021"),
        ("survey-methods.sample.supplements", number(190), "P023"),
        ("survey-methods.year", number("2008"), "P024"),
        ("survey-methods.sample.mailed", number(3000), "P028"),
        ("perceptions.every-form.rare-or-none.local-agencies", number(0.52, 0.49, 0.55), "P029"),
        ("perceptions.difference.sex-over-labour", number(0.01, -0.01, 0.03), "P030"),
        ("perceptions.every-form.non-existent.local-agencies", number(0.7, 0.68, 0.72), "P031"),
    ],
)
def test_each_comparison_fails_where_it_should(published, numbers, ident, changed, figure):
    assert not agreement(published, {**numbers, ident: changed})[figure]


def test_rebuilt_percentages_have_the_published_decimals(published, numbers):
    found = section.compare(published, numbers, {}).set_index("id")
    assert found.loc["P021", "rebuilt"] == "59.64%"
    assert found.loc["P022", "agreement"] == "differs by 0.03 points"
    assert found.loc["P031", "rebuilt"].endswith("(74.0% to 78.0%)")


def test_a_number_that_no_section_gives_is_refused(published, numbers):
    del numbers["survey-methods.sample.mailed"]
    with pytest.raises(InputError, match=r"survey-methods\.sample\.mailed.*P018"):
        section.compare(published, numbers, {})


def test_a_calibrated_figure_must_be_published(published, numbers):
    with pytest.raises(InputError, match="P999 is not published"):
        section.compare(published, numbers, {"P999": "how"})


def test_calibrations_are_shown_only_for_the_stand_in(published, numbers):
    calibrations = schema.load(stand_in.ROOT / "config/standin.yaml", "standin")["calibrations"]
    synthetic = section.chapter(published, numbers, calibrations, True)
    real = section.chapter(published, numbers, calibrations, False)
    of_synthetic = synthetic.tables[-1].shown["Calibrated to it"]
    assert (of_synthetic == "yes").sum() == len(calibrations)
    assert set(real.tables[-1].shown["Calibrated to it"]) == {"\N{EN DASH}"}
    assert "by construction" in synthetic.texts["findings"]
    assert "by construction" not in real.texts["findings"] + real.tables[-1].markdown()
    values = {key: entry["value"] for key, entry in synthetic.numbers.numbers.items()}
    assert values["published-and-rebuilt.figures"] == len(published)
    assert values["published-and-rebuilt.rebuilt"] + values["published-and-rebuilt.not-rebuilt"] == len(published)
    rebuilt = [entry for entry in calibrations if entry["figure"] in section.REBUILT]
    assert values["published-and-rebuilt.calibrated"] == len(rebuilt)
    assert values["published-and-rebuilt.free-agree"] == 1


def test_every_figure_stands_in_one_table_of_its_section(published, numbers):
    exhibits = section.chapter(published, numbers, [], True)
    *sections, together = exhibits.tables
    shown = pd.concat([table.shown["Id"] for table in sections])
    assert sorted(shown) == sorted(published["id"])
    assert list(together.shown["Id"]) == list(published["id"])
    assert sum("quoted second-hand" in table.shown["Evidence"].tolist() for table in sections) >= 3


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("75", "percent", "75%"),
        ("nearly 92", "percent", "nearly 92%"),
        ("over half (>50)", "percent", "over half (>50%)"),
        ("59.64", "percent", "59.64%"),
        ("3191", "surveys", "3,191"),
        ("2007", "year", "2007"),
        ("rare or non-existent", "text", "rare or non-existent"),
    ],
)
def test_published_values_are_printed_with_their_unit(value, unit, expected):
    assert section.shown_value({"value": value, "unit": unit}) == expected


def test_published_values_are_numbers_of_the_book(published, numbers):
    recorded = section.chapter(published, numbers, [], True).numbers.numbers
    assert recorded["published.p031"]["text"]["value"] == "75%"
    assert "second-hand" in recorded["published.p031"]["label"]


def test_unknown_evidence_is_refused(published, numbers):
    table = published.copy()
    table.loc[table["id"] == "P018", "evidence"] = "hearsay"
    with pytest.raises(InputError, match="'hearsay' of P018 is not known"):
        section.compare(table, numbers, {})
