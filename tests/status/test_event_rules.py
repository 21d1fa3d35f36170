"""Which turns of conditions users hear of, and in which words."""

import pytest

from fairlead.status.condition_list import Told, Turn
from fairlead.status.event_rules import LONGEST_NOTE, News, news, no_room, told
from fairlead.status.merge import LeftOut


def turn(kind, before, after, place=""):
    """`before` and `after`: status and reason, or None where the condition is not there."""
    return Turn(place, kind, *(Told(*each, "words") if each else None for each in (before, after)))


HOLDS, FAILS = ("True", "Accepted"), ("False", "NoMatchingParent")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (turn("Accepted", None, HOLDS), None),
        (turn("Accepted", ("Unknown", "Pending"), HOLDS), None),
        (turn("Accepted", None, FAILS), ("Warning", "NoMatchingParent", "words")),
        (turn("Accepted", FAILS, HOLDS), ("Normal", "Accepted", "words")),
        (turn("Accepted", FAILS, None), None),
        (turn("Accepted", FAILS, ("False", "NotAllowedByListeners")),
         ("Warning", "NotAllowedByListeners", "words")),
        (turn("Programmed", HOLDS, ("False", "Pending")), None),
        (turn("Programmed", ("False", "Pending"), HOLDS), None),
        (turn("PartiallyInvalid", None, ("True", "UnsupportedValue")),
         ("Warning", "UnsupportedValue", "words")),
        (turn("PartiallyInvalid", ("True", "UnsupportedValue"), None),
         ("Normal", "Resolved", "no longer PartiallyInvalid")),
        (turn("Conflicted", ("True", "HostnameConflict"), ("False", "NoConflicts")),
         ("Normal", "Resolved", "no longer Conflicted")),
        (turn("Conflicted", None, ("False", "NoConflicts")), None),
        (turn("SupportedVersion", HOLDS, FAILS), None),
        (turn("ResolvedRefs", None, FAILS, "listener web"),
         ("Warning", "NoMatchingParent", "listener web: words")),
    ],
)  # fmt: skip
def test_a_warning_begins_what_users_put_right_and_normal_ends_it(given, expected):
    found = news(given)
    assert (found and (found.type, found.reason, found.note)) == expected


def test_what_follows_from_a_listener_is_not_told_of_the_gateway_too():
    cause = turn("ResolvedRefs", HOLDS, ("False", "InvalidCertificateRef"), "listener web")
    turns = [
        turn("Accepted", HOLDS, ("False", "ListenersNotValid")),
        turn("Programmed", HOLDS, ("False", "Invalid")),
        cause,
        turn("Programmed", HOLDS, ("False", "Invalid"), "listener web"),
    ]
    assert list(told(turns)) == [cause]
    assert list(told(turns[:2])) == turns[:2]


def test_notes_fit_an_event():
    long = Turn("", "Accepted", None, Told("False", "Reason", "ä" * 2000))
    found = news(long)
    assert found is not None
    assert len(found.note.encode()) <= LONGEST_NOTE
    assert found.note.endswith("ä…")


def test_a_status_without_room_says_what_to_do():
    found = no_room(LeftOut("ancestors", "Gateway infra/edge", 16))
    assert isinstance(found, News)
    assert "Gateway infra/edge" in found.note
    assert "remove" in found.note
