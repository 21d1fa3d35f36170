"""The kinds that are read: group, versions, names and model of each."""

from typing import TypeAlias

import msgspec

from fairlead.api.backend import XBackend
from fairlead.api.backend_tls_policy import BackendTLSPolicy
from fairlead.api.backend_traffic_policy import XBackendTrafficPolicy
from fairlead.api.cluster_trust_bundle import ClusterTrustBundle
from fairlead.api.config_map import ConfigMap
from fairlead.api.deployment import Deployment
from fairlead.api.destination_rule import DestinationRule
from fairlead.api.endpoint_slice import EndpointSlice
from fairlead.api.fault_injection import FaultInjection
from fairlead.api.gateway import Gateway
from fairlead.api.gateway_class import GatewayClass
from fairlead.api.grpc_route import GRPCRoute
from fairlead.api.http_route import HTTPRoute
from fairlead.api.listener_set import ListenerSet
from fairlead.api.local_rate_limit import LocalRateLimit
from fairlead.api.namespace import Namespace
from fairlead.api.pod import Pod
from fairlead.api.reference import EXPERIMENTAL_GROUP, FAIRLEAD_GROUP, GATEWAY_GROUP
from fairlead.api.reference_grant import ReferenceGrant
from fairlead.api.secret import Secret
from fairlead.api.service import Service
from fairlead.api.tcp_route import TCPRoute
from fairlead.api.telemetry_policy import XTelemetryPolicy
from fairlead.api.tls_route import TLSRoute
from fairlead.api.udp_route import UDPRoute

Object: TypeAlias = (
    Namespace
    | Service
    | EndpointSlice
    | Pod
    | Deployment
    | Secret
    | ConfigMap
    | GatewayClass
    | Gateway
    | ReferenceGrant
    | ListenerSet
    | HTTPRoute
    | GRPCRoute
    | TLSRoute
    | TCPRoute
    | UDPRoute
    | BackendTLSPolicy
    | XBackend
    | XBackendTrafficPolicy
    | XTelemetryPolicy
    | ClusterTrustBundle
    | LocalRateLimit
    | FaultInjection
    | DestinationRule
)
"""Any object that is read."""


class Kind(msgspec.Struct, frozen=True):
    """One kind of object."""

    group: str
    """Empty for the core group."""
    versions: tuple[str, ...]
    """Accepted versions; the first is the one that is stored."""
    kind: str
    plural: str
    short_names: tuple[str, ...]
    model: type[Object]
    namespaced: bool = True

    @property
    def api_versions(self) -> tuple[str, ...]:
        """Accepted values of `apiVersion`."""
        prefix = f"{self.group}/" if self.group else ""
        return tuple(prefix + version for version in self.versions)


_GATEWAY_VERSIONS = ("v1", "v1beta1")

KINDS: tuple[Kind, ...] = (
    Kind("", ("v1",), "Namespace", "namespaces", ("ns",), Namespace, namespaced=False),
    Kind("", ("v1",), "Service", "services", ("svc",), Service),
    Kind("discovery.k8s.io", ("v1",), "EndpointSlice", "endpointslices", (), EndpointSlice),
    Kind("", ("v1",), "Pod", "pods", ("po",), Pod),
    Kind("apps", ("v1",), "Deployment", "deployments", ("deploy",), Deployment),
    Kind("", ("v1",), "Secret", "secrets", (), Secret),
    Kind("", ("v1",), "ConfigMap", "configmaps", ("cm",), ConfigMap),
    Kind(
        GATEWAY_GROUP, _GATEWAY_VERSIONS, "GatewayClass", "gatewayclasses", ("gc",),
        GatewayClass, namespaced=False,
    ),
    Kind(GATEWAY_GROUP, _GATEWAY_VERSIONS, "Gateway", "gateways", ("gtw",), Gateway),
    Kind(
        GATEWAY_GROUP, _GATEWAY_VERSIONS, "ReferenceGrant", "referencegrants", ("refgrant",),
        ReferenceGrant,
    ),
    Kind(GATEWAY_GROUP, ("v1",), "ListenerSet", "listenersets", ("lset",), ListenerSet),
    Kind(GATEWAY_GROUP, _GATEWAY_VERSIONS, "HTTPRoute", "httproutes", (), HTTPRoute),
    Kind(GATEWAY_GROUP, ("v1",), "GRPCRoute", "grpcroutes", (), GRPCRoute),
    Kind(GATEWAY_GROUP, ("v1", "v1alpha3", "v1alpha2"), "TLSRoute", "tlsroutes", (), TLSRoute),
    Kind(GATEWAY_GROUP, ("v1", "v1alpha2"), "TCPRoute", "tcproutes", (), TCPRoute),
    Kind(GATEWAY_GROUP, ("v1", "v1alpha2"), "UDPRoute", "udproutes", (), UDPRoute),
    Kind(
        GATEWAY_GROUP, ("v1", "v1alpha3"), "BackendTLSPolicy", "backendtlspolicies",
        ("btlspolicy",), BackendTLSPolicy,
    ),
    Kind(EXPERIMENTAL_GROUP, ("v1alpha1",), "XBackend", "xbackends", ("xbackend",), XBackend),
    Kind(
        EXPERIMENTAL_GROUP, ("v1alpha1",), "XBackendTrafficPolicy", "xbackendtrafficpolicies",
        ("xbtrafficpolicy",), XBackendTrafficPolicy,
    ),
    Kind(
        EXPERIMENTAL_GROUP, ("v1alpha1",), "XTelemetryPolicy", "xtelemetrypolicies",
        ("xtelemetrypolicy",), XTelemetryPolicy,
    ),
    Kind(
        "certificates.k8s.io", ("v1beta1", "v1alpha1"), "ClusterTrustBundle",
        "clustertrustbundles", (), ClusterTrustBundle, namespaced=False,
    ),
    Kind(
        FAIRLEAD_GROUP, ("v1alpha1",), "LocalRateLimit", "localratelimits", ("lrl",),
        LocalRateLimit,
    ),
    Kind(
        FAIRLEAD_GROUP, ("v1alpha1",), "FaultInjection", "faultinjections", ("fault",),
        FaultInjection,
    ),
    Kind(
        "networking.istio.io", ("v1", "v1beta1", "v1alpha3"), "DestinationRule",
        "destinationrules", ("dr",), DestinationRule,
    ),
)  # fmt: skip
"""All of them, in the order in which a reader of one object wants them read."""

KIND_OF: dict[str, Kind] = {kind.kind: kind for kind in KINDS}
"""By the name of the kind."""
