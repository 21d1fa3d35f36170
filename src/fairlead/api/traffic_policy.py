"""TrafficPolicy of a DestinationRule (networking.istio.io/v1); durations as in Go (`1.5s`)."""

from typing import Annotated, Literal

from msgspec import Meta

from fairlead.api.load_balancer import LoadBalancerSettings
from fairlead.api.model import Model
from fairlead.api.scalar import NonNegative, PortNumber

Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
UInt32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]


class TcpKeepalive(Model, frozen=True, kw_only=True):
    """ConnectionPoolSettings.TCPSettings.TcpKeepalive."""

    probes: UInt32 | None = None
    time: str | None = None
    interval: str | None = None


class TCPSettings(Model, frozen=True, kw_only=True):
    """ConnectionPoolSettings.TCPSettings."""

    max_connections: Int32 | None = None
    connect_timeout: str | None = None
    tcp_keepalive: TcpKeepalive | None = None
    max_connection_duration: str | None = None
    idle_timeout: str | None = None


class HTTPSettings(Model, frozen=True, kw_only=True):
    """ConnectionPoolSettings.HTTPSettings."""

    http1_max_pending_requests: Int32 | None = None
    http2_max_requests: Int32 | None = None
    max_requests_per_connection: Int32 | None = None
    max_retries: Int32 | None = None
    idle_timeout: str | None = None
    h2_upgrade_policy: Literal["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"] | None = None
    use_client_protocol: bool | None = None
    max_concurrent_streams: Int32 | None = None


class ConnectionPoolSettings(Model, frozen=True, kw_only=True):
    """ConnectionPoolSettings."""

    tcp: TCPSettings | None = None
    http: HTTPSettings | None = None


class OutlierDetection(Model, frozen=True, kw_only=True):
    """OutlierDetection; absent fields have the defaults that Istio documents."""

    consecutive_errors: Int32 | None = None
    """Deprecated by Istio in favour of `consecutive_gateway_errors`."""
    split_external_local_origin_errors: bool | None = None
    consecutive_local_origin_failures: UInt32 | None = None
    consecutive_gateway_errors: UInt32 | None = None
    consecutive_5xx_errors: UInt32 | None = None
    interval: str | None = None
    base_ejection_time: str | None = None
    max_ejection_percent: Int32 | None = None
    min_health_percent: Int32 | None = None


class ClientTLSSettings(Model, frozen=True, kw_only=True):
    """ClientTLSSettings."""

    mode: Literal["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"] | None = None
    client_certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""
    credential_name: str = ""
    subject_alt_names: tuple[str, ...] = ()
    sni: str = ""
    insecure_skip_verify: bool | None = None
    ca_crl: str = ""


class RetryBudget(Model, frozen=True, kw_only=True):
    """TrafficPolicy.RetryBudget: retries as a share, in percent, of active requests."""

    percent: Annotated[float, Meta(ge=0, le=100)] | None = None
    min_retry_concurrency: NonNegative | None = None


class TunnelSettings(Model, frozen=True, kw_only=True):
    """TrafficPolicy.TunnelSettings."""

    protocol: str = ""
    target_host: str
    target_port: PortNumber


class ProxyProtocol(Model, frozen=True, kw_only=True):
    """TrafficPolicy.ProxyProtocol."""

    version: Literal["V1", "V2"] | None = None


class PortSelector(Model, frozen=True, kw_only=True):
    """PortSelector."""

    number: PortNumber | None = None


class PortTrafficPolicy(Model, frozen=True, kw_only=True):
    """TrafficPolicy.PortTrafficPolicy: on its port it replaces the general policy as a whole."""

    port: PortSelector | None = None
    load_balancer: LoadBalancerSettings | None = None
    connection_pool: ConnectionPoolSettings | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTLSSettings | None = None


class TrafficPolicy(Model, frozen=True, kw_only=True):
    """TrafficPolicy."""

    load_balancer: LoadBalancerSettings | None = None
    connection_pool: ConnectionPoolSettings | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTLSSettings | None = None
    port_level_settings: Annotated[tuple[PortTrafficPolicy, ...], Meta(max_length=4096)] = ()
    tunnel: TunnelSettings | None = None
    proxy_protocol: ProxyProtocol | None = None
    retry_budget: RetryBudget | None = None
