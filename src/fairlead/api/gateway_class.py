"""GatewayClass (gateway.networking.k8s.io/v1)."""

from typing import Annotated

from msgspec import Meta

from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model
from fairlead.api.reference import ParametersReference
from fairlead.api.scalar import ControllerName


class GatewayClassSpec(Model, frozen=True, kw_only=True):
    """GatewayClassSpec."""

    controller_name: ControllerName
    parameters_ref: ParametersReference | None = None
    description: Annotated[str, Meta(max_length=64)] | None = None


class GatewayClass(ApiObject, frozen=True, kw_only=True):
    """Which controller serves the Gateways of this class. Cluster-scoped."""

    spec: GatewayClassSpec
    api_version: str = "gateway.networking.k8s.io/v1"
    kind: str = "GatewayClass"
