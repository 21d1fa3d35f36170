"""One route created at a time, up to 3,000: from the API server's answer to the first 200.

Each route has a host of its own and two rules with filters, the second to a Service that is not
there. After its creation the host is asked every 5 ms on a keep-alive connection: 404, then 200,
and nothing else, also in ten more requests.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator

from bench.cluster import world
from bench.figure import Figure
from bench.load import percentile
from cluster import objects
from cluster.scene import Scene
from fairlead.cli.load import Connection

ROUTES = 3000
POLL = 0.005
"""Seconds between two requests."""


def route(namespace: str, number: int) -> world.Object:
    """The route with this number."""
    added = {"add": [{"name": "x-added", "value": "yes"}]}
    filters = [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": added},
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": added},
    ]
    body = objects.route(namespace, f"route-{number}", _host(number), "backend", filters=filters)
    rules = body["spec"]["rules"]
    rules[0]["matches"] = [{"path": {"type": "PathPrefix", "value": f"/{number}"}}]
    rules.append({"backendRefs": [{"name": "absent", "port": 80}], "filters": filters})
    return body


def _host(number: int) -> str:
    return f"route-{number}.example.com"


async def _measure(scene: Scene, address: str, count: int) -> tuple[list[float], list[float], int]:
    """Milliseconds from the answer and from the request to the first 200; wrong answers."""
    from_answer: list[float] = []
    from_request: list[float] = []
    wrong = 0
    connection = Connection(address, 80)
    async with world.api(scene.cluster) as api:
        for number in range(count):
            body = route(scene.namespace, number)
            asked = time.monotonic()
            await api.create(body)
            created = time.monotonic()
            wrong += await world.until_served(connection, _host(number), f"/{number}", POLL)
            served = time.monotonic()
            from_answer.append((served - created) * 1000)
            from_request.append((served - asked) * 1000)
            for _ in range(10):
                status, _ = await connection.get(_host(number), f"/{number}")
                wrong += status != 200
    connection.close()
    return from_answer, from_request, wrong


def run(count: int = ROUTES) -> Iterator[Figure]:
    """Yield mean and maximum in ms, and wrong answers."""
    with world.gateway() as scene:
        answer, request, wrong = asyncio.run(_measure(scene, scene.address(), count))
    yield Figure("cluster.propagation.mean", statistics.mean(answer), "ms", 30)
    yield Figure("cluster.propagation.max", max(answer), "ms", 150)
    yield Figure("cluster.propagation.wrong_answers", wrong, f"of {count} routes", 0)
    yield Figure("cluster.propagation.p99", percentile(answer, 0.99), "ms")
    last = answer[-max(1, count // 6) :]
    yield Figure("cluster.propagation.last_sixth.mean", statistics.mean(last), "ms")
    yield Figure("cluster.propagation.from_request.mean", statistics.mean(request), "ms")
    yield Figure("cluster.propagation.from_request.max", max(request), "ms")
