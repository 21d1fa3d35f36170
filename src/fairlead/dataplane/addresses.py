"""Addresses of this host's loopback range, given to pods and Gateways.

What comes in are names; what goes out are addresses that no other instance on this machine uses.
An instance owns a block 127.N.0.0/16 for its pods; a Gateway gets 127.0.0.1, the next one
127.0.0.2. Ownership is an abstract Unix socket: it is exclusive in the network namespace, as the
addresses are, and the kernel gives it up with the process. Invariant: a name keeps its address
while it lives.
"""

import contextlib
import errno
import hashlib
import ipaddress
import itertools
import json
import os
import socket
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

Key: TypeAlias = tuple[str, str]
"""(namespace, name)."""

_FIRST_BLOCK, _BLOCKS = 64, 191
"""127.64.0.0/16 to 127.254.0.0/16; below are addresses that people use by hand."""
_HOSTS = 254
_POD_ADDRESSES = 255 * _HOSTS
"""127.N.0.1 to 127.N.254.254; those that end in 0 or 255 are left out."""
_MOST_GATEWAYS = 250
_PRIVILEGED_OFFSET = 10_000
_CAP_NET_BIND_SERVICE = 10
_FIRST_HTTP_PORT = 80


class AddressError(Exception):
    """No address is left on this machine; the message says of what kind."""


def hold(name: str) -> socket.socket | None:
    """Take `name` for this process, on this machine; None if another one has it.

    The name is ours until the socket is closed.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claim.bind(f"\0fairlead/{name}")
    except OSError as error:
        claim.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return claim


def can_bind(address: str) -> bool:
    """Whether this host has the IP address, v4 or v6."""
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return False
    family = socket.AF_INET if version == 4 else socket.AF_INET6  # noqa: PLR2004 - IPv4
    with contextlib.suppress(OSError), socket.socket(family) as probe:
        probe.bind((address, 0))
        return True
    return False


def may_bind_privileged_ports() -> bool:
    """Whether a process that we start may bind port 80: as root, by capability or by sysctl."""
    with contextlib.suppress(OSError, ValueError):
        start = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii")
        if int(start) <= _FIRST_HTTP_PORT:
            return True
    field = "CapEff" if os.geteuid() == 0 else "CapAmb"  # what survives an exec
    with contextlib.suppress(OSError, ValueError):
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        return bool(int(fields.get(field, "0"), 16) >> _CAP_NET_BIND_SERVICE & 1)
    return False


def default_port_offset() -> int:
    """What is added to ports below 1024: nothing where they may be bound, else 10000."""
    return 0 if may_bind_privileged_ports() else _PRIVILEGED_OFFSET


class PodAddresses:
    """Gives each pod an address of the block that this instance owns.

    An address follows from the pod's name, so that a pod has it again after a restart.
    """

    def __init__(self) -> None:
        self._claim: socket.socket | None = None
        self._block = 0
        self._owners: dict[str, Key] = {}
        self._addresses: dict[Key, str] = {}

    def claim(self) -> str:
        """Take the first block that no other instance has; returns it, ``127.64.0.0/16``.

        Raises:
            AddressError: all are taken.
        """
        for block in range(_FIRST_BLOCK, _FIRST_BLOCK + _BLOCKS):
            claim = hold(f"block/127.{block}")
            if claim is not None:
                self._claim, self._block = claim, block
                return f"127.{block}.0.0/16"
        raise AddressError("every block of loopback addresses is taken by another instance")

    def release(self) -> None:
        """Give up the block. Safe to call twice."""
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def assign(self, pod: Key) -> str:
        """The pod's address: the same until `free`, and if possible after it.

        Raises:
            AddressError: more pods than the block has addresses.
        """
        if pod in self._addresses:
            return self._addresses[pod]
        digest = hashlib.blake2s("/".join(pod).encode(), digest_size=8).digest()
        first = int.from_bytes(digest, "big")
        for step in range(_POD_ADDRESSES):
            high, low = divmod((first + step) % _POD_ADDRESSES, _HOSTS)
            address = f"127.{self._block}.{high}.{low + 1}"
            if address not in self._owners:
                self._owners[address] = pod
                self._addresses[pod] = address
                return address
        raise AddressError(f"127.{self._block}.0.0/16 has no address left for another pod")

    def free(self, pod: Key) -> None:
        """The pod is gone, its address may be used again."""
        if address := self._addresses.pop(pod, None):
            del self._owners[address]


ANY = ""
"""Asks for any address."""


class GatewayAddresses:
    """Gives Gateways their addresses: what `spec.addresses` asks for, else one of 127.0.0.N.

    Args:
        memory: a file that remembers which Gateway had which address, for the next run.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._remembered: dict[str, str] = {}
        self._claims: dict[str, socket.socket] = {}
        self._given: dict[Key, tuple[str, ...]] = {}
        self._requested: dict[Key, tuple[str, ...]] = {}

    def load(self) -> None:
        """Read what the last run remembered; anything unreadable is forgotten."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            entries = json.loads(self._memory.read_bytes())
            self._remembered = {str(name): str(address) for name, address in entries.items()}

    def converge(
        self, gateways: Mapping[Key, Sequence[str]], ending: Collection[Key] = ()
    ) -> Mapping[Key, tuple[str, ...]]:
        """Addresses by Gateway; one that has some keeps them while it asks for the same.

        Args:
            gateways: all Gateways, with the IP addresses that `spec.addresses` asks for; an empty
                one stands for any (`ANY`), and so does an empty list. Of those that ask for the
                same address, the first one gets it.
            ending: Gateways that are no more, but whose proxies have not ended: nobody else is
                given what these may still hold.

        Returns:
            What each Gateway may bind. Of what it asks for, an address that this host doesn't have
            or that is another Gateway's is missing; nothing may be left.
        """
        asked = {key: tuple(addresses) or (ANY,) for key, addresses in gateways.items()}
        for key in list(self._given):
            kept = key in ending and key not in asked
            if not kept and asked.get(key) != self._requested[key]:
                self._release(key)
        before = self._given.keys() & asked.keys()
        for key, own in asked.items():  # those that want a certain address, by spec or by memory
            wanted = tuple(address for address in own if address)
            if key not in before:
                self._given[key], self._requested[key] = (), own
                if ANY in own:
                    wanted += (self._remembered.get("/".join(key), ANY),)
            self._give(key, wanted)
        for key, own in asked.items():
            for _ in range(own.count(ANY) - len(self._automatic(key))):
                self._given[key] += self._lowest()
        if asked.keys() != before:
            self._remember()
        return {key: self._given[key] for key in asked}

    def release(self) -> None:
        """Give up all addresses."""
        for key in list(self._given):
            self._release(key)

    def _give(self, key: Key, addresses: tuple[str, ...]) -> None:
        """Give `key` those of the addresses that are free and bindable."""
        for address in addresses:
            if address and address not in self._given[key] and self._take(address):
                self._given[key] += (address,)

    def _automatic(self, key: Key) -> tuple[str, ...]:
        """The addresses of a Gateway that it did not ask for by value."""
        return tuple(each for each in self._given[key] if each not in self._requested[key])

    def _release(self, key: Key) -> None:
        del self._requested[key]
        for address in self._given.pop(key):
            self._claims.pop(address).close()

    def _take(self, address: str) -> bool:
        if not can_bind(address):
            return False
        claim = hold(f"address/{ipaddress.ip_address(address)}")
        if claim is None:
            return False
        self._claims[address] = claim
        return True

    def _lowest(self) -> tuple[str, ...]:
        addresses = (f"127.0.0.{number}" for number in range(1, _MOST_GATEWAYS + 1))
        return tuple(itertools.islice(filter(self._take, addresses), 1))

    def _remember(self) -> None:
        automatic = {key: self._automatic(key) for key in sorted(self._given)}
        entries = {"/".join(key): given[0] for key, given in automatic.items() if given}
        draft = self._memory.with_name(self._memory.name + ".new")
        draft.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
        draft.replace(self._memory)
