"""Checks of the book's sources before either engine runs: every problem at once, each with file and line."""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from agency_survey.errors import InputError

from .digits import Allowance, check_text, unused
from .source import LEDGER, SHORTCODE, Book, Text, expand, fence_states, locate

KINDS = ("fig", "tbl", "sec", "eq")
OTHER_KINDS = re.compile("lst|thm|lem|cor|prp|cnj|def|exm|exr|sol|rem|alg|nte|tip|wrn|imp|cau|vid")
INLINE_CODE = re.compile(r"(?<!`)(`+)(?!`)((?:(?!\n[ \t]*\n).)+?)(?<!`)\1(?!`)", re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
MATH = re.compile(r"\$\$.*?\$\$|(?<![\\$])\$(?=[^\s$])[^$\n]*?(?<=\S)(?<!\\)\$(?!\d)", re.DOTALL)
ATTRIBUTES = re.compile(r'(?<!\{)\{((?:[^{}"]|"[^"]*")*)\}')
ATTRIBUTE_ID = re.compile(r"(?:^|\s)#([^\s#]+)")
HEADING = re.compile(r"^(#{1,6})[ \t]+(.*)$", re.MULTILINE)
CALLOUT_BEFORE = re.compile(r"^:{3,}[^\n]*callout-[^\n]*\s*\Z", re.MULTILINE)
LINK = re.compile(r"\]\(\s*<?([^\s)>]+)>?[^)\n]*\)")
LINK_DEFINITION = re.compile(r"^ {0,3}\[(?!\^)[^\]]+\]:\s*<?([^\s>]+)", re.MULTILINE)
URL = re.compile(r"<[^<>\s]+>|\b(?:https?://|mailto:|www\.)[^\s)>\]]+")
CITATION = re.compile(r"(?<![\w\\@/.])@(?:\{([^{}\s]+)\}|(\w(?:\w|[:.#$%&\-+?<>~/](?=\w))*))")
NOTE_USE = re.compile(r"\[\^([^\]\s]+)\](?!:)")
NOTE_DEFINITION = re.compile(r"^\[\^([^\]\s]+)\]:", re.MULTILINE)
BIB_KEY = re.compile(r"^\s*@(?!comment|string|preamble)\w+\s*\{\s*([^,\s]+)\s*,", re.MULTILINE | re.IGNORECASE)
DOWNLOADS = (".pdf", ".docx")


@dataclass
class Scan:
    """What one chapter defines and uses; offsets are into ``text.text``."""

    text: Text
    ids: list[tuple[str, int]] = field(default_factory=list)
    automatic: set[str] = field(default_factory=set)
    unnumbered: set[str] = field(default_factory=set)
    links: list[tuple[str, int]] = field(default_factory=list)
    images: list[tuple[str, str | None, int]] = field(default_factory=list)
    citations: list[tuple[str, int]] = field(default_factory=list)
    shortcodes: list[tuple[str, int, bool]] = field(default_factory=list)
    note_uses: list[tuple[str, int]] = field(default_factory=list)
    notes: list[tuple[str, int]] = field(default_factory=list)
    problems: list[tuple[str, int, str]] = field(default_factory=list)

    def say(self, offset: int, message: str) -> None:
        file, line = self.text.where(offset)
        self.problems.append((file, line, message))


def blank(text: str, pattern: re.Pattern) -> str:
    """``text`` with each match replaced by spaces of the same length, line ends kept."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def mask_code(text: str) -> str:
    """``text`` with code blocks, inline code, comments and math blanked."""
    lines = text.split("\n")
    states = fence_states(lines)
    text = "\n".join(" " * len(line) if state else line for line, state in zip(lines, states, strict=True))
    for pattern in (COMMENT, INLINE_CODE, MATH):
        text = blank(text, pattern)
    return text


def automatic_id(heading: str) -> str:
    """The identifier pandoc gives a heading without one (its extension auto_identifiers)."""
    plain = re.sub(r"\[\^[^\]]*\]|\]\([^)]*\)|\{[^{}]*\}|[*`\[\]]", "", heading)
    plain = "".join(c for c in plain.lower() if c.isalnum() or c in "_-. " or unicodedata.combining(c))
    return re.sub(r"^[^a-z\u00aa-\uffff]+", "", re.sub(r"\s+", "-", plain.strip())) or "section"


def is_image(masked: str, close: int) -> bool:
    """Whether the bracket that closes at ``close`` belongs to an image, ``![...]``."""
    depth = 0
    for index in range(close, -1, -1):
        depth += {"]": 1, "[": -1}.get(masked[index], 0)
        if depth == 0:
            return index > 0 and masked[index - 1] == "!"
    return False


def scan(text: Text) -> Scan:
    """Find what a chapter defines and uses, blind to code, addresses and e-mail."""
    found = Scan(text, problems=list(text.problems))
    _scan_cells(found)
    code_free = mask_code(text.text)
    _scan_shortcodes(found, code_free)
    masked = blank(code_free, SHORTCODE)
    _scan_headings(found, masked)
    for match in ATTRIBUTES.finditer(masked):
        bare = re.sub(r'"[^"]*"', lambda quoted: " " * len(quoted[0]), match[1])
        found.ids += [(one[1], match.start(1) + one.start(1)) for one in ATTRIBUTE_ID.finditer(bare)]
    for match in [*LINK.finditer(masked), *LINK_DEFINITION.finditer(masked)]:
        if masked[match.start()] == "]" and is_image(masked, match.start()):
            attributes = ATTRIBUTES.match(masked, match.end())
            found.images.append((match[1], attributes[1] if attributes else None, match.start()))
        else:
            found.links.append((match[1], match.start(1)))
    found.notes = [(match[1], match.start()) for match in NOTE_DEFINITION.finditer(masked)]
    found.note_uses = [(match[1], match.start()) for match in NOTE_USE.finditer(masked)]
    for pattern in (ATTRIBUTES, LINK, LINK_DEFINITION, URL):
        masked = blank(masked, pattern)
    found.citations = [(match[1] or match[2], match.start()) for match in CITATION.finditer(masked)]
    return found


def _scan_cells(found: Scan) -> None:
    lines = found.text.text.split("\n")
    offset = 0
    for line, state in zip(lines, fence_states(lines), strict=True):
        if state == "open" and re.search(r"[`~]{3,}\s*\{\s*[A-Za-z]", line):
            found.say(offset, "a code cell: results come from rules, chapters hold no code to run")
        offset += len(line) + 1


def _scan_shortcodes(found: Scan, code_free: str) -> None:
    spans = [match.span() for match in ATTRIBUTES.finditer(blank(code_free, SHORTCODE))]
    for match in SHORTCODE.finditer(blank(found.text.text, COMMENT)):
        if "{{<" not in code_free[match.start() : match.end()]:
            found.say(match.start(), f"Quarto runs {match[0]} even in code; to show it write {{{match[0]}}}")
            continue
        inside = any(start < match.start() < end for start, end in spans)
        found.shortcodes.append((match[1], match.start(), inside))


def _scan_headings(found: Scan, masked: str) -> None:
    first = len(masked) - len(masked.lstrip())
    titles = [match.start() for match in HEADING.finditer(masked) if len(match[1]) == 1]
    if not titles or titles[0] != first:
        found.say(first, "a chapter begins with its title, as in '# Title {#sec-name}'")
    for offset in titles[1:]:
        found.say(offset, "a second title ('# ...') in one chapter; use '## ...'")
    whole_chapter, level = False, 0
    for match in HEADING.finditer(masked):
        if CALLOUT_BEFORE.search(masked, 0, match.start()):
            continue  # the title of a callout, not a section
        if len(match[1]) > level + 1 and level:
            found.say(
                match.start(),
                f"heading of level {len(match[1])} under one of level {level}: a level is skipped",
            )
        level = len(match[1])
        attributes = ATTRIBUTES.search(match[2])
        words = attributes[1].split() if attributes else []
        explicit = [word[1:] for word in words if word.startswith("#")]
        unnumbered = ".unnumbered" in words or "-" in words
        whole_chapter = whole_chapter or (unnumbered and match.start() == first)
        name = explicit[0] if explicit else automatic_id(found.text.text[match.start(2) : match.end(2)])
        if not explicit:
            found.automatic.add(name)
        if unnumbered or whole_chapter:
            found.unnumbered.add(name)


def suggestion(word: str, known) -> str:
    """' (did you mean ...?)' with the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""


def bibliography_keys(book: Book, reports: Path) -> tuple[set[str], list[str]]:
    """The keys of the book's bibliography files, and the names of files that are not there."""
    keys, absent = set(), []
    for name in book.bibliography:
        path = Path(reports) / name
        if path.is_file():
            keys |= set(BIB_KEY.findall(path.read_text(encoding="utf-8")))
        else:
            absent.append(name)
    return keys, absent


def read_numbers(results: Path) -> dict:
    """The ledger's numbers by id."""
    path = locate(LEDGER, Path(), results)
    try:
        return json.loads(path.read_text(encoding="utf-8"))["numbers"]
    except FileNotFoundError:
        raise InputError("The ledger of published numbers is not there", LEDGER, "Run `make report`") from None
    except (ValueError, KeyError):
        raise InputError("The ledger is damaged", LEDGER, "Delete it and run `make report` again") from None


def check_book(book: Book, reports: Path, results: Path, allowed: list[Allowance] | None = None) -> list[Text]:
    """Check every chapter; return the expanded texts, or raise one InputError that lists all problems.

    allowed : what may be typed into the text (``digits.read_allowed``); None leaves digits unchecked.
    """
    problems: list[tuple[str, int, str]] = []
    scans: list[Scan] = []
    for chapter in book.chapters:
        if (Path(reports) / chapter.file).is_file():
            scans.append(scan(expand(chapter, reports, results)))
        else:
            line = _line_of(Path(reports) / "_quarto.yml", chapter.file)
            problems.append(("reports/_quarto.yml", line, f"chapter {chapter.file} is listed but not there"))
    keys, absent = bibliography_keys(book, reports)
    problems += [("reports/_quarto.yml", 1, f"bibliography {name} is not there") for name in absent]
    numbers = read_numbers(results)
    homes = _check_ids(scans)
    for found in scans:
        _check_shortcodes(found, numbers)
        _check_citations(found, homes, keys)
        _check_links(found, scans, book)
        _check_images(found, reports, results)
        _check_notes(found, scans)
        problems += found.problems
        if allowed is not None:
            problems += check_text(found.text, allowed)
    if allowed is not None:
        problems += [*_check_titles(book, reports, allowed), *unused(allowed)]
    if problems:
        _raise(problems)
    return [found.text for found in scans]


def _check_titles(book: Book, reports: Path, allowed: list[Allowance]) -> list[tuple[str, int, str]]:
    """Digits in what _quarto.yml prints: title, subtitle and the notice on every page."""
    found = []
    for words in (book.title, book.subtitle, book.notice):
        line = _line_of(Path(reports) / "_quarto.yml", words[:30])
        place = Text(book.chapters[0], words, [("reports/_quarto.yml", line)])
        found += check_text(place, allowed)
    return found


def _line_of(path: Path, word: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((n for n, line in enumerate(lines, 1) if word in line), 1)


def _raise(problems: list[tuple[str, int, str]]) -> None:
    """One error for all: the first problem in its first line, each further one in a line of its own."""
    said = [f"{file}:{line}: {message}" for file, line, message in dict.fromkeys(problems)]
    more = f" ({len(said)} problems in all)" if len(said) > 1 else ""
    raise InputError("\n  ".join([f"The book cannot be rendered{more}: {said[0]}", *said[1:]]))


def _check_ids(scans: list[Scan]) -> dict[str, Scan]:
    """Explicit identifiers are unique in the whole book; returns where each one lives."""
    homes: dict[str, Scan] = {}
    places: dict[str, tuple[str, int]] = {}
    for found in scans:
        for name, offset in found.ids:
            if name in homes:
                file, line = places[name]
                found.say(offset, f"identifier {name} is used twice, first in {file}:{line}")
            else:
                homes[name], places[name] = found, found.text.where(offset)
    return homes


def _check_shortcodes(found: Scan, numbers: dict) -> None:
    for code, offset, in_attributes in found.shortcodes:
        words = code.split()
        name, arguments = (words[0], words[1:]) if words else ("", [])
        if name == "include":
            what = "an included file cannot include another"
            if found.text.where(offset)[0].startswith("reports/"):
                what = "an include stands alone on its line, from the first column"
            found.say(offset, what)
        elif name != "num":
            found.say(offset, f"shortcode {name or '(empty)'} is not known here (num and include are)")
        elif in_attributes:
            found.say(offset, "a number cannot stand inside {...} attributes")
        elif not 1 <= len(arguments) <= 2:
            found.say(offset, "write {{< num id >}} or {{< num id field >}}")
        elif arguments[0] not in numbers:
            found.say(offset, f"unknown number {arguments[0]}{suggestion(arguments[0], numbers)}")
        elif len(arguments) == 2 and arguments[1] not in numbers[arguments[0]]["text"]:
            fields = sorted(numbers[arguments[0]]["text"])
            found.say(offset, f"number {arguments[0]} has no field {arguments[1]} (it has {', '.join(fields)})")


def _check_citations(found: Scan, homes: dict[str, Scan], keys: set[str]) -> None:
    for name, offset in found.citations:
        kind = name.split("-")[0].lower() if "-" in name else ""
        target = name[:1].lower() + name[1:]
        if OTHER_KINDS.fullmatch(kind):
            found.say(offset, f"@{name}: cross-references of kind {kind} are not supported (use {', '.join(KINDS)})")
        elif kind in KINDS and target not in homes:
            alike = [one for one in homes if one.startswith(kind + "-")]
            found.say(offset, f"unresolved reference @{name}{suggestion(target, alike)}")
        elif kind == "sec" and target in homes[target].unnumbered:
            found.say(offset, f"@{name} points to a heading without a number; write [text](file.qmd#{target})")
        elif kind not in KINDS and name not in keys:
            found.say(offset, f"citation key {name} is not in the bibliography{suggestion(name, keys)}")


def _check_links(found: Scan, scans: list[Scan], book: Book) -> None:
    files = {one.text.chapter.file: one for one in scans}
    outputs = {book.output + suffix for suffix in DOWNLOADS}
    for target, offset in found.links:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", target) or target in outputs:
            continue
        file, _, anchor = target.partition("#")
        home = files.get(file.removeprefix("./")) if file else found
        if home is None:
            found.say(offset, f"link to {file}, which is not a chapter{suggestion(file, files)}")
            continue
        here = {name for name, _ in home.ids} | home.automatic
        if anchor and anchor not in here:
            other = next((one.text.chapter.file for one in scans if anchor in dict(one.ids)), None)
            hint = f"; it is in {other}#{anchor}" if other else suggestion(anchor, here)
            found.say(offset, f"link to #{anchor}, which is not in {home.text.chapter.file}{hint}")


def _check_images(found: Scan, reports: Path, results: Path) -> None:
    for target, attributes, offset in found.images:
        if re.match(r"[a-z]+://", target):
            found.say(offset, f"image {target} lies outside the book; put it into the book's folder")
        elif not locate(target, reports, results).is_file():
            found.say(offset, f"image {target} is not there")
        if not re.search(r'\bfig-alt="[^"]+"', attributes or ""):
            found.say(offset, f'image {target} has no alternative text; add {{fig-alt="..."}}')


def _check_notes(found: Scan, scans: list[Scan]) -> None:
    first: dict[str, tuple[Scan, int]] = {}
    for one in scans:
        for name, offset in one.notes:
            first.setdefault(name, (one, offset))
    defined = {name for name, _ in found.notes}
    for name, offset in found.note_uses:
        if name not in defined:
            found.say(offset, f"footnote [^{name}] has no text in this chapter{suggestion(name, defined)}")
    for name, offset in found.notes:
        home, place = first[name]
        if home is not found or place != offset:
            file, line = home.text.where(place)
            found.say(offset, f"footnote label {name} is used twice in the book, first in {file}:{line}")
