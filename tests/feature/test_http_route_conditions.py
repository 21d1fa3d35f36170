"""What becomes of an HTTPRoute is told in its status: conditions, generations, parentRefs."""

import pytest

from feature.harness import dump
from feature.route_scene import Manifest, both, forward, route, service, service_parent

NO_ROUTES = Manifest("""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: no-routes, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: GRPCRoute}]}}
""")
FOREIGN = Manifest("""\
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: foreign}
spec: {controllerName: other.example/controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: foreign, namespace: default}
spec:
  gatewayClassName: foreign
  listeners:
  - {name: http, port: 80, protocol: HTTP}
""")


def attached(name: str, parents: str, rules: str = "", hostnames: str = "") -> Manifest:
    text = route(name, rules or forward("v1"), parents=parents, hostnames=hostnames)
    return Manifest(text, name, roots=((("default", name),)))


PARENTS = {
    "{name: gateway}": ("True", "Accepted"),
    "{name: absent}": ("False", "NoMatchingParent"),
    "{name: gateway, sectionName: absent}": ("False", "NoMatchingParent"),
    "{name: gateway, port: 81}": ("False", "NoMatchingParent"),
    "{name: no-routes}": ("False", "NotAllowedByListeners"),
    "{group: '', kind: Service, name: v1}": ("True", "Accepted"),
    "{group: '', kind: Service, name: v1, port: 80}": ("True", "Accepted"),
    "{group: '', kind: Service, name: v1, sectionName: p80}": ("True", "Accepted"),
    "{group: '', kind: Service, name: v1, port: 8080}": ("False", "NoMatchingParent"),
    "{group: '', kind: Service, name: absent}": ("False", "NoMatchingParent"),
    "{kind: Service, name: v1}": ("False", "NoMatchingParent"),
    "{group: core, kind: Service, name: v1}": ("False", "NoMatchingParent"),
}
ROUTES = {
    parent: route(f"parent-{index}", forward("v2"), parents=parent, hostnames=f"p{index}.example")
    for index, parent in enumerate(PARENTS)
}
ALL_PARENTS = Manifest("---\n".join(ROUTES.values()))


@pytest.mark.parametrize("parent", PARENTS)
def test_accepted(scene, parent):
    index = list(PARENTS).index(parent)
    conditions = scene.parent(Manifest("", f"parent-{index}"))
    assert conditions["Accepted"] == PARENTS[parent]
    assert conditions["ResolvedRefs"] == ("True", "ResolvedRefs")


def test_conditions_are_whole(scene):
    """Every condition has a generation, a time, a reason and a message."""
    items = scene.run.get("httproutes")
    assert len(items) > len(PARENTS)
    for item in items:
        for parent in item.get("status", {}).get("parents", []):
            assert parent["controllerName"] == "fairlead.dev/gateway-controller"
            for condition in parent["conditions"]:
                assert condition["observedGeneration"] == item["metadata"]["generation"]
                assert condition["lastTransitionTime"].endswith("Z")
                assert condition["message"], dump(condition)


def test_parent_refs_are_echoed(scene):
    """With the schema's defaults, and nothing that was not written."""
    parents = [
        scene.route(Manifest("", f"parent-{index}"))["status"]["parents"][0]["parentRef"]
        for index in range(len(PARENTS))
    ]
    group = "gateway.networking.k8s.io"
    assert parents[0] == {"group": group, "kind": "Gateway", "name": "gateway"}
    assert parents[2] == parents[0] | {"sectionName": "absent"}
    assert parents[3] == parents[0] | {"port": 81}
    assert parents[6] == {"group": "", "kind": "Service", "name": "v1", "port": 80}


@pytest.mark.parametrize(
    "parent", ["{kind: Service, name: v1}", "{group: core, kind: Service, name: v1}"]
)
def test_service_parent_of_the_wrong_group_is_told_the_fix(scene, parent):
    """In the status, and by a problem that names file and line."""
    index = list(PARENTS).index(parent)
    status = scene.route(Manifest("", f"parent-{index}"))["status"]
    message = status["parents"][0]["conditions"][0]["message"]
    assert 'write group: ""' in message
    problems = [item["problem"] for item in scene.run.get("problems")]
    (problem,) = (p for p in problems if p.get("name") == f"parent-{index}")
    assert problem["code"] == "GW101"
    assert 'group: ""' in problem["remedy"]
    assert problem["file"].endswith("routes.yaml")
    assert problem["line"] > 1


def test_gateway_of_another_controller_is_left_alone(scene):
    """No status of ours for it, nor for its routes."""
    assert "parents" not in scene.route(FOREIGN_ROUTE).get("status", {})
    assert "conditions" not in scene.run.one("gateways", "foreign").get("status", {})


FOREIGN_ROUTE = attached("on-foreign", "{name: foreign}")

MIXED = attached(
    "mixed",
    f"{{name: gateway}}, {{name: foreign}}, {service_parent('mixed')}",
    hostnames="mixed.example",
)


def test_only_parents_of_ours_are_in_the_status(scene):
    parents = scene.route(MIXED)["status"]["parents"]
    assert [parent["parentRef"]["name"] for parent in parents] == ["gateway", "mixed"]


BAD_EXPRESSION = both(
    "bad-expression",
    """
    - matches: [{path: {type: RegularExpression, value: '/(unclosed'}}]
      backendRefs: [{name: v1, port: 80}]
    - matches:
      - {headers: [{name: a, type: RegularExpression, value: '[z-a]'}]}
      - {path: {value: /still}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /good}}]
      backendRefs: [{name: v2, port: 80}]
    """,
)


@pytest.mark.parametrize("side", ["gateway", "mesh"])
def test_expression_that_means_nothing(scene, side):
    """That match is left out, its rule answers 500, the others serve, and the status says it."""
    assert scene.ask(side, BAD_EXPRESSION, "/good").backend == "v2"
    assert scene.ask(side, BAD_EXPRESSION, "/still").status == 500
    assert scene.ask(side, BAD_EXPRESSION, "/(unclosed").status == 404
    conditions = scene.parent(BAD_EXPRESSION, 0 if side == "gateway" else 1)
    assert conditions["Accepted"] == ("True", "Accepted")
    assert conditions["PartiallyInvalid"] == ("True", "UnsupportedValue")


ONLY_BAD = both(
    "only-bad",
    """
    - matches: [{path: {type: RegularExpression, value: '/(unclosed'}}]
      backendRefs: [{name: v1, port: 80}]
    """,
)


def test_route_with_nothing_valid_is_not_accepted(scene):
    for index in (0, 1):
        assert scene.parent(ONLY_BAD, index)["Accepted"] == ("False", "UnsupportedValue")


LIVE = route(
    "live",
    forward("{backend}").replace("{{", "{").replace("}}", "}"),
    parents=f"{{name: gateway}}, {service_parent('v3')}",
    hostnames="live.example",
)


def test_generation_follows_each_change_of_the_spec(scene):
    """And the same conditions keep their transition time."""
    run, target = scene.run, Manifest("", "live")
    run.write("live.yaml", LIVE.replace("{backend}", "v1"))
    run.until("v1", lambda: scene.gateway("live.example").backend == "v1")
    first = scene.route(target)
    run.write("live.yaml", LIVE.replace("{backend}", "absent"))
    run.until("500", lambda: scene.gateway("live.example").status == 500)
    second = scene.route(target)
    assert second["metadata"]["generation"] == first["metadata"]["generation"] + 1
    for parent in second["status"]["parents"]:
        conditions = {c["type"]: c for c in parent["conditions"]}
        assert conditions["ResolvedRefs"]["reason"] == "BackendNotFound"
        generations = {c["observedGeneration"] for c in conditions.values()}
        assert generations == {second["metadata"]["generation"]}
    accepted = [
        item["status"]["parents"][0]["conditions"][0]["lastTransitionTime"]
        for item in (first, second)
    ]
    assert accepted[0] == accepted[1]
    run.remove("live.yaml")
    run.until("404", lambda: scene.gateway("live.example").status == 404)


SEVERAL_PORTS = Manifest(
    service("several-ports", None, ports=(80, 8080))
    + "---\n"
    + route("one-port", forward("v1"), parents=service_parent("several-ports", 8080)),
    "one-port",
)


def test_parent_ref_port_of_a_service(scene):
    """HTTPRouteParentRefPort: only that port is governed; the other goes to the endpoints."""
    assert scene.mesh("http://several-ports:8080/").backend == "v1"
    assert scene.mesh("http://several-ports/").status == 503
