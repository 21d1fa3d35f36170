"""Which listeners of one Gateway get in each other's way (GatewaySpec.listeners, GEP-1713).

In: the listeners of Gateways and of the ListenerSets that they accept, as `Entry`s whose keys
sort by precedence: the Gateway, then older sets, then by namespace and name. Out: a verdict on one
entry at a time, from index terms alone, so that a change re-runs only listeners that it concerns.

The listeners of the first object on a port decide which class of protocol the port has; if they
disagree, none of them is served, and none of a later object either. Of one class, the first object
with a hostname has it; if it names it twice, neither is served.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.translate import age, listeners
from fairlead.translate.claims import ParentKey
from fairlead.translate.conditions import Refusal
from fairlead.translate.listeners import Conflict, PortClass
from fairlead.translate.sources import Key

EntryKey: TypeAlias = tuple[str, str, int, str, str, str, str]
"""Namespace and name of the Gateway; 0 for its own listeners and 1 for those of a ListenerSet;
the set's creation timestamp, place of its namespace (`age.place`) and name (empty for the Gateway);
name of the listener."""

_Port: TypeAlias = tuple[Key, bool, int]
"""Gateway, whether it is a UDP port, port that is bound."""
_Slot: TypeAlias = tuple[Key, PortClass, int, str]
"""Gateway, class, port as written, hostname."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A listener as it is written, and where."""

    gateway: Key
    parent: ParentKey
    index: int
    """Its place in `spec.listeners`."""
    source: api.Listener
    bind_port: int
    refused: Refusal | None = None
    """Why the whole ListenerSet is not accepted; its listeners are in nobody's way."""


def entry(
    gateway: Key,
    parent: ParentKey,
    index: int,
    source: api.Listener,
    port_offset: int,
    *,
    created: str = "",
    refused: Refusal | None = None,
) -> tuple[EntryKey, Entry]:
    """A listener with its key.

    Args:
        gateway: That it is added to.
        parent: The object that it is written in.
        index: Its place there.
        source: The listener.
        port_offset: Added to ports below 1024 when they are bound.
        created: Creation timestamp of a ListenerSet.
        refused: Why the whole ListenerSet is not accepted.
    """
    bound = listeners.bind_port(source.port, port_offset)
    made = Entry(gateway, parent, index, source, bound, refused)
    if parent[0] == "Gateway":
        return (*gateway, 0, "", "", "", source.name), made
    return (*gateway, 1, created, age.place(parent[1]), parent[2], source.name), made


class PortOwner(msgspec.Struct, frozen=True, gc=False):
    """The first object with a listener on a port that is bound."""

    parent: ParentKey
    port: int
    """Port as written: another one that would be bound as the same is not available."""
    classes: tuple[PortClass, ...]
    """Of its listeners there, sorted."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Who is where."""

    ports: Collection[_Port, PortOwner]
    slots: Index[EntryKey, Entry, _Slot]
    own_slots: Index[EntryKey, Entry, tuple[ParentKey, _Slot]]

    def conflict(self, ctx: Context, entry: Entry) -> tuple[Conflict, Refusal | None]:
        """What keeps an entry from being accepted beside others.

        Returns:
            The conflict, and (reason, message) of Accepted=False; neither if nothing does. A port
            that is bound for another one is no conflict of listeners, but not available.
        """
        slot = _slot(entry)
        if slot is None:
            return "", None
        owner = ctx.fetch(self.ports, _port(entry, slot))
        if owner is None:
            return "", None
        if owner.port != entry.source.port:
            message = (
                f"port {entry.source.port} would be bound as {entry.bind_port} here, which is not "
                "free; choose another --port-offset"
            )
            return "", ("PortUnavailable", message)
        own = owner.parent == entry.parent
        if owner.classes != (slot[1],):
            whose = "" if own else " by a listener that comes before this one"
            message = f"port {entry.source.port} is also used with another protocol{whose}"
            return "ProtocolConflict", ("ProtocolConflict", f"{message}; use another port")
        first = ctx.first_by(self.slots, slot)
        doubled = ctx.count_by(self.own_slots, (entry.parent, slot)) > 1
        if not doubled and (first is None or _parent(first) == entry.parent):
            return "", None
        return _same_slot(entry, slot, beaten=not doubled)

    def udp(self, ctx: Context, gateway: Key, bind_port: int) -> bool:
        """Whether a UDP listener of `gateway` is bound to a port."""
        return ctx.fetch(self.ports, (gateway, True, bind_port)) is not None


def occupancy(entries: Collection[EntryKey, Entry]) -> Occupancy:
    """Index the listeners of all Gateways by what they take."""

    def slots(_key: EntryKey, entry: Entry) -> Iterator[_Slot]:
        slot = _slot(entry)
        if slot is not None:
            yield slot

    def own_slots(_key: EntryKey, entry: Entry) -> Iterator[tuple[ParentKey, _Slot]]:
        slot = _slot(entry)
        if slot is not None:
            yield entry.parent, slot

    def ports(_key: EntryKey, entry: Entry) -> Iterator[_Port]:
        slot = _slot(entry)
        if slot is not None:
            yield _port(entry, slot)

    def own_ports(_key: EntryKey, entry: Entry) -> Iterator[tuple[ParentKey, _Port]]:
        slot = _slot(entry)
        if slot is not None:
            yield entry.parent, _port(entry, slot)

    by_port = entries.index("listeners by port", ports)
    by_own_port = entries.index("listeners by object and port", own_ports)

    def owner(ctx: Context, port: _Port, _term: _Port) -> PortOwner | None:
        first = ctx.first_by(by_port, port)
        if first is None:
            return None
        parent = _parent(first)
        mine = [entry for _, entry in ctx.fetch_by(by_own_port, (parent, port))]
        # A port that needs no offset was asked for as it is.
        number = max(entry.source.port for entry in mine)
        classes: set[PortClass] = {
            found
            for entry in mine
            if entry.source.port == number
            and (found := listeners.port_class(entry.source.protocol)) is not None
        }
        return PortOwner(parent, number, tuple(sorted(classes)))

    return Occupancy(
        by_port.terms("ports of listeners").map("owners of ports", owner),
        entries.index("listeners by port and hostname", slots),
        entries.index("listeners by object, port and hostname", own_slots),
    )


def _slot(entry: Entry) -> _Slot | None:
    """What an entry takes of its port; None if it takes nothing."""
    found = listeners.port_class(entry.source.protocol)
    if found is None or entry.refused is not None:
        return None
    return entry.gateway, found, entry.source.port, listeners.hostname_of(entry.source)


def _port(entry: Entry, slot: _Slot) -> _Port:
    return entry.gateway, slot[1] == "udp", entry.bind_port


def _parent(key: EntryKey) -> ParentKey:
    """The object that an entry is written in."""
    if key[2]:
        return "ListenerSet", key[4].removesuffix("/"), key[5]
    return "Gateway", key[0], key[1]


def _same_slot(entry: Entry, slot: _Slot, *, beaten: bool) -> tuple[Conflict, Refusal]:
    """The conflict with a listener that takes the very same."""
    another = "a listener that comes before this one" if beaten else "another listener"
    if slot[1] in {"tcp", "udp"}:
        message = f"{another} has {slot[1].upper()} port {entry.source.port}; use another port"
        return "ProtocolConflict", ("ProtocolConflict", message)
    message = f"{another} has port {entry.source.port} and the same hostname; change one"
    return "HostnameConflict", ("HostnameConflict", message)
