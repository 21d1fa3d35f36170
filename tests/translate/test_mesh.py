"""Whose requests go by which rules: GEP-1294 on the level of virtual hosts."""

import pytest

from fairlead.ir.fleet import Proxy
from fairlead.translate.mesh_hosts import domains
from translate.mesh_world import World, pod

SERVICES = """
kind: Service
metadata: {name: backend, namespace: prod}
spec:
  selector: {app: backend}
  ports: [{name: web, port: 80, targetPort: 5678}, {name: alt, port: 8080}]
---
kind: Service
metadata: {name: v1, namespace: prod}
spec: {selector: {app: backend, version: v1}, ports: [{port: 80, targetPort: 5678}]}
---
kind: Service
metadata: {name: v2, namespace: prod}
spec: {selector: {app: backend, version: v2}, ports: [{port: 80, targetPort: 5678}]}
"""
PRODUCER = """
kind: HTTPRoute
metadata: {name: split, namespace: prod}
spec:
  parentRefs: [{group: "", kind: Service, name: backend, port: 80}]
  rules: [{backendRefs: [{name: v1, port: 80, weight: 90}, {name: v2, port: 80, weight: 10}]}]
"""
CONSUMER = """
kind: HTTPRoute
metadata: {name: mine, namespace: shop}
spec:
  parentRefs: [{group: "", kind: Service, name: backend, namespace: prod, port: 80}]
  rules: [{backendRefs: [{name: v2, namespace: prod, port: 80}]}]
"""
PODS = (
    pod("client", "prod", ip="127.64.0.1"),
    pod("client", "shop", ip="127.64.0.2"),
    pod("outside", "shop", ip="127.64.0.3", labels={"sidecar.istio.io/inject": "false"}),
)
PRODUCED = [("prod/v1/80", 90), ("prod/v2/80", 10)]
PLAIN = [("prod/backend/80", 1)]


@pytest.fixture
def world():
    world = World()
    world.apply(SERVICES, *PODS)
    return world


def test_without_a_route_a_service_port_is_its_endpoints(world):
    assert world.shares("mesh/prod", "prod/backend/80") == PLAIN
    assert world.shares("mesh/shop", "prod/backend/8080") == [("prod/backend/8080", 1)]


def test_a_producer_route_governs_clients_of_every_namespace(world):
    world.apply(PRODUCER)
    assert world.shares("mesh/prod", "prod/backend/80") == PRODUCED
    assert world.shares("mesh/shop", "prod/backend/80") == PRODUCED


def test_pods_that_opted_out_get_the_plain_service(world):
    world.apply(PRODUCER)
    assert world.shares("unmeshed/shop", "prod/backend/80") == PLAIN
    assert world.host("unmeshed/prod", "prod/backend/80") is None


def test_a_consumer_route_wins_in_its_own_namespace_and_acts_nowhere_else(world):
    world.apply(PRODUCER, CONSUMER)
    assert world.shares("mesh/shop", "prod/backend/80") == [("prod/v2/80", 1)]
    assert world.shares("mesh/prod", "prod/backend/80") == PRODUCED


def test_when_the_consumer_route_goes_the_producers_come_back(world):
    world.apply(PRODUCER, CONSUMER)
    world.remove(world.sources.http_routes, ("shop", "mine"))
    assert world.shares("mesh/shop", "prod/backend/80") == PRODUCED
    world.remove(world.sources.http_routes, ("prod", "split"))
    assert world.shares("mesh/shop", "prod/backend/80") == PLAIN


@pytest.mark.parametrize(
    ("restriction", "governed"),
    [
        ("port: 80", [80]),
        ("sectionName: alt", [8080]),
        ("port: 8080, sectionName: alt", [8080]),
        ("port: 80, sectionName: alt", []),
        ("port: 9999", []),
    ],
)
def test_port_and_section_name_restrict_a_route(world, restriction, governed):
    world.apply(PRODUCER.replace("port: 80}]\n  rules", restriction + "}]\n  rules"))
    found = [
        port for port in (80, 8080) if world.shares("mesh/prod", f"prod/backend/{port}") == PRODUCED
    ]
    assert found == governed


def test_a_route_without_port_governs_all_of_them(world):
    world.apply(PRODUCER.replace(", port: 80}]\n  rules", "}]\n  rules"))
    assert world.shares("mesh/prod", "prod/backend/80") == PRODUCED
    assert world.shares("mesh/prod", "prod/backend/8080") == PRODUCED


def test_a_route_replaces_the_default_so_what_it_does_not_match_is_404(world):
    world.apply(PRODUCER.replace("[{backendRefs", "[{matches: [{path: {value: /v1}}], backendRefs"))
    (rule,) = world.host("mesh/prod", "prod/backend/80").rules
    assert rule.match.path.value == "/v1"


def test_routes_of_one_port_are_merged_by_precedence(world):
    longer = PRODUCER.replace("split", "a-longer").replace(
        "[{backendRefs", "[{matches: [{path: {value: /v1/x}}], backendRefs"
    )
    world.apply(PRODUCER, longer)
    rules = world.host("mesh/prod", "prod/backend/80").rules
    assert [rule.name for rule in rules] == ["prod/a-longer/0/0", "prod/split/0/0"]
    world.remove(world.sources.http_routes, ("prod", "a-longer"))
    rules = world.host("mesh/prod", "prod/backend/80").rules
    assert [rule.name for rule in rules] == ["prod/split/0/0"]


def test_hostnames_of_a_route_do_not_matter_to_a_service_parent(world):
    world.apply(PRODUCER.replace("spec:", "spec:\n  hostnames: [shop.example.com]"))
    host = world.host("mesh/prod", "prod/backend/80")
    assert world.shares("mesh/prod", "prod/backend/80") == PRODUCED
    assert "shop.example.com" not in host.domains


def test_backends_in_other_namespaces_need_no_reference_grant(world):
    world.apply(CONSUMER)
    assert world.shares("mesh/shop", "prod/backend/80") == [("prod/v2/80", 1)]


def test_a_backend_that_does_not_exist_keeps_its_share_as_invalid(world):
    world.apply(PRODUCER.replace("name: v2", "name: v3"))
    (rule,) = world.host("mesh/prod", "prod/backend/80").rules
    valid, invalid = rule.action.backends
    assert valid.cluster == "prod/v1/80"
    assert (invalid.weight, invalid.reason) == (10, "BackendNotFound")
    world.apply(SERVICES.replace("name: v2", "name: v3"))
    assert world.shares("mesh/prod", "prod/backend/80")[1] == ("prod/v3/80", 10)


def test_one_routes_change_touches_its_own_virtual_hosts_only(world):
    world.apply(PRODUCER)
    events = world.apply(PRODUCER.replace("weight: 10", "weight: 11"))
    assert set(events) == {"virtual_hosts"}
    assert set(events["virtual_hosts"]) == {
        ("mesh/prod", "prod/backend/80"),
        ("mesh/shop", "prod/backend/80"),
    }


def test_a_service_of_its_own_touches_no_other(world):
    events = world.apply(SERVICES.replace("name: v1", "name: v9").split("---")[1])
    assert {name.split("/")[1] for _, name in events["virtual_hosts"]} == {"v9"}


def test_what_is_no_service_passes_through(world):
    host = world.host("mesh/shop", "*")
    assert host.domains == ("*",)
    assert world.shares("mesh/shop", "*") == [("passthrough", 1)]
    assert world.clusters.clusters.get("passthrough").passthrough


def test_each_pod_has_a_listener_on_its_own_address(world):
    listener = world.mesh.listeners.get(("mesh", "outbound/shop/outside"))
    assert (listener.address, listener.bind_port) == ("127.64.0.3", 15001)
    assert listener.table == "unmeshed/shop"
    assert world.mesh.listeners.get(("mesh", "outbound/prod/client")).table == "mesh/prod"


def test_a_pod_without_address_has_no_listener_yet():
    world = World()
    world.apply(SERVICES, pod("pending", "prod", ip="", ready=False))
    assert len(world.mesh.listeners) == 0
    assert len(world.mesh.fleet) == 0
    assert len(world.mesh.virtual_hosts) == 0


def test_the_mesh_proxy_is_there_while_a_pod_is(world):
    assert dict(world.mesh.fleet.items()) == {"mesh": Proxy("mesh", "mesh")}
    for each in PODS:
        world.remove(world.sources.workloads, (each.namespace, each.name))
    assert {
        name: len(each)
        for name, each in world.watched.items()
        if name in {"fleet", "listeners", "virtual_hosts"}
    } == {
        "fleet": 0,
        "listeners": 0,
        "virtual_hosts": 0,
    }
    assert world.clusters.clusters.get("passthrough") is None


def test_a_namespace_opts_out_and_a_pod_of_it_opts_in(world):
    world.apply(
        "kind: Namespace\nmetadata: {name: shop, labels: {istio-injection: disabled}}",
        pod("brave", "shop", ip="127.64.0.9", labels={"fairlead.dev/mesh": "enabled"}),
    )
    assert world.mesh.listeners.get(("mesh", "outbound/shop/client")).table == "unmeshed/shop"
    assert world.mesh.listeners.get(("mesh", "outbound/shop/brave")).table == "mesh/shop"


def test_a_port_that_takes_no_http_has_no_virtual_host(world):
    world.apply(
        SERVICES.replace("{name: alt, port: 8080}", "{name: alt, port: 8080, protocol: UDP}")
    )
    assert world.host("mesh/prod", "prod/backend/8080") is None
    assert world.clusters.clusters.get("prod/backend/8080") is None


def test_names_by_which_a_service_is_called(world):
    address = world.mesh.addresses.get(("prod", "backend")).address
    assert world.host("mesh/shop", "prod/backend/8080").domains == tuple(
        sorted(
            f"{name}:8080"
            for name in (
                "backend.prod",
                "backend.prod.svc",
                "backend.prod.svc.cluster.local",
                address,
            )
        )
    )
    assert "backend" in world.host("mesh/prod", "prod/backend/80").domains
    assert "backend:80" in world.host("mesh/prod", "prod/backend/80").domains
    assert "backend" not in world.host("mesh/shop", "prod/backend/80").domains


def test_an_ipv6_address_is_written_in_brackets():
    assert "[fd00::1]:80" in domains(("ns", "svc", 80), "ns", "fd00::1", "cluster.local")


def test_no_domain_is_claimed_twice_in_a_table(world):
    for table in ("mesh/prod", "mesh/shop", "unmeshed/shop"):
        found = [
            domain
            for (name, _), host in world.mesh.virtual_hosts.items()
            if name == table
            for domain in host.domains
        ]
        assert len(found) == len(set(found)) > 8


@pytest.mark.parametrize(
    ("service", "reason", "words"),
    [
        ("name: other", "NoMatchingParent", "Service prod/backend does not exist"),
        (
            "name: backend",
            "NoMatchingParent",
            "Service prod/backend has no port 8080; it has 80 (web)",
        ),
    ],
)
def test_why_a_service_is_no_parent(service, reason, words):
    world = World()
    world.apply(
        f"kind: Service\nmetadata: {{{service}, namespace: prod}}\n"
        "spec: {ports: [{name: web, port: 80}]}",
        PRODUCER.replace("name: backend, port: 80", "name: backend, port: 8080"),
    )
    assert refusal(world) == (reason, words)


def test_external_names_and_ports_without_http_are_no_parents():
    world = World()
    world.apply(
        PRODUCER,
        "kind: Service\nmetadata: {name: backend, namespace: prod}\n"
        "spec: {type: ExternalName, externalName: example.com, ports: [{port: 80}]}",
    )
    assert refusal(world)[0] == "UnsupportedValue"
    world.apply(
        "kind: Service\nmetadata: {name: backend, namespace: prod}\n"
        "spec: {ports: [{port: 80, appProtocol: https}]}"
    )
    assert refusal(world)[1] == (
        "an HTTPRoute cannot govern Service prod/backend port 80: "
        "its appProtocol is https, which needs a BackendTLSPolicy"
    )


def refusal(world):
    """What is said about the first parentRef of prod/split."""
    return world.parents.get(("prod", "split"))
