"""Clusters: one for each Service port, and one more for each namespace whose own policy differs.

In: Services, DestinationRules and the standard policies. Out: `ir.cluster.Cluster` by name, and
for those who write rules, which cluster a client's requests go to. A cluster is never named after
a route or rule, so that reordering rules renames nothing and all routes of a Service share its
health state. Variants that only some routes or Gateways need are made by `cluster_variants`,
once something is sent to them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Graph, Index
from fairlead.ir.cluster import Cluster
from fairlead.ir.endpoint import Endpoints
from fairlead.ir.http_policy import SessionPersistence
from fairlead.ir.rule import HashOn
from fairlead.ir.workload import Workload
from fairlead.translate import (
    destination_rule,
    endpoint_slices,
    endpoints,
    pod_endpoint,
    service_port,
)
from fairlead.translate.backend import Backend
from fairlead.translate.cluster_name import ClusterName
from fairlead.translate.destination_rule import DestinationRules, Scopes
from fairlead.translate.endpoints import Addresses
from fairlead.translate.pod_endpoint import Labelled
from fairlead.translate.service_port import Port, PortKey
from fairlead.translate.sources import Key, Settings, Sources
from fairlead.translate.standard_policy import StandardPolicy
from fairlead.translate.traffic_policy import PortPolicy

PASSTHROUGH: Final = "passthrough"
"""Name of the cluster that sends a request to the host it names itself."""

OUTSIDE: Final = ""
"""Client namespace of those who are not in the mesh."""

Protocol: TypeAlias = Literal["http", "h2c", "tcp", "raw"]
"""What a route sends: ``http`` as the port declares it (HTTPRoute), ``h2c`` HTTP/2 whatever it
declares (GRPCRoute), ``tcp`` bytes, inside TLS if a policy says so (TCPRoute, TLSRoute that
terminates), ``raw`` TLS just as it comes (TLSRoute that passes through)."""

_NO_POLICY: Final = StandardPolicy()


def cluster_name(
    namespace: str, service: str, port: int, client_namespace: str | None = None
) -> str:
    """Return the name of a Service port's cluster.

    Args:
        namespace: Namespace of the Service.
        service: Name of the Service.
        port: Port of the Service, not of its pods.
        client_namespace: Namespace whose clients have a policy of their own, None for the
            cluster that everyone else shares.
    """
    return str(ClusterName(namespace, service, port, client_namespace=client_namespace))


class Destination(msgspec.Struct, frozen=True):
    """Where a client's requests to a Service port or XBackend go."""

    cluster: str
    """Of no cluster at all where a policy forbids to send there: then requests are answered 500
    and connections closed, without further ado."""
    hash_on: tuple[HashOn, ...] = ()
    """What consistent hashing reads from them; belongs into the route."""
    session: SessionPersistence | None = None
    """How clients are kept at an endpoint, unless the route says it itself."""


class Routing(msgspec.Struct, frozen=True):
    """What matters to routes of the policies of a Service port; most changes of them do not."""

    shared: tuple[HashOn, ...] = ()
    own: tuple[tuple[str, tuple[HashOn, ...]], ...] = ()
    """(client namespace, what is hashed) where its clients have a cluster of their own, sorted."""
    encrypted: bool = False
    refused: bool = False
    standard: bool = False
    """Whether any standard policy applies."""
    session: SessionPersistence | None = None


_NO_ROUTING: Final = Routing()


@dataclass(frozen=True, slots=True)
class Clusters:
    """The destinations of all rules."""

    clusters: Collection[str, Cluster]
    """By name; every Service port that takes HTTP, and `PASSTHROUGH` once anything runs."""
    endpoints: Collection[str, Endpoints]
    """By cluster name; none for `PASSTHROUGH`."""
    ports: Collection[PortKey, Port]
    """Every port of every Service, those that take no HTTP included; one for each number."""
    udp_ports: Collection[PortKey, Port]
    addresses: Collection[PortKey, Addresses]
    """What stands behind each TCP port."""
    udp_addresses: Collection[PortKey, Addresses]
    routings: Collection[PortKey, Routing]
    """Where a policy says so; all others are their shared cluster, with no hashing."""
    standard: Collection[PortKey, StandardPolicy]
    """Where there is one."""
    xbackends: Collection[Key, Backend]
    rules: DestinationRules
    """Which DestinationRule shapes which Service, and what is reported about it."""
    endpoint_slices: Collection[Key, api.EndpointSlice]
    """Those that are written, and those of Services with a selector; a written one wins."""
    pods: Index[Key, Workload, Labelled]
    """Live pods by label."""

    def port(self, ctx: Context, service: Key, port: int) -> Port | None:
        """Return a port of a Service, None if the Service or the port does not exist.

        `Port.unsupported` says why a backendRef to it is ``UnsupportedProtocol``.
        """
        return ctx.fetch(self.ports, (*service, port))

    def destination(
        self,
        ctx: Context,
        service: Key,
        port: int,
        client_namespace: str,
        *,
        protocol: Protocol = "http",
        certificate: str = "",
    ) -> Destination:
        """Return where clients of `client_namespace` reach a port of a Service.

        For a port that does not exist, the name its shared cluster would have: ask `port` first.
        Clients of no namespace (`OUTSIDE`) have no policies: nothing is hashed for them, and
        nothing encrypted.

        Args:
            ctx: The function run that reads the policies.
            service: Key of the Service.
            port: Its port.
            client_namespace: Whose policies count.
            protocol: What is sent.
            certificate: Name of the `ir.secret.Certificate` that the client's Gateway shows where
                it originates TLS; empty for none.
        """
        routing = ctx.fetch(self.routings, (*service, port)) or _NO_ROUTING
        outside = client_namespace == OUTSIDE
        plain = routing.standard if outside else protocol == "raw" and routing.encrypted
        encrypted = routing.encrypted and not plain
        own = (
            None
            if outside
            else next((scope for scope in routing.own if scope[0] == client_namespace), None)
        )
        name = ClusterName(
            *service,
            port,
            client_namespace=own[0] if own else None,
            refused=routing.refused and not plain,
        )
        if not name.refused:
            name = msgspec.structs.replace(
                name,
                spoken=self._spoken(ctx, (*service, port), protocol, encrypted=routing.encrypted),
                plain=plain,
                certificate=certificate if encrypted else "",
            )
        if outside:
            return Destination(str(name))
        hash_on = own[1] if own else routing.shared
        return Destination(str(name), hash_on, None if plain else routing.session)

    def backend_destination(
        self, ctx: Context, xbackend: Key, port: int, protocol: Protocol = "http"
    ) -> Destination:
        """Return where an XBackend is reached; of one that does not exist, a name without cluster.

        Its own `spec.tls` counts, whatever the protocol and whoever the client; only TLS that is
        passed through stays as it comes.
        """
        found = ctx.fetch(self.xbackends, xbackend)
        if found is None:
            return Destination(str(ClusterName(*xbackend, port, kind="XBackend", refused=True)))
        return Destination(found.cluster(protocol), session=found.session)

    def _spoken(
        self, ctx: Context, key: PortKey, protocol: Protocol, *, encrypted: bool
    ) -> Literal["h2c", "tcp"] | None:
        """Return what is spoken where it is not what the port's own cluster speaks."""
        if protocol == "http":
            return None
        port = ctx.fetch(self.ports, key)
        if protocol == "h2c":
            return None if port is not None and port.protocol == "h2c" else "h2c"
        return "tcp" if encrypted or port is None or port.unsupported else None


def build(
    graph: Graph,
    sources: Sources,
    settings: Settings,
    standard: Collection[PortKey, StandardPolicy],
    xbackends: Collection[Key, Backend],
) -> Clusters:
    """Derive the clusters of Services and their endpoints.

    Args:
        graph: Where all of it lives.
        sources: What is written, and the pods as they run.
        settings: Cluster domain.
        standard: Standard policies of Service ports.
        xbackends: Destinations that are no Services.
    """
    ports = _effective(service_port.build(sources), standard)
    udp_ports = service_port.build_udp(sources)
    pods = pod_endpoint.by_label(sources.workloads)
    by_service = pods if settings.standalone else None
    addresses, udp_addresses = endpoints.build(sources, ports, udp_ports, by_service)
    rules = destination_rule.build(sources, settings)
    clusters = graph.join(
        "clusters of Services",
        ports.flat_map("clusters of ports", _of_port(rules, standard)),
        *((_passthrough(sources),) if settings.standalone else ()),
    )
    return Clusters(
        clusters=clusters,
        endpoints=endpoints.of_clusters(clusters, addresses),
        ports=ports,
        udp_ports=udp_ports,
        addresses=addresses,
        udp_addresses=udp_addresses,
        routings=ports.map("routings", _routing(rules, standard)),
        standard=standard,
        xbackends=xbackends,
        rules=rules,
        endpoint_slices=graph.join(
            "endpoint slices",
            sources.endpoint_slices,
            *((endpoint_slices.build(sources, pods),) if settings.standalone else ()),
        ),
        pods=pods,
    )


def _effective(
    written: Collection[PortKey, Port], standard: Collection[PortKey, StandardPolicy]
) -> Collection[PortKey, Port]:
    """The ports, those that need TLS being HTTP once a policy has it originated."""

    def effective(ctx: Context, key: PortKey, port: Port) -> Port:
        if port.over_tls is None:
            return port
        policy = ctx.fetch(standard, key)
        return service_port.inside_tls(port) if policy and policy.encrypted else port

    return written.map("service ports", effective)


def _routing(
    rules: DestinationRules, standard: Collection[PortKey, StandardPolicy]
) -> Callable[[Context, PortKey, Port], Routing | None]:
    """Make the function that tells what matters to routes of a port's policies."""

    def routing(ctx: Context, key: PortKey, port: Port) -> Routing | None:
        policy = ctx.fetch(standard, key)
        shaped = not port.unsupported and ctx.fetch(rules.scopes, key[:2]) is not None
        if policy is None and not shaped:
            return None
        shared, *own = scopes_of(ctx, rules, key) if shaped else ((None, PortPolicy()),)
        applied = policy or _NO_POLICY
        return Routing(
            shared=shared[1].hash_on,
            own=tuple((scope or "", settings.hash_on) for scope, settings in own),
            encrypted=applied.encrypted,
            refused=applied.refused,
            standard=policy is not None,
            session=applied.session,
        )

    return routing


def _of_port(
    rules: DestinationRules, standard: Collection[PortKey, StandardPolicy]
) -> Callable[[Context, PortKey, Port], Iterator[tuple[str, Cluster]]]:
    """Make the function that yields the clusters of a port, one for each policy scope."""

    def of_port(ctx: Context, key: PortKey, port: Port) -> Iterator[tuple[str, Cluster]]:
        policy = ctx.fetch(standard, key) or _NO_POLICY
        if port.unsupported or policy.refused:
            return
        for client_namespace, settings in scopes_of(ctx, rules, key):
            name = ClusterName(*key, client_namespace=client_namespace)
            yield str(name), make(name, port, settings, policy)

    return of_port


def scopes_of(
    ctx: Context, rules: DestinationRules, key: PortKey
) -> Iterator[tuple[str | None, PortPolicy]]:
    """Yield (client namespace or None for everyone else, policy) for one port, None first."""
    namespace, service, port = key
    scopes = ctx.fetch(rules.scopes, (namespace, service)) or Scopes()
    yield None, rules.port_policy(ctx, scopes.shared, port)
    for client_namespace, rule in scopes.own:
        yield client_namespace, rules.port_policy(ctx, rule, port)


def make(name: ClusterName, port: Port, settings: PortPolicy, standard: StandardPolicy) -> Cluster:
    """Make the cluster `name` of a Service port.

    Args:
        name: What is asked for.
        port: The port.
        settings: What the DestinationRule of the clients makes of it.
        standard: The standard policies of the port; a plain variant is made without them.
    """
    applied = _NO_POLICY if name.plain else standard
    tls = applied.tls
    if tls is not None and name.certificate:
        tls = msgspec.structs.replace(tls, certificate=name.certificate)
    return Cluster(
        name=str(name),
        namespace=port.namespace,
        service=port.service,
        port=port.port,
        protocol=name.spoken or port.protocol,
        load_balancer=settings.load_balancer,
        connection_pool=settings.connection_pool,
        outlier_detection=settings.outlier_detection,
        tls=tls,
        retry_budget=applied.retry_budget,
        origin=settings.origin,
        policy=applied.origin,
    )


def _anything(_key: Key, _pod: Workload) -> tuple[str]:
    """Index term of every pod: the passthrough cluster is there while one is."""
    return (PASSTHROUGH,)


def _passthrough(sources: Sources) -> Collection[str, Cluster]:
    """The passthrough cluster, while anything runs."""

    def cluster(_ctx: Context, name: str, _term: str) -> Cluster:
        return Cluster(name=name, namespace="", service="", port=0, passthrough=True)

    anything = sources.workloads.index("workloads at all", _anything)
    return anything.terms("anything runs").map("passthrough cluster", cluster)
