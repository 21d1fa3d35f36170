"""What there is to ask about: objects, IR, reports and the facts of running things, at one moment.

A view is read only and made for one question; nothing in it is computed before it is asked for.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import msgspec

from fairlead import api
from fairlead.analysis.routes import ROUTE_KINDS, Route
from fairlead.dataplane.pod import PodFacts
from fairlead.graph import Collection
from fairlead.ir.cluster import Cluster
from fairlead.ir.endpoint import Endpoint
from fairlead.ir.fleet import gateway_proxy
from fairlead.ir.listener import GatewayListener, OutboundListener, UdpListener
from fairlead.ir.proxy_status import Rejection
from fairlead.ir.workload import Workload
from fairlead.translate.clusters import cluster_name
from fairlead.translate.outputs import Outputs
from fairlead.translate.report import ParentReport, Report
from fairlead.translate.sources import Key, Sources

BoundListener: TypeAlias = GatewayListener | UdpListener
"""A port of a Gateway that its proxy listens on."""


class ProxyFacts(msgspec.Struct, frozen=True):
    """One proxy as it runs."""

    name: str
    kind: str
    connected: bool = False
    synced: bool = False
    """It has acknowledged the newest of everything that it was sent."""
    last_ack: float | None = None
    """Seconds since its last acknowledgement, None if there was none."""
    rejections: tuple[Rejection, ...] = ()
    pid: int | None = None
    restarts: int = 0
    instances: "tuple[ProxyFacts, ...] | None" = None
    """Its pods that are connected, by node id; None where one process is the proxy."""
    replica: str = ""
    """Of the control plane, that serves it; empty where there is but one."""


class Live(Protocol):
    """What no collection knows: status with its times, ages, processes."""

    def status(self, kind: str, key: Key) -> Mapping[str, Any]:
        """The object's status, empty if there is none."""
        ...

    def born(self, kind: str, key: Key) -> datetime:
        """When the object was first seen."""
        ...

    def now(self) -> datetime:
        """The present time."""
        ...

    def proxies(self) -> Mapping[str, ProxyFacts]:
        """By name of the proxy."""
        ...

    def pods(self) -> Mapping[Key, PodFacts]:
        """Processes of pods, of those that were started."""
        ...

    def problems(self) -> tuple[api.Problem, ...]:
        """What is wrong with documents, sorted."""
        ...


@dataclass(frozen=True)
class View:
    """Everything that tables and descriptions read. Lookups that take a scan are made once."""

    sources: Sources
    outputs: Outputs
    live: Live

    def report(self, kind: str, key: Key) -> Report | None:
        """The report about an object."""
        return self.outputs.reports.get((kind, *key))

    def objects(self, kind: str) -> Iterator[tuple[Key, api.Object]]:
        """All objects of a kind, sorted by namespace and name."""
        return iter(self._collection(kind).items())

    def object(self, kind: str, key: Key) -> api.Object | None:
        """One object; Pods of Deployments and EndpointSlices of Services are objects too."""
        return self._collection(kind).get(key)

    @cached_property
    def routes(self) -> list[Route]:
        """All routes, sorted by kind, namespace and name."""
        return [route for kind in ROUTE_KINDS for _, route in self.sources.of(kind).items()]

    @cached_property
    def attached(self) -> Mapping[tuple[str, Key], list[tuple[Route, ParentReport]]]:
        """The routes that name a parent, with what became of that, by (kind, key) of the parent."""
        answer: dict[tuple[str, Key], list[tuple[Route, ParentReport]]] = defaultdict(list)
        for route in self.routes:
            report = self.report(route.kind, route.key)
            for parent in report.parents if report else ():
                key = parent.parent_ref.key_from(route.metadata.namespace)
                answer[parent.parent_ref.kind, key].append((route, parent))
        return answer

    @cached_property
    def _workloads(self) -> Mapping[str, list[Workload]]:
        answer: dict[str, list[Workload]] = defaultdict(list)
        for (namespace, _), workload in self.sources.workloads.items():
            answer[namespace].append(workload)
        return answer

    @cached_property
    def _slices(self) -> Mapping[Key, list[api.EndpointSlice]]:
        answer: dict[Key, list[api.EndpointSlice]] = defaultdict(list)
        for (namespace, _), written in self.sources.endpoint_slices.items():
            answer[namespace, written.service_name].append(written)
        return answer

    def born(self, kind: str, key: Key) -> datetime:
        """When an object came into being here: a pod with its processes, others when first seen.

        The EndpointSlices of a Service came with it.
        """
        facts = self.pod_facts.get(key) if kind == "Pod" else None
        if facts is not None:
            return self.live.now() - timedelta(seconds=facts.uptime)
        if kind == "EndpointSlice" and key not in self.sources.endpoint_slices:
            made = self.outputs.endpoint_slices.get(key)
            return self.live.born("Service", (key[0], made.service_name if made else ""))
        return self.live.born(kind, key)

    def endpoints(
        self, service: Key, port: int, transport: str | None = None
    ) -> tuple[Endpoint, ...]:
        """Ready endpoints of a Service port; without `transport`, of the TCP one before UDP's."""
        places = {"TCP": self.outputs.addresses, "UDP": self.outputs.udp_addresses}
        for protocol, addresses in places.items():
            found = addresses.get((*service, port)) if transport in {None, protocol} else None
            if found is not None:
                return found.ready
        return ()

    def endpoint_counts(
        self, key: Key, service: api.Service, port: int, transport: str | None = None
    ) -> tuple[int, int]:
        """Ready endpoints of a Service port, and how many there are or could be."""
        ready = len(self.endpoints(key, port, transport))
        wanted = set(service.spec.selector.items())
        selected = [
            workload
            for workload in self._workloads.get(key[0], ())
            if wanted and wanted <= set(workload.labels)
        ]
        places = {workload.ip or f"{workload.name} has none yet" for workload in selected}
        for written in self._slices.get(key, ()):  # in a cluster, of the same pods
            places |= {address for e in written.endpoints for address in e.addresses}
        return ready, max(ready, len(places))

    def clusters(self, service: Key, port: int) -> list[Cluster]:
        """The clusters of a Service port: everyone's first, then namespaces' own."""
        shared = cluster_name(*service, port)
        names = [shared] + [
            cluster_name(*service, port, namespace) for namespace in self._client_namespaces
        ]
        found = (self.outputs.clusters.get(name) for name in names)
        return [cluster for cluster in found if cluster is not None]

    def bound(self, gateway: Key) -> list[BoundListener]:
        """A Gateway's bound ports, by port."""
        return self._listeners.get(gateway_proxy(*gateway), [])

    @cached_property
    def proxies(self) -> Mapping[str, ProxyFacts]:
        """Every proxy as it runs, by name."""
        return self.live.proxies()

    @cached_property
    def pod_facts(self) -> Mapping[Key, PodFacts]:
        """Processes of pods, of those that were started."""
        return self.live.pods()

    def acknowledged(self, proxies: Iterable[str], kind: str, key: Key) -> tuple[int, int]:
        """How many of `proxies` have taken over an object, and how many there are."""
        names = tuple(proxies)
        facts = self.proxies
        good = 0
        for name in names:
            proxy = facts.get(name)
            if proxy is None or not (proxy.connected and proxy.synced):
                continue
            good += not rejections_of(proxy, kind, key)
        return good, len(names)

    @cached_property
    def _client_namespaces(self) -> list[str]:
        rules = self.sources.destination_rules.items()
        return sorted({rule.metadata.namespace for _, rule in rules})

    @cached_property
    def _listeners(self) -> Mapping[str, list[BoundListener]]:
        answer: dict[str, list[BoundListener]] = defaultdict(list)
        for (proxy, _), listener in self.outputs.listeners.items():
            if not isinstance(listener, OutboundListener):
                answer[proxy].append(listener)
        for listeners in answer.values():
            listeners.sort(key=lambda listener: (listener.port, listener.name))
        return answer

    def _collection(self, kind: str) -> Collection[Key, Any]:
        match kind:
            case "Pod":
                return self.outputs.pods
            case "EndpointSlice":
                return self.outputs.endpoint_slices
            case _:
                return self.sources.of(kind)


def rejections_of(proxy: ProxyFacts, kind: str, key: Key) -> tuple[Rejection, ...]:
    """What the proxy refused of an object."""
    return tuple(
        rejection
        for rejection in proxy.rejections
        if any((o.kind, o.namespace, o.name) == (kind, *key) for o in rejection.origins)
    )
