"""The present status of every object, for `get`, `describe` and the status directory."""

from collections.abc import Iterable
from typing import TypeAlias

from fairlead.status.conditions import Clock, Json, status
from fairlead.translate.report import Report

ReportKey: TypeAlias = tuple[str, str, str]
"""(kind, namespace, name)."""


class StatusStore:
    """Status by object; what it returns is never changed afterwards."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._status: dict[ReportKey, Json] = {}

    def update(self, reports: Iterable[tuple[ReportKey, Report | None]]) -> dict[ReportKey, Json]:
        """Take over changed reports; None stands for an object that is gone.

        Returns:
            The status of each object whose status is another than before, empty if it is gone.
        """
        now = self._clock()
        changed: dict[ReportKey, Json] = {}
        for key, report in reports:
            before = self._status.get(key)
            if report is None:
                if self._status.pop(key, None) is not None:
                    changed[key] = {}
                continue
            after = status(report, before or {}, now)
            if after != before:
                self._status[key] = changed[key] = after
        return changed

    def get(self, key: ReportKey) -> Json:
        """The status of an object, empty if there is nothing to tell."""
        return self._status.get(key, {})
