"""Listeners (`ir.listener.Listener`) as ``envoy.config.listener.v3.Listener``.

One named filter chain, whose content depends on the address, port and table alone: changes of
routes leave it as it is, and nobody is disconnected.
"""

from typing import Final

from fairlead.ir.listener import (
    GatewayListener,
    HttpListener,
    Listener,
    OutboundListener,
    UdpListener,
)
from fairlead.xds import http, type_url
from fairlead.xds.messages import Listener as ListenerMessage
from fairlead.xds.messages import Message, any_of, serialized, wrapped
from fairlead.xds.resource import Resource, whole
from fairlead.xds.scopes import Layout

BUFFER_LIMIT: Final = 32 * 1024
"""Bytes that a connection, to a client or an endpoint, may have in Envoy before the peer is slowed
down (edge guide)."""


def resource(listener: Listener, layout: Layout, access_log: str = "") -> Resource:
    """The listener, which is accepted or refused as one.

    Args:
        listener: What to accept.
        layout: How its route table is laid out.
        access_log: Path of the file that Envoy writes a line for each request to, in which
            ``{proxy}`` stands for the proxy's name; empty for none.
    """
    access_log = access_log.replace("{proxy}", listener.proxy)
    match listener:
        case HttpListener():
            addresses = listener.addresses
            manager = http.gateway_manager(listener, layout, access_log)
            origins = listener.origins
            direction = "UNSPECIFIED"
        case OutboundListener():
            addresses = (listener.address,)
            manager = http.outbound_manager(listener, layout, access_log)
            origins = ()
            direction = "OUTBOUND"
        case GatewayListener() | UdpListener():
            raise NotImplementedError
    chain = {
        "name": "http",
        "filters": [
            {
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": any_of(manager),
            }
        ],
    }
    message = ListenerMessage(
        name=listener.name,
        address=_address(addresses[0], listener.bind_port),
        additional_addresses=[
            {"address": _address(each, listener.bind_port)} for each in addresses[1:]
        ],
        filter_chains=[chain],
        per_connection_buffer_limit_bytes=wrapped(BUFFER_LIMIT),
        traffic_direction=direction,
    )
    return whole(type_url.LISTENER, listener.name, serialized(message), origins)


def _address(address: str, port: int) -> Message:
    return {"socket_address": {"address": address, "port_value": port}}
