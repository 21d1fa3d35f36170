"""Conditions that users would see, as remarks: what lint says of them is what their status says.

In: reports. Out: a remark for each thing that is not accepted, does not resolve or has no effect.
Nothing is decided here but the code, the place and whether it is an error.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from fairlead.analysis.lint.absence import judged
from fairlead.analysis.lint.facts import Facts
from fairlead.analysis.lint.remark import Remark
from fairlead.analysis.lint.remedies import with_remedy
from fairlead.analysis.lint.words import said
from fairlead.analysis.routes import ROUTE_KINDS
from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.problem import Severity
from fairlead.translate.report import Condition, Report

CODES: Final[dict[str, Code]] = {
    "NoMatchingParent": Code.NO_PARENT,
    "ParentNotAccepted": Code.NO_PARENT,
    "NotAllowedByListeners": Code.NOT_ALLOWED,
    "NotAllowed": Code.NOT_ALLOWED,
    "NoMatchingListenerHostname": Code.FOREIGN_HOSTNAMES,
    "RefNotPermitted": Code.NO_GRANT,
    "BackendNotFound": Code.NO_BACKEND,
    "UnsupportedProtocol": Code.UNSUPPORTED,
    "UnsupportedValue": Code.UNSUPPORTED,
    "IncompatibleFilters": Code.UNSUPPORTED,
    "InvalidListenerFilter": Code.UNSUPPORTED,
    "InvalidListenerFilterRef": Code.UNSUPPORTED,
    "InvalidRouteKinds": Code.UNSUPPORTED,
    "InvalidKind": Code.OTHERS,
    "UnsupportedAddress": Code.OTHERS,
    "InvalidCertificateRef": Code.BAD_CERTIFICATE,
    "InvalidClientCertificateRef": Code.BAD_CERTIFICATE,
    "InvalidCACertificateRef": Code.BAD_CERTIFICATE,
    "InvalidCACertificateKind": Code.BAD_CERTIFICATE,
    "HostnameConflict": Code.LISTENER_CONFLICT,
    "ProtocolConflict": Code.LISTENER_CONFLICT,
    "PortUnavailable": Code.LISTENER_CONFLICT,
    "TargetNotFound": Code.NO_TARGET,
    "Conflicted": Code.POLICY_CONFLICT,
    "InvalidParameters": Code.SETTINGS,
    "Invalid": Code.SETTINGS,
    "Expired": Code.FAULT_ENDED,
}
"""Code by the reason of a condition; `REFUSED` for any other."""

_TOLD_BELOW: Final = frozenset(
    {"ListenersNotValid", "ListenersNotResolved", "NoValidCACertificate"}
)
"""Reasons that stand for what other conditions tell."""
_FALSE: Final = frozenset({"Accepted", "ResolvedRefs"})
"""Types of conditions that tell of a mistake where they are False."""
_ENDED: Final = "Expired"
"""Reason of Active of FaultInjections that tells so too."""
_NOTES: Final[dict[str, Code]] = {
    "which comes first": Code.SAME_MATCH,
    "is headless": Code.ODD_PARENT,
}
"""What the message of Accepted says of a route that is accepted and has something wrong."""
_TOLD_BY_RULES: Final[tuple[Path, ...]] = (("subsets",), ("trafficPolicy", "tls"))
_WARNINGS: Final = frozenset({Code.OTHERS, Code.POLICY_CONFLICT, Code.FAULT_ENDED})
_UNMET: Final = "nothing is sent to "
_GATEWAY_GROUP: Final = "of group 'gateway.networking.k8s.io'"


def remarks(facts: Facts) -> Iterator[Remark]:
    """Everything that conditions tell, each thing once."""
    reports = [report for _, report in facts.outputs.reports.items()]
    for report in reports:
        whole: set[str] = set()
        told: set[tuple[Path, str]] = set()
        for found in _of_report(facts, report):
            if found.path[:2] != ("spec", "listeners"):
                whole.add(found.message)
            elif found.message in whole:
                continue
            if (found.path, found.message) not in told:
                told.add((found.path, found.message))
                yield Remark(report.kind, (report.namespace, report.name), found)


def _of_report(facts: Facts, report: Report) -> Iterator[Finding]:
    top: Path = ("spec", "parentRef") if report.kind == "ListenerSet" else ()
    for condition in report.conditions:
        yield from _findings(facts, report, condition, top)
    for index, parent in enumerate(report.parents):
        at = ("spec", "parentRefs", index)
        for condition in parent.conditions:
            yield from _findings(facts, report, condition, at)
    for ancestor in report.ancestors:
        for condition in ancestor.conditions:
            yield from _findings(facts, report, condition, ("spec", "targetRefs"))
    places = _listeners(facts, report)
    for listener in report.listeners:
        at = ("spec", "listeners", places.get(listener.name, 0))
        for condition in listener.conditions:
            yield from _findings(facts, report, condition, at)


def _listeners(facts: Facts, report: Report) -> dict[str, int]:
    if not report.listeners:
        return {}
    obj = facts.sources.of(report.kind).get((report.namespace, report.name))
    return {entry.name: index for index, entry in enumerate(obj.spec.listeners)} if obj else {}


def _findings(facts: Facts, report: Report, condition: Condition, at: Path) -> Iterator[Finding]:
    """What a condition tells; `at` is the path of what it is about."""
    code, severity = _code(condition)
    if code is None:
        return
    for each in said(_message(condition)):
        path = _path(each.path, at)
        found = Finding(code, path, each.message, each.remedy, severity)
        refined = _refined(report, condition, found)
        counts = judged(facts, refined) if refined is not None else None
        if counts is not None:
            yield with_remedy(facts, counts)


def _code(condition: Condition) -> tuple[Code | None, Severity]:
    """Code and severity of a condition; no code for one that tells of nothing wrong."""
    if condition.status == "True":
        return _of_true(condition)
    reason, message = condition.reason, condition.message
    wrong = condition.type in _FALSE or reason == _ENDED
    if not wrong or reason in _TOLD_BELOW:
        return None, "info"
    code = CODES.get(reason, Code.REFUSED)
    if code is Code.NO_PARENT and "cannot be a parent here" in message:
        code = Code.OTHERS
    if code is Code.OTHERS and _GATEWAY_GROUP in message:
        return Code.UNSUPPORTED, "error"
    return code, "warning" if code in _WARNINGS else "error"


def _of_true(condition: Condition) -> tuple[Code | None, Severity]:
    """The conditions that tell of something wrong by being there."""
    message = condition.message
    if condition.type == "PartiallyInvalid":
        return Code.UNSUPPORTED, "error"
    if condition.type in ("NotApplied", "Warning"):
        return Code.NO_EFFECT, "warning"
    noted = (
        code for note, code in _NOTES.items() if condition.type == "Accepted" and note in message
    )
    return next(noted, None), "warning"


def _message(condition: Condition) -> str:
    """What a condition tells; of one that holds, the notes that tell of something wrong."""
    if condition.type != "Accepted" or condition.status != "True":
        return condition.message
    pieces = condition.message.split("; ")
    return "; ".join(piece for piece in pieces if any(note in piece for note in _NOTES))


def _path(path: Path, at: Path) -> Path:
    """A path from the object's top."""
    if not path:
        return at
    if path[0] == "spec":
        return path
    if path[0] == "parentRefs":
        return ("spec", *path)
    return (*at, *path) if at else ("spec", *path)


def _refined(report: Report, condition: Condition, found: Finding) -> Finding | None:
    """The finding with the code that its case has of its own; None for what is told elsewhere.

    Those are `subsets` and `tls` of DestinationRules, and of a BackendTLSPolicy or an XBackend what
    its own conditions tell.
    """
    if report.kind in ROUTE_KINDS and _UNMET in found.message:
        return None
    code = found.code
    if condition.type == "ResolvedRefs" and "is in another namespace" in found.message:
        code = Code.NO_GRANT
    elif condition.type == "ResolvedRefs" and "cannot be a backend" in found.message:
        ours = _GATEWAY_GROUP in found.message or " of group " not in found.message
        code, severity = (Code.UNSUPPORTED, "error") if ours else (Code.OTHERS, "warning")
        return msgspec.structs.replace(found, code=code, severity=severity)
    elif 'needs group: ""' in found.message:
        code = Code.PARENT_GROUP
    elif report.kind in ROUTE_KINDS and "ExternalName" in found.message:
        code = Code.ODD_PARENT if condition.type == "Accepted" else code
    elif report.kind == "DestinationRule" and found.path[1:] in _TOLD_BY_RULES:
        return None
    elif condition.reason == "Invalid" and found.path[-2:] == ("tls", "certificateRefs"):
        code = Code.NO_TLS
    return msgspec.structs.replace(found, code=code)
