"""The pod of a Gateway's proxy: one container that runs `fairlead proxy`, with few rights.

In: an `ir.fleet.Proxy` and what all proxies have in common. Out: a PodSpec. Whatever stands in it
makes new pods when it changes; so ports, certificates and routes do not stand in it.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from fairlead.dataplane.kubernetes import names
from fairlead.ir.fleet import Proxy
from fairlead.ir.ports import PROXY_HEALTH

USER: Final = 65532
AUDIENCE: Final = "fairlead"
"""Whom the token of a proxy's service account is for."""
AFTER_DRAIN_SECONDS: Final = 5
"""From the time when clients have to be gone until the pod is killed.

Together with what clients have by default it is 20: Kubernetes looks at a namespace that is deleted
after half of its pods' longest time only, and again after some more seconds.
"""
TOKEN_SECONDS: Final = 3600
_MOUNTS: Final = "/var/run/fairlead"
_RUNTIME: Final = "/run/fairlead"


@dataclass(frozen=True, slots=True)
class PodSettings:
    """What the pods of all proxies have in common."""

    image: str
    xds_address: str
    """``HOST:PORT`` of the control plane."""
    pull_policy: str = ""
    """Empty for the cluster's default."""
    pull_secrets: tuple[str, ...] = ()
    """Names of Secrets in the Gateway's namespace."""


def pod(proxy: Proxy, name: str, settings: PodSettings) -> dict[str, Any]:
    """PodSpec of a proxy.

    Args:
        proxy: The proxy of a Gateway.
        name: Of its ServiceAccount and ConfigMap.
        settings: What all have in common.
    """
    spec: dict[str, Any] = {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": proxy.deployment.drain + AFTER_DRAIN_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
            # Listeners are bound by the port that the Gateway says.
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
        },
        "topologySpreadConstraints": [_spread(proxy)],
        "containers": [_container(proxy, settings)],
        "volumes": _volumes(name, names.snapshot_name(proxy.gateway)),
    }
    if settings.pull_secrets:
        spec["imagePullSecrets"] = [{"name": each} for each in settings.pull_secrets]
    for field, value in proxy.deployment.placement:
        if (read := json.loads(value)) not in ({}, []):
            spec[field] = read
    return spec


def _spread(proxy: Proxy) -> dict[str, Any]:
    """Instances on different nodes, where that can be."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": names.selector(proxy.gateway)},
    }


def _container(proxy: Proxy, settings: PodSettings) -> dict[str, Any]:
    wanted = proxy.deployment
    made: dict[str, Any] = {
        "name": "proxy",
        "image": settings.image,
        "args": ["proxy"],
        "env": _environment(proxy, settings),
        "ports": [{"name": "health", "containerPort": PROXY_HEALTH, "protocol": "TCP"}],
        "resources": {"requests": dict(wanted.requests)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # On a crowded node a start may take long; only what has started is judged.
        "startupProbe": _probe("/healthz", periodSeconds=1, timeoutSeconds=5, failureThreshold=180),
        "readinessProbe": _probe("/ready", periodSeconds=1, timeoutSeconds=2, failureThreshold=2),
        "livenessProbe": _probe("/healthz", periodSeconds=10, timeoutSeconds=5, failureThreshold=6),
        "volumeMounts": [
            _mount("config", f"{_MOUNTS}/config", readOnly=True),
            _mount("snapshot", f"{_MOUNTS}/snapshot", readOnly=True),
            _mount("token", f"{_MOUNTS}/token", readOnly=True),
            _mount("runtime", _RUNTIME),
        ],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    if wanted.limits:
        made["resources"]["limits"] = dict(wanted.limits)
    if settings.pull_policy:
        made["imagePullPolicy"] = settings.pull_policy
    return made


def _environment(proxy: Proxy, settings: PodSettings) -> list[dict[str, Any]]:
    wanted = proxy.deployment
    plain = {
        "FAIRLEAD_PROXY": proxy.name,
        "FAIRLEAD_XDS": settings.xds_address,
        "FAIRLEAD_DRAIN_SECONDS": str(wanted.drain),
        "FAIRLEAD_LOG_LEVEL": wanted.log_level,
    }
    if wanted.concurrency:
        plain["FAIRLEAD_CONCURRENCY"] = str(wanted.concurrency)
    pod_name = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}
    return [
        *({"name": name, "value": value} for name, value in plain.items()),
        {"name": "POD_NAME", "valueFrom": pod_name},
    ]


def _probe(path: str, **more: int) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "health"}, **more}


def _mount(name: str, path: str, **more: bool) -> dict[str, Any]:
    return {"name": name, "mountPath": path, **more}


def _volumes(name: str, snapshot: str) -> list[dict[str, Any]]:
    token = {"audience": AUDIENCE, "expirationSeconds": TOKEN_SECONDS, "path": "token"}
    return [
        {"name": "config", "configMap": {"name": name}},
        {"name": "snapshot", "secret": {"secretName": snapshot, "optional": True}},
        {"name": "token", "projected": {"sources": [{"serviceAccountToken": token}]}},
        {"name": "runtime", "emptyDir": {"medium": "Memory", "sizeLimit": "32Mi"}},
    ]
