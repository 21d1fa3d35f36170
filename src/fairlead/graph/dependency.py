"""Who read what, so that a change wakes exactly its readers.

In: reads noted by a `Context`, and keys that changed. Out: keys in the `dirty` sets of steps.

A `Channel` is one way to read something: a collection by key or as a whole, an index by term or
by count. A `Link` joins a channel to one reading step, and a `Cell` of it is one key that was
read with the keys of its readers. There is one cell for thousands of readers and most cells have
a single one, so a reader costs a reference, and a set exists only from the second reader on.
"""

from collections.abc import Hashable, Iterable
from typing import Any, Final, Literal, TypeAlias

ReadKind: TypeAlias = Literal["key", "all", "term", "count", "first"]

_NOBODY: Final = object()


class Cell:
    """One key of a channel and who reads it; lives in its link as long as it has a reader."""

    __slots__ = ("cells", "key", "readers")

    def __init__(self, cells: dict[Any, "Cell"], key: Hashable) -> None:
        self.cells = cells
        self.key = key
        self.readers: Any = _NOBODY
        """No one, the key of the only reader, or a set of at least two keys."""

    def add(self, reader: Hashable) -> None:
        """Note a reader that is not noted yet."""
        readers = self.readers
        if readers is _NOBODY:
            self.cells[self.key] = self
            self.readers = reader
        elif readers.__class__ is set:
            readers.add(reader)
        else:
            self.readers = {readers, reader}

    def discard(self, reader: Hashable) -> None:
        """Forget a noted reader."""
        readers = self.readers
        if readers.__class__ is set:
            readers.discard(reader)
            if len(readers) == 1:
                self.readers = readers.pop()
        else:
            self.readers = _NOBODY
            self.drop_if_unread()

    def drop_if_unread(self) -> None:
        """Leave the link when no one reads the key."""
        if self.readers is _NOBODY:
            self.cells.pop(self.key, None)


class Link:
    """What one step read from one channel."""

    __slots__ = ("cells", "channel", "dirty")

    def __init__(self, channel: "Channel", dirty: set[Any]) -> None:
        self.channel = channel
        self.dirty = dirty
        self.cells: dict[Any, Cell] = {}

    def wake(self, keys: Iterable[Any]) -> None:
        """Mark the readers of `keys` dirty."""
        cells = self.cells
        if not cells:
            return
        for key in keys:
            cell = cells.get(key)
            if cell is None:
                continue
            readers = cell.readers
            if readers.__class__ is set:
                self.dirty.update(readers)
            elif readers is not _NOBODY:
                self.dirty.add(readers)


class Channel:
    """One way to read a collection or an index.

    `owner` stands for the graph and `rank` the place of the collection behind it: only
    steps of the same graph with a higher rank may read.
    """

    __slots__ = ("kind", "links", "name", "owner", "rank")

    def __init__(self, name: str, kind: ReadKind, owner: object, rank: int) -> None:
        self.name = name
        self.kind: ReadKind = kind
        self.owner = owner
        self.rank = rank
        self.links: list[Link] = []

    def wake(self, keys: Iterable[Any]) -> None:
        """Mark dirty whoever read one of `keys`."""
        for link in self.links:
            link.wake(keys)
