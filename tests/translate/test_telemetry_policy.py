"""XTelemetryPolicies: which one counts for a Gateway, and what owners are told."""

import json

import pytest

from support.certificates import CA, ca_config_map, tls_secret
from translate.world import CLASS, World

PROXY = "gateway/default/gate"
CLUSTER = "default/collector/4317+h2c"

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: collector}
spec: {selector: {app: collector}, ports: [{port: 4317}]}
"""


def gateway(name="gate", owner="fairlead"):
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec: {{gatewayClassName: {owner}, listeners: [{{name: web, port: 80, protocol: HTTP}}]}}
"""


def to(name, kind="Gateway"):
    return {"group": "gateway.networking.k8s.io", "kind": kind, "name": name}


def enabled(**ref):
    provider = {"backendRef": {"name": "collector", "port": 4317, **ref}}
    return {"mode": "Enabled", "provider": provider}


def policy(name, *targets, created="", tracing=None):
    metadata = {"name": name, "generation": 3}
    if created:
        metadata["creationTimestamp"] = created
    spec = {"targetRefs": targets, "tracing": tracing or enabled()}
    return f"""
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XTelemetryPolicy
metadata: {json.dumps(metadata)}
spec: {json.dumps(spec)}
"""


def told(world, name):
    """{ancestor: {condition: (status, reason)}} of a policy; None without a report."""
    report = world.report("XTelemetryPolicy", name)
    return report and {
        (each.ancestor_ref.kind, each.ancestor_ref.name): {
            condition.type: (condition.status, condition.reason) for condition in each.conditions
        }
        for each in report.ancestors
    }


def cluster(world):
    """The cluster that spans of the Gateway go to; None if there are none."""
    tracing = world.outputs.listeners.get((PROXY, "http-80")).tracing
    return tracing and tracing.cluster


def test_the_oldest_policy_counts_and_when_it_goes_the_next():
    world = World(gateway(), SERVICE, policy("b", to("gate")))
    assert cluster(world) == CLUSTER
    older = policy("c", to("gate"), created="2026-01-01T00:00:00Z", tracing={"mode": "Disabled"})
    world.apply(older, policy("a", to("gate")))
    assert cluster(world) is None
    gate = ("Gateway", "gate")
    assert told(world, "c")[gate]["Accepted"] == ("True", "Accepted")
    for name in ("a", "b"):
        assert told(world, name)[gate]["Accepted"] == ("False", "Conflicted")
    world.remove("XTelemetryPolicy", "c")
    assert cluster(world) == CLUSTER
    assert told(world, "a")[gate]["Accepted"] == ("True", "Accepted")
    assert told(world, "b")[gate]["Accepted"] == ("False", "Conflicted")


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ({"namespace": "other"}, "RefNotPermitted"),
        ({"name": "nowhere"}, "BackendNotFound"),
        ({"port": 4318}, "BackendNotFound"),
        ({"kind": "ConfigMap"}, "InvalidKind"),
    ],
)
def test_a_collector_that_cannot_be_had(ref, reason):
    world = World(gateway(), SERVICE, policy("a", to("gate"), tracing=enabled(**ref)))
    conditions = told(world, "a")["Gateway", "gate"]
    assert conditions["ResolvedRefs"] == ("False", reason)
    assert conditions["Accepted"] == ("True", "Accepted")
    assert cluster(world) is None


def test_a_target_that_is_not_there_is_told():
    world = World(SERVICE, policy("a", to("gate"), to("app", "HTTPRoute")))
    assert told(world, "a") == {
        ancestor: {
            "Accepted": ("False", "TargetNotFound"),
            "ResolvedRefs": ("True", "ResolvedRefs"),
        }
        for ancestor in (("Gateway", "gate"), ("HTTPRoute", "app"))
    }
    messages = [
        each.conditions[0].message for each in world.report("XTelemetryPolicy", "a").ancestors
    ]
    assert messages == [
        "spec.targetRefs[0].name: Gateway default/gate does not exist",
        (
            "spec.targetRefs[1].kind: HTTPRoute of group 'gateway.networking.k8s.io' cannot be "
            "targeted; use a Gateway"
        ),
    ]
    world.apply(gateway())
    assert told(world, "a")["Gateway", "gate"]["Accepted"] == ("True", "Accepted")
    world.remove("Gateway", "gate")
    assert told(world, "a")["Gateway", "gate"]["Accepted"] == ("False", "TargetNotFound")


def test_gateways_of_other_controllers_are_left_alone():
    theirs = policy("a", to("theirs"), to("gone"), to("app", "HTTPRoute"))
    world = World(CLASS, gateway("theirs", "someone-else"), SERVICE, theirs, standalone=False)
    assert told(world, "a") is None
    world.apply(gateway(), policy("a", to("theirs"), to("gate")))
    assert list(told(world, "a")) == [("Gateway", "gate")]


def test_a_collector_is_shown_the_certificate_of_the_gateway():
    """Gateway.spec.tls.backend counts for every backend that a BackendTLSPolicy is for."""
    root = CA("root")
    certified = gateway().replace(
        "listeners:", "tls: {backend: {clientCertificateRef: {name: me}}}, listeners:"
    )
    trusted = """
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: tls}
spec:
  targetRefs: [{group: "", kind: Service, name: collector}]
  validation: {hostname: c.example, caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}
"""
    world = World(certified, SERVICE, policy("a", to("gate")), trusted)
    world.apply(ca_config_map("ca", root.cert_pem), tls_secret("me", root.issue(dns=["me"])))
    tracing = world.outputs.listeners.get((PROXY, "http-80")).tracing
    assert world.outputs.clusters.get(tracing.cluster).tls.certificate == "certificate/default/me"
    assert (PROXY, "certificate/default/me") in world.outputs.secret_use

    world.apply(gateway())
    tracing = world.outputs.listeners.get((PROXY, "http-80")).tracing
    assert not world.outputs.clusters.get(tracing.cluster).tls.certificate
