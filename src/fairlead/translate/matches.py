"""HTTPRouteMatch to `ir.match.Match`, or why it cannot be done."""

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

_UNSUPPORTED = "UnsupportedValue"
_KINDS = ("Exact", "RegularExpression")


def match(source: api.HTTPRouteMatch, field: str) -> Match | tuple[Finding, ...]:
    """Compile one HTTPRouteMatch.

    Args:
        source: The match as written, defaults filled in.
        field: Its path in the route, such as ``spec.rules[0].matches[1]``.

    Returns:
        The match, or every reason why no proxy could carry it out (UnsupportedValue).
    """
    path, findings = _path(source.path, f"{field}.path")
    headers, more = _headers(source.headers, f"{field}.headers")
    findings += more
    query, more = _query(source.query_params, f"{field}.queryParams")
    findings += more
    if source.method == "CONNECT":
        message = "CONNECT requests carry no path to route by and are not supported; remove it"
        findings += (Finding(_UNSUPPORTED, f"{field}.method", message),)
    if findings:
        return findings
    return Match(path, source.method, headers, query)


def _path(source: api.HTTPPathMatch | None, field: str) -> tuple[PathMatch, tuple[Finding, ...]]:
    if source is None:
        return PathPrefix("/"), ()
    match source.type:
        case "Exact":
            return PathExact(source.value), ()
        case "PathPrefix":
            return PathPrefix(source.value.rstrip("/") or "/"), ()
        case "RegularExpression":
            return PathRegex(source.value), _expression(source.value, f"{field}.value")
        case unknown:
            kinds = ("Exact", "PathPrefix", "RegularExpression")
            return PathPrefix("/"), (_unknown_type(unknown, f"{field}.type", kinds),)


def _headers(
    source: tuple[api.HTTPHeaderMatch, ...], field: str
) -> tuple[tuple[HeaderMatch, ...], tuple[Finding, ...]]:
    """Names are case-insensitive; only the first entry of a name counts, as the spec says."""
    headers: dict[str, HeaderMatch] = {}
    findings: tuple[Finding, ...] = ()
    for index, entry in enumerate(source):
        name = entry.name.lower()
        if name in headers:
            continue
        regex, more = _value(entry.type, entry.value, f"{field}[{index}]")
        headers[name] = HeaderMatch(name, entry.value, regex)
        findings += more
    return tuple(headers.values()), findings


def _query(
    source: tuple[api.HTTPQueryParamMatch, ...], field: str
) -> tuple[tuple[QueryMatch, ...], tuple[Finding, ...]]:
    query: dict[str, QueryMatch] = {}
    findings: tuple[Finding, ...] = ()
    for index, entry in enumerate(source):
        if entry.name in query:
            continue
        regex, more = _value(entry.type, entry.value, f"{field}[{index}]")
        query[entry.name] = QueryMatch(entry.name, entry.value, regex)
        findings += more
    return tuple(query.values()), findings


def _value(kind: str, value: str, field: str) -> tuple[bool, tuple[Finding, ...]]:
    """Whether a header's or parameter's value is an expression, and what is wrong with it."""
    if kind not in _KINDS:
        return False, (_unknown_type(kind, f"{field}.type", _KINDS),)
    if kind == "Exact":
        return False, ()
    return True, _expression(value, f"{field}.value")


def _expression(value: str, field: str) -> tuple[Finding, ...]:
    fault = expressions.fault(value)
    return (Finding(_UNSUPPORTED, field, fault),) if fault else ()


def _unknown_type(kind: str, field: str, known: tuple[str, ...]) -> Finding:
    return Finding(_UNSUPPORTED, field, f"{kind!r} is not supported; use one of {', '.join(known)}")
