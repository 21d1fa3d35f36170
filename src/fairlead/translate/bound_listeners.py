"""What proxies bind for Gateways: their TCP ports, and the chains of those that carry HTTP.

In: listeners that are served, Gateways and their addresses. Out: `ir.listener.GatewayListener`
by (proxy, name) and `HttpChain`s by (proxy, listener, chain). A listener's change re-runs its own
chain; the chains of TLS and TCP routes, and UDP ports, come from those routes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from fairlead.graph import Collection, Context, Graph, Index
from fairlead.ir.fleet import gateway_proxy
from fairlead.ir.listener import Chain, GatewayListener, HttpChain, Listener, TcpChain
from fairlead.ir.origin import Origin
from fairlead.translate import hostnames
from fairlead.translate.claims import ListenerKey
from fairlead.translate.gateway import BoundTerm, Gateways
from fairlead.translate.listeners import ManagedListener
from fairlead.translate.sources import Key, Settings, Sources
from fairlead.translate.telemetry_policy import TelemetryPolicies

HTTP_CHAIN = "http"
"""Name of the one chain of an HTTP port."""


@dataclass(frozen=True, slots=True)
class BoundInputs:
    """What decides about addresses."""

    sources: Sources
    settings: Settings


@dataclass(frozen=True, slots=True)
class BoundListeners:
    """What proxies bind."""

    listeners: Collection[tuple[str, str], Listener]
    """By (proxy, listener name)."""
    chains: Collection[tuple[str, str, str], Chain]
    """By (proxy, listener name, chain name); those of listeners rather than routes."""


def build(
    graph: Graph, inputs: BoundInputs, gateways: Gateways, telemetry: TelemetryPolicies
) -> BoundListeners:
    """Derive listeners and HTTP chains of all Gateways' proxies."""
    ports = gateways.by_bound.terms("ports that Gateways bind")
    without_http3 = gateways.managed_listeners.index("ports without HTTP/3", _without_http3)
    filtered = gateways.managed_listeners.index("ports with filters", _filtered)

    def bound(
        ctx: Context, term: BoundTerm, _term: BoundTerm
    ) -> Iterator[tuple[tuple[str, str], Listener]]:
        found = _listener(ctx, inputs, gateways, term, without_http3)
        if found is not None:
            tracing = telemetry.tracing(ctx, term[:2]) if found.table else None
            yield (found.proxy, found.name), msgspec.structs.replace(found, tracing=tracing)

    def plain(
        ctx: Context, term: BoundTerm, _term: BoundTerm
    ) -> Iterator[tuple[tuple[str, str, str], Chain]]:
        if term[2].startswith("http-"):
            chain = HttpChain(HTTP_CHAIN, filtered=ctx.count_by(filtered, term) > 0)
            yield (gateway_proxy(*term[:2]), term[2], HTTP_CHAIN), chain

    return BoundListeners(
        ports.flat_map("listeners of Gateways", bound),
        graph.join(
            "chains of listeners",
            ports.flat_map("chains of HTTP listeners", plain),
            gateways.managed_listeners.flat_map("chains of TLS listeners", _tls_chain),
        ),
    )


def _filtered(_key: ListenerKey, listener: ManagedListener) -> Iterator[BoundTerm]:
    """Index term of a listener that has filters."""
    if listener.served and listener.filters is not None:
        yield (*listener.gateway, listener.bound)


def _without_http3(_key: ListenerKey, listener: ManagedListener) -> Iterator[BoundTerm]:
    """Index term of a listener that switches HTTP/3 off on its port.

    One that checks certificates of clients does so as well: all listeners of its port do.
    """
    checks = listener.tls is not None and listener.tls.validation is not None
    if listener.served and listener.protocol == "HTTPS" and (checks or not listener.http3):
        yield (*listener.gateway, listener.bound)


def addresses_to_bind(ctx: Context, inputs: BoundInputs, gateway: Key) -> tuple[str, ...] | None:
    """The IP addresses that a Gateway's proxy binds; None or empty while there are none.

    Without a cluster they are the Gateway's own, on this machine. In one they are the pod's.
    """
    if not inputs.settings.standalone:
        return inputs.settings.bind_addresses
    return ctx.fetch(inputs.sources.gateway_addresses, gateway)


def _listener(
    ctx: Context,
    inputs: BoundInputs,
    gateways: Gateways,
    term: BoundTerm,
    without_http3: Index[ListenerKey, ManagedListener, BoundTerm],
) -> GatewayListener | None:
    """What is bound for one port; None while there is no address, and for UDP.

    Args:
        ctx: The function run that reads.
        inputs: Where addresses are found.
        gateways: Where the listeners of the port are found.
        term: The port.
        without_http3: Which ports have HTTP/3 switched off.
    """
    key, name = term[:2], term[2]
    gateway = ctx.fetch(gateways.managed, key)
    addresses = addresses_to_bind(ctx, inputs, key)
    first = ctx.first_by(gateways.by_bound, term)
    one = ctx.fetch(gateways.managed_listeners, first) if first is not None else None
    if gateway is None or one is None or not addresses or one.protocol == "UDP":
        return None
    quic = (
        gateway.parameters.http3
        and ctx.fetch(gateways.https_ports, term) is not None
        and ctx.count_by(without_http3, term) == 0
        and not gateways.occupancy.udp(ctx, key, one.bind_port)
    )
    return GatewayListener(
        proxy=gateway.proxy,
        name=name,
        addresses=addresses,
        port=one.port,
        bind_port=one.bind_port,
        table=gateways.table(ctx, one),
        origins=_origins(ctx, gateways, term),
        http3=quic,
        proxy_protocol=gateway.parameters.proxy_protocol,
        access_log=inputs.settings.access_log or gateway.parameters.access_log,
    )


def _origins(ctx: Context, gateways: Gateways, term: BoundTerm) -> tuple[Origin, ...]:
    """Where the port comes from: the Gateway's own listeners, or the Gateway.

    ListenerSets are left out: their chains have origins of their own.
    """
    own = ctx.fetch_by(gateways.by_parent, ("Gateway", *term[:2]))
    written = sorted(
        (each for _, each in own if each.served and each.bound == term[2]),
        key=lambda each: each.index,
    )
    return tuple(each.origin for each in written) or (Origin("Gateway", *term[:2]),)


def _tls_chain(
    _ctx: Context, _key: ListenerKey, listener: ManagedListener
) -> Iterator[tuple[tuple[str, str, str], Chain]]:
    """The chain of an HTTPS listener, and of one without a certificate or an authority to use.

    The latter closes connections: they must not be taken for those of a wider listener.
    """
    host = listener.hostname
    place = (listener.proxy, listener.bound, host)
    names = () if host == hostnames.ANY else (host,)
    if listener.holds and listener.unusable:
        yield place, TcpChain(host, (), names, origin=listener.origin)
    elif listener.served and listener.protocol == "HTTPS":
        yield (
            place,
            HttpChain(
                host,
                names,
                listener.tls,
                owner=host,
                filtered=listener.filters is not None,
                origin=listener.origin,
            ),
        )
