"""What each chapter of the book shows: the fragments that it includes and the numbers that it prints itself."""

from __future__ import annotations

import re
from pathlib import Path

from .source import SHORTCODE, fence_states, include_target, read_book

TITLE = re.compile(r"^#[ \t]+(.*?)[ \t]*(?:\{([^}]*)\})?[ \t]*$", re.MULTILINE)


def numbers_in(text: str) -> list[str]:
    """Ids of the numbers that a text prints, once for each place."""
    words = (code.split() for code in SHORTCODE.findall(text))
    return [one[1] for one in words if len(one) > 1 and one[0] == "num"]


def chapters(reports: Path) -> list[dict]:
    """The book's chapters in order: file, label ('3', 'A', or '' where it has none), title, fragments, numbers."""
    found, count, letter = [], 0, 0
    for chapter in read_book(Path(reports)).chapters:
        path = Path(reports) / chapter.file
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        title = TITLE.search(text)
        label = ""
        if not (title and re.search(r"(^|\s)(\.unnumbered|-)(\s|$)", title[2] or "")):
            count, letter = (count, letter + 1) if chapter.appendix else (count + 1, letter)
            label = chr(ord("A") + letter - 1) if chapter.appendix else str(count)
        lines = text.splitlines()
        plain = [line for line, state in zip(lines, fence_states(lines), strict=True) if not state]
        fragments = [target for line in plain if (target := include_target(line)) and target.startswith("results/")]
        found.append(
            {
                "file": chapter.file,
                "label": label,
                "title": title[1] if title else chapter.file,
                "fragments": fragments,
                "numbers": numbers_in("\n".join(line for line in plain if not include_target(line))),
            }
        )
    return found


def texts(reports: Path, rule: str) -> list[str]:
    """Texts of rules that chapters include, but for those of one rule; sorted."""
    found = {target for chapter in chapters(reports) for target in chapter["fragments"]}
    return sorted(one for one in found if one.split("/")[2] == "text" and one.split("/")[1] != rule)
