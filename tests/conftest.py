"""Fixtures of all tests: the project's folder, the shared folder beside it, and the real LEMAS waves where they are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared"

sys.path.insert(0, str(PROJECT / "workflow"))
# The same examples on every machine: a property that fails does so for everybody, not now and then.
settings.register_profile("project", derandomize=True, deadline=None)
settings.load_profile("project")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests of one module run in one process, which makes its fixtures once; whole builds go where there is room."""
    for item in items:
        if item.get_closest_marker("build") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's folder."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder with published figures and R's example samples, beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the shared folder is not beside the project")
    return SHARED


@pytest.fixture(scope="session")
def register() -> dict[int, dict]:
    """Register of external inputs by wave."""
    from agency_survey import schema

    return {entry["wave"]: entry for entry in schema.load(PROJECT / "config/external.yaml", "external").values()}


@pytest.fixture(scope="session")
def lemas_dir(register) -> Path:
    """Folder of the three LEMAS files: LEMAS_DIR, else the shared folder's."""
    folder = Path(os.environ.get("LEMAS_DIR") or SHARED / "data" / "lemas")
    lost = [entry["file"] for entry in register.values() if not (folder / entry["file"]).is_file()]
    if lost:
        pytest.skip(f"needs LEMAS: {', '.join(lost)} not in the folder that LEMAS_DIR names or in the shared folder")
    return folder


@pytest.fixture(scope="session")
def lemas_ingested(lemas_dir, register) -> dict:
    """(typed table, misfits) by wave."""
    from agency_survey import codebook, ingest

    found = {}
    for wave, entry in register.items():
        book = codebook.load(PROJECT / f"config/codebooks/lemas_{wave}.yaml")
        found[wave] = ingest.typed(ingest.read_raw(lemas_dir / entry["file"], book), book)
    return found


@pytest.fixture(scope="session")
def weighed(lemas_ingested) -> dict:
    """Weighed table by wave, as the rule weight_lemas makes it."""
    from agency_survey import lemas, schema, settings

    classes = settings.load(PROJECT / "config/config.yaml")["population_classes"]
    regions = schema.load(PROJECT / "config/regions.yaml", "regions")
    return {
        wave: lemas.weigh(lemas.harmonise(table, wave, classes, regions)) for wave, (table, _) in lemas_ingested.items()
    }
