"""TLS towards backends for all that is sent over HTTP: gRPC, WebSocket, copies, and what came by
TLS already; and the certificate that a Gateway shows to backends.
"""

import contextlib
import http.client

import grpc
import pytest

from feature.grpc_echo import GrpcClient, GrpcEcho
from feature.harness import Instance
from feature.route_scene import documents, forward, pod, route, send, service, sides
from feature.test_backend_tls_policy import FAILED, policy
from feature.websocket import WebSocketServer, talk
from support.certificates import CA, ca_config_map, tls_secret

AUTHORITY, CLIENTS, EDGE = CA("authority"), CA("clients"), CA("edge")
NAME = "abc.example.com"
BACKEND = AUTHORITY.issue(dns=[NAME])
ME = CLIENTS.issue(client=True, name="gateway")
TRUSTED = "caCertificateRefs: [{group: '', kind: ConfigMap, name: authority}]"

GATEWAYS = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gateway}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: edge}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: known}
spec:
  gatewayClassName: fairlead
  tls: {backend: {clientCertificateRef: {name: me}}}
  listeners: [{name: http, port: 80, protocol: HTTP}]
"""
PARENTS = "{name: gateway}, {name: known}"
COPIED = """\
- backendRefs: [{name: secure, port: 80}]
  filters: [{type: RequestMirror, requestMirror: {backendRef: {name: copies, port: 80}}}]
"""
CALLS = """\
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: NAME}
spec:
  parentRefs: [{name: gateway}]
  hostnames: [NAME.example]
  rules: [{backendRefs: [{name: NAME, port: 80}]}]
"""


class SecureGrpcEcho(GrpcEcho):
    """A gRPC backend that speaks TLS."""

    def __enter__(self):
        pair = (BACKEND.key_pem.encode(), BACKEND.cert_pem.encode())
        self.port = self._server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
        self._server.start()
        return self


class SecureWebSocketServer(WebSocketServer):
    """A WebSocket backend that speaks TLS."""

    def get_request(self):
        client, address = super().get_request()
        context = BACKEND.server_context(["http/1.1"])
        return context.wrap_socket(client, server_side=True), address


@pytest.fixture(scope="module")
def run(echo, tmp_path_factory):
    with contextlib.ExitStack() as stack:
        calls = stack.enter_context(SecureGrpcEcho("calls"))
        sockets = stack.enter_context(SecureWebSocketServer())
        secure = {name: echo.tls(name, BACKEND) for name in ("secure", "copies")}
        ports = {
            **secure,
            "mutual": echo.tls("mutual", BACKEND, CLIENTS.cert_pem),
            "calls": calls.port,
            "strange-calls": calls.port,
        }
        plain = {name: forward(name) for name in ("mutual", "chat")}
        services = [service(name, port) for name, port in ports.items()]
        services.append(service("chat", sockets.port, app_protocol="kubernetes.io/wss"))
        hostnames = {"strange-calls": "other.example.com"}
        policies = [
            policy(name, name, TRUSTED, hostname=hostnames.get(name, NAME))
            for name in (*ports, "chat")
        ]
        routes = [
            route(name, rules, parents=PARENTS, hostnames=f"{name}.example")
            for name, rules in {**plain, "secure": COPIED}.items()
        ]
        files = {
            "gateways.yaml": GATEWAYS,
            "client.yaml": pod(),
            "services.yaml": documents(*services),
            "routes.yaml": documents(
                *routes, *(CALLS.replace("NAME", name) for name in ("calls", "strange-calls"))
            ),
            "policies.yaml": documents(*policies),
            "secrets.yaml": documents(
                ca_config_map("authority", AUTHORITY.cert_pem),
                tls_secret("edge", EDGE.issue(dns=["secure.example"])),
                tls_secret("me", ME),
            ),
        }
        instance = stack.enter_context(contextlib.closing(_Closing(tmp_path_factory, files)))
        yield instance.run


class _Closing:
    """An instance that is stopped when it is closed."""

    def __init__(self, tmp_path_factory, files):
        self.run = Instance(tmp_path_factory.mktemp("kinds"), files)
        self.run.start()
        self.run.until_pods()

    def close(self):
        self.run.stop()


def place(run, name="gateway"):
    """Address and port of a Gateway's port 80."""
    address, port = run.url(name).removeprefix("http://").split(":")
    return address, int(port)


def test_what_comes_by_tls_goes_on_by_tls(run):
    """The server name that the backend is asked for is the policy's, not the client's."""
    address, port = place(run)
    context = EDGE.client_context()
    with contextlib.closing(_Https(address, port + 443 - 80, context)) as connection:
        connection.request("GET", "/", headers={"Host": "secure.example"})
        answer = connection.getresponse()
        assert answer.status == 200
        assert f'"server_name": "{NAME}"' in answer.read().decode()


class _Https(http.client.HTTPSConnection):
    """Asks an address for the name secure.example."""

    def __init__(self, address, port, context):
        super().__init__(address, port, context=context, timeout=10)
        self._tls = context

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname="secure.example")


def test_grpc_goes_by_tls(run):
    client = GrpcClient(place(run), "calls.example")
    reply = client.call("/shop.Cart/Add")
    assert reply.backend == "calls"
    client.close()


def test_grpc_to_the_wrong_backend_fails(run):
    client = GrpcClient(place(run), "strange-calls.example")
    assert client.call("/shop.Cart/Add").code == grpc.StatusCode.UNAVAILABLE
    client.close()


@sides
def test_web_sockets_go_by_tls(run, side):
    if side == "gateway":
        found = talk(place(run), "/", "chat.example", b"hello")
    else:
        found = talk(run.outbound("client"), "http://chat/", "chat", b"hello")
    assert found == ("HTTP/1.1 101 Switching Protocols", b"HELLO")


def test_copies_go_by_tls(run, echo):
    headers = {"x-echo-id": "copied", "x-echo-answers": "200"}
    assert send(place(run), "/", "secure.example", headers=headers).status == 200
    run.until("the copy as well", lambda: echo.attempts["copied"] == 2)


def test_a_gateway_shows_its_own_certificate_to_backends(run):
    answer = send(place(run, "known"), "/", "mutual.example")
    assert answer.status == 200
    assert answer.said["tls"]["client"] == ME.serial
    assert {send(place(run), "/", "mutual.example").status for _ in range(3)} <= FAILED


def test_a_gateway_whose_certificate_goes_shows_none(run):
    """And it is told so; with the certificate, it shows it again."""
    secrets = (run.manifests / "secrets.yaml").read_text()
    without = secrets[: secrets.rindex("---")]
    run.write("secrets.yaml", without)
    run.until("refused", lambda: send(place(run, "known"), "/", "mutual.example").status in FAILED)
    assert _resolved(run) == ("False", "InvalidClientCertificateRef")
    run.write("secrets.yaml", secrets)
    run.until("served", lambda: send(place(run, "known"), "/", "mutual.example").status == 200)
    assert _resolved(run) == ("True", "ResolvedRefs")


def _resolved(run):
    conditions = run.one("gateways", "known")["status"]["conditions"]
    return next((c["status"], c["reason"]) for c in conditions if c["type"] == "ResolvedRefs")
