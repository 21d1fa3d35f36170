"""What there is to say about a route of any kind: parents, and its rules in the order written."""

from collections.abc import Callable, Iterator
from typing import cast

from fairlead import api
from fairlead.analysis.acknowledged import acknowledged
from fairlead.analysis.lines import (
    Line,
    condition_lines,
    problem_lines,
    rejection_lines,
    rule_matches,
    section,
)
from fairlead.analysis.naming import other_controller, parent_text, parent_urls, rule_text
from fairlead.analysis.routes import Route, RouteRule, filters, hostnames
from fairlead.analysis.rules import backend_lines, filter_text
from fairlead.analysis.view import View
from fairlead.translate.report import ParentReport
from fairlead.translate.sources import Key


def route_description(kind: str) -> Callable[[View, Key], list[Line] | None]:
    """A function for the routes of a kind: their lines, None if there is none of that name."""

    def describe_route(view: View, key: Key) -> list[Line] | None:
        route = view.object(kind, key)
        return None if route is None else _lines(view, key, cast("Route", route))

    return describe_route


def _lines(view: View, key: Key, route: Route) -> list[Line]:
    report = view.report(route.kind, key)
    parents = report.parents if report else ()
    lines: list[Line] = [(0, f"{route.kind}: {key[1]}"), (1, f"Namespace: {key[0]}")]
    if not isinstance(route, api.TCPRoute | api.UDPRoute):
        lines.append((1, f"Hostnames: {', '.join(hostnames(route)) or 'any'}"))
    return [
        *lines,
        *_parents(view, route, parents),
        *_rules(view, route),
        *section("Warnings:", list(_warnings(view, route, parents))),
        *section("Problems:", list(problem_lines(view, route.kind, key, 1))),
    ]


def _parents(view: View, route: Route, parents: tuple[ParentReport, ...]) -> Iterator[Line]:
    if not parents:
        yield from _unserved(view, route)
        return
    yield 0, "Parents:"
    for parent in parents:
        reference = parent.parent_ref
        acked, total = acknowledged(view, parent, route.kind, route.key)
        served = f" ({acked}/{total} proxies)" if total else ""
        yield 1, f"{parent_text(reference, route.metadata.namespace)}{served}"
        for url in parent_urls(view, route.kind, reference, route.metadata.namespace):
            yield 2, f"URL: {url}"
        yield from condition_lines(parent.conditions, 2)


def _unserved(view: View, route: Route) -> Iterator[Line]:
    """The parents of a route that nothing here answers for."""
    namespace = route.metadata.namespace
    lines: list[Line] = []
    for reference in route.spec.parent_refs:
        owner = view.object(reference.kind, reference.key_from(namespace))
        why = other_controller(view, owner) if isinstance(owner, api.Gateway) else "not served here"
        lines.append((1, f"{parent_text(reference, namespace)}: {why}"))
    yield from section("Parents:", lines)
    if not lines:
        yield 0, "Parents: none; name a Gateway or a Service in spec.parentRefs"


def _rules(view: View, route: Route) -> Iterator[Line]:
    yield 0, "Rules:"
    for index, rule in enumerate(route.spec.rules):
        yield 1, f"{rule_text(rule, index)}:"
        for match in rule_matches(rule):
            yield 2, f"match {match}"
        for filter_ in filters(rule):
            yield 2, f"filter {filter_text(filter_)}"
        yield from _policies(rule)
        yield from backend_lines(view, route, rule, 2)


def _policies(rule: RouteRule) -> Iterator[Line]:
    """Times, attempts and sessions of a rule."""
    if isinstance(rule, api.HTTPRouteRule) and rule.timeouts is not None:
        times = {"request": rule.timeouts.request, "each attempt": rule.timeouts.backend_request}
        yield 2, "timeout " + ", ".join(f"{what} {t}" for what, t in times.items() if t)
    if isinstance(rule, api.HTTPRouteRule) and rule.retry is not None:
        codes = f" on {', '.join(map(str, rule.retry.codes))}" if rule.retry.codes else ""
        yield 2, f"retry {rule.retry.attempts} times{codes} and on connection errors"
    session = None if isinstance(rule, api.L4RouteRule) else rule.session_persistence
    if session is not None:
        current = session.current
        holder = current.header or current.cookie
        name = f" {holder.name}" if holder and holder.name else ""
        yield 2, f"session in {current.type.lower()}{name}"


def _warnings(view: View, route: Route, parents: tuple[ParentReport, ...]) -> Iterator[Line]:
    names = {name for parent in parents for name in parent.proxies}
    facts = view.proxies
    proxies = [facts[name] for name in sorted(names) if name in facts]
    yield from rejection_lines(proxies, route.kind, route.key, 1)
    only_services = parents and all(p.parent_ref.kind == "Service" for p in parents)
    if only_services and hostnames(route):
        yield 1, "spec.hostnames has no effect: every parent is a Service, which has its own names"
