"""HTTPBackendRef and GRPCBackendRef to `ir.backend`: a destination, or `Invalid` with the reason.

`backend_ref` decides whether a reference resolves; filters and weights are added here.
"""

from typing import Final

import msgspec

from fairlead import api
from fairlead.graph import Context
from fairlead.ir.backend import Backend, Forward, Invalid
from fairlead.ir.origin import Origin
from fairlead.ir.rule import HashOn
from fairlead.translate import backend_ref, host_rules, policies
from fairlead.translate.backend_ref import Inputs, ParentKind, Referrer, Scope
from fairlead.translate.clusters import Protocol
from fairlead.translate.filters import filters
from fairlead.translate.finding import Finding
from fairlead.translate.policies import Asker
from fairlead.translate.route_rule import HostRoute

_PROTOCOL: Final[dict[str, Protocol]] = {"HTTPRoute": "http", "GRPCRoute": "h2c"}


class Resolved(msgspec.Struct, frozen=True, gc=False):
    """One backendRef, resolved."""

    backend: Backend
    hash_on: tuple[HashOn, ...] = ()


def backend(
    ctx: Context, inputs: Inputs, scope: Scope, ref: api.HTTPBackendRef, origin: Origin
) -> Resolved:
    """Compile one backendRef of the route that `origin` names; its field is that of the ref."""
    referrer = Referrer(origin.kind, origin.namespace)
    found = backend_ref.destination(ctx, inputs, referrer, ref, scope, _PROTOCOL[origin.kind])
    if isinstance(found, Finding):
        at = f"{origin.field}.{found.field}"
        return Resolved(Invalid(ref.weight, found.reason, f"{at}: {found.message}", origin))
    done = filters(ref.filters, f"{origin.field}.filters", "backend")
    applied = policies.applied(ctx, Asker(inputs, scope, referrer), done)
    if applied.refused is not None:
        return Resolved(Invalid(ref.weight, applied.refused.reason, str(applied.refused), origin))
    return Resolved(
        Forward(
            cluster=found.cluster,
            weight=ref.weight,
            request_headers=done.request_headers,
            response_headers=done.response_headers,
            rewrite=done.rewrite,
            mirrors=applied.mirrors,
            policies=applied.policies,
            session=found.session,
            origin=origin,
        ),
        found.hash_on,
    )


def unresolved(
    ctx: Context, inputs: Inputs, route: HostRoute, parent: ParentKind
) -> tuple[Finding, ...]:
    """Every reference of `route` that does not resolve for parents of this kind.

    Those to backends come first, then those of filters.
    """
    referrer = Referrer(route.kind, route.metadata.namespace)
    asker = Asker(inputs, Scope(parent, route.metadata.namespace), referrer)
    of_backends: list[Finding] = []
    of_filters: list[Finding] = []
    for rule_index, (filtered, refs) in enumerate(host_rules.references(route)):
        at = f"spec.rules[{rule_index}]"
        of_filters += policies.unresolved(ctx, asker, filtered, f"{at}.filters", "rule")
        for index, ref in enumerate(refs):
            field = f"{at}.backendRefs[{index}]"
            found = backend_ref.find(ctx, inputs, referrer, ref, parent, _PROTOCOL[route.kind])
            if not isinstance(found, Finding):
                found = backend_ref.unmet(ctx, inputs, found)
            if found is not None:
                of_backends.append(Finding(found.reason, f"{field}.{found.field}", found.message))
            below = f"{field}.filters"
            of_filters += policies.unresolved(ctx, asker, ref.filters, below, "backend")
    return (*of_backends, *of_filters)
