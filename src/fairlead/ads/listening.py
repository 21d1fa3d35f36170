"""gRPC servers for delta ADS: on a Unix socket, for this machine, and on TLS, for others.

Messages stay bytes. What comes in is a handler of streams; what goes out is a started server.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol, TypeAlias, cast

import grpc
import grpc.aio
import msgspec

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
METHOD = "DeltaAggregatedResources"

EOF = cast("bytes", grpc.aio.EOF)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
"""What `Call.read` returns at the end of the client's side."""

Options: TypeAlias = list[tuple[str, int]]

UNLIMITED: Final[Options] = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]
_KEEPALIVE: Final[Options] = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 60_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
]
"""A client that has vanished is noticed within two minutes: sooner, an overloaded replica would
lose those that it has. Clients may ask every few seconds whether we're there."""
CONNECTION_SECONDS = 1800
"""After about so long a client has to connect again, perhaps to another replica, with a token that
is valid then."""
_LAST_GRACE_SECONDS = 5


class Call(Protocol):
    """The part of grpc.aio.ServicerContext that is used, for streams of bytes."""

    async def read(self) -> bytes:
        """The next message, or `EOF`."""
        ...

    async def write(self, message: bytes) -> None:
        """Send a message; returns when there is room for another one."""
        ...

    async def abort(self, code: grpc.StatusCode, details: str) -> None:
        """End the stream with a status; does not return."""
        ...

    async def send_initial_metadata(self, initial_metadata: tuple[()]) -> None:
        """Tell the client that it is served, before anything is sent."""
        ...

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """What the client has said beside its messages."""
        ...


Handler: TypeAlias = Callable[[object, Call], Awaitable[None]]
"""Serves one stream; the first argument is of no use."""


class KeyPair(msgspec.Struct, frozen=True):
    """A server's certificate chain and its private key, as PEM."""

    certificates: bytes
    key: bytes

    def __repr__(self) -> str:
        return "KeyPair([redacted])"


async def listen_unix(path: Path, handler: Handler) -> grpc.aio.Server:
    """Listen on a Unix socket, in a directory that is created for its owner alone.

    Raises:
        OSError: The directory or the socket cannot be made.
    """
    _make_room(path)
    server = _server(handler, UNLIMITED)
    try:
        server.add_insecure_port(f"unix:{path}")
    except RuntimeError as error:
        raise OSError(f"cannot listen on {path}: {error}") from error
    await server.start()
    _restrict(path)
    return server


async def listen_tls(
    address: str, key_pair: Callable[[], KeyPair], handler: Handler
) -> tuple[grpc.aio.Server, int]:
    """Listen on a TCP address with TLS.

    Args:
        address: ``HOST:PORT``; port 0 takes a free one.
        key_pair: asked at each handshake, from any thread; streams that are open stay so.
        handler: of each stream.

    Returns:
        The server, and its port.

    Raises:
        OSError: Nobody can listen there.
    """
    age: Options = [
        ("grpc.max_connection_age_ms", CONNECTION_SECONDS * 1000),
        ("grpc.max_connection_age_grace_ms", _LAST_GRACE_SECONDS * 1000),
        ("grpc.so_reuseport", 0),
    ]
    server = _server(handler, UNLIMITED + _KEEPALIVE + age)
    try:
        port = server.add_secure_port(address, _credentials(key_pair))
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}: {error}") from error
    await server.start()
    return server, port


def _make_room(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)


def _restrict(path: Path) -> None:
    path.chmod(0o600)


def metadata_of(call: Call) -> dict[str, str]:
    """Metadata of a stream as text; where a name comes twice, the last value."""
    return {name: value for name, value in call.invocation_metadata() if isinstance(value, str)}


def now() -> float:
    """Seconds of the event loop's clock."""
    return asyncio.get_running_loop().time()


def _server(handler: Handler, options: Options) -> grpc.aio.Server:
    server = grpc.aio.server(options=options)
    method: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(handler)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, {METHOD: method}),)
    )
    return server


def _credentials(key_pair: Callable[[], KeyPair]) -> grpc.ServerCredentials:
    """Credentials that follow a changing key pair."""
    shown = key_pair()

    def configuration(pair: KeyPair) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([(pair.key, pair.certificates)])

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        """None, which the stubs don't know of, keeps what there is."""
        nonlocal shown
        pair = key_pair()
        if pair == shown:
            return None
        shown = pair
        return configuration(pair)

    fetcher = cast("Callable[[], grpc.ServerCertificateConfiguration]", fetch)
    return grpc.dynamic_ssl_server_credentials(configuration(shown), fetcher)
