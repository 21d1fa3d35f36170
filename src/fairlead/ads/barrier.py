"""Make before break, first half: routes wait until new clusters have their endpoints.

The bytes of a route don't tell which clusters it names, so a change of routes waits for all
clusters that were new when it came, and for none that come later: generations. In goes what the
stream sends and hears, out comes which generations are complete. Times are seconds of the
caller's monotonic clock.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from fairlead.ads.channel import Mark
from fairlead.xds.resource import Resource

PATIENCE = 5.0
"""Seconds after which routes no longer wait for a proxy that doesn't acknowledge endpoints."""

Key: TypeAlias = tuple[str, str]
"""(type url, resource name)"""


@dataclass(slots=True)
class Barrier:
    """Which clusters Envoy can send requests to, and which it's still being given."""

    generation: int = 0
    """Counts updates that brought new clusters."""
    serving: set[str] = field(default_factory=set[str])
    _pending: dict[str, int] = field(default_factory=dict[str, int])
    _sent: dict[str, int] = field(default_factory=dict[str, int])
    _left: dict[int, int] = field(default_factory=dict[int, int])
    _until: dict[int, float] = field(default_factory=dict[int, float])

    @property
    def opened(self) -> int:
        """The last generation up to which every cluster is there."""
        return next(iter(self._left), self.generation + 1) - 1

    @property
    def clear(self) -> bool:
        """Whether no cluster is waited for."""
        return not self._left

    @property
    def deadline(self) -> float | None:
        """When `expire` has to be called, in seconds of the caller's clock."""
        return next(iter(self._until.values()), None)

    def expect(self, names: Iterable[str], now: float) -> None:
        """Wait for those of the clusters that Envoy does not have yet."""
        new = [name for name in names if name not in self.serving and name not in self._pending]
        if not new:
            return
        self.generation += 1
        self._left[self.generation] = len(new)
        self._until[self.generation] = now + PATIENCE
        self._pending.update(dict.fromkeys(new, self.generation))

    def first_awaiting(self, names: Iterable[str]) -> int | None:
        """The first generation that waits for one of the clusters; None if none does."""
        found = (self._pending[name] for name in names if name in self._pending)
        return min(found, default=None)

    def sent(self, name: str, serial: int) -> None:
        """The cluster went out in the response `serial`."""
        if name in self._pending:
            self._sent[name] = serial

    def endpoints_accepted(self, name: str, serial: int) -> None:
        """Endpoints of the cluster, sent in the response `serial`, were acknowledged."""
        if serial > self._sent.get(name, serial):
            self.settle(name)

    def settle(self, name: str) -> None:
        """Envoy can use the cluster."""
        self.serving.add(name)
        self.give_up(name)

    def give_up(self, name: str) -> None:
        """Nobody waits for the cluster any longer: it's refused, or no longer wanted."""
        self._sent.pop(name, None)
        generation = self._pending.pop(name, None)
        if generation is None:
            return
        self._left[generation] -= 1
        if not self._left[generation]:
            del self._left[generation], self._until[generation]

    def gone(self, name: str) -> None:
        """Envoy no longer has the cluster."""
        self.serving.discard(name)
        self.give_up(name)

    def expire(self, now: float) -> None:
        """Stop waiting for generations whose time is up."""
        over = {generation for generation, until in self._until.items() if until <= now}
        if over:
            for name in [name for name, number in self._pending.items() if number in over]:
                self.give_up(name)


@dataclass(slots=True)
class Gate:
    """Route changes that wait for a generation of clusters.

    At most two states of a resource wait: the oldest one, so that a steady stream of new
    clusters cannot hold a route table back for ever, and the newest. Where a cluster leaves that
    was still waited for, the newest alone.
    """

    _waiting: dict[int, dict[Key, Mark]] = field(default_factory=dict[int, dict[Key, Mark]])
    _generations: dict[Key, list[int]] = field(default_factory=dict[Key, list[int]])

    def __contains__(self, key: Key) -> bool:
        return key in self._generations

    def __iter__(self) -> Iterator[Key]:
        return iter(self._generations)

    def __len__(self) -> int:
        return len(self._generations)

    def hold(self, key: Key, generation: int, sequence: int, before: Resource | None) -> None:
        """Let the resource wait for `generation`; `before` is what was desired until now."""
        generations = self._generations.setdefault(key, [])
        if generations and generations[-1] != generation:
            last = self._waiting[generations[-1]]
            if len(generations) == 1:
                last[key] = Mark(last[key].sequence, frozen=True, resource=before)
            else:
                del last[key]
                generations.pop()
        if not generations or generations[-1] != generation:
            generations.append(generation)
        self._waiting.setdefault(generation, {})[key] = Mark(sequence)

    def release(self, opened: int) -> Iterator[tuple[Key, Mark]]:
        """Let go what waited for generations up to `opened`, oldest first."""
        while self._waiting and (generation := next(iter(self._waiting))) <= opened:
            for key, mark in self._waiting.pop(generation).items():
                generations = self._generations[key]
                generations.remove(generation)
                if not generations:
                    del self._generations[key]
                yield key, mark

    def drop_outdated(self, generation: int) -> None:
        """A cluster that `generation` waited for has left before it was there.

        States held since then may name it. Only the newest of a resource surely does not.
        """
        for key, generations in self._generations.items():
            if len(generations) > 1 and generations[0] >= generation:
                del self._waiting[generations.pop(0)][key]

    def drop(self, key: Key) -> None:
        """Nobody waits for the resource any longer."""
        for generation in self._generations.pop(key, ()):
            del self._waiting[generation][key]
