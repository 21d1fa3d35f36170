"""Talks to the running instance over its Unix socket.

Every failure that a user can meet becomes a `click.ClickException` with what to do about it:
no instance, an instance that went away, an object that isn't there.
"""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

from fairlead.app.instance import STATE_DIR_VARIABLE, default_state_dir, read_instance

ANSWER_SECONDS = 30.0
"""How long a command waits for an answer before it gives up."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP/1.1 over a Unix socket."""

    def __init__(self, path: Path, timeout: float | None) -> None:
        super().__init__("localhost")
        self._path = path
        self._seconds = timeout

    def connect(self) -> None:
        """Connect to the path instead of to a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._seconds)
        self.sock.connect(str(self._path))


state_dir_option = click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"State directory, which tells instances apart.  [env: {STATE_DIR_VARIABLE}]",
)


class Client:
    """Requests to one instance. Paths are as in `fairlead.app.socket_api`."""

    def __init__(self, state_dir: Path | None) -> None:
        self.state_dir = state_dir or default_state_dir()

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
        instance = read_instance(self.state_dir)
        if instance is None:
            raise click.ClickException(self._absent())
        url = "/" + "/".join(quote(part, safe="") for part in path)
        if pairs := {name: value for name, value in query.items() if value is not None}:
            url += "?" + urlencode(pairs)
        connection = _UnixConnection(instance.api_socket, timeout)
        try:
            connection.request("GET", url, headers={"Connection": "close"})
            return connection.getresponse()
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            raise click.ClickException(self._absent()) from None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise click.ClickException(
                f"the instance (pid {instance.pid}) gave no answer: {error}"
            ) from None

    def _absent(self) -> str:
        return (
            f"no instance runs on state directory {self.state_dir}; "
            "start one with 'fairlead run PATH', or name its directory with --state-dir"
        )


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
