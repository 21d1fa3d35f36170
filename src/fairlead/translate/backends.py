"""HTTPBackendRef and GRPCBackendRef to `ir.backend`: a destination, or `Invalid` with the reason.

`backend_ref` decides whether a reference resolves; filters and weights are added here.
"""

from typing import Final

import msgspec

from fairlead import api
from fairlead.graph import Context
from fairlead.ir.backend import Backend, Forward, Invalid
from fairlead.ir.http_policy import SessionPersistence
from fairlead.ir.origin import Origin
from fairlead.ir.rule import HashOn
from fairlead.translate import backend_ref
from fairlead.translate.backend_ref import Inputs, ParentKind, Referrer, Scope
from fairlead.translate.clusters import Protocol
from fairlead.translate.filters import filters
from fairlead.translate.finding import Finding
from fairlead.translate.route_rule import HostRoute

_PROTOCOL: Final[dict[str, Protocol]] = {"HTTPRoute": "http", "GRPCRoute": "h2c"}


class Resolved(msgspec.Struct, frozen=True, gc=False):
    """One backendRef, resolved."""

    backend: Backend
    hash_on: tuple[HashOn, ...] = ()
    session: SessionPersistence | None = None
    """How the backend's owner wants clients kept at an endpoint."""


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
    return Resolved(
        Forward(
            cluster=found.cluster,
            weight=ref.weight,
            request_headers=done.request_headers,
            response_headers=done.response_headers,
            rewrite=done.rewrite,
            origin=origin,
        ),
        found.hash_on,
        found.session,
    )


def unresolved(
    ctx: Context, inputs: Inputs, route: HostRoute, parent: ParentKind
) -> tuple[Finding, ...]:
    """Every backendRef of `route` that does not resolve for parents of this kind."""
    referrer = Referrer(route.kind, route.metadata.namespace)
    findings: list[Finding] = []
    for rule_index, rule in enumerate(route.spec.rules):
        for index, ref in enumerate(rule.backend_refs):
            found = backend_ref.find(ctx, inputs, referrer, ref, parent, _PROTOCOL[route.kind])
            if isinstance(found, Finding):
                field = f"spec.rules[{rule_index}].backendRefs[{index}].{found.field}"
                findings.append(Finding(found.reason, field, found.message))
    return tuple(findings)
