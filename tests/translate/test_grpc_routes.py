"""GRPCRoutes as things change: rivals of another kind on a Service port, and what is touched."""

import pytest

from fairlead.ir.match import PathExact, PathPrefix, PathRegex
from fairlead.ir.workload import Workload
from fairlead.translate import grpc_rule
from fairlead.translate.finding import Finding
from translate.world import World, objects

CLIENT = Workload("default", "client", (), "127.1.0.1", ready=True)
SERVICES = "---".join(
    f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{name: a, port: 7070}}, {{name: b, port: 80}}]}}
"""
    for name in ("users", "other")
)
TABLE = "mesh/default"
LARGE = "a{999}" * 6
"""Proxies take it alone, but not twice."""


def route(kind, name, service="users", *, port=None, rules="[{}]", namespace="default"):
    at = f", port: {port}" if port else ""
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  parentRefs: [{{group: "", kind: Service, name: {service}, namespace: default{at}}}]
  rules: {rules}
"""


def accepted(world, kind, name, namespace="default"):
    (parent,) = world.report(kind, name, namespace).parents
    found = {each.type: each for each in parent.conditions}["Accepted"]
    return found.status, found.reason, found.message


def governed(world, port, service="users"):
    """Names of the rules for a Service port."""
    host = world.outputs.virtual_hosts.get((TABLE, f"default/{service}/{port}"))
    return [rule.name for rule in host.rules]


def test_the_first_grpc_route_takes_a_port_over_and_the_last_one_gives_it_back():
    world = World(SERVICES, CLIENT, route("HTTPRoute", "web", port=7070))
    assert governed(world, 7070) == ["default/web/0/0"]
    world.apply(route("GRPCRoute", "calls", port=7070))
    assert governed(world, 7070) == ["grpc/default/calls/0/0"]
    status, reason, message = accepted(world, "HTTPRoute", "web")
    assert (status, reason) == ("False", "Conflicted")
    assert "GRPCRoute calls" in message
    world.apply(route("GRPCRoute", "more", port=7070))
    world.remove("GRPCRoute", "calls")
    assert governed(world, 7070) == ["grpc/default/more/0/0"]
    world.remove("GRPCRoute", "more")
    assert governed(world, 7070) == ["default/web/0/0"]
    assert accepted(world, "HTTPRoute", "web")[:2] == ("True", "Accepted")


def test_a_port_that_no_grpc_route_names_stays_with_http_routes():
    world = World(SERVICES, CLIENT, route("HTTPRoute", "web"))
    world.apply(route("GRPCRoute", "calls", port=7070))
    assert governed(world, 7070) == ["grpc/default/calls/0/0"]
    assert governed(world, 80) == ["default/web/0/0"]
    assert accepted(world, "HTTPRoute", "web")[0] == "True"


def test_routes_of_another_namespace_are_no_rivals():
    consumer = route("HTTPRoute", "web", port=7070, namespace="shop")
    theirs = Workload("shop", "client", (), "127.1.0.2", ready=True)
    world = World(SERVICES, CLIENT, theirs, consumer, route("GRPCRoute", "calls", port=7070))
    assert accepted(world, "HTTPRoute", "web", "shop")[0] == "True"
    assert accepted(world, "GRPCRoute", "calls")[0] == "True"
    assert governed(world, 7070) == ["grpc/default/calls/0/0"]
    shop = world.outputs.virtual_hosts.get(("mesh/shop", "default/users/7070"))
    assert [rule.name for rule in shop.rules] == ["shop/web/0/0"]


def test_a_change_touches_the_ports_of_the_route_alone():
    calls = route(
        "GRPCRoute", "calls", port=7070, rules="[{backendRefs: [{name: other, port: 80}]}]"
    )
    world = World(SERVICES, CLIENT, calls, route("GRPCRoute", "more", "other"))
    changed = world.apply(calls.replace("port: 80}", "port: 7070}"))
    assert set(changed["virtual_hosts"]) == {(TABLE, "default/users/7070")}


def test_tunnels_lead_where_http2_is_spoken():
    declared = SERVICES.replace("name: b, port: 80", "name: b, port: 80, appProtocol: grpc")
    world = World(SERVICES, CLIENT)
    ports = {(service, port) for service in ("users", "other") for port in (80, 7070)}

    def open_for(world):
        host = world.outputs.virtual_hosts.get
        return {each for each in ports if host((TABLE, "default/{}/{}".format(*each))).tunnel}

    assert open_for(world) == set()
    world.apply(route("GRPCRoute", "calls", port=7070), declared)
    assert open_for(world) == {("users", 7070), ("users", 80), ("other", 80)}


def match(text):
    """The first match of a GRPCRoute, compiled."""
    (found,) = objects(route("GRPCRoute", "r", rules=f"[{{matches: [{text}]}}]"))
    return grpc_rule.match(found.spec.rules[0].matches[0], "matches[0]")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{}", PathPrefix("/")),
        ("{method: {service: a.B, method: C}}", PathExact("/a.B/C")),
        ("{method: {service: a.B}}", PathPrefix("/a.B")),
        ("{method: {method: C_1}}", PathRegex("/[^/]+/C_1")),
        ("{method: {service: '', method: C}}", PathRegex("/[^/]+/C")),
        ("{method: {type: RegularExpression, service: a|b}}", PathRegex("/(?:a|b)/[^/]+")),
        ("{method: {type: RegularExpression, service: ^a$}}", PathRegex("/(?:a)/[^/]+")),
        (
            "{method: {type: RegularExpression, service: '(?i)^a$|^[$|]', method: '^(b$)$|c\\$$'}}",
            PathRegex(r"/(?:(?i)a|[$|])/(?:(b$)|c\$)"),
        ),
        (
            "{method: {type: RegularExpression, service: a, method: b|c}}",
            PathRegex("/(?:a)/(?:b|c)"),
        ),
    ],
)
def test_methods_are_paths(text, path):
    found = match(text)
    assert (found.path, found.grpc) == (path, True)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{method: {type: RegularExpression, service: 'a)|(b'}}", "method.service"),
        ("{method: {type: RegularExpression, method: '['}}", "method.method"),
        (
            f"{{method: {{type: RegularExpression, service: '{LARGE}', method: '{LARGE}'}}}}",
            "method",
        ),
        ("{headers: [{name: x, value: '(', type: RegularExpression}]}", "headers[0].value"),
    ],
)
def test_expressions_that_proxies_refuse_are_named(text, field):
    (fault,) = match(text)
    assert isinstance(fault, Finding)
    assert (fault.reason, fault.field) == ("UnsupportedValue", f"matches[0].{field}")
