"""Requests to a Gateway's address while something happens to the cluster."""

import asyncio
import contextlib
import http.client
import threading
from collections.abc import Iterator

from cluster.api import wait_for
from fairlead.cli.load import Tally, steady


def get(address: str, host: str, path: str = "/", port: int = 80) -> tuple[int, str]:
    """Status and body of one request on a connection of its own; (0, why) if it failed."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", path, headers={"host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return 0, repr(error)
    finally:
        connection.close()


@contextlib.contextmanager
def traffic(
    address: str, host: str, *, rate: float = 200, connections: int = 8, port: int = 80
) -> Iterator[Tally]:
    """Keep-alive requests, `rate` a second, as long as the context lasts; they are counted.

    A connection that the server has announced to close is opened anew; nothing is tried twice.
    """
    tally = Tally()
    ready = threading.Event()
    ending: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def load() -> None:
        stop = asyncio.Event()
        ending.append((asyncio.get_running_loop(), stop))
        ready.set()
        where = (address, port)
        await steady(tally, where, host, rate=rate, connections=connections, stop=stop)

    thread = threading.Thread(target=lambda: asyncio.run(load()))
    thread.start()
    ready.wait()
    try:
        yield tally
    finally:
        loop, stop = ending[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@contextlib.contextmanager
def unbroken(address: str, host: str, *, rate: float = 200) -> Iterator[None]:
    """Traffic of which no request may fail: in the context, and for three seconds at least."""
    with traffic(address, host, rate=rate) as tally:
        yield
        wait_for(lambda: tally.total >= 3 * rate, "enough requests to tell")
    assert tally.failed == 0, (tally.statuses, tally.bodies)
