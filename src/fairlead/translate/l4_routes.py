"""TLSRoutes, TCPRoutes and UDPRoutes on Gateways: who serves which host, and with what.

In: claims of routes on listeners (`claims.L4Claim`), listeners, and what references resolve to.
Out: for each TLS name, TCP port and UDP port the one route that serves it; `ir.listener.TcpChain`s,
and by `udp_listeners` what UDP ports need. A route is compiled once for each Gateway, not once for
each hostname. A name or port that no route serves has a chain that closes its connections, so that
they fall to no other listener's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from fairlead.graph import Collection, Context, Graph, Index
from fairlead.ir.backend import Backend
from fairlead.ir.listener import TcpChain
from fairlead.ir.origin import Origin
from fairlead.translate import age, hostnames, l4_rule
from fairlead.translate.backend_ref import Inputs, Scope
from fairlead.translate.claims import BoundHost, L4Claim, L4ClaimKey, ListenerKey, Variant
from fairlead.translate.gateway import Gateways
from fairlead.translate.listeners import ManagedListener

ChainKey: TypeAlias = tuple[str, str, str]
"""Proxy, listener and chain."""

TCP_CHAIN = "tcp"
"""Name of the one chain of a TCP port."""


class Served(msgspec.Struct, frozen=True, gc=False):
    """Who serves a host."""

    claim: L4Claim
    """The claim that has it; the listener's own if no route claims it."""
    listener: ManagedListener
    variant: Variant | None
    """How its route is compiled; None if no route claims the host."""


class Compiled(msgspec.Struct, frozen=True, gc=False):
    """The backends of a TLSRoute or TCPRoute for the connections of one Gateway."""

    backends: tuple[Backend, ...]
    """For bytes in clear, which policies may have encrypted."""
    raw: tuple[Backend, ...]
    """For TLS that is passed through."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class L4Routes:
    """What L4 routes yield on Gateways."""

    served: Collection[BoundHost, Served]
    """By host of TLS, TCP and UDP listeners."""
    chains: Collection[ChainKey, TcpChain]


def build(
    graph: Graph, inputs: Inputs, gateways: Gateways, claims: Collection[L4ClaimKey, L4Claim]
) -> L4Routes:
    """Derive who serves the hosts of L4 listeners, and the chains of TLS and TCP ports.

    Args:
        graph: Where to.
        inputs: What references are resolved against.
        gateways: Gateways and their listeners.
        claims: Of routes on TLS, TCP and UDP listeners.
    """
    own = gateways.managed_listeners.flat_map("own claims of L4 listeners", _own_claim)
    by_host = graph.join("L4 claims with own", claims, own).index(
        "L4 claims by host", lambda _key, claim: (claim.bound_host,)
    )
    served = by_host.terms("hosts of L4 listeners").map(
        "who serves L4 hosts", _serving(gateways, by_host)
    )
    variants = served.index("L4 hosts by variant", _variant).terms("variants of L4 routes")
    compiled = variants.map("compiled L4 routes", _compiling(inputs))
    return L4Routes(served, served.flat_map("TCP chains", _chaining(compiled)))


def _own_claim(
    _ctx: Context, key: ListenerKey, listener: ManagedListener
) -> Iterator[tuple[L4ClaimKey, L4Claim]]:
    """The claim of a listener to its own hostname or port."""
    if listener.served and listener.protocol in {"TLS", "TCP", "UDP"}:
        claim = L4Claim(listener.proxy, listener.bound, listener.hostname, key)
        yield (*claim.bound_host, "", "", ""), claim


def _serving(
    gateways: Gateways, by_host: Index[L4ClaimKey, L4Claim, BoundHost]
) -> Callable[[Context, BoundHost, BoundHost], Served | None]:
    """Make the function that chooses who serves a host."""

    def serving(ctx: Context, host: BoundHost, _term: BoundHost) -> Served | None:
        claim = min((claim for _, claim in ctx.fetch_by(by_host, host)), key=_precedence)
        listener = ctx.fetch(gateways.managed_listeners, claim.listener)
        if listener is None or not listener.served:
            return None
        if not claim.kind:
            return Served(claim, listener, None)
        gateway = ctx.fetch(gateways.managed, listener.gateway)
        certificate = gateway.client_certificate if gateway is not None else ""
        variant = Variant(claim.kind, *claim.route, listener.gateway[0], certificate)
        return Served(claim, listener, variant)

    return serving


def _precedence(claim: L4Claim) -> tuple[object, ...]:
    """Sort key: the hostname that says most as the route spells it, then the oldest, then by name.

    That is GatewayRouteHostnameIntersectionPrecedence. The listener itself comes last.
    """
    specificity = hostnames.specificity(claim.hostname or hostnames.ANY)
    namespace, name = claim.route
    return (not claim.kind, specificity, claim.created, age.place(namespace), name)


def _variant(_key: BoundHost, served: Served) -> Iterator[Variant]:
    """Index term of a host that a TLSRoute or TCPRoute serves."""
    if served.variant is not None and served.variant.kind != "UDPRoute":
        yield served.variant


def _compiling(inputs: Inputs) -> Callable[[Context, Variant, Variant], Compiled | None]:
    """Make the function that compiles a TLSRoute or TCPRoute for the clients of a Gateway."""

    def compiled(ctx: Context, variant: Variant, _term: Variant) -> Compiled | None:
        sources = inputs.sources
        routes = sources.tls_routes if variant.kind == "TLSRoute" else sources.tcp_routes
        route = ctx.fetch(routes, (variant.namespace, variant.name))
        if route is None:
            return None
        scope = Scope("gateway", variant.client_namespace, certificate=variant.certificate)
        clear = l4_rule.backends(ctx, inputs, route, scope, "tcp")
        passes = variant.kind == "TLSRoute"
        raw = l4_rule.backends(ctx, inputs, route, scope, "raw") if passes else clear
        return Compiled(clear, raw, l4_rule.origin(route))

    return compiled


def _chaining(
    compiled: Collection[Variant, Compiled],
) -> Callable[[Context, BoundHost, Served], Iterator[tuple[ChainKey, TcpChain]]]:
    """Make the function that yields the chain of a host of a TLS or TCP listener."""

    def chain(ctx: Context, key: BoundHost, served: Served) -> Iterator[tuple[ChainKey, TcpChain]]:
        proxy, bound, host = key
        listener = served.listener
        if listener.protocol == "UDP":
            return
        found = ctx.fetch(compiled, served.variant) if served.variant is not None else None
        backends: tuple[Backend, ...] = ()
        if found is not None:
            backends = found.raw if listener.mode == "Passthrough" else found.backends
        plain_tcp = listener.protocol == "TCP"
        name = TCP_CHAIN if plain_tcp else host
        yield (
            (proxy, bound, name),
            TcpChain(
                name=name,
                backends=backends,
                server_names=() if plain_tcp or host == hostnames.ANY else (host,),
                tls=listener.tls,
                origin=found.origin if found is not None else listener.origin,
            ),
        )

    return chain
