"""The report's settings checked: ``config/config.yaml`` by its schema and for what a schema cannot say, the folder of
the LEMAS files, the census regions and the report's date."""

from __future__ import annotations

import os
from datetime import date
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


def lemas_folder(config: dict) -> str:
    """Folder of the LEMAS files: LEMAS_DIR of the environment, else the setting.

    A folder that the user names must be there; the setting's may be absent, and the build then goes on without the files.
    """
    given = os.environ.get("LEMAS_DIR")
    folder, name = (given, "LEMAS_DIR") if given else (config["lemas"]["folder"], "lemas.folder in config/config.yaml")
    if os.path.isdir(folder):
        if not os.access(folder, os.R_OK | os.X_OK):
            raise InputError(f"{name} is a folder that cannot be read", folder, "Give yourself the right to read it")
    elif os.path.exists(folder):
        raise InputError(f"{name} is not a folder", folder, "Name the folder that holds the files")
    elif given:
        raise InputError(f"{name} is a folder that is not there", folder, "Name the folder that holds the files")
    return folder


def regions(path: str | Path) -> dict[str, list[str]]:
    """States by census region; a state that is given twice is refused."""
    data, seen = schema.load(path, "regions"), {}
    for region, states in data.items():
        for index, state in enumerate(states):
            if state in seen:
                line = schema.lines_of(path)[(region, str(index))]
                raise InputError(
                    f"The state {state} is given twice, in {seen[state]} and in {region}",
                    f"{path}, line {line}",
                    "Keep one of the two",
                )
            seen[state] = region
    return data


def report_date(path: str | Path = "reports/_quarto.yml") -> str:
    """The report's date (year-month-day) as the book's configuration gives it."""
    data = schema.read_yaml(path)
    book = data.get("book") if isinstance(data, dict) else None
    given = book.get("date") if isinstance(book, dict) else None
    if not given:
        raise InputError("The book has no date", str(path), 'Add `date: "2026-01-31"` below `book:`')
    text = str(given)
    try:
        usual = date.fromisoformat(text).isoformat() == text
    except ValueError:
        usual = False
    if not usual:
        line = schema.lines_of(path)[("book", "date")]
        raise InputError(
            f"The book's date is '{text}'", f"{path}, line {line}", "Write it as year-month-day, such as 2026-01-31"
        )
    return text


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
