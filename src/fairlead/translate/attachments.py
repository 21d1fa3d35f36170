"""Which HTTPRoutes attach to which Gateways, and which hosts that gives them.

In: HTTPRoutes, `ManagedGateway`s, Namespaces. Out: one `Attachments` per route with Gateway
parents, and from it the claims of virtual hosts. A route's change re-runs its own entry only;
a Gateway's change those of the routes that name it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.translate import hostnames, rules
from fairlead.translate.gateway import ManagedGateway
from fairlead.translate.listeners import GROUP, HTTP_ROUTE, ManagedListener
from fairlead.translate.sources import Key, Settings, Sources

Variant: TypeAlias = tuple[str, str, str, int]
"""A route compiled for some clients: its namespace and name, the clients' namespace, and the
port on which they call (0 where that makes no difference)."""

_NO_LABELS: Mapping[str, str] = {}

ClaimKey: TypeAlias = tuple[str, str, str, str]
"""Table, host, namespace and name of the route (both empty for a listener's own claim)."""


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A reason for a virtual host to be there."""

    table: str
    host: str
    limit: str
    """Hostname of the listener that the host belongs to: rules never come from beyond it."""
    hostname: str
    """The route's hostname before it was intersected with the listener's."""
    variant: Variant | None
    """What the route gives to the host; None for the claim of a listener."""


class Attachment(msgspec.Struct, frozen=True, gc=False):
    """What became of one parentRef that names a Gateway."""

    index: int
    """Place of the parentRef in the route."""
    gateway: Key
    refused: tuple[str, str] | None
    """(reason, message) of Accepted=False as far as the parent decides; None if it attaches."""
    listeners: tuple[str, ...] = ()
    """Names of the listeners it attaches to."""
    proxy: str = ""
    """The proxy that serves it; empty if none does."""


class Attachments(msgspec.Struct, frozen=True, gc=False):
    """Everything that Gateways make of one route."""

    valid: bool
    """Whether at least one of its rules is."""
    parents: tuple[Attachment, ...]
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides on attachment besides the route."""

    sources: Sources
    settings: Settings
    gateways: Collection[Key, ManagedGateway]


def is_gateway(ref: api.ParentReference) -> bool:
    """Whether a parentRef names a Gateway."""
    return (ref.group, ref.kind) == (GROUP, "Gateway")


def attachments(ctx: Context, around: Surroundings, route: api.HTTPRoute) -> Attachments | None:
    """Attach `route` to its Gateways; None if no parent of it is a Gateway that concerns us."""
    parents: list[Attachment] = []
    claims: dict[tuple[str, str], Claim] = {}
    port_matters = rules.port_matters(route)
    for index, ref in enumerate(route.spec.parent_refs):
        if not is_gateway(ref):
            continue
        key = ref.key_from(route.metadata.namespace)
        gateway = ctx.fetch(around.gateways, key)
        if gateway is None:
            missing = _missing(ctx, around, route, ref, key)
            if missing is not None:
                parents.append(Attachment(index, key, ("NoMatchingParent", missing)))
            continue
        found = _select(ctx, around.sources, route, ref, gateway)
        if isinstance(found, tuple):
            parents.append(Attachment(index, key, found))
            continue
        proxy = gateway.proxy if gateway.refused is None else ""
        names = tuple(listener.name for listener in found.listeners)
        parents.append(Attachment(index, key, None, names, proxy))
        if proxy:
            for claim in _claims(route, gateway, found.listeners, port_matters=port_matters):
                _keep(claims, claim)
    if not parents:
        return None
    return Attachments(
        valid=any(not checked.findings for checked in rules.check(route)),
        parents=tuple(parents),
        claims=tuple(claims[host] for host in sorted(claims)),
    )


def attached(_key: Key, value: Attachments) -> Iterator[tuple[str, str, str]]:
    """(namespace, Gateway, listener) that the route counts for in `attachedRoutes`."""
    if value.valid:
        names = {
            (*parent.gateway, listener)
            for parent in value.parents
            if parent.refused is None
            for listener in parent.listeners
        }
        yield from sorted(names)


def claims_of_route(
    _ctx: Context, key: Key, value: Attachments
) -> Iterator[tuple[ClaimKey, Claim]]:
    """The claims of a route, by key."""
    for claim in value.claims:
        yield (claim.table, claim.host, *key), claim


def claims_of_listeners(
    _ctx: Context, _key: Key, gateway: ManagedGateway
) -> Iterator[tuple[ClaimKey, Claim]]:
    """The hosts of listeners that lie inside those of a wider listener on the same port.

    Without routes of their own they would fall to the wider one's; the claim keeps them apart
    (listener isolation) and they answer 404.
    """
    if gateway.refused is not None:
        return
    for listener in gateway.listeners:
        wider = (
            other
            for other in gateway.listeners
            if other.served and other.port == listener.port and other.name != listener.name
        )
        host = listener.hostname
        if listener.served and any(hostnames.covers(other.hostname, host) for other in wider):
            yield (listener.table, host, "", ""), Claim(listener.table, host, host, host, None)


class _Selected(msgspec.Struct, frozen=True, gc=False):
    """The listeners that a parentRef attaches to; at least one."""

    listeners: tuple[ManagedListener, ...]


def _select(
    ctx: Context,
    sources: Sources,
    route: api.HTTPRoute,
    ref: api.ParentReference,
    gateway: ManagedGateway,
) -> _Selected | tuple[str, str]:
    """The listeners that take the route, or (reason, message) why none does."""
    namespace = route.metadata.namespace
    shown = f"Gateway {gateway.namespace}/{gateway.name}"
    named = [
        listener
        for listener in gateway.listeners
        if ref.section_name in (None, listener.name) and ref.port in (None, listener.port)
    ]
    if not named:
        return "NoMatchingParent", f"{shown} has no listener{_wanted(ref)}"
    kinds = [listener for listener in named if HTTP_ROUTE in listener.kinds]
    if not kinds:
        message = f"no listener of {shown}{_wanted(ref)} takes HTTPRoutes"
        return "NotAllowedByListeners", message
    selects = any(listener.namespaces == "Selector" for listener in kinds)
    labels = _labels(ctx, sources, namespace) if selects else _NO_LABELS
    allowed = [
        listener
        for listener in kinds
        if listener.allows_namespace(gateway.namespace, namespace, labels)
    ]
    if not allowed:
        message = (
            f"the listeners of {shown}{_wanted(ref)} take no routes from namespace {namespace}; "
            "its owner can allow that in allowedRoutes.namespaces"
        )
        return "NotAllowedByListeners", message
    hosts = _hostnames(route)
    matching = tuple(
        listener
        for listener in allowed
        if any(hostnames.intersection(listener.hostname, host) for host in hosts)
    )
    if not matching:
        theirs = ", ".join(sorted({listener.hostname for listener in allowed}))
        message = f"spec.hostnames shares no name with those of {shown} ({theirs})"
        return "NoMatchingListenerHostname", message
    return _Selected(matching)


def _wanted(ref: api.ParentReference) -> str:
    """The section and port that a parentRef asks for, in words."""
    name = f" named {ref.section_name}" if ref.section_name else ""
    return f"{name} on port {ref.port}" if ref.port else name


def _missing(
    ctx: Context,
    around: Surroundings,
    route: api.HTTPRoute,
    ref: api.ParentReference,
    key: Key,
) -> str | None:
    """What to say of a Gateway that is not ours; None if it exists or may be another's."""
    if not around.settings.standalone or ctx.fetch(around.sources.gateways, key) is not None:
        return None
    message = f"Gateway {key[0]}/{key[1]} does not exist"
    own = (route.metadata.namespace, ref.name)
    if key != own and ctx.fetch(around.gateways, own) is not None:
        message += f"; there is one in {own[0]}: remove parentRef.namespace to use it"
    return message


def _labels(ctx: Context, sources: Sources, namespace: str) -> Mapping[str, str]:
    """Labels of a namespace, with the one that Kubernetes gives to each."""
    found = ctx.fetch(sources.namespaces, ("", namespace))
    labels = dict(found.metadata.labels) if found is not None else {}
    return {"kubernetes.io/metadata.name": namespace, **labels}


def _hostnames(route: api.HTTPRoute) -> tuple[str, ...]:
    return route.spec.hostnames or (hostnames.ANY,)


def _claims(
    route: api.HTTPRoute,
    gateway: ManagedGateway,
    selected: tuple[ManagedListener, ...],
    *,
    port_matters: bool,
) -> Iterator[Claim]:
    """The hosts that a route gets from the listeners it attaches to."""
    for listener in selected:
        if not listener.served:
            continue
        port = listener.port if port_matters else 0
        variant = (*route.key, gateway.namespace, port)
        for hostname in _hostnames(route):
            host = hostnames.intersection(listener.hostname, hostname)
            if host is not None and _owner(gateway, listener.port, host) == listener.hostname:
                yield Claim(listener.table, host, listener.hostname, hostname, variant)


def _owner(gateway: ManagedGateway, port: int, host: str) -> str:
    """Hostname of the most specific served listener on `port` that covers `host`."""
    covering = (
        listener.hostname
        for listener in gateway.listeners
        if listener.served and listener.port == port and hostnames.covers(listener.hostname, host)
    )
    return min(covering, key=hostnames.specificity)


def _keep(claims: dict[tuple[str, str], Claim], claim: Claim) -> None:
    """Of several claims of one route to a host, the one by the most specific hostname counts."""
    key = (claim.table, claim.host)
    known = claims.get(key)
    if known is None or hostnames.specificity(claim.hostname) < hostnames.specificity(
        known.hostname
    ):
        claims[key] = claim
