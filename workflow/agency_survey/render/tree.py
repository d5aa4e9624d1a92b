"""Pandoc's JSON tree: building nodes, walking them, plain text. Node shapes: pandoc-types 1.23."""

from __future__ import annotations

from collections.abc import Callable


def string(text: str) -> dict:
    return {"t": "Str", "c": text}


SPACE = {"t": "Space"}


def attributes(identifier: str = "", classes: list[str] | None = None, **pairs: str) -> list:
    return [identifier, classes or [], [[key.replace("_", "-"), value] for key, value in pairs.items()]]


def span(attr: list, inlines: list) -> dict:
    return {"t": "Span", "c": [attr, inlines]}


def div(attr: list, blocks: list) -> dict:
    return {"t": "Div", "c": [attr, blocks]}


def link(inlines: list, target: str, classes: list[str] | None = None) -> dict:
    return {"t": "Link", "c": [attributes("", classes), inlines, [target, ""]]}


def para(inlines: list, kind: str = "Para") -> dict:
    return {"t": kind, "c": inlines}


def raw(form: str, text: str, inline: bool = False) -> dict:
    return {"t": "RawInline" if inline else "RawBlock", "c": [form, text]}


def words(text: str) -> list:
    """Inlines for plain text."""
    inlines: list = []
    for word in text.split(" "):
        inlines += [string(word), SPACE]
    return inlines[:-1]


LEAVES = frozenset(("Str", "Space", "SoftBreak", "LineBreak", "AlignDefault", "AlignLeft", "AlignRight"))


def walk(tree, visit: Callable[[dict], list | None]):
    """A copy of ``tree``; ``visit(node)`` returns the nodes to put in its place (not walked again), or None.

    Words and spaces, most of any tree, are shared with the original and not visited.
    """
    kind = type(tree)
    if kind is list:
        made = []
        for item in tree:
            if type(item) is not dict:
                made.append(walk(item, visit) if type(item) is list else item)
                continue
            name = item.get("t")
            replaced = visit(item) if name and name not in LEAVES else None
            if replaced is not None:
                made += replaced
            else:
                made.append(item if name in LEAVES else walk(item, visit))
        return made
    if kind is dict:
        return {key: walk(value, visit) if type(value) in (list, dict) else value for key, value in tree.items()}
    return tree


def plain(inlines) -> str:
    """The text a reader sees, without notes; used for page titles, contents and the search index."""
    if isinstance(inlines, list):
        return "".join(plain(item) for item in inlines)
    kind, content = inlines.get("t"), inlines.get("c")
    if kind == "Str":
        return content
    if kind in ("Space", "SoftBreak", "LineBreak"):
        return " "
    if kind in ("Code", "Math"):
        return content[1]
    if kind == "Quoted":
        left, right = "\u2018\u2019" if content[0]["t"] == "SingleQuote" else "\u201c\u201d"
        return left + plain(content[1]) + right
    if kind in ("Span", "Link", "Cite", "Image"):
        return plain(content[1])
    if kind in (
        "Emph",
        "Strong",
        "Underline",
        "Strikeout",
        "Superscript",
        "Subscript",
        "SmallCaps",
        "Plain",
        "Para",
    ):
        return plain(content)
    return ""


def has(attr: list, name: str) -> bool:
    return name in attr[1]


def pairs_of(attr: list) -> dict[str, str]:
    return {key: value for key, value in attr[2]}
