"""XBackendTrafficPolicy (gateway.networking.x-k8s.io/v1alpha1, GEP-3388; experimental)."""

from typing import Annotated

from msgspec import Meta

from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model
from fairlead.api.reference import LocalPolicyTargetReference
from fairlead.api.scalar import GatewayDuration, Percent
from fairlead.api.session_persistence import SessionPersistence


class BudgetDetails(Model, frozen=True, kw_only=True):
    """BudgetDetails: at most `percent` of the requests of an interval are retries."""

    percent: Percent = 20
    interval: GatewayDuration = "10s"


class RequestRate(Model, frozen=True, kw_only=True):
    """RequestRate: `count` requests per `interval`."""

    count: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    interval: GatewayDuration | None = None


class RetryConstraint(Model, frozen=True, kw_only=True):
    """RetryConstraint: the budget, and the rate of retries that it never forbids."""

    budget: BudgetDetails = BudgetDetails()
    min_retry_rate: RequestRate = RequestRate(count=10, interval="1s")


class BackendTrafficPolicySpec(Model, frozen=True, kw_only=True):
    """BackendTrafficPolicySpec."""

    target_refs: Annotated[
        tuple[LocalPolicyTargetReference, ...], Meta(min_length=1, max_length=16)
    ]
    retry_constraint: RetryConstraint | None = None
    session_persistence: SessionPersistence | None = None


class XBackendTrafficPolicy(ApiObject, frozen=True, kw_only=True):
    """How all routes use the backends that it targets, in its namespace."""

    spec: BackendTrafficPolicySpec
    api_version: str = "gateway.networking.x-k8s.io/v1alpha1"
    kind: str = "XBackendTrafficPolicy"
