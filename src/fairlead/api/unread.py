"""Fields of pods and Deployments that no model reads: which have no effect here, which don't exist.

The models of Kubernetes' own large kinds take no notice of what a local process has no use for.
So that nothing that changes what a pod does is lost without a word, and no slip of the pen either,
this walk goes through what was written: raw object in, findings out. The fields are those of
core/v1 and apps/v1 of Kubernetes 1.36.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import inspect

from fairlead.api.codes import Code
from fairlead.api.container import (
    Container,
    ContainerPort,
    EnvFromSource,
    EnvSource,
    EnvVar,
    EnvVarSource,
    ExecAction,
    FieldSelector,
    GRPCAction,
    HTTPGetAction,
    HTTPHeader,
    KeySelector,
    Probe,
    TCPSocketAction,
)
from fairlead.api.deployment import Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdate
from fairlead.api.finding import Finding, Path
from fairlead.api.hints import fields_of, similar, unwrap
from fairlead.api.pod import Pod, PodSpec
from fairlead.api.raw import Raw, is_list, is_map
from fairlead.api.schema import struct_info

MODELS: Final = (Pod, Deployment)
"""The kinds that are walked through."""

_ACCOUNT = "the process runs as the user who runs fairlead, with all that user's rights"
_HOST = "a local process shares this machine's processes and network anyway, at its own address"

_WITHOUT_EFFECT: Final[Mapping[type[msgspec.Struct], Mapping[str, str]]] = {
    DeploymentSpec: {
        "minReadySeconds": "a pod counts as available once it is ready",
        "paused": "a changed template is rolled out all the same",
    },
    DeploymentStrategy: {
        "type": "new pods start first, and an old one goes for each new one that is ready",
    },
    PodSpec: {
        "activeDeadlineSeconds": "the pod runs for as long as its containers do",
        "dnsConfig": "names are resolved as this machine does",
        "dnsPolicy": "names are resolved as this machine does",
        "ephemeralContainers": "they are not started; `fairlead exec` runs commands as the pod",
        "hostAliases": "names are resolved as this machine does",
        "hostIPC": _HOST,
        "hostNetwork": _HOST,
        "hostPID": _HOST,
        "readinessGates": "the pod is ready once its containers are",
        "runtimeClassName": "containers are local processes",
        "schedulingGates": "the pod is started at once",
        "securityContext": _ACCOUNT,
        "shareProcessNamespace": _HOST,
    },
    Container: {
        "lifecycle": "hooks are not run",
        "restartPolicyRules": "the restartPolicy decides alone",
        "securityContext": _ACCOUNT,
        "volumeDevices": "nothing is mounted, the process sees this machine's files",
        "volumeMounts": "nothing is mounted, the process sees this machine's files",
    },
    ContainerPort: {
        "hostIP": "the process listens on its pod's address",
        "hostPort": "the process listens on its pod's address",
    },
    Probe: {
        "terminationGracePeriodSeconds": "that of the pod counts",
    },
    EnvVarSource: {
        "fileKeyRef": "the variable is not set",
        "resourceFieldRef": "the variable is not set",
    },
}
"""What is not applied, by model and field, with what happens instead."""

_DEFAULTS: Final = {"type": "RollingUpdate", "dnsPolicy": "ClusterFirst"}
"""Values of such fields that ask for nothing else than what happens."""

_NOT_NEEDED: Final[Mapping[type[msgspec.Struct], str]] = {
    DeploymentSpec: "progressDeadlineSeconds revisionHistoryLimit",
    DeploymentStrategy: "",
    PodSpec: "affinity automountServiceAccountToken enableServiceLinks hostUsers hostnameOverride "
    "imagePullSecrets nodeSelector os overhead preemptionPolicy priority priorityClassName "
    "resourceClaims resources schedulerName serviceAccount setHostnameAsFQDN tolerations "
    "topologySpreadConstraints volumes workloadRef",
    Container: "imagePullPolicy resizePolicy resources stdin stdinOnce terminationMessagePath "
    "terminationMessagePolicy tty",
    FieldSelector: "apiVersion",
    **dict.fromkeys(
        (
            *(ContainerPort, EnvFromSource, EnvSource, EnvVar, EnvVarSource, ExecAction),
            *(GRPCAction, HTTPGetAction, HTTPHeader, KeySelector, Probe, RollingUpdate),
            TCPSocketAction,
        ),
        "",
    ),
}
"""What a local process has no use for, by model: scheduling, images, resources and the like. A
volume counts where it is mounted."""


def unread(raw: Raw, model: type[msgspec.Struct]) -> Iterator[Finding]:
    """What is written in an object of one of `MODELS` and not read.

    Args:
        raw: the object, whatever is wrong with it.
        model: its model.

    Yields:
        Warnings for fields that are not applied, errors for fields that don't exist.
    """
    if model in MODELS:
        yield from _walk(raw, struct_info(model), ())


def _walk(raw: Raw, info: inspect.Type, path: Path) -> Iterator[Finding]:
    match unwrap(info):
        case inspect.StructType() as struct if is_map(raw):
            yield from _fields(raw, struct, path)
            for name, each in fields_of(struct).items():
                yield from _walk(raw.get(name), each.type, (*path, name))
        case inspect.VarTupleType() as items if is_list(raw):
            for index, value in enumerate(raw):
                yield from _walk(value, items.item_type, (*path, index))
        case _:
            return


def _fields(raw: Raw, struct: inspect.StructType, path: Path) -> Iterator[Finding]:
    not_needed = _NOT_NEEDED.get(struct.cls)
    if not_needed is None:
        return
    without_effect = _WITHOUT_EFFECT.get(struct.cls, {})
    known: set[str] = {*fields_of(struct), *without_effect, *not_needed.split()}
    for name, value in raw.items():
        at = (*path, name)
        if name in without_effect:
            if value and value != _DEFAULTS.get(name):
                message = f"`{name}` is not applied to local processes: {without_effect[name]}"
                yield Finding(Code.NOT_APPLIED, at, message, severity="warning")
        elif name not in known:
            meant = similar(str(name), known)
            remedy = f"did you mean `{meant}`?" if meant else "remove it"
            yield Finding(Code.UNKNOWN_FIELD, at, f"unknown field `{name}`", remedy)
