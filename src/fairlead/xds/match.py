"""Conditions of a rule (`ir.match.Match`) as ``envoy.config.route.v3.RouteMatch``."""

import re
from typing import Final

from fairlead.ir.match import (
    MOST_SPELLINGS,
    HeaderMatch,
    Match,
    PathExact,
    PathMatch,
    PathPrefix,
    PathRegex,
    QueryMatch,
)
from fairlead.xds.messages import GrpcRouteMatchOptions, Message

METHOD = ":method"

_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]*")

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
    if match.grpc:
        fields["grpc"] = GrpcRouteMatchOptions()
    if match.query:
        fields["query_parameters"] = [
            {"name": query.name, "string_match": _query(query)} for query in match.query
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


def _query(query: QueryMatch) -> Message:
    """A StringMatcher for what Envoy finds in the URL, where it undoes no escapes.

    Clients escape what is neither letter nor digit each in their own way, so every spelling of the
    value has to match.
    """
    value = query.value
    special = len(value) - sum(len(part) for part in _UNRESERVED.findall(value))
    if query.regex or not 0 < special <= MOST_SPELLINGS:
        return _string(query)
    return {"safe_regex": {"regex": "".join(_spellings(char) for char in value)}}


def _spellings(char: str) -> str:
    """A regular expression for one character of a query, escaped or not."""
    plain = re.escape(char)
    if _UNRESERVED.fullmatch(char):
        return plain
    escaped = "".join(f"%{byte:02X}" for byte in char.encode())
    either = re.sub("[A-F]", lambda digit: f"[{digit[0]}{digit[0].lower()}]", escaped)
    also = r"|\+" if char == " " else ""
    return f"(?:{plain}|{either}{also})"


def _string(condition: HeaderMatch | QueryMatch) -> Message:
    """A StringMatcher; a regular expression has to match the whole value."""
    if condition.regex:
        return {"safe_regex": {"regex": condition.value}}
    return {"exact": condition.value}
