"""What filters of rules, backendRefs and listeners refer to: mirrors, authorization, extensions.

In: `Filters`, and what references resolve to. Out: what proxies do, and findings for references
that lead nowhere. A mirror that cannot be had is left out; anything else that cannot be carried out
must not be skipped, so its requests are answered with an error.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from fairlead import api
from fairlead.graph import Context
from fairlead.ir.http_policy import (
    MOST_LISTENER_FILTERS,
    ExternalAuth,
    Fault,
    HttpPolicies,
    ListenerFilters,
    Mirror,
    RateLimit,
    RequestFilter,
)
from fairlead.translate import backend_ref, extension
from fairlead.translate.backend_ref import Inputs, Referrer, Scope, Target
from fairlead.translate.clusters import Destination, Protocol
from fairlead.translate.filters import Filters, filters
from fairlead.translate.finding import Finding


@dataclass(frozen=True, slots=True)
class Asker:
    """Who refers to something, for whom, and what references are resolved against."""

    inputs: Inputs
    scope: Scope
    referrer: Referrer

    def destination(
        self, ctx: Context, ref: api.BackendObjectReference, protocol: Protocol, field: str
    ) -> tuple[Target, Destination] | Finding:
        """Find the backend that the reference at `field` names."""
        scope, referrer = self.scope, self.referrer
        found = backend_ref.find(ctx, self.inputs, referrer, ref, scope.parent, protocol)
        if isinstance(found, Finding):
            return _below(found, field)
        return found, backend_ref.to_target(ctx, self.inputs, found, scope, protocol)

    def extension(
        self, ctx: Context, ref: api.LocalObjectReference, field: str
    ) -> RateLimit | Fault | Finding | None:
        """Find the filter that the reference at `field` names; None if it has ended."""
        found = extension.resolve(ctx, self.inputs.sources, self.referrer.namespace, ref)
        return _below(found, field) if isinstance(found, Finding) else found


class Applied(msgspec.Struct, frozen=True, gc=False):
    """What the filters of a rule or backendRef do, besides changing requests and answers."""

    policies: HttpPolicies | None = None
    mirrors: tuple[Mirror, ...] = ()
    unresolved: tuple[Finding, ...] = ()
    """References that lead nowhere, with their path in the route (ResolvedRefs)."""
    refused: Finding | None = None
    """Why requests are answered with an error; None if they are not."""


class OfListener(msgspec.Struct, frozen=True, gc=False):
    """What the filters of a listener do; with a finding, every request is refused."""

    filters: ListenerFilters | None = None
    unsupported: Finding | None = None
    """Why Accepted is false."""
    unresolved: tuple[Finding, ...] = ()
    """Why ResolvedRefs is false: InvalidListenerFilterRef, RefNotPermitted."""


def applied(ctx: Context, asker: Asker, done: Filters) -> Applied:
    """Look up what the filters of a rule or backendRef refer to."""
    if not (done.cors or done.mirrors or done.external_auth or done.extensions):
        return Applied()
    mirrors = [_mirror(ctx, asker, source, field) for field, source in done.mirrors]
    made = list(_request_filters(ctx, asker, done))
    blocking = tuple([each for each in made if isinstance(each, Finding)])
    policies = HttpPolicies(
        cors=done.cors,
        external_auth=next((each for each in made if isinstance(each, ExternalAuth)), None),
        rate_limit=next((each for each in made if isinstance(each, RateLimit)), None),
        fault=next((each for each in made if isinstance(each, Fault)), None),
    )
    return Applied(
        policies=None if policies == HttpPolicies() else policies,
        mirrors=tuple([each for each in mirrors if isinstance(each, Mirror) and each.numerator]),
        unresolved=(*blocking, *(each for each in mirrors if isinstance(each, Finding))),
        refused=blocking[0] if blocking else None,
    )


def unresolved(
    ctx: Context,
    asker: Asker,
    source: tuple[api.HTTPRouteFilter, ...],
    field: str,
    level: Literal["rule", "backend"],
) -> tuple[Finding, ...]:
    """References of the filters at `field` that lead nowhere."""
    if not source:
        return ()
    return applied(ctx, asker, filters(source, field, level)).unresolved


def of_listener(
    ctx: Context, asker: Asker, source: api.ListenerFilters | None, field: str
) -> OfListener:
    """Compile the filters of a Gateway listener (GEP-5224).

    Args:
        ctx: The function run that reads what they refer to.
        asker: The Gateway or ListenerSet, in whose namespace references start, and the scope of
            the Gateway.
        source: The filters as written.
        field: Path of the listener, such as ``spec.listeners[0]``.
    """
    if source is None or not source.requests:
        return OfListener()
    at = f"{field}.filters.requests"
    if len(source.requests) > MOST_LISTENER_FILTERS:
        message = (
            f"{len(source.requests)} filters are more than this version carries out; "
            f"keep at most {MOST_LISTENER_FILTERS}"
        )
        unsupported = Finding("UnsupportedValue", at, message)
        return OfListener(ListenerFilters(refused=True), unsupported)
    made = [
        _of_entry(ctx, asker, entry, f"{at}[{index}]")
        for index, entry in enumerate(source.requests)
    ]
    lost = tuple([_reworded(each) for each in made if isinstance(each, Finding)])
    requests = [each for each in made if each is not None and not isinstance(each, Finding)]
    return OfListener(ListenerFilters(tuple(requests), refused=bool(lost)), None, lost)


def _reworded(found: Finding) -> Finding:
    """A finding with the reason that listeners have for it."""
    if found.reason == "RefNotPermitted":
        return found
    return Finding("InvalidListenerFilterRef", found.field, found.message)


def _of_entry(
    ctx: Context, asker: Asker, entry: api.ListenerRequestFilter, at: str
) -> RequestFilter | Finding | None:
    """One filter of a listener; None for one that has ended."""
    if entry.external_auth is not None:
        return _external_auth(ctx, asker, entry.external_auth, f"{at}.externalAuth")
    if entry.extension_ref is not None:
        return asker.extension(ctx, entry.extension_ref, f"{at}.extensionRef")
    message = f"type is {entry.type}, but the field of that name is missing"
    return Finding("InvalidListenerFilter", at, message)


def _request_filters(
    ctx: Context, asker: Asker, done: Filters
) -> Iterator[RequestFilter | Finding | None]:
    """What a rule does to requests, and what keeps it from doing so."""
    if done.external_auth is not None:
        field, source = done.external_auth
        yield _external_auth(ctx, asker, source, field)
    for field, ref in done.extensions:
        yield asker.extension(ctx, ref, field)


def _mirror(
    ctx: Context, asker: Asker, source: api.HTTPRequestMirrorFilter, field: str
) -> Mirror | Finding:
    protocol = "h2c" if asker.referrer.kind == "GRPCRoute" else "http"
    found = asker.destination(ctx, source.backend_ref, protocol, f"{field}.backendRef")
    if isinstance(found, Finding):
        return found
    share = (100 if source.percent is None else source.percent), 100
    if source.fraction is not None:
        share = source.fraction.numerator, source.fraction.denominator
    return Mirror(found[1].cluster, *share)


def _external_auth(
    ctx: Context, asker: Asker, source: api.HTTPExternalAuthFilter, field: str
) -> ExternalAuth | Finding:
    protocol = "h2c" if source.protocol == "GRPC" else "http"
    found = asker.destination(ctx, source.backend_ref, protocol, f"{field}.backendRef")
    if isinstance(found, Finding):
        return found
    target, destination = found
    http, grpc = source.http or api.HTTPAuthConfig(), source.grpc or api.GRPCAuthConfig()
    asked = grpc.allowed_headers if source.protocol == "GRPC" else http.allowed_headers
    path = http.path.strip("/")
    return ExternalAuth(
        protocol="grpc" if source.protocol == "GRPC" else "http",
        cluster=destination.cluster,
        authority=f"{target.name}.{target.namespace}",
        path=f"/{path}" if path else "",
        request_headers=tuple([name.lower() for name in asked]),
        response_headers=tuple([name.lower() for name in http.allowed_response_headers]),
        body_bytes=source.forward_body.max_size if source.forward_body else 0,
    )


def _below(found: Finding, field: str) -> Finding:
    """A finding about a reference that stands at `field`."""
    return Finding(found.reason, f"{field}.{found.field}", found.message)
