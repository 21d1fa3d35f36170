"""Make before break, second half: clusters leave when no route points at them any more.

A removed cluster waits until every route change that came with it or before it is acknowledged,
and then a little longer for requests that a worker has just routed. Times are seconds of the
caller's monotonic clock.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from fairlead.ads.barrier import Key

GRACE = 0.05
"""Seconds between the acknowledgement of the last route and the removal."""

SETTLING = 1.0
"""Seconds that clusters left over from an earlier stream stay, for the subscriptions to routes
come after the one to clusters."""


@dataclass(slots=True, eq=False)
class Batch:
    """Clusters that left in one update."""

    sequence: int
    names: set[str]
    waiting: set[Key]
    due: float | None
    settling: bool = False


@dataclass(slots=True)
class Removals:
    """Clusters that are no longer desired but that Envoy still has."""

    _batches: list[Batch] = field(default_factory=list[Batch])
    _batch_of: dict[str, Batch] = field(default_factory=dict[str, Batch])

    def __len__(self) -> int:
        return len(self._batch_of)

    @property
    def deadline(self) -> float | None:
        """When `release` has something to do."""
        return min((batch.due for batch in self._batches if batch.due is not None), default=None)

    def add(self, sequence: int, names: Iterable[str], waiting: set[Key], now: float) -> None:
        """Remove clusters after the routes in `waiting` are acknowledged as of `sequence`."""
        due = None if waiting else now + GRACE
        self._enter(Batch(sequence, set(names), waiting, due))

    def add_leftovers(self, sequence: int, names: Iterable[str], now: float) -> None:
        """Remove clusters that a reconnected proxy brought along."""
        self._enter(Batch(sequence, set(names), set(), now + SETTLING, settling=True))

    def _enter(self, batch: Batch) -> None:
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
        """Envoy has acknowledged the route as of update `sequence`, or needs nothing of it."""
        for batch in self._batches:
            if batch.due is None and batch.sequence <= sequence:
                batch.waiting.discard(key)
                if not batch.waiting:
                    batch.due = now + GRACE

    def release(self, now: float, unfinished: Callable[[], set[Key]]) -> list[tuple[str, int]]:
        """Clusters whose time has come, as (name, update sequence)."""
        released: list[tuple[str, int]] = []
        for batch in list(self._batches):
            if batch.due is None or batch.due > now:
                continue
            if batch.settling:
                batch.settling = False
                batch.waiting = unfinished()
                if batch.waiting:
                    batch.due = None
                    continue
            self._batches.remove(batch)
            for name in sorted(batch.names):
                del self._batch_of[name]
                released.append((name, batch.sequence))
        return released
