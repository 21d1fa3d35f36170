"""What there is of a Gateway in the cluster, read from the API server's JSON.

Only what decisions are made on has a field; the rest stays bytes until it is compared.
"""

from typing import Any, Final

import msgspec

from fairlead.dataplane.kubernetes.names import FIELD_MANAGER

GATEWAY: Final = "Gateway"


class OwnerReference(msgspec.Struct, frozen=True, rename="camel"):
    """metav1.OwnerReference."""

    kind: str
    name: str
    uid: str
    controller: bool = False


class ObjectMeta(msgspec.Struct, frozen=True, rename="camel"):
    """metav1.ObjectMeta."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()
    deletion_timestamp: str = ""


class Owned(msgspec.Struct, frozen=True):
    """An object of any kind, as far as it is asked whose it is."""

    metadata: ObjectMeta

    @property
    def gateway(self) -> OwnerReference | None:
        """The Gateway that the object belongs to."""
        owners = self.metadata.owner_references
        return next((each for each in owners if each.controller and each.kind == GATEWAY), None)


class Live(msgspec.Struct, frozen=True):
    """An object that belongs to a Gateway."""

    kind: str
    name: str
    uid: str
    owner: str
    """UID of the Gateway."""
    deleting: bool
    version: int
    """`metadata.resourceVersion`: those of one kind grow (KEP-5504); 0 if it is no number."""
    content: bytes
    """All of it, as JSON."""

    def document(self) -> dict[str, Any]:
        """All of it."""
        return msgspec.json.decode(self.content)


class _Ingress(msgspec.Struct, frozen=True):
    ip: str = ""
    hostname: str = ""


class _LoadBalancer(msgspec.Struct, frozen=True):
    ingress: tuple[_Ingress, ...] | None = ()


class _ServiceStatus(msgspec.Struct, frozen=True, rename="camel"):
    load_balancer: _LoadBalancer = _LoadBalancer()


class _ServiceSpec(msgspec.Struct, frozen=True):
    type: str = "ClusterIP"
    cluster_ip: str = msgspec.field(name="clusterIP", default="")
    cluster_ips: tuple[str, ...] = msgspec.field(name="clusterIPs", default=())
    load_balancer_ip: str = msgspec.field(name="loadBalancerIP", default="")
    load_balancer_class: str = msgspec.field(name="loadBalancerClass", default="")


class _Fields(msgspec.Struct, frozen=True):
    spec: dict[str, object] = msgspec.field(name="f:spec", default_factory=dict[str, object])


class _Managed(msgspec.Struct, frozen=True):
    manager: str = ""
    fields: _Fields = msgspec.field(name="fieldsV1", default=_Fields())


class _ServiceMeta(msgspec.Struct, frozen=True):
    managed_fields: tuple[_Managed, ...] = msgspec.field(name="managedFields", default=())


class _Service(msgspec.Struct, frozen=True):
    metadata: _ServiceMeta = _ServiceMeta()
    spec: _ServiceSpec = _ServiceSpec()
    status: _ServiceStatus = _ServiceStatus()


class Service(msgspec.Struct, frozen=True):
    """What a Service of a Gateway has to do with addresses."""

    type: str
    cluster_addresses: tuple[str, ...]
    """The first is `spec.clusterIP`."""
    asked: str
    """`spec.loadBalancerIP`."""
    load_balancer_class: str
    own_class: bool
    """Whether we have asked for that class; else the cluster has set it by itself."""
    given: tuple[str, ...]
    """IP addresses and host names of `status.loadBalancer`."""
    deleting: bool = False
    """It still has its name and its address, but not for long."""


class _Condition(msgspec.Struct, frozen=True):
    type: str
    status: str
    reason: str = ""
    message: str = ""


class _DeploymentStatus(msgspec.Struct, frozen=True, rename="camel"):
    ready_replicas: int = 0
    conditions: tuple[_Condition, ...] = ()


class _Deployment(msgspec.Struct, frozen=True):
    status: _DeploymentStatus = _DeploymentStatus()


class Deployment(msgspec.Struct, frozen=True):
    """How a Deployment of a Gateway is doing."""

    ready: int
    """Pods that are ready."""
    failure: str
    """Why no pod can be made, in the cluster's words; empty if they can."""
    stuck: bool = False
    """Whether pods have been made for a while and do not become ready."""


def live(kind: str, content: bytes) -> Live | None:
    """An object, None if it belongs to no Gateway.

    Raises:
        msgspec.ValidationError: This is no object.
    """
    read = msgspec.json.decode(content, type=Owned)
    owner, meta = read.gateway, read.metadata
    if owner is None:
        return None
    version = meta.resource_version
    return Live(
        kind,
        meta.name,
        meta.uid,
        owner.uid,
        bool(meta.deletion_timestamp),
        int(version) if version.isdecimal() else 0,
        content,
    )


def service(found: Live) -> Service:
    """What a Service says about addresses."""
    read = msgspec.json.decode(found.content, type=_Service)
    spec, balanced = read.spec, read.spec.type == "LoadBalancer"
    ingress = (read.status.load_balancer.ingress or ()) if balanced else ()
    managed = (each.fields.spec for each in read.metadata.managed_fields if _is_ours(each))
    inside = spec.cluster_ips or ((spec.cluster_ip,) if spec.cluster_ip else ())
    return Service(
        spec.type,
        tuple(each for each in inside if each != "None"),
        spec.load_balancer_ip if balanced else "",
        spec.load_balancer_class,
        any("f:loadBalancerClass" in each for each in managed),
        tuple(each.ip or each.hostname for each in ingress if each.ip or each.hostname),
        found.deleting,
    )


def _is_ours(managed: _Managed) -> bool:
    return managed.manager == FIELD_MANAGER


def deployment(found: Live) -> Deployment:
    """How a Deployment is doing."""
    status = msgspec.json.decode(found.content, type=_Deployment).status
    failing = (
        each.message or each.reason
        for each in status.conditions
        if each.type == "ReplicaFailure" and each.status == "True"
    )
    stuck = any(each.reason == "ProgressDeadlineExceeded" for each in status.conditions)
    return Deployment(status.ready_replicas, next(failing, ""), stuck)
