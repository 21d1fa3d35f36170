"""Tracing of requests (`ir.listener.Tracing`) as ``HttpConnectionManager.Tracing``.

Spans go to an OTLP collector by gRPC. Whether one is made is decided by OpenTelemetry's samplers,
which follow the trace that a request belongs to, where the policy says so.
"""

from typing import Final

from fairlead.ir.listener import SpanAttribute, Tracing
from fairlead.xds.messages import (
    Message,
    OpenTelemetryConfig,
    ParentBasedSampler,
    TraceIdRatioSampler,
    duration,
    extension,
)

MILLION: Final = 1_000_000
_TIMEOUT: Final = 1.0
"""Seconds that an export may take."""

SEMANTIC: Final = {
    "client.address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "client.port": "%DOWNSTREAM_REMOTE_PORT%",
    "http.request.body.size": "%BYTES_RECEIVED%",
    "http.request.method": "%REQ(:METHOD)%",
    "http.response.body.size": "%BYTES_SENT%",
    "http.response.status_code": "%RESPONSE_CODE%",
    "http.route": "%ROUTE_NAME%",
    "network.local.address": "%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%",
    "network.local.port": "%DOWNSTREAM_LOCAL_PORT%",
    "network.peer.address": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
    "network.protocol.name": "http",
    "network.protocol.version": "%PROTOCOL%",
    "server.address": "%REQ(:AUTHORITY)%",
    "server.port": "%DOWNSTREAM_LOCAL_PORT%",
    "tls.client.subject": "%DOWNSTREAM_PEER_SUBJECT%",
    "tls.cipher": "%DOWNSTREAM_TLS_CIPHER%",
    "tls.protocol.version": "%DOWNSTREAM_TLS_VERSION%",
    "url.path": "%PATH(NQ)%",
    "url.scheme": "%REQ(:SCHEME)%",
    "user_agent.original": "%REQ(USER-AGENT)%",
}
"""Attributes of OpenTelemetry's semantic conventions, and where Envoy has their values.

`translate.telemetry_policy` refuses what is not among them; a test holds the two lists together.
"""


def manager_field(tracing: Tracing) -> dict[str, Message]:
    """The field `tracing` of a HttpConnectionManager."""
    fields: dict[str, Message] = {
        "provider": extension("envoy.tracers.opentelemetry", _provider(tracing)),
        "spawn_upstream_span": {"value": False},
    }
    if tracing.attributes:
        fields["custom_tags"] = [_tag(each) for each in tracing.attributes]
    if tracing.span_name:
        fields["operation"] = tracing.span_name.replace("%", "%%")
    return {"tracing": fields}


def _provider(tracing: Tracing) -> Message:
    grpc: dict[str, Message] = {
        "envoy_grpc": {"cluster_name": tracing.cluster, "authority": tracing.authority},
        "timeout": duration(_TIMEOUT),
    }
    if tracing.headers:
        grpc["initial_metadata"] = [
            {"key": name, "value": value} for name, value in tracing.headers
        ]
    return OpenTelemetryConfig(
        grpc_service=grpc, service_name=tracing.service, sampler=_sampler(tracing)
    )


def _sampler(tracing: Tracing) -> dict[str, Message]:
    share = {"numerator": round(tracing.sampling * MILLION / 100), "denominator": "MILLION"}
    ratio = extension(
        "envoy.tracers.opentelemetry.samplers.trace_id_ratio_based",
        TraceIdRatioSampler(sampling_percentage=share),
    )
    if not tracing.parent_based:
        return ratio
    return extension(
        "envoy.tracers.opentelemetry.samplers.parent_based",
        ParentBasedSampler(wrapped_sampler=ratio),
    )


def _tag(attribute: SpanAttribute) -> dict[str, Message]:
    match attribute.kind:
        case "literal":
            return {"tag": attribute.name, "literal": {"value": attribute.value}}
        case "header":
            return {"tag": attribute.name, "request_header": {"name": attribute.value}}
        case "semantic":
            return {"tag": attribute.name, "value": SEMANTIC[attribute.value]}
