"""Ports of Services: which of them take HTTP, and how it is spoken there.

In: a Service's `spec.ports`. Out: `Port` values. A port that no HTTPRoute can send to stays in
the model with the reason (KEP-3726 for appProtocol, Gateway API's ``UnsupportedProtocol``); routes
of bytes (TCPRoute, TLSRoute) send to it all the same. Ports of UDP are kept apart, since a Service
may have both on one number.
"""

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.translate.sources import Key, Sources

PortKey: TypeAlias = tuple[str, str, int]
"""(namespace, Service, port number)."""

HttpProtocol = Literal["http", "h2c", "ws"]

APP_PROTOCOLS: Final[dict[str, HttpProtocol]] = {
    "": "http",
    "http": "http",
    "grpc": "h2c",
    "grpc-web": "http",
    "http2": "h2c",
    "h2c": "h2c",
    "kubernetes.io/h2c": "h2c",
    "kubernetes.io/ws": "ws",
}
"""appProtocol values that are HTTP in clear text: Kubernetes' own, IANA's and Istio's."""

OVER_TLS: Final[dict[str, HttpProtocol]] = {
    "https": "http",
    "kubernetes.io/wss": "ws",
    "wss": "ws",
}
"""appProtocol values that are HTTP once TLS is originated (BackendTLSPolicy, GEP-1911)."""

NOT_HTTP: Final = frozenset(
    {
        "amqp",
        "mongo",
        "mqtt",
        "mysql",
        "postgres",
        "redis",
        "tcp",
        "tls",
        "udp",
    }
)
"""appProtocol values that an HTTPRoute cannot send to."""

_NAMED_H2C: Final = frozenset({"grpc", "http2", "h2c"})


class Port(msgspec.Struct, frozen=True):
    """One port of a Service (ServicePort)."""

    namespace: str
    service: str
    name: str
    """Empty where the Service has one port without a name."""
    port: int
    target: int | str
    """Port number on the pods, or the name of a container port."""
    transport: Literal["TCP", "UDP", "SCTP"]
    app_protocol: str
    protocol: HttpProtocol = "http"
    unsupported: str = ""
    """Why no HTTPRoute can send here, as a sentence without a full stop; empty if one can."""
    over_tls: HttpProtocol | None = None
    """How HTTP is spoken here inside TLS, where it is not spoken in clear text."""
    note: str = ""
    """Something its owner should know although the port works."""


def build(sources: Sources) -> Collection[PortKey, Port]:
    """Derive every port of every Service, one for each number."""

    def of_service(_ctx: Context, key: Key, service: api.Service) -> Iterator[tuple[PortKey, Port]]:
        for port in ports(service):
            yield (*key, port.port), port

    return sources.services.flat_map("written service ports", of_service)


def build_udp(sources: Sources) -> Collection[PortKey, Port]:
    """Derive every UDP port of every Service."""

    def of_service(_ctx: Context, key: Key, service: api.Service) -> Iterator[tuple[PortKey, Port]]:
        for port in udp_ports(service):
            yield (*key, port.port), port

    return sources.services.flat_map("UDP ports", of_service)


def ports(service: api.Service) -> tuple[Port, ...]:
    """Return the ports of `service` by number; of two with one number, the TCP one.

    A Service of type ExternalName yields none: there is nothing to send to.
    """
    if service.spec.type == "ExternalName":
        return ()
    found: dict[int, Port] = {}
    for written in service.spec.ports:
        port = _port(service, written)
        known = found.get(port.port)
        if known is None or (known.unsupported and not port.unsupported):
            found[port.port] = port
    return tuple(found[number] for number in sorted(found))


def all_ports(service: api.Service) -> tuple[Port, ...]:
    """Return every port of `service` as written, two of one number included."""
    known = ports(service)
    numbers = {port.port for port in known if port.transport == "UDP"}
    return known + tuple(port for port in udp_ports(service) if port.port not in numbers)


def udp_ports(service: api.Service) -> tuple[Port, ...]:
    """Return the UDP ports of `service` by number."""
    if service.spec.type == "ExternalName":
        return ()
    found = {port.port: port for port in service.spec.ports if port.protocol == "UDP"}
    return tuple(_port(service, found[number]) for number in sorted(found))


def inside_tls(port: Port) -> Port:
    """Return `port` as it is once a policy has TLS originated towards it."""
    if port.over_tls is None:
        return port
    return msgspec.structs.replace(port, protocol=port.over_tls, unsupported="", over_tls=None)


def _port(service: api.Service, written: api.ServicePort) -> Port:
    """Read one ServicePort."""
    app_protocol = written.app_protocol or ""
    protocol, unsupported, note = _protocol(written.protocol, app_protocol, written.name or "")
    return Port(
        namespace=service.metadata.namespace,
        service=service.metadata.name,
        name=written.name or "",
        port=written.port,
        target=written.target_port or written.port,
        transport=written.protocol,
        app_protocol=app_protocol,
        protocol=protocol,
        unsupported=unsupported,
        over_tls=OVER_TLS.get(app_protocol.lower()) if written.protocol == "TCP" else None,
        note=note,
    )


def _protocol(transport: str, app_protocol: str, name: str) -> tuple[HttpProtocol, str, str]:
    """Return how HTTP is spoken, why it is not, and what is worth a note.

    Without an appProtocol the name tells, as Istio's users write it: ``grpc``, ``http2-web``.
    """
    if transport != "TCP":
        return "http", f"its protocol is {transport}, not TCP", ""
    declared = app_protocol.lower()
    if declared in OVER_TLS:
        message = f"its appProtocol is {app_protocol}, which needs a BackendTLSPolicy"
        return "http", message, ""
    if declared in NOT_HTTP:
        return "http", f"its appProtocol is {app_protocol}, which is not HTTP in clear text", ""
    if not declared and name.partition("-")[0] in _NAMED_H2C:
        return "h2c", "", ""
    known = APP_PROTOCOLS.get(declared)
    if known is None:
        return "http", "", f"appProtocol {app_protocol} is unknown, HTTP/1.1 is spoken"
    return known, "", ""
