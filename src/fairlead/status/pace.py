"""How often one object's status is written: at once at first, ever more rarely while it changes.

A machine without I/O; times are seconds of a monotonic clock. What users wait for (`urgent`: a
condition that turned, an address) goes out after `SHORTEST`, unless that happens all the time;
counts and messages wait longer and longer, up to `LONGEST`. So a Gateway to which a thousand routes
attach is written some dozen times, and its counts are right `LONGEST` after the last one.
"""

from typing import Final

SHORTEST: Final = 0.1
"""Seconds between two writes, at least."""
LONGEST: Final = 1.5
"""Seconds for which a change waits, at most."""
_BURST: Final = 5.0
"""Urgent writes that may follow each other at once; then one for each `LONGEST`."""


class Pace:
    """Of one object."""

    __slots__ = ("_interval", "_last", "_urgent")

    def __init__(self) -> None:
        self._last = float("-inf")
        self._interval = SHORTEST
        self._urgent = _BURST

    def due(self, now: float, *, urgent: bool) -> float:
        """When a change may be written; not after `now` if that is at once."""
        if urgent and self._left(now) >= 1:
            return self._last + SHORTEST
        return self._last + self._interval

    def wrote(self, now: float, *, urgent: bool) -> None:
        """Note a write."""
        left = self._left(now)
        self._urgent = left - 1 if urgent and left >= 1 else left
        self._interval = SHORTEST if self.calm(now) else min(2 * self._interval, LONGEST)
        self._last = now

    def calm(self, now: float) -> bool:
        """Whether the last write is so long ago that it no longer counts."""
        return now - self._last > 2 * LONGEST

    def _left(self, now: float) -> float:
        """Urgent writes that may follow at once."""
        return min(_BURST, self._urgent + (now - self._last) / LONGEST)
