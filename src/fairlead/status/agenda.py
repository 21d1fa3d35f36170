"""What is due when: keys by time, each once. A machine without I/O."""

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)


class Agenda(Generic[_K]):
    """Keys with the time, in seconds of a monotonic clock, at which they are due."""

    def __init__(self) -> None:
        self._due: dict[_K, float] = {}
        self._heap: list[tuple[float, int, _K]] = []
        self._count = 0

    def add(self, key: _K, due: float) -> None:
        """Put a key on it; one that is due earlier already stays so."""
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            self._count += 1
            heapq.heappush(self._heap, (due, self._count, key))

    def discard(self, key: _K) -> None:
        """Take a key off, if it is there."""
        self._due.pop(key, None)

    def clear(self) -> None:
        """Take all keys off."""
        self._due.clear()
        self._heap.clear()

    def next(self) -> float | None:
        """When the earliest key is due; None if there is none."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> _K | None:
        """Take off the key that has been due for longest; None if none is."""
        due = self.next()
        if due is None or due > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._due[key]
        return key

    def __len__(self) -> int:
        return len(self._due)
