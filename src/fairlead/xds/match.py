"""Conditions of a rule (`ir.match.Match`) as ``envoy.config.route.v3.RouteMatch``."""

from fairlead.ir.match import (
    HeaderMatch,
    Match,
    PathExact,
    PathMatch,
    PathPrefix,
    PathRegex,
    QueryMatch,
)
from fairlead.xds.messages import Message

METHOD = ":method"

HOST_WITH_PORT: Message = {
    "name": ":authority",
    "string_match": {"safe_regex": {"regex": ".*:[0-9]+"}},
}
"""Holds for requests whose host has a port."""


def route_match(match: Match) -> dict[str, Message]:
    """Fields of a RouteMatch that holds where all parts of `match` hold."""
    fields = _path(match.path)
    headers = [_header(header) for header in match.headers]
    if match.method is not None:
        headers.insert(0, {"name": METHOD, "string_match": {"exact": match.method}})
    if headers:
        fields["headers"] = headers
    if match.query:
        fields["query_parameters"] = [
            {"name": query.name, "string_match": _string(query)} for query in match.query
        ]
    return fields


def _path(path: PathMatch) -> dict[str, Message]:
    match path:
        case PathExact(value):
            return {"path": value}
        case PathPrefix("/"):
            return {"prefix": "/"}
        case PathPrefix(value):
            return {"path_separated_prefix": value}
        case PathRegex(value):
            return {"safe_regex": {"regex": value}}


def _header(header: HeaderMatch) -> Message:
    return {"name": header.name, "string_match": _string(header)}


def _string(condition: HeaderMatch | QueryMatch) -> Message:
    """A StringMatcher; a regular expression has to match the whole value."""
    if condition.regex:
        return {"safe_regex": {"regex": condition.value}}
    return {"exact": condition.value}
