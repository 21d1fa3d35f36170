"""TLSRoutes through a real Gateway: passed through and terminated, chosen by server name.

Semantics of the TLSRoute* conformance tests and of BackendTLSPolicyTLSRouteTerminate. A client
that is rejected sees the end of the connection, never an alert.
"""

import json
import socket
from contextlib import closing
from http.client import HTTPConnection

import pytest

from feature.harness import Instance, parent_conditions
from feature.l4 import CLOSED, ask, at, listener, place, route, service, shares, to
from feature.route_scene import documents
from support.certificates import CA, ca_config_map, tls_secret

BACKENDS = CA("backends")
"""Issues the certificates that backends show: where it is trusted, TLS was passed through."""
GATEWAYS_CA = CA("gateways")
"""Issues the certificate that Gateways show: where it is trusted, TLS was terminated."""

GATEWAYS = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: wild, port: 443, protocol: TLS, hostname: "*.example.com", tls: {mode: Passthrough}}
  - name: ended
    port: 443
    protocol: TLS
    hostname: ended.example.org
    tls: {mode: Terminate, certificateRefs: [{name: gate}]}
  - name: web
    port: 443
    protocol: HTTPS
    hostname: web.example.org
    tls: {certificateRefs: [{name: gate}]}
  - {name: any, port: 19311, protocol: TLS, tls: {mode: Passthrough}}
  - {name: exact, port: 19312, protocol: TLS, hostname: abc.example.com, tls: {mode: Passthrough}}
  - name: kinds
    port: 19313
    protocol: TLS
    tls: {mode: Passthrough}
    allowedRoutes: {kinds: [{kind: TCPRoute}, {kind: TLSRoute}]}
  - name: terminates
    port: 19314
    protocol: TLS
    tls: {mode: Terminate, certificateRefs: [{name: gate}]}
  - {name: http, port: 80, protocol: HTTP}
"""
GRANT = """\
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: tls, namespace: other}
spec:
  from: [{group: gateway.networking.k8s.io, kind: TLSRoute, namespace: default}]
  to: [{group: "", kind: Service, name: far}]
"""
POLICY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: again, namespace: default}
spec:
  targetRefs: [{group: "", kind: Service, name: again}]
  validation:
    caCertificateRefs: [{group: "", kind: ConfigMap, name: backends}]
    hostname: again.example.com
"""
WEB = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: default}
spec:
  parentRefs: [{name: gate, sectionName: web}]
  rules: [{backendRefs: [{name: web, port: 9000}]}]
"""


def tls_route(name, parents, hostnames, *backends, **options):
    return route("TLSRoute", name, parents, *backends, hostnames=hostnames, **options)


def routes():
    """A route for each case."""
    old, new = {"created": "2026-01-01T00:00:00Z"}, {"created": "2026-01-02T00:00:00Z"}
    return (
        tls_route("wide", at("wild"), '"*.example.com"', to("a"), **old),
        tls_route("one", at("wild"), "one.example.com, one.example.net", to("b")),
        tls_route(
            "weights", at("wild"), "weights.example.com", to("a", 70), to("b", 30), to("c", 0)
        ),
        tls_route("missing", at("wild"), "missing.example.com", to("missing")),
        tls_route("half", at("wild"), "half.example.com", to("a"), to("missing")),
        tls_route("kind", at("wild"), "kind.example.com", "{group: x.example, kind: X, name: a}"),
        tls_route("far", at("wild"), "far.example.com", to("far", namespace="other")),
        tls_route("ended", at("ended"), "ended.example.org", to("plain", 3), to("plain-too", 1)),
        tls_route("again", at("terminates"), "ended.example.org", to("again")),
        tls_route("nothing", at("terminates"), "nothing.example.org", to("missing")),
        tls_route("any-wide", at("any"), '"*.com"', to("a"), **old),
        tls_route("any-narrow", at("any"), '"*.example.com"', to("b"), **new),
        tls_route("exact-old", at("exact"), '"*.example.com"', to("a"), **old),
        tls_route("exact-new", at("exact"), "abc.example.com", to("b"), **new),
        tls_route("stranger", at("wild"), "www.example.net", to("a")),
        tls_route("http", at("http"), "a.example.com", to("a")),
        tls_route("https", at("web"), "web.example.org", to("a")),
        tls_route("nowhere", at("nowhere"), "a.example.com", to("a")),
    )


@pytest.fixture(scope="module")
def run(echo, l4_backends, tmp_path_factory):
    """An instance with a listener for each case."""
    shown = BACKENDS.issue(dns=["*.example.com", "*.example.org"])
    tls = [service(name, l4_backends.tls(name, shown), app_protocol="https") for name in "abc"]
    services = (
        *tls,
        service("again", l4_backends.tls("again", shown)),
        service("far", l4_backends.tls("far", shown), namespace="other"),
        service("plain", l4_backends.tcp("plain")),
        service("plain-too", l4_backends.tcp("plain-too")),
        service("web", echo.port("web")),
    )
    certificate = GATEWAYS_CA.issue(dns=["*.example.org"])
    files = {
        "gateways.yaml": GATEWAYS,
        "services.yaml": documents(*services),
        "certificates.yaml": documents(
            tls_secret("gate", certificate), ca_config_map("backends", BACKENDS.cert_pem)
        ),
        "grant.yaml": GRANT,
        "policy.yaml": POLICY,
        "routes.yaml": documents(*routes(), WEB),
    }
    instance = Instance(tmp_path_factory.mktemp("tls"), files)
    try:
        yield instance.start()
    finally:
        instance.stop()


def through(run, server_name, port=443):
    """Ask a backend that has to show its own certificate; how far that came."""
    return ask(place(run, port), BACKENDS.client_context(), server_name)


def ended(run, server_name, port=443):
    """Ask a backend behind a Gateway that has to show its own certificate."""
    return ask(place(run, port), GATEWAYS_CA.client_context(), server_name)


def conditions(run, name):
    return parent_conditions(run.one("tlsroutes", name))


@pytest.mark.parametrize(
    ("port", "server_name", "backend"),
    [
        (443, "one.example.com", "b"),
        (443, "other.example.com", "a"),
        (443, "deep.down.example.com", "a"),
        (19311, "x.example.com", "b"),
        (19312, "abc.example.com", "b"),
    ],
)
def test_passed_through_by_server_name(run, port, server_name, backend):
    context = BACKENDS.client_context()
    context.check_hostname = server_name.count(".") == 2
    said = ask(place(run, port), context, server_name)
    assert (said.backend, said.server_name) == (backend, server_name)


@pytest.mark.parametrize(
    ("port", "server_name"),
    [
        (443, "example.com"),
        (443, "one.example.net"),
        (443, "www.example.net"),
        (19311, "www.example.net"),
        (19312, "other.example.com"),
    ],
)
def test_other_server_names_are_closed(run, port, server_name):
    assert through(run, server_name, port) is CLOSED


def test_bytes_that_are_no_tls_are_closed(run):
    assert ask(place(run, 19311)) is CLOSED


def test_accepted(run):
    for name in ("wide", "one", "ended", "again", "exact-old", "exact-new"):
        assert conditions(run, name) == {
            "Accepted": ("True", "Accepted"),
            "ResolvedRefs": ("True", "ResolvedRefs"),
        }, name
    assert listener(run, "ended")["attachedRoutes"] == 1
    assert listener(run, "exact")["attachedRoutes"] == 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("stranger", "NoMatchingListenerHostname"),
        ("http", "NotAllowedByListeners"),
        ("https", "NotAllowedByListeners"),
        ("nowhere", "NoMatchingParent"),
    ],
)
def test_refused_parents(run, name, reason):
    assert conditions(run, name)["Accepted"] == ("False", reason)


@pytest.mark.parametrize(
    ("name", "reason"), [("missing", "BackendNotFound"), ("kind", "InvalidKind")]
)
def test_backend_that_does_not_resolve(run, name, reason):
    assert conditions(run, name)["Accepted"] == ("True", "Accepted")
    assert conditions(run, name)["ResolvedRefs"] == ("False", reason)
    assert through(run, f"{name}.example.com") is CLOSED


def test_weights(run):
    counted = shares(lambda: through(run, "weights.example.com"), 200)
    assert set(counted) == {"a", "b"}
    assert 105 <= counted["a"] <= 172


def test_share_of_a_missing_backend_is_closed(run):
    counted = shares(lambda: through(run, "half.example.com"), 100)
    assert set(counted) == {"a", CLOSED}
    assert 25 <= counted["a"] <= 75


def test_supported_kinds(run):
    kinds = [{"group": "gateway.networking.k8s.io", "kind": "TLSRoute"}]
    for name in ("wild", "ended", "kinds"):
        assert listener(run, name)["supportedKinds"] == kinds
    found = {entry["type"]: entry for entry in listener(run, "kinds")["conditions"]}
    assert (found["ResolvedRefs"]["status"], found["ResolvedRefs"]["reason"]) == (
        "False",
        "InvalidRouteKinds",
    )


def test_terminated_beside_passed_through_and_http(run):
    """TLSRouteMixedTerminationSameNamespace, with an HTTPS listener on the same port."""
    counted = shares(lambda: ended(run, "ended.example.org"), 100)
    assert set(counted) == {"plain", "plain-too"}
    assert ended(run, "ended.example.org").server_name == "-"
    assert through(run, "one.example.com").backend == "b"
    assert https(run, "web.example.org")["backend"] == "web"


def test_encrypted_again_by_a_policy(run):
    said = ended(run, "ended.example.org", 19314)
    assert (said.backend, said.server_name) == ("again", "again.example.com")


def test_terminated_without_a_backend(run):
    assert ended(run, "nothing.example.org", 19314) is CLOSED
    assert ended(run, "unknown.example.org", 19314) is CLOSED


def test_reference_grant_comes_and_goes(run):
    assert through(run, "far.example.com").backend == "far"
    run.remove("grant.yaml")
    run.until("closed", lambda: through(run, "far.example.com") is CLOSED)
    assert conditions(run, "far")["ResolvedRefs"] == ("False", "RefNotPermitted")
    run.write("grant.yaml", GRANT)
    run.until("open again", lambda: through(run, "far.example.com") is not CLOSED)


def test_a_route_goes_and_the_wildcard_takes_over(run):
    more = tls_route("live", at("wild"), "live.example.com", to("b"))
    assert through(run, "live.example.com").backend == "a"
    run.write("live.yaml", more)
    run.until("the new route serves", lambda: through(run, "live.example.com").backend == "b")
    run.remove("live.yaml")
    run.until("the wildcard serves", lambda: through(run, "live.example.com").backend == "a")


def https(run, host):
    """What the backend behind an HTTPS listener tells."""
    connection = HTTPConnection(*place(run, 443), timeout=10)
    with closing(connection):
        plain = socket.create_connection(place(run, 443), timeout=10)
        context = GATEWAYS_CA.client_context()
        connection.sock = context.wrap_socket(plain, server_hostname=host)
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        assert answer.status == 200
        return json.loads(answer.read())
