"""Virtual addresses: the clusterIP of each Service.

In: Services. Out: an address for each that has one. An address that is written is honoured, the
others (standalone only) are hashed into `Settings.service_cidr`, so that a Service keeps its
address over restarts whatever else exists. Where two meet, the written one keeps the place, else
the first by (namespace, name), and the other moves on to its next place: a claim reads nothing
but those for the same address, so that one Service's arrival touches only those it meets.
"""

from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple, TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Graph, Index
from fairlead.translate.sources import Key, Settings, Sources

_ROUNDS: Final = 4
"""Places that a Service is offered; with a million of them, the third is hardly ever needed."""

Network: TypeAlias = IPv4Network | IPv6Network


class VirtualAddress(msgspec.Struct, frozen=True):
    """The address of one Service."""

    address: str
    """IPv4 or IPv6, without brackets."""
    written: bool
    """True if `spec.clusterIP` says so."""


class _Round(NamedTuple):
    """Who got an address in one round, and which addresses are gone with it."""

    won: Collection[Key, VirtualAddress]
    gone: Index[Key, VirtualAddress, str]


def build(graph: Graph, sources: Sources, settings: Settings) -> Collection[Key, VirtualAddress]:
    """Derive the address of every Service that has one, by the Service's key."""
    network = ip_network(settings.service_cidr)
    written = sources.services.map(
        "written addresses", lambda _ctx, _key, service: _written(service)
    )
    rounds = [_settle(written, "written", ())]
    honoured = rounds[0].won

    def claim(ctx: Context, key: Key, service: api.Service) -> VirtualAddress | None:
        if not _wants_one(service) or ctx.fetch(honoured, key):
            return None
        return VirtualAddress(_place(network, key, 1), written=False)

    if settings.standalone:
        claims = sources.services.map("address claims 1", claim)
        rounds.append(_settle(claims, "1", tuple(rounds)))
        for turn in range(2, _ROUNDS + 1):
            claims = _move_on(claims, rounds[-1].won, network, turn)
            rounds.append(_settle(claims, str(turn), tuple(rounds)))
    return graph.join("virtual addresses", *(entry.won for entry in rounds))


def _move_on(
    claims: Collection[Key, VirtualAddress],
    won: Collection[Key, VirtualAddress],
    network: Network,
    turn: int,
) -> Collection[Key, VirtualAddress]:
    """Let those whose claim lost make their next one."""

    def claim(ctx: Context, key: Key, _lost: VirtualAddress) -> VirtualAddress | None:
        if ctx.fetch(won, key):
            return None
        return VirtualAddress(_place(network, key, turn), written=False)

    return claims.map(f"address claims {turn}", claim)


def _settle(
    claims: Collection[Key, VirtualAddress], label: str, earlier: tuple[_Round, ...]
) -> _Round:
    """Give each address that is not gone yet to the first by key who claims it."""
    rivals = claims.index(f"address claims by address {label}", _by_address)

    def win(ctx: Context, key: Key, claim: VirtualAddress) -> VirtualAddress | None:
        if any(ctx.count_by(entry.gone, claim.address) for entry in earlier):
            return None
        return claim if ctx.fetch_by(rivals, claim.address)[0][0] == key else None

    won = claims.map(f"addresses {label}", win)
    return _Round(won, won.index(f"addresses gone {label}", _by_address))


def _by_address(_key: Key, claim: VirtualAddress) -> tuple[str]:
    return (claim.address,)


def _written(service: api.Service) -> VirtualAddress | None:
    """Return the address that a Service asks for, None if it asks for none that is one."""
    if not _wants_one(service):
        return None
    try:
        return VirtualAddress(str(ip_address(service.spec.cluster_ip)), written=True)
    except ValueError:
        return None


def _wants_one(service: api.Service) -> bool:
    """True unless a Service is headless or but another name for something."""
    return not service.spec.headless and service.spec.type != "ExternalName"


def _place(network: Network, key: Key, turn: int) -> str:
    """Hash a Service's name to an address; neither the network's first nor its last."""
    text = "/".join((*key, str(turn)))
    number = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
    return str(network[1 + number % max(1, network.num_addresses - 2)])
