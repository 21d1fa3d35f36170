"""A keep-alive HTTP/1.1 client that counts statuses, bodies and latencies (demo and benchmarks).

Raw asyncio, so that it costs little beside the proxies that it measures. It never retries: what
a connection says is what is counted.
"""

import asyncio
import collections
import dataclasses
import time


class ConnectionLostError(Exception):
    """The peer closed the connection in the middle of an exchange."""


class Connection:
    """One connection, reopened when the peer has announced that it closes."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, authority: str, path: str = "/") -> tuple[int, bytes]:
        """Send one GET and return status and body; raises ConnectionLostError or OSError."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(*self._address)
        self._writer.write(f"GET {path} HTTP/1.1\r\nhost: {authority}\r\n\r\n".encode())
        try:
            status, body, keep = await self._answer(self._reader)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self.close()
            raise ConnectionLostError(str(error)) from error
        if not keep:
            self.close()
        return status, body

    @staticmethod
    async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head[9:12])
        keep = b"connection: close" not in head
        if b"transfer-encoding: chunked" in head:
            body = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
            return status, body, keep
        _, _, rest = head.partition(b"content-length:")
        length = int(rest.split(b"\r\n", 1)[0]) if rest else 0
        return status, await reader.readexactly(length), keep

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


@dataclasses.dataclass(slots=True)
class Tally:
    """What a load has seen."""

    statuses: collections.Counter[int | str] = dataclasses.field(
        default_factory=collections.Counter[int | str]
    )
    bodies: collections.Counter[bytes] = dataclasses.field(
        default_factory=collections.Counter[bytes]
    )
    latencies: list[float] = dataclasses.field(default_factory=list[float])
    """Seconds, one for each request that was answered."""

    @property
    def total(self) -> int:
        """Number of requests sent."""
        return sum(self.statuses.values())

    @property
    def failed(self) -> int:
        """Number of requests without a 2xx answer."""
        return self.total - sum(n for s, n in self.statuses.items() if str(s).startswith("2"))

    async def once(self, connection: Connection, authority: str, path: str) -> None:
        """Send one request and count what comes back."""
        start = time.perf_counter()
        try:
            status, body = await connection.get(authority, path)
        except (ConnectionLostError, OSError) as error:
            self.statuses[type(error).__name__] += 1
            return
        self.latencies.append(time.perf_counter() - start)
        self.statuses[status] += 1
        self.bodies[body] += 1


async def steady(
    tally: Tally,
    address: tuple[str, int],
    authority: str,
    *,
    rate: float,
    stop: asyncio.Event | None = None,
    limit: int | None = None,
    connections: int = 8,
    path: str = "/",
) -> None:
    """Send `rate` requests a second over `connections` connections.

    Ends when `stop` is set, or after `limit` requests; `path` may be an absolute URL, which is
    what an HTTP proxy expects.
    """
    start = time.perf_counter()
    sent = 0

    def more() -> bool:
        return (limit is None or sent < limit) and (stop is None or not stop.is_set())

    async def lane() -> None:
        nonlocal sent
        connection = Connection(*address)
        while more():
            due = start + sent / rate
            sent += 1
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            await tally.once(connection, authority, path)
        connection.close()

    await asyncio.gather(*(lane() for _ in range(connections)))
