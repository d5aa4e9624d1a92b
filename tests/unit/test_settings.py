"""What the schema of config.yaml cannot say."""

import copy
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
