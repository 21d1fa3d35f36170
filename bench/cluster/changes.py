"""Changes under traffic: 20 of one route as others test it, and 200 of our own kinds."""

import asyncio
from collections.abc import Iterator

from bench import edits
from bench.cluster import world
from bench.figure import Figure
from cluster import objects
from cluster.scene import Scene
from fairlead.cli.load import Connection, Tally

HOST = "shop.example.com"
ITERATIONS = 20
OWN = 200
PAUSE = 0.2
"""Seconds between two changes."""


def _two_ports(namespace: str) -> world.Object:
    """The backend's Service with a second port, of the same pods."""
    service = objects.service(namespace, "backend", selector={"app": "backend"})
    second = {"name": "alternate", "port": 8080, "targetPort": 5678, "protocol": "TCP"}
    service["spec"]["ports"].append(second)
    return service


def flipped(number: int) -> list[world.Object]:
    """The only rule of the route: one port with a filter, then the other without."""
    rule: world.Object = {"backendRefs": [{"name": "backend", "port": (8080, 80)[number % 2]}]}
    if number % 2:
        added = {"add": [{"name": "x-added", "value": "yes"}]}
        rule["filters"] = [{"type": "ResponseHeaderModifier", "responseHeaderModifier": added}]
    return [rule]


async def _loop(address: str, tally: Tally, stop: asyncio.Event) -> None:
    """One keep-alive connection, as fast as answers come."""
    connection = Connection(address, 80)
    while not stop.is_set():
        await tally.once(connection, HOST, "/")
    connection.close()


async def _under_load(scene: Scene, changes: Iterator[tuple[str, str, world.Object]]) -> Tally:
    """Make changes (kind, name, merge patch) one after the other while a client asks."""
    tally, stop = Tally(), asyncio.Event()
    address = scene.address()
    async with world.api(scene.cluster) as api, asyncio.TaskGroup() as tasks:
        tasks.create_task(_loop(address, tally, stop))
        for kind, name, patch in changes:
            await api.patch(kind, name, scene.namespace, patch)
            await asyncio.sleep(PAUSE)
        stop.set()
    return tally


def theirs() -> Iterator[tuple[str, str, world.Object]]:
    """The changes that gateway-api-bench makes."""
    for number in range(ITERATIONS):
        yield "HTTPRoute", "shop", {"spec": {"rules": flipped(number)}}


def own() -> Iterator[tuple[str, str, world.Object]]:
    """Order of rules, weights, backends, filters, hosts, and listeners that come and go."""
    http = {
        "name": "http",
        "protocol": "HTTP",
        "port": 80,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    for number in range(OWN):
        if number % 20 == 7:
            yield (
                "Gateway",
                "web",
                {"spec": {"listeners": [http, {**http, "name": "more", "port": 8000 + number}]}},
            )
        elif number % 20 == 17:
            yield "Gateway", "web", {"spec": {"listeners": [http]}}
        else:
            hosts = [HOST, f"extra-{number}.example.com"][: 1 + number % 2]
            yield "HTTPRoute", "shop", {"spec": {"hostnames": hosts, "rules": edits.rules(number)}}


def run() -> Iterator[Figure]:
    """Yield the failed requests of both."""
    with world.gateway() as scene:
        scene.cluster.apply(_two_ports(scene.namespace))
        for name in "ab":
            scene.backend(name)
        scene.route("shop", HOST, "backend")
        scene.until_served(HOST, "backend")
        tally = asyncio.run(_under_load(scene, theirs()))
        yield Figure("cluster.changes.failed_requests", tally.failed, f"of {tally.total}", 0)
        tally = asyncio.run(_under_load(scene, own()))
        yield Figure("cluster.changes.own.failed_requests", tally.failed, f"of {tally.total}", 0)
