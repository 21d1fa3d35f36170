"""Clusters: their names, their variants, and what a change of a policy touches."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.translate.cluster_name import ClusterName, parse
from support.certificates import CA, ca_config_map, tls_secret
from translate.world import CLASS, World

labels = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,20}[a-z0-9])?", fullmatch=True)
names = st.builds(
    ClusterName,
    namespace=labels,
    name=labels,
    port=st.integers(1, 65535),
    kind=st.sampled_from(["Service", "XBackend"]),
    client_namespace=st.none() | labels,
    refused=st.booleans(),
    spoken=st.sampled_from([None, "h2c", "tcp"]),
    plain=st.booleans(),
    certificate=st.just("") | st.builds("certificate/{}/{}".format, labels, labels),
)


@given(names)
def test_names_read_back(name):
    assert parse(str(name)) == name


@pytest.mark.parametrize("text", ["passthrough", "invalid", "gateway/ns/gw/udp-53", "ns/web/x", ""])
def test_other_clusters_have_other_names(text):
    assert parse(text) is None


SCENE = """
{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 443}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: b}, spec: {ports: [{port: 80}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec: {gatewayClassName: fairlead, listeners: [{name: web, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: gate}]
  hostnames: [a.example]
  rules: [{backendRefs: [{name: a, port: 443}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: other}
spec:
  parentRefs: [{name: gate}]
  hostnames: [b.example]
  rules: [{backendRefs: [{name: b, port: 80}]}]
"""
POLICY = """
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: policy, generation: 3}
spec:
  targetRefs: [{group: "", kind: Service, name: a}]
  validation: {hostname: a.example.com, caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}
"""


def told(world, name="policy"):
    """{ancestor: {type: (status, reason, generation)}} of a policy."""
    report = world.report("BackendTLSPolicy", name)
    return {
        ancestor.ancestor_ref.name: {
            one.type: (one.status, one.reason, one.observed_generation)
            for one in ancestor.conditions
        }
        for ancestor in report.ancestors
    }


def test_a_policy_never_lets_anything_through_in_clear():
    """Whatever becomes of the authorities: TLS, or no cluster at all."""
    world = World(SCENE)
    assert world.outputs.clusters.get("default/a/443").tls is None
    world.apply(POLICY)
    assert "default/a/443" not in world.outputs.clusters
    (rule,) = world.rules("a.example")
    assert [each.cluster for each in rule.action.backends] == ["default/a/443+refused"]
    assert told(world)["gate"]["Accepted"] == ("False", "NoValidCACertificate", 3)

    world.apply(ca_config_map("ca", CA("one").cert_pem))
    cluster = world.outputs.clusters.get("default/a/443")
    assert cluster.tls.trust == "trust/BackendTLSPolicy/default/policy"
    assert told(world)["gate"] == {
        "Accepted": ("True", "Accepted", 3),
        "ResolvedRefs": ("True", "ResolvedRefs", 3),
    }

    world.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: ca}, data: {}}")
    assert "default/a/443" not in world.outputs.clusters
    assert told(world)["gate"]["ResolvedRefs"] == ("False", "InvalidCACertificateRef", 3)

    world.remove("BackendTLSPolicy", "policy")
    assert world.outputs.clusters.get("default/a/443").tls is None


def test_a_policy_that_cannot_be_carried_out_is_told_to_the_routes_that_it_stops():
    """The share is answered 500 all the same, and by the same rule."""
    authority = ca_config_map("ca", CA("one").cert_pem)
    world = World(SCENE, POLICY, authority)

    def resolved(name="shop"):
        return world.parent(name)["ResolvedRefs"]

    assert resolved().status == "True"
    before = world.rules("a.example")
    events = world.remove("ConfigMap", "ca")
    assert (resolved().status, resolved().reason) == ("False", "InvalidBackendTLSPolicy")
    assert resolved().message == (
        "spec.rules[0].backendRefs[0].name: nothing is sent to Service default/a port 443, since "
        "BackendTLSPolicy default/policy cannot be carried out; see its status"
    )
    assert resolved("other").status == "True"
    assert {key[::2] for key in events["reports"]} == {
        ("BackendTLSPolicy", "policy"),
        ("HTTPRoute", "shop"),
    }
    world.apply(authority)
    assert (resolved().status, world.rules("a.example")) == ("True", before)


def test_another_authority_changes_the_clusters_that_trust_it_and_no_rule():
    """Connections to endpoints that are no longer trusted must not be used again."""
    world = World(SCENE, POLICY, ca_config_map("ca", CA("one").cert_pem))
    before = world.outputs.clusters.get("default/a/443").tls
    events = world.apply(ca_config_map("ca", CA("two").cert_pem))
    after = world.outputs.clusters.get("default/a/443").tls
    assert after.trust == before.trust
    assert after.trust_digest != before.trust_digest
    assert set(events) == {"clusters"}


def test_a_policy_touches_its_own_service_only():
    world = World(SCENE, ca_config_map("ca", CA("one").cert_pem))
    events = world.apply(POLICY)
    assert set(events) == {"clusters", "reports"}
    assert set(events["clusters"]) == {"default/a/443"}
    assert {key[0] for key in events["reports"]} == {"BackendTLSPolicy"}


def test_variants_are_there_while_they_are_used():
    issued = CA("clients").issue(client=True)
    world = World(SCENE, POLICY, ca_config_map("ca", CA("one").cert_pem), tls_secret("me", issued))
    assert not [name for name, _ in world.outputs.clusters.items() if "+" in name]
    gate = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "gate"},
        "spec": {
            "gatewayClassName": "fairlead",
            "tls": {"backend": {"clientCertificateRef": {"name": "me"}}},
            "listeners": [{"name": "web", "port": 80, "protocol": "HTTP"}],
        },
    }
    world.apply(json.dumps(gate))
    name = "default/a/443+certificate/default/me"
    assert world.outputs.clusters.get(name).tls.certificate == "certificate/default/me"
    assert ("gateway/default/gate", "certificate/default/me") in world.outputs.secret_use
    del gate["spec"]["tls"]
    world.apply(json.dumps(gate))
    assert name not in world.outputs.clusters


def test_tcp_and_udp_of_one_number_are_both_there():
    world = World(
        "{apiVersion: v1, kind: Service, metadata: {name: dns}, spec: {ports: ["
        "{name: tcp, port: 53}, {name: udp, port: 53, protocol: UDP, targetPort: 5353}]}}\n",
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: dns, labels: "
        "{kubernetes.io/service-name: dns}}, addressType: IPv4, ports: [{name: tcp, port: 53}, "
        "{name: udp, port: 5353, protocol: UDP}], endpoints: [{addresses: [10.0.0.1]}]}",
    )
    found = world.outputs.endpoints.get("default/dns/53")
    assert [(each.address, each.port) for each in found.addresses] == [("10.0.0.1", 53)]


SECURE = """
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {ports: [{port: 443, appProtocol: https}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: governs}
spec:
  parentRefs: [{group: "", kind: Service, name: a}]
  rules: [{backendRefs: [{name: a, port: 443}]}]
"""


def test_a_port_for_https_takes_routes_once_a_policy_has_it_encrypted():
    world = World(SECURE)

    def said():
        (routable, *_) = world.report("Service", "a").conditions
        parent = world.parent("governs")
        return routable.reason, parent["Accepted"].reason, parent["ResolvedRefs"].reason

    assert said() == ("UnsupportedProtocol", "UnsupportedValue", "UnsupportedProtocol")
    world.apply(POLICY)
    unmet = ("Routable", "Accepted", "InvalidBackendTLSPolicy")
    assert said() == unmet, "it takes them, but the policy has no authority"
    world.apply(ca_config_map("ca", CA("one").cert_pem))
    assert said() == ("Routable", "Accepted", "ResolvedRefs")
    world.remove("BackendTLSPolicy", "policy")
    assert said() == ("UnsupportedProtocol", "UnsupportedValue", "UnsupportedProtocol")


NOT_OURS = """
{apiVersion: v1, kind: Service, metadata: {name: c}, spec: {ports: [{port: 80}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: unused}
spec:
  targetRefs: [{group: "", kind: Service, name: c}, {group: "", kind: Service, name: missing}]
  validation: {hostname: c.example, wellKnownCACertificates: System}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: foreign}
spec:
  targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: out}]
  validation: {hostname: c.example, wellKnownCACertificates: System}
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {name: unused}
spec: {targetRefs: [{group: "", kind: Service, name: c}], retryConstraint: {}}
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: unused}
spec: {type: ExternalHostname, port: {number: 80}, externalHostname: {hostname: out.example}}
"""


def test_in_a_cluster_nothing_is_told_of_what_only_others_send_to():
    """PolicyStatus.ancestors: only of ancestors that we are responsible for."""
    world = World(CLASS, SCENE, POLICY, NOT_OURS, standalone=False)
    assert told(world)["gate"]["Accepted"] == ("False", "NoValidCACertificate", 3)
    for kind, name in (
        ("BackendTLSPolicy", "unused"),
        ("BackendTLSPolicy", "foreign"),
        ("XBackendTrafficPolicy", "unused"),
        ("XBackend", "unused"),
    ):
        assert world.report(kind, name) is None, (kind, name)
    world.remove("HTTPRoute", "shop")
    assert world.report("BackendTLSPolicy", "policy") is None
    alone = World(NOT_OURS)
    assert told(alone, "unused").keys() == {"c", "missing"}
    assert told(alone, "foreign")["out"]["Accepted"][:2] == ("False", "TargetNotFound")


def test_a_policy_for_a_port_that_is_not_there_is_told_for_the_gateways_of_its_service():
    section = POLICY.replace("name: a}", "name: a, sectionName: lost}")
    world = World(CLASS, SCENE, section, standalone=False)
    assert told(world)["gate"]["Accepted"] == ("False", "TargetNotFound", 3)


def test_a_backend_that_trusts_nobody_is_told_so():
    """Schemas refuse it, but what comes all the same must not stop the rest."""
    world = World("""
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: open}
spec:
  type: ExternalHostname
  port: {number: 443}
  externalHostname: {hostname: out.example}
  tls: {mode: ServerOnly, validation: {hostname: out.example}}
""")
    (ancestor,) = world.report("XBackend", "open").ancestors
    (accepted,) = ancestor.conditions
    assert (accepted.status, accepted.reason) == ("False", "Invalid")


def test_a_backend_that_cannot_be_carried_out_is_told_to_the_routes_that_it_stops():
    out = """
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: out}
spec:
  type: ExternalHostname
  port: {number: 443}
  externalHostname: {hostname: out.example}
  tls:
    mode: ServerOnly
    validation: {hostname: a.example, caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: out}
spec:
  parentRefs: [{name: gate}]
  rules: [{backendRefs: [{group: gateway.networking.x-k8s.io, kind: XBackend, name: out}]}]
"""
    world = World(SCENE, out)
    resolved = world.parent("out")["ResolvedRefs"]
    assert (resolved.status, resolved.reason) == ("False", "InvalidBackend")
    assert resolved.message == (
        "spec.rules[0].backendRefs[0].name: nothing is sent to XBackend default/out, which is not "
        "accepted; see its status"
    )
    world.apply(ca_config_map("ca", CA("one").cert_pem))
    assert world.parent("out")["ResolvedRefs"].status == "True"
