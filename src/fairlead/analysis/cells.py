"""Cells that tables of several kinds share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from fairlead.analysis.acknowledged import acknowledged
from fairlead.analysis.table import Column, age
from fairlead.analysis.view import View
from fairlead.translate.report import Condition, ParentReport
from fairlead.translate.sources import Key

Cells: TypeAlias = tuple[str, ...]

_BAD_WHEN_TRUE = {"Conflicted", "NotApplied", "OverlappingTLSConfig", "PartiallyInvalid", "Warning"}
"""Types of conditions that tell of something wrong by being True."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Columns of a kind, and the function that fills them."""

    columns: tuple[Column, ...]
    lines: Callable[[View, Key, Any], Iterator[Cells]]


def age_of(view: View, kind: str, key: Key) -> str:
    """How long an object has been there."""
    return age(view.born(kind, key), view.live.now())


def said(conditions: tuple[Condition, ...], kind: str) -> str:
    """The status of the condition of a type, ``Unknown`` if there is none."""
    found = (condition.status for condition in conditions if condition.type == kind)
    return next(found, "Unknown")


def trouble(conditions: tuple[Condition, ...]) -> Condition | None:
    """The condition that says best what is wrong, None if nothing is."""
    for condition in conditions:
        bad = "True" if condition.type in _BAD_WHEN_TRUE else "False"
        if condition.status == bad:
            return condition
    return None


def reason_and_message(conditions: tuple[Condition, ...]) -> tuple[str, str]:
    """What is wrong in a word and in words; both empty if nothing is."""
    bad = trouble(conditions)
    return (bad.reason, bad.message) if bad else ("", "")


def programmed(view: View, parent: ParentReport, kind: str, key: Key) -> str:
    """``ACKED/TOTAL`` proxies, ``-`` where none shall serve the route for this parent."""
    acked, total = acknowledged(view, parent, kind, key)
    return f"{acked}/{total}" if total else "-"
