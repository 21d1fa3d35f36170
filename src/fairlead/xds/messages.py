"""Envoy's messages, as far as xds uses them.

Protobuf makes its classes at run time and ships no types for them. They are untyped from here on:
fields are given as keyword arguments and nested dicts, and protobuf itself refuses what does not
exist.
"""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Mapping
from typing import Any, Final

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.endpoint.v3 import endpoint_pb2
from envoy.config.listener.v3 import listener_components_pb2, listener_pb2
from envoy.config.route.v3 import route_components_pb2, route_pb2, scoped_route_pb2
from envoy.config.trace.v3 import opentelemetry_pb2
from envoy.extensions.access_loggers.file.v3 import file_pb2
from envoy.extensions.access_loggers.stream.v3 import stream_pb2
from envoy.extensions.clusters.dns.v3 import dns_cluster_pb2
from envoy.extensions.clusters.dynamic_forward_proxy.v3 import cluster_pb2 as forward_cluster_pb2
from envoy.extensions.filters.http.dynamic_forward_proxy.v3 import dynamic_forward_proxy_pb2
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.listener.proxy_protocol.v3 import proxy_protocol_pb2
from envoy.extensions.filters.listener.tls_inspector.v3 import tls_inspector_pb2
from envoy.extensions.filters.network.direct_response.v3 import config_pb2 as direct_response_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2,
)
from envoy.extensions.filters.network.tcp_proxy.v3 import tcp_proxy_pb2
from envoy.extensions.filters.udp.udp_proxy.v3 import udp_proxy_pb2
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import header_mutation_pb2
from envoy.extensions.network.dns_resolver.cares.v3 import cares_dns_resolver_pb2
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2
from envoy.extensions.tracers.opentelemetry.samplers.v3 import (
    parent_based_sampler_pb2,
    trace_id_ratio_based_sampler_pb2,
)
from envoy.extensions.transport_sockets.quic.v3 import quic_transport_pb2
from envoy.extensions.transport_sockets.tls.v3 import secret_pb2, tls_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2
from envoy.extensions.upstreams.tcp.v3 import tcp_protocol_options_pb2
from envoy.type.matcher.v3 import http_inputs_pb2
from google.protobuf import any_pb2, struct_pb2
from xds.core.v3 import extension_pb2
from xds.type.matcher.v3 import matcher_pb2

Message = Any
"""A protobuf message, or a dict that stands for one."""

Cluster: Final[Any] = cluster_pb2.Cluster
ClusterLoadAssignment: Final[Any] = endpoint_pb2.ClusterLoadAssignment
Listener: Final[Any] = listener_pb2.Listener
FilterChain: Final[Any] = listener_components_pb2.FilterChain
DownstreamTlsContext: Final[Any] = tls_pb2.DownstreamTlsContext
UpstreamTlsContext: Final[Any] = tls_pb2.UpstreamTlsContext
TlsSecret: Final[Any] = secret_pb2.Secret
QuicDownstreamTransport: Final[Any] = quic_transport_pb2.QuicDownstreamTransport
ProxyProtocol: Final[Any] = proxy_protocol_pb2.ProxyProtocol
TlsInspector: Final[Any] = tls_inspector_pb2.TlsInspector
DirectResponse: Final[Any] = direct_response_pb2.Config
TcpProxy: Final[Any] = tcp_proxy_pb2.TcpProxy
UdpProxy: Final[Any] = udp_proxy_pb2.UdpProxyConfig
Route: Final[Any] = route_components_pb2.Route
VirtualHost: Final[Any] = route_components_pb2.VirtualHost
OpenTelemetryConfig: Final[Any] = opentelemetry_pb2.OpenTelemetryConfig
ParentBasedSampler: Final[Any] = parent_based_sampler_pb2.ParentBasedSamplerConfig
TraceIdRatioSampler: Final[Any] = trace_id_ratio_based_sampler_pb2.TraceIdRatioBasedSamplerConfig
GrpcRouteMatchOptions: Final[Any] = route_components_pb2.RouteMatch.GrpcRouteMatchOptions
RouteList: Final[Any] = route_components_pb2.RouteList
Matcher: Final[Any] = matcher_pb2.Matcher
TypedExtensionConfig: Final[Any] = extension_pb2.TypedExtensionConfig
HttpRequestHeaderMatchInput: Final[Any] = http_inputs_pb2.HttpRequestHeaderMatchInput
RouteConfiguration: Final[Any] = route_pb2.RouteConfiguration
ScopedRouteConfiguration: Final[Any] = scoped_route_pb2.ScopedRouteConfiguration
FileAccessLog: Final[Any] = file_pb2.FileAccessLog
StdoutAccessLog: Final[Any] = stream_pb2.StdoutAccessLog
DnsCluster: Final[Any] = dns_cluster_pb2.DnsCluster
DnsResolver: Final[Any] = cares_dns_resolver_pb2.CaresDnsResolverConfig
ForwardProxyCluster: Final[Any] = forward_cluster_pb2.ClusterConfig
ForwardProxyFilter: Final[Any] = dynamic_forward_proxy_pb2.FilterConfig
Router: Final[Any] = router_pb2.Router
HttpConnectionManager: Final[Any] = http_connection_manager_pb2.HttpConnectionManager
EarlyHeaderMutation: Final[Any] = header_mutation_pb2.HeaderMutation
PreviousHostsPredicate: Final[Any] = previous_hosts_pb2.PreviousHostsPredicate
HttpProtocolOptions: Final[Any] = http_protocol_options_pb2.HttpProtocolOptions
TcpProtocolOptions: Final[Any] = tcp_protocol_options_pb2.TcpProtocolOptions

NANOSECONDS: Final = 1_000_000_000

FROM_ADS: Final[Message] = {"ads": {}, "resource_api_version": "V3"}
"""ConfigSource: what comes by the stream that this came by."""


def serialized(message: Message) -> bytes:
    """The message's wire bytes; the same for equal messages, whatever the order of maps."""
    return message.SerializeToString(deterministic=True)


def any_of(message: Message) -> Message:
    """A `google.protobuf.Any` of the message."""
    url = f"type.googleapis.com/{message.DESCRIPTOR.full_name}"
    return any_pb2.Any(type_url=url, value=serialized(message))


def extension(name: str, message: Message) -> dict[str, Message]:
    """The (name, typed_config) pair by which Envoy's messages name an extension."""
    return {"name": name, "typed_config": any_of(message)}


def duration(seconds: float) -> Message:
    """A `google.protobuf.Duration`, to the nanosecond."""
    whole, part = divmod(round(seconds * NANOSECONDS), NANOSECONDS)
    return {"seconds": whole, "nanos": part}


def wrapped(value: object) -> Message:
    """A value in its wrapper (`google.protobuf.UInt32Value` and the like)."""
    return {"value": value}


def struct(values: Mapping[str, str]) -> Message:
    """A `google.protobuf.Struct` of strings.

    Whether protobuf takes a dict in its place for the fields or for what they mean depends on where
    it stands, so this is the message itself.
    """
    fields = {name: struct_pb2.Value(string_value=value) for name, value in values.items()}
    return struct_pb2.Struct(fields=fields)
