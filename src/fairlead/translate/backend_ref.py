"""Where a reference to a backend leads: a Service port or an XBackend, or why nowhere.

In: BackendObjectReferences of any kind of route, filter or policy. Out: `Target`, `Destination`, or
a `Finding` with the spec's reason. One place decides whether a reference resolves; rules, chains
and the ResolvedRefs condition all ask it.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Context
from fairlead.translate.backend import XBACKEND
from fairlead.translate.cluster_name import TargetKind
from fairlead.translate.clusters import Clusters, Destination, Protocol
from fairlead.translate.finding import Finding, indefinite
from fairlead.translate.references import Grants
from fairlead.translate.sources import Key, Sources

ParentKind = Literal["gateway", "mesh"]

Wanted: TypeAlias = Protocol | Literal["udp"]
"""What is to be sent; ``udp`` asks for a UDP port."""


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
    certificate: str = ""
    """Name of the `ir.secret.Certificate` that their Gateway shows to backends; empty for none."""


class Referrer(msgspec.Struct, frozen=True, gc=False):
    """The object that holds a reference."""

    kind: str
    """Such as ``HTTPRoute``."""
    namespace: str
    group: str = api.GATEWAY_GROUP


class Target(msgspec.Struct, frozen=True, gc=False):
    """A backend that is there."""

    kind: TargetKind
    namespace: str
    name: str
    port: int
    """Of the Service; of the XBackend."""

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return self.namespace, self.name


def find(  # noqa: PLR0917 - who asks, for whom, for what
    ctx: Context,
    inputs: Inputs,
    referrer: Referrer,
    ref: api.BackendObjectReference,
    parent: ParentKind,
    wanted: Wanted = "http",
) -> Target | Finding:
    """Find what a reference names.

    Returns:
        The target, or why there is none: InvalidKind, RefNotPermitted, BackendNotFound or
        UnsupportedProtocol, with the field relative to the reference. Permission comes before
        existence, so that nobody learns what other namespaces hold.
    """
    if (ref.group, ref.kind) == XBACKEND:
        return _xbackend(ctx, inputs, referrer, ref, wanted)
    if not ref.is_service:
        named = f"{ref.kind} of group {ref.group!r}" if ref.group else ref.kind
        return Finding("InvalidKind", "kind", f"{named} cannot be a backend; use a Service")
    service = ref.key_from(referrer.namespace)
    if parent == "gateway" and not _permitted(ctx, inputs.grants, referrer, service):
        message = (
            f"Service {service[0]}/{service[1]} is in another namespace; create a ReferenceGrant "
            f"in {service[0]} from {referrer.kind} in {referrer.namespace} to Service {service[1]}"
        )
        return Finding("RefNotPermitted", "namespace", message)
    return _service_port(ctx, inputs, referrer, service, ref.port, wanted)


def destination(  # noqa: PLR0917 - as `find`
    ctx: Context,
    inputs: Inputs,
    referrer: Referrer,
    ref: api.BackendObjectReference,
    scope: Scope,
    protocol: Protocol = "http",
) -> Destination | Finding:
    """Find the cluster that clients of `scope` reach a backend by."""
    found = find(ctx, inputs, referrer, ref, scope.parent, protocol)
    if isinstance(found, Finding):
        return found
    return to_target(ctx, inputs, found, scope, protocol)


def to_target(
    ctx: Context, inputs: Inputs, target: Target, scope: Scope, protocol: Protocol = "http"
) -> Destination:
    """Return the cluster that clients of `scope` reach `target` by."""
    if target.kind == "XBackend":
        return inputs.clusters.backend_destination(ctx, target.key, target.port, protocol)
    return inputs.clusters.destination(
        ctx,
        target.key,
        target.port,
        scope.client_namespace,
        protocol=protocol,
        certificate=scope.certificate,
    )


def unmet(ctx: Context, inputs: Inputs, target: Target) -> Finding | None:
    """Why nothing is sent to a target that is there.

    Its BackendTLSPolicy cannot be carried out, or it is an XBackend that cannot be. To HTTPRoutes
    and GRPCRoutes such a reference counts as invalid (HTTPBackendRef); the API has no reason for
    it. What forwards goes by `to_target`, which names no cluster then.
    """
    if target.kind == "XBackend":
        backend = ctx.fetch(inputs.clusters.xbackends, target.key)
        if backend is None or backend.usable:
            return None
        shown = f"XBackend {target.namespace}/{target.name}"
        message = f"nothing is sent to {shown}, which is not accepted; see its status"
        return Finding("InvalidBackend", "name", message)
    key = (*target.key, target.port)
    routing = ctx.fetch(inputs.clusters.routings, key)
    if routing is None or not routing.refused:
        return None
    policy = ctx.fetch(inputs.clusters.standard, key)
    if policy is None or policy.origin is None:
        return None
    shown = f"Service {target.namespace}/{target.name} port {target.port}"
    message = (
        f"nothing is sent to {shown}, since {policy.origin} cannot be carried out; see its status"
    )
    return Finding("InvalidBackendTLSPolicy", "name", message)


def _service_port(  # noqa: PLR0917 - as `find`
    ctx: Context,
    inputs: Inputs,
    referrer: Referrer,
    service: Key,
    number: int | None,
    wanted: Wanted,
) -> Target | Finding:
    """The port of a Service that may be referred to, or why it cannot be a backend."""
    shown = f"Service {service[0]}/{service[1]}"
    if number is None:
        return Finding("BackendNotFound", "port", f"{shown} needs a port; write one of its ports")
    refusal = _refusal(ctx, inputs, (*service, number), wanted)
    if refusal == "":
        return Target("Service", *service, number)
    if refusal is not None:
        message = f"{indefinite(referrer.kind)} cannot send to {shown} port {number}: {refusal}"
        return Finding("UnsupportedProtocol", "port", message)
    found = ctx.fetch(inputs.sources.services, service)
    if found is None:
        return Finding("BackendNotFound", "name", f"{shown} does not exist")
    if found.spec.type == "ExternalName":
        message = f"{shown} is of type ExternalName, which cannot be a backend; use an XBackend"
        return Finding("InvalidKind", "name", message)
    ports = ", ".join(str(known.port) for known in found.spec.ports) or "none"
    message = f"{shown} has no port {number}; it has {ports}"
    return Finding("BackendNotFound", "port", message)


def _refusal(ctx: Context, inputs: Inputs, key: tuple[str, str, int], wanted: Wanted) -> str | None:
    """Why nothing of the `wanted` sort is sent to a port; None if there is no such port."""
    port = ctx.fetch(inputs.clusters.ports, key)
    if wanted == "udp":
        if ctx.fetch(inputs.clusters.udp_ports, key) is not None:
            return ""
        return f"its protocol is {port.transport}, not UDP" if port is not None else None
    if port is None:
        return None
    if wanted in {"tcp", "raw"}:
        return "" if port.transport == "TCP" else f"its protocol is {port.transport}, not TCP"
    if wanted == "h2c" and port.protocol == "ws":
        return f"its appProtocol is {port.app_protocol}, which carries no gRPC"
    return port.unsupported


def _xbackend(
    ctx: Context,
    inputs: Inputs,
    referrer: Referrer,
    ref: api.BackendObjectReference,
    wanted: Wanted,
) -> Target | Finding:
    """The XBackend of a reference; it is always in the referrer's namespace (GEP-4894)."""
    key = ref.key_from(referrer.namespace)
    shown = f"XBackend {key[0]}/{key[1]}"
    if key[0] != referrer.namespace:
        message = (
            f"{shown} is in another namespace, and no ReferenceGrant permits that; "
            f"create it in {referrer.namespace}"
        )
        return Finding("RefNotPermitted", "namespace", message)
    found = ctx.fetch(inputs.clusters.xbackends, key)
    if found is None:
        return Finding("BackendNotFound", "name", f"{shown} does not exist")
    refusal = found.refusal(wanted)
    if refusal:
        message = f"{indefinite(referrer.kind)} cannot send to {shown}: {refusal}"
        return Finding("UnsupportedProtocol", "name", message)
    return Target("XBackend", *key, found.port)


def _permitted(ctx: Context, grants: Grants | None, referrer: Referrer, service: Key) -> bool:
    if service[0] == referrer.namespace:
        return True
    source = (referrer.group, referrer.kind, referrer.namespace)
    return grants is not None and grants.permit(ctx, source, ("", "Service", *service))
