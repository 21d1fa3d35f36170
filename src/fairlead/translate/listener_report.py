"""What is told about one listener, be it of a Gateway or of a ListenerSet.

In: a `ManagedListener`, the routes that attach to it, how far its Gateway's proxy has come. Out:
its conditions (Accepted, Programmed, ResolvedRefs, Conflicted, OverlappingTLSConfig). `Programmed`
is true when the proxy has it, not when it was sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from fairlead.graph import Collection, Context, Index
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.translate import hostnames
from fairlead.translate.attachments import AttachedKey, Attachments
from fairlead.translate.claims import ListenerKey
from fairlead.translate.conditions import Conditions
from fairlead.translate.finding import sentence
from fairlead.translate.gateway import Gateways, HostTerm
from fairlead.translate.listeners import ManagedListener
from fairlead.translate.managed_gateway import ManagedGateway
from fairlead.translate.report import Condition, ListenerReport
from fairlead.translate.sources import Settings, Sources

PortKey: TypeAlias = tuple[str, str]
"""Proxy, and the name of its listener, or of a secret."""
RefusedKey: TypeAlias = tuple[str, str, str, str, str, str]
"""Proxy, name of its listener, and kind, namespace, name and field of what a part comes from."""


class PortStatus(msgspec.Struct, frozen=True, gc=False):
    """How far a proxy has come with one of its listeners, or with a secret that it refused."""

    acknowledged: bool
    refusal: str = ""
    """Envoy's words if it refused the listener as a whole."""


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """Why nothing of a Gateway can be programmed yet."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ListenerFacts:
    """What is told about listeners is made from this."""

    sources: Sources
    standalone: bool
    gateways: Gateways
    attached: Index[AttachedKey, Attachments, ListenerKey]
    """Accepted routes by listener."""
    ports: Collection[PortKey, PortStatus]
    connected: Collection[str, bool]
    """Proxies that are connected."""
    refusals: Collection[RefusedKey, str]
    """Envoy's words about chains."""
    nested: Index[ListenerKey, ManagedListener, HostTerm]
    """HTTPS and TLS listeners that hold their hostname, by every hostname that covers it."""


def facts(
    sources: Sources,
    settings: Settings,
    gateways: Gateways,
    attached: Index[AttachedKey, Attachments, ListenerKey],
) -> ListenerFacts:
    """Index how far proxies have come, so that a listener reads no more than what concerns it."""

    def connected(_ctx: Context, _proxy: str, status: ProxyStatus) -> bool | None:
        return True if status.connected else None

    return ListenerFacts(
        sources,
        settings.standalone,
        gateways,
        attached,
        sources.proxy_status.flat_map("ports of proxies", _ports),
        sources.proxy_status.map("connected proxies", connected),
        sources.proxy_status.flat_map("refused chains", _refusals),
        gateways.managed_listeners.index("TLS listeners by wider hostname", _nested),
    )


def waiting(ctx: Context, known: ListenerFacts, gateway: ManagedGateway) -> Waiting | None:
    """Why nothing of a Gateway can be programmed yet, or None."""
    key = (gateway.namespace, gateway.name)
    addresses = ctx.fetch(known.sources.gateway_addresses, key)
    if gateway.refused is not None:
        return Waiting("Invalid", "the Gateway is not accepted")
    around = ctx.fetch(known.sources.infrastructure, key)
    if around is not None and around.reason:
        return Waiting(around.reason, around.message)
    if addresses is None:
        return Waiting("Pending", "waiting for an address")
    if not addresses:
        return Waiting("AddressNotAssigned", "no address could be assigned; see spec.addresses")
    missing = ""
    if not ctx.fetch(known.connected, gateway.proxy):
        missing = f"the proxy {gateway.proxy} to connect"
    elif around is not None and not around.ready:
        missing = f"a pod of the proxy {gateway.proxy} to be ready and reachable"
    return Waiting("Pending", f"waiting for {missing}") if missing else None


def report(
    ctx: Context,
    known: ListenerFacts,
    make: Conditions,
    listener: ManagedListener,
    pending: Waiting | None,
) -> ListenerReport:
    """Everything to tell about one listener."""
    return ListenerReport(
        name=listener.name,
        supported_kinds=listener.kinds,
        attached_routes=ctx.count_by(known.attached, listener.key),
        conditions=(
            _accepted(make, listener),
            _programmed(ctx, known, make, listener, pending),
            _resolved(make, listener),
            _conflicted(make, listener),
            *_overlapping(ctx, known, make, listener),
        ),
    )


def programmed(told: ListenerReport) -> Condition:
    """Condition Programmed of a listener that was reported on."""
    return next(each for each in told.conditions if each.type == "Programmed")


def _accepted(make: Conditions, listener: ManagedListener) -> Condition:
    if listener.refused is not None:
        return make.negative("Accepted", listener.refused)
    return make.true("Accepted", "Accepted", listener.note)


def _programmed(
    ctx: Context,
    known: ListenerFacts,
    make: Conditions,
    listener: ManagedListener,
    pending: Waiting | None,
) -> Condition:
    if listener.refused is not None:
        # The spec's own words for listeners in conflict; for others that they are not valid.
        reason = listener.conflict or "Invalid"
        return make.false("Programmed", reason, "the listener is not accepted")
    if listener.unusable:
        message = "no certificate can be used; see ResolvedRefs"
        return make.false("Programmed", "Invalid", message)
    if pending is not None:
        reason = "Invalid" if pending.reason == "Invalid" else "Pending"
        return make.false("Programmed", reason, pending.message)
    port = ctx.fetch(known.ports, (listener.proxy, listener.bound))
    if refusal := _refusal(ctx, known, listener, port):
        return make.false("Programmed", "Invalid", f"the proxy refused {refusal}")
    if port is None or not port.acknowledged:
        message = f"waiting for {listener.proxy} to acknowledge port {listener.port}"
        return make.false("Programmed", "Pending", message)
    message = f"the proxy has acknowledged port {listener.port}"
    if listener.bind_port != listener.port:
        message += f", which is port {listener.bind_port} on this machine"
    quic = ctx.fetch(known.ports, (listener.proxy, f"quic-{listener.port}"))
    if quic is not None and quic.refusal and listener.protocol == "HTTPS":
        message += f"; there is no HTTP/3, which the proxy refused: {quic.refusal}"
    return make.true("Programmed", "Programmed", message)


def _refusal(
    ctx: Context, known: ListenerFacts, listener: ManagedListener, port: PortStatus | None
) -> str:
    """What the proxy refused of a listener, and its words; empty for nothing."""
    if port is not None and port.refusal:
        return f"port {listener.port}: {port.refusal}"
    place = (listener.proxy, listener.bound, *listener.parent, listener.origin.field)
    if words := ctx.fetch(known.refusals, place):
        return f"port {listener.port}: {words}"
    if listener.tls is not None:
        trust = (listener.tls.validation.trust,) if listener.tls.validation else ()
        for name in (*listener.tls.certificates, *trust):
            secret = ctx.fetch(known.ports, (listener.proxy, name))
            if secret is not None:
                return f"{name}: {secret.refusal}"
    return ""


def _resolved(make: Conditions, listener: ManagedListener) -> Condition:
    if listener.findings:
        message = sentence(listener.findings)
        return make.false("ResolvedRefs", listener.findings[0].reason, message)
    return make.true("ResolvedRefs", "ResolvedRefs")


def _conflicted(make: Conditions, listener: ManagedListener) -> Condition:
    if listener.conflict:
        message = listener.refused[1] if listener.refused else ""
        return make.true("Conflicted", listener.conflict, message)
    return make.false("Conflicted", "NoConflicts", "")


def _overlapping(
    ctx: Context, known: ListenerFacts, make: Conditions, listener: ManagedListener
) -> Iterator[Condition]:
    """OverlappingTLSConfig, which is only there when it is true."""
    if not listener.holds or not listener.mode:
        return
    inside = ctx.count_by(known.nested, (*listener.gateway, listener.bound, listener.hostname))
    if inside or known.gateways.lies_inside(ctx, listener):
        consequence = "connections go to the one whose hostname is more specific"
        if listener.protocol == "HTTPS":
            consequence = "requests that come by a connection for the other one are answered 421"
        message = (
            f"the hostname overlaps with that of another listener on port {listener.port}; "
            f"{consequence}"
        )
        yield make.true("OverlappingTLSConfig", "OverlappingHostnames", message)


def _ports(_ctx: Context, proxy: str, status: ProxyStatus) -> Iterator[tuple[PortKey, PortStatus]]:
    """How far a proxy has come, by listener; what it refused as a whole, by name."""
    whole = {each.name: each.message for each in reversed(status.rejections) if not each.part}
    for name in sorted({*status.listeners, *whole}):
        yield (proxy, name), PortStatus(name in status.listeners, whole.get(name, ""))


def _refusals(_ctx: Context, proxy: str, status: ProxyStatus) -> Iterator[tuple[RefusedKey, str]]:
    """Chains that a proxy refused, by where they come from."""
    found: dict[RefusedKey, str] = {}
    for each in status.rejections:
        for origin in each.origins if each.part else ():
            place = (proxy, each.name, origin.kind, origin.namespace, origin.name, origin.field)
            found.setdefault(place, each.message)
    yield from sorted(found.items())


def _nested(_key: ListenerKey, listener: ManagedListener) -> Iterator[HostTerm]:
    """Index terms of an HTTPS or TLS listener: the hostnames that its own lies inside of."""
    if listener.holds and listener.mode:
        for wider in hostnames.wider(listener.hostname, hostnames.ANY):
            yield (*listener.gateway, listener.bound, wider)
