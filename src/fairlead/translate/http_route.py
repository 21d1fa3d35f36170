"""What the owner of an HTTPRoute is told, for both kinds of parents.

In: the route, what references resolve to, and Services. Out: its `Judgement`, of which
`route_report` makes conditions.
"""

from dataclasses import dataclass

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.ir.fleet import MESH_PROXY
from fairlead.translate import backends, route_report, rules, service_parent
from fairlead.translate.attachments import Attachments, Variant
from fairlead.translate.backends import Inputs, ParentKind
from fairlead.translate.finding import Finding, sentence
from fairlead.translate.report import Report
from fairlead.translate.route_report import Judgement, Parent, Verdict
from fairlead.translate.service_parent import Refused
from fairlead.translate.sources import Key
from fairlead.translate.virtual_hosts import Compiled


@dataclass(frozen=True, slots=True)
class Facts:
    """What a route's report is made from, besides the route."""

    inputs: Inputs
    common: route_report.Facts
    compiled: Collection[Variant, Compiled]


def report(ctx: Context, facts: Facts, key: Key, route: api.HTTPRoute) -> Report | None:
    """Everything to tell about a route; None if no parent of it concerns us."""

    def unresolved(kind: ParentKind, attached: Attachments | None) -> tuple[Finding, ...]:
        return _unresolved(ctx, facts, route, kind, attached)

    def service(ref: api.ParentReference) -> Parent:
        return _service(ctx, facts, route, ref)

    defaults = route.spec.use_default_gateways == "All"
    notes = ("spec.useDefaultGateways is not supported yet",) if defaults else ()
    judgement = Judgement(verdict(rules.check(route)), unresolved, service, notes)
    return route_report.report(ctx, facts.common, key, route, judgement)


def verdict(checked: tuple[rules.Checked, ...]) -> Verdict:
    """Judge the rules of a route together (Accepted and PartiallyInvalid of RouteParentStatus)."""
    invalid = [rule for rule in checked if rule.findings]
    if not invalid:
        return Verdict()
    findings = tuple(finding for rule in invalid for finding in rule.findings)
    message = f"{sentence(findings)}; requests for these rules are answered 500"
    if len(invalid) < len(checked):
        names = ", ".join(rule.name for rule in invalid)
        return Verdict(None, f"Dropped Rule {names}: {message}")
    return Verdict((findings[0].reason, message))


def _service(ctx: Context, facts: Facts, route: api.HTTPRoute, ref: api.ParentReference) -> Parent:
    found = service_parent.service_parent(ctx, facts.inputs.sources, route, ref)
    if isinstance(found, Refused):
        return Parent("mesh", (found.reason, found.message))
    ports = ", ".join(str(port) for port in found.ports)
    notes = [f"attached to port {ports}", found.note]
    if route.spec.hostnames:
        notes.append("spec.hostnames does not apply to a Service")
    return Parent("mesh", None, "; ".join(filter(None, notes)), MESH_PROXY)


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
