"""Service (core/v1), every field of its spec."""

from collections.abc import Mapping
from typing import Literal

from fairlead.api.metadata import ApiObject, Protocol
from fairlead.api.model import Lenient, Model
from fairlead.api.scalar import PortNumber


class ServicePort(Model, frozen=True, kw_only=True):
    """corev1.ServicePort."""

    name: str = ""
    protocol: Protocol = "TCP"
    app_protocol: str | None = None
    port: PortNumber
    target_port: PortNumber | str | None = None
    """A number, the name of a container port, or absent for `port` itself."""
    node_port: int | None = None


class SessionAffinityConfig(Lenient, frozen=True, kw_only=True):
    """Nothing of it is read."""


class ServiceSpec(Model, frozen=True, kw_only=True):
    """corev1.ServiceSpec."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] = "ClusterIP"
    ports: tuple[ServicePort, ...] = ()
    selector: Mapping[str, str] = {}
    """Empty: the Service has no selector, and its EndpointSlices are written by its owner."""
    cluster_ip: str = ""
    """An address, `None` (headless), or empty to be assigned."""
    cluster_ips: tuple[str, ...] = ()
    external_ips: tuple[str, ...] = ()
    external_name: str = ""
    publish_not_ready_addresses: bool = False
    session_affinity: Literal["None", "ClientIP"] = "None"
    session_affinity_config: SessionAffinityConfig | None = None
    load_balancer_ip: str = ""
    load_balancer_source_ranges: tuple[str, ...] = ()
    load_balancer_class: str | None = None
    external_traffic_policy: str = ""
    internal_traffic_policy: str = "Cluster"
    health_check_node_port: int = 0
    ip_families: tuple[str, ...] = ()
    ip_family_policy: str | None = None
    allocate_load_balancer_node_ports: bool | None = None
    traffic_distribution: str | None = None

    @property
    def headless(self) -> bool:
        """Whether the Service has no virtual address (`clusterIP: None`)."""
        return self.cluster_ip == "None"


class Service(ApiObject, frozen=True, kw_only=True):
    """A name with ports and endpoints; a parent of mesh routes and a backend of all routes."""

    api_version: str = "v1"
    kind: str = "Service"
    spec: ServiceSpec = ServiceSpec()
