"""The pods that shall run, and what their owners are told."""

import pytest

from fairlead.translate.workloads import MOST_REPLICAS
from translate.mesh_world import World, pod

DEPLOYMENT = """
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, version: v1}}
    spec: {containers: [{name: web, image: hashicorp/http-echo, args: ["-text=one"]}]}
"""


def names(world):
    return [name for _, name in sorted(world.workloads.pods.keys())]


def test_a_deployment_becomes_as_many_pods_as_it_asks_for():
    world = World()
    world.apply(DEPLOYMENT)
    first, second = names(world)
    assert first.startswith("web-")
    assert (first[-2:], second[-2:]) == ("-0", "-1")
    made = world.workloads.pods.get(("default", first))
    assert made.metadata.labels == {"app": "web", "version": "v1"}
    assert [(owner.kind, owner.name) for owner in made.metadata.owner_references] == [
        ("Deployment", "web")
    ]


def test_one_replica_where_none_are_asked_for_and_none_for_zero():
    world = World()
    world.apply(DEPLOYMENT.replace("  replicas: 2\n", ""))
    assert len(names(world)) == 1
    world.apply(DEPLOYMENT.replace("replicas: 2", "replicas: 0"))
    assert names(world) == []


def test_no_more_replicas_than_a_machine_bears():
    world = World()
    world.apply(DEPLOYMENT.replace("replicas: 2", "replicas: 2147483647"))
    assert len(names(world)) == MOST_REPLICAS
    report = world.workloads.deployment_reports.get(("default", "web"))
    (condition,) = report.conditions
    assert (condition.status, condition.reason) == ("False", "TooManyReplicas")
    assert "spec.replicas is 2147483647" in condition.message


def test_scaling_keeps_the_pods_that_are_there():
    world = World()
    world.apply(DEPLOYMENT)
    before = names(world)
    events = world.apply(DEPLOYMENT.replace("replicas: 2", "replicas: 3"))
    assert names(world)[:2] == before
    assert len(events["pods"]) == 1


def test_another_template_makes_other_pods():
    world = World()
    world.apply(DEPLOYMENT)
    before = names(world)
    world.apply(DEPLOYMENT.replace("one", "two"))
    assert not set(before) & set(names(world))


@pytest.mark.parametrize("selector", ["{matchLabels: {app: other}}", "{}"])
def test_a_selector_that_does_not_match_the_template_is_reported_and_makes_no_pod(selector):
    world = World()
    world.apply(DEPLOYMENT.replace("selector: {matchLabels: {app: web}}", f"selector: {selector}"))
    assert names(world) == []
    assert world.condition("deployments", ("default", "web"), "Available") == (
        "False",
        "SelectorMismatch",
        "spec.selector does not match spec.template.metadata.labels; no pod is made",
    )


def test_a_pod_as_written_runs_too():
    world = World()
    world.apply("kind: Pod\nmetadata: {name: client}\nspec: {containers: [{name: c, image: x}]}")
    assert names(world) == ["client"]


def test_what_the_owners_are_told():
    world = World()
    world.apply(DEPLOYMENT)
    first, second = names(world)
    available = ("deployments", ("default", "web"), "Available")
    assert world.condition("pod_reports", ("default", first), "Ready")[:2] == ("False", "Pending")
    unmapped = {"ready": False, "phase": "Pending", "reason": "ImageNotMapped"}
    world.apply(
        pod(first, ip="127.64.0.1"), pod(second, ip="", message="image x is not mapped", **unmapped)
    )
    assert world.condition("pod_reports", ("default", first), "Ready")[0] == "True"
    assert world.condition("pod_reports", ("default", second), "Ready") == (
        "False",
        "ImageNotMapped",
        "image x is not mapped",
    )
    assert world.condition(*available) == (
        "False",
        "ImageNotMapped",
        f"1 of 2 pods are ready; {second}: image x is not mapped",
    )
    world.apply(pod(second, ip="127.64.0.2"))
    assert world.condition(*available) == (
        "True",
        "MinimumReplicasAvailable",
        "2 of 2 pods are ready",
    )
