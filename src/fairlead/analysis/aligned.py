"""Aligned columns, as kubectl prints them."""

from collections.abc import Sequence

GAP = 3


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines whose columns start at the same place.

    The last column isn't padded and an empty cell stays blank, so that neither copy and paste nor
    ``cut`` meets trailing spaces. Ends with a newline unless there are no rows.
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = (
        (" " * GAP).join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(line.rstrip() + "\n" for line in lines)
