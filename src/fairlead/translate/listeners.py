"""Gateway listeners: which of them can be served, and what each lets in.

In: `spec.listeners` of one Gateway. Out: one `ManagedListener` each, in order. Listeners are
judged together, since the spec wants them distinct: of indistinct ones none is served.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Literal

import msgspec

from fairlead import api
from fairlead.translate import hostnames

GROUP = "gateway.networking.k8s.io"
HTTP_ROUTE = (GROUP, "HTTPRoute")

Conflict = Literal["", "HostnameConflict", "ProtocolConflict"]

_BY_HOSTNAME = ("HTTP", "HTTPS", "TLS")
_LAST_PORT = 65535


class ManagedListener(msgspec.Struct, frozen=True, gc=False):
    """One listener of a Gateway of ours."""

    name: str
    port: int
    bind_port: int
    """Port that the process binds: `port`, plus the offset for privileged ones."""
    bound: str
    """Name of the proxy's listener that it shares with others on the port: ``http-80``."""
    table: str
    """Name of the route table of that listener."""
    protocol: str
    hostname: str
    """`hostnames.ANY` where the listener has none."""
    conflict: Conflict
    refused: tuple[str, str] | None
    """(reason, message) of Accepted=False; None for a listener that is served."""
    kinds: tuple[tuple[str, str], ...]
    """(group, kind) pairs of the routes it takes: status.supportedKinds."""
    unknown_kinds: tuple[str, ...]
    """Kinds in `allowedRoutes` that it cannot take."""
    namespaces: Literal["All", "Same", "Selector"]
    selector: api.LabelSelector | None

    @property
    def served(self) -> bool:
        """Whether proxies are told about it."""
        return self.refused is None

    def allows_namespace(self, own: str, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether routes of `namespace` may attach (allowedRoutes.namespaces).

        Args:
            own: The Gateway's namespace.
            namespace: The route's.
            labels: Labels of the route's namespace.
        """
        match self.namespaces:
            case "All":
                return True
            case "Same":
                return namespace == own
            case "Selector":
                return self.selector is not None and self.selector.matches(labels)


def listeners(gateway: api.Gateway, proxy: str, port_offset: int) -> tuple[ManagedListener, ...]:
    """Judge the listeners of `gateway`.

    Args:
        gateway: As written.
        proxy: Name of the proxy that serves it.
        port_offset: Added to ports below 1024 when they are bound.
    """
    written = gateway.spec.listeners
    bound = {entry.port for entry in written}
    same = Counter((entry.port, entry.protocol, entry.hostname or "") for entry in written)
    protocols: dict[int, set[str]] = {}
    for entry in written:
        protocols.setdefault(entry.port, set()).add(entry.protocol)
    return tuple(
        _listener(
            entry,
            proxy,
            _conflict(
                same[entry.port, entry.protocol, entry.hostname or ""],
                entry.protocol,
                protocols[entry.port],
            ),
            _bind_port(entry.port, port_offset),
            bound,
        )
        for entry in written
    )


def _conflict(equal: int, protocol: str, on_port: set[str]) -> Conflict:
    """Why a listener is indistinct from others (Gateway spec.listeners, "Distinct Listeners")."""
    if protocol in _BY_HOSTNAME and "HTTP" in on_port and on_port & {"HTTPS", "TLS"}:
        return "ProtocolConflict"
    return "HostnameConflict" if equal > 1 else ""


def _bind_port(port: int, offset: int) -> int:
    return port + offset if port < 1024 else port  # noqa: PLR2004 - privileged ports end here


def _listener(
    entry: api.Listener, proxy: str, conflict: Conflict, bind_port: int, bound: set[int]
) -> ManagedListener:
    kinds, unknown = _kinds(entry)
    allowed = entry.allowed_routes.namespaces
    return ManagedListener(
        name=entry.name,
        port=entry.port,
        bind_port=bind_port,
        bound=f"http-{entry.port}",
        table=f"{proxy}/http-{entry.port}",
        protocol=entry.protocol,
        hostname=entry.hostname or hostnames.ANY,
        conflict=conflict,
        refused=_refusal(entry, conflict, bind_port, bound),
        kinds=kinds,
        unknown_kinds=unknown,
        namespaces=allowed.from_,
        selector=allowed.selector,
    )


def _refusal(
    entry: api.Listener, conflict: Conflict, bind_port: int, bound: set[int]
) -> tuple[str, str] | None:
    """Reason and message of Accepted=False, or None."""
    if conflict == "ProtocolConflict":
        return conflict, f"port {entry.port} is also used with another protocol; use another port"
    if conflict:
        message = f"another listener has port {entry.port} and the same hostname; change one"
        return conflict, message
    if entry.protocol != "HTTP":
        message = f"protocol {entry.protocol} is not supported yet; use HTTP"
        return "UnsupportedProtocol", message
    if entry.filters is not None:
        return "UnsupportedValue", "filters of a listener are not supported yet; remove them"
    if bind_port > _LAST_PORT or (bind_port != entry.port and bind_port in bound):
        message = (
            f"port {entry.port} would be bound as {bind_port} here, which is not free; "
            "choose another --port-offset"
        )
        return "PortUnavailable", message
    return None


def _kinds(entry: api.Listener) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Supported (group, kind) pairs, and the kinds asked for that are not supported."""
    possible = (HTTP_ROUTE,) if entry.protocol == "HTTP" else ()
    asked = entry.allowed_routes.kinds
    if not asked:
        return possible, ()
    pairs = tuple(dict.fromkeys((kind.group, kind.kind) for kind in asked))
    unknown = tuple(kind for group, kind in pairs if (group, kind) not in possible)
    return tuple(pair for pair in pairs if pair in possible), unknown
