"""Unions: objects whose type says which one of their fields holds something."""

from collections.abc import Iterable, Iterator

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path


def union(path: Path, chosen: str, members: Iterable[tuple[str, str, object]]) -> Iterator[Finding]:
    """A finding for the field of the type if it is missing, and for each of another type.

    Args:
        path: the object's.
        chosen: its type.
        members: (type, name of the field that goes with it, the field's value or None).
    """
    for kind, name, value in members:
        if chosen == kind and value is None:
            message = f"type {kind} needs `{name}`"
            yield Finding(Code.RULE, path, message, f"add `{name}`")
        elif chosen != kind and value is not None:
            message = f"`{name}` cannot be set while type is {chosen}"
            yield Finding(Code.RULE, (*path, name), message, f"remove it or set `type: {kind}`")
