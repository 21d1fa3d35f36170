"""Pods as they run, from a cluster: of all that a Pod holds, what a `Workload` needs."""

import msgspec

from fairlead.ir.workload import Workload
from fairlead.providers.kube.decoding import UnreadableError
from fairlead.providers.kube.nesting import UNDECODABLE


class _Port(msgspec.Struct, rename="camel"):
    container_port: int
    name: str = ""


class _Container(msgspec.Struct):
    ports: tuple[_Port, ...] = ()


class _Spec(msgspec.Struct, rename="camel"):
    containers: tuple[_Container, ...] = ()
    service_account_name: str = ""


class _Condition(msgspec.Struct):
    type: str
    status: str
    reason: str = ""
    message: str = ""


class _PodStatus(msgspec.Struct):
    phase: str = "Pending"
    pod_ip: str = msgspec.field(default="", name="podIP")
    conditions: tuple[_Condition, ...] = ()
    reason: str = ""
    message: str = ""


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    namespace: str
    labels: dict[str, str] = {}
    deletion_timestamp: str | None = None


class _Pod(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec
    status: _PodStatus = msgspec.field(default_factory=_PodStatus)


_pod = msgspec.json.Decoder(_Pod)


def workload(data: bytes) -> Workload:
    """The pod that `data` is the JSON of. It is no member of a mesh.

    Raises:
        UnreadableError: It is no Pod.
    """
    try:
        pod = _pod.decode(data)
    except UNDECODABLE as error:
        raise UnreadableError(str(error)) from error
    meta, status = pod.metadata, pod.status
    ready = next((each for each in status.conditions if each.type == "Ready"), None)
    is_ready = ready is not None and ready.status == "True"
    why = None if is_ready else ready
    return Workload(
        namespace=meta.namespace,
        name=meta.name,
        labels=tuple(sorted(meta.labels.items())),
        ip=status.pod_ip,
        ready=is_ready,
        phase=status.phase,
        reason=status.reason or (why.reason if why else ""),
        message=status.message or (why.message if why else ""),
        ports=tuple(
            sorted(
                (port.name, port.container_port)
                for container in pod.spec.containers
                for port in container.ports
                if port.name
            )
        ),
        service_account=pod.spec.service_account_name or "default",
        meshed=False,
        terminating=meta.deletion_timestamp is not None,
    )
