"""Holds a Lease so that one replica alone writes, or waits for it.

In: the API server's answers about one Lease. Out: `on_change(leading)`, True when this replica
begins to lead and False when it ends, before another one may begin. What decides is in `election`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec

from fairlead.app.election import Election, Lease, Timing
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.paths import path_of
from fairlead.status.conditions import Clock, micro_timestamp, system_clock

_LOG = logging.getLogger(__name__)
_VERSION: Final = "coordination.k8s.io/v1"
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
"""Also of a Lease that somebody else has created meanwhile."""
_RELEASE_SECONDS: Final = 2.0
_TIMING: Final = Timing()


class Leader:
    """Takes part in the election of a leader while `run` runs.

    Args:
        client: of the API server.
        clock: seconds of a monotonic clock.
        namespace: of the Lease.
        name: of the Lease.
        identity: of this replica, such as its pod's name; no other running process has the same.
        on_change: told whether this replica leads, whenever that changes.
        timing: the same for all replicas.
        now: the present time, for people who read the Lease.
    """

    def __init__(
        self,
        client: KubeClient,
        clock: Callable[[], float],
        namespace: str,
        name: str,
        *,
        identity: str,
        on_change: Callable[[bool], None],
        timing: Timing = _TIMING,
        now: Clock = system_clock,
    ) -> None:
        self._client = client
        self._clock = clock
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._on_change = on_change
        self._timing = timing
        self._now = now
        self._election = Election(identity, timing)
        self._told = False
        self._failing = False

    @property
    def leading(self) -> bool:
        """Whether this replica leads, at this very moment."""
        return self._election.leading(self._clock())

    @property
    def holder(self) -> str:
        """Who holds the Lease, as far as this replica knows; empty if nobody does."""
        lease = self._election.lease
        return lease.holder if lease else ""

    async def run(self) -> None:
        """Take part, for ever. When cancelled, lets go of the Lease, so that the next one begins.

        The client must outlive it.
        """
        try:
            while True:
                self._tell()
                await self._try()
                self._tell()
                due = self._election.next(self._clock())
                await asyncio.sleep(max(0.0, due - self._clock()))
        finally:
            self._election.gave_up()
            self._tell()
            await self._release()

    def _tell(self) -> None:
        leading = self.leading
        if leading != self._told:
            self._told = leading
            _LOG.info("%s %s", self._identity, "leads" if leading else "no longer leads")
            self._on_change(leading)

    async def _try(self) -> None:
        """One step, given up in time to stop leading when it must."""
        seconds = self._timing.answer
        if self.leading:
            seconds = min(seconds, self._election.ends - self._clock())
        try:
            async with asyncio.timeout(seconds):
                await self._step()
        except (ApiError, TimeoutError, msgspec.MsgspecError) as error:
            words = str(error) or f"no answer within {seconds:.1f} s"
            level = logging.DEBUG if self._failing else logging.WARNING
            _LOG.log(level, "lease %s/%s: %s", self._namespace, self._name, words)
            self._failing = True
        else:
            self._failing = False

    async def _step(self) -> None:
        step = self._election.step(self._clock())
        if step == "read":
            await self._read()
            step = self._election.step(self._clock())
            if step == "read":
                return
        sent = self._clock()
        try:
            if step == "create":
                answer = await self._client.create(self._path(""), self._created())
            else:
                patch = self._renewal() if step == "renew" else self._taking()
                answer = await self._client.merge_patch(self._path(self._name), patch)
        except ApiError as error:
            if error.code not in (_CONFLICT, _NOT_FOUND):
                raise
            self._election.refused()
            return
        self._election.wrote(_decode(answer), sent)

    async def _read(self) -> None:
        try:
            lease = _decode(await self._client.get(self._path(self._name)))
        except ApiError as error:
            if error.code != _NOT_FOUND:
                raise
            lease = None
        self._election.read(lease, self._clock())

    async def _release(self) -> None:
        """Let others have the Lease at once; if that fails they wait until it runs out.

        It is read first: a request that was cut short may have been carried out.
        """
        with contextlib.suppress(ApiError, TimeoutError, msgspec.MsgspecError):
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._read()
                lease = self._election.lease
                if lease is not None and lease.holder == self._identity:
                    patch = {"holderIdentity": None, "renewTime": self._time()}
                    await self._client.merge_patch(
                        self._path(self._name), self._patch(lease, patch)
                    )

    def _path(self, name: str) -> str:
        return path_of(_VERSION, "leases", self._namespace, name)

    def _created(self) -> dict[str, Any]:
        return {
            "apiVersion": _VERSION,
            "kind": "Lease",
            "metadata": {
                "name": self._name,
                "namespace": self._namespace,
                "labels": {"app.kubernetes.io/managed-by": "fairlead"},
            },
            "spec": self._held(0),
        }

    def _taking(self) -> dict[str, Any]:
        lease = self._election.lease or Lease()
        return self._patch(lease, self._held((lease.spec.lease_transitions or 0) + 1))

    def _renewal(self) -> dict[str, Any]:
        return self._patch(self._election.lease or Lease(), {"renewTime": self._time()})

    def _held(self, transitions: int) -> dict[str, Any]:
        now = self._time()
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._timing.lease)),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }

    def _patch(self, lease: Lease, spec: dict[str, Any]) -> dict[str, Any]:
        """A change that only succeeds on the Lease as we know it."""
        return {"metadata": {"resourceVersion": lease.metadata.resource_version}, "spec": spec}

    def _time(self) -> str:
        return micro_timestamp(self._now())


def _decode(answer: bytes) -> Lease:
    return msgspec.json.decode(answer, type=Lease)
