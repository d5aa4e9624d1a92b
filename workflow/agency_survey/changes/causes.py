"""What moved a result: the corrections, settings, code and data that differ between two builds and that reach its rule.

A cause reaches a rule through the records of the jobs: a changed file that no job makes, or a changed setting, is a cause of
the job that reads it, and of every job that reads a file which that job made otherwise. A job whose output came out the
same passes nothing on. Corrections that one job applies are told apart by the files that each one moves (``entries``).
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from agency_survey import schema
from agency_survey.changes import entries, fingerprints
from agency_survey.changes.state import State
from agency_survey.errors import InputError

REGISTER, CONFIG, PINS = entries.REGISTER, "config/config.yaml", "requirements/runtime.txt"
KINDS = ("correction", "config", "data", "code", "chapter", "rule", "environment")
MOST = 4


@dataclass(frozen=True, order=True)
class Cause:
    """One thing that differs between two builds. kind : of ``KINDS``; where : its file; what : entry, key, rows, functions."""

    kind: str
    where: str
    what: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.what else self.where

    def as_dict(self) -> dict:
        """For JSON."""
        return asdict(self)


class Causes:
    """Causes by job of what moved between two builds; none are known where either kept no records."""

    def __init__(self, before: State, after: State):
        self.before, self.after = before, after
        self.known = bool(before.jobs and after.jobs)
        self._found: dict[str, frozenset[Cause]] = {}
        self._files: dict[str, frozenset[Cause]] = {}
        self._tried: dict[str, dict[str, frozenset[Cause]]] = {}

    @cached_property
    def _makers(self) -> dict[str, str]:
        """The job that makes each file, in either build."""
        return {
            name: job
            for state in (self.before, self.after)
            for job, record in state.jobs.items()
            for name in record["outputs"]
        }

    def of_file(self, name: str) -> frozenset[Cause]:
        """Causes of a difference in a file of the project, ``results/...`` or a source."""
        if not self.known:
            return frozenset()
        maker = self._makers.get(name)
        if maker is None:
            return self.of_source(name)
        found = self.of_job(maker)
        if len(found) > 1 and any(cause.kind == "correction" for cause in found):
            return found - self._idle(maker).get(name, frozenset())
        return found

    def _idle(self, job: str) -> dict[str, frozenset[Cause]]:
        """By output of the job that applies the register: the corrections that did not move it."""
        record = self.after.jobs.get(job)
        if record is None or "--register" not in record["command"]:
            return {}
        if job not in self._tried:
            said = dict(_entries(self.before.source(REGISTER), self.after.source(REGISTER)))
            found = entries.idle(self.before, self.after, record)
            self._tried[job] = {
                name: frozenset(Cause("correction", REGISTER, said[ident]) for ident in some)
                for name, some in found.items()
            }
        return self._tried[job]

    def of_job(self, job: str) -> frozenset[Cause]:
        """Causes of what a job made otherwise."""
        if job not in self._found:
            self._found[job] = frozenset()  # in case records lead in a circle
            self._found[job] = self._of_job(job)
        return self._found[job]

    def _of_job(self, job: str) -> frozenset[Cause]:
        old, new = self.before.jobs.get(job), self.after.jobs.get(job)
        if old is None or new is None:
            text = "the rule is new" if old is None else "the rule is gone"
            return frozenset({Cause("rule", f"rule {(new or old)['rule']}", text)})
        found: set[Cause] = set()
        changed = [
            name for name in {**old["inputs"], **new["inputs"]} if old["inputs"].get(name) != new["inputs"].get(name)
        ]
        for name in changed:
            found |= self.of_file(name) if name in self._makers else set()
        sources = [name for name in changed if name not in self._makers and not self._was_there(name)]
        certain = [name for name in sources if not self.only_layout(name)]
        for name in certain:
            found |= self.of_source(name)
        found |= self._of_settings(old, new)
        if not found:
            for name in sources:
                found |= self.of_source(name)
        if not found and old["command"] != new["command"]:
            found.add(Cause("rule", f"rule {new['rule']}", "its command changed"))
        if old["outputs"] != new["outputs"] and PINS not in changed:
            found |= self._of_environment()
        return frozenset(found)

    def _was_there(self, name: str) -> bool:
        """Whether a file was only newly declared: it was as it is in the other build too."""
        one, other = ((state.build.get("inputs") or {}).get(name) for state in (self.before, self.after))
        return one is not None and one == other

    def only_layout(self, name: str) -> bool:
        """Whether a module differs in comments, docstrings and layout alone."""
        one, other = self.before.source(name), self.after.source(name)
        if not name.endswith(".py") or not one or not other:
            return False
        trees = [_tree(path) for path in (one, other)]
        return None not in trees and ast.dump(trees[0]) == ast.dump(trees[1])

    def of_source(self, name: str) -> frozenset[Cause]:
        """What of a file that no job makes differs."""
        if name not in self._files:
            self._files[name] = frozenset(self._source_causes(name))
        return self._files[name]

    def _source_causes(self, name: str) -> Iterator[Cause]:
        one, other = self.before.source(name), self.after.source(name)
        if name == REGISTER:
            said = [text for _, text in _entries(one, other)]
            yield from (Cause("correction", name, text) for text in said) if said else [Cause("correction", name)]
        elif name.startswith("config/"):
            yield Cause("config", name, _keys(one, other))
        elif name.startswith(("data/", "LEMAS_DIR/")):
            yield Cause("data", name, fingerprints.difference(name, self.before, self.after))
        elif name == PINS:
            yield Cause("environment", name, _pins(one, other))
        elif name.startswith("reports/"):
            yield Cause("chapter", name)
        else:
            yield Cause("code", name, _definitions(one, other) if name.endswith(".py") else "")

    def _of_settings(self, old: dict, new: dict) -> set[Cause]:
        configs = [state.build.get("config") or {} for state in (self.before, self.after)]
        changed = {key: text for key, text in _differing(*configs)}
        found = set()
        for key, text in _differing(_settings(old), _settings(new)):
            if key in changed or not all(configs):
                found.add(Cause("config", CONFIG, f"{key} {text}"))
            else:
                near = [
                    other for other in changed if key.startswith(other) or other.startswith(key) or other.endswith(key)
                ]
                if near:
                    found |= {Cause("config", CONFIG, f"{other} {changed[other]}") for other in near}
                else:
                    found.add(Cause("rule", f"rule {new['rule']}", f"setting {key} {text}"))
        return found

    def _of_environment(self) -> set[Cause]:
        one, other = self.before.build, self.after.build
        found = set()
        if one.get("python") and other.get("python") and one["python"] != other["python"]:
            found.add(Cause("environment", "Python", f"{one['python']} -> {other['python']}"))
        if one.get("packages") and other.get("packages"):
            found |= {Cause("environment", key, text) for key, text in _differing(one["packages"], other["packages"])}
        return found


def _settings(record: dict) -> dict:
    """Settings that a job was given: as its record says, else those in its command."""
    if isinstance(record.get("settings"), dict):
        return record["settings"]
    try:
        words = shlex.split(record["command"])
        found = ast.literal_eval(words[words.index("--settings") + 1])
    except (ValueError, IndexError, SyntaxError):
        return {}
    return found if isinstance(found, dict) else {"settings": found}


def _differing(old: Any, new: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Keys at which two settings differ, with 'old -> new'."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        return [
            part
            for key in keys
            for part in _differing(old.get(key), new.get(key), f"{prefix}.{key}" if prefix else str(key))
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            part
            for at, (one, other) in enumerate(zip(old, new, strict=True), 1)
            for part in _differing(one, other, f"{prefix}[{at}]")
        ]
    return [] if old == new else [(prefix, f"{_value(old)} -> {_value(new)}")]


def _value(value: Any, most: int = 40) -> str:
    text = "not set" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _entries(one: Path | None, other: Path | None) -> Iterator[tuple[str, str]]:
    """Entries of the register that came, went or differ: the id, and each in a few words."""
    if not one or not other:
        return
    before, after = entries.read(one), entries.read(other)
    for ident in entries.differing(before, after):
        old, new = before.get(ident), after.get(ident)
        entry = new or old
        what = "taken out" if new is None else "entered" if old is None else "changed"
        value = f"{entry.get('old_value') or 'blank'} -> {entry.get('new_value') or 'blank'}"
        place = " ".join(str(entry.get(part, "")) for part in ("file", "record", "variable"))
        yield ident, f"entry {ident} {what} ({place}, {value})"


def _keys(one: Path | None, other: Path | None) -> str:
    """Keys of a file of settings that differ."""
    if not one or not other:
        return ""
    try:
        found = _differing(schema.read_yaml(one), schema.read_yaml(other))
    except InputError:
        return ""
    return _some([f"{key} {text}" for key, text in found])


def _pins(one: Path | None, other: Path | None) -> str:
    """Packages whose pinned versions differ."""
    if not one or not other:
        return ""
    texts = [path.read_text(encoding="utf-8") for path in (one, other)]
    found = _differing(*(dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.M)) for text in texts))
    return _some([f"{name} {change}" for name, change in found])


def _definitions(one: Path | None, other: Path | None) -> str:
    """Functions and classes of a module that differ, by name."""
    if not one or not other:
        return ""
    trees = [_tree(path) for path in (one, other)]
    if None in trees:
        return ""
    before, after = (_parts(tree) for tree in trees)
    return _some([name for name in dict.fromkeys([*before, *after]) if before.get(name) != after.get(name)])


def _tree(path: Path) -> ast.Module | None:
    """A module without its docstrings, which move no result; None where it cannot be parsed."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    return tree


def _parts(tree: ast.Module) -> dict[str, str]:
    named: Callable[[ast.AST], str] = lambda node: getattr(node, "name", "the module's own lines")  # noqa: E731
    found: dict[str, str] = {}
    for node in tree.body:
        found[named(node)] = found.get(named(node), "") + ast.dump(node)
    return found


def _some(words: list[str]) -> str:
    return ", ".join(words[:MOST]) + (f" and {len(words) - MOST} more" if len(words) > MOST else "")
