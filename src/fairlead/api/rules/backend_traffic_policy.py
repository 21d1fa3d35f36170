"""Rules of XBackendTrafficPolicy."""

from collections.abc import Iterator
from typing import Final

from fairlead.api.backend_traffic_policy import RetryConstraint, XBackendTrafficPolicy
from fairlead.api.codes import Code
from fairlead.api.duration import seconds
from fairlead.api.finding import Finding, Path
from fairlead.api.rules.session_persistence import session_persistence
from fairlead.api.rules.unique import unique

_HOUR: Final = 3600


def backend_traffic_policy(obj: XBackendTrafficPolicy) -> Iterator[Finding]:
    """BackendTrafficPolicySpec's validations, Gateway API v1.7.0."""
    spec = obj.spec
    keys = [(ref.group, ref.kind, ref.name) for ref in spec.target_refs]
    message = "is the same target as entry {first}"
    yield from unique(("spec", "targetRefs"), keys, message, "remove one of them")
    if spec.retry_constraint:
        yield from _constraint(("spec", "retryConstraint"), spec.retry_constraint)
    yield from session_persistence(("spec", "sessionPersistence"), spec.session_persistence)


def _constraint(path: Path, constraint: RetryConstraint) -> Iterator[Finding]:
    budget, rate = constraint.budget.interval, constraint.min_retry_rate.interval
    if not 1 <= seconds(budget) <= _HOUR:
        message = f"`{budget}` is not between 1s and 1h"
        yield Finding(Code.BOUNDS, (*path, "budget", "interval"), message)
    if rate is not None and not 0 < seconds(rate) <= _HOUR:
        message = f"`{rate}` is not above 0s and at most 1h"
        yield Finding(Code.BOUNDS, (*path, "minRetryRate", "interval"), message)
