"""What a user probably meant: similar names, and the place where a misplaced field belongs."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from fairlead.api.finding import Path, field

_CLOSE = 0.75
_DEPTH = 6

StructType: TypeAlias = msgspec.inspect.StructType
Trail: TypeAlias = tuple[tuple[Path, StructType], ...]
"""Structs from an object's top to the one at hand, each with its path."""


def similar(word: str, words: Iterable[str]) -> str:
    """The one of `words` that `word` is a slip of; empty if there is none."""
    known = sorted(words)
    for candidate in known:
        if candidate.casefold() == word.casefold():
            return candidate
    close = difflib.get_close_matches(word, known, n=1, cutoff=_CLOSE)
    return close[0] if close else ""


def fields_of(struct: StructType) -> Mapping[str, msgspec.inspect.Field]:
    """Fields of a model by the spec's name."""
    return {each.encode_name: each for each in struct.fields}


def unwrap(info: msgspec.inspect.Type) -> msgspec.inspect.Type:
    """The type behind metadata and `| None`; a union of several types is returned as it is."""
    while True:
        if isinstance(info, msgspec.inspect.Metadata):
            info = info.type
        elif isinstance(info, msgspec.inspect.UnionType):
            some = [each for each in info.types if not isinstance(each, msgspec.inspect.NoneType)]
            if len(some) != 1:
                return info
            info = some[0]
        else:
            return info


def belongs(name: str, trail: Trail) -> str:
    """Where the misplaced field `name` belongs, such as `spec.rules[0]`; empty if nowhere.

    Args:
        name: a field that the innermost struct does not have.
        trail: structs from the object's top to the one that holds `name`, with their paths.
    """
    for path, struct in reversed(trail[:-1]):
        if name in fields_of(struct):
            return field(path) or "the top of the object"
    for path, struct in reversed(trail):
        below = _below(name, path, struct)
        if below:
            return below
    return ""


def _below(name: str, path: Path, struct: StructType) -> str:
    """Breadth first: the nearest struct under `path` that has the field."""
    level: list[tuple[str, StructType]] = [(field(path), struct)]
    for _ in range(_DEPTH):
        deeper: list[tuple[str, StructType]] = []
        for text, each in level:
            for key, entry in fields_of(each).items():
                child, suffix = unwrap(entry.type), ""
                if isinstance(child, msgspec.inspect.VarTupleType):
                    child, suffix = unwrap(child.item_type), "[]"
                if isinstance(child, msgspec.inspect.StructType) and key != "metadata":
                    where = f"{text}.{key}{suffix}" if text else key + suffix
                    if name in fields_of(child):
                        return where
                    deeper.append((where, child))
        level = deeper
    return ""
