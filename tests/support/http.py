"""Requests, one on a connection, and their answers."""

import contextlib
import http.client
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Response:
    """An answer; header names in lower case, of several with one name the last."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


def send(
    place: tuple[str, int],
    target: str,
    host: str | None = None,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: str | None = None,
) -> Response:
    """Send a request on a connection of its own; raises OSError where nobody answers.

    Args:
        place: address and port of the server, or of the proxy.
        target: path and query; to a proxy the whole URL.
        host: what the Host header says, if not the place.
        method: of the request.
        headers: more of them.
        body: of the request.
    """
    with contextlib.closing(http.client.HTTPConnection(*place, timeout=20)) as connection:
        return exchange(connection, target, host, method=method, headers=headers, body=body)


def exchange(connection, target, host=None, *, method="GET", headers=None, body=None) -> Response:
    """Send a request on a connection that is kept, as `send` does."""
    fields = ({"Host": host} if host else {}) | (headers or {})
    connection.request(method, target, body=body, headers=fields)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    return Response(answer.status, text, {k.lower(): v for k, v in answer.getheaders()})


@contextlib.contextmanager
def over_socket(path: Path) -> Iterator[http.client.HTTPConnection]:
    """A connection to a server on a Unix socket, such as Envoy's admin interface."""
    with contextlib.closing(http.client.HTTPConnection("localhost")) as connection:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(20)
        connection.sock.connect(str(path))
        yield connection
