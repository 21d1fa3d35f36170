"""Workloads: the pods that shall run here, and what became of them.

In: Pods and Deployments as written, pods as they run. Out: the pods that shall run (a
Deployment's are named after its template's content, so that a changed template makes new ones),
and a report for each Deployment and Pod.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Graph
from fairlead.ir.workload import Workload
from fairlead.translate.report import Condition, Report
from fairlead.translate.sources import Key, Settings, Sources

MOST_REPLICAS = 500
"""Of one Deployment. Each is at least one process of this machine, started at once."""

_encoder = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Workloads:
    """What runs, and what is told about it."""

    pods: Collection[Key, api.Pod]
    """Pods as written, and those of Deployments; on equal names the written one."""
    deployment_reports: Collection[Key, Report]
    pod_reports: Collection[Key, Report]
    """By key, for the pods of Deployments too."""


def build(graph: Graph, sources: Sources, settings: Settings) -> Workloads:
    """Derive the pods that shall run, and the reports. In a cluster others do all of that."""
    if not settings.standalone:
        nobody: Collection[Key, api.Pod] = graph.join("pods to run")
        return Workloads(nobody, graph.join("deployment reports"), graph.join("pod reports"))
    replicas = sources.deployments.flat_map(
        "pods of deployments", lambda _ctx, _key, deployment: _pods(deployment)
    )
    pods = graph.join("pods to run", sources.pods, replicas)

    def pod_report(ctx: Context, key: Key, pod: api.Pod) -> Report:
        condition = _ready(pod, ctx.fetch(sources.workloads, key))
        return Report("Pod", *key, pod.metadata.generation, (condition,))

    def deployment_report(ctx: Context, key: Key, deployment: api.Deployment) -> Report:
        states = tuple(
            (pod_key[1], ctx.fetch(sources.workloads, pod_key)) for pod_key, _ in _pods(deployment)
        )
        condition = _available(deployment, states)
        return Report("Deployment", *key, deployment.metadata.generation, (condition,))

    return Workloads(
        pods=pods,
        deployment_reports=sources.deployments.map("deployment reports", deployment_report),
        pod_reports=pods.map("pod reports", pod_report),
    )


def _pods(deployment: api.Deployment) -> Iterator[tuple[Key, api.Pod]]:
    """Yield a Deployment's pods; none while its selector does not match its own template."""
    template, metadata = deployment.spec.template, deployment.metadata
    if not _selects_itself(deployment):
        return
    owner = api.OwnerReference(
        api_version=deployment.api_version,
        kind=deployment.kind,
        name=metadata.name,
        uid=metadata.uid,
        controller=True,
    )
    digest = blake2b(_encoder.encode(template), digest_size=5).hexdigest()
    for number in range(min(deployment.spec.replicas, MOST_REPLICAS)):
        name = f"{metadata.name}-{digest}-{number}"
        yield (
            (metadata.namespace, name),
            api.Pod(
                metadata=api.ObjectMeta(
                    name=name,
                    namespace=metadata.namespace,
                    labels=template.metadata.labels,
                    annotations=template.metadata.annotations,
                    owner_references=(owner,),
                ),
                spec=template.spec,
            ),
        )


def _selects_itself(deployment: api.Deployment) -> bool:
    """True if `spec.selector` is not empty and matches the labels of `spec.template`."""
    selector = deployment.spec.selector
    empty = not selector.match_labels and not selector.match_expressions
    return not empty and selector.matches(deployment.spec.template.metadata.labels)


def _available(
    deployment: api.Deployment, states: tuple[tuple[str, Workload | None], ...]
) -> Condition:
    """Say how many of a Deployment's pods are ready (DeploymentCondition Available)."""
    generation = deployment.metadata.generation
    if not _selects_itself(deployment):
        message = "spec.selector does not match spec.template.metadata.labels; no pod is made"
        return Condition("Available", "False", "SelectorMismatch", message, generation)
    if deployment.spec.replicas > MOST_REPLICAS:
        message = (
            f"spec.replicas is {deployment.spec.replicas}, of which {MOST_REPLICAS} run on this "
            "machine; lower it"
        )
        return Condition("Available", "False", "TooManyReplicas", message, generation)
    ready = sum(1 for _, pod in states if pod and pod.ready and not pod.terminating)
    message = f"{ready} of {len(states)} pods are ready"
    if ready == len(states):
        return Condition("Available", "True", "MinimumReplicasAvailable", message, generation)
    reason = "MinimumReplicasUnavailable"
    for name, pod in states:
        if pod and not pod.ready and pod.reason:
            reason, message = pod.reason, f"{message}; {name}: {pod.message or pod.reason}"
            break
    return Condition("Available", "False", reason, message, generation)


def _ready(pod: api.Pod, live: Workload | None) -> Condition:
    """Say whether a pod is ready (PodCondition Ready), and why not."""
    generation = pod.metadata.generation
    if live is None:
        return Condition("Ready", "False", "Pending", "the pod is not started yet", generation)
    if live.terminating:
        return Condition("Ready", "False", "Terminating", "the pod is being stopped", generation)
    if live.ready:
        return Condition("Ready", "True", "Ready", live.message, generation)
    completed = live.phase == "Succeeded"
    reason = live.reason or ("PodCompleted" if completed else "ContainersNotReady")
    return Condition("Ready", "False", reason, live.message, generation)
