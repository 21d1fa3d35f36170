"""Who of several replicas writes: the rules of a Lease as a machine without I/O.

In: the Lease as it was read or written, and a monotonic clock's seconds. Out: what to do next, and
whether this replica leads. Clocks of replicas are never compared: a Lease is held until nothing in
it has changed for `Timing.lease` seconds of one's own clock, and a holder that could not renew it
stops leading after `Timing.renewal`, counted from before its last renewal was sent. So there are
never two, as long as no clock runs more than a third faster than another.
"""

from typing import Final, Literal, TypeAlias

import msgspec


class Timing(msgspec.Struct, frozen=True):
    """Seconds."""

    lease: float = 15.0
    """For which a Lease that nobody renews is respected."""
    renewal: float = 10.0
    """For which a holder that can't renew goes on leading; less than `lease`."""
    retry: float = 2.0
    """Between two tries, of holders and of those who wait."""
    answer: float = 3.0
    """For which a try waits for an answer."""


class LeaseSpec(msgspec.Struct, frozen=True, rename="camel"):
    """coordination.k8s.io/v1 LeaseSpec."""

    holder_identity: str | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""


class Lease(msgspec.Struct, frozen=True):
    """coordination.k8s.io/v1 Lease, as far as it matters."""

    metadata: _Metadata = _Metadata()
    spec: LeaseSpec = LeaseSpec()

    @property
    def holder(self) -> str:
        """Who holds it, empty if nobody does."""
        return self.spec.holder_identity or ""


Step: TypeAlias = Literal["read", "create", "take", "renew"]
"""Read the Lease; create it; take it from nobody or from a holder that is gone; renew ours."""

_NEVER: Final = float("-inf")


class Election:
    """One replica's view of a Lease.

    Args:
        identity: of this replica; no other process that runs has the same.
        timing: the same for all replicas.
    """

    def __init__(self, identity: str, timing: Timing) -> None:
        self._identity = identity
        self._timing = timing
        self._lease: Lease | None = None
        self._known = False
        self._changed = _NEVER
        """When the Lease was last seen to be another than before."""
        self._renewed = _NEVER
        """When our last successful renewal was sent."""

    @property
    def lease(self) -> Lease | None:
        """As it was last seen; None if there is none or it was not read yet."""
        return self._lease

    def leading(self, now: float) -> bool:
        """Whether this replica leads."""
        return now < self.ends

    @property
    def ends(self) -> float:
        """When leading ends unless the Lease is renewed; in the past if this replica doesn't."""
        return self._renewed + self._timing.renewal

    def step(self, now: float) -> Step:
        """What to do now."""
        if not self._known:
            return "read"
        if self._lease is None:
            return "create"
        if self._lease.holder == self._identity:
            return "renew"
        if not self._lease.holder or now >= self._changed + self._timing.lease:
            return "take"
        return "read"

    def next(self, now: float) -> float:
        """When to do the next step, after one that was done at `now`."""
        later = now + self._timing.retry
        if self.leading(now):
            return min(later, self.ends)
        if self._lease is not None and self._lease.holder not in ("", self._identity):
            runs_out = self._changed + self._timing.lease
            return min(later, runs_out) if runs_out > now else later
        return later

    def read(self, lease: Lease | None, now: float) -> None:
        """Take note of the Lease as it is; None if there is none."""
        before = self._lease.spec if self._lease else None
        if not self._known or before != (lease.spec if lease else None):
            self._changed = now
        self._lease, self._known = lease, True
        if lease is None or lease.holder != self._identity:
            self._renewed = _NEVER

    def wrote(self, lease: Lease, sent: float) -> None:
        """A step other than reading has succeeded.

        Args:
            lease: as it is now, held by us.
            sent: when the request was sent.
        """
        self.read(lease, sent)
        self._renewed = sent

    def refused(self) -> None:
        """A step other than reading has failed since the Lease is another than we know."""
        self._known = False

    def gave_up(self) -> None:
        """This replica no longer leads, by its own will."""
        self._renewed = _NEVER
        self._known = False
