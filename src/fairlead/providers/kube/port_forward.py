"""A connection to a port of a pod's loopback address, through the API server.

The protocol is the API server's port-forward over a WebSocket, subprotocol ``v4.channel.k8s.io``:
binary messages whose first byte is a channel. For one port there are two, 0 for the data of both
directions and 1 for errors in words. The server's first message on each repeats the port, as two
bytes. There is no half-close: either end closes the whole.
"""

import asyncio
import contextlib
from types import TracebackType
from typing import Final, Self

import aiohttp

from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.paths import path_of

SUBPROTOCOL: Final = "v4.channel.k8s.io"
_DATA, _ERRORS = 0, 1
_PORT_BYTES: Final = 2
_CHUNK: Final = 64 * 1024
"""Bytes of a message at most."""


class PortForwardError(Exception):
    """The pod's side refused the connection, in its words."""


class Channels:
    """What messages of one forwarded port mean; no I/O.

    Raises PortForwardError in `received` for an error of the pod's side, and for a message that is
    none of this protocol.
    """

    def __init__(self, port: int) -> None:
        self._awaited = {_DATA: port.to_bytes(2, "little"), _ERRORS: port.to_bytes(2, "little")}

    @property
    def opened(self) -> bool:
        """Whether the server has announced both channels."""
        return not self._awaited

    def received(self, message: bytes) -> bytes:
        """The pod's bytes in a message, empty for none."""
        channel, content = message[:1], message[1:]
        number = channel[0] if channel else -1
        if number not in (_DATA, _ERRORS):
            raise PortForwardError(f"the API server sent something for channel {number}")
        port = self._awaited.pop(number, None)
        if port is not None:
            if content[:_PORT_BYTES] != port:
                raise PortForwardError("the API server opened another port than was asked for")
            content = content[_PORT_BYTES:]
        if number == _ERRORS and content:
            raise PortForwardError(content.decode(errors="replace").strip())
        return content if number == _DATA else b""

    @staticmethod
    def sent(content: bytes) -> bytes:
        """The message that carries bytes to the pod."""
        return bytes((_DATA,)) + content


class PortForward:
    """One connection to a port of a pod; an async context manager.

    Entering raises ApiError if the API server refuses (403: no `create` and `get` of
    ``pods/portforward``), UnreachableError if there is no answer.
    """

    def __init__(self, client: KubeClient, namespace: str, pod: str, port: int) -> None:
        self._port = port
        self._opening = client.websocket(
            path_of("v1", "pods", namespace, pod, "portforward"),
            {"ports": str(port)},
            (SUBPROTOCOL,),
        )

    async def __aenter__(self) -> Self:
        self._socket = await self._opening.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._opening.__aexit__(kind, error, trace)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a local stream and the pod's port until either end closes.

        The caller closes `writer` then.

        Raises:
            PortForwardError: nothing listens on the port, or the pod is gone.
        """
        refused: PortForwardError | None = None
        async with asyncio.TaskGroup() as tasks:
            outward = tasks.create_task(self._outward(reader))
            try:
                await self._inward(writer)
            except PortForwardError as error:
                refused = error
            finally:
                outward.cancel()
        if refused is not None:
            raise refused

    async def _outward(self, reader: asyncio.StreamReader) -> None:
        """Send what comes in locally; either end may be gone before the other knows."""
        with contextlib.suppress(OSError, aiohttp.ClientError):
            while content := await reader.read(_CHUNK):
                await self._socket.send_bytes(Channels.sent(content))
        await self._socket.close()

    async def _inward(self, writer: asyncio.StreamWriter) -> None:
        channels = Channels(self._port)
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.BINARY:
                continue
            if content := channels.received(message.data):
                writer.write(content)
                try:
                    await writer.drain()
                except OSError:
                    return  # the local end has gone
