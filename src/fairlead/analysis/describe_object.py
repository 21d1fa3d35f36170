"""What there is to say about a ListenerSet, a policy, a backend or a filter: what became of it."""

from collections.abc import Callable, Iterator

from fairlead import api
from fairlead.analysis.describe_gateway import route_lines
from fairlead.analysis.lines import Line, condition_lines, problem_lines, section
from fairlead.analysis.naming import name_text, parent_text
from fairlead.analysis.view import View
from fairlead.translate.report import Report
from fairlead.translate.sources import Key


def object_description(kind: str) -> Callable[[View, Key], list[Line] | None]:
    """A function for the objects of a kind: their lines, None if there is none of that name."""

    def describe_object(view: View, key: Key) -> list[Line] | None:
        item = view.object(kind, key)
        if item is None:
            return None
        report = view.report(kind, key)
        return [
            (0, f"{kind}: {key[1]}"),
            (1, f"Namespace: {key[0]}"),
            *_head(item),
            *section("Conditions:", list(condition_lines(report.conditions, 1)) if report else []),
            *(_outcome(report) if report else [(0, "Not served here: nothing refers to it")]),
            *(route_lines(view, kind, key) if kind == "ListenerSet" else ()),
            *section("Problems:", list(problem_lines(view, kind, key, 1))),
        ]

    return describe_object


def _head(item: api.Object) -> Iterator[Line]:
    """What the object is about."""
    match item:
        case api.ListenerSet():
            parent, namespace = item.spec.parent_ref, item.metadata.namespace
            name = name_text(parent.key_from(namespace), namespace)
            yield 1, f"Parent: {parent.kind.lower()}/{name}"
        case api.BackendTLSPolicy() | api.XBackendTrafficPolicy() | api.XTelemetryPolicy():
            for ref in item.spec.target_refs:
                yield 1, f"Target: {ref.kind.lower()}/{ref.name}"
        case api.FaultInjection():
            yield 1, f"Until: {item.spec.until}"
        case _:
            return


def _outcome(report: Report) -> Iterator[Line]:
    """Listeners and ancestors with their conditions."""
    if report.listeners:
        yield 0, "Listeners:"
    for listener in report.listeners:
        number = listener.attached_routes
        yield 1, f"{listener.name}: {number} {'route' if number == 1 else 'routes'}"
        yield from condition_lines(listener.conditions, 2)
    if report.ancestors:
        yield 0, "Ancestors:"
    for ancestor in report.ancestors:
        yield 1, parent_text(ancestor.ancestor_ref, report.namespace)
        yield from condition_lines(ancestor.conditions, 2)
