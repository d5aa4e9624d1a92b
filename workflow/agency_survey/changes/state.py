"""What a comparison reads of a build: the folder of a project, an accepted build, a folder of results, or a package."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from agency_survey import files
from agency_survey.changes import chapters, grids
from agency_survey.errors import InputError

ACCEPTED = "accepted"
MARKER = "accepted.json"
LEDGER = "ledger/numbers.json"
ARCHIVED = "provenance/jobs.json"  # where a package keeps the records of its jobs
# What a comparison needs beside the results: what attributes a change to its cause, and the chapters.
SOURCES = (
    "data/corrections.csv",
    "config/**/*.yaml",
    "reports/*.qmd",
    "reports/_quarto.yml",
    "requirements/runtime.txt",
    "workflow/agency_survey/**/*.py",
    "workflow/scripts/*.py",
)
RESULTS = ("build.json", "provenance/*.json", "*/numbers.json", "*/tables/*", "*/figures/*", "*/text/*.md")
MAX_UNPACKED = 1 << 30


@dataclass(frozen=True)
class State:
    """The results of one build. root : the folder that holds results/, config/ and so on, None where it is not at hand."""

    results: Path
    root: Path | None = None

    @cached_property
    def numbers(self) -> dict[str, dict]:
        """Published numbers by id."""
        return files.read_json(self.results / LEDGER, "numbers")["numbers"]

    def names(self, pattern: str) -> list[str]:
        """Files of the results by their path below them, sorted."""
        return sorted(path.relative_to(self.results).as_posix() for path in self.results.glob(pattern))

    @cached_property
    def tables(self) -> dict[str, grids.Grid]:
        """Data of tables and of figures by file."""
        names = [*self.names("*/tables/*.csv"), *self.names("*/figures/*.csv")]
        return {name: grids.read_csv(self.results / name) for name in names}

    @cached_property
    def printed(self) -> dict[str, grids.Printed]:
        """Tables as printed, and captions and notes of figures, by file."""
        names = [*self.names("*/tables/*.md"), *self.names("*/figures/*.md")]
        return {name: grids.read_printed(self.results / name) for name in names}

    @cached_property
    def pictures(self) -> dict[str, str]:
        """SHA-256 of pictures by file."""
        return {name: _sha256(self.results / name) for name in self.names("*/figures/*.png")}

    @cached_property
    def reports(self) -> Path | None:
        """Folder of the chapters, None where they are not at hand."""
        folder = self.root / "reports" if self.root else None
        return folder if folder and (folder / "_quarto.yml").is_file() else None

    @cached_property
    def chapters(self) -> dict[str, chapters.Chapter]:
        """Chapters by file; empty where they are not at hand."""
        found = chapters.read(self.reports, self.results, self.numbers) if self.reports else []
        return {chapter.file: chapter for chapter in found}

    @cached_property
    def texts(self) -> dict[str, chapters.Chapter]:
        """Texts of the results by rule."""
        return {chapter.file: chapter for chapter in chapters.fragments(self.results, self.numbers)}

    @cached_property
    def build(self) -> dict:
        """Content of build.json; empty where it is not there."""
        path = self.results / "build.json"
        return files.read_json(path) if path.is_file() else {}

    @cached_property
    def jobs(self) -> dict[str, dict]:
        """Record of each job by name, of the build or as a package keeps them; empty where there are none."""
        keys = ("rule", "command", "inputs", "outputs")
        paths = sorted((self.results / "provenance").glob("[!_]*.json"))
        archived = self.source(ARCHIVED)
        if paths or archived is None:
            return {path.stem: files.read_json(path, *keys) for path in paths}
        found = files.read_json(archived)
        found = found["jobs"] if isinstance(found, dict) and "jobs" in found else found
        if not isinstance(found, list) or not all({"name", *keys} <= {*job} for job in found):
            return {}
        return {job["name"]: job for job in found}

    @cached_property
    def marker(self) -> dict:
        """What accepting the build noted down; empty for other states."""
        path = self.root / MARKER if self.root else None
        return files.read_json(path) if path and path.is_file() else {}

    def source(self, name: str) -> Path | None:
        """A file of the project as this build used it, where it is at hand."""
        path = self.root / name if self.root else None
        return path if path and path.is_file() else None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def current(root: Path) -> State:
    """The project's own results; refused where no build has finished."""
    if not (root / "results" / LEDGER).is_file():
        raise InputError("There are no results yet", "results/", "Run `make report`")
    return State(root / "results", root)


@contextmanager
def base(root: Path, given: str | Path | None = None) -> Iterator[State]:
    """The build to compare with: the accepted one, or what ``given`` names; a package is unpacked for the time being."""
    if given is None:
        folder = accepted(root)
        if folder is None:
            raise InputError(
                "There is no accepted build to compare with",
                ACCEPTED + "/",
                "Run `make accept` to keep the current one as the base, or name another with BASE=",
            )
        yield State(folder / "results", folder)
        return
    path = Path(given).expanduser()
    path = path if path.is_absolute() else root / path
    if path.is_dir():
        found = _in_folder(path)
        if found is None:
            raise InputError("BASE holds no results of a build", str(given), "Name a folder with ledger/numbers.json")
        yield found
    elif path.is_file():
        with tempfile.TemporaryDirectory(prefix="base-") as folder:
            yield _unpacked(path, str(given), Path(folder))
    else:
        raise InputError("BASE is not there", str(given), "Name a folder of results, a project, or a package")


def accepted(root: Path) -> Path | None:
    """Folder of the accepted build, also where replacing it was cut off halfway; None where there is none."""
    for name in (ACCEPTED, f".{ACCEPTED}.old"):
        if (root / name / "results" / LEDGER).is_file():
            return root / name
    return None


def _in_folder(path: Path) -> State | None:
    for root in (path, path / "data"):
        if (root / "results" / LEDGER).is_file():
            return State(root / "results", root)
    if (path / LEDGER).is_file():
        beside = path.resolve().name == "results" and (path.parent / "config").is_dir()
        return State(path, path.resolve().parent if beside else None)
    return None


def _unpacked(path: Path, given: str, folder: Path) -> State:
    """The state of a package: only what a comparison reads is unpacked, and nothing outside ``folder``."""
    no_results = InputError("BASE is a package without results of a build", given, "Name one that `make archive` wrote")
    try:
        with zipfile.ZipFile(path) as package:
            members = {info.filename: info for info in package.infolist() if not info.is_dir()}
            ledgers = sorted((name for name in members if name.endswith(f"results/{LEDGER}")), key=len)
            if not ledgers:
                raise no_results
            top = ledgers[0].removesuffix(f"results/{LEDGER}")
            wanted = [info for name, info in members.items() if name.startswith(top) and _wanted(name[len(top) :])]
            if sum(info.file_size for info in wanted) > MAX_UNPACKED:
                raise InputError("BASE unpacks to more than a gigabyte", given, "Unpack it and name its folder")
            for info in wanted:
                target = folder / info.filename[len(top) :]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(package.read(info))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputError("BASE is neither a folder nor a zip file that can be read", given, "Copy it again") from error
    return State(folder / "results", folder)


def _wanted(name: str) -> bool:
    path = PurePosixPath(name)
    if ".." in path.parts or path.is_absolute() or (os.sep != "/" and ":" in name):
        return False
    whole = [*SOURCES, *(f"results/{pattern}" for pattern in RESULTS), ARCHIVED, MARKER]
    return any(_fits(path, pattern) for pattern in whole)


def _fits(path: PurePosixPath, pattern: str) -> bool:
    """Whether a path fits a pattern in which ``**`` stands for any folders."""
    if "**" not in pattern:
        return len(path.parts) == pattern.count("/") + 1 and path.match(pattern)
    top, _, tail = pattern.partition("/**/")
    return path.is_relative_to(top) and path.match(tail)
