"""Services of a Gateway: one for each address that it asks for, and what addresses they have.

In: a proxy and its Services as they are. Out: the Services that there shall be, and the Gateway's
addresses. A load balancer gives a Service one address, and only one of a certain value can be asked
for by a Service (`spec.loadBalancerIP`), hence several.

The first Service is called as all else of the Gateway and always there, so that it can be reached
by that name from inside. An address that a Service has already is left where it is, so that
changing the others, or asking for it by value, interrupts nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from fairlead.dataplane.kubernetes import names
from fairlead.dataplane.kubernetes.live import Service
from fairlead.dataplane.kubernetes.manifests import Manifest, metadata
from fairlead.ir.fleet import Proxy
from fairlead.ir.infrastructure import AskedAddress, ServiceType

MOST: Final = 16
"""Addresses that a Gateway's status takes."""
_ANY: Final = AskedAddress()


class _Wanted(msgspec.Struct, frozen=True):
    """An address that is asked for, and the Service that gives such."""

    asked: AskedAddress
    type: ServiceType
    balancer: str = ""
    """`spec.loadBalancerClass`."""


class Slot(msgspec.Struct, frozen=True):
    """A Service that there shall be."""

    number: int
    """From 1, see `names.service_name`."""
    type: ServiceType
    asked: AskedAddress | None
    """What it is for; None for the first Service where it gives no address."""


def numbered(gateway: str, services: Mapping[str, Service]) -> dict[int, Service]:
    """A Gateway's Services by number.

    Args:
        gateway: Name of the Gateway.
        services: Those that belong to it, by name; other names are left out.
    """
    first = names.resource_name(gateway)
    found: dict[int, Service] = {}
    for name, service in services.items():
        rest = name.removeprefix(f"{first}-")
        if name == first:
            found[1] = service
        elif rest != name and rest.isascii() and rest.isdigit():
            found[int(rest)] = service
    return found


def slots(proxy: Proxy, live: Mapping[int, Service]) -> tuple[Slot, ...]:
    """The Services that there shall be, by number.

    Args:
        proxy: What the Gateway asks for.
        live: Its Services as they are, by number.
    """
    wanted = _wanted(proxy)
    taken: dict[int, Slot] = {}

    def take(each: _Wanted, number: int | None) -> bool:
        if number is not None:
            taken[number] = Slot(number, each.type, each.asked)
        return number is not None

    def first(holds: Callable[[Service, _Wanted], bool], each: _Wanted) -> int | None:
        able = (n for n in sorted(live) if n not in taken and holds(live[n], each))
        return next(able, None)

    left = [each for each in wanted if not take(each, first(_holds, each))]
    # Who asks for any address keeps the one it has; who asks for another one gets another.
    for certain in (False, True):
        left = [
            each
            for each in left
            if bool(each.asked.value) is not certain or not take(each, first(_may_become, each))
        ]
    for each in left:
        take(each, next(n for n in range(1, 100) if n not in taken and _free(n, live, each)))
    if 1 not in taken:
        taken[1] = Slot(1, "ClusterIP", None)
    return tuple(taken[number] for number in sorted(taken))


def _wanted(proxy: Proxy) -> list[_Wanted]:
    """What a Gateway asks for."""
    kind = proxy.deployment.service_type
    balancer = proxy.deployment.load_balancer_class if kind == "LoadBalancer" else ""
    inside = [_Wanted(each, "ClusterIP") for each in proxy.addresses if each.cluster]
    outside = [each for each in proxy.addresses if not each.cluster]
    if kind == "NodePort":  # nodes have the addresses they have: one Service opens all of them
        outside = [_ANY] if outside else []
    return [*(_Wanted(each, kind, balancer) for each in outside), *inside]


def _holds(service: Service, wanted: _Wanted) -> bool:
    """Whether a Service has the very address that is asked for, or is about to."""
    value = wanted.asked.value
    if not value or not _same_kind(service, wanted) or service.deleting:
        return False
    return value in (service.asked, *addresses_of(service, wanted.type))


def _may_become(service: Service, wanted: _Wanted) -> bool:
    """Whether a Service of the same kind, free for it, can serve what is asked for."""
    return _same_kind(service, wanted) and not _own(wanted) and not service.deleting


def _same_kind(service: Service, wanted: _Wanted) -> bool:
    """Whether nothing has to change that cannot: the class of a load balancer stays.

    Where none is asked for, one that the cluster has set by itself is as good.
    """
    alike = service.load_balancer_class == wanted.balancer or not (
        wanted.balancer or service.own_class
    )
    return service.type == wanted.type and (alike or wanted.type != "LoadBalancer")


def _own(wanted: _Wanted) -> bool:
    """Whether a certain address of the cluster is asked for, which a Service has from its start."""
    return wanted.type == "ClusterIP" and bool(wanted.asked.value)


def _free(number: int, live: Mapping[int, Service], wanted: _Wanted) -> bool:
    """Whether a number can be given to a Service that becomes another, or is made.

    Only the first may become another; and the same type only if it is of the same kind.
    """
    service = live.get(number)
    if service is None:
        return True
    changes = service.type != wanted.type or _same_kind(service, wanted)
    return number == 1 and changes and not _own(wanted)


def addresses_of(service: Service, kind: ServiceType) -> tuple[str, ...]:
    """The addresses by which a Service of a type is reached; those of nodes are not its own."""
    match kind:
        case "LoadBalancer":
            return service.given
        case "ClusterIP":
            return service.cluster_addresses
        case "NodePort":
            return ()


def manifest(proxy: Proxy, slot: Slot) -> Manifest:
    """A Service."""
    wanted = proxy.deployment
    spec: dict[str, Any] = {
        "type": slot.type,
        "selector": names.selector(proxy.gateway),
        "ipFamilyPolicy": "PreferDualStack",
        "ports": [
            {
                "name": each.name,
                "port": each.port,
                "protocol": each.transport,
                "targetPort": each.port,
            }
            for each in proxy.ports
        ],
    }
    if slot.type != "ClusterIP" and wanted.external_traffic_policy:
        spec["externalTrafficPolicy"] = wanted.external_traffic_policy
    if slot.type == "LoadBalancer" and wanted.load_balancer_class:
        spec["loadBalancerClass"] = wanted.load_balancer_class
    value = slot.asked.value if slot.asked is not None else ""
    if value and slot.type == "LoadBalancer":
        spec["loadBalancerIP"] = value
    elif value and slot.type == "ClusterIP":
        spec["clusterIP"] = value
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(proxy, name=names.service_name(proxy.gateway, slot.number)),
        "spec": spec,
    }


class Addresses(msgspec.Struct, frozen=True):
    """What a Gateway's Services give it."""

    given: tuple[str, ...] = ()
    """IP addresses and host names, each once."""
    cluster: tuple[str, ...] = ()
    """Those of them that only the cluster knows."""
    waiting: tuple[str, ...] = ()
    """Names of Services that have no address yet, or not the one that they ask for."""
    asked: tuple[str, ...] = ()
    """Those of these Services that ask for an address by value."""


def addresses(
    proxy: Proxy, wanted: tuple[Slot, ...], live: Mapping[int, Service], nodes: tuple[str, ...]
) -> Addresses:
    """The addresses of a Gateway.

    Args:
        proxy: The Gateway's proxy.
        wanted: Its Services as they shall be.
        live: Its Services as they are, by number.
        nodes: Addresses of the cluster's nodes, for Services of type NodePort.
    """
    given: dict[str, None] = {}
    cluster: list[str] = []
    waiting: list[str] = []
    asked: list[str] = []
    for slot in wanted:
        if slot.asked is None:
            continue
        found = _given(slot, live.get(slot.number), nodes)
        if slot.type == "ClusterIP":
            cluster += found
        given.update(dict.fromkeys(found))
        if not found:
            name = names.service_name(proxy.gateway, slot.number)
            waiting.append(name)
            if slot.asked.value:
                asked.append(name)
    return Addresses(tuple(given)[:MOST], tuple(cluster), tuple(waiting), tuple(asked))


def _given(slot: Slot, service: Service | None, nodes: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses of one Service that are what it was asked for."""
    if service is None or slot.asked is None or service.type != slot.type:
        return ()
    if slot.type == "NodePort":
        return nodes
    found = addresses_of(service, slot.type)
    value = slot.asked.value
    if value:
        return (value,) if value in found else ()
    return found
