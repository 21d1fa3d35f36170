"""What replicas tell each other of their proxies, in virtual time and over a server in memory."""

import asyncio
import json
from contextlib import asynccontextmanager

from fairlead.app.replicas import Replicas
from fairlead.ir.origin import Origin
from fairlead.ir.proxy_status import ProxyStatus, Rejection
from fairlead.providers.kube.errors import UnreachableError
from support import virtual_time

PROXY = "infra/edge"
LONG = 45.0
"""Seconds after which a replica that says nothing no longer counts."""
REFUSED = Rejection("type", "name", "part", "no", (Origin("HTTPRoute", "shop", "cart"),))


class Api:
    """ConfigMaps of one namespace; it may be away, for all or for one."""

    def __init__(self):
        self.objects, self.version, self.away, self.writes = {}, 1, set(), 0
        self.changed = asyncio.Event()

    def put(self, name, data):
        if name in self.objects and self.objects[name]["data"] == data:
            return
        self.version += 1
        metadata = {"name": name, "namespace": "ns", "uid": name}
        metadata["resourceVersion"] = str(self.version)
        self.objects[name] = {"metadata": metadata, "data": data}
        self.changed.set()
        self.changed = asyncio.Event()


class Client:
    """Of one replica."""

    def __init__(self, api, pod):
        self.api, self.pod = api, pod

    async def request(self, _method, _path, **_more):
        await self._pass()
        items = list(self.api.objects.values())
        metadata = {"resourceVersion": str(self.api.version)}
        return json.dumps({"metadata": metadata, "items": items}).encode()

    async def watch(self, _path, query):
        seen = int(query["resourceVersion"])
        while True:
            changed = self.api.changed
            for each in list(self.api.objects.values()):
                if int(each["metadata"]["resourceVersion"]) > seen:
                    yield json.dumps({"type": "MODIFIED", "object": each}).encode()
            seen = self.api.version
            await changed.wait()
            await self._pass()

    async def apply(self, path, obj, **_more):
        await self._pass()
        self.api.writes += 1
        self.api.put(path.rpartition("/")[2], obj["data"])

    async def _pass(self):
        if self.api.away & {self.pod, "all"}:
            raise UnreachableError("connection refused")


@asynccontextmanager
async def replicas(*names):
    """Some replicas; yields the server, the replicas and what each was told, and their tasks."""
    api = Api()
    made, tasks = {}, {}
    for name in names:
        told = []
        made[name] = Replicas(Client(api, name), "ns", (name, "uid"), told.append)
        made[name].told = told
        tasks[name] = asyncio.ensure_future(made[name].run())
    await asyncio.sleep(1)
    try:
        yield api, made, tasks
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


def status(*listeners, **more):
    return ProxyStatus(PROXY, connected=True, listeners=listeners, **more)


def test_a_new_pod_that_another_replica_serves_takes_no_listener_from_those_that_serve():
    async def scene():
        async with replicas("one", "two") as (_, made, _):
            made["two"].publish(status(loaded=False))
            await asyncio.sleep(5)
            assert made["one"].merged(PROXY) == status(loaded=False)
            made["one"].publish(status("a"))
            await asyncio.sleep(5)
            assert [each.merged(PROXY) for each in made.values()] == [status("a")] * 2
            made["two"].publish(status("a", "b"))
            await asyncio.sleep(5)
            assert made["one"].merged(PROXY) == status("a")

    virtual_time.run(scene())


def test_a_replica_that_is_gone_without_a_word_counts_no_more():
    async def scene():
        async with replicas("one", "two") as (_, made, tasks):
            one = made["one"]
            one.publish(status("a", "b"))
            made["two"].publish(status("a", rejections=(REFUSED,)))
            await asyncio.sleep(600)
            assert one.merged(PROXY) == status("a", rejections=(REFUSED,))
            assert list(one.elsewhere(PROXY)) == ["two"]
            tasks["two"].cancel()
            one.told.clear()
            await asyncio.sleep(25)
            assert one.merged(PROXY).listeners == ("a",)
            assert one.told == []
            await asyncio.sleep(LONG - 25)
            assert one.merged(PROXY) == status("a", "b")
            assert not one.elsewhere(PROXY)
            assert one.told == [PROXY]
            tasks["two"] = asyncio.ensure_future(made["two"].run())
            await asyncio.sleep(12)
            assert one.merged(PROXY).listeners == ("a",)
            assert one.told == [PROXY] * 2

    virtual_time.run(scene())


def test_nobody_is_gone_while_the_api_server_is_away():
    async def scene():
        async with replicas("one", "two") as (api, made, _):
            made["two"].publish(status("a"))
            await asyncio.sleep(60)
            for _ in range(5):
                made["one"].told.clear()
                api.away.add("all")
                await asyncio.sleep(300)
                api.away.clear()
                await asyncio.sleep(300)
                assert made["one"].merged(PROXY) == status("a")
                assert made["one"].told == []

    virtual_time.run(scene())


def test_one_that_cannot_write_condemns_nobody_and_is_condemned():
    async def scene():
        async with replicas("one", "two") as (api, made, _):
            made["one"].publish(status("a", "b"))
            made["two"].publish(status("a"))
            await asyncio.sleep(60)
            api.away.add("two")
            await asyncio.sleep(LONG)
            assert made["one"].merged(PROXY) == status("a", "b")
            assert made["two"].merged(PROXY) == status("a")

    virtual_time.run(scene())


def test_one_of_a_release_without_beats_counts_until_it_is_removed():
    async def scene():
        async with replicas("one") as (api, made, _):
            text = '[{"proxy": "infra/edge", "connected": true, "listeners": ["a"]}]'
            api.put("fairlead-replica-old", {"proxies": text})
            await asyncio.sleep(600)
            assert made["one"].merged(PROXY) == status("a")

    virtual_time.run(scene())


def test_beats_cost_few_writes_and_what_changes_all_the_time_adds_none():
    async def scene():
        async with replicas("one", "two") as (api, made, _):
            before = api.writes
            await asyncio.sleep(600)
            assert api.writes - before <= 2 * 62
            for number in range(1200):
                made["two"].publish(status(str(number)))
                await asyncio.sleep(0.5)
                if number % 100 == 0:
                    assert made["one"].merged(PROXY).listeners == (str(number),)

    virtual_time.run(scene())
