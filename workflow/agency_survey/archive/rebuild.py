"""Rebuilding a package's report in an empty folder, without network where the machine allows, and comparing what comes out."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agency_survey import files
from agency_survey.archive import runs
from agency_survey.errors import InputError
from agency_survey.render.source import SHORTCODE, expand, read_book

TOLERANCE = (
    1e-9  # relative, of numbers where bytes differ: other processors and libraries round the last digits otherwise
)
SMALLEST = 1e-12  # absolute, for numbers about zero
IDENTICAL, MINOR, DIFFERENT, NEEDS = "identical", "minor differences", "different", "needs"
BUILT = ("results", "reports/_book", "logs", ".snakemake", "benchmarks/*.tsv")
NUMBER = re.compile(r"[-+\N{MINUS SIGN}]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
LIMIT = 3 * 3600


@dataclass(frozen=True)
class Compared:
    """An output of the rebuild beside the packaged one. state : one of the four above; why : what differs or is needed."""

    name: str
    state: str
    why: str = ""


@dataclass(frozen=True)
class Build:
    """A build that was run: whether it ended well, what it said, seconds, the jobs that ran."""

    done: bool
    said: str
    seconds: float
    jobs: list[str]


def isolation() -> list[str] | None:
    """Command that runs another one in a network namespace without interfaces; None where the machine has none."""
    if shutil.which("unshare"):
        for options in (["-n"], ["-r", "-n"]):
            command = ["unshare", *options]
            if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
                return command
    return None


def bare(project: Path) -> None:
    """Remove everything from an unpacked payload that builds make."""
    for name in BUILT:
        for path in project.glob(name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def build(project: Path, cores: int, lemas: Path | None, home: Path, alone: list[str] | None) -> Build:
    """Run the package's own ``report`` command with this Python, in a clean environment."""
    home.mkdir(exist_ok=True)
    kept = {key: os.environ[key] for key in ("PATH", "TMPDIR", "QUARTO_PATH", "LD_LIBRARY_PATH") if key in os.environ}
    environment = {**kept, "HOME": str(home), "PYTHONPATH": str(project / "workflow"), "PYTHONDONTWRITEBYTECODE": "1"}
    if lemas:
        environment["LEMAS_DIR"] = str(lemas)
    command = [*(alone or []), sys.executable, "-m", "agency_survey.cli", "report", f"--cores={cores}"]
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    path = project / "results/build.json"
    record = files.read_json(path) if done.returncode == 0 and path.is_file() else {"jobs": []}
    jobs = [" ".join([job["rule"], *_values(job["wildcards"])]) for job in record["jobs"]]
    return Build(done.returncode == 0, (done.stdout + done.stderr).strip(), time.monotonic() - started, jobs)


def _values(wildcards: Any) -> list[str]:
    return [str(one) for one in (wildcards.values() if isinstance(wildcards, dict) else wildcards)]


def digest(path: Path) -> str | None:
    """SHA-256 digest; None when there is no file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


class Comparison:
    """Outputs of a rebuild against those of the package."""

    def __init__(self, package: Path, project: Path, lacking: set[str]):
        """package : payload as packaged; project : rebuilt; lacking : external files that the rebuild did not have."""
        self.package, self.project = package, project
        self.jobs = files.read_json(package / "provenance/jobs.json")
        self.needs = {
            job: sorted(name for name in found if name.removeprefix(runs.EXTERNAL) in lacking)
            for job, found in runs.needs(self.jobs).items()
        }
        rules: dict[str, set[str]] = {}
        for job in self.jobs:
            rules.setdefault(job["rule"], set()).update(self.needs[job["name"]])
        self.of_rule = {rule: sorted(found) for rule, found in rules.items()}
        self.old = files.read_json(package / "results/ledger/numbers.json", "numbers")["numbers"]
        path = project / "results/ledger/numbers.json"
        self.new = files.read_json(path, "numbers")["numbers"] if path.is_file() else {}
        self.pages = self._pages()

    def _pages(self) -> dict[str, list[str]]:
        """For each page of the book, the external files that its chapter's own exhibits and numbers need."""
        reports, found = self.package / "reports", {}
        for chapter in read_book(reports).chapters:
            text = expand(chapter, reports, self.package / "results")
            rules = {name.split("/")[1] for name, _ in text.origins if name.startswith("results/")}
            words = [match[1].split() for match in SHORTCODE.finditer(text.text)]
            rules |= {
                self.old[one[1]]["rule"] for one in words if len(one) > 1 and one[0] == "num" and one[1] in self.old
            }
            found[f"reports/_book/{chapter.page}"] = sorted({n for rule in rules for n in self.of_rule.get(rule, ())})
        return found

    def outputs(self) -> list[Compared]:
        """Every output of every job, also of those that are not in the package, whose digest it has."""
        return [self._output(job, name, known) for job in self.jobs for name, known in sorted(job["outputs"].items())]

    def _output(self, job: dict, name: str, known: str) -> Compared:
        found = digest(self.project / name)
        if found == known:
            return Compared(name, IDENTICAL)
        needed = self.pages.get(name, self.needs[job["name"]])
        if needed and name != "results/ledger/numbers.json":
            return Compared(name, NEEDS, _listed(needed))
        if found is None:
            return Compared(name, DIFFERENT, "the rebuild did not make it")
        if not (self.package / name).is_file():
            return Compared(name, DIFFERENT, "its bytes differ, and it is not in the package to compare numbers")
        if name == "results/ledger/numbers.json":
            return self._ledger(name, self.needs[job["name"]])
        return _compared(name, self.package / name, self.project / name)

    def _ledger(self, name: str, needed: list[str]) -> Compared:
        """The ledger number by number; those of rules that need a lacking file do not count."""
        states = [self.number(ident) for ident in {**self.old, **self.new}]
        wrong = [one for one in states if one.state == DIFFERENT]
        if wrong:
            return Compared(name, DIFFERENT, f"{len(wrong)} numbers differ, {wrong[0].name} among them")
        if any(one.state == MINOR for one in states):
            return Compared(name, MINOR, f"numbers differ by less than {TOLERANCE:g} of their size")
        if any(one.state == NEEDS for one in states):
            return Compared(name, NEEDS, _listed(needed))
        return Compared(name, IDENTICAL if not needed else NEEDS, _listed(needed))

    def number(self, ident: str) -> Compared:
        """One number of the ledger."""
        old, new = self.old.get(ident), self.new.get(ident)
        if old == new:
            return Compared(ident, IDENTICAL)
        needed = self.of_rule.get((old or new)["rule"], [])
        if needed:
            return Compared(ident, NEEDS, _listed(needed))
        if old is None or new is None:
            return Compared(ident, DIFFERENT, "the rebuild did not make it" if new is None else "the package lacks it")
        if old["text"] == new["text"] and _close(json.dumps(old, sort_keys=True), json.dumps(new, sort_keys=True)):
            return Compared(ident, MINOR, f"differs by less than {TOLERANCE:g} of its size")
        return Compared(ident, DIFFERENT, f"{old['text']['value']} in the package, {new['text']['value']} rebuilt")

    def extra(self) -> list[str]:
        """Files that the rebuild made and the package's build did not."""
        known = {name for job in self.jobs for name in job["outputs"]}
        found = []
        for base in ("results", "reports/_book"):
            for path in sorted((self.project / base).rglob("*")):
                name = path.relative_to(self.project).as_posix()
                own = name.startswith("results/provenance/") or name in ("results/build.json", "results/.lock")
                if path.is_file() and name not in known and not own:
                    found.append(name)
        return found


def _listed(needed: list[str]) -> str:
    return ", ".join(name.removeprefix(runs.EXTERNAL) for name in needed)


def _compared(name: str, old: Path, new: Path) -> Compared:
    """Files whose bytes differ: text number by number, pictures and documents by the words that they hold."""
    if old.suffix in (".csv", ".json", ".md", ".html", ".xml", ".js", ".txt"):
        before, after = (path.read_text(encoding="utf-8", errors="replace") for path in (old, new))
        if _close(before, after):
            return Compared(name, MINOR, f"numbers differ by less than {TOLERANCE:g} of their size")
        return Compared(name, DIFFERENT, _first_difference(before, after))
    if old.suffix == ".parquet":
        import pandas as pd

        before, after = pd.read_parquet(old), pd.read_parquet(new)
        try:
            pd.testing.assert_frame_equal(before, after, check_exact=False, rtol=TOLERANCE, atol=SMALLEST)
        except AssertionError as error:
            return Compared(name, DIFFERENT, str(error).splitlines()[0])
        return Compared(name, MINOR, "its bytes differ, its values do not by more than the tolerance")
    if old.suffix == ".png":
        return Compared(name, MINOR, "the picture's bytes differ; its data are compared as a file of their own")
    return Compared(name, DIFFERENT, "its bytes differ")


def _close(old: str, new: str) -> bool:
    """Whether two texts agree but for numbers that are equal within the tolerance."""
    if NUMBER.sub("#", old) != NUMBER.sub("#", new):
        return False
    pairs = zip(_numbers(old), _numbers(new), strict=True)
    return all(math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=SMALLEST) for a, b in pairs)


def _numbers(text: str) -> Iterator[float]:
    return (float(match.replace("\N{MINUS SIGN}", "-")) for match in NUMBER.findall(text))


def _first_difference(old: str, new: str) -> str:
    before, after = old.splitlines(), new.splitlines()
    line = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False), 1) if a != b), min(len(before), len(after)) + 1
    )
    return f"it differs from line {line} on"


def withheld(package: Path) -> list[str]:
    """Files that the package's build read, that no job makes, and that are neither in the package nor for users to bring:
    records of the survey that a public package may not hold."""
    jobs = files.read_json(package / "provenance/jobs.json")
    made = {name for job in jobs for name in job["outputs"]}
    read = {name for job in jobs for name in job["inputs"] if not name.startswith(runs.EXTERNAL)}
    return sorted(name for name in read - made if not (package / name).exists())


def lacking(package: Path, lemas: Path | None) -> set[str]:
    """External files that the package's build had and that are not at hand, by name."""
    wanted = {}
    for job in files.read_json(package / "provenance/jobs.json"):
        wanted |= {n.removeprefix(runs.EXTERNAL): d for n, d in job["inputs"].items() if n.startswith(runs.EXTERNAL)}
    if lemas is not None and not lemas.is_dir():
        raise InputError("LEMAS_DIR is a folder that is not there", str(lemas), "Name the folder that holds the files")
    return {name for name, known in wanted.items() if lemas is None or digest(lemas / name) != known}
