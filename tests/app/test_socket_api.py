"""Where the API listens, and whom it answers there."""

import asyncio
import contextlib
import http.client
import json
import stat
from pathlib import Path

import pytest

from fairlead.app.engine import Engine
from fairlead.app.socket_api import Backend, SocketApi


def backend():
    """A backend that knows of no change."""
    return Backend(
        engine=Engine(None, lambda _effects: None),
        view=lambda: None,
        waiting_for=lambda: "a cluster",
        exec_environment=lambda _key, _container: {},
        dump=lambda: None,
        receipts=list,
    )


def asked(host, path="/debug/receipts"):
    """Status and answer of an API on a TCP port that is asked for `host`."""

    def request(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Host": host.format(port=port)})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    async def main():
        api = SocketApi(0, backend())
        await api.start()
        try:
            return await asyncio.to_thread(request, api.port)
        finally:
            await api.stop()

    return asyncio.run(main())


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:{port}", "127.0.0.1:15000", "LocalHost", "[::1]:80", "[::1]"]
)
def test_on_a_port_it_answers_to_local_names(host):
    assert asked(host) == (200, {"receipts": []})


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:{port}", "fairlead.fairlead-system.svc", ":80"]
)
def test_on_a_port_it_refuses_other_names(host):
    """As a page would ask whose name was made to lead here."""
    status, answer = asked(host)
    assert status == 403
    assert "localhost" in answer["message"]


def test_problems_are_json_on_a_port_too():
    assert asked("localhost", "/v1/ready") == (503, {"message": "waiting for the first load"})
    assert asked("localhost", "/nothing")[0] == 404


def test_a_unix_socket_is_private_and_has_no_port(tmp_path: Path):
    async def main():
        api = SocketApi(tmp_path / "api.sock", backend())
        await api.start()
        mode = stat.S_IMODE((tmp_path / "api.sock").stat().st_mode)
        with pytest.raises(RuntimeError):
            _ = api.port
        await api.stop()
        return mode

    assert asyncio.run(main()) == 0o600
