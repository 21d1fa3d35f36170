"""What the owner of a TLSRoute, TCPRoute or UDPRoute is told.

In: the route, what references resolve to, and who serves the hosts that it claims. Out: its
`Judgement`, of which `route_report` makes conditions.
"""

from dataclasses import dataclass

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.translate import hostnames, l4_rule, route_report
from fairlead.translate.attachments import Attachment, Attachments
from fairlead.translate.backend_ref import Inputs, ParentKind
from fairlead.translate.claims import BoundHost, L4Claim
from fairlead.translate.finding import Finding
from fairlead.translate.l4_routes import Served
from fairlead.translate.l4_rule import L4Route
from fairlead.translate.report import Report
from fairlead.translate.route_report import Judgement, Parent, Verdict
from fairlead.translate.sources import Key

_CARRIES = {"TLSRoute": "TLS", "TCPRoute": "TCP", "UDPRoute": "UDP"}
_MOST_HOSTS = 5


@dataclass(frozen=True, slots=True)
class Facts:
    """What the reports of one kind of L4 routes are made from."""

    inputs: Inputs
    common: route_report.Facts
    served: Collection[BoundHost, Served]


def report(facts: Facts, ctx: Context, key: Key, route: L4Route) -> Report | None:
    """Everything to tell about a route; None if no parent of it concerns us."""

    def unresolved(_kind: ParentKind, _attached: Attachments | None) -> tuple[Finding, ...]:
        return l4_rule.unresolved(ctx, facts.inputs, route)

    def service(_ref: api.ParentReference) -> Parent:
        message = (
            f"the mesh carries HTTP only here, so a {route.kind} cannot govern a Service; "
            f"attach it to a {_CARRIES[route.kind]} listener of a Gateway"
        )
        return Parent("mesh", ("UnsupportedValue", message))

    def remarks(attachment: Attachment) -> tuple[str, ...]:
        return _served_by_others(ctx, facts, route, attachment)

    judgement = Judgement(_verdict(route), unresolved, service, remarks=remarks)
    return route_report.report(ctx, facts.common, key, route, judgement)


def _verdict(route: L4Route) -> Verdict:
    """Rules beyond the first are never reached; only v1alpha2 lets a route have them."""
    beyond = len(route.spec.rules) - 1
    if not beyond:
        return Verdict()
    last = f"spec.rules[1..{beyond}]" if beyond > 1 else "spec.rules[1]"
    return Verdict(None, f"Dropped Rule: {last} can match nothing, as spec.rules[0] takes all")


def _served_by_others(
    ctx: Context, facts: Facts, route: L4Route, attachment: Attachment
) -> tuple[str, ...]:
    """What the route is attached to but does not serve, since another route comes first."""
    lost: dict[Key, list[str]] = {}
    attached = ctx.fetch(facts.common.attachments, route.key)
    for claim in attached.l4_claims if attached is not None else ():
        if claim.listener[:3] != attachment.parent or claim.listener[3] not in attachment.listeners:
            continue
        served = ctx.fetch(facts.served, claim.bound_host)
        if served is not None and served.claim.route != route.key:
            lost.setdefault(served.claim.route, []).append(_place(claim))
    return tuple(
        f"{_list(places)} is served by {route.kind} {winner[0]}/{winner[1]}, which comes first"
        for winner, places in sorted(lost.items())
    )


def _place(claim: L4Claim) -> str:
    """A host as users know it: an SNI name, or the port's listener."""
    listener = f"listener {claim.listener[3]}"
    return listener if claim.host == hostnames.ANY else f"{claim.host} of {listener}"


def _list(places: list[str]) -> str:
    rest = len(places) - _MOST_HOSTS
    text = ", ".join(places[:_MOST_HOSTS])
    return f"{text} and {rest} more" if rest > 0 else text
