"""GRPCRouteRule to `RouteRule`.

A gRPC method is a path, ``/SERVICE/METHOD``, and what GRPCRoute's filters and backendRefs can do is
a part of what HTTPRoute's can: so both are read as those of an HTTPRoute from here on.
"""

import re

from fairlead import api
from fairlead.ir.match import Match, PathExact, PathMatch, PathPrefix, PathRegex
from fairlead.translate import expressions, matches, precedence
from fairlead.translate.finding import Finding
from fairlead.translate.route_rule import RouteMatch, RouteRule

_ANY = "[^/]+"
"""Regular expression of any service or method."""
_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?[A-Za-z-]+\)|.", re.DOTALL)
"""What an expression consists of: escapes, classes, flags, and else single characters."""


def read(rule: api.GRPCRouteRule, field: str) -> RouteRule:
    """Read one rule.

    Args:
        rule: As written.
        field: Its path in the route, such as ``spec.rules[0]``.
    """
    sources = rule.matches or (api.GRPCRouteMatch(),)
    found = [match(source, f"{field}.matches[{index}]") for index, source in enumerate(sources)]
    return RouteRule(
        name=rule.name or "",
        matches=tuple(
            RouteMatch(index, each, precedence.of_grpc(source))
            for index, (source, each) in enumerate(zip(sources, found, strict=True))
            if isinstance(each, Match)
        ),
        faults=tuple(fault for each in found if not isinstance(each, Match) for fault in each),
        filters=filters(rule.filters),
        backend_refs=tuple(backend_ref(ref) for ref in rule.backend_refs),
        session_persistence=rule.session_persistence,
    )


def match(source: api.GRPCRouteMatch, field: str) -> Match | tuple[Finding, ...]:
    """Compile one GRPCRouteMatch.

    Args:
        source: The match as written.
        field: Its path in the route, such as ``spec.rules[0].matches[1]``.

    Returns:
        The match, which holds for gRPC requests only, or every reason why no proxy could carry it
        out (UnsupportedValue).
    """
    method = source.method or api.GRPCMethodMatch()
    findings: tuple[Finding, ...] = ()
    if method.type == "RegularExpression":
        for name, value in (("service", method.service), ("method", method.method)):
            fault = expressions.fault(value) if value else ""
            if fault:
                findings += (Finding("UnsupportedValue", f"{field}.method.{name}", fault),)
    path = _path(method)
    if not findings and isinstance(path, PathRegex):
        fault = expressions.fault(path.value)
        if fault:
            findings += (Finding("UnsupportedValue", f"{field}.method", fault),)
    conditions, more = matches.headers(source.headers, f"{field}.headers")
    findings += more
    return findings or Match(path, headers=conditions, grpc=True)


def _path(method: api.GRPCMethodMatch) -> PathMatch:
    """The path of the methods that `method` means."""
    service, name = method.service or "", method.method or ""
    if method.type == "RegularExpression":
        parts = [f"(?:{_unanchored(part)})" if part else _ANY for part in (service, name)]
        return PathRegex("/" + "/".join(parts)) if service or name else PathPrefix("/")
    if service and name:
        return PathExact(f"/{service}/{name}")
    if name:
        return PathRegex(f"/{_ANY}/{re.escape(name)}")
    return PathPrefix(f"/{service}")


def _unanchored(expression: str) -> str:
    """An expression without the anchors of its alternatives.

    It has to match a whole name anyhow, and in the middle of a path anchors never hold.
    """
    parts: list[str] = _PART.findall(expression)
    kept: list[str] = []
    depth = 0
    for before, part, after in zip(["|", *parts], parts, [*parts[1:], "|"], strict=False):
        depth += (part == "(") - (part == ")")
        first = part == "^" and (before == "|" or before.startswith("(?"))
        last = part == "$" and after == "|"
        if depth or not (first or last):
            kept.append(part)
    return "".join(kept)


def filters(source: tuple[api.GRPCRouteFilter, ...]) -> tuple[api.HTTPRouteFilter, ...]:
    """Read filters as those of an HTTPRoute."""
    return tuple(
        api.HTTPRouteFilter(
            type=entry.type,
            request_header_modifier=entry.request_header_modifier,
            response_header_modifier=entry.response_header_modifier,
            request_mirror=entry.request_mirror,
            extension_ref=entry.extension_ref,
        )
        for entry in source
    )


def backend_ref(ref: api.GRPCBackendRef) -> api.HTTPBackendRef:
    """Read a backendRef as one of an HTTPRoute."""
    return api.HTTPBackendRef(
        name=ref.name,
        group=ref.group,
        kind=ref.kind,
        namespace=ref.namespace,
        port=ref.port,
        weight=ref.weight,
        filters=filters(ref.filters),
    )
