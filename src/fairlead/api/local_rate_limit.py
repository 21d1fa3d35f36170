"""LocalRateLimit (fairlead.dev/v1alpha1): a filter of ours, named by an ExtensionRef."""

from typing import Annotated

from msgspec import Meta

from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model
from fairlead.api.scalar import GatewayDuration

Requests = Annotated[int, Meta(ge=1, le=2_147_483_647, description="a number of requests")]


class LocalRateLimitSpec(Model, frozen=True, kw_only=True):
    """A token bucket for each rule in each proxy: requests beyond it are answered 429."""

    requests: Requests
    """How many requests pass in each period."""
    per: GatewayDuration = "1s"
    """The period, from 50ms to 24h."""
    burst: Requests | None = None
    """How many may pass at once after a quiet time; None: as many as `requests`."""


class LocalRateLimit(ApiObject, frozen=True, kw_only=True):
    """A limit on the requests of a rule, kept by each proxy on its own."""

    spec: LocalRateLimitSpec
    api_version: str = "fairlead.dev/v1alpha1"
    kind: str = "LocalRateLimit"
