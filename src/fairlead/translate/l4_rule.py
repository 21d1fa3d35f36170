"""The one rule of a TLSRoute, TCPRoute or UDPRoute: its backendRefs, and what they resolve to.

In: a route of bytes. Out: `ir.backend` values for connections, targets for datagrams, and a
`Finding` for every reference that leads nowhere. TLSRoutes and TCPRoutes take TCP ports of any
appProtocol, UDPRoutes take UDP ports.
"""

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from fairlead import api
from fairlead.graph import Context
from fairlead.ir.backend import Backend, Forward, Invalid
from fairlead.ir.origin import Origin
from fairlead.translate import backend_ref
from fairlead.translate.backend_ref import Inputs, Referrer, Scope, Target, Wanted
from fairlead.translate.finding import Finding

L4Route: TypeAlias = api.TLSRoute | api.TCPRoute | api.UDPRoute
L4Kind: TypeAlias = Literal["TLSRoute", "TCPRoute", "UDPRoute"]
L4_KINDS: Final[tuple[L4Kind, ...]] = ("TLSRoute", "TCPRoute", "UDPRoute")

_WANTED: Final[dict[str, Wanted]] = {"TLSRoute": "tcp", "TCPRoute": "tcp", "UDPRoute": "udp"}


def origin(route: L4Route, field: str = "") -> Origin:
    """Where the rule of `route` comes from.

    Rules have no matches, so nothing tells several apart: the first is carried out. Only v1alpha2
    lets a route have more.
    """
    metadata, rule = route.metadata, route.spec.rules[0]
    return Origin(route.kind, metadata.namespace, metadata.name, rule.name or "0", field)


def targets(
    ctx: Context, inputs: Inputs, route: L4Route
) -> Iterator[tuple[str, api.BackendRef, Target | Finding]]:
    """Yield the backendRefs of the rule: field, reference, and what it leads to."""
    for index, ref in enumerate(route.spec.rules[0].backend_refs):
        found = backend_ref.find(ctx, inputs, _referrer(route), ref, "gateway", _WANTED[route.kind])
        yield f"spec.rules[0].backendRefs[{index}]", ref, found


def backends(
    ctx: Context, inputs: Inputs, route: L4Route, scope: Scope, protocol: Literal["tcp", "raw"]
) -> tuple[Backend, ...]:
    """Compile the backendRefs of a TLSRoute or TCPRoute.

    Args:
        ctx: The function run that reads Services and policies.
        inputs: What references are resolved against.
        route: The route.
        scope: Whose connections they are.
        protocol: ``raw`` for TLS that is passed through: a BackendTLSPolicy does not wrap it again.
    """
    made: list[Backend] = []
    for field, ref, found in targets(ctx, inputs, route):
        source = origin(route, field)
        if isinstance(found, Finding):
            message = f"{field}.{found.field}: {found.message}"
            made.append(Invalid(ref.weight, found.reason, message, source))
        else:
            to = backend_ref.to_target(ctx, inputs, found, scope, protocol)
            made.append(Forward(to.cluster, ref.weight, origin=source))
    return tuple(made)


def unresolved(ctx: Context, inputs: Inputs, route: L4Route) -> tuple[Finding, ...]:
    """Every backendRef of the rule that does not resolve."""
    return tuple(
        Finding(found.reason, f"{field}.{found.field}", found.message)
        for field, _, found in targets(ctx, inputs, route)
        if isinstance(found, Finding)
    )


def _referrer(route: L4Route) -> Referrer:
    return Referrer(route.kind, route.metadata.namespace)
