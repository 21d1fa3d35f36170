"""Who comes first among objects that claim the same: the older, then by namespace and name.

So Gateway API settles conflicts (GEP-713, GEP-1713, HTTPRouteRule.matches). An object without a
creation timestamp, such as one from a file, counts as younger than any that has one, and as of the
same age as others without.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Protocol, TypeAlias

from fairlead import api
from fairlead.translate.sources import Key

Order: TypeAlias = tuple[str, str, str]
"""Creation timestamp, place of the namespace (`place`) and name: smaller goes first."""

_YOUNGEST: Final = "~"
"""Sorts after every timestamp."""


class _Object(Protocol):
    @property
    def metadata(self) -> api.ObjectMeta: ...


def created(metadata: api.ObjectMeta) -> str:
    """Sort key of an object's age alone, the oldest first (`metadata.creationTimestamp`)."""
    return metadata.creation_timestamp or _YOUNGEST


@lru_cache(maxsize=4096)
def place(namespace: str) -> str:
    """Sort key of a namespace: the order is that of ``namespace/name``, where - goes before /."""
    return f"{namespace}/"


def order(metadata: api.ObjectMeta) -> Order:
    """Sort key of an object among others of its kind."""
    return created(metadata), place(metadata.namespace), metadata.name


def first(candidates: Iterable[tuple[Key, _Object]]) -> Key | None:
    """Return the key of the object that comes first; None if there is none."""
    ranked = ((order(candidate.metadata), key) for key, candidate in candidates)
    return min(ranked, default=(None, None))[1]
