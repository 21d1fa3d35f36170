"""Tells the graph that the end of a FaultInjection has passed, since translation reads no clock.

In: FaultInjections as they come and go, and the time. Out: changes of `Sources.expired`. One whose
end has passed before it is read never acts.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from fairlead import api
from fairlead.app.pipeline import AnyChange
from fairlead.graph import Change, Events
from fairlead.translate.sources import Key, Sources

MOST: Final = 30.0
"""Seconds after which the clock is looked at again, as it may be set, and machines may sleep."""


class Expiry:
    """Knows when faults end."""

    def __init__(self, sources: Sources, clock: Callable[[], datetime]) -> None:
        self._sources = sources
        self._clock = clock
        self._ends: dict[Key, tuple[datetime, str]] = {}
        self._changed = asyncio.Event()

    def answer(self, events: Events) -> Iterable[AnyChange]:
        """What follows at once from FaultInjections that have changed (`Pipeline.add_feedback`)."""
        found = events[self._sources.fault_injections]
        for key, (_, injection) in sorted(found.items(), key=lambda item: item[0]):
            self._ends.pop(key, None)
            yield from self._noted(key, injection)
        if found:
            self._changed.set()

    def _noted(self, key: Key, injection: api.FaultInjection | None) -> Iterator[AnyChange]:
        """Note when a fault ends, unless it has ended; its former end counts no longer."""
        fact = ("FaultInjection", *key)
        until = injection.spec.until if injection is not None else None
        if until is not None:
            end = datetime.fromisoformat(until)
            if end > self._clock():
                self._ends[key] = end, until
                until = None
        if self._sources.expired.get(fact) != until:
            yield Change(self._sources.expired, fact, until)

    def due(self) -> list[AnyChange]:
        """The ends that have passed since the last call."""
        now = self._clock()
        passed = sorted(key for key, (end, _) in self._ends.items() if end <= now)
        return [
            Change(self._sources.expired, ("FaultInjection", *key), self._ends.pop(key)[1])
            for key in passed
        ]

    def wait(self) -> float:
        """Seconds until `due` has to be asked again, at most `MOST`."""
        ends = [end for end, _ in self._ends.values()]
        if not ends:
            return MOST
        return min(max((min(ends) - self._clock()).total_seconds(), 0.0), MOST)

    async def run(self, submit: Callable[[Iterable[AnyChange]], None]) -> None:
        """Submit ends as they pass, for ever."""
        while True:
            self._changed.clear()
            if changes := self.due():
                submit(changes)
            try:
                async with asyncio.timeout(self.wait()):
                    await self._changed.wait()
            except TimeoutError:
                continue
