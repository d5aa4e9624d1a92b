"""The book as one document, for the PDF and DOCX writers: one list of blocks, unique ids, inner links."""

from __future__ import annotations

from .crossref import Part
from .tree import attributes, div, has, walk

IDENTIFIED = {"Header": 1, "Div": 0, "Span": 0, "Figure": 0, "Table": 0, "Link": 0, "Code": 0, "CodeBlock": 0}


def document_blocks(parts: list[Part]) -> list:
    """All chapters' blocks; an id that two chapters share gets the second chapter's name before it.

    Tables and figures stand in divs of class exhibit with the note below them, for pages to keep together.
    """
    taken: set[str] = set()
    renamed: dict[tuple[str, str], str] = {}
    for part in parts:
        own: set[str] = set()

        def note(node: dict, part=part, own=own) -> None:
            position = IDENTIFIED.get(node["t"])
            if position is not None and node["c"][position][0]:
                own.add(node["c"][position][0])

        walk(part.blocks, note)
        stem = part.chapter.file.removesuffix(".qmd")
        renamed |= {(part.chapter.file, name): f"{stem}-{name}" for name in own & taken}
        taken |= own
    starts = {part.chapter.file: part.identifier for part in parts}
    return [block for part in parts for block in with_notes(_rewrite(part, renamed, starts))]


def with_notes(blocks: list) -> list:
    """Each table and figure of a list of blocks in a div of class exhibit, with its note where one follows."""
    made: list = []
    for block in blocks:
        if block["t"] in ("Table", "Figure"):
            made.append(div(attributes("", ["exhibit"]), [block]))
        elif made and is_note(block) and made[-1]["t"] == "Div" and has(made[-1]["c"][0], "exhibit"):
            made[-1]["c"][1].append(block)
        else:
            made.append(block)
    return made


def is_note(block: dict) -> bool:
    """Whether the block is the note below a table or figure."""
    return block["t"] == "Div" and (has(block["c"][0], "table-note") or has(block["c"][0], "figure-note"))


def _rewrite(part: Part, renamed: dict, starts: dict[str, str]) -> list:
    def new_name(file: str, name: str) -> str:
        return renamed.get((file, name), name)

    def visit(node: dict) -> list | None:
        if node["t"] == "Link":
            attr, inlines, (target, title) = node["c"]
            file, _, anchor = target.partition("#")
            if file in starts:
                target = "#" + new_name(file, anchor or starts[file])
            return [{"t": "Link", "c": [attr, walk(inlines, visit), [target, title]]}]
        position = IDENTIFIED.get(node["t"])
        if position is not None and (part.chapter.file, node["c"][position][0]) in renamed:
            content = walk(node["c"], visit)
            content[position] = [new_name(part.chapter.file, content[position][0]), *content[position][1:]]
            return [{"t": node["t"], "c": content}]
        return None

    return walk(part.blocks, visit)
