"""Routes on Gateways as things change: what is touched, and what owners are told."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.ir.backend import Forward, Invalid
from fairlead.ir.origin import Origin
from fairlead.ir.proxy_status import ProxyStatus, Rejection
from translate.world import World, objects

PROXY = "gateway/default/gate"
TABLE = f"{PROXY}/http-80"
GATE = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec: {gatewayClassName: fairlead, listeners: [{name: web, port: 80, protocol: HTTP}]}
"""
GRANT = """
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: grant, namespace: shared}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}]
  to: [{group: "", kind: Service}]
"""


def service(name, namespace="default", port=80):
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{ports: [{{port: {port}}}]}}
"""


def route(name, host="", backend="a", *, path="/", namespace="", generation=1, parent=""):
    hosts = f"hostnames: ['{host}']" if host else ""
    refs = parent or "[{name: gate}]"
    where = f", namespace: {namespace}" if namespace else ""
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, generation: {generation}}}
spec:
  parentRefs: {refs}
  {hosts}
  rules:
  - matches: [{{path: {{value: {path}}}}}]
    backendRefs: [{{name: {backend}, port: 80{where}}}]
"""


def backends(world, host="*"):
    return [backend for rule in world.rules(host) for backend in rule.action.backends]


def test_a_service_that_appears_turns_500_into_traffic_and_its_going_turns_it_back():
    world = World(GATE, route("r"))
    assert isinstance(backends(world)[0], Invalid)
    assert world.parent("r")["ResolvedRefs"].reason == "BackendNotFound"
    world.apply(service("a"))
    assert backends(world) == [
        Forward(
            "default/a/80",
            1,
            origin=Origin("HTTPRoute", "default", "r", "0", "spec.rules[0].backendRefs[0]"),
        )
    ]
    assert world.parent("r")["ResolvedRefs"].status == "True"
    world.remove("Service", "a")
    assert isinstance(backends(world)[0], Invalid)


def test_a_grant_lets_a_gateway_reach_another_namespace_only_while_it_lasts():
    world = World(GATE, service("a", "shared"), route("r", namespace="shared"))
    assert world.parent("r")["ResolvedRefs"].reason == "RefNotPermitted"
    assert backends(world)[0].reason == "RefNotPermitted"
    world.apply(GRANT)
    assert backends(world)[0].cluster == "shared/a/80"
    assert world.parent("r")["ResolvedRefs"].status == "True"
    world.remove("ReferenceGrant", "grant", "shared")
    assert backends(world)[0].reason == "RefNotPermitted"


def test_a_service_parent_needs_no_grant_and_a_gateway_parent_does():
    refs = '[{name: gate}, {name: b, kind: Service, group: ""}]'
    world = World(
        GATE, service("a", "shared"), service("b"), route("r", namespace="shared", parent=refs)
    )
    assert world.parent("r", 0)["ResolvedRefs"].reason == "RefNotPermitted"
    assert world.parent("r", 1)["ResolvedRefs"].status == "True"


def test_one_routes_change_touches_its_own_virtual_host_and_report():
    world = World(GATE, service("a"), service("b"))
    world.apply(*(route(f"r{n}", f"h{n}.example.com") for n in range(20)))
    changed = world.apply(route("r7", "h7.example.com", "b", generation=2))
    assert set(changed["virtual_hosts"]) == {(TABLE, "h7.example.com")}
    assert set(changed["reports"]) == {("HTTPRoute", "default", "r7")}
    assert set(changed["cluster_use"]) == {(PROXY, "default/b/80")}
    assert set(changed) == {"virtual_hosts", "reports", "cluster_use"}


def test_what_one_change_runs_does_not_grow_with_the_routes():
    def runs(count):
        world = World(GATE, service("a"), service("b"))
        world.apply(*(route(f"r{n}", f"h{n}.example.com") for n in range(count)))
        before = sum(each.runs for each in world.graph.dump().collections)
        world.apply(route("r7", "h7.example.com", "b", generation=2))
        return sum(each.runs for each in world.graph.dump().collections) - before

    assert runs(10) == runs(200)


def test_attached_routes_follow_the_routes_that_are_accepted():
    world = World(GATE, route("r1"), route("r2"))
    assert world.listener("web")[0].attached_routes == 2
    world.apply(
        route("r2", path='"/"').replace('value: "/"', "type: RegularExpression, value: '('")
    )
    assert world.parent("r2")["Accepted"].reason == "UnsupportedValue"
    assert world.listener("web")[0].attached_routes == 1
    world.remove("HTTPRoute", "r1")
    assert world.listener("web")[0].attached_routes == 0


def test_a_namespaces_label_decides_whether_its_routes_attach():
    gate = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  gatewayClassName: fairlead
  listeners:
  - name: web
    port: 80
    protocol: HTTP
    allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: web}}}}
"""
    namespace = "{{apiVersion: v1, kind: Namespace, metadata: {{name: default, labels: {{{}}}}}}}"
    world = World(gate, service("a"), route("r"))
    assert world.parent("r")["Accepted"].reason == "NotAllowedByListeners"
    assert world.hosts() == {}
    world.apply(namespace.format("team: web"))
    assert world.parent("r")["Accepted"].status == "True"
    assert world.hosts() == {"*": ["default/r/0/0"]}
    world.apply(namespace.format("team: shop"))
    assert world.hosts() == {}


def test_requests_that_a_specific_host_does_not_take_go_on_to_wider_ones():
    world = World(
        GATE,
        service("a"),
        route("exact", "a.example.com", path="/exact"),
        route("wild", "*.example.com", path="/wild/longer"),
        route("none", path="/none/even/longer"),
    )
    assert world.hosts()["a.example.com"] == [
        "default/exact/0/0",
        "default/wild/0/0",
        "default/none/0/0",
    ]
    assert world.hosts()["*.example.com"] == ["default/wild/0/0", "default/none/0/0"]
    world.remove("HTTPRoute", "wild")
    assert world.hosts() == {
        "a.example.com": ["default/exact/0/0", "default/none/0/0"],
        "*": ["default/none/0/0"],
    }


def test_equal_intersections_are_ordered_by_what_the_routes_say():
    gate = GATE.replace("protocol: HTTP", "protocol: HTTP, hostname: a.example.com")
    world = World(
        gate,
        service("a"),
        route("a-none", path="/longest/of/all"),
        route("b-wild", "*.example.com", path="/longer"),
        route("c-exact", "a.example.com"),
    )
    assert world.hosts() == {
        "a.example.com": ["default/c-exact/0/0", "default/b-wild/0/0", "default/a-none/0/0"]
    }


def test_a_refused_virtual_host_is_told_on_the_route_with_the_proxys_words():
    world = World(GATE, service("a"), route("r", "a.example.com"), route("other"))
    origin = Origin("HTTPRoute", "default", "r", "0")
    rejection = Rejection("type", TABLE, "a.example.com", "no such thing", (origin,))
    changed = world.apply(ProxyStatus(PROXY, connected=True, rejections=(rejection,)))
    condition = world.parent("r")["PartiallyInvalid"]
    assert (condition.status, condition.reason) == ("True", "UnsupportedValue")
    assert condition.message.startswith("Fall Back")
    assert "no such thing" in condition.message
    assert "PartiallyInvalid" not in world.parent("other")
    assert ("HTTPRoute", "default", "other") not in changed["reports"]


def test_programmed_follows_what_the_proxy_acknowledges():
    world = World(GATE, address="")
    assert world.gateway()["Programmed"].message == "waiting for an address"
    world.address = "127.0.0.1"
    world.apply(GATE)
    assert world.gateway()["Programmed"].reason == "Pending"
    world.apply(ProxyStatus(PROXY, connected=True))
    assert "acknowledge port 80" in world.gateway()["Programmed"].message
    world.apply(ProxyStatus(PROXY, connected=True, listeners=("http-80",)))
    assert world.gateway()["Programmed"].status == "True"
    assert world.listener("web")[1]["Programmed"].status == "True"
    assert world.report("Gateway", "gate").addresses == (("IPAddress", "127.0.0.1"),)
    world.apply(ProxyStatus(PROXY, connected=False, listeners=("http-80",)))
    assert world.gateway()["Programmed"].reason == "Pending"


def test_a_listener_that_the_proxy_refuses_carries_its_words():
    world = World(GATE)
    rejection = Rejection("type", "http-80", "", "cannot bind")
    world.apply(ProxyStatus(PROXY, connected=True, rejections=(rejection,)))
    condition = world.listener("web")[1]["Programmed"]
    assert (condition.status, condition.reason) == ("False", "Invalid")
    assert "cannot bind" in condition.message
    assert "cannot bind" in world.gateway()["Programmed"].message


def test_privileged_ports_are_shifted_and_a_taken_one_is_refused():
    world = World(
        GATE.replace(
            "[{name: web, port: 80, protocol: HTTP}]",
            "[{name: web, port: 80, protocol: HTTP}, {name: alt, port: 10080, protocol: HTTP}]",
        ),
        port_offset=10000,
    )
    assert world.listener("web")[1]["Accepted"].reason == "PortUnavailable"
    assert [key for key, _ in world.outputs.listeners.items()] == [(PROXY, "http-10080")]
    world.apply(GATE)
    listener = world.outputs.listeners.get((PROXY, "http-80"))
    assert (listener.port, listener.bind_port) == (80, 10080)


def test_outside_standalone_an_unknown_class_or_parent_is_another_controllers():
    foreign = GATE.replace("fairlead", "unknown")
    lost = route("r", parent="[{name: lost}, {name: x, kind: Thing, group: example.com}]")
    world = World(foreign, lost, standalone=False)
    assert world.report("Gateway", "gate") is None
    assert world.report("HTTPRoute", "r") is None
    world = World(foreign, lost)
    assert world.gateway()["Accepted"].status == "True"
    assert world.parent("r", 0)["Accepted"].reason == "NoMatchingParent"
    assert world.parent("r", 1)["Accepted"].reason == "NoMatchingParent"


def test_conditions_carry_the_generation_they_were_decided_on():
    world = World(GATE, service("a"), route("r", generation=4))
    report = world.report("HTTPRoute", "r")
    assert {each.observed_generation for each in report.parents[0].conditions} == {4}
    world.apply(route("r", generation=5))
    assert {each.observed_generation for each in world.parent("r").values()} == {5}


POOL = [
    GATE,
    GATE.replace("name: gate", "name: second"),
    GRANT,
    service("a"),
    service("b"),
    service("a", "shared"),
    route("r1", "a.example.com"),
    route("r2", "*.example.com", "b", path="/b"),
    route("r3", backend="b", path="/longer"),
    route("r4", "a.example.com", namespace="shared"),
    route("r5", "a.example.com", parent="[{name: second}, {name: gate}]"),
    route("r6", parent='[{name: a, kind: Service, group: ""}, {name: gate}]'),
]


def state(world):
    edges = ("fleet", "listeners", "virtual_hosts", "clusters", "cluster_use", "reports")
    return {edge: dict(sorted(getattr(world.outputs, edge).items())) for edge in edges}


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.permutations(POOL), st.lists(st.sampled_from(POOL), max_size=6))
def test_any_order_of_arrival_and_any_detour_end_in_the_same_ir(order, detour):
    expected = state(World(*POOL))
    world = World()
    for text in order:
        world.apply(text)
    for text in detour:
        (item,) = objects(text)
        world.remove(item.kind, item.metadata.name, item.metadata.namespace)
    world.apply(*random.Random(len(detour)).sample(POOL, len(POOL)))
    assert state(world) == expected


@pytest.mark.parametrize("group", ["core", "gateway.networking.k8s.io"])
def test_a_service_parent_of_the_wrong_group_is_told_the_fix(group):
    world = World(route("r", parent=f"[{{name: a, kind: Service, group: {group}}}]"))
    condition = world.parent("r")["Accepted"]
    assert condition.status == "False"
    assert condition.message.endswith('write group: ""')
