"""The graph from IR to resources: one function a stage, so that a change costs what it touches.

In: the collections of IR that translation yields. Out: `Configuration.resources`, keyed (proxy,
type url, name). A changed rule builds its virtual host anew and copies those that share its route
configuration; a changed endpoint builds one resource. How a table is laid out depends on its size
and on how it is laid out already: that goes round as a fact, by `Configuration.feedback`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from fairlead.graph import Change, Collection, Context, Events, Graph, Index, Source
from fairlead.ir.assignment import ClusterUse, SecretUse
from fairlead.ir.cluster import Cluster
from fairlead.ir.endpoint import Endpoints
from fairlead.ir.listener import Chain, Listener, OutboundListener, UdpListener
from fairlead.ir.secret import Secret
from fairlead.ir.virtual_host import VirtualHost
from fairlead.xds import bundles, cluster, endpoint, http, scopes, secret, type_url, virtual_host
from fairlead.xds import listeners as ports
from fairlead.xds.messages import Message, RouteConfiguration, serialized
from fairlead.xds.resource import Part, Resource, composed, whole
from fairlead.xds.scopes import Layout

ResourceKey: TypeAlias = tuple[str, str, str]
"""(proxy, type url, name)."""
Table: TypeAlias = tuple[str, str, str]
"""(proxy, name of the table, kind of its listeners)."""

GATEWAY = "gateway"
OUTBOUND = "outbound"
BUNDLES = 16
"""Bundles of a route configuration, at most."""


class Shard(msgspec.Struct, frozen=True, gc=False):
    """A route configuration that is to be put together."""

    remove: tuple[str, ...]
    """Request headers that must not reach a backend."""
    any_port: bool
    """Whether a virtual host is found by its name alone, whatever the port of the host."""
    alternative: str = ""
    """Where else the same is served (Alt-Svc), which responses tell; empty for nowhere."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What xds adds to a graph."""

    resources: Collection[ResourceKey, Resource]
    """Everything that any proxy is sent."""
    layouts: Source[str, Layout]
    """By table: how it is laid out. Absent stands for one route configuration."""
    settled: Collection[Table, Layout]
    """How tables shall be laid out, those that are one route configuration left out."""

    def feedback(self, events: Events) -> list[Change[str, Layout]]:
        """Changes that the owner of the graph has to apply next, before it uses `resources`."""
        return [
            Change(self.layouts, table, layout)
            for (_, table, _), (_, layout) in events[self.settled].items()
        ]


def build(
    graph: Graph,
    *,
    listeners: Collection[tuple[str, str], Listener],
    chains: Collection[tuple[str, str, str], Chain],
    virtual_hosts: Collection[tuple[str, str], VirtualHost],
    clusters: Collection[str, Cluster],
    endpoints: Collection[str, Endpoints],
    cluster_use: Collection[tuple[str, str], ClusterUse],
    secrets: Collection[str, Secret],
    secret_use: Collection[tuple[str, str], SecretUse],
    access_log: str = "",
    system_trust: str = "",
) -> Configuration:
    """Put the stages of xds on the graph.

    Args:
        graph: Where to.
        listeners: By (proxy, listener name).
        chains: Of Gateways' listeners, by (proxy, listener name, chain name).
        virtual_hosts: By (table, virtual host name).
        clusters: By name.
        endpoints: By cluster name.
        cluster_use: By (proxy, cluster): which proxy is sent which clusters and endpoints.
        secrets: Certificates and trust bundles by name.
        secret_use: By (proxy, secret): which proxy is sent which of them.
        access_log: Path of the file to which requests are logged that listeners say shall be, in
            which ``{proxy}`` stands for the proxy's name; empty for nowhere.
        system_trust: File of the machine's certificate authorities, as proxies see it.
    """
    layouts: Source[str, Layout] = graph.source("xds.layouts")
    by_table = listeners.index("xds.listeners_by_table", _table)
    tables = by_table.terms("xds.tables")

    settled = _settled(graph, layouts, tables, virtual_hosts)
    made = ports.build(listeners, chains, layouts, access_log)
    resources = graph.join(
        "xds.resources",
        made.resources,
        *_routes(layouts, (by_table, made.alternatives), tables, virtual_hosts),
        *_clusters(clusters, endpoints, cluster_use),
        secret.resources(secrets, secret_use, system_trust),
    )
    return Configuration(resources=resources, layouts=layouts, settled=settled)


def _table(key: tuple[str, str], value: Listener) -> list[Table]:
    if isinstance(value, UdpListener) or not value.table:
        return []
    kind = OUTBOUND if isinstance(value, OutboundListener) else GATEWAY
    return [(key[0], value.table, kind)]


def _settled(
    graph: Graph,
    layouts: Source[str, Layout],
    tables: Collection[Table, Table],
    virtual_hosts: Collection[tuple[str, str], VirtualHost],
) -> Collection[Table, Layout]:
    """How tables shall be laid out, at a cost that doesn't depend on their size."""

    def wild(host: VirtualHost) -> bool:
        return any(map(scopes.is_wildcard, host.domains))

    exact = virtual_hosts.index(
        "xds.exact_hosts", lambda key, host: () if wild(host) else (key[0],)
    )
    wildcard = virtual_hosts.index(
        "xds.wildcard_hosts", lambda key, host: (key[0],) if wild(host) else ()
    )

    def settle(ctx: Context, key: Table, _: Table) -> Layout | None:
        table, kind = key[1:]
        if kind == OUTBOUND:  # dozens of listeners would each follow all scopes of their proxy
            return None
        layout = ctx.fetch(layouts, table) or scopes.ONE
        hosts = ctx.count_by(exact, table), ctx.count_by(wildcard, table)
        wanted = scopes.settled(layout, *hosts)
        return wanted if wanted.bits else None

    settled = tables.map("xds.settled_layouts", settle)
    graph.watch(settled)
    return settled


def _routes(
    layouts: Source[str, Layout],
    advertised: tuple[Index[tuple[str, str], Listener, Table], Collection[tuple[str, str], str]],
    tables: Collection[Table, Table],
    virtual_hosts: Collection[tuple[str, str], VirtualHost],
) -> tuple[Collection[ResourceKey, Resource], ...]:
    """Route configurations, and the scopes that lead to them.

    Args:
        layouts: How tables are laid out.
        advertised: Listeners by table, and where else those are served.
        tables: All there are.
        virtual_hosts: Their contents.
    """
    by_table, alternatives = advertised

    def place(
        ctx: Context, key: tuple[str, str], part: Part
    ) -> Iterator[tuple[tuple[str, str], Part]]:
        table, name = key
        host = ctx.fetch(virtual_hosts, key)
        if host is not None:
            layout = ctx.fetch(layouts, table) or scopes.ONE
            for home in scopes.homes(table, layout, host.domains):
                yield (home, name), part

    parts = virtual_hosts.map("xds.virtual_hosts", lambda _ctx, _key, host: virtual_host.part(host))
    placed = parts.flat_map("xds.placed_virtual_hosts", place)
    by_home = bundles.joined("xds.placed_virtual_hosts", placed, lambda key: key, most=BUNDLES)

    def cut(ctx: Context, key: Table, _: Table) -> Iterator[tuple[ResourceKey, Shard]]:
        proxy, table, kind = key
        layout = ctx.fetch(layouts, table) or scopes.ONE
        own = http.HOP_BY_HOP if kind == OUTBOUND else (http.OWNER,)
        remove = (*own, *scopes.headers_to_remove(layout))
        found = [ctx.fetch(alternatives, each) for each, _ in ctx.fetch_by(by_table, key)]
        alternative = ", ".join(dict.fromkeys(filter(None, found)))
        shard = Shard(remove=remove, any_port=kind == GATEWAY, alternative=alternative)
        for name in scopes.names(table, layout):
            yield (proxy, type_url.ROUTES, name), shard

    def assemble(ctx: Context, key: ResourceKey, shard: Shard) -> Resource:
        _, url, name = key
        found = ctx.fetch_by(by_home, name)
        return composed(url, name, _head(name, shard), tuple([each for _, each in found]))

    def lead(ctx: Context, key: Table, _: Table) -> Iterator[tuple[ResourceKey, Resource]]:
        proxy, table = key[:2]
        layout = ctx.fetch(layouts, table) or scopes.ONE
        if layout.bits:
            for name in scopes.names(table, layout):
                made = whole(type_url.SCOPE, name, scopes.scope(name))
                yield (proxy, type_url.SCOPE, name), made

    shards = tables.flat_map("xds.shards", cut)
    return (
        tables.flat_map("xds.scopes", lead),
        shards.map("xds.route_configurations", assemble),
    )


def _head(name: str, shard: Shard) -> bytes:
    """A RouteConfiguration without virtual hosts."""
    fields: dict[str, Message] = {}
    if shard.alternative:
        told = {"key": "alt-svc", "value": shard.alternative}
        fields["response_headers_to_add"] = [
            {"header": told, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        ]
    return serialized(
        RouteConfiguration(
            name=name,
            request_headers_to_remove=shard.remove,
            ignore_port_in_host_matching=shard.any_port,
            **fields,
        )
    )


def _clusters(
    clusters: Collection[str, Cluster],
    endpoints: Collection[str, Endpoints],
    cluster_use: Collection[tuple[str, str], ClusterUse],
) -> tuple[Collection[ResourceKey, Resource], ...]:
    """Clusters and their endpoints, built once and sent to whoever uses them."""
    made = clusters.map("xds.clusters", lambda _ctx, _key, value: cluster.resource(value))

    def assign(ctx: Context, key: str, value: Endpoints) -> Resource:
        target = ctx.fetch(clusters, key)
        return endpoint.resource(value, cluster.origins(target) if target else ())

    assigned = endpoints.map("xds.endpoints", assign)

    def use(
        ctx: Context, key: tuple[str, str], _: ClusterUse
    ) -> Iterator[tuple[ResourceKey, Resource]]:
        proxy, name = key
        found = ctx.fetch(made, name)
        if found is not None:
            yield (proxy, type_url.CLUSTER, name), found

    def reach(
        ctx: Context, key: tuple[str, str], _: ClusterUse
    ) -> Iterator[tuple[ResourceKey, Resource]]:
        proxy, name = key
        target = ctx.fetch(clusters, name)
        if target is not None and not (target.passthrough or target.dns_name):
            found = ctx.fetch(assigned, name) or endpoint.resource(Endpoints(name, ()))
            yield (proxy, type_url.ENDPOINTS, name), found

    return (
        cluster_use.flat_map("xds.used_clusters", use),
        cluster_use.flat_map("xds.used_endpoints", reach),
    )
