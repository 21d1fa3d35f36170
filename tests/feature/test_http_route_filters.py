"""Filters of HTTPRoute: header modifiers, redirects, rewrites; on rules and on backendRefs."""

import pytest

from feature.route_scene import Manifest, at_gateway, both, service_parent, sides

REQUEST_HEADERS = both(
    "request-headers",
    """
    - filters:
      - type: RequestHeaderModifier
        requestHeaderModifier:
          set: [{name: X-Set, value: new}, {name: x-percent, value: "100% %REQ(host)%"}]
          add: [{name: X-Add, value: more}]
          remove: [X-Gone, x-absent]
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
def test_request_header_modification(scene, side):
    headers = (("x-set", "old"), ("x-add", "first"), ("x-gone", "bye"), ("x-kept", "same"))
    answer = scene.ask(side, REQUEST_HEADERS, "/", headers=headers)
    assert answer.received("x-set") == ["new"]
    assert ",".join(answer.received("x-add")).replace(", ", ",") == "first,more"
    assert answer.received("x-gone") == []
    assert answer.received("x-kept") == ["same"]
    assert answer.received("x-percent") == ["100% %REQ(host)%"]


@sides
def test_request_header_is_added_where_absent(scene, side):
    answer = scene.ask(side, REQUEST_HEADERS, "/")
    assert answer.received("x-set") == ["new"]
    assert answer.received("x-add") == ["more"]


RESPONSE_HEADERS = both(
    "response-headers",
    """
    - filters:
      - type: ResponseHeaderModifier
        responseHeaderModifier:
          set: [{name: X-Set, value: new}]
          add: [{name: X-Add, value: more}]
          remove: [X-Gone]
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
def test_response_header_modification(scene, side):
    headers = tuple(
        ("x-echo-set", pair) for pair in ("x-set=old", "x-add=first", "x-gone=bye", "x-kept=same")
    )
    answer = scene.ask(side, RESPONSE_HEADERS, "/", headers=headers)
    assert answer.values("x-set") == ["new"]
    assert ",".join(answer.values("x-add")).replace(", ", ",") == "first,more"
    assert answer.values("x-gone") == []
    assert answer.values("x-kept") == ["same"]


BACKEND_HEADERS = both(
    "backend-headers",
    """
    - filters:
      - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: by, value: rule}]}}
      - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: of, value: rule}]}}
      backendRefs:
      - {name: v1, port: 80}
      - name: v2
        port: 80
        filters:
        - {type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: to, value: v2}]}}
        - type: ResponseHeaderModifier
          responseHeaderModifier: {add: [{name: set-cookie, value: canary=yes}]}
    """,
)


@sides
def test_backend_header_modification(scene, side):
    """A backendRef's filters act if and only if that backend answers."""
    seen = set()
    for _ in range(60):
        answer = scene.ask(side, BACKEND_HEADERS, "/")
        canary = answer.backend == "v2"
        assert answer.received("to") == (["v2"] if canary else [])
        assert answer.values("set-cookie") == (["canary=yes"] if canary else [])
        assert answer.received("by") == answer.values("of") == ["rule"]
        seen.add(answer.backend)
    assert seen == {"v1", "v2"}


ONE_BACKEND_HEADERS = both(
    "one-backend-headers",
    """
    - backendRefs:
      - name: v1
        port: 80
        filters:
        - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: to, value: v1}]}}
    """,
)


@sides
def test_backend_request_header_modification_of_the_only_backend(scene, side):
    assert scene.ask(side, ONE_BACKEND_HEADERS, "/").received("to") == ["v1"]


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


REWRITES = both(
    "rewrites",
    r"""
    - matches: [{path: {value: /host}}]
      filters: [{type: URLRewrite, urlRewrite: {hostname: inner.example}}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /full}}]
      filters:
      - {type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /new}}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /prefix}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /other}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /slash}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /other/}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /strip/}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /empty}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: ""}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /d.t}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /odd}}]
      filters:
      - {type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: '/a\1b%20'}}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /two}}]
      filters:
      - type: URLRewrite
        urlRewrite:
          hostname: inner.example
          path: {type: ReplacePrefixMatch, replacePrefixMatch: /one}
      - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}]}}
      backendRefs: [{name: v1, port: 80}, {name: v2, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/full", "/new"),
        ("/full/x/y?q=1&r=/full", "/new?q=1&r=/full"),
        ("/prefix", "/other"),
        ("/prefix/", "/other/"),
        ("/prefix/x?q=1", "/other/x?q=1"),
        ("/prefix?q=1", "/other?q=1"),
        ("/slash", "/other"),
        ("/slash/x", "/other/x"),
        ("/strip", "/"),
        ("/strip/", "/"),
        ("/strip?q=1", "/?q=1"),
        ("/strip/?q=1", "/?q=1"),
        ("/strip/x", "/x"),
        ("/empty", "/"),
        ("/empty/x?q=1", "/x?q=1"),
        ("/d.t/x", "/x"),
        ("/odd", "/a\\1b%20"),
        ("/two/x", "/one/x"),
    ],
)
def test_path_rewrite(scene, side, path, target):
    """One slash at the seam, the query stays."""
    assert scene.ask(side, REWRITES, path).target == target


def test_prefix_rewrite_is_by_elements(scene):
    assert scene.gateway(REWRITES.host, "/prefixed").status == 404


@sides
def test_host_rewrite(scene, side):
    answer = scene.ask(side, REWRITES, "/host/x")
    assert answer.received("host") == ["inner.example"]
    assert answer.target == "/host/x"


@sides
def test_host_and_path_rewrite_for_each_backend(scene, side):
    for _ in range(10):
        answer = scene.ask(side, REWRITES, "/two/x?q=1")
        assert answer.received("host") == ["inner.example"]
        assert answer.target == "/one/x?q=1"
        assert answer.received("a") == ["b"]


@pytest.mark.parametrize("host", ["rewrites.example", "Rewrites.Example:8080"])
def test_host_is_kept_without_rewrite(scene, host):
    """HTTPRouteSpec.hostnames: forwarded as it came, port and all."""
    assert scene.gateway(host, "/full").received("host") == [host]


@pytest.mark.parametrize("host", ["rewrites", "rewrites:80", "rewrites.default.svc"])
def test_host_is_kept_without_rewrite_in_the_mesh(scene, host):
    assert scene.mesh(f"http://{host}/full").received("host") == [host]


ROOT_REWRITE = both(
    "root-rewrite",
    """
    - matches: [{path: {value: /}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /base}}
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "target"), [("/", "/base/"), ("/x", "/base/x"), ("/x?q=1", "/base/x?q=1")]
)
def test_rewrite_of_the_root_prefix(scene, side, path, target):
    assert scene.ask(side, ROOT_REWRITE, path).target == target


BACKEND_REWRITE = both(
    "backend-rewrite",
    """
    - matches: [{path: {value: /app}}]
      filters:
      - {type: URLRewrite, urlRewrite: {hostname: rule.example}}
      backendRefs:
      - name: v1
        port: 80
        weight: 1
        filters:
        - type: URLRewrite
          urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /one}}
      - name: v2
        port: 80
        weight: 2
        filters:
        - type: URLRewrite
          urlRewrite:
            hostname: two.example
            path: {type: ReplaceFullPath, replaceFullPath: /two}
      - {name: v3, port: 80, weight: 1}
    """,
)


@sides
def test_backend_url_rewrite(scene, side):
    """Each backend gets the path and host of its own; weights still count."""
    wanted = {
        "v1": ("/one/x", "rule.example"),
        "v2": ("/two", "two.example"),
        "v3": ("/app/x", "rule.example"),
    }
    seen = set()
    for _ in range(80):
        answer = scene.ask(side, BACKEND_REWRITE, "/app/x")
        assert (answer.target, *answer.received("host")) == wanted[answer.backend]
        seen.add(answer.backend)
    assert seen == set(wanted)
    shares = scene.shares(side, BACKEND_REWRITE, 800, "/app")
    assert 330 < shares["v2"] < 470
    assert 140 < shares["v1"] < 260


UNSUPPORTED = both(
    "unsupported",
    """
    - matches: [{path: {value: /mirror}}]
      filters: [{type: RequestMirror, requestMirror: {backendRef: {name: v2, port: 80}}}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /extension}}]
      filters:
      - {type: ExtensionRef, extensionRef: {group: some.example, kind: Some, name: thing}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /backend}}]
      backendRefs:
      - name: v1
        port: 80
        filters:
        - {type: ExtensionRef, extensionRef: {group: some.example, kind: Some, name: thing}}
    - matches: [{path: {value: /host-header}}]
      filters:
      - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Host, value: x}]}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /bad/sane}}]
      backendRefs: [{name: v1, port: 80}]
    - backendRefs: [{name: v2, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "status", "backend"),
    [
        ("/mirror", 500, None),
        ("/extension", 500, None),
        ("/backend", 500, None),
        ("/host-header", 500, None),
        ("/bad/sane", 200, "v1"),
        ("/x", 200, "v2"),
    ],
)
def test_filter_that_is_not_carried_out(scene, side, *, path, status, backend):
    """Requests neither skip the filter nor fall through to another rule; other rules serve."""
    answer = scene.ask(side, UNSUPPORTED, path)
    assert (answer.status, answer.backend) == (status, backend)


def test_filter_that_is_not_carried_out_is_told(scene):
    for index in (0, 1):
        conditions = scene.parent(UNSUPPORTED, index)
        assert conditions["Accepted"] == ("True", "Accepted")
        assert conditions["PartiallyInvalid"] == ("True", "UnsupportedValue")


ALL_UNSUPPORTED = both(
    "all-unsupported",
    """
    - filters:
      - {type: ExtensionRef, extensionRef: {group: some.example, kind: Some, name: thing}}
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
def test_route_of_invalid_rules_only(scene, side):
    conditions = scene.parent(ALL_UNSUPPORTED, 0 if side == "gateway" else 1)
    assert conditions["Accepted"] == ("False", "UnsupportedValue")
    assert "PartiallyInvalid" not in conditions
    assert scene.ask(side, ALL_UNSUPPORTED, "/").status == 500
