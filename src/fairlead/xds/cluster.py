"""Clusters (`ir.cluster.Cluster`) as ``envoy.config.cluster.v3.Cluster``.

Endpoints come by EDS, those of a host outside the cluster by DNS.
"""

from typing import Final

from fairlead.ir.cluster import (
    Cluster,
    ConnectionPool,
    LoadBalancer,
    OutlierDetection,
    RetryBudget,
)
from fairlead.ir.origin import Origin
from fairlead.xds import type_url, upstream_tls
from fairlead.xds.http import DNS_CACHE, HTTP2_WINDOWS
from fairlead.xds.listener import BUFFER_LIMIT
from fairlead.xds.messages import (
    FROM_ADS,
    DnsCluster,
    DnsResolver,
    ForwardProxyCluster,
    HttpProtocolOptions,
    Message,
    TcpProtocolOptions,
    any_of,
    duration,
    extension,
    serialized,
    struct,
    wrapped,
)
from fairlead.xds.messages import Cluster as ClusterMessage
from fairlead.xds.resource import Resource, whole

CONNECT_TIMEOUT: Final = 5.0
"""Seconds."""
UNLIMITED: Final = 2**32 - 1
"""Of a circuit breaker: Envoy's own defaults fail healthy Services under load."""
MAGLEV_TABLE_LIMIT: Final = 5_000_011
"""Entries, all that Envoy takes."""
RING_LIMIT: Final = 8 * 1024 * 1024
"""Entries, all that Envoy takes."""

DNS_REFRESH: Final = 30.0
"""Seconds after which a name is asked for again where its answer does not say how long it holds."""

DNS_TIMEOUT: Final = 1
"""Seconds that a name server has for an answer, on the first try; then a little longer.

A DNS cluster is warm once its name is resolved or has failed to be. Until then Envoy acknowledges
no cluster, and one that starts takes no listeners: minutes by Envoy's defaults where the server
stays silent."""
DNS_TRIES: Final = 2
"""How often each name server is asked, for IPv4 addresses and then for IPv6."""

_HTTP_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_TCP_OPTIONS: Final = "envoy.extensions.upstreams.tcp.v3.TcpProtocolOptions"


_BY_EDS: Final[dict[str, Message]] = {
    "type": "EDS",
    "eds_cluster_config": {"eds_config": FROM_ADS},
}


def resource(cluster: Cluster) -> Resource:
    """The cluster, which is accepted or refused as one."""
    fields = _passthrough() if cluster.passthrough else _service(cluster)
    pool = cluster.connection_pool
    message = ClusterMessage(
        name=cluster.name,
        connect_timeout=duration(pool.connect_timeout or CONNECT_TIMEOUT),
        per_connection_buffer_limit_bytes=wrapped(BUFFER_LIMIT),
        circuit_breakers={"thresholds": [_thresholds(pool, cluster.retry_budget)]},
        **fields,
    )
    return whole(type_url.CLUSTER, cluster.name, serialized(message), origins(cluster))


def origins(cluster: Cluster) -> tuple[Origin, ...]:
    """The objects that a cluster is made from: policies, and the Service unless it is none."""
    found = [each for each in (cluster.policy, cluster.origin) if each is not None]
    if cluster.service and all(each.kind != "XBackend" for each in found):
        found.append(Origin("Service", cluster.namespace, cluster.service))
    return tuple(found)


def _service(cluster: Cluster) -> dict[str, Message]:
    """Fields of a cluster whose endpoints are known: by us, or by name."""
    fields: dict[str, Message] = {
        **(_by_dns(cluster) if cluster.dns_name else _BY_EDS),
        "ignore_health_on_host_removal": True,
        **_load_balancer(cluster.load_balancer),
    }
    if options := _protocol_options(cluster):
        fields["typed_extension_protocol_options"] = options
    if cluster.tls is not None:
        fields["transport_socket"] = upstream_tls.transport_socket(cluster.tls, _alpn(cluster))
    if keepalive := _keepalive(cluster.connection_pool):
        fields["upstream_connection_options"] = {"tcp_keepalive": keepalive}
    if outlier := cluster.outlier_detection:
        fields["outlier_detection"] = _outlier_detection(outlier)
        panic = {"value": float(outlier.min_health_percent or 0)}
        fields["common_lb_config"] = {"healthy_panic_threshold": panic}
    if cluster.protocol == "udp":
        fields["common_lb_config"] = {"locality_weighted_lb_config": {}}
    if told := _metadata(cluster):
        fields["metadata"] = {"filter_metadata": {"fairlead": struct(told)}}
    return fields


def _metadata(cluster: Cluster) -> dict[str, str]:
    """Where the cluster comes from, and what has to make another one of it."""
    told: dict[str, str] = {}
    if origin := cluster.origin or cluster.policy:
        told = {"kind": origin.kind, "namespace": origin.namespace, "name": origin.name}
    if cluster.tls is not None and cluster.tls.trust_digest:
        told["trust"] = cluster.tls.trust_digest
    return told


def _by_dns(cluster: Cluster) -> dict[str, Message]:
    """Fields that find endpoints by name: every address of it takes requests."""
    resolution = DnsCluster(
        dns_refresh_rate=duration(DNS_REFRESH),
        dns_lookup_family="V4_PREFERRED",
        respect_dns_ttl=True,
        typed_dns_resolver_config=extension(
            "envoy.network.dns_resolver.cares",
            DnsResolver(query_timeout_seconds=wrapped(DNS_TIMEOUT), query_tries=wrapped(DNS_TRIES)),
        ),
    )
    socket = {"address": cluster.dns_name, "port_value": cluster.port}
    endpoint = {"endpoint": {"address": {"socket_address": socket}}}
    return {
        "cluster_type": extension("envoy.clusters.dns", resolution),
        "load_assignment": {
            "cluster_name": cluster.name,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def _alpn(cluster: Cluster) -> tuple[str, ...]:
    """What is offered to endpoints inside TLS: the one protocol that will be spoken."""
    if cluster.protocol in {"tcp", "udp"}:
        return ()
    return upstream_tls.HTTP2 if _speaks_http2(cluster) else upstream_tls.HTTP11


def _speaks_http2(cluster: Cluster) -> bool:
    return cluster.protocol == "h2c" or cluster.connection_pool.upgrade_to_http2


def _passthrough() -> dict[str, Message]:
    """Fields of the cluster that sends requests to the host they name."""
    return {
        "lb_policy": "CLUSTER_PROVIDED",
        "cluster_type": extension(
            "envoy.clusters.dynamic_forward_proxy", ForwardProxyCluster(dns_cache_config=DNS_CACHE)
        ),
    }


def _load_balancer(balancer: LoadBalancer) -> dict[str, Message]:
    """A policy; where a client's destination is to be kept (passthrough), there is none here."""
    match balancer.kind:
        case "ring_hash":
            fields: dict[str, Message] = {"lb_policy": "RING_HASH"}
            if balancer.ring_size:
                size = min(balancer.ring_size, RING_LIMIT)
                fields["ring_hash_lb_config"] = {"minimum_ring_size": wrapped(size)}
            return fields
        case "maglev":
            fields = {"lb_policy": "MAGLEV"}
            if balancer.ring_size:
                size = _prime(min(balancer.ring_size, MAGLEV_TABLE_LIMIT))
                fields["maglev_lb_config"] = {"table_size": wrapped(size)}
            return fields
        case "round_robin":
            return {"lb_policy": "ROUND_ROBIN"}
        case "random":
            return {"lb_policy": "RANDOM"}
        case "least_request" | "passthrough":
            return {"lb_policy": "LEAST_REQUEST"}


def _prime(least: int) -> int:
    """The first prime from `least` on, as Envoy wants for the size of a Maglev table."""
    number = max(least, 2)
    while any(number % factor == 0 for factor in range(2, int(number**0.5) + 1)):
        number += 1
    return number


def _thresholds(pool: ConnectionPool, budget: RetryBudget | None) -> Message:
    limits = {
        "max_connections": pool.max_connections,
        "max_pending_requests": pool.max_pending_requests,
        "max_requests": pool.max_requests,
        "max_retries": pool.max_retries,
    }
    fields: dict[str, Message] = {
        name: wrapped(UNLIMITED if limit is None else limit) for name, limit in limits.items()
    }
    if budget is not None:
        fields["retry_budget"] = {
            "budget_percent": {"value": budget.percent},
            "min_retry_concurrency": wrapped(budget.minimum),
        }
    return fields


def _keepalive(pool: ConnectionPool) -> Message | None:
    settings = {
        "keepalive_probes": pool.keepalive_probes,
        "keepalive_time": pool.keepalive_time,
        "keepalive_interval": pool.keepalive_interval,
    }
    given = {name: wrapped(round(value)) for name, value in settings.items() if value is not None}
    return given or None


def _protocol_options(cluster: Cluster) -> dict[str, Message]:
    """How endpoints are spoken to; empty where it is HTTP/1.1 or bytes without limits."""
    if cluster.protocol in {"tcp", "udp"}:
        idle = cluster.connection_pool.idle_timeout
        if idle is None or cluster.protocol == "udp":
            return {}
        return {_TCP_OPTIONS: any_of(TcpProtocolOptions(idle_timeout=duration(idle)))}
    options = _http_options(cluster)
    return {_HTTP_OPTIONS: any_of(options)} if options is not None else {}


def _http_options(cluster: Cluster) -> Message | None:
    """How HTTP is spoken to endpoints; None where it is HTTP/1.1 without limits."""
    pool = cluster.connection_pool
    common: dict[str, Message] = {}
    idle = pool.http_idle_timeout if pool.http_idle_timeout is not None else pool.idle_timeout
    if idle is not None:
        common["idle_timeout"] = duration(idle)
    if pool.max_connection_duration is not None:
        common["max_connection_duration"] = duration(pool.max_connection_duration)
    if pool.max_requests_per_connection:
        common["max_requests_per_connection"] = wrapped(pool.max_requests_per_connection)
    http2 = _speaks_http2(cluster)
    if not common and not http2:
        return None
    protocol: dict[str, Message] = {"http_protocol_options": {}}
    if http2:
        streams = pool.max_concurrent_streams
        limit = {"max_concurrent_streams": wrapped(streams)} if streams is not None else {}
        protocol = {"http2_protocol_options": {**HTTP2_WINDOWS, **limit}}
    fields = {"common_http_protocol_options": common} if common else {}
    return HttpProtocolOptions(explicit_http_config=protocol, **fields)


def _outlier_detection(outlier: OutlierDetection) -> dict[str, Message]:
    """What is not set is Envoy's default, which is Istio's too; success rates don't eject."""
    fields: dict[str, Message] = {
        "enforcing_success_rate": wrapped(0),
        "enforcing_local_origin_success_rate": wrapped(0),
    }
    counts = {
        "consecutive_5xx": outlier.consecutive_5xx,
        "consecutive_gateway_failure": outlier.consecutive_gateway_errors,
        "consecutive_local_origin_failure": outlier.consecutive_local_origin_failures,
    }
    for name, count in counts.items():
        if count is None:
            continue
        if count:
            fields[name] = wrapped(count)
        fields[f"enforcing_{name}"] = wrapped(100 if count else 0)
    if outlier.split_local_origin_errors:
        fields["split_external_local_origin_errors"] = True
    if outlier.interval is not None:
        fields["interval"] = duration(outlier.interval)
    if outlier.base_ejection_time is not None:
        fields["base_ejection_time"] = duration(outlier.base_ejection_time)
    if outlier.max_ejection_percent is not None:
        fields["max_ejection_percent"] = wrapped(outlier.max_ejection_percent)
    return fields
