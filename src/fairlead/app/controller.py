"""The controller role: a cluster's objects in, configuration of its proxies and status out.

Wires provider, graph, ads and the writers of one replica; every task runs in the one task group
here. Any replica serves proxies, the leader alone writes. Nothing is handed to anybody before all
lists of the API server, and what other replicas published, have been read.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fairlead.ads.access import Access
from fairlead.ads.listening import KeyPair
from fairlead.ads.server import AdsServer
from fairlead.app.answers import NotFoundError
from fairlead.app.cluster_live import ClusterFacts
from fairlead.app.controller_metrics import Counted, metrics
from fairlead.app.engine import Engine
from fairlead.app.expiry import Expiry
from fairlead.app.garbage import collect_when_idle, keep_small
from fairlead.app.health import HealthServer
from fairlead.app.leader import Leader
from fairlead.app.pipeline import AnyChange, Effects, Pipeline
from fairlead.app.receipts import Receipts
from fairlead.app.replicas import Replicas
from fairlead.app.settings import ControllerSettings
from fairlead.app.snapshots import Snapshots
from fairlead.app.socket_api import Backend, SocketApi
from fairlead.app.token_review import TokenReviewer
from fairlead.dataplane.kubernetes import names
from fairlead.dataplane.kubernetes.fleet import KubeFleet, KubeFleetSettings
from fairlead.graph import Change, Events
from fairlead.identity.authority import Bundle
from fairlead.identity.xds_certificates import XdsCertificates
from fairlead.ir.fleet import gateway_of
from fairlead.ir.infrastructure import Infrastructure
from fairlead.providers.batch import Batch
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.provider import KubeProvider
from fairlead.providers.kube.references import Ours
from fairlead.status.cluster import ClusterStatus, recall
from fairlead.status.conditions import system_clock
from fairlead.status.events import EventRecorder
from fairlead.status.store import StatusStore
from fairlead.translate.sources import Key, Settings
from fairlead.xds.resource import Resource

_LOG = logging.getLogger(__name__)
LEASE: Final = "fairlead"
SYSTEM_TRUST: Final = "/etc/ssl/certs/ca-certificates.crt"
"""Where the proxies' image has the certificate authorities."""


class StartError(Exception):
    """The controller cannot start; says why."""


class Controller:
    """One replica, wired, made within the event loop.

    The constructor does no I/O; `run` starts and ends everything.
    """

    def __init__(self, settings: ControllerSettings, client: KubeClient) -> None:
        self._settings = settings
        self._client = client
        clock = asyncio.get_running_loop().time
        self._pipeline = Pipeline(
            Settings(
                controller_name=settings.controller_name,
                cluster_domain=settings.cluster_domain,
                standalone=False,
                bind_addresses=settings.bind_addresses,
                system_trust=SYSTEM_TRUST,
            ),
            access_log="/dev/stdout",
        )
        self._provider = KubeProvider(client, Ours(settings.controller_name))
        self._store = StatusStore(
            system_clock,
            controller_name=settings.controller_name,
            recall=recall(self._provider, settings.controller_name),
        )
        self._engine = Engine(self._pipeline, self._deliver)
        self._expiry = Expiry(self._pipeline.sources, system_clock)
        self._receipts = Receipts()
        self._replicas = Replicas(
            client, settings.namespace, (settings.pod, settings.pod_uid), self._on_proxy_status
        )
        self._ads = AdsServer(None, self._replicas.publish, serving=False)
        self._certificates = XdsCertificates(
            client, settings.namespace, system_clock, self._on_certificate
        )
        self._events = EventRecorder(
            client,
            controller_name=settings.controller_name,
            instance=settings.pod,
            clock=clock,
            ending=self._provider.ending,
        )
        self._status = ClusterStatus(
            self._store,
            self._provider,
            client,
            controller_name=settings.controller_name,
            events=self._events,
            clock=clock,
        )
        self._fleet = KubeFleet(
            client,
            KubeFleetSettings(
                settings.image,
                settings.xds_address,
                settings.controller_name,
                settings.image_pull_policy,
            ),
            self._on_addresses,
            self._on_infrastructure,
        )
        self._leader = Leader(
            client,
            clock,
            settings.namespace,
            LEASE,
            identity=settings.pod,
            on_change=self._lead,
        )
        self._facts = ClusterFacts(self._pipeline, self._provider, self._ads, self._replicas)
        self._snapshots = Snapshots(client, self._pipeline.outputs.fleet.get, self._held)
        self._health = HealthServer(
            settings.health_port, self.waiting_for, lambda: metrics(self._counted())
        )
        self._api = SocketApi(settings.api_port, self._backend())
        self._serving = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until `stopping` is set, then end in order.

        Raises:
            StartError: A port is taken.
        """
        keep_small()
        self._pipeline.add_feedback(self._expiry.answer)
        try:
            await self._health.start()
            await self._api.start()
        except OSError as error:
            raise StartError(str(error)) from error
        try:
            async with asyncio.TaskGroup() as tasks:
                own = self._start(tasks)
                await stopping.wait()
                _LOG.info("stopping")
                self._serving = False
                for task in own:
                    task.cancel()
        finally:
            await self._ads.stop()
            await self._replicas.stop()
            await self._api.stop()
            await self._health.stop()

    def _start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[Any]]:
        """Start everything that runs; returns its tasks. Serving begins when all is read."""
        self._provider.on_status = self._status.live_changed
        self._pipeline.add_feedback(self._observe)
        running = {
            "provider": self._provider.run(),
            "replicas": self._replicas.run(),
            "fleet": self._fleet.run(),
            "certificates": self._certificates.run(),
            "serve": self._serve(),
        }
        return [tasks.create_task(each, name=name) for name, each in running.items()]

    async def _serve(self) -> None:
        """Read everything, make the first configuration, then serve and follow what changes."""
        first = await self._provider.load()
        await self._fleet.synced()
        await self._replicas.wait_synced()
        _LOG.info("read %d objects", len(first.changes) + len(first.workloads))
        seen = self._engine.turns
        self._submit(first)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._engine.run(), name="engine")
            tasks.create_task(self._expiry.run(self._engine.submit), name="expiry")
            tasks.create_task(collect_when_idle(self._engine), name="garbage")
            await self._engine.next_turn(seen)
            tasks.create_task(self._leader.run(), name="leader")
            tasks.create_task(self._status.run(), name="status")
            tasks.create_task(self._events.run(), name="events")
            if self._settings.snapshots:
                tasks.create_task(self._snapshots.run(), name="snapshots")
            tasks.create_task(self._listen(), name="listen")
            await self._follow()

    async def _listen(self) -> None:
        """Serve proxies, once there is a certificate."""
        await self._certificates.ready()
        access = Access(TokenReviewer(self._client, system_clock).authenticate, _subject_of)
        await self._ads.start_tls(f"[::]:{self._settings.xds_port}", self._key_pair, access)
        self._ads.serve()
        self._serving = True
        _LOG.info("serving proxies on port %d", self._settings.xds_port)

    # What comes in

    async def _follow(self) -> None:
        """Hand over what changes in the cluster."""
        clock = asyncio.get_running_loop().time
        async for batch in self._provider.changes():
            self._receipts.note(((change.kind, change.key) for change in batch.changes), clock())
            self._submit(batch)
            for each in batch.problems:
                for problem in each.problems:
                    _LOG.warning("%s", problem.message)

    def _submit(self, batch: Batch) -> None:
        sources = self._pipeline.sources
        changes: list[AnyChange] = [
            Change(sources.of(change.kind), change.key, change.obj) for change in batch.changes
        ]
        changes += [Change(sources.workloads, key, value) for key, value in batch.workloads]
        changes += [
            Change(sources.forbidden, (kind, *key), forbidden or None)
            for kind, key, forbidden in batch.forbidden
        ]
        self._engine.submit(changes)

    def _on_proxy_status(self, proxy: str) -> None:
        """Something may be new of what the pods of a proxy have acknowledged, here or elsewhere."""
        known = proxy in self._pipeline.outputs.fleet
        status = self._replicas.merged(proxy) if known else None
        self._engine.submit([Change(self._pipeline.sources.proxy_status, proxy, status)])

    def _on_addresses(self, key: Key, addresses: tuple[str, ...] | None) -> None:
        self._engine.submit([Change(self._pipeline.sources.gateway_addresses, key, addresses)])

    def _on_infrastructure(self, key: Key, infrastructure: Infrastructure | None) -> None:
        self._engine.submit([Change(self._pipeline.sources.infrastructure, key, infrastructure)])

    def _observe(self, events: Events) -> Iterator[AnyChange]:
        """What is known already of proxies that shall run now (`Pipeline.add_feedback`)."""
        sources = self._pipeline.sources
        for name, (_, proxy) in sorted(events[self._pipeline.outputs.fleet].items()):
            status = self._replicas.merged(name) if proxy is not None else None
            if sources.proxy_status.get(name) != status:
                yield Change(sources.proxy_status, name, status)
            if proxy is None:
                continue
            key, found = (proxy.namespace, proxy.gateway), self._fleet.observe(proxy)
            if sources.gateway_addresses.get(key) != found.addresses:
                yield Change(sources.gateway_addresses, key, found.addresses)
            if sources.infrastructure.get(key) != found.infrastructure:
                yield Change(sources.infrastructure, key, found.infrastructure)

    def _on_certificate(self, bundle: Bundle) -> None:
        self._fleet.authorities(bundle.authorities.decode())

    def _lead(self, leading: bool) -> None:  # noqa: FBT001 - a callback of `Leader`
        """Begin or end to write."""
        _LOG.info("this replica %s", "leads" if leading else "does not lead")
        self._certificates.lead(leading=leading)
        self._fleet.lead(leading=leading)
        self._status.lead(leading=leading)
        self._snapshots.lead(leading=leading)
        if leading:
            self._snapshots.touched(key for key, _ in self._pipeline.outputs.fleet.items())

    # What goes out

    def _deliver(self, effects: Effects) -> None:
        """Hand on what has changed: configuration first, then who shall run, then status.

        The pods of a Gateway that is ours no more go on with what they have: they drain if it was
        deleted or is another controller's, and serve on while its class is missing.
        """
        fleet = self._pipeline.outputs.fleet
        for proxy in effects.fleet.keys() | effects.resources.keys():
            if proxy in fleet:
                self._ads.update(proxy, effects.resources.get(proxy, {}))
            else:
                self._ads.forget(proxy)
                self._replicas.forget(proxy)
        if effects.fleet:
            self._fleet.converge(dict(fleet.items()))
        self._snapshots.touched(effects.fleet.keys() | effects.resources.keys())
        if effects.reports:
            self._store.update(effects.reports.items())
            self._status.touched(effects.reports)

    def _held(self, proxy: str) -> tuple[Resource, ...] | None:
        """What a new pod of the proxy may start from."""
        merged = self._replicas.merged(proxy)
        connected = merged is not None and merged.connected
        return self._ads.holds(proxy, merged.rejections if merged and connected else None)

    def _key_pair(self) -> KeyPair:
        bundle = self._certificates.bundle
        return KeyPair(bundle.certificate, bundle.key)

    # Facts for others

    def waiting_for(self) -> str | None:
        """What is missing before proxies are served; None once they are."""
        if self._serving:
            return None
        if missing := self._provider.waiting_for:
            return f"lists of {', '.join(missing)}"
        return "the first configuration and a certificate"

    def _backend(self) -> Backend:
        return Backend(
            engine=self._engine,
            view=self._facts.view,
            waiting_for=self.waiting_for,
            exec_environment=_no_environment,
            dump=self._pipeline.graph.dump,
            receipts=self._receipts.all,
        )

    def _counted(self) -> Counted:
        fleet = self._pipeline.outputs.fleet
        counts = self._status.counts
        return Counted(
            leading=self._leader.leading,
            ready=self._serving,
            turns=self._engine.turns,
            proxies={name: self._replicas.merged(name) for name, _ in fleet.items()},
            connected=sum(state.connected for state in self._ads.sync_state()),
            informers=self._provider.states,
            writes={
                "written": counts.written,
                "conflict": counts.conflicts,
                "failed": counts.failed,
            },
            problems=len(self._provider.problems()),
        )


def _subject_of(proxy: str) -> str:
    """The service account of a proxy's pods."""
    namespace, gateway = gateway_of(proxy)
    if not gateway:
        return ""
    return f"system:serviceaccount:{namespace}:{names.resource_name(gateway)}"


def _no_environment(key: Key, container: str | None) -> Mapping[str, Any]:
    del container
    raise NotFoundError(f"pod {'/'.join(key)} runs in a cluster; use kubectl exec")
