"""The graph: built once, then fed with changes.

In: changes of sources. Out: events at the watched collections, all or nothing.

Propagation goes through the collections in order of creation, which is an order of dependency,
since a function can only read what was built before. Each collection is settled once in an
apply, and a result that equals the last one goes no further. The cost is that of what changed
and of who read it, plus a look at each collection whether it has anything to do.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, TypeVar

from fairlead.graph.change import Change, Events
from fairlead.graph.collection import Collection, Source
from fairlead.graph.context import Context
from fairlead.graph.dump import Dump, describe
from fairlead.graph.error import GraphError
from fairlead.graph.function_step import SingletonStep
from fairlead.graph.journal import Journal
from fairlead.graph.registry import Registry
from fairlead.graph.step import JoinStep
from fairlead.graph.table import Changed, Table, sorted_items

K = TypeVar("K")
V = TypeVar("V")

SLICE = 100
"""Function runs, index entries and the like between two pauses of `Graph.steps`."""


class Graph:
    """An incremental computation over keyed collections of frozen values."""

    def __init__(self) -> None:
        self._registry = Registry()
        self._underway = False

    def source(self, name: str) -> Source[Any, Any]:
        """Build a collection that `apply` fills; annotate the result with its key and value.

        Raises:
            GraphError: The name is taken, or changes were applied already.
        """
        return Source(self._registry, name, "source")

    def join(self, name: str, *inputs: Collection[K, V]) -> Collection[K, V]:
        """Build the union of collections; the first one that has a key gives its value.

        Raises:
            GraphError: The name is taken, or changes were applied already, or a collection is of
                another graph.
        """
        for each in inputs:
            if each.registry is not self._registry:
                raise GraphError(f"{each.name!r} belongs to another graph than {name!r}")
        found = Collection[K, V](self._registry, name, "join")
        self._registry.steps.append(JoinStep(found, inputs))
        return found

    def singleton(self, name: str, fn: Callable[[Context], V | None]) -> Collection[tuple[()], V]:
        """Build a collection with the value of `fn(context)` under the key ``()``, unless None.

        It has its first value after the first apply.

        Raises:
            GraphError: The name is taken, or changes were applied already.
        """
        found = Collection[tuple[()], V](self._registry, name, "singleton")
        self._registry.steps.append(SingletonStep(found, fn))
        return found

    def watch(self, collection: Collection[Any, Any]) -> None:
        """Make a collection an edge: its changes are in the events from the next apply on."""
        collection.watched = True

    def apply(self, changes: Iterable[Change[Any, Any]]) -> Events:
        """Propagate changes and return what changed at the edges.

        Of several changes of one key the last counts. If it raises, nothing has changed.

        Raises:
            GraphError: A function raised, two inputs of a flat_map yield one key, a function read
                what was built after it, or an apply is underway.
        """
        steps = self._propagate(changes)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    def steps(
        self, changes: Iterable[Change[Any, Any]], every: int = SLICE
    ) -> Generator[None, None, Events]:
        """Do what `apply` does in slices: a generator that pauses now and then.

        Collections show a part of the changes while it is underway, and no other apply may start.
        Closing it before its end undoes what was done.

        Args:
            changes: As for `apply`.
            every: Function runs, index entries and the like between two pauses.

        Returns:
            The events, as the generator's return value.

        Raises:
            GraphError: As for `apply`.
        """
        steps = self._propagate(changes)
        count = 0
        try:
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    return end.value
                count += 1
                if count % every == 0:
                    yield
        finally:
            steps.close()

    def dump(self) -> Dump:
        """Describe collections, indexes, dependencies and run counts."""
        return describe(self._registry)

    def _propagate(self, changes: Iterable[Change[Any, Any]]) -> Generator[None, None, Events]:
        if self._underway:
            raise GraphError("an apply is underway")
        self._underway = True
        journal = Journal(keep=self._registry.started)
        events: dict[Table[Any, Any], Changed] = {}
        try:
            self._registry.started = True
            for source, changed in self._entering(changes):
                yield from _settle(source, changed, journal, events)
            for step in self._registry.steps:
                if step.dirty:
                    changed: Changed = {}
                    yield from step.work(changed, journal)
                    if changed:
                        yield from _settle(step.table, changed, journal, events)
            return Events(events)
        except BaseException:
            self._undo(journal)
            raise
        finally:
            self._underway = False

    def _entering(
        self, changes: Iterable[Change[Any, Any]]
    ) -> list[tuple[Table[Any, Any], Changed]]:
        news: dict[Table[Any, Any], dict[Any, Any]] = {}
        for change in changes:
            if change.source.registry is not self._registry:
                raise GraphError(f"{change.source.name!r} belongs to another graph")
            if change.source.kind != "source":
                raise GraphError(f"{change.source.name!r} is no source")
            news.setdefault(change.source, {})[change.key] = change.value
        found: list[tuple[Table[Any, Any], Changed]] = []
        for source in sorted(news, key=lambda table: table.rank):
            values = source.values
            pairs = ((key, values.get(key), new) for key, new in sorted_items(news[source]))
            changed = {key: (old, new) for key, old, new in pairs if old is not new and old != new}
            if changed:
                found.append((source, changed))
        return found

    def _undo(self, journal: Journal) -> None:
        if journal.keep:
            journal.undo()
            for step in self._registry.steps:
                step.dirty.clear()
            return
        for table in self._registry.tables:
            table.clear()
        for step in self._registry.steps:
            step.clear()
        self._registry.started = False


def _settle(
    table: Table[Any, Any],
    changed: Changed,
    journal: Journal,
    events: dict[Table[Any, Any], Changed],
) -> Iterator[None]:
    journal.changes(table, changed)
    table.commit(changed)
    if table.watched:
        events[table] = changed
    yield from table.publish(changed)
