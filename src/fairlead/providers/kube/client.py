"""A thin client of an API server: bytes in, bytes out.

Every problem is an `ApiError`; one without an answer is an `UnreachableError`. A request that the
server wants later (429) is sent again when it says, one that it does not know us for (401) once
more with new credentials.
"""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import aiohttp
import msgspec

from fairlead.providers.kube.config import ClusterConfig, ConfigError
from fairlead.providers.kube.errors import ApiError, UnreachableError

__all__ = ["ApiError", "KubeClient", "UnreachableError"]

_REQUEST: Final = aiohttp.ClientTimeout(total=300, sock_connect=4, sock_read=30)
_WATCH: Final = aiohttp.ClientTimeout(total=None, sock_connect=4, sock_read=90)
"""Bookmarks come about once a minute; a watch in which nothing comes is taken up again."""
_TRIES: Final = 5
_LONGEST_WAIT: Final = 10.0
"""Seconds to wait at most before a try that the server asked to put off."""
_READ_SIZE: Final = 2**18
_Address: TypeAlias = tuple[int, int, int, str, tuple[Any, ...]]
"""As `socket.getaddrinfo` returns it."""
_SSL: Final = re.compile(r" ssl:(?:<[^>]*>|\w+)")
"""What aiohttp says of an SSLContext, which tells nobody anything."""
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429
_BAD: Final = 400
_NOT_MODIFIED: Final = 304


class _Status(msgspec.Struct):
    """metav1.Status, as errors come."""

    reason: str | None = ""
    message: str | None = ""


class KubeClient:
    """Talks to one API server. An async context manager; may be used by many tasks.

    Args:
        config: from `fairlead.providers.kube.config.load`.
        user_agent: also the field manager of writes that name none.
    """

    def __init__(self, config: ClusterConfig, user_agent: str = "fairlead") -> None:
        self._config = config
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None
        self._encoder = msgspec.json.Encoder()

    @property
    def config(self) -> ClusterConfig:
        """Which cluster it talks to."""
        return self._config

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, socket_factory=_socket, ttl_dns_cache=30),
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=_READ_SIZE,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] = {},
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        """Send a request and return the answer's body.

        Args:
            method: of HTTP.
            path: from `path_of`.
            query: parameters of the URL.
            body: what is sent.
            content_type: of `body`.

        Raises:
            ApiError: The server refused.
            UnreachableError: There was no answer, or it was cut short.
        """
        typed = None if body is None else (body, content_type)
        for rest in reversed(range(_TRIES)):
            try:
                async with self._send(
                    method, path, query, timeout=_REQUEST, body=typed
                ) as response:
                    return await response.read()
            except ApiError as error:
                if error.code != _TOO_MANY or error.retry_after is None or not rest:
                    raise
                await asyncio.sleep(min(error.retry_after, _LONGEST_WAIT))
        raise AssertionError  # the last try returns or raises

    async def get(self, path: str, **query: str) -> bytes:
        """Read an object or a list."""
        return await self.request("GET", path, query=query)

    async def apply(
        self, path: str, obj: Mapping[str, Any], *, manager: str, force: bool = True
    ) -> bytes:
        """Server-side apply: the fields in `obj` shall be so, and belong to `manager`.

        Raises:
            ApiError: With the reason Conflict where fields belong to others, unless `force`.
        """
        return await self.request(
            "PATCH",
            path,
            query={"fieldManager": manager, "force": "true" if force else "false"},
            body=self._encoder.encode(obj),
            content_type="application/apply-patch+yaml",
        )

    async def merge_patch(self, path: str, patch: Mapping[str, Any]) -> bytes:
        """JSON merge patch (RFC 7386); null removes a field, lists are replaced whole."""
        return await self.request(
            "PATCH",
            path,
            body=self._encoder.encode(patch),
            content_type="application/merge-patch+json",
        )

    async def create(self, path: str, obj: Mapping[str, Any]) -> bytes:
        """Create an object in the collection at `path`."""
        return await self.request("POST", path, body=self._encoder.encode(obj))

    async def replace(self, path: str, obj: Mapping[str, Any]) -> bytes:
        """Replace an object; Conflict if its `metadata.resourceVersion` is no longer current."""
        return await self.request("PUT", path, body=self._encoder.encode(obj))

    async def delete(self, path: str, *, uid: str | None = None) -> None:
        """Delete an object and, in the background, what it owns; one that is gone is fine.

        Args:
            path: of the object.
            uid: that it must still have; else Conflict.
        """
        options: dict[str, Any] = {"propagationPolicy": "Background"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            await self.request("DELETE", path, body=self._encoder.encode(options))
        except ApiError as error:
            if error.code != _NOT_FOUND:
                raise

    async def get_unless(self, path: str, accept: str, etag: str) -> tuple[bytes | None, str]:
        """Read something in a certain form, unless it is still what it was.

        Args:
            path: of what is read.
            accept: media type.
            etag: of what is known already; empty for nothing.

        Returns:
            The body, None if it is the same still; and its own tag.
        """
        headers = {"Accept": accept, **({"If-None-Match": etag} if etag else {})}
        async with self._send("GET", path, {}, timeout=_REQUEST, headers=headers) as response:
            same = response.status == _NOT_MODIFIED
            return None if same else await response.read(), response.headers.get("ETag", etag)

    async def watch(self, path: str, query: Mapping[str, str]) -> AsyncGenerator[bytes]:
        """The events of a watch, one JSON document each, until the server ends it.

        Args:
            path: of the collection.
            query: such as `resourceVersion`; `watch` is added.

        Raises:
            ApiError: The server refused.
            UnreachableError: The connection failed, broke, or was silent for too long.
        """
        async with self.open_watch(path, query) as lines:
            async for line in lines:
                yield line

    @asynccontextmanager
    async def open_watch(
        self, path: str, query: Mapping[str, str]
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        """As `watch`, whose events begin no later than the `async with` is entered."""
        asked = {**query, "watch": "true"}
        async with self._send("GET", path, asked, timeout=_WATCH) as response:
            yield _lines(path, response)

    @asynccontextmanager
    async def websocket(
        self, path: str, query: Mapping[str, str], protocols: Sequence[str]
    ) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:
        """Open a WebSocket, as for port-forward.

        Raises:
            ApiError: The server refused.
            UnreachableError: There was no answer.
        """
        credential = self._config.credentials.current()
        try:
            opened = await self._open().ws_connect(
                self._config.server + path,
                params=query,
                protocols=protocols,
                headers=_authorization(credential.authorization),
                ssl=credential.tls or True,
                server_hostname=self._config.server_name or None,
                proxy=self._config.proxy or None,
            )
        except aiohttp.WSServerHandshakeError as error:
            raise ApiError(error.status, "", f"GET {path}: {error.message}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable("GET", path, error) from error
        async with opened:
            yield opened

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own
        body: tuple[bytes, str] | None = None,
        headers: Mapping[str, str] = {},
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """The response, if it is a good one; what goes wrong while it is read is told as well.

        `body` comes with its content type.
        """
        try:
            for again in (True, False):
                credential = self._config.credentials.current()
                async with self._open().request(
                    method,
                    self._config.server + path,
                    params=query,
                    data=body[0] if body else None,
                    headers={
                        **headers,
                        **({"Content-Type": body[1]} if body else {}),
                        **_authorization(credential.authorization),
                    },
                    ssl=credential.tls or True,
                    server_hostname=self._config.server_name or None,
                    proxy=self._config.proxy or None,
                    timeout=timeout,
                ) as response:
                    if response.status == _UNAUTHORIZED and again:
                        await self._config.credentials.renew()
                        continue
                    if response.status >= _BAD:
                        raise await _refusal(method, path, response)
                    yield response
                    return
        except ConfigError as error:
            raise UnreachableError(f"{method} {path}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(method, path, error) from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("a KubeClient is used inside `async with`")
        return self._session

    def _unreachable(self, method: str, path: str, error: Exception) -> UnreachableError:
        words = _SSL.sub("", str(error)) or type(error).__name__
        return UnreachableError(f"{method} {path} at {self._config.server}: {words}")


async def _lines(path: str, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes]:
    """Lines as they come; the end of a watch in which nothing comes for long is an end as any."""
    rest = b""
    try:
        async for chunk in response.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    yield line
    except aiohttp.SocketTimeoutError:
        pass
    if rest.strip():
        raise UnreachableError(f"watch of {path}: the last event is cut short")


def _authorization(value: str) -> dict[str, str]:
    return {"Authorization": value} if value else {}


async def _refusal(method: str, path: str, response: aiohttp.ClientResponse) -> ApiError:
    """What the server says that is wrong: a Status, or some proxy's text."""
    body = await response.read()
    try:
        status = msgspec.json.decode(body, type=_Status)
    except msgspec.MsgspecError:
        status = _Status(message=body[:200].decode(errors="replace").strip())
    message = status.message or response.reason or ""
    return ApiError(
        response.status,
        status.reason or "",
        f"{method} {path}: {message}",
        _seconds(response.headers.get("Retry-After", "")),
    )


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None


def _socket(address: _Address) -> socket.socket:
    """A socket that notices within half a minute that the other side is gone."""
    made = socket.socket(address[0], address[1], address[2])
    for level, option, value in (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 25_000),
    ):
        made.setsockopt(level, option, value)
    return made
