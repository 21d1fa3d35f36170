"""When changes of objects came in: the newest of each, for whoever measures what follows.

In: batches of the provider. Out: receipts, with times on the system's monotonic clock, so that
another process of the same machine can compare them with its own.
"""

from collections import OrderedDict
from collections.abc import Iterable

import msgspec

from fairlead.translate.sources import Key

MOST = 4096
"""Objects that are remembered; the oldest are forgotten first."""


class Receipt(msgspec.Struct, frozen=True):
    """The last change of an object."""

    kind: str
    namespace: str
    name: str
    received: float
    """Seconds of the monotonic clock at which the provider reported it."""


class Receipts:
    """The last change of each of the objects that changed last."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, Key], Receipt] = OrderedDict()

    def note(self, changed: Iterable[tuple[str, Key]], received: float) -> None:
        """Note that objects (kind, key) changed at `received`."""
        for kind, key in changed:
            self._known.pop((kind, key), None)
            self._known[kind, key] = Receipt(kind, *key, received)
        while len(self._known) > MOST:
            self._known.popitem(last=False)

    def all(self) -> list[Receipt]:
        """Every receipt that is remembered, the oldest first."""
        return list(self._known.values())
