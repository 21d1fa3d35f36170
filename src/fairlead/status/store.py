"""The present status of every object, for `get`, `describe` and the status directory.

Kept small, since there is one for every object: the report itself, which the graph holds anyway,
and the times of its conditions, which most objects have in common. The JSON is made when asked for.
"""

from collections.abc import Iterable
from typing import TypeAlias

from fairlead.status.conditions import Clock, Json, Times, status, timestamp, transitions
from fairlead.translate.report import Report

ReportKey: TypeAlias = tuple[str, str, str]
"""(kind, namespace, name)."""


class StatusStore:
    """Status by object."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[ReportKey, tuple[Report, Times]] = {}
        self._shared: dict[Times, Times] = {}

    def update(self, reports: Iterable[tuple[ReportKey, Report | None]]) -> list[ReportKey]:
        """Take over changed reports; None stands for an object that is gone.

        Returns:
            The objects whose status is another than before.
        """
        now = timestamp(self._clock())
        self._shared.clear()
        changed: list[ReportKey] = []
        for key, report in reports:
            before = self._entries.get(key)
            if (before and before[0]) == report:
                continue
            changed.append(key)
            if report is None:
                del self._entries[key]
                continue
            times = transitions(report, before[1] if before else (), now)
            self._entries[key] = (report, self._shared.setdefault(times, times))
        return changed

    def get(self, key: ReportKey) -> Json:
        """The status of an object, empty if there is nothing to tell."""
        entry = self._entries.get(key)
        return status(*entry) if entry else {}
