"""EndpointSlice (discovery.k8s.io/v1)."""

from typing import Literal

from fairlead.api.metadata import ApiObject, Protocol
from fairlead.api.model import Lenient, Model
from fairlead.api.scalar import PortNumber

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
"""The label that says whose endpoints a slice holds."""


class EndpointConditions(Model, frozen=True, kw_only=True):
    """discovery/v1 EndpointConditions; absent `ready` counts as ready."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class TargetRef(Lenient, frozen=True, kw_only=True):
    """corev1.ObjectReference to the pod behind an endpoint."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class EndpointHints(Lenient, frozen=True, kw_only=True):
    """Topology hints, not read."""


class Endpoint(Model, frozen=True, kw_only=True):
    """One backend: its addresses stand for the same process."""

    addresses: tuple[str, ...]
    conditions: EndpointConditions = EndpointConditions()
    hostname: str | None = None
    target_ref: TargetRef | None = None
    node_name: str | None = None
    zone: str | None = None
    hints: EndpointHints | None = None


class EndpointPort(Model, frozen=True, kw_only=True):
    """discovery/v1 EndpointPort; `port` None means every port."""

    name: str = ""
    protocol: Protocol = "TCP"
    port: PortNumber | None = None
    app_protocol: str | None = None


class EndpointSlice(ApiObject, frozen=True, kw_only=True):
    """Endpoints of the Service that the label `kubernetes.io/service-name` names."""

    address_type: Literal["IPv4", "IPv6", "FQDN"]
    api_version: str = "discovery.k8s.io/v1"
    kind: str = "EndpointSlice"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()

    @property
    def service_name(self) -> str:
        """Name of the Service, in the slice's namespace; empty if the label is absent."""
        return self.metadata.labels.get(SERVICE_NAME_LABEL, "")
