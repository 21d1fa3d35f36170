"""The kube provider and a real API server: what is applied comes out, and nothing else is read."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from cluster import objects
from cluster.client import connected
from fairlead.providers.kube.client import ApiError
from fairlead.providers.kube.informer import Informer
from fairlead.providers.kube.paths import path_of
from fairlead.providers.kube.provider import KINDS, KubeProvider
from fairlead.providers.kube.references import Ours

CONTROLLER = "fairlead.dev/provider-test"
CLASS = "provider-test"


@asynccontextmanager
async def providing(client):
    found = KubeProvider(client, Ours(CONTROLLER))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(found.run())
        yield found
        running.cancel()


def run(script) -> None:
    async def limited():
        async with asyncio.timeout(60), connected() as client:
            await script(client)

    asyncio.run(limited())


class Changes:
    """The batches of a provider, as far as they are about one namespace or none."""

    def __init__(self, provider, namespace: str) -> None:
        self._batches = provider.changes()
        self._namespace = namespace
        self.objects = {}

    def take(self, batch) -> None:
        for change in batch.changes:
            if change.key[0] == self._namespace:
                self.objects[change.kind, change.key[1]] = change.obj

    async def until(self, kind: str, name: str, *, there: bool = True):
        while (self.objects.get((kind, name)) is not None) != there:
            self.take(await anext(self._batches))
        return self.objects.get((kind, name))


@pytest.fixture
def gateway_class(cluster):
    """A class that nobody serves but the provider under test."""
    cluster.apply(
        {
            "apiVersion": objects.API,
            "kind": "GatewayClass",
            "metadata": {"name": CLASS},
            "spec": {"controllerName": CONTROLLER},
        }
    )
    yield CLASS
    cluster.delete("GatewayClass", CLASS)


def secret(namespace: str, name: str, value: str) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"tls.crt": value},
    }


def test_what_is_applied_changed_and_deleted_comes_out(cluster, namespace, gateway_class):
    tls = {"certificateRefs": [{"name": "cert"}]}
    listener = {"name": "https", "protocol": "HTTPS", "port": 443, "tls": tls}
    gateway = objects.gateway(namespace, "web", listener, gatewayClassName=gateway_class)
    cluster.apply(objects.route(namespace, "first", "a.example", "s"), gateway)
    cluster.apply(secret(namespace, "cert", "YQ=="), secret(namespace, "other", "YQ=="))

    async def script(client):
        async with providing(client) as it:
            batch = await it.load()
            changes = Changes(it, namespace)
            changes.take(batch)
            route = await changes.until("HTTPRoute", "first")
            written = cluster.get("HTTPRoute", "first", namespace)["metadata"]
            assert route.metadata.uid == written["uid"]
            assert route.metadata.generation == written["generation"]
            assert route.metadata.creation_timestamp == written["creationTimestamp"]
            assert changes.objects["Secret", "cert"].data == {"tls.crt": "YQ=="}
            assert ("Secret", "other") not in changes.objects

            await asyncio.to_thread(cluster.apply, secret(namespace, "cert", "Yg=="))
            changes.objects.clear()
            assert (await changes.until("Secret", "cert")).data == {"tls.crt": "Yg=="}
            await asyncio.to_thread(cluster.delete, "Gateway", "web", namespace)
            await changes.until("Gateway", "web", there=False)
            await changes.until("Secret", "cert", there=False)
            await asyncio.to_thread(cluster.delete, "HTTPRoute", "first", namespace)
            await changes.until("HTTPRoute", "first", there=False)
            assert it.problems() == ()

    run(script)


def test_a_status_is_told_with_its_bytes_and_makes_no_batch(cluster, namespace):
    cluster.apply(objects.route(namespace, "r", "a.example", "s"))
    condition = {
        "type": "Accepted",
        "status": "True",
        "reason": "Accepted",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    parent = {
        "parentRef": {"name": "web"},
        "controllerName": "example.com/other",
        "conditions": [condition],
    }

    async def script(client):
        async with providing(client) as it:
            await it.load()
            told = asyncio.Event()
            it.on_status = lambda _kind, key: key == (namespace, "r") and told.set()
            body = {"status": {"parents": [parent]}}
            await asyncio.to_thread(
                lambda: cluster.patch("HTTPRoute", "r", namespace, body, status=True)
            )
            await told.wait()
            live = it.live("HTTPRoute", (namespace, "r"))
            written = cluster.get("HTTPRoute", "r", namespace)
            assert live.resource_version == written["metadata"]["resourceVersion"]
            assert b"example.com/other" in live.status
            changes = Changes(it, namespace)
            await asyncio.to_thread(cluster.apply, objects.service(namespace, "s"))
            await changes.until("Service", "s")
            assert ("HTTPRoute", "r") not in changes.objects

    run(script)


def test_every_kind_that_is_served_is_followed(cluster):
    served = {kind.kind for kind in KINDS} & set(cluster.kinds())

    async def script(client):
        async with providing(client) as it:
            await it.load()
            assert set(it.states) == served
            assert all(state.synced and not state.error for state in it.states.values())

    run(script)


def test_a_server_side_apply_and_a_delete_of_another_object(cluster, namespace):
    path = path_of("v1", "configmaps", namespace, "c")
    obj = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": namespace},
        "data": {"a": "1"},
    }

    async def script(client):
        await client.apply(path, obj, manager="one")
        with pytest.raises(ApiError) as caught:
            await client.apply(path, obj | {"data": {"a": "2"}}, manager="two", force=False)
        assert (caught.value.code, caught.value.reason) == (409, "Conflict")
        with pytest.raises(ApiError) as caught:
            await client.delete(path, uid="another")
        assert caught.value.code == 409
        await client.delete(path)
        await client.delete(path)

    run(script)
    assert cluster.find("ConfigMap", "c", namespace) is None


def test_an_informer_lists_in_pages_and_follows(cluster, namespace):
    for number in range(5):
        cluster.apply(objects.service(namespace, f"s{number}"))

    async def script(client):
        held: dict[str, bytes | None] = {}
        gone = asyncio.Event()

        def change(key, data):
            held[key[1]] = data
            if data is None:
                gone.set()

        informer = Informer(
            client,
            path_of("v1", "services", namespace),
            change,
            page=2,
        )
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(informer.run())
            await informer.wait_synced()
            assert sorted(held) == [f"s{number}" for number in range(5)]
            await asyncio.to_thread(cluster.delete, "Service", "s3", namespace)
            await gone.wait()
            assert held["s3"] is None
            assert informer.state.objects == 4
            task.cancel()

    run(script)
