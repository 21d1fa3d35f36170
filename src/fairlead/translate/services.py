"""Services: what their owners are told.

In: Services, their ports, endpoints and addresses. Out: a report for each Service with three
conditions of ours: ``Routable`` (HTTP can be sent to some port; else the message tells which kinds
of routes can send there), ``EndpointsReady`` (somebody answers), and ``Warning`` where something
works differently from what the manifest may suggest. `Report.addresses` holds its virtual address,
of type ``ClusterIP``.
"""

from typing import Final

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.translate import service_port
from fairlead.translate.clusters import Clusters
from fairlead.translate.report import Condition, Report
from fairlead.translate.service_port import Port
from fairlead.translate.sources import Key, Sources
from fairlead.translate.virtual_address import VirtualAddress

_OTHERS: Final = {"TCP": " (TCPRoutes and TLSRoutes can send there)", "UDP": " (UDPRoutes can)"}
"""Who can send to a port that takes no HTTP, by its protocol."""


def build(
    sources: Sources, clusters: Clusters, addresses: Collection[Key, VirtualAddress]
) -> Collection[Key, Report]:
    """Derive the reports, by Service."""

    def report(ctx: Context, key: Key, service: api.Service) -> Report:
        written = service_port.ports(service)
        ports = tuple(ctx.fetch(clusters.ports, (*key, port.port)) or port for port in written)
        conditions = [_routable(service, ports)]
        all_ports = (
            *(port for port in ports if port.transport == "TCP"),
            *service_port.udp_ports(service),
        )
        if all_ports:
            conditions.append(_endpoints_ready(ctx, clusters, key, service, all_ports))
        address = ctx.fetch(addresses, key)
        warnings = _warnings(service, ports, address)
        if warnings:
            conditions.append(_condition(service, "Warning", "True", "Warning", warnings))
        return Report(
            "Service",
            *key,
            service.metadata.generation,
            tuple(conditions),
            addresses=(("ClusterIP", address.address),) if address else (),
        )

    return sources.services.map("service reports", report)


def _routable(service: api.Service, ports: tuple[Port, ...]) -> Condition:
    """Say whether routes can send to a Service at all."""
    if service.spec.type == "ExternalName":
        message = f"spec.type ExternalName ({service.spec.external_name}) is not routed to"
        return _condition(service, "Routable", "False", "ExternalName", message)
    unsupported = [port for port in ports if port.unsupported]
    message = "; ".join(
        f"port {port.port}: {port.unsupported}{_OTHERS.get(port.transport, '')}"
        for port in unsupported
    )
    if not ports:
        return _condition(service, "Routable", "False", "NoPorts", "spec.ports is empty")
    if len(unsupported) == len(ports):
        return _condition(service, "Routable", "False", "UnsupportedProtocol", message)
    return _condition(service, "Routable", "True", "Routable", message)


def _endpoints_ready(
    ctx: Context, clusters: Clusters, key: Key, service: api.Service, ports: tuple[Port, ...]
) -> Condition:
    """Say how many endpoints each port has; True if every port has a ready one."""
    counts: list[str] = []
    ready, total = True, 0
    for port in ports:
        udp = port.transport == "UDP"
        addresses = clusters.udp_addresses if udp else clusters.addresses
        found = ctx.fetch(addresses, (*key, port.port))
        if found is None:
            continue
        number = f"{port.port}/UDP" if udp else str(port.port)
        counts.append(f"port {number}: {len(found.ready)} of {found.total} endpoints ready")
        ready, total = ready and bool(found.ready), total + found.total
    message = "; ".join(counts)
    if ready:
        return _condition(service, "EndpointsReady", "True", "EndpointsReady", message)
    if total:
        return _condition(service, "EndpointsReady", "False", "NoReadyEndpoints", message)
    if not service.spec.selector:
        message += "; spec.selector is not set, so write an EndpointSlice for it"
        return _condition(service, "EndpointsReady", "False", "NoEndpoints", message)
    selector = ",".join(
        f"{label}={value}" for label, value in sorted(service.spec.selector.items())
    )
    message += f"; no pod with the labels {selector} offers them"
    return _condition(service, "EndpointsReady", "False", "NoMatchingPods", message)


def _warnings(service: api.Service, ports: tuple[Port, ...], address: VirtualAddress | None) -> str:
    """Return what works differently, as one sentence; empty if nothing does."""
    warnings = [f"port {port.port}: {port.note}" for port in ports if port.note]
    if service.spec.session_affinity != "None":
        affinity = service.spec.session_affinity
        warnings.append(
            f"spec.sessionAffinity: {affinity} is not applied to HTTP; "
            "a DestinationRule with loadBalancer.consistentHash.useSourceIp does that"
        )
    wanted = service.spec.cluster_ip
    if wanted and not service.spec.headless and not (address and address.written):
        got = f"it answers on {address.address}" if address else "it has none"
        warnings.append(f"spec.clusterIP: {wanted} is taken or no address; {got}")
    return "; ".join(warnings)


def _condition(
    service: api.Service, kind: str, status: str, reason: str, message: str
) -> Condition:
    holds = "True" if status == "True" else "False"
    return Condition(kind, holds, reason, message, service.metadata.generation)
