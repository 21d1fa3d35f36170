"""200 edits of a running configuration at 500 requests per second: nothing may fail."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import baseline, manifests, processes
from bench.figure import Figure
from bench.load import percentile
from fairlead.cli.load import Tally, steady

EDITS = 200
RATE = 500
HOST = "shop.example.com"


def rules(number: int) -> list[dict[str, Any]]:
    """Two rules that serve every request, in the shape of the edit with this number."""
    first, second = ("a", "b") if number % 2 else ("b", "a")
    weight = (number * 13) % 101
    split: dict[str, Any] = {
        "backendRefs": [
            {"name": first, "port": 80, "weight": weight},
            {"name": second, "port": 80, "weight": 100 - weight},
        ]
    }
    if number % 5 == 2:
        header = {"add": [{"name": "x-edit", "value": str(number)}]}
        split["filters"] = [{"type": "ResponseHeaderModifier", "responseHeaderModifier": header}]
    api = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/api"}}],
        "backendRefs": [{"name": first, "port": 80}],
    }
    return [api, split] if number % 3 else [split, api]


async def _edit(config: Path, upstreams: list[tuple[str, int]], number: int) -> None:
    """One edit: weights, backends, filters, rule order; hosts, Services and routes around it."""
    shop = manifests.route("shop", HOST, "a")
    shop["spec"]["rules"] = rules(number)
    kind = number % 4
    if kind == 1:
        shop["spec"]["hostnames"] = [HOST, f"extra-{number}.example.com"]
    if kind == 2:
        name = f"extra-{number}"
        service = manifests.service(name, upstreams[number % 2])
        manifests.write(config, name, *service)
        shop["spec"]["rules"][0]["backendRefs"].append({"name": name, "port": 80, "weight": 5})
    if kind == 3:
        (config / f"extra-{number - 1}.yaml").unlink()
        extra = manifests.route(f"other-{number}", f"other-{number}.example.com", "b")
        manifests.write(config, f"other-{number % 8}", extra)
    manifests.write(config, "shop", shop)


async def _load(address: tuple[str, int], config: Path, upstreams: list[tuple[str, int]]) -> Tally:
    tally, stop = Tally(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(steady(tally, address, HOST, rate=RATE, stop=stop))
        for number in range(1, EDITS + 1):
            if number % 4 == 3:
                # The Service that goes leaves its route first, as a careful user would do it.
                shop = manifests.route("shop", HOST, "a")
                shop["spec"]["rules"] = rules(number)
                manifests.write(config, "shop", shop)
                await asyncio.sleep(0.1)
            await _edit(config, upstreams, number)
            await asyncio.sleep(0.1)
        stop.set()
    return tally


def run() -> Iterator[Figure]:
    """Yield the number of failed requests, and how many there were."""
    ports = [("127.0.0.1", processes.free_port()) for _ in range(2)]
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as name:
        folder = Path(name)
        config = folder / "manifests"
        config.mkdir()
        manifests.write(config, "gateway", manifests.gateway())
        for service, port in zip("ab", ports, strict=True):
            manifests.write(config, f"service-{service}", *manifests.service(service, port))
        manifests.write(config, "shop", manifests.route("shop", HOST, "a"))
        listeners = [{**baseline.upstream(port), "name": str(port[1])} for port in ports]
        back = baseline.bootstrap(listeners, [], folder / "u.sock")
        with processes.envoy(back, folder, ports[1]), processes.serving(config) as ours:
            tally = asyncio.run(_load(ours.address(80), config, ports))
    yield Figure("edits.failed_requests", tally.failed, f"of {tally.total}", 0)
    yield Figure("edits.p99", percentile(tally.latencies, 0.99) * 1000, "ms")
