"""What is left of a raw object without what its schema refuses.

In: a raw object and findings of the schema. Out: a copy that has only what they don't touch, so
that the rules of its kind can be asked about the rest, and a way back from paths in the copy to
paths in the original. An object with errors is not let in whatever is found here: this is only so
that its owner hears everything at once.
"""

from collections.abc import Iterable, Iterator

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.raw import Raw, is_list, is_map


class Remnant:
    """A raw object from which places were taken.

    Args:
        raw: the object, which stays as it is.
        gone: places that are not in the copy, as paths in the original.
    """

    def __init__(self, raw: Raw, gone: Iterable[Path] = ()) -> None:
        self._original = raw
        self._gone = frozenset(gone)
        self._positions: dict[Path, list[int]] = {}
        self.raw: Raw = self._copy(raw, (), ())
        """The copy."""

    def without(self, findings: Iterable[Finding]) -> "Remnant | None":
        """A copy that lacks what `findings` of this one name as well; None if nothing is left.

        A field that is missing takes along what it is missing from.
        """
        places = set(self._gone)
        for found in findings:
            path = found.path
            at = self.origin(path[:-1] if found.code == Code.REQUIRED else path)
            if not at:
                return None
            places.add(at)
        return Remnant(self._original, places)

    def origin(self, path: Path) -> Path:
        """Where something in the copy was in the original."""
        found: Path = ()
        for depth, part in enumerate(path):
            positions = self._positions.get(path[:depth], ())
            if isinstance(part, int) and part < len(positions):
                found += (positions[part],)
            else:
                found += (part,)
        return found

    def _copy(self, raw: Raw, at: Path, here: Path) -> Raw:
        """Copy what is at `at` in the original to `here` in the copy."""
        if is_map(raw):
            kept = ((key, value) for key, value in raw.items() if (*at, key) not in self._gone)
            return {key: self._copy(value, (*at, key), (*here, key)) for key, value in kept}
        if is_list(raw):
            kept = [each for each in enumerate(raw) if (*at, each[0]) not in self._gone]
            self._positions[here] = [index for index, _ in kept]
            return [
                self._copy(value, (*at, index), (*here, position))
                for position, (index, value) in enumerate(kept)
            ]
        return raw


def unrelated(found: Iterable[Finding], causes: Iterable[Finding]) -> Iterator[Finding]:
    """Those of `found` that don't merely follow from `causes` and what was taken because of them.

    From an unknown field follows at most that the one is missing which it was meant for.
    """
    causes = tuple(causes)
    for each in found:
        if not any(_near(each.path, cause.path) and _tells(each, cause) for cause in causes):
            yield each


def _near(path: Path, place: Path) -> bool:
    """Whether one holds the other, or they stand side by side."""
    shared = min(len(path), len(place))
    return path[:shared] == place[:shared] or path[:-1] == place[:-1]


def _tells(found: Finding, cause: Finding) -> bool:
    if cause.code != Code.UNKNOWN_FIELD:
        return True
    meant = cause.remedy.partition("`")[2].partition("`")[0]
    return bool(meant) and f"`{meant}" in found.message + found.remedy
