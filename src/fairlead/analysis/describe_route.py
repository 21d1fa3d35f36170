"""What there is to say about an HTTPRoute: parents, and its rules in the order written."""

from collections.abc import Iterator

from fairlead import api
from fairlead.analysis.lines import (
    Line,
    condition_lines,
    match_text,
    problem_lines,
    rejection_lines,
    section,
)
from fairlead.analysis.naming import gateway_urls, parent_text, rule_text
from fairlead.analysis.rules import backend_lines, filter_text
from fairlead.analysis.view import View
from fairlead.translate.report import ParentReport
from fairlead.translate.sources import Key


def describe_route(view: View, key: Key) -> list[Line] | None:
    """Lines about an HTTPRoute, None if there is none of that name."""
    route = view.object("HTTPRoute", key)
    if not isinstance(route, api.HTTPRoute):
        return None
    report = view.report("HTTPRoute", key)
    parents = report.parents if report else ()
    return [
        (0, f"HTTPRoute: {key[1]}"),
        (1, f"Namespace: {key[0]}"),
        (1, f"Hostnames: {', '.join(route.spec.hostnames) or 'any'}"),
        *_parents(view, route, parents),
        *_rules(view, route),
        *section("Warnings:", list(_warnings(view, route, parents))),
        *section("Problems:", list(problem_lines(view, "HTTPRoute", key, 1))),
    ]


def _parents(view: View, route: api.HTTPRoute, parents: tuple[ParentReport, ...]) -> Iterator[Line]:
    if not parents:
        yield 0, "Parents: none that is served here"
        return
    yield 0, "Parents:"
    for parent in parents:
        reference = parent.parent_ref
        acked, total = view.acknowledged(parent.proxies, "HTTPRoute", route.key)
        served = f" ({acked}/{total} proxies)" if total else ""
        yield 1, f"{parent_text(reference, route.metadata.namespace)}{served}"
        if reference.kind == "Gateway":
            for url in gateway_urls(view, reference.key_from(route.metadata.namespace)):
                yield 2, f"URL: {url}"
        yield from condition_lines(parent.conditions, 2)


def _rules(view: View, route: api.HTTPRoute) -> Iterator[Line]:
    yield 0, "Rules:"
    for index, rule in enumerate(route.spec.rules):
        yield 1, f"{rule_text(rule, index)}:"
        for match in rule.matches:
            yield 2, f"match {match_text(match)}"
        for filter_ in rule.filters:
            yield 2, f"filter {filter_text(filter_)}"
        if rule.timeouts is not None:
            times = {
                "request": rule.timeouts.request,
                "each attempt": rule.timeouts.backend_request,
            }
            yield 2, "timeout " + ", ".join(f"{what} {t}" for what, t in times.items() if t)
        if rule.retry is not None:
            codes = f" on {', '.join(map(str, rule.retry.codes))}" if rule.retry.codes else ""
            yield 2, f"retry {rule.retry.attempts} times{codes} and on connection errors"
        yield from backend_lines(view, route, rule, 2)


def _warnings(
    view: View, route: api.HTTPRoute, parents: tuple[ParentReport, ...]
) -> Iterator[Line]:
    names = {name for parent in parents for name in parent.proxies}
    facts = view.proxies
    proxies = [facts[name] for name in sorted(names) if name in facts]
    yield from rejection_lines(proxies, "HTTPRoute", route.key, 1)
    only_services = parents and all(p.parent_ref.kind == "Service" for p in parents)
    if only_services and route.spec.hostnames:
        yield 1, "spec.hostnames has no effect: every parent is a Service, which has its own names"
