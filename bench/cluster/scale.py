"""5,000 routes, 5,000 Services and 10,000 endpoints: a first sync, changes for some time, the end.

The endpoints are addresses at which nobody listens, as in the test that this follows: a pod
comes or goes every two seconds, a route changes every second. DURATION says how many seconds
(900); the route that is asked meanwhile has a real backend. gateway-api-bench has one endpoint for
each Service, which ENDPOINTS=1 gives.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from bench.cluster import usage, world
from bench.figure import Figure
from cluster import installation, objects, traffic
from cluster.api import wait_for
from cluster.scene import Scene

NAMESPACES = 50
APPS = 100
"""In each namespace."""
GIVEN_BACK = 420
"""Seconds after which an Envoy has given back what it needs no more: it waits for five minutes."""


def _spaces(count: int) -> list[str]:
    return [f"bench-{number}" for number in range(count)]


def _endpoints(namespace: str, name: str, number: int, version: int = 0) -> world.Object:
    count = int(os.environ.get("ENDPOINTS", "2"))
    return world.fake_endpoints(namespace, name, number, count=count, version=version)


def _bodies(spaces: list[str], apps: int) -> Iterator[world.Object]:
    for place, namespace in enumerate(spaces):
        for app in range(apps):
            name = f"app-{app}"
            yield world.fake_service(namespace, name)
            yield _endpoints(namespace, name, place * apps + app)
            yield _route(namespace, name, 0)


def _route(namespace: str, name: str, version: int) -> world.Object:
    body = objects.route(namespace, name, f"{name}.{namespace}.example.com", name)
    body["spec"]["parentRefs"] = [{"name": "web", "namespace": "bench"}]
    added = {"add": [{"name": "x-version", "value": str(version)}]}
    filters = [{"type": "ResponseHeaderModifier", "responseHeaderModifier": added}]
    body["spec"]["rules"][0]["filters"] = filters
    return body


async def _fill(scene: Scene, spaces: list[str], apps: int) -> None:
    async with world.api(scene.cluster) as api:
        await api.create_all(_bodies(spaces, apps))


async def _churn(scene: Scene, spaces: list[str], apps: int, lasts: float) -> int:
    """Change things for so many seconds; how many changes it were."""
    start = time.monotonic()
    number = 0
    async with world.api(scene.cluster) as api:
        while time.monotonic() - start < lasts:
            place = number * 7919 % (len(spaces) * apps)
            namespace, name = spaces[place // apps], f"app-{place % apps}"
            spec = _route(namespace, name, number)["spec"]
            await api.patch("HTTPRoute", name, namespace, {"spec": spec})
            if number % 2:
                endpoints = _endpoints(namespace, name, place, number)["endpoints"]
                patch = {"endpoints": endpoints}
                await api.patch("EndpointSlice", f"{name}-1", namespace, patch)
            number += 1
            await asyncio.sleep(max(0, start + number - time.monotonic()))
    return number


async def _empty(scene: Scene, spaces: list[str]) -> None:
    async with world.api(scene.cluster) as api:
        for namespace in spaces:
            await api.delete_all("HTTPRoute", namespace)


def first_sync(scene: Scene, count: int) -> float:
    """Replace so many replicas at once; seconds from a new process's start until it is ready.

    The API server is asked seldom meanwhile: it would take from the replica what is measured.
    """
    cluster = scene.cluster
    before = [pod["metadata"]["name"] for pod in installation.pods(cluster)]
    for name in before[:count]:
        cluster.delete("Pod", name, installation.NAMESPACE)

    def started() -> dict[str, str]:
        pods = ((each["metadata"]["name"], each["status"]) for each in installation.pods(cluster))
        found = {name: status.get("podIP", "") for name, status in pods if name not in before}
        return found if len(found) == count and all(found.values()) else {}

    addresses = wait_for(started, "new replicas", 60, pause=0.25)

    def ready() -> str:
        for name, address in addresses.items():
            if traffic.get(address, "x", "/readyz", installation.HEALTH_PORT)[0] == 200:
                return name
        return ""

    name = wait_for(ready, "a new replica that is ready", 180, pause=0.02)
    now = datetime.now(UTC).timestamp()
    values = wait_for(lambda: installation.metrics(cluster).get(name), "its metrics", 60)
    return now - values["process_start_time_seconds"]


def run(namespaces: int = NAMESPACES, apps: int = APPS) -> Iterator[Figure]:
    """Yield seconds and memory of the first sync, what the changes cost, and what is left."""
    lasts = float(os.environ.get("DURATION", "900"))
    spaces = _spaces(namespaces)
    with world.gateway(*spaces) as scene:
        address = scene.address()
        asyncio.run(_fill(scene, spaces, apps))
        total = namespaces * apps
        wait_for(lambda: scene.attached_routes() == total + 1, f"{total} attached routes", 120)
        wait_for(lambda: installation.rolled_out(scene.cluster), "the control plane", 60)
        with traffic.traffic(address, "first.example.com", rate=50) as restart:
            for name, count, target in (("ready", 1, 10), ("all_replicas_at_once", 2, None)):
                took = first_sync(scene, count)
                yield Figure(f"cluster.first_sync.{name}", took, "s from its start", target)
                wait_for(lambda: installation.rolled_out(scene.cluster), "all replicas", 120)
        yield Figure("cluster.first_sync.failed_requests", restart.failed, f"of {restart.total}", 0)
        yield Figure("cluster.first_sync.memory", usage.peak_memory(scene.cluster), "MiB", 400)
        with (
            usage.sampled(scene.cluster) as samples,
            traffic.traffic(address, "first.example.com", rate=20) as tally,
        ):
            changes = asyncio.run(_churn(scene, spaces, apps, lasts))
        yield Figure("cluster.churn.failed_requests", tally.failed, f"of {tally.total}", 0)
        yield Figure("cluster.churn.memory", samples.most_memory(), "MiB", 400)
        yield Figure("cluster.churn.cores", samples.cores(), f"cores, {changes} changes", 0.15)
        yield Figure("cluster.churn.growth", samples.growth() * 100, "% of memory", 5)
        yield Figure("cluster.churn.envoy_memory", usage.envoy_memory(scene), "MiB", 200)
        own = usage.envoy_memory(scene, "RssAnon")
        yield Figure("cluster.churn.envoy_memory.own", own, "MiB without its program", None)
        working_set = usage.pod_memory(scene)
        yield Figure("cluster.churn.pod_memory", working_set, "MiB, agent included", 200)
        yield Figure("cluster.churn.envoy_series", usage.series(scene), "time series", 1000)
        asyncio.run(_empty(scene, spaces))
        wait_for(lambda: scene.attached_routes() == 1, "the end of all other routes", 120)
        time.sleep(GIVEN_BACK)
        yield Figure("cluster.deleted.envoy_memory", usage.envoy_memory(scene), "MiB", 150)
