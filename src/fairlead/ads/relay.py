"""Between the Envoy of a pod and the control plane: bytes from a Unix socket to TLS and back.

Envoy's stream is held open while no replica answers, so Envoy goes on undisturbed. An Envoy that
has no configuration yet is served a snapshot meanwhile; once a replica answers, that stream ends,
and Envoy's next one leads to the replica, telling it what Envoy holds.
"""

import asyncio
import contextlib
import importlib
import logging
import random
from collections.abc import Awaitable, Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import grpc
import grpc.aio

from fairlead.ads.access import split_node
from fairlead.ads.listening import EOF, Call, listen_unix, now
from fairlead.ads.snapshot import SnapshotError, decode
from fairlead.ads.upstream import Target, Upstream, UpstreamError

if TYPE_CHECKING:
    from fairlead.xds.resource import Resource

_LOG = logging.getLogger(__name__)
FIRST_PAUSE: Final = 0.1
LAST_PAUSE: Final = 5.0
"""Seconds between two tries to reach a replica; doubled from the first to the last."""
PATIENCE: Final = 1.0
"""Seconds that an Envoy without configuration waits for a replica before it gets the snapshot; less
if a try has failed by then."""
_STOP_GRACE: Final = 0.5
_QUEUED: Final = 256
"""Requests of Envoy that wait at most; it sends few without an answer."""


class Source(Enum):
    """Where Envoy's configuration comes from now."""

    NOWHERE = "nowhere"
    REPLICA = "replica"
    SNAPSHOT = "snapshot"


class _OverError(Exception):
    """Envoy's stream ends; says why."""


class _Downstream:
    """Envoy's stream: its requests wait here until somebody takes them."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._requests: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUED)
        self.write = call.write

    async def pump(self) -> None:
        """Take Envoy's requests in, to the end of its stream."""
        while (request := await self._call.read()) is not EOF:
            await self._requests.put(request)
        raise _OverError("Envoy has ended its stream")

    async def read(self) -> bytes:
        """The next request."""
        request = await self._requests.get()
        return EOF if request is None else request

    async def abort(self, code: grpc.StatusCode, details: str) -> None:
        """Whoever served it wants it to end."""
        raise _OverError(f"{code.name}: {details}")

    async def send_initial_metadata(self, initial_metadata: tuple[()]) -> None:
        """Envoy does not ask for that."""

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """Nothing that counts here."""
        return ()


class Relay:
    """Serves the pod's Envoy.

    Args:
        socket: the Unix socket that Envoy connects to.
        target: where replicas are.
        snapshot: file of a snapshot, which need not be there.
        configured: asks whether Envoy has its first configuration.
        jitter: a number between 0 and 1, another one each time.
    """

    def __init__(
        self,
        socket: Path,
        target: Target,
        snapshot: Path,
        configured: Callable[[], Awaitable[bool]],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.source = Source.NOWHERE
        self._socket = socket
        self._target = target
        self._snapshot = snapshot
        self._configured = configured
        self._jitter = jitter
        self._server: grpc.aio.Server | None = None
        self._newest: _Downstream | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._connecting: asyncio.Task[Upstream] | None = None
        """Until a stream of Envoy has taken its result."""
        self._since = 0.0
        """When it began."""
        self._failures = 0
        """Tries in a row that led to nothing."""
        self._failed = asyncio.Event()
        self._said = ""

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        """Listen, and reach for a replica before Envoy asks.

        Args:
            tasks: in which replicas are sought.

        Raises:
            OSError: the socket cannot be made.
        """
        self._tasks = tasks
        self._connection(tasks)
        self._server = await listen_unix(self._socket, self._serve)

    async def stop(self) -> None:
        """End all streams; Envoy goes on with what it has."""
        if self._server is not None:
            await self._server.stop(_STOP_GRACE)
            self._server = None
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
            await asyncio.wait({connecting})
            if not connecting.cancelled():
                await connecting.result().close()

    # Envoy's streams

    async def _serve(self, _requests: object, call: Call) -> None:
        """One stream of Envoy, to its end."""
        downstream = self._newest = _Downstream(call)
        why = "over"
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(downstream.pump())
                await self._lead(downstream, tasks)
        except* _OverError as over:
            why = str(over.exceptions[0])
        except* UpstreamError as broken:
            why = str(broken.exceptions[0])
            self._say(logging.WARNING, f"lost the control plane: {why}")
        finally:
            if self._newest is downstream:
                self.source = Source.NOWHERE
        await call.abort(grpc.StatusCode.UNAVAILABLE, why)

    async def _lead(self, downstream: _Downstream, tasks: asyncio.TaskGroup) -> None:
        """Lead a stream to a replica, or to the snapshot until there is one."""
        connecting = self._connection(self._tasks or tasks)
        if connecting.done() and connecting.result().over:
            await connecting.result().close()
            self._connecting = None
            connecting = self._connection(self._tasks or tasks)
        if not connecting.done() and not await self._configured():
            await self._stand_in(downstream, connecting, tasks)
        upstream = await asyncio.shield(connecting)
        self._connecting = None
        try:
            await self._carry(downstream, upstream, tasks)
        finally:
            await upstream.close()

    async def _carry(
        self, downstream: _Downstream, upstream: Upstream, tasks: asyncio.TaskGroup
    ) -> None:
        """Carry messages both ways until one side ends."""
        tasks.create_task(_forward(downstream, upstream))
        self.source = Source.REPLICA
        self._say(logging.INFO, f"served by the control plane at {self._target.address}")
        while (response := await upstream.read()) is not None:
            self._failures = 0
            await downstream.write(response)
        raise _OverError("the control plane has ended the stream")

    # Replicas

    def _connection(self, tasks: asyncio.TaskGroup) -> "asyncio.Task[Upstream]":
        """The task that seeks a replica, started if there is none."""
        if self._connecting is None:
            self._failed.clear()
            self._since = now()
            self._connecting = tasks.create_task(self._connect(), name="seek a replica")
        return self._connecting

    async def _connect(self) -> Upstream:
        """A stream to a replica, as soon as there is one."""
        while True:
            if self._failures:
                pause = min(LAST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures - 1, 16))
                await asyncio.sleep(pause * (0.5 + self._jitter() / 2))
            self._failures += 1  # until a response has come
            try:
                return await Upstream.open(self._target)
            except UpstreamError as error:
                self._failed.set()
                self._say(logging.WARNING, f"no control plane at {self._target.address}: {error}")

    def _say(self, level: int, line: str) -> None:
        """Log what has not just been said."""
        if line != self._said:
            self._said = line
            _LOG.log(level, "%s", line)

    # The snapshot

    async def _stand_in(
        self,
        downstream: _Downstream,
        connecting: "asyncio.Task[Upstream]",
        tasks: asyncio.TaskGroup,
    ) -> None:
        """Serve the snapshot, if there is one and no replica comes in time.

        Raises:
            _OverError: It was served, and now a replica is there, for Envoy's next stream.
        """
        failing = tasks.create_task(self._failed.wait())
        patience = max(0.0, self._since + PATIENCE - now())
        await asyncio.wait(
            {connecting, failing}, timeout=patience, return_when=asyncio.FIRST_COMPLETED
        )
        failing.cancel()
        if connecting.done():
            return
        resources = await asyncio.to_thread(self._stored)
        if resources and not connecting.done():
            await self._serve_snapshot(downstream, resources, connecting, tasks)

    async def _serve_snapshot(
        self,
        downstream: _Downstream,
        resources: "tuple[Resource, ...]",
        connecting: "asyncio.Task[Upstream]",
        tasks: asyncio.TaskGroup,
    ) -> None:
        """Serve from memory until a replica is there; then Envoy's stream has to end.

        Raises:
            _OverError: A replica is there.
        """
        from fairlead.ads.server import AdsServer  # noqa: PLC0415 - not needed by most pods

        proxy = split_node(self._target.node)[0]
        local = AdsServer(None, lambda _: None)
        local.update(proxy, {(each.type_url, each.name): each for each in resources})
        self.source = Source.SNAPSHOT
        begun = now()
        _LOG.warning("no control plane answers: serving %d resources kept of it", len(resources))
        serving = tasks.create_task(local.stream(downstream))
        await asyncio.wait({connecting, serving}, return_when=asyncio.FIRST_COMPLETED)
        _LOG.info("the control plane is back after %.1f s", now() - begun)
        local.forget(proxy)
        raise _OverError("the control plane is back")

    def _stored(self) -> "tuple[Resource, ...]":
        """The resources of the snapshot; none if there is no usable one.

        Also loads what serves them, which takes a while, off the event loop.
        """
        if self._snapshot.exists():
            importlib.import_module("fairlead.ads.server")
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            try:
                return decode(self._snapshot.read_bytes())
            except SnapshotError as error:
                _LOG.warning("the snapshot is of no use: it %s", error)
            except PermissionError as error:
                _LOG.warning("the snapshot is of no use: %s", error.strerror)
        return ()


async def _forward(downstream: _Downstream, upstream: Upstream) -> None:
    while (request := await downstream.read()) is not EOF:
        await upstream.write(request)
