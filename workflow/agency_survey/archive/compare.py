"""Two packages compared as `make changes` compares two builds, and the other files that they do not share."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from agency_survey import files
from agency_survey.archive import bag, zipping
from agency_survey.changes import comparison, page, state, summary
from agency_survey.errors import InputError

MOST = 20


@dataclass(frozen=True)
class Files:
    """Payload files of two packages: those that differ, that only the first has, that only the second has."""

    changed: list[str]
    only_first: list[str]
    only_second: list[str]


def intact(path: Path) -> dict[str, str]:
    """Digest of each payload file of a package; InputError when the package is not intact."""
    contents, problems = zipping.check(path)
    if contents is not None and not problems:
        with zipfile.ZipFile(path) as archive:
            read = {
                name: archive.read(f"{contents.top}/{name}").decode("utf-8", "replace")
                for name in (bag.TAGS[2], bag.TAG_MANIFEST)
                if name in contents.digests
            }
        parsed = [bag.parse(read.get(name, ""), name) for name in (bag.TAGS[2], bag.TAG_MANIFEST)]
        problems = bag.compare(contents.digests, *parsed)
    if problems:
        raise InputError(f"The archive is refused ({path.name}):\n  " + "\n  ".join(problems[:MOST]))
    return {name: digest for name, digest in contents.digests.items() if name.startswith("data/")}


def differing(first: dict[str, str], second: dict[str, str]) -> Files:
    """Files by what became of them."""
    return Files(
        sorted(name for name in first.keys() & second.keys() if first[name] != second[name]),
        sorted(first.keys() - second.keys()),
        sorted(second.keys() - first.keys()),
    )


def text(first: Path, second: Path) -> str:
    """Lines for the terminal; writes the page and the data of the comparison beside the second package."""
    found = differing(intact(first), intact(second))
    stem = second.with_name(f"{second.name.removesuffix('.zip')}-against-{first.name.removesuffix('.zip')}")
    here = Path.cwd()
    with state.base(here, first.resolve()) as before, state.base(here, second.resolve()) as after:
        moved = comparison.compare(before, after, str(first))
        html = page.html(moved, before, after)
    files.write_json(stem.with_name(stem.name + ".json"), moved | {"files": vars(found)})
    files.write_text(stem.with_name(stem.name + ".html"), html)
    lines = [summary.text(moved), ""]
    for what, names in (
        ("that differ", found.changed),
        ("only in the first", found.only_first),
        ("only in the second", found.only_second),
    ):
        if names:
            lines.append(f"Files {what}: {len(names)}")
            lines += [f"  {name}" for name in names[:MOST]]
            lines += [f"  and {len(names) - MOST} more"] if len(names) > MOST else []
    if found == Files([], [], []):
        lines.append("All files of the two packages are the same.")
    lines.append(f"All of it, with pictures: {stem.name}.html; as data: {stem.name}.json")
    return "\n".join(lines)
