"""Numbers and cross-references on pandoc's tree, in the manner of a Quarto book.

One pass gives every heading, figure, table and equation its number (chapter.count, appendices lettered, chapters
marked ``.unnumbered`` without numbers); the second writes them into headings and captions and resolves references.
Links are made absolute (``file.qmd#id``); each writer then shortens them to its own kind of document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agency_survey.errors import InputError

from .source import Book, Chapter
from .tree import SPACE, attributes, div, has, link, pairs_of, para, plain, span, string, walk, words
from .widths import chosen_widths

NAMES = {"fig": "Figure", "tbl": "Table", "eq": "Equation", "sec": "Section"}
CALLOUTS = {
    "note": "Note",
    "tip": "Tip",
    "important": "Important",
    "warning": "Warning",
    "caution": "Caution",
}
EQUATION_ID = re.compile(r"\{#(eq-[^\s}]+)\}")
NBSP = "\u00a0"


@dataclass
class Target:
    """Something with a number that can be referred to."""

    file: str
    number: str
    name: str


@dataclass
class Part:
    """One chapter as a tree. ``number`` is '3', 'A' or ''; ``title`` its heading's text."""

    chapter: Chapter
    blocks: list
    number: str = ""
    title: str = ""
    identifier: str = ""
    targets: dict[str, Target] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The title with its number, as navigation shows it."""
        return f"{self.number}{NBSP} {self.title}" if self.number else self.title


def resolve_book(book: Book, trees: list[list]) -> list[Part]:
    """Number the chapters' block lists and resolve their references; unresolved ones are an InputError."""
    parts, counts = [], {False: 0, True: 0}
    for chapter, blocks in zip(book.chapters, trees, strict=True):
        part = Part(chapter, normalise(blocks))
        heading = next(block for block in part.blocks if block["t"] == "Header")
        part.identifier, part.title = heading["c"][1][0], plain(heading["c"][2])
        if not has(heading["c"][1], "unnumbered"):
            counts[chapter.appendix] += 1
            count = counts[chapter.appendix]
            part.number = chr(64 + count) if chapter.appendix else str(count)
        part.blocks = _number(part, book.number_depth)
        parts.append(part)
    targets = {name: target for part in parts for name, target in part.targets.items()}
    for part in parts:
        part.blocks = walk(part.blocks, lambda node, file=part.chapter.file: _refer(node, file, targets))
    return parts


def normalise(blocks: list) -> list:
    """Callouts with their title as first child, figures and tables in divs as native ones, equations with ids."""
    return walk(blocks, _normalise)


def _normalise(node: dict) -> list | None:
    if node["t"] == "Div":
        attr, blocks = node["c"]
        kind = next((name for name in CALLOUTS if has(attr, f"callout-{name}")), None)
        if kind:
            return [_callout(kind, attr, normalise(blocks))]
        if re.match(r"(fig|tbl)-", attr[0]) and blocks and blocks[-1]["t"] == "Para":
            return [_float(attr, normalise(blocks[:-1]), normalise(blocks[-1]["c"]))]
    if node["t"] in ("Para", "Plain"):
        return [para(_equations(normalise(node["c"])), node["t"])]
    if node["t"] == "Image":
        attr, inlines, target = node["c"]
        pairs = pairs_of(attr)
        alternative = words(pairs.pop("fig-alt")) if "fig-alt" in pairs else normalise(inlines)
        return [{"t": "Image", "c": [[attr[0], attr[1], list(map(list, pairs.items()))], alternative, target]}]
    if node["t"] == "Table":
        attr, caption, columns, *rest = node["c"]
        columns = chosen_widths(columns)
        return [{"t": "Table", "c": [attr, normalise(caption), columns, *normalise(rest)]}]
    return None


def _callout(kind: str, attr: list, blocks: list) -> dict:
    pairs = pairs_of(attr)
    title = words(pairs.get("title", CALLOUTS[kind]))
    if "title" not in pairs and blocks and blocks[0]["t"] == "Header":
        title, blocks = blocks[0]["c"][2], blocks[1:]
    heading = div(attributes("", ["callout-title"]), [para(title, "Plain")])
    return div([attr[0], ["callout", f"callout-{kind}"], []], [heading, *blocks])


def _float(attr: list, blocks: list, caption: list) -> dict:
    if len(blocks) == 1 and blocks[0]["t"] == "Table":
        blocks[0]["c"][0], blocks[0]["c"][1] = attr, [None, [para(caption, "Plain")]]
        return blocks[0]
    return {"t": "Figure", "c": [attr, [None, [para(caption, "Plain")]], blocks]}


def _equations(inlines: list) -> list:
    """Display math followed by {#eq-x} becomes a span with that identifier."""
    made: list = []
    for item in inlines:
        match = EQUATION_ID.fullmatch(item["c"]) if item["t"] == "Str" else None
        before = [one for one in made[-2:] if one["t"] not in ("Space", "SoftBreak")]
        if match and before and before[-1]["t"] == "Math":
            while made[-1]["t"] != "Math":
                made.pop()
            made.append(span(attributes(match[1], ["equation"]), [made.pop()]))
        else:
            made.append(item)
    return made


def _number(part: Part, depth: int) -> list:
    """Number one chapter; fills ``part.targets``."""
    section, counts = [0] * 7, {"fig": 0, "tbl": 0, "eq": 0}

    def count(kind: str, identifier: str) -> str:
        counts[kind] += 1
        number = f"{part.number}.{counts[kind]}" if part.number else str(counts[kind])
        part.targets[identifier] = Target(part.chapter.file, number, NAMES[kind])
        return number

    def heading(node: dict) -> list:
        level, attr, inlines = node["c"]
        if not part.number or has(attr, "unnumbered"):
            return [node]
        if level == 1:
            number = part.number
            name = "Appendix" if part.chapter.appendix else "Chapter"
        else:
            section[level:] = [section[level] + 1] + [0] * (6 - level)
            number = ".".join([part.number, *map(str, section[2 : level + 1])])
            name = "Section"
        part.targets[attr[0]] = Target(part.chapter.file, number, name)
        if level > depth:
            return [node]
        return [{"t": "Header", "c": [level, [attr[0], attr[1], [*attr[2], ["number", number]]], inlines]}]

    def visit(node: dict) -> list | None:
        if node["t"] == "Header":
            return heading(node)
        kind = {"Figure": "fig", "Table": "tbl"}.get(node["t"])
        if kind and re.match(r"(fig|tbl)-", node["c"][0][0]):
            kind = node["c"][0][0][:3]
            _prefix(node["c"][1], f"{NAMES[kind]}{NBSP}{count(kind, node['c'][0][0])}:")
        elif node["t"] == "Span" and has(node["c"][0], "equation"):
            mode, formula = node["c"][1][0]["c"]
            number = count("eq", node["c"][0][0])
            return [span(node["c"][0], [{"t": "Math", "c": [mode, f"{formula} \\qquad({number})"]}])]
        return None

    return walk(part.blocks, visit)


def _prefix(caption: list, label: str) -> None:
    """Put 'Figure 3.1:' before a caption, in place."""
    blocks = caption[1] or [para([], "Plain")]
    blocks[0] = para([string(label), SPACE, *blocks[0]["c"]], blocks[0]["t"])
    caption[1] = blocks


def _refer(node: dict, file: str, targets: dict[str, Target]) -> list | None:
    if node["t"] == "Link":
        attr, inlines, (target, title) = node["c"]
        if target.startswith("#"):
            target = file + target
        inlines = walk(inlines, lambda one: _refer(one, file, targets))
        return [{"t": "Link", "c": [attr, inlines, [target.removeprefix("./"), title]]}]
    if node["t"] != "Cite":
        return None
    citations = node["c"][0]
    kinds = [one["citationId"].split("-")[0].lower() in NAMES for one in citations]
    if not any(kinds):
        return None
    made: list = []
    for citation, is_reference in zip(citations, kinds, strict=True):
        name = citation["citationId"][:1].lower() + citation["citationId"][1:]
        if not is_reference or citation["citationSuffix"]:
            raise InputError(
                f"A bracket with @{name} mixes a cross-reference with a citation or further words",
                f"reports/{file}",
            )
        if name not in targets:
            raise InputError(f"Unresolved reference @{name}", f"reports/{file}")
        made += [string(","), SPACE] if made else []
        made.append(_reference(citation, name, targets[name]))
    return made


def _reference(citation: dict, name: str, target: Target) -> dict:
    """The link for one reference; as in Quarto, words before it in the bracket replace 'Figure'."""
    prefix = citation["citationPrefix"]
    if citation["citationMode"]["t"] == "SuppressAuthor":
        inlines = [string(target.number)]
    elif prefix:
        inlines = [*prefix, string(NBSP + target.number)]
    else:
        inlines = [string(f"{target.name}{NBSP}{target.number}")]
    return link(inlines, f"{target.file}#{name}", ["xref"])
