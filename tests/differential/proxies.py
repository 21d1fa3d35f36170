"""Real Envoys that are given all that a pipeline makes, and one that echoes what reaches it.

The Envoys are started once; each configuration reaches them by ADS.
"""

import asyncio
import base64
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from differential.surroundings import Loopback, ports
from fairlead.ads.server import AdsServer
from fairlead.app.pipeline import Effects
from fairlead.dataplane.bootstrap import Bootstrap
from fairlead.dataplane.envoy import find_envoy

GATEWAY = "gateway/default/gate"
MESH = "mesh"
PROXIES = (GATEWAY, MESH)
LOG = "access.log"
"""Name of each proxy's access log, in its own folder."""
SECONDS = 30

_TYPES = "type.googleapis.com/envoy.extensions.filters"
ANSWER = (("x-a", "echo"), ("x-b", "echo, b"), ("x-e", ""), ("cache-control", "no-cache"))
"""Headers of every answer of the echo."""
_ECHO = """\
function envoy_on_request(handle)
  local lines = {"%s"}
  for name, value in pairs(handle:headers()) do
    lines[#lines + 1] = name .. ": " .. value
  end
  local answer = {[":status"] = "200", ["x-told"] = handle:base64Escape(table.concat(lines, "\\n"))}
%s
  handle:respond(answer, "")
end
"""


class Log:
    """Lines of one proxy's access log, as they come."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0
        self._rest = b""

    async def take(self, number: int) -> list[dict]:
        """The next lines; fewer if there are none within thirty seconds."""
        found: list[dict] = []
        for _ in range(6000):
            found += self._read()
            if len(found) >= number:
                break
            await asyncio.sleep(0.005)
        return found

    def _read(self) -> list[dict]:
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._place)
            new = file.read()
        self._place += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        return [json.loads(line) for line in lines]


class Proxies:
    """An ADS server, an Envoy for each of `PROXIES`, and the echo."""

    def __init__(self, folder: Path, loopback: Loopback) -> None:
        self._folder = folder
        self._loopback = loopback
        self._server = AdsServer(folder / "ads" / "socket", lambda _status: None)
        self._processes: list[asyncio.subprocess.Process] = []
        self.logs = {proxy: Log(self._place(proxy) / LOG) for proxy in PROXIES}

    def _place(self, proxy: str) -> Path:
        return self._folder / proxy.replace("/", "-")

    async def start(self) -> None:
        await self._server.start()
        for proxy in PROXIES:
            self._server.update(proxy, {})
            place = self._place(proxy)
            place.mkdir()
            made = Bootstrap(proxy, self._server.socket_path, place / "admin", 1 << 30)
            await self._run(place, made.to_json())
        place = self._place("echo")
        place.mkdir()
        await self._run(place, json.dumps(_echo(self._loopback.echo, place)).encode())
        async with asyncio.timeout(SECONDS):
            for port in ports().values():
                await _answers(self._loopback.echo, port)

    async def _run(self, place: Path, bootstrap: bytes) -> None:
        (place / "bootstrap.json").write_bytes(bootstrap)
        command = [str(find_envoy()), "-c", "bootstrap.json", "--disable-hot-restart"]
        command += ["--concurrency", "1", "--log-level", "error"]
        command += ["--file-flush-interval-msec", "10", "--drain-time-s", "1"]
        with (place / "envoy.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *command, stdout=log, stderr=log, cwd=place
            )
        self._processes.append(process)

    async def stop(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        await self._server.stop()

    async def take(self, effects: Effects) -> list[str]:
        """Send what has changed; what was refused, and what an Envoy complained of."""
        for proxy in PROXIES:
            self._server.update(proxy, effects.resources.get(proxy, {}))
        async with asyncio.timeout(SECONDS):
            for proxy in PROXIES:
                await self._server.wait_synced(proxy)
        assert all(process.returncode is None for process in self._processes), "an Envoy has died"
        states = self._server.sync_state()
        return [f"{each.name}: {each.message}" for state in states for each in state.rejections]


async def _answers(address: str, port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(address, port)
            writer.close()
            return
        await asyncio.sleep(0.02)


def _echo(address: str, place: Path) -> dict:
    """The bootstrap of an Envoy that answers for every Service port, by whatever HTTP comes."""
    return {
        "admin": {"address": {"pipe": {"path": str(place / "admin")}}},
        "static_resources": {
            "listeners": [
                _listener("/".join(map(str, key)), address, port) for key, port in ports().items()
            ]
        },
    }


def _listener(name: str, address: str, port: int) -> dict:
    lua = {"@type": f"{_TYPES}.http.lua.v3.Lua"}
    answer = "\n".join(f'  answer["{key}"] = "{value}"' for key, value in ANSWER)
    lua["default_source_code"] = {"inline_string": _ECHO % (name, answer)}
    router = {"@type": f"{_TYPES}.http.router.v3.Router"}
    manager = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "echo",
        "http_filters": [
            {"name": "lua", "typed_config": lua},
            {"name": "router", "typed_config": router},
        ],
        "route_config": {"name": "all"},
    }
    return {
        "name": name,
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def told(value: str) -> tuple[str, list[tuple[str, str]]]:
    """The Service port that was reached, and what reached it, from the answer's header."""
    first, *lines = base64.b64decode(value).decode(errors="replace").split("\n")
    pairs = [(name, text) for name, _, text in (line.partition(": ") for line in lines)]
    return first, pairs


@contextlib.asynccontextmanager
async def running(loopback: Loopback) -> AsyncIterator[Proxies]:
    with tempfile.TemporaryDirectory(prefix="fairlead-") as name:
        proxies = Proxies(Path(name), loopback)
        try:
            await proxies.start()
            yield proxies
        finally:
            await proxies.stop()
