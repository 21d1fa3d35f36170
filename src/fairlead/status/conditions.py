"""Reports as the status that Kubernetes objects have, as plain JSON values.

What comes in is a `Report` and the status that the object had before; what goes out is the new
status. A condition's `lastTransitionTime` moves only when its `status` flips (metav1.Condition).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from fairlead import api
from fairlead.translate.report import Condition, ListenerReport, ParentReport, Report
from fairlead.translate.sources import CONTROLLER_NAME

Clock: TypeAlias = Callable[[], datetime]
"""The present time, with time zone."""
Json: TypeAlias = dict[str, Any]

_NOTHING: Json = {}


def system_clock() -> datetime:
    """The machine's time, UTC."""
    return datetime.now(UTC)


def timestamp(time: datetime) -> str:
    """metav1.Time: RFC 3339, whole seconds, UTC."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def status(report: Report, previous: Json, now: datetime) -> Json:
    """The status of the object that `report` is about.

    Args:
        report: what translation has to tell.
        previous: the object's last status as returned here, or an empty dict.
        now: stands in every condition that is new or has flipped.

    Returns:
        GatewayStatus, HTTPRouteStatus, or a status with `conditions` only. Lists without entries
        are left out, except `parents`, which the schema requires.
    """
    time = timestamp(now)
    answer: Json = {}
    if report.addresses:
        answer["addresses"] = [{"type": kind, "value": value} for kind, value in report.addresses]
    if report.conditions:
        answer["conditions"] = _conditions(report.conditions, previous.get("conditions", ()), time)
    if report.listeners:
        before = {old["name"]: old for old in previous.get("listeners", ())}
        answer["listeners"] = [
            _listener(listener, before.get(listener.name, _NOTHING), time)
            for listener in report.listeners
        ]
    if report.parents or report.kind == "HTTPRoute":
        answer["parents"] = _parents(report.parents, previous.get("parents", ()), time)
    return answer


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


def _conditions(
    conditions: Iterable[Condition], previous: Iterable[Mapping[str, Any]], time: str
) -> list[Json]:
    before = {old["type"]: old for old in previous}
    answer: list[Json] = []
    for condition in conditions:
        old = before.get(condition.type)
        same = old is not None and old["status"] == condition.status
        answer.append(
            {
                "type": condition.type,
                "status": condition.status,
                "reason": condition.reason,
                "message": condition.message,
                "observedGeneration": condition.observed_generation,
                "lastTransitionTime": old["lastTransitionTime"] if same and old else time,
            }
        )
    return answer


def _listener(listener: ListenerReport, previous: Mapping[str, Any], time: str) -> Json:
    return {
        "name": listener.name,
        "supportedKinds": [
            {"group": group, "kind": kind} for group, kind in listener.supported_kinds
        ],
        "attachedRoutes": listener.attached_routes,
        "conditions": _conditions(listener.conditions, previous.get("conditions", ()), time),
    }


def _parents(
    parents: Iterable[ParentReport], previous: Iterable[Mapping[str, Any]], time: str
) -> list[Json]:
    """RouteStatus.parents; an entry is the same as before if its parentRef is."""
    before = list(previous)
    answer: list[Json] = []
    for parent in parents:
        reference = parent_reference(parent.parent_ref)
        old = next((entry for entry in before if entry["parentRef"] == reference), _NOTHING)
        answer.append(
            {
                "parentRef": reference,
                "controllerName": CONTROLLER_NAME,
                "conditions": _conditions(parent.conditions, old.get("conditions", ()), time),
            }
        )
    return answer
