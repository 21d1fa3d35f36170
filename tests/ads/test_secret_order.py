"""Secrets on a link without I/O: when they go out, one by one, and what a refusal does."""

import pytest

from ads.fake_envoy import decode
from ads.link import Link, cluster, endpoints, listener, part, resource, routes
from fairlead.ads import type_url
from fairlead.ads.wire import Request
from fairlead.ir.origin import Origin

C, E, L, X = type_url.CLUSTER, type_url.ENDPOINTS, type_url.LISTENER, type_url.SECRET


def secret(name, text):
    return resource(X, name, part("", text))


class Client:
    """A client that has asked for clusters, listeners and some secrets."""

    def __init__(self, *resources, secrets=()):
        self.link = Link()
        self.link.update(*resources)
        self.link.machine.connect()
        self.heard = []
        for url in (C, L):
            self.ask(url, node="test")
        if secrets:
            self.ask(X, subscribe=secrets)

    def ask(self, url, **fields):
        self.link.machine.receive(Request(type_url=url, **fields), self.link.now)

    def hear(self):
        """What is sent now: [(type, nonce, {name: text}, removed)]."""
        found = []
        while (data := self.link.machine.poll(self.link.now)) is not None:
            url, nonce, resources, removed = decode(data)
            found.append((url, nonce, {name: text for name, (_, text) in resources.items()}))
            assert not removed or url != X, "Envoy is never told that a secret is gone"
        self.heard += found
        return found

    def settle(self):
        """Acknowledge everything."""
        while found := self.hear():
            for url, nonce, _ in found:
                self.ask(url, nonce=nonce)


def secrets_in(heard):
    return [resources for url, _, resources in heard if url == X]


def test_every_secret_travels_alone():
    client = Client(secret("a", "1"), secret("b", "1"), secrets=("a", "b"))
    assert secrets_in(client.hear()) == [{"a": "1"}, {"b": "1"}]


def test_a_secret_is_sent_before_what_names_it():
    client = Client(secret("a", "1"), secrets=("a", "b"))
    client.settle()
    client.link.update(listener("l", "t"), routes("t", {}), secret("b", "1"), cluster("c"))
    assert next(url for url, _, _ in client.hear()) == X


def test_a_secret_does_not_wait_for_clusters_that_may_wait_for_it():
    client = Client(secret("a", "1"), secrets=("a",))
    client.settle()
    client.link.update(cluster("c"), endpoints("c"))
    client.hear()
    client.link.update(secret("a", "2"))
    assert secrets_in(client.hear()) == [{"a": "2"}]


def test_a_secret_that_is_not_there_yet_is_answered_when_it_comes():
    client = Client(secrets=("a",))
    client.settle()
    assert not secrets_in(client.heard)
    client.link.update(secret("a", "1"))
    assert secrets_in(client.hear()) == [{"a": "1"}]


def test_a_secret_that_is_gone_is_not_told():
    client = Client(secret("a", "1"), secrets=("a",))
    client.settle()
    client.heard.clear()
    client.link.update(gone=[(X, "a")])
    client.settle()
    assert not client.heard
    client.ask(X, unsubscribe=("a",))
    client.settle()
    assert client.link.machine.synced


@pytest.mark.parametrize("known", [True, False])
def test_a_refused_secret_is_condemned_at_once_and_no_other(known):
    first = [secret("a", "1"), secret("b", "1")] if known else []
    client = Client(*first, secrets=("a", "b"))
    client.settle()
    client.link.update(secret("a", "2"), secret("b", "2"))
    answered = []
    while found := client.hear():
        for url, nonce, resources in found:
            answered.append(resources)
            error = "no key" if resources.get("a") == "2" else None
            client.ask(url, nonce=nonce, error=error)
    assert answered == [{"a": "2"}, {"b": "2"}, *([{"a": "1"}] if known else [])]
    (rejection,) = client.link.machine.new_status().rejections
    assert (rejection.type_url, rejection.name, rejection.message) == (X, "a", "no key")
    assert rejection.origins == (Origin("HTTPRoute", "ns", ""),)
    client.link.update(secret("a", "3"))
    assert secrets_in(client.hear()) == [{"a": "3"}]
    assert not client.link.machine.new_status().rejections


def test_a_listener_is_there_once_its_secrets_are_acknowledged():
    client = Client(listener("l", "t"), secret("a", "1"))
    client.hear()
    client.ask(X, subscribe=("a",))
    waiting = client.hear()
    (listeners,) = [nonce for url, nonce, _ in client.heard if url == L]
    client.ask(L, nonce=listeners)
    assert client.link.machine.new_status().listeners == ()
    client.ask(X, nonce=waiting[-1][1])
    assert client.link.machine.new_status().listeners == ("l",)
