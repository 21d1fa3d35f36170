"""Listeners of Gateways and ListenerSets: what one of them means by itself.

In: one entry of `spec.listeners`, wherever it stands. Out: the parts of a `ManagedListener` that
need no look at others. Conflicts are decided in `listener_conflicts`, TLS in `listener_tls`.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from fairlead import api
from fairlead.ir.http_policy import ListenerFilters
from fairlead.ir.listener import DownstreamTls
from fairlead.ir.origin import Origin
from fairlead.translate import hostnames
from fairlead.translate.claims import ListenerKey, ParentKey
from fairlead.translate.conditions import Refusal
from fairlead.translate.finding import Finding
from fairlead.translate.sources import Key

HTTP_ROUTE = (api.GATEWAY_GROUP, "HTTPRoute")
GRPC_ROUTE = (api.GATEWAY_GROUP, "GRPCRoute")
TLS_ROUTE = (api.GATEWAY_GROUP, "TLSRoute")
TCP_ROUTE = (api.GATEWAY_GROUP, "TCPRoute")
UDP_ROUTE = (api.GATEWAY_GROUP, "UDPRoute")

Conflict: TypeAlias = Literal["", "HostnameConflict", "ProtocolConflict"]
PortClass: TypeAlias = Literal["http", "tls", "tcp", "udp"]
"""What shares a port: listeners of one class are told apart by hostname, if at all."""

_CLASSES: Mapping[str, PortClass] = {
    "HTTP": "http",
    "HTTPS": "tls",
    "TLS": "tls",
    "TCP": "tcp",
    "UDP": "udp",
}
_KINDS = {
    "HTTP": (HTTP_ROUTE, GRPC_ROUTE),
    "HTTPS": (HTTP_ROUTE, GRPC_ROUTE),
    "TLS": (TLS_ROUTE,),
    "TCP": (TCP_ROUTE,),
    "UDP": (UDP_ROUTE,),
}
NO_AUTHORITY = "NoValidCACertificate"
"""Reason of Accepted=False where no client's certificate could be checked."""

_HTTP_PROTOCOLS = ("HTTP", "HTTPS")
_BY_HOSTNAME = ("http", "tls")
_PRIVILEGED = 1024


class ManagedListener(msgspec.Struct, frozen=True, gc=False):
    """One listener of a Gateway of ours, or of a ListenerSet of it."""

    gateway: Key
    """The Gateway that it is served by."""
    proxy: str
    """Name of the proxy that serves the Gateway."""
    parent: ParentKey
    """The object that it is written in."""
    index: int
    """Its place in `spec.listeners` there."""
    name: str
    port: int
    bind_port: int
    """Port that the process binds: `port`, plus the offset for privileged ones."""
    bound: str
    """Name of the proxy's listener that it shares with others on the port: ``http-80``,
    ``tls-443``, ``tcp-9000``, ``udp-5300``; empty if its protocol is not known."""
    table: str
    """Name of the route table of that listener; empty for TLS, TCP and UDP."""
    protocol: str
    hostname: str
    """`hostnames.ANY` where the listener has none."""
    mode: Literal["", "Terminate", "Passthrough"]
    """What a listener of protocol HTTPS or TLS does with TLS; else empty."""
    tls: DownstreamTls | None
    """TLS that is terminated; None also where no certificate resolves, see `served`."""
    http3: bool
    """False where its `tls.options` switch HTTP/3 off."""
    conflict: Conflict
    refused: Refusal | None
    """Of Accepted=False; None for a listener that is accepted."""
    idle: bool
    """Whether the Gateway, or the ListenerSet, is not accepted, so that nothing is served."""
    findings: tuple[Finding, ...]
    """References that do not resolve: certificates, authorities, kinds of routes."""
    note: str
    """What the owner should know although the listener is accepted; often empty."""
    kinds: tuple[tuple[str, str], ...]
    """(group, kind) pairs of the routes it takes: status.supportedKinds."""
    namespaces: Literal["All", "Same", "Selector"]
    selector: api.LabelSelector | None
    filters: ListenerFilters | None = None
    """What it does to every request (experimental)."""

    @property
    def key(self) -> ListenerKey:
        """What it is found by."""
        return (*self.parent, self.name)

    @property
    def unusable(self) -> bool:
        """Whether it is accepted, but lacks a certificate that it could terminate TLS with."""
        return self.mode == "Terminate" and self.tls is None

    @property
    def valid(self) -> bool:
        """Whether it is accepted and has what it needs."""
        return self.refused is None and not self.unusable

    @property
    def holds(self) -> bool:
        """Whether its hostname is its own.

        That of one without a usable certificate is, too, and of one that has no authority left to
        check clients by: what is meant for it must not fall to a wider listener.
        """
        own = self.refused is None or self.refused[0] == NO_AUTHORITY
        return own and not self.idle

    @property
    def served(self) -> bool:
        """Whether proxies are told about it."""
        return self.valid and not self.idle

    @property
    def origin(self) -> Origin:
        """Where it is written."""
        kind, namespace, name = self.parent
        return Origin(kind, namespace, name, field=f"spec.listeners[{self.index}]")

    def allows_namespace(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether routes of `namespace` may attach (allowedRoutes.namespaces).

        Args:
            namespace: The route's. ``Same`` means that of the object the listener is written in.
            labels: Labels of that namespace.
        """
        match self.namespaces:
            case "All":
                return True
            case "Same":
                return namespace == self.parent[1]
            case "Selector":
                return self.selector is not None and self.selector.matches(labels)


def port_class(protocol: str) -> PortClass | None:
    """What a protocol shares its port with; None for one that is not known."""
    return _CLASSES.get(protocol)


def bound_name(entry: api.Listener) -> str:
    """Name of the proxy's listener for the port of `entry`; empty if the protocol is not known."""
    found = port_class(entry.protocol)
    return f"{found}-{entry.port}" if found else ""


def speaks_http(protocol: str) -> bool:
    """Whether requests of a listener are looked up in a route table."""
    return protocol in _HTTP_PROTOCOLS


def hostname_of(entry: api.Listener) -> str:
    """The hostname that tells `entry` apart on its port; `hostnames.ANY` if none does."""
    named = port_class(entry.protocol) in _BY_HOSTNAME
    return (entry.hostname or hostnames.ANY) if named else hostnames.ANY


def mode_of(entry: api.Listener) -> Literal["", "Terminate", "Passthrough"]:
    """What a listener does with TLS."""
    if port_class(entry.protocol) != "tls":
        return ""
    return entry.tls.mode if entry.tls is not None else "Terminate"


def bind_port(port: int, offset: int) -> int:
    """The port that the process binds for `port`."""
    return port + offset if port < _PRIVILEGED else port


def kinds(entry: api.Listener) -> tuple[tuple[tuple[str, str], ...], tuple[Finding, ...]]:
    """Supported (group, kind) pairs, and what is wrong with those asked for (allowedRoutes.kinds).

    An unknown protocol supports none, and says no more about it.
    """
    possible = _KINDS.get(entry.protocol, ())
    asked = entry.allowed_routes.kinds
    if not asked or not possible:
        return possible, ()
    pairs = tuple(dict.fromkeys((kind.group, kind.kind) for kind in asked))
    unknown = ", ".join(_spoken(pair) for pair in pairs if pair not in possible)
    supported = tuple(pair for pair in pairs if pair in possible)
    if not unknown:
        return supported, ()
    takes = " and ".join(kind for _, kind in possible)
    message = f"{entry.protocol} listeners cannot take {unknown}; they take {takes}"
    return supported, (Finding("InvalidRouteKinds", "allowedRoutes.kinds", message),)


def _spoken(pair: tuple[str, str]) -> str:
    """A kind of route; with its group where that is not Gateway API's."""
    group, kind = pair
    return kind if group == api.GATEWAY_GROUP else f"{kind} of group {group!r}"


def refusal(entry: api.Listener) -> Refusal | None:
    """Reason and message of Accepted=False, as far as the listener alone decides; or None."""
    if port_class(entry.protocol) is None:
        message = f"protocol {entry.protocol} is not supported; use {', '.join(_CLASSES)}"
        return "UnsupportedProtocol", message
    if mode_of(entry) == "Terminate" and (entry.tls is None or not entry.tls.certificate_refs):
        message = (
            "tls.certificateRefs: a listener that terminates TLS needs a certificate; "
            "name a Secret of type kubernetes.io/tls"
        )
        return "Invalid", message
    if entry.protocol == "HTTPS" and mode_of(entry) == "Passthrough":
        message = "tls.mode: an HTTPS listener terminates TLS; use protocol TLS to pass it through"
        return "UnsupportedValue", message
    return None
