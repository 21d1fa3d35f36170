"""Tables: what a collection holds, and who hears of its changes.

In: changes that the step behind the table has computed. Out: values, dirty keys of the steps that
follow or read the table, and up-to-date groups (the indexes).
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from fairlead.graph.dependency import Channel

K = TypeVar("K")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)

Changed: TypeAlias = dict[Any, tuple[Any, Any]]
"""(old, new) by key; None stands for absence, and the two are never equal."""

WHOLE = ((),)
"""The keys under which a collection is read as a whole: one."""

_key_of = itemgetter(0)


def sorted_items(values: Mapping[K, V]) -> list[tuple[K, V]]:
    """Return (key, value) pairs, sorted by key; values need no order."""
    return sorted(values.items(), key=_key_of)


class Follower(Protocol):
    """A step that takes every change of a table."""

    @property
    def dirty(self) -> set[Any]:
        """Keys to look at."""
        ...


class Grouping(Protocol):
    """An index over a table."""

    def update(self, changed: Changed) -> Iterator[None]:
        """Take over changes and wake readers; yields once a key."""
        ...

    def restore(self, changed: Changed) -> None:
        """Undo changes of which some may not have been taken over."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...


class Table(Generic[K, V_co]):
    """Values by key, readable from outside; the rest is for the engine.

    Attributes:
        owner: Stands for the graph.
        name: Unique in the graph.
        kind: How it is filled, for the dump.
        rank: Place in the order of propagation; what is read must have a lower one.
        watched: Whether its changes are returned as events.
        changes: Number of values that came, changed or went since the start.
    """

    def __init__(self, owner: object, name: str, kind: str, rank: int) -> None:
        self.owner = owner
        self.name = name
        self.kind = kind
        self.rank = rank
        self.watched = False
        self.changes = 0
        self.values: dict[Any, Any] = {}
        self.by_key = Channel(name, "key", owner, rank)
        self.as_whole = Channel(name, "all", owner, rank)
        self.followers: list[Follower] = []
        self.groupings: list[Grouping] = []

    def get(self, key: K) -> V_co | None:
        """Return the value at `key`, None if there is none."""
        return self.values.get(key)

    def __contains__(self, key: Hashable) -> bool:
        return key in self.values

    def __len__(self) -> int:
        return len(self.values)

    def __bool__(self) -> bool:
        """Be true even when empty: `collection or default` asks for presence of a collection."""
        return True

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r}: {len(self.values)}>"

    def keys(self) -> tuple[K, ...]:
        """Return all keys, sorted."""
        return tuple(sorted(self.values))

    def items(self) -> tuple[tuple[K, V_co], ...]:
        """Return all (key, value) pairs, sorted by key."""
        return tuple(sorted_items(self.values))

    def commit(self, changed: Changed) -> None:
        """Store the new values."""
        self.changes += len(changed)
        self._store((key, new) for key, (_, new) in changed.items())

    def publish(self, changed: Changed) -> Iterator[None]:
        """Tell everyone who is concerned; yields once a key and index."""
        for follower in self.followers:
            follower.dirty.update(changed)
        self.by_key.wake(changed)
        self.as_whole.wake(WHOLE)
        for grouping in self.groupings:
            yield from grouping.update(changed)

    def restore(self, changed: Changed) -> None:
        """Undo a commit, whether or not it was published."""
        self._store((key, old) for key, (old, _) in changed.items())
        for grouping in self.groupings:
            grouping.restore(changed)

    def clear(self) -> None:
        """Forget all values and readers."""
        self.values.clear()
        for channel in (self.by_key, self.as_whole):
            for link in channel.links:
                link.cells.clear()
        for grouping in self.groupings:
            grouping.clear()

    def _store(self, values: Iterable[tuple[Any, Any]]) -> None:
        for key, value in values:
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value
