"""Entries of a list that must differ."""

from collections.abc import Hashable, Iterable, Iterator

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path


def unique(path: Path, keys: Iterable[Hashable], message: str, remedy: str) -> Iterator[Finding]:
    """A finding for each entry whose key an earlier entry of the list has already.

    Args:
        path: the list's.
        keys: one for each entry; None never collides.
        message: may name the key as `{key}` and the earlier entry's position as `{first}`.
        remedy: what to do about it.
    """
    seen: dict[Hashable, int] = {}
    for index, key in enumerate(keys):
        if key is None:
            continue
        first = seen.setdefault(key, index)
        if first != index:
            text = message.format(key=key, first=first)
            yield Finding(Code.NOT_UNIQUE, (*path, index), text, remedy)
