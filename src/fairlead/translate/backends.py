"""HTTPBackendRef and GRPCBackendRef to `ir.backend`: a destination, or `Invalid` with the reason.

One place decides whether a reference resolves; rules and the ResolvedRefs condition both ask it.
"""

from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from fairlead import api
from fairlead.graph import Context
from fairlead.ir.backend import Backend, Forward, Invalid
from fairlead.ir.origin import Origin
from fairlead.ir.rule import HashOn
from fairlead.translate.clusters import Clusters
from fairlead.translate.filters import filters
from fairlead.translate.finding import Finding
from fairlead.translate.references import Grants
from fairlead.translate.route_rule import HostRoute
from fairlead.translate.sources import Key, Sources

ParentKind = Literal["gateway", "mesh"]

_ARTICLE: Final = {"HTTPRoute": "an", "GRPCRoute": "a"}


@dataclass(frozen=True, slots=True)
class Inputs:
    """What references are resolved against."""

    sources: Sources
    clusters: Clusters
    grants: Grants | None = None
    """None where only mesh parents are asked about: they need no ReferenceGrant."""


class Scope(msgspec.Struct, frozen=True, gc=False):
    """For whom a route is compiled."""

    parent: ParentKind
    client_namespace: str
    """Whose policies shape the clusters: the Gateway's namespace, or that of the mesh clients."""
    port: int | None = None
    """Port on which clients call: of the listener or of the parent Service. Decides the port of
    redirects; None leaves it out."""
    scheme: Literal["http", "https"] = "http"
    """How clients call: ``https`` for HTTPS listeners."""


class Resolved(msgspec.Struct, frozen=True, gc=False):
    """One backendRef, resolved."""

    backend: Backend
    hash_on: tuple[HashOn, ...] = ()


def resolve(  # noqa: PLR0917 - the flat form of one reference
    ctx: Context,
    inputs: Inputs,
    namespace: str,
    ref: api.BackendObjectReference,
    parent: ParentKind,
    kind: str = "HTTPRoute",
) -> tuple[Key, int] | Finding:
    """Find the Service port that a backendRef of a route of `kind` in `namespace` names.

    Returns:
        The Service's key and port, or why it is none: InvalidKind, RefNotPermitted,
        BackendNotFound or UnsupportedProtocol, with the field relative to the backendRef.
        Permission comes before existence, so that nobody learns what other namespaces hold.
    """
    if (ref.group, ref.kind) != ("", "Service"):
        named = f"{ref.kind} of group {ref.group!r}" if ref.group else ref.kind
        return Finding("InvalidKind", "kind", f"{named} cannot be a backend; use a Service")
    service = ref.key_from(namespace)
    shown = f"Service {service[0]}/{service[1]}"
    if parent == "gateway" and not _permitted(ctx, inputs.grants, kind, namespace, service):
        message = (
            f"{shown} is in another namespace; create a ReferenceGrant in {service[0]} "
            f"from {kind} in {namespace} to Service {service[1]}"
        )
        return Finding("RefNotPermitted", "namespace", message)
    return _port(ctx, inputs, service, ref.port, kind)


def _port(
    ctx: Context, inputs: Inputs, service: Key, number: int | None, kind: str
) -> tuple[Key, int] | Finding:
    """The port of a Service that may be referred to, or why it cannot be a backend."""
    shown = f"Service {service[0]}/{service[1]}"
    port = inputs.clusters.port(ctx, service, number) if number is not None else None
    if number is not None and port is not None:
        unsupported = port.unsupported
        if kind == "GRPCRoute" and port.protocol == "ws":
            unsupported = f"its appProtocol is {port.app_protocol}, which carries no gRPC"
        if not unsupported:
            return service, number
        message = f"{_ARTICLE[kind]} {kind} cannot send to {shown} port {number}: {unsupported}"
        return Finding("UnsupportedProtocol", "port", message)
    found = ctx.fetch(inputs.sources.services, service)
    if found is None:
        return Finding("BackendNotFound", "name", f"{shown} does not exist")
    if found.spec.type == "ExternalName":
        message = f"{shown} is of type ExternalName, which cannot be a backend"
        return Finding("InvalidKind", "name", message)
    ports = ", ".join(str(known.port) for known in found.spec.ports) or "none"
    message = f"{shown} has no port {number}; it has {ports}"
    return Finding("BackendNotFound", "port", message)


def backend(
    ctx: Context, inputs: Inputs, scope: Scope, ref: api.HTTPBackendRef, origin: Origin
) -> Resolved:
    """Compile one backendRef of the route that `origin` names; its field is that of the ref."""
    found = resolve(ctx, inputs, origin.namespace, ref, scope.parent, origin.kind)
    if isinstance(found, Finding):
        at = f"{origin.field}.{found.field}"
        return Resolved(Invalid(ref.weight, found.reason, f"{at}: {found.message}", origin))
    destination = inputs.clusters.destination(
        ctx,
        *found,
        scope.client_namespace,
        protocol="h2c" if origin.kind == "GRPCRoute" else "http",
    )
    done = filters(ref.filters, f"{origin.field}.filters", "backend")
    return Resolved(
        Forward(
            cluster=destination.cluster,
            weight=ref.weight,
            request_headers=done.request_headers,
            response_headers=done.response_headers,
            rewrite=done.rewrite,
            origin=origin,
        ),
        destination.hash_on,
    )


def unresolved(
    ctx: Context, inputs: Inputs, route: HostRoute, parent: ParentKind
) -> tuple[Finding, ...]:
    """Every backendRef of `route` that does not resolve for parents of this kind."""
    findings: list[Finding] = []
    for rule_index, rule in enumerate(route.spec.rules):
        for index, ref in enumerate(rule.backend_refs):
            found = resolve(ctx, inputs, route.metadata.namespace, ref, parent, route.kind)
            if isinstance(found, Finding):
                field = f"spec.rules[{rule_index}].backendRefs[{index}].{found.field}"
                findings.append(Finding(found.reason, field, found.message))
    return tuple(findings)


def _permitted(
    ctx: Context, grants: Grants | None, kind: str, namespace: str, service: Key
) -> bool:
    if service[0] == namespace:
        return True
    referrer = (api.GATEWAY_GROUP, kind, namespace)
    return grants is not None and grants.permit(ctx, referrer, ("", "Service", *service))
