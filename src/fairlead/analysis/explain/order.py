"""Why one rule of a virtual host is tried before another (`translate.precedence`)."""

from fairlead import api
from fairlead.analysis.explain.facts import Facts
from fairlead.ir.match import PathExact, PathMatch, PathPrefix, PathRegex
from fairlead.ir.origin import Origin
from fairlead.ir.rule import Rule
from fairlead.ir.virtual_host import VirtualHost
from fairlead.translate import hostnames
from fairlead.translate.route_rule import HostRoute

_KINDS = {PathExact: "an exact path", PathRegex: "an expression", PathPrefix: "a path prefix"}


def route_of(facts: Facts, origin: Origin) -> HostRoute | None:
    """The route that a rule comes from, None if it comes from none."""
    if origin.kind not in {"HTTPRoute", "GRPCRoute"}:
        return None
    found: HostRoute | None = facts.sources.of(origin.kind).get((origin.namespace, origin.name))
    return found


def place_of(rule: Rule) -> tuple[int, int]:
    """Index of the rule in its route, and of the match in the rule."""
    *_, index, match = rule.name.split("/")
    return (int(index), int(match)) if index.isdigit() and match.isdigit() else (0, 0)


def hostname_of(route: HostRoute, host: VirtualHost) -> str:
    """The hostname by which a route has a virtual host: the most specific one that covers it."""
    fitting = [each for each in route.spec.hostnames if hostnames.covers(each, host.name)]
    return min(fitting, key=hostnames.specificity, default=hostnames.ANY)


def reason(facts: Facts, host: VirtualHost, first: Rule, second: Rule) -> str:
    """Why `first` is tried before `second`, about the latter."""
    if first.origin.kind != second.origin.kind:
        return f"{first.origin.kind}s go before {second.origin.kind}s"
    one, other = route_of(facts, first.origin), route_of(facts, second.origin)
    if one is None or other is None:
        return "it comes later"
    if one is not other and host.table.startswith("gateway/"):
        names = hostname_of(one, host), hostname_of(other, host)
        if hostnames.specificity(names[0]) != hostnames.specificity(names[1]):
            return f"its hostname {_hostname(names[1])} is less specific than {names[0]}"
    return _by_match(first, second, one, other) or _by_route(first, second, one, other)


def _hostname(name: str) -> str:
    return "(any)" if name == hostnames.ANY else name


def _by_match(first: Rule, second: Rule, one: HostRoute, other: HostRoute) -> str:
    """By what the matches ask for; empty if they ask for the same."""
    if isinstance(one, api.GRPCRoute) and isinstance(other, api.GRPCRoute):
        return _by_method(first, second, one, other)
    mine, theirs = first.match, second.match
    if type(mine.path) is not type(theirs.path):
        return f"{_KINDS[type(theirs.path)]} comes after {_KINDS[type(mine.path)]}"
    if len(mine.path.value) != len(theirs.path.value):
        return f"its path {_value(theirs.path)} is shorter than {_value(mine.path)}"
    if bool(mine.method) != bool(theirs.method):
        return f"it asks for no method, the other for {mine.method}"
    for what, ours, others in (
        ("header", len(mine.headers), len(theirs.headers)),
        ("query parameter", len(mine.query), len(theirs.query)),
    ):
        if ours != others:
            return f"it asks for {_count(others, what)}, the other for {ours}"
    return ""


def _by_method(first: Rule, second: Rule, one: api.GRPCRoute, other: api.GRPCRoute) -> str:
    """The same for gRPC, where service and method count in place of a path."""
    mine, theirs = _asked(one, first), _asked(other, second)
    for what, ours, others in (
        ("service", mine.service or "", theirs.service or ""),
        ("method", mine.method or "", theirs.method or ""),
    ):
        if bool(ours) != bool(others):
            return f"it asks for no {what}, the other for {ours}"
        if mine.type != theirs.type and ours:
            return f"a {what} as an expression comes after an exact one"
        if len(ours) != len(others):
            return f"its {what} {others} is shorter than {ours}"
    if len(first.match.headers) != len(second.match.headers):
        asked = _count(len(second.match.headers), "header")
        return f"it asks for {asked}, the other for {len(first.match.headers)}"
    return ""


def _asked(route: api.GRPCRoute, rule: Rule) -> api.GRPCMethodMatch:
    index, place = place_of(rule)
    matches = route.spec.rules[index].matches
    found = matches[place].method if place < len(matches) else None
    return found or api.GRPCMethodMatch()


def _by_route(first: Rule, second: Rule, one: HostRoute, other: HostRoute) -> str:
    """By what is left when matches are alike."""
    if one is other:
        index, earlier = place_of(second)[0], place_of(first)[0]
        if index == earlier:
            return "it is a later match of the same rule"
        return f"it is alike, and rule {index} comes after rule {earlier} of the same route"
    ages = one.metadata.creation_timestamp, other.metadata.creation_timestamp
    if ages[0] != ages[1]:
        return f"it is alike, and its route is younger than {one.kind} {'/'.join(one.key)}"
    return (
        f"it is alike, and by namespace and name {'/'.join(other.key)} comes after "
        f"{'/'.join(one.key)}"
    )


def _value(path: PathMatch) -> str:
    return path.value


def _count(number: int, what: str) -> str:
    return f"no {what}" if not number else f"{number} {what}{'s' if number > 1 else ''}"
