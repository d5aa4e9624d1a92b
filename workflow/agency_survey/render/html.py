"""The bundled engine's web pages: one page a chapter, with navigation and a search index; all files local."""

from __future__ import annotations

import html
import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Template

from .crossref import Part
from .dates import long_date
from .pandoc import Pandoc
from .source import Book
from .tree import SPACE, attributes, div, has, link, pairs_of, plain, raw, span, string, walk

ASSETS = ("site.css", "notes.css", "site.js")
FIRST_COLUMN = 26


def write_site(pandoc: Pandoc, book: Book, parts: list[Part], out: Path) -> None:
    """Write the pages, the assets under site/, and the images at the paths they have in the book."""
    template = Template((pandoc.cwd / "_extensions/book/page.html").read_text(encoding="utf-8"))
    trees = [page_tree(part) for part in parts]
    with ThreadPoolExecutor(2) as pool:
        bodies = list(pool.map(lambda pair: _body(pandoc, *pair), zip(parts, trees, strict=True)))
    site = out / "site"
    site.mkdir()
    for name in ASSETS:
        shutil.copyfile(pandoc.cwd / "_extensions/book" / name, site / name)
    entries = [entry for part in parts for entry in search_entries(part)]
    index = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    (site / "search-index.js").write_text(f"window.bookSearch({index});\n", encoding="utf-8")
    for name in sorted({image for tree in trees for image in _images(tree)}):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pandoc.cwd / name, out / name)
    for number, (part, body) in enumerate(zip(parts, bodies, strict=True)):
        page = template.substitute(page_fields(book, parts, number, body))
        (out / part.chapter.page).write_text(page, encoding="utf-8")


def _body(pandoc: Pandoc, part: Part, tree: list) -> str:
    arguments = ["--to=html5", "--section-divs", "--mathml", "--email-obfuscation=none"]
    text = _scoped(pandoc.convert(tree, {}, arguments, f"reports/{part.chapter.file}").decode("utf-8"))
    # Pandoc marks the notes' section without a name for it; a landmark needs one.
    return text.replace('role="doc-endnotes">', 'role="doc-endnotes" aria-label="Notes">')


def _scoped(page: str) -> str:
    """The page with its tables' heads said to be of columns, and those of the body to be of rows."""
    head = re.compile(r"<th(?=[ >])")
    page = re.sub(r"<thead>.*?</thead>", lambda match: head.sub('<th scope="col"', match[0]), page, flags=re.DOTALL)
    return re.sub(r"<th(?=[ >])(?! scope)", '<th scope="row"', page)


def page_tree(part: Part) -> list:
    """A chapter's tree as the HTML writer needs it."""

    def visit(node: dict) -> list | None:
        kind = node["t"]
        if kind == "Link":
            attr, inlines, (target, title) = node["c"]
            target = re.sub(r"^([^:#]+)\.qmd(?=#|$)", r"\1.html", target)
            target = target.removeprefix(part.chapter.page) if "#" in target else target
            return [{"t": "Link", "c": [attr, walk(inlines, visit), [target, title]]}]
        if kind == "Header":
            return [_heading(part, node, walk(node["c"][2], visit))]
        if kind == "Table":
            return _table(node, walk(node, visit))
        if kind == "Figure":
            attr, caption, blocks = walk(node["c"], visit)
            return [{"t": "Figure", "c": [attr, caption, walk(blocks, _enlarged)]}]
        if kind == "Div" and has(node["c"][0], "callout"):
            attr, blocks = node["c"]
            return [div([attr[0], attr[1], [["role", "note"]]], walk(blocks, visit))]
        return None

    return walk(part.blocks, visit)


def _heading(part: Part, node: dict, inlines: list) -> dict:
    level, attr, _ = node["c"]
    pairs = pairs_of(attr)
    number = pairs.pop("number", "")
    if number:
        label = f"Appendix {number} \u2014" if level == 1 and part.chapter.appendix else number
        name = "chapter-number" if level == 1 else "header-section-number"
        inlines = [span(attributes("", [name]), [string(label)]), SPACE, *inlines]
        pairs["data-number"] = number
    return {"t": "Header", "c": [level, [attr[0], attr[1], list(map(list, pairs.items()))], inlines]}


def _enlarged(node: dict) -> list | None:
    """A picture that leads to its file: in a narrow window it scrolls in a box of its own, to be legible."""
    return [link([node], node["c"][2][0], ["picture"])] if node["t"] == "Image" else None


def _table(original: dict, node: dict) -> list:
    """A table in a box of its own that scrolls; its caption stands above, outside the box.

    The first cells of its rows are the rows' heads, unless one of them is empty.
    """
    attr, caption, columns, head, bodies, foot = node["c"]
    named = all(_text(cells[0]) for body in bodies for _, cells in body[3])
    rest = [columns, head, [[body[0], int(named), *body[2:]] for body in bodies], foot]
    bare = {"t": "Table", "c": [attributes(), [None, []], *rest]}
    name = plain(original["c"][1][1][0]["c"]) if caption[1] else "Table"
    box = attributes("", ["table-box"])
    first = f"--first: {_first_column(original)}ch"
    box[2] = [["role", "region"], ["aria-label", name], ["tabindex", "0"], ["style", first]]
    if not caption[1]:
        return [div(box, [bare])]
    opening = f'<figure id="{html.escape(attr[0])}" class="table-figure">\n<figcaption>'
    return [
        raw("html", opening),
        *caption[1],
        raw("html", "</figcaption>"),
        div(box, [bare]),
        raw("html", "</figure>"),
    ]


def _first_column(table: dict) -> int:
    """Characters to keep for the cells that name the rows: the longest of them, but no more than FIRST_COLUMN."""
    rows = [row for body in table["c"][4] for row in [*body[2], *body[3]]]
    return min(max((len(_text(cells[0])) for _, cells in rows if cells), default=0) + 2, FIRST_COLUMN)


def _text(cell: list) -> str:
    return "".join(plain(block) for block in cell[4])


def _images(tree: list) -> list[str]:
    found: list[str] = []
    walk(tree, lambda node: found.append(node["c"][2][0]) if node["t"] == "Image" else None)
    return found


def search_entries(part: Part) -> list[dict]:
    """One entry a section: address ``u``, chapter ``c``, heading ``t``, text ``x``."""
    entries: list[dict] = []
    for block in part.blocks:
        _collect(part, block, entries)
    for entry in entries:
        entry["x"] = " ".join(" ".join(entry["x"]).split())
    return entries


def _collect(part: Part, block: dict, entries: list[dict]) -> None:
    if block["t"] == "Header":
        level, attr, inlines = block["c"]
        title = " ".join(filter(None, [pairs_of(attr).get("number", ""), plain(inlines)]))
        anchor = f"#{attr[0]}" if level > 1 else ""
        entries.append({"u": part.chapter.page + anchor, "c": part.label, "t": title, "x": []})
        return

    def visit(node: dict) -> list | None:
        if node["t"] in ("Para", "Plain"):
            entries[-1]["x"].append(plain([one for one in node["c"] if one["t"] != "Math"]))
        elif node["t"] == "CodeBlock":
            entries[-1]["x"].append(node["c"][1])
        elif node["t"] == "Header":
            _collect(part, node, entries)
            return []
        return None

    walk([block], visit)


def page_fields(book: Book, parts: list[Part], number: int, body: str) -> dict[str, str]:
    """What the page template asks for; all texts escaped."""
    part = parts[number]
    first = number == 0
    title = book.title if first else f"{part.label} \u2013 {book.title}"
    return {
        "lang": html.escape(book.lang),
        "title": html.escape(title),
        "book_title": html.escape(book.title),
        "author": html.escape(", ".join(book.authors)),
        "output": html.escape(book.output),
        "notice": f'<p class="notice">{html.escape(book.notice)}</p>' if book.notice else "",
        "chapters": _navigation(parts, part),
        "contents": _contents(part),
        "cover": _cover(book) if first else "",
        "body": body,
        "previous": _neighbour(parts[number - 1], "prev") if number else "",
        "next": _neighbour(parts[number + 1], "next") if number + 1 < len(parts) else "",
    }


def _numbered(number: str, title: str) -> str:
    mark = f'<span class="number">{html.escape(number)}</span> ' if number else ""
    return f'{mark}<span class="label">{html.escape(title)}</span>'


def _navigation(parts: list[Part], current: Part) -> str:
    lines, appendix = [], False
    for part in parts:
        if part.chapter.appendix and not appendix:
            appendix = True
            lines.append('</ol>\n<p class="nav-heading">Appendices</p>\n<ol>')
        here = ' aria-current="page"' if part is current else ""
        lines.append(f'<li><a href="{part.chapter.page}"{here}>{_numbered(part.number, part.title)}</a></li>')
    return "<ol>\n" + "\n".join(lines) + "\n</ol>"


def _contents(part: Part) -> str:
    """The on-page contents: sections of level 2 and 3."""
    lines = []
    for block in part.blocks:
        if block["t"] == "Header" and block["c"][0] in (2, 3):
            level, attr, inlines = block["c"]
            label = _numbered(pairs_of(attr).get("number", ""), plain(inlines))
            lines.append(f'<li class="level-{level}"><a href="#{html.escape(attr[0])}">{label}</a></li>')
    if not lines:
        return ""
    items = "\n".join(lines)
    return f'<nav class="page-contents" aria-labelledby="on-page">\n<p id="on-page">On this page</p>\n<ol>\n{items}\n</ol>\n</nav>'


def _cover(book: Book) -> str:
    subtitle = f'<p class="book-subtitle">{html.escape(book.subtitle)}</p>' if book.subtitle else ""
    byline = f"{html.escape(', '.join(book.authors))}, {html.escape(long_date(book.date))}"
    return f'<header class="cover"><p class="book-title">{html.escape(book.title)}</p>{subtitle}<p class="byline">{byline}</p></header>'


def _neighbour(part: Part, direction: str) -> str:
    word = {"prev": "Previous", "next": "Next"}[direction]
    label = _numbered(part.number, part.title)
    return f'<a class="{direction}" rel="{direction}" href="{part.chapter.page}"><span class="way">{word}</span> {label}</a>'
