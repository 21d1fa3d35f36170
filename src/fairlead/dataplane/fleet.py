"""Runs the Envoys that shall run on this machine, each as a process of its own.

What comes in is the fleet (name to `ir.fleet.Proxy`), whenever it changes; what goes out are facts
about each proxy. One that crashes is restarted alone; one that is removed stops taking connections,
finishes its requests and goes. Invariant: at most one process per name.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fairlead.dataplane import admin
from fairlead.dataplane.bootstrap import Bootstrap
from fairlead.dataplane.clock import Clock, SystemClock
from fairlead.dataplane.process import Command, Exit, trim_log
from fairlead.dataplane.supervise import Backoff, Plan, State, Supervisor
from fairlead.ir.fleet import Proxy

_LOG = logging.getLogger(__name__)
LOG_CHECK_SECONDS = 5.0
ACCESS_LOG = "access.log"
"""What Envoys that log requests shall call that file, which is beside their own log."""
_BACKOFF = Backoff(first=0.2, longest=5)
_FASTEST_POLL, _SLOWEST_POLL = 0.02, 0.25
_GRACE = 1.5
"""Seconds after SIGTERM. Envoy does not drain then, so it needs little."""
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """What all Envoys of an instance have in common."""

    envoy: Path
    ads_socket: Path
    runtime_dir: Path
    """For bootstraps and admin sockets; a short path."""
    log_dir: Path
    concurrency: int
    """Worker threads of each Envoy."""
    log_level: str = "warning"
    drain_seconds: int = 2
    """How long a removed proxy finishes its requests."""
    connection_seconds: int = 600
    """How long a connection may go on whose listener or chain was changed or removed. HTTP clients
    are told to leave with their next answer; those of a TCPRoute cannot be told."""

    def log_of(self, proxy: str) -> Path:
        """The log of a proxy."""
        return self.log_dir.joinpath(*proxy.split("/")) / "envoy.log"


@dataclass(frozen=True, slots=True)
class EnvoyFacts:
    """One proxy's process."""

    name: str
    state: Literal["starting", "ready", "restarting", "draining"]
    pid: int
    """0 while none runs."""
    restarts: int
    uptime: float
    """Seconds since the process started; 0 while none runs."""
    last_exit: Exit | None
    admin_socket: Path
    log: Path


class EnvoyFleet:
    """Converges on the proxies it was last told.

    Args:
        settings: what the Envoys have in common.
        tasks: the group in which the supervision runs; if it is cancelled, the Envoys are killed.
        on_end: told the name of a proxy that is no longer wanted and has ended.
    """

    def __init__(
        self, settings: FleetSettings, tasks: asyncio.TaskGroup, on_end: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._tasks = tasks
        self._on_end = on_end
        self._clock = SystemClock()
        self._wanted: frozenset[str] = frozenset()
        self._running: dict[str, _Envoy] = {}
        self._stopping = False

    def converge(self, proxies: Mapping[str, Proxy]) -> None:
        """Start what is missing, and end what has not been wanted for `drain_seconds`."""
        if not self._stopping:
            self._wanted = frozenset(proxies)
            self._reconcile()

    def facts(self) -> Mapping[str, EnvoyFacts]:
        """What runs, by name of the proxy."""
        return {name: self._running[name].facts() for name in sorted(self._running)}

    async def stop(self) -> None:
        """Stop all at once, without draining; returns when none is left."""
        self._stopping = True
        self._wanted = frozenset()
        async with asyncio.TaskGroup() as tasks:
            for envoy in self._running.values():
                tasks.create_task(envoy.stop())

    def _reconcile(self) -> None:
        for name in sorted(self._wanted - self._running.keys()):
            envoy = _Envoy(name, self._settings, self._clock)
            self._running[name] = envoy
            self._tasks.create_task(self._run(envoy), name=f"envoy {name}")
        for name, envoy in self._running.items():
            if name in self._wanted:
                envoy.keep()
            else:
                envoy.retire()

    async def _run(self, envoy: "_Envoy") -> None:
        await envoy.run(self._tasks)
        del self._running[envoy.name]
        if not self._stopping:
            self._reconcile()  # it may be wanted again by now
            if envoy.name not in self._wanted:
                self._on_end(envoy.name)


class _Envoy:
    """One proxy: its files, its supervised process, its readiness."""

    def __init__(self, name: str, settings: FleetSettings, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        digest = hashlib.blake2s(name.encode(), digest_size=6).hexdigest()
        self._admin = settings.runtime_dir / f"envoy-{digest}.sock"
        self._bootstrap = settings.runtime_dir / f"envoy-{digest}.json"
        plan = Plan(f"envoy {name}", self._command, _BACKOFF, restart=lambda _: True)
        self._supervisor = Supervisor(plan, clock, self._on_change, None)
        self._ready = False
        self._changed = asyncio.Event()
        self._retiring = asyncio.Event()

    def facts(self) -> EnvoyFacts:
        state = self._supervisor.state
        running = state.phase == "running"
        return EnvoyFacts(
            name=self.name,
            state=self._phase(state),
            pid=state.pid,
            restarts=state.restarts,
            uptime=self._clock.now() - state.since if running else 0.0,
            last_exit=state.last_exit,
            admin_socket=self._admin,
            log=self._settings.log_of(self.name),
        )

    def retire(self) -> None:
        """End after `drain_seconds`, unless it is wanted again; `run` returns then."""
        self._retiring.set()

    def keep(self) -> None:
        """It is wanted."""
        self._retiring.clear()

    async def run(self, tasks: asyncio.TaskGroup) -> None:
        """Keep the process running until it is retired or stopped."""
        process = tasks.create_task(self._supervisor.run(), name=f"supervise {self.name}")
        watch = tasks.create_task(self._watch(), name=f"readiness of {self.name}")
        retire = tasks.create_task(self._retire(), name=f"retire {self.name}")
        logs = tasks.create_task(self._trim_logs(), name=f"logs of {self.name}")
        try:
            await asyncio.shield(process)
        finally:
            for task in (watch, retire, logs):
                task.cancel()
            for path in (self._admin, self._bootstrap):
                path.unlink(missing_ok=True)

    async def stop(self) -> None:
        """End without draining."""
        await self._supervisor.stop(_GRACE)

    def _phase(self, state: State) -> Literal["starting", "ready", "restarting", "draining"]:
        if self._retiring.is_set():
            return "draining"
        if state.phase == "backoff":
            return "restarting"
        return "ready" if self._ready else "starting"

    def _on_change(self, state: State) -> None:
        if state.phase != "running":
            self._ready = False
        self._changed.set()

    def _command(self) -> Command:
        """Write the bootstrap and say how to start; a socket left by a crash is removed."""
        settings = self._settings
        bootstrap = Bootstrap(self.name, settings.ads_socket, self._admin, default_heap())
        self._admin.unlink(missing_ok=True)
        self._bootstrap.write_bytes(bootstrap.to_json())
        self._bootstrap.chmod(0o600)
        argv = (
            str(settings.envoy),
            *("--config-path", str(self._bootstrap)),
            *("--concurrency", str(settings.concurrency)),
            *("--log-level", settings.log_level),
            *("--drain-time-s", str(settings.connection_seconds)),
            *("--drain-strategy", "immediate"),
            "--disable-hot-restart",
        )
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        return Command(argv, environment, settings.log_of(self.name), many_files=True)

    async def _watch(self) -> None:
        """Ask each new process whether it is ready, until it is."""
        while True:
            pause = _FASTEST_POLL
            self._changed.clear()
            asked = self._supervisor.state
            while asked.phase == "running" and not self._ready:
                answer = await admin.ready(self._admin)
                if self._supervisor.state is not asked:
                    break
                self._ready = answer
                if not answer and await self._clock.wait(self._changed, pause):
                    break
                pause = min(_SLOWEST_POLL, pause * 1.5)
            await self._changed.wait()

    async def _trim_logs(self) -> None:
        """Keep logs from filling the disk."""
        log = self._settings.log_of(self.name)
        while True:
            await self._clock.sleep(LOG_CHECK_SECONDS)
            for path in (log, log.with_name(ACCESS_LOG)):
                try:
                    trim_log(path)
                except OSError as error:
                    _LOG.warning("cannot trim %s: %s", path, error)

    async def _retire(self) -> None:
        """End once the proxy has not been wanted for a while.

        By then the control plane has taken its listeners away, and requests are finished.
        """
        while True:
            await self._retiring.wait()
            await self._clock.sleep(self._settings.drain_seconds)
            if self._retiring.is_set():
                break
        await self._supervisor.stop(_GRACE)


def default_concurrency() -> int:
    """Worker threads for one of several Envoys on a machine: 2, on one CPU 1."""
    return min(2, len(os.sched_getaffinity(0)))


def default_heap() -> int:
    """Bytes that one Envoy may use: half of what this process may, between 512 MiB and 4 GiB."""
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # "max", or no cgroup v2
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")
        available = min(available, int(limit))
    return min(4 * _GIB, max(_GIB // 2, available // 2))
