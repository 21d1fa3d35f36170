"""The graph alone: what one change costs at 1,000, 5,000 and 20,000 routes, and a first load.

The graph has the shape of translation: routes read their Services, claim hosts, and virtual
hosts are made of the claims by term. One change is a route that is edited, which runs five
functions. The target is on the ratio, since the cost must be that of the change, not of the world.
"""

import gc
import statistics
import time
from collections.abc import Iterator

import msgspec

from bench.figure import Figure
from fairlead.graph import Change, Context, Graph, Index, Source

SIZES = (1_000, 5_000, 20_000)
LOADED = 5_000
"""Size of the first load that may not stall the event loop."""
SERVICES = 1_000
EDITS = 500
ROUNDS = 5
"""Parts of the edits; the median of the fastest part counts, so that noise of the host does not."""


class Route(msgspec.Struct, frozen=True):
    """Stands for an HTTPRoute: a host, and names of Services."""

    host: str
    backends: tuple[str, ...]


class Compiled(msgspec.Struct, frozen=True):
    """A route with the ports of its Services."""

    host: str
    ports: tuple[int, ...]


Key = tuple[str, str]


class Shape:
    """Sources and the watched edge of the benchmark's graph."""

    def __init__(self) -> None:
        """Build the graph."""
        self.graph = Graph()
        self.routes: Source[Key, Route] = self.graph.source("routes")
        self.services: Source[Key, int] = self.graph.source("services")
        compiled = self.routes.map("compiled", self._compile)
        claims = compiled.flat_map(
            "claims", lambda _ctx, key, route: [((route.host, *key), route.ports)]
        )
        self.by_host = claims.index("claims by host", lambda key, _ports: (key[0],))
        hosts = self.by_host.terms("hosts").map("virtual hosts", self._virtual_host)
        self.graph.watch(hosts)
        reports = self.routes.map("reports", lambda ctx, key, _route: ctx.fetch(compiled, key))
        self.graph.watch(reports)

    def _compile(self, ctx: Context, key: Key, route: Route) -> Compiled:
        ports = (ctx.fetch(self.services, (key[0], name)) for name in route.backends)
        return Compiled(route.host, tuple(port or 0 for port in ports))

    def _virtual_host(self, ctx: Context, host: str, _value: str) -> tuple[tuple[int, ...], ...]:
        index: Index[tuple[str, ...], tuple[int, ...], str] = self.by_host
        return tuple(ports for _, ports in ctx.fetch_by(index, host))

    def route(self, number: int, version: int) -> Change[Key, Route]:
        """Make a version of a route with a host of its own and two Services."""
        names = tuple(f"backend-{(number + each + version) % SERVICES}" for each in (0, 1))
        return Change(
            self.routes, ("default", f"route-{number}"), Route(f"h{number}.example", names)
        )

    def load(self, size: int) -> list[Change[Key, Route] | Change[Key, int]]:
        """Make all Services and `size` routes."""
        services = (("default", f"backend-{each}") for each in range(SERVICES))
        return [
            *(Change(self.services, key, 8000 + each) for each, key in enumerate(services)),
            *(self.route(number, 0) for number in range(size)),
        ]


def _load(shape: Shape, size: int) -> tuple[float, float]:
    """Milliseconds of a sliced first load: in all, and the longest slice."""
    changes = shape.load(size)
    slices: list[float] = []
    steps = shape.graph.steps(changes)
    done = False
    while not done:
        start = time.perf_counter()
        done = next(steps, steps) is steps
        slices.append((time.perf_counter() - start) * 1000)
    return sum(slices), max(slices)


def _edit(shape: Shape, size: int) -> float:
    """Microseconds of one edit, a median."""
    medians: list[float] = []
    for part in range(ROUNDS):
        costs: list[float] = []
        for each in range(EDITS // ROUNDS):
            change = shape.route((each * 7919) % size, part + 1)
            start = time.perf_counter()
            events = shape.graph.apply([change])
            costs.append((time.perf_counter() - start) * 1e6)
            if not events:
                raise RuntimeError("an edit had no effect")
        medians.append(statistics.median(costs))
    return min(medians)


def run() -> Iterator[Figure]:
    """Yield the cost of one change by number of routes, their ratio, and the first load."""
    costs: dict[int, float] = {}
    for size in SIZES:
        shape = Shape()
        whole, longest = _load(shape, size)
        gc.collect()
        gc.freeze()  # what was loaded lives long; its traversal is no cost of a change
        costs[size] = _edit(shape, size)
        gc.unfreeze()
        yield Figure(f"graph.first_load.{size}", whole, "ms")
        yield Figure(
            f"graph.first_load.{size}.longest_slice", longest, "ms", 50 if size <= LOADED else None
        )
        yield Figure(f"graph.change.{size}", costs[size], "us", 100)
    yield Figure("graph.change.20000_to_1000", costs[SIZES[-1]] / costs[SIZES[0]], "times", 1.5)
