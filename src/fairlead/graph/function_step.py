"""Steps that run a function: map, flat_map and singleton.

A function gets a `Context`, and runs again when its input's value or anything that it has read
changes. It is pure, so it may run at any time and more often than needed.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from fairlead.graph.context import Context
from fairlead.graph.dependency import Cell
from fairlead.graph.error import GraphError
from fairlead.graph.journal import Journal
from fairlead.graph.step import Step
from fairlead.graph.table import Changed, Table

Pairs: TypeAlias = Iterable[tuple[Any, Any]]


class FunctionStep(Step):
    """A step with a function and what each run of it has read."""

    def __init__(self, table: Table[Any, Any], inputs: tuple[str, ...]) -> None:
        super().__init__(table, inputs)
        self.context = Context(table.name, table.owner, table.rank, self.dirty)
        self._reads: dict[Any, tuple[Cell, ...]] = {}

    def clear(self) -> None:
        """Be as when built."""
        super().clear()
        self._reads.clear()

    def note(self, key: Any, reads: tuple[Cell, ...]) -> None:  # noqa: ANN401 - any key
        """Replace what was read for `key`."""
        old = self._reads.get(key, ())
        for cell in set(reads).difference(old):
            cell.add(key)
        for cell in set(old).difference(reads):
            cell.discard(key)
        if reads:
            self._reads[key] = reads
        else:
            self._reads.pop(key, None)

    def run(
        self,
        key: Any,  # noqa: ANN401 - any key
        call: Callable[[], Any],
        journal: Journal,
    ) -> Any:  # noqa: ANN401 - whatever the function returns
        """Run the function for `key` and note what it reads.

        Raises:
            GraphError: The function raised.
        """
        context = self.context
        context.open()
        self.runs += 1
        try:
            result = call()
        except BaseException as error:
            context.abandon()
            if not isinstance(error, Exception):
                raise
            table = self.table
            message = f"{table.kind} {table.name!r} failed for key {key!r}: {error!r}"
            raise GraphError(message) from error
        self._renew(key, context.close(), journal)
        return result

    def forget(self, key: Any, journal: Journal) -> None:  # noqa: ANN401 - any key
        """Drop what was read for a key that is gone."""
        self._renew(key, (), journal)

    def _renew(self, key: Any, reads: tuple[Cell, ...], journal: Journal) -> None:  # noqa: ANN401
        old = self._reads.get(key, ())
        if reads != old:
            journal.reads(self, key, old)
            self.note(key, reads)


class MapStep(FunctionStep):
    """One value, or none, for each entry of the input, under the same key."""

    def __init__(
        self,
        table: Table[Any, Any],
        source: Table[Any, Any],
        function: Callable[[Context, Any, Any], Any],
    ) -> None:
        super().__init__(table, (source.name,))
        self._source = source
        self._function = function
        source.followers.append(self)

    def work(self, changed: Changed, journal: Journal) -> Iterator[None]:
        """Look at all dirty keys and put what is new into `changed`; yields once a key."""
        values, context, function = self._source.values, self.context, self._function
        for key in self.take():
            value = values.get(key)
            new = None
            if value is None:
                self.forget(key, journal)
            else:
                new = self.run(key, lambda k=key, v=value: function(context, k, v), journal)
            self.compare(changed, key, new)
            yield


class SingletonStep(FunctionStep):
    """One value, or none, under the key ``()``."""

    def __init__(self, table: Table[Any, Any], function: Callable[[Context], Any]) -> None:
        super().__init__(table, ())
        self._function = function
        self.dirty.add(())

    def clear(self) -> None:
        """Be as when built: due to run."""
        super().clear()
        self.dirty.add(())

    def work(self, changed: Changed, journal: Journal) -> Iterator[None]:
        """Run the function; yields once."""
        for key in self.take():
            self.compare(changed, key, self.run(key, lambda: self._function(self.context), journal))
            yield


class FlatMapStep(FunctionStep):
    """Any number of entries for each entry of the input, under keys of their own.

    Attributes:
        yielded: Keys that each input yielded, where there are any.
    """

    def __init__(
        self,
        table: Table[Any, Any],
        source: Table[Any, Any],
        function: Callable[[Context, Any, Any], Pairs],
    ) -> None:
        super().__init__(table, (source.name,))
        self._source = source
        self._function = function
        self.yielded: dict[Any, tuple[Any, ...]] = {}
        source.followers.append(self)

    def clear(self) -> None:
        """Be as when built."""
        super().clear()
        self.yielded.clear()

    def work(self, changed: Changed, journal: Journal) -> Iterator[None]:
        """Look at all dirty keys and put what is new into `changed`; yields once a key.

        All functions run before any result counts: a key may move from one input to another.
        """
        values = self._source.values
        results: dict[Any, dict[Any, Any]] = {}
        for key in self.take():
            value = values.get(key)
            if value is None:
                self.forget(key, journal)
                results[key] = {}
            else:
                results[key] = self.run(key, lambda k=key, v=value: self._entries(k, v), journal)
            yield
        yield from self._merge(results, changed)
        for key, entries in results.items():
            self._keep(key, tuple(entries), journal)

    def _entries(self, key: Any, value: object) -> dict[Any, Any]:  # noqa: ANN401 - any key
        entries: dict[Any, Any] = {}
        for own, new in self._function(self.context, key, value):
            if new is None:
                continue
            if own in entries and entries[own] != new:
                raise GraphError(f"it yields two values under the key {own!r}")
            entries[own] = new
        return entries

    def _merge(self, results: dict[Any, dict[Any, Any]], changed: Changed) -> Iterator[None]:
        current = self.table.values
        free = {own for key in results for own in self.yielded.get(key, ())}
        taken: dict[Any, Any] = {}
        for key, entries in results.items():
            for own, new in entries.items():
                if own in taken:
                    raise self._clash(own, taken[own], key)
                if own in current and own not in free:
                    raise self._clash(own, self._owner(own), key)
                taken[own] = key
                self.compare(changed, own, new)
            yield
        for own in free.difference(taken):
            changed[own] = (current[own], None)

    def _keep(self, key: Any, own: tuple[Any, ...], journal: Journal) -> None:  # noqa: ANN401
        old = self.yielded.get(key, ())
        if own == old:
            return
        journal.yielded(self, key, old)
        if own:
            self.yielded[key] = own
        else:
            del self.yielded[key]

    def _owner(self, own: Any) -> Any:  # noqa: ANN401 - any key
        return next(key for key, keys in self.yielded.items() if own in keys)

    def _clash(self, own: Any, first: Any, second: Any) -> GraphError:  # noqa: ANN401 - any key
        table = self.table
        return GraphError(
            f"{table.kind} {table.name!r} failed for key {second!r}: "
            f"it yields the key {own!r}, and so does {first!r}"
        )
