"""The server around the machines: streams, proxies and the clock.

Local proxies come by a Unix socket that is their owner's alone, others by TLS with a token. Each
stream is two coroutines, one reading and one writing, around the machine of the Envoy that the
stream's first request names. The writer asks the machine for one response at a time and waits until
gRPC has taken it, so a slow proxy coalesces: it is sent what is desired when it can read, not a
queue of what was.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from fairlead.ads.access import Access, RefusedError, split_node
from fairlead.ads.listening import EOF, Call, KeyPair, listen_tls, listen_unix, metadata_of, now
from fairlead.ads.served import Instance, ServedProxy
from fairlead.ads.wire import RemoteProtocolError, Request, decode

if TYPE_CHECKING:
    from fairlead.ads.stream import Changes
    from fairlead.ads.sync_state import ProxyState
    from fairlead.ir.proxy_status import ProxyStatus, Rejection
    from fairlead.xds.resource import Resource

STOP_GRACE = 0.5
"""Seconds that streams get to end by themselves when the server stops."""


class _StreamEnded(Exception):  # noqa: N818 - an end is no error
    """Ends a stream with a gRPC status."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class AdsServer:
    """Serves delta ADS to the proxies that it was told about.

    Args:
        socket_path: The Unix socket that local proxies connect to; None for no such socket.
        on_status: Told what has become of a proxy, all its Envoys taken together.
        serving: False where `serve` is called once the first configuration is made; until then
            every stream is refused, to be tried again.
    """

    def __init__(
        self,
        socket_path: Path | None,
        on_status: Callable[["ProxyStatus"], None],
        *,
        serving: bool = True,
    ) -> None:
        self.socket_path = socket_path
        self._on_status = on_status
        self._serving = serving
        self._proxies: dict[str, ServedProxy] = {}
        self._servers: list[grpc.aio.Server] = []
        self._access: Access | None = None

    async def start(self) -> None:
        """Listen on the Unix socket. Its directory is created for its owner alone.

        Raises:
            OSError: The directory or the socket cannot be made.
        """
        if self.socket_path is not None:
            self._servers.append(await listen_unix(self.socket_path, self._serve_local))

    async def start_tls(self, address: str, key_pair: Callable[[], KeyPair], access: Access) -> int:
        """Listen on a TCP address as well, for whom `access` admits; returns the port.

        Args:
            address: ``HOST:PORT``.
            key_pair: asked at each handshake, from any thread.
            access: who may be served.

        Raises:
            OSError: Nobody can listen there.
        """
        self._access = access
        server, port = await listen_tls(address, key_pair, self._serve_remote)
        self._servers.append(server)
        return port

    def serve(self) -> None:
        """The first configuration is made: streams are served from now on."""
        self._serving = True

    async def stop(self) -> None:
        """End all streams and remove the socket. Proxies go on with what they have."""
        for proxy in self._proxies.values():
            self._end_all(proxy)
            self._tell(proxy)
        servers, self._servers = self._servers, []
        await asyncio.gather(*(server.stop(STOP_GRACE) for server in servers))
        if self.socket_path is not None:
            self.socket_path.unlink(missing_ok=True)

    def update(self, proxy: str, changes: "Changes") -> None:
        """Take what changed for a proxy: (type url, name) to its resource, or None if gone.

        Makes the proxy known: an empty change is enough for it to be served, with nothing.
        """
        known = self._proxies.get(proxy)
        if known is None:
            known = self._proxies[proxy] = ServedProxy(proxy)
        known.update(changes, now())
        self._tell(known)

    def forget(self, proxy: str) -> None:
        """The proxy shall no longer run: end its streams and drop all that was for it."""
        known = self._proxies.pop(proxy, None)
        if known is not None:
            self._end_all(known)

    def sync_state(self) -> tuple["ProxyState", ...]:
        """How far each connected Envoy is, sorted by proxy and instance.

        Of a proxy without any, one entry that says so.
        """
        time = now()
        return tuple(
            state for name in sorted(self._proxies) for state in self._proxies[name].states(time)
        )

    def holds(
        self, proxy: str, elsewhere: "Iterable[Rejection] | None" = None
    ) -> "tuple[Resource, ...] | None":
        """What a proxy holds, to be kept for one that starts alone (`ads.snapshot`).

        Args:
            proxy: its name.
            elsewhere: what its Envoys have refused that other replicas serve; None if there are
                none.

        Returns:
            None while no Envoy of it is known to hold what is desired.
        """
        known = self._proxies.get(proxy)
        return None if known is None else known.holds(elsewhere)

    async def wait_synced(self, proxy: str) -> None:
        """Wait until the Envoys of a proxy, known by `update`, hold all that they asked for."""
        known = self._proxies[proxy]
        while not known.synced:
            known.moved.clear()
            await known.moved.wait()

    def _tell(self, proxy: ServedProxy) -> None:
        status = proxy.new_status()
        if status is not None:
            self._on_status(status)

    def _end_all(self, proxy: ServedProxy) -> None:
        for instance in proxy.instances.values():
            proxy.end(instance, now())

    # Streams

    async def _serve_local(self, _requests: object, call: Call) -> None:
        """A stream on the Unix socket: of whom the file system lets in."""
        await self.stream(call)

    async def _serve_remote(self, _requests: object, call: Call) -> None:
        """A stream by TLS: served once it's known whose it is, and only as that."""
        try:
            node = await self._admit(call)
        except _StreamEnded as ended:
            await call.abort(ended.code, ended.details)
            return
        await self.stream(call, node)

    async def _admit(self, call: Call) -> str:
        """The node id that the client may be served as; tells it that it is welcome."""
        self._check_serving()
        if self._access is None:
            raise _StreamEnded(grpc.StatusCode.UNAVAILABLE, "not serving yet")
        try:
            node = await self._access.admitted(metadata_of(call))
        except RefusedError as refused:
            code = grpc.StatusCode[refused.refusal.value]
            raise _StreamEnded(code, str(refused)) from refused
        if split_node(node)[0] not in self._proxies:
            raise _StreamEnded(grpc.StatusCode.UNAVAILABLE, "nothing is known of this proxy yet")
        await call.send_initial_metadata(())
        return node

    async def stream(self, call: Call, admitted: str | None = None) -> None:
        """Serve one stream to its end.

        Args:
            call: the stream.
            admitted: the only node id that it may name; None: any.
        """
        try:
            first = await self._first(call, admitted)
            proxy = self._known(first.node)
        except _StreamEnded as ended:
            await call.abort(ended.code, ended.details)
            return
        instance = proxy.begin(split_node(first.node)[1], now())
        identity = instance.stream
        instance.machine.receive(first, now())
        instance.wake.set()
        self._looked(proxy, instance)
        try:
            ended = await self._converse(call, proxy, instance)
        finally:
            if instance.stream is identity:
                proxy.end(instance, now())
                self._tell(proxy)
        if ended is not None:
            await call.abort(ended.code, ended.details)

    async def _first(self, call: Call, admitted: str | None) -> Request:
        self._check_serving()
        first = await _receive(call)
        if first is None:
            raise _StreamEnded(grpc.StatusCode.INVALID_ARGUMENT, "the stream has no request")
        if admitted is not None and first.node != admitted:
            raise _StreamEnded(grpc.StatusCode.PERMISSION_DENIED, "not the identity of this node")
        return first

    def _known(self, node: str) -> ServedProxy:
        known = self._proxies.get(split_node(node)[0])
        if known is None:
            raise _StreamEnded(
                grpc.StatusCode.NOT_FOUND, f"node id {node!r} is no proxy of this instance"
            )
        return known

    def _check_serving(self) -> None:
        if not self._serving:
            raise _StreamEnded(grpc.StatusCode.UNAVAILABLE, "not serving yet")

    async def _converse(
        self, call: Call, proxy: ServedProxy, instance: Instance
    ) -> _StreamEnded | None:
        """Read and write until the stream ends; returns the status to end it with, if any."""
        found: list[_StreamEnded] = []
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(call, proxy, instance, instance.stream))
                await self._write(call, proxy, instance)
        except* _StreamEnded as ended:
            found.extend(error for error in ended.exceptions if isinstance(error, _StreamEnded))
        return next((error for error in found if error.code is not grpc.StatusCode.OK), None)

    async def _read(
        self, call: Call, proxy: ServedProxy, instance: Instance, identity: object
    ) -> None:
        """Feed requests to the machine until the client ends its side."""
        while (request := await _receive(call)) is not None and instance.stream is identity:
            instance.machine.receive(request, now())
            instance.wake.set()
            proxy.moved.set()
            self._looked(proxy, instance)
        raise _StreamEnded(grpc.StatusCode.OK, "")

    async def _write(self, call: Call, proxy: ServedProxy, instance: Instance) -> None:
        """Write responses as the machine has them, until another stream takes over."""
        identity = instance.stream
        while instance.stream is identity and identity is not None:
            instance.wake.clear()
            response = instance.machine.poll(now())
            self._looked(proxy, instance)
            if response is not None:
                await call.write(response)
                continue
            proxy.moved.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(instance.machine.next_deadline()):
                    await instance.wake.wait()
        raise _StreamEnded(
            grpc.StatusCode.ABORTED, "another stream of this node, or the end of the server"
        )

    def _looked(self, proxy: ServedProxy, instance: Instance) -> None:
        proxy.look(instance)
        self._tell(proxy)


async def _receive(call: Call) -> Request | None:
    """The next request; None at the end of the client's side."""
    data = await call.read()
    if data is EOF:
        return None
    try:
        return decode(data)
    except RemoteProtocolError as error:
        raise _StreamEnded(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from error
