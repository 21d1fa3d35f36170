"""The present status of every object, for `get`, `describe` and the status directory.

There is one for every object and hardly anybody asks, so taking over a report is cheap: what time
its conditions flipped is worked out when the status is asked for or the next report comes, and
kept small, since most objects have their times in common.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from fairlead.status.conditions import Clock, Json, Times, status, timestamp, transitions
from fairlead.translate.report import Report
from fairlead.translate.sources import CONTROLLER_NAME

ReportKey: TypeAlias = tuple[str, str, str]
"""(kind, namespace, name)."""


Recall: TypeAlias = Callable[[ReportKey], Times]
"""When the conditions of an object flipped, as its status in a cluster remembers it."""


def _no_memory(_key: ReportKey) -> Times:
    return ()


class StatusStore:
    """Status by object.

    Args:
        clock: the present time.
        controller_name: stands at our entries.
        recall: asked at an object's first report.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        controller_name: str = CONTROLLER_NAME,
        recall: Recall = _no_memory,
    ) -> None:
        self._clock = clock
        self._controller_name = controller_name
        self._recall = recall
        self._entries: dict[ReportKey, tuple[Report, Times]] = {}
        self._fresh: dict[ReportKey, tuple[Report, str]] = {}
        """Reports whose times are not worked out yet, with the time at which they came."""
        self._shared: dict[Times, Times] = {}

    def update(self, reports: Iterable[tuple[ReportKey, Report | None]]) -> None:
        """Take over changed reports; None stands for an object that is gone."""
        now = timestamp(self._clock())
        self._shared.clear()
        for key, report in reports:
            if report is None:
                self._entries.pop(key, None)
                self._fresh.pop(key, None)
                continue
            self._settle(key)
            self._fresh[key] = (report, now)

    def get(self, key: ReportKey) -> Json:
        """The status of an object, empty if there is nothing to tell."""
        self._settle(key)
        entry = self._entries.get(key)
        return status(*entry, self._controller_name) if entry else {}

    def told(self) -> list[ReportKey]:
        """The objects that something is told about."""
        return list({**self._entries, **self._fresh})

    def _settle(self, key: ReportKey) -> None:
        """Work out the times of a report that is still fresh."""
        fresh = self._fresh.pop(key, None)
        if fresh is None:
            return
        report, now = fresh
        before = self._entries.get(key)
        times = transitions(report, before[1] if before else self._recall(key), now)
        self._entries[key] = (report, self._shared.setdefault(times, times))
