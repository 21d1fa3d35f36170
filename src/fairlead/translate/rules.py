"""Rules of HTTPRoutes and GRPCRoutes to `ir.rule.Rule`, the same for both kinds of parents.

Two steps. `check` looks at the route alone: what its matches and filters mean and which rules no
proxy could carry out. `rules` adds what references resolve to for one kind of parent and client.

An invalid rule stays in place and answers 500, so that its requests neither skip a filter nor
fall through to another route; only a match that means nothing (a bad expression) is left out.
"""

from functools import lru_cache
from typing import Literal

import msgspec
from msgspec.structs import replace

from fairlead import api
from fairlead.graph import Context
from fairlead.ir.backend import Backend, Invalid
from fairlead.ir.filter import UrlRewrite
from fairlead.ir.http_policy import HttpPolicies, Mirror, SessionPersistence
from fairlead.ir.match import PathPrefix
from fairlead.ir.origin import Origin
from fairlead.ir.rule import Action, HashOn, Redirect, Respond, Retry, Route, Rule
from fairlead.translate import backends, filters, host_rules, policies, session_persistence
from fairlead.translate.backend_ref import Inputs, Referrer, Scope
from fairlead.translate.backends import Resolved
from fairlead.translate.filters import Filters
from fairlead.translate.finding import Finding
from fairlead.translate.policies import Asker
from fairlead.translate.precedence import Ranked, rank
from fairlead.translate.route_rule import HostRoute, RouteMatch, RouteRule

_MOST_ATTEMPTS = 2**31 - 1
"""The field has no upper bound; proxies count in 32 bits."""

_STREAM_IDLE = 3600.0
"""Seconds that a gRPC stream may be silent: GRPCRoute has no timeouts, and streams that wait for
something to happen are common."""

_WELL_KNOWN = {"http": 80, "https": 443}


class Checked(msgspec.Struct, frozen=True):
    """What one rule means, apart from what it refers to."""

    index: int
    name: str
    """The rule's name, or its index as a decimal."""
    source: RouteRule
    filters: Filters
    findings: tuple[Finding, ...]
    """Why the rule is invalid; empty for a valid one."""


class Done(msgspec.Struct, frozen=True, gc=False):
    """What a rule does, once its references are resolved."""

    action: Action
    policies: HttpPolicies | None = None


def check(route: HostRoute) -> tuple[Checked, ...]:
    """Read the rules of `route`, in order."""
    return tuple(_check(index, read) for index, read in enumerate(host_rules.read(route)))


def _check(index: int, rule: RouteRule) -> Checked:
    field = f"spec.rules[{index}]"
    all_prefixes = all(isinstance(each.match.path, PathPrefix) for each in rule.matches)
    done = filters.filters(rule.filters, f"{field}.filters", "rule")
    findings = rule.faults + done.findings
    if not all_prefixes:
        findings += filters.prefix_findings(done, f"{field}.filters")
    for ref_index, ref in enumerate(rule.backend_refs):
        at = f"{field}.backendRefs[{ref_index}].filters"
        theirs = filters.filters(ref.filters, at, "backend")
        findings += theirs.findings
        if not all_prefixes:
            findings += filters.prefix_findings(theirs, at)
    findings += _contradictions(rule, field, done)
    if rule.session_persistence is not None:
        at = f"{field}.sessionPersistence"
        session = session_persistence.read(rule.session_persistence, at, ())
        findings += (session,) if isinstance(session, Finding) else ()
    return Checked(index, rule.name or str(index), rule, done, findings)


def _contradictions(rule: RouteRule, field: str, done: Filters) -> tuple[Finding, ...]:
    """Fields of a rule that contradict each other."""
    if done.redirect is None or not rule.backend_refs:
        return ()
    message = "a rule with RequestRedirect sends nothing to backends; remove backendRefs"
    return (Finding("IncompatibleFilters", f"{field}.backendRefs", message),)


def compile_route(
    ctx: Context, inputs: Inputs, route: HostRoute, scope: Scope
) -> tuple[Ranked, ...]:
    """Compile a route for one kind of parent and the clients of one namespace.

    Returns:
        Every match of every rule with its rank; `precedence.order` merges those of many routes.
    """
    ranked: list[Ranked] = []
    for checked in check(route):
        done = _done(ctx, inputs, route, checked, scope)
        for match in checked.source.matches:
            rule = _rule(route, checked, match, done)
            place = rank(route.metadata, match.specificity, checked.index, match.index)
            ranked.append(Ranked(place, rule))
    return tuple(ranked)


def unavailable(route: HostRoute) -> Literal[500, 503]:
    """What requests are answered that no backend can take, or whose rule cannot be carried out.

    gRPC clients see 503 as UNAVAILABLE, which GRPCRoute asks for where HTTPRoute asks for 500.
    """
    return 503 if isinstance(route, api.GRPCRoute) else 500


def port_matters(route: HostRoute) -> bool:
    """Whether the compiled rules depend on the port and scheme that clients call by.

    A redirect keeps both unless it names others, and leaves the well-known port of a scheme out.
    """
    return isinstance(route, api.HTTPRoute) and any(
        entry.request_redirect is not None
        and not entry.request_redirect.scheme
        and entry.request_redirect.port in (None, *_WELL_KNOWN.values())
        for rule in route.spec.rules
        for entry in rule.filters
    )


def _rule(route: HostRoute, checked: Checked, match: RouteMatch, done: Done) -> Rule:
    metadata, grpc = route.metadata, isinstance(route, api.GRPCRoute)
    name = f"{metadata.namespace}/{metadata.name}/{checked.index}/{match.index}"
    valid = not checked.findings
    return Rule(
        name=f"grpc/{name}" if grpc else name,
        match=match.match,
        action=done.action,
        origin=_origin(route, checked, _field(checked.index, "matches", match.index)),
        request_headers=checked.filters.request_headers if valid else None,
        response_headers=checked.filters.response_headers if valid else None,
        policies=done.policies,
    )


def _origin(route: HostRoute, checked: Checked, field: str) -> Origin:
    metadata = route.metadata
    return Origin(route.kind, metadata.namespace, metadata.name, checked.name, field)


@lru_cache(maxsize=4096)
def _field(rule: int, part: str, index: int) -> str:
    """Path of one entry of a rule; cached, since thousands of origins share them."""
    return f"spec.rules[{rule}].{part}[{index}]"


def _done(ctx: Context, inputs: Inputs, route: HostRoute, checked: Checked, scope: Scope) -> Done:
    """Resolve what a rule does; one whose filters cannot be carried out answers an error."""
    if checked.findings:
        return Done(Respond(unavailable(route), checked.findings[0].reason))
    referrer = Referrer(route.kind, route.metadata.namespace)
    applied = policies.applied(ctx, Asker(inputs, scope, referrer), checked.filters)
    if applied.refused is not None:
        return Done(Respond(unavailable(route), applied.refused.reason))
    redirect = checked.filters.redirect
    if redirect is not None:
        return Done(_redirect(redirect, checked.filters, scope), applied.policies)
    resolved = [
        _backend(ctx, inputs, route, checked, scope, index)
        for index in range(len(checked.source.backend_refs))
    ]
    return Done(_forwarding(route, checked, resolved, applied.mirrors), applied.policies)


def _backend(  # noqa: PLR0917 - one backendRef of a rule
    ctx: Context, inputs: Inputs, route: HostRoute, checked: Checked, scope: Scope, index: int
) -> Resolved:
    """Resolve one backendRef of a rule; the rule's session takes the place of its owner's."""
    rule = checked.source
    origin = _origin(route, checked, _field(checked.index, "backendRefs", index))
    resolved = backends.backend(ctx, inputs, scope, rule.backend_refs[index], origin)
    if rule.session_persistence is None or isinstance(resolved.backend, Invalid):
        return resolved
    session = _session(route, checked, rule.session_persistence, resolved.backend.cluster, index)
    return replace(resolved, backend=replace(resolved.backend, session=session))


def _session(
    route: HostRoute, checked: Checked, source: api.SessionPersistence, cluster: str, index: int
) -> SessionPersistence | None:
    """The session of one backend of a rule.

    The backend is chosen by weight for every request (GEP-1619), so each has a cookie of its own:
    a client that comes back to it finds its endpoint there. The first one has the name that is
    written.
    """
    metadata = route.metadata
    owner = (route.kind, metadata.namespace, metadata.name, checked.name, cluster)
    session = session_persistence.read(source, "", owner)
    if isinstance(session, Finding):
        return None
    if index and session.kind == "cookie" and source.current.cookie and source.current.cookie.name:
        return replace(session, name=session_persistence.name_beside(session.name, cluster))
    return session


def _forwarding(
    route: HostRoute, checked: Checked, resolved: list[Resolved], mirrors: tuple[Mirror, ...]
) -> Route:
    """Forward to the backends of a rule."""
    rule, rewrite = checked.source, checked.filters.rewrite
    hash_on: dict[HashOn, None] = {}
    for entry in resolved:
        hash_on.update(dict.fromkeys(entry.hash_on))
    return Route(
        backends=tuple(_rewritten(entry.backend, rewrite) for entry in resolved),
        rewrite=rewrite,
        timeout=_seconds(rule.timeouts.request) if rule.timeouts else None,
        backend_timeout=_seconds(rule.timeouts.backend_request) if rule.timeouts else None,
        retry=_retry(rule.retry),
        hash_on=tuple(hash_on),
        mirrors=mirrors,
        unavailable=unavailable(route),
        idle_timeout=_STREAM_IDLE if isinstance(route, api.GRPCRoute) else None,
    )


def _rewritten(backend: Backend, outer: UrlRewrite | None) -> Backend:
    """A backend whose own rewrite is completed by that of the rule: both filters act."""
    if isinstance(backend, Invalid) or backend.rewrite is None or outer is None:
        return backend
    own = backend.rewrite
    both = UrlRewrite(own.hostname or outer.hostname, own.path or outer.path)
    return replace(backend, rewrite=both)


def _redirect(source: api.HTTPRequestRedirectFilter, done: Filters, scope: Scope) -> Redirect:
    """Decide the port of ``Location`` by the rules of HTTPRequestRedirectFilter.port.

    Where nothing but the well-known port of a listener is to be kept, the client's own is: that is
    the right one where ports are shifted or forwarded.
    """
    target = source.port
    if target is None and source.scheme:
        target = _WELL_KNOWN[source.scheme]
    elif target is None and scope.port != _WELL_KNOWN[scope.scheme]:
        target = scope.port
    return Redirect(
        status=source.status_code,
        scheme=source.scheme or None,
        hostname=source.hostname or None,
        path=done.redirect_path,
        port=target,
        listener_scheme="http" if source.scheme else scope.scheme,
    )


def _retry(source: api.HTTPRouteRetry | None) -> Retry | None:
    if source is None:
        return None
    attempts = min(source.attempts, _MOST_ATTEMPTS)
    return Retry(attempts, tuple(source.codes), _seconds(source.backoff))


def _seconds(duration: str | None) -> float | None:
    """A Gateway API duration (GEP-2257) in seconds."""
    return None if duration is None else api.duration.seconds(duration)
