"""Delta ADS: what one change costs the machine, and a push with its answer over the socket."""

import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import grpc.aio
from envoy.service.discovery.v3 import discovery_pb2

from bench.figure import Figure
from fairlead.ads import type_url
from fairlead.ads.listening import METHOD, SERVICE
from fairlead.ads.machine import Machine
from fairlead.ads.server import AdsServer
from fairlead.ads.wire import Request
from fairlead.xds.resource import Resource, whole

if TYPE_CHECKING:
    from fairlead.ir.proxy_status import ProxyStatus

SIZES = (1_000, 20_000)
CHANGES = 500
BODY = b"x" * 300
"""About what a virtual host with two rules takes."""
URLS = (type_url.CLUSTER, type_url.ENDPOINTS, type_url.ROUTES, type_url.SCOPE)
BY_NAME = frozenset({type_url.ENDPOINTS, type_url.ROUTES})


def _resource(url: str, number: int, version: int) -> Resource:
    return whole(url, f"name-{number}", b"%d.%d" % (number, version) + BODY)


class Load:
    """A machine that serves `size` clusters, endpoints, tables and scopes, all acknowledged."""

    def __init__(self, size: int) -> None:
        self.machine = Machine("bench")
        self.size = size
        self.serial = 0
        self.longest = 0.0
        """Seconds of the longest stay in the machine."""
        made = [_resource(url, number, 0) for url in URLS for number in range(size)]
        self.machine.update({(each.type_url, each.name): each for each in made}, 0.0)
        self.machine.connect()
        names = tuple(f"name-{number}" for number in range(size))
        began = time.perf_counter()
        for url in (*URLS, type_url.LISTENER):
            self._receive(Request(url, "bench", names if url in BY_NAME else ()))
            self._answer(url)
        self.seconds = time.perf_counter() - began

    def _receive(self, request: Request) -> None:
        began = time.perf_counter()
        self.machine.receive(request, 0.0)
        self.longest = max(self.longest, time.perf_counter() - began)

    def _answer(self, url: str) -> None:
        """Acknowledge responses, which count up, until there are no more."""
        while True:
            began = time.perf_counter()
            data = self.machine.poll(0.0)
            self.longest = max(self.longest, time.perf_counter() - began)
            if data is None:
                return
            self.serial += 1
            self._receive(Request(url, nonce=str(self.serial)))

    def change(self, url: str, version: int) -> float:
        """Seconds for one change: update, response, acknowledgement."""
        resource = _resource(url, (version * 7919) % self.size, version)
        began = time.perf_counter()
        self.machine.update({(url, resource.name): resource}, 0.0)
        self._answer(url)
        self.machine.new_status()
        self.machine.next_deadline()
        return time.perf_counter() - began


async def _pushes(folder: Path) -> list[float]:
    """Seconds from the update to the acknowledgement, over the Unix socket."""
    seen: list[ProxyStatus] = []
    server = AdsServer(folder / "ads" / "socket", seen.append)
    await server.start()
    server.update("bench", {})
    costs: list[float] = []
    async with grpc.aio.insecure_channel(f"unix:{server.socket_path}") as channel:
        call = channel.stream_stream(f"/{SERVICE}/{METHOD}")()
        request = discovery_pb2.DeltaDiscoveryRequest()
        request.node.id = "bench"
        for request.type_url in (type_url.LISTENER, type_url.CLUSTER):
            await call.write(request.SerializeToString())
            await _acknowledge(call)
        for version in range(CHANGES):
            resource = _resource(type_url.CLUSTER, version % 50, version)
            began = time.perf_counter()
            server.update("bench", {(resource.type_url, resource.name): resource})
            await _acknowledge(call)
            await server.wait_synced("bench")
            costs.append(time.perf_counter() - began)
    await server.stop()
    return costs


async def _acknowledge(call: "grpc.aio.StreamStreamCall[bytes, bytes]") -> None:
    response = discovery_pb2.DeltaDiscoveryResponse.FromString(await call.read())
    request = discovery_pb2.DeltaDiscoveryRequest(
        type_url=response.type_url, response_nonce=response.nonce
    )
    await call.write(request.SerializeToString())


def run() -> Iterator[Figure]:
    """Yield the cost of a change by number of resources, their ratio, first load, and pushes."""
    costs: dict[int, float] = {}
    for size in SIZES:
        load = Load(size)
        yield Figure(f"ads.first_load.{size}", load.seconds * 1e3, "ms")
        yield Figure(f"ads.first_load.{size}.longest", load.longest * 1e3, "ms", 50)
        gc.collect()
        gc.freeze()
        samples = {
            url: [load.change(url, version) for version in range(1, CHANGES)]
            for url in (type_url.ENDPOINTS, type_url.ROUTES)
        }
        gc.unfreeze()
        costs[size] = statistics.mean(map(statistics.median, samples.values()))
        yield Figure(f"ads.change.{size}", costs[size] * 1e6, "us")
    ratio = costs[SIZES[-1]] / costs[SIZES[0]]
    yield Figure(f"ads.change.{SIZES[-1]}_to_{SIZES[0]}", ratio, "times", 1.5)
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        pushes = asyncio.run(_pushes(Path(folder)))
    yield Figure("ads.push", statistics.median(pushes) * 1e3, "ms")
    yield Figure("ads.push.p99", statistics.quantiles(pushes, n=100)[98] * 1e3, "ms")
