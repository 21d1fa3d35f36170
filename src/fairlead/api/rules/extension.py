"""Rules of our own filters: LocalRateLimit and FaultInjection. Their CRDs hold the same ones."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from fairlead.api.codes import Code
from fairlead.api.duration import seconds
from fairlead.api.fault_injection import FaultInjection
from fairlead.api.finding import Finding
from fairlead.api.local_rate_limit import LocalRateLimit

SHORTEST_PERIOD: Final = 0.05
"""Seconds; Envoy fills a bucket no more often."""
LONGEST_PERIOD: Final = 24 * 3600
"""Seconds."""


def local_rate_limit(obj: LocalRateLimit) -> Iterator[Finding]:
    """The period is one that Envoy can keep."""
    per = obj.spec.per
    if not SHORTEST_PERIOD <= seconds(per) <= LONGEST_PERIOD:
        message = f"`{per}` is not between 50ms and 24h"
        yield Finding(Code.BOUNDS, ("spec", "per"), message)


def fault_injection(obj: FaultInjection) -> Iterator[Finding]:
    """Something goes wrong, in one way each, and ends at a moment."""
    spec = obj.spec
    if spec.delay is None and spec.abort is None:
        message = "nothing goes wrong"
        yield Finding(Code.RULE, ("spec",), message, "add `delay` or `abort`")
    if spec.delay and seconds(spec.delay.duration) == 0:
        message = f"`{spec.delay.duration}` is no delay"
        remedy = "write a duration above 0s"
        yield Finding(Code.BOUNDS, ("spec", "delay", "duration"), message, remedy)
    if spec.abort and (spec.abort.status is None) == (spec.abort.grpc_status is None):
        message = "exactly one of `status` and `grpcStatus` must be set"
        remedy = "add one of them" if spec.abort.status is None else "remove one of them"
        yield Finding(Code.RULE, ("spec", "abort"), message, remedy)
    if not _is_moment(spec.until):
        message = f"`{spec.until}` is not a moment such as 2030-01-31T12:00:00Z"
        yield Finding(Code.BOUNDS, ("spec", "until"), message, "write date, time and zone")


def _is_moment(text: str) -> bool:
    """Whether it is RFC 3339, with a zone."""
    try:
        return "T" in text and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
