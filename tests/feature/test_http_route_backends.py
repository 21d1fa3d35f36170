"""Weights of backends, references that resolve to nothing, endpoints and protocols."""

import pytest

from feature.h2c import H2cServer
from feature.route_scene import Manifest, both, service, sides
from feature.websocket import WebSocketServer, talk

WEIGHTS = both(
    "weights",
    """
    - matches: [{path: {value: /split}}]
      backendRefs: [{name: v1, port: 80, weight: 90}, {name: v2, port: 80, weight: 10}]
    - matches: [{path: {value: /all-or-nothing}}]
      backendRefs: [{name: v1, port: 80, weight: 100}, {name: v2, port: 80, weight: 0}]
    - matches: [{path: {value: /zero}}]
      backendRefs: [{name: v1, port: 80, weight: 0}, {name: v2, port: 80, weight: 0}]
    - matches: [{path: {value: /large}}]
      backendRefs: [{name: v1, port: 80, weight: 1000000}, {name: v2, port: 80, weight: 1000000}]
    - matches: [{path: {value: /equal}}]
      backendRefs: [{name: v1, port: 80}, {name: v2, port: 80}, {name: v3, port: 80}]
    - matches: [{path: {value: /twice}}]
      backendRefs: [{name: v1, port: 80, weight: 1}, {name: v2, port: 80, weight: 1},
                    {name: v1, port: 80, weight: 2}]
    """,
)


@sides
def test_weighted_backends(scene, side):
    """90 to 10 of 1,000: outside of these bounds less than once in ten thousand runs."""
    shares = scene.shares(side, WEIGHTS, 1000, "/split")
    assert set(shares) == {"v1", "v2"}
    assert 60 <= shares["v2"] <= 140


@sides
def test_weight_0(scene, side):
    assert scene.shares(side, WEIGHTS, 200, "/all-or-nothing") == {"v1": 200}


@sides
def test_weights_that_sum_to_0(scene, side):
    assert scene.shares(side, WEIGHTS, 5, "/zero") == {500: 5}


@sides
def test_weights_of_any_size(scene, side):
    shares = scene.shares(side, WEIGHTS, 400, "/large")
    assert 150 < shares["v1"] < 250
    shares = scene.shares(side, WEIGHTS, 400, "/equal")
    assert all(80 < shares[name] < 190 for name in ("v1", "v2", "v3"))


@sides
def test_backend_that_is_named_twice(scene, side):
    shares = scene.shares(side, WEIGHTS, 400, "/twice")
    assert 60 < shares["v2"] < 145
    assert shares["v1"] + shares["v2"] == 400


NOT_FOUND = both("not-found", "- backendRefs: [{name: absent, port: 80}]")
WRONG_PORT = both("wrong-port", "- backendRefs: [{name: v1, port: 81}]")
WRONG_KIND = both(
    "wrong-kind", "- backendRefs: [{group: some.example, kind: Thing, name: v1, port: 80}]"
)
NOT_HTTP = both("not-http", "- backendRefs: [{name: secure, port: 443}]")
SECURE = Manifest(service("secure", None, app_protocol="https", ports=(443,)))


@sides
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (NOT_FOUND, "BackendNotFound"),
        (WRONG_PORT, "BackendNotFound"),
        (WRONG_KIND, "InvalidKind"),
        (NOT_HTTP, "UnsupportedProtocol"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_backend_that_does_not_resolve(scene, side, target, reason):
    """Its requests are answered 500; the route is accepted all the same."""
    assert scene.ask(side, target, "/").status == 500
    conditions = scene.parent(target, 0 if side == "gateway" else 1)
    assert conditions["Accepted"] == ("True", "Accepted")
    assert conditions["ResolvedRefs"] == ("False", reason)


PARTLY = both(
    "partly",
    """
    - matches: [{path: {value: /share}}]
      backendRefs: [{name: v1, port: 80, weight: 3}, {name: absent, port: 80, weight: 1}]
    - matches: [{path: {value: /whole}}]
      backendRefs: [{name: v2, port: 80}]
    - matches: [{path: {value: /unused}}]
      backendRefs: [{name: v1, port: 80}, {name: absent, port: 80, weight: 0}]
    """,
)


@sides
def test_share_of_an_invalid_backend(scene, side):
    """A quarter of the requests gets 500, the rest and the other rules serve."""
    shares = scene.shares(side, PARTLY, 400, "/share")
    assert set(shares) == {"v1", 500}
    assert 60 < shares[500] < 145
    assert scene.shares(side, PARTLY, 20, "/whole") == {"v2": 20}
    assert scene.shares(side, PARTLY, 20, "/unused") == {"v1": 20}
    assert scene.parent(PARTLY)["ResolvedRefs"] == ("False", "BackendNotFound")


LATER = both("later", "- backendRefs: [{name: comes-later, port: 80}]")


def test_backend_that_comes_later(scene):
    """The condition and the answers follow, from both sides, and back when it goes."""
    for side in ("gateway", "mesh"):
        assert scene.ask(side, LATER, "/").status == 500
    scene.run.write("later.yaml", service("comes-later", scene.echo.port("v3")))
    for side in ("gateway", "mesh"):
        scene.run.until(side, lambda side=side: scene.ask(side, LATER, "/").backend == "v3")
    for index in (0, 1):
        assert scene.parent(LATER, index)["ResolvedRefs"] == ("True", "ResolvedRefs")
    scene.run.remove("later.yaml")
    for side in ("gateway", "mesh"):
        scene.run.until(side, lambda side=side: scene.ask(side, LATER, "/").status == 500)
    for index in (0, 1):
        assert scene.parent(LATER, index)["ResolvedRefs"] == ("False", "BackendNotFound")


EMPTY = both(
    "empty",
    """
    - matches: [{path: {value: /all}}]
      backendRefs: [{name: nothing-behind, port: 80}]
    - matches: [{path: {value: /share}}]
      backendRefs: [{name: nothing-behind, port: 80}, {name: v1, port: 80}]
    """,
)
NOTHING_BEHIND = Manifest(service("nothing-behind", None))


@sides
def test_service_without_endpoints(scene, side):
    """503 for its share, and nothing is wrong with the reference."""
    assert scene.shares(side, EMPTY, 5, "/all") == {503: 5}
    shares = scene.shares(side, EMPTY, 100, "/share")
    assert set(shares) == {503, "v1"}
    assert 20 < shares[503] < 80
    assert scene.parent(EMPTY)["ResolvedRefs"] == ("True", "ResolvedRefs")


ENDPOINTS = both("endpoints", "- backendRefs: [{name: moving, port: 80}]")
MOVING = Manifest(service("moving", None))


@sides
def test_endpoints_come_and_go(scene, side):
    """Not ready, ready, and gone: 503, the backend, 503; nothing else is disturbed."""
    run, name = scene.run, "moving-slice.yaml"
    ready = service("moving", scene.echo.port("v2")).partition("---\n")[2]
    run.write(name, ready.replace("ready: true", "ready: false"))
    assert scene.ask(side, ENDPOINTS, "/").status == 503
    run.write(name, ready)
    run.until("ready", lambda: scene.ask(side, ENDPOINTS, "/").backend == "v2")
    run.write(name, ready.replace("ready: true", "ready: false"))
    run.until("not ready", lambda: scene.ask(side, ENDPOINTS, "/").status == 503)
    run.write(name, ready)
    run.until("ready again", lambda: scene.ask(side, ENDPOINTS, "/").backend == "v2")
    run.remove(name)
    run.until("gone", lambda: scene.ask(side, ENDPOINTS, "/").status == 503)


H2C = both("h2c", "- backendRefs: [{name: speaks-h2c, port: 80}]")


@sides
def test_backend_protocol_h2c(scene, side):
    """The backend knows HTTP/2 with prior knowledge only; clients speak HTTP/1.1."""
    with H2cServer() as server:
        text = service("speaks-h2c", server.port, app_protocol="kubernetes.io/h2c")
        scene.run.write("h2c.yaml", text)
        scene.run.until("h2c", lambda: scene.ask(side, H2C, "/").status == 200)
        assert scene.ask(side, H2C, "/", method="POST", body="x" * 1000).text == "h2c"
        assert server.refused == 0
    scene.run.remove("h2c.yaml")
    scene.run.until("gone", lambda: scene.ask(side, H2C, "/").status == 500)


WEB_SOCKET = both("web-socket", "- backendRefs: [{name: speaks-ws, port: 80}]")


@sides
def test_backend_protocol_web_socket(scene, side):
    """The upgrade passes, then bytes in both directions."""
    with WebSocketServer() as server:
        text = service("speaks-ws", server.port, app_protocol="kubernetes.io/ws")
        scene.run.write("ws.yaml", text)
        scene.run.until("ws", lambda: scene.ask(side, WEB_SOCKET, "/").status == 426)
        host = WEB_SOCKET.host if side == "gateway" else WEB_SOCKET.name
        place = scene.gateway_place() if side == "gateway" else scene.pod_place()
        target = "/chat" if side == "gateway" else f"http://{host}/chat"
        status, echoed = talk(place, target, host, b"hello")
        assert status.startswith("HTTP/1.1 101")
        assert echoed == b"HELLO"
    scene.run.remove("ws.yaml")
    scene.run.until("gone", lambda: scene.ask(side, WEB_SOCKET, "/").status == 500)


BODIES = both("bodies", "- backendRefs: [{name: v1, port: 80}]")


@sides
def test_bodies_of_both_directions(scene, side):
    answer = scene.ask(side, BODIES, "/upload", method="POST", body="x" * 300_000)
    assert answer.said["body"] == "x" * 300_000
    assert scene.ask(side, BODIES, "/", method="HEAD").status == 200
