"""The book's sources: its configuration, chapters with their includes expanded, and what they depend on.

Standard library and PyYAML only: the Snakefile imports this at parse time.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import yaml

from agency_survey.errors import InputError

CONFIG = "_quarto.yml"
ENGINE_NOTE = "_engine.md"
LEDGER = "results/ledger/printed.json"
SHORTCODE = re.compile(r"(?<!\{)\{\{<\s*(.*?)\s*>\}\}(?!\})")
INCLUDE_LINE = re.compile(r"\{\{<\s+include\s+(\S+)\s+>\}\}\s*$")
FENCE = re.compile(r"^\s*(?:>\s*)*(`{3,}|~{3,})\s*(.*)$")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".svg")


@dataclass(frozen=True)
class Chapter:
    """One chapter file of the book; ``appendix`` chapters are lettered."""

    file: str
    appendix: bool = False

    @property
    def page(self) -> str:
        return str(PurePosixPath(self.file).with_suffix(".html"))


@dataclass(frozen=True)
class Book:
    """What _quarto.yml says; only the keys that both engines honour."""

    title: str
    subtitle: str
    authors: tuple[str, ...]
    date: str
    lang: str
    notice: str
    output: str
    number_depth: int
    paper: str
    bibliography: tuple[str, ...]
    chapters: tuple[Chapter, ...]

    @property
    def running_notice(self) -> str:
        """The notice in one line for every page: its sentences without what follows a colon."""
        return re.sub(r":[^.]*(?=\.)", "", self.notice)


@dataclass
class Text:
    """A chapter's text with includes expanded; ``origins[i]`` is (file, line) of line i."""

    chapter: Chapter
    text: str
    origins: list[tuple[str, int]]
    problems: list[tuple[str, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._starts = [0] + [m.end() for m in re.finditer("\n", self.text)]

    def where(self, offset: int) -> tuple[str, int]:
        """File and line of a character of ``text``."""
        return self.origins[min(bisect_right(self._starts, offset) - 1, len(self.origins) - 1)]


def _names(value) -> tuple[str, ...]:
    """Author or bibliography entries: one string, one {name: ...}, or a list of either."""
    items = value if isinstance(value, list) else [value]
    return tuple(str(item["name"]) if isinstance(item, dict) else str(item) for item in items if item)


def read_book(reports: Path) -> Book:
    """Read _quarto.yml; a key that is missing or not understood by both engines is an InputError."""
    path = Path(reports) / CONFIG
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise InputError("The book has no configuration", str(path), "Restore the file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError("The book's configuration is not valid YAML", f"{path}{line}", "Mend its syntax") from None
    book = config.get("book") or {}
    missing = [key for key in ("title", "author", "date", "chapters") if not book.get(key)]
    if missing:
        raise InputError(f"The book's configuration lacks book: {', '.join(missing)}", str(path), "Add it")
    chapters = [Chapter(name) for name in _chapter_files(book["chapters"], path)]
    chapters += [Chapter(name, True) for name in _chapter_files(book.get("appendices") or [], path)]
    if chapters[0].file != "index.qmd":
        raise InputError("The first chapter of a Quarto book is index.qmd", str(path), "List it first")
    return Book(
        title=str(book["title"]),
        subtitle=str(book.get("subtitle") or ""),
        authors=_names(book["author"]),
        date=str(book["date"]),
        lang=str(config.get("lang") or "en"),
        notice=str(config.get("synthetic-notice") or ""),
        output=str(book.get("output-file") or "report"),
        number_depth=int(config.get("number-depth") or 6),
        paper=str(((config.get("format") or {}).get("typst") or {}).get("papersize") or "us-letter"),
        bibliography=_names(config.get("bibliography")),
        chapters=tuple(chapters),
    )


def _chapter_files(items: list, path: Path) -> list[str]:
    for item in items:
        if not isinstance(item, str) or not item.endswith(".qmd"):
            raise InputError(f"Chapter entry {item!r} is not the name of a .qmd file", str(path), "Name one file")
    return items


def fence_states(lines: list[str]) -> list[str]:
    """For each line: 'open', 'code' or 'close' inside a fenced code block, '' outside."""
    states, fence = [], ""
    for line in lines:
        match = FENCE.match(line)
        if fence:
            closes = match and match[1][0] == fence[0] and len(match[1]) >= len(fence) and not match[2].strip()
            states.append("close" if closes else "code")
            fence = "" if closes else fence
        elif match and not (match[1][0] == "`" and "`" in match[2]):
            fence = match[1]
            states.append("open")
        else:
            states.append("")
    return states


def include_target(line: str) -> str | None:
    """The path of an include that stands alone on its line, else None."""
    match = INCLUDE_LINE.match(line)
    return match[1] if match else None


def locate(target: str, reports: Path, results: Path) -> Path:
    """Where a path of the staged book comes from: results/... from the results, the rest from reports/."""
    if target.startswith("results/"):
        return Path(results) / target.removeprefix("results/")
    return Path(reports) / target


def expand(chapter: Chapter, reports: Path, results: Path, engine_note: str = "") -> Text:
    """The chapter's text with its includes put in (one level); problems are noted, not raised."""
    lines, origins, problems = [], [], []
    label = f"reports/{chapter.file}"
    source = (Path(reports) / chapter.file).read_text(encoding="utf-8").splitlines()
    for number, (line, state) in enumerate(zip(source, fence_states(source), strict=True), 1):
        target = None if state else include_target(line)
        if target is None:
            lines.append(line)
            origins.append((label, number))
            continue
        path = locate(target, reports, results)
        if target == ENGINE_NOTE:
            included = [engine_note]
        elif path.is_file():
            included = path.read_text(encoding="utf-8").splitlines()
        else:
            problems.append((label, number, f"included file {target} is not there"))
            included = []
        lines += ["", *included, ""]
        origins += [(label, number), *((target, n) for n in range(1, len(included) + 1)), (label, number)]
    return Text(chapter, "\n".join(lines) + "\n", [*origins, (label, len(source))], problems)


def book_dependencies(reports: Path) -> dict:
    """What a render of the book reads, from the chapters alone (fragments need not exist yet).

    ``numbers``: the ids of the published numbers that chapters name; ``fragments``: paths results/... of the
    included fragments, and for a figure's fragment its .png; ``files``: the sources, relative to ``reports``.
    """
    reports = Path(reports)
    book = read_book(reports)
    numbers: set[str] = set()
    fragments: set[str] = set()
    files = {CONFIG, *book.bibliography, *(chapter.file for chapter in book.chapters)}
    extensions = reports / "_extensions"
    files |= {p.relative_to(reports).as_posix() for p in extensions.rglob("*") if p.is_file() and p.suffix != ".pyc"}
    for chapter in book.chapters:
        path = reports / chapter.file
        source = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        for line, state in zip(source, fence_states(source), strict=True):
            if state:
                continue
            target = include_target(line)
            if target and target.startswith("results/"):
                fragments.add(target)
                if "/figures/" in target:
                    fragments.add(str(PurePosixPath(target).with_suffix(".png")))
            elif target and target != ENGINE_NOTE:
                files.add(target)
            for code in SHORTCODE.findall(line):
                words = code.split()
                if len(words) > 1 and words[0] == "num":
                    numbers.add(words[1])
            for image in re.findall(r"\]\(([^)\s#]+)\)", line):
                if image.endswith(IMAGE_SUFFIXES) and "://" not in image:
                    (fragments if image.startswith("results/") else files).add(image)
    return {"numbers": numbers, "fragments": sorted(fragments), "files": sorted(files)}


def chapter_uses(reports: Path, rule_of: dict[str, str]) -> dict[str, tuple[str, set[str]]]:
    """By chapter (``reports/...``): its title, and the rules whose fragments and numbers it shows itself.

    rule_of : the rule of each number's id.
    """
    found = {}
    for chapter in read_book(reports).chapters:
        path = Path(reports) / chapter.file
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        heading = re.search(r"^#\s+(.*?)\s*(\{.*\})?\s*$", text, re.M)
        targets = filter(None, map(include_target, text.splitlines()))
        rules = {target.split("/")[1] for target in targets if target.startswith("results/")}
        codes = (code.split() for code in SHORTCODE.findall(text))
        rules |= {rule_of[code[1]] for code in codes if code[:1] == ["num"] and len(code) > 1 and code[1] in rule_of}
        found[f"reports/{chapter.file}"] = (heading[1] if heading else chapter.file, rules)
    return found
