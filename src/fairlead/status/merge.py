"""The status in the cluster and what we have to tell, merged into what is to be written.

In: an object's `.status` as raw JSON, and our status of it (`conditions.status`). Out: a JSON merge
patch of the fields that differ, or None. Only what is ours is changed: `parents` and `ancestors`
with our controller's name, our types of conditions, and fields that are told by nobody else. What
belongs to others goes back byte for byte and in its order. Merging what has been merged changes
nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from fairlead.status import condition_list
from fairlead.status.condition_list import Turn
from fairlead.status.conditions import POLICIES, ROUTES, Json, Times, place

MOST_PARENTS: Final = 32
"""Entries of RouteStatus.parents (maxItems)."""
MOST_ANCESTORS: Final = 16
"""Entries of PolicyStatus.ancestors (maxItems)."""
MOST_BACKEND_ANCESTORS: Final = 32
"""Entries of an XBackend's status.ancestors (maxItems)."""
MOST_ADDRESSES: Final = 16
"""Entries of GatewayStatus.addresses (maxItems)."""

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "GatewayClass": ("conditions", "supportedFeatures"),
    "Gateway": ("addresses", "attachedListenerSets", "conditions", "listeners"),
    "ListenerSet": ("conditions", "listeners"),
    "XBackend": ("ancestors",),
    "LocalRateLimit": ("conditions",),
    "FaultInjection": ("conditions",),
    **dict.fromkeys(ROUTES, ("parents",)),
    **dict.fromkeys(POLICIES, ("ancestors",)),
}
KINDS: Final = frozenset(_FIELDS)
"""Kinds whose status is written."""
SHARED_KINDS: Final = frozenset(
    kind for kind, fields in _FIELDS.items() if not {"parents", "ancestors"}.isdisjoint(fields)
)
"""Kinds whose status lists entries of several controllers.

Ours are removed once we have nothing to tell about an object; the status of other kinds is left as
it is when an object stops being ours, for the controller that takes it over.
"""

_RawMap = dict[str, msgspec.Raw]
_READ_MAP: Final = msgspec.json.Decoder(_RawMap)
_READ_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_REFERENCES: Final = {"parents": "parentRef", "ancestors": "ancestorRef"}
_NOTHING: Final = b"null"


class Merged(msgspec.Struct, frozen=True):
    """What is to be written about one object."""

    patch: Json
    """Fields of `.status` that change; null for those that go. Foreign parts are msgspec.Raw."""
    urgent: bool
    """Whether more differs than counts and messages."""
    turns: tuple[Turn, ...]
    """Our conditions that have turned."""


class LeftOut(msgspec.Struct, frozen=True):
    """An entry of ours for which a list has no room, since others have filled it."""

    field: str
    """``parents`` or ``ancestors``."""
    reference: str
    """The parent or ancestor, for people."""
    most: int
    """How many entries the list takes."""


class Outcome(msgspec.Struct, frozen=True):
    """What comes of a merge."""

    merged: Merged | None = None
    """None: the cluster already has it, or has something newer."""
    left_out: tuple[LeftOut, ...] = ()


def merge(
    kind: str,
    live: bytes,
    wanted: Json,
    *,
    controller_name: str,
    generation: int,
    created: str = "",
) -> Outcome:
    """Compare an object's status with ours.

    Args:
        kind: one of `KINDS`.
        live: raw JSON of `.status` as it is in the cluster, empty if there is none.
        wanted: ours. Empty if there is nothing to tell: then our entries of `SHARED_KINDS` go.
        controller_name: whose entries of `parents` and `ancestors` are ours.
        generation: `metadata.generation` of the object that `live` belongs to.
        created: its `metadata.creationTimestamp`, empty if that is not known.

    Raises:
        msgspec.MsgspecError: `live` is no status.
    """
    if kind not in KINDS or (not wanted and kind not in SHARED_KINDS):
        return Outcome()
    if not wanted and controller_name.encode() not in live:
        return Outcome()
    present = _READ_MAP.decode(live) if live else {}
    fields = _Fields(present, wanted, controller_name, kind, created)
    if _known_generation(wanted) < _written_generation(fields, generation):
        return Outcome()
    for field in _FIELDS[kind]:
        fields.merge(field)
    if not fields.patch:
        return Outcome(None, tuple(fields.left_out))
    merged = Merged(fields.patch, fields.urgent, tuple(fields.turns))
    return Outcome(merged, tuple(fields.left_out))


def times(kind: str, live: bytes, controller_name: str) -> Times:
    """When our conditions flipped, as the cluster remembers it; for `conditions.transitions`.

    Raises:
        msgspec.MsgspecError: `live` is no status.
    """
    if kind not in KINDS or not live:
        return ()
    present = _READ_MAP.decode(live)
    found: list[tuple[str, str, str, str]] = []
    for where, conditions in _lists(present, controller_name):
        found += [(where, *flip) for flip in condition_list.flips(conditions)]
    return tuple(found)


class _Fields:
    """One merge under way: what differs so far."""

    def __init__(
        self, live: _RawMap, wanted: Json, controller_name: str, kind: str, created: str
    ) -> None:
        self.live = live
        self.wanted = wanted
        self.controller_name = controller_name
        self.kind = kind
        self.created = created
        self.patch: Json = {}
        self.urgent = False
        self.turns: list[Turn] = []
        self.left_out: list[LeftOut] = []

    def merge(self, field: str) -> None:
        """Compare one field."""
        wanted: Any = self.wanted.get(field)
        if field == "addresses" and wanted is not None:
            wanted = wanted[:MOST_ADDRESSES]
        if field in _REFERENCES:
            self._entries(field, wanted or [])
        elif field == "conditions":
            live = _list(self.live.get(field))
            conditions, changed = self._conditions(live, wanted or [], "")
            if changed:
                self.patch[field] = conditions
        elif field == "listeners":
            self._listeners(wanted or [])
        else:
            self._value(field, wanted)

    def _value(self, field: str, wanted: object) -> None:
        """A field that only we tell; None: it is not to be there."""
        live = msgspec.json.decode(self.live.get(field, _NOTHING))
        if live == wanted or (wanted is None and not live):
            return
        self.patch[field] = wanted
        self.urgent = self.urgent or field != "attachedListenerSets"

    def _conditions(
        self, live: Iterable[msgspec.Raw], wanted: list[Json], where: str
    ) -> tuple[list[Any], bool]:
        """One list of conditions, and whether it differs."""
        merged = condition_list.merge(live, wanted, where, self.created)
        self.turns += merged.turns
        self.urgent = self.urgent or merged.urgent
        return list(merged.conditions), merged.changed

    def _entries(self, field: str, wanted: list[Json]) -> None:
        """`parents` or `ancestors`."""
        reference = _REFERENCES[field]
        ours = {place(entry[reference]): entry for entry in wanted}
        entries: list[Any] = []
        differs = False
        for raw in _list(self.live.get(field)):
            entry = _READ_MAP.decode(raw)
            if not _is_named(entry, self.controller_name):
                entries.append(raw)
                continue
            told: Json = msgspec.json.decode(entry.get(reference, b"{}"))
            new = ours.pop(place(told), None)
            if new is None:
                self._gone(entry, told)
                differs = True
                continue
            live = _list(entry.get("conditions"))
            conditions, changed = self._conditions(live, new["conditions"], _called(told))
            if changed or told != new[reference]:
                differs = True
                entries.append(new | {"conditions": conditions})
            else:
                entries.append(raw)
        differs = self._append(field, entries, list(ours.values())) or differs
        if differs:
            self.patch[field] = entries

    def _append(self, field: str, entries: list[Any], new: list[Json]) -> bool:
        """Add entries while there is room; whether there is any to add."""
        most = self._most(field)
        room = max(0, most - len(entries))
        for entry in new[:room]:
            where = _called(entry[_REFERENCES[field]])
            conditions, _ = self._conditions((), entry["conditions"], where)
            entries.append(entry | {"conditions": conditions})
            self.urgent = True
        for entry in new[room:]:
            self.left_out.append(LeftOut(field, _called(entry[_REFERENCES[field]]), most))
        return bool(new[:room])

    def _gone(self, entry: _RawMap, reference: Json) -> None:
        """An entry of ours that is told no more."""
        self.urgent = True
        self._conditions(_list(entry.get("conditions")), [], _called(reference))

    def _most(self, field: str) -> int:
        if field == "parents":
            return MOST_PARENTS
        return MOST_BACKEND_ANCESTORS if self.kind == "XBackend" else MOST_ANCESTORS

    def _listeners(self, wanted: list[Json]) -> None:
        """The listeners that we tell, in our order; of each the conditions of others stay."""
        raws = _list(self.live.get("listeners"))
        names = [_text(_READ_MAP.decode(raw).get("name")) for raw in raws]
        differs = names != [new["name"] for new in wanted]
        self.urgent = self.urgent or differs
        live = dict(zip(names, raws, strict=True))
        listeners: list[Any] = []
        for new in wanted:
            listener, changed = self._listener(live.get(new["name"]), new)
            listeners.append(listener)
            differs = differs or changed
        if differs:
            self.patch["listeners"] = listeners or None

    def _listener(self, raw: msgspec.Raw | None, new: Json) -> tuple[Any, bool]:
        """One listener, and whether it differs."""
        entry: _RawMap = {} if raw is None else _READ_MAP.decode(raw)
        where = f"listener {new['name']}"
        conditions, changed = self._conditions(
            _list(entry.get("conditions")), new["conditions"], where
        )
        kinds: Any = msgspec.json.decode(entry.get("supportedKinds", b"[]"))
        count = msgspec.json.decode(entry.get("attachedRoutes", _NOTHING))
        self.urgent = self.urgent or kinds != new["supportedKinds"]
        changed = changed or kinds != new["supportedKinds"] or count != new["attachedRoutes"]
        if raw is not None and not changed:
            return raw, False
        return entry | new | {"conditions": conditions}, True


def _lists(present: _RawMap, controller_name: str) -> Iterator[tuple[str, list[msgspec.Raw]]]:
    """Every list of conditions that ours are in, with its place (see `conditions.Times`)."""
    yield "", _list(present.get("conditions"))
    for raw in _list(present.get("listeners")):
        listener = _READ_MAP.decode(raw)
        yield _text(listener.get("name")), _list(listener.get("conditions"))
    for field, reference in _REFERENCES.items():
        for raw in _list(present.get(field)):
            entry = _READ_MAP.decode(raw)
            if _is_named(entry, controller_name):
                where = place(msgspec.json.decode(entry.get(reference, b"{}")))
                yield where, _list(entry.get("conditions"))


def _written_generation(fields: _Fields, generation: int) -> int:
    """The newest generation that somebody has told our conditions for; 0 if there is none.

    What claims to have seen a generation that the object never had is not counted.
    """
    lists = _lists(fields.live, fields.controller_name)
    own = "conditions" in _FIELDS[fields.kind]
    counted = (conditions for where, conditions in lists if own or where)
    newest = max(map(condition_list.newest_generation, counted), default=0)
    return newest if newest <= generation else 0


def _known_generation(wanted: Json) -> int:
    """The generation that our status was decided on; without conditions it is always new."""
    found = [
        condition["observedGeneration"]
        for where in (wanted, *wanted.get("parents", ()), *wanted.get("ancestors", ()))
        for condition in where.get("conditions", ())
    ]
    return max(found) if found else 1 << 62


def _list(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    return _READ_LIST.decode(raw) if raw is not None and bytes(raw) != _NOTHING else []


def _text(raw: msgspec.Raw | None) -> str:
    return str(msgspec.json.decode(raw)) if raw is not None else ""


def _is_named(entry: _RawMap, controller_name: str) -> bool:
    return _text(entry.get("controllerName")) == controller_name


def _called(reference: Json) -> str:
    """A parent or ancestor, for people: ``Gateway infra/edge (web)``."""
    kind = reference.get("kind", "Gateway")
    namespace = reference.get("namespace")
    name = f"{namespace}/{reference.get('name')}" if namespace else str(reference.get("name"))
    part = reference.get("sectionName") or reference.get("port")
    return f"{kind} {name} ({part})" if part else f"{kind} {name}"
