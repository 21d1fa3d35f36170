"""How objects are called in what users read: short where the namespace is plain."""

from fairlead import api
from fairlead.analysis.reached import reached_at
from fairlead.analysis.routes import RouteRule
from fairlead.analysis.view import BoundListener, View
from fairlead.ir.listener import GatewayListener
from fairlead.translate.sources import CONTROLLER_NAME, Key

_HOLDERS = frozenset({"Gateway", "ListenerSet"})
"""Kinds of parents that have listeners."""
_TRANSPORTS = {
    "HTTPRoute": ("http", "tls"),
    "GRPCRoute": ("http", "tls"),
    "TLSRoute": ("tls",),
    "TCPRoute": ("tcp", "tls"),
    "UDPRoute": ("udp",),
}
"""By kind of route: what the names of bound ports that may serve it begin with."""
_SCHEME_OF = {"TLSRoute": "tls"}
"""Of kinds that share ports with others."""


def name_text(key: Key, namespace: str) -> str:
    """``name``, or ``namespace/name`` seen from another namespace."""
    return key[1] if key[0] == namespace else f"{key[0]}/{key[1]}"


def parent_text(parent: api.ParentReference, namespace: str) -> str:
    """``service/backend:80``, ``gateway/infra/shop/https``, as a route of `namespace` sees it."""
    name = name_text(parent.key_from(namespace), namespace)
    text = f"{parent.kind.lower()}/{name}"
    if parent.section_name:
        text += f"/{parent.section_name}"
    return text if parent.port is None else f"{text}:{parent.port}"


def backend_text(backend: api.BackendRef, namespace: str) -> str:
    """``backend-v1:80``, with namespace and kind where they aren't plain."""
    text = name_text(backend.key_from(namespace), namespace)
    if backend.kind != "Service" or backend.group:
        text = f"{backend.kind} {text}"
    return text if backend.port is None else f"{text}:{backend.port}"


def rule_text(rule: RouteRule, index: int) -> str:
    """``rule 0``, with the name it was given."""
    return f'rule {index} "{rule.name}"' if rule.name else f"rule {index}"


def other_controller(view: View, gateway: api.Gateway) -> str:
    """Why a Gateway has no report: its class is another controller's."""
    name = gateway.spec.gateway_class_name
    owner = view.object("GatewayClass", ("", name))
    whose = f" ({owner.spec.controller_name})" if isinstance(owner, api.GatewayClass) else ""
    return (
        f"GatewayClass {name} belongs to another controller{whose}; "
        f"here those of {CONTROLLER_NAME} are served"
    )


def gateway_addresses(view: View, key: Key) -> list[str]:
    """``address:port`` for each bound port of a Gateway, with the port that answers."""
    return [place for listener in view.bound(key) for place in _places(view, listener)]


def gateway_urls(view: View, key: Key) -> list[str]:
    """URLs under which a Gateway answers; schemes other than HTTP's name the transport."""
    return [
        f"{_scheme(listener)}://{place}"
        for listener in view.bound(key)
        for place in _places(view, listener)
    ]


def parent_urls(view: View, kind: str, parent: api.ParentReference, namespace: str) -> list[str]:
    """URLs under which a route is reached through a Gateway or ListenerSet; none for Services.

    Args:
        view: what there is.
        kind: the route's.
        parent: the route's parentRef.
        namespace: the route's.
    """
    return [
        f"{_SCHEME_OF.get(kind) or _scheme(listener)}://{place}"
        for listener in parent_ports(view, kind, parent, namespace)
        for place in _places(view, listener)
    ]


def parent_ports(
    view: View, kind: str, parent: api.ParentReference, namespace: str
) -> list[BoundListener]:
    """The bound ports by which a route is reached; arguments as of `parent_urls`."""
    owner = view.object(parent.kind, parent.key_from(namespace)) if has_ports(parent) else None
    if not isinstance(owner, api.Gateway | api.ListenerSet):
        return []
    gateway = owner.key
    if isinstance(owner, api.ListenerSet):
        gateway = owner.spec.parent_ref.key_from(owner.metadata.namespace)
    ports = {
        listener.port
        for listener in owner.spec.listeners
        if parent.section_name in {None, listener.name} and parent.port in {None, listener.port}
    }
    return [
        listener
        for listener in view.bound(gateway)
        if listener.port in ports and listener.name.partition("-")[0] in _TRANSPORTS[kind]
    ]


def has_ports(parent: api.ParentReference) -> bool:
    """Whether routes are reached by ports of this parent; a Service has none that are bound."""
    return parent.kind in _HOLDERS


def _places(view: View, listener: BoundListener) -> list[str]:
    addresses = reached_at(listener, view.sources)
    return [f"{_bracketed(address)}:{listener.bind_port}" for address in addresses]


def _scheme(listener: BoundListener) -> str:
    """By the name of the bound port; one of TLS without a route table carries no HTTP."""
    kind = listener.name.partition("-")[0]
    if kind == "tls" and isinstance(listener, GatewayListener) and listener.table:
        return "https"
    return kind


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
