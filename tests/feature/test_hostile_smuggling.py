"""No request hides in another one: Envoy and backends see the same requests.

Behind the proxies stands a backend that takes HTTP/1.1 by the letter. Whatever attackers send, it
sees nothing but requests, none of those that were hidden, and everybody gets their own answer.
"""

import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from feature import smuggling
from feature.route_scene import Scene, at_gateway, pod, service
from feature.scene import running
from feature.strict_backend import StrictBackend
from support import http, http1
from support.http2 import DATA, END_HEADERS, END_STREAM, HEADERS, Answer, Http2, block, frame
from support.tried import tell

LANES = 24
VICTIMS = 200
QUIET = 0.7
"""Seconds without a byte after which an attacker gives up."""
NAME = "strict"

GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gateway}
spec:
  gatewayClassName: fairlead
  listeners: [{name: http, port: 80, protocol: HTTP}]
"""


@pytest.fixture(scope="module")
def backend():
    with StrictBackend() as strict:
        yield strict


@pytest.fixture(scope="module")
def scene(backend, echo, tmp_path_factory):
    files = {
        "gateway.yaml": GATEWAY,
        "client.yaml": pod(),
        "service.yaml": service(NAME, backend.port),
        "route.yaml": at_gateway(NAME, f"- backendRefs: [{{name: {NAME}, port: 80}}]").text,
    }
    with running(tmp_path_factory, files) as run:
        yield Scene(run, echo)


def place_of(scene, side):
    return scene.gateway_place() if side == "gateway" else scene.pod_place()


def received(place, content, quiet=QUIET):
    """Send bytes on a connection of its own; all that comes back until nothing does any more."""
    found = b""
    with contextlib.suppress(OSError), socket.create_connection(place, timeout=quiet) as client:
        client.sendall(content)
        while more := client.recv(65536):
            found += more
    return found


def served(scene, backend, side, number):
    """Good clients, while and after the attack: each gets its own answer."""
    place = place_of(scene, side)
    prefix = "" if side == "gateway" else f"http://{NAME}"
    targets = [f"/victim-{number}-{each}" for each in range(VICTIMS)]
    with ThreadPoolExecutor(4) as lanes:
        answers = list(lanes.map(lambda each: http.send(place, prefix + each, NAME), targets))
    assert [(answer.status, answer.body) for answer in answers] == [(200, t) for t in targets]
    assert not backend.faults
    assert not [target for target in backend.targets if "smuggled" in target]


@pytest.mark.parametrize("side", ["gateway", "mesh"])
def test_no_request_hides_in_one_of_http1(scene, backend, side):
    place = place_of(scene, side)
    names = list(smuggling.HTTP1)

    def attack(name):
        path = f"/case-{side}-{names.index(name)}"
        target = path if side == "gateway" else f"http://{NAME}{path}"
        return path, received(place, smuggling.http1(name, target, NAME))

    with ThreadPoolExecutor(LANES) as lanes:
        answers = dict(zip(names, lanes.map(attack, names), strict=True))
    passed = refused = 0
    for name, (path, answer) in answers.items():
        statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
        assert backend.targets.count(path) <= 1, name
        assert statuses.count(b"200") <= 1, (name, answer)
        if path in backend.targets:
            passed += 1
        else:
            refused += 1
            assert b"200" not in statuses, (name, answer)
    served(scene, backend, side, 1)
    tell(f"hidden requests of HTTP/1.1, {side}", len(names), refused=refused, passed=passed)


@pytest.mark.parametrize("side", ["gateway", "mesh"])
def test_no_request_hides_in_one_of_http2(scene, backend, side):
    place = place_of(scene, side)
    names = list(smuggling.http2("/", NAME))

    def attack(name):
        path = f"/case2-{side}-{names.index(name)}"
        fields, body = smuggling.http2(path, NAME)[name]
        with Http2(place, seconds=3) as client:
            head = END_HEADERS | (0 if body else END_STREAM)
            content = frame(HEADERS, head, 1, block(fields))
            client.send(content + (frame(DATA, END_STREAM, 1, body) if body else b""))
            try:
                return path, client.answer(1)
            except TimeoutError:
                return path, Answer(0, b"")

    with ThreadPoolExecutor(LANES) as lanes:
        answers = dict(zip(names, lanes.map(attack, names), strict=True))
    passed = refused = 0
    for name, (path, answer) in answers.items():
        assert backend.targets.count(path) <= 1, name
        if answer.status == 200:
            passed += 1
            assert answer.body.decode() == path, (name, answer)
        else:
            refused += 1
    assert answers["nothing unusual"][1].status == 200
    served(scene, backend, side, 2)
    tell(f"hidden requests of HTTP/2, {side}", len(names), refused=refused, passed=passed)


def test_the_backend_would_notice():
    """The attacks do work on a proxy that passes bytes on."""
    with StrictBackend() as strict:
        place = ("127.0.0.1", strict.port)
        for case in (
            "CL.TE",
            "TE with a space before the colon",
            "bare LF ends lines",
            "a chunk extension",
        ):  # each ends the connection
            received(place, smuggling.http1(case, "/case", NAME), quiet=15)
        assert len(strict.faults) == 4
        with http1.Http1(place) as client:
            assert client.ask(b"GET /good HTTP/1.1\r\nhost: a\r\n\r\n").body == b"/good"
    assert strict.targets == ["/good"]
