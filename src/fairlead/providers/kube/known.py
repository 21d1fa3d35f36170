"""Which objects of a resource are known, as a machine without I/O: lists and events in, news out.

Invariants: after a whole list, exactly what it held is known; an event changes nothing that is as
new or newer already. So duplicates and old events do no harm, and what went away unseen is found
out by the next list.
"""

from collections.abc import Iterator
from typing import TypeAlias

Key: TypeAlias = tuple[str, str]
"""(namespace, name); the namespace is empty for cluster-scoped kinds."""
Version: TypeAlias = tuple[str, str]
"""`metadata.uid` and `metadata.resourceVersion`."""


class Known:
    """Uid and version of every object of one resource."""

    def __init__(self) -> None:
        self._versions: dict[Key, Version] = {}
        self._removed: dict[Key, Version] = {}
        self._missing: set[Key] = set()

    def __len__(self) -> int:
        return len(self._versions)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._versions)

    def begin_list(self) -> None:
        """A list begins, or begins again."""
        self._missing = set(self._versions)

    def listed(self, key: Key, version: Version) -> bool:
        """Take an object of the list; whether it is new or other than before.

        The list counts even where its version is the smaller one, as after a restored backup.
        """
        self._missing.discard(key)
        same = self._versions.get(key) == version
        self._versions[key] = version
        return not same

    def end_list(self) -> list[Key]:
        """The list is complete: the keys that are known no more, sorted."""
        gone = sorted(self._missing)
        for key in gone:
            del self._versions[key]
        self._missing.clear()
        self._removed.clear()
        return gone

    def changed(self, key: Key, version: Version) -> bool:
        """Take an event that says how an object is; whether it is news."""
        last = self._versions.get(key) or self._removed.get(key)
        if last is not None and not _newer(version, last):
            return False
        self._removed.pop(key, None)
        self._versions[key] = version
        return True

    def removed(self, key: Key, version: Version) -> bool:
        """Take an event that says an object is gone; whether it is news."""
        last = self._versions.get(key) or self._removed.get(key)
        if last is not None and last[1] != version[1] and not _newer(version, last):
            return False
        self._removed[key] = version
        return self._versions.pop(key, None) is not None

    def up_to_date(self) -> None:
        """Everything so far has been told (a bookmark): no older event can come any more."""
        self._removed.clear()


def _newer(version: Version, last: Version) -> bool:
    """Versions of one resource are numbers that grow; others can only be told apart."""
    new, old = version[1], last[1]
    return int(new) > int(old) if new.isdecimal() and old.isdecimal() else version != last
