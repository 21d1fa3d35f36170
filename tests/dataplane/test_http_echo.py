"""The http-echo image: as the original answers, and as HTTP asks."""

import contextlib
import re
import signal
import socket
import subprocess
import sys

import pytest

from fairlead.dataplane.images import http_echo
from support.ports import free_port

IP = "127.99.0.1"


@contextlib.contextmanager
def echo(*flags, ready=True, **variables):
    """The program as pods run it; yields the process and its port."""
    port = free_port(IP)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", http_echo.__file__, f"-listen=:{port}", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"POD_IP": IP, **variables},
    )
    try:
        if ready:
            assert "listening" in process.stdout.readline()
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def port():
    with echo("-text=hello") as (_, port):
        yield port


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection((IP, port), timeout=5)
        self.file = self.socket.makefile("rb")

    def send(self, *lines, body=b""):
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def answer(self, method="GET"):
        status = self.file.readline().decode().split(" ", 2)[1]
        headers = {}
        while (line := self.file.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        return int(status), headers, self.file.read(length)

    def closed(self):
        return self.file.read(1) == b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()


@pytest.fixture
def client(port):
    with Client(port) as client:
        yield client


def test_every_path_gets_the_text_and_the_headers_of_the_original(client):
    for line in ("GET / HTTP/1.1", "POST /a/b?c HTTP/1.1", "DELETE * HTTP/1.1"):
        client.send(line, "host: x")
        status, headers, body = client.answer()
        assert (status, body) == (200, b"hello\n")
        assert headers["x-app-name"] == "http-echo"
        assert headers["x-app-version"] == http_echo.VERSION
        assert headers["content-type"] == "text/plain; charset=utf-8"
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", headers["date"])


def test_health_is_its_own_page(client):
    client.send("GET /health HTTP/1.1", "host: x")
    assert client.answer()[2] == b'{"status":"ok"}\n'


def test_head_has_the_length_and_no_body(client):
    client.send("HEAD / HTTP/1.1", "host: x")
    assert client.answer("HEAD")[1]["content-length"] == "6"
    client.send("GET / HTTP/1.1", "host: x")
    assert client.answer()[2] == b"hello\n"


def test_requests_may_be_pipelined_and_come_in_pieces(client):
    request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    client.socket.sendall(request * 50)
    assert [client.answer()[2] for _ in range(50)] == [b"hello\n"] * 50
    for byte in request:
        client.socket.sendall(bytes([byte]))
    assert client.answer()[2] == b"hello\n"


def test_bodies_are_read_and_left_alone(client):
    big = b"GET / HTTP/1.1\r\n\r\n" * 60_000
    client.send("PUT / HTTP/1.1", f"content-length: {len(big)}", body=big)
    assert client.answer()[2] == b"hello\n"
    chunks = b"5\r\nabcde\r\n" + b"%x;ext=1\r\n" % len(big) + big + b"\r\n0\r\nTrailer: x\r\n\r\n"
    client.send("PUT / HTTP/1.1", "Transfer-Encoding: chunked", body=chunks)
    assert client.answer()[2] == b"hello\n"
    client.send("PUT / HTTP/1.1", "expect: 100-continue", "content-length: 2")
    assert client.file.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert client.file.readline() == b"\r\n"
    client.socket.sendall(b"xx")
    assert client.answer()[2] == b"hello\n"


@pytest.mark.parametrize(
    "lines", [("GET / HTTP/1.1", "connection: close"), ("GET / HTTP/1.0", "host: x")]
)
def test_who_wants_no_more_is_let_go(client, lines):
    client.send(*lines)
    assert client.answer()[1]["connection"] == "close"
    assert client.closed()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n-5\r\n", 400),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000, 431),
    ],
)
def test_what_is_no_http_is_refused_and_only_that(client, port, sent, status):
    client.socket.sendall(sent)
    assert client.answer()[0] == status
    with contextlib.suppress(ConnectionResetError):
        assert client.closed()
    with Client(port) as other:
        other.send("GET / HTTP/1.1", "host: x")
        assert other.answer()[0] == 200


def test_a_client_that_reads_slowly_gets_everything():
    text = "x" * 100_000
    with echo(ready=True, ECHO_TEXT=text) as (_, port), Client(port) as client:
        client.socket.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
        assert [len(client.answer()[2]) for _ in range(100)] == [100_001] * 100


@pytest.mark.parametrize("flags", [("-text", "a b"), ("--text=a b",), ("--text", "a b")])
def test_flags_may_be_written_in_every_way_that_go_takes(flags):
    with echo(*flags, "-status-code", "418") as (_, port), Client(port) as client:
        client.send("GET / HTTP/1.1", "host: x")
        status, _, body = client.answer()
        assert (status, body) == (418, b"a b\n")


@pytest.mark.parametrize(
    ("flags", "message", "code"),
    [
        ((), "Missing -text option!\n", 127),
        (("-text=a", "b"), "Too many arguments!\n", 127),
        (("-text",), "flag needs an argument: -text\n", 2),
        (("-nope",), "flag provided but not defined: -nope\n", 2),
        (("-text=a", "-status-code=x"), 'invalid value "x" for flag -status-code\n', 2),
        (("-version",), f"http-echo v{http_echo.VERSION}\n", 0),
    ],
)
def test_wrong_flags_end_it_as_the_original_ends(flags, message, code):
    with echo(*flags, ready=False) as (process, _):
        _, errors = process.communicate(timeout=10)
        assert errors == message
        assert process.returncode == code


def test_a_port_that_is_taken_is_said():
    with socket.socket() as taken:
        taken.bind((IP, 0))
        taken.listen()
        listen = f"-listen=0.0.0.0:{taken.getsockname()[1]}"
        with echo("-text=a", listen, ready=False) as (process, _):
            assert "Address already in use" in process.communicate(timeout=10)[1]
            assert process.returncode == 1


def test_it_ends_when_asked_and_finishes_what_is_under_way():
    with echo("-text=a") as (process, port), Client(port) as busy, Client(port) as idle:
        idle.send("GET / HTTP/1.1", "host: x")
        idle.answer()
        busy.send("PUT / HTTP/1.1", "content-length: 3", body=b"1")
        assert process.stdout.readline().strip().endswith('"GET / HTTP/1.1"')
        process.send_signal(signal.SIGTERM)
        assert idle.closed()
        with pytest.raises(ConnectionRefusedError):
            Client(port)
        busy.socket.sendall(b"23")
        status, headers, _ = busy.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert process.wait(5) == 0
