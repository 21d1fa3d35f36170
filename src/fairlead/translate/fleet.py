"""Proxies of Gateways: which shall run, and what they need around them in a cluster.

In: Gateways of ours, and what their proxies bind. Out: an `ir.fleet.Proxy` for each Gateway that
has a listener to serve; in a cluster also for one that has none now, whose addresses it keeps.
"""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.ir.fleet import Proxy
from fairlead.ir.infrastructure import AskedAddress, ProxyPort
from fairlead.ir.listener import Listener, OutboundListener, UdpListener
from fairlead.translate import gateway_addresses
from fairlead.translate.bound_listeners import BoundInputs
from fairlead.translate.gateway import Gateways
from fairlead.translate.managed_gateway import ManagedGateway
from fairlead.translate.sources import Key

_PortKey: TypeAlias = tuple[str, str]
"""Proxy, name of the port."""


def build(
    inputs: BoundInputs,
    gateways: Gateways,
    listeners: Collection[tuple[str, str], Listener],
) -> Collection[str, Proxy]:
    """Derive the proxies of Gateways, by name."""
    if inputs.settings.standalone:

        def running(ctx: Context, key: Key, gateway: ManagedGateway) -> Iterator[tuple[str, Proxy]]:
            if ctx.count_by(gateways.by_gateway, key):
                yield gateway.proxy, _proxy(gateway)

        return gateways.managed.flat_map("proxies of Gateways", running)
    ports = listeners.flat_map("ports of proxies in a cluster", _ports).index(
        "ports by proxy", lambda key, _port: (key[0],)
    )

    def provided(ctx: Context, key: Key, gateway: ManagedGateway) -> Iterator[tuple[str, Proxy]]:
        written = ctx.fetch(inputs.sources.gateways, key)
        if written is not None:
            bound = tuple(port for _, port in ctx.fetch_by(ports, gateway.proxy))
            home = ctx.fetch(inputs.sources.namespaces, ("", gateway.namespace))
            ending = home is not None and home.metadata.deletion_timestamp is not None
            yield gateway.proxy, _provided(gateway, written, bound, ending=ending)

    return gateways.managed.flat_map("proxies of Gateways", provided)


def _proxy(gateway: ManagedGateway) -> Proxy:
    return Proxy(
        gateway.proxy,
        "gateway",
        gateway.namespace,
        gateway.name,
        labels=gateway.labels,
        annotations=gateway.annotations,
    )


def _provided(
    gateway: ManagedGateway, written: api.Gateway, ports: tuple[ProxyPort, ...], *, ending: bool
) -> Proxy:
    """A proxy with what it needs in a cluster."""
    return msgspec.structs.replace(
        _proxy(gateway),
        owner=written.metadata.uid,
        held=gateway.refused is not None or not ports,
        ending=ending,
        ports=tuple(sorted(ports, key=lambda each: (each.port, each.transport))),
        addresses=tuple(_asked(written)),
        deployment=gateway.parameters.deployment,
    )


def _asked(gateway: api.Gateway) -> Iterator[AskedAddress]:
    """The entries of `spec.addresses` that something can be done for; without any, one address."""
    if not gateway.spec.addresses:
        yield AskedAddress()
    for entry in gateway.spec.addresses:
        if gateway_addresses.routable(entry, standalone=False):
            yield AskedAddress(entry.value or "", gateway_addresses.in_cluster(entry))


def _ports(
    _ctx: Context, _key: tuple[str, str], listener: Listener
) -> Iterator[tuple[_PortKey, ProxyPort]]:
    """The ports of one of a proxy's listeners, by name."""
    match listener:
        case OutboundListener():
            return
        case UdpListener():
            yield (
                (listener.proxy, listener.name),
                ProxyPort(listener.name, listener.port, "UDP"),
            )
        case _:
            yield (
                (listener.proxy, listener.name),
                ProxyPort(listener.name, listener.port, "TCP"),
            )
            if listener.http3:
                name = f"quic-{listener.port}"
                yield (listener.proxy, name), ProxyPort(name, listener.port, "UDP")
