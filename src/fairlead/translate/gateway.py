"""Gateways of ours: what of them is served, the proxies and the ports that takes.

In: Gateways, GatewayClasses. Out: `ManagedGateway` by key, which routes attach to. It holds
nothing that depends on routes, addresses or proxies, so it changes only with the Gateway.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.ir.fleet import Proxy, gateway_proxy
from fairlead.ir.listener import HttpListener, Listener
from fairlead.ir.origin import Origin
from fairlead.translate import gateway_class, listeners
from fairlead.translate.listeners import ManagedListener
from fairlead.translate.sources import Key, Settings, Sources


class ManagedGateway(msgspec.Struct, frozen=True, gc=False):
    """A Gateway whose class is ours."""

    namespace: str
    name: str
    proxy: str
    """Name of the proxy that serves it."""
    listeners: tuple[ManagedListener, ...]
    refused: tuple[str, str] | None
    """(reason, message) of Accepted=False; None if at least one listener is served."""
    notes: tuple[str, ...] = ()
    """Fields that have no effect here, for the message of Accepted."""


@dataclass(frozen=True, slots=True)
class Gateways:
    """What Gateways yield by themselves."""

    managed: Collection[Key, ManagedGateway]
    fleet: Collection[str, Proxy]
    listeners: Collection[tuple[str, str], Listener]


def build(sources: Sources, settings: Settings) -> Gateways:
    """Derive the Gateways of ours, their proxies and their listeners."""

    def managed(ctx: Context, _key: Key, gateway: api.Gateway) -> ManagedGateway | None:
        return _managed(ctx, sources, settings, gateway)

    def proxy(_ctx: Context, _key: Key, gateway: ManagedGateway) -> Iterator[tuple[str, Proxy]]:
        if gateway.refused is None:
            name = gateway.proxy
            yield name, Proxy(name, "gateway", gateway.namespace, gateway.name)

    def bound(
        ctx: Context, key: Key, gateway: ManagedGateway
    ) -> Iterator[tuple[tuple[str, str], Listener]]:
        addresses = ctx.fetch(sources.gateway_addresses, key)
        if gateway.refused is None and addresses:
            for listener in _bound(gateway, addresses):
                yield (listener.proxy, listener.name), listener

    found = sources.gateways.map("gateways of ours", managed)
    return Gateways(
        managed=found,
        fleet=found.flat_map("proxies of Gateways", proxy),
        listeners=found.flat_map("listeners of Gateways", bound),
    )


def _managed(
    ctx: Context, sources: Sources, settings: Settings, gateway: api.Gateway
) -> ManagedGateway | None:
    name = gateway.spec.gateway_class_name
    owner = gateway_class.ownership(ctx, sources, settings, name)
    if owner == "foreign":
        return None
    proxy = gateway_proxy(*gateway.key)
    judged = listeners.listeners(gateway, proxy, settings.port_offset)
    refused = _refusal(gateway, judged)
    if owner == "refused":
        refused = ("InvalidParameters", f"GatewayClass {name} is not accepted; see its status")
    return ManagedGateway(
        namespace=gateway.metadata.namespace,
        name=gateway.metadata.name,
        proxy=proxy,
        listeners=judged,
        refused=refused,
        notes=_notes(gateway),
    )


def _refusal(gateway: api.Gateway, judged: tuple[ManagedListener, ...]) -> tuple[str, str] | None:
    """Why nothing of the Gateway is served."""
    for index, address in enumerate(gateway.spec.addresses):
        if address.type != "IPAddress":
            message = (
                f"spec.addresses[{index}]: type {address.type} is not supported; use IPAddress"
            )
            return "UnsupportedAddress", message
    infrastructure = gateway.spec.infrastructure
    if infrastructure is not None and infrastructure.parameters_ref is not None:
        message = "spec.infrastructure.parametersRef: no kind is supported; remove it"
        return "InvalidParameters", message
    if not any(listener.served for listener in judged):
        return "ListenersNotValid", "no listener is valid; see status.listeners"
    return None


def _notes(gateway: api.Gateway) -> tuple[str, ...]:
    """Fields that this version reads and does not carry out."""
    spec = gateway.spec
    unused = {
        "spec.tls": spec.tls,
        "spec.allowedListeners": spec.allowed_listeners,
        "spec.defaultScope": spec.default_scope if spec.default_scope != "None" else None,
    }
    return tuple(f"{field} is not supported yet" for field, value in unused.items() if value)


def _bound(gateway: ManagedGateway, addresses: tuple[str, ...]) -> Iterator[HttpListener]:
    """One listener for each port that an HTTP listener is served on."""
    origins: dict[int, list[Origin]] = {}
    first: dict[int, ManagedListener] = {}
    for index, listener in enumerate(gateway.listeners):
        if listener.served:
            origin = Origin(
                "Gateway", gateway.namespace, gateway.name, field=f"spec.listeners[{index}]"
            )
            origins.setdefault(listener.port, []).append(origin)
            first.setdefault(listener.port, listener)
    for port, listener in first.items():
        yield HttpListener(
            proxy=gateway.proxy,
            name=listener.bound,
            addresses=addresses,
            port=port,
            bind_port=listener.bind_port,
            table=listener.table,
            origins=tuple(origins[port]),
        )
