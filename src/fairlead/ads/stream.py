"""State of one stream, which what comes in and what goes out share."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from fairlead.ads import type_url
from fairlead.ads.barrier import Barrier, Gate, Key
from fairlead.ads.channel import Channel, Entry, Mark
from fairlead.ads.quarantine import Quarantine
from fairlead.ads.removal import Removals
from fairlead.xds.resource import Resource

Desired: TypeAlias = dict[str, dict[str, Resource]]
"""Resources by type and name."""

Changes = Mapping[Key, Resource | None]
"""What changed, by (type url, name); None for what is gone."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """What a stream that breaks leaves open, for the next one of the same Envoy."""

    endpoints: frozenset[str]
    """Clusters that went out before their endpoints.

    Envoy may be warming the cluster, and says that it holds the endpoints: older ones.
    """
    resources: Mapping[str, frozenset[str]]
    """By type: names that were under way, or in a refused response that nothing has followed.

    Of a refused response Envoy applies what is good, and keeps reporting the versions before, or
    nothing of what is new.
    """


@dataclass(slots=True, eq=False)
class Stream:
    """One stream of one proxy. `desired` and `quarantine` belong to the proxy and outlive it."""

    desired: Desired
    quarantine: Quarantine
    channels: dict[str, Channel] = field(default_factory=dict[str, Channel])
    """By type url, once subscribed."""
    barrier: Barrier = field(default_factory=Barrier)
    gate: Gate = field(default_factory=Gate)
    removals: Removals = field(default_factory=Removals)
    pinned: set[str] = field(default_factory=set[str])
    """Clusters that have to leave once the last good version of a route no longer names them."""
    owed: set[str] = field(default_factory=set[str])
    """Clusters that went out, maybe on an earlier stream, and whose endpoints have to follow."""
    unclear: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """`Unclear.resources` of the types that Envoy has not asked for yet."""
    sequence: int = 0
    """Counts updates."""
    serial: int = 0
    """Counts responses."""
    polled: float = -math.inf
    """When what can go out was last looked for, in the caller's seconds."""
    last_answer: float | None = None
    """When a response was last answered, in the caller's seconds."""

    def finish(self, key: Key, sequence: int, now: float) -> None:
        """Nothing more has to be sent of a resource as of update `sequence`."""
        if key[0] in type_url.ROUTING:
            self.removals.finished(key, sequence, now)

    def left_out(self, key: Key) -> None:
        """The resource is refused and nothing can stand in: nobody shall wait for it."""
        url, name = key
        if url in (type_url.CLUSTER, type_url.ENDPOINTS):
            self.barrier.give_up(name)

    def stand_ins(self) -> Iterator[bytes]:
        """Content that Envoy has in place of refused routes and listeners that it asks for."""
        for url, name in self.quarantine.keys:
            channel = self.channels.get(url)
            asked = channel is None or channel.wants(name)
            resource = self.desired.get(url, {}).get(name)
            if url in type_url.ROUTING and asked and resource is not None:
                yield from self.quarantine.stand_ins(resource)

    def entry(self, mark: Mark, url: str, name: str) -> tuple[bool, Entry | None]:
        """What to send for a mark: (whether it's desired at all, the entry if any)."""
        desired = mark.resource if mark.frozen else self.desired.get(url, {}).get(name)
        if desired is None:
            return False, None
        resource = self.quarantine.effective(desired)
        return True, None if resource is None else Entry(resource, self.as_of(mark))

    def as_of(self, mark: Mark) -> int:
        """The last update that what is sent for the mark takes into account."""
        return mark.sequence if mark.frozen else self.sequence
