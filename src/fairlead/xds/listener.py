"""Listeners (`ir.listener.Listener`) as ``envoy.config.listener.v3.Listener``.

A Gateway's TCP port is a head without filter chains, which hold the rest of it (`xds.chain`).
Heads depend on addresses, port and PROXY protocol alone: a change there makes Envoy drain every
connection of the port, a change of a chain only those of that chain. All others are one part.
"""

from typing import Final

from fairlead.ir.listener import GatewayListener, OutboundListener, UdpListener
from fairlead.ir.origin import Origin
from fairlead.xds import chain, http, tls, type_url, udp, wire
from fairlead.xds.access_log import log_path
from fairlead.xds.messages import Listener as ListenerMessage
from fairlead.xds.messages import (
    Message,
    ProxyProtocol,
    TlsInspector,
    duration,
    extension,
    serialized,
    wrapped,
)
from fairlead.xds.port import is_inspected
from fairlead.xds.resource import Bundle, Part, Resource, bundled, composed, whole
from fairlead.xds.scopes import Layout

BUFFER_LIMIT: Final = 32 * 1024
"""Bytes that a connection, to a client or an endpoint, may have in Envoy before the peer is slowed
down (edge guide)."""

_QUIC_IDLE: Final = 300
"""Seconds after which a QUIC connection without streams is closed."""


def gateway(listener: GatewayListener, chains: tuple[Bundle, ...]) -> Resource:
    """A Gateway's TCP port. It stays bound while it has no chains, and closes connections."""
    head = serialized(
        ListenerMessage(
            **_place(listener.name, listener.addresses, listener.bind_port),
            default_filter_chain=chain.closing(),
            listener_filters=_listener_filters(listener),
            listener_filters_timeout=duration(tls.HANDSHAKE),
        )
    )
    return composed(type_url.LISTENER, listener.name, head, chains, listener.origins)


def quic(listener: GatewayListener, chains: tuple[Bundle, ...]) -> Resource:
    """The same port on UDP, for HTTP/3.

    It is accepted or refused as one: without chains Envoy has no use for it, so nothing could be
    left out on trial, and what it refuses is still served by the TCP port.

    Args:
        listener: The TCP port.
        chains: At least one.
    """
    name = quic_name(listener)
    head = serialized(
        ListenerMessage(
            **_place(name, listener.addresses, listener.bind_port, "UDP"),
            udp_listener_config={
                "quic_options": {"idle_timeout": duration(_QUIC_IDLE)},
                "downstream_socket_config": {"prefer_gro": wrapped(value=True)},
            },
        )
    )
    body = b"".join((head, *(bundle.body for bundle in chains)))
    digest = wire.digest(b"".join((head, *(bundle.digest for bundle in chains))))
    part = Part(key="", body=body, fallback=b"", digest=digest, origins=listener.origins)
    return composed(type_url.LISTENER, name, b"", (bundled((part,)),))


def quic_name(listener: GatewayListener) -> str:
    """Name of the QUIC twin of a listener: ``quic-443`` of ``tls-443``."""
    return f"quic-{listener.port}"


def datagrams(listener: UdpListener) -> Resource:
    """A Gateway's UDP port."""
    message = ListenerMessage(
        **_place(listener.name, listener.addresses, listener.bind_port, "UDP"),
        listener_filters=[udp.proxy(listener.name, listener.cluster)],
        udp_listener_config={},
    )
    return whole(type_url.LISTENER, listener.name, serialized(message), listener.origins)


def outbound(listener: OutboundListener, layout: Layout, access_log: str) -> Resource:
    """The HTTP proxy of a pod.

    Args:
        listener: What to accept.
        layout: How its route table is laid out.
        access_log: Path of the file that Envoy writes a line for each request to, if the listener
            asks for it; ``{proxy}`` stands for the proxy's name.
    """
    manager = http.outbound_manager(listener, layout, log_path(access_log, listener))
    message = ListenerMessage(
        **_place(listener.name, (listener.address,), listener.bind_port),
        filter_chains=[{"name": "http", "filters": [extension(http.MANAGER, manager)]}],
        traffic_direction="OUTBOUND",
    )
    origins = (Origin("Pod", listener.namespace, listener.pod),)
    return whole(type_url.LISTENER, listener.name, serialized(message), origins)


def _place(
    name: str, addresses: tuple[str, ...], port: int, protocol: str = "TCP"
) -> dict[str, Message]:
    """What every listener has."""
    sockets = [
        {"socket_address": {"address": address, "port_value": port, "protocol": protocol}}
        for address in addresses
    ]
    return {
        "name": name,
        "address": sockets[0],
        "additional_addresses": [{"address": socket} for socket in sockets[1:]],
        "per_connection_buffer_limit_bytes": wrapped(BUFFER_LIMIT),
    }


def _listener_filters(listener: GatewayListener) -> list[Message]:
    """What reads the first bytes of a connection, in the order of those bytes."""
    filters: list[Message] = []
    if listener.proxy_protocol != "off":
        optional = listener.proxy_protocol == "optional"
        header = ProxyProtocol(
            allow_requests_without_proxy_protocol=optional, stat_prefix=listener.name
        )
        filters.append(extension("envoy.filters.listener.proxy_protocol", header))
    if is_inspected(listener):
        filters.append(extension("envoy.filters.listener.tls_inspector", TlsInspector()))
    return filters
