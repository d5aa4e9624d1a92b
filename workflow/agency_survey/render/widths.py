"""Column widths of tables from their content, for documents whose program does not find good ones itself."""

from __future__ import annotations

import math
import re

from .tree import plain

JOINER = "\N{WORD JOINER}"
MANY_COLUMNS, WIDEST, EQUAL, MARGIN, BOLD = 8, 36, 1.7, 2, 1.12


def chosen_widths(columns: list) -> list:
    """Column specifications with widths only where an author chose them.

    Pandoc gives every pipe table with long lines widths in proportion to the dashes below its head. Dashes of the
    same number (colons aside) are no choice: then the content decides.
    """
    widths = [width.get("c", 0) for _, width in columns]
    if min(widths) > 0 and max(widths) / min(widths) > EQUAL:
        return columns
    return [[align, {"t": "ColWidthDefault"}] for align, _ in columns]


def with_widths(columns: list, parts: list, line: int) -> list:
    """A pandoc table's column specifications with relative widths that fill the line.

    Widths that an author gave are kept but for columns whose longest word they would break; ``line`` is the number of
    characters that a line of the table's type holds.
    """
    given = [width.get("c", 0) for _, width in columns]
    shares = [width / sum(given) for width in given] if min(given) > 0 else column_widths(parts)
    least = [longest / line for longest in longest_words(parts)]
    widths = raised(shares, least)
    return [[align, {"t": "ColWidth", "c": width}] for (align, _), width in zip(columns, widths, strict=True)]


def raised(shares: list[float], least: list[float]) -> list[float]:
    """Shares that add up to 1 and are no smaller than ``least``; the wider columns give up what the others need."""
    if sum(least) >= 1:
        return [one / sum(least) for one in least]
    short: set[int] = set()
    while True:
        room = 1 - sum(least[k] for k in short)
        rest = sum(share for k, share in enumerate(shares) if k not in short)
        made = [least[k] if k in short else share * room / rest for k, share in enumerate(shares)]
        more = {k for k, width in enumerate(made) if width < least[k]}
        if not more:
            return made
        short |= more


def longest_words(parts: list) -> list[int]:
    """Characters of each column's longest word, with the cells' margins; numbers and intervals count as one word.

    The head is bold, so its words count for more.
    """
    head, bodies, foot = parts
    rows = [(row, BOLD) for row in head[1]]
    rows += [(row, 1) for body in bodies for row in [*body[2], *body[3]]] + [(row, 1) for row in foot[1]]
    sizes: dict[int, int] = {}
    for (_, cells), weight in rows:
        column = 0
        for cell in cells:
            text = " ".join(plain(block) for block in cell[4]).replace("-", "- ").replace(JOINER, "")
            if cell[3] == 1:
                words = re.split("[ \n]+", text)  # a no-break space joins words
                longest = max(len(word) for word in words)
                sizes[column] = max(sizes.get(column, 1), math.ceil(weight * longest) + MARGIN)
            column += cell[3]
    return [sizes[column] for column in sorted(sizes)]


def column_widths(parts: list) -> list[float]:
    """Shares of the width (they add up to 1): each column's longest word or, below the head, longest cell.

    A cell counts with WIDEST characters at most; cells that span columns do not count. ``parts`` are a pandoc
    table's head, bodies and foot.
    """
    head, bodies, foot = parts
    rows = [(row, 0) for row in head[1]]
    rows += [(row, WIDEST) for body in bodies for row in [*body[2], *body[3]]] + [(row, WIDEST) for row in foot[1]]
    sizes: dict[int, int] = {}
    for (_, cells), most in rows:
        column = 0
        for cell in cells:
            text = " ".join(plain(block) for block in cell[4])
            longest = max((len(word) + 1 for word in text.split()), default=1)
            if cell[3] == 1:
                sizes[column] = max(sizes.get(column, 4), min(len(text) + 1, most), longest)
            column += cell[3]
    total = sum(sizes.values())
    return [sizes[column] / total for column in sorted(sizes)]
