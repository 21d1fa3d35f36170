"""Lists of conditions, merged: ours take their place, those of others stay as they are.

In: a list as it is in the cluster, each entry as raw JSON, and ours. Out: the list to write, in
which what needs no change is the same bytes, and which of ours have turned. The rules are those of
Gateway API's `conditions`: one of each type, no other type removed, changed or reordered,
`lastTransitionTime` of the last flip, never an older `observedGeneration` over a newer one.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from fairlead.status.conditions import Json

MOST: Final = 8
"""Conditions that every schema of Gateway API allows in a list (maxItems)."""
LONGEST_MESSAGE: Final = 4096
"""Characters of a message that are written.

Schemas take 32,768 in each; an object as a whole may have 1.5 MB, and lists have up to 64 entries.
"""

OURS: Final = frozenset(
    {
        "Accepted",
        "Active",
        "AddressesAssigned",
        "Conflicted",
        "DefaultGateway",
        "InsecureFrontendValidationMode",
        "OverlappingTLSConfig",
        "PartiallyInvalid",
        "Programmed",
        "ResolvedRefs",
        "SupportedVersion",
    }
)
"""Types of conditions that translation tells on objects with a status of ours.

One of these that is no longer told is removed; any other type is somebody else's.
"""


class Told(msgspec.Struct, frozen=True, gc=False):
    """What a condition says, without its times."""

    status: str
    reason: str
    message: str


class Turn(msgspec.Struct, frozen=True, gc=False):
    """A condition of ours whose status or reason is no longer what it was."""

    place: str
    """Where in the object it stands: empty, ``listener NAME``, ``parent KIND NAMESPACE/NAME``."""
    type: str
    before: Told | None
    """What it said in the cluster; None if it was not there."""
    after: Told | None
    """What it says now; None if it is gone."""


class _Condition(msgspec.Struct, frozen=True, gc=False):
    """metav1.Condition as it is in the cluster."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    observedGeneration: int = 0  # noqa: N815 - the field's name in JSON
    lastTransitionTime: str = ""  # noqa: N815 - the field's name in JSON


class Merged(msgspec.Struct, frozen=True):
    """A list of conditions to write."""

    conditions: tuple[Any, ...]
    """Raw JSON or a JSON object each."""
    changed: bool
    """Whether the list differs from what is in the cluster."""
    urgent: bool
    """Whether more than messages differ."""
    turns: tuple[Turn, ...]


def merge(live: Iterable[msgspec.Raw], wanted: Sequence[Json], place: str, created: str) -> Merged:
    """Put our conditions into a list.

    Args:
        live: the list as it is in the cluster.
        wanted: ours, the more important first. Where the list would become longer than `MOST`,
            the last of ours are left out.
        place: for `Turn.place`.
        created: when the object was created, RFC 3339 in UTC; what is remembered of the times of
            its conditions may be about one of the same name that is gone.
    """
    present = [(_decode(raw), raw) for raw in live]
    foreign = sum(known.type not in OURS for known, _ in present)
    room = wanted[: max(0, MOST - foreign)]
    ours = {str(condition["type"]): _clipped(condition) for condition in room}
    conditions: list[Any] = []
    turns: list[Turn] = []
    changed = urgent = False
    for known, raw in present:
        new = ours.pop(known.type, None)
        if new is None:
            if known.type in OURS:
                changed = urgent = True
                turns.append(Turn(place, known.type, _told(known), None))
            else:
                conditions.append(raw)
            continue
        if _says(known, new):
            conditions.append(raw)
            continue
        changed = True
        urgent = urgent or not _says(known, new | {"message": known.message})
        if (known.status, known.reason) != (new["status"], new["reason"]):
            turns.append(Turn(place, known.type, _told(known), _told_by(new)))
        conditions.append(_timed(known, new))
    for kind, new in ours.items():
        changed = urgent = True
        turns.append(Turn(place, kind, None, _told_by(new)))
        later = max(created, str(new["lastTransitionTime"]))
        conditions.append(new | {"lastTransitionTime": later})
    return Merged(tuple(conditions), changed, urgent, tuple(turns))


def newest_generation(live: Iterable[msgspec.Raw]) -> int:
    """The greatest `observedGeneration` of our types of condition, 0 if there is none."""
    known = (_decode(raw) for raw in live)
    return max((each.observedGeneration for each in known if each.type in OURS), default=0)


def flips(live: Iterable[msgspec.Raw]) -> list[tuple[str, str, str]]:
    """(type, status, lastTransitionTime) of each of our types of condition."""
    known = (_decode(raw) for raw in live)
    return [
        (each.type, each.status, each.lastTransitionTime) for each in known if each.type in OURS
    ]


def _decode(raw: msgspec.Raw) -> _Condition:
    return msgspec.json.decode(raw, type=_Condition)


def _clipped(condition: Json) -> Json:
    """The condition with a message that the schema takes."""
    message = str(condition["message"])
    if len(message) <= LONGEST_MESSAGE:
        return condition
    return condition | {"message": message[: LONGEST_MESSAGE - 1] + "…"}


def _says(known: _Condition, new: Json) -> bool:
    """Whether a condition in the cluster says what ours does, whatever its time."""
    return (
        known.status == new["status"]
        and known.reason == new["reason"]
        and known.message == new["message"]
        and known.observedGeneration == new["observedGeneration"]
    )


def _timed(known: _Condition, new: Json) -> Json:
    """Ours with the time of its last flip: the cluster's if it has not flipped since.

    A flip is never before the last one that the cluster knows of, whoever wrote that.
    """
    if known.status == new["status"] and known.lastTransitionTime:
        return new | {"lastTransitionTime": known.lastTransitionTime}
    later = max(known.lastTransitionTime, str(new["lastTransitionTime"]))
    return new | {"lastTransitionTime": later}


def _told(known: _Condition) -> Told:
    return Told(known.status, known.reason, known.message)


def _told_by(new: Json) -> Told:
    return Told(str(new["status"]), str(new["reason"]), str(new["message"]))
