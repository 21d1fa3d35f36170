"""Hostnames of routes and listeners, and which listeners a route reaches."""

import pytest

from feature.route_scene import Manifest, at_gateway, both, forward, sides


def path_rule(path: str, backend: str) -> str:
    return (
        f"- matches: [{{path: {{value: {path}}}}}]\n  backendRefs: [{{name: {backend}, port: 80}}]"
    )


EXACT_HOST = at_gateway("exact-host", forward("v1"), "one.hosts.example, two.hosts.example")


@pytest.mark.parametrize(
    ("host", "backend"),
    [
        ("one.hosts.example", "v1"),
        ("two.hosts.example", "v1"),
        ("ONE.Hosts.Example", "v1"),
        ("one.hosts.example:80", "v1"),
        ("one.hosts.example:12345", "v1"),
        ("three.hosts.example", None),
        ("a.one.hosts.example", None),
        ("hosts.example", None),
    ],
)
def test_hostnames_exact(scene, host, backend):
    answer = scene.gateway(host)
    assert (answer.backend, answer.status) == (backend, 200 if backend else 404)


WILDCARD = at_gateway("wildcard", forward("v2"), '"*.wild.example"')
LONGER_WILDCARD = at_gateway("longer-wildcard", forward("v3"), '"*.very.wild.example"')
IN_WILDCARD = at_gateway("in-wildcard", path_rule("/exact", "v1"), "exact.wild.example")


@pytest.mark.parametrize(
    ("host", "path", "backend"),
    [
        ("a.wild.example", "/", "v2"),
        ("a.b.wild.example", "/", "v2"),
        ("a.wild.example:8080", "/", "v2"),
        ("wild.example", "/", None),
        ("awild.example", "/", None),
        ("a.very.wild.example", "/", "v3"),
        ("very.wild.example", "/", "v2"),
        ("exact.wild.example", "/exact/x", "v1"),
    ],
)
def test_hostnames_wildcard(scene, host, path, backend):
    """A wildcard stands for one label or more, never for none; the longer one goes first."""
    assert scene.gateway(host, path).backend == backend


def test_falls_through_to_less_specific_hostname(scene):
    """A host's own rules go first, then those of wildcards that cover it."""
    assert scene.gateway("exact.wild.example", "/exact").backend == "v1"
    assert scene.gateway("exact.wild.example", "/other").backend == "v2"


NO_HOST = at_gateway("no-host", path_rule("/open", "v1"), parents="{name: open}")
SOME_HOST = at_gateway("some-host", path_rule("/some", "v2"), "a.example", parents="{name: open}")
OPEN_GATEWAY = Manifest("""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: open, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: http, port: 80, protocol: HTTP}
""")


@pytest.mark.parametrize(
    ("host", "path", "backend"),
    [
        ("any.where", "/open", "v1"),
        (None, "/open", "v1"),
        ("a.example", "/open", "v1"),
        ("a.example", "/some", "v2"),
        ("b.example", "/some", None),
        ("a.example", "/else", None),
    ],
)
def test_route_without_hostnames_takes_all(scene, host, path, backend):
    assert scene.gateway(host, path, name="open").backend == backend


LISTENERS = Manifest("""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: listeners, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: any, port: 80, protocol: HTTP}
  - {name: wild, port: 80, protocol: HTTP, hostname: "*.listen.example"}
  - {name: deep, port: 80, protocol: HTTP, hostname: "*.deep.listen.example"}
  - {name: exact, port: 80, protocol: HTTP, hostname: exact.listen.example}
  - {name: bare, port: 80, protocol: HTTP, hostname: bare.listen.example}
""")
ON_ANY = at_gateway(
    "on-any", path_rule("/any", "v1"), parents="{name: listeners, sectionName: any}"
)
ON_WILD = at_gateway(
    "on-wild", path_rule("/wild", "v2"), parents="{name: listeners, sectionName: wild}"
)
ON_DEEP = at_gateway(
    "on-deep", path_rule("/deep", "v3"), parents="{name: listeners, sectionName: deep}"
)
ON_EXACT = at_gateway(
    "on-exact", path_rule("/exact", "v3"), parents="{name: listeners, sectionName: exact}"
)


@pytest.mark.parametrize(
    ("host", "path", "backend"),
    [
        ("other.example", "/any", "v1"),
        ("other.example", "/wild", None),
        ("a.listen.example", "/wild", "v2"),
        ("a.listen.example", "/any", None),
        ("a.deep.listen.example", "/deep", "v3"),
        ("a.deep.listen.example", "/wild", None),
        ("a.deep.listen.example", "/any", None),
        ("exact.listen.example", "/exact", "v3"),
        ("exact.listen.example", "/wild", None),
        ("exact.listen.example", "/any", None),
        ("bare.listen.example", "/any", None),
        ("bare.listen.example", "/wild", None),
    ],
)
def test_listener_isolation(scene, host, path, backend):
    """A request belongs to its most specific listener alone, even if that one has no routes."""
    answer = scene.gateway(host, path, name="listeners")
    assert (answer.backend, answer.status) == (backend, 200 if backend else 404)


INTERSECTION = Manifest("""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: intersection, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: wild, port: 80, protocol: HTTP, hostname: "*.cross.example"}
  - {name: exact, port: 80, protocol: HTTP, hostname: very.specific.example}
  - {name: precedence, port: 80, protocol: HTTP, hostname: one.precedence.example}
""")
WIDER_ROUTE = at_gateway(
    "wider-route",
    path_rule("/wider", "v1"),
    '"*.specific.example", wont.match.example',
    parents="{name: intersection, sectionName: exact}",
)
NARROWER_ROUTE = at_gateway(
    "narrower-route",
    path_rule("/narrower", "v2"),
    '"*.deep.cross.example", one.cross.example, one.elsewhere.example',
    parents="{name: intersection}",
)
NO_HOSTS_ROUTE = at_gateway(
    "no-hosts-route", path_rule("/all", "v3"), parents="{name: intersection, sectionName: wild}"
)
NO_INTERSECTION = at_gateway(
    "no-intersection", forward("v1"), "elsewhere.example", parents="{name: intersection}"
)


@pytest.mark.parametrize(
    ("host", "path", "backend"),
    [
        ("very.specific.example", "/wider", "v1"),
        ("other.specific.example", "/wider", None),
        ("wont.match.example", "/wider", None),
        ("one.cross.example", "/narrower", "v2"),
        ("a.deep.cross.example", "/narrower", "v2"),
        ("two.cross.example", "/narrower", None),
        ("one.elsewhere.example", "/narrower", None),
        ("two.cross.example", "/all", "v3"),
        ("one.cross.example", "/all", "v3"),
        ("very.specific.example", "/all", None),
        ("elsewhere.example", "/", None),
    ],
)
def test_hostname_intersection(scene, host, path, backend):
    assert scene.gateway(host, path, name="intersection").backend == backend


ON_PRECEDENCE = "{name: intersection, sectionName: precedence}"
OF_NO_HOST = at_gateway("a-no-host", path_rule("/wild/longer", "v3"), parents=ON_PRECEDENCE)
OF_WILDCARD = at_gateway(
    "b-wildcard",
    path_rule("/wild", "v1") + "\n" + path_rule("/exact/longer", "v1"),
    '"*.precedence.example"',
    parents=ON_PRECEDENCE,
)
OF_EXACT = at_gateway(
    "c-exact", path_rule("/exact", "v2"), "one.precedence.example", parents=ON_PRECEDENCE
)


@pytest.mark.parametrize(
    ("path", "backend"),
    [("/exact/longer", "v2"), ("/wild/longer", "v1"), ("/wild", "v1"), ("/else", None)],
)
def test_route_hostname_intersection_precedence(scene, path, backend):
    """The hostname as the route has it decides first, before the listener's cuts it to size."""
    answer = scene.gateway("one.precedence.example", path, name="intersection")
    assert answer.backend == backend


def test_no_matching_listener_hostname(scene):
    assert scene.parent(NO_INTERSECTION)["Accepted"] == ("False", "NoMatchingListenerHostname")
    assert scene.parent(NARROWER_ROUTE)["Accepted"] == ("True", "Accepted")


PORTS = Manifest("""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: ports, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: one, port: 80, protocol: HTTP}
  - {name: two, port: 18081, protocol: HTTP}
  - {name: three, port: 18082, protocol: HTTP}
""")
ON_PORT = at_gateway("on-port", path_rule("/port", "v1"), parents="{name: ports, port: 18081}")
ON_SECTION = at_gateway(
    "on-section", path_rule("/section", "v2"), parents="{name: ports, sectionName: three}"
)
ON_TWO = at_gateway(
    "on-two",
    path_rule("/both", "v3"),
    parents="{name: ports, sectionName: one}, {name: ports, sectionName: three}",
)
ON_ALL = at_gateway("on-all", path_rule("/all", "v1"), parents="{name: ports}")
PORT_AND_SECTION = at_gateway(
    "port-and-section",
    path_rule("/no", "v1"),
    parents="{name: ports, sectionName: two, port: 18082}",
)
UNKNOWN_SECTION = at_gateway(
    "unknown-section", path_rule("/no", "v1"), parents="{name: ports, sectionName: four}"
)


@pytest.mark.parametrize(
    ("path", "ports"),
    [
        ("/port", {18081}),
        ("/section", {18082}),
        ("/both", {80, 18082}),
        ("/all", {80, 18081, 18082}),
        ("/no", set()),
    ],
)
def test_parent_ref_port_and_section_name(scene, path, ports):
    for port in (80, 18081, 18082):
        answer = scene.gateway("any.example", path, name="ports", port=port)
        assert answer.status == (200 if port in ports else 404), port


def test_parent_ref_to_no_listener(scene):
    for target in (PORT_AND_SECTION, UNKNOWN_SECTION):
        assert scene.parent(target)["Accepted"] == ("False", "NoMatchingParent")


SEVERAL = at_gateway(
    "several-gateways",
    path_rule("/several", "v1"),
    "several.example",
    parents="{name: gateway}, {name: open}, {name: absent}",
)


def test_several_parents_each_with_its_status(scene):
    assert scene.gateway("several.example", "/several").backend == "v1"
    assert scene.gateway("several.example", "/several", name="open").backend == "v1"
    assert scene.parent(SEVERAL, 0)["Accepted"] == ("True", "Accepted")
    assert scene.parent(SEVERAL, 1)["Accepted"] == ("True", "Accepted")
    assert scene.parent(SEVERAL, 2)["Accepted"] == ("False", "NoMatchingParent")


B_ROUTE = both("order-b", forward("v2"))
A_ROUTE = at_gateway("order-a", path_rule("/a", "v1"), "order-b.example")
OLDER = Manifest("""\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: z-older, namespace: default, creationTimestamp: "2020-01-01T00:00:00Z"}
spec:
  parentRefs: [{name: gateway}, {group: "", kind: Service, name: aged}]
  hostnames: [aged.example]
  rules: [{backendRefs: [{name: v1, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a-younger, namespace: default, creationTimestamp: "2021-01-01T00:00:00Z"}
spec:
  parentRefs: [{name: gateway}, {group: "", kind: Service, name: aged}]
  hostnames: [aged.example]
  rules:
  - {backendRefs: [{name: v2, port: 80}]}
  - {matches: [{path: {value: /longer}}], backendRefs: [{name: v3, port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: named-b, namespace: default}
spec:
  parentRefs: [{name: gateway}, {group: "", kind: Service, name: named}]
  hostnames: [named.example]
  rules: [{backendRefs: [{name: v2, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: named-a, namespace: default}
spec:
  parentRefs: [{name: gateway}, {group: "", kind: Service, name: named}]
  hostnames: [named.example]
  rules: [{backendRefs: [{name: v1, port: 80}]}]
""", roots=(("default", "aged"), ("default", "named")))  # fmt: skip
AGED = Manifest("", "aged")
NAMED = Manifest("", "named")


@sides
def test_precedence_across_routes(scene, side):
    """A better match first, then the older route, then the name."""
    assert scene.ask(side, AGED, "/").backend == "v1"
    assert scene.ask(side, AGED, "/longer").backend == "v3"
    assert scene.ask(side, NAMED, "/").backend == "v1"


def test_routes_share_a_host(scene):
    assert scene.gateway("order-b.example", "/a/x").backend == "v1"
    assert scene.gateway("order-b.example", "/x").backend == "v2"
