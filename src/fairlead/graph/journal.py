"""What must be undone when a function raises, so that `apply` is all or nothing."""

from typing import Any, Protocol

from fairlead.graph.dependency import Cell
from fairlead.graph.table import Changed, Table


class Reader(Protocol):
    """A step that notes what its functions read."""

    def note(self, key: Any, reads: tuple[Cell, ...]) -> None:  # noqa: ANN401 - any key
        """Replace what was read for `key`."""
        ...


class Yielder(Protocol):
    """A step that remembers the keys each input yielded."""

    yielded: dict[Any, tuple[Any, ...]]


class Journal:
    """Old state, in order of replacement.

    The very first apply needs none of this, since the graph can be cleared instead; then `keep`
    is false and a first load of everything costs no extra memory.
    """

    def __init__(self, *, keep: bool) -> None:
        self.keep = keep
        self._changes: list[tuple[Table[Any, Any], Changed]] = []
        self._reads: list[tuple[Reader, Any, tuple[Cell, ...]]] = []
        self._yielded: list[tuple[Yielder, Any, tuple[Any, ...]]] = []

    def changes(self, table: Table[Any, Any], changed: Changed) -> None:
        """Values of `table` are about to change."""
        if self.keep:
            self._changes.append((table, changed))

    def reads(self, step: Reader, key: Any, old: tuple[Cell, ...]) -> None:  # noqa: ANN401
        """The dependencies of `key` are about to change."""
        if self.keep:
            self._reads.append((step, key, old))

    def yielded(self, step: Yielder, key: Any, old: tuple[Any, ...]) -> None:  # noqa: ANN401
        """What the input `key` yields is about to change."""
        if self.keep:
            self._yielded.append((step, key, old))

    def undo(self) -> None:
        """Bring the old state back."""
        for step, key, reads in reversed(self._reads):
            step.note(key, reads)
        for step, key, keys in reversed(self._yielded):
            if keys:
                step.yielded[key] = keys
            else:
                step.yielded.pop(key, None)
        for table, changed in reversed(self._changes):
            table.restore(changed)
