"""Retries that do not do what their owner may think (HTTPRouteRetry, GEP-1731)."""

from collections.abc import Iterator

from fairlead import api
from fairlead.analysis.lint.facts import Facts
from fairlead.analysis.lint.remark import Remark, remark
from fairlead.api.codes import Code
from fairlead.api.duration import seconds
from fairlead.api.finding import Path


def remarks(facts: Facts) -> Iterator[Remark]:
    """Look at every `retry` of HTTPRoutes."""
    for route in facts.http_routes:
        for index, rule in enumerate(route.spec.rules):
            if rule.retry is not None and rule.retry.attempts != 0:
                yield from _of_rule(route, rule, rule.retry, ("spec", "rules", index))


def _of_rule(
    route: api.HTTPRoute, rule: api.HTTPRouteRule, retry: api.HTTPRouteRetry, at: Path
) -> Iterator[Remark]:
    timeouts = rule.timeouts or api.HTTPRouteTimeouts()
    limited = seconds(timeouts.backend_request or "0s") > 0
    if not retry.codes:
        tried = "failed connections and attempts that time out" if limited else "failed connections"
        yield remark(
            route,
            Code.RETRY_WITHOUT_CODES,
            (*at, "retry"),
            f"without `codes` only {tried} are tried again, no answer of a backend is",
            "add `codes: [503]` if such answers shall be tried again",
            severity="info",
        )
    if timeouts.request and not limited:
        long = f"takes all of the {timeouts.request} of timeouts.request"
        if not seconds(timeouts.request):
            long = f"is waited for without end ({timeouts.request} of timeouts.request is no limit)"
        yield remark(
            route,
            Code.RETRY_WITHOUT_LIMIT,
            (*at, "retry"),
            f"an attempt that hangs {long}, and is never tried again",
            "add `timeouts.backendRequest`, the time of one attempt",
            severity="info",
        )
    if retry.backoff:
        yield remark(
            route,
            Code.EARLY_RETRY,
            (*at, "retry", "backoff"),
            "Envoy waits a random time that begins at 0, so a retry may come before "
            f"{retry.backoff} have passed",
            "do not rely on it as a least pause",
            severity="info",
        )
