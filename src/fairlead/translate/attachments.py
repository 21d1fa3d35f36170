"""Which routes attach to which Gateways and ListenerSets, and what that gives them.

In: a route of any kind, listeners, Namespaces. Out: one `Attachments` for each route with such
parents, and from it the claims that virtual hosts, chains and UDP listeners are made from. A
route's change re-runs its own entry only; a listener's change those of the routes that name its
Gateway or ListenerSet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.translate import age, attachment_selection, hostnames
from fairlead.translate.attachment_selection import Selected
from fairlead.translate.claims import (
    Claim,
    ClaimKey,
    L4Claim,
    L4ClaimKey,
    ListenerKey,
    ParentKey,
    RouteKind,
    Variant,
)
from fairlead.translate.conditions import Refusal
from fairlead.translate.gateway import DEFAULT_SCOPE, Gateways
from fairlead.translate.listeners import ManagedListener
from fairlead.translate.sources import Key, Settings, Sources

AttachedKey: TypeAlias = tuple[str, str, str]
"""Kind, namespace and name of a route."""

_PARENT_KINDS = ("Gateway", "ListenerSet")
_HTTP_KINDS = ("HTTPRoute", "GRPCRoute")


class _Spec(Protocol):
    """CommonRouteSpec."""

    @property
    def parent_refs(self) -> tuple[api.ParentReference, ...]: ...
    @property
    def use_default_gateways(self) -> str | None: ...


class Route(Protocol):
    """What every kind of route has; some have hostnames as well."""

    @property
    def metadata(self) -> api.ObjectMeta:
        """Standard object's metadata."""
        ...

    @property
    def spec(self) -> _Spec:
        """What is wanted."""
        ...


class Attachment(msgspec.Struct, frozen=True, gc=False):
    """What became of one parentRef that names a Gateway or a ListenerSet, or of a default."""

    index: int
    """Place of the parentRef in the route; default Gateways come after them."""
    ref: api.ParentReference
    """The parentRef; one that was made up for a default Gateway."""
    parent: ParentKey
    refused: Refusal | None
    """Of Accepted=False as far as the parent decides; None if it attaches."""
    listeners: tuple[str, ...] = ()
    """Names of the listeners it attaches to."""
    proxy: str = ""
    """The proxy that serves it; empty if none of its listeners is served."""
    default: bool = False
    """Whether the route has it by `useDefaultGateways`."""


class Attachments(msgspec.Struct, frozen=True, gc=False):
    """Everything that Gateways make of one route."""

    valid: bool
    """Whether the route can be accepted as far as its rules decide."""
    parents: tuple[Attachment, ...]
    claims: tuple[Claim, ...] = ()
    """Of an HTTPRoute or a GRPCRoute."""
    l4_claims: tuple[L4Claim, ...] = ()
    """Of a TLSRoute, TCPRoute or UDPRoute."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides on attachment besides the route."""

    sources: Sources
    settings: Settings
    gateways: Gateways


class Traits(msgspec.Struct, frozen=True, gc=False):
    """What of a route decides on attachment besides its spec."""

    kind: RouteKind
    valid: bool = True
    """Whether at least one of its rules is."""
    port_matters: bool = False
    """Whether what its rules do depends on the port and scheme that clients call by."""


def is_gateway(ref: api.ParentReference) -> bool:
    """Whether a parentRef names a Gateway or a ListenerSet."""
    return ref.group == api.GATEWAY_GROUP and ref.kind in _PARENT_KINDS


def attachments(
    ctx: Context, around: Surroundings, route: Route, traits: Traits
) -> Attachments | None:
    """Attach `route` to its Gateways and ListenerSets; None if none of them concerns us."""
    parents: list[Attachment] = []
    made = _Claims(ctx, around.gateways, route, traits)
    for index, ref, default in _parents(ctx, around, route):
        parent = (ref.kind, *ref.key_from(route.metadata.namespace))
        asked = attachment_selection.Asked(
            (api.GATEWAY_GROUP, traits.kind), route.metadata.namespace, _hostnames(route), ref
        )
        found = attachment_selection.select(ctx, around.gateways, around.sources, asked, parent)
        if isinstance(found, Selected):
            parents.append(_attachment(index, ref, parent, found, default=default))
            for listener in found.listeners:
                made.add(listener)
        elif found is not None:
            parents.append(Attachment(index, ref, parent, found, default=default))
        elif missing := _missing(ctx, around, route, ref, parent):
            parents.append(Attachment(index, ref, parent, ("NoMatchingParent", missing)))
    if not parents:
        return None
    return Attachments(traits.valid, tuple(parents), made.hosts(), made.l4_hosts())


def attached(_key: AttachedKey, value: Attachments) -> Iterator[ListenerKey]:
    """Listeners that the route counts for in `attachedRoutes`."""
    if value.valid:
        names = {
            (*parent.parent, listener)
            for parent in value.parents
            if parent.refused is None
            for listener in parent.listeners
        }
        yield from sorted(names)


def claims_of_route(
    kind: RouteKind, key: Key, value: Attachments
) -> Iterator[tuple[ClaimKey, Claim]]:
    """The claims of an HTTPRoute or GRPCRoute, by key."""
    for claim in value.claims:
        yield (claim.table, claim.host, kind, *key), claim


def l4_claims_of_route(
    kind: RouteKind, key: Key, value: Attachments
) -> Iterator[tuple[L4ClaimKey, L4Claim]]:
    """The claims of a TLSRoute, TCPRoute or UDPRoute, by key."""
    for claim in value.l4_claims:
        yield (*claim.bound_host, kind, *key), claim


def claims_of_listeners(
    gateways: Collection[ListenerKey, ManagedListener], around: Gateways
) -> Collection[ClaimKey, Claim]:
    """The hosts that listeners need although no route claims them; they answer 404.

    Those of HTTP listeners that lie inside a wider one's on the same port: they would fall to it
    (listener isolation). Those of all HTTPS listeners, and of TLS listeners beside them: requests
    for them that came by another one's connection are to be told so (421). Those of listeners whose
    filters see every request.
    """

    def claims(
        ctx: Context, _key: ListenerKey, listener: ManagedListener
    ) -> Iterator[tuple[ClaimKey, Claim]]:
        table = around.table(ctx, listener) if listener.holds else ""
        if not table:
            return
        host = listener.hostname
        wanted = listener.mode or listener.filters is not None
        if wanted or around.lies_inside(ctx, listener):
            claim = Claim(table, host, host, listener.key, host, None)
            yield (table, host, "", "", ""), claim

    return gateways.flat_map("claims of listeners", claims)


class _Claims:
    """The hosts that a route gets from the listeners it attaches to."""

    def __init__(self, ctx: Context, gateways: Gateways, route: Route, traits: Traits) -> None:
        self._ctx = ctx
        self._gateways = gateways
        self._route = route
        self._traits = traits
        self._found: dict[tuple[str, str, str], Claim | L4Claim] = {}

    def add(self, listener: ManagedListener) -> None:
        """Note what `listener` gives.

        Of several claims to a host, the one by the most specific hostname of the route counts.
        """
        if not listener.served:
            return
        for hostname in _hostnames(self._route):
            host = hostnames.intersection(listener.hostname, hostname)
            if host is None:
                continue
            if self._gateways.owner(self._ctx, listener, host) != listener.hostname:
                continue
            place = (listener.proxy, listener.bound, host)
            known = self._found.get(place)
            if known is None or hostnames.specificity(hostname) < hostnames.specificity(
                known.hostname
            ):
                self._found[place] = self._claim(listener, host, hostname)

    def hosts(self) -> tuple[Claim, ...]:
        """Claims of virtual hosts, sorted."""
        found = [self._found[place] for place in sorted(self._found)]
        return tuple(claim for claim in found if isinstance(claim, Claim))

    def l4_hosts(self) -> tuple[L4Claim, ...]:
        """Claims of chains and UDP listeners, sorted."""
        found = [self._found[place] for place in sorted(self._found)]
        return tuple(claim for claim in found if isinstance(claim, L4Claim))

    def _claim(self, listener: ManagedListener, host: str, hostname: str) -> Claim | L4Claim:
        kind, metadata = self._traits.kind, self._route.metadata
        key = (metadata.namespace, metadata.name)
        if kind in _HTTP_KINDS:
            variant = self._variant(listener)
            limit = listener.hostname
            return Claim(listener.table, host, limit, listener.key, hostname, variant)
        return L4Claim(
            listener.proxy,
            listener.bound,
            host,
            listener.key,
            kind,
            key,
            hostname,
            age.created(metadata),
        )

    def _variant(self, listener: ManagedListener) -> Variant:
        gateway = self._ctx.fetch(self._gateways.managed, listener.gateway)
        metadata = self._route.metadata
        matters = self._traits.port_matters
        return Variant(
            self._traits.kind,
            metadata.namespace,
            metadata.name,
            listener.gateway[0],
            gateway.client_certificate if gateway is not None else "",
            listener.protocol.lower() if matters else "",
            listener.port if matters else 0,
        )


def _attachment(
    index: int, ref: api.ParentReference, parent: ParentKey, found: Selected, *, default: bool
) -> Attachment:
    proxies = [listener.proxy for listener in found.listeners if listener.served]
    names = tuple(listener.name for listener in found.listeners)
    return Attachment(
        index, ref, parent, None, names, proxies[0] if proxies else "", default=default
    )


def _parents(
    ctx: Context, around: Surroundings, route: Route
) -> Iterator[tuple[int, api.ParentReference, bool]]:
    """Place, reference and whether it is a default, of all parents of the right kinds.

    A default Gateway that a parentRef names as a whole is no further parent.
    """
    spec, named = route.spec, set[ParentKey]()
    for index, ref in enumerate(spec.parent_refs):
        if is_gateway(ref):
            if ref.section_name is None and ref.port is None:
                named.add((ref.kind, *ref.key_from(route.metadata.namespace)))
            yield index, ref, False
    if spec.use_default_gateways != DEFAULT_SCOPE:
        return
    index = len(spec.parent_refs)
    for key, _ in ctx.fetch_by(around.gateways.defaults, DEFAULT_SCOPE):
        if ("Gateway", *key) not in named:
            yield index, api.ParentReference(namespace=key[0], name=key[1]), True
            index += 1


def _missing(
    ctx: Context,
    around: Surroundings,
    route: Route,
    ref: api.ParentReference,
    parent: ParentKey,
) -> str:
    """What to say of a parent that is not ours; empty if it may be another controller's."""
    if not around.settings.standalone:
        return ""
    kind, key = parent[0], parent[1:]
    if ctx.fetch(around.sources.of(kind), key) is not None:
        return ""
    message = f"{kind} {key[0]}/{key[1]} does not exist"
    own = (route.metadata.namespace, ref.name)
    ours = around.gateways.managed if kind == "Gateway" else around.gateways.sets
    if key != own and ctx.fetch(ours, own) is not None:
        message += f"; there is one in {own[0]}: remove parentRef.namespace to use it"
    return message


def _hostnames(route: Route) -> tuple[str, ...]:
    """The hostnames of a route; kinds without the field match all."""
    found: tuple[str, ...] = getattr(route.spec, "hostnames", ())
    return found or (hostnames.ANY,)
