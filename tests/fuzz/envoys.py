"""Real Envoys that are given what a pipeline makes, to see what they refuse."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from fairlead.ads.server import AdsServer
from fairlead.app.pipeline import Effects
from fairlead.dataplane.bootstrap import Bootstrap
from fairlead.dataplane.envoy import find_envoy
from fairlead.ir.proxy_status import ProxyStatus, Rejection

PROXIES = ("gateway/default/gate", "mesh")
SYNC_SECONDS = 30
BUSY = ("cannot bind", "Address already in use", "Permission denied")
"""Words of refusals that are about the machine."""


class Envoys:
    """An ADS server and an Envoy for each of `PROXIES`; what is for others is dropped."""

    def __init__(self, folder: Path, on_status: Callable[[ProxyStatus], None]) -> None:
        self._folder = folder
        self._server = AdsServer(folder / "ads" / "socket", on_status)
        self._processes: list[asyncio.subprocess.Process] = []
        self._read = 0

    async def start(self) -> None:
        await self._server.start()
        for index, proxy in enumerate(PROXIES):
            self._server.update(proxy, {})
            admin = self._folder / f"admin-{index}"
            path = self._folder / f"bootstrap-{index}.json"
            made = Bootstrap(proxy, self._server.socket_path, admin, max_heap_bytes=1 << 30)
            path.write_bytes(made.to_json())
            command = [str(find_envoy()), "-c", str(path), "--disable-hot-restart"]
            command += ["--concurrency", "1", "--log-level", "error"]
            with self.log.open("ab") as log:
                process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
            self._processes.append(process)

    async def stop(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        await self._server.stop()

    @property
    def log(self) -> Path:
        return self._folder / "envoy.log"

    async def take(self, effects: Effects, *, complaints: bool = False) -> list[Rejection]:
        """Send what has changed; what was refused of all that is desired now.

        Args:
            effects: What has changed.
            complaints: Whether an Envoy may complain beside refusing.

        Raises:
            AssertionError: An Envoy has died, or complains.
        """
        for proxy in PROXIES:
            self._server.update(proxy, effects.resources.get(proxy, {}))
        async with asyncio.timeout(SYNC_SECONDS):
            for proxy in PROXIES:
                await self._server.wait_synced(proxy)
        assert all(process.returncode is None for process in self._processes), "an Envoy has died"
        assert complaints or not (said := self._errors()), said
        states = self._server.sync_state()
        return [
            each
            for state in states
            for each in state.rejections
            if not any(words in each.message for words in BUSY)
        ]

    def _errors(self) -> list[str]:
        """What an Envoy has complained about beside refusals: it may have taken a part only."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            lines = log.read().decode(errors="replace").splitlines()
            self._read = log.tell()
        return [line for line in lines if "[error]" in line or "[critical]" in line]


@contextlib.asynccontextmanager
async def running(
    on_status: Callable[[ProxyStatus], None] = lambda _status: None,
) -> AsyncIterator[Envoys]:
    with tempfile.TemporaryDirectory(prefix="fairlead-") as name:
        envoys = Envoys(Path(name), on_status)
        try:
            await envoys.start()
            yield envoys
        finally:
            await envoys.stop()
