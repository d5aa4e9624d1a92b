"""Chapters as readers see them, sentence by sentence: includes put in, numbers filled in, no markup."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from agency_survey.render import source

EXHIBIT = re.compile(r"results/[^/]+/(tables|figures)/")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"\N{LEFT DOUBLE QUOTATION MARK}(\[{@])")
BLOCK_START = re.compile(r"\s*(?:[-*+] |\d+[.)] |#{1,6} |: )")
ALIKE = 0.5


@dataclass(frozen=True)
class Sentence:
    """A sentence of a chapter: with shortcodes, as readers see it, the numbers that it prints, and its file."""

    template: str
    text: str
    ids: tuple[str, ...]
    origin: str


@dataclass(frozen=True)
class Chapter:
    """A chapter's file, title and sentences."""

    file: str
    title: str
    sentences: tuple[Sentence, ...]


def read(reports: Path, results: Path, numbers: dict[str, dict]) -> list[Chapter]:
    """Chapters of the book in its order; tables and figures are left out."""
    book = source.read_book(reports)
    present = [chapter for chapter in book.chapters if (reports / chapter.file).is_file()]
    return [_chapter(source.expand(chapter, reports, results), numbers) for chapter in present]


def fragments(results: Path, numbers: dict[str, dict]) -> list[Chapter]:
    """Texts of the results by rule, where a build's chapters are not at hand."""
    found: dict[str, list[Sentence]] = {}
    for path in sorted(results.glob("*/text/*.md")):
        name = f"results/{path.relative_to(results).as_posix()}"
        lines = path.read_text(encoding="utf-8").splitlines()
        rule = path.relative_to(results).parts[0]
        found.setdefault(rule, []).extend(_sentences(lines, [(name, 0)] * len(lines), numbers))
    return [Chapter(rule, rule, tuple(sentences)) for rule, sentences in found.items()]


def _chapter(text: source.Text, numbers: dict[str, dict]) -> Chapter:
    lines = text.text.splitlines()
    title = next((line[2:] for line in lines if line.startswith("# ")), text.chapter.file)
    return Chapter(text.chapter.file, _plain(title), tuple(_sentences(lines, text.origins, numbers)))


def _sentences(lines: list[str], origins: list[tuple[str, int]], numbers: dict[str, dict]) -> list[Sentence]:
    found = []
    for block, origin in _blocks(lines, origins):
        for template in SENTENCE_END.split(block):
            words = [code.split() for code in source.SHORTCODE.findall(template)]
            ids = tuple(dict.fromkeys(code[1] for code in words if len(code) > 1 and code[0] == "num"))
            text = _plain(source.SHORTCODE.sub(lambda match: _filled(match[1].split(), numbers), template))
            if text:
                found.append(Sentence(" ".join(template.split()), text, ids, origin))
    return found


def _blocks(lines: list[str], origins: list[tuple[str, int]]) -> list[tuple[str, str]]:
    """Paragraphs, items and headings, each with the file that it comes from."""
    found: list[tuple[list[str], str]] = []
    new = True
    for line, (origin, _), state in zip(lines, origins, source.fence_states(lines), strict=False):
        if state or EXHIBIT.match(origin) or not line.strip() or line.lstrip().startswith((":::", "<!--")):
            new = True
            continue
        if new or BLOCK_START.match(line) or found[-1][1] != origin:
            found.append(([], origin))
        found[-1][0].append(line.strip())
        new = line.startswith("#")
    return [(" ".join(block), origin) for block, origin in found]


def _filled(words: list[str], numbers: dict[str, dict]) -> str:
    if len(words) < 2 or words[0] != "num":
        return ""
    return str(numbers.get(words[1], {}).get("text", {}).get(words[2] if len(words) > 2 else "value", f"[{words[1]}]"))


def _plain(text: str) -> str:
    text = re.sub(r"^(#{1,6}|[-*+]|\d+[.)]) ", "", text.strip())
    text = re.sub(r"\s*\{[#.][^}]*\}", "", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\[([^\]]*)\]\{[^}]*\}", r"\1", text)
    text = re.sub(r"(?<!\\)[*`]|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)", "", text)
    return " ".join(re.sub(r"\\(.)", r"\1", text).replace("\N{WORD JOINER}", "").split())


def differences(old: Chapter | None, new: Chapter | None) -> list[tuple[Sentence | None, Sentence | None]]:
    """Sentences that differ, old beside new; None where one came or went."""
    before, after = (list(one.sentences) if one else [] for one in (old, new))
    matcher = SequenceMatcher(None, [one.text for one in before], [one.text for one in after], autojunk=False)
    found = []
    for what, first, last, start, end in matcher.get_opcodes():
        if what != "equal":
            found += _paired(before[first:last], after[start:end])
    return found


def _paired(before: list[Sentence], after: list[Sentence]) -> list[tuple[Sentence | None, Sentence | None]]:
    """Of sentences that were replaced, those of one wording or of a like one beside each other, in the new order."""
    left = list(before)
    found: list[tuple[Sentence | None, Sentence | None]] = []
    for new in after:
        match = next((old for old in left if old.template == new.template), None)
        if match is None:
            alike = [(SequenceMatcher(None, old.text.split(), new.text.split()).ratio(), old) for old in left]
            score, best = max(alike, key=lambda pair: pair[0], default=(0, None))
            match = best if score >= ALIKE else None
        if match is not None:
            left.remove(match)
        found.append((match, new))
    return [*found, *((old, None) for old in left)]
