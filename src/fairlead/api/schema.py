"""All that is wrong with a raw object, measured against its model.

`msgspec` decodes fast and stops at the first error, so this walk runs only on objects that it has
refused (or that hold nulls): raw value in, every finding out. The model is the only schema; what
this walk lets through, `msgspec` decodes. What is wrong at one place says nothing about others.
"""

import math
import re
from collections.abc import Iterator
from functools import cache

import msgspec
from msgspec import inspect

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path, field
from fairlead.api.hints import StructType, Trail, belongs, fields_of, similar, unwrap
from fairlead.api.raw import Raw, is_list, is_map

_YAML11_WORDS = "y, yes, on, true, n, no, off and false"
_LIST_NAME = 5
_MOST_SHOWN = 60
"""Characters of a value that a message repeats."""


class Checker:
    """Checks raw values of one kind.

    Args:
        core: nulls count as absent everywhere (Kubernetes' own kinds); else only in `metadata`
            and where the schema has a default, as for kinds defined by a CRD.
        secret: findings never repeat values.
    """

    def __init__(self, *, core: bool, secret: bool = False) -> None:
        self._core = core
        self._secret = secret

    def check(self, raw: Raw, model: type[msgspec.Struct]) -> tuple[Finding, ...]:
        """Every finding; what is missing where it belongs, since it is elsewhere, counts once."""
        found = tuple(self._struct(raw, struct_info(model), (), ()))
        astray = {each.path[-1] for each in found if each.code == Code.MISPLACED}
        return tuple(
            each for each in found if each.code != Code.REQUIRED or each.path[-1] not in astray
        )

    def _value(self, raw: Raw, info: inspect.Type, path: Path, trail: Trail) -> Iterator[Finding]:
        meaning = _meaning(info)
        match unwrap(info):
            case inspect.StructType() as struct:
                yield from self._struct(raw, struct, path, trail)
            case inspect.VarTupleType() as items:
                yield from self._list(raw, items, path, trail)
            case inspect.DictType() as mapping:
                yield from self._map(raw, mapping, path, trail)
            case inspect.LiteralType() as literal:
                yield from self._literal(raw, literal, path)
            case inspect.UnionType() as union:
                yield from self._union(raw, union, path, trail)
            case scalar:
                yield from self._scalar(raw, scalar, path, meaning)

    def _struct(
        self,
        raw: Raw,
        info: StructType,
        path: Path,
        trail: Trail,
    ) -> Iterator[Finding]:
        if not is_map(raw):
            yield self._mismatch(raw, "an object with fields", path)
            return
        here = (*trail, (path, info))
        fields = fields_of(info)
        unknown = [str(key) for key in raw if key not in fields]
        fallen = set[str]()
        for name, each in fields.items():
            value = raw.get(name)
            at = (*path, name)
            if value is not None:
                yield from self._value(value, each.type, at, here)
            elif name in raw and not self._null_is_absent(at, each):
                yield self._empty(at, each, unknown, fallen)
            elif each.required:
                yield _missing(at, unknown)
        if info.cls.__struct_config__.forbid_unknown_fields:
            for name in unknown:
                if name not in fallen:
                    yield _unknown(name, path, here)

    def _null_is_absent(self, path: Path, each: inspect.Field) -> bool:
        if self._core or path[0] == "metadata":
            return True
        return not each.required and bool(each.default) and each.default is not msgspec.NODEFAULT

    def _empty(
        self, path: Path, each: inspect.Field, unknown: list[str], fallen: set[str]
    ) -> Finding:
        """A field without value; its children may stand next to it instead of below it."""
        name = path[-1]
        struct = unwrap(each.type)
        if isinstance(struct, inspect.VarTupleType):
            struct = unwrap(struct.item_type)
        children = list(fields_of(struct)) if isinstance(struct, inspect.StructType) else []
        stray = [key for key in unknown if key in children]
        if not stray:
            return Finding(Code.EMPTY, path, f"`{name}` has no value", "give it one or remove it")
        fallen.update(stray)
        listed = ", ".join(f"`{key}`" for key in stray)
        return Finding(
            Code.STRUCTURE,
            path,
            f"`{name}` has no children: {listed} stand{'s' if len(stray) == 1 else ''} next to it",
            f"indent {listed} below `{name}`",
        )

    def _list(
        self,
        raw: Raw,
        info: inspect.VarTupleType,
        path: Path,
        trail: Trail,
    ) -> Iterator[Finding]:
        if not is_list(raw):
            remedy = "start each entry with `- `" if is_map(raw) else ""
            yield self._mismatch(raw, "a list", path, remedy)
            return
        if info.max_length is not None and len(raw) > info.max_length:
            yield _bounds(path, f"has {len(raw)} entries, at most {info.max_length} are allowed")
        if len(raw) < (info.min_length or 0):
            yield _bounds(path, f"has {len(raw)} entries, at least {info.min_length} must be given")
        for index, value in enumerate(raw):
            yield from self._value(value, info.item_type, (*path, index), trail)

    def _map(
        self,
        raw: Raw,
        info: inspect.DictType,
        path: Path,
        trail: Trail,
    ) -> Iterator[Finding]:
        if not is_map(raw):
            yield self._mismatch(raw, "a mapping", path)
            return
        if info.max_length is not None and len(raw) > info.max_length:
            yield _bounds(path, f"has {len(raw)} entries, at most {info.max_length} are allowed")
        if len(raw) < (info.min_length or 0):
            yield _bounds(path, f"has {len(raw)} entries, at least {info.min_length} must be given")
        for key, value in raw.items():
            yield from self._value(value, info.value_type, (*path, str(key)), trail)

    def _union(
        self,
        raw: Raw,
        info: inspect.UnionType,
        path: Path,
        trail: Trail,
    ) -> Iterator[Finding]:
        wanted = inspect.StrType if isinstance(raw, str) else inspect.IntType
        for each in info.types:
            if isinstance(unwrap(each), wanted):
                yield from self._value(raw, each, path, trail)
                return
        yield self._mismatch(raw, "a number or a string", path)

    def _literal(self, raw: Raw, info: inspect.LiteralType, path: Path) -> Iterator[Finding]:
        if raw in info.values and not isinstance(raw, bool):
            return
        listed = ", ".join(str(value) for value in info.values)
        if type(raw) is not type(info.values[0]):
            yield self._mismatch(raw, f"one of {listed}", path)
            return
        meant = similar(str(raw), [str(value) for value in info.values])
        yield Finding(
            Code.NOT_IN_ENUM,
            path,
            f"{self._shown(raw)} is not one of {listed}",
            f"did you mean `{meant}`?" if meant else "",
        )

    def _scalar(self, raw: Raw, info: inspect.Type, path: Path, meaning: str) -> Iterator[Finding]:
        match info:
            case inspect.StrType():
                if isinstance(raw, str):
                    yield from self._string(raw, info, path, meaning)
                else:
                    yield self._mismatch(raw, "a string", path, _quote(raw))
            case inspect.BoolType():
                if not isinstance(raw, bool):
                    yield self._mismatch(raw, "true or false", path)
            case inspect.IntType() | inspect.FloatType():
                whole = isinstance(info, inspect.IntType)
                if isinstance(raw, bool) or not isinstance(raw, int | float):
                    words = "a whole number" if whole else "a number"
                    unquote = "write it without quotes" if _digits(raw) else ""
                    yield self._mismatch(raw, words, path, unquote)
                elif not math.isfinite(raw) or (whole and int(raw) != raw):
                    yield self._mismatch(raw, "a whole number" if whole else "a number", path)
                else:
                    yield from self._number(raw, info, path)
            case _:
                return

    def _string(
        self, raw: str, info: inspect.StrType, path: Path, meaning: str
    ) -> Iterator[Finding]:
        if not raw and info.min_length:
            yield Finding(Code.BOUNDS, path, "is empty", "give it a value or remove it")
        elif info.max_length is not None and len(raw) > info.max_length:
            yield _bounds(path, f"has {len(raw)} characters, at most {info.max_length} are allowed")
        elif info.pattern and not re.search(info.pattern, raw):
            yield _bounds(path, f"{self._shown(raw)} is not {meaning or 'in the expected format'}")

    def _number(
        self, raw: float, info: inspect.IntType | inspect.FloatType, path: Path
    ) -> Iterator[Finding]:
        if info.ge is not None and raw < info.ge:
            yield _bounds(path, f"{raw} is too low, the lowest is {info.ge}")
        elif info.le is not None and raw > info.le:
            yield _bounds(path, f"{raw} is too high, the highest is {info.le}")

    def _mismatch(self, raw: Raw, wanted: str, path: Path, remedy: str = "") -> Finding:
        return Finding(Code.WRONG_TYPE, path, f"must be {wanted}, not {self._kind(raw)}", remedy)

    def _kind(self, raw: Raw) -> str:
        match raw:
            case None:
                return "empty"
            case bool():
                return f"the boolean {str(raw).lower()}"
            case int() | float():
                return "a number" if self._secret else f"the number {raw}"
            case str():
                return "a string" if self._secret else f"the string {_short(raw)}"
            case list():
                return "a list"
            case _:
                return "an object"

    def _shown(self, raw: Raw) -> str:
        return "the value" if self._secret else _short(str(raw))


@cache
def struct_info(model: type[msgspec.Struct]) -> StructType:
    """The model as msgspec sees it."""
    info = inspect.type_info(model)
    assert isinstance(info, inspect.StructType)  # noqa: S101 - a Struct's info is no other
    return info


def _meaning(info: inspect.Type) -> str:
    """The words of `fairlead.api.scalar` for what a value must be."""
    if isinstance(info, inspect.UnionType):
        return next((words for each in info.types if (words := _meaning(each))), "")
    if not isinstance(info, inspect.Metadata):
        return ""
    extra: dict[str, str] = msgspec.to_builtins(info).get("extra_json_schema") or {}
    return extra.get("description", "") or _meaning(info.type)


def _missing(path: Path, unknown: list[str]) -> Finding:
    meant = similar(str(path[-1]), unknown)
    remedy = f"`{meant}` next to it looks like it" if meant else ""
    return Finding(Code.REQUIRED, path, f"`{path[-1]}` is required", remedy)


def _unknown(name: str, path: Path, trail: Trail) -> Finding:
    at = (*path, name)
    fields = fields_of(trail[-1][1])
    folded = {each.casefold() for each in fields}
    place = "" if name.casefold() in folded else belongs(name, trail)
    if place:
        return Finding(
            Code.MISPLACED,
            at,
            f"`{name}` does not belong under {field(path) or 'the top of the object'}",
            f"it belongs under {place}: check the indentation",
        )
    meant = similar(name, fields)
    remedy = f"did you mean `{meant}`?" if meant else _listed(fields)
    return Finding(Code.UNKNOWN_FIELD, at, f"unknown field `{name}`", remedy)


def _listed(fields: object) -> str:
    names = sorted(str(each) for each in fields) if is_map(fields) else []
    if not 0 < len(names) <= _LIST_NAME:
        return "remove it"
    return "its fields are " + ", ".join(f"`{name}`" for name in names)


def _bounds(path: Path, message: str) -> Finding:
    return Finding(Code.BOUNDS, path, message)


def _quote(raw: Raw) -> str:
    if isinstance(raw, bool):
        return f"put it in quotes: without them YAML reads {_YAML11_WORDS} as booleans"
    if isinstance(raw, int | float):
        return "put it in quotes"
    return ""


def _digits(raw: Raw) -> bool:
    return isinstance(raw, str) and raw.isascii() and raw.isdigit()


def _short(text: str) -> str:
    return f"`{text}`" if len(text) <= _MOST_SHOWN else f"`{text[:_MOST_SHOWN]}…`"
