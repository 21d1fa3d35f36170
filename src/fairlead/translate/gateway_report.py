"""What the owner of a Gateway is told: its conditions, and those of each listener.

In: `ManagedGateway`, what routes count for its listeners, its addresses, and what its proxy has
acknowledged. `Programmed` is true when the proxy has it, not when it was sent.
"""

from dataclasses import dataclass

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.translate.attachments import Attachments
from fairlead.translate.conditions import Conditions
from fairlead.translate.gateway import ManagedGateway
from fairlead.translate.listeners import ManagedListener
from fairlead.translate.report import Condition, ListenerReport, Report
from fairlead.translate.sources import Key, Sources


@dataclass(frozen=True, slots=True)
class Facts:
    """What a Gateway's report is made from."""

    sources: Sources
    gateways: Collection[Key, ManagedGateway]
    attached: Index[Key, Attachments, tuple[str, str, str]]
    """Routes by (namespace, Gateway, listener)."""


@dataclass(frozen=True, slots=True)
class _State:
    """A Gateway and how far its proxy has come."""

    make: Conditions
    gateway: api.Gateway
    managed: ManagedGateway
    addresses: tuple[str, ...] | None
    status: ProxyStatus | None
    pending: tuple[str, str] | None
    """(reason, message) why nothing of it can be programmed yet."""


def report(ctx: Context, facts: Facts, key: Key, gateway: api.Gateway) -> Report | None:
    """Everything to tell about a Gateway; None if it is another controller's."""
    managed = ctx.fetch(facts.gateways, key)
    if managed is None:
        return None
    make = Conditions(gateway.metadata.generation)
    addresses = ctx.fetch(facts.sources.gateway_addresses, key)
    status = ctx.fetch(facts.sources.proxy_status, managed.proxy)
    pending = _pending(managed, addresses, status)
    state = _State(make, gateway, managed, addresses, status, pending)
    programmed = tuple(_programmed(state, listener) for listener in managed.listeners)
    return Report(
        kind="Gateway",
        namespace=key[0],
        name=key[1],
        generation=gateway.metadata.generation,
        conditions=(
            _accepted(make, managed),
            _gateway_programmed(state, programmed),
            _resolved(make, managed),
        ),
        listeners=tuple(
            _listener(make, listener, ctx.count_by(facts.attached, (*key, listener.name)), done)
            for listener, done in zip(managed.listeners, programmed, strict=True)
        ),
        addresses=tuple(("IPAddress", address) for address in addresses or ()),
    )


def _accepted(make: Conditions, managed: ManagedGateway) -> Condition:
    if managed.refused is not None:
        return make.negative("Accepted", managed.refused)
    invalid = [listener.name for listener in managed.listeners if not listener.served]
    if invalid:
        message = f"listeners that are not valid: {', '.join(invalid)}; the others are served"
        return make.true("Accepted", "ListenersNotValid", "; ".join((message, *managed.notes)))
    return make.true("Accepted", "Accepted", "; ".join(managed.notes) or "the Gateway is served")


def _pending(
    managed: ManagedGateway, addresses: tuple[str, ...] | None, status: ProxyStatus | None
) -> tuple[str, str] | None:
    """(reason, message) why nothing of the Gateway can be programmed yet, or None."""
    if managed.refused is not None:
        return "Invalid", "the Gateway is not accepted"
    if addresses is None:
        return "Pending", "waiting for an address"
    if not addresses:
        return "AddressNotAssigned", "no address could be assigned; see spec.addresses"
    if status is None or not status.connected:
        return "Pending", f"waiting for the proxy {managed.proxy} to connect"
    return None


def _programmed(state: _State, listener: ManagedListener) -> Condition:
    """Condition Programmed of one listener."""
    make, status = state.make, state.status
    if not listener.served:
        return make.false("Programmed", "Invalid", "the listener is not accepted")
    if state.pending is not None:
        reason = "Invalid" if state.pending[0] == "Invalid" else "Pending"
        return make.false("Programmed", reason, state.pending[1])
    for rejection in status.rejections if status is not None else ():
        if rejection.name == listener.bound and not rejection.part:
            message = f"the proxy refused port {listener.port}: {rejection.message}"
            return make.false("Programmed", "Invalid", message)
    if status is None or listener.bound not in status.listeners:
        message = f"waiting for {state.managed.proxy} to acknowledge port {listener.port}"
        return make.false("Programmed", "Pending", message)
    message = f"the proxy has acknowledged port {listener.port}"
    if listener.bind_port != listener.port:
        message += f", which is port {listener.bind_port} on this machine"
    return make.true("Programmed", "Programmed", message)


def _gateway_programmed(state: _State, programmed: tuple[Condition, ...]) -> Condition:
    """Condition Programmed of the Gateway: its addresses, and all its valid listeners."""
    make, addresses = state.make, state.addresses
    unusable = [
        address.value
        for address in state.gateway.spec.addresses
        if addresses is not None and address.value and address.value not in addresses
    ]
    if state.managed.refused is None and unusable:
        message = f"spec.addresses: {', '.join(unusable)} cannot be bound here; change or remove it"
        return make.false("Programmed", "AddressNotUsable", message)
    if state.pending is not None:
        return make.false("Programmed", *state.pending)
    for reason in ("Invalid", "Pending"):
        for listener, condition in zip(state.managed.listeners, programmed, strict=True):
            if listener.served and condition.reason == reason:
                message = f"listener {listener.name}: {condition.message}"
                return make.false("Programmed", reason, message)
    return make.true("Programmed", "Programmed", "the proxy has acknowledged every valid listener")


def _resolved(make: Conditions, managed: ManagedGateway) -> Condition:
    """Condition ResolvedRefs: the summary of those of the listeners."""
    names = [listener.name for listener in managed.listeners if listener.unknown_kinds]
    if names:
        message = f"listeners with references that do not resolve: {', '.join(names)}"
        return make.false("ResolvedRefs", "ListenersNotResolved", message)
    return make.true("ResolvedRefs", "ResolvedRefs")


def _listener(
    make: Conditions, listener: ManagedListener, attached_routes: int, programmed: Condition
) -> ListenerReport:
    accepted = make.true("Accepted", "Accepted")
    if listener.refused is not None:
        accepted = make.negative("Accepted", listener.refused)
    resolved = make.true("ResolvedRefs", "ResolvedRefs")
    if listener.unknown_kinds:
        kinds = ", ".join(listener.unknown_kinds)
        message = f"allowedRoutes.kinds: {listener.protocol} listeners cannot take {kinds}"
        resolved = make.false("ResolvedRefs", "InvalidRouteKinds", message)
    conflicted = make.false("Conflicted", "NoConflicts", "")
    if listener.conflict:
        message = listener.refused[1] if listener.refused else ""
        conflicted = make.true("Conflicted", listener.conflict, message)
    return ListenerReport(
        name=listener.name,
        supported_kinds=listener.kinds,
        attached_routes=attached_routes,
        conditions=(accepted, programmed, resolved, conflicted),
    )
