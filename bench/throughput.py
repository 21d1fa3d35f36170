"""Requests per second and p99 through a Gateway, beside the hand-written configuration.

Both run at the same time against the same upstream and are loaded in turns, so that the noise
of the machine meets both alike: medians of ratios, and p99 over the requests of all turns.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import baseline, manifests, processes
from bench.figure import Figure
from bench.load import closed_loop, percentile

ROUNDS = 24
SECONDS = 1.0
HOST = "shop.example.com"


def _ours(folder: Path, upstream: tuple[str, int]) -> None:
    manifests.write(folder, "gateway", manifests.gateway())
    manifests.write(folder, "service", *manifests.service("backend", upstream))
    manifests.write(folder, "route", manifests.route("shop", HOST, "backend"))


def run() -> Iterator[Figure]:
    """Yield the ratios ours/hand-written of requests per second, p99 and CPU per request."""
    upstream = ("127.0.0.1", processes.free_port())
    hand = ("127.0.0.1", processes.free_port())
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as name:
        folder = Path(name)
        config = folder / "manifests"
        config.mkdir()
        _ours(config, upstream)
        back = baseline.bootstrap([baseline.upstream(upstream)], [], folder / "u.sock")
        hosts = [baseline.virtual_host(HOST, "backend", "backend")]
        front = baseline.bootstrap(
            [baseline.listener(hand, hosts)],
            [baseline.cluster("backend", upstream)],
            folder / "h.sock",
        )
        with (
            processes.envoy(back, folder, upstream),
            processes.envoy(front, folder, hand) as hand_pid,
            processes.serving(config) as ours,
        ):
            yield from _compare(hand, hand_pid, ours.address(80), ours.gateway_pid())


def _compare(
    hand: tuple[str, int], hand_pid: int, ours: tuple[str, int], our_pid: int
) -> Iterator[Figure]:
    rates: list[float] = []
    costs: list[float] = []
    latencies: dict[tuple[str, int], list[float]] = {hand: [], ours: []}
    for number in range(ROUNDS + 1):
        sides = [(hand, hand_pid), (ours, our_pid)]
        seen: dict[tuple[str, int], tuple[int, float]] = {}
        for address, pid in sides if number % 2 else reversed(sides):
            before = processes.cpu_seconds(pid)
            tally = asyncio.run(closed_loop(address, HOST, seconds=SECONDS))
            if tally.failed:
                raise RuntimeError(f"{address}: {dict(tally.statuses)}")
            seen[address] = (tally.total, (processes.cpu_seconds(pid) - before) / tally.total)
            if number:  # the first round warms up
                latencies[address] += tally.latencies
        if number:
            rates.append(seen[ours][0] / seen[hand][0])
            costs.append(seen[ours][1] / seen[hand][1])
    tails = {each: percentile(of, 0.99) for each, of in latencies.items()}
    yield Figure(
        "gateway.requests_per_second.ratio",
        statistics.median(rates),
        "x hand-written",
        0.97,
        "higher",
    )
    yield Figure("gateway.p99.ratio", tails[ours] / tails[hand], "x hand-written", 1.03)
    yield Figure("gateway.cpu_per_request.ratio", statistics.median(costs), "x hand-written")
