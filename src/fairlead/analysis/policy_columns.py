"""What `fairlead get` shows of policies, backends and filters: a line for each ancestor."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from fairlead import api
from fairlead.analysis.cells import Cells, Shown, age_of, reason_and_message, said
from fairlead.analysis.naming import parent_text
from fairlead.analysis.table import NONE, columns, listed
from fairlead.analysis.view import View
from fairlead.translate.report import Condition
from fairlead.translate.sources import Key

Policy: TypeAlias = api.BackendTLSPolicy | api.XBackendTrafficPolicy | api.XTelemetryPolicy
Filter: TypeAlias = api.LocalRateLimit | api.FaultInjection


def _ancestors(view: View, kind: str, key: Key) -> Iterator[tuple[str, tuple[Condition, ...]]]:
    """Each ancestor with its conditions; the object's own where none is known."""
    report = view.report(kind, key)
    if report is None or not report.ancestors:
        yield NONE, report.conditions if report else ()
        return
    for ancestor in report.ancestors:
        yield parent_text(ancestor.ancestor_ref, key[0]), ancestor.conditions


def _policy(view: View, key: Key, item: Policy) -> Iterator[Cells]:
    targets = listed(dict.fromkeys(_target(ref) for ref in item.spec.target_refs))
    time = age_of(view, item.kind, key)
    for ancestor, conditions in _ancestors(view, item.kind, key):
        reason, message = reason_and_message(conditions)
        yield key[1], targets, ancestor, said(conditions, "Accepted"), time, reason, message


def _target(ref: api.LocalPolicyTargetReference) -> str:
    text = f"{ref.kind.lower()}/{ref.name}"
    if isinstance(ref, api.LocalPolicyTargetReferenceWithSectionName) and ref.section_name:
        return f"{text}/{ref.section_name}"
    return text


def _backend(view: View, key: Key, item: api.XBackend) -> Iterator[Cells]:
    spec = item.spec
    if spec.external_hostname is not None:
        target = spec.external_hostname.hostname
    elif spec.endpoint_selector is not None:
        labels = sorted(spec.endpoint_selector.match_labels.items())
        target = listed(f"{label}={value}" for label, value in labels)
    else:
        target = NONE
    port, time = str(spec.port.number or NONE), age_of(view, item.kind, key)
    protocol = spec.protocol or NONE
    for ancestor, conditions in _ancestors(view, item.kind, key):
        reason, message = reason_and_message(conditions)
        accepted = said(conditions, "Accepted")
        tls = spec.tls.mode
        yield key[1], target, port, ancestor, accepted, time, reason, protocol, tls, message


def _rate_limit(view: View, key: Key, item: api.LocalRateLimit) -> Iterator[Cells]:
    spec = item.spec
    burst = str(spec.requests if spec.burst is None else spec.burst)
    yield key[1], str(spec.requests), spec.per, burst, *_filter(view, key, item)


def _fault(view: View, key: Key, item: api.FaultInjection) -> Iterator[Cells]:
    delay, abort = item.spec.delay, item.spec.abort
    late = f"{delay.duration}({delay.percent}%)" if delay else NONE
    code = f"grpc {abort.grpc_status}" if abort and abort.grpc_status else ""
    failed = f"{code or abort.status}({abort.percent}%)" if abort else NONE
    yield key[1], late, failed, item.spec.until, *_filter(view, key, item)


def _filter(view: View, key: Key, item: Filter) -> Cells:
    """ACCEPTED, AGE, REASON and MESSAGE."""
    report = view.report(item.kind, key)
    conditions = report.conditions if report else ()
    return (
        said(conditions, "Accepted"),
        age_of(view, item.kind, key),
        *reason_and_message(conditions),
    )


_POLICY = Shown(columns("NAME TARGETS ANCESTOR ACCEPTED AGE REASON | MESSAGE"), _policy)
POLICIES: Mapping[str, Shown] = {
    "BackendTLSPolicy": _POLICY,
    "XBackendTrafficPolicy": _POLICY,
    "XTelemetryPolicy": _POLICY,
    "XBackend": Shown(
        columns("NAME TARGET PORT ANCESTOR ACCEPTED AGE REASON | PROTOCOL TLS MESSAGE"), _backend
    ),
    "LocalRateLimit": Shown(
        columns("NAME REQUESTS PER BURST ACCEPTED AGE REASON | MESSAGE"), _rate_limit
    ),
    "FaultInjection": Shown(
        columns("NAME DELAY ABORT UNTIL ACCEPTED AGE REASON | MESSAGE"), _fault
    ),
}
