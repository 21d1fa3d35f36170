"""Tables: what `fairlead get` prints about many objects.

Cells are text; an empty one says that there is nothing to tell, `<none>` that nothing is set.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

NONE = "<none>"


class Column(msgspec.Struct, frozen=True):
    """A heading; `wide` columns show up with ``-o wide`` only."""

    name: str
    wide: bool = False


class Row(msgspec.Struct, frozen=True):
    """One line about an object; an object may have several."""

    namespace: str
    name: str
    cells: tuple[str, ...]
    """One for each column."""


class Table(msgspec.Struct, frozen=True):
    """Rows under their columns."""

    noun: str
    """What to call the rows when there are none: ``resources``, ``problems``."""
    namespaced: bool
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def columns(text: str) -> tuple[Column, ...]:
    """Columns from their names, separated by spaces; those after ``|`` are wide."""
    always, _, wide = text.partition("|")
    return (
        *(Column(name) for name in always.split()),
        *(Column(name, wide=True) for name in wide.split()),
    )


def listed(parts: Iterable[str]) -> str:
    """Comma-separated parts, `<none>` for no part."""
    return ",".join(parts) or NONE


def age(since: datetime, now: datetime) -> str:
    """A duration as kubectl prints it: at most two units, the smaller one only when it matters."""
    seconds = max(0, int((now - since) / timedelta(seconds=1)))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    for below, text in (
        (2 * 60, f"{seconds}s"),
        (10 * 60, _two(minutes, "m", seconds % 60, "s")),
        (3 * 3600, f"{minutes}m"),
        (8 * 3600, _two(hours, "h", minutes % 60, "m")),
        (48 * 3600, f"{hours}h"),
        (8 * 86400, _two(days, "d", hours % 24, "h")),
    ):
        if seconds < below:
            return text
    return f"{days}d"


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large}{unit}{small}{small_unit}" if small else f"{large}{unit}"
