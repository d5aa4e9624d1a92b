"""The bundled engine's PDF: pandoc's Typst writer and the ``typst`` wheel, with only the wheel's own fonts."""

from __future__ import annotations

import json
from pathlib import Path

from agency_survey.errors import InputError

from .dates import long_date
from .pandoc import Pandoc
from .source import Book
from .tree import has, pairs_of, para, plain, raw, walk
from .whole import is_note
from .widths import with_widths

STANDARDS = ["ua-1"]
TALL = 0.48  # of a page: a table of less than this is not broken


def typst_version() -> str:
    """Version of the typst wheel."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("typst")
    except PackageNotFoundError:
        raise InputError("The bundled engine needs the package typst", None, "Install it") from None


def typst_blocks(blocks: list) -> list:
    """The whole book with headings, callouts, notes and references as calls of the template's functions."""

    def visit(node: dict) -> list | None:
        kind = node["t"]
        if kind == "Math":
            return [
                raw("typst", f"#with-alt({_quote(node['c'][1].strip())})[", True),
                node,
                raw("typst", "]", True),
            ]
        if kind == "Table":
            attr, caption, columns, *rest = walk(node, visit)["c"]
            columns = with_widths(columns, node["c"][3:6], _line(len(columns)))
            return [{"t": "Table", "c": [attr, caption, columns, *rest]}]
        if kind == "Image":
            return [_image(node)]
        if kind == "Header":
            return [_heading(node, walk(node["c"][2], visit))]
        if kind == "Div":
            attr, blocks = node["c"]
            if has(attr, "callout"):
                title, *rest = walk(blocks, visit)
                name = next(one for one in attr[1] if one.startswith("callout-")).removeprefix("callout-")
                return _call(f'#callout("{name}", [', title["c"][1], "], [", rest, "])")
            if has(attr, "exhibit"):
                tall = f"(tall: {TALL})" if blocks[0]["t"] == "Table" else ""
                return _call(f"#exhibit{tall}[", walk(blocks, visit), "]")
            if is_note(node):
                return _call("#exhibit-note[", walk(blocks, visit), "]")
            if attr[0] == "refs":
                return _call("#bibliography-list[", walk(blocks, visit), "]")
        return None

    return walk(blocks, visit)


def _line(columns: int) -> int:
    """Characters that a line of a table holds, in the type that book.typ sets for its number of columns."""
    return 112 if columns <= 6 else 126 if columns <= 9 else 148


def _call(*pieces: str | list) -> list:
    """Raw Typst and block lists, in turn."""
    return [one for piece in pieces for one in ([raw("typst", piece)] if isinstance(piece, str) else piece)]


def _image(node: dict) -> dict:
    """An image with its alternative text, which pandoc's Typst writer leaves out."""
    attr, inlines, (path, _) = node["c"]
    width = pairs_of(attr).get("width", "")
    size = f", width: {width}" if width.endswith("%") else ""
    return raw("typst", f"#image({_quote(path)}, alt: {_quote(plain(inlines))}{size})", True)


def _quote(text: str) -> str:
    """A Typst string literal; JSON's escapes are Typst's, but for \\u."""
    return json.dumps(text, ensure_ascii=False)


def _heading(node: dict, inlines: list) -> dict:
    level, attr, _ = node["c"]
    number = pairs_of(attr).get("number")
    numbering = f"(..) => {_quote(number)}" if number else "none"
    opening = f"#heading(level: {level}, numbering: {numbering})["
    return para([raw("typst", opening, True), *inlines, raw("typst", f'] #label("{attr[0]}")', True)])


def source(pandoc: Pandoc, book: Book, blocks: list) -> str:
    """The complete Typst document."""
    body = pandoc.convert(typst_blocks(blocks), {}, ["--to=typst-citations"], "the book as Typst").decode("utf-8")
    body = body.replace("align(center)[#table(", "align(left)[#table(")
    fields = {
        "title": book.title,
        "subtitle": book.subtitle,
        "authors": list(book.authors),
        "date": long_date(book.date),
        "lang": book.lang.split("-")[0],
        "paper": book.paper,
        "notice": book.notice,
        "running-notice": book.running_notice,
    }
    data = json.dumps(json.dumps(fields, ensure_ascii=False), ensure_ascii=False)
    return f'#import "_extensions/book/book.typ": *\n#show: book.with(..json(bytes({data})))\n{body}\n'


def write_pdf(pandoc: Pandoc, book: Book, blocks: list, out: Path) -> None:
    """Write ``out``/<output-file>.pdf, tagged for accessibility (PDF/UA-1)."""
    import typst

    main = pandoc.cwd / "_book.typ"
    main.write_text(source(pandoc, book, blocks), encoding="utf-8")
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
    try:
        typst.compile(
            str(main),
            output=str(out / f"{book.output}.pdf"),
            root=str(pandoc.cwd),
            font_paths=fonts,
            timestamp=pandoc.epoch,
            pdf_standards=STANDARDS,
        )
    except typst.TypstError as error:
        said = " ".join(f"{error.message} {' '.join(error.hints)}".split())
        raise InputError(f"Typst could not set the PDF: {said}", "the book as Typst") from None
