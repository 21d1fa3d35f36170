"""The graph from IR to resources: what a change touches, and what it costs."""

import random

import pytest

from fairlead.graph import Change
from fairlead.ir.assignment import ClusterUse
from fairlead.ir.backend import Forward
from fairlead.ir.cluster import Cluster
from fairlead.ir.endpoint import Endpoint, Endpoints
from fairlead.ir.listener import GatewayListener, HttpChain, OutboundListener
from fairlead.ir.match import Match
from fairlead.ir.origin import Origin
from fairlead.ir.rule import Route, Rule
from fairlead.ir.virtual_host import VirtualHost
from fairlead.xds import scopes, type_url
from fairlead.xds.scopes import Layout, settled, shard
from golden.xds.ir_world import Chained, IrWorld
from golden.xds.static_bootstrap import as_dict

PROXY = "gateway/ns/gw"
TABLE = "gateway/ns/gw/http-80"
LISTENER = GatewayListener(PROXY, "http-80", ("127.0.0.1",), 80, 80, TABLE, ())
PORT = (LISTENER, Chained(HttpChain("http"), "http-80", PROXY))
CLUSTER = Cluster("ns/up/80", "ns", "up", 80)
LARGE = 2 * scopes.SPLIT


def host(name, cluster="ns/up/80", table=TABLE):
    origin = Origin("HTTPRoute", "ns", name, "0")
    rule = Rule(f"ns/{name}/0/0", Match(), Route((Forward(cluster, 1),)), origin)
    return VirtualHost(table, name, (name,), (rule,))


def hosts(count):
    return [host(f"h{number}.example.com") for number in range(count)]


def types(changed):
    """How many resources of each type."""
    counts = {}
    for _, url, _ in changed:
        kind = url.rpartition(".")[2]
        counts[kind] = counts.get(kind, 0) + 1
    return counts


@pytest.fixture
def large():
    world = IrWorld()
    world.put(*PORT, *hosts(LARGE))
    return world


def test_a_small_table_is_one_route_configuration():
    world = IrWorld()
    changed = world.put(*PORT, host("a.example.com"), host("b.example.com"))
    assert types(changed) == {"Listener": 1, "RouteConfiguration": 1}
    assert types(world.put(host("c.example.com"))) == {"RouteConfiguration": 1}


def test_a_listener_without_hosts_has_a_route_configuration():
    assert types(IrWorld().put(*PORT)) == {"Listener": 1, "RouteConfiguration": 1}


def test_a_change_of_a_small_table_serialises_one_host_alone():
    world = IrWorld()
    world.put(*PORT, host("a.example.com"), host("b.example.com"))
    (before,) = (each for (_, url, _), each in world.resources.items() if url == type_url.ROUTES)
    world.put(host("b.example.com", "ns/other/80"))
    after = world.resources.get((PROXY, type_url.ROUTES, TABLE))
    old, new = ({part.key: part for part in each.parts} for each in (before, after))
    assert new["a.example.com"] is old["a.example.com"]
    assert new["b.example.com"].digest != old["b.example.com"].digest
    assert after.version != before.version


def test_a_change_of_a_large_table_touches_one_shard(large):
    name = "h7.example.com"
    changed = large.put(host(name, "ns/other/80"))
    home = scopes.name(TABLE, Layout(scopes.SHARD_BITS), shard(name, scopes.SHARD_BITS))
    assert set(changed) == {(PROXY, type_url.ROUTES, home)}
    assert len(changed[PROXY, type_url.ROUTES, home].parts) < LARGE / 8


def test_a_wildcard_stands_in_every_shard(large):
    changed = large.put(host("*.example.com"))
    assert types(changed) == {"RouteConfiguration": 1 << scopes.SHARD_BITS}


def test_growing_past_the_threshold_changes_the_listener_once():
    world = IrWorld()
    world.put(*PORT, *hosts(scopes.SPLIT))
    changed = world.put(host("one-more.example.com"))
    shards = 1 << scopes.SHARD_BITS
    assert types(changed) == {
        "Listener": 1,
        "ScopedRouteConfiguration": shards,
        "RouteConfiguration": shards + 1,
    }
    assert changed[PROXY, type_url.ROUTES, TABLE] is None
    assert types(world.put(host("and-more.example.com"))) == {"RouteConfiguration": 1}


def test_a_split_is_undone_only_where_no_host_is_left_to_lose_a_request(large):
    names = [f"h{number}.example.com" for number in range(LARGE)]

    def without(some):
        return [Change(large.virtual_hosts, (TABLE, name), None) for name in some]

    assert "Listener" not in types(large.commit(without(names[1:])))
    assert large.messages(type_url.SCOPE)
    changed = large.commit(without(names[:1]))
    assert changed[PROXY, type_url.LISTENER, "http-80"] is not None
    assert changed[PROXY, type_url.ROUTES, TABLE] is not None
    assert large.messages(type_url.SCOPE) == {}


def test_a_split_is_undone_where_copies_of_wildcards_would_outweigh_it():
    split = Layout(scopes.SHARD_BITS)
    assert settled(split, 1, 64) == split
    assert settled(split, 1, 65) == scopes.ONE
    assert settled(split, 32 * 65, 65) == split


@pytest.mark.parametrize("bits", [0, scopes.SHARD_BITS])
@pytest.mark.parametrize("wildcard", [0, 1, 40, 5000])
def test_the_layout_settles_at_once(bits, wildcard):
    for exact in range(0, 20 * scopes.SPLIT, 17):
        once = settled(Layout(bits), exact, wildcard)
        assert settled(once, exact, wildcard) == once


def test_hosts_spread_over_all_shards():
    for made in (
        [f"route-{number:04}.example.com" for number in range(2000)],
        [f"{number}.shop.example.com" for number in range(2000)],
        [f"{a}{b}-team.{c}.example.org" for a in "abcdefghij" for b in "klmnop" for c in "qrstuvw"],
    ):
        counts = [0] * (1 << scopes.SHARD_BITS)
        for name in made:
            counts[shard(name, scopes.SHARD_BITS)] += 1
        assert max(counts) < 2.5 * len(made) / len(counts)


def test_tables_of_the_mesh_stay_one():
    world = IrWorld()
    listener = OutboundListener("mesh", "outbound/ns/a", "127.64.0.2", 15001, "mesh/ns", "ns", "a")
    named = [host(f"s{number}", table="mesh/ns") for number in range(LARGE)]
    assert types(world.put(listener, *named)) == {"Listener": 1, "RouteConfiguration": 1}


def test_what_goes_away_is_taken_away(large):
    changed = large.commit([Change(large.listeners, (PROXY, "http-80"), None)])
    assert set(changed.values()) == {None}
    assert len(large.resources) == 0
    large.put(*PORT)
    assert len(large.messages(type_url.ROUTES)) == 1 << scopes.SHARD_BITS


def test_clusters_and_endpoints_go_to_who_uses_them():
    world = IrWorld()
    addresses = Endpoints("ns/up/80", (Endpoint("127.64.0.2", 80),))
    assert world.put(CLUSTER, addresses) == {}
    changed = world.put(ClusterUse(PROXY, "ns/up/80"), ClusterUse("mesh", "ns/up/80"))
    assert {proxy for proxy, _, _ in changed} == {PROXY, "mesh"}
    assert types(changed) == {"Cluster": 2, "ClusterLoadAssignment": 2}
    assert types(world.put(Endpoints("ns/up/80", ()))) == {"ClusterLoadAssignment": 2}


def test_a_cluster_without_endpoints_is_told_so():
    """Else Envoy waits 15 seconds for them."""
    world = IrWorld()
    changed = world.put(CLUSTER, ClusterUse(PROXY, "ns/up/80"))
    assert types(changed) == {"Cluster": 1, "ClusterLoadAssignment": 1}


def test_the_passthrough_cluster_has_no_endpoints():
    world = IrWorld()
    anywhere = Cluster("passthrough", "", "", 0, passthrough=True)
    changed = world.put(anywhere, ClusterUse("mesh", "passthrough"))
    assert types(changed) == {"Cluster": 1}


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_leaves_no_trace(seed):
    """Across the threshold as well: an instance that grew serves what a new one serves."""
    rng = random.Random(seed)
    cast = [*PORT, CLUSTER, ClusterUse(PROXY, "ns/up/80"), *hosts(LARGE), host("*.example.com")]
    fresh = IrWorld()
    fresh.put(*cast)
    grown = IrWorld()
    rng.shuffle(cast)
    while cast:
        batch = [cast.pop() for _ in range(min(len(cast), rng.randint(1, 200)))]
        grown.put(*batch, *rng.sample(hosts(LARGE), 3))
        again = rng.choice(batch)
        if isinstance(again, VirtualHost):
            grown.commit([Change(grown.virtual_hosts, (TABLE, again.name), None)])
            grown.put(again)
    assert dict(grown.resources.items()) == dict(fresh.resources.items())


def test_the_fallback_of_a_host_takes_its_place():
    world = IrWorld()
    world.put(*PORT, host("a.example.com"))
    (part,) = world.resources.get((PROXY, type_url.ROUTES, TABLE)).parts
    message = as_dict(type_url.ROUTES, part.fallback)
    assert message == {
        "virtual_hosts": [
            {
                "name": "a.example.com",
                "domains": ["a.example.com"],
                "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 500}}],
            }
        ]
    }
