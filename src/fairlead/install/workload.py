"""The control plane itself: namespace, service account, Deployment, Service, disruption budget."""

from collections.abc import Mapping
from typing import Final

from fairlead.install.part import Manifest, Part, metadata, selector
from fairlead.install.values import Values
from fairlead.ir.ports import CONTROLLER_HEALTH, XDS

NAME: Final = "fairlead"
_GRACE: Final = 30
"""Seconds in which a replica hands over the Lease and its proxies go to another one."""


def parts(values: Values) -> list[Part]:
    """What runs the control plane, in the order in which it is applied."""
    return [
        Part(_service_account(values)),
        Part(_deployment(values)),
        Part(_service(values)),
        Part(_disruption_budget(values)),
    ]


def environment(deployment: Manifest) -> dict[str, str]:
    """Variables of the control plane's container, of a Deployment as it is."""
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    return {each["name"]: each.get("value", "") for each in container.get("env", ())}


def controller_name(environment: Mapping[str, str], values: Values) -> str:
    """The controller name that a control plane with these variables serves."""
    return environment.get("FAIRLEAD_CONTROLLER_NAME", values.controller_name)


def namespace(values: Values) -> Part:
    """The control plane's namespace; its pods meet the strictest of Kubernetes' own standards."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    found = metadata(values, values.namespace, labels=labels)
    return Part({"apiVersion": "v1", "kind": "Namespace", "metadata": found})


def _service_account(values: Values) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(values, NAME, namespaced=True),
    }


def _service(values: Values) -> Manifest:
    ports = [
        {"name": "grpc-xds", "port": XDS, "targetPort": "grpc-xds", "protocol": "TCP"},
        {
            "name": "http-metrics",
            "port": CONTROLLER_HEALTH,
            "targetPort": "http",
            "protocol": "TCP",
        },
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(values, NAME, namespaced=True),
        "spec": {"type": "ClusterIP", "selector": selector(), "ports": ports},
    }


def _disruption_budget(values: Values) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(values, NAME, namespaced=True),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": selector()}},
    }


def _deployment(values: Values) -> Manifest:
    labels = metadata(values, NAME)["labels"]
    annotations = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(CONTROLLER_HEALTH),
        "prometheus.io/path": "/metrics",
        **values.pod_annotations,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(values, NAME, namespaced=True),
        "spec": {
            "replicas": values.replicas,
            "revisionHistoryLimit": 3,
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "selector": {"matchLabels": selector()},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": _pod(values),
            },
        },
    }


def _pod(values: Values) -> Manifest:
    made: Manifest = {
        "serviceAccountName": NAME,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(values)],
        "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector()},
            }
            for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
    }
    if values.image_pull_secrets:
        made["imagePullSecrets"] = [{"name": name} for name in values.image_pull_secrets]
    if values.node_selector:
        made["nodeSelector"] = dict(values.node_selector)
    if values.tolerations:
        made["tolerations"] = list(values.tolerations)
    if values.priority_class_name:
        made["priorityClassName"] = values.priority_class_name
    return made


def _container(values: Values) -> Manifest:
    def downward(name: str, path: str) -> Manifest:
        return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}

    return {
        "name": "controller",
        "image": values.image,
        "imagePullPolicy": values.image_pull_policy,
        "args": [
            "controller",
            f"--log-level={values.log_level}",
            f"--cluster-domain={values.cluster_domain}",
        ],
        "env": [
            downward("POD_NAME", "metadata.name"),
            downward("POD_UID", "metadata.uid"),
            downward("POD_IPS", "status.podIPs"),
            downward("POD_NAMESPACE", "metadata.namespace"),
            {"name": "FAIRLEAD_IMAGE", "value": values.image},
            {"name": "FAIRLEAD_IMAGE_PULL_POLICY", "value": values.image_pull_policy},
            {"name": "FAIRLEAD_CONTROLLER_NAME", "value": values.controller_name},
            {"name": "FAIRLEAD_SNAPSHOTS", "value": values.word("snapshots")},
        ],
        "ports": [
            {"name": "grpc-xds", "containerPort": XDS, "protocol": "TCP"},
            {"name": "http", "containerPort": CONTROLLER_HEALTH, "protocol": "TCP"},
        ],
        "readinessProbe": _probe("/readyz", 2, 2),
        # Starting may take as long as the API server is away: that is no reason to start again.
        "livenessProbe": _probe("/healthz", 10, 6),
        "resources": dict(values.resources),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the pod's own
    }


def _probe(path: str, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
