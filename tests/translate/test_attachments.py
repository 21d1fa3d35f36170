"""Routes of all kinds on Gateways: which listeners take them, what they claim, who counts them."""

import json

import pytest

from support.certificates import CA, tls_secret
from translate.world import World

PROXY = "gateway/default/gate"
SECRET = tls_secret("cert", CA("test").issue(dns=["a.example"]))
LISTENERS = [
    {"name": "http", "port": 80, "protocol": "HTTP"},
    {"name": "tls", "port": 443, "protocol": "TLS", "hostname": "*.example.com",
     "tls": {"mode": "Passthrough"}},
    {"name": "https", "port": 443, "protocol": "HTTPS", "hostname": "web.example.com",
     "tls": {"certificateRefs": [{"name": "cert"}]}},
    {"name": "tcp", "port": 9000, "protocol": "TCP"},
    {"name": "more", "port": 9001, "protocol": "TCP"},
    {"name": "udp", "port": 9000, "protocol": "UDP"},
]  # fmt: skip


def gateway(name="gate", listeners=LISTENERS, **spec):
    spec = {"gatewayClassName": "fairlead", "listeners": listeners, **spec}
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec: {json.dumps(spec)}
"""


def route(kind, name, *parents, namespace="default", created="", **spec):
    metadata = {"name": name, "namespace": namespace}
    if created:
        metadata["creationTimestamp"] = created
    rules = [{"backendRefs": [{"name": "backend", "port": 9000}]}]
    spec = {"rules": rules, **({"parentRefs": parents} if parents else {}), **spec}
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {json.dumps(metadata)}
spec: {json.dumps(spec)}
"""


def to_gate(section=None, port=None):
    found = {"name": "gate"}
    if section:
        found["sectionName"] = section
    return {**found, "port": port} if port else found


def compiled(world):
    """In how many ways routes are compiled."""
    found = world.graph.dump().collections
    return next(each.size for each in found if each.name == "compiled routes")


def accepted(world, kind, name, index=0, namespace="default"):
    """Condition Accepted of one parent."""
    parent = world.report(kind, name, namespace).parents[index]
    return next(each for each in parent.conditions if each.type == "Accepted")


def counts(world, name="gate"):
    """{listener: attached routes}."""
    report = world.report("Gateway", name)
    return {each.name: each.attached_routes for each in report.listeners}


@pytest.mark.parametrize(
    ("kind", "section"),
    [
        ("HTTPRoute", "tcp"),
        ("HTTPRoute", "tls"),
        ("GRPCRoute", "udp"),
        ("TLSRoute", "http"),
        ("TLSRoute", "https"),
        ("TCPRoute", "http"),
        ("TCPRoute", "tls"),
        ("TCPRoute", "udp"),
        ("UDPRoute", "tcp"),
        ("UDPRoute", "http"),
    ],
)
def test_a_listener_of_another_protocol_takes_no_route(kind, section):
    names = {"hostnames": ["a.example.com"]} if kind == "TLSRoute" else {}
    world = World(gateway(), SECRET, route(kind, "lost", to_gate(section), **names))
    assert accepted(world, kind, "lost").reason == "NotAllowedByListeners"
    assert set(counts(world).values()) == {0}


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"])
@pytest.mark.parametrize("ref", [to_gate("nowhere"), to_gate(port=1), to_gate("tcp", 9001)])
def test_a_parent_ref_that_means_no_listener(kind, ref):
    names = {"hostnames": ["a.example.com"]} if kind == "TLSRoute" else {}
    world = World(gateway(), SECRET, route(kind, "lost", ref, **names))
    assert accepted(world, kind, "lost").reason == "NoMatchingParent"


def test_without_section_a_route_attaches_to_all_listeners_that_take_it():
    world = World(
        gateway(),
        SECRET,
        route("TCPRoute", "all", to_gate()),
        route("TCPRoute", "one", to_gate(port=9001)),
        route("UDPRoute", "datagrams", to_gate()),
        route("GRPCRoute", "calls", to_gate(), hostnames=["web.example.com"]),
        route("HTTPRoute", "web", to_gate("https", 443)),
        route("TLSRoute", "bytes", to_gate(), hostnames=["b.example.com", "other.example"]),
    )
    assert counts(world) == {"http": 1, "tls": 1, "https": 2, "tcp": 1, "more": 2, "udp": 1}
    assert accepted(world, "TCPRoute", "all").message.endswith("listeners tcp, more")


def test_several_routes_on_one_port_are_all_accepted_and_counted():
    world = World(
        gateway(),
        SECRET,
        route("TCPRoute", "b", to_gate("tcp")),
        route("TCPRoute", "a", to_gate("tcp")),
    )
    assert counts(world)["tcp"] == 2
    assert accepted(world, "TCPRoute", "a").status == "True"
    assert accepted(world, "TCPRoute", "b").status == "True"


def test_a_route_without_a_name_in_common_with_its_listener():
    world = World(gateway(), SECRET, route("TLSRoute", "lost", to_gate("tls"), hostnames=["a.org"]))
    assert accepted(world, "TLSRoute", "lost").reason == "NoMatchingListenerHostname"
    assert counts(world)["tls"] == 0


def test_routes_of_both_http_kinds_share_a_host():
    world = World(
        gateway(),
        SECRET,
        route("HTTPRoute", "same", to_gate("http")),
        route("GRPCRoute", "same", to_gate("http")),
    )
    rules = world.rules()
    assert {rule.origin.kind for rule in rules} == {"HTTPRoute", "GRPCRoute"}
    assert len({rule.name for rule in rules}) == 2
    assert counts(world)["http"] == 2


def redirect(**more):
    return [{"filters": [{"type": "RequestRedirect", "requestRedirect": more}]}]


def test_a_route_is_compiled_once_for_clients_that_are_alike():
    world = World(
        gateway(),
        SECRET,
        route("HTTPRoute", "plain", to_gate()),
        route("HTTPRoute", "moved", to_gate(), rules=redirect(hostname="new.example")),
    )
    assert compiled(world) == 3  # the redirect keeps port and scheme of each listener
    assert world.hosts(f"{PROXY}/tls-443") == {
        "web.example.com": ["default/moved/0/0", "default/plain/0/0"],
        "*.example.com": [],
    }


def test_a_route_attaches_to_default_gateways():
    everyone = [{**LISTENERS[0], "allowedRoutes": {"namespaces": {"from": "All"}}}]
    world = World(
        gateway(),
        gateway("front", everyone, defaultScope="All"),
        SECRET,
        route("HTTPRoute", "app", useDefaultGateways="All", namespace="team"),
        route("HTTPRoute", "both", to_gate("http"), useDefaultGateways="All"),
        route("HTTPRoute", "neither", useDefaultGateways="None"),
        route("TCPRoute", "bytes", useDefaultGateways="All"),
    )
    (parent,) = world.report("HTTPRoute", "app", "team").parents
    assert (parent.parent_ref.kind, parent.parent_ref.namespace, parent.parent_ref.name) == (
        "Gateway",
        "default",
        "front",
    )
    assert "default Gateway" in accepted(world, "HTTPRoute", "app", namespace="team").message
    names = [each.parent_ref.name for each in world.report("HTTPRoute", "both").parents]
    assert names == ["gate", "front"]
    assert world.report("HTTPRoute", "neither") is None
    assert accepted(world, "TCPRoute", "bytes").reason == "NotAllowedByListeners"
    assert counts(world, "front") == {"http": 2}
    assert world.hosts("gateway/default/front/http-80") == {
        "*": ["default/both/0/0", "team/app/0/0"]
    }
    default = world.gateway("front")["DefaultGateway"]
    assert (default.status, "All" in default.message) == ("True", True)
    assert "DefaultGateway" not in world.gateway()
    world.apply(gateway("front", everyone))
    assert world.report("HTTPRoute", "app", "team") is None
    assert counts(world, "front") == {"http": 0}


def test_a_default_gateway_that_is_named_as_well_is_one_parent():
    world = World(
        gateway(defaultScope="All"),
        SECRET,
        route("HTTPRoute", "app", to_gate(), useDefaultGateways="All"),
        route("HTTPRoute", "part", to_gate("http"), useDefaultGateways="All"),
    )
    assert len(world.report("HTTPRoute", "app").parents) == 1
    assert [each.parent_ref.section_name for each in world.report("HTTPRoute", "part").parents] == [
        "http",
        None,
    ]
    assert counts(world)["http"] == 2


def test_a_certificate_for_backends_makes_routes_of_its_gateway_different():
    backend = {"backend": {"clientCertificateRef": {"name": "cert"}}}
    world = World(
        gateway(tls=backend),
        gateway("other"),
        SECRET,
        route("HTTPRoute", "app", to_gate("http"), {"name": "other", "sectionName": "http"}),
    )
    assert compiled(world) == 2
    assert world.gateway()["ResolvedRefs"].status == "True"
    world.remove("Secret", "cert")
    assert compiled(world) == 1
    resolved = world.gateway()["ResolvedRefs"]
    assert (resolved.status, resolved.reason) == ("False", "InvalidClientCertificateRef")
    assert world.gateway()["Accepted"].status == "True"
