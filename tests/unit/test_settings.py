"""What the schemas cannot say of config.yaml, the regions, the folder of the LEMAS files and the report's date."""

import copy
import os
from pathlib import Path

import pytest

from agency_survey import settings
from agency_survey.errors import InputError

PATH = Path(__file__).parents[2] / "config/config.yaml"


@pytest.fixture
def config() -> dict:
    return copy.deepcopy(settings.load(PATH))


def test_the_projects_settings_are_consistent(config):
    settings.check(config, PATH)


def test_population_classes_must_ascend(config):
    config["population_classes"].reverse()
    with pytest.raises(InputError, match="not in ascending order"):
        settings.check(config, PATH)


def test_population_classes_must_differ(config):
    config["population_classes"][1]["from"] = 0
    with pytest.raises(InputError, match="not in ascending order"):
        settings.check(config, PATH)


def test_no_agency_may_fall_below_the_first_class(config):
    config["population_classes"][0]["from"] = 1000
    with pytest.raises(InputError, match="does not begin at 0"):
        settings.check(config, PATH)


def test_population_classes_need_labels_of_their_own(config):
    config["population_classes"][1]["label"] = config["population_classes"][0]["label"]
    with pytest.raises(InputError, match="one label"):
        settings.check(config, PATH)


def test_estimates_are_flagged_before_they_are_hidden(config):
    config["reliability"]["flag_rse"] = 0.6
    with pytest.raises(InputError, match="flag_rse"):
        settings.check(config, PATH)


def test_a_value_from_the_command_line_is_checked_too(config):
    config["confidence_level"] = 95
    with pytest.raises(InputError, match=r"'confidence_level' is not valid.*config\.yaml, line \d+"):
        settings.check(config, PATH)


def test_the_environments_folder_wins_over_the_settings(config, tmp_path, monkeypatch):
    monkeypatch.setenv("LEMAS_DIR", str(tmp_path))
    assert settings.lemas_folder(config) == str(tmp_path)


@pytest.mark.parametrize("given", [None, ""])
def test_the_settings_folder_may_be_absent(config, tmp_path, monkeypatch, given):
    monkeypatch.delenv("LEMAS_DIR", raising=False)
    if given is not None:
        monkeypatch.setenv("LEMAS_DIR", given)
    config["lemas"]["folder"] = str(tmp_path / "nowhere")
    assert settings.lemas_folder(config) == str(tmp_path / "nowhere")
    (tmp_path / "nowhere").touch()
    with pytest.raises(InputError, match=r"lemas\.folder in config/config\.yaml is not a folder"):
        settings.lemas_folder(config)


def test_a_named_folder_that_is_no_readable_folder_is_refused(config, tmp_path, monkeypatch):
    (tmp_path / "file.tsv").touch()
    for name, words in [("file.tsv", "is not a folder"), ("nowhere", "is a folder that is not there")]:
        monkeypatch.setenv("LEMAS_DIR", str(tmp_path / name))
        with pytest.raises(InputError, match=rf"^LEMAS_DIR {words} \(.*{name}\)"):
            settings.lemas_folder(config)
    monkeypatch.setenv("LEMAS_DIR", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the rights of root do not show in a folder's mode
    with pytest.raises(InputError, match="LEMAS_DIR is a folder that cannot be read"):
        settings.lemas_folder(config)


def test_the_census_regions_hold_each_state_once():
    states = [state for part in settings.regions(PATH.with_name("regions.yaml")).values() for state in part]
    assert len(states) == len(set(states)) == 51


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[IA,", "[CT, IA,", r"The state CT is given twice, in Northeast and in Midwest \(.*regions\.yaml, line 3\)"),
        ("WA, WY]", "WA, WY, WA]", r"The state WA is given twice, in West and in West \(.*line 5\)"),
    ],
)
def test_a_state_in_two_regions_is_refused(tmp_path, old, new, words):
    text = PATH.with_name("regions.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = tmp_path / "regions.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=words):
        settings.regions(path)


@pytest.mark.parametrize("text", ['book:\n  date: "2026-11-23"\n', "book:\n  date: 2026-11-23\n"])
def test_the_reports_date_may_be_quoted_or_not(tmp_path, text):
    path = tmp_path / "_quarto.yml"
    path.write_text(text, encoding="utf-8")
    assert settings.report_date(path) == "2026-11-23"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"The book has no date \(.*_quarto\.yml\)"),
        ("book: report\n", "The book has no date"),
        ("book:\n  title: Report\n", "The book has no date"),
        ("book:\n  date:\n", "The book has no date"),
        ("book:\n  title: Report\n  date: today\n", r"The book's date is 'today' \(.*_quarto\.yml, line 3\)"),
        ("book:\n  date: 20261123\n", "The book's date is '20261123'"),
        ('book:\n  date: "2026-11-31"\n', "The book's date is '2026-11-31'"),
        ("book:\n  date: 2026-11-31\n", "not valid YAML"),
        ("book:\n  date: 2026-11-23 10:00:00\n", "The book's date is"),
        ("book:\n  date: [2026-11-23]\n", "The book's date is"),
    ],
)
def test_a_book_without_a_date_is_refused(tmp_path, text, words):
    path = tmp_path / "_quarto.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        settings.report_date(path)
