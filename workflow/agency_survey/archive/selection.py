"""What goes into a package: every file of the project folder by the first pattern of ``config/archive.yaml`` that fits it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agency_survey import codebook, schema
from agency_survey.errors import InputError

SETTINGS = Path("config/archive.yaml")
FLAVOURS = ("public", "restricted")
ALWAYS, SYNTHETIC, NEVER = "always", "synthetic", "never"


@dataclass(frozen=True)
class Entry:
    """A file of the package: its path in the project, its path in the payload, what it is."""

    source: str
    target: str
    kind: str


@dataclass(frozen=True)
class Choice:
    """What the rules say of a project's files: those that go in, those left out with the reason, and those undeclared."""

    entries: list[Entry]
    left_out: dict[str, str]
    undeclared: list[str]
    missing: list[str]


def load(root: Path) -> dict:
    """Settings of the archive, checked against their schema."""
    found = schema.load(root / SETTINGS, "archive")
    for rule in found["files"]:
        if NEVER in (rule["public"], rule["restricted"]) and "why" not in rule:
            raise InputError(
                f"The rule of {rule['patterns'][0]} leaves files out and does not say why", str(SETTINGS), "Give `why`"
            )
    return found


@cache
def pattern(text: str) -> re.Pattern:
    """A pattern of paths: ``*`` within a name, ``**`` over folders, ``{a,b}`` alternatives."""
    out = ""
    for part in re.findall(r"\{[^{}]*\}|\*\*/|\*\*|\*|[^*{}]+", text):
        if part.startswith("{"):
            out += "(?:" + "|".join(pattern(one).pattern.removesuffix(r"\Z") for one in part[1:-1].split(",")) + ")"
        else:
            out += {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*"}.get(part) or re.escape(part)
    return re.compile(out + r"\Z")


def fits(name: str, patterns: list[str]) -> bool:
    """Whether a path fits one of the patterns."""
    return any(pattern(one).match(name) for one in patterns)


def listed(root: Path, unread: list[str]) -> list[str]:
    """Paths of all files and links below the project, sorted; folders that ``unread`` names are not gone into."""
    found = []
    for folder, below, names in os.walk(root):
        base = os.path.relpath(folder, root).replace(os.sep, "/")
        path = "" if base == "." else base + "/"
        links = [name for name in below if os.path.islink(os.path.join(folder, name))]
        below[:] = [
            name for name in below if name not in links and f"{path}{name}" != ".git" and not fits(path + name, unread)
        ]
        found += [path + name for name in [*names, *links]]
    return sorted(found)


def synthetic(root: Path) -> bool:
    """Whether all survey files are marked as synthetic in their codebooks."""
    return all(book.synthetic for book in codebook.load_survey(root / "config" / "codebooks").values())


def choose(root: Path, settings: dict, flavour: str) -> Choice:
    """Apply the rules to the project's files.

    Survey records go into the public flavour only where they are synthetic; what users bring never goes in.
    """
    if flavour not in FLAVOURS:
        raise InputError(f"There is no flavour '{flavour}'", "FLAVOUR", f"Give one of {', '.join(FLAVOURS)}")
    free = synthetic(root)
    kept = [_kept(rule, flavour, free) for rule in settings["files"]]
    entries, left, undeclared = [], {}, []
    hit = set()
    for name in listed(root, settings["not_read"]):
        number = next((i for i, rule in enumerate(settings["files"]) if fits(name, rule["patterns"])), None)
        if number is None:
            undeclared.append(name)
            continue
        hit.add(number)
        rule = settings["files"][number]
        if kept[number]:
            entries.append(Entry(name, settings["renamed"].get(name, name), rule["kind"]))
        else:
            left[name] = _why(rule)
    missing = [
        rule["patterns"][0]
        for number, rule in enumerate(settings["files"])
        if rule.get("required") and number not in hit
    ]
    return Choice(entries, left, undeclared, missing)


def _kept(rule: dict, flavour: str, free: bool) -> bool:
    return rule[flavour] == ALWAYS or (rule[flavour] == SYNTHETIC and free)


def _why(rule: dict) -> str:
    return rule.get("why") or "survey records that are not synthetic"


def reasons(settings: dict, flavour: str, free: bool) -> list[tuple[list[str], str]]:
    """Patterns that stay out of a flavour, with the reason, whether such files are here or not: a package must not differ
    by what else lies in the folder that it was made in. free : all survey records are synthetic."""
    return [(rule["patterns"], _why(rule)) for rule in settings["files"] if not _kept(rule, flavour, free)]


def shared_names(entries: list[Entry]) -> list[str]:
    """Payload paths that two files claim, whatever their case."""
    seen: dict[str, str] = {}
    clashes = []
    for entry in entries:
        known = seen.setdefault(entry.target.casefold(), entry.source)
        if known != entry.source:
            clashes.append(f"{known} and {entry.source}")
    return clashes
