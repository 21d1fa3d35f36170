"""The cost (CPU time) of one changed virtual host, from IR to the bytes of its route configuration.

And that of the first load, which also brings the table into its layout. What a change costs
depends on the size of a shard, not of the table; the target is on the whole of it (bench.change).
"""

import gc
import statistics
import time
from collections.abc import Iterator

from bench.figure import Figure
from fairlead.graph import Change, Graph, Source
from fairlead.ir.backend import Forward
from fairlead.ir.listener import Chain, GatewayListener, HttpChain, Listener
from fairlead.ir.match import HeaderMatch, Match, PathPrefix
from fairlead.ir.origin import Origin
from fairlead.ir.rule import Route, Rule
from fairlead.ir.virtual_host import VirtualHost
from fairlead.xds.build import Configuration, build

SIZES = (1_000, 5_000, 20_000)
CHANGES = 200
TABLE = "gateway/default/gateway/http-80"
LISTENER = GatewayListener("gateway/default/gateway", "http-80", ("127.0.0.1",), 80, 80, TABLE, ())
CHAIN = HttpChain("http")


def _host(number: int, target: str) -> VirtualHost:
    """Two rules, as the routes of the benchmarks have."""
    name = f"route-{number:05}"
    origin = Origin("HTTPRoute", "default", name, "0")
    next_version = Match(PathPrefix("/api"), headers=(HeaderMatch("x-version", "next"),))
    rules = (
        Rule(f"default/{name}/0/0", next_version, Route((Forward("default/next/80", 1),)), origin),
        Rule(f"default/{name}/1/0", Match(), Route((Forward(target, 1),)), origin),
    )
    host = f"{name}.example.com"
    return VirtualHost(TABLE, host, (host,), rules)


class _World:
    """A graph of xds alone."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.listeners: Source[tuple[str, str], Listener] = self.graph.source("listeners")
        self.chains: Source[tuple[str, str, str], Chain] = self.graph.source("chains")
        self.hosts: Source[tuple[str, str], VirtualHost] = self.graph.source("virtual_hosts")
        self.built: Configuration = build(
            self.graph,
            listeners=self.listeners,
            virtual_hosts=self.hosts,
            clusters=self.graph.source("clusters"),
            endpoints=self.graph.source("endpoints"),
            cluster_use=self.graph.source("cluster_use"),
            chains=self.chains,
            secrets=self.graph.source("secrets"),
            secret_use=self.graph.source("secret_use"),
        )
        self.graph.watch(self.built.resources)

    def put(self, *hosts: VirtualHost) -> int:
        """Apply, feed back, and return the number of bytes that change."""
        changes = [
            Change(self.listeners, (LISTENER.proxy, LISTENER.name), LISTENER),
            Change(self.chains, (LISTENER.proxy, LISTENER.name, CHAIN.name), CHAIN),
            *(Change(self.hosts, (host.table, host.name), host) for host in hosts),
        ]
        size = 0
        while changes:
            events = self.graph.apply(changes)
            for _, new in events[self.built.resources].values():
                size += len(b"".join(part.body for part in new.parts)) if new else 0
            changes = self.built.feedback(events)
        return size


def _seconds(world: _World, *hosts: VirtualHost) -> float:
    start = time.process_time()
    world.put(*hosts)
    return time.process_time() - start


def run() -> Iterator[Figure]:
    """Yield the mean cost of one change at each size, and how it grows."""
    costs: dict[int, float] = {}
    for size in SIZES:
        world = _World()
        hosts = [_host(number, "default/backend/80") for number in range(size)]
        yield Figure(f"xds.first_load.{size}", _seconds(world, *hosts) * 1000, "ms")
        gc.collect()
        step = size // CHANGES
        spent = [
            _seconds(world, _host(number * step, f"default/other-{number}/80"))
            for number in range(CHANGES)
        ]
        costs[size] = statistics.mean(spent) * 1000
        yield Figure(f"xds.change.{size}", costs[size], "ms")
    smallest, largest = SIZES[0], SIZES[-1]
    ratio = costs[largest] / costs[smallest]
    yield Figure("xds.change.growth", ratio, f"x from {smallest} to {largest} hosts")
