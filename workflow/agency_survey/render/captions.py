"""Numbered headings, figures and tables of a rendered book, read from its pages (of either engine)."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from .source import Book

LABEL = re.compile(r"(Figure|Table)\s+((?:[A-Z]\.|\d+\.)?\d+):\s*(.*)", re.DOTALL)
SECTION = re.compile(r"(?:Appendix\s+)?([A-Z]|\d+)((?:\.\d+)*)\s+(?:\u2014\s+)?(.*)", re.DOTALL)
NUMBER_CLASSES = {"chapter-number", "header-section-number"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class _Page(HTMLParser):
    """Collects (kind, id, text) of figure captions and headings inside <main>."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.catching: tuple[str, str, int] | None = None
        self.text: list[str] = []
        self.numbered = False
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        identifier = dict(attrs).get("id") or ""
        if self.catching and self.catching[0] == "heading" and not self.catching[1] and identifier:
            self.catching = ("heading", identifier, self.catching[2])
        if self.catching and NUMBER_CLASSES & set((dict(attrs).get("class") or "").split()):
            self.numbered = True
        if tag in VOID:
            return
        self.open.append((tag, identifier))
        if self.catching or "main" not in {name for name, _ in self.open}:
            return
        if tag == "figcaption":
            self._catch("caption", r"(fig|tbl)-", 1)
        elif re.fullmatch(r"h[1-6]", tag):
            parents = self.open[-2:] if self.open[-2][0] == "section" else self.open[-1:]
            self.catching = (
                "heading",
                next((name for _, name in reversed(parents) if name), ""),
                len(self.open),
            )

    def _catch(self, kind: str, pattern: str, skip: int) -> None:
        ids = [name for _, name in reversed(self.open[:-skip]) if re.match(pattern, name)]
        if ids:
            self.catching = (kind, ids[0], len(self.open))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or tag not in {name for name, _ in self.open}:
            return
        while self.open:
            depth, (name, _) = len(self.open), self.open.pop()
            if self.catching and self.catching[2] == depth:
                text = " ".join("".join(self.text).split())
                if self.catching[0] == "caption" or self.numbered or text.startswith("Appendix "):
                    self.found.append((self.catching[0], self.catching[1], text))
                self.catching, self.text, self.numbered = None, [], False
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        if self.catching:
            self.text.append(data)


def read_captions(book: Book, folder: Path) -> list[dict]:
    """Entries {kind, number, id, caption, page} in the book's order; kind is figure, table or section."""
    entries = []
    for chapter in book.chapters:
        page = _Page()
        page.feed((folder / chapter.page).read_text(encoding="utf-8"))
        for kind, identifier, text in page.found:
            match = (LABEL if kind == "caption" else SECTION).fullmatch(text)
            if not match or (kind == "heading" and not identifier):
                continue
            if kind == "caption":
                name, number, caption = match.groups()
            else:
                name, number, caption = "section", match[1] + match[2], match[3]
            entries.append(
                {
                    "kind": name.lower(),
                    "number": number,
                    "id": identifier,
                    "caption": caption,
                    "page": chapter.page,
                }
            )
    return entries
