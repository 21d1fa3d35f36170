"""The parts list of one graph, in order of creation, which is the order of propagation."""

from typing import TYPE_CHECKING, Any

from fairlead.graph.error import GraphError

if TYPE_CHECKING:
    from fairlead.graph.groups import Groups
    from fairlead.graph.step import Step
    from fairlead.graph.table import Table


class Registry:
    """Everything that a graph is built of.

    Attributes:
        started: Whether changes were applied; then the graph's shape is settled.
    """

    def __init__(self) -> None:
        self.started = False
        self.tables: list[Table[Any, Any]] = []
        self.indexes: list[Groups[Any, Any, Any]] = []
        self.steps: list[Step] = []
        self._names: set[str] = set()

    def enter(self, name: str) -> int:
        """Take a name and return the rank that goes with it.

        Raises:
            GraphError: The name is taken, or changes were applied already.
        """
        if self.started:
            raise GraphError(f"{name!r} comes too late: changes were applied already")
        if name in self._names:
            raise GraphError(f"the name {name!r} is taken")
        self._names.add(name)
        return len(self._names)
