"""1,000 routes come and go: how soon the Gateway's count is right, and how often it is written."""

import asyncio
import threading
import time
from collections.abc import Iterator

from bench.cluster import world
from bench.figure import Figure
from cluster import objects
from cluster.api import wait_for
from cluster.scene import Scene

ROUTES = 1000


class Counts:
    """Every state of the Gateway's status that the API server tells, with its time."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.seen: list[tuple[float, int]] = []
        """When (monotonic seconds), and the first listener's attachedRoutes."""
        self._ready = threading.Event()

    def start(self) -> None:
        """Begin to watch; returns when the watch is open."""
        threading.Thread(target=self._watch, daemon=True).start()
        self._ready.wait(30)

    def _watch(self) -> None:
        cluster, namespace = self._scene.cluster, self._scene.namespace
        with cluster.watch("Gateway", namespace) as events:
            self._ready.set()
            for event in events:
                listeners = event["object"].get("status", {}).get("listeners", [])
                if event["type"] == "MODIFIED" and listeners:
                    self.seen.append((time.monotonic(), listeners[0]["attachedRoutes"]))

    def last(self) -> int:
        """The count of the moment."""
        return self.seen[-1][1] if self.seen else -1

    def since(self, start: float, count: int) -> float:
        """Seconds from `start` until the count was last written and was this one, 0 if before."""
        end = next(when for when, what in reversed(self.seen) if what == count)
        return max(0.0, end - start)


async def _create(scene: Scene, count: int) -> None:
    bodies = (
        objects.route(scene.namespace, f"route-{number}", f"{number}.example.com", "backend")
        for number in range(count)
    )
    async with world.api(scene.cluster) as api:
        await api.create_all(bodies)


async def _delete(scene: Scene, count: int) -> None:
    async with world.api(scene.cluster) as api:

        async def delete(number: int) -> None:
            await api.delete("HTTPRoute", f"route-{number}", scene.namespace)

        await api.each(range(count), delete)


def run(count: int = ROUTES) -> Iterator[Figure]:
    """Yield seconds until counts are right, and the writes of the Gateway's status."""
    with world.gateway() as scene:
        scene.cluster.delete("HTTPRoute", "first", scene.namespace)
        wait_for(lambda: scene.attached_routes() == 0, "no route")
        counts = Counts(scene)
        counts.start()
        asyncio.run(_create(scene, count))
        created = time.monotonic()
        wait_for(lambda: counts.last() == count, f"{count} attached routes", 120)
        time.sleep(3)
        setup = counts.since(created, count)
        asyncio.run(_delete(scene, count))
        deleted = time.monotonic()
        wait_for(lambda: counts.last() == 0, "no attached route", 120)
        time.sleep(3)
        teardown = counts.since(deleted, 0)
        writes, off = len(counts.seen), sum(what > count for _, what in counts.seen)
        final = scene.attached_routes()
    yield Figure("cluster.attached.setup", setup, "s after the last route", 2)
    yield Figure("cluster.attached.teardown", teardown, "s after the last deletion", 20)
    yield Figure("cluster.attached.writes", writes, f"of the Gateway for 2 x {count} changes", 60)
    yield Figure("cluster.attached.wrong_counts", off + (final != 0), "counts", 0)
