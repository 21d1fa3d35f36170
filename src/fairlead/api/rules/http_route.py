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
from fairlead.api.rules import http_filter
from fairlead.api.rules.route import matches, parent_refs, rule_names
from fairlead.api.rules.session_persistence import session_persistence
from fairlead.api.rules.unique import unique
from fairlead.api.scalar import PATH

_VALID_PATH = re.compile(PATH)
_NOT_IN_PATH: Final = ("//", "/./", "/../", "%2f", "%2F", "#")
_NOT_AT_END: Final = ("/..", "/.")


def http_route(route: HTTPRoute) -> Iterator[Finding]:
    """HTTPRouteSpec's validations, experimental channel of Gateway API v1.7.0."""
    spec = route.spec
    yield from parent_refs(("spec", "parentRefs"), spec.parent_refs)
    rules: Path = ("spec", "rules")
    yield from matches(rules, sum(len(rule.matches) for rule in spec.rules))
    yield from rule_names(rules, [rule.name for rule in spec.rules])
    for index, rule in enumerate(spec.rules):
        yield from _rule((*rules, index), rule)


def _rule(path: Path, rule: HTTPRouteRule) -> Iterator[Finding]:
    for index, match in enumerate(rule.matches):
        yield from _match((*path, "matches", index), match)
    if rule.filters:
        yield from _rule_filters(path, rule)
    for index, backend in enumerate(rule.backend_refs):
        yield from _backend((*path, "backendRefs", index), backend, rule)
    if rule.timeouts:
        yield from _timeouts((*path, "timeouts"), rule.timeouts)
    yield from session_persistence((*path, "sessionPersistence"), rule.session_persistence)


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
    for index, header in enumerate(match.headers):
        yield from http_filter.header_value((*path, "headers", index, "value"), header.value)
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
