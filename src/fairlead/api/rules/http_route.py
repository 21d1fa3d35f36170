"""Rules of HTTPRoute: parentRefs, rules, matches, backendRefs, timeouts, session persistence."""

import re
from collections.abc import Iterator
from typing import Final

from fairlead.api.codes import Code
from fairlead.api.duration import seconds
from fairlead.api.finding import Finding, Path
from fairlead.api.http_filter import HTTPRouteFilter
from fairlead.api.http_route import (
    HTTPBackendRef,
    HTTPPathMatch,
    HTTPRoute,
    HTTPRouteMatch,
    HTTPRouteRule,
    HTTPRouteTimeouts,
)
from fairlead.api.reference import GATEWAY_GROUP, ParentReference
from fairlead.api.rules import http_filter
from fairlead.api.rules.union import union
from fairlead.api.rules.unique import unique
from fairlead.api.scalar import PATH
from fairlead.api.session_persistence import SessionPersistence

_MATCHES_LIMIT = 128
_VALID_PATH = re.compile(PATH)
_NOT_IN_PATH: Final = ("//", "/./", "/../", "%2f", "%2F", "#")
_NOT_AT_END: Final = ("/..", "/.")


def http_route(route: HTTPRoute) -> Iterator[Finding]:
    """HTTPRouteSpec's validations, experimental channel of Gateway API v1.7.0."""
    spec = route.spec
    yield from _parent_refs(("spec", "parentRefs"), spec.parent_refs)
    rules: Path = ("spec", "rules")
    total = sum(len(rule.matches) for rule in spec.rules)
    if total > _MATCHES_LIMIT:
        message = f"has {total} matches in all rules, at most {_MATCHES_LIMIT} are allowed"
        yield Finding(Code.BOUNDS, rules, message, "split the route")
    if len(spec.rules) > 1:
        names = [rule.name for rule in spec.rules]
        yield from unique(rules, names, "rule {first} is named `{key}` too", "rename one of them")
    for index, rule in enumerate(spec.rules):
        yield from _rule((*rules, index), rule)


def _parent_refs(path: Path, refs: tuple[ParentReference, ...]) -> Iterator[Finding]:
    for index, ref in enumerate(refs):
        if ref.kind == "Service" and ref.group in {GATEWAY_GROUP, "core", "v1"}:
            yield Finding(
                Code.PARENT_GROUP,
                (*path, index),
                f"nobody acts on this parent: there is no kind Service in group {ref.group}",
                'write `group: ""`',
                "warning",
            )
    if len(refs) < 2:  # noqa: PLR2004 - one alone has nothing to collide with
        return
    first: dict[tuple[str, str, str, str], ParentReference] = {}
    for index, ref in enumerate(refs):
        other = first.setdefault((ref.group, ref.kind, ref.name, ref.namespace or ""), ref)
        mixed = bool(other.section_name) != bool(ref.section_name)
        if mixed or bool(other.port) != bool(ref.port):
            yield Finding(
                Code.NOT_UNIQUE,
                (*path, index),
                f"{ref.kind} `{ref.name}` is a parent more than once, "
                "and not all of its parentRefs have the same of `sectionName` and `port` set",
                "set `sectionName` or `port` in all of them",
            )
    keys = [
        (ref.group, ref.kind, ref.name, ref.namespace or "", ref.section_name, ref.port)
        for ref in refs
    ]
    message = "is the same parent as entry {first}"
    yield from unique(path, keys, message, "give them a different `sectionName` or `port`")


def _rule(path: Path, rule: HTTPRouteRule) -> Iterator[Finding]:
    for index, match in enumerate(rule.matches):
        yield from _match((*path, "matches", index), match)
    if rule.filters:
        yield from _rule_filters(path, rule)
    for index, backend in enumerate(rule.backend_refs):
        yield from _backend((*path, "backendRefs", index), backend, rule)
    if rule.timeouts:
        yield from _timeouts((*path, "timeouts"), rule.timeouts)
    if rule.session_persistence:
        yield from _session((*path, "sessionPersistence"), rule.session_persistence)


def _rule_filters(path: Path, rule: HTTPRouteRule) -> Iterator[Finding]:
    at = (*path, "filters")
    yield from http_filter.filters(at, rule.filters)
    yield from _prefix_replacement(at, rule.filters, rule)
    for index, each in enumerate(rule.filters):
        if each.request_redirect and rule.backend_refs:
            yield Finding(
                Code.RULE,
                (*at, index),
                "a RequestRedirect cannot stand together with backendRefs",
                "remove the filter or the backendRefs",
            )


def _prefix_replacement(
    path: Path, filters: tuple[HTTPRouteFilter, ...], rule: HTTPRouteRule
) -> Iterator[Finding]:
    """ReplacePrefixMatch needs the one prefix that it replaces."""
    if len(rule.matches) == 1 and rule.matches[0].path.type == "PathPrefix":
        return
    for index, each in enumerate(filters):
        holder = each.request_redirect or each.url_rewrite
        modifier = holder.path if holder else None
        if modifier and modifier.type == "ReplacePrefixMatch":
            name = "requestRedirect" if each.request_redirect else "urlRewrite"
            yield Finding(
                Code.RULE,
                (*path, index, name, "path"),
                "ReplacePrefixMatch needs a rule with exactly one match, on a PathPrefix",
                "give each prefix a rule of its own",
            )


def _match(path: Path, match: HTTPRouteMatch) -> Iterator[Finding]:
    if match.path.value != "/":
        yield from _path((*path, "path", "value"), match.path)
    if len(match.headers) > 1:
        names = [header.name for header in match.headers]
        message = "header `{key}` is matched by entry {first} already"
        yield from unique((*path, "headers"), names, message, "keep one of them")
    if len(match.query_params) > 1:
        names = [query.name for query in match.query_params]
        message = "query parameter `{key}` is matched by entry {first} already"
        yield from unique((*path, "queryParams"), names, message, "keep one of them")


def _path(path: Path, match: HTTPPathMatch) -> Iterator[Finding]:
    value = match.value
    if match.type == "RegularExpression":
        return
    reason = ""
    if not value.startswith("/"):
        reason = "must start with `/`"
    elif bad := next((part for part in _NOT_IN_PATH if part in value), ""):
        reason = f"must not contain `{bad}`"
    elif bad := next((part for part in _NOT_AT_END if value.endswith(part)), ""):
        reason = f"must not end with `{bad}`"
    elif not _VALID_PATH.fullmatch(value):
        reason = "has characters that a URL path cannot have"
    if reason:
        remedy = "percent-encode them" if "characters" in reason else ""
        message = f"`{value}` {reason}, since its type is {match.type}"
        yield Finding(Code.BOUNDS, path, message, remedy)


def _backend(path: Path, backend: HTTPBackendRef, rule: HTTPRouteRule) -> Iterator[Finding]:
    yield from http_filter.backend_port(path, backend)
    if backend.filters:
        at = (*path, "filters")
        yield from http_filter.filters(at, backend.filters)
        yield from _prefix_replacement(at, backend.filters, rule)


def _timeouts(path: Path, timeouts: HTTPRouteTimeouts) -> Iterator[Finding]:
    if timeouts.request is None or timeouts.backend_request is None:
        return
    request = seconds(timeouts.request)
    if 0 < request < seconds(timeouts.backend_request):
        yield Finding(
            Code.RULE,
            (*path, "backendRequest"),
            f"`{timeouts.backend_request}` is longer than the whole request may take "
            f"(`{timeouts.request}`)",
            "shorten it or lengthen `request`",
        )


def _session(path: Path, session: SessionPersistence) -> Iterator[Finding]:
    members = (("Cookie", "cookie", session.cookie), ("Header", "header", session.header))
    yield from union(path, session.type, members)
    permanent = session.cookie and session.cookie.lifetime_type == "Permanent"
    if permanent and session.absolute_timeout is None:
        message = "a Permanent cookie needs `absoluteTimeout`"
        yield Finding(Code.RULE, path, message, "add `absoluteTimeout`")
