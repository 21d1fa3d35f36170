"""What `fairlead get` shows of each kind.

Every function takes a view and one object and returns its lines; the last table maps kinds to
their columns and functions. A kind without an entry has NAME and AGE.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fairlead import api
from fairlead.analysis.naming import backend_text, gateway_addresses, parent_text
from fairlead.analysis.table import NONE, Column, Row, Table, age, columns, listed
from fairlead.analysis.view import View
from fairlead.translate.report import Condition, ParentReport
from fairlead.translate.sources import Key

Cells: TypeAlias = tuple[str, ...]

_BAD_WHEN_TRUE = {"Conflicted", "NotApplied", "OverlappingTLSConfig", "PartiallyInvalid", "Warning"}
"""Types of conditions that tell of something wrong by being True."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Columns of a kind, and the function that fills them."""

    columns: tuple[Column, ...]
    lines: Callable[[View, Key, Any], Iterator[Cells]]


def table(view: View, kind: str, namespace: str | None, name: str | None) -> Table:
    """The table of a kind's objects.

    Args:
        view: what there is.
        kind: name of an API kind, such as HTTPRoute.
        namespace: only objects of it; None for all.
        name: only the object of that name; None for all.
    """
    shown = SHOWN.get(kind, _PLAIN)
    namespaced = api.KIND_OF[kind].namespaced
    rows = tuple(
        row
        for key, _ in view.objects(kind)
        if (not namespaced or namespace in {None, key[0]}) and name in {None, key[1]}
        for row in rows_of(view, kind, key)
    )
    return Table("resources", namespaced, shown.columns, rows)


def rows_of(view: View, kind: str, key: Key) -> tuple[Row, ...]:
    """The rows of one object; none if it isn't there."""
    item = view.object(kind, key)
    if item is None:
        return ()
    return tuple(Row(*key, cells) for cells in SHOWN.get(kind, _PLAIN).lines(view, key, item))


def _age(view: View, kind: str, key: Key) -> str:
    return age(view.born(kind, key), view.live.now())


def _plain(view: View, key: Key, item: api.Object) -> Iterator[Cells]:
    yield key[1], _age(view, item.kind, key)


def _find(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    return next((condition for condition in conditions if condition.type == kind), None)


def _said(conditions: tuple[Condition, ...], kind: str) -> str:
    condition = _find(conditions, kind)
    return condition.status if condition else "Unknown"


def trouble(conditions: tuple[Condition, ...]) -> Condition | None:
    """The condition that says best what is wrong, None if nothing is."""
    for condition in conditions:
        bad = "True" if condition.type in _BAD_WHEN_TRUE else "False"
        if condition.status == bad:
            return condition
    return None


def _route(view: View, key: Key, item: api.HTTPRoute) -> Iterator[Cells]:
    report = view.report("HTTPRoute", key)
    hosts = listed(item.spec.hostnames)
    backends = listed(
        dict.fromkeys(
            backend_text(backend, key[0])
            for rule in item.spec.rules
            for backend in rule.backend_refs
        )
    )
    time = _age(view, "HTTPRoute", key)
    if report is None or not report.parents:
        yield key[1], NONE, "Unknown", "Unknown", "-", time, "NoParent", hosts, backends, ""
        return
    for parent in report.parents:
        bad = trouble(parent.conditions)
        yield (
            key[1],
            parent_text(parent.parent_ref, key[0]),
            _said(parent.conditions, "Accepted"),
            _said(parent.conditions, "ResolvedRefs"),
            programmed(view, parent, "HTTPRoute", key),
            time,
            bad.reason if bad else "",
            hosts,
            backends,
            bad.message if bad else "",
        )


def programmed(view: View, parent: ParentReport, kind: str, key: Key) -> str:
    """``ACKED/TOTAL`` proxies, ``-`` where none shall serve the route for this parent."""
    acked, total = view.acknowledged(parent.proxies, kind, key)
    return f"{acked}/{total}" if total else "-"


def _gateway(view: View, key: Key, item: api.Gateway) -> Iterator[Cells]:
    report = view.report("Gateway", key)
    conditions = report.conditions if report else ()
    bad = trouble(conditions)
    ports = [
        f"{listener.port}->{listener.bind_port}"
        if listener.port != listener.bind_port
        else str(listener.port)
        for listener in view.http_listeners(key)
    ]
    listeners = [
        f"{listener.name}({listener.attached_routes})"
        for listener in (report.listeners if report else ())
    ]
    yield (
        key[1],
        item.spec.gateway_class_name,
        listed(gateway_addresses(view, key)),
        _said(conditions, "Programmed"),
        _age(view, "Gateway", key),
        bad.reason if bad else "",
        listed(ports),
        listed(listeners),
    )


def _gateway_class(view: View, key: Key, item: api.GatewayClass) -> Iterator[Cells]:
    report = view.report("GatewayClass", key)
    accepted = _said(report.conditions if report else (), "Accepted")
    yield key[1], item.spec.controller_name, accepted, _age(view, "GatewayClass", key)


def _service(view: View, key: Key, item: api.Service) -> Iterator[Cells]:
    report = view.report("Service", key)
    addresses = [value for _, value in report.addresses] if report else []
    selector = [f"{label}={value}" for label, value in sorted(item.spec.selector.items())]
    yield (
        key[1],
        item.spec.type,
        "None" if item.spec.headless else listed(addresses),
        listed(f"{port.port}/{port.protocol}" for port in item.spec.ports),
        _counts(view, key, item),
        str(len(view.attached.get(("Service", key), ()))),
        _age(view, "Service", key),
        listed(selector),
    )


def _counts(view: View, key: Key, item: api.Service) -> str:
    """Ready endpoints of the first port and how many there could be."""
    if not item.spec.ports:
        return NONE
    return "{}/{}".format(*view.endpoint_counts(key, item, item.spec.ports[0].port))


def _pod(view: View, key: Key, item: api.Pod) -> Iterator[Cells]:
    live = view.sources.workloads.get(key)
    facts = view.pod_facts.get(key)
    total = len(item.spec.containers)
    status = "Pending"
    if live is not None:
        status = "Terminating" if live.terminating else live.reason or live.phase
    yield (
        key[1],
        f"{facts.ready if facts else 0}/{total}",
        "Completed" if status == "Succeeded" else status,
        str(facts.restarts if facts else 0),
        _age(view, "Pod", key),
        live.ip if live and live.ip else NONE,
        listed(container.image for container in item.spec.containers),
        listed(str(pid) for pid in (facts.pids if facts else ())),
        listed(facts.logs if facts else ()),
    )


def _deployment(view: View, key: Key, item: api.Deployment) -> Iterator[Cells]:
    owned = [
        pod_key
        for pod_key, pod in view.outputs.pods.items()
        if pod_key[0] == key[0]
        and any((o.kind, o.name) == ("Deployment", key[1]) for o in pod.metadata.owner_references)
    ]
    live = [view.sources.workloads.get(pod_key) for pod_key in owned]
    ready = sum(1 for workload in live if workload and workload.ready and not workload.terminating)
    report = view.report("Deployment", key)
    bad = trouble(report.conditions) if report else None
    yield (
        key[1],
        f"{ready}/{item.spec.replicas}",
        _age(view, "Deployment", key),
        bad.reason if bad else "",
        listed(container.image for container in item.spec.template.spec.containers),
    )


def _destination_rule(view: View, key: Key, item: api.DestinationRule) -> Iterator[Cells]:
    report = view.report("DestinationRule", key)
    conditions = report.conditions if report else ()
    bad = trouble(conditions)
    accepted, time = _said(conditions, "Accepted"), _age(view, "DestinationRule", key)
    reason, message = (bad.reason, bad.message) if bad else ("", "")
    yield key[1], item.spec.host, accepted, time, reason, message


def _endpoint_slice(view: View, key: Key, item: api.EndpointSlice) -> Iterator[Cells]:
    addresses = [address for endpoint in item.endpoints for address in endpoint.addresses]
    service = item.metadata.labels.get(api.SERVICE_NAME_LABEL, NONE)
    ports = listed(str(port.port) for port in item.ports if port.port is not None)
    yield key[1], service, ports, listed(addresses), _age(view, "EndpointSlice", key)


def _data(view: View, key: Key, item: api.ConfigMap | api.Secret) -> Iterator[Cells]:
    yield key[1], str(len(item.data)), _age(view, item.kind, key)


_PLAIN = Shown(columns("NAME AGE"), _plain)
SHOWN: Mapping[str, Shown] = {
    "HTTPRoute": Shown(
        columns("NAME PARENT ACCEPTED RESOLVED PROGRAMMED AGE REASON | HOSTNAMES BACKENDS MESSAGE"),
        _route,
    ),
    "Gateway": Shown(
        columns("NAME CLASS ADDRESS PROGRAMMED AGE REASON | PORTS LISTENERS(ROUTES)"), _gateway
    ),
    "GatewayClass": Shown(columns("NAME CONTROLLER ACCEPTED AGE"), _gateway_class),
    "Service": Shown(
        columns("NAME TYPE VIRTUAL-IP PORTS ENDPOINTS ROUTES AGE | SELECTOR"), _service
    ),
    "Pod": Shown(columns("NAME READY STATUS RESTARTS AGE IP | IMAGES PIDS LOGS"), _pod),
    "Deployment": Shown(columns("NAME READY AGE REASON | IMAGES"), _deployment),
    "DestinationRule": Shown(columns("NAME HOST ACCEPTED AGE REASON | MESSAGE"), _destination_rule),
    "EndpointSlice": Shown(columns("NAME SERVICE PORTS ENDPOINTS AGE"), _endpoint_slice),
    "ConfigMap": Shown(columns("NAME DATA AGE"), _data),
    "Secret": Shown(columns("NAME DATA AGE"), _data),
}
