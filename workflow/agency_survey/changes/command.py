"""`make changes` and `make accept`: compare, say it in the terminal, and leave the page and the JSON."""

from __future__ import annotations

from pathlib import Path

from agency_survey import files, provenance
from agency_survey.changes import accepted, comparison, page, state, summary

FOLDER = Path("results/changes")


def show(root: Path, base: str | None = None) -> str:
    """What moved since the base, as lines for the terminal; writes ``results/changes/{changes.json,index.html}``."""
    now = state.current(root)
    with state.base(root, base) as before:
        found = comparison.compare(before, now, base or "the accepted build")
        text = page.html(found, before, now)
    files.write_json(root / FOLDER / "changes.json", found)
    files.write_text(root / FOLDER / "index.html", text)
    lines = [summary.text(found), "", *_not_current(root)]
    lines.append(f"All of it, with pictures: {FOLDER}/index.html; as data: {FOLDER}/changes.json")
    return "\n".join(lines)


def _not_current(root: Path) -> list[str]:
    """A sentence where the results are not those of the files as they stand now."""
    try:
        wrong = provenance.status(root)
    except Exception as error:  # rules that cannot be read now do not matter to results that are there
        wrong = [str(error)]
    return [f"The results here are not of the files as they are now: {wrong[0]}"] if wrong else []


def accept(root: Path) -> str:
    """Keep the current build as the base; returns the sentence to say."""
    folder = accepted.accept(root)
    return f"This build is now the base of comparisons: {folder.relative_to(root)}/"
