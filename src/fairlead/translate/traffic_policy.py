"""Istio's TrafficPolicy: what of it is applied, and what is not.

In: the spec of a DestinationRule. Out: a `PortPolicy` for all ports and for each port of
`portLevelSettings`, and a `Finding` for every field that is set and has no effect here, found by
walking the whole spec: a field that nobody thought of is reported, never dropped.
"""

from collections.abc import Iterator, Mapping
from math import isqrt
from typing import Any, Final, Literal, TypeAlias

import msgspec

from fairlead import api
from fairlead.ir.cluster import ConnectionPool, LoadBalancer, OutlierDetection
from fairlead.ir.origin import Origin
from fairlead.ir.rule import HashOn
from fairlead.translate.finding import Finding

Applied: TypeAlias = Mapping[str, "Applied | None"]
"""Fields with an effect, by their name in the spec; None: with all below."""

_LEAF: Final = None
_POLICY: Final[dict[str, Applied | None]] = {
    "loadBalancer": {
        "simple": _LEAF,
        "consistentHash": {
            "httpHeaderName": _LEAF,
            "httpCookie": {"name": _LEAF, "path": _LEAF, "ttl": _LEAF},
            "useSourceIp": _LEAF,
            "httpQueryParameterName": _LEAF,
            "minimumRingSize": _LEAF,
            "ringHash": {"minimumRingSize": _LEAF},
            "maglev": {"tableSize": _LEAF},
        },
    },
    "connectionPool": {
        "tcp": {
            "maxConnections": _LEAF,
            "connectTimeout": _LEAF,
            "idleTimeout": _LEAF,
            "maxConnectionDuration": _LEAF,
            "tcpKeepalive": {"probes": _LEAF, "time": _LEAF, "interval": _LEAF},
        },
        "http": {
            "http1MaxPendingRequests": _LEAF,
            "http2MaxRequests": _LEAF,
            "maxRequestsPerConnection": _LEAF,
            "maxRetries": _LEAF,
            "idleTimeout": _LEAF,
            "maxConcurrentStreams": _LEAF,
            "h2UpgradePolicy": _LEAF,
        },
    },
    "outlierDetection": {
        "consecutive5xxErrors": _LEAF,
        "consecutiveGatewayErrors": _LEAF,
        "consecutiveLocalOriginFailures": _LEAF,
        "splitExternalLocalOriginErrors": _LEAF,
        "interval": _LEAF,
        "baseEjectionTime": _LEAF,
        "maxEjectionPercent": _LEAF,
        "minHealthPercent": _LEAF,
    },
}
_SPEC: Final[Applied] = {
    "host": _LEAF,
    "exportTo": _LEAF,
    "trafficPolicy": {**_POLICY, "portLevelSettings": {**_POLICY, "port": _LEAF}},
}

_BALANCERS: Final[dict[str, Literal["least_request", "round_robin", "random"]]] = {
    "LEAST_CONN": "least_request",
    "LEAST_REQUEST": "least_request",
    "RANDOM": "random",
    "ROUND_ROBIN": "round_robin",
}


_LARGEST_RING: Final = 8 * 1024 * 1024
_LARGEST_TABLE: Final = 5_000_011
"""What a ring (RingHashLbConfig) and a table (MaglevLbConfig) may measure at most."""


class PortPolicy(msgspec.Struct, frozen=True):
    """What a DestinationRule makes of a Service port; the defaults where none applies."""

    load_balancer: LoadBalancer = LoadBalancer()
    connection_pool: ConnectionPool = ConnectionPool()
    outlier_detection: OutlierDetection | None = None
    hash_on: tuple[HashOn, ...] = ()
    origin: Origin | None = None


class TrafficSettings(msgspec.Struct, frozen=True):
    """One DestinationRule, read."""

    every_port: PortPolicy = PortPolicy()
    ports: tuple[tuple[int, PortPolicy], ...] = ()
    """(port number, policy); replaces `every_port` there as a whole, as in Istio."""
    findings: tuple[Finding, ...] = ()
    """Fields and values without effect; of reason ``Deprecated``: with one, but outdated."""

    def on(self, port: int) -> PortPolicy:
        """Return the policy of the Service port `port`."""
        return next((policy for number, policy in self.ports if number == port), self.every_port)


def read(rule: api.DestinationRule) -> TrafficSettings:
    """Read the traffic policy of a DestinationRule."""
    origin = Origin("DestinationRule", rule.metadata.namespace, rule.metadata.name)
    policy = rule.spec.traffic_policy
    findings = tuple(_unapplied(rule.spec, _SPEC, "spec"))
    if policy is None:
        return TrafficSettings(PortPolicy(origin=origin), findings=findings)
    values = list(_odd_values(policy.load_balancer, "spec.trafficPolicy"))
    ports: dict[int, PortPolicy] = {}
    for position, settings in enumerate(policy.port_level_settings):
        field = f"spec.trafficPolicy.portLevelSettings[{position}]"
        values.extend(_odd_values(settings.load_balancer, field))
        number = settings.port.number if settings.port else None
        if number is None or number in ports:
            values.append(Finding("UnsupportedValue", f"{field}.port", _port_message(number)))
        else:
            ports[number] = _policy(settings, origin)
    return TrafficSettings(
        _policy(policy, origin), tuple(sorted(ports.items(), key=_number)), findings + tuple(values)
    )


def _seconds(text: str | None) -> float | None:
    """Read a duration as Go writes them."""
    return None if text is None else api.duration.go_seconds(text)


def _number(item: tuple[int, PortPolicy]) -> int:
    return item[0]


def _port_message(number: int | None) -> str:
    if number is None:
        return "port.number is missing; these settings apply to no port"
    return f"port {number} has settings above already, which stay"


def _policy(policy: api.TrafficPolicy | api.PortTrafficPolicy, origin: Origin) -> PortPolicy:
    """Read the settings of one level."""
    balancer = policy.load_balancer
    hashing = balancer.consistent_hash if balancer else None
    pool = policy.connection_pool
    return PortPolicy(
        load_balancer=_load_balancer(balancer),
        connection_pool=_connection_pool(pool) if pool else ConnectionPool(),
        outlier_detection=_outlier_detection(policy.outlier_detection),
        hash_on=_hash_on(hashing) if hashing else (),
        origin=origin,
    )


def _load_balancer(settings: api.LoadBalancerSettings | None) -> LoadBalancer:
    if settings is None:
        return LoadBalancer()
    hashing = settings.consistent_hash
    if hashing is None:
        return LoadBalancer(_BALANCERS.get(settings.simple or "", "least_request"))
    if hashing.maglev is not None:
        size = hashing.maglev.table_size or None
        return LoadBalancer("maglev", size if _fits_maglev(size) else None)
    size = _ring_size(hashing)
    return LoadBalancer("ring_hash", size if _fits_ring(size) else None)


def _ring_size(hashing: api.ConsistentHashLB) -> int | None:
    """Return the least size of the ring that is asked for; `ringHash` says it today."""
    ring = hashing.ring_hash.minimum_ring_size if hashing.ring_hash else None
    return ring or hashing.minimum_ring_size or None


def _fits_ring(size: int | None) -> bool:
    return size is None or size <= _LARGEST_RING


def _fits_maglev(size: int | None) -> bool:
    """True if a table of this many entries can be built: their number must be prime."""
    if size is None:
        return True
    return 1 < size <= _LARGEST_TABLE and all(size % n for n in range(2, isqrt(size) + 1))


def _hash_on(hashing: api.ConsistentHashLB) -> tuple[HashOn, ...]:
    """Return what is hashed; empty if nothing is named, then any endpoint will do."""
    if hashing.http_header_name:
        return (HashOn(header=hashing.http_header_name.lower()),)
    if hashing.http_cookie is not None and hashing.http_cookie.name:
        cookie = hashing.http_cookie
        return (
            HashOn(cookie=cookie.name, cookie_path=cookie.path, cookie_ttl=_seconds(cookie.ttl)),
        )
    if hashing.http_query_parameter_name:
        return (HashOn(query=hashing.http_query_parameter_name),)
    return (HashOn(source_ip=True),) if hashing.use_source_ip else ()


def _connection_pool(pool: api.ConnectionPoolSettings) -> ConnectionPool:
    """Read pool settings; 0 is the default, as in Istio."""
    tcp, http = pool.tcp or api.TCPSettings(), pool.http or api.HTTPSettings()
    keepalive = tcp.tcp_keepalive
    return ConnectionPool(
        max_connections=tcp.max_connections or None,
        connect_timeout=_seconds(tcp.connect_timeout),
        idle_timeout=_seconds(tcp.idle_timeout),
        max_connection_duration=_seconds(tcp.max_connection_duration),
        keepalive_probes=keepalive.probes if keepalive else None,
        keepalive_time=_seconds(keepalive.time) if keepalive else None,
        keepalive_interval=_seconds(keepalive.interval) if keepalive else None,
        max_pending_requests=http.http1_max_pending_requests or None,
        max_requests=http.http2_max_requests or None,
        max_requests_per_connection=http.max_requests_per_connection or None,
        max_retries=http.max_retries or None,
        http_idle_timeout=_seconds(http.idle_timeout),
        max_concurrent_streams=http.max_concurrent_streams or None,
        upgrade_to_http2=http.h2_upgrade_policy == "UPGRADE",
    )


def _outlier_detection(outlier: api.OutlierDetection | None) -> OutlierDetection | None:
    if outlier is None:
        return None
    return OutlierDetection(
        consecutive_5xx=outlier.consecutive_5xx_errors,
        consecutive_gateway_errors=outlier.consecutive_gateway_errors,
        consecutive_local_origin_failures=outlier.consecutive_local_origin_failures,
        split_local_origin_errors=bool(outlier.split_external_local_origin_errors),
        interval=_seconds(outlier.interval),
        base_ejection_time=_seconds(outlier.base_ejection_time),
        max_ejection_percent=outlier.max_ejection_percent,
        min_health_percent=outlier.min_health_percent,
    )


def _odd_values(balancer: api.LoadBalancerSettings | None, field: str) -> Iterator[Finding]:
    """Yield the values of applied fields that mean something else here."""
    simple = balancer.simple if balancer else None
    path = f"{field}.loadBalancer.simple"
    if simple == "LEAST_CONN":
        yield Finding("Deprecated", path, "LEAST_CONN is applied as LEAST_REQUEST; write that")
    elif simple == "PASSTHROUGH":
        message = "PASSTHROUGH is not applied, LEAST_REQUEST is: requests name no endpoint here"
        yield Finding("UnsupportedValue", path, message)
    if balancer and balancer.consistent_hash:
        yield from _odd_hashing(balancer.consistent_hash, f"{field}.loadBalancer.consistentHash")


def _odd_hashing(hashing: api.ConsistentHashLB, field: str) -> Iterator[Finding]:
    """Yield what no proxy could carry out; the default is used in its place."""
    if not _hash_on(hashing):
        message = "names nothing to hash, so that any endpoint takes a request"
        yield Finding("UnsupportedValue", field, message)
    if hashing.maglev is not None and not _fits_maglev(hashing.maglev.table_size or None):
        message = f"{hashing.maglev.table_size} is no prime number up to {_LARGEST_TABLE}"
        yield Finding("UnsupportedValue", f"{field}.maglev.tableSize", message)
    elif not _fits_ring(_ring_size(hashing)):
        name = "ringHash.minimumRingSize" if hashing.ring_hash else "minimumRingSize"
        message = f"{_ring_size(hashing)} is more than {_LARGEST_RING}"
        yield Finding("UnsupportedValue", f"{field}.{name}", message)


def _unapplied(value: Any, applied: Applied, path: str) -> Iterator[Finding]:  # noqa: ANN401 - any part of a spec
    """Yield every field below `value` that is set and not in `applied`."""
    for info in msgspec.structs.fields(value):
        name, content = info.encode_name, getattr(value, info.name)
        if content is None or content in ((), "", False) or content == info.default:
            continue
        field = f"{path}.{name}"
        if name not in applied:
            yield Finding("NotApplied", field, _message(name, content))
            continue
        below = applied[name]
        if below is None:
            continue
        if isinstance(content, tuple):
            for position, item in enumerate(content):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
                yield from _unapplied(item, below, f"{field}[{position}]")
        else:
            yield from _unapplied(content, below, field)


def _message(name: str, content: Any) -> str:  # noqa: ANN401 - any field's value
    """Say what becomes of a field without effect."""
    match name:
        case "tls":
            mode = content.mode or "DISABLE"
            return f"mode {mode} is accepted, but not enforced between local processes"
        case "subsets":
            names = ", ".join(subset.name for subset in content)
            return (
                f"GW153: not reachable from an HTTPRoute: {names}; "
                "make a Service for each version and name those in backendRefs"
            )
        case "workloadSelector":
            return "rules for some of a namespace's pods are not supported; the rule has no effect"
        case _:
            return "not applied by this version"
