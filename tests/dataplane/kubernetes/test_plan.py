"""What is written: what differs, and nothing else."""

import json

import msgspec

from dataplane.kubernetes.makers import COMMON, made, proxy, stored
from fairlead.dataplane.kubernetes import plan
from fairlead.ir.infrastructure import AskedAddress, Autoscaling, Deployment, ProxyPort

P = proxy()


def steps(wanted, found, settled=None):
    applied, deleted = plan.plan(wanted, COMMON, found, settled or {})
    return [(each.kind, each.name) for each in applied], [(d.kind, d.name) for d in deleted]


def test_all_is_made_services_first():
    assert steps(P, {}) == (
        [
            ("Service", "edge-fairlead"),
            ("ServiceAccount", "edge-fairlead"),
            ("ConfigMap", "edge-fairlead"),
            ("Deployment", "edge-fairlead"),
        ],
        [],
    )


def test_what_is_there_is_not_written_again():
    assert steps(P, made(P)) == ([], [])


def test_fields_of_others_do_not_count():
    found = made(P)
    document = found["Deployment", "edge-fairlead"].document()
    template = document["spec"]["template"]
    template["metadata"].setdefault("annotations", {})["kubectl.kubernetes.io/restartedAt"] = "now"
    template["spec"]["containers"].append({"name": "sidecar", "image": "theirs"})
    document["spec"]["paused"] = False
    found["Deployment", "edge-fairlead"] = stored(document, status={"readyReplicas": 1})
    assert steps(P, found) == ([], [])


def test_what_others_changed_of_ours_is_repaired():
    found = made(P)
    document = found["Service", "edge-fairlead"].document()
    document["spec"]["ports"][0]["targetPort"] = 9999
    found["Service", "edge-fairlead"] = stored(document)
    assert steps(P, found) == ([("Service", "edge-fairlead")], [])


def test_a_port_that_comes_or_goes_changes_the_service_alone():
    more = proxy(ports=(*P.ports, ProxyPort("tls-443", 443, "TCP")))
    assert steps(more, made(P)) == ([("Service", "edge-fairlead")], [])
    # The one that went is among the live ports still: the digest tells.
    assert steps(P, made(more)) == ([("Service", "edge-fairlead")], [])


def test_what_is_not_wanted_any_more_is_deleted():
    scaled = proxy(deployment=Deployment(replicas=2))
    assert ("PodDisruptionBudget", "edge-fairlead") in made(scaled)
    assert steps(P, made(scaled)) == (
        [("Deployment", "edge-fairlead")],
        [("PodDisruptionBudget", "edge-fairlead")],
    )
    two = proxy("edge", AskedAddress(), AskedAddress("198.51.100.9"))
    assert steps(P, made(two))[1] == [("Service", "edge-fairlead-2")]


def test_an_autoscaled_deployment_keeps_its_instances():
    scaled = proxy(deployment=Deployment(autoscaling=Autoscaling(2, 9, 80)))
    found = made(proxy(deployment=Deployment(replicas=5)))
    applied, _ = plan.plan(scaled, COMMON, found, {})
    change = next(each for each in applied if each.kind == "Deployment")
    assert "replicas" not in change.manifest["spec"]
    assert change.body()["spec"]["replicas"] == 5
    new = next(each for each in plan.plan(scaled, COMMON, {}, {})[0] if each.kind == "Deployment")
    assert "replicas" not in new.body()["spec"]


def test_a_value_that_the_server_writes_otherwise_is_no_difference():
    asked = proxy(deployment=Deployment(requests=(("cpu", "1000m"), ("memory", "96Mi"))))
    found = made(asked)
    manifest = next(
        each.manifest for each in plan.plan(asked, COMMON, {}, {})[0] if each.kind == "Deployment"
    )
    document = json.loads(json.dumps(manifest))
    document["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "1"
    found["Deployment", "edge-fairlead"] = stored(document)
    assert steps(asked, found)[0] == [("Deployment", "edge-fairlead")]
    returned = plan.restricted(document, msgspec.to_builtins(manifest))
    settled = {("Deployment", "edge-fairlead"): (plan.digest_of(manifest), returned)}
    assert steps(asked, found, settled) == ([], [])
    document["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "2"
    found["Deployment", "edge-fairlead"] = stored(document)
    assert steps(asked, found, settled)[0] == [("Deployment", "edge-fairlead")]


def test_objects_of_a_gateway_that_came_back_are_taken_over():
    again = proxy(owner="uid-2")
    assert steps(again, made(P))[0] == [
        ("Service", "edge-fairlead"),
        ("ServiceAccount", "edge-fairlead"),
        ("ConfigMap", "edge-fairlead"),
        ("Deployment", "edge-fairlead"),
    ]
