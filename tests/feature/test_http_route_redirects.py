"""RequestRedirect: every part of the location, with the port rules of the spec."""

import pytest

from feature.route_scene import Manifest, at_gateway, both, service_parent, sides

REDIRECTS = both(
    "redirects",
    """
    - matches: [{path: {value: /host}}]
      filters: [{type: RequestRedirect, requestRedirect: {hostname: other.example}}]
    - matches: [{path: {value: /scheme}}]
      filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]
    - matches: [{path: {value: /scheme-port}}]
      filters: [{type: RequestRedirect, requestRedirect: {scheme: https, port: 8443}}]
    - matches: [{path: {value: /port}}]
      filters: [{type: RequestRedirect, requestRedirect: {port: 8080}}]
    - matches: [{path: {value: /port-80}}]
      filters: [{type: RequestRedirect, requestRedirect: {port: 80, statusCode: 301}}]
    - matches: [{path: {value: /443}}]
      filters:
      - {type: RequestRedirect, requestRedirect: {scheme: https, port: 443, hostname: s.example}}
    - matches: [{path: {value: /full}}]
      filters:
      - type: RequestRedirect
        requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /new/path}}
    - matches: [{path: {value: /prefix}}]
      filters:
      - type: RequestRedirect
        requestRedirect: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /other}}
    - matches: [{path: {value: /strip}}]
      filters:
      - type: RequestRedirect
        requestRedirect: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}
    - matches: [{path: {value: /all}}]
      filters:
      - type: RequestRedirect
        requestRedirect:
          scheme: https
          hostname: all.example
          port: 9443
          statusCode: 308
          path: {type: ReplaceFullPath, replaceFullPath: /moved}
    - matches: [{path: {value: /headers}}]
      filters:
      - {type: RequestRedirect, requestRedirect: {hostname: other.example}}
      - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: why, value: moved}]}}
    """,
)


def redirected(scene, side, path) -> tuple[int, str | None]:
    """Status and location; the host that was asked for is written HOST."""
    host = REDIRECTS.host if side == "gateway" else REDIRECTS.name
    answer = scene.ask(side, REDIRECTS, path)
    return answer.status, (answer.location or "").replace(host, "HOST")


@sides
def test_host_redirect(scene, side):
    """What a redirect does not name is kept."""
    wanted = (302, "http://other.example/host/x?q=1")
    assert redirected(scene, side, "/host/x?q=1") == wanted


@sides
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/scheme/x?q=1", "https://HOST/scheme/x?q=1"),
        ("/scheme-port", "https://HOST:8443/scheme-port"),
        ("/443", "https://s.example/443"),
    ],
)
def test_scheme_redirect(scene, side, path, location):
    assert redirected(scene, side, path) == (302, location)


@sides
@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/port", 302, "http://HOST:8080/port"),
        ("/port-80", 301, "http://HOST/port-80"),
    ],
)
def test_port_redirect(scene, side, *, path, status, location):
    assert redirected(scene, side, path) == (status, location)


@sides
@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/full/x?q=1", 302, "http://HOST/new/path?q=1"),
        ("/prefix", 302, "http://HOST/other"),
        ("/prefix/", 302, "http://HOST/other/"),
        ("/prefix/x/y?q=1", 302, "http://HOST/other/x/y?q=1"),
        ("/strip", 302, "http://HOST/"),
        ("/strip/", 302, "http://HOST/"),
        ("/strip/x?q=1", 302, "http://HOST/x?q=1"),
        ("/all/x", 308, "https://all.example:9443/moved"),
    ],
)
def test_path_redirect(scene, side, *, path, status, location):
    assert redirected(scene, side, path) == (status, location)


@sides
def test_redirect_with_response_headers(scene, side):
    assert scene.ask(side, REDIRECTS, "/headers").values("why") == ["moved"]


REDIRECT_OF = """\
- matches: [{{path: {{value: /{0}}}}}]
  filters:
  - {{type: RequestRedirect, requestRedirect: {{hostname: c.example, statusCode: {0}}}}}
"""
STATUS_CODES = both(
    "status-codes", "".join(REDIRECT_OF.format(code) for code in (301, 302, 303, 307, 308))
)


@sides
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirect_status_code(scene, side, code):
    """HTTPRoute303RedirectStatusCode and those of 307 and 308, whatever the method."""
    answer = scene.ask(side, STATUS_CODES, f"/{code}", method="POST", body="x")
    assert (answer.status, answer.location) == (code, f"http://c.example/{code}")


SHIFTED = Manifest("""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: shifted, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: one, port: 18083, protocol: HTTP}
""")
LISTENER_PORT = at_gateway(
    "listener-port",
    """
    - matches: [{path: {value: /host}}]
      filters: [{type: RequestRedirect, requestRedirect: {hostname: other.example}}]
    - matches: [{path: {value: /https}}]
      filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]
    - matches: [{path: {value: /http}}]
      filters: [{type: RequestRedirect, requestRedirect: {scheme: http}}]
    - matches: [{path: {value: /path}}]
      filters:
      - type: RequestRedirect
        requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /new}}
    """,
    "port.example",
    parents=f"{{name: shifted}}, {service_parent('ported', 8090)}",
)
PORTED = Manifest("""\
apiVersion: v1
kind: Service
metadata: {name: ported, namespace: default}
spec: {ports: [{name: a, port: 8090}]}
""")


@pytest.mark.parametrize(
    ("host", "path", "location"),
    [
        ("port.example", "/host", "http://other.example:18083/host"),
        ("port.example", "/path", "http://port.example:18083/new"),
        ("port.example", "/https", "https://port.example/https"),
        ("port.example", "/http", "http://port.example/http"),
        ("port.example:18083", "/path", "http://port.example:18083/new"),
        ("port.example:18083", "/https", "https://port.example:443/https"),
        ("port.example:18083", "/http", "http://port.example:80/http"),
    ],
)
def test_redirect_keeps_the_port_of_the_listener(scene, host, path, location):
    """Without scheme and port, the listener's; with a scheme, its well-known one.

    That is spelt out only where it takes the place of a port that the client has written.
    """
    answer = scene.gateway(host, path, name="shifted", port=18083)
    assert answer.location == location


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/full", "http://redirects.example:10080/new/path"),
        ("/port", "http://redirects.example:8080/port"),
        ("/host", "http://other.example/host"),
    ],
)
def test_redirect_leads_back_to_a_shifted_port(scene, path, location):
    """Where the listener's port is 80 and the client has called another, that one is kept."""
    assert scene.gateway("redirects.example:10080", path).location == location


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/host", "http://other.example:8090/host"),
        ("/path", "http://ported:8090/new"),
        ("/https", "https://ported:443/https"),
        ("/http", "http://ported:80/http"),
    ],
)
def test_redirect_keeps_the_port_of_the_service(scene, path, location):
    """The same; a well-known port that takes the place of the called one is spelt out."""
    assert scene.mesh(f"http://ported:8090{path}").location == location
