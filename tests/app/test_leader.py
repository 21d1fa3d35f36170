"""A Lease held over a client that fails, hangs and comes back."""

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest

from fairlead.app.election import Timing
from fairlead.app.leader import Leader
from fairlead.providers.kube.errors import ApiError, UnreachableError

LONG = Timing(lease=600, renewal=400, retry=0.05)
FAST = Timing(lease=0.9, renewal=0.6, retry=0.05, answer=0.2)
WAIT = 20.0


class Cluster:
    """Keeps one Lease as an API server does."""

    def __init__(self):
        self.lease = None
        self.version = 0
        self.asked = []
        self.written = asyncio.Event()
        self.away = False
        self.hangs = False

    async def _answer(self, what):
        self.asked.append(what)
        if self.hangs:
            await asyncio.Event().wait()
        if self.away:
            raise UnreachableError("no route to host")

    def _stored(self, lease):
        self.version += 1
        lease["metadata"]["resourceVersion"] = str(self.version)
        self.lease = lease
        self.written.set()
        return json.dumps(lease).encode()

    async def renewed(self):
        self.written.clear()
        await self.written.wait()

    async def get(self, path, **_query):
        await self._answer(("get", path))
        if self.lease is None:
            raise ApiError(404, "NotFound", "no such lease")
        return json.dumps(self.lease).encode()

    async def create(self, path, obj):
        await self._answer(("create", path))
        if self.lease is not None:
            raise ApiError(409, "AlreadyExists", "there is one")
        return self._stored(json.loads(json.dumps(obj)))

    async def merge_patch(self, path, patch):
        await self._answer(("patch", path))
        if self.lease is None:
            raise ApiError(404, "NotFound", "no such lease")
        if patch["metadata"]["resourceVersion"] != str(self.version):
            raise ApiError(409, "Conflict", "the object has been modified")
        spec = {**self.lease["spec"], **patch["spec"]}
        spec = {name: value for name, value in spec.items() if value is not None}
        return self._stored({**self.lease, "spec": spec})


class Replica:
    """A `Leader`, and what it was told."""

    def __init__(self, cluster, name, timing=FAST):
        self.turns = []
        self.leader = Leader(
            cluster, time.monotonic, "fairlead-system", "fairlead",
            identity=name, on_change=self._changed, timing=timing,
        )  # fmt: skip
        self.changed = asyncio.Event()

    def _changed(self, leading):
        self.turns.append(leading)
        self.changed.set()

    async def leads(self):
        await self._until(leading=True)

    async def ends(self):
        await self._until(leading=False)

    async def _until(self, *, leading):
        async with asyncio.timeout(WAIT):
            while not self.turns or self.turns[-1] is not leading:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def running(*replicas):
    tasks = [asyncio.ensure_future(replica.leader.run()) for replica in replicas]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def test_it_makes_the_lease_and_names_itself_in_it():
    async def scene():
        cluster = Cluster()
        replica = Replica(cluster, "fairlead-a")
        async with running(replica):
            await replica.leads()
            assert cluster.asked[0][1] == (
                "/apis/coordination.k8s.io/v1/namespaces/fairlead-system/leases/fairlead"
            )
            assert cluster.lease["spec"]["holderIdentity"] == "fairlead-a"
            assert cluster.lease["spec"]["leaseTransitions"] == 0
            assert replica.leader.holder == "fairlead-a"
        assert replica.turns == [True, False]

    asyncio.run(scene())


def test_a_clean_stop_hands_over_without_waiting_for_the_lease_to_run_out():
    async def scene():
        cluster = Cluster()
        first, second = Replica(cluster, "a", LONG), Replica(cluster, "b", LONG)
        async with running(first) as (task,):
            await first.leads()
            async with running(second):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert "holderIdentity" not in cluster.lease["spec"]
                await second.leads()
                assert cluster.lease["spec"]["leaseTransitions"] == 1

    asyncio.run(scene())


@pytest.mark.parametrize("fault", ["away", "hangs"])
def test_it_stops_leading_while_the_server_is_not_there_and_is_back_with_it(fault):
    async def scene():
        cluster = Cluster()
        replica = Replica(cluster, "a")
        async with running(replica):
            await replica.leads()
            setattr(cluster, fault, True)
            await replica.ends()
            assert not replica.leader.leading
            setattr(cluster, fault, False)
            await replica.leads()
            setattr(cluster, fault, True)

    asyncio.run(scene())


def test_what_others_write_on_the_lease_does_not_end_leading():
    async def scene():
        cluster = Cluster()
        replica = Replica(cluster, "a", LONG)
        async with running(replica):
            await replica.leads()
            cluster.lease["metadata"]["labels"]["team"] = "infra"
            cluster.version += 1
            cluster.lease["metadata"]["resourceVersion"] = str(cluster.version)
            async with asyncio.timeout(WAIT):
                await cluster.renewed()
            assert replica.turns == [True]
            assert cluster.lease["metadata"]["labels"]["team"] == "infra"

    asyncio.run(scene())
