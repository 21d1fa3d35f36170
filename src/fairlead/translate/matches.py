"""HTTPRouteMatch to `ir.match.Match`, or why it cannot be done; headers for GRPCRoutes as well."""

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from fairlead import api
from fairlead.ir.match import (
    HeaderMatch,
    Match,
    PathExact,
    PathMatch,
    PathPrefix,
    PathRegex,
    QueryMatch,
)
from fairlead.translate import expressions
from fairlead.translate.finding import Finding

PathKind: TypeAlias = Literal["Exact", "PathPrefix", "RegularExpression"]

_UNSUPPORTED = "UnsupportedValue"
_ESCAPED_FOR_NOTHING = re.compile(r"%(?:2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])")
"""Letters, digits and ``-._~``, which mean the same escaped and not (RFC 3986, section 2.3)."""


def match(source: api.HTTPRouteMatch, field: str) -> Match | tuple[Finding, ...]:
    """Compile one HTTPRouteMatch.

    Args:
        source: The match as written, defaults filled in.
        field: Its path in the route, such as ``spec.rules[0].matches[1]``.

    Returns:
        The match, or every reason why no proxy could carry it out (UnsupportedValue).
    """
    path = _path(source.path.type, source.path.value)
    findings: tuple[Finding, ...] = ()
    if isinstance(path, PathRegex):
        findings = _expression(path.value, f"{field}.path.value")
    conditions, more = headers(source.headers, f"{field}.headers")
    findings += more
    query, more = _query(source.query_params, f"{field}.queryParams")
    findings += more
    if source.method == "CONNECT":
        message = "CONNECT requests carry no path to route by and are not supported; remove it"
        findings += (Finding(_UNSUPPORTED, f"{field}.method", message),)
    if findings:
        return findings
    return Match(path, source.method, conditions, query)


@lru_cache(maxsize=4096)
def _path(kind: PathKind, value: str) -> PathMatch:
    """Cached, since thousands of rules share a few paths."""
    match kind:
        case "Exact":
            return PathExact(_normalized(value))
        case "PathPrefix":
            return PathPrefix(_normalized(value).rstrip("/") or "/")
        case "RegularExpression":
            return PathRegex(value)


def _normalized(path: str) -> str:
    """The path as proxies see it: they take such escapes out of requests before they match."""
    return _ESCAPED_FOR_NOTHING.sub(lambda escape: chr(int(escape[0][1:], 16)), path)


def headers(
    source: tuple[api.HTTPHeaderMatch | api.GRPCHeaderMatch, ...], field: str
) -> tuple[tuple[HeaderMatch, ...], tuple[Finding, ...]]:
    """Compile the header matches of a match, which stand at `field`.

    Names are case-insensitive; only the first entry of a name counts, as the spec says.
    """
    found: dict[str, HeaderMatch] = {}
    findings: tuple[Finding, ...] = ()
    for index, entry in enumerate(source):
        name = entry.name.lower()
        if name in found:
            continue
        regex = entry.type == "RegularExpression"
        found[name] = HeaderMatch(name, entry.value, regex)
        if regex:
            findings += _expression(entry.value, f"{field}[{index}].value")
    return tuple(found.values()), findings


def _query(
    source: tuple[api.HTTPQueryParamMatch, ...], field: str
) -> tuple[tuple[QueryMatch, ...], tuple[Finding, ...]]:
    query: dict[str, QueryMatch] = {}
    findings: tuple[Finding, ...] = ()
    for index, entry in enumerate(source):
        if entry.name in query:
            continue
        regex = entry.type == "RegularExpression"
        query[entry.name] = QueryMatch(entry.name, entry.value, regex)
        if regex:
            findings += _expression(entry.value, f"{field}[{index}].value")
    return tuple(query.values()), findings


def _expression(value: str, field: str) -> tuple[Finding, ...]:
    fault = expressions.fault(value)
    return (Finding(_UNSUPPORTED, field, fault),) if fault else ()
