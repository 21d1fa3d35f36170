"""A host with thousands of path rules beside one with ten: how long answers take.

Asked is for the path that stands last in the order of rules. Both hosts are of one Gateway and are
asked in turns on the same connections, so the noise of the machine meets both alike.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import baseline, manifests, processes
from bench.figure import Figure
from bench.load import closed_loop, percentile

SMALL = 10
LARGE = 5000
MATCHES = 64
"""Matches of one rule, as many as the CRD allows."""
ROUNDS = 30
SECONDS = 0.25


def _routes(host: str, count: int) -> Iterator[manifests.Object]:
    """HTTPRoutes for `count` prefixes ``/item-N`` of a host."""
    for first in range(0, count, MATCHES):
        made = manifests.route(f"{host.partition('.')[0]}-{first}", host, "backend")
        last = min(first + MATCHES, count)
        matches = [
            {"path": {"type": "PathPrefix", "value": f"/item-{number:05d}"}}
            for number in range(first, last)
        ]
        made["spec"]["rules"] = [
            {"matches": matches, "backendRefs": [{"name": "backend", "port": 80}]}
        ]
        yield made


def run() -> Iterator[Figure]:
    """Yield the ratio of the median times, and of the 99th percentiles."""
    upstream = ("127.0.0.1", processes.free_port())
    hosts = {"small.example.com": SMALL, "large.example.com": LARGE}
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as name:
        folder = Path(name)
        config = folder / "manifests"
        config.mkdir()
        manifests.write(config, "gateway", manifests.gateway())
        manifests.write(config, "service", *manifests.service("backend", upstream))
        for host, count in hosts.items():
            manifests.write(config, host, *_routes(host, count))
        back = baseline.bootstrap([baseline.upstream(upstream)], [], folder / "u.sock")
        with processes.envoy(back, folder, upstream), processes.serving(config) as ours:
            yield from _compare(ours.address(80), hosts)


def _compare(address: tuple[str, int], hosts: dict[str, int]) -> Iterator[Figure]:
    medians: dict[str, list[float]] = {host: [] for host in hosts}
    tails: dict[str, list[float]] = {host: [] for host in hosts}
    for number in range(ROUNDS + 1):
        for host in list(hosts) if number % 2 else reversed(list(hosts)):
            path = f"/item-{hosts[host] - 1:05d}/x"
            tally = asyncio.run(
                closed_loop(address, host, seconds=SECONDS, connections=1, path=path)
            )
            if tally.failed:
                raise RuntimeError(f"{host}: {dict(tally.statuses)}")
            if number:  # the first round warms up
                medians[host].append(percentile(tally.latencies, 0.5))
                tails[host] += tally.latencies
    small, large = (statistics.median(medians[host]) for host in hosts)
    yield Figure("long_host.time.ratio", large / small, f"x of {SMALL} rules", 1.5)
    slow, slower = (percentile(tails[host], 0.99) for host in hosts)
    yield Figure("long_host.p99.ratio", slower / slow, f"x of {SMALL} rules")
