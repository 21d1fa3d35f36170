"""Routes attached to Services (GAMMA, GEP-1294): whose requests each of them governs.

In: HTTPRoutes with a Service as parent. Out: their compiled rules, by what a virtual host asks
for: client namespace, Service port, and whether the route is a consumer's or a producer's.

A route in the Service's namespace is a producer's: it governs clients of every namespace. One in
another namespace is a consumer's: it governs the clients of its own namespace, where it takes
the place of all producer routes for that port.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.ir.rule import Rule
from fairlead.translate import precedence, rules
from fairlead.translate.clusters import Clusters
from fairlead.translate.hostnames import ANY
from fairlead.translate.precedence import Ranked
from fairlead.translate.service_parent import Attached, is_service, service_parent
from fairlead.translate.service_port import PortKey
from fairlead.translate.sources import Key, Sources

AttachmentKey: TypeAlias = tuple[str, str, int, str, str]
"""(Service namespace, Service, port, route namespace, route)."""

CompiledKey: TypeAlias = tuple[str, str, str, int, str, str]
"""Client namespace, then an `AttachmentKey`."""

Term: TypeAlias = tuple[str, str, str, int, str]
"""(client namespace, Service namespace, Service, port, route namespace)."""


class Attachment(msgspec.Struct, frozen=True):
    """A route governs a Service port."""

    route: Key
    port: PortKey


class Compiled(msgspec.Struct, frozen=True):
    """The rules of one attachment for the clients of one namespace."""

    rules: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class MeshRoutes:
    """The rules that replace the default of a Service port."""

    by_port: Index[CompiledKey, Compiled, Term]

    def rules(self, ctx: Context, client_namespace: str, port: PortKey) -> tuple[Rule, ...] | None:
        """Return the ordered rules for clients of a namespace; None if no route governs them."""
        for owner in dict.fromkeys((client_namespace, port[0])):
            found = ctx.fetch_by(self.by_port, (client_namespace, *port, owner))
            if found:
                return precedence.order((ANY, entry.rules) for _, entry in found)
        return None


def build(
    sources: Sources, clusters: Clusters, client_namespaces: Collection[str, str]
) -> MeshRoutes:
    """Derive the rules of all routes attached to Services.

    Args:
        sources: What is written.
        clusters: Where backendRefs lead.
        client_namespaces: Namespaces with pods in the mesh.
    """

    def attached(
        ctx: Context, key: Key, route: api.HTTPRoute
    ) -> Iterator[tuple[AttachmentKey, Attachment]]:
        ports: set[PortKey] = set()
        for ref in filter(is_service, route.spec.parent_refs):
            parent = service_parent(ctx, sources, route, ref)
            if isinstance(parent, Attached):
                ports.update((*parent.service, port) for port in parent.ports)
        for port in sorted(ports):
            yield (*port, *key), Attachment(key, port)

    def clients(
        ctx: Context, key: AttachmentKey, attachment: Attachment
    ) -> Iterator[tuple[CompiledKey, Attachment]]:
        route_namespace, service_namespace = attachment.route[0], attachment.port[0]
        if route_namespace != service_namespace:
            if ctx.fetch(client_namespaces, route_namespace) is not None:
                yield (route_namespace, *key), attachment
            return
        for client_namespace, _ in ctx.fetch_all(client_namespaces):
            yield (client_namespace, *key), attachment

    def compiled(ctx: Context, key: CompiledKey, attachment: Attachment) -> Compiled | None:
        route = ctx.fetch(sources.http_routes, attachment.route)
        if route is None:
            return None
        return Compiled(
            rules.rules(ctx, sources, clusters, route, "mesh", key[0], attachment.port[2])
        )

    attachments = sources.http_routes.flat_map("mesh attachments", attached)
    per_client = attachments.flat_map("mesh attachments by client", clients)
    return MeshRoutes(
        per_client.map("mesh rules", compiled).index("mesh rules by port", _term),
    )


def _term(key: CompiledKey, _compiled: Compiled) -> tuple[Term]:
    """Index term of compiled rules: all but the route's name."""
    client_namespace, namespace, service, port, route_namespace, _route = key
    return ((client_namespace, namespace, service, port, route_namespace),)
