"""Services of every shape, and what stands behind them."""

import socket
import threading

import pytest

from feature.scene import (
    Caller,
    Server,
    client,
    conditions,
    deployment,
    endpoint_slice,
    find,
    running,
    service,
)

TWO_CONTAINERS = """
apiVersion: v1
kind: Pod
metadata: {name: pair, labels: {app: pair}}
spec:
  containers:
  - name: front
    image: hashicorp/http-echo
    args: [-text=front, "-listen=:5678"]
    ports: [{name: front, containerPort: 5678}]
  - name: admin
    image: hashicorp/http-echo
    args: [-text=admin, "-listen=:5679"]
    ports: [{name: admin, containerPort: 5679}]
---
"""
PAIR_PORTS = (
    "{name: front, port: 80, targetPort: front}, {name: admin, port: 9000, targetPort: admin}, "
    "{name: numeric, port: 9001, targetPort: 5679}"
)
HEADLESS = """
apiVersion: v1
kind: Service
metadata: {name: headless}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 5678}]}
---
apiVersion: v1
kind: Service
metadata: {name: fixed}
spec: {clusterIP: 10.96.7.7, selector: {app: web}, ports: [{port: 8000, targetPort: web}]}
---
"""


class Preface:
    """Takes connections and keeps the first bytes of each: which protocol is spoken to it."""

    def __init__(self):
        self.first = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.first.append(connection.recv(14))


@pytest.fixture(scope="module")
def outside():
    with Server("first") as first, Server("second") as second, Preface() as preface:
        yield {"first": first, "second": second, "preface": preface}


@pytest.fixture(scope="module")
def run(tmp_path_factory, outside):
    h2c = "{name: h2, port: 80, appProtocol: kubernetes.io/h2c}, {name: plain, port: 81}"
    wrong = "{name: secure, port: 443, appProtocol: https}, {name: dns, port: 53, protocol: UDP}"
    preface = outside["preface"].port
    files = {
        "pods.yaml": client() + deployment("web") + TWO_CONTAINERS,
        "services.yaml": HEADLESS
        + service("pair", ports=PAIR_PORTS)
        + service("bare", app="")
        + service("nobody")
        + service("h2", app="", ports=h2c)
        + service("wrong", app="", ports=wrong),
        "bare.yaml": endpoint_slice("bare", "127.0.0.1", port=outside["first"].port),
        "h2.yaml": endpoint_slice("h2", "127.0.0.1", port=preface, port_name="h2")
        + endpoint_slice("h2", "127.0.0.1", port=preface, port_name="plain").replace(
            "name: h2\n", "name: h2-plain\n", 1
        ),
    }
    with running(tmp_path_factory, files) as run:
        yield run


@pytest.fixture(scope="module")
def caller(run):
    return Caller(run)


def test_a_headless_service_is_balanced_by_its_name(run, caller):
    assert caller.body("http://headless:5678/") == "web"
    assert "clusterIP: None" in run.fairlead("get", "svc", "headless", "-o", "yaml").stdout
    (line,) = run.fairlead("get", "svc", "headless").stdout.splitlines()[1:]
    assert line.split()[2] == "None"


def test_an_address_that_is_written_is_the_virtual_address(run, caller):
    assert caller.body("http://10.96.7.7:8000/") == "web"
    assert run.one("services", "fixed")["spec"]["clusterIP"] == "10.96.7.7"


def test_ports_lead_to_container_ports_by_name_and_number(caller):
    assert caller.body("http://pair/") == "front"
    assert caller.body("http://pair:80/") == "front"
    assert caller.body("http://pair:9000/") == "admin"
    assert caller.body("http://pair:9001/") == "admin"


def test_a_port_that_the_service_lacks_is_no_service(caller):
    assert caller.status("http://pair:9999/") in {502, 503}


def test_a_service_without_endpoints_answers_503(run, caller):
    assert caller.status("http://nobody/") == 503
    told = conditions(run.one("services", "nobody"))
    assert told["EndpointsReady"][:2] == ("False", "NoMatchingPods")


def test_a_slice_says_where_a_service_leads_and_may_change(run, caller, outside):
    assert caller.body("http://bare/") == "first"
    run.write("bare.yaml", endpoint_slice("bare", "127.0.0.1", port=outside["second"].port))
    run.until("moved", lambda: caller.body("http://bare/") == "second")
    run.remove("bare.yaml")
    run.until("nobody left", lambda: caller.body("http://bare/") == 503)
    run.write("bare.yaml", endpoint_slice("bare", "127.0.0.1", port=outside["first"].port))
    run.until("back", lambda: caller.body("http://bare/") == "first")


def test_app_protocol_says_how_to_speak_to_the_pods(caller, outside):
    preface = outside["preface"]
    assert caller.status("http://h2:81/") == 503  # it hangs up: what counts is what it was told
    assert caller.status("http://h2/") == 503
    words = [first.split(b" ")[0] for first in preface.first]
    assert words[0] == b"GET"
    assert words[-1] == b"PRI"


def test_ports_that_take_no_http_are_told(run):
    told = conditions(run.one("services", "wrong"))
    assert told["Routable"][:2] == ("False", "UnsupportedProtocol")
    assert "appProtocol is https" in told["Routable"][2]


def test_a_service_appears_and_goes(run, caller):
    assert caller.status("http://late/") in {502, 503}
    run.write("late.yaml", service("late", app="web"))
    run.until("served", lambda: caller.body("http://late/") == "web")
    run.remove("late.yaml")
    run.until("gone", lambda: find(run, "services", "late") is None)
    run.until("no longer served", lambda: caller.status("http://late/") != 200)
