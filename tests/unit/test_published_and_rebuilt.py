"""Chapter 11: published figures beside rebuilt ones, each comparison, and the wording that follows."""

import pandas as pd
import pytest
import stand_in
from rebuilt_numbers import REGISTRY, agreeable, number

from agency_survey import schema
from agency_survey.errors import InputError
from agency_survey.sections import published_and_rebuilt as section

STANDIN = schema.load(stand_in.ROOT / "config/standin.yaml", "standin")


@pytest.fixture(scope="module")
def published():
    return pd.read_csv(stand_in.ROOT / "data/published/report_2008.csv", dtype=str, keep_default_na=False)


@pytest.fixture
def numbers():
    return agreeable()


def agreement(published, numbers):
    found = section.compare(published, REGISTRY, numbers, {})
    return found.set_index("id")["agrees"].dropna().to_dict()


DISAGREE = {"P019", "P022", "P036", "P037", "P039", "P058"}  # counted otherwise, or not to be met with P040


def test_each_comparison_agrees_where_it_should(published, numbers):
    found = agreement(published, numbers)
    assert set(found) == {entry["figure"] for entry in REGISTRY if "numbers" in entry}
    assert {key for key, agrees in found.items() if not agrees} == DISAGREE


SHARE_OUT = number(0.3, 0.28, 0.32)


@pytest.mark.parametrize(
    ("figure", "at", "changed"),
    [
        ("P015", 0, number(2999)),
        ("P016", 0, number(1)),
        ("P017", 0, number(2)),
        ("P018", 0, number(3190)),
        ("P020", 0, number(1902)),
        ("P021", 0, number(0.5965)),
        ("P023", 0, number(190)),
        ("P024", 0, number("2008")),
        ("P028", 0, number(3000)),
        ("P029", 0, number(0.52, 0.49, 0.55)),
        ("P030", 0, number(0.01, -0.01, 0.03)),
        ("P030", 2, number(0.01, -0.01, 0.03)),
        ("P031", 0, SHARE_OUT),
        ("P032", 0, SHARE_OUT),
        ("P033", 0, SHARE_OUT),
        ("P034", 0, SHARE_OUT),
        ("P035", 1, number(0.1, -0.1, 0.3)),
        ("P038", 0, number(0.09, 0.07, 0.11)),
        ("P040", 0, SHARE_OUT),
        ("P041", 0, number(0.55, 0.49, 0.6)),
        ("P042", 0, number(0)),
        ("P042", 1, number(0.0)),
        ("P043", 0, SHARE_OUT),
        ("P044", 0, number(1.2, 0.9, 1.6)),
        ("P046", 0, number(1.2, 0.9, 1.6)),
        ("P047", 0, number(0.7, 0.5, 0.9)),
        ("P048", 0, SHARE_OUT),
        ("P049", 0, SHARE_OUT),
        ("P050", 0, number(0.55, 0.49, 0.6)),
        ("P053", 0, number(0.55, 0.49, 0.6)),
        ("P054", 0, number(0.31, 0.28, 0.34)),
        ("P054", 1, number(0.8, 0.7, 0.9)),
        ("P055", 0, number(0.0, -0.1, 0.1)),
    ],
)
def test_each_comparison_fails_where_it_should(published, numbers, figure, at, changed):
    ident = next(entry["numbers"][at] for entry in REGISTRY if entry["figure"] == figure)
    assert agreement(published, numbers)[figure]
    assert not agreement(published, {**numbers, ident: changed})[figure]


def test_an_interval_must_be_there_to_agree(published, numbers):
    ident = next(entry["numbers"][0] for entry in REGISTRY if entry["figure"] == "P032")
    assert not agreement(published, {**numbers, ident: number(0.18)})["P032"]


def test_a_number_that_may_not_be_shown_is_not_compared(published, numbers):
    ident = next(entry["numbers"][0] for entry in REGISTRY if entry["figure"] == "P043")
    found = section.compare(published, REGISTRY, {**numbers, ident: number(None)}, {}).set_index("id")
    assert found.loc["P043", "agreement"] == "too uncertain to compare"
    assert found.loc["P043", "agrees"] is None
    made = section.chapter(published, REGISTRY, {**numbers, ident: number(None)}, STANDIN, True, 0.95)
    assert "too uncertain to compare" in made.tables[-2].markdown()


def test_rebuilt_percentages_have_the_published_decimals(published, numbers):
    found = section.compare(published, REGISTRY, numbers, {}).set_index("id")
    assert found.loc["P021", "rebuilt"] == "59.64%"
    assert found.loc["P022", "agreement"] == "differs by 0.03 points"
    assert found.loc["P031", "rebuilt"].endswith("(an interval)")


def test_the_largest_stands_beside_the_next(published, numbers):
    found = section.compare(published, REGISTRY, numbers, {}).set_index("id")
    assert found.loc["P054", "rebuilt"].count(";") == 1


def test_a_number_that_no_section_gives_is_refused(published, numbers):
    del numbers["survey-methods.sample.mailed"]
    with pytest.raises(InputError, match=r"survey-methods\.sample\.mailed.*P018"):
        section.compare(published, REGISTRY, numbers, {})


def test_every_published_figure_is_in_the_registry_once(published, numbers):
    assert sorted(entry["figure"] for entry in REGISTRY) == sorted(published["id"])
    with pytest.raises(InputError, match="P015 is missing"):
        section.compare(published, REGISTRY[1:], numbers, {})
    with pytest.raises(InputError, match="P015 stands there twice"):
        section.compare(published, [*REGISTRY, REGISTRY[0]], numbers, {})
    with pytest.raises(InputError, match="P999 is missing"):
        section.compare(published, [*REGISTRY, {"figure": "P999", "because": "it is made up"}], numbers, {})


def test_a_calibrated_figure_must_be_published(published, numbers):
    with pytest.raises(InputError, match="P999 is not published"):
        section.compare(published, REGISTRY, numbers, {"P999": "how"})


def test_calibrations_are_shown_only_for_the_stand_in(published, numbers):
    synthetic = section.chapter(published, REGISTRY, numbers, STANDIN, True, 0.95)
    real = section.chapter(published, REGISTRY, numbers, STANDIN, False, 0.95)
    of_synthetic = synthetic.tables[-2].shown["Calibrated to it"]
    assert (of_synthetic == "yes").sum() == len(STANDIN["calibrations"])
    assert set(real.tables[-2].shown["Calibrated to it"]) == {"\N{EN DASH}"}
    assert "by construction" in synthetic.texts["findings"]
    assert "by construction" not in real.texts["findings"] + real.tables[-2].markdown()
    values = {key: entry["value"] for key, entry in synthetic.numbers.numbers.items()}
    assert values["published-and-rebuilt.figures"] == len(published)
    assert values["published-and-rebuilt.rebuilt"] + values["published-and-rebuilt.not-rebuilt"] == len(published)
    rebuilt = {entry["figure"] for entry in REGISTRY if "numbers" in entry}
    calibrated = {entry["figure"] for entry in STANDIN["calibrations"]}
    assert values["published-and-rebuilt.calibrated"] == len(calibrated & rebuilt)
    assert values["published-and-rebuilt.free-agree"] == 2  # P028, P038


def test_figures_that_do_not_agree_are_listed_with_what_is_known(published, numbers):
    made = section.chapter(published, REGISTRY, numbers, STANDIN, True, 0.95)
    table = made.tables[-1]
    assert set(table.shown["Id"]) == DISAGREE
    reasons = table.shown.set_index("Id")["What is known of the reason"]
    assert reasons["P037"].startswith("Cannot be met together with P040")
    assert reasons["P036"] == "Not known"
    assert "of them the stand-in was calibrated to" not in made.texts["differences"]
    ident = next(entry["numbers"][0] for entry in REGISTRY if entry["figure"] == "P043")
    off = section.chapter(published, REGISTRY, {**numbers, ident: SHARE_OUT}, STANDIN, True, 0.95)
    assert "of them the stand-in was calibrated to" in off.texts["differences"]
    none = section.compare(published, REGISTRY, numbers, {})
    none = none.assign(agrees=none["agrees"].where(none["agrees"].isna(), True))
    assert "No rebuilt figure disagrees" in section.differences_paragraph(none)
    assert "Every figure that is rebuilt agrees" in section.differences_table(none, {}, True).markdown()


def test_the_figure_shows_every_rebuilt_percentage(published, numbers, tmp_path):
    figure = section.chapter(published, REGISTRY, numbers, STANDIN, True, 0.95).figures[0]
    assert {"P031", "P037", "P049"} <= set(figure.data["id"])
    assert "P021" not in set(figure.data["id"])  # response rates have no interval
    row = figure.data.set_index("id").loc["P049"]
    assert (row["published"], row["share"]) == (0.62, 0.63)
    assert "does not agree" in figure.alt
    figure.write(tmp_path)
    assert (tmp_path / "fig-published-and-rebuilt.png").stat().st_size > 10_000


def test_every_figure_stands_in_one_table_of_its_section(published, numbers):
    exhibits = section.chapter(published, REGISTRY, numbers, STANDIN, True, 0.95)
    *sections, together, _ = exhibits.tables
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
    recorded = section.chapter(published, REGISTRY, numbers, STANDIN, True, 0.95).numbers.numbers
    assert recorded["published.p031"]["text"]["value"] == "75%"
    assert "second-hand" in recorded["published.p031"]["label"]


def test_unknown_evidence_is_refused(published, numbers):
    table = published.copy()
    table.loc[table["id"] == "P018", "evidence"] = "hearsay"
    with pytest.raises(InputError, match="'hearsay' of P018 is not known"):
        section.compare(table, REGISTRY, numbers, {})
