"""UDP ports of Gateways: their listeners, and the cluster that each of them sends to.

In: who serves each UDP port, UDPRoutes, and the addresses behind UDP ports of Services. Out:
`ir.listener.UdpListener`, with a cluster of its own name whose endpoints are the backends' by
weight, since proxies cannot choose among clusters for datagrams. What falls to a backend that
does not resolve, or has no endpoint, is dropped, as is everything on a port without route.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fairlead.graph import Collection, Context
from fairlead.ir.cluster import Cluster
from fairlead.ir.endpoint import Endpoint, Endpoints, Share
from fairlead.ir.listener import UdpListener
from fairlead.translate import l4_rule
from fairlead.translate.backend_ref import Inputs, Target
from fairlead.translate.bound_listeners import BoundInputs, addresses_to_bind
from fairlead.translate.claims import BoundHost
from fairlead.translate.finding import Finding
from fairlead.translate.l4_routes import Served


@dataclass(frozen=True, slots=True)
class UdpListeners:
    """What UDP ports need."""

    listeners: Collection[tuple[str, str], UdpListener]
    """By (proxy, listener name)."""
    clusters: Collection[str, Cluster]
    endpoints: Collection[str, Endpoints]


def build(
    inputs: Inputs, bound: BoundInputs, served: Collection[BoundHost, Served]
) -> UdpListeners:
    """Derive listeners, clusters and endpoints of UDP ports from who serves them."""

    def listener(
        ctx: Context, key: BoundHost, value: Served
    ) -> Iterator[tuple[tuple[str, str], UdpListener]]:
        if value.listener.protocol != "UDP":
            return
        addresses = addresses_to_bind(ctx, bound, value.listener.gateway)
        if addresses:
            yield key[:2], _listener(key, value, addresses)

    def cluster(_ctx: Context, key: BoundHost, value: Served) -> Iterator[tuple[str, Cluster]]:
        if value.listener.protocol == "UDP":
            name = cluster_name(key)
            namespace, port = value.listener.gateway[0], value.listener.port
            yield name, Cluster(name, namespace, "", port, protocol="udp")

    def endpoints(ctx: Context, key: BoundHost, value: Served) -> Iterator[tuple[str, Endpoints]]:
        if value.listener.protocol == "UDP":
            yield cluster_name(key), _endpoints(ctx, inputs, key, value)

    return UdpListeners(
        served.flat_map("UDP listeners", listener),
        served.flat_map("clusters of UDP listeners", cluster),
        served.flat_map("endpoints of UDP listeners", endpoints),
    )


def cluster_name(host: BoundHost) -> str:
    """Name of the cluster of a UDP port: ``gateway/NAMESPACE/NAME/udp-PORT``."""
    return f"{host[0]}/{host[1]}"


def _listener(host: BoundHost, served: Served, addresses: tuple[str, ...]) -> UdpListener:
    proxy, bound, _ = host
    return UdpListener(
        proxy=proxy,
        name=bound,
        addresses=addresses,
        port=served.listener.port,
        bind_port=served.listener.bind_port,
        cluster=cluster_name(host),
        origins=(served.listener.origin,),
    )


def _endpoints(ctx: Context, inputs: Inputs, host: BoundHost, served: Served) -> Endpoints:
    name, claim = cluster_name(host), served.claim
    route = ctx.fetch(inputs.sources.udp_routes, claim.route) if claim.kind else None
    if route is None:
        return Endpoints(name, ())
    shares = (
        Share(ref.weight, _addresses(ctx, inputs, found))
        for _, ref, found in l4_rule.targets(ctx, inputs, route)
        if ref.weight
    )
    return Endpoints(name, (), tuple(shares))


def _addresses(ctx: Context, inputs: Inputs, found: Target | Finding) -> tuple[Endpoint, ...]:
    if isinstance(found, Finding):
        return ()
    known = ctx.fetch(inputs.clusters.udp_addresses, (*found.key, found.port))
    return known.ready if known is not None else ()
