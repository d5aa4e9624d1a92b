"""Appendix E, provenance: the drawing of the rules from raw files to the book, and its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from agency_survey import figures, wording
from agency_survey.sections.lineage_graph import EXTERNAL, ancestors, columns, order, reduced

GROUPS = {  # folder of files -> its name in the drawing; the first that fits
    "data/raw/truth/": "Injected faults",
    "data/raw/": "Survey returns",
    "data/frame/": "Frame",
    "data/corrections": "Corrections",
    "data/published/": "Published figures",
    "benchmarks/": "Simulations",
    EXTERNAL: "LEMAS files (from users)",
    "reports/": "Chapters and style",
}
FILES, DATA, CHAPTER, BOOK = "files", "data", "chapter", "book"
LOOK = {  # kind -> face, edge, ink, name in the legend
    FILES: ("#FFFFFF", "#6B747D", figures.INK, "Files"),
    DATA: ("#DCE9F5", "#2E75B6", figures.INK, "Rules of data, weights and checks"),
    CHAPTER: ("#2E75B6", "#1F4E79", "#FFFFFF", "Rules of chapters and appendices"),
    BOOK: ("#22282E", "#22282E", "#FFFFFF", "Ledger of numbers, and book"),
}
ROW, LINE, GAP = 0.34, 0.11, 0.13  # inches: a row, a line of text, at least between columns
SIZES = (6.9, 6.6, 6.3, 6.0)  # points
NODE, PASSING = 0.7, 0.2  # half of what a node, and a passing line, takes in its column, in rows


def group(path: str) -> str | None:
    """Name in the drawing of the files that a path is of; None for settings, which nearly every rule reads."""
    return next((name for start, name in GROUPS.items() if path.startswith(start)), None)


@dataclass(frozen=True)
class Drawing:
    """Where things stand: columns from left to right, rows from the top (0) down.

    nodes : name, kind, column, row; edges : source, target; passing : (source, target) -> {column: row} where a line crosses
    columns between its ends; labels : chapter of a rule ('3'), where it has one.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    passing: dict[tuple[str, str], dict[int, float]]
    labels: dict[str, str]


def drawn(graph: dict[str, dict], labels: dict[str, str]) -> Drawing:
    """The drawing of a graph. A line stands for a direct need: what a rule reads through another one is left out.

    labels : rules of chapters and appendices in the book's order, with the chapter's number or letter.
    """
    sections = list(labels)
    needs = {rule: set(one["needs"]) for rule, one in graph.items()}
    place = columns(needs, sections)
    edges = [(before, rule) for rule, found in reduced(needs).items() for before in sorted(found)]
    kinds = {rule: CHAPTER if rule in sections else BOOK if rule in ("ledger", "render") else DATA for rule in graph}
    readers: dict[str, set[str]] = {}
    for rule, before in ancestors(needs).items():
        through = {path for other in before for path in graph[other]["reads"]}
        for name in filter(None, map(group, set(graph[rule]["reads"]) - through)):
            readers.setdefault(name, set()).add(rule)
    for name, rules in sorted(readers.items()):
        place[name], kinds[name] = min(place[rule] for rule in rules) - 1, FILES
        edges += [(name, rule) for rule in sorted(rules)]
    names, least = [*order(needs), *sorted(readers)], min(place.values())
    place = {name: place[name] - least for name in names}
    main = place[next(rule for rule in sections if rule in place)]
    row, passing = _rows(place, sorted(edges), [rule for rule in sections if place[rule] == main], set(readers))
    nodes = pd.DataFrame([{"name": n, "kind": kinds[n], "column": place[n], "row": row[n]} for n in names])
    return Drawing(
        nodes, pd.DataFrame(sorted(edges, key=lambda edge: edge[::-1]), columns=["source", "target"]), passing, labels
    )


def _rows(place: dict[str, int], edges: list[tuple[str, str]], main: list[str], files: set[str]):
    """Row of each node, and rows where lines pass columns: chapters in their order, others near what they are joined to.

    Columns are filled from that of the chapters outwards; a line that passes a column takes a place in it, as a node does.
    """
    at = place[main[0]]
    row = {
        name: float(index)
        for index, name in enumerate([*main, *(n for n in place if place[n] == at and n not in main)])
    }
    passing = {edge: {} for edge in edges}
    for k, edge in enumerate(edge for edge in edges if place[edge[0]] < at < place[edge[1]]):
        passing[edge][at] = -0.75 - 0.3 * k
    for column in sorted({*range(max(place.values()) + 1)} - {at}, key=lambda one: abs(one - at)):
        inward = 1 if column < at else -1
        wanted: dict[str | tuple[str, str], float] = {}
        for name in (name for name in place if place[name] == column):
            near = []
            for edge in edges:
                if name in edge:
                    other = edge[1] if edge[0] == name else edge[0]
                    near += [passing[edge][column + inward]] if column + inward in passing[edge] else [row.get(other)]
            near = [one for one in near if one is not None]
            wanted[name] = (min(near) if name in files else sum(near) / len(near)) if near else 0.0
        for edge in edges:
            if place[edge[0]] < column < place[edge[1]]:
                end = edge[1] if column < at else edge[0]
                wanted[edge] = passing[edge].get(column + inward, row.get(end, 0.0))
        names = [one for one in wanted if isinstance(one, str)]
        inside = any(edge[0] in names and edge[1] in names for edge in edges)
        sort = list(wanted) if inside else sorted(wanted, key=lambda one: (wanted[one], str(one)))
        for one, value in _apart(
            [(one, wanted[one], NODE if isinstance(one, str) else PASSING) for one in sort]
        ).items():
            if isinstance(one, str):
                row[one] = value
            else:
                passing[one][column] = value
    return row, passing


def _apart(wanted: list[tuple[Any, float, float]]) -> dict[Any, float]:
    """Places of things (thing, wanted place, half of its height) that do not overlap, in the order given and as near to the
    wanted ones as pushing allows."""
    blocks: list[list] = []  # (thing, wanted, distance from the block's start), and where the block starts
    for thing, place, half in wanted:
        blocks.append([[(thing, place, half, half)], place - half])
        while len(blocks) > 1 and blocks[-2][1] + blocks[-2][0][-1][3] + blocks[-2][0][-1][2] > blocks[-1][1]:
            later, block = blocks.pop()[0], blocks[-1]
            end = block[0][-1][3] + block[0][-1][2]
            block[0] += [(one, place, half, end + distance) for one, place, half, distance in later]
            block[1] = sum(place - distance for _, place, _, distance in block[0]) / len(block[0])
    return {one: start + distance for block, start in blocks for one, _, _, distance in block}


def label(name: str, most: int = 11) -> str:
    """A name in lines of at most ``most`` letters where its words allow it; the words of rules end in underscores."""
    words = [f"{word}_" for word in name.split("_")[:-1]] + [name.split("_")[-1]] if "_" in name else name.split(" ")
    space, lines = "" if "_" in name else " ", [""]
    for word in words:
        longer = f"{lines[-1]}{space}{word}" if lines[-1] else word
        if len(longer) > most and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def draw(drawing: Drawing):
    """The picture: boxes in columns from left to right, joined by curves."""
    nodes, edges = drawing.nodes, drawing.edges
    from matplotlib.figure import Figure as Canvas
    from matplotlib.patches import FancyBboxPatch, Patch, PathPatch
    from matplotlib.path import Path as Curve

    texts = {name: f"{drawing.labels.get(name, '')} {label(name)}".strip() for name in nodes["name"]}
    wide = {
        at: max(len(line) for name in part["name"] for line in texts[name].split("\n"))
        for at, part in nodes.groupby("column")
    }
    for size in SIZES:  # the largest letters that leave room for lines
        widths = {at: 0.0068 * size * count + 0.12 for at, count in wide.items()}
        gap = (figures.WIDTH - 0.1 - sum(widths.values())) / max(len(widths) - 1, 1)
        if gap >= GAP:
            break
    left, at_x = {}, 0.05
    for at in sorted(widths):
        left[at], at_x = at_x, at_x + widths[at] + gap
    rows = [*nodes["row"], *(row for crossed in drawing.passing.values() for row in crossed.values())]
    top, bottom = min(rows), max(rows)
    height = ROW * (bottom - top + 1) + 0.42
    canvas = Canvas(figsize=(figures.WIDTH, height), layout="none")
    axis = canvas.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, figures.WIDTH), ylim=(0, height))
    axis.axis("off")

    def level(row: float) -> float:
        return height - 0.05 - ROW * (row - top + 0.5)

    middle = {row.name: level(row.row) for row in nodes.itertuples(index=False)}
    column = dict(zip(nodes["name"], nodes["column"], strict=True))
    for edge in edges.itertuples(index=False):
        crossed = drawing.passing[edge.source, edge.target]
        first, last = column[edge.source], column[edge.target]
        here = (left[first] + (widths[first] if first < last else widths[first] / 2), middle[edge.source])
        points, codes = [here], [Curve.MOVETO]
        ends = [(left[at], left[at] + widths[at], level(row)) for at, row in sorted(crossed.items())]
        for x0, x1, y in [*ends, (left[last] + (0 if first < last else widths[last] / 2), None, middle[edge.target])]:
            half = (here[0] + x0) / 2
            points += [(half, here[1]), (half, y), (x0, y)]
            codes += [Curve.CURVE4] * 3
            if x1 is not None:
                here = (x1, y)
                points.append(here)
                codes.append(Curve.LINETO)
        path = Curve(points, codes)
        axis.add_patch(PathPatch(path, fill=False, edgecolor="#8A939B", linewidth=0.6, zorder=1))
    for node in nodes.itertuples(index=False):
        face, line, ink, _ = LOOK[node.kind]
        tall = LINE * (texts[node.name].count("\n") + 1) + 0.07
        corner = (left[node.column], middle[node.name] - tall / 2)
        style = "square,pad=0" if node.kind == FILES else "round,pad=0,rounding_size=0.05"
        axis.add_patch(
            FancyBboxPatch(
                corner, widths[node.column], tall, boxstyle=style, facecolor=face, edgecolor=line, linewidth=0.7, zorder=2,
                linestyle=(0, (3, 2)) if node.kind == FILES else "solid",
            )
        )  # fmt: skip
        axis.text(
            corner[0] + widths[node.column] / 2, middle[node.name], texts[node.name], ha="center", va="center",
            fontsize=size, color=ink, linespacing=1.05, zorder=3,
        )  # fmt: skip
    handles = [
        Patch(facecolor=LOOK[k][0], edgecolor=LOOK[k][1], label=LOOK[k][3]) for k in (FILES, DATA, CHAPTER, BOOK)
    ]
    axis.legend(
        handles=handles, loc="lower center", ncols=len(handles), fontsize=7, borderaxespad=0.1, handlelength=1.4
    )
    return canvas


def alternative(drawing: Drawing) -> str:
    """The drawing in words: how many columns, and what each rule reads."""
    nodes, edges = drawing.nodes, drawing.edges
    said = []
    for node in nodes.sort_values(["column", "row"]).itertuples(index=False):
        before = list(edges.loc[edges["target"] == node.name, "source"])
        if before:
            said.append(f"{node.name} from {wording.joined(before)}")
    count = nodes["column"].nunique()
    return f"Boxes in {count} columns from left to right, joined by lines. Read directly: {'; '.join(said)}."
