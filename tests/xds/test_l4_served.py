"""What a real Envoy does with TCP and UDP ports: shares, refusals, PROXY protocol, sessions."""

import socket

import pytest

from feature.l4 import CLOSED, DROPPED, L4Backends, ask, ask_datagram, shares
from golden.xds.ir_world import world
from golden.xds.served import running
from support.ports import free_port

pytestmark = pytest.mark.envoy

NUMBER = 300
INVALID = {"invalid": {"weight": 1, "reason": "BackendNotFound", "message": ""}}
HEADER = b"PROXY TCP4 192.0.2.7 192.0.2.8 4000 9000\r\n"


def forward(cluster, weight=1):
    return {"forward": {"cluster": f"ns/{cluster}/9000", "weight": weight}}


LISTENERS = {
    "weighted": [forward("a", 7), forward("b", 3), forward("none", 0)],
    "half": [forward("a"), INVALID],
    "invalid": [INVALID],
    "empty": [forward("empty")],
    "nothing": [],
    "unrouted": None,
    "required": [forward("a")],
}
"""Backends by name of the listener; one has no chain."""


@pytest.fixture(scope="module")
def ports(tmp_path_factory):
    """Port of 127.0.0.1 by name of the listener."""
    found = {name: free_port() for name in LISTENERS} | {"udp": free_port(), "dropped": free_port()}
    made = L4Backends()
    at = {"a": made.tcp("a"), "b": made.tcp("b")}
    datagrams = made.udp("datagrams")
    document = {
        "listeners": [
            {
                "name": f"tcp-{number}",
                "port": number,
                "bind_port": found[name],
                "table": "",
                "proxy_protocol": "required" if name == "required" else "off",
            }
            for number, name in enumerate(LISTENERS, 9000)
        ],
        "tcp_chains": [
            {"listener": f"tcp-{number}", "name": "tcp", "backends": backends}
            for number, backends in enumerate(LISTENERS.values(), 9000)
            if backends is not None
        ],
        "udp_listeners": [
            _udp("udp", found["udp"], "ns/datagrams/5300"),
            _udp("dropped", found["dropped"], "ns/nobody/5300"),
        ],
        "clusters": [
            *({"name": f"ns/{name}/9000", "protocol": "tcp"} for name in ("a", "b", "empty")),
            {"name": "ns/datagrams/5300", "protocol": "udp"},
        ],
        "endpoints": [
            *({"cluster": f"ns/{name}/9000", "addresses": [_at(at[name])]} for name in at),
            {"cluster": "ns/datagrams/5300", "addresses": [_at(datagrams)]},
        ],
    }
    folder = tmp_path_factory.mktemp("envoy")
    try:
        with running(folder, world(document), port=found["weighted"], upstream_port=free_port()):
            yield found
    finally:
        made.stop()


def _udp(name, port, cluster):
    return {"name": name, "port": port, "bind_port": port, "cluster": cluster}


def _at(port):
    return {"address": "127.0.0.1", "port": port}


def test_connections_are_shared_out_by_weight(ports):
    found = shares(lambda: ask(("127.0.0.1", ports["weighted"])), NUMBER)
    assert set(found) == {"a", "b"}
    assert abs(found["a"] / NUMBER - 0.7) < 0.12


def test_the_share_of_an_invalid_backend_is_closed(ports):
    found = shares(lambda: ask(("127.0.0.1", ports["half"])), NUMBER)
    assert set(found) == {"a", CLOSED}
    assert abs(found["a"] / NUMBER - 0.5) < 0.12


@pytest.mark.parametrize("name", ["invalid", "empty", "nothing", "unrouted"])
def test_connections_that_nobody_can_take_are_closed(ports, name):
    assert ask(("127.0.0.1", ports[name])) is CLOSED


def test_a_required_proxy_header_is_required(ports):
    place = ("127.0.0.1", ports["required"])
    assert ask(place, text="not a PROXY header") is CLOSED
    with socket.create_connection(place, timeout=10) as client:
        client.sendall(HEADER + b"hello\n")
        assert client.recv(100) == b"a - hello\n"


def test_datagrams_are_passed_on_and_answered(ports):
    assert ask_datagram(("127.0.0.1", ports["udp"])).backend == "datagrams"
    assert ask_datagram(("127.0.0.1", ports["dropped"]), seconds=DROPPED) is CLOSED
