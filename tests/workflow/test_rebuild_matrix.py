"""Rebuilding after every kind of change and mishap: the set of jobs that ran is the assertion (see ``matrix.py``)."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import matrix
import pytest
from conftest import ROOT, Project

pytestmark = pytest.mark.build
KILLS = int(os.environ.get("KILLS", "10"))


@pytest.fixture(scope="session")
def state(built) -> matrix.State:
    """The built project before any change."""
    return matrix.state_of(built)


def check(scenario: matrix.Scenario, project: Project, state: matrix.State) -> matrix.Played:
    """Play a scenario, and hold it to its data."""
    if scenario.needs():
        pytest.skip(scenario.needs())
    _, played = scenario.play(project, state)
    scenario.hold(played, state)
    return played


@pytest.mark.parametrize("scenario", matrix.SCENARIOS, ids=lambda scenario: scenario.name)
def test_exactly_what_must_run_runs(scenario, project, state):
    check(scenario, project, state)


@pytest.mark.parametrize("number", range(len(matrix.kills(KILLS, 0))))
def test_a_build_killed_at_random_moments_ends_as_an_undisturbed_one(number, project, state, built):
    check(matrix.kills(KILLS, built.seconds)[number], project, state)


def test_what_is_left_behind_by_another_branch_is_built_again(project, state):
    """Built on both branches: each time what differs between them runs, and the end is the beginning."""
    before = project.outputs()
    matrix.branches(project)
    subprocess.run(["git", "checkout", "two"], cwd=project.folder, check=True, capture_output=True)
    there = set(matrix.once(project)[0])
    assert {"weight", "ingest part1", "clean", "perceptions", "ledger", "render"} <= there
    assert not {job.split()[0] for job in there} & {"external_data", "ingest_lemas", "preparation"}
    subprocess.run(["git", "checkout", "one"], cwd=project.folder, check=True, capture_output=True)
    assert set(matrix.once(project)[0]) == there
    assert project.outputs() == before


def test_a_comparison_of_states_sees_what_must_run(state):
    """The judge of the matrix itself: a changed input, a changed command, a lost output, and nothing."""
    assert matrix.due(state, state, set()) == set()
    digests = {**state.digests, "data/raw/part3.csv": "another"}
    changed = matrix.due(state, matrix.State(state.jobs, digests, state.outputs), set())
    assert {"ingest part3", "questionnaire"} <= changed
    assert not changed & {"clean", "ingest part1", "render"}
    command, inputs, outputs = state.jobs["weight"]
    jobs = {**state.jobs, "weight": (command + " --other", inputs, outputs)}
    assert matrix.due(state, matrix.State(jobs, state.digests, state.outputs), set()) == {"weight"}
    assert matrix.due(state, state, {"results/ingest/part2.parquet"}) == {"ingest part2"}
    assert matrix.needed({"results/weight/sample.parquet", "reports/_book/x.html", "results/ingest/part1.csv"}) == {
        "weight",
        "render",
        "ingest part1",
    }


def test_the_page_is_the_one_that_the_measurements_give():
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/rebuild.py"), "--check"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_the_measurements_are_of_these_scenarios():
    with open(ROOT / "benchmarks/results/rebuild.csv", encoding="utf-8", newline="") as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    assert {scenario.name for scenario in matrix.SCENARIOS} <= rows.keys()
    for scenario in matrix.SCENARIOS:
        row = rows[scenario.name]
        assert row["what"] == scenario.what
        ran = set(filter(None, row["ran"].split("; ")))
        if scenario.jobs is not None and not callable(scenario.jobs) and not row["skipped"]:
            assert ran == set(scenario.jobs)
        assert row["skipped"] or set(scenario.first) <= ran
