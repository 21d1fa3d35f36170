"""Keys that wait to be worked on, now or later, each by one worker at a time."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

from fairlead.dataplane.clock import Clock

K = TypeVar("K")


class WorkQueue(Generic[K]):
    """First in, first out; a key that comes again while it waits is there once.

    One that comes again while it is worked on is worked on once more afterwards.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ready: deque[K] = deque()
        self._waiting: set[K] = set()
        self._later: dict[K, float] = {}
        self._busy: set[K] = set()
        self._again: set[K] = set()
        self._changed = asyncio.Event()

    @property
    def busy(self) -> bool:
        """Whether a key is worked on, or waits to be; those for later do not count."""
        return bool(self._ready or self._busy)

    def add(self, key: K) -> None:
        """Work on `key` as soon as somebody has time."""
        self._later.pop(key, None)
        if key in self._busy:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.append(key)
            self._changed.set()

    def add_later(self, key: K, seconds: float) -> None:
        """Work on `key` after `seconds`, unless it is worked on before."""
        if key not in self._waiting and key not in self._again:
            due = self._clock.now() + seconds
            self._later[key] = min(due, self._later.get(key, due))
            self._changed.set()

    async def get(self) -> K:
        """The next key, once there is one; `done` has to be called for it."""
        while True:
            now = self._clock.now()
            for key in [key for key, due in self._later.items() if due <= now]:
                self.add(key)
            if self._ready:
                key = self._ready.popleft()
                self._waiting.discard(key)
                self._later.pop(key, None)
                self._busy.add(key)
                return key
            self._changed.clear()
            if self._later:
                await self._clock.wait(self._changed, min(self._later.values()) - now)
            else:
                await self._changed.wait()

    def done(self, key: K) -> None:
        """The work on `key` has ended."""
        self._busy.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)
