"""Long rule lists as ``xds.type.matcher.v3.Matcher``, which takes the same decisions.

Envoy tries the routes of a virtual host one by one, so a host with thousands of rules answers
slowly. A tree finds those few that a request could match at all, and these are tried in the order
of the list: first by the longest known path that the request's path begins with, then, where many
remain, by the value of a header that most of them ask for.

A tree does not fall back: what a node doesn't hold is not looked for at its ancestors. So each node
holds every rule that a request which ends up there could match, shorter prefixes and regular
expressions included. That costs copies; where it costs too many, the list stays a list.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from fairlead.ir.match import Match, PathExact, PathPrefix, PathRegex
from fairlead.xds import regex_prefix, wire
from fairlead.xds.messages import (
    HttpRequestHeaderMatchInput,
    RouteList,
    TypedExtensionConfig,
    any_of,
    serialized,
)

LEAST: Final = 150
"""Rules of a virtual host from which on a tree is worth its cost (100 to 200 measured)."""
MOST_COPIES: Final = 24
"""Entries of a tree for each rule, on average, at most."""

_SPLIT: Final = 24
"""Rules in a node that are worth being told apart by a header."""
_DEPTH: Final = 3
"""Headers by which a node is split, one after the other."""
_NOT_IN_PATH: Final = frozenset("?#")
_METHOD: Final = ":method"

_MATCHER_TREE: Final = 2
_ON_NO_MATCH: Final = 3
_INPUT: Final = 1
_EXACT_MAP: Final = 2
_PREFIX_MAP: Final = 3
_MAP: Final = 1
_KEY: Final = 1
_VALUE: Final = 2
_ON_MATCH_MATCHER: Final = 1
_ON_MATCH_ACTION: Final = 2
_NAME: Final = 1
_TYPED_CONFIG: Final = 2
_TYPE_URL: Final = 1
_ANY_VALUE: Final = 2
_LIST_ROUTES: Final = 1


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One rule of a list."""

    match: Match
    routes: tuple[bytes, ...]
    """Its serialised routes in Envoy, which are tried in this order."""


def tree(entries: Sequence[Entry]) -> bytes | None:
    """A serialised Matcher that decides as the list does; None if a tree would be too large.

    Args:
        entries: The rules of one virtual host in the order in which they are tried.
    """
    nodes, elsewhere = _by_path(entries)
    if sum(map(len, nodes.values())) > MOST_COPIES * len(entries):
        return None
    made = {path: _chosen(entries, members, _DEPTH) for path, members in nodes.items()}
    return _matcher(":path", _PREFIX_MAP, made, _chosen(entries, elsewhere, _DEPTH))


def by_header(name: str, value: str, then: bytes, otherwise: bytes) -> bytes:
    """A serialised Matcher that goes on to `then` if a request header has `value`.

    Args:
        name: The header.
        value: What it must be.
        then: Serialised Matcher.
        otherwise: One serialised Route, for all other requests.
    """
    nested = wire.framed(_ON_MATCH_MATCHER, then)
    return _matcher(name, _EXACT_MAP, {value: nested}, _on_match([otherwise]))


def after_method(method: str, then: bytes, otherwise: bytes) -> bytes:
    """A serialised Matcher that takes requests of one method out.

    Args:
        method: The method.
        then: One serialised Route, for its requests.
        otherwise: Serialised Matcher, for all others.
    """
    nested = wire.framed(_ON_MATCH_MATCHER, otherwise)
    return _matcher(_METHOD, _EXACT_MAP, {method: _on_match([then])}, nested)


def _by_path(entries: Sequence[Entry]) -> tuple[dict[str, list[int]], list[int]]:
    """For each known path, the indexes of the rules that can match where it is the longest one.

    The second value holds those for requests whose path begins with none of them.
    """
    exact: dict[str, list[int]] = {}
    prefix: dict[str, list[int]] = {}
    begins: dict[str, list[int]] = {}
    for index, each in enumerate(entries):
        match each.match.path:
            case PathExact(value):
                exact.setdefault(value, []).append(index)
            case PathPrefix(value):
                prefix.setdefault(value, []).append(index)
            case PathRegex(value):
                begins.setdefault(regex_prefix.literal_prefix(value), []).append(index)
    anywhere = begins.get("", [])
    nodes: dict[str, list[int]] = {}
    for path in sorted(exact.keys() | prefix.keys() | begins.keys() - {""}):
        if _NOT_IN_PATH & set(path):  # such a rule matches nothing: its path has no query
            continue
        found = [*exact.get(path, ()), *anywhere]
        for above in _above(path):
            found += prefix.get(above, ())
        if len(begins) > 1:
            for end in range(1, len(path) + 1):
                found += begins.get(path[:end], ())
        nodes[path] = _reachable(entries, path, sorted(found))
    return nodes, anywhere


def _reachable(entries: Sequence[Entry], path: str, members: list[int]) -> list[int]:
    """The rules up to the first one that takes every request whose path begins with `path`."""
    for place, index in enumerate(members):
        match = entries[index].match
        whole = isinstance(match.path, PathPrefix) and match.path.value in {"/", *_over(path)}
        if whole and not (match.method or match.headers or match.query):
            return members[: place + 1]
    return members


def _over(path: str) -> Iterator[str]:
    """Every prefix of whole path elements of `path` but itself."""
    return (above for above in _above(path) if above != path)


def _above(path: str) -> Iterator[str]:
    """Every prefix of whole path elements of `path`, itself and ``/`` included, each once."""
    if path != "/":
        yield "/"
    end = path.find("/", 1)
    while end > 0:
        yield path[:end]
        end = path.find("/", end + 1)
    yield path


def _chosen(entries: Sequence[Entry], members: Sequence[int], depth: int) -> bytes:
    """An OnMatch that tries `members` in order; those that a header tells apart are skipped.

    Empty if there is nothing to try.
    """
    if not members:
        return b""
    split = _header(entries, members) if depth and len(members) > _SPLIT else None
    if split is None:
        routes = [route for index in members for route in entries[index].routes]
        return _on_match(routes)
    name, values = split
    groups: dict[str | None, list[int]] = {}
    for index in members:
        groups.setdefault(_asked(entries[index].match, name), []).append(index)
    others = groups.get(None, [])
    made = {
        value: _chosen(entries, sorted([*groups[value], *others]), depth - 1)
        for value in sorted(values)
    }
    nested = _matcher(name, _EXACT_MAP, made, _chosen(entries, others, depth - 1))
    return wire.framed(_ON_MATCH_MATCHER, nested)


def _header(entries: Sequence[Entry], members: Sequence[int]) -> tuple[str, set[str]] | None:
    """The header by which to split, and its values; None where none is worth it."""
    asked: Counter[str] = Counter()
    values: dict[str, set[str]] = {}
    for index in members:
        for name, value in _exact(entries[index].match):
            asked[name] += 1
            values.setdefault(name, set()).add(value)
    if not asked:
        return None
    name = min(asked, key=lambda each: (-len(values[each]), -asked[each], each))
    left = len(members) - asked[name]
    copies = left * len(values[name])
    worth = asked[name] * 2 > len(members) and len(values[name]) > 1
    return (name, values[name]) if worth and copies <= len(members) * _SPLIT else None


def _exact(match: Match) -> Iterator[tuple[str, str]]:
    """What a rule asks of headers by exact value, one value for each header."""
    if match.method is not None:
        yield _METHOD, match.method
    seen: set[str] = set()
    for header in match.headers:
        if not header.regex and header.name not in seen:
            seen.add(header.name)
            yield header.name, header.value


def _asked(match: Match, name: str) -> str | None:
    """The exact value that a rule asks of a header."""
    return next((value for each, value in _exact(match) if each == name), None)


def _on_match(routes: Iterable[bytes]) -> bytes:
    """An OnMatch whose action is a RouteList of serialised routes."""
    listed = b"".join([wire.framed(_LIST_ROUTES, route) for route in routes])
    packed = wire.framed(_TYPE_URL, _ROUTE_LIST) + wire.framed(_ANY_VALUE, listed)
    action = wire.framed(_NAME, b"routes") + wire.framed(_TYPED_CONFIG, packed)
    return wire.framed(_ON_MATCH_ACTION, action)


def _matcher(name: str, kind: int, values: dict[str, bytes], otherwise: bytes) -> bytes:
    """A Matcher over a request header; `values` and `otherwise` hold OnMatch messages."""
    entries = [
        wire.framed(_MAP, wire.framed(_KEY, value.encode()) + wire.framed(_VALUE, values[value]))
        for value in sorted(values)
        if values[value]
    ]
    if not entries:
        return wire.framed(_ON_NO_MATCH, otherwise) if otherwise else b""
    body = wire.framed(_INPUT, _input(name)) + wire.framed(kind, b"".join(entries))
    rest = wire.framed(_ON_NO_MATCH, otherwise) if otherwise else b""
    return wire.framed(_MATCHER_TREE, body) + rest


def _input(name: str) -> bytes:
    config = any_of(HttpRequestHeaderMatchInput(header_name=name))
    return serialized(TypedExtensionConfig(name="header", typed_config=config))


_ROUTE_LIST: Final = any_of(RouteList()).type_url.encode()
