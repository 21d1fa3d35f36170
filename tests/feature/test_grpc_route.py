"""GRPCRoutes from a Gateway and from pods: methods, headers, weights, filters, streams, kinds."""

import contextlib
import json
import queue
import sys
from collections import Counter
from textwrap import dedent, indent
from urllib.parse import urlsplit

import grpc
import pytest

from feature.grpc_echo import LISTED, GrpcClient, GrpcEcho
from feature.harness import parent_conditions
from feature.route_scene import documents, pod, service, sides
from feature.scene import running
from support.certificates import CA, tls_secret
from support.http import send

BACKENDS = ("v1", "v2", "v3")
GATEWAYS = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gateway}
spec:
  gatewayClassName: fairlead
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: other}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: exact, port: 80, protocol: HTTP, hostname: bar.com}
  - {name: inside, port: 80, protocol: HTTP, hostname: foo.bar.com}
  - {name: wide, port: 80, protocol: HTTP, hostname: "*.bar.com"}
  - {name: wild, port: 80, protocol: HTTP, hostname: "*.foo.com"}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: narrow}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: http, port: 80, protocol: HTTP, hostname: abc.example.com}
  - name: https
    port: 443
    protocol: HTTPS
    hostname: abc.example.com
    tls: {certificateRefs: [{name: server}]}
"""
AUTHORITY = CA("grpc")


def grpc_route(name, rules, *, parents, hostnames=""):
    """A GRPCRoute; `rules` is the YAML of its list."""
    head = dedent(f"""\
        apiVersion: gateway.networking.k8s.io/v1
        kind: GRPCRoute
        metadata: {{name: {name}}}
        spec:
          parentRefs: [{parents}]
          hostnames: [{hostnames}]
        """)
    return f"{head}  rules:\n{indent(dedent(rules).strip(), '  ')}\n"


def both(name, rules):
    """A route with two parents: the Gateway for `name`.example, and the Service `name`."""
    parents = f'{{name: gateway}}, {{group: "", kind: Service, name: {name}, port: 80}}'
    return grpc_route(name, rules, parents=parents, hostnames=f"{name}.example")


def to(*names):
    return "- backendRefs: [{}]".format(", ".join(f"{{name: {name}, port: 80}}" for name in names))


ROUTES = {
    "methods": both(
        "methods",
        """
        - name: one-method
          matches: [{method: {service: shop.Users, method: Get}}]
          backendRefs: [{name: v1, port: 80}]
        - matches: [{method: {service: shop.Users}}]
          backendRefs: [{name: v2, port: 80}]
        - matches: [{method: {method: Put}}]
          backendRefs: [{name: v3, port: 80}]
        - matches: [{method: {type: RegularExpression, service: 'stock\\.[A-Z]+', method: G.t}}]
          backendRefs: [{name: v3, port: 80}]
        """,
    ),
    "headers": both(
        "headers",
        """
        - matches: [{headers: [{name: Version, value: one}]}]
          backendRefs: [{name: v1, port: 80}]
        - matches: [{headers: [{name: version, value: two}]}]
          backendRefs: [{name: v2, port: 80}]
        - matches: [{headers: [{name: version, value: two}, {name: color, value: orange}]}]
          backendRefs: [{name: v1, port: 80}]
        - matches:
          - headers: [{name: color, value: blue}]
          - headers: [{name: color, value: "gr[ea]+y", type: RegularExpression}]
          backendRefs: [{name: v3, port: 80}]
        """,
    ),
    "named": both(
        "named",
        """
        - name: first
          matches: [{method: {service: shop.Users}}]
          backendRefs: [{name: v1, port: 80}]
        - name: second
          matches: [{method: {type: RegularExpression, service: "("}}]
          backendRefs: [{name: v2, port: 80}]
        """,
    ),
    "weights": both(
        "weights",
        """
        - backendRefs:
          - {name: v1, port: 80, weight: 70}
          - {name: v2, port: 80, weight: 30}
          - {name: v3, port: 80, weight: 0}
        """,
    ),
    "modified": both(
        "modified",
        """
        - filters:
          - type: RequestHeaderModifier
            requestHeaderModifier:
              set: [{name: X-Set, value: set}]
              add: [{name: X-Add, value: added}]
              remove: [X-Remove]
          - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: X-V, value: r}]}}
          backendRefs:
          - name: v1
            port: 80
            filters:
            - type: RequestHeaderModifier
              requestHeaderModifier: {add: [{name: X-Backend, value: first}]}
        """,
    ),
    "broken": both(
        "broken",
        """
        - matches: [{method: {service: shop.Users, method: Half}}]
          backendRefs: [{name: v1, port: 80}, {name: gone, port: 80}]
        - matches: [{method: {service: shop.Users, method: None}}]
          backendRefs: [{name: gone, port: 80}]
        """,
    ),
    "mirrored": both(
        "mirrored",
        """
        - filters:
          - {type: RequestMirror, requestMirror: {backendRef: {name: v3, port: 80}}}
          - {type: RequestMirror, requestMirror: {backendRef: {name: v2, port: 80}, percent: 0}}
          backendRefs: [{name: v1, port: 80}]
        """,
    ),
    "kept": both(
        "kept",
        """
        - sessionPersistence: {type: Header, header: {name: x-session}}
          backendRefs: [{name: spread, port: 80}]
        """,
    ),
    "refused": both(
        "refused",
        """
        - filters: [{type: ExtensionRef, extensionRef: {group: x.example, kind: X, name: x}}]
          backendRefs: [{name: v1, port: 80}]
        """,
    ),
    "filters": """
apiVersion: fairlead.dev/v1alpha1
kind: LocalRateLimit
metadata: {name: few}
spec: {requests: 1, per: 1h, burst: 2}
---
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {name: lost}
spec: {abort: {grpcStatus: 15}, until: "2099-01-31T12:00:00Z"}
""",
    "extended": both(
        "extended",
        """
        - matches: [{method: {service: shop.Users, method: Few}}]
          filters:
          - type: ExtensionRef
            extensionRef: {group: fairlead.dev, kind: LocalRateLimit, name: few}
          backendRefs: [{name: v1, port: 80}]
        - matches: [{method: {service: shop.Users, method: Lost}}]
          filters:
          - type: ExtensionRef
            extensionRef: {group: fairlead.dev, kind: FaultInjection, name: lost}
          backendRefs: [{name: v1, port: 80}]
        """,
    ),
    "listener-exact": grpc_route(
        "listener-exact", to("v1"), parents="{name: other, sectionName: exact}"
    ),
    "listener-inside": grpc_route(
        "listener-inside", to("v2"), parents="{name: other, sectionName: inside}"
    ),
    "listener-wide": grpc_route(
        "listener-wide",
        to("v3"),
        parents="{name: other, sectionName: wide}, {name: other, sectionName: wild}",
    ),
    "less-specific": grpc_route(
        "less-specific", to("v1"), parents="{name: narrow}", hostnames='"*.com"'
    ),
    "more-specific": grpc_route(
        "more-specific", to("v2"), parents="{name: narrow}", hostnames='"*.example.com"'
    ),
    "on-all": grpc_route(
        "on-all",
        "- {matches: [{method: {service: shop.All}}], backendRefs: [{name: v3, port: 80}]}",
        parents="{name: gateway}, {name: narrow}",
        hostnames="all.example, abc.example.com",
    ),
    "rival": """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: rival}
spec:
  parentRefs: [{group: "", kind: Service, name: methods, port: 80}]
  rules: [{backendRefs: [{name: v3, port: 80}]}]
""",
    "shared": grpc_route(
        "shared",
        "- {matches: [{method: {service: shop.Users}}], backendRefs: [{name: v1, port: 80}]}",
        parents="{name: gateway}",
        hostnames="shared.example",
    ),
    "shared-http": """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shared}
spec:
  parentRefs: [{name: gateway}]
  hostnames: [shared.example]
  rules:
  - matches: [{path: {value: /shop.Users/Get}}]
    backendRefs: [{name: v2, port: 80}]
  - matches: [{path: {value: /shop.Carts}}]
    backendRefs: [{name: v2, port: 80}]
  - filters: [{type: RequestRedirect, requestRedirect: {hostname: elsewhere.example}}]
""",
}
for prefix, backend, name in (("shop.Users", "v1", "many"), ("stock.Items", "v2", "many-more")):
    matches = [f"{{method: {{service: {prefix}, method: Get{n}}}}}" for n in range(100)]
    parts = (", ".join(matches[:50]), ", ".join(matches[50:]))
    rules = [
        f"- {{matches: [{part}], backendRefs: [{{name: {backend}, port: 80}}]}}" for part in parts
    ]
    parents = '{group: "", kind: Service, name: many}'
    ROUTES[name] = grpc_route(name, "\n".join(rules), parents=parents)

USERS_GET = "/shop.Users/Get"


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with contextlib.ExitStack() as stack:
        backends = {name: stack.enter_context(GrpcEcho(name)) for name in (*BACKENDS, "root")}
        roots = [name for name, text in ROUTES.items() if "kind: Service" in text]
        services = [
            service("v1", backends["v1"].port),
            service("v2", backends["v2"].port, app_protocol="kubernetes.io/h2c"),
            service("v3", backends["v3"].port, app_protocol="http"),
            *(service(name, backends["root"].port) for name in roots),
            service("spread", None, app_protocol="kubernetes.io/h2c"),
            *(endpoint_slice(name, echo.port) for name, echo in backends.items()),
        ]
        files = {
            "gateways.yaml": GATEWAYS,
            "server.yaml": tls_secret("server", AUTHORITY.issue(dns=["abc.example.com"])),
            "world.yaml": documents(pod(), *services),
            "routes.yaml": documents(*ROUTES.values()),
        }
        yield Scene(stack.enter_context(running(tmp_path_factory, files)), stack, backends)


def endpoint_slice(name, port):
    """One of several endpoints of the Service `spread`."""
    return dedent(f"""\
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {{name: spread-{name}, labels: {{kubernetes.io/service-name: spread}}}}
        addressType: IPv4
        ports: [{{name: p80, port: {port}}}]
        endpoints: [{{addresses: [127.0.0.1]}}]
        """)


class Scene:
    """The instance, and clients on both sides of it."""

    def __init__(self, run, stack, backends):
        self.run = run
        self.backends = backends
        self.stack = stack
        self.clients = {}

    def gateway(self, host, name="gateway"):
        """A client of a Gateway."""
        parts = urlsplit(self.run.url(name))
        return self._client((parts.hostname, parts.port), host)

    def side(self, side, name):
        """A client of a route made by `both`."""
        if side == "gateway":
            return self.gateway(f"{name}.example")
        return self._client(self.run.outbound("client"), f"{name}:80")

    def _client(self, place, authority):
        key = (place, authority)
        if key not in self.clients:
            self.clients[key] = GrpcClient(*key)
            self.stack.callback(self.clients[key].close)
        return self.clients[key]

    def parent(self, name, index=0, kind="grpcroutes"):
        return parent_conditions(self.run.one(kind, name), index)


CALL = """
import sys, grpc
channel = grpc.insecure_channel(sys.argv[1])
call = channel.unary_unary(sys.argv[2])
for waiting in [call.future(b"", timeout=20) for _ in range(int(sys.argv[3]))]:
    print(waiting.result().decode())
"""


def from_pod(scene, target, method, number=1):
    """The backends that answer calls of a program in a pod, which dials a Service by its name."""
    done = scene.run.exec("client", sys.executable, "-c", CALL, target, method, str(number))
    assert done.returncode == 0, done.stderr
    return Counter(json.loads(line)["backend"] for line in done.stdout.splitlines())


def test_a_program_in_a_pod_dials_services_by_name(scene):
    assert from_pod(scene, "methods:80", USERS_GET) == {"v1": 1}
    assert from_pod(scene, "methods.default.svc.cluster.local:80", "/shop.Carts/Put") == {"v3": 1}


def test_a_program_in_a_pod_reaches_a_service_that_no_route_governs(scene):
    assert from_pod(scene, "v2:80", USERS_GET) == {"v2": 1}


def test_a_program_in_a_pod_is_served_by_long_lists_of_rules(scene):
    assert from_pod(scene, "many:80", "/shop.Users/Get9") == {"v1": 1}
    assert from_pod(scene, "many:80", "/stock.Items/Get99") == {"v2": 1}


def test_calls_of_one_connection_are_spread_over_all_endpoints(scene):
    """Each of four gets 60 to 140 of 400: not so less than once in a hundred thousand runs."""
    shares = from_pod(scene, "spread:80", USERS_GET, 400)
    assert sorted(shares) == ["root", "v1", "v2", "v3"]
    assert all(60 <= count <= 140 for count in shares.values())


@sides
def test_services_and_methods(scene, side):
    client = scene.side(side, "methods")
    assert client.call(USERS_GET).backend == "v1"
    assert client.call("/shop.Users/Put").backend == "v2"
    assert client.call("/shop.Carts/Put").backend == "v3"
    assert client.call("/stock.ABC/Got").backend == "v3"


@sides
def test_named_route_rule(scene, side):
    """Names change nothing in traffic, and tell in the status which rule is meant."""
    client = scene.side(side, "named")
    assert client.call(USERS_GET).backend == "v1"
    assert client.call("/shop.Carts/Get").code is grpc.StatusCode.UNIMPLEMENTED
    parents = scene.run.one("grpcroutes", "named")["status"]["parents"]
    conditions = parents[0 if side == "gateway" else 1]["conditions"]
    (partly,) = (each for each in conditions if each["type"] == "PartiallyInvalid")
    assert "Dropped Rule second" in partly["message"]


@sides
@pytest.mark.parametrize("method", ["/shop.Carts/Get", "/shopxUsers/Get", "/stock.abc/Get"])
def test_a_method_that_no_rule_names_is_unimplemented(scene, side, method):
    assert scene.side(side, "methods").call(method).code is grpc.StatusCode.UNIMPLEMENTED


@sides
def test_what_is_not_grpc_matches_no_rule(scene, side):
    place = scene.run.outbound("client") if side == "mesh" else None
    if side == "mesh":
        answer = send(place, "http://methods/shop.Users/Get", "methods", method="POST")
    else:
        answer = scene.run.request(
            USERS_GET, host="methods.example", method="POST", base=scene.run.url("gateway")
        )
    assert answer.status == 404


@sides
def test_headers(scene, side):
    client = scene.side(side, "headers")
    method = "/any.Thing/Do"
    assert client.call(method, version="one").backend == "v1"
    assert client.call(method, version="two").backend == "v2"
    assert client.call(method, version="two", color="orange").backend == "v1"
    assert client.call(method, version="two", color="blue").backend == "v2"
    assert client.call(method, color="blue").backend == "v3"
    assert client.call(method, color="gray").backend == "v3"
    for metadata in ({"color": "orange"}, {"some_other_header": "one"}, {}):
        assert client.call(method, **metadata).code is grpc.StatusCode.UNIMPLEMENTED


@sides
def test_weights_hold_for_the_calls_of_one_connection(scene, side):
    """70 to 30 of 1,000: outside of these bounds less than once in ten thousand runs."""
    shares = scene.side(side, "weights").shares(USERS_GET, 1000)
    assert set(shares) == {"v1", "v2"}
    assert 240 <= shares["v2"] <= 360


@sides
def test_header_modifiers(scene, side):
    reply = scene.side(side, "modified").call(USERS_GET, x_set="old", x_add="theirs", x_remove="x")
    assert reply.received("x-set") == ["set"]
    assert ",".join(reply.received("x-add")).replace(" ", "") == "theirs,added"
    assert reply.received("x-remove") == []
    assert reply.received("x-backend") == ["first"]
    assert dict(reply.metadata)["x-v"] == "r"


@sides
def test_mirrors(scene, side):
    method = f"/shop.Mirrored/{side.title()}"
    assert scene.side(side, "mirrored").call(method).backend == "v1"
    scene.run.until("the mirror was called", lambda: scene.backends["v3"].seen[method])
    assert [scene.backends[name].seen[method] for name in BACKENDS] == [1, 0, 1]


@sides
def test_a_session_stays_with_its_endpoint(scene, side):
    client = scene.side(side, "kept")
    first = client.call(USERS_GET)
    session = dict(first.metadata)["x-session"]
    later = {client.call(USERS_GET, x_session=session).backend for _ in range(30)}
    assert later == {first.backend}


@sides
def test_a_filter_that_is_not_there_is_no_reason_to_go_without(scene, side):
    reply = scene.side(side, "refused").call(USERS_GET)
    assert reply.code is grpc.StatusCode.UNAVAILABLE


@sides
def test_filters_of_ours_answer_in_grpc(scene, side):
    client = scene.side(side, "extended")
    assert [client.call("/shop.Users/Few").backend for _ in range(3)] == [
        "v1",
        "v1",
        "RESOURCE_EXHAUSTED",
    ]
    assert client.call("/shop.Users/Lost").code is grpc.StatusCode.DATA_LOSS


@sides
def test_a_share_without_backend_is_unavailable(scene, side):
    """Half of 200: outside of these bounds less than once in a hundred thousand runs."""
    client = scene.side(side, "broken")
    assert client.call("/shop.Users/None").code is grpc.StatusCode.UNAVAILABLE
    shares = client.shares("/shop.Users/Half", 200)
    assert set(shares) == {"v1", "UNAVAILABLE"}
    assert 65 <= shares["v1"] <= 135
    index = 1 if side == "mesh" else 0
    assert scene.parent("broken", index) == {
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("False", "BackendNotFound"),
    }


@sides
def test_messages_of_a_stream_pass_one_by_one(scene, side):
    client = scene.side(side, "methods")
    assert client.listed("/shop.Users/ListAll") == ["v2"] * LISTED
    sent = queue.Queue()
    answers = client.channel.stream_stream("/shop.Users/Chat")(iter(sent.get, None), timeout=20)
    for number in range(3):
        sent.put(str(number).encode())
        assert f'"message": "{number}"'.encode() in next(answers)
    sent.put(None)
    assert list(answers) == []


def test_a_large_message_passes(scene):
    text = "x" * 3_000_000
    assert scene.side("gateway", "methods").call(USERS_GET, text).said["message"] == text


@pytest.mark.parametrize(
    ("host", "backend"),
    [
        ("bar.com", "v1"),
        ("foo.bar.com", "v2"),
        ("baz.bar.com", "v3"),
        ("multiple.prefixes.bar.com", "v3"),
        ("multiple.prefixes.foo.com", "v3"),
        ("foo.com", "UNIMPLEMENTED"),
        ("no.matching.host", "UNIMPLEMENTED"),
    ],
)
def test_hostnames_of_listeners(scene, host, backend):
    assert scene.gateway(host, "other").call(USERS_GET).backend == backend


def test_the_more_specific_hostname_of_a_route_wins(scene):
    """Both are cut down to the listener's; what they were before counts."""
    assert scene.gateway("abc.example.com", "narrow").call(USERS_GET).backend == "v2"


def test_a_route_on_several_gateways(scene):
    """It is served by each, and no Gateway serves what another one's routes name."""
    for host, name in (("all.example", "gateway"), ("abc.example.com", "narrow")):
        assert scene.gateway(host, name).call("/shop.All/Get").backend == "v3"
    assert scene.gateway("all.example").call(USERS_GET).code is grpc.StatusCode.UNIMPLEMENTED


def test_calls_inside_tls(scene):
    place = urlsplit(scene.run.url("narrow", port=443))
    trust = grpc.ssl_channel_credentials(AUTHORITY.cert_pem.encode())
    options = (("grpc.ssl_target_name_override", "abc.example.com"),)
    with grpc.secure_channel(place.netloc, trust, options) as channel:
        text = channel.unary_unary("/shop.All/Get")(b"", timeout=20)
    assert json.loads(text)["backend"] == "v3"


def test_both_kinds_of_routes_may_share_a_host(scene):
    """Calls that a GRPCRoute names are its own, all other requests the HTTPRoute's."""
    for kind in ("grpcroutes", "httproutes"):
        assert scene.parent("shared", kind=kind)["Accepted"] == ("True", "Accepted")
    client = scene.gateway("shared.example")
    assert client.call(USERS_GET).backend == "v1"
    assert client.call("/shop.Carts/Get").backend == "v2"
    base = scene.run.url("gateway")
    assert scene.run.request("/shop.Users", host="shared.example", base=base).status == 302


def test_grpc_routes_govern_a_service_port_alone(scene):
    accepted = scene.parent("rival", kind="httproutes")["Accepted"]
    assert accepted == ("False", "Conflicted")
