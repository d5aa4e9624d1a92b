"""What the results are of: a record of each job with the digests of all that it read and made, compared with the files.

Decisions to run rest on contents alone: not on times, owners, the folder's name or the machine. A job is current when its
command, its inputs and its outputs are those of its record. The record of job ``ingest part1`` is
``results/provenance/ingest.part1.json``.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shlex
from collections.abc import Container
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agency_survey import files, jobs
from agency_survey.errors import InputError
from agency_survey.jobs import FOLDER, Job, Places

BUILD = "results/build.json"
MANIFEST = "results/render/manifest.json"
BOOK = "reports/_book"

MANY = 2  # results of one job that are named each; of more, two are
CURRENT, STALE, POSSIBLY = "current", "stale", "possibly stale"


OF_FILES = {  # what is said of a file, and of several
    "changed": ("changed", "changed"),
    "added": ("is a new input", "are new inputs"),
    "removed": ("is no input any more", "are no inputs any more"),
    "altered": ("is not what the rule left", "are not what the rule left"),
    "missing": ("is not there", "are not there"),
}


@dataclass(frozen=True)
class Cause:
    """Why a job has to run.

    kind : 'never' (no record), 'changed', 'added', 'removed' (an input), 'altered', 'missing' (an output), 'setting' or
    'command'; what : the file, or the setting's key; old, new : values of a setting as JSON.
    """

    kind: str
    what: str = ""
    old: str = ""
    new: str = ""

    def words(self) -> str:
        """For a line of the terminal."""
        if self.kind in OF_FILES:
            return f"{self.what} {OF_FILES[self.kind][0]}"
        return {
            "never": "not built here yet",
            "setting": f"setting {self.what}: {_short(self.old)} to {_short(self.new)}",
            "command": "its command changed",
        }[self.kind]


@dataclass
class State:
    """All jobs in order, with the state of each, and the causes of those that are stale.

    'stale' jobs have to run; 'possibly stale' ones read what a stale job makes, and run only if that changes. missing :
    inputs that no rule makes and that are not there.
    """

    jobs: list[Job]
    state: dict[str, str]
    causes: dict[str, list[Cause]]
    missing: list[tuple[str, Job]] = field(default_factory=list)

    def of(self, state: str) -> list[Job]:
        """Jobs in a state."""
        return [job for job in self.jobs if self.state[job.name] == state]

    def ready(self) -> list[Job]:
        """Stale jobs that do not wait for the outcome of a possibly stale one."""
        maker, waits, found = jobs.makers(self.jobs), set(), []
        for job in self.jobs:
            needs = {maker[name].name for name in job.inputs if name in maker}
            if self.state[job.name] == POSSIBLY or needs & waits:
                waits.add(job.name)
            elif self.state[job.name] == STALE:
                found.append(job)
        return found


class Records:
    """Records of the jobs of one project folder, and digests of its files, each taken once as long as it is not touched."""

    def __init__(self, root: Path, places: Places):
        self.root, self.places = root, places
        self._digests: dict[str, tuple[tuple, str]] = {}
        self.known = {}
        for path in (root / FOLDER).glob("*.json"):
            if not path.name.startswith("_"):
                record = _read(path)
                if record is not None:
                    self.known[path.stem] = record

    def digest(self, name: str) -> str | None:
        """SHA-256 digest of a file by its path in jobs; None when it is not there."""
        path = self.places.path(name)
        try:
            found = os.stat(path)
            stamp = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
            kept = self._digests.get(name)
            if kept is None or kept[0] != stamp:
                with open(path, "rb") as stream:
                    kept = self._digests[name] = (stamp, hashlib.file_digest(stream, "sha256").hexdigest())
        except (FileNotFoundError, NotADirectoryError):
            return None
        return kept[1]

    def compare(self, found: list[Job]) -> State:
        """State of each job."""
        maker = jobs.makers(found)
        result = State(found, {}, {})
        for job in found:
            unsure, causes = False, self._own_causes(job)
            for name in job.inputs:
                need = maker.get(name)
                if need is None:
                    if self.digest(name) is None:
                        result.missing.append((name, job))
                elif result.state[need.name] != CURRENT:
                    unsure = True
                    continue
                causes += self._input_cause(job, name)
            result.causes[job.name] = causes
            result.state[job.name] = STALE if causes else POSSIBLY if unsure else CURRENT
        return result

    def _own_causes(self, job: Job) -> list[Cause]:
        record = self.known.get(job.name)
        if record is None:
            return [Cause("never")]
        causes = []
        if record["command"] != job.command:
            causes += _settings_causes(record["command"], job.command)
        causes += [Cause("removed", name) for name in record["inputs"] if name not in job.inputs]
        outputs = {**dict.fromkeys(job.outputs), **record["outputs"]}
        for name, known in outputs.items():
            now = self.digest(name)
            if now is None:
                causes.append(Cause("missing", name))
            elif now != known:
                causes.append(Cause("altered", name))
        return causes

    def _input_cause(self, job: Job, name: str) -> list[Cause]:
        record = self.known.get(job.name)
        if record is None:
            return []
        if name not in record["inputs"]:
            return [Cause("added", name)]
        return [] if record["inputs"][name] == self.digest(name) else [Cause("changed", name)]

    def inputs(self, job: Job, without: Container[str] = ()) -> dict[str, str | None]:
        """Digests of what a job reads, some left out."""
        return {name: self.digest(name) for name in job.inputs if name not in without}

    def keep(self, job: Job, before: dict[str, str | None], reason: str, seconds: float) -> None:
        """Write the record of a job that has run. before : digests of inputs from before it ran; if one is another now, no
        record is written, so that the job counts as stale."""
        path = self.root / FOLDER / f"{job.name}.json"
        outputs = {name: self.digest(name) for name in (*job.outputs, *_more_outputs(self.root, job))}
        inputs = self.inputs(job)
        if not before.items() <= inputs.items() or None in outputs.values():
            path.unlink(missing_ok=True)
            self.known.pop(job.name, None)
            return
        record = {
            "rule": job.rule,
            "wildcards": list(job.wildcards),
            "command": job.command,
            "settings": settings_of(job.command),
            "inputs": inputs,
            "outputs": outputs,
            "reason": reason,
            "seconds": seconds,
            "peak_mb": _peak(self.root, job),
        }
        files.write_json(path, record)
        self.known[job.name] = record

    def whole(self, found: list[Job]) -> list[Job]:
        """The jobs as given; InputError when one is lost. Snakemake takes outputs for given where an input of their job
        is not there."""
        made = jobs.makers(found)
        for job in found:
            for name in job.inputs:
                if not name.startswith("results/") or name in made:
                    continue
                maker = next((one for one in self.known.values() if name in one["outputs"]), None)
                rule, names = (job.rule, [name]) if maker is None else (maker["rule"], maker["inputs"])
                lost = ", ".join(part for part in names if self.digest(part) is None) or name
                raise InputError(f"The rule {rule} needs files that are not there: {lost}", fix="Restore them")
        return found

    def forget(self, found: list[Job]) -> list[str]:
        """Remove what jobs left that no rule makes any more, records included; returns the removed files."""
        names, made = {job.name for job in found}, {name for job in found for name in job.outputs}
        removed = []
        for name, record in sorted(self.known.items()):
            if name not in names:
                (self.root / FOLDER / f"{name}.json").unlink(missing_ok=True)
                del self.known[name]
            elif set(record["outputs"]) <= made or record["rule"] == "render":
                continue
            for output in record["outputs"]:
                path = self.root / output
                if output not in made and output.startswith("results/") and path.is_file():
                    path.unlink()
                    removed.append(output)
        return removed

    def digest_of_all(self, found: list[Job]) -> str:
        """One digest of the whole state: every job's command, inputs and outputs."""
        parts = [[job.name, *(self.known[job.name][key] for key in ("command", "inputs", "outputs"))] for job in found]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def state_of(root: Path) -> tuple[State, Records]:
    """State of the folder's results now; nothing runs and nothing is written but the list of jobs."""
    places = Places(root)
    records = Records(root, places)
    return records.compare(records.whole(jobs.table(root, places))), records


def status(root: Path) -> list[str]:
    """Sentences on what is not as the last finished build left it; empty when the results are whole and current."""
    if not (root / BUILD).is_file():
        return ["No build has finished here; `make report` builds or goes on."]
    state, records = state_of(root)
    lines = [f"{words} ({_listed(users)})." for words, users in _said(state).items()]
    lines += [f"{name}, which {job.label} reads, is not there." for name, job in state.missing]
    if not lines and files.read_json(root / BUILD)["state"] != records.digest_of_all(state.jobs):
        lines.append(f"The results are current, but of a later build than {BUILD} describes; run `make report`.")
    return lines


def _said(state: State) -> dict[str, list[str]]:
    """What is not as it was, in words, with the jobs that it concerns; many outputs of one job are counted."""
    found: dict[str, list[str]] = {}
    for job in state.of(STALE):
        causes = state.causes[job.name]
        for kind, what in (("missing", "not there"), ("altered", "not what the rule left")):
            some = [cause for cause in causes if cause.kind == kind]
            if len(some) > MANY:
                names = f"{some[0].what} and {some[1].what}"
                found.setdefault(f"{len(some)} results are {what}, among them {names}", []).append(job.label)
                causes = [cause for cause in causes if cause.kind != kind]
        for cause in causes:
            found.setdefault(cause.words(), []).append(job.label)
    return found


def reason(causes: list[Cause]) -> str:
    """All causes in words, the files of each kind together, for the record."""
    said = []
    for kind in dict.fromkeys(cause.kind for cause in causes):
        some = [cause for cause in causes if cause.kind == kind]
        names = [cause.what for cause in some]
        if kind in OF_FILES and len(some) > 1:
            said.append(f"{', '.join(names[:-1])} and {names[-1]} {OF_FILES[kind][1]}")
        else:
            said += [cause.words() for cause in some]
    return "; ".join(said)


def brief(causes: list[Cause], width: int = 58) -> str:
    """Causes on a line of a terminal: files by their last names, what does not fit counted."""
    short = [replace(cause, what=_last(cause.what)) if cause.kind in OF_FILES else cause for cause in causes]
    for most in (len(short), 3, 2, 1):
        line = reason(short[:most]) + (f"; {len(short) - most} more" if most < len(short) else "")
        if most <= len(short) and len(line) <= width:
            break
    return line


def _last(name: str) -> str:
    """'perceptions/numbers.json' of a result, 'disclosure/rules.py' of a module: enough to know it by."""
    parts = name.split("/")
    return "/".join(parts[-2:]) if parts[-1] in ("numbers.json", "__init__.py") else parts[-1]


def _listed(names: list[str], most: int = 3) -> str:
    names = list(dict.fromkeys(names))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _read(path: Path) -> dict[str, Any] | None:
    """A record; None when it is damaged, which only makes its job run again."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        whole = isinstance(record["inputs"], dict) and isinstance(record["outputs"], dict) and record["command"]
    except (ValueError, KeyError, TypeError):
        return None
    return record if whole else None


def settings_of(command: str) -> dict | None:
    """The settings that a command gives its script, as a literal of Python (Snakemake's way) or as JSON."""
    for parse in (ast.literal_eval, json.loads):
        try:
            words = shlex.split(command)
            return parse(words[words.index("--settings") + 1])
        except (ValueError, IndexError, SyntaxError):
            continue
    return None


def _settings_causes(old: str, new: str) -> list[Cause]:
    before, after = settings_of(old), settings_of(new)
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return [Cause("command")]
    causes = [Cause("setting", *part) for part in _differing("", before, after)]
    return causes or [Cause("command")]


def _differing(prefix: str, old: Any, new: Any) -> list[tuple[str, str, str]]:
    """Keys at which two settings differ: (key, old, new), the values as JSON."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        return [
            part
            for key in keys
            for part in _differing(f"{prefix}.{key}" if prefix else key, old.get(key), new.get(key))
        ]
    return [] if old == new else [(prefix, json.dumps(old), json.dumps(new))]


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _more_outputs(root: Path, job: Job) -> list[str]:
    """Files of the book that are no declared outputs (style, pictures): its manifest lists them."""
    if MANIFEST not in job.outputs or not (root / MANIFEST).is_file():
        return []
    listed = files.read_json(root / MANIFEST, "files")["files"]
    return [name for part in listed if (name := f"{BOOK}/{part}") not in job.outputs]


def _peak(root: Path, job: Job) -> float | None:
    """Peak memory of a job in megabytes, as Snakemake measured it; None where it did not (it samples)."""
    path = root / "benchmarks" / f"{job.name}.tsv"
    try:
        header, *rows = path.read_text(encoding="utf-8").splitlines()
        value = float(dict(zip(header.split("\t"), rows[-1].split("\t"), strict=False))["max_rss"])
    except (OSError, ValueError, KeyError, IndexError):
        return None
    return value if value > 0 else None
