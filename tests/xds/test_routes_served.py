"""What a real Envoy does with rules: paths, headers, shares and retries."""

import contextlib
import http.client
import http.server
import socketserver
import time
from collections import Counter

import pytest

from fairlead.xds import cluster, retry
from golden.xds.ir_world import world
from golden.xds.served import running
from support.ports import free_port
from support.tcp_server import TcpServer

pytestmark = pytest.mark.envoy

REQUESTS = 400


def to(cluster="ns/up/80", **route):
    """An action that forwards all to one cluster."""
    return {"route": {"backends": [{"forward": {"cluster": cluster, "weight": 1}}], **route}}


def replace(value):
    return {"path": {"prefix": {"value": value}}}


def forward(weight, **backend):
    return {"forward": {"cluster": "ns/up/80", "weight": weight, **backend}}


INVALID = {"invalid": {"weight": 1, "reason": "BackendNotFound", "message": ""}}
HEADERS = {
    "request_headers": {"set": [["x-both", "rule"], ["x-rule", "100%"]], "remove": ["x-gone"]},
    "response_headers": {"set": [["x-answer", "rule"]]},
}
OWN = {
    "request_headers": {"set": [["x-both", "backend"]]},
    "response_headers": {"set": [["x-answer", "backend"]]},
}
RULES = {
    "/a": {"action": to(rewrite=replace("/"))},
    "/a.c": {"action": to(rewrite=replace(""))},
    "/old": {"action": to(rewrite=replace("/new/"))},
    "/full": {"action": to(rewrite={"path": {"full": {"value": r"/re\1placed"}}})},
    "/host": {"action": to(rewrite={"hostname": "b.example.com"})},
    "/host-header": {
        "request_headers": {"set": [["host", "c.example.com"]]},
        "action": to(),
    },
    "/away": {"action": {"redirect": {"path": {"prefix": {"value": "/"}}}}},
    "/there": {"action": {"redirect": {"status": 308, "path": {"full": {"value": "/x"}}}}},
    "/port": {"action": {"redirect": {"status": 301, "scheme": "https", "port": 8443}}},
    "/moved": {
        "action": {"redirect": {"path": {"full": {"value": "/x"}}}},
        "policies": {"cors": {"allow_origins": [], "methods": ["GET"]}},
    },
    "/secure": {"action": {"redirect": {"status": 301, "scheme": "https", "port": 443}}},
    "/headers": {"action": {"route": {"backends": [forward(1, **OWN)]}}, **HEADERS},
    "/values": {
        "request_headers": {"set": [["x-both", "a,  b"], ["x-rule", "Zürich"]]},
        "match": {"headers": [{"name": "city", "value": "Zürich"}]},
        "action": to(),
    },
    "/headers-of-two": {
        "action": {"route": {"backends": [forward(1, **OWN), forward(0)]}},
        **HEADERS,
    },
    "/each": {
        "action": {
            "route": {
                "backends": [
                    forward(2, rewrite=replace("/one")),
                    forward(1, rewrite={"hostname": "two.example.com"}),
                    INVALID,
                ]
            }
        }
    },
    "/split": {"action": {"route": {"backends": [forward(3), INVALID]}}},
    "/retried": {"action": to("ns/flaky/80")},
    "/tried-once": {"action": to("ns/flaky/80", retry={"attempts": 0})},
    "/timed": {"action": to("ns/flaky/80", backend_timeout=5.0)},
    "/endless": {"action": to("ns/endless/80", backend_timeout=3.0, retry={"attempts": 0})},
    "/again": {"action": to("ns/second/80", retry={"attempts": 1, "codes": [503]})},
    "/nowhere": {"action": to("ns/unknown/80")},
    "/empty": {"action": to("ns/empty/80")},
    "/": {"action": to(rewrite=replace("/under")), "match": {"method": "PUT"}},
}


class Endless(socketserver.BaseRequestHandler):
    """Answers at once, and then a byte at a time, for twenty seconds."""

    def handle(self):
        self.request.recv(4096)
        with contextlib.suppress(OSError):
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n")
            for _ in range(400):
                self.request.sendall(b"x")
                time.sleep(0.05)


TRIED = Counter()
"""Requests to `Second` by id."""


class Second(http.server.BaseHTTPRequestHandler):
    """Answers 503 to the first request of each id, then 200 with the length of the body."""

    def do_POST(self):
        length = len(self.rfile.read(int(self.headers["content-length"])))
        name = self.headers["x-id"]
        TRIED[name] += 1
        self.send_response(503 if TRIED[name] == 1 else 200)
        self.send_header("x-length", str(length))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def second():
    with TcpServer(Second) as server:
        yield server.port


@pytest.fixture(scope="module")
def endless():
    with TcpServer(Endless) as server:
        yield server.port


@pytest.fixture(scope="module")
def envoy(tmp_path_factory, endless, second):
    port, upstream, dead = free_port(), free_port(), free_port()
    rules = [
        {**rule, "match": {**rule.get("match", {}), "path": {"prefix": {"value": path}}}}
        for path, rule in sorted(RULES.items(), reverse=True)
    ]
    made = world(
        {
            "listeners": [
                {
                    "name": "http-80",
                    "port": 80,
                    "bind_port": port,
                    "table": "gateway/ns/gw/http-80",
                }
            ],
            "virtual_hosts": [{"name": "a.example.com", "rules": rules}],
            "clusters": [
                {"name": "ns/up/80"},
                {"name": "ns/empty/80"},
                {"name": "ns/second/80"},
                {"name": "ns/endless/80"},
                {"name": "ns/flaky/80", "load_balancer": {"kind": "round_robin"}},
            ],
            "endpoints": [
                {
                    "cluster": "ns/endless/80",
                    "addresses": [{"address": "127.0.0.1", "port": endless}],
                },
                {
                    "cluster": "ns/second/80",
                    "addresses": [{"address": "127.0.0.1", "port": second}],
                },
                {"cluster": "ns/up/80", "addresses": [{"address": "127.0.0.1", "port": upstream}]},
                {
                    "cluster": "ns/flaky/80",
                    "addresses": [
                        {"address": "127.0.0.1", "port": upstream},
                        {"address": "127.0.0.1", "port": dead},
                    ],
                },
            ],
        }
    )
    folder = tmp_path_factory.mktemp("envoy")
    seen = ("x-both", "x-rule", "x-gone", "x-envoy-expected-rq-timeout-ms")
    with running(folder, made, port=port, upstream_port=upstream, seen=seen) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a", "/"),
        ("/a/", "/"),
        ("/a/b", "/b"),
        ("/a//b?q=1", "/b?q=1"),
        ("/a.c/d/", "/d/"),
        ("/old", "/new"),
        ("/old/", "/new/"),
        ("/old/x?q=/old", "/new/x?q=/old"),
        ("/full/x?q=1", r"/re\1placed?q=1"),
    ],
)
def test_the_seam_of_a_rewritten_path_has_one_slash(envoy, path, expected):
    answer = envoy.get(path)
    assert (answer.status, answer.headers["x-path"]) == (200, expected)


@pytest.mark.parametrize(("path", "expected"), [("/", "/under/"), ("/b", "/under/b")])
def test_the_root_can_be_replaced(envoy, path, expected):
    assert envoy.get(path, method="PUT").headers["x-path"] == expected


def test_no_prefix_is_taken_for_a_longer_element(envoy):
    assert envoy.get("/abc").status == 404


@pytest.mark.parametrize("path", ["/host", "/host-header"])
def test_the_host_is_rewritten(envoy, path):
    assert envoy.get(path).headers["x-host"] in {"b.example.com", "c.example.com"}


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/away/b?q=1", 302, "http://a.example.com/b?q=1"),
        ("/away", 302, "http://a.example.com/"),
        ("/there/b?q=1", 308, "http://a.example.com/x?q=1"),
        ("/port/b", 301, "https://a.example.com:8443/port/b"),
        ("/secure", 301, "https://a.example.com/secure"),
    ],
)
def test_redirects(envoy, path, status, location):
    answer = envoy.get(path, host="a.example.com")
    assert (answer.status, answer.headers["location"]) == (status, location)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/there", "http://a.example.com:8080/x"),
        ("/port", "https://a.example.com:8443/port"),
        ("/secure", "https://a.example.com:443/secure"),
    ],
)
def test_redirects_keep_or_replace_the_port_of_the_host(envoy, path, location):
    assert envoy.get(path, host="a.example.com:8080").headers["location"] == location


def test_a_redirect_whose_cors_allows_no_origin_redirects_and_shows_scripts_nothing(envoy):
    answer = envoy.get("/moved", origin="https://www.example.com")
    assert (answer.status, answer.headers["location"]) == (302, "http://a.example.com/x")
    asked = {"origin": "https://www.example.com", "access-control-request-method": "GET"}
    preflight = envoy.get("/moved", method="OPTIONS", raw=asked)
    assert preflight.status == 200
    for each in (answer, preflight):
        assert "access-control-allow-origin" not in each.headers


@pytest.mark.parametrize("path", ["/headers", "/headers-of-two"])
def test_the_backends_own_header_filters_come_last(envoy, path):
    answer = envoy.get(path, x_gone="here")
    assert answer.headers["x-saw-x-both"] == "backend"
    assert answer.headers["x-saw-x-rule"] == "100%"
    assert answer.headers["x-answer"] == "backend"
    assert "x-saw-x-gone" not in answer.headers


def test_header_values_may_be_any_text(envoy):
    spelled = "Zürich".encode().decode("latin-1")
    answer = envoy.get("/values", city=spelled)
    assert answer.headers["x-saw-x-both"] == "a,  b"
    assert answer.headers["x-saw-x-rule"] == spelled
    assert envoy.get("/values", city="Zurich").status == 404


def test_nothing_of_envoys_own_is_added(envoy):
    answer = envoy.get("/old", x_envoy_upstream_rq_timeout_ms="100")
    assert not [name for name in answer.headers if "x-envoy" in name]


def test_backends_may_rewrite_each_in_its_own_way_and_keep_their_shares(envoy):
    seen = Counter()
    for _ in range(REQUESTS):
        answer = envoy.get("/each/x")
        seen[answer.status, answer.headers.get("x-path"), answer.headers.get("x-host")] += 1
    shares = {
        (200, "/one/x", "a.example.com"): 0.5,
        (200, "/each/x", "two.example.com"): 0.25,
        (500, None, None): 0.25,
    }
    assert seen.keys() == shares.keys()
    for answer, share in shares.items():  # four standard deviations and more
        assert abs(seen[answer] / REQUESTS - share) < 0.1


def test_only_the_share_of_an_invalid_backend_fails(envoy):
    seen = Counter(envoy.get("/split").status for _ in range(REQUESTS))
    assert seen.keys() == {200, 500}
    assert abs(seen[500] / REQUESTS - 0.25) < 0.1


def test_what_has_no_cluster_is_500_and_what_has_no_endpoint_503(envoy):
    assert envoy.get("/nowhere").status == 500
    assert envoy.get("/empty").status == 503


@pytest.mark.parametrize("path", ["/retried", "/timed"])
def test_a_dead_endpoint_costs_no_request(envoy, path):
    assert {envoy.get(path).status for _ in range(20)} == {200}


def test_a_route_can_do_without_retries(envoy):
    assert Counter(envoy.get("/tried-once").status for _ in range(20)) == {200: 10, 503: 10}


@pytest.mark.parametrize(
    ("size", "status"), [(10_000, 200), (100_000, 200), (1_000_000, 200), (2_000_000, 503)]
)
def test_a_request_is_sent_again_with_a_body_of_up_to_a_mebibyte(envoy, size, status):
    with contextlib.closing(envoy.connection()) as connection:
        headers = {"host": "a.example.com", "x-id": str(size)}
        connection.request("POST", "/again", b"x" * size, headers)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["x-length"]) == (status, str(size))


def test_the_time_to_connect_is_that_of_clusters():
    assert retry.CONNECTING == cluster.CONNECT_TIMEOUT


def test_the_timeout_of_an_only_attempt_ends_its_answer(envoy):
    with contextlib.closing(envoy.connection()) as connection:
        connection.request("GET", "/endless", headers={"host": "a.example.com"})
        answer = connection.getresponse()
        assert answer.status == 200
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            answer.read()


def test_headers_that_backends_may_confuse_are_refused(envoy):
    assert envoy.get("/old", **{"X-User": "1"}).status == 200
    assert envoy.get("/old", raw={"X_User": "1"}).status == 400
