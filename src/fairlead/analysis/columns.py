"""What `fairlead get` shows of each kind.

Every function takes a view and one object and returns its lines; the last table maps kinds to
their columns and functions. A kind without an entry has NAME and AGE.
"""

from collections.abc import Iterator, Mapping

from fairlead import api
from fairlead.analysis.cells import Cells, Shown, age_of, reason_and_message, said, trouble
from fairlead.analysis.naming import gateway_addresses, name_text, other_controller
from fairlead.analysis.policy_columns import POLICIES
from fairlead.analysis.route_columns import ROUTES
from fairlead.analysis.table import NONE, Row, Table, columns, listed
from fairlead.analysis.view import View
from fairlead.translate.report import Condition, Report
from fairlead.translate.sources import Key


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


def _plain(view: View, key: Key, item: api.Object) -> Iterator[Cells]:
    yield key[1], age_of(view, item.kind, key)


def _gateway(view: View, key: Key, item: api.Gateway) -> Iterator[Cells]:
    report = view.report("Gateway", key)
    conditions = report.conditions if report else ()
    reason, message = _gateway_trouble(view, item, report)
    ports = [
        f"{listener.port}->{listener.bind_port}"
        if listener.port != listener.bind_port
        else str(listener.port)
        for listener in view.bound(key)
    ]
    yield (
        key[1],
        item.spec.gateway_class_name,
        listed(gateway_addresses(view, key)),
        said(conditions, "Programmed"),
        age_of(view, "Gateway", key),
        reason,
        listed(ports),
        _attached(report),
        message,
    )


def _gateway_trouble(view: View, item: api.Gateway, report: Report | None) -> tuple[str, str]:
    """What is wrong in a word and in words: of its listeners, if it is one of them."""
    if report is None:
        return "OtherController", other_controller(view, item)
    reason, message = reason_and_message(report.conditions)
    listeners = [
        f"{listener.name}: {bad.message}"
        for listener in report.listeners
        if (bad := trouble(_causes_first(listener.conditions))) is not None
    ]
    said_of_them = reason.startswith("Listeners") and listeners
    return reason, "; ".join(listeners) if said_of_them else message


def _causes_first(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """References that do not resolve are why a listener is not accepted, never the reverse."""
    return tuple(sorted(conditions, key=lambda each: each.type != "ResolvedRefs"))


def _attached(report: Report | None) -> str:
    """Each listener with the number of its routes."""
    listeners = report.listeners if report else ()
    return listed(f"{each.name}({each.attached_routes})" for each in listeners)


def _listener_set(view: View, key: Key, item: api.ListenerSet) -> Iterator[Cells]:
    report = view.report("ListenerSet", key)
    conditions = report.conditions if report else ()
    parent = item.spec.parent_ref
    reason, message = reason_and_message(conditions)
    yield (
        key[1],
        f"{parent.kind.lower()}/{name_text(parent.key_from(key[0]), key[0])}",
        said(conditions, "Accepted"),
        said(conditions, "Programmed"),
        age_of(view, "ListenerSet", key),
        reason,
        _attached(report),
        message,
    )


def _trust_bundle(view: View, key: Key, item: api.ClusterTrustBundle) -> Iterator[Cells]:
    yield key[1], item.spec.signer_name or NONE, age_of(view, "ClusterTrustBundle", key)


def _gateway_class(view: View, key: Key, item: api.GatewayClass) -> Iterator[Cells]:
    report = view.report("GatewayClass", key)
    accepted = said(report.conditions if report else (), "Accepted")
    yield key[1], item.spec.controller_name, accepted, age_of(view, "GatewayClass", key)


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
        age_of(view, "Service", key),
        listed(selector),
    )


def _counts(view: View, key: Key, item: api.Service) -> str:
    """Ready endpoints of the first port and how many there could be."""
    if not item.spec.ports:
        return NONE
    first = item.spec.ports[0]
    return "{}/{}".format(*view.endpoint_counts(key, item, first.port, first.protocol))


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
        age_of(view, "Pod", key),
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
        age_of(view, "Deployment", key),
        bad.reason if bad else "",
        listed(container.image for container in item.spec.template.spec.containers),
    )


def _destination_rule(view: View, key: Key, item: api.DestinationRule) -> Iterator[Cells]:
    report = view.report("DestinationRule", key)
    conditions = report.conditions if report else ()
    bad = trouble(conditions)
    accepted, time = said(conditions, "Accepted"), age_of(view, "DestinationRule", key)
    reason, message = (bad.reason, bad.message) if bad else ("", "")
    yield key[1], item.spec.host, accepted, time, reason, message


def _endpoint_slice(view: View, key: Key, item: api.EndpointSlice) -> Iterator[Cells]:
    addresses = [address for endpoint in item.endpoints for address in endpoint.addresses]
    service = item.metadata.labels.get(api.SERVICE_NAME_LABEL, NONE)
    ports = listed(str(port.port) for port in item.ports if port.port is not None)
    yield key[1], service, ports, listed(addresses), age_of(view, "EndpointSlice", key)


def _data(view: View, key: Key, item: api.ConfigMap | api.Secret) -> Iterator[Cells]:
    yield key[1], str(len(item.data)), age_of(view, item.kind, key)


_PLAIN = Shown(columns("NAME AGE"), _plain)
SHOWN: Mapping[str, Shown] = {
    **ROUTES,
    **POLICIES,
    "ListenerSet": Shown(
        columns("NAME PARENT ACCEPTED PROGRAMMED AGE REASON | LISTENERS(ROUTES) MESSAGE"),
        _listener_set,
    ),
    "ClusterTrustBundle": Shown(columns("NAME SIGNER AGE"), _trust_bundle),
    "Gateway": Shown(
        columns("NAME CLASS ADDRESS PROGRAMMED AGE REASON | PORTS LISTENERS(ROUTES) MESSAGE"),
        _gateway,
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
