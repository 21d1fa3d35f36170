"""What the store hands out while some referents have no answer yet."""

import msgspec

from fairlead import api
from fairlead.providers.kube.references import Ours
from fairlead.providers.kube.store import Store

VERSION = "gateway.networking.k8s.io/v1"
CREATED = "2026-01-01T00:00:00Z"
OURS = "fairlead.dev/gateway-controller"


def put(store, kind, name, spec, namespace="a"):
    """A kind's object appears; it counts once its kind is committed."""
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": CREATED}
    raw = {"apiVersion": VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    store.put(api.KIND_OF[kind], (namespace, name), msgspec.json.encode(raw))


def put_gateway(store, name, secret, namespace="a"):
    ref = {"name": secret, "namespace": namespace}
    listener = {"name": "https", "port": 443, "protocol": "HTTPS"}
    listener["tls"] = {"mode": "Terminate", "certificateRefs": [ref]}
    put(store, "Gateway", name, {"gatewayClassName": "fairlead", "listeners": [listener]})


def put_grant(store):
    source = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "a"}
    spec = {"from": [source], "to": [{"group": "", "kind": "Secret"}]}
    put(store, "ReferenceGrant", "g", spec, namespace="b")


def flushed(store):
    return [change.key[1] for change in store.flush().changes]


def test_a_secret_without_an_answer_holds_back_only_who_names_it():
    store = Store(Ours(OURS, "fairlead"), lambda _kind, _key: None)
    put_gateway(store, "bad", "broken")
    put_gateway(store, "good", "cert")
    store.commit("Gateway")
    assert store.referents() == {("Secret", ("a", "broken")), ("Secret", ("a", "cert"))}
    assert flushed(store) == []
    store.answer(("Secret", ("a", "cert")), forbidden=False)
    assert flushed(store) == ["good"]
    put_gateway(store, "next", "cert")
    store.commit("Gateway")
    assert flushed(store) == ["next"]
    store.answer(("Secret", ("a", "broken")), forbidden=False)
    assert flushed(store) == ["bad"]


def test_a_grant_waits_for_what_it_permits_to_those_who_are_known():
    store = Store(Ours(OURS, "fairlead"), lambda _kind, _key: None)
    put_gateway(store, "web", "cert", namespace="b")
    store.commit("Gateway")
    assert store.referents() == frozenset()
    assert flushed(store) == ["web"]
    assert store.live("Gateway", ("a", "web")).created == CREATED
    put_grant(store)
    store.commit("ReferenceGrant")
    assert store.referents() == {("Secret", ("b", "cert"))}
    assert flushed(store) == []
    store.answer(("Secret", ("b", "cert")), forbidden=False)
    assert flushed(store) == ["g"]
