"""LoadBalancerSettings of a DestinationRule (networking.istio.io/v1)."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from fairlead.api.model import Model
from fairlead.api.scalar import NonNegative


class RingHash(Model, frozen=True, kw_only=True):
    """LoadBalancerSettings.ConsistentHashLB.RingHash."""

    minimum_ring_size: NonNegative | None = None


class MagLev(Model, frozen=True, kw_only=True):
    """LoadBalancerSettings.ConsistentHashLB.MagLev; Istio asks for a prime below 5000011."""

    table_size: NonNegative | None = None


class HTTPCookie(Model, frozen=True, kw_only=True):
    """LoadBalancerSettings.ConsistentHashLB.HTTPCookie; `0s` is a session cookie."""

    name: str
    path: str = ""
    ttl: str | None = None


class ConsistentHashLB(Model, frozen=True, kw_only=True):
    """LoadBalancerSettings.ConsistentHashLB: one hash key, at most one algorithm."""

    http_header_name: str | None = None
    http_cookie: HTTPCookie | None = None
    use_source_ip: bool | None = None
    http_query_parameter_name: str | None = None
    ring_hash: RingHash | None = None
    maglev: MagLev | None = None
    minimum_ring_size: NonNegative | None = None
    """Deprecated by Istio in favour of `ring_hash`."""


class LocalityDistribute(Model, frozen=True, kw_only=True):
    """LocalityLoadBalancerSetting.Distribute: shares in percent by locality."""

    from_: str = ""
    to: Mapping[str, int] = {}


class LocalityFailover(Model, frozen=True, kw_only=True):
    """LocalityLoadBalancerSetting.Failover."""

    from_: str = ""
    to: str = ""


class LocalityLoadBalancerSetting(Model, frozen=True, kw_only=True):
    """LocalityLoadBalancerSetting."""

    distribute: tuple[LocalityDistribute, ...] = ()
    failover: tuple[LocalityFailover, ...] = ()
    failover_priority: tuple[str, ...] = ()
    enabled: bool | None = None


class WarmupConfiguration(Model, frozen=True, kw_only=True):
    """WarmupConfiguration."""

    duration: str | None = None
    minimum_percent: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    aggression: Annotated[float, msgspec.Meta(ge=0)] | None = None


class LoadBalancerSettings(Model, frozen=True, kw_only=True):
    """LoadBalancerSettings: `simple` or `consistent_hash`."""

    simple: (
        Literal[
            "UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"
        ]
        | None
    ) = None
    consistent_hash: ConsistentHashLB | None = None
    locality_lb_setting: LocalityLoadBalancerSetting | None = None
    warmup_duration_secs: str | None = None
    """Deprecated by Istio in favour of `warmup`."""
    warmup: WarmupConfiguration | None = None
