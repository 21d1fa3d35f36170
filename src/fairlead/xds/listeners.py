"""Listeners on the graph: from IR to resources, at a cost that a changed chain alone decides.

In: listeners and their chains. Out: resources keyed (proxy, type url, name). A port of 2,500
chains is joined from bundles; a changed chain is serialised, joined with those of its bundle, and
the bundles are joined.
"""

import zlib
from collections.abc import Iterator
from typing import TypeAlias

from fairlead.graph import Collection, Context, Index, Source
from fairlead.ir.listener import (
    Chain,
    GatewayListener,
    Listener,
    OutboundListener,
    UdpListener,
)
from fairlead.xds import chain, listener, scopes, type_url
from fairlead.xds.port import Port, port
from fairlead.xds.resource import Bundle, Part, Resource, bundled
from fairlead.xds.scopes import Layout

ListenerKey: TypeAlias = tuple[str, str]
"""(proxy, listener name)."""
ChainKey: TypeAlias = tuple[str, str, str]
"""(proxy, listener name, chain name)."""
BundleKey: TypeAlias = tuple[str, str, int]
"""(proxy, listener name, number)."""

ADVERTISED = 86_400
"""Seconds for which a client may remember that HTTP/3 is there."""
BUCKETS = 32
"""Bundles of a listener, at most."""


def resources(
    listeners: Collection[ListenerKey, Listener],
    chains: Collection[ChainKey, Chain],
    layouts: Source[str, Layout],
    access_log: str,
) -> Collection[tuple[str, str, str], Resource]:
    """Put the stages of listeners on the graph; the arguments are those of `xds.build.build`."""

    def describe(ctx: Context, _: ListenerKey, value: Listener) -> Port | None:
        if not isinstance(value, GatewayListener):
            return None
        layout = ctx.fetch(layouts, value.table) or scopes.ONE
        return port(value, layout, access_log)

    ports = listeners.map("xds.ports", describe)

    def on_tcp(ctx: Context, key: ChainKey, value: Chain) -> Part | None:
        found = ctx.fetch(ports, key[:2])
        return None if found is None else chain.part(found, value)

    def on_quic(ctx: Context, key: ChainKey, value: Chain) -> Part | None:
        found = ctx.fetch(ports, key[:2])
        return None if found is None else chain.quic_part(found, value)

    tcp = _bundles("xds.chains", chains.map("xds.chains", on_tcp))
    quic = _bundles("xds.quic_chains", chains.map("xds.quic_chains", on_quic))

    def listening(
        ctx: Context, key: ListenerKey, value: Listener
    ) -> Iterator[tuple[tuple[str, str, str], Resource]]:
        made: list[Resource] = []
        match value:
            case GatewayListener():
                found = tuple([each for _, each in ctx.fetch_by(tcp, key)])
                made.append(listener.gateway(value, found))
                twins = tuple([each for _, each in ctx.fetch_by(quic, key)])
                if twins:
                    made.append(listener.quic(value, twins))
            case UdpListener():
                made.append(listener.datagrams(value))
            case OutboundListener():
                layout = ctx.fetch(layouts, value.table) or scopes.ONE
                made.append(listener.outbound(value, layout, access_log))
        for each in made:
            yield (key[0], type_url.LISTENER, each.name), each

    return listeners.flat_map("xds.listeners", listening)


def alternative(value: Listener) -> str:
    """Where else a listener's table is served, as a value of Alt-Svc; empty for nowhere."""
    if isinstance(value, GatewayListener) and value.http3:
        return f'h3=":{value.bind_port}"; ma={ADVERTISED}'
    return ""


def _bundles(name: str, parts: Collection[ChainKey, Part]) -> Index[BundleKey, Bundle, ListenerKey]:
    """Parts joined in bundles, by the listener that they belong to."""
    members = parts.index(f"{name}_members", lambda key, _: ((*key[:2], _bucket(key[2])),))

    def bundle(ctx: Context, key: BundleKey, _: BundleKey) -> Bundle:
        return bundled(tuple([part for _, part in ctx.fetch_by(members, key)]))

    bundles = members.terms(f"{name}_buckets").map(f"{name}_bundles", bundle)
    return bundles.index(f"{name}_by_listener", lambda key, _: (key[:2],))


def _bucket(name: str) -> int:
    return zlib.crc32(name.encode()) % BUCKETS
