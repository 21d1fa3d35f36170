"""`explain` says beforehand what real proxies then do: one request after the other, both sides.

What is compared: who answers, status, location, and path, host and headers as the backend gets
them.
"""

import itertools
import json
from urllib.parse import urlsplit

import msgspec
import pytest
from msgspec.structs import replace

from fairlead.analysis.explain import parse
from fairlead.cli.client import Client
from fairlead.cli.real_request import send
from feature.route_scene import Manifest, at_gateway, both, forward, sides
from support.certificates import CA, tls_secret

RULES = both(
    "explained",
    r"""
    - matches: [{path: {type: Exact, value: /exact}}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /prefix}}]
      filters:
      - type: URLRewrite
        urlRewrite:
          hostname: inner.example
          path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /strip}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}
      backendRefs: [{name: v2, port: 80}]
    - matches: [{path: {value: /full}}]
      filters:
      - {type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /whole}}}
      backendRefs: [{name: v2, port: 80}]
    - matches: [{path: {type: RegularExpression, value: "/re/[a-z.~-]+"}}]
      backendRefs: [{name: v3, port: 80}]
    - matches:
      - path: {value: /modified}
        headers:
        - {name: x-a, value: "1,2"}
        - {name: x-b, type: RegularExpression, value: "b+"}
      filters:
      - type: RequestHeaderModifier
        requestHeaderModifier:
          set: [{name: x-set, value: of-rule}, {name: Host, value: set.example}]
          add: [{name: x-a, value: "3"}, {name: x-percent, value: "100%"}]
          remove: [x-gone, x-missing]
      backendRefs:
      - name: v3
        port: 80
        filters:
        - type: RequestHeaderModifier
          requestHeaderModifier:
            set: [{name: x-set, value: of-backend}]
            add: [{name: x-c, value: d}]
            remove: [x-percent]
    - matches: [{path: {value: /query}, queryParams: [{name: q, value: "a b/c+"}]}]
      backendRefs: [{name: v1, port: 80}]
    - matches:
      - path: {value: /query}
        queryParams: [{name: q, type: RegularExpression, value: "x+"}]
      backendRefs: [{name: v2, port: 80}]
    - matches: [{path: {value: /forms}, method: POST}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /tied}, headers: [{name: x-a, value: "1"}]}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /tied}, method: GET}]
      backendRefs: [{name: v2, port: 80}]
    - matches: [{path: {value: /gone}}]
      backendRefs: [{name: nobody, port: 80}]
    - matches: [{path: {value: /nothing}}]
    """,
)
OTHERS = both(
    "otherwise",
    r"""
    - matches: [{path: {value: /to/https}}]
      filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]
    - matches: [{path: {value: /to/port}}]
      filters: [{type: RequestRedirect, requestRedirect: {port: 8080, statusCode: 301}}]
    - matches: [{path: {value: /to/host}}]
      filters:
      - type: RequestRedirect
        requestRedirect:
          hostname: other.example
          path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}
    - matches: [{path: {value: /to/root}}]
      filters:
      - type: RequestRedirect
        requestRedirect: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}, statusCode: 308}
    - matches: [{path: {value: /to/full}}]
      filters:
      - type: RequestRedirect
        requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /there}, statusCode: 307}
    - matches: [{path: {value: /cors}, method: PUT}]
      filters: [{type: CORS, cors: {allowOrigins: ["https://a.example"]}}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /cors}}]
      filters: [{type: CORS, cors: {allowOrigins: ["https://a.example"], allowHeaders: ["*"]}}]
      backendRefs: [{name: v2, port: 80}]
    - matches: [{path: {value: /cors/broken}}]
      filters: [{type: CORS, cors: {allowOrigins: ["https://a.example"]}}]
    - matches: [{path: {value: /cors/options}, method: OPTIONS}]
      filters: [{type: CORS, cors: {allowOrigins: ["https://a.example"]}}]
    - matches: [{path: {value: /fault}}]
      filters:
      - type: ExtensionRef
        extensionRef: {group: fairlead.dev, kind: FaultInjection, name: broken}
      backendRefs: [{name: v1, port: 80}]
    """,
)
EXACT = at_gateway(
    "by-host",
    "- {matches: [{path: {value: /only}}], backendRefs: [{name: v1, port: 80}]}",
    "a.hosts.example",
)
WILD = at_gateway("by-wildcard", forward("v2"), '"*.hosts.example"')
COOKIES = at_gateway(
    "by-cookie",
    """
    - matches: [{headers: [{name: cookie, type: RegularExpression, value: "(.*; )?user=ann.*"}]}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{headers: [{name: x-list, value: "a,b"}]}]
      backendRefs: [{name: v2, port: 80}]
    - matches: [{headers: [{name: accept, value: "a,b"}]}]
      backendRefs: [{name: v3, port: 80}]
    - matches: [{headers: [{name: host, value: "cookies.example:1"}]}]
      backendRefs: [{name: v3, port: 80}]
    - matches: [{headers: [{name: x-real-ip, value: "1.1.1.1"}]}]
      backendRefs: [{name: v3, port: 80}]
    - matches: [{headers: [{name: x-forwarded-proto, value: "http"}, {name: x-p, value: "1"}]}]
      backendRefs: [{name: v3, port: 80}]
    """,
    "cookies.example",
)
CERTIFICATE = Manifest(tls_secret("secure", CA("explain").issue(dns=["*.secure.example"])))
SECURE = Manifest("""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: secure, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - name: exact
    port: 18443
    protocol: HTTPS
    hostname: a.secure.example
    tls: {certificateRefs: [{name: secure}]}
  - name: wild
    port: 18443
    protocol: HTTPS
    hostname: "*.secure.example"
    tls: {certificateRefs: [{name: secure}]}
""")
TO_EXACT = at_gateway("secure-exact", forward("v1"), parents="{name: secure, sectionName: exact}")
TO_WILD = at_gateway("secure-wild", forward("v2"), parents="{name: secure, sectionName: wild}")
FAULT = Manifest("""\
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {name: broken, namespace: default}
spec: {until: "2999-01-01T00:00:00Z", abort: {status: 418, percent: 100}}
""")

PATHS = (
    *("/x/..;v=1/exact", "/exact/.;v", "/x/%2e.;v/exact", "/x/y\\..;v/exact", "/x/y/..;v\\z/w"),
    *("/prefix/..;?..;", "/prefix/...;v", "/x/..;%2fexact", "/x%2f..;v/exact", "/x//..;v//exact"),
    *("/", "/exact", "/exact/", "/Exact", "/exact?x=1", "/exactly", "//exact", "/./exact"),
    *("/prefix", "/prefix/", "/prefix/a?b=c", "/prefixed", "/prefix//a", "/prefix/a//", "/prefix?"),
    *("/strip", "/strip/", "/strip/a/b", "/strip//a", "/strip?x"),
    *("/full", "/full/a?x=/y", "/re/abc", "/re/ab1", "/re/a/b", "/re/%61b", "/re/a%2Db"),
    *("/x/../exact", "/x/%2e%2e/exact", "/x/.%2E/exact", "/../exact", "/exact/..", "/exact/."),
    *("/prefix/..a/b", "/prefix/...", "/prefix/.a", "/prefix/a..", "/prefix/../strip/x"),
    *("/prefix%2Fa", "/prefix/%2f/x?y=%2f", "/prefix%5ca", "/prefix\\a", "/x%2f..%2fexact"),
    *("/%65xact", "/prefix/%7e%2d", "/prefix/%zz", "/prefix/%4", "/prefix/%", "/prefix/%00x"),
    *("/prefix/%%41", "/prefix/%%34%31", "/prefix/%2541", "/prefix/%C3%A9", "/prefix/%c3%a9"),
    *("/prefix/;a=b", "/prefix/a;b/../c", "/prefix/[x]", "/prefix/{x}", "/prefix/a|b^c`d"),
    *('/prefix/"q"', "/prefix/<x>", "/prefix/a:b@c!$&'()*+,=", "/prefix/%20%22%3C%7B%5E%7C%60"),
    *("/query?q=a+b/c%2B", "/query?q=a%20b%2Fc%2b", "/query?q=a+b%2fc+", "/query?q=x&q=y"),
    *("/query?q=y&q=x", "/query?Q=x", "/query?q=xx", "/query?q", "/query?q=xy", "/query?%71=x"),
    *("/query?&q=x", "/query?a=b&q=x;c", "/query?q=x#f", "/tied", "/gone", "/nothing", "/fault"),
    *("/to/https", "/to/https/x?y", "/to/port/", "/to/host/a/b?c=d", "/to/host", "/to/host/"),
    *("/to/root", "/to/root/", "/to/root/a", "/to/full/a?b", "/to/full?", "/a//b/../../exact"),
    *(
        "//",
        "///exact//",
        "/.",
        "/..",
        "/prefix/a/./b/../c/",
        "/prefix/%2e",
        "/prefix/%2e%2E/exact",
    ),
)
HEADERS = (
    {"x-a": "1"},
    {"x-a": "1,2", "x-b": "bb", "x-gone": "x", "x-percent": "50"},
    {"x-a": "1, 2", "x-b": "bb"},
    {"x-a": " 1,2 ", "x-b": "bbc"},
    {"x_a": "1"},
    {"content-type": "application/grpc"},
    {"origin": "https://a.example", "access-control-request-method": "PUT"},
    {"origin": "https://b.example", "access-control-request-method": "PUT"},
    {"origin": "https://a.example"},
    {"upgrade": "foo", "connection": "upgrade"},
    {"x-forwarded-proto": "https", "x-envoy-retry-on": "5xx", "x-fairlead-scope": "a"},
)
CASES = (
    *((path, "GET", {}) for path in PATHS),
    *itertools.product(
        ("/modified/x", "/tied", "/cors", "/cors/broken", "/cors/options", "/to/port", "/nope"),
        ("GET", "OPTIONS"),
        HEADERS,
    ),
    *((path, method, {}) for path in ("/forms", "/tied", "/cors") for method in ("POST", "DELETE")),
)
WATCHED = ("x-a", "x-b", "x-c", "x-set", "x-gone", "x-percent", "origin", "content-type")


HOSTS = (
    *("a.hosts.example", "A.HOSTS.example", "a.hosts.example.", "a.hosts.example:1"),
    *("a.hosts.example.:1", "b.hosts.example", "b.c.hosts.example", "hosts.example"),
    *(".hosts.example", "*.hosts.example", "a.hosts.example..", "other.example", "127.0.0.1"),
    *("[::1]", "a.hosts.example:", "a.hosts.example:x", "-", "a_b.hosts.example"),
)
URLS = (
    *("http://explained/exact", "http://explained:80/exact", "http://EXPLAINED/exact"),
    *("http://explained./exact", "http://explained.default/exact", "http://explained:81/exact"),
    *("http://explained.default.svc/exact", "http://explained.default.svc.cluster.local/exact"),
    *("http://explained.default.svc.cluster.local.:80/exact", "http://explained.other.svc/"),
    *("http://nobody.default.svc/", "http://nobody.default.svc.cluster.local:8080/"),
    *(
        "http://explained/prefix?a=b",
        "http://explained.default:080/exact",
        "http://otherwise/to/https",
    ),
    *(
        "http://otherwise:80/to/https",
        "http://otherwise:80/to/port",
        "http://otherwise:80/to/root/x",
    ),
)
REPEATED = (
    (("x-list", "a"), ("x-list", "b")),
    (("x-list", "a,b"),),
    (("x-list", "a"), ("X-List", "b")),
    (("x-list", "b"), ("x-list", "a")),
    (("accept", "a"), ("accept", "b")),
    (("cookie", "x=y"), ("cookie", "user=ann")),
    (("cookie", "user=ann; x=y"),),
    (("cookie", "user=bob"), ("cookie", "x=y")),
    (("x-real-ip", "1.1.1.1"),),
    (("x-forwarded-proto", "https"), ("x-p", "1")),
    (("x-p", "1"),),
    (("x-list", ""), ("x-list", "a,b")),
    (("te", "gzip"), ("x-list", "a,b")),
)


def explained(scene, side, asked, host):
    """The decision of the running instance, as `explain -o json` prints it."""
    path, method, headers = asked
    port = scene.gateway_place()[1]
    at = f"http://{host}:{port}" if side == "gateway" else f"http://{host}"
    pairs = headers.items() if isinstance(headers, dict) else headers
    lines = [f"{name}: {value}" for name, value in pairs]
    if side == "gateway":
        lines.append(f"host: {host}")
    source = "default/client" if side == "mesh" else None
    at = f"http://x:{port}" if side == "gateway" else at
    request = parse(f"{method} {at}/", lines, source=source)
    return answer(scene, replace(request, path=path, host=host))


def answer(scene, request):
    """The decision of the running instance about a request."""
    question = msgspec.json.encode({"request": request}).decode()
    return Client(scene.run.state).get("v1", "explain", question=question)["decision"]


def predicted(decision):
    """What is to be seen from outside, by the decision."""
    if decision.get("closed"):
        return {"status": None}
    if "status" in decision:
        status = 200 if "grpcStatus" in decision else decision["status"]
        return {"status": status, "location": decision.get("location")}
    [backend] = decision["backends"]
    if backend["cluster"] == "passthrough":  # to names that nobody knows
        return {"status": 503, "location": None}
    sent = backend["request"]
    headers = {}
    for header in sent["headers"]:
        headers.setdefault(header["name"], []).append(header["value"])
    return {
        "backend": backend["cluster"].split("/")[1],
        "target": sent["path"],
        "host": sent["host"],
        "headers": {name: ",".join(headers.get(name, [])) for name in WATCHED},
    }


def seen(real):
    """The same, by what came back."""
    if real.said is None:
        return {"status": real.status, "location": real.location}
    return {
        "backend": real.backend,
        "target": real.target,
        "host": real.received("host")[0],
        "headers": {name: ",".join(real.received(name)) for name in WATCHED},
    }


def target_of(path):
    """The route whose rules know the path."""
    return OTHERS if path.startswith(("/to", "/cors", "/fault")) else RULES


@sides
def test_what_is_explained_is_what_happens(scene, side):
    """Every mismatch is told, not the first one alone."""
    wrong = []
    for path, method, headers in CASES:
        asked = (path, method, headers)
        target = target_of(path)
        host = target.host if side == "gateway" else target.name
        decision = explained(scene, side, asked, host)
        real = scene.ask(side, target, path, method=method, headers=headers)
        if predicted(decision) != seen(real):
            wrong.append((asked, predicted(decision), seen(real)))
    assert not wrong, "\n".join(map(str, wrong))


def test_hosts_are_found_as_explained(scene):
    wrong = []
    for host, path in itertools.product(HOSTS, ("/only", "/")):
        decision = explained(scene, "gateway", (path, "GET", {}), host)
        real = scene.gateway(host, path)
        if predicted(decision) != seen(real):
            wrong.append((host, path, predicted(decision), seen(real)))
    assert not wrong, "\n".join(map(str, wrong))


def test_urls_of_pods_are_found_as_explained(scene):
    wrong = []
    for url in URLS:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        decision = explained(scene, "mesh", (path, "GET", {}), parts.netloc)
        real = scene.mesh(url)
        if predicted(decision) != seen(real):
            wrong.append((url, predicted(decision), seen(real)))
    assert not wrong, "\n".join(map(str, wrong))


def test_repeated_headers_are_read_as_explained(scene):
    wrong = []
    for headers in REPEATED:
        for host in ("cookies.example", "cookies.example:1"):
            decision = explained(scene, "gateway", ("/", "GET", headers), host)
            real = scene.gateway(host, "/", headers=headers)
            if predicted(decision) != seen(real):
                wrong.append((headers, predicted(decision), seen(real)))
    assert not wrong, "\n".join(map(str, wrong))


def test_connections_by_tls_are_found_as_explained(scene):
    wrong = []
    names = (
        "a.secure.example",
        "b.secure.example",
        "c.b.secure.example",
        "secure.example",
        "x",
        "",
    )
    for name, host in itertools.product(names, (*names[:-2], "a.secure.example:18443")):
        request = parse("https://x:18443/", [f"host: {host}"], sni=name)
        decision = answer(scene, request)
        if "addresses" in decision["listener"] and "closed" not in decision:
            real = send(request, decision["listener"])
        else:
            [place] = scene.run.one("gateways", "secure")["status"]["addresses"]
            bound = {"kind": "gateway", "addresses": [place["value"]], "boundPort": 18443}
            real = send(request, bound)
        told = {"status": real.status}
        if real.body.startswith("{"):
            told = json.loads(real.body)["backend"]
        expected = predicted(decision)
        expected = expected.get("backend") or {"status": expected["status"]}
        if expected != told:
            wrong.append((name, host, expected, told))
    assert not wrong, "\n".join(map(str, wrong))


def test_the_command_tells_what_runs(scene):
    port = scene.gateway_place()[1]
    done = scene.run.fairlead("explain", f"GET http://{RULES.host}:{port}/prefix/a")
    assert done.returncode == 0, done.stderr
    assert "HTTPRoute default/explained, rule 1\n" in done.stdout
    assert "Request to the backend:\n   GET /new/a\n   host: inner.example\n" in done.stdout
    assert f"endpoints 127.0.0.1:{scene.echo.port('v1')}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["GET shop"], 2, "a URL begins with http://"),
        (["http://shop", "-H", "x"], 2, "write 'Name: value'"),
        (["http://shop", "--from", "default/nobody"], 0, "no pod or Deployment default/nobody"),
    ],
)
def test_the_command_says_what_is_wrong(scene, arguments, code, message):
    done = scene.run.fairlead("explain", *arguments)
    assert done.returncode == code
    assert message in done.stdout + done.stderr


def test_traffic_tests_run_against_real_proxies(scene, tmp_path):
    """`fairlead test`: decisions of the instance, and with --live what really comes back."""
    host, port = RULES.host, scene.gateway_place()[1]
    tests = f"""
tests:
- name: rewritten
  request: http://{host}:{port}/prefix/a
  expect:
    {{status: 200, backend: v1, path: /new/a, host: inner.example, body: '"target": "/new/a"'}}
- name: from a pod
  request: http://{RULES.name}/full
  from: default/client
  headers: {{x-echo-set: made=here}}
  expect: {{status: 200, backend: v2, headers: {{made: here, absent: null}}}}
- name: sent as a form
  request: POST http://{RULES.name}/forms
  from: default/client
  body: hello
  expect: {{status: 200, backend: v1, body: hello}}
- name: moved
  request: http://{OTHERS.host}:{port}/to/port
  expect: {{status: 301, location: "http://{OTHERS.host}:8080/to/port"}}
- name: nowhere
  request: http://{host}:1/
  expect: {{closed: true}}
"""
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(tests)
    bad.write_text(tests.replace("made: here", "made: there").replace("/new/a\"'", "/other\"'"))
    done = scene.run.fairlead("test", "-f", str(good), "--live")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("5 passed, 0 failed\n")
    assert scene.run.fairlead("test", "-f", str(good)).returncode == 0
    done = scene.run.fairlead("test", "-f", str(bad), "--live")
    assert done.returncode == 1
    assert "header made: 'here', expected 'there'" in done.stdout
    assert 'expected to hold \'"target": "/other"\'' in done.stdout
    assert done.stdout.endswith("3 passed, 2 failed\n")
