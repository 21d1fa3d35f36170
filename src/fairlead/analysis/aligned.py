"""Aligned columns, as kubectl prints them."""

from collections.abc import Sequence

GAP = 3
"""Spaces between columns."""


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines whose columns start at the same place.

    The last column isn't padded and an empty cell stays blank, so that neither copy and paste nor
    ``cut`` meets trailing spaces. Ends with a newline unless there are no rows.
    """
    widths = widths_of(rows)
    return "".join(line(row, widths) + "\n" for row in rows)


def widths_of(rows: Sequence[Sequence[str]]) -> list[int]:
    """Characters of each column's longest cell."""
    return [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]


def line(row: Sequence[str], widths: Sequence[int]) -> str:
    """One row, without newline; a cell that is longer than its column moves what follows."""
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return (" " * GAP).join(cells).rstrip()
