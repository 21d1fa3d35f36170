"""Steps: how a collection is computed from others.

In: dirty keys, put there by the tables that the step follows or has read. Out: changes of the
step's own table. A step works off its dirty keys in sorted order and yields once a key, so that
the caller may pause. Functions live in `function_step`; here is what needs none.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from fairlead.graph.groups import Groups
from fairlead.graph.journal import Journal
from fairlead.graph.table import Changed, Table


class Step(ABC):
    """Computes one table.

    Attributes:
        table: What is computed.
        inputs: Names of the collections or index whose every change it takes.
        dirty: Keys to look at; of the input where the step has one.
        runs: How many times its function ran since the start.
    """

    def __init__(self, table: Table[Any, Any], inputs: tuple[str, ...]) -> None:
        self.table = table
        self.inputs = inputs
        self.dirty: set[Any] = set()
        self.runs = 0

    @abstractmethod
    def work(self, changed: Changed, journal: Journal) -> Iterator[None]:
        """Look at all dirty keys and put what is new into `changed`; yields once a key."""

    def clear(self) -> None:
        """Be as when built."""
        self.dirty.clear()

    def take(self) -> list[Any]:
        """Return the dirty keys, sorted, and have none."""
        keys = sorted(self.dirty) if len(self.dirty) > 1 else list(self.dirty)
        self.dirty.clear()
        return keys

    def compare(self, changed: Changed, key: Any, new: object) -> None:  # noqa: ANN401
        """Note the new value of `key` unless it equals the old one."""
        old = self.table.values.get(key)
        if old is not new and old != new:
            changed[key] = (old, new)


class JoinStep(Step):
    """The union of several tables; the first that has a key gives its value."""

    def __init__(self, table: Table[Any, Any], inputs: tuple[Table[Any, Any], ...]) -> None:
        super().__init__(table, tuple(each.name for each in inputs))
        self._inputs = inputs
        for each in inputs:
            each.followers.append(self)

    def work(self, changed: Changed, journal: Journal) -> Iterator[None]:
        """Look at all dirty keys and put what is new into `changed`; yields once a key."""
        del journal
        for key in self.take():
            found = (each.values.get(key) for each in self._inputs)
            self.compare(changed, key, next((value for value in found if value is not None), None))
            yield


class TermsStep(Step):
    """The distinct terms of an index, each its own key and value."""

    def __init__(self, table: Table[Any, Any], groups: Groups[Any, Any, Any]) -> None:
        super().__init__(table, (groups.name,))
        self._groups = groups
        groups.presence.append(self)

    def work(self, changed: Changed, journal: Journal) -> Iterator[None]:
        """Look at all dirty terms and put what is new into `changed`; yields once a term."""
        del journal
        for term in self.take():
            self.compare(changed, term, term if term in self._groups.members else None)
            yield
