"""Gateways of ours: what of them is served, and the listeners that takes.

In: Gateways, GatewayClasses, ListenerSets, and what their references come to. Out: `Gateways`,
which routes attach to. Nothing of it depends on routes, addresses or proxies, so it changes only
with those objects, and a listener only with what concerns it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fairlead import api
from fairlead.graph import Collection, Context, Graph, Index
from fairlead.ir.fleet import gateway_proxy
from fairlead.translate import (
    certificates,
    gateway_class,
    hostnames,
    listener_conflicts,
    listener_set,
    managed_listeners,
    parameters,
)
from fairlead.translate.claims import ListenerKey, ParentKey
from fairlead.translate.conditions import Refusal
from fairlead.translate.finding import Finding
from fairlead.translate.listener_conflicts import Occupancy
from fairlead.translate.listener_set import ManagedListenerSet
from fairlead.translate.listeners import ManagedListener
from fairlead.translate.managed_gateway import GatewayInputs, ManagedGateway
from fairlead.translate.parameters import Parameters
from fairlead.translate.sources import Key

DEFAULT_SCOPE = "All"

BoundTerm: TypeAlias = tuple[str, str, str]
"""Namespace and name of a Gateway, name of the proxy's listener."""
HostTerm: TypeAlias = tuple[str, str, str, str]
"""`BoundTerm`, then a hostname."""


@dataclass(frozen=True, slots=True)
class Gateways:
    """What Gateways yield by themselves."""

    managed: Collection[Key, ManagedGateway]
    defaults: Index[Key, ManagedGateway, str]
    """Gateways that routes attach to without naming them, by `spec.defaultScope`."""
    sets: Collection[Key, ManagedListenerSet]
    managed_listeners: Collection[ListenerKey, ManagedListener]
    by_parent: Index[ListenerKey, ManagedListener, ParentKey]
    """Every listener by the object that it is written in."""
    by_gateway: Index[ListenerKey, ManagedListener, Key]
    """Listeners that are served, by Gateway."""
    by_bound: Index[ListenerKey, ManagedListener, BoundTerm]
    """Listeners that are served, by Gateway and port."""
    by_host: Index[ListenerKey, ManagedListener, HostTerm]
    """Listeners that hold their hostname, by Gateway, port and hostname; there is one at most."""
    https_ports: Collection[BoundTerm, BoundTerm]
    """Ports on which an HTTPS listener is served."""
    occupancy: Occupancy

    def table(self, ctx: Context, listener: ManagedListener) -> str:
        """Name of the route table of a listener's port; empty where nothing on it is HTTP."""
        term = (*listener.gateway, listener.bound)
        if listener.table or ctx.fetch(self.https_ports, term) is not None:
            return f"{listener.proxy}/{listener.bound}"
        return ""

    def owner(self, ctx: Context, listener: ManagedListener, host: str) -> str | None:
        """Hostname of the most specific listener that covers `host`.

        Listener isolation: routes of wider ones give nothing to `host`.

        Args:
            ctx: The function run that asks.
            listener: A served listener, which tells the Gateway and the port.
            host: A hostname that it covers.
        """
        term = (*listener.gateway, listener.bound)
        for candidate in (host, *hostnames.wider(host, hostnames.ANY)):
            if ctx.count_by(self.by_host, (*term, candidate)):
                return candidate
        return None

    def lies_inside(self, ctx: Context, listener: ManagedListener) -> bool:
        """Whether another listener on the port of `listener` covers its hostname."""
        term = (*listener.gateway, listener.bound)
        return any(
            ctx.count_by(self.by_host, (*term, wider))
            for wider in hostnames.wider(listener.hostname, hostnames.ANY)
        )


def build(graph: Graph, inputs: GatewayInputs) -> Gateways:
    """Derive the Gateways of ours and their listeners."""

    def managed(ctx: Context, _key: Key, gateway: api.Gateway) -> ManagedGateway | None:
        return _managed(ctx, inputs, gateway)

    found = inputs.sources.gateways.map("Gateways of ours", managed)
    sets = listener_set.build(inputs, found)
    entries = graph.join(
        "listeners as written",
        inputs.sources.gateways.flat_map(
            "listeners of Gateways as written",
            lambda ctx, key, gateway: _entries(ctx, found, inputs, key, gateway),
        ),
        sets.flat_map(
            "listeners of ListenerSets as written",
            lambda ctx, key, each: listener_set.entries(ctx, inputs, key, each),
        ),
    )
    occupancy = listener_conflicts.occupancy(entries)
    listeners = managed_listeners.build(inputs, found, entries, occupancy)
    by_gateway = listeners.index(
        "served listeners by Gateway", lambda _key, each: (each.gateway,) if each.served else ()
    )

    return Gateways(
        managed=found,
        defaults=found.index("default Gateways", _scopes),
        sets=sets,
        managed_listeners=listeners,
        by_parent=listeners.index("listeners by object", lambda _key, each: (each.parent,)),
        by_gateway=by_gateway,
        by_bound=listeners.index(
            "served listeners by port",
            lambda _key, each: ((*each.gateway, each.bound),) if each.served else (),
        ),
        by_host=listeners.index(
            "listeners that hold a hostname",
            lambda _key, each: ((*each.gateway, each.bound, each.hostname),) if each.holds else (),
        ),
        https_ports=listeners.index("served HTTPS listeners by port", _https).terms(
            "HTTPS ports that are served"
        ),
        occupancy=occupancy,
    )


def _https(_key: ListenerKey, listener: ManagedListener) -> Iterator[BoundTerm]:
    """Index term of an HTTPS listener that is served."""
    if listener.served and listener.protocol == "HTTPS":
        yield (*listener.gateway, listener.bound)


def _scopes(_key: Key, gateway: ManagedGateway) -> Iterator[str]:
    """Index term of a default Gateway."""
    if gateway.default:
        yield DEFAULT_SCOPE


def _entries(
    ctx: Context,
    managed: Collection[Key, ManagedGateway],
    inputs: GatewayInputs,
    key: Key,
    gateway: api.Gateway,
) -> Iterator[tuple[listener_conflicts.EntryKey, listener_conflicts.Entry]]:
    """The listeners in the spec of a Gateway of ours."""
    if ctx.fetch(managed, key) is None:
        return
    for index, source in enumerate(gateway.spec.listeners):
        yield listener_conflicts.entry(
            key, ("Gateway", *key), index, source, inputs.settings.port_offset
        )


def _managed(ctx: Context, inputs: GatewayInputs, gateway: api.Gateway) -> ManagedGateway | None:
    name = gateway.spec.gateway_class_name
    owner = gateway_class.ownership(ctx, inputs.sources, inputs.settings, name)
    if owner.foreign:
        return None
    found = parameters.of_gateway(ctx, inputs.sources, gateway, owner.defaults)
    infrastructure = gateway.spec.infrastructure
    client = certificates.client(ctx, inputs.certificates, gateway.key)
    return ManagedGateway(
        namespace=gateway.metadata.namespace,
        name=gateway.metadata.name,
        proxy=gateway_proxy(*gateway.key),
        refused=_refusal(gateway, owner, found),
        parameters=found if isinstance(found, Parameters) else Parameters(),
        default=gateway.spec.default_scope == DEFAULT_SCOPE,
        allowed=_allowed(gateway),
        client_certificate=client.names[0] if client.names else "",
        findings=client.findings,
        labels=tuple(sorted(infrastructure.labels.items())) if infrastructure else (),
        annotations=tuple(sorted(infrastructure.annotations.items())) if infrastructure else (),
    )


def _allowed(gateway: api.Gateway) -> api.ListenerNamespaces:
    allowed = gateway.spec.allowed_listeners
    return allowed.namespaces if allowed is not None else api.ListenerNamespaces()


def _refusal(
    gateway: api.Gateway, owner: gateway_class.Ownership, found: Parameters | Finding
) -> Refusal | None:
    """Why nothing of the Gateway is served, whatever its listeners are."""
    if owner.refused:
        name = gateway.spec.gateway_class_name
        return "InvalidParameters", f"GatewayClass {name} is not accepted; see its status"
    for index, address in enumerate(gateway.spec.addresses):
        if address.type != "IPAddress":
            message = (
                f"spec.addresses[{index}]: type {address.type} is not supported; use IPAddress"
            )
            return "UnsupportedAddress", message
    if isinstance(found, Finding):
        return found.reason, str(found)
    return None
