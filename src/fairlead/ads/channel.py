"""One type on one stream: what is subscribed, what Envoy holds, what is under way.

A resource is in at most one unanswered response: a change that comes while it is under way waits
for the answer, and then only the newest is sent. So a slow proxy makes nothing queue up. Clusters
are the exception, for Envoy keeps its answer back while any cluster warms: a removal follows at
once, as it may be what ends the warming, and all else after `OVERDUE` seconds.
"""

from dataclasses import dataclass, field

from fairlead.ads.bisection import Group
from fairlead.ads.type_url import CLUSTER
from fairlead.xds.resource import Resource

OVERDUE = 1.0
"""Seconds after which an unanswered cluster response no longer holds back newer versions."""

WILDCARD = "*"


@dataclass(frozen=True, slots=True)
class Mark:
    """A resource that has to be looked at, because of the update `sequence`."""

    sequence: int
    frozen: bool = False
    """True: send `resource` rather than what is desired by now, which still has to wait."""
    resource: Resource | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource in a response."""

    resource: Resource
    sequence: int
    """The last update that it takes into account."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A resource on its way."""

    serial: int
    removed: bool
    since: float


@dataclass(frozen=True, slots=True)
class Response:
    """A response that is not answered yet."""

    serial: int
    """Counts up over all types of a stream; the nonce."""
    type_url: str
    entries: tuple[Entry, ...]
    removed: tuple[tuple[str, int], ...] = ()
    """(name, update sequence) pairs."""
    trial: Group | None = None
    """Set where the response tries out suspects."""


@dataclass(slots=True)
class Channel:
    """State of one type of a stream."""

    type_url: str
    wildcard: bool = False
    names: set[str] = field(default_factory=set[str])
    """Subscribed by name."""
    owes_answer: bool = False
    """A first wildcard subscription is answered even when there is nothing to say, else Envoy
    waits 15 seconds for it."""
    generation: int = 0
    """Of the clusters that the first answer waits for."""
    ready: dict[str, Mark] = field(default_factory=dict[str, Mark])
    """May be sent now, unless under way; oldest first."""
    forced: set[str] = field(default_factory=set[str])
    """Sent even if Envoy holds that version."""
    acknowledged: dict[str, str] = field(default_factory=dict[str, str])
    """Versions that Envoy holds."""
    unsure: set[str] = field(default_factory=set[str])
    """Were in a refused response: Envoy holds the new version, the old one or none."""
    busy: dict[str, Flight] = field(default_factory=dict[str, Flight])
    """Under way; the latest where there are two."""
    unanswered: dict[str, Response] = field(default_factory=dict[str, Response])
    """By nonce, oldest first."""

    def wants(self, name: str) -> bool:
        """Whether the client is told about the resource."""
        return self.wildcard or name in self.names

    def current(self, resource: Resource) -> bool:
        """Whether Envoy holds this version, with no other under way, and need not be told again."""
        name = resource.name
        if name in self.forced or name in self.busy:
            return False
        return self.acknowledged.get(name) == resource.version

    def may_hold(self, name: str) -> bool:
        """Whether a removal would take something away."""
        return name in self.acknowledged or name in self.unsure

    @property
    def unclear(self) -> frozenset[str]:
        """Names whose version the next stream does not know, whatever Envoy reports."""
        return frozenset(self.busy.keys() | self.unsure)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way or waiting."""
        return not (self.ready or self.busy or self.owes_answer)

    def free(self, name: str, now: float, *, removal: bool) -> bool:
        """Whether the resource may go out now."""
        flight = self.busy.get(name)
        if flight is None:
            return True
        if self.type_url != CLUSTER:
            return False
        if removal:
            return not flight.removed
        return flight.since + OVERDUE <= now

    def overdue_after(self, now: float) -> float | None:
        """When `free` may say yes for something more that is ready and under way.

        What is overdue by `now` and still waits does so for something else than time.
        """
        if self.type_url != CLUSTER or not self.ready or not self.busy:
            return None
        waiting = (flight for name, flight in self.busy.items() if name in self.ready)
        times = (flight.since + OVERDUE for flight in waiting)
        return min((time for time in times if time > now), default=None)

    def sent(self, response: Response, now: float) -> None:
        """Enter a response; its resources are under way from now on."""
        self.owes_answer = False
        self.unanswered[str(response.serial)] = response
        update = Flight(response.serial, removed=False, since=now)
        for entry in response.entries:
            self.busy[entry.resource.name] = update
            self.forced.discard(entry.resource.name)
        removal = Flight(response.serial, removed=True, since=now)
        self.busy.update((name, removal) for name, _ in response.removed)

    def _landed(self, name: str, response: Response) -> bool:
        """End a flight; False if a later one of the resource counts instead."""
        flight = self.busy.get(name)
        if flight is None or flight.serial != response.serial:
            return False
        del self.busy[name]
        return True

    def accepted(self, response: Response) -> set[str]:
        """Envoy holds what the response said.

        Returns:
            The names of which this was the latest word.
        """
        landed: set[str] = set()
        for entry in response.entries:
            name = entry.resource.name
            if self._landed(name, response):
                landed.add(name)
                if self.wants(name):
                    self.acknowledged[name] = entry.resource.version
        for name, _ in response.removed:
            if self._landed(name, response):
                landed.add(name)
                self.acknowledged.pop(name, None)
        self.unsure -= landed
        return landed

    def refused(self, response: Response) -> None:
        """Forget what Envoy holds of the resources in a refused response."""
        names = [entry.resource.name for entry in response.entries]
        for name in [*names, *(name for name, _ in response.removed)]:
            self._landed(name, response)
            self.acknowledged.pop(name, None)
            if self.wants(name):
                self.unsure.add(name)

    def unsubscribe(self, name: str) -> None:
        """Stop telling about a resource."""
        if name == WILDCARD:
            self.wildcard = False
            return
        self.names.discard(name)
        if not self.wildcard:
            self.ready.pop(name, None)
            self.forced.discard(name)
            self.acknowledged.pop(name, None)
            self.unsure.discard(name)
