"""TLSRoutes, TCPRoutes and UDPRoutes in translation: who serves what, and what a change touches."""

import pytest

from support.certificates import CA, ca_config_map, tls_secret
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


LISTENER_SET = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  gatewayClassName: fairlead
  allowedListeners: {namespaces: {from: Same}}
  listeners: [{name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: more}
spec:
  parentRef: {name: gate}
  listeners:
  - {name: inner, port: 443, protocol: TLS, hostname: "*.inner.example", tls: {mode: Passthrough}}
  - {name: db, port: 5432, protocol: TCP}
  - {name: dns, port: 5300, protocol: UDP}
"""


def at_set(text):
    """A route whose parent is the ListenerSet in place of the Gateway."""
    return text.replace("{name: gate,", "{kind: ListenerSet, name: more,")


def test_listener_set_as_parent():
    found = world(
        LISTENER_SET,
        at_set(route("TCPRoute", "db", "db", "a")),
        at_set(route("UDPRoute", "dns", "dns", "u")),
        at_set(route("TLSRoute", "inner", "inner", "b", hostnames='"*.inner.example"')),
        route("TLSRoute", "outer", "tls", "a", hostnames='"*.example", x.inner.example'),
    )
    assert clusters(found, "tcp-5432", "tcp") == ["default/a/9000"]
    assert clusters(found, "tls-443", "*.inner.example") == ["default/b/9000"]
    assert (PROXY, "udp-5300") in found.outputs.listeners
    assert (PROXY, "tls-443", "x.inner.example") not in found.outputs.chains
    changed = found.apply(at_set(route("TCPRoute", "db", "db", "b")))
    assert set(changed["chains"]) == {(PROXY, "tcp-5432", "tcp")}


def test_listener_of_a_set_closes_what_is_its_own():
    """A name inside a listener's hostname never falls to a wider listener's route."""
    outer = route("TLSRoute", "outer", "tls", "a", hostnames='"*.example"')
    found = world(LISTENER_SET, outer)
    assert clusters(found, "tls-443", "*.example") == ["default/a/9000"]
    assert clusters(found, "tls-443", "*.inner.example") == []
    found.remove("ListenerSet", "more")
    assert (PROXY, "tls-443", "*.inner.example") not in found.outputs.chains


def test_default_gateway():
    text = route("TCPRoute", "db", "tcp", "a").replace(
        "parentRefs: [{name: gate, sectionName: tcp}]", "useDefaultGateways: All"
    )
    found = world(
        GATEWAY.replace("gatewayClassName", "defaultScope: All\n  gatewayClassName"), text
    )
    assert clusters(found, "tcp-9000", "tcp") == ["default/a/9000"]
    assert message(found, "TCPRoute", "db").startswith("bound to a default Gateway: attached to")


def test_xbackend():
    backend = """
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: out}
spec:
  type: ExternalHostname
  externalHostname: {hostname: db.example.net}
  protocol: TCP
  port: {number: 5432}
"""
    text = route("TCPRoute", "db", "tcp", "out").replace(
        "{name: out, port: 9000}",
        "{group: gateway.networking.x-k8s.io, kind: XBackend, name: out}",
    )
    found = world(backend, text)
    conditions = {each.type: each for each in found.report("TCPRoute", "db").parents[0].conditions}
    assert conditions["ResolvedRefs"].status == "True", conditions["ResolvedRefs"].message
    (name,) = clusters(found, "tcp-9000", "tcp")
    assert found.outputs.clusters.get(name).dns_name == "db.example.net"


def test_policy_encrypts_bytes_but_no_tls_that_is_passed_through():
    policy = """
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: encrypt}
spec:
  targetRefs: [{group: "", kind: Service, name: a}]
  validation:
    hostname: a.example.com
    caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]
"""
    found = world(
        policy,
        ca_config_map("ca", CA("backends").cert_pem),
        route("TCPRoute", "db", "tcp", "a"),
        route("TLSRoute", "end", "ended", "a", hostnames="ended.example.com"),
        route("TLSRoute", "pass", "tls", "a", hostnames="pass.example.com"),
    )
    (tcp,) = clusters(found, "tcp-9000", "tcp")
    (passed,) = clusters(found, "tls-443", "pass.example.com")
    assert clusters(found, "tls-443", "ended.example.com") == [tcp]
    assert found.outputs.clusters.get(tcp).tls.sni == "a.example.com"
    assert found.outputs.clusters.get(passed).tls is None
    found.remove("ConfigMap", "ca")
    (refused,) = clusters(found, "tcp-9000", "tcp")
    assert refused not in found.outputs.clusters
    assert clusters(found, "tls-443", "pass.example.com") == [passed]


def test_passthrough_to_a_backend_with_tls_is_not_wrapped_again():
    """TLSRoute: the client's own TLS goes to the end; what a listener ended is encrypted anew."""
    backend = """
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: out}
spec:
  type: ExternalHostname
  port: {number: 443}
  externalHostname: {hostname: out.example.com}
  tls: {mode: ServerOnly, validation: {hostname: out.example.com, wellKnownCACertificates: System}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: out}
spec:
  parentRefs: [{name: gate}]
  hostnames: [out.example.com, ended.example.com]
  rules: [{backendRefs: [{group: gateway.networking.x-k8s.io, kind: XBackend, name: out}]}]
"""
    found = world(backend, CERTIFICATE).outputs

    def encrypted(name):
        (forward,) = found.chains.get((PROXY, "tls-443", name)).backends
        return found.clusters.get(forward.cluster).tls is not None

    assert not encrypted("out.example.com")
    assert encrypted("ended.example.com")
