"""What a Gateway's proxy needs in a cluster, as manifests.

In: an `ir.fleet.Proxy` and what all proxies have in common. Out: plain mappings, ready for
server-side apply; the same input gives the same bytes. Services are in `services`, since which
there shall be depends on which there are.

Everything carries the labels and annotations of the Gateway's `spec.infrastructure`, and belongs
to the Gateway (ownerReferences), so that it goes when that goes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fairlead.dataplane.kubernetes import names
from fairlead.dataplane.kubernetes.pod import PodSettings, pod
from fairlead.ir.fleet import Proxy

Manifest: TypeAlias = Mapping[str, Any]

CA_KEY: Final = "ca.crt"
"""Key of the ConfigMap with the authorities that vouch for the control plane."""
_READY_SECONDS: Final = 2
"""How long a new pod has to be ready before an old one goes."""
_PROGRESS_SECONDS: Final = 60
"""After which status tells that no pod becomes ready, and where to look."""


@dataclass(frozen=True, slots=True)
class Common:
    """What all proxies have in common."""

    pod: PodSettings
    authorities: str
    """Certificates that vouch for the control plane, in PEM; empty while there are none."""
    controller_name: str
    """Whose all of it is (`spec.controllerName` of the GatewayClass)."""


def owner(proxy: Proxy) -> dict[str, Any]:
    """The OwnerReference to a proxy's Gateway."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "name": proxy.gateway,
        "uid": proxy.owner,
        "controller": True,
        # Blocking takes the right to change finalizers of Gateways, and serves nothing here.
        "blockOwnerDeletion": False,
    }


def labels(proxy: Proxy) -> dict[str, str]:
    """Labels of all that is made for a proxy; those that things are found by cannot be changed."""
    return dict(sorted({**dict(proxy.labels), **names.selector(proxy.gateway)}.items()))


def metadata(proxy: Proxy, *, name: str = "", suffix: str = "") -> dict[str, Any]:
    """ObjectMeta of something that is made for a proxy.

    Args:
        proxy: The proxy of a Gateway.
        name: Of the object; as all that belongs to the Gateway if empty.
        suffix: Put behind that name.
    """
    made: dict[str, Any] = {
        "name": (name or names.resource_name(proxy.gateway)) + suffix,
        "namespace": proxy.namespace,
        "labels": labels(proxy),
        "ownerReferences": [owner(proxy)],
    }
    if proxy.annotations:
        made["annotations"] = dict(proxy.annotations)
    return made


def manifests(proxy: Proxy, common: Common) -> tuple[Manifest, ...]:
    """All that a proxy needs but its Services, in the order in which it is to be made."""
    made = [_service_account(proxy), _config_map(proxy, common), _deployment(proxy, common)]
    if proxy.deployment.autoscaling is not None:
        made.append(_autoscaler(proxy))
    if proxy.deployment.disruption and _most_instances(proxy) > 1:
        made.append(_disruption_budget(proxy))
    return tuple(made)


def _most_instances(proxy: Proxy) -> int:
    autoscaling = proxy.deployment.autoscaling
    return autoscaling.most if autoscaling is not None else proxy.deployment.replicas


def _service_account(proxy: Proxy) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(proxy),
        "automountServiceAccountToken": False,
    }


def _config_map(proxy: Proxy, common: Common) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(proxy),
        "data": {CA_KEY: common.authorities},
    }


def _deployment(proxy: Proxy, common: Common) -> Manifest:
    wanted = proxy.deployment
    selector = names.selector(proxy.gateway)
    spec: dict[str, Any] = {
        "minReadySeconds": _READY_SECONDS,
        "progressDeadlineSeconds": _PROGRESS_SECONDS,
        "revisionHistoryLimit": 2,
        "selector": {"matchLabels": selector},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        },
        "template": {
            "metadata": _of_pods(proxy),
            "spec": pod(proxy, names.resource_name(proxy.gateway), common.pod),
        },
    }
    if wanted.autoscaling is None:
        spec["replicas"] = wanted.replicas
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(proxy),
        "spec": spec,
    }


def _of_pods(proxy: Proxy) -> dict[str, Any]:
    made: dict[str, Any] = {"labels": labels(proxy)}
    if proxy.annotations:
        made["annotations"] = dict(proxy.annotations)
    return made


def _autoscaler(proxy: Proxy) -> Manifest:
    wanted = proxy.deployment.autoscaling
    assert wanted is not None  # noqa: S101 - the one caller has looked
    target = {"type": "Utilization", "averageUtilization": wanted.cpu}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(proxy),
        "spec": {
            "minReplicas": wanted.least,
            "maxReplicas": wanted.most,
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": names.resource_name(proxy.gateway),
            },
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }


def _disruption_budget(proxy: Proxy) -> Manifest:
    most = proxy.deployment.disruption
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(proxy),
        "spec": {
            "maxUnavailable": most if most.endswith("%") else int(most),
            "selector": {"matchLabels": names.selector(proxy.gateway)},
        },
    }


def encode(manifest: Manifest) -> bytes:
    """A manifest as bytes that are the same for the same content."""
    return json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
