"""What `fairlead get` shows of routes: a line for each parent."""

from collections.abc import Iterator, Mapping

from fairlead.analysis.cells import Cells, Shown, age_of, programmed, reason_and_message, said
from fairlead.analysis.naming import backend_text, parent_text
from fairlead.analysis.routes import Route, hostnames
from fairlead.analysis.table import NONE, columns, listed
from fairlead.analysis.view import View
from fairlead.translate.sources import Key


def _route(view: View, key: Key, item: Route) -> Iterator[Cells]:
    report = view.report(item.kind, key)
    hosts = listed(hostnames(item))
    backends = listed(
        dict.fromkeys(
            backend_text(backend, key[0])
            for rule in item.spec.rules
            for backend in rule.backend_refs
        )
    )
    time = age_of(view, item.kind, key)
    if report is None or not report.parents:
        yield key[1], NONE, "Unknown", "Unknown", "-", time, "NoParent", hosts, backends, ""
        return
    for parent in report.parents:
        reason, message = reason_and_message(parent.conditions)
        yield (
            key[1],
            parent_text(parent.parent_ref, key[0]),
            said(parent.conditions, "Accepted"),
            said(parent.conditions, "ResolvedRefs"),
            programmed(view, parent, item.kind, key),
            time,
            reason,
            hosts,
            backends,
            message,
        )


def _route_of_any_host(view: View, key: Key, item: Route) -> Iterator[Cells]:
    for *first, _, backends, message in _route(view, key, item):
        yield (*first, backends, message)


_WITH_HOSTS = Shown(
    columns("NAME PARENT ACCEPTED RESOLVED PROGRAMMED AGE REASON | HOSTNAMES BACKENDS MESSAGE"),
    _route,
)
_WITHOUT_HOSTS = Shown(
    columns("NAME PARENT ACCEPTED RESOLVED PROGRAMMED AGE REASON | BACKENDS MESSAGE"),
    _route_of_any_host,
)
ROUTES: Mapping[str, Shown] = {
    "HTTPRoute": _WITH_HOSTS,
    "GRPCRoute": _WITH_HOSTS,
    "TLSRoute": _WITH_HOSTS,
    "TCPRoute": _WITHOUT_HOSTS,
    "UDPRoute": _WITHOUT_HOSTS,
}
