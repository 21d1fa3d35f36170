"""ReferenceGrant (gateway.networking.k8s.io/v1)."""

from typing import Annotated

from msgspec import Meta

from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model
from fairlead.api.scalar import Group, KindName, NamespaceName, ObjectName


class ReferenceGrantFrom(Model, frozen=True, kw_only=True):
    """ReferenceGrantFrom: who may refer."""

    group: Group
    kind: KindName
    namespace: NamespaceName


class ReferenceGrantTo(Model, frozen=True, kw_only=True):
    """ReferenceGrantTo: to what; without `name`, to every object of the kind."""

    group: Group
    kind: KindName
    name: ObjectName | None = None


class ReferenceGrantSpec(Model, frozen=True, kw_only=True):
    """ReferenceGrantSpec."""

    from_: Annotated[tuple[ReferenceGrantFrom, ...], Meta(min_length=1, max_length=16)]
    to: Annotated[tuple[ReferenceGrantTo, ...], Meta(min_length=1, max_length=16)]


class ReferenceGrant(ApiObject, frozen=True, kw_only=True):
    """Permission to refer to objects of this namespace from others."""

    spec: ReferenceGrantSpec
    api_version: str = "gateway.networking.k8s.io/v1"
    kind: str = "ReferenceGrant"
