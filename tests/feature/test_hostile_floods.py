"""Floods, slow clients and oversized requests: whoever sends them is cut off, nobody else notices.

`bench/hostile.py` measures what it costs others.
"""

import contextlib
import socket
import threading
import time

import pytest

from feature import floods
from feature.route_scene import both, sides
from support.http1 import Http1
from support.http2 import HEADERS, SETTINGS, Http2, request
from support.tried import tell

TARGET = both("flooded", "- backendRefs: [{name: v1, port: 80}]")
STREAMS = 2_000
SLOW = 300
"""Connections that never finish what they have begun."""
MEGABYTE = "a" * 1_000_000


def place_of(scene, side):
    return scene.gateway_place() if side == "gateway" else scene.pod_place()


def host_of(side):
    return TARGET.host if side == "gateway" else TARGET.name


@contextlib.contextmanager
def good_client(scene, side):
    """Requests of somebody else while the block runs: all of them have to succeed."""
    stop, statuses = threading.Event(), []

    def ask():
        while not stop.is_set():
            statuses.append(scene.ask(side, TARGET).status)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
        before = len(statuses)
        end = time.monotonic() + 10
        while len(statuses) < before + 5 and time.monotonic() < end:
            time.sleep(0.01)
    finally:
        stop.set()
        thread.join()
    assert len(statuses) >= before + 5
    assert set(statuses) == {200}


def cut_off(place, flood):
    """Send a flood until the server hangs up; how many batches it took before that, None if all.

    Nothing is read while it is sent, and Envoy discards what comes after its last word for a second
    before it closes.
    """
    sent = 0
    with socket.create_connection(place, timeout=5) as client:
        try:
            for batch in flood.batches():
                client.sendall(batch)
                sent += 1
            while client.recv(65536):
                pass
        except ConnectionError:
            return sent
        except TimeoutError:
            return None
    return sent


@sides
@pytest.mark.parametrize("number", range(len(floods.all_of(""))))
def test_a_flood_is_cut_off(scene, side, number):
    flood = floods.all_of(host_of(side))[number]
    with good_client(scene, side):
        batches = cut_off(place_of(scene, side), flood)
    assert batches is not None, f"{flood.name}: the connection is still open"
    tell(f"flood of {flood.name}, {side}: frames", batches * floods.BATCH)


@sides
def test_of_streams_at_once_no_more_than_allowed_are_served(scene, side):
    head = (*request(host=host_of(side)), (b"x-echo-answers", b"slow"))
    answers = 0
    with good_client(scene, side), Http2(place_of(scene, side), seconds=2) as client:
        while client.receive().kind != SETTINGS:  # what it allows holds once it is acknowledged
            pass
        for number in range(STREAMS):
            client.headers(2 * number + 1, head)
        with contextlib.suppress(OSError):  # closed, or nothing more to say
            while (got := client.receive()) is not None:
                answers += got.kind == HEADERS
    assert answers <= 100
    tell(f"streams at once, {side}", STREAMS, served=answers)


@sides
def test_slow_clients_stop_nobody(scene, side):
    head = f"POST / HTTP/1.1\r\nHost: {host_of(side)}\r\n"
    starts = (
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        f"{head}Content-Length: 9\r\n\r\na".encode(),
        f"{head}Transfer-Encoding: chunked\r\n\r\n3\r\n".encode(),
    )
    with contextlib.ExitStack() as held:
        for number in range(SLOW):
            client = socket.create_connection(place_of(scene, side), timeout=10)
            held.enter_context(client)
            client.sendall(starts[number % len(starts)])
        with good_client(scene, side):
            pass
    tell(f"slow connections, {side}", SLOW)


OVERSIZED = {
    "a value": f"GET / HTTP/1.1\r\nHost: {{h}}\r\nX: {MEGABYTE}\r\n\r\n",
    "a name": f"GET / HTTP/1.1\r\nHost: {{h}}\r\n{MEGABYTE}: x\r\n\r\n",
    "a target": f"GET /{MEGABYTE} HTTP/1.1\r\nHost: {{h}}\r\n\r\n",
    "a host": f"GET / HTTP/1.1\r\nHost: {MEGABYTE}\r\n\r\n",
    "a method": f"{MEGABYTE} / HTTP/1.1\r\nHost: {{h}}\r\n\r\n",
    "many headers": "GET / HTTP/1.1\r\nHost: {h}\r\n" + "X: y\r\n" * 5_000 + "\r\n",
    "cookies": "GET / HTTP/1.1\r\nHost: {h}\r\n" + "Cookie: a=b\r\n" * 5_000 + "\r\n",
    "no line": MEGABYTE,
    "trailers": "POST / HTTP/1.1\r\nHost: {h}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    f"X: {MEGABYTE}\r\n\r\n",
}


@sides
def test_what_is_too_large_is_refused(scene, side):
    place, host = place_of(scene, side), host_of(side)
    for name, text in OVERSIZED.items():
        with Http1(place) as client:
            answer = client.ask(text.replace("{h}", host).encode())
        assert answer.status in {0, 400, 413, 431}, (name, answer.status)
        assert scene.ask(side, TARGET).status == 200
    fields = tuple((b"x", b"a" * 8_000) for _ in range(2))
    many = tuple((b"x%d" % number, b"a") for number in range(600))
    for more in (many, fields * 6):
        with Http2(place) as client:
            client.headers(1, (*request(host=host), *more))
            assert client.answer(1).status in {0, 431}
    tell(f"oversized requests, {side}", len(OVERSIZED) + 2)
