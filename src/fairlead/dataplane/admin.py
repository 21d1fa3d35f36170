"""Envoy's admin interface, over the Unix socket that the bootstrap gives it."""

import asyncio
import contextlib
from pathlib import Path

_BLANK = b"\r\n\r\n"
_SECONDS = 2.0
"""For all of an exchange."""


class AdminError(Exception):
    """The admin interface gave no answer."""


async def request(
    socket: Path, target: str, *, method: str = "GET", seconds: float = _SECONDS
) -> tuple[int, bytes]:
    """Send one request; returns the status code and the body.

    Args:
        socket: path of the Unix socket.
        target: path and query, such as ``/stats?filter=http``.
        method: POST for what changes something.
        seconds: that all of it may take.

    Raises:
        AdminError: nobody listens, or no whole answer came in time.
    """
    try:
        async with asyncio.timeout(seconds):
            answer = await _exchange(socket, f"{method} {target} HTTP/1.1")
    except (OSError, TimeoutError) as error:
        raise AdminError(f"{method} {target}: {error or 'timeout'}") from error
    head, separator, body = answer.partition(_BLANK)
    words = head.split(b" ", 2)
    if not separator or len(words) < 2:  # noqa: PLR2004 - version and status
        raise AdminError(f"{method} {target}: the connection was closed")
    if b"transfer-encoding: chunked" in head.lower():
        body = _joined(body)
    return int(words[1]), body


async def ready(socket: Path) -> bool:
    """Whether Envoy is live: it has its first configuration and isn't draining (``/ready``)."""
    with contextlib.suppress(AdminError):
        status, _ = await request(socket, "/ready")
        return status == 200  # noqa: PLR2004 - OK
    return False


async def _exchange(socket: Path, line: str) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        writer.write(f"{line}\r\nhost: admin\r\nconnection: close\r\n\r\n".encode())
        return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _joined(chunked: bytes) -> bytes:
    parts: list[bytes] = []
    while chunked:
        size, _, rest = chunked.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        parts.append(rest[:length])
        chunked = rest[length + 2 :] if length else b""
    return b"".join(parts)
