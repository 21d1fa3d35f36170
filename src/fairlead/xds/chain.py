"""Chains of listeners (`ir.listener.Chain`) as parts: ``envoy.config.listener.v3.FilterChain``.

A chain is serialised once and copied from then on. It holds names of tables, clusters and secrets
only, so that no route and no certificate changes it: Envoy keeps the connections of chains that
stay as they are, and drains those of a changed one.

For each change Envoy walks through all chains of the listener, at 0.4 ms for one that carries HTTP.
Chains as resources of their own (FCDS) would spare it that, but Envoy 1.40 never asks for the
certificates and tables of a chain that it is given later.
"""

from typing import Final

from fairlead.ir.listener import Chain, HttpChain, TcpChain
from fairlead.xds import http, tcp, tls, wire
from fairlead.xds.messages import (
    DirectResponse,
    FilterChain,
    Message,
    duration,
    extension,
    serialized,
)
from fairlead.xds.port import Port
from fairlead.xds.resource import Part

FIELD: Final = 3
"""Number of `filter_chains` in ``envoy.config.listener.v3.Listener``."""


def part(port: Port, chain: Chain) -> Part:
    """The chain on TCP. One that Envoy refuses is left out: its connections are closed."""
    fields = _match(port, chain)
    match chain:
        case HttpChain():
            manager = http.gateway_manager(port, chain)
            fields["filters"] = [extension(http.MANAGER, manager)]
            protocols = tls.HTTP_PROTOCOLS
        case TcpChain():
            fields["filters"] = [tcp.proxy(port.name, chain.backends, port.access_log)]
            protocols = ()
    if chain.tls is not None:
        fields["transport_socket"] = tls.transport_socket(chain.tls, protocols)
        fields["transport_socket_connect_timeout"] = duration(tls.HANDSHAKE)
    return _part(chain, fields)


def quic_part(port: Port, chain: Chain) -> Part | None:
    """The chain on QUIC, None if it cannot be had there."""
    if not port.http3 or not isinstance(chain, HttpChain) or chain.tls is None:
        return None
    if chain.tls.maximum_version == "1.2":
        return None
    fields = _match(port, chain)
    fields["filter_chain_match"].pop("transport_protocol")
    manager = http.gateway_manager(port, chain, http3=True)
    fields["filters"] = [extension(http.MANAGER, manager)]
    fields["transport_socket"] = tls.quic_transport_socket(chain.tls)
    return _part(chain, fields)


def closing() -> Message:
    """The chain of connections that no other takes: they are closed without a byte."""
    closed = extension("envoy.filters.network.direct_response", DirectResponse())
    return {"name": "none", "filters": [closed]}


def _match(port: Port, chain: Chain) -> dict[str, Message]:
    match: dict[str, Message] = {}
    if port.inspected:
        match = {"server_names": chain.server_names, "transport_protocol": "tls"}
    return {"name": chain.name, "filter_chain_match": match}


def _part(chain: Chain, fields: dict[str, Message]) -> Part:
    body = wire.framed(FIELD, serialized(FilterChain(**fields)))
    origins = () if chain.origin is None else (chain.origin,)
    return Part(chain.name, body, fallback=b"", digest=wire.digest(body), origins=origins)
