"""Make before break, on a link without I/O."""

import pytest

from ads.link import Link, cluster, endpoints, listener, routes, scope, text
from fairlead.ads import type_url
from fairlead.ads.barrier import PATIENCE
from fairlead.ads.channel import OVERDUE
from fairlead.ads.removal import GRACE

C, E, R, L, S = (
    type_url.CLUSTER,
    type_url.ENDPOINTS,
    type_url.ROUTES,
    type_url.LISTENER,
    type_url.SCOPE,
)


def serving(hosts=None):
    """A link whose Envoy serves table t on listener l, with cluster a."""
    link = Link()
    link.update(
        cluster("a"), endpoints("a"), routes("t", hosts or {"one": "a"}), listener("l", "t")
    )
    link.start()
    link.settle()
    assert link.machine.synced
    link.envoy.seen.clear()
    return link


def test_first_load():
    link = serving()
    assert link.envoy.active[R] == {"t": "t|one>a"}
    assert link.envoy.active[L] == {"l": "t"}
    assert not link.envoy.dead_routes()


def test_routes_wait_for_endpoints_of_new_clusters():
    link = serving()
    link.update(cluster("b"), endpoints("b"), routes("t", {"one": "b"}))
    link.poll()
    link.deliver_response()
    assert [url for url, _, _ in link.envoy.seen] == [C]
    while link.envoy.out:
        link.deliver_request()
    link.poll()
    link.deliver_response()
    assert [url for url, _, _ in link.envoy.seen] == [C, E]
    assert not link.down
    link.settle()
    assert [url for url, _, _ in link.envoy.seen] == [C, E, R]
    assert link.envoy.active[R] == {"t": "t|one>b"}


def test_route_change_without_new_cluster_goes_out_at_once():
    link = serving()
    link.update(routes("t", {"one": "a", "two": "a"}))
    assert link.poll() == 1
    link.deliver_response()
    assert link.envoy.active[R] == {"t": "t|one>a|two>a"}


def test_endpoint_change_goes_out_at_once_while_clusters_are_waited_for():
    link = serving()
    link.update(cluster("b"), endpoints("b"))
    link.poll()
    link.down.clear()
    link.update(endpoints("a", "e2"))
    link.poll()
    link.deliver_response()
    assert link.envoy.active[E]["a"] == "e2"


def test_removed_cluster_leaves_after_routes_are_acknowledged_and_a_grace():
    link = serving()
    link.update(routes("t", {}), gone=[(C, "a"), (E, "a")])
    link.poll()
    link.now += 10
    link.poll()
    assert len(link.down) == 1, "no removal while the routes are under way"
    link.exchange()
    assert "a" in link.envoy.active[C]
    assert link.machine.next_deadline() == link.now + GRACE
    link.now += GRACE
    link.exchange()
    assert link.envoy.active[C] == {}
    assert link.machine.synced


def test_cluster_that_comes_back_within_the_grace_is_never_removed():
    link = serving()
    link.update(routes("t", {}), gone=[(C, "a"), (E, "a")])
    link.exchange()
    link.update(cluster("a"), endpoints("a"), routes("t", {"one": "a"}))
    link.settle()
    link.now += 10
    link.exchange()
    assert link.sent(C) == []
    assert link.envoy.active[R] == {"t": "t|one>a"}


def test_cluster_that_comes_back_while_its_removal_is_under_way_is_new():
    link = serving()
    link.update(routes("t", {}), gone=[(C, "a"), (E, "a")])
    link.exchange()
    link.now += GRACE
    link.poll()
    link.update(cluster("a"), endpoints("a"), routes("t", {"one": "a"}))
    link.poll()
    assert len(link.down) == 1, "routes wait until the cluster is back"
    link.settle()
    assert [names for names, _ in link.sent(C)] == [[], ["a"]]
    assert link.envoy.active[R] == {"t": "t|one>a"}
    assert not link.envoy.dead_routes()


def removing_while_another_warms():
    """A link whose Envoy has removed cluster x and keeps that back, for another cluster warms."""
    link = serving()
    link.update(cluster("x"), endpoints("x"))
    link.settle()
    link.update(cluster("slow"))
    link.exchange()
    link.now += PATIENCE  # for which routes wait for it
    link.exchange()
    link.update(gone=[(C, "x"), (E, "x")])
    link.exchange()
    link.now += GRACE
    link.exchange()
    assert link.envoy.active[C].keys() == {"a"}
    assert link.envoy.kept_back
    return link


def test_cluster_comes_back_before_its_removal_is_acknowledged_where_another_one_warms():
    link = removing_while_another_warms()
    link.update(cluster("x"), endpoints("x"), routes("t", {"one": "x"}))
    link.exchange()
    assert "x" not in link.envoy.active[C]
    assert link.machine.next_deadline() == link.now + OVERDUE
    link.now += OVERDUE
    link.exchange()
    assert link.envoy.active[C].keys() == {"a", "x"}
    assert link.envoy.active[R] == {"t": "t|one>x"}
    link.update(endpoints("slow"))
    link.settle()
    assert link.sent(C)[-1] == (["x"], [])
    assert link.machine.synced


def test_cluster_that_comes_back_and_leaves_again_during_its_removal_asks_for_no_time():
    link = removing_while_another_warms()
    link.update(cluster("x"), endpoints("x"))
    link.exchange()
    link.update(gone=[(C, "x"), (E, "x")])
    for _ in range(3):
        link.exchange()
        link.now = link.machine.next_deadline() or link.now
    link.exchange()
    assert link.machine.next_deadline() is None
    link.update(endpoints("slow"))
    link.settle()
    assert "x" not in link.envoy.active[C]


def test_changes_while_waiting_are_coalesced_and_the_newest_wins():
    link = serving()
    link.update(cluster("b"), endpoints("b"), routes("t", {"one": "b"}))
    for number in range(5):
        link.update(routes("t", {"one": "b", f"host{number}": "b"}))
    link.settle()
    assert link.sent(R) == [(["t"], [])]
    assert link.envoy.active[R] == {"t": "t|host4>b|one>b"}


def test_steady_stream_of_new_clusters_does_not_hold_routes_back_for_ever():
    """Each change waits for its own clusters; the oldest state that can serve goes out."""
    link = serving()
    link.update(cluster("c0"), endpoints("c0"), routes("t", {"one": "c0"}))
    link.poll()
    for number in range(1, 16):
        link.deliver_response()
        while link.envoy.out:
            link.deliver_request()
        link.update(
            cluster(f"c{number}"), endpoints(f"c{number}"), routes("t", {"one": f"c{number}"})
        )
        link.poll()
        assert not link.envoy.dead_routes()
    assert link.sent(R), "something was sent before the stream of changes ended"
    link.settle()
    assert link.envoy.active[R] == {"t": "t|one>c15"}


@pytest.mark.parametrize("under_way", [False, True])
def test_route_to_a_new_cluster_that_leaves_before_it_is_there_is_never_sent(under_way):
    link = serving()
    link.update(cluster("x"), endpoints("x"), routes("t", {"one": "x"}))
    if under_way:
        link.poll()
    link.update(cluster("y"), endpoints("y"), routes("t", {"one": "y"}), gone=[(C, "x"), (E, "x")])
    link.settle()
    assert link.sent(R) == [(["t"], [])]
    assert link.envoy.active[R] == {"t": "t|one>y"}


def test_cluster_that_leaves_does_not_hold_back_what_waited_before_it_came():
    link = serving()
    link.update(cluster("b"), endpoints("b"), routes("t", {"one": "b"}))
    link.poll()
    link.deliver_response()
    while link.envoy.out:
        link.deliver_request()
    link.update(cluster("x"), endpoints("x"), routes("t", {"one": "x"}))
    link.update(cluster("y"), endpoints("y"), routes("t", {"one": "y"}), gone=[(C, "x"), (E, "x")])
    link.settle()
    assert link.sent(R) == [(["t"], []), (["t"], [])]
    assert link.envoy.active[R] == {"t": "t|one>y"}


def test_proxy_that_never_acknowledges_endpoints_gets_routes_after_a_bounded_wait():
    link = serving()
    link.update(cluster("b"), endpoints("b"), routes("t", {"one": "b"}))
    link.poll()
    link.down.clear()
    assert link.machine.next_deadline() == link.now + PATIENCE
    link.now += PATIENCE - 0.001
    assert link.poll() == 0
    link.now += 0.001
    link.poll()
    link.deliver_response()
    assert link.envoy.active[R] == {"t": "t|one>b"}


def test_cluster_change_that_is_taken_back_while_another_warms():
    """Envoy acknowledges no cluster meanwhile: what it acknowledged before is no longer there."""
    link = serving()
    link.update(cluster("a", "eds 2"), cluster("slow"))
    link.exchange()
    assert link.envoy.active[C]["a"] == "eds 2"
    assert link.envoy.warming.keys() == {"slow"}
    link.update(cluster("a"))
    link.exchange()
    link.now += OVERDUE
    link.exchange()
    assert link.envoy.active[C]["a"] == "eds 1"


def test_cluster_without_endpoints_of_its_own_is_there_once_acknowledged():
    link = serving()
    link.update(cluster("dns", "other"), routes("t", {"one": "dns"}))
    link.exchange()
    assert link.envoy.active[R] == {"t": "t|one>dns"}


def test_new_scope_brings_its_table_and_leaves_before_it():
    link = serving()
    link.update(scope("s", "u"), routes("u", {"two": "a"}))
    link.settle()
    assert [url for url, _, _ in link.envoy.seen] == [S, R]
    assert link.envoy.active[R]["u"] == "u|two>a"
    link.update(gone=[(S, "s"), (R, "u")])
    link.settle()
    assert link.envoy.seen[-1] == (S, [], ["s"])
    assert "u" not in link.envoy.active[R]


def test_scope_that_moves_to_another_name_travels_with_its_removal():
    """Two scopes of one key refuse each other, so the old one goes in the same response."""
    link = serving()
    link.update(scope("s", "t"))
    link.settle()
    link.update(scope("s2", "t"), gone=[(S, "s")])
    link.settle()
    assert link.sent(S)[-1] == (["s2"], ["s"])


def test_changed_listeners_travel_alone():
    link = serving()
    link.update(routes("u", {}), listener("m", "t"), listener("n", "t"))
    link.settle()
    link.envoy.seen.clear()
    link.update(listener("l", "u"), listener("m", "u"), listener("n", "u"))
    link.settle()
    assert link.sent(L) == [(["l"], []), (["m"], []), (["n"], [])]


def test_a_resource_under_way_is_not_sent_twice():
    link = serving()
    for number in range(5):
        link.update(endpoints("a", f"e{number + 2}"))
        link.poll()
    assert len(link.down) == 1
    link.settle()
    assert link.sent(E) == [(["a"], []), (["a"], [])]
    assert link.envoy.active[E]["a"] == "e6"


def test_change_and_back_again_sends_nothing():
    link = serving()
    link.update(cluster("b"), endpoints("b"), routes("t", {"one": "b"}))
    link.update(routes("t", {"one": "a"}), gone=[(C, "b"), (E, "b")])
    link.settle()
    assert link.envoy.seen == []


def test_text_of_a_resource_is_what_envoy_sees():
    assert text(routes("t", {"one": "a"})) == "t|one>a"
