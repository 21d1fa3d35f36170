"""Make before break, second half: clusters leave when no route points at them any more.

A removed cluster waits until every route change that came with it or before it is acknowledged,
and then a little longer for requests that a worker has just routed. Times are seconds of the
caller's monotonic clock.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from fairlead.ads.barrier import Key

GRACE = 0.05
"""Seconds between the acknowledgement of the last route and the removal."""

SETTLING = 1.0
"""Seconds after the subscription to listeners in which a reconnected proxy tells the routes that
it holds; no cluster leaves before."""


@dataclass(slots=True, eq=False)
class Batch:
    """Clusters that left in one update."""

    names: set[str]
    waiting: dict[Key, int]
    """Routes that may still use them, with the update whose acknowledgement frees them."""
    due: float | None


@dataclass(slots=True)
class Removals:
    """Clusters that are no longer desired but that Envoy still has."""

    _batches: list[Batch] = field(default_factory=list[Batch])
    _batch_of: dict[str, Batch] = field(default_factory=dict[str, Batch])
    _settled: float | None = -math.inf

    def __len__(self) -> int:
        return len(self._batch_of)

    @property
    def deadline(self) -> float | None:
        """When `release` has something to do."""
        due = min((batch.due for batch in self._batches if batch.due is not None), default=None)
        if due is None or self._settled is None:
            return None
        return max(due, self._settled)

    def settle(self, now: float | None) -> None:
        """The proxy has come back: with None, routes are not told yet, else they are from now."""
        if now is None:
            self._settled = None
        elif self._settled is None:
            self._settled = now + SETTLING

    def add(self, names: Iterable[str], waiting: dict[Key, int], now: float) -> None:
        """Remove clusters once all the routes in `waiting` are acknowledged."""
        batch = Batch(set(names), waiting, None if waiting else now + GRACE)
        if not batch.names:
            return
        for name in batch.names:
            self.cancel(name)
        self._batches.append(batch)
        self._batch_of.update(dict.fromkeys(batch.names, batch))

    def cancel(self, name: str) -> None:
        """Keep the cluster: it's desired again."""
        batch = self._batch_of.pop(name, None)
        if batch is not None:
            batch.names.discard(name)
            if not batch.names:
                self._batches.remove(batch)

    def finished(self, key: Key, sequence: int, now: float) -> None:
        """Envoy holds the route as of update `sequence`, or needs nothing of it."""
        for batch in self._batches:
            if batch.due is None and batch.waiting.get(key, math.inf) <= sequence:
                del batch.waiting[key]
                if not batch.waiting:
                    batch.due = now + GRACE

    def release(self, now: float, unfinished: Callable[[], dict[Key, int]]) -> list[str]:
        """Names of the clusters whose time has come.

        Args:
            now: In seconds.
            unfinished: Routes under way now; asked for when a proxy that came back has settled,
                since what it holds was not known when its batches were made.
        """
        deadline = self.deadline
        if deadline is None or deadline > now:
            return []
        if self._settled != -math.inf:
            self._settled = -math.inf
            waiting = unfinished()
            for batch in self._batches if waiting else ():
                batch.waiting, batch.due = dict(waiting), None
            return self.release(now, unfinished)
        due = [batch for batch in self._batches if batch.due is not None and batch.due <= now]
        names = sorted(name for batch in due for name in batch.names)
        self._batches = [batch for batch in self._batches if batch not in due]
        for name in names:
            del self._batch_of[name]
        return names
