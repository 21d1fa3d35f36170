"""First load of 5,000 routes and 1,000 Services: time until all serve, and memory."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import baseline, manifests, processes
from bench.figure import Figure
from fairlead.cli.load import Connection

ROUTES = 5000
SERVICES = 1000
EVERY = 25
"""Every 25th host is asked: asking all, one by one, would be most of the time measured."""


async def _all_serve(address: tuple[str, int], hosts: list[str], seconds: float) -> float:
    """Seconds until each of these hosts has answered 200, one after the other."""
    start = time.monotonic()
    connection = Connection(*address)
    waiting = list(hosts)
    while waiting:
        if time.monotonic() - start > seconds:
            raise TimeoutError(f"{len(waiting)} of {len(hosts)} hosts do not serve")
        try:
            status, _ = await connection.get(waiting[-1])
        except OSError:
            status = 0
        if status == 200:
            waiting.pop()
        else:
            await asyncio.sleep(0.005)
    connection.close()
    return time.monotonic() - start


def run() -> Iterator[Figure]:
    """Yield seconds until serving, MiB of the control plane, and the Envoy's memory ratio."""
    upstream = ("127.0.0.1", processes.free_port())
    hand = ("127.0.0.1", processes.free_port())
    names = [f"backend-{number}" for number in range(SERVICES)]
    hosts = [manifests.host(number) for number in range(ROUTES)]
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as name:
        folder = Path(name)
        config = folder / "manifests"
        config.mkdir()
        manifests.write(config, "gateway", manifests.gateway())
        services = [part for name in names for part in manifests.service(name, upstream)]
        manifests.write(config, "services", *services)
        routes = [
            manifests.route(f"route-{n}", host, names[n % SERVICES], names[(n + 1) % SERVICES])
            for n, host in enumerate(hosts)
        ]
        manifests.write(config, "routes", *routes)
        back = baseline.bootstrap([baseline.upstream(upstream)], [], folder / "u.sock")
        tables = [
            baseline.virtual_host(host, names[n % SERVICES], names[(n + 1) % SERVICES])
            for n, host in enumerate(hosts)
        ]
        front = baseline.bootstrap(
            [baseline.listener(hand, tables)],
            [baseline.cluster(name, upstream) for name in names],
            folder / "h.sock",
        )
        with processes.envoy(back, folder, upstream):
            with processes.envoy(front, folder, hand) as hand_pid:
                asyncio.run(_all_serve(hand, hosts[::EVERY], 60))
                hand_memory = processes.resident(hand_pid)
            started = time.monotonic()
            with processes.fairlead(config) as ours:
                address = ours.address(80)
                asyncio.run(_all_serve(address, hosts[::EVERY], 120))
                yield Figure("first_load.serving", time.monotonic() - started, "s", 4)
                memory = processes.resident(ours.process.pid)
                yield Figure("first_load.control_plane_memory", memory, "MiB", 150)
                ratio = processes.resident(ours.gateway_pid()) / hand_memory
                yield Figure("first_load.envoy_memory.ratio", ratio, "x hand-written", 1.2)
