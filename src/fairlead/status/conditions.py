"""Reports as the status that Kubernetes objects have, as plain JSON values.

A report doesn't know the time; `Times` remember when each of its conditions flipped, which is what
`lastTransitionTime` tells (metav1.Condition). Both together make the status.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from fairlead import api
from fairlead.translate.report import Condition, ListenerReport, Report
from fairlead.translate.sources import CONTROLLER_NAME

Clock: TypeAlias = Callable[[], datetime]
"""The present time, with time zone."""
Json: TypeAlias = dict[str, Any]

ROUTES: Final = frozenset({"HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"})
"""Kinds with RouteStatus."""
POLICIES: Final = frozenset({"BackendTLSPolicy", "XBackendTrafficPolicy", "XTelemetryPolicy"})
"""Kinds with PolicyStatus."""

Times: TypeAlias = tuple[tuple[str, str, str, str], ...]
"""Of each condition: place in the status, type, status, time of its last flip."""


def system_clock() -> datetime:
    """The machine's time, UTC."""
    return datetime.now(UTC)


def timestamp(time: datetime) -> str:
    """metav1.Time: RFC 3339, whole seconds, UTC."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp(time: datetime) -> str:
    """metav1.MicroTime: RFC 3339 with microseconds, UTC."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def transitions(report: Report, previous: Times, now: str) -> Times:
    """When each condition of `report` got its present status.

    Args:
        report: the newest report.
        previous: what this function returned for the report before; empty for the first one.
        now: stands at every condition that is new or has flipped, as `timestamp` writes it.
    """
    before = {(place, kind, status): time for place, kind, status, time in previous}
    return tuple(
        (place, each.type, each.status, before.get((place, each.type, each.status), now))
        for place, each in _placed(report)
    )


def status(report: Report, times: Times, controller_name: str = CONTROLLER_NAME) -> Json:
    """The status of the object that `report` is about.

    Args:
        report: what translation has to tell.
        times: from `transitions`, for the same report.
        controller_name: stands at each entry of `parents` and `ancestors`.

    Returns:
        GatewayStatus, RouteStatus, PolicyStatus, or a status with `conditions` only. Lists
        without entries are left out, except `parents` and `ancestors`, which schemas require.
    """
    at = {(place, kind): time for place, kind, _, time in times}
    answer: Json = {}
    if report.addresses and report.kind != "Service":
        answer["addresses"] = list(_addresses(report))
    if report.attached_listener_sets is not None:
        answer["attachedListenerSets"] = report.attached_listener_sets
    if report.conditions:
        answer["conditions"] = _conditions(report.conditions, "", at)
    if report.features:
        answer["supportedFeatures"] = [{"name": name} for name in report.features]
    if report.listeners:
        answer["listeners"] = [_listener(listener, at) for listener in report.listeners]
    if report.ancestors or report.kind in POLICIES:
        answer["ancestors"] = [
            {
                "ancestorRef": parent_reference(ancestor.ancestor_ref),
                "controllerName": controller_name,
                "conditions": _conditions(ancestor.conditions, _place(ancestor.ancestor_ref), at),
            }
            for ancestor in report.ancestors
        ]
    if report.parents or report.kind in ROUTES:
        answer["parents"] = [
            {
                "parentRef": parent_reference(parent.parent_ref),
                "controllerName": controller_name,
                "conditions": _conditions(parent.conditions, _place(parent.parent_ref), at),
            }
            for parent in report.parents
        ]
    return answer


def _addresses(report: Report) -> Iterator[Json]:
    """GatewayStatusAddress of each address; each tells its routability, or none does."""
    for index, (kind, value) in enumerate(report.addresses):
        entry = {"type": kind, "value": value}
        if report.routability:
            entry["routability"] = report.routability[index]
        yield entry


def parent_reference(reference: api.ParentReference) -> Json:
    """The spec's parentRef, field by field: defaulted `group` and `kind`, the rest as written."""
    fields: Json = {
        "group": reference.group,
        "kind": reference.kind,
        "namespace": reference.namespace,
        "name": reference.name,
        "sectionName": reference.section_name,
        "port": reference.port,
    }
    return {name: value for name, value in fields.items() if value is not None}


def place(reference: Json) -> str:
    """The entry of a parent or an ancestor, wherever in the list it stands.

    Args:
        reference: a ParentReference as JSON; `group` and `kind` may be left out.
    """
    fields = {"group": api.GATEWAY_GROUP, "kind": "Gateway"} | reference
    names = ("group", "kind", "namespace", "name", "sectionName", "port")
    values = (fields.get(name) for name in names)
    return "/".join("" if value is None else str(value) for value in values)


def _placed(report: Report) -> Iterator[tuple[str, Condition]]:
    """Every condition with its place in the status."""
    for condition in report.conditions:
        yield "", condition
    for listener in report.listeners:
        for condition in listener.conditions:
            yield listener.name, condition
    for parent in report.parents:
        for condition in parent.conditions:
            yield _place(parent.parent_ref), condition
    for ancestor in report.ancestors:
        for condition in ancestor.conditions:
            yield _place(ancestor.ancestor_ref), condition


def _place(reference: api.ParentReference) -> str:
    return place(parent_reference(reference))


def _conditions(
    conditions: Iterable[Condition], place: str, times: Mapping[tuple[str, str], str]
) -> list[Json]:
    return [
        {
            "type": condition.type,
            "status": condition.status,
            "reason": condition.reason,
            "message": condition.message,
            "observedGeneration": condition.observed_generation,
            "lastTransitionTime": times[place, condition.type],
        }
        for condition in conditions
    ]


def _listener(listener: ListenerReport, times: Mapping[tuple[str, str], str]) -> Json:
    return {
        "name": listener.name,
        "supportedKinds": [
            {"group": group, "kind": kind} for group, kind in listener.supported_kinds
        ],
        "attachedRoutes": listener.attached_routes,
        "conditions": _conditions(listener.conditions, listener.name, times),
    }
