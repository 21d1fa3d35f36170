"""One stream from a proxy's pod to a replica of the control plane, by TLS.

Each stream has a connection of its own, and reads the token and the authorities anew: both change
while a pod lives. A replica that is welcome to serve says so before it is told anything.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self, cast

import grpc
import grpc.aio

from fairlead.ads.access import NODE_METADATA, TOKEN_METADATA
from fairlead.ads.listening import EOF, METHOD, SERVICE, UNLIMITED, Options

SERVER_NAME: Final = "fairlead"
"""In the certificate of every replica."""
OPENING_SECONDS: Final = 5.0
"""Until a replica has said that it serves us; one that is frozen never does."""
_KEEPALIVE: Final[Options] = [
    ("grpc.keepalive_time_ms", 8_000),
    ("grpc.keepalive_timeout_ms", 12_000),
    ("grpc.http2.ping_timeout_ms", 12_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]
"""A replica that is frozen, or gone without a word, is noticed after 12 to 20 seconds."""
_ALONE: Final[Options] = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),
    ("grpc.service_config_disable_resolution", 1),
]
"""Nothing is shared with earlier connections, their pauses included."""


class UpstreamError(Exception):
    """No replica serves us now; says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where replicas are, and who we are."""

    address: str
    """``HOST:PORT``."""
    node: str
    """The node id."""
    token: Path
    """File that holds the service account's token."""
    authorities: Path
    """File of the certificates (PEM) that a replica's has to come from."""


class _Call(Protocol):
    """The part of grpc.aio.StreamStreamCall that is used."""

    async def initial_metadata(self) -> object: ...
    async def read(self) -> bytes: ...
    async def write(self, request: bytes) -> None: ...
    async def code(self) -> grpc.StatusCode: ...
    async def details(self) -> str | None: ...
    def done(self) -> bool: ...
    def cancel(self) -> bool: ...


class _Method(Protocol):
    """Starts a call."""

    def __call__(self, *, metadata: grpc.aio.Metadata) -> _Call: ...


class Upstream:
    """An open stream. Made by `open`; `close` ends it."""

    def __init__(self, channel: grpc.aio.Channel, call: _Call) -> None:
        self._channel = channel
        self._call = call

    @classmethod
    async def open(cls, target: Target) -> Self:
        """Open a stream to a replica that is ready to serve us.

        Raises:
            UpstreamError: There is none, or it refuses us.
        """
        token, authorities = await asyncio.to_thread(_read, target)
        options: list[tuple[str, int | str]] = [*UNLIMITED, *_KEEPALIVE, *_ALONE]
        options.append(("grpc.ssl_target_name_override", SERVER_NAME))
        channel = grpc.aio.secure_channel(
            target.address, grpc.ssl_channel_credentials(authorities), options=options
        )
        metadata = ((TOKEN_METADATA, f"Bearer {token}"), (NODE_METADATA, target.node))
        start = cast("_Method", channel.stream_stream(f"/{SERVICE}/{METHOD}"))
        opened = cls(channel, start(metadata=grpc.aio.Metadata(*metadata)))
        try:
            await opened._wait_for_welcome()
        except BaseException:
            await opened.close()
            raise
        return opened

    @property
    def over(self) -> bool:
        """Whether the stream has ended."""
        return self._call.done()

    async def read(self) -> bytes | None:
        """The next response; None at the end.

        Raises:
            UpstreamError: The stream broke off.
        """
        try:
            message = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise UpstreamError(_words(error.code(), error.details())) from None
        return None if message is EOF else message

    async def write(self, request: bytes) -> None:
        """Send a request.

        Raises:
            UpstreamError: The stream broke off.
        """
        try:
            await self._call.write(request)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
            raise UpstreamError(str(error)) from None

    async def close(self) -> None:
        """End the stream and its connection."""
        self._call.cancel()
        await self._channel.close()

    async def _wait_for_welcome(self) -> None:
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                await self._call.initial_metadata()
        except TimeoutError:
            raise UpstreamError(f"no answer within {OPENING_SECONDS:g} s") from None
        except grpc.aio.AioRpcError as error:
            raise UpstreamError(_words(error.code(), error.details())) from None
        if self._call.done():
            code, details = await self._call.code(), await self._call.details()
            raise UpstreamError(_words(code, details))


def _words(code: grpc.StatusCode, details: str | None) -> str:
    return f"{code.name}: {details}" if details else code.name


def _read(target: Target) -> tuple[str, bytes]:
    try:
        token = target.token.read_text(encoding="ascii").strip()
        return token, target.authorities.read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        path = getattr(error, "filename", None) or target.token
        raise UpstreamError(f"cannot read {path}: {type(error).__name__}") from None
