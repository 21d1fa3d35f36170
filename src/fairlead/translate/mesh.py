"""The mesh: what every local pod's own outbound listener does with its requests (GAMMA).

In: live pods, Services, routes attached to Services. Out: a listener for each pod, and virtual
hosts in one route table for each namespace that has pods: ``mesh/NS`` for those in the mesh,
``unmeshed/NS`` for those that opted out, which get plain Services. Every Service port is a
virtual host of each table; what is no Service passes through, by the last one, ``*``.

One route's change touches the virtual hosts of its Service ports, a Service's its own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from fairlead.graph import Collection, Context, Graph
from fairlead.ir.backend import Forward
from fairlead.ir.fleet import MESH_PROXY, Proxy
from fairlead.ir.listener import Listener, OutboundListener
from fairlead.ir.match import HeaderMatch, Match
from fairlead.ir.origin import Origin
from fairlead.ir.rule import Respond, Route, Rule
from fairlead.ir.virtual_host import VirtualHost
from fairlead.ir.workload import Workload
from fairlead.translate import enrolment, mesh_routes, virtual_address
from fairlead.translate.clusters import OUTSIDE, PASSTHROUGH, Clusters, Destination
from fairlead.translate.mesh_hosts import domains, service_name
from fairlead.translate.mesh_routes import MeshRoutes
from fairlead.translate.service_port import Port, PortKey
from fairlead.translate.sources import Key, Settings, Sources
from fairlead.translate.virtual_address import VirtualAddress

ANY_HOST: Final = "*"

NO_SERVICE: Final = "no-service"
"""Name of the rule that answers for Services and ports that don't exist."""

_NO_LABELS: Final[Mapping[str, str]] = {}

TableKey: TypeAlias = tuple[str, bool]
"""(client namespace, whether its clients are in the mesh)."""

HostKey: TypeAlias = tuple[str, str]
"""(table, virtual host name)."""


@dataclass(frozen=True, slots=True)
class MeshOutputs:
    """What the mesh's proxy shall do."""

    virtual_hosts: Collection[HostKey, VirtualHost]
    """By (table, virtual host name)."""
    listeners: Collection[tuple[str, str], Listener]
    """By (proxy, listener name)."""
    fleet: Collection[str, Proxy]
    """The mesh's proxy, once a pod has an address."""
    addresses: Collection[Key, VirtualAddress]
    """Virtual address of each Service that has one."""
    routes: MeshRoutes
    """Which routes govern which Service ports."""


class Member(msgspec.Struct, frozen=True):
    """A pod's place in the mesh or beside it."""

    namespace: str
    pod: str
    ip: str
    meshed: bool

    @property
    def table(self) -> TableKey:
        """Which table its requests are routed by."""
        return (self.namespace, self.meshed)


class Table(msgspec.Struct, frozen=True):
    """One route table: the clients of a namespace that are in the mesh, or those that are not."""

    client_namespace: str
    meshed: bool


class _Seed(msgspec.Struct, frozen=True):
    """A virtual host to be made: one Service port as one table's clients see it."""

    table: Table
    port: PortKey
    http2: bool
    """Whether the port says that it speaks HTTP/2, as gRPC does."""


@dataclass(frozen=True, slots=True)
class _HostInputs:
    """What the virtual host of a Service port is made from."""

    clusters: Clusters
    routes: MeshRoutes
    addresses: Collection[Key, VirtualAddress]
    cluster_domain: str


def table_name(client_namespace: str, *, meshed: bool) -> str:
    """Return the name of the route table of a namespace's pods."""
    return f"{'mesh' if meshed else 'unmeshed'}/{client_namespace}"


def build(
    graph: Graph,
    sources: Sources,
    settings: Settings,
    clusters: Clusters,
) -> MeshOutputs:
    """Derive listeners, virtual hosts and the proxy.

    Args:
        graph: Where all of it lives.
        sources: What is written, and the pods as they run.
        settings: Cluster domain and outbound port.
        clusters: Destinations of the rules.
    """
    addresses = virtual_address.build(graph, sources, settings)
    members = _members(graph, sources, settings)
    tables = (
        members.index("mesh members by table", lambda _key, member: (member.table,))
        .terms("mesh tables present")
        .map("mesh tables", lambda _ctx, _key, table: Table(*table))
    )
    client_namespaces = tables.flat_map("client namespaces", _client_namespace)
    routes = mesh_routes.build(graph, sources, clusters, client_namespaces)
    inputs = _HostInputs(clusters, routes, addresses, settings.cluster_domain)
    services = clusters.ports.flat_map("mesh hosts to make", _seeds(tables)).map(
        "service virtual hosts",
        lambda ctx, key, seed: _service_host(ctx, inputs, key, seed),
    )
    rest = tables.flat_map("passthrough virtual hosts", _passthrough(settings.cluster_domain))
    return MeshOutputs(
        virtual_hosts=graph.join("mesh virtual hosts", services, rest),
        listeners=members.flat_map("outbound listeners", _listeners(settings)),
        fleet=members.index("mesh members at all", _proxy_of)
        .terms("mesh has members")
        .map("mesh proxy", lambda _ctx, name, _term: Proxy(name, "mesh")),
        addresses=addresses,
        routes=routes,
    )


def _members(graph: Graph, sources: Sources, settings: Settings) -> Collection[Key, Member]:
    """Decide for each pod that has an address whether it is in the mesh.

    In a cluster nobody is: there is nothing of ours in pods that would take their requests.
    """
    if not settings.standalone:
        return graph.join("mesh members")

    def member(ctx: Context, key: Key, pod: Workload) -> Member | None:
        if not pod.ip:
            return None
        namespace = ctx.fetch(sources.namespaces, ("", pod.namespace))
        labels = namespace.metadata.labels if namespace else _NO_LABELS
        return Member(*key, pod.ip, pod.meshed and enrolment.meshed(dict(pod.labels), labels))

    return sources.workloads.map("mesh members", member)


def _proxy_of(_key: Key, _member: Member) -> tuple[str]:
    """Index term of every member: there is one proxy for all."""
    return (MESH_PROXY,)


def _client_namespace(_ctx: Context, _key: object, table: Table) -> Iterator[tuple[str, str]]:
    """Yield the namespace of a table of the mesh."""
    if table.meshed:
        yield table.client_namespace, table.client_namespace


def _seeds(
    tables: Collection[TableKey, Table],
) -> Callable[[Context, PortKey, Port], Iterator[tuple[HostKey, _Seed]]]:
    """Make the function that gives a Service port its virtual host in every table."""

    def seeds(ctx: Context, key: PortKey, port: Port) -> Iterator[tuple[HostKey, _Seed]]:
        if port.unsupported:
            return
        for _, table in ctx.fetch_all(tables):
            name = table_name(table.client_namespace, meshed=table.meshed)
            yield (name, "/".join(map(str, key))), _Seed(table, key, port.protocol == "h2c")

    return seeds


def _service_host(ctx: Context, inputs: _HostInputs, key: HostKey, seed: _Seed) -> VirtualHost:
    """Make the virtual host of a Service port: its routes' rules, else on to its endpoints."""
    table, port = seed.table, seed.port
    service, client_namespace = port[:2], table.client_namespace
    rules = inputs.routes.rules(ctx, client_namespace, port) if table.meshed else None
    if rules is None:
        policies_of = client_namespace if table.meshed else OUTSIDE
        destination = inputs.clusters.destination(ctx, service, port[2], policies_of)
        rules = (_default(destination, port),)
    address = ctx.fetch(inputs.addresses, service)
    names = domains(
        port, client_namespace, address.address if address else None, inputs.cluster_domain
    )
    http2 = any(rule.match.grpc for rule in rules) or seed.http2
    return VirtualHost(*key, names, rules, tunnel=http2)


def _default(destination: Destination, port: PortKey) -> Rule:
    """Make the rule of a Service port that no route governs: on to its endpoints."""
    namespace, service, number = port
    origin = Origin("Service", namespace, service)
    forward = Forward(destination.cluster, 1, session=destination.session, origin=origin)
    return Rule(
        name=f"service/{namespace}/{service}/{number}",
        match=Match(),
        action=Route((forward,), hash_on=destination.hash_on),
        origin=origin,
    )


def _passthrough(
    cluster_domain: str,
) -> Callable[[Context, object, Table], Iterator[tuple[HostKey, VirtualHost]]]:
    """Make the function that gives a table the virtual host for what is no Service.

    A name that only a Service can have is answered at once: nobody else knows it.
    """
    origin = Origin("Mesh", "", PASSTHROUGH)
    named = Match(headers=(HeaderMatch(":authority", service_name(cluster_domain), regex=True),))
    rules = (
        Rule(
            NO_SERVICE, named, Respond(503, "no Service takes HTTP by this name and port"), origin
        ),
        Rule(PASSTHROUGH, Match(), Route((Forward(PASSTHROUGH, 1, origin=origin),)), origin),
    )

    def host(_ctx: Context, _key: object, table: Table) -> Iterator[tuple[HostKey, VirtualHost]]:
        name = table_name(table.client_namespace, meshed=table.meshed)
        yield (name, ANY_HOST), VirtualHost(name, ANY_HOST, (ANY_HOST,), rules)

    return host


def _listeners(
    settings: Settings,
) -> Callable[[Context, Key, Member], Iterator[tuple[tuple[str, str], Listener]]]:
    """Make the function that gives a member the listener for its requests."""

    def listener(
        _ctx: Context, _key: Key, member: Member
    ) -> Iterator[tuple[tuple[str, str], Listener]]:
        name = f"outbound/{member.namespace}/{member.pod}"
        yield (
            (MESH_PROXY, name),
            OutboundListener(
                proxy=MESH_PROXY,
                name=name,
                address=member.ip,
                bind_port=settings.outbound_port,
                table=table_name(member.namespace, meshed=member.meshed),
                namespace=member.namespace,
                pod=member.pod,
                access_log=settings.access_log,
            ),
        )

    return listener
