"""What one change costs in Python: graph, translate, xds and ads, at 1,000 and 20,000 routes.

The whole pipeline as the control plane runs it, without the sockets: an edit of one route's
backends goes in, the bytes of the responses come out and are acknowledged.
"""

import gc
import itertools
import statistics
import time
from collections.abc import Iterator

from envoy.service.discovery.v3 import discovery_pb2

from bench import manifests
from bench.figure import Figure
from fairlead import api
from fairlead.ads import type_url
from fairlead.ads.machine import Machine
from fairlead.ads.wire import Request
from fairlead.app.pipeline import Effects, Pipeline
from fairlead.graph import Change
from fairlead.translate.sources import Settings

SIZES = (1000, 5000, 20000)
SERVICES = 500
EDITS = 400
PROXY = "gateway/default/bench"


def _object(raw: manifests.Object) -> api.Object:
    decoded = api.decode(raw)
    if decoded.problems:
        raise RuntimeError(str(decoded.problems))
    return decoded.objects[0]


def _route(number: int, version: int) -> manifests.Object:
    target = f"backend-{(number + version) % SERVICES}"
    return manifests.route(f"route-{number}", manifests.host(number), target, "backend-0")


class World:
    """A pipeline with a Gateway, Services and routes, and the machine of the Gateway's proxy."""

    def __init__(self, routes: int) -> None:
        self._pipeline = Pipeline(Settings())
        self._machine = Machine(PROXY)
        self._now = itertools.count(1)
        sources = self._pipeline.sources
        by_kind = {
            "Gateway": sources.gateways,
            "Service": sources.services,
            "EndpointSlice": sources.endpoint_slices,
        }
        raw = [manifests.gateway()]
        for number in range(SERVICES):
            raw += manifests.service(f"backend-{number}", ("127.0.0.1", 9))
        objects = [_object(each) for each in raw]
        changes = [Change(by_kind[each.kind], each.key, each) for each in objects]
        changes += [self._edit(number, 0) for number in range(routes)]
        changes.append(
            Change(sources.gateway_addresses, ("default", "bench"), (manifests.ADDRESS,))
        )
        self._hand_over(self._apply(changes))
        self._machine.connect()
        for url in (type_url.CLUSTER, type_url.LISTENER, type_url.SCOPE):
            self._machine.receive(Request(type_url=url, node=PROXY), next(self._now))
        for url in (type_url.ENDPOINTS, type_url.ROUTES):
            names = tuple(self._machine.desired[url])
            self._machine.receive(Request(type_url=url, subscribe=names), next(self._now))
        self._settle()

    def _edit(self, number: int, version: int) -> Change[tuple[str, str], api.HTTPRoute]:
        route = _object(_route(number, version))
        return Change(self._pipeline.sources.http_routes, route.key, route)

    def _apply(self, changes: list[Change]) -> Effects:
        steps = self._pipeline.apply(changes)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    def _hand_over(self, effects: Effects) -> None:
        self._machine.update(effects.resources.get(PROXY, {}), next(self._now))

    def _settle(self) -> float:
        """Poll and acknowledge until there is nothing to send; returns the seconds it took."""
        spent = 0.0
        while True:
            start = time.perf_counter()
            message = self._machine.poll(next(self._now))
            spent += time.perf_counter() - start
            if message is None:
                return spent
            response = discovery_pb2.DeltaDiscoveryResponse.FromString(message)
            answer = Request(type_url=response.type_url, nonce=response.nonce)
            start = time.perf_counter()
            self._machine.receive(answer, next(self._now))
            spent += time.perf_counter() - start

    def cost(self, number: int, version: int) -> float:
        """Seconds from one edit to its acknowledged responses, in our own code."""
        change = self._edit(number, version)
        start = time.perf_counter()
        effects = self._apply([change])
        self._hand_over(effects)
        spent = time.perf_counter() - start + self._settle()
        if not effects.resources:
            raise RuntimeError("an edit had no effect")
        return spent


def run() -> Iterator[Figure]:
    """Yield the median cost of one edit by number of routes, and the ratio of the ends."""
    medians: dict[int, float] = {}
    for size in SIZES:
        world = World(size)
        gc.collect()
        gc.freeze()
        costs = [world.cost((each * 7919) % size, 1 + each // size) for each in range(EDITS)]
        gc.unfreeze()
        medians[size] = statistics.median(costs)
        yield Figure(f"change.{size}", medians[size] * 1e6, "us")
    ratio = medians[SIZES[-1]] / medians[SIZES[0]]
    yield Figure("change.20000_to_1000", ratio, "times", 1.5)
