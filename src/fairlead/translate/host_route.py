"""What the owner of an HTTPRoute or GRPCRoute is told, for both kinds of parents.

In: the route, what references resolve to, and Services. Out: its `Judgement`, of which
`route_report` makes conditions.
"""

from dataclasses import dataclass

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.ir.fleet import MESH_PROXY
from fairlead.translate import (
    backends,
    route_report,
    rules,
    service_parent,
    session_persistence,
)
from fairlead.translate.attachments import Attachments
from fairlead.translate.backends import Inputs, ParentKind
from fairlead.translate.claims import Variant
from fairlead.translate.finding import Finding, sentence
from fairlead.translate.mesh import MeshOutputs
from fairlead.translate.refusals import RefusedKey
from fairlead.translate.report import Report
from fairlead.translate.route_report import Judgement, Parent, Verdict
from fairlead.translate.route_rule import HostRoute
from fairlead.translate.service_parent import Attached
from fairlead.translate.sources import Key, Settings
from fairlead.translate.virtual_hosts import Compiled


@dataclass(frozen=True, slots=True)
class Facts:
    """What a route's report is made from, besides the route."""

    inputs: Inputs
    settings: Settings
    rejections: Collection[RefusedKey, str]
    compiled: Collection[Variant, Compiled]
    mesh: MeshOutputs


def report(
    ctx: Context,
    facts: Facts,
    attachments: Collection[Key, Attachments],
    key: Key,
    route: HostRoute,
) -> Report | None:
    """Everything to tell about a route; None if no parent of it concerns us."""

    def unresolved(kind: ParentKind, attached: Attachments | None) -> tuple[Finding, ...]:
        return _unresolved(ctx, facts, route, kind, attached)

    def service(ref: api.ParentReference) -> Parent:
        return _service(ctx, facts, route, ref)

    judgement = Judgement(verdict(route), unresolved, service, _without_effect(route))
    common = route_report.Facts(
        route.kind, facts.settings, attachments, facts.rejections, facts.mesh.fleet
    )
    return route_report.report(ctx, common, key, route, judgement)


def verdict(route: HostRoute) -> Verdict:
    """Judge the rules of a route together (Accepted and PartiallyInvalid of RouteParentStatus)."""
    checked = rules.check(route)
    invalid = [rule for rule in checked if rule.findings]
    if not invalid:
        return Verdict()
    findings = tuple(finding for rule in invalid for finding in rule.findings)
    answer = rules.unavailable(route)
    message = f"{sentence(findings)}; requests for these rules are answered {answer}"
    if len(invalid) < len(checked):
        names = ", ".join(rule.name for rule in invalid)
        return Verdict(None, f"Dropped Rule {names}: {message}")
    return Verdict((findings[0].reason, message))


def _without_effect(route: HostRoute) -> tuple[str, ...]:
    """What an accepted route asks for in vain."""
    notes: list[str] = []
    for index, rule in enumerate(route.spec.rules):
        if rule.session_persistence is not None:
            note = session_persistence.without_effect(rule.session_persistence)
            notes += [f"spec.rules[{index}].sessionPersistence {note}"] if note else []
    return tuple(notes)


def _service(ctx: Context, facts: Facts, route: HostRoute, ref: api.ParentReference) -> Parent:
    found = service_parent.service_parent(
        ctx, facts.inputs.sources, facts.inputs.clusters.ports, route, ref
    )
    if not isinstance(found, Attached):
        return Parent("mesh", found)
    taken: list[str] = []
    ports: list[str] = []
    for port in found.ports:
        owned = (*found.service, port)
        governing = facts.mesh.routes.governing(ctx, owned, route.metadata.namespace)
        if governing is None or governing.kind == route.kind:
            ports.append(str(port))
        else:
            taken.append(f"port {port} is governed by {governing.kind} {governing.name}")
    if not ports:
        message = (
            f"{'; '.join(taken)}; a Service port takes routes of one kind only: "
            "name another port in parentRefs, or write these rules as a GRPCRoute"
        )
        return Parent("mesh", ("Conflicted", message))
    notes = [f"attached to port {', '.join(ports)}", *taken, found.note]
    if route.spec.hostnames:
        notes.append("spec.hostnames does not apply to a Service")
    return Parent("mesh", None, "; ".join(filter(None, notes)), MESH_PROXY)


def _unresolved(
    ctx: Context,
    facts: Facts,
    route: HostRoute,
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
