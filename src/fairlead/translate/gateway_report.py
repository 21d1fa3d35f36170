"""What the owner of a Gateway is told: its conditions, and those of each listener.

In: `ManagedGateway`, its listeners, addresses and ListenerSets, and how far its proxy has come.
`Programmed` is true when the proxy has it, not when it was sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.translate import gateway_addresses, listener_report, trust
from fairlead.translate.claims import ListenerKey
from fairlead.translate.conditions import Conditions
from fairlead.translate.finding import sentence
from fairlead.translate.gateway_addresses import Assignment
from fairlead.translate.listener_report import ListenerFacts, Waiting
from fairlead.translate.listeners import ManagedListener
from fairlead.translate.managed_gateway import ManagedGateway
from fairlead.translate.report import Condition, ListenerReport, Report
from fairlead.translate.sources import Key

_SetTerm = tuple[str, str, str, str]
"""Namespace and name of a Gateway, then of a ListenerSet."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a Gateway's report is made from."""

    listeners: ListenerFacts
    accepted_sets: Index[_SetTerm, _SetTerm, Key]
    """ListenerSets with a listener that is served, by Gateway."""


@dataclass(frozen=True, slots=True)
class _State:
    """A Gateway and how far its proxy has come."""

    make: Conditions
    managed: ManagedGateway
    assigned: Assignment
    listeners: tuple[ManagedListener, ...]
    told: tuple[ListenerReport, ...]
    pending: Waiting | None
    sets: int
    """ListenerSets that are accepted."""
    refusal: str
    """The proxy's words about the certificate for backends; empty unless it refused it."""


def accepted_sets(
    listeners: Collection[ListenerKey, ManagedListener],
) -> Index[_SetTerm, _SetTerm, Key]:
    """Index the ListenerSets that are accepted by Gateway, to be counted."""

    def sets(_key: ListenerKey, listener: ManagedListener) -> Iterator[_SetTerm]:
        kind, namespace, name = listener.parent
        if kind == "ListenerSet" and listener.served:
            yield (*listener.gateway, namespace, name)

    found = listeners.index("ListenerSets with a listener that is served", sets)
    return found.terms("accepted ListenerSets").index(
        "accepted ListenerSets by Gateway", lambda term, _: (term[:2],)
    )


def report(ctx: Context, facts: Facts, key: Key, gateway: api.Gateway) -> Report | None:
    """Everything to tell about a Gateway; None if it is another controller's."""
    known = facts.listeners
    managed = ctx.fetch(known.gateways.managed, key)
    if managed is None:
        return None
    make = Conditions(gateway.metadata.generation)
    found = ctx.fetch_by(known.gateways.by_parent, ("Gateway", *key))
    listeners = sorted((each for _, each in found), key=lambda each: each.index)
    pending = listener_report.waiting(ctx, known, managed)
    state = _State(
        make,
        managed,
        _assignment(ctx, known, gateway),
        tuple(listeners),
        tuple(listener_report.report(ctx, known, make, each, pending) for each in listeners),
        pending,
        ctx.count_by(facts.accepted_sets, key),
        _refused_certificate(ctx, known, managed),
    )
    return Report(
        kind="Gateway",
        namespace=key[0],
        name=key[1],
        generation=gateway.metadata.generation,
        conditions=(
            _accepted(state),
            _programmed(state),
            _resolved(state),
            *_addresses_assigned(state),
            *_insecure(make, gateway),
            *_default(make, managed),
        ),
        listeners=state.told,
        addresses=tuple(
            (gateway_addresses.address_type(address), address)
            for address, _ in state.assigned.addresses
        ),
        routability=tuple(routability for _, routability in state.assigned.addresses),
        attached_listener_sets=state.sets,
    )


def _assignment(ctx: Context, known: ListenerFacts, gateway: api.Gateway) -> Assignment:
    """What came of `spec.addresses`."""
    given = ctx.fetch(known.sources.gateway_addresses, gateway.key)
    if known.standalone:
        return gateway_addresses.assignment(gateway.spec.addresses, given)
    found = ctx.fetch(known.sources.infrastructure, gateway.key)
    inside = found.cluster_addresses if found is not None else ()
    return gateway_addresses.assignment(gateway.spec.addresses, given, inside)


def _refused_certificate(ctx: Context, known: ListenerFacts, managed: ManagedGateway) -> str:
    """What the proxy said of the certificate that it shall show to backends."""
    name = managed.client_certificate
    secret = ctx.fetch(known.ports, (managed.proxy, name)) if name else None
    return "" if secret is None else secret.refusal


def _accepted(state: _State) -> Condition:
    make, managed = state.make, state.managed
    if managed.refused is not None:
        return make.negative("Accepted", managed.refused)
    invalid = [listener.name for listener in state.listeners if not listener.valid]
    if len(invalid) == len(state.listeners) and not state.sets:
        message = "no listener is valid; see status.listeners"
        return make.false("Accepted", "ListenersNotValid", message)
    if invalid:
        message = f"listeners that are not valid: {', '.join(invalid)}; the others are served"
        return make.true("Accepted", "ListenersNotValid", message)
    return make.true("Accepted", "Accepted", "the Gateway is served")


def _programmed(state: _State) -> Condition:
    """Condition Programmed of the Gateway: its addresses, and all its valid listeners."""
    make, pending = state.make, state.pending
    refused = state.managed.refused is not None
    if not refused and state.assigned.unusable:
        unusable = ", ".join(state.assigned.unusable)
        message = f"spec.addresses: {unusable}: {state.assigned.why}; change or remove it"
        return make.false("Programmed", "AddressNotUsable", message)
    if not refused and not state.sets and not any(each.valid for each in state.listeners):
        return make.false("Programmed", "Invalid", "the Gateway is not accepted")
    if pending is not None:
        return make.false("Programmed", pending.reason, pending.message)
    for reason in ("Invalid", "Pending"):
        for listener, told in zip(state.listeners, state.told, strict=True):
            condition = listener_report.programmed(told)
            if listener.valid and condition.reason == reason:
                message = f"listener {listener.name}: {condition.message}"
                return make.false("Programmed", reason, message)
    if state.refusal:
        message = f"spec.tls.backend.clientCertificateRef: the proxy refused it: {state.refusal}"
        return make.false("Programmed", "Invalid", message)
    return make.true("Programmed", "Programmed", "the proxy has acknowledged every valid listener")


def _resolved(state: _State) -> Condition:
    """Condition ResolvedRefs: the Gateway's own references, and the summary of its listeners."""
    make, findings = state.make, state.managed.findings
    if findings:
        return make.false("ResolvedRefs", findings[0].reason, sentence(findings))
    names = [listener.name for listener in state.listeners if listener.findings]
    if names:
        message = f"listeners with references that do not resolve: {', '.join(names)}"
        return make.false("ResolvedRefs", "ListenersNotResolved", message)
    return make.true("ResolvedRefs", "ResolvedRefs")


def _addresses_assigned(state: _State) -> Iterator[Condition]:
    """Condition AddressesAssigned (GEP-5093), which is there once addresses were decided on."""
    make, assigned = state.make, state.assigned
    if state.managed.refused is not None or not assigned.decided:
        return
    if not assigned.unsatisfied:
        message = "every requested address is assigned"
        yield make.true("AddressesAssigned", "AddressesAssigned", message)
        return
    reason = "PartiallyAssigned" if assigned.addresses else "NotAssigned"
    message = f"not assigned: {'; '.join(assigned.unsatisfied)}"
    yield make.false("AddressesAssigned", reason, message)


def _insecure(make: Conditions, gateway: api.Gateway) -> Iterator[Condition]:
    """Condition InsecureFrontendValidationMode, which is only there when it is true."""
    if trust.insecure_fallback(gateway):
        message = (
            "spec.tls.frontend: AllowInsecureFallback lets in clients without a valid certificate"
        )
        yield make.true("InsecureFrontendValidationMode", "ConfigurationChanged", message)


def _default(make: Conditions, managed: ManagedGateway) -> Iterator[Condition]:
    """Condition DefaultGateway (GEP-3793), which is only there when it is true."""
    if managed.default:
        yield make.true("DefaultGateway", "DefaultGateway", "the Gateway has default scope All")
