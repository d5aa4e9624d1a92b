"""Whole builds in copies of the project: one full build a session, copied for each test that changes something."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Project:
    """A copy of the project and its builds."""

    def __init__(self, folder: Path, lemas: Path | None):
        self.folder, self.lemas = folder, lemas

    def environment(self, **extra: str) -> dict[str, str]:
        """Environment of a user: no settings of this test run, the bundled engine."""
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LEMAS_DIR", "QUARTO_PATH")}
        kept["PYTHONPATH"] = str(self.folder / "workflow")
        if self.lemas:
            kept["LEMAS_DIR"] = str(self.lemas)
        return {**kept, **extra}

    def run(self, *command: str, wrap: tuple[str, ...] = (), **extra: str) -> subprocess.CompletedProcess:
        """Run a Python module of the project's environment in its folder."""
        return subprocess.run(
            [*wrap, sys.executable, "-m", *command],
            cwd=self.folder,
            env=self.environment(**extra),
            capture_output=True,
            text=True,
            timeout=600,
        )

    def report(self, *arguments: str, wrap: tuple[str, ...] = (), **extra: str) -> subprocess.CompletedProcess:
        """``make report`` without setting up the environment."""
        return self.run("agency_survey.cli", "report", *arguments, wrap=wrap, **extra)

    def jobs(self) -> set[str]:
        """Rules (with wildcards) that the last build ran."""
        record = json.loads((self.folder / "results/build.json").read_text())
        return {" ".join([job["rule"], *job["wildcards"]]) for job in record["jobs"]}

    def outputs(self) -> dict[str, str]:
        """Digest of every result and of every file of the book."""
        found = {}
        for base in ("results", "reports/_book"):
            for path in sorted((self.folder / base).rglob("*")):
                if path.is_file() and path.name not in ("build.json", ".lock") and path.parent.name != "provenance":
                    name = path.relative_to(self.folder).as_posix()
                    found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the only occurrence of a text in a file, whatever its encoding."""
        path = self.folder / name
        data = path.read_bytes()
        assert data.count(old.encode()) == 1, f"{old!r} is {data.count(old.encode())} times in {name}"
        path.write_bytes(data.replace(old.encode(), new.encode()))

    def answer(self, name: str, variable: str, old: str, new: str) -> tuple[str, str]:
        """Change the first answer ``old`` in a raw file to ``new``; returns its row and record."""
        path = self.folder / name
        lines = path.read_bytes().splitlines(keepends=True)
        column = lines[0].strip().split(b",").index(variable.encode())
        for row, line in enumerate(lines[1:], start=1):
            cells = line.split(b",")
            if b'"' not in line and cells[column] == old.encode():
                cells[column] = new.encode()
                lines[row] = b",".join(cells)
                path.write_bytes(b"".join(lines))
                return str(row + 1), cells[0].decode()
        raise AssertionError(f"no record of {name} answers {old} to {variable}")

    def copy(self, folder: Path) -> Project:
        """The project with everything built, in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder, self.lemas)


def checkout(folder: Path) -> None:
    """The project's files as a clone would have them: tracked ones, and new ones not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)


LIGHT = {  # file -> (pattern, replacement): as few repetitions as the settings' schemas allow
    "config/config.yaml": [
        (r"{m: \d+, iterations: \d+,", "{m: 2, iterations: 4,"),
        (r"steps: \d+ ", "steps: 5 "),
        (r"replicates: \d+ ", "replicates: 50 "),
    ],
    "config/models.yaml": [
        (r"^    m: \d+$", "    m: 2"),
        (r"^    iterations: \d+$", "    iterations: 4"),
        (r"number: \d+, seed", "number: 50, seed"),
    ],
}


def lighten(folder: Path) -> None:
    """Let imputations and replicates repeat little: whole-build tests ask what runs, not how precise it is."""
    for name, edits in LIGHT.items():
        text = (folder / name).read_text(encoding="utf-8")
        for pattern, new in edits:
            text, count = re.subn(pattern, new, text, flags=re.M)
            assert count == 1, f"{pattern} is {count} times in {name}"
        (folder / name).write_text(text, encoding="utf-8")


def lemas_folder() -> Path | None:
    """Folder of the LEMAS files, or None where they are not at hand."""
    folder = Path(os.environ.get("LEMAS_DIR") or ROOT.parent / "shared" / "data" / "lemas")
    return folder.resolve() if (folder / "lemas_2020.tsv").is_file() else None


@pytest.fixture(scope="session")
def lemas() -> Path | None:
    """Folder of the LEMAS files, or None where they are not at hand."""
    return lemas_folder()


@pytest.fixture(scope="session")
def source(tmp_path_factory) -> Path:
    """The project's files as they were when the tests began, with few repetitions."""
    folder = tmp_path_factory.mktemp("source") / "project"
    checkout(folder)
    lighten(folder)
    return folder


@pytest.fixture(scope="session")
def built(tmp_path_factory, source, lemas) -> Project:
    """A built project, with what its build said and its seconds; tests must not change it. One for all processes."""
    place = tmp_path_factory.getbasetemp()
    place = (place.parent if os.environ.get("PYTEST_XDIST_WORKER") else place) / "built"
    place.mkdir(exist_ok=True)
    project, said = Project(place / "project", lemas), place / "said.pickle"
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            shutil.copytree(source, project.folder)
            began = time.monotonic()
            done = project.report("--cores", "2")
            said.write_bytes(pickle.dumps((done, time.monotonic() - began)))
    project.first, project.seconds = pickle.loads(said.read_bytes())
    assert project.first.returncode == 0, project.first.stdout + project.first.stderr
    return project


@pytest.fixture
def project(built, tmp_path) -> Project:
    """A built project of the test's own."""
    return built.copy(tmp_path / "project")


@pytest.fixture
def fresh(tmp_path, source, lemas) -> Project:
    """A project that was never built."""
    shutil.copytree(source, tmp_path / "project")
    return Project(tmp_path / "project", lemas)
