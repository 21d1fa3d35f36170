"""Rules of DestinationRule, as Istio's own validation states them."""

from collections.abc import Iterator
from typing import Final

from fairlead.api.codes import Code
from fairlead.api.destination_rule import DestinationRule
from fairlead.api.duration import go_seconds
from fairlead.api.finding import Finding, Path
from fairlead.api.load_balancer import ConsistentHashLB, LoadBalancerSettings
from fairlead.api.rules.unique import unique
from fairlead.api.traffic_policy import (
    ConnectionPoolSettings,
    OutlierDetection,
    PortTrafficPolicy,
    TrafficPolicy,
)

_MILLISECOND: Final = 0.001
_HUNDRED_PERCENT: Final = 100
_HASH_KEYS: Final = "`httpHeaderName`, `httpCookie`, `useSourceIp` and `httpQueryParameterName`"


def destination_rule(obj: DestinationRule) -> Iterator[Finding]:
    """Host, policies of the rule and of its subsets."""
    spec = obj.spec
    if not spec.host:
        message = "is empty"
        yield Finding(Code.BOUNDS, ("spec", "host"), message, "name the Service it is about")
    if spec.traffic_policy:
        yield from _policy(("spec", "trafficPolicy"), spec.traffic_policy)
    names = [subset.name for subset in spec.subsets]
    message = "subset {first} is named `{key}` too"
    yield from unique(("spec", "subsets"), names, message, "rename one of them")
    for index, subset in enumerate(spec.subsets):
        if subset.traffic_policy:
            path: Path = ("spec", "subsets", index, "trafficPolicy")
            yield from _policy(path, subset.traffic_policy)


def _policy(path: Path, policy: TrafficPolicy) -> Iterator[Finding]:
    yield from _settings(path, policy)
    ports = [each.port.number if each.port else None for each in policy.port_level_settings]
    at = (*path, "portLevelSettings")
    message = "port {key} has its settings in entry {first} already"
    yield from unique(at, ports, message, "merge them into one")
    for index, each in enumerate(policy.port_level_settings):
        if each.port is None or each.port.number is None:
            message = "`port.number` is required"
            yield Finding(Code.REQUIRED, (*at, index), message, "say which port it is about")
        yield from _settings((*at, index), each)


def _settings(path: Path, policy: TrafficPolicy | PortTrafficPolicy) -> Iterator[Finding]:
    if policy.load_balancer:
        yield from _load_balancer((*path, "loadBalancer"), policy.load_balancer)
    if policy.connection_pool:
        yield from _pool((*path, "connectionPool"), policy.connection_pool)
    if policy.outlier_detection:
        yield from _outlier((*path, "outlierDetection"), policy.outlier_detection)


def _load_balancer(path: Path, settings: LoadBalancerSettings) -> Iterator[Finding]:
    if settings.simple and settings.consistent_hash:
        message = "`simple` and `consistentHash` cannot stand together"
        yield Finding(Code.RULE, path, message, "remove one of them")
    if settings.consistent_hash:
        yield from _hash((*path, "consistentHash"), settings.consistent_hash)
    warmup = settings.warmup.duration if settings.warmup else None
    yield from _duration((*path, "warmup", "duration"), warmup)
    yield from _duration((*path, "warmupDurationSecs"), settings.warmup_duration_secs)


def _hash(path: Path, settings: ConsistentHashLB) -> Iterator[Finding]:
    keys = (
        settings.http_header_name,
        settings.http_cookie,
        settings.use_source_ip,
        settings.http_query_parameter_name,
    )
    if sum(key is not None for key in keys) != 1:
        message = f"exactly one of {_HASH_KEYS} says what is hashed"
        yield Finding(Code.RULE, path, message, "keep one of them")
    if settings.ring_hash and settings.maglev:
        message = "`ringHash` and `maglev` cannot stand together"
        yield Finding(Code.RULE, path, message, "remove one of them")
    if settings.http_cookie:
        ttl = settings.http_cookie.ttl
        yield from _duration((*path, "httpCookie", "ttl"), ttl, lowest=0)


def _pool(path: Path, pool: ConnectionPoolSettings) -> Iterator[Finding]:
    if pool.tcp:
        at = (*path, "tcp")
        yield from _duration((*at, "connectTimeout"), pool.tcp.connect_timeout)
        yield from _duration((*at, "idleTimeout"), pool.tcp.idle_timeout, lowest=0)
        yield from _duration((*at, "maxConnectionDuration"), pool.tcp.max_connection_duration)
        yield from _not_negative((*at, "maxConnections"), pool.tcp.max_connections)
        if pool.tcp.tcp_keepalive:
            keepalive = pool.tcp.tcp_keepalive
            yield from _duration((*at, "tcpKeepalive", "time"), keepalive.time)
            yield from _duration((*at, "tcpKeepalive", "interval"), keepalive.interval)
    if pool.http:
        at = (*path, "http")
        yield from _duration((*at, "idleTimeout"), pool.http.idle_timeout, lowest=0)
        limits = {
            "http1MaxPendingRequests": pool.http.http1_max_pending_requests,
            "http2MaxRequests": pool.http.http2_max_requests,
            "maxRequestsPerConnection": pool.http.max_requests_per_connection,
            "maxRetries": pool.http.max_retries,
            "maxConcurrentStreams": pool.http.max_concurrent_streams,
        }
        for name, value in limits.items():
            yield from _not_negative((*at, name), value)


def _outlier(path: Path, outlier: OutlierDetection) -> Iterator[Finding]:
    yield from _duration((*path, "interval"), outlier.interval)
    yield from _duration((*path, "baseEjectionTime"), outlier.base_ejection_time)
    yield from _not_negative((*path, "consecutiveErrors"), outlier.consecutive_errors)
    percentages = {
        "maxEjectionPercent": outlier.max_ejection_percent,
        "minHealthPercent": outlier.min_health_percent,
    }
    for name, value in percentages.items():
        if value is not None and not 0 <= value <= _HUNDRED_PERCENT:
            message = f"{value} is no percentage"
            yield Finding(Code.BOUNDS, (*path, name), message, "write a number from 0 to 100")


def _not_negative(path: Path, value: int | None) -> Iterator[Finding]:
    if value is not None and value < 0:
        message = f"{value} is too low, the lowest is 0"
        yield Finding(Code.BOUNDS, path, message)


def _duration(path: Path, text: str | None, lowest: float = _MILLISECOND) -> Iterator[Finding]:
    if text is None:
        return
    try:
        value = go_seconds(text)
    except ValueError:
        message = f"`{text}` is not a duration such as 1.5s or 5m"
        yield Finding(Code.BOUNDS, path, message)
        return
    if value < lowest:
        least = "1ms" if lowest else "0s"
        yield Finding(Code.BOUNDS, path, f"`{text}` is too short, the shortest is {least}")
