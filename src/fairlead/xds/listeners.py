"""Listeners on the graph: from IR to resources, at a cost that a changed chain alone decides.

In: listeners and their chains. Out: resources keyed (proxy, type url, name). A port of 2,500
chains is joined from bundles; a changed chain is serialised, joined with those of its bundle, and
the bundles are joined.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from fairlead.graph import Collection, Context, Index, Source
from fairlead.ir.listener import (
    Chain,
    GatewayListener,
    Listener,
    OutboundListener,
    UdpListener,
)
from fairlead.xds import bundles, chain, listener, scopes, type_url
from fairlead.xds.port import Port, port
from fairlead.xds.resource import Bundle, Part, Resource
from fairlead.xds.scopes import Layout

ResourceKey: TypeAlias = tuple[str, str, str]
"""(proxy, type url, name)."""
ListenerKey: TypeAlias = tuple[str, str]
"""(proxy, listener name)."""
ChainKey: TypeAlias = tuple[str, str, str]
"""(proxy, listener name, chain name)."""
_ByName: TypeAlias = Index[ChainKey, Chain, tuple[str, str, str]]
"""Chains by (proxy, listener name, server name)."""
_Bundles: TypeAlias = Index[tuple[ListenerKey, int], Bundle, ListenerKey]
"""Bundles of chains by listener."""

MOST_QUIC_CHAINS = 500
"""A port of more HTTPS listeners has no HTTP/3: all would stand in memory twice, and each change
would keep Envoy busy twice as long."""
ADVERTISED = 86_400
"""Seconds for which a client may remember that HTTP/3 is there."""
BUNDLES = 32
"""Bundles of a listener, at most."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """What is made of listeners and chains."""

    resources: Collection[ResourceKey, Resource]
    alternatives: Collection[ListenerKey, str]
    """Where else the table of a listener is served, as a value of Alt-Svc."""


def build(
    listeners: Collection[ListenerKey, Listener],
    chains: Collection[ChainKey, Chain],
    layouts: Source[str, Layout],
    access_log: str,
) -> Listeners:
    """Put the stages of listeners on the graph; the arguments are those of `xds.build.build`."""

    def describe(ctx: Context, _: ListenerKey, value: Listener) -> Port | None:
        if not isinstance(value, GatewayListener):
            return None
        layout = ctx.fetch(layouts, value.table) or scopes.ONE
        return port(value, layout, access_log)

    ports = listeners.map("xds.ports", describe)
    by_name = chains.index(
        "xds.chains_by_server_name",
        lambda key, value: [(*key[:2], name) for name in _names(value)],
    )
    tcp_parts = chains.map("xds.chains", _with_port(ports, by_name, chain.part))
    quic_parts = chains.map("xds.quic_chains", _with_port(ports, by_name, chain.quic_part))
    tcp, quic = _bundles("xds.chains", tcp_parts), _bundles("xds.quic_chains", quic_parts)
    counted = quic_parts.index("xds.offered_quic_chains", lambda key, _: (key[:2],))

    def alternative(ctx: Context, key: ListenerKey, value: Port) -> str | None:
        offered = value.http3 and 0 < ctx.count_by(counted, key) <= MOST_QUIC_CHAINS
        return f'h3=":{value.bind_port}"; ma={ADVERTISED}' if offered else None

    alternatives = ports.map("xds.alternatives", alternative)

    def listening(
        ctx: Context, key: ListenerKey, value: Listener
    ) -> Iterator[tuple[ResourceKey, Resource]]:
        found: list[Resource] = []
        match value:
            case GatewayListener():
                found.append(listener.gateway(value, _read(ctx, tcp, key)))
                if ctx.fetch(alternatives, key) is not None:
                    found.append(listener.quic(value, _read(ctx, quic, key)))
            case UdpListener():
                found.append(listener.datagrams(value))
            case OutboundListener():
                layout = ctx.fetch(layouts, value.table) or scopes.ONE
                found.append(listener.outbound(value, layout, access_log))
        for each in found:
            yield (key[0], type_url.LISTENER, each.name), each

    return Listeners(listeners.flat_map("xds.listeners", listening), alternatives)


def _with_port(
    ports: Collection[ListenerKey, Port],
    by_name: _ByName,
    make: Callable[[Port, Chain], Part | None],
) -> Callable[[Context, ChainKey, Chain], Part | None]:
    """What makes a part of a chain and its port.

    Envoy refuses a listener where two chains ask for one server name: the first chain gets it.
    """

    def made(ctx: Context, key: ChainKey, value: Chain) -> Part | None:
        found = ctx.fetch(ports, key[:2])
        own = [name for name in _names(value) if ctx.first_by(by_name, (*key[:2], name)) == key]
        if found is None or not own:
            return None
        if len(own) < len(value.server_names):
            value = msgspec.structs.replace(value, server_names=tuple(own))
        return make(found, value)

    return made


def _names(value: Chain) -> tuple[str, ...]:
    """What a chain takes; the empty name stands for all that no other takes."""
    return value.server_names or ("",)


def _read(ctx: Context, found: _Bundles, key: ListenerKey) -> tuple[Bundle, ...]:
    return tuple([bundle for _, bundle in ctx.fetch_by(found, key)])


def _bundles(name: str, parts: Collection[ChainKey, Part]) -> _Bundles:
    """Parts joined in bundles, by the listener that they belong to."""
    return bundles.joined(name, parts, lambda key: (key[:2], key[2]), most=BUNDLES)
