"""What `fairlead run` tells the person at the terminal.

Lines on standard output: a banner, what is served where, then only what changes. On a terminal
words that matter have colour (unless NO_COLOR is set); the text is the same either way.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from fairlead import api
from fairlead.analysis.aligned import aligned
from fairlead.analysis.cells import trouble
from fairlead.analysis.columns import SHOWN, rows_of
from fairlead.analysis.naming import gateway_urls
from fairlead.analysis.own_tables import place
from fairlead.analysis.routes import ROUTE_KINDS
from fairlead.analysis.table import Row
from fairlead.analysis.view import View
from fairlead.ir.listener import OutboundListener
from fairlead.status.store import ReportKey
from fairlead.translate.report import Condition, Report

MOST_TOUCHED = 60
"""Objects of a kind that are told one by one; more than that are summed up."""
MOST_NAMES = 5
"""Names in such a summary."""
_SHOWN = ("Gateway", "ListenerSet", *ROUTE_KINDS, "Pod")
"""Kinds whose changes are told as they happen, in this order."""
_IGNORED = {"AGE", "PIDS", "LOGS", "RESTARTS", "IMAGES", "IP"}
_RED, _YELLOW, _BOLD, _RESET = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"
_SEVERITY_COLOUR = {"error": _RED, "warning": _YELLOW}

RowKey: TypeAlias = tuple[str, ...]


class Console:
    """Prints; remembers what it has printed, so that only changes are told."""

    def __init__(self) -> None:
        self._out = sys.stdout
        self._coloured = self._out.isatty() and not os.environ.get("NO_COLOR")
        self._problems: dict[str, api.Problem] = {}
        self._rows: dict[ReportKey, tuple[RowKey, ...]] = {}
        self._touched: set[ReportKey] = set()
        self._served: tuple[str, ...] = ()

    @property
    def interactive(self) -> bool:
        """Whether somebody sits at a terminal."""
        return self._out.isatty()

    def say(self, text: str) -> None:
        """Print a line; once nobody can read them any more, nothing is printed."""
        try:
            print(text, file=self._out, flush=True)
        except OSError:  # the terminal was closed, or the reader of a pipe has gone
            with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - no path, a device
                os.dup2(nowhere.fileno(), self._out.fileno())

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
                where = f"{place(problem)}: " if problem.file else ""
                self.say(f"{where}fixed: {problem.code} {problem.message}")
        self._problems = now

    def touched(self, keys: Iterable[ReportKey]) -> None:
        """Note objects about which there may be something new to tell."""
        self._touched.update(key for key in keys if key[0] in _SHOWN)

    def tell(self, view: View) -> None:
        """Print what is new of the objects that were touched, each row once."""
        touched, self._touched = sorted(self._touched), set()
        if any(kind in {"Gateway", "Pod"} for kind, _, _ in touched):
            self._serving(view)
        for kind in _SHOWN:
            keys = [key for key in touched if key[0] == kind]
            if len(keys) > MOST_TOUCHED:
                self._summary(view, kind, keys)
                continue
            fresh = [row for key in keys for row in self._news(view, key)]
            if fresh:
                self._table(kind, fresh)

    def _summary(self, view: View, kind: str, keys: Sequence[ReportKey]) -> None:
        """Tell of so many objects in a line, naming some of those that have a problem."""
        reports = [(key, view.report(kind, key[1:])) for key in keys]
        bad = [
            f"{key[1]}/{key[2]} ({condition.reason})"
            for key, report in reports
            if report and (condition := _trouble(report))
        ]
        text = f"{len(keys)} objects of kind {kind} changed"
        if bad:
            text += f", {len(bad)} with a problem: {', '.join(bad[:MOST_NAMES])}"
        self.say(text)

    def _news(self, view: View, key: ReportKey) -> Iterator[Row]:
        """The rows of an object that are others than when it was last told."""
        kind, namespace, name = key
        rows = {_content(kind, row): row for row in rows_of(view, kind, (namespace, name))}
        before = self._rows.pop(key, ())
        if not rows:
            if before:
                self.say(f"{kind} {namespace}/{name} removed")
            return
        self._rows[key] = tuple(rows)
        if any(_unsettled(cell) for content in rows for cell in content):
            self._touched.add(key)
        yield from (row for content, row in rows.items() if content not in before)

    def _serving(self, view: View) -> None:
        """Tell under which URLs Gateways answer and whose pods are meshed, when that changes."""
        lines = tuple(_serving_lines(view))
        for line in lines:
            if line not in self._served:
                self.title(line)
        self._served = lines

    def _table(self, kind: str, rows: Sequence[Row]) -> None:
        columns = SHOWN[kind].columns
        shown = [i for i, column in enumerate(columns) if not column.wide]
        header = ["NAMESPACE", *(columns[i].name for i in shown)]
        cells = [[row.namespace, *(row.cells[i] for i in shown)] for row in rows]
        for line in aligned([header, *cells]).splitlines():
            self.say(line)


def _trouble(report: Report) -> Condition | None:
    """What is wrong with an object, for itself or for one of its parents."""
    parents = (trouble(parent.conditions) for parent in report.parents)
    return trouble(report.conditions) or next((bad for bad in parents if bad), None)


def _content(kind: str, row: Row) -> RowKey:
    """What of a row counts as a change."""
    pairs = zip(SHOWN[kind].columns, row.cells, strict=True)
    return tuple(cell for column, cell in pairs if column.name not in _IGNORED and not column.wide)


def _unsettled(cell: str) -> bool:
    """Whether a cell is ``ACKED/TOTAL`` with some still to come: no report tells when they do."""
    acked, slash, total = cell.partition("/")
    return bool(slash) and acked.isdigit() and total.isdigit() and acked != total


def _serving_lines(view: View) -> Iterable[str]:
    for key, _ in view.objects("Gateway"):
        for url in gateway_urls(view, key):
            yield f"serving Gateway {key[0]}/{key[1]} on {url}"
        for listener in view.bound(key):
            if listener.port != listener.bind_port:
                yield (
                    f"port {listener.port} is privileged: shifted to {listener.bind_port} "
                    "(--port-offset)"
                )
    outbound = (listener for _, listener in view.outputs.listeners.items())
    meshed = sorted(
        {
            listener.namespace
            for listener in outbound
            if isinstance(listener, OutboundListener) and listener.table.startswith("mesh/")
        }
    )
    if meshed:
        yield f"serving the mesh for pods in {', '.join(meshed)}"
