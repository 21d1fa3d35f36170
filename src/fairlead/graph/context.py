"""What a function of the graph reads others with; every read is noted as a dependency."""

from typing import Any, TypeVar

from fairlead.graph.dependency import Cell, Channel, Link
from fairlead.graph.error import GraphError
from fairlead.graph.groups import Groups
from fairlead.graph.table import Table, sorted_items

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


class _Closed(list[Cell]):
    """Stands in for the notes while no function runs."""

    def append(self, _cell: Cell) -> None:
        """Refuse a read.

        Raises:
            GraphError: Always.
        """
        raise GraphError("a context was used after the function that it was given to")


_CLOSED = _Closed()


class Context:
    """Reads on behalf of one function run.

    A function may read any collection or index that was built before its own collection; a later
    one would be a cycle and raises GraphError. What it read is all it depends on.
    """

    __slots__ = ("_dirty", "_links", "_name", "_owner", "_rank", "_reads")

    def __init__(self, name: str, owner: object, rank: int, dirty: set[Any]) -> None:
        self._name = name
        self._owner = owner
        self._rank = rank
        self._dirty = dirty
        self._links: dict[Channel, Link] = {}
        self._reads: list[Cell] = _CLOSED

    def fetch(self, collection: Table[K, V], key: K) -> V | None:
        """Return the value at `key`, None if there is none; absence is a dependency too."""
        self._note(collection.by_key, key)
        return collection.values.get(key)

    def fetch_by(self, index: Groups[K, V, T], term: T) -> tuple[tuple[K, V], ...]:
        """Return the (key, value) pairs under `term`, sorted by key.

        Runs again when an entry comes under the term, changes or leaves it.
        """
        self._note(index.by_term, term)
        keys = index.members.get(term)
        if keys is None:
            return ()
        values = index.base.values
        return tuple([(key, values[key]) for key in keys])

    def count_by(self, index: Groups[K, V, T], term: T) -> int:
        """Return how many entries there are under `term`, and depend on no more than that."""
        self._note(index.by_count, term)
        keys = index.members.get(term)
        return 0 if keys is None else len(keys)

    def first_by(self, index: Groups[K, V, T], term: T) -> K | None:
        """Return the lowest key under `term`, None if there is none; depend on no more than that.

        Where keys sort by precedence, that is who wins `term`, at a cost that doesn't depend on
        how many there are.
        """
        self._note(index.by_first, term)
        keys = index.members.get(term)
        return None if keys is None else keys[0]

    def fetch_all(self, collection: Table[K, V]) -> tuple[tuple[K, V], ...]:
        """Return all (key, value) pairs, sorted by key.

        Runs again at any change of the collection: for small ones only.
        """
        self._note(collection.as_whole, ())
        return tuple(sorted_items(collection.values))

    @property
    def links(self) -> tuple[Link, ...]:
        """What was read so far, by channel, in order of the first read."""
        return tuple(self._links.values())

    def open(self) -> None:
        """Start to note reads."""
        self._reads = []

    def close(self) -> tuple[Cell, ...]:
        """Stop noting and return what was read, each once, in order."""
        reads, self._reads = self._reads, _CLOSED
        return tuple(reads) if len(reads) < 2 else tuple(dict.fromkeys(reads))  # noqa: PLR2004

    def abandon(self) -> None:
        """Stop noting and forget what was read, after a function that raised."""
        for cell in self.close():
            cell.drop_if_unread()

    def _note(self, channel: Channel, key: Any) -> None:  # noqa: ANN401 - any key
        link = self._links.get(channel)
        if link is None:
            link = self._connect(channel)
        cells = link.cells
        cell = cells.get(key)
        if cell is None:
            cell = Cell(cells, key)
            self._reads.append(cell)
            cells[key] = cell
        else:
            self._reads.append(cell)

    def _connect(self, channel: Channel) -> Link:
        if channel.owner is not self._owner:
            raise GraphError(f"{channel.name!r} belongs to another graph than {self._name!r}")
        if channel.rank >= self._rank:
            raise GraphError(f"{self._name!r} reads {channel.name!r}, which was built after it")
        link = self._links[channel] = Link(channel, self._dirty)
        channel.links.append(link)
        return link
