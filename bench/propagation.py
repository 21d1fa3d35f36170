"""One route added at a time, up to 3,000: from the provider's event to the first 200.

Each route has a host of its own and two rules. The route is written as a file; the control
plane's receipt says when its provider saw the event. A keep-alive connection polls the new host:
404 before and 200 after, and nothing else.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import baseline, manifests, processes
from bench.figure import Figure
from bench.load import percentile
from fairlead.cli.load import Connection

ROUTES = 3000
POLL = 0.001
"""Seconds between two polls."""


async def _until_served(connection: Connection, host: str) -> tuple[float, int]:
    """The monotonic time of the first 200, and the number of answers other than 404 before."""
    wrong = 0
    for _ in range(20000):
        status, _ = await connection.get(host)
        if status == 200:
            return time.monotonic(), wrong
        wrong += status != 404
        await asyncio.sleep(POLL)
    raise TimeoutError(f"{host} does not serve")


async def _stays(connection: Connection, host: str) -> int:
    """Wrong answers among ten more requests after the first 200."""
    answers = [await connection.get(host) for _ in range(10)]
    return sum(status != 200 for status, _ in answers)


async def _add_routes(
    config: Path, address: tuple[str, int]
) -> tuple[dict[str, tuple[float, float]], int]:
    """By name of the route: when its file was written and when it served; and wrong answers."""
    connection = Connection(*address)
    times: dict[str, tuple[float, float]] = {}
    wrong = 0
    for number in range(ROUTES):
        host = manifests.host(number)
        name = f"route-{number}"
        written = time.monotonic()
        manifests.write(config, name, manifests.route(name, host, f"backend-{number % 10}"))
        served, bad = await _until_served(connection, host)
        wrong += bad + await _stays(connection, host)
        times[name] = (written, served)
    connection.close()
    return times, wrong


def run() -> Iterator[Figure]:
    """Yield mean and maximum in ms, wrong answers, and the mean from the file's write."""
    upstream = ("127.0.0.1", processes.free_port())
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as name:
        folder = Path(name)
        config = folder / "manifests"
        config.mkdir()
        manifests.write(config, "gateway", manifests.gateway())
        for number in range(10):
            service = manifests.service(f"backend-{number}", upstream)
            manifests.write(config, f"service-{number}", *service)
        back = baseline.bootstrap([baseline.upstream(upstream)], [], folder / "u.sock")
        with processes.envoy(back, folder, upstream), processes.serving(config) as ours:
            times, wrong = asyncio.run(_add_routes(config, ours.address(80)))
            events = ours.received("HTTPRoute")
    milliseconds = [(served - events[name]) * 1000 for name, (_, served) in times.items()]
    write = [served - written for written, served in times.values()]
    yield Figure("propagation.mean", statistics.mean(milliseconds), "ms", 12)
    yield Figure("propagation.max", max(milliseconds), "ms", 75)
    yield Figure("propagation.p99", percentile(milliseconds, 0.99), "ms")
    yield Figure("propagation.last_500.mean", statistics.mean(milliseconds[-500:]), "ms")
    yield Figure("propagation.wrong_answers", wrong, f"of {ROUTES} routes", 0)
    yield Figure("propagation.from_write.mean", statistics.mean(write) * 1000, "ms")
