"""How Gateway API objects name each other (GEP-709, GEP-713)."""

from typing import Annotated

from msgspec import Meta

from fairlead.api.model import Model
from fairlead.api.scalar import (
    Group,
    KindName,
    NamespaceName,
    ObjectName,
    PortNumber,
    SectionName,
)

GATEWAY_GROUP = "gateway.networking.k8s.io"
EXPERIMENTAL_GROUP = "gateway.networking.x-k8s.io"
FAIRLEAD_GROUP = "fairlead.dev"


class ParentReference(Model, frozen=True, kw_only=True):
    """ParentReference: what a route attaches to.

    What the user left out stays None, since status repeats the reference as it was written, with
    no defaults but the schema's own (`group`, `kind`).
    """

    name: ObjectName
    group: Group = GATEWAY_GROUP
    kind: KindName = "Gateway"
    namespace: NamespaceName | None = None
    section_name: SectionName | None = None
    port: PortNumber | None = None

    def key_from(self, namespace: str) -> tuple[str, str]:
        """(namespace, name) of what it names, written in an object of `namespace`."""
        return (self.namespace or namespace, self.name)

    @property
    def is_service(self) -> bool:
        """Whether it names a Service, of the core group."""
        return self.kind == "Service" and not self.group


class LocalObjectReference(Model, frozen=True, kw_only=True):
    """LocalObjectReference: an object in the referrer's namespace."""

    group: Group
    kind: KindName
    name: ObjectName


class ObjectReference(Model, frozen=True, kw_only=True):
    """ObjectReference: an object whose kind has no default."""

    group: Group
    kind: KindName
    name: ObjectName
    namespace: NamespaceName | None = None


class SecretObjectReference(Model, frozen=True, kw_only=True):
    """SecretObjectReference: a Secret, or another kind that holds a certificate."""

    name: ObjectName
    group: Group = ""
    kind: KindName = "Secret"
    namespace: NamespaceName | None = None

    def key_from(self, namespace: str) -> tuple[str, str]:
        """(namespace, name) of what it names, written in an object of `namespace`."""
        return (self.namespace or namespace, self.name)


class BackendObjectReference(Model, frozen=True, kw_only=True):
    """BackendObjectReference: where requests, or copies of them, go."""

    name: ObjectName
    group: Group = ""
    kind: KindName = "Service"
    namespace: NamespaceName | None = None
    port: PortNumber | None = None

    def key_from(self, namespace: str) -> tuple[str, str]:
        """(namespace, name) of what it names, written in an object of `namespace`."""
        return (self.namespace or namespace, self.name)

    @property
    def is_service(self) -> bool:
        """Whether it names a Service, of the core group."""
        return self.kind == "Service" and not self.group


class BackendRef(BackendObjectReference, frozen=True, kw_only=True):
    """BackendRef: a backend and its share of what is sent."""

    weight: Annotated[int, Meta(ge=0, le=1_000_000)] = 1


class LocalPolicyTargetReference(LocalObjectReference, frozen=True, kw_only=True):
    """LocalPolicyTargetReference: what a policy is about, in the policy's namespace."""


class LocalPolicyTargetReferenceWithSectionName(
    LocalPolicyTargetReference, frozen=True, kw_only=True
):
    """LocalPolicyTargetReferenceWithSectionName; without the latter, all of the target."""

    section_name: SectionName | None = None


class ParametersReference(Model, frozen=True, kw_only=True):
    """ParametersReference: a GatewayClass's parameters."""

    group: Group
    kind: KindName
    name: ObjectName
    namespace: NamespaceName | None = None
