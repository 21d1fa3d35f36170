"""Routes attached to Services (GAMMA, GEP-1294): whose requests each of them governs.

In: HTTPRoutes and GRPCRoutes with a Service as parent. Out: their compiled rules, by what a
virtual host asks for: client namespace, Service port, and whether the route is a consumer's or a
producer's.

A route in the Service's namespace is a producer's: it governs clients of every namespace. One in
another namespace is a consumer's: it governs the clients of its own namespace, where it takes
the place of all producer routes for that port. Of the routes of one namespace, only those of one
kind govern a port: GRPCRoutes, if there are any.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import msgspec

from fairlead.graph import Collection, Context, Graph, Index
from fairlead.ir.rule import Rule
from fairlead.translate import precedence, rules
from fairlead.translate.backend_ref import Inputs, Scope
from fairlead.translate.clusters import Clusters
from fairlead.translate.hostnames import ANY
from fairlead.translate.precedence import Ranked
from fairlead.translate.route_rule import HostRoute
from fairlead.translate.service_parent import Attached, service_parent
from fairlead.translate.service_port import PortKey
from fairlead.translate.sources import Key, Sources


class AttachmentKey(NamedTuple):
    """A route governs a Service port, unless routes of another kind do."""

    service_namespace: str
    service: str
    port: int
    kind: str
    """GRPCRoute or HTTPRoute: the one that sorts first wins (GEP-1294, route types)."""
    namespace: str
    name: str
    """Of the route."""

    @property
    def owned_port(self) -> "OwnedPort":
        """The port, and the namespace of those who govern it."""
        return (self.service_namespace, self.service, self.port, self.namespace)


OwnedPort: TypeAlias = tuple[str, str, int, str]
"""(Service namespace, Service, port, route namespace)."""

CompiledKey: TypeAlias = tuple[str, AttachmentKey]
"""Client namespace, and the attachment."""

Term: TypeAlias = tuple[str, OwnedPort]
"""Client namespace, and the port with the namespace of the routes."""


class Compiled(msgspec.Struct, frozen=True):
    """The rules of one attachment for the clients of one namespace."""

    rules: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class MeshRoutes:
    """The rules that replace the default of a Service port."""

    attached: Index[AttachmentKey, PortKey, OwnedPort]
    by_port: Index[CompiledKey, Compiled, Term]

    def governing(self, ctx: Context, port: PortKey, namespace: str) -> AttachmentKey | None:
        """Return the first of the routes in `namespace` that govern a port; None if none does."""
        return ctx.first_by(self.attached, (*port, namespace))

    def rules(self, ctx: Context, client_namespace: str, port: PortKey) -> tuple[Rule, ...] | None:
        """Return the ordered rules for clients of a namespace; None if no route governs them."""
        for owner in dict.fromkeys((client_namespace, port[0])):
            found = ctx.fetch_by(self.by_port, (client_namespace, (*port, owner)))
            if found:
                return precedence.order((ANY, entry.rules) for _, entry in found)
        return None


def build(
    graph: Graph, sources: Sources, clusters: Clusters, client_namespaces: Collection[str, str]
) -> MeshRoutes:
    """Derive the rules of all routes attached to Services.

    Args:
        graph: Where all of it lives.
        sources: What is written.
        clusters: Where backendRefs lead.
        client_namespaces: Namespaces with pods in the mesh.
    """
    attach = _attached(sources, clusters)
    attachments = graph.join(
        "mesh attachments",
        sources.http_routes.flat_map("mesh attachments of HTTPRoutes", attach),
        sources.grpc_routes.flat_map("mesh attachments of GRPCRoutes", attach),
    )
    attached = attachments.index("mesh attachments by port", _owned_port)

    def clients(
        ctx: Context, key: AttachmentKey, port: PortKey
    ) -> Iterator[tuple[CompiledKey, PortKey]]:
        governing = ctx.first_by(attached, key.owned_port)
        if governing is None or governing.kind != key.kind:
            return
        if key.namespace != key.service_namespace:
            if ctx.fetch(client_namespaces, key.namespace) is not None:
                yield (key.namespace, key), port
            return
        for client_namespace, _ in ctx.fetch_all(client_namespaces):
            yield (client_namespace, key), port

    inputs = Inputs(sources, clusters)

    def compiled(ctx: Context, key: CompiledKey, port: PortKey) -> Compiled | None:
        client_namespace, attachment = key
        kept = sources.grpc_routes if attachment.kind == "GRPCRoute" else sources.http_routes
        route = ctx.fetch(kept, (attachment.namespace, attachment.name))
        if route is None:
            return None
        scope = Scope("mesh", client_namespace, port[2])
        return Compiled(rules.compile_route(ctx, inputs, route, scope))

    per_client = attachments.flat_map("mesh attachments by client", clients)
    return MeshRoutes(
        attached,
        per_client.map("mesh rules", compiled).index("mesh rules by port", _term),
    )


def _attached(
    sources: Sources, clusters: Clusters
) -> Callable[[Context, Key, HostRoute], Iterator[tuple[AttachmentKey, PortKey]]]:
    """Make the function that attaches a route to the Service ports that its parentRefs mean."""

    def attached(
        ctx: Context, key: Key, route: HostRoute
    ) -> Iterator[tuple[AttachmentKey, PortKey]]:
        ports: set[PortKey] = set()
        for ref in (each for each in route.spec.parent_refs if each.is_service):
            parent = service_parent(ctx, sources, clusters.ports, route, ref)
            if isinstance(parent, Attached):
                ports.update((*parent.service, port) for port in parent.ports)
        for port in sorted(ports):
            yield AttachmentKey(*port, route.kind, *key), port

    return attached


def _owned_port(key: AttachmentKey, _port: PortKey) -> tuple[OwnedPort]:
    """Index term of an attachment."""
    return (key.owned_port,)


def _term(key: CompiledKey, _compiled: Compiled) -> tuple[Term]:
    """Index term of compiled rules: all but the route's kind and name."""
    return ((key[0], key[1].owned_port),)
