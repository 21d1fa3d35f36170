"""What probes and monitoring ask a controller over HTTP: `/healthz`, `/readyz` and `/metrics`.

Nothing of users' objects is in an answer but how many there are, so that it may listen on the
pod's own address.
"""

from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

SHUTDOWN_SECONDS = 0.2


class HealthServer:
    """Serves probes and metrics on all addresses.

    Args:
        port: TCP port.
        waiting_for: What is still missing before the process is ready, None once it is.
        collect: Yields the controller's own metrics each time they are asked for.
    """

    def __init__(
        self,
        port: int,
        waiting_for: Callable[[], str | None],
        collect: Callable[[], Iterable[Metric]],
    ) -> None:
        self._port = port
        self._waiting_for = waiting_for
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(_Metrics(collect))
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises OSError if the port is taken."""
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, port=self._port).start()

    async def stop(self) -> None:
        """End open requests and close the port."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        waiting = self._waiting_for()
        if waiting is not None:
            return web.Response(text=f"waiting for {waiting}\n", status=503)
        return web.Response(text="ok\n")

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


class _Metrics(Collector):
    """Asks for the metrics of the moment."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics (`prometheus_client.registry.Collector`)."""
        return self._collect()
