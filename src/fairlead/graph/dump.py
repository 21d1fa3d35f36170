"""The graph as data: what it is built of, who reads whom, and how often it ran."""

import msgspec

from fairlead.graph.dependency import ReadKind
from fairlead.graph.function_step import FunctionStep
from fairlead.graph.registry import Registry
from fairlead.graph.step import Step


class Dependency(msgspec.Struct, frozen=True):
    """Reads of one collection or index by functions of another collection.

    Attributes:
        name: What is read.
        by: By key, as a whole, by term, by count or by first key.
        keys: Number of distinct keys or terms that are read now.
    """

    name: str
    by: ReadKind
    keys: int


class CollectionDump(msgspec.Struct, frozen=True):
    """One collection or index.

    Attributes:
        name: Unique in the graph.
        kind: source, map, flat_map, join, terms, singleton or index.
        size: Number of entries; of an index, of terms.
        inputs: Names of what it is computed from, entry by entry.
        outputs: Names of what is computed from it, entry by entry.
        dependencies: What its functions have read besides, and still depend on.
        watched: Whether its changes leave the graph.
        runs: Number of function runs since the start.
        changes: Number of values that came, changed or went since the start.
    """

    name: str
    kind: str
    size: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dependencies: tuple[Dependency, ...]
    watched: bool
    runs: int
    changes: int


class Dump(msgspec.Struct, frozen=True):
    """A graph at one moment; collections in order of creation, then indexes."""

    collections: tuple[CollectionDump, ...]


def describe(registry: Registry) -> Dump:
    """Describe everything in `registry`."""
    steps = {step.table.name: step for step in registry.steps}
    inputs = {name: step.inputs for name, step in steps.items()}
    inputs.update((index.name, (index.base.name,)) for index in registry.indexes)

    def outputs(name: str) -> tuple[str, ...]:
        return tuple(other for other, names in inputs.items() if name in names)

    tables = (
        CollectionDump(
            name=table.name,
            kind=table.kind,
            size=len(table),
            inputs=inputs.get(table.name, ()),
            outputs=outputs(table.name),
            dependencies=_dependencies(steps.get(table.name)),
            watched=table.watched,
            runs=steps[table.name].runs if table.name in steps else 0,
            changes=table.changes,
        )
        for table in registry.tables
    )
    indexes = (
        CollectionDump(
            name=index.name,
            kind="index",
            size=len(index.members),
            inputs=inputs[index.name],
            outputs=outputs(index.name),
            dependencies=(),
            watched=False,
            runs=0,
            changes=0,
        )
        for index in registry.indexes
    )
    return Dump((*tables, *indexes))


def _dependencies(step: Step | None) -> tuple[Dependency, ...]:
    if not isinstance(step, FunctionStep):
        return ()
    found = (
        Dependency(link.channel.name, link.channel.kind, len(link.cells))
        for link in step.context.links
        if link.cells
    )
    return tuple(sorted(found, key=lambda each: (each.name, each.by)))
