"""The bundled engine: chapters through pandoc to a tree, numbers and references, then three writers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agency_survey.errors import InputError

from . import docx, html, pdf
from .crossref import Part, resolve_book
from .pandoc import Pandoc, find_pandoc
from .source import SHORTCODE, Book, Text
from .tree import attributes, div, walk
from .whole import document_blocks

THREADS = 4


def versions() -> dict[str, str]:
    """What the engine consists of; an InputError when a wheel is missing."""
    return {"pandoc": find_pandoc()[1], "typst": pdf.typst_version()}


def render_bundled(book: Book, texts: list[Text], work: Path, epoch: int) -> Path:
    """Render the staged book in ``work`` into ``work``/_book and return that folder."""
    path, version = find_pandoc()
    pandoc = Pandoc(path, version, work, epoch)
    out = work / "_book"
    out.mkdir()
    with ThreadPoolExecutor(THREADS) as pool:
        trees = list(pool.map(lambda text: parse(pandoc, text), texts))
        parts = cite(pandoc, book, resolve_book(book, trees))
        blocks = document_blocks(parts)
        jobs = [
            pool.submit(pdf.write_pdf, pandoc, book, blocks, out),
            pool.submit(docx.write_docx, pandoc, book, blocks, out),
            pool.submit(html.write_site, pandoc, book, parts, out),
        ]
        for job in jobs:
            job.result()
    return out


def prepare(text: str) -> str:
    """Shortcodes as spans that the Lua filter fills; {{{< ... >}}} shown with two braces, as in Quarto."""
    text = SHORTCODE.sub(lambda match: f'[]{{.shortcode call="{match[1]}"}}', text)
    return text.replace("{{{<", "{{<").replace(">}}}", ">}}")


def parse(pandoc: Pandoc, text: Text) -> list:
    """A chapter's text as pandoc blocks, its numbers filled in."""
    arguments = ["--from=markdown", "--to=json", "--lua-filter=_extensions/book/bundled.lua"]
    source = prepare(text.text).encode("utf-8")
    return json.loads(pandoc.run(arguments, source, f"reports/{text.chapter.file}"))["blocks"]


def cite(pandoc: Pandoc, book: Book, parts: list[Part]) -> list[Part]:
    """Citations and the bibliography of the whole book, in pandoc's default style (Chicago author-date)."""
    if not book.bibliography:
        return parts
    arguments = ["--to=json", "--citeproc", "--metadata=link-citations:true", f"--metadata=lang:{book.lang}"]
    arguments += [f"--bibliography={name}" for name in book.bibliography]
    marked = [div(attributes("", ["book-chapter"]), part.blocks) for part in parts]
    chapters = json.loads(pandoc.convert(marked, {}, arguments, "the book's citations"))["blocks"]
    if len(chapters) != len(parts):
        raise InputError("The bibliography has no place", "reports", "Add a chapter with '::: {#refs}' and ':::'")
    home = next((part.chapter.file for part, one in zip(parts, chapters, strict=True) if _holds_refs(one)), "")

    def relink(node: dict) -> list | None:
        if node["t"] == "Link" and node["c"][2][0].startswith("#ref-"):
            attr, inlines, (target, title) = node["c"]
            return [{"t": "Link", "c": [attr, inlines, [home + target, title]]}]
        return None

    for part, chapter in zip(parts, chapters, strict=True):
        part.blocks = walk(chapter["c"][1], relink)
    return parts


def _holds_refs(block: dict) -> bool:
    return any(one["t"] == "Div" and (one["c"][0][0] == "refs" or _holds_refs(one)) for one in block["c"][1])
