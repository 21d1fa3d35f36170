"""Subscriptions, nonces and streams, on a link without I/O."""

import pytest
from envoy.service.discovery.v3 import discovery_pb2

from ads.fake_envoy import decode
from ads.link import Link, cluster, endpoints, listener, resource, routes
from fairlead.ads import type_url
from fairlead.ads.removal import SETTLING
from fairlead.ads.wire import RemoteProtocolError, Request
from fairlead.ads.wire import decode as decode_request

C, E, R, L, S = (
    type_url.CLUSTER,
    type_url.ENDPOINTS,
    type_url.ROUTES,
    type_url.LISTENER,
    type_url.SCOPE,
)


class Peer:
    """A client that says exactly what the test tells it to."""

    def __init__(self, link):
        self.link = link
        link.machine.connect()

    def ask(self, url, **fields):
        self.link.machine.receive(Request(type_url=url, **fields), self.link.now)
        return self.hear()

    def hear(self):
        answers = []
        while (data := self.link.machine.poll(self.link.now)) is not None:
            answers.append(decode(data))
        return answers


def names(answers):
    return [(url, sorted(resources), removed) for url, _, resources, removed in answers]


@pytest.mark.parametrize("url", [C, L, S])
def test_trap_empty_wildcard_is_answered(url):
    """Envoy waits 15 seconds for the first answer of a wildcard subscription, even an empty one."""
    peer = Peer(Link())
    assert names(peer.ask(url)) == [(url, [], [])]


def test_unknown_type_is_answered_empty():
    peer = Peer(Link())
    url = "type.googleapis.com/example.Unknown"
    assert names(peer.ask(url, subscribe=("x",))) == [(url, [], [])]
    assert peer.ask(url, nonce="1") == []


@pytest.mark.parametrize("url", [E, R, C])
def test_trap_unknown_name_is_held_until_it_exists(url):
    """Told that the name is gone, Envoy would stop waiting for it."""
    link = Link()
    peer = Peer(link)
    assert peer.ask(url, subscribe=("x",)) == []
    link.update(resource(url, "x"))
    assert names(peer.hear()) == [(url, ["x"], [])]


@pytest.mark.parametrize("url", [E, R])
def test_removal_of_what_is_subscribed_by_name_is_not_told(url):
    link = Link()
    link.update(resource(url, "x"))
    peer = Peer(link)
    [(_, nonce, _, _)] = peer.ask(url, subscribe=("x",))
    peer.ask(url, nonce=nonce)
    link.update(gone=[(url, "x")])
    assert peer.hear() == []


def test_resubscription_is_answered_again():
    link = Link()
    link.update(endpoints("x"))
    peer = Peer(link)
    [(_, nonce, _, _)] = peer.ask(E, subscribe=("x",))
    assert names(peer.ask(E, nonce=nonce, subscribe=("x",))) == [(E, ["x"], [])]


def test_resubscription_while_under_way_is_answered_after_the_acknowledgement():
    link = Link()
    link.update(endpoints("x"))
    peer = Peer(link)
    [(_, nonce, _, _)] = peer.ask(E, subscribe=("x",))
    assert peer.ask(E, unsubscribe=("x",)) == []
    assert peer.ask(E, subscribe=("x",)) == []
    assert names(peer.ask(E, nonce=nonce)) == [(E, ["x"], [])]


def test_unsubscribed_is_not_sent():
    link = Link()
    link.update(endpoints("x"))
    peer = Peer(link)
    [(_, nonce, _, _)] = peer.ask(E, subscribe=("x",))
    peer.ask(E, nonce=nonce, unsubscribe=("x",))
    link.update(endpoints("x", "e2"))
    assert peer.hear() == []


def test_stale_nonce_says_nothing():
    link = Link()
    link.update(endpoints("x"))
    peer = Peer(link)
    [(_, nonce, _, _)] = peer.ask(E, subscribe=("x",))
    link.update(endpoints("x", "e2"))
    assert peer.ask(E, nonce="999") == []
    assert peer.ask(E, nonce="999", error="no") == []
    assert link.machine.state(link.now).rejections == ()
    assert names(peer.ask(E, nonce=nonce)) == [(E, ["x"], [])]


def test_types_are_interleaved_and_answered_out_of_order():
    link = Link()
    link.update(cluster("a"), endpoints("a"), cluster("b"), endpoints("b"))
    peer = Peer(link)
    [(_, first, _, _)] = peer.ask(C)
    [(_, second, _, _)] = peer.ask(E, subscribe=("a",))
    [(_, third, _, _)] = peer.ask(E, subscribe=("b",))
    for url, nonce in ((E, third), (E, second), (C, first)):
        assert peer.ask(url, nonce=nonce) == []
    peer.ask(L)
    assert link.machine.session.stream.barrier.clear


def test_trap_changed_cluster_is_followed_by_its_endpoints():
    """Envoy doesn't ask again for them, and would warm the cluster for 15 seconds."""
    link = Link()
    link.update(cluster("a"), endpoints("a"))
    link.start()
    link.settle()
    link.envoy.seen.clear()
    link.update(cluster("a", "eds 2"))
    link.settle()
    assert link.envoy.seen == [(C, ["a"], []), (E, ["a"], [])]
    assert link.envoy.active[C]["a"] == "eds 2"


def test_trap_endpoints_under_way_before_a_changed_cluster_are_sent_after_it():
    link = Link()
    link.update(cluster("a"), endpoints("a"))
    link.start()
    link.settle()
    link.update(endpoints("a", "e2"))
    link.poll()
    link.update(cluster("a", "eds 2"))
    link.settle()
    assert link.envoy.active[C]["a"] == "eds 2"
    assert link.machine.synced


def serving():
    link = Link()
    link.update(
        *(cluster("a"), endpoints("a"), cluster("b"), endpoints("b")),
        *(routes("t", {"one": "a"}), listener("l", "t")),
    )
    link.start()
    link.settle()
    link.envoy.seen.clear()
    return link


def test_reconnect_with_versions_is_sent_differences_only():
    link = serving()
    link.machine.disconnect()
    link.update(endpoints("a", "e2"), routes("t", {"one": "a", "two": "b"}))
    link.reconnect()
    link.settle()
    said = [said for said in link.envoy.seen if said[1] or said[2]]
    assert said == [(E, ["a"], []), (R, ["t"], [])]
    assert link.machine.synced


def test_reconnect_without_any_change_sends_no_resource():
    link = serving()
    link.reconnect()
    link.settle()
    assert not [said for said in link.envoy.seen if said[1] or said[2]]
    assert link.machine.new_status().listeners == ("l",)


def test_cluster_that_warms_when_the_stream_breaks_gets_its_endpoints():
    link = serving()
    link.update(cluster("a", "eds 2"))
    link.poll()
    link.deliver_response()
    assert link.envoy.warming == {"a": "eds 2"}
    for _ in range(2):
        link.reconnect()
        while link.envoy.out:
            link.deliver_request()
        link.poll()  # what it writes is lost with the stream, but for the last time
    link.settle()
    assert link.envoy.active[C]["a"] == "eds 2"


def test_reconnect_tells_what_is_gone():
    link = serving()
    link.update(scope := resource(S, "s", *listener("x", "t").parts))
    link.settle()
    link.machine.disconnect()
    link.update(gone=[(C, "b"), (E, "b"), (L, "l"), (scope.type_url, "s")])
    link.reconnect()
    link.settle()
    assert link.sent(L)[-1] == ([], ["l"])
    assert link.sent(S)[-1] == ([], ["s"])
    assert "b" not in link.envoy.active[C]


def test_cluster_left_over_from_an_earlier_stream_leaves_after_the_routes():
    link = serving()
    link.machine.disconnect()
    link.update(routes("t", {"one": "b"}), gone=[(C, "a"), (E, "a")])
    link.reconnect()
    link.deliver_request()
    link.now += SETTLING * 2
    link.exchange()
    assert link.envoy.active[C].keys() == {"a", "b"}
    link.settle()
    assert link.envoy.active[R] == {"t": "t|one>b"}
    assert link.envoy.active[C].keys() == {"b"}


def test_trap_cluster_changed_while_away_is_followed_by_its_endpoints():
    """Envoy reports the endpoints' version as held, and yet the changed cluster needs them."""
    link = serving()
    link.machine.disconnect()
    link.update(cluster("a", "eds 2"))
    link.reconnect()
    link.settle()
    assert link.envoy.active[C]["a"] == "eds 2"


def test_new_process_is_sent_everything():
    link = serving()
    link.restart()
    link.settle()
    assert link.envoy.active[R] == {"t": "t|one>a"}
    assert link.envoy.active[L] == {"l": "t"}


def test_status_is_told_only_when_something_in_it_changes():
    link = serving()
    assert link.machine.new_status().listeners == ("l",)
    link.update(routes("t", {"one": "b"}))
    link.settle()
    assert link.machine.new_status() is None
    link.machine.disconnect()
    status = link.machine.new_status()
    assert (status.connected, status.listeners) == (False, ("l",))


def test_a_listener_counts_once_envoy_has_its_routes():
    """Envoy acknowledges a listener before it opens it, which takes the routes."""
    link = serving()
    link.machine.new_status()
    link.update(routes("t2", {"two": "a"}), listener("l2", "t2"))
    link.poll()
    while link.down:
        link.deliver_response()
    while link.envoy.out:
        link.deliver_request()
    assert link.machine.state(link.now).types[-1].acknowledged == 2
    assert link.machine.new_status() is None
    link.settle()
    assert link.machine.new_status().listeners == ("l", "l2")
    link.update(gone=[(L, "l2")])
    link.settle()
    assert link.machine.new_status().listeners == ("l",)


def test_state_says_how_far_the_proxy_is():
    link = serving()
    assert link.machine.state(link.now).synced
    link.update(endpoints("a", "e2"))
    link.poll()
    state = link.machine.state(link.now + 2)
    assert not state.synced
    assert state.connected
    assert state.last_ack == pytest.approx(2)
    by_type = {t.type_url: t for t in state.types}
    assert (by_type[C].desired, by_type[C].acknowledged) == (2, 2)
    link.machine.disconnect()
    state = link.machine.state(link.now)
    assert not state.connected
    assert not state.synced


def test_requests_are_read_from_the_wire():
    message = discovery_pb2.DeltaDiscoveryRequest(
        type_url=C,
        resource_names_subscribe=["a"],
        resource_names_unsubscribe=["b"],
        initial_resource_versions={"a": "1"},
        response_nonce="7",
    )
    message.node.id = "mesh"
    expected = Request(C, "mesh", ("a",), ("b",), (("a", "1"),), "7")
    assert decode_request(message.SerializeToString()) == expected
    message.error_detail.message = ""
    assert decode_request(message.SerializeToString()).error == ""
    message.error_detail.message = "cannot add a:\n  address in use\n"
    assert decode_request(message.SerializeToString()).error == "cannot add a: address in use"


@pytest.mark.parametrize("data", [b"\xff\xff", b""])
def test_what_is_no_request_is_a_protocol_error(data):
    with pytest.raises(RemoteProtocolError):
        decode_request(data)
