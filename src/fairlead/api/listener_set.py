"""ListenerSet (gateway.networking.k8s.io/v1, GEP-1713)."""

from typing import Annotated

from msgspec import Meta

from fairlead.api.gateway import Listener
from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model
from fairlead.api.reference import GATEWAY_GROUP
from fairlead.api.scalar import Group, KindName, NamespaceName, ObjectName


class ParentGatewayReference(Model, frozen=True, kw_only=True):
    """ParentGatewayReference: the Gateway that a ListenerSet adds listeners to."""

    name: ObjectName
    group: Group = GATEWAY_GROUP
    kind: KindName = "Gateway"
    namespace: NamespaceName | None = None

    def key_from(self, namespace: str) -> tuple[str, str]:
        """(namespace, name) of what it names, written in an object of `namespace`."""
        return (self.namespace or namespace, self.name)


class ListenerSetSpec(Model, frozen=True, kw_only=True):
    """ListenerSetSpec; a ListenerEntry has the fields of a Gateway's Listener."""

    parent_ref: ParentGatewayReference
    listeners: Annotated[tuple[Listener, ...], Meta(min_length=1, max_length=64)]


class ListenerSet(ApiObject, frozen=True, kw_only=True):
    """Listeners that are added to a Gateway by others than its owner."""

    spec: ListenerSetSpec
    api_version: str = "gateway.networking.k8s.io/v1"
    kind: str = "ListenerSet"
