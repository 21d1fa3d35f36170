"""Clusters: one for each Service port, and one more for each namespace whose own policy differs.

In: Services and DestinationRules. Out: `ir.cluster.Cluster` by name, and for those who write
rules, which cluster a client's requests go to. A cluster is never named after a route or rule,
so that reordering rules renames nothing and all routes share a Service's health state.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Graph
from fairlead.ir.cluster import Cluster
from fairlead.ir.endpoint import Endpoints
from fairlead.ir.rule import HashOn
from fairlead.ir.workload import Workload
from fairlead.translate import (
    destination_rule,
    endpoint_slices,
    endpoints,
    pod_endpoint,
    service_port,
)
from fairlead.translate.destination_rule import DestinationRules, Scopes
from fairlead.translate.endpoints import Addresses
from fairlead.translate.service_port import Port, PortKey
from fairlead.translate.sources import Key, Settings, Sources
from fairlead.translate.traffic_policy import PortPolicy

PASSTHROUGH: Final = "passthrough"
"""Name of the cluster that sends a request to the host it names itself."""

OUTSIDE: Final = ""
"""Client namespace of those who are not in the mesh."""


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
    name = f"{namespace}/{service}/{port}"
    return name if client_namespace is None else f"{name}@{client_namespace}"


class Destination(msgspec.Struct, frozen=True):
    """Where a client's requests to a Service port go."""

    cluster: str
    hash_on: tuple[HashOn, ...] = ()
    """What consistent hashing reads from them; belongs into the route."""


class Routing(msgspec.Struct, frozen=True):
    """Destinations of one Service port: changes only when a cluster's name or hashing does."""

    shared: Destination
    own: tuple[tuple[str, Destination], ...] = ()
    """(client namespace, destination) where that namespace's clients have their own, sorted."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """The destinations of all rules."""

    clusters: Collection[str, Cluster]
    """By name; every Service port that takes HTTP, and `PASSTHROUGH` once anything runs."""
    endpoints: Collection[str, Endpoints]
    """By cluster name; none for `PASSTHROUGH`."""
    ports: Collection[PortKey, Port]
    """Every port of every Service, those that take no HTTP included."""
    addresses: Collection[PortKey, Addresses]
    """What stands behind each port that takes HTTP."""
    routings: Collection[PortKey, Routing]
    """Where a DestinationRule says so; all others are their shared cluster, with no hashing."""
    rules: DestinationRules
    """Which DestinationRule shapes which Service, and what is reported about it."""
    endpoint_slices: Collection[Key, api.EndpointSlice]
    """Those that are written, and those of Services with a selector; a written one wins."""

    def port(self, ctx: Context, service: Key, port: int) -> Port | None:
        """Return a port of a Service, None if the Service or the port does not exist.

        `Port.unsupported` says why a backendRef to it is ``UnsupportedProtocol``.
        """
        return ctx.fetch(self.ports, (*service, port))

    def destination(
        self, ctx: Context, service: Key, port: int, client_namespace: str
    ) -> Destination:
        """Return where clients of `client_namespace` reach a port of a Service.

        For a port that does not exist, the name its shared cluster would have: ask `port` first.
        Clients of no namespace (`OUTSIDE`) have no policies, so nothing is hashed for them.
        """
        routing = ctx.fetch(self.routings, (*service, port))
        if routing is None or client_namespace == OUTSIDE:
            return Destination(cluster_name(*service, port))
        for namespace, destination in routing.own:
            if namespace == client_namespace:
                return destination
        return routing.shared


def build(graph: Graph, sources: Sources, settings: Settings) -> Clusters:
    """Derive the clusters and their endpoints from `sources`."""
    ports = service_port.build(sources)
    pods = pod_endpoint.by_label(sources.workloads)
    addresses = endpoints.build(sources, ports, pods)
    rules = destination_rule.build(sources, settings)

    def routing(ctx: Context, key: PortKey, port: Port) -> Routing | None:
        if port.unsupported or ctx.fetch(rules.scopes, key[:2]) is None:
            return None
        shared, *own = _policies(ctx, rules, key)
        return Routing(
            shared=_destination(key, *shared),
            own=tuple((policy[0] or "", _destination(key, *policy)) for policy in own),
        )

    def of_port(ctx: Context, key: PortKey, port: Port) -> Iterator[tuple[str, Cluster]]:
        if port.unsupported:
            return
        for client_namespace, policy in _policies(ctx, rules, key):
            cluster = _cluster(port, client_namespace, policy)
            yield cluster.name, cluster

    anything = sources.workloads.index("workloads at all", _anything)
    passthrough = anything.terms("anything runs").map(
        "passthrough cluster", lambda _ctx, _key, name: _passthrough(name)
    )
    clusters = graph.join("clusters", ports.flat_map("clusters of ports", of_port), passthrough)
    return Clusters(
        clusters=clusters,
        endpoints=endpoints.of_clusters(clusters, addresses),
        ports=ports,
        addresses=addresses,
        routings=ports.map("destinations", routing),
        rules=rules,
        endpoint_slices=graph.join(
            "endpoint slices", sources.endpoint_slices, endpoint_slices.build(sources, pods)
        ),
    )


def _policies(
    ctx: Context, rules: DestinationRules, key: PortKey
) -> Iterator[tuple[str | None, PortPolicy]]:
    """Yield (client namespace or None for everyone else, policy) for one port, None first."""
    namespace, service, port = key
    scopes = ctx.fetch(rules.scopes, (namespace, service)) or Scopes()
    yield None, rules.port_policy(ctx, scopes.shared, port)
    for client_namespace, rule in scopes.own:
        yield client_namespace, rules.port_policy(ctx, rule, port)


def _destination(key: PortKey, client_namespace: str | None, policy: PortPolicy) -> Destination:
    return Destination(cluster_name(*key, client_namespace), policy.hash_on)


def _cluster(port: Port, client_namespace: str | None, policy: PortPolicy) -> Cluster:
    """Make the cluster of a port under `policy`."""
    return Cluster(
        name=cluster_name(port.namespace, port.service, port.port, client_namespace),
        namespace=port.namespace,
        service=port.service,
        port=port.port,
        protocol=port.protocol,
        load_balancer=policy.load_balancer,
        connection_pool=policy.connection_pool,
        outlier_detection=policy.outlier_detection,
        origin=policy.origin,
    )


def _anything(_key: Key, _pod: Workload) -> tuple[str]:
    """Index term of every pod: the passthrough cluster is there while one is."""
    return (PASSTHROUGH,)


def _passthrough(name: str) -> Cluster:
    return Cluster(name=name, namespace="", service="", port=0, passthrough=True)
