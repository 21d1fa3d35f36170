"""Rules that no request reaches, since one that is tried earlier takes all that they ask for.

In: the rules of virtual hosts, in the order in which proxies try them. A rule counts as hidden if
it is so in every virtual host that has it: that a more specific hostname comes first is as it
should be. Of two routes that ask for the same under the same hostname the second is told at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fairlead.analysis.lint.facts import Facts, place_of_rule
from fairlead.analysis.lint.remark import Remark, remark
from fairlead.analysis.routes import Route, hostnames
from fairlead.api.codes import Code
from fairlead.api.finding import Path
from fairlead.ir.match import Match, PathExact, PathPrefix
from fairlead.ir.rule import Rule
from fairlead.ir.virtual_host import VirtualHost
from fairlead.translate import hostnames as names
from fairlead.translate.sources import Key

RouteId: TypeAlias = tuple[str, Key]
"""Kind and key of a route."""
MatchId: TypeAlias = tuple[RouteId, int, int]
"""Route, index of the rule, index of the match."""


@dataclass(slots=True)
class _Seen:
    """What is known of one match of a rule."""

    reached: bool = False
    """Whether some virtual host lets requests come to it."""
    by: Rule | None = None
    """What hides it somewhere."""
    rival: tuple[str, Rule] | None = None
    """A host where another route asks for the same under the same hostname, and its rule."""


def remarks(facts: Facts) -> Iterator[Remark]:
    """Look at every virtual host."""
    routes: dict[RouteId, Route] = {(route.kind, route.key): route for route in facts.routes}
    seen: dict[MatchId, _Seen] = {}
    for host in facts.virtual_hosts:
        for rule, earlier in _hidden(host.rules):
            each = _id(rule)
            if each is None or each[0] not in routes:
                continue
            state = seen.setdefault(each, _Seen())
            if earlier is None:
                state.reached = True
                continue
            state.by = state.by or earlier
            if state.rival is None and _are_rivals(routes, host, rule, earlier):
                state.rival = host.name, earlier
    by_route: dict[RouteId, dict[MatchId, _Seen]] = {}
    for each, state in seen.items():
        by_route.setdefault(each[0], {})[each] = state
    for route_id in sorted(by_route):
        yield from _of_route(routes[route_id], by_route[route_id])


def _of_route(route: Route, seen: dict[MatchId, _Seen]) -> Iterator[Remark]:
    hidden = {each: state for each, state in seen.items() if not state.reached and state.by}
    if len(hidden) == len(seen) and len(seen) == sum(
        len(getattr(rule, "matches", ())) or 1 for rule in route.spec.rules
    ):
        winners = sorted({_shown(state.by) for state in hidden.values() if state.by})
        others = [each for each in winners if each != _name(route.kind, route.key)]
        if others and not all(state.rival for state in hidden.values()):
            yield remark(
                route,
                Code.HIDDEN_ROUTE,
                (),
                f"no request reaches this route: {', '.join(others)} takes all that it asks for",
                "give it other hostnames or matches, or remove it",
            )
            return
    for (_, rule, match), state in sorted(seen.items()):
        at = _path(route, rule, match)
        if state.rival is not None:
            host, other = state.rival
            yield remark(
                route,
                Code.SAME_MATCH,
                at,
                f"{_shown(other)} asks for the same requests{_at(host)} and comes first",
                "change the match or the hostname of one of them; the older route wins, then the "
                "first by namespace and name",
            )
        elif not state.reached and state.by is not None:
            where = _place(route, state.by)
            yield remark(
                route,
                Code.HIDDEN_RULE,
                at,
                f"no request reaches this match: {where} is tried earlier and takes all that it "
                "asks for",
                "remove it, or make it more specific",
            )


def _hidden(rules: tuple[Rule, ...]) -> Iterator[tuple[Rule, Rule | None]]:
    """Each rule with the earlier one that takes all its requests, if there is one."""
    exact: dict[str, list[Rule]] = {}
    prefix: dict[str, list[Rule]] = {}
    regex: dict[str, list[Rule]] = {}
    for rule in rules:
        path = rule.match.path
        if isinstance(path, PathExact):
            own, earlier = exact, [exact.get(path.value, ())]
        elif isinstance(path, PathPrefix):
            own, earlier = prefix, []
        else:
            own, earlier = regex, [regex.get(path.value, ()), prefix.get("/", ())]
        if isinstance(path, PathExact | PathPrefix):
            earlier += [prefix.get(each, ()) for each in _above(path.value)]
        found = (each for group in earlier for each in group if _covers(each.match, rule.match))
        yield rule, next(found, None)
        own.setdefault(path.value, []).append(rule)


def _above(path: str) -> Iterator[str]:
    """The prefixes that hold for a path: itself, and each that ends before a slash."""
    while path and path != "/":
        yield path
        path = path.rpartition("/")[0]
    yield "/"


def _covers(one: Match, other: Match) -> bool:
    """Whether all requests of `other` are of `one` too, the paths left aside."""
    return (
        one.method in (None, other.method)
        and set(one.headers) <= set(other.headers)
        and set(one.query) <= set(other.query)
        and (other.grpc or not one.grpc)
    )


def _are_rivals(routes: dict[RouteId, Route], host: VirtualHost, rule: Rule, earlier: Rule) -> bool:
    """Whether two routes ask for exactly the same, under hostnames of the same rank."""
    one, other = _id(rule), _id(earlier)
    if one is None or other is None or one[0] == other[0] or rule.match != earlier.match:
        return False
    if other[0] not in routes or not host.table.startswith("gateway/"):
        return False
    return _hostname(routes[one[0]], host.name) == _hostname(routes[other[0]], host.name)


def _hostname(route: Route, host: str) -> str:
    """The most specific hostname of a route that has to do with a virtual host."""
    fitting = [each for each in hostnames(route) if names.intersection(host, each) is not None]
    return min(fitting, key=names.specificity, default=names.ANY)


def _id(rule: Rule) -> MatchId | None:
    origin = rule.origin
    if origin.kind not in ("HTTPRoute", "GRPCRoute"):
        return None
    return ((origin.kind, (origin.namespace, origin.name)), *place_of_rule(rule))


def _path(route: Route, rule: int, match: int) -> Path:
    at = ("spec", "rules", rule)
    written = getattr(route.spec.rules[rule], "matches", ())
    return (*at, "matches", match) if match < len(written) else at


def _shown(rule: Rule) -> str:
    return _name(rule.origin.kind, (rule.origin.namespace, rule.origin.name))


def _name(kind: str, key: Key) -> str:
    return f"{kind} {key[0]}/{key[1]}"


def _place(route: Route, rule: Rule) -> str:
    """Where a rule stands, as seen from a route."""
    index, match = place_of_rule(rule)
    where = f"spec.rules[{index}].matches[{match}]"
    shown = _shown(rule)
    return where if shown == _name(route.kind, route.key) else f"{where} of {shown}"


def _at(host: str) -> str:
    return "" if host == names.ANY else f" for {host}"
