"""What can happen to a built project, and exactly which jobs the next build must then run.

The data of ``test_rebuild_matrix.py`` and of ``benchmarks/rebuild.py``. Nothing here reads the build's own records to judge it:

- a job had to be run (``due``) when its command or its list of inputs is another, when the content of an input differs, or
  when a file of its own was lost or altered; Snakemake's dry run lists commands, inputs and outputs;
- it truly needed to run (``needed``) when a file of its own differs from what it was before the change, or was lost or
  altered; which job a file is of is read from its name.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from modulefinder import ModuleFinder
from pathlib import Path

from conftest import Project, lemas_folder

LINE = re.compile(r"^  (\S.*?) +[\d.]+ s   ", re.M)  # of a job that has finished
LISTED = re.compile(
    r"^rule (?P<rule>\w+):\n    input: (?P<inputs>.*)\n    output: (?P<outputs>.*)\n"
    r"(?:    (?!wildcards).*\n)*(?:    wildcards: (?P<wildcards>.*)\n)?(?:    .*\n)*Shell command: (?P<command>.*)$",
    re.M,
)


@dataclass(frozen=True)
class State:
    """A project at one moment: (command, inputs, outputs) by job, and digests of all inputs and outputs."""

    jobs: dict[str, tuple[str, list[str], list[str]]]
    digests: dict[str, str]
    outputs: dict[str, str]


@dataclass(frozen=True)
class Played:
    """What happened: jobs that finished, in order; those that had to be run; those that needed it; seconds; files."""

    ran: list[str]
    due: set[str]
    needed: set[str]
    seconds: float
    before: dict[str, str]
    after: dict[str, str]

    @property
    def same(self) -> set[str]:
        """Jobs that ran although their files were there and came out as they were."""
        return set(self.ran) - self.needed


@dataclass(frozen=True)
class Scenario:
    """One thing that happens to a built project.

    change : does it, and may return the project's new place; why : these jobs run, and no others; jobs : them, or a function
    of the state before; None where they are what ``due`` says, and then ``first`` are jobs that must be among them and
    ``never`` rules that must not; extra : jobs that run beyond what is due, or a function of the state before; unneeded :
    why jobs run whose outputs come out as they were; restores : all outputs end as they were; build : builds and returns
    (labels of finished jobs, seconds); needs : returns why this machine cannot do it, or nothing; targets : what R's targets
    does, a key of TARGETS.
    """

    name: str
    what: str
    change: Callable[[Project], Project | None]
    why: str
    jobs: Iterable[str] | Callable[[State], set[str]] | None = None
    first: Iterable[str] = ()
    never: Iterable[str] = ()
    extra: Iterable[str] | Callable[[State], set[str]] = ()
    unneeded: str = ""
    restores: bool = False
    build: Callable[[Project], tuple[list[str], float]] | None = None
    needs: Callable[[], str] = lambda: ""
    targets: str = ""

    def play(self, project: Project, state: State) -> tuple[Project, Played]:
        """Change a project that was built in this state, build, and compare; returns the project where it then is."""
        changed = self.change(project) or project
        damaged = changed.outputs()
        ran, seconds = (self.build or once)(changed)
        now, before = state_of(changed), state.outputs
        names = {*before, *damaged, *now.outputs}
        moved = {name for name in names if not before.get(name) == damaged.get(name) == now.outputs.get(name)}
        lost = {name for name in before if damaged.get(name) != before[name]}
        return changed, Played(ran, due(state, now, lost), needed(moved), seconds, before, now.outputs)

    def hold(self, played: Played, state: State) -> None:
        """Assert what this scenario says of what was played from a state; AssertionError names the jobs."""
        ran = set(played.ran)
        assert {job: times for job, times in Counter(played.ran).items() if times > 1} == {}
        assert played.needed <= ran, played.needed - ran
        assert ran == played.due | given(self.extra, state), ran ^ (played.due | given(self.extra, state))
        if self.jobs is not None:
            assert ran == given(self.jobs, state), ran ^ given(self.jobs, state)
        assert set(self.first) <= ran, set(self.first) - ran
        assert not [job for job in ran if {job, job.split()[0]} & set(self.never)], ran
        assert self.unneeded or not played.same, played.same
        if self.restores:
            assert played.after == played.before, sorted(
                name for name in {*played.after, *played.before} if played.after.get(name) != played.before.get(name)
            )


def given(jobs: Iterable[str] | Callable[[State], set[str]], state: State) -> set[str]:
    """Jobs of a scenario for the state before the change."""
    return set(jobs(state) if callable(jobs) else jobs)


def state_of(project: Project) -> State:
    """The project now; the folder of the LEMAS files is left out of names and commands, so that it may be anywhere."""
    done = project.run("snakemake", "--dry-run", "--forceall", "--printshellcmds", "--cores", "1", "all")
    assert done.returncode == 0, done.stdout + done.stderr
    jobs, digests = {}, {}
    lemas = str(project.lemas) + "/"
    for match in LISTED.finditer(done.stdout):
        values = [part.split("=", 1)[1] for part in (match["wildcards"] or "").split(", ") if part]
        inputs = match["inputs"].split(", ")
        outputs = [re.sub(r" \(\w+\)$", "", name) for name in match["outputs"].split(", ")]
        for name in inputs:
            path = project.folder / name
            digests[name.replace(lemas, "")] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        inputs = [name.replace(lemas, "") for name in inputs]
        jobs[" ".join([match["rule"], *values])] = (match["command"].replace(lemas, ""), inputs, outputs)
    assert len(jobs) > 30, done.stdout
    return State(jobs, digests, project.outputs())


def due(before: State, now: State, lost: set[str]) -> set[str]:
    """Jobs that had to be run between two states; lost : outputs that were not as the earlier build left them."""
    found = set()
    for job, (command, inputs, outputs) in now.jobs.items():
        known = before.jobs.get(job)
        altered = any(before.digests.get(name) != now.digests[name] for name in inputs)
        if known is None or known[0] != command or set(known[1]) != set(inputs) or altered or lost & set(outputs):
            found.add(job)
    return found | (needed(lost) & now.jobs.keys())


def needed(moved: Iterable[str]) -> set[str]:
    """Jobs that files are of, by the law of names: results/<rule>/..., or results/<rule>/<wildcard>.<ending>."""
    found = set()
    for name in moved:
        parts = name.split("/")
        if parts[0] == "reports":
            found.add("render")
        elif len(parts) > 2:
            found.add(f"{parts[1]} {parts[2].split('.')[0]}" if parts[1] in WILDCARDS else parts[1])
    return found


# -- jobs --------------------------------------------------------------------------------------------------------------

SURVEY = ("frame", "disposition", "part1", "part2", "part3")
WILDCARDS = {"ingest", "external_data", "ingest_lemas", "weight_lemas"}
INGEST = {f"ingest {name}" for name in SURVEY}
BOOK = {"ledger", "render"}
LEMAS = {"external_data", "ingest_lemas", "weight_lemas", "after_the_report"}
WEIGHTS = {"weight", "weight_parts", "survey_methods"}
PART1 = {"perceptions", "preparation", "identification", "determinants", "task_forces", "sensitivity"}
CASES = {"case_characteristics", "investigation_prosecution"}


def all_jobs(state: State) -> set[str]:
    """Every job of the report."""
    return set(state.jobs)


def users(module: str) -> Callable[[State], set[str]]:
    """Jobs whose script imports a module of the package, directly or not, as Python's own finder of modules sees it."""

    def found(state: State) -> set[str]:
        workflow, rules = Path(__file__).parents[2] / "workflow", set()
        for rule in {job.split()[0] for job in state.jobs}:
            finder = ModuleFinder(path=[str(workflow)])
            finder.run_script(str(workflow / "scripts" / f"{rule}.py"))
            if f"agency_survey.{module}" in finder.modules:
                rules.add(rule)
        return {job for job in state.jobs if job.split()[0] in rules}

    return found


# -- builds ------------------------------------------------------------------------------------------------------------


def once(project: Project, says: str = "") -> tuple[list[str], float]:
    """One build, which must succeed; says : a sentence that it must say."""
    began = time.monotonic()
    done = project.report("--cores", "2")
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert says in done.stderr, done.stderr
    assert set(finished(done.stderr)) == project.jobs(), "what was said to run is not what is recorded"
    return finished(done.stderr), seconds


def finished(said: str) -> list[str]:
    """Labels of the jobs that a build said it had finished."""
    return [match[1] for match in LINE.finditer(said)]


def refused(done: subprocess.CompletedProcess, *parts: str) -> None:
    """A build ended with one sentence that holds these parts."""
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert len(re.findall("^error: ", said, re.M)) == 1, said
    assert "Traceback" not in said, said
    for part in parts:
        assert part in said, said


def start(project: Project, log: Path) -> subprocess.Popen:
    """A build in a process group of its own, what it says in a file."""
    with open(log, "w") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "agency_survey.cli", "report", "--cores", "2"],
            cwd=project.folder,
            env=project.environment(),
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )


# Of a build elsewhere: none of it may show in the outputs.
ELSEWHERE = {"TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8", "LANG": "C", "PYTHONHASHSEED": "77"}


def killed(project: Project, kills: int, seed: int, longest: float) -> tuple[list[str], float]:
    """Builds killed with kill -9 of the whole process group at random moments up to ``longest`` seconds, then one that ends,
    with another number of cores, time zone, locale, hash seed and umask."""
    draw, log, ran, began = random.Random(seed), project.folder.parent / "killed.log", [], time.monotonic()
    for _ in range(kills):
        process = start(project, log)
        try:
            process.wait(draw.uniform(0, longest))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        ran += finished(log.read_text())
    done = project.report("--cores", "3", wrap=("sh", "-c", 'umask 077 && exec "$@"', "sh"), **ELSEWHERE)
    assert done.returncode == 0, done.stdout + done.stderr
    return [*ran, *finished(done.stderr)], time.monotonic() - began


def interrupted(project: Project) -> tuple[list[str], float]:
    """A build that gets Ctrl-C when its first job has finished, then one that ends."""
    log, began = project.folder.parent / "interrupted.log", time.monotonic()
    process = start(project, log)
    _wait(process, lambda: finished(log.read_text()))
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 130, log.read_text()
    said = log.read_text()
    assert "Interrupted; the next `make report` goes on from here." in said, said
    assert "Traceback" not in said, said
    return [*finished(said), *once(project)[0]], time.monotonic() - began


def two_at_once(project: Project) -> tuple[list[str], float]:
    """A second build while the first one runs: it is refused, the first one ends."""
    log, began = project.folder.parent / "first.log", time.monotonic()
    process = start(project, log)
    _wait(process, lambda: finished(log.read_text()))
    second = project.report()
    assert process.poll() is None, "the first build was too short for this test"
    refused(second, "Another build is running in this folder")
    assert process.wait(300) == 0, log.read_text()
    return finished(log.read_text()), time.monotonic() - began


def _wait(process: subprocess.Popen, reached: Callable[[], object]) -> None:
    while not reached():
        assert process.poll() is None, "the build ended before it came so far"
        time.sleep(0.02)


def mended(project: Project) -> tuple[list[str], float]:
    """A build whose script fails, then one with the script as it was but for a remark."""
    path, began = project.folder / "workflow/scripts/weight_parts.py", time.monotonic()
    text = path.read_text()
    path.write_text(text.replace("def main() -> None:\n", "def main() -> None:\n    1 / 0\n"))
    assert path.read_text() != text
    done = project.report("--cores", "2")
    refused(done, "weight_parts", "ZeroDivisionError", "logs/weight_parts.log")
    path.write_text(text + REMARK)
    return [*finished(done.stderr), *once(project)[0]], time.monotonic() - began


# -- changes -----------------------------------------------------------------------------------------------------------


def nothing(project: Project) -> None:
    """No change."""


def touched(project: Project) -> None:
    """Every file has a new time, results and Snakemake's notes included."""
    for path in project.folder.rglob("*"):
        if path.is_file():
            os.utime(path)


def appended(name: str, text: str) -> Callable[[Project], None]:
    """Text at the end of a file."""

    def change(project: Project) -> None:
        with open(project.folder / name, "a", encoding="utf-8") as stream:
            stream.write(text)

    return change


def edited(name: str, old: str, new: str) -> Callable[[Project], None]:
    """The only occurrence of a text in a file, replaced."""
    return lambda project: project.edit(name, old, new)


def answered(name: str, variable: str, old: str, new: str) -> Callable[[Project], None]:
    """The first answer ``old`` in a raw file, replaced."""

    def change(project: Project) -> None:
        project.answer(name, variable, old, new)

    return change


def reformatted(name: str) -> Callable[[Project], None]:
    """A module with other blank lines and other indentation, the program as it was."""

    def change(project: Project) -> None:
        path = project.folder / name
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("\n\n\n", "\n\n\n\n").replace("\n\n    ", "\n\n\n    "), encoding="utf-8")
        assert path.read_text(encoding="utf-8") != text

    return change


def altered_wave(project: Project) -> Project:
    """One answer of the LEMAS file of 2016 is another."""
    folder = project.folder.parent / "lemas"
    folder.mkdir()
    for path in project.lemas.glob("*.tsv"):
        shutil.copyfile(path, folder / path.name)
    text = (folder / "lemas_2016.tsv").read_bytes()
    (folder / "lemas_2016.tsv").write_bytes(text.replace(b"\t1\t", b"\t2\t", 1))
    return Project(project.folder, folder)


WHY = ("--reason", "keyed wrong", "--evidence", "scan of the form", "--by", "data manager")


def corrected(project: Project) -> None:
    """An entry of the register that changes one answer of Part I."""
    given = ("--file", "part1", "--record", "MWAQ6B", "--variable", "q1_sex_residents", "--new", "1", *WHY)
    done = project.run("agency_survey.cli", "correct", *given)
    assert done.returncode == 0, done.stderr


def corrected_to_the_same(project: Project) -> None:
    """An entry that gives the value that the record has, written otherwise."""
    with open(project.folder / "data/corrections.csv", "a", encoding="utf-8") as stream:
        stream.write("C0001,part1,MWAQ6B,q1_sex_residents,2,02,keyed wrong,scan,data manager,2026-11-01,\n")


def refused_then_removed(project: Project) -> tuple[list[str], float]:
    """A build with an entry that changes nothing is refused; without the entry there is nothing to do."""
    began = time.monotonic()
    refused(project.report(), "changes nothing", "data/corrections.csv, line 2", "Remove it")
    path = project.folder / "data/corrections.csv"
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:1]), encoding="utf-8")
    return once(project)[0], time.monotonic() - began


def removed(*names: str) -> Callable[[Project], None]:
    """Files or folders, by pattern."""

    def change(project: Project) -> None:
        found = [path for name in names for path in project.folder.glob(name)]
        assert found
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def corrupted(name: str) -> Callable[[Project], None]:
    """A file cut short."""

    def change(project: Project) -> None:
        path = project.folder / name
        path.write_bytes(path.read_bytes()[:100])

    return change


def damaged_book(project: Project) -> None:
    """The PDF cut short, the folder of pages' styles and scripts deleted."""
    corrupted("reports/_book/report.pdf")(project)
    removed("reports/_book/site")(project)


def unrecorded(project: Project) -> None:
    """No records, and a file that is none of the build's."""
    removed("results/provenance")(project)
    (project.folder / "results/ingest/part1.parquet").write_bytes(b"of some other data")


def renamed(project: Project) -> Project:
    """The folder has another name."""
    target = project.folder.with_name("renamed folder")
    shutil.move(project.folder, target)
    return Project(target, project.lemas)


def carried(project: Project) -> Project:
    """The folder and the LEMAS files are copied elsewhere, with new times and without Snakemake's notes."""
    folder, lemas = project.folder.with_name("carried"), project.lemas
    left = shutil.ignore_patterns(".snakemake")
    shutil.copytree(project.folder, folder, ignore=left, copy_function=shutil.copyfile)
    if lemas:
        lemas = folder.with_name("brought")
        shutil.copytree(project.lemas, lemas, copy_function=shutil.copyfile)
    return Project(folder, lemas)


def _git(project: Project, *words: str) -> None:
    who = ("-c", "user.name=tester", "-c", "user.email=tester@example.org", "-c", "core.autocrlf=false")
    subprocess.run(["git", *who, *words], cwd=project.folder, check=True, capture_output=True)


def branches(project: Project) -> None:
    """Two branches that differ in a script, an answer and a chapter, the first one checked out."""
    _git(project, "init", "--initial-branch", "one")
    _git(project, "add", "--all")
    _git(project, "commit", "--message", "one")
    _git(project, "checkout", "-b", "two")
    appended("workflow/scripts/weight.py", REMARK)(project)
    project.answer("data/raw/part1.csv", "q1_sex_residents", "4", "1")
    appended("reports/07-case-characteristics.qmd", "\nA closing remark.\n")(project)
    _git(project, "commit", "--all", "--message", "two")
    _git(project, "checkout", "one")


def both_branches(project: Project) -> None:
    """To the other branch and back."""
    branches(project)
    _git(project, "checkout", "two")
    _git(project, "checkout", "one")


# -- what needs the rights of root -------------------------------------------------------------------------------------


def root() -> str:
    """Why mounts cannot be made here."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return "mounting in a name space needs root and unshare"
    done = subprocess.run(["unshare", "-m", "true"], capture_output=True)
    return "" if done.returncode == 0 else "this machine does not let root make a name space"


def other_user() -> str:
    """Why no other user can be had here."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return "running as another user needs root and setpriv"
    done = subprocess.run([*OTHER, sys.executable, "-c", "import snakemake"], capture_output=True)
    return "" if done.returncode == 0 else "another user cannot run this Python"


NOBODY = "65534"
# The one right that is kept: to read, as the tests' Python may lie in root's own folder. Writing is as for any user.
OTHER = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *(
        "--inh-caps=-all,+dac_read_search",
        "--ambient-caps=-all,+dac_read_search",
        "--bounding-set=-all,+dac_read_search",
    ),
)


def as_another_user(project: Project) -> tuple[list[str], float]:
    """A build of a copy that belongs to another user, by that user."""
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        other = project.copy(Path(home) / "project")
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", home], check=True)
        began = time.monotonic()
        done = other.report("--cores", "2", wrap=OTHER, HOME=home, LOGNAME="nobody", USER="nobody")
        assert done.returncode == 0, done.stdout + done.stderr
        owner = (other.folder / "results/build.json").stat().st_uid
        assert owner == int(NOBODY), "the build was not that user's"
        assert set(finished(done.stderr)) == other.jobs()
        assert other.outputs() == project.outputs()
        return finished(done.stderr), time.monotonic() - began


def in_name_space(script: str) -> tuple[str, ...]:
    """Words before a command that run a script with mounts of its own first."""
    return ("unshare", "-m", "sh", "-c", f'set -e; {script}; exec "$@"', "sh")


def read_only(name: str) -> tuple[str, ...]:
    """Words before a command that make a folder of the project read-only for it."""
    return in_name_space(f"mount --bind {name} {name}; mount -o remount,ro,bind {name}")


def with_read_only_data(project: Project) -> tuple[list[str], float]:
    """A build that may not write to data/, config/ and reports/'s chapters."""
    began = time.monotonic()
    done = project.report("--cores", "2", wrap=(*read_only("data"), *read_only("config")))
    assert done.returncode == 0, done.stdout + done.stderr
    return finished(done.stderr), time.monotonic() - began


def with_read_only_results(project: Project) -> tuple[list[str], float]:
    """A build that may not write to results/, then one that may."""
    began = time.monotonic()
    done = project.report("--cores", "2", wrap=read_only("results"))
    refused(done, "cannot be written", "results")
    return [*finished(done.stderr), *once(project)[0]], time.monotonic() - began


def with_full_disk(project: Project) -> tuple[list[str], float]:
    """A build on a disk with no room left, then one after room was made; the results come back to the project."""
    disk, began = project.folder.with_name("disk"), time.monotonic()
    disk.mkdir()
    there = Project(disk, project.lemas)
    script = f"""
        mount -t tmpfs -o size=2g tmpfs {disk}; cp -a {project.folder}/. {disk}/; cd {disk}
        room=$(df --output=used -B1 . | tail -n 1); mount -o remount,size=$((room + 40960)) {disk}
        "$@" >{disk}.full 2>&1 && echo 0 >{disk}.code || echo $? >{disk}.code
        mount -o remount,size=2g {disk}; "$@" >{disk}.again 2>&1
        for name in results reports/_book; do rm -rf {project.folder}/$name; cp -a $name {project.folder}/$name; done"""
    command = ["report", "--cores", "2"]
    made = there.run("agency_survey.cli", *command, wrap=("unshare", "-m", "sh", "-e", "-c", script, "sh"))
    assert made.returncode == 0, made.stdout + made.stderr
    full, again = (disk.with_name(f"disk.{name}").read_text() for name in ("full", "again"))
    code = int(disk.with_name("disk.code").read_text())
    refused(subprocess.CompletedProcess(command, code, full, ""), "No space left on the disk")
    return [*finished(full), *finished(again)], time.monotonic() - began


# -- the matrix --------------------------------------------------------------------------------------------------------

# What R's targets does with the like of each change. The user manual is books.ropensci.org/targets, by chapter and section.
TARGETS = {
    "nothing": ('no target ("A walkthrough to get started", Run the pipeline)'),
    "comment": (
        "no target: functions are hashed as deparsed, without comments and spaces (help page of `tar_cue`, Dependency-based "
        "invalidation); code in packages is not tracked unless declared (Packages, Package-based invalidation)"
    ),
    "code": (
        "the targets that call the function, at the grain of functions (Functions, Tracking changes), then those whose "
        "upstream values changed (help page of `tar_cue`, argument depend)"
    ),
    "data": (
        "the file's target and what depends on it (A walkthrough, Change data; Local data, External files), then those whose "
        "upstream values changed (help page of `tar_cue`, argument depend)"
    ),
    "object": "the targets that use the object (help page of `tar_cue`, Dependency-based invalidation)",
    "seed": "targets whose own seed derives from the option `seed` (Pseudo-random numbers, Reproducibility)",
    "document": "the target that renders the document (Literate programming, R Markdown targets)",
    "output": "the target whose file is not there or differs (help page of `tar_cue`, Target invalidation rules)",
    "touch": "no target: where times differ the hash decides (help page of `tar_option_set`, argument trust_timestamps)",
    "records": "every target: without metadata all are outdated (help page of `tar_destroy`, argument destroy, meta)",
    "crash": (
        "unfinished targets, and finished ones whose metadata was still in memory (Local data, Local data store, Remarks)"
    ),
    "error": "the target that failed (help page of `tar_cue`, Target invalidation rules)",
    "twice": "an early error when a pipeline runs on the same data store (news of version 1.5.0)",
    "": "not said in the manual",
}
CODE = "their code is not the text that it was, and only running them shows that the outputs are the same"
TABLE = "they read a file that differs, though not the part of it that they use"
REMARK = "\n\n# a remark\n"

SCENARIOS = [
    Scenario(
        "no-change", "Nothing", nothing, "Every record is that of the files.", (), restores=True, targets="nothing"
    ),
    Scenario(
        "touch", "Every file is touched", touched, "Contents decide, not times.", (), restores=True, targets="touch"
    ),
    Scenario(
        "comment",
        "A comment in a script",
        appended("workflow/scripts/weight.py", REMARK),
        "The script's job runs; what reads its unchanged outputs does not.",
        {"weight"},
        unneeded=CODE,
        restores=True,
        targets="comment",
    ),
    Scenario(
        "reformatted",
        "A module of the package, reformatted",
        reformatted("workflow/agency_survey/replicates.py"),
        "The jobs whose script imports it run; their outputs are the same and nothing else runs.",
        users("replicates"),
        unneeded=CODE,
        restores=True,
        targets="comment",
    ),
    Scenario(
        "estimator",
        "A real change in an estimator: variances of means by domain are larger by two percent",
        edited(
            "workflow/agency_survey/estimate.py",
            "return self._squares.variance(self._score",
            "return 1.02 * self._squares.variance(self._score",
        ),
        "The jobs that import the module run, and what reads the numbers that moved; data stages do not.",
        first={"perceptions", "after_the_report", *BOOK},
        never={"ingest", "ingest_lemas", "external_data", "clean", "weight", "weight_lemas"},
        unneeded="they import the module, or read numbers beside those that moved",
        targets="code",
    ),
    Scenario(
        "part1",
        "One answer of Part I",
        answered("data/raw/part1.csv", "q1_sex_residents", "4", "1"),
        "Sections that read this block of Part I run, and what reads their numbers.",
        first={"ingest part1", "clean", "perceptions", *BOOK},
        never={*LEMAS, *WEIGHTS, *CASES, "preparation", "identification"},
        unneeded=TABLE,
        targets="data",
    ),
    Scenario(
        "part3",
        "One answer of Part III",
        answered("data/raw/part3.csv", "q11_federal_charges", "2", "1"),
        "Sections that read this block of Part III run; no section on Part I does.",
        first={"ingest part3", "clean", "investigation_prosecution", *BOOK},
        never={*LEMAS, *WEIGHTS, *PART1, "case_characteristics", "weighting_diagnostics"},
        unneeded=TABLE,
        targets="data",
    ),
    Scenario(
        "spelling",
        "One answer of Part I, written otherwise (a blank before it)",
        answered("data/raw/part1.csv", "q1_sex_residents", "4", " 4"),
        "The blank is taken off and logged, so the log and what counts its rows are made again; no section runs.",
        first={"ingest part1", "clean"},
        never={*LEMAS, *WEIGHTS, *CASES, *PART1, "weighting_diagnostics"},
        unneeded=TABLE,
        targets="data",
    ),
    Scenario(
        "wave",
        "One LEMAS file is not the one that the register expects",
        altered_wave,
        "The wave's own jobs run and the chapter that is without it; the other waves and the survey do not.",
        first={"external_data 2016", "ingest_lemas 2016", "weight_lemas 2016", "after_the_report", *BOOK},
        never={"ingest", "clean", "external_data 2020", "weight_lemas 2007", *WEIGHTS, *PART1, *CASES},
        unneeded=TABLE,
        needs=lambda: "" if lemas_folder() else "the LEMAS files are not at hand",
        targets="data",
    ),
    Scenario(
        "correction-same",
        "A correction to the value that is there",
        corrected_to_the_same,
        "The entry is refused with its line. Cleaning gets back what it had left, so there is nothing to do when it is removed.",
        (),
        build=refused_then_removed,
        restores=True,
    ),
    Scenario(
        "correction",
        "A correction that moves one cell of Part I",
        corrected,
        "Cleaning and the sections that read the cell run; nothing is read in again.",
        first={"clean", "perceptions", *BOOK},
        never={"ingest", "preparation", "identification", *LEMAS, *WEIGHTS, *CASES},
        unneeded=TABLE,
        targets="data",
    ),
    Scenario(
        "frame-officers",
        "A frame value that no estimate uses: officers of an agency that was not drawn",
        edited("data/frame/frame.csv", "000HAE,2,OR,4,12414,3,20,", "000HAE,2,OR,4,12414,3,21,"),
        "Jobs that read the frame run; no section after them does.",
        first={"ingest frame", "clean", "weight", "survey_methods"},
        never={
            *LEMAS,
            *CASES,
            "perceptions",
            "preparation",
            "identification",
            "determinants",
            "task_forces",
            "weight_parts",
        },
        unneeded=TABLE,
        targets="data",
    ),
    Scenario(
        "frame-class",
        "A frame value that moves weights: the population of an agency, into another class",
        edited("data/frame/frame.csv", "000HAE,2,OR,4,12414,3,20,", "000HAE,2,OR,4,9414,2,20,"),
        "Weights are raked to the frame, so every section on the survey runs; the LEMAS chapter does not.",
        first={"ingest frame", "clean", "weight", "survey_methods", "perceptions", "investigation_prosecution", *BOOK},
        never={*LEMAS, "ingest part1", "ingest part3"},
        unneeded=TABLE,
        targets="data",
    ),
    Scenario(
        "label",
        "A label of a codebook",
        edited("config/codebooks/part1.yaml", 'label: "Own cases"', 'label: "Cases of their own"'),
        "Jobs that read this codebook run, and the section that shows the label.",
        first={"ingest part1", "clean", "perceptions", "questionnaire", "render"},
        never={*LEMAS, *WEIGHTS, *CASES, "preparation", "identification", "ingest part2"},
        unneeded=TABLE,
        targets="data",
    ),
    Scenario(
        "range",
        "A range of a codebook, in which all answers stay",
        edited("config/codebooks/part1.yaml", "range: [0, 100]", "range: [0, 120]"),
        "Jobs that read this codebook run; the cleaned data are the same, so no section on the answers does.",
        first={"ingest part1", "clean", "questionnaire", "render"},
        never={*LEMAS, *WEIGHTS, *CASES, *PART1, "weighting_diagnostics"},
        unneeded=TABLE,
        targets="data",
    ),
    Scenario(
        "setting",
        "A setting of one section",
        edited("config/config.yaml", "largest_odds_ratio: 50", "largest_odds_ratio: 40"),
        "The section runs, and what prints its numbers.",
        first={"sensitivity", *BOOK},
        never={"ingest", "clean", *LEMAS, *WEIGHTS, *CASES, *(PART1 - {"sensitivity"}), "weighting_diagnostics"},
        unneeded=TABLE,
        targets="object",
    ),
    Scenario(
        "setting-comment",
        "A comment in the settings",
        edited("config/config.yaml", "# Settings of the report.", "# The settings of the report."),
        "Settings are compared key by key.",
        (),
        restores=True,
        targets="comment",
    ),
    Scenario(
        "seed",
        "The seed of a section's imputation",
        edited("config/config.yaml", "seed: 20071119", "seed: 20071120"),
        "The section runs, and what prints its numbers or the seed.",
        first={"sensitivity", *BOOK},
        never={"ingest", "clean", *LEMAS, *WEIGHTS, *CASES, *(PART1 - {"sensitivity"}), "weighting_diagnostics"},
        unneeded=TABLE,
        targets="seed",
    ),
    Scenario(
        "standin-seed",
        "The seed of the stand-in's generator",
        edited("config/standin.yaml", "\nseed: 200706\n", "\nseed: 200707\n"),
        "No job writes data: what reads the file runs, to say what the stand-in was calibrated to or the seed.",
        first={"published_and_rebuilt"},
        never={"ingest", "clean", *LEMAS, *WEIGHTS, *CASES, *PART1, "weighting_diagnostics", "cleaning_audit"},
        unneeded=TABLE,
        targets="object",
    ),
    Scenario(
        "prose",
        "A sentence of a chapter",
        appended("reports/07-case-characteristics.qmd", "\nA closing remark.\n"),
        "The ledger looks which numbers the chapters name, and the book is rendered.",
        first=BOOK,
        never={"ingest", "clean", *LEMAS, *WEIGHTS, *CASES, *PART1, "weighting_diagnostics", "cleaning_audit"},
        unneeded="which numbers a chapter names can only be known by reading it",
        targets="document",
    ),
    Scenario(
        "shortcode",
        "A number's id in a chapter",
        edited(
            "reports/02-survey-methods.qmd",
            "{{< num survey-methods.sample.mailed >}} surveys were mailed",
            "{{< num survey-methods.sample.random >}} surveys were mailed",
        ),
        "The ledger looks which numbers the chapters name, and the book is rendered.",
        first=BOOK,
        never={"ingest", "clean", *LEMAS, *WEIGHTS, *CASES, *PART1, "weighting_diagnostics", "cleaning_audit"},
        unneeded="which numbers a chapter names can only be known by reading it",
        targets="document",
    ),
    Scenario(
        "citation",
        "A citation in a chapter",
        edited("reports/01-introduction.qmd", "agencies find cases [@farrell2010]", "agencies find cases [@gao2007]"),
        "The ledger looks which numbers the chapters name, and the book is rendered.",
        first=BOOK,
        never={"ingest", "clean", *LEMAS, *WEIGHTS, *CASES, *PART1, "weighting_diagnostics", "cleaning_audit"},
        unneeded="which numbers a chapter names can only be known by reading it",
        targets="document",
    ),
    Scenario(
        "style",
        "A style file",
        appended("reports/_extensions/book/site.css", "\n/* a remark */\n"),
        "The book is rendered.",
        {"render"},
        targets="document",
    ),
    Scenario(
        "deleted",
        "One output is deleted",
        removed("results/perceptions/tables/tbl-perceptions-ratings.csv"),
        "Its job makes it again, the same, so nothing else runs.",
        {"perceptions"},
        restores=True,
        targets="output",
    ),
    Scenario(
        "damaged-book",
        "The book's PDF is cut short, and its style is deleted",
        damaged_book,
        "The book is rendered.",
        {"render"},
        build=partial(once, says="reports/_book/report.pdf is not what its rule left; render makes it again."),
        restores=True,
        targets="output",
    ),
    Scenario(
        "corrupted",
        "One output is cut short",
        corrupted("results/weight/sample.parquet"),
        "Its job makes it again, the same, so nothing else runs.",
        {"weight"},
        restores=True,
        targets="output",
    ),
    Scenario(
        "no-snakemake",
        "Snakemake's notes are deleted (.snakemake)",
        removed(".snakemake"),
        "Decisions do not rest on them.",
        (),
        restores=True,
    ),
    Scenario(
        "no-logs",
        "Logs and run times are deleted",
        removed("logs", "benchmarks/*.tsv"),
        "They are no results.",
        (),
        restores=True,
    ),
    Scenario(
        "no-records",
        "The records are deleted (results/provenance), and a file is of other data",
        unrecorded,
        "Nothing says what the results are of, so all are made again.",
        all_jobs,
        extra=all_jobs,
        unneeded="without records only running shows that the outputs are right",
        build=partial(once, says="is not recorded, so everything is built again"),
        restores=True,
        targets="records",
    ),
    Scenario("renamed", "The folder is renamed", renamed, "Paths in records are the project's own.", (), restores=True),
    Scenario(
        "carried",
        "The folder and the LEMAS files are carried to other places, without Snakemake's notes, with new times",
        carried,
        "Records go with the results, and hold on any machine.",
        (),
        restores=True,
    ),
    Scenario(
        "branches",
        "Another branch is checked out, and this one again",
        both_branches,
        "The contents are those of before.",
        (),
        restores=True,
        targets="touch",
    ),
    Scenario(
        "other-user",
        "Another user builds a copy of their own",
        nothing,
        "Records do not say whose they are.",
        (),
        build=as_another_user,
        needs=other_user,
        restores=True,
    ),
    Scenario(
        "ctrl-c",
        "Ctrl-C after the first of six jobs, then a build",
        appended("workflow/scripts/ingest.py", REMARK),
        "What had finished does not run again.",
        INGEST,
        unneeded=CODE,
        build=interrupted,
        restores=True,
        targets="crash",
    ),
    Scenario(
        "failed",
        "A job fails, is mended, and the build is run again",
        nothing,
        "Only the job that failed runs.",
        {"weight_parts"},
        unneeded=CODE,
        build=mended,
        restores=True,
        targets="error",
    ),
    Scenario(
        "two-builds",
        "A second build while a build is running",
        appended("workflow/scripts/ingest.py", REMARK),
        "It is refused with a sentence; the first one ends as if alone.",
        INGEST,
        unneeded=CODE,
        build=two_at_once,
        restores=True,
        targets="twice",
    ),
    Scenario(
        "full-disk",
        "The disk is full, then there is room and a build",
        appended("workflow/scripts/ingest.py", REMARK),
        "One sentence; the next build goes on.",
        INGEST,
        unneeded=CODE,
        build=with_full_disk,
        needs=root,
        restores=True,
        targets="error",
    ),
    Scenario(
        "read-only-data",
        "data/ and config/ may only be read",
        appended("workflow/scripts/ingest.py", REMARK),
        "No job writes there.",
        INGEST,
        unneeded=CODE,
        build=with_read_only_data,
        needs=root,
        restores=True,
    ),
    Scenario(
        "read-only-results",
        "results/ may only be read, then a build where it may be written",
        appended("workflow/scripts/weight.py", REMARK),
        "One sentence, before any job runs.",
        {"weight"},
        unneeded=CODE,
        build=with_read_only_results,
        needs=root,
        restores=True,
    ),
]


def kills(count: int, undisturbed: float) -> list[Scenario]:
    """Builds from nothing, killed at random moments (seeded), up to 16 on one tree; the last ones while the book is made.

    undisturbed : seconds of a whole build here, which the moments are scaled by.
    """
    last = max(1, count // 5)
    trees = [min(16, count - last - done) for done in range(0, count - last, 16)]
    found = [
        Scenario(
            f"killed-{number}",
            f"Nothing is built; kill -9 of the whole process group at {many} random moments, then a build",
            removed("results", "reports/_book", ".snakemake"),
            "What had finished does not run again; the outputs are those of an undisturbed build in another folder, with another "
            "number of cores, time zone, locale, hash seed and umask.",
            all_jobs,
            build=partial(killed, kills=many, seed=20_071 + number, longest=undisturbed / 6),
            restores=True,
            targets="crash",
        )
        for number, many in enumerate(trees, 1)
    ]
    book = Scenario(
        "killed-book",
        f"The book and the ledger are deleted; kill -9 at {last} random moments, then a build",
        removed("results/ledger", "results/render", "reports/_book"),
        "What had finished does not run again; the outputs are those of an undisturbed build.",
        BOOK,
        build=partial(killed, kills=last, seed=20_070, longest=undisturbed / 6),
        restores=True,
        targets="crash",
    )
    return [*found, book]
