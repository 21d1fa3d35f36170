"""Names that are slips of others: a letter too many, too few, another one, or two swapped.

Stricter than `api.hints.similar`, since names of objects are alike on purpose: versions, colours
and letters that tell them apart are no slips.
"""

import re
from collections.abc import Iterable
from typing import Final

_SEPARATORS: Final = re.compile(r"[-.]+")
_LEAST: Final = 4
"""Letters that a word needs for a slip in it to be one."""
_LONG: Final = 8
"""Letters of a word in which two slips may be."""
_PROTOCOLS: Final = frozenset({"http", "https", "grpc", "grpcs"})


def slip_of(name: str, known: Iterable[str]) -> str:
    """The one of `known` that `name` is a slip of; empty if there is none."""
    return next((each for each in sorted(known) if _is_slip(name, each)), "")


def _is_slip(name: str, other: str) -> bool:
    one, two = _SEPARATORS.split(name), _SEPARATORS.split(other)
    if "".join(one) == "".join(two):
        return name != other
    if len(one) != len(two):
        return False
    differing = [(a, b) for a, b in zip(one, two, strict=True) if a != b]
    return len(differing) == 1 and _is_slip_of_word(*differing[0])


def _is_slip_of_word(one: str, other: str) -> bool:
    if {one, other} <= _PROTOCOLS or min(len(one), len(other)) < _LEAST:
        return False
    if re.sub(r"\d+", "0", one) == re.sub(r"\d+", "0", other):
        return False
    return distance(one, other) <= (1 if max(len(one), len(other)) < _LONG else 2)


def distance(one: str, other: str) -> int:
    """How many letters have to be inserted, removed, replaced or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and (a, one[i - 2]) == (other[j - 2], b):
                best = min(best, earlier[j - 2] + 1)
            row.append(best)
    return row[-1]
