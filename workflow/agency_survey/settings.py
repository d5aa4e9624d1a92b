"""The report's settings: ``config/config.yaml`` checked against its schema, and what a schema cannot say."""

from __future__ import annotations

from pathlib import Path

from agency_survey import schema
from agency_survey.errors import InputError


def load(path: str | Path = "config/config.yaml") -> dict:
    """Settings of the file; raises InputError with file, line and key."""
    data = schema.load(path, "config")
    _consistent(data, str(path))
    return data


def check(config: dict, path: str | Path) -> None:
    """Check settings as Snakemake merged them (file and command line); lines are those of the file."""
    schema.validate(config, "config", str(path), schema.lines_of(path))
    _consistent(config, str(path))


def _consistent(config: dict, name: str) -> None:
    bounds = [entry["from"] for entry in config["population_classes"]]
    if bounds != sorted(set(bounds)):
        raise InputError("The population classes are not in ascending order", name, "Order them by 'from'")
    if bounds[0] != 0:
        raise InputError(
            "The first population class does not begin at 0", name, "Agencies below it would be in no class"
        )
    labels = [entry["label"] for entry in config["population_classes"]]
    if len(set(labels)) < len(labels):
        raise InputError("Two population classes have one label", name, "Give each its own")
    if config["reliability"]["flag_rse"] > config["reliability"]["hide_rse"]:
        raise InputError("'reliability.flag_rse' is above 'reliability.hide_rse'", name, "Flag before hiding")
