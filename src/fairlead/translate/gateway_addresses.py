"""Addresses of Gateways: which requests of `spec.addresses` are met (GEP-5093).

In: what a Gateway asks for, and the addresses that the data plane could assign. Out: which entry
got which address, and what is to be said of the others. In a cluster the data plane is a load
balancer, which may name hosts instead of addresses.
"""

from typing import Final

import msgspec

from fairlead import api

CONFORMANCE_ROUTABILITY: Final = "testing.x-k8s.io/sentinel"
"""Stands for nothing; whoever reports routability has to support it."""

UNUSABLE: Final = "not an address of this machine, or another Gateway has it"
"""What is said of an address that is asked for by value and cannot be bound here."""

NOT_GIVEN: Final = "the cluster does not give it: no load balancer has it, or it is taken"
"""The same in a cluster."""

CLUSTER: Final = "Cluster"
"""GatewayAddressRoutabilityCluster: the address of a Service that only the cluster knows."""

_ROUTABILITIES: Final = frozenset({"", CONFORMANCE_ROUTABILITY})


class Assignment(msgspec.Struct, frozen=True):
    """What came of `spec.addresses`."""

    decided: bool
    """False while the data plane has not decided."""
    addresses: tuple[tuple[str, str], ...] = ()
    """(IP address or host name, routability), in the order of assignment."""
    unsatisfied: tuple[str, ...] = ()
    """Entries that got none, in words."""
    unusable: tuple[str, ...] = ()
    """Addresses that are asked for by value and cannot be had here."""
    why: str = UNUSABLE
    """What is said of those."""


def in_cluster(address: api.GatewaySpecAddress) -> bool:
    """Whether an entry asks for an address that only the cluster knows."""
    return address.routability == CLUSTER


def routable(address: api.GatewaySpecAddress, *, standalone: bool = True) -> bool:
    """Whether the reachability that an entry asks for can be given at all.

    Without a cluster there are no addresses of its own (``Cluster``).
    """
    return (address.routability or "") in _ROUTABILITIES or (not standalone and in_cluster(address))


def address_type(address: str) -> str:
    """The AddressType of an address that a Gateway has."""
    return "IPAddress" if api.is_ip(address) else "Hostname"


def assignment(
    asked: tuple[api.GatewaySpecAddress, ...],
    given: tuple[str, ...] | None,
    cluster: tuple[str, ...] | None = None,
) -> Assignment:
    """Match the requests with what was assigned.

    Args:
        asked: `spec.addresses`; empty asks for any one address.
        given: Addresses that the Gateway has; None while that is not decided.
        cluster: Those of them that only the cluster knows; None without a cluster.
    """
    why = UNUSABLE if cluster is None else NOT_GIVEN
    if given is None:
        return Assignment(decided=False, why=why)
    inside = frozenset(cluster or ())
    if not asked:
        missing = () if given else ("no address is free",)
        found = tuple((each, CLUSTER if each in inside else "") for each in given)
        return Assignment(True, found, missing, why=why)  # noqa: FBT003 - decided
    matched, unsatisfied, unusable = _matched(asked, given, inside, why, cluster is None)
    return Assignment(True, matched, unsatisfied, unusable, why)  # noqa: FBT003 - decided


def _matched(
    asked: tuple[api.GatewaySpecAddress, ...],
    given: tuple[str, ...],
    inside: frozenset[str],
    why: str,
    standalone: bool,  # noqa: FBT001 - as in `routable`
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...], tuple[str, ...]]:
    """Addresses with their routability, entries that got none, and values that cannot be had."""
    wanted = {entry.value for entry in asked}
    # An entry that asks for nothing special leaves the cluster's own addresses to those that do.
    free = sorted((each for each in given if each not in wanted), key=inside.__contains__)
    routability: dict[str, str] = {}
    unsatisfied: list[str] = []
    unusable: list[str] = []
    for index, entry in enumerate(asked):
        field = f"spec.addresses[{index}]"
        able = [each for each in free if each in inside or not in_cluster(entry)]
        if not routable(entry, standalone=standalone):
            what = f"{field}: routability {entry.routability} is not supported here; remove it"
            unsatisfied.append(what)
            continue
        if entry.value:
            if entry.value not in given or (in_cluster(entry) and entry.value not in inside):
                unusable.append(entry.value)
                unsatisfied.append(f"{field}: {entry.value}: {why}")
                continue
            got = entry.value
        elif able:
            got = able[0]
            free.remove(got)
        else:
            unsatisfied.append(f"{field}: no address is free")
            continue
        routability[got] = entry.routability or (CLUSTER if got in inside else "")
    matched = tuple((each, routability[each]) for each in given if each in routability)
    return matched, tuple(unsatisfied), tuple(unusable)
