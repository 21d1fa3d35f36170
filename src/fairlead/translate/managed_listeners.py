"""Listeners in force: each judged by itself, beside the others, and with what it refers to.

In: listeners as written, Gateways, Secrets and authorities. Out: one `ManagedListener` each. A
change re-runs the listeners that it concerns: those that take the same port or hostname, name the
same Secret, or have the same Gateway.
"""

from collections.abc import Iterator

from fairlead.graph import Collection, Context
from fairlead.ir.fleet import gateway_proxy
from fairlead.ir.ports import PROXY_HEALTH
from fairlead.translate import listener_tls, listeners, policies, trust
from fairlead.translate.backend_ref import Referrer, Scope
from fairlead.translate.claims import ListenerKey
from fairlead.translate.conditions import Refusal
from fairlead.translate.listener_conflicts import Entry, EntryKey, Occupancy
from fairlead.translate.listeners import ManagedListener
from fairlead.translate.managed_gateway import GatewayInputs, ManagedGateway
from fairlead.translate.policies import Asker, OfListener
from fairlead.translate.sources import Key
from fairlead.translate.trust import Validation

_LAST_PORT = 65535
_NO_FILTERS = OfListener()
_Port = tuple[str, str, int]
"""Namespace and name of a Gateway, port as written."""


def build(
    inputs: GatewayInputs,
    gateways: Collection[Key, ManagedGateway],
    entries: Collection[EntryKey, Entry],
    occupancy: Occupancy,
) -> Collection[ListenerKey, ManagedListener]:
    """Judge all listeners, by object and name."""

    def validated(_key: EntryKey, entry: Entry) -> Iterator[_Port]:
        if entry.source.protocol == "HTTPS":
            yield (*entry.gateway, entry.source.port)

    def validation(ctx: Context, key: _Port, _term: _Port) -> Validation | None:
        gateway = ctx.fetch(inputs.sources.gateways, key[:2])
        if gateway is None:
            return None
        found = trust.client_validation(ctx, inputs.trust, gateway, key[2])
        return found if found != listener_tls.NO_VALIDATION else None

    validations = (
        entries.index("HTTPS listeners by port", validated)
        .terms("HTTPS ports")
        .map("validation of clients", validation)
    )

    def judged(
        ctx: Context, _key: EntryKey, entry: Entry
    ) -> Iterator[tuple[ListenerKey, ManagedListener]]:
        port = (*entry.gateway, entry.source.port)
        asked = ctx.fetch(validations, port) if entry.source.protocol == "HTTPS" else None
        gateway = ctx.fetch(gateways, entry.gateway)
        if gateway is not None:
            made = _judged(ctx, inputs, occupancy, entry, gateway, asked)
            yield made.key, made

    return entries.flat_map("managed listeners", judged)


def _judged(  # noqa: PLR0917 - what one listener depends on
    ctx: Context,
    inputs: GatewayInputs,
    occupancy: Occupancy,
    entry: Entry,
    gateway: ManagedGateway,
    validation: Validation | None,
) -> ManagedListener:
    source, key = entry.source, entry.gateway
    proxy = gateway_proxy(*key)
    bound = listeners.bound_name(source)
    conflict, beaten = occupancy.conflict(ctx, entry)
    tls = listener_tls.listener_tls(
        ctx, inputs.certificates, entry.parent, source, validation or listener_tls.NO_VALIDATION
    )
    kinds, unknown = listeners.kinds(source)
    filters = _filters(ctx, inputs, entry, gateway)
    refused = (
        entry.refused
        or beaten
        or listeners.refusal(source)
        or _beyond(entry, inputs.settings.standalone)
        or tls.refused
        or _unsupported(filters)
    )
    allowed = source.allowed_routes.namespaces
    return ManagedListener(
        gateway=key,
        proxy=proxy,
        parent=entry.parent,
        index=entry.index,
        name=source.name,
        port=source.port,
        bind_port=entry.bind_port,
        bound=bound,
        table=f"{proxy}/{bound}" if listeners.speaks_http(source.protocol) else "",
        protocol=source.protocol,
        hostname=listeners.hostname_of(source),
        mode=listeners.mode_of(source),
        tls=tls.tls,
        http3=tls.http3,
        conflict=conflict,
        refused=refused,
        idle=gateway.refused is not None,
        findings=(*tls.findings, *filters.unresolved, *unknown),
        note=tls.note,
        kinds=kinds,
        namespaces=allowed.from_,
        selector=allowed.selector,
        filters=filters.filters,
    )


def _filters(
    ctx: Context, inputs: GatewayInputs, entry: Entry, gateway: ManagedGateway
) -> OfListener:
    """What the filters of a listener do to every request (experimental)."""
    if entry.source.filters is None:
        return _NO_FILTERS
    kind, namespace, _ = entry.parent
    scope = Scope("gateway", gateway.namespace, certificate=gateway.client_certificate)
    asker = Asker(inputs.references, scope, Referrer(kind, namespace))
    return policies.of_listener(ctx, asker, entry.source.filters, f"spec.listeners[{entry.index}]")


def _unsupported(filters: OfListener) -> Refusal | None:
    """Why filters cannot be carried out, or None."""
    found = filters.unsupported
    return (found.reason, str(found)) if found is not None else None


def _beyond(entry: Entry, standalone: bool) -> Refusal | None:  # noqa: FBT001 - a setting
    """Why the port cannot be bound: it has its use in a pod, or the offset takes it too far."""
    if not standalone and entry.source.port == PROXY_HEALTH and entry.source.protocol != "UDP":
        message = f"port {PROXY_HEALTH} is where the kubelet asks the proxy; use another one"
        return "PortUnavailable", message
    if entry.bind_port <= _LAST_PORT:
        return None
    message = (
        f"port {entry.source.port} would be bound as {entry.bind_port}, beyond {_LAST_PORT}; "
        "choose another --port-offset"
    )
    return "PortUnavailable", message
