"""TLSRoutes, TCPRoutes and UDPRoutes in translation: who serves what, and what a change touches."""

import pytest

from support.certificates import CA, tls_secret
from translate.world import World

PROXY = "gateway/default/gate"
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: tcp, port: 9000, protocol: TCP}
  - {name: udp, port: 9000, protocol: UDP}
  - {name: tls, port: 443, protocol: TLS, hostname: "*.example.com", tls: {mode: Passthrough}}
  - name: ended
    port: 443
    protocol: TLS
    hostname: ended.example.com
    tls: {mode: Terminate, certificateRefs: [{name: cert}]}
"""
CERTIFICATE = tls_secret("cert", CA("test").issue(dns=["ended.example.com"]))


def service(name, protocol="TCP", address="10.0.0.1"):
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{name: p, port: 9000, protocol: {protocol}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: p, port: 9000, protocol: {protocol}}}]
endpoints: [{{addresses: [{address}]}}]
"""


def route(kind, name, section, *backends, hostnames="", created="", more_rules=""):
    age = f", creationTimestamp: '{created}'" if created else ""
    hosts = f"  hostnames: [{hostnames}]" if hostnames else ""
    refs = ", ".join(f"{{name: {backend}, port: 9000}}" for backend in backends)
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: {name}{age}}}
spec:
  parentRefs: [{{name: gate, sectionName: {section}}}]
{hosts}
  rules: [{{backendRefs: [{refs}]}}{more_rules}]
"""


def world(*texts):
    services = (service("a"), service("b"), service("u", "UDP"), service("v", "UDP", "10.0.0.2"))
    return World(GATEWAY, CERTIFICATE, *services, *texts)


def clusters(found, bound, chain):
    """Clusters that a chain sends to."""
    return [backend.cluster for backend in found.outputs.chains.get((PROXY, bound, chain)).backends]


def message(found, kind, name):
    return found.report(kind, name).parents[0].conditions[0].message


def test_every_listener_has_a_chain_that_closes_without_routes():
    chains = dict(world().outputs.chains.items())
    assert {key[1:] for key in chains} == {
        ("tcp-9000", "tcp"),
        ("tls-443", "*.example.com"),
        ("tls-443", "ended.example.com"),
    }
    assert not any(chain.backends for chain in chains.values())


def test_terminated_and_passed_through():
    found = world(
        route("TLSRoute", "pass", "tls", "a", hostnames='"*.example.com"'),
        route("TLSRoute", "end", "ended", "b", hostnames="ended.example.com"),
    )
    passed = found.outputs.chains.get((PROXY, "tls-443", "*.example.com"))
    ended = found.outputs.chains.get((PROXY, "tls-443", "ended.example.com"))
    assert (passed.server_names, passed.tls) == (("*.example.com",), None)
    assert ended.tls.certificates == ("certificate/default/cert",)
    assert (
        clusters(found, "tls-443", "*.example.com"),
        clusters(found, "tls-443", "ended.example.com"),
    ) == (
        ["default/a/9000"],
        ["default/b/9000"],
    )


def test_hostname_before_age_before_name():
    wide = route(
        "TLSRoute", "wide", "ended", "a", hostnames='"*.com"', created="2020-01-01T00:00:00Z"
    )
    exact = route("TLSRoute", "exact", "ended", "b", hostnames="ended.example.com")
    found = world(wide)
    assert clusters(found, "tls-443", "ended.example.com") == ["default/a/9000"]
    found.apply(exact)
    assert clusters(found, "tls-443", "ended.example.com") == ["default/b/9000"]
    assert message(found, "TLSRoute", "wide") == (
        "attached to listener ended; ended.example.com of listener ended is served by "
        "TLSRoute default/exact, which comes first"
    )


@pytest.mark.parametrize(
    ("kind", "section", "ours", "theirs"),
    [("TCPRoute", "tcp", "a", "b"), ("UDPRoute", "udp", "u", "v")],
)
def test_oldest_route_serves_and_both_count(kind, section, ours, theirs):
    found = world(
        route(kind, "x", section, ours, created="2026-01-01T00:00:00Z"),
        route(kind, "a", section, theirs, created="2026-01-02T00:00:00Z"),
        route(kind, "b", section, theirs),
    )
    report, _ = found.listener(section)
    assert report.attached_routes == 3
    assert message(found, kind, "x") == f"attached to listener {section}"
    for name in ("a", "b"):
        assert f"is served by {kind} default/x" in message(found, kind, name)
    found.remove(kind, "x")
    assert message(found, kind, "a") == f"attached to listener {section}"
    assert f"is served by {kind} default/a" in message(found, kind, "b")


def test_udp_cluster_is_the_listeners():
    found = world(route("UDPRoute", "dns", "udp", "u", "missing"))
    name = f"{PROXY}/udp-9000"
    assert found.outputs.listeners.get((PROXY, "udp-9000")).cluster == name
    assert found.outputs.clusters.get(name).protocol == "udp"
    first, second = found.outputs.endpoints.get(name).shares
    assert [each.address for each in first.addresses] == ["10.0.0.1"]
    assert (first.weight, second.weight, second.addresses) == (1, 1, ())
    assert (PROXY, name) in found.outputs.cluster_use


def test_a_backend_changes_its_chain_only():
    found = world(
        route("TCPRoute", "db", "tcp", "a"),
        route("TLSRoute", "one", "tls", "a", hostnames="one.example.com, two.example.com"),
        route("TLSRoute", "three", "tls", "a", hostnames="three.example.com"),
        route("UDPRoute", "dns", "udp", "u"),
    )
    changed = found.apply(
        route("TLSRoute", "one", "tls", "b", hostnames="one.example.com, two.example.com")
    )
    assert set(changed) == {"chains", "cluster_use"}
    assert {key[2] for key in changed["chains"]} == {"one.example.com", "two.example.com"}
    changed = found.apply(route("UDPRoute", "dns", "udp", "v"))
    assert set(changed) == {"endpoints"}


def test_rules_beyond_the_first_are_said_to_be_dropped():
    more = ", {backendRefs: [{name: b, port: 9000}]}"
    text = route("TCPRoute", "db", "tcp", "a", more_rules=more)
    found = world(text.replace("networking.k8s.io/v1", "networking.k8s.io/v1alpha2"))
    assert clusters(found, "tcp-9000", "tcp") == ["default/a/9000"]
    by_type = {each.type: each for each in found.report("TCPRoute", "db").parents[0].conditions}
    assert by_type["PartiallyInvalid"].message.startswith("Dropped Rule: spec.rules[1] ")


def test_service_parent_is_not_supported():
    text = route("TCPRoute", "db", "tcp", "a").replace(
        "{name: gate, sectionName: tcp}", '{group: "", kind: Service, name: a}'
    )
    condition = world(text).report("TCPRoute", "db").parents[0].conditions[0]
    assert (condition.status, condition.reason) == ("False", "UnsupportedValue")
    assert "TCP listener of a Gateway" in condition.message
