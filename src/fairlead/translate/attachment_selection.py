"""The listeners of one parent that a route attaches to, or why none takes it.

In: a parentRef and what it is asked for, the listeners of the Gateway or ListenerSet it names. Out:
`Selected` listeners, or the reason of Accepted=False (RouteParentStatus): NoMatchingParent where
no listener is meant, NotAllowedByListeners where none may take it, NoMatchingListenerHostname.
"""

from collections.abc import Mapping

import msgspec

from fairlead import api
from fairlead.graph import Context
from fairlead.translate import hostnames, namespace_labels
from fairlead.translate.claims import ParentKey
from fairlead.translate.conditions import Refusal
from fairlead.translate.gateway import Gateways
from fairlead.translate.listeners import ManagedListener
from fairlead.translate.sources import Sources

_NO_LABELS: Mapping[str, str] = {}


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What a parentRef asks for."""

    kind: tuple[str, str]
    """Group and kind of the route."""
    namespace: str
    """The route's."""
    hostnames: tuple[str, ...]
    """The route's, `hostnames.ANY` if it has none."""
    ref: api.ParentReference

    @property
    def wanted(self) -> str:
        """The section and port that it asks for, in words."""
        name = f" named {self.ref.section_name}" if self.ref.section_name else ""
        return f"{name} on port {self.ref.port}" if self.ref.port else name


class Selected(msgspec.Struct, frozen=True, gc=False):
    """The listeners that a parentRef attaches to; at least one."""

    listeners: tuple[ManagedListener, ...]


def select(
    ctx: Context, gateways: Gateways, sources: Sources, asked: Asked, parent: ParentKey
) -> Selected | Refusal | None:
    """The listeners of `parent` that take the route, or why none does; None if it is not ours."""
    kind, namespace, name = parent
    own = [listener for _, listener in ctx.fetch_by(gateways.by_parent, parent)]
    if not own:
        return _without_listeners(ctx, gateways, asked, parent)
    own.sort(key=lambda listener: listener.index)
    named = [
        listener
        for listener in own
        if asked.ref.section_name in (None, listener.name)
        and asked.ref.port in (None, listener.port)
    ]
    if not named:
        return _not_there(asked, parent)
    shown = f"{kind} {namespace}/{name}"
    kinds = [listener for listener in named if asked.kind in listener.kinds]
    if not kinds:
        message = f"no listener of {shown}{asked.wanted} takes {asked.kind[1]}s"
        return "NotAllowedByListeners", message
    selects = any(listener.namespaces == "Selector" for listener in kinds)
    labels = namespace_labels.labels(ctx, sources, asked.namespace) if selects else _NO_LABELS
    allowed = [each for each in kinds if each.allows_namespace(asked.namespace, labels)]
    if not allowed:
        message = (
            f"the listeners of {shown}{asked.wanted} take no routes from namespace "
            f"{asked.namespace}; its owner can allow that in allowedRoutes.namespaces"
        )
        return "NotAllowedByListeners", message
    matching = tuple(
        listener
        for listener in allowed
        if any(hostnames.intersection(listener.hostname, host) for host in asked.hostnames)
    )
    if not matching:
        theirs = ", ".join(sorted({listener.hostname for listener in allowed}))
        message = f"spec.hostnames shares no name with those of {shown} ({theirs})"
        return "NoMatchingListenerHostname", message
    return Selected(matching)


def _without_listeners(
    ctx: Context, gateways: Gateways, asked: Asked, parent: ParentKey
) -> Refusal | None:
    """Why a parent without a listener of ours takes no route; None if it is not ours."""
    kind, key = parent[0], parent[1:]
    if kind == "Gateway":
        return _not_there(asked, parent) if ctx.fetch(gateways.managed, key) is not None else None
    found = ctx.fetch(gateways.sets, key)
    if found is None:
        return None
    if found.refused is None:
        return _not_there(asked, parent)
    message = f"{kind} {key[0]}/{key[1]} has no Gateway to serve it; see its status"
    return "NoMatchingParent", message


def _not_there(asked: Asked, parent: ParentKey) -> Refusal:
    message = f"{parent[0]} {parent[1]}/{parent[2]} has no listener{asked.wanted}"
    return "NoMatchingParent", message
