"""Endpoints: the addresses behind each Service port.

In: Services, live pods and EndpointSlices. Out: `ir.endpoint.Endpoints` by cluster name. A
Service with a selector has the ready pods it selects, and, as in a cluster, whatever slices carry
its name besides; in a cluster there are slices for those pods as well. One pod's change re-runs
only the Services whose selector names its labels.
"""

from collections.abc import Iterator

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.ir.cluster import Cluster
from fairlead.ir.endpoint import Endpoint, Endpoints
from fairlead.ir.workload import Workload
from fairlead.translate.pod_endpoint import Labelled, Slot, pod_slot, selected
from fairlead.translate.service_port import Port, PortKey
from fairlead.translate.sources import Key, Sources


class Addresses(msgspec.Struct, frozen=True):
    """What stands behind one Service port."""

    ready: tuple[Endpoint, ...]
    """Sorted, each once."""
    total: int
    """Endpoints that are ready or not."""


def build(
    sources: Sources,
    ports: Collection[PortKey, Port],
    udp_ports: Collection[PortKey, Port],
    pods: Index[Key, Workload, Labelled] | None,
) -> tuple[Collection[PortKey, Addresses], Collection[PortKey, Addresses]]:
    """Derive the addresses behind each TCP and each UDP port.

    Args:
        sources: Services and EndpointSlices.
        ports: TCP ports of Services.
        udp_ports: UDP ports of Services.
        pods: What Services select; None in a cluster, where slices say all of that.
    """
    slices = sources.endpoint_slices.index("endpoint slices by service", _service)

    def addresses(ctx: Context, key: PortKey, port: Port) -> Addresses | None:
        namespace, name, _number = key
        service = ctx.fetch(sources.services, (namespace, name))
        if service is None:
            return None
        slots = [
            slot
            for _, written in ctx.fetch_by(slices, (namespace, name))
            for slot in _slice_slots(written, port)
        ]
        if pods is not None and service.spec.selector:
            slots += _pod_slots(ctx, pods, service, port)
        return among(slots)

    def tcp_addresses(ctx: Context, key: PortKey, port: Port) -> Addresses | None:
        return addresses(ctx, key, port) if port.transport == "TCP" else None

    return ports.map("addresses", tcp_addresses), udp_ports.map("UDP addresses", addresses)


def of_clusters(
    clusters: Collection[str, Cluster],
    addresses: Collection[PortKey, Addresses],
    name: str = "endpoints",
) -> Collection[str, Endpoints]:
    """Give each cluster the ready addresses of its Service port.

    Args:
        clusters: Clusters of Service ports.
        addresses: What stands behind the ports.
        name: Of the collection.
    """

    def endpoints(ctx: Context, cluster: str, made: Cluster) -> Endpoints | None:
        found = ctx.fetch(addresses, (made.namespace, made.service, made.port))
        return Endpoints(cluster, found.ready) if found else None

    return clusters.map(name, endpoints)


def _service(_key: Key, written: api.EndpointSlice) -> tuple[Key, ...]:
    """Index term of a slice: the Service it belongs to."""
    name = written.service_name
    return ((written.metadata.namespace, name),) if name else ()


def _pod_slots(
    ctx: Context, pods: Index[Key, Workload, Labelled], service: api.Service, port: Port
) -> Iterator[Slot]:
    """Yield what the pods selected by a Service contribute to a port."""
    for pod in selected(ctx, pods, port.namespace, service.spec.selector):
        slot = pod_slot(pod, service, port)
        if slot is not None:
            yield slot


def _slice_slots(written: api.EndpointSlice, port: Port) -> Iterator[Slot]:
    """Yield what a slice contributes to the Service port of the same name."""
    numbers = [
        entry.port
        for entry in written.ports
        if entry.name == port.name and entry.protocol == port.transport and entry.port
    ]
    for entry in written.endpoints:
        # Slices of type FQDN hold names, which are not served.
        if not entry.addresses or not api.is_ip(entry.addresses[0]):
            continue
        target, conditions = entry.target_ref, entry.conditions
        namespace = (target.namespace or written.metadata.namespace) if target else ""
        pod = f"{namespace}/{target.name}" if target and target.kind == "Pod" else ""
        terminating = bool(conditions.terminating)
        serving = conditions.serving if conditions.serving is not None else conditions.ready
        for number in numbers:
            yield Slot(
                Endpoint(entry.addresses[0], number, pod),
                ready=conditions.ready is not False,
                draining=terminating and serving is not False,
            )


def among(slots: list[Slot]) -> Addresses:
    """Keep what takes requests: the ready ones, else those that still serve while they stop.

    An address that both a pod and a slice name counts once.
    """
    ready = _once(slot.endpoint for slot in slots if slot.ready)
    draining = _once(slot.endpoint for slot in slots if slot.draining)
    return Addresses(ready or draining, len(_once(slot.endpoint for slot in slots)))


def _once(endpoints: Iterator[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the endpoints sorted, one for each address and port; the one with a pod stays.

    Pods that have no address yet count each.
    """
    found: dict[tuple[str, int], Endpoint] = {}
    for endpoint in endpoints:
        place = (endpoint.address or endpoint.pod, endpoint.port)
        known = found.get(place)
        if known is None or endpoint.pod > known.pod:
            found[place] = endpoint
    return tuple(found[place] for place in sorted(found))
