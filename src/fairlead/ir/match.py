"""Conditions on a request (HTTPRouteMatch, GRPCRouteMatch). All parts of a `Match` must hold."""

import msgspec

MAX_REGEX_PROGRAM_SIZE = 10_000
"""Instructions of the largest RE2 program that a match may need. Proxies are started with
Envoy's runtime key ``re2.max_program_size.error_level`` set to it (Envoy's default is 100)."""

MOST_SPELLINGS = 200
"""Characters of a query parameter's value that may each be escaped or not, as far as RE2 programs
allow. A value with more of them is compared as it is written."""


class PathExact(msgspec.Struct, frozen=True, gc=False, tag="exact"):
    """The path, without query, equals `value`."""

    value: str


class PathPrefix(msgspec.Struct, frozen=True, gc=False, tag="prefix"):
    """The path starts with `value`, whole path elements only. ``/`` holds for every path."""

    value: str
    """Without a trailing slash, except for ``/`` itself."""


class PathRegex(msgspec.Struct, frozen=True, gc=False, tag="regex"):
    """The whole path, without query, matches the RE2 expression `value`."""

    value: str


PathMatch = PathExact | PathPrefix | PathRegex


class HeaderMatch(msgspec.Struct, frozen=True, gc=False):
    """A request header equals `value`, or matches it whole when `regex` is true (RE2)."""

    name: str
    """Lower case."""
    value: str
    regex: bool = False


class QueryMatch(msgspec.Struct, frozen=True, gc=False):
    """A query parameter equals `value`, or matches it whole when `regex` is true (RE2)."""

    name: str
    """Case-sensitive."""
    value: str
    regex: bool = False


class Match(msgspec.Struct, frozen=True, gc=False):
    """One HTTPRouteMatch, or one GRPCRouteMatch."""

    path: PathMatch = PathPrefix("/")
    method: str | None = None
    headers: tuple[HeaderMatch, ...] = ()
    query: tuple[QueryMatch, ...] = ()
    grpc: bool = False
    """Holds for gRPC requests only (GRPCRouteMatch)."""
