"""Groups: the entries of a table under the terms that a function names for each.

In: changes of the table. Out: sorted keys by term; wakes who read a term when an entry of it came,
changed or went, and who counted a term, or asked for its first key, only when that is another one
after all.

The terms of an entry are not stored: the function is pure, so those of the old value are asked
for again.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from fairlead.graph.dependency import Channel
from fairlead.graph.error import GraphError
from fairlead.graph.table import Changed, Follower, Table

K = TypeVar("K")
V_co = TypeVar("V_co", covariant=True)
T = TypeVar("T")


class Groups(Generic[K, V_co, T]):
    """Keys of a table by term.

    Attributes:
        members: Sorted keys by term, never empty.
        presence: Steps that take every term that appears or disappears.
    """

    def __init__(
        self, base: Table[K, V_co], name: str, terms: Callable[[K, V_co], Iterable[T]]
    ) -> None:
        self.base = base
        self.name = name
        self.members: dict[Any, list[Any]] = {}
        self.by_term = Channel(name, "term", base.owner, base.rank)
        self.by_count = Channel(name, "count", base.owner, base.rank)
        self.by_first = Channel(name, "first", base.owner, base.rank)
        self.presence: list[Follower] = []
        self._terms = terms
        base.groupings.append(self)

    def __repr__(self) -> str:
        return f"<index {self.name!r} over {self.base.name!r}: {len(self.members)}>"

    def update(self, changed: Changed) -> Iterator[None]:
        """Take over changes and wake readers; yields once a key."""
        before: dict[Any, tuple[int, Any]] = {}
        for key, (old, new) in changed.items():
            gone = self._terms_of(key, old)
            come = self._terms_of(key, new)
            for term in gone | come:
                if term not in before:
                    before[term] = self._summary(term)
            self._move(key, gone - come, come - gone)
            yield
        self.by_term.wake(before)
        self._wake_summaries(before)

    def restore(self, changed: Changed) -> None:
        """Undo changes of which some may not have been taken over."""
        for key, (old, new) in changed.items():
            try:
                come = self._terms_of(key, new)
            except GraphError:  # the very entry that broke the update was not taken over
                come = set[Any]()
            gone = self._terms_of(key, old)
            self._move(key, come - gone, gone - come)

    def clear(self) -> None:
        """Forget all members and readers."""
        self.members.clear()
        for channel in (self.by_term, self.by_count, self.by_first):
            for link in channel.links:
                link.cells.clear()

    def _terms_of(self, key: Hashable, value: object) -> set[Any]:
        if value is None:
            return set()
        try:
            return set(self._terms(key, value))  # type: ignore[arg-type]
        except Exception as error:
            raise GraphError(f"index {self.name!r} failed for key {key!r}: {error!r}") from error

    def _move(self, key: Hashable, gone: set[Any], come: set[Any]) -> None:
        for term in gone:
            keys = self.members.get(term, [])
            place = bisect_left(keys, key)
            if place < len(keys) and keys[place] == key:
                del keys[place]
                if not keys:
                    del self.members[term]
        for term in come:
            keys = self.members.get(term)
            if keys is None:
                self.members[term] = [key]
                continue
            place = bisect_left(keys, key)
            if place == len(keys) or keys[place] != key:
                keys.insert(place, key)

    def _summary(self, term: Hashable) -> tuple[int, Any]:
        """How many keys a term has, and the first of them."""
        keys = self.members.get(term)
        return (0, None) if keys is None else (len(keys), keys[0])

    def _wake_summaries(self, before: dict[Any, tuple[int, Any]]) -> None:
        recounted = [(term, old, self._summary(term)) for term, old in before.items()]
        self.by_count.wake([term for term, old, new in recounted if old[0] != new[0]])
        self.by_first.wake([term for term, old, new in recounted if old[1] != new[1]])
        switched = [term for term, old, new in recounted if bool(old[0]) != bool(new[0])]
        for step in self.presence:
            step.dirty.update(switched)
