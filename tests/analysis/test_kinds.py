"""Tables and descriptions of every kind but those that came first."""

import pytest

from analysis.scene import Scene

MANIFESTS = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: fairlead
  allowedListeners: {namespaces: {from: Same}}
  listeners:
  - {name: http, port: 8080, protocol: HTTP}
  - {name: tcp, port: 9000, protocol: TCP}
  - {name: udp, port: 5300, protocol: UDP}
  - {name: tls, port: 9443, protocol: TLS, tls: {mode: Passthrough}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: more}
spec:
  parentRef: {name: g}
  listeners: [{name: extra, port: 8081, protocol: HTTP}]
---
apiVersion: v1
kind: Service
metadata: {name: s}
spec:
  ports:
  - {name: grpc, port: 80, appProtocol: kubernetes.io/h2c}
  - {name: dns, port: 53, protocol: UDP}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: users}
spec:
  parentRefs: [{name: g, sectionName: http}]
  hostnames: [grpc.example]
  rules:
  - matches:
    - {method: {service: com.example.User, method: Login}, headers: [{name: v, value: "2"}]}
    filters: [{type: RequestMirror, requestMirror: {backendRef: {name: s, port: 80}, percent: 5}}]
    sessionPersistence: {type: Header, header: {name: x-session}}
    backendRefs: [{name: s, port: 80}]
  - {}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {name: raw}
spec:
  parentRefs: [{name: g, sectionName: tcp}]
  rules: [{backendRefs: [{name: s, port: 80, weight: 3}, {name: missing, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: {name: dns}
spec:
  parentRefs: [{name: g, sectionName: udp}]
  rules: [{backendRefs: [{name: s, port: 53}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: sni}
spec:
  parentRefs: [{name: g, sectionName: tls}]
  hostnames: [a.example]
  rules: [{backendRefs: [{name: s, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: tls}
spec:
  targetRefs: [{group: "", kind: Service, name: s, sectionName: grpc}]
  validation: {hostname: s.example, wellKnownCACertificates: System}
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: out}
spec: {type: ExternalHostname, port: {number: 443}, externalHostname: {hostname: a.example}}
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: pods}
spec:
  type: EndpointSelector
  port: {number: 80}
  endpointSelector: {matchLabels: {app: a}}
  protocol: H2C
---
apiVersion: fairlead.dev/v1alpha1
kind: LocalRateLimit
metadata: {name: few}
spec: {requests: 10}
---
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {name: late}
spec: {until: "2030-01-31T12:00:00Z", delay: {duration: 100ms, percent: 5}, abort: {grpcStatus: 14}}
---
apiVersion: certificates.k8s.io/v1beta1
kind: ClusterTrustBundle
metadata: {name: roots}
spec: {trustBundle: "-----BEGIN CERTIFICATE-----"}
"""


@pytest.fixture(scope="module")
def scene():
    return Scene(MANIFESTS)


def cells(scene, kind, *, wide=False):
    """The words of each row, headings first."""
    return [line.split() for line in scene.table(kind, wide=wide).splitlines()]


ROUTE = ["NAME", "PARENT", "ACCEPTED", "RESOLVED", "PROGRAMMED", "AGE", "REASON"]


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("GRPCRoute", ["users", "gateway/g/http", "True", "True", "1/1", "90s"]),
        ("TLSRoute", ["sni", "gateway/g/tls", "True", "True", "1/1", "90s"]),
        ("TCPRoute", ["raw", "gateway/g/tcp", "True", "False", "1/1", "90s", "BackendNotFound"]),
        ("UDPRoute", ["dns", "gateway/g/udp", "True", "True", "1/1", "90s"]),
    ],
)
def test_routes(scene, kind, row):
    assert cells(scene, kind) == [ROUTE, row]


def test_only_routes_with_hosts_have_a_column_for_them(scene):
    assert cells(scene, "GRPCRoute", wide=True)[1][-2:] == ["grpc.example", "s:80"]
    assert "HOSTNAMES" not in cells(scene, "TCPRoute", wide=True)[0]
    assert "s:80,missing:80" in cells(scene, "TCPRoute", wide=True)[1]


def test_listener_sets(scene):
    assert cells(scene, "ListenerSet") == [
        ["NAME", "PARENT", "ACCEPTED", "PROGRAMMED", "AGE", "REASON"],
        ["more", "gateway/g", "True", "True", "90s"],
    ]
    assert "extra(0)" in cells(scene, "ListenerSet", wide=True)[1]


def test_policies_have_a_line_for_each_ancestor(scene):
    assert cells(scene, "BackendTLSPolicy") == [
        ["NAME", "TARGETS", "ANCESTOR", "ACCEPTED", "AGE", "REASON"],
        ["tls", "service/s/grpc", "gateway/g", "True", "90s"],
    ]


def test_backends(scene):
    head, *rows = cells(scene, "XBackend")
    assert head[:3] == ["NAME", "TARGET", "PORT"]
    assert [row[:3] for row in rows] == [["out", "a.example", "443"], ["pods", "app=a", "80"]]


def test_filters_of_our_own(scene):
    assert cells(scene, "LocalRateLimit")[1][:5] == ["few", "10", "1s", "10", "True"]
    late = ["late", "100ms(5%)", "grpc", "14(100%)", "2030-01-31T12:00:00Z", "True"]
    assert cells(scene, "FaultInjection")[1][:6] == late


def test_trust_bundles(scene):
    assert cells(scene, "ClusterTrustBundle") == [
        ["NAME", "SIGNER", "AGE"],
        ["roots", "<none>", "90s"],
    ]


def test_a_gateway_shows_every_port_it_listens_on(scene):
    ports = cells(scene, "Gateway", wide=True)[1]
    assert "5300,8080,8081,9000,9443" in ports
    assert "http(1),tcp(1),udp(1),tls(1)" in ports


def test_a_grpc_route_in_words(scene):
    told = scene.describe("grpcroute", "users").splitlines()
    assert told[:6] == [
        "GRPCRoute: users",
        "   Namespace: default",
        "   Hostnames: grpc.example",
        "Parents:",
        "   gateway/g/http (1/1 proxies)",
        "      URL: http://127.0.0.1:8080",
    ]
    assert told[-8:] == [
        "      match method com.example.User/Login, header v=2",
        "      filter RequestMirror to s:80, 5%",
        "      session in header x-session",
        "      100% s:80 (0 of 0 endpoints ready): answered UNAVAILABLE",
        "         BackendTLSPolicy tls: TLS to s.example",
        "   rule 1:",
        "      match every request",
        "      no backend: answered UNAVAILABLE",
    ]


@pytest.mark.parametrize(
    ("kind", "name", "url"),
    [
        ("tlsroute", "sni", "tls://127.0.0.1:9443"),
        ("tcproute", "raw", "tcp://127.0.0.1:9000"),
        ("udproute", "dns", "udp://127.0.0.1:5300"),
    ],
)
def test_routes_of_connections_tell_only_their_own_address(scene, kind, name, url):
    told = scene.describe(kind, name)
    assert [line.strip() for line in told.splitlines() if "URL:" in line] == [f"URL: {url}"]
    assert "match everything" in told


def test_a_route_of_connections_tells_its_shares(scene):
    told = scene.describe("tcproute", "raw")
    assert "75% s:80 (0 of 0 endpoints ready): closed\n" in told
    assert "25% missing:80: closed, there is no Service missing\n" in told


def test_a_listener_set_tells_its_listeners(scene):
    told = scene.describe("listenerset", "more").splitlines()
    assert told[:3] == ["ListenerSet: more", "   Namespace: default", "   Parent: gateway/g"]
    assert "   extra: 0 routes" in told
    assert told[-1] == "Routes: none"


def test_a_gateway_tells_its_listener_sets_and_routes_of_all_kinds(scene):
    told = scene.describe("gateway", "g")
    assert "ListenerSets:\n   more: extra (Accepted)\n" in told
    assert "   UDPRoute dns on listener udp: any host (Accepted, 1/1 proxies)\n" in told


def test_a_policy_tells_its_ancestors(scene):
    told = scene.describe("backendtlspolicy", "tls")
    assert "   Target: service/s\n" in told
    assert "Ancestors:\n   gateway/g\n      Accepted: True" in told


def test_a_service_tells_what_routes_of_all_kinds_send_to_it(scene):
    told = scene.describe("service", "s")
    assert "GRPCRoute: users rule 0 sends 100% of gateway g (http://127.0.0.1:8080) here" in told
    assert "TCPRoute: raw sends 75% of gateway g (tcp://127.0.0.1:9000) here" in told


@pytest.mark.parametrize("kind", ["grpcroute", "listenerset", "xbackend", "faultinjection"])
def test_what_is_not_there_is_not_described(scene, kind):
    assert scene.describe(kind, "nothing") is None
