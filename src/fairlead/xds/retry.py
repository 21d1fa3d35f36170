"""When a request is tried again (`ir.rule.Retry`), as ``envoy.config.route.v3.RetryPolicy``."""

from typing import Any, Final

from fairlead.ir.rule import Retry
from fairlead.xds.messages import (
    Message,
    PreviousHostsPredicate,
    duration,
    extension,
    wrapped,
)

SAFE: Final = "connect-failure,refused-stream,reset-before-request"
"""No backend has begun to work on a request that failed so."""
CUT_OFF: Final = f"{SAFE},reset"
"""Where a route asks for retries and limits each attempt, one that was cut off is tried again.
Envoy does not tell it from one that the backend broke off, so that counts as well; without a limit
it doesn't, since the backend may have carried out what it had read (HTTPRouteRetry)."""
BY_STATUS: Final = "retriable-status-codes"
ATTEMPTS: Final = 2
"""Of the policy of the house."""
CONNECTING: Final = 5.0
"""Seconds that an attempt may take to connect: `cluster.CONNECT_TIMEOUT`."""
HOSTS: Final = 20
"""Draws of the load balancer to find an endpoint that was not tried yet: so many that with one of
two out of order it is missed less than once in a million retries."""
BACKOFF_RANGE: Final = 10
"""Greatest pause before a retry, as a multiple of the least."""

_ELSEWHERE: Final = extension(
    "envoy.retry_host_predicates.previous_hosts", PreviousHostsPredicate()
)


def house_policy() -> dict[str, Message]:
    """Retries of failures that no backend noticed, at another endpoint."""
    return _policy(SAFE, ATTEMPTS)


def policy(retry: Retry | None, attempt_timeout: float | None) -> dict[str, Message] | None:
    """The policy of a route; None where that of its virtual host is the right one.

    Args:
        retry: What the route asks for; None for the policy of the house.
        attempt_timeout: Seconds for each attempt; None or 0 for no limit.
    """
    if retry is None:
        if not attempt_timeout:
            return None
        fields = house_policy()
    elif not retry.attempts:
        fields: dict[str, Any] = {"num_retries": wrapped(0)}
    else:
        reset = CUT_OFF if attempt_timeout else SAFE
        on = f"{reset},{BY_STATUS}" if retry.codes else reset
        fields = _policy(on, retry.attempts)
        if retry.codes:
            fields["retriable_status_codes"] = list(retry.codes)
        if retry.backoff:
            fields["retry_back_off"] = {
                "base_interval": duration(retry.backoff),
                "max_interval": duration(retry.backoff * BACKOFF_RANGE),
            }
    if attempt_timeout:
        fields["per_try_timeout"] = duration(attempt_timeout)
    return fields


def _policy(on: str, attempts: int) -> dict[str, Message]:
    return {
        "retry_on": on,
        "num_retries": wrapped(attempts),
        "retry_host_predicate": [_ELSEWHERE],
        "host_selection_retry_max_attempts": HOSTS,
    }
