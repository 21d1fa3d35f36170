"""What stands behind a Service port."""

import pytest

from translate.mesh_world import World, pod

SERVICE = """
kind: Service
metadata: {name: web}
spec: {selector: {app: web, tier: front}, ports: [{name: http, port: 80, targetPort: http}]}
"""
LABELS = {"app": "web", "tier": "front"}
BARE = "kind: Service\nmetadata: {name: web}\nspec: {ports: [{name: http, port: 80}]}\n"
SLICE = """
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 9000}, {name: other, port: 9001}]
endpoints:
- {addresses: [10.0.0.1]}
- {addresses: [10.0.0.2], conditions: {ready: false}}
"""


def web(name, number, **facts):
    facts = {"labels": LABELS, "ports": (("http", 8080),), **facts}
    return pod(name, ip=f"127.64.0.{number}", **facts)


def ready(world, cluster="default/web/80"):
    return [(each.address, each.port) for each in world.clusters.endpoints.get(cluster).addresses]


def test_ready_pods_with_all_labels_of_the_selector():
    world = World()
    world.apply(
        SERVICE,
        web("b", 2),
        web("a", 1),
        web("sick", 3, ready=False),
        web("leaving", 4, ready=False, terminating=True),
        web("other", 5, labels={"app": "web"}),
        web("another", 8, labels={"app": "other", "tier": "front"}),
        web("elsewhere", 6, namespace="shop"),
        web("done", 7, phase="Succeeded"),
    )
    assert ready(world) == [("127.64.0.1", 8080), ("127.64.0.2", 8080)]
    assert world.clusters.endpoints.get("default/web/80").addresses[0].pod == "default/a"


def test_a_target_port_by_number_and_none_at_all():
    world = World()
    world.apply(SERVICE.replace("targetPort: http", "targetPort: 5678"), web("a", 1))
    assert ready(world) == [("127.64.0.1", 5678)]
    world.apply(SERVICE.replace(", targetPort: http", ""))
    assert ready(world) == [("127.64.0.1", 80)]


def test_a_named_target_port_is_each_pods_own():
    world = World()
    world.apply(SERVICE, web("a", 1), web("b", 2, ports=(("http", 9090),)), web("c", 3, ports=()))
    assert ready(world) == [("127.64.0.1", 8080), ("127.64.0.2", 9090)]


def test_no_ready_pod_is_an_empty_list_not_a_missing_one():
    world = World()
    world.apply(SERVICE)
    assert ready(world) == []


def test_unready_addresses_are_published_where_the_service_says_so():
    world = World()
    world.apply(
        SERVICE.replace("{selector", "{publishNotReadyAddresses: true, selector"),
        web("a", 1, ready=False),
    )
    assert ready(world) == [("127.64.0.1", 8080)]


def test_a_stopping_pod_serves_only_while_nothing_else_does():
    world = World()
    world.apply(SERVICE, web("a", 1, terminating=True))
    assert ready(world) == [("127.64.0.1", 8080)]
    world.apply(web("b", 2))
    assert ready(world) == [("127.64.0.2", 8080)]


def test_one_pods_readiness_touches_its_own_services_only():
    world = World()
    other = SERVICE.replace("name: web}", "name: other}").replace("tier: front", "tier: back")
    world.apply(SERVICE, other, web("a", 1), web("b", 2, labels={"app": "web", "tier": "back"}))
    events = world.apply(web("a", 1, ready=False))
    assert set(events["endpoints"]) == {"default/web/80"}
    assert "virtual_hosts" not in events
    assert "clusters" not in events


def test_a_pod_that_shares_only_a_common_label_wakes_nobody():
    world = World()
    common = {"app": "web"}
    world.apply(SERVICE, web("a", 1), web("x", 2, labels=common), web("y", 3, labels=common))
    before = runs(world)
    world.apply(web("x", 2, labels=common, ready=False))
    assert runs(world) == before
    world.apply(web("a", 1, ready=False))
    assert runs(world) == before + 1


def runs(world):
    """How often the addresses of a Service port have been worked out."""
    (found,) = (each for each in world.graph.dump().collections if each.name == "addresses")
    return found.runs


def test_slices_are_the_endpoints_of_a_service_without_selector():
    world = World()
    world.apply(BARE, SLICE)
    assert ready(world) == [("10.0.0.1", 9000)]
    world.apply(
        SLICE.replace("web-1", "web-2").replace("10.0.0.1", '"fd00::1"').replace("IPv4", "IPv6")
    )
    assert ready(world) == [("10.0.0.1", 9000), ("fd00::1", 9000)]
    world.remove(world.sources.endpoint_slices, ("default", "web-1"))
    assert ready(world) == [("fd00::1", 9000)]


def test_slices_and_selected_pods_add_up_and_count_once():
    world = World()
    world.apply(SERVICE, web("a", 1), SLICE, SLICE.replace("web-1", "web-2"))
    assert ready(world) == [("10.0.0.1", 9000), ("127.64.0.1", 8080)]


@pytest.mark.parametrize(
    "change",
    [
        ("name: http", "name: admin"),
        ("name: http, port: 9000", "name: http, protocol: UDP, port: 9000"),
        ("name: http, port: 9000", "name: http"),
        ("service-name: web", "service-name: another"),
        ("[10.0.0.1]", "[a.example.com]"),
        (
            "[10.0.0.1]}",
            "[10.0.0.1], conditions: {ready: false, serving: false, terminating: true}}",
        ),
    ],
)
def test_slices_that_do_not_count(change):
    world = World()
    world.apply(BARE, SLICE.replace(*change))
    assert ready(world) == []


def test_a_headless_service_is_reached_like_any_other():
    world = World()
    world.apply(SERVICE.replace("{selector", "{clusterIP: None, selector"), web("a", 1))
    assert ready(world) == [("127.64.0.1", 8080)]


def test_what_a_services_owner_is_told():
    world = World()
    world.apply(SERVICE)
    assert world.condition("services", ("default", "web"), "EndpointsReady") == (
        "False",
        "NoMatchingPods",
        "port 80: 0 of 0 endpoints ready; no pod with the labels app=web,tier=front offers them",
    )
    pending = [
        pod(name, ip="", labels=LABELS, ready=False, ports=(("http", 8080),)) for name in "ab"
    ]
    world.apply(*pending)
    assert world.condition("services", ("default", "web"), "EndpointsReady") == (
        "False",
        "NoReadyEndpoints",
        "port 80: 0 of 2 endpoints ready",
    )
    world.apply(web("a", 1, ready=False), web("b", 2, ready=False))
    assert world.condition("services", ("default", "web"), "EndpointsReady") == (
        "False",
        "NoReadyEndpoints",
        "port 80: 0 of 2 endpoints ready",
    )
    world.apply(web("a", 1))
    assert world.condition("services", ("default", "web"), "EndpointsReady") == (
        "True",
        "EndpointsReady",
        "port 80: 1 of 2 endpoints ready",
    )
    world.apply(
        "kind: Service\nmetadata: {name: web}\nspec: {type: ExternalName, externalName: x.example}"
    )
    assert world.condition("services", ("default", "web"), "Routable")[1] == "ExternalName"
    assert world.condition("services", ("default", "web"), "EndpointsReady") is None


@pytest.mark.parametrize(
    ("port", "protocol"),
    [
        ("{port: 80}", "http"),
        ("{port: 80, appProtocol: http}", "http"),
        ("{port: 80, appProtocol: kubernetes.io/h2c}", "h2c"),
        ("{port: 80, appProtocol: grpc}", "h2c"),
        ("{port: 80, name: grpc-api}", "h2c"),
        ("{port: 80, name: grpc, appProtocol: http}", "http"),
        ("{port: 80, appProtocol: kubernetes.io/ws}", "ws"),
        ("{port: 80, appProtocol: example.com/mine}", "http"),
    ],
)
def test_how_http_is_spoken_to_a_port(port, protocol):
    world = World()
    world.apply(f"kind: Service\nmetadata: {{name: web}}\nspec: {{ports: [{port}]}}")
    assert world.clusters.clusters.get("default/web/80").protocol == protocol
    warned = world.condition("services", ("default", "web"), "Warning") is not None
    assert warned == ("example.com" in port)


@pytest.mark.parametrize(
    "port",
    ["protocol: UDP", "protocol: SCTP", "appProtocol: https", "appProtocol: tcp"],
)
def test_ports_that_take_no_http(port):
    world = World()
    world.apply(f"kind: Service\nmetadata: {{name: web}}\nspec: {{ports: [{{port: 80, {port}}}]}}")
    assert world.clusters.clusters.get("default/web/80") is None
    assert world.condition("services", ("default", "web"), "Routable")[1] == "UnsupportedProtocol"


def test_of_two_ports_with_one_number_the_one_that_takes_http_counts():
    world = World()
    world.apply(
        "kind: Service\nmetadata: {name: dns}\n"
        "spec: {ports: [{name: u, port: 53, protocol: UDP}, {name: t, port: 53}]}"
    )
    assert world.clusters.ports.get(("default", "dns", 53)).name == "t"


def test_session_affinity_is_told_to_be_without_effect():
    world = World()
    world.apply(SERVICE.replace("{selector", "{sessionAffinity: ClientIP, selector"))
    assert (
        "consistentHash.useSourceIp"
        in world.condition("services", ("default", "web"), "Warning")[2]
    )


def slices(world):
    """Of each generated slice: its ports, and (address, ready, serving, terminating, pod)."""
    return [
        (
            [(port.name, port.port, port.protocol) for port in made.ports],
            [
                (
                    *each.addresses,
                    each.conditions.ready,
                    each.conditions.serving,
                    each.conditions.terminating,
                    each.target_ref.name,
                )
                for each in made.endpoints
            ],
        )
        for _, made in world.clusters.endpoint_slices.items()
    ]


def test_selected_pods_are_told_in_slices_with_their_conditions():
    world = World()
    world.apply(
        SERVICE,
        web("a", 1),
        web("sick", 2, ready=False),
        web("leaving", 3, terminating=True),
        web("done", 4, phase="Succeeded"),
        pod("waiting", ip="", labels=LABELS, ready=False, reason="ImageNotMapped"),
        web("elsewhere", 5, namespace="shop"),
    )
    endpoints = [
        ("127.64.0.1", True, True, False, "a"),
        ("127.64.0.3", False, True, True, "leaving"),
        ("127.64.0.2", False, False, False, "sick"),
    ]
    assert slices(world) == [([("http", 8080, "TCP")], endpoints)]
    ((key, made),) = world.clusters.endpoint_slices.items()
    assert made.key == key
    assert key[0] == "default"
    assert key[1].startswith("web-")
    assert made.service_name == "web"
    assert made.metadata.owner_references[0].name == "web"
    world.apply(SERVICE.replace("spec: {", "spec: {publishNotReadyAddresses: true, "))
    assert [each[1] for each in slices(world)[0][1]] == [True, True, True]


def test_pods_with_other_numbers_for_a_named_port_are_in_a_slice_of_their_own():
    world = World()
    world.apply(SERVICE, web("a", 1), web("b", 2, ports=(("http", 9090),)), web("c", 3, ports=()))
    found = sorted((ports[0][1], endpoints[0][-1]) for ports, endpoints in slices(world))
    assert found == [(8080, "a"), (9090, "b")]


def test_slices_tell_what_clusters_have():
    """Read as if they were written by somebody, they give the same endpoints."""
    world = World()
    world.apply(
        SERVICE, web("a", 1), web("b", 2, ports=(("http", 9090),)), web("sick", 3, ready=False)
    )
    other = World()
    other.apply(SERVICE.replace("selector: {app: web, tier: front}, ", ""))
    other.apply(*(made for _, made in world.clusters.endpoint_slices.items()))
    cluster = "default/web/80"
    assert other.clusters.endpoints.get(cluster) == world.clusters.endpoints.get(cluster)


def test_a_service_without_pods_has_an_empty_slice_and_one_without_selector_none():
    world = World()
    world.apply(SERVICE)
    assert slices(world) == [([], [])]
    world.apply(BARE)
    assert slices(world) == []
    world.apply(SLICE)
    assert [key for key, _ in world.clusters.endpoint_slices.items()] == [("default", "web-1")]
