"""The stand-in for curl: what it sends, what it prints, how it ends; real curl agrees."""

import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading

import pytest

from fairlead.dataplane.images import curl
from fairlead.dataplane.images.curl_options import bypasses

IP = "127.97.0.1"
SOURCE = curl.__file__.rpartition("/fairlead/")[0]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked, and by path in ways that tests need."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("content-length", 0))
        asked = {
            "method": self.command,
            "target": self.path,
            "headers": sorted([name.lower(), value] for name, value in self.headers.items()),
            "body": self.rfile.read(length).decode(),
        }
        body = json.dumps(asked).encode()
        path = self.path.partition("?")[0]
        status = int(path.rpartition("/")[2]) if path.startswith("/status/") else 200
        if path.endswith("/silent"):
            self.close_connection = True
            return
        self.send_response(status)
        if path in {"/status/302", "/loop"}:
            self.send_header("Location", "/loop" if path == "/loop" else "/there?x=1")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = answer  # noqa: N815 - the library's names

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer((IP, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{IP}:{server.server_port}"
        server.shutdown()
        thread.join()


def run(*arguments, program=(sys.executable, "-m", "fairlead.dataplane.images.curl"), **variables):
    return subprocess.run(
        [*program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE, **variables},
    )


def asked(done):
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    answer["headers"] = [
        [name, value]
        for name, value in answer["headers"]
        if name not in {"host", "connection", "user-agent"}
    ]
    return answer


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("-H", "X-A: b", "-H", "Accept:", "-H", "x-empty;"),
        ("-XDELETE",),
        ("-d", "a=b", "-d", "c=d"),
        ("-G", "-d", "a=b"),
        ("-sSfu", "me:secret"),
        ("-b", "a=b", "-e", "http://from"),
        ("--json", '{"a": 1}', "-X", "PUT"),
        ("--data-urlencode", "a=b c", "--data-raw", "@x"),
        ("-L",),
    ],
)
def test_it_sends_what_curl_sends(server, flags):
    mine = asked(run("-s", *flags, f"{server}/path?q=1"))
    assert mine["target"].startswith("/path?q=1")
    if shutil.which("curl") is None:
        pytest.skip("no curl to compare with")
    assert asked(run("-s", *flags, f"{server}/path?q=1", program=("curl",))) == mine


@pytest.mark.parametrize("flags", [("-s",), ("-sS",), ()])
@pytest.mark.parametrize(
    ("url", "more", "code"),
    [
        ("/status/404", ("-f",), 22),
        ("/status/404", (), 0),
        ("/silent", (), 52),
        ("/loop", ("-L", "--max-redirs", "2"), 0),
    ],
)
def test_it_ends_as_curl_ends(server, flags, url, more, code):
    done = run(*flags, *more, server + url)
    assert done.returncode == code
    assert bool(done.stderr) == (code != 0 and flags != ("-s",))
    if code:
        assert f"curl: ({code})" in done.stderr or flags == ("-s",)


def test_what_can_not_be_reached():
    with socket.socket() as probe:
        probe.bind((IP, 0))
        port = probe.getsockname()[1]
    assert run("-s", f"http://{IP}:{port}").returncode == 7
    assert "Could not resolve host: no.such.invalid" in run("http://no.such.invalid").stderr
    assert run("-s", "http://no.such.invalid").returncode == 6
    assert run("-s", "gopher://a").returncode == 1
    with socket.create_server((IP, 0)) as silent:
        port = silent.getsockname()[1]
        done = run("-m", "0.3", f"http://{IP}:{port}")
        assert done.returncode == 28
        assert "timed out" in done.stderr


def test_redirects_are_followed_when_asked(server):
    done = run("-sL", "-w", "%{http_code} %{num_redirects}\\n", f"{server}/status/302")
    assert '"target": "/there?x=1"' in done.stdout
    assert done.stdout.endswith("200 1\n")
    done = run(
        "-s", "-o", "/dev/null", "-w", "%{http_code} %{content_type}", f"{server}/status/302"
    )
    assert done.stdout == "302 application/json"


def test_heads(server):
    done = run("-sI", server)
    assert done.stdout.startswith("HTTP/1.1 200 OK\n")
    assert done.stdout.endswith("\n\n")
    done = run("-si", server)
    assert '"method": "GET"' in done.stdout
    assert done.stdout.startswith("HTTP/1.1 200 OK\n")
    done = run("-sv", server)
    assert "> GET / HTTP/1.1" in done.stderr
    assert "< HTTP/1.1 200 OK" in done.stderr


def test_several_urls_and_files(server, tmp_path):
    one, two = tmp_path / "1", tmp_path / "2"
    (tmp_path / "in").write_bytes(b"a\nb\n")
    done = run("-s", "-o", str(one), "-o", str(two), "-d", f"@{tmp_path}/in", server, f"{server}/2")
    assert done.returncode == 0
    assert json.loads(one.read_text())["body"] == "ab"
    assert json.loads(two.read_text())["target"] == "/2"
    assert run("-s", "-o", "/no/such/file", server).returncode == 23


def test_the_proxy_of_the_environment_is_used_but_for_exceptions(server):
    proxied = run("-s", "http://shop.example/a", http_proxy=server)
    assert asked(proxied)["target"] == "http://shop.example/a"
    assert json.loads(proxied.stdout)["headers"].count(["host", "shop.example"]) == 1
    direct = run("-s", f"{server}/a", http_proxy="http://127.0.0.1:1", no_proxy="127.0.0.0/8")
    assert asked(direct)["target"] == "/a"
    assert asked(run("-s", "-x", server, "shop.example"))["target"] == "http://shop.example/"
    assert run("-s", "http://a", http_proxy="http://no.such.invalid").returncode == 5


@pytest.mark.parametrize(
    ("exceptions", "host", "expected"),
    [
        ("localhost,127.0.0.0/8", "127.64.0.1", True),
        ("localhost,127.0.0.0/8", "128.0.0.1", False),
        ("localhost", "localhost", True),
        (".example.com", "a.example.com", True),
        ("example.com", "badexample.com", False),
        ("*", "anything", True),
        ("", "a", False),
        ("fd00::/8", "fd00::1", True),
        ("nonsense/99", "10.0.0.1", False),
    ],
)
def test_exceptions_from_the_proxy(exceptions, host, expected):
    assert bypasses(exceptions, host) is expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--http3", "http://a"), "--http3: is unknown"),
        (("-Q", "http://a"), "-Q: is unknown"),
        (("-H",), "--header: requires parameter"),
        ((), "no URL specified"),
        (("-m", "soon", "http://a"), "expected a proper numerical parameter"),
    ],
)
def test_what_it_does_not_know_it_refuses(arguments, message):
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_name_can_be_given_an_address(server):
    port = server.rpartition(":")[2]
    done = run("-s", "--resolve", f"a.example:{port}:{IP}", f"http://a.example:{port}/x")
    assert asked(done)["target"] == "/x"
    assert "curl 8" in run("--version").stdout
