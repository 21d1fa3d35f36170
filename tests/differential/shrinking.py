"""Smaller cases of a configuration and a request."""

import copy
from collections.abc import Iterator
from typing import Any

import msgspec

from differential.world import Raw
from fairlead.analysis.explain import Request

Place = tuple[str | int | slice, ...]
LONG = 4
_KEPT = frozenset({"apiVersion", "kind", "metadata", "type", "name", "namespace", "port"})


def smaller(raw: list[Raw], request: Request) -> Iterator[tuple[list[Raw], Request]]:
    """Cases with one thing less, the largest things first."""
    for index in range(len(raw) - 1, 0, -1):
        yield raw[:index] + raw[index + 1 :], request
    for index in range(len(request.headers)):
        rest = request.headers[:index] + request.headers[index + 1 :]
        yield raw, msgspec.structs.replace(request, headers=rest)
    for index, obj in enumerate(raw):
        for place in sorted(_places(obj["spec"], ("spec",)), key=_size):
            cut = copy.deepcopy(obj)
            holder: Any = cut
            for step in place[:-1]:
                holder = holder[step]
            del holder[place[-1]]
            yield [*raw[:index], cut, *raw[index + 1 :]], request


def _places(value: Any, place: Place) -> Iterator[Place]:
    """Whatever may be left out; of long lists the halves as well."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in _KEPT:
                yield (*place, name)
                yield from _places(each, (*place, name))
    elif isinstance(value, list):
        if len(value) >= LONG:
            middle = len(value) // 2
            yield from ((*place, slice(0, middle)), (*place, slice(middle, None)))
        for index, each in enumerate(value):
            yield (*place, index)
            yield from _places(each, (*place, index))


def _size(place: Place) -> tuple[int, bool]:
    """Halves come before single entries, and what holds others before these."""
    return len(place), not isinstance(place[-1], slice)
