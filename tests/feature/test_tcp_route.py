"""TCPRoutes through a real Gateway: where connections go, and what becomes of those without goal.

Semantics of the TCPRoute* conformance tests.
"""

import socket
import time
from contextlib import closing

import pytest

from feature.harness import Instance, parent_conditions
from feature.l4 import CLOSED, ask, at, listener, place, route, service, shares, to
from feature.route_scene import documents

GATEWAYS = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: one, port: 19301, protocol: TCP, allowedRoutes: {kinds: [{kind: TCPRoute}]}}
  - {name: two, port: 19302, protocol: TCP}
  - {name: three, port: 19303, protocol: TCP}
  - {name: weights, port: 19304, protocol: TCP}
  - {name: half, port: 19305, protocol: TCP}
  - {name: missing, port: 19306, protocol: TCP}
  - {name: empty, port: 19307, protocol: TCP}
  - {name: granted, port: 19308, protocol: TCP}
  - {name: shared, port: 19309, protocol: TCP}
  - {name: idle, port: 19310, protocol: TCP}
  - {name: web, port: 80, protocol: HTTP}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: all, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: one, port: 19301, protocol: TCP}
  - {name: two, port: 19302, protocol: TCP}
"""
GRANT = """\
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: tcp, namespace: other}
spec:
  from: [{group: gateway.networking.k8s.io, kind: TCPRoute, namespace: default}]
  to: [{group: "", kind: Service, name: far}]
"""


def tcp_route(name, parents, *backends, **options):
    return route("TCPRoute", name, parents, *backends, **options)


WEIGHTS = tcp_route("weights", at("weights"), to("a", 70), to("b", 30), to("c", 0))
OLDER = tcp_route("older", at("shared"), to("a"), created="2026-01-01T00:00:00Z")


@pytest.fixture(scope="module")
def run(l4_backends, tmp_path_factory):
    """An instance with a listener for each case."""
    routes = (
        tcp_route("by-port", "{name: gate, port: 19301}", to("a")),
        tcp_route("by-section", at("two"), to("b")),
        tcp_route("by-both", "{name: gate, sectionName: three, port: 19303}", to("c")),
        tcp_route("half", at("half"), to("a", 1), to("missing", 1)),
        tcp_route("missing", at("missing"), to("missing")),
        tcp_route("empty", at("empty"), to("empty")),
        tcp_route("granted", at("granted"), to("far", namespace="other")),
        tcp_route("younger", at("shared"), to("b"), created="2026-01-02T00:00:00Z"),
        tcp_route("web", at("web"), to("a")),
        tcp_route("nowhere", at("nowhere"), to("a")),
        tcp_route("everywhere", "{name: all}", to("a")),
        tcp_route("mesh", '{group: "", kind: Service, name: a}', to("b")),
    )
    services = (
        service("a", l4_backends.tcp("a")),
        service("b", l4_backends.tcp("b"), app_protocol="mysql"),
        service("c", l4_backends.tcp("c"), app_protocol="http"),
        service("far", l4_backends.tcp("far"), namespace="other"),
        service("empty", None),
    )
    files = {
        "gateways.yaml": GATEWAYS,
        "services.yaml": documents(*services),
        "grant.yaml": GRANT,
        "routes.yaml": documents(*routes),
        "older.yaml": OLDER,
        "weights.yaml": WEIGHTS,
    }
    instance = Instance(tmp_path_factory.mktemp("tcp"), files)
    try:
        yield instance.start()
    finally:
        instance.stop()


def conditions(run, name):
    return parent_conditions(run.one("tcproutes", name))


@pytest.mark.parametrize(
    ("name", "port", "backend"),
    [("by-port", 19301, "a"), ("by-section", 19302, "b"), ("by-both", 19303, "c")],
)
def test_listener_by_port_and_section(run, name, port, backend):
    assert conditions(run, name) == {
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("True", "ResolvedRefs"),
    }
    said = ask(place(run, port), text="as it is \t$")
    assert (said.backend, said.server_name, said.text) == (backend, "-", "as it is \t$")


@pytest.mark.parametrize("port", [19301, 19302])
def test_route_attaches_to_every_listener(run, port):
    assert ask(place(run, port, "all")).backend == "a"
    assert [
        entry["attachedRoutes"] for entry in run.one("gateways", "all")["status"]["listeners"]
    ] == [1, 1]


def test_weights(run):
    counted = shares(lambda: ask(place(run, 19304)), 300)
    assert set(counted) == {"a", "b"}
    assert 165 <= counted["a"] <= 250


def test_share_of_a_missing_backend_is_closed(run):
    counted = shares(lambda: ask(place(run, 19305)), 200)
    assert set(counted) == {"a", CLOSED}
    assert 60 <= counted["a"] <= 140
    assert conditions(run, "half")["ResolvedRefs"] == ("False", "BackendNotFound")


@pytest.mark.parametrize(
    ("name", "port", "resolved"),
    [
        ("missing", 19306, ("False", "BackendNotFound")),
        ("empty", 19307, ("True", "ResolvedRefs")),
    ],
)
def test_no_backend_closes_the_connection(run, name, port, resolved):
    assert conditions(run, name)["Accepted"] == ("True", "Accepted")
    assert conditions(run, name)["ResolvedRefs"] == resolved
    assert ask(place(run, port)) is CLOSED


def test_listener_without_route_closes_the_connection(run):
    assert listener(run, "idle")["attachedRoutes"] == 0
    assert ask(place(run, 19310)) is CLOSED


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("web", "NotAllowedByListeners"),
        ("nowhere", "NoMatchingParent"),
        ("mesh", "UnsupportedValue"),
    ],
)
def test_refused_parents(run, name, reason):
    assert conditions(run, name)["Accepted"] == ("False", reason)


def test_supported_kinds(run):
    kinds = [{"group": "gateway.networking.k8s.io", "kind": "TCPRoute"}]
    assert listener(run, "one")["supportedKinds"] == kinds
    assert listener(run, "web")["attachedRoutes"] == 0


def test_reference_grant_comes_and_goes(run):
    assert ask(place(run, 19308)).backend == "far"
    run.remove("grant.yaml")
    run.until("closed", lambda: ask(place(run, 19308)) is CLOSED)
    assert conditions(run, "granted")["ResolvedRefs"] == ("False", "RefNotPermitted")
    run.write("grant.yaml", GRANT)
    run.until("open again", lambda: ask(place(run, 19308)) is not CLOSED)


def test_of_two_routes_the_older_serves(run):
    assert listener(run, "shared")["attachedRoutes"] == 2
    for name in ("older", "younger"):
        assert conditions(run, name)["Accepted"] == ("True", "Accepted")
    assert set(shares(lambda: ask(place(run, 19309)), 50)) == {"a"}
    accepted = run.one("tcproutes", "younger")["status"]["parents"][0]["conditions"][0]
    assert "served by TCPRoute default/older" in accepted["message"]
    run.remove("older.yaml")
    run.until("the other one serves", lambda: ask(place(run, 19309)).backend == "b")
    run.write("older.yaml", OLDER)
    run.until("the older one is back", lambda: ask(place(run, 19309)).backend == "a")


def test_connections_outlive_a_change_of_weights(run):
    """A connection stays with its backend, while new ones go where the route now says."""
    changed = tcp_route("weights", at("weights"), to("a", 0), to("b", 1))
    with closing(socket.create_connection(place(run, 19304), timeout=10)) as client:
        client.sendall(b"first\n")
        backend = client.recv(4096).split()[0]
        run.write("weights.yaml", changed)
        run.until("all go to b", lambda: set(shares(lambda: ask(place(run, 19304)), 10)) == {"b"})
        end = time.monotonic() + 3
        while time.monotonic() < end:
            client.sendall(b"still\n")
            assert client.recv(4096).split()[0] == backend
            time.sleep(0.1)


def test_described(run):
    """Endpoints count for ports that take no HTTP as well."""
    route = run.describe("tcproute", "by-section")
    assert "URL: tcp://" in route
    assert "100% b:9000 (1 of 1 endpoints ready)\n" in route
    service = run.describe("service", "b")
    assert "Endpoints: 1 of 1 ready" in service
    assert "TCPRoutes and TLSRoutes can send there" in service
