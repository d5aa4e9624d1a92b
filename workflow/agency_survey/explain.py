"""What a build would run at most, and why, in words: from each thing that changed, over the rules, to the chapters."""

from __future__ import annotations

import textwrap
from pathlib import Path

from agency_survey import files, provenance
from agency_survey.jobs import Job
from agency_survey.provenance import CURRENT, STALE, Cause, State
from agency_survey.render.source import LEDGER, chapter_uses


def text(root: Path) -> str:
    """The whole explanation."""
    state, _ = provenance.state_of(root)
    most = len(state.jobs) - len(state.of(CURRENT))
    if not most:
        return "Nothing has changed since the last build: no job would run."
    uses = _uses(root)
    parts = []
    for causes, direct in _grouped(state):
        after = _downstream(state, direct)
        lines = [f"{_sentence(causes, state)}."]
        lines += _line("must run", [job.label for job in direct])
        lines += _line("then, each only if what it reads comes out different", [job.label for job in after])
        lines += _line("chapters that it can reach", _chapters(causes, [*direct, *after], uses))
        parts.append("\n".join(lines))
    surely = len(state.of(STALE))
    parts.append(f"{surely} of {len(state.jobs)} jobs must run; {most} can run at most.")
    return "\n\n".join(parts)


def _grouped(state: State) -> list[tuple[list[Cause], list[Job]]]:
    """Causes that concern the same jobs, together."""
    users: dict[Cause, list[Job]] = {}
    for job in state.of(STALE):
        for cause in state.causes[job.name]:
            users.setdefault(cause, []).append(job)
    groups: dict[tuple[str, ...], tuple[list[Cause], list[Job]]] = {}
    for cause, direct in users.items():
        key = tuple(job.name for job in direct)
        groups.setdefault(key, ([], direct))[0].append(cause)
    return list(groups.values())


def _sentence(causes: list[Cause], state: State) -> str:
    if causes[0].kind == "never":
        whole = len(state.of(STALE)) == len(state.jobs)
        return "Nothing was built here yet" if whole else "Some jobs were not built here yet"
    said = [cause.words() for cause in causes]
    if len(said) <= 3:
        return "; ".join(said)
    kind = {
        "changed": "inputs changed",
        "missing": "files are not there",
        "altered": "files are not what their rule left",
    }
    what = kind.get(causes[0].kind, "things changed")
    return f"{len(said)} {what}, among them {causes[0].what} and {causes[1].what}"


def _downstream(state: State, direct: list[Job]) -> list[Job]:
    """Jobs that read what these make, directly or through others."""
    reached = {name for job in direct for name in job.outputs}
    first, found = {job.name for job in direct}, []
    for job in state.jobs:
        if job.name not in first and reached & set(job.inputs):
            found.append(job)
            reached |= set(job.outputs)
    return found


def _uses(root: Path) -> dict[str, tuple[str, set[str]]]:
    """By file of a chapter: its title, and the rules whose exhibits, texts or numbers it shows."""
    ledger = root / LEDGER
    rule_of = {}
    if ledger.is_file():
        rule_of = {ident: one["rule"] for ident, one in files.read_json(ledger, "numbers")["numbers"].items()}
    return chapter_uses(root / "reports", rule_of)


def _chapters(causes: list[Cause], found: list[Job], uses: dict[str, tuple[str, set[str]]]) -> list[str]:
    """Titles of the chapters that show results of these jobs; of the one whose own text changed; all when the style did."""
    rules = {job.rule for job in found} - {"render"}
    if rules:
        return [title for title, shown in uses.values() if rules & shown]
    own = [uses[cause.what][0] for cause in causes if cause.what in uses]
    return own or ["all"]


def _line(words: str, names: list[str]) -> list[str]:
    if not names:
        return []
    return textwrap.wrap(
        f"{words}: {', '.join(dict.fromkeys(names))}", 110, initial_indent="  ", subsequent_indent="    "
    )
