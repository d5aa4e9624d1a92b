"""What a build would run at most, and why, in words: from each thing that changed, over the rules, to the chapters."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from agency_survey import files, progress, provenance
from agency_survey.changes import state as builds
from agency_survey.changes.causes import Causes
from agency_survey.jobs import Job
from agency_survey.provenance import CURRENT, STALE, Cause, Records, State
from agency_survey.render.source import LEDGER, chapter_uses

WIDEST, MOST = 100, 3
FEW = 6  # jobs or chapters that are named each; of more, those are named that are not among them


def text(root: Path) -> str:
    """The whole explanation."""
    state, records = provenance.state_of(root)
    most = len(state.jobs) - len(state.of(CURRENT))
    if not most:
        return "Nothing has changed since the last build: no job would run."
    told = Told(root, state, records)
    parts = []
    for causes, direct in _grouped(state):
        after = _downstream(state, direct)
        lines = told.sentence(causes, direct)
        lines += told.jobs("must run", direct)
        lines += told.jobs("then, each only if what it reads comes out different", after, direct)
        lines += told.chapters(causes, [*direct, *after])
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


def _downstream(state: State, direct: list[Job]) -> list[Job]:
    """Jobs that read what these make, directly or through others."""
    reached = {name for job in direct for name in job.outputs}
    first, found = {job.name for job in direct}, []
    for job in state.jobs:
        if job.name not in first and reached & set(job.inputs):
            found.append(job)
            reached |= set(job.outputs)
    return found


class Told:
    """Words for the parts of an explanation."""

    def __init__(self, root: Path, state: State, records: Records | None):
        self.root, self.state, self.records = root, state, records
        stages = progress.stages(root)
        self.sections = [job.rule for job in state.jobs if stages.get(job.rule) in ("chapters", "appendices")]

    # -- what changed --------------------------------------------------------------------------------------------------

    def sentence(self, causes: list[Cause], direct: list[Job]) -> list[str]:
        """What changed, and what in it, as lines."""
        if causes[0].kind == "never":
            whole = len(self.state.of(STALE)) == len(self.state.jobs)
            return ["Nothing was built here yet." if whole else "Some jobs were not built here yet."]
        if len(causes) <= MOST:
            said = [cause.words() + self._inside(cause, direct) for cause in causes]
            return _wrapped(f"{'; '.join(said)}.", "", "  ")
        kind = {
            "changed": "inputs changed",
            "missing": "files are not there",
            "altered": "files are not what their rule left",
        }
        what = kind.get(causes[0].kind, "things changed")
        return _wrapped(f"{len(causes)} {what}, among them {causes[0].what} and {causes[1].what}.", "", "  ")

    def _inside(self, cause: Cause, direct: list[Job]) -> str:
        """': entry C0001 entered', where the file as the records have it is at hand in the accepted build."""
        if cause.kind != "changed" or self._causes is None or self.records is None:
            return ""
        kept = self._causes.before.jobs.get(direct[0].name)
        if not kept or kept["inputs"].get(cause.what) != self.records.known[direct[0].name]["inputs"].get(cause.what):
            return ""  # another build came in between
        if self._causes.only_layout(cause.what):
            return ": comments, docstrings or layout alone"
        said = "; ".join(sorted(one.what for one in self._causes.of_source(cause.what) if one.what))
        return f": {said}" if said else ""

    @cached_property
    def _causes(self) -> Causes | None:
        folder = builds.accepted(self.root)
        if folder is None:
            return None
        return Causes(builds.State(folder / "results", folder), builds.State(self.root / "results", self.root))

    # -- what runs -----------------------------------------------------------------------------------------------------

    def jobs(self, words: str, found: list[Job], told: Sequence[Job] = ()) -> list[str]:
        """Jobs by name; most of the sections as one. told : jobs that were named already."""
        names = list(dict.fromkeys(job.label for job in found))
        here = [name for name in names if name in self.sections]
        known = {job.label for job in told}
        but = [name for name in self.sections if name not in here and name not in known]
        parts = [names]
        if len(here) > FEW and len(but) < len(here):
            at = names.index(here[0])
            whole = f"all {'other ' if known & set(self.sections) else ''}sections"
            whole += f" but {', '.join(but)}" if but else ""
            parts = [names[:at], [whole], [name for name in names[at:] if name not in here]]
        return _wrapped(f"{words}: {'; '.join(', '.join(part) for part in parts if part)}") if names else []

    # -- what it can reach ---------------------------------------------------------------------------------------------

    def chapters(self, causes: list[Cause], found: list[Job]) -> list[str]:
        """Chapters that show results of these jobs, that have changed themselves, or whose style did."""
        rules = {job.rule for job in found} - {"render", "ledger"}
        own = [cause.what for cause in causes if cause.what in self._uses]
        if rules:
            names = [title for file, (title, shown) in self._uses.items() if rules & shown or file in own]
        elif own:
            names = [self._uses[file][0] for file in own]
        else:
            names = [title for title, _ in self._uses.values()] if any(job.rule == "render" for job in found) else []
        but = [title for title, _ in self._uses.values() if title not in names]
        if len(names) > FEW and len(but) < len(names):
            names = ["all" + (f" but {', '.join(but)}" if but else "")]
        return _wrapped(f"chapters that it can reach: {', '.join(names)}") if names else []

    @cached_property
    def _uses(self) -> dict[str, tuple[str, set[str]]]:
        """By file of a chapter: its title, and the rules whose exhibits, texts or numbers it shows."""
        ledger = self.root / LEDGER
        rule_of = {}
        if ledger.is_file():
            rule_of = {ident: one["rule"] for ident, one in files.read_json(ledger, "numbers")["numbers"].items()}
        return chapter_uses(self.root / "reports", rule_of)


def _wrapped(line: str, first: str = "  ", others: str = "    ") -> list[str]:
    width = min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
    return textwrap.wrap(
        line, width, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )
