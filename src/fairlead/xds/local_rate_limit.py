"""Rate limits (`ir.http_policy.RateLimit`) as Envoy's ``local_ratelimit`` filter.

The bucket is filled all the time, not once a period. Envoy keeps it with the route: each match of a
rule has one of its own on each host, and a full one after every change of its route configuration.
Clients learn of it by ``x-ratelimit-*`` headers, and those that are turned away by ``retry-after``
(or RESOURCE_EXHAUSTED, for gRPC).
"""

import math
from typing import Final

from fairlead.ir.http_policy import RateLimit
from fairlead.xds.filter_messages import LocalRateLimit
from fairlead.xds.http_filters import IDLE_STATISTICS
from fairlead.xds.messages import Message, duration, wrapped

FILTER: Final = "envoy.filters.http.local_ratelimit"

_SHORTEST: Final = 0.05
"""Seconds: Envoy's least interval between fills."""
_IDLE_INTERVAL: Final = 3600.0
"""Seconds between fills of a bucket that nobody takes from."""
_MOST_TOKENS: Final = 2**32 - 1
_ALL: Final[Message] = {"default_value": {"numerator": 100}}


def config(limit: RateLimit) -> Message:
    """A LocalRateLimit, for a route or as the filter itself."""
    periods = math.ceil(_SHORTEST / limit.seconds) if limit.seconds < _SHORTEST else 1
    wait = max(1, math.ceil(limit.seconds / limit.requests))
    return LocalRateLimit(
        stat_prefix=_statistics(limit),
        token_bucket={
            "max_tokens": limit.burst,
            "tokens_per_fill": wrapped(min(limit.requests * periods, _MOST_TOKENS)),
            "fill_interval": duration(limit.seconds * periods),
        },
        filter_enabled=_ALL,
        filter_enforced=_ALL,
        enable_x_ratelimit_headers="DRAFT_VERSION_03",
        response_headers_to_add=[{"header": {"key": "retry-after", "value": str(wait)}}],
        rate_limited_as_resource_exhausted=True,
    )


def idle() -> Message:
    """One that lets everything pass. Envoy wants a bucket in each that stands at a route."""
    bucket: Message = {"max_tokens": 1, "fill_interval": duration(_IDLE_INTERVAL)}
    return LocalRateLimit(stat_prefix=IDLE_STATISTICS, token_bucket=bucket)


def _statistics(limit: RateLimit) -> str:
    """Where it counts: the object that asks for it."""
    origin = limit.origin
    return f"rate_limit.{origin.namespace}.{origin.name}" if origin else "rate_limit"
