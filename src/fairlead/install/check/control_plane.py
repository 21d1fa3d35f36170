"""The control plane: its replicas, and the one that writes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from fairlead import __version__
from fairlead.install import cluster
from fairlead.install.apply import trouble
from fairlead.install.check.finding import Finding
from fairlead.install.part import Manifest, selector
from fairlead.install.workload import NAME
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.paths import path_of

TOPIC: Final = "Control plane"
LEASE_SECONDS: Final = 15
_LABEL: Final = "fairlead.dev/replica"
_PREFIX: Final = "fairlead-replica-"


class Facts(msgspec.Struct, frozen=True):
    """What was read of the control plane."""

    deployment: Manifest | None
    pods: Sequence[Manifest]
    lease: Manifest | None
    connected: Mapping[str, Sequence[ProxyStatus]]
    """What each replica, by name of its pod, says of the proxies connected to it."""

    @property
    def proxies(self) -> frozenset[str]:
        """Names of the proxies that are connected to any replica."""
        return frozenset(
            status.proxy for each in self.connected.values() for status in each if status.connected
        )


async def read(client: KubeClient, namespace: str) -> Facts:
    """Read it. Raises ApiError where the user may not."""
    chosen = ",".join(f"{key}={value}" for key, value in selector().items())
    published = await cluster.items(
        client, path_of("v1", "configmaps", namespace), labelSelector=_LABEL
    )
    return Facts(
        deployment=await cluster.find(client, path_of("apps/v1", "deployments", namespace, NAME)),
        pods=await cluster.items(client, path_of("v1", "pods", namespace), labelSelector=chosen),
        lease=await cluster.find(
            client, path_of("coordination.k8s.io/v1", "leases", namespace, NAME)
        ),
        connected={
            each["metadata"]["name"].removeprefix(_PREFIX): _statuses(each) for each in published
        },
    )


def _statuses(config_map: Manifest) -> list[ProxyStatus]:
    """What a replica published; nothing if it is of a version that does so otherwise."""
    try:
        text: str = config_map.get("data", {}).get("proxies", "[]")
        return msgspec.json.decode(text, type=list[ProxyStatus])
    except msgspec.MsgspecError:
        return []


def judge(facts: Facts, namespace: str, now: datetime) -> list[Finding]:
    """How the control plane does.

    Args:
        facts: what was read.
        namespace: of the control plane.
        now: the time, by which the Lease is judged.
    """
    if facts.deployment is None:
        message = f"Fairlead is not installed in {namespace}"
        remedy = "run `fairlead install`, or name its namespace with --namespace"
        return [Finding(TOPIC, "error", message, remedy)]
    return [*_replicas(facts, facts.deployment), *_leader(facts, namespace, now)]


def _replicas(facts: Facts, deployment: Manifest) -> list[Finding]:
    wanted: int = deployment["spec"]["replicas"]
    ready: int = deployment.get("status", {}).get("availableReplicas", 0)
    image: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    troubles = sorted({reason for pod in facts.pods if (reason := trouble(pod))})
    why = f": {'; '.join(troubles)}" if troubles else ""
    told = f"{ready} of {wanted} replicas are ready, image {image}{why}"
    remedy = f"see `kubectl -n {deployment['metadata']['namespace']} describe pods`"
    if not ready:
        found = [Finding(TOPIC, "error", told, remedy)]
    elif ready < wanted:
        found = [Finding(TOPIC, "warning", told, remedy)]
    else:
        found = [Finding(TOPIC, "ok", told)]
    tag = image.rpartition(":")[2]
    if tag[:1].isdigit() and "/" not in tag and tag != __version__:
        message = f"the cluster runs Fairlead {tag}, this command is of {__version__}"
        remedy = "run `fairlead install` to upgrade, or use the command of the same version"
        found.append(Finding(TOPIC, "warning", message, remedy))
    return found


def _leader(facts: Facts, namespace: str, now: datetime) -> list[Finding]:
    spec: Mapping[str, Any] = facts.lease["spec"] if facts.lease else {}
    holder: str = spec.get("holderIdentity") or ""
    remedy = f"see `kubectl -n {namespace} logs deployment/{NAME}`"
    if not holder:
        message = "no replica leads: no status is written, no proxies are made"
        return [Finding(TOPIC, "error", message, remedy)]
    renewed = datetime.fromisoformat(spec["renewTime"])
    age = (now - renewed) / timedelta(seconds=1)
    if age > LEASE_SECONDS:
        message = f"{holder} leads no more: it renewed its Lease {age:.0f} s ago"
        return [Finding(TOPIC, "error", message, remedy)]
    names = {pod["metadata"]["name"] for pod in facts.pods}
    if holder not in names:
        message = f"{holder} leads, which is no pod of the Deployment"
        return [Finding(TOPIC, "warning", message, "end the controller that runs elsewhere")]
    return [Finding(TOPIC, "ok", f"{holder} leads")]
