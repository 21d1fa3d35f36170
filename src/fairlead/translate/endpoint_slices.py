"""EndpointSlices of Services with a selector, as a cluster's controller would write them.

In: Services and live pods. Out: `api.EndpointSlice` objects, one for each set of port numbers
that a Service's pods have (a named target port may differ between them). They say in the words of
the API what `endpoints` makes of the same pods, by the same function.
"""

from collections import defaultdict
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.ir.workload import Workload
from fairlead.translate import service_port
from fairlead.translate.pod_endpoint import Labelled, Slot, ended, pod_slot, selected
from fairlead.translate.service_port import Port
from fairlead.translate.sources import CONTROLLER_NAME, Key, Sources

MANAGED_BY_LABEL: Final = "endpointslice.kubernetes.io/managed-by"

_Group: TypeAlias = tuple[Literal["IPv4", "IPv6"], tuple[api.EndpointPort, ...]]
"""(family of the addresses, ports): what all endpoints of a slice have in common."""


def build(
    sources: Sources, pods: Index[Key, Workload, Labelled]
) -> Collection[Key, api.EndpointSlice]:
    """Derive the slices of every Service that has a selector, by (namespace, name)."""

    def slices(
        ctx: Context, _key: Key, service: api.Service
    ) -> Iterator[tuple[Key, api.EndpointSlice]]:
        for made in _slices(ctx, pods, service):
            yield made.key, made

    return sources.services.flat_map("generated endpoint slices", slices)


def _slices(
    ctx: Context, pods: Index[Key, Workload, Labelled], service: api.Service
) -> Iterator[api.EndpointSlice]:
    """Yield a Service's slices; one without endpoints where no pod has an address."""
    selector = service.spec.selector
    if not selector or service.spec.type == "ExternalName":
        return
    ports = service_port.all_ports(service)
    groups: dict[_Group, list[api.Endpoint]] = defaultdict(list)
    for pod in selected(ctx, pods, service.metadata.namespace, selector):
        if pod.ip and not ended(pod):
            slots = tuple((port, pod_slot(pod, service, port)) for port in ports)
            there = tuple(_port(port, slot) for port, slot in slots if slot is not None)
            if there or not ports:
                family = "IPv6" if ":" in pod.ip else "IPv4"
                groups[family, there].append(_endpoint(pod, service))
    if not groups:
        groups["IPv4", ()] = []
    for group, endpoints in groups.items():
        yield _slice(service, group, tuple(endpoints))


def _port(port: Port, slot: Slot) -> api.EndpointPort:
    return api.EndpointPort(
        name=port.name,
        protocol=port.transport,
        port=slot.endpoint.port,
        app_protocol=port.app_protocol or None,
    )


def _endpoint(pod: Workload, service: api.Service) -> api.Endpoint:
    """A pod with its conditions, which hold for all ports alike."""
    anyway = service.spec.publish_not_ready_addresses
    return api.Endpoint(
        addresses=(pod.ip,),
        conditions=api.EndpointConditions(
            ready=anyway or (pod.ready and not pod.terminating),
            serving=pod.ready,
            terminating=pod.terminating,
        ),
        target_ref=api.TargetRef(kind="Pod", namespace=pod.namespace, name=pod.name),
    )


def _slice(
    service: api.Service, group: _Group, endpoints: tuple[api.Endpoint, ...]
) -> api.EndpointSlice:
    """Make the slice of a group; its name follows from the Service's and the group's content."""
    family, ports = group
    metadata = service.metadata
    suffix = blake2b(repr(group).encode(), digest_size=4).hexdigest()
    owner = api.OwnerReference(
        api_version=service.api_version,
        kind=service.kind,
        name=metadata.name,
        uid=metadata.uid,
        controller=True,
    )
    return api.EndpointSlice(
        metadata=api.ObjectMeta(
            name=f"{metadata.name}-{suffix}",
            namespace=metadata.namespace,
            labels={api.SERVICE_NAME_LABEL: metadata.name, MANAGED_BY_LABEL: CONTROLLER_NAME},
            owner_references=(owner,),
        ),
        address_type=family,
        ports=ports,
        endpoints=endpoints,
    )
