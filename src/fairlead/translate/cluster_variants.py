"""Variants of clusters, made while something is sent to them.

In: the use of clusters, Service ports and their policies. Out: clusters and their endpoints, by
name. The name says what the variant is (`cluster_name`), so that what writes rules and what makes
clusters need not meet: HTTP/2 for GRPCRoutes, bytes for TLSRoutes and TCPRoutes, a Gateway's own
client certificate.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fairlead.graph import Collection, Context, Graph, Index
from fairlead.ir.assignment import ClusterUse
from fairlead.ir.cluster import Cluster
from fairlead.ir.endpoint import Endpoints
from fairlead.translate import backend, cluster_name, clusters, endpoints
from fairlead.translate.cluster_name import ClusterName
from fairlead.translate.cluster_use import Use
from fairlead.translate.clusters import Clusters
from fairlead.translate.standard_policy import StandardPolicy
from fairlead.translate.traffic_policy import PortPolicy

_NO_POLICY = StandardPolicy()


@dataclass(frozen=True, slots=True)
class Variants:
    """Clusters that are there on demand."""

    clusters: Collection[str, Cluster]
    endpoints: Collection[str, Endpoints]


def build(graph: Graph, known: Clusters, use: Collection[Use, ClusterUse]) -> Variants:
    """Derive the variants of Service ports' clusters, and the XBackends, that are in use."""

    def variant(ctx: Context, text: str, _term: str) -> Cluster | None:
        name = cluster_name.parse(text)
        if name is None or name.kind != "Service":
            return None
        return _variant(ctx, known, name)

    names = _on_demand(use).terms("demanded clusters")
    made = names.map("cluster variants", variant)
    external = backend.clusters(known.xbackends, names, known.pods)
    behind = endpoints.of_clusters(made, known.addresses, "variants' endpoints")
    return Variants(
        clusters=graph.join("demanded clusters by name", made, external.clusters),
        endpoints=graph.join("demanded endpoints", behind, external.endpoints),
    )


def _on_demand(use: Collection[Use, ClusterUse]) -> Index[Use, ClusterUse, str]:
    """Index the use of clusters by the names of those that are made on demand."""

    def on_demand(key: Use, _use: ClusterUse) -> Iterator[str]:
        name = cluster_name.parse(key[1])
        if name is not None and name.on_demand and not name.refused:
            yield key[1]

    return use.index("use of variants", on_demand)


def _variant(ctx: Context, known: Clusters, name: ClusterName) -> Cluster | None:
    """Make one variant; None if its port, or its reason to be, is gone."""
    key = (name.namespace, name.name, name.port)
    port = ctx.fetch(known.ports, key)
    standard = ctx.fetch(known.standard, key) or _NO_POLICY
    if port is None or port.transport != "TCP" or (standard.refused and not name.plain):
        return None
    scopes = clusters.scopes_of(ctx, known.rules, key)
    settings = next((found for scope, found in scopes if scope == name.client_namespace), None)
    return clusters.make(name, port, settings or PortPolicy(), standard)
