"""What `fairlead run` tells the person at the terminal.

Lines on standard output: a banner, what is served where, then only what changes. On a terminal
words that matter have colour (unless NO_COLOR is set); the text is the same either way.
"""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

from fairlead import api
from fairlead.analysis.aligned import aligned
from fairlead.analysis.columns import table
from fairlead.analysis.naming import gateway_urls
from fairlead.analysis.table import Row, Table
from fairlead.analysis.view import View

MOST_ROWS = 20
"""Rows of a status table that are printed at once; the rest is counted."""
_SHOWN = ("Gateway", "HTTPRoute", "Pod")
"""Kinds whose changes are told as they happen, in this order."""
_IGNORED = {"AGE", "PIDS", "LOGS", "RESTARTS", "IMAGES", "IP"}
_RED, _YELLOW, _BOLD, _RESET = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"
_SEVERITY_COLOUR = {"error": _RED, "warning": _YELLOW}

RowKey = tuple[str, ...]


class Console:
    """Prints; remembers what it has printed, so that only changes are told."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._coloured = self._out.isatty() and not os.environ.get("NO_COLOR")
        self._problems: dict[str, api.Problem] = {}
        self._rows: dict[str, set[RowKey]] = {kind: set() for kind in _SHOWN}
        self._served: tuple[str, ...] = ()

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=self._out, flush=True)

    def title(self, text: str) -> None:
        """Print a line that stands out."""
        self.say(f"{_BOLD}{text}{_RESET}" if self._coloured else text)

    def problems(self, present: Iterable[api.Problem]) -> None:
        """Tell which problems are new, and which have gone since the last call."""
        now = {str(problem): problem for problem in present}
        for text, problem in now.items():
            if text not in self._problems:
                colour = _SEVERITY_COLOUR.get(problem.severity, "")
                self.say(f"{colour}{text}{_RESET}" if colour and self._coloured else text)
        for text, problem in self._problems.items():
            if text not in now:
                where = f"{problem.file}:{problem.line}: " if problem.file else ""
                self.say(f"{where}fixed: {problem.code} {problem.message}")
        self._problems = now

    def serving(self, view: View) -> None:
        """Tell under which URLs Gateways answer and whose pods are meshed, when that changes."""
        lines = tuple(_serving_lines(view))
        for line in lines:
            if line not in self._served:
                self.title(line)
        self._served = lines

    def changes(self, view: View) -> None:
        """Print the rows of Gateways, routes and pods that are others than before."""
        for kind in _SHOWN:
            found = table(view, kind, None, None)
            rows = {_content(found, row): row for row in found.rows}
            fresh = [row for key, row in rows.items() if key not in self._rows[kind]]
            gone = {key[:2] for key in self._rows[kind]} - {key[:2] for key in rows}
            self._rows[kind] = set(rows)
            if fresh:
                self._table(found, fresh)
            for namespace, name in sorted(gone):
                self.say(f"{kind} {namespace}/{name} removed")

    def _table(self, found: Table, rows: Sequence[Row]) -> None:
        shown = [i for i, column in enumerate(found.columns) if not column.wide]
        header = ["NAMESPACE", *(found.columns[i].name for i in shown)]
        cells = [[row.namespace, *(row.cells[i] for i in shown)] for row in rows[:MOST_ROWS]]
        for line in aligned([header, *cells]).splitlines():
            self.say(line)
        if len(rows) > MOST_ROWS:
            self.say(f"... and {len(rows) - MOST_ROWS} more")


def _content(found: Table, row: Row) -> RowKey:
    """What of a row counts as a change."""
    cells = (
        cell
        for column, cell in zip(found.columns, row.cells, strict=True)
        if column.name not in _IGNORED and not column.wide
    )
    return (row.namespace, row.name, *cells)


def _serving_lines(view: View) -> Iterable[str]:
    for key, _ in view.objects("Gateway"):
        for url in gateway_urls(view, key):
            yield f"serving Gateway {key[0]}/{key[1]} on {url}"
        for listener in view.http_listeners(f"gateway/{key[0]}/{key[1]}"):
            if listener.port != listener.bind_port:
                yield (
                    f"port {listener.port} is privileged: shifted to {listener.bind_port} "
                    "(--port-offset)"
                )
    meshed: Mapping[str, None] = dict.fromkeys(
        workload.namespace for _, workload in sorted(view.sources.workloads.items())
    )
    if meshed:
        yield f"serving the mesh for pods in {', '.join(meshed)}"
