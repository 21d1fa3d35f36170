"""Routes with Services as parents (GAMMA): what they take over, and what is left without them."""

from collections.abc import Iterator
from typing import Final

from fairlead.analysis.lint.facts import Facts
from fairlead.analysis.lint.remark import Remark, remark
from fairlead.analysis.routes import Route, hostnames
from fairlead.api.codes import Code
from fairlead.translate import service_port
from fairlead.translate.sources import Key

_SEVERAL: Final = 2


def remarks(facts: Facts) -> Iterator[Remark]:
    """Look at every route that a Service has accepted as parent."""
    for route in facts.routes:
        yield from _idle_hostnames(route)
        for index, service, told in facts.service_parents(route):
            ref = told.parent_ref
            if ref.port is None and ref.section_name is None:
                yield from _all_ports(facts, route, index, service)
            yield from _fail_open(facts, route, index, service)


def _idle_hostnames(route: Route) -> Iterator[Remark]:
    refs = route.spec.parent_refs
    if hostnames(route) and refs and all(ref.is_service for ref in refs):
        yield remark(
            route,
            Code.IDLE_HOSTNAMES,
            ("spec", "hostnames"),
            "hostnames count for Gateways only, and all parents are Services",
            "remove them; a Service's own names are what clients call",
        )


def _all_ports(facts: Facts, route: Route, index: int, key: Key) -> Iterator[Remark]:
    """A parentRef without port, to a Service with several."""
    service = facts.sources.services.get(key)
    ports = service_port.ports(service) if service is not None else ()
    taken = [str(port.port) for port in ports if not port.unsupported]
    others = [str(port.port) for port in ports if port.unsupported]
    if len(ports) < _SEVERAL:
        return
    message = f"without `port` the route governs the ports {', '.join(taken)} of Service {key[1]}"
    if len(taken) < _SEVERAL:
        message = f"without `port` the route governs port {taken[0]} of Service {key[1]}"
    pinned = sorted(
        {ref.port for rule in route.spec.rules for ref in rule.backend_refs if ref.port}
    )
    if pinned and len(taken) >= _SEVERAL:
        message += f", and sends requests for any of them to {', '.join(map(str, pinned))}"
    if others:
        message += f"; not {', '.join(others)}, where no HTTP is spoken"
    yield remark(
        route,
        Code.ALL_PORTS,
        ("spec", "parentRefs", index),
        message,
        "write the port that is meant in the parentRef",
    )


def _fail_open(facts: Facts, route: Route, index: int, key: Key) -> Iterator[Remark]:
    """A Service that selects pods of several backends, which share its requests without route."""
    pods = {pod.key for pod in facts.selected(key)}
    weights: dict[Key, int] = {}
    for rule in route.spec.rules:
        for ref in rule.backend_refs:
            backend = ref.key_from(route.metadata.namespace)
            if ref.is_service and backend != key:
                weights.setdefault(backend, ref.weight)
    counts = {
        backend: len(pods & {pod.key for pod in facts.selected(backend)}) for backend in weights
    }
    counts = {backend: count for backend, count in counts.items() if count}
    if len(counts) < _SEVERAL:
        return
    total = sum(weights[backend] for backend in counts) or 1
    as_is = ", ".join(f"{b[1]} {100 * n / len(pods):.0f} %" for b, n in counts.items())
    wanted = ", ".join(f"{b[1]} {100 * weights[b] / total:.0f} %" for b in counts)
    if as_is == wanted:
        return
    yield remark(
        route,
        Code.FAIL_OPEN,
        ("spec", "parentRefs", index),
        f"Service {key[1]} selects the pods of all backends: should this route be lost, requests "
        f"go by the number of pods ({as_is}) and not by weight ({wanted})",
        f"let Service {key[1]} select the pods of the stable version alone",
        severity="info",
    )
