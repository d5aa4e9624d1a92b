"""Column widths of tables from their content, for documents whose program does not find good ones itself."""

from __future__ import annotations

from .tree import plain

MANY_COLUMNS, WIDEST, EQUAL = 8, 36, 1.7


def chosen_widths(columns: list) -> list:
    """Column specifications with widths only where an author chose them.

    Pandoc gives every pipe table with long lines widths in proportion to the dashes below its head. Dashes of the
    same number (colons aside) are no choice: then the content decides.
    """
    widths = [width.get("c", 0) for _, width in columns]
    if min(widths) > 0 and max(widths) / min(widths) > EQUAL:
        return columns
    return [[align, {"t": "ColWidthDefault"}] for align, _ in columns]


def with_widths(columns: list, parts: list) -> list:
    """A pandoc table's column specifications with relative widths that fill the line; given ones are kept."""
    if columns[0][1]["t"] != "ColWidthDefault":
        return columns
    widths = column_widths(parts)
    return [[align, {"t": "ColWidth", "c": width}] for (align, _), width in zip(columns, widths, strict=True)]


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
