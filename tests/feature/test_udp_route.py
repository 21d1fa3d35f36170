"""UDPRoutes through a real Gateway: where datagrams go, and which are dropped.

Semantics of the UDPRoute* conformance tests.
"""

import pytest

from feature.harness import Instance, condition, parent_conditions
from feature.l4 import (
    CLOSED,
    DROPPED,
    ask_datagram,
    at,
    listener,
    place,
    route,
    service,
    shares,
    to,
)
from feature.route_scene import documents

GATEWAYS = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: one, port: 19301, protocol: UDP, allowedRoutes: {kinds: [{kind: UDPRoute}]}}
  - {name: two, port: 19302, protocol: UDP}
  - {name: three, port: 19303, protocol: UDP}
  - {name: weights, port: 19304, protocol: UDP}
  - {name: half, port: 19305, protocol: UDP}
  - {name: missing, port: 19306, protocol: UDP}
  - {name: granted, port: 19308, protocol: UDP}
  - {name: shared, port: 19309, protocol: UDP}
  - {name: idle, port: 19310, protocol: UDP}
  - {name: same-port, port: 19301, protocol: TCP}
"""
GRANT = """\
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: udp, namespace: other}
spec:
  from: [{group: gateway.networking.k8s.io, kind: UDPRoute, namespace: default}]
  to: [{group: "", kind: Service, name: far}]
"""


def udp_route(name, parents, *backends, **options):
    return route("UDPRoute", name, parents, *backends, **options)


OLDER = udp_route("older", at("shared"), to("a"), created="2026-01-01T00:00:00Z")


@pytest.fixture(scope="module")
def run(l4_backends, tmp_path_factory):
    """An instance with a listener for each case."""
    routes = (
        udp_route("by-port", "{name: gate, port: 19301, sectionName: one}", to("a")),
        udp_route("by-section", at("two"), to("b")),
        udp_route("by-number", "{name: gate, port: 19303}", to("c")),
        udp_route("weights", at("weights"), to("a", 70), to("b", 30), to("c", 0)),
        udp_route("half", at("half"), to("a", 1), to("missing", 1)),
        udp_route("missing", at("missing"), to("missing")),
        udp_route("granted", at("granted"), to("far", namespace="other")),
        udp_route("younger", at("shared"), to("b"), created="2026-01-02T00:00:00Z"),
        udp_route("tcp", at("same-port"), to("a")),
    )
    services = [service(name, l4_backends.udp(name), protocol="UDP") for name in ("a", "b", "c")]
    far = service("far", l4_backends.udp("far"), protocol="UDP", namespace="other")
    files = {
        "gateways.yaml": GATEWAYS,
        "services.yaml": documents(*services, far),
        "grant.yaml": GRANT,
        "routes.yaml": documents(*routes),
        "older.yaml": OLDER,
    }
    instance = Instance(tmp_path_factory.mktemp("udp"), files)
    try:
        yield instance.start()
    finally:
        instance.stop()


def backend(run, port):
    """Name of what answers, None for nothing; to be asked until it changes."""
    said = ask_datagram(place(run, port), seconds=DROPPED)
    return said.backend if said else None


def conditions(run, name):
    return parent_conditions(run.one("udproutes", name))


@pytest.mark.parametrize(
    ("name", "port", "backend"),
    [("by-port", 19301, "a"), ("by-section", 19302, "b"), ("by-number", 19303, "c")],
)
def test_listener_by_port_and_section(run, name, port, backend):
    assert conditions(run, name) == {
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("True", "ResolvedRefs"),
    }
    said = ask_datagram(place(run, port), "as it is")
    assert (said.backend, said.text) == (backend, "as it is")


def test_listener_is_programmed(run):
    found = {entry["type"]: entry["status"] for entry in listener(run, "one")["conditions"]}
    assert (found["Accepted"], found["Programmed"]) == ("True", "True")
    kinds = [{"group": "gateway.networking.k8s.io", "kind": "UDPRoute"}]
    assert listener(run, "one")["supportedKinds"] == kinds


def test_weights(run):
    counted = shares(lambda: ask_datagram(place(run, 19304)), 300)
    assert set(counted) == {"a", "b"}
    assert 165 <= counted["a"] <= 250


def test_share_of_a_missing_backend_is_dropped(run):
    counted = shares(lambda: ask_datagram(place(run, 19305), seconds=DROPPED), 200, 25)
    assert set(counted) == {"a", CLOSED}
    assert 60 <= counted["a"] <= 140
    assert conditions(run, "half")["ResolvedRefs"] == ("False", "BackendNotFound")


def test_nothing_answers_without_a_backend(run):
    assert conditions(run, "missing")["Accepted"] == ("True", "Accepted")
    assert conditions(run, "missing")["ResolvedRefs"] == ("False", "BackendNotFound")
    assert ask_datagram(place(run, 19306), seconds=DROPPED) is CLOSED
    assert ask_datagram(place(run, 19310), seconds=DROPPED) is CLOSED


def test_listener_of_another_protocol(run):
    assert conditions(run, "tcp")["Accepted"] == ("False", "NotAllowedByListeners")
    assert listener(run, "same-port")["attachedRoutes"] == 0


def test_reference_grant_comes_and_goes(run):
    assert ask_datagram(place(run, 19308)).backend == "far"
    run.remove("grant.yaml")
    run.until("dropped", lambda: backend(run, 19308) is None)
    assert conditions(run, "granted")["ResolvedRefs"] == ("False", "RefNotPermitted")
    run.write("grant.yaml", GRANT)
    run.until("served again", lambda: backend(run, 19308) == "far")


def test_of_two_routes_the_older_serves(run):
    assert listener(run, "shared")["attachedRoutes"] == 2
    for name in ("older", "younger"):
        assert conditions(run, name)["Accepted"] == ("True", "Accepted")
    assert set(shares(lambda: ask_datagram(place(run, 19309)), 20)) == {"a"}
    run.remove("older.yaml")
    run.until("the other one serves", lambda: backend(run, 19309) == "b")


PASSING = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: passing, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners: [{name: only, port: 19320, protocol: UDP}]
"""


def test_nothing_is_lost_on_a_gateway_that_comes_back(run):
    for target in ("a", "b"):
        route_to = udp_route("passing", "{name: passing}", to(target))
        run.write("passing.yaml", documents(PASSING, route_to))
        run.until("served", lambda: programmed(run, "passing"))
        [address] = run.one("gateways", "passing")["status"]["addresses"]
        answers = shares(lambda at=address["value"]: ask_datagram((at, 19320)), 40)
        assert answers == {target: 40}
        run.remove("passing.yaml")
        run.until("gone", lambda: not programmed(run, "passing"))


def programmed(run, name):
    found = [each for each in run.get("gateways") if each["metadata"]["name"] == name]
    return any(condition(each, "Programmed") for each in found)


def test_described(run):
    route = run.describe("udproute", "weights")
    assert "URL: udp://" in route
    for line in ("70% a:9000", "30% b:9000", "0% c:9000"):
        assert f"{line} (1 of 1 endpoints ready)\n" in route
    assert "missing:9000: dropped, there is no Service missing" in run.describe("udproute", "half")
    assert "Endpoints: 1 of 1 ready" in run.describe("service", "a")
