"""Which turns of conditions users are told by Events, in which words. Pure.

A Warning when something that users have to put right begins, Normal when it ends. What is merely
under way (reason Pending), and what follows from another condition of the same place, is no news.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

import msgspec

from fairlead.status.condition_list import Told, Turn
from fairlead.status.merge import LeftOut

LONGEST_NOTE: Final = 1024
"""Bytes of Event.note."""

_GOOD_WHEN_TRUE: Final = {
    "Accepted": "Accept",
    "ResolvedRefs": "ResolveReferences",
    "Programmed": "Program",
    "AddressesAssigned": "AssignAddresses",
}
_GOOD_WHEN_ABSENT: Final = {
    "Conflicted": "Accept",
    "OverlappingTLSConfig": "Accept",
    "PartiallyInvalid": "Accept",
    "NotApplied": "Apply",
}
"""Conditions that users read of, with the action of their Events."""
_UNDER_WAY: Final = frozenset({"Pending", "Waiting"})
_FOLLOWS: Final = frozenset(
    {"Invalid", "ListenersNotResolved", "ListenersNotValid", "ParentNotProgrammed"}
)
"""Reasons of conditions that repeat what another one of the object says."""


class News(msgspec.Struct, frozen=True):
    """One Event, but for whom it regards and when."""

    type: Literal["Warning", "Normal"]
    action: str
    reason: str
    note: str


def news(turn: Turn) -> News | None:
    """What users are told of a turn; None if nothing."""
    action = _GOOD_WHEN_TRUE.get(turn.type) or _GOOD_WHEN_ABSENT.get(turn.type)
    if action is None or turn.before == turn.after:
        return None
    before, after = _wrong(turn.type, turn.before), _wrong(turn.type, turn.after)
    where = f"{turn.place}: " if turn.place else ""
    if after and turn.after is not None:
        return News("Warning", action, turn.after.reason, _note(where + turn.after.message))
    if not before:
        return None
    if turn.after is not None and turn.after.status == "True":
        text = turn.after.message or f"{turn.type} is True again"
        return News("Normal", action, turn.after.reason, _note(where + text))
    if turn.type in _GOOD_WHEN_ABSENT:
        return News("Normal", action, "Resolved", _note(f"{where}no longer {turn.type}"))
    return None


def told(turns: Iterable[Turn]) -> Iterator[Turn]:
    """Those of an object's turns that users hear of, without what only follows from others."""
    known = list(turns)
    causes = {_object_of(turn) for turn in known if _wrong(turn.type, turn.after, cause=True)}
    for turn in known:
        follows = turn.after is not None and turn.after.reason in _FOLLOWS
        if not (follows and _object_of(turn) in causes):
            yield turn


def no_room(left_out: LeftOut) -> News:
    """What users are told where an entry of ours finds no room."""
    text = (
        f"status.{left_out.field} is full ({left_out.most} entries): there is no room for "
        f"{left_out.reference}; remove parents, or entries of controllers that are gone"
    )
    return News("Warning", "WriteStatus", "StatusFull", _note(text))


def _object_of(turn: Turn) -> str:
    """Listeners repeat into their object and the other way round; parents stand alone."""
    return "" if turn.place.startswith("listener ") else turn.place


def _wrong(kind: str, said: Told | None, *, cause: bool = False) -> bool:
    """Whether a condition says what users have to put right.

    Args:
        kind: its type.
        said: None if it is not there.
        cause: only if it doesn't follow from others.
    """
    if said is None or said.reason in _UNDER_WAY or (cause and said.reason in _FOLLOWS):
        return False
    if kind in _GOOD_WHEN_TRUE:
        return said.status == "False"
    return kind in _GOOD_WHEN_ABSENT and said.status == "True"


def _note(text: str) -> str:
    """`text`, cut to what an Event takes."""
    encoded = text.encode()
    if len(encoded) <= LONGEST_NOTE:
        return text
    return encoded[: LONGEST_NOTE - 3].decode(errors="ignore") + "…"
