"""What the benchmarks of a cluster share: namespaces, a Gateway, a quick client of the API."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any

import aiohttp

from cluster import objects
from cluster.api import Cluster, wait_for
from cluster.scene import Scene
from fairlead.cli.load import Connection

Object = dict[str, Any]
LANES = 8
"""Requests at once where many objects are made."""
GONE_SECONDS = 900
"""Within which a namespace of a benchmark has to be gone."""


@contextlib.contextmanager
def gateway(*namespaces: str) -> Iterator[Scene]:
    """A Gateway that takes routes of all namespaces, and a backend; gone at the end.

    Args:
        namespaces: More namespaces that exist meanwhile.
    """
    cluster = Cluster()
    names = ("bench", *namespaces)
    try:
        cluster.apply(*map(_namespace, names))
        scene = Scene(cluster, "bench")
        listener = {
            "name": "http",
            "protocol": "HTTP",
            "port": 80,
            "allowedRoutes": {"namespaces": {"from": "All"}},
        }
        scene.gateway(listener)
        scene.backend("backend")
        scene.route("first", "first.example.com", "backend")
        scene.until_served("first.example.com", "backend", 120)
        yield scene
    finally:
        for name in names:
            cluster.delete("Namespace", name)
        for name in names:
            gone = f"the end of namespace {name}"
            wait_for(lambda name=name: not cluster.find("Namespace", name), gone, GONE_SECONDS)
        cluster.close()


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


class Api:
    """The API server for measurements: connections stay open, answers are not decoded."""

    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession) -> None:
        self._cluster = cluster
        self._session = session

    async def create(self, body: Object) -> None:
        """Create an object; raises RuntimeError if it is refused."""
        namespace = body["metadata"].get("namespace", "")
        await self._request("POST", self._cluster.path(body["kind"], "", namespace), body)

    async def patch(self, kind: str, name: str, namespace: str, body: Object) -> None:
        """JSON merge patch."""
        path = self._cluster.path(kind, name, namespace)
        await self._request("PATCH", path, body, "application/merge-patch+json")

    async def delete(self, kind: str, name: str, namespace: str) -> None:
        """Delete an object."""
        await self._request("DELETE", self._cluster.path(kind, name, namespace))

    async def delete_all(self, kind: str, namespace: str) -> None:
        """Delete a namespace's objects of a kind."""
        await self.delete(kind, "", namespace)

    async def create_all(self, bodies: Iterable[Object]) -> None:
        """Create many, several at a time."""
        await self.each(bodies, self.create)

    async def each(self, items: Iterable[Any], act: Callable[[Any], Awaitable[None]]) -> None:
        """Do something with each item, `LANES` at a time."""
        left = iter(items)

        async def lane() -> None:
            for item in left:
                await act(item)

        await asyncio.gather(*(lane() for _ in range(LANES)))

    async def _request(
        self, method: str, path: str, body: Object | None = None, kind: str = "application/json"
    ) -> None:
        data = None if body is None else json.dumps(body)
        url = self._cluster.url + path
        async with self._session.request(
            method, url, data=data, headers={"content-type": kind}
        ) as answer:
            content = await answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path}: {content.decode(errors='replace')}")


@contextlib.asynccontextmanager
async def api(cluster: Cluster) -> AsyncIterator[Api]:
    """A client of a cluster's API."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=LANES + 2)) as session:
        yield Api(cluster, session)


async def until_served(connection: Connection, host: str, path: str, pause: float) -> int:
    """Ask until the answer is 200; how many answers were neither that nor 404."""
    wrong = 0
    for _ in range(20000):
        status, _ = await connection.get(host, path)
        if status == 200:
            return wrong
        wrong += status != 404
        await asyncio.sleep(pause)
    raise TimeoutError(f"{host} does not serve")


def fake_service(namespace: str, name: str) -> Object:
    """A Service that the nodes' kube-proxy leaves alone.

    With thousands of others it would take all of a small machine's processors.
    """
    return _unproxied(objects.service(namespace, name))


def _unproxied(body: Object) -> Object:
    body["metadata"].setdefault("labels", {})["service.kubernetes.io/service-proxy-name"] = "none"
    return body


def fake_endpoints(
    namespace: str, service: str, number: int, *, count: int, version: int = 0
) -> Object:
    """A slice of so many addresses at which nobody listens."""
    first, second = divmod(number, 250)
    addresses = [f"10.{100 + version % 100}.{first}.{second + each + 1}" for each in range(count)]
    return _unproxied(objects.endpoint_slice(namespace, service, *addresses))
