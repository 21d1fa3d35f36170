"""The incremental engine: collections derived from collections by pure functions.

A graph is built once, of sources, functions over them, joins and indexes. Then changes of the
sources are applied, and the functions that read what changed run again, no others; a result equal
to the last one stops there. It knows nothing of what flows through it but that values are frozen,
compare by content, and that keys are hashable and orderable. Pure and synchronous.
"""

from fairlead.graph.change import Change, Events
from fairlead.graph.collection import Collection, Index, Source
from fairlead.graph.context import Context
from fairlead.graph.dump import CollectionDump, Dependency, Dump
from fairlead.graph.error import GraphError
from fairlead.graph.graph import Graph

__all__ = [
    "Change",
    "Collection",
    "CollectionDump",
    "Context",
    "Dependency",
    "Dump",
    "Events",
    "Graph",
    "GraphError",
    "Index",
    "Source",
]
