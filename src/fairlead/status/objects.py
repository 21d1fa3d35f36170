"""The cluster's objects, as the writer of their status asks for them."""

from collections.abc import Iterable
from typing import Protocol, TypeAlias

_Key: TypeAlias = tuple[str, str]
"""Namespace and name."""


class Live(Protocol):
    """An object as it is in the cluster."""

    @property
    def uid(self) -> str:
        """`metadata.uid`."""
        ...

    @property
    def resource_version(self) -> str:
        """`metadata.resourceVersion`."""
        ...

    @property
    def generation(self) -> int:
        """`metadata.generation`."""
        ...

    @property
    def status(self) -> bytes:
        """Raw JSON of `.status`, empty if there is none."""
        ...

    @property
    def created(self) -> str:
        """`metadata.creationTimestamp`."""
        ...


class Objects(Protocol):
    """A copy of the cluster's objects (`KubeProvider`)."""

    def live(self, kind: str, key: _Key) -> Live | None:
        """An object by kind, namespace and name; None if there is none."""
        ...

    def served(self, kind: str) -> str:
        """The `apiVersion` under which a kind is served; empty if it is not."""
        ...

    def keys(self, kind: str) -> Iterable[_Key]:
        """Namespace and name of every object of a kind."""
        ...
