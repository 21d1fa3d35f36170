"""Asks an instance over HTTP: a standalone one on its Unix socket, or one in a cluster.

Every failure that a user can meet becomes a `click.ClickException` with what to do about it:
no instance, an instance that went away, an object that isn't there.
"""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import click

from fairlead.app.instance import default_state_dir, read_instance

ANSWER_SECONDS = 30.0
"""How long a command waits for an answer before it gives up."""


class NotPermitted(click.ClickException):
    """The user may not ask the control plane; perhaps may read objects."""


class Transport(Protocol):
    """The way to an instance."""

    def connect(self) -> socket.socket:
        """A stream to its API.

        Raises:
            click.ClickException: there is none.
        """
        ...

    def lost(self, error: Exception) -> str:
        """What to tell when a stream broke off before there was an answer."""
        ...


class StateDirectory:
    """The way to the standalone instance of a state directory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def connect(self) -> socket.socket:
        """Connect to the instance's Unix socket."""
        instance = read_instance(self._path)
        if instance is None:
            raise click.ClickException(self._absent())
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            stream.connect(str(instance.api_socket))
        except (FileNotFoundError, ConnectionRefusedError):
            stream.close()
            raise click.ClickException(self._absent()) from None
        except OSError:
            stream.close()
            raise
        return stream

    def lost(self, error: Exception) -> str:
        """With the process that gave no answer."""
        instance = read_instance(self._path)
        pid = f" (pid {instance.pid})" if instance is not None else ""
        return f"the instance{pid} gave no answer: {error}"

    def _absent(self) -> str:
        return (
            f"no instance runs on state directory {self._path}; "
            "start one with 'fairlead run PATH', or name its directory with --state-dir"
        )


class _Connection(http.client.HTTPConnection):
    """HTTP/1.1 over a stream of a transport."""

    def __init__(self, transport: Transport, timeout: float | None) -> None:
        super().__init__("localhost")
        self._transport = transport
        self._seconds = timeout

    def connect(self) -> None:
        """Connect by the transport instead of to a host."""
        self.sock = self._transport.connect()
        self.sock.settimeout(self._seconds)


class Client:
    """Requests to one instance. Paths are as in `fairlead.app.socket_api`.

    Args:
        place: A transport, or a standalone instance's state directory; None for the default one.
    """

    def __init__(self, place: Transport | Path | None) -> None:
        if place is None or isinstance(place, Path):
            place = StateDirectory(place or default_state_dir())
        self._transport: Transport = place

    def get(self, *path: str, **query: str | None) -> Any:  # noqa: ANN401 - JSON
        """The JSON answer to ``GET /PATH?QUERY``; queries that are None are left out.

        Raises:
            click.ClickException: no instance runs, or it answered with a problem (its words).
        """
        response = self._request(path, query, ANSWER_SECONDS)
        return json.loads(_body(response))

    def stream(self, *path: str, **query: str | None) -> Iterator[Any]:
        """JSON lines of an answer that goes on until the instance stops."""
        response = self._request(path, query, None)
        if response.status != http.client.OK:
            _body(response)
        while line := response.readline():
            if line.strip():
                yield json.loads(line)

    def _request(
        self, path: tuple[str, ...], query: Mapping[str, str | None], timeout: float | None
    ) -> http.client.HTTPResponse:
        url = "/" + "/".join(quote(part, safe="") for part in path)
        if pairs := {name: value for name, value in query.items() if value is not None}:
            url += "?" + urlencode(pairs)
        connection = _Connection(self._transport, timeout)
        try:
            connection.request("GET", url, headers={"Connection": "close"})
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise click.ClickException(self._transport.lost(error)) from None


def _body(response: http.client.HTTPResponse) -> bytes:
    """The whole body of a good answer; the message of a bad one as an exception."""
    try:
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise click.ClickException(f"the instance went away: {error}") from None
    if response.status == http.client.OK:
        return body
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        message = f"the instance answered {response.status} {response.reason}"
    raise click.ClickException(message)
