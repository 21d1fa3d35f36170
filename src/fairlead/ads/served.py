"""One proxy that is served: its Envoys, which share what is desired, and what they report together.

A proxy in a cluster is several pods, each an Envoy with a stream of its own; a local one is a
single Envoy. Reports are about the proxy: connected if any is, a listener is there when all have
it, refused is what any has refused.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from fairlead.ads.machine import Machine, entered
from fairlead.ads.snapshot import resources_of, without
from fairlead.ads.stream import Changes, Desired
from fairlead.ads.sync_state import ProxyState
from fairlead.ir.proxy_status import ProxyStatus, Rejection
from fairlead.xds.resource import Resource

KEPT_SECONDS = 600.0
"""How long is remembered what an Envoy has refused that has gone; it may come back."""
MOST_KEPT = 32
"""Envoys that have gone and are remembered."""


@dataclass(slots=True, eq=False)
class Instance:
    """One Envoy: its machine, and who waits for it."""

    machine: Machine
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when `poll` may have something to say."""
    stream: object | None = None
    """Identity of the stream that serves the Envoy now."""
    left: float = 0.0
    """When its last stream ended."""
    loaded: bool = False
    """Whether it has held all that was desired, since it connected."""
    status: ProxyStatus | None = None
    """What it last reported."""


class ServedProxy:
    """What is desired of a proxy, its Envoys by their names, and their common report."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.desired: Desired = {}
        self.instances: dict[str, Instance] = {}
        self.moved = asyncio.Event()
        """Set when the proxy may have become synced."""
        self._told: ProxyStatus | None = None
        self._stale = True

    @property
    def connected(self) -> list[Instance]:
        """The Envoys that have a stream."""
        return [each for each in self.instances.values() if each.machine.session is not None]

    @property
    def synced(self) -> bool:
        """Whether there is an Envoy, and each holds all that it has asked for."""
        found = self.connected
        return bool(found) and all(each.machine.synced for each in found)

    def update(self, changes: Changes, now: float) -> None:
        """Take what changed, for all Envoys at once."""
        update = entered(self.desired, changes)
        for instance in self.instances.values():
            instance.machine.updated(update, now)
            instance.wake.set()
            self._look(instance)

    def begin(self, name: str, now: float) -> Instance:
        """A stream of the Envoy `name` begins; an earlier one of it is over."""
        self._forget_old(now)
        instance = self.instances.get(name)
        if instance is None:
            instance = self.instances[name] = Instance(Machine(self.name, name, self.desired))
        self.end(instance, now)
        instance.stream = object()
        instance.machine.connect()
        return instance

    def end(self, instance: Instance, now: float) -> None:
        """End an Envoy's stream, if it has one: its coroutines see that it's no longer theirs."""
        instance.stream = None
        instance.left = now
        instance.loaded = False
        instance.machine.disconnect()
        instance.wake.set()
        self._look(instance)

    def look(self, instance: Instance) -> None:
        """Something has happened to an Envoy: its report may be another one."""
        if not instance.loaded and instance.machine.synced:
            instance.loaded = True
            self._stale = True
        self._look(instance)

    def new_status(self) -> ProxyStatus | None:
        """The proxy's status if it has changed since this was last asked."""
        if not self._stale and self._told is not None:
            return None
        self._stale = False
        status = self._status()
        if status == self._told:
            return None
        self._told = status
        return status

    def holds(self, elsewhere: Iterable[Rejection] | None) -> tuple[Resource, ...] | None:
        """What the proxy holds, as of an Envoy that holds all it has asked for.

        Args:
            elsewhere: What the proxy's Envoys have refused that other replicas serve; None if there
                are none.

        Returns:
            None while no Envoy is known to hold what is desired.
        """
        everything = resources_of(self.desired)
        for _, instance in sorted(self.instances.items()):
            if instance.loaded and instance.machine.synced:
                effective = map(instance.machine.quarantine.effective, everything)
                return tuple([each for each in effective if each is not None])
        if elsewhere is None or self.connected:
            return None
        refused: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for each in elsewhere:
            refused[each.type_url, each.name].add(each.part)
        kept = (without(each, refused.get((each.type_url, each.name), ())) for each in everything)
        return tuple([each for each in kept if each is not None])

    def states(self, now: float) -> list[ProxyState]:
        """Facts about each Envoy that is connected; about the proxy if none is."""
        found = {instance.machine.instance: instance for instance in self.connected}
        if found:
            return [found[name].machine.state(now) for name in sorted(found)]
        only = self.instances.get("")
        machine = only.machine if only else Machine(self.name, "", self.desired)
        return [machine.state(now)]

    def _look(self, instance: Instance) -> None:
        status = instance.machine.new_status()
        if status is not None:
            instance.status = status
            self._stale = True

    def _status(self) -> ProxyStatus:
        """What the Envoys report together.

        One that still takes up its first configuration doesn't count beside others that serve.
        """
        reports = [
            (instance, instance.status)
            for instance in self.instances.values()
            if instance.status is not None
        ]
        connected = [(instance, status) for instance, status in reports if status.connected]
        loaded = [status for instance, status in connected if instance.loaded]
        counted = loaded or [status for _, status in connected]
        if counted:
            first, *others = [set(status.listeners) for status in counted]
            listeners = tuple(sorted(first.intersection(*others)))
        else:
            listeners = self._told.listeners if self._told else ()
        return ProxyStatus(
            proxy=self.name,
            connected=bool(connected),
            listeners=listeners,
            rejections=_united(status for _, status in connected or reports),
            loaded=bool(loaded) or not connected,
        )

    def _forget_old(self, now: float) -> None:
        """Drop Envoys that have gone for good; a local one stays."""
        gone = [
            (instance.left, name)
            for name, instance in self.instances.items()
            if name and instance.stream is None
        ]
        gone.sort()
        late = [name for left, name in gone if left + KEPT_SECONDS < now]
        for name in {*late, *(name for _, name in gone[:-MOST_KEPT])}:
            del self.instances[name]


def _united(statuses: Iterable[ProxyStatus]) -> tuple[Rejection, ...]:
    """Refused by any; of what several have refused, the words of the first."""
    found: dict[tuple[str, str, str], Rejection] = {}
    for status in statuses:
        for each in status.rejections:
            found.setdefault((each.type_url, each.name, each.part), each)
    return tuple(found[key] for key in sorted(found))
