"""Addresses of Gateways: which requests of `spec.addresses` are met (GEP-5093).

In: what a Gateway asks for, and the addresses that the data plane could assign. Out: which entry
got which address, and what is to be said of the others.
"""

from typing import Final

import msgspec

from fairlead import api

CONFORMANCE_ROUTABILITY: Final = "testing.x-k8s.io/sentinel"
"""Stands for nothing; whoever reports routability has to support it."""

UNUSABLE: Final = "not an address of this machine, or another Gateway has it"
"""What is said of an address that is asked for by value and cannot be bound here."""

_ROUTABILITIES: Final = frozenset({"", CONFORMANCE_ROUTABILITY})


class Assignment(msgspec.Struct, frozen=True):
    """What came of `spec.addresses`."""

    decided: bool
    """False while the data plane has not decided."""
    addresses: tuple[tuple[str, str], ...] = ()
    """(IP address, routability), in the order of assignment."""
    unsatisfied: tuple[str, ...] = ()
    """Entries that got none, in words."""
    unusable: tuple[str, ...] = ()
    """Addresses that are asked for by value and cannot be bound here."""


def routable(address: api.GatewaySpecAddress) -> bool:
    """Whether the reachability that an entry asks for can be given at all.

    Without a cluster there are no addresses of its own (``Cluster``).
    """
    return (address.routability or "") in _ROUTABILITIES


def assignment(
    asked: tuple[api.GatewaySpecAddress, ...], given: tuple[str, ...] | None
) -> Assignment:
    """Match the requests with what was assigned.

    Args:
        asked: `spec.addresses`; empty asks for any one address.
        given: Addresses that the Gateway may bind; None while that is not decided.
    """
    if given is None:
        return Assignment(decided=False)
    if not asked:
        missing = () if given else ("no address is free",)
        return Assignment(
            decided=True, addresses=tuple((each, "") for each in given), unsatisfied=missing
        )
    free = [each for each in given if each not in {entry.value for entry in asked}]
    routability: dict[str, str] = {}
    unsatisfied: list[str] = []
    unusable: list[str] = []
    for index, entry in enumerate(asked):
        field = f"spec.addresses[{index}]"
        if not routable(entry):
            what = f"{field}: routability {entry.routability} is not supported here; remove it"
            unsatisfied.append(what)
        elif entry.value and entry.value in given:
            routability[entry.value] = entry.routability or ""
        elif entry.value:
            unusable.append(entry.value)
            unsatisfied.append(f"{field}: {entry.value}: {UNUSABLE}")
        elif free:
            routability[free.pop(0)] = entry.routability or ""
        else:
            unsatisfied.append(f"{field}: no address is free")
    matched = tuple((each, routability[each]) for each in given if each in routability)
    return Assignment(
        decided=True,
        addresses=matched,
        unsatisfied=tuple(unsatisfied),
        unusable=tuple(unusable),
    )
