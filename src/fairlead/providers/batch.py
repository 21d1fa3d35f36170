"""What a provider hands over: objects that changed, and problems as they are now.

Plain values, so that a benchmark or a test can feed the same thing without any files.
"""

from typing import TypeAlias

import msgspec

from fairlead import api
from fairlead.ir.workload import Workload

Key: TypeAlias = tuple[str, str]
"""(namespace, name); the namespace is empty for cluster-scoped kinds."""


class ObjectChange(msgspec.Struct, frozen=True):
    """One object that appeared, changed, or went away (`obj` is None)."""

    kind: str
    key: Key
    obj: api.Object | None


class FileProblems(msgspec.Struct, frozen=True):
    """All problems of one file, in the order of its lines; none: it has no problem any more."""

    file: str
    problems: tuple[api.Problem, ...]


class Batch(msgspec.Struct, frozen=True):
    """What changed at one moment; an object is in it at most once."""

    changes: tuple[ObjectChange, ...] = ()
    """Sorted by kind, then key."""
    problems: tuple[FileProblems, ...] = ()
    """Of the files whose problems changed, sorted by file."""
    workloads: tuple[tuple[Key, Workload | None], ...] = ()
    """Pods as they run, where the provider sees them; None: the pod is gone. Sorted by key."""
    forbidden: tuple[tuple[str, Key, bool], ...] = ()
    """Kind and key of objects that are referred to, and whether they may not be read. Sorted."""

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.changes or self.problems or self.workloads or self.forbidden)
