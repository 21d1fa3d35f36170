"""What goes into a graph and what comes out: changes and events."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from fairlead.graph.collection import Source
from fairlead.graph.error import GraphError
from fairlead.graph.table import Changed, Table, sorted_items

K = TypeVar("K")
V = TypeVar("V")


class Change(Generic[K, V]):
    """A new value, or None for its absence, at a key of a source."""

    __slots__ = ("key", "source", "value")

    def __init__(self, source: Source[K, V], key: K, value: V | None) -> None:
        self.source = source
        self.key = key
        self.value = value

    def __repr__(self) -> str:
        return f"Change({self.source.name!r}, {self.key!r}, {self.value!r})"


class Events:
    """What changed at the edges in one apply.

    ``events[collection]`` is (old, new) by key in sorted order, None standing for absence; it is
    empty where nothing changed.
    """

    __slots__ = ("_changed",)

    def __init__(self, changed: Mapping[Table[Any, Any], Changed]) -> None:
        self._changed = {table: dict(sorted_items(changes)) for table, changes in changed.items()}

    def __getitem__(self, collection: Table[K, V]) -> Mapping[K, tuple[V | None, V | None]]:
        if not collection.watched:
            raise GraphError(f"{collection.name!r} is not watched")
        return self._changed.get(collection, {})

    def __bool__(self) -> bool:
        """Whether anything changed at an edge."""
        return bool(self._changed)

    def __repr__(self) -> str:
        return f"Events({ {table.name: len(keys) for table, keys in self._changed.items()} })"
