"""What a proxy's pod answers by HTTP: the kubelet's probes, and metrics.

``/ready``: Envoy serves what it was given and isn't leaving. ``/healthz``: Envoy answers, or has
not been silent for long. ``/metrics``: Envoy's statistics, and where its configuration comes from.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

Answer: TypeAlias = tuple[HTTPStatus, bytes]
Page: TypeAlias = Callable[[], Awaitable[Answer]]
_SECONDS: Final = 10.0
"""For a whole request; nobody else is connected for longer."""
_LONGEST_LINE: Final = 8192
_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str


class HealthServer:
    """Answers GET and HEAD for a few pages, one request for each connection.

    Args:
        pages: path to what is answered.
    """

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self._pages = pages
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port.

        Args:
            host: address; empty for all.
            port: 0 for a free one.

        Raises:
            OSError: nobody can listen there.
        """
        self._server = await asyncio.start_server(
            self._answer, host or None, port, limit=_LONGEST_LINE
        )
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_SECONDS):
                request = await _read(reader)
                status, body = await self._page(request)
                writer.write(_message(status, body, with_body=request.method != "HEAD"))
                await writer.drain()
        writer.close()

    async def _page(self, request: _Request) -> Answer:
        page = self._pages.get(request.path)
        if page is None:
            return HTTPStatus.NOT_FOUND, f"pages: {' '.join(sorted(self._pages))}\n".encode()
        if request.method not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, b"GET only\n"
        return await page()


async def _read(reader: asyncio.StreamReader) -> _Request:
    """A request's first line; the rest of its head is read and dropped.

    Raises:
        ValueError: it is no request.
    """
    line = (await reader.readline()).decode("latin-1").split()
    if len(line) != 3:  # noqa: PLR2004 - method, target, version
        raise ValueError("no request line")
    while (await reader.readline()).strip():
        pass
    return _Request(line[0], line[1].partition("?")[0])


def _message(status: HTTPStatus, body: bytes, *, with_body: bool) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"content-type: {_PROMETHEUS}\r\n"
        f"content-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + (body if with_body else b"")
