"""The delta ADS machine of one Envoy: no I/O, no clock, no tasks.

In go requests, changes of what is desired, and the time; out come responses as bytes, the Envoy's
status, and when to ask again. What is desired and what the Envoy has refused outlive its streams;
the Envoys of one proxy share what is desired. All times are seconds of one monotonic clock, which
the caller reads.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fairlead.ads import type_url
from fairlead.ads.quarantine import Quarantine
from fairlead.ads.session import Session
from fairlead.ads.stream import Changes, Desired, Unclear
from fairlead.ads.sync_state import ProxyState, TypeState
from fairlead.ads.wire import Request, encode
from fairlead.ir.proxy_status import ProxyStatus

if TYPE_CHECKING:
    from fairlead.ads.barrier import Key
    from fairlead.xds.resource import Resource


@dataclass(frozen=True, slots=True)
class Update:
    """Changes that have been entered into what is desired."""

    changes: "Changes"
    real: "dict[Key, Resource | None]"
    """Those that change a version."""
    before: "dict[Key, Resource | None]"
    """What was desired until then, of the real ones."""


def entered(desired: Desired, changes: "Changes") -> Update:
    """Enter changes into what is desired: (type url, name) to resource or None."""
    before: dict[Key, Resource | None] = {}
    real: dict[Key, Resource | None] = {}
    for key, resource in changes.items():
        table = desired.setdefault(key[0], {})
        old = table.pop(key[1], None)
        if resource is not None:
            table[key[1]] = resource
        if (old.version if old else None) != (resource.version if resource else None):
            before[key], real[key] = old, resource
    return Update(changes, real, before)


class Machine:
    """Everything there is to know about serving one Envoy."""

    def __init__(self, proxy: str, instance: str = "", desired: Desired | None = None) -> None:
        self.proxy = proxy
        """Name of the `ir.fleet.Proxy`."""
        self.instance = instance
        """Which one of its Envoys; empty where there is one only."""
        self.desired: Desired = {} if desired is None else desired
        self.quarantine = Quarantine()
        self.session: Session | None = None
        self._unclear: Unclear | None = None
        """What the last stream left open."""
        self._told: ProxyStatus | None = None
        self._stale = True
        self._warming = False
        """Listeners were left out of the last status since Envoy waits for their routes."""

    def connect(self) -> None:
        """A stream of the proxy begins; an earlier one is forgotten."""
        self.disconnect()
        self.session = Session(self.desired, self.quarantine, self._unclear)
        self._stale = True

    def disconnect(self) -> None:
        """The proxy's stream has ended. Envoy goes on with what it has."""
        if self.session is not None:
            self._unclear = self.session.unclear
            self.session = None
            self.quarantine.disconnected()
            self._stale = True

    def receive(self, request: Request, now: float) -> None:
        """Take a request of the current stream."""
        if self.session is not None and (self.session.receive(request, now) or self._warming):
            self._stale = True

    def update(self, changes: Changes, now: float) -> None:
        """Take what changed in one step of the graph: (type url, name) to resource or None."""
        self.updated(entered(self.desired, changes), now)

    def updated(self, update: Update, now: float) -> None:
        """Take what has just been entered into what is desired."""
        for key, resource in update.changes.items():
            if self.quarantine.changed(key, resource):
                self._stale = True
        if self.session is not None and update.real:
            self.session.update(update.real, update.before, now)

    def poll(self, now: float) -> bytes | None:
        """The next response to write, made from what is desired now; None if there is none.

        A refused resource may turn out to be replaced or left out here, so the status is worth a
        look afterwards.
        """
        if self.session is None:
            return None
        response = self.session.poll(now)
        if self.quarantine.take_news():
            self._stale = True
        if response is None:
            return None
        resources = (entry.resource for entry in response.entries)
        removed = (name for name, _ in response.removed)
        return encode(response.type_url, str(response.serial), resources, removed)

    def next_deadline(self) -> float | None:
        """When `poll` has something to do though nothing comes in; None for never."""
        return None if self.session is None else self.session.deadline

    def new_status(self) -> ProxyStatus | None:
        """The proxy's status if anything in it has changed since this was last asked.

        Nothing is told of an Envoy that comes back until it has said which listeners it holds.
        """
        if not self._stale or (self.session is not None and self.session.resuming):
            return None
        self._stale = False
        status = ProxyStatus(
            proxy=self.proxy,
            connected=self.session is not None,
            listeners=self._listeners(),
            rejections=self.quarantine.rejections(self.desired),
        )
        if status == self._told:
            return None
        self._told = status
        return status

    def _listeners(self) -> tuple[str, ...]:
        """Names of the acknowledged listeners that have their routes and secrets, sorted.

        Envoy acknowledges a listener, then waits for the routes and secrets that it points at, and
        takes no connections before it has them.
        """
        told = self._told.listeners if self._told else ()
        channels = self.session.stream.channels if self.session is not None else {}
        channel = channels.get(type_url.LISTENER)
        if channel is None:
            return told
        held = set(channel.acknowledged)
        needed = map(channels.get, (type_url.SECRET, type_url.SCOPE, type_url.ROUTES))
        complete = all(each is None or each.idle for each in needed)
        self._warming = not complete and not held <= set(told)
        return tuple(sorted(held if complete else held & set(told)))

    @property
    def synced(self) -> bool:
        """Whether the proxy holds all that is desired, as far as it has asked for it."""
        return self.session is not None and self.session.synced

    def state(self, now: float) -> ProxyState:
        """Facts for `fairlead get proxies`."""
        session = self.session
        types: list[TypeState] = []
        for url in type_url.ORDER:
            channel = session.stream.channels.get(url) if session else None
            acknowledged = len(channel.acknowledged) if channel else 0
            types.append(TypeState(url, len(self.desired.get(url, ())), acknowledged))
        answered = session.stream.last_answer if session else None
        return ProxyState(
            proxy=self.proxy,
            instance=self.instance,
            connected=session is not None,
            synced=self.synced,
            last_ack=None if answered is None else max(0.0, now - answered),
            types=tuple(types),
            rejections=self.quarantine.rejections(self.desired),
        )
