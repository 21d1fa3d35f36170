"""HTTPRouteRule to `RouteRule`."""

from fairlead import api
from fairlead.ir.match import Match
from fairlead.translate import matches, precedence
from fairlead.translate.route_rule import RouteMatch, RouteRule


def read(rule: api.HTTPRouteRule, field: str) -> RouteRule:
    """Read one rule.

    Args:
        rule: As written.
        field: Its path in the route, such as ``spec.rules[0]``.
    """
    read = [
        matches.match(source, f"{field}.matches[{index}]")
        for index, source in enumerate(rule.matches or (api.HTTPRouteMatch(),))
    ]
    return RouteRule(
        name=rule.name or "",
        matches=tuple(
            RouteMatch(index, match, precedence.of_http(match))
            for index, match in enumerate(read)
            if isinstance(match, Match)
        ),
        faults=tuple(fault for match in read if not isinstance(match, Match) for fault in match),
        filters=rule.filters,
        backend_refs=rule.backend_refs,
        timeouts=rule.timeouts,
        retry=rule.retry,
        session_persistence=rule.session_persistence,
    )
