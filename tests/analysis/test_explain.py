"""Decisions of `explain`, rule of semantics by rule of semantics, and the reasons of the losers."""

import msgspec
import pytest

from analysis.scene import Scene
from fairlead.analysis.explain import Facts, RequestError, decide, parse
from fairlead.analysis.explain.losers import Losers
from fairlead.analysis.explain.text import lines
from fairlead.app.explanation import Question, answer
from fairlead.ir.origin import Origin
from fairlead.ir.proxy_status import Rejection
from support.certificates import CA, ca_config_map, tls_secret

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  gatewayClassName: fairlead
  listeners:
"""
HTTP = """
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
"""
SERVICES = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: next}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: calls}
spec:
  selector: {app: web}
  ports: [{port: 7070, targetPort: 8080, appProtocol: kubernetes.io/h2c}]
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
"""
PODS = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: a, image: x, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: a, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: outside, labels: {fairlead.dev/mesh: disabled}}
spec: {containers: [{name: a, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop}
spec: {containers: [{name: a, image: x}]}
"""


def route(name, rules, *, hostnames="", parent="{name: gate}", kind="HTTPRoute", namespace=""):
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: {name}, namespace: {namespace or "default"}}}
spec:
  parentRefs: [{parent}]
  {f"hostnames: [{hostnames}]" if hostnames else ""}
  rules: {rules}
"""


def to(*backends, **match):
    """The YAML of rules with one rule; backends as NAME or NAME=WEIGHT."""
    refs = []
    for backend in backends:
        name, _, weight = backend.partition("=")
        refs.append(f"{{name: {name}, port: 80, weight: {weight or 1}}}")
    parts = ", ".join(f"{key}: {value}" for key, value in match.items())
    matches = f"matches: [{{{parts}}}], " if match else ""
    return f"[{{{matches}backendRefs: [{', '.join(refs)}]}}]"


def below(path):
    return f"{{value: {path}}}"


class Asked:
    """Facts of some manifests, and ways to ask."""

    def __init__(self, *manifests):
        self.facts_of(Scene(SERVICES, PODS, *manifests))

    def facts_of(self, scene):
        self.facts = Facts(scene.world.sources, scene.world.outputs)

    def decide(self, text, *headers, **options):
        return decide(self.facts, parse(text, headers, **options))

    def why(self, text, *headers, **options):
        """Reasons of the losers: {route or route/rule: why}."""
        request = parse(text, headers, **options)
        losers = Losers(self.facts, request, decide(self.facts, request)).all()
        return {each.name: each.why for each in losers}

    def text(self, text, *headers, **options):
        request = parse(text, headers, **options)
        decision = decide(self.facts, request)
        losers = Losers(self.facts, request, decision).all()
        found = lines(self.facts, request, decision, losers)
        return "".join(f"{'   ' * depth}{line}\n" for depth, line in found)


# Hosts


@pytest.fixture(scope="module")
def hosts():
    return Asked(
        GATEWAY + HTTP,
        route("exact", to("web", path=below("/only")), hostnames="a.example.com"),
        route("wild", to("next"), hostnames='"*.example.com"'),
        route("shop", to("empty"), hostnames="shop.example"),
    )


@pytest.mark.parametrize(
    ("host", "rule"),
    [
        ("a.example.com/only", "default/exact/0/0"),
        ("A.Example.COM/only", "default/exact/0/0"),
        ("a.example.com./only", "default/exact/0/0"),
        ("a.example.com/", "default/wild/0/0"),
        ("b.c.example.com/", "default/wild/0/0"),
        ("example.com/", ""),
        (".example.com/", ""),
        ("other.example/", ""),
    ],
)
def test_the_most_specific_host_has_the_request_and_wider_ones_what_it_leaves(hosts, host, rule):
    decision = hosts.decide(f"http://{host}")
    assert decision.rule_name == rule
    assert decision.status == (None if rule else 404)


def test_the_port_of_a_host_does_not_count_on_a_gateway(hosts):
    assert hosts.decide("http://x/only", "host: a.example.com:8443").rule_name
    assert hosts.decide("http://x/only", "host: a.example.com:8443").authority == (
        "a.example.com:8443"
    )


def test_a_less_specific_hostname_is_a_reason(hosts):
    why = hosts.why("http://a.example.com/only")
    assert why["wild"] == (
        "matches as well, but its hostname *.example.com is less specific than a.example.com"
    )
    assert why["shop"] == "its hostnames (shop.example) do not cover a.example.com"


def test_a_host_that_nothing_is_for_is_told(hosts):
    decision = hosts.decide("http://unknown/")
    assert (decision.status, decision.why) == (404, "nothing on this port is for the host unknown")


def test_no_endpoint_is_503_and_its_reason_told(hosts):
    decision = hosts.decide("http://shop.example/")
    assert (decision.status, decision.why) == (503, "it has no endpoint that is ready")
    assert decision.backends == (("", 1),)


# Precedence, as reasons


def tried(first, second, request, *headers):
    """Why the route `b` loses, of two routes that both match."""
    asked = Asked(GATEWAY + HTTP, route("a", first), route("b", second))
    decision = asked.decide(request, *headers)
    assert decision.rule_name.startswith("default/a/")
    return asked.why(request, *headers)["b"]


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (
            to("web", path="{type: Exact, value: /x}"),
            to("next", path=below("/x")),
            "a path prefix comes after an exact path",
        ),
        (
            to("web", path="{type: RegularExpression, value: '/x'}"),
            to("next", path=below("/x")),
            "a path prefix comes after an expression",
        ),
        (
            to("web", path=below("/x")),
            to("next", path=below("/")),
            "its path / is shorter than /x",
        ),
        (to("web", method="GET"), to("next"), "it asks for no method, the other for GET"),
        (
            to("web", headers="[{name: a, value: b}]"),
            to("next"),
            "it asks for no header, the other for 1",
        ),
        (
            to("web", queryParams="[{name: q, value: r}]"),
            to("next"),
            "it asks for no query parameter, the other for 1",
        ),
        (
            to("web"),
            to("next"),
            "it is alike, and by namespace and name default/b comes after default/a",
        ),
    ],
)
def test_the_criterion_that_decided_is_named(first, second, reason):
    assert tried(first, second, "http://h/x?q=r", "a: b") == f"matches as well, but {reason}"


def test_rules_of_one_route_are_told_apart_by_their_order():
    rules = f"{to('web')[:-1]}, {to('next')[1:]}"
    asked = Asked(GATEWAY + HTTP, route("a", rules))
    assert asked.why("http://h/")["a"] == (
        "matches as well, but it is alike, and rule 1 comes after rule 0 of the same route"
    )


def test_what_a_request_lacks_is_told_condition_by_condition():
    rules = (
        "[{matches: [{path: {value: /a}, method: POST, headers: [{name: x, value: '1'}], "
        "queryParams: [{name: q, value: r}]}], backendRefs: [{name: web, port: 80}]}]"
    )
    asked = Asked(GATEWAY + HTTP, route("a", rules))
    assert asked.why("http://h/ab", "x: 2")["a"] == (
        "path /ab is not below /a; method GET is not POST; header x is '2', not '1'; "
        "query parameter q is missing"
    )


# Routes that are not there


def test_routes_that_are_not_accepted_are_told_with_the_condition():
    asked = Asked(
        GATEWAY + HTTP,
        route("other", to("web"), parent="{name: gate, sectionName: nothing}"),
        route("lost", to("web"), parent="{name: gone}", hostnames="h"),
    )
    why = asked.why("http://h/")
    assert why["other"].startswith("not accepted (NoMatchingParent): ")
    assert why["lost"] == "it is not attached to this Gateway, but to Gateway default/gone"


def test_a_backend_without_grant_is_answered_500_and_says_so():
    rules = "[{backendRefs: [{name: db, namespace: prod, port: 80}]}]"
    database = SERVICES.partition("---")[0].replace("name: web}", "name: db, namespace: prod}")
    decision = Asked(GATEWAY + HTTP, database, route("a", rules)).decide("http://h/")
    assert decision.status == 500
    assert decision.why.startswith("RefNotPermitted: ")
    assert "ReferenceGrant" in decision.why


def test_the_share_of_a_missing_backend_is_told_beside_the_others():
    decision = Asked(GATEWAY + HTTP, route("a", to("web=3", "gone=1"))).decide("http://h/")
    assert decision.status is None
    assert decision.backends == (("default/web/80", 3), ("", 1))
    assert [share.status for share in decision.shares] == [None, 500]


def test_weights_that_sum_to_nothing_are_500():
    decision = Asked(GATEWAY + HTTP, route("a", to("web=0"))).decide("http://h/")
    assert (decision.status, decision.why) == (500, "the weights sum to 0")


# Which Gateway


def test_the_gateway_that_knows_the_host_is_meant_unless_one_is_named():
    second = (GATEWAY + HTTP).replace("name: gate", "name: second")
    asked = Asked(
        GATEWAY + HTTP,
        second,
        route("a", to("web"), hostnames="a.example"),
        route("b", to("next"), hostnames="b.example", parent="{name: second}"),
    )
    assert asked.decide("http://b.example/").where.name == "second"
    assert asked.decide("http://b.example/", gateway="default/gate").status == 404
    assert "not Gateway default/gate, which listens on that port" in asked.text("http://b.example/")
    assert "there is no Gateway default/nope" in asked.decide("http://x/", gateway="nope").why
    decision = asked.decide("http://b.example:81/")
    assert decision.closed
    assert "no Gateway listens on port 81" in decision.why


# TLS and connections


TLS = """
  - name: shop
    port: 443
    protocol: HTTPS
    hostname: shop.example.com
    tls: {certificateRefs: [{name: shop}]}
  - name: wild
    port: 443
    protocol: HTTPS
    hostname: "*.example.com"
    tls: {certificateRefs: [{name: shop}]}
  - name: pass
    port: 443
    protocol: TLS
    hostname: db.example.net
    tls: {mode: Passthrough}
  - {name: tcp, port: 9000, protocol: TCP}
  - {name: dns, port: 53, protocol: UDP}
"""
L4 = """
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: gate, sectionName: {section}}}]
  {hostnames}
  rules: [{{backendRefs: [{{name: {backend}, port: {port}}}]}}]
"""
UDP_SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: dns}
spec: {selector: {app: web}, ports: [{port: 53, protocol: UDP}]}
"""


@pytest.fixture(scope="module")
def encrypted():
    issued = CA("root").issue(dns=["shop.example.com", "*.example.com"])
    shop = route("shop", to("web"), hostnames="shop.example.com")
    return Asked(
        GATEWAY + HTTP + TLS,
        tls_secret("shop", issued),
        shop,
        route("wild", to("next"), parent="{name: gate, sectionName: wild}"),
        L4.format(kind="TLSRoute", name="db", section="pass", backend="web", port=80,
                  hostnames="hostnames: [db.example.net]"),
        L4.format(kind="TCPRoute", name="raw", section="tcp", backend="next", port=80,
                  hostnames=""),
        L4.format(kind="UDPRoute", name="dns", section="dns", backend="dns", port=53, hostnames=""),
        UDP_SERVICE,
    )  # fmt: skip


def test_https_is_answered_by_the_listener_of_the_name(encrypted):
    assert encrypted.decide("https://shop.example.com/").rule_name == "default/shop/0/0"
    decision = encrypted.decide("https://a.example.com/")
    assert decision.rule_name == "default/wild/0/0"
    assert decision.where.chain.owner == "*.example.com"


def test_a_host_of_another_listener_is_misdirected(encrypted):
    decision = encrypted.decide("https://a.example.com/", "host: shop.example.com")
    assert decision.status == 421
    assert decision.why == (
        "the connection is for *.example.com, by its name (SNI), but the host shop.example.com "
        "belongs to the listener of shop.example.com"
    )
    asked = encrypted.decide("https://shop.example.com/", sni="b.example.com")
    assert asked.status == 421


@pytest.mark.parametrize(
    ("url", "options", "why"),
    [
        ("https://unknown.example.org/", {}, "no listener on port 443 takes the name"),
        ("https://10.0.0.1/", {}, "the client asks for no name (SNI)"),
        ("http://shop.example.com:443/", {}, "port 443 speaks TLS"),
        ("https://shop.example.com:80/", {}, "port 80 speaks HTTP without TLS"),
    ],
)
def test_connections_that_no_chain_takes_are_closed(encrypted, url, options, why):
    decision = encrypted.decide(url, **options)
    assert decision.closed
    assert why in decision.why


@pytest.mark.parametrize(
    ("url", "backend"),
    [
        ("tls://db.example.net", "default/web/80+plain"),
        ("tcp://anything:9000", "default/next/80+tcp"),
        ("udp://anything:53", None),
    ],
)
def test_connections_and_datagrams_have_backends(encrypted, url, backend):
    decision = encrypted.decide(url)
    assert not decision.closed, decision.why
    [share] = decision.shares
    assert share.endpoints
    if backend:
        assert share.cluster.startswith(backend.partition("+")[0])


def test_what_connections_must_bring_along_is_told():
    settings = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {proxyProtocol: required}
"""
    authority = CA("clients")
    gateway = (GATEWAY + TLS).replace(
        "listeners:",
        "infrastructure: {parametersRef: {group: '', kind: ConfigMap, name: settings}}\n"
        "  tls: {frontend: {default: {validation: {caCertificateRefs: "
        "[{group: '', kind: ConfigMap, name: clients}]}}}}\n"
        "  listeners:",
    )
    issued = CA("root").issue(dns=["*.example.com"])
    asked = Asked(
        gateway,
        settings,
        tls_secret("shop", issued),
        ca_config_map("clients", authority.cert_pem),
        route("shop", to("web"), hostnames="shop.example.com"),
    )
    first, second = asked.decide("https://shop.example.com/").notes
    assert first.startswith("connections must begin with a PROXY protocol header")
    assert second.startswith("clients must show a certificate (spec.tls.frontend)")


def test_the_route_that_serves_a_port_is_no_loser_and_others_say_who_comes_first(encrypted):
    for url in ("tcp://x:9000", "udp://x:53"):
        assert encrypted.why(url) == {}
    second = L4.format(kind="UDPRoute", name="zone", section="dns", backend="dns", port=53,
                       hostnames="")  # fmt: skip
    third = second.replace("zone", "other").replace("sectionName: dns", "sectionName: tcp")
    first = second.replace("zone", "dns")
    asked = Asked(GATEWAY + TLS, UDP_SERVICE, first, second, third)
    why = asked.why("udp://x:53")
    assert sorted(why) == ["other", "zone"]
    assert why["zone"].endswith("is served by UDPRoute default/dns, which comes first")
    assert why["other"].startswith("not accepted (NotAllowedByListeners)")


# The mesh


def service(name, namespace="default"):
    return f'{{group: "", kind: Service, name: {name}, namespace: {namespace}}}'


@pytest.fixture(scope="module")
def mesh():
    return Asked(
        GATEWAY + HTTP,
        route("producer", to("next", path=below("/a")), parent=service("web")),
        route(
            "consumer",
            "[{backendRefs: [{name: next, namespace: default, port: 80}]}]",
            parent=service("web"),
            namespace="shop",
        ),
        route(
            "calls",
            "[{matches: [{method: {service: shop.Users}}], "
            "backendRefs: [{name: calls, port: 7070}]}]",
            parent=service("calls"),
            kind="GRPCRoute",
        ),
    )


def test_a_route_of_a_service_acts_for_its_pods(mesh):
    assert mesh.decide("http://web/a", source="default/client").rule_name == "default/producer/0/0"
    decision = mesh.decide("http://web/b", source="default/client")
    assert (decision.status, decision.rule_name) == (404, "")
    why = mesh.why("http://web/a", source="default/client")["consumer"]
    assert why == "it acts for clients of namespace shop only, since its Service is not there"


def test_a_consumers_route_takes_the_place_of_producers(mesh):
    url = "http://web.default/a"
    assert mesh.decide(url, source="shop/client").rule_name == "shop/consumer/0/0"
    why = mesh.why(url, source="shop/client")["producer"]
    assert why == "routes of the client's own namespace shop take its place"


def test_a_client_outside_the_mesh_has_no_routes(mesh):
    decision = mesh.decide("http://web/b", source="default/outside")
    assert decision.rule_name == "service/default/web/80"
    why = mesh.why("http://web/b", source="default/outside")["producer"]
    assert why == "pod default/outside opted out of the mesh, so no route acts"
    assert "which opted out of the mesh" in mesh.text("http://web/b", source="default/outside")


def test_the_url_counts_for_pods_and_not_the_host_header(mesh):
    decision = mesh.decide("http://web/a", "host: next", source="default/client")
    assert decision.rule_name == "default/producer/0/0"


def test_calls_of_grpc_are_matched_by_method_and_refused_in_grpc(mesh):
    good = mesh.decide("grpc://calls:7070/shop.Users/Get", source="default/client")
    assert good.rule_name == "grpc/default/calls/0/0"
    bad = mesh.decide("grpc://calls:7070/shop.Orders/Get", source="default/client")
    assert (bad.status, bad.grpc_status) == (404, 12)
    assert not good.notes
    [note] = mesh.decide("grpc://web:80/a", source="default/client").notes
    assert note.startswith("clients of gRPC open a tunnel (CONNECT), which this port does not take")
    assert mesh.decide("CONNECT http://calls:7070", source="default/client").status == 200
    assert mesh.decide("CONNECT http://web", source="default/client").status == 404


def test_names_that_no_service_has_are_told(mesh):
    decision = mesh.decide("http://gone.default.svc/", source="default/client")
    assert (decision.status, decision.rule_name) == (503, "no-service")
    outside = mesh.decide("http://example.org/", source="default/client")
    assert outside.rule_name == "passthrough"
    assert "goes past the mesh" in mesh.decide("https://web/", source="default/client").why
    assert "no pod or Deployment default/x runs" in mesh.decide("http://web/", source="x").why


# Policies


def test_policies_are_told_with_their_objects_and_fields():
    policy = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: gentle}
spec:
  host: web
  trafficPolicy:
    loadBalancer: {simple: ROUND_ROBIN}
    portLevelSettings:
    - port: {number: 80}
      loadBalancer: {simple: RANDOM}
      connectionPool: {http: {maxRetries: 3}}
      outlierDetection: {consecutive5xxErrors: 7}
"""
    rules = (
        "[{timeouts: {request: 10s, backendRequest: 2s}, retry: {attempts: 2, codes: [503]}, "
        "backendRefs: [{name: web, port: 80}]}]"
    )
    text = Asked(GATEWAY + HTTP, policy, route("a", rules)).text("http://h/")
    where = "DestinationRule default/gentle spec.trafficPolicy.portLevelSettings[0]"
    assert f"load balancing: at random ({where}.loadBalancer)\n" in text
    assert f"connection pool: max retries 3 ({where}.connectionPool)\n" in text
    assert f"outlier detection: consecutive 5xx 7 ({where}.outlierDetection)\n" in text
    assert "timeout 10 s (spec.rules[0].timeouts.request)\n" in text
    attempt = "timeout of each attempt, until its answer begins: 2 s"
    assert f"{attempt} (spec.rules[0].timeouts.backendRequest)\n" in text
    assert "retries: 2 more attempts on 503 (spec.rules[0].retry)\n" in text
    once = rules.replace("attempts: 2", "attempts: 0")
    text = Asked(GATEWAY + HTTP, policy, route("a", once)).text("http://h/")
    assert "timeout of the whole answer: 2 s (spec.rules[0].timeouts.backendRequest)\n" in text


def test_what_is_up_to_chance_is_said_and_not_decided():
    limits = """
apiVersion: fairlead.dev/v1alpha1
kind: LocalRateLimit
metadata: {name: gentle}
spec: {requests: 5, per: 1s, burst: 7}
---
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {name: rare}
spec: {until: "2999-01-01T00:00:00Z", abort: {status: 503, percent: 5}}
"""
    group = "group: fairlead.dev"
    refs = "".join(
        f"{{type: ExtensionRef, extensionRef: {{{group}, kind: {kind}, name: {name}}}}}, "
        for kind, name in (("LocalRateLimit", "gentle"), ("FaultInjection", "rare"))
    )
    rules = f"[{{filters: [{refs}], backendRefs: [{{name: web, port: 80}}]}}]"
    asked = Asked(GATEWAY + HTTP, limits, route("a", rules))
    decision = asked.decide("http://h/")
    assert decision.status is None
    assert decision.chances == (
        "5% of the requests are answered 503",
        "beyond 5 requests in 1 s (bursts of 7), requests are answered 429",
    )
    text = asked.text("http://h/")
    assert text.index("FaultInjection default/rare") < text.index("LocalRateLimit default/gentle")


@pytest.mark.parametrize(
    ("abort", "status", "grpc"),
    [("status: 418", 418, 2), ("status: 503", 503, 14), ("grpcStatus: 8", 200, 8)],
)
def test_a_fault_that_hits_every_request_is_decided(abort, status, grpc):
    fault = f"""
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {{name: broken}}
spec: {{until: "2999-01-01T00:00:00Z", abort: {{{abort}, percent: 100}}}}
"""
    ref = "{group: fairlead.dev, kind: FaultInjection, name: broken}"
    rules = (
        f"[{{filters: [{{type: ExtensionRef, extensionRef: {ref}}}], "
        "backendRefs: [{name: web, port: 80}]}]"
    )
    asked = Asked(GATEWAY + HTTP, fault, route("a", rules))
    assert asked.decide("http://h/").status == status
    decision = asked.decide("grpc://h:80/a.B/C")
    assert (decision.status, decision.grpc_status) == (status, grpc)


# What runs


def test_what_a_proxy_refuses_or_has_not_taken_over_is_a_warning():
    scene = Scene(SERVICES, PODS, GATEWAY + HTTP, route("a", to("web")))
    facts = Facts(scene.world.sources, scene.world.outputs)
    request = parse("http://h/")
    proxy = scene.proxies_["gateway/default/gate"]
    assert "warnings" not in answer(facts, Question(request), (), scene.view)["decision"]
    origin = Origin("HTTPRoute", "default", "a")
    refused = Rejection("type", "table", "h", "no such luck", (origin,))
    late = msgspec.structs.replace(proxy, synced=False, rejections=(refused,))
    scene.proxies_[proxy.name] = late
    assert answer(facts, Question(request), (), scene.view)["decision"]["warnings"] == [
        "proxy gateway/default/gate has not acknowledged the newest configuration yet",
        f"proxy {proxy.name} refused h: no such luck; it serves what it had before, or an error",
    ]
    scene.proxies_[proxy.name] = msgspec.structs.replace(proxy, connected=False)
    [warning] = answer(facts, Question(request), (), scene.view)["decision"]["warnings"]
    assert "is not connected" in warning


# What is asked


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("", ()),
        ("GET", ()),
        ("GET a b", ()),
        ("shop.example.com/", ()),
        ("ftp://shop/", ()),
        ("http://", ()),
        ("http://user@shop/", ()),
        ("http://shop:99999/", ()),
        ("tcp://shop", ()),
        ("http://shop/", ("novalue",)),
        ("http://shop/", ("bad name: x",)),
    ],
)
def test_what_is_no_request_is_refused_with_what_to_write(text, headers):
    with pytest.raises(RequestError):
        parse(text, headers)


def test_a_request_is_read_as_clients_send_it():
    request = parse("https://Shop.example.com:443/é?c=d#e", ["Host: other:8443", "X-A:  b "])
    assert (request.method, request.scheme, request.port) == ("GET", "https", 443)
    assert (request.host, request.server_name) == ("other:8443", "shop.example.com")
    assert request.path == "/%C3%A9?c=d"
    assert request.headers == (("x-a", "b"),)
    assert parse("http://[::1]:8080/").host == "[::1]:8080"
    assert parse("https://[::1]/").server_name == ""
