"""A destination: one port of one Service, under one effective policy."""

from typing import Literal

import msgspec

from fairlead.ir.origin import Origin


class LoadBalancer(msgspec.Struct, frozen=True, gc=False):
    """How requests are spread over endpoints."""

    kind: Literal[
        "least_request", "round_robin", "random", "ring_hash", "maglev", "passthrough"
    ] = "least_request"
    ring_size: int | None = None
    """Least size of the ring (ring_hash) or size of the table (maglev)."""


class ConnectionPool(msgspec.Struct, frozen=True, gc=False):
    """DestinationRule connectionPool; None is the house's default. Times in seconds."""

    max_connections: int | None = None
    connect_timeout: float | None = None
    idle_timeout: float | None = None
    max_connection_duration: float | None = None
    keepalive_probes: int | None = None
    keepalive_time: float | None = None
    keepalive_interval: float | None = None
    max_pending_requests: int | None = None
    max_requests: int | None = None
    max_requests_per_connection: int | None = None
    max_retries: int | None = None
    http_idle_timeout: float | None = None
    max_concurrent_streams: int | None = None
    upgrade_to_http2: bool = False


class OutlierDetection(msgspec.Struct, frozen=True, gc=False):
    """DestinationRule outlierDetection; None is Istio's default. Times in seconds."""

    consecutive_5xx: int | None = None
    consecutive_gateway_errors: int | None = None
    consecutive_local_origin_failures: int | None = None
    split_local_origin_errors: bool = False
    interval: float | None = None
    base_ejection_time: float | None = None
    max_ejection_percent: int | None = None
    min_health_percent: int | None = None


class UpstreamTls(msgspec.Struct, frozen=True, gc=False):
    """TLS towards endpoints (BackendTLSPolicy, XBackend tls)."""

    sni: str
    trust: str
    """Name of an `ir.secret.TrustBundle`; empty checks nothing (never from a standard policy)."""
    subject_alt_names: tuple[tuple[Literal["dns", "uri"], str], ...]
    """The endpoint's certificate must have one of them; at least one where `trust` is set."""
    certificate: str = ""
    """Name of the `ir.secret.Certificate` that is shown to endpoints; empty for none."""
    trust_digest: str = ""
    """Stands for the content of the trust bundle. With it the cluster changes, so that connections
    to endpoints that are no longer trusted take no further request."""


class RetryBudget(msgspec.Struct, frozen=True, gc=False):
    """XBackendTrafficPolicy retryConstraint."""

    percent: float
    """Retries, of active requests."""
    minimum: int
    """Retries that are always allowed at a time."""


class Cluster(msgspec.Struct, frozen=True, gc=False):
    """One Service port as clients of one policy scope reach it."""

    name: str
    """``NAMESPACE/SERVICE/PORT`` or ``xbackend/NAMESPACE/NAME/PORT``; with ``@CLIENT-NAMESPACE``
    appended where that namespace's own policy applies to its clients only, and ``+VARIANT`` where
    it differs in another way (`translate.cluster_name`). Never named after a route or rule."""
    namespace: str
    service: str
    port: int
    protocol: Literal["http", "h2c", "ws", "tcp", "udp"] = "http"
    """From the Service port's appProtocol, or what its routes ask for; with `tls` inside TLS."""
    load_balancer: LoadBalancer = LoadBalancer()
    connection_pool: ConnectionPool = ConnectionPool()
    outlier_detection: OutlierDetection | None = None
    passthrough: bool = False
    """True for the one cluster that sends a request to the host it names itself."""
    tls: UpstreamTls | None = None
    retry_budget: RetryBudget | None = None
    dns_name: str = ""
    """Host name whose addresses are the endpoints (XBackend ExternalHostname), on `port`."""
    origin: Origin | None = None
    """The DestinationRule that shaped it, or the XBackend that it is; None where all is default."""
    policy: Origin | None = None
    """The standard policy that shaped it: BackendTLSPolicy, else XBackendTrafficPolicy."""
