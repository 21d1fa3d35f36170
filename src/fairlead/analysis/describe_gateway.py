"""What there is to say about a Gateway: addresses, listeners, routes that attach."""

from collections.abc import Iterator

from fairlead import api
from fairlead.analysis.acknowledged import acknowledged
from fairlead.analysis.lines import (
    Line,
    condition_lines,
    problem_lines,
    rejection_lines,
    section,
)
from fairlead.analysis.naming import gateway_urls, name_text, other_controller
from fairlead.analysis.routes import hostnames
from fairlead.analysis.view import View
from fairlead.ir.fleet import gateway_proxy
from fairlead.translate.report import ListenerReport
from fairlead.translate.sources import Key


def describe_gateway(view: View, key: Key) -> list[Line] | None:
    """Lines about a Gateway, None if there is none of that name."""
    gateway = view.object("Gateway", key)
    if not isinstance(gateway, api.Gateway):
        return None
    report = view.report("Gateway", key)
    lines: list[Line] = [
        (0, f"Gateway: {key[1]}"),
        (1, f"Namespace: {key[0]}"),
        (1, f"Class: {gateway.spec.gateway_class_name}"),
        *((1, f"URL: {url}") for url in gateway_urls(view, key)),
    ]
    if report is None:
        lines.append((1, f"Not served: {other_controller(view, gateway)}"))
    else:
        lines += section("Conditions:", list(condition_lines(report.conditions, 1)))
    reports = {listener.name: listener for listener in report.listeners} if report else {}
    return [
        *lines,
        *_listeners(view, key, gateway, reports),
        *_listener_sets(view, key),
        *route_lines(view, "Gateway", key),
        *section("Warnings:", list(_warnings(view, key))),
        *section("Problems:", list(problem_lines(view, "Gateway", key, 1))),
    ]


def _listeners(
    view: View, key: Key, gateway: api.Gateway, reports: dict[str, ListenerReport]
) -> Iterator[Line]:
    bound = {listener.port: listener.bind_port for listener in view.bound(key)}
    yield 0, "Listeners:"
    for listener in gateway.spec.listeners:
        actual = bound.get(listener.port)
        port = f"port {listener.port}"
        if actual not in {None, listener.port}:
            port += f", shifted to {actual}"
        host = listener.hostname or "any host"
        report = reports.get(listener.name)
        yield 1, f"{listener.name}: {listener.protocol} {port}, {host}{_attached(report)}"
        yield from condition_lines(report.conditions if report else (), 2)


def _attached(report: ListenerReport | None) -> str:
    if report is None:
        return ""
    number = report.attached_routes
    return f", {number} {'route' if number == 1 else 'routes'}"


def _listener_sets(view: View, key: Key) -> Iterator[Line]:
    """Those that name the Gateway as their parent, with what became of that."""
    lines: list[Line] = []
    for set_key, item in view.objects("ListenerSet"):
        if not isinstance(item, api.ListenerSet):
            continue
        parent = item.spec.parent_ref
        if parent.kind == "Gateway" and parent.key_from(set_key[0]) == key:
            report = view.report("ListenerSet", set_key)
            accepted = (
                next((c for c in report.conditions if c.type == "Accepted"), None)
                if report
                else None
            )
            state = f"{accepted.reason}" if accepted else "not served here"
            listeners = ", ".join(listener.name for listener in item.spec.listeners)
            lines.append((1, f"{name_text(set_key, key[0])}: {listeners} ({state})"))
    yield from section("ListenerSets:", lines)


def route_lines(view: View, kind: str, key: Key) -> Iterator[Line]:
    """The routes that name a Gateway or ListenerSet as parent, with what became of that."""
    attached = view.attached.get((kind, key), ())
    yield 0, "Routes:" if attached else "Routes: none"
    for route, parent in attached:
        hosts = ", ".join(hostnames(route)) or "any host"
        section_name = parent.parent_ref.section_name
        where = f" on listener {section_name}" if section_name else ""
        bad = [
            f"{condition.type} is False ({condition.reason})"
            for condition in parent.conditions
            if condition.status == "False"
        ]
        acked, total = acknowledged(view, parent, route.kind, route.key)
        state = "; ".join(bad) or f"Accepted, {acked}/{total} proxies"
        yield 1, f"{route.kind} {name_text(route.key, key[0])}{where}: {hosts} ({state})"


def _warnings(view: View, key: Key) -> Iterator[Line]:
    proxy = view.proxies.get(gateway_proxy(*key))
    if proxy is not None:
        yield from rejection_lines([proxy], "Gateway", key, 1)
