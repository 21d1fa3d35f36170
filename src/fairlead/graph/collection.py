"""Collections and indexes, as those who build a graph see them."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from fairlead.graph.context import Context
from fairlead.graph.function_step import FlatMapStep, MapStep
from fairlead.graph.groups import Groups
from fairlead.graph.registry import Registry
from fairlead.graph.step import TermsStep
from fairlead.graph.table import Table

K = TypeVar("K")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
T = TypeVar("T")
K2 = TypeVar("K2")
V2 = TypeVar("V2")


class Collection(Table[K, V_co]):
    """Frozen values by key.

    Keys are hashable and orderable among each other (str, or tuples of str and int). Values are
    compared by content; None is no value. Names are unique in the graph and show in its dump.

    Reading it (`get`, `len`, `in`, `keys`, `items`) is for outside of functions: what a function
    reads this way is no dependency.
    """

    def __init__(self, registry: Registry, name: str, kind: str) -> None:
        super().__init__(registry, name, kind, registry.enter(name))
        self.registry = registry
        registry.tables.append(self)

    def map(self, name: str, fn: Callable[[Context, K, V_co], V2 | None]) -> "Collection[K, V2]":
        """Build a collection with `fn(context, key, value)` under the same key, unless None.

        Raises:
            GraphError: The name is taken, or changes were applied already.
        """
        found = Collection[K, V2](self.registry, name, "map")
        self.registry.steps.append(MapStep(found, self, fn))
        return found

    def flat_map(
        self, name: str, fn: Callable[[Context, K, V_co], Iterable[tuple[K2, V2]]]
    ) -> "Collection[K2, V2]":
        """Build a collection of the (key, value) pairs that `fn(context, key, value)` yields.

        Two inputs must not yield one key: that raises GraphError when changes are applied.

        Raises:
            GraphError: The name is taken, or changes were applied already.
        """
        found = Collection[K2, V2](self.registry, name, "flat_map")
        self.registry.steps.append(FlatMapStep(found, self, fn))
        return found

    def index(self, name: str, fn: Callable[[K, V_co], Iterable[T]]) -> "Index[K, V_co, T]":
        """Group the entries by the hashable terms that `fn(key, value)` yields for each.

        Raises:
            GraphError: The name is taken, or changes were applied already.
        """
        return Index(self.registry, self, name, fn)


class Source(Collection[K, V]):
    """A collection that is filled from outside, by `Graph.apply`."""


class Index(Groups[K, V_co, T]):
    """Entries of a collection by term; `Context` reads it (`fetch_by`, `count_by`, `first_by`)."""

    def __init__(
        self,
        registry: Registry,
        base: Collection[K, V_co],
        name: str,
        fn: Callable[[K, V_co], Iterable[T]],
    ) -> None:
        registry.enter(name)
        super().__init__(base, name, fn)
        self.registry = registry
        registry.indexes.append(self)

    def terms(self, name: str) -> Collection[T, T]:
        """Build the collection of the terms that have an entry, each its own key and value.

        Further entries of a term don't change it. Terms must be orderable here.

        Raises:
            GraphError: The name is taken, or changes were applied already.
        """
        found = Collection[T, T](self.registry, name, "terms")
        self.registry.steps.append(TermsStep(found, self))
        return found
