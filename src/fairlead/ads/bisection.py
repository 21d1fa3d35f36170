"""Which of many suspects did Envoy refuse? Halve them until one is left.

A group of suspects is tried by sending it; all other suspects are held back meanwhile. A refused
group is cut in two. If the first half passes, the other one must be at fault and need not be
tried as a whole. Envoy's words only decide how a group is cut, never who is guilty.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Suspect(NamedTuple):
    """Content that was in a refused response and that Envoy is not known to accept."""

    name: str
    """Name of the resource."""
    part: str | None
    """Key of the part, None for the resource's head."""
    digest: bytes


@dataclass(slots=True, eq=False)
class Group:
    """Suspects that are tried together."""

    suspects: tuple[Suspect, ...]
    message: str
    """Envoy's words about the response they come from."""
    guilty: bool = False
    """True where the answer is known without trying: the other half has passed."""
    other: "Group | None" = None
    """The half that is guilty if this one passes."""


def mentions(message: str, name: str) -> bool:
    """Whether the message names something, not just something that contains the name."""
    if not name:
        return False
    return re.search(rf"(?<![\w/.@-]){re.escape(name)}(?![\w/@-])", message) is not None


def cut(group: Group) -> tuple[Group, Group]:
    """Two parts of a group, neither empty.

    What the message names comes last. Else heads come first, since nothing of a resource can be
    sent without its head, and what stays is cut in halves.
    """
    named = {
        suspect
        for suspect in group.suspects
        if mentions(group.message, suspect.part or "") or mentions(group.message, suspect.name)
    }
    first = tuple(suspect for suspect in group.suspects if suspect not in named)
    if not first or not named:
        first = tuple(suspect for suspect in group.suspects if suspect.part is None)
    if not first or len(first) == len(group.suspects):
        first = group.suspects[: len(group.suspects) // 2]
    taken = set(first)
    rest = tuple(suspect for suspect in group.suspects if suspect not in taken)
    second = Group(rest, group.message)
    return Group(first, group.message, other=second), second


@dataclass(slots=True)
class Bisection:
    """The trials of one type; one at a time."""

    running: Group | None = None
    _queue: deque[Group] = field(default_factory=deque[Group])

    def __len__(self) -> int:
        return len(self._queue) + (self.running is not None)

    def refused(self, suspects: Iterable[Suspect], message: str) -> tuple[Suspect, ...]:
        """Enter suspects of a refused response.

        Returns:
            The culprit where there is only one suspect, else nothing: more trials are needed.
        """
        group = Group(tuple(suspects), message)
        if len(group.suspects) <= 1:
            return group.suspects
        self._queue.extendleft(reversed(cut(group)))
        return ()

    def start(self) -> Group | None:
        """The next group to try, or, where it is `guilty` and alone, to condemn.

        Whoever calls ends it by `done` or `again`. None while another trial is under way.
        """
        if self.running is not None or not self._queue:
            return None
        group = self._queue.popleft()
        while group.guilty and len(group.suspects) > 1:
            group, second = cut(group)
            self._queue.appendleft(second)
        self.running = group
        return group

    def again(self) -> None:
        """The trial could not be made, or its answer is lost: make it later."""
        if self.running is not None:
            self._queue.appendleft(self.running)
            self.running = None

    def done(self, *, passed: bool) -> None:
        """The trial has its answer."""
        group, self.running = self.running, None
        if group is not None and passed and group.other is not None:
            group.other.guilty = True

    def withdraw(self, name: str) -> tuple[Suspect, ...]:
        """Take the suspects of a resource out of the waiting groups; returns them."""
        found: list[Suspect] = []
        for group in self._groups():
            gone = [suspect for suspect in group.suspects if suspect.name == name]
            if gone:
                found.extend(gone)
                self._shrink(group, gone)
        return tuple(found)

    def drop(self, suspects: Iterable[Suspect]) -> None:
        """Forget suspects whose content is no longer wanted."""
        gone = set(suspects)
        for group in self._groups():
            self._shrink(group, gone)

    def _groups(self) -> Iterator[Group]:
        if self.running is not None:
            yield self.running
        yield from list(self._queue)

    def _shrink(self, group: Group, gone: Iterable[Suspect]) -> None:
        left = tuple(suspect for suspect in group.suspects if suspect not in set(gone))
        if left == group.suspects:
            return
        group.suspects = left
        group.guilty = False
        group.other = None
        for earlier in self._queue:
            if earlier.other is group:
                earlier.other = None
        if self.running is not None and self.running.other is group:
            self.running.other = None
        if not left and group is not self.running:
            self._queue.remove(group)
