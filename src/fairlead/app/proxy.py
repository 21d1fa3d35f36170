"""The proxy role: the main process of a Gateway's pod, around one Envoy.

It starts Envoy and keeps it running, relays its configuration from the control plane, answers the
kubelet, and lets clients go before it ends. Envoy is started first: all else takes as long to load
as Envoy takes to ask.
"""

import asyncio
import logging
import os
import signal
import sys
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fairlead.app.proxy_health import Answer, HealthServer
from fairlead.app.signals import Stop
from fairlead.dataplane import admin, limits
from fairlead.dataplane.bootstrap import Bootstrap
from fairlead.dataplane.clock import SystemClock
from fairlead.dataplane.drain import Patience, drain
from fairlead.dataplane.envoy import EnvoyNotFoundError, find_envoy
from fairlead.dataplane.process import Command
from fairlead.dataplane.supervise import Backoff, Plan, State, Supervisor
from fairlead.ir import ports

if TYPE_CHECKING:
    from fairlead.ads.relay import Relay

_LOG = logging.getLogger(__name__)
_BACKOFF: Final = Backoff(first=0.2, longest=5)
_GRACE: Final = 1.5
"""Seconds after SIGTERM; Envoy has drained by then."""
_SILENCE: Final = 30.0
"""Seconds after which an Envoy that does not answer makes the pod unhealthy."""
_BUSY_SECONDS: Final = 10.0
"""How long an Envoy that serves may be too busy to say so."""
_ASK_SECONDS: Final = 0.1
_METRICS_SECONDS: Final = 8.0
_CONNECTION_SECONDS: Final = 600
"""How long a connection may go on whose listener or chain was changed or removed."""


class ProxyError(Exception):
    """It cannot start; says why, and what to do."""


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """Options of `fairlead proxy`."""

    proxy: str
    """Name of the `ir.fleet.Proxy`."""
    instance: str
    """Name of the pod."""
    xds: str
    """``HOST:PORT`` of the control plane."""
    token: Path
    """File of the service account's token."""
    authorities: Path
    """File of the authorities that vouch for the control plane."""
    snapshot: Path
    """File of the last configuration; need not be there."""
    runtime_dir: Path
    """For sockets and the bootstrap; a short path, as sockets need."""
    drain: Patience
    health_host: str = ""
    health_port: int = ports.PROXY_HEALTH
    concurrency: int | None = None
    """Worker threads of Envoy; None: by the container's limit."""
    log_level: str = "warning"


class ProxyPod:
    """One pod, wired. The constructor does no I/O; `run` starts and ends everything."""

    def __init__(self, settings: ProxySettings, envoy: Path) -> None:
        self._settings = settings
        self._envoy = envoy
        self._clock = SystemClock()
        self._admin = settings.runtime_dir / "admin.sock"
        self._socket = settings.runtime_dir / "ads.sock"
        self._bootstrap = settings.runtime_dir / "bootstrap.json"
        plan = Plan("envoy", self._command, _BACKOFF, restart=lambda _: True)
        self._supervisor = Supervisor(plan, self._clock, self._on_change, None)
        pages = {"/ready": self._ready, "/healthz": self._healthz, "/metrics": self._metrics}
        self._health = HealthServer(pages)
        self._relay: Relay | None = None
        self._closed = False
        self._heard = 0.0
        """When Envoy last answered."""
        self._serves = False
        """Whether the Envoy that runs has had its first configuration."""

    async def run(self, stopping: asyncio.Event, *, at_once: asyncio.Event) -> None:
        """Serve until `stopping` is set, then let clients go; `at_once` ends that.

        Raises:
            ProxyError: something that is needed from the start isn't there.
        """
        settings = self._settings
        self._heard = self._clock.now()
        try:
            settings.runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._socket.unlink(missing_ok=True)
            await self._health.start(settings.health_host, settings.health_port)
        except OSError as error:
            raise ProxyError(f"cannot start: {error}") from error
        try:
            async with asyncio.TaskGroup() as tasks:
                envoy = tasks.create_task(self._supervisor.run(), name="envoy")
                await asyncio.sleep(0)  # so that Envoy is started before the rest is loaded
                relay = self._relay = self._make_relay()
                await relay.start(tasks)
                await stopping.wait()
                await self._leave(tasks, at_once)
                await self._supervisor.stop(_GRACE)
                await envoy
                await relay.stop()  # ends what it does in the group
        except* OSError as failed:
            raise ProxyError(f"cannot start: {failed.exceptions[0]}") from failed
        finally:
            self._health.stop()

    def _make_relay(self) -> "Relay":
        from fairlead.ads.relay import Relay  # noqa: PLC0415 - Envoy starts meanwhile
        from fairlead.ads.upstream import Target  # noqa: PLC0415

        settings = self._settings
        target = Target(settings.xds, self._node, settings.token, settings.authorities)
        return Relay(self._socket, target, settings.snapshot, self._configured)

    @property
    def _node(self) -> str:
        return f"{self._settings.proxy}~{self._settings.instance}"

    async def _leave(self, tasks: asyncio.TaskGroup, at_once: asyncio.Event) -> None:
        """Drain, unless it has to be fast.

        Until the listeners close, readiness does not fail: Kubernetes sends new connections
        elsewhere anyway once a pod is to end, and where there is no other one, here.
        """
        if at_once.is_set():
            self._close()
            return
        _LOG.warning("leaving: clients are told to, requests are finished")
        patience = self._settings.drain
        draining = tasks.create_task(drain(self._admin, self._clock, patience, self._close))
        hurry = tasks.create_task(at_once.wait())
        await asyncio.wait({draining, hurry}, return_when=asyncio.FIRST_COMPLETED)
        if not at_once.is_set() and not draining.result():
            _LOG.warning("cutting off clients that are still connected")
        draining.cancel()
        hurry.cancel()

    def _close(self) -> None:
        """No more connections are taken."""
        self._closed = True

    # Envoy

    def _command(self) -> Command:
        """Write the bootstrap and say how to start; a socket left by a crash is removed."""
        settings = self._settings
        bootstrap = Bootstrap(
            self._node, self._socket, self._admin, limits.heap_bytes(), patient=True
        )
        self._admin.unlink(missing_ok=True)
        self._bootstrap.write_bytes(bootstrap.to_json())
        argv = (
            str(self._envoy),
            *("--config-path", str(self._bootstrap)),
            *("--concurrency", str(settings.concurrency or limits.concurrency())),
            *("--log-level", settings.log_level),
            *("--drain-time-s", str(_CONNECTION_SECONDS)),
            *("--drain-strategy", "immediate"),
            "--disable-hot-restart",
        )
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        return Command(argv, environment, None, many_files=True)

    def _on_change(self, state: State) -> None:
        self._serves = self._serves and state.phase == "running"
        if state.phase == "running":
            self._heard = self._clock.now()  # it needs a moment before it answers
            _LOG.info("envoy runs as process %d", state.pid)

    async def _answers(self) -> bool | None:
        """Whether Envoy has its first configuration; None while it doesn't answer."""
        asked = self._supervisor.state.pid
        try:
            status, _ = await admin.request(self._admin, "/ready")
        except admin.AdminError:
            return None
        if asked == self._supervisor.state.pid:
            self._heard = self._clock.now()
            self._serves = status == HTTPStatus.OK
        return status == HTTPStatus.OK

    async def _configured(self) -> bool:
        """Whether Envoy has its first configuration, which a snapshot must not take the place of.

        One that is too busy to answer is asked until it does.
        """
        while not self._serves and await self._answers() is None:
            await self._clock.sleep(_ASK_SECONDS)
        return self._serves

    # What the kubelet asks

    async def _ready(self) -> Answer:
        if self._closed:
            return HTTPStatus.SERVICE_UNAVAILABLE, b"closed\n"
        answer = await self._answers()
        busy = answer is None and self._serves and self._silent < _BUSY_SECONDS
        if answer or busy:
            return HTTPStatus.OK, b"ready\n"
        return HTTPStatus.SERVICE_UNAVAILABLE, b"Envoy has no configuration yet\n"

    async def _healthz(self) -> Answer:
        await self._answers()
        if self._silent > _SILENCE:
            words = f"Envoy is silent for {self._silent:.0f} s\n"
            return HTTPStatus.SERVICE_UNAVAILABLE, words.encode()
        return HTTPStatus.OK, b"alive\n"

    @property
    def _silent(self) -> float:
        """Seconds since Envoy last answered."""
        return self._clock.now() - self._heard

    async def _metrics(self) -> Answer:
        try:
            _, body = await admin.request(
                self._admin, "/stats/prometheus", seconds=_METRICS_SECONDS
            )
        except admin.AdminError as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n".encode()
        source = "nowhere" if self._relay is None else self._relay.source.value
        lines = ["# TYPE fairlead_proxy_source gauge"]
        lines += [
            f'fairlead_proxy_source{{source="{name}"}} {int(name == source)}'
            for name in ("nowhere", "replica", "snapshot")
        ]
        restarts = self._supervisor.state.restarts
        lines += ["# TYPE fairlead_proxy_envoy_restarts counter"]
        lines += [f"fairlead_proxy_envoy_restarts {restarts}", ""]
        return HTTPStatus.OK, body + "\n".join(lines).encode()


def main(settings: ProxySettings) -> int:
    """Run until a signal says stop.

    Returns:
        0 after SIGTERM, 130 after Ctrl-C.

    Raises:
        ProxyError: it could not start.
    """
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stdout,
    )
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # each failed try is said once, by us
    try:
        envoy = find_envoy()
    except EnvoyNotFoundError as error:
        raise ProxyError(str(error)) from error
    return asyncio.run(_serve(settings, envoy))


async def _serve(settings: ProxySettings, envoy: Path) -> int:
    """Serve; SIGTERM lets clients go, Ctrl-C and a second signal do not wait."""
    at_once = asyncio.Event()
    stop = Stop(at_once.set, hurried=(signal.SIGINT,))
    await ProxyPod(settings, envoy).run(stop.asked, at_once=at_once)
    return stop.code
