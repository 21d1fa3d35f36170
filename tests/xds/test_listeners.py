"""Listeners and chains on the graph: what a change touches, and who gets a server name."""

import pytest

from fairlead.graph import Change
from fairlead.ir.backend import Forward
from fairlead.ir.listener import DownstreamTls, GatewayListener, HttpChain, TcpChain
from fairlead.ir.origin import Origin
from fairlead.ir.virtual_host import VirtualHost
from fairlead.xds import listeners, type_url
from golden.xds.ir_world import Chained, IrWorld
from golden.xds.static_bootstrap import as_dict

PROXY = "gateway/ns/gw"
TABLE = f"{PROXY}/tls-443"
TLS = DownstreamTls(("certificate/ns/a",))
ORIGIN = Origin("Gateway", "ns", "gw")
LISTENER = GatewayListener(PROXY, "tls-443", ("127.0.0.1",), 443, 10443, TABLE, (ORIGIN,))
WITH_HTTP3 = GatewayListener(
    PROXY, "tls-443", ("127.0.0.1",), 443, 10443, TABLE, (ORIGIN,), http3=True
)


def http(name, *names, tls=TLS):
    return Chained(HttpChain(name, names or (name,), tls, owner=name), "tls-443")


def tcp(name, *names):
    return Chained(TcpChain(name, (Forward("ns/up/443", 1),), names or (name,)), "tls-443")


def changed(found):
    return {(url.rpartition(".")[2], name) for _, url, name in found}


def served(world, name="tls-443"):
    """Server names by chain, as Envoy is told them."""
    message = as_dict(type_url.LISTENER, world.messages(type_url.LISTENER)[PROXY, name])
    return {
        each["name"]: each.get("filter_chain_match", {}).get("server_names", [])
        for each in message["filter_chains"]
    }


def parts(world):
    found = world.resources.get((PROXY, type_url.LISTENER, "tls-443"))
    return {part.key: part for part in found.parts}


def test_a_changed_chain_is_made_anew_alone():
    world = IrWorld()
    world.put(LISTENER, *(http(f"h{number}") for number in range(100)))
    before = parts(world)
    found = world.put(http("h7", tls=DownstreamTls(("certificate/ns/b",))))
    assert changed(found) == {("Listener", "tls-443")}
    after = parts(world)
    assert [key for key in after if after[key] is not before[key]] == ["h7"]


def test_an_object_that_joins_a_port_makes_no_chain_anew():
    world = IrWorld()
    world.put(LISTENER, *(http(f"h{number}") for number in range(10)))
    before = parts(world)
    joined = (ORIGIN, Origin("ListenerSet", "ns", "set"))
    more = GatewayListener(PROXY, "tls-443", ("127.0.0.1",), 443, 10443, TABLE, joined)
    found = world.put(more)
    assert found[PROXY, type_url.LISTENER, "tls-443"].origins == joined
    assert all(after is before[key] for key, after in parts(world).items())


def test_of_two_chains_for_one_server_name_the_first_gets_it():
    world = IrWorld()
    world.put(LISTENER, http("b", "x", "y"), tcp("a", "x"), tcp("c", "y"), tcp("d", "z"))
    assert served(world) == {"a": ["x"], "b": ["y"], "d": ["z"]}
    world.commit([Change(world.chains, (PROXY, "tls-443", "a"), None)])
    assert served(world) == {"b": ["x", "y"], "d": ["z"]}


def test_one_chain_takes_what_no_other_takes():
    world = IrWorld()
    rest = [Chained(HttpChain(name, (), TLS, owner="*"), "tls-443") for name in ("*", "other")]
    world.put(LISTENER, http("a"), *rest)
    assert served(world) == {"*": [], "a": ["a"]}


def test_http3_carries_http_of_tls_1_3_alone():
    world = IrWorld()
    old = DownstreamTls(("certificate/ns/a",), maximum_version="1.2")
    world.put(WITH_HTTP3, http("a"), http("old", tls=old), tcp("passed"))
    assert served(world, "quic-443") == {"a": ["a"]}
    world.commit([Change(world.chains, (PROXY, "tls-443", "a"), None)])
    assert (PROXY, "quic-443") not in world.messages(type_url.LISTENER)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_http3_is_advertised_while_it_is_there(count, monkeypatch):
    monkeypatch.setattr(listeners, "MOST_QUIC_CHAINS", 2)
    world = IrWorld()
    names = [f"h{number}" for number in range(count)]
    world.put(WITH_HTTP3, *map(http, names), VirtualHost(TABLE, "h0", ("h0",), (), owner="h0"))
    there = (PROXY, "quic-443") in world.messages(type_url.LISTENER)
    (table,) = world.messages(type_url.ROUTES).values()
    assert there == (b'h3=":10443"; ma=86400' in table) == (0 < count <= 2)
