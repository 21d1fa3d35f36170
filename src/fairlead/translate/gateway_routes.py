"""Routes on Gateways: from routes of all kinds to the virtual hosts of Gateways.

In: routes, `Gateways`, and what references resolve to. Out: attachments of every kind, virtual
hosts by (table, host), and the claims on ports that don't carry HTTP. A route is compiled once
for each way that clients differ (`claims.Variant`), not once for each host.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from fairlead.graph import Collection, Context, Graph, Index
from fairlead.ir.virtual_host import VirtualHost
from fairlead.translate import attachments, backends, rules, virtual_hosts
from fairlead.translate.attachments import AttachedKey, Attachments, Route, Surroundings, Traits
from fairlead.translate.backend_ref import Inputs, Scope
from fairlead.translate.claims import (
    Claim,
    ClaimKey,
    L4Claim,
    L4ClaimKey,
    ListenerKey,
    RouteKind,
    Variant,
)
from fairlead.translate.gateway import Gateways
from fairlead.translate.route_rule import HostRoute
from fairlead.translate.sources import Key, Settings
from fairlead.translate.virtual_hosts import Compiled, Host

R = TypeVar("R", bound=Route)
H = TypeVar("H", bound=HostRoute)


@dataclass(frozen=True, slots=True)
class GatewayRoutes:
    """What routes yield on Gateways."""

    attachments: Mapping[RouteKind, Collection[Key, Attachments]]
    """By kind, then by route."""
    attached: Index[AttachedKey, Attachments, ListenerKey]
    """Accepted routes of all kinds by listener."""
    compiled: Collection[Variant, Compiled]
    """HTTPRoutes and GRPCRoutes."""
    virtual_hosts: Collection[Host, VirtualHost]
    l4_claims: Collection[L4ClaimKey, L4Claim]
    """What TLSRoutes, TCPRoutes and UDPRoutes claim."""


def build(graph: Graph, settings: Settings, inputs: Inputs, gateways: Gateways) -> GatewayRoutes:
    """Derive what Gateways make of the routes that name them."""
    around = Surroundings(inputs.sources, settings, gateways)
    sources = inputs.sources
    http = _attach(around, sources.http_routes, "HTTPRoute", _traits)
    grpc = _attach(around, sources.grpc_routes, "GRPCRoute", _traits)
    tls = _attach(around, sources.tls_routes, "TLSRoute", lambda _: Traits("TLSRoute"))
    tcp = _attach(around, sources.tcp_routes, "TCPRoute", lambda _: Traits("TCPRoute"))
    udp = _attach(around, sources.udp_routes, "UDPRoute", lambda _: Traits("UDPRoute"))
    kinds: dict[RouteKind, Collection[Key, Attachments]] = {
        "HTTPRoute": http,
        "GRPCRoute": grpc,
        "TLSRoute": tls,
        "TCPRoute": tcp,
        "UDPRoute": udp,
    }
    claims = graph.join(
        "claims of hosts",
        *(_claims(kind, kinds[kind]) for kind in ("HTTPRoute", "GRPCRoute")),
        attachments.claims_of_listeners(gateways.managed_listeners, gateways),
    )
    compiled = graph.join(
        "compiled routes",
        _compile(inputs, sources.http_routes, http, "HTTPRoute"),
        _compile(inputs, sources.grpc_routes, grpc, "GRPCRoute"),
    )
    by_host = claims.index("claims by host", virtual_hosts.hosts_of)
    filters = gateways.managed_listeners.map(
        "filters of listeners", lambda _ctx, _key, listener: listener.filters
    )
    known = virtual_hosts.Claims(by_host, compiled, filters)

    def virtual_host(ctx: Context, host: Host, _term: Host) -> VirtualHost:
        return virtual_hosts.virtual_host(ctx, known, *host)

    everything = graph.join(
        "attachments of all routes", *(_keyed(kind, found) for kind, found in kinds.items())
    )
    return GatewayRoutes(
        attachments=kinds,
        attached=everything.index("routes by listener", attachments.attached),
        compiled=compiled,
        virtual_hosts=by_host.terms("hosts of Gateways").map(
            "virtual hosts of Gateways", virtual_host
        ),
        l4_claims=graph.join(
            "claims of L4 routes",
            *(_l4_claims(kind, kinds[kind]) for kind in ("TLSRoute", "TCPRoute", "UDPRoute")),
        ),
    )


def _traits(route: HostRoute) -> Traits:
    """What the rules of a route say about its attachment."""
    kind: RouteKind = "GRPCRoute" if route.kind == "GRPCRoute" else "HTTPRoute"
    checked = rules.check(route)
    valid = not checked or any(not rule.findings for rule in checked)
    return Traits(kind, valid, rules.port_matters(route))


def _attach(
    around: Surroundings,
    routes: Collection[Key, R],
    kind: RouteKind,
    traits: Callable[[R], Traits],
) -> Collection[Key, Attachments]:
    """The attachments of all routes of one kind."""

    def attach(ctx: Context, _key: Key, route: R) -> Attachments | None:
        return attachments.attachments(ctx, around, route, traits(route))

    return routes.map(f"{kind} attachments", attach)


def _compile(
    inputs: Inputs,
    routes: Collection[Key, H],
    attached: Collection[Key, Attachments],
    kind: RouteKind,
) -> Collection[Variant, Compiled]:
    """The rules of all routes of one kind, for each way that their clients differ."""

    def compiled(ctx: Context, key: Key, value: Attachments) -> Iterator[tuple[Variant, Compiled]]:
        route = ctx.fetch(routes, key)
        if route is None:
            return
        variants = sorted({claim.variant for claim in value.claims if claim.variant})
        unresolved = backends.unresolved(ctx, inputs, route, "gateway") if variants else ()
        for variant in variants:
            made = rules.compile_route(ctx, inputs, route, scope_of(variant))
            yield variant, Compiled(made, unresolved)

    return attached.flat_map(f"compiled {kind}s", compiled)


def scope_of(variant: Variant) -> Scope:
    """For whom a route is compiled."""
    return Scope(
        "gateway",
        variant.client_namespace,
        variant.port or None,
        scheme="https" if variant.scheme == "https" else "http",
        certificate=variant.certificate,
    )


def _claims(kind: RouteKind, found: Collection[Key, Attachments]) -> Collection[ClaimKey, Claim]:
    def claims(_ctx: Context, key: Key, value: Attachments) -> Iterator[tuple[ClaimKey, Claim]]:
        return attachments.claims_of_route(kind, key, value)

    return found.flat_map(f"claims of {kind}s", claims)


def _l4_claims(
    kind: RouteKind, found: Collection[Key, Attachments]
) -> Collection[L4ClaimKey, L4Claim]:
    def claims(_ctx: Context, key: Key, value: Attachments) -> Iterator[tuple[L4ClaimKey, L4Claim]]:
        return attachments.l4_claims_of_route(kind, key, value)

    return found.flat_map(f"claims of {kind}s", claims)


def _keyed(
    kind: RouteKind, found: Collection[Key, Attachments]
) -> Collection[AttachedKey, Attachments]:
    """Attachments by key, now by kind too."""

    def keyed(
        _ctx: Context, key: Key, value: Attachments
    ) -> Iterator[tuple[AttachedKey, Attachments]]:
        yield (kind, *key), value

    return found.flat_map(f"{kind} attachments by kind", keyed)
