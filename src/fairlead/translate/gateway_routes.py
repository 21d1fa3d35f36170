"""HTTPRoutes on Gateways: from routes to the virtual hosts of Gateways.

In: HTTPRoutes, `ManagedGateway`s, and what references resolve to. Out: attachments, and virtual
hosts by (table, host). A route is compiled once for each namespace whose policies its clients
are under, not once for each host.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fairlead import api
from fairlead.graph import Collection, Context, Graph, Index
from fairlead.ir.virtual_host import VirtualHost
from fairlead.translate import attachments, backends, virtual_hosts
from fairlead.translate.attachments import Attachments, Surroundings, Variant
from fairlead.translate.backends import Inputs, Scope
from fairlead.translate.gateway import Gateways
from fairlead.translate.rules import compile_route
from fairlead.translate.sources import Key, Settings
from fairlead.translate.virtual_hosts import Compiled, Host


@dataclass(frozen=True, slots=True)
class GatewayRoutes:
    """What routes yield on Gateways."""

    attachments: Collection[Key, Attachments]
    attached: Index[Key, Attachments, tuple[str, str, str]]
    """Accepted routes by (namespace, Gateway, listener)."""
    compiled: Collection[Variant, Compiled]
    virtual_hosts: Collection[Host, VirtualHost]


def build(graph: Graph, settings: Settings, inputs: Inputs, gateways: Gateways) -> GatewayRoutes:
    """Derive what Gateways make of the routes that name them."""
    around = Surroundings(inputs.sources, settings, gateways.managed)
    routes = inputs.sources.http_routes

    def attach(ctx: Context, _key: Key, route: api.HTTPRoute) -> Attachments | None:
        return attachments.attachments(ctx, around, route)

    def compiled(ctx: Context, key: Key, value: Attachments) -> Iterator[tuple[Variant, Compiled]]:
        route = ctx.fetch(routes, key)
        if route is None:
            return
        unresolved = backends.unresolved(ctx, inputs, route, "gateway")
        for variant in sorted({claim.variant for claim in value.claims if claim.variant}):
            scope = Scope("gateway", variant[2], variant[3] or None)
            yield variant, Compiled(compile_route(ctx, inputs, route, scope), unresolved)

    attached = routes.map("Gateway attachments", attach)
    claims = graph.join(
        "claims of hosts",
        attached.flat_map("claims of routes", attachments.claims_of_route),
        gateways.managed.flat_map("claims of listeners", attachments.claims_of_listeners),
    )
    by_host = claims.index("claims by host", virtual_hosts.hosts_of)
    variants = attached.flat_map("compiled routes", compiled)
    known = virtual_hosts.Claims(by_host, variants)

    def virtual_host(ctx: Context, host: Host, _term: Host) -> VirtualHost:
        return virtual_hosts.virtual_host(ctx, known, *host)

    return GatewayRoutes(
        attachments=attached,
        attached=attached.index("routes by listener", attachments.attached),
        compiled=variants,
        virtual_hosts=by_host.terms("hosts of Gateways").map(
            "virtual hosts of Gateways", virtual_host
        ),
    )
