"""What translation reads: one source collection per kind, and facts that re-enter the graph."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from fairlead import api
from fairlead.graph import Graph, Source
from fairlead.ir import ports
from fairlead.ir.infrastructure import Infrastructure
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.ir.workload import Workload

Key: TypeAlias = tuple[str, str]
"""(namespace, name); the namespace is empty for cluster-scoped kinds."""

CONTROLLER_NAME = "fairlead.dev/gateway-controller"


@dataclass(frozen=True, slots=True)
class Settings:
    """What does not change while the process runs."""

    controller_name: str = CONTROLLER_NAME
    cluster_domain: str = "cluster.local"
    port_offset: int = 0
    """Added to ports below 1024 when they are bound."""
    standalone: bool = True
    """No cluster: Deployments become pods here, unknown GatewayClass names are ours."""
    bind_addresses: tuple[str, ...] = ("0.0.0.0",)  # noqa: S104 - a pod's own network
    """What proxies bind in a cluster; ``::`` as well, or alone, where pods have IPv6 addresses."""
    access_log: bool = False
    """Whether all requests are logged, whatever Gateways ask for."""
    outbound_port: int = ports.OUTBOUND
    service_cidr: str = "10.96.0.0/12"
    """Range of the virtual addresses given to Services without `clusterIP` (standalone)."""
    system_trust: str = "/etc/ssl/certs/ca-certificates.crt"
    """File of the machine's certificate authorities, as proxies see it; empty if there is none."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Every collection that flows in. The provider and the return path fill them."""

    namespaces: Source[Key, api.Namespace]
    services: Source[Key, api.Service]
    endpoint_slices: Source[Key, api.EndpointSlice]
    pods: Source[Key, api.Pod]
    deployments: Source[Key, api.Deployment]
    secrets: Source[Key, api.Secret]
    config_maps: Source[Key, api.ConfigMap]
    gateway_classes: Source[Key, api.GatewayClass]
    gateways: Source[Key, api.Gateway]
    reference_grants: Source[Key, api.ReferenceGrant]
    listener_sets: Source[Key, api.ListenerSet]
    http_routes: Source[Key, api.HTTPRoute]
    grpc_routes: Source[Key, api.GRPCRoute]
    tls_routes: Source[Key, api.TLSRoute]
    tcp_routes: Source[Key, api.TCPRoute]
    udp_routes: Source[Key, api.UDPRoute]
    backend_tls_policies: Source[Key, api.BackendTLSPolicy]
    backends: Source[Key, api.XBackend]
    backend_traffic_policies: Source[Key, api.XBackendTrafficPolicy]
    telemetry_policies: Source[Key, api.XTelemetryPolicy]
    cluster_trust_bundles: Source[Key, api.ClusterTrustBundle]
    rate_limits: Source[Key, api.LocalRateLimit]
    fault_injections: Source[Key, api.FaultInjection]
    destination_rules: Source[Key, api.DestinationRule]
    workloads: Source[Key, Workload]
    """Pods as they run."""
    gateway_addresses: Source[Key, tuple[str, ...]]
    """Addresses that the data plane assigned to a Gateway, by the Gateway's key; in a cluster some
    may be host names."""
    infrastructure: Source[Key, Infrastructure]
    """What became of what a Gateway needs in a cluster, by the Gateway's key."""
    proxy_status: Source[str, ProxyStatus]
    """By name of the proxy."""
    expired: Source[tuple[str, str, str], str]
    """The end that has passed, as it is written, by kind, namespace and name of the object."""
    forbidden: Source[tuple[str, str, str], bool]
    """True for objects that are referred to and may not be read, by kind, namespace and name."""

    @classmethod
    def on(cls, graph: Graph) -> "Sources":
        """Create all sources in `graph`, named after their fields."""
        return cls(**{name: graph.source(name) for name in cls.__dataclass_fields__})

    def of(self, kind: str) -> Source[Key, Any]:
        """The objects of an API kind, such as ``HTTPRoute``.

        Raises:
            KeyError: The kind is not read.
        """
        source: Source[Key, Any] = getattr(self, _FIELDS[kind])
        return source


_FIELDS = {
    "Namespace": "namespaces",
    "Service": "services",
    "EndpointSlice": "endpoint_slices",
    "Pod": "pods",
    "Deployment": "deployments",
    "Secret": "secrets",
    "ConfigMap": "config_maps",
    "GatewayClass": "gateway_classes",
    "Gateway": "gateways",
    "ReferenceGrant": "reference_grants",
    "ListenerSet": "listener_sets",
    "HTTPRoute": "http_routes",
    "GRPCRoute": "grpc_routes",
    "TLSRoute": "tls_routes",
    "TCPRoute": "tcp_routes",
    "UDPRoute": "udp_routes",
    "BackendTLSPolicy": "backend_tls_policies",
    "XBackend": "backends",
    "XBackendTrafficPolicy": "backend_traffic_policies",
    "XTelemetryPolicy": "telemetry_policies",
    "ClusterTrustBundle": "cluster_trust_bundles",
    "LocalRateLimit": "rate_limits",
    "FaultInjection": "fault_injections",
    "DestinationRule": "destination_rules",
}
"""Field of `Sources` by kind."""
