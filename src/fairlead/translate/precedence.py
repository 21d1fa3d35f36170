"""Gateway API's precedence of rules, decided once (HTTPRouteRule.matches, GRPCRouteRule.matches).

In: rules with their rank inside a route. Out: the order in which a virtual host tries them.
The spec leaves the place of RegularExpression paths open. Here they come after Exact and before
every PathPrefix, longer expressions first: were prefixes first, an expression could never match
beside the catch-all prefix ``/``, which nearly every host has.
"""

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from fairlead import api
from fairlead.ir.match import Match, PathExact, PathPrefix, PathRegex
from fairlead.ir.rule import Rule
from fairlead.translate import age, hostnames

Specificity: TypeAlias = tuple[int, int, int, int, int, int]
"""How specific a match is, from `of_http` or `of_grpc`: smaller goes first. The first number tells
the kinds of routes apart, whose rules are never merged."""

Rank: TypeAlias = tuple[Specificity, str, str, str, int, int]
"""Specificity, `age.Order`, rule index, match index: smaller goes first."""


class Ranked(msgspec.Struct, frozen=True, gc=False):
    """A rule and its place among the rules of hosts of equal specificity."""

    rank: Rank
    rule: Rule


def of_http(match: Match) -> Specificity:
    """Precedence of a match of an HTTPRoute (HTTPRouteRule.matches).

    After the kind: path class, -path length, method absent, -headers, -query parameters.
    """
    path = match.path
    kinds = {PathExact: 0, PathRegex: 1, PathPrefix: 2}
    return (
        1,
        kinds[type(path)],
        -len(path.value),
        0 if match.method else 1,
        -len(match.headers),
        -len(match.query),
    )


def of_grpc(source: api.GRPCRouteMatch) -> Specificity:
    """Precedence of a match of a GRPCRoute (GRPCRouteRule.matches).

    After the kind: service class, -service length, method class, -method length, -headers.
    """
    method = source.method or api.GRPCMethodMatch()
    kind = 1 if method.type == "RegularExpression" else 0
    service, name = method.service or "", method.method or ""
    return (
        0,
        kind if service else 2,
        -len(service),
        kind if name else 2,
        -len(name),
        -len({header.name.lower() for header in source.headers}),
    )


def rank(
    metadata: api.ObjectMeta, specificity: Specificity, rule_index: int, match_index: int
) -> Rank:
    """Sort key of one match of one rule of the route with this metadata."""
    return (specificity, *age.order(metadata), rule_index, match_index)


def order(groups: Iterable[tuple[str, Iterable[Ranked]]]) -> tuple[Rule, ...]:
    """Merge the rules of several routes into the order in which they are tried.

    Args:
        groups: The hostname as the route spells it (`hostnames.ANY` if it has none, or where
            hostnames do not count) with the route's ranked rules. A more specific hostname goes
            before everything else. A rule that comes by two hostnames stays with the first.
    """
    ranked = sorted(
        ((hostnames.specificity(host), entry) for host, entries in groups for entry in entries),
        key=lambda item: (item[0], item[1].rank),
    )
    rules: dict[str, Rule] = {}
    for _, entry in ranked:
        rules.setdefault(entry.rule.name, entry.rule)
    return tuple(rules.values())
