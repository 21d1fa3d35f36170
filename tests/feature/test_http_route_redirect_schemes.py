"""RequestRedirect on HTTP and HTTPS listeners: which scheme and port the location has.

HTTPRouteRedirectPortAndScheme; ports are 18084 and 18444 where the conformance test has 8080 and
none. A well-known port of the scheme may be left out, and is.
"""

import contextlib
import http.client
import socket

import pytest

from feature.route_scene import Manifest, at_gateway
from support.certificates import CA, tls_secret
from support.http import exchange

AUTHORITY = CA("redirects")
SERVER = Manifest(tls_secret("server", AUTHORITY.issue(dns=["example.org", "own.example.org"])))
GATEWAY = Manifest("""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: schemes, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: plain, port: 80, protocol: HTTP}
  - {name: other-plain, port: 18084, protocol: HTTP}
  - {name: secure, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: server}]}}
  - {name: other-secure, port: 18444, protocol: HTTPS, tls: {certificateRefs: [{name: server}]}}
""")
RULE = """\
- matches: [{{path: {{value: /{path}}}}}]
  filters: [{{type: RequestRedirect, requestRedirect: {{{fields}}}}}]
"""
WANTED = {
    f"{scheme or 'nil'}-{port or 'nil'}": {
        **({"scheme": scheme} if scheme else {}),
        **({"port": port} if port else {}),
    }
    for scheme in ("", "http", "https")
    for port in (0, 80, 443, 8080, 8443)
}
WELL_KNOWN = {"http": 80, "https": 443}
LISTENERS = {80: "http", 18084: "http", 443: "https", 18444: "https"}


def route(name, prefix, **host):
    """An HTTPRoute with a rule for each combination of scheme and port."""
    rules = ""
    for path, parts in WANTED.items():
        fields = ", ".join(f"{key}: {value}" for key, value in {**host, **parts}.items())
        rules += RULE.format(path=f"{prefix}{path}", fields=fields)
    return at_gateway(name, rules, parents="{name: schemes}")


ELSEWHERE = route("to-another-host", "", hostname="example.org")
SAME = route("to-the-same-host", "own/")


def location(scene, port, path, host):
    """The location of the answer that a listener gives."""
    address, _ = scene.gateway_place("schemes")
    place = (address, port + scene.run.offset if port < 1024 else port)
    with socket.create_connection(place, timeout=20) as plain:
        sock = plain
        if LISTENERS[port] == "https":
            sock = AUTHORITY.client_context().wrap_socket(plain, server_hostname="example.org")
        with contextlib.closing(http.client.HTTPConnection(*place, timeout=20)) as connection:
            connection.sock = sock
            answer = exchange(connection, f"/{path}", host)
    assert answer.status == 302
    return answer.headers["location"]


def wanted(port, path, host):
    """What the spec asks for: the listener's scheme and port, unless others are named."""
    named = WANTED[path].get("scheme")
    scheme = named or LISTENERS[port]
    number = WANTED[path].get("port") or (WELL_KNOWN[named] if named else port)
    return f"{scheme}://{host}" if number == WELL_KNOWN[scheme] else f"{scheme}://{host}:{number}"


@pytest.mark.parametrize("port", LISTENERS)
@pytest.mark.parametrize("path", WANTED)
def test_redirect_port_and_scheme(scene, port, path):
    found = location(scene, port, path, "any.example")
    assert found == f"{wanted(port, path, 'example.org')}/{path}"


@pytest.mark.parametrize("port", LISTENERS)
@pytest.mark.parametrize("path", WANTED)
def test_redirect_port_and_scheme_of_the_same_host(scene, port, path):
    found = location(scene, port, f"own/{path}", "own.example.org")
    assert found == f"{wanted(port, path, 'own.example.org')}/own/{path}"
