"""What the owner of an HTTPRoute is told, parent by parent, for both kinds of parents.

In: the route, what Gateways made of it, Services, and what proxies refused. Out: one
`ParentReport` for each parentRef that concerns us, in the order of the spec, whose conditions
are Accepted, ResolvedRefs and, where only a part of the route is carried out, PartiallyInvalid.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.ir.fleet import MESH_PROXY, Proxy
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.translate import backends, rules, service_parent
from fairlead.translate.attachments import Attachment, Attachments, Variant, is_gateway
from fairlead.translate.backends import Inputs, ParentKind
from fairlead.translate.conditions import Conditions
from fairlead.translate.finding import Finding, sentence
from fairlead.translate.listeners import GROUP
from fairlead.translate.report import Condition, ParentReport, Report
from fairlead.translate.service_parent import Refused
from fairlead.translate.sources import Key, Settings
from fairlead.translate.virtual_hosts import Compiled

RejectionKey = tuple[str, str, str]
"""Proxy, namespace and name of the route."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a route's report is made from, besides the route."""

    inputs: Inputs
    settings: Settings
    attachments: Collection[Key, Attachments]
    rejections: Collection[RejectionKey, str]
    compiled: Collection[Variant, Compiled]
    mesh: Collection[str, Proxy]
    """The mesh's proxy, if there is one."""


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What the rules of a route say about it, whoever its parent is."""

    refused: tuple[str, str] | None
    """(reason, message) of Accepted=False, if no rule is valid."""
    partly: str
    """Message of PartiallyInvalid, if some are; else empty."""


class _Parent(msgspec.Struct, frozen=True, gc=False):
    """What a parent itself says, before rules and references are looked at."""

    kind: ParentKind
    refused: tuple[str, str] | None
    message: str = ""
    proxy: str = ""


def verdict(checked: tuple[rules.Checked, ...]) -> Verdict:
    """Judge the rules of a route together (Accepted and PartiallyInvalid of RouteParentStatus)."""
    invalid = [rule for rule in checked if rule.findings]
    if not invalid:
        return Verdict(None, "")
    findings = tuple(finding for rule in invalid for finding in rule.findings)
    message = f"{sentence(findings)}; requests for these rules are answered 500"
    if len(invalid) < len(checked):
        names = ", ".join(rule.name for rule in invalid)
        return Verdict(None, f"Dropped Rule {names}: {message}")
    return Verdict((findings[0].reason, message), "")


def rejections(
    _ctx: Context, proxy: str, status: ProxyStatus
) -> Iterator[tuple[RejectionKey, str]]:
    """What `proxy` refused, by the route that it came from."""
    messages: dict[RejectionKey, str] = {}
    for rejection in status.rejections:
        for origin in rejection.origins:
            if origin.kind == "HTTPRoute":
                key = (proxy, origin.namespace, origin.name)
                messages.setdefault(key, f"{rejection.part or rejection.name}: {rejection.message}")
    yield from sorted(messages.items())


def report(ctx: Context, facts: Facts, key: Key, route: api.HTTPRoute) -> Report | None:
    """Everything to tell about a route; None if no parent of it concerns us."""
    make = Conditions(route.metadata.generation)
    attached = ctx.fetch(facts.attachments, key)
    by_index = {parent.index: parent for parent in attached.parents} if attached else {}
    judged = verdict(rules.check(route))
    defaults = route.spec.use_default_gateways == "All"
    unresolved: dict[ParentKind, tuple[Finding, ...]] = {}
    parents: list[ParentReport] = []
    for index, ref in enumerate(route.spec.parent_refs):
        parent = _parent(ctx, facts, route, index, by_index.get(index))
        if parent is None:
            continue
        if parent.kind not in unresolved:
            unresolved[parent.kind] = _unresolved(ctx, facts, route, parent.kind, attached)
        served = parent.refused is None and judged.refused is None
        rejection = ctx.fetch(facts.rejections, (parent.proxy, *key)) if served else None
        conditions = (
            _accepted(make, parent, judged, defaults=defaults),
            _resolved(make, unresolved[parent.kind]),
            *(_partly(make, judged.partly, rejection) if served else ()),
        )
        runs = served and (parent.kind == "gateway" or ctx.fetch(facts.mesh, MESH_PROXY))
        parents.append(
            ParentReport(ref, conditions, (parent.proxy,) if runs and parent.proxy else ())
        )
    if not parents:
        return None
    return Report("HTTPRoute", *key, generation=route.metadata.generation, parents=tuple(parents))


def _parent(
    ctx: Context,
    facts: Facts,
    route: api.HTTPRoute,
    index: int,
    attachment: Attachment | None,
) -> _Parent | None:
    """What the parent of one parentRef says; None if it is none of our business."""
    ref = route.spec.parent_refs[index]
    if is_gateway(ref):
        if attachment is None:
            return None
        message = _attached_to(attachment.listeners)
        if not attachment.proxy:
            message += "; its Gateway is not accepted, so nothing is served yet"
        return _Parent("gateway", attachment.refused, message, attachment.proxy)
    if service_parent.is_service(ref):
        found = service_parent.service_parent(ctx, facts.inputs.sources, route, ref)
        if isinstance(found, Refused):
            return _Parent("mesh", (found.reason, found.message))
        ports = ", ".join(str(port) for port in found.ports)
        notes = [f"attached to port {ports}", found.note]
        if route.spec.hostnames:
            notes.append("spec.hostnames does not apply to a Service")
        return _Parent("mesh", None, "; ".join(filter(None, notes)), MESH_PROXY)
    fault = _misnamed(ref, index, standalone=facts.settings.standalone)
    return _Parent("gateway", ("NoMatchingParent", fault)) if fault else None


def _unresolved(
    ctx: Context,
    facts: Facts,
    route: api.HTTPRoute,
    kind: ParentKind,
    attached: Attachments | None,
) -> tuple[Finding, ...]:
    """The references that do not resolve; read from the compiled route where there is one."""
    if kind == "gateway" and attached is not None and attached.claims:
        variant = attached.claims[0].variant
        compiled = ctx.fetch(facts.compiled, variant) if variant is not None else None
        if compiled is not None:
            return compiled.unresolved
    return backends.unresolved(ctx, facts.inputs, route, kind)


def _misnamed(ref: api.ParentReference, index: int, *, standalone: bool) -> str:
    """What is wrong with a parentRef to a kind that is neither Gateway nor Service.

    In a cluster another controller may serve such a kind, except for a Service by another group.
    """
    if ref.kind == "Service" and ref.group in (GROUP, "core", "v1"):
        return (
            f'parentRefs[{index}]: a Service parent needs group: "" (found "{ref.group}"); '
            'write group: ""'
        )
    if not standalone:
        return ""
    return (
        f"parentRefs[{index}]: {ref.kind} of group {ref.group!r} cannot be a parent here; "
        "use a Gateway or a Service"
    )


def _accepted(make: Conditions, parent: _Parent, judged: Verdict, *, defaults: bool) -> Condition:
    refused = parent.refused or judged.refused
    if refused is not None:
        return make.negative("Accepted", refused)
    message = parent.message
    if defaults:
        message += "; spec.useDefaultGateways is not supported yet"
    return make.true("Accepted", "Accepted", message)


def _resolved(make: Conditions, findings: tuple[Finding, ...]) -> Condition:
    if findings:
        return make.false("ResolvedRefs", findings[0].reason, sentence(findings))
    return make.true("ResolvedRefs", "ResolvedRefs", "every reference resolves")


def _partly(make: Conditions, invalid: str, rejection: str | None) -> Iterator[Condition]:
    """PartiallyInvalid, which is only there when it is true."""
    messages = [invalid] if invalid else []
    if rejection is not None:
        messages.append(f"Fall Back: the proxy refused {rejection}; it serves what it had before")
    if messages:
        yield make.true("PartiallyInvalid", "UnsupportedValue", "; ".join(messages))


@lru_cache(maxsize=1024)
def _attached_to(listeners: tuple[str, ...]) -> str:
    noun = "listener" if len(listeners) == 1 else "listeners"
    return f"attached to {noun} {', '.join(listeners)}"
