"""Whether a request meets the conditions of a rule (`ir.match.Match`), and which it does not."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, TypeAlias

from fairlead.analysis.explain.decision import Shown
from fairlead.analysis.explain.path import split
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
from fairlead.translate import expressions

Values: TypeAlias = dict[str, str]
"""Headers or query parameters by name."""

_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]*")
_GRPC: Final = "application/grpc"
_KNOWN: Final = frozenset(
    {
        *("connection", "content-type", "expect", "grpc-timeout", "keep-alive", "te", "upgrade"),
        *("user-agent", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port"),
        *("x-forwarded-proto", "x-request-id"),
    }
)
"""Headers of which Envoy holds one: what is empty leaves no comma."""


class Asked:
    """A request, read once for all the rules that it is compared with."""

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self.method = shown.method
        self.path, query = split(shown.path)
        self.headers = joined(shown)
        self.query = parameters(query)

    @property
    def grpc(self) -> bool:
        """Whether it is a gRPC request."""
        return is_grpc(self.headers.get("content-type", ""))


def is_grpc(content_type: str) -> bool:
    """Whether a content type is gRPC's (``application/grpc``, ``application/grpc+proto``)."""
    return content_type == _GRPC or content_type.startswith(f"{_GRPC}+")


def matches(match: Match, asked: Asked) -> bool:
    """Whether all conditions hold."""
    return next(failures(match, asked), None) is None


def failures(match: Match, asked: Asked) -> Iterator[str]:
    """What a request lacks, one text for each condition that does not hold."""
    yield from _path(match.path, asked.path)
    if match.method is not None and match.method != asked.method:
        yield f"method {asked.method} is not {match.method}"
    for header in match.headers:
        yield from _header(header, asked.headers.get(header.name))
    for query in match.query:
        yield from _parameter(query, asked.query.get(query.name))
    if match.grpc and not asked.grpc:
        yield f"it is no gRPC request (content-type {_GRPC})"


def joined(shown: Shown) -> Values:
    """Headers as rules see them: those of one name as one, host and method among them."""
    made: dict[str, str] = {}
    for name, value in shown.headers:
        if name not in made:
            made[name] = value
        elif name not in _KNOWN or (made[name] and value):
            made[name] = f"{made[name]},{value}"
        else:
            made[name] = made[name] or value
    made |= {":method": shown.method, ":authority": shown.host, "host": shown.host}
    made |= {":path": shown.path, ":scheme": shown.scheme}
    return made


def parameters(query: str) -> Values:
    """Parameters of a query as they are written; the first one of a name counts."""
    made: dict[str, str] = {}
    for part in query.removeprefix("?").split("&") if query else ():
        name, _, value = part.partition("=")
        made.setdefault(name, value)
    return made


def _path(match: PathMatch, path: str) -> Iterator[str]:
    match match:
        case PathExact(value) if path != value:
            yield f"path {path} is not {value}"
        case PathPrefix(value) if not below(path, value):
            yield f"path {path} is not below {value}"
        case PathRegex(value) if not regex_matches(value, path):
            yield f"path {path} does not match {value}"
        case _:
            return


def below(path: str, prefix: str) -> bool:
    """Whether `path` begins with the whole path elements of `prefix`."""
    if prefix == "/":
        return path.startswith("/")
    return path == prefix or path.startswith(f"{prefix}/")


def _header(match: HeaderMatch, value: str | None) -> Iterator[str]:
    name = "host" if match.name == ":authority" else match.name
    if value is None:
        yield f"header {name} is missing"
    elif match.regex:
        if not regex_matches(match.value, value):
            yield f"header {name} is {value!r}, which does not match {match.value}"
    elif value != match.value:
        yield f"header {name} is {value!r}, not {match.value!r}"


def _parameter(match: QueryMatch, value: str | None) -> Iterator[str]:
    if value is None:
        yield f"query parameter {match.name} is missing"
    elif match.regex:
        if not regex_matches(match.value, value):
            yield f"query parameter {match.name} is {value!r}, which does not match {match.value}"
    elif not spelled(match.value, value):
        yield f"query parameter {match.name} is {value!r}, not {match.value!r}"


def regex_matches(expression: str, text: str) -> bool:
    """Whether RE2 matches the whole of `text`."""
    return bool(_matcher(expression)(text.encode(errors="surrogateescape")))


@lru_cache(maxsize=4096)
def _matcher(expression: str) -> Callable[[bytes], object | None]:
    return expressions.compiled(expression).fullmatch


def spelled(value: str, text: str) -> bool:
    """Whether `text` is one of the ways in which clients write `value` in a query.

    Letters, digits and ``-._~`` stand for themselves; anything else may be escaped or not, and a
    space may be a plus sign.
    """
    special = len(value) - sum(len(part) for part in _UNRESERVED.findall(value))
    if not 0 < special <= MOST_SPELLINGS:
        return value == text
    places = {0}
    for char in value:
        places = {
            place + len(spelling)
            for place in places
            for spelling in _spellings(char)
            if text[place : place + len(spelling)].upper() == spelling.upper()
            and (len(spelling) > 1 or text[place] == spelling)
        }
        if not places:
            return False
    return len(text) in places


def _spellings(char: str) -> tuple[str, ...]:
    if _UNRESERVED.fullmatch(char):
        return (char,)
    escaped = "".join(f"%{byte:02X}" for byte in char.encode())
    return (char, escaped, "+") if char == " " else (char, escaped)
