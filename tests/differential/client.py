"""HTTP/1.1 as it is written: requests that no library would let pass, and their answers."""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass

from differential.surroundings import CLIENTS, OFFSET, OUTBOUND, Loopback
from fairlead.analysis.explain import Request

SECONDS = 10


@dataclass(frozen=True)
class Reply:
    """An answer; status 0 if the connection was refused or closed without one."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


Place = tuple[str, int, str | None]
"""Address, port and the name that TLS is asked for (None: no TLS)."""


class Client:
    """Connections that are kept until `close`, one for each place."""

    def __init__(self, loopback: Loopback) -> None:
        self._loopback = loopback
        self._open: dict[Place, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    def place(self, request: Request) -> Place:
        if request.source is not None:
            namespace, _, name = request.source.partition("/")
            return self._loopback.pod(CLIENTS.index((namespace, name))), OUTBOUND, None
        port = request.port + (OFFSET if request.port < 1024 else 0)
        name = request.server_name if request.scheme == "https" else None
        return self._loopback.gateway, port, name

    async def ask(self, request: Request) -> Reply:
        """Send a request; a connection that has ended before it is opened again."""
        place = self.place(request)
        content = written(request)
        for again in (place in self._open, False):
            with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError):
                async with asyncio.timeout(SECONDS):
                    return await self._exchange(place, content, head=request.method == "HEAD")
            self._drop(place)
            if not again:
                break
        return Reply(0)

    async def _exchange(self, place: Place, content: bytes, *, head: bool) -> Reply:
        if place not in self._open:
            self._open[place] = await self._connect(place)
        reader, writer = self._open[place]
        writer.write(content)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace").split("\r\n")
        pairs = tuple(
            (name.lower(), value.strip())
            for name, colon, value in (line.partition(":") for line in lines)
            if colon
        )
        reply = Reply(int(first.split(" ", 2)[1]), pairs)
        if not head:
            await _skip_body(reader, reply)
        if "close" in (reply.header("connection") or ""):
            self._drop(place)
        return reply

    async def _connect(self, place: Place):
        address, port, name = place
        if name is None:
            return await asyncio.open_connection(address, port)
        return await asyncio.open_connection(
            address, port, ssl=self._tls, server_hostname=name or ""
        )

    def _drop(self, place: Place) -> None:
        found = self._open.pop(place, None)
        if found is not None:
            found[1].transport.abort()

    def close(self) -> None:
        for place in list(self._open):
            self._drop(place)


async def _skip_body(reader: asyncio.StreamReader, reply: Reply) -> None:
    if reply.header("transfer-encoding") == "chunked":
        while True:
            size = int(await reader.readuntil(b"\r\n"), 16)
            await reader.readexactly(size + 2)
            if not size:
                return
    await reader.readexactly(int(reply.header("content-length") or 0))


def written(request: Request) -> bytes:
    """A request in bytes; to a proxy with the whole URL."""
    target = f"http://{request.host}{request.path}" if request.source else request.path
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {request.host}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.method in {"POST", "PUT", "PATCH"}:
        lines.append("Content-Length: 0")
    return "\r\n".join((*lines, "", "")).encode()
