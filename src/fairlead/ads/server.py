"""The gRPC server around the machines: sockets, streams and the clock.

One Unix socket in a directory that only its owner may enter. Each stream is two coroutines, one
reading and one writing, around the machine of the proxy that the stream's first request names.
The writer asks the machine for one response at a time and waits until gRPC has taken it, so a
slow proxy coalesces: it is sent what is desired when it can read, not a queue of what was.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import grpc
import grpc.aio

from fairlead.ads.machine import Machine
from fairlead.ads.wire import RemoteProtocolError, Request, decode

if TYPE_CHECKING:
    from fairlead.ads.stream import Changes
    from fairlead.ads.sync_state import ProxyState
    from fairlead.ir.proxy_status import ProxyStatus

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
METHOD = "DeltaAggregatedResources"

_EOF = cast("bytes", grpc.aio.EOF)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

STOP_GRACE = 0.5
"""Seconds that streams get to end by themselves when the server stops."""


class _Call(Protocol):
    """The part of grpc.aio.ServicerContext that is used, for streams of bytes."""

    async def read(self) -> bytes: ...
    async def write(self, message: bytes) -> None: ...
    async def abort(self, code: grpc.StatusCode, details: str) -> None: ...


@dataclass(slots=True, eq=False)
class _Proxy:
    """A machine, and who waits for it."""

    machine: Machine
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when `poll` may have something to say."""
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the machine may have become synced."""
    stream: object | None = None
    """Identity of the stream that serves the proxy now."""


class _StreamEnded(Exception):  # noqa: N818 - an end is no error
    """Ends a stream with a gRPC status."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class AdsServer:
    """Serves delta ADS to the local proxies that it was told about.

    Attributes:
        socket_path: The Unix socket that proxies connect to.
    """

    def __init__(self, socket_path: Path, on_status: Callable[["ProxyStatus"], None]) -> None:
        self.socket_path = socket_path
        self._on_status = on_status
        self._proxies: dict[str, _Proxy] = {}
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Listen. The socket's directory is created for its owner alone.

        Raises:
            OSError: The directory or the socket cannot be made.
        """
        self.socket_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket_path.unlink(missing_ok=True)
        server = grpc.aio.server(
            options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        )
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(
            self._serve
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),)
        )
        try:
            server.add_insecure_port(f"unix:{self.socket_path}")
        except RuntimeError as error:
            raise OSError(f"cannot listen on {self.socket_path}: {error}") from error
        await server.start()
        self.socket_path.chmod(0o600)
        self._server = server

    async def stop(self) -> None:
        """End all streams and remove the socket. Proxies go on with what they have."""
        if self._server is not None:
            for proxy in self._proxies.values():
                self._end(proxy)
                self._tell(proxy)
            await self._server.stop(STOP_GRACE)
            self._server = None
        self.socket_path.unlink(missing_ok=True)

    def update(self, proxy: str, changes: "Changes") -> None:
        """Take what changed for a proxy: (type url, name) to its resource, or None if gone.

        Makes the proxy known: an empty change is enough for it to be served, with nothing.
        """
        known = self._proxies.get(proxy)
        if known is None:
            known = self._proxies[proxy] = _Proxy(Machine(proxy))
        known.machine.update(changes, _now())
        known.wake.set()
        self._tell(known)

    def forget(self, proxy: str) -> None:
        """The proxy shall no longer run: end its stream and drop all that was for it."""
        known = self._proxies.pop(proxy, None)
        if known is not None:
            self._end(known)

    def sync_state(self) -> tuple["ProxyState", ...]:
        """How far each proxy is, sorted by name."""
        now = _now()
        return tuple(self._proxies[name].machine.state(now) for name in sorted(self._proxies))

    async def wait_synced(self, proxy: str) -> None:
        """Wait until the proxy, known by `update`, holds all that it has asked for."""
        known = self._proxies[proxy]
        while not known.machine.synced:
            known.moved.clear()
            await known.moved.wait()

    def _tell(self, proxy: _Proxy) -> None:
        status = proxy.machine.new_status()
        if status is not None:
            self._on_status(status)

    def _end(self, proxy: _Proxy) -> None:
        """End the proxy's stream, if it has one: its coroutines see that it's no longer theirs."""
        proxy.stream = None
        proxy.machine.disconnect()
        proxy.wake.set()

    # Streams

    async def _serve(self, _requests: object, context: object) -> None:
        """Handler of one stream; grpc.aio runs it in a task of its own."""
        call = cast("_Call", context)
        try:
            proxy, first = await self._open(call)
        except _StreamEnded as ended:
            await call.abort(ended.code, ended.details)
            return
        identity = proxy.stream = object()
        proxy.machine.connect()
        proxy.machine.receive(first, _now())
        proxy.wake.set()
        self._tell(proxy)
        try:
            ended = await self._converse(call, proxy, identity)
        finally:
            if proxy.stream is identity:
                self._end(proxy)
                self._tell(proxy)
        if ended is not None:
            await call.abort(ended.code, ended.details)

    async def _converse(self, call: _Call, proxy: _Proxy, identity: object) -> _StreamEnded | None:
        """Read and write until the stream ends; returns the status to end it with, if any."""
        found: list[_StreamEnded] = []
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(call, proxy, identity))
                await self._write(call, proxy, identity)
        except* _StreamEnded as ended:
            found.extend(error for error in ended.exceptions if isinstance(error, _StreamEnded))
        return next((error for error in found if error.code is not grpc.StatusCode.OK), None)

    async def _open(self, call: _Call) -> tuple[_Proxy, Request]:
        first = await _receive(call)
        if first is None:
            raise _StreamEnded(grpc.StatusCode.INVALID_ARGUMENT, "the stream has no request")
        known = self._proxies.get(first.node)
        if known is None:
            raise _StreamEnded(
                grpc.StatusCode.NOT_FOUND, f"node id {first.node!r} is no proxy of this instance"
            )
        self._end(known)
        return known, first

    async def _read(self, call: _Call, proxy: _Proxy, identity: object) -> None:
        """Feed requests to the machine until the client ends its side."""
        while (request := await _receive(call)) is not None and proxy.stream is identity:
            proxy.machine.receive(request, _now())
            proxy.wake.set()
            proxy.moved.set()
            self._tell(proxy)
        raise _StreamEnded(grpc.StatusCode.OK, "")

    async def _write(self, call: _Call, proxy: _Proxy, identity: object) -> None:
        """Write responses as the machine has them, until another stream takes over."""
        while proxy.stream is identity:
            proxy.wake.clear()
            response = proxy.machine.poll(_now())
            self._tell(proxy)
            if response is not None:
                await call.write(response)
                continue
            proxy.moved.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(proxy.machine.next_deadline()):
                    await proxy.wake.wait()
        raise _StreamEnded(
            grpc.StatusCode.ABORTED, "another stream of this node, or the end of the server"
        )


async def _receive(call: _Call) -> Request | None:
    """The next request; None at the end of the client's side."""
    data = await call.read()
    if data is _EOF:
        return None
    try:
        return decode(data)
    except RemoteProtocolError as error:
        raise _StreamEnded(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from error


def _now() -> float:
    return asyncio.get_running_loop().time()
