"""Which rules an object has to keep: those of all objects, and those of its kind."""

from collections.abc import Iterator

from fairlead.api.backend import XBackend
from fairlead.api.backend_tls_policy import BackendTLSPolicy
from fairlead.api.backend_traffic_policy import XBackendTrafficPolicy
from fairlead.api.cluster_trust_bundle import ClusterTrustBundle
from fairlead.api.config_map import ConfigMap
from fairlead.api.deployment import Deployment
from fairlead.api.destination_rule import DestinationRule
from fairlead.api.endpoint_slice import EndpointSlice
from fairlead.api.fault_injection import FaultInjection
from fairlead.api.finding import Finding
from fairlead.api.gateway import Gateway
from fairlead.api.grpc_route import GRPCRoute
from fairlead.api.http_route import HTTPRoute
from fairlead.api.kinds import Object
from fairlead.api.listener_set import ListenerSet
from fairlead.api.local_rate_limit import LocalRateLimit
from fairlead.api.pod import Pod
from fairlead.api.rules import (
    backend_tls,
    backend_traffic_policy,
    core,
    destination_rule,
    extension,
    gateway,
    grpc_route,
    http_route,
    l4_route,
    listener_set,
    metadata,
    telemetry_policy,
)
from fairlead.api.secret import Secret
from fairlead.api.service import Service
from fairlead.api.tcp_route import TCPRoute
from fairlead.api.telemetry_policy import XTelemetryPolicy
from fairlead.api.tls_route import TLSRoute
from fairlead.api.udp_route import UDPRoute


def check(obj: Object) -> tuple[Finding, ...]:
    """Every rule that the object breaks, those of its metadata first."""
    return (*metadata.metadata(obj.kind, obj.metadata), *_of_kind(obj))


def _of_kind(obj: Object) -> Iterator[Finding]:
    match obj:
        case HTTPRoute():
            yield from http_route.http_route(obj)
        case Service():
            yield from core.service(obj)
        case EndpointSlice():
            yield from core.endpoint_slice(obj)
        case Gateway():
            yield from gateway.gateway(obj)
        case DestinationRule():
            yield from destination_rule.destination_rule(obj)
        case Pod():
            yield from core.pod(obj)
        case Deployment():
            yield from core.deployment(obj)
        case Secret():
            yield from core.secret(obj)
        case ConfigMap():
            yield from core.config_map(obj)
        case _:
            yield from _of_other_kind(obj)


def _of_other_kind(obj: Object) -> Iterator[Finding]:
    match obj:
        case GRPCRoute():
            yield from grpc_route.grpc_route(obj)
        case TLSRoute():
            yield from l4_route.tls_route(obj)
        case TCPRoute() | UDPRoute():
            yield from l4_route.l4_route(obj)
        case ListenerSet():
            yield from listener_set.listener_set(obj)
        case BackendTLSPolicy():
            yield from backend_tls.backend_tls_policy(obj)
        case XBackend():
            yield from backend_tls.backend(obj)
        case XBackendTrafficPolicy():
            yield from backend_traffic_policy.backend_traffic_policy(obj)
        case XTelemetryPolicy():
            yield from telemetry_policy.telemetry_policy(obj)
        case ClusterTrustBundle():
            yield from core.cluster_trust_bundle(obj)
        case LocalRateLimit():
            yield from extension.local_rate_limit(obj)
        case FaultInjection():
            yield from extension.fault_injection(obj)
        case _:
            return
