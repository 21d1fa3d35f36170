"""Rules of GRPCRoute: parentRefs, rules, matches, filters, backendRefs, session persistence."""

import re
from collections.abc import Iterator
from typing import Final

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.grpc_route import (
    GRPCMethodMatch,
    GRPCRoute,
    GRPCRouteFilter,
    GRPCRouteMatch,
    GRPCRouteRule,
)
from fairlead.api.rules import http_filter
from fairlead.api.rules.route import matches, parent_refs, rule_names
from fairlead.api.rules.session_persistence import session_persistence
from fairlead.api.rules.union import union
from fairlead.api.rules.unique import unique

_SERVICE = re.compile(r"\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*", re.IGNORECASE | re.ASCII)
_METHOD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_ONCE: Final = frozenset({"RequestHeaderModifier", "ResponseHeaderModifier"})


def grpc_route(route: GRPCRoute) -> Iterator[Finding]:
    """GRPCRouteSpec's validations, experimental channel of Gateway API v1.7.0."""
    spec = route.spec
    yield from parent_refs(("spec", "parentRefs"), spec.parent_refs)
    rules: Path = ("spec", "rules")
    yield from matches(rules, sum(len(rule.matches) for rule in spec.rules))
    yield from rule_names(rules, [rule.name for rule in spec.rules])
    for index, rule in enumerate(spec.rules):
        yield from _rule((*rules, index), rule)


def _rule(path: Path, rule: GRPCRouteRule) -> Iterator[Finding]:
    for index, match in enumerate(rule.matches):
        yield from _match((*path, "matches", index), match)
    yield from _filters((*path, "filters"), rule.filters)
    for index, backend in enumerate(rule.backend_refs):
        at = (*path, "backendRefs", index)
        yield from http_filter.backend_port(at, backend)
        yield from _filters((*at, "filters"), backend.filters)
    yield from session_persistence((*path, "sessionPersistence"), rule.session_persistence)


def _match(path: Path, match: GRPCRouteMatch) -> Iterator[Finding]:
    if match.method:
        yield from _method((*path, "method"), match.method)
    names = [header.name for header in match.headers]
    message = "header `{key}` is matched by entry {first} already"
    yield from unique((*path, "headers"), names, message, "keep one of them")


def _method(path: Path, match: GRPCMethodMatch) -> Iterator[Finding]:
    if match.service is None and match.method is None:
        message = "one of `service` and `method`, or both, must be set"
        yield Finding(Code.RULE, path, message, "add one of them, or remove the method match")
    if match.type != "Exact":
        return
    for name, value, pattern in (
        ("service", match.service, _SERVICE),
        ("method", match.method, _METHOD),
    ):
        if value is not None and not pattern.fullmatch(value):
            example = "com.example.User" if name == "service" else "Login"
            message = f"`{value}` is not the name of a {name} such as {example}"
            remedy = "use letters, digits and `_`" + (", dots between" if name == "service" else "")
            yield Finding(Code.BOUNDS, (*path, name), message, remedy)


def _filters(path: Path, given: tuple[GRPCRouteFilter, ...]) -> Iterator[Finding]:
    if not given:
        return
    keys = [each.type if each.type in _ONCE else None for each in given]
    yield from unique(path, keys, "{key} is in the list already", "merge them into one")
    for index, each in enumerate(given):
        at = (*path, index)
        members = (
            ("RequestHeaderModifier", "requestHeaderModifier", each.request_header_modifier),
            ("ResponseHeaderModifier", "responseHeaderModifier", each.response_header_modifier),
            ("RequestMirror", "requestMirror", each.request_mirror),
            ("ExtensionRef", "extensionRef", each.extension_ref),
        )
        yield from union(at, each.type, members)
        yield from http_filter.modifiers_and_mirror(at, each)
