"""A real Envoy cuts off clients that are slow at any stage: each limit, made short, does so alone.

All other limits keep their lengths of ten seconds and more, so what ends a connection before that
is the one that was made short. Clients go on sending where silence would be another limit's case.
"""

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass

import pytest

from golden.xds.ir_world import world
from golden.xds.served import running
from support.http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    PREFACE,
    RESET,
    SETTINGS,
    block,
    frame,
    request,
)
from support.ports import free_port
from support.tried import tell

pytestmark = pytest.mark.envoy

HOST = "a.example.com"
SHORT = 0.5
"""Seconds."""
LONG = 8.0
"""Seconds after which a client that is still connected is taken for one that nobody cuts off."""
LIMITS = {
    "request_headers_timeout": "60s",
    "request_timeout": "300s",
    "stream_idle_timeout": "300s",
    "idle_timeout": "3600s",
    "listener_filters_timeout": "10s",
    "transport_socket_connect_timeout": "10s",
}
"""Fields of Envoy's messages, and what Gateways have for them."""
TIMED_OUT = b"HTTP/1.1 408 "
STREAM_ENDED = frame(RESET, 0, 1, bytes(4))
LEAVE = frame(GOAWAY, 0, 0, bytes(8))[:9]

GET = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n".encode()
POST = f"POST /silent HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 99999\r\n\r\n".encode()
HTTP2 = PREFACE + frame(SETTINGS, 0, 0)
HEAD = block(request("/silent", host=HOST, method="POST"))


def client_hello():
    """A whole one, as any client sends it."""
    read, written = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(read, written, server_hostname=HOST)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return written.read()


@dataclass(frozen=True)
class Slow:
    """A slow client."""

    name: str
    limit: str
    start: bytes
    again: bytes = b""
    """Sent over and over; empty for a client that falls silent."""
    told: bytes = b""
    """What it is told at last; empty where the connection just ends."""
    last: bool = False
    """Whether nothing follows what it is told, and the connection stays for a while."""
    tls: bool = False


CLIENTS = (
    Slow("headers", "request_headers_timeout", GET + b"X: ", b"a", TIMED_OUT),
    Slow("silent headers", "request_headers_timeout", GET, told=TIMED_OUT),
    Slow(
        "HTTP/2 headers",
        "request_headers_timeout",
        HTTP2 + frame(HEADERS, 0, 1, HEAD),
        frame(CONTINUATION, 0, 1, b"\x00\x01x\x01y"),
        STREAM_ENDED,
        last=True,
    ),
    Slow("body", "request_timeout", POST, b"a", TIMED_OUT),
    Slow(
        "HTTP/2 body",
        "request_timeout",
        HTTP2 + frame(HEADERS, END_HEADERS, 1, HEAD),
        frame(DATA, 0, 1, b"a"),
        STREAM_ENDED,
        last=True,
    ),
    Slow("silent body", "stream_idle_timeout", POST + b"a", told=TIMED_OUT),
    Slow("nothing", "idle_timeout", b""),
    Slow("nothing by HTTP/2", "idle_timeout", HTTP2, told=LEAVE, last=True),
    Slow("no ClientHello", "listener_filters_timeout", b"", tls=True),
    Slow("half a ClientHello", "listener_filters_timeout", client_hello()[:99], tls=True),
    Slow("half a handshake", "transport_socket_connect_timeout", client_hello(), tls=True),
)


def shortened(part, limit):
    """Make every field of that name short; yields what they were."""
    match part:
        case dict():
            if limit in part:
                yield part[limit]
                part[limit] = f"{SHORT}s"
            for each in part.values():
                yield from shortened(each, limit)
        case list():
            for each in part:
                yield from shortened(each, limit)


@contextlib.contextmanager
def gateway(folder, limit, silent):
    """Ports in clear and for TLS of an Envoy that has one short limit.

    On the port `silent` somebody accepts connections and never answers.
    """
    clear, tls, up = free_port(), free_port(), free_port()
    ports = (("http-80", 80, clear), ("tls-443", 443, tls))
    table = "gateway/ns/gw/{}".format
    rules = [
        {
            "match": {"path": {"prefix": {"value": path}}},
            "action": {"route": {"backends": [{"forward": {"cluster": cluster, "weight": 1}}]}},
        }
        for path, cluster in (("/silent", "ns/silent/80"), ("/", "ns/up/80"))
    ]
    chain = {"listener": "tls-443", "name": HOST, "server_names": [HOST]}
    made = world(
        {
            "listeners": [
                {"name": name, "port": port, "bind_port": bound, "table": table(name)}
                for name, port, bound in ports
            ],
            "http_chains": [{**chain, "tls": {"certificates": ["certificate/ns/any"]}}],
            "virtual_hosts": [
                {"name": HOST, "rules": rules, "table": table(name)} for name, *_ in ports
            ],
            "clusters": [{"name": "ns/up/80"}, {"name": "ns/silent/80"}],
            "endpoints": [
                {"cluster": cluster, "addresses": [{"address": "127.0.0.1", "port": port}]}
                for cluster, port in (("ns/up/80", up), ("ns/silent/80", silent))
            ],
        }
    )

    def change(config):
        found = set(shortened(config["static_resources"]["listeners"], limit))
        assert found == {LIMITS[limit]}

    with running(folder, made, port=clear, upstream_port=up, change=change):
        yield clear, tls


def until_cut_off(port, client):
    """All that a client was told before it was cut off, and the seconds that it took."""
    begin, told = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port), timeout=LONG) as connection:
        connection.sendall(client.start)
        if client.again:
            connection.settimeout(SHORT / 10)
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < begin + LONG:
                try:
                    received = connection.recv(65536)
                except TimeoutError:
                    assert client.again, f"{client.name}: still connected"
                    connection.sendall(client.again)
                    continue
                if not received:
                    break
                told += received
                if client.last and client.told in told:
                    break
    return told, time.monotonic() - begin


@pytest.mark.parametrize("limit", LIMITS)
def test_slow_clients_are_cut_off(tmp_path, limit):
    slow = [client for client in CLIENTS if client.limit == limit]
    assert slow
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        gateway(tmp_path, limit, silent.getsockname()[1]) as (clear, tls),
    ):
        for client in slow:
            told, seconds = until_cut_off(tls if client.tls else clear, client)
            assert SHORT * 0.9 <= seconds < LONG, (client.name, told)
            assert client.told in told, (client.name, told)
    tell(f"slow clients cut off by {limit}", len(slow))
