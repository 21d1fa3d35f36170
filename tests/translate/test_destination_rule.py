"""Which DestinationRule shapes a Service for whom, and what is told about the rest."""

import pytest

from fairlead.ir.cluster import ConnectionPool, LoadBalancer, OutlierDetection
from fairlead.ir.rule import HashOn
from translate.mesh_world import World, pod

SERVICES = """
kind: Service
metadata: {name: web, namespace: prod}
spec: {ports: [{port: 80}, {port: 8080}]}
---
kind: Service
metadata: {name: api, namespace: prod}
spec: {ports: [{port: 80}]}
"""


def rule(name="r", namespace="prod", host="web", simple="RANDOM", **more):
    created = f", creationTimestamp: '{more.pop('created')}'" if "created" in more else ""
    spec = "".join(f"\n  {field}: {value}" for field, value in more.items())
    return (
        f"kind: DestinationRule\nmetadata: {{name: {name}, namespace: {namespace}{created}}}\n"
        f"spec:\n  host: '{host}'\n  trafficPolicy: {{loadBalancer: {{simple: {simple}}}}}{spec}\n"
    )


def policy(text, namespace="prod"):
    return (
        f"kind: DestinationRule\nmetadata: {{name: r, namespace: {namespace}}}\n"
        f"spec:\n  host: web\n  trafficPolicy: {text}\n"
    )


def balancer(world, cluster="prod/web/80"):
    found = world.clusters.clusters.get(cluster)
    return found.load_balancer.kind if found else None


def accepted(world, name="r", namespace="prod"):
    return world.condition("destination_rules", (namespace, name), "Accepted")


def not_applied(world):
    found = world.condition("destination_rules", ("prod", "r"), "NotApplied")
    return found[2] if found else ""


@pytest.fixture
def world():
    world = World()
    world.apply(SERVICES)
    return world


@pytest.mark.parametrize(
    "host",
    ["web", "web.prod.svc.cluster.local", "WEB", "*.prod.svc.cluster.local", "*.svc.cluster.local",
     "*.local", "*"],
)  # fmt: skip
def test_hosts_that_name_a_service(world, host):
    world.apply(rule(host=host))
    assert balancer(world) == "random"
    assert accepted(world)[:2] == ("True", "Accepted")
    origin = world.clusters.clusters.get("prod/web/80").origin
    assert (origin.kind, origin.namespace, origin.name) == ("DestinationRule", "prod", "r")


@pytest.mark.parametrize(
    ("host", "hint"),
    [
        ("nothing", "no Service is called nothing.prod.svc.cluster.local"),
        ("web.prod", "no Service is called web.prod; write web.prod.svc.cluster.local"),
        ("web.prod.svc", "no Service is called web.prod.svc; write web.prod.svc.cluster.local"),
        (
            "api.example.com",
            (
                "no Service is called api.example.com; "
                "write a Service's name, or NAME.NAMESPACE.svc.cluster.local"
            ),
        ),
        ("*.shop.svc.cluster.local", "no Service is called *.shop.svc.cluster.local"),
    ],
)
def test_hosts_that_name_none(world, host, hint):
    world.apply(rule(host=host))
    assert balancer(world) == "least_request"
    assert accepted(world) == ("False", "TargetNotFound", f"spec.host: {hint}")


def test_the_service_may_come_later(world):
    world.apply(rule(host="late"))
    assert accepted(world)[1] == "TargetNotFound"
    world.apply(
        "kind: Service\nmetadata: {name: late, namespace: prod}\nspec: {ports: [{port: 1}]}"
    )
    assert accepted(world)[1] == "Accepted"
    assert balancer(world, "prod/late/1") == "random"


def test_a_rule_for_a_part_of_the_clients_leaves_the_others_to_its_rival(world):
    world.apply(rule("a", exportTo="['.']"), rule("b", simple="ROUND_ROBIN"))
    assert balancer(world) == "round_robin"
    assert balancer(world, "prod/web/80@prod") == "random"
    assert [accepted(world, name)[1] for name in "ab"] == ["Accepted", "Accepted"]
    world.apply(rule("c", exportTo="['.']"))
    assert accepted(world, "c")[1] == "Conflicted"


def test_the_most_specific_host_of_a_namespace_wins(world):
    world.apply(rule("all", host="*", simple="ROUND_ROBIN"), rule("one", host="web"))
    assert balancer(world) == "random"
    assert balancer(world, "prod/api/80") == "round_robin"


def test_two_rules_for_one_host_the_older_then_the_first_by_name(world):
    world.apply(rule("b"), rule("a", simple="ROUND_ROBIN"))
    assert balancer(world) == "round_robin"
    assert accepted(world, "b") == (
        "False",
        "Conflicted",
        "spec.host: DestinationRule a is for web.prod.svc.cluster.local too; merge them",
    )
    world.apply(rule("b", created="2020-01-01T00:00:00Z"))
    assert balancer(world) == "random"
    assert accepted(world, "a")[1] == "Conflicted"
    assert accepted(world, "b")[1] == "Accepted"


def test_lookup_order_client_then_service_then_root(world):
    host = "web.prod.svc.cluster.local"
    world.apply(rule("root", "istio-system", host="*.local", simple="ROUND_ROBIN"))
    assert balancer(world) == "round_robin"
    world.apply(rule("own"))
    assert balancer(world) == "random"
    world.apply(rule("theirs", "shop", host=host, simple="LEAST_REQUEST"))
    assert balancer(world) == "random"
    assert balancer(world, "prod/web/80@shop") == "least_request"
    assert balancer(world, "prod/api/80@shop") is None
    assert accepted(world, "theirs", "shop")[1] == "Accepted"


def test_the_meshs_defaults_come_last_for_clients_in_the_root_namespace_too(world):
    world.apply(rule("root", "istio-system", host="*.local", simple="ROUND_ROBIN"), rule("own"))
    assert balancer(world) == "random"
    assert balancer(world, "prod/web/80@istio-system") is None
    world.apply(rule("root", "istio-system", "*.local", "ROUND_ROBIN", exportTo="['.']"))
    assert balancer(world, "prod/web/80@istio-system") == "round_robin"


def test_a_clients_own_rule_shapes_its_own_requests_only(world):
    world.apply(
        rule("theirs", "shop", host="web.prod.svc.cluster.local"),
        pod("a", "shop", ip="127.64.0.1"),
        pod("b", "prod", ip="127.64.0.2"),
        pod("c", "shop", ip="127.64.0.3", labels={"fairlead.dev/mesh": "disabled"}),
    )
    assert world.shares("mesh/shop", "prod/web/80") == [("prod/web/80@shop", 1)]
    assert world.shares("mesh/prod", "prod/web/80") == [("prod/web/80", 1)]
    assert world.shares("unmeshed/shop", "prod/web/80") == [("prod/web/80", 1)]
    own = world.clusters.endpoints.get("prod/web/80@shop")
    assert own.addresses == world.clusters.endpoints.get("prod/web/80").addresses


@pytest.mark.parametrize(
    ("export_to", "everyone", "shop", "prod"),
    [
        ("['*']", "random", None, None),
        ("['.']", "least_request", None, "random"),
        ("[shop]", "least_request", "random", None),
        ("['.', shop]", "least_request", "random", "random"),
    ],
)
def test_export_to_says_whose_clients(world, export_to, everyone, shop, prod):
    world.apply(rule(exportTo=export_to))
    assert balancer(world) == everyone
    assert balancer(world, "prod/web/80@shop") == shop
    assert balancer(world, "prod/web/80@prod") == prod


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{loadBalancer: {simple: ROUND_ROBIN}}", LoadBalancer("round_robin")),
        ("{loadBalancer: {simple: LEAST_CONN}}", LoadBalancer("least_request")),
        ("{loadBalancer: {simple: UNSPECIFIED}}", LoadBalancer("least_request")),
        ("{loadBalancer: {consistentHash: {useSourceIp: true}}}", LoadBalancer("ring_hash")),
        (
            "{loadBalancer: {consistentHash: {useSourceIp: true, ringHash: {minimumRingSize: 9}}}}",
            LoadBalancer("ring_hash", 9),
        ),
        (
            "{loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 101}}}}",
            LoadBalancer("maglev", 101),
        ),
    ],
)
def test_load_balancers(world, text, expected):
    world.apply(policy(text))
    assert world.clusters.clusters.get("prod/web/80").load_balancer == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("httpHeaderName: X-User", HashOn(header="x-user")),
        ("useSourceIp: true", HashOn(source_ip=True)),
        ("httpQueryParameterName: id", HashOn(query="id")),
        (
            "httpCookie: {name: sid, path: /a, ttl: 1.5s}",
            HashOn(cookie="sid", cookie_path="/a", cookie_ttl=1.5),
        ),
        ("httpCookie: {name: sid, ttl: 0s}", HashOn(cookie="sid", cookie_path="", cookie_ttl=0.0)),
    ],
)
def test_what_is_hashed_goes_into_the_route(world, text, expected):
    world.apply(
        policy(f"{{loadBalancer: {{consistentHash: {{{text}}}}}}}"),
        pod("a", "prod", ip="127.64.0.1"),
    )
    (found,) = world.host("mesh/prod", "prod/web/80").rules
    assert found.action.hash_on == (expected,)
    assert not_applied(world) == ""


def test_connection_pool_and_outlier_detection(world):
    world.apply(
        policy(
            """
    connectionPool:
      tcp:
        maxConnections: 7
        connectTimeout: 30ms
        idleTimeout: 1m
        maxConnectionDuration: 1h
        tcpKeepalive: {probes: 3, time: 2h, interval: 75s}
      http:
        http1MaxPendingRequests: 1
        http2MaxRequests: 100
        maxRequestsPerConnection: 10
        maxRetries: 3
        idleTimeout: 90s
        maxConcurrentStreams: 5
        h2UpgradePolicy: UPGRADE
    outlierDetection:
      consecutive5xxErrors: 0
      consecutiveGatewayErrors: 4
      consecutiveLocalOriginFailures: 6
      splitExternalLocalOriginErrors: true
      interval: 5m
      baseEjectionTime: 15s
      maxEjectionPercent: 50
      minHealthPercent: 20"""
        )
    )
    found = world.clusters.clusters.get("prod/web/80")
    assert found.connection_pool == ConnectionPool(
        max_connections=7,
        connect_timeout=0.03,
        idle_timeout=60.0,
        max_connection_duration=3600.0,
        keepalive_probes=3,
        keepalive_time=7200.0,
        keepalive_interval=75.0,
        max_pending_requests=1,
        max_requests=100,
        max_requests_per_connection=10,
        max_retries=3,
        http_idle_timeout=90.0,
        max_concurrent_streams=5,
        upgrade_to_http2=True,
    )
    assert found.outlier_detection == OutlierDetection(
        consecutive_5xx=0,
        consecutive_gateway_errors=4,
        consecutive_local_origin_failures=6,
        split_local_origin_errors=True,
        interval=300.0,
        base_ejection_time=15.0,
        max_ejection_percent=50,
        min_health_percent=20,
    )
    assert not_applied(world) == ""


def test_port_level_settings_replace_the_general_ones_as_a_whole(world):
    world.apply(
        policy(
            "{loadBalancer: {simple: RANDOM}, outlierDetection: {interval: 1s}, "
            "portLevelSettings: [{port: {number: 8080}, connectionPool: {http: {maxRetries: 2}}}]}"
        )
    )
    general = world.clusters.clusters.get("prod/web/80")
    special = world.clusters.clusters.get("prod/web/8080")
    assert (general.load_balancer.kind, general.outlier_detection.interval) == ("random", 1.0)
    assert special.load_balancer.kind == "least_request"
    assert special.outlier_detection is None
    assert special.connection_pool.max_retries == 2
    assert not_applied(world) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{tls: {mode: ISTIO_MUTUAL}}",
            (
                "spec.trafficPolicy.tls: mode ISTIO_MUTUAL is accepted, "
                "but not enforced between local processes"
            ),
        ),
        (
            "{loadBalancer: {simple: PASSTHROUGH}}",
            (
                "spec.trafficPolicy.loadBalancer.simple: PASSTHROUGH is not applied, "
                "LEAST_REQUEST is: requests name no endpoint here"
            ),
        ),
        (
            "{loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 100}}}}",
            (
                "spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize: "
                "100 is no prime number up to 5000011"
            ),
        ),
        (
            "{loadBalancer: {consistentHash: {useSourceIp: true, minimumRingSize: 9000000}}}",
            (
                "spec.trafficPolicy.loadBalancer.consistentHash.minimumRingSize: "
                "9000000 is more than 8388608"
            ),
        ),
        (
            "{loadBalancer: {consistentHash: {useSourceIp: false}}}",
            (
                "spec.trafficPolicy.loadBalancer.consistentHash: "
                "names nothing to hash, so that any endpoint takes a request"
            ),
        ),
        (
            "{loadBalancer: {warmup: {duration: 10s}}}",
            "spec.trafficPolicy.loadBalancer.warmup: not applied by this version",
        ),
        (
            "{connectionPool: {http: {useClientProtocol: true}}}",
            "spec.trafficPolicy.connectionPool.http.useClientProtocol: not applied by this version",
        ),
        (
            "{outlierDetection: {consecutiveErrors: 3}}",
            "spec.trafficPolicy.outlierDetection.consecutiveErrors: not applied by this version",
        ),
        (
            "{tunnel: {targetHost: a, targetPort: 1}}",
            "spec.trafficPolicy.tunnel: not applied by this version",
        ),
        (
            "{portLevelSettings: [{port: {number: 80}, tls: {mode: SIMPLE}}]}",
            (
                "spec.trafficPolicy.portLevelSettings[0].tls: mode SIMPLE is accepted, "
                "but not enforced between local processes"
            ),
        ),
        (
            "{portLevelSettings: [{loadBalancer: {simple: RANDOM}}]}",
            (
                "spec.trafficPolicy.portLevelSettings[0].port: port.number is missing; "
                "these settings apply to no port"
            ),
        ),
    ],
)
def test_what_is_not_applied_is_told_by_name(world, text, message):
    world.apply(policy(text))
    assert not_applied(world) == message
    assert accepted(world)[1] == "Accepted"


def test_an_outdated_value_is_applied_and_said_to_be_outdated(world):
    world.apply(policy("{loadBalancer: {simple: LEAST_CONN}}"))
    assert accepted(world) == (
        "True",
        "Accepted",
        (
            "applies to web.prod.svc.cluster.local; spec.trafficPolicy.loadBalancer.simple: "
            "LEAST_CONN is applied as LEAST_REQUEST; write that"
        ),
    )
    assert not_applied(world) == ""


def test_a_size_that_no_proxy_takes_gives_way_to_the_default(world):
    world.apply(
        policy("{loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 100}}}}")
    )
    assert world.clusters.clusters.get("prod/web/80").load_balancer == LoadBalancer("maglev")


def test_nothing_is_hashed_for_clients_outside_the_mesh(world):
    world.apply(
        policy("{loadBalancer: {consistentHash: {useSourceIp: true}}}"),
        pod("in", "prod", ip="127.64.0.1"),
        pod("out", "prod", ip="127.64.0.2", labels={"istio-injection": "disabled"}),
    )
    hashed = {
        table: world.host(table, "prod/web/80").rules[0].action.hash_on
        for table in ("mesh/prod", "unmeshed/prod")
    }
    assert hashed == {"mesh/prod": (HashOn(source_ip=True),), "unmeshed/prod": ()}


def test_subsets_are_told_with_the_way_out(world):
    world.apply(rule(subsets="[{name: v1, labels: {version: v1}}, {name: v2}]"))
    assert not_applied(world) == (
        "spec.subsets: GW153: not reachable from an HTTPRoute: v1, v2; "
        "make a Service for each version and name those in backendRefs"
    )
    assert balancer(world) == "random"


def test_a_rule_for_some_pods_only_has_no_effect(world):
    world.apply(rule(workloadSelector="{matchLabels: {app: x}}"))
    assert balancer(world) == "least_request"
    assert accepted(world)[:2] == ("False", "UnsupportedValue")


def test_a_rule_touches_its_own_services_only(world):
    events = world.apply(rule())
    assert set(events["clusters"]) == {"prod/web/80", "prod/web/8080"}
    assert "virtual_hosts" not in events
    events = world.apply(rule(simple="ROUND_ROBIN"))
    assert set(events) == {"clusters"}
